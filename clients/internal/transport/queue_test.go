package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/inventory"
)

// purse is a budget of points that comes back by the second, for the tests of
// the line before it.
type purse struct {
	points float64 // what is in it
	size   float64
	at     time.Time
	given  []float64
}

func (p *purse) enter(now time.Time, cost float64) (wait time.Duration, in bool) {
	p.points = min(p.size, p.points+now.Sub(p.at).Seconds())
	p.at = now
	if short := min(cost, p.size) - p.points; short > 1e-9 {
		return time.Duration(short*float64(time.Second)) + time.Microsecond, false
	}
	p.points -= cost
	p.given = append(p.given, cost)
	return 0, true
}

// line is a queue before a purse, and who was let in, in this order.
type line struct {
	t     *testing.T
	queue *Queue
	purse *purse

	mu  sync.Mutex
	in  []string
	at  map[string]time.Duration
	all sync.WaitGroup
}

func newLine(t *testing.T, points, size float64) *line {
	l := &line{t: t, purse: &purse{points: points, size: size, at: time.Now()}, at: map[string]time.Duration{}}
	l.queue = NewQueue(l.purse.enter)
	return l
}

// ask puts a request in line, and returns once it stands there or is let in.
func (l *line) ask(ctx context.Context, urgency inventory.Urgency, flow, name string, cost float64) {
	start := time.Now()
	l.all.Go(func() {
		err := l.queue.Wait(inventory.WithUrgency(ctx, urgency), &Request{Name: flow}, cost)
		l.mu.Lock()
		defer l.mu.Unlock()
		if err != nil {
			name = "gone " + name
		}
		l.in = append(l.in, name)
		l.at[name] = time.Since(start)
	})
	synctest.Wait()
}

func (l *line) got() string {
	l.all.Wait()
	return strings.Join(l.in, " ")
}

// remembered is how many flows of an urgency the line knows.
func (q *Queue) remembered(urgency inventory.Urgency) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.classes[urgency].named)
}

// empty tells whether the line is as if nobody had ever stood in it.
func (q *Queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range q.classes {
		if c.waiting != 0 || len(c.flows) != 0 || len(c.named) != 0 {
			return false
		}
	}
	return q.waiting == 0 && q.asked == 0 && q.timer == nil
}

func TestTheMostUrgentIsLetInFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 0, 10)
		for _, urgency := range []inventory.Urgency{inventory.Sweeping, inventory.Hearing, inventory.Hot, inventory.Asked, inventory.Writing, inventory.Sweeping, inventory.Writing} {
			l.ask(t.Context(), urgency, "", fmt.Sprint(int(urgency)), 1)
		}
		if got, want := l.got(), "0 0 1 2 3 4 4"; got != want {
			t.Errorf("let in %s, want %s", got, want)
		}
		if !l.queue.empty() {
			t.Errorf("the line is left as %+v", l.queue)
		}
	})
}

func TestAnUrgencyThatIsNotKnownWaitsLikeTheNearest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 0, 10)
		l.ask(t.Context(), 99, "", "last", 1)
		l.ask(t.Context(), inventory.Hot, "", "hot", 1)
		l.ask(t.Context(), -3, "", "first", 1)
		if got, want := l.got(), "first hot last"; got != want {
			t.Errorf("let in %s, want %s", got, want)
		}
	})
}

// A thousand hot reads wait and a sweep is long due: a write that comes then is
// next all the same.
func TestALoneWriteIsNextWhateverIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 0, 10)
		for i := range 300 {
			l.ask(t.Context(), inventory.Hot, "", fmt.Sprint("hot", i), 1)
			l.ask(t.Context(), inventory.Sweeping, "", fmt.Sprint("sweep", i), 1)
		}
		for i := range 100 {
			timer := time.NewTimer(2300 * time.Millisecond)
			<-timer.C
			synctest.Wait()
			l.ask(t.Context(), inventory.Writing, "", fmt.Sprint("write", i), 1)
		}
		l.got()
		for i := range 100 {
			if waited := l.at[fmt.Sprint("write", i)]; waited > time.Second+time.Millisecond {
				t.Errorf("write %d waited %s for one point of one a second", i, waited)
			}
		}
	})
}

func TestEveryUrgencyGetsItsPartOfAFullLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const turns = 640
		l := newLine(t, 0, 10)
		for urgency := range inventory.Sweeping + 1 {
			for range turns {
				l.ask(t.Context(), urgency, "", fmt.Sprint(int(urgency)), 1)
			}
		}
		l.got()
		count := map[string]int{}
		for _, name := range l.in[:turns] {
			count[name]++
		}
		t.Log("of 640 turns, by urgency:", count)
		for urgency, part := range parts {
			got, want := count[fmt.Sprint(urgency)], int(turns*part)
			if urgency == int(inventory.Writing) {
				want = turns * 49 / 64 // what the others leave
			}
			if got < want*9/10-1 || got > want*11/10+1 {
				t.Errorf("urgency %d had %d of %d turns, want about %d", urgency, got, turns, want)
			}
		}
	})
}

