package state

import (
	"bytes"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// History gives the last reports, newest first; limit 0 is all.
func (s *Store) History(limit int) (reports []inventory.Report, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		cursor := tx.Bucket(bucketHistory).Cursor()
		for k, v := cursor.Last(); k != nil && (limit <= 0 || len(reports) < limit); k, v = cursor.Prev() {
			var report inventory.Report
			if err := reveal(placeHistory, k, v, &report); err != nil {
				return err
			}
			reports = append(reports, report)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return reports, nil
}

// Last gives the newest report, or nil when there is none.
func (s *Store) Last() (*inventory.Report, error) {
	reports, err := s.History(1)
	if err != nil || len(reports) == 0 {
		return nil, err
	}
	return &reports[0], nil
}

// Report gives the report of one cycle, or [ErrNoCycle].
func (s *Store) Report(cycle uint64) (*inventory.Report, error) {
	var report inventory.Report
	found := false
	err := s.view(func(tx *bolt.Tx) (err error) {
		found, err = get(tx.Bucket(bucketHistory), placeHistory, number(cycle), &report)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, fmt.Errorf("%s: cycle %d: %w", s.path, cycle, ErrNoCycle)
	}
	return &report, nil
}

// keptSince is how far back history is kept; the zero time is all of it.
func (s *Store) keptSince(now time.Time) time.Time {
	if s.opts.KeepHistory <= 0 {
		return time.Time{}
	}
	return now.Add(-s.opts.KeepHistory)
}

// prune drops the oldest reports and settled batches, when they are older than
// the history to keep; open batches stay, however old.
func (s *Store) prune(tx *bolt.Tx, now time.Time) error {
	before := s.keptSince(now)
	if before.IsZero() {
		return nil
	}
	for _, place := range []string{placeHistory, placeSettled} {
		if err := dropOld(tx.Bucket([]byte(place)), place, before); err != nil {
			return err
		}
	}
	return nil
}

// dropOld deletes records from the first on, as long as they are from before
// the given time. What is too much for one transaction is left to the next.
func dropOld(bucket *bolt.Bucket, place string, before time.Time) error {
	var old [][]byte
	cursor := bucket.Cursor()
	for k, v := cursor.First(); k != nil && len(old) < most/2; k, v = cursor.Next() {
		at, _, err := unseal(place, k, v)
		if err != nil {
			return err
		}
		if !at.Before(before) {
			break
		}
		old = append(old, bytes.Clone(k)) // bbolt moves pages while it deletes
	}
	for _, k := range old {
		if err := bucket.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
