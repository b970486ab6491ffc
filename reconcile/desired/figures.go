package desired

import (
	"stocksyncd/reconcile/inventory"
)

// Figures gives each level its desired figure by the store's rules, in the
// order of levels.
//
// elsewhere tells how many units of a level's SKU are in flight at other
// levels that draw on the same Katana locations; they are subtracted like
// committed ones. A nil elsewhere means none are.
func (c *Catalogue) Figures(levels []inventory.Level, rules Rules, elsewhere func(inventory.Level) inventory.Units) []inventory.Figure {
	figures := make([]inventory.Figure, len(levels))
	// Levels of one item follow each other, so most look-ups repeat the last.
	var last inventory.SKU
	var e entry
	var known bool
	var rule Rule
	for i := range levels {
		level := &levels[i]
		feed := rules.Feeds[level.Location]
		if reason := leftAlone(level, feed); reason != "" {
			figures[i].Left = reason
			continue
		}
		if level.SKU != last {
			last = level.SKU
			e, known = c.entries[last]
			rule = ruleOf(rules.SKU, last)
		}
		if reason := unsellable(e, known, rule); reason != "" {
			figures[i].Left = reason
			continue
		}
		var others inventory.Units
		if elsewhere != nil {
			others = elsewhere(*level)
		}
		figures[i] = c.figure(e, feed.Sources, others, rules.Excluded, rule)
	}
	return figures
}

// leftAlone says why nothing is written to the level, from what Shopify and
// the mapping say of it; "" when something may be.
func leftAlone(level *inventory.Level, feed Feed) inventory.Reason {
	switch {
	case level.GiftCard:
		return inventory.ReasonGiftCard
	case level.Bundle:
		return inventory.ReasonBundle
	case level.Untracked:
		return inventory.ReasonUntracked
	case level.SKU == "":
		return inventory.ReasonNoSKU
	case feed.Left != "":
		return feed.Left
	case len(feed.Sources) == 0:
		// A location that appeared after the list of locations was read.
		return inventory.ReasonUnmapped
	case !level.Active:
		return inventory.ReasonInactiveLevel
	}
	return ""
}

// unsellable says why there is no figure for the SKU. None of these is zero:
// a SKU that is not listed may be archived, or the listing may have changed.
func unsellable(e entry, known bool, rule Rule) inventory.Reason {
	switch {
	case rule.Skip:
		return inventory.ReasonRule
	case !known:
		return inventory.ReasonNotInKatana
	case !e.variant.Live():
		return inventory.ReasonArchived
	case e.variant.Service:
		return inventory.ReasonService
	}
	return ""
}

// figure is the rule: the exact sum over the locations of in stock, plus
// potential for a kit, less what is committed to orders that count, less what
// is in flight elsewhere; then what the SKU's own rule makes of it. A negative
// potential or committed figure is none, so that nothing above in stock and
// potential is ever shown.
func (c *Catalogue) figure(e entry, sources []inventory.SourceLocationID, others inventory.Units, excluded Excluded, rule Rule) inventory.Figure {
	exact := sum{fits: true}
	for _, location := range sources {
		row, ok := c.row(e, location)
		if !ok {
			if _, twice := c.absent[inventory.StockKey{Variant: e.variant.ID, Location: location}]; !twice {
				return inventory.Figure{Left: inventory.ReasonNoRow}
			}
			continue // no row in two complete reads: no stock here
		}
		exact.add(row.InStock)
		if e.variant.Kit {
			exact.add(max(row.Potential, 0))
		}
		exact.sub(excluded.counted(row))
	}
	inFlight, ok := inventory.Whole(others)
	exact.sub(inFlight)
	if figure, fits := rule.show(exact); ok && fits {
		return figure
	}
	return inventory.Figure{Left: inventory.ReasonFigureTooLarge}
}

// sum adds exact quantities and remembers whether all of it fitted.
type sum struct {
	total inventory.Quantity
	fits  bool
}

func (s *sum) add(q inventory.Quantity) {
	var ok bool
	if s.total, ok = s.total.Add(q); !ok {
		s.fits = false
	}
}

func (s *sum) sub(q inventory.Quantity) {
	var ok bool
	if s.total, ok = s.total.Sub(q); !ok {
		s.fits = false
	}
}
