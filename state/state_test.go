package state

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

var epoch = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

func clock() time.Time { return epoch }

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "state.db") }

func mustOpen(t testing.TB, path string) *Store {
	t.Helper()
	return mustOpenWith(t, path, Options{Now: clock})
}

// mustOpenUnsynced opens a file whose machine will not stop: the tests that
// write most need not wait for the disk.
func mustOpenUnsynced(t testing.TB, path string, opts Options) *Store {
	t.Helper()
	s := mustOpenWith(t, path, opts)
	s.db.NoSync = true
	return s
}

func mustOpenWith(t testing.TB, path string, opts Options) *Store {
	t.Helper()
	s, err := Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustClose(t testing.TB, s *Store) {
	t.Helper()
	must(t, s.Close())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func level(item int) inventory.Key {
	return inventory.Key{Store: "main", Item: inventory.ItemID(item), Location: 7}
}

func seenUnits(n int) inventory.Seen {
	return inventory.Seen{Units: inventory.Units(n), Desired: inventory.Units(n + 1), Figured: true, First: epoch, At: epoch}
}

func seenLevels(count, units int) map[inventory.Key]inventory.Seen {
	levels := make(map[inventory.Key]inventory.Seen, count)
	for i := range count {
		levels[level(i+1)] = seenUnits(units)
	}
	return levels
}

func inFlight(units int) inventory.Memory {
	return inventory.Memory{Ledger: inventory.Ledger{
		Entries: []inventory.InFlight{{Key: level(1), SKU: "MUG", Units: inventory.Units(units), Since: epoch, Expires: epoch.Add(time.Hour)}},
		Since:   epoch, Orders: epoch,
	}}
}

func batchOf(store inventory.StoreName, cycle uint64, to int) inventory.Intent {
	return inventory.Intent{Cycle: cycle, Store: store, Key: "6f1c", At: epoch, Changes: []inventory.Change{{
		Key: inventory.Key{Store: store, Item: 1, Location: 7}, Variant: 3, SKU: "MUG", LocationName: "Oslo",
		From: 5, To: inventory.Units(to), Reason: inventory.ReasonDrift,
	}}}
}

// outcomesOf gives the changes of a batch one of the results each, in turns.
func outcomesOf(intent inventory.Intent, results ...inventory.Result) []inventory.Outcome {
	outcomes := make([]inventory.Outcome, len(intent.Changes))
	for i, change := range intent.Changes {
		outcomes[i] = inventory.Outcome{Change: change, Result: results[i%len(results)]}
		if outcomes[i].Result == inventory.Stale {
			outcomes[i].Because = inventory.ReasonStale
		}
	}
	return outcomes
}

func reportOf(cycle uint64, at time.Time) *inventory.Report {
	return &inventory.Report{
		Cycle: cycle, Kind: inventory.Full, Started: at, Requests: map[string]inventory.RequestCount{"katana": {Count: 3}},
		Stores: []inventory.StoreReport{{Name: "main", Mode: inventory.ModeApply, Skipped: map[inventory.Reason]int{"no_sku": 1}, Changes: []inventory.ChangeReport{}}},
	}
}

// dump is all that a state file gives back.
type dump struct {
	Source  inventory.SourceMemory
	Mirror  inventory.SourceMirror
	Stores  map[inventory.StoreName]inventory.StoreMemory
	Writes  map[inventory.Key][]inventory.PastWrite
	Settled []settledBatch // those that no report tells
	History []inventory.Report
	Hours   []inventory.Hour
	Lineage Lineage
}

func dumpOf(t testing.TB, s *Store, stores ...inventory.StoreName) dump {
	t.Helper()
	d := dump{Stores: map[inventory.StoreName]inventory.StoreMemory{}, Writes: map[inventory.Key][]inventory.PastWrite{}}
	var err error
	d.Source, err = s.Source()
	must(t, err)
	d.Mirror, err = s.Mirror()
	must(t, err)
	d.History, err = s.History(0)
	must(t, err)
	d.Hours, err = s.Hours(time.Time{})
	must(t, err)
	d.Settled = settledIn(t, s)
	d.Lineage, err = s.Lineage()
	must(t, err)
	for _, name := range stores {
		d.Stores[name], err = s.Store(name)
		must(t, err)
		for _, key := range written(t, s, name) {
			writes, err := s.Writes(key)
			must(t, err)
			if len(writes) > 0 {
				d.Writes[key] = writes
			}
		}
	}
	return d
}

// settledIn lists the settled batches that a file keeps.
func settledIn(t testing.TB, s *Store) (batches []settledBatch) {
	t.Helper()
	must(t, s.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketSettled).ForEach(func(id, v []byte) error {
			var batch settledBatch
			err := reveal(placeSettled, id, v, &batch)
			batches = append(batches, batch)
			return err
		})
	}))
	return batches
}

