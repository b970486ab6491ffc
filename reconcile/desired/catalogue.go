package desired

import (
	"cmp"
	"slices"
	"sort"

	"stocksyncd/reconcile/inventory"
)

// Catalogue answers what Katana says of a SKU. It is made from one complete
// snapshot and is safe for concurrent reads.
type Catalogue struct {
	variants []inventory.SourceVariant
	stock    []inventory.Stock // sorted by variant, then location
	entries  map[inventory.SKU]entry
	absent   map[inventory.StockKey]struct{} // had no row in the complete read before, either
}

// entry is the one variant that stands for a SKU, and its rows in stock.
type entry struct {
	variant  inventory.SourceVariant
	from, to int
}

// NewCatalogue indexes a snapshot. before lists the live variants that the
// last complete read had no row for: a variant without a row in both reads has
// no stock, one that is missing for the first time may be a row that went
// astray.
func NewCatalogue(snap *inventory.Snapshot, before []inventory.StockKey) *Catalogue {
	c := &Catalogue{
		variants: snap.Variants,
		stock:    sortedStock(snap.Stock),
		entries:  make(map[inventory.SKU]entry, len(snap.Variants)),
		absent:   make(map[inventory.StockKey]struct{}, len(before)),
	}
	for _, key := range before {
		c.absent[key] = struct{}{}
	}
	for _, v := range snap.Variants {
		if best, ok := c.entries[v.SKU]; !ok || preferred(v, best.variant) {
			c.entries[v.SKU] = entry{variant: v}
		}
	}
	for sku, e := range c.entries {
		e.from, e.to = c.rows(e.variant.ID)
		c.entries[sku] = e
	}
	return c
}

func sortedStock(stock []inventory.Stock) []inventory.Stock {
	byKey := func(a, b inventory.Stock) int { return compareStock(keyOf(a), keyOf(b)) }
	if slices.IsSortedFunc(stock, byKey) {
		return stock
	}
	stock = slices.Clone(stock)
	slices.SortFunc(stock, byKey)
	return stock
}

func keyOf(row inventory.Stock) inventory.StockKey {
	return inventory.StockKey{Variant: row.Variant, Location: row.Location}
}

// compareStock orders rows of stock by variant, then location.
func compareStock(a, b inventory.StockKey) int {
	return cmp.Or(cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Location, b.Location))
}

// preferred tells whether a stands for its SKU rather than b.
func preferred(a, b inventory.SourceVariant) bool { return comparePreferred(a, b) < 0 }

// comparePreferred orders the variants of one SKU, the one that stands for it
// first: live before archived before deleted, then the newest, then the highest
// id.
func comparePreferred(a, b inventory.SourceVariant) int {
	return cmp.Or(cmp.Compare(rank(a), rank(b)), b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
}

func rank(v inventory.SourceVariant) int {
	switch {
	case v.Deleted:
		return 2
	case v.Archived:
		return 1
	default:
		return 0
	}
}

func (c *Catalogue) rows(id inventory.SourceVariantID) (from, to int) {
	from = sort.Search(len(c.stock), func(i int) bool { return c.stock[i].Variant >= id })
	for to = from; to < len(c.stock) && c.stock[to].Variant == id; to++ {
	}
	return from, to
}

// SKUs gives the SKU of every variant that stands for one, by variant.
func (c *Catalogue) SKUs() map[inventory.SourceVariantID]inventory.SKU {
	skus := make(map[inventory.SourceVariantID]inventory.SKU, len(c.entries))
	for sku, e := range c.entries {
		skus[e.variant.ID] = sku
	}
	return skus
}

// Missing lists the live variants that stand for a SKU and have no row at one
// of the locations, sorted. It is what the next cycle gives to [NewCatalogue].
func (c *Catalogue) Missing(at []inventory.SourceLocationID) []inventory.StockKey {
	var missing []inventory.StockKey
	for _, e := range c.entries {
		if !e.variant.Live() || e.variant.Service {
			continue
		}
		for _, location := range at {
			if _, ok := c.row(e, location); !ok {
				missing = append(missing, inventory.StockKey{Variant: e.variant.ID, Location: location})
			}
		}
	}
	slices.SortFunc(missing, compareStock)
	return missing
}

func (c *Catalogue) row(e entry, location inventory.SourceLocationID) (inventory.Stock, bool) {
	for _, row := range c.stock[e.from:e.to] {
		if row.Location == location {
			return row, true
		}
	}
	return inventory.Stock{}, false
}
