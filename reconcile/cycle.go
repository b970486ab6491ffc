package reconcile

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// Cycle reads both sides, compares them, and writes what drifted.
//
// It reads in the direction in which a unit of stock travels: Shopify's levels,
// Katana's orders, Katana's inventory. A unit between two reads is counted
// twice for one cycle, never missed. What was seen is durable before anything
// is written.
//
// A store that fails carries its error in the report and stops no other. A
// source that fails ends the cycle before the diff; the report is returned
// beside the error. When ctx ends, the cycle stops between two batches.
func (r *Reconciler) Cycle(ctx context.Context, ask Request) (*inventory.Report, error) {
	c, err := r.begin(ask)
	if err != nil {
		return nil, err
	}
	c.each(func(s *cycleStore) error { return s.look(ctx) })
	if !c.alive() {
		return c.finish(nil) // nothing to compare Katana with
	}
	if err := c.readSource(ctx); err != nil {
		return c.finish(err)
	}
	c.each(func(s *cycleStore) error { return s.account() })
	c.inFlight = c.entries()
	c.each(func(s *cycleStore) error { return s.diff() })
	c.each(func(s *cycleStore) error { return s.apply(ctx) })
	return c.finish(nil)
}

// cycle is one cycle under way.
type cycle struct {
	r        *Reconciler
	ask      Request
	narrow   bool // only the SKU of ask is read of the inventory
	quiet    bool // nothing is kept of it: neither findings nor notes are wanted
	number   uint64
	started  time.Time
	requests map[string]inventory.RequestCount // totals at the start
	stores   []*cycleStore

	memories  map[inventory.StoreName]*memory // of all stores, asked for or not
	source    inventory.SourceMemory
	locations []inventory.SourceLocation
	orders    []inventory.SourceOrder
	open      openOrders
	heard     inventory.Changes
	mirror    *mirror
	fresh     map[inventory.SourceVariantID]bool // whose rows were read in this cycle
	kits      *desired.Kits
	kitsErr   error // why they could not be read
	kitsOld   bool  // they were not read since something happened to them
	catalogue *desired.Catalogue
	variants  []inventory.SourceVariant
	skus      map[inventory.SourceVariantID]inventory.SKU
	shrunk    *guard.Shrink
	inFlight  []inventory.InFlight // in all stores, when the diff began
}

func (r *Reconciler) begin(ask Request) (*cycle, error) {
	number, err := r.opts.Journal.Begin()
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	c, err := r.prepare(ask, func(kept *memory) *memory { return kept })
	if err != nil {
		return nil, err
	}
	c.number = number
	for _, s := range c.stores {
		if s.Mode == inventory.ModeOff {
			s.err = s.abandon()
		}
	}
	return c, nil
}

// prepare makes a cycle that works on what keep makes of the stores' memory.
func (r *Reconciler) prepare(ask Request, keep func(*memory) *memory) (c *cycle, err error) {
	c = &cycle{
		r: r, ask: ask, started: r.opts.Now(), requests: r.opts.Requests(), kits: r.kits, kitsOld: r.kitsOld,
		memories: make(map[inventory.StoreName]*memory, len(r.opts.Stores)),
	}
	if c.source, err = r.opts.Journal.Source(); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	for _, s := range r.opts.Stores {
		// All of them: what is in flight in one store counts in the others.
		kept, err := r.remembered(s.Name)
		if err != nil {
			return nil, err
		}
		kept = keep(kept)
		c.memories[s.Name] = kept
		if ask.Store != "" && ask.Store != s.Name {
			continue
		}
		c.stores = append(c.stores, newCycleStore(c, s, kept))
	}
	if len(c.stores) == 0 {
		return nil, fmt.Errorf("no store %q in the config", ask.Store)
	}
	return c, nil
}

// each runs a step for every store that has not failed, side by side, and
// notes the failures.
func (c *cycle) each(step func(*cycleStore) error) {
	var group errgroup.Group
	for _, s := range c.stores {
		if s.err != nil || s.mode == inventory.ModeOff {
			continue
		}
		group.Go(func() error {
			defer func() {
				if p := recover(); p != nil {
					s.kept.doubtful = true // it may be half changed
					s.err = fmt.Errorf("panic: %v", p)
					c.r.opts.Log.Error("a store's part of a cycle panicked", "store", s.Name, "cycle", c.number, "err", s.err, "stack", string(debug.Stack()))
				}
			}()
			s.err = step(s)
			return nil // one store's failure stops no other
		})
	}
	_ = group.Wait() // no step gives the group an error
}

