package guard

import (
	"fmt"
	"slices"
	"time"

	"stocksyncd/reconcile/inventory"
)

// Limits says when a plan is held. A percentage is of the levels managed; a
// guard of levels trips when its percentage and MinChanges are both exceeded.
// Units are counted as they are. 0 switches a guard off.
type Limits struct {
	MinChanges        int
	MaxChangedPercent int
	MaxZeroedPercent  int
	MaxShrinkPercent  int
	MaxRaisedUnits    inventory.Units
}

// Window is how far back writes are counted.
const Window = time.Hour

// Input is a store's plan and what the guards need to know of the past.
type Input struct {
	Limits  Limits
	Store   inventory.StoreName
	Cycle   uint64 // names new holds
	Managed int    // levels with a desired figure
	Changes []inventory.Change
	// PutOff are changes that must wait: nothing is decided of them, but a
	// release that names them is not over.
	PutOff  []inventory.Change
	Written []inventory.Written
	Holds   []inventory.Hold
	// Shrunk tells that the source is shorter than last time by more than its
	// limit: then no figure of this cycle is trusted. See [Shrunk].
	Shrunk *Shrink
	// Canary is what was seen of the store's canary; nil when it has none. Out of
	// its range, no figure of this cycle is trusted either.
	Canary *inventory.Sighting
	// Offering is how many levels have a figure above zero, and Offered how many
	// had when no guard doubted the figures last.
	Offering, Offered int
	Now               time.Time
}

// doubted tells that the figures are doubted as such, whatever they ask for.
func (in *Input) doubted() bool {
	return in.Shrunk != nil || in.Canary != nil && !in.Canary.InRange()
}

// Shrink is a source that has become shorter.
type Shrink struct{ Before, Rows int }

// Verdict is what may be written, and what may not.
type Verdict struct {
	Pass  []inventory.Change // in the order of the plan
	Freed map[inventory.Key]bool
	Held  []inventory.Outcome // in the order of the plan; Detail is the hold's id
	Holds []inventory.Hold
	// Doubted tells that the figures of this cycle are no measure for the next.
	Doubted bool
}

// Check sorts the changes into those that pass and those that are held.
//
// A change whose level and direction a released hold names passes and is
// counted by no guard. A change that an open hold names stays held, whether or
// not the guard would trip today.
func Check(in Input) Verdict {
	c := checker{in: in, holds: openHolds(in), verdict: Verdict{Freed: map[inventory.Key]bool{}, Doubted: in.doubted()}}
	free := released(in)
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
	tripped := r.trips(changes, &hold)
	if !tripped && !found {
		return
	}
	c.verdict.Doubted = c.verdict.Doubted || tripped && r.name == RuleAllZero
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
	for _, change := range slices.Concat(c.in.Changes, c.in.PutOff) {
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

// openHolds gives the holds that are not released. One for figures that were
// doubted ends when they are not any more: what it held was doubted for that
// alone, and a reduction that it went on holding would be oversold.
func openHolds(in Input) []inventory.Hold {
	var open []inventory.Hold
	for _, h := range in.Holds {
		if h.Released.IsZero() && !over(h.Rule, in) {
			open = append(open, h)
		}
	}
	return open
}

// over tells whether a guard that doubts the figures does so no longer.
func over(rule string, in Input) bool {
	switch rule {
	case RuleShrink:
		return in.Shrunk == nil
	case RuleCanary:
		return in.Canary == nil || in.Canary.InRange()
	case RuleAllZero:
		return in.Offering > 0
	}
	return false
}

// moved is the level of a change and its direction, as holds name it.
func moved(change inventory.Change) inventory.HeldLevel {
	return inventory.HeldLevel{Key: change.Key, Raise: change.Raise()}
}

// released gives what the released holds let go. Who released a stocktake has
// seen its figures, not those of a source that is doubted since: such figures
// go only where a plan was released that was held for a doubt.
func released(in Input) map[inventory.HeldLevel]bool {
	free, doubted := map[inventory.HeldLevel]bool{}, in.doubted()
	for _, h := range in.Holds {
		if h.Released.IsZero() || doubted && h.Rule != RuleShrink && h.Rule != RuleCanary {
			continue
		}
		for _, level := range h.Levels {
			free[level] = true
		}
	}
	return free
}

// Found adds to what is remembered of the last hour what turns out to have been
// written before a cycle was cut off. What a release names went by it.
func Found(memory *inventory.Memory, written []inventory.Written) {
	type write struct {
		inventory.Key
		cycle uint64
	}
	known := make(map[write]bool, len(memory.Written))
	former := map[inventory.Key]time.Time{} // of a version that did not note the cycle
	for _, w := range memory.Written {
		known[write{w.Key, w.Cycle}] = true
		if w.Cycle == 0 && w.At.After(former[w.Key]) {
			former[w.Key] = w.At
		}
	}
	free := released(Input{Holds: memory.Holds})
	for _, w := range written {
		if !known[write{w.Key, w.Cycle}] && w.At.After(former[w.Key]) {
			w.Freed = free[inventory.HeldLevel{Key: w.Key, Raise: w.Raised() > 0}]
			memory.Written = append(memory.Written, w)
		}
	}
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

// Tell gives the ids of the open holds of which there is news, and notes with
// them that it was told: those that are new, that levels have joined, or of
// which nothing was said for an hour. before is what was held until now.
func Tell(before, holds []inventory.Hold, now time.Time) map[string]bool {
	news := map[string]bool{}
	for i := range holds {
		h := &holds[i]
		if !h.Released.IsZero() {
			continue
		}
		was := slices.IndexFunc(before, func(b inventory.Hold) bool { return b.ID == h.ID })
		if was < 0 || h.Reported.IsZero() || now.Sub(h.Reported) >= Window || joined(before[was].Levels, h.Levels) {
			h.Reported, news[h.ID] = now, true
		}
	}
	return news
}

// joined tells whether levels, which are sorted, have some that were not there
// before.
func joined(before, levels []inventory.HeldLevel) bool {
	for _, level := range levels {
		for len(before) > 0 && before[0].Key.Compare(level.Key) < 0 {
			before = before[1:]
		}
		if len(before) == 0 || before[0] != level {
			return true
		}
	}
	return false
}