// Each write takes the points as they come back. The sweep costs a hundred
// times as much, and comes after 64 times that much was written at the latest.
func TestADearSweepIsNotStarvedByWritesWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 0, 1000)
		l.ask(t.Context(), inventory.Sweeping, "", "sweep", 100)
		for i := range 8000 {
			l.ask(t.Context(), inventory.Writing, "", "write", 1)
			l.mu.Lock()
			swept := slices.Contains(l.in, "sweep")
			l.mu.Unlock()
			if swept {
				break
			}
			if i > 20 {
				timer := time.NewTimer(time.Second)
				<-timer.C
			}
		}
		l.got()
		if at := slices.Index(l.in, "sweep"); at < 0 || at > 6402 {
			t.Errorf("the sweep came after %d writes, want 6400 at most", at)
		}
	})
}

func TestADearWriteIsNotPassedByCheapReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 50, 1000)
		l.ask(t.Context(), inventory.Writing, "", "write", 300)
		for range 1000 {
			l.ask(t.Context(), inventory.Asked, "", "asked", 1)
			l.ask(t.Context(), inventory.Hot, "", "hot", 1)
		}
		l.got()
		if l.in[0] != "write" || l.at["write"] > 250*time.Second+time.Millisecond {
			t.Errorf("%s came first, and the write waited %s; want the write after 250 s", l.in[0], l.at["write"])
		}
	})
}

func TestADearReadIsPassedByWhatIsMoreUrgentAndByNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 50, 1000)
		l.ask(t.Context(), inventory.Hot, "a", "dear", 300)
		l.ask(t.Context(), inventory.Hot, "b", "cheap", 1)
		l.ask(t.Context(), inventory.Sweeping, "a", "sweep", 10)
		l.ask(t.Context(), inventory.Writing, "a", "write", 1)
		if got, want := l.got(), "write dear cheap sweep"; got != want {
			t.Errorf("let in %s, want %s", got, want)
		}
	})
}

func TestOneThatAsksAThousandTimesDoesNotStarveOneThatAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 0, 10)
		for i := range 1000 {
			l.ask(t.Context(), inventory.Asked, "many", fmt.Sprint("many", i), 1)
		}
		l.ask(t.Context(), inventory.Asked, "once", "once", 1)
		l.got()
		if at := slices.Index(l.in, "once"); at > 1 {
			t.Errorf("the one came after %d of the thousand", at)
		}
	})
}

// One asks 400 times at once at 1 point; one asks 100 times at 4 points; one
// asks anew each time it was let in, at 5 points. All three get the same.
func TestFlowsShareEvenlyWhateverTheyCostAndHoweverTheyAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 0, 10)
		for range 400 {
			l.ask(t.Context(), inventory.Hot, "cheap", "cheap", 1)
		}
		for range 100 {
			l.ask(t.Context(), inventory.Hot, "dear", "dear", 4)
		}
		l.all.Go(func() {
			for range 40 {
				if err := l.queue.Wait(t.Context(), &Request{Name: "anew"}, 5); err != nil {
					t.Error(err)
				}
				l.mu.Lock()
				l.in = append(l.in, "anew")
				l.mu.Unlock()
			}
		})
		l.got()
		points := map[string]int{}
		for _, name := range l.in {
			points[name] += map[string]int{"cheap": 1, "dear": 4, "anew": 5}[name]
			if points["cheap"]+points["dear"]+points["anew"] >= 450 {
				break
			}
		}
		t.Log("of 450 points:", points)
		for name, got := range points {
			if got < 140 || got > 160 {
				t.Errorf("%s had %d points, want about 150", name, got)
			}
		}
	})
}

// One has 500 of one point in line, the other asks for 5 points each time it
// has had some: half of what there is, and not more for being new each time.
func TestOneThatAsksAnewEachTimeIsNotNewEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 0, 10)
		for range 500 {
			l.ask(t.Context(), inventory.Hot, "many", "many", 1)
		}
		for n := 1; n <= 40; n++ {
			if err := l.queue.Wait(t.Context(), &Request{Name: "anew"}, 5); err != nil {
				t.Fatal(err)
			}
			l.mu.Lock()
			if many := len(l.in); many < (n-1)*5-1 || many > n*5+1 {
				t.Errorf("one had %d points when the other came to have %d", many, n*5)
			}
			l.mu.Unlock()
		}
		l.got()
	})
}

func TestOneThatGivesUpLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 0, 1000)
		reason := errors.New("no longer needed")
		stop, cancel := context.WithCancelCause(t.Context())
		l.ask(stop, inventory.Writing, "a", "dear", 900)
		for i := range 100 {
			l.ask(stop, inventory.Urgency(i%5), fmt.Sprint(i), "many", 10)
		}
		l.ask(t.Context(), inventory.Hot, "b", "stays", 10)
		cancel(reason)
		synctest.Wait()
		if n := l.queue.remembered(inventory.Hot); n != 1 {
			t.Errorf("%d flows stand in line, want the one that stays", n)
		}
		l.got()
		if l.at["stays"] != 10*time.Second && l.at["stays"] != 10*time.Second+time.Microsecond {
			t.Errorf("the one that stayed waited %s for 10 points, want 10 s", l.at["stays"])
		}
		if len(l.in) != 102 || l.in[101] != "stays" || l.queue.spent != 10 || !l.queue.empty() {
			t.Errorf("%d left or were let in, the last was %s; the line is left as %+v", len(l.in), l.in[101], l.queue)
		}
		if err := l.queue.Wait(stop, nil, 1); !errors.Is(err, reason) {
			t.Errorf("got %v of a context that had ended, want its cause", err)
		}
	})
}

// Flows that come and go while others wait are forgotten.
func TestFlowsThatAreThroughAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 0, 10)
		l.ask(t.Context(), inventory.Hot, "first", "hot", 1)
		for i := range 500 {
			l.ask(t.Context(), inventory.Hot, fmt.Sprint(i), "hot", 1)
			timer := time.NewTimer(time.Second)
			<-timer.C
		}
		if n := l.queue.remembered(inventory.Hot); n > 5 {
			t.Errorf("%d flows are remembered, want a few", n)
		}
		l.got()
	})
}

func TestWhatAnAnswerBringsBackIsGivenOnAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := 0
		q := NewQueue(func(time.Time, float64) (time.Duration, bool) {
			if room == 0 {
				return Never, false
			}
			room--
			return 0, true
		})
		start, in := time.Now(), 0
		for range 3 {
			go func() {
				if q.Wait(t.Context(), nil, 2) == nil {
					in++
				}
			}()
			synctest.Wait()
		}
		if n, cost := q.Waiting(); n != 3 || cost != 6 {
			t.Errorf("%d wait for %g, want 3 for 6", n, cost)
		}
		for want := range 4 {
			if in != want {
				t.Errorf("%d are let in, want %d", in, want)
			}
			q.Change(func(time.Time) { room = 1 })
			synctest.Wait()
		}
		if waited := time.Since(start); waited != 0 || room != 1 {
			t.Errorf("waited %s, and room for %d is left", waited, room)
		}
	})
}

// Whoever asks for whatever and gives up whenever: the purse is never
// overdrawn, everybody is let in or leaves, and nobody waits for longer than
// its part of the budget takes to pay for it and those before it.
func TestNobodyStarvesInALineOfAnybody(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type arrival struct {
			urgency inventory.Urgency
			flow    string
			cost    float64
			after   time.Duration
			gives   time.Duration // up; 0 never
		}
		arrivals := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) arrival {
			a := arrival{
				urgency: inventory.Urgency(rapid.IntRange(0, 4).Draw(rt, "urgency")),
				flow:    rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "flow"),
				cost:    float64(rapid.IntRange(0, 40).Draw(rt, "cost")),
				after:   time.Duration(rapid.IntRange(0, 4000).Draw(rt, "after")) * time.Millisecond,
			}
			if rapid.IntRange(0, 9).Draw(rt, "gives up") == 0 {
				a.gives = time.Duration(rapid.IntRange(1, 5000).Draw(rt, "patience")) * time.Millisecond
			}
			return a
		}), 1, 80).Draw(rt, "arrivals")
		synctest.Test(t, func(t *testing.T) {
			l := newLine(t, 0, 50)
			var all sync.WaitGroup
			at := time.Duration(0)
			lines := map[inventory.Urgency]float64{}
			for _, a := range arrivals {
				at += a.after
				lines[a.urgency] += max(a.cost, 1)
			}
			at = 0
			for i, a := range arrivals {
				at += a.after
				begin := at
				all.Go(func() {
					<-time.After(begin)
					ctx := inventory.WithUrgency(t.Context(), a.urgency)
					if a.gives > 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, a.gives)
						defer cancel()
					}
					start := time.Now()
					err := l.queue.Wait(ctx, &Request{Name: a.flow}, a.cost)
					if err != nil && a.gives == 0 {
						t.Errorf("arrival %d: %v", i, err)
					}
					// Until those of its urgency are paid by its part of the
					// budget, and one in flight of each of the others.
					most := time.Duration((lines[a.urgency]/parts[a.urgency] + 5*40) * float64(time.Second))
					if waited := time.Since(start); waited > most {
						t.Errorf("arrival %d %+v waited %s, want %s at most", i, a, waited, most)
					}
				})
			}
			start := time.Now()
			all.Wait()
			var spent float64
			for _, cost := range l.purse.given {
				spent += cost
			}
			if got := time.Since(start).Seconds(); spent > got+1e-6 {
				t.Errorf("%g points were given in %g s of one a second", spent, got)
			}
			if !l.queue.empty() {
				t.Errorf("the line is left as %+v", l.queue)
			}
		})
	})
}

