package guard_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

var (
	start  = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	limits = guard.Limits{MinChanges: 10, MaxChangedPercent: 30, MaxZeroedPercent: 10, MaxShrinkPercent: 20}
)

func key(i int) inventory.Key {
	return inventory.Key{Store: "main", Item: inventory.ItemID(i + 1), Location: 1}
}

// many changes levels from..to−1 from one figure to another.
func many(from, to int, shows, want inventory.Units) (changes []inventory.Change) {
	for i := from; i < to; i++ {
		changes = append(changes, inventory.Change{Key: key(i), From: shows, To: want})
	}
	return changes
}

// store is a store whose plans are checked cycle after cycle.
type store struct {
	in     guard.Input
	wrote  bool // what passes is written
	result guard.Verdict
}

func open(managed int) *store {
	return &store{in: guard.Input{Limits: limits, Store: "main", Managed: managed, Now: start}, wrote: true}
}

// cycle checks a plan a minute after the last, and writes what passes.
func (s *store) cycle(changes ...inventory.Change) guard.Verdict {
	s.in.Cycle++
	s.in.Now = s.in.Now.Add(time.Minute)
	s.in.Changes = changes
	s.result = guard.Check(s.in)
	s.in.Holds = s.result.Holds
	if s.wrote {
		var written []inventory.Key
		for _, change := range s.result.Pass {
			written = append(written, change.Key)
			w := inventory.WrittenBy(change, s.in.Cycle, s.in.Now)
			w.Freed = s.result.Freed[change.Key]
			s.in.Written = append(s.in.Written, w)
		}
		s.in.Holds = guard.Done(s.in.Holds, written)
	}
	return s.result
}

func (s *store) release(id string) {
	for i := range s.in.Holds {
		if s.in.Holds[i].ID == id {
			s.in.Holds[i].Released = s.in.Now
		}
	}
}

func (s *store) wants(t *testing.T, what string, pass, held int, ids ...string) {
	t.Helper()
	var got []string
	for _, hold := range s.in.Holds {
		got = append(got, hold.ID)
	}
	if len(s.result.Pass) != pass || len(s.result.Held) != held || !slices.Equal(got, ids) {
		t.Errorf("%s: got %d passed, %d held by %q, want %d and %d held by %q", what, len(s.result.Pass), len(s.result.Held), got, pass, held, ids)
	}
}

func TestWhenAPlanIsHeld(t *testing.T) {
	tests := []struct {
		name    string
		managed int
		limits  guard.Limits
		changes []inventory.Change
		shrunk  *guard.Shrink
		pass    int
		rule    string
		have    int
		limit   int
	}{
		{name: "a day's trade passes", managed: 100, limits: limits, changes: many(0, 30, 9, 8), pass: 30},
		{name: "one change more than the percentage is held", managed: 100, limits: limits, changes: many(0, 31, 9, 8), rule: guard.RuleChanged, have: 31, limit: 30},
		{name: "raises are changes too", managed: 100, limits: limits, changes: many(0, 31, 8, 9), rule: guard.RuleChanged, have: 31, limit: 30},
		{name: "a small store may change whole", managed: 10, limits: limits, changes: many(0, 10, 9, 8), pass: 10},
		{name: "a percentage alone does not trip", managed: 12, limits: limits, changes: many(0, 10, 9, 8), pass: 10},
		{name: "min_changes alone does not trip", managed: 1000, limits: limits, changes: many(0, 11, 9, 8), pass: 11},
		{name: "both together trip", managed: 30, limits: limits, changes: many(0, 11, 9, 8), rule: guard.RuleChanged, have: 11, limit: 10},
		{name: "a percentage is not rounded up", managed: 119, limits: guard.Limits{MaxChangedPercent: 10}, changes: many(0, 12, 9, 8), rule: guard.RuleChanged, have: 12, limit: 11},
		{name: "zeroing is held sooner than changing", managed: 200, limits: limits, changes: many(0, 21, 9, 0), rule: guard.RuleZeroed, have: 21, limit: 20},
		{name: "as many zeroed as the limit says pass", managed: 200, limits: limits, changes: many(0, 20, 9, 0), pass: 20},
		{name: "only what is zeroed is held", managed: 200, limits: limits, changes: slices.Concat(many(0, 21, 9, 0), many(21, 41, 9, 8)), pass: 20, rule: guard.RuleZeroed, have: 21, limit: 20},
		{name: "0 switches the guards off", managed: 100, limits: guard.Limits{MinChanges: 10}, changes: many(0, 100, 9, 0), pass: 100},
		{name: "a source that is shorter holds everything", managed: 100, limits: limits, changes: many(0, 1, 9, 8), shrunk: &guard.Shrink{Before: 100, Rows: 70}, rule: guard.RuleShrink, have: 70, limit: 80},
		{name: "a store without levels has nothing to hold", limits: limits},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := guard.Check(guard.Input{
				Limits: tt.limits, Store: "main", Cycle: 7, Managed: tt.managed, Changes: tt.changes, Shrunk: tt.shrunk, Now: start,
			})
			if len(got.Pass) != tt.pass || len(got.Held) != len(tt.changes)-tt.pass {
				t.Fatalf("got %d passed and %d held, want %d passed", len(got.Pass), len(got.Held), tt.pass)
			}
			if tt.rule == "" {
				if len(got.Holds) > 0 {
					t.Errorf("got %+v, want no hold", got.Holds)
				}
				return
			}
			if len(got.Holds) != 1 {
				t.Fatalf("got %+v, want one hold", got.Holds)
			}
			hold := got.Holds[0]
			if hold.Rule != tt.rule || hold.Have != tt.have || hold.Limit != tt.limit || !hold.Since.Equal(start) || len(hold.Levels) != len(got.Held) {
				t.Errorf("got %+v, want %d of %d by %s", hold, tt.have, tt.limit, tt.rule)
			}
			for i, o := range got.Held {
				if o.Result != inventory.Held || o.Because != inventory.Reason(tt.rule) || o.Detail != hold.ID || hold.Levels[i].Key != o.Key {
					t.Errorf("got %+v", o)
				}
			}
		})
	}
}

