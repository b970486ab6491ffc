package cli

import (
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// floor is a shop floor over both simulated APIs: two stores that sell one mug,
// an importer, and people who edit and count. Each tick a cycle runs, and no
// raise of it may offer more than can be sold.
type floor struct {
	*whole
	orders   map[string]*checkout
	names    map[string]string // of the stores' locations, by GID
	checked  map[string]int    // writes, by store
	ticks    int
	mishapAt int // the tick before which it happens; 0 for none
	mishap   func(*floor)
}

// rack is a level of the mug, and the Katana location that feeds it.
type rack struct{ store, location, katana string }

// The levels of a floor: three of one Katana figure, of two stores, and one of
// another.
var (
	atFront  = rack{"main", "Shop", "Main"}
	atWindow = rack{"main", "Window", "Main"}
	atMarket = rack{"main", "Market", "Side"}
	atOutlet = rack{"outlet", "Shop", "Main"}

	racks = []rack{atFront, atWindow, atMarket, atOutlet}
)

// checkout is an order of a store, as far as Katana does not have it.
type checkout struct {
	at    rack
	units int           // it takes; Katana lacks them until the import
	due   time.Time     // of the import; zero is never
	lag   time.Duration // of the importer, once it is paid
}

// openFloor has 20 mugs at Main and 10 at Side, offered on every rack.
func openFloor(t *testing.T, known bool) *floor {
	world := sandbox.NewWorld(sandbox.Options{KatanaPerMinute: 6000, Stores: []sandbox.StoreOptions{{Name: "main"}, {Name: "outlet"}}})
	stock := map[string]int{"Main": 20, "Side": 10}
	made := sandbox.Variant{SKU: "MUG", Stock: map[string]string{}}
	for _, name := range []string{"Main", "Side"} {
		world.AddLocation(sandbox.KatanaLocation{Name: name})
		made.Stock[name] = strconv.Itoa(stock[name])
	}
	if _, err := world.AddProduct(sandbox.Product{Name: "Mug", Variants: []sandbox.Variant{made}}); err != nil {
		t.Fatal(err)
	}
	f := &floor{orders: map[string]*checkout{}, names: map[string]string{}, checked: map[string]int{}}
	var mapping desired.Mapping
	for _, at := range []rack{atFront, atWindow, atMarket} {
		mapping.Locations = append(mapping.Locations, desired.Pair{Target: at.location, Sources: []string{at.katana}})
		for _, store := range world.Stores() {
			gid, err := world.AddStoreLocation(store, sandbox.StoreLocation{Name: at.location, Katana: at.katana})
			if err != nil {
				t.Fatal(err)
			}
			f.names[gid] = at.location
		}
	}
	for _, store := range world.Stores() {
		listing := sandbox.Listing{SKU: "MUG", Product: "Mug", Continue: true}
		for _, at := range racks {
			if at.store == store {
				listing.Levels = append(listing.Levels, sandbox.Level{Location: at.location, Available: stock[at.katana]})
			}
		}
		if _, err := world.AddListing(store, listing); err != nil {
			t.Fatal(err)
		}
	}
	if !known {
		guessing(t, world)
	}
	f.whole = newWhole(t, world, mapping)
	f.clean(reconcile.Request{})
	f.pass(f.settle)
	f.tick(time.Minute)
	f.ticks = 0
	return f
}

// sellable is what can still be sold of a Katana location: what it has, less
// what it commits and what was sold and is not imported.
func (f *floor) sellable(katana string) int {
	units, is := f.world.KatanaAvailable("MUG", katana)
	if !is {
		f.t.Fatalf("Katana has no mug at %s", katana)
	}
	for _, o := range f.orders {
		if o.at.katana == katana && (o.due.IsZero() || o.due.After(time.Now())) {
			units -= o.units
		}
	}
	return units
}

// tick lets a time pass and runs a cycle, a full one now and then.
func (f *floor) tick(d time.Duration) {
	f.t.Helper()
	f.ticks++
	if f.ticks == f.mishapAt {
		f.mishap(f)
	}
	f.pass(d)
	kind := inventory.Incremental
	if f.ticks%7 == 0 {
		kind = inventory.Full
	}
	f.clean(reconcile.Request{Kind: kind})
	for _, at := range racks {
		f.wantSellable(at)
	}
	for _, store := range f.world.Stores() {
		f.checked[store] = len(f.world.Writes(store))
	}
}

// wantSellable checks the raises of a level since the last tick.
func (f *floor) wantSellable(at rack) {
	f.t.Helper()
	most := max(0, f.sellable(at.katana))
	for _, write := range f.world.Writes(at.store)[f.checked[at.store]:] {
		if f.names[write.Location] == at.location && write.To > write.From && write.To > most {
			f.t.Errorf("tick %d: %s of %s was raised from %d to %d, while %d can be sold", f.ticks, at.location, at.store, write.From, write.To, most)
		}
	}
}

// place has a customer order mugs of a level.
func (f *floor) place(order sandbox.OrderPlaced, at rack, units int) {
	f.t.Helper()
	order.Store, order.Location, order.Lines = at.store, at.location, mugs(units)
	f.do(order)
	o := &checkout{at: at, units: units, lag: order.Import.After}
	if !order.Import.Never && !order.Unpaid {
		o.due = time.Now().Add(o.lag)
	}
	f.orders[order.Order] = o
}

// sell has a customer order mugs, which the importer brings to Katana when it is
// told to.
func (f *floor) sell(order string, at rack, units int) {
	f.t.Helper()
	f.place(sandbox.OrderPlaced{Order: order, Import: sandbox.Import{Never: true}}, at, units)
}

// bring has the importer bring an order to Katana, where its level says or to
// another location.
func (f *floor) bring(order string, katana ...string) {
	f.t.Helper()
	event := sandbox.OrderImported{Store: f.orders[order].at.store, Order: order}
	if len(katana) > 0 {
		event.Location = katana[0]
	}
	f.do(event)
	f.orders[order].due = time.Now()
}

// pay has the customer pay at last.
func (f *floor) pay(order string) {
	f.t.Helper()
	o := f.orders[order]
	f.do(sandbox.OrderPaid{Store: o.at.store, Order: order})
	o.due = time.Now().Add(o.lag)
}

// add has mugs added to an order, which the importer brings when it is told to.
func (f *floor) add(order string, units int) {
	f.t.Helper()
	o := f.orders[order]
	f.do(sandbox.OrderEdited{Store: o.at.store, Order: order, Lines: mugs(units)})
	if o.due.IsZero() {
		o.units += units
		return
	}
	o.units, o.due = units, time.Time{} // the others are there
}

// cancel cancels an order, of which Katana learns later.
func (f *floor) cancel(order string, gone bool, after time.Duration) {
	f.t.Helper()
	o := f.orders[order]
	f.do(sandbox.OrderCancelled{Store: o.at.store, Order: order, NoRestock: gone, After: after})
	o.units = 0
}

// refund takes mugs out of an order, or back; Katana learns of it later.
func (f *floor) refund(order string, units int, restock bool, after time.Duration) {
	f.t.Helper()
	o := f.orders[order]
	f.do(sandbox.OrderRefunded{Store: o.at.store, Order: order, Lines: mugs(units), Restock: restock, After: after})
	o.units -= units
}

// count has Katana find more or fewer mugs at a location than it had.
func (f *floor) count(katana string, by int) {
	f.t.Helper()
	f.do(sandbox.StockAdjusted{SKU: "MUG", Location: katana, By: strconv.Itoa(by)})
}

// edit has somebody add to a level by hand.
func (f *floor) edit(at rack, by int) {
	f.t.Helper()
	f.do(sandbox.HandEdit{Store: at.store, SKU: "MUG", Location: at.location, Available: f.shows(at) + by})
}

func (f *floor) shows(at rack) int { return f.world.Level(at.store, "MUG", at.location).Available }

func mugs(units int) []sandbox.Line {
	return []sandbox.Line{{SKU: "MUG", Quantity: strconv.Itoa(units)}}
}

// settles waits until nothing is unsure any more, and wants every level to offer
// what can be sold.
func (f *floor) settles() {
	f.t.Helper()
	f.pass(f.settle)
	for range 4 {
		f.tick(time.Minute)
	}
	for _, at := range racks {
		if got, want := f.shows(at), f.sellable(at.katana); max(got, 0) != max(want, 0) {
			f.t.Errorf("%s of %s offers %d in the end, want %d", at.location, at.store, got, want)
		}
	}
	for _, err := range f.world.Missed() {
		f.t.Errorf("the scene is not what it seems: %v", err)
	}
}

// lose starts without the state file.
func (f *floor) lose() {
	f.stop()
	f.path += "x"
	f.start()
}

// scene is what happens on a floor.
type scene struct {
	name string
	play func(*floor)
	// late is a scene with orders that reach Katana later than settle: without
	// knowing them nobody can tell.
	late bool
}

// onFloor plays scenes with orders that the stores tell of and with orders that
// are guessed from falling levels, and with a restart and with a lost state file
// in the middle of each; a long test has them at ten places.
func onFloor(t *testing.T, scenes ...scene) {
	t.Helper()
	mishaps := map[string]func(*floor){"a restart": func(f *floor) { f.start() }, "a lost state file": (*floor).lose}
	for _, s := range scenes {
		for _, known := range []bool{true, false} {
			if s.late && !known {
				continue
			}
			t.Run(s.name+map[bool]string{true: ", known", false: ", guessed"}[known], func(t *testing.T) {
				t.Parallel() // much of it is waiting for the disk
				ticks := s.on(t, known, 0, nil)
				first, step := 1+ticks/2, ticks
				if cases(1) > 1 {
					first, step = 1, max(1, ticks/10)
				}
				for at := first; at <= ticks; at += step {
					for name, mishap := range mishaps {
						t.Run(fmt.Sprint(name, " before tick ", at), func(t *testing.T) { s.on(t, known, at, mishap) })
					}
				}
			})
		}
	}
}

// on plays the scene once and tells how many ticks it has.
func (s scene) on(t *testing.T, known bool, mishapAt int, mishap func(*floor)) (ticks int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := openFloor(t, known)
		defer func() { f.stop() }()
		f.mishapAt, f.mishap = mishapAt, mishap
		s.play(f)
		ticks = f.ticks
		f.settles()
	})
	return ticks
}
