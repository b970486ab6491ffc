package reconcile_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile"
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