// written lists the levels of a store that have a record of last writes.
func written(t testing.TB, s *Store, name inventory.StoreName) (keys []inventory.Key) {
	t.Helper()
	must(t, s.view(func(tx *bolt.Tx) error {
		b, ok := bucketsOf(tx, name)
		if !ok || b.writes == nil {
			return nil
		}
		return b.writes.ForEach(func(k, _ []byte) error {
			key, err := decodeKey(name, k)
			keys = append(keys, key)
			return err
		})
	}))
	return keys
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func TestAStoreThatWasNeverMetHasNothing(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	got, err := s.Store("main")
	must(t, err)
	same(t, "store", got, inventory.StoreMemory{})
	mirror, err := s.Mirror()
	must(t, err)
	same(t, "mirror", mirror, inventory.SourceMirror{})
	last, err := s.Last()
	must(t, err)
	if last != nil {
		t.Errorf("got a report %v of no cycle", last)
	}
	if _, err := s.Report(4); !errors.Is(err, ErrNoCycle) {
		t.Errorf("got %v, want ErrNoCycle", err)
	}
	if notes := s.Notes(); len(notes) != 0 {
		t.Errorf("got notes %q about a new file", notes)
	}
}

func TestTheFileIsForItsOwnerOnly(t *testing.T) {
	path := newPath(t)
	mustClose(t, mustOpen(t, path))
	must(t, os.Chmod(path, 0o644))
	mustClose(t, mustOpen(t, path))
	info, err := os.Stat(path)
	must(t, err)
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("got mode %o, want 600", got)
	}
}

func TestCycleNumbersGoOnAfterARestart(t *testing.T) {
	path := newPath(t)
	for want := uint64(1); want <= 3; want++ {
		s := mustOpen(t, path)
		got, err := s.Begin()
		must(t, err)
		mustClose(t, s)
		if got != want {
			t.Errorf("got cycle %d, want %d", got, want)
		}
	}
}

func TestABatchIsOpenUntilItsOutcomeIsKnown(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(2, 5)}))
	intent := batchOf("main", 1, 9)
	id, err := s.Intend(intent)
	must(t, err)
	other, err := s.Intend(batchOf("outlet", 1, 2))
	must(t, err)
	if other == id {
		t.Fatalf("two batches are both number %d", id)
	}
	mustClose(t, s)

	s = mustOpen(t, path)
	defer mustClose(t, s)
	kept, err := s.Store("main")
	must(t, err)
	same(t, "open", kept.Open, []inventory.OpenIntent{{ID: id, Intent: intent}})

	settled := inventory.Settled{ID: id, Outcomes: []inventory.Outcome{{Change: intent.Changes[0], Result: inventory.Applied}},
		Levels: map[inventory.Key]inventory.Seen{level(1): seenUnits(9)}}
	if err := s.Settle("outlet", inventory.Settled{ID: id}); err == nil {
		t.Error("another store's batch could be settled")
	}
	must(t, s.Settle("main", settled))
	must(t, s.Settle("main", settled)) // once more does no harm
	kept, err = s.Store("main")
	must(t, err)
	if len(kept.Open) != 0 || kept.Levels[level(1)] != seenUnits(9) || kept.Levels[level(2)] != seenUnits(5) {
		t.Errorf("got %+v after the batch was settled", kept)
	}
}

