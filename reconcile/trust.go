package reconcile

import (
	"maps"
	"slices"

	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// trust compares what is known with the last complete read of the same
// locations, and makes it the measure of the next when it is long enough, or
// when somebody has looked at it and released what was held. Which rows are
// missing only a complete read tells.
func (c *cycle) trust(at []inventory.SourceLocationID, whole bool) {
	rows := make(map[inventory.SourceLocationID]int, len(at))
	before, now := 0, 0
	for _, location := range at {
		rows[location] = c.catalogue.Rows(location)
		if last, known := c.source.Rows[location]; known {
			before, now = before+last, now+rows[location]
		}
	}
	c.shrunk = guard.Shrunk(c.r.opts.Guards, before, now)
	if c.shrunk != nil && c.shrinkReleased() {
		c.shrunk = nil
	}
	// Reads of other locations are kept: not every cycle reads them all.
	next := inventory.SourceMemory{Rows: maps.Clone(c.source.Rows), Trusted: c.source.Trusted, Ahead: c.source.Ahead}
	if c.shrunk == nil {
		if next.Rows == nil {
			next.Rows = map[inventory.SourceLocationID]int{}
		}
		maps.DeleteFunc(next.Rows, func(id inventory.SourceLocationID, _ int) bool { return !c.lives(id) })
		for _, location := range at {
			next.Rows[location] = rows[location]
		}
		next.Trusted = c.started
	}
	for _, key := range c.source.Missing {
		if !whole || !slices.Contains(at, key.Location) {
			next.Missing = append(next.Missing, key)
		}
	}
	if whole {
		next.Missing = append(next.Missing, c.catalogue.Missing(at)...)
	}
	c.source = next
}

// shrinkReleased tells that somebody has looked at the source that became
// shorter, since it was trusted last, and found it right.
func (c *cycle) shrinkReleased() bool {
	for _, s := range c.stores {
		for _, h := range s.kept.Holds {
			if h.Rule == guard.RuleShrink && h.Undo == 0 && h.Released.After(c.source.Trusted) {
				return true
			}
		}
	}
	return false
}
