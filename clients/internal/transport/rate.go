package transport

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// window is the span that Katana counts requests over.
const window = time.Minute

// resetMost bounds what X-Ratelimit-Reset can make us wait: it is read off the
// server's clock, and clocks are wrong at times.
const resetMost = 90 * time.Second

// resetBlur is how far Reset may be off: it and Date are in whole seconds.
const resetBlur = 3 * time.Second

// limitMost bounds what X-Ratelimit-Limit can make us count.
const limitMost = 1_000_000

// RateBudget allows a number of requests in any 60 seconds, whatever the
// moment they begin, so that it satisfies a server that counts by fixed or by
// sliding windows. It learns from X-Ratelimit-Limit, -Remaining and -Reset and
// from 429, never allows more than it was made with, and leaves to others on
// the same key what they are used to take. Who waits stands in a [Queue].
//
// https://developer.katanamrp.com/reference/api-rate-limiting
type RateBudget struct {
	queue *Queue // its lock is the lock of all the rest

	ceiling int // configured
	limit   int // of the key, by the server's word; the ceiling until it is heard
	flying  int // sent, not answered
	// heard: there was an answer. Before it nothing is known of the window, which
	// may be full of a former process's requests: one goes ahead and asks.
	heard bool
	// own holds, for each request that was answered, when it leaves the window.
	// It is counted from the answer: the server counted it before, so that no
	// latency makes two windows overlap.
	own []time.Time
	// others holds the same for requests of others on the same key, as far as
	// Remaining told.
	others []time.Time
	newest standing  // of the answers since nothing was in flight
	opened opening   // of the server's window
	use    use       // what others take
	quiet  time.Time // after a 429, nothing before this
}

// standing is what an answer tells of the key's window.
type standing struct {
	remaining int
	reset     int64     // as the server has it
	end       time.Time // the same by our clock
}

// opening is since when a Reset has stayed the same, to tell a fixed window from
// one that moves with each request.
type opening struct{ at, end time.Time }

// newer tells, of answers that overtook each other, which one the server gave
// later: while nothing leaves its window, Remaining only falls, and what leaves
// moves Reset on.
func (s standing) newer(than standing) bool {
	if s.reset != than.reset {
		return s.reset > than.reset
	}
	return s.remaining < than.remaining
}

// NewRateBudget allows perMinute requests a minute, at least one.
func NewRateBudget(perMinute int) *RateBudget {
	perMinute = max(perMinute, 1)
	b := &RateBudget{ceiling: perMinute, limit: perMinute}
	b.queue = NewQueue(b.enter)
	return b
}

// Acquire waits until a request may be sent.
func (b *RateBudget) Acquire(ctx context.Context, r *Request) error { return b.queue.Wait(ctx, r, 1) }

// enter takes a place in the window, or tells when to ask again.
func (b *RateBudget) enter(now time.Time, _ float64) (wait time.Duration, in bool) {
	if wait := b.quiet.Sub(now); wait > 0 {
		return wait, false
	}
	b.expire(now)
	switch {
	case b.flying > 0 && !b.heard:
		return Never, false
	case b.flying > 0 && len(b.own)+b.flying >= b.limit-b.use.highest(now):
		// Others were seen to take these places of late. One request asks
		// whether they still do, before more follow.
		return Never, false
	case len(b.own)+b.flying < b.most(now, len(b.others)):
		if b.flying == 0 {
			b.newest = standing{}
		}
		b.flying++
		return 0, true
	}
	wait = Never // all places are in flight; one of them must be answered first
	for _, ends := range [][]time.Time{b.own, b.others} {
		if len(ends) > 0 {
			wait = min(wait, ends[0].Sub(now))
		}
	}
	return wait, false
}

// most is how many requests of ours may be in the window beside so many of
// others, and beside those that others are used to send.
func (b *RateBudget) most(now time.Time, others int) int {
	return min(b.ceiling, b.limit-max(others, b.reserve(now)))
}

// reserve is what is left to others. One request a minute is always ours, or
// we would never hear that the others are gone.
func (b *RateBudget) reserve(now time.Time) int { return min(b.use.steady(now), b.limit-1) }

// expire drops what has left the window.
func (b *RateBudget) expire(now time.Time) {
	b.own = after(b.own, now)
	b.others = after(b.others, now)
}

// after is what of sorted times is yet to come, in the same place.
func after(ends []time.Time, now time.Time) []time.Time {
	gone := 0
	for gone < len(ends) && !ends[gone].After(now) {
		gone++
	}
	if gone == 0 {
		return ends
	}
	return append(ends[:0], ends[gone:]...)
}

// Settle notes that a request was answered, and what the answer tells of the
// limit.
func (b *RateBudget) Settle(_ *Request, resp *Response) {
	b.queue.Change(func(now time.Time) { b.settle(now, resp) })
}

