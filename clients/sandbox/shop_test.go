package sandbox

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func fixedShop(t testing.TB, products int, opts Options) *World {
	t.Helper()
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	opts.Now = func() time.Time { return at }
	return Shop(opts, products)
}

func TestTheShopIsInStepUntilItDrifts(t *testing.T) {
	for _, opts := range []Options{{Seed: 1}, {Seed: 2, Stores: []StoreOptions{{}, {Name: "wholesale"}}}} {
		w := fixedShop(t, 200, opts)
		levels := w.comparable()
		if len(levels) < 500 {
			t.Errorf("%d levels, want a shop of at least 500", len(levels))
		}
		for _, l := range levels {
			if got, _ := w.Available(l.Store, l.SKU, l.Location); got != l.Desired {
				t.Errorf("%s at %s of %s shows %d, want %d", l.SKU, l.Location, l.Store, got, l.Desired)
			}
		}
		drifted := Drift(w, 7)
		kinds := map[string]int{}
		for _, d := range drifted {
			kinds[d.Kind]++
			if got, _ := w.Available(d.Store, d.SKU, d.Location); got != d.Available || got == d.Desired {
				t.Errorf("%+v shows %d", d, got)
			}
		}
		if len(kinds) != len(driftKinds) {
			t.Errorf("kinds of drift: %v, want all of %v", kinds, driftKinds)
		}
		if share := float64(len(drifted)) / float64(len(levels)); share < 0.05 || share > 0.2 {
			t.Errorf("%.2f of the levels have drifted", share)
		}
		if missed := w.Missed(); len(missed) > 0 {
			t.Errorf("missed: %v", missed)
		}
	}
}

func TestTheSameSeedGivesTheSameShop(t *testing.T) {
	one, two, other := fixedShop(t, 60, Options{Seed: 3}), fixedShop(t, 60, Options{Seed: 3}), fixedShop(t, 60, Options{Seed: 4})
	same := func(a, b *World) bool {
		left, _ := json.Marshal([]any{a.Summary(), a.comparable(), Drift(a, 1)})
		right, _ := json.Marshal([]any{b.Summary(), b.comparable(), Drift(b, 1)})
		return reflect.DeepEqual(left, right)
	}
	if !same(one, two) {
		t.Error("two shops of one seed differ")
	}
	if same(fixedShop(t, 60, Options{Seed: 3}), other) {
		t.Error("shops of two seeds are the same")
	}
}
