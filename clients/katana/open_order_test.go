package katana_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stocksyncd/clients/katana"
	"stocksyncd/reconcile/inventory"
)

// in is an order with a status.
func in(status string, id int, rows ...record) record {
	o := order(id, day, rows...)
	o["status"] = status
	return o
}

func packed(id, order int, rows ...record) record {
	if rows == nil {
		rows = []record{}
	}
	return record{"id": id, "sales_order_id": order, "status": "PACKED", "picked_date": created, "sales_order_fulfillment_rows": rows}
}

func taken(row int, quantity any) record {
	return record{"id": 1000 + row, "sales_order_row_id": row, "quantity": quantity}
}

// openOf writes what is open as "order: row=quantity@location …", one line an
// order.
func openOf(orders []inventory.SourceOrder) string {
	var text strings.Builder
	for _, o := range orders {
		fmt.Fprintf(&text, "%d:", o.ID)
		for _, r := range o.Rows {
			fmt.Fprintf(&text, " %d=%s@%d", r.ID, r.Quantity, r.Location)
		}
		text.WriteString("\n")
	}
	return text.String()
}

// wantOpen reads the open orders and compares them, written by openOf.
func wantOpen(t *testing.T, s *fake, choose func(inventory.SourceOrder) bool, want ...string) {
	t.Helper()
	read(t, s, func(t *testing.T, c *katana.Client) {
		orders, err := c.OpenOrders(t.Context(), choose)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Join(want, ""), openOf(orders)); diff != "" {
			t.Errorf("want −, got +:\n%s", diff)
		}
	})
}

func TestOpenOrdersHaveWhatIsNotYetFulfilledOfTheirRows(t *testing.T) {
	s := shop()
	gone := in("NOT_SHIPPED", 8, line(81, 1, 1, nil))
	gone["deleted_at"] = created
	undone := packed(53, 5, taken(51, 1))
	undone["deleted_at"] = created
	s.lists["/sales_orders"] = []record{
		gone,
		in("PARTIALLY_DELIVERED", 5, line(51, 1, "3.00000", nil), line(52, 2, 4, 21), line(53, 4, 1, nil)),
		in("PACKED", 7, line(71, 1, 1, nil)), in("DELIVERED", 6, line(61, 1, 1, nil)), in("PENDING", 4, line(41, 1, 1, nil)),
		in("PARTIALLY_PACKED", 2, line(21, 1, 2.5, nil), line(22, 2, "1", 21)),
		in("NOT_SHIPPED", 3, line(31, 1, "5.00000", nil), line(32, 4, 0, nil), line(33, 4, -1, nil)),
		in("NOT_SHIPPED", 1, line(11, 1, raw("0.0000000001"), 21)),
	}
	s.lists["/sales_order_fulfillments"] = []record{
		packed(51, 5, taken(51, 1), taken(52, "1.25")), packed(52, 5, taken(52, 0.75), taken(53, 9), taken(59, 7)), undone,
		packed(21, 2, taken(21, "2.4999999999")), packed(31, 3, taken(31, 5)),
	}
	wantOpen(t, s, nil,
		"1: 11=0.0000000001@21\n",
		"2: 21=0.0000000001@20 22=1@21\n",
		"3: 31=5@20\n",
		"5: 51=2@20 52=2@21\n")
	if got := s.times("/sales_order_fulfillments"); got != 2 {
		t.Errorf("fulfilments were asked %d times, want once for each partial order", got)
	}
	for _, u := range s.asked {
		if got := u.Query().Get("limit"); got != "250" {
			t.Errorf("%s asked for %q records a page, want 250", u, got)
		}
	}
}

func TestOnlyWantedOrdersAreListedAndLookedInto(t *testing.T) {
	s := shop()
	shopify := in("PARTIALLY_PACKED", 2, line(21, 1, 2, nil))
	shopify["ecommerce_order_type"] = "shopify"
	s.lists["/sales_orders"] = []record{shopify, in("PARTIALLY_PACKED", 1, line(11, 1, 2, nil))}
	s.lists["/sales_order_fulfillments"] = []record{packed(11, 1, taken(11, 1))}
	wantOpen(t, s, func(o inventory.SourceOrder) bool {
		if got, want := o.Rows[0].Quantity, units(t, "2"); got != want {
			t.Errorf("the choice was shown a row of %s, want %s as listed", got, want)
		}
		return o.Platform != "shopify"
	}, "1: 11=1@20\n")
	if got := s.times("/sales_order_fulfillments"); got != 1 {
		t.Errorf("fulfilments were asked %d times, want 1", got)
	}
}

