package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// firstMemory is the memory of a store as layout 1 had it: without pins.
const firstMemory = `{"ledger":{"entries":[{"key":{"store":"main","inventory_item_id":"gid://shopify/InventoryItem/1",` +
	`"location_id":"gid://shopify/Location/7"},"sku":"MUG","units":2,"since":"2026-11-24T08:00:00Z","expires":"2026-11-24T09:00:00Z"}],` +
	`"since":"2026-11-24T08:00:00Z","orders":"2026-11-24T08:00:00Z"}}`

const firstIntent = `{"cycle":9,"store":"main","key":"6f1c","at":"2026-11-24T08:00:00Z","changes":[` +
	`{"store":"main","inventory_item_id":"gid://shopify/InventoryItem/1","location_id":"gid://shopify/Location/7",` +
	`"variant_id":"gid://shopify/ProductVariant/3","sku":"MUG","location":"Oslo","from":5,"to":9,"reason":"drift"}]}`

const firstReport = `{"cycle":1,"kind":"full","started":"2026-11-24T08:00:00Z","duration_ms":0,` +
	`"requests":{"katana":{"count":3,"retries":0,"throttled":0,"cost":0,"waited_ms":0}},"stores":[{"name":"main","mode":"apply",` +
	`"levels":0,"in_step":0,"drifted":0,"applied":0,"waiting":0,"held":0,"rejected":0,"stale":0,"skipped":{"no_sku":1},"negative":0,"changes":[]}]}`

// firstSettled is a settled batch of one change as layout 1 had it.
func firstSettled(cycle int, store string, item, to int, outcome string) string {
	return fmt.Sprintf(`{"cycle":%d,"store":%q,"key":"6f1c","sent":%q,"outcomes":[{"store":%q,`+
		`"inventory_item_id":"gid://shopify/InventoryItem/%d","location_id":"gid://shopify/Location/7",`+
		`"variant_id":"gid://shopify/ProductVariant/3","sku":"MUG","location":"Oslo","from":5,"to":%d,"reason":"drift",%s}]}`,
		cycle, store, epoch.Add(time.Duration(cycle)*time.Minute).Format(time.RFC3339), store, item, to, outcome)
}

// firstFile lays a file of layout 1 with two stores, levels 1 to 3 of main and
// the given settled batches. Its names and texts stand here as they were
// written then, and do not follow the program.
func firstFile(t testing.TB, settled []string) (path string) {
	t.Helper()
	path = newPath(t)
	db, err := bolt.Open(path, 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType})
	must(t, err)
	must(t, db.Update(func(tx *bolt.Tx) error {
		bucket := func(names ...string) *bolt.Bucket {
			b, err := tx.CreateBucketIfNotExists([]byte(names[0]))
			must(t, err)
			for _, name := range names[1:] {
				b, err = b.CreateBucketIfNotExists([]byte(name))
				must(t, err)
			}
			return b
		}
		lay := func(b *bolt.Bucket, place string, key []byte, at time.Time, text string) {
			must(t, b.Put(key, record{plainRecord, at, []byte(text)}.seal(place, key)))
		}
		for key, text := range map[string]string{
			"schema": "1", "cycle": "9", "intent": fmt.Sprint(len(settled) + 1),
			"source":  `{"rows":{"4":12},"trusted":"2026-11-24T08:00:00Z"}`,
			"lineage": `{"katana":"factory-1","stores":{"main":"shop-1"}}`,
		} {
			lay(bucket("meta"), "meta", []byte(key), time.Time{}, text)
		}
		lay(bucket("history"), "history", number(1), epoch, firstReport)
		lay(bucket("intents"), "intents", number(uint64(len(settled)+1)), epoch, firstIntent)
		for i, text := range settled {
			lay(bucket("settled"), "settled", number(uint64(i+1)), epoch, text)
		}
		bucket("settled")
		for name, text := range map[string]string{"main": firstMemory, "outlet": `{"ledger":{"since":"0001-01-01T00:00:00Z","orders":"0001-01-01T00:00:00Z"}}`} {
			lay(bucket("stores", name), "stores/"+name, []byte("memory"), epoch, text)
			bucket("stores", name, "levels")
		}
		for item := range 3 {
			k := encodeKey(level(item + 1))
			must(t, bucket("stores", "main", "levels").Put(k, encodeSeen("main", k, seenUnits(5))))
		}
		return nil
	}))
	must(t, db.Close())
	return path
}

