package desired

import (
	"strings"
	"time"

	"stocksyncd/reconcile/inventory"
)

// Orders says which sales orders lower a store's stock. The zero value counts
// them all.
type Orders struct {
	ShopifyOnly bool // only those that were imported from Shopify, from whichever store
	Exclude     []Matcher
	// Served names the shops that the daemon serves. Their orders always count:
	// Shopify has lowered its figure for them already.
	Served []string
}

// Matcher picks orders: all its keys that are set must match.
type Matcher struct {
	Source, Platform, Store string // compared without regard to case
	Customer                int64
	Location                string // name of the order's Katana location
	Number                  string // a glob, see [Match]
}

// All tells that every order counts, so that none need be read.
func (o Orders) All() bool { return !o.ShopifyOnly && len(o.Exclude) == 0 }

// Excludes tells whether an order does not lower the stock. at names its
// location.
func (o Orders) Excludes(order inventory.SourceOrder, at string) bool {
	// Whatever names Shopify may be an import of a served shop: leaving it out
	// would sell its units twice, counting it only keeps a few back.
	shopify := strings.EqualFold(order.Platform, "shopify") || strings.EqualFold(order.Source, "shopify")
	if shopify && order.Store == "" {
		return false
	}
	for _, shop := range o.Served {
		if strings.EqualFold(order.Store, shop) {
			return false
		}
	}
	if o.ShopifyOnly && !shopify {
		return true
	}
	for _, m := range o.Exclude {
		if m.matches(order, at) {
			return true
		}
	}
	return false
}

func (m Matcher) matches(order inventory.SourceOrder, at string) bool {
	same := func(want, has string) bool { return want == "" || strings.EqualFold(want, has) }
	return m != (Matcher{}) &&
		same(m.Source, order.Source) && same(m.Platform, order.Platform) && same(m.Store, order.Store) &&
		(m.Customer == 0 || m.Customer == order.Customer) &&
		(m.Location == "" || m.Location == at) &&
		(m.Number == "" || Match(m.Number, order.Number))
}

// Excluded is what is committed to orders that do not count.
type Excluded map[inventory.StockKey]inventory.Quantity

// Exclude adds up the open quantities of the orders that o excludes.
//
// before and after are the open orders as read before and after the inventory:
// of each row the smaller open quantity counts, and a row that only one of them
// has counts for nothing. An order that is packed, or made, between the reads
// is then subtracted for a cycle too long, never too short. So is one that has
// changed after settled, or between the reads: the inventory may lag behind the
// orders, and what it does not hold yet must not be added back.
//
// A row that is made to order counts for nothing: Katana may have committed its
// ingredients instead, and adding it back would take from what is committed to
// other orders.
func Exclude(o Orders, before, after []inventory.SourceOrder, settled time.Time, name func(inventory.SourceLocationID) string) Excluded {
	if o.All() {
		return nil
	}
	open := map[int64]inventory.SourceOrderRow{}
	changed := map[int64]time.Time{}
	for _, order := range before {
		if o.Excludes(order, name(order.Location)) && !order.Updated.After(settled) {
			changed[order.ID] = order.Updated
			for _, row := range order.Rows {
				open[row.ID] = row
			}
		}
	}
	excluded := Excluded{}
	for _, order := range after {
		if !o.Excludes(order, name(order.Location)) || !changed[order.ID].Equal(order.Updated) {
			continue
		}
		for _, row := range order.Rows {
			earlier, ok := open[row.ID]
			if !ok || earlier.MadeToOrder || row.MadeToOrder || earlier.Variant != row.Variant || earlier.Location != row.Location {
				continue
			}
			key := inventory.StockKey{Variant: row.Variant, Location: row.Location}
			if sum, fits := excluded[key].Add(max(min(earlier.Quantity, row.Quantity), 0)); fits {
				excluded[key] = sum
			}
			delete(open, row.ID) // an order that is listed twice counts once
		}
	}
	return excluded
}

// counted is what is committed to the orders that count: less what is
// excluded, but never below nothing, so that no figure is above what is in
// stock.
func (x Excluded) counted(row inventory.Stock) inventory.Quantity {
	out := max(x[inventory.StockKey{Variant: row.Variant, Location: row.Location}], 0)
	return max(max(row.Committed, 0)-out, 0)
}
