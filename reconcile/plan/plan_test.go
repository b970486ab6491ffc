package plan_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/inventory"
	"stocksyncd/reconcile/plan"
)

var (
	now = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	mug = inventory.Level{Key: inventory.Key{Store: "main", Item: 11, Location: 101}, Variant: 7, SKU: "MUG", Active: true}
)

const settle = 10 * time.Minute

func old(inventory.Key) time.Time { return now.Add(-settle) }

func at(available inventory.Units) inventory.Level {
	level := mug
	level.Available = available
	return level
}

func own(units inventory.Units) func(inventory.Key, inventory.SKU) inventory.Units {
	return func(key inventory.Key, sku inventory.SKU) inventory.Units {
		if key != mug.Key || sku != "MUG" {
			return 0
		}
		return units
	}
}

func TestWhatIsWrittenForOneLevel(t *testing.T) {
	tests := []struct {
		name          string
		observed, own inventory.Units
		figure        inventory.Figure
		view          plan.View
		to            inventory.Units // when something is written
		reason        inventory.Reason
		waits         inventory.Reason
		skipped       inventory.Reason
	}{
		{name: "equal figures need no change", observed: 10, figure: inventory.Figure{Units: 10}},
		{name: "equal figures need no change though one is in flight", observed: 10, own: 1, figure: inventory.Figure{Units: 10}},
		{name: "too much is lowered", observed: 10, figure: inventory.Figure{Units: 7}, to: 7, reason: inventory.ReasonDrift},
		{name: "too little is raised", observed: 3, figure: inventory.Figure{Units: 7}, to: 7, reason: inventory.ReasonDrift},
		{name: "sold out is drift like any other", observed: 3, figure: inventory.Figure{}, to: 0, reason: inventory.ReasonDrift},
		{name: "the one that is missing was sold", observed: 9, own: 1, figure: inventory.Figure{Units: 10}, waits: inventory.ReasonInFlight},
		{name: "a raise stops short of what was sold", observed: 9, own: 1, figure: inventory.Figure{Units: 12}, to: 11, reason: inventory.ReasonInFlight},
		{name: "a raise never becomes a reduction", observed: 9, own: 5, figure: inventory.Figure{Units: 12}, waits: inventory.ReasonInFlight},
		{name: "a reduction goes beyond what was sold", observed: 10, own: 1, figure: inventory.Figure{Units: 7}, to: 6, reason: inventory.ReasonInFlight},
		{name: "a reduction ends at zero", observed: 10, own: 9, figure: inventory.Figure{Units: 7}, to: 0, reason: inventory.ReasonInFlight},
		{name: "a negative level is never raised to zero", observed: -2, figure: inventory.Figure{}},
		{name: "a negative figure is zero and counted", observed: 4, figure: inventory.Figure{Negative: true}, to: 0, reason: inventory.ReasonDrift},
		{name: "a negative level is raised to what can be sold", observed: -2, figure: inventory.Figure{Units: 5}, to: 5, reason: inventory.ReasonDrift},
		{name: "a negative level stays when all of the figure was sold", observed: -2, own: 5, figure: inventory.Figure{Units: 5}, waits: inventory.ReasonInFlight},
		{name: "a negative level is not raised to another negative one", observed: -5, own: 4, figure: inventory.Figure{Units: 2}, waits: inventory.ReasonInFlight},
		{name: "what is left alone is counted by its reason", observed: 4, figure: inventory.Figure{Left: inventory.ReasonNoRow}, skipped: inventory.ReasonNoRow},
		{
			name: "a level in quarantine rests", observed: 4, figure: inventory.Figure{Units: 7, Negative: true},
			view: plan.View{Resting: func(key inventory.Key) bool { return key == mug.Key }}, skipped: inventory.ReasonQuarantined,
		},
		{
			name: "a raise waits one settle after the first sight", observed: 3, figure: inventory.Figure{Units: 7},
			view: plan.View{First: func(inventory.Key) time.Time { return now.Add(time.Second - settle) }}, waits: inventory.ReasonFirstSight,
		},
		{
			name: "a raise goes when settle has passed", observed: 3, figure: inventory.Figure{Units: 7},
			view: plan.View{First: old}, to: 7, reason: inventory.ReasonDrift,
		},
		{
			name: "a reduction does not wait for settle", observed: 9, figure: inventory.Figure{Units: 7},
			view: plan.View{First: func(inventory.Key) time.Time { return now }}, to: 7, reason: inventory.ReasonDrift,
		},
		{
			name: "lower-only lets a raise wait", observed: 3, figure: inventory.Figure{Units: 7},
			view: plan.View{LowerOnly: true}, waits: inventory.ReasonLowerOnly,
		},
		{
			name: "lower-only writes a reduction", observed: 9, own: 1, figure: inventory.Figure{Units: 7},
			view: plan.View{LowerOnly: true}, to: 6, reason: inventory.ReasonInFlight,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			view := tt.view
			view.Own, view.Now, view.Settle = own(tt.own), now, settle
			view.Name = func(inventory.LocationID) string { return "Shop" }
			want := plan.Plan{Skipped: map[inventory.Reason]int{}}
			change := inventory.Change{Key: mug.Key, Variant: 7, SKU: "MUG", LocationName: "Shop", From: tt.observed}
			switch {
			case tt.skipped != "":
				want.Skipped[tt.skipped] = 1
			case tt.waits != "":
				change.To, change.Reason = tt.figure.Units, inventory.ReasonDrift
				want.Waiting = []inventory.Outcome{{Change: change, Result: inventory.Waiting, Because: tt.waits}}
				want.Drifted = 1
			case tt.reason != "":
				change.To, change.Reason = tt.to, tt.reason
				want.Changes = []inventory.Change{change}
				want.Drifted = 1
			default:
				want.InStep = 1
			}
			if tt.figure.Negative && tt.skipped == "" {
				want.Negative = 1
			}
			got := plan.Diff([]inventory.Level{at(tt.observed)}, []inventory.Figure{tt.figure}, view)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
			if got.Managed() != want.InStep+want.Drifted {
				t.Errorf("got %d managed", got.Managed())
			}
		})
	}
}

