package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// moves says what a comparison found, a line a level.
func moves(report *inventory.Report) (lines []string) {
	text := func(units *inventory.Units) string {
		if units == nil {
			return "left alone"
		}
		return fmt.Sprint(*units)
	}
	for _, m := range report.Stores[0].Compared.Levels {
		lines = append(lines, fmt.Sprintf("%s at %s: %s → %s by %s", m.SKU, m.Location, text(m.From), text(m.To), m.Rule))
	}
	return lines
}

func TestWhatAnotherConfigWouldShow(t *testing.T) {
	mapping := func(pairs ...desired.Pair) func(*reconcile.Choice) {
		return func(c *reconcile.Choice) { c.Mapping.Locations = pairs }
	}
	shop, market := desired.Pair{Target: "Shop", Sources: []string{"Main"}}, desired.Pair{Target: "Market", Sources: []string{"Side"}}
	for _, tt := range []struct {
		name string
		edit func(*reconcile.Choice)
		want []string
	}{
		{"the same", func(*reconcile.Choice) {}, nil},
		{"a buffer", func(c *reconcile.Choice) { c.Rules = []desired.Rule{{Pattern: "MUG", Buffer: 2}} }, []string{"MUG at Shop: 6 → 4 by rules[0] (MUG)"}},
		{"a rule that takes it to zero", func(c *reconcile.Choice) { c.Rules = []desired.Rule{{Pattern: "X"}, {Pattern: "M*", MinToSell: 9}} }, []string{"MUG at Shop: 6 → 0 by rules[1] (M*)"}},
		{"skipped, so it stays as it is", func(c *reconcile.Choice) { c.Rules = []desired.Rule{{Pattern: "*", Skip: true}} }, []string{"CAP at Shop: 9 → left alone by rules[0] (*)"}},
		{"a rule that goes", func(c *reconcile.Choice) { c.Rules = nil }, nil},
		{"orders made in Katana left out", func(c *reconcile.Choice) { c.Orders = desired.Orders{ShopifyOnly: true} }, []string{"MUG at Shop: 6 → 10 by committed_orders"}},
		{"by number", func(c *reconcile.Choice) { c.Orders = desired.Orders{Exclude: []desired.Matcher{{Number: "B2B-*"}}} }, []string{"MUG at Shop: 6 → 10 by exclude_orders"}},
		{"another mapping", mapping(desired.Pair{Target: "Shop", Sources: []string{"Main", "Side"}}, market), []string{"MUG at Shop: 6 → 9 by locations"}},
		{"no longer mapped", mapping(market), []string{"CAP at Shop: 9 → left alone by locations"}},
		{"stocked at once", func(c *reconcile.Choice) { c.Activate = true }, []string{"MUG at Market: left alone → 3 by activate"}},
		{
			"several keys", func(c *reconcile.Choice) {
				c.Orders = desired.Orders{ShopifyOnly: true}
				c.Rules = []desired.Rule{{Pattern: "MUG", Buffer: 1}}
			}, []string{"MUG at Shop: 6 → 9 by committed_orders, rules[0] (MUG)"},
		},
		{"the default", func(c *reconcile.Choice) {
			c.Mapping = desired.Mapping{Locations: []desired.Pair{market}, Default: "Side"}
		}, []string{"MUG at Shop: 6 → 3 by locations", "CAP at Shop: 9 → 0 by locations"}},
		{"the same, in other words", mapping(desired.Pair{Target: "gid://shopify/Location/1", Sources: []string{"id:10"}}, market), nil},
		{"the two locations swapped", mapping(desired.Pair{Target: "Shop", Sources: []string{"Side"}}, desired.Pair{Target: "Market", Sources: []string{"Main"}}), []string{"MUG at Shop: 6 → 3 by locations", "CAP at Shop: 9 → 0 by locations"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			id := w.sku("MUG", 10)
			w.has(id, 20, 3)
			w.sku("CAP", 9)
			w.level("main", 1, "MUG", 6)
			w.level("main", 2, "CAP", 8)
			row := w.katana.stock[inventory.StockKey{Variant: id, Location: 10}]
			row.Committed = 4 * inventory.Scale
			w.katana.stock[inventory.StockKey{Variant: id, Location: 10}] = row
			w.katana.open = []inventory.SourceOrder{{ID: 900, Number: "B2B-1", Source: "katana", Location: 10, Rows: []inventory.SourceOrderRow{{ID: 9001, Variant: id, Location: 10, Quantity: 4 * inventory.Scale}}}}
			w.settled()
			choice := w.stores[0].Choice
			choice.Mapping.Locations = []desired.Pair{shop, market}
			tt.edit(&choice)
			report := w.ask(reconcile.Request{Kind: inventory.Full, Dry: true, Compare: map[inventory.StoreName]reconcile.Choice{"main": choice}})
			if got := moves(report); fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if w.shops["main"].writes > 0 {
				t.Error("something was written")
			}
			// What it said is what a plan by that config says.
			found := report.Stores[0].Compared
			w.stores[0].Choice = choice
			w.start()
			w.ask(reconcile.Request{Kind: inventory.Full, Dry: true})
			kept, err := w.state.Store("main")
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range found.Levels {
				seen := kept.Levels[inventory.Key{Store: "main", Item: m.Item, Location: m.LocationID}]
				if m.To != nil && (!seen.Figured || seen.Desired != *m.To) || m.To == nil && seen.Figured {
					t.Errorf("%s: a plan has %+v, the comparison %+v", m.SKU, seen, m)
				}
			}
		})
	}
}

