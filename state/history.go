package state

import (
	"bytes"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// The history holds a report for as long as somebody may ask for it. Nearly all
// cycles are quiet and tell what the one before them told: these are counted
// with their hour and are not kept, and of the others not kept is what they
// repeat ([news]). Only the newest report is there as it was.

// History gives the last reports, newest first; limit 0 is all. The newest is
// whole; of the others see [Store.Report].
func (s *Store) History(limit int) (reports []inventory.Report, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		last, err := lastReport(tx)
		if err != nil || last == nil {
			return err
		}
		reports = append(reports, *last)
		cursor := tx.Bucket(bucketHistory).Cursor()
		for k, v := cursor.Last(); k != nil && (limit <= 0 || len(reports) < limit); k, v = cursor.Prev() {
			if bytes.Equal(k, number(last.Cycle)) {
				continue
			}
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

// Last gives the newest report, whole, or nil when there is none.
func (s *Store) Last() (last *inventory.Report, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		last, err = lastReport(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return last, nil
}

// lastReport gives the newest report, or nil. Before layout 3 it stood in the
// history alone.
func lastReport(tx *bolt.Tx) (*inventory.Report, error) {
	bucket, place := tx.Bucket(bucketLast), placeLast
	if bucket == nil {
		bucket, place = tx.Bucket(bucketHistory), placeHistory
	}
	k, v := bucket.Cursor().Last()
	if k == nil {
		return nil, nil
	}
	var report inventory.Report
	if err := reveal(place, k, v, &report); err != nil {
		return nil, err
	}
	return &report, nil
}

// Report gives the report of one cycle, or [ErrNoCycle]. Its counts are those
// of the cycle. Among its changes are all that were written or tried; one that
// waits, is held or is skipped stands in the first report that told it, and in
// the newest.
func (s *Store) Report(cycle uint64) (report *inventory.Report, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		if report, err = lastReport(tx); err != nil || report != nil && report.Cycle == cycle {
			return err
		}
		report = &inventory.Report{}
		found, err := get(tx.Bucket(bucketHistory), placeHistory, number(cycle), report)
		if !found {
			report = nil
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case report == nil:
		return nil, fmt.Errorf("%s: cycle %d: %w", s.path, cycle, ErrNoCycle)
	}
	return report, nil
}

// Hours gives what the cycles add up to, hour by hour and oldest first, from
// the hour of the given time on. Hours without a cycle are left out.
func (s *Store) Hours(since time.Time) (hours []inventory.Hour, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(bucketHours)
		if bucket == nil {
			return nil // of an earlier layout, only read
		}
		cursor := bucket.Cursor()
		for k, v := cursor.Seek(hourKey(since)); k != nil; k, v = cursor.Next() {
			var hour inventory.Hour
			if err := reveal(placeHours, k, v, &hour); err != nil {
				return err
			}
			hours = append(hours, hour)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return hours, nil
}

// hourKey numbers the hours since 1970, and all before it as the first.
func hourKey(at time.Time) []byte { return number(uint64(max(0, at.Unix()/3600))) } // #nosec G115 -- not negative

// report records what a cycle found and did: whole as the newest, in its hour,
// and in the history as far as it is news.
func (s *Store) report(tx *bolt.Tx, report *inventory.Report) error {
	before, err := lastReport(tx)
	if err != nil {
		return err
	}
	key, last := number(report.Cycle), tx.Bucket(bucketLast)
	if before != nil {
		if err := last.Delete(number(before.Cycle)); err != nil {
			return err
		}
	}
	if err := put(last, placeLast, key, report.Started, report); err != nil {
		return err
	}
	if err := addHour(tx, report); err != nil {
		return err
	}
	if told := news(report, before); told != nil {
		history := tx.Bucket(bucketHistory)
		history.FillPercent = 1 // cycles come in order
		if err := put(history, placeHistory, key, report.Started, told); err != nil {
			return err
		}
	}
	return dropTold(tx, report)
}

func addHour(tx *bolt.Tx, report *inventory.Report) error {
	hours, key := tx.Bucket(bucketHours), hourKey(report.Started)
	hour := inventory.Hour{Start: inventory.HourOf(report.Started)}
	if _, err := get(hours, placeHours, key, &hour); err != nil {
		return err
	}
	hour.Add(report)
	return put(hours, placeHours, key, hour.Start, hour)
}

// keptSince is how far back history is kept; the zero time is all of it.
func (s *Store) keptSince(now time.Time) time.Time {
	if s.opts.KeepHistory <= 0 {
		return time.Time{}
	}
	return now.Add(-s.opts.KeepHistory)
}

// prune drops the oldest reports, settled batches and hours, when they are
// older than the history to keep; open batches stay, however old.
func (s *Store) prune(tx *bolt.Tx, now time.Time) error {
	before := s.keptSince(now)
	if before.IsZero() {
		return nil
	}
	for _, place := range []string{placeHistory, placeSettled, placeHours} {
		if err := dropOld(tx.Bucket([]byte(place)), place, before); err != nil {
			return err
		}
	}
	return nil
}

// mostOld is how many records a transaction deletes of each kind: reports,
// batches and hours that are too old, and batches that are told.
const mostOld = most / 5

// dropOld deletes records from the first on, as long as they are from before
// the given time. What is too much for one transaction is left to the next.
func dropOld(bucket *bolt.Bucket, place string, before time.Time) error {
	var old [][]byte
	cursor := bucket.Cursor()
	for k, v := cursor.First(); k != nil && len(old) < mostOld; k, v = cursor.Next() {
		r, err := unseal(place, k, v)
		if err != nil {
			return err
		}
		if !r.at.Before(before) {
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
