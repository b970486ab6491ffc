package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// guarded is a world of so many SKUs in step under the guards of the example,
// after a full cycle.
func guarded(t *testing.T, n int) *world {
	w := newWorld(t)
	w.guards = guard.Limits{MinChanges: 10, MaxChangedPercent: 30, MaxZeroedPercent: 10, MaxShrinkPercent: 20}
	for i := range n {
		sku := inventory.SKU(fmt.Sprint("S", i+1))
		w.sku(sku, 10)
		w.level("main", int64(i+1), sku, 10)
	}
	w.settled().cycle()
	return w
}

// count sets what Katana has of the SKUs from..to.
func (w *world) count(from, to int, inStock int64) {
	for i := from; i <= to; i++ {
		w.has(inventory.SourceVariantID(i), 10, inStock)
	}
}

// release releases the only held plan and gives its id.
func (w *world) release(report *inventory.Report) string {
	w.t.Helper()
	if got := report.Stores[0].Holds; len(got) != 1 {
		w.t.Fatalf("got %+v, want one held plan", got)
	}
	id := report.Stores[0].Holds[0].ID
	if _, err := w.r.Release(id); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// wantDone checks how many changes a cycle wrote and how many it held.
func (w *world) wantDone(what string, report *inventory.Report, applied, held int) {
	w.t.Helper()
	if got := report.Stores[0]; got.Applied != applied || got.Held != held {
		w.t.Errorf("%s: got %d applied and %d held (%+v), want %d and %d", what, got.Applied, got.Held, got.Holds, applied, held)
	}
}

func TestAShopThatDripsToZeroBySharesOfTheSweepIsHeldOnceTheLimitIsPassed(t *testing.T) {
	w := guarded(t, 300)
	w.sweepAtLeast = 3 // 1 % of the shop each time
	w.start()
	w.count(1, 300, 0) // and no feed says so
	var report *inventory.Report
	for range 240 { // two hours
		report, _ = w.incremental()
	}
	w.wantDone("after two hours", report, 0, 270)
	if got := w.shops["main"].writes; got != 30 {
		t.Errorf("%d levels went to zero, want 10 %%", got)
	}
	hold := report.Stores[0].Holds[0]
	if hold.Rule != guard.RuleZeroed || !strings.Contains(hold.Text, "of 300 levels would be at zero within an hour; 30 may") || hold.Release != "stocksyncd release "+hold.ID {
		t.Errorf("got %+v", hold)
	}
	w.release(report)
	for range 2 {
		report, _ = w.incremental()
	}
	w.wantDone("after one command", report, 0, 0)
	if got := w.shops["main"].writes; got != 300 {
		t.Errorf("%d levels went to zero, want all", got)
	}
}

func TestAStocktakeGoesByOneCommandWithTheFiguresOfThatTime(t *testing.T) {
	w := guarded(t, 100)
	w.count(1, 25, 4)
	w.count(26, 50, 17)
	w.wantDone("the stocktake", w.cycle(), 0, 50)
	w.start()
	report, _ := w.incremental()
	id := w.release(report)
	w.count(1, 1, 3)   // one was sold meanwhile
	w.count(2, 2, 12)  // this one goes up now
	w.count(26, 26, 9) // and this one down
	w.name(1, 2, 26)
	report, _ = w.incremental()
	w.wantDone("released", report, 50, 0)
	for item, want := range map[int64]inventory.Units{1: 3, 2: 12, 3: 4, 26: 9, 27: 17} {
		w.wantShown(key(item), want)
	}
	written := w.memory().Written
	for item, want := range map[int64]bool{1: true, 2: false, 26: false, 27: true} {
		i := slices.IndexFunc(written, func(one inventory.Written) bool { return one.Key == key(item) })
		if written[i].Freed != want {
			t.Errorf("%s: went by the release: %t, want %t", key(item), written[i].Freed, want)
		}
	}
	if _, err := w.r.Release(id); !errors.Is(err, reconcile.ErrNothingToRelease) {
		t.Errorf("a second time: got %v", err)
	}
}

func (w *world) memory() inventory.Memory {
	w.t.Helper()
	kept, err := w.state.Store("main")
	if err != nil {
		w.t.Fatal(err)
	}
	return kept.Memory
}

func TestFiguresThatHaveTurnedRoundAreNotReleased(t *testing.T) {
	w := guarded(t, 100)
	w.count(1, 50, 4)
	id := w.release(w.cycle())
	w.count(1, 50, 15)
	report := w.cycle()
	w.wantDone("they all go up", report, 0, 50)
	if got := report.Stores[0].Holds; len(got) != 1 || got[0].ID == id {
		t.Errorf("got %+v, want another plan than %s", got, id)
	}
	w.wantShown(key(1), 10)
}

func TestLevelsThatJoinAfterAReleaseAreHeldAnew(t *testing.T) {
	w := guarded(t, 100)
	w.count(1, 40, 4)
	id := w.release(w.cycle())
	w.count(41, 80, 4)
	report := w.cycle()
	w.wantDone("forty more", report, 40, 40)
	if got := report.Stores[0].Holds[0]; got.ID == id || got.Have != 40 {
		t.Errorf("got %+v", got)
	}
	w.count(1, 31, 3)
	w.wantDone("what was released drifts again within the hour", w.cycle(), 0, 71)
}

func TestAllOfAStoreIsReleasedByOneCommand(t *testing.T) {
	w := guarded(t, 100)
	w.addStore("outlet", inventory.ModeReport)
	w.start()
	w.count(1, 20, 0)
	w.count(21, 60, 4)
	report := w.cycle()
	w.wantDone("held for two reasons", report, 0, 60)
	if got := report.Stores[0].Holds; len(got) != 2 {
		t.Fatalf("got %+v", got)
	}
	if _, err := w.r.ReleaseAll("outlet"); err != nil {
		t.Fatal(err)
	}
	w.wantDone("another store", w.cycle(), 0, 60)
	text, err := w.r.ReleaseAll("main")
	if err != nil || text != "main: 2 held plans released, 0 levels out of quarantine" {
		t.Errorf("got %q, %v", text, err)
	}
	w.wantDone("this store", w.cycle(), 60, 0)
}

func TestLowerOnlyWritesReductionsAndItsGuardsCountThem(t *testing.T) {
	w := guarded(t, 100)
	w.stores[0].Mode = inventory.ModeLowerOnly
	w.start()
	w.count(1, 30, 4)
	w.count(31, 90, 15)
	report := w.cycle()
	w.wantDone("thirty go down", report, 30, 0)
	w.want(report, key(31), "waiting lower_only 10→15")
	if got := report.Stores[0].Waiting; got != 60 {
		t.Errorf("got %d waiting, want the raises", got)
	}
	w.count(91, 91, 4)
	report = w.cycle()
	w.wantDone("and one more within the hour", report, 0, 1)
	w.want(report, key(91), "held max_changed_percent 10→4")
	w.release(report)
	w.wantDone("released", w.cycle(), 1, 0)
	w.wantShown(key(31), 10)
}

// unfinished is a journal whose process is killed before a cycle ends.
type unfinished struct{ reconcile.Journal }

func (unfinished) Finish(inventory.Finish) error { return errors.New("killed") }

// killed runs a cycle that does not come to its end, and starts again.
func (w *world) killed() {
	w.t.Helper()
	w.start()
	w.with(unfinished{w.state})
	w.pass(time.Second)
	if _, err := w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full}); err == nil {
		w.t.Fatal("the cycle came to its end")
	}
	w.start()
}

