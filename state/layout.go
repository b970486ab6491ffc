package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// The buckets. Each store has one of its own below stores, named as in the
// config, which always holds its memory, its levels with their last writes, and
// its items.
const (
	placeMeta     = "meta"     // schema, cycle, intent, source, lineage
	placeStores   = "stores"   // store → memory, levels, writes, items
	placeIntents  = "intents"  // id → intent whose outcome is not known
	placeSettled  = "settled"  // id → intent with its outcomes, which no report tells
	placeHistory  = "history"  // cycle → report, without what the one before it told
	placeHours    = "hours"    // hour → what its cycles add up to
	placeLast     = "last"     // cycle → report, whole, of the newest
	placeVariants = "variants" // id → variant of Katana with its rows
	placeHead     = "head"     // what is kept of Katana beside them, but for the recipes
	placeRecipes  = "recipes"  // the ingredients: large, and seldom another
)

var (
	bucketMeta     = []byte(placeMeta)
	bucketStores   = []byte(placeStores)
	bucketIntents  = []byte(placeIntents)
	bucketSettled  = []byte(placeSettled)
	bucketHistory  = []byte(placeHistory)
	bucketHours    = []byte(placeHours)
	bucketLast     = []byte(placeLast)
	bucketVariants = []byte(placeVariants)
	bucketHead     = []byte(placeHead)
	bucketRecipes  = []byte(placeRecipes)

	keySchema  = []byte("schema")
	keyCycle   = []byte("cycle")  // the last number drawn
	keyIntent  = []byte("intent") // the last number drawn
	keySource  = []byte("source")
	keyLineage = []byte("lineage")
	keyMemory  = []byte("memory")
	keyLevels  = []byte("levels")
	keyWrites  = []byte("writes")
	keyItems   = []byte("items")

	// keyOnly is the key of a record that has a bucket to itself: bbolt writes a
	// page whole, and with it whatever else stands there.
	keyOnly = number(0)
)

// lay makes the buckets and records of a new file. From then on all of them
// are there: one that is missing is damage.
func lay(tx *bolt.Tx) error {
	for _, name := range [][]byte{
		bucketMeta, bucketStores, bucketIntents, bucketSettled, bucketHistory, bucketHours, bucketLast,
		bucketVariants, bucketHead, bucketRecipes,
	} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(bucketMeta)
	for _, record := range []struct {
		key   []byte
		value any
	}{
		{keySchema, schema}, {keyCycle, 0}, {keyIntent, 0}, {keySource, inventory.SourceMemory{}}, {keyLineage, Lineage{}},
	} {
		if err := put(meta, placeMeta, record.key, time.Time{}, record.value); err != nil {
			return err
		}
	}
	return nil
}

// storePlace is the place of a store's own records, writesPlace that of its
// levels' last writes, and itemsPlace that of its items.
func storePlace(name inventory.StoreName) string  { return placeStores + "/" + string(name) }
func writesPlace(name inventory.StoreName) string { return storePlace(name) + "/" + string(keyWrites) }
func itemsPlace(name inventory.StoreName) string  { return storePlace(name) + "/" + string(keyItems) }

// storeBuckets are the buckets of one store.
type storeBuckets struct {
	name   inventory.StoreName
	own    *bolt.Bucket // its memory, and the three below
	levels *bolt.Bucket
	writes *bolt.Bucket // nil in a file of layout 1, which is only read
	items  *bolt.Bucket // nil in one before layout 4
}

// bucketsOf gives the buckets of a store, if it has been met.
func bucketsOf(tx *bolt.Tx, name inventory.StoreName) (b storeBuckets, ok bool) {
	own := tx.Bucket(bucketStores).Bucket([]byte(name))
	if own == nil {
		return storeBuckets{}, false
	}
	return storeBuckets{
		name: name, own: own, levels: own.Bucket(keyLevels), writes: own.Bucket(keyWrites), items: own.Bucket(keyItems),
	}, true
}

// makeBuckets gives the buckets of a store, and makes them if need be.
func makeBuckets(tx *bolt.Tx, name inventory.StoreName) (storeBuckets, error) {
	if b, ok := bucketsOf(tx, name); ok {
		return b, nil
	}
	own, err := tx.Bucket(bucketStores).CreateBucket([]byte(name))
	if err != nil {
		return storeBuckets{}, fmt.Errorf("store %q: %w", name, err)
	}
	if err := put(own, storePlace(name), keyMemory, time.Time{}, inventory.Memory{}); err != nil {
		return storeBuckets{}, err
	}
	b := storeBuckets{name: name, own: own}
	if b.levels, err = own.CreateBucket(keyLevels); err != nil {
		return storeBuckets{}, err
	}
	if b.writes, err = own.CreateBucket(keyWrites); err != nil {
		return storeBuckets{}, err
	}
	b.items, err = own.CreateBucket(keyItems)
	return b, err
}

