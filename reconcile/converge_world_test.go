package reconcile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/state"
)

// fair is a world in which everything happens: several stores on several
// locations of one Katana, whatever their mapping, and faults in every call.
type fair struct {
	rt     *rapid.T
	ticks  sync.Mutex // stores are looked at side by side
	now    time.Time
	dir    string
	files  int
	state  *state.Store
	r      *reconcile.Reconciler
	config []reconcile.Store
	works  *works
	stalls []*stall
	*trouble

	calm     bool // nothing happens that hides a sale
	slow     bool // the sweep reads no more than it must
	nextID   int64
	underway []order // sold, and not known to Katana
	imported []order // known to Katana, and not packed
	lostRows []inventory.Stock

	writing sync.Mutex                              // held while a store takes a write
	rush    inventory.StoreName                     // has a sale just before its next write
	rushed  bool                                    // and had it
	would   map[inventory.Key]inventory.LevelFigure // what a full cycle would write; nil: nobody can tell
	unknown map[inventory.Key]bool                  // levels that are another thing than the process knows
	moved   map[inventory.StoreName]bool            // whose locations are
}

// order is units that a level sold.
type order struct {
	id      int64
	at      time.Time // when Katana hears of it
	key     inventory.Key
	sku     inventory.SKU
	units   inventory.Quantity
	sources []inventory.SourceLocationID // that the level drew on
	variant inventory.SourceVariantID    // in Katana, by now
	from    inventory.SourceLocationID
}

const (
	sweep = time.Hour
	rest  = 20 * time.Minute // of a level that was refused
)

func newFair(t *testing.T, rt *rapid.T) *fair {
	f := &fair{rt: rt, now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), dir: t.TempDir(), trouble: &trouble{}}
	f.calm, f.slow = rapid.Bool().Draw(rt, "calm"), rapid.Bool().Draw(rt, "slow sweep")
	f.works = &works{
		katana: &katana{now: f.clock, stock: map[inventory.StockKey]inventory.Stock{}}, trouble: f.trouble,
		mute: rapid.IntRange(0, 3).Draw(rt, "mute feeds") == 0,
	}
	for i, name := range []string{"Main", "Side", "Third"} {
		f.works.locations = append(f.works.locations, inventory.SourceLocation{ID: inventory.SourceLocationID(10 * (i + 1)), Name: name, SalesAllowed: true})
	}
	for range rapid.IntRange(1, 5).Draw(rt, "variants") {
		f.addVariant()
	}
	for i := range rapid.IntRange(1, 2).Draw(rt, "stores") {
		f.addStall([]inventory.StoreName{"main", "outlet"}[i])
	}
	for _, s := range f.stalls {
		f.config = append(f.config, reconcile.Store{Name: s.name, Shop: string(s.name) + ".myshopify.com", Target: s, Mode: inventory.ModeApply})
	}
	f.configure()
	f.start()
	return f
}

func (f *fair) clock() time.Time {
	f.ticks.Lock()
	defer f.ticks.Unlock()
	return f.now
}

func (f *fair) pass(d time.Duration) {
	f.ticks.Lock()
	defer f.ticks.Unlock()
	f.now = f.now.Add(d)
}

func (f *fair) id() int64 {
	f.nextID++
	return f.nextID
}

// somewhere is one of a few SKUs, so that they meet.
func (f *fair) someSKU() inventory.SKU {
	return inventory.SKU(fmt.Sprint("S", rapid.IntRange(0, 2).Draw(f.rt, "sku")))
}

func (f *fair) units(from, to int64) inventory.Quantity {
	return inventory.Quantity(rapid.Int64Range(from, to).Draw(f.rt, "units")) * inventory.Scale
}

// addVariant has Katana list a variant; one in four is a kit of two others.
func (f *fair) addVariant() {
	v := inventory.SourceVariant{ID: inventory.SourceVariantID(f.id()), SKU: f.someSKU(), Created: f.now}
	if before := f.works.variants; len(before) > 1 && rapid.IntRange(0, 3).Draw(f.rt, "kit") == 0 {
		v.Kit = true
		for _, of := range before[len(before)-2:] {
			f.works.recipes = append(f.works.recipes, inventory.Ingredient{Product: v.ID, Variant: of.ID, Quantity: f.units(1, 2)})
		}
		f.tell(tiding{recipes: true})
	}
	f.works.variants = append(f.works.variants, v)
	for _, at := range f.works.locations {
		f.works.stock[inventory.StockKey{Variant: v.ID, Location: at.ID}] = inventory.Stock{Variant: v.ID, Location: at.ID, InStock: f.units(-2, 30)}
	}
	f.edited(v.ID)
}

func (f *fair) addStall(name inventory.StoreName) {
	s := &stall{
		trouble: f.trouble, name: name, now: f.clock, items: map[inventory.ItemID]*inventory.Item{}, levels: map[inventory.Key]*stocked{},
		updated: map[inventory.Key]time.Time{}, mute: rapid.IntRange(0, 3).Draw(f.rt, "mute store") == 0, figures: rapid.Bool().Draw(f.rt, "figures only"),
	}
	for i := range rapid.IntRange(1, 3).Draw(f.rt, "locations") {
		s.locations = append(s.locations, inventory.Location{ID: inventory.LocationID(i + 1), Name: fmt.Sprint("L", i+1), Active: true})
	}
	for range rapid.IntRange(1, 5).Draw(f.rt, "items") {
		f.addItem(s)
	}
	if rapid.IntRange(0, 5).Draw(f.rt, "large") == 0 {
		for i := range inventory.ItemID(rapid.IntRange(251, 520).Draw(f.rt, "padding")) {
			id := padding + i
			s.items[id] = &inventory.Item{ID: id, Variant: inventory.VariantID(2*i + 1), Untracked: true}
			s.levels[inventory.Key{Store: name, Item: id, Location: 1}] = &stocked{active: true}
		}
	}
	s.selling, s.written = func(batch []inventory.Change) { f.rushes(s, batch) }, func(change inventory.Change) { f.offered(s, change) }
	f.stalls = append(f.stalls, s)
}

