package state

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// most is how many levels one transaction carries: bbolt takes sorted keys in
// portions of this size fastest, and a larger one holds them all in memory.
const most = 10_000

// Begin draws the number of a new cycle. No number comes twice, whatever
// becomes of the cycle.
func (s *Store) Begin() (cycle uint64, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		if last := meta.Get(keyCycle); len(last) == 8 {
			cycle = binary.BigEndian.Uint64(last)
		}
		cycle++
		return meta.Put(keyCycle, number(cycle))
	})
	return cycle, err
}

// Source gives back what [Store.Finish] was given last.
func (s *Store) Source() (source inventory.SourceMemory, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		if b := tx.Bucket(bucketMeta).Get(keySource); b != nil {
			return decode("source", b, &source)
		}
		return nil
	})
	return source, err
}

// Store gives back what is remembered of a store; nothing of one it has not
// met.
func (s *Store) Store(name inventory.StoreName) (inventory.StoreMemory, error) {
	memory := inventory.StoreMemory{Levels: map[inventory.Key]inventory.Seen{}}
	err := s.view(func(tx *bolt.Tx) error {
		if err := readStore(tx.Bucket(bucketStores).Bucket([]byte(name)), name, &memory); err != nil {
			return err
		}
		return tx.Bucket(bucketIntents).ForEach(func(id, value []byte) error {
			open := inventory.OpenIntent{ID: binary.BigEndian.Uint64(id)}
			if err := decode("intent", value, &open.Intent); err != nil {
				return err
			}
			if open.Store == name {
				memory.Open = append(memory.Open, open)
			}
			return nil
		})
	})
	return memory, err
}

func readStore(bucket *bolt.Bucket, name inventory.StoreName, memory *inventory.StoreMemory) error {
	if bucket == nil {
		return nil
	}
	if b := bucket.Get(keyMemory); b != nil {
		if err := decode("memory", b, &memory.Memory); err != nil {
			return err
		}
	}
	levels := bucket.Bucket(keyLevels)
	if levels == nil {
		return nil
	}
	return levels.ForEach(func(k, v []byte) error {
		key, err := decodeKey(name, k)
		if err != nil {
			return err
		}
		memory.Levels[key], err = decodeSeen(v)
		return err
	})
}

// Observe records what a cycle saw of a store. The ledger and the settled
// batches are in the first transaction: when the machine stops before the
// last, a fall may be noted twice, and never not at all.
func (s *Store) Observe(name inventory.StoreName, seen inventory.Observation) error {
	keys := slices.SortedFunc(maps.Keys(seen.Levels), inventory.Key.Compare)
	first := true
	for first || len(keys) > 0 {
		portion := keys[:min(len(keys), most)]
		keys = keys[len(portion):]
		err := s.update(func(tx *bolt.Tx) error {
			bucket, levels, err := storeBuckets(tx, name)
			if err != nil {
				return err
			}
			if first {
				if err := observeFirst(tx, bucket, levels, seen, s.opts.Now()); err != nil {
					return err
				}
			}
			return putLevels(levels, portion, seen.Levels)
		})
		if err != nil {
			return err
		}
		first = false
	}
	return nil
}

func observeFirst(tx *bolt.Tx, bucket, levels *bolt.Bucket, seen inventory.Observation, now time.Time) error {
	memory, err := encode(seen.Memory)
	if err != nil {
		return err
	}
	if err := bucket.Put(keyMemory, memory); err != nil {
		return err
	}
	for _, settled := range seen.Settled {
		if err := settle(tx, settled, now); err != nil {
			return err
		}
	}
	for _, key := range seen.Gone {
		if err := levels.Delete(encodeKey(key)); err != nil {
			return err
		}
	}
	return nil
}

func storeBuckets(tx *bolt.Tx, name inventory.StoreName) (store, levels *bolt.Bucket, err error) {
	if store, err = tx.Bucket(bucketStores).CreateBucketIfNotExists([]byte(name)); err != nil {
		return nil, nil, err
	}
	levels, err = store.CreateBucketIfNotExists(keyLevels)
	return store, levels, err
}

func putLevels(bucket *bolt.Bucket, keys []inventory.Key, levels map[inventory.Key]inventory.Seen) error {
	bucket.FillPercent = 0.9 // keys come sorted
	for _, key := range keys {
		if err := bucket.Put(encodeKey(key), encodeSeen(levels[key])); err != nil {
			return err
		}
	}
	return nil
}

// Intend records a batch before it is sent.
func (s *Store) Intend(intent inventory.Intent) (id uint64, err error) {
	value, err := encode(intent)
	if err != nil {
		return 0, err
	}
	err = s.update(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(bucketIntents)
		if id, err = bucket.NextSequence(); err != nil {
			return err
		}
		return bucket.Put(number(id), value)
	})
	return id, err
}

// Settle records what became of a batch, and what its levels show now, in one
// transaction.
func (s *Store) Settle(name inventory.StoreName, found inventory.Settled) error {
	return s.update(func(tx *bolt.Tx) error {
		_, levels, err := storeBuckets(tx, name)
		if err != nil {
			return err
		}
		if err := settle(tx, found, s.opts.Now()); err != nil {
			return err
		}
		return putLevels(levels, slices.SortedFunc(maps.Keys(found.Levels), inventory.Key.Compare), found.Levels)
	})
}

// settledBatch is a batch of the past: what was meant, and what became of it.
type settledBatch struct {
	Intent   inventory.Intent    `json:"intent"`
	Outcomes []inventory.Outcome `json:"outcomes"`
	At       time.Time           `json:"at"`
}

func settle(tx *bolt.Tx, found inventory.Settled, now time.Time) error {
	intents := tx.Bucket(bucketIntents)
	value := intents.Get(number(found.ID))
	if value == nil {
		return nil // settled before
	}
	batch := settledBatch{Outcomes: found.Outcomes, At: now}
	if err := decode("intent", value, &batch.Intent); err != nil {
		return err
	}
	settled, err := encode(batch)
	if err != nil {
		return err
	}
	if err := tx.Bucket(bucketSettled).Put(number(found.ID), settled); err != nil {
		return err
	}
	return intents.Delete(number(found.ID))
}

// Finish records the report of a cycle and what its stores wait for, and drops
// what is older than the history to keep.
func (s *Store) Finish(end inventory.Finish) error {
	report, err := encode(end.Report)
	if err != nil {
		return err
	}
	source, err := encode(end.Source)
	if err != nil {
		return err
	}
	return s.update(func(tx *bolt.Tx) error {
		if err := tx.Bucket(bucketHistory).Put(number(end.Report.Cycle), report); err != nil {
			return err
		}
		if err := tx.Bucket(bucketMeta).Put(keySource, source); err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(end.Stores)) {
			bucket, _, err := storeBuckets(tx, name)
			if err != nil {
				return err
			}
			memory, err := encode(end.Stores[name])
			if err != nil {
				return err
			}
			if err := bucket.Put(keyMemory, memory); err != nil {
				return err
			}
		}
		return s.prune(tx)
	})
}

// Forget drops the levels and the ledger of a store; its history stays.
func (s *Store) Forget(name inventory.StoreName) error {
	return s.update(func(tx *bolt.Tx) error {
		stores := tx.Bucket(bucketStores)
		if stores.Bucket([]byte(name)) == nil {
			return nil
		}
		return stores.DeleteBucket([]byte(name))
	})
}
