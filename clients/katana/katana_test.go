package katana_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stocksyncd/clients/katana"
	"stocksyncd/reconcile/inventory"
)

var day = time.Date(2026, 2, 1, 8, 0, 0, 0, time.UTC)

func units(t *testing.T, text string) inventory.Quantity {
	t.Helper()
	q, err := inventory.ParseQuantity(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

var both = []inventory.SourceLocationID{21, 20, 21}

// stockOf reads what a cycle reads of stock: the locations, the catalogue, and
// the inventory of what is stocked in it.
func stockOf(ctx context.Context, c *katana.Client, at []inventory.SourceLocationID) (*inventory.Snapshot, error) {
	if _, err := c.Locations(ctx); err != nil {
		return nil, err
	}
	variants, err := c.Catalogue(ctx)
	if err != nil {
		return nil, err
	}
	stock, err := c.Inventory(ctx, at, inventory.Stocked(variants))
	if err != nil {
		return nil, err
	}
	return &inventory.Snapshot{Variants: variants, Stock: stock}, nil
}

func TestTheCatalogueAndTheInventoryOfWhatIsLive(t *testing.T) {
	s := shop()
	read(t, s, func(t *testing.T, c *katana.Client) {
		got, err := stockOf(t.Context(), c, both)
		if err != nil {
			t.Fatal(err)
		}
		stock := func(variant, location int, inStock, committed, potential string) inventory.Stock {
			return inventory.Stock{
				Variant: inventory.SourceVariantID(variant), Location: inventory.SourceLocationID(location),
				InStock: units(t, inStock), Committed: units(t, committed), Potential: units(t, potential),
			}
		}
		want := &inventory.Snapshot{
			Variants: []inventory.SourceVariant{
				{ID: 1, SKU: "MUG", Created: day},
				{ID: 2, SKU: "KIT", Created: day, Kit: true},
				{ID: 4, SKU: "WAX", Created: day},
				{ID: 5, SKU: "OLD", Created: day, Archived: true},
				{ID: 7, SKU: "GONE", Created: day, Deleted: true},
				{ID: 8, SKU: "FIT", Created: day, Service: true},
			},
			Stock: []inventory.Stock{
				stock(1, 20, "40", "12", "0"), stock(1, 21, "7", "0.5", "0"),
				stock(2, 20, "1", "3", "9"),
				stock(4, 20, "-2.5", "0", "0"), stock(4, 21, "0", "0", "0"),
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("want −, got +:\n%s", diff)
		}
		// Locations, four lists, and the inventory of both locations at once.
		if n := c.Counts().Count; n != 6 {
			t.Errorf("got %d requests, want 6", n)
		}
	})
	if s.times("/inventory") != 1 {
		t.Errorf("got %d inventory reads, want 1", s.times("/inventory"))
	}
}

// large fills a shop with n products of one variant each, and their stock.
func large(n int) *fake {
	s := shop()
	s.lists["/variants"], s.lists["/products"] = nil, nil
	s.lists["/services"], s.lists["/inventory"] = nil, nil
	for i := 1; i <= n; i++ {
		s.lists["/variants"] = append(s.lists["/variants"], record{"id": i, "sku": "S" + strconv.Itoa(i), "product_id": i, "created_at": created})
		s.lists["/products"] = append(s.lists["/products"], record{"id": i, "is_auto_assembly": false})
		for location := 20; location <= 21; location++ {
			s.lists["/inventory"] = append(s.lists["/inventory"], row(i, location, "1.00000", "0.00000", nil))
		}
	}
	return s
}

func TestAFullReadTakesNoMoreRequestsThanItsPages(t *testing.T) {
	s := large(1001)
	read(t, s, func(t *testing.T, c *katana.Client) {
		got, err := stockOf(t.Context(), c, both)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Variants) != 1001 || len(got.Stock) != 2002 {
			t.Errorf("got %d variants and %d rows, want 1001 and 2002", len(got.Variants), len(got.Stock))
		}
		// 5 pages of variants, 5 of products, services, locations, 2×4 chunks
		// and one of the last variant at both locations; no material is needed.
		if n := c.Counts().Count; n != 5+5+1+1+9 {
			t.Errorf("got %d requests, want 21", n)
		}
	})
}

func TestALocationThatIsGoneHasNoRowsAndIsNotSoldOut(t *testing.T) {
	read(t, shop(), func(t *testing.T, c *katana.Client) {
		got, err := c.Inventory(t.Context(), []inventory.SourceLocationID{99, 21}, []inventory.SourceVariantID{1})
		want := []inventory.Stock{{Variant: 1, Location: 21, InStock: units(t, "7"), Committed: units(t, "0.5")}}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("got %v, want −, got +:\n%s", err, diff)
		}
	})
}

func TestInventoryIsSortedHoweverItIsAskedFor(t *testing.T) {
	s := large(600)
	read(t, s, func(t *testing.T, c *katana.Client) {
		var ids []inventory.SourceVariantID
		for i := 600; i > 0; i-- {
			ids = append(ids, inventory.SourceVariantID(i), inventory.SourceVariantID(601-i))
		}
		asked := slices.Clone(ids)
		got, err := c.Inventory(t.Context(), both, ids)
		if err != nil || len(got) != 1200 {
			t.Fatalf("got %d rows, %v, want 1200", len(got), err)
		}
		for i, row := range got {
			if want := (inventory.StockKey{Variant: inventory.SourceVariantID(i/2 + 1), Location: inventory.SourceLocationID(20 + i%2)}); row.Variant != want.Variant || row.Location != want.Location {
				t.Fatalf("row %d: got variant %d at %d, want %+v", i, row.Variant, row.Location, want)
			}
		}
		if !slices.Equal(ids, asked) || both[0] != 21 {
			t.Error("the caller's lists were sorted too")
		}
	})
	if got := s.times("/inventory"); got != 5 {
		t.Errorf("got %d requests, want 2 for each of two locations and 1 for the rest of both", got)
	}
}

func TestNothingIsAskedForNothing(t *testing.T) {
	s := shop()
	read(t, s, func(t *testing.T, c *katana.Client) {
		for _, at := range [][]inventory.SourceLocationID{nil, {20}} {
			if got, err := c.Inventory(t.Context(), at, nil); err != nil || len(got) != 0 {
				t.Errorf("got %v, %v, want no rows", got, err)
			}
		}
		if got, err := c.Inventory(t.Context(), nil, []inventory.SourceVariantID{1}); err != nil || len(got) != 0 {
			t.Errorf("got %v, %v, want no rows", got, err)
		}
	})
	if len(s.asked) != 0 {
		t.Errorf("got %d requests, want none", len(s.asked))
	}
}

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("got no error")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("got error %q, want %q in it", err, word)
		}
	}
	if strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "limit=") {
		t.Errorf("got error %q, which shows the key or a query", err)
	}
}

