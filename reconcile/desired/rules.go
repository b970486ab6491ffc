package desired

import (
	"slices"

	"stocksyncd/reconcile/inventory"
)

// Rule changes the figure of the SKUs that it names. Of a store's rules the
// first that matches counts, and no other.
type Rule struct {
	Pattern   string          // a glob on the SKU, see [Match]
	Buffer    inventory.Units // never offered
	Capped    bool
	Max       inventory.Units // with Capped: the most to offer
	MinToSell inventory.Units // below it 0 is shown
	Skip      bool            // the SKU is left alone
}

// Rules is what one store makes of Katana's figures.
type Rules struct {
	Feeds    Feeds
	SKU      []Rule
	Excluded Excluded
	// Activate has items stocked at the locations that the mapping names, where
	// they are not and Katana has some.
	Activate bool
}

// ruled is rules made ready to be asked about many SKUs.
type ruled struct {
	rules []Rule
	globs []glob // their patterns
}

func ready(rules []Rule) ruled {
	globs := make([]glob, len(rules))
	for i, rule := range rules {
		globs[i] = globOf(rule.Pattern)
	}
	return ruled{rules, globs}
}

// of gives the rule that counts for a SKU, the first that matches, or one that
// changes nothing.
func (r ruled) of(sku inventory.SKU) Rule {
	subject := subjectOf(string(sku))
	for i := range r.globs {
		if r.globs[i].match(subject) {
			return r.rules[i]
		}
	}
	return Rule{}
}

// RuleOf is the place of the rule that counts for a SKU, or −1.
func RuleOf(rules []Rule, sku inventory.SKU) int {
	subject := subjectOf(string(sku))
	return slices.IndexFunc(rules, func(rule Rule) bool {
		g := globOf(rule.Pattern)
		return g.match(subject)
	})
}

// show is what a store shows of an exact figure under the rule: less the
// buffer, floored, nothing below what is worth selling, no more than the cap,
// and never less than zero. The order is fixed; another one would give another
// figure.
func (r Rule) show(exact *steps) inventory.Figure {
	buffer, ok := inventory.Whole(r.Buffer)
	negative := exact.total.Floor() < 0
	exact.fits = exact.fits && ok
	exact.add(inventory.StepBuffer, -buffer)
	units := exact.total.Floor()
	exact.reach(inventory.StepFloor, units)
	if units > 0 && units < r.MinToSell {
		units = 0
	}
	exact.reach(inventory.StepMinToSell, units)
	if r.Capped {
		units = min(units, r.Max)
	}
	exact.reach(inventory.StepMax, units)
	units = max(units, 0)
	exact.reach(inventory.StepZero, units)
	if !exact.fits {
		return inventory.Figure{Left: inventory.ReasonFigureTooLarge}
	}
	return inventory.Figure{Units: units, Negative: negative}
}
