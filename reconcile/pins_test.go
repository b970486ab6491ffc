package reconcile_test

import (
	"strings"
	"testing"

	"stocksyncd/reconcile"
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
