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
	mark     time.Time           // of the last glance, by the store's clock
	swept    inventory.VariantID // the last variant of the last page
	before   []pass              // the pages of the round before, as far as this one has not come to them
	round    []pass              // the pages of this round
	since    time.Time           // when the last share of the round was taken
	owed     float64             // the variants that the shares so far left over
	size     int                 // variants of a page, as the last full one had them
	recalled bool                // since is of a process before this one
	skipped  int                 // cycles since the last glance
	vague    bool                // the last glance could not tell in full
	glanced  bool                // this process has glanced at the store

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
	return tour{
		mark: look.Mark, swept: look.Swept, before: []pass{{last: math.MaxInt64, at: look.Oldest}}, trusted: true,
		since: look.Since, owed: look.Owed, recalled: true,
	}
}

// pageSize is how many variants a page of a store has, until one has shown it.
const pageSize = 250

// mistrusted is within how many cycles all of a store is read that does not
// tell what it updates.
const mistrusted = 4

// due is how many pages have to be read now, so that the round comes to its end
// in time: of so many variants so many are left in it. A store of one page is
// read whole each time.
func (t *tour) due(variants, left int, now time.Time, within time.Duration) (pages int) {
	if t.size == 0 {
		t.size = pageSize
	}
	elapsed := now.Sub(t.since)
	switch {
	case t.since.IsZero():
		elapsed = 0
	case t.recalled:
		elapsed = min(elapsed, within/recalledMost)
	}
	elapsed = max(elapsed, 0) // the clock may have been set back
	t.since, t.recalled = now, false
	t.owed = min(t.owed+sweepMargin*float64(variants)*float64(elapsed)/float64(within), float64(variants))
	if variants <= t.size {
		t.owed = 0
		return 1
	}
	for owed := t.owed; owed >= float64(min(t.size, left)); pages++ {
		if owed, left = owed-float64(min(t.size, left)), left-t.size; left <= 0 {
			left = variants
		}
	}
	if !t.trusted {
		pages = max(pages, (variants+mistrusted*t.size-1)/(mistrusted*t.size))
	}
	return pages
}

// pass notes that a page of so many variants was read, up to one; the largest
// is the end of the round.
func (t *tour) pass(variants int, last inventory.VariantID, now time.Time) {
	t.owed = max(t.owed-float64(variants), 0)
	t.swept, t.round = last, append(t.round, pass{last, now})
	t.before = slices.DeleteFunc(t.before, func(p pass) bool { return p.last <= last })
	if t.trusted && t.missed >= missedMost && t.missed*missedShare > t.told {
		t.trusted = false
	}
	if last == math.MaxInt64 {
		t.before, t.round, t.swept = t.round, nil, 0
		if t.trusted { // what was long ago says less
			t.told, t.missed = t.told/2, t.missed/2
		}
		return
	}
	t.size = max(variants, 1)
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
