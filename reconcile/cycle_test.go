package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

func TestDriftIsWrittenOnceAndThenNothingIs(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	w.sku("CAP", 7)
	mug, hat := w.level("main", 1, "MUG", 9), w.level("main", 2, "CAP", 3)
	w.settled()
	report := w.cycle()
	w.want(report, mug, "applied drift 9→5")
	w.want(report, hat, "applied drift 3→7")
	w.wantShown(mug, 5)
	w.wantShown(hat, 7)
	batches := len(w.shops["main"].batch)
	if report := w.cycle(); report.Stores[0].InStep != 2 || report.Stores[0].Drifted != 0 {
		t.Errorf("got %+v, want two levels in step", report.Stores[0])
	}
	if got := len(w.shops["main"].batch); got != batches {
		t.Errorf("a quiet cycle sent %d mutations", got-batches)
	}
}

func TestARaiseWaitsOneSettleAfterTheFirstSightAndAReductionDoesNot(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	w.sku("CAP", 7)
	down, up := w.level("main", 1, "MUG", 9), w.level("main", 2, "CAP", 3)
	report := w.cycle()
	w.want(report, down, "applied drift 9→5")
	w.want(report, up, "waiting first_sight 3→7")
	w.pass(settle)
	w.want(w.cycle(), up, "applied drift 3→7")
}

func TestAUnitThatShopifySoldIsNotOfferedAgainBeforeKatanaKnows(t *testing.T) {
	w := newWorld(t)
	id := w.sku("MUG", 10)
	mug := w.level("main", 1, "MUG", 10)
	w.settled().cycle()
	w.sell(mug, 1)
	w.want(w.cycle(), mug, "waiting inflight 9→10")
	w.commit("main", id, 1)
	if report := w.cycle(); report.Stores[0].InStep != 1 {
		t.Errorf("after the import: got %+v, want in step", report.Stores[0])
	}
	// The entry is gone: a restock is offered whole.
	w.katana.stock[inventory.StockKey{Variant: id, Location: 10}] = inventory.Stock{Variant: id, Location: 10, InStock: 15 * inventory.Scale, Committed: 1 * inventory.Scale}
	w.want(w.cycle(), mug, "applied drift 9→14")
}

func TestKatanaGainsTenWhileShopifySellsOne(t *testing.T) {
	w := newWorld(t)
	id := w.sku("MUG", 10)
	mug := w.level("main", 1, "MUG", 10)
	w.settled().cycle()
	w.sell(mug, 1)
	w.has(id, 10, 20)
	w.want(w.cycle(), mug, "applied inflight 9→19")
	w.cycle()
	w.wantShown(mug, 19)
	w.pass(settle)
	// No order came: it was no sale, or it is lost. It expires.
	w.cycle()
	w.wantShown(mug, 20)
}

func TestASaleInOneStoreLowersTheOthersAtOnce(t *testing.T) {
	w := newWorld(t)
	w.addStore("outlet", inventory.ModeApply)
	w.sku("MUG", 10)
	a, b := w.level("main", 1, "MUG", 10), w.level("outlet", 1, "MUG", 10)
	w.settled().cycle()
	w.sell(a, 1)
	report := w.cycle()
	w.want(report, a, "waiting inflight 9→10")
	w.want(report, b, "applied drift 10→9")
}

func TestTheLedgerOutlivesARestart(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 10)
	mug := w.level("main", 1, "MUG", 10)
	w.settled().cycle()
	w.sell(mug, 1)
	w.cycle()
	w.start()
	w.want(w.cycle(), mug, "waiting inflight 9→10")
	w.wantShown(mug, 9)
}

func TestALostStateFileRaisesNothingForOneSettle(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 10)
	mug := w.level("main", 1, "MUG", 10)
	w.settled().cycle()
	w.sell(mug, 1)
	w.cycle()
	w.path += ".new"
	w.start()
	w.want(w.cycle(), mug, "waiting first_sight 9→10")
}

func TestAStoreThatFailsStopsNoOther(t *testing.T) {
	w := newWorld(t)
	outlet := w.addStore("outlet", inventory.ModeApply)
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 9)
	w.level("outlet", 1, "MUG", 9)
	outlet.fail = &inventory.PauseError{For: time.Hour, Next: "pay the bill", Err: errors.New("402 frozen")}
	w.start()
	report, err := w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full})
	if err != nil {
		t.Fatal(err)
	}
	w.want(report, mug, "applied drift 9→5")
	if got := report.Stores[1].Error; !strings.Contains(got, "pay the bill") {
		t.Errorf("got %q, want the error with its next step", got)
	}
	// A store that asks for a pause is not asked again before it is over.
	outlet.fail = nil
	w.pass(time.Minute)
	report, _ = w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Incremental})
	if got := report.Stores[1].Error; !strings.Contains(got, "not asked again before") {
		t.Errorf("got %q", got)
	}
	w.pass(time.Hour - time.Minute) // the question in between began no new pause
	w.ask(reconcile.Request{Kind: inventory.Incremental})
	w.wantShown(inventory.Key{Store: "outlet", Item: 1, Location: 1}, 5)
}

