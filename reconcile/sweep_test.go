package reconcile

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/inventory"
)

func TestWhetherTheSweepOfAShopComesRoundInTime(t *testing.T) {
	shop := func(variants, kits, locations int, within time.Duration) Sweep {
		return Sweep{Variants: variants, Kits: kits, Locations: locations, Within: within}
	}
	for _, test := range []struct {
		name      string
		sweep     Sweep
		every     time.Duration
		perMinute int
		hourly    int
		round     time.Duration
	}{
		{"a small shop", shop(1650, 0, 3, time.Hour), 30 * time.Second, 60, 21, time.Hour},
		{"kits count four times", shop(1000, 250, 1, time.Hour), 30 * time.Second, 60, 8, time.Hour},
		{"half the time is twice the requests", shop(1000, 0, 1, 30*time.Minute), 30 * time.Second, 60, 8, 30 * time.Minute},
		{"nothing to sweep", shop(0, 0, 1, time.Hour), 30 * time.Second, 60, 0, time.Hour},
		{"too much for an hour", shop(300_000, 0, 3, time.Hour), 30 * time.Second, 60, 3600, 110 * time.Minute},
		{"so many locations that no request is left for one at each", shop(1650, 0, 19, time.Hour), 30 * time.Second, 60, 133, time.Hour},
		{"more locations than a page has rows", shop(1650, 0, 300, time.Hour), 30 * time.Second, 60, 2100, 0},
		{"cycles so close that the feeds take all", shop(1650, 0, 3, time.Hour), 10 * time.Second, 60, 21, 0},
		{"cycles too far apart", shop(1650, 0, 3, time.Hour), 2 * time.Hour, 60, 21, 2 * time.Hour},
	} {
		if got := test.sweep.Hourly(); got != test.hourly {
			t.Errorf("%s: %d requests an hour, want %d", test.name, got, test.hourly)
		}
		if got := test.sweep.Round(test.every, test.perMinute); got != test.round {
			t.Errorf("%s: comes round in %s, want %s", test.name, got, test.round)
		}
	}
}

// TestTheSweepOfACycleComesRoundAsItIsSaidTo lets cycles take their shares as
// they do, of the time that can be had, and looks at how old the oldest figure
// becomes.
func TestTheSweepOfACycleComesRoundAsItIsSaidTo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sweep := Sweep{
			Variants: rapid.IntRange(1, 4000).Draw(rt, "variants"), Kits: rapid.IntRange(0, 600).Draw(rt, "kits"),
			Locations: rapid.IntRange(1, 4).Draw(rt, "locations"), Within: 10 * time.Minute,
		}
		every := time.Duration(rapid.IntRange(20, 60).Draw(rt, "seconds")) * time.Second
		perMinute := rapid.IntRange(30, 90).Draw(rt, "per minute")
		round := sweep.Round(every, perMinute)
		if round == 0 {
			rt.Skip("the feeds leave nothing")
		}
		var variants []inventory.SourceVariant
		var ids []inventory.SourceVariantID
		for i := range sweep.Variants + sweep.Kits {
			id := inventory.SourceVariantID(i + 1)
			variants, ids = append(variants, inventory.SourceVariant{ID: id, SKU: inventory.SKU(fmt.Sprint("SKU-", i)), Kit: i >= sweep.Variants}), append(ids, id)
		}
		now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
		m := newMirror()
		m.list(variants)
		m.take(ids, nil, now)
		most := sweepable(int(float64(perMinute)*every.Minutes())-feedsMost, sweep.Locations)
		for begin := now; now.Sub(begin) < 3*round; now = now.Add(every) {
			s := m.share(now, round, 0, most)
			m.take(s.ids, nil, now)
			m.sweptBy(s, now)
			if age := now.Sub(m.oldest()); age > round+2*every {
				rt.Fatalf("after %s the oldest figure is %s old, want at most %s and two cycles", now.Sub(begin), age, round)
			}
		}
	})
}
