package shopify

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile/inventory"
)

// FuzzAnswer gives anything as an answer: nothing may panic, and what is taken
// for a complete read has no nameless level.
func FuzzAnswer(f *testing.F) {
	for _, r := range []reply{
		variantsJSON("", mug(1, 5)), variantsJSON("a", mug(1, 5)), done(three().Changes...),
		userErrors(1, "CHANGE_FROM_QUANTITY_STALE", -1, ""), failing("THROTTLED", "Throttled"), {body: throttled},
		placesJSON("", placeJSON(1, connectionJSON("", updateJSON(1, 1, 5)))), placesJSON("", placeJSON(1, noUpdates)),
		glanceJSON(connectionJSON("more", editedMug(1, 5), editJSON(variantJSON(2, itemJSON(3, "", levelsJSON(""))))), "", placeJSON(1, connectionJSON("", updateJSON(1, 1, 4)))),
		ordersJSON("", orderJSON(7, connectionJSON("", partJSON("OPEN", 1, connectionJSON("", partLineJSON(1, 5, 4, 2)))), refundJSON(connectionJSON("", refundLineJSON(1, 2, "CANCEL", 1))))),
		activated(levelJSON(2, 0)), notActivated("No way."), variantsJSON("", plain(1, "mug")),
		{body: `{"errors":"text"}`}, {body: `{"errors":{"base":["x"]}}`}, {body: `{"errors":[1,null,{"path":[0,"a"]}],"data":{"x":[]}}`},
		{body: `{"data":{"nodes":[null,{"__typename":"InventoryItem","id":"gid://shopify/InventoryItem/1"}]}}`},
		{body: `{"data":{},"extensions":{"cost":{"requestedQueryCost":-1,"throttleStatus":{"maximumAvailable":1e300,"restoreRate":1e-300,"currentlyAvailable":-1e300}}}}`},
		{body: `null`}, {body: `[]`}, {body: ``},
	} {
		f.Add(r.body)
	}
	c := New(Options{Store: "main", Shop: "acme.myshopify.com", APIVersion: "2026-10"})
	f.Fuzz(func(t *testing.T, body string) {
		answer, err := parseEnvelope([]byte(body))
		o := c.writeSized(setName, 3)
		o.answer, o.broken = answer, err
		o.verdict(1)
		if wait := answer.throttledFor(1); wait < time.Second || wait > time.Hour {
			t.Errorf("waits %s", wait)
		}
		b := newBucket()
		b.take(time.Unix(0, 0), 10)
		b.settle(time.Unix(0, 0), o.key, 10, &answer.cost)
		if wait, _ := b.take(time.Unix(1, 0), 10); wait < 0 || wait > time.Hour {
			t.Errorf("the bucket waits %s", wait)
		}
		if len(answer.errors) > 0 {
			if text := o.queryError(&answer).Error(); strings.ContainsAny(text, "\n\r") {
				t.Errorf("the error %q is not on one line", text)
			}
		}
		var set setQuantitiesResponse
		if json.Unmarshal(answer.Data, &set) == nil && set.InventorySetQuantities != nil && len(set.InventorySetQuantities.UserErrors) > 0 {
			if list, err := o.refused(three().Changes, set.InventorySetQuantities.UserErrors); err == nil && len(list) != 3 {
				t.Errorf("%d outcomes for 3 changes", len(list))
			}
		}
		if set.InventorySetQuantities != nil {
			_ = o.confirm(three().Changes, set.InventorySetQuantities.InventoryAdjustmentGroup)
		}
		fuzzActivation(t, o, answer.Data)
		fuzzLevels(t, o, answer.Data)
		fuzzGlance(t, o, answer.Data)
		fuzzPage(t, o, answer.Data)
		fuzzSales(t, o, answer.Data)
	})
}

