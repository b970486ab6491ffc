package reconcile

import "time"

// sweepAtOnce is how many variants one request reads at one location.
const sweepAtOnce = 250

// sweepRequests is how many requests it takes at most to read so many variants.
func sweepRequests(variants, locations int) int {
	return (variants + sweepAtOnce - 1) / sweepAtOnce * locations
}

// sweepable is how many variants so many requests read at the least.
// Few are read at all locations at once, in one page.
func sweepable(requests, locations int) int {
	return max(requests/locations*sweepAtOnce, requests*((sweepAtOnce-1)/locations), 0)
}

// roundOf is how long the sweep takes to come round where of so many variants
// that are due only so many are read.
func roundOf(within time.Duration, due float64, read int) time.Duration {
	return time.Duration(float64(within) * due / float64(max(read, 1)))
}

// Sweep is what is to be read of Katana again and again.
type Sweep struct {
	Variants  int           // without kits
	Kits      int           // they come four times as often
	Locations int           // of Katana, at least one
	Within    time.Duration // each is to be read again
}

// Hourly is how many requests an hour it takes to read each in time.
func (s Sweep) Hourly() int {
	return sweepRequests(int(s.per(time.Hour)+0.5), s.Locations)
}

// per is how many have to be read in a span.
func (s Sweep) per(span time.Duration) float64 {
	return float64(s.Variants+kitWeight*s.Kits) * float64(span) / float64(s.Within)
}

// Round is the least time within which each can be read again, where a cycle
// begins every so often and may send so many requests a minute, the feeds
// included; it is Within if that can be had. Zero is never: the feeds leave
// nothing.
func (s Sweep) Round(every time.Duration, perMinute int) time.Duration {
	read := sweepable(int(float64(perMinute)*every.Minutes())-feedsMost, s.Locations)
	if read == 0 {
		return 0
	}
	return max(s.Within, every, roundOf(s.Within, sweepMargin*s.per(every), read))
}
