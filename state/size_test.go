package state

import (
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// pastes are pasts that a file may have to keep: how many levels are written
// an hour, how many wait all the time, and how much a day may cost.
var pastes = []struct {
	name          string
	writes, waits int
	most          float64 // MiB a day
}{
	{"quiet", 0, 0, 0.2},
	{"100 writes an hour", 100, 0, 1},
	{"10,000 writes a day", 417, 0, 1.5},
	{"100 writes an hour while 500 levels wait", 100, 500, 1},
}

// dayOf gives what a day of cycles adds to the history of a file, in MiB, from
// some hours of it. The last writes of the levels are beside it: they are as
// many as are remembered sooner or later.
func dayOf(t testing.TB, hours, writes, waits int) float64 {
	t.Helper()
	s := mustOpenUnsynced(t, newPath(t), Options{KeepHistory: 90 * 24 * time.Hour, Now: clock})
	defer mustClose(t, s)
	f := newShopfloor(s)
	f.wait(waits)
	f.hours(t, 1, writes)
	before := historyOf(t, s)
	f.hours(t, hours, writes)
	return float64(historyOf(t, s)-before) / (1 << 20) * 24 / float64(hours)
}

// historyOf is how many bytes of a file are the pages of its history.
func historyOf(t testing.TB, s *Store) (bytes int) {
	t.Helper()
	must(t, s.view(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketHistory, bucketSettled, bucketHours, bucketLast} {
			stats := tx.Bucket(name).Stats()
			bytes += stats.LeafAlloc + stats.BranchAlloc
		}
		return nil
	}))
	return bytes
}

func TestADayOfHistoryIsSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("the size is the same in every build, and the race detector takes long to make it")
	}
	t.Parallel()
	for _, past := range pastes {
		if got := dayOf(t, 1, past.writes, past.waits); got > past.most {
			t.Errorf("%s: a day adds %.2f MiB to the file, want at most %v", past.name, got, past.most)
		}
	}
}

// TestALargeShopTakesLittleMoreThanItsLevels: a million of them, and a week of
// history at the limit of the test above, are well below 250 MiB then.
func TestALargeShopTakesLittleMoreThanItsLevels(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := mustOpenUnsynced(t, path, Options{Now: clock})
	defer mustClose(t, s)
	const levels = 100_000
	must(t, s.Observe("main", inventory.Observation{Levels: realLevels(levels)}))
	must(t, s.rewrite())
	if got := float64(sizeOf(t, path)) / levels; got > 80 {
		t.Errorf("a level takes %.0f bytes, want at most 80", got)
	}
}

// TestBothSidesOfALargeShopFitWithAWeek measures a tenth of one: with a week of
// history at the limit of the test above, all of it is below 250 MiB.
func TestBothSidesOfALargeShopFitWithAWeek(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := mustOpenUnsynced(t, path, Options{Now: clock})
	defer mustClose(t, s)
	must(t, s.Observe("main", largeLook(largeLevels/10)))
	must(t, s.Read(largePart(largeVariants/10)))
	must(t, s.rewrite())
	const week = 7 * 1.5
	if got := float64(sizeOf(t, path))/(1<<20)*10 + week; got > 200 {
		t.Errorf("a large shop takes %.0f MiB, want at most 200", got)
	}
}

func BenchmarkADayOfHistory(b *testing.B) {
	for _, past := range pastes {
		b.Run(past.name, func(b *testing.B) {
			var day float64
			for b.Loop() {
				day = dayOf(b, 8, past.writes, past.waits)
			}
			b.ReportMetric(day, "MiB/day")
			b.ReportMetric(day*90, "MiB/90days")
		})
	}
}

// BenchmarkACycleOf10000Writes tells what one of them leaves behind.
func BenchmarkACycleOf10000Writes(b *testing.B) {
	s := mustOpenUnsynced(b, newPath(b), Options{Now: clock})
	defer mustClose(b, s)
	f := newShopfloor(s)
	f.cycle(b, 10_000) // their levels, and their first writes
	before, cycles := historyOf(b, s), 0
	for b.Loop() {
		f.cycle(b, 10_000)
		cycles++
	}
	b.ReportMetric(float64(historyOf(b, s)-before)/float64(cycles)/1024, "KiB/cycle")
}

func TestAReportOfManyLevelsIsReadAsItWas(t *testing.T) {
	s := mustOpenUnsynced(t, newPath(t), Options{Now: clock})
	defer mustClose(t, s)
	f := newShopfloor(s)
	f.wait(10_000)
	f.cycle(t, 0)
	last, err := s.Last()
	must(t, err)
	same(t, "changes", last.Stores[0].Changes, f.waiting)
	same(t, "what waits", last.Stores[0].Waiting, 10_000)
	same(t, "first change", last.Stores[0].Changes[0].Outcome, inventory.Waiting)
}