func TestAComparisonIsAddedUp(t *testing.T) {
	w := newWorld(t)
	for i, stock := range []int64{10, 4, 0, 7} {
		sku := inventory.SKU(fmt.Sprint("S", i))
		w.sku(sku, stock)
		w.level("main", int64(i+1), sku, stock)
	}
	w.settled()
	choice := w.stores[0].Choice
	choice.Rules = []desired.Rule{{Pattern: "S[01]", Buffer: 5}}
	report := w.ask(reconcile.Request{Kind: inventory.Full, Dry: true, Compare: map[inventory.StoreName]reconcile.Choice{"main": choice}})
	got := *report.Stores[0].Compared
	if got.Moved != 2 || got.Zeroed != 1 || got.Lowered != 9 || got.Raised != 0 || len(got.Levels) != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestAComparisonKnowsLocationsThatOnlyTheOtherConfigNames(t *testing.T) {
	w := newWorld(t)
	id := w.sku("MUG", 5)
	w.level("main", 1, "MUG", 3)
	key := inventory.StockKey{Variant: id, Location: 10}
	row := w.katana.stock[key]
	row.Committed = 2 * inventory.Scale
	w.katana.stock[key] = row
	w.katana.locations = append(w.katana.locations, inventory.SourceLocation{ID: 30, Name: "Trade", SalesAllowed: true})
	w.katana.open = []inventory.SourceOrder{{ID: 1, Source: "katana", Location: 30, Rows: []inventory.SourceOrderRow{{ID: 1, Variant: id, Location: 10, Quantity: 2 * inventory.Scale}}}}
	w.settled()
	before, _ := w.state.Source()
	other := w.stores[0].Choice
	other.Orders, other.Mapping.Mentioned = desired.Orders{Exclude: []desired.Matcher{{Location: "Trade"}}}, []string{"Trade"}
	other.Mapping.Locations = append(slices.Clone(other.Mapping.Locations[:1]), desired.Pair{Target: "Market", Sources: []string{"Trade"}})
	report := w.ask(reconcile.Request{Kind: inventory.Full, Dry: true, Compare: map[inventory.StoreName]reconcile.Choice{"main": other}})
	if got, want := moves(report), []string{"MUG at Shop: 3 → 5 by exclude_orders"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if after, _ := w.state.Source(); len(after.Rows) != len(before.Rows) || len(after.Missing) != len(before.Missing) {
		t.Errorf("a question is remembered: %+v, before %+v", after, before)
	}
}

func TestAComparisonKnowsItemsThatAreStockedNowhere(t *testing.T) {
	w := newWorld(t)
	w.has(w.sku("MUG", 5), 20, 7)
	w.shops["main"].unstocked = []inventory.Level{{Key: inventory.Key{Store: "main", Item: 7, Location: inventory.Nowhere}, SKU: "MUG", Unstocked: true}}
	w.stores[0].Mapping = desired.Mapping{Default: "Main"}
	w.settled()
	other := w.stores[0].Choice
	other.Mapping = desired.Mapping{Locations: []desired.Pair{{Target: "Shop", Sources: []string{"Main"}}, {Target: "Market", Sources: []string{"Side"}}}}
	other.Activate = true
	report := w.ask(reconcile.Request{Kind: inventory.Full, Dry: true, Compare: map[inventory.StoreName]reconcile.Choice{"main": other}})
	if got := report.Stores[0].Compared; got.Moved != 2 || got.Raised != 12 {
		t.Errorf("got %+v", got)
	}
}

func TestAComparisonMovesNoNegativeLevelAndRefusesWhatTheOtherConfigRefuses(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 0)
	w.level("main", 1, "MUG", -2)
	w.stores[0].Rules = []desired.Rule{{Pattern: "*", Skip: true}}
	w.settled()
	other := w.stores[0].Choice
	other.Rules = nil
	ask := reconcile.Request{Kind: inventory.Full, Dry: true, Compare: map[inventory.StoreName]reconcile.Choice{"main": other}}
	if got := w.ask(ask).Stores[0].Compared; got.Moved != 0 {
		t.Errorf("got %+v", got)
	}
	other.Mapping.Locations = []desired.Pair{{Target: "Shop", Sources: []string{"Main"}}, {Target: "Market", Sources: []string{"Main"}}}
	other.RefuseDuplicate = true
	ask.Compare["main"] = other
	w.pass(1)
	report, err := w.r.Cycle(t.Context(), ask)
	if err != nil || !strings.Contains(report.Stores[0].Error, "the config to compare with: duplicate_stock is refuse") {
		t.Errorf("got %v, %q", err, report.Stores[0].Error)
	}
}
