package desired

import (
	"slices"

	"stocksyncd/reconcile/inventory"
)

// Explain gives the figure of one level as [Catalogue.Figures] gives it, and
// writes into e every term that it is made of: the variants, the sum step by
// step, the orders that do not count, the rule, and what limits a kit. The units
// of e.Terms.Others are those in flight elsewhere; rows are those of
// [ExcludedRows], name names a Katana location.
func (c *Catalogue) Explain(e *inventory.Explanation, level inventory.Level, rules Rules, others []inventory.FlightTerm, rows map[inventory.StockKey][]inventory.ExcludedRow, kits *Kits, name func(inventory.SourceLocationID) string) {
	e.Katana = c.Matched(level.SKU)
	entry := c.entries[level.SKU]
	if entry != nil {
		e.PartOf = c.names(kits.Containing(entry.variant.ID))
	}
	feed := rules.Feeds[level.Location]
	if e.Left = leftAlone(&level, feed, rules.Activate); e.Left != "" {
		return
	}
	e.Terms = &inventory.Terms{Others: others}
	var rule Rule
	if index := RuleOf(rules.SKU, level.SKU); index >= 0 {
		rule = rules.SKU[index]
		e.Terms.Rule = termOf(rule, index)
	}
	if e.Left = unsellable(entry, rule); e.Left != "" {
		return
	}
	e.Terms.Sources = c.sourceTerms(entry, feed, rules.Excluded, rows, kits, name)
	var flown inventory.Units
	for _, other := range others {
		flown += other.Units
	}
	figure := c.figure(entry, feed.Sources, flown, rules.Excluded, rule, e.Terms)
	e.Desired, e.Left, e.Negative = figure.Units, figure.Left, figure.Negative
}

// Matched lists the Katana variants with a SKU, the one that counts first.
func (c *Catalogue) Matched(sku inventory.SKU) (list []inventory.MatchedVariant) {
	var same []inventory.SourceVariant
	for _, e := range c.all {
		if v := e.variant; v.SKU == sku && sku != "" {
			same = append(same, v)
		}
	}
	slices.SortFunc(same, comparePreferred)
	for _, v := range same {
		list = append(list, inventory.MatchedVariant{
			ID: v.ID, Created: v.Created, Kit: v.Kit, Service: v.Service, Archived: v.Archived, Deleted: v.Deleted,
		})
	}
	return list
}

// names gives the SKUs of variants, sorted; those without one are left out.
func (c *Catalogue) names(ids []inventory.SourceVariantID) (skus []inventory.SKU) {
	for _, id := range ids {
		if e, known := c.byID[id]; known && e.variant.Live() {
			skus = append(skus, e.variant.SKU)
		}
	}
	slices.Sort(skus)
	return slices.Compact(skus)
}

func termOf(rule Rule, index int) *inventory.RuleTerm {
	term := &inventory.RuleTerm{Index: index, Pattern: rule.Pattern, Buffer: rule.Buffer, MinToSell: rule.MinToSell, Skip: rule.Skip}
	if rule.Capped {
		term.Max = &rule.Max
	}
	return term
}

// sourceTerms says what each Katana location contributes.
func (c *Catalogue) sourceTerms(e *entry, feed Feed, excluded Excluded, rows map[inventory.StockKey][]inventory.ExcludedRow, kits *Kits, name func(inventory.SourceLocationID) string) (terms []inventory.SourceTerm) {
	all := slices.Concat(feed.Sources, feed.Closed)
	slices.Sort(all)
	for _, location := range all {
		term := inventory.SourceTerm{Location: location, Name: name(location), NoSales: slices.Contains(feed.Closed, location)}
		row, ok := c.row(e, location)
		switch {
		case term.NoSales:
		case !ok:
			term.NoRow = true
		case row.TooLarge:
			term.TooLarge = true
		default:
			committed := max(row.Committed, 0)
			term.InStock, term.Committed = row.InStock, committed
			term.AddedBack = excluded.addedBack(row, committed)
			term.Excluded = rows[keyOf(row)]
			if e.variant.Kit {
				term.Kit = &inventory.KitTerm{Potential: max(row.Potential, 0), Components: c.components(e.variant.ID, location, kits)}
			}
		}
		terms = append(terms, term)
	}
	return terms
}
