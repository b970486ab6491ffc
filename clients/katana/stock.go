package katana

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"stocksyncd/reconcile/inventory"
)

// Inventory reads what Katana has of the given variants at the given
// locations, sorted by variant, then location. Neither list needs to be sorted,
// and what is named twice is read once. A variant may have no row somewhere.
//
// Katana filters by one location or by none. So each page of ids is one request
// for each location, unless fewer requests without that filter bring the rows
// of all locations: 80 variants at 3 locations are one request, 250 are 3.
//
// The locations are not read again here, since the caller has just read them.
// Of one that vanished since then nothing comes: its rows are missing, and what
// is missing is never zero. The next reading of the locations tells that it is
// gone.
func (c *Client) Inventory(ctx context.Context, at []inventory.SourceLocationID, variants []inventory.SourceVariantID) ([]inventory.Stock, error) {
	at = slices.Compact(slices.Sorted(slices.Values(at)))
	variants = slices.Compact(slices.Sorted(slices.Values(variants)))
	stock := make([]inventory.Stock, 0, len(variants)*len(at))
	before := c.portions()
	for len(at) > 0 && len(variants) > 0 {
		n, everywhere := c.portions().next(len(variants), len(at))
		found, err := c.stockOf(ctx, at, variants[:n], everywhere)
		switch {
		case err == nil:
			stock, variants = append(stock, found...), variants[n:]
		case errors.Is(err, errBroad): // which is remembered
		case !isTooLong(err) && !errors.Is(err, errOverfull):
			return nil, err
		case everywhere && (n > 1 || isTooLong(err)):
			c.learn(func(p *portion) { p.everywhere = n / 2 })
		case n > 1:
			c.learn(func(p *portion) { p.ids = n / 2 })
		default:
			// Not even a single id passes: length was not to blame.
			c.learn(func(p *portion) { p.ids, p.everywhere = before.ids, before.everywhere })
			return nil, err
		}
	}
	slices.SortFunc(stock, func(a, b inventory.Stock) int {
		return cmp.Or(cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Location, b.Location))
	})
	return stock, nil
}

// portion is how much one request may ask for, as the answers have taught.
type portion struct {
	ids        int // the most ids
	everywhere int // the most variants whose inventory is asked for without a location
	rows       int // the most that a variant may have in the inventory, over all locations
}

// next tells of how many of the variants to ask next at so many locations, and
// whether to ask without a location. The rows of all locations must stay below
// a page, as nobody could tell a full one from the first of two.
func (p portion) next(variants, locations int) (n int, everywhere bool) {
	n = min(variants, p.ids)
	fit := min(p.ids, p.everywhere, (pageSize-1)/max(p.rows, locations))
	if fit > 0 && (n+fit-1)/fit < locations {
		return min(n, fit), true
	}
	return n, false
}

func (c *Client) portions() portion {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.portion
}

func (c *Client) learn(what func(*portion)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	what(&c.portion)
}

// stockOf reads some variants, either at all locations at once or at one after
// the other.
func (c *Client) stockOf(ctx context.Context, at []inventory.SourceLocationID, variants []inventory.SourceVariantID, everywhere bool) ([]inventory.Stock, error) {
	if everywhere {
		return c.readChunk(ctx, at, variants)
	}
	var stock []inventory.Stock
	for _, location := range at {
		found, err := c.readChunk(ctx, []inventory.SourceLocationID{location}, variants)
		if err != nil {
			return nil, err
		}
		stock = append(stock, found...)
	}
	return stock, nil
}

var (
	// errOverfull reports a chunk that did not fit one page, twice.
	errOverfull = fmt.Errorf("%w: more rows than the page shows", inventory.ErrIncomplete)
	// errBroad reports a chunk that has too many rows at other locations.
	errBroad = errors.New("more rows of all locations than a page has")
)

