package reconcile

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/inventory"
)

// What a change depends on beside its own level: what was read in this cycle, and
// what others that draw on the same stock may have sold unseen. What a level waits
// for by itself is in the plan.

// lacks says why a change must not be written in this cycle: not all was read that
// it depends on, or something may have been sold that nobody knows of. It is ""
// where nothing is missing.
func (s *cycleStore) lacks(change inventory.Change) (why inventory.Reason, detail string) {
	id, stands := s.c.catalogue.Stands(change.SKU)
	_, watched := s.c.firsts[change.SKU] // or the level carries another one by now
	if !stands || !s.c.fresh[id] || !s.c.wholly && !s.apart[change.SKU] || change.Raise() && (s.c.unheard || !watched) {
		return inventory.ReasonUnread, ""
	}
	return s.c.unsure(change)
}

// unsure says what a raise waits for in other stores and at other levels.
func (c *cycle) unsure(change inventory.Change) (why inventory.Reason, detail string) {
	if !change.Raise() {
		return "", ""
	}
	if store := c.missed(change); store != "" {
		return inventory.ReasonUnread, fmt.Sprintf("store %s failed, and may have sold of the same stock", store)
	}
	if key, is := c.unseen(change); is {
		return inventory.ReasonFirstSight, fmt.Sprintf("store %s may have sold of the same stock at %s, unseen", key.Store, c.placeOf(key))
	}
	return "", ""
}

// placeOf names the location of a level, whose store may not have said what it is
// called.
func (c *cycle) placeOf(key inventory.Key) string {
	if name := c.memories[key.Store].feeds[key.Location].Name; name != "" {
		return name
	}
	return fmt.Sprintf("location %d", int64(key.Location))
}

// fallSilent lists the stores that have failed in this cycle: nobody knows what
// they sold since they were read. A store that fails stops no other, so raises wait
// for it for one settle and go on then.
func (c *cycle) fallSilent() {
	for _, s := range c.stores {
		switch {
		case s.mode == inventory.ModeOff:
		case s.err == nil:
			s.kept.failing = time.Time{}
		default:
			if s.kept.failing.IsZero() {
				s.kept.failing = c.started
			}
			if c.started.Sub(s.kept.failing) < c.r.opts.Settle {
				c.silent = append(c.silent, s)
			}
		}
	}
}

// missed names a store that has failed and may have sold of what a raise offers: one
// whose levels are not known may sell anything. It is "" when there is none.
func (c *cycle) missed(change inventory.Change) inventory.StoreName {
	for _, s := range c.silent {
		shelf := s.kept.shelf
		if !shelf.whole || slices.ContainsFunc(shelf.keysOf(change.SKU), func(other inventory.Key) bool { return c.meet(other, change.Key) }) {
			return s.Name
		}
	}
	return ""
}

// meet tells whether a level may sell what another one offers.
func (c *cycle) meet(other, level inventory.Key) bool {
	return flight.Meet(c.feeds(other), c.feeds(level))
}

// watchFirst notes of some SKUs which levels may have sold what nobody has seen:
// those that were seen a moment ago for the first time, and those of which an answer
// was lost. The time is in a cycle no later than that at which Katana was read. It is
// called while no store's part runs, as it looks at all of them.
//
// A level without a record is seen now, but in a store that fails: there it may never
// get one, and raises wait for what the store may have sold for as long as
// [cycle.fallSilent] says.
func (c *cycle) watchFirst(skus iter.Seq[inventory.SKU], now time.Time) {
	c.firsts = map[inventory.SKU][]inventory.Key{}
	for sku := range skus {
		if _, known := c.firsts[sku]; known {
			continue
		}
		c.firsts[sku] = nil
		for _, store := range c.r.opts.Stores { // in their order, so that the same one is named each time
			if store.Mode != inventory.ModeOff {
				c.firsts[sku] = append(c.firsts[sku], c.firstsOf(c.memories[store.Name], sku, now)...)
			}
		}
	}
}

// firstsOf lists the levels of a SKU in one store that may have sold unseen.
func (c *cycle) firstsOf(kept *memory, sku inventory.SKU, now time.Time) (keys []inventory.Key) {
	unsure, unseen := c.r.terms().Unsure(&kept.Ledger), now
	if !kept.failing.IsZero() {
		unseen = time.Time{}
	}
	for _, level := range kept.shelf.listing(kept.shelf.of(sku)) {
		if flight.Counts(&level) && now.Before(kept.firstSeen(level.Key, unseen).Add(unsure)) {
			keys = append(keys, level.Key)
		}
	}
	return keys
}

// rising goes through the SKUs of which more may be offered by this cycle.
func (c *cycle) rising(yield func(inventory.SKU) bool) {
	for _, s := range c.stores {
		if s.err != nil {
			continue
		}
		for _, change := range s.plan.Changes {
			if change.Raise() && !yield(change.SKU) {
				return
			}
		}
		for _, line := range s.undoing { // what was lowered is raised again
			if !yield(line.SKU) {
				return
			}
		}
	}
}

// unseen gives a level that may have sold, unseen, what a raise offers: raises of
// its own wait for as long.
func (c *cycle) unseen(change inventory.Change) (key inventory.Key, is bool) {
	for _, key := range c.firsts[change.SKU] {
		if key != change.Key && c.meet(key, change.Key) {
			return key, true
		}
	}
	return key, false
}

// skus goes through the SKUs that the answer is about: one, or all there are.
func (c *cycle) skus(yield func(inventory.SKU) bool) {
	if c.ask.SKU != "" {
		yield(c.ask.SKU)
		return
	}
	for _, kept := range c.memories {
		for sku := range kept.shelf.bySKU {
			if !yield(sku) {
				return
			}
		}
	}
}
