package desired_test

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// sold are levels of a store with these SKUs, numbered from 1 as variants.
func sold(skus ...inventory.SKU) (levels []inventory.Level) {
	for i, sku := range skus {
		for _, location := range []inventory.LocationID{front, quay} {
			levels = append(levels, inventory.Level{
				Key: inventory.Key{Store: "main", Item: inventory.ItemID(i + 101), Location: location}, Variant: inventory.VariantID(i + 1), SKU: sku, Active: true,
			})
		}
	}
	return levels
}

// stocked are Katana variants with these SKUs, numbered from 1.
func stocked(skus ...inventory.SKU) (variants []inventory.SourceVariant) {
	for i, sku := range skus {
		variants = append(variants, inventory.SourceVariant{ID: inventory.SourceVariantID(i + 1), SKU: sku})
	}
	return variants
}

func TestSKUsThatAlmostMatchAreReported(t *testing.T) {
	type (
		variants = []inventory.VariantID
		sources  = []inventory.SourceVariantID
	)
	mugs := inventory.NearMiss{Shopify: "mug", Katana: "MUG", Differ: []string{"case"}, Variants: variants{1}, Sources: sources{1}}
	edit := func(edit func(*inventory.SourceVariant)) []inventory.SourceVariant {
		all := stocked("MUG")
		edit(&all[0])
		return all
	}
	for _, tt := range []struct {
		name   string
		levels []inventory.Level
		katana []inventory.SourceVariant
		want   []inventory.NearMiss
	}{
		{"a SKU in another case", sold("mug"), stocked("MUG"), []inventory.NearMiss{mugs}},
		{"the same SKU on both sides", sold("MUG"), stocked("MUG"), nil},
		{"a Shopify SKU that Katana carries, too, is no miss", sold("mug"), stocked("MUG", "mug"), nil},
		{"nor is a Katana SKU that the store carries, too", sold("mug", "MUG"), stocked("MUG"), nil},
		{"nor one that only an archived variant carries", sold("mug"), append(stocked("MUG"), inventory.SourceVariant{ID: 2, SKU: "mug", Archived: true}), nil},
		{"an archived variant is nothing to match", sold("mug"), edit(func(v *inventory.SourceVariant) { v.Archived = true }), nil},
		{"a deleted variant is nothing to match", sold("mug"), edit(func(v *inventory.SourceVariant) { v.Deleted = true }), nil},
		{"a service is nothing to match", sold("mug"), edit(func(v *inventory.SourceVariant) { v.Service = true }), nil},
		{"items without a SKU are near to none", sold("", "-", "\u200b"), stocked("_", "\ufeff"), nil},
		{"bytes that are no text are near to none", sold("\xff", "MUG\xff"), stocked("\xfe", "mug\xfe"), nil},
		{"another SKU", sold("CUP"), stocked("MUG"), nil},
		{"no levels", nil, stocked("MUG"), nil},
		{"no variants", sold("mug"), nil, nil},
		{
			"every variant is named once, in order", append(sold("mug"), sold("TEE", "mug", "mug")...), append(stocked("MUG", "CUP", "MUG"), stocked("MUG")...),
			[]inventory.NearMiss{{Shopify: "mug", Katana: "MUG", Differ: []string{"case"}, Variants: variants{1, 2, 3}, Sources: sources{1, 3}}},
		},
		{
			"only variants that could be sold are named", sold("mug"), append(stocked("MUG"), inventory.SourceVariant{ID: 2, SKU: "MUG", Archived: true}),
			[]inventory.NearMiss{mugs},
		},
		{
			"several Shopify SKUs near one of Katana", sold("mug", "Mug"), stocked("MUG"),
			[]inventory.NearMiss{{Shopify: "Mug", Katana: "MUG", Differ: []string{"case"}, Variants: variants{2}, Sources: sources{1}}, mugs},
		},
		{
			"of many Katana SKUs the five closest, in order", sold("mug 1"), stocked("MUG_1", "m-ug1", "MUG 1", "Mug 1", "mug  1", "MUG1", "mug-1", "mug1"),
			[]inventory.NearMiss{
				{Shopify: "mug 1", Katana: "MUG 1", Differ: []string{"case"}, Variants: variants{1}, Sources: sources{3}},
				{Shopify: "mug 1", Katana: "MUG1", Differ: []string{"case", "spaces"}, Variants: variants{1}, Sources: sources{6}},
				{Shopify: "mug 1", Katana: "Mug 1", Differ: []string{"case"}, Variants: variants{1}, Sources: sources{4}},
				{Shopify: "mug 1", Katana: "mug  1", Differ: []string{"spaces"}, Variants: variants{1}, Sources: sources{5}},
				{Shopify: "mug 1", Katana: "mug1", Differ: []string{"spaces"}, Variants: variants{1}, Sources: sources{8}},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := desired.NearMisses(tt.levels, tt.katana); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestWhereAllSKUsAreNearToAllEachIsReportedWithAFew(t *testing.T) {
	const n = 500
	shopify, katana := make([]inventory.SKU, n), make([]inventory.SKU, n)
	for i := range n {
		shopify[i], katana[i] = inventory.SKU(dashed(i)+"a"), inventory.SKU(dashed(i)+"A")
	}
	each := map[inventory.SKU]int{}
	for _, one := range desired.NearMisses(sold(shopify...), stocked(katana...)) {
		each[one.Shopify]++
	}
	for _, sku := range shopify {
		if each[sku] != 5 {
			t.Errorf("%s: got %d Katana SKUs, want 5", sku, each[sku])
		}
	}
}

// similar draws SKUs of which many are taken for others.
var similar = rapid.SliceOfN(rapid.Map(rapid.StringOfN(rapid.SampledFrom([]rune("aA0O1lI-_ \u00a0Ａа7")), 1, 4, -1), inventory.TrimSKU), 0, 30)

func TestPropertyNearMissesAreUnmatchedOnBothSidesAndInOneOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		levels, variants := sold(similar.Draw(t, "shopify")...), stocked(similar.Draw(t, "katana")...)
		variants = slices.DeleteFunc(variants, func(v inventory.SourceVariant) bool { return v.SKU == "" })
		for i := range variants {
			variants[i].Archived, variants[i].Service = rapid.IntRange(0, 9).Draw(t, "archived") == 0, rapid.IntRange(0, 9).Draw(t, "service") == 0
		}
		got := desired.NearMisses(levels, variants)
		if again := desired.NearMisses(rapid.Permutation(levels).Draw(t, "levels"), rapid.Permutation(variants).Draw(t, "variants")); !reflect.DeepEqual(got, again) {
			t.Fatalf("got %+v, and %+v in another order", got, again)
		}
		order := func(a, b inventory.NearMiss) int {
			return cmp.Or(cmp.Compare(a.Shopify, b.Shopify), cmp.Compare(a.Katana, b.Katana))
		}
		for i, one := range got {
			switch {
			case one.Shopify == one.Katana || len(one.Differ) == 0:
				t.Fatalf("%+v is a match", one)
			case slices.ContainsFunc(variants, func(v inventory.SourceVariant) bool { return v.SKU == one.Shopify }):
				t.Fatalf("Katana carries %q", one.Shopify)
			case slices.ContainsFunc(levels, func(l inventory.Level) bool { return l.SKU == one.Katana }):
				t.Fatalf("the store carries %q", one.Katana)
			case i > 0 && order(got[i-1], one) >= 0:
				t.Fatalf("%+v stands after %+v", one, got[i-1])
			case !slices.IsSorted(one.Variants) || !slices.IsSorted(one.Sources) || len(one.Variants) == 0 || len(one.Sources) == 0:
				t.Fatalf("%+v names no variants, or not in order", one)
			}
		}
	})
}

func TestPropertyTheSameSKUsOnBothSidesAreNoNearMisses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		skus := slices.DeleteFunc(similar.Draw(t, "skus"), func(sku inventory.SKU) bool { return sku == "" })
		if got := desired.NearMisses(sold(skus...), stocked(rapid.Permutation(skus).Draw(t, "katana")...)); got != nil {
			t.Fatalf("got %+v", got)
		}
	})
}