func TestAViewThatKnowsNothingWritesWhatIsDesired(t *testing.T) {
	got := plan.Diff([]inventory.Level{at(3)}, []inventory.Figure{{Units: 7}}, plan.View{})
	want := []inventory.Change{{Key: mug.Key, Variant: 7, SKU: "MUG", From: 3, To: 7, Reason: inventory.ReasonDrift}}
	if !slices.Equal(got.Changes, want) {
		t.Errorf("got %+v, want %+v", got.Changes, want)
	}
}

func TestReductionsComeBeforeRaisesAndEachInTheOrderOfTheirKeys(t *testing.T) {
	var levels []inventory.Level
	var figures []inventory.Figure
	for _, one := range []struct {
		store            inventory.StoreName
		item             inventory.ItemID
		observed, figure inventory.Units
	}{{"b", 1, 5, 9}, {"a", 9, 5, 1}, {"a", 10, 5, 9}, {"a", 2, 5, 9}, {"b", 1, 5, 5}, {"a", 3, 5, 0}} {
		levels = append(levels, inventory.Level{Key: inventory.Key{Store: one.store, Item: one.item, Location: 1}, Available: one.observed, Active: true})
		figures = append(figures, inventory.Figure{Units: one.figure})
	}
	var got []string
	for _, change := range plan.Diff(levels, figures, plan.View{}).Changes {
		got = append(got, fmt.Sprintf("%s %d→%d", change.Key, change.From, change.To))
	}
	want := []string{"a/3/1 5→0", "a/9/1 5→1", "a/2/1 5→9", "a/10/1 5→9", "b/1/1 5→9"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// shop is a store as the properties draw it.
type shop struct {
	levels  []inventory.Level
	figures []inventory.Figure
	own     map[inventory.Key]inventory.Units
	first   map[inventory.Key]time.Time
	resting map[inventory.Key]bool
	lower   bool
}

func (s shop) view() plan.View {
	return plan.View{
		Own:     func(key inventory.Key, _ inventory.SKU) inventory.Units { return s.own[key] },
		First:   func(key inventory.Key) time.Time { return s.first[key] },
		Resting: func(key inventory.Key) bool { return s.resting[key] },
		Now:     now, Settle: settle, LowerOnly: s.lower,
	}
}

func draw(t *rapid.T) shop {
	s := shop{
		own: map[inventory.Key]inventory.Units{}, first: map[inventory.Key]time.Time{}, resting: map[inventory.Key]bool{},
		lower: rapid.IntRange(0, 4).Draw(t, "lower") == 0,
	}
	for i := range rapid.IntRange(0, 20).Draw(t, "levels") {
		key := inventory.Key{Store: "main", Item: inventory.ItemID(i/2 + 1), Location: inventory.LocationID(i%2 + 1)}
		s.levels = append(s.levels, inventory.Level{Key: key, Available: inventory.Units(rapid.IntRange(-5, 12).Draw(t, "observed")), Active: rapid.IntRange(0, 9).Draw(t, "inactive") > 0})
		figure := inventory.Figure{Units: inventory.Units(rapid.IntRange(0, 12).Draw(t, "desired"))}
		if rapid.IntRange(0, 9).Draw(t, "left") == 0 {
			figure = inventory.Figure{Left: inventory.ReasonNotInKatana}
		}
		s.figures = append(s.figures, figure)
		s.own[key] = inventory.Units(max(rapid.IntRange(-5, 8).Draw(t, "own"), 0))
		s.first[key] = now.Add(-time.Duration(rapid.IntRange(0, 60).Draw(t, "minutes")) * time.Minute)
		s.resting[key] = rapid.IntRange(0, 9).Draw(t, "resting") == 0
	}
	return s
}

func TestApplyingAPlanLeavesNoDrift(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		clear(s.own)
		first := plan.Diff(s.levels, s.figures, s.view())
		shows := map[inventory.Key]inventory.Units{}
		for _, change := range first.Changes {
			shows[change.Key] = change.To
		}
		for i := range s.levels {
			if to, ok := shows[s.levels[i].Key]; ok {
				s.levels[i].Available, s.levels[i].Active = to, true
			}
		}
		second := plan.Diff(s.levels, s.figures, s.view())
		if len(second.Changes) > 0 || second.Drifted != len(first.Waiting) || !slices.Equal(second.Waiting, first.Waiting) {
			t.Fatalf("after %+v there is still %+v", first, second)
		}
	})
}