func TestWhatACrashCutOffIsCountedAfterIt(t *testing.T) {
	w := guarded(t, 100)
	for i := range 3 {
		w.count(10*i+1, 10*i+10, 4)
		w.killed()
	}
	if got := w.shops["main"].writes; got != 30 {
		t.Fatalf("%d were written before the crashes, want 30", got)
	}
	w.count(31, 31, 4)
	w.wantDone("the thirty-first within the hour", w.cycle(), 0, 1)
	w.pass(time.Hour)
	w.count(32, 50, 4)
	w.wantDone("an hour later", w.cycle(), 19, 1)
}

func TestWhatWasReleasedBeforeACrashIsNotCountedAfterIt(t *testing.T) {
	w := guarded(t, 100)
	w.count(1, 60, 4)
	w.release(w.cycle())
	w.killed()
	if got := w.shops["main"].writes; got != 60 {
		t.Fatalf("%d were written before the crash, want 60", got)
	}
	w.count(61, 90, 4)
	w.wantDone("a day's trade", w.cycle(), 30, 0)
}

func TestWhatIsReleasedDoesNotTurnRoundWhileItIsWritten(t *testing.T) {
	w := guarded(t, 100)
	w.count(1, 50, 15)
	w.release(w.cycle())
	s := w.shops["main"]
	s.before = func([]inventory.Change) {
		s.before = nil
		s.levels[key(1)].Available = 20 // somebody edits it at that very moment
	}
	report := w.cycle()
	w.want(report, key(1), "stale changed_in_shopify 20→15")
	w.wantDone("the others go", report, 49, 0)
	w.want(w.cycle(), key(1), "applied drift 20→15")
}

