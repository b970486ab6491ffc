package desired

import (
	"cmp"
	"slices"
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
	Location                string // the order's Katana location, by name or id:N
	Number                  string // a glob, see [Match]
}

// All tells that every order counts, so that none need be read.
func (o Orders) All() bool { return !o.ShopifyOnly && len(o.Exclude) == 0 }

// Excludes tells whether an order does not lower the stock. at is the names
// that its location goes by.
func (o Orders) Excludes(order inventory.SourceOrder, at []string) bool {
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

func (m Matcher) matches(order inventory.SourceOrder, at []string) bool {
	same := func(want, has string) bool { return want == "" || strings.EqualFold(want, has) }
	return m != (Matcher{}) &&
		same(m.Source, order.Source) && same(m.Platform, order.Platform) && same(m.Store, order.Store) &&
		(m.Customer == 0 || m.Customer == order.Customer) &&
		(m.Location == "" || m.Location == order.Location.String() || slices.Contains(at, m.Location)) &&
		(m.Number == "" || Match(m.Number, order.Number))
}

// Excluded is what is committed to orders that do not count.
type Excluded map[inventory.StockKey]inventory.Quantity

// Reads is the open orders as they were read before and after the inventory.
type Reads struct {
	Before, After []inventory.SourceOrder
	// Settled is the time since when the inventory may lag behind the orders.
	Settled time.Time
	// Names gives the names that a Katana location goes by in matchers.
	Names func(inventory.SourceLocationID) []string
}

// Exclude adds up the open quantities of the orders that o excludes; see
// [Reads.rows] for which of them are safe to leave out.
func Exclude(o Orders, reads Reads) Excluded {
	if o.All() {
		return nil
	}
	excluded := Excluded{}
	for _, row := range reads.rows(o) {
		if row.Why != "" {
			continue
		}
		if sum, fits := excluded[row.key].Add(row.Open); fits {
			excluded[row.key] = sum
		}
	}
	return excluded
}

// ExcludedRows lists the rows of the orders that o excludes, by what they
// commit: those that are added back, and those that count all the same, with
// the reason.
func ExcludedRows(o Orders, reads Reads) map[inventory.StockKey][]inventory.ExcludedRow {
	if o.All() {
		return nil
	}
	by := map[inventory.StockKey][]inventory.ExcludedRow{}
	for _, row := range reads.rows(o) {
		by[row.key] = append(by[row.key], row.ExcludedRow)
	}
	return by
}

// Why a row of an excluded order counts all the same.
const (
	whyNew      = "it was not open yet before the inventory was read"
	whyGone     = "it was no longer open after the inventory was read"
	whyChanged  = "its order changed while the inventory was read"
	whyUnstable = "its order changed a moment ago, and the inventory may not hold that yet"
	whyMoved    = "its variant or location changed while the inventory was read"
	whyMade     = "it is made to order, so that its ingredients may be committed instead"
)

// Stale tells that a row counts only because it, or its order, moved about the
// time of the reads.
func Stale(row inventory.ExcludedRow) bool { return row.Why != "" && row.Why != whyMade }

// openRow is a row of an excluded order, and what it commits.
type openRow struct {
	inventory.ExcludedRow
	key     inventory.StockKey
	made    bool
	updated time.Time
}

// rows judges the rows of the orders that o excludes, sorted by row.
//
// Of each row the smaller open quantity of the two reads counts, and a row that
// only one of them has counts for nothing. An order that is packed, or made,
// between the reads is then subtracted for a cycle too long, never too short.
// So is one that has changed after Settled, or between the reads: the inventory
// may lag behind the orders, and what it does not hold yet must not be added
// back.
//
// A row that is made to order counts for nothing: Katana may have committed its
// ingredients instead, and adding it back would take from what is committed to
// other orders.
func (r Reads) rows(o Orders) []openRow {
	before, after := r.open(o, r.Before), r.open(o, r.After)
	list := make([]openRow, 0, len(before))
	for id, was := range before {
		is, still := after[id]
		switch {
		case !still:
			was.Why = whyGone
		case was.updated.After(r.Settled):
			was.Why = whyUnstable
		case !was.updated.Equal(is.updated):
			was.Why = whyChanged
		case was.key != is.key:
			was.Why = whyMoved
		case was.made || is.made:
			was.Why = whyMade
		default:
			was.Open = max(min(was.Open, is.Open), 0)
		}
		list = append(list, was)
	}
	for id, is := range after {
		if _, known := before[id]; !known {
			is.Why = whyNew
			list = append(list, is)
		}
	}
	slices.SortFunc(list, func(a, b openRow) int { return cmp.Compare(a.Row, b.Row) })
	return list
}

// open lists the rows of the orders that o excludes, by their ids: an order
// that is listed twice counts once.
func (r Reads) open(o Orders, orders []inventory.SourceOrder) map[int64]openRow {
	rows := map[int64]openRow{}
	for _, order := range orders {
		if !o.Excludes(order, r.Names(order.Location)) {
			continue
		}
		for _, row := range order.Rows {
			rows[row.ID] = openRow{
				ExcludedRow: inventory.ExcludedRow{Order: order.Number, OrderID: order.ID, Row: row.ID, Open: row.Quantity},
				key:         inventory.StockKey{Variant: row.Variant, Location: row.Location}, made: row.MadeToOrder, updated: order.Updated,
			}
		}
	}
	return rows
}

// addedBack is how much of what is committed belongs to orders that do not
// count: never more than is committed, so that no figure is above what is in
// stock. committed is not below zero.
func (x Excluded) addedBack(row inventory.Stock, committed inventory.Quantity) inventory.Quantity {
	return min(max(x[keyOf(row)], 0), committed)
}
