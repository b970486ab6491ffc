package shopify

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"stocksyncd/reconcile/inventory"
)

// firstRefunds is how many refunds come with an order; it stands in
// operations.graphql.
const firstRefunds = 4

// unitsMost is more than Shopify counts of anything.
const unitsMost = 1_000_000_000

// sale reads an order: how many units it takes, and where.
//
// A cancelled order takes nothing, whatever became of its units: it is not going
// to be one of Katana's, which they could wait for.
func (o *operation) sale(ctx context.Context, node order) (inventory.Sale, error) {
	id, err := node.LegacyResourceId.Int64()
	switch {
	case err != nil || id <= 0:
		return inventory.Sale{}, o.missing("legacyResourceId of " + oneLine(node.Id))
	case node.Name == "":
		return inventory.Sale{}, o.missing("name of " + oneLine(node.Id))
	case node.CreatedAt == nil || node.UpdatedAt == nil:
		return inventory.Sale{}, o.missing("createdAt or updatedAt of " + oneLine(node.Id))
	}
	sale := inventory.Sale{ID: id, Name: node.Name, Created: *node.CreatedAt, Updated: *node.UpdatedAt}
	if node.CancelledAt != nil {
		return sale, nil
	}
	t := tally{o: o, lines: map[string]*soldLine{}}
	if err := t.readParts(ctx, node); err != nil {
		return inventory.Sale{}, err
	}
	if err := t.readRefunds(ctx, node); err != nil {
		return inventory.Sale{}, err
	}
	sale.Lines = t.sum()
	return sale, nil
}

// tally counts the units of an order by its lines.
//
// A fulfilment order is what one location is to fulfil of an order; a line can
// be in several. What they say is left is [inventory.SaleLine.Open], except in
// those that are closed or cancelled: what was left there is in others, or given
// up. All else that was ordered is Done, unless it was put back:
//
//	Done = ordered − left − restocked
//
// That is right whether a unit was fulfilled or taken out of the order without
// going back to stock, before its fulfilment or after. It does not take a
// refunded unit for a fulfilled one: whether a fulfilment order's total falls
// with a refund is not documented, and neither is it needed to know. What leaves
// a line by an edit of the order is in a refund too, with no money in it. A line
// counts what was ordered before its refunds, also what an edit has added.
//
// What is only known to be refunded is Done, also when the goods came back and
// were put on the shelf without the refund saying so: better a unit too many for
// a while than one sold twice.
type tally struct {
	o     *operation
	lines map[string]*soldLine // by the id of the order's line
	ids   []string             // of them, as they come
}

// soldLine is one line of an order.
type soldLine struct {
	item    inventory.ItemID
	sku     inventory.SKU
	ordered inventory.Units
	parts   []soldPart
	back    []returned
}

// soldPart is what one fulfilment order has of a line.
type soldPart struct {
	location inventory.LocationID // 0: it is gone
	open     inventory.Units
	done     inventory.Units // by its own word, before what went back
}

// returned is units of a line that went back to stock.
type returned struct {
	location inventory.LocationID // 0: not told
	units    inventory.Units
}

// readParts reads the fulfilment orders.
func (t *tally) readParts(ctx context.Context, node order) error {
	edges, err := t.o.allParts(ctx, node)
	if err != nil {
		return err
	}
	for _, edge := range edges {
		location, err := t.o.place(edge.Node.AssignedLocation.Location)
		if err != nil {
			return err
		}
		if edge.Node.Status == "" {
			return t.o.missing("status of " + oneLine(edge.Node.Id))
		}
		lines, err := t.o.allPartLines(ctx, node, edge.Node)
		if err != nil {
			return err
		}
		for _, line := range lines {
			if err := t.add(edge.Node.Status, location, line.Node); err != nil {
				return err
			}
		}
	}
	return nil
}

// place is a location; 0 is one that is deleted.
func (o *operation) place(of *partPlace) (inventory.LocationID, error) {
	if of == nil {
		return 0, nil
	}
	id, err := inventory.ParseLocationID(of.Id)
	if err != nil {
		return 0, o.said("an order: " + err.Error())
	}
	return id, nil
}

