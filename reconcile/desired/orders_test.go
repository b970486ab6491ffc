package desired_test

import (
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

func TestWhichOrdersLowerTheStock(t *testing.T) {
	served := []string{"acme.myshopify.com"}
	made := inventory.SourceOrder{Source: "katana", Number: "SO-77", Customer: 77, Location: 1}
	ours := inventory.SourceOrder{Source: "Shopify", Platform: "shopify", Store: "ACME.myshopify.com", Number: "#1001"}
	other := inventory.SourceOrder{Source: "Shopify", Platform: "shopify", Store: "other.myshopify.com", Number: "#1"}
	woo := inventory.SourceOrder{Source: "api", Platform: "wooCommerce", Store: "shop.example", Number: "W-1"}
	exclude := func(m ...desired.Matcher) desired.Orders { return desired.Orders{Exclude: m, Served: served} }
	for _, tt := range []struct {
		name   string
		orders desired.Orders
		order  inventory.SourceOrder
		want   bool
	}{
		{"all count by default", desired.Orders{Served: served}, made, false},
		{"shopify leaves out what was made in Katana", desired.Orders{ShopifyOnly: true, Served: served}, made, true},
		{"shopify leaves out other platforms", desired.Orders{ShopifyOnly: true, Served: served}, woo, true},
		{"shopify counts every Shopify store", desired.Orders{ShopifyOnly: true, Served: served}, other, false},
		{"an order of a served store always counts", exclude(desired.Matcher{Platform: "shopify"}), ours, false},
		{"an order of a Shopify store that is not served can be left out", exclude(desired.Matcher{Platform: "shopify"}), other, true},
		{"an order of a served store counts whatever else is missing", exclude(desired.Matcher{Source: "api"}), inventory.SourceOrder{Source: "api", Store: "acme.myshopify.com"}, false},
		{"an order of some Shopify store counts when nobody knows which", exclude(desired.Matcher{Platform: "shopify"}), inventory.SourceOrder{Platform: "shopify"}, false},
		{"an order whose source is Shopify is an import", desired.Orders{ShopifyOnly: true}, inventory.SourceOrder{Source: "Shopify"}, false},
		{"by source", exclude(desired.Matcher{Source: "katana"}), made, true},
		{"by customer", exclude(desired.Matcher{Customer: 77}), made, true},
		{"by another customer", exclude(desired.Matcher{Customer: 78}), made, false},
		{"by number", exclude(desired.Matcher{Number: "SO-*"}), made, true},
		{"by location", exclude(desired.Matcher{Location: "Oslo"}), made, true},
		{"by another location", exclude(desired.Matcher{Location: "Bergen"}), made, false},
		{"by store", exclude(desired.Matcher{Store: "shop.example"}), woo, true},
		{"all keys must match", exclude(desired.Matcher{Source: "katana", Customer: 78}), made, false},
		{"any matcher will do", exclude(desired.Matcher{Customer: 78}, desired.Matcher{Source: "katana"}), made, true},
		{"an empty matcher matches nothing", exclude(desired.Matcher{}), made, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.orders.Excludes(tt.order, "Oslo"); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// order is a made-in-Katana order of one row.
func order(id int64, quantity int64) inventory.SourceOrder {
	return inventory.SourceOrder{ID: id, Source: "katana", Rows: []inventory.SourceOrderRow{
		{ID: id * 10, Variant: 1, Location: 1, Quantity: inventory.Quantity(quantity) * inventory.Scale},
	}}
}

func made(o inventory.SourceOrder) inventory.SourceOrder {
	o.Rows[0].MadeToOrder = true
	return o
}

func changedAt(second int64, o inventory.SourceOrder) inventory.SourceOrder {
	o.Updated = time.Unix(second, 0)
	return o
}

func TestOfTwoReadsTheSmallerOpenQuantityCounts(t *testing.T) {
	orders := desired.Orders{Exclude: []desired.Matcher{{Source: "katana"}}}
	type list = []inventory.SourceOrder
	for _, tt := range []struct {
		name          string
		before, after list
		want          int64
	}{
		{"an order that nothing happens to", list{order(1, 5)}, list{order(1, 5)}, 5},
		{"packed between the reads", list{order(1, 5)}, nil, 0},
		{"made between the reads", nil, list{order(1, 5)}, 0},
		{"partly packed between the reads", list{order(1, 5)}, list{order(1, 2)}, 2},
		{"enlarged between the reads", list{order(1, 2)}, list{order(1, 5)}, 2},
		{"two orders", list{order(1, 5), order(2, 1)}, list{order(2, 1), order(1, 5)}, 6},
		{"an order that is listed twice", list{order(1, 5), order(1, 5)}, list{order(1, 5), order(1, 5)}, 5},
		{"changed just now, so the inventory may not hold it yet", list{changedAt(1001, order(1, 5))}, list{changedAt(1001, order(1, 5))}, 0},
		{"changed long since", list{changedAt(999, order(1, 5))}, list{changedAt(999, order(1, 5))}, 5},
		{"changed between the reads and back again", list{changedAt(999, order(1, 5))}, list{changedAt(1002, order(1, 5))}, 0},
		{"made to order, so its ingredients may be committed instead", list{made(order(1, 5))}, list{made(order(1, 5))}, 0},
		{"an order of the second read that counts", list{order(1, 5)}, list{{ID: 1, Source: "api", Rows: order(1, 5).Rows}}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := desired.Excluded{}
			if tt.want > 0 {
				want[inventory.StockKey{Variant: 1, Location: 1}] = inventory.Quantity(tt.want) * inventory.Scale
			}
			if got := desired.Exclude(orders, tt.before, tt.after, time.Unix(1000, 0), func(inventory.SourceLocationID) string { return "" }); !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestPropertyLeavingOrdersOutNeverOffersMoreThanIsInStock(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		quantity := func(label string, least, most int64) inventory.Quantity {
			return inventory.Quantity(rapid.Int64Range(least, most).Draw(rt, label)) * inventory.Scale / 4
		}
		stock := inventory.Stock{Variant: 1, Location: 1, InStock: quantity("in stock", -20, 80), Committed: quantity("committed", -4, 80)}
		out := quantity("excluded", 0, 120)
		snap := &inventory.Snapshot{Variants: []inventory.SourceVariant{{ID: 1, SKU: "A"}}, Stock: []inventory.Stock{stock}}
		levels := []inventory.Level{{Key: inventory.Key{Store: "main", Item: 1, Location: 1}, SKU: "A", Active: true}}
		rules := desired.Rules{
			Feeds:    desired.Feeds{1: {Sources: []inventory.SourceLocationID{1}}},
			Excluded: desired.Excluded{{Variant: 1, Location: 1}: out},
		}
		got := desired.NewCatalogue(snap, nil).Figures(levels, rules, nil)[0].Units
		all := desired.NewCatalogue(snap, nil).Figures(levels, desired.Rules{Feeds: rules.Feeds}, nil)[0].Units
		if got > max(stock.InStock.Floor(), 0) || got < all {
			rt.Fatalf("in stock %s, committed %s, of which %s does not count: got %d, with all orders %d", stock.InStock, stock.Committed, out, got, all)
		}
		if want := max((stock.InStock - max(stock.Committed-out, 0)).Floor(), 0); got != want {
			rt.Fatalf("in stock %s, committed %s, of which %s does not count: got %d, want %d", stock.InStock, stock.Committed, out, got, want)
		}
	})
}