func fuzzSales(t *testing.T, o *operation, data []byte) {
	var answer readOrdersResponse
	if json.Unmarshal(data, &answer) != nil {
		return
	}
	more := func(info page) bool { return info.HasNextPage != nil && *info.HasNextPage }
	for _, edge := range answer.Orders.Edges {
		order := edge.Node
		asks := len(order.Refunds) >= firstRefunds || more(order.FulfillmentOrders.PageInfo)
		ordered := map[string]inventory.Units{}
		for _, part := range order.FulfillmentOrders.Edges {
			asks = asks || more(part.Node.LineItems.PageInfo)
			for _, line := range part.Node.LineItems.Edges {
				if n := line.Node.LineItem.Quantity; n != nil {
					ordered[line.Node.LineItem.Id] = max(ordered[line.Node.LineItem.Id], inventory.Units(*n))
				}
				if n := line.Node.RemainingQuantity; n != nil {
					ordered[part.Node.Id+line.Node.LineItem.Id] += inventory.Units(*n) // at most left in all
				}
			}
		}
		for _, refund := range order.Refunds {
			asks = asks || more(refund.RefundLineItems.PageInfo)
		}
		if asks {
			return // would be asked for
		}
		sale, err := o.sale(t.Context(), order)
		if err != nil {
			continue
		}
		most, sum := inventory.Units(0), inventory.Units(0)
		for _, n := range ordered {
			most += n
		}
		for i, line := range sale.Lines {
			if line.Item <= 0 || line.Location <= 0 || line.Open < 0 || line.Done < 0 || line.Open+line.Done == 0 {
				t.Errorf("a line without a name or units: %+v", line)
			}
			if i > 0 && (sale.Lines[i-1].Item > line.Item || sale.Lines[i-1].Item == line.Item && sale.Lines[i-1].Location >= line.Location) {
				t.Errorf("%+v behind %+v", line, sale.Lines[i-1])
			}
			sum += line.Open + line.Done
		}
		if sale.ID <= 0 || sum > most || order.CancelledAt != nil && sale.Lines != nil {
			t.Errorf("%+v takes %d of %d", sale, sum, most)
		}
	}
}

func fuzzGlance(t *testing.T, o *operation, data []byte) {
	var answer readUpdatesResponse
	if json.Unmarshal(data, &answer) != nil {
		return
	}
	for _, edge := range answer.ProductVariants.Edges {
		if more := edge.Node.InventoryItem.InventoryLevels.PageInfo.HasNextPage; more != nil && *more {
			return // would be asked for
		}
	}
	g := newGlance(o.client, marked.Add(-glanceOverlap))
	g.found.begin(o, nil, answer.CurrentAppInstallation)
	for _, edge := range answer.Locations.Edges {
		if g.location(o, edge.Node) != nil {
			return
		}
	}
	if g.takeEdits(t.Context(), o, answer.ProductVariants) != nil {
		return
	}
	at := map[inventory.LocationID]bool{}
	for _, location := range g.found.list {
		if at[location.ID] || location.ID <= 0 {
			t.Errorf("a location without a name, or twice: %+v", location)
		}
		at[location.ID] = true
	}
	figure := map[inventory.Key]inventory.Units{}
	for i, level := range g.updated() {
		if level.Item <= 0 || level.Variant <= 0 || !at[level.Location] || level.Unstocked || i > 0 && g.updated()[i-1].Compare(level.Key) >= 0 {
			t.Errorf("a level without a name or a location, or out of its place: %+v", level)
		}
		figure[level.Key] = level.Available
	}
	fuzzEdits(t, g.edited(), figure)
	if len(g.edited()) < len(g.edits) {
		t.Errorf("%d items with %d levels", len(g.edits), len(g.edited()))
	}
}

