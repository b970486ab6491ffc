package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/guard"
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

func TestAStaleLineIsReadAgainPlannedAgainAndSentOnceMore(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	w.sku("CAP", 7)
	mug, hat := w.level("main", 1, "MUG", 9), w.level("main", 2, "CAP", 8)
	w.settled()
	sold := false
	w.shops["main"].before = func([]inventory.Change) {
		if !sold {
			sold = true
			w.sell(mug, 1) // between our read and our write
		}
	}
	report := w.cycle()
	// Of the 5 that Katana has, one is sold and not known there.
	w.want(report, mug, "applied inflight 8→4")
	w.want(report, hat, "applied drift 8→7")
	if got := len(w.shops["main"].batch); got != 2 {
		t.Errorf("got %d batches, want 2", got)
	}
}

func TestWhatIsStaleTwiceIsLeftToTheNextCycleAndTheRestGoesOut(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	w.sku("CAP", 7)
	mug, hat := w.level("main", 1, "MUG", 9), w.level("main", 2, "CAP", 8)
	w.settled()
	w.shops["main"].before = func(changes []inventory.Change) {
		for _, change := range changes {
			if change.Key == mug {
				w.sell(mug, 1)
			}
		}
	}
	report := w.cycle()
	w.want(report, mug, "stale changed_in_shopify 8→4")
	w.want(report, hat, "applied drift 8→7")
	if report.Stores[0].Stale != 1 || report.Stores[0].Applied != 1 {
		t.Errorf("got %+v", report.Stores[0])
	}
}

func TestASaleThatBringsALevelInStepEndsAsNothingToWrite(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 6)
	w.settled()
	w.shops["main"].before = func([]inventory.Change) { w.shops["main"].levels[mug].Available = 5 }
	w.want(w.cycle(), mug, "stale changed_in_shopify 6→5")
	w.wantShown(mug, 5)
}

func TestABadLineIsTakenOutAndTheRestGoesUnderANewKey(t *testing.T) {
	for _, nameless := range []bool{false, true} {
		t.Run(fmt.Sprintf("nameless=%v", nameless), func(t *testing.T) {
			w := newWorld(t)
			for i := range int64(20) {
				w.sku(inventory.SKU(fmt.Sprint("S", i)), i)
				w.level("main", i+1, inventory.SKU(fmt.Sprint("S", i)), i+5)
			}
			bad := inventory.Key{Store: "main", Item: 7, Location: 1}
			s := w.shops["main"]
			s.nameless = nameless
			s.refuse = func(change inventory.Change) string {
				if change.Key == bad {
					return "NON_MUTABLE_INVENTORY_ITEM"
				}
				return ""
			}
			w.settled()
			report := w.cycle()
			w.want(report, bad, "rejected refused 11→6")
			if report.Stores[0].Applied != 19 || report.Stores[0].Rejected != 1 {
				t.Errorf("got %d applied, %d rejected; want 19 and 1", report.Stores[0].Applied, report.Stores[0].Rejected)
			}
			seen := map[string]bool{}
			for _, key := range s.keys {
				if seen[key] {
					t.Errorf("key %s was used for two batches", key)
				}
				seen[key] = true
			}
			batches := len(s.batch)
			report = w.cycle()
			if got := report.Stores[0].Skipped[inventory.ReasonQuarantined]; got != 1 || len(s.batch) != batches {
				t.Errorf("the next cycle: got %d in quarantine and %d more batches; want 1 and none", got, len(s.batch)-batches)
			}
			if _, err := w.r.Release(bad.String()); err != nil {
				t.Fatal(err)
			}
			s.refuse = nil
			w.want(w.cycle(), bad, "applied drift 11→6")
		})
	}
}