// firstBatches are batches with every kind of outcome.
var firstBatches = []string{
	firstSettled(1, "main", 1, 6, `"outcome":"applied"`),
	firstSettled(2, "main", 1, 7, `"outcome":"applied"`),
	firstSettled(3, "main", 1, 8, `"outcome":"stale","because":"changed_in_shopify","detail":"x"`),
	firstSettled(4, "main", 1, 9, `"outcome":"applied"`),
	firstSettled(5, "main", 1, 9, `"outcome":"skipped","because":"store_failed"`),
	firstSettled(5, "main", 2, 9, `"outcome":"unsent"`),
	firstSettled(5, "main", 4, 9, `"outcome":"applied"`),      // a level that is gone by now
	firstSettled(5, "forgotten", 1, 9, `"outcome":"applied"`), // and a store
	firstSettled(6, "main", 1, 2, `"outcome":"rejected","because":"refused"`),
	firstSettled(7, "main", 1, 3, `"outcome":"applied"`),
	firstSettled(7, "main", 3, 0, `"outcome":"applied"`),
	`{"cycle":8,"store":"main","key":"6f1c","sent":"2026-11-24T08:08:00Z","outcomes":null}`,
}

// wantFirst is what firstFile holds, before the writes are filled in.
func wantFirst(t testing.TB) dump {
	t.Helper()
	open := batchOf("main", 9, 9)
	settled := make([]settledBatch, len(firstBatches))
	for i, text := range firstBatches {
		must(t, json.Unmarshal([]byte(text), &settled[i]))
	}
	return dump{
		Settled: settled,
		Source:  inventory.SourceMemory{Rows: map[inventory.SourceLocationID]int{4: 12}, Trusted: epoch},
		Stores: map[inventory.StoreName]inventory.StoreMemory{
			"main": {
				Levels: seenLevels(3, 5), Memory: inFlight(2),
				Open: []inventory.OpenIntent{{ID: uint64(len(firstBatches) + 1), Intent: open}},
			},
			"outlet": {},
		},
		History: []inventory.Report{*reportOf(1, epoch)},
		Lineage: Lineage{Katana: "factory-1", Stores: map[inventory.StoreName]string{"main": "shop-1"}},
	}
}

// wantMigrated is what becomes of firstFile.
func wantMigrated(t testing.TB) dump {
	t.Helper()
	past := func(cycle, to int, result inventory.Result, reason inventory.Reason) inventory.PastWrite {
		return inventory.PastWrite{
			Cycle: uint64(cycle), At: epoch.Add(time.Duration(cycle) * time.Minute), From: 5, To: inventory.Units(to), Result: result, Reason: reason,
		}
	}
	want := wantFirst(t)
	want.Writes = map[inventory.Key][]inventory.PastWrite{
		level(1): {
			past(7, 3, inventory.Applied, inventory.ReasonDrift),
			past(6, 2, inventory.Rejected, inventory.ReasonRefused),
			past(4, 9, inventory.Applied, inventory.ReasonDrift),
			past(3, 8, inventory.Stale, inventory.ReasonStale),
			past(2, 7, inventory.Applied, inventory.ReasonDrift),
		},
		level(3): {past(7, 0, inventory.Applied, inventory.ReasonDrift)},
	}
	return want
}

