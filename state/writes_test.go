package state

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"stocksyncd/reconcile/inventory"
)

// pastWrites tells of all writes of all levels, in the order in which they
// were settled: what a state file should remember follows from it.
type pastWrites map[inventory.Key][]inventory.PastWrite

func (p pastWrites) settle(intent inventory.Intent, outcomes []inventory.Outcome) {
	for _, o := range outcomes {
		if o.Result == inventory.Unsent || o.Result == inventory.Skipped {
			continue
		}
		p[o.Key] = append(p[o.Key], inventory.PastWrite{
			Cycle: intent.Cycle, At: intent.At, From: o.From, To: o.To, Result: o.Result, Reason: cmp.Or(o.Because, o.Reason),
		})
	}
}

// since gives the last five writes of each level, newest first, as far as they
// were sent since.
func (p pastWrites) since(from time.Time) map[inventory.Key][]inventory.PastWrite {
	last := map[inventory.Key][]inventory.PastWrite{}
	for key, all := range p {
		var writes []inventory.PastWrite
		for _, w := range slices.Backward(all) {
			if !w.At.Before(from) {
				writes = append(writes, w)
			}
		}
		slices.SortStableFunc(writes, func(a, b inventory.PastWrite) int {
			return cmp.Or(cmp.Compare(b.Cycle, a.Cycle), b.At.Compare(a.At))
		})
		if len(writes) > 0 {
			last[key] = writes[:min(5, len(writes))]
		}
	}
	return last
}

// write sends a batch of one change and settles it.
func write(t testing.TB, s *Store, intent inventory.Intent, result inventory.Result, because inventory.Reason) {
	t.Helper()
	id, err := s.Intend(intent)
	must(t, err)
	must(t, s.Settle(intent.Store, inventory.Settled{ID: id, Outcomes: []inventory.Outcome{{Change: intent.Changes[0], Result: result, Because: because}}}))
}

// told writes the writes of level 1 of main as people read them.
func told(t testing.TB, s *Store) (lines []string) {
	t.Helper()
	writes, err := s.Writes(level(1))
	must(t, err)
	for _, w := range writes {
		lines = append(lines, fmt.Sprintf("%d: %d→%d %s %s %s", w.Cycle, w.From, w.To, w.Result, w.Reason, w.At.Format("15:04")))
	}
	return lines
}

func TestALevelRemembersItsLastFiveWritesNewestFirst(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(1, 5)}))
	for cycle, result := range []inventory.Result{inventory.Applied, inventory.Applied, inventory.Stale, inventory.Rejected, inventory.Applied, inventory.Stale} {
		because := map[inventory.Result]inventory.Reason{inventory.Stale: inventory.ReasonUnknown, inventory.Rejected: inventory.ReasonRefused}[result]
		intent := batchOf("main", uint64(cycle+1), 10+cycle)
		intent.At = epoch.Add(time.Duration(cycle) * time.Minute)
		write(t, s, intent, result, because)
	}
	mustClose(t, s)
	s = mustOpen(t, path)
	defer mustClose(t, s)
	same(t, "writes", told(t, s), []string{
		"6: 5→15 stale answer_lost 08:05",
		"5: 5→14 applied drift 08:04",
		"4: 5→13 rejected refused 08:03",
		"3: 5→12 stale answer_lost 08:02",
		"2: 5→11 applied drift 08:01",
	})
}

func TestWhatWasNotSentIsNoWrite(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	write(t, s, batchOf("main", 1, 8), inventory.Unsent, "")
	write(t, s, batchOf("main", 1, 8), inventory.Skipped, inventory.ReasonFailed)
	id, err := s.Intend(batchOf("main", 2, 8)) // its answer is still out
	must(t, err)
	same(t, "writes", told(t, s), []string{})
	must(t, s.Observe("main", inventory.Observation{Settled: []inventory.Settled{{ID: id, Outcomes: outcomesOf(batchOf("main", 2, 8), inventory.Applied)}}}))
	same(t, "writes after the look that settles it", told(t, s), []string{"2: 5→8 applied drift 08:00"})
}

func TestTheNextCycleIsToldWhatACutOffOneWroteLately(t *testing.T) {
	now := epoch
	s := mustOpenWith(t, newPath(t), Options{Now: func() time.Time { return now }})
	defer mustClose(t, s)
	recalled := func() []inventory.Written {
		memory, err := s.Recall("main", func(inventory.Item) {}, func(inventory.Key, inventory.Seen) {})
		must(t, err)
		return memory.CutOff
	}
	write(t, s, batchOf("main", 1, 8), inventory.Applied, "")
	report := inventory.Report{Cycle: 1, Kind: inventory.Full, Started: epoch, Stores: []inventory.StoreReport{{Name: "main", Changes: []inventory.ChangeReport{
		inventory.ReportChange(outcomesOf(batchOf("main", 1, 8), inventory.Applied)[0]),
	}}}}
	must(t, s.Finish(inventory.Finish{Report: &report}))
	same(t, "of a cycle that came to its end", recalled(), []inventory.Written(nil))
	write(t, s, batchOf("main", 2, 0), inventory.Applied, "")
	write(t, s, batchOf("outlet", 2, 9), inventory.Applied, "")
	write(t, s, batchOf("main", 2, 9), inventory.Stale, inventory.ReasonStale)
	write(t, s, batchOf("main", 2, 9), inventory.Applied, "")
	same(t, "of one that was cut off", recalled(), []inventory.Written{
		{Key: level(1), Cycle: 2, At: epoch, Zero: true, From: 5},
		{Key: level(1), Cycle: 2, At: epoch, From: 5, To: 9},
	})
	now = epoch.Add(time.Hour + time.Second)
	same(t, "an hour later", recalled(), []inventory.Written(nil))
}

