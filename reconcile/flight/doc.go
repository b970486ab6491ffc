// Package flight keeps the ledger of units in flight: sold by Shopify, not yet
// committed by Katana. Between the two, Katana's figure is too high, and a
// sync that believes it sells the unit twice.
//
// A store that tells of its orders is taken at its word: what an order has sold
// counts until Katana has that order, see [Tell], [Match] and [Overdue]. Elsewhere,
// and until the search for orders has caught up, an entry is inferred: a level that falls below the value last seen has sold
// the difference. The rows of an order of the store that newly appear in
// Katana take it away again, those of an order that may have been sold after
// the look once the next look has shown it; what no order claims expires after a
// while. A rise takes nothing away, and our own writes move the value seen, so they
// are never taken for a fall.
//
//	Shopify 10 → 9            entry of 1, expires after settle
//	Katana commits the order  entry gone; Katana's own figure has fallen by 1
//
// The package is pure. [Look] and [Arrivals] keep what is inferred, [Entries] lists
// all that is in flight, and [NewIndex] answers what of it is at a level and around
// it.
package flight
