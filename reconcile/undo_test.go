package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// undo asks for the writes of a cycle to be taken back.
func (w *world) undo(cycle uint64) *inventory.Report {
	w.t.Helper()
	return w.ask(reconcile.Request{Kind: inventory.Incremental, Undo: cycle})
}

func (w *world) letGo(id string) {
	w.t.Helper()
	if _, err := w.r.Release(id); err != nil {
		w.t.Fatal(err)
	}
}

// holds lists the holds of a store, as the report of a cycle has them.
func holds(report *inventory.Report) (list []string) {
	for _, h := range report.Stores[0].Holds {
		list = append(list, fmt.Sprintf("%s %s %d", h.ID, h.Rule, h.Levels))
	}
	return list
}

func (w *world) wantHolds(report *inventory.Report, want ...string) {
	w.t.Helper()
	if got := holds(report); strings.Join(got, ", ") != strings.Join(want, ", ") {
		w.t.Errorf("cycle %d holds %q, want %q", report.Cycle, got, want)
	}
}

func TestWhatACycleRaisedIsPutBackAndStaysUntilItIsReleased(t *testing.T) {
	for _, kind := range []inventory.Kind{inventory.Full, inventory.Incremental} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			w.sku("MUG", 40)
			mug := w.level("main", 1, "MUG", 10)
			wrote := w.settled().cycle()
			w.want(wrote, mug, "applied drift 10→40")
			report := w.ask(reconcile.Request{Kind: kind, Undo: wrote.Cycle})
			w.want(report, mug, "applied undo 40→10")
			id := fmt.Sprintf("main-%d-undone", wrote.Cycle)
			w.wantHolds(report, id+" undone 1")
			for range 2 { // a restart lies between the two
				report = w.ask(reconcile.Request{Kind: kind})
				w.want(report, mug, "held undone 10→40")
				w.wantHolds(report, id+" undone 1")
				w.start()
			}
			w.wantShown(mug, 10)
			w.letGo(id)
			w.wantHolds(w.ask(reconcile.Request{Kind: kind}))
			w.wantShown(mug, 40)
		})
	}
}

func TestAnUndoneLevelIsHeldInBothDirectionsAndReleasedAlone(t *testing.T) {
	w := newWorld(t)
	ids := []inventory.SourceVariantID{w.sku("MUG", 40), w.sku("CAP", 40)}
	mug, hat := w.level("main", 1, "MUG", 10), w.level("main", 2, "CAP", 10)
	wrote := w.settled().cycle()
	w.undo(wrote.Cycle)
	for _, id := range ids {
		w.has(id, 10, 3)
	}
	report := w.cycle()
	w.want(report, mug, "held undone 10→3")
	w.want(report, hat, "held undone 10→3")
	w.letGo(mug.String())
	report = w.cycle()
	w.want(report, mug, "applied drift 10→3")
	w.want(report, hat, "held undone 10→3")
	w.wantHolds(report, fmt.Sprintf("main-%d-undone undone 1", wrote.Cycle))
	if text, err := w.r.ReleaseAll("main"); err != nil || !strings.HasPrefix(text, "main: 1 held plan released") {
		t.Errorf("got %q, %v", text, err)
	}
	report = w.cycle()
	w.want(report, hat, "applied drift 10→3")
	w.wantHolds(report)
}

func TestALevelThatSomebodyChangedSinceIsLeftAsItIs(t *testing.T) {
	w := newWorld(t)
	id := w.sku("MUG", 40)
	w.sku("CAP", 40)
	w.sku("TEE", 40)
	w.sku("BAG", 40)
	w.sku("PEN", 40)
	mug, hat, tee, bag, pen := w.level("main", 1, "MUG", 10), w.level("main", 2, "CAP", 10), w.level("main", 3, "TEE", 10), w.level("main", 4, "BAG", 10), w.level("main", 5, "PEN", 10)
	wrote := w.settled().cycle()
	w.sell(mug, 3)
	delete(w.shops["main"].levels, hat)
	w.shops["main"].levels[tee].SKU = "TEE-OLD"
	w.has(id, 10, 50)
	once := false
	w.shops["main"].before = func([]inventory.Change) { // between the look and the write
		if !once {
			once = true
			w.sell(bag, 1)
		}
	}
	report := w.undo(wrote.Cycle)
	for key, want := range map[inventory.Key]string{
		mug: "skipped changed 40→10", hat: "skipped changed 40→10", tee: "skipped changed 40→10", bag: "skipped changed 40→10", pen: "applied undo 40→10",
	} {
		w.want(report, key, want)
	}
	w.wantShown(mug, 37)
	w.wantShown(bag, 39)
	w.wantHolds(report, fmt.Sprintf("main-%d-undone undone 1", wrote.Cycle))
}

