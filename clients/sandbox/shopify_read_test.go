package sandbox

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const variantsPage = `query V($first: Int!, $after: String, $query: String) {
  productVariants(first: $first, after: $after, query: $query, sortKey: ID) {
    nodes { id sku inventoryItem { id inventoryLevels(first: 3, includeInactive: true) {
      nodes { isActive location { id } quantities(names: ["available"]) { name quantity } } pageInfo { hasNextPage endCursor } } } }
    pageInfo { hasNextPage endCursor }
  }
}`

// manyListings is a store with n listings at three locations.
func manyListings(t testing.TB, n int) *World {
	t.Helper()
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	w := NewWorld(Options{Now: func() time.Time { return at }, Stores: []StoreOptions{{BucketSize: 1e9}}})
	for _, name := range []string{"A", "B", "C"} {
		must(w.AddStoreLocation("", StoreLocation{Name: name}))(t)
	}
	for i := range n {
		must(w.AddListing("", Listing{SKU: fmt.Sprintf("SKU-%d", i), Product: fmt.Sprint(i / 4), Levels: []Level{{Location: "A", Available: i}, {Location: "B"}, {Location: "C"}}}))(t)
	}
	return w
}

// walk pages through all variants and returns their SKUs.
func walk(t testing.TB, w *World, first int) []string {
	t.Helper()
	shop, skus, after := w.Shopify(""), []string(nil), any(nil)
	for {
		page := ask(t, shop, variantsPage, map[string]any{"first": first, "after": after})
		nodes, _ := page.at(t, "productVariants", "nodes").([]any)
		for _, node := range nodes {
			skus = append(skus, node.(map[string]any)["sku"].(string))
		}
		if page.at(t, "productVariants", "pageInfo", "hasNextPage") == false {
			return skus
		}
		after = page.at(t, "productVariants", "pageInfo", "endCursor")
	}
}

func TestPagesGoThroughEverythingOnce(t *testing.T) {
	const n = 1003
	skus := walk(t, manyListings(t, n), 250)
	if len(skus) != n {
		t.Errorf("%d variants, want %d", len(skus), n)
	}
	for i, sku := range skus {
		if want := fmt.Sprintf("SKU-%d", i); sku != want {
			t.Fatalf("variant %d is %s, want %s", i, sku, want)
		}
	}
}

func TestAnotherThingAddedOrDeletedWhilePagingLosesNothing(t *testing.T) {
	w := manyListings(t, 10)
	page := ask(t, w.Shopify(""), variantsPage, map[string]any{"first": 5})
	if err := w.Do(ListingDeleted{SKU: "SKU-4"}); err != nil { // the one the cursor stands on
		t.Fatal(err)
	}
	must(w.AddListing("", Listing{SKU: "NEW"}))(t)
	page = ask(t, w.Shopify(""), variantsPage, map[string]any{"first": 5, "after": page.at(t, "productVariants", "pageInfo", "endCursor")})
	var got []string
	for _, node := range page.at(t, "productVariants", "nodes").([]any) {
		got = append(got, node.(map[string]any)["sku"].(string))
	}
	if want := []string{"SKU-5", "SKU-6", "SKU-7", "SKU-8", "SKU-9"}; !slices.Equal(got, want) {
		t.Errorf("the second page has %v, want %v", got, want)
	}
}

func TestPagingEndsAtItsDepth(t *testing.T) {
	w := manyListings(t, 12)
	w.stores[0].opts.PagingDepth = 10
	page := ask(t, w.Shopify(""), variantsPage, map[string]any{"first": 6})
	page = ask(t, w.Shopify(""), variantsPage, map[string]any{"first": 6, "after": page.at(t, "productVariants", "pageInfo", "endCursor")})
	if page.code() != "BAD_REQUEST" {
		t.Errorf("beyond the depth: %s", page.body)
	}
}

