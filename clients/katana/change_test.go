package katana_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
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
		{"a variant", "variants", func(a *asked) { a.happens("/variants", now(1, nil)) }, inventory.Changes{Catalogue: true}, 0},
		{"a deleted variant", "variants", func(a *asked) { a.happens("/variants", now(1, record{"deleted_at": created})) }, inventory.Changes{Catalogue: true}, 0},
		{"an archived product", "products", func(a *asked) { a.happens("/products", now(1, record{"archived_at": created})) }, inventory.Changes{Catalogue: true}, 0},
		{"a material", "materials", func(a *asked) { a.happens("/materials", now(1, nil)) }, inventory.Changes{Catalogue: true}, 0},
		{"a service", "services", func(a *asked) { a.happens("/services", now(1, nil)) }, inventory.Changes{Catalogue: true}, 0},
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

func TestARecordThatShowsLateIsToldOnce(t *testing.T) {
	tests := []struct {
		name string
		old  time.Duration // its stamp before the last question
		want []inventory.SourceVariantID
	}{
		{"changed after the question", -time.Second, []inventory.SourceVariantID{7}},
		{"changed that very moment", 0, []inventory.SourceVariantID{7}},
		{"changed before, and visible only now", 119 * time.Second, []inventory.SourceVariantID{7}},
		{"too late", 121 * time.Second, nil},
	}
	for _, inclusive := range []bool{true, false} {
		for _, test := range tests {
			t.Run(fmt.Sprintf("%s, bound inclusive: %t", test.name, inclusive), func(t *testing.T) {
				s := shop()
				asking(t, s, func(t *testing.T, a *asked) {
					s.before = func(w http.ResponseWriter, r *http.Request) bool {
						since := r.URL.Query().Get("updated_at_min")
						if inclusive || since == "" {
							return false
						}
						later := slices.DeleteFunc(slices.Clone(s.lists[strings.TrimPrefix(r.URL.Path, "/v1")]), func(r record) bool {
							at, _ := r["updated_at"].(string)
							return at <= since
						})
						s.page(w, r.URL.Query(), later)
						return true
					}
					a.wantsVariants()
					at := time.Now().Add(-test.old)
					<-time.After(time.Second)
					a.happens("/inventory_movements", now(1, record{"variant_id": 7, "updated_at": stamp(at)}))
					a.wantsVariants(test.want...)
					for range 20 {
						<-time.After(10 * time.Second)
						a.wantsVariants()
					}
				})
			})
		}
	}
}

func TestARecordOnTheVeryBoundIsToldIfItComes(t *testing.T) {
	asking(t, shop(), func(t *testing.T, a *asked) {
		a.happens("/inventory_movements",
			now(1, record{"variant_id": 7, "updated_at": stamp(time.Now().Add(-2 * time.Minute))}),
			now(2, record{"variant_id": 8, "updated_at": stamp(time.Now().Add(-2*time.Minute - time.Millisecond))}))
		a.wantsVariants(7)
	})
}

func TestARecordIsToldAgainOnlyWhenItChanged(t *testing.T) {
	asking(t, shop(), func(t *testing.T, a *asked) {
		a.happens("/sales_order_rows", now(11, record{"variant_id": 7, "sales_order_id": 1}))
		a.happens("/sales_order_fulfillments", packs(1, 1, 11))
		a.wantsVariants(7)
		row, packed := a.s.lists["/sales_order_rows"][0], a.s.lists["/sales_order_fulfillments"][0]
		<-time.After(20 * time.Second)
		a.wantsVariants()
		row["updated_at"] = stamp(time.Now())
		a.wantsVariants(7)
		<-time.After(20 * time.Second)
		packed["tracking_number"], packed["hidden"] = "JJD0001", stamp(time.Now())
		a.wantsVariants()
		for name, value := range map[string]any{
			"status": "DELIVERED", "sales_order_fulfillment_rows": []record{{"sales_order_row_id": 11, "quantity": 2}}, "deleted_at": stamp(time.Now()),
		} {
			<-time.After(20 * time.Second)
			packed[name], packed["hidden"] = value, stamp(time.Now())
			a.wantsVariants(7)
			a.wantsVariants()
		}
	})
}

// numbered gives n movements that changed this moment, the newest first.
func numbered(n int) (records []record) {
	for i := n; i > 0; i-- {
		records = append(records, now(i, record{"variant_id": i}))
	}
	return records
}