// alive tells whether any store is left to compare with the source.
func (c *cycle) alive() bool {
	return slices.ContainsFunc(c.stores, func(s *cycleStore) bool { return s.err == nil && s.mode != inventory.ModeOff })
}

// paused gives the error for which an API is left alone, or nil. A full cycle
// asks all the same: whoever has mended a shop wants to see it.
func (c *cycle) paused(api string) error {
	if c.ask.Kind == inventory.Full {
		return nil
	}
	return c.r.pausedFor(api, c.started)
}

// readSource reads Katana: what changed, the orders, then the figures. All
// stores are served by this one read.
func (c *cycle) readSource(ctx context.Context) error {
	if err := c.paused(""); err != nil {
		return fmt.Errorf("katana: %w", err)
	}
	if err := c.hear(ctx); err != nil {
		return err
	}
	if err := c.readLocations(ctx); err != nil {
		return err
	}
	c.each(func(s *cycleStore) error { return s.resolve() })
	var err error
	if c.orders, err = c.r.opts.Source.Orders(ctx, c.ordersSince()); err != nil {
		return err
	}
	at, others := c.sources()
	if len(at)+len(others) == 0 { // nothing is mapped, or no store could be read
		c.catalogue = desired.NewCatalogue(&inventory.Snapshot{}, nil)
		return nil
	}
	if err := c.readFigures(ctx, at, others); err != nil {
		return err
	}
	c.r.opts.Progress(fmt.Sprintf("Katana: %d stock rows", len(c.mirror.stock)))
	c.skus = c.catalogue.SKUs()
	return nil
}

// hear asks the feeds what has changed. Whatever they cannot tell makes the
// cycle read everything, as does a cycle without a former one: what the feeds
// say is where to look first, never that the rest is right.
func (c *cycle) hear(ctx context.Context) (err error) {
	if c.narrow {
		return nil // it keeps nothing, so there is nothing to hear of next time
	}
	if former := c.r.mirror; c.ask.Kind == inventory.Incremental && former != nil {
		if c.heard, err = c.r.opts.Source.Changes(ctx, former.mark); err == nil {
			c.mirror, c.kitsOld = former, c.kitsOld || c.heard.Recipes || c.heard.Catalogue
			return nil
		}
		if ctx.Err() == nil {
			c.r.opts.Log.Warn("what changed in Katana cannot be told, so all of it is read", "cycle", c.number, "err", err)
		}
		c.kitsOld = true // they may be among it
	}
	c.heard, err = c.r.opts.Source.Changes(ctx, inventory.Mark{})
	return err
}

// readLocations reads Katana's locations, unless nothing has happened to them.
func (c *cycle) readLocations(ctx context.Context) (err error) {
	if c.mirror != nil && !c.heard.Locations {
		c.locations = c.mirror.locations
		return nil
	}
	c.locations, err = c.r.opts.Source.Locations(ctx)
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
	reads := slices.Concat(at, others)
	former := c.mirror
	whole := former == nil || !covers(former.at, reads)
	if whole {
		c.mirror = &mirror{at: reads, read: map[inventory.SourceVariantID]time.Time{}, hot: map[inventory.SourceVariantID][]time.Time{}}
	}
	if err := c.readCatalogue(ctx, whole); err != nil {
		return err
	}
	if part := c.narrow || !whole; part {
		c.readRecipes(ctx) // what is made of what is read too
	}
	if whole && former != nil { // what it was to read again is still to be read again
		maps.Copy(c.mirror.hot, former.hot)
		c.mirror.heat(c.started, c.heard.Variants...)
	}
	c.open.before, c.open.err = c.openOrders(ctx)
	wanted := inventory.Stocked(c.mirror.variants)
	switch {
	case c.narrow:
		wanted = c.around(wanted, c.ask.SKU)
	case !whole:
		wanted = c.wanted()
	}
	rows, err := c.r.opts.Source.Inventory(ctx, c.mirror.at, wanted)
	if err != nil {
		return err
	}
	if c.open.err == nil {
		c.open.after, c.open.err = c.openOrders(ctx)
	}
	if whole && !c.narrow {
		c.readRecipes(ctx)
	}
	c.takeIn(wanted, rows, whole)
	if whole && !c.narrow {
		c.trust(rows, at)
	}
	return nil
}

