package shopify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"stocksyncd/reconcile/inventory"
)

// glanceLevels is how many updated levels are asked for at each location
// together with the locations. Few move between two cycles; where more did, a
// location costs requests of its own.
const glanceLevels = 50

// glanceEdits is how many updated variants are asked for beside them: as many as
// a batch of our own writes can touch, should the store date a variant when its
// stock moves. What does not come is not charged.
const glanceEdits = inventory.BatchSize

// glanceOrders is how many updated orders are asked for beside them. Their inner
// pages are dear, and few are placed between two cycles.
const glanceOrders = 10

// glanceOverlap is how far before its mark a glance asks. Answers are dated in
// whole seconds, when they are sent and not when the levels are read, and by
// whichever of the store's machines sends them.
const glanceOverlap = 30 * time.Second

// Glance reads all locations and, in the same request, the levels, the variants
// and the orders that the store says it updated since the mark, which is that of
// the glance before. The zero mark asks for none of them. A location where more
// levels were updated than fit beside it takes requests of its own, and so do
// the variants and the orders when they do not fit. It is complete or an error.
//
// The mark is the time of the first answer, so that nothing that is updated
// while the others are read is lost, and the store's, so that our clock may be
// wrong. What was updated shortly before a mark is told twice. Of two figures
// for one level the one that was read later holds. Levels of items that no
// variant sells are left out.
//
// A variant is asked for since an edit of it or of its item need not date any
// level, and an item may have none. Documented is that the filter goes by when
// the variant was updated, and not what counts as that:
//
//	not proven                                    and if it is not so
//	a new SKU, tracking or parts date a variant   pages find the edit
//	a search knows of it within [glanceOverlap]   pages find the edit
//	the answer has the time that the search has   the glance is an error
//	stock, or a price, leaves the time alone      more variants are told, which cost points
//
// A variant that was deleted is in no glance: pages find it.
//
// Of orders it tells when the token has the scopes for them, as [Client.Sales]
// does. Each answer says which scopes those are, so that one which is granted or
// taken away is noticed by the next glance: at the cost of one more request,
// since what is asked goes by the answer before. Whoever is refused orders in
// spite of the scopes gets an error that names what is refused. Nothing can be
// told then of what is sold, and to guess it, while a person believes that it is
// known, would sell units twice.
//
// The orders are looked for behind all levels. Then an order whose units have
// left a level is told with that level, unless the search does not know of it
// yet; the other way round its units would be offered again.
//
// When more than 20,000 levels of a location were updated, or more than 20,000
// variants, that is an error too: a read of the whole store costs less.
func (c *Client) Glance(ctx context.Context, since time.Time) (inventory.Glance, error) {
	if since.IsZero() {
		found, err := c.survey(ctx)
		if err != nil {
			return inventory.Glance{}, err
		}
		sells, err := c.learnSells(c.read(glanceName), found.app)
		if err != nil {
			return inventory.Glance{}, err
		}
		return c.told(inventory.Glance{Locations: found.list, Sales: inventory.Sales{Told: sells}, Mark: found.date})
	}
	return unmoved(func() (inventory.Glance, error) { return c.readGlance(ctx, since) })
}

func (c *Client) readGlance(ctx context.Context, since time.Time) (inventory.Glance, error) {
	g := newGlance(c, reach(since))
	if err := g.read(ctx); err != nil {
		return inventory.Glance{}, err
	}
	return c.told(inventory.Glance{Locations: g.found.list, Levels: g.updated(), Edited: g.edited(), Sales: g.sales.told(), Mark: g.found.date})
}

// told is a glance that was read. Without a mark the next one could not tell
// what it has missed.
func (c *Client) told(g inventory.Glance) (inventory.Glance, error) {
	if g.Mark.IsZero() {
		return inventory.Glance{}, c.read(glanceName).missing("Date: look for a proxy that takes it out")
	}
	return g, nil
}

const glanceName = "glance"

// glance is one glance with a mark.
type glance struct {
	client *Client
	from   time.Time // what was updated before is not wanted
	query  string
	found  surveyed
	levels map[inventory.Key]inventory.Level
	edits  map[inventory.ItemID]found[stocked] // by the lowest variant of each item
	newest map[inventory.Key]inventory.Level   // of levels and edits, as read last
	more   []inventory.LocationID              // more was updated there than the page held
	rest   bool                                // more variants were updated than the newest page held
	sales  *sales                              // nil: orders may not be read
	late   bool                                // the sales are to be read yet, behind the levels
}

func newGlance(c *Client, from time.Time) *glance {
	return &glance{
		client: c, from: from, query: updatedSince(from),
		levels: map[inventory.Key]inventory.Level{}, edits: map[inventory.ItemID]found[stocked]{}, newest: map[inventory.Key]inventory.Level{},
	}
}