func TestABatchThatIsSettledLateStandsWhereItWasSent(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	late, err := s.Intend(batchOf("main", 1, 8))
	must(t, err)
	write(t, s, batchOf("main", 2, 9), inventory.Applied, "")
	settled := inventory.Settled{ID: late, Outcomes: outcomesOf(batchOf("main", 1, 8), inventory.Stale)}
	must(t, s.Settle("main", settled))
	must(t, s.Settle("main", settled)) // once more does no harm
	same(t, "writes", told(t, s), []string{"2: 5→9 applied drift 08:00", "1: 5→8 stale changed_in_shopify 08:00"})
}

func TestALevelWithoutWritesHasNone(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(2, 5)}))
	write(t, s, batchOf("main", 1, 8), inventory.Applied, "")
	for name, key := range map[string]inventory.Key{
		"never written": level(2), "never seen": level(3), "of a store never met": {Store: "outlet", Item: 1, Location: 7}, "of no store": {},
	} {
		if got, err := s.Writes(key); got != nil || err != nil {
			t.Errorf("a level %s: got %+v, %v, want nothing", name, got, err)
		}
	}
}

func TestALevelThatVanishesLosesItsWrites(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(1, 5)}))
	write(t, s, batchOf("main", 1, 8), inventory.Applied, "")
	id, err := s.Intend(batchOf("main", 2, 9))
	must(t, err)
	must(t, s.Observe("main", inventory.Observation{
		Gone: []inventory.Key{level(1)}, Settled: []inventory.Settled{{ID: id, Outcomes: outcomesOf(batchOf("main", 2, 9), inventory.Stale)}},
	}))
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(1, 5)})) // it comes back
	same(t, "writes", told(t, s), []string{})
}

func TestAForgottenStoreLosesTheWritesOfItsLevels(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(1, 5)}))
	write(t, s, batchOf("main", 1, 8), inventory.Applied, "")
	write(t, s, batchOf("outlet", 1, 8), inventory.Applied, "")
	_, err := s.Intend(batchOf("main", 2, 9))
	must(t, err)
	must(t, s.Forget("main"))
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(1, 5)}))
	same(t, "writes", told(t, s), []string{})
	if got, err := s.Writes(inventory.Key{Store: "outlet", Item: 1, Location: 7}); len(got) != 1 || err != nil {
		t.Errorf("the other store: got %+v, %v, want its write", got, err)
	}
}

func TestWritesOlderThanTheHistoryAreNotToldAndGoWithTheNext(t *testing.T) {
	now := epoch
	path := newPath(t)
	opts := Options{KeepHistory: 3 * time.Hour, Now: func() time.Time { return now }}
	s := mustOpenWith(t, path, opts)
	for cycle := range uint64(3) {
		now = epoch.Add(time.Duration(cycle) * time.Hour)
		intent := batchOf("main", cycle+1, 8)
		intent.At = now
		write(t, s, intent, inventory.Applied, "")
	}
	now = epoch.Add(4 * time.Hour) // the second is just as old as the history may be
	same(t, "writes", told(t, s), []string{"3: 5→8 applied drift 10:00", "2: 5→8 applied drift 09:00"})
	mustClose(t, s)

	ever := mustOpenWith(t, path, Options{Now: opts.Now})
	if got := told(t, ever); len(got) != 3 {
		t.Errorf("got %q before the next write, want all three still on record", got)
	}
	mustClose(t, ever)

	s = mustOpenWith(t, path, opts)
	intent := batchOf("main", 4, 9)
	intent.At = now
	write(t, s, intent, inventory.Applied, "")
	mustClose(t, s)
	ever = mustOpenWith(t, path, Options{Now: opts.Now})
	same(t, "on record after the next write", told(t, ever), []string{
		"4: 5→9 applied drift 12:00", "3: 5→8 applied drift 10:00", "2: 5→8 applied drift 09:00",
	})
	mustClose(t, ever)

	// A batch that is settled when it is itself too old leaves no record.
	s = mustOpenWith(t, path, opts)
	defer mustClose(t, s)
	id, err := s.Intend(intent)
	must(t, err)
	now = now.Add(24 * time.Hour)
	must(t, s.Settle("main", inventory.Settled{ID: id, Outcomes: outcomesOf(intent, inventory.Stale)}))
	same(t, "levels on record", written(t, s, "main"), []inventory.Key{})
}

