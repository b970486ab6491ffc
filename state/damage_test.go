package state

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// sampleFile makes a file in which all kinds of pages and records occur, and
// gives its used bytes.
func sampleFile(t testing.TB) []byte {
	t.Helper()
	path := newPath(t)
	s := mustOpen(t, path)
	must(t, s.Bind(Lineage{Katana: "factory-1", Stores: map[inventory.StoreName]string{"main": "shop-1"}}))
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(200, 5), Items: itemsUpTo(100, "MUG"), Memory: inFlight(2)}))
	must(t, s.Observe("outlet", inventory.Observation{Items: itemsUpTo(2, "TEE")}))
	must(t, s.Read(partOf(60, 1)))
	for cycle := uint64(1); cycle <= 4; cycle++ {
		if cycle == 3 { // from here on, some of its pages are as a copy has them
			must(t, s.rewrite())
		}
		intent := batchOf("main", cycle, 9)
		for item := 2; cycle == 2 && item < 30; item++ { // enough for the writes to have a page of their own
			change := intent.Changes[0]
			change.Key = level(item)
			intent.Changes = append(intent.Changes, change)
		}
		id, err := s.Intend(intent)
		must(t, err)
		if cycle > 1 {
			outcomes := outcomesOf(intent, inventory.Applied, inventory.Stale)
			must(t, s.Settle("main", inventory.Settled{ID: id, Outcomes: outcomes, Levels: seenLevels(3, 9)}))
		}
		report := reportOf(cycle, epoch)
		report.Error = strings.Repeat("long enough for a page of its own ", 130)
		must(t, s.Finish(inventory.Finish{Report: report, Source: inventory.SourceMemory{Rows: map[inventory.SourceLocationID]int{1: 3}}, Stores: map[inventory.StoreName]inventory.Memory{"main": inFlight(int(cycle))}}))
	}
	mustClose(t, s)
	data, err := os.ReadFile(path)
	must(t, err)
	m, err := newest(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	return data[:m.count*m.pageSize]
}

// content lists every record of a file.
func content(t testing.TB, data []byte) []string {
	t.Helper()
	var all []string
	must(t, walk(bytes.NewReader(data), int64(len(data)), func(path []string, key, value []byte, bucket bool) error {
		all = append(all, line(path, key, value, bucket))
		return nil
	}))
	return all
}

// line tells of one record all there is, of a long one by its sum.
func line(path []string, key, value []byte, bucket bool) string {
	if len(value) > 1<<16 {
		value = fmt.Appendf(nil, "%d bytes, %08x", len(value), sum("", nil, value))
	}
	return fmt.Sprintf("%q %x %x %v", path, key, value, bucket)
}

func TestAFlippedBitIsFoundOrChangesNothing(t *testing.T) {
	t.Parallel()
	data := sampleFile(t)
	want := content(t, data)
	random := rand.New(rand.NewPCG(7, 11))
	tried, found := 0, 0
	for at := range data {
		bits := []byte{1 << random.IntN(8)}
		switch in := at % 4096; {
		case in < headerSize:
			bits = []byte{1, 2, 4, 8, 16, 32, 64, 128}
		case in >= 48 && at%29 != 0:
			continue
		}
		for _, bit := range bits {
			tried++
			data[at] ^= bit
			if _, err := examine(bytes.NewReader(data), int64(len(data))); err != nil {
				found++
			} else if !slices.Equal(content(t, data), want) {
				t.Fatalf("bit %08b of byte %d is not found, and changes what is read", bit, at)
			}
			data[at] ^= bit
		}
	}
	t.Logf("of %d flips %d were found, the others lie in unused room", tried, found)
	if found < tried/4 {
		t.Errorf("only %d of %d flips were found", found, tried)
	}
}

// openDamaged opens what was made of a file. Either all is there, or the file
// is set aside and a new one works, or the error says what to do.
func openDamaged(t *testing.T, data []byte, want dump) (outcome string) {
	t.Helper()
	path := newPath(t)
	must(t, os.WriteFile(path, data, 0o600))
	if reader, err := Open(path, Options{Now: clock, ReadOnly: true}); err == nil {
		same(t, "read only", dumpOf(t, reader, "main", "outlet"), want)
		mustClose(t, reader)
	}
	s, err := Open(path, Options{Now: clock})
	if err != nil {
		if !strings.Contains(err.Error(), path) {
			t.Errorf("error %q does not name the file", err)
		}
		return "refused"
	}
	defer mustClose(t, s)
	if len(s.Notes()) == 0 {
		same(t, "file", dumpOf(t, s, "main", "outlet"), want)
		return "unharmed"
	}
	aside, err := os.ReadFile(path + ".corrupt-20261124T080000Z")
	must(t, err)
	if !bytes.Equal(aside, data) {
		t.Error("the file that was set aside is not the damaged one")
	}
	if cycle, err := s.Begin(); err != nil || cycle != 1 {
		t.Errorf("the new file gives cycle %d, %v", cycle, err)
	}
	return "set aside"
}

