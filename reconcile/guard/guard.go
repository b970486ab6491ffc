package guard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stocksyncd/reconcile/inventory"
)

// Limits says when a plan is held. A percentage is of the levels managed; a
// guard trips when its percentage and MinChanges are both exceeded. 0 switches
// a guard off.
type Limits struct {
	MinChanges        int
	MaxChangedPercent int
	MaxZeroedPercent  int
	MaxShrinkPercent  int
}

// The names of the guards, as the config and held plans write them.
const (
	RuleShrink  = "max_shrink_percent"
	RuleZeroed  = "max_zeroed_percent"
	RuleChanged = "max_changed_percent"
)

// Window is how far back writes are counted.
const Window = time.Hour

// Input is a store's plan and what the guards need to know of the past.
type Input struct {
	Limits  Limits
	Store   inventory.StoreName
	Cycle   uint64 // names new holds
	Managed int    // levels with a desired figure
	Changes []inventory.Change
	Written []inventory.Written
	Holds   []inventory.Hold
	// Shrunk tells that the source is shorter than last time by more than its
	// limit: then no figure of this cycle is trusted. See [Shrunk].
	Shrunk *Shrink
	Now    time.Time
}

// Shrink is a source that has become shorter.
type Shrink struct{ Before, Rows int }

// Verdict is what may be written, and what may not.
type Verdict struct {
	Pass  []inventory.Change // in the order of the plan
	Freed map[inventory.Key]bool
	Held  []inventory.Outcome // in the order of the plan; Detail is the hold's id
	Holds []inventory.Hold
}

// Check sorts the changes into those that pass and those that are held.
//
// A change whose level and direction a released hold names passes and is
// counted by no guard. A change that an open hold names stays held, whether or
// not the guard would trip today.
func Check(in Input) Verdict {
	c := checker{in: in, holds: openHolds(in), verdict: Verdict{Freed: map[inventory.Key]bool{}}}
	free := released(in.Holds)
	var guarded []inventory.Change
	for _, change := range in.Changes {
		if free[moved(change)] {
			c.verdict.Freed[change.Key] = true
			continue
		}
		guarded = append(guarded, change)
	}
	rules := c.rules()
	holder := c.named(rules, guarded)
	for _, rule := range rules {
		c.apply(rule, guarded, holder)
	}
	for _, change := range in.Changes {
		if id, held := holder[change.Key]; held {
			c.verdict.Held = append(c.verdict.Held, inventory.Outcome{Change: change, Result: inventory.Held, Because: inventory.Reason(c.rule(id)), Detail: id})
			continue
		}
		c.verdict.Pass = append(c.verdict.Pass, change)
	}
	c.verdict.Holds = append(c.keepReleased(), c.tidied()...)
	return c.verdict
}

type checker struct {
	in      Input
	holds   []inventory.Hold // not released
	verdict Verdict
}

// rule is one guard: which changes and writes it counts, and how many it lets
// pass.
type rule struct {
	name, short string
	counts      func(inventory.Change) bool
	wrote       func(inventory.Written) bool
	percent     int
}

// rules lists the guards, the narrowest first, so that a change is held for
// the most telling reason.
func (c *checker) rules() []rule {
	always := func(inventory.Change) bool { return true }
	return []rule{
		{name: RuleShrink, short: "shrink", counts: always},
		{
			name: RuleZeroed, short: "zeroed", percent: c.in.Limits.MaxZeroedPercent,
			counts: func(change inventory.Change) bool { return change.To <= 0 && change.From > 0 },
			wrote:  func(w inventory.Written) bool { return w.Zero },
		},
		{
			name: RuleChanged, short: "changed", percent: c.in.Limits.MaxChangedPercent, counts: always,
			wrote: func(inventory.Written) bool { return true },
		},
	}
}

// named gives each change that an open hold names to that hold, so that a hold
// keeps its levels, and with them its id, when another guard trips as well.
func (c *checker) named(rules []rule, changes []inventory.Change) (holder map[inventory.Key]string) {
	holder = map[inventory.Key]string{}
	for _, r := range rules {
		hold, found := c.hold(r)
		if !found {
			continue
		}
		names := make(map[inventory.HeldLevel]bool, len(hold.Levels))
		for _, level := range hold.Levels {
			names[level] = true
		}
		for _, change := range changes {
			if names[moved(change)] && r.counts(change) && holder[change.Key] == "" {
				holder[change.Key] = hold.ID
			}
		}
	}
	return holder
}

// apply holds the changes that the rule counts and no hold names, if it trips.
func (c *checker) apply(r rule, changes []inventory.Change, holder map[inventory.Key]string) {
	hold, found := c.hold(r)
	tripped := c.trips(r, changes, &hold)
	if !tripped && !found {
		return
	}
	var levels []inventory.HeldLevel
	for _, change := range changes {
		if tripped && r.counts(change) && holder[change.Key] == "" {
			holder[change.Key] = hold.ID
		}
		if holder[change.Key] == hold.ID {
			levels = append(levels, moved(change))
		}
	}
	slices.SortFunc(levels, func(a, b inventory.HeldLevel) int { return a.Key.Compare(b.Key) })
	hold.Levels = levels
	c.put(hold)
}

