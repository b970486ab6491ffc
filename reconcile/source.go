package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/inventory"
)

// readSource reads Katana: what changed, the orders, then the figures. All
// stores are served by this one read.
func (c *cycle) readSource(ctx context.Context) error {
	if err := c.paused(""); err != nil {
		return fmt.Errorf("katana: %w", err)
	}
	if err := c.hear(inventory.WithUrgency(ctx, inventory.Hearing)); err != nil {
		return err
	}
	if err := c.readLocations(ctx); err != nil {
		return err
	}
	c.each(func(s *cycleStore) error { return s.resolve() })
	var err error
	if c.orders, err = c.r.opts.Source.Orders(inventory.WithUrgency(ctx, inventory.Hearing), c.ordersSince()); err != nil {
		return err
	}
	at, others := c.sources()
	if len(at)+len(others) == 0 { // nothing is mapped, or no store could be read
		c.mirror = newMirror()
		c.catalogue = c.mirror.catalogue
		return nil
	}
	if err := c.readFigures(ctx, at, others); err != nil {
		return err
	}
	for _, s := range c.stores { // also of those that failed: what they sold counts in the others
		s.match(c.orders)
	}
	return nil
}

// hear asks the feeds what has changed. Where they cannot tell, the cycle reads
// everything, as does a cycle without a former one: what the feeds say is where
// to look first, never that the rest is right. A question that fails for another
// reason ends the cycle, and the second in a row has everything read too.
func (c *cycle) hear(ctx context.Context) (err error) {
	if c.narrow {
		return nil // it keeps nothing, so there is nothing to hear of next time
	}
	if former := c.r.mirror; former != nil && !c.quiet && (c.ask.Kind == inventory.Incremental || former.partly) {
		if c.heard, err = c.r.opts.Source.Changes(ctx, former.mark); err == nil {
			c.hearing, c.kitsOld, c.r.unheard = true, c.kitsOld || c.heard.Recipes || c.heard.Catalogue, 0
			c.deaf()
			return nil
		}
		cannot := (*inventory.FeedError)(nil)
		if c.r.unheard++; ctx.Err() != nil || !errors.As(err, &cannot) && c.r.unheard < 2 {
			return err
		}
		c.r.opts.Log.Warn("what changed in Katana cannot be told, so all of it is read", "cycle", c.number, "err", err)
		c.kitsOld = true // they may be among it
	}
	c.heard, err = c.r.opts.Source.Changes(ctx, inventory.Mark{})
	return err
}

// deaf says once that a feed refuses us.
func (c *cycle) deaf() {
	for _, feed := range c.heard.Deaf {
		if !c.r.deaf[feed] {
			c.r.deaf[feed] = true
			c.r.opts.Log.Warn("Katana refuses one of its feeds, so what only that one tells of is found by the sweep, and an edit by the next full cycle: look at what the API key may read",
				"feed", feed, "sweep_within", c.r.opts.SweepWithin)
		}
	}
}

// readLocations reads Katana's locations, unless nothing has happened to them
// since this process did.
func (c *cycle) readLocations(ctx context.Context) (err error) {
	if c.hearing && c.ask.Kind == inventory.Incremental && !c.heard.Locations && c.r.located {
		c.locations = c.r.mirror.locations
		return nil
	}
	c.locations, err = c.r.opts.Source.Locations(ctx)
	c.r.located = c.r.located || err == nil && !c.quiet
	return err
}

// readFigures reads the catalogue and the inventory into the mirror: all of
// it, or what is hot, what would be written, and the share of the sweep. The
// open orders are read directly before and after the inventory: an order that
// changes between the two is subtracted whole, so they lie close together.
//
// Only what the stores draw on is compared with former reads: the other
// locations are those of a config that is compared with.
func (c *cycle) readFigures(ctx context.Context, at, others []inventory.SourceLocationID) error {
	began := c.reflect(slices.Concat(at, others))
	m := c.mirror
	if err := c.readCatalogue(ctx, began); err != nil {
		return err
	}
	if began { // from here on it goes on where it is cut off
		if err := c.keep(nil, nil, c.head()); err != nil {
			return err
		}
	}
	if c.narrow || !m.partly {
		c.readRecipes(ctx) // what is made of what is read too
	}
	c.open.before, c.open.err = c.openBefore(ctx)
	wanted, swept := c.wanted()
	urgency := inventory.UrgencyOf(ctx)
	if len(wanted) == len(swept.ids) {
		urgency = inventory.Sweeping
	}
	if err := c.readRows(inventory.WithUrgency(ctx, urgency), wanted); err != nil {
		return err
	}
	if c.open.err == nil {
		c.open.after, c.open.err = c.openAfter(ctx)
	}
	whole := m.partly && !c.narrow
	if whole {
		c.readRecipes(ctx)
	}
	m.sweptBy(swept, c.started)
	m.partly = false
	if whole || m.doubted {
		c.trust(at, whole)
	}
	m.doubted = c.shrunk != nil
	c.r.opts.Progress(fmt.Sprintf("Katana: %s read", count(len(wanted), "variant", "variants")))
	return c.reflected()
}

