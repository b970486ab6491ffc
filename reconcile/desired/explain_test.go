package desired_test

import (
	"reflect"
	"testing"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

func TestAPlaceholderIsExplainedByItsLocationAndWithoutSteps(t *testing.T) {
	catalogue := desired.NewCatalogue(&inventory.Snapshot{
		Variants: []inventory.SourceVariant{{ID: 1, SKU: "MUG", Kit: true}},
		Stock:    []inventory.Stock{row(1, oslo, "999999999", "2", "0"), row(1, bergen, "5", "1", "3")},
	}, nil)
	level := mug
	level.Location = quay
	rules := desired.Rules{Feeds: feeds, Excluded: desired.Excluded{{Variant: 1, Location: oslo}: inventory.Scale}}
	var got inventory.Explanation
	catalogue.Explain(&got, level, rules, nil, nil, nil, func(inventory.SourceLocationID) string { return "Hall" })
	want := inventory.Explanation{
		Katana: []inventory.MatchedVariant{{ID: 1, Kit: true}}, Left: inventory.ReasonFigureTooLarge,
		Terms: &inventory.Terms{Sources: []inventory.SourceTerm{
			{Location: oslo, Name: "Hall", TooLarge: true},
			{Location: bergen, Name: "Hall", InStock: quantity("5"), Committed: quantity("1"), Kit: &inventory.KitTerm{Potential: quantity("3")}},
		}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %+v\nwant %+v, %+v", got, got.Terms, want, want.Terms)
	}
}