// readChunk reads variants at one location, or at several by asking for all
// locations, and once more when the answer is short. A chunk fits one page:
// /inventory has no order to page over, so a second page could repeat rows and
// lose others.
func (c *Client) readChunk(ctx context.Context, at []inventory.SourceLocationID, variants []inventory.SourceVariantID) ([]inventory.Stock, error) {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	if len(at) == 1 {
		query.Set("location_id", strconv.FormatInt(int64(at[0]), 10))
	}
	for _, id := range variants {
		query.Add("variant_id", strconv.FormatInt(int64(id), 10))
	}
	read := func(f *fields, w *stockWire) inventory.Stock { return readStockAt(f, w, at) }
	for try := 1; ; try++ {
		resp, err := c.get(ctx, "inventory", "/inventory", query)
		if err != nil {
			return nil, err
		}
		rows, total, err := decodePage(c, "inventory", resp, read)
		if err != nil {
			return nil, err
		}
		stock, err := sift(rows, at, variants)
		if err != nil {
			return nil, fmt.Errorf("katana: inventory: %w", err)
		}
		if len(at) > 1 {
			most := max(len(rows), total)
			c.learn(func(p *portion) { p.rows = max(p.rows, (most+len(variants)-1)/len(variants)) })
			if most >= pageSize {
				return nil, errBroad
			}
		}
		switch {
		case len(rows) == total:
			return stock, nil
		case try == 1:
		case len(rows) > 0 && len(rows) < total:
			return nil, fmt.Errorf("katana: inventory: locations %d: %w: %d of %d", at, errOverfull, len(rows), total)
		default:
			return nil, fmt.Errorf("katana: inventory: locations %d: %w: %d of %d rows arrived", at, inventory.ErrIncomplete, len(rows), total)
		}
	}
}

// sift checks that the rows are those that were asked for, and keeps those of
// the given locations, which like the variants are sorted. Katana drops a
// parameter that it does not understand, and answers without the filter.
func sift(rows []inventory.Stock, at []inventory.SourceLocationID, variants []inventory.SourceVariantID) ([]inventory.Stock, error) {
	found := make([]inventory.Stock, 0, len(rows))
	place := make(map[inventory.StockKey]int, len(rows))
	for _, row := range rows {
		if _, ok := slices.BinarySearch(variants, row.Variant); !ok {
			return nil, fmt.Errorf("the filter variant_id was not obeyed: got a row of %d, which was not asked for", row.Variant)
		}
		if _, here := slices.BinarySearch(at, row.Location); !here {
			if len(at) == 1 {
				return nil, fmt.Errorf("the filter location_id was not obeyed: asked for %d, got a row of %d", at[0], row.Location)
			}
			continue
		}
		key := inventory.StockKey{Variant: row.Variant, Location: row.Location}
		i, known := place[key]
		switch {
		case !known:
			place[key] = len(found)
			found = append(found, row)
		case found[i] != row:
			return nil, fmt.Errorf("variant %d at location %d came twice with different figures", row.Variant, row.Location)
		}
	}
	return found, nil
}

type stockWire struct {
	Variant   token `json:"variant_id"`
	Location  token `json:"location_id"`
	InStock   token `json:"quantity_in_stock"`
	Committed token `json:"quantity_committed"`
	Potential token `json:"quantity_potential"`
}

// readStockAt reads a row of the inventory, and its figures only if it is at one
// of the locations, which are sorted: what is odd elsewhere is in nobody's way.
func readStockAt(f *fields, w *stockWire, at []inventory.SourceLocationID) inventory.Stock {
	row := inventory.Stock{
		Variant:  inventory.SourceVariantID(f.id("variant_id", w.Variant)),
		Location: inventory.SourceLocationID(f.id("location_id", w.Location)),
	}
	if _, here := slices.BinarySearch(at, row.Location); here {
		readFigures(f, w, &row)
	}
	return row
}

// readFigures reads what there is. quantity_potential is null for what is no
// kit, and is not in older descriptions of the API. A figure that is too large
// to be counted spoils its row and no other: it is one SKU's placeholder, and
// all the rest is to be kept in step.
func readFigures(f *fields, w *stockWire, row *inventory.Stock) {
	f.need("quantity_in_stock", w.InStock)
	f.need("quantity_committed", w.Committed)
	row.InStock = f.quantityOrLarge("quantity_in_stock", w.InStock, &row.TooLarge)
	row.Committed = f.quantityOrLarge("quantity_committed", w.Committed, &row.TooLarge)
	row.Potential = f.quantityOrLarge("quantity_potential", w.Potential, &row.TooLarge)
	if row.TooLarge {
		row.InStock, row.Committed, row.Potential = 0, 0, 0
	}
}
