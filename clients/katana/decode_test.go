package katana

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/inventory"
)

func TestAQuantityIsExactWhicheverWayItIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := int64(inventory.MaxQuantity)
		want := inventory.Quantity(rapid.Int64Range(-most, most).Draw(t, "quantity"))
		for _, text := range []string{want.String(), `"` + want.String() + `"`} {
			f := &fields{}
			if got := f.quantity("q", token(text)); got != want || f.err != nil {
				t.Fatalf("got %s, %v, want %s", got, f.err, want)
			}
		}
	})
}

func TestTextIsReadLikeJSON(t *testing.T) {
	for text, want := range map[string]string{
		`"MUG"`: "MUG", `"M\u00dcG"`: "MÜG", `"a\\b"`: `a\b`, `42`: "42", `null`: "", `true`: "true", "\"\xff\"": "\ufffd",
	} {
		f := &fields{}
		if got := f.text("sku", token(text)); got != want || f.err != nil {
			t.Errorf("%s: got %q, %v, want %q", text, got, f.err, want)
		}
	}
}

// FuzzDecode: whatever comes, a list is read or refused, and what was read has
// its needed fields.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"data":[{"variant_id":71001,"location_id":2201,"quantity_in_stock":"40.00000","quantity_committed":12,"quantity_potential":null}]}`,
		`{"data":[{"variant_id":1,"location_id":2,"quantity_in_stock":"999999999.00000","quantity_committed":"1e999"}]}`,
		`{"data":[{"id":71002,"sku":"KIT","product_id":31002,"material_id":null,"created_at":"2026-02-01T08:00:00.000Z"}]}`,
		`{"data":[{"id":1,"is_auto_assembly":true,"variants":[{"id":2,"sku":null,"created_at":"2026-02-01T08:00:00Z"}]}]}`,
		`{"data":[{"id":1,"name":"Main","sales_allowed":"true"}]}`,
		`{"data":[{"id":"0b9f2c1e-5d0a-4a51-9a34-6f0d6a1f2b10","product_variant_id":71002,"ingredient_variant_id":71001,"quantity":2}]}`,
		`{"data":[{"id":"a","product_variant_id":"71002","ingredient_variant_id":"71001","quantity":"-2.5"},{"id":"b","product_variant_id":7,"quantity":null}]}`,
		`{"data":[{"id":5,"status":"PACKED","created_at":"2026-02-01T08:00:00Z","updated_at":"2026-02-01T08:00:00Z","location_id":1,"sales_order_rows":[{"id":1,"variant_id":2,"quantity":"1"}]}]}`,
		`{"error":{"statusCode":422,"name":"X","details":[{"path":".variant_id","code":"maxItems"}]}}`,
		`{"total_records":"142"}`, `{"data":null}`, `[]`, `{"data":[null]}`, `{"data":[{"id":"\u0000"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		at := []inventory.SourceLocationID{2, 2201}
		stock, err := decodeList(body, func(f *fields, w *stockWire) inventory.Stock { return readStockAt(f, w, at) })
		for _, s := range stock {
			known := s == inventory.Stock{Variant: s.Variant, Location: s.Location, TooLarge: true} || !s.TooLarge
			elsewhere := !slices.Contains(at, s.Location) && s != inventory.Stock{Variant: s.Variant, Location: s.Location}
			if err != nil || s.Variant <= 0 || s.Location <= 0 || !known || elsewhere {
				t.Errorf("got %+v, %v", s, err)
			}
		}
		variants, err := decodeList(body, readVariant)
		for _, v := range variants {
			if err != nil || v.ID <= 0 || v.Created.IsZero() && !strings.Contains(string(body), "0001") || v.SKU != inventory.TrimSKU(string(v.SKU)) {
				t.Errorf("got %+v, %v", v, err)
			}
		}
		orders, err := decodeList(body, readOrder)
		for _, o := range orders {
			for _, row := range o.Rows {
				if err != nil || o.ID <= 0 || row.ID <= 0 || row.Variant <= 0 || row.Location <= 0 {
					t.Errorf("got %+v, %v", o, err)
				}
			}
		}
		recipes, err := decodeList(body, func(f *fields, w *recipeRowWire) recipeRow {
			return readRecipeRow(f, w, []inventory.SourceVariantID{7, 71002})
		})
		for _, r := range recipes {
			if err != nil || r.id == "" || r.Product <= 0 || !r.other && (r.Variant <= 0 || r.Quantity < 0) {
				t.Errorf("got %+v, %v", r, err)
			}
		}
		_, _ = decodeList(body, readProduct)
		_, _ = decodeList(body, readMaterial)
		_, _ = decodeList(body, readService)
		_, _ = decodeList(body, readLocation)
		if total, err := promisedTotal(string(body)); total < 0 || (err != nil && total != 0) {
			t.Errorf("got a total of %d, %v", total, err)
		}
		if parsed, ok := parseError(body); ok && len(parsed.text()) > 600 {
			t.Errorf("got an error of %d bytes", len(parsed.text()))
		}
	})
}

func BenchmarkDecodeInventoryPage(b *testing.B) {
	row := `{"variant_id":71001,"location_id":2201,"safety_stock_level":"0.00000","reorder_point":"0.00000","average_cost":"4.2500000000","value_in_stock":"170.0000000000","quantity_in_stock":"40.00000","quantity_committed":"12.00000","quantity_expected":"0.00000","quantity_missing_or_excess":"28.00000","quantity_potential":null,"archived_at":null,"default_storage_bin":null}`
	body := []byte(`{"data":[` + strings.Repeat(row+",", 249) + row + `]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	read := func(f *fields, w *stockWire) inventory.Stock {
		return readStockAt(f, w, []inventory.SourceLocationID{2201})
	}
	for b.Loop() {
		if rows, err := decodeList(body, read); err != nil || len(rows) != 250 {
			b.Fatal(len(rows), err)
		}
	}
}
