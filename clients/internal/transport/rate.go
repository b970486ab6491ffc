package transport

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// window is the span that Katana counts requests over.
const window = time.Minute

// resetMost bounds what X-Ratelimit-Reset can make us wait: it is read off the
// server's clock, and clocks are wrong at times.
const resetMost = 90 * time.Second

// RateBudget allows a number of requests in any 60 seconds, whatever the
// moment they begin, so that it satisfies a server that counts by fixed or by
// sliding windows. It learns from X-Ratelimit-Limit, -Remaining and -Reset and
// from 429, and never allows more than it was made with.
//
// https://developer.katanamrp.com/reference/api-rate-limiting
type RateBudget struct {
	mu      sync.Mutex
	ceiling int // configured
	limit   int // learned, at most the ceiling
	flying  int // sent, not answered
	// ends holds, for each request that was answered, when it leaves the
	// window. It is counted from the answer: the server counted it before, so
	// that no latency makes two windows overlap. Requests of others on the
	// same key, known from Remaining, are in it too.
	ends  []time.Time
	quiet time.Time // after a 429, nothing before this
}

// NewRateBudget allows perMinute requests a minute, at least one.
func NewRateBudget(perMinute int) *RateBudget {
	perMinute = max(perMinute, 1)
	return &RateBudget{ceiling: perMinute, limit: perMinute}
}

// Acquire waits until a request may be sent.
func (b *RateBudget) Acquire(ctx context.Context, _ *Request) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		wait := b.take(time.Now())
		if wait <= 0 {
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// take takes a place in the window, or tells when to ask again.
func (b *RateBudget) take(now time.Time) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if wait := b.quiet.Sub(now); wait > 0 {
		return wait
	}
	next := b.expire(now)
	if len(b.ends)+b.flying < b.limit {
		b.flying++
		return 0
	}
	if next.IsZero() {
		// All places are in flight; one of them must be answered first.
		return waitFloor
	}
	return next.Sub(now)
}

// expire drops what has left the window and gives the next time that
// something will.
func (b *RateBudget) expire(now time.Time) (next time.Time) {
	kept := b.ends[:0]
	for _, end := range b.ends {
		if !end.After(now) {
			continue
		}
		kept = append(kept, end)
		if next.IsZero() || end.Before(next) {
			next = end
		}
	}
	b.ends = kept
	return next
}

// Settle notes that a request was answered, and what the answer tells of the
// limit.
func (b *RateBudget) Settle(_ *Request, resp *Response) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flying--
	b.ends = append(b.ends, now.Add(window))
	if resp == nil {
		return
	}
	if limit, ok := headerInt(resp.Header, "X-Ratelimit-Limit"); ok && limit > 0 {
		b.limit = int(min(limit, int64(b.ceiling)))
	}
	reset, known := resetIn(resp, now)
	if resp.Status == http.StatusTooManyRequests {
		b.hush(now, resp.Wait, reset)
		return
	}
	remaining, ok := headerInt(resp.Header, "X-Ratelimit-Remaining")
	if !ok || !known {
		return
	}
	b.expire(now)
	// Places that we think free and the server does not are taken by others.
	// Whether it has counted what is in flight is unknown; suppose it has not.
	left := max(remaining-int64(b.flying), 0)
	for free := b.limit - len(b.ends) - b.flying; int64(free) > left; free-- {
		b.ends = append(b.ends, now.Add(reset))
	}
}

// hush keeps every request back after a 429, not only the one that got it.
func (b *RateBudget) hush(now time.Time, wait, reset time.Duration) {
	if wait == 0 {
		wait = reset
	}
	if wait == 0 {
		wait = time.Second
	}
	if until := now.Add(min(wait, resetMost)); until.After(b.quiet) {
		b.quiet = until
	}
}

// resetIn is how far away X-Ratelimit-Reset is. It is documented as epoch
// milliseconds while its own sample is in seconds: below 1e11 is seconds. Past
// and absurd values are ignored.
func resetIn(resp *Response, now time.Time) (time.Duration, bool) {
	n, ok := headerInt(resp.Header, "X-Ratelimit-Reset")
	if !ok || n <= 0 {
		return 0, false
	}
	at := time.UnixMilli(n)
	if n < 1e11 {
		at = time.Unix(n+1, 0) // the second has just begun or is nearly over
	}
	if !resp.Date.IsZero() {
		now = resp.Date // the same clock as Reset's
	}
	in := at.Sub(now)
	if in <= 0 || in > time.Hour {
		return 0, false
	}
	return min(in, resetMost), true
}

func headerInt(h http.Header, name string) (int64, bool) {
	n, err := strconv.ParseInt(h.Get(name), 10, 64)
	return n, err == nil
}
