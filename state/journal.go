package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// most is how many keys one transaction carries: bbolt takes sorted keys in
// portions of this size fastest, and a larger one holds them all in memory.
const most = 10_000

// Begin draws the number of a new cycle. No number comes twice, whatever
// becomes of the cycle.
func (s *Store) Begin() (cycle uint64, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		cycle, err = draw(tx, keyCycle)
		return err
	})
	return cycle, err
}

// draw gives the next number of a row.
func draw(tx *bolt.Tx, row []byte) (n uint64, err error) {
	meta := tx.Bucket(bucketMeta)
	if _, err := get(meta, placeMeta, row, &n); err != nil {
		return 0, err
	}
	n++
	return n, put(meta, placeMeta, row, time.Time{}, n)
}

// Source gives back what [Store.Finish] was given last.
func (s *Store) Source() (source inventory.SourceMemory, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		_, err := get(tx.Bucket(bucketMeta), placeMeta, keySource, &source)
		return err
	})
	return source, err
}

// Store gives back what is remembered of a store; nothing of one it has not
// met.
func (s *Store) Store(name inventory.StoreName) (inventory.StoreMemory, error) {
	items, levels := map[inventory.ItemID]inventory.Item{}, map[inventory.Key]inventory.Seen{}
	memory, err := s.remembered(name,
		func(item inventory.Item) { items[item.ID] = item },
		func(key inventory.Key, seen inventory.Seen) { levels[key] = seen })
	if err != nil {
		return inventory.StoreMemory{}, err
	}
	memory.Items, memory.Levels = items, levels
	return memory, nil
}

// Memory gives back what is remembered of a store beside its levels, and reads no
// more than that.
func (s *Store) Memory(name inventory.StoreName) (memory inventory.Memory, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		b, ok := bucketsOf(tx, name)
		if !ok {
			return nil
		}
		_, err := get(b.own, storePlace(b.name), keyMemory, &memory)
		return err
	})
	return memory, err
}

// Recall gives back the same as [Store.Store], with what was written by cycles
// that were cut off, and hands each item and then each level over, in their order:
// a million levels are not in memory twice. With an error, what was handed over is
// not all there is.
func (s *Store) Recall(name inventory.StoreName, item func(inventory.Item), level func(inventory.Key, inventory.Seen)) (memory inventory.StoreMemory, err error) {
	if memory, err = s.remembered(name, item, level); err != nil {
		return inventory.StoreMemory{}, err
	}
	err = s.view(func(tx *bolt.Tx) (err error) {
		memory.CutOff, err = cutOff(tx, name, s.opts.Now())
		return err
	})
	return memory, err
}

func (s *Store) remembered(name inventory.StoreName, item func(inventory.Item), level func(inventory.Key, inventory.Seen)) (memory inventory.StoreMemory, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		if b, ok := bucketsOf(tx, name); ok {
			if _, err := get(b.own, storePlace(b.name), keyMemory, &memory.Memory); err != nil {
				return err
			}
			if err := readItems(b, item); err != nil {
				return err
			}
			if err := readLevels(b, level); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketIntents).ForEach(func(id, b []byte) error {
			open := inventory.OpenIntent{ID: binary.BigEndian.Uint64(id)}
			if err := reveal(placeIntents, id, b, &open.Intent); err != nil {
				return err
			}
			if open.Store == name {
				memory.Open = append(memory.Open, open)
			}
			return nil
		})
	})
	if err != nil {
		return inventory.StoreMemory{}, err
	}
	s.letGo()
	return memory, nil
}

func readLevels(b storeBuckets, take func(inventory.Key, inventory.Seen)) error {
	return b.levels.ForEach(func(k, v []byte) error {
		key, err := decodeKey(b.name, k)
		if err != nil {
			return err
		}
		seen, err := decodeSeen(b.name, k, v)
		if err == nil {
			take(key, seen)
		}
		return err
	})
}

// belong refuses levels of another store: a record does not say whose it is.
func belong(name inventory.StoreName, keys []inventory.Key) error {
	for _, key := range keys {
		if key.Store != name {
			return fmt.Errorf("level %s is not of store %s", key, name)
		}
	}
	return nil
}

// writeLevels writes the levels of sorted keys. Those that have no value are
// deleted, and their last writes with them.
func writeLevels(b storeBuckets, keys []inventory.Key, levels map[inventory.Key]inventory.Seen) error {
	b.levels.FillPercent = 0.9 // keys come sorted
	for _, key := range keys {
		k := encodeKey(key)
		var err error
		if seen, ok := levels[key]; ok {
			err = b.levels.Put(k, encodeSeen(b.name, k, seen))
		} else {
			err = errors.Join(b.levels.Delete(k), b.writes.Delete(k))
		}
		if err != nil {
			return fmt.Errorf("level %s: %w", key, err)
		}
	}
	return nil
}