func TestMoreChangesThanAMarkRemembersRepeatAndAreNotSkipped(t *testing.T) {
	asking(t, shop(), func(t *testing.T, a *asked) {
		all := numbered(600)
		for i, r := range all { // the newest first, a millisecond apart
			r["updated_at"] = stamp(time.Now().Add(-time.Duration(i) * time.Millisecond))
		}
		a.happens("/inventory_movements", all...)
		if got := a.told(); len(got.Variants) != 600 || len(got.Mark.Feeds["inventory_movements"].Seen) != 500 {
			t.Errorf("got %d variants, and %d remembered, want 600 and 500", len(got.Variants), len(got.Mark.Feeds["inventory_movements"].Seen))
		}
		<-time.After(time.Minute)
		if got := a.told(); len(got.Variants) != 100 || got.Variants[99] != 100 {
			t.Errorf("got %v again, want the oldest 100, which are not remembered", got.Variants)
		}
		<-time.After(time.Minute + time.Second)
		a.told()
		if got := a.told(); len(got.Variants) != 0 || got.Mark.Feeds["inventory_movements"].Seen != nil {
			t.Errorf("got %d variants, %d remembered after the overlap, want none", len(got.Variants), len(got.Mark.Feeds["inventory_movements"].Seen))
		}
	})
}

func TestAFeedThatMovesWhileItIsReadIsReadAgain(t *testing.T) {
	s := shop()
	asking(t, s, func(t *testing.T, a *asked) {
		a.happens("/inventory_movements", numbered(300)...)
		begin := time.Now()
		s.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/v1/inventory_movements" && s.times("/inventory_movements") == 2 {
				<-time.After(10 * time.Second)
				s.lists["/inventory_movements"] = append([]record{now(301, record{"variant_id": 301})}, s.lists["/inventory_movements"]...)
			}
			return false
		}
		got := a.told()
		if len(got.Variants) != 301 || s.times("/inventory_movements") != 4 {
			t.Errorf("got %d variants by %d requests, want 301 by 4", len(got.Variants), s.times("/inventory_movements"))
		}
		if mark := a.mark.Feeds["inventory_movements"]; !mark.Read.Equal(begin.Add(10 * time.Second)) {
			t.Errorf("got a mark at %s, want the first page of the second reading at %s", mark.Read, begin.Add(10*time.Second))
		}
	})
}

func TestAFeedThatNeverStandsStillIsIncomplete(t *testing.T) {
	s := shop()
	asking(t, s, func(t *testing.T, a *asked) {
		a.happens("/inventory_movements", numbered(300)...)
		s.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/v1/inventory_movements" {
				id := len(s.lists["/inventory_movements"]) + 1
				s.lists["/inventory_movements"] = append([]record{now(id, record{"variant_id": id})}, s.lists["/inventory_movements"]...)
			}
			return false
		}
		got, err := a.c.Changes(t.Context(), a.mark)
		if !errors.Is(err, inventory.ErrIncomplete) || !cmp.Equal(got, inventory.Changes{}) {
			t.Errorf("got %+v, %v, want ErrIncomplete alone", got, err)
		}
	})
}

func TestTheMarkIsOfTheFirstPage(t *testing.T) {
	s := shop()
	asking(t, s, func(t *testing.T, a *asked) {
		a.happens("/inventory_movements", numbered(300)...)
		begin := time.Now()
		s.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Get("page") == "2" {
				<-time.After(50 * time.Second)
			}
			return false
		}
		a.told()
		if mark := a.mark.Feeds["inventory_movements"]; !mark.Read.Equal(begin) {
			t.Errorf("got a mark at %s, want %s", mark.Read, begin)
		}
		if mark := a.mark.Feeds["sales_order_rows"]; !mark.Read.Equal(begin.Add(50 * time.Second)) {
			t.Errorf("the feed that was read after it: got a mark at %s, want %s", mark.Read, begin.Add(50*time.Second))
		}
	})
}

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

// without answers with no Date while *on.
func without(on *bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		if *on {
			w.Header()["Date"] = nil
		}
		return false
	}
}

func TestAnswersWithoutADateLeaveTheMarkWhereItIs(t *testing.T) {
	s := shop()
	asking(t, s, func(t *testing.T, a *asked) {
		dark := true
		s.before = without(&dark)
		since := a.mark.Feeds["inventory_movements"].Read
		for minute := range 10 {
			<-time.After(time.Minute)
			id := inventory.SourceVariantID(minute + 1)
			a.happens("/inventory_movements", now(minute+1, record{"variant_id": id}))
			a.wantsVariants(id)
			if got := a.mark.Feeds["inventory_movements"].Read; !got.Equal(since) {
				t.Errorf("got a mark at %s, want it at %s still", got, since)
			}
		}
		dark = false
		a.wantsVariants()
		if got := a.mark.Feeds["inventory_movements"]; !got.Read.Equal(time.Now()) || len(got.Seen) != 3 {
			t.Errorf("got a mark at %s and %d remembered, want %s and the 3 of the last 2 minutes", got.Read, len(got.Seen), time.Now())
		}
	})
	dark := true
	s.before = without(&dark)
	read(t, s, func(t *testing.T, c *katana.Client) {
		got, err := c.Changes(t.Context(), inventory.Mark{})
		wantError(t, err, "katana: account: the header Date is missing")
		if !got.Mark.IsZero() {
			t.Errorf("got the mark %+v beside the error", got.Mark)
		}
	})
}

