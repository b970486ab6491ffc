package transport

import (
	"slices"
	"time"
)

const (
	// minutes is for how many minutes back it is known what others took, and
	// steadyIn in how many of them they must have taken it to be expected again.
	// Whatever is taken once is in the window for 60 s, and so in two minutes at
	// most; our own requests before a restart are such a thing.
	minutes  = 6
	steadyIn = 3

	// Two refusals make what others took both times expected, when they are
	// more than a window and at most refusalsApart apart, for refusalsHold.
	refusalsApart = 10 * time.Minute
	refusalsHold  = 90 * time.Minute
	// A single refusal counts until the minutes tell more.
	refusalHolds = 3 * time.Minute
)

// use is how many requests others on the same key were seen to send within a
// window.
type use struct {
	minute int64        // of the first of most, since 1970
	most   [minutes]int // by the minute, the newest first
	// newest and former are the refusals that nothing of ours explains: the
	// server does not tell of all others, or its limit is lower than it says.
	newest, former refusal
}

type refusal struct {
	at    time.Time
	taken int
}

// seen notes what others have in the window now.
func (u *use) seen(now time.Time, taken int) {
	u.roll(now)
	u.most[0] = max(u.most[0], taken)
}

// refused notes what others must have had in the window. Refusals within a
// window of the first are one.
func (u *use) refused(now time.Time, taken int) {
	if now.Sub(u.newest.at) <= window {
		u.newest.taken = max(u.newest.taken, taken)
		return
	}
	u.former, u.newest = u.newest, refusal{now, taken}
}

// steady is what others are to be expected to take again.
func (u *use) steady(now time.Time) int {
	u.roll(now)
	ranked := u.most
	slices.Sort(ranked[:])
	taken := ranked[minutes-steadyIn]
	if taken > 0 {
		taken++ // room to take more, or we would never see that they want it
	}
	switch age := now.Sub(u.newest.at); {
	case age <= refusalHolds:
		taken = max(taken, u.newest.taken)
	case age <= refusalsHold && u.newest.at.Sub(u.former.at) <= refusalsApart:
		taken = max(taken, min(u.newest.taken, u.former.taken))
	}
	return taken
}

// highest is the most that others are known to have taken of late.
func (u *use) highest(now time.Time) int {
	u.roll(now)
	taken := slices.Max(u.most[:])
	if now.Sub(u.newest.at) <= 2*refusalsHold {
		taken = max(taken, u.newest.taken)
	}
	return taken
}

// roll begins a new minute when it has come, and forgets the oldest.
func (u *use) roll(now time.Time) {
	minute := now.Unix() / 60
	for ; u.minute < minute; u.minute++ {
		if minute-u.minute >= minutes {
			u.most, u.minute = [minutes]int{}, minute
			return
		}
		copy(u.most[1:], u.most[:minutes-1])
		u.most[0] = 0
	}
}
