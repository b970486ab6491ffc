package sandbox

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func (w *tiny) play(t *testing.T, events ...Event) {
	t.Helper()
	for _, e := range events {
		if err := w.Do(e); err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
	}
}

const ordersQuery = `query($displayable: Boolean) { orders(first: 5) { nodes { name closed cancelledAt legacyResourceId
	fulfillmentOrders(first: 5, displayable: $displayable) { nodes { status order { name } assignedLocation { name } lineItems(first: 5) { edges { node { totalQuantity remainingQuantity lineItem { quantity currentQuantity } } } } } }
	refunds(first: 5) { order { name } refundLineItems(first: 5) { edges { node { quantity restockType restocked location { name } lineItem { sku } } } } } } } }`

// inWords shortens an answer to the query above.
func inWords(t *testing.T, got answered) (words []string) {
	t.Helper()
	if len(got.Errors) > 0 {
		t.Fatal(got.body)
	}
	text := func(value any) string { return strings.ReplaceAll(fmt.Sprint(value), "<nil>", "-") }
	below := func(value any, path ...string) []any {
		for _, key := range path {
			value = value.(map[string]any)[key]
		}
		return value.([]any)
	}
	for _, order := range below(got.Data, "orders", "nodes") {
		for _, part := range below(order, "fulfillmentOrders", "nodes") {
			p := part.(map[string]any)
			line := text(p["status"]) + " " + text(p["assignedLocation"].(map[string]any)["name"])
			for _, edge := range below(part, "lineItems", "edges") {
				n := edge.(map[string]any)["node"].(map[string]any)
				of := n["lineItem"].(map[string]any)
				line += fmt.Sprintf(", %v of %v, ordered %v less %v", n["remainingQuantity"], n["totalQuantity"], of["quantity"], of["quantity"].(float64)-of["currentQuantity"].(float64))
			}
			words = append(words, line)
		}
		for _, refund := range below(order, "refunds") {
			for _, edge := range below(refund, "refundLineItems", "edges") {
				n := edge.(map[string]any)["node"].(map[string]any)
				at := "nowhere"
				if location, ok := n["location"].(map[string]any); ok {
					at = text(location["name"])
				}
				words = append(words, fmt.Sprintf("%v %v at %s, restocked %v", n["restockType"], n["quantity"], at, n["restocked"]))
			}
		}
	}
	return words
}