func TestASearchForASKUIsNoExactMatch(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	for _, sku := range []string{"mug-blue", "MUG-BLUE-350", "BOWL-BLUE"} {
		must(w.AddListing("", Listing{SKU: sku}))(t)
	}
	page := ask(t, w.Shopify(""), variantsPage, map[string]any{"first": 10, "query": "sku:MUG-BLUE"})
	if nodes, _ := page.at(t, "productVariants", "nodes").([]any); len(nodes) != 2 {
		t.Errorf("%d variants found, want both that have the words in any case", len(nodes))
	}
}

func TestAVariantTellsItsProductItsOptionsAndWhereItIsFrom(t *testing.T) {
	w := NewWorld(Options{})
	for _, l := range []Listing{
		{SKU: "A", Product: "Harbour mug, 350 ml!", Title: "Blue / 350 ml", HSCode: "691200", Origin: "EE"},
		{SKU: "B", Product: "Harbour mug (350 ml)", Options: []Option{{"Glaze", "Oat"}, {"", "1 / 2 l"}}},
		{SKU: "C", Product: "Öö & päev"},
		{SKU: "D", Product: "Harbour mug, 350 ml!", Title: "Oat / 350 ml"},
		{SKU: "E", Product: "Mug", Handle: "old-mug"},
		{SKU: "F", Product: "Mug"},
		{SKU: "G", Product: "Mug of today", Handle: "old-mug"},
		{SKU: "H", Product: "?!"},
	} {
		must(w.AddListing("", l))(t)
	}
	got := ask(t, w.Shopify(""), `{ productVariants(first: 10) { nodes { sku title product { id handle title } selectedOptions { name value } inventoryItem { harmonizedSystemCode countryCodeOfOrigin } } } }`, nil)
	nodes, _ := got.at(t, "productVariants", "nodes").([]any)
	var lines []string
	for i := range nodes {
		of := func(path ...any) any { return got.at(t, append([]any{"productVariants", "nodes", i}, path...)...) }
		line := fmt.Sprintf("%v %v, %v: %v", of("sku"), of("product", "handle"), of("product", "title"), of("title"))
		options, _ := of("selectedOptions").([]any)
		for j := range options {
			line += fmt.Sprintf(" [%v: %v]", of("selectedOptions", j, "name"), of("selectedOptions", j, "value"))
		}
		lines = append(lines, fmt.Sprintf("%s %v %v", line, of("inventoryItem", "harmonizedSystemCode"), of("inventoryItem", "countryCodeOfOrigin")))
	}
	want := []string{
		"A harbour-mug-350-ml, Harbour mug, 350 ml!: Blue / 350 ml [Option 1: Blue] [Option 2: 350 ml] 691200 EE",
		"B harbour-mug-350-ml-1, Harbour mug (350 ml): Oat / 1 / 2 l [Glaze: Oat] [Option 2: 1 / 2 l] <nil> <nil>",
		"C öö-päev, Öö & päev: Default Title [Title: Default Title] <nil> <nil>",
		"D harbour-mug-350-ml, Harbour mug, 350 ml!: Oat / 350 ml [Option 1: Oat] [Option 2: 350 ml] <nil> <nil>",
		"E old-mug, Mug: Default Title [Title: Default Title] <nil> <nil>",
		"F old-mug, Mug: Default Title [Title: Default Title] <nil> <nil>",
		"G old-mug, Mug: Default Title [Title: Default Title] <nil> <nil>",
		"H product, ?!: Default Title [Title: Default Title] <nil> <nil>",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

func TestNodesComeInTheOrderAskedWithNullForUnknownOnes(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	got := ask(t, w.Shopify(""), `query N($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on InventoryItem { sku variants(first: 1) { nodes { id } } } } }`,
		map[string]any{"ids": []string{"gid://shopify/InventoryItem/5", w.mug.Item, w.oslo}})
	if got.at(t, "nodes", 0) != nil || got.at(t, "nodes", 1, "sku") != "MUG" || got.at(t, "nodes", 2, "__typename") != "Location" {
		t.Error(got.body)
	}
	if got.at(t, "nodes", 1, "variants", "nodes", 0, "id") != w.mug.Variant {
		t.Error(got.body)
	}
}

func TestLocationsHideDeactivatedOnesAndAppsUnlessAsked(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	must(w.AddStoreLocation("", StoreLocation{Name: "Closed", Inactive: true}))(t)
	must(w.AddStoreLocation("", StoreLocation{Name: "App", FulfillmentService: true}))(t)
	for arguments, want := range map[string][]string{
		"": {"Oslo", "Pärnu"}, ", includeInactive: true": {"Closed", "Oslo", "Pärnu"},
		", includeInactive: true, includeLegacy: true": {"App", "Closed", "Oslo", "Pärnu"},
	} {
		got := ask(t, w.Shopify(""), `{ locations(first: 10`+arguments+`) { nodes { name } } }`, nil)
		var names []string
		for _, node := range got.at(t, "locations", "nodes").([]any) {
			names = append(names, node.(map[string]any)["name"].(string))
		}
		if !slices.Equal(names, want) {
			t.Errorf("%q: %v, want %v", arguments, names, want)
		}
	}
}

func TestOpenOrdersShowWhatIsLeftToShip(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	for _, e := range []Event{
		OrderPlaced{Order: "#1001", Lines: []Line{{"MUG", "3"}}},
		OrderDelivered{Order: "#1001", Lines: []Line{{"MUG", "1"}}},
	} {
		if err := w.Do(e); err != nil {
			t.Fatal(err)
		}
	}
	got := ask(t, w.Shopify(""), `{ orders(first: 5, sortKey: UPDATED_AT, query: "updated_at:>='2026-11-24T08:00:00Z'") { nodes { name closed cancelledAt
		fulfillmentOrders(first: 1) { nodes { status assignedLocation { location { id } } lineItems(first: 5) { nodes { totalQuantity remainingQuantity inventoryItemId sku } } } } } } }`, nil)
	line := map[string]any{"totalQuantity": 3.0, "remainingQuantity": 2.0, "inventoryItemId": w.mug.Item, "sku": "MUG"}
	if order := got.at(t, "orders", "nodes", 0, "fulfillmentOrders", "nodes", 0); order.(map[string]any)["status"] != "IN_PROGRESS" {
		t.Error(got.body)
	}
	if have := got.at(t, "orders", "nodes", 0, "fulfillmentOrders", "nodes", 0, "lineItems", "nodes", 0); !reflect.DeepEqual(have, line) {
		t.Errorf("line %v, want %v", have, line)
	}
	if err := w.Do(ScopesChanged{Scopes: []string{"read_orders"}}); err != nil {
		t.Fatal(err)
	}
	got = ask(t, w.Shopify(""), `{ orders(first: 5) { nodes { fulfillmentOrders(first: 1) { nodes { id } } } } }`, nil)
	if list, _ := got.at(t, "orders", "nodes", 0, "fulfillmentOrders", "nodes").([]any); len(list) != 0 || len(got.Errors) != 0 {
		t.Errorf("without the scope: %s", got.body)
	}
}

// The recorded store has two locations with levels of 4 and 10 pieces; the
// first is deactivated for the second read.
func TestLevelConnectionsReadAsRecorded(t *testing.T) {
	all := recorded(t, "inventory-item-levels-connection-windowing-2026-04.json")
	w := newTiny(t, StoreOptions{})
	recordedLevels := recordedAt(t, all, "operations", "activeRead", "response", "data", "inventoryItem", "activeLevels")["edges"].([]any)
	var pairs []string
	for i, edge := range recordedLevels {
		node := recordedAt(t, edge, "node")
		at := w.stores[0].locations[i]
		level := w.stores[0].listings[0].levels[i]
		pairs = append(pairs, node["id"].(string), level.gid(), recordedAt(t, node, "location")["id"].(string), at.gid())
		pairs = append(pairs, recordedAt(t, node, "item")["id"].(string), w.mug.Item)
		pairs = append(pairs, edge.(map[string]any)["cursor"].(string), "CURSOR"+fmt.Sprint(i))
	}
	item := recordedAt(t, all, "operations", "activeRead", "variables")["inventoryItemId"].(string)
	pairs = append(pairs, "inventory_item_id:"+item[strings.LastIndex(item, "/")+1:], "inventory_item_id:"+fmt.Sprint(w.stores[0].listings[0].itemID))
	rewrite := func(value any) any {
		text, _ := json.Marshal(value)
		var out any
		if err := json.Unmarshal([]byte(strings.NewReplacer(pairs...).Replace(string(text))), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, e := range []Event{LevelSwitched{SKU: "MUG", Location: "Pärnu", On: true}, HandEdit{SKU: "MUG", Location: "Oslo", Available: 4}, HandEdit{SKU: "MUG", Location: "Pärnu", Available: 10}} {
		if err := w.Do(e); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"activeRead", "inactiveRead"} {
		if name == "inactiveRead" {
			if err := w.Do(LevelSwitched{SKU: "MUG", Location: "Oslo"}); err != nil {
				t.Fatal(err)
			}
		}
		e := recordedAt(t, all, "operations", name)
		answer := ask(t, w.Shopify(""), e["query"].(string), rewrite(e["variables"]))
		p := &page{rows: rowsOf("", w.stores[0].listings[0].levels, func(l *level) int64 { return l.id }, nil), to: 2}
		body := strings.NewReplacer(p.cursor(0), "CURSOR0", p.cursor(1), "CURSOR1").Replace(answer.body)
		var got any
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		want := rewrite(e["response"])
		for _, part := range []string{"data", "extensions"} {
			g, r := plain(got.(map[string]any)[part]), plain(want.(map[string]any)[part])
			if part == "extensions" {
				delete(g.(map[string]any), "cost")
				delete(r.(map[string]any), "cost")
			}
			if !reflect.DeepEqual(g, r) {
				have, _ := json.Marshal(g)
				wanted, _ := json.Marshal(r)
				t.Errorf("%s: %s\n%s\nwant\n%s", name, part, have, wanted)
			}
		}
		if cost := answer.Extra.Cost; cost.Requested != 94 {
			t.Errorf("%s: requested %d, want the recorded 94", name, cost.Requested)
		}
	}
}

func BenchmarkVariantsPage(b *testing.B) {
	w := manyListings(b, 10_000)
	shop := w.Shopify("")
	after := any(nil)
	for b.Loop() {
		page := ask(b, shop, variantsPage, map[string]any{"first": 250, "after": after})
		after = page.at(b, "productVariants", "pageInfo", "endCursor")
		if page.at(b, "productVariants", "pageInfo", "hasNextPage") == false {
			after = nil
		}
	}
}

func TestMixedLevelsOfAnItemComeInNoOrderAndEachOnce(t *testing.T) {
	w := manyListings(t, 1)
	w.stores[0].opts.MixLevels = true
	levels := []Level{}
	for i := range 9 {
		name := fmt.Sprint("Shelf ", i)
		must(w.AddStoreLocation("", StoreLocation{Name: name}))(t)
		levels = append(levels, Level{Location: name, Available: i})
	}
	item := must(w.AddListing("", Listing{SKU: "MUG", Levels: levels}))(t).Item
	const document = `query L($id: ID!, $after: String) {
  inventoryItem(id: $id) { inventoryLevels(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }
}`
	orders := map[string]bool{}
	for range 10 {
		var ids []string
		after := any(nil)
		for more := true; more; {
			page := ask(t, w.Shopify(""), document, map[string]any{"id": item, "after": after})
			for _, node := range page.at(t, "inventoryItem", "inventoryLevels", "nodes").([]any) {
				ids = append(ids, node.(map[string]any)["id"].(string))
			}
			more = page.at(t, "inventoryItem", "inventoryLevels", "pageInfo", "hasNextPage").(bool)
			after = page.at(t, "inventoryItem", "inventoryLevels", "pageInfo", "endCursor")
		}
		orders[fmt.Sprint(ids)] = true
		slices.Sort(ids)
		if once := slices.Compact(ids); len(once) != len(levels) {
			t.Errorf("%d levels by pages of 2, want each of %d once", len(once), len(levels))
		}
	}
	if len(orders) < 5 {
		t.Errorf("10 readings came in %d orders", len(orders))
	}
}
