package desired

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	"stocksyncd/reconcile/inventory"
)

// Catalogue answers what Katana says of a SKU. It is made from one snapshot and
// takes later reads in; between those it is safe for concurrent use.
type Catalogue struct {
	all     []*entry // as listed, and those that came later
	byID    map[inventory.SourceVariantID]*entry
	entries map[inventory.SKU]*entry        // the variant that stands for a SKU
	others  map[inventory.SKU][]*entry      // those that carry a SKU and do not stand for it
	absent  map[inventory.StockKey]struct{} // had no row in the complete read before, either
}

// entry is a variant and its rows in stock, sorted by location.
type entry struct {
	variant inventory.SourceVariant
	stock   []inventory.Stock
}

// NewCatalogue indexes a snapshot. before lists the live variants that the
// last complete read had no row for: a variant without a row in both reads has
// no stock, one that is missing for the first time may be a row that went
// astray.
func NewCatalogue(snap *inventory.Snapshot, before []inventory.StockKey) *Catalogue {
	c := &Catalogue{}
	c.index(snap.Variants)
	for rows := range byVariant(sortedStock(snap.Stock)) {
		c.replace(rows[0].Variant, rows)
	}
	c.Absent(before)
	return c
}

// List takes a new listing of the variants in. What is listed still keeps its
// rows, and what has not changed its place: a second catalogue of a million
// levels is not to be had. It gives the SKUs that another variant stands for now,
// or none, or one that is another thing, sorted; the variants that are new or not
// what they were; and what those were, and those that are gone.
func (c *Catalogue) List(variants []inventory.SourceVariant) (moved []inventory.SKU, changed []inventory.SourceVariantID, were []inventory.SourceVariant) {
	if len(c.all) == 0 {
		c.index(variants)
		for _, e := range c.all {
			changed = append(changed, e.variant.ID)
		}
		return slices.Sorted(maps.Keys(c.entries)), changed, nil
	}
	listed := make(map[inventory.SourceVariantID]bool, len(variants))
	var news []inventory.SourceVariant
	for _, v := range variants {
		if listed[v.ID] {
			continue
		}
		listed[v.ID] = true
		known, ok := c.byID[v.ID]
		if ok && same(known.variant, v) {
			continue
		}
		if ok {
			were = append(were, known.variant)
		}
		news, changed = append(news, v), append(changed, v.ID)
	}
	var gone []inventory.SourceVariantID
	for v := range c.All() {
		if !listed[v.ID] {
			were, gone = append(were, v), append(gone, v.ID)
		}
	}
	moved = c.Amend(news, gone)
	c.all = c.all[:0]
	for _, v := range variants { // in their new order
		if listed[v.ID] {
			listed[v.ID] = false
			c.all = append(c.all, c.byID[v.ID])
		}
	}
	return moved, changed, were
}

// index lists variants, without their rows.
func (c *Catalogue) index(variants []inventory.SourceVariant) {
	block := make([]entry, len(variants))
	c.all = make([]*entry, 0, len(variants))
	c.byID = make(map[inventory.SourceVariantID]*entry, len(variants))
	c.entries = make(map[inventory.SKU]*entry, len(variants))
	c.others = map[inventory.SKU][]*entry{}
	for i, v := range variants {
		if _, twice := c.byID[v.ID]; !twice {
			block[i].variant = v
			c.add(&block[i])
		}
	}
}

// byVariant gives the rows of each variant, of sorted ones.
func byVariant(rows []inventory.Stock) func(func([]inventory.Stock) bool) {
	return func(yield func([]inventory.Stock) bool) {
		for from, to := 0, 0; from < len(rows); from = to {
			for to = from; to < len(rows) && rows[to].Variant == rows[from].Variant; to++ {
			}
			if !yield(rows[from:to:to]) {
				return
			}
		}
	}
}

// same tells whether two variants are the same in all that is known of them.
func same(a, b inventory.SourceVariant) bool {
	equal := a.Created.Equal(b.Created)
	a.Created, b.Created = time.Time{}, time.Time{}
	return equal && a == b
}

// add lists a variant.
func (c *Catalogue) add(e *entry) {
	c.all = append(c.all, e)
	c.byID[e.variant.ID] = e
	c.prefer(e)
}

// prefer has a variant stand for its SKU, if no other goes before it.
func (c *Catalogue) prefer(e *entry) {
	sku := e.variant.SKU
	switch best, ok := c.entries[sku]; {
	case !ok:
		c.entries[sku] = e
	case preferred(e.variant, best.variant):
		c.entries[sku], c.others[sku] = e, append(c.others[sku], best)
	default:
		c.others[sku] = append(c.others[sku], e)
	}
}

// leave takes a variant away from its SKU, which another may stand for then.
func (c *Catalogue) leave(e *entry) {
	sku := e.variant.SKU
	stood := c.entries[sku] == e
	if stood {
		delete(c.entries, sku)
	}
	rest := slices.DeleteFunc(c.others[sku], func(other *entry) bool { return other == e })
	delete(c.others, sku)
	if !stood && len(rest) > 0 {
		c.others[sku] = rest
		return
	}
	for _, other := range rest {
		c.prefer(other)
	}
}

