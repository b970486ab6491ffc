package reconcile_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// TestAQuietCycleAllocatesNoMoreInALargeShop holds an idle cycle and one that
// writes a SKU against the same in a shop a hundred times as large.
func TestAQuietCycleAllocatesNoMoreInALargeShop(t *testing.T) {
	for _, test := range []struct {
		name    string
		happens func(*vast, int)
	}{
		{"nothing has changed", nothing},
		{"a SKU was counted in Katana", (*vast).count},
		{"a variant was edited", (*vast).edit},
	} {
		t.Run(test.name, func(t *testing.T) {
			allocated := func(levels int) float64 {
				v := newVast(levels)
				r := v.reconciler(t, newKept())
				v.runs(t, r, inventory.Full)
				v.now = v.now.Add(settle)
				cycles := 0
				return testing.AllocsPerRun(50, func() {
					test.happens(v, cycles)
					v.runs(t, r, inventory.Incremental)
					cycles++
				})
			}
			small, large := allocated(1_500), allocated(150_000)
			if large > small*1.1 {
				t.Errorf("%.0f allocations of 150,000 levels, %.0f of 1,500: want as many", large, small)
			}
		})
	}
}

func TestARestartDoesNotAskAgainWhatKitsAreMadeOf(t *testing.T) {
	w := newWorld(t)
	kit, part := w.sku("SET", 1), w.sku("PART", 5)
	w.katana.variants[0].Kit = true
	w.katana.recipes = []inventory.Ingredient{{Product: kit, Variant: part, Quantity: inventory.Scale}}
	w.level("main", 1, "SET", 1)
	w.level("main", 2, "PART", 5)
	w.ask(reconcile.Request{Kind: inventory.Full})
	w.start()
	w.katana.calls = nil
	w.ask(reconcile.Request{Kind: inventory.Incremental})
	for _, call := range w.katana.calls {
		if strings.HasPrefix(call, "recipes") {
			t.Errorf("after a restart it asks for %s, which the state file has", call)
		}
	}
	w.katana.named = map[inventory.SourceVariantID]time.Time{part: w.now}
	w.katana.asked = nil
	w.ask(reconcile.Request{Kind: inventory.Incremental})
	if !slices.Contains(w.katana.asked, kit) {
		t.Errorf("the inventory of %v was read, want that of the kit %d beside its part's", w.katana.asked, kit)
	}
}

func TestARaiseThatWaitsIsNotReadInEveryCycle(t *testing.T) {
	for _, mode := range []inventory.Mode{inventory.ModeLowerOnly, inventory.ModeReport} {
		w := catalogue(t, 240)
		w.stores[0].Mode = mode
		w.start()
		for id := range inventory.SourceVariantID(200) {
			w.has(id+1, 10, 14)
		}
		w.cycle()
		w.incremental()
		if _, read := w.incremental(); len(read) > 20 {
			t.Errorf("%s: %d variants are read though nothing can be written", mode, len(read))
		}
	}
	w := newWorld(t)
	for i := range 240 {
		sku := inventory.SKU(fmt.Sprint("S", i+1))
		w.sku(sku, 10)
		w.level("main", int64(i+1), sku, 8)
	}
	w.cycle()
	w.incremental()
	if _, read := w.incremental(); len(read) > 20 {
		t.Errorf("%d variants are read though all of them wait to be seen for longer", len(read))
	}
}

func TestAStoreThatPausesDoesNotHaveKatanaReadWhole(t *testing.T) {
	w := catalogue(t, 200)
	outlet := w.addStore("outlet", inventory.ModeApply)
	w.stores[1].Mapping.Locations = []desired.Pair{{Target: "Shop", Sources: []string{"Side"}}}
	w.stores[0].Mapping.Locations = []desired.Pair{{Target: "Shop", Sources: []string{"Main"}}}
	w.level("outlet", 1001, "S1", 0)
	w.start()
	w.cycle()
	w.incremental()
	outlet.fail = &inventory.PauseError{For: 70 * time.Second, Err: errCut}
	for range 3 {
		w.pass(30 * time.Second)
		if _, err := w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Incremental}); err != nil {
			t.Fatal(err)
		}
	}
	outlet.fail = nil
	if _, read := w.incremental(); len(read) > 20 {
		t.Errorf("%d of 200 variants were read because a store had paused", len(read))
	}
	w.incremental()
	w.ask(reconcile.Request{Kind: inventory.Incremental, Store: "main"})
	if _, read := w.incremental(); len(read) > 20 {
		t.Errorf("%d of 200 variants were read because one store was asked for", len(read))
	}
}

