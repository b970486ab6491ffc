package reconcile_test

import (
	"encoding/json"
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

// Written by a version that knew neither of the cycle nor of the figures of a write.
const formerMemory = `{
 "ledger": {"since": "2026-03-04T04:00:00Z", "orders": "0001-01-01T00:00:00Z"},
 "holds": [{"id": "main-3-changed", "rule": "max_changed_percent", "have": 12, "limit": 10, "managed": 30, "since": "2026-03-04T05:00:00Z",
  "reported": "0001-01-01T00:00:00Z", "released": "0001-01-01T00:00:00Z", "levels": [{"key": {"store": "main", "inventory_item_id": "gid://shopify/InventoryItem/30", "location_id": "gid://shopify/Location/1"}, "raise": false}]}],
 "quarantine": [{"key": {"store": "main", "inventory_item_id": "gid://shopify/InventoryItem/29", "location_id": "gid://shopify/Location/1"}, "sku": "S29", "code": "INVALID", "detail": "INVALID: no", "count": 1,
  "since": "2026-03-04T05:00:00Z", "until": "2026-03-05T05:00:00Z"}],
 "written": [%s],
 "pins": {"shopify": {"Shop": "gid://shopify/Location/1", "Market": "gid://shopify/Location/2"}, "katana": {"Main": 10, "Side": 20}}
}`

func TestWhatAFormerVersionRememberedHoldsAndCountsOn(t *testing.T) {
	w := newWorld(t)
	w.guards = guard.Limits{MinChanges: 10, MaxChangedPercent: 30}
	var wrote []inventory.Change
	var written []string
	for i := range int64(30) {
		sku := inventory.SKU(fmt.Sprint("S", i+1))
		w.sku(sku, 10)
		level := w.level("main", i+1, sku, 10)
		if i < 20 { // were released, and written a moment ago
			wrote = append(wrote, inventory.Change{Key: level, SKU: sku, From: 9, To: 10, Reason: inventory.ReasonDrift})
			written = append(written, fmt.Sprintf(`{"key": {"store": "main", "inventory_item_id": "gid://shopify/InventoryItem/%d", "location_id": "gid://shopify/Location/1"}, "at": "2026-03-04T05:06:09Z", "zero": false, "freed": true}`, i+1))
		}
	}
	w.cycle()
	var memory inventory.Memory
	if err := json.Unmarshal(fmt.Appendf(nil, formerMemory, strings.Join(written, ", ")), &memory); err != nil {
		t.Fatal(err)
	}
	outcomes := make([]inventory.Outcome, len(wrote))
	for i, change := range wrote {
		outcomes[i] = inventory.Outcome{Change: change, Result: inventory.Applied}
	}
	id, err := w.state.Intend(inventory.Intent{Cycle: 3, Store: "main", Key: "k", At: w.now, Changes: wrote})
	if err == nil {
		err = w.state.Settle("main", inventory.Settled{ID: id, Outcomes: outcomes})
	}
	if err == nil {
		err = w.state.Update("main", func(kept *inventory.Memory) error {
			memory.Look = kept.Look
			*kept = memory
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	w.start()
	w.pass(settle)
	for _, i := range []inventory.SourceVariantID{28, 29, 30} {
		w.has(i, 10, 9)
	}
	report := w.cycle()
	w.want(report, key(28), "applied drift 10→9")
	w.want(report, key(29), "")
	w.want(report, key(30), "held max_changed_percent 10→9")
	w.wantHolds(report, "main-3-changed max_changed_percent 1")
	if got := report.Stores[0]; got.Skipped[inventory.ReasonQuarantined] != 1 || len(got.Quarantine) != 1 || got.Contested != 0 {
		t.Errorf("got %+v", got)
	}
	w.letGo("main-3-changed")
	w.want(w.cycle(), key(30), "applied drift 10→9")
	w.letGo(key(29).String())
	w.want(w.cycle(), key(29), "applied drift 10→9")
}

func TestALookAtThePlanTakesNoNewsOfAHeldPlanAway(t *testing.T) {
	w := guarded(t, 100)
	w.count(1, 50, 9)
	w.cycle()
	w.count(51, 60, 9)
	w.ask(reconcile.Request{Kind: inventory.Full, Dry: true})
	report := w.cycle()
	if got := report.Stores[0].Holds; len(got) != 1 || got[0].Levels != 60 || !got[0].News {
		t.Errorf("got %+v, want news of the levels that joined", got)
	}
}

func TestALineOfASavedPlanThatRestsSaysSo(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 9)
	w.shops["main"].refuse = func(inventory.Change) string { return "NON_MUTABLE_INVENTORY_ITEM" }
	w.settled()
	w.want(w.cycle(), mug, "rejected refused 9→5")
	only := []inventory.Change{{Key: mug, SKU: "MUG", From: 9, To: 5, Reason: inventory.ReasonDrift}}
	w.want(w.ask(reconcile.Request{Kind: inventory.Full, Only: only}), mug, "skipped quarantined 9→5")
}

// notes counts how often a store's memory is written.
type notes struct {
	reconcile.Journal
	whole, part int
}

func (j *notes) Observe(name inventory.StoreName, seen inventory.Observation) error {
	if seen.Part {
		j.part++
	} else {
		j.whole++
	}
	return j.Journal.Observe(name, seen)
}

func TestTheMemoryOfALargeStoreIsNotWrittenWithEachPartOfItsLevels(t *testing.T) {
	w := catalogue(t, 9000)
	w.start()
	journal := &notes{Journal: w.state}
	w.with(journal)
	w.sell(key(8999), 1)
	w.cycle()
	if journal.whole != 2 || journal.part != 3 {
		t.Errorf("it was written %d times and left as it was %d times, want 2 and 3", journal.whole, journal.part)
	}
	w.start()
	w.want(w.cycle(), key(8999), "waiting inflight 9→10")
}
