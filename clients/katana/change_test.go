package katana_test

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"stocksyncd/clients/katana"
	"stocksyncd/reconcile/inventory"
)

// asked is a client whose feeds a test asks.
type asked struct {
	t    *testing.T
	s    *fake
	c    *katana.Client
	mark inventory.Mark
}

// asking begins the reading of the feeds of s an hour after the start of the
// virtual time.
func asking(t *testing.T, s *fake, test func(t *testing.T, a *asked)) {
	t.Helper()
	read(t, s, func(t *testing.T, c *katana.Client) {
		<-time.After(time.Hour)
		first, err := c.Changes(t.Context(), inventory.Mark{})
		if err != nil {
			t.Fatal(err)
		}
		test(t, &asked{t, s, c, first.Mark})
	})
}

// told asks and keeps the mark.
func (a *asked) told() inventory.Changes {
	a.t.Helper()
	got, err := a.c.Changes(a.t.Context(), a.mark)
	if err != nil {
		a.t.Fatal(err)
	}
	a.mark = got.Mark
	return got
}

// wants asks and compares all but the mark.
func (a *asked) wants(want inventory.Changes) {
	a.t.Helper()
	if diff := cmp.Diff(want, a.told(), cmpopts.IgnoreFields(inventory.Changes{}, "Mark")); diff != "" {
		a.t.Errorf("want −, got +:\n%s", diff)
	}
}

// wantsVariants asks and compares the variants alone.
func (a *asked) wantsVariants(want ...inventory.SourceVariantID) {
	a.t.Helper()
	if got := a.told().Variants; !slices.Equal(got, want) {
		a.t.Errorf("got variants %v, want %v", got, want)
	}
}

func (a *asked) happens(path string, records ...record) {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	a.s.lists[path] = append(records, a.s.lists[path]...)
}

// ago is before virtual time begins.
const ago = "1999-02-01T08:00:00.000Z"

// now is a record that changed this moment.
func now(id any, more record) record {
	r := record{"id": id, "created_at": ago, "updated_at": stamp(time.Now()), "deleted_at": nil}
	maps.Copy(r, more)
	return r
}

// packs is a fulfilment, which tells no time.
func packs(id, order any, rows ...any) record {
	r := record{"id": id, "sales_order_id": order, "status": "PACKED", "picked_date": stamp(time.Now()), "hidden": stamp(time.Now())}
	lines := []record{}
	for _, row := range rows {
		lines = append(lines, record{"id": 1, "sales_order_row_id": row, "quantity": 1})
	}
	r["sales_order_fulfillment_rows"] = lines
	return r
}

// holds is what a product nests of its variants.
func holds(ids ...any) []record {
	held := []record{}
	for _, id := range ids {
		held = append(held, record{"id": id, "sku": "S", "type": "product"})
	}
	return held
}

func TestTheReadingOfTheFeedsBeginsWithTheirClockAlone(t *testing.T) {
	s := shop()
	s.skew = 90 * time.Second
	asking(t, s, func(t *testing.T, a *asked) {
		s.lists["/inventory_movements"] = []record{now(1, record{"variant_id": 1, "updated_at": stamp(time.Now().Add(-10 * time.Minute))})}
		if len(s.asked) != 1 || s.asked[0].Path != "/v1/factory" {
			t.Errorf("asked %v, want the account alone", s.asked)
		}
		if len(a.mark.Feeds) != 11 || a.mark.Turn != "manufacturing_orders" {
			t.Errorf("got a mark of %d feeds, first turn %q, want 11 and manufacturing_orders", len(a.mark.Feeds), a.mark.Turn)
		}
		for name, mark := range a.mark.Feeds {
			if !mark.Ours.Equal(time.Now()) || mark.Read.Sub(mark.Ours) != s.skew || mark.Seen != nil {
				t.Errorf("%s: got %+v, want Katana's time and ours", name, mark)
			}
		}
		a.wants(inventory.Changes{}) // what was before is no news
	})
}

