package state

import (
	"bytes"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// layout is one version of the file's layout.
type layout struct {
	top   []string // what must stand at the top level and in meta
	store []string // what the bucket of a store holds
	// step brings a file of the version before up to this one.
	step func(*Store, *bolt.Tx) error
}

// layouts are all versions from 1 on. A file is laid by the last of them; one
// of an earlier version is brought up to it by the steps in between, and is
// read as it is by those that only read.
var layouts = []layout{
	{top: topLevel, store: []string{"levels", "memory"}},
	{top: topLevel, store: []string{"levels", "memory", "writes"}, step: (*Store).addWrites},
	{top: append([]string{"hours", "last"}, topLevel...), store: []string{"levels", "memory", "writes"}, step: (*Store).addHours},
	{
		top: append([]string{"hours", "last", "variants", "head", "recipes"}, topLevel...), store: []string{"levels", "memory", "writes", "items"},
		step: (*Store).addSnapshot,
	},
}

var topLevel = []string{"stores", "intents", "settled", "history", "meta/cycle", "meta/intent", "meta/source", "meta/lineage"}

// schema is the version of the layout. It grows when an older program could
// misread what a newer one wrote, or take it for damage; its record stays
// where it is and as it is for ever.
var schema = uint64(len(layouts))

// migrate brings a file of an earlier layout up to the present one. It is one
// transaction: a machine that stops within it leaves the file as it was.
func (s *Store) migrate(tx *bolt.Tx, has uint64) error {
	for _, next := range layouts[has:] {
		if err := next.step(s, tx); err != nil {
			return err
		}
	}
	return put(tx.Bucket(bucketMeta), placeMeta, keySchema, time.Time{}, schema)
}

// replayed is how many settled batches the step to layout 2 reads: enough for
// the last days of most shops, and not so many that a start takes long.
const replayed = 2000

// addWrites is the step to layout 2. Each store gets its bucket of last
// writes, filled from the newest settled batches.
func (s *Store) addWrites(tx *bolt.Tx) error {
	if err := addToStores(tx, keyWrites); err != nil {
		return err
	}
	return s.replay(tx)
}

// addToStores gives each store one more bucket.
func addToStores(tx *bolt.Tx, part []byte) error {
	var names [][]byte
	stores := tx.Bucket(bucketStores)
	err := stores.ForEachBucket(func(name []byte) error {
		names = append(names, bytes.Clone(name)) // bbolt moves pages while it creates
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := stores.Bucket(name).CreateBucket(part); err != nil {
			return err
		}
	}
	return nil
}

// replay notes the writes of the newest settled batches, oldest first, as if
// they were settled now. Those of a store or a level that is no longer there
// are left out.
func (s *Store) replay(tx *bolt.Tx) error {
	cursor := tx.Bucket(bucketSettled).Cursor()
	id, v := cursor.Last()
	for n := 1; id != nil && n < replayed; n++ {
		id, v = cursor.Prev()
	}
	if id == nil { // there are fewer
		id, v = cursor.First()
	}
	from := s.keptSince(s.opts.Now())
	for ; id != nil; id, v = cursor.Next() {
		var batch settledBatch
		if err := reveal(placeSettled, id, v, &batch); err != nil {
			return err
		}
		b, ok := bucketsOf(tx, batch.Store)
		if !ok {
			continue
		}
		batch.Outcomes = slices.DeleteFunc(batch.Outcomes, func(o inventory.Outcome) bool {
			return b.levels.Get(encodeKey(o.Key)) == nil
		})
		if err := b.note(batch, from); err != nil {
			return err
		}
	}
	return nil
}

// addHours is the step to layout 3, in which records may be deflated, the
// newest report stands by itself and the hours begin. What the history holds by
// then stays as it is, until it is too old.
func (s *Store) addHours(tx *bolt.Tx) error {
	report, err := lastReport(tx)
	if err != nil {
		return err
	}
	if _, err := tx.CreateBucket(bucketHours); err != nil {
		return err
	}
	last, err := tx.CreateBucket(bucketLast)
	if err != nil || report == nil {
		return err
	}
	return put(last, placeLast, number(report.Cycle), report.Started, report)
}

// addSnapshot is the step to layout 4, in which both sides are kept. Nothing is
// known of Katana by then, of no store's items, and of no level whether it is
// active; and no [inventory.Look] vouches for what is there: the next cycle is a
// full one.
func (s *Store) addSnapshot(tx *bolt.Tx) error {
	for _, name := range [][]byte{bucketVariants, bucketHead, bucketRecipes} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return addToStores(tx, keyItems)
}
