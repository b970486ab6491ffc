package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

func TestLevelsThatShareStockAreReadBeforeOneOfThemIsWritten(t *testing.T) {
	w := large(t)
	outlet := w.addStore("outlet", inventory.ModeApply)
	twin := w.level("outlet", 1007, "S7", 10)
	w.start()
	w.cycle()
	w.pass(settle)
	w.incremental()
	w.asked()
	outlet.calls = nil
	w.sell(twin, 3) // no order has reached Katana
	w.has(7, 10, 14)
	w.name(7)
	report, _ := w.incremental()
	if got := w.asked(); got != "levels of 1, set 1" {
		t.Errorf("main was asked %q", got)
	}
	if got := strings.Join(outlet.calls, ", "); got != "levels of 1, set 1" {
		t.Errorf("outlet was asked %q", got)
	}
	w.want(report, key(7), "applied drift 10→11")
	w.want(report, twin, "applied inflight 7→11")
}

func TestWhatAShortSourceHeldIsReadAgainBeforeItIsWritten(t *testing.T) {
	w := newWorld(t)
	w.guards = guard.Limits{MinChanges: 2, MaxShrinkPercent: 20}
	for i := range 240 {
		sku := inventory.SKU(fmt.Sprint("S", i+1))
		w.sku(sku, 10)
		w.level("main", int64(i+1), sku, 10)
	}
	w.settled().cycle()
	lost := map[inventory.StockKey]inventory.Stock{}
	for id := range inventory.SourceVariantID(100) {
		for _, at := range []inventory.SourceLocationID{10, 20} {
			row := inventory.StockKey{Variant: id + 1, Location: at}
			lost[row] = w.katana.stock[row]
			delete(w.katana.stock, row)
		}
	}
	w.has(200, 10, 14)
	report := w.cycle()
	if report.Stores[0].Held == 0 {
		t.Fatal("nothing is held")
	}
	w.has(200, 10, 5) // no feed says so
	var back []inventory.SourceVariantID
	for row, stock := range lost {
		w.katana.stock[row] = stock
		back = append(back, row.Variant)
	}
	w.name(back...)
	_, read := w.incremental()
	if slices.Contains(read, 200) {
		t.Fatal("the sweep has read it: the test shows nothing")
	}
	if got := w.shows(key(200)); got > 10 {
		t.Errorf("%d are offered, from a figure that was not read in this cycle; Katana has 5", got)
	}
}

func TestAHandEditIsNotMendedBeforeTheLevelsThatShareItsStockAreRead(t *testing.T) {
	w := large(t)
	w.addStore("outlet", inventory.ModeApply)
	for i := range 600 {
		w.level("outlet", int64(1001+i), inventory.SKU(fmt.Sprint("S", i+1)), 10)
	}
	own := w.sku("OWN", 5)
	w.level("outlet", 5000, "OWN", 5)
	w.katana.edited = w.now.Add(time.Second)
	w.start()
	w.cycle()
	w.pass(settle)
	w.incremental()
	twin := inventory.Key{Store: "outlet", Item: 1007, Location: 1}
	for range 8 { // whatever outlet looks at in its turn
		w.sell(twin, 3)                                                                           // no order has reached Katana
		w.shops["main"].levels[key(7)].Available = 15                                             // by hand
		w.has(own, 10, int64(w.shows(inventory.Key{Store: "outlet", Item: 5000, Location: 1})+1)) // so that outlet does not look around
		w.name(own)
		w.incremental()
		if got := w.shows(key(7)); got != 15 && got > 7 {
			t.Fatalf("%d are offered, while 3 of the 10 are sold in outlet", got)
		}
		for range 5 {
			w.incremental()
		}
		w.wantShown(key(7), 7)
		w.shops["outlet"].levels[twin].Available += 3
		w.pass(settle)
		w.incremental()
		w.incremental()
	}
}

func TestAStoreThatIsReadWholeDoesNotOfferWhatAnotherHasSold(t *testing.T) {
	w := large(t)
	outlet := w.addStore("outlet", inventory.ModeReport)
	for i := range 600 {
		w.level("outlet", int64(1001+i), inventory.SKU(fmt.Sprint("S", i+1)), 10)
	}
	main := &vague{shop: w.shops["main"]}
	w.stores[0].Target = main
	w.start()
	w.cycle()
	w.pass(settle)
	w.incremental()
	w.incremental()
	main.until = 1
	w.incremental() // so that the next reads all of main
	outlet.deaf = true
	w.sell(inventory.Key{Store: "outlet", Item: 1007, Location: 1}, 3) // no order has reached Katana
	w.has(7, 10, 14)
	w.name(7)
	w.asked()
	report, _ := w.incremental()
	if !report.Stores[0].Look.Whole {
		t.Fatalf("main was not read whole: %q", w.asked())
	}
	w.want(report, key(7), "applied drift 10→11")
}

func TestAnItemIsNotStockedBeforeTheLevelsThatShareItsStockAreRead(t *testing.T) {
	w := catalogue(t, 600)
	w.stores[0].Mapping.Locations = []desired.Pair{{Target: "Shop", Sources: []string{"Main"}}, {Target: "Market", Sources: []string{"Main"}}}
	w.stores[0].Activate = true
	for i := range int64(600) {
		if i != 6 {
			w.level("main", i+1, inventory.SKU(fmt.Sprint("S", i+1)), 10, 2)
		}
	}
	w.start()
	w.cycle()
	w.shops["main"].deaf = true
	market := inventory.Key{Store: "main", Item: 7, Location: 2}
	w.sell(key(7), 3) // no order has reached Katana
	for range 40 {
		if report, _ := w.incremental(); strings.HasPrefix(outcome(report, market), "applied") {
			w.want(report, market, "applied activate 0→7")
			return
		}
	}
	t.Fatal("it was never stocked")
}

func TestAnItemThatCarriesAnotherSKUShowsTheFigureOfThatOneWithinAFewCycles(t *testing.T) {
	w := large(t)
	w.shops["main"].levels[key(7)].SKU = "S8"
	w.has(7, 10, 40)
	w.has(8, 10, 5)
	w.name(7, 8)
	for range 1 + blindMost {
		w.incremental()
	}
	w.wantShown(key(7), 5)
}

// blindMost is after how many cycles at the latest a store is asked what it
// updated.
const blindMost = 3
