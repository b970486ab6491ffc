package reconcile_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sort"
	"time"

	"stocksyncd/reconcile/inventory"
)

// depot is the Katana of a town.
type depot struct {
	m         *town
	locations []inventory.SourceLocation
	variants  []inventory.SourceVariant
	at        []time.Time // when the stock of a variant moved last
	orders    []inventory.SourceOrder
	of        map[int64]int // where the order of a purchase is in orders, sorted by when they changed
}

func newDepot(m *town) *depot {
	d := &depot{m: m, at: make([]time.Time, m.skus), of: map[int64]int{}}
	for at := range poolsEach {
		d.locations = append(d.locations, inventory.SourceLocation{ID: sourceID(at), Name: fmt.Sprint("K", at), SalesAllowed: true})
	}
	for sku := range m.skus {
		d.variants = append(d.variants, inventory.SourceVariant{ID: variantID(sku), SKU: skuOf(sku), Created: m.began})
	}
	return d
}

func sourceID(at int) inventory.SourceLocationID  { return inventory.SourceLocationID(10 * (at + 1)) }
func variantID(sku int) inventory.SourceVariantID { return inventory.SourceVariantID(sku + 1) }

// moved notes that the stock of a SKU has moved, for the feeds.
func (d *depot) moved(sku int) { d.at[sku] = d.m.now }

// takes imports an order.
func (d *depot) takes(p *purchase, status string) {
	order := inventory.SourceOrder{
		ID: 100_000 + p.id, Number: fmt.Sprint("SO-", p.id), Status: status, Source: "shopify", Platform: "shopify",
		Store: shopName(p.store), External: fmt.Sprint(p.id), Location: sourceID(p.lines[0].pool % poolsEach), Created: d.m.now,
	}
	for i, line := range p.lines {
		order.Rows = append(order.Rows, inventory.SourceOrderRow{
			ID: order.ID*10 + int64(i), Variant: variantID(line.level / levelsEach), Location: sourceID(line.pool % poolsEach),
			Quantity: inventory.Quantity(line.units) * inventory.Scale,
		})
	}
	d.put(p, order)
}

// packs notes that an order has left.
func (d *depot) packs(p *purchase) {
	order := d.order(p)
	order.Status = "PACKED"
	d.put(p, order)
}

// callsOff deletes an order.
func (d *depot) callsOff(p *purchase) {
	order := d.order(p)
	order.Deleted = true
	d.put(p, order)
}

func (d *depot) order(p *purchase) inventory.SourceOrder { return d.orders[d.of[p.id]] }

// put puts an order where the newest changes are.
func (d *depot) put(p *purchase, order inventory.SourceOrder) {
	order.Updated = d.m.now
	if i, has := d.of[p.id]; has {
		d.orders[i].ID = 0 // its place is empty
	}
	d.of[p.id] = len(d.orders)
	d.orders = append(d.orders, order)
	for _, line := range p.lines {
		d.moved(line.level / levelsEach)
	}
}

// ask is a call of Katana: it takes time, and may go wrong.
func (d *depot) ask() error {
	d.m.step()
	_, err := d.m.call(toKatana, false)
	return err
}

func (d *depot) Locations(context.Context) ([]inventory.SourceLocation, error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	return slices.Clone(d.locations), d.ask()
}

func (d *depot) Orders(_ context.Context, since time.Time) (orders []inventory.SourceOrder, _ error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	if err := d.ask(); err != nil {
		return nil, err
	}
	first := sort.Search(len(d.orders), func(i int) bool { return !d.orders[i].Updated.Before(since) })
	for _, order := range d.orders[first:] {
		if order.ID != 0 {
			orders = append(orders, order)
		}
	}
	return orders, nil
}

func (d *depot) OpenOrders(context.Context, func(inventory.SourceOrder) bool) ([]inventory.SourceOrder, error) {
	d.m.t.Fatalf("no order is left out, and the open ones are read")
	return nil, nil
}

func (d *depot) Catalogue(context.Context) ([]inventory.SourceVariant, error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	return slices.Clone(d.variants), d.ask()
}

func (d *depot) Variants(_ context.Context, ids []inventory.SourceVariantID) (some []inventory.SourceVariant, _ error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	for _, id := range ids {
		some = append(some, d.variants[id-1])
	}
	return some, d.ask()
}

func (d *depot) Inventory(_ context.Context, at []inventory.SourceLocationID, variants []inventory.SourceVariantID) ([]inventory.Stock, error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	if err := d.ask(); err != nil {
		return nil, err
	}
	ids, sources := slices.Clone(variants), slices.Clone(at)
	slices.Sort(ids)
	slices.Sort(sources)
	stock := make([]inventory.Stock, 0, len(ids)*len(sources))
	for _, id := range ids {
		for _, source := range sources {
			p := &d.m.pools[(int(id)-1)*poolsEach+int(source)/10-1]
			stock = append(stock, inventory.Stock{
				Variant: id, Location: source,
				InStock: inventory.Quantity(p.inStock) * inventory.Scale, Committed: inventory.Quantity(p.committed) * inventory.Scale,
			})
		}
	}
	return stock, nil
}

func (d *depot) Changes(_ context.Context, since inventory.Mark) (inventory.Changes, error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	read := since.Feeds["all"].Read
	changes := inventory.Changes{Mark: inventory.Mark{Feeds: map[string]inventory.FeedMark{"all": {Read: d.m.now}}}}
	if err := d.ask(); err != nil {
		return inventory.Changes{}, err
	}
	if since.IsZero() {
		return changes, nil
	}
	for sku, at := range d.at {
		if !at.IsZero() && !at.Before(read) {
			changes.Variants = append(changes.Variants, variantID(sku))
		}
	}
	return changes, nil
}

