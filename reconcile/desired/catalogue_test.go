package desired_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// TestPropertyACatalogueThatTookReadsInIsOneMadeOfThem changes a catalogue bit
// by bit, and holds it against one that is made of all that was read.
func TestPropertyACatalogueThatTookReadsInIsOneMadeOfThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var variants []inventory.SourceVariant
		stock := map[inventory.StockKey]inventory.Stock{}
		catalogue := desired.NewCatalogue(&inventory.Snapshot{}, nil)
		figure := func(c *desired.Catalogue, sku inventory.SKU) inventory.Figure {
			level := inventory.Level{Key: inventory.Key{Store: "main", Item: 1, Location: front}, SKU: sku, Active: true}
			return c.Figures([]inventory.Level{level}, desired.Rules{Feeds: desired.Feeds{front: {Sources: []inventory.SourceLocationID{oslo, bergen}}}}, nil)[0]
		}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			before := map[inventory.SKU]inventory.Figure{}
			for n := range 4 {
				sku := inventory.SKU(fmt.Sprint("S", n))
				before[sku] = figure(catalogue, sku)
			}
			var moved []inventory.SKU
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				variants = rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) inventory.SourceVariant {
					return inventory.SourceVariant{
						ID: inventory.SourceVariantID(rapid.IntRange(1, 6).Draw(t, "id")), SKU: inventory.SKU(fmt.Sprint("S", rapid.IntRange(0, 3).Draw(t, "sku"))),
						Archived: rapid.Bool().Draw(t, "archived"), Kit: rapid.Bool().Draw(t, "kit"),
					}
				}), 0, 6, func(v inventory.SourceVariant) inventory.SourceVariantID { return v.ID }).Draw(t, "variants")
				was := catalogue.Variants()
				var changed []inventory.SourceVariantID
				var were []inventory.SourceVariant
				moved, changed, were = catalogue.List(variants)
				if got := catalogue.Variants(); !slices.Equal(got, variants) {
					t.Fatalf("%+v was listed, and %+v is there", variants, got)
				}
				for _, v := range variants {
					if got, want := slices.Contains(changed, v.ID), !slices.Contains(was, v); got != want {
						t.Fatalf("said to be new or another: %t of %+v, which came after %+v", got, v, was)
					}
				}
				for _, v := range was {
					if got, want := slices.Contains(were, v), !slices.Contains(variants, v); got != want {
						t.Fatalf("said to have been: %t of %+v, after which %+v came", got, v, variants)
					}
				}
			case 1:
				var edited []inventory.SourceVariant
				var gone []inventory.SourceVariantID
				for _, id := range rapid.SliceOfNDistinct(rapid.IntRange(1, 6), 1, 3, func(n int) int { return n }).Draw(t, "edited") {
					is := inventory.SourceVariant{
						ID: inventory.SourceVariantID(id), SKU: inventory.SKU(fmt.Sprint("S", rapid.IntRange(0, 3).Draw(t, "sku"))), Archived: rapid.Bool().Draw(t, "archived"),
					}
					variants = slices.DeleteFunc(slices.Clone(variants), func(v inventory.SourceVariant) bool { return v.ID == is.ID })
					if rapid.IntRange(0, 2).Draw(t, "gone") == 0 {
						gone = append(gone, is.ID)
						continue
					}
					variants, edited = append(variants, is), append(edited, is)
				}
				moved = catalogue.Amend(edited, gone)
			default:
				read := rapid.SliceOfDistinct(rapid.Map(rapid.IntRange(1, 6), func(n int) inventory.SourceVariantID { return inventory.SourceVariantID(n) }),
					func(id inventory.SourceVariantID) inventory.SourceVariantID { return id }).Draw(t, "read")
				var rows []inventory.Stock
				for _, id := range read {
					for _, at := range []inventory.SourceLocationID{oslo, bergen} {
						key := inventory.StockKey{Variant: id, Location: at}
						if delete(stock, key); rapid.IntRange(0, 4).Draw(t, "row") > 0 {
							row := inventory.Stock{Variant: id, Location: at, InStock: inventory.Quantity(rapid.IntRange(0, 3).Draw(t, "has")) * inventory.Scale}
							stock[key], rows = row, append(rows, row)
						}
					}
				}
				moved = catalogue.Take(read, rows)
			}
			listed := map[inventory.SourceVariantID]bool{}
			for _, v := range variants {
				listed[v.ID] = true
			}
			var all []inventory.Stock
			for key, row := range stock {
				if listed[key.Variant] {
					all = append(all, row)
				} else {
					delete(stock, key) // what is not listed is forgotten
				}
			}
			made := desired.NewCatalogue(&inventory.Snapshot{Variants: variants, Stock: all}, nil)
			for sku, was := range before {
				got, want := figure(catalogue, sku), figure(made, sku)
				if got != want {
					t.Fatalf("%s: got %+v, and %+v of one that is made anew", sku, got, want)
				}
				if got != was && !slices.Contains(moved, sku) {
					t.Fatalf("%s went from %+v to %+v, and only %v are said to move", sku, was, got, moved)
				}
			}
			for _, v := range variants {
				id, ok := made.SKU(v.ID)
				if got, stands := catalogue.SKU(v.ID); got != id || stands != ok {
					t.Fatalf("variant %d stands for %q, and for %q in one that is made anew", v.ID, got, id)
				}
			}
		}
	})
}