func TestADripOfSmallPlansTripsWithinTheHour(t *testing.T) {
	s := open(1000)
	held := 0
	for i := 0; i < 1000 && held == 0; i += 10 { // 1 % of the store each minute
		held = len(s.cycle(many(i, i+10, 9, 0)...).Held)
	}
	if got := len(s.in.Written); got != 100 || s.in.Holds[0].Rule != guard.RuleZeroed {
		t.Errorf("got %d written before a guard tripped (%+v), want 100, 10 %%", got, s.in.Holds)
	}

	s = open(1000)
	held = 0
	for i := 0; i < 1000 && held == 0; i += 10 {
		held = len(s.cycle(many(i, i+10, 9, 8)...).Held)
	}
	if got := len(s.in.Written); got != 300 || s.in.Holds[0].Rule != guard.RuleChanged {
		t.Errorf("got %d written before a guard tripped (%+v), want 300, 30 %%", got, s.in.Holds)
	}
}

func TestWritesOlderThanAnHourAndRepeatedOnesAreNotCounted(t *testing.T) {
	s := open(100)
	s.cycle(many(0, 30, 9, 8)...)
	s.in.Now = s.in.Now.Add(guard.Window - time.Minute)
	s.cycle(many(30, 60, 9, 8)...)
	s.wants(t, "an hour later", 30, 0)

	s = open(100)
	for i := range inventory.Units(20) {
		s.cycle(many(0, 30, 100-i, 99-i)...)
		s.wants(t, "the same levels again and again", 30, 0)
	}
}

func TestAStocktakeIsHeldUntilItIsReleasedAndThenGoesOnce(t *testing.T) {
	s := open(100)
	stocktake := many(0, 60, 9, 5)
	s.cycle(stocktake...)
	s.wants(t, "held", 0, 60, "main-1-changed")
	s.cycle(stocktake...)
	s.wants(t, "held still, under the same id", 0, 60, "main-1-changed")
	s.release("main-1-changed")
	if got := s.cycle(stocktake...); len(got.Freed) != 60 {
		t.Errorf("got %d freed, want 60", len(got.Freed))
	}
	s.wants(t, "released", 60, 0)
	s.cycle(many(60, 90, 9, 8)...)
	s.wants(t, "released writes are counted by no guard", 30, 0)
	s.cycle(many(0, 60, 5, 4)...)
	s.wants(t, "a release lets each level go once", 0, 60, "main-5-changed")
}

