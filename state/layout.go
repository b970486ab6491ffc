package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// schema is the version of the file's layout. It grows when an older program
// could misread what a newer one wrote; its record stays where it is and as it
// is for ever.
const schema uint64 = 1

// The buckets. Each store has one of its own below stores, named as in the
// config, which always holds both its memory and its levels.
const (
	placeMeta    = "meta"    // schema, cycle, intent, source, lineage
	placeStores  = "stores"  // store → memory, levels
	placeIntents = "intents" // id → intent whose outcome is not known
	placeSettled = "settled" // id → intent with its outcomes
	placeHistory = "history" // cycle → report
)

var (
	bucketMeta    = []byte(placeMeta)
	bucketStores  = []byte(placeStores)
	bucketIntents = []byte(placeIntents)
	bucketSettled = []byte(placeSettled)
	bucketHistory = []byte(placeHistory)

	keySchema  = []byte("schema")
	keyCycle   = []byte("cycle")  // the last number drawn
	keyIntent  = []byte("intent") // the last number drawn
	keySource  = []byte("source")
	keyLineage = []byte("lineage")
	keyMemory  = []byte("memory")
	keyLevels  = []byte("levels")
)

// lay makes the buckets and records of a new file. From then on all of them
// are there: one that is missing is damage.
func lay(tx *bolt.Tx) error {
	for _, name := range [][]byte{bucketMeta, bucketStores, bucketIntents, bucketSettled, bucketHistory} {
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

// storePlace is the place of a store's own records.
func storePlace(name inventory.StoreName) string { return placeStores + "/" + string(name) }

// storeBuckets gives the buckets of a store, and makes them if need be.
func storeBuckets(tx *bolt.Tx, name inventory.StoreName) (store, levels *bolt.Bucket, err error) {
	stores := tx.Bucket(bucketStores)
	if store = stores.Bucket([]byte(name)); store != nil {
		return store, store.Bucket(keyLevels), nil
	}
	if store, err = stores.CreateBucket([]byte(name)); err != nil {
		return nil, nil, fmt.Errorf("store %q: %w", name, err)
	}
	if err := put(store, storePlace(name), keyMemory, time.Time{}, inventory.Memory{}); err != nil {
		return nil, nil, err
	}
	levels, err = store.CreateBucket(keyLevels)
	return store, levels, err
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// contents is what examine learns of a file.
type contents struct {
	schema uint64
	empty  bool // a bbolt file in which nothing was ever kept

	keys   map[string]bool // of the top level and of meta
	stores map[string]int  // store → how many of its two records are there
	first  error           // the first record that is not in order
}

// examine reads all of a file and checks each page and record. It needs
// neither bbolt nor much memory, and whatever the file holds, it ends.
func examine(file io.ReaderAt, size int64) (contents, error) {
	c := contents{keys: map[string]bool{}, stores: map[string]int{}}
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
	case c.schema != schema:
		return c, fmt.Errorf("a layout %d, which never was", c.schema)
	}
	for _, name := range []string{placeStores, placeIntents, placeSettled, placeHistory, "meta/cycle", "meta/intent", "meta/source", "meta/lineage"} {
		if !c.keys[name] {
			return c, fmt.Errorf("it lacks %s", name)
		}
	}
	for name, parts := range c.stores {
		if parts != 2 {
			return c, fmt.Errorf("store %s lacks a part", name)
		}
	}
	return c, nil
}

// record looks at one record of the file.
func (c *contents) record(path []string, key, value []byte, bucket bool) error {
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
	case len(key) != 8:
		return fmt.Errorf("%s: %w", path[0], errRecord)
	}
	_, _, err := unseal(path[0], key, value)
	return err
}

func (c *contents) checkStore(path []string, key, value []byte, bucket bool) error {
	switch {
	case len(path) == 0:
		c.stores[string(key)] += 0
		return expect(bucket)
	case len(path) == 1 && string(key) == string(keyLevels):
		c.stores[path[0]]++
		return expect(bucket)
	case bucket:
		return errBucket
	case len(path) == 1 && string(key) == string(keyMemory):
		c.stores[path[0]]++
		_, _, err := unseal(storePlace(inventory.StoreName(path[0])), key, value)
		return err
	case len(path) == 2 && path[1] == string(keyLevels):
		if _, err := decodeKey("", key); err != nil {
			return err
		}
		_, err := decodeSeen(inventory.StoreName(path[0]), key, value)
		return err
	}
	return errRecord
}

func expect(bucket bool) error {
	if !bucket {
		return errBucket
	}
	return nil
}
