package shopify

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stocksyncd/reconcile/inventory"
)

// orderJSON is order n with its fulfilment orders and refunds.
func orderJSON(n int64, parts, refunds string) string {
	return fmt.Sprintf(`{"id":"gid://shopify/Order/%[1]d","legacyResourceId":"%[1]d","name":"#%[1]d","createdAt":"2026-11-24T07:00:00Z","updatedAt":%[2]q,"cancelledAt":null,
		"fulfillmentOrders":%[3]s,"refunds":[%[4]s]}`, n, askedFrom, parts, refunds)
}

func partJSON(status string, location int64, lines string) string {
	return fmt.Sprintf(`{"id":"gid://shopify/FulfillmentOrder/1","status":%q,"assignedLocation":{"location":{"id":"gid://shopify/Location/%d"}},"lineItems":%s}`, status, location, lines)
}

// partLineJSON is line and item n, of which so much was ordered.
func partLineJSON(n int64, ordered, total, left int) string {
	return fmt.Sprintf(`{"inventoryItemId":"gid://shopify/InventoryItem/%[1]d","sku":" MUG-%[1]d ","totalQuantity":%[2]d,"remainingQuantity":%[3]d,"lineItem":{"id":"gid://shopify/LineItem/%[1]d","quantity":%[4]d}}`, n, total, left, ordered)
}

func refundJSON(lines string) string {
	return `{"id":"gid://shopify/Refund/1","refundLineItems":` + lines + `}`
}

// refundLineJSON is a refund of line n; location 0 is none.
func refundLineJSON(n int64, quantity int, restock string, location int64) string {
	at := "null"
	if location != 0 {
		at = fmt.Sprintf(`{"id":"gid://shopify/Location/%d"}`, location)
	}
	return fmt.Sprintf(`{"quantity":%d,"restockType":%q,"location":%s,"lineItem":{"id":"gid://shopify/LineItem/%d"}}`, quantity, restock, at, n)
}

func soldAt(n, location int64, open, done inventory.Units) inventory.SaleLine {
	return inventory.SaleLine{Item: inventory.ItemID(n), SKU: inventory.SKU(fmt.Sprint("MUG-", n)), Location: inventory.LocationID(location), Open: open, Done: done}
}

// selling answers whether orders may be read, and then with orders.
func sellingStore(orders ...reply) func(int, asked) reply {
	return func(n int, a asked) reply {
		if a.Op == "readScopes" {
			return ok(`{` + scopesJSON(scopeOrders, scopeFulfilment) + `}`)
		}
		return inTurn(orders...)(n-1, a)
	}
}

func ordersJSON(next string, orders ...string) reply {
	return ok(`{"orders":` + connectionJSON(next, orders...) + `}`)
}