// layoutOf gives the version of a file.
func layoutOf(t testing.TB, path string) uint64 {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	found, err := examine(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	return found.schema
}

func TestAFileOfTheFirstLayoutGoesOnWithTheWritesOfItsHistory(t *testing.T) {
	path := firstFile(t, firstBatches)
	s := mustOpen(t, path)
	if notes := s.Notes(); len(notes) != 0 {
		t.Fatalf("got notes %q about a sound file", notes)
	}
	same(t, "file", dumpOf(t, s, "main", "outlet"), wantMigrated(t))
	if got := layoutOf(t, path); got != schema {
		t.Errorf("got layout %d, want %d", got, schema)
	}
	before := txid(t, s)
	mustClose(t, s)

	s = mustOpen(t, path)
	defer mustClose(t, s)
	if got := txid(t, s); got != before {
		t.Errorf("a file of the present layout was migrated again")
	}
	write(t, s, batchOf("outlet", 10, 4), inventory.Applied, "")
	write(t, s, batchOf("main", 10, 4), inventory.Applied, "")
	if got := told(t, s); len(got) != 5 || got[0] != "10: 5→4 applied drift 08:00" || got[1] != "7: 5→3 applied drift 08:07" {
		t.Errorf("got %q, want the new write before those of the history", got)
	}
}

// secondFile lays a file of layout 2 with the same batches, and one write.
func secondFile(t testing.TB) (path string) {
	t.Helper()
	path = firstFile(t, firstBatches)
	db, err := bolt.Open(path, 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType})
	must(t, err)
	must(t, db.Update(func(tx *bolt.Tx) error {
		for _, name := range []string{"main", "outlet"} {
			b, err := tx.Bucket([]byte("stores")).Bucket([]byte(name)).CreateBucket([]byte("writes"))
			must(t, err)
			if k := encodeKey(level(2)); name == "main" {
				must(t, b.Put(k, encodeWrites("main", k, []inventory.PastWrite{secondWrite})))
			}
		}
		return tx.Bucket([]byte("meta")).Put([]byte("schema"), record{plainRecord, time.Time{}, []byte("2")}.seal("meta", []byte("schema")))
	}))
	must(t, db.Close())
	return path
}

var secondWrite = inventory.PastWrite{Cycle: 7, At: epoch, From: 5, To: 4, Result: inventory.Applied, Reason: inventory.ReasonDrift}

func TestAFileOfTheSecondLayoutGoesOnAsItIs(t *testing.T) {
	path := secondFile(t)
	want := wantFirst(t)
	want.Writes = map[inventory.Key][]inventory.PastWrite{level(2): {secondWrite}}
	reader := mustOpenWith(t, path, Options{ReadOnly: true, Now: clock})
	same(t, "file as it is read", dumpOf(t, reader, "main", "outlet"), want)
	last, err := reader.Last()
	must(t, err)
	same(t, "newest report", last, reportOf(1, epoch))
	mustClose(t, reader)

	s := mustOpen(t, path)
	defer mustClose(t, s)
	if notes := s.Notes(); len(notes) != 0 {
		t.Fatalf("got notes %q about a sound file", notes)
	}
	same(t, "file", dumpOf(t, s, "main", "outlet"), want)
	if got := layoutOf(t, path); got != schema {
		t.Errorf("got layout %d, want %d", got, schema)
	}
	finish(t, s, reportOf(10, epoch), reportWith(11, epoch, item(1, inventory.Applied, 3)))
	same(t, "cycles", cyclesOf(t, s, 0), []uint64{11, 1})
	same(t, "batches", len(settledIn(t, s)), len(firstBatches))
}

// thirdFile lays a file of layout 3: the same, with an hour and the newest report.
func thirdFile(t testing.TB) (path string) {
	t.Helper()
	path = secondFile(t)
	db, err := bolt.Open(path, 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType})
	must(t, err)
	must(t, db.Update(func(tx *bolt.Tx) error {
		hours, err := tx.CreateBucket([]byte("hours"))
		must(t, err)
		hour := number(uint64(epoch.Unix() / 3600))
		must(t, hours.Put(hour, record{plainRecord, epoch, []byte(thirdHour)}.seal("hours", hour)))
		last, err := tx.CreateBucket([]byte("last"))
		must(t, err)
		must(t, last.Put(number(1), record{deflatedRecord, epoch, deflate([]byte(firstReport))}.seal("last", number(1))))
		return tx.Bucket([]byte("meta")).Put([]byte("schema"), record{plainRecord, time.Time{}, []byte("3")}.seal("meta", []byte("schema")))
	}))
	must(t, db.Close())
	return path
}

const thirdHour = `{"start":"2026-11-24T08:00:00Z","cycles":1,"failed":0,"duration_ms":0,"stores":[]}`

// wantThird is what thirdFile holds, and what becomes of it: nothing of the
// snapshot is known, and no look vouches for the levels.
func wantThird(t testing.TB) dump {
	t.Helper()
	want := wantFirst(t)
	want.Writes = map[inventory.Key][]inventory.PastWrite{level(2): {secondWrite}}
	want.Hours = []inventory.Hour{{Start: epoch, Cycles: 1}}
	return want
}

