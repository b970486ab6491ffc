package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"stocksyncd/reconcile/inventory"
)

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
		wanted = slices.Concat(m.unread(), m.due(c.started, c.kits), c.canaries())
		if len(m.read) > 0 {
			wanted = append(wanted, c.touched()...)
		}
	default:
		wanted = append(m.due(c.started, c.kits), c.touched()...)
		canaries := c.canaries() // they take the place of as many in the least share
		swept = m.share(c.started, c.r.opts.SweepWithin, c.r.opts.SweepAtLeast-len(canaries), c.spare(len(wanted)+len(canaries)))
		c.behind(swept)
		for _, id := range canaries {
			if !slices.Contains(swept.ids, id) {
				swept.ids = append(swept.ids, id)
			}
		}
		wanted = append(wanted, swept.ids...)
	}
	slices.Sort(wanted)
	return slices.DeleteFunc(slices.Compact(wanted), func(id inventory.SourceVariantID) bool { return !m.stocked(id) }), swept
}

// canaries lists the variants of the stores' canaries. One id more costs no
// request, and what is to tell of a fault must not be an hour old.
func (c *cycle) canaries() (ids []inventory.SourceVariantID) {
	for _, s := range c.stores {
		if s.err != nil || s.mode == inventory.ModeOff {
			continue
		}
		if id, stands := c.catalogue.Stands(s.Canary.SKU); stands && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
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

// readFound reads the figures of what the looks at parts of the stores found
// changed, and tells whether there was anything.
func (c *cycle) readFound(ctx context.Context) (any bool, err error) {
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
		return false, nil
	}
	slices.Sort(found)
	if err := c.readRows(ctx, slices.Compact(found)); err != nil {
		return false, err
	}
	if c.open.err == nil { // the orders are to lie around all that was read
		c.open.after, c.open.err = c.openAfter(ctx)
	}
	return true, nil
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
		for _, line := range s.undoing {
			skus[line.SKU] = true
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
	elapsed := c.mirror.elapsed(c.started, c.r.opts.SweepWithin)
	if len(c.mirror.at) == 0 {
		return 0
	}
	locations := len(c.mirror.at)
	return sweepable(c.r.opts.Source.Spare(elapsed)-feedsMost-sweepRequests(hot, locations), locations)
}

// backlog is how far the limit of requests has kept the sweep behind.
type backlog struct {
	since     time.Time // zero while it is not
	said      time.Time // when the log last said so
	due, read int       // variants, since then
}

// A sweep is behind when it has been for a part of the time within which it is to
// come round: a full cycle leaves nothing for it for a minute. The log says so
// now and then.
const (
	behindFor   = 6
	behindAgain = time.Hour
)

// behind says that the limit of requests does not let the sweep come round in
// time, and what it does let.
func (c *cycle) behind(swept share) {
	b, within := &c.r.behind, c.r.opts.SweepWithin
	switch {
	case !swept.behind:
		b.since, b.due, b.read = time.Time{}, 0, 0
		return
	case b.since.IsZero():
		b.since = c.started
	}
	b.due, b.read = b.due+swept.due, b.read+len(swept.ids)
	if c.started.Sub(b.since) < within/behindFor || c.started.Sub(b.said) < behindAgain {
		return
	}
	b.said = c.started
	c.r.opts.Log.Warn("the catalogue is too large for the limit of requests: set sync.sweep_within to what can be had, or ask Katana for more",
		"variants", c.mirror.plain.live+c.mirror.kits.live, "locations", len(c.mirror.at), "sweep_within", within,
		"achievable", roundOf(within, float64(b.due), b.read).Round(time.Minute))
}
