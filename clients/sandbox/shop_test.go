package sandbox

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func fixedShop(t testing.TB, products int, opts Options) *World {
	t.Helper()
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	opts.Now = func() time.Time { return at }
	return Shop(opts, products)
}

func TestTheShopIsInStepUntilItDrifts(t *testing.T) {
	for _, opts := range []Options{{Seed: 1}, {Seed: 2, Stores: []StoreOptions{{}, {Name: "wholesale"}}}} {
		w := fixedShop(t, 200, opts)
		levels := w.comparable()
		if len(levels) < 500 {
			t.Errorf("%d levels, want a shop of at least 500", len(levels))
		}
		for _, l := range levels {
			if got, _ := w.Available(l.Store, l.SKU, l.Location); got != l.Desired {
				t.Errorf("%s at %s of %s shows %d, want %d", l.SKU, l.Location, l.Store, got, l.Desired)
			}
		}
		drifted := Drift(w, 7)
		kinds := map[string]int{}
		for _, d := range drifted {
			kinds[d.Kind]++
			if got, _ := w.Available(d.Store, d.SKU, d.Location); got != d.Available || got == d.Desired {
				t.Errorf("%+v shows %d", d, got)
			}
		}
		if len(kinds) != len(driftKinds) {
			t.Errorf("kinds of drift: %v, want all of %v", kinds, driftKinds)
		}
		if share := float64(len(drifted)) / float64(len(levels)); share < 0.05 || share > 0.2 {
			t.Errorf("%.2f of the levels have drifted", share)
		}
		if missed := w.Missed(); len(missed) > 0 {
			t.Errorf("missed: %v", missed)
		}
	}
}

func TestTheSameSeedGivesTheSameShop(t *testing.T) {
	one, two, other := fixedShop(t, 60, Options{Seed: 3}), fixedShop(t, 60, Options{Seed: 3}), fixedShop(t, 60, Options{Seed: 4})
	same := func(a, b *World) bool {
		left, _ := json.Marshal([]any{a.Summary(), a.comparable(), Drift(a, 1)})
		right, _ := json.Marshal([]any{b.Summary(), b.comparable(), Drift(b, 1)})
		return reflect.DeepEqual(left, right)
	}
	if !same(one, two) {
		t.Error("two shops of one seed differ")
	}
	if same(fixedShop(t, 60, Options{Seed: 3}), other) {
		t.Error("shops of two seeds are the same")
	}
}

func TestEachExampleOfTheShopShowsItsRule(t *testing.T) {
	const alone = -1
	for _, seed := range []uint64{1, 9} {
		w := fixedShop(t, 30, Options{Seed: seed, Stores: ShopStores(MostStores)})
		for _, tc := range []struct {
			name, store, sku, location string
			want                       int
		}{
			{"of 36, 39 are promised, 27 of them to orders that are left out", "main", "TEAPOT-OAT", shopWorkshop, 24},
			{"9 count that are Shopify's or made to order, and 2 are kept back", "outlet", "TEAPOT-OAT", "Outlet", 25},
			{"every order counts, and nothing is left", "wholesale", "TEAPOT-OAT", "Warehouse", 0},
			{"12 can be built and 1 is ready", "main", "SET-TEA", shopWorkshop, 13},
			{"a kit of a kit", "main", "SET-TEA-HONEY", shopWorkshop, 13},
			{"the boxes are what is short", "main", "SET-HONEY", shopWorkshop, 4},
			{"the napkins are used up, one is ready", "main", "SET-PICNIC", shopWorkshop, 1},
			{"a kit without a potential", "main", "SET-SURPRISE", shopWorkshop, 6},
			{"gift sets are not for the outlet", "outlet", "SET-TEA", "Outlet", alone},
			{"a rule leaves it alone", "main", "CUSTOM-BOWL", shopWorkshop, alone},
			{"too few to sell by the dozen", "wholesale", "EASEL", "Warehouse", 0},
			{"two places are summed", "main", "BAG-CANVAS", shopRiga, 35},
			{"the shelf is offered once more", "main", "BAG-CANVAS", shopPopUp, 20},
			{"fractions are summed before they are cut", "main", "YARN-ENDS", shopRiga, 1},
			{"nothing is sold from the fair's stock", "main", "BADGE-FAIR", shopStall, alone},
			{"it was never put up in Riga", "main", "BASKET-WILLOW", shopRiga, alone},
			{"the location is closed", "main", "EASEL", shopStudio, alone},
			{"a fulfilment service", "main", "POSTER-XL", shopPartner, alone},
			{"not the same case", "main", "apron-sand", shopWorkshop, alone},
			{"not the same zeros", "main", "417", shopWorkshop, alone},
			{"the newest of the live ones", "main", "APRON-NAVY", shopWorkshop, 17},
			{"the default location", "market", "BAG-CANVAS", "Window", 20},
			{"a location without a mapping", "outlet", "BAG-CANVAS", "Returns desk", alone},
			{"a store that is switched off", "archive", "BAG-CANVAS", "Depot", alone},
		} {
			got, ours := w.Desired(tc.store, tc.sku, tc.location)
			if !ours {
				got = alone
			}
			if got != tc.want {
				t.Errorf("seed %d, %s: %s at %s of %s should show %d, want %d", seed, tc.name, tc.sku, tc.location, tc.store, got, tc.want)
			}
			if shown, _ := w.Available(tc.store, tc.sku, tc.location); ours && shown != got {
				t.Errorf("seed %d, %s: %s at %s of %s shows %d, want %d", seed, tc.name, tc.sku, tc.location, tc.store, shown, got)
			}
		}
	}
}

func TestTheOldestOrdersOfAShopAreDaysOldAndTheNewestAnHour(t *testing.T) {
	w := fixedShop(t, 400, Options{})
	for _, o := range w.katana.orders {
		if age := w.now().Sub(o.updatedAt); age < time.Hour || age > shopOrders {
			t.Fatalf("order %s was touched %s ago", o.no, age)
		}
	}
	if len(w.katana.orders) < 200 {
		t.Errorf("only %d orders", len(w.katana.orders))
	}
	if w.Scheduled() != 0 || len(w.Missed()) != 0 {
		t.Errorf("%d events are to come, %v were missed", w.Scheduled(), w.Missed())
	}
}
