package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// ErrNoCycle reports a cycle that the history does not hold.
var ErrNoCycle = errors.New("not in the history; it may be older than state.keep_history")

// History gives the last reports, newest first; limit 0 is all.
func (s *Store) History(limit int) (reports []inventory.Report, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		cursor := tx.Bucket(bucketHistory).Cursor()
		for k, v := cursor.Last(); k != nil && (limit <= 0 || len(reports) < limit); k, v = cursor.Prev() {
			var report inventory.Report
			if err := decode("report", v, &report); err != nil {
				return err
			}
			reports = append(reports, report)
		}
		return nil
	})
	return reports, err
}

// Last gives the newest report, or nil when there is none.
func (s *Store) Last() (*inventory.Report, error) {
	reports, err := s.History(1)
	if err != nil || len(reports) == 0 {
		return nil, err
	}
	return &reports[0], nil
}

// Report gives the report of one cycle.
func (s *Store) Report(cycle uint64) (*inventory.Report, error) {
	var report inventory.Report
	err := s.view(func(tx *bolt.Tx) error {
		v := tx.Bucket(bucketHistory).Get(number(cycle))
		if v == nil {
			return fmt.Errorf("cycle %d: %w", cycle, ErrNoCycle)
		}
		return decode("report", v, &report)
	})
	if err != nil {
		return nil, err
	}
	return &report, nil
}

// prune drops reports and settled batches that are older than the history to
// keep, oldest first.
func (s *Store) prune(tx *bolt.Tx) error {
	if s.opts.KeepHistory <= 0 {
		return nil
	}
	oldest := s.opts.Now().Add(-s.opts.KeepHistory)
	err := dropWhile(tx.Bucket(bucketHistory), func(v []byte) (time.Time, error) {
		var report struct{ Started time.Time }
		err := decode("report", v, &report)
		return report.Started, err
	}, oldest)
	if err != nil {
		return err
	}
	return dropWhile(tx.Bucket(bucketSettled), func(v []byte) (time.Time, error) {
		var batch struct{ At time.Time }
		err := decode("batch", v, &batch)
		return batch.At, err
	}, oldest)
}

// dropWhile deletes records from the oldest on, as long as they are from
// before the given time.
func dropWhile(bucket *bolt.Bucket, when func([]byte) (time.Time, error), before time.Time) error {
	var old [][]byte
	cursor := bucket.Cursor()
	for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
		at, err := when(v)
		if err != nil {
			return err
		}
		if !at.Before(before) {
			break
		}
		old = append(old, k)
	}
	for _, k := range old {
		if err := bucket.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// readable decodes every record of the file, so that what is damaged is found
// when the file is opened and not in the middle of a cycle.
func (s *Store) readable(tx *bolt.Tx) error {
	checks := []struct {
		bucket []byte
		read   func(v []byte) error
	}{
		{bucketIntents, func(v []byte) error { return decode("intent", v, &inventory.Intent{}) }},
		{bucketHistory, func(v []byte) error { return decode("report", v, &inventory.Report{}) }},
	}
	for _, check := range checks {
		bucket := tx.Bucket(check.bucket)
		if bucket == nil {
			return &damagedError{fmt.Errorf("it has no bucket %s", check.bucket)}
		}
		err := bucket.ForEach(func(k, v []byte) error {
			if len(k) != 8 || binary.BigEndian.Uint64(k) == 0 {
				return errRecord
			}
			return check.read(v)
		})
		if err != nil {
			return &damagedError{err}
		}
	}
	stores := tx.Bucket(bucketStores)
	if stores == nil || tx.Bucket(bucketSettled) == nil {
		return &damagedError{errors.New("it lacks a bucket")}
	}
	err := stores.ForEachBucket(func(name []byte) error {
		memory := inventory.StoreMemory{Levels: map[inventory.Key]inventory.Seen{}}
		return readStore(stores.Bucket(name), inventory.StoreName(name), &memory)
	})
	if err != nil {
		return &damagedError{err}
	}
	if b := tx.Bucket(bucketMeta).Get(keySource); b != nil {
		if err := decode("source", b, &inventory.SourceMemory{}); err != nil {
			return &damagedError{err}
		}
	}
	return nil
}
