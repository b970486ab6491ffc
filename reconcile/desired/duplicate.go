package desired

import (
	"slices"

	"stocksyncd/reconcile/inventory"
)

// Inflation is how far a store's total goes beyond what Katana has, because
// one Katana location feeds several of its locations.
type Inflation struct {
	SKUs    int             // items that are offered more than once
	Has     inventory.Units // what Katana has of them
	Offered inventory.Units // what the store will offer
}

// Inflated adds up the items whose levels share a Katana location. The levels
// must be sorted by key.
func (c *Catalogue) Inflated(levels []inventory.Level, rules Rules, figures []inventory.Figure) Inflation {
	var total Inflation
	for from := 0; from < len(levels); {
		to := from + 1
		for to < len(levels) && levels[to].Item == levels[from].Item {
			to++
		}
		if has, offered := c.item(levels[from:to], rules, figures[from:to]); offered > has {
			total.SKUs++
			total.Has += has
			total.Offered += offered
		}
		from = to
	}
	return total
}

// item compares what one item's levels offer together with what their Katana
// locations hold, each location counted once.
func (c *Catalogue) item(levels []inventory.Level, rules Rules, figures []inventory.Figure) (has, offered inventory.Units) {
	var counted []inventory.SourceLocationID
	shared := false
	for i := range levels {
		if figures[i].Left != "" {
			continue
		}
		offered += figures[i].Units
		for _, location := range rules.Feeds[levels[i].Location].Sources {
			if slices.Contains(counted, location) {
				shared = true
				continue
			}
			counted = append(counted, location)
		}
	}
	if !shared {
		return offered, offered
	}
	return max(c.figure(c.entries[levels[0].SKU], counted, 0, rules.Excluded, Rule{}).Units, 0), offered
}

// Shared lists the names of the Shopify locations that share a Katana location
// with another of them, sorted; none when the mapping is one to one.
func (f Feeds) Shared() []string {
	feeding := map[inventory.SourceLocationID][]string{}
	for _, feed := range f {
		for _, source := range feed.Sources {
			feeding[source] = append(feeding[source], feed.Name)
		}
	}
	var names []string
	for _, fed := range feeding {
		if len(fed) > 1 {
			names = append(names, fed...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