func TestAFieldThatIsNeededAndWrongIsNamed(t *testing.T) {
	tests := []struct {
		path, field string
		value       any // nil: the field is taken out
		want        string
	}{
		{"/inventory", "quantity_in_stock", nil, "inventory: record 1: quantity_in_stock is missing"},
		{"/inventory", "quantity_committed", nil, "quantity_committed is missing"},
		{"/inventory", "variant_id", nil, "variant_id is missing"},
		{"/inventory", "quantity_in_stock", "many", "quantity_in_stock is \"many\": not an exact decimal quantity"},
		{"/inventory", "quantity_in_stock", raw(`1e2`), "quantity_in_stock is \"1e2\": not an exact decimal quantity"},
		{"/inventory", "quantity_in_stock", raw(`0.12345678901`), "more than 10 decimals"},
		{"/inventory", "quantity_in_stock", raw(`null`), "quantity_in_stock is null"},
		{"/inventory", "quantity_in_stock", raw(`{"a":1}`), "quantity_in_stock is"},
		{"/inventory", "quantity_potential", "x", "quantity_potential is"},
		{"/inventory", "quantity_in_stock", "100000001e0", "not an exact decimal quantity"},
		{"/inventory", "quantity_committed", "999999999.00000000001", "more than 10 decimals"},
		{"/inventory", "quantity_potential", raw(`-1e3`), "quantity_potential is"},
		{"/inventory", "variant_id", raw(`0`), "variant_id is not an id"},
		{"/inventory", "location_id", raw(`-20`), "location_id is not an id"},
		{"/variants", "product_id", raw(`0`), "product_id is not an id"},
		{"/variants", "id", raw(`1e3`), "id is not an id"},
		{"/variants", "id", nil, "variants: record 1: id is missing"},
		{"/variants", "id", -4, "id is not an id"},
		{"/variants", "sku", nil, "sku is missing"},
		{"/variants", "sku", []int{1}, "sku is not text"},
		{"/variants", "created_at", nil, "created_at is missing"},
		{"/variants", "created_at", "yesterday", "created_at is not a time"},
		{"/products", "is_auto_assembly", nil, "products: record 1: is_auto_assembly is missing"},
		{"/products", "is_auto_assembly", "perhaps", "is_auto_assembly is not true or false"},
		{"/products", "id", nil, "id is missing"},
		{"/materials", "id", nil, "materials: record 1: id is missing"},
		{"/services", "id", nil, "services: record 1: id is missing"},
		{"/locations", "name", nil, "locations: record 1: name is missing"},
		{"/locations", "id", nil, "id is missing"},
	}
	for _, test := range tests {
		t.Run(test.path+" "+test.field+" "+fmt.Sprint(test.value), func(t *testing.T) {
			s := shop()
			broken := maps.Clone(s.lists[test.path][0])
			broken[test.field] = test.value
			if test.value == nil {
				delete(broken, test.field)
			}
			s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/v1"+test.path {
					return false
				}
				answer(w, 1, []record{broken})
				return true
			}
			read(t, s, func(t *testing.T, c *katana.Client) {
				_, err := stockOf(t.Context(), c, []inventory.SourceLocationID{20})
				wantError(t, err, test.want)
			})
		})
	}
}