func TestAVariantThatWasArchivedForLongIsSweptAgain(t *testing.T) {
	w := catalogue(t, 240)
	w.katana.variants[199].Archived = true
	w.katana.editedAt = map[inventory.SourceVariantID]time.Time{200: w.now.Add(time.Second)}
	for range 124 { // an hour
		w.incremental()
	}
	w.katana.variants[199].Archived = false
	w.katana.edited = w.now.Add(time.Second)
	w.incremental()
	w.has(200, 10, 4) // no feed says so
	for range 124 {
		w.incremental()
	}
	w.wantShown(key(200), 4)
}

func TestAFeedThatFailsOnceDoesNotHaveAllOfKatanaRead(t *testing.T) {
	w := catalogue(t, 100)
	w.has(7, 10, 4)
	w.name(7)
	w.katana.feedFail = errCut // a moment of 503, say, not [inventory.FeedError]
	w.pass(29 * time.Second)
	w.katana.asked = nil
	_, _ = w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Incremental})
	if n := len(w.katana.asked); n > 20 {
		t.Errorf("%d of 100 variants were read", n)
	}
	w.katana.feedFail = nil
	w.incremental()
	w.wantShown(key(7), 4)
}

// TestAStoreThatIsPlannedPartByPartIsPlannedAsOne has the first item raised and
// the last one lowered, in a store of which no part holds both.
func TestAStoreThatIsPlannedPartByPartIsPlannedAsOne(t *testing.T) {
	v := newVast(15_000)
	first, last := v.level(0, 1), v.level(v.skus-1, 1)
	v.shows[first.Key], v.shows[last.Key] = first.Available-1, last.Available+2
	r := v.reconciler(t, newKept())
	report := v.runs(t, r, inventory.Full)
	if s := report.Stores[0]; s.Levels != 15_000 || s.InStep != 14_998 || s.Drifted != 2 || s.Applied != 1 || s.Waiting != 1 {
		t.Errorf("got %d levels, %d in step, %d drifted, %d written and %d waiting, want 15000, 14998, 2, 1 and 1", s.Levels, s.InStep, s.Drifted, s.Applied, s.Waiting)
	}
	v.shows[last.Key] = last.Available + 3
	v.now = v.now.Add(settle)
	v.written = nil
	v.runs(t, r, inventory.Full)
	if len(v.written) != 2 || v.written[0].Key != last.Key || v.written[1].Key != first.Key {
		t.Errorf("got %+v written, want the reduction of %s before the raise of %s", v.written, last.Key, first.Key)
	}
}

// TestASKUThatStandsInTwoPartsOfAStoreIsFoundToRepeat has the last item carry
// the SKU of the first.
func TestASKUThatStandsInTwoPartsOfAStoreIsFoundToRepeat(t *testing.T) {
	v := newVast(15_000)
	v.named = map[int]inventory.SKU{v.skus - 1: vastSKU(0)}
	report := v.runs(t, v.reconciler(t, newKept()), inventory.Full)
	s := report.Stores[0]
	if len(s.DuplicateSKUs) != 1 || s.DuplicateSKUs[0].SKU != vastSKU(0) || len(s.DuplicateSKUs[0].Variants) != 2 {
		t.Errorf("got %+v, want %s on two variants", s.DuplicateSKUs, vastSKU(0))
	}
	if s.DuplicateStock == nil || s.DuplicateStock.SKUs != 1 || s.DuplicateStock.Offered != 2*s.DuplicateStock.Has || s.DuplicateStock.Has == 0 {
		t.Errorf("got %+v, want the stock of one SKU offered twice", s.DuplicateStock)
	}
	if len(s.NearMisses) != 0 {
		t.Errorf("got %+v, want no SKU that almost matches", s.NearMisses)
	}
}

func TestTheLogSaysThatTheSweepIsBehindOnceItHasBeenForAWhile(t *testing.T) {
	w := catalogue(t, 3000)
	w.sweepAtLeast = 250
	var log strings.Builder
	w.log = slog.New(slog.NewTextHandler(&log, nil))
	w.start()
	w.cycle()
	left := 100
	w.katana.spare = func(time.Duration) int { return left }
	w.incremental()
	left = 0 // for a moment, as after a full cycle
	w.incremental()
	left = 100
	for range 30 {
		w.incremental()
	}
	if strings.Contains(log.String(), "too large") {
		t.Errorf("a moment without requests is told: %s", log.String())
	}
	left = 0
	for range 30 {
		w.incremental()
	}
	if got := strings.Count(log.String(), "too large for the limit of requests"); got != 1 {
		t.Errorf("after a quarter of an hour without requests it is told %d times", got)
	}
}
