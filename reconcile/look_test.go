package reconcile_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// asked is what the store main was asked since.
func (w *world) asked() string {
	calls := strings.Join(w.shops["main"].calls, ", ")
	w.shops["main"].calls = nil
	return calls
}

// large is a catalogue that takes several pages, with an hour for the sweep.
func large(t *testing.T) *world {
	w := catalogue(t, 600)
	w.incremental() // the first takes no share of the sweep
	w.asked()
	return w
}

func TestAnIdleCycleAsksAStoreOnce(t *testing.T) {
	w := large(t)
	glances, pages := 0, 0
	for range 120 {
		w.incremental()
		switch got := w.asked(); got {
		case "glance":
			glances++
		case "page":
			pages++
		case "page, glance":
			glances, pages = glances+1, pages+1
		default:
			t.Fatalf("got %q", got)
		}
	}
	if glances+pages > 121 || pages < 3 || pages > 4 {
		t.Errorf("an hour took %d glances and %d pages of 3", glances, pages)
	}
}

func TestAChangeOfKatanaIsWrittenWithoutReadingTheStore(t *testing.T) {
	w := large(t)
	market := w.level("main", 7, "S7", 0, 2)
	w.cycle()
	w.pass(settle)
	w.incremental()
	w.asked()
	w.has(7, 10, 4)
	w.has(7, 20, 3)
	w.name(7)
	report, _ := w.incremental()
	if got := w.asked(); got != "set 2" {
		t.Errorf("got %q, want one write of two levels", got)
	}
	w.want(report, key(7), "applied drift 10→4")
	w.want(report, market, "applied drift 0→3")
	if s := report.Stores[0]; s.InStep+s.Drifted != s.Levels || s.Levels != 601 {
		t.Errorf("got %d in step and %d drifted of %d levels", s.InStep, s.Drifted, s.Levels)
	}
}

func TestManyChangesAreWrittenInFullBatches(t *testing.T) {
	w := large(t)
	for id := range inventory.SourceVariantID(500) {
		w.has(id+1, 10, 4)
		w.name(id + 1)
	}
	w.incremental()
	if got := w.asked(); got != "set 250, set 250" {
		t.Errorf("got %q", got)
	}
}

func TestWhatAnOrderHasJustArrivedForIsReadFirst(t *testing.T) {
	w := large(t)
	w.sell(key(7), 2)
	w.commit("main", 7, 2)
	w.name(7)
	report, _ := w.incremental()
	if got := w.asked(); got != "levels of 1" {
		t.Errorf("got %q, want no more than a look at the level", got)
	}
	w.want(report, key(7), "")
	w.wantShown(key(7), 8)
}

func TestASaleOnTheWayIsFoundByTheWrite(t *testing.T) {
	w := large(t)
	w.sell(key(7), 1) // no order has reached Katana
	w.has(7, 10, 14)
	w.name(7)
	report, _ := w.incremental()
	if got := w.asked(); got != "set 1, levels of 1, set 1" {
		t.Errorf("got %q", got)
	}
	w.want(report, key(7), "applied inflight 9→13")
}

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

func TestAHandEditIsMendedWithinAFewCycles(t *testing.T) {
	w := large(t)
	for n := range 5 {
		w.shops["main"].levels[key(300)].Available = 50
		for range 4 {
			w.incremental()
		}
		if w.wantShown(key(300), 10); t.Failed() {
			t.Fatalf("edit %d", n)
		}
	}
}

func TestAStoreThatDoesNotTellWhatItUpdatesIsReadInTurn(t *testing.T) {
	w := large(t)
	w.shops["main"].deaf = true
	for i := range int64(5) {
		w.shops["main"].levels[key(100+100*i)].Available = 50
	}
	var report *inventory.Report
	for range 121 {
		report, _ = w.incremental()
	}
	look := report.Stores[0].Look
	if look == nil || look.Trusted || look.Missed < 3 || !slices.ContainsFunc(report.Stores[0].Notes, func(note string) bool { return strings.Contains(note, "read in turn") }) {
		t.Fatalf("got %+v, %q", look, report.Stores[0].Notes)
	}
	w.shops["main"].levels[key(555)].Available = 50
	for range 5 {
		w.incremental()
	}
	w.wantShown(key(555), 10)
	w.cycle()
	if report, _ = w.incremental(); !report.Stores[0].Look.Trusted {
		t.Error("it is not tried again after a look at all of the store")
	}
}

func TestLevelsThatComeAndGoAreFoundByTheSweep(t *testing.T) {
	w := large(t)
	delete(w.shops["main"].levels, key(300))
	w.sku("NEW", 3)
	fresh := w.level("main", 999, "NEW", 1)
	w.shops["main"].deaf = true
	w.katana.edited = w.now.Add(time.Second)
	for range 150 { // an hour for the sweep, and what a level waits that is seen for the first time
		w.incremental()
	}
	w.wantShown(fresh, 3)
	report, _ := w.incremental()
	if got := report.Stores[0].Levels; got != 600 {
		t.Errorf("%d levels, want 600: one came and one went", got)
	}
	memory, err := w.state.Store("main")
	if err != nil {
		t.Fatal(err)
	}
	if _, still := memory.Levels[key(300)]; still || len(memory.Items) != 600 {
		t.Errorf("the level that went is still kept, or %d items are", len(memory.Items))
	}
}

func TestARestartReadsNothingWhole(t *testing.T) {
	w := large(t)
	w.has(7, 10, 4)
	w.name(7)
	w.start()
	report, read := w.incremental()
	if got := w.asked(); got != "glance, set 1" {
		t.Errorf("the store was asked %q", got)
	}
	if calls := fmt.Sprint(w.katana.calls); strings.Contains(calls, "catalogue") || len(read) > 20 {
		t.Errorf("Katana was asked %s", calls)
	}
	w.want(report, key(7), "applied drift 10→4")
	if s := report.Stores[0]; s.Levels != 600 || s.Drifted != 1 {
		t.Errorf("%d levels and %d drifted, want all of them told of", s.Levels, s.Drifted)
	}
}

func TestAReadingThatWasCutOffGoesOnWhereItStopped(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := newWorld(t)
		const all = 6000
		for i := range all {
			w.sku(inventory.SKU(fmt.Sprint("S", i+1)), 10)
		}
		w.level("main", 1, "S1", 10)
		w.start()
		w.katana.stockFail, w.katana.stockFailAfter = errCut, 2
		w.pass(time.Second)
		if _, err := w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Full}); !errors.Is(err, errCut) {
			t.Fatalf("got %v", err)
		}
		read := len(w.katana.asked)
		w.katana.stockFail = nil
		if restart {
			w.start()
		}
		_, rest := w.incremental()
		if len(rest) > all-2*2500+10 || len(rest)+read < all {
			t.Errorf("restart %t: %d of %d were read, then %d", restart, read, all, len(rest))
		}
	}
}
