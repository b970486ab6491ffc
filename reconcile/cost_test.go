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