// takeIn makes the figures of what was read.
func (c *cycle) takeIn(wanted []inventory.SourceVariantID, rows []inventory.Stock, whole bool) {
	m := c.mirror
	m.locations = c.locations
	m.take(wanted, rows, c.started)
	if whole {
		m.spread(c.started, c.r.opts.SweepWithin)
	} else {
		m.plan(wanted, c.started, c.r.opts.SweepWithin)
	}
	if !whole {
		c.found(rows)
	}
	m.catalogue = desired.NewCatalogue(&inventory.Snapshot{Variants: m.variants, Stock: m.stock}, c.source.Missing)
	c.catalogue, c.variants = m.catalogue, m.variants
	c.fresh = make(map[inventory.SourceVariantID]bool, len(wanted))
	for _, id := range wanted {
		c.fresh[id] = true
	}
	m.mark = c.heard.Mark // what it tells of is taken in
}

// found takes off the list of missing rows what is there after all: a row that
// is missing again later is missing for the first time.
func (c *cycle) found(rows []inventory.Stock) {
	there := make(map[inventory.StockKey]bool, len(rows))
	for _, row := range rows {
		there[inventory.StockKey{Variant: row.Variant, Location: row.Location}] = true
	}
	c.source.Missing = slices.DeleteFunc(slices.Clone(c.source.Missing), func(key inventory.StockKey) bool { return there[key] })
}

// covers tells whether rows of these locations are rows of those too.
func covers(at, wanted []inventory.SourceLocationID) bool {
	return !slices.ContainsFunc(wanted, func(id inventory.SourceLocationID) bool { return !slices.Contains(at, id) })
}

// readCatalogue reads the catalogue, unless nothing has happened to it.
func (c *cycle) readCatalogue(ctx context.Context, whole bool) error {
	if !whole && !c.heard.Catalogue {
		return nil
	}
	variants, err := c.r.opts.Source.Catalogue(ctx)
	if err != nil {
		return err
	}
	if c.mirror.list(variants, c.started); whole {
		clear(c.mirror.hot) // all of it is read now
	}
	return nil
}

// wanted lists what an incremental cycle reads of the inventory: what the feeds
// and the orders name, the kits that contain it, what would be written or has
// moved in a store, and the share of the sweep.
func (c *cycle) wanted() []inventory.SourceVariantID {
	m := c.mirror
	m.heat(c.started, c.heard.Variants...)
	for _, order := range c.orders {
		for _, row := range order.Rows {
			m.heat(c.started, row.Variant)
		}
	}
	stocked := map[inventory.SourceVariantID]bool{}
	for _, id := range inventory.Stocked(m.variants) {
		stocked[id] = true
	}
	wanted := slices.Concat(m.due(c.started, c.kits), c.touched(), m.share(c.started, c.r.opts.SweepAtLeast))
	maps.DeleteFunc(m.hot, func(id inventory.SourceVariantID, _ []time.Time) bool { return !stocked[id] }) // there is nothing to read of it
	slices.Sort(wanted)
	return slices.DeleteFunc(slices.Compact(wanted), func(id inventory.SourceVariantID) bool { return !stocked[id] })
}

// touched lists the variants of what may have to be written: the levels whose
// figure, as it was read last, differs from what they show; those that moved
// since they were seen; and the SKUs that are in flight somewhere.
func (c *cycle) touched() (touched []inventory.SourceVariantID) {
	c.catalogue, c.inFlight = c.mirror.catalogue, c.entries()
	skus := map[inventory.SKU]bool{}
	for _, entry := range c.inFlight {
		skus[entry.SKU] = true
	}
	for _, s := range c.stores {
		if s.err != nil || s.mode == inventory.ModeOff {
			continue
		}
		for _, sku := range s.touched() {
			skus[sku] = true
		}
		for _, credit := range s.kept.Ledger.Credits {
			skus[credit.SKU] = true
		}
	}
	for sku := range skus {
		if id, ok := c.catalogue.Stands(sku); ok {
			touched = append(touched, id)
		}
	}
	return touched
}