// Intend records a batch before it is sent.
func (s *Store) Intend(intent inventory.Intent) (id uint64, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		if id, err = draw(tx, keyIntent); err != nil {
			return err
		}
		return put(tx.Bucket(bucketIntents), placeIntents, number(id), intent.At, intent)
	})
	return id, err
}

// Settle records what became of a batch, and what its levels show now, in one
// transaction.
func (s *Store) Settle(name inventory.StoreName, found inventory.Settled) error {
	return s.update(func(tx *bolt.Tx) error {
		b, err := makeBuckets(tx, name)
		if err != nil {
			return err
		}
		return s.settle(tx, b, found)
	})
}

// settledBatch is a batch of the past: what was meant, and what became of it.
type settledBatch struct {
	Cycle    uint64              `json:"cycle"`
	Store    inventory.StoreName `json:"store"`
	Key      string              `json:"key"`
	Sent     time.Time           `json:"sent"`
	Outcomes []inventory.Outcome `json:"outcomes"`
}

// settle moves a batch from the open ones to the past, and notes its writes
// with their levels, and what is remembered of these. One that is not open has
// been settled before.
func (s *Store) settle(tx *bolt.Tx, b storeBuckets, found inventory.Settled) error {
	keys := slices.SortedFunc(maps.Keys(found.Levels), inventory.Key.Compare)
	if err := belong(b.name, keys); err != nil {
		return err
	}
	batch, open, err := s.conclude(tx, b.name, found)
	if err != nil {
		return err
	}
	if open {
		if err := b.note(batch, s.keptSince(s.opts.Now())); err != nil {
			return err
		}
	}
	return writeLevels(b, keys, found.Levels)
}

// conclude moves a batch from the open ones to the past, and tells whether it
// was open.
func (s *Store) conclude(tx *bolt.Tx, name inventory.StoreName, found inventory.Settled) (batch settledBatch, open bool, err error) {
	id := number(found.ID)
	intents := tx.Bucket(bucketIntents)
	var intent inventory.Intent
	if open, err = get(intents, placeIntents, id, &intent); err != nil || !open {
		return settledBatch{}, false, err
	}
	if intent.Store != name {
		return settledBatch{}, false, fmt.Errorf("batch %d is of store %s, not of %s", found.ID, intent.Store, name)
	}
	batch = settledBatch{intent.Cycle, intent.Store, intent.Key, intent.At, found.Outcomes}
	settled := tx.Bucket(bucketSettled)
	settled.FillPercent = 1 // batches come in order
	if err := put(settled, placeSettled, id, s.opts.Now(), batch); err != nil {
		return settledBatch{}, false, err
	}
	return batch, true, intents.Delete(id)
}

// Finish records the report of a cycle and what its stores wait for, and drops
// what is older than the history to keep.
func (s *Store) Finish(end inventory.Finish) error {
	now := s.opts.Now()
	return s.update(func(tx *bolt.Tx) error {
		if err := s.report(tx, end.Report); err != nil {
			return err
		}
		if err := put(tx.Bucket(bucketMeta), placeMeta, keySource, now, end.Source); err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(end.Stores)) {
			b, err := makeBuckets(tx, name)
			if err != nil {
				return err
			}
			if err := put(b.own, storePlace(name), keyMemory, now, end.Stores[name]); err != nil {
				return err
			}
		}
		return s.prune(tx, now)
	})
}

// Update changes what is remembered of a store beside its levels, for a
// command that works while no daemon runs. When change returns an error,
// nothing is written.
func (s *Store) Update(name inventory.StoreName, change func(*inventory.Memory) error) error {
	return s.update(func(tx *bolt.Tx) error {
		b, err := makeBuckets(tx, name)
		if err != nil {
			return err
		}
		var memory inventory.Memory
		if _, err := get(b.own, storePlace(name), keyMemory, &memory); err != nil {
			return err
		}
		if err := change(&memory); err != nil {
			return err
		}
		return put(b.own, storePlace(name), keyMemory, s.opts.Now(), memory)
	})
}

// Forget drops the levels with their last writes, the items, the ledger and the
// open batches of a store, so that each of its levels is seen first again; its
// history stays.
func (s *Store) Forget(name inventory.StoreName) error {
	memory, err := s.Store(name)
	if err != nil {
		return err
	}
	return s.update(func(tx *bolt.Tx) error {
		for _, open := range memory.Open {
			if _, _, err := s.conclude(tx, name, inventory.Settled{ID: open.ID, Outcomes: unknown(open.Changes)}); err != nil {
				return err
			}
		}
		stores := tx.Bucket(bucketStores)
		if stores.Bucket([]byte(name)) == nil {
			return nil
		}
		return stores.DeleteBucket([]byte(name))
	})
}

// unknown is what became of changes that nobody will look at.
func unknown(changes []inventory.Change) []inventory.Outcome {
	outcomes := make([]inventory.Outcome, len(changes))
	for i, change := range changes {
		outcomes[i] = inventory.Outcome{Change: change, Result: inventory.Stale, Because: inventory.ReasonUnknown}
	}
	return outcomes
}
