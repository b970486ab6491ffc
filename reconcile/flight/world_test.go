package flight_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/inventory"
)

// world is one SKU at three levels of two stores, two Katana locations, and
// sales on their way from the one to the other.
type world struct {
	t       *rapid.T
	now     time.Time
	katana  map[inventory.SourceLocationID]inventory.Units
	feeds   map[inventory.Key][]inventory.SourceLocationID
	shows   map[inventory.Key]inventory.Units
	seen    map[inventory.Key]inventory.Units
	ledgers map[inventory.StoreName]*inventory.Ledger
	looked  time.Time                   // the last complete look
	read    map[inventory.Key]time.Time // when each level was last read
	sales   []sale                      // not imported yet
	orders  []inventory.SourceOrder
}

// sale is one unit that Shopify sold.
type sale struct {
	key      inventory.Key
	at       time.Time
	imported time.Time
	location inventory.SourceLocationID // where Katana will commit it
}

var worldKeys = []inventory.Key{front, quay, outlet}

func newWorld(t *rapid.T) *world {
	w := &world{
		t: t, now: start,
		katana: map[inventory.SourceLocationID]inventory.Units{oslo: 20, bergen: 20},
		feeds:  map[inventory.Key][]inventory.SourceLocationID{},
		shows:  map[inventory.Key]inventory.Units{}, seen: map[inventory.Key]inventory.Units{},
		read:    map[inventory.Key]time.Time{},
		ledgers: map[inventory.StoreName]*inventory.Ledger{"main": {Since: start.Add(-settle)}, "outlet": {Since: start.Add(-settle)}},
	}
	choices := rapid.SampledFrom([][]inventory.SourceLocationID{{oslo}, {bergen}, {oslo, bergen}})
	for _, key := range worldKeys {
		w.feeds[key] = choices.Draw(t, "feed")
		w.shows[key] = w.has(key)
	}
	return w
}

func (w *world) feed(key inventory.Key) []inventory.SourceLocationID { return w.feeds[key] }

func (w *world) has(key inventory.Key) (units inventory.Units) {
	for _, location := range w.feeds[key] {
		units += w.katana[location]
	}
	return units
}

// pass lets time go by, with sales, imports and deliveries on the way.
func (w *world) pass(most int) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, most).Draw(w.t, "ms")) * time.Millisecond)
	for range rapid.IntRange(0, 2).Draw(w.t, "sales") {
		key := rapid.SampledFrom(worldKeys).Draw(w.t, "level")
		w.shows[key]--
		w.sales = append(w.sales, sale{
			key: key, at: w.now, location: rapid.SampledFrom(w.feeds[key]).Draw(w.t, "from"),
			// Within settle, less the time that the look and the orders lie apart.
			imported: w.now.Add(time.Duration(rapid.IntRange(0, int(settle/time.Second)-30).Draw(w.t, "lag")) * time.Second),
		})
	}
	if rapid.IntRange(0, 9).Draw(w.t, "delivery") == 0 {
		w.katana[rapid.SampledFrom([]inventory.SourceLocationID{oslo, bergen}).Draw(w.t, "at")] += 5
	}
	w.sales = slices.DeleteFunc(w.sales, func(s sale) bool {
		if s.imported.After(w.now) {
			return false
		}
		w.katana[s.location]--
		id := int64(len(w.orders) + 1)
		name := map[inventory.StoreName]string{"main": shop, "outlet": "outlet.myshopify.com"}[s.key.Store]
		w.orders = append(w.orders, inventory.SourceOrder{
			ID: id, Status: "NOT_SHIPPED", Platform: "shopify", Store: name, Created: w.now, Updated: w.now,
			Rows: []inventory.SourceOrderRow{{ID: id, Variant: mugID, Location: s.location, Quantity: inventory.Scale}},
		})
		return true
	})
}

func (w *world) look(keys []inventory.Key, complete bool) {
	for name, ledger := range w.ledgers {
		var levels []inventory.Level
		for _, key := range keys {
			if key.Store == name {
				levels = append(levels, inventory.Level{Key: key, SKU: mug, Available: w.shows[key], Active: true})
			}
		}
		flight.Look(ledger, levels, func(key inventory.Key) (inventory.Units, bool) {
			units, ok := w.seen[key]
			return units, ok
		}, w.feed, all(complete), w.now, flight.Terms{Settle: settle})
	}
	for _, key := range keys {
		w.seen[key], w.read[key] = w.shows[key], w.now
	}
}

func (w *world) index() *flight.Index {
	var entries []inventory.InFlight
	for _, ledger := range w.ledgers {
		for _, entry := range ledger.Entries {
			if entry.Units <= 0 || !w.now.Before(entry.Expires.Add(time.Minute)) {
				w.t.Fatalf("at %s the ledger holds %+v", w.now, entry)
			}
		}
		entries = append(entries, ledger.Entries...)
	}
	return flight.NewIndex(entries, w.feed)
}

// target is the rule of the design: what is in flight elsewhere is subtracted
// like committed units, what is in flight here keeps a raise short and takes a
// reduction further.
func (w *world) target(key inventory.Key, katana inventory.Units) inventory.Units {
	index := w.index()
	desired := max(katana-index.Others(key, mug, w.feeds[key]), 0)
	own, observed := index.Own(key, mug), w.seen[key]
	switch {
	case observed < desired:
		return max(observed, desired-own)
	case observed > desired:
		return max(0, desired-own)
	}
	return observed
}

// sellable is the most that may be offered: what Katana has, less what was sold
// before its level was read and is not in Katana's figures.
func (w *world) sellable(key inventory.Key, katana inventory.Units) inventory.Units {
	for _, s := range w.sales {
		if !s.at.After(w.read[s.key]) && slices.Contains(w.feeds[key], s.location) {
			katana--
		}
	}
	return max(katana, 0)
}