// trips counts distinct levels and notes the count and the limit in the hold.
func (c *checker) trips(r rule, changes []inventory.Change, hold *inventory.Hold) bool {
	if r.name == RuleShrink {
		if c.in.Shrunk == nil {
			return false
		}
		hold.Have, hold.Limit, hold.Managed = c.in.Shrunk.Rows, leastRows(c.in.Limits, c.in.Shrunk.Before), c.in.Shrunk.Before
		return true
	}
	if r.percent <= 0 {
		return false
	}
	counted := map[inventory.Key]struct{}{}
	for _, change := range changes {
		if r.counts(change) {
			counted[change.Key] = struct{}{}
		}
	}
	for _, w := range c.in.Written {
		if r.wrote(w) && !w.Freed && c.in.Now.Sub(w.At) < Window {
			counted[w.Key] = struct{}{}
		}
	}
	have, limit := len(counted), max(c.in.Managed*r.percent/100, c.in.Limits.MinChanges)
	if have <= limit {
		return false
	}
	hold.Have, hold.Limit, hold.Managed = have, limit, c.in.Managed
	return true
}

// hold gives the rule's open hold, or a new one.
func (c *checker) hold(r rule) (hold inventory.Hold, found bool) {
	for _, h := range c.holds {
		if h.Rule == r.name {
			return h, true
		}
	}
	return inventory.Hold{ID: fmt.Sprintf("%s-%d-%s", c.in.Store, c.in.Cycle, r.short), Rule: r.name, Since: c.in.Now}, false
}

func (c *checker) put(hold inventory.Hold) {
	for i := range c.holds {
		if c.holds[i].ID == hold.ID {
			c.holds[i] = hold
			return
		}
	}
	c.holds = append(c.holds, hold)
}

func (c *checker) rule(id string) string {
	for _, h := range c.holds {
		if h.ID == id {
			return h.Rule
		}
	}
	return ""
}

// tidied drops the holds that hold nothing any more.
func (c *checker) tidied() []inventory.Hold {
	return slices.DeleteFunc(c.holds, func(h inventory.Hold) bool { return len(h.Levels) == 0 })
}

// keepReleased gives the released holds, less the levels that no longer need
// to move that way.
func (c *checker) keepReleased() []inventory.Hold {
	moves := map[inventory.HeldLevel]bool{}
	for _, change := range c.in.Changes {
		moves[moved(change)] = true
	}
	var kept []inventory.Hold
	for _, h := range c.in.Holds {
		if h.Released.IsZero() {
			continue
		}
		h.Levels = slices.DeleteFunc(slices.Clone(h.Levels), func(l inventory.HeldLevel) bool { return !moves[l] })
		if len(h.Levels) > 0 {
			kept = append(kept, h)
		}
	}
	return kept
}

// openHolds gives the holds that are not released. One for a source that was
// shorter ends when the source is whole again: what it held was doubted for
// that alone, and a reduction that it went on holding would be oversold.
func openHolds(in Input) []inventory.Hold {
	var open []inventory.Hold
	for _, h := range in.Holds {
		if h.Released.IsZero() && (h.Rule != RuleShrink || in.Shrunk != nil) {
			open = append(open, h)
		}
	}
	return open
}

// moved is the level of a change and its direction, as holds name it.
func moved(change inventory.Change) inventory.HeldLevel {
	return inventory.HeldLevel{Key: change.Key, Raise: change.Raise()}
}

func released(holds []inventory.Hold) map[inventory.HeldLevel]bool {
	free := map[inventory.HeldLevel]bool{}
	for _, h := range holds {
		if h.Released.IsZero() {
			continue
		}
		for _, level := range h.Levels {
			free[level] = true
		}
	}
	return free
}

// Done takes levels that were written off the released holds: a release lets
// each level go once.
func Done(holds []inventory.Hold, written []inventory.Key) []inventory.Hold {
	done := make(map[inventory.Key]bool, len(written))
	for _, key := range written {
		done[key] = true
	}
	var kept []inventory.Hold
	for _, h := range holds {
		if !h.Released.IsZero() {
			h.Levels = slices.DeleteFunc(slices.Clone(h.Levels), func(l inventory.HeldLevel) bool { return done[l.Key] })
		}
		if len(h.Levels) > 0 {
			kept = append(kept, h)
		}
	}
	return kept
}

// Shrunk compares the rows of the source with those of the last trusted read;
// nil when it is long enough.
func Shrunk(limits Limits, before, rows int) *Shrink {
	if limits.MaxShrinkPercent <= 0 || rows >= leastRows(limits, before) || before-rows <= limits.MinChanges {
		return nil
	}
	return &Shrink{Before: before, Rows: rows}
}

func leastRows(limits Limits, before int) int {
	return before - before*limits.MaxShrinkPercent/100
}

// Sentence says what a hold counted, its limit, and the command to release it.
func Sentence(h inventory.Hold) string {
	if h.Rule == RuleUndone {
		return undone(h)
	}
	var b strings.Builder
	switch h.Rule {
	case RuleShrink:
		fmt.Fprintf(&b, "Katana gave %d stock rows, %d last time; fewer than %d are not trusted", h.Have, h.Managed, h.Limit)
	case RuleZeroed:
		fmt.Fprintf(&b, "%d of %d levels would be at zero within an hour; %d may", h.Have, h.Managed, h.Limit)
	default:
		fmt.Fprintf(&b, "%d of %d levels would have changed within an hour; %d may", h.Have, h.Managed, h.Limit)
	}
	if h.Undo != 0 {
		fmt.Fprintf(&b, " (%s). `stocksyncd undo %d` would write them; let them go with `stocksyncd release %s`.", h.Rule, h.Undo, h.ID)
		return b.String()
	}
	fmt.Fprintf(&b, " (%s). Look at them with `stocksyncd plan`, then let them go with `stocksyncd release %s`.", h.Rule, h.ID)
	return b.String()
}