func wantSample(t *testing.T, data []byte) dump {
	t.Helper()
	path := newPath(t)
	must(t, os.WriteFile(path, data, 0o600))
	s := mustOpen(t, path)
	defer mustClose(t, s)
	return dumpOf(t, s, "main", "outlet")
}

func TestAFileWithFlippedBitsOpensRightOrIsSetAside(t *testing.T) {
	data := sampleFile(t)
	want := wantSample(t, data)
	random := rand.New(rand.NewPCG(3, 5))
	outcomes := map[string]int{}
	for range 150 {
		damaged := slices.Clone(data)
		for range 1 + random.IntN(3) {
			damaged[random.IntN(len(damaged))] ^= 1 << random.IntN(8)
		}
		outcomes[openDamaged(t, damaged, want)]++
	}
	t.Log(outcomes)
	if outcomes["set aside"] == 0 || outcomes["unharmed"] == 0 {
		t.Errorf("got %v, want some of either", outcomes)
	}
}

func TestATruncatedFileIsSetAside(t *testing.T) {
	data := sampleFile(t)
	want := wantSample(t, data)
	for size := 1; size < len(data); size = size*3/2 + 1 {
		if got := openDamaged(t, data[:size], want); got != "set aside" {
			t.Errorf("%d of %d bytes: %s, want set aside", size, len(data), got)
		}
	}
	if got := openDamaged(t, make([]byte, 40960), want); got != "set aside" {
		t.Errorf("a file of zeros, as a power cut leaves it: %s, want set aside", got)
	}
}

func TestPagesThatLeadInCirclesAreFound(t *testing.T) {
	data := sampleFile(t)
	m, err := newest(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	found := 0
	for id := uint64(2); id < m.count; id++ {
		damaged := slices.Clone(data)
		page := damaged[id*m.pageSize : (id+1)*m.pageSize]
		if native.Uint16(page[8:]) != branchPage || native.Uint64(page) != id {
			continue
		}
		native.PutUint64(page[headerSize+8:], id) // its first child is itself
		if _, err := examine(bytes.NewReader(damaged), int64(len(damaged))); err != nil {
			found++
		} else { // a page that is free by now: nothing leads there
			same(t, "records", content(t, damaged), content(t, data))
		}
	}
	if found == 0 {
		t.Error("a branch that leads to itself was not found")
	}
}

// TestASmallBucketThatNamesAPageIsFound: bbolt would free that page with the
// next write, whatever it holds.
func TestASmallBucketThatNamesAPageIsFound(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(1, 5)}))
	mustClose(t, s)
	data, err := os.ReadFile(path)
	must(t, err)
	found := 0
	for at := 0; at < len(data)-headerSize; at++ {
		// The value of an empty bucket: no root, sequence 0, an empty leaf; its name before it.
		if !bytes.HasPrefix(data[at:], append([]byte("writes"), make([]byte, bucketSize)...)) {
			continue
		}
		leaf := at + len("writes") + bucketSize
		for _, field := range []int{0, 12} { // page, overflow
			damaged := slices.Clone(data)
			damaged[leaf+field] = 3
			if _, err := examine(bytes.NewReader(damaged), int64(len(damaged))); err != nil {
				found++
			} else {
				same(t, "records", content(t, damaged), content(t, data)) // a page that is free by now
			}
		}
	}
	if found != 2 {
		t.Errorf("got %d findings, want the page and the overflow of one bucket", found)
	}
}

