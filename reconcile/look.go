package reconcile

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/inventory"
)

// look reads the whole store, if it has to be. A full cycle does, and one that
// is asked for something in particular; else a store that was never looked at.
// What happened while there was no daemon is heard of before anything else.
func (s *cycleStore) look(ctx context.Context) error {
	if !s.whole {
		s.looked = s.c.started
		if !s.kept.tour.glanced {
			if err := s.readUpdated(inventory.WithUrgency(ctx, inventory.Hearing)); err != nil {
				return err
			}
		}
		s.locations = s.kept.Look.Locations
		return nil
	}
	s.began = s.c.r.opts.Now()
	glance, err := s.Target.Glance(ctx, time.Time{})
	if err != nil {
		return err
	}
	items, err := s.Target.Observe(ctx)
	if err != nil {
		return err
	}
	if err := s.readSales(ctx, glance.Sales.Told); err != nil { // after the levels: what has lowered them is among the orders
		return err
	}
	s.looked = s.c.r.opts.Now()
	s.locations, s.kept.Look.Locations = glance.Locations, glance.Locations
	levels := s.kept.shelf.restock(items, s.looked)
	vague, size := s.kept.tour.vague, s.kept.tour.size
	s.kept.tour = tour{vague: vague, size: size, mark: glance.Mark, before: []pass{{last: math.MaxInt64, at: s.began}}, trusted: true, glanced: true, since: s.began}
	s.c.r.opts.Progress(fmt.Sprintf("%s: %d levels", s.Name, levels))
	return nil
}

func sortLevels(levels []inventory.Level) {
	byKey := func(a, b inventory.Level) int { return a.Compare(b.Key) }
	if !slices.IsSortedFunc(levels, byKey) {
		slices.SortFunc(levels, byKey)
	}
}

// lookAtParts looks at what has to be read of the stores that are not read whole,
// and at what nothing speaks of. What that finds is read of Katana, and the levels
// that share its stock as well, so that it is written in the same cycle.
func (c *cycle) lookAtParts(ctx context.Context) error {
	c.doubt()
	c.each(func(s *cycleStore) error { return s.glance(ctx) })
	found, err := c.readFound(ctx)
	if err != nil || !found {
		return err
	}
	c.doubt()
	c.each(func(s *cycleStore) error {
		if err := s.readDoubted(ctx); err != nil || !s.mustHear() {
			return err
		}
		return s.readUpdated(inventory.WithUrgency(ctx, inventory.Writing))
	})
	return nil
}

// doubt finds out what the stores that are not read whole must read before
// anything is planned: the levels of what an order has just arrived for, which
// have fallen; those of batches that were cut off; and, of what is about to be
// written in whichever store, the levels that share their stock with others, and
// those that nobody has looked at for long. Everything else is written as it was
// seen last, under compare-and-set: whoever sold one since makes the line stale.
func (c *cycle) doubt() {
	c.inFlight = c.entries()
	c.wholly = !slices.ContainsFunc(c.stores, func(s *cycleStore) bool { return s.err == nil && s.partly() })
	if c.wholly {
		return
	}
	everywhere := map[inventory.SKU]bool{}
	for _, s := range c.stores {
		if s.err != nil || s.mode == inventory.ModeOff {
			continue
		}
		s.doubtOwn()
		for _, line := range s.undoing {
			everywhere[line.SKU] = true
			if line.From > line.To {
				s.raises++
			}
		}
		for _, change := range s.outline().Changes {
			if !s.sends(change) {
				continue
			}
			s.writes++
			if change.Raise() {
				s.raises++
			}
			switch {
			case c.shared(change):
				everywhere[change.SKU] = true
			case s.stale(change.Key):
				s.doubted[change.SKU] = true
			}
		}
	}
	for _, s := range c.stores {
		for sku := range everywhere {
			s.doubted[sku] = true
		}
	}
}

// partly tells whether only a part of the store is read.
func (s *cycleStore) partly() bool { return !s.whole && s.mode != inventory.ModeOff }

// doubtOwn adds what the store must read for its own sake.
func (s *cycleStore) doubtOwn() {
	for _, sku := range flight.Arriving(&s.kept.Ledger, s.c.orders, s.Shop, s.c.catalogue.SKU, s.c.byKatana(s.c.started)) {
		s.doubted[sku] = true
	}
	for _, credit := range s.kept.Ledger.Credits {
		s.doubted[credit.SKU] = true
	}
	for _, open := range s.kept.open {
		for _, change := range open.Changes {
			s.doubted[change.SKU] = true
		}
	}
}

