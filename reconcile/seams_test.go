package reconcile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

func TestAShrinkIsReleasedAlsoAfterTheClockWasSetForward(t *testing.T) {
	w := guarded(t, 100)
	w.setClock(3 * time.Hour)
	w.cycle() // trusts what it read, by the new time
	w.katana.variants = w.katana.variants[:50]
	w.count(1, 20, 9)
	w.release(w.cycle())
	w.cycle()
	w.count(41, 50, 8)
	w.wantDone("the shorter source is trusted", w.cycle(), 10, 0)
}

func TestALevelIsReleasedOfAllThatKeepsItAtOnce(t *testing.T) {
	w, _, mug := contest(t)
	w.shops["main"].levels[mug].Available = 3
	w.cycle()
	w.pass(2 * settle)
	wrote := w.cycle()
	w.want(wrote, mug, "applied drift 3→7")
	w.fight(mug, 9)
	w.pass(guard.Pace)
	w.want(w.next(time.Minute), mug, "applied drift 9→7")
	w.want(w.undo(wrote.Cycle), mug, "applied undo 7→3")
	text, err := w.r.Release(mug.String())
	if want := "main/1/1 follows Katana again from the next cycle on, and is written again as if nothing else did"; err != nil || text != want {
		t.Errorf("got %q, %v, want %q", text, err, want)
	}
	w.want(w.cycle(), mug, "applied drift 3→7")
}

func TestAnUndoOfOneSKUKeepsTheIDOfItsHeldPlan(t *testing.T) {
	w, _, wrote := many(t, 10)
	first := w.undo(wrote).Stores[0].Holds[0].ID
	report := w.ask(reconcile.Request{Kind: inventory.Incremental, Undo: wrote, SKU: "S3"})
	w.want(report, key(4), "held max_changed_percent 40→10")
	w.wantHolds(report, first+" max_changed_percent 10")
	w.letGo(first)
	report = w.ask(reconcile.Request{Kind: inventory.Incremental, Undo: wrote, SKU: "S3"})
	w.want(report, key(4), "applied undo 40→10")
	report = w.ask(reconcile.Request{Kind: inventory.Incremental})
	if got := report.Stores[0]; got.Applied != 9 {
		t.Errorf("%d applied, want the other 9", got.Applied)
	}
	w.wantHolds(report, fmt.Sprintf("main-%d-undone undone 10", wrote))
}

func TestTwoReleasedUndosOfALevelWriteItOnce(t *testing.T) {
	w, _, one := many(t, 10)
	for i := range int64(10) {
		w.shops["main"].levels[key(i+1)].Available = 10
	}
	w.guards = guard.Limits{}
	w.start()
	w.cycle()
	w.pass(settle)
	two := w.cycle().Cycle
	w.wantShown(key(1), 40)
	w.guards = guard.Limits{MinChanges: 2, MaxChangedPercent: 30}
	w.start()
	w.pass(2 * time.Hour)
	for _, cycle := range []uint64{one, two} {
		w.undo(cycle)
	}
	if _, err := w.r.ReleaseAll("main"); err != nil {
		t.Fatal(err)
	}
	report := w.ask(reconcile.Request{Kind: inventory.Incremental})
	if got := report.Stores[0]; got.Applied != 10 || len(got.Changes) != 10 {
		t.Errorf("%d applied in %d lines, want 10 in 10", got.Applied, len(got.Changes))
	}
	w.wantHolds(report, fmt.Sprintf("main-%d-undone undone 10", two))
	w.wantHolds(w.cycle(), fmt.Sprintf("main-%d-undone undone 10", two))
}

func TestALevelThatIsUndoneStaysSoWhileItsStoreIsSwitchedOff(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 40)
	mug := w.level("main", 1, "MUG", 10)
	wrote := w.settled().cycle()
	w.undo(wrote.Cycle)
	for _, mode := range []inventory.Mode{inventory.ModeOff, inventory.ModeApply} {
		w.stores[0].Mode = mode
		w.start()
		w.cycle()
	}
	w.pass(settle)
	w.want(w.cycle(), mug, "held undone 10→40")
}

func TestWhatADoubtHoldsOfAnUndoDoesNotGoByItself(t *testing.T) {
	w, _, wrote := many(t, 10)
	w.stores[0].Canary = inventory.Canary{SKU: "S9", Min: 100, Max: 200}
	w.start()
	text := w.undo(wrote).Stores[0].Holds[0].Text
	if strings.Contains(text, "by themselves") {
		t.Errorf("it says %q", text)
	}
}

func TestALevelThatAnUndoDidNotReachFollowsKatanaAfterACrash(t *testing.T) {
	for _, after := range []time.Duration{0, 3 * time.Hour} {
		w, ids, wrote := many(t, 300)
		w.guards = guard.Limits{}
		w.with(&cutOff{w.state, true})
		_, _ = w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Incremental, Undo: wrote})
		w.wantShown(key(1), 10)
		w.wantShown(key(300), 40)
		w.pass(after)
		w.start()
		w.cycle()
		w.has(ids[299], 10, 3)
		w.want(w.cycle(), key(300), "applied drift 40→3")
		w.pass(settle)
		w.want(w.cycle(), key(1), "held undone 10→40")
		report := w.undo(wrote)
		w.want(report, key(299), "applied undo 40→10")
		w.want(report, key(1), "skipped changed 40→10")
		w.wantHolds(report, fmt.Sprintf("main-%d-undone undone 299", wrote))
	}
}