func TestAFileOfTheThirdLayoutGoesOnWithoutASnapshot(t *testing.T) {
	path := thirdFile(t)
	want := wantThird(t)
	before := mustRead(t, path)
	reader := mustOpenWith(t, path, Options{ReadOnly: true, Now: clock})
	same(t, "file as it is read", dumpOf(t, reader, "main", "outlet"), want)
	mustClose(t, reader)
	if !bytes.Equal(before, mustRead(t, path)) {
		t.Error("a reader changed the file")
	}

	s := mustOpen(t, path)
	if notes := s.Notes(); len(notes) != 0 {
		t.Fatalf("got notes %q about a sound file", notes)
	}
	same(t, "file", dumpOf(t, s, "main", "outlet"), want)
	if got := layoutOf(t, path); got != schema {
		t.Errorf("got layout %d, want %d", got, schema)
	}
	if head := mustMirror(t, s).Head; head != nil {
		t.Errorf("got a head %+v of Katana, which was not read", head)
	}
	for _, name := range []inventory.StoreName{"main", "outlet"} { // from here on, it has one
		kept, err := s.Store(name)
		must(t, err)
		same(t, "look", kept.Look, inventory.Look{})
		must(t, s.Observe(name, inventory.Observation{Items: itemsUpTo(3, "MUG"), Memory: kept.Memory}))
	}
	must(t, s.Read(partOf(3, 1)))
	mustClose(t, s)
	s = mustOpen(t, path)
	defer mustClose(t, s)
	if notes := s.Notes(); len(notes) != 0 {
		t.Fatalf("got notes %q about a sound file", notes)
	}
	same(t, "mirror", mustMirror(t, s), mirrorOf(partOf(3, 1)))
}

func TestTheVersionOfTheLayoutIsReadByEveryProgram(t *testing.T) {
	path := newPath(t)
	mustClose(t, mustOpen(t, path))
	data, err := os.ReadFile(path)
	must(t, err)
	want := record{plainRecord, time.Time{}, fmt.Append(nil, schema)}.seal("meta", []byte("schema"))
	if !bytes.Contains(data, want) {
		t.Error("the version is not where and as it was in the first layout")
	}
}

func TestAFileOfTheFirstLayoutIsReadWithoutBeingWritten(t *testing.T) {
	path := firstFile(t, firstBatches)
	before, err := os.ReadFile(path)
	must(t, err)
	s := mustOpenWith(t, path, Options{ReadOnly: true, Now: clock})
	same(t, "file", dumpOf(t, s, "main", "outlet"), wantFirst(t))
	same(t, "writes", told(t, s), []string{})
	mustClose(t, s)
	after, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("a reader changed the file")
	}
}

func TestOnlyTheNewestBatchesAreReadForTheNewLayout(t *testing.T) {
	batches := []string{firstSettled(1, "main", 2, 6, `"outcome":"applied"`)}
	for cycle := 1; cycle <= replayed; cycle++ {
		batches = append(batches, firstSettled(cycle, "main", 1, 6, `"outcome":"applied"`))
	}
	s := mustOpen(t, firstFile(t, batches))
	defer mustClose(t, s)
	writes, err := s.Writes(level(2))
	must(t, err)
	if len(writes) != 0 {
		t.Errorf("got %+v of a batch that is older than the newest %d", writes, replayed)
	}
	if got := told(t, s); len(got) != lastWrites || !strings.HasPrefix(got[0], "2000: ") {
		t.Errorf("got %q, want the newest first", got)
	}
}

func TestHistoryThatIsTooOldIsNotBroughtIntoTheNewLayout(t *testing.T) {
	now := epoch.Add(time.Hour + 6*time.Minute)
	s := mustOpenWith(t, firstFile(t, firstBatches), Options{KeepHistory: time.Hour, Now: func() time.Time { return now }})
	defer mustClose(t, s)
	same(t, "writes", told(t, s), []string{"7: 5→3 applied drift 08:07", "6: 5→2 rejected refused 08:06"})
}

