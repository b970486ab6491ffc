package reconcile

import (
	"math"
	"slices"
	"time"

	"stocksyncd/reconcile/inventory"
)

// blindMost is how many cycles may go by without a look at what a store says
// was updated.
const blindMost = 3

// tour is how a store is looked at in parts: page by page round all of it, and
// in between at what it says was updated.
type tour struct {
	mark    time.Time           // of the last glance, by the store's clock
	swept   inventory.VariantID // the last variant of the last page
	before  []pass              // the pages of the round before, as far as this one has not come to them
	round   []pass              // the pages of this round
	since   time.Time           // when the last share of the round was taken
	owed    float64             // a part of a page that the shares so far left over
	skipped int                 // cycles since the last glance
	glanced bool                // this process has glanced at the store

	told    int  // levels that glances told of
	missed  int  // levels that had changed without a glance telling of it
	trusted bool // glances tell of what changes
}

// pass is a page of the sweep.
type pass struct {
	last inventory.VariantID
	at   time.Time
}

// tourOf goes on with the round that a journal remembers.
func tourOf(look inventory.Look) tour {
	return tour{mark: look.Mark, swept: look.Swept, before: []pass{{last: math.MaxInt64, at: look.Oldest}}, trusted: true}
}

// pageSize is how many variants a page of a store has.
const pageSize = 250

// mistrusted is within how many cycles all of a store is read that does not
// tell what it updates.
const mistrusted = 4

// due is how many pages have to be read now, so that the round comes to its end
// in time. A store of one page is read whole each time.
func (t *tour) due(variants int, now time.Time, within time.Duration) int {
	all := (variants + pageSize - 1) / pageSize
	elapsed := time.Duration(0)
	if !t.since.IsZero() {
		elapsed = now.Sub(t.since)
	}
	t.since = now
	t.owed = min(t.owed+sweepMargin*float64(all)*float64(elapsed)/float64(within), float64(all))
	switch {
	case all <= 1:
		t.owed = 0
		return 1
	case !t.trusted:
		return max(int(t.owed), (all+mistrusted-1)/mistrusted)
	}
	return int(t.owed)
}

// pass notes that a page was read, up to a variant; the largest is the end of
// the round.
func (t *tour) pass(last inventory.VariantID, now time.Time) {
	t.owed = max(t.owed-1, 0)
	t.swept, t.round = last, append(t.round, pass{last, now})
	t.before = slices.DeleteFunc(t.before, func(p pass) bool { return p.last <= last })
	if last == math.MaxInt64 {
		t.before, t.round, t.swept = t.round, nil, 0
	}
	if t.trusted && t.missed >= missedMost && t.missed*missedShare > t.told {
		t.trusted = false
	}
}

// Glances are given up when so many changes were missed, and these are more
// than one in so many.
const (
	missedMost  = 3
	missedShare = 20
)

// oldest is when the level was read that was read longest ago.
func (t *tour) oldest() time.Time {
	for _, pages := range [][]pass{t.before, t.round} {
		if len(pages) > 0 {
			return pages[0].at
		}
	}
	return time.Time{}
}

// unheard counts the levels of an item that have changed although the store
// says that it updated none of them since they were read: a glance up to the
// mark should have told of them.
func (s *shelf) unheard(levels []inventory.Level, updated []time.Time, mark time.Time) (missed int) {
	for i, level := range levels {
		one := s.slot(level.Key)
		if one == nil || !one.listed || one.shows == level.Available || updated[i].IsZero() {
			continue
		}
		if !updated[i].After(mark) {
			missed++
		}
	}
	return missed
}