func TestAClockThatIsSetBackSkipsNothing(t *testing.T) {
	tests := []struct {
		name         string
		pause        time.Duration
		theirs, ours time.Duration // how far the clocks go ahead in the pause, beside it
		refused      bool
	}{
		{"clocks that go on", time.Minute, 0, 0, false},
		{"Katana's goes back by half a minute", 10 * time.Second, -30 * time.Second, 0, false},
		{"and by a minute, in a long pause", time.Hour, -time.Minute, 0, false},
		{"and by more, which shows", 10 * time.Second, -10 * time.Minute, 0, true},
		{"and by more in a long pause, which shows against ours", time.Hour, -10 * time.Minute, 0, true},
		{"ours goes forward, which looks the same", time.Minute, 0, 10 * time.Minute, true},
		{"ours goes back", time.Minute, 0, -10 * time.Minute, false},
		{"both go back", time.Minute, -10 * time.Minute, -10 * time.Minute, true},
		{"Katana's goes forward", time.Minute, 10 * time.Minute, 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := shop()
			asking(t, s, func(t *testing.T, a *asked) {
				s.skew = test.theirs
				for name, mark := range a.mark.Feeds { // as if ours had been elsewhere then
					mark.Ours = mark.Ours.Add(-test.ours)
					a.mark.Feeds[name] = mark
				}
				// Changed right after the clock was set.
				a.happens("/inventory_movements", now(1, record{"variant_id": 7, "updated_at": stamp(time.Now().Add(test.theirs + time.Second))}))
				<-time.After(test.pause)
				got, err := a.c.Changes(t.Context(), a.mark)
				var unable *inventory.FeedError
				if errors.As(err, &unable) != test.refused {
					t.Fatalf("got %v, want an error: %t", err, test.refused)
				}
				if test.refused {
					wantError(t, err, "katana: feed inventory_movements: Katana's clock was set back by ", "m0s, or ours forward: a full cycle")
					return
				}
				if want := []inventory.SourceVariantID{7}; !slices.Equal(got.Variants, want) {
					t.Errorf("got variants %v, want %v", got.Variants, want)
				}
				if read, want := got.Mark.Feeds["inventory_movements"].Read, time.Now().Add(test.theirs); !read.Equal(want) {
					t.Errorf("got a mark at %s, want Katana's time, %s", read, want)
				}
			})
		})
	}
}

func TestAFeedWithoutAMarkBeginsWhereTheLastOneIs(t *testing.T) {
	asking(t, shop(), func(t *testing.T, a *asked) {
		a.happens("/sales_order_rows", now(1, record{"variant_id": 7}))
		<-time.After(time.Hour)
		delete(a.mark.Feeds, "sales_order_rows") // an older version did not read it
		for name, mark := range a.mark.Feeds {
			mark.Seen = map[string]string{"1": "2000-01-01T01:00:00Z"} // another feed's record
			a.mark.Feeds[name] = mark
		}
		a.mark.Feeds["other"] = inventory.FeedMark{Read: time.Now()}
		a.mark.Turn = "other" // nor does this one know all of a newer one
		a.wantsVariants(7)
		if _, kept := a.mark.Feeds["other"]; kept || len(a.mark.Feeds) != 11 || a.mark.Turn != "bom_rows" {
			t.Errorf("got the mark %+v, want one of the feeds that are read", a.mark)
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

func TestAFeedThatFailsEndsTheQuestion(t *testing.T) {
	for _, path := range []string{"/inventory_movements", "/sales_order_fulfillments", "/manufacturing_orders"} {
		asking(t, shop(), func(t *testing.T, a *asked) {
			a.happens("/sales_order_rows", now(1, record{"variant_id": 7}))
			failing := true
			a.s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if failing && r.URL.Path == "/v1"+path {
					refuse(w, 404, `{"statusCode":404,"name":"NotFoundError","message":"Not found"}`)
					return true
				}
				return false
			}
			got, err := a.c.Changes(t.Context(), a.mark)
			wantError(t, err, "HTTP 404", strings.TrimPrefix(path, "/"))
			if !cmp.Equal(got, inventory.Changes{}) {
				t.Errorf("got %+v beside the error", got)
			}
			failing = false
			a.wantsVariants(7)
		})
	}
}
