package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var katanaStart = time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)

// handClock is a clock that only the test moves.
type handClock struct{ at time.Time }

func (c *handClock) now() time.Time { return c.at }

// busyKatana is a small world in which everything that Katana lists is there
// at least once: locations, a material, a kit of it, a service, deleted and
// archived twins, orders in several states, fulfilments and movements.
func busyKatana(t *testing.T) (*World, *handClock) {
	t.Helper()
	clock := &handClock{katanaStart}
	w := NewWorld(Options{Now: clock.now, KatanaPerMinute: 1000})
	for _, name := range []string{"Main warehouse", "Oslo"} {
		clock.at = clock.at.Add(time.Hour)
		w.AddLocation(KatanaLocation{Name: name, LegalName: "Acme OÜ"})
	}
	for _, p := range []Product{
		{Name: "Box", Kind: kindMaterial, Variants: []Variant{{SKU: "BOX", Stock: map[string]string{"Main warehouse": "7.5"}}}},
		{Name: "Mug", Variants: []Variant{
			{SKU: "MUG-BLUE", Price: "12.50", Stock: map[string]string{"Main warehouse": "40", "Oslo": "-2"}},
			{SKU: "", Stock: map[string]string{"Main warehouse": "1"}},
			{SKU: "MUG-GONE", Deleted: true},
		}},
		{Name: "Gift set", Kit: true, Variants: []Variant{{SKU: "SET", BOM: []Ingredient{{"BOX", "1"}, {"MUG-BLUE", "2"}}}}},
		{Name: "Engraving", Kind: kindService, Variants: []Variant{{SKU: "ENGRAVE"}}},
		{Name: "Old mug", Archived: true, Variants: []Variant{{SKU: "MUG-OLD", Stock: map[string]string{"Oslo": "3"}}}},
		{Name: "Lost mug", Deleted: true, Variants: []Variant{{SKU: "MUG-LOST"}}},
	} {
		clock.at = clock.at.Add(time.Hour)
		if _, err := w.AddProduct(p); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range []Event{
		SalesOrderPlaced{Order: "SO-1", Lines: []Line{{"MUG-BLUE", "5"}, {"SET", "2"}}},
		SalesOrderPlaced{Order: "SO-2", Location: "Oslo", Lines: []Line{{"MUG-BLUE", "1"}}},
		SalesOrderPlaced{Order: "SO-3", Lines: []Line{{"MUG-BLUE", "9"}}, Quote: true},
		OrderPacked{Order: "SO-1", Lines: []Line{{"MUG-BLUE", "2"}}},
		OrderDelivered{Order: "SO-2"},
		SalesOrderPlaced{Order: "SO-4", Lines: []Line{{"SET", "1"}}},
		OrderDelivered{Order: "SO-4"},
		MakeOrderPlaced{Order: "MO-1", SKU: "SET", Quantity: "1"},
		SalesOrderPlaced{Order: "B2B-1", Lines: []Line{{"SET", "3"}}, Customer: 600077, RowsAt: "Oslo", MadeToOrder: true},
		SalesOrderPlaced{Order: "311", Lines: []Line{{"MUG-BLUE", "1"}}, Source: "woo", Platform: "wooCommerce", Shop: "shop.example.com"},
	} {
		clock.at = clock.at.Add(time.Hour)
		if err := w.Do(e); err != nil {
			t.Fatal(err)
		}
	}
	clock.at = clock.at.Add(time.Hour)
	return w, clock
}

// askKatana asks with the right key.
func askKatana(t testing.TB, handler http.Handler, target string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	request.Header.Set("Authorization", "Bearer sandbox-katana-key")
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, request)
	return rec
}

// katanaRow is a row of any list, figures as they were written.
type katanaRow map[string]any

func (r katanaRow) id() int64 {
	n, _ := strconv.ParseInt(fmt.Sprint(r["id"]), 10, 64)
	return n
}

