package state

import (
	"testing"

	"stocksyncd/reconcile/inventory"
)

func BenchmarkObserve100000ChangedLevels(b *testing.B) {
	s := mustOpen(b, newPath(b))
	defer mustClose(b, s)
	levels := seenLevels(100_000, 5)
	must(b, s.Observe("main", inventory.Observation{Levels: levels}))
	b.ReportAllocs()
	for b.Loop() {
		must(b, s.Observe("main", inventory.Observation{Levels: levels, Memory: inFlight(2)}))
	}
}

func BenchmarkStore100000Levels(b *testing.B) {
	s := mustOpen(b, newPath(b))
	defer mustClose(b, s)
	must(b, s.Observe("main", inventory.Observation{Levels: seenLevels(100_000, 5)}))
	b.ReportAllocs()
	for b.Loop() {
		got, err := s.Store("main")
		must(b, err)
		if len(got.Levels) != 100_000 {
			b.Fatal(len(got.Levels))
		}
	}
}

func BenchmarkSettle250(b *testing.B) {
	s := mustOpen(b, newPath(b))
	defer mustClose(b, s)
	must(b, s.Observe("main", inventory.Observation{Levels: seenLevels(100_000, 5)}))
	intent := batchOf("main", 1, 9)
	change := intent.Changes[0]
	var outcomes []inventory.Outcome
	intent.Changes = nil
	for i := range inventory.BatchSize {
		change.Item = inventory.ItemID(i + 1)
		intent.Changes = append(intent.Changes, change)
		outcomes = append(outcomes, inventory.Outcome{Change: change, Result: inventory.Applied})
	}
	levels := seenLevels(inventory.BatchSize, 9)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		id, err := s.Intend(intent)
		must(b, err)
		b.StartTimer()
		must(b, s.Settle("main", inventory.Settled{ID: id, Outcomes: outcomes, Levels: levels}))
	}
}

func BenchmarkOpen1000000Levels(b *testing.B) {
	path := newPath(b)
	s := mustOpen(b, path)
	must(b, s.Observe("main", inventory.Observation{Levels: seenLevels(1_000_000, 5)}))
	mustClose(b, s)
	b.ReportAllocs()
	for b.Loop() {
		mustClose(b, mustOpen(b, path))
	}
}
