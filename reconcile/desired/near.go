package desired

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"unicode/utf8"

	"stocksyncd/reconcile/inventory"
)

const (
	// closest is how many Katana SKUs are reported for one Shopify SKU.
	closest = 5
	// compared is how many are looked at for it. Where thousands of SKUs on both
	// sides fold to one, comparing each with each would never end.
	compared = 16
)

// NearMisses pairs Shopify SKUs of a store that no Katana variant carries with
// Katana SKUs that no level of the store carries, where people take them for the
// same. They are reported and never matched: whether they are the same only a
// person can tell.
//
// Of Katana only what could be sold counts: live variants that are no services.
// Of Shopify every level counts, also one that is left alone for another reason.
// Of a Shopify SKU at most the 5 closest Katana SKUs are listed, those with the
// fewest differences; where dozens fold to the same, of the first 16 of them. SKUs
// of nothing but dashes and spaces are near to none.
func NearMisses(levels []inventory.Level, variants []inventory.SourceVariant) []inventory.NearMiss {
	shopify, katana := unmatched(levels, variants)
	index := make(map[string][]inventory.SKU, len(katana))
	for _, sku := range slices.Sorted(maps.Keys(katana)) {
		if key := loosely.apply(textOf(string(sku))); key != "" {
			index[key] = append(index[key], sku)
		}
	}
	var near []inventory.NearMiss
	for _, sku := range slices.Sorted(maps.Keys(shopify)) {
		written := textOf(string(sku))
		candidates := index[loosely.apply(written)]
		for _, one := range nearest(written, candidates[:min(len(candidates), compared)]) {
			near = append(near, inventory.NearMiss{
				Shopify: sku, Katana: one.sku, Differ: one.by.words(), Variants: sorted(shopify[sku]), Sources: sorted(katana[one.sku]),
			})
		}
	}
	return near
}

// neighbour is a Katana SKU, and what it differs in.
type neighbour struct {
	sku inventory.SKU
	by  folds
}

// nearest gives the closest of the candidates, sorted by SKU.
func nearest(written text, candidates []inventory.SKU) []neighbour {
	near := make([]neighbour, 0, len(candidates))
	for _, candidate := range candidates {
		if by := differ(written, textOf(string(candidate))); by != 0 {
			near = append(near, neighbour{candidate, by})
		}
	}
	slices.SortStableFunc(near, func(a, b neighbour) int {
		return cmp.Compare(bits.OnesCount8(uint8(a.by)), bits.OnesCount8(uint8(b.by)))
	})
	near = near[:min(len(near), closest)]
	slices.SortFunc(near, func(a, b neighbour) int { return cmp.Compare(a.sku, b.sku) })
	return near
}

// unmatched lists what each side carries and the other does not, byte for byte.
func unmatched(levels []inventory.Level, variants []inventory.SourceVariant) (map[inventory.SKU][]inventory.VariantID, map[inventory.SKU][]inventory.SourceVariantID) {
	shopify, katana := carriers(levels), map[inventory.SKU][]inventory.SourceVariantID{}
	listed := make(map[inventory.SKU]struct{}, len(variants))
	for _, v := range variants {
		listed[v.SKU] = struct{}{}
		if _, sold := shopify[v.SKU]; !sold && v.Live() && !v.Service && readable(v.SKU) {
			katana[v.SKU] = append(katana[v.SKU], v.ID)
		}
	}
	maps.DeleteFunc(shopify, func(sku inventory.SKU, _ []inventory.VariantID) bool {
		_, both := listed[sku]
		return both || !readable(sku)
	})
	return shopify, katana
}

// readable tells whether a SKU is text: bytes that are none would all fold to
// the same.
func readable(sku inventory.SKU) bool { return sku != "" && utf8.ValidString(string(sku)) }

// carriers lists the Shopify variants that carry each SKU.
func carriers(levels []inventory.Level) map[inventory.SKU][]inventory.VariantID {
	all := map[inventory.SKU][]inventory.VariantID{}
	for i := range levels {
		sku, variant := levels[i].SKU, levels[i].Variant
		// A variant has one level a location, which mostly follow each other.
		if i > 0 && levels[i-1].SKU == sku && levels[i-1].Variant == variant {
			continue
		}
		all[sku] = append(all[sku], variant)
	}
	delete(all, "")
	return all
}

// sorted gives ids in order and each once, never nil.
func sorted[ID cmp.Ordered](ids []ID) []ID {
	ids = append([]ID{}, ids...)
	slices.Sort(ids)
	return slices.Compact(ids)
}