func TestALostAnswerIsReadBack(t *testing.T) {
	for _, c := range []struct {
		name    string
		effect  bool
		want    string
		thereof inventory.Units
	}{
		{"applied", true, "applied drift 9→5", 5},
		{"not applied", false, "stale answer_lost 9→5", 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.sku("MUG", 5)
			mug := w.level("main", 1, "MUG", 9)
			w.settled()
			s := w.shops["main"]
			s.after = func() error {
				if !c.effect {
					s.levels[mug].Available = 9
				}
				s.after = nil
				return fmt.Errorf("%w: %w", inventory.ErrAnswerLost, errCut)
			}
			w.want(w.cycle(), mug, c.want)
			w.wantShown(mug, c.thereof)
			// Our own write is no sale: nothing is in flight, whatever became of it.
			w.cycle()
			w.wantShown(mug, 5)
		})
	}
}

func TestABatchThatWasCutOffIsSettledAsFoundAndNeverSentAgain(t *testing.T) {
	for _, effect := range []bool{true, false} {
		t.Run(fmt.Sprintf("applied=%v", effect), func(t *testing.T) {
			w := newWorld(t)
			w.sku("MUG", 5)
			mug := w.level("main", 1, "MUG", 9)
			w.settled()
			s := w.shops["main"]
			s.after = func() error { return w.state.Close() } // nothing is recorded any more
			if _, err := w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full}); err == nil {
				t.Fatal("a cycle that could not be recorded went well")
			}
			if !effect {
				s.levels[mug].Available = 9
			}
			s.after = nil
			w.start()
			memory, err := w.state.Store("main")
			if err != nil || len(memory.Open) != 1 {
				t.Fatalf("got %d open batches, %v; want the one that was cut off", len(memory.Open), err)
			}
			first := s.keys[0]
			report := w.cycle()
			w.wantShown(mug, 5)
			if effect && len(report.Stores[0].Changes) > 0 {
				t.Errorf("an applied batch was planned again: %+v", report.Stores[0].Changes)
			}
			for _, key := range s.keys[1:] {
				if key == first {
					t.Error("the key of the batch that was cut off was sent by another process")
				}
			}
			if memory, err = w.state.Store("main"); err != nil || len(memory.Open) != 0 {
				t.Errorf("got %d open batches after the next cycle, %v", len(memory.Open), err)
			}
		})
	}
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
	report, _ = w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full})
	if got := report.Stores[1].Error; !strings.Contains(got, "not asked again before") {
		t.Errorf("got %q", got)
	}
	w.pass(time.Hour - time.Minute) // the question in between began no new pause
	w.cycle()
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

func TestAMissingRowIsZeroOnlyInTheSecondCompleteRead(t *testing.T) {
	w := newWorld(t)
	id := w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 5)
	w.settled().cycle()
	delete(w.katana.stock, inventory.StockKey{Variant: id, Location: 10})
	if got := w.cycle().Stores[0].Skipped[inventory.ReasonNoRow]; got != 1 {
		t.Errorf("first read without the row: got %d levels left alone, want 1", got)
	}
	w.wantShown(mug, 5)
	w.want(w.cycle(), mug, "applied drift 5→0")
}

func TestAHeldPlanWaitsForItsReleaseAndKeepsItsID(t *testing.T) {
	w := newWorld(t)
	w.guards = guard.Limits{MinChanges: 2, MaxZeroedPercent: 10}
	var ids []inventory.SourceVariantID
	for i := range int64(10) {
		sku := inventory.SKU(fmt.Sprint("S", i))
		ids = append(ids, w.sku(sku, 5))
		w.level("main", i+1, sku, 5)
	}
	w.settled().cycle()
	for _, id := range ids[:4] {
		w.has(id, 10, 0)
	}
	report := w.cycle()
	if got := report.Stores[0]; got.Held != 4 || got.Applied != 0 || len(got.Holds) != 1 {
		t.Fatalf("got %+v, want 4 held", got)
	}
	id := report.Stores[0].Holds[0].ID
	w.start()
	w.has(ids[9], 10, 4) // other changes go on
	report = w.cycle()
	if got := report.Stores[0]; got.Held != 4 || got.Applied != 1 || got.Holds[0].ID != id {
		t.Fatalf("the next cycle: got %+v, want the same hold and the other change applied", got)
	}
	if _, err := w.r.Release("nonsense"); !errors.Is(err, reconcile.ErrNothingToRelease) {
		t.Errorf("got %v", err)
	}
	if _, err := w.r.Release(id); err != nil {
		t.Fatal(err)
	}
	w.has(ids[0], 10, 3) // today's figure counts, in the same direction
	report = w.cycle()
	if got := report.Stores[0]; got.Held != 0 || got.Applied != 4 {
		t.Errorf("after the release: got %+v, want 4 applied", got)
	}
	w.wantShown(inventory.Key{Store: "main", Item: 1, Location: 1}, 3)
}

