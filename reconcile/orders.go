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
}

// inventoryLag is how far Katana's inventory may lag behind its orders. Nothing
// is documented; its bin inventory is declared eventually consistent.
const inventoryLag = 2 * time.Minute

// openOrders reads the open orders that some store leaves out; none are read
// when every order counts everywhere.
func (c *cycle) openOrders(ctx context.Context) ([]inventory.SourceOrder, error) {
	type chooser struct {
		orders desired.Orders
		names  func(inventory.SourceLocationID) []string
	}
	var choosers []chooser
	for _, s := range c.stores {
		for _, orders := range []desired.Orders{s.Orders, s.other.Orders} {
			if !orders.All() && s.mode != inventory.ModeOff {
				choosers = append(choosers, chooser{orders, s.names})
			}
		}
	}
	if len(choosers) == 0 {
		return nil, nil
	}
	return c.r.opts.Source.OpenOrders(ctx, func(order inventory.SourceOrder) bool {
		return slices.ContainsFunc(choosers, func(one chooser) bool { return one.orders.Excludes(order, one.names(order.Location)) })
	})
}

// names lists what a Katana location goes by in the store's config: a location
// that was renamed since is still the one that was meant.
func (s *cycleStore) names(id inventory.SourceLocationID) (names []string) {
	for name, pinned := range s.kept.Pins.Sources {
		if pinned == id {
			names = append(names, name)
		}
	}
	return names
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
func (s *cycleStore) reads() desired.Reads {
	return desired.Reads{
		Before: s.c.open.before, After: s.c.open.after, Settled: s.c.started.Add(-inventoryLag), Names: s.names,
	}
}

// excluded is what is committed to orders that do not count. When the orders
// could not be read, all of them count, and the report says so.
func (s *cycleStore) excluded(orders desired.Orders) desired.Excluded {
	if orders.All() || s.c.open.err != nil {
		return nil
	}
	return desired.Exclude(orders, s.reads())
}

// noteOrders says that the orders could not be read, or how many of them count
// this time although the config leaves them out: what changed a moment ago may
// not be in the inventory yet.
func (s *cycleStore) noteOrders() {
	if s.Orders.All() {
		return
	}
	if s.c.open.err != nil {
		s.notes = append(s.notes, "the open orders could not be read, so everything committed is subtracted: "+s.c.open.err.Error())
		return
	}
	stale := map[int64]bool{}
	for _, rows := range desired.ExcludedRows(s.Orders, s.reads()) {
		for _, row := range rows {
			if desired.Stale(row) {
				stale[row.OrderID] = true
			}
		}
	}
	if len(stale) > 0 {
		s.notes = append(s.notes, fmt.Sprintf("%s left out by the config %s all the same this time; `stocksyncd explain` says why",
			count(len(stale), "order"), map[bool]string{true: "counts", false: "count"}[len(stale) == 1]))
	}
}