func (b *RateBudget) settle(now time.Time, resp *Response) {
	b.expire(now)
	b.flying--
	b.own = append(b.own, now.Add(window))
	if resp == nil {
		return
	}
	b.heard = true
	if limit, ok := headerInt(resp.Header, "X-Ratelimit-Limit"); ok && limit > 0 {
		b.limit = int(min(limit, limitMost))
	}
	reset, known := resetIn(resp, now)
	if known {
		b.open(now, now.Add(reset))
	}
	if resp.Status == http.StatusTooManyRequests {
		// With nothing of ours in the window we may have been the others
		// ourselves, in a process before this one. Else the places that were
		// neither ours nor in flight were theirs; the refused request has none.
		if len(b.own) > 1 {
			b.use.refused(now, max(b.limit-b.counted(now)+1-b.flying, b.use.steady(now)+1))
		}
		b.hush(now, resp.Wait, reset)
		return
	}
	remaining, ok := headerInt(resp.Header, "X-Ratelimit-Remaining")
	if !ok {
		return
	}
	told := standing{remaining: int(min(max(remaining, 0), int64(b.limit))), end: now.Add(reset)}
	// The server may have counted what is in flight; suppose it has, so that
	// we never take ourselves for others.
	b.use.seen(now, b.limit-told.remaining-b.counted(now)-b.flying)
	if known {
		told.reset, _ = headerInt(resp.Header, "X-Ratelimit-Reset")
		b.place(told)
	}
}

// open notes when the server's window ends, and since when it has said so.
func (b *RateBudget) open(now, end time.Time) {
	if end.Sub(b.opened.end).Abs() > resetBlur {
		b.opened = opening{now, end}
	}
}

// counted is how many of our own requests are in the server's window, at most:
// in a fixed one, which a Reset that stays shows, what was sent since it began,
// 60 s before. In a sliding one whose oldest request stays, that is all.
func (b *RateBudget) counted(now time.Time) int {
	if now.Sub(b.opened.at) <= 2*resetBlur {
		return len(b.own)
	}
	first, _ := slices.BinarySearchFunc(b.own, b.opened.end.Add(-2*resetBlur), time.Time.Compare)
	return len(b.own) - first
}

// place notes the places that we think free and the server does not: others
// have taken them. Whether the server has counted what is in flight is unknown;
// here, suppose that it has not. Once nothing is in flight, the newest answer is
// exact, and replaces what was noted before.
func (b *RateBudget) place(told standing) {
	if told.newer(b.newest) {
		b.newest = told
	}
	if b.flying == 0 {
		told = b.newest
		b.others = b.others[:0]
	}
	left := max(told.remaining-b.flying, 0)
	for free := b.limit - len(b.own) - len(b.others) - b.flying; free > left; free-- {
		at, _ := slices.BinarySearchFunc(b.others, told.end, time.Time.Compare)
		b.others = slices.Insert(b.others, at, told.end)
	}
}

// hush keeps every request back after a 429, not only the one that got it. A
// Retry-After that is too long to be waited for is told to whoever got it, who
// leaves the API alone; whoever asks all the same soon hears how things stand.
func (b *RateBudget) hush(now time.Time, wait, reset time.Duration) {
	switch {
	case wait > waitCap:
		wait = resetMost
	case wait == 0:
		wait = cmp.Or(reset, time.Second)
	}
	if until := now.Add(wait); until.After(b.quiet) {
		b.quiet = until
	}
}

// PerMinute is how many requests a minute are allowed, others on the same key
// included.
func (b *RateBudget) PerMinute() (most int) {
	b.queue.Change(func(time.Time) { most = min(b.ceiling, b.limit) })
	return most
}

// Spare is how many requests could be sent within that time from now and none
// of them be throttled or wait for longer: what the window, the limit, those
// who wait already and the others on the same key leave. Before the first answer
// it is one, which asks.
func (b *RateBudget) Spare(now time.Time, within time.Duration) int {
	within = max(within, 0)
	spare, waiting, heard := 0, 0, false
	b.queue.Change(func(time.Time) {
		b.expire(now)
		waiting, heard = b.queue.waiting, b.heard
		for _, free := range b.frees(now) {
			if free = max(free, b.quiet.Sub(now)); free <= within {
				spare += 1 + int((within-free)/(window+time.Second)) // a second for its answer
			}
		}
	})
	if !heard {
		spare = min(spare, 1)
	}
	return max(spare-waiting, 0)
}

// frees is when each of the places that may be ours is free, the first first.
func (b *RateBudget) frees(now time.Time) []time.Duration {
	var taken []time.Duration
	for _, end := range b.own {
		taken = append(taken, end.Sub(now))
	}
	// Others who take what is left to them anyway take nothing of ours.
	reserve := b.reserve(now)
	for _, end := range b.others[:max(len(b.others)-reserve, 0)] {
		taken = append(taken, end.Sub(now))
	}
	for range b.flying {
		taken = append(taken, window+time.Second)
	}
	slices.Sort(taken)
	places := max(min(b.ceiling, b.limit-reserve), 0)
	if over := len(taken) - places; over > 0 {
		return taken[over:]
	}
	return append(make([]time.Duration, places-len(taken)), taken...)
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
