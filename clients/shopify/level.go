package shopify

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"stocksyncd/reconcile/inventory"
)

// firstLevels is how many levels are asked for with each item until the
// number of locations is known; no item has more levels than that. What an
// item does not have is refunded, while levels beyond the page cost a request
// for each item.
const firstLevels = 10

// Locations lists all locations: inactive ones and those of fulfilment
// services too.
func (c *Client) Locations(ctx context.Context) ([]inventory.Location, error) {
	found, err := c.survey(ctx)
	return found.list, err
}

// survey lists all locations, and nothing else.
func (c *Client) survey(ctx context.Context) (surveyed, error) {
	var found surveyed
	err := c.pages("locations", 0, func(o *operation, after *string, first int) (page, error) {
		answer, err := readLocations(ctx, o, first, after)
		if err != nil {
			return page{}, err
		}
		list := answer.Locations
		if err := whole(o, "locations", list.Edges, list.PageInfo); err != nil {
			return page{}, err
		}
		found.begin(o, after, answer.CurrentAppInstallation)
		for _, edge := range list.Edges {
			if _, err := found.add(o, edge.Node); err != nil {
				return page{}, err
			}
		}
		return list.PageInfo, nil
	})
	if err != nil {
		return surveyed{}, err
	}
	c.expectLevels(len(found.list))
	return found, nil
}

// surveyed are the locations that were read so far, each once.
type surveyed struct {
	list  []inventory.Location
	known map[inventory.LocationID]bool
	date  time.Time // of the first answer, by the store's clock; zero when it does not say
	app   *grants   // what the app is granted, as of the first answer
}

// begin starts a page; the one without a cursor is the first.
func (s *surveyed) begin(o *operation, after *string, app *grants) {
	if after == nil {
		*s = surveyed{known: map[inventory.LocationID]bool{}, date: o.date, app: app}
	}
}

// add takes a location in.
func (s *surveyed) add(o *operation, node location) (inventory.LocationID, error) {
	location, err := o.location(node)
	if err != nil {
		return 0, err
	}
	if !s.known[location.ID] {
		s.known[location.ID] = true
		s.list = append(s.list, location)
	}
	return location.ID, nil
}

// expectLevels keeps how many locations the store has: no item has more levels.
func (c *Client) expectLevels(locations int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.levels = min(max(locations, 1), pageMost)
}

func (o *operation) location(node location) (inventory.Location, error) {
	id, err := inventory.ParseLocationID(node.Id)
	switch {
	case err != nil:
		return inventory.Location{}, o.said(err.Error())
	case node.IsActive == nil || node.IsFulfillmentService == nil:
		return inventory.Location{}, o.missing("isActive or isFulfillmentService of " + node.Id)
	}
	return inventory.Location{ID: id, Name: node.Name, Active: *node.IsActive, FulfillmentService: *node.IsFulfillmentService}, nil
}

// edge is an edge of a connection.
type edge[E any] interface {
	*E
	GetCursor() string
}

// whole checks that a page came with all its edges: its end cursor is the
// cursor of the last one.
func whole[E any, P edge[E]](o *operation, name string, edges []E, info page) error {
	last := ""
	if len(edges) > 0 {
		last = P(&edges[len(edges)-1]).GetCursor()
	}
	switch {
	case edges == nil:
		return o.missing(name + ".edges")
	case info.HasNextPage == nil:
		return o.missing(name + ".pageInfo.hasNextPage")
	case info.EndCursor != nil && *info.EndCursor != last:
		return o.incomplete("a page of " + name + " lacks its end")
	}
	return nil
}

// pages follows a connection to its end. It stops with an error where the
// store leads in a circle or nowhere. levels is how many levels come with each
// node.
func (c *Client) pages(name string, levels int, read func(o *operation, after *string, first int) (page, error)) error {
	var after *string
	been := map[string]bool{}
	for {
		var next page
		var o *operation
		err := c.fit(name, func(first int) (err error) {
			o = c.readSized(name, first, levels)
			next, err = read(o, after, first)
			return err
		})
		switch {
		case err != nil:
			return err
		case !*next.HasNextPage:
			return nil
		case next.EndCursor == nil || *next.EndCursor == "":
			return o.incomplete("there are more pages, and no cursor leads to them")
		case been[*next.EndCursor]:
			return o.incomplete("the pages lead in a circle")
		}
		been[*next.EndCursor] = true
		after = next.EndCursor
	}
}

