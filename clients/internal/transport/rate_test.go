package transport_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/internal/transport"
)

// meter is a server that allows 60 requests in any 60 seconds and fails now
// and then.
type meter struct {
	mu      sync.Mutex
	times   []time.Time
	count   int
	refused int
	broken  int
	skew    time.Duration // of its clock
	millis  bool          // X-Ratelimit-Reset in milliseconds
	foreign int           // requests of somebody else at the beginning
}

func (m *meter) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for ; m.foreign > 0; m.foreign-- {
		m.times = append(m.times, now)
	}
	for len(m.times) > 0 && now.Sub(m.times[0]) >= time.Minute {
		m.times = m.times[1:]
	}
	m.count++
	over := len(m.times) >= 60
	if !over {
		m.times = append(m.times, now)
	}
	reset := m.times[0].Add(time.Minute + m.skew)
	w.Header().Set("Date", now.Add(m.skew).UTC().Format(http.TimeFormat))
	w.Header().Set("X-Ratelimit-Limit", "60")
	w.Header().Set("X-Ratelimit-Remaining", strconv.Itoa(60-len(m.times)))
	w.Header().Set("X-Ratelimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	if m.millis {
		w.Header().Set("X-Ratelimit-Reset", strconv.FormatInt(reset.UnixMilli(), 10))
	}
	switch {
	case over:
		m.refused++
		w.Header().Set("Retry-After", "10")
		w.WriteHeader(http.StatusTooManyRequests)
	case m.count%50 == 0:
		m.broken++
		w.WriteHeader(http.StatusBadGateway)
	default:
		_, _ = fmt.Fprint(w, "{}")
	}
}

// run sends n requests from 4 workers.
func run(t *testing.T, c *transport.Client, n int) {
	t.Helper()
	work := make(chan struct{})
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for range work {
				resp, err := c.Do(t.Context(), get("/read"))
				if err != nil || resp.Status != 200 {
					t.Errorf("got %+v, %v, want 200", resp, err)
				}
			}
		})
	}
	for range n {
		work <- struct{}{}
	}
	close(work)
	workers.Wait()
}

func TestSixHundredRequestsTakeTenMinutesRetriesIncluded(t *testing.T) {
	server := &meter{millis: true}
	opts := transport.Options{Budget: transport.NewRateBudget(60)}
	talk(t, opts, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
		start := time.Now()
		run(t, c, 600)
		took := time.Since(start)
		t.Log("virtual time", took, c.Counts())
		if took < 9*time.Minute || took > 11*time.Minute {
			t.Errorf("took %s, want about 10 minutes", took)
		}
	})
	if server.refused > 0 || server.broken == 0 {
		t.Errorf("got %d refused and %d broken answers, want none refused: retries are paced too", server.refused, server.broken)
	}
}

func TestRequestsOfOthersOnTheSameKeyAreLearned(t *testing.T) {
	for _, test := range []struct {
		name   string
		millis bool
		skew   time.Duration
	}{{"reset in seconds", false, 0}, {"reset in milliseconds", true, 0}, {"a clock that is off by a day", true, -24 * time.Hour}} {
		t.Run(test.name, func(t *testing.T) {
			server := &meter{foreign: 55, millis: test.millis, skew: test.skew}
			opts := transport.Options{Budget: transport.NewRateBudget(60)}
			talk(t, opts, server.ServeHTTP, func(t *testing.T, c *transport.Client) { run(t, c, 40) })
			if server.refused > 0 {
				t.Errorf("got %d refused, want none: Remaining told", server.refused)
			}
		})
	}
}

func TestALowerLimitOfTheServerHolds(t *testing.T) {
	budget := transport.NewRateBudget(60)
	opts := transport.Options{Budget: budget}
	talk(t, opts, status(200, "X-Ratelimit-Limit", "10"), func(t *testing.T, c *transport.Client) {
		start := time.Now()
		for range 31 {
			if _, err := c.Do(t.Context(), get("/read")); err != nil {
				t.Fatal(err)
			}
		}
		if got := time.Since(start); got != 3*time.Minute {
			t.Errorf("31 requests at 10 a minute took %s, want 3m0s", got)
		}
		if got := budget.PerMinute(); got != 10 {
			t.Errorf("it tells of %d a minute, want 10", got)
		}
	})
}

func TestAHigherLimitOfTheServerDoesNotRaiseTheConfigured(t *testing.T) {
	budget := transport.NewRateBudget(5)
	opts := transport.Options{Budget: budget}
	talk(t, opts, status(200, "X-Ratelimit-Limit", "600"), func(t *testing.T, c *transport.Client) {
		start := time.Now()
		for range 11 {
			if _, err := c.Do(t.Context(), get("/read")); err != nil {
				t.Fatal(err)
			}
		}
		if got := time.Since(start); got != 2*time.Minute {
			t.Errorf("11 requests at 5 a minute took %s, want 2m0s", got)
		}
		if got := budget.PerMinute(); got != 5 {
			t.Errorf("it tells of %d a minute, want 5", got)
		}
	})
}

func TestAThrottledAnswerKeepsEveryRequestBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := func(wait time.Duration) string { return strconv.FormatInt(time.Now().Add(wait).UnixMilli(), 10) }
		tests := []struct {
			name  string
			wait  time.Duration
			reset func() string
			want  time.Duration
		}{
			{"by Retry-After", 10 * time.Second, nil, 10 * time.Second},
			{"by a Retry-After of minutes", 4 * time.Minute, nil, 4 * time.Minute},
			{"by Reset", 0, func() string { return in(20 * time.Second) }, 20 * time.Second},
			{"a second when nothing is said", 0, nil, time.Second},
			{"at most 90 s", time.Hour, nil, 90 * time.Second},
			{"a Reset that is far is cut to 90 s", 0, func() string { return in(30 * time.Minute) }, 90 * time.Second},
			{"a Reset in the past is ignored", 0, func() string { return "1" }, time.Second},
			{"an absurd Reset is ignored", 0, func() string { return "9223372036854775807" }, time.Second},
		}
		for _, test := range tests {
			budget := transport.NewRateBudget(60)
			resp := transport.Response{Status: http.StatusTooManyRequests, Header: http.Header{}, Wait: test.wait}
			if test.reset != nil {
				resp.Header.Set("X-Ratelimit-Reset", test.reset())
			}
			if err := budget.Acquire(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			budget.Settle(nil, &resp)
			start := time.Now()
			if err := budget.Acquire(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(start); got != test.want {
				t.Errorf("%s: waited %s, want %s", test.name, got, test.want)
			}
		}
	})
}