func TestAPanicInOneStoreIsItsErrorAndTheNextCycleRuns(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 9)
	w.settled()
	w.shops["main"].before = func([]inventory.Change) { panic("index out of range") }
	report, err := w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full})
	if err != nil {
		t.Fatal(err)
	}
	if got := report.Stores[0].Error; got != "panic: index out of range" {
		t.Errorf("got %q", got)
	}
	w.shops["main"].before = nil
	w.cycle()
	w.wantShown(mug, 5)
}

func TestAFailedSourceReadWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 9)
	w.start()
	w.katana.fail = fmt.Errorf("page 2: %w", inventory.ErrIncomplete)
	report, err := w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full})
	if !errors.Is(err, inventory.ErrIncomplete) || report == nil || report.Error == "" {
		t.Errorf("got %v and %+v, want the error in both", err, report)
	}
	w.wantShown(mug, 9)
	if len(w.shops["main"].batch) > 0 {
		t.Error("a batch was sent")
	}
}

func TestReportModeWritesNothingAndKeepsTheLedger(t *testing.T) {
	w := newWorld(t)
	w.stores[0].Mode = inventory.ModeReport
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 9)
	w.settled()
	w.want(w.cycle(), mug, "skipped report 9→5")
	w.wantShown(mug, 9)
	w.sell(mug, 5)
	w.want(w.cycle(), mug, "waiting inflight 4→5")
	memory, err := w.state.Store("main")
	if err != nil || len(memory.Ledger.Entries) != 1 || memory.Ledger.Entries[0].Units != 5 {
		t.Errorf("got %+v, %v; want 5 units in flight", memory.Ledger.Entries, err)
	}
}

func TestLowerOnlyWritesReductionsAndLetsRaisesWait(t *testing.T) {
	w := newWorld(t)
	w.stores[0].Mode = inventory.ModeLowerOnly
	w.sku("MUG", 5)
	w.sku("CAP", 7)
	down, up := w.level("main", 1, "MUG", 9), w.level("main", 2, "CAP", 3)
	w.settled()
	report := w.cycle()
	w.want(report, down, "applied drift 9→5")
	w.want(report, up, "waiting lower_only 3→7")
}

func TestAStoreThatIsOffIsNeitherReadNorWrittenAndComesBackAsNew(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 9)
	mug := w.level("main", 1, "MUG", 9)
	w.settled().cycle()
	w.stores[0].Mode = inventory.ModeOff
	w.shops["main"].fail = errors.New("was asked")
	w.start()
	w.cycle()
	w.shops["main"].fail = nil
	w.sell(mug, 2)
	w.stores[0].Mode = inventory.ModeApply
	w.start()
	w.want(w.cycle(), mug, "waiting first_sight 7→9")
}

func TestACycleThatIsToldToStopEndsBetweenTwoBatches(t *testing.T) {
	w := newWorld(t)
	for i := range int64(600) {
		sku := inventory.SKU(fmt.Sprint("S", i))
		w.sku(sku, 1)
		w.level("main", i+1, sku, 3)
	}
	w.settled()
	ctx, cancel := context.WithCancel(context.Background())
	w.shops["main"].before = func([]inventory.Change) { cancel() }
	report, err := w.r.Cycle(ctx, reconcile.Request{Kind: inventory.Full})
	if err != nil {
		t.Fatal(err)
	}
	if got := report.Stores[0].Applied; got != 250 {
		t.Errorf("got %d applied, want the one batch that was under way", got)
	}
	stopped := 0
	for _, c := range report.Stores[0].Changes {
		if c.Reason == inventory.ReasonStopped {
			stopped++
		}
	}
	if stopped != 350 {
		t.Errorf("got %d reported as stopped, want 350", stopped)
	}
}

func TestACycleThatIsStoppedWhileItsOnlyStoreIsReadSaysSo(t *testing.T) {
	for _, kind := range []inventory.Kind{inventory.Full, inventory.Incremental} {
		w := newWorld(t)
		mug := w.sku("MUG", 9)
		shown := w.level("main", 1, "MUG", 9)
		w.settled().cycle()
		w.has(mug, 4, 0)
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := errors.New("the daemon was asked to stop")
		stop := func() {
			w.shops["main"].fail = fmt.Errorf("shopify/main: %w", stopped) // as a client says it
			cancel(stopped)
		}
		w.katana.spare = func(time.Duration) int { stop(); return 100 } // before a part of the store is read
		if kind == inventory.Full {
			stop()
		}
		report, err := w.r.Cycle(ctx, reconcile.Request{Kind: kind})
		if !errors.Is(err, stopped) || report == nil || report.Error != stopped.Error() {
			t.Errorf("%s: got %+v, %v; want a cycle that was stopped, and no store to look after", kind, report, err)
		}
		w.wantShown(shown, 9)
	}
}