func TestEachQuestionAsksForWhatChangedSinceTwoMinutesBeforeTheLast(t *testing.T) {
	asking(t, shop(), func(t *testing.T, a *asked) {
		a.s.asked = nil
		<-time.After(30 * time.Second)
		since := stamp(time.Now().Add(-30*time.Second - 2*time.Minute))
		for range 7 {
			a.wants(inventory.Changes{})
		}
		deleted, archived := url.Values{"include_deleted": {"true"}}, url.Values{"include_deleted": {"true"}, "include_archived": {"true"}}
		want := map[string]url.Values{
			"inventory_movements": {}, "sales_order_rows": deleted, "sales_order_fulfillments": deleted,
			"manufacturing_order_recipe_rows": deleted, "manufacturing_orders": deleted, "bom_rows": {},
			"variants": archived, "products": archived, "materials": archived, "services": archived, "locations": deleted,
		}
		if len(a.s.asked) != 7*5 {
			t.Errorf("got %d requests for 7 questions, want 35", len(a.s.asked))
		}
		for _, u := range a.s.asked {
			name := strings.TrimPrefix(u.Path, "/v1/")
			query, known := want[name]
			if !known {
				continue // asked before, and from a later time
			}
			delete(want, name)
			query = maps.Clone(query)
			query["limit"], query["page"], query["updated_at_min"] = []string{"250"}, []string{"1"}, []string{since}
			if diff := cmp.Diff(query, u.Query()); diff != "" {
				t.Errorf("%s: want −, got +:\n%s", name, diff)
			}
		}
		if len(want) > 0 {
			t.Errorf("7 questions did not ask %v", slices.Collect(maps.Keys(want)))
		}
	})
}

