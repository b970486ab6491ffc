package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"stocksyncd/configs"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// figuresTimeout bounds the reads that a look at the whole stock takes: those of
// a full cycle, at Katana's pace.
const figuresTimeout = 10 * time.Minute

// checkStock holds what the store sells against what Katana has: the SKUs of
// both sides, and what is offered several times.
func (c *checker) checkStock(ctx context.Context, prefix string, s configs.Store, feeds desired.Feeds) []finding {
	ctx, cancel := context.WithTimeout(ctx, figuresTimeout)
	defer cancel()
	items, err := c.rig.shops[inventory.StoreName(s.Name)].Observe(ctx)
	if err != nil {
		return []finding{fail(prefix+"SKUs", err, "")}
	}
	var levels []inventory.Level
	for some := range items {
		levels = append(levels, some...)
	}
	variants, err := c.catalogue()
	if err != nil {
		return []finding{fail(prefix+"SKUs", err, "")}
	}
	c.draws(feeds.Sources())
	findings := []finding{checkSKUs(prefix+"SKUs", levels, variants)}
	shared, twice := feeds.Shared(), 0
	for _, one := range desired.DuplicateSKUs(levels, variants) {
		if len(one.Variants) > 1 {
			twice++
		}
	}
	if len(shared) == 0 && twice == 0 {
		return findings
	}
	total, err := c.duplicates(ctx, s, feeds, levels, variants)
	if err != nil {
		return append(findings, fail(prefix+"duplicate stock", err, ""))
	}
	if len(shared) == 0 && total == nil {
		return findings
	}
	return append(findings, checkDuplicates(prefix+"duplicate stock", s, shared, twice, total))
}

// duplicates works out what is offered several times, by the store's rules.
func (c *checker) duplicates(ctx context.Context, s configs.Store, feeds desired.Feeds, levels []inventory.Level, variants []inventory.SourceVariant) (*inventory.DuplicateStock, error) {
	orders := ordersOf(s, c.rig.config)
	reads := desired.Reads{Settled: c.a.Now(), Names: c.locationNames}
	if !orders.All() {
		var err error
		if reads.Before, err = c.rig.katana.OpenOrders(ctx, func(o inventory.SourceOrder) bool { return orders.Excludes(o, c.locationNames(o.Location)) }); err != nil {
			return nil, err
		}
		reads.After = reads.Before
	}
	stock, err := c.rig.katana.Inventory(ctx, feeds.Sources(), inventory.Stocked(variants))
	if err != nil {
		return nil, err
	}
	catalogue := desired.NewCatalogue(&inventory.Snapshot{Variants: variants, Stock: stock}, nil)
	rules := desired.Rules{Feeds: feeds, SKU: rulesOf(s), Excluded: desired.Exclude(orders, reads)}
	return catalogue.Duplicates(levels, rules, catalogue.Figures(levels, rules, nil)), nil
}

// locationNames gives the name of a Katana location.
func (c *checker) locationNames(id inventory.SourceLocationID) (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.locations {
		if l.ID == id {
			names = append(names, l.Name)
		}
	}
	return names
}

// checkSKUs says how the SKUs of a store and of Katana match. What does not is
// left alone, which is no mistake of the config; a near miss is likely one of
// somebody's typing.
func checkSKUs(name string, levels []inventory.Level, variants []inventory.SourceVariant) finding {
	ours := map[inventory.SKU]bool{}
	for _, v := range variants {
		ours[v.SKU] = true
	}
	theirs, matched := map[inventory.SKU]bool{}, 0
	for _, level := range levels {
		if level.SKU != "" && !theirs[level.SKU] {
			theirs[level.SKU] = true
			if ours[level.SKU] {
				matched++
			}
		}
	}
	f := pass(name, fmt.Sprintf("%d in Shopify, %d of them in Katana", len(theirs), matched))
	if twice := desired.DuplicateSKUs(levels, variants); len(twice) > 0 {
		f.Detail += fmt.Sprintf("; %s more than once, such as %s", count(len(twice), "stands", "stand"), quoteCell(string(twice[0].SKU)))
	}
	if near := desired.NearMisses(levels, variants); len(near) > 0 {
		f.Detail += fmt.Sprintf("; %s almost: %s here, %s in Katana (%s)", count(len(near), "pair matches", "pairs match"),
			quoteCell(string(near[0].Shopify)), quoteCell(string(near[0].Katana)), strings.Join(near[0].Differ, ", "))
		f.Next = "make them equal on one side; all of them: stocksyncd export --near-misses"
	}
	return f
}

// shownDuplicates is how many SKUs a line of check names.
const shownDuplicates = 3

// checkDuplicates says by how much a store's total is inflated because the same
// Katana stock is offered several times. Several locations that draw on one
// are the merchant's choice, unless the config refuses it; the figures show
// what it means.
func checkDuplicates(name string, s configs.Store, shared []string, twice int, total *inventory.DuplicateStock) finding {
	f := pass(name, "")
	if twice > 0 {
		f.Detail = count(twice, "SKU stands on several variants", "SKUs stand on several variants") + ", each with the whole stock"
	}
	if len(shared) > 0 {
		names := make([]string, len(shared))
		for i, location := range shared {
			names[i] = quoteCell(location)
		}
		f.Detail = strings.TrimSuffix(fmt.Sprintf("one Katana location feeds each of %s with its whole stock, and %s", strings.Join(names, ", "), f.Detail), ", and ")
		f.Next = "map the locations one to one, unless this is meant"
		if s.DuplicateStock == "refuse" {
			f.OK, f.Next = false, "map the locations one to one, or set duplicate_stock: warn"
		}
	}
	if total == nil {
		f.Detail += "; no SKU is offered twice at present"
		return f
	}
	var worst []string
	for _, item := range total.Items[:min(len(total.Items), shownDuplicates)] {
		worst = append(worst, fmt.Sprintf("%s (%d, will offer %d)", quoteCell(string(item.SKU)), item.Has, item.Offered))
	}
	if more := len(total.Items) - len(worst); more > 0 {
		worst = append(worst, fmt.Sprintf("%d more", more))
	}
	f.Detail += fmt.Sprintf(": of %s Katana has %s, this store will offer %d: %s",
		count(total.SKUs, "SKU", "SKUs"), count(int(total.Has), "unit", "units"), total.Offered, strings.Join(worst, ", "))
	return f
}
