package state

import (
	"maps"
	"math/rand/v2"
	"slices"
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
	kept, writes := map[inventory.Key]inventory.Seen{}, pastWrites{}
	for round := range 40 {
		s := mustOpenUnsynced(t, path, opts)
		if len(s.Notes()) != 0 {
			t.Fatalf("round %d: %q", round, s.Notes())
		}
		got, err := s.Store("main")
		must(t, err)
		same(t, "levels", got.Levels, kept)
		same(t, "writes", dumpOf(t, s, "main").Writes, writes.since(now.Add(-opts.KeepHistory)))
		for range 3 {
			now = now.Add(time.Hour)
			seen := inventory.Observation{Levels: map[inventory.Key]inventory.Seen{}, Memory: inFlight(random.IntN(90))}
			from, span := random.IntN(3000), 1+random.IntN(2000)
			for i := from; i < from+span; i++ {
				switch key := level(1 + i); random.IntN(3) {
				case 0:
					seen.Gone = append(seen.Gone, key)
					delete(kept, key)
					delete(writes, key)
				case 1:
					seen.Levels[key] = seenUnits(random.IntN(100))
					kept[key] = seen.Levels[key]
				}
			}
			if random.IntN(6) == 0 { // all of them
				seen.Gone = slices.AppendSeq(slices.AppendSeq(seen.Gone, maps.Keys(kept)), maps.Keys(writes))
				clear(kept)
				clear(seen.Levels)
				clear(writes)
			}
			must(t, s.Observe("main", seen))
			cycle, err := s.Begin()
			must(t, err)
			intent := batchOf("main", cycle, 2)
			intent.At = now
			for range random.IntN(inventory.BatchSize) {
				change := intent.Changes[0]
				change.Key = level(1 + random.IntN(4000))
				intent.Changes = append(intent.Changes, change)
			}
			id, err := s.Intend(intent)
			must(t, err)
			outcomes := outcomesOf(intent, inventory.Applied, inventory.Stale, inventory.Unsent)
			must(t, s.Settle("main", inventory.Settled{ID: id, Outcomes: outcomes}))
			writes.settle(intent, outcomes)
			report := reportOf(cycle, now)
			report.Error = string(make([]byte, random.IntN(20_000)))
			must(t, s.Finish(inventory.Finish{Report: report}))
		}
		mustClose(t, s)
	}
}