func TestWhatEachFeedTells(t *testing.T) {
	tests := []struct {
		name     string
		turn     string // "" is the first one
		happens  func(a *asked)
		want     inventory.Changes
		requests int // beyond 5
	}{
		{"a movement", "", func(a *asked) {
			a.happens("/inventory_movements", now(1, record{"variant_id": 7}), now("2", record{"variant_id": "3"}))
		}, inventory.Changes{Variants: []inventory.SourceVariantID{3, 7}}, 0},
		{"two movements of one variant", "", func(a *asked) {
			a.happens("/inventory_movements", now(1, record{"variant_id": 7}), now(2, record{"variant_id": 7}))
		}, inventory.Changes{Variants: []inventory.SourceVariantID{7}}, 0},
		{"a row of a sales order, and a deleted one", "", func(a *asked) {
			a.happens("/sales_order_rows", now(1, record{"variant_id": 7}), now(2, record{"variant_id": 3, "deleted_at": created}))
		}, inventory.Changes{Variants: []inventory.SourceVariantID{3, 7}}, 0},
		{"a row that is a comment", "", func(a *asked) {
			a.happens("/sales_order_rows", now(1, record{"variant_id": nil}))
		}, inventory.Changes{}, 0},
		{"an ingredient of a manufacturing order", "", func(a *asked) {
			a.happens("/manufacturing_order_recipe_rows", now(1, record{"variant_id": 7}))
		}, inventory.Changes{Variants: []inventory.SourceVariantID{7}}, 0},
		{"a fulfilment whose rows come along", "", func(a *asked) {
			a.happens("/sales_order_rows", now(11, record{"variant_id": 7, "sales_order_id": 1}))
			a.happens("/sales_order_fulfillments", packs(1, 1, 11))
		}, inventory.Changes{Variants: []inventory.SourceVariantID{7}}, 0},
		{"fulfilments whose rows do not: all rows of their orders count, hidden ones too", "", func(a *asked) {
			long := record{"updated_at": ago}
			for id, order := range map[int]any{11: 1, 12: "1", 21: 2, 31: 3} {
				long := maps.Clone(long)
				long["id"], long["sales_order_id"], long["variant_id"] = id, order, id
				a.happens("/sales_order_rows", long)
			}
			a.s.lists["/sales_order_rows"][0]["deleted_at"] = created
			a.happens("/sales_order_rows", now(19, record{"variant_id": 19, "sales_order_id": 9}))
			a.happens("/sales_order_fulfillments", packs(1, 1, 11), packs("2", "2", nil), packs(3, 9, 19))
		}, inventory.Changes{Variants: []inventory.SourceVariantID{11, 12, 19, 21}}, 1},
		{"a fulfilment of an order that is gone", "", func(a *asked) {
			a.happens("/sales_order_fulfillments", packs(1, 1, 11))
		}, inventory.Changes{}, 1},
		{"a fulfilment of no order", "", func(a *asked) {
			a.happens("/sales_order_fulfillments", packs(1, nil, 11))
		}, inventory.Changes{}, 0},
		{"a deleted fulfilment, which shows no rows", "", func(a *asked) {
			a.happens("/sales_order_rows", record{"id": 11, "variant_id": 7, "sales_order_id": 1, "updated_at": ago})
			gone := packs(1, 1)
			gone["deleted_at"] = stamp(time.Now())
			delete(gone, "sales_order_fulfillment_rows")
			a.happens("/sales_order_fulfillments", gone)
		}, inventory.Changes{Variants: []inventory.SourceVariantID{7}}, 1},
		{"a manufacturing order that was placed, and one that is done", "manufacturing_orders", func(a *asked) {
			placed := now(1, record{"variant_id": 7, "status": "NOT_STARTED"})
			placed["created_at"] = placed["updated_at"]
			a.happens("/manufacturing_orders", placed, now(2, record{"variant_id": 3, "status": "DONE"}))
		}, inventory.Changes{Variants: []inventory.SourceVariantID{3, 7}}, 0},
		{"manufacturing orders that were edited or deleted, and their ingredients", "manufacturing_orders", func(a *asked) {
			for order := range 4 {
				a.happens("/manufacturing_order_recipe_rows", record{"id": order, "variant_id": 20 + order, "manufacturing_order_id": order, "updated_at": ago})
			}
			a.s.lists["/manufacturing_order_recipe_rows"][1]["deleted_at"] = created // of order 2
			a.happens("/manufacturing_orders", now(1, record{"variant_id": 7, "status": "IN_PROGRESS"}),
				now(2, record{"variant_id": nil, "status": "DONE", "deleted_at": created}))
		}, inventory.Changes{Variants: []inventory.SourceVariantID{7, 21, 22}}, 2},
		{"a row of a bill of materials", "bom_rows", func(a *asked) {
			a.happens("/bom_rows", now("0b9f2c1e-5d0a-4a51-9a34-6f0d6a1f2b10", record{"product_variant_id": 7, "ingredient_variant_id": nil}))
		}, inventory.Changes{Recipes: true, Variants: []inventory.SourceVariantID{7}}, 0},
		{"a row of a bill of materials of nothing", "bom_rows", func(a *asked) {
			a.happens("/bom_rows", now("x", record{"product_variant_id": nil}))
		}, inventory.Changes{Recipes: true}, 0},
		{"variants, one of them deleted", "variants", func(a *asked) {
			a.happens("/variants", now("9", nil), now(7, record{"deleted_at": created}))
		}, inventory.Changes{Edited: []inventory.SourceVariantID{7, 9}}, 0},
		{"products that share no variant, one of them archived", "products", func(a *asked) {
			a.happens("/products", now(1, record{"archived_at": created, "variants": holds(9, "7")}), now(2, record{"variants": holds(8)}))
		}, inventory.Changes{Edited: []inventory.SourceVariantID{7, 8, 9}}, 0},
		{"a material", "materials", func(a *asked) { a.happens("/materials", now(1, record{"variants": holds(7)})) }, inventory.Changes{Edited: []inventory.SourceVariantID{7}}, 0},
		{"a service", "services", func(a *asked) { a.happens("/services", now(1, record{"variants": holds(7)})) }, inventory.Changes{Edited: []inventory.SourceVariantID{7}}, 0},
		{"a deleted product that shows no variant, beside one that does", "products", func(a *asked) {
			a.happens("/products", now(1, record{"deleted_at": created, "variants": holds()}), now(2, record{"variants": holds(7)}))
		}, inventory.Changes{Edited: []inventory.SourceVariantID{7}, Catalogue: true}, 0},
		{"a service without a word of its variants", "services", func(a *asked) {
			a.happens("/services", now(1, nil), now(2, record{"variants": nil}))
		}, inventory.Changes{Catalogue: true}, 0},
		{"a deleted location", "locations", func(a *asked) { a.happens("/locations", now(1, record{"deleted_at": created})) }, inventory.Changes{Locations: true}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := shop()
			for _, path := range []string{"/variants", "/products", "/materials", "/services", "/locations"} {
				s.lists[path] = nil
			}
			asking(t, s, func(t *testing.T, a *asked) {
				<-time.After(10 * time.Second)
				if test.turn != "" {
					a.mark.Turn = test.turn
				}
				test.happens(a)
				a.s.asked = nil
				kept := a.mark
				a.wants(test.want)
				if got := len(a.s.asked); got != 5+test.requests {
					t.Errorf("got %d requests, want %d", got, 5+test.requests)
				}
				a.mark = kept // the answer was lost
				<-time.After(time.Second)
				a.wants(test.want)
				for range 7 {
					<-time.After(10 * time.Second)
					a.wants(inventory.Changes{})
				}
			})
		})
	}
}

