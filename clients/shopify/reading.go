package shopify

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"stocksyncd/reconcile/inventory"
)

// windowMost is how many variants are paged through before a new window is
// begun behind the last one: Shopify ends a connection at 25,000 objects.
//
// https://shopify.dev/docs/api/usage/limits
const windowMost = 20_000

// readings is how often a reading is begun anew when the store changes while
// it is read.
const readings = 3

// found is what a page shows of a variant: a row for each level of its item.
type found[Row any] struct {
	variant inventory.VariantID
	item    inventory.ItemID
	rows    []Row
}

// pager asks for one page of variants.
type pager[Row any] func(ctx context.Context, o *operation, first int, after, query *string, levels int) ([]found[Row], page, error)

// readAll reads all variants of the store, whatever is wanted of each, and
// gives their rows in no order. It is complete or an error.
func readAll[Row any](ctx context.Context, c *Client, name string, ask pager[Row]) ([]Row, error) {
	return unmoved(func() ([]Row, error) { return newReading(c, name, ask).read(ctx) })
}

// unmoved reads until the store has kept still meanwhile.
func unmoved[T any](read func() (T, error)) (none T, err error) {
	for range readings {
		var got T
		got, err = read()
		if moved := (movedError{}); !errors.As(err, &moved) {
			return got, err
		}
	}
	return none, fmt.Errorf("%w (in each of %d readings)", err, readings)
}

// findAll finds what is wanted of each variant of a page that came whole.
func findAll[E, Row any, P edge[E]](ctx context.Context, o *operation, edges []E, info page, find func(context.Context, *operation, E) (found[Row], error)) ([]found[Row], page, error) {
	if err := whole[E, P](o, "productVariants", edges, info); err != nil {
		return nil, page{}, err
	}
	list := make([]found[Row], 0, len(edges))
	for _, edge := range edges {
		one, err := find(ctx, o, edge)
		if err != nil {
			return nil, page{}, err
		}
		list = append(list, one)
	}
	return list, info, nil
}

// reading is one reading of all variants.
type reading[Row any] struct {
	client *Client
	name   string // of the operation
	ask    pager[Row]
	seen   map[inventory.VariantID]found[Row]
	owner  map[inventory.ItemID]inventory.VariantID
	window int                 // variants in the present window
	bound  inventory.VariantID // the window's ids are above it
	last   inventory.VariantID // the window's last id
	above  inventory.VariantID // the highest id so far
}

func newReading[Row any](c *Client, name string, ask pager[Row]) *reading[Row] {
	return &reading[Row]{
		client: c, name: name, ask: ask, seen: map[inventory.VariantID]found[Row]{},
		owner: map[inventory.ItemID]inventory.VariantID{},
	}
}

func (r *reading[Row]) read(ctx context.Context) ([]Row, error) {
	for more := true; more; {
		var err error
		if more, err = r.readWindow(ctx); err != nil {
			return nil, err
		}
	}
	var list []Row
	for variant, one := range r.seen {
		// An item that several variants share has its levels once.
		if r.owner[one.item] == variant {
			list = append(list, one.rows...)
		}
	}
	return list, nil
}

// readWindow pages through the variants above the bound, and tells whether
// there are more behind its end.
func (r *reading[Row]) readWindow(ctx context.Context) (more bool, err error) {
	query := above(r.bound)
	r.window = 0
	levels := r.client.levelsEach()
	err = r.client.pages(r.name, levels, func(o *operation, after *string, first int) (page, error) {
		variants, info, err := r.ask(ctx, o, first, after, query, levels)
		if err != nil {
			return page{}, err
		}
		for _, one := range variants {
			if err := r.add(o, one); err != nil {
				return page{}, err
			}
		}
		if r.window < r.client.window || !*info.HasNextPage {
			return info, nil
		}
		if r.last != r.above {
			return page{}, o.incomplete("the store does not list its variants by id, so that no more than 25,000 can be read")
		}
		more, info.HasNextPage = true, new(bool)
		return info, nil
	})
	r.bound = r.last
	return more, err
}

// above is the filter for the variants with higher ids; 0 is none.
func above(bound inventory.VariantID) *string {
	if bound <= 0 {
		return nil
	}
	filter := fmt.Sprintf("id:>%d", int64(bound))
	return &filter
}

func (r *reading[Row]) add(o *operation, one found[Row]) error {
	id := one.variant
	if id <= r.bound {
		return o.incomplete(fmt.Sprintf("the store ignores that only variants above %s are wanted", r.bound))
	}
	if before, twice := r.seen[id]; twice {
		if !reflect.DeepEqual(before, one) {
			return movedError{o.incomplete(id.String() + " was listed twice, and had changed")}
		}
		return nil
	}
	r.seen[id] = one
	if _, owned := r.owner[one.item]; !owned {
		r.owner[one.item] = id
	}
	r.window++
	r.last, r.above = id, max(r.above, id)
	return nil
}