func TestTheFileOfAnotherProgramIsRefusedAndLeftWhereItIs(t *testing.T) {
	foreignBolt := newPath(t)
	db, err := bolt.Open(foreignBolt, 0o600, nil)
	must(t, err)
	must(t, db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte("meta"))
		if err != nil {
			return err
		}
		return b.Put([]byte("consistent_index"), []byte{1})
	}))
	must(t, db.Close())
	database, err := os.ReadFile(foreignBolt)
	must(t, err)

	for name, data := range map[string][]byte{
		"text":             bytes.Repeat([]byte("katana:\n  requests_per_minute: 60\n"), 40),
		"another database": database,
	} {
		path := newPath(t)
		must(t, os.WriteFile(path, data, 0o600))
		_, err := Open(path, Options{Now: clock})
		if !errors.Is(err, ErrNotState) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "state.path") {
			t.Errorf("%s: got %v, want ErrNotState with the file and the next step", name, err)
		}
		left, err := os.ReadFile(path)
		must(t, err)
		if !bytes.Equal(left, data) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func TestADamagedFileIsOnlyReportedToAReader(t *testing.T) {
	data := sampleFile(t)
	path := newPath(t)
	must(t, os.WriteFile(path, data[:9000], 0o600))
	_, err := Open(path, Options{Now: clock, ReadOnly: true})
	if err == nil || !strings.Contains(err.Error(), "next start of the daemon") {
		t.Errorf("got %v, want what happens next", err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("got %v, want the damaged file alone", entries)
	}
}

func TestDamagedFilesDoNotReplaceOneAnother(t *testing.T) {
	path := newPath(t)
	for range 3 {
		must(t, os.WriteFile(path, []byte("torn"), 0o600))
		mustClose(t, mustOpen(t, path))
	}
	aside, err := filepath.Glob(path + ".corrupt-*")
	must(t, err)
	if len(aside) != 3 {
		t.Errorf("got %q, want three files set aside", aside)
	}
}

func TestAFileOfANewerVersionIsRefused(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	must(t, s.update(func(tx *bolt.Tx) error {
		// A newer layout may keep all else in another way.
		if err := tx.DeleteBucket(bucketHistory); err != nil {
			return err
		}
		if err := tx.Bucket(bucketMeta).Put(keyCycle, []byte("otherwise")); err != nil {
			return err
		}
		return put(tx.Bucket(bucketMeta), placeMeta, keySchema, epoch, schema+1)
	}))
	mustClose(t, s)
	before, err := os.ReadFile(path)
	must(t, err)
	_, err = Open(path, Options{Now: clock})
	var newer *NewerError
	if !errors.As(err, &newer) || newer.Has != schema+1 || newer.Know != schema {
		t.Fatalf("got %v, want NewerError", err)
	}
	after, readErr := os.ReadFile(path)
	must(t, readErr)
	if !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
	if text := err.Error(); !strings.Contains(text, path) || !strings.Contains(text, "install that version again") {
		t.Errorf("error %q lacks the file or the next step", text)
	}
}

func TestOpenNamesTheNextStep(t *testing.T) {
	folder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "plain"), nil, 0o600))
	must(t, os.WriteFile(filepath.Join(folder, "empty.db"), nil, 0o600))
	for _, test := range []struct {
		name, path string
		opts       Options
		want       string
		is         error
	}{
		{"no folder", "gone/state.db", Options{}, "mkdir -p " + folder + "/gone", fs.ErrNotExist},
		{"a file for a folder", "plain/state.db", Options{}, "set state.path", nil},
		{"a folder", ".", Options{}, "set state.path", nil},
		{"nothing to read yet", "state.db", Options{ReadOnly: true}, "the first cycle makes it", fs.ErrNotExist},
		{"nothing in it yet", "empty.db", Options{ReadOnly: true}, "the first cycle fills it", nil},
	} {
		_, err := Open(filepath.Join(folder, test.path), test.opts)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), folder) {
			t.Errorf("%s: got %v, want %q in it", test.name, err, test.want)
		}
		if test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: got %v, want it to be %v", test.name, err, test.is)
		}
	}
}

func TestAReaderWritesNothing(t *testing.T) {
	path := newPath(t)
	mustClose(t, mustOpen(t, path))
	s := mustOpenWith(t, path, Options{ReadOnly: true})
	defer mustClose(t, s)
	if _, err := s.Begin(); err == nil || !strings.Contains(err.Error(), "reading only") {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestADiskThatFailsBeneathAnOpenFileIsAnError(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(3000, 5)}))
	must(t, os.Truncate(path, 8192)) // the pages beyond are gone, and reading them faults
	_, err := s.Store("main")
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "restart the daemon") {
		t.Fatalf("got %v, want the file and the next step", err)
	}
	if err := s.Observe("main", inventory.Observation{}); err == nil {
		t.Error("a file that cannot be read was written on")
	}
	mustClose(t, s)
	s = mustOpen(t, path)
	defer mustClose(t, s)
	if len(s.Notes()) != 1 {
		t.Errorf("got notes %q, want that the file was set aside", s.Notes())
	}
}

func TestAWriteThatShowsThoughItFailedIsNotTrusted(t *testing.T) {
	s := mustOpen(t, newPath(t))
	failed := errors.New("input/output error")
	if err := s.doubt(txid(t, s)+1, failed); !errors.Is(err, failed) {
		t.Fatalf("got %v, want the failure", err)
	}
	if _, err := s.Begin(); err != nil {
		t.Fatalf("a write that left nothing behind ends all others: %v", err)
	}
	if err := s.doubt(txid(t, s), failed); !errors.Is(err, failed) {
		t.Fatalf("got %v, want the failure", err)
	}
	if _, err := s.Begin(); !errors.Is(err, failed) {
		t.Errorf("got %v, want no write after one whose end nobody knows", err)
	}
	mustClose(t, s)
}

