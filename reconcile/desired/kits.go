package desired

import (
	"cmp"
	"slices"

	"stocksyncd/reconcile/inventory"
)

// Kits answers what kits are made of, and what goes into them. It decides no
// figure: what can be built of a kit is Katana's own figure, whose rounding and
// nesting are not published. A nil Kits knows of none.
type Kits struct {
	takes map[inventory.SourceVariantID][]inventory.Ingredient
	goes  map[inventory.SourceVariantID][]inventory.SourceVariantID
}

// NewKits indexes bills of materials.
func NewKits(ingredients []inventory.Ingredient) *Kits {
	k := &Kits{
		takes: map[inventory.SourceVariantID][]inventory.Ingredient{},
		goes:  map[inventory.SourceVariantID][]inventory.SourceVariantID{},
	}
	for _, in := range ingredients {
		k.takes[in.Product] = append(k.takes[in.Product], in)
		k.goes[in.Variant] = append(k.goes[in.Variant], in.Product)
	}
	for _, list := range k.takes {
		slices.SortStableFunc(list, func(a, b inventory.Ingredient) int { return cmp.Compare(a.Variant, b.Variant) })
	}
	return k
}

// Takes lists what one piece of a kit takes, sorted by variant.
func (k *Kits) Takes(kit inventory.SourceVariantID) []inventory.Ingredient {
	if k == nil {
		return nil
	}
	return k.takes[kit]
}

// Containing lists the kits whose potential moves when the stock of one of the
// variants does: those that contain it, and those that contain these, sorted.
func (k *Kits) Containing(variants ...inventory.SourceVariantID) []inventory.SourceVariantID {
	if k == nil {
		return nil
	}
	return reach(variants, func(id inventory.SourceVariantID) []inventory.SourceVariantID { return k.goes[id] })
}

// Within lists all that the kits are made of, by way of other kits too, sorted.
func (k *Kits) Within(kits ...inventory.SourceVariantID) []inventory.SourceVariantID {
	return reach(kits, func(id inventory.SourceVariantID) (next []inventory.SourceVariantID) {
		for _, in := range k.Takes(id) {
			next = append(next, in.Variant)
		}
		return next
	})
}

// reach lists what steps lead to from the given variants; a kit that contains
// itself ends no walk.
func reach(from []inventory.SourceVariantID, step func(inventory.SourceVariantID) []inventory.SourceVariantID) (found []inventory.SourceVariantID) {
	seen := map[inventory.SourceVariantID]bool{}
	for queue := slices.Clone(from); len(queue) > 0; queue = queue[1:] {
		for _, next := range step(queue[0]) {
			if !seen[next] {
				seen[next] = true
				found, queue = append(found, next), append(queue, next)
			}
		}
	}
	slices.Sort(found)
	return found
}

// components says how far each ingredient of a kit reaches at a location.
func (c *Catalogue) components(kit inventory.SourceVariantID, at inventory.SourceLocationID, kits *Kits) (list []inventory.Component) {
	least := -1
	for i, in := range kits.Takes(kit) {
		one := inventory.Component{Variant: in.Variant, PerKit: in.Quantity}
		if e, ok := c.byID[in.Variant]; ok {
			one.SKU = e.variant.SKU
			one.Available, one.Known = c.reaches(e, at)
		}
		if one.Known && one.PerKit > 0 {
			one.Builds = inventory.Units(max(one.Available, 0) / one.PerKit)
			if least < 0 || one.Builds < list[least].Builds {
				least = i
			}
		}
		list = append(list, one)
	}
	for i := range list {
		list[i].Limits = least >= 0 && list[i].Known && list[i].PerKit > 0 && list[i].Builds == list[least].Builds
	}
	return list
}

// reaches is what kits can take of a variant at a location.
func (c *Catalogue) reaches(e *entry, at inventory.SourceLocationID) (inventory.Quantity, bool) {
	row, ok := c.row(e, at)
	if !ok || row.TooLarge {
		return 0, false
	}
	var free sum
	free.add(row.InStock)
	free.add(-max(row.Committed, 0))
	if e.variant.Kit {
		free.add(max(row.Potential, 0))
	}
	return free.total()
}