func TestAShorterSourceIsHeldUntilItIsReleased(t *testing.T) {
	w := newWorld(t)
	w.guards = guard.Limits{MinChanges: 2, MaxShrinkPercent: 20}
	var ids []inventory.SourceVariantID
	for i := range int64(20) {
		sku := inventory.SKU(fmt.Sprint("S", i))
		ids = append(ids, w.sku(sku, 5))
		w.level("main", i+1, sku, 5)
	}
	w.settled().cycle()
	for _, id := range ids[:10] {
		delete(w.katana.stock, inventory.StockKey{Variant: id, Location: 10})
		delete(w.katana.stock, inventory.StockKey{Variant: id, Location: 20})
	}
	w.has(ids[15], 10, 2)
	w.cycle()
	report := w.cycle() // by now the missing rows would be zeros
	if got := report.Stores[0]; got.Held != 11 || got.Applied != 0 {
		t.Fatalf("got %+v, want all 11 held", got)
	}
	if _, err := w.r.Release(report.Stores[0].Holds[0].ID); err != nil {
		t.Fatal(err)
	}
	if got := w.cycle().Stores[0]; got.Applied != 11 {
		t.Errorf("after the release: got %+v, want 11 applied", got)
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

// broken is a journal whose disk is full.
type broken struct {
	reconcile.Journal
	err error
}

func (b *broken) Intend(inventory.Intent) (uint64, error) { return 0, b.err }

func TestAFullDiskStopsWritesBeforeTheyAreSent(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 9)
	w.settled()
	w.with(&broken{w.state, errors.New("no space left on device")})
	report, err := w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full})
	if err != nil {
		t.Fatal(err)
	}
	if got := report.Stores[0].Error; !strings.Contains(got, "no space left on device") || !strings.Contains(got, "nothing was sent") {
		t.Errorf("got %q", got)
	}
	if len(w.shops["main"].batch) > 0 {
		t.Error("a batch was sent that is not in the journal")
	}
	w.wantShown(mug, 9)
}

func TestSharedStockIsSaidWithFiguresAndRefusedWhenTheConfigSaysSo(t *testing.T) {
	w := newWorld(t)
	w.stores[0].Mapping.Locations[1].Sources = []string{"Main"}
	w.sku("MUG", 40)
	w.level("main", 1, "MUG", 40)
	w.level("main", 1, "MUG", 40, 2)
	report := w.settled().cycle()
	want := "one Katana location feeds several locations: of 1 item Katana has 40 units, this store will offer 80"
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

func TestARaiseWhoseAnswerWasLostIsNotRepeatedOverASale(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 6)
	mug := w.level("main", 1, "MUG", 5)
	w.settled()
	s := w.shops["main"]
	s.after = func() error {
		s.after = nil
		w.sell(mug, 1) // the raise was applied, and one was sold before we could read back
		return fmt.Errorf("%w: %w", inventory.ErrAnswerLost, errCut)
	}
	w.cycle()
	w.want(w.cycle(), mug, "waiting first_sight 5→6")
	w.wantShown(mug, 5)
}

