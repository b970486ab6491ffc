package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"stocksyncd/reconcile/inventory"
)

// nearHeader is the first line of the list of near misses. It is a list to
// work through and on purpose no file for Shopify's products import: its
// columns have other names, and Title, which such an import requires, is not
// among them.
//
// https://help.shopify.com/en/manual/products/import-export/using-csv says that
// a SKU can be changed with Handle, Title, the options and SKU alone, and that
// columns which are not there stay as they are. But it also says that a variant
// whose options differ from those of the file is deleted and made anew, and an
// import cannot be stopped or undone; it does not say what becomes of variants
// without a row. A spreadsheet that makes 7 of the size 007 would be enough to
// lose a variant with its stock, and leading zeros are what many near misses
// are about.
var nearHeader = []string{
	"Product handle", "Product title",
	"Option 1", "Value 1", "Option 2", "Value 2", "Option 3", "Value 3",
	"SKU now", "SKU in Katana", "Differs in", "Choose",
	"Shopify variant id", "Katana variant id",
}

// nearMissCSV writes a row for every Shopify variant of every near miss. Where
// one SKU is near several others there is a row for each of them, and Choose
// says that only one can be right.
func nearMissCSV(w io.Writer, misses []inventory.NearMiss, listings []inventory.Listing) (exportNotes, error) {
	variants := map[inventory.VariantID]*inventory.Listing{}
	for i := range listings {
		variants[listings[i].Variant] = &listings[i]
	}
	misses = slices.Clone(misses)
	slices.SortStableFunc(misses, func(x, y inventory.NearMiss) int {
		return cmp.Or(cmp.Compare(x.Shopify, y.Shopify), cmp.Compare(x.Katana, y.Katana))
	})
	choose := choices(misses)
	s, err := newSheet(w, nearHeader)
	if err != nil {
		return exportNotes{}, err
	}
	for i := range misses {
		for _, variant := range misses[i].Variants {
			var cells []string
			for _, text := range nearTexts(&misses[i], variant, variants[variant], choose(&misses[i])) {
				cells = append(cells, s.text(text))
			}
			if err := s.add(cells); err != nil {
				return exportNotes{}, err
			}
		}
	}
	return s.end("It is a list to work through, not a file to import: change the SKUs in Shopify's bulk editor.")
}

// nearTexts are the cells of a row. A variant that is not listed is known by
// its id only.
func nearTexts(miss *inventory.NearMiss, variant inventory.VariantID, listing *inventory.Listing, choose string) []string {
	if listing == nil {
		listing = &inventory.Listing{}
	}
	var options [mostOptions]inventory.Option
	copy(options[:], listing.Options)
	cells := []string{listing.Handle, listing.Title}
	for _, o := range options {
		cells = append(cells, o.Name, o.Value)
	}
	var sources []string
	for _, source := range miss.Sources {
		sources = append(sources, fmt.Sprint(source))
	}
	return append(cells, string(miss.Shopify), string(miss.Katana), strings.Join(miss.Differ, ", "), choose,
		variant.String(), strings.Join(sources, ", "))
}

// choices gives what Choose says of a near miss; "" where there is no choice.
func choices(misses []inventory.NearMiss) func(*inventory.NearMiss) string {
	katana, shopify := map[inventory.SKU]int{}, map[inventory.SKU]int{}
	for i := range misses {
		katana[misses[i].Shopify]++
		shopify[misses[i].Katana]++
	}
	return func(miss *inventory.NearMiss) string {
		var among []string
		if n := katana[miss.Shopify]; n > 1 {
			among = append(among, fmt.Sprintf("one of %d Katana SKUs", n))
		}
		if n := shopify[miss.Katana]; n > 1 {
			among = append(among, fmt.Sprintf("one of %d Shopify SKUs", n))
		}
		return strings.Join(among, ", ")
	}
}