// addItem has a store sell an item at some of its locations.
func (f *fair) addItem(s *stall) {
	id := inventory.ItemID(f.id())
	s.items[id] = &inventory.Item{ID: id, Variant: inventory.VariantID(2 * (int64(id) * 37 % 500)), SKU: f.someSKU()}
	for _, at := range s.locations {
		if rapid.IntRange(0, 3).Draw(f.rt, "stocked") > 0 {
			f.stockAt(s, inventory.Key{Store: s.name, Item: id, Location: at.ID})
		}
	}
}

func (f *fair) stockAt(s *stall, key inventory.Key) {
	s.levels[key] = &stocked{available: inventory.Units(rapid.Int64Range(-1, 30).Draw(f.rt, "shows")), active: true}
}

// tell has a feed tell of something, now or a while later.
func (f *fair) tell(one tiding) {
	one.at = f.now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 20, 90}).Draw(f.rt, "feed lags")) * time.Second)
	f.works.told = append(f.works.told, one)
}

func (f *fair) edited(id inventory.SourceVariantID) {
	if rapid.IntRange(0, 3).Draw(f.rt, "unnamed") == 0 {
		f.tell(tiding{catalogue: true})
		return
	}
	f.tell(tiding{edited: id})
}

// configure draws what the config says of each store. Names are those that the
// locations have now.
func (f *fair) configure() {
	for i, s := range f.stalls {
		c := &f.config[i]
		c.Choice = reconcile.Choice{Activate: rapid.Bool().Draw(f.rt, "activate")}
		for _, at := range s.locations {
			switch rapid.IntRange(0, 4).Draw(f.rt, "fed by") {
			case 0:
			case 1:
				c.Mapping.Locations = append(c.Mapping.Locations, desired.Pair{Target: at.Name, Sources: []string{f.works.locations[0].Name, f.works.locations[1].Name}})
			default:
				c.Mapping.Locations = append(c.Mapping.Locations, desired.Pair{Target: at.Name, Sources: []string{f.someSource().Name}})
			}
		}
		if rapid.Bool().Draw(f.rt, "default") {
			c.Mapping.Default = f.someSource().Name
		}
		switch rapid.IntRange(0, 5).Draw(f.rt, "rule") {
		case 0:
			c.Rules = []desired.Rule{{Pattern: "S0", Skip: true}, {Pattern: "S1", Buffer: 2}}
		case 1:
			c.Rules = []desired.Rule{{Pattern: "S*", Capped: true, Max: 7, MinToSell: 2}}
		}
		if rapid.IntRange(0, 2).Draw(f.rt, "orders left out") == 0 {
			c.Orders = desired.Orders{Exclude: []desired.Matcher{{Number: "B2B-*"}}, Served: []string{"main.myshopify.com", "outlet.myshopify.com"}}
		}
	}
}

func (f *fair) someSource() inventory.SourceLocation {
	return rapid.SampledFrom(f.works.locations).Draw(f.rt, "source")
}

// sourcesOf is the Katana locations that a level draws on by the config.
func (f *fair) sourcesOf(key inventory.Key) []inventory.SourceLocationID {
	for i, s := range f.stalls {
		if s.name != key.Store {
			continue
		}
		resolved, err := desired.Resolve(f.config[i].Mapping, s.locations, f.works.locations, inventory.Pins{})
		if err == nil {
			return resolved.Feeds[key.Location].Sources
		}
	}
	return nil
}

// start is a start of the process on the state file there is.
func (f *fair) start() {
	f.stop()
	f.over()
	var err error
	if f.state, err = state.Open(filepath.Join(f.dir, fmt.Sprint(f.files)), state.Options{Now: f.clock}); err != nil {
		f.rt.Fatal(err)
	}
	least := 250
	if f.slow {
		least = 0
	}
	f.r, err = reconcile.New(reconcile.Options{
		Source: f.works, Stores: slices.Clone(f.config), Journal: &shaky{f.state, f.trouble},
		Settle: settle, SweepWithin: sweep, SweepAtLeast: least, Quarantine: rest, Now: f.clock,
	})
	if err != nil {
		f.rt.Fatal(err)
	}
}

func (f *fair) stop() {
	if f.state != nil {
		_ = f.state.Close()
		f.state = nil
	}
}

// forget is a start without the state file.
func (f *fair) forget() {
	f.stop()
	_ = os.Remove(filepath.Join(f.dir, fmt.Sprint(f.files)))
	f.files++
	f.start()
}

// stands is the variant that stands for a SKU.
func (f *fair) stands(sku inventory.SKU) (inventory.SourceVariantID, bool) {
	return desired.NewCatalogue(&inventory.Snapshot{Variants: f.works.variants}, nil).Stands(sku)
}
