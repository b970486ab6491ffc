package state

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

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

// BenchmarkSettle250 settles batches of lines that were not sent, which no
// level remembers, and of lines that were, over many levels with a past of
// their own: the difference is what the last writes cost.
func BenchmarkSettle250(b *testing.B) {
	for _, bench := range []struct {
		name   string
		result inventory.Result
	}{{"skipped", inventory.Skipped}, {"applied", inventory.Applied}} {
		b.Run(bench.name, func(b *testing.B) {
			s := mustOpen(b, newPath(b))
			defer mustClose(b, s)
			must(b, s.Observe("main", inventory.Observation{Levels: seenLevels(100_000, 5)}))
			remember(b, s, 100_000)
			intent := batchOf("main", 9, 9)
			change := intent.Changes[0]
			intent.Changes = nil
			for i := range inventory.BatchSize {
				change.Item = inventory.ItemID(i*397 + 1) // no two on one page
				intent.Changes = append(intent.Changes, change)
			}
			found := inventory.Settled{Outcomes: outcomesOf(intent, bench.result), Levels: seenLevels(inventory.BatchSize, 9)}
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				id, err := s.Intend(intent)
				must(b, err)
				b.StartTimer()
				found.ID = id
				must(b, s.Settle("main", found))
			}
		})
	}
}

// remember gives the first levels of main five writes each.
func remember(b *testing.B, s *Store, count int) {
	b.Helper()
	s.db.NoSync = true
	defer func() { s.db.NoSync = false }()
	for first := 1; first <= count; first += most {
		must(b, s.update(func(tx *bolt.Tx) error {
			stores, err := makeBuckets(tx, "main")
			if err != nil {
				return err
			}
			for cycle := range uint64(lastWrites) {
				batch := settledBatch{Cycle: cycle + 1, Store: "main", Sent: epoch}
				for item := first; item < first+most && item <= count; item++ {
					change := inventory.Change{Key: level(item), From: 5, To: 9, Reason: inventory.ReasonDrift}
					batch.Outcomes = append(batch.Outcomes, inventory.Outcome{Change: change, Result: inventory.Applied})
				}
				if err := stores.note(batch, time.Time{}); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

// million makes a file of a million levels, of which one in ten has been
// written as often as is remembered.
func million(b *testing.B) (path string) {
	b.Helper()
	path = newPath(b)
	s := mustOpen(b, path)
	must(b, s.Observe("main", inventory.Observation{Levels: seenLevels(1_000_000, 5)}))
	remember(b, s, 100_000)
	mustClose(b, s)
	return path
}

func BenchmarkWritesAmong1000000Levels(b *testing.B) {
	s := mustOpenWith(b, million(b), Options{ReadOnly: true, Now: clock})
	defer mustClose(b, s)
	b.ReportAllocs()
	for item := 0; b.Loop(); item++ {
		got, err := s.Writes(level(item%100_000 + 1))
		must(b, err)
		if len(got) != lastWrites {
			b.Fatal(len(got))
		}
	}
}

func BenchmarkOpen1000000Levels(b *testing.B) {
	path := million(b)
	b.ReportAllocs()
	for b.Loop() {
		mustClose(b, mustOpen(b, path))
	}
	b.ReportMetric(float64(sizeOf(b, path))/(1<<20), "MiB")
}

// week makes a file of a million levels and of seven days with a cycle every
// 30 s, which write one percent of 10,000 SKUs an hour, and of a look that
// found every level changed.
func week(b *testing.B) *Store {
	b.Helper()
	s := mustOpenUnsynced(b, newPath(b), Options{KeepHistory: 90 * 24 * time.Hour, Now: clock})
	levels := realLevels(1_000_000)
	must(b, s.Observe("main", inventory.Observation{Levels: levels}))
	newShopfloor(s).hours(b, 7*24, 100)
	for key := range levels {
		levels[key] = seenUnits(3)
	}
	must(b, s.Observe("main", inventory.Observation{Levels: levels}))
	s.db.NoSync = false
	return s
}

func BenchmarkOpen1000000LevelsAndAWeek(b *testing.B) {
	s := week(b)
	must(b, s.rewrite())
	mustClose(b, s)
	b.ReportAllocs()
	for b.Loop() {
		mustClose(b, mustOpen(b, s.path))
	}
	b.ReportMetric(float64(sizeOf(b, s.path))/(1<<20), "MiB")
}

func BenchmarkCompact1000000LevelsAndAWeek(b *testing.B) {
	s := week(b)
	defer mustClose(b, s)
	before := sizeOf(b, s.path)
	b.ReportAllocs()
	for b.Loop() {
		must(b, s.rewrite())
	}
	b.ReportMetric(float64(before)/(1<<20), "MiB-before")
	b.ReportMetric(float64(sizeOf(b, s.path))/(1<<20), "MiB-after")
}

// BenchmarkMigrate2000FullBatches opens a file of layout 1 with the longest
// history that is read for the new one.
func BenchmarkMigrate2000FullBatches(b *testing.B) {
	full := make([]string, replayed)
	for i := range full {
		batch := batchOf("main", uint64(i+1), 9)
		change := batch.Changes[0]
		for item := range inventory.BatchSize - 1 {
			change.Item = inventory.ItemID(i*inventory.BatchSize + item + 1)
			batch.Changes = append(batch.Changes, change)
		}
		text, err := json.Marshal(settledBatch{batch.Cycle, batch.Store, batch.Key, batch.At, outcomesOf(batch, inventory.Applied)})
		must(b, err)
		full[i] = string(text)
	}
	file := firstFile(b, full)
	db, err := bolt.Open(file, 0o600, nil)
	must(b, err)
	must(b, db.Update(func(tx *bolt.Tx) error {
		levels := tx.Bucket(bucketStores).Bucket([]byte("main")).Bucket(keyLevels)
		for item := range replayed * inventory.BatchSize {
			k := encodeKey(level(item + 1))
			if err := levels.Put(k, encodeSeen("main", k, seenUnits(5))); err != nil {
				return err
			}
		}
		return nil
	}))
	must(b, db.Close())
	data, err := os.ReadFile(file)
	must(b, err)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		path := newPath(b)
		must(b, os.WriteFile(path, data, 0o600))
		b.StartTimer()
		mustClose(b, mustOpen(b, path))
	}
}
