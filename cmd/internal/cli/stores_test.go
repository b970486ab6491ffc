package cli

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// chain is stores of which each sells a mug from the same two Katana locations,
// of which Katana has 20 and 7, and offers 1 at each.
func chain(t *testing.T, names ...string) *whole {
	t.Helper()
	opts := sandbox.Options{KatanaPerMinute: 6000}
	for _, name := range names {
		opts.Stores = append(opts.Stores, sandbox.StoreOptions{Name: name})
	}
	world := sandbox.NewWorld(opts)
	var mapping desired.Mapping
	var levels []sandbox.Level
	for _, location := range []string{"Oslo", "Bergen"} {
		world.AddLocation(sandbox.KatanaLocation{Name: location})
		mapping.Locations = append(mapping.Locations, desired.Pair{Target: location, Sources: []string{location}})
		levels = append(levels, sandbox.Level{Location: location, Available: 1})
	}
	_, err := world.AddProduct(sandbox.Product{Name: "Mug", Variants: []sandbox.Variant{{SKU: "MUG", Stock: map[string]string{"Oslo": "20", "Bergen": "7"}}}})
	for _, store := range names {
		for _, level := range levels {
			if err == nil {
				_, err = world.AddStoreLocation(store, sandbox.StoreLocation{Name: level.Location})
			}
		}
		if err == nil {
			_, err = world.AddListing(store, sandbox.Listing{SKU: "MUG", Product: "Mug", Levels: levels})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return newWhole(t, world, mapping)
}

// shown is what a store shows of the mug, in Oslo and in Bergen.
func (w *whole) shown(store string) string {
	oslo, _ := w.world.Available(store, "MUG", "Oslo")
	bergen, _ := w.world.Available(store, "MUG", "Bergen")
	return fmt.Sprint(oslo, " ", bergen)
}

func TestOneReadOfKatanaServesAllStores(t *testing.T) {
	asked := map[int]int{}
	for _, names := range [][]string{{"main"}, {"main", "outlet", "market"}} {
		synctest.Test(t, func(t *testing.T) {
			w := chain(t, names...)
			defer w.stop()
			w.clean(reconcile.Request{})
			w.pass(w.settle)
			report := w.clean(reconcile.Request{})
			asked[len(names)] = report.Requests["katana"].Count
			for _, store := range names {
				if got := w.shown(store); got != "20 7" {
					t.Errorf("of %d stores, %s shows %s, want the 20 and 7 that Katana has", len(names), store, got)
				}
				if report.Requests["shopify/"+store].Count == 0 {
					t.Errorf("of %d stores, %s was not asked", len(names), store)
				}
			}
		})
	}
	if asked[1] < 5 || asked[1] != asked[3] {
		t.Errorf("Katana was asked %d times for one store and %d times for three, want the same", asked[1], asked[3])
	}
}

func TestAStoreThatIsOutOfOrderStopsNoOther(t *testing.T) {
	for _, tt := range []struct {
		name  string
		event sandbox.Event
		fault sandbox.Fault
		want  string // in the store's error
	}{
		{"it is down", nil, sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503, Count: -1}, "503"},
		{"it does not answer", nil, sandbox.Fault{Kind: sandbox.FaultHang, Count: -1}, "shopify/outlet"},
		{"it is frozen", sandbox.ShopSwitched{Store: "outlet", State: sandbox.ShopFrozen}, sandbox.Fault{}, "the shop is frozen"},
		{"it is locked", sandbox.ShopSwitched{Store: "outlet", State: sandbox.ShopLocked}, sandbox.Fault{}, "423"},
		{"its token is gone", sandbox.TokenRevoked{Store: "outlet"}, sandbox.Fault{}, "401"},
		{"its location has another name", sandbox.LocationRenamed{Store: "outlet", Location: "Oslo", To: "Torvet"}, sandbox.Fault{}, `is called "Torvet" now`},
		{"it fails while it is written", nil, sandbox.Fault{Op: "inventorySetQuantities", Kind: sandbox.FaultThrottle, Count: -1}, "shopify/outlet"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := chain(t, "main", "outlet", "market")
				defer w.stop()
				guessing(t, w.world) // so that nothing is raised at first sight
				w.clean(reconcile.Request{})
				w.pass(w.settle)
				if tt.event != nil {
					w.do(tt.event)
				} else {
					tt.fault.API = "shopify/outlet"
					w.world.Inject(tt.fault)
				}
				report := w.cycle(reconcile.Request{})
				if got := report.Stores[1].Error; report.Error != "" || !strings.Contains(got, tt.want) || strings.Contains(got, "panic") {
					t.Errorf("the cycle says %q and outlet %q, want %q", report.Error, got, tt.want)
				}
				w.wantOthersRaised(report, "outlet")
				if got := len(w.world.Writes("outlet")); got != 0 {
					t.Errorf("%d levels of outlet were written", got)
				}
			})
		})
	}
}

