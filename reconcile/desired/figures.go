package desired

import (
	"math"

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
	front := c.under(rules)
	for i := range levels {
		figures[i] = front.figure(&levels[i], elsewhere)
	}
	return figures
}

// Total is what Katana has of a SKU at some locations, all together: less what
// is committed to orders that count, before the rules of a store.
func (c *Catalogue) Total(sku inventory.SKU, at []inventory.SourceLocationID, excluded Excluded) inventory.Figure {
	e := c.entries[sku]
	if reason := unsellable(e, Rule{}); reason != "" {
		return inventory.Figure{Left: reason}
	}
	return c.figure(e, at, 0, excluded, Rule{}, nil)
}

// shopfront is the catalogue under the rules of one store. Levels of one item
// follow each other, so most look-ups repeat the last.
type shopfront struct {
	c     *Catalogue
	rules Rules
	ruled ruled

	sku   inventory.SKU // the last
	entry *entry        // nil: Katana lists no such SKU
	rule  Rule
}

func (c *Catalogue) under(rules Rules) *shopfront {
	return &shopfront{c: c, rules: rules, ruled: ready(rules.SKU)}
}

func (s *shopfront) figure(level *inventory.Level, elsewhere func(inventory.Level) inventory.Units) inventory.Figure {
	feed := s.rules.Feeds[level.Location]
	if reason := leftAlone(level, feed, s.rules.Activate); reason != "" {
		return inventory.Figure{Left: reason}
	}
	// A level without a SKU is left alone, so "" is none that was looked up.
	if level.SKU != s.sku {
		s.sku = level.SKU
		s.entry = s.c.entries[s.sku]
		s.rule = s.ruled.of(s.sku)
	}
	if reason := unsellable(s.entry, s.rule); reason != "" {
		return inventory.Figure{Left: reason}
	}
	var others inventory.Units
	if elsewhere != nil {
		others = elsewhere(*level)
	}
	return s.c.figure(s.entry, feed.Sources, others, s.rules.Excluded, s.rule, nil)
}

// leftAlone says why nothing is written to the level, from what Shopify and
// the mapping say of it; "" when something may be. An item is stocked anew only
// where the config names the location and asks for it.
func leftAlone(level *inventory.Level, feed Feed, activate bool) inventory.Reason {
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
	case level.Active || activate && feed.Named:
		return ""
	case level.Unstocked:
		return inventory.ReasonNotStocked
	}
	return inventory.ReasonInactiveLevel
}

// unsellable says why there is no figure for the SKU. None of these is zero:
// a SKU that is not listed may be archived, or the listing may have changed.
func unsellable(e *entry, rule Rule) inventory.Reason {
	switch {
	case rule.Skip:
		return inventory.ReasonRule
	case e == nil:
		return inventory.ReasonNotInKatana
	case !e.variant.Live():
		return inventory.ReasonArchived
	case e.variant.Service:
		return inventory.ReasonService
	}
	return ""
}

// figure is the rule: the exact sum over the locations of in stock less
// committed, plus what is committed to orders that do not count, plus potential
// for a kit, less what is in flight elsewhere; then what the SKU's own rule
// makes of it. Into terms, unless it is nil, goes the sum step by step.
//
// A committed figure below zero offers nothing, and a potential below zero takes
// nothing from what is made already: both count as zero, so that no figure is
// above what is in stock or can be built.
func (c *Catalogue) figure(e *entry, sources []inventory.SourceLocationID, others inventory.Units, excluded Excluded, rule Rule, terms *inventory.Terms) inventory.Figure {
	var stock, back, potential sum
	tooLarge := false
	for _, location := range sources {
		row, ok := c.row(e, location)
		if !ok {
			if _, twice := c.absent[inventory.StockKey{Variant: e.variant.ID, Location: location}]; !twice {
				return inventory.Figure{Left: inventory.ReasonNoRow}
			}
			continue // no row in two complete reads: no stock here
		}
		tooLarge = tooLarge || row.TooLarge
		committed := max(row.Committed, 0)
		stock.add(row.InStock)
		stock.add(-committed)
		back.add(excluded.addedBack(row, committed))
		if e.variant.Kit {
			potential.add(max(row.Potential, 0))
		}
	}
	if tooLarge {
		return inventory.Figure{Left: inventory.ReasonFigureTooLarge}
	}
	flown, ok := inventory.Whole(others)
	ledger := steps{into: terms, fits: ok}
	ledger.sum(inventory.StepSum, stock)
	ledger.sum(inventory.StepAddBack, back)
	ledger.sum(inventory.StepPotential, potential)
	ledger.add(inventory.StepInFlight, -flown)
	return rule.show(&ledger)
}

// sum adds up exact quantities, in whatever order: pieces and their fractions
// apart, so that nothing overflows on the way.
type sum struct{ whole, part inventory.Quantity }

func (s *sum) add(q inventory.Quantity) {
	s.whole += q / inventory.Scale
	s.part += q % inventory.Scale
}

// total is the sum; ok is false when no quantity holds it.
func (s *sum) total() (total inventory.Quantity, ok bool) {
	whole := s.whole + s.part/inventory.Scale
	if whole > math.MaxInt64/inventory.Scale || whole < math.MinInt64/inventory.Scale {
		return 0, false
	}
	return (whole * inventory.Scale).Add(s.part % inventory.Scale)
}

// steps is the running result of the rules, and where its steps are kept.
type steps struct {
	total inventory.Quantity
	fits  bool             // each step and each result is held exactly
	into  *inventory.Terms // nil: nobody asks
}

func (s *steps) add(name inventory.StepName, amount inventory.Quantity) {
	var ok bool
	if s.total, ok = s.total.Add(amount); !ok {
		s.fits = false
	}
	if s.into != nil {
		s.into.Steps = append(s.into.Steps, inventory.Step{Name: name, Amount: amount, Result: s.total})
	}
}

func (s *steps) sum(name inventory.StepName, amount sum) {
	total, ok := amount.total()
	s.fits = s.fits && ok
	s.add(name, total)
}

// reach makes the running result another one, no further from zero than by the
// fraction that rounding down takes.
func (s *steps) reach(name inventory.StepName, units inventory.Units) {
	if units < math.MinInt64/inventory.Scale {
		s.fits = false
		return
	}
	s.add(name, inventory.Quantity(units)*inventory.Scale-s.total)
}
