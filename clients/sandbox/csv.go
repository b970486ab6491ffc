package sandbox

import (
	"fmt"
	"io"
	"slices"
	"strconv"
)

// The two places of a world that comes from a product export.
const (
	csvKatanaLocation = "Main warehouse"
	csvStoreLocation  = "Shop location"
)

// FromCSV builds a world from Shopify's product export: Katana with the
// location "Main warehouse", and every store of opts with the catalogue at
// "Shop location", both sides in step. A variant without SKU is listed in the
// stores only; of several variants with one SKU the first one's stock is
// Katana's.
//
// The name stands in errors. What is wrong with the file comes as a
// [*CSVError], all at once.
func FromCSV(opts Options, name string, r io.Reader) (*World, error) {
	variants, err := readProducts(name, r)
	if err != nil {
		return nil, err
	}
	w := NewWorld(opts)
	w.AddLocation(KatanaLocation{Name: csvKatanaLocation})
	for _, product := range katanaTwins(variants) {
		if _, err := w.AddProduct(product); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, store := range w.Stores() {
		if _, err := w.AddStoreLocation(store, StoreLocation{Name: csvStoreLocation, Katana: csvKatanaLocation}); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, v := range variants {
			if _, err := w.AddListing(store, listingOf(v)); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return w, nil
}

func listingOf(v csvVariant) Listing {
	status := v.status
	if !slices.Contains([]string{"DRAFT", "ARCHIVED"}, status) {
		status = "ACTIVE"
	}
	return Listing{
		SKU: v.sku, Options: v.options, Product: v.product, Handle: v.handle, Untracked: !v.tracked, GiftCard: v.giftCard, Status: status,
		Levels: []Level{{Location: csvStoreLocation, Available: v.pieces}},
	}
}

// katanaTwins makes one Katana product of each handle that has SKUs, in the
// order of the file.
func katanaTwins(variants []csvVariant) []Product {
	var products []Product
	index := make(map[string]int)
	taken := make(map[string]bool)
	for _, v := range variants {
		if v.sku == "" || taken[v.sku] {
			continue
		}
		taken[v.sku] = true
		i, known := index[v.handle]
		if !known {
			i = len(products)
			index[v.handle] = i
			products = append(products, Product{Name: v.product})
		}
		products[i].Variants = append(products[i].Variants, Variant{
			SKU: v.sku, Stock: map[string]string{csvKatanaLocation: strconv.Itoa(v.pieces)},
		})
	}
	return products
}