// fuzzEdits looks at the levels of edited items, of which some were updated.
func fuzzEdits(t *testing.T, edited []inventory.Level, updated map[inventory.Key]inventory.Units) {
	for i, level := range edited {
		if level.Item <= 0 || level.Variant <= 0 || (level.Location <= 0) != level.Unstocked {
			t.Errorf("a level of an edited item without a name: %+v", level)
		}
		if available, both := updated[level.Key]; both && available != level.Available {
			t.Errorf("%s has %d and %d", level.Key, available, level.Available)
		}
		if i == 0 {
			continue
		}
		before := edited[i-1]
		if before.Compare(level.Key) >= 0 || before.Item == level.Item && (before.Of() != level.Of() || before.Unstocked) {
			t.Errorf("%+v behind %+v", level, before)
		}
	}
}

func fuzzPage(t *testing.T, o *operation, data []byte) {
	var answer readVariantsResponse
	if json.Unmarshal(data, &answer) != nil {
		return
	}
	edges, info := answer.ProductVariants.Edges, answer.ProductVariants.PageInfo
	for _, edge := range edges {
		if more := edge.Node.InventoryItem.InventoryLevels.PageInfo.HasNextPage; more != nil && *more {
			return // would be asked for
		}
	}
	list, info, err := findAll(t.Context(), o, edges, info, dated)
	if err != nil {
		return
	}
	const after = 1
	p, err := o.following(after, list, info)
	switch {
	case err != nil && (p.Levels != nil || p.Last != 0):
		t.Errorf("half a page: %+v", p)
	case err == nil && (len(p.Updated) != len(p.Levels) || len(list) > 0 && p.Last <= after || len(list) == 0 && !p.End):
		t.Errorf("a page without its times or its end: %+v", p)
	}
	for _, level := range p.Levels {
		if level.Variant <= after || level.Variant > p.Last {
			t.Errorf("a page up to %s has %+v", p.Last, level)
		}
	}
}

func fuzzActivation(t *testing.T, o *operation, data []byte) {
	var answer activateLevelResponse
	if json.Unmarshal(data, &answer) != nil || answer.InventoryActivate == nil {
		return
	}
	if problems := answer.InventoryActivate.UserErrors; len(problems) > 0 {
		if err := o.refusedLine(problems); err == nil || strings.ContainsAny(err.Error(), "\n\r") {
			t.Errorf("a refusal gives the error %q", err)
		}
	}
	if level := answer.InventoryActivate.InventoryLevel; level != nil {
		if figure, err := o.activated(key(1, 2), *level); err != nil && figure != 0 {
			t.Errorf("the figure %d and %v", figure, err)
		}
	}
}

func fuzzLevels(t *testing.T, o *operation, data []byte) {
	var variants readVariantsResponse
	if json.Unmarshal(data, &variants) == nil {
		for _, edge := range variants.ProductVariants.Edges {
			if more := edge.Node.InventoryItem.InventoryLevels.PageInfo.HasNextPage; more != nil && *more {
				continue // would be asked for
			}
			one, err := observed(t.Context(), o, edge)
			if err == nil && (one.variant <= 0 || one.item <= 0 || len(one.rows) == 0) {
				t.Errorf("a variant without a name or a level: %+v", one)
			}
			for _, level := range one.rows {
				if level.Item != one.item || level.Variant != one.variant || (level.Location <= 0) != level.Unstocked {
					t.Errorf("a level without a name: %+v", level)
				}
			}
		}
	}
	var listings readListingsResponse
	if json.Unmarshal(data, &listings) == nil {
		for _, edge := range listings.ProductVariants.Edges {
			if more := edge.Node.InventoryItem.InventoryLevels.PageInfo.HasNextPage; more != nil && *more {
				continue
			}
			one, _ := listed(t.Context(), o, edge)
			for _, row := range one.rows {
				if row.Item <= 0 || row.Location <= 0 || row.Variant <= 0 || row.Handle == "" || len(row.Options) == 0 {
					t.Errorf("a listing without a name: %+v", row)
				}
			}
		}
	}
	var items readItemsResponse
	_ = json.Unmarshal(data, &items)
}
