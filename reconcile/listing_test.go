package reconcile_test

import (
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// relist has the feeds tell that the catalogue was edited, and runs a cycle.
func (w *world) relist() *inventory.Report {
	w.t.Helper()
	w.katana.edited = w.now.Add(time.Second)
	report, _ := w.incremental()
	return report
}

// edit has the feeds name variants that were edited, and runs a cycle.
func (w *world) edit(ids ...inventory.SourceVariantID) *inventory.Report {
	w.t.Helper()
	w.katana.editedAt = map[inventory.SourceVariantID]time.Time{}
	for _, id := range ids {
		w.katana.editedAt[id] = w.now.Add(time.Second)
	}
	report, _ := w.incremental()
	return report
}

// twins is a world in step in which two variants carry the SKU of one level:
// the second, of which there are 5, stands for it.
func twins(t *testing.T) *world {
	w := newWorld(t)
	w.sku("S1", 9)
	w.sku("S1", 5)
	w.level("main", 1, "S1", 5)
	w.settled().cycle()
	return w
}

func TestSKUsMayChangeInAnotherOrderThanTheirVariants(t *testing.T) {
	w := catalogue(t, 2)
	w.katana.variants[0].SKU, w.katana.variants[1].SKU = "Z", "A"
	report := w.edit(1, 2)
	if got := report.Stores[0].Skipped[inventory.ReasonNotInKatana]; got != 2 {
		t.Errorf("%d levels are not in Katana, want both", got)
	}
}

func TestAVariantThatStandsForNoSKUAnyMoreDoesNotAfterARestartEither(t *testing.T) {
	for how, tell := range map[string]func(*world) *inventory.Report{
		"edited": func(w *world) *inventory.Report { return w.edit(2) },
		"listed": (*world).relist,
	} {
		w := twins(t)
		w.katana.variants[1].Archived = true
		tell(w)
		w.wantShown(key(1), 9)
		w.start()
		w.incremental()
		if w.wantShown(key(1), 9); t.Failed() {
			t.Fatal(how)
		}
	}
}

func TestAnArchivedVariantIsKnownAfterARestart(t *testing.T) {
	w := newWorld(t)
	w.sku("S1", 10)
	w.sku("S2", 10)
	w.katana.variants[1].Archived = true
	w.level("main", 1, "S1", 10)
	w.level("main", 2, "S2", 10)
	w.cycle()
	w.start()
	report, _ := w.incremental()
	if got := report.Stores[0].Skipped; got[inventory.ReasonArchived] != 1 || len(got) != 1 {
		t.Errorf("left alone are %v, want one as archived", got)
	}
}

func TestAVariantThatIsBackFromTheArchiveIsReadAndSweptAgain(t *testing.T) {
	w := catalogue(t, 240)
	w.katana.variants[0].Archived = true
	w.relist()
	w.incremental()
	w.katana.variants[0].Archived = false
	w.has(1, 10, 4) // no feed says so
	w.relist()
	w.wantShown(key(1), 4)
	for range 10 { // until the inventory can no longer lag behind
		w.incremental()
	}
	w.has(1, 10, 3)
	for range 121 {
		w.incremental()
	}
	w.wantShown(key(1), 3)
}

func TestWhatIsKnownOfKatanaOutlivesAMappingThatMeansNothing(t *testing.T) {
	w := twins(t)
	w.katana.locations[0].Name = "Elsewhere"
	w.start() // reads the locations
	w.pass(time.Second)
	report, err := w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Incremental})
	if err != nil || report.Stores[0].Error == "" {
		t.Fatalf("got %v, %q; want the store to tell that Main is gone", err, report.Stores[0].Error)
	}
	w.katana.locations[0].Name = "Main"
	w.katana.variants = w.katana.variants[:1]
	w.edit(2)
	w.wantShown(key(1), 9)
	w.start()
	w.incremental()
	w.wantShown(key(1), 9)
}

func TestALevelThatKatanaHasNoneForAnyMoreIsNotCountedAsNotStocked(t *testing.T) {
	w := catalogue(t, 1)
	w.has(1, 20, 3)
	w.name(1)
	report, _ := w.incremental()
	if got := report.Stores[0].Skipped[inventory.ReasonNotStocked]; got != 1 {
		t.Fatalf("%d levels are not stocked, want the one at Market", got)
	}
	w.has(1, 20, 0)
	w.name(1)
	report, _ = w.incremental()
	if got := report.Stores[0].Skipped; len(got) > 0 {
		t.Errorf("left alone are %v, want none", got)
	}
}

func TestALevelThatWasSoldOutAndIsGoneIsKeptNoLonger(t *testing.T) {
	w := catalogue(t, 1)
	market := w.level("main", 1, "S1", 0, 2)
	w.cycle()
	delete(w.shops["main"].levels, market)
	w.has(1, 20, 3)
	w.name(1)
	w.incremental()
	memory, err := w.state.Store("main")
	if err != nil {
		t.Fatal(err)
	}
	if _, still := memory.Levels[market]; still || len(memory.Levels) != 1 {
		t.Errorf("kept are %+v, want the level at Shop alone", memory.Levels)
	}
}

func TestWhatIsSoldAfterAWriteWhoseAnswerIsLostIsNotOfferedAgain(t *testing.T) {
	w := large(t)
	w.has(7, 10, 12)
	w.name(7)
	shop := w.shops["main"]
	shop.after = func() error {
		shop.after = nil
		w.sell(key(7), 3) // no order has reached Katana
		return inventory.ErrAnswerLost
	}
	w.incremental()
	w.has(7, 10, 13)
	w.name(7)
	w.incremental()
	w.wantShown(key(7), 10)
}

func TestAReadingThatIsCutOffBeforeTheCatalogueReadsItNextTime(t *testing.T) {
	w := twins(t)
	w.katana.variants = w.katana.variants[:1]
	w.katana.editedAt = map[inventory.SourceVariantID]time.Time{2: w.now}
	w.pass(time.Second)
	w.katana.failCatalogue = errCut
	if _, err := w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Full}); err == nil {
		t.Fatal("the reading was not cut off")
	}
	w.katana.failCatalogue = nil
	w.incremental()
	w.wantShown(key(1), 9)
}
