package transport

import (
	"container/heap"
	"context"
	"math"
	"sync"
	"time"

	"stocksyncd/reconcile/inventory"
)

// Never is the wait of a budget that no passing of time makes room in, only an
// answer that is still on its way.
const Never = time.Duration(math.MaxInt64)

// parts is how much of what a budget gives an urgency is sure of while others
// are more urgent. Their sum is below a quarter, and the rest is always the
// most urgent's.
var parts = [...]float64{
	inventory.Writing: 1, inventory.Asked: 1. / 8, inventory.Hot: 1. / 16,
	inventory.Hearing: 1. / 32, inventory.Sweeping: 1. / 64,
}

// Queue is the line before one budget. Who is let in next:
//
//   - The most urgent, by the context ([inventory.UrgencyOf]).
//   - A less urgent one when it is due: when so much was let in since it stood
//     first of its urgency that its part of it pays for it. The earliest due
//     goes first. This is its virtual finish time, counted in cost and not in
//     seconds, so that a line which stands still makes nobody due.
//   - But no due one goes ahead of one that is more urgent than what was let in
//     last. So a write that comes alone is always next, whatever is due, and
//     between two writes of many there is at most one other request.
//   - Within an urgency the flows take turns, each by the cost of what it was
//     let in with: one that asks a thousand times and one that asks once wait
//     alike. A flow is what is asked for, [Request.Name].
//
// Whoever is next is waited for: what costs less and would fit already is not
// let past it, or a dear request would never see the budget full enough. Only
// one that is more urgent still takes its place.
//
// The line has no goroutine of its own. It wakes who is let in and nobody else.
type Queue struct {
	mu    sync.Mutex
	enter func(now time.Time, cost float64) (wait time.Duration, in bool)

	classes [len(parts)]class
	waiting int
	asked   float64           // cost of those who wait
	spent   float64           // cost of all that was let in: the clock of what is due
	last    inventory.Urgency // of the one let in last
	turn    uint64            // numbers the turns of flows, for those that are even
	timer   *time.Timer
	rings   time.Time
}

// class is those of one urgency.
type class struct {
	waiting int
	since   float64 // what was spent when the turn of its first one began
	clock   float64 // cost that each flow could have had since the class was last empty
	active  int     // flows in which somebody waits
	flows   flows
	named   map[string]*flow
}

// flow is what one asker has waiting, the oldest first. It is kept for a while
// when nothing waits, since else one that asks again and again, each time
// alone, would each time be new.
type flow struct {
	name        string
	start       float64 // of its next turn, on the clock of its class
	turn        uint64
	at          int // in the heap
	first, last *waiter
}

type waiter struct {
	class      *class
	flow       *flow
	cost       float64
	prev, next *waiter
	in         bool
	ready      chan struct{} // closed once it is let in
}

// NewQueue makes the line before a budget. enter takes a request in when there
// is room for its cost; else it tells how long to wait before it is asked again,
// or [Never]. It is called one at a time, and never during a [Queue.Change].
func NewQueue(enter func(now time.Time, cost float64) (wait time.Duration, in bool)) *Queue {
	return &Queue{enter: enter}
}

// Wait stands in line until r is let in. One that gives up leaves nothing
// behind; one that is let in as its context ends is let in.
func (q *Queue) Wait(ctx context.Context, r *Request, cost float64) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	name := ""
	if r != nil {
		name = r.Name
	}
	w := q.join(inventory.UrgencyOf(ctx), name, cost)
	if w == nil {
		return nil
	}
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.in {
		return nil
	}
	q.remove(w)
	q.admit(time.Now())
	return context.Cause(ctx)
}

// Change has the budget learn something, and then lets in whom it has room for.
func (q *Queue) Change(learn func(now time.Time)) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	learn(now)
	q.admit(now)
}

// Waiting tells how many stand in line, and for what cost.
func (q *Queue) Waiting() (n int, cost float64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting, q.asked
}

// join lets a request in at once, or gives its place in the line.
func (q *Queue) join(urgency inventory.Urgency, name string, cost float64) *waiter {
	urgency = min(max(urgency, inventory.Writing), inventory.Sweeping)
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting == 0 {
		wait, in := q.enter(now, cost)
		if in {
			q.spend(urgency, cost)
			return nil
		}
		q.alarm(now, wait)
		return q.add(urgency, name, cost)
	}
	w := q.add(urgency, name, cost)
	if q.next().head() == w { // else whoever is next is waited for already
		q.admit(now)
	}
	return w
}

// admit lets in whoever is next, for as long as there is room.
func (q *Queue) admit(now time.Time) {
	for {
		c := q.next()
		if c == nil {
			q.alarm(now, Never)
			return
		}
		w := c.head()
		wait, in := q.enter(now, w.cost)
		if !in {
			q.alarm(now, wait)
			return
		}
		q.let(w)
	}
}

