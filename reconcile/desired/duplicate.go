package desired

import (
	"cmp"
	"maps"
	"slices"

	"stocksyncd/reconcile/inventory"
)

// Duplicates adds up the SKUs of which a store offers the same Katana stock
// several times: because one Katana location feeds several of its locations, or
// because several of its variants carry the SKU. It is nil when there is none.
func (c *Catalogue) Duplicates(levels []inventory.Level, rules Rules, figures []inventory.Figure) *inventory.DuplicateStock {
	offers := map[inventory.SKU]*offer{}
	for i := range levels {
		if figures[i].Left != "" {
			continue
		}
		o := offers[levels[i].SKU]
		if o == nil {
			o = &offer{}
			offers[levels[i].SKU] = o
		}
		o.add(rules.Feeds[levels[i].Location].Sources, figures[i].Units)
	}
	var total inventory.DuplicateStock
	for _, sku := range slices.Sorted(maps.Keys(offers)) {
		o := offers[sku]
		if !o.shared {
			continue
		}
		has := max(c.figure(c.entries[sku], o.counted, 0, rules.Excluded, Rule{}, nil).Units, 0)
		if o.units <= has {
			continue
		}
		total.SKUs++
		total.Has += has
		total.Offered += o.units
		total.Items = append(total.Items, inventory.DuplicateItem{SKU: sku, Has: has, Offered: o.units})
	}
	if total.SKUs == 0 {
		return nil
	}
	slices.SortStableFunc(total.Items, func(a, b inventory.DuplicateItem) int { return cmp.Compare(b.Offered-b.Has, a.Offered-a.Has) })
	return &total
}

// offer is what a store offers of one SKU, each Katana location counted once.
type offer struct {
	units   inventory.Units
	counted []inventory.SourceLocationID
	shared  bool
}

func (o *offer) add(sources []inventory.SourceLocationID, units inventory.Units) {
	o.units += units
	for _, location := range sources {
		if slices.Contains(o.counted, location) {
			o.shared = true
			continue
		}
		o.counted = append(o.counted, location)
	}
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
