package reconcile

import (
	"cmp"
	"slices"
	"time"

	"stocksyncd/reconcile/inventory"
)

// turns is the order in which the sweep comes to variants: the one that was
// read longest ago first. A variant that was read again stands in it several
// times, and only its last place counts.
type turns struct {
	queue []visit
	live  int     // variants that take turns
	owed  float64 // a part of one that the shares so far left over
}

type visit struct {
	id inventory.SourceVariantID
	at int64 // when it was read, in nanoseconds since 1970
}

func (t visit) compare(other visit) int {
	return cmp.Or(cmp.Compare(t.at, other.at), cmp.Compare(t.id, other.id))
}

// add puts a variant at the end.
func (t *turns) add(id inventory.SourceVariantID, at int64) { t.queue = append(t.queue, visit{id, at}) }

// front drops what does not count from the front, and gives the first that
// does.
func (t *turns) front(counts func(visit) bool) (first visit, any bool) {
	i := slices.IndexFunc(t.queue, counts)
	if i < 0 {
		t.queue = nil
		return visit{}, false
	}
	if t.queue = t.queue[i:]; len(t.queue) < cap(t.queue)/4 {
		t.queue = slices.Clone(t.queue)
	}
	return t.queue[0], true
}

// first gives so many from the front that count.
func (t *turns) first(n int, counts func(visit) bool) (some []visit) {
	for _, one := range t.queue {
		if len(some) >= n {
			break
		}
		if counts(one) {
			some = append(some, one)
		}
	}
	return some
}

// kitWeight is how much more often a kit is swept: what can be built of it moves
// with every component, and no feed says so.
const kitWeight = 4

// sweepMargin is how much sooner the sweep comes round than it must.
const sweepMargin = 1.1

// quota is how many have to be read after some time, so that each is read
// within a span, and what part of one is left over.
func (t *turns) quota(elapsed, span time.Duration) (n int, owed float64) {
	if t.live == 0 || elapsed <= 0 {
		return 0, t.owed
	}
	share := t.owed + sweepMargin*float64(t.live)*float64(elapsed)/float64(span)
	n = min(t.live, int(share))
	return n, min(share-float64(n), 1)
}
