package transport_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/clients/internal/transport"
	"stocksyncd/clients/internal/transport/transporttest"
	"stocksyncd/reconcile/inventory"
)

// answered is what a server that counts says with 200 or 429.
func answered(code, limit, remaining int, reset time.Time) *transport.Response {
	h := http.Header{}
	h.Set("X-Ratelimit-Limit", strconv.Itoa(limit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(remaining))
	h.Set("X-Ratelimit-Reset", strconv.FormatInt(reset.UnixMilli(), 10))
	return &transport.Response{Status: code, Header: h}
}

// Whoever asks with whatever urgency, however long answers take and wherever on
// the way they are counted, or lost: no 60 seconds hold more than the limit.
func TestNoSixtySecondsHoldMoreThanTheLimit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 20).Draw(rt, "limit")
		askers := rapid.IntRange(1, 12).Draw(rt, "askers")
		each := rapid.IntRange(1, 8).Draw(rt, "requests of each")
		waits := rapid.SliceOfN(rapid.IntRange(0, 20_000), 16, 16).Draw(rt, "waits")
		lost := rapid.IntRange(2, 20).Draw(rt, "one in so many is lost")
		synctest.Test(t, func(t *testing.T) {
			budget := transport.NewRateBudget(limit)
			var mu sync.Mutex
			var counted []time.Time
			var all sync.WaitGroup
			for asker := range askers {
				all.Go(func() {
					ctx := inventory.WithUrgency(t.Context(), inventory.Urgency(asker%5))
					request := &transport.Request{Name: strconv.Itoa(asker % 3)}
					for i := range each {
						pass(ctx, time.Duration(waits[(asker+i)%16])*time.Millisecond)
						if err := budget.Acquire(ctx, request); err != nil {
							t.Error(err)
							return
						}
						pass(ctx, time.Duration(waits[(asker*3+i)%16]/10)*time.Millisecond)
						mu.Lock()
						counted = append(counted, time.Now())
						mu.Unlock()
						pass(ctx, time.Duration(waits[(asker*5+i)%16]/5)*time.Millisecond)
						if (asker+i)%lost == 0 {
							budget.Settle(request, nil)
						} else {
							budget.Settle(request, &transport.Response{Status: 200, Header: http.Header{}})
						}
					}
				})
			}
			all.Wait()
			if len(counted) != askers*each {
				t.Fatalf("%d requests were sent, want %d", len(counted), askers*each)
			}
			for i := limit; i < len(counted); i++ {
				if in := counted[i].Sub(counted[i-limit]); in < time.Minute {
					t.Errorf("%d requests in %s at a limit of %d", limit+1, in, limit)
				}
			}
		})
	})
}

func TestAThousandRequestsTakeHardlyLongerThanTheLimitAllows(t *testing.T) {
	for _, fixed := range []bool{false, true} {
		t.Run(map[bool]string{false: "sliding windows", true: "fixed windows"}[fixed], func(t *testing.T) {
			server := &shared{limit: 60, lowered: 60, fixed: fixed, theirs: evenly(0), way: 40 * time.Millisecond}
			opts := transport.Options{Budget: transport.NewRateBudget(60), Overall: time.Hour}
			talk(t, opts, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
				start := time.Now()
				run(t, c, 1000)
				ratio := time.Since(start).Seconds() / (16 * time.Minute).Seconds() // 60 at once, then 60 each minute
				t.Logf("%s of virtual time: ratio %.4f", time.Since(start), ratio)
				if ratio > 1.02 || len(server.refused) > 0 {
					t.Errorf("took %.4f times as long as it must, and %d were refused", ratio, len(server.refused))
				}
			})
		})
	}
}

