package shopify

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"time"

	"stocksyncd/reconcile/inventory"
)

// Observe reads every level of the store, and gives those of each item, sorted by
// key. An item that has none at all is there with one that stands for it,
// unstocked and at [inventory.Nowhere]. It is complete or an error: nothing is
// given before all of it was read. What is given is valid until the next; it can
// be gone through more than once.
//
// The figures are of some moment between the call and the answer, and of no one
// moment: those of a page are read while the others wait, and those of a bulk
// query, which can take minutes, may be as old as its beginning. Whoever dates
// the look takes the time before the call.
func (c *Client) Observe(ctx context.Context) (iter.Seq[[]inventory.Level], error) {
	// Pages are never wrong, so they stand in where no bulk query is to be had.
	if c.choosesBulk(ctx) {
		until := time.Now().Add(bulkPatience)
		items, err := unmoved(func() (iter.Seq[[]inventory.Level], error) { return c.readBulk(ctx, until) })
		var none noBulkError
		if !errors.As(err, &none) {
			return items, err
		}
		c.log.Warn("no bulk query is to be had, the store is read by pages", "store", c.store, "err", err)
	}
	list, err := readAll(ctx, c, variantsName, askVariants(observed))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b inventory.Level) int { return a.Compare(b.Key) })
	return inventory.ItemsOf(list), nil
}

// variantsName is the operation that reads variants with their levels.
const variantsName = "variants"

// askVariants asks for one page of variants, and what is wanted of each.
func askVariants[Row any](find func(context.Context, *operation, variantEdge) (found[Row], error)) pager[Row] {
	return func(ctx context.Context, o *operation, first int, after, query *string, levels int) ([]found[Row], page, error) {
		answer, err := readVariants(ctx, o, first, after, query, levels, onlyAvailable)
		if err != nil {
			return nil, page{}, err
		}
		return findAll(ctx, o, answer.ProductVariants.Edges, answer.ProductVariants.PageInfo, find)
	}
}

// choosesBulk counts the variants: pages cost points for each 250 of them, a
// bulk query costs a handful, and time.
func (c *Client) choosesBulk(ctx context.Context) bool {
	if c.bulkAbove == 0 {
		return false
	}
	count, err := c.countVariants(ctx)
	if err != nil {
		c.log.Warn("the variants could not be counted, the store is read by pages", "store", c.store, "err", err)
		return false
	}
	have, limit := grouped(count.Count)+" variants", grouped(c.bulkAbove)
	if count.Precision != CountPrecisionExact {
		have = "at least " + have
	}
	if count.Count <= c.bulkAbove {
		c.log.Debug("the store is read by pages", "store", c.store, "why", have+", not above "+limit)
		return false
	}
	c.log.Info("the store is read by a bulk query", "store", c.store, "why", have+", above "+limit)
	return true
}

func (c *Client) countVariants(ctx context.Context) (*variantCount, error) {
	o := c.small("count variants")
	answer, err := countVariants(ctx, o)
	if err == nil && answer.ProductVariantsCount == nil {
		err = o.missing("productVariantsCount")
	}
	if err != nil {
		return nil, err
	}
	return answer.ProductVariantsCount, nil
}

// grouped writes a number as people read it: 12,400.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func observed(ctx context.Context, o *operation, edge variantEdge) (found[inventory.Level], error) {
	of, err := dated(ctx, o, edge)
	if err != nil {
		return found[inventory.Level]{}, err
	}
	one := found[inventory.Level]{variant: of.variant, item: of.item}
	for _, level := range of.rows {
		one.rows = append(one.rows, level.Level)
	}
	return one, nil
}

// dated is what observed finds, with when each level was updated.
func dated(ctx context.Context, o *operation, edge variantEdge) (found[stocked], error) {
	about, err := o.about(edge.Node.variant, edge.Node.InventoryItem)
	if err != nil {
		return found[stocked]{}, err
	}
	levels, err := o.itemLevels(ctx, about, edge.Node.InventoryItem, onlyAvailable)
	if err != nil {
		return found[stocked]{}, err
	}
	if len(levels) == 0 {
		levels = append(levels, stocked{Level: nowhere(about)})
	}
	return found[stocked]{about.Variant, about.Item, levels}, nil
}

// nowhere is the level that stands for an item without any.
func nowhere(about inventory.Level) inventory.Level {
	about.Location, about.Unstocked = inventory.Nowhere, true
	return about
}
