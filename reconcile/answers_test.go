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

// TestABatchThatIsRefusedForAMistakeOfOursIsLeftToTheNextCycle: a key that stands
// for another batch is one.
func TestABatchThatIsRefusedForAMistakeOfOursIsLeftToTheNextCycle(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 9)
	w.settled()
	s := w.shops["main"]
	s.after = func() error {
		s.after, s.levels[mug].Available = nil, 9
		return errors.New("IDEMPOTENCY_KEY_PARAMETER_MISMATCH")
	}
	report, err := w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full})
	if err != nil {
		t.Fatal(err)
	}
	w.want(report, mug, "skipped store_failed 9→5")
	if len(s.batch) != 1 || !strings.Contains(report.Stores[0].Error, "MISMATCH") {
		t.Errorf("sent %d batches, want 1; the store says %q", len(s.batch), report.Stores[0].Error)
	}
	if memory, err := w.state.Store("main"); err != nil || len(memory.Open) != 0 {
		t.Errorf("%d batches are open, %v; nothing was applied", len(memory.Open), err)
	}
	w.want(w.cycle(), mug, "applied drift 9→5")
	if s.keys[0] == s.keys[1] {
		t.Error("the key was used for another batch")
	}
}

// TestAReductionThatASaleMadeInsteadIsNotTakenForOurs: the batch never arrived,
// and just as many were sold as it was to take off.
func TestAReductionThatASaleMadeInsteadIsNotTakenForOurs(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 9)
	w.settled()
	s := w.shops["main"]
	s.after = func() error { return w.state.Close() } // the process ends
	if _, err := w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full}); err == nil {
		t.Fatal("a cycle that could not be recorded went well")
	}
	s.after = nil
	w.start()
	s.levels[mug].Available = 9
	w.sell(mug, 4)
	w.has(1, 10, 7) // Katana has two more, and has not heard of the sale
	w.want(w.cycle(), mug, "waiting first_sight 5→7")
	w.settled()
	w.want(w.cycle(), mug, "applied drift 5→7")
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

// full is a journal some of whose calls find no room on the disk.
type full struct {
	reconcile.Journal
	call string // that finds none; "" is room for all
}

var errFull = errors.New("no space left on device")

func (f *full) room(call string) error {
	if f.call == call {
		return errFull
	}
	return nil
}

func (f *full) Begin() (uint64, error) {
	if err := f.room("begin"); err != nil {
		return 0, err
	}
	return f.Journal.Begin()
}

func (f *full) Read(part inventory.SourceRead) error {
	if err := f.room("read"); err != nil {
		return err
	}
	return f.Journal.Read(part)
}

func (f *full) Observe(store inventory.StoreName, seen inventory.Observation) error {
	if err := f.room("observe"); err != nil {
		return err
	}
	return f.Journal.Observe(store, seen)
}

func (f *full) Intend(intent inventory.Intent) (uint64, error) {
	if err := f.room("intend"); err != nil {
		return 0, err
	}
	return f.Journal.Intend(intent)
}

func (f *full) Settle(store inventory.StoreName, found inventory.Settled) error {
	if err := f.room("settle"); err != nil {
		return err
	}
	return f.Journal.Settle(store, found)
}

func (f *full) Finish(end inventory.Finish) error {
	if err := f.room("finish"); err != nil {
		return err
	}
	return f.Journal.Finish(end)
}

// TestAFullDiskSellsNothingTwiceAndAllGoesOnOnceThereIsRoom has the disk full for
// some cycles, in which two units are sold that Katana has not heard of.
func TestAFullDiskSellsNothingTwiceAndAllGoesOnOnceThereIsRoom(t *testing.T) {
	for call, sends := range map[string]bool{"begin": false, "read": false, "observe": false, "intend": false, "settle": true, "finish": true} {
		t.Run(call, func(t *testing.T) {
			w := newWorld(t)
			id := w.sku("MUG", 9)
			hat := w.sku("CAP", 9)
			mug, other := w.level("main", 1, "MUG", 9), w.level("main", 2, "CAP", 9)
			w.settled().cycle()
			journal := &full{Journal: w.state, call: call}
			w.with(journal)
			w.sell(mug, 2)
			w.has(hat, 10, 4)
			sent := len(w.shops["main"].batch)
			for range 3 {
				w.pass(time.Minute)
				report, err := w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full})
				told := fmt.Sprint(err)
				if report != nil && len(report.Stores) > 0 {
					told += report.Stores[0].Error
				}
				if call != "settle" && !strings.Contains(told, errFull.Error()) {
					t.Errorf("nobody is told: %s", told)
				}
			}
			if got := len(w.shops["main"].batch) - sent; (got > 0) != sends || got > 1 {
				t.Errorf("%d batches were sent, want any %t, and no more than one", got, sends)
			}
			journal.call = ""
			w.want(w.cycle(), mug, "waiting inflight 7→9")
			w.wantShown(other, 4)
			w.commit("main", id, 2)
			w.cycle()
			w.wantShown(mug, 7)
			if memory, err := w.state.Store("main"); err != nil || len(memory.Open) != 0 {
				t.Errorf("%d batches are open in the end, %v", len(memory.Open), err)
			}
		})
	}
}