// setApart finds out of what is planned whether all is known that it depends
// on: nothing else draws on its stock, or whatever does was read in this cycle;
// and whether every store has told what it sold.
func (c *cycle) setApart() {
	c.unheard = slices.ContainsFunc(c.stores, func(s *cycleStore) bool { return s.err == nil && s.unheard() })
	c.fallSilent()
	c.watchFirst(c.rising, c.started)
	if c.wholly {
		return
	}
	for _, s := range c.stores {
		s.apart = map[inventory.SKU]bool{}
		if s.err != nil {
			continue
		}
		for change := range s.planned {
			if known, before := s.apart[change.SKU]; known || !before {
				s.apart[change.SKU] = !c.shared(change) || c.lookedAt(change.SKU)
			}
		}
	}
}

// planned goes through what the store may write in this cycle.
func (s *cycleStore) planned(yield func(inventory.Change) bool) {
	for _, change := range s.plan.Changes {
		if !yield(change) {
			return
		}
	}
	for _, line := range s.undoing {
		if !yield(line.Change) {
			return
		}
	}
}

// lookedAt tells whether every store that is looked at has read all levels of a
// SKU.
func (c *cycle) lookedAt(sku inventory.SKU) bool {
	return !slices.ContainsFunc(c.stores, func(s *cycleStore) bool {
		return s.err == nil && s.partly() && !s.lookedAt(sku)
	})
}

// sends tells whether a change would be written, as far as is known before the
// guards have seen it.
func (s *cycleStore) sends(change inventory.Change) bool {
	if s.mode == inventory.ModeReport {
		return false
	}
	id, stands := s.c.catalogue.Stands(change.SKU)
	_, held := s.held(change)
	return stands && s.c.fresh[id] && !held
}

// stale tells whether nobody has looked at a level for as long as the sweep may
// take.
func (s *cycleStore) stale(key inventory.Key) bool {
	one := s.kept.shelf.slot(key)
	return one != nil && one.listed && s.c.started.Sub(when(one.read)) > s.c.r.opts.SweepWithin
}

// shared tells whether levels of a change's SKU, in whichever stores, draw on the
// same stock: what one of them has sold, the others must not offer.
func (c *cycle) shared(change inventory.Change) bool {
	taken := map[inventory.SourceLocationID]bool{}
	draws := func(key inventory.Key) (twice bool) {
		for _, source := range c.memories[key.Store].feeds[key.Location].Sources {
			twice = twice || taken[source]
			taken[source] = true
		}
		return twice
	}
	twice := draws(change.Key)
	for _, kept := range c.memories {
		for _, key := range kept.shelf.keysOf(change.SKU) {
			if key != change.Key {
				twice = draws(key) || twice
			}
		}
	}
	return twice
}

// glance reads what has to be read of a store that is not read whole: the
// levels in doubt, and else, in turn, what the store says was updated and the
// next page of the sweep.
func (s *cycleStore) glance(ctx context.Context) error {
	if s.whole {
		return nil
	}
	s.began = s.c.r.opts.Now()
	err := s.readDoubted(ctx)
	switch {
	case err != nil:
	case !s.listens:
		err = s.lookAround(ctx)
	case s.mustHear():
		err = s.readUpdated(inventory.WithUrgency(ctx, inventory.Writing))
	}
	if err != nil {
		return err
	}
	s.looked = s.c.r.opts.Now()
	return nil
}

// readDoubted reads all levels of the SKUs in doubt that were not read yet.
func (s *cycleStore) readDoubted(ctx context.Context) error {
	if s.whole {
		return nil
	}
	ctx = inventory.WithUrgency(ctx, inventory.Writing)
	var keys []inventory.Key
	for sku := range s.doubted {
		if !s.read[sku] {
			keys = append(keys, s.kept.shelf.keysOf(sku)...)
		}
	}
	for sku := range s.doubted {
		s.read[sku] = true // unless the store fails now, which ends its part
	}
	if len(keys) == 0 {
		return nil
	}
	slices.SortFunc(keys, inventory.Key.Compare)
	levels, err := s.Target.Levels(ctx, keys)
	if err != nil {
		return err
	}
	s.putAll(keys, levels)
	return nil
}

