package desired

import "stocksyncd/reconcile/inventory"

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
}

// ruleOf gives the rule that counts for a SKU: the first that matches, or one
// that changes nothing.
func ruleOf(rules []Rule, sku inventory.SKU) Rule {
	for _, rule := range rules {
		if Match(rule.Pattern, string(sku)) {
			return rule
		}
	}
	return Rule{}
}

// show is what a store shows of an exact figure under the rule: less the
// buffer, floored, nothing below what is worth selling, no more than the cap,
// and never less than zero. The order is fixed; another one would give another
// figure.
func (r Rule) show(exact sum) (inventory.Figure, bool) {
	buffer, ok := inventory.Whole(r.Buffer)
	negative := exact.total.Floor() < 0
	exact.sub(buffer)
	if !exact.fits || !ok {
		return inventory.Figure{}, false
	}
	units := exact.total.Floor()
	if units < r.MinToSell {
		units = 0
	}
	if r.Capped {
		units = min(units, r.Max)
	}
	return inventory.Figure{Units: max(units, 0), Negative: negative}, true
}
