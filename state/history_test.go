package state

import (
	"errors"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// hourOf is what reports of one hour add up to.
func hourOf(reports ...*inventory.Report) inventory.Hour {
	hour := inventory.Hour{Start: inventory.HourOf(reports[0].Started)}
	for _, report := range reports {
		hour.Add(report)
	}
	return hour
}

// item is one change of main in a report.
func item(n int, outcome inventory.Result, to int) inventory.ChangeReport {
	o := outcomesOf(batchOf("main", 1, to), outcome)[0]
	o.Item = inventory.ItemID(n)
	return inventory.ReportChange(o)
}

// reportWith is a report of main with these changes.
func reportWith(cycle uint64, at time.Time, changes ...inventory.ChangeReport) *inventory.Report {
	report := reportOf(cycle, at)
	report.Stores[0].Changes = changes
	report.Stores[0].Drifted = len(changes)
	return report
}

// finish records the reports, one cycle each.
func finish(t testing.TB, s *Store, reports ...*inventory.Report) {
	t.Helper()
	for _, report := range reports {
		must(t, s.Finish(inventory.Finish{Report: report}))
	}
}

// cyclesOf lists the cycles of a history.
func cyclesOf(t testing.TB, s *Store, limit int) (cycles []uint64) {
	t.Helper()
	reports, err := s.History(limit)
	must(t, err)
	for _, r := range reports {
		cycles = append(cycles, r.Cycle)
	}
	return cycles
}

func TestHistoryIsNewestFirstAndEndsWhereItIsTooOld(t *testing.T) {
	now := epoch
	s := mustOpenWith(t, newPath(t), Options{KeepHistory: 3 * time.Hour, Now: func() time.Time { return now }})
	defer mustClose(t, s)
	for cycle := uint64(1); cycle <= 6; cycle++ {
		id, err := s.Intend(batchOf("main", cycle, 9))
		must(t, err)
		if cycle != 2 { // this one stays open, however old
			must(t, s.Settle("main", inventory.Settled{ID: id, Outcomes: outcomesOf(batchOf("main", cycle, 9), inventory.Applied)}))
		}
		finish(t, s, reportWith(cycle, now, item(7, inventory.Rejected, int(cycle)))) // which does not tell of the batch
		now = now.Add(time.Hour)
	}
	now = now.Add(-time.Hour)

	same(t, "cycles", cyclesOf(t, s, 0), []uint64{6, 5, 4, 3})
	same(t, "two", cyclesOf(t, s, 2), []uint64{6, 5})
	same(t, "one", cyclesOf(t, s, 1), []uint64{6})
	if _, err := s.Report(2); !errors.Is(err, ErrNoCycle) {
		t.Errorf("cycle 2: got %v, want ErrNoCycle", err)
	}
	kept, err := s.Store("main")
	must(t, err)
	if len(kept.Open) != 1 || kept.Open[0].Cycle != 2 {
		t.Errorf("got open batches %+v, want that of cycle 2", kept.Open)
	}
	if got := len(settledIn(t, s)); got != 4 {
		t.Errorf("got %d settled batches, want 4", got)
	}
	hours, err := s.Hours(time.Time{})
	must(t, err)
	if len(hours) != 4 || !hours[0].Start.Equal(epoch.Add(2*time.Hour)) {
		t.Errorf("got hours %+v, want four from the third on", hours)
	}
	hours, err = s.Hours(now.Add(-59 * time.Minute))
	must(t, err)
	if len(hours) != 2 || hours[1].Cycles != 1 {
		t.Errorf("got hours %+v, want the last two", hours)
	}
}

func TestQuietCyclesAreCountedAndNotKept(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	var all []*inventory.Report
	for cycle := uint64(1); cycle <= 200; cycle++ {
		report := reportOf(cycle, epoch.Add(time.Duration(cycle)*30*time.Second))
		report.DurationMS, report.Requests["katana"] = int64(cycle), inventory.RequestCount{Count: int(cycle), WaitedMS: 4}
		report.Stores[0].Levels, report.Stores[0].InStep = 10, 10
		if cycle == 100 { // one level drifts, and stays so
			report.Error = "katana stock: page 2: incomplete read"
		}
		if cycle > 150 {
			report.Stores[0].InStep, report.Stores[0].Drifted = 9, 1
		}
		finish(t, s, report)
		all = append(all, report)
	}
	same(t, "cycles", cyclesOf(t, s, 0), []uint64{200, 151, 101, 100, 1})
	last, err := s.Last()
	must(t, err)
	same(t, "newest", last, all[199])
	report, err := s.Report(100)
	must(t, err)
	same(t, "the cycle that failed", report, all[99])
	if _, err := s.Report(102); !errors.Is(err, ErrNoCycle) {
		t.Errorf("got %v of a quiet cycle, want ErrNoCycle", err)
	}
	hours, err := s.Hours(time.Time{})
	must(t, err)
	same(t, "hours", hours, []inventory.Hour{hourOf(all[:119]...), hourOf(all[119:]...)})
	if hours[0].Failed != 1 || hours[1].Stores[0].InStep != 31*10+50*9 {
		t.Errorf("got %+v", hours)
	}
}

func TestWhatWaitsIsToldOnceAndByTheNewestReport(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	waits, held, left := item(1, inventory.Waiting, 9), item(2, inventory.Held, 9), item(3, inventory.Skipped, 9)
	moved := waits
	moved.From--
	finish(t, s,
		reportWith(1, epoch, waits, held, left),
		reportWith(2, epoch, waits, held, left),
		reportWith(3, epoch, moved, held, left), // one was sold
		reportWith(4, epoch, moved, item(2, inventory.Applied, 9), left),
		reportWith(5, epoch, moved, left),
		reportWith(6, epoch, waits, held, left), // a level waits again
		reportWith(7, epoch, waits, held, left),
	)
	reports, err := s.History(0)
	must(t, err)
	told := map[uint64][]inventory.ChangeReport{}
	for _, report := range reports {
		told[report.Cycle] = report.Stores[0].Changes
		one, err := s.Report(report.Cycle)
		must(t, err)
		same(t, "report", *one, report)
	}
	same(t, "changes by cycle", told, map[uint64][]inventory.ChangeReport{
		1: {waits, held, left}, 3: {moved}, 4: {item(2, inventory.Applied, 9)}, 5: {}, 6: {waits, held}, 7: {waits, held, left},
	})
	if got := reports[len(reports)-2].Stores[0].Drifted; got != 3 {
		t.Errorf("cycle 3 counts %d levels that drifted, want all 3", got)
	}
}

func TestAnotherStoresSameLevelIsNoRepetition(t *testing.T) {
	waits := item(1, inventory.Waiting, 9)
	before, report := reportWith(1, epoch, waits), reportWith(2, epoch, waits)
	report.Stores[0].Name = "outlet"
	told := news(report, before)
	if told == nil || !slices.Equal(told.Stores[0].Changes, report.Stores[0].Changes) {
		t.Errorf("got %+v, want the change of the other store", told)
	}
}

func TestAllThatACycleWroteIsKept(t *testing.T) {
	s := mustOpenUnsynced(t, newPath(t), Options{Now: clock, KeepHistory: 90 * 24 * time.Hour})
	defer mustClose(t, s)
	f := newShopfloor(s)
	f.waiting = []inventory.ChangeReport{inventory.ReportChange(inventory.Outcome{Change: f.change(4), Result: inventory.Waiting})}
	var want []inventory.Report
	for _, writes := range []int{10_000, 0, 3, 3, 0, 251, 0, 0} {
		f.cycle(t, writes)
		last, err := s.Last()
		must(t, err)
		want = append(want, *last)
	}
	for i, whole := range want {
		if whole.Stores[0].Applied == 0 {
			continue
		}
		report, err := s.Report(whole.Cycle)
		must(t, err)
		if i > 0 { // what waits was told by the first
			whole.Stores[0].Changes = whole.Stores[0].Changes[1:]
		}
		same(t, "report", *report, whole)
	}
	if batches := settledIn(t, s); len(batches) != 0 {
		t.Errorf("%d batches are kept beside the reports that tell of them", len(batches))
	}
}

func TestASettledBatchStaysUntilAReportTellsOfIt(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	settle := func(cycle uint64, to int, results ...inventory.Result) {
		t.Helper()
		intent := batchOf("main", cycle, to)
		intent.Changes = append(intent.Changes, intent.Changes[0])
		intent.Changes[1].Item = 2
		id, err := s.Intend(intent)
		must(t, err)
		must(t, s.Settle("main", inventory.Settled{ID: id, Outcomes: outcomesOf(intent, results...)}))
	}
	kept := func() (cycles []uint64) {
		for _, batch := range settledIn(t, s) {
			cycles = append(cycles, batch.Cycle)
		}
		return cycles
	}
	settle(1, 9, inventory.Applied)
	// Cycle 1 is cut off here.
	settle(2, 8, inventory.Applied, inventory.Stale)
	settle(2, 7, inventory.Stale, inventory.Rejected)
	finish(t, s, reportWith(2, epoch, item(1, inventory.Applied, 8), item(2, inventory.Stale, 7)))
	same(t, "cycles of kept batches", kept(), []uint64{1})
	settle(3, 6, inventory.Applied)
	settle(3, 5, inventory.Applied)
	// The second line of the first batch is missing.
	finish(t, s, reportWith(3, epoch, item(1, inventory.Applied, 6), item(1, inventory.Applied, 5), item(2, inventory.Applied, 5)))
	same(t, "cycles of kept batches", kept(), []uint64{1, 3})
	same(t, "the batch that is kept", settledIn(t, s)[1].Outcomes[1].To, inventory.Units(6))
}

func TestTheNewestReportOutlivesTheHistory(t *testing.T) {
	now := epoch
	path := newPath(t)
	opts := Options{KeepHistory: time.Hour, Now: func() time.Time { return now }}
	s := mustOpenWith(t, path, opts)
	finish(t, s, reportOf(1, epoch), reportOf(2, epoch))
	now = now.Add(3 * time.Hour)
	finish(t, s, reportOf(3, epoch.Add(time.Minute))) // a cycle that took hours
	mustClose(t, s)
	s = mustOpenWith(t, path, opts)
	defer mustClose(t, s)
	same(t, "cycles", cyclesOf(t, s, 0), []uint64{3})
	must(t, s.view(func(tx *bolt.Tx) error {
		if n := tx.Bucket(bucketLast).Stats().KeyN; n != 1 {
			t.Errorf("got %d newest reports", n)
		}
		return nil
	}))
}
