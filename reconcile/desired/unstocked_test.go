package desired_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// TestAnItemIsMissingWhereItWouldHaveAFigureIfItWereStocked asks for each level
// that is not there on its own, whereas Unstocked looks up each item once.
func TestAnItemIsMissingWhereItWouldHaveAFigureIfItWereStocked(t *testing.T) {
	found := 0
	some(t, false, func(r *rand.Rand, raw rawWorld, s rawStore) {
		snap, before := raw.katana.nouns(r)
		catalogue, rules := desired.NewCatalogue(snap, before), s.config(raw.katana)
		var named []inventory.LocationID
		for _, id := range slices.Sorted(maps.Keys(rules.Feeds)) {
			feed := rules.Feeds[id]
			if feed.Named = !one(r, 3); feed.Named {
				named = append(named, id)
			}
			rules.Feeds[id] = feed
		}
		levels := slices.DeleteFunc(s.nouns(), func(inventory.Level) bool { return one(r, 2) })
		slices.SortFunc(levels, func(a, b inventory.Level) int { return a.Compare(b.Key) })
		activating := rules
		activating.Activate = true
		var want []inventory.Level
		for i, level := range levels {
			if i > 0 && levels[i-1].Item == level.Item {
				continue
			}
			for _, level.Location = range named {
				if slices.ContainsFunc(levels, func(l inventory.Level) bool { return l.Key == level.Key }) {
					continue
				}
				level.Available, level.Active, level.Unstocked = 0, false, true
				if figure := catalogue.Figures([]inventory.Level{level}, activating, nil)[0]; figure.Units > 0 {
					want = append(want, level)
				}
			}
		}
		if got := catalogue.Unstocked(levels, rules); !slices.Equal(got, want) {
			t.Fatalf("got %+v, want %+v, of %+v", got, want, levels)
		}
		found += len(want)
	})
	if found < 1000 {
		t.Errorf("only %d levels are missing: the cases say too little", found)
	}
}
