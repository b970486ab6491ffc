package reconcile_test

import (
	"fmt"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// batchful is a world whose first batch is full of reductions from 9 to 5.
func batchful(t *testing.T) (*world, []inventory.Key) {
	t.Helper()
	w := newWorld(t)
	keys := make([]inventory.Key, inventory.BatchSize)
	for i := range keys {
		sku := inventory.SKU(fmt.Sprintf("S%03d", i))
		w.sku(sku, 5)
		keys[i] = w.level("main", int64(i+1), sku, 9)
	}
	return w.settled(), keys
}

// refuses has the store refuse some levels.
func (s *shop) refuses(bad ...inventory.Key) {
	s.refuse = func(change inventory.Change) string {
		for _, key := range bad {
			if change.Key == key {
				return "INVALID_LOCATION"
			}
		}
		return ""
	}
}

func TestBadLinesCostFewRequestsAndBlockNoOther(t *testing.T) {
	tests := []struct {
		name     string
		bad      []int // lines of the batch
		nameless bool
		most     int // requests
	}{
		{"none", nil, false, 1},
		{"one that is named", []int{7}, false, 2},
		{"several that are named", []int{0, 7, 123, 249}, false, 2},
		{"one that is not named: whole, then two halves eight times", []int{7}, true, 1 + 2*8},
		{"the first that is not named", []int{0}, true, 1 + 2*8},
		{"the last that is not named", []int{249}, true, 1 + 2*8},
		{"two neighbours that are not named", []int{100, 101}, true, 1 + 2*2*8},
		{"several that are not named", []int{3, 90, 180, 249}, true, 1 + 4*2*8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, keys := batchful(t)
			bad := map[inventory.Key]bool{}
			var refused []inventory.Key
			for _, i := range tt.bad {
				bad[keys[i]], refused = true, append(refused, keys[i])
			}
			s := w.shops["main"]
			s.nameless = tt.nameless
			s.refuses(refused...)
			report := w.cycle()
			if got := report.Stores[0]; got.Rejected != len(bad) || got.Applied != len(keys)-len(bad) {
				t.Errorf("got %d refused and %d written, want %d and %d", got.Rejected, got.Applied, len(bad), len(keys)-len(bad))
			}
			for _, key := range keys {
				want := inventory.Units(5)
				if bad[key] {
					want = 9
				}
				w.wantShown(key, want)
			}
			if got := len(s.batch); got > tt.most {
				t.Errorf("took %d requests, %d are enough", got, tt.most)
			}
			fresh(t, s.keys)
		})
	}
}

// fresh checks that no two batches had the same key.
func fresh(t *testing.T, keys []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, key := range keys {
		if seen[key] || key == "" {
			t.Errorf("the key %q was sent twice, or is none", key)
		}
		seen[key] = true
	}
}

func TestABatchOfBadLinesOnlyIsRefusedLineByLineAndTheNextBatchGoesOut(t *testing.T) {
	for _, nameless := range []bool{false, true} {
		t.Run(fmt.Sprintf("nameless=%v", nameless), func(t *testing.T) {
			w, keys := batchful(t)
			w.sku("CAP", 2)
			last := w.level("main", 1000, "CAP", 3)
			s := w.shops["main"]
			s.nameless = nameless
			s.refuses(keys...)
			w.settled()
			report := w.cycle()
			if got := report.Stores[0]; got.Rejected != len(keys) || got.Applied != 1 {
				t.Errorf("got %d refused and %d written, want %d and 1", got.Rejected, got.Applied, len(keys))
			}
			w.want(report, last, "applied drift 3→2")
			if got := w.cycle().Stores[0].Skipped[inventory.ReasonQuarantined]; got != len(keys) {
				t.Errorf("got %d in quarantine, want %d", got, len(keys))
			}
			fresh(t, s.keys)
		})
	}
}

func TestALineThatIsBadAndOneThatIsStaleAreBothSeenTo(t *testing.T) {
	w, keys := batchful(t)
	s := w.shops["main"]
	s.refuses(keys[10])
	sold := false
	s.before = func([]inventory.Change) {
		if !sold {
			sold = true
			w.sell(keys[20], 1)
		}
	}
	report := w.cycle()
	w.want(report, keys[10], "rejected refused 9→5")
	w.want(report, keys[20], "applied inflight 8→4")
	if got := report.Stores[0]; got.Applied != len(keys)-1 {
		t.Errorf("got %d written, want all but one", got.Applied)
	}
}

// kept gives the record of a level in quarantine as the state file has it.
func (w *world) kept(key inventory.Key) *inventory.Quarantined {
	w.t.Helper()
	memory, err := w.state.Store(key.Store)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range memory.Quarantine {
		if memory.Quarantine[i].Key == key {
			return &memory.Quarantine[i]
		}
	}
	return nil
}