// next is the class whose turn it is; nil when nobody waits.
func (q *Queue) next() *class {
	var first, owed *class
	earliest := q.spent
	for i := range q.classes {
		c := &q.classes[i]
		switch {
		case c.waiting == 0:
			continue
		case first == nil && inventory.Urgency(i) < q.last:
			return c
		case first == nil:
			first = c
			continue
		}
		if due := c.due(c.head().cost, parts[i]); due <= earliest && (owed == nil || due < earliest) {
			owed, earliest = c, due
		}
	}
	if owed != nil {
		return owed
	}
	return first
}

// let lets the first of its flow in.
func (q *Queue) let(w *waiter) {
	c, f := w.class, w.flow
	urgency := q.urgency(c)
	// One that waited beyond its turn has the next one the earlier; one that
	// came before its turn owes nothing.
	c.since = min(c.due(w.cost, parts[urgency]), q.spent+weigh(w.cost))
	q.spend(urgency, w.cost)
	c.clock = max(c.clock+weigh(w.cost)/float64(c.active), f.start)
	f.start += weigh(w.cost)
	f.turn = q.number()
	q.remove(w)
	w.in = true
	close(w.ready)
}

func (q *Queue) spend(urgency inventory.Urgency, cost float64) {
	q.spent += weigh(cost)
	q.last = urgency
}

func (q *Queue) urgency(c *class) inventory.Urgency {
	for i := range q.classes {
		if c == &q.classes[i] {
			return inventory.Urgency(i)
		}
	}
	return inventory.Sweeping
}

func (q *Queue) number() uint64 {
	q.turn++
	return q.turn
}

// due is when a request that stands first is to be let in at the latest.
func (c *class) due(cost, part float64) float64 { return c.since + weigh(cost)/part }

// weigh has every request take something of its flow's turn, even one that
// costs nothing.
func weigh(cost float64) float64 { return max(cost, 1) }

// add puts a request at the end of its flow.
func (q *Queue) add(urgency inventory.Urgency, name string, cost float64) *waiter {
	c := &q.classes[urgency]
	if c.waiting == 0 {
		c.since = q.spent
	}
	f := c.named[name]
	if f == nil {
		f = &flow{name: name}
		if c.named == nil {
			c.named = map[string]*flow{}
		}
		c.named[name] = f
		heap.Push(&c.flows, f)
	}
	w := &waiter{class: c, flow: f, cost: cost, prev: f.last, ready: make(chan struct{})}
	if f.last == nil {
		f.first = w
		c.active++
		f.start = max(f.start, c.clock)
		f.turn = q.number()
		heap.Fix(&c.flows, f.at)
	} else {
		f.last.next = w
	}
	f.last = w
	c.waiting++
	q.waiting++
	q.asked += cost
	return w
}

// remove takes a request out of the line.
func (q *Queue) remove(w *waiter) {
	c, f := w.class, w.flow
	if w.prev == nil {
		f.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		f.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	if f.first == nil {
		c.active--
	}
	c.waiting--
	q.waiting--
	q.asked -= w.cost
	if q.waiting == 0 {
		q.asked = 0 // what rounding has left
	}
	if c.waiting == 0 {
		c.flows, c.named, c.clock = c.flows[:0], nil, 0
		return
	}
	heap.Fix(&c.flows, f.at)
}

// head is who is next of a class in which somebody waits. A flow in which
// nobody waits is forgotten once its turn has come: it is even with the others
// then.
func (c *class) head() *waiter {
	for c.flows[0].first == nil {
		c.clock = max(c.clock, c.flows[0].start)
		c.forget(c.flows[0])
	}
	return c.flows[0].first
}

func (c *class) forget(f *flow) {
	heap.Remove(&c.flows, f.at)
	delete(c.named, f.name)
}

// alarm has the line looked at again after a while.
func (q *Queue) alarm(now time.Time, wait time.Duration) {
	if wait == Never {
		if q.timer != nil {
			q.timer.Stop()
			q.timer = nil
		}
		return
	}
	rings := now.Add(wait)
	switch {
	case q.timer == nil:
		q.timer = time.AfterFunc(wait, q.ring)
	case !rings.Equal(q.rings):
		q.timer.Reset(wait)
	}
	q.rings = rings
}

func (q *Queue) ring() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rings = time.Time{} // it has rung
	q.admit(time.Now())
}

// flows is a heap by whose turn comes first.
type flows []*flow

func (f flows) Len() int { return len(f) }

func (f flows) Less(i, j int) bool {
	if f[i].start != f[j].start {
		return f[i].start < f[j].start
	}
	return f[i].turn < f[j].turn
}

func (f flows) Swap(i, j int) {
	f[i], f[j] = f[j], f[i]
	f[i].at, f[j].at = i, j
}

// Push is for container/heap.
func (f *flows) Push(x any) {
	added := x.(*flow)
	added.at = len(*f)
	*f = append(*f, added)
}

// Pop is for container/heap.
func (f *flows) Pop() any {
	last := len(*f) - 1
	gone := (*f)[last]
	(*f)[last] = nil
	*f = (*f)[:last]
	return gone
}