// Amend takes in what some variants are by now, and that others are gone. It
// gives the SKUs that it moves, as [Catalogue.List] does.
func (c *Catalogue) Amend(variants []inventory.SourceVariant, gone []inventory.SourceVariantID) (moved []inventory.SKU) {
	touched := map[inventory.SKU]inventory.SourceVariant{} // and what stood for each
	touch := func(sku inventory.SKU) {
		if _, known := touched[sku]; !known {
			touched[sku] = inventory.SourceVariant{}
			if e, stands := c.entries[sku]; stands {
				touched[sku] = e.variant
			}
		}
	}
	dropped := map[*entry]bool{}
	for _, id := range gone {
		if e, known := c.byID[id]; known {
			touch(e.variant.SKU)
			c.leave(e)
			delete(c.byID, id)
			dropped[e] = true
		}
	}
	if len(dropped) > 0 {
		c.all = slices.DeleteFunc(c.all, func(e *entry) bool { return dropped[e] })
	}
	for _, v := range variants {
		e, known := c.byID[v.ID]
		if !known {
			touch(v.SKU)
			c.add(&entry{variant: v})
			continue
		}
		touch(e.variant.SKU)
		c.leave(e)
		touch(v.SKU)
		e.variant = v
		c.prefer(e)
	}
	for sku, was := range touched {
		is := inventory.SourceVariant{}
		if e, stands := c.entries[sku]; stands {
			is = e.variant
		}
		if !same(is, was) {
			moved = append(moved, sku)
		}
	}
	slices.Sort(moved)
	return moved
}

// Take takes the rows of a read in: those of the variants that were read are
// replaced, and gone where none came. It gives the SKUs that it moves, sorted.
func (c *Catalogue) Take(read []inventory.SourceVariantID, rows []inventory.Stock) (moved []inventory.SKU) {
	came := make(map[inventory.SourceVariantID]bool, len(read))
	for rows := range byVariant(sortedStock(rows)) {
		id := rows[0].Variant
		came[id] = true
		if c.replace(id, rows) {
			moved = c.standsFor(moved, id)
		}
	}
	for _, id := range read {
		if !came[id] && c.replace(id, nil) {
			moved = c.standsFor(moved, id)
		}
	}
	slices.Sort(moved)
	return slices.Compact(moved)
}

// replace gives a variant other rows, and tells whether they differ.
func (c *Catalogue) replace(id inventory.SourceVariantID, rows []inventory.Stock) bool {
	e, known := c.byID[id]
	if !known || slices.Equal(e.stock, rows) {
		return false
	}
	e.stock = rows
	return true
}

// Absent tells which live variants the last complete read had no row for, and
// gives the SKUs that it moves.
func (c *Catalogue) Absent(before []inventory.StockKey) (moved []inventory.SKU) {
	is := make(map[inventory.StockKey]struct{}, len(before))
	for _, key := range before {
		is[key] = struct{}{}
		if _, was := c.absent[key]; !was {
			moved = c.standsFor(moved, key.Variant)
		}
	}
	for key := range c.absent {
		if _, still := is[key]; !still {
			moved = c.standsFor(moved, key.Variant)
		}
	}
	c.absent = is
	slices.Sort(moved)
	return slices.Compact(moved)
}

// standsFor adds the SKU that a variant stands for.
func (c *Catalogue) standsFor(skus []inventory.SKU, id inventory.SourceVariantID) []inventory.SKU {
	if sku, stands := c.SKU(id); stands {
		skus = append(skus, sku)
	}
	return skus
}

// Variants lists all variants, as they were listed.
func (c *Catalogue) Variants() []inventory.SourceVariant {
	return slices.AppendSeq(make([]inventory.SourceVariant, 0, len(c.all)), c.All())
}

// All goes through all variants, as they were listed.
func (c *Catalogue) All() iter.Seq[inventory.SourceVariant] {
	return func(yield func(inventory.SourceVariant) bool) {
		for _, e := range c.all {
			if !yield(e.variant) {
				return
			}
		}
	}
}

// Select lists the variants that pass a test, as they were listed.
func (c *Catalogue) Select(pass func(inventory.SourceVariant) bool) (some []inventory.SourceVariant) {
	for _, e := range c.all {
		if pass(e.variant) {
			some = append(some, e.variant)
		}
	}
	return some
}

// Several tells whether more than one variant carries a SKU.
func (c *Catalogue) Several(sku inventory.SKU) bool { return len(c.others[sku]) > 0 }

// Variant is one variant, and its rows, sorted by location.
func (c *Catalogue) Variant(id inventory.SourceVariantID) (v inventory.SourceVariant, rows []inventory.Stock, known bool) {
	e, known := c.byID[id]
	if !known {
		return v, nil, false
	}
	return e.variant, e.stock, true
}

// sortedStock sorts rows by variant, then location.
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

// Stands is the variant that stands for a SKU.
func (c *Catalogue) Stands(sku inventory.SKU) (inventory.SourceVariantID, bool) {
	e, ok := c.entries[sku]
	if !ok {
		return 0, false
	}
	return e.variant.ID, true
}

// SKU is the SKU that a variant stands for, if it stands for one.
func (c *Catalogue) SKU(id inventory.SourceVariantID) (inventory.SKU, bool) {
	e, known := c.byID[id]
	if !known || c.entries[e.variant.SKU] != e {
		return "", false
	}
	return e.variant.SKU, true
}

// Rows counts the rows at a location of the variants that are stocked.
func (c *Catalogue) Rows(at inventory.SourceLocationID) (rows int) {
	for _, e := range c.all {
		if _, ok := c.row(e, at); ok && e.variant.Live() && !e.variant.Service {
			rows++
		}
	}
	return rows
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

func (c *Catalogue) row(e *entry, location inventory.SourceLocationID) (inventory.Stock, bool) {
	for _, row := range e.stock {
		if row.Location == location {
			return row, true
		}
	}
	return inventory.Stock{}, false
}
