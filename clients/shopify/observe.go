package shopify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"stocksyncd/reconcile/inventory"
)

// windowMost is how many variants are paged through before a new window is
// begun behind the last one: Shopify ends a connection at 25,000 objects.
//
// https://shopify.dev/docs/api/usage/limits
const windowMost = 20_000

// listings is how often a listing is begun anew when it changes while it is
// read.
const listings = 3

// Observe reads every level of the store, sorted by key. An item that has none
// at all is there with one that stands for it, unstocked and at
// [inventory.Nowhere]. It is complete or an error.
func (c *Client) Observe(ctx context.Context) ([]inventory.Level, error) {
	var err error
	for range listings {
		var list []inventory.Level
		list, err = c.observe(ctx)
		if moved := (movedError{}); !errors.As(err, &moved) {
			return list, err
		}
	}
	return nil, fmt.Errorf("%w (in each of %d listings)", err, listings)
}

// listing is one reading of all variants.
type listing struct {
	client *Client
	seen   map[inventory.VariantID][]inventory.Level // none is empty
	owner  map[inventory.ItemID]inventory.VariantID
	window int                 // variants in the present window
	bound  inventory.VariantID // the window's ids are above it
	last   inventory.VariantID // the window's last id
	above  inventory.VariantID // the highest id so far
}

func newListing(c *Client) *listing {
	return &listing{
		client: c, seen: map[inventory.VariantID][]inventory.Level{},
		owner: map[inventory.ItemID]inventory.VariantID{},
	}
}

func (c *Client) observe(ctx context.Context) ([]inventory.Level, error) {
	l := newListing(c)
	for more := true; more; {
		var err error
		if more, err = l.readWindow(ctx); err != nil {
			return nil, err
		}
	}
	var list []inventory.Level
	for variant, levels := range l.seen {
		// An item that several variants share has its levels once.
		if l.owner[levels[0].Item] == variant {
			list = append(list, levels...)
		}
	}
	slices.SortFunc(list, func(a, b inventory.Level) int { return a.Compare(b.Key) })
	return list, nil
}

// readWindow pages through the variants above the bound, and tells whether
// there are more behind its end.
func (l *listing) readWindow(ctx context.Context) (more bool, err error) {
	c := l.client
	var query *string
	if l.bound > 0 {
		filter := fmt.Sprintf("id:>%d", int64(l.bound))
		query = &filter
	}
	l.window = 0
	levels := c.levelsEach()
	err = c.pages("variants", levels, func(o *operation, after *string, first int) (page, error) {
		answer, err := readVariants(ctx, o, first, after, query, levels)
		if err != nil {
			return page{}, err
		}
		info := answer.ProductVariants.PageInfo
		if err := whole(o, "productVariants", answer.ProductVariants.Edges, info); err != nil {
			return page{}, err
		}
		for _, edge := range answer.ProductVariants.Edges {
			if err := l.add(ctx, o, edge.Node); err != nil {
				return page{}, err
			}
		}
		if l.window < l.client.window || !*info.HasNextPage {
			return info, nil
		}
		if l.last != l.above {
			return page{}, o.incomplete("the store does not list its variants by id, so that no more than 25,000 can be read")
		}
		more, info.HasNextPage = true, new(bool)
		return info, nil
	})
	l.bound = l.last
	return more, err
}

func (l *listing) add(ctx context.Context, o *operation, node variantWithItem) error {
	about, err := o.about(node.variant, node.InventoryItem)
	if err != nil {
		return err
	}
	levels, err := o.itemLevels(ctx, about, node.InventoryItem)
	if err != nil {
		return err
	}
	if len(levels) == 0 {
		about.Location, about.Unstocked = inventory.Nowhere, true
		levels = append(levels, about)
	}
	id := about.Variant
	if id <= l.bound {
		return o.incomplete(fmt.Sprintf("the store ignores that only variants above %s are wanted", l.bound))
	}
	if before, twice := l.seen[id]; twice {
		if !slices.Equal(before, levels) {
			return movedError{o.incomplete(id.String() + " was listed twice, and had changed")}
		}
		return nil
	}
	l.seen[id] = levels
	if _, owned := l.owner[about.Item]; !owned {
		l.owner[about.Item] = id
	}
	l.window++
	l.last, l.above = id, max(l.above, id)
	return nil
}
