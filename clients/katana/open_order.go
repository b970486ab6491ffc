package katana

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"stocksyncd/reconcile/inventory"
)

// notShipped is the status of an open order of which nothing is fulfilled.
const notShipped = "NOT_SHIPPED"

// openStatuses are those of the orders that commit stock; Katana's filter
// takes one at a time.
var openStatuses = [...]string{notShipped, "PARTIALLY_PACKED", "PARTIALLY_DELIVERED"}

// OpenOrders lists the orders that commit stock and that want accepts, sorted
// by id; a nil want accepts all. The Quantity of a row is what is still open of
// it, ordered less packed or delivered, and a row with nothing open is left
// out, even when its order then has no rows. want sees the order as Katana
// lists it.
//
// Who adds open quantities back to what can be sold oversells if one is too
// large, so all that could make it so is an error. An order that changes its
// status while it is read counts once, with the smaller quantity of each row.
// One that changes otherwise may be out of date: read before and after the
// inventory, and take the smaller.
//
// Committed stock is the open part of the orders that are not shipped or
// partially packed or delivered; packing lowers in stock and committed alike.
// https://developer.katanamrp.com/reference/the-sales-order-object
func (c *Client) OpenOrders(ctx context.Context, want func(inventory.SourceOrder) bool) ([]inventory.SourceOrder, error) {
	found := map[int64]inventory.SourceOrder{}
	for _, status := range openStatuses {
		listed, err := c.ordersWith(ctx, status)
		if err != nil {
			return nil, err
		}
		for _, order := range listed {
			if want != nil && !want(order) {
				delete(found, order.ID) // what an earlier sweep saw is out of date
				continue
			}
			if order.Rows, err = c.openRows(ctx, &order); err != nil {
				return nil, err
			}
			if earlier, again := found[order.ID]; again {
				order.Rows = smaller(earlier.Rows, order.Rows)
			}
			found[order.ID] = order
		}
	}
	byID := func(a, b inventory.SourceOrder) int { return cmp.Compare(a.ID, b.ID) }
	return slices.SortedFunc(maps.Values(found), byID), nil
}

// ordersWith lists the live orders with a status.
func (c *Client) ordersWith(ctx context.Context, status string) ([]inventory.SourceOrder, error) {
	orders, err := listing[orderWire, inventory.SourceOrder, int64]{
		name: "sales orders", path: "/sales_orders", query: url.Values{"status": {status}}, read: readOpenOrder,
		id: func(o inventory.SourceOrder) int64 { return o.ID },
	}.all(ctx, c)
	if err != nil {
		return nil, err
	}
	// Without the filter Katana answers with quotes and shipped orders too.
	return slices.DeleteFunc(orders, func(o inventory.SourceOrder) bool { return o.Deleted || o.Status != status }), nil
}

// readOpenOrder wants to be told where an order comes from, if only by null:
// were these fields renamed, every import would pass for an order made in
// Katana, and leaving it out would sell its units twice.
func readOpenOrder(f *fields, w *orderWire) inventory.SourceOrder {
	for name, field := range map[string]token{"ecommerce_order_type": w.Platform, "ecommerce_store_name": w.Store, "source": w.Source} {
		if len(field) == 0 {
			f.fail(name, errMissing)
		}
	}
	return readOrder(f, w)
}

