package shopify

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"stocksyncd/reconcile/inventory"
)

// The quantities of an inventory CSV besides available. What is on hand and
// not to be had for one of the last four reasons is one figure there.
const (
	quantityCommitted = "committed"
	quantityIncoming  = "incoming"
	quantityOnHand    = "on_hand"
	quantityReserved  = "reserved"
	quantityDamaged   = "damaged"
	quantitySafety    = "safety_stock"
	quantityQuality   = "quality_control"
)

var listingQuantities = []string{
	quantityName, quantityCommitted, quantityIncoming, quantityOnHand,
	quantityReserved, quantityDamaged, quantitySafety, quantityQuality,
}

// Listings reads every level of the store with what Shopify's inventory CSV
// shows of it, sorted by handle, then variant, then location. Variants without
// a level are not among them. It is complete or an error.
func (c *Client) Listings(ctx context.Context) ([]inventory.Listing, error) {
	list, err := readAll(ctx, c, "listings", func(ctx context.Context, o *operation, first int, after, query *string, levels int) ([]found[inventory.Listing], page, error) {
		answer, err := readListings(ctx, o, first, after, query, levels, listingQuantities)
		if err != nil {
			return nil, page{}, err
		}
		return findAll(ctx, o, answer.ProductVariants.Edges, answer.ProductVariants.PageInfo, listed)
	})
	slices.SortFunc(list, func(a, b inventory.Listing) int {
		return cmp.Or(strings.Compare(a.Handle, b.Handle), cmp.Compare(a.Variant, b.Variant), a.Compare(b.Key))
	})
	return list, err
}

func listed(ctx context.Context, o *operation, edge listingEdge) (found[inventory.Listing], error) {
	node := edge.Node
	about, err := o.about(node.variant, node.InventoryItem.item)
	if err != nil {
		return found[inventory.Listing]{}, err
	}
	listing, err := o.listing(about, node)
	if err != nil {
		return found[inventory.Listing]{}, err
	}
	levels, err := o.itemLevels(ctx, about, node.InventoryItem.item, listingQuantities)
	if err != nil {
		return found[inventory.Listing]{}, err
	}
	one := found[inventory.Listing]{variant: about.Variant, item: about.Item}
	for _, level := range levels {
		row := listing
		if err := o.row(&row, level); err != nil {
			return found[inventory.Listing]{}, err
		}
		one.rows = append(one.rows, row)
	}
	return one, nil
}

// listing reads what is the same at all locations.
func (o *operation) listing(about inventory.Level, node listingVariant) (inventory.Listing, error) {
	listing := inventory.Listing{
		Variant: about.Variant, SKU: about.SKU, Handle: node.Product.Handle, Title: node.Product.Title,
		HSCode: orNone(node.InventoryItem.HarmonizedSystemCode), Origin: orNone(node.InventoryItem.CountryCodeOfOrigin),
	}
	switch {
	case listing.Handle == "" || listing.Title == "":
		return listing, o.missing("product.handle or product.title of " + node.Id)
	case len(node.SelectedOptions) == 0:
		return listing, o.missing("selectedOptions of " + node.Id)
	}
	for _, option := range node.SelectedOptions {
		if option.Name == "" || option.Value == "" {
			return listing, o.missing("name or value of a selected option of " + node.Id)
		}
		listing.Options = append(listing.Options, inventory.Option{Name: option.Name, Value: option.Value})
	}
	return listing, nil
}

// row reads what differs between locations.
func (o *operation) row(into *inventory.Listing, level stocked) error {
	into.Key, into.Active, into.Available = level.Key, level.Active, level.Available
	for _, part := range []struct {
		name string
		sum  *inventory.Units
	}{
		{quantityCommitted, &into.Committed},
		{quantityIncoming, &into.Incoming},
		{quantityOnHand, &into.OnHand},
		{quantityReserved, &into.Unavailable},
		{quantityDamaged, &into.Unavailable},
		{quantitySafety, &into.Unavailable},
		{quantityQuality, &into.Unavailable},
	} {
		figure, err := o.figure(level.Key, level.quantities, part.name)
		if err != nil {
			return err
		}
		*part.sum += figure
	}
	return nil
}
