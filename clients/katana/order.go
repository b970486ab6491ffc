package katana

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"stocksyncd/reconcile/inventory"
)

const (
	// overlap is how far a read reaches back beyond what was asked: whether
	// updated_at_min includes its bound is not documented, and an order may
	// become visible a little after its time stamp.
	overlap = 2 * time.Minute
	// recent is how far the first read of all reaches back.
	recent = 15 * time.Minute
)

type orderWire struct {
	ID       token           `json:"id"`
	Number   token           `json:"order_no"`
	Status   token           `json:"status"`
	Source   token           `json:"source"`
	Platform token           `json:"ecommerce_order_type"`
	Store    token           `json:"ecommerce_store_name"`
	External token           `json:"ecommerce_order_id"`
	Customer token           `json:"customer_id"`
	Location token           `json:"location_id"`
	Created  token           `json:"created_at"`
	Updated  token           `json:"updated_at"`
	Deleted  token           `json:"deleted_at"`
	Rows     *[]orderRowWire `json:"sales_order_rows"`
}

type orderRowWire struct {
	ID       token `json:"id"`
	Variant  token `json:"variant_id"`
	Location token `json:"location_id"`
	Quantity token `json:"quantity"`
	Made     token `json:"linked_manufacturing_order_id"`
	Deleted  token `json:"deleted_at"`
}

// Orders lists the sales orders that changed since, deleted ones included,
// sorted by id. It reaches back 2 minutes more than asked, so the caller sees
// some orders again. Deleted rows of an order are hidden by Katana.
//
// A zero since is the first read, before which nothing is news: the orders
// that changed in the last 15 minutes of Katana's clock.
func (c *Client) Orders(ctx context.Context, since time.Time) ([]inventory.SourceOrder, error) {
	from, err := c.changedFrom(ctx, since)
	if err != nil {
		return nil, err
	}
	orders, err := listing[orderWire, inventory.SourceOrder, int64]{
		name: "sales orders", path: "/sales_orders", read: readOrder,
		query: url.Values{
			"updated_at_min":  {stamp(from)},
			"include_deleted": {"true"},
		},
		id: func(o inventory.SourceOrder) int64 { return o.ID },
	}.all(ctx, c)
	if err != nil {
		return nil, err
	}
	// Without the filter Katana answers with every order it ever had.
	orders = slices.DeleteFunc(orders, func(o inventory.SourceOrder) bool { return o.Updated.Before(from) })
	slices.SortFunc(orders, func(a, b inventory.SourceOrder) int { return cmp.Compare(a.ID, b.ID) })
	return orders, nil
}

// changedFrom is the bound to ask for, on Katana's clock and to the
// millisecond.
func (c *Client) changedFrom(ctx context.Context, since time.Time) (time.Time, error) {
	skew, known := c.serverClock()
	if !since.IsZero() {
		// since may come from our clock. When ours is ahead, changes carry earlier
		// stamps than we think; when it is behind, it must not shorten the reach.
		return reach(since.Add(min(skew, 0))), nil
	}
	if !known {
		if _, err := c.date(ctx); err != nil {
			return time.Time{}, err
		}
		skew, _ = c.serverClock()
	}
	return c.now().Add(skew - recent).UTC().Truncate(time.Millisecond), nil
}

// reach is the bound to ask for, so that nothing that changed since is missed.
func reach(since time.Time) time.Time { return since.Add(-overlap).UTC().Truncate(time.Millisecond) }

// stamp writes a bound as Katana writes its times.
func stamp(bound time.Time) string { return bound.Format("2006-01-02T15:04:05.000Z") }

// date asks Katana for its clock, in whole seconds; zero when it does not say.
func (c *Client) date(ctx context.Context) (time.Time, error) {
	resp, err := c.get(ctx, "account", "/factory", nil)
	if err != nil {
		return time.Time{}, err
	}
	return resp.Date, nil
}

func readOrder(f *fields, w *orderWire) inventory.SourceOrder {
	f.need("status", w.Status)
	order := inventory.SourceOrder{
		ID:       f.id("id", w.ID),
		Number:   f.text("order_no", w.Number),
		Status:   f.text("status", w.Status),
		Source:   f.text("source", w.Source),
		Platform: f.text("ecommerce_order_type", w.Platform),
		Store:    f.text("ecommerce_store_name", w.Store),
		External: f.text("ecommerce_order_id", w.External),
		Customer: f.idOrZero("customer_id", w.Customer),
		Location: inventory.SourceLocationID(f.idOrZero("location_id", w.Location)),
		Created:  f.time("created_at", w.Created),
		Updated:  f.time("updated_at", w.Updated),
		Deleted:  !w.Deleted.empty(),
	}
	switch {
	case w.Rows != nil:
		for i := range *w.Rows {
			readOrderRow(f, &(*w.Rows)[i], &order)
		}
	case !order.Deleted:
		f.fail("sales_order_rows", errMissing)
	}
	if f.err != nil {
		f.err = fmt.Errorf("order %d: %w", order.ID, f.err)
	}
	return order
}

func readOrderRow(f *fields, w *orderRowWire, order *inventory.SourceOrder) {
	// A line without a variant moves no stock.
	if string(w.Variant) == "null" || !w.Deleted.empty() {
		return
	}
	row := inventory.SourceOrderRow{
		ID:       f.id("sales_order_rows.id", w.ID),
		Variant:  inventory.SourceVariantID(f.id("sales_order_rows.variant_id", w.Variant)),
		Location: inventory.SourceLocationID(f.idOrZero("sales_order_rows.location_id", w.Location)),
		Quantity: f.quantity("sales_order_rows.quantity", w.Quantity),

		MadeToOrder: !w.Made.empty(),
	}
	if row.Location == 0 {
		row.Location = order.Location
	}
	if row.Location == 0 {
		f.fail("location_id", errMissing)
	}
	order.Rows = append(order.Rows, row)
}
