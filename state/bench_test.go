package state

import (
	"cmp"
	"encoding/json"
	"os"
	"slices"
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

// The snapshot of a large shop: a million levels of a third as many items, and
// as many variants of Katana with three rows each.
const (
	largeVariants = 333_333
	largeLevels   = 1_000_000
)

// largePart is a full reading of so many variants.
func largePart(count int) inventory.SourceRead {
	part := inventory.SourceRead{Read: make(map[inventory.SourceVariantID]time.Time, count), Head: headOf(1)}
	for n := range count {
		id := inventory.SourceVariantID(31_000_000 + n*3)
		part.Variants = append(part.Variants, inventory.SourceVariant{ID: id, SKU: realSKU(n), Created: epoch, Kit: n%10 == 0})
		part.Read[id] = epoch.Add(time.Duration(n) * time.Millisecond)
		for location := range 3 {
			part.Stock = append(part.Stock, inventory.Stock{
				Variant: id, Location: inventory.SourceLocationID(160_000 + location*17),
				InStock: inventory.Quantity(n%200) * inventory.Scale, Committed: inventory.Quantity(n%9) * inventory.Scale,
			})
		}
		if n%10 == 0 {
			part.Head.Ingredients = append(part.Head.Ingredients, inventory.Ingredient{Product: id, Variant: id + 3, Quantity: inventory.Scale})
		}
	}
	return part
}

// largeLook is a full look at so many levels, at three locations.
func largeLook(count int) inventory.Observation {
	seen := inventory.Observation{Levels: make(map[inventory.Key]inventory.Seen, count), Memory: inFlight(2)}
	seen.Memory.Look = inventory.Look{Whole: epoch, Mark: epoch}
	for n := range count {
		key := realLevel(n / 3)
		key.Location += inventory.LocationID(n % 3 * 40_961)
		seen.Levels[key] = seenUnits(n % 90)
		if n%3 == 0 {
			seen.Items = append(seen.Items, inventory.Item{ID: key.Item, Variant: inventory.VariantID(realID(n) - 1_812_344_991), SKU: realSKU(n / 3)})
		}
	}
	return seen
}

// largeShop makes a file with both sides of a large shop and a week of history.
func largeShop(b *testing.B) *Store {
	b.Helper()
	s := mustOpenUnsynced(b, newPath(b), Options{KeepHistory: 90 * 24 * time.Hour, Now: clock})
	must(b, s.Observe("main", largeLook(largeLevels)))
	must(b, s.Read(largePart(largeVariants)))
	newShopfloor(s).hours(b, 7*24, 100)
	must(b, s.rewrite())
	return s
}

func BenchmarkOpenALargeShop(b *testing.B) {
	s := largeShop(b)
	mustClose(b, s)
	b.ReportAllocs()
	for b.Loop() {
		mustClose(b, mustOpen(b, s.path))
	}
	b.ReportMetric(float64(sizeOf(b, s.path))/(1<<20), "MiB")
}

func BenchmarkLoadALargeShop(b *testing.B) {
	s := largeShop(b)
	defer mustClose(b, s)
	b.Run("mirror", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if got := mustMirror(b, s); len(got.Stock) != largeVariants*3 {
				b.Fatal(len(got.Stock))
			}
		}
	})
	b.Run("store", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			got, err := s.Store("main")
			must(b, err)
			if len(got.Items) != (largeLevels+2)/3 {
				b.Fatal(len(got.Items))
			}
		}
	})
}

// BenchmarkAnIdleCycleOfALargeShop reads 250 variants again and finds them as
// they were: those that follow each other, and those that a sweep by age finds
// when the reads before it were of anything.
func BenchmarkAnIdleCycleOfALargeShop(b *testing.B) {
	s := mustOpen(b, newPath(b))
	defer mustClose(b, s)
	all := largePart(largeVariants)
	must(b, s.Read(all))
	for _, bench := range []struct {
		name  string
		apart int
	}{{"in a row", 1}, {"all over", largeVariants / 250}} {
		b.Run(bench.name, func(b *testing.B) {
			before, cycles := s.db.Stats(), 0
			for b.Loop() {
				part := inventory.SourceRead{Read: map[inventory.SourceVariantID]time.Time{}, Head: all.Head}
				for n := range 250 {
					at := (n*bench.apart + cycles*250) % largeVariants
					part.Variants = append(part.Variants, all.Variants[at])
					part.Stock = append(part.Stock, all.Stock[at*3:at*3+3]...)
					part.Read[all.Variants[at].ID] = epoch.Add(time.Duration(cycles) * time.Minute)
				}
				slices.SortFunc(part.Stock, func(a, b inventory.Stock) int {
					return cmp.Or(cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Location, b.Location))
				})
				must(b, s.Read(part))
				cycles++
			}
			after := s.db.Stats()
			written := after.Sub(&before).TxStats
			b.ReportMetric(float64(written.GetPageAlloc())/float64(cycles)/1024, "KiB/cycle")
			b.ReportMetric(251, "keys/cycle") // the recipes stay as they were
		})
	}
}

// BenchmarkRecordALargeShop records all of both sides at once, as a full cycle
// may.
func BenchmarkRecordALargeShop(b *testing.B) {
	s := mustOpen(b, newPath(b))
	defer mustClose(b, s)
	part, look := largePart(largeVariants), largeLook(largeLevels)
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			must(b, s.Read(part))
		}
	})
	b.Run("observe", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			must(b, s.Observe("main", look))
		}
	})
}