func TestAnUndoNeverRaisesALevelBeyondWhatCanBeSold(t *testing.T) {
	for _, test := range []struct {
		name       string
		had, wrote int64 // shown before, and what Katana had for the cycle
		now, sold  int64 // what Katana has by now, and what is sold at the level and not yet in Katana
		want       string
		shows      inventory.Units
		note       bool
	}{
		{"Katana has more than before", 40, 5, 100, 0, "applied undo 5→40", 40, false},
		{"Katana has as much as before", 40, 5, 40, 0, "applied undo 5→40", 40, false},
		{"Katana has less than before", 40, 5, 12, 0, "applied undo 5→12", 12, true},
		{"Katana still has what was written", 40, 5, 5, 0, "skipped oversell 5→40", 5, false},
		{"Katana has even less", 40, 5, 2, 0, "skipped oversell 5→40", 5, false},
		{"a reduction is always let through", 2, 40, 40, 0, "applied undo 40→2", 2, false},
		{"a reduction of what Katana has no more", 2, 40, 0, 0, "applied undo 40→2", 2, false},
		{"less than nothing", -2, 5, 5, 0, "applied undo 5→0", 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			id := w.sku("MUG", test.wrote)
			mug := w.level("main", 1, "MUG", test.had)
			wrote := w.settled().cycle()
			w.has(id, 10, test.now)
			report := w.undo(wrote.Cycle)
			w.want(report, mug, test.want)
			w.wantShown(mug, test.shows)
			if got := strings.Contains(strings.Join(report.Stores[0].Notes, "\n"), "1 level gets less than before"); got != test.note {
				t.Errorf("the notes are %q", report.Stores[0].Notes)
			}
		})
	}
}

func TestAnUndoKeepsBackWhatIsSoldAndNotYetInKatana(t *testing.T) {
	w := newWorld(t)
	id := w.sku("MUG", 40)
	mug := w.level("main", 1, "MUG", 40)
	w.settled().cycle()
	w.sell(mug, 3) // three of them are in flight
	w.has(id, 10, 10)
	wrote := w.cycle()
	w.want(wrote, mug, "applied inflight 37→7")
	w.has(id, 10, 30)
	w.want(w.undo(wrote.Cycle), mug, "applied undo 7→27") // of 30, and not the 37 of before
}

func TestARaiseWithoutAFigureIsNotPutBackButAReductionIs(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	w.sku("CAP", 40)
	mug, hat := w.level("main", 1, "MUG", 40), w.level("main", 2, "CAP", 10)
	wrote := w.settled().cycle()
	w.katana.variants = w.katana.variants[:0]
	w.katana.edited = w.now.Add(time.Second)
	report := w.ask(reconcile.Request{Kind: inventory.Full, Undo: wrote.Cycle})
	w.want(report, mug, "skipped not_in_katana 5→40")
	w.want(report, hat, "applied undo 40→10")
}

func TestAnUndoIsUndoneLikeAnyCycle(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 40)
	mug := w.level("main", 1, "MUG", 10)
	wrote := w.settled().cycle()
	undone := w.undo(wrote.Cycle)
	report := w.undo(undone.Cycle)
	w.want(report, mug, "applied undo 10→40")
	w.wantHolds(report, fmt.Sprintf("main-%d-undone undone 1", undone.Cycle))
	report = w.undo(report.Cycle)
	w.want(report, mug, "applied undo 40→10")
	w.want(w.undo(wrote.Cycle), mug, "skipped changed 40→10") // it is no longer what that one wrote
}

func TestOnlyTheWritesOfTheCycleAndTheSKUAreUndone(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 40)
	w.sku("CAP", 40)
	id := w.sku("TEE", 40)
	mug, hat, tee := w.level("main", 1, "MUG", 10), w.level("main", 2, "CAP", 10), w.level("main", 3, "TEE", 40)
	wrote := w.settled().cycle()
	w.has(id, 10, 20) // drifted, and none of the undo's business
	report := w.ask(reconcile.Request{Kind: inventory.Incremental, Undo: wrote.Cycle, SKU: "MUG"})
	w.want(report, mug, "applied undo 40→10")
	w.want(report, hat, "")
	w.want(report, tee, "")
	w.wantShown(tee, 40)
	report = w.undo(wrote.Cycle)
	w.want(report, mug, "skipped changed 40→10")
	w.want(report, hat, "applied undo 40→10")
	w.want(report, tee, "")
	w.wantHolds(report, fmt.Sprintf("main-%d-undone undone 2", wrote.Cycle))
}