// about is what a variant and its item say of all the item's levels.
func (o *operation) about(of variant, it item) (level inventory.Level, err error) {
	wanting := func(field string) error { return o.missing(field + " of " + it.Id) }
	id, err := inventory.ParseItemID(it.Id)
	if err != nil {
		return level, o.said(err.Error())
	}
	variantID, err := inventory.ParseVariantID(of.Id)
	switch {
	case err != nil:
		return level, o.said(err.Error())
	case it.Tracked == nil:
		return level, wanting("tracked")
	case of.RequiresComponents == nil:
		return level, wanting("requiresComponents")
	case of.Product.IsGiftCard == nil:
		return level, wanting("isGiftCard")
	}
	level = inventory.Level{
		Key: inventory.Key{Store: o.client.store, Item: id}, Variant: variantID,
		Untracked: !*it.Tracked, Bundle: *of.RequiresComponents, GiftCard: *of.Product.IsGiftCard,
	}
	level.SKU = inventory.TrimSKU(orNone(it.Sku))
	return level, nil
}

// orNone is empty where Shopify has nothing.
func orNone(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// stocked is a level with all the quantities that were asked for.
type stocked struct {
	inventory.Level
	quantities []quantity
	updated    time.Time // by the store's word; zero where it does not say
}

// itemLevels gives the levels of an item, with what is about all of them.
func (o *operation) itemLevels(ctx context.Context, about inventory.Level, it item, names []string) ([]stocked, error) {
	edges, err := o.allLevels(ctx, it, names)
	if err != nil {
		return nil, err
	}
	var list []stocked
	for _, edge := range edges {
		level := stocked{Level: about, quantities: edge.Node.Quantities}
		if edge.Node.UpdatedAt != nil {
			level.updated = *edge.Node.UpdatedAt
		}
		if err := o.fill(&level.Level, edge.Node); err != nil {
			return nil, err
		}
		list = append(list, level)
	}
	return o.once(list)
}

// fill reads what differs between the levels of an item.
func (o *operation) fill(into *inventory.Level, node level) error {
	location, err := inventory.ParseLocationID(node.Location.Id)
	if err != nil {
		return o.said(fmt.Sprintf("a level of %s: %s", into.Item, err))
	}
	if node.IsActive == nil {
		return o.missing(fmt.Sprintf("isActive of %s at %s", into.Item, location))
	}
	into.Location, into.Active = location, *node.IsActive
	into.Available, err = o.figure(into.Key, node.Quantities, quantityName)
	return err
}

// figure gives a level's quantity of a name. One that is not there is not 0.
func (o *operation) figure(of inventory.Key, quantities []quantity, name string) (inventory.Units, error) {
	for _, q := range quantities {
		if q.Name == name && q.Quantity != nil {
			return inventory.Units(*q.Quantity), nil
		}
	}
	return 0, o.missing(fmt.Sprintf("quantity %q of %s at %s", name, of.Item, of.Location))
}

// allLevels gives the levels of an item, and reads those that did not fit its
// page.
func (o *operation) allLevels(ctx context.Context, it item, names []string) ([]levelEdge, error) {
	if err := whole(o, "inventoryLevels", it.InventoryLevels.Edges, it.InventoryLevels.PageInfo); err != nil {
		return nil, err
	}
	if !*it.InventoryLevels.PageInfo.HasNextPage {
		return it.InventoryLevels.Edges, nil
	}
	// From the start: what the first page showed may be gone by now, and its
	// cursor with it.
	const rest = "levels of an item"
	var edges []levelEdge
	err := o.client.pages(rest, 0, func(o *operation, after *string, first int) (page, error) {
		answer, err := readItemLevels(ctx, o, it.Id, first, after, names)
		if err != nil {
			return page{}, err
		}
		if answer.InventoryItem == nil {
			return page{}, o.incomplete(it.Id + " vanished while it was read")
		}
		list := answer.InventoryItem.InventoryLevels
		edges = append(edges, list.Edges...)
		return list.PageInfo, whole(o, "inventoryLevels", list.Edges, list.PageInfo)
	})
	return edges, err
}

// once drops what a store lists twice. Two figures for one level mean that it
// moved meanwhile.
func (o *operation) once(list []stocked) ([]stocked, error) {
	slices.SortStableFunc(list, func(a, b stocked) int { return a.Compare(b.Key) })
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		if a.Key == b.Key && (a.Level != b.Level || !reflect.DeepEqual(a.quantities, b.quantities)) {
			return nil, movedError{o.incomplete(list[i].String() + " was listed with two figures")}
		}
	}
	return slices.CompactFunc(list, func(a, b stocked) bool { return a.Key == b.Key }), nil
}