// Nine hundred sweeps wait for one place a second. What is more urgent comes in
// between, one after the other.
func TestAWriteDoesNotWaitForTheSweepsBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := transport.NewRateBudget(60)
		ask := func(ctx context.Context, urgency inventory.Urgency) error {
			err := budget.Acquire(inventory.WithUrgency(ctx, urgency), nil)
			if err == nil {
				budget.Settle(nil, nil)
			}
			return err
		}
		for range 60 { // one a second
			if err := ask(t.Context(), inventory.Sweeping); err != nil {
				t.Fatal(err)
			}
			pass(t.Context(), time.Second)
		}
		stop, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("enough swept")
		var all sync.WaitGroup
		for range 900 {
			all.Go(func() {
				if err := ask(stop, inventory.Sweeping); err != nil && !errors.Is(err, gone) {
					t.Error(err)
				}
			})
		}
		for range 100 {
			pass(t.Context(), 3700*time.Millisecond)
			start := time.Now()
			if err := ask(t.Context(), inventory.Writing); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(start); waited > time.Second {
				t.Errorf("a write waited %s", waited)
			}
		}
		cancel(gone)
		all.Wait()
	})
}

func TestSpareIsWhatCanBeSentWithinATimeAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := transport.NewRateBudget(60)
		spend := func(n int, resp *transport.Response) {
			for range n {
				if err := budget.Acquire(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
				budget.Settle(nil, resp)
			}
		}
		check := func(what string, within time.Duration, want int) {
			t.Helper()
			if got := budget.Spare(time.Now(), within); got != want {
				t.Errorf("%s: %d within %s, want %d", what, got, within, want)
			}
		}
		check("nothing is heard yet", 0, 1)
		check("nothing is heard yet", 150*time.Second, 1)
		spend(1, &transport.Response{Status: 200, Header: http.Header{}})
		pass(t.Context(), 61*time.Second)
		check("an empty window", 0, 60)
		check("an empty window", time.Minute, 60)
		check("an empty window", 150*time.Second, 180)
		check("a time that is over", -time.Minute, 60)
		spend(20, nil)
		pass(t.Context(), 30*time.Second)
		spend(30, nil)
		check("20 and 30 in the window", 0, 10)
		check("the 20 leave", 30*time.Second, 30)
		check("all leave", time.Minute, 60)
		if err := budget.Acquire(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		check("one in flight", 0, 9)
		check("one in flight", time.Minute, 59)
		budget.Settle(nil, answered(200, 60, 5, time.Now().Add(20*time.Second)))
		check("others have 4 places", 0, 5)
		check("theirs are free first", 20*time.Second, 9)
		spend(5, nil)
		stop, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if err := budget.Acquire(stop, nil); err == nil {
					t.Error("a request was sent that there is no room for")
					budget.Settle(nil, nil)
				}
			})
		}
		synctest.Wait()
		check("three wait", 0, 0)
		check("three wait", 30*time.Second, 21)
		cancel()
		all.Wait()
		pass(t.Context(), 61*time.Second)
		spend(1, &transport.Response{Status: 429, Header: http.Header{}, Wait: 40 * time.Second})
		check("after a 429", 39*time.Second, 0)
	})
}