func TestACycleThatWroteNothingIsNotUndone(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 40)
	w.level("main", 1, "MUG", 40)
	quiet := w.settled().cycle()
	for _, ask := range []reconcile.Request{{Undo: quiet.Cycle}, {Undo: 4711}, {Undo: quiet.Cycle, SKU: "CAP"}} {
		ask.Kind = inventory.Incremental
		if report, err := w.r.Cycle(context.Background(), ask); !errors.Is(err, reconcile.ErrNothingToUndo) || report != nil {
			t.Errorf("%+v: got %v, %v", ask, report, err)
		}
	}
}

func TestModesHoldForAnUndo(t *testing.T) {
	for _, test := range []struct {
		mode     inventory.Mode
		mug, hat string // raised, and lowered, by what is undone
		holds    int
	}{
		{inventory.ModeReport, "skipped report 40→10", "skipped report 5→30", 0},
		{inventory.ModeLowerOnly, "applied undo 40→10", "waiting lower_only 5→30", 1},
		{inventory.ModeOff, "", "", 0},
		{inventory.ModeApply, "applied undo 40→10", "applied undo 5→30", 2},
	} {
		t.Run(string(test.mode), func(t *testing.T) {
			w := newWorld(t)
			w.sku("MUG", 40)
			id := w.sku("CAP", 5)
			mug, hat := w.level("main", 1, "MUG", 10), w.level("main", 2, "CAP", 30)
			wrote := w.settled().cycle()
			w.has(id, 10, 30)
			w.stores[0].Mode = test.mode
			w.start()
			report := w.undo(wrote.Cycle)
			w.want(report, mug, test.mug)
			w.want(report, hat, test.hat)
			held := 0
			for _, h := range report.Stores[0].Holds {
				held += h.Levels
			}
			if off := strings.Contains(fmt.Sprint(report.Stores[0].Notes), "switched off, so 2 writes"); held != test.holds || off != (test.mode == inventory.ModeOff) {
				t.Errorf("%d levels held, want %d; notes %q", held, test.holds, report.Stores[0].Notes)
			}
		})
	}
	w := newWorld(t)
	w.sku("MUG", 40)
	mug := w.level("main", 1, "MUG", 10)
	wrote := w.settled().cycle()
	report := w.ask(reconcile.Request{Kind: inventory.Incremental, Undo: wrote.Cycle, Dry: true})
	w.want(report, mug, "skipped report 40→10")
	w.wantHolds(report)
	w.wantShown(mug, 40)
}

// many makes a world whose last cycle raised n levels from 10 to 40.
func many(t *testing.T, n int64) (w *world, ids []inventory.SourceVariantID, wrote uint64) {
	w = newWorld(t)
	for i := range n {
		sku := inventory.SKU(fmt.Sprint("S", i))
		ids = append(ids, w.sku(sku, 40))
		w.level("main", i+1, sku, 10)
	}
	wrote = w.settled().cycle().Cycle
	w.guards = guard.Limits{MinChanges: 2, MaxChangedPercent: 30}
	w.start()
	w.pass(2 * time.Hour)
	return w, ids, wrote
}

func TestALargeUndoIsHeldAndGoesOnAfterItsRelease(t *testing.T) {
	w, ids, wrote := many(t, 1000)
	report := w.undo(wrote)
	if got := report.Stores[0]; got.Held != 1000 || got.Applied != 0 {
		t.Fatalf("got %d held, %d applied; want all of them held", got.Held, got.Applied)
	}
	id := fmt.Sprintf("main-%d-changed", report.Cycle)
	w.wantHolds(report, id+" max_changed_percent 1000")
	if text := report.Stores[0].Holds[0].Text; !strings.Contains(text, fmt.Sprintf("`stocksyncd undo %d` would write them", wrote)) {
		t.Errorf("it says %q", text)
	}
	w.wantHolds(w.undo(wrote), id+" max_changed_percent 1000") // its id stays
	w.has(ids[0], 10, 30)                                      // the other changes go on
	report = w.cycle()
	w.want(report, key(1), "applied drift 40→30")
	w.wantHolds(report, id+" max_changed_percent 1000")
	w.start()
	w.sell(key(2), 1)
	w.letGo(id)
	report = w.ask(reconcile.Request{Kind: inventory.Incremental})
	if got := report.Stores[0]; got.Held != 0 || got.Applied != 998 {
		t.Errorf("after the release: %d held, %d applied; want the 998 that nobody has changed", got.Held, got.Applied)
	}
	w.want(report, key(1), "skipped changed 40→10")
	w.want(report, key(2), "skipped changed 40→10")
	w.want(report, key(3), "applied undo 40→10")
	w.wantHolds(report, fmt.Sprintf("main-%d-undone undone 998", wrote))
	w.wantShown(key(1000), 10)
	report = w.cycle()
	if got := report.Stores[0]; got.Held != 998 || got.Applied > 1 {
		t.Errorf("the next cycle: %d held, %d applied", got.Held, got.Applied)
	}
}

