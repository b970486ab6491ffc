package desired_test

import (
	"math/big"
	"strings"
)

type (
	// rawOrder is a sales order as one read found it.
	rawOrder struct {
		id, customer, location          int
		number, source, platform, store string
		changed                         int64 // the second of the last change
		rows                            []rawOrderRow
	}
	rawOrderRow struct {
		id, variant, location int
		ordered, packed       string // what is left of it is open
		madeToOrder           bool
	}
	// rawOrderRules says which orders lower a store's stock.
	rawOrderRules struct {
		shopifyOnly bool
		exclude     []rawMatcher
		served      []string
	}
	// rawMatcher picks orders by what is not empty.
	rawMatcher struct {
		source, platform, store, location, number string
		customer                                  int
	}
)

// leftOut is what is committed to orders that do not lower the store's stock,
// by variant and location.
//
// Only that much is sure to be in Katana's committed figures as was open both
// before and after they were read, in an order that nothing had happened to for
// a while, nor in between. What is made to order may not be in them.
func (o rawOrderRules) leftOut(k rawKatana) map[[2]int]*big.Int {
	all := map[[2]int]*big.Int{}
	seen := map[int]bool{}
	for _, order := range k.later {
		was, ok := find(k.earlier, func(e rawOrder) bool { return e.id == order.id })
		if !ok || seen[order.id] || was.changed != order.changed || was.changed > k.settled || !o.leavesOut(was, k) || !o.leavesOut(order, k) {
			continue
		}
		seen[order.id] = true
		for _, row := range order.rows {
			earlier, ok := find(was.rows, func(e rawOrderRow) bool { return e.id == row.id })
			if !ok || earlier.madeToOrder || row.madeToOrder || earlier.variant != row.variant || earlier.location != row.location {
				continue
			}
			least := row.open()
			if earlier.open().Cmp(least) < 0 {
				least = earlier.open()
			}
			if least.Sign() > 0 {
				at := [2]int{row.variant, row.location}
				if all[at] == nil {
					all[at] = new(big.Int)
				}
				all[at].Add(all[at], least)
			}
		}
	}
	return all
}

func find[T any](all []T, is func(T) bool) (found T, ok bool) {
	for _, one := range all {
		if is(one) {
			return one, true
		}
	}
	return found, false
}

func (r rawOrderRow) open() *big.Int {
	return new(big.Int).Sub(tenBillionths(r.ordered), tenBillionths(r.packed))
}

// leavesOut tells whether an order does not lower the store's stock. What a
// served shop has sold always does, and so does what some Shopify shop has that
// nobody names.
func (o rawOrderRules) leavesOut(order rawOrder, k rawKatana) bool {
	fromShopify := like(order.platform, "shopify") || like(order.source, "shopify")
	if order.store == "" && fromShopify {
		return false
	}
	for _, shop := range o.served {
		if like(shop, order.store) {
			return false
		}
	}
	if o.shopifyOnly && !fromShopify {
		return true
	}
	for _, m := range o.exclude {
		if m.picks(order, k.locations[order.location-1]) {
			return true
		}
	}
	return false
}

func (m rawMatcher) picks(order rawOrder, location string) bool {
	set, fit := 0, 0
	for _, key := range []struct{ set, fits bool }{
		{m.source != "", like(m.source, order.source)},
		{m.platform != "", like(m.platform, order.platform)},
		{m.store != "", like(m.store, order.store)},
		{m.location != "", m.location == location},
		{m.number != "", rawGlob(m.number, order.number)},
		{m.customer != 0, m.customer == order.customer},
	} {
		if key.set {
			set++
			if key.fits {
				fit++
			}
		}
	}
	return set > 0 && fit == set
}

// like compares names without regard to case.
func like(a, b string) bool { return strings.EqualFold(a, b) }
