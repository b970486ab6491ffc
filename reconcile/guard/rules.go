package guard

import (
	"stocksyncd/reconcile/inventory"
)

// The names of the guards, as the config and held plans write them.
const (
	RuleShrink  = "max_shrink_percent"
	RuleCanary  = "canary"
	RuleAllZero = "all_zero"
	RuleZeroed  = "max_zeroed_percent"
	RuleRaised  = "max_raised_units"
	RuleChanged = "max_changed_percent"
)

// rule is one guard: which changes it holds, and when.
type rule struct {
	name, short string
	counts      func(inventory.Change) bool
	// trips notes the count and the limit in the hold when there are too many.
	trips func(changes []inventory.Change, hold *inventory.Hold) bool
}

// rules lists the guards: first those that doubt the figures as such, then the
// narrowest first, so that a change is held for the most telling reason.
func (c *checker) rules() []rule {
	limits := c.in.Limits
	return []rule{
		{RuleShrink, "shrink", always, c.shrunk},
		{RuleCanary, "canary", always, c.strayed},
		{RuleZeroed, "zeroed", zeroes, c.share(limits.MaxZeroedPercent, zeroes, wroteZero)},
		{RuleAllZero, "all-zero", always, c.allZero},
		{RuleRaised, "raised", inventory.Change.Raise, c.raised},
		{RuleChanged, "changed", always, c.share(limits.MaxChangedPercent, always, wroteAny)},
	}
}

func always(inventory.Change) bool { return true }

func zeroes(change inventory.Change) bool { return change.To <= 0 && change.From > 0 }

func wroteAny(inventory.Written) bool { return true }

func wroteZero(w inventory.Written) bool { return w.Zero }

// shrunk trips on a source that is shorter than last time.
func (c *checker) shrunk(_ []inventory.Change, hold *inventory.Hold) bool {
	s := c.in.Shrunk
	if s == nil {
		return false
	}
	hold.Have, hold.Limit, hold.Managed = s.Rows, leastRows(c.in.Limits, s.Before), s.Before
	return true
}

// strayed trips on a canary that was not seen in its range. Have is what it
// shows, and Limit the end of the range that it is beyond.
func (c *checker) strayed(_ []inventory.Change, hold *inventory.Hold) bool {
	s := c.in.Canary
	if s == nil || s.InRange() {
		return false
	}
	seen := *s
	hold.Canary, hold.Have, hold.Limit = &seen, int(s.Units), int(s.Min)
	if s.Left == "" && s.Units > s.Max {
		hold.Limit = int(s.Max)
	}
	return true
}

// allZero trips when no level has anything to sell any more and more than
// MinChanges of them come to zero by that, however few of all levels these are.
// It goes with the guard of the levels taken to zero, and is off with it.
func (c *checker) allZero(changes []inventory.Change, hold *inventory.Hold) bool {
	if c.in.Limits.MaxZeroedPercent <= 0 || c.in.Offering > 0 || c.in.Offered == 0 {
		return false
	}
	have := c.distinct(changes, zeroes, wroteZero)
	if have <= c.in.Limits.MinChanges {
		return false
	}
	hold.Have, hold.Limit, hold.Managed = have, c.in.Limits.MinChanges, c.in.Managed
	return true
}

// share gives a guard that trips when more than a percentage of the levels
// managed, and more than MinChanges, are counted.
func (c *checker) share(percent int, counts func(inventory.Change) bool, wrote func(inventory.Written) bool) func([]inventory.Change, *inventory.Hold) bool {
	return func(changes []inventory.Change, hold *inventory.Hold) bool {
		if percent <= 0 {
			return false
		}
		have, limit := c.distinct(changes, counts, wrote), max(c.in.Managed*percent/100, c.in.Limits.MinChanges)
		if have <= limit {
			return false
		}
		hold.Have, hold.Limit, hold.Managed = have, limit, c.in.Managed
		return true
	}
}

// distinct counts the levels that the changes or the writes of the last hour
// are of.
func (c *checker) distinct(changes []inventory.Change, counts func(inventory.Change) bool, wrote func(inventory.Written) bool) int {
	levels := map[inventory.Key]struct{}{}
	for _, change := range changes {
		if counts(change) {
			levels[change.Key] = struct{}{}
		}
	}
	for _, w := range c.in.Written {
		if c.recent(w) && wrote(w) {
			levels[w.Key] = struct{}{}
		}
	}
	return len(levels)
}

// raised trips on too many units. The limit is an absolute one, so MinChanges
// does not soften it: one level with a digit too many is what it is for.
func (c *checker) raised(changes []inventory.Change, hold *inventory.Hold) bool {
	limit := c.in.Limits.MaxRaisedUnits
	if limit <= 0 {
		return false
	}
	var units inventory.Units
	for _, change := range changes {
		if change.Raise() {
			units += change.To - change.From
		}
	}
	for _, w := range c.in.Written {
		if c.recent(w) {
			units += w.Raised()
		}
	}
	if units <= limit {
		return false
	}
	hold.Have, hold.Limit, hold.Managed = int(units), int(limit), c.in.Managed
	return true
}

// recent tells whether a write counts: one of the last hour that no release let
// through.
func (c *checker) recent(w inventory.Written) bool {
	return !w.Freed && c.in.Now.Sub(w.At) < Window
}