func TestAFigureThatIsTooLargeSpoilsItsRowAndNoOther(t *testing.T) {
	for _, field := range []string{"quantity_in_stock", "quantity_committed", "quantity_potential"} {
		for _, value := range []any{"999999999.00000", raw("100000000.00001"), raw("-999999999"), "1" + strings.Repeat("0", 40)} {
			s := shop()
			s.lists["/inventory"][0][field] = value
			read(t, s, func(t *testing.T, c *katana.Client) {
				got, err := c.Inventory(t.Context(), []inventory.SourceLocationID{20}, []inventory.SourceVariantID{1, 2})
				want := []inventory.Stock{
					{Variant: 1, Location: 20, TooLarge: true},
					{Variant: 2, Location: 20, InStock: units(t, "1"), Committed: units(t, "3"), Potential: units(t, "9")},
				}
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Errorf("%s %v: got %v, want −, got +:\n%s", field, value, err, diff)
				}
			})
		}
	}
}

// raw is a value that the fake sends as it is.
type raw string

func (j raw) MarshalJSON() ([]byte, error) { return []byte(j), nil }

func TestNumbersAndTextAreTheSame(t *testing.T) {
	s := shop()
	s.lists["/inventory"] = []record{
		{"variant_id": "1", "location_id": "20", "quantity_in_stock": raw("0.1"), "quantity_committed": "0.10000"},
	}
	s.lists["/products"][0]["is_auto_assembly"] = "true"
	read(t, s, func(t *testing.T, c *katana.Client) {
		got, err := stockOf(t.Context(), c, []inventory.SourceLocationID{20})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Stock) != 1 || got.Stock[0].InStock != got.Stock[0].Committed || got.Stock[0].InStock != units(t, "0.1") || !got.Variants[0].Kit {
			t.Errorf("got %+v", got)
		}
	})
}

func TestAVariantWithoutAParentIsReadAgainAndThenNamed(t *testing.T) {
	for _, mended := range []bool{true, false} {
		t.Run(fmt.Sprint("mended ", mended), func(t *testing.T) {
			s := shop()
			all := s.lists["/products"]
			s.lists["/products"] = all[1:]
			s.before = func(_ http.ResponseWriter, r *http.Request) bool {
				if mended && r.URL.Path == "/v1/products" && s.times("/products") == 2 {
					s.lists["/products"] = all
				}
				return false
			}
			read(t, s, func(t *testing.T, c *katana.Client) {
				_, err := stockOf(t.Context(), c, both)
				if mended != (err == nil) {
					t.Fatalf("got %v", err)
				}
				if !mended {
					wantError(t, err, `variant 1, SKU "MUG" (product 101, material 0)`)
				}
			})
			if s.times("/products") != 2 {
				t.Errorf("got %d reads of products, want 2", s.times("/products"))
			}
		})
	}
}

func TestAnInventoryAnswerThatIsNotWhatWasAskedIsNeverData(t *testing.T) {
	good := row(1, 20, "40.00000", "12.00000", nil)
	tests := []struct {
		name  string
		total int
		rows  []record
		want  string
	}{
		{"a row of another location", 2, []record{good, row(2, 21, 1, 0, nil)}, "filter location_id was not obeyed"},
		{"a row of another variant", 2, []record{good, row(5, 20, 1, 0, nil)}, "filter variant_id was not obeyed"},
		{"two rows that disagree", 2, []record{good, row(1, 20, 41, 12, nil)}, "variant 1 at location 20 came twice with different figures"},
		{"no rows of many", 3, nil, "incomplete read: 0 of 3 rows arrived"},
		{"more rows than promised", 0, []record{good}, "incomplete read: 1 of 0 rows arrived"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := shop()
			s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/v1/inventory" {
					return false
				}
				answer(w, test.total, test.rows)
				return true
			}
			read(t, s, func(t *testing.T, c *katana.Client) {
				stock, err := c.Inventory(t.Context(), []inventory.SourceLocationID{20}, []inventory.SourceVariantID{4, 2, 1})
				wantError(t, err, test.want)
				if stock != nil {
					t.Errorf("got %v beside the error", stock)
				}
			})
		})
	}
}

