package shopify

import (
	"context"
	"time"

	"stocksyncd/clients/internal/transport"
)

// queryMost is the most points that Shopify lets one query ask for, on every
// plan. Until the store has told what an operation costs, that is reserved.
//
// https://shopify.dev/docs/api/usage/rate-limits
const queryMost = 1000

// costKey names what a request's cost depends on: it is fixed for a document
// and its size arguments.
type costKey struct {
	name          string
	first, levels int
}

// bucket is what is known of the store's bucket of cost points. Nobody else
// draws on it, since Shopify keeps one for each app and store, so no share of
// it is left unused.
//
// Until the first answer tells its size, one request is sent at a time. Who
// waits stands in a [transport.Queue].
type bucket struct {
	queue    *transport.Queue // its lock is the lock of all the rest
	known    bool
	size     float64
	restore  float64 // a second
	level    float64 // at the time at, by the store's own word
	at       time.Time
	flying   int     // requests sent and not answered
	reserved float64 // for them
	costs    map[costKey]float64
}

func newBucket() *bucket {
	b := &bucket{costs: map[costKey]float64{}}
	b.queue = transport.NewQueue(b.take)
	return b
}

// expect is the cost that a request will be charged, as far as is known: what
// the same was charged before; else no more than a larger one was, and no more
// than in proportion to a smaller one, since prices grow slower than pages.
func (b *bucket) expect(key costKey, guess float64) (points float64) {
	b.queue.Change(func(time.Time) { points = b.price(key, guess) })
	return points
}

func (b *bucket) price(key costKey, guess float64) float64 {
	if points, ok := b.costs[key]; ok {
		return points
	}
	for known, points := range b.costs {
		if known.name != key.name || known.levels != key.levels || known.first == 0 {
			continue
		}
		if known.first < key.first {
			points *= float64(key.first) / float64(known.first)
		}
		guess = min(guess, points)
	}
	return guess
}

// take reserves the points when the store holds them, or tells how long that
// takes; an answer may come before, and bring points back.
func (b *bucket) take(now time.Time, points float64) (wait time.Duration, taken bool) {
	if !b.known && b.flying > 0 {
		return transport.Never, false
	}
	if b.known {
		b.refill(now)
		if short := min(points, b.size) - (b.level - b.reserved); short > 0 {
			seconds := min(max(short/b.restore, 0.001), time.Hour.Seconds())
			return time.Duration(seconds * float64(time.Second)), false
		}
	}
	b.flying++
	b.reserved += points
	return 0, true
}

// refill brings the level up to now.
func (b *bucket) refill(now time.Time) {
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.level = min(b.size, b.level+passed*b.restore)
		b.at = now
	}
}

// settle ends what take began. told is nil when there was no answer: then the
// request may have been charged.
func (b *bucket) settle(now time.Time, key costKey, reserved float64, told *cost) {
	b.queue.Change(func(time.Time) { b.charge(now, key, reserved, told) })
}

func (b *bucket) charge(now time.Time, key costKey, reserved float64, told *cost) {
	b.flying--
	b.reserved = max(0, b.reserved-reserved)
	if told != nil && told.Requested != nil {
		// Requests of one size class differ a little; the dearest counts.
		b.costs[key] = max(b.costs[key], *told.Requested)
	}
	switch {
	case told != nil && told.Throttle != nil:
		b.learn(now, told.Throttle)
	case b.known:
		b.refill(now)
		b.level = max(0, b.level-reserved)
	}
}

// spare is how many points could be spent within that time and leave the bucket
// half full, beside what was sent and what waits already; at most 0 is none.
func (b *bucket) spare(within time.Duration) (points float64) {
	_, waiting := b.queue.Waiting()
	b.queue.Change(func(now time.Time) {
		if !b.known {
			return
		}
		b.refill(now)
		points = b.level + max(within.Seconds(), 0)*b.restore - b.reserved - waiting - b.size/2
	})
	return points
}

// learn takes over what the store says of its bucket. Answers overtake each
// other, and an older one shows points that are spent by now: the lower of the
// store's word and what was known is believed.
func (b *bucket) learn(now time.Time, t *throttle) {
	level := min(max(t.Current, 0), t.Maximum)
	if b.known && b.size == t.Maximum {
		b.refill(now)
		level = min(level, b.level)
	}
	b.known, b.size, b.restore = true, t.Maximum, t.Restore
	b.level, b.at = level, now
}

// budget is the client as the pace of its own requests.
type budget Client

// Acquire waits until the bucket carries the request.
func (b *budget) Acquire(ctx context.Context, r *transport.Request) error {
	return b.bucket.queue.Wait(ctx, r, r.Cost)
}

// Settle reads the answer of one try, once for all who look at it, and learns
// from it.
func (b *budget) Settle(r *transport.Request, resp *transport.Response) {
	c := (*Client)(b)
	o := c.operation(r)
	o.answer, o.broken = envelope{}, nil
	var told *cost
	if resp != nil {
		c.note(resp.Header)
		o.id = requestID(c.http.Redact, resp)
		o.answer, o.broken = parseEnvelope(resp.Body)
		told = &o.answer.cost
		if points := told.charged(); points > 0 {
			c.http.AddCost(points)
		}
	}
	c.bucket.settle(time.Now(), o.key, r.Cost, told)
	if told != nil && told.Requested != nil {
		r.Cost = *told.Requested // for the next try
	}
}

// charged is what the request was charged in the end; nothing when throttled.
func (t *cost) charged() float64 {
	if t.Actual == nil {
		return 0
	}
	return *t.Actual
}
