package katana_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stocksyncd/clients/katana"
	"stocksyncd/reconcile/inventory"
)

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func order(id int, updated time.Time, rows ...record) record {
	if rows == nil {
		rows = []record{}
	}
	return record{
		"id": id, "order_no": fmt.Sprint("SO-", id), "status": "NOT_SHIPPED", "source": "katana", "customer_id": 77,
		"location_id": 20, "ecommerce_order_type": nil, "ecommerce_store_name": nil, "ecommerce_order_id": nil,
		"created_at": created, "updated_at": stamp(updated), "deleted_at": nil, "sales_order_rows": rows,
	}
}

func line(id, variant int, quantity, location any) record {
	return record{"id": id, "variant_id": variant, "quantity": quantity, "location_id": location}
}

func TestOrdersThatChangedSinceAreReadWithTheirRows(t *testing.T) {
	since := day.Add(48 * time.Hour)
	s := shop()
	imported := order(3, since.Add(time.Minute), line(31, 1, "2.00000", 21))
	imported["ecommerce_order_type"], imported["ecommerce_store_name"], imported["ecommerce_order_id"] = "shopify", "acme.myshopify.com", 5550001
	imported["status"] = "SOMETHING_NEW"
	deleted := order(2, since)
	deleted["deleted_at"] = stamp(since)
	delete(deleted, "sales_order_rows")
	comment := line(12, 0, 1, nil)
	comment["variant_id"] = nil
	s.lists["/sales_orders"] = []record{
		imported, deleted,
		order(1, since.Add(-2*time.Minute), line(11, 1, 1.5, nil), comment),
		order(4, since.Add(-3*time.Minute)),
	}
	read(t, s, func(t *testing.T, c *katana.Client) {
		got, err := c.Orders(t.Context(), since)
		if err != nil {
			t.Fatal(err)
		}
		want := []inventory.SourceOrder{
			{
				ID: 1, Number: "SO-1", Status: "NOT_SHIPPED", Source: "katana", Customer: 77, Location: 20, Created: day, Updated: since.Add(-2 * time.Minute),
				Rows: []inventory.SourceOrderRow{{ID: 11, Variant: 1, Location: 20, Quantity: units(t, "1.5")}},
			},
			{ID: 2, Number: "SO-2", Status: "NOT_SHIPPED", Source: "katana", Customer: 77, Location: 20, Created: day, Updated: since, Deleted: true},
			{
				ID: 3, Number: "SO-3", Status: "SOMETHING_NEW", Source: "katana", Platform: "shopify", Store: "acme.myshopify.com", External: "5550001",
				Customer: 77, Location: 20, Created: day, Updated: since.Add(time.Minute),
				Rows: []inventory.SourceOrderRow{{ID: 31, Variant: 1, Location: 21, Quantity: units(t, "2")}},
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("want −, got +:\n%s", diff)
		}
	})
	if got, want := s.asked[0].Query().Get("updated_at_min"), stamp(since.Add(-2*time.Minute)); got != want {
		t.Errorf("asked from %s, want %s", got, want)
	}
}

func TestAFilterThatIsDroppedBringsNoOldOrders(t *testing.T) {
	since := day.Add(48 * time.Hour)
	s := shop()
	s.lists["/sales_orders"] = []record{order(2, since), order(1, day)}
	s.before = func(w http.ResponseWriter, _ *http.Request) bool {
		answer(w, 2, s.lists["/sales_orders"])
		return true
	}
	read(t, s, func(t *testing.T, c *katana.Client) {
		got, err := c.Orders(t.Context(), since)
		if err != nil || len(got) != 1 || got[0].ID != 2 {
			t.Errorf("got %+v, %v, want order 2 alone", got, err)
		}
	})
}

func TestTheReachOfOrdersFollowsKatanasClock(t *testing.T) {
	virtual := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where virtual time begins
	tests := []struct {
		name  string
		skew  time.Duration
		since time.Time
		want  time.Time
	}{
		{"the first read takes the last 15 minutes", 0, time.Time{}, virtual.Add(-15 * time.Minute)},
		{"of Katana's clock", time.Hour, time.Time{}, virtual.Add(45 * time.Minute)},
		{"a clock of ours that is ahead reaches further back", -time.Hour, virtual, virtual.Add(-62 * time.Minute)},
		{"one that is behind does not reach less", time.Hour, virtual, virtual.Add(-2 * time.Minute)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := shop()
			s.skew = test.skew
			read(t, s, func(t *testing.T, c *katana.Client) {
				if !test.since.IsZero() {
					if _, err := c.Locations(t.Context()); err != nil { // the clock is learned
						t.Fatal(err)
					}
				}
				if _, err := c.Orders(t.Context(), test.since); err != nil {
					t.Fatal(err)
				}
			})
			if got := s.asked[len(s.asked)-1].Query().Get("updated_at_min"); got != stamp(test.want) {
				t.Errorf("asked from %s, want %s", got, stamp(test.want))
			}
		})
	}
}

func TestAnOrderThatCannotBeReadIsNamed(t *testing.T) {
	tests := []struct {
		name, want string
		edit       func(o record)
	}{
		{"without status", "order 5: status is missing", func(o record) { delete(o, "status") }},
		{"without rows", "order 5: sales_order_rows is missing", func(o record) { delete(o, "sales_order_rows") }},
		{"without updated_at", "updated_at is missing", func(o record) { delete(o, "updated_at") }},
		{"a row without variant", "sales_order_rows.variant_id is missing", func(o record) { delete(o["sales_order_rows"].([]record)[0], "variant_id") }},
		{"a row without quantity", "sales_order_rows.quantity is missing", func(o record) { delete(o["sales_order_rows"].([]record)[0], "quantity") }},
		{"a row with an exponent", "sales_order_rows.quantity is \"1E2\"", func(o record) { o["sales_order_rows"].([]record)[0]["quantity"] = raw("1E2") }},
		{"a row at no location", "order 5: location_id is missing", func(o record) { o["location_id"] = nil }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := shop()
			broken := order(5, day, line(51, 1, 1, nil))
			test.edit(broken)
			s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/sales_orders") {
					return false
				}
				answer(w, 1, []record{broken})
				return true
			}
			read(t, s, func(t *testing.T, c *katana.Client) {
				_, err := c.Orders(t.Context(), day)
				wantError(t, err, "katana: sales orders: record 1: ", test.want)
			})
		})
	}
}