// wantOthersRaised wants the stores that sell the same as one that failed to have
// been raised, or to wait for what it may have sold, and for one settle alone.
func (w *whole) wantOthersRaised(report *inventory.Report, failed string) {
	w.t.Helper()
	const want = "20 7"
	why := "store " + failed + " failed, and may have sold of the same stock"
	waits := false
	for _, store := range report.Stores {
		if name := string(store.Name); name == failed || w.shown(name) == want {
			continue
		}
		waits = true
		for _, c := range store.Changes {
			if c.Outcome != inventory.Waiting || c.Reason != inventory.ReasonUnread || c.Detail != why {
				w.t.Errorf("%s: got %+v, want it to wait for %s", store.Name, c, failed)
			}
		}
	}
	if !waits {
		return
	}
	w.pass(w.settle)
	w.cycle(reconcile.Request{})
	for _, store := range report.Stores {
		if got := w.shown(string(store.Name)); string(store.Name) != failed && got != want {
			w.t.Errorf("%s shows %s one settle later, want %s", store.Name, got, want)
		}
	}
}

func TestEachStoreGoesByItsOwnModeRulesAndMapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := chain(t, "main", "summed", "swapped", "lower", "report", "off", "capped", "fallback", "skipped")
		defer func() { w.stop() }()
		w.do(sandbox.SalesOrderPlaced{Order: "B2B-1", Lines: []sandbox.Line{{SKU: "MUG", Quantity: "5"}}})
		w.do(sandbox.HandEdit{Store: "lower", SKU: "MUG", Location: "Oslo", Available: 30})
		byName := map[string]*reconcile.Store{}
		for i := range w.stores {
			byName[string(w.stores[i].Name)] = &w.stores[i]
		}
		pairs := func(oslo, bergen string) desired.Mapping {
			return desired.Mapping{Locations: []desired.Pair{{Target: "Oslo", Sources: strings.Fields(oslo)}, {Target: "Bergen", Sources: strings.Fields(bergen)}}}
		}
		byName["main"].Orders = desired.Orders{Exclude: []desired.Matcher{{Number: "B2B-*"}}}
		byName["summed"].Mapping = pairs("Oslo Bergen", "Bergen")
		byName["swapped"].Mapping = pairs("Bergen", "Oslo")
		byName["lower"].Mode = inventory.ModeLowerOnly
		byName["report"].Mode = inventory.ModeReport
		byName["off"].Mode = inventory.ModeOff
		byName["capped"].Rules = []desired.Rule{{Pattern: "M*", Buffer: 3, Capped: true, Max: 9}, {Pattern: "*", Skip: true}}
		byName["fallback"].Mapping = desired.Mapping{Locations: []desired.Pair{{Target: "Oslo", Sources: []string{"Oslo"}}}, Default: "Oslo"}
		byName["skipped"].Rules = []desired.Rule{{Pattern: "MUG", Skip: true}}
		w.start()
		w.clean(reconcile.Request{})
		w.pass(w.settle)
		report := w.clean(reconcile.Request{})
		for store, want := range map[string]string{
			"main": "20 7", "summed": "22 7", "swapped": "7 15", "lower": "15 1", "report": "1 1", "off": "1 1", "capped": "9 4", "fallback": "15 15", "skipped": "1 1",
		} {
			if got := w.shown(store); got != want {
				t.Errorf("%s shows %s, want %s", store, got, want)
			}
		}
		for i, store := range w.stores {
			if got := report.Stores[i]; got.Name != store.Name || got.Mode != store.Mode {
				t.Errorf("store %s in mode %s is reported as %s in mode %s", store.Name, store.Mode, got.Name, got.Mode)
			}
		}
		if got := w.world.Requests("shopify/off"); got != 0 {
			t.Errorf("the store that is off was asked %d times", got)
		}
	})
}
