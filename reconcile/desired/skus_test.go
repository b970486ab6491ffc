package desired_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

func TestSKUsThatStandSeveralTimesAreReported(t *testing.T) {
	type (
		variants = []inventory.VariantID
		sources  = []inventory.SourceVariantID
	)
	kinds := sold("MUG", "MUG", "MUG")
	kinds[0].Untracked, kinds[2].Bundle, kinds[4].GiftCard = true, true, true
	for _, tt := range []struct {
		name   string
		levels []inventory.Level
		katana []inventory.SourceVariant
		want   []inventory.DuplicateSKU
	}{
		{"each SKU once", sold("MUG", "TEE"), stocked("TEE", "MUG"), nil},
		{"on two Shopify variants", sold("MUG", "TEE", "MUG"), stocked("TEE", "MUG"), []inventory.DuplicateSKU{{SKU: "MUG", Variants: variants{1, 3}, Sources: sources{2}}}},
		{"on two Shopify variants, and not in Katana", sold("MUG", "MUG"), nil, []inventory.DuplicateSKU{{SKU: "MUG", Variants: variants{1, 2}, Sources: sources{}}}},
		{"on two Katana variants of which the higher id counts", sold("MUG"), stocked("MUG", "TEE", "MUG"), []inventory.DuplicateSKU{{SKU: "MUG", Variants: variants{1}, Sources: sources{3, 1}}}},
		{
			"the newest counts, and an archived one comes last", sold("MUG"),
			[]inventory.SourceVariant{
				{ID: 9, SKU: "MUG", Created: date(9), Archived: true}, {ID: 3, SKU: "MUG", Created: date(1)}, {ID: 1, SKU: "MUG", Created: date(2)},
			},
			[]inventory.DuplicateSKU{{SKU: "MUG", Variants: variants{1}, Sources: sources{1, 3, 9}}},
		},
		{"a deleted variant is no duplicate", sold("MUG"), append(stocked("MUG"), inventory.SourceVariant{ID: 2, SKU: "MUG", Deleted: true}), nil},
		{"a service with the SKU of a product is one", sold("MUG"), append(stocked("MUG"), inventory.SourceVariant{ID: 2, SKU: "MUG", Service: true}), []inventory.DuplicateSKU{{SKU: "MUG", Variants: variants{1}, Sources: sources{2, 1}}}},
		{"what the store does not sell", sold("TEE"), stocked("MUG", "MUG"), nil},
		{"a SKU in another case is another SKU", sold("MUG", "mug"), stocked("MUG", "mug"), nil},
		{"items without a SKU", sold("", ""), stocked("MUG"), nil},
		{"levels that nothing is written to", kinds, stocked("MUG"), []inventory.DuplicateSKU{{SKU: "MUG", Variants: variants{1, 2, 3}, Sources: sources{1}}}},
		{
			"several, in order", sold("TEE", "MUG", "TEE"), stocked("MUG", "MUG"),
			[]inventory.DuplicateSKU{{SKU: "MUG", Variants: variants{2}, Sources: sources{2, 1}}, {SKU: "TEE", Variants: variants{1, 3}, Sources: sources{}}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := desired.DuplicateSKUs(tt.levels, tt.katana); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestPropertyTheFirstOfSeveralKatanaVariantsIsTheOneThatCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var variants []inventory.SourceVariant
		var stock []inventory.Stock
		for id := range rapid.IntRange(2, 6).Draw(t, "variants") {
			v := inventory.SourceVariant{
				ID: inventory.SourceVariantID(id + 1), SKU: "MUG", Created: date(rapid.IntRange(1, 3).Draw(t, "day")),
				Archived: rapid.Bool().Draw(t, "archived"), Deleted: rapid.IntRange(0, 4).Draw(t, "deleted") == 0,
			}
			variants = append(variants, v)
			stock = append(stock, inventory.Stock{Variant: v.ID, Location: oslo, InStock: inventory.Quantity(v.ID) * inventory.Scale})
		}
		kept := slices.Clone(variants)
		shuffled := rapid.Permutation(variants).Draw(t, "shuffled")
		got, again := desired.DuplicateSKUs([]inventory.Level{mug}, variants), desired.DuplicateSKUs([]inventory.Level{mug}, shuffled)
		if !reflect.DeepEqual(got, again) || !slices.Equal(variants, kept) {
			t.Fatalf("got %+v, and %+v in another order", got, again)
		}
		catalogue := desired.NewCatalogue(&inventory.Snapshot{Variants: shuffled, Stock: stock}, nil)
		var matched []inventory.SourceVariantID
		for _, v := range catalogue.Matched("MUG") {
			if !v.Deleted {
				matched = append(matched, v.ID)
			}
		}
		if len(got) == 1 && !slices.Equal(matched, got[0].Sources) {
			t.Fatalf("got %v, but they are explained as %v", got[0].Sources, matched)
		}
		figure := catalogue.Figures([]inventory.Level{mug}, desired.Rules{Feeds: feeds}, nil)[0]
		if len(got) == 1 && figure.Left == "" && figure.Units != inventory.Units(got[0].Sources[0]) {
			t.Fatalf("got %v, but variant %d counts", got[0].Sources, figure.Units)
		}
	})
}
