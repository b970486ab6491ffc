package sandbox

import (
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// figure draws a quantity as Katana writes it.
func figure(t *rapid.T, label string) string {
	n := rapid.Int64Range(-10_000_000_000, 10_000_000_000).Draw(t, label)
	return decimal(n).text(5)
}

func exact(t *rapid.T, text any) *big.Rat {
	value, ok := new(big.Rat).SetString(fmt.Sprint(text))
	if !ok {
		t.Fatalf("%v is not a figure", text)
	}
	return value
}

func TestInventoryIsExactWhateverIsInStock(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		w := NewWorld(Options{})
		w.AddLocation(KatanaLocation{Name: "Main warehouse"})
		stock := make(map[string]string)
		n := rapid.IntRange(1, 40).Draw(t, "variants")
		for i := range n {
			sku := fmt.Sprintf("SKU-%d", i)
			stock[sku] = figure(t, sku)
			if _, err := w.AddProduct(Product{Name: sku, Variants: []Variant{{SKU: sku, Stock: map[string]string{"Main warehouse": stock[sku]}}}}); err != nil {
				t.Fatal(err)
			}
		}
		ordered := decimal(rapid.Int64Range(1, 1_000_000_000).Draw(t, "ordered")).text(5)
		if err := w.Do(SalesOrderPlaced{Order: "SO-1", Lines: []Line{{SKU: "SKU-0", Quantity: ordered}}}); err != nil {
			t.Fatal(err)
		}
		rows := listKatana(outer, w.Katana(), "/v1/inventory?limit=250&extend=variant")
		if len(rows) != n {
			t.Fatalf("got %d rows, want %d", len(rows), n)
		}
		for _, row := range rows {
			sku := fmt.Sprint(row["variant"].(map[string]any)["sku"])
			committed := "0.00000"
			if sku == "SKU-0" {
				committed = ordered
			}
			if row["quantity_in_stock"] != stock[sku] || row["quantity_committed"] != committed {
				t.Errorf("%s: got %v and %v, want %s and %s", sku, row["quantity_in_stock"], row["quantity_committed"], stock[sku], committed)
			}
			left := new(big.Rat).Sub(exact(t, row["quantity_in_stock"]), exact(t, row["quantity_committed"]))
			if left.Cmp(exact(t, row["quantity_missing_or_excess"])) != 0 {
				t.Errorf("%s: got %v in excess, want %s", sku, row["quantity_missing_or_excess"], left.FloatString(5))
			}
		}
	})
}

func TestAnyListPagesToItsTotalWhateverTheLimit(outer *testing.T) {
	w := plainKatana(outer, 137, Options{KatanaPerMinute: 1 << 40})
	handler := w.Katana()
	rapid.Check(outer, func(t *rapid.T) {
		limit := rapid.IntRange(10, 250).Draw(t, "limit")
		seen := make(map[int64]bool)
		for page := 1; ; page++ {
			rows := listKatana(outer, handler, fmt.Sprintf("/v1/products?limit=%d&page=%d", limit, page))
			for _, row := range rows {
				seen[row.id()] = true
			}
			if len(rows) < limit {
				break
			}
		}
		if len(seen) != 137 {
			t.Errorf("got %d products by pages of %d, want 137", len(seen), limit)
		}
	})
}

func TestReadersAndEventsMayMeet(t *testing.T) {
	w := plainKatana(t, 60, Options{KatanaPerMinute: 1 << 40})
	handler := w.Katana()
	var meeting sync.WaitGroup
	for _, path := range []string{"/v1/inventory", "/v1/variants", "/v1/sales_orders", "/v1/inventory_movements"} {
		meeting.Go(func() {
			for range 30 {
				if rec := askKatana(t, handler, path); rec.Code != http.StatusOK {
					t.Errorf("%s: got %d", path, rec.Code)
				}
			}
		})
	}
	for i := range 30 {
		order := fmt.Sprintf("SO-%d", i)
		for _, e := range []Event{
			SalesOrderPlaced{Order: order, Lines: []Line{{"SKU-000001", "1"}}},
			OrderPacked{Order: order},
		} {
			if err := w.Do(e); err != nil {
				t.Error(err)
			}
		}
	}
	meeting.Wait()
	inStock, committed, _ := w.KatanaFigures("SKU-000001", "Main warehouse")
	if inStock != "-25" || committed != "0" {
		t.Errorf("got %s in stock and %s committed after 30 packed orders of one from a stock of 5, want -25 and 0", inStock, committed)
	}
}
