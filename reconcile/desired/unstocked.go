package desired

import (
	"slices"

	"stocksyncd/reconcile/inventory"
)

// Unstocked lists the levels that are not there although Katana has some of the
// SKU for them: items that were never stocked at a location which the mapping
// names. Levels must be sorted by key; what it gives is too.
//
// An item that has no level at all comes as one level at [inventory.Nowhere].
func (c *Catalogue) Unstocked(levels []inventory.Level, rules Rules) (missing []inventory.Level) {
	var named []inventory.LocationID
	for id, feed := range rules.Feeds {
		if feed.Named && feed.Left == "" {
			named = append(named, id)
		}
	}
	slices.Sort(named)
	rules.Activate = true // what it would be if it were stocked
	front := c.under(rules)
	for from, to := 0, 0; from < len(levels); from = to {
		for to = from; to < len(levels) && levels[to].Item == levels[from].Item; to++ {
		}
		there := levels[from:to]
		for _, location := range named {
			if slices.ContainsFunc(there, func(l inventory.Level) bool { return l.Location == location }) {
				continue
			}
			level := levels[from]
			level.Location, level.Available, level.Active, level.Unstocked = location, 0, false, true
			if figure := front.figure(&level, nil); figure.Left == "" && figure.Units > 0 {
				missing = append(missing, level)
			}
		}
	}
	return missing
}
