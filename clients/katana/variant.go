package katana

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"stocksyncd/reconcile/inventory"
)

// Variants reads what [Client.Catalogue] gives for the given variants, and no
// more, sorted by id. The ids need not be sorted, and what is named twice is
// read once. One that is not in the answer is gone or carries no SKU.
//
// One edited product is 2 requests: its variants, up to 250 of them, and
// itself. Which variants are those of services can be seen only in the list of
// all services, which is read if an id is of no product and no material: such a
// one is a service's, or gone.
func (c *Client) Variants(ctx context.Context, ids []inventory.SourceVariantID) ([]inventory.SourceVariant, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	variants, err := c.readVariants(ctx, ids)
	if errors.Is(err, errOrphan) {
		variants, err = c.readVariants(ctx, ids)
	}
	return variants, err
}

// readVariants reads the variants before their parents, as readCatalogue does.
func (c *Client) readVariants(ctx context.Context, ids []inventory.SourceVariantID) ([]inventory.SourceVariant, error) {
	listed, err := withIDs(ctx, c, variantList, ids)
	if err != nil {
		return nil, err
	}
	left := unexplained(ids, listed)
	listed = slices.DeleteFunc(listed, noSKU)
	products, err := withIDs(ctx, c, productList, parentsOf(listed, func(v variant) int64 { return v.product }))
	if err != nil {
		return nil, err
	}
	materials, err := withIDs(ctx, c, materialList, parentsOf(listed, func(v variant) int64 { return v.material }))
	if err != nil {
		return nil, err
	}
	var services map[inventory.SourceVariantID]variant
	if len(left) > 0 {
		if services, err = c.services(ctx); err != nil {
			return nil, err
		}
		maps.DeleteFunc(services, func(id inventory.SourceVariantID, _ variant) bool { return !left[id] })
	}
	return join(listed, parentsByID(products), parentsByID(materials), services)
}

// unexplained are the ids of which the list of the variants does not tell a
// product or material.
func unexplained(ids []inventory.SourceVariantID, listed []variant) map[inventory.SourceVariantID]bool {
	left := make(map[inventory.SourceVariantID]bool, len(ids))
	for _, id := range ids {
		left[id] = true
	}
	for _, v := range listed {
		if v.product > 0 || v.material > 0 {
			delete(left, v.ID)
		}
	}
	return left
}

// parentsOf lists the parents of one kind that variants have, sorted, each once.
func parentsOf(variants []variant, of func(variant) int64) []int64 {
	var ids []int64
	for _, v := range variants {
		if id := of(v); id > 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// withIDs reads the records of a list that have the given ids, which are sorted,
// in as few requests as their length allows. What is gone does not come.
func withIDs[W, T any, K ~int64](ctx context.Context, c *Client, list listing[W, T, K], ids []K) ([]T, error) {
	var records []T
	before := c.portions()
	for len(ids) > 0 {
		n := min(c.portions().ids, len(ids))
		found, err := only(list, ids[:n]).all(ctx, c)
		switch {
		case err == nil:
			records, ids = append(records, found...), ids[n:]
		case !isTooLong(err):
			return nil, err
		case n > 1:
			c.learn(func(p *portion) { p.ids = n / 2 })
		default:
			// Not even a single id passes: length was not to blame.
			c.learn(func(p *portion) { p.ids = before.ids })
			return nil, err
		}
	}
	return records, nil
}

// only narrows a list to the given ids, which are sorted and fit one page.
// Katana drops a filter that it does not understand, and answers with all it
// has; that is not read to its end.
func only[W, T any, K ~int64](list listing[W, T, K], ids []K) listing[W, T, K] {
	list.query = maps.Clone(list.query)
	for _, id := range ids {
		list.query.Add("ids", strconv.FormatInt(int64(id), 10))
	}
	other := func(record T) bool {
		_, asked := slices.BinarySearch(ids, list.id(record))
		return !asked
	}
	list.first = func(page []T, total int, _ time.Time) error {
		if i := slices.IndexFunc(page, other); i >= 0 {
			return fmt.Errorf("%s: the filter ids was not obeyed: got %d, which was not asked for", list.name, list.id(page[i]))
		}
		if total > len(ids) {
			return fmt.Errorf("%s: the filter ids was not obeyed: %d records for %d ids", list.name, total, len(ids))
		}
		return nil
	}
	return list
}
