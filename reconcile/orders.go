package reconcile

import (
	"context"
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
	all := true
	for _, s := range c.stores {
		all = all && (s.Orders.All() || s.mode == inventory.ModeOff)
	}
	if all {
		return nil, nil
	}
	return c.r.opts.Source.OpenOrders(ctx, func(order inventory.SourceOrder) bool {
		for _, s := range c.stores {
			if s.Orders.Excludes(order, c.locationName(order.Location)) {
				return true
			}
		}
		return false
	})
}

func (c *cycle) locationName(id inventory.SourceLocationID) string {
	for _, l := range c.locations {
		if l.ID == id {
			return l.Name
		}
	}
	return ""
}

// excluded is what is committed to orders that do not count for the store.
// When the orders could not be read, all of them count, and the report says so.
func (s *cycleStore) excluded() desired.Excluded {
	if s.Orders.All() {
		return nil
	}
	if s.c.open.err != nil {
		s.notes = append(s.notes, "the open orders could not be read, so everything committed is subtracted: "+s.c.open.err.Error())
		return nil
	}
	return desired.Exclude(s.Orders, s.c.open.before, s.c.open.after, s.c.started.Add(-inventoryLag), s.c.locationName)
}