// readRecipes reads what kits are made of, once a full cycle, and when a feed
// tells that it has changed. No figure depends on it, so a read that fails costs
// no more than the explanation of kits.
func (c *cycle) readRecipes(ctx context.Context) {
	c.kitsOld = c.kitsOld || c.ask.Kind == inventory.Full || c.heard.Recipes || c.heard.Catalogue || c.kits == nil
	if !c.kitsOld || c.narrow && c.kits != nil {
		return
	}
	var kits []inventory.SourceVariantID
	for _, v := range c.mirror.variants {
		if v.Live() && v.Kit {
			kits = append(kits, v.ID)
		}
	}
	if len(kits) == 0 {
		c.kits, c.kitsOld = desired.NewKits(nil), false
		return
	}
	ingredients, err := c.r.opts.Source.Recipes(ctx, kits)
	if err != nil {
		c.kitsErr = fmt.Errorf("what kits are made of could not be read; their figures are not touched by that: %w", err)
		return
	}
	c.kits, c.kitsOld = desired.NewKits(ingredients), false
}

// around lists, of what is stocked, what the figures of one SKU and their
// explanation need: the variants that carry it, and what they are made of.
func (c *cycle) around(stocked []inventory.SourceVariantID, sku inventory.SKU) []inventory.SourceVariantID {
	var carry []inventory.SourceVariantID
	for _, v := range c.mirror.variants {
		if v.SKU == sku {
			carry = append(carry, v.ID)
		}
	}
	wanted := append(carry, c.kits.Within(carry...)...)
	return slices.DeleteFunc(wanted, func(id inventory.SourceVariantID) bool { return !slices.Contains(stocked, id) })
}

// trust compares what was read with the last one of the same locations, and
// makes it the measure of the next when it is long enough, or when somebody has
// looked at it and released what was held.
func (c *cycle) trust(read []inventory.Stock, at []inventory.SourceLocationID) {
	rows := make(map[inventory.SourceLocationID]int, len(at))
	for _, stock := range read {
		rows[stock.Location]++
	}
	before, now := 0, 0
	for _, location := range at {
		if last, known := c.source.Rows[location]; known {
			before, now = before+last, now+rows[location]
		}
	}
	c.shrunk = guard.Shrunk(c.r.opts.Guards, before, now)
	if c.shrunk != nil && c.shrinkReleased() {
		c.shrunk = nil
	}
	// Reads of other locations are kept: not every cycle reads them all.
	next := inventory.SourceMemory{Rows: maps.Clone(c.source.Rows), Trusted: c.source.Trusted}
	if c.shrunk == nil {
		if next.Rows == nil {
			next.Rows = map[inventory.SourceLocationID]int{}
		}
		maps.DeleteFunc(next.Rows, func(id inventory.SourceLocationID, _ int) bool { return !c.lives(id) })
		for _, location := range at {
			next.Rows[location] = rows[location]
		}
		next.Trusted = c.started
	}
	for _, key := range c.source.Missing {
		if !slices.Contains(at, key.Location) {
			next.Missing = append(next.Missing, key)
		}
	}
	next.Missing = append(next.Missing, c.catalogue.Missing(at)...)
	c.source = next
}

// shrinkReleased tells that somebody has looked at the source that became
// shorter, since it was trusted last, and found it right.
func (c *cycle) shrinkReleased() bool {
	for _, s := range c.stores {
		for _, h := range s.kept.Holds {
			if h.Rule == guard.RuleShrink && h.Released.After(c.source.Trusted) {
				return true
			}
		}
	}
	return false
}

// ordersSince is the oldest of the stores' marks: what one of them has not
// taken into account yet must be read again. A store without a mark begins its
// ledger now, and older orders are no news to it.
func (c *cycle) ordersSince() time.Time {
	var since time.Time
	for _, s := range c.stores {
		mark := s.kept.Ledger.Orders
		if !mark.IsZero() && (since.IsZero() || mark.Before(since)) {
			since = mark
		}
	}
	if oldest := c.started.Add(-flight.Remember); !since.IsZero() && since.Before(oldest) {
		return oldest
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

// entries lists what is in flight in every store, asked for or not.
//
// It is taken once, before the stores begin to write side by side: what one of
// them finds sold while it writes, the others learn in the next cycle.
func (c *cycle) entries() (all []inventory.InFlight) {
	for _, kept := range c.memories {
		for _, entry := range kept.Ledger.Entries {
			// Those of a store that is not looked at today expire all the same.
			if c.started.Before(entry.Expires) {
				all = append(all, entry)
			}
		}
	}
	return all
}

// feeds tells which Katana locations a level draws on, of whichever store.
func (c *cycle) feeds(key inventory.Key) []inventory.SourceLocationID {
	if kept, ok := c.memories[key.Store]; ok {
		return kept.feeds[key.Location].Sources
	}
	return nil
}
