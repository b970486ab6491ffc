package cli

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// shelves is a store of so many mugs in step with Katana, under the guards of
// the example, of which the sweep reads 1 % in each cycle.
func shelves(t *testing.T, n int) *whole {
	t.Helper()
	world := sandbox.NewWorld(sandbox.Options{KatanaPerMinute: 6000, Stores: []sandbox.StoreOptions{{Name: "main"}}})
	world.AddLocation(sandbox.KatanaLocation{Name: "Oslo"})
	_, err := world.AddStoreLocation("main", sandbox.StoreLocation{Name: "Oslo"})
	for i := range n {
		sku := fmt.Sprint("MUG-", i)
		if err == nil {
			_, err = world.AddProduct(sandbox.Product{Name: sku, Variants: []sandbox.Variant{{SKU: sku, Stock: map[string]string{"Oslo": "10"}}}})
		}
		if err == nil {
			_, err = world.AddListing("main", sandbox.Listing{SKU: sku, Product: sku, Levels: []sandbox.Level{{Location: "Oslo", Available: 10}}})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	w := newWhole(t, world, desired.Mapping{Locations: []desired.Pair{{Target: "Oslo", Sources: []string{"Oslo"}}}})
	w.guards = guard.Limits{MinChanges: 10, MaxChangedPercent: 30, MaxZeroedPercent: 10, MaxShrinkPercent: 20}
	w.sweep = n / 100
	w.start()
	w.clean(reconcile.Request{})
	w.pass(w.settle)
	w.clean(reconcile.Request{})
	return w
}

// setAll has Katana count so many of each mug, and tell nobody.
func (w *whole) setAll(n int, units string) {
	w.t.Helper()
	w.world.Inject(sandbox.Fault{API: "katana", Op: "/inventory_movements", Kind: sandbox.FaultMissingRows, Rows: 250, Count: -1})
	for i := range n {
		w.do(sandbox.StockAdjusted{SKU: fmt.Sprint("MUG-", i), Location: "Oslo", To: units})
	}
}

// atZero counts the mugs that the store shows none of.
func (w *whole) atZero(n int) (zero int) {
	for i := range n {
		if shows, ok := w.world.Available("main", fmt.Sprint("MUG-", i), "Oslo"); ok && shows == 0 {
			zero++
		}
	}
	return zero
}

// every runs incremental cycles half a minute apart, logs them as the daemon
// does, and gives the last report.
func (w *whole) every(cycles int, log *slog.Logger) (report *inventory.Report) {
	w.t.Helper()
	var before *inventory.Report
	for range cycles {
		w.pass(30 * time.Second)
		report = w.clean(reconcile.Request{Kind: inventory.Incremental})
		if before == nil {
			before = report
		}
		daemon.LogReport(log, report, before)
		before = report
	}
	return report
}

func TestAShopThatDripsToZeroIsHeldAndSaidOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const all = 200
		w := shelves(t, all)
		defer w.stop()
		w.setAll(all, "0")
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, nil))
		report := w.every(180, logger) // as long as the sweep takes, and half an hour
		if got := w.atZero(all); got != all/10 {
			t.Errorf("%d of %d levels went to zero, want 10 %%", got, all)
		}
		holds := report.Stores[0].Holds
		if len(holds) != 1 || holds[0].Levels != all-all/10 || !strings.Contains(holds[0].Text, "of 200 levels would be at zero within an hour; 20 may (max_zeroed_percent)") {
			t.Fatalf("got %+v, want all that is left held", holds)
		}
		log.Reset()
		w.every(60, logger)
		w.start()
		w.every(60, logger)
		if got := strings.Count(log.String(), "level=WARN msg=held"); got != 1 || !strings.Contains(log.String(), "release=\""+holds[0].Release+"\"") {
			t.Errorf("the log says it %d times in an hour, over a restart:\n%s", got, &log)
		}
		if _, err := w.rig.reconciler.Release(holds[0].ID); err != nil {
			t.Fatal(err)
		}
		w.setAll(all, "3") // found by the time that it is released
		w.every(2, logger)
		if got := w.atZero(all); got > all/10 {
			t.Errorf("after the release %d levels are at zero, want none that was held: Katana has 3 of each by now", got)
		}
		if got, _ := w.world.Available("main", "MUG-199", "Oslo"); got != 3 {
			t.Errorf("what was released shows %d, want the 3 of today", got)
		}
	})
}

func TestACanaryThatKatanaLosesHoldsAllUntilItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const all = 100
		w := shelves(t, all)
		defer w.stop()
		w.stores[0].Canary = inventory.Canary{SKU: "MUG-99", Min: 1, Max: 50}
		w.start()
		w.do(sandbox.StockAdjusted{SKU: "MUG-99", Location: "Oslo", To: "0"}, sandbox.StockAdjusted{SKU: "MUG-1", Location: "Oslo", To: "4"})
		report := w.every(3, slog.New(slog.DiscardHandler))
		if got := report.Stores[0]; got.Held != 2 || len(got.Holds) != 1 || got.Holds[0].Rule != guard.RuleCanary {
			t.Errorf("got %d held by %+v, want both", got.Held, got.Holds)
		}
		w.do(sandbox.StockAdjusted{SKU: "MUG-99", Location: "Oslo", To: "9"})
		report = w.every(3, slog.New(slog.DiscardHandler))
		if got, _ := w.world.Available("main", "MUG-1", "Oslo"); got != 4 || len(report.Stores[0].Holds) > 0 {
			t.Errorf("MUG-1 shows %d, held is %+v; want the 4 of Katana and nothing", got, report.Stores[0].Holds)
		}
	})
}