func TestAFeedTellsOnceItsTurnComes(t *testing.T) {
	asking(t, shop(), func(t *testing.T, a *asked) {
		a.happens("/locations", now(1, nil))
		for range 6 {
			a.wants(inventory.Changes{})
			<-time.After(time.Minute)
		}
		if a.mark.Turn != "locations" {
			t.Errorf("got the turn of %s after 6 questions, want that of locations", a.mark.Turn)
		}
		a.wants(inventory.Changes{Locations: true})
		if a.mark.Turn != "manufacturing_orders" {
			t.Errorf("got the turn of %s after 7 questions, want that of the first", a.mark.Turn)
		}
	})
}

func TestOnlyTheLastEditedManufacturingOrdersAreLookedInto(t *testing.T) {
	asking(t, shop(), func(t *testing.T, a *asked) {
		<-time.After(time.Minute)
		want := []inventory.SourceVariantID{1}
		for i := range 12 {
			a.happens("/manufacturing_orders", now(i+1, record{
				"variant_id": 1, "status": "IN_PROGRESS", "updated_at": stamp(time.Now().Add(time.Duration(i) * time.Millisecond)),
			}))
			a.happens("/manufacturing_order_recipe_rows", record{"id": i, "manufacturing_order_id": i + 1, "variant_id": 100 + i, "updated_at": ago})
			if i >= 2 {
				want = append(want, inventory.SourceVariantID(100+i))
			}
		}
		slices.Reverse(a.s.lists["/manufacturing_orders"])
		a.wantsVariants(want...)
	})
}

func TestManyFulfilmentsAreLookedIntoAtOnce(t *testing.T) {
	asking(t, shop(), func(t *testing.T, a *asked) {
		for i := range 240 {
			a.happens("/sales_order_fulfillments", packs(i+1, i/2+1, i+1)) // two of each order
			a.happens("/sales_order_rows", record{"id": i + 1, "sales_order_id": i/2 + 1, "variant_id": i + 1, "updated_at": ago})
		}
		a.s.asked = nil
		if got := a.told(); len(got.Variants) != 240 || len(a.s.asked) != 5+2 {
			t.Errorf("got %d variants by %d requests, want 240 by 7: 100 orders at once", len(got.Variants), len(a.s.asked))
		}
	})
}