func TestAPartialOrderWithoutRowsNeedsNoFulfilments(t *testing.T) {
	s := shop()
	s.lists["/sales_orders"] = []record{in("PARTIALLY_PACKED", 1)}
	wantOpen(t, s, nil, "1:\n")
	if got := s.times("/sales_order_fulfillments"); got != 0 {
		t.Errorf("fulfilments were asked %d times, want 0", got)
	}
}

func TestFiltersThatAreDroppedBringNoOrderThatIsNotOpen(t *testing.T) {
	s := shop()
	gone := in("NOT_SHIPPED", 5, line(51, 1, 1, nil))
	gone["deleted_at"] = created
	undone := packed(22, 2, taken(21, 1))
	undone["deleted_at"] = created
	s.lists["/sales_orders"] = []record{
		gone, in("DELIVERED", 4, line(41, 1, 1, nil)), in("PENDING", 3, line(31, 1, 1, nil)),
		in("PARTIALLY_PACKED", 2, line(21, 1, 3, nil)), in("NOT_SHIPPED", 1, line(11, 1, 1, nil)),
	}
	s.lists["/sales_order_fulfillments"] = []record{undone, packed(21, 2, taken(21, 1))}
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		all := s.lists[strings.TrimPrefix(r.URL.Path, "/v1")]
		answer(w, len(all), all)
		return true
	}
	wantOpen(t, s, nil, "1: 11=1@20\n", "2: 21=2@20\n")
}

func TestFulfilmentsFarBeyondTheOrderOpenNothing(t *testing.T) {
	s := shop()
	s.lists["/sales_orders"] = []record{in("PARTIALLY_PACKED", 1, line(11, 1, 3, nil), line(12, 1, 1, nil))}
	for i := range 15 { // more than a quantity can hold
		s.lists["/sales_order_fulfillments"] = append(s.lists["/sales_order_fulfillments"], packed(i+1, 1, taken(11, "100000000")))
	}
	wantOpen(t, s, nil, "1: 12=1@20\n")
}

// moving has order 1 change from one sweep to the next: it is not shipped in
// the first and partially packed in the second.
func moving(before, after record) *fake {
	s := shop()
	s.before = func(_ http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Query().Get("status") {
		case "NOT_SHIPPED":
			s.lists["/sales_orders"] = []record{before}
		case "PARTIALLY_PACKED":
			s.lists["/sales_orders"] = []record{after}
		}
		return false
	}
	s.lists["/sales_order_fulfillments"] = []record{packed(11, 1, taken(11, 2))}
	return s
}

func TestAnOrderThatMovesBetweenTheSweepsCountsOnceWithTheSmallerPart(t *testing.T) {
	tests := []struct {
		name          string
		before, after []record
		want          string
	}{
		{"what was packed is no longer open", []record{line(11, 1, 5, nil)}, []record{line(11, 1, 5, nil)}, "1: 11=3@20\n"},
		{"what was added later does not count yet", []record{line(11, 1, 5, nil)}, []record{line(11, 1, 9, nil), line(12, 2, 1, nil)}, "1: 11=5@20\n"},
		{"what was removed counts no longer", []record{line(11, 1, 5, nil), line(12, 2, 1, nil)}, []record{line(11, 1, 5, nil)}, "1: 11=3@20\n"},
		{"a row that went to another location is open at neither", []record{line(11, 1, 5, nil), line(12, 2, 1, 20)}, []record{line(11, 1, 5, nil), line(12, 2, 1, 21)}, "1: 11=3@20\n"},
		{"a row that became another variant is open of neither", []record{line(11, 1, 5, nil), line(12, 2, 1, nil)}, []record{line(11, 1, 5, nil), line(12, 4, 1, nil)}, "1: 11=3@20\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantOpen(t, moving(in("NOT_SHIPPED", 1, test.before...), in("PARTIALLY_PACKED", 1, test.after...)), nil, test.want)
		})
	}
}

func TestAnOrderThatIsNoLongerWantedWhenItIsSeenAgainDoesNotCount(t *testing.T) {
	after := in("PARTIALLY_PACKED", 1, line(11, 1, 5, nil))
	after["customer_id"] = 78
	s := moving(in("NOT_SHIPPED", 1, line(11, 1, 5, nil)), after)
	wantOpen(t, s, func(o inventory.SourceOrder) bool { return o.Customer == 77 })
}