func TestAReleaseLetsOnlyTheSameDirectionGo(t *testing.T) {
	s := open(100)
	s.cycle(many(0, 60, 9, 5)...)
	s.release("main-1-changed")
	s.cycle(slices.Concat(many(0, 50, 9, 2), many(50, 60, 9, 12))...)
	s.wants(t, "the figure of now goes, and ten raises are no stocktake", 60, 0)
	if len(s.result.Freed) != 50 || s.result.Freed[key(50)] {
		t.Errorf("got %d freed, want the 50 reductions", len(s.result.Freed))
	}

	s = open(100)
	s.cycle(many(0, 60, 9, 5)...)
	s.release("main-1-changed")
	s.cycle(many(0, 60, 9, 12)...)
	s.wants(t, "all of them go the other way", 0, 60, "main-2-changed")
}

func TestTwoReleasesOfOneLevelEachLetTheirDirectionGo(t *testing.T) {
	released := func(id string, raise bool) inventory.Hold {
		hold := inventory.Hold{ID: id, Rule: guard.RuleChanged, Released: start}
		for i := range 60 {
			hold.Levels = append(hold.Levels, inventory.HeldLevel{Key: key(i), Raise: raise})
		}
		return hold
	}
	for name, changes := range map[string][]inventory.Change{"reductions": many(0, 60, 9, 5), "raises": many(0, 60, 5, 9)} {
		got := guard.Check(guard.Input{
			Limits: limits, Store: "main", Cycle: 3, Managed: 100, Now: start, Changes: changes,
			Holds: []inventory.Hold{released("main-1-changed", false), released("main-2-changed", true)},
		})
		if len(got.Pass) != 60 || len(got.Freed) != 60 {
			t.Errorf("%s: got %d passed and %d freed, want 60", name, len(got.Pass), len(got.Freed))
		}
	}
}

func TestLevelsThatJoinAfterAReleaseStayGuarded(t *testing.T) {
	s := open(100)
	s.cycle(many(0, 60, 9, 5)...)
	s.release("main-1-changed")
	s.cycle(many(0, 95, 9, 5)...)
	s.wants(t, "35 more than were released", 60, 35, "main-2-changed")
}

func TestAReleasedLevelThatNoLongerNeedsToMoveIsGuardedAgain(t *testing.T) {
	s := open(100)
	s.wrote = false
	s.cycle(many(0, 60, 9, 5)...)
	s.release("main-1-changed")
	s.cycle(many(0, 10, 9, 5)...)
	s.wants(t, "fifty are in step again", 10, 0, "main-1-changed")
	s.cycle(many(0, 60, 9, 5)...)
	s.wants(t, "the fifty are news", 10, 50, "main-1-changed", "main-3-changed")
}

func TestAHeldPlanKeepsItsIDAndItsLevelsUntilItIsEmpty(t *testing.T) {
	s := open(100)
	s.cycle(many(0, 60, 9, 5)...)
	since := s.in.Now
	s.cycle(many(0, 70, 9, 4)...)
	s.wants(t, "ten more join while it is tripped", 0, 70, "main-1-changed")
	if !s.in.Holds[0].Since.Equal(since) || s.in.Holds[0].Have != 70 {
		t.Errorf("got %+v", s.in.Holds[0])
	}
	s.cycle(slices.Concat(many(0, 5, 9, 4), many(80, 90, 9, 8))...)
	s.wants(t, "five still need it, ten others do not join: nothing trips", 10, 5, "main-1-changed")
	s.cycle(many(0, 3, 9, 12)...)
	s.wants(t, "the other direction was not held", 3, 0)
	s.cycle(many(0, 60, 9, 5)...)
	s.wants(t, "a new plan", 0, 60, "main-5-changed")
}

func TestAHoldKeepsItsIDWhenAnotherGuardTripsAsWell(t *testing.T) {
	s := open(200)
	zeroed := many(0, 21, 9, 0)
	s.cycle(zeroed...)
	s.wants(t, "zeroed", 0, 21, "main-1-zeroed")
	s.in.Shrunk = &guard.Shrink{Before: 100, Rows: 10}
	s.cycle(slices.Concat(zeroed, many(30, 40, 9, 8))...)
	s.wants(t, "the source is shorter too", 0, 31, "main-1-zeroed", "main-2-shrink")
	s.in.Shrunk = nil
	s.cycle(zeroed...)
	s.wants(t, "and whole again", 0, 21, "main-1-zeroed")
}