func TestAReleasedUndoThatWaitsKeepsNoLevelFromBeingLowered(t *testing.T) {
	w := newWorld(t)
	outlet := w.addStore("outlet", inventory.ModeReport)
	var ids []inventory.SourceVariantID
	for i := range int64(10) {
		sku := inventory.SKU(fmt.Sprint("S", i))
		ids = append(ids, w.sku(sku, 10))
		w.level("main", i+1, sku, 40)
		w.level("outlet", i+1, sku, 10)
	}
	wrote := w.settled().cycle()
	w.guards = guard.Limits{MinChanges: 2, MaxChangedPercent: 30}
	w.start()
	w.pass(2 * time.Hour)
	for _, id := range ids {
		w.has(id, 10, 40)
	}
	w.letGo(w.undo(wrote.Cycle).Stores[0].Holds[0].ID)
	outlet.fail = errors.New("no answer")
	w.has(ids[0], 10, 5)
	report := w.cycle()
	w.want(report, key(2), "waiting unread 10→40")
	w.wantShown(key(1), 5)
	outlet.fail = nil
	report = w.cycle()
	w.want(report, key(2), "applied undo 10→40")
	w.wantShown(key(1), 5)
}

func TestAReleasedUndoMayBeAskedForAgainInsteadOfWaitingForACycle(t *testing.T) {
	w, _, wrote := many(t, 10)
	report := w.undo(wrote)
	w.letGo(report.Stores[0].Holds[0].ID)
	report = w.undo(wrote)
	if got := report.Stores[0]; got.Held != 0 || got.Applied != 10 {
		t.Errorf("%d held, %d applied", got.Held, got.Applied)
	}
	w.wantHolds(report, fmt.Sprintf("main-%d-undone undone 10", wrote))
}

func TestAReleasedUndoThatIsForgottenHoldsNothingUp(t *testing.T) {
	w, _, wrote := many(t, 10)
	report := w.undo(wrote)
	w.letGo(report.Stores[0].Holds[0].ID)
	w.with(forgetful{w.state})
	report = w.cycle()
	w.wantHolds(report)
	w.wantShown(key(1), 40)
}

// forgetful does not know what was written.
type forgetful struct{ reconcile.Journal }

func (forgetful) Wrote(uint64) ([]inventory.Change, error) { return nil, nil }

// cutOff is a journal that is lost once a batch was sent.
type cutOff struct {
	reconcile.Journal
	cut bool
}

func (j *cutOff) Settle(name inventory.StoreName, found inventory.Settled) error {
	if j.cut {
		return errCut
	}
	return j.Journal.Settle(name, found)
}

func (j *cutOff) Finish(end inventory.Finish) error {
	if j.cut {
		return errCut
	}
	return j.Journal.Finish(end)
}

func TestAnUndoThatIsCutOffIsNotTakenBackByTheNextCycle(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 40)
	mug := w.level("main", 1, "MUG", 10)
	wrote := w.settled().cycle()
	w.with(&cutOff{w.state, true})
	if _, err := w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Incremental, Undo: wrote.Cycle}); err == nil {
		t.Fatal("want the end of the state file")
	}
	w.wantShown(mug, 10)
	w.start()
	w.cycle()
	w.wantShown(mug, 10)
	w.pass(settle) // it may have been sold instead
	report := w.cycle()
	w.want(report, mug, "held undone 10→40")
	w.wantShown(mug, 10)
	// It is in no report, and is undone all the same.
	w.want(w.undo(report.Cycle-2), mug, "applied undo 10→40")
}

func TestWhatWasWrittenByACycleThatWasCutOffIsUndone(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 40)
	mug := w.level("main", 1, "MUG", 10)
	w.settled()
	w.with(&cutOff{w.state, true})
	_, _ = w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full})
	w.wantShown(mug, 40)
	w.start()
	settled := w.cycle()
	w.want(w.undo(settled.Cycle-1), mug, "applied undo 40→10")
}

