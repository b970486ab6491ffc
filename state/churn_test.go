package state

import (
	"math/rand/v2"
	"testing"
	"time"

	"stocksyncd/reconcile/inventory"
)

// TestChurnNeverLooksLikeDamage: pages split, merge, empty and fill again in
// every way, and the file stays one that is trusted.
func TestChurnNeverLooksLikeDamage(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	random := rand.New(rand.NewPCG(21, 2))
	now := epoch
	opts := Options{KeepHistory: 20 * time.Hour, Now: func() time.Time { return now }}
	kept := map[inventory.Key]inventory.Seen{}
	for round := range 40 {
		s := mustOpenUnsynced(t, path, opts)
		if len(s.Notes()) != 0 {
			t.Fatalf("round %d: %q", round, s.Notes())
		}
		got, err := s.Store("main")
		must(t, err)
		same(t, "levels", got.Levels, kept)
		for range 3 {
			now = now.Add(time.Hour)
			seen := inventory.Observation{Levels: map[inventory.Key]inventory.Seen{}, Memory: inFlight(random.IntN(90))}
			from, span := random.IntN(3000), 1+random.IntN(2000)
			for i := from; i < from+span; i++ {
				switch key := level(1 + i); random.IntN(3) {
				case 0:
					seen.Gone = append(seen.Gone, key)
					delete(kept, key)
				case 1:
					seen.Levels[key] = seenUnits(random.IntN(100))
					kept[key] = seen.Levels[key]
				}
			}
			if random.IntN(6) == 0 { // all of them
				for key := range kept {
					seen.Gone = append(seen.Gone, key)
				}
				clear(kept)
				clear(seen.Levels)
			}
			must(t, s.Observe("main", seen))
			cycle, err := s.Begin()
			must(t, err)
			id, err := s.Intend(batchOf("main", cycle, 2))
			must(t, err)
			must(t, s.Settle("main", inventory.Settled{ID: id}))
			report := reportOf(cycle, now)
			report.Error = string(make([]byte, random.IntN(20_000)))
			must(t, s.Finish(inventory.Finish{Report: report}))
		}
		mustClose(t, s)
	}
}