// movedError reports a store that changed while it was read; it is worth
// another look.
type movedError struct{ error }

func (e movedError) Unwrap() error { return e.error }

// Levels reads the given levels, 250 items a request. A key without a level in
// the answer no longer has one.
func (c *Client) Levels(ctx context.Context, keys []inventory.Key) ([]inventory.Level, error) {
	const name = "levels"
	wanted := make(map[inventory.Key]bool, len(keys))
	var ids []string
	asked := map[inventory.ItemID]bool{}
	for _, key := range keys {
		if key.Store != c.store {
			return nil, fmt.Errorf("%s: %s: %s is of another store", c.api, name, key)
		}
		wanted[key] = true
		if !asked[key.Item] {
			asked[key.Item] = true
			ids = append(ids, key.Item.String())
		}
	}
	var list []inventory.Level
	for len(ids) > 0 {
		var some []string
		var found []inventory.Level
		err := c.fit(name, func(size int) (err error) {
			some = ids[:min(size, len(ids))]
			found, err = c.items(ctx, name, some)
			return err
		})
		if err != nil {
			return nil, err
		}
		ids = ids[len(some):]
		for _, level := range found {
			if wanted[level.Key] {
				list = append(list, level)
			}
		}
	}
	return list, nil
}

// items reads all levels of some items.
func (c *Client) items(ctx context.Context, name string, ids []string) ([]inventory.Level, error) {
	levels := c.levelsEach()
	o := c.readSized(name, sizeClass(len(ids)), levels)
	answer, err := readItems(ctx, o, ids, levels, onlyAvailable)
	if err != nil {
		return nil, err
	}
	if len(answer.Nodes) != len(ids) {
		return nil, o.incomplete(fmt.Sprintf("asked for %d items, got %d", len(ids), len(answer.Nodes)))
	}
	var list []inventory.Level
	for i, node := range answer.Nodes {
		if node == nil || *node == nil {
			continue // the item is gone
		}
		it, ok := (*node).(*nodeInventoryItem)
		if !ok || it.Id != ids[i] {
			return nil, o.incomplete(fmt.Sprintf("asked for %s, got %s", ids[i], oneLine((*node).GetId())))
		}
		it.item.Id = it.Id
		of, err := o.seller(it.Variants, it.Id)
		if err != nil {
			return nil, err
		}
		if of == nil {
			continue
		}
		about, err := o.about(*of, it.item)
		if err != nil {
			return nil, err
		}
		found, err := o.itemLevels(ctx, about, it.item, onlyAvailable)
		if err != nil {
			return nil, err
		}
		for _, level := range found {
			list = append(list, level.Level)
		}
	}
	return list, nil
}

// seller gives the variant of an item; nil is an item that nothing sells any
// more.
func (o *operation) seller(of *itemVariants, id string) (*variant, error) {
	switch {
	case of == nil || of.Nodes == nil:
		return nil, o.missing("variants of " + id)
	case len(of.Nodes) == 0:
		return nil, nil
	}
	return &of.Nodes[0], nil
}

func (c *Client) levelsEach() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.levels
}
