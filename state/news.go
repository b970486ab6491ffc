package state

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// news gives what a report tells that the one before it did not, or nil when
// that is nothing. A shop whose plan waits to be released would else write down
// all of it every thirty seconds, a gigabyte a day.
func news(report, before *inventory.Report) *inventory.Report {
	told := *report
	told.Stores = slices.Clone(report.Stores)
	anew := before == nil || !sameWords(report, before)
	for i := range told.Stores {
		own := &told.Stores[i]
		own.Changes = unrepeated(own, before)
		anew = anew || len(own.Changes) > 0
	}
	if !anew {
		return nil
	}
	return &told
}

// sameWords tells whether two reports say the same, apart from their changes
// and from what no two cycles share.
func sameWords(a, b *inventory.Report) bool {
	words := func(report *inventory.Report) []byte {
		said := inventory.Report{Kind: report.Kind, Error: report.Error, Stores: slices.Clone(report.Stores)}
		for i := range said.Stores {
			said.Stores[i].Changes, said.Stores[i].Look = nil, nil
		}
		text, err := json.Marshal(said)
		if err != nil {
			return nil // and put will say so
		}
		return text
	}
	return bytes.Equal(words(a), words(b))
}

// unrepeated gives the changes of a store that were written or tried, or that
// the report before did not have.
func unrepeated(own *inventory.StoreReport, before *inventory.Report) []inventory.ChangeReport {
	if before == nil || len(own.Changes) == 0 {
		return own.Changes
	}
	stood := map[inventory.ChangeReport]bool{}
	for _, s := range before.Stores {
		for _, change := range s.Changes {
			if s.Name == own.Name && stands(change) {
				stood[change] = true
			}
		}
	}
	left := make([]inventory.ChangeReport, 0, len(own.Changes))
	for _, change := range own.Changes {
		if !stood[change] {
			left = append(left, change)
		}
	}
	return left
}

// stands tells that nothing was sent for a change: it comes again in the next
// cycle, and nothing is lost when it is told once.
func stands(change inventory.ChangeReport) bool {
	switch change.Outcome {
	case inventory.Waiting, inventory.Held, inventory.Skipped:
		return true
	default:
		return false
	}
}

// dropTold drops the settled batches of a cycle whose writes its report tells.
// Left are those that no report has: of a cycle that was cut off, or that could
// not be recorded to its end.
func dropTold(tx *bolt.Tx, report *inventory.Report) error {
	settled := tx.Bucket(bucketSettled)
	applied := appliedBy(report)
	var told [][]byte
	cursor := settled.Cursor()
	for id, v := cursor.Last(); id != nil && len(told) < mostOld; id, v = cursor.Prev() {
		var batch settledBatch
		if err := reveal(placeSettled, id, v, &batch); err != nil {
			return err
		}
		if batch.Cycle != report.Cycle {
			break // those of a cycle come one after another
		}
		if batch.told(applied[batch.Store]) {
			told = append(told, bytes.Clone(id)) // bbolt moves pages while it deletes
		}
	}
	for _, id := range told {
		if err := settled.Delete(id); err != nil {
			return fmt.Errorf("batch %d: %w", binary.BigEndian.Uint64(id), err)
		}
	}
	return nil
}

// appliedBy gives what a report says was written, by store.
func appliedBy(report *inventory.Report) map[inventory.StoreName]map[inventory.ChangeReport]bool {
	applied := map[inventory.StoreName]map[inventory.ChangeReport]bool{}
	for _, s := range report.Stores {
		applied[s.Name] = map[inventory.ChangeReport]bool{}
		for _, change := range s.Changes {
			if change.Outcome == inventory.Applied {
				applied[s.Name][change] = true
			}
		}
	}
	return applied
}

// told tells whether all that the batch wrote is among the changes.
func (b settledBatch) told(applied map[inventory.ChangeReport]bool) bool {
	return !slices.ContainsFunc(b.Outcomes, func(o inventory.Outcome) bool {
		return o.Result == inventory.Applied && !applied[inventory.ReportChange(o)]
	})
}
