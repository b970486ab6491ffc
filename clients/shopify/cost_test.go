package shopify

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/inventory"
)

// meter is a store's bucket as Shopify keeps it, for the fake.
type meter struct {
	mu                   sync.Mutex
	size, restore, level float64
	at                   time.Time
	throttled            int
}

// charge answers a request of this price, refunding a part of it.
func (m *meter) charge(price, refund float64, data string) reply {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if !m.at.IsZero() {
		m.level = min(m.size, m.level+now.Sub(m.at).Seconds()*m.restore)
	}
	m.at = now
	cost := func(actual string) string {
		return fmt.Sprintf(`"extensions":{"cost":{"requestedQueryCost":%g,"actualQueryCost":%s,"throttleStatus":{"maximumAvailable":%.1f,"currentlyAvailable":%g,"restoreRate":%.1f}}}`,
			price, actual, m.size, m.level, m.restore)
	}
	if price > m.level {
		m.throttled++
		return reply{body: `{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}],` + cost("null") + `}`}
	}
	m.level -= price - refund
	return reply{body: `{"data":` + data + `,` + cost(fmt.Sprint(price-refund)) + `}`}
}

const shopData = `{"shop":{"id":"gid://shopify/Shop/1"}}`

func TestNothingIsSentThatWouldBeThrottled(t *testing.T) {
	tests := map[string]struct {
		size, restore, start float64
		price, refund        float64
		requests             int
		least, most          time.Duration
	}{
		"a full bucket is spent without waiting":       {2000, 100, 2000, 100, 0, 20, 0, 8 * time.Second},
		"then the restore rate sets the pace":          {2000, 100, 2000, 400, 0, 25, 80 * time.Second, 82 * time.Second},
		"what is refunded is not waited for":           {2000, 100, 2000, 400, 395, 100, 0, 0},
		"an empty bucket is waited for once":           {2000, 100, 0, 300, 0, 3, 9 * time.Second, 12 * time.Second},
		"fractions count":                              {20.5, 0.5, 20.5, 10.25, 0, 4, 41 * time.Second, 42 * time.Second},
		"a bucket that is smaller than most is enough": {1000, 50, 1000, 900, 0, 3, 34 * time.Second, 37 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := &meter{size: test.size, restore: test.restore, level: test.start}
			talk(t, func(int, asked) reply { return m.charge(test.price, test.refund, shopData) }, func(t *testing.T, c *Client, _ *store) {
				start := time.Now()
				for range test.requests {
					if _, err := c.Identity(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				took := time.Since(start)
				if took < test.least || took > test.most {
					t.Errorf("took %s, want %s to %s", took, test.least, test.most)
				}
				// The first request is sent blind.
				if most := min(1, int(test.price/max(test.start, 1))); m.throttled > most {
					t.Errorf("throttled %d times", m.throttled)
				}
				counts := c.Counts()
				if want := float64(test.requests) * (test.price - test.refund); math.Abs(counts.Cost-want) > 1e-6 || counts.Throttled != m.throttled {
					t.Errorf("counted a cost of %g and %d throttled, want %g and %d", counts.Cost, counts.Throttled, want, m.throttled)
				}
			})
		})
	}
}

func TestRequestsAtOnceShareTheBucket(t *testing.T) {
	m := &meter{size: 1000, restore: 100, level: 1000}
	talk(t, func(int, asked) reply { return m.charge(300, 0, shopData) }, func(t *testing.T, c *Client, _ *store) {
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() {
				if _, err := c.Identity(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if m.throttled != 0 {
			t.Errorf("throttled %d times", m.throttled)
		}
	})
}

func TestAWaitForTheBucketEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket()
		if err := b.queue.Wait(t.Context(), nil, 10); err != nil {
			t.Fatal(err)
		}
		points := 10.0
		b.settle(time.Now(), costKey{name: "x"}, 10, &cost{Requested: &points, Throttle: &throttle{Maximum: 1000, Current: 0, Restore: 1}})
		if got := b.expect(costKey{name: "x"}, 99); got != 10 {
			t.Errorf("expects %g, want what the store said", got)
		}
		done := make(chan error)
		stop, cancel := context.WithCancel(t.Context())
		go func() { done <- b.queue.Wait(stop, nil, 500) }()
		synctest.Wait()
		cancel()
		if err := <-done; err == nil {
			t.Error("a cancelled wait gave no error")
		}
	})
}