func TestASettledBatchIsRememberedOverTheNextRestart(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 9)
	mug := w.level("main", 1, "MUG", 5)
	w.settled()
	w.shops["main"].after = func() error { return w.state.Close() }
	if _, err := w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full}); err == nil {
		t.Fatal("a cycle that could not be recorded went well")
	}
	w.shops["main"].after = nil
	w.start()
	w.cycle() // settles the raise as found: 9 was seen
	w.start()
	w.sell(mug, 1)
	w.want(w.cycle(), mug, "waiting inflight 8→9")
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

func TestACycleOfOneStoreDoesNotBlindTheGuardOfTheNext(t *testing.T) {
	w := newWorld(t)
	w.addStore("outlet", inventory.ModeApply)
	w.stores[1].Mapping.Locations = w.stores[1].Mapping.Locations[1:] // draws on Side alone
	w.guards = guard.Limits{MinChanges: 2, MaxShrinkPercent: 20}
	var ids []inventory.SourceVariantID
	for i := range int64(20) {
		sku := inventory.SKU(fmt.Sprint("S", i))
		ids = append(ids, w.sku(sku, 5))
		w.level("main", i+1, sku, 5)
	}
	w.settled().cycle()
	for _, id := range ids[:10] {
		delete(w.katana.stock, inventory.StockKey{Variant: id, Location: 10})
	}
	w.ask(reconcile.Request{Kind: inventory.Full, Store: "outlet"})
	w.cycle()
	if got := w.cycle().Stores[0]; got.Held != 10 || got.Applied != 0 {
		t.Errorf("got %+v, want the 10 zeros held", got)
	}
	// The source is whole again: what was doubted is no more.
	for i, id := range ids[:10] {
		w.has(id, 10, int64(i%3+1))
	}
	if got := w.cycle().Stores[0]; got.Held != 0 || got.Applied != 10 {
		t.Errorf("with a whole source: got %+v, want the reductions applied", got)
	}
}

func TestAReleasedShrinkIsNoLeaveForTheNextOne(t *testing.T) {
	w := newWorld(t)
	w.stores[0].Mode = inventory.ModeReport
	w.guards = guard.Limits{MinChanges: 2, MaxShrinkPercent: 20}
	var ids []inventory.SourceVariantID
	for i := range int64(40) {
		sku := inventory.SKU(fmt.Sprint("S", i))
		ids = append(ids, w.sku(sku, 5))
		w.level("main", i+1, sku, 5)
	}
	lose := func(ids []inventory.SourceVariantID) {
		for _, id := range ids {
			delete(w.katana.stock, inventory.StockKey{Variant: id, Location: 10})
		}
	}
	w.settled().cycle()
	lose(ids[:20])
	w.cycle()
	report := w.cycle()
	if _, err := w.r.Release(report.Stores[0].Holds[0].ID); err != nil {
		t.Fatal(err)
	}
	w.cycle()
	lose(ids[20:35])
	w.cycle()
	if got := w.cycle().Stores[0]; got.Held == 0 {
		t.Errorf("got %+v, want the second loss held", got)
	}
}

func TestASaleFoundWhileWritingStopsTheRaisesThatDidNotKnowOfIt(t *testing.T) {
	w := newWorld(t)
	w.addStore("outlet", inventory.ModeOff)
	w.stores[0].Mapping.Locations[1].Sources = []string{"Main"} // both locations sell the same stock
	w.sku("MUG", 10)
	for i := range int64(inventory.BatchSize) { // fill the first batch with reductions
		sku := inventory.SKU(fmt.Sprint("S", i))
		w.sku(sku, 1)
		w.level("main", i+100, sku, 2)
	}
	over, under := w.level("main", 1, "MUG", 12), w.level("main", 1, "MUG", 8, 2)
	w.settled()
	sold := false
	w.shops["main"].before = func([]inventory.Change) {
		if !sold {
			sold = true
			w.sell(over, 1)
		}
	}
	report := w.cycle()
	w.want(report, over, "applied inflight 11→9")
	w.want(report, under, "waiting inflight 8→10")
}