// What is not documented of a fulfilment order's total makes no difference.
func TestUnitsOfALineAreOpenOrDoneOrPutBack(t *testing.T) {
	one := func(parts ...string) string { return connectionJSON("", parts...) }
	tests := map[string]struct {
		parts, refunds string
		want           []inventory.SaleLine
	}{
		"a refund lowers the total":          {one(partJSON("OPEN", 1, one(partLineJSON(1, 5, 3, 3)))), refundJSON(one(refundLineJSON(1, 2, "NO_RESTOCK", 0))), []inventory.SaleLine{soldAt(1, 1, 3, 2)}},
		"a refund leaves the total":          {one(partJSON("OPEN", 1, one(partLineJSON(1, 5, 5, 3)))), refundJSON(one(refundLineJSON(1, 2, "NO_RESTOCK", 0))), []inventory.SaleLine{soldAt(1, 1, 3, 2)}},
		"units put back lower the total":     {one(partJSON("OPEN", 1, one(partLineJSON(1, 5, 3, 3)))), refundJSON(one(refundLineJSON(1, 2, "CANCEL", 1))), []inventory.SaleLine{soldAt(1, 1, 3, 0)}},
		"units put back leave the total":     {one(partJSON("OPEN", 1, one(partLineJSON(1, 5, 5, 3)))), refundJSON(one(refundLineJSON(1, 2, "CANCEL", 0))), []inventory.SaleLine{soldAt(1, 1, 3, 0)}},
		"an old kind of putting back":        {one(partJSON("CLOSED", 1, one(partLineJSON(1, 5, 5, 0)))), refundJSON(one(refundLineJSON(1, 5, "LEGACY_RESTOCK", 0))), nil},
		"a kind that nobody knows yet":       {one(partJSON("CLOSED", 1, one(partLineJSON(1, 5, 5, 0)))), refundJSON(one(refundLineJSON(1, 5, "DONATED", 0))), []inventory.SaleLine{soldAt(1, 1, 0, 5)}},
		"on hold":                            {one(partJSON("ON_HOLD", 1, one(partLineJSON(1, 5, 5, 5)))), "", []inventory.SaleLine{soldAt(1, 1, 5, 0)}},
		"scheduled":                          {one(partJSON("SCHEDULED", 1, one(partLineJSON(1, 5, 5, 5)))), "", []inventory.SaleLine{soldAt(1, 1, 5, 0)}},
		"a status that nobody knows yet":     {one(partJSON("PICKED", 1, one(partLineJSON(1, 5, 5, 5)))), "", []inventory.SaleLine{soldAt(1, 1, 5, 0)}},
		"cancelled for another location":     {one(partJSON("CANCELLED", 1, one(partLineJSON(1, 5, 5, 5))), partJSON("OPEN", 2, one(partLineJSON(1, 5, 5, 5)))), "", []inventory.SaleLine{soldAt(1, 2, 5, 0)}},
		"done at two locations":              {one(partJSON("CLOSED", 2, one(partLineJSON(1, 5, 3, 0))), partJSON("CLOSED", 1, one(partLineJSON(1, 5, 2, 0)))), "", []inventory.SaleLine{soldAt(1, 1, 0, 2), soldAt(1, 2, 0, 3)}},
		"returned to the second of them":     {one(partJSON("CLOSED", 2, one(partLineJSON(1, 5, 3, 0))), partJSON("CLOSED", 1, one(partLineJSON(1, 5, 2, 0)))), refundJSON(one(refundLineJSON(1, 2, "RETURN", 1))), []inventory.SaleLine{soldAt(1, 2, 0, 3)}},
		"returned to a third location":       {one(partJSON("CLOSED", 2, one(partLineJSON(1, 5, 3, 0))), partJSON("CLOSED", 1, one(partLineJSON(1, 5, 2, 0)))), refundJSON(one(refundLineJSON(1, 4, "RETURN", 3))), []inventory.SaleLine{soldAt(1, 1, 0, 1)}},
		"more than all of it is put back":    {one(partJSON("CLOSED", 1, one(partLineJSON(1, 5, 5, 0)))), refundJSON(one(refundLineJSON(1, 9, "RETURN", 1))), nil},
		"two lines of one item":              {one(partJSON("OPEN", 1, one(partLineJSON(1, 5, 5, 5), strings.Replace(partLineJSON(1, 2, 2, 1), "LineItem/1", "LineItem/2", 1)))), "", []inventory.SaleLine{soldAt(1, 1, 6, 1)}},
		"something without an item":          {one(partJSON("OPEN", 1, one(strings.Replace(partLineJSON(1, 5, 5, 5), `"gid://shopify/InventoryItem/1"`, "null", 1)))), refundJSON(one(refundLineJSON(1, 2, "CANCEL", 1))), nil},
		"something without a SKU":            {one(partJSON("OPEN", 1, one(strings.Replace(partLineJSON(1, 5, 5, 5), `" MUG-1 "`, "null", 1)))), "", []inventory.SaleLine{{Item: 1, Location: 1, Open: 5}}},
		"a location that is gone":            {one(strings.Replace(partJSON("OPEN", 1, one(partLineJSON(1, 5, 5, 5))), `{"id":"gid://shopify/Location/1"}`, "null", 1)), "", nil},
		"one of two locations is gone":       {one(strings.Replace(partJSON("CLOSED", 1, one(partLineJSON(1, 5, 2, 0))), `{"id":"gid://shopify/Location/1"}`, "null", 1), partJSON("OPEN", 2, one(partLineJSON(1, 5, 2, 2)))), "", []inventory.SaleLine{soldAt(1, 2, 2, 1)}},
		"nothing to be fulfilled":            {one(), "", nil},
		"a refund of something not in there": {one(partJSON("OPEN", 1, one(partLineJSON(1, 5, 5, 5)))), refundJSON(one(refundLineJSON(7, 2, "CANCEL", 1))), []inventory.SaleLine{soldAt(1, 1, 5, 0)}},
		"sorted by item, then location":      {one(partJSON("OPEN", 2, one(partLineJSON(2, 1, 1, 1), partLineJSON(1, 2, 1, 1))), partJSON("OPEN", 1, one(partLineJSON(1, 2, 1, 1)))), "", []inventory.SaleLine{soldAt(1, 1, 1, 0), soldAt(1, 2, 1, 0), soldAt(2, 2, 1, 0)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			talk(t, sellingStore(ordersJSON("", orderJSON(7, test.parts, test.refunds))), func(t *testing.T, c *Client, _ *store) {
				got, err := c.Sales(t.Context(), marked)
				want := inventory.Sales{Told: true, Sales: []inventory.Sale{{
					ID: 7, Name: "#7", Created: time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC), Updated: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC), Lines: test.want,
				}}}
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Errorf("%v\n%s", err, diff)
				}
			})
		})
	}
}