// cycle looks, reads the orders, reads the stock and writes, in that order,
// with the world going on in between.
func (w *world) cycle() {
	w.looked = w.now
	w.look(worldKeys, true)
	w.pass(5_000)
	orders := slices.Clone(w.orders)
	w.pass(5_000)
	for name, ledger := range w.ledgers {
		platform := map[inventory.StoreName]string{"main": shop, "outlet": "outlet.myshopify.com"}[name]
		flight.Arrivals(ledger, orders, platform, skuOf, w.feed, at(w.looked), w.looked, terms)
	}
	for _, key := range worldKeys {
		katana := w.has(key)
		to := w.target(key, katana)
		if to == w.seen[key] {
			continue
		}
		if w.shows[key] != w.seen[key] { // stale: read again, plan again
			w.look([]inventory.Key{key}, false)
			if to = w.target(key, katana); to == w.seen[key] {
				continue
			}
		}
		if most := w.sellable(key, katana); to > most {
			w.t.Fatalf("at %s %s is taken from %d to %d, but only %d can be sold: Katana has %d, sold %+v, ledgers %+v %+v",
				w.now, key, w.shows[key], to, most, katana, w.sales, *w.ledgers["main"], *w.ledgers["outlet"])
		}
		w.shows[key], w.seen[key] = to, to
	}
}

func TestWhileOrdersArriveWithinSettleNoSoldUnitIsOfferedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(2, 40).Draw(t, "cycles") {
			w.cycle()
			w.pass(120_000)
		}
		// Once everything has arrived and settle has passed, nothing is in flight
		// and every level shows what Katana has.
		for len(w.sales) > 0 {
			w.now = slices.MaxFunc(w.sales, func(a, b sale) int { return a.imported.Compare(b.imported) }).imported
			w.quiet()
		}
		w.now = w.now.Add(settle + time.Minute)
		w.quiet()
		w.quiet()
		for _, key := range worldKeys {
			if got, want := max(w.shows[key], 0), max(w.has(key), 0); got != want {
				t.Fatalf("%s shows %d, Katana has %d", key, got, want)
			}
		}
		for name, ledger := range w.ledgers {
			if len(ledger.Entries)+len(ledger.Credits) > 0 {
				t.Fatalf("store %s still has %+v", name, *ledger)
			}
		}
	})
}

// quiet is a cycle during which nothing is sold.
func (w *world) quiet() {
	w.sales = slices.DeleteFunc(w.sales, func(s sale) bool {
		if s.imported.After(w.now) {
			return false
		}
		w.katana[s.location]--
		return true
	})
	w.looked = w.now
	w.look(worldKeys, true)
	for name, ledger := range w.ledgers {
		platform := map[inventory.StoreName]string{"main": shop, "outlet": "outlet.myshopify.com"}[name]
		flight.Arrivals(ledger, w.orders, platform, skuOf, w.feed, at(w.looked), w.looked, terms)
	}
	for _, key := range worldKeys {
		to := w.target(key, w.has(key))
		w.shows[key], w.seen[key] = to, to
	}
}

func TestUnitsInFlightAreNeverNegativeAndNeverMoreThanWhatFell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ledger inventory.Ledger
		seen := map[inventory.Key]inventory.Units{}
		keys := []inventory.Key{front, back, quay, both, popup}
		now, fell := start, inventory.Units(0)
		for step := range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "seconds")) * time.Second)
			var levels []inventory.Level
			for _, key := range keys {
				if rapid.Bool().Draw(t, "read") {
					shows := inventory.Units(rapid.IntRange(-5, 20).Draw(t, "shows"))
					if before, ok := seen[key]; ok {
						fell += max(before-shows, 0)
					}
					levels = append(levels, inventory.Level{Key: key, SKU: mug, Available: shows})
				}
			}
			flight.Look(&ledger, levels, func(key inventory.Key) (inventory.Units, bool) {
				units, ok := seen[key]
				return units, ok
			}, func(inventory.Key) []inventory.SourceLocationID { return nil }, all(rapid.Bool().Draw(t, "complete")), now, flight.Terms{Settle: settle})
			for _, level := range levels {
				seen[level.Key] = level.Available
			}
			created := now.Add(time.Duration(rapid.IntRange(-600, 5).Draw(t, "age")) * time.Second)
			flight.Arrivals(&ledger, []inventory.SourceOrder{{
				ID: int64(step), Status: "NOT_SHIPPED", Platform: "shopify", Store: shop, Created: created, Updated: created,
				Rows: []inventory.SourceOrderRow{{
					ID: int64(rapid.IntRange(1, 10).Draw(t, "row")), Variant: mugID,
					Location: rapid.SampledFrom([]inventory.SourceLocationID{oslo, bergen, 9}).Draw(t, "at"),
					Quantity: inventory.Quantity(rapid.Int64Range(-inventory.Scale, 20*inventory.Scale).Draw(t, "quantity")),
				}},
			}}, shop, skuOf, feeds, at(now), now, terms)
			total := inventory.Units(0)
			for _, entry := range ledger.Entries {
				if entry.Units <= 0 || entry.Expires.After(now.Add(settle)) || !entry.Since.Add(settle).Equal(entry.Expires) {
					t.Fatalf("the ledger holds %+v", entry)
				}
				total += entry.Units
			}
			if total > fell {
				t.Fatalf("%d are in flight, but only %d were sold", total, fell)
			}
			for _, credit := range ledger.Credits {
				if credit.Units <= 0 {
					t.Fatalf("the ledger holds %+v", credit)
				}
			}
		}
	})
}
