package reconcile_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/inventory"
)

// trade is a world in which things happen: two stores on one Katana, sales
// that reach Katana later, stock that comes and goes, restarts.
type trade struct {
	*world
	rt   *rapid.T
	ids  []inventory.SourceVariantID
	keys [][]inventory.Key // per SKU: the levels that draw on its stock
	// sold is what Shopify has sold and Katana does not know, per SKU.
	sold []int64
	due  []sale
}

type sale struct {
	at    time.Time
	store inventory.StoreName
	sku   int
	units int64
}

func newTrade(t *testing.T, rt *rapid.T) *trade {
	tr := &trade{world: newWorld(t), rt: rt}
	tr.addStore("outlet", inventory.ModeApply)
	for i := range rapid.IntRange(1, 4).Draw(rt, "skus") {
		sku := inventory.SKU(fmt.Sprint("S", i))
		stock := rapid.Int64Range(-2, 30).Draw(rt, "stock")
		tr.ids = append(tr.ids, tr.sku(sku, stock))
		tr.sold = append(tr.sold, 0)
		keys := []inventory.Key{tr.level("main", int64(i+1), sku, rapid.Int64Range(-1, 30).Draw(rt, "shows"))}
		if rapid.Bool().Draw(rt, "in both stores") {
			keys = append(keys, tr.level("outlet", int64(i+1), sku, rapid.Int64Range(-1, 30).Draw(rt, "shows")))
		}
		tr.keys = append(tr.keys, keys)
	}
	return tr
}

// available is what Katana has of a SKU for sale.
func (tr *trade) available(i int) int64 {
	row := tr.katana.stock[inventory.StockKey{Variant: tr.ids[i], Location: 10}]
	return int64((row.InStock - row.Committed) / inventory.Scale)
}

// happen plays one random event.
func (tr *trade) happen() {
	i := rapid.IntRange(0, len(tr.ids)-1).Draw(tr.rt, "sku")
	switch rapid.SampledFrom([]string{"sale", "sale", "sale", "stock", "edit down", "restart", "nothing"}).Draw(tr.rt, "event") {
	case "sale":
		key := rapid.SampledFrom(tr.keys[i]).Draw(tr.rt, "level")
		units := rapid.Int64Range(1, 3).Draw(tr.rt, "units")
		tr.sell(key, units)
		tr.sold[i] += units
		lag := rapid.Int64Range(0, int64(settle/time.Second)-60).Draw(tr.rt, "lag")
		tr.due = append(tr.due, sale{tr.now.Add(time.Duration(lag) * time.Second), key.Store, i, units})
	case "stock":
		row := inventory.StockKey{Variant: tr.ids[i], Location: 10}
		stock := tr.katana.stock[row]
		stock.InStock += inventory.Quantity(rapid.Int64Range(-5, 10).Draw(tr.rt, "units")) * inventory.Scale
		tr.katana.stock[row] = stock
	case "edit down":
		tr.sell(rapid.SampledFrom(tr.keys[i]).Draw(tr.rt, "level"), 1)
	case "restart":
		tr.start()
	}
}

// arrive imports the orders that are due.
func (tr *trade) arrive() {
	var later []sale
	for _, s := range tr.due {
		if s.at.After(tr.now) {
			later = append(later, s)
			continue
		}
		tr.commit(s.store, tr.ids[s.sku], s.units)
		tr.sold[s.sku] -= s.units
	}
	tr.due = later
}

// cycleWithoutOversell runs a cycle and checks that no figure which it wrote
// offers a unit that is sold already.
//
// A level that shows what Katana has, while a unit of it is in flight, is left
// as it is: most often the order has just arrived there.
func (tr *trade) cycleWithoutOversell() {
	for _, s := range tr.shops {
		s.batch = nil
	}
	tr.cycle()
	for i, keys := range tr.keys {
		most := max(tr.available(i)-tr.sold[i], 0)
		for _, key := range keys {
			for _, batch := range tr.shops[key.Store].batch {
				for _, change := range batch {
					if change.Key == key && int64(change.To) > most {
						tr.rt.Fatalf("%s was set to %d; Katana has %d, of which %d are sold and not known there", key, change.To, tr.available(i), tr.sold[i])
					}
				}
			}
		}
	}
}

func TestPropertyNoFigureIsWrittenThatOffersASoldUnit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tr := newTrade(t, rt)
		defer tr.stop()
		tr.cycle()
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			tr.happen()
			tr.pass(time.Duration(rapid.IntRange(0, 120).Draw(rt, "seconds")) * time.Second)
			tr.arrive()
			tr.cycleWithoutOversell()
		}
		// Once all has arrived and settled, everything is in step again.
		tr.pass(settle)
		tr.arrive()
		tr.cycle()
		tr.pass(settle)
		tr.cycle()
		batches := len(tr.shops["main"].batch) + len(tr.shops["outlet"].batch)
		report := tr.cycle()
		for _, s := range report.Stores {
			if s.Drifted != 0 || s.Waiting != 0 {
				rt.Fatalf("after all has settled %s has %d drifted and %d waiting: %+v", s.Name, s.Drifted, s.Waiting, s.Changes)
			}
		}
		if got := len(tr.shops["main"].batch) + len(tr.shops["outlet"].batch); got != batches {
			rt.Fatalf("a quiet cycle sent %d mutations", got-batches)
		}
		for i, keys := range tr.keys {
			for _, key := range keys {
				if got, want := int64(tr.shows(key)), max(tr.available(i), 0); got != want && (got > 0 || want > 0) {
					rt.Fatalf("%s shows %d, want %d", key, got, want)
				}
			}
		}
	})
}