func TestNothingOfAShorterSourcePassesButWhatWasReleased(t *testing.T) {
	s := open(100)
	s.in.Shrunk = &guard.Shrink{Before: 100, Rows: 10}
	s.cycle(many(0, 5, 9, 8)...)
	s.wants(t, "five changes", 0, 5, "main-1-shrink")
	s.release("main-1-shrink")
	s.cycle(many(0, 7, 9, 8)...)
	s.wants(t, "two joined after the release", 5, 2, "main-2-shrink")
}

func TestAHoldOfManyLevelsIsCheckedInNoTime(t *testing.T) {
	const n = 100_000 // 10¹⁰ comparisons if each change were looked for in the hold
	changes := many(0, n, 9, 5)
	hold := inventory.Hold{ID: "main-1-changed", Rule: guard.RuleChanged}
	for _, change := range changes {
		hold.Levels = append(hold.Levels, inventory.HeldLevel{Key: change.Key})
	}
	got := guard.Check(guard.Input{Limits: limits, Store: "main", Cycle: 2, Managed: 100 * n, Now: start, Changes: changes, Holds: []inventory.Hold{hold}})
	if len(got.Held) != n || len(got.Holds) != 1 {
		t.Errorf("got %d held by %d holds", len(got.Held), len(got.Holds))
	}
}

