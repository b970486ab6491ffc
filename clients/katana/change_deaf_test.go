package katana_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stocksyncd/clients/katana"
	"stocksyncd/reconcile/inventory"
)

// refuses has the feeds that s was told to close answer with a status.
func (a *asked) refuses(status int, closed *[]string) {
	a.s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if !slices.Contains(*closed, strings.TrimPrefix(r.URL.Path, "/v1/")) {
			return false
		}
		refuse(w, status, `{"statusCode":0,"name":"RefusedError","message":"no"}`)
		return true
	}
}

func TestAFeedThatRefusesUsForGoodIsNamedAndTheOthersTell(t *testing.T) {
	for _, status := range []int{403, 404, 501} {
		asking(t, shop(), func(t *testing.T, a *asked) {
			closed := []string{"inventory_movements", "products"}
			a.refuses(status, &closed)
			a.mark.Turn = "products"
			begin := a.mark
			<-time.After(time.Minute)
			a.happens("/inventory_movements", now(1, record{"variant_id": 7}))
			a.happens("/sales_order_rows", now(1, record{"variant_id": 3}))
			a.happens("/products", now(1, record{"variants": holds(9)}))
			a.s.asked = nil
			a.wants(inventory.Changes{Variants: []inventory.SourceVariantID{3}, Deaf: []string{"inventory_movements", "products"}})
			if len(a.s.asked) != 5 {
				t.Errorf("%d: got %d requests, want 5", status, len(a.s.asked))
			}
			for _, name := range closed {
				if diff := cmp.Diff(begin.Feeds[name], a.mark.Feeds[name]); diff != "" {
					t.Errorf("%d: the mark of %s moved, though it was not heard:\n%s", status, name, diff)
				}
			}
			// The turn goes on, and only what is asked is named.
			a.wants(inventory.Changes{Deaf: []string{"inventory_movements"}})
			closed = nil
			<-time.After(20 * time.Minute)
			a.mark.Turn = "products"
			a.wants(inventory.Changes{Variants: []inventory.SourceVariantID{7}, Edited: []inventory.SourceVariantID{9}})
			a.wants(inventory.Changes{})
		})
	}
}

func TestWhatIsLookedUpInAFeedThatRefusesUsIsNotFound(t *testing.T) {
	tests := []struct {
		name   string
		lookup bool // refuses only what is looked up
		deaf   string
		turn   string
		sends  func(a *asked)
	}{
		{"the rows of a fulfilment's order", false, "sales_order_rows", "locations", func(a *asked) {
			a.happens("/sales_order_fulfillments", packs(1, 1, 11))
		}},
		{"and those alone", true, "sales_order_rows", "locations", func(a *asked) {
			a.happens("/sales_order_fulfillments", packs(1, 1, 11))
		}},
		{"the ingredients of an edited order", false, "manufacturing_order_recipe_rows", "manufacturing_orders", func(a *asked) {
			a.happens("/manufacturing_orders", now(1, record{"variant_id": 3, "status": "IN_PROGRESS"}), now(2, record{"variant_id": 3, "status": "IN_PROGRESS"}))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			asking(t, shop(), func(t *testing.T, a *asked) {
				a.mark.Turn = test.turn
				test.sends(a)
				a.happens("/inventory_movements", now(1, record{"variant_id": 3}))
				a.s.asked = nil
				a.s.before = func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path != "/v1/"+test.deaf || test.lookup && r.URL.Query().Has("updated_at_min") {
						return false
					}
					refuse(w, 403, `{"message":"Forbidden"}`)
					return true
				}
				a.wants(inventory.Changes{Variants: []inventory.SourceVariantID{3}, Deaf: []string{test.deaf}})
				want := 5
				if test.lookup {
					want = 6
				}
				if len(a.s.asked) != want {
					t.Errorf("got %d requests, want %d: nothing is looked up in vain", len(a.s.asked), want)
				}
			})
		})
	}
}

func TestAllFeedsThatRefuseUsAreAnErrorOfTheAccount(t *testing.T) {
	asking(t, shop(), func(t *testing.T, a *asked) {
		closed := []string{"inventory_movements", "sales_order_rows", "sales_order_fulfillments", "manufacturing_order_recipe_rows", "manufacturing_orders"}
		a.refuses(403, &closed)
		got, err := a.c.Changes(t.Context(), a.mark)
		wantError(t, err, "HTTP 403", "plan of the account")
		if !cmp.Equal(got, inventory.Changes{}) {
			t.Errorf("got %+v beside the error", got)
		}
		a.mark.Turn = "locations" // which answers
		if got := a.told(); !slices.Equal(got.Deaf, slices.Sorted(slices.Values(closed[:4]))) {
			t.Errorf("got %v deaf, want the four that refuse", got.Deaf)
		}
	})
}

func TestAFeedThatMayYetAnswerIsAnError(t *testing.T) {
	for _, status := range []int{400, 401, 405, 410, 422, 429, 500, 503} {
		asking(t, shop(), func(t *testing.T, a *asked) {
			closed := []string{"sales_order_rows"}
			a.refuses(status, &closed)
			got, err := a.c.Changes(t.Context(), a.mark)
			wantError(t, err, "sales_order_rows: HTTP ")
			if !cmp.Equal(got, inventory.Changes{}) {
				t.Errorf("%d: got %+v beside the error", status, got)
			}
		})
	}
}

func TestAListThatRefusesUsIsAnErrorWhereItIsNoFeed(t *testing.T) {
	for path, ask := range map[string]func(t *testing.T, c *katana.Client) error{
		"/inventory": func(t *testing.T, c *katana.Client) error {
			_, err := c.Inventory(t.Context(), both, []inventory.SourceVariantID{1})
			return err
		},
		"/products": func(t *testing.T, c *katana.Client) error {
			_, err := c.Variants(t.Context(), []inventory.SourceVariantID{1})
			return err
		},
	} {
		s := shop()
		s.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/v1"+path {
				return false
			}
			refuse(w, 403, `{"message":"Forbidden"}`)
			return true
		}
		read(t, s, func(t *testing.T, c *katana.Client) {
			wantError(t, ask(t, c), "HTTP 403: Forbidden", "plan of the account")
		})
	}
}