// slips are the ways in which a SKU comes to differ, by the word for it.
var slips = map[string]func(t *rapid.T, sku string) string{
	"case": func(t *rapid.T, sku string) string {
		return strings.Map(func(r rune) rune {
			if rapid.Bool().Draw(t, "small") {
				return unicode.ToLower(r)
			}
			return r
		}, sku)
	},
	"spaces": func(t *rapid.T, sku string) string {
		runes := []rune(sku)
		at := rapid.IntRange(1, len(runes)-1).Draw(t, "at")
		return string(slices.Insert(runes, at, rapid.SampledFrom([]rune(" \u00a0\u200b\ufeff\u3000")).Draw(t, "space")))
	},
	"dashes": func(t *rapid.T, sku string) string {
		return strings.ReplaceAll(sku, "-", rapid.SampledFrom([]string{"", "_", "\u2013", "\u2014", "\u2212", "\u2011"}).Draw(t, "dash"))
	},
	"leading zeros": func(_ *rapid.T, sku string) string {
		if strings.Trim(sku, "0123456789") != "" {
			return sku
		}
		return strings.TrimLeft(sku[:len(sku)-1], "0") + sku[len(sku)-1:]
	},
	"full-width forms": func(t *rapid.T, sku string) string {
		return strings.Map(func(r rune) rune {
			if (unicode.IsDigit(r) || 'A' <= r && r <= 'Z') && rapid.Bool().Draw(t, "wide") {
				return r + '！' - '!'
			}
			return r
		}, sku)
	},
	"look-alike characters": func(t *rapid.T, sku string) string {
		return strings.NewReplacer("0", rapid.SampledFrom([]string{"0", "O"}).Draw(t, "0"), "1", rapid.SampledFrom([]string{"1", "I"}).Draw(t, "1"), "A", "А").Replace(sku)
	},
}