// FuzzExamine: whatever stands in a file, it is examined to an end, and what
// passes can be opened.
func FuzzExamine(f *testing.F) {
	data := sampleFile(f)
	f.Add(uint32(0), []byte{})
	f.Add(uint32(4096+40), []byte{2, 0})
	f.Add(uint32(8192+10), []byte{255, 255})
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		damaged := slices.Clone(data)
		copy(damaged[int(at)%len(damaged):], patch)
		if _, err := examine(bytes.NewReader(damaged), int64(len(damaged))); err != nil {
			return
		}
		path := newPath(t)
		must(t, os.WriteFile(path, damaged, 0o600))
		s := mustOpen(t, path)
		defer mustClose(t, s)
		before := dumpOf(t, s, "main", "outlet")
		must(t, s.rewrite())
		same(t, "file after it was written anew", dumpOf(t, s, "main", "outlet"), before)
	})
}

func TestAFileThatLacksAPartIsDamaged(t *testing.T) {
	for name, take := range map[string]func(*bolt.Tx) error{
		"lacks history":     func(tx *bolt.Tx) error { return tx.DeleteBucket(bucketHistory) },
		"lacks meta/intent": func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Delete(keyIntent) },
		"store main lacks memory": func(tx *bolt.Tx) error {
			return tx.Bucket(bucketStores).Bucket([]byte("main")).Delete(keyMemory) // its ledger
		},
		"lacks variants": func(tx *bolt.Tx) error { return tx.DeleteBucket(bucketVariants) },
		"lacks head":     func(tx *bolt.Tx) error { return tx.DeleteBucket(bucketHead) },
		"lacks recipes":  func(tx *bolt.Tx) error { return tx.DeleteBucket(bucketRecipes) },
		"store main lacks items": func(tx *bolt.Tx) error {
			return tx.Bucket(bucketStores).Bucket([]byte("main")).DeleteBucket(keyItems)
		},
		"variant of Katana: a record does not add up": func(tx *bolt.Tx) error {
			b := tx.Bucket(bucketVariants)
			return b.Put(number(1), b.Get(number(2))) // sound, and not what belongs there
		},
		"recipes: a record does not add up": func(tx *bolt.Tx) error {
			return tx.Bucket(bucketRecipes).Put(keyOnly, []byte{recipesVersion, 0, 0, 0, 0})
		},
		"head: a record does not add up": func(tx *bolt.Tx) error {
			return tx.Bucket(bucketHead).Put(keyOnly, []byte("{}"))
		},
		"item of store main: a record does not add up": func(tx *bolt.Tx) error {
			b, _ := bucketsOf(tx, "main")
			return b.items.Put(number(2), b.items.Get(number(1)))
		},
		"item of store main: a record": func(tx *bolt.Tx) error {
			b, _ := bucketsOf(tx, "main")
			k := encodeKey(level(1))
			return b.items.Put(k, encodeItem("main", k, itemsUpTo(1, "MUG")[0])) // a key that no item has
		},
		"store main lacks writes": func(tx *bolt.Tx) error {
			return tx.Bucket(bucketStores).Bucket([]byte("main")).DeleteBucket(keyWrites)
		},
		"store main has a part that its layout does not know": func(tx *bolt.Tx) error {
			_, err := tx.Bucket(bucketStores).Bucket([]byte("main")).CreateBucket([]byte("sales"))
			return err
		},
		"writes of store main: a record does not add up": func(tx *bolt.Tx) error {
			b, _ := bucketsOf(tx, "main")
			k := encodeKey(level(1))
			return b.writes.Put(k, b.levels.Get(k)) // sound, and not what belongs there
		},
		"never was": func(tx *bolt.Tx) error {
			return put(tx.Bucket(bucketMeta), placeMeta, keySchema, epoch, 0)
		},
		"a bucket where a record should be": func(tx *bolt.Tx) error {
			return tx.Bucket(bucketStores).Put([]byte("outlet"), []byte("no store"))
		},
	} {
		path := newPath(t)
		s := mustOpen(t, path)
		must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(3, 5), Items: itemsUpTo(2, "MUG"), Memory: inFlight(2)}))
		must(t, s.Read(partOf(2, 1)))
		must(t, s.update(take))
		mustClose(t, s)
		s = mustOpen(t, path)
		if notes := s.Notes(); len(notes) != 1 || !strings.Contains(notes[0], name) {
			t.Errorf("got notes %q, want that it %s", notes, name)
		}
		mustClose(t, s)
	}
}