// reach is from when on is asked for what was updated since a mark.
func reach(since time.Time) time.Time { return since.Add(-glanceOverlap).UTC().Truncate(time.Second) }

// updatedSince is the filter for what was updated since.
func updatedSince(from time.Time) string {
	return "updated_at:>='" + from.UTC().Format(time.RFC3339) + "'"
}

// updated lists the levels that were updated.
func (g *glance) updated() []inventory.Level {
	list := slices.Collect(maps.Values(g.levels))
	return g.inOrder(list)
}

// edited lists all levels of the items whose variants were updated.
func (g *glance) edited() []inventory.Level {
	var list []inventory.Level
	for _, one := range g.edits {
		for _, row := range one.rows {
			list = append(list, row.Level)
		}
	}
	return g.inOrder(list)
}

// inOrder sorts levels, and gives each the figure that was read last: a level
// can be among those of its location and among those of its item. What is about
// the item stays, as it is the same in all levels that were read with it.
func (g *glance) inOrder(list []inventory.Level) []inventory.Level {
	for i := range list {
		newest := g.newest[list[i].Key]
		list[i].Available, list[i].Active = newest.Available, newest.Active
	}
	slices.SortFunc(list, func(a, b inventory.Level) int { return a.Compare(b.Key) })
	return list
}

func (g *glance) read(ctx context.Context) error {
	if err := g.readAllowed(ctx); err != nil {
		return err
	}
	g.client.expectLevels(len(g.found.list))
	for _, id := range g.more {
		if err := g.readLocation(ctx, id); err != nil {
			return err
		}
	}
	if g.rest {
		if err := g.readEdits(ctx); err != nil {
			return err
		}
	}
	if g.sales == nil || !g.late && len(g.more) == 0 && !g.rest {
		return nil
	}
	return g.sales.read(ctx, "", g.from)
}

// readAllowed reads first what the token may read. A scope that was taken away
// since the last answer has the whole request refused.
func (g *glance) readAllowed(ctx context.Context) error {
	orders := g.client.knownToSell()
	err := g.readFirst(ctx, orders)
	if denied := (deniedError{}); !orders || !errors.As(err, &denied) {
		return err
	}
	if again := g.readFirst(ctx, false); again != nil {
		return again
	}
	if g.sales != nil {
		return err // and the scopes are there
	}
	return nil
}

// readFirst reads the locations, with what of the updates fits beside them.
func (g *glance) readFirst(ctx context.Context, orders bool) error {
	known := g.client.levelsEach()
	return g.client.pages(glanceName, known, func(o *operation, after *string, size int) (page, error) {
		with := orders && after == nil
		if with {
			o.key.name += " with orders" // which cost more
		}
		// One more than are known shows a new location, and the levels that items
		// have there, without a second page.
		answer, err := readUpdates(ctx, o, portion(known+1, size), after, portion(glanceLevels, size), portion(glanceEdits, size),
			min(known+1, pageMost), portion(glanceOrders, size), with, g.query, onlyAvailable)
		if err != nil {
			return page{}, err
		}
		list := answer.Locations
		if err := whole(o, "locations", list.Edges, list.PageInfo); err != nil {
			return page{}, err
		}
		g.found.begin(o, after, answer.CurrentAppInstallation)
		for _, edge := range list.Edges {
			if err := g.location(o, edge.Node); err != nil {
				return page{}, err
			}
		}
		if err := g.takeEdits(ctx, o, answer.ProductVariants); err != nil {
			return page{}, err
		}
		g.rest = *answer.ProductVariants.PageInfo.HasNextPage
		if after != nil {
			g.late = true
			return list.PageInfo, nil
		}
		return list.PageInfo, g.takeSales(ctx, o, with, answer.Orders)
	})
}

// takeSales reads what the first answer tells of orders.
func (g *glance) takeSales(ctx context.Context, o *operation, asked bool, list *orders) error {
	sells, err := g.client.learnSells(o, g.found.app)
	g.sales, g.late = nil, g.late || !asked
	if err != nil || !sells {
		return err
	}
	g.sales = newSales(g.client)
	switch {
	case !asked:
		return nil
	case list == nil:
		return o.missing("orders")
	}
	if err := g.sales.take(ctx, o, *list, g.from); err != nil {
		return err
	}
	g.late = g.late || *list.PageInfo.HasNextPage
	return nil
}

// portion cuts a number down as far as the store has lowered the page size.
func portion(n, size int) int { return max(min(n, pageMost)*size/pageMost, 1) }

func (g *glance) location(o *operation, node locationWithUpdates) error {
	id, err := g.found.add(o, node.location)
	if err != nil {
		return err
	}
	if err := g.take(o, id, node.InventoryLevels); err != nil {
		return err
	}
	if *node.InventoryLevels.PageInfo.HasNextPage {
		g.more = append(g.more, id)
	}
	return nil
}