func TestASourceIsShorterOnlyBeyondBothLimits(t *testing.T) {
	tests := []struct {
		name         string
		limits       guard.Limits
		before, rows int
		want         *guard.Shrink
	}{
		{"as long as before", limits, 100, 100, nil},
		{"longer", limits, 100, 150, nil},
		{"as short as it may be", limits, 100, 80, nil},
		{"one shorter than it may be", limits, 100, 79, &guard.Shrink{Before: 100, Rows: 79}},
		{"empty", limits, 100, 0, &guard.Shrink{Before: 100, Rows: 0}},
		{"a small source may lose as many as min_changes", limits, 20, 10, nil},
		{"a small source may not lose more", limits, 20, 9, &guard.Shrink{Before: 20, Rows: 9}},
		{"the first read", limits, 0, 0, nil},
		{"switched off", guard.Limits{MinChanges: 10}, 100, 0, nil},
	}
	for _, tt := range tests {
		if got := guard.Shrunk(tt.limits, tt.before, tt.rows); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestTheSentenceOfAHoldSaysWhatWasCountedTheLimitAndTheCommand(t *testing.T) {
	tests := []struct {
		hold inventory.Hold
		want string
	}{
		{
			inventory.Hold{ID: "main-3-changed", Rule: guard.RuleChanged, Have: 60, Limit: 30, Managed: 100},
			"60 of 100 levels would have changed within an hour; 30 may (max_changed_percent). Look at them with `stocksyncd plan`, then let them go with `stocksyncd release main-3-changed`.",
		},
		{
			inventory.Hold{ID: "main-3-zeroed", Rule: guard.RuleZeroed, Have: 21, Limit: 20, Managed: 200},
			"21 of 200 levels would be at zero within an hour; 20 may (max_zeroed_percent). Look at them with `stocksyncd plan`, then let them go with `stocksyncd release main-3-zeroed`.",
		},
		{
			inventory.Hold{ID: "main-3-shrink", Rule: guard.RuleShrink, Have: 70, Limit: 80, Managed: 100},
			"Katana gave 70 stock rows, 100 last time; fewer than 80 are not trusted (max_shrink_percent). Look at them with `stocksyncd plan`, then let them go with `stocksyncd release main-3-shrink`.",
		},
		{
			inventory.Hold{ID: "main-3-raised", Rule: guard.RuleRaised, Have: 600, Limit: 500, Managed: 100},
			"600 units would have been added within an hour; 500 may (max_raised_units). Look at them with `stocksyncd plan`, then let them go with `stocksyncd release main-3-raised`.",
		},
		{
			inventory.Hold{ID: "main-3-all-zero", Rule: guard.RuleAllZero, Have: 12, Limit: 10, Managed: 200},
			"no figure is above zero any more, and 12 of 200 levels would come to that within an hour; 10 may (all_zero). Look at them with `stocksyncd plan`, then let them go with `stocksyncd release main-3-all-zero`.",
		},
		{
			inventory.Hold{ID: "main-3-canary", Rule: guard.RuleCanary, Limit: 5, Canary: sighted(0)},
			"Katana has 0 of the canary TWEETY; outside of 5 to 9 no figure is trusted, and the changes go by themselves when it is back (canary). Look at them with `stocksyncd plan`, then let them go with `stocksyncd release main-3-canary`.",
		},
		{
			inventory.Hold{ID: "main-3-canary", Rule: guard.RuleCanary, Limit: 5, Canary: unseen()},
			"Katana gives no figure for the canary TWEETY (not_in_katana); outside of 5 to 9 no figure is trusted, and the changes go by themselves when it is back (canary). Look at them with `stocksyncd plan`, then let them go with `stocksyncd release main-3-canary`.",
		},
	}
	for _, tt := range tests {
		if got := guard.Sentence(tt.hold); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestDoneTakesWrittenLevelsOffReleasedHoldsOnly(t *testing.T) {
	levels := func(from, to int) (held []inventory.HeldLevel) {
		for i := from; i < to; i++ {
			held = append(held, inventory.HeldLevel{Key: key(i)})
		}
		return held
	}
	holds := []inventory.Hold{
		{ID: "open", Levels: levels(0, 2)},
		{ID: "released", Levels: levels(0, 3), Released: start},
		{ID: "released and done", Levels: levels(0, 1), Released: start},
	}
	got := guard.Done(holds, []inventory.Key{key(0), key(1)})
	want := []inventory.Hold{{ID: "open", Levels: levels(0, 2)}, {ID: "released", Levels: levels(2, 3), Released: start}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if len(holds[1].Levels) != 3 || holds[1].Levels[0].Key != key(0) {
		t.Error("the holds that were given have been changed")
	}
}

// drawn is a plan over a small store: each level changes or not.
func drawn(t *rapid.T, managed int) (changes []inventory.Change) {
	for i := range managed {
		from := inventory.Units(rapid.IntRange(0, 5).Draw(t, "from"))
		to := inventory.Units(rapid.IntRange(0, 5).Draw(t, "to"))
		if rapid.IntRange(0, 3).Draw(t, "moves") == 0 && from != to {
			changes = append(changes, inventory.Change{Key: key(i), From: from, To: to})
		}
	}
	slices.SortStableFunc(changes, func(a, b inventory.Change) int { // as plans come
		switch {
		case a.Raise() == b.Raise():
			return 0
		case a.Raise():
			return 1
		}
		return -1
	})
	return changes
}

func TestEveryChangeEitherPassesOrIsHeldAndTheHourStaysWithinItsLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := open(rapid.IntRange(1, 40).Draw(t, "managed"))
		s.in.Limits = guard.Limits{
			MinChanges: rapid.IntRange(0, 4).Draw(t, "min"), MaxChangedPercent: rapid.IntRange(1, 60).Draw(t, "changed"),
			MaxZeroedPercent: rapid.IntRange(1, 40).Draw(t, "zeroed"),
			MaxRaisedUnits:   inventory.Units(rapid.IntRange(0, 20).Draw(t, "units")),
		}
		var released []string
		for range rapid.IntRange(1, 12).Draw(t, "cycles") {
			s.in.Now = s.in.Now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "minutes")) * time.Minute)
			s.in.Shrunk = nil
			if rapid.IntRange(0, 9).Draw(t, "shrunk") == 0 {
				s.in.Shrunk = &guard.Shrink{Before: 100, Rows: 10}
			}
			s.in.Canary = sighted(inventory.Units(rapid.IntRange(0, 9).Draw(t, "canary")))
			s.in.Offering = rapid.IntRange(0, 2).Draw(t, "offering")
			s.in.Offered = rapid.IntRange(0, 2).Draw(t, "offered")
			if len(s.in.Holds) > 0 && rapid.IntRange(0, 3).Draw(t, "release") == 0 {
				id := rapid.SampledFrom(s.in.Holds).Draw(t, "hold").ID
				s.release(id)
				released = append(released, id)
			}
			changes := drawn(t, s.in.Managed)
			before := fmt.Sprintf("%+v", s.in.Holds)
			was := s.in.Holds
			s.cycle(changes...)
			if after := fmt.Sprintf("%+v", was); after != before {
				t.Fatalf("the holds that were given have been changed from %s to %s", before, after)
			}
			apart(t, changes, s.result)
			named(t, s.result, was, released, s.in)
			s.within(t)
		}
	})
}

