package katana_test

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stocksyncd/reconcile/inventory"
)

// history is n records that changed long ago.
func history(n int, more record) (records []record) {
	for i := range n {
		r := record{"id": i + 1, "created_at": ago, "updated_at": ago, "hidden": ago}
		maps.Copy(r, more)
		records = append(records, r)
	}
	return records
}

func TestAFeedThatCannotTellIsAnErrorOfItsOwn(t *testing.T) {
	unfiltered := func(path string, records []record) func(a *asked) {
		return func(a *asked) {
			a.s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/v1"+path {
					return false
				}
				a.s.page(w, r.URL.Query(), records)
				return true
			}
		}
	}
	mug := record{"variant_id": 1}
	tests := []struct {
		name    string
		happens func(a *asked)
		want    string // "" is no error
	}{
		{"a short history is no harm: what is old is dropped", unfiltered("/inventory_movements", history(250, mug)), ""},
		{"a long one is not read to its end", unfiltered("/inventory_movements", history(100_000, mug)), "katana: feed inventory_movements: 100000 records came, older ones among them: the filter updated_at_min was not applied: a full cycle"},
		{"nor one of two pages", unfiltered("/sales_order_rows", history(251, mug)), "feed sales_order_rows: 251 records came"},
		{"fulfilments of no date may be new", unfiltered("/sales_order_fulfillments", history(251, record{"sales_order_id": nil, "updated_at": nil})), ""},
		{"fulfilments of long ago are not", unfiltered("/sales_order_fulfillments", history(251, record{"sales_order_id": nil, "picked_date": ago, "updated_at": nil})), "feed sales_order_fulfillments: 251 records came"},
		{"5,000 changes are a delta", func(a *asked) { a.happens("/inventory_movements", numbered(5000)...) }, ""},
		{"more are not", func(a *asked) { a.happens("/inventory_movements", numbered(5001)...) }, "feed inventory_movements: 5001 records changed since 2000-01-01T00:58:00.000Z"},
		{"rows of other orders are dropped", func(a *asked) {
			a.happens("/sales_order_fulfillments", packs(1, 1, 11))
			a.s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Query().Has("sales_order_ids") {
					answer(w, 2, history(2, record{"sales_order_id": 2, "variant_id": 1}))
					return true
				}
				return false
			}
		}, ""},
		{"and all rows there are are not read", func(a *asked) {
			a.happens("/sales_order_fulfillments", packs(1, 1, 11))
			a.s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Query().Has("sales_order_ids") {
					a.s.page(w, r.URL.Query(), history(9999, record{"sales_order_id": 2, "variant_id": 1}))
					return true
				}
				return false
			}
		}, "feed sales_order_rows: 9999 records came: the filter sales_order_ids was not applied"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			asking(t, shop(), func(t *testing.T, a *asked) {
				test.happens(a)
				a.s.asked = nil
				got, err := a.c.Changes(t.Context(), a.mark)
				var unable *inventory.FeedError
				if errors.As(err, &unable) != (test.want != "") {
					t.Fatalf("got %v, want an error: %t", err, test.want != "")
				}
				if test.want == "" {
					if n := len(got.Variants); n != 0 && n != 5000 {
						t.Errorf("got %d variants, want those that changed", n)
					}
					return
				}
				wantError(t, err, test.want)
				if !got.Mark.IsZero() || got.Variants != nil {
					t.Errorf("got %+v beside the error", got)
				}
				if n := len(a.s.asked); n > 6 {
					t.Errorf("got %d requests, want no more than the first page", n)
				}
				if !strings.Contains(err.Error(), "feed "+unable.Feed+": ") {
					t.Errorf("got the feed %q in %q", unable.Feed, err)
				}
			})
		})
	}
}