func TestEachRefusalInARowDoublesTheRestUpToTheExpiry(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 9)
	w.settled()
	s := w.shops["main"]
	s.refuses(mug)
	first := w.now.Add(time.Second)
	for i, want := range []time.Duration{90 * time.Minute, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 24 * time.Hour} {
		w.want(w.cycle(), mug, "rejected refused 9→5")
		q := w.kept(mug)
		if q == nil || q.Count != i+1 || !q.Since.Equal(first) || q.Until.Sub(w.now) != want {
			t.Fatalf("after refusal %d: got %+v, want a rest of %s, since %s", i+1, q, want, first)
		}
		w.pass(want - time.Minute)
		w.start() // a restart forgets nothing of it
		sent := len(s.batch)
		if got := w.cycle().Stores[0].Skipped[inventory.ReasonQuarantined]; got != 1 || len(s.batch) != sent {
			t.Fatalf("before rest %d is over: got %d in quarantine and %d batches", i+1, got, len(s.batch)-sent)
		}
		w.pass(time.Minute)
	}
	s.refuse = nil
	w.want(w.cycle(), mug, "applied drift 9→5")
	if q := w.kept(mug); q != nil {
		t.Errorf("what was written is still on record: %+v", q)
	}
}

func TestARestedLevelStaysOnRecordUntilItIsWrittenInStepOrGone(t *testing.T) {
	tests := []struct {
		name  string
		event func(w *world, id inventory.SourceVariantID, mug inventory.Key)
		kept  bool
	}{
		{"it still waits for a release", func(w *world, _ inventory.SourceVariantID, _ inventory.Key) {
			w.stores[0].Mode = inventory.ModeReport
			w.start()
		}, true},
		{"it is in step", func(w *world, id inventory.SourceVariantID, _ inventory.Key) { w.has(id, 10, 9) }, false},
		{"it is gone", func(w *world, _ inventory.SourceVariantID, mug inventory.Key) { delete(w.shops["main"].levels, mug) }, false},
		{"its SKU is not in Katana any more", func(w *world, _ inventory.SourceVariantID, _ inventory.Key) { w.katana.variants[0].SKU = "OTHER" }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			id := w.sku("MUG", 5)
			mug := w.level("main", 1, "MUG", 9)
			w.settled()
			w.shops["main"].refuses(mug)
			w.cycle()
			w.cycle()
			if q := w.kept(mug); q == nil || q.Count != 1 {
				t.Fatalf("got %+v, want one refusal on record", q)
			}
			w.pass(90 * time.Minute)
			tt.event(w, id, mug)
			w.cycle()
			w.cycle()
			if q := w.kept(mug); (q != nil) != tt.kept {
				t.Errorf("got %+v on record, want it kept: %v", q, tt.kept)
			}
		})
	}
}

func TestAnIncrementalCycleTriesARestedLevelAgain(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 9)
	w.settled()
	s := w.shops["main"]
	s.refuses(mug)
	w.cycle()
	s.refuse = nil
	w.pass(90 * time.Minute)
	for range 3 {
		w.ask(reconcile.Request{Kind: inventory.Incremental})
	}
	w.wantShown(mug, 5)
	if q := w.kept(mug); q != nil {
		t.Errorf("what was written is still on record: %+v", q)
	}
}

func TestALevelInQuarantineIsToldOfAtOnceAndThenOnceADay(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 9)
	w.settled()
	w.shops["main"].refuses(mug)
	var told []time.Duration
	began := w.now.Add(time.Second)
	for hour := range 60 {
		if hour == 30 {
			w.start()
		}
		w.ask(reconcile.Request{Kind: inventory.Full, Dry: true}) // a question uses up no report
		report := w.cycle().Stores[0]
		for _, q := range report.Quarantine {
			told = append(told, w.now.Sub(began).Round(time.Hour))
			if q.SKU != "MUG" || q.Location != "Shop" || q.Detail != "INVALID_LOCATION" || q.Count < 1 || q.Release != "stocksyncd release "+mug.String() {
				t.Errorf("got %+v", q)
			}
		}
		w.pass(time.Hour - 2*time.Second) // a cycle takes one
	}
	if want := "[0s 24h0m0s 48h0m0s]"; fmt.Sprint(told) != want {
		t.Errorf("told of it after %v, want %s", told, want)
	}
}

func TestManyLevelsInQuarantineAreToldOfOverSeveralCycles(t *testing.T) {
	w, keys := batchful(t)
	w.shops["main"].refuses(keys...)
	told := map[inventory.ItemID]int{}
	var each []int
	for range 5 {
		report := w.cycle().Stores[0]
		each = append(each, len(report.Quarantine))
		for _, q := range report.Quarantine {
			told[q.Item]++
		}
	}
	if got := fmt.Sprint(each); got != "[100 100 50 0 0]" || len(told) != len(keys) {
		t.Errorf("told of %s, %d in all, want [100 100 50 0 0] of %d", got, len(told), len(keys))
	}
}