// apart checks that pass and held are the plan, each in its order.
func apart(t *rapid.T, changes []inventory.Change, v guard.Verdict) {
	pass, held := v.Pass, v.Held
	for _, change := range changes {
		switch {
		case len(pass) > 0 && pass[0] == change:
			pass = pass[1:]
		case len(held) > 0 && held[0].Change == change:
			held = held[1:]
		default:
			t.Fatalf("%+v neither passes nor is held in its turn: %+v", change, v)
		}
	}
	if len(pass)+len(held) > 0 {
		t.Fatalf("%+v and %+v are not of the plan", pass, held)
	}
}

// ended tells whether a hold is for a doubt that is over. What it held is then
// for the other guards to judge.
func ended(rule string, in guard.Input) bool {
	return rule == guard.RuleShrink && in.Shrunk == nil || rule == guard.RuleCanary && in.Canary.InRange() || rule == guard.RuleAllZero && in.Offering > 0
}

// doubts tells whether the figures are doubted, and whether a hold is for that.
func doubts(rule string, in guard.Input) (doubted, is bool) {
	return in.Shrunk != nil || !in.Canary.InRange(), rule == guard.RuleShrink || rule == guard.RuleCanary
}

// named checks that the open holds name exactly what is held, sorted, and that
// a hold which still holds something has kept its id.
func named(t *rapid.T, v guard.Verdict, before []inventory.Hold, released []string, in guard.Input) {
	holder := map[inventory.HeldLevel]string{}
	for _, o := range v.Held {
		holder[inventory.HeldLevel{Key: o.Key, Raise: o.Raise()}] = o.Detail
	}
	count := 0
	rules := map[string]bool{}
	for _, hold := range v.Holds {
		if !slices.IsSortedFunc(hold.Levels, func(a, b inventory.HeldLevel) int { return a.Key.Compare(b.Key) }) || len(hold.Levels) == 0 {
			t.Fatalf("the levels of %+v", hold)
		}
		if !hold.Released.IsZero() {
			continue
		}
		if rules[hold.Rule] || slices.Contains(released, hold.ID) {
			t.Fatalf("a second or a released hold %+v", hold)
		}
		rules[hold.Rule] = true
		for _, level := range hold.Levels {
			count++
			if holder[level] != hold.ID {
				t.Fatalf("%+v is named by %s and held by %q", level, hold.ID, holder[level])
			}
		}
	}
	if count != len(v.Held) {
		t.Fatalf("%d are held, %d are named", len(v.Held), count)
	}
	for _, hold := range before {
		for _, level := range hold.Levels {
			id, held := holder[level]
			if ended(hold.Rule, in) && id == hold.ID {
				t.Fatalf("%+v is held by %s though there is nothing to doubt", level, id)
			}
			if held && hold.Released.IsZero() && id != hold.ID && hold.Rule != guard.RuleZeroed && !ended(hold.Rule, in) {
				t.Fatalf("%+v went from %s to %s", level, hold.ID, id)
			}
			if doubted, is := doubts(hold.Rule, in); held && !hold.Released.IsZero() && (is || !doubted) {
				t.Fatalf("%+v was released and is held by %s", level, id)
			}
		}
	}
}

// within checks that what was written in the last hour, unless released, is
// within all limits.
func (s *store) within(t *rapid.T) {
	changed, zeroed := map[inventory.Key]bool{}, map[inventory.Key]bool{}
	var raised inventory.Units
	for _, w := range s.in.Written {
		if !w.Freed && s.in.Now.Sub(w.At) < guard.Window {
			changed[w.Key] = true
			raised += w.Raised()
			if w.Zero {
				zeroed[w.Key] = true
			}
		}
	}
	for _, limit := range []struct{ have, percent int }{{len(changed), s.in.Limits.MaxChangedPercent}, {len(zeroed), s.in.Limits.MaxZeroedPercent}} {
		if limit.have > s.in.Limits.MinChanges && limit.have*100 > limit.percent*s.in.Managed {
			t.Fatalf("%d of %d levels were written within the hour, %d %% may", limit.have, s.in.Managed, limit.percent)
		}
	}
	if limit := s.in.Limits.MaxRaisedUnits; limit > 0 && raised > limit {
		t.Fatalf("%d units were added within the hour, %d may", raised, limit)
	}
}

func TestTheSamePlanGetsTheSameVerdict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := guard.Input{
			Limits: guard.Limits{MinChanges: 1, MaxChangedPercent: 10, MaxZeroedPercent: 5}, Store: "main", Cycle: 1,
			Managed: 30, Changes: drawn(t, 30), Now: start,
		}
		if got, want := guard.Check(in), guard.Check(in); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, then %+v", want, got)
		}
	})
}