func TestALookSettlesTheBatchesThatWereCutOff(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	intent := batchOf("main", 1, 9)
	id, err := s.Intend(intent)
	must(t, err)
	must(t, s.Observe("main", inventory.Observation{
		Levels: seenLevels(1, 9), Memory: inFlight(2),
		Settled: []inventory.Settled{{ID: id, Outcomes: []inventory.Outcome{{Change: intent.Changes[0], Result: inventory.Applied}}}},
	}))
	kept, err := s.Store("main")
	must(t, err)
	same(t, "store", kept, inventory.StoreMemory{Levels: seenLevels(1, 9), Memory: inFlight(2)})
}

func TestALookRemembersTheLevelsOfTheBatchesThatItSettles(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(2, 5), Memory: inFlight(2)}))
	id, err := s.Intend(batchOf("main", 1, 9))
	must(t, err)
	must(t, s.Observe("main", inventory.Observation{Part: true, Settled: []inventory.Settled{{ID: id, Levels: seenLevels(1, 9)}}}))
	kept, err := s.Store("main")
	must(t, err)
	if kept.Levels[level(1)] != seenUnits(9) || kept.Levels[level(2)] != seenUnits(5) {
		t.Errorf("got %+v", kept.Levels)
	}
}

func TestALevelOfAnotherStoreIsRefusedWhole(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	if err := s.Observe("outlet", inventory.Observation{Levels: seenLevels(1, 9), Memory: inFlight(2)}); err == nil {
		t.Error("a level of main was kept as one of outlet")
	}
	got, err := s.Store("outlet")
	must(t, err)
	same(t, "outlet", got, inventory.StoreMemory{})
}

func TestReleaseByACommandChangesOnlyTheMemory(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(3, 5), Memory: inFlight(2)}))
	must(t, s.Update("main", func(m *inventory.Memory) error {
		m.Ledger.Entries[0].Units = 1
		return nil
	}))
	refusal := errors.New("not held")
	err := s.Update("main", func(m *inventory.Memory) error {
		m.Ledger.Entries = nil
		return refusal
	})
	if !errors.Is(err, refusal) {
		t.Errorf("got %v, want the refusal", err)
	}
	got, err := s.Store("main")
	must(t, err)
	same(t, "store", got, inventory.StoreMemory{Levels: seenLevels(3, 5), Memory: inFlight(1)})
}

func TestAForgottenStoreIsSeenFirstAgainAndKeepsItsHistory(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(3, 5), Items: itemsUpTo(3, "MUG"), Memory: inFlight(2)}))
	_, err := s.Intend(batchOf("main", 1, 9))
	must(t, err)
	sent, err := s.Intend(batchOf("main", 1, 8))
	must(t, err)
	must(t, s.Settle("main", inventory.Settled{ID: sent, Outcomes: outcomesOf(batchOf("main", 1, 8), inventory.Applied)}))
	must(t, s.Finish(inventory.Finish{Report: reportOf(1, epoch)}))
	must(t, s.Forget("main"))
	must(t, s.Forget("never-met"))
	mustClose(t, s)

	s = mustOpen(t, path)
	defer mustClose(t, s)
	got := dumpOf(t, s, "main")
	same(t, "file", got, dump{
		Stores: map[inventory.StoreName]inventory.StoreMemory{"main": {}},
		Settled: []settledBatch{ // the report does not tell of them
			{1, "main", "6f1c", epoch, unknown(batchOf("main", 1, 9).Changes)},
			{1, "main", "6f1c", epoch, outcomesOf(batchOf("main", 1, 8), inventory.Applied)},
		},
		History: []inventory.Report{*reportOf(1, epoch)},
		Hours:   []inventory.Hour{hourOf(reportOf(1, epoch))},
	})
}

// txid is the number of the last transaction.
func txid(t testing.TB, s *Store) (id int) {
	t.Helper()
	must(t, s.view(func(tx *bolt.Tx) error {
		id = tx.ID()
		return nil
	}))
	return id
}