func TestAFieldOfAFeedThatIsNeededAndWrongIsNamed(t *testing.T) {
	tests := []struct {
		path, turn string
		edit       func(r record)
		want       string
	}{
		{"/inventory_movements", "", func(r record) { delete(r, "id") }, "katana: inventory_movements: record 1: id is missing"},
		{"/inventory_movements", "", func(r record) { r["id"] = nil }, "id is null"},
		{"/inventory_movements", "", func(r record) { r["id"] = []int{1} }, "id is not text"},
		{"/inventory_movements", "", func(r record) { delete(r, "updated_at") }, "updated_at is missing"},
		{"/inventory_movements", "", func(r record) { r["updated_at"] = nil }, "updated_at is null"},
		{"/inventory_movements", "", func(r record) { r["updated_at"] = 1772600767 }, "updated_at is not a time"},
		{"/inventory_movements", "", func(r record) { delete(r, "variant_id") }, "variant_id is missing"},
		{"/inventory_movements", "", func(r record) { r["variant_id"] = "MUG" }, `variant_id is not an id: "\"MUG\""`},
		{"/sales_order_rows", "", func(r record) { delete(r, "variant_id") }, "katana: sales_order_rows: record 1: variant_id is missing"},
		{"/sales_order_fulfillments", "", func(r record) { delete(r, "id") }, "katana: sales_order_fulfillments: record 1: id is missing"},
		{"/sales_order_fulfillments", "", func(r record) { delete(r, "sales_order_id") }, "sales_order_id is missing"},
		{"/sales_order_fulfillments", "", func(r record) {
			r["sales_order_fulfillment_rows"] = []record{{"sales_order_row_id": "x"}}
		}, "sales_order_fulfillment_rows.sales_order_row_id is not an id"},
		{"/manufacturing_order_recipe_rows", "", func(r record) { delete(r, "variant_id") }, "katana: manufacturing_order_recipe_rows: record 1: variant_id is missing"},
		{"/manufacturing_orders", "manufacturing_orders", func(r record) { delete(r, "variant_id") }, "katana: manufacturing_orders: record 1: variant_id is missing"},
		{"/bom_rows", "bom_rows", func(r record) { delete(r, "product_variant_id") }, "katana: bom_rows: record 1: product_variant_id is missing"},
		{"/variants", "variants", func(r record) { r["id"] = "0b9f2c1e" }, "katana: variants: record 1: id is not an id"},
		{"/products", "products", func(r record) { r["variants"] = []record{{"sku": "S"}} }, "katana: products: record 1: variants.id is missing"},
		{"/services", "services", func(r record) { r["variants"] = holds(-1) }, "katana: services: record 1: variants.id is not an id"},
		{"/locations", "locations", func(r record) { delete(r, "updated_at") }, "katana: locations: record 1: updated_at is missing"},
	}
	for _, test := range tests {
		t.Run(test.path+" "+test.want, func(t *testing.T) {
			asking(t, shop(), func(t *testing.T, a *asked) {
				broken := now(1, record{"variant_id": 1, "product_variant_id": 1, "sales_order_id": 1, "status": "IN_PROGRESS"})
				test.edit(broken)
				a.s.before = func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path != "/v1"+test.path {
						return false
					}
					answer(w, 1, []record{broken})
					return true
				}
				if a.mark.Turn = test.turn; test.turn == "" {
					a.mark.Turn = "bom_rows"
				}
				got, err := a.c.Changes(t.Context(), a.mark)
				wantError(t, err, test.want)
				if !cmp.Equal(got, inventory.Changes{}) {
					t.Errorf("got %+v beside the error", got)
				}
			})
		})
	}
}

func TestAFeedThatFailsEndsTheQuestion(t *testing.T) {
	for _, path := range []string{"/inventory_movements", "/sales_order_fulfillments", "/manufacturing_orders"} {
		asking(t, shop(), func(t *testing.T, a *asked) {
			a.happens("/sales_order_rows", now(1, record{"variant_id": 7}))
			failing := true
			a.s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if failing && r.URL.Path == "/v1"+path {
					refuse(w, 422, `{"statusCode":422,"name":"UnprocessableEntityError","message":"bad"}`)
					return true
				}
				return false
			}
			got, err := a.c.Changes(t.Context(), a.mark)
			wantError(t, err, "HTTP 422", strings.TrimPrefix(path, "/"))
			if !cmp.Equal(got, inventory.Changes{}) {
				t.Errorf("got %+v beside the error", got)
			}
			failing = false
			a.wantsVariants(7)
		})
	}
}