// numberKey is how long the key of a record is that is found by its number.
const numberKey = 8

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// contents is what examine learns of a file.
type contents struct {
	schema uint64
	empty  bool // a bbolt file in which nothing was ever kept

	records int // buckets included

	keys   map[string]bool     // of the top level and of meta
	stores map[string][]string // store → what its bucket holds
	writes string              // the place of the last writes of the store that is walked
	items  string              // and that of its items
	first  error               // the first record that is not in order
}

// examine reads all of a file and checks each page and record. It needs
// neither bbolt nor much memory, and whatever the file holds, it ends.
func examine(file io.ReaderAt, size int64) (contents, error) {
	c := contents{keys: map[string]bool{}, stores: map[string][]string{}}
	if err := walk(file, size, c.record); err != nil {
		return c, err
	}
	switch {
	case len(c.keys) == 0:
		c.empty = true
		return c, nil
	case !c.keys[placeMeta+"/"+string(keySchema)]:
		return c, ErrNotState
	case c.schema > schema: // what else is in it is not for us to judge
		return c, nil
	case c.first != nil:
		return c, c.first
	case c.schema == 0:
		return c, errors.New("a layout 0, which never was")
	}
	return c, c.complete(layouts[c.schema-1])
}

// complete tells whether all is there that a file of the layout holds.
func (c *contents) complete(want layout) error {
	for _, name := range want.top {
		if !c.keys[name] {
			return fmt.Errorf("it lacks %s", name)
		}
	}
	for name, has := range c.stores {
		for _, part := range want.store {
			if !slices.Contains(has, part) {
				return fmt.Errorf("store %s lacks %s", name, part)
			}
		}
		if len(has) != len(want.store) {
			return fmt.Errorf("store %s has a part that its layout does not know", name)
		}
	}
	return nil
}

// record looks at one record of the file.
func (c *contents) record(path []string, key, value []byte, bucket bool) error {
	c.records++
	if err := c.check(path, key, value, bucket); err != nil && c.first == nil {
		c.first = err
	}
	return nil
}

var errBucket = errors.New("a bucket where a record should be, or the other way round")

func (c *contents) check(path []string, key, value []byte, bucket bool) error {
	switch {
	case len(path) == 0:
		c.keys[string(key)] = true
		return expect(bucket)
	case path[0] == placeStores:
		return c.checkStore(path[1:], key, value, bucket)
	case len(path) > 1 || bucket:
		return errBucket
	case path[0] == placeMeta:
		c.keys[placeMeta+"/"+string(key)] = true
		if string(key) == string(keySchema) {
			return reveal(placeMeta, key, value, &c.schema)
		}
	case len(key) != numberKey:
		return fmt.Errorf("%s: %w", path[0], errRecord)
	case path[0] == placeVariants:
		_, err := openVariant(key, value)
		return err
	case path[0] == placeRecipes:
		_, err := openRecipes(key, value)
		return err
	}
	_, err := unseal(path[0], key, value)
	return err
}

func (c *contents) checkStore(path []string, key, value []byte, bucket bool) error {
	if len(path) == 0 {
		c.stores[string(key)] = nil
		c.writes, c.items = writesPlace(inventory.StoreName(key)), itemsPlace(inventory.StoreName(key))
		return expect(bucket)
	}
	name := inventory.StoreName(path[0])
	if len(path) == 1 {
		c.stores[path[0]] = append(c.stores[path[0]], string(key))
		if string(key) != string(keyMemory) {
			return expect(bucket)
		}
		if bucket {
			return errBucket
		}
		_, err := unseal(storePlace(name), key, value)
		return err
	}
	if bucket {
		return errBucket
	}
	if path[1] == string(keyItems) {
		_, err := openItem(name, c.items, key, value)
		return err
	}
	_, err := decodeKey(name, key)
	if err != nil {
		return err
	}
	switch path[1] {
	case string(keyLevels):
		_, err = decodeSeen(name, key, value)
	case string(keyWrites):
		_, err = openWrites(name, c.writes, key, value)
	}
	return err
}

func expect(bucket bool) error {
	if !bucket {
		return errBucket
	}
	return nil
}