func (d *depot) Ahead() time.Duration    { return 0 }
func (d *depot) Spare(time.Duration) int { return 1000 }

func (d *depot) Recipes(context.Context, []inventory.SourceVariantID) ([]inventory.Ingredient, error) {
	return nil, nil
}

// counter is one of the stores of a town. Its methods take no time: while one
// store is asked, the other may be, too.
type counter struct {
	m      *town
	s      int
	name   inventory.StoreName
	places []inventory.Location
	of     []int // its levels, sorted by key
	orders []*purchase
	wrote  bool // in this cycle
}

func newCounter(m *town, s int) *counter {
	c := &counter{m: m, s: s, name: inventory.StoreName([]string{"main", "outlet"}[s])}
	for l := range m.levels {
		if storeOf(l) != s {
			continue
		}
		if c.of = append(c.of, l); l < levelsEach {
			id := locationOf(l)
			c.places = append(c.places, inventory.Location{ID: id, Name: fmt.Sprint("L", id), Active: true})
		}
	}
	return c
}

// asked is a call of a store, which may go wrong.
func asked[T any](c *counter, answer func() T) (got T, _ error) {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	if _, err := c.m.call(toStore(c.s), false); err != nil {
		return got, err
	}
	return answer(), nil
}

// look reads a level, and notes that it was.
func (c *counter) look(l int) inventory.Level {
	c.m.looked(l)
	return inventory.Level{
		Key: c.m.keyOf(l), Variant: inventory.VariantID(l/levelsEach + 1), SKU: skuNames[l/levelsEach],
		Available: inventory.Units(c.m.levels[l].available), Active: true,
	}
}

// skuNames are the SKUs of every town.
var skuNames = func() (names [100]inventory.SKU) {
	for sku := range names {
		names[sku] = skuOf(sku)
	}
	return names
}()

func (c *counter) all() []inventory.Level {
	levels := make([]inventory.Level, len(c.of))
	for i, l := range c.of {
		levels[i] = c.look(l)
	}
	return levels
}

func (c *counter) Glance(_ context.Context, since time.Time) (inventory.Glance, error) {
	return asked(c, func() inventory.Glance {
		glance := inventory.Glance{Locations: c.places, Mark: c.m.now, Sales: inventory.Sales{Told: c.m.told}}
		if since.IsZero() {
			return glance
		}
		for _, l := range c.of {
			if !c.m.levels[l].updated.Before(since) {
				glance.Levels = append(glance.Levels, c.look(l))
			}
		}
		glance.Sales = c.sales(since, false)
		return glance
	})
}

func (c *counter) Page(_ context.Context, after inventory.VariantID) (inventory.Page, error) {
	return asked(c, func() inventory.Page {
		page := inventory.Page{Levels: c.all(), End: true, Last: inventory.VariantID(c.m.skus)}
		for _, l := range c.of {
			page.Updated = append(page.Updated, c.m.levels[l].updated)
		}
		if after != 0 {
			c.m.t.Fatalf("the variants after %d are asked for, and there is one page", after)
		}
		return page
	})
}

func (c *counter) Observe(context.Context) (iter.Seq[[]inventory.Level], error) {
	return asked(c, func() iter.Seq[[]inventory.Level] { return inventory.ItemsOf(c.all()) })
}

func (c *counter) Levels(_ context.Context, keys []inventory.Key) ([]inventory.Level, error) {
	return asked(c, func() []inventory.Level {
		levels := make([]inventory.Level, len(keys))
		for i, key := range keys {
			levels[i] = c.look(c.m.levelOf(key))
		}
		return levels
	})
}

// Sales tells of the orders that are open or were updated since.
func (c *counter) Sales(_ context.Context, since time.Time) (inventory.Sales, error) {
	return asked(c, func() inventory.Sales { return c.sales(since, true) })
}

func (c *counter) sales(since time.Time, open bool) inventory.Sales {
	sales := inventory.Sales{Told: c.m.told}
	if !sales.Told {
		return sales
	}
	for _, p := range c.orders {
		if !p.updated.Before(since) || open && !p.outside && !p.called {
			sales.Sales = append(sales.Sales, p.sale(c.m))
		}
	}
	return sales
}

func (c *counter) Set(_ context.Context, batch inventory.Batch) ([]inventory.Outcome, error) {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	does, err := c.m.call(toStore(c.s), true)
	if !does {
		return nil, err
	}
	outcomes, good := make([]inventory.Outcome, len(batch.Changes)), true
	for i, change := range batch.Changes {
		outcomes[i] = inventory.Outcome{Change: change, Result: inventory.Unsent}
		if c.m.levels[c.m.levelOf(change.Key)].available != int64(change.From) {
			outcomes[i].Result, good = inventory.Stale, false
			c.m.account.stale++
		}
	}
	c.wrote = true
	if !good {
		return outcomes, err
	}
	for i, change := range batch.Changes {
		l := c.m.levelOf(change.Key)
		c.m.writes(l, int64(change.From), int64(change.To))
		c.m.shows(l, int64(change.To))
		outcomes[i].Result = inventory.Applied
	}
	return outcomes, err
}

func (c *counter) Activate(_ context.Context, key inventory.Key, _ string) (inventory.Units, error) {
	c.m.t.Fatalf("%s is stocked, and shall be", key)
	return 0, nil
}
