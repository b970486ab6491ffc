package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// openOrders is the open orders that some store leaves out, as read before and
// after the inventory.
type openOrders struct {
	before, after []inventory.SourceOrder
	err           error
	same          bool // they are those of the last cycle
}

// inventoryLag is how far Katana's inventory may lag behind its orders. Nothing
// is documented; its bin inventory is declared eventually consistent.
const inventoryLag = 2 * time.Minute

// openBefore gives the open orders that some store leaves out as they are before
// the inventory is read: those of the last cycle, if nothing speaks of any of
// them, or of a variant on one.
func (c *cycle) openBefore(ctx context.Context) (orders []inventory.SourceOrder, err error) {
	c.open.same = c.started.Sub(c.r.open.read) < openHold && c.hearing && c.ask.Store == "" && c.ask.Compare == nil &&
		!c.heard.Locations && !c.r.open.concerns(c.newer(c.orders), c.heard.Variants, c.leftOut())
	if c.open.same {
		return c.r.open.orders, nil
	}
	return c.openOrders(ctx)
}

// openAfter gives them as they are after the inventory was read. Where they were
// those of the last cycle before it, they still are if no order speaks of them.
func (c *cycle) openAfter(ctx context.Context) ([]inventory.SourceOrder, error) {
	if c.open.same && len(c.open.before) > 0 {
		changed, err := c.r.opts.Source.Orders(ctx, c.mirror.ordered)
		if err != nil {
			return nil, err
		}
		c.open.same = !c.r.open.concerns(c.newer(changed), nil, c.leftOut())
	}
	if c.open.same {
		return c.open.before, nil
	}
	return c.openOrders(ctx)
}

// newer lists the orders that changed since the last cycle took them in.
func (c *cycle) newer(orders []inventory.SourceOrder) (newer []inventory.SourceOrder) {
	for _, order := range orders {
		if order.Updated.After(c.mirror.ordered) {
			newer = append(newer, order)
		}
	}
	return newer
}

// openKept is the open orders that some store leaves out, as the last cycle
// read them.
type openKept struct {
	read   time.Time // when they were; zero for never
	orders []inventory.SourceOrder
}

// concerns tells whether changed orders, or variants that something happened to,
// may make the open orders others than were read: one of them has changed, one
// has come, or what is open of one has moved with the stock of a variant on it.
func (k *openKept) concerns(changed []inventory.SourceOrder, variants []inventory.SourceVariantID, leftOut func(inventory.SourceOrder) bool) bool {
	if leftOut == nil || len(changed)+len(variants) == 0 {
		return false
	}
	on, ids := map[inventory.SourceVariantID]bool{}, map[int64]bool{}
	for _, order := range k.orders {
		ids[order.ID] = true
		for _, row := range order.Rows {
			on[row.Variant] = true
		}
	}
	return slices.ContainsFunc(variants, func(id inventory.SourceVariantID) bool { return on[id] }) ||
		slices.ContainsFunc(changed, func(order inventory.SourceOrder) bool {
			return ids[order.ID] || leftOut(order) ||
				slices.ContainsFunc(order.Rows, func(row inventory.SourceOrderRow) bool { return on[row.Variant] })
		})
}

// openHold is how long they are taken for what they were, although nothing says
// that any has changed.
const openHold = 10 * time.Minute

// openOrders reads the open orders that some store leaves out; none are read
// when every order counts everywhere.
func (c *cycle) openOrders(ctx context.Context) ([]inventory.SourceOrder, error) {
	leftOut := c.leftOut()
	if leftOut == nil {
		return nil, nil
	}
	return c.r.opts.Source.OpenOrders(ctx, leftOut)
}

// leftOut tells whether some store leaves an order out; nil when every order
// counts everywhere.
func (c *cycle) leftOut() func(inventory.SourceOrder) bool {
	type chooser struct {
		orders desired.Orders
		names  func(inventory.SourceLocationID) []string
	}
	var choosers []chooser
	for _, s := range c.stores {
		if s.err != nil || s.mode == inventory.ModeOff {
			continue
		}
		for _, one := range []chooser{{s.Orders, namesBy(s.kept.Pins)}, {s.other.Orders, namesBy(s.other.pins)}} {
			if !one.orders.All() {
				choosers = append(choosers, one)
			}
		}
	}
	if len(choosers) == 0 {
		return nil
	}
	return func(order inventory.SourceOrder) bool {
		return slices.ContainsFunc(choosers, func(one chooser) bool { return one.orders.Excludes(order, one.names(order.Location)) })
	}
}

// namesBy lists what a Katana location goes by in a config: one that was renamed
// since is still the one that was meant.
func namesBy(pins inventory.Pins) func(inventory.SourceLocationID) []string {
	return func(id inventory.SourceLocationID) (names []string) {
		for name, pinned := range pins.Sources {
			if pinned == id {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names
	}
}

func (c *cycle) locationName(id inventory.SourceLocationID) string {
	for _, l := range c.locations {
		if l.ID == id {
			return l.Name
		}
	}
	return ""
}

// reads is the open orders as the store's rules look at them.
func (s *cycleStore) reads(pins inventory.Pins) desired.Reads {
	return desired.Reads{
		Before: s.c.open.before, After: s.c.open.after, Settled: s.c.byKatana(s.c.started).Add(-inventoryLag), Names: namesBy(pins),
	}
}

// byKatana is a time of ours as Katana's stamps have it, where Katana's clock
// is behind ours: what it stamps now would look old. Where it is ahead, ours
// makes more of what it stamps look new, which is safe.
func (c *cycle) byKatana(at time.Time) time.Time { return at.Add(min(c.r.opts.Source.Ahead(), 0)) }

// excluded is what is committed to orders that do not count. When the orders
// could not be read, all of them count, and the report says so.
func (s *cycleStore) excluded(orders desired.Orders, pins inventory.Pins) desired.Excluded {
	if orders.All() || s.c.open.err != nil {
		return nil
	}
	return desired.Exclude(orders, s.reads(pins))
}

// noteOrders says that the orders could not be read, or how many of them count
// this time although the config leaves them out: what changed a moment ago may
// not be in the inventory yet.
func (s *cycleStore) noteOrders() {
	if s.Orders.All() || s.c.quiet {
		return
	}
	if s.c.open.err != nil {
		s.notes = append(s.notes, "the open orders could not be read, so everything committed is subtracted: "+s.c.open.err.Error())
		return
	}
	stale := map[int64]bool{}
	for _, rows := range desired.ExcludedRows(s.Orders, s.reads(s.kept.Pins)) {
		for _, row := range rows {
			if desired.Stale(row) {
				stale[row.OrderID] = true
			}
		}
	}
	if len(stale) > 0 {
		s.notes = append(s.notes, fmt.Sprintf("%s all the same this time; `stocksyncd explain` says why",
			count(len(stale), "order that the config leaves out counts", "orders that the config leaves out count")))
	}
}