func TestAnEmptyFileOfTheFirstLayoutIsMigrated(t *testing.T) {
	s := mustOpen(t, firstFile(t, nil))
	defer mustClose(t, s)
	if notes := s.Notes(); len(notes) != 0 {
		t.Fatalf("got notes %q about a sound file", notes)
	}
	same(t, "writes", told(t, s), []string{})
}

// TestAMigrationThatIsCutOffLeavesTheFileAsItWas puts files together as a
// machine leaves them that stops within the migration: any of the new pages,
// and the meta page that makes them count only with all of them.
func TestAMigrationThatIsCutOffLeavesTheFileAsItWas(t *testing.T) {
	cutMigration(t, firstFile(t, firstBatches), 1, wantFirst(t), wantMigrated(t))
	cutMigration(t, thirdFile(t), 3, wantThird(t), wantThird(t))
}

func cutMigration(t *testing.T, path string, layout uint64, was, becomes dump) {
	t.Helper()
	before, err := os.ReadFile(path)
	must(t, err)
	mustClose(t, mustOpen(t, path))
	after, err := os.ReadFile(path)
	must(t, err)
	random := rand.New(rand.NewPCG(5, 8))
	size := os.Getpagesize()
	for range 40 {
		torn := slices.Concat(before, make([]byte, len(after)-len(before)))
		for at := 2 * size; at < len(after); at += size {
			if random.IntN(2) == 0 {
				copy(torn[at:at+size], after[at:])
			}
		}
		copied := newPath(t)
		must(t, os.WriteFile(copied, torn, 0o600))
		if got := layoutOf(t, copied); got != layout {
			t.Fatalf("got layout %d, want %d", got, layout)
		}
		reader := mustOpenWith(t, copied, Options{ReadOnly: true, Now: clock})
		same(t, "file after the stop", dumpOf(t, reader, "main", "outlet"), was)
		mustClose(t, reader)
		again := mustOpen(t, copied)
		if notes := again.Notes(); len(notes) != 0 {
			t.Fatalf("got notes %q", notes)
		}
		same(t, "file after the next start", dumpOf(t, again, "main", "outlet"), becomes)
		mustClose(t, again)
	}
}

func TestAMigrationThatFailsLeavesTheFileAsItWas(t *testing.T) {
	path := firstFile(t, firstBatches)
	db, err := bolt.Open(path, 0o600, nil)
	must(t, err)
	defer func() { must(t, db.Close()) }()
	full := errors.New("no space left on device")
	s := &Store{path: path, db: db, opts: Options{Now: clock}}
	err = s.update(func(tx *bolt.Tx) error {
		must(t, s.migrate(tx, 1))
		return full
	})
	if !errors.Is(err, full) {
		t.Fatalf("got %v, want the failure", err)
	}
	if got := layoutOf(t, path); got != 1 {
		t.Errorf("got layout %d, want 1", got)
	}
	same(t, "file", dumpOf(t, s, "main", "outlet"), wantFirst(t))
}

func TestADamagedFileOfTheFirstLayoutIsSetAside(t *testing.T) {
	for name, damage := range map[string]func(*bolt.Tx) error{
		"store main lacks levels": func(tx *bolt.Tx) error {
			return tx.Bucket(bucketStores).Bucket([]byte("main")).DeleteBucket(keyLevels)
		},
		"store main has a part": func(tx *bolt.Tx) error {
			_, err := tx.Bucket(bucketStores).Bucket([]byte("main")).CreateBucket(keyWrites) // of the next layout
			return err
		},
		"settled: a record does not add up": func(tx *bolt.Tx) error {
			return tx.Bucket(bucketSettled).Put(number(2), []byte("no record"))
		},
	} {
		path := firstFile(t, firstBatches)
		db, err := bolt.Open(path, 0o600, nil)
		must(t, err)
		must(t, db.Update(damage))
		must(t, db.Close())
		s := mustOpen(t, path)
		if notes := s.Notes(); len(notes) != 1 || !strings.Contains(notes[0], name) {
			t.Errorf("got notes %q, want that it says: %s", notes, name)
		}
		mustClose(t, s)
	}
}

func TestEveryLayoutAfterTheFirstHasItsStep(t *testing.T) {
	for i, l := range layouts {
		if (l.step == nil) != (i == 0) || len(l.top) == 0 || len(l.store) == 0 {
			t.Errorf("layout %d: got %+v", i+1, l)
		}
	}
}
