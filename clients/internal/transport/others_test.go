package transport_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"stocksyncd/clients/internal/transport"
)

// shared is a server whose key somebody else uses too.
type shared struct {
	mu      sync.Mutex
	limit   int // as it says
	lowered int // the limit that it keeps, without saying so
	fixed   bool
	moving  bool          // Reset is always a minute from now
	mute    bool          // no X-Ratelimit headers
	way     time.Duration // there and back, each
	theirs  func(minute int) []time.Duration

	start         time.Time
	until         int // the minute that the others have not begun yet
	due           []time.Time
	window        []time.Time
	opened        time.Time // of the fixed window
	served        []time.Time
	refused       []time.Time
	theirsRefused int
}

// evenly spreads n requests over each minute.
func evenly(n int) func(int) []time.Duration {
	return func(int) (at []time.Duration) {
		for i := range n {
			at = append(at, time.Duration(i)*time.Minute/time.Duration(n)+time.Second/2)
		}
		return at
	}
}

// atOnce sends n requests together, every minute.
func atOnce(n int) func(int) []time.Duration {
	return func(int) []time.Duration {
		at := make([]time.Duration, n)
		for i := range at {
			at[i] = 20*time.Second + time.Duration(i)*time.Millisecond
		}
		return at
	}
}

// catchUp has the others send what was due before now.
func (s *shared) catchUp(now time.Time) {
	if s.start.IsZero() {
		s.start, s.opened = now, now.Add(-50*time.Second)
		s.until = -1 // they were there before us
	}
	for ; !s.start.Add(time.Duration(s.until) * time.Minute).After(now); s.until++ {
		for _, at := range s.theirs(s.until) {
			s.due = append(s.due, s.start.Add(time.Duration(s.until)*time.Minute+at))
		}
	}
	for len(s.due) > 0 && !s.due[0].After(now) {
		if !s.take(s.due[0]) {
			s.theirsRefused++
		}
		s.due = s.due[1:]
	}
}

func (s *shared) take(now time.Time) bool {
	if s.fixed {
		for now.Sub(s.opened) >= time.Minute {
			s.opened, s.window = s.opened.Add(time.Minute), nil
		}
	}
	for !s.fixed && len(s.window) > 0 && now.Sub(s.window[0]) >= time.Minute {
		s.window = s.window[1:]
	}
	if len(s.window) >= min(s.limit, s.lowered) {
		return false
	}
	s.window = append(s.window, now)
	return true
}

func (s *shared) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pass(r.Context(), s.way)
	s.answer(w, time.Now())
	pass(r.Context(), s.way)
}

func (s *shared) answer(w http.ResponseWriter, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp(now)
	taken := s.take(now)
	reset := s.opened.Add(time.Minute)
	if !s.fixed && len(s.window) > 0 {
		reset = s.window[0].Add(time.Minute)
	}
	if s.moving {
		reset = now.Add(time.Minute)
	}
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	if !s.mute {
		w.Header().Set("X-Ratelimit-Limit", strconv.Itoa(s.limit))
		w.Header().Set("X-Ratelimit-Remaining", strconv.Itoa(max(s.limit-len(s.window), 0)))
		w.Header().Set("X-Ratelimit-Reset", strconv.FormatInt(reset.UnixMilli(), 10))
	}
	if !taken {
		s.refused = append(s.refused, now)
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(reset.Sub(now).Seconds()+1))))
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	s.served = append(s.served, now)
	_, _ = fmt.Fprint(w, "{}")
}

func pass(ctx context.Context, d time.Duration) {
	if d == 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// saturate sends as much as the budget lets through, until the time is over.
func saturate(t *testing.T, c *transport.Client, workers int, d time.Duration) {
	t.Helper()
	end := time.Now().Add(d)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for time.Now().Before(end) {
				if _, err := c.Do(t.Context(), get("/read")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestASteadyOtherUserOfTheKeyMakesUsSlowerAndNotThrottled(t *testing.T) {
	tests := []struct {
		name   string
		server *shared
		ours   int // the configured limit
		left   int // of 60 a minute
		most   int // refusals, all of them in the first ten minutes
		crowd  int // refusals of the others, of 1,400
	}{
		{"evenly, sliding windows", &shared{theirs: evenly(20)}, 60, 40, 2, 20},
		{"evenly, fixed windows", &shared{theirs: evenly(20), fixed: true}, 60, 40, 2, 140},
		{"at once, sliding windows", &shared{theirs: atOnce(20)}, 60, 40, 2, 20},
		{"at once, fixed windows", &shared{theirs: atOnce(20), fixed: true}, 60, 40, 2, 20},
		{"nearly all of it", &shared{theirs: evenly(50)}, 60, 10, 2, 20},
		// Four were on their way when the first was refused; then it is tried
		// once more, to tell a steady user from one that has gone.
		{"evenly, and the server tells nothing", &shared{theirs: evenly(20), mute: true}, 60, 40, 5, 20},
		{"a limit that was lowered and not announced", &shared{theirs: evenly(0), lowered: 40}, 60, 40, 5, 0},
		{"evenly, and both find room enough", &shared{theirs: evenly(20)}, 30, 30, 0, 0},
		{"nobody", &shared{theirs: evenly(0)}, 60, 60, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := test.server
			server.limit, server.way = 60, 40*time.Millisecond
			if server.lowered == 0 {
				server.lowered = 60
			}
			opts := transport.Options{Budget: transport.NewRateBudget(test.ours), Overall: time.Hour}
			talk(t, opts, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
				saturate(t, c, 4, 70*time.Minute)
			})
			begun := server.start.Add(10 * time.Minute)
			late, used := 0, 0
			for _, at := range server.refused {
				if at.After(begun) {
					late++
				}
			}
			for _, at := range server.served {
				if at.After(begun) && !at.After(begun.Add(time.Hour)) {
					used++
				}
			}
			t.Logf("refused %d times, %d of them late, the others %d times; %d sent in the hour of %d",
				len(server.refused), late, server.theirsRefused, used, test.left*60)
			if late > 0 || len(server.refused) > test.most {
				t.Errorf("refused %d times, %d of them after the first ten minutes; want at most %d, and none", len(server.refused), late, test.most)
			}
			if least := test.left * 60 * 9 / 10; used < least {
				t.Errorf("sent %d in the hour, want at least %d", used, least)
			}
			if server.theirsRefused > test.crowd {
				t.Errorf("the others were refused %d times, want at most %d", server.theirsRefused, test.crowd)
			}
		})
	}
}