// putAll takes in what a read of some levels gave: those that did not come are
// gone.
func (s *cycleStore) putAll(asked []inventory.Key, levels []inventory.Level) {
	now := s.c.r.opts.Now()
	came := make(map[inventory.Key]bool, len(levels))
	for _, level := range levels {
		came[level.Key] = true
		s.kept.shelf.put(level, now)
	}
	for _, key := range asked {
		if !came[key] {
			s.kept.shelf.unlist(key)
		}
	}
}

// lookAround looks at what nothing speaks of. A cycle that has something to
// write leaves it to the next, but for so long.
func (s *cycleStore) lookAround(ctx context.Context) error {
	t := &s.kept.tour
	shelf := s.kept.shelf
	pages := t.due(len(shelf.inOrder), shelf.above(t.swept), s.c.started, s.c.r.opts.SweepWithin)
	busy := s.writes > 0 || len(s.doubted) > 0
	if busy && t.skipped < blindMost && pages < blindMost {
		if s.mustHear() {
			return s.readUpdated(inventory.WithUrgency(ctx, inventory.Writing))
		}
		t.skipped++
		return nil
	}
	for range pages {
		if err := s.readPage(inventory.WithUrgency(ctx, inventory.Sweeping)); err != nil {
			return err
		}
	}
	if !t.trusted {
		s.notes = append(s.notes, "the store does not say of every level that it has updated it, so all are read in turn")
	}
	if s.glanced || pages > 0 && t.skipped < blindMost && !s.mustHear() {
		t.skipped++
		return nil
	}
	return s.readUpdated(inventory.WithUrgency(ctx, inventory.Hearing))
}

// readUpdated reads what the store says was updated, and its locations. Where
// Katana has been read by then, those count from the next cycle on.
func (s *cycleStore) readUpdated(ctx context.Context) error {
	t := &s.kept.tour
	glance, err := s.Target.Glance(ctx, t.mark)
	if errors.Is(err, inventory.ErrIncomplete) {
		s.vague(err)
		return s.readSales(ctx, !s.kept.Ledger.Told.IsZero())
	}
	if err != nil {
		return err
	}
	if err := s.hearSales(ctx, glance.Sales); err != nil {
		return err
	}
	now := s.c.r.opts.Now()
	for _, level := range glance.Levels {
		if s.kept.shelf.put(level, now) {
			t.told++
		}
	}
	for some := range inventory.ItemsOf(glance.Edited) {
		if known, ok := s.kept.shelf.items[some[0].Item]; ok && known.Variant < some[0].Variant {
			continue // a lower variant has it
		}
		t.told += s.kept.shelf.putItem(some, now)
	}
	t.mark, t.skipped, t.glanced, s.glanced, t.vague = glance.Mark, 0, true, true, false
	s.kept.Look.Locations = glance.Locations
	return nil
}

// vague has the store read whole by the next cycle where it cannot tell in full
// what it updated; the second time in a row it is read in turn from then on.
func (s *cycleStore) vague(err error) {
	t := &s.kept.tour
	s.kept.shelf.whole = t.vague
	if t.vague {
		t.trusted, t.skipped = false, 0
	}
	t.vague = true
	s.notes = append(s.notes, "what the store updated cannot be told in full, so all of it is read: "+err.Error())
}

// readPage reads the next page of the sweep.
func (s *cycleStore) readPage(ctx context.Context) error {
	t, shelf := &s.kept.tour, s.kept.shelf
	after := t.swept
	page, err := s.Target.Page(ctx, after)
	if err != nil {
		return err
	}
	now := s.c.r.opts.Now()
	last := page.Last
	if page.End {
		last = math.MaxInt64
	}
	gone := map[inventory.ItemID]bool{}
	for _, id := range shelf.between(after, last) {
		gone[id] = true
	}
	updated, covered := page.Updated, map[inventory.VariantID]bool{}
	for some := range inventory.ItemsOf(page.Levels) {
		dated := updated[:len(some)]
		updated, covered[some[0].Variant] = updated[len(some):], true
		if known, ok := shelf.items[some[0].Item]; ok && known.Variant <= after {
			continue // a variant of a former page has it
		}
		delete(gone, some[0].Item)
		t.missed += shelf.unheard(some, dated, t.mark)
		shelf.putItem(some, now)
	}
	for id := range gone {
		shelf.remove(id)
	}
	t.pass(len(covered), last, now)
	return nil
}