func TestPropertyASKUThatSomebodyMistypedIsFound(t *testing.T) {
	words := []string{"leading zeros", "case", "dashes", "look-alike characters", "full-width forms", "spaces"} // the order that leaves each its characters
	found := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		sku := rapid.StringMatching(`[A-KM-Z]{2,5}-[0-9]{1,4}|0[0-9]{1,6}|[A-Z]{2,3}`).Draw(t, "sku")
		mistyped, slipped := sku, []string(nil)
		for _, word := range words {
			if rapid.IntRange(0, 2).Draw(t, word) > 0 || len([]rune(mistyped)) < 2 {
				continue
			}
			if next := slips[word](t, mistyped); next != mistyped {
				mistyped, slipped = next, append(slipped, word)
			}
		}
		got := desired.NearMisses(sold("OTHER", inventory.SKU(mistyped)), stocked("ANOTHER", inventory.SKU(sku)))
		if mistyped == sku {
			return
		}
		if len(got) != 1 || got[0].Shopify != inventory.SKU(mistyped) || got[0].Katana != inventory.SKU(sku) {
			t.Fatalf("%+q for %q, by %q: got %+v", mistyped, sku, slipped, got)
		}
		for _, word := range got[0].Differ {
			// A dash that is gone may be all that kept digits from being a number.
			if !slices.Contains(slipped, word) && word != "leading zeros" {
				t.Fatalf("%+q for %q: got %q, and the slips are %q", mistyped, sku, got[0].Differ, slipped)
			}
			found[word]++
		}
	})
	for _, word := range words {
		if found[word] == 0 {
			t.Errorf("no case is about %q", word)
		}
	}
}

// BenchmarkNearMisses compares 100,000 SKUs on each side: none of which match
// and all are near; none of which are near; and all of which are near to all.
func BenchmarkNearMisses(b *testing.B) {
	const n = 100_000
	for _, bench := range []struct {
		name            string
		shopify, katana func(i int) string
		want            int
	}{
		{"near", func(i int) string { return fmt.Sprintf("sku %07d e", i) }, func(i int) string { return fmt.Sprintf("SKU-%07d-E", i) }, n},
		{"near with accents", func(i int) string { return fmt.Sprintf("sku %07d é", i) }, func(i int) string { return fmt.Sprintf("SKU-%07d-É", i) }, n},
		{"matched", func(i int) string { return fmt.Sprintf("SKU-%07d", i) }, func(i int) string { return fmt.Sprintf("SKU-%07d", i) }, 0},
		{"unlike", func(i int) string { return fmt.Sprintf("SKU-A%07d", i) }, func(i int) string { return fmt.Sprintf("SKU-B%07d", i) }, 0},
		{"all near to all", func(i int) string { return dashed(i) + "a" }, func(i int) string { return dashed(i) + "A" }, 5 * n},
	} {
		b.Run(bench.name, func(b *testing.B) {
			shopify, katana := make([]inventory.SKU, n), make([]inventory.SKU, n)
			for i := range n {
				shopify[i], katana[i] = inventory.SKU(bench.shopify(i)), inventory.SKU(bench.katana(i))
			}
			levels, variants := sold(shopify...), stocked(katana...)
			b.ReportAllocs()
			for b.Loop() {
				if got := len(desired.NearMisses(levels, variants)); got != bench.want {
					b.Fatalf("got %d pairs, want %d", got, bench.want)
				}
			}
		})
	}
}

// dashed writes a number in dashes of two kinds, all of which fold to one.
func dashed(i int) string {
	return strings.NewReplacer("0", "-", "1", "_").Replace(fmt.Sprintf("%017b", i))
}
