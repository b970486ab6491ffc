package flight_test

import (
	"testing"

	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/inventory"
)

func TestLevelsOfOneKatanaLocationCountEachOthersSales(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{front: 9, quay: 7, both: 8})
	index := flight.NewIndex(s.ledger.Entries, feeds)
	tests := []struct {
		name        string
		key         inventory.Key
		own, others inventory.Units
	}{
		{"the front counts the level that draws on both", front, 1, 2},
		{"the back has sold nothing itself", back, 0, 3},
		{"the quay counts the level that draws on both", quay, 3, 2},
		{"the level that draws on both counts all", both, 2, 4},
		{"another store counts what is sold from Oslo", outlet, 0, 3},
	}
	for _, tt := range tests {
		if got := index.Own(tt.key, mug); got != tt.own {
			t.Errorf("%s: got %d of its own, want %d", tt.name, got, tt.own)
		}
		if got := index.Others(tt.key, mug, feed[tt.key]); got != tt.others {
			t.Errorf("%s: got %d of others, want %d", tt.name, got, tt.others)
		}
		if got := units(index.At(tt.key, mug)); got != tt.own {
			t.Errorf("%s: its own entries hold %d, want %d", tt.name, got, tt.own)
		}
		if got := units(index.Elsewhere(tt.key, mug, feed[tt.key])); got != tt.others {
			t.Errorf("%s: the entries of others hold %d, want %d", tt.name, got, tt.others)
		}
	}
	if own, others := index.Own(front, "TEE"), index.Others(front, "TEE", feed[front]); own != 0 || others != 0 {
		t.Errorf("another SKU: got %d and %d, want nothing", own, others)
	}
}

func TestAStoreThatWasNotReadMayDrawOnAnyLocationAndAnUnmappedLevelOnNone(t *testing.T) {
	entry := func(key inventory.Key, units inventory.Units) inventory.InFlight {
		return inventory.InFlight{Key: key, SKU: mug, Units: units}
	}
	index := flight.NewIndex([]inventory.InFlight{entry(lost, 1), entry(popup, 50), entry(lost, 2)}, feeds)
	if got := index.Others(front, mug, feed[front]); got != 3 {
		t.Errorf("got %d, want the 3 of the store that was not read", got)
	}
	if got := index.Own(popup, mug); got != 50 {
		t.Errorf("got %d of its own, want 50", got)
	}
}

func units(entries []inventory.InFlight) (sum inventory.Units) {
	for _, entry := range entries {
		sum += entry.Units
	}
	return sum
}

func TestUnitsAreTakenFromWhereTheLevelDrewOnWhenItSoldThem(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{front: 9})
	moved := func(sources ...inventory.SourceLocationID) func(inventory.Key) []inventory.SourceLocationID {
		return func(key inventory.Key) []inventory.SourceLocationID {
			if key == front {
				return append([]inventory.SourceLocationID{}, sources...)
			}
			return feed[key]
		}
	}
	for _, tt := range []struct {
		name  string
		feeds func(inventory.Key) []inventory.SourceLocationID
	}{
		{"it is not mapped any more", moved()},
		{"it draws on another location by now", moved(bergen)},
		{"nobody knows what it draws on", func(inventory.Key) []inventory.SourceLocationID { return nil }},
	} {
		index := flight.NewIndex(s.ledger.Entries, tt.feeds)
		if got := index.Others(outlet, mug, feed[outlet]); got != 1 {
			t.Errorf("%s: the outlet counts %d, want the one that is sold from Oslo", tt.name, got)
		}
		if got := units(index.Elsewhere(outlet, mug, feed[outlet])); got != 1 {
			t.Errorf("%s: the entries hold %d", tt.name, got)
		}
	}
}