// reflect chooses the mirror that is read into, and tells whether the reading
// of all there is begins. One that was cut off goes on where it stopped.
func (c *cycle) reflect(reads []inventory.SourceLocationID) (began bool) {
	m := c.r.mirror
	if m == nil || c.quiet {
		m = newMirror()
	}
	asked := c.ask.Kind != inventory.Incremental && (!m.partly || c.started.Sub(m.since) > c.r.opts.SweepWithin)
	if began = asked || !c.hearing || !covers(m.at, reads); began {
		m.begin(c.started)
		m.unlisted = true
		m.mark = c.heard.Mark // nothing that happened before it is news to what is read from now on
	}
	m.at, m.locations = c.drawnOn(m.at, reads), c.locations
	c.mirror, c.catalogue = m, m.catalogue
	if !c.quiet {
		c.r.mirror = m
	}
	c.fresh = map[inventory.SourceVariantID]bool{}
	c.move(m.catalogue.Absent(c.source.Missing))
	return began
}

// drawnOn adds to the locations that are read those that were, as far as any
// store draws on them: one that is not looked at today will be again.
func (c *cycle) drawnOn(at, reads []inventory.SourceLocationID) []inventory.SourceLocationID {
	reads = slices.Clone(reads)
	for _, kept := range c.memories {
		for _, id := range kept.feeds.Sources() {
			if slices.Contains(at, id) {
				reads = append(reads, id)
			}
		}
	}
	slices.Sort(reads)
	return slices.Compact(reads)
}

// covers tells whether rows of these locations are rows of those too.
func covers(at, wanted []inventory.SourceLocationID) bool {
	return !slices.ContainsFunc(wanted, func(id inventory.SourceLocationID) bool { return !slices.Contains(at, id) })
}

// move has the stores look again at the levels of SKUs whose figure may have
// moved.
func (c *cycle) move(skus []inventory.SKU) {
	for _, kept := range c.memories {
		for _, sku := range skus {
			kept.shelf.move(sku)
		}
	}
}

// ordersSince is the oldest of the stores' marks: what one of them has not
// taken into account yet must be read again. A store without a mark begins its
// ledger now, and older orders are no news to it. What was inferred has expired
// after a while, but an order that the store has told of waits for Katana's however
// long no cycle runs.
func (c *cycle) ordersSince() (since time.Time) {
	for _, s := range c.stores {
		ledger := &s.kept.Ledger
		mark := ledger.Orders
		if mark.IsZero() { // none has changed since it began
			mark = ledger.Since
		}
		if oldest := c.started.Add(-flight.Remember); ledger.Told.IsZero() && !mark.IsZero() && mark.Before(oldest) {
			mark = oldest
		}
		if !mark.IsZero() && (since.IsZero() || mark.Before(since)) {
			since = mark
		}
	}
	return since
}

// sources lists the Katana locations that the stores which are served draw on,
// and those that only a config which is compared with would draw on.
func (c *cycle) sources() (at, others []inventory.SourceLocationID) {
	for _, s := range c.stores {
		if s.err == nil && s.mode != inventory.ModeOff {
			at, others = append(at, s.kept.feeds.Sources()...), append(others, s.other.feeds.Sources()...)
		}
	}
	slices.Sort(at)
	slices.Sort(others)
	at = slices.Compact(at)
	return at, slices.DeleteFunc(slices.Compact(others), func(id inventory.SourceLocationID) bool { return slices.Contains(at, id) })
}

// lives tells whether Katana lists a location.
func (c *cycle) lives(id inventory.SourceLocationID) bool {
	return slices.ContainsFunc(c.locations, func(l inventory.SourceLocation) bool { return l.ID == id })
}
