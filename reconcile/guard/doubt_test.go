package guard_test

import (
	"slices"
	"testing"
	"time"

	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// sighted is a canary that should show 5 to 9.
func sighted(units inventory.Units) *inventory.Sighting {
	return &inventory.Sighting{Canary: inventory.Canary{SKU: "TWEETY", Min: 5, Max: 9}, Units: units}
}

// unseen is the same canary without a figure.
func unseen() *inventory.Sighting {
	s := sighted(7)
	s.Left = inventory.ReasonNotInKatana
	return s
}

func TestACanaryOutsideOfItsRangeHoldsAllOfThePlan(t *testing.T) {
	tests := []struct {
		name        string
		canary      *inventory.Sighting
		held        int
		have, limit int
	}{
		{"a store without a canary", nil, 0, 0, 0},
		{"as few as it may be", sighted(5), 0, 0, 0},
		{"as many as it may be", sighted(9), 0, 0, 0},
		{"too few", sighted(4), 2, 4, 5},
		{"too many", sighted(10), 2, 10, 9},
		{"no figure at all, whatever it was", unseen(), 2, 7, 5},
	}
	for _, tt := range tests {
		s := open(100)
		s.in.Canary = tt.canary
		got := s.cycle(many(0, 1, 9, 8)[0], many(1, 2, 8, 9)[0])
		if len(got.Held) != tt.held || got.Doubted != (tt.held > 0) {
			t.Errorf("%s: got %d held and doubted %t, want %d", tt.name, len(got.Held), got.Doubted, tt.held)
		}
		if tt.held > 0 && (got.Holds[0].Have != tt.have || got.Holds[0].Limit != tt.limit || *got.Holds[0].Canary != *tt.canary) {
			t.Errorf("%s: got %+v", tt.name, got.Holds[0])
		}
	}
}

func TestWhatACanaryHoldsGoesWhenItIsSeenInItsRangeAgain(t *testing.T) {
	s := open(100)
	s.in.Canary = sighted(0)
	s.cycle(many(0, 5, 9, 8)...)
	s.wants(t, "the canary is gone", 0, 5, "main-1-canary")
	s.cycle(many(0, 7, 9, 8)...)
	s.wants(t, "more join", 0, 7, "main-1-canary")
	s.release("main-1-canary")
	s.cycle(many(0, 9, 9, 8)...)
	s.wants(t, "seven are released, two have joined since", 7, 2, "main-3-canary")
	s.in.Canary = sighted(7)
	s.cycle(many(7, 9, 9, 8)...)
	s.wants(t, "it is back", 2, 0)
}

func TestWhatWasReleasedBeforeTheFiguresWereDoubtedWaitsUntilTheyAreNot(t *testing.T) {
	s := open(100)
	s.cycle(many(0, 60, 9, 5)...)
	s.release("main-1-changed")
	s.in.Canary = unseen()
	s.cycle(many(0, 60, 9, 0)...)
	s.wants(t, "the figures that were released are no more", 0, 60, "main-1-changed", "main-2-canary")
	s.in.Canary = sighted(5)
	s.cycle(many(0, 60, 9, 4)...)
	s.wants(t, "they are trusted again", 60, 0)
	if len(s.result.Freed) != 60 {
		t.Errorf("got %d freed, want all", len(s.result.Freed))
	}
}

func TestAReleasedDoubtIsReleasedWhateverIsDoubtedThen(t *testing.T) {
	s := open(100)
	s.in.Shrunk = &guard.Shrink{Before: 100, Rows: 10}
	s.in.Canary = unseen()
	s.cycle(many(0, 5, 9, 8)...)
	s.wants(t, "shorter, and without the canary", 0, 5, "main-1-shrink")
	s.release("main-1-shrink")
	s.in.Shrunk = nil
	s.cycle(many(0, 5, 9, 8)...)
	s.wants(t, "released", 5, 0)
}

func TestFiguresThatAreAllZeroAtOnceAreHeld(t *testing.T) {
	tests := []struct {
		name              string
		limits            guard.Limits
		offering, offered int
		changes           []inventory.Change
		held              int
	}{
		{"the last eleven of a thousand go to zero", limits, 0, 11, many(0, 11, 9, 0), 11},
		{"as many as min_changes may", limits, 0, 10, many(0, 10, 9, 0), 0},
		{"one is still offered", limits, 1, 12, many(0, 11, 9, 0), 0},
		{"nothing was offered before: somebody has edited them in Shopify", limits, 0, 0, many(0, 11, 9, 0), 0},
		{"the guard of zeroes is off, and this one with it", guard.Limits{MinChanges: 10}, 0, 11, many(0, 11, 9, 0), 0},
	}
	for _, tt := range tests {
		s := open(1000)
		s.in.Limits, s.in.Offering, s.in.Offered = tt.limits, tt.offering, tt.offered
		got := s.cycle(tt.changes...)
		if len(got.Held) != tt.held || got.Doubted != (tt.held > 0) || tt.held > 0 && got.Held[0].Because != guard.RuleAllZero {
			t.Errorf("%s: got %d held and doubted %t, want %d", tt.name, len(got.Held), got.Doubted, tt.held)
		}
	}
}

func TestADripToTheLastFigureIsHeldByWhatTheHourWrote(t *testing.T) {
	s := open(1000)
	s.in.Offering, s.in.Offered = 6, 12
	s.cycle(many(0, 6, 9, 0)...)
	s.wants(t, "six of the last twelve", 6, 0)
	s.in.Offering, s.in.Offered = 0, 6
	s.cycle(many(6, 12, 9, 0)...)
	s.wants(t, "and the other six", 0, 6, "main-2-all-zero")
	s.in.Offering = 3
	s.cycle(many(6, 9, 9, 0)...)
	s.wants(t, "three are back", 3, 0)
}

func TestUnitsAreCountedOverTheHourAndOnlyRaisesAreHeld(t *testing.T) {
	s := open(1000)
	s.in.Limits.MaxRaisedUnits = 100
	s.cycle(many(0, 1, 0, 60)...)
	s.wants(t, "sixty units", 1, 0)
	s.cycle(slices.Concat(many(10, 12, 9, 3), many(1, 2, 5, 46))...)
	s.wants(t, "and 41 more, which is one too many", 2, 1, "main-2-raised")
	if hold := s.in.Holds[0]; hold.Have != 101 || hold.Limit != 100 {
		t.Errorf("got %+v", hold)
	}
	s.in.Now = s.in.Now.Add(guard.Window)
	s.cycle(many(1, 2, 5, 46)...)
	s.wants(t, "what is held stays held when the hour is over", 0, 1, "main-2-raised")
	s.release("main-2-raised")
	s.cycle(slices.Concat(many(1, 2, 5, 500), many(2, 3, 0, 90))...)
	s.wants(t, "what is released is not counted", 2, 0)
	s.cycle(many(3, 4, 0, 1_000_000)...)
	s.wants(t, "one level with some digits too many, fewer changes than min_changes", 0, 1, "main-5-raised")
}

func TestUnitsOfOneLevelAddUp(t *testing.T) {
	s := open(1000)
	s.in.Limits.MaxRaisedUnits = 100
	for i := range 10 {
		s.cycle(many(0, 1, 0, 10)...)
		s.wants(t, "ten units, again and again", 1, 0)
		if i == 9 {
			s.cycle(many(0, 1, 0, 1)...)
			s.wants(t, "the hundred and first", 0, 1, "main-11-raised")
		}
	}
}

func TestAReleaseIsNotOverWhileWhatItNamesIsPutOff(t *testing.T) {
	s := open(100)
	stocktake := many(0, 60, 9, 5)
	s.cycle(stocktake...)
	s.release("main-1-changed")
	s.in.PutOff = stocktake[:20]
	s.cycle(stocktake[20:]...)
	s.wants(t, "twenty are to be read first", 40, 0, "main-1-changed")
	s.in.PutOff = nil
	s.cycle(stocktake[:20]...)
	s.wants(t, "they have been", 20, 0)
	if len(s.result.Freed) != 20 {
		t.Errorf("got %d freed, want the twenty", len(s.result.Freed))
	}
}

func TestALevelThatWasReleasedCountsWhenItDriftsAgain(t *testing.T) {
	s := open(100)
	s.cycle(many(0, 60, 9, 5)...)
	s.release("main-1-changed")
	s.cycle(many(0, 60, 9, 5)...)
	s.cycle(many(0, 30, 5, 4)...)
	s.wants(t, "thirty of them once more", 30, 0)
	s.cycle(many(30, 31, 5, 4)...)
	s.wants(t, "and one", 0, 1, "main-4-changed")
}

func TestAHeldPlanIsNewsOnceThenWhenItGrowsAndOnceAnHour(t *testing.T) {
	s := open(100)
	tell := func(changes ...inventory.Change) bool {
		before := s.in.Holds
		s.cycle(changes...)
		return guard.Tell(before, s.in.Holds, s.in.Now)["main-1-changed"]
	}
	plan := many(0, 60, 9, 5)
	for _, tt := range []struct {
		name    string
		later   time.Duration
		changes []inventory.Change
		want    bool
	}{
		{"it is new", 0, plan, true},
		{"it is the same", 0, plan, false},
		{"it is smaller", 0, plan[:50], false},
		{"ten are back", 0, plan, true},
		{"one has gone and one has come", 0, append(many(60, 61, 9, 5), plan[1:]...), true},
		{"nothing has come", 55 * time.Minute, plan[1:], false},
		{"an hour has gone by", 5 * time.Minute, plan[1:], true},
		{"and a minute", 0, plan[1:], false},
	} {
		s.in.Now = s.in.Now.Add(tt.later)
		if got := tell(tt.changes...); got != tt.want {
			t.Errorf("%s: news %t, want %t", tt.name, got, tt.want)
		}
	}
	s.release("main-1-changed")
	s.wrote = false
	if tell(plan...) {
		t.Error("what is released is no news")
	}
}

func TestWhatWasFoundWrittenCountsOnceAndByItsRelease(t *testing.T) {
	write := func(i int, cycle uint64, to inventory.Units) inventory.Written {
		return inventory.WrittenBy(inventory.Change{Key: key(i), From: 5, To: to}, cycle, start)
	}
	memory := inventory.Memory{
		Written: []inventory.Written{write(0, 7, 9)},
		Holds: []inventory.Hold{
			{ID: "open", Levels: []inventory.HeldLevel{{Key: key(1)}}},
			{ID: "released", Levels: []inventory.HeldLevel{{Key: key(2)}, {Key: key(3)}}, Released: start},
		},
	}
	guard.Found(&memory, []inventory.Written{write(0, 7, 9), write(0, 8, 9), write(1, 7, 3), write(2, 7, 0), write(3, 7, 9)})
	freed := write(2, 7, 0)
	freed.Freed = true
	want := []inventory.Written{write(0, 7, 9), write(0, 8, 9), write(1, 7, 3), freed, write(3, 7, 9)}
	if !slices.Equal(memory.Written, want) {
		t.Errorf("got  %+v\nwant %+v", memory.Written, want)
	}
}