func TestOpenOrdersAreAskedForBeforeTheUpdatedOnesAndNothingOfTheCustomer(t *testing.T) {
	talk(t, sellingStore(ordersJSON("")), func(t *testing.T, c *Client, s *store) {
		if got, err := c.Sales(t.Context(), marked); err != nil || !got.Told || len(got.Sales) != 0 {
			t.Errorf("%+v, %v", got, err)
		}
		var queries []string
		for _, a := range s.requests()[1:] {
			var vars struct{ Query string }
			a.vars(t, &vars)
			queries = append(queries, vars.Query)
			for _, field := range []string{"customer", "email", "Address", "phone", "note"} {
				if strings.Contains(a.Query, field) {
					t.Errorf("it asks for %s", field)
				}
			}
		}
		if want := []string{"status:open", "updated_at:>='" + askedFrom + "'"}; !cmp.Equal(queries, want) {
			t.Errorf("asked for %q, want %q", queries, want)
		}
	})
}

func TestOrdersThatCannotBeReadWholeAreAnErrorThatSaysWhy(t *testing.T) {
	one := func(parts ...string) string { return connectionJSON("", parts...) }
	good := orderJSON(7, one(partJSON("OPEN", 1, one(partLineJSON(1, 5, 5, 5)))), refundJSON(one(refundLineJSON(1, 2, "CANCEL", 1))))
	with := func(old, text string) reply { return ordersJSON("", strings.Replace(good, old, text, 1)) }
	manyRefunds := strings.TrimSuffix(strings.Repeat(refundJSON(one())+",", pageMost), ",")
	moreParts := ordersJSON("", orderJSON(7, connectionJSON("more", partJSON("OPEN", 1, one(partLineJSON(1, 5, 5, 5)))), ""))
	moreLines := ordersJSON("", orderJSON(7, one(partJSON("OPEN", 1, connectionJSON("more", partLineJSON(1, 5, 5, 5)))), ""))
	moreRefunds := ordersJSON("", orderJSON(7, one(), strings.TrimSuffix(strings.Repeat(refundJSON(one())+",", firstRefunds), ",")))
	moreRefundLines := ordersJSON("", orderJSON(7, one(), refundJSON(connectionJSON("more", refundLineJSON(1, 2, "CANCEL", 1)))))
	updated := `"updatedAt":"` + askedFrom + `"`
	tests := map[string]struct {
		answers []reply
		want    string
	}{
		"no orders":                        {[]reply{ok(`{}`)}, "orders.edges"},
		"cut short":                        {[]reply{ok(`{"orders":{"edges":[],"pageInfo":{"hasNextPage":false,"endCursor":"b"}}}`)}, "lacks its end"},
		"in a circle":                      {[]reply{ordersJSON("a", good)}, "circle"},
		"no number":                        {[]reply{with(`"legacyResourceId":"7"`, `"legacyResourceId":"0"`)}, "legacyResourceId of gid://shopify/Order/7"},
		"no name":                          {[]reply{with(`"name":"#7"`, `"name":""`)}, "name of gid://shopify/Order/7"},
		"no time":                          {[]reply{with(updated, `"updatedAt":null`)}, "updatedAt of gid://shopify/Order/7"},
		"no fulfilment orders":             {[]reply{ordersJSON("", orderJSON(7, "null", ""))}, "fulfillmentOrders.edges"},
		"no status":                        {[]reply{with(`"OPEN"`, `""`)}, "status of gid://shopify/FulfillmentOrder/1"},
		"no location":                      {[]reply{with(`gid://shopify/Location/1`, `Oslo`)}, "Oslo"},
		"no lines":                         {[]reply{ordersJSON("", orderJSON(7, one(partJSON("OPEN", 1, "null")), ""))}, "fulfillmentOrders.lineItems.edges"},
		"no remaining quantity":            {[]reply{with(`"remainingQuantity":5`, `"remainingQuantity":null`)}, "plausible remainingQuantity of gid://shopify/LineItem/1"},
		"a total below zero":               {[]reply{with(`"totalQuantity":5`, `"totalQuantity":-5`)}, "plausible totalQuantity"},
		"an order beyond all measure":      {[]reply{with(`"quantity":5`, `"quantity":5000000000`)}, "plausible quantity"},
		"a line without an id":             {[]reply{with(`gid://shopify/LineItem/1`, ``)}, "lineItem.id"},
		"an item that is none":             {[]reply{with(`InventoryItem/1`, `Product/1`)}, "Product/1"},
		"one line of two items":            {[]reply{ordersJSON("", orderJSON(7, one(partJSON("OPEN", 1, one(partLineJSON(1, 5, 5, 5), strings.Replace(partLineJSON(2, 5, 5, 5), "LineItem/2", "LineItem/1", 1)))), ""))}, "gid://shopify/LineItem/1 is listed as"},
		"no refunds":                       {[]reply{with(`"refunds":[`, `"refunds":null,"x":[`)}, "refunds of gid://shopify/Order/7"},
		"no lines of a refund":             {[]reply{ordersJSON("", orderJSON(7, one(), refundJSON("null")))}, "refundLineItems.edges"},
		"no kind of a refund":              {[]reply{with(`"CANCEL"`, `""`)}, "restockType"},
		"no quantity of a refund":          {[]reply{with(`"quantity":2`, `"quantity":null`)}, "plausible quantity of a refund"},
		"the filter is ignored":            {[]reply{ordersJSON(""), with(updated, `"updatedAt":"2026-11-24T07:59:59Z"`)}, "the store ignores that only orders updated since"},
		"an order that vanishes":           {[]reply{moreParts, ok(`{"order":null}`)}, "in each of 3 readings"},
		"fulfilment orders cut short":      {[]reply{moreParts, ok(`{"order":{` + updated + `,"fulfillmentOrders":null}}`)}, "fulfillmentOrders.edges"},
		"fulfilment orders of another day": {[]reply{moreParts, ok(`{"order":{"updatedAt":"2026-11-24T08:00:01Z","fulfillmentOrders":` + one() + `}}`)}, "gid://shopify/Order/7 was updated while it was read"},
		"fulfilment orders of no day":      {[]reply{moreParts, ok(`{"order":{"fulfillmentOrders":` + one() + `}}`)}, "updatedAt of gid://shopify/Order/7"},
		"a fulfilment order that vanishes": {[]reply{moreLines, ok(`{"fulfillmentOrder":null}`)}, "vanished"},
		"lines of another day":             {[]reply{moreLines, ok(`{"fulfillmentOrder":{"order":{"updatedAt":"2026-11-24T08:00:01Z"},"lineItems":` + one() + `}}`)}, "was updated while it was read"},
		"an order without its refunds":     {[]reply{moreRefunds, ok(`{"order":null}`)}, "vanished"},
		"fewer refunds than before":        {[]reply{moreRefunds, ok(`{"order":{` + updated + `,"refunds":[]}}`)}, "has 0 refunds"},
		"too many refunds":                 {[]reply{moreRefunds, ok(`{"order":{` + updated + `,"refunds":[` + manyRefunds + `]}}`)}, "has 250 refunds of 250 that can be listed"},
		"a refund that vanishes":           {[]reply{moreRefundLines, ok(`{"refund":null}`)}, "vanished"},
		"a refund of another day":          {[]reply{moreRefundLines, ok(`{"refund":{"order":{"updatedAt":"2026-11-24T08:00:01Z"},"refundLineItems":` + one() + `}}`)}, "was updated while it was read"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answers := test.answers
			if len(answers) > 1 && answers[1].body != "" && strings.Contains(test.want+name, "vanish") || strings.Contains(name, "day") || strings.Contains(name, "without its") {
				answers = append(append(append([]reply{}, answers...), answers...), answers...) // each reading finds the same
			}
			talk(t, sellingStore(answers...), func(t *testing.T, c *Client, _ *store) {
				got, err := c.Sales(t.Context(), marked)
				if err == nil || !strings.Contains(err.Error(), test.want) || got.Told || got.Sales != nil {
					t.Errorf("got %+v, %v, want an error with %q", got, err, test.want)
				}
			})
		})
	}
}