// openRows are the rows of order with what is open of them. Only an order that
// is partially fulfilled needs another request.
func (c *Client) openRows(ctx context.Context, order *inventory.SourceOrder) ([]inventory.SourceOrderRow, error) {
	open := make(map[int64]inventory.Quantity, len(order.Rows))
	for _, row := range order.Rows {
		if _, twice := open[row.ID]; twice {
			return nil, fmt.Errorf("katana: sales orders: order %d: row %d comes twice, so nobody can tell what is open of it", order.ID, row.ID)
		}
		open[row.ID] = row.Quantity
	}
	if order.Status != notShipped && len(order.Rows) > 0 {
		lines, err := c.fulfilled(ctx, order)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			// A line may be of a row that is deleted by now: nothing reads that one.
			open[line.row] = max(0, open[line.row]-line.quantity)
		}
	}
	rows := make([]inventory.SourceOrderRow, 0, len(order.Rows))
	for _, row := range order.Rows {
		if row.Quantity = open[row.ID]; row.Quantity > 0 {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// smaller keeps the rows that are in both, with the smaller quantity. A row
// that went to another variant or location is not the same.
func smaller(earlier, later []inventory.SourceOrderRow) []inventory.SourceOrderRow {
	before := make(map[inventory.SourceOrderRow]inventory.Quantity, len(earlier))
	for _, row := range earlier {
		quantity := row.Quantity
		row.Quantity = 0
		before[row] = quantity
	}
	both := make([]inventory.SourceOrderRow, 0, len(later))
	for _, row := range later {
		quantity := row.Quantity
		row.Quantity = 0
		if row.Quantity = min(quantity, before[row]); row.Quantity > 0 {
			both = append(both, row)
		}
	}
	return both
}

type fulfilmentWire struct {
	ID      token                `json:"id"`
	Order   token                `json:"sales_order_id"`
	Deleted token                `json:"deleted_at"`
	Rows    *[]fulfilmentRowWire `json:"sales_order_fulfillment_rows"`
}

type fulfilmentRowWire struct {
	Row      token `json:"sales_order_row_id"`
	Quantity token `json:"quantity"`
}

// fulfilment is what left the shelf at once, packed or delivered.
type fulfilment struct {
	id    int64
	lines []fulfilledLine // none when it was deleted
}

type fulfilledLine struct {
	row      int64 // of the order
	quantity inventory.Quantity
}

// fulfilled lists what was fulfilled of a partially fulfilled order. What is
// missing here would count as open, so an answer about other orders or about
// nothing at all is an error.
func (c *Client) fulfilled(ctx context.Context, order *inventory.SourceOrder) ([]fulfilledLine, error) {
	name := fmt.Sprintf("fulfilments of order %d", order.ID)
	all, err := listing[fulfilmentWire, fulfilment, int64]{
		name: name, path: "/sales_order_fulfillments",
		query: url.Values{"sales_order_id": {strconv.FormatInt(order.ID, 10)}},
		read:  func(f *fields, w *fulfilmentWire) fulfilment { return readFulfilment(f, w, order.ID) },
		id:    func(one fulfilment) int64 { return one.id },
	}.all(ctx, c)
	if err != nil {
		return nil, err
	}
	var lines []fulfilledLine
	for _, one := range all {
		lines = append(lines, one.lines...)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("katana: %s: %w: none came, though it is %s: look in Katana at what is packed of %q", name, inventory.ErrIncomplete, order.Status, order.Number)
	}
	return lines, nil
}

// readFulfilment reads a fulfilment, which must be of the order asked for: a
// filter that Katana drops brings the fulfilments of all orders.
func readFulfilment(f *fields, w *fulfilmentWire, order int64) fulfilment {
	one := fulfilment{id: f.id("id", w.ID)}
	if of := f.id("sales_order_id", w.Order); of != order {
		f.fail("sales_order_id", fmt.Errorf("is %d, so the filter sales_order_id=%d was not applied", of, order))
	}
	switch {
	case !w.Deleted.empty():
		return one
	case w.Rows == nil:
		f.fail("sales_order_fulfillment_rows", errMissing)
		return one
	}
	for _, row := range *w.Rows {
		line := fulfilledLine{
			row:      f.id("sales_order_fulfillment_rows.sales_order_row_id", row.Row),
			quantity: f.quantity("sales_order_fulfillment_rows.quantity", row.Quantity),
		}
		if line.quantity < 0 { // would open more than was ordered
			f.fail("sales_order_fulfillment_rows.quantity", errBelowZero)
		}
		one.lines = append(one.lines, line)
	}
	return one
}