func TestNoPlanOffersMoreThanIsDesiredLessWhatIsInFlight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		desired := map[inventory.Key]inventory.Figure{}
		observed, inactive := map[inventory.Key]inventory.Units{}, map[inventory.Key]bool{}
		for i, level := range s.levels {
			desired[level.Key], observed[level.Key] = s.figures[i], plan.Offered(&level)
			inactive[level.Key] = !level.Active
		}
		p := plan.Diff(s.levels, s.figures, s.view())
		for _, change := range p.Changes {
			switch most := max(0, desired[change.Key].Units-s.own[change.Key]); {
			case change.From != observed[change.Key]:
				t.Fatalf("%+v does not begin at the observed %d", change, observed[change.Key])
			case change.To == change.From:
				t.Fatalf("%+v changes nothing", change)
			case change.To < 0 || change.To > most:
				t.Fatalf("%+v, with %d in flight", change, s.own[change.Key])
			case change.Raise() && (s.lower || now.Before(s.first[change.Key].Add(settle))):
				t.Fatalf("%+v should wait", change)
			case change.Activate != inactive[change.Key]:
				t.Fatalf("%+v, and it is inactive: %t", change, inactive[change.Key])
			case s.resting[change.Key] || desired[change.Key].Left != "":
				t.Fatalf("%+v is of a level that is left alone", change)
			}
		}
		skipped := 0
		for _, n := range p.Skipped {
			skipped += n
		}
		if got := p.InStep + p.Drifted + skipped; got != len(s.levels) {
			t.Fatalf("%d of %d levels are accounted for: %+v", got, len(s.levels), p)
		}
		if got := len(p.Changes) + len(p.Waiting); got != p.Drifted {
			t.Fatalf("%d of %d drifted levels are written or wait", got, p.Drifted)
		}
		for _, o := range p.Waiting {
			if !o.Raise() {
				t.Fatalf("a reduction waits: %+v", o)
			}
		}
	})
}

func TestTheSameStoreGivesTheSamePlanInWhateverOrderItsLevelsCome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		want := plan.Diff(s.levels, s.figures, s.view())
		order := make([]int, len(s.levels))
		for i := range order {
			order[i] = i
		}
		order = rapid.Permutation(order).Draw(t, "order")
		shuffled := s
		shuffled.levels, shuffled.figures = nil, nil
		for _, i := range order {
			shuffled.levels, shuffled.figures = append(shuffled.levels, s.levels[i]), append(shuffled.figures, s.figures[i])
		}
		if got := plan.Diff(shuffled.levels, shuffled.figures, s.view()); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestAChangeThatMustStayWaitsWithItsReasonInEitherDirection(t *testing.T) {
	levels := []inventory.Level{
		{Key: inventory.Key{Store: "main", Item: 1, Location: 1}, Available: 5, Active: true},
		{Key: inventory.Key{Store: "main", Item: 2, Location: 1}, Available: 9, Active: true},
		{Key: inventory.Key{Store: "main", Item: 3, Location: 1}, Available: 9, Active: true},
	}
	figures := []inventory.Figure{{Units: 7}, {Units: 7}, {Units: 7}}
	p := plan.Diff(levels, figures, plan.View{Stays: func(change inventory.Change) string {
		if change.Item == 3 {
			return ""
		}
		return "written 7, found another"
	}})
	if len(p.Changes) != 1 || p.Changes[0].Item != 3 || len(p.Waiting) != 2 || p.Drifted != 3 {
		t.Fatalf("got %+v", p)
	}
	for i, o := range p.Waiting {
		if o.Item != inventory.ItemID(i+1) || o.Result != inventory.Waiting || o.Because != inventory.ReasonSecondWriter || o.Detail == "" || o.To != 7 {
			t.Errorf("got %+v", o)
		}
	}
}