// TestNoTransactionOfALookCarriesMoreThanItMay counts them where the last key
// just fits, and where it does not.
func TestNoTransactionOfALookCarriesMoreThanItMay(t *testing.T) {
	whole := inventory.Memory{Look: inventory.Look{Whole: epoch}}
	for _, test := range []struct {
		name          string
		levels, items int
		memory        inventory.Memory
		want          int
	}{
		{"nothing", 0, 0, whole, 1},
		{"levels, items and the memory", 5000, 4999, whole, 1},
		{"one item more", 5000, 5000, whole, 2},
		{"the memory again in the last", 10_000, 9998, whole, 2},
		{"one item more in the last", 10_000, 9999, whole, 3},
		{"the memory only in the first", 10_000, 9999, inFlight(1), 2},
	} {
		s := mustOpenUnsynced(t, newPath(t), Options{Now: clock})
		seen := inventory.Observation{Levels: seenLevels(test.levels, 5), Items: itemsUpTo(test.items, "MUG"), Memory: test.memory}
		before := txid(t, s)
		must(t, s.Observe("main", seen))
		if got := txid(t, s) - before; got != test.want {
			t.Errorf("%s: got %d transactions, want %d", test.name, got, test.want)
		}
		kept, err := s.Store("main")
		must(t, err)
		same(t, test.name, []int{len(kept.Levels), len(kept.Items)}, []int{test.levels, test.items})
		same(t, test.name, kept.Memory, test.memory)
		var removed []inventory.ItemID
		for id := range 9999 {
			removed = append(removed, inventory.ItemID(id+1))
		}
		before = txid(t, s)
		must(t, s.Observe("main", inventory.Observation{Removed: removed}))
		if got := txid(t, s) - before; got != 1 {
			t.Errorf("%s: got %d transactions, want 1 that removes 9,999 items", test.name, got)
		}
		mustClose(t, s)
	}
}

func TestAHundredThousandLevelsAreKeptInPortions(t *testing.T) {
	path := newPath(t)
	s := mustOpenUnsynced(t, path, Options{Now: clock})
	levels := seenLevels(100_000, 5)
	transactions := func(seen inventory.Observation) int {
		before := txid(t, s)
		must(t, s.Observe("main", seen))
		return txid(t, s) - before
	}
	delete(levels, level(1)) // for the memory
	if got := transactions(inventory.Observation{Levels: levels, Memory: inFlight(2)}); got != 10 {
		t.Errorf("got %d transactions, want 10 of 10,000 keys each", got)
	}
	levels[level(1)] = seenUnits(5)
	if got := transactions(inventory.Observation{Levels: levels, Memory: inFlight(2)}); got != 11 {
		t.Errorf("got %d transactions, want 11 where the memory is one key too many", got)
	}
	var settled []inventory.Settled
	for range 41 { // of 252 keys each: the first transaction has room for no level
		intent := batchOf("main", 1, 9)
		intent.Changes = slices.Repeat(intent.Changes, inventory.BatchSize)
		id, err := s.Intend(intent)
		must(t, err)
		settled = append(settled, inventory.Settled{ID: id, Outcomes: outcomesOf(intent, inventory.Skipped)})
	}
	if got := transactions(inventory.Observation{Levels: levels, Settled: settled}); got != 11 {
		t.Errorf("got %d transactions, want 11 where many batches were cut off", got)
	}
	mustClose(t, s)

	s = mustOpenUnsynced(t, path, Options{Now: clock})
	got, err := s.Store("main")
	must(t, err)
	same(t, "levels", len(got.Levels), len(levels))
	for key, want := range levels {
		if got.Levels[key] != want {
			t.Fatalf("%s: got %+v, want %+v", key, got.Levels[key], want)
		}
	}
	var gone []inventory.Key
	for i := range 99_990 {
		gone = append(gone, level(i+1))
	}
	if got := transactions(inventory.Observation{Gone: gone}); got != 20 {
		t.Errorf("got %d transactions, want 20 of 5,000 levels with their last writes", got)
	}
	got, err = s.Store("main")
	must(t, err)
	same(t, "levels left", len(got.Levels), 10)
	mustClose(t, s)
	mustClose(t, mustOpen(t, path))
}

func TestMoreLevelsOfALookLeaveTheMemoryAsItIs(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(2, 5), Memory: inFlight(2)}))
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(4, 5), Memory: inFlight(3), Part: true}))
	kept, err := s.Store("main")
	must(t, err)
	if diff := cmp.Diff(inFlight(2), kept.Memory); diff != "" || len(kept.Levels) != 4 {
		t.Errorf("%d levels, want 4; the memory: %s", len(kept.Levels), diff)
	}
}
