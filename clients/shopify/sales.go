package shopify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"stocksyncd/reconcile/inventory"
)

// The scopes for orders, and for where they are fulfilled. Those that a
// fulfilment service fulfils need another one, and are no stock of ours.
const (
	scopeOrders     = "read_orders"
	scopeFulfilment = "read_merchant_managed_fulfillment_orders"
)

// salesPage is how many orders are asked for at a time. Each comes with pages of
// its own, and Shopify ends a request after 10 s.
const salesPage = 100

// Sales reads all orders of the store that are open, and those that it updated
// since a time or shortly before: an order that is fulfilled on the spot, at a
// till, was never open. It is complete or an error. The zero time asks for open
// orders alone.
//
// Nothing is read, and none told, when the token lacks a scope for it. That is
// asked and not tried: without the one for fulfilment orders, each order would
// come with none, which is no error and looks as if it took nothing.
//
// Shopify goes back 60 days, unless the app has read_all_orders. Payment makes
// no difference, and neither does it whether an order is a test: both take
// stock. An open order is one that nobody has closed. Shopify does that once all
// is fulfilled and paid, if the shop lets it; one with units left that a person
// has closed is told only when it was updated since.
//
// Open orders and updated ones are two questions, as the search of orders is
// documented for each, and not how it ranks an OR between them. The open ones
// come first: what closes in between is among the updated ones. Whatever the
// search finds, an order counts by what it says of itself.
func (c *Client) Sales(ctx context.Context, since time.Time) (inventory.Sales, error) {
	o := c.read("scopes")
	answer, err := readScopes(ctx, o)
	if err != nil {
		return inventory.Sales{}, err
	}
	sells, err := c.learnSells(o, answer.CurrentAppInstallation)
	if err != nil || !sells {
		return inventory.Sales{}, err
	}
	return unmoved(func() (inventory.Sales, error) { return c.readSales(ctx, since) })
}

func (c *Client) readSales(ctx context.Context, since time.Time) (inventory.Sales, error) {
	s := newSales(c)
	if err := s.read(ctx, "status:open", time.Time{}); err != nil {
		return inventory.Sales{}, err
	}
	from := reach(since)
	if !since.IsZero() {
		if err := s.read(ctx, "", from); err != nil {
			return inventory.Sales{}, err
		}
	}
	maps.DeleteFunc(s.found, func(_ int64, sale inventory.Sale) bool {
		return !isOpen(sale) && (since.IsZero() || sale.Updated.Before(from))
	})
	return s.told(), nil
}

// isOpen tells whether units of an order are still to be fulfilled.
func isOpen(sale inventory.Sale) bool {
	return slices.ContainsFunc(sale.Lines, func(l inventory.SaleLine) bool { return l.Open > 0 })
}

// learnSells keeps whether orders may be read.
func (c *Client) learnSells(o *operation, app *grants) (bool, error) {
	scopes, err := o.scopes(app)
	if err != nil {
		return false, err
	}
	granted := func(scope string) bool {
		return slices.Contains(scopes, scope) || slices.Contains(scopes, strings.Replace(scope, "read_", "write_", 1))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sells = granted(scopeOrders) && granted(scopeFulfilment)
	return c.sells, nil
}

// knownToSell tells whether orders could be read when the store last said.
func (c *Client) knownToSell() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sells
}

// sales is a reading of orders.
type sales struct {
	client *Client
	found  map[int64]inventory.Sale // as read last
}

func newSales(c *Client) *sales { return &sales{client: c, found: map[int64]inventory.Sale{}} }

// told is what was read; nil is where orders may not be.
func (s *sales) told() inventory.Sales {
	if s == nil {
		return inventory.Sales{}
	}
	return inventory.Sales{Told: true, Sales: slices.Collect(maps.Values(s.found))}
}

// read reads the orders that a filter finds and that were updated since a time;
// the zero time is no limit. They come by the time of their update, so that one
// which is updated meanwhile comes again at the end, and a long list can be read
// in windows.
func (s *sales) read(ctx context.Context, filter string, from time.Time) error {
	for {
		next, err := s.readWindow(ctx, filter, from)
		if err != nil || next.IsZero() {
			return err
		}
		from = next
	}
}

// readWindow pages through one window, and tells from when the next one is;
// zero is none.
func (s *sales) readWindow(ctx context.Context, filter string, from time.Time) (next time.Time, err error) {
	c, query, count := s.client, filter, 0
	if !from.IsZero() {
		query = strings.TrimSpace(query + " " + updatedSince(from))
	}
	err = c.pages("orders", 0, func(o *operation, after *string, size int) (page, error) {
		answer, err := readOrders(ctx, o, portion(salesPage, size), after, query)
		if err != nil {
			return page{}, err
		}
		list := answer.Orders
		if err := s.take(ctx, o, list, from); err != nil {
			return page{}, err
		}
		if count += len(list.Edges); count < c.window || !*list.PageInfo.HasNextPage {
			return list.PageInfo, nil
		}
		next, list.PageInfo.HasNextPage = *list.Edges[len(list.Edges)-1].Node.UpdatedAt, new(bool)
		if !next.After(from) {
			return page{}, o.incomplete(fmt.Sprintf("more than %s orders are updated at %s, or not listed by that time, so that the rest cannot be read",
				grouped(c.window), next.UTC().Format(time.RFC3339)))
		}
		return list.PageInfo, nil
	})
	return next, err
}

// take reads a page of orders, which must have been updated since a time.
func (s *sales) take(ctx context.Context, o *operation, list orders, from time.Time) error {
	if err := whole(o, "orders", list.Edges, list.PageInfo); err != nil {
		return err
	}
	for _, edge := range list.Edges {
		sale, err := o.sale(ctx, edge.Node)
		switch {
		case err != nil:
			return err
		case sale.Updated.Before(from):
			return o.ignored("orders", from)
		}
		s.found[sale.ID] = sale
	}
	return nil
}