func TestWhatDoesNotFitAnOrdersPageIsReadFromTheStart(t *testing.T) {
	one := func(parts ...string) string { return connectionJSON("", parts...) }
	updated := `"updatedAt":"` + askedFrom + `"`
	line := func(n int64) string { return partLineJSON(n, 5, 5, 5) }
	fulfilled := func(lines string) string {
		return strings.Replace(partJSON("CLOSED", 1, lines), `"totalQuantity":5,"remainingQuantity":5`, `"totalQuantity":5,"remainingQuantity":0`, 1)
	}
	answers := sellingStore(
		ordersJSON("", orderJSON(7, connectionJSON("more", fulfilled(one(line(1)))), strings.Repeat(refundJSON(one())+",", firstRefunds-1)+refundJSON(one()))),
		ok(`{"order":{`+updated+`,"fulfillmentOrders":`+connectionJSON("second", fulfilled(connectionJSON("lines", line(1))))+`}}`),
		ok(`{"order":{`+updated+`,"fulfillmentOrders":`+one(partJSON("CLOSED", 2, one(partLineJSON(1, 5, 0, 0))))+`}}`),
		ok(`{"fulfillmentOrder":{"order":{`+updated+`},"lineItems":`+connectionJSON("third", line(1))+`}}`),
		ok(`{"fulfillmentOrder":{"order":{`+updated+`},"lineItems":`+one(line(2))+`}}`),
		ok(`{"order":{`+updated+`,"refunds":[`+strings.Repeat(refundJSON(one(refundLineJSON(1, 1, "RETURN", 1)))+",", firstRefunds)+refundJSON(connectionJSON("rest", refundLineJSON(2, 1, "RETURN", 1)))+`]}}`),
		ok(`{"refund":{"order":{`+updated+`},"refundLineItems":`+one(refundLineJSON(2, 2, "RETURN", 1))+`}}`),
		ordersJSON(""),
	)
	talk(t, answers, func(t *testing.T, c *Client, s *store) {
		got, err := c.Sales(t.Context(), marked)
		if err != nil || len(got.Sales) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		want := []inventory.SaleLine{soldAt(1, 1, 0, 1), soldAt(2, 1, 0, 3)}
		if diff := cmp.Diff(want, got.Sales[0].Lines); diff != "" {
			t.Error(diff)
		}
		if got, want := s.ops(), "readScopes readOrders readParts readParts readPartLines readPartLines readRefunds readRefundLines readOrders"; got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
	})
}

