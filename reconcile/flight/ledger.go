package flight

import (
	"slices"
	"strings"
	"time"

	"stocksyncd/reconcile/inventory"
)

// Remember is how long a counted order row is kept. An order that Katana
// created longer ago is no news: its units expired from the ledger long since.
const Remember = 72 * time.Hour

// Look takes one look at a store into its ledger: each level that shows less
// than was seen before has sold the difference. seen gives the value before,
// for levels that were seen at all.
//
// complete tells that levels is the whole store. Credits wait for exactly one
// such look: Shopify falls before Katana hears of an order, so the fall of any
// order that Katana had before must show in it.
func Look(l *inventory.Ledger, levels []inventory.Level, seen func(inventory.Key) (inventory.Units, bool), complete bool, now time.Time, settle time.Duration) {
	if l.Since.IsZero() {
		l.Since = now
	}
	l.Entries = slices.DeleteFunc(l.Entries, func(e inventory.InFlight) bool { return !now.Before(e.Expires) })
	for i := range levels {
		level := &levels[i]
		before, ok := seen(level.Key)
		if !ok || level.Available >= before || !Counts(level) {
			continue
		}
		fall := before - level.Available
		fall -= takeCredit(l, level.SKU, fall)
		if fall > 0 {
			l.Entries = append(l.Entries, inventory.InFlight{
				Key: level.Key, SKU: level.SKU, Units: fall, Since: now, Expires: now.Add(settle),
			})
		}
	}
	if complete {
		l.Credits = nil
	}
}

// Counts tells whether a fall of the level is a sale: Shopify computes bundles
// from their parts and does not count untracked items, and without a SKU no
// other level can draw on the same stock.
func Counts(level *inventory.Level) bool {
	return level.SKU != "" && !level.Untracked && !level.Bundle && !level.GiftCard
}

func takeCredit(l *inventory.Ledger, sku inventory.SKU, want inventory.Units) (taken inventory.Units) {
	for i := range l.Credits {
		if credit := &l.Credits[i]; credit.SKU == sku && taken < want {
			n := min(credit.Units, want-taken)
			credit.Units -= n
			taken += n
		}
	}
	l.Credits = slices.DeleteFunc(l.Credits, func(c inventory.Credit) bool { return c.Units == 0 })
	return taken
}

// Arrivals takes Katana's orders into the ledger of the store that shop names:
// the rows of its orders that are committed now and were not before take their
// units away. looked is when the levels of the look before had been read.
//
// A unit of an order that Katana created since then finds no entry when the
// sale came after the look: it becomes a credit for the fall that the next look
// must show. The fall of an older order has shown already, as an entry that has
// expired since or hidden under a rise; a credit for it would hide another
// sale.
//
// skus names the SKU of each Katana variant; feeds tells which Katana
// locations a level draws on, so that the level which sold is found first.
func Arrivals(l *inventory.Ledger, orders []inventory.SourceOrder, shop string, skus map[inventory.SourceVariantID]inventory.SKU, feeds func(inventory.Key) []inventory.SourceLocationID, looked time.Time) {
	oldest := looked.Add(-Remember)
	for id, row := range l.Counted {
		if row.At.Before(oldest) {
			delete(l.Counted, id)
		}
	}
	for _, order := range orders {
		if order.Updated.After(l.Orders) {
			l.Orders = order.Updated
		}
		if !news(order, shop) || order.Created.Before(oldest) {
			continue
		}
		// An order that Katana had when the ledger began is in its figures, and
		// its fall was never in the ledger.
		old := order.Created.Before(l.Since)
		for _, row := range order.Rows {
			units := count(l, row, order.Created)
			sku, ok := skus[row.Variant]
			if units <= 0 || !ok || old {
				continue
			}
			units -= takeEntries(l, sku, row.Location, units, feeds)
			if units > 0 && !order.Created.Before(looked) {
				l.Credits = append(l.Credits, inventory.Credit{SKU: sku, Location: row.Location, Units: units})
			}
		}
	}
}

// news tells whether the order can be the arrival of a sale of the shop.
func news(order inventory.SourceOrder, shop string) bool {
	return !order.Deleted && order.Status != inventory.OrderPending && strings.EqualFold(order.Platform, "shopify") && strings.EqualFold(order.Store, shop)
}

// count notes a row's quantity and gives back by how many whole units it grew.
// Half a unit takes no whole one away: too much in flight is safe.
func count(l *inventory.Ledger, row inventory.SourceOrderRow, created time.Time) inventory.Units {
	before := l.Counted[row.ID].Quantity
	if row.Quantity <= before {
		return 0
	}
	if l.Counted == nil {
		l.Counted = map[int64]inventory.CountedRow{}
	}
	l.Counted[row.ID] = inventory.CountedRow{Quantity: row.Quantity, At: created}
	return row.Quantity.Floor() - before.Floor()
}

// takeEntries takes up to want units of the SKU off the ledger: first from
// levels that draw on the location where Katana committed them, then from any,
// each time the oldest first. A sale at one location may be imported at
// another; the unit is accounted for all the same.
func takeEntries(l *inventory.Ledger, sku inventory.SKU, at inventory.SourceLocationID, want inventory.Units, feeds func(inventory.Key) []inventory.SourceLocationID) (taken inventory.Units) {
	for _, near := range []bool{true, false} {
		for i := range l.Entries {
			entry := &l.Entries[i]
			if entry.SKU != sku || entry.Units == 0 || near && !slices.Contains(feeds(entry.Key), at) {
				continue
			}
			n := min(entry.Units, want-taken)
			entry.Units -= n
			taken += n
		}
	}
	l.Entries = slices.DeleteFunc(l.Entries, func(e inventory.InFlight) bool { return e.Units == 0 })
	return taken
}