func listKatana(t *testing.T, handler http.Handler, target string) []katanaRow {
	t.Helper()
	rec := askKatana(t, handler, target)
	if rec.Code != http.StatusOK {
		t.Fatalf("%s: got %d %s", target, rec.Code, rec.Body)
	}
	var list struct{ Data []katanaRow }
	decoder := json.NewDecoder(rec.Body)
	decoder.UseNumber()
	if err := decoder.Decode(&list); err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	if list.Data == nil {
		t.Fatalf("%s: data is null, want a list", target)
	}
	return list.Data
}

func columnOf(rows []katanaRow, name string) []string {
	values := make([]string, len(rows))
	for i, row := range rows {
		values[i] = fmt.Sprint(row[name])
	}
	return values
}

// orderedColumn sorts what was created at one time and so comes in any order.
func orderedColumn(rows []katanaRow, name string) []string {
	values := columnOf(rows, name)
	for from, to := 0, 0; from < len(rows); from = to {
		for to = from + 1; to < len(rows) && rows[to]["created_at"] == rows[from]["created_at"]; to++ {
		}
		slices.Sort(values[from:to])
	}
	return values
}

func TestKatanaListsWhatTheFiltersLetThrough(t *testing.T) {
	w, _ := busyKatana(t)
	handler := w.Katana()
	for _, tc := range []struct {
		name, target, column string
		want                 []string
	}{
		{"one location by name", "/v1/locations?name=Oslo", "name", []string{"Oslo"}},
		{"the primary location", "/v1/locations?is_primary=TRUE", "name", []string{"Main warehouse"}},
		{"live variants, the newest first, none of a service", "/v1/variants", "sku", []string{"SET", "<nil>", "MUG-BLUE", "BOX"}},
		{"archived variants on request", "/v1/variants?include_archived=true", "sku", []string{"MUG-OLD", "SET", "<nil>", "MUG-BLUE", "BOX"}},
		{"deleted variants on request", "/v1/variants?include_deleted=true", "sku", []string{"MUG-LOST", "SET", "<nil>", "MUG-BLUE", "MUG-GONE", "BOX"}},
		{"variants by several SKUs", "/v1/variants?sku=BOX&sku=SET", "sku", []string{"SET", "BOX"}},
		{"variants by several ids", "/v1/variants?ids=71001&ids=71002", "sku", []string{"MUG-BLUE", "BOX"}},
		{"variants of materials", "/v1/variants?type=material", "sku", []string{"BOX"}},
		{"variants of a product", "/v1/variants?product_id=31003", "sku", []string{"SET"}},
		{"a material is no product", "/v1/variants?product_id=31001", "sku", nil},
		{"a misspelt filter filters nothing", "/v1/variants?skus=BOX", "sku", []string{"SET", "<nil>", "MUG-BLUE", "BOX"}},
		{"live products", "/v1/products", "name", []string{"Gift set", "Mug"}},
		{"kits", "/v1/products?is_auto_assembly=true", "name", []string{"Gift set"}},
		{"archived and deleted products", "/v1/products?include_archived=true&include_deleted=true", "name", []string{"Lost mug", "Old mug", "Gift set", "Mug"}},
		{"materials know no assembly filter", "/v1/materials?is_auto_assembly=true", "name", []string{"Box"}},
		{"services", "/v1/services", "name", []string{"Engraving"}},
		{"what a kit is made of", "/v1/bom_rows?product_variant_id=71005", "ingredient_variant_id", []string{"71001", "71002"}},
		{"sales orders, the newest first", "/v1/sales_orders", "order_no", []string{"311", "B2B-1", "SO-4", "SO-3", "SO-2", "SO-1"}},
		{"sales orders of one status", "/v1/sales_orders?status=PARTIALLY_PACKED", "order_no", []string{"SO-1"}},
		{"sales orders at a location", "/v1/sales_orders?location_id=2202", "order_no", []string{"SO-2"}},
		{"sales orders of one customer", "/v1/sales_orders?customer_id=600077", "order_no", []string{"B2B-1"}},
		{"sales orders without a name share a customer", "/v1/sales_orders?customer_id=600001", "order_no", []string{"311", "SO-4", "SO-3", "SO-2", "SO-1"}},
		{"sales orders of one platform", "/v1/sales_orders?ecommerce_order_type=wooCommerce", "ecommerce_store_name", []string{"shop.example.com"}},
		{"sales orders by how they were made", "/v1/sales_orders?source=woo", "ecommerce_order_id", []string{"311"}},
		{"rows of two orders", "/v1/sales_order_rows?sales_order_ids=880002&sales_order_ids=880003", "sales_order_id", []string{"880003", "880002"}},
		{"rows at a location, by their order", "/v1/sales_order_rows?location_id=2202", "sales_order_id", []string{"880005", "880002"}},
		{"a row that has another location than its order", "/v1/sales_order_rows?sales_order_ids=880005", "location_id", []string{"2202"}},
		{"a row that is made to order", "/v1/sales_order_rows?linked_manufacturing_order_id=500003", "sales_order_id", []string{"880005"}},
		{"what was packed", "/v1/sales_order_fulfillments?status=PACKED", "sales_order_id", []string{"880001"}},
		{"manufacturing orders for a delivered kit and a promised one, and one for stock", "/v1/manufacturing_orders", "status", []string{"NOT_STARTED", "NOT_STARTED", "DONE"}},
		{"those that serve a sales order", "/v1/manufacturing_orders?is_linked_to_sales_order=true", "order_no", []string{"B2B-1 / 1", "SO-4 / 990005"}},
		{"ingredients that were used up", "/v1/manufacturing_order_recipe_rows?manufacturing_order_id=500001", "total_actual_quantity", []string{"1.0000000000", "2.0000000000"}},
		{"ingredients that are still to be used", "/v1/manufacturing_order_recipe_rows?manufacturing_order_id=500002", "total_remaining_quantity", []string{"1", "2"}},
		{"movements of one variant", "/v1/inventory_movements?variant_ids=71002", "quantity_change", []string{"-2", "-1", "-2", "-2", "40"}},
		{"inventory of one location leaves archived and services out", "/v1/inventory?location_id=2202&variant_id=71002&variant_id=71006&variant_id=71007", "quantity_in_stock", []string{"-3.00000"}},
		{"inventory with archived", "/v1/inventory?location_id=2202&variant_id=71007&include_archived=true", "quantity_in_stock", []string{"3.00000"}},
		{"inventory where nothing ever happened", "/v1/inventory?location_id=2202&variant_id=71001", "quantity_in_stock", []string{"0.00000"}},
		{"inventory of an unknown location", "/v1/inventory?location_id=7", "quantity_in_stock", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := orderedColumn(listKatana(t, handler, tc.target), tc.column)
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestInventoryFiguresAreStringsAndKitsHaveAPotential(t *testing.T) {
	w, _ := busyKatana(t)
	rows := listKatana(t, w.Katana(), "/v1/inventory?location_id=2201&variant_id=71002")
	want := katanaRow{
		"variant_id": json.Number("71002"), "location_id": json.Number("2201"), "safety_stock_level": "0.00000", "reorder_point": "0.00000",
		"average_cost": "4.2500000000", "value_in_stock": "153.0000000000", "quantity_in_stock": "36.00000",
		"quantity_expected": "0.00000", "quantity_potential": nil, "archived_at": nil, "default_storage_bin": nil,
	}
	if len(rows) != 1 {
		t.Fatalf("got %d rows, want 1", len(rows))
	}
	for name, value := range want {
		if rows[0][name] != value {
			t.Errorf("%s: got %v, want %v", name, rows[0][name], value)
		}
	}
	inStock, committed, _ := w.KatanaFigures("MUG-BLUE", "Main warehouse")
	if got := rows[0]["quantity_committed"]; inStock != "36" || got != committed+".00000" {
		t.Errorf("got committed %v, want %s with five decimals", got, committed)
	}
	kit := listKatana(t, w.Katana(), "/v1/inventory?location_id=2201&variant_id=71005")
	_, _, potential := w.KatanaFigures("SET", "Main warehouse")
	if got := kit[0]["quantity_potential"]; potential == "" || got != potential+".00000" {
		t.Errorf("got potential %v, want %s with five decimals", got, potential)
	}
}

func TestAKitOfWhichKatanaTellsNoPotentialIsOfferedFromStock(t *testing.T) {
	w, _ := busyKatana(t)
	kit := Product{Name: "Surprise", Kit: true, NoPotential: true, Variants: []Variant{
		{SKU: "SURPRISE", Stock: map[string]string{"Oslo": "4"}, BOM: []Ingredient{{"BOX", "1"}}},
	}}
	ids, err := w.AddProduct(kit)
	if err != nil {
		t.Fatal(err)
	}
	rows := listKatana(t, w.Katana(), fmt.Sprintf("/v1/inventory?location_id=2202&variant_id=%d", ids[0]))
	if len(rows) != 1 || rows[0]["quantity_potential"] != nil {
		t.Errorf("got %v, want a potential of null", rows)
	}
	if products := listKatana(t, w.Katana(), "/v1/products?is_auto_assembly=true&name=Surprise"); len(products) != 1 {
		t.Errorf("got %v, want Katana to call it a kit all the same", products)
	}
	if got, _ := w.KatanaAvailable("SURPRISE", "Oslo"); got != 4 {
		t.Errorf("%d are available, want the 4 in stock", got)
	}
}

func TestOfSeveralVariantsWithOneSKUTheNewestLiveOneStandsForIt(t *testing.T) {
	w, clock := busyKatana(t)
	twin := func(stock string, created time.Time, archived bool) Product {
		return Product{Name: "Twin", Created: created, Archived: archived, Variants: []Variant{{SKU: "TWIN", Stock: map[string]string{"Oslo": stock}}}}
	}
	for _, p := range []Product{twin("1", clock.at.Add(-time.Hour), false), twin("2", clock.at.Add(-2*time.Hour), false), twin("3", clock.at, true)} {
		if _, err := w.AddProduct(p); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := w.KatanaAvailable("TWIN", "Oslo"); got != 1 {
		t.Errorf("%d are available, want the 1 of the newest that is not archived", got)
	}
}

func TestQuantitiesOutsideOfInventoryAreNumbers(t *testing.T) {
	w, _ := busyKatana(t)
	for target, column := range map[string]string{
		"/v1/sales_order_rows": "quantity", "/v1/bom_rows": "quantity", "/v1/inventory_movements": "balance_after",
	} {
		for _, row := range listKatana(t, w.Katana(), target) {
			if _, ok := row[column].(json.Number); !ok {
				t.Errorf("%s: got %s %#v, want a number", target, column, row[column])
			}
		}
	}
}

func TestNestedOrderRowsHideDeletedOnes(t *testing.T) {
	w, clock := busyKatana(t)
	w.lock()
	deleted := w.katana.orders[0].rows[1]
	deleted.remove(clock.at)
	w.mu.Unlock()
	orders := listKatana(t, w.Katana(), "/v1/sales_orders?include_deleted=true&order_no=SO-1")
	if nested := orders[0]["sales_order_rows"].([]any); len(nested) != 1 {
		t.Errorf("got %d nested rows, want the live one", len(nested))
	}
	since := url.QueryEscape(clock.at.Format(time.RFC3339Nano))
	rows := listKatana(t, w.Katana(), "/v1/sales_order_rows?include_deleted=true&updated_at_min="+since)
	if len(rows) != 1 || rows[0].id() != deleted.id || rows[0]["deleted_at"] == nil {
		t.Errorf("got %v, want the tombstone", rows)
	}
	if rows := listKatana(t, w.Katana(), "/v1/sales_order_rows?updated_at_min="+since); len(rows) != 0 {
		t.Errorf("got %v without include_deleted, want nothing", rows)
	}
}

func TestDateBoundsIncludeTheMillisecondThatWasShown(t *testing.T) {
	w, _ := busyKatana(t)
	handler := w.Katana()
	products := listKatana(t, handler, "/v1/products")
	shown := products[0]["updated_at"].(string)
	if _, err := time.Parse("2006-01-02T15:04:05.000Z", shown); err != nil {
		t.Fatalf("got updated_at %q, want UTC with milliseconds", shown)
	}
	for query, want := range map[string]int{
		"updated_at_min=" + shown: 1, "updated_at_max=" + shown: 2, "created_at_min=" + shown: 1,
		"updated_at_min=2026-03-04": 2, "updated_at_min=2099-01-01T00:00:00Z": 0, "created_at_max=2020-01-01": 0,
	} {
		if got := len(listKatana(t, handler, "/v1/products?"+query)); got != want {
			t.Errorf("%s: got %d products, want %d", query, got, want)
		}
	}
}

func TestExtendedRowsCarryTheirObjects(t *testing.T) {
	w, _ := busyKatana(t)
	variant := listKatana(t, w.Katana(), "/v1/variants?sku=SET&extend=product_or_material")[0]
	if item, ok := variant["product_or_material"].(map[string]any); !ok || item["is_auto_assembly"] != true {
		t.Errorf("got %v, want the kit's product", variant["product_or_material"])
	}
	row := listKatana(t, w.Katana(), "/v1/inventory?variant_id=71002&location_id=2201&extend=variant&extend=location")[0]
	if row["variant"].(map[string]any)["sku"] != "MUG-BLUE" || row["location"].(map[string]any)["name"] != "Main warehouse" {
		t.Errorf("got %v and %v, want both objects", row["variant"], row["location"])
	}
}

// plainKatana has n variants of one product each, and two locations.
func plainKatana(t testing.TB, n int, opts Options) *World {
	t.Helper()
	w := NewWorld(opts)
	w.AddLocation(KatanaLocation{Name: "Main warehouse"})
	w.AddLocation(KatanaLocation{Name: "Oslo"})
	for i := range n {
		sku := fmt.Sprintf("SKU-%06d", i)
		if _, err := w.AddProduct(Product{Name: sku, Variants: []Variant{{SKU: sku, Stock: map[string]string{"Main warehouse": "5"}}}}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func TestPagesTellWhatTheyAreInStrings(t *testing.T) {
	handler := plainKatana(t, 120, Options{}).Katana()
	for _, tc := range []struct {
		name, target string
		rows         int
		want         string
	}{
		{"fifty by default", "/v1/variants", 50, `{"total_records":"120","total_pages":"3","offset":"0","page":"1","first_page":"true","last_page":"false"}`},
		{"the last page", "/v1/variants?page=3", 20, `{"total_records":"120","total_pages":"3","offset":"100","page":"3","first_page":"false","last_page":"true"}`},
		{"past the end", "/v1/variants?page=9&limit=50", 0, `{"total_records":"120","total_pages":"3","offset":"400","page":"9","first_page":"false","last_page":"true"}`},
		{"all at once", "/v1/variants?limit=250", 120, `{"total_records":"120","total_pages":"1","offset":"0","page":"1","first_page":"true","last_page":"true"}`},
		{"nothing to list", "/v1/sales_orders", 0, `{"total_records":"0","total_pages":"0","offset":"0","page":"1","first_page":"true","last_page":"true"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec := askKatana(t, handler, tc.target)
			if got := rec.Header().Get("X-Pagination"); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if got := len(listKatana(t, handler, tc.target)); got != tc.rows {
				t.Errorf("got %d rows, want %d", got, tc.rows)
			}
		})
	}
}

func TestPagingOverInventoryRepeatsAndLosesRows(t *testing.T) {
	handler := plainKatana(t, 300, Options{KatanaPerMinute: 1000}).Katana()
	seen := make(map[string]int)
	rows := 0
	for page := 1; page <= 3; page++ {
		for _, row := range listKatana(t, handler, fmt.Sprintf("/v1/inventory?location_id=2201&limit=100&page=%d", page)) {
			seen[fmt.Sprint(row["variant_id"])]++
			rows++
		}
	}
	if rows != 300 || len(seen) == 300 {
		t.Errorf("got %d rows of %d variants in three pages, want 300 rows that do not cover 300 variants", rows, len(seen))
	}
}

func TestOnePageOfInventoryIsCompleteAndLocationsStayInOrder(t *testing.T) {
	handler := plainKatana(t, 120, Options{KatanaPerMinute: 1000}).Katana()
	var orders []string
	for range 3 {
		rows := listKatana(t, handler, "/v1/inventory?limit=250")
		places, variants := columnOf(rows, "location_id"), columnOf(rows, "variant_id")
		if len(rows) != 240 || !slices.IsSorted(places) || places[119] != "2201" || places[120] != "2202" {
			t.Fatalf("got %d rows, want 120 of the older location before 120 of the younger", len(rows))
		}
		orders = append(orders, strings.Join(variants[:120], " "))
		slices.Sort(variants)
		if got := len(slices.Compact(variants)); got != 120 {
			t.Errorf("got %d variants, want each of the 120", got)
		}
	}
	if orders[0] == orders[1] && orders[1] == orders[2] {
		t.Error("three requests gave the same order within a location, want others")
	}
}

func TestAShuffleMeetsEveryThingOnce(t *testing.T) {
	for n := range 120 {
		for seed := range uint64(20) {
			s := newShuffle(n, seed)
			met := make([]bool, n)
			for p := range n {
				met[s.at(p)] = true
			}
			if slices.Contains(met, false) {
				t.Fatalf("n %d, seed %d: got %v, want each once", n, seed, met)
			}
		}
	}
}

func TestTwoHundredFiftyIdsFitIntoOneRequest(t *testing.T) {
	w := plainKatana(t, 1, Options{})
	target := "/v1/inventory?limit=250&location_id=2201" + strings.Repeat("&variant_id=2147483647", 250)
	if rec := askKatana(t, w.Katana(), target); rec.Code != http.StatusOK {
		t.Errorf("got %d for %d bytes, want 200", rec.Code, len(target))
	}
	w.SetKatanaMaxURL(len(target) - 1)
	rec := askKatana(t, w.Katana(), target)
	if rec.Code != http.StatusRequestURITooLong || rec.Header().Get("X-Ratelimit-Limit") != "" {
		t.Errorf("got %d %v, want the edge's 414", rec.Code, rec.Header())
	}
}

func TestManyVariantsPageWithoutOverlap(t *testing.T) {
	handler := plainKatana(t, 25_000, Options{KatanaPerMinute: 1_000_000}).Katana()
	seen := make(map[int64]bool)
	last := int64(1 << 40)
	for page := 1; page <= 100; page += 5 {
		for _, row := range listKatana(t, handler, fmt.Sprintf("/v1/variants?limit=250&page=%d", page)) {
			if row.id() >= last {
				t.Fatalf("page %d: got variant %d after %d, want the newest first", page, row.id(), last)
			}
			last = row.id()
			seen[last] = true
		}
	}
	if len(seen) != 20*250 {
		t.Errorf("got %d variants in 20 pages, want 5000", len(seen))
	}
}

func BenchmarkKatanaPage(b *testing.B) {
	handler := plainKatana(b, 100_000, Options{KatanaPerMinute: 1 << 40}).Katana()
	chunk := "/v1/inventory?limit=250&location_id=2201"
	for id := 71001; id < 71251; id++ {
		chunk += "&variant_id=" + strconv.Itoa(id)
	}
	for name, target := range map[string]string{
		"variants": "/v1/variants?limit=250&page=200", "products": "/v1/products?limit=250&page=200",
		"inventory": "/v1/inventory?limit=250&page=500", "chunk": chunk,
		"movements": "/v1/inventory_movements?limit=250&updated_at_min=2099-01-01",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if rec := askKatana(b, handler, target); rec.Code != http.StatusOK {
					b.Fatal(rec.Code, rec.Body)
				}
			}
		})
	}
}
