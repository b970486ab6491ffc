package sandbox

import (
	"math"
	"time"
)

// bucket is the leaky bucket of cost points of one app in one store.
type bucket struct {
	size, restore, level float64
	at                   time.Time // when level was right
}

// refill brings the level up to now.
func (b *bucket) refill(now time.Time) {
	if !b.at.IsZero() && now.After(b.at) {
		b.level = min(b.size, b.level+b.restore*now.Sub(b.at).Seconds())
	}
	b.at = now
}

// reserve takes points out, or nothing if there are too few.
func (b *bucket) reserve(now time.Time, points int) bool {
	b.refill(now)
	if float64(points) > b.level {
		return false
	}
	b.level -= float64(points)
	return true
}

// refund gives back what was reserved and not needed.
func (b *bucket) refund(points int) { b.level = min(b.size, b.level+float64(points)) }

// cost is what answers tell of it. actual is nil when nothing was run.
func (b *bucket) cost(requested int, actual any) map[string]any {
	return map[string]any{
		"requestedQueryCost": requested,
		"actualQueryCost":    actual,
		"throttleStatus":     map[string]any{"maximumAvailable": b.size, "currentlyAvailable": math.Floor(b.level), "restoreRate": b.restore},
	}
}