func TestARowThatComesTwiceCountsOnce(t *testing.T) {
	s := shop()
	s.lists["/inventory"] = append(s.lists["/inventory"], row(1, 20, "40", 12, nil))
	read(t, s, func(t *testing.T, c *katana.Client) {
		got, err := stockOf(t.Context(), c, []inventory.SourceLocationID{20})
		if err != nil || len(got.Stock) != 3 {
			t.Errorf("got %+v, %v, want 3 rows", got, err)
		}
	})
}

func TestAShortInventoryPageIsReadAgain(t *testing.T) {
	s := shop()
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v1/inventory" || s.times("/inventory") > 1 {
			return false
		}
		answer(w, 3, []record{row(1, 20, "40.00000", "12.00000", nil)})
		return true
	}
	read(t, s, func(t *testing.T, c *katana.Client) {
		got, err := stockOf(t.Context(), c, []inventory.SourceLocationID{20})
		if err != nil || len(got.Stock) != 3 {
			t.Errorf("got %+v, %v, want 3 rows", got, err)
		}
	})
}

func TestAChunkThatTheServerRefusesIsHalvedAndThatIsRemembered(t *testing.T) {
	maxItems := `{"statusCode":422,"name":"UnprocessableEntityError","message":"bad","details":[{"path":".variant_id","code":"maxItems"}]}`
	long := func(status int, body string) func(*fake) func(w http.ResponseWriter, r *http.Request) bool {
		return func(*fake) func(w http.ResponseWriter, r *http.Request) bool {
			return func(w http.ResponseWriter, r *http.Request) bool {
				if len(r.URL.Query()["variant_id"]) <= 100 {
					return false
				}
				refuse(w, status, body)
				return true
			}
		}
	}
	tests := []struct {
		name   string
		before func(s *fake) func(w http.ResponseWriter, r *http.Request) bool
		vain   int // requests
		then   int // that a read takes from then on
	}{
		// 250 and 125 in vain, then 62 at both locations at once.
		{"414", long(414, "<html>too long"), 2, 5},
		{"431", long(431, ""), 2, 5},
		{"400", long(400, `{"error":{"message":"Bad Request"}}`), 2, 5},
		{"413", long(413, ""), 2, 5},
		{"422", long(422, maxItems), 2, 5},
		// A page that is short is read twice: also that of 62 at both locations,
		// after which 31 would be no fewer requests than 62 at one.
		{"a page of 100 rows", func(s *fake) func(w http.ResponseWriter, r *http.Request) bool {
			return func(w http.ResponseWriter, r *http.Request) bool {
				rows := s.filter("/inventory", r.URL.Query())
				if r.URL.Path != "/v1/inventory" || len(rows) <= 100 {
					return false
				}
				answer(w, len(rows), rows[:100])
				return true
			}
		}, 6, 10},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := large(300)
			s.before = test.before(s)
			read(t, s, func(t *testing.T, c *katana.Client) {
				for again, want := range []int{test.vain + test.then, test.then} {
					before := s.times("/inventory")
					got, err := stockOf(t.Context(), c, both)
					if err != nil || len(got.Stock) != 600 {
						t.Fatalf("got %v, want 600 rows", err)
					}
					if got := s.times("/inventory") - before; got != want {
						t.Errorf("read %d: got %d requests, want %d", again+1, got, want)
					}
				}
			})
		})
	}
}

func TestARefusalThatIsNotForLengthIsAnErrorAndForgotten(t *testing.T) {
	s := large(300)
	refusing := true
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v1/inventory" && refusing {
			refuse(w, 400, `{"statusCode":400,"name":"BadRequestError","message":"no"}`)
			return true
		}
		return false
	}
	read(t, s, func(t *testing.T, c *katana.Client) {
		_, err := stockOf(t.Context(), c, both)
		wantError(t, err, "HTTP 400", "BadRequestError: no")
		refusing = false
		before := s.times("/inventory")
		if _, err := stockOf(t.Context(), c, both); err != nil {
			t.Fatal(err)
		}
		if got := s.times("/inventory") - before; got != 3 {
			t.Errorf("got %d requests, want 3: the chunks are large again", got)
		}
	})
}

func TestALostCallerEndsTheRead(t *testing.T) {
	s := shop()
	read(t, s, func(t *testing.T, c *katana.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		s.before = func(http.ResponseWriter, *http.Request) bool { cancel(); return false }
		_, err := stockOf(ctx, c, both)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
}