func TestALostAnswerToAnUndoKeepsItsLevelHeld(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 40)
	mug := w.level("main", 1, "MUG", 10)
	wrote := w.settled().cycle()
	shop := w.shops["main"]
	shop.after = func() error {
		shop.fail = errCut // nor can it be read back
		return fmt.Errorf("%w: %w", inventory.ErrAnswerLost, errCut)
	}
	report, err := w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full, Undo: wrote.Cycle})
	if err != nil || report.Stores[0].Error == "" {
		t.Fatalf("%+v, %v; want the store to fail", report, err)
	}
	shop.after, shop.fail = nil, nil
	w.cycle()
	w.pass(settle) // it may have been sold instead
	w.want(w.cycle(), mug, "held undone 10→40")
}

func TestNextToAnUndoneLevelExplainSaysWhoHoldsIt(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 40)
	w.level("main", 1, "MUG", 10)
	wrote := w.settled().cycle()
	w.undo(wrote.Cycle)
	w.cycle()
	told, err := w.r.Explain(context.Background(), reconcile.ExplainRequest{SKU: "MUG"})
	if err != nil || len(told) != 1 {
		t.Fatalf("%+v, %v", told, err)
	}
	next, id := told[0].Next, fmt.Sprintf("main-%d-undone", wrote.Cycle)
	if next.Result != inventory.Held || next.Reason != inventory.ReasonUndone || next.ID != id || next.Order != "stocksyncd release "+id {
		t.Errorf("next is %+v", next)
	}
	if len(told[0].Writes) == 0 || told[0].Writes[0].Reason != inventory.ReasonUndo {
		t.Errorf("the writes are %+v", told[0].Writes)
	}
}

// Whatever happens between a cycle and its undo, no level ends above both what it
// showed and what can be sold, only those are touched that the cycle wrote and
// that still show it, and they keep their figures in the cycles after.
func TestWhateverHappensAnUndoOffersNoMoreThanCanBeSold(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		defer w.stop()
		n := rapid.Int64Range(1, 6).Draw(rt, "levels")
		units := rapid.Int64Range(0, 20)
		var ids []inventory.SourceVariantID
		for i := range n {
			sku := inventory.SKU(fmt.Sprint("S", i))
			ids = append(ids, w.sku(sku, units.Draw(rt, "stock")))
			w.level("main", i+1, sku, units.Draw(rt, "shown"))
		}
		wrote := w.settled().cycle()
		has := map[inventory.Key]inventory.Units{}
		for i := range n {
			now := units.Draw(rt, "stock by now")
			w.has(ids[i], 10, now)
			if rapid.Bool().Draw(rt, "sold") && w.shows(key(i+1)) > 0 {
				w.sell(key(i+1), 1)
				now-- // in flight
			}
			has[key(i+1)] = inventory.Units(max(0, now))
		}
		var levels []inventory.Key
		before := map[inventory.Key]inventory.Units{}
		for i := range n {
			levels = append(levels, key(i+1))
			before[key(i+1)] = w.shows(key(i + 1))
		}
		kind := rapid.SampledFrom([]inventory.Kind{inventory.Full, inventory.Incremental}).Draw(rt, "kind")
		w.pass(time.Second)
		report, err := w.r.Cycle(context.Background(), reconcile.Request{Kind: kind, Undo: wrote.Cycle})
		if errors.Is(err, reconcile.ErrNothingToUndo) {
			return
		}
		if err != nil {
			rt.Fatal(err)
		}
		undone := map[inventory.Key]inventory.Units{}
		for i := range n {
			key := levels[i]
			was, is := before[key], w.shows(key)
			if is > max(was, has[key]) {
				rt.Errorf("%s shows %d; it showed %d, and %d can be sold", key, is, was, has[key])
			}
			var line inventory.ChangeReport
			for _, c := range wrote.Stores[0].Changes {
				if c.Item == key.Item && c.Outcome == inventory.Applied {
					line = c
				}
			}
			if is != was && (line.Item == 0 || line.To != was || is > max(line.From, was)) {
				rt.Errorf("%s went from %d to %d, and was written %+v", key, was, is, line)
			}
			if strings.HasPrefix(outcome(report, key), "applied") {
				undone[key] = is
			}
		}
		w.pass(time.Second)
		if _, err := w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full}); err != nil {
			rt.Fatal(err)
		}
		for key, want := range undone {
			if got := w.shows(key); got != want {
				rt.Errorf("the next cycle wrote %d to %s, which was undone to %d", got, key, want)
			}
		}
	})
}
