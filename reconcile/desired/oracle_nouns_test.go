package desired_test

import (
	"math/rand/v2"
	"time"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// nouns says a raw Katana in the words of the package under test, its pages in
// any order.
func (k rawKatana) nouns(r *rand.Rand) (*inventory.Snapshot, []inventory.StockKey) {
	snap := &inventory.Snapshot{}
	for _, v := range k.variants {
		snap.Variants = append(snap.Variants, inventory.SourceVariant{
			ID: inventory.SourceVariantID(v.id), SKU: inventory.SKU(v.sku), Created: time.Unix(int64(v.day), 0),
			Kit: v.kit, Service: v.service, Archived: v.archived, Deleted: v.deleted,
		})
	}
	var before []inventory.StockKey
	for v := 1; v <= 4; v++ {
		for location := range k.locations {
			at := [2]int{v, location + 1}
			if rw, ok := k.rows[at]; ok {
				snap.Stock = append(snap.Stock, row(inventory.SourceVariantID(v), inventory.SourceLocationID(location+1), rw.inStock, rw.committed, orZero(rw.potential)))
			}
			if k.before[at] {
				before = append(before, inventory.StockKey{Variant: inventory.SourceVariantID(v), Location: inventory.SourceLocationID(location + 1)})
			}
		}
	}
	r.Shuffle(len(snap.Variants), func(i, j int) { snap.Variants[i], snap.Variants[j] = snap.Variants[j], snap.Variants[i] })
	r.Shuffle(len(snap.Stock), func(i, j int) { snap.Stock[i], snap.Stock[j] = snap.Stock[j], snap.Stock[i] })
	return snap, before
}

func orZero(text string) string {
	if text == "" {
		return "0"
	}
	return text
}

func (s rawStore) nouns() (levels []inventory.Level) {
	for _, l := range s.levels {
		levels = append(levels, inventory.Level{
			Key: rawKey(s.name, l.item, l.location), SKU: inventory.SKU(l.sku), Active: !l.inactive, Untracked: l.untracked, Bundle: l.bundle, GiftCard: l.giftc,
		})
	}
	return levels
}

func rawKey(store string, item, location int) inventory.Key {
	return inventory.Key{Store: inventory.StoreName(store), Item: inventory.ItemID(item), Location: inventory.LocationID(location)}
}

// config says the rules of a store in the words of the package under test, what
// its orders exclude included.
func (s rawStore) config(k rawKatana) desired.Rules {
	rules := desired.Rules{Feeds: desired.Feeds{}}
	for location, feed := range s.feeds {
		sources := []inventory.SourceLocationID{}
		for _, source := range feed.sources {
			sources = append(sources, inventory.SourceLocationID(source))
		}
		rules.Feeds[inventory.LocationID(location)] = desired.Feed{Sources: sources, Left: inventory.Reason(feed.left)}
	}
	for _, r := range s.rules {
		rules.SKU = append(rules.SKU, desired.Rule{
			Pattern: r.pattern, Buffer: inventory.Units(r.buffer), Capped: r.max >= 0, Max: inventory.Units(max(r.max, 0)),
			MinToSell: inventory.Units(r.minToSell), Skip: r.skip,
		})
	}
	rules.Excluded = desired.Exclude(s.orders.nouns(), desired.Reads{
		Before: orderNouns(k.earlier), After: orderNouns(k.later), Settled: time.Unix(k.settled, 0),
		Names: func(id inventory.SourceLocationID) []string { return []string{k.locations[id-1]} },
	})
	return rules
}

func (o rawOrderRules) nouns() desired.Orders {
	orders := desired.Orders{ShopifyOnly: o.shopifyOnly, Served: o.served}
	for _, m := range o.exclude {
		orders.Exclude = append(orders.Exclude, desired.Matcher{
			Source: m.source, Platform: m.platform, Store: m.store, Customer: int64(m.customer), Location: m.location, Number: m.number,
		})
	}
	return orders
}

func orderNouns(raw []rawOrder) (orders []inventory.SourceOrder) {
	for _, o := range raw {
		order := inventory.SourceOrder{
			ID: int64(o.id), Number: o.number, Source: o.source, Platform: o.platform, Store: o.store,
			Customer: int64(o.customer), Location: inventory.SourceLocationID(o.location), Updated: time.Unix(o.changed, 0),
		}
		for _, r := range o.rows {
			order.Rows = append(order.Rows, inventory.SourceOrderRow{
				ID: int64(r.id), Variant: inventory.SourceVariantID(r.variant), Location: inventory.SourceLocationID(r.location),
				Quantity: quantity(r.ordered) - quantity(r.packed), MadeToOrder: r.madeToOrder,
			})
		}
		orders = append(orders, order)
	}
	return orders
}

// inFlight says what has been sold and Katana does not know.
func (w rawWorld) inFlight() (entries []inventory.InFlight) {
	for _, sale := range w.flights {
		entries = append(entries, inventory.InFlight{Key: rawKey(sale.store, sale.item, sale.location), SKU: inventory.SKU(sale.sku), Units: inventory.Units(sale.units)})
	}
	return entries
}

// draws tells which Katana locations a level draws on; nil is not known.
func (w rawWorld) draws(key inventory.Key) []inventory.SourceLocationID {
	feed, known := w.store(string(key.Store)).feeds[int(key.Location)]
	if !known {
		return nil
	}
	sources := []inventory.SourceLocationID{}
	for _, source := range feed.sources {
		sources = append(sources, inventory.SourceLocationID(source))
	}
	return sources
}
