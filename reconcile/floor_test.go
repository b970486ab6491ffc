package reconcile_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// mug is the variant that a shop floor sells.
const mug = inventory.SourceVariantID(1)

// floor is a shop floor: customers, an importer and people who edit, around a
// world with one SKU. Each tick a cycle runs, and no raise of it may offer more
// than can be sold.
type floor struct {
	*world
	tells    bool
	levels   []inventory.Key
	orders   map[string]*checkout
	ticks    int
	mishapAt int // the tick before which it happens; 0 for none
	mishap   func(*floor)
}

// checkout is an order of a store and how far it has come.
type checkout struct {
	id       int64
	key      inventory.Key
	open     int64 // not fulfilled
	done     int64 // fulfilled
	gone     int64 // refunded without restock, before it was fulfilled
	imported int64 // units that Katana has
	katana   int   // its index among Katana's orders; −1
}

func (o *checkout) units() int64 { return o.open + o.done + o.gone }

// openFloor has a store with two locations of one Katana location and one of
// another, and a second store on the first.
func openFloor(t *testing.T, tells bool) *floor {
	w := newWorld(t)
	w.sku("MUG", 20)
	w.has(mug, 20, 10)
	main, outlet := w.shops["main"], w.addStore("outlet", inventory.ModeApply)
	places := []inventory.Location{{ID: 1, Name: "Shop", Active: true}, {ID: 2, Name: "Market", Active: true}, {ID: 3, Name: "Window", Active: true}}
	main.locations, outlet.locations = places, places
	w.stores[0].Mapping.Locations = append(w.stores[0].Mapping.Locations, w.stores[0].Mapping.Locations[0])
	w.stores[0].Mapping.Locations[2].Target = "Window"
	main.tells, outlet.tells = tells, tells
	f := &floor{world: w, tells: tells, orders: map[string]*checkout{}}
	f.levels = []inventory.Key{
		w.level("main", 1, "MUG", 20), w.level("main", 1, "MUG", 20, 3), w.level("main", 1, "MUG", 10, 2), w.level("outlet", 9, "MUG", 20),
	}
	w.settled()
	f.tick(time.Minute)
	f.ticks = 0
	return f
}

// The levels of a floor.
const (
	atFront  = 0 // on Main, as window and outlet
	atWindow = 1
	atMarket = 2 // on Side
	atOutlet = 3
)

func (f *floor) source(key inventory.Key) inventory.SourceLocationID {
	if key.Location == 2 {
		return 20
	}
	return 10
}

// sellable is what can still be sold of a Katana location: what it has, less
// what it commits and what was sold and is not imported.
func (f *floor) sellable(at inventory.SourceLocationID) int64 {
	row := f.katana.stock[inventory.StockKey{Variant: mug, Location: at}]
	units := int64((row.InStock - row.Committed) / inventory.Scale)
	for _, o := range f.orders {
		if f.source(o.key) == at {
			units -= max(0, o.units()-o.imported)
		}
	}
	return units
}

// tick lets a time pass and runs a cycle.
func (f *floor) tick(d time.Duration) {
	f.t.Helper()
	f.ticks++
	if f.ticks == f.mishapAt {
		f.mishap(f)
	}
	f.pass(d)
	var before []inventory.Units
	for _, key := range f.levels {
		before = append(before, f.shows(key))
	}
	kind := inventory.Incremental
	if f.ticks%7 == 0 {
		kind = inventory.Full
	}
	f.ask(reconcile.Request{Kind: kind})
	for i, key := range f.levels {
		can := f.sellable(f.source(key))
		if shows := f.shows(key); shows > before[i] && int64(shows) > max(0, can) {
			f.t.Errorf("tick %d: level %s was raised from %d to %d, while %d can be sold", f.ticks, key, before[i], shows, can)
		}
	}
}

// place has a customer order units of a level.
func (f *floor) place(name string, level int, units int64) *checkout {
	o := &checkout{id: int64(5000 + len(f.orders)), key: f.levels[level], open: units, katana: -1}
	f.orders[name] = o
	f.sell(o.key, units)
	shop := f.shops[o.key.Store]
	shop.sales = append(shop.sales, inventory.Sale{ID: o.id, Name: name, Created: f.now})
	f.told(name)
	return o
}

