package cli

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// wantSameFigures reads the stores several times: the simulated APIs list what
// has no documented order in another one each time. want is what a level is to
// show; false is nothing, since it is left alone.
func (w *whole) wantSameFigures(readings int, want func(store string, level inventory.LevelFigure) (int, bool)) {
	w.t.Helper()
	for _, store := range w.world.Stores() {
		var first *inventory.StoreFigures
		for range readings {
			found, err := w.rig.reconciler.Figures(w.t.Context(), inventory.StoreName(store))
			if err != nil {
				w.t.Fatal(err)
			}
			for i := range found.Levels {
				found.Levels[i].Why = "" // the words name the time
			}
			if first == nil {
				first = found
			}
			if !reflect.DeepEqual(found, first) {
				w.t.Errorf("two readings of %s differ:\n%#v\n%#v", store, first, found)
			}
		}
		ours := 0
		for _, level := range first.Levels {
			units, known := want(store, level)
			if known {
				ours++
			}
			if known != (level.Left == "") || known && max(0, level.Target) != inventory.Units(units) {
				w.t.Errorf("%s: %s at %s is to show %d (%q), want %d (%v)", store, level.SKU, level.Location, level.Target, level.Left, units, known)
			}
		}
		if ours < 40 {
			w.t.Errorf("only %d levels of %s have a figure", ours, store)
		}
	}
}

func TestFiguresDoNotDependOnTheOrderInWhichPagesArrive(t *testing.T) {
	for seed := range uint64(cases(2)) {
		t.Run(fmt.Sprint("a shop, seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stores := sandbox.ShopStores(2)
				for i := range stores {
					stores[i].MixLevels = true
				}
				world := sandbox.Shop(sandbox.Options{Seed: seed, KatanaPerMinute: 6000, Stores: stores}, 50)
				guessing(t, world) // else orders count that Katana has not heard of
				w := newWhole(t, world, desired.Mapping{})
				defer func() { w.stop() }()
				w.configured()
				w.wantSameFigures(3, func(store string, level inventory.LevelFigure) (int, bool) {
					return world.Desired(store, string(level.SKU), level.Key.Location.String())
				})
			})
		})
		t.Run(fmt.Sprint("all of one moment, seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { playOneMoment(t, seed) })
		})
	}
}

// playOneMoment reads a shop in which everything was created at one time, more
// than a page of it: variants, of which several carry one SKU, and orders that
// count or do not.
func playOneMoment(t *testing.T, seed uint64) {
	dice := rand.New(rand.NewPCG(seed, 5))
	world := sandbox.NewWorld(sandbox.Options{Seed: seed, KatanaPerMinute: 6000, Stores: []sandbox.StoreOptions{{MixLevels: true}}})
	var mapping desired.Mapping
	places := []string{"Oslo", "Bergen", "Narvik", "Molde"}
	for _, name := range places {
		world.AddLocation(sandbox.KatanaLocation{Name: name})
		if _, err := world.AddStoreLocation("main", sandbox.StoreLocation{Name: name}); err != nil {
			t.Fatal(err)
		}
		mapping.Locations = append(mapping.Locations, desired.Pair{Target: name, Sources: []string{name}})
	}
	const skus = 180
	skuOf := func(i int) string { return fmt.Sprintf("SKU-%03d", i) }
	for i := range 2 * skus {
		stock := map[string]string{}
		for _, name := range places {
			stock[name] = fmt.Sprint(dice.IntN(30))
		}
		sku := skuOf(i % skus)
		if i >= skus && dice.IntN(2) == 0 {
			continue // not every SKU stands on two variants
		}
		if _, err := world.AddProduct(sandbox.Product{Name: sku, Variants: []sandbox.Variant{{SKU: sku, Stock: stock}}}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range skus {
		var levels []sandbox.Level
		for _, name := range places {
			levels = append(levels, sandbox.Level{Location: name, Available: dice.IntN(30)})
		}
		if _, err := world.AddListing("main", sandbox.Listing{SKU: skuOf(i), Product: skuOf(i), Levels: levels}); err != nil {
			t.Fatal(err)
		}
	}
	back := map[string]int{} // by SKU and location
	for i := range 300 {
		sku, place, units := skuOf(dice.IntN(skus)), places[dice.IntN(len(places))], 1+dice.IntN(3)
		order := sandbox.SalesOrderPlaced{Order: fmt.Sprint("SO-", i), Location: place, Lines: []sandbox.Line{{SKU: sku, Quantity: fmt.Sprint(units)}}}
		if dice.IntN(2) == 0 {
			order.Order = fmt.Sprint("B2B-", i)
			back[sku+place] += units
		}
		if err := world.Do(order); err != nil {
			t.Fatal(err)
		}
	}
	w := newWhole(t, world, mapping)
	defer func() { w.stop() }()
	w.stores[0].Orders = desired.Orders{Exclude: []desired.Matcher{{Number: "B2B-*"}}}
	w.start()
	w.pass(time.Hour) // an order that has just changed counts all the same
	w.wantSameFigures(4, func(_ string, level inventory.LevelFigure) (int, bool) {
		has, ok := world.KatanaAvailable(string(level.SKU), level.Location)
		return max(0, has+back[string(level.SKU)+level.Location]), ok
	})
}
