package state

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// lastWrites is how many writes of a level are kept beside it. The settled
// batches hold all of them, but by batch: to find a level's own there, all of
// the history would have to be read.
const lastWrites = 5

// Writes gives the last writes of a level, newest first, as far as the history
// to keep goes back; nil when there are none or the store has not been met.
func (s *Store) Writes(key inventory.Key) (writes []inventory.PastWrite, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		b, ok := bucketsOf(tx, key.Store)
		if !ok || b.writes == nil {
			return nil
		}
		writes, err = b.past(encodeKey(key), s.keptSince(s.opts.Now()))
		return err
	})
	if err != nil || len(writes) == 0 {
		return nil, err
	}
	return writes, nil
}

// lately is how far back what was written is asked for: the guards count an hour.
const lately = time.Hour

// cutOff gives what was lately written to a store by batches that no report
// tells of, oldest first: the memory that a cycle ends with may lack it.
func cutOff(tx *bolt.Tx, name inventory.StoreName, now time.Time) (written []inventory.Written, err error) {
	cursor := tx.Bucket(bucketSettled).Cursor()
	for id, v := cursor.Last(); id != nil; id, v = cursor.Prev() {
		r, err := unseal(placeSettled, id, v)
		if err != nil {
			return nil, err
		}
		if r.at.Before(now.Add(-lately)) {
			break
		}
		var batch settledBatch
		if err := reveal(placeSettled, id, v, &batch); err != nil {
			return nil, err
		}
		for _, o := range slices.Backward(batch.Outcomes) {
			if batch.Store == name && o.Result == inventory.Applied {
				written = append(written, inventory.WrittenBy(o.Change, batch.Cycle, r.at))
			}
		}
	}
	slices.Reverse(written)
	return written, nil
}

// past gives the writes of a level that were sent at or after the given time.
func (b storeBuckets) past(key []byte, from time.Time) ([]inventory.PastWrite, error) {
	v := b.writes.Get(key)
	if v == nil {
		return nil, nil
	}
	writes, err := decodeWrites(b.name, key, v)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(writes, func(w inventory.PastWrite) bool { return w.At.Before(from) }), nil
}

// note adds the outcomes of a batch to the writes of their levels, and drops
// what was sent before the given time. What was not sent to Shopify is no
// write.
func (b storeBuckets) note(batch settledBatch, from time.Time) error {
	for _, o := range batch.Outcomes {
		if o.Result == inventory.Unsent || o.Result == inventory.Skipped {
			continue
		}
		if err := belong(b.name, []inventory.Key{o.Key}); err != nil {
			return err
		}
		k := encodeKey(o.Key)
		writes, err := b.past(k, from)
		if err != nil {
			return err
		}
		if writes = insertWrite(writes, pastWrite(batch, o), from); len(writes) == 0 {
			err = b.writes.Delete(k)
		} else {
			err = b.writes.Put(k, encodeWrites(b.name, k, writes))
		}
		if err != nil {
			return fmt.Errorf("writes of level %s: %w", o.Key, err)
		}
	}
	return nil
}

// pastWrite gives an outcome the form in which it is remembered.
func pastWrite(batch settledBatch, o inventory.Outcome) inventory.PastWrite {
	shown := inventory.ReportChange(o)
	return inventory.PastWrite{
		Cycle: batch.Cycle, At: batch.Sent, From: shown.From, To: shown.To, Result: shown.Outcome, Reason: shown.Reason,
	}
}

// insertWrite puts a write where it belongs: a batch that was cut off may be
// settled after a later one. Cycles tell more than times, because a machine's
// clock can be set back.
func insertWrite(writes []inventory.PastWrite, w inventory.PastWrite, from time.Time) []inventory.PastWrite {
	if w.At.Before(from) {
		return writes
	}
	writes = slices.Insert(writes, 0, w)
	slices.SortStableFunc(writes, func(a, b inventory.PastWrite) int {
		return cmp.Or(cmp.Compare(b.Cycle, a.Cycle), b.At.Compare(a.At))
	})
	return writes[:min(len(writes), lastWrites)]
}

// The last writes of a level are one record, with as many bytes as they need:
//
//	key    that of the level
//	value  version (1), writes, newest first, sum (4)
//	write  cycle (8), at (8), from (8), to (8), outcome, reason
//	text   size (1), bytes; outcomes and reasons are open sets
//
// The sum covers the place too.
const (
	writesVersion = 1
	writesFrame   = 5  // version and sum
	writeNumbers  = 32 // of one write, before its texts
)

func encodeWrites(store inventory.StoreName, key []byte, writes []inventory.PastWrite) []byte {
	b := make([]byte, 0, writesFrame+len(writes)*2*writeNumbers)
	b = append(b, writesVersion)
	for _, w := range writes {
		b = binary.BigEndian.AppendUint64(b, w.Cycle)
		for _, n := range [...]int64{w.At.UnixMicro(), int64(w.From), int64(w.To)} {
			b = binary.BigEndian.AppendUint64(b, uint64(n)) // #nosec G115 -- read back the same way
		}
		b = appendText(appendText(b, string(w.Result)), string(w.Reason))
	}
	return binary.BigEndian.AppendUint32(b, sum(writesPlace(store), key, b))
}

