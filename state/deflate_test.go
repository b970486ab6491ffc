package state

import (
	"encoding/hex"
	"encoding/json"
	"testing"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// TestADeflatedRecordIsReadForEver: the bytes were written once, and do not
// follow the program. Whoever changes the vocabulary needs another version.
func TestADeflatedRecordIsReadForEver(t *testing.T) {
	const sealed = "0295f30c930006610118d9000022b348c0c87484729c315d32097216a17a068157f186f8b30a200000ffff"
	b, err := hex.DecodeString(sealed)
	must(t, err)
	var got, want inventory.Report
	must(t, reveal(placeHistory, number(7), b, &got))
	must(t, json.Unmarshal([]byte(firstReport), &want))
	same(t, "report", got, want)
	if len(b)*7 > len(firstReport) {
		t.Errorf("%d bytes of JSON became %d", len(firstReport), len(b))
	}
}

func TestARecordThatCannotBeInflatedIsAnError(t *testing.T) {
	for name, body := range map[string][]byte{
		"nothing": {}, "no deflated bytes": []byte("no deflated bytes"), "cut": deflate([]byte(firstReport))[:20],
	} {
		b := record{deflatedRecord, epoch, body}.seal(placeHistory, number(7))
		var report inventory.Report
		if err := reveal(placeHistory, number(7), b, &report); err == nil {
			t.Errorf("%s: got a report %+v", name, report)
		}
	}
}

func TestOnlyLongRecordsAreDeflated(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	f := newShopfloor(s)
	f.cycle(t, 1)
	for place, want := range map[string]byte{placeHistory: deflatedRecord, placeLast: deflatedRecord, placeMeta: plainRecord} {
		must(t, s.view(func(tx *bolt.Tx) error {
			k, v := tx.Bucket([]byte(place)).Cursor().First()
			r, err := unseal(place, k, v)
			if r.version != want || v == nil {
				t.Errorf("%s: got version %d, want %d", place, r.version, want)
			}
			return err
		}))
	}
}