func TestAnAnswerThatNeverCameIsTakenAsCharged(t *testing.T) {
	b := newBucket()
	now := time.Unix(1000, 0)
	points := 100.0
	if wait, _ := b.take(now, 100); wait != 0 {
		t.Fatal("the first request waits")
	}
	if wait, _ := b.take(now, 100); wait == 0 {
		t.Fatal("a second request is sent before the first answer")
	}
	b.settle(now, costKey{}, 100, &cost{Requested: &points, Throttle: &throttle{Maximum: 200, Current: 100, Restore: 10}})
	if wait, _ := b.take(now, 100); wait != 0 {
		t.Fatal("what is there is not given")
	}
	b.settle(now, costKey{}, 100, nil)
	if wait, _ := b.take(now, 100); wait != 10*time.Second {
		t.Errorf("waits %s for 100 points at 10 a second, want 10s", wait)
	}
	if wait, _ := b.take(now.Add(10*time.Second), 5000); wait != 10*time.Second {
		t.Errorf("waits %s for more than the bucket holds, want until it is full, 10s", wait)
	}
	if wait, _ := b.take(now.Add(20*time.Second), 5000); wait != 0 {
		t.Errorf("waits %s with a full bucket", wait)
	}
}

func TestAThrottledPageThatNoBucketHoldsIsMadeSmaller(t *testing.T) {
	talk(t, func(_ int, a asked) reply {
		var vars struct{ First int }
		a.vars(t, &vars)
		if vars.First > 100 {
			return reply{body: strings.Replace(throttled, `"maximumAvailable":2000.0`, `"maximumAvailable":700`, 1)}
		}
		return variantsJSON("", mug(1, 1))
	}, func(t *testing.T, c *Client, s *store) {
		if _, err := observe(t.Context(), c); err != nil || len(s.requests()) != 3 {
			t.Errorf("%v after %d requests, want pages of 250, 125 and 62", err, len(s.requests()))
		}
	})
}

func TestAnOlderAnswerThatArrivesLateGivesNoPointsBack(t *testing.T) {
	now := time.Unix(1000, 0)
	status := func(size, current float64) *cost {
		return &cost{Throttle: &throttle{Maximum: size, Current: current, Restore: 50}}
	}
	b := newBucket()
	b.settle(now, costKey{}, 0, status(1000, 1000))
	b.settle(now, costKey{}, 0, status(1000, 100))
	b.settle(now, costKey{}, 0, status(1000, 550))
	if wait, _ := b.take(now, 200); wait != 2*time.Second {
		t.Errorf("waits %s for 200 points of 100 at 50 a second, want 2s", wait)
	}
	b.settle(now, costKey{}, 0, status(4000, 4000))
	if wait, _ := b.take(now, 3000); wait != 0 {
		t.Errorf("waits %s for 3000 points of a bucket that has just grown to 4000", wait)
	}
}

// Whatever the store charges and however much is asked at once: as long as it
// is what the store says it charges, nothing is throttled.
func TestNoHonestBucketIsOverdrawn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		price := float64(rapid.IntRange(1, 1000).Draw(rt, "price"))
		m := &meter{size: float64(rapid.IntRange(1000, 20_000).Draw(rt, "size")), restore: float64(rapid.IntRange(10, 2000).Draw(rt, "restore"))}
		m.level = float64(rapid.IntRange(int(price), int(m.size)).Draw(rt, "level"))
		refund := float64(rapid.IntRange(0, int(price)).Draw(rt, "refund"))
		way := time.Duration(rapid.IntRange(0, 2000).Draw(rt, "way")) * time.Millisecond
		atOnce := rapid.IntRange(1, 6).Draw(rt, "at once")
		synctest.Test(t, func(t *testing.T) {
			b, key := newBucket(), costKey{name: "x"}
			var all sync.WaitGroup
			for i := range atOnce {
				all.Go(func() {
					for turn := range 8 {
						points := b.expect(key, queryMost)
						ctx := inventory.WithUrgency(t.Context(), inventory.Urgency((i+turn)%5))
						if err := b.queue.Wait(ctx, nil, points); err != nil {
							t.Error(err)
							return
						}
						<-time.After(way)
						answer, err := parseEnvelope([]byte(m.charge(price, refund, shopData).body))
						if err != nil {
							t.Error(err)
						}
						<-time.After(way)
						b.settle(time.Now(), key, points, &answer.cost)
					}
				})
			}
			all.Wait()
			if m.throttled > 0 || b.flying != 0 || b.reserved > 1e-6 {
				t.Errorf("throttled %d times; %d requests and %g points are left reserved", m.throttled, b.flying, b.reserved)
			}
		})
	})
}

