package reconcile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

func TestALocationThatIsRenamedStopsItsStoreAndNoOther(t *testing.T) {
	w := newWorld(t)
	id := w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 5)
	w.addStore("outlet", inventory.ModeApply)
	w.shops["outlet"].locations = []inventory.Location{{ID: 1, Name: "Shop", Active: true}, {ID: 2, Name: "Market", Active: true}}
	outlet := w.level("outlet", 1, "MUG", 5)
	w.settled()
	w.start() // what the names mean is in the state file
	w.shops["main"].locations = []inventory.Location{{ID: 1, Name: "Market", Active: true}, {ID: 2, Name: "Shop", Active: true}}
	w.has(id, 10, 3)
	w.pass(1)
	report, err := w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Full})
	if err != nil {
		t.Fatal(err)
	}
	want := `write "gid://shopify/Location/1" for the former, "gid://shopify/Location/2" for the new one`
	if got := report.Stores[0].Error; !strings.Contains(got, want) {
		t.Errorf("got %q, want it to offer the choice: %s", got, want)
	}
	w.wantShown(mug, 5)
	w.want(report, outlet, "applied drift 5→3")

	w.stores[0].Mapping.Locations[0].Target = "gid://shopify/Location/1"
	w.stores[0].Mapping.Locations[1].Target = "gid://shopify/Location/2"
	w.start()
	w.want(w.cycle(), mug, "applied drift 5→3")
}

func TestALostStateFileForgetsWhatNamesMeant(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	w.level("main", 1, "MUG", 5)
	w.settled()
	w.path += ".new"
	w.shops["main"].locations = []inventory.Location{{ID: 1, Name: "Market", Active: true}, {ID: 2, Name: "Shop", Active: true}}
	w.start()
	w.cycle()
	kept, err := w.state.Store("main")
	if err != nil || kept.Pins.Targets["Shop"] != 2 || kept.Pins.Sources["Main"] != 10 {
		t.Errorf("got %+v, %v", kept.Pins, err)
	}
}

func TestStockThatKatanaDoesNotSellIsNamed(t *testing.T) {
	w := newWorld(t)
	id := w.sku("MUG", 5)
	w.has(id, 20, 9)
	market := w.level("main", 1, "MUG", 4, 2)
	w.katana.locations[1].SalesAllowed = false
	report := w.settled().cycle()
	w.want(report, market, "")
	if report.Stores[0].Skipped[inventory.ReasonNoSales] != 1 || !strings.Contains(strings.Join(report.Stores[0].Notes, "\n"), `Katana does not sell from "Side"`) {
		t.Errorf("got %v and notes %q", report.Stores[0].Skipped, report.Stores[0].Notes)
	}
}

func TestAMappingThatCannotBeResolvedHoldsNoOtherStoreBack(t *testing.T) {
	w := newWorld(t)
	w.guards = guard.Limits{MinChanges: 2, MaxShrinkPercent: 20}
	w.addStore("outlet", inventory.ModeApply)
	w.stores[0].Mapping.Locations = []desired.Pair{{Target: "Shop", Sources: []string{"Main"}}}
	w.stores[1].Mapping.Locations = []desired.Pair{{Target: "Shop", Sources: []string{"Side"}}}
	for i := range 10 {
		w.sku(inventory.SKU(fmt.Sprint("S", i)), 5)
	}
	mug := w.level("main", 1, "S0", 5)
	w.level("outlet", 2, "S1", 0)
	w.settled().cycle()
	w.katana.locations = w.katana.locations[:1] // Side is deleted
	for key := range w.katana.stock {
		if key.Location == 20 {
			delete(w.katana.stock, key)
		}
	}
	w.has(1, 10, 0)
	w.pass(time.Second)
	report, err := w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Full})
	if err != nil || !strings.Contains(report.Stores[1].Error, "which is gone: map another one") {
		t.Errorf("got %v, %q", err, report.Stores[1].Error)
	}
	w.want(report, mug, "applied drift 5→0")
	if source, err := w.state.Source(); err != nil || len(source.Rows) != 1 {
		t.Errorf("what was read of a location that is gone is remembered: %+v, %v", source.Rows, err)
	}
}

func TestWhatALocationSoldIsInFlightAlsoWhenItIsMappedNoMore(t *testing.T) {
	for name, edit := range map[string]func(*world){
		"taken out of the mapping": func(w *world) {
			w.stores[0].Mapping.Locations = w.stores[0].Mapping.Locations[:1]
			w.start()
		},
		"deactivated in Shopify": func(w *world) {
			w.shops["main"].locations = []inventory.Location{{ID: 1, Name: "Shop", Active: true}, {ID: 2, Name: "Market"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.sku("MUG", 1)
			w.stores[0].Mapping.Locations[1].Sources = []string{"Main"}
			shop, market := w.level("main", 1, "MUG", 1), w.level("main", 1, "MUG", 1, 2)
			w.settled().cycle()
			w.sell(market, 1)
			w.cycle()
			w.wantShown(shop, 0)
			edit(w)
			w.cycle()
			w.wantShown(shop, 0)
		})
	}
}

func TestALocationThatOrdersAreExcludedByIsNotReplacedByANamesake(t *testing.T) {
	w := newWorld(t)
	id := w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 3)
	key := inventory.StockKey{Variant: id, Location: 10}
	row := w.katana.stock[key]
	row.Committed = 2 * inventory.Scale
	w.katana.stock[key] = row
	w.katana.locations = append(w.katana.locations, inventory.SourceLocation{ID: 30, Name: "Trade", SalesAllowed: true})
	w.stores[0].Orders, w.stores[0].Mapping.Mentioned = desired.Orders{Exclude: []desired.Matcher{{Location: "Trade"}}}, []string{"Trade"}
	w.settled()
	w.katana.locations = w.katana.locations[:2]
	w.cycle()
	w.katana.locations = append(w.katana.locations, inventory.SourceLocation{ID: 40, Name: "Trade", SalesAllowed: true})
	w.katana.open = []inventory.SourceOrder{{ID: 1, Source: "katana", Location: 40, Rows: []inventory.SourceOrderRow{{ID: 1, Variant: id, Location: 10, Quantity: 2 * inventory.Scale}}}}
	report := w.cycle()
	w.wantShown(mug, 3)
	if notes := strings.Join(report.Stores[0].Notes, "\n"); !strings.Contains(notes, `"id:40"`) {
		t.Errorf("got %q, want the choice", notes)
	}
}
