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
// The locations are not read again here, since the caller has just read them.
// Of one that vanished since then nothing comes: its rows are missing, and what
// is missing is never zero. The next reading of the locations tells that it is
// gone.
func (c *Client) Inventory(ctx context.Context, at []inventory.SourceLocationID, variants []inventory.SourceVariantID) ([]inventory.Stock, error) {
	at = slices.Compact(slices.Sorted(slices.Values(at)))
	variants = slices.Compact(slices.Sorted(slices.Values(variants)))
	stock := make([]inventory.Stock, 0, len(variants)*len(at))
	for _, location := range at {
		found, err := c.stockAt(ctx, location, variants)
		if err != nil {
			return nil, err
		}
		stock = append(stock, found...)
	}
	slices.SortFunc(stock, func(a, b inventory.Stock) int {
		return cmp.Or(cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Location, b.Location))
	})
	return stock, nil
}

// stockAt reads one location in chunks that fit one page: /inventory has no
// order to page over, so a second page could repeat rows and lose others.
func (c *Client) stockAt(ctx context.Context, location inventory.SourceLocationID, variants []inventory.SourceVariantID) ([]inventory.Stock, error) {
	stock := make([]inventory.Stock, 0, len(variants))
	before := c.chunkSize()
	for len(variants) > 0 {
		n := min(c.chunkSize(), len(variants))
		found, err := c.readChunk(ctx, location, variants[:n])
		switch {
		case err == nil:
			stock, variants = append(stock, found...), variants[n:]
		case !isTooLong(err) && !errors.Is(err, errOverfull):
			return nil, err
		case n > 1:
			c.setChunkSize(n / 2)
		default:
			// Not even a single id passes: length was not to blame.
			c.setChunkSize(before)
			return nil, err
		}
	}
	return stock, nil
}

func (c *Client) chunkSize() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.chunk
}

func (c *Client) setChunkSize(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chunk = n
}

// errOverfull reports a chunk that did not fit one page, twice.
var errOverfull = fmt.Errorf("%w: more rows than the page shows", inventory.ErrIncomplete)

// readChunk reads one chunk, and once more when the answer is short.
func (c *Client) readChunk(ctx context.Context, location inventory.SourceLocationID, variants []inventory.SourceVariantID) ([]inventory.Stock, error) {
	query := url.Values{
		"location_id": {strconv.FormatInt(int64(location), 10)},
		"limit":       {strconv.Itoa(pageSize)},
	}
	for _, id := range variants {
		query.Add("variant_id", strconv.FormatInt(int64(id), 10))
	}
	for try := 1; ; try++ {
		resp, err := c.get(ctx, "inventory", "/inventory", query)
		if err != nil {
			return nil, err
		}
		rows, total, err := decodePage(c, "inventory", resp, readStock)
		if err != nil {
			return nil, err
		}
		stock, err := sift(rows, location, variants)
		if err != nil {
			return nil, fmt.Errorf("katana: inventory: %w", err)
		}
		switch {
		case len(rows) == total:
			return stock, nil
		case try == 1:
		case len(rows) > 0 && len(rows) < total:
			return nil, fmt.Errorf("katana: inventory: location %d: %w: %d of %d", location, errOverfull, len(rows), total)
		default:
			return nil, fmt.Errorf("katana: inventory: location %d: %w: %d of %d rows arrived", location, inventory.ErrIncomplete, len(rows), total)
		}
	}
}

// sift checks that the rows are those that were asked for: Katana drops a
// parameter that it does not understand, and answers without the filter.
func sift(rows []inventory.Stock, location inventory.SourceLocationID, asked []inventory.SourceVariantID) ([]inventory.Stock, error) {
	found := make([]inventory.Stock, 0, len(rows))
	place := make(map[inventory.SourceVariantID]int, len(rows))
	for _, row := range rows {
		if row.Location != location {
			return nil, fmt.Errorf("the filter location_id was not obeyed: asked for %d, got a row of %d", location, row.Location)
		}
		// The ids of a chunk are sorted.
		if _, ok := slices.BinarySearch(asked, row.Variant); !ok {
			return nil, fmt.Errorf("the filter variant_id was not obeyed: got a row of %d, which was not asked for", row.Variant)
		}
		i, known := place[row.Variant]
		switch {
		case !known:
			place[row.Variant] = len(found)
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

// readStock reads a row of the inventory. quantity_potential is null for what
// is no kit, and is not in older descriptions of the API. A figure that is too
// large to be counted spoils its row and no other: it is one SKU's placeholder,
// and all the rest is to be kept in step.
func readStock(f *fields, w *stockWire) inventory.Stock {
	row := inventory.Stock{
		Variant:  inventory.SourceVariantID(f.id("variant_id", w.Variant)),
		Location: inventory.SourceLocationID(f.id("location_id", w.Location)),
	}
	f.need("quantity_in_stock", w.InStock)
	f.need("quantity_committed", w.Committed)
	row.InStock = f.quantityOrLarge("quantity_in_stock", w.InStock, &row.TooLarge)
	row.Committed = f.quantityOrLarge("quantity_committed", w.Committed, &row.TooLarge)
	row.Potential = f.quantityOrLarge("quantity_potential", w.Potential, &row.TooLarge)
	if row.TooLarge {
		row.InStock, row.Committed, row.Potential = 0, 0, 0
	}
	return row
}