// Whatever is sent beside Spare is not kept waiting and is not refused, with
// others on the key whose use was seen for a while.
func TestWhatSpareAllowsIsSentInTime(t *testing.T) {
	for within, least := range map[time.Duration]int{0: 18, 10 * time.Second: 20, time.Minute: 38, 3 * time.Minute: 112} {
		t.Run(within.String(), func(t *testing.T) {
			server := &shared{limit: 60, lowered: 60, theirs: evenly(20)}
			budget := transport.NewRateBudget(60)
			talk(t, transport.Options{Budget: budget, Overall: time.Hour}, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
				end := time.Now().Add(10 * time.Minute)
				for time.Now().Before(end) { // half of what is left
					pass(t.Context(), 3*time.Second)
					if _, err := c.Do(t.Context(), get("/read")); err != nil {
						t.Fatal(err)
					}
				}
				server.refused = nil
				spare := budget.Spare(time.Now(), within)
				if spare < least {
					t.Errorf("%d to spare, want %d at least", spare, least)
				}
				start := time.Now()
				var all sync.WaitGroup
				for range spare {
					all.Go(func() {
						if _, err := c.Do(t.Context(), get("/read")); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				t.Logf("%d in %s", spare, time.Since(start))
				if took := time.Since(start); took > within+time.Second || len(server.refused) > 0 {
					t.Errorf("%d took %s, and %d were refused", spare, took, len(server.refused))
				}
			})
		})
	}
}

// Answers that overtake each other tell of places of others that are free at
// different times: whoever waits is let in by the first of them.
func TestThePlacesOfOthersAreFreeOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := transport.NewRateBudget(10)
		take := func() {
			if err := budget.Acquire(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		take()
		budget.Settle(nil, answered(200, 10, 9, time.Now().Add(time.Minute)))
		take()
		take() // stays in flight, so that no answer is exact
		budget.Settle(nil, answered(200, 10, 5, time.Now().Add(20*time.Second)))
		take()
		budget.Settle(nil, answered(200, 10, 1, time.Now().Add(50*time.Second)))
		for within, want := range map[time.Duration]int{19 * time.Second: 0, 21 * time.Second: 3, 51 * time.Second: 6} {
			if got := budget.Spare(time.Now(), within); got != want {
				t.Errorf("%d to spare within %s, want %d", got, within, want)
			}
		}
		pass(t.Context(), 21*time.Second)
		start := time.Now()
		take() // in one of the first three
		if waited := time.Since(start); waited > 0 {
			t.Errorf("waited %s for a place that is free", waited)
		}
		budget.Settle(nil, nil)
		budget.Settle(nil, nil)
	})
}

// A server may count Reset from now instead of from its window: our own
// requests are not to be taken for those of others then.
func TestAResetThatMovesWithEachRequestMakesUsNoOthers(t *testing.T) {
	server := &shared{limit: 60, lowered: 60, moving: true, theirs: evenly(0), way: 40 * time.Millisecond}
	opts := transport.Options{Budget: transport.NewRateBudget(60), Overall: time.Hour}
	talk(t, opts, server.ServeHTTP, func(t *testing.T, c *transport.Client) { saturate(t, c, 4, 20*time.Minute) })
	if n := len(server.served); n < 1170 || len(server.refused) > 0 {
		t.Errorf("sent %d in 20 minutes and %d were refused, want 60 a minute and none", n, len(server.refused))
	}
}

func TestOthersWhoAreGoneLeaveTheirPartToUs(t *testing.T) {
	server := &shared{limit: 60, lowered: 60, way: 40 * time.Millisecond, theirs: func(minute int) []time.Duration {
		if minute >= 20 {
			return nil
		}
		return evenly(20)(minute)
	}}
	opts := transport.Options{Budget: transport.NewRateBudget(60), Overall: time.Hour}
	talk(t, opts, server.ServeHTTP, func(t *testing.T, c *transport.Client) { saturate(t, c, 4, 40*time.Minute) })
	sent := map[bool]int{}
	for _, at := range server.served {
		switch since := at.Sub(server.start); {
		case since > 9*time.Minute && since <= 19*time.Minute:
			sent[false]++
		case since > 29*time.Minute && since <= 39*time.Minute:
			sent[true]++
		}
	}
	if sent[false] > 410 || sent[false] < 360 || sent[true] < 590 {
		t.Errorf("sent %d in ten minutes beside others and %d after them, want about 400 and 600", sent[false], sent[true])
	}
}

// The requests of a process that has just ended are not taken for a user who
// stays.
func TestARestartIsNotTakenForAnotherUser(t *testing.T) {
	for _, fixed := range []bool{false, true} {
		server := &shared{limit: 60, lowered: 60, fixed: fixed, theirs: evenly(0), way: 40 * time.Millisecond}
		synctest.Test(t, func(t *testing.T) {
			base := transporttest.Serve(t, server)
			begin := func() *transport.Client {
				return transport.New(transport.Options{
					API: "katana", Base: base, Budget: transport.NewRateBudget(60), Overall: time.Hour, Rand: never,
				})
			}
			run(t, begin(), 58)
			pass(t.Context(), time.Second)
			start := time.Now()
			run(t, begin(), 62)
			if took := time.Since(start); took > 2*time.Minute+5*time.Second || len(server.refused) > 0 {
				t.Errorf("fixed windows %t: 62 requests after a restart took %s, and %d were refused", fixed, took, len(server.refused))
			}
		})
	}
}
