package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"stocksyncd/configs"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// figuresTimeout bounds the reads that the figures of duplicate stock take:
// those of a full cycle, at Katana's pace.
const figuresTimeout = 10 * time.Minute

// checkDuplicates says by how much a store's total is inflated because one
// Katana location feeds several of its locations. That is the merchant's
// choice, unless the config refuses it; the figures show what it means.
func (c *checker) checkDuplicates(ctx context.Context, name string, s configs.Store, feeds desired.Feeds, shared []string) finding {
	for i, location := range shared {
		shared[i] = quoteCell(location)
	}
	f := pass(name, fmt.Sprintf("one Katana location feeds each of %s with its whole stock", strings.Join(shared, ", ")))
	f.Next = "map the locations one to one, unless this is meant"
	if s.DuplicateStock == "refuse" {
		f.OK, f.Next = false, "map the locations one to one, or set duplicate_stock: warn"
	}
	total, err := c.inflation(ctx, s, feeds)
	switch {
	case err != nil:
		f.Detail += fmt.Sprintf("; by how much the total is inflated is not known: %v", err)
	case total.SKUs == 0:
		f.Detail += "; no item is offered twice at present"
	default:
		f.Detail += fmt.Sprintf(": of %s Katana has %s, this store will offer %d",
			count(total.SKUs, "item", "items"), count(int(total.Has), "unit", "units"), total.Offered)
	}
	return f
}

// inflation reads the figures of both sides.
func (c *checker) inflation(ctx context.Context, s configs.Store, feeds desired.Feeds) (desired.Inflation, error) {
	ctx, cancel := context.WithTimeout(ctx, figuresTimeout)
	defer cancel()
	levels, err := c.rig.shops[inventory.StoreName(s.Name)].Observe(ctx)
	if err != nil {
		return desired.Inflation{}, fmt.Errorf("levels: %w", err)
	}
	variants, err := c.rig.katana.Catalogue(ctx)
	if err != nil {
		return desired.Inflation{}, fmt.Errorf("catalogue: %w", err)
	}
	stock, err := c.rig.katana.Inventory(ctx, feeds.Sources(), inventory.Stocked(variants))
	if err != nil {
		return desired.Inflation{}, fmt.Errorf("stock: %w", err)
	}
	slices.SortFunc(levels, func(a, b inventory.Level) int { return a.Compare(b.Key) })
	catalogue := desired.NewCatalogue(&inventory.Snapshot{Variants: variants, Stock: stock}, nil)
	rules := desired.Rules{Feeds: feeds, SKU: rulesOf(s)}
	return catalogue.Inflated(levels, rules, catalogue.Figures(levels, rules, nil)), nil
}
