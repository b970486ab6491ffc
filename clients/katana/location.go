package katana

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"stocksyncd/reconcile/inventory"
)

type locationWire struct {
	ID           token `json:"id"`
	Name         token `json:"name"`
	SalesAllowed token `json:"sales_allowed"`
	Deleted      token `json:"deleted_at"`
}

type location struct {
	inventory.SourceLocation
	deleted bool
}

func readLocation(f *fields, w *locationWire) location {
	f.need("name", w.Name)
	return location{
		SourceLocation: inventory.SourceLocation{
			ID:           inventory.SourceLocationID(f.id("id", w.ID)),
			Name:         f.text("name", w.Name),
			SalesAllowed: f.flag("sales_allowed", w.SalesAllowed),
		},
		deleted: !w.Deleted.empty(),
	}
}

func (c *Client) locations(ctx context.Context, query url.Values) ([]location, error) {
	return listing[locationWire, location, inventory.SourceLocationID]{
		name: "locations", path: "/locations", query: query, read: readLocation,
		id: func(l location) inventory.SourceLocationID { return l.ID },
	}.all(ctx, c)
}

// Locations lists the live locations, sorted by id.
func (c *Client) Locations(ctx context.Context) ([]inventory.SourceLocation, error) {
	all, err := c.locations(ctx, nil)
	if err != nil {
		return nil, err
	}
	live := make([]inventory.SourceLocation, 0, len(all))
	for _, l := range all {
		// include_deleted=false is known not to hold everywhere.
		if !l.deleted {
			live = append(live, l.SourceLocation)
		}
	}
	// A variant may have a row of the inventory at each.
	c.learn(func(p *portion) { p.rows = max(p.rows, len(live)) })
	slices.SortFunc(live, func(a, b inventory.SourceLocation) int { return cmp.Compare(a.ID, b.ID) })
	return live, nil
}

// Account names the Katana account behind the key: id to recognise it by, name
// to show. GET /factory, which describes the account, has no id, and its names
// can be edited. What stays is the account's first location: location ids are
// never given twice, and a deleted location stays listed. So id is made of the
// lowest location id, deleted ones included.
func (c *Client) Account(ctx context.Context) (id, name string, err error) {
	resp, err := c.get(ctx, "account", "/factory", nil)
	if err != nil {
		return "", "", err
	}
	var wire struct {
		Display token `json:"display_name"`
		Legal   token `json:"legal_name"`
		Name    token `json:"name"`
	}
	if err := json.Unmarshal(resp.Body, &wire); err != nil {
		return "", "", fmt.Errorf("katana: account: %w: %w: %s", errShape, err, c.http.Excerpt(resp.Body))
	}
	f := &fields{}
	for _, t := range []token{wire.Display, wire.Legal, wire.Name} {
		if name == "" {
			name = f.text("name", t)
		}
	}
	if f.err != nil {
		return "", "", fmt.Errorf("katana: account: %w", f.err)
	}
	all, err := c.locations(ctx, url.Values{"include_deleted": {"true"}})
	if err != nil {
		return "", "", err
	}
	if len(all) == 0 {
		return "", "", errors.New("katana: account: it has no location, so it holds no stock: create one in Katana")
	}
	first := all[0].ID
	for _, l := range all {
		first = min(first, l.ID)
	}
	return "location:" + strconv.FormatInt(int64(first), 10), name, nil
}
