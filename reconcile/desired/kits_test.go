package desired_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

type ids = []inventory.SourceVariantID

// kitsOf says what kits take, one of each.
func kitsOf(pairs ...[2]inventory.SourceVariantID) *desired.Kits {
	var list []inventory.Ingredient
	for _, pair := range pairs {
		list = append(list, inventory.Ingredient{Product: pair[0], Variant: pair[1], Quantity: inventory.Scale})
	}
	return desired.NewKits(list)
}

func TestWhichKitsAComponentMoves(t *testing.T) {
	kits := kitsOf([2]inventory.SourceVariantID{10, 1}, [2]inventory.SourceVariantID{10, 2}, [2]inventory.SourceVariantID{20, 10}, [2]inventory.SourceVariantID{30, 3})
	for _, tt := range []struct {
		name string
		got  ids
		want ids
	}{
		{"a component moves its kit, and the kit of that kit", kits.Containing(1), ids{10, 20}},
		{"a kit moves the kit that it goes into", kits.Containing(10), ids{20}},
		{"several components move their kits once", kits.Containing(1, 2, 3), ids{10, 20, 30}},
		{"what goes into nothing moves nothing", kits.Containing(20, 99), nil},
		{"a kit of a kit is made of all that is in both", kits.Within(20), ids{1, 2, 10}},
		{"what is no kit is made of nothing", kits.Within(1), nil},
		{"nothing is known of no kits", (*desired.Kits)(nil).Containing(1), nil},
		{"nothing is made of no kits", (*desired.Kits)(nil).Within(1), nil},
	} {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func TestKitsThatContainThemselvesEndNoWalk(t *testing.T) {
	kits := kitsOf([2]inventory.SourceVariantID{1, 2}, [2]inventory.SourceVariantID{2, 1})
	if got, want := kits.Containing(1), (ids{1, 2}); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := kits.Within(1), (ids{1, 2}); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPropertyAKitContainsWhatItIsMadeOf(t *testing.T) {
	id := rapid.Map(rapid.IntRange(1, 8), func(n int) inventory.SourceVariantID { return inventory.SourceVariantID(n) })
	rapid.Check(t, func(t *rapid.T) {
		var pairs [][2]inventory.SourceVariantID
		for range rapid.IntRange(0, 12).Draw(t, "rows") {
			pairs = append(pairs, [2]inventory.SourceVariantID{id.Draw(t, "kit"), id.Draw(t, "component")})
		}
		kits := kitsOf(pairs...)
		for kit := inventory.SourceVariantID(1); kit <= 8; kit++ {
			within := kits.Within(kit)
			if !slices.IsSorted(within) || len(slices.Compact(slices.Clone(within))) != len(within) {
				t.Fatalf("kit %d: %v", kit, within)
			}
			for component := inventory.SourceVariantID(1); component <= 8; component++ {
				if slices.Contains(within, component) != slices.Contains(kits.Containing(component), kit) {
					t.Fatalf("of %v, kit %d is made of %v, and %d goes into %v", pairs, kit, within, component, kits.Containing(component))
				}
			}
		}
	})
}

func TestHowFarTheComponentsOfAKitReach(t *testing.T) {
	set := inventory.Level{Key: inventory.Key{Store: "main", Item: 1, Location: front}, SKU: "SET", Active: true}
	catalogue := desired.NewCatalogue(&inventory.Snapshot{
		Variants: []inventory.SourceVariant{{ID: 1, SKU: "SET", Kit: true}, {ID: 2, SKU: "MUG"}, {ID: 3, SKU: "BOX"}, {ID: 4, SKU: "TIN", Kit: true}, {ID: 5, SKU: "NEW"}, {ID: 6, SKU: "BAG"}},
		Stock: []inventory.Stock{
			row(1, oslo, "1", "0", "2"), row(2, oslo, "9.5", "2", "100"), row(3, oslo, "3", "5", "0"), row(4, oslo, "0", "1", "3"), row(2, bergen, "1", "0", "0"),
			row(6, oslo, "999999999", "0", "0"),
		},
	}, nil)
	takes := func(variant inventory.SourceVariantID, quantity string) inventory.Ingredient {
		q, err := inventory.ParseQuantity(quantity)
		if err != nil {
			t.Fatal(err)
		}
		return inventory.Ingredient{Product: 1, Variant: variant, Quantity: q}
	}
	explain := func(kits *desired.Kits) []inventory.Component {
		var e inventory.Explanation
		catalogue.Explain(&e, set, desired.Rules{Feeds: feeds}, nil, nil, kits, func(inventory.SourceLocationID) string { return "Oslo" })
		if e.Desired != 3 {
			t.Errorf("got %d, want Katana's own figure whatever the components say", e.Desired)
		}
		return e.Terms.Sources[0].Kit.Components
	}
	got := explain(desired.NewKits([]inventory.Ingredient{takes(4, "1"), takes(2, "2.5"), takes(99, "1"), takes(5, "1"), takes(6, "1")}))
	want := []inventory.Component{
		{Variant: 2, SKU: "MUG", PerKit: quantity("2.5"), Known: true, Available: quantity("7.5"), Builds: 3},
		{Variant: 4, SKU: "TIN", PerKit: quantity("1"), Known: true, Available: quantity("2"), Builds: 2, Limits: true},
		{Variant: 5, SKU: "NEW", PerKit: quantity("1")},
		{Variant: 6, SKU: "BAG", PerKit: quantity("1")}, // nobody knows how many there are
		{Variant: 99, PerKit: quantity("1")},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	got = explain(desired.NewKits([]inventory.Ingredient{takes(3, "1"), takes(2, "0")}))
	want = []inventory.Component{
		{Variant: 2, SKU: "MUG", Known: true, Available: quantity("7.5")},
		{Variant: 3, SKU: "BOX", PerKit: quantity("1"), Known: true, Available: quantity("-2"), Limits: true},
	}
	if !slices.Equal(got, want) {
		t.Errorf("a component that is used up: got  %+v\nwant %+v", got, want)
	}
	if got := explain(nil); got != nil {
		t.Errorf("got %+v of a kit that nothing is known of", got)
	}
}
