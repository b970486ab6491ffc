package shopify

import (
	"context"
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

// glanceOverlap is how far before its mark a glance asks. Answers are dated in
// whole seconds, when they are sent and not when the levels are read, and by
// whichever of the store's machines sends them.
const glanceOverlap = 30 * time.Second

// Glance reads all locations and, in the same request, the levels that the
// store says it updated since the mark, which is that of the glance before.
// The zero mark asks for no levels. A location where more were updated than fit
// beside it takes requests of its own. It is complete or an error.
//
// The mark is the time of the first answer, so that nothing that is updated
// while the others are read is lost, and the store's, so that our clock may be
// wrong. What was updated shortly before a mark is told twice. Of two figures
// for one level the one that was read later holds. Levels of items that no
// variant sells are left out.
//
// When more than 20,000 levels of a location were updated, that is an error
// too: a read of the whole store costs less.
func (c *Client) Glance(ctx context.Context, since time.Time) (inventory.Glance, error) {
	if since.IsZero() {
		found, err := c.survey(ctx)
		if err != nil {
			return inventory.Glance{}, err
		}
		return c.told(found, nil)
	}
	g := glance{client: c, from: since.Add(-glanceOverlap).UTC().Truncate(time.Second), levels: map[inventory.Key]inventory.Level{}}
	g.query = "updated_at:>='" + g.from.Format(time.RFC3339) + "'"
	if err := g.read(ctx); err != nil {
		return inventory.Glance{}, err
	}
	c.expectLevels(len(g.found.list))
	return c.told(g.found, slices.SortedFunc(maps.Values(g.levels), func(a, b inventory.Level) int { return a.Compare(b.Key) }))
}

// told is a glance that was read. Without a mark the next one could not tell
// what it has missed.
func (c *Client) told(found surveyed, levels []inventory.Level) (inventory.Glance, error) {
	if found.date.IsZero() {
		return inventory.Glance{}, c.read(glanceName).missing("Date: look for a proxy that takes it out")
	}
	return inventory.Glance{Locations: found.list, Levels: levels, Mark: found.date}, nil
}

const glanceName = "glance"

// glance is one glance with a mark.
type glance struct {
	client *Client
	from   time.Time // what was updated before is not wanted
	query  string
	found  surveyed
	levels map[inventory.Key]inventory.Level
	more   []inventory.LocationID // more was updated there than the page held
}

func (g *glance) read(ctx context.Context) error {
	known := g.client.levelsEach()
	err := g.client.pages(glanceName, known, func(o *operation, after *string, size int) (page, error) {
		// One more than are known shows a new location without a second page.
		answer, err := readUpdates(ctx, o, portion(known+1, size), after, portion(glanceLevels, size), g.query, onlyAvailable)
		if err != nil {
			return page{}, err
		}
		list := answer.Locations
		if err := whole(o, "locations", list.Edges, list.PageInfo); err != nil {
			return page{}, err
		}
		g.found.begin(o, after)
		for _, edge := range list.Edges {
			if err := g.location(o, edge.Node); err != nil {
				return page{}, err
			}
		}
		return list.PageInfo, nil
	})
	if err != nil {
		return err
	}
	for _, id := range g.more {
		if err := g.readLocation(ctx, id); err != nil {
			return err
		}
	}
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
			return page{}, o.incomplete(fmt.Sprintf("more than %s levels of %s were updated since %s: read the whole store instead",
				grouped(g.client.window), id, g.from.Format(time.RFC3339)))
		}
		return list.PageInfo, nil
	})
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
			g.levels[level.Key] = *level
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
		return nil, o.incomplete("the store ignores that only levels updated since " + g.from.Format(time.RFC3339) + " are wanted")
	case of == nil:
		return nil, nil
	}
	level, err := o.about(*of, item{Id: it.Id, Sku: it.Sku, Tracked: it.Tracked})
	if err != nil {
		return nil, err
	}
	return &level, o.fill(&level, node.level)
}