// readLocation reads what was updated at one location, from the start: what its
// first page showed may be gone by now, and its cursor with it.
func (g *glance) readLocation(ctx context.Context, id inventory.LocationID) error {
	count := 0
	return g.client.pages("updates of a location", 0, func(o *operation, after *string, first int) (page, error) {
		answer, err := readLocationUpdates(ctx, o, id.String(), first, after, g.query, onlyAvailable)
		if err != nil {
			return page{}, err
		}
		if answer.Location == nil {
			return page{}, o.incomplete(id.String() + " vanished while it was read")
		}
		list := answer.Location.InventoryLevels
		if err := g.take(o, id, list); err != nil {
			return page{}, err
		}
		if count += len(list.Edges); count >= g.client.window && *list.PageInfo.HasNextPage {
			return page{}, g.beyond(o, "levels of "+id.String())
		}
		return list.PageInfo, nil
	})
}

// beyond reports more updates than a read of the whole store would cost.
func (g *glance) beyond(o *operation, what string) error {
	return o.incomplete(fmt.Sprintf("more than %s %s were updated since %s: read the whole store instead",
		grouped(g.client.window), what, g.from.Format(time.RFC3339)))
}

// take reads a page of what was updated at a location.
func (g *glance) take(o *operation, at inventory.LocationID, list updates) error {
	if err := whole(o, "inventoryLevels", list.Edges, list.PageInfo); err != nil {
		return err
	}
	for _, edge := range list.Edges {
		level, err := g.level(o, edge.Node)
		switch {
		case err != nil:
			return err
		case level == nil:
		case level.Location != at:
			return o.incomplete(level.String() + " is listed at " + at.String())
		default:
			g.levels[level.Key], g.newest[level.Key] = *level, *level
		}
	}
	return nil
}

// level reads a level that was updated; nil is one of an item that nothing
// sells.
func (g *glance) level(o *operation, node update) (*inventory.Level, error) {
	it := node.Item
	of, err := o.seller(it.Variants, it.Id)
	switch {
	case err != nil:
		return nil, err
	case node.UpdatedAt == nil:
		return nil, o.missing("updatedAt of a level of " + it.Id)
	case node.UpdatedAt.Before(g.from):
		return nil, o.ignored("levels", g.from)
	case of == nil:
		return nil, nil
	}
	level, err := o.about(*of, item{Id: it.Id, Sku: it.Sku, Tracked: it.Tracked})
	if err != nil {
		return nil, err
	}
	return &level, o.fill(&level, node.level)
}

// ignored reports something that was updated before and is told all the same.
func (o *operation) ignored(what string, from time.Time) error {
	return o.incomplete("the store ignores that only " + what + " updated since " + from.Format(time.RFC3339) + " are wanted")
}

// readEdits reads the variants that were updated, from the start like the
// levels of a location.
func (g *glance) readEdits(ctx context.Context) error {
	const name = "updated variants"
	count, levels := 0, g.client.levelsEach()
	return g.client.pages(name, levels, func(o *operation, after *string, first int) (page, error) {
		answer, err := readEdits(ctx, o, first, after, levels, g.query, onlyAvailable)
		if err != nil {
			return page{}, err
		}
		list := answer.ProductVariants
		if err := g.takeEdits(ctx, o, list); err != nil {
			return page{}, err
		}
		if count += len(list.Edges); count >= g.client.window && *list.PageInfo.HasNextPage {
			return page{}, g.beyond(o, "variants")
		}
		return list.PageInfo, nil
	})
}

// takeEdits reads a page of variants that were updated. An item that several of
// them share is the lowest one's.
func (g *glance) takeEdits(ctx context.Context, o *operation, list edits) error {
	all, _, err := findAll(ctx, o, list.Edges, list.PageInfo, g.edit)
	if err != nil {
		return err
	}
	for i, one := range all {
		if *list.Edges[i].Node.InventoryItem.InventoryLevels.PageInfo.HasNextPage {
			g.late = true // its levels took requests
		}
		if before, ok := g.edits[one.item]; ok && before.variant < one.variant {
			continue
		}
		g.edits[one.item] = one
		for _, row := range one.rows {
			g.newest[row.Key] = row.Level
		}
	}
	return nil
}

// edit reads a variant that was updated.
func (g *glance) edit(ctx context.Context, o *operation, edge editEdge) (found[stocked], error) {
	node := edge.Node
	one, err := dated(ctx, o, variantEdge{Node: variantWithItem{variant: node.variant, InventoryItem: node.InventoryItem}})
	switch {
	case err != nil:
		return found[stocked]{}, err
	case node.UpdatedAt == nil:
		return found[stocked]{}, o.missing("updatedAt of " + node.Id)
	case node.UpdatedAt.Before(g.from):
		return found[stocked]{}, o.ignored("variants", g.from)
	}
	return one, nil
}
