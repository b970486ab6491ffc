package desired

import (
	"maps"
	"slices"

	"stocksyncd/reconcile/inventory"
)

// DuplicateSKUs lists the SKUs of a store that stand on several Shopify variants
// or on several Katana variants, sorted.
//
// The Katana variants come in the order in which they stand for their SKU, so
// the first is the one that counts. Archived ones are listed, since they can be
// taken out of the archive; deleted ones are not, since nobody can find them to
// give them another SKU. Shopify variants are listed even where no figure is
// written to them, as for bundles, gift cards and items that are not tracked: a
// person who searches for the SKU finds them all, and cannot tell which is meant.
func DuplicateSKUs(levels []inventory.Level, variants []inventory.SourceVariant) []inventory.DuplicateSKU {
	shopify := carriers(levels)
	katana := make(map[inventory.SKU][]inventory.SourceVariant, len(shopify))
	for _, v := range variants {
		if _, sold := shopify[v.SKU]; sold && !v.Deleted {
			katana[v.SKU] = append(katana[v.SKU], v)
		}
	}
	var duplicates []inventory.DuplicateSKU
	for _, sku := range slices.Sorted(maps.Keys(shopify)) {
		one := inventory.DuplicateSKU{SKU: sku, Variants: sorted(shopify[sku]), Sources: byPreference(katana[sku])}
		if len(one.Variants) > 1 || len(one.Sources) > 1 {
			duplicates = append(duplicates, one)
		}
	}
	return duplicates
}

// byPreference gives the ids of variants of one SKU, the one that stands for it
// first; never nil.
func byPreference(variants []inventory.SourceVariant) []inventory.SourceVariantID {
	slices.SortFunc(variants, comparePreferred)
	ids := make([]inventory.SourceVariantID, len(variants))
	for i, v := range variants {
		ids[i] = v.ID
	}
	return slices.Compact(ids)
}
