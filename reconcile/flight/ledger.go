package flight

import (
	"maps"
	"math"
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
// for levels that were seen at all; feeds tells which Katana locations a level
// draws on.
//
// whole tells whether all levels of a SKU are among them; nil is none. The fall
// of any order that Katana had before such a look must show in it, so the
// credits that wait for one are due.
func Look(l *inventory.Ledger, levels []inventory.Level, seen func(inventory.Key) (inventory.Units, bool), feeds func(inventory.Key) []inventory.SourceLocationID, whole func(inventory.SKU) bool, now time.Time, terms Terms) {
	if l.Since.IsZero() {
		l.Since = now
	}
	for i := range levels {
		level := &levels[i]
		before, ok := seen(level.Key)
		if !ok || level.Available >= before || !Counts(level) {
			continue
		}
		l.Entries = append(l.Entries, inventory.InFlight{
			Key: level.Key, SKU: level.SKU, Units: before - level.Available, Since: now, Expires: now.Add(terms.Unsure(l)), Sources: feeds(level.Key),
		})
	}
	for i := range l.Credits {
		l.Credits[i].Due = l.Credits[i].Due || whole != nil && whole(l.Credits[i].SKU)
	}
}

// maybeFor is how long units that may have been sold wait for their order.
const maybeFor = time.Hour

// Maybe is an entry of units that may have been sold, or not: nobody saw it. It
// counts for nothing, having expired at once, and is only there for the order, if
// one comes, which would else take the units of another sale away.
func Maybe(key inventory.Key, sku inventory.SKU, units inventory.Units, now time.Time, sources []inventory.SourceLocationID) inventory.InFlight {
	return inventory.InFlight{Key: key, SKU: sku, Units: units, Since: now, Expires: now, Sources: sources}
}

func maybe(e inventory.InFlight) bool { return e.Expires.Equal(e.Since) }

// Doubted is since when a level may have sold what nobody saw; zero when it has
// not. Its raises wait from then on for as long as [Terms.Unsure] says: by then the
// store has told of the order, if there is one.
func Doubted(l *inventory.Ledger, key inventory.Key) (since time.Time) {
	for i := range l.Entries {
		if e := &l.Entries[i]; e.Key == key && maybe(*e) && e.Since.After(since) {
			since = e.Since
		}
	}
	return since
}

// Counts tells whether a fall of the level is a sale: Shopify computes bundles
// from their parts and does not count untracked items, where an item is not
// stocked nothing falls, and without a SKU no other level can draw on the same
// stock.
func Counts(level *inventory.Level) bool {
	return level.SKU != "" && !level.Untracked && !level.Bundle && !level.GiftCard && !level.Unstocked
}

// Arrivals takes Katana's orders into the ledger of the store that shop names:
// the rows of its orders that are committed now and were not before take their
// units away. looked is when the last look at a SKU began.
//
// An order that changed after the look may have been sold after it: its fall
// has not shown, and the entries there are belong to other sales. Its units
// become a credit, which takes entries away after the next complete look. Until
// then a unit that had shown is counted twice; none is missed.
//
// skuOf names the SKU that a Katana variant stands for; feeds tells which Katana
// locations a level draws on, so that the level which sold is found first.
//
// Entries that have expired count no more, and go when this is over: nobody was
// there to hear of their orders until now, perhaps, and these must not take away
// what was sold since.
func Arrivals(l *inventory.Ledger, orders []inventory.SourceOrder, shop string, skuOf func(inventory.SourceVariantID) (inventory.SKU, bool), feeds func(inventory.Key) []inventory.SourceLocationID, looked func(inventory.SKU) time.Time, now time.Time, terms Terms) {
	defer func() {
		l.Entries = slices.DeleteFunc(l.Entries, func(e inventory.InFlight) bool {
			credited := slices.ContainsFunc(l.Credits, func(c inventory.Credit) bool { return c.SKU == e.SKU })
			return !now.Before(e.Expires) && !credited && (!maybe(e) || now.Sub(e.Since) > maybeFor)
		})
	}()
	oldest := now.Add(-Remember)
	maps.DeleteFunc(l.Counted, func(_ int64, row inventory.CountedRow) bool { return row.At.Before(oldest) })
	for _, credit := range l.Credits {
		if credit.Due {
			takeEntries(l, credit.SKU, credit.Location, credit.Units, feeds)
		}
	}
	l.Credits = slices.DeleteFunc(l.Credits, func(c inventory.Credit) bool { return c.Due })
	for _, order := range orders {
		if order.Updated.After(l.Orders) {
			l.Orders = order.Updated
		}
		if !news(order, shop) || order.Created.Before(oldest) {
			continue
		}
		// Of an order that Katana had when the ledger began, or one settle later, the
		// fall may never have been in the ledger: it was sold before. What is there
		// may be other sales, and expires.
		old := order.Created.Before(l.Since.Add(terms.Settle))
		for _, row := range order.Rows {
			units := count(l, row, order.Created)
			sku, ok := skuOf(row.Variant)
			if units <= 0 || !ok || old || Known(l, order) { // an order that is known stands for itself
				continue
			}
			switch at := looked(sku); {
			case !order.Updated.After(at):
				takeEntries(l, sku, row.Location, units, feeds)
			case l.Since.Before(at):
				l.Credits = append(l.Credits, inventory.Credit{SKU: sku, Location: row.Location, Units: units})
			default:
				// The ledger began with this look: whether the fall is still to come, or
				// was there before the first look, nobody can tell.
			}
		}
	}
}

// Arriving lists the SKUs of the rows that [Arrivals] would take in: their
// levels have to be looked at first.
func Arriving(l *inventory.Ledger, orders []inventory.SourceOrder, shop string, skuOf func(inventory.SourceVariantID) (inventory.SKU, bool), now time.Time) (skus []inventory.SKU) {
	for _, order := range orders {
		if !news(order, shop) || order.Created.Before(now.Add(-Remember)) || order.Created.Before(l.Since) {
			continue
		}
		for _, row := range order.Rows {
			if sku, ok := skuOf(row.Variant); ok && row.Quantity > l.Counted[row.ID].Quantity {
				skus = append(skus, sku)
			}
		}
	}
	slices.Sort(skus)
	return slices.Compact(skus)
}

// news tells whether the order can be the arrival of a sale of the shop.
func news(order inventory.SourceOrder, shop string) bool {
	return commits(order) && of(order, shop)
}

// commits tells whether Katana commits what the order asks for.
func commits(order inventory.SourceOrder) bool {
	return !order.Deleted && order.Status != inventory.OrderPending
}

// of tells whether the order came from the shop.
func of(order inventory.SourceOrder, shop string) bool {
	return strings.EqualFold(order.Platform, "shopify") && strings.EqualFold(order.Store, shop)
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
// since a sale at one location may be imported at another.
//
// Nobody can tell which of the levels sold what arrived. So what is left must
// cover every case: the units go from the level that draws on the fewest
// locations, and of the times at which they expire the earliest goes.
func takeEntries(l *inventory.Ledger, sku inventory.SKU, at inventory.SourceLocationID, want inventory.Units, feeds func(inventory.Key) []inventory.SourceLocationID) {
	for want > 0 {
		narrow, early := candidates(l.Entries, sku, at, feeds)
		if narrow < 0 {
			return
		}
		from := l.Entries[narrow]
		n := min(want, from.Units)
		if first := &l.Entries[early]; first.Expires.Before(from.Expires) {
			n = min(n, first.Units)
			stays := *first
			stays.Units, stays.Since, stays.Expires = n, from.Since, from.Expires
			first.Units -= n
			l.Entries = append(l.Entries, stays)
		}
		l.Entries[narrow].Units -= n
		want -= n
		l.Entries = slices.DeleteFunc(l.Entries, func(e inventory.InFlight) bool { return e.Units == 0 })
	}
}

// candidates finds, among the entries of the SKU near the location (of all of
// them when none is near), the one whose level draws on the fewest locations
// and the one that expires first; −1 when there is none.
func candidates(entries []inventory.InFlight, sku inventory.SKU, at inventory.SourceLocationID, feeds func(inventory.Key) []inventory.SourceLocationID) (narrow, early int) {
	const far = math.MaxInt
	narrow, early = -1, -1
	least := far
	for i, entry := range entries {
		if entry.SKU != sku {
			continue
		}
		width := far
		if sources := drawsOn(entry, feeds); slices.Contains(sources, at) {
			width = len(sources)
		}
		switch {
		case narrow < 0 || width < far && least == far:
			narrow, early, least = i, i, width
			continue
		case width == far && least < far:
			continue
		case width < least || width == least && entry.Expires.Before(entries[narrow].Expires):
			narrow, least = i, width
		}
		if entry.Expires.Before(entries[early].Expires) {
			early = i
		}
	}
	return narrow, early
}
