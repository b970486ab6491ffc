package shopify

import (
	"context"
	"slices"

	"stocksyncd/reconcile/inventory"
)

// Observe reads every level of the store, sorted by key. An item that has none
// at all is there with one that stands for it, unstocked and at
// [inventory.Nowhere]. It is complete or an error.
func (c *Client) Observe(ctx context.Context) ([]inventory.Level, error) {
	list, err := readAll(ctx, c, "variants", func(ctx context.Context, o *operation, first int, after, query *string, levels int) ([]found[inventory.Level], page, error) {
		answer, err := readVariants(ctx, o, first, after, query, levels, onlyAvailable)
		if err != nil {
			return nil, page{}, err
		}
		return findAll(ctx, o, answer.ProductVariants.Edges, answer.ProductVariants.PageInfo, observed)
	})
	slices.SortFunc(list, func(a, b inventory.Level) int { return a.Compare(b.Key) })
	return list, err
}

func observed(ctx context.Context, o *operation, edge variantEdge) (found[inventory.Level], error) {
	about, err := o.about(edge.Node.variant, edge.Node.InventoryItem)
	if err != nil {
		return found[inventory.Level]{}, err
	}
	levels, err := o.itemLevels(ctx, about, edge.Node.InventoryItem, onlyAvailable)
	if err != nil {
		return found[inventory.Level]{}, err
	}
	one := found[inventory.Level]{variant: about.Variant, item: about.Item}
	for _, level := range levels {
		one.rows = append(one.rows, level.Level)
	}
	if len(levels) == 0 {
		about.Location, about.Unstocked = inventory.Nowhere, true
		one.rows = append(one.rows, about)
	}
	return one, nil
}