func TestFulfilmentsThatCannotBeReadAreAnErrorNotAnOpenOrder(t *testing.T) {
	tests := []struct {
		name, want string
		records    []record
	}{
		{"of another order", "fulfilments of order 5: record 2: sales_order_id is 6, so the filter sales_order_id=5 was not applied", []record{packed(1, 5, taken(51, 1)), packed(2, 6, taken(61, 1))}},
		{"of no order", "record 1: sales_order_id is missing", []record{{"id": 1}}},
		{"without id", "record 1: id is missing", []record{{"sales_order_id": 5}}},
		{"without rows", "sales_order_fulfillment_rows is missing", []record{{"id": 1, "sales_order_id": 5}}},
		{"a row of nothing", "sales_order_row_id is missing", []record{packed(1, 5, record{"quantity": 1})}},
		{"a row without quantity", "sales_order_fulfillment_rows.quantity is missing", []record{packed(1, 5, record{"sales_order_row_id": 51})}},
		{"a quantity that is null", "sales_order_fulfillment_rows.quantity is null", []record{packed(1, 5, taken(51, nil))}},
		{"a quantity that is none", "not an exact decimal quantity", []record{packed(1, 5, taken(51, "1e2"))}},
		{"a quantity below zero", "sales_order_fulfillment_rows.quantity is below zero", []record{packed(1, 5, taken(51, "-1"))}},
		{"none at all", "fulfilments of order 5: incomplete read: none came, though it is PARTIALLY_PACKED", nil},
		{"only empty ones", "none came", []record{packed(1, 5)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := shop()
			s.lists["/sales_orders"] = []record{in("PARTIALLY_PACKED", 5, line(51, 1, 3, nil))}
			s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/sales_order_fulfillments") {
					return false
				}
				answer(w, len(test.records), test.records)
				return true
			}
			read(t, s, func(t *testing.T, c *katana.Client) {
				orders, err := c.OpenOrders(t.Context(), nil)
				wantError(t, err, "katana: ", test.want)
				if orders != nil {
					t.Errorf("got %+v with the error, want no orders", orders)
				}
			})
		})
	}
}

func TestAnOpenOrderWithARowTwiceIsAnError(t *testing.T) {
	s := shop()
	s.lists["/sales_orders"] = []record{in("NOT_SHIPPED", 5, line(51, 1, 3, nil), line(51, 1, 3, nil))}
	read(t, s, func(t *testing.T, c *katana.Client) {
		_, err := c.OpenOrders(t.Context(), nil)
		wantError(t, err, "katana: sales orders: order 5: row 51 comes twice")
	})
}

func TestAnySweepThatFailsFailsTheOpenOrders(t *testing.T) {
	for _, sweep := range []string{"status=NOT_SHIPPED", "status=PARTIALLY_PACKED", "status=PARTIALLY_DELIVERED", "sales_order_id=5"} {
		t.Run(sweep, func(t *testing.T) {
			s := shop()
			s.lists["/sales_orders"] = []record{in("PARTIALLY_PACKED", 5, line(51, 1, 3, nil))}
			s.lists["/sales_order_fulfillments"] = []record{packed(1, 5, taken(51, 1))}
			s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.RawQuery, sweep) {
					return false
				}
				answer(w, 3, s.lists["/sales_orders"][:0]) // promises more than it brings
				return true
			}
			read(t, s, func(t *testing.T, c *katana.Client) {
				orders, err := c.OpenOrders(t.Context(), nil)
				if !errors.Is(err, inventory.ErrIncomplete) || orders != nil {
					t.Errorf("got %+v, %v, want an incomplete read", orders, err)
				}
			})
		})
	}
}

func TestAnOpenOrderThatDoesNotSayWhereItComesFromIsAnError(t *testing.T) {
	for _, key := range []string{"source", "ecommerce_order_type", "ecommerce_store_name"} {
		s := shop()
		silent := in("NOT_SHIPPED", 1, line(11, 1, 1, nil))
		delete(silent, key)
		s.lists["/sales_orders"] = []record{silent}
		read(t, s, func(t *testing.T, c *katana.Client) {
			if _, err := c.OpenOrders(t.Context(), nil); err == nil || !strings.Contains(err.Error(), key) {
				t.Errorf("without %s: got %v, want an error that names it", key, err)
			}
		})
	}
}
