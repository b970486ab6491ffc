package plan

import (
	"slices"
	"time"

	"stocksyncd/reconcile/inventory"
)

// View is what a plan takes into account beside the two figures of a level.
// A nil func says no.
type View struct {
	// Own is the units in flight at the level itself.
	Own func(inventory.Key, inventory.SKU) inventory.Units
	// First is when the level was first seen.
	First func(inventory.Key) time.Time
	// Resting tells that the level is in quarantine.
	Resting func(inventory.Key) bool
	// Stays says why the level must not be written this way now though its figure
	// asks for it; "" lets it be written.
	Stays func(inventory.Change) string
	// Name is the location's name, for people.
	Name func(inventory.LocationID) string

	Now       time.Time
	Settle    time.Duration // raises wait this long after First
	LowerOnly bool          // raises wait
}

// Plan is what a store needs.
type Plan struct {
	Changes []inventory.Change  // sorted: reductions first, then by key
	Waiting []inventory.Outcome // what must not be written yet, sorted by key
	InStep  int
	Drifted int // observed differs from desired, whether or not anything is written
	Skipped map[inventory.Reason]int
	// Negative counts the desired figures below zero.
	Negative int
}

// Managed is the number of levels that have a desired figure.
func (p *Plan) Managed() int { return p.InStep + p.Drifted }

// Diff compares each level with its figure; figures[i] belongs to levels[i].
//
//	observed  desired  in flight here  →
//	      10        7               0  write 7
//	       9       10               1  nothing: the missing one is sold
//	       9       12               1  write 11
//	      10        7               1  write 6: one of the 7 is sold
//	      −2        0               0  in step: what is oversold stays so
//
// A level that is not active offers nothing, whatever it shows: what it should
// offer is a raise from 0, for which the item is stocked at the location first.
func Diff(levels []inventory.Level, figures []inventory.Figure, view View) Plan {
	p := Plan{Skipped: map[inventory.Reason]int{}}
	for i := range levels {
		v := Judge(&levels[i], figures[i], view)
		switch {
		case v.Left != "":
			p.Skipped[v.Left]++
		case v.Drifted:
			p.Drifted++
			p.add(&levels[i], figures[i].Units, view)
		default:
			p.InStep++
		}
		if v.Negative {
			p.Negative++
		}
	}
	p.sort()
	return p
}

// Join is the plan of all levels that the parts are plans of.
func Join(parts ...Plan) Plan {
	if len(parts) == 1 {
		return parts[0]
	}
	p := Plan{Skipped: map[inventory.Reason]int{}}
	for _, part := range parts {
		p.Changes, p.Waiting = append(p.Changes, part.Changes...), append(p.Waiting, part.Waiting...)
		p.InStep, p.Drifted, p.Negative = p.InStep+part.InStep, p.Drifted+part.Drifted, p.Negative+part.Negative
		for why, n := range part.Skipped {
			p.Skipped[why] += n
		}
	}
	p.sort()
	return p
}

func (p *Plan) sort() {
	slices.SortFunc(p.Changes, inOrder)
	slices.SortFunc(p.Waiting, func(a, b inventory.Outcome) int { return a.Compare(b.Key) })
}

// Verdict is what a plan makes of one level.
type Verdict struct {
	Left     inventory.Reason // not "": the level is left alone
	Drifted  bool             // it does not show what it should; else it is in step
	Negative bool             // its exact figure is below zero
	Offers   bool             // its figure is above zero
}

// Judge holds a level against its figure. Of the view it needs what rests.
func Judge(level *inventory.Level, figure inventory.Figure, view View) Verdict {
	switch {
	case figure.Left != "":
		return Verdict{Left: figure.Left}
	case view.Resting != nil && view.Resting(level.Key):
		return Verdict{Left: inventory.ReasonQuarantined}
	}
	offered := Offered(level)
	inStep := figure.Units == offered || figure.Units <= 0 && offered <= 0
	return Verdict{Drifted: !inStep, Negative: figure.Negative, Offers: figure.Units > 0}
}

// Offered is what the level offers now.
func Offered(level *inventory.Level) inventory.Units {
	if !level.Active {
		return 0
	}
	return level.Available
}

func (p *Plan) add(level *inventory.Level, want inventory.Units, view View) {
	change := inventory.Change{
		Key: level.Key, Variant: level.Variant, SKU: level.SKU,
		From: Offered(level), To: want, Reason: inventory.ReasonDrift, Activate: !level.Active,
	}
	if change.Activate {
		change.Reason = inventory.ReasonActivate
	}
	if view.Name != nil {
		change.LocationName = view.Name(level.Location)
	}
	var own inventory.Units
	if view.Own != nil {
		own = view.Own(level.Key, level.SKU)
	}
	if why := waits(change, own, view); why != "" {
		p.Waiting = append(p.Waiting, inventory.Outcome{Change: change, Result: inventory.Waiting, Because: why})
		return
	}
	if own > 0 {
		change.Reason = inventory.ReasonInFlight
	}
	change.To = Target(change.From, want, own)
	if view.Stays != nil {
		if why := view.Stays(change); why != "" {
			p.Waiting = append(p.Waiting, inventory.Outcome{Change: change, Result: inventory.Waiting, Because: inventory.ReasonSecondWriter, Detail: why})
			return
		}
	}
	p.Changes = append(p.Changes, change)
}

// waits says why a raise must not be written yet. A reduction never waits for
// any of it.
func waits(change inventory.Change, own inventory.Units, view View) inventory.Reason {
	switch {
	case !change.Raise():
		return ""
	case view.LowerOnly:
		return inventory.ReasonLowerOnly
	case view.First != nil && view.Now.Before(view.First(change.Key).Add(view.Settle)):
		return inventory.ReasonFirstSight
	case Target(change.From, change.To, own) == change.From:
		return inventory.ReasonInFlight
	}
	return ""
}

// Target is the figure to write when own units of the desired ones are sold
// already: a raise stops short of them, a reduction goes beyond. A raise that
// leaves nothing to sell is none: a negative level stays where it is.
func Target(observed, want, own inventory.Units) inventory.Units {
	left := max(0, want-own)
	switch {
	case observed == want || observed <= 0 && want <= 0:
		return observed
	case observed > want:
		return left
	case left == 0:
		return observed
	}
	return max(observed, left)
}

// inOrder puts reductions first: when a cycle is cut short, what would oversell
// has gone out before what would sell more.
func inOrder(a, b inventory.Change) int {
	if a.Raise() != b.Raise() {
		if a.Raise() {
			return 1
		}
		return -1
	}
	return a.Compare(b.Key)
}