func TestAnOrderThatIsUpdatedWhileItIsReadIsReadAnew(t *testing.T) {
	one := func(parts ...string) string { return connectionJSON("", parts...) }
	answers := sellingStore(
		ordersJSON("", orderJSON(7, connectionJSON("more", partJSON("OPEN", 1, one(partLineJSON(1, 5, 5, 5)))), "")),
		ok(`{"order":{"updatedAt":"2026-11-24T08:00:01Z","fulfillmentOrders":`+one()+`}}`),
		ordersJSON("", orderJSON(7, one(partJSON("OPEN", 1, one(partLineJSON(1, 5, 5, 2)))), "")),
	)
	talk(t, answers, func(t *testing.T, c *Client, _ *store) {
		got, err := c.Sales(t.Context(), time.Time{})
		if err != nil || len(got.Sales) != 1 || !cmp.Equal(got.Sales[0].Lines, []inventory.SaleLine{soldAt(1, 1, 2, 3)}) {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// A person believes that orders are read: to go on without them would sell
// units twice.
func TestOrdersThatAreRefusedInSpiteOfTheScopesAreAnErrorThatNamesThem(t *testing.T) {
	refused := reply{body: `{"errors":[{"message":"Access denied for orders field.","path":["orders"],"extensions":{"code":"ACCESS_DENIED","requiredAccess":"` + "`read_orders`" + ` access scope."}}],"data":null,` + healthy + `}`}
	granted := strings.Replace(placesJSON("", placeJSON(1, noUpdates)).body, scopesJSON("read_products"), scopesJSON(scopeOrders, scopeFulfilment), 1)
	answer := func(_ int, a asked) reply {
		var vars struct{ Orders bool }
		if a.Op == "readUpdates" {
			a.vars(t, &vars)
		}
		switch {
		case a.Op == "readScopes":
			return ok(`{` + scopesJSON(scopeOrders, scopeFulfilment) + `}`)
		case a.Op == "readOrders" || vars.Orders:
			return refused
		}
		return reply{body: granted}
	}
	talk(t, answer, func(t *testing.T, c *Client, s *store) {
		for name, tell := range map[string]func() error{
			"sales":        func() error { _, err := c.Sales(t.Context(), marked); return err },
			"first glance": func() error { c.sells = false; _, err := c.Glance(t.Context(), marked); return err },
			"next glance":  func() error { c.sells = true; _, err := c.Glance(t.Context(), marked); return err },
		} {
			err := tell()
			var pause *inventory.PauseError
			if !errors.As(err, &pause) || !strings.Contains(err.Error(), "read_orders") || !strings.Contains(err.Error(), "grant the app what is named") {
				t.Errorf("%s: %v, want an error that names the scope and the next step", name, err)
			}
		}
	})
}

func TestATokenOlderThanAScopeIsRenewedOnce(t *testing.T) {
	refused := failing("ACCESS_DENIED", "Access denied for orders field.")
	for _, renewed := range []bool{true, false} {
		grants := 0
		talkAs(t, grantOptions(), func(_ int, a asked) reply {
			switch {
			case a.Op == "":
				grants++
				return reply{body: fmt.Sprintf(`{"access_token":"token-%d","expires_in":86399}`, grants)}
			case a.Op == "readScopes":
				return ok(`{` + scopesJSON(scopeOrders, scopeFulfilment) + `}`)
			case a.token == "token-1" || !renewed:
				return refused
			}
			return ordersJSON("")
		}, func(t *testing.T, c *Client, s *store) {
			got, err := c.Sales(t.Context(), time.Time{})
			if (err == nil) != renewed || got.Told != renewed || grants != 2 || len(s.requests()) != 5 {
				t.Errorf("renewed %v: %+v, %v after %d grants and %d requests, want two grants in five", renewed, got, err, grants, len(s.requests()))
			}
		})
	}
}