func TestTheCanaryIsReadByEveryCycleAndHoldsAllUntilItIsBack(t *testing.T) {
	w := guarded(t, 300)
	w.sweepAtLeast = 1
	w.stores[0].Canary = inventory.Canary{SKU: "S300", Min: 5, Max: 50}
	w.shops["main"].levels[key(300)].SKU = "not sold here"
	w.start()
	w.incremental()
	w.count(300, 300, 0) // and no feed says so
	w.count(1, 2, 4)
	w.count(3, 3, 15)
	w.name(1, 2, 3)
	report, read := w.incremental()
	w.wantDone("the canary is gone", report, 0, 3)
	w.want(report, key(3), "held canary 10→15")
	if len(read) > 10 || len(w.katana.calls) == 0 {
		t.Errorf("%d variants were read for it", len(read))
	}
	if got := report.Stores[0].Holds[0]; !strings.Contains(got.Text, "Katana has 0 of the canary S300; outside of 5 to 50") || got.Limit != 5 {
		t.Errorf("got %+v", got)
	}
	w.start()
	report, _ = w.incremental()
	w.wantDone("after a restart", report, 0, 3)
	w.count(300, 300, 7)
	var applied int
	for range 2 { // what was held is read before it is written
		report, _ = w.incremental()
		applied += report.Stores[0].Applied
	}
	w.wantDone("it is back", report, report.Stores[0].Applied, 0)
	if applied != 3 || len(report.Stores[0].Holds) != 0 {
		t.Errorf("%d were written, want all three", applied)
	}
}

func TestACanaryIsWhatKatanaHasBeforeAnyRuleOfTheStore(t *testing.T) {
	w := guarded(t, 20)
	w.has(20, 20, 3) // thirteen, at both locations that feed the store
	w.stores[0].Canary = inventory.Canary{SKU: "S20", Min: 13, Max: 13}
	w.start()
	w.count(1, 1, 4)
	w.wantDone("just so many", w.cycle(), 1, 0)
	w.katana.variants[19].Archived = true
	w.count(1, 1, 3)
	report := w.cycle()
	w.wantDone("archived", report, 0, 1)
	if got := report.Stores[0].Holds[0].Text; !strings.Contains(got, "archived_in_katana") {
		t.Errorf("got %q", got)
	}
	w.stores[0].Canary = inventory.Canary{}
	w.start()
	w.wantDone("the config names none any more", w.cycle(), 1, 0)
}

func TestTheLastFiguresAboveZeroDoNotAllGoAtOnce(t *testing.T) {
	w := guarded(t, 200)
	w.count(1, 180, 0)
	w.release(w.cycle())
	w.cycle()
	w.pass(time.Hour)
	w.count(181, 200, 0) // no more than 10 %
	report := w.cycle()
	w.wantDone("all zero", report, 0, 20)
	w.want(report, key(200), "held all_zero 10→0")
	w.start()
	w.wantDone("after a restart", w.cycle(), 0, 20)
	w.count(181, 185, 10)
	w.wantDone("five are back", w.cycle(), 15, 0)
	w.pass(time.Hour)
	w.count(181, 185, 0)
	w.wantDone("no more than min_changes", w.cycle(), 5, 0)
}

func TestTooManyUnitsAreHeldBeItOnOneLevel(t *testing.T) {
	w := guarded(t, 100)
	w.guards.MaxRaisedUnits = 1000
	w.start()
	w.count(1, 1, 900)
	w.count(2, 2, 3)
	w.wantDone("890 units", w.cycle(), 2, 0)
	w.start()
	w.count(3, 3, 150)
	w.count(4, 4, 3)
	report := w.cycle()
	w.wantDone("140 more", report, 1, 1)
	w.want(report, key(3), "held max_raised_units 10→150")
	w.release(report)
	w.count(3, 3, 200)
	w.wantDone("released", w.cycle(), 1, 0)
	w.wantShown(key(3), 200)
}

func TestAHeldPlanIsNewsOnceAnHourWhateverRestarts(t *testing.T) {
	w := guarded(t, 100)
	news := func(report *inventory.Report) bool { return report.Stores[0].Holds[0].News }
	w.count(1, 60, 4)
	if plan := w.ask(reconcile.Request{Kind: inventory.Full, Dry: true}); news(plan) {
		t.Error("a plan that somebody asks for is told to him, and not to the log")
	}
	if !news(w.cycle()) {
		t.Error("a new hold is no news")
	}
	for range 50 {
		w.pass(time.Minute)
		w.start()
		if news(w.cycle()) {
			t.Fatal("it is news again after a restart")
		}
	}
	w.count(61, 61, 4)
	if !news(w.cycle()) {
		t.Error("that one more has joined is no news")
	}
	w.pass(time.Hour)
	w.start()
	if report, _ := w.incremental(); !news(report) {
		t.Error("it is no news an hour later")
	}
}