// The bucket is nearly empty, and a hundred cheap reads wait: a write of 300
// points that comes after them is next, as soon as there are 300.
func TestADearWriteDoesNotWaitForCheapReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket()
		now := time.Now()
		b.settle(now, costKey{}, 0, &cost{Throttle: &throttle{Maximum: 2000, Current: 10, Restore: 100}})
		b.flying = 0
		var reads, before int
		var all sync.WaitGroup
		ask := func(urgency inventory.Urgency, points float64, in func()) {
			all.Go(func() {
				if err := b.queue.Wait(inventory.WithUrgency(t.Context(), urgency), nil, points); err != nil {
					t.Error(err)
				}
				in()
				answered := time.Now()
				b.settle(answered, costKey{}, points, nil)
			})
			synctest.Wait()
		}
		for i := range 100 {
			ask(inventory.Urgency(1+i%4), 20, func() { reads++ })
		}
		ask(inventory.Writing, 300, func() {
			before = reads
			if took := time.Since(now); took < 2900*time.Millisecond || took > 2910*time.Millisecond {
				t.Errorf("the write was let in after %s, want 2.9 s", took)
			}
		})
		all.Wait()
		if before != 0 || reads != 100 {
			t.Errorf("%d reads went before the write, %d in all; want 0 and 100", before, reads)
		}
	})
}

func TestSpareLeavesHalfTheBucketToWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket()
		check := func(what string, within time.Duration, want float64) {
			t.Helper()
			if got := b.spare(within); math.Abs(got-want) > 1e-6 {
				t.Errorf("%s: %g points within %s, want %g", what, got, within, want)
			}
		}
		check("nothing is known", time.Hour, 0)
		b.settle(time.Now(), costKey{}, 0, &cost{Throttle: &throttle{Maximum: 2000, Current: 1600, Restore: 100}})
		b.flying = 0
		check("1600 of 2000", 0, 600)
		check("1600 of 2000", 10*time.Second, 1600)
		check("a time that is over", -time.Minute, 600)
		if err := b.queue.Wait(t.Context(), nil, 1200); err != nil {
			t.Fatal(err)
		}
		check("1200 are reserved", 0, -600)
		check("1200 are reserved", 7*time.Second, 100)
		done := make(chan error)
		go func() { done <- b.queue.Wait(t.Context(), nil, 500) }()
		synctest.Wait()
		check("500 wait", 7*time.Second, -400)
		if err := <-done; err != nil { // after a second
			t.Fatal(err)
		}
		for range 2 {
			b.settle(time.Now(), costKey{}, 0, nil)
		}
		b.reserved = 0
		<-time.After(time.Minute)
		check("a full bucket", 0, 1000)
	})
}

func TestTheStoreSaysWhatIsToSpare(t *testing.T) {
	m := &meter{size: 2000, restore: 100, level: 2000}
	talk(t, func(int, asked) reply { return m.charge(300, 0, shopData) }, func(t *testing.T, c *Client, _ *store) {
		if got := c.Spare(time.Hour); got != 0 {
			t.Errorf("%g points before the first answer, want none", got)
		}
		if _, err := c.Identity(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := c.Spare(time.Second); got != 2000-300-1000+100 {
			t.Errorf("%g points, want 800", got)
		}
	})
}
