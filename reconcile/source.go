package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/guard"
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
		c.catalogue = desired.NewCatalogue(&inventory.Snapshot{}, nil)
		c.mirror = newMirror() // what is known stays, until somebody draws on it again
		return nil
	}
	return c.readFigures(ctx, at, others)
}

// hear asks the feeds what has changed. Whatever they cannot tell makes the
// cycle read everything, as does a cycle without a former one: what the feeds
// say is where to look first, never that the rest is right.
func (c *cycle) hear(ctx context.Context) (err error) {
	if c.narrow {
		return nil // it keeps nothing, so there is nothing to hear of next time
	}
	if former := c.r.mirror; former != nil && !c.quiet && (c.ask.Kind == inventory.Incremental || former.partly) {
		if c.heard, err = c.r.opts.Source.Changes(ctx, former.mark); err == nil {
			c.hearing, c.kitsOld = true, c.kitsOld || c.heard.Recipes || c.heard.Catalogue
			c.deaf()
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

// deaf says once that a feed refuses us.
func (c *cycle) deaf() {
	for _, feed := range c.heard.Deaf {
		if !c.r.deaf[feed] {
			c.r.deaf[feed] = true
			c.r.opts.Log.Warn("Katana refuses one of its feeds, so what only that one tells of is found by the sweep: look at what the API key may read",
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
		m.mark = c.heard.Mark // nothing that happened before it is news to what is read from now on
	}
	m.at, m.locations = reads, c.locations
	c.mirror, c.catalogue = m, m.catalogue
	if !c.quiet {
		c.r.mirror = m
	}
	c.fresh = map[inventory.SourceVariantID]bool{}
	c.move(m.catalogue.Absent(c.source.Missing))
	return began
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

// editedMost is how many edited variants are read one by one: beyond that the
// whole catalogue takes fewer requests.
const editedMost = 1000

// readCatalogue reads the catalogue, or what has been edited in it.
func (c *cycle) readCatalogue(ctx context.Context, began bool) error {
	m, edited := c.mirror, c.heard.Edited
	if !began && !m.unlisted && !c.heard.Catalogue && len(edited) <= editedMost {
		return c.readEdited(ctx, edited)
	}
	variants, err := c.r.opts.Source.Catalogue(ctx)
	if err != nil {
		return err
	}
	l := m.list(variants)
	m.unlisted = false
	if began { // what is read is kept when that is done
		l.other = slices.DeleteFunc(l.other, m.stocked)
	}
	return c.listed(l)
}

// readEdited reads variants that were edited.
func (c *cycle) readEdited(ctx context.Context, edited []inventory.SourceVariantID) error {
	if len(edited) == 0 {
		return nil
	}
	variants, err := c.r.opts.Source.Variants(ctx, edited)
	if err != nil {
		return err
	}
	return c.listed(c.mirror.amend(edited, variants))
}

// listed takes in that the catalogue was read: the SKUs that it moves are
// planned again, and what has become another thing is kept, whether or not it
// stands for a SKU today.
func (c *cycle) listed(l listing) error {
	m := c.mirror
	c.move(l.moved)
	if !m.partly {
		m.heat(c.started, l.fresh...)
	}
	for _, id := range l.other {
		v, _, _ := m.catalogue.Variant(id)
		c.kitsOld = c.kitsOld || v.Kit
	}
	slices.Sort(l.other)
	return c.keep(l.other, l.gone, nil)
}

// wanted lists what is read of the inventory: the rest of a reading of all
// there is, or what the feeds and the orders name, the kits that contain it,
// what would be written or has moved in a store, and the share of the sweep.
func (c *cycle) wanted() (wanted []inventory.SourceVariantID, swept share) {
	m := c.mirror
	m.heat(c.started, c.heard.Variants...)
	for _, order := range c.orders {
		if !order.Updated.After(m.ordered) {
			continue
		}
		for _, row := range order.Rows {
			m.heat(c.started, row.Variant)
		}
	}
	switch {
	case c.narrow:
		wanted = c.around(c.ask.SKU)
	case m.partly:
		wanted = append(m.unread(), m.due(c.started, c.kits)...)
		if len(m.read) > 0 && c.ask.Kind == inventory.Incremental {
			wanted = append(wanted, c.touched()...)
		}
	default:
		wanted = append(m.due(c.started, c.kits), c.touched()...)
		swept = m.share(c.started, c.r.opts.SweepWithin, c.r.opts.SweepAtLeast, c.spare(len(wanted)))
		c.behind(swept)
		wanted = append(wanted, swept.ids...)
	}
	slices.Sort(wanted)
	return slices.DeleteFunc(slices.Compact(wanted), func(id inventory.SourceVariantID) bool { return !m.stocked(id) }), swept
}

// readAtOnce is how many variants are read before what was read is kept: what
// is lost when a long reading is cut off.
const readAtOnce = 2500

// readRows reads the rows of variants, and keeps them as they come.
func (c *cycle) readRows(ctx context.Context, wanted []inventory.SourceVariantID) error {
	for some := range slices.Chunk(wanted, readAtOnce) {
		now := later(c.r.opts.Now(), c.mirror.since)
		rows, err := c.r.opts.Source.Inventory(ctx, c.mirror.at, some)
		if err != nil {
			return err
		}
		c.move(c.mirror.take(some, rows, now))
		for _, id := range some {
			c.fresh[id] = true
		}
		c.found(rows)
		if err := c.keep(some, nil, nil); err != nil {
			return err
		}
		if len(wanted) > readAtOnce {
			c.r.opts.Progress(fmt.Sprintf("Katana: %d of %d variants", len(c.fresh), len(wanted)))
		}
	}
	return nil
}

// found takes off the list of missing rows what is there after all: a row that
// is missing again later is missing for the first time.
func (c *cycle) found(rows []inventory.Stock) {
	if len(c.source.Missing) == 0 {
		return
	}
	there := make(map[inventory.StockKey]bool, len(rows))
	for _, row := range rows {
		there[inventory.StockKey{Variant: row.Variant, Location: row.Location}] = true
	}
	c.source.Missing = slices.DeleteFunc(slices.Clone(c.source.Missing), func(key inventory.StockKey) bool { return there[key] })
	c.move(c.mirror.catalogue.Absent(c.source.Missing))
}

// reflected keeps how far the reading has come: what the feeds told of is in
// the mirror now.
func (c *cycle) reflected() error {
	m := c.mirror
	m.mark = c.heard.Mark
	for _, order := range c.orders {
		if order.Updated.After(m.ordered) {
			m.ordered = order.Updated
		}
	}
	switch {
	case c.quiet || c.open.same && c.open.err == nil:
	case c.open.err != nil || c.ask.Store != "" || c.ask.Compare != nil:
		c.r.open = openKept{}
	default:
		c.r.open = openKept{read: c.started, orders: c.open.after}
	}
	return c.keep(nil, nil, c.head())
}

// head is what is kept of Katana beside its variants.
func (c *cycle) head() *inventory.SourceHead {
	m := c.mirror
	head := &inventory.SourceHead{Locations: c.locations, At: m.at, Hot: m.hot, Ingredients: c.made, Mark: m.mark}
	if m.partly {
		head.Since = m.since
	}
	return head
}

// keep makes durable what was read of variants. What the journal refuses may
// be half there, so that the mirror is read from it again.
func (c *cycle) keep(read, gone []inventory.SourceVariantID, head *inventory.SourceHead) error {
	if c.quiet {
		return nil
	}
	part := inventory.SourceRead{Gone: gone, Head: head, Read: make(map[inventory.SourceVariantID]time.Time, len(read))}
	for _, id := range read {
		if v, rows, known := c.mirror.catalogue.Variant(id); known {
			part.Variants, part.Stock = append(part.Variants, v), append(part.Stock, rows...)
			if at := c.mirror.readAt(id); !at.IsZero() {
				part.Read[id] = at
			}
		}
	}
	if len(part.Variants)+len(gone) == 0 && head == nil {
		return nil
	}
	if err := c.r.opts.Journal.Read(part); err != nil {
		c.r.mirror, c.r.recalled = nil, false
		return fmt.Errorf("state: %w", err)
	}
	return nil
}

// readFound reads the figures of what the looks at parts of the stores found
// changed, so that it is written in the same cycle.
func (c *cycle) readFound(ctx context.Context) error {
	var found []inventory.SourceVariantID
	for _, s := range c.stores {
		if s.err != nil || s.whole || s.mode == inventory.ModeOff {
			continue
		}
		for _, sku := range s.stirred() {
			if id, stands := c.catalogue.Stands(sku); stands && !c.fresh[id] && c.mirror.stocked(id) {
				found = append(found, id)
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	slices.Sort(found)
	if err := c.readRows(ctx, slices.Compact(found)); err != nil {
		return err
	}
	if c.open.err == nil { // the orders are to lie around all that was read
		c.open.after, c.open.err = c.openAfter(ctx)
	}
	return nil
}

// touched lists the variants of what may have to be written: the levels whose
// figure, as it was read last, differs from what they show; those that moved
// since they were seen; and the SKUs that are in flight somewhere.
func (c *cycle) touched() (touched []inventory.SourceVariantID) {
	c.inFlight = c.entries()
	c.open.after = c.open.before // the best that is known so far
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

// feedsMost is how many requests the feeds of a cycle may take.
const feedsMost = 12

// spare is how many variants the sweep may read beside what is read anyway: as
// many as the limit of requests leaves until the next cycle, which begins after
// as long a time as went by since the last.
func (c *cycle) spare(hot int) int {
	elapsed := c.started.Sub(c.mirror.swept)
	if c.mirror.swept.IsZero() || len(c.mirror.at) == 0 {
		return c.r.opts.SweepAtLeast
	}
	locations := len(c.mirror.at)
	return sweepable(c.r.opts.Source.Spare(elapsed)-feedsMost-sweepRequests(hot, locations), locations)
}

// behindAgain is how often the log says that the sweep is behind.
const behindAgain = time.Hour

// behind says that the limit of requests does not let the sweep come round in
// time, and what it does let.
func (c *cycle) behind(swept share) {
	if !swept.behind || c.started.Sub(c.r.behind) < behindAgain {
		return
	}
	c.r.behind = c.started
	round := roundOf(c.r.opts.SweepWithin, float64(swept.due), len(swept.ids))
	c.r.opts.Log.Warn("the catalogue is too large for the limit of requests: set sync.sweep_within to what can be had, or ask Katana for more",
		"variants", c.mirror.plain.live+c.mirror.kits.live, "locations", len(c.mirror.at), "sweep_within", c.r.opts.SweepWithin, "achievable", round.Round(time.Minute))
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
	for _, v := range c.mirror.catalogue.Variants() {
		if v.Live() && v.Kit {
			kits = append(kits, v.ID)
		}
	}
	if len(kits) == 0 {
		c.kits, c.kitsOld, c.made = desired.NewKits(nil), false, nil
		return
	}
	ingredients, err := c.r.opts.Source.Recipes(ctx, kits)
	if err != nil {
		c.kitsErr = fmt.Errorf("what kits are made of could not be read; their figures are not touched by that: %w", err)
		return
	}
	c.kits, c.kitsOld, c.made = desired.NewKits(ingredients), false, ingredients
}

// around lists what the figures of one SKU and their explanation need: the
// variants that carry it, and what they are made of.
func (c *cycle) around(sku inventory.SKU) []inventory.SourceVariantID {
	var carry []inventory.SourceVariantID
	for _, v := range c.mirror.catalogue.Variants() {
		if v.SKU == sku {
			carry = append(carry, v.ID)
		}
	}
	return append(carry, c.kits.Within(carry...)...)
}

// trust compares what is known with the last complete read of the same
// locations, and makes it the measure of the next when it is long enough, or
// when somebody has looked at it and released what was held. Which rows are
// missing only a complete read tells.
func (c *cycle) trust(at []inventory.SourceLocationID, whole bool) {
	rows := make(map[inventory.SourceLocationID]int, len(at))
	before, now := 0, 0
	for _, location := range at {
		rows[location] = c.catalogue.Rows(location)
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
		if !whole || !slices.Contains(at, key.Location) {
			next.Missing = append(next.Missing, key)
		}
	}
	if whole {
		next.Missing = append(next.Missing, c.catalogue.Missing(at)...)
	}
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