// add counts what a fulfilment order has of a line. One without an item is no
// stock: a tip, something typed in by hand, or a variant that is deleted.
func (t *tally) add(status FulfillmentOrderStatus, at inventory.LocationID, node partLine) error {
	of := node.LineItem
	left, errLeft := t.units(node.RemainingQuantity, "remainingQuantity", of.Id)
	total, errTotal := t.units(node.TotalQuantity, "totalQuantity", of.Id)
	ordered, errOrdered := t.units(of.Quantity, "quantity", of.Id)
	switch err := cmp.Or(errLeft, errTotal, errOrdered); {
	case err != nil:
		return err
	case of.Id == "":
		return t.o.missing("lineItem.id of a fulfilment order's line")
	case node.InventoryItemId == nil:
		return nil
	}
	item, err := inventory.ParseItemID(*node.InventoryItemId)
	if err != nil {
		return t.o.said("a line of an order: " + err.Error())
	}
	line := t.lines[of.Id]
	if line == nil {
		line = &soldLine{item: item, ordered: ordered}
		t.lines[of.Id] = line
		t.ids = append(t.ids, of.Id)
	}
	if line.item != item {
		return t.o.said(fmt.Sprintf("%s is listed as %s and as %s", oneLine(of.Id), line.item, item))
	}
	line.sku = cmp.Or(line.sku, inventory.TrimSKU(orNone(node.Sku)))
	part := soldPart{location: at, open: left, done: max(total-left, 0)}
	if status == FulfillmentOrderStatusClosed || status == FulfillmentOrderStatusCancelled {
		part.open = 0
	}
	if status == FulfillmentOrderStatusCancelled {
		part.done = 0
	}
	line.parts = append(line.parts, part)
	return nil
}

func (t *tally) units(n *int, field, of string) (inventory.Units, error) {
	if n == nil || *n < 0 || *n > unitsMost {
		return 0, t.o.missing("plausible " + field + " of " + oneLine(of))
	}
	return inventory.Units(*n), nil
}

// readRefunds reads what was put back into stock. A line that no fulfilment
// order has is not ours to count.
func (t *tally) readRefunds(ctx context.Context, node order) error {
	refunds, err := t.o.allRefunds(ctx, node)
	if err != nil {
		return err
	}
	for _, refund := range refunds {
		lines, err := t.o.allRefundLines(ctx, node, refund)
		if err != nil {
			return err
		}
		for _, edge := range lines {
			if err := t.putBack(edge.Node); err != nil {
				return err
			}
		}
	}
	return nil
}

// putBack takes note of a line of a refund. Of the kinds that Shopify may add,
// none is taken for stock that came back.
func (t *tally) putBack(node refundLine) error {
	of := node.LineItem.Id
	n, err := t.units(node.Quantity, "quantity of a refund", of)
	if err != nil {
		return err
	}
	location, err := t.o.place(node.Location)
	if err != nil {
		return err
	}
	if node.RestockType == "" {
		return t.o.missing("restockType of a refund of " + oneLine(of))
	}
	if line := t.lines[of]; line != nil && slices.Contains(restocks, node.RestockType) {
		line.back = append(line.back, returned{location, n})
	}
	return nil
}

// restocks are the kinds of refund that put units back into stock.
var restocks = []RefundLineItemRestockType{
	RefundLineItemRestockTypeCancel, RefundLineItemRestockTypeReturn, RefundLineItemRestockTypeLegacyRestock,
}

// sum adds the lines up by item and location.
func (t *tally) sum() []inventory.SaleLine {
	type where struct {
		item     inventory.ItemID
		location inventory.LocationID
	}
	total := map[where]inventory.SaleLine{}
	for _, id := range t.ids {
		line := t.lines[id]
		line.settle()
		for _, part := range line.parts {
			at := where{line.item, part.location}
			if part.location == 0 || part.open == 0 && part.done == 0 {
				continue // nobody can say where they are, or there are none
			}
			before := total[at]
			total[at] = inventory.SaleLine{
				Item: at.item, SKU: cmp.Or(before.SKU, line.sku), Location: at.location,
				Open: before.Open + part.open, Done: before.Done + part.done,
			}
		}
	}
	return slices.SortedFunc(maps.Values(total), func(a, b inventory.SaleLine) int {
		return cmp.Or(cmp.Compare(a.Item, b.Item), cmp.Compare(a.Location, b.Location))
	})
}

// settle brings what the parts of a line say is done to what is Done of the
// line. Of units too many, which went back, those at the location where they
// were put go first: they are in its stock. Units that no part has left the
// order without being fulfilled, and a refund does not say from where: they are
// the first part's.
func (l *soldLine) settle() {
	surplus := -l.ordered
	for _, part := range l.parts {
		surplus += part.open + part.done
	}
	for _, back := range l.back {
		surplus += back.units
	}
	for _, back := range l.back {
		if back.location != 0 {
			surplus -= l.drop(min(surplus, back.units), back.location)
		}
	}
	surplus -= l.drop(surplus, 0)
	if i := slices.IndexFunc(l.parts, func(p soldPart) bool { return p.location != 0 }); i >= 0 && surplus < 0 {
		l.parts[i].done -= surplus
	}
}

// drop takes units off what is done at a location, or at any, and tells how many
// there were.
func (l *soldLine) drop(units inventory.Units, at inventory.LocationID) (dropped inventory.Units) {
	for i := range l.parts {
		if part := &l.parts[i]; at == 0 || at == part.location {
			n := max(min(units-dropped, part.done), 0)
			part.done, dropped = part.done-n, dropped+n
		}
	}
	return dropped
}