// Writes wait for those before them, and for less than a third of that beside;
// one more of what is dear may have been let in just before.
func TestAWriteWaitsForRoomAndForLittleElse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		writes := rapid.SliceOfN(rapid.IntRange(1, 40), 1, 20).Draw(rt, "writes")
		pauses := rapid.SliceOfN(rapid.IntRange(0, 60), len(writes), len(writes)).Draw(rt, "pauses")
		others := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) [2]int {
			return [2]int{rapid.IntRange(1, 4).Draw(rt, "urgency"), rapid.IntRange(1, 20).Draw(rt, "cost")}
		}), 0, 200).Draw(rt, "others")
		synctest.Test(t, func(t *testing.T) {
			l := newLine(t, 0, 40)
			for _, o := range others {
				l.ask(t.Context(), inventory.Urgency(o[0]), "", "other", float64(o[1]))
			}
			done := time.Now() // when the writes so far are let in, if nothing else is
			for i, cost := range writes {
				<-time.After(time.Duration(pauses[i]) * time.Second)
				if now := time.Now(); done.Before(now) {
					done = now
				}
				done = done.Add(time.Duration(float64(cost) * (64. / 49) * float64(time.Second)))
				most := done.Add(time.Duration(4*20) * time.Second) // one of each other urgency that became due
				if len(others) == 0 || i == 0 {
					most = done.Add(time.Millisecond)
				}
				l.all.Go(func() {
					err := l.queue.Wait(inventory.WithUrgency(t.Context(), inventory.Writing), &Request{Name: "write"}, float64(cost))
					if now := time.Now(); err != nil || now.After(most) {
						t.Errorf("write %d of %d points was let in %s late: %v", i, cost, now.Sub(most), err)
					}
				})
				synctest.Wait()
			}
			l.got()
		})
	})
}

// BenchmarkQueue lets one in and puts it in line again, with so many waiting.
func BenchmarkQueue(b *testing.B) {
	for _, waiting := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(waiting), func(b *testing.B) {
			room := 0
			q := NewQueue(func(time.Time, float64) (time.Duration, bool) {
				if room == 0 {
					return Never, false
				}
				room--
				return 0, true
			})
			names := make([]string, 64)
			for i := range names {
				names[i] = fmt.Sprint("flow", i)
			}
			join := func(i int) *waiter { return q.join(inventory.Urgency(i%5), names[i%64], float64(1+i%7)) }
			for i := range waiting {
				join(i)
			}
			b.ReportAllocs()
			i := waiting
			for b.Loop() {
				i++
				w := join(i)
				q.Change(func(time.Time) { room = 1 })
				if i%16 == 0 && !w.in { // some give up
					q.mu.Lock()
					q.remove(w)
					q.mu.Unlock()
					join(i)
				}
			}
		})
	}
}

// BenchmarkRateBudget answers one request and lets the next in, with so many
// waiting; with none, it lets one in and answers it.
func BenchmarkRateBudget(b *testing.B) {
	for _, waiting := range []int{0, 1, 100, 10_000} {
		b.Run(fmt.Sprint(waiting), func(b *testing.B) {
			budget := NewRateBudget(60)
			leaves := time.Now().Add(24 * time.Hour)
			full := slices.Repeat([]time.Time{leaves}, 59)
			budget.own = slices.Clone(full)
			request := &Request{Name: "inventory"}
			join := func(i int) { budget.queue.join(inventory.Urgency(i%5), request.Name, 1) }
			for i := range waiting {
				if i == 0 {
					join(i) // it takes the last place
				}
				join(i)
			}
			resp := &Response{Status: 200, Header: http.Header{
				"X-Ratelimit-Limit": {"60"}, "X-Ratelimit-Remaining": {"1"},
				"X-Ratelimit-Reset": {fmt.Sprint(leaves.UnixMilli())},
			}}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				join(i)
				budget.own = append(budget.own[:0], full[1:]...) // one has left the window
				budget.Settle(request, resp)
			}
			if n, _ := budget.queue.Waiting(); n != waiting {
				b.Errorf("%d wait, want %d", n, waiting)
			}
		})
	}
}