func TestAnOrderIsServedByWhereItIsFulfilledAndWhatWasRefunded(t *testing.T) {
	order := OrderPlaced{Order: "#1", Location: "Oslo", Lines: []Line{{"MUG", "5"}}, Import: Import{Never: true}}
	mugs := func(n int) []Line { return []Line{{"MUG", strconv.Itoa(n)}} }
	moved := func(n int) Event { return OrderMoved{Order: "#1", Location: "Pärnu", Lines: mugs(n)} }
	refunded := func(n int, restock bool) Event {
		return OrderRefunded{Order: "#1", Lines: mugs(n), Restock: restock}
	}
	delivered := OrderDelivered{Order: "#1"}
	till := order
	till.Till = true
	for name, c := range map[string]struct {
		events []Event
		want   []string
	}{
		"placed":             {[]Event{order}, []string{"OPEN Oslo, 5 of 5, ordered 5 less 0"}},
		"over the counter":   {[]Event{till}, []string{"CLOSED Oslo, 0 of 5, ordered 5 less 0"}},
		"delivered in part":  {[]Event{order, OrderDelivered{Order: "#1", Lines: mugs(2)}}, []string{"IN_PROGRESS Oslo, 3 of 5, ordered 5 less 0"}},
		"moved in part":      {[]Event{order, moved(2)}, []string{"OPEN Oslo, 3 of 3, ordered 5 less 0", "OPEN Pärnu, 2 of 2, ordered 5 less 0"}},
		"moved":              {[]Event{order, OrderMoved{Order: "#1", Location: "Pärnu"}}, []string{"OPEN Pärnu, 5 of 5, ordered 5 less 0"}},
		"moved to itself":    {[]Event{order, OrderMoved{Order: "#1", Location: "Oslo"}}, []string{"OPEN Oslo, 5 of 5, ordered 5 less 0"}},
		"cancelled":          {[]Event{order, OrderCancelled{Order: "#1"}}, []string{"CANCELLED Oslo, 0 of 0, ordered 5 less 5"}},
		"cancelled and gone": {[]Event{order, OrderCancelled{Order: "#1", NoRestock: true}}, []string{"CANCELLED Oslo, 0 of 0, ordered 5 less 5"}},
		"refunded":           {[]Event{order, refunded(2, true)}, []string{"OPEN Oslo, 3 of 3, ordered 5 less 2", "CANCEL 2 at Oslo, restocked true"}},
		"given up":           {[]Event{order, refunded(2, false)}, []string{"OPEN Oslo, 3 of 3, ordered 5 less 2", "NO_RESTOCK 2 at nowhere, restocked false"}},
		"given up wholly":    {[]Event{order, refunded(5, false)}, []string{"CLOSED Oslo, 0 of 0, ordered 5 less 5", "NO_RESTOCK 5 at nowhere, restocked false"}},
		"returned":           {[]Event{order, delivered, refunded(2, true)}, []string{"CLOSED Oslo, 0 of 5, ordered 5 less 2", "RETURN 2 at Oslo, restocked true"}},
		"returned elsewhere": {[]Event{order, delivered, OrderRefunded{Order: "#1", Restock: true, Location: "Pärnu"}}, []string{"CLOSED Oslo, 0 of 5, ordered 5 less 5", "RETURN 5 at Pärnu, restocked true"}},
		"refunded twice, of two locations": {
			[]Event{order, moved(2), refunded(4, true), refunded(1, true)},
			[]string{"CLOSED Oslo, 0 of 0, ordered 5 less 5", "CLOSED Pärnu, 0 of 0, ordered 5 less 5", "CANCEL 3 at Oslo, restocked true", "CANCEL 1 at Pärnu, restocked true", "CANCEL 1 at Pärnu, restocked true"},
		},
		"edited": {[]Event{order, OrderEdited{Order: "#1", Lines: mugs(1)}}, []string{"OPEN Oslo, 5 of 5, ordered 5 less 0, 1 of 1, ordered 1 less 0"}},
	} {
		w := newTiny(t, StoreOptions{})
		w.play(t, c.events...)
		got := inWords(t, ask(t, w.Shopify(""), ordersQuery, map[string]any{"displayable": true}))
		want := c.want
		if name == "refunded twice, of two locations" {
			want = want[1:] // what has moved and is empty now is not shown
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		if all := inWords(t, ask(t, w.Shopify(""), ordersQuery, nil)); name == "refunded twice, of two locations" && !reflect.DeepEqual(all, c.want) {
			t.Errorf("%s: %q, want %q with what is not shown", name, all, c.want)
		}
	}
}

func TestAnOrderTakesAndGivesBackWhereItIsFulfilled(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	w.play(t, LevelSwitched{SKU: "MUG", Location: "Pärnu", On: true}, OrderPlaced{Order: "#1", Location: "Oslo", Lines: []Line{{"MUG", "5"}}, Import: Import{Never: true}})
	check := func(what string, oslo, osloCommitted, pärnu, pärnuCommitted int) {
		t.Helper()
		levels := w.stores[0].listings[0].levels
		if got, want := []int{levels[0].available, levels[0].committed, levels[1].available, levels[1].committed}, []int{oslo, osloCommitted, pärnu, pärnuCommitted}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	check("placed", 4, 5, 7, 0)
	w.play(t, OrderMoved{Order: "#1", Location: "Pärnu", Lines: []Line{{"MUG", "2"}}})
	check("moved", 6, 3, 5, 2)
	w.play(t, OrderRefunded{Order: "#1", Lines: []Line{{"MUG", "4"}}, Restock: true})
	check("refunded", 9, 0, 6, 1)
	w.play(t, OrderDelivered{Order: "#1"})
	check("delivered", 9, 0, 6, 0)
	w.play(t, OrderRefunded{Order: "#1", Restock: true})
	check("returned", 9, 0, 7, 0)
	for _, e := range []Event{OrderMoved{Order: "#1"}, OrderMoved{Order: "#1", Location: "Paris"}, OrderEdited{Order: "#1"}, OrderEdited{Order: "#1", Lines: []Line{{"CUP", "1"}}}, OrderEdited{Order: "#2", Lines: []Line{{"MUG", "1"}}}} {
		if w.Do(e) == nil {
			t.Errorf("%+v happens", e)
		}
	}
	check("nothing else", 9, 0, 7, 0)
}

func TestAnUnpaidOrderStaysOpenUntilItIsPaid(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	w.play(t, OrderPlaced{Order: "#1", Lines: []Line{{"MUG", "1"}}, Unpaid: true, Till: true, Import: Import{Never: true}})
	found := func(status string) int {
		t.Helper()
		list, _ := ask(t, w.Shopify(""), `query($q: String) { orders(first: 5, query: $q) { nodes { id } } }`, map[string]any{"q": "status:" + status}).at(t, "orders", "nodes").([]any)
		return len(list)
	}
	if got := []int{found("open"), found("not_closed"), found("closed")}; !reflect.DeepEqual(got, []int{1, 1, 0}) {
		t.Errorf("unpaid: %d", got)
	}
	w.play(t, OrderPaid{Order: "#1"})
	if got := []int{found("open"), found("not_closed"), found("closed")}; !reflect.DeepEqual(got, []int{0, 0, 1}) {
		t.Errorf("paid: %d", got)
	}
}

func TestWhatIsSoldOverTheCounterOrAddedToAnOrderReachesKatana(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	w.play(t,
		OrderPlaced{Order: "#1", Location: "Oslo", Lines: []Line{{"MUG", "2"}}, Till: true},
		OrderPlaced{Order: "#2", Location: "Oslo", Lines: []Line{{"MUG", "1"}}},
		OrderEdited{Order: "#2", Lines: []Line{{"MUG", "3"}}})
	stock := w.katana.find("MUG").at(w.katana.location("Oslo"))
	if stock.inStock != units(7) || stock.committed != units(4) {
		t.Errorf("%s in stock and %s committed, want 7 and 4", stock.inStock, stock.committed)
	}
	for i, want := range []string{statusDelivered, statusNotShipped} {
		id, _ := ask(t, w.Shopify(""), `{ orders(first: 5) { nodes { legacyResourceId } } }`, nil).at(t, "orders", "nodes", i, "legacyResourceId").(string)
		if o := w.katana.orders[i]; o.status != want || id == "" || o.ecommerce.id != id {
			t.Errorf("%s is %s of %q, want %s of %q", o.no, o.status, o.ecommerce.id, want, id)
		}
	}
}

func TestPartsOfAnOrderAreFoundByTheirIdsAndNeedTheirScopes(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	w.play(t, OrderPlaced{Order: "#1", Lines: []Line{{"MUG", "2"}}}, OrderRefunded{Order: "#1", Lines: []Line{{"MUG", "1"}}, Restock: true})
	o := w.stores[0].orders[0]
	vars := map[string]any{"part": gid("FulfillmentOrder", o.parts[0].id), "refund": gid("Refund", o.refunds[0].id), "none": gid("Refund", 1)}
	const query = `query($part: ID!, $refund: ID!, $none: ID!) { fulfillmentOrder(id: $part) { order { name } } refund(id: $refund) { order { name } } none: refund(id: $none) { id } }`
	name := map[string]any{"order": map[string]any{"name": "#1"}}
	want := map[string]any{"fulfillmentOrder": name, "refund": name, "none": nil}
	if got := ask(t, w.Shopify(""), query, vars); !reflect.DeepEqual(got.Data, want) {
		t.Error(got.body)
	}
	w.play(t, ScopesChanged{Scopes: []string{"read_orders"}})
	want["fulfillmentOrder"] = nil
	if got := ask(t, w.Shopify(""), query, vars); !reflect.DeepEqual(got.Data, want) || len(got.Errors) != 0 {
		t.Error(got.body)
	}
	w.play(t, ScopesChanged{Scopes: []string{fulfilmentScope}})
	if got := ask(t, w.Shopify(""), query, vars); got.code() != "ACCESS_DENIED" || got.Data["refund"] != nil {
		t.Error(got.body)
	}
}