// told has the store tell of an order as it is now.
func (f *floor) told(name string) {
	o := f.orders[name]
	shop := f.shops[o.key.Store]
	i := slices.IndexFunc(shop.sales, func(s inventory.Sale) bool { return s.ID == o.id })
	sale := shop.sales[i]
	sale.Updated, sale.Lines = f.now, nil
	if o.units() > 0 {
		sale.Lines = []inventory.SaleLine{{Item: o.key.Item, SKU: "MUG", Location: o.key.Location, Open: inventory.Units(o.open), Done: inventory.Units(o.done + o.gone)}}
	}
	shop.sales = slices.Clone(shop.sales)
	shop.sales[i] = sale
}

// bring has the importer bring an order to Katana, at the location of its level
// or another.
func (f *floor) bring(name string, at ...inventory.SourceLocationID) {
	o := f.orders[name]
	where := append(at, f.source(o.key))[0]
	o.imported = o.units()
	f.nextID++
	o.katana = len(f.katana.orders)
	f.katana.orders = append(f.katana.orders, inventory.SourceOrder{
		ID: f.nextID, Status: "NOT_SHIPPED", Platform: "shopify", Store: string(o.key.Store) + ".myshopify.com", External: strconv.FormatInt(o.id, 10),
		Created: f.now, Updated: f.now, Location: where,
		Rows: []inventory.SourceOrderRow{{ID: f.nextID, Variant: mug, Location: where, Quantity: inventory.Quantity(o.imported) * inventory.Scale}},
	})
	f.move(where, 0, o.imported)
}

// move changes what Katana has and commits at a location.
func (f *floor) move(at inventory.SourceLocationID, inStock, committed int64) {
	key := inventory.StockKey{Variant: mug, Location: at}
	row := f.katana.stock[key]
	row.InStock += inventory.Quantity(inStock) * inventory.Scale
	row.Committed += inventory.Quantity(committed) * inventory.Scale
	f.katana.stock[key] = row
	f.name(mug)
}

// cancel cancels an order, and puts its units back.
func (f *floor) cancel(name string) {
	o := f.orders[name]
	f.sell(o.key, -o.open)
	o.open = 0
	f.told(name)
}

// refund gives units back that were not sent yet, to stock or not.
func (f *floor) refund(name string, units int64, restock bool) {
	o := f.orders[name]
	o.open -= units
	if restock {
		f.sell(o.key, -units)
	} else {
		o.gone += units
	}
	f.told(name)
}

// send fulfils an order in Shopify.
func (f *floor) send(name string) {
	o := f.orders[name]
	o.done, o.open = o.done+o.open, 0
	f.told(name)
}

// cutBack has Katana take units of an order back, which was cancelled or refunded
// after it was imported.
func (f *floor) cutBack(name string, units int64) {
	o := f.orders[name]
	o.imported -= units
	sold := &f.katana.orders[o.katana]
	sold.Updated = f.now
	sold.Rows = slices.Clone(sold.Rows)
	sold.Rows[0].Quantity -= inventory.Quantity(units) * inventory.Scale
	f.move(sold.Location, 0, -units)
}

// settles waits until nothing is unsure any more, and wants every level to offer
// what can be sold.
func (f *floor) settles() {
	f.t.Helper()
	f.pass(settle)
	for range 8 {
		f.tick(time.Minute)
	}
	for _, key := range f.levels {
		if got, want := int64(f.shows(key)), f.sellable(f.source(key)); max(got, 0) != max(want, 0) {
			f.t.Errorf("level %s offers %d in the end, want %d", key, got, want)
		}
	}
}

func restart(f *floor) { f.start() }

// lose starts without the state file.
func lose(f *floor) {
	f.stop()
	f.path += "x"
	f.start()
}

// onFloor plays a scene with and without orders that the store tells of, and with
// a restart and with a lost state file before each of some ticks of it.
func onFloor(t *testing.T, scene func(*floor), only ...bool) {
	t.Helper()
	for _, tells := range append(only, true, false)[:max(2-len(only), 1)] {
		name := map[bool]string{true: "known", false: "inferred"}[tells]
		var ticks int
		t.Run(name, func(t *testing.T) {
			f := openFloor(t, tells)
			scene(f)
			ticks = f.ticks
			f.settles()
		})
		for mishap, happens := range map[string]func(*floor){"a restart": restart, "a lost state file": lose} {
			for at := 2; at <= ticks; at += max(2, ticks/2) {
				t.Run(fmt.Sprint(name, ", ", mishap, " before tick ", at), func(t *testing.T) {
					t.Parallel() // most of it is waiting for the disk
					f := openFloor(t, tells)
					f.mishapAt, f.mishap = at, happens
					scene(f)
					f.settles()
				})
			}
		}
	}
}