func TestAWriteOfAnotherStoresLevelIsRefusedWithItsBatch(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	id, err := s.Intend(batchOf("main", 1, 8))
	must(t, err)
	err = s.Settle("main", inventory.Settled{ID: id, Outcomes: outcomesOf(batchOf("outlet", 1, 8), inventory.Applied)})
	if err == nil || !strings.Contains(err.Error(), "outlet/1/7 is not of store main") {
		t.Errorf("got %v, want a refusal that names the level", err)
	}
	kept, err := s.Store("main")
	must(t, err)
	if len(kept.Open) != 1 {
		t.Errorf("got %d open batches, want the one that could not be settled", len(kept.Open))
	}
}

func TestAnEndlessReasonDoesNotKeepABatchFromBeingRecorded(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	write(t, s, batchOf("main", 1, 8), inventory.Stale, inventory.Reason(strings.Repeat("x", 3000)))
	got, err := s.Writes(level(1))
	must(t, err)
	if len(got) != 1 || got[0].Reason != inventory.Reason(strings.Repeat("x", 255)) {
		t.Errorf("got %+v, want the write with the start of its reason", got)
	}
}

func TestAnUnreadableRecordOfWritesIsAnError(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	write(t, s, batchOf("main", 1, 8), inventory.Applied, "")
	must(t, s.update(func(tx *bolt.Tx) error {
		b, _ := bucketsOf(tx, "main")
		return b.writes.Put(encodeKey(level(1)), []byte{writesVersion, 0, 0, 0, 0, 0})
	}))
	if _, err := s.Writes(level(1)); err == nil || !strings.Contains(err.Error(), s.path) {
		t.Errorf("got %v, want an error that names the file", err)
	}
	id, err := s.Intend(batchOf("main", 2, 9))
	must(t, err)
	if err := s.Settle("main", inventory.Settled{ID: id, Outcomes: outcomesOf(batchOf("main", 2, 9), inventory.Applied)}); err == nil {
		t.Error("a write was noted on top of a record that cannot be read")
	}
}

func TestWhatACycleWroteIsToldByItsReportOrByTheBatchesOfOneThatWasCutOff(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(3, 5)}))
	for cycle := range uint64(3) { // of which the second leaves no report
		cycle++
		intent := batchOf("main", cycle, 10)
		for i := range intent.Changes {
			intent.Changes[i].To += inventory.Units(cycle)
		}
		write(t, s, intent, inventory.Applied, "")
		if cycle == 2 {
			write(t, s, batchOf("main", cycle, 70), inventory.Stale, inventory.ReasonStale)
			continue
		}
		report := reportOf(cycle, epoch)
		report.Stores = []inventory.StoreReport{{Name: "main", Changes: []inventory.ChangeReport{
			inventory.ReportChange(inventory.Outcome{Change: intent.Changes[0], Result: inventory.Applied}),
			{SKU: "CAP", Item: 2, LocationID: 7, From: 5, To: 9, Outcome: inventory.Held, Reason: "max_zeroed_percent"},
		}}}
		must(t, s.Finish(inventory.Finish{Report: report}))
	}
	mustClose(t, s)
	s = mustOpen(t, path)
	defer mustClose(t, s)
	for cycle, to := range map[uint64]inventory.Units{1: 11, 2: 12, 3: 13} {
		wrote, err := s.Wrote(cycle)
		must(t, err)
		want := batchOf("main", cycle, int(to)).Changes[:1]
		same(t, fmt.Sprintf("cycle %d", cycle), wrote, want)
	}
	for _, cycle := range []uint64{0, 4} {
		if wrote, err := s.Wrote(cycle); err != nil || len(wrote) != 0 {
			t.Errorf("cycle %d, which never was, wrote %v, %v", cycle, wrote, err)
		}
	}
}

func TestWhatACycleWroteIsFoundAmongAllBatches(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := mustOpenUnsynced(t, newPath(t), Options{Now: clock})
		defer mustClose(t, s)
		must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(3, 5)}))
		wrote := map[uint64]int{}
		cycles := rapid.SliceOfN(rapid.Uint64Range(1, 12), 0, 20).Draw(rt, "cycles of the batches")
		slices.Sort(cycles)
		for i, cycle := range cycles {
			if rapid.Bool().Draw(rt, "cut off before it was sent") {
				_, err := s.Intend(batchOf("main", cycle, 1))
				must(t, err)
				continue
			}
			write(t, s, batchOf("main", cycle, i), inventory.Applied, "")
			wrote[cycle] = i
		}
		for cycle := range uint64(14) {
			got, err := s.Wrote(cycle)
			must(t, err)
			to, is := wrote[cycle]
			if is != (len(got) > 0) || is && got[0].To != inventory.Units(to) {
				rt.Errorf("cycle %d: got %+v, want its last write to %d: %t", cycle, got, to, is)
			}
		}
	})
}