func TestOnlyTheLinesOfASavedPlanAreWrittenAndOnlyWithTheirFigure(t *testing.T) {
	w := newWorld(t)
	ids := map[inventory.SKU]inventory.SourceVariantID{}
	var keys []inventory.Key
	for i, sku := range []inventory.SKU{"A", "B", "C"} {
		ids[sku] = w.sku(sku, 5)
		keys = append(keys, w.level("main", int64(i+1), sku, 9))
	}
	w.settled()
	saved := []inventory.Change{{Key: keys[0], SKU: "A", From: 9, To: 5}, {Key: keys[1], SKU: "B", From: 9, To: 5}}
	w.has(ids["B"], 10, 4)
	report := w.ask(reconcile.Request{Kind: inventory.Full, Only: saved})
	w.want(report, keys[0], "applied drift 9→5")
	w.want(report, keys[1], "skipped changed 9→5")
	w.wantShown(keys[1], 9)
	w.wantShown(keys[2], 9)
}

func TestOneSKUIsWrittenWhenOnlyThatIsAskedFor(t *testing.T) {
	w := newWorld(t)
	w.sku("A", 5)
	w.sku("B", 5)
	a, b := w.level("main", 1, "A", 9), w.level("main", 2, "B", 9)
	w.settled()
	report := w.ask(reconcile.Request{Kind: inventory.Full, SKU: "A"})
	w.want(report, a, "applied drift 9→5")
	w.wantShown(b, 9)
	if report.Stores[0].Levels != 1 {
		t.Errorf("got %d levels, want the SKU's one", report.Stores[0].Levels)
	}
}

func TestSharedStockIsSaidWithFiguresAndRefusedWhenTheConfigSaysSo(t *testing.T) {
	w := newWorld(t)
	w.stores[0].Mapping.Locations[1].Sources = []string{"Main"}
	w.shops["main"].tells = true // else a note says that it does not
	w.sku("MUG", 40)
	w.level("main", 1, "MUG", 40)
	w.level("main", 1, "MUG", 40, 2)
	report := w.settled().cycle()
	want := "the same stock is offered several times: of 1 SKU Katana has 40 units, this store will offer 80"
	if got := report.Stores[0].Notes; len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
	w.stores[0].RefuseDuplicate = true
	w.start()
	report, _ = w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Incremental})
	if got, want := report.Stores[0].Error, "duplicate_stock is refuse: the Katana location that feeds Market and Shop feeds each of them with its whole stock; map the locations one to one"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSwitchingAStoreOffKeepsItsSalesInFlightForTheOthers(t *testing.T) {
	w := newWorld(t)
	w.addStore("outlet", inventory.ModeApply)
	w.sku("MUG", 10)
	a, b := w.level("main", 1, "MUG", 10), w.level("outlet", 1, "MUG", 10)
	w.settled().cycle()
	w.sell(a, 3)
	w.want(w.cycle(), b, "applied drift 10→7")
	w.stores[0].Mode = inventory.ModeOff
	w.start()
	w.cycle()
	w.wantShown(b, 7)
	w.pass(settle)
	w.want(w.cycle(), b, "applied drift 7→10")
}

func TestAFullCycleAsksAPausedStoreAllTheSame(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 9)
	s := w.shops["main"]
	s.fail = &inventory.PauseError{For: time.Hour, Next: "pay the bill", Err: errors.New("402 frozen")}
	w.start()
	if report, err := w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Incremental}); err != nil || report.Stores[0].Error == "" {
		t.Fatalf("got %+v, %v", report, err)
	}
	if w.katana.reads != 0 {
		t.Error("Katana was read although there is no store to compare it with")
	}
	s.fail = nil
	w.cycle()
	w.wantShown(mug, 5)
}

func TestAnOrderThatArrivesWhileTheLevelsAreReadTakesNoOtherSaleAway(t *testing.T) {
	w := newWorld(t)
	id := w.sku("MUG", 10)
	mug := w.level("main", 1, "MUG", 10)
	w.addStore("outlet", inventory.ModeApply)
	outlet := w.level("outlet", 1, "MUG", 10)
	w.settled()
	w.sell(mug, 3) // Katana has not heard of these
	w.cycle()
	w.wantShown(outlet, 7)
	w.shops["main"].reading = func() {
		w.shops["main"].reading = nil
		w.sell(mug, 2)
		w.pass(time.Second)
		w.commit("main", id, 2)
		w.pass(time.Minute)
	}
	w.cycle()
	w.wantShown(outlet, 5)
}
