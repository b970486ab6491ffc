package desired_test

import (
	"testing"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

func TestTheFirstRuleThatMatchesASKUMakesItsFigure(t *testing.T) {
	buffer := desired.Rule{Pattern: "MUG*", Buffer: 2}
	for _, tt := range []struct {
		name    string
		rules   []desired.Rule
		inStock string
		want    inventory.Figure
	}{
		{"no rule changes nothing", nil, "9.5", inventory.Figure{Units: 9}},
		{"a rule of another SKU changes nothing", []desired.Rule{{Pattern: "CAP-*", Buffer: 5}}, "9", inventory.Figure{Units: 9}},
		{"a buffer is never offered", []desired.Rule{buffer}, "9", inventory.Figure{Units: 7}},
		{"a buffer comes off before the fraction does", []desired.Rule{buffer}, "9.5", inventory.Figure{Units: 7}},
		{"a buffer larger than the stock shows 0", []desired.Rule{buffer}, "1", inventory.Figure{}},
		{"what is oversold is negative, with a buffer or without", []desired.Rule{buffer}, "-1", inventory.Figure{Negative: true}},
		{"a cap is the most to offer", []desired.Rule{{Pattern: "*", Capped: true, Max: 5}}, "9", inventory.Figure{Units: 5}},
		{"a cap of 0 shows 0", []desired.Rule{{Pattern: "*", Capped: true}}, "9", inventory.Figure{}},
		{"a cap above the stock changes nothing", []desired.Rule{{Pattern: "*", Capped: true, Max: 50}}, "9", inventory.Figure{Units: 9}},
		{"below what is worth selling 0 is shown", []desired.Rule{{Pattern: "*", MinToSell: 3}}, "2", inventory.Figure{}},
		{"what is just worth selling is shown", []desired.Rule{{Pattern: "*", MinToSell: 3}}, "3", inventory.Figure{Units: 3}},
		{"the buffer counts before what is worth selling", []desired.Rule{{Pattern: "*", Buffer: 2, MinToSell: 3}}, "4", inventory.Figure{}},
		{"what is worth selling counts before the cap", []desired.Rule{{Pattern: "*", MinToSell: 3, Capped: true, Max: 2}}, "9", inventory.Figure{Units: 2}},
		{"a skipped SKU is left alone", []desired.Rule{{Pattern: "MUG-BLUE", Skip: true}}, "9", inventory.Figure{Left: inventory.ReasonRule}},
		{"the first match counts and no other", []desired.Rule{{Pattern: "MUG-B*", Buffer: 1}, {Pattern: "*", Skip: true}}, "9", inventory.Figure{Units: 8}},
		{"a buffer beyond all figures leaves the level alone", []desired.Rule{{Pattern: "*", Buffer: 1 << 40}}, "9", inventory.Figure{Left: inventory.ReasonFigureTooLarge}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			snap := &inventory.Snapshot{
				Variants: []inventory.SourceVariant{{ID: 1, SKU: "MUG-BLUE"}},
				Stock:    []inventory.Stock{row(1, 1, tt.inStock, "0", "0")},
			}
			levels := []inventory.Level{{Key: inventory.Key{Store: "main", Item: 1, Location: 1}, SKU: "MUG-BLUE", Active: true}}
			feeds := desired.Feeds{1: {Sources: []inventory.SourceLocationID{1}}}
			if got := desired.NewCatalogue(snap, nil).Figures(levels, desired.Rules{Feeds: feeds, SKU: tt.rules}, nil)[0]; got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