// appendText adds a code. No code is as long as what is cut here, and a batch
// that has been sent must not be left unrecorded for one that is.
func appendText(b []byte, text string) []byte {
	text = text[:min(len(text), 255)]
	b = append(b, byte(len(text))) // #nosec G115 -- bounded above
	return append(b, text...)
}

func decodeWrites(store inventory.StoreName, key, b []byte) (writes []inventory.PastWrite, err error) {
	rest, err := openWrites(store, writesPlace(store), key, b)
	if err != nil {
		return nil, err
	}
	writes = make([]inventory.PastWrite, 0, lastWrites+1) // with room for the next
	for len(rest) > 0 {
		var w rawWrite
		w, rest, _ = cutWrite(rest)
		writes = append(writes, w.decode())
	}
	return writes, nil
}

// openWrites gives the writes of a record that is in order to its end.
func openWrites(store inventory.StoreName, place string, key, b []byte) (writes []byte, err error) {
	content := len(b) - 4
	ok := len(b) > writesFrame && b[0] == writesVersion && binary.BigEndian.Uint32(b[content:]) == sum(place, key, b[:content])
	if ok {
		writes = b[1:content]
	}
	for rest := writes; ok && len(rest) > 0; {
		_, rest, ok = cutWrite(rest)
	}
	if !ok {
		return nil, fmt.Errorf("writes of store %s: %w", store, errRecord)
	}
	return writes, nil
}

// rawWrite is one write of a record.
type rawWrite struct{ numbers, result, reason []byte }

func (w rawWrite) decode() inventory.PastWrite {
	number := func(at int) int64 { return int64(binary.BigEndian.Uint64(w.numbers[at:])) } // #nosec G115 -- written from an int64
	return inventory.PastWrite{
		Cycle: binary.BigEndian.Uint64(w.numbers), At: time.UnixMicro(number(8)).UTC(),
		From: inventory.Units(number(16)), To: inventory.Units(number(24)),
		Result: inventory.Result(w.result), Reason: inventory.Reason(w.reason),
	}
}

// cutWrite takes the first write off.
func cutWrite(b []byte) (w rawWrite, rest []byte, ok bool) {
	if len(b) < writeNumbers {
		return w, nil, false
	}
	w.numbers = b[:writeNumbers]
	var okResult, okReason bool
	w.result, rest, okResult = cutText(b[writeNumbers:])
	w.reason, rest, okReason = cutText(rest)
	return w, rest, okResult && okReason
}

// cutText takes the first code off.
func cutText(b []byte) (text, rest []byte, ok bool) {
	if len(b) == 0 || len(b) <= int(b[0]) {
		return nil, nil, false
	}
	end := 1 + int(b[0])
	return b[1:end], b[end:], true
}

// Wrote gives what a cycle has written to all stores, sorted by key; nothing of
// one that is not in the history. What its report does not tell, since the cycle
// was cut off, the settled batches do.
func (s *Store) Wrote(cycle uint64) (wrote []inventory.Change, err error) {
	report, err := s.Report(cycle)
	if err != nil && !errors.Is(err, ErrNoCycle) {
		return nil, err
	}
	byKey := map[inventory.Key]inventory.Change{}
	if report != nil {
		for _, store := range report.Stores {
			for _, change := range store.Changes {
				if change.Outcome == inventory.Applied {
					key := inventory.Key{Store: store.Name, Item: change.Item, Location: change.LocationID}
					byKey[key] = inventory.Change{
						Key: key, Variant: change.Variant, SKU: change.SKU, LocationName: change.Location,
						From: change.From, To: change.To, Reason: change.Reason, Activate: change.Activate,
					}
				}
			}
		}
	}
	err = s.view(func(tx *bolt.Tx) error {
		cursor := tx.Bucket(bucketSettled).Cursor()
		id, batch, err := seekCycle(cursor, cycle)
		for err == nil && id != nil && batch.Cycle == cycle {
			for _, o := range batch.Outcomes {
				if o.Result == inventory.Applied {
					byKey[o.Key] = o.Change
				}
			}
			id, batch, err = settledAt(cursor.Next())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(byKey), func(a, b inventory.Change) int { return a.Compare(b.Key) }), nil
}

// seekCycle finds the first batch of a cycle, or of one after it. Batches are
// numbered as they are meant, one cycle after the other, so it looks at a few of
// a history in which there may be a hundred thousand.
func seekCycle(cursor *bolt.Cursor, cycle uint64) (id []byte, batch settledBatch, err error) {
	first, _ := cursor.First()
	last, _ := cursor.Last()
	if first == nil {
		return nil, batch, nil
	}
	low, high := binary.BigEndian.Uint64(first), binary.BigEndian.Uint64(last)+1
	for low < high {
		middle := low + (high-low)/2
		if id, batch, err = settledAt(cursor.Seek(number(middle))); err != nil {
			return nil, batch, err
		}
		if id == nil || batch.Cycle >= cycle {
			high = middle
		} else {
			low = binary.BigEndian.Uint64(id) + 1
		}
	}
	return settledAt(cursor.Seek(number(low)))
}

// settledAt reads the batch that a cursor is at; it has no id beyond the last.
func settledAt(id, v []byte) (_ []byte, batch settledBatch, err error) {
	if id != nil {
		err = reveal(placeSettled, id, v, &batch)
	}
	return id, batch, err
}