// allParts gives the fulfilment orders of an order, and reads those that did not
// fit its page.
func (o *operation) allParts(ctx context.Context, node order) ([]partEdge, error) {
	const name = "fulfilment orders of an order"
	list := node.FulfillmentOrders
	if err := whole(o, "fulfillmentOrders", list.Edges, list.PageInfo); err != nil || !*list.PageInfo.HasNextPage {
		return list.Edges, err
	}
	var edges []partEdge
	err := o.client.pages(name, 0, func(o *operation, after *string, size int) (page, error) {
		answer, err := readParts(ctx, o, node.Id, portion(salesPage, size), after)
		if err != nil {
			return page{}, err
		}
		if answer.Order == nil {
			return page{}, o.vanished(node)
		}
		list := answer.Order.FulfillmentOrders
		edges = append(edges, list.Edges...)
		return list.PageInfo, cmp.Or(o.same(node, answer.Order.UpdatedAt), whole(o, "fulfillmentOrders", list.Edges, list.PageInfo))
	})
	return edges, err
}

// allPartLines gives the lines of a fulfilment order, in the same way.
func (o *operation) allPartLines(ctx context.Context, node order, of part) ([]partLineEdge, error) {
	const name = "lines of a fulfilment order"
	list := of.LineItems
	if err := whole(o, "fulfillmentOrders.lineItems", list.Edges, list.PageInfo); err != nil || !*list.PageInfo.HasNextPage {
		return list.Edges, err
	}
	var edges []partLineEdge
	err := o.client.pages(name, 0, func(o *operation, after *string, size int) (page, error) {
		answer, err := readPartLines(ctx, o, of.Id, size, after)
		if err != nil {
			return page{}, err
		}
		if answer.FulfillmentOrder == nil {
			return page{}, o.vanished(node)
		}
		list := answer.FulfillmentOrder.LineItems
		edges = append(edges, list.Edges...)
		return list.PageInfo, cmp.Or(o.same(node, answer.FulfillmentOrder.Order.UpdatedAt), whole(o, "fulfillmentOrder.lineItems", list.Edges, list.PageInfo))
	})
	return edges, err
}

// allRefunds gives the refunds of an order. Their list is cut off where it is
// too long, and nothing says so.
func (o *operation) allRefunds(ctx context.Context, node order) (list []refund, err error) {
	const name = "refunds of an order"
	switch {
	case node.Refunds == nil:
		return nil, o.missing("refunds of " + oneLine(node.Id))
	case len(node.Refunds) < firstRefunds:
		return node.Refunds, nil
	}
	err = o.client.fit(name, func(size int) error {
		o := o.client.readSized(name, size, 0)
		answer, err := readRefunds(ctx, o, node.Id, size)
		if err != nil {
			return err
		}
		if answer.Order == nil {
			return o.vanished(node)
		}
		if list = answer.Order.Refunds; len(list) >= size || len(list) < firstRefunds {
			return o.incomplete(fmt.Sprintf("%s has %d refunds of %d that can be listed", oneLine(node.Id), len(list), size))
		}
		return o.same(node, answer.Order.UpdatedAt)
	})
	return list, err
}

// allRefundLines gives the lines of a refund, and reads those that did not fit
// its page.
func (o *operation) allRefundLines(ctx context.Context, node order, of refund) ([]refundLineEdge, error) {
	const name = "lines of a refund"
	list := of.RefundLineItems
	if err := whole(o, "refundLineItems", list.Edges, list.PageInfo); err != nil || !*list.PageInfo.HasNextPage {
		return list.Edges, err
	}
	var edges []refundLineEdge
	err := o.client.pages(name, 0, func(o *operation, after *string, size int) (page, error) {
		answer, err := readRefundLines(ctx, o, of.Id, size, after)
		if err != nil {
			return page{}, err
		}
		if answer.Refund == nil {
			return page{}, o.vanished(node)
		}
		list := answer.Refund.RefundLineItems
		edges = append(edges, list.Edges...)
		return list.PageInfo, cmp.Or(o.same(node, answer.Refund.Order.UpdatedAt), whole(o, "refundLineItems", list.Edges, list.PageInfo))
	})
	return edges, err
}

// vanished reports an order, or a part of it, that was there a moment ago.
func (o *operation) vanished(node order) error {
	return movedError{o.incomplete(oneLine(node.Id) + " vanished while it was read")}
}

// same checks that an order has not changed between its first page and others.
func (o *operation) same(node order, updated *time.Time) error {
	switch {
	case updated == nil:
		return o.missing("updatedAt of " + oneLine(node.Id))
	case !updated.Equal(*node.UpdatedAt):
		return movedError{o.incomplete(oneLine(node.Id) + " was updated while it was read")}
	}
	return nil
}
