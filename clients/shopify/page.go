package shopify

import (
	"context"
	"fmt"
	"slices"

	"stocksyncd/reconcile/inventory"
)

// Page reads the levels of the variants that follow one by id, as many as fit a
// page, and as [Client.Observe] gives them. It is complete or an error.
//
// Of variants that share an item, the lowest has its levels, as with Observe;
// but a page knows nothing of those before it. An item whose lowest variant is
// not above the one that was asked for is there again, as the next one's: who
// puts pages together leaves out the levels of an item that a lower variant
// has.
func (c *Client) Page(ctx context.Context, after inventory.VariantID) (inventory.Page, error) {
	return unmoved(func() (inventory.Page, error) { return c.readPage(ctx, after) })
}

func (c *Client) readPage(ctx context.Context, after inventory.VariantID) (p inventory.Page, err error) {
	ask, levels := askVariants(dated), c.levelsEach()
	err = c.fit(variantsName, func(first int) error {
		o := c.readSized(variantsName, first, levels)
		list, info, err := ask(ctx, o, first, nil, above(after), levels)
		if err != nil {
			return err
		}
		p, err = o.following(after, list, info)
		return err
	})
	return p, err
}

// following makes a page of variants, which must be those that follow one by
// id: the next page begins behind the last, and what is not in between is taken
// for gone.
func (o *operation) following(after inventory.VariantID, list []found[stocked], info page) (inventory.Page, error) {
	more := *info.HasNextPage
	if more && (len(list) == 0 || info.EndCursor == nil || *info.EndCursor == "") {
		return inventory.Page{}, o.incomplete("there are more variants, and nothing shows that the page is whole")
	}
	last := after
	var rows []stocked
	owned := map[inventory.ItemID]bool{}
	for _, one := range list {
		if one.variant <= last {
			return inventory.Page{}, o.incomplete(fmt.Sprintf("the store lists %s behind %s: not by id, or not only what is above it", one.variant, last))
		}
		last = one.variant
		if !owned[one.item] {
			owned[one.item] = true
			rows = append(rows, one.rows...)
		}
	}
	slices.SortFunc(rows, func(a, b stocked) int { return a.Compare(b.Key) })
	p := inventory.Page{End: !more}
	if len(list) > 0 {
		p.Last = last
	}
	for _, row := range rows {
		p.Levels, p.Updated = append(p.Levels, row.Level), append(p.Updated, row.updated)
	}
	return p, nil
}
