package reconcile_test

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/inventory"
)

// calmly is what happens in a world in which every sale shows.
var calmly = []struct {
	name string
	of   func(*fair)
}{
	{"sale", (*fair).sale}, {"sale", (*fair).sale}, {"sale", (*fair).sale}, {"sale called off", (*fair).callOff},
	{"stock", (*fair).adjust}, {"stock", (*fair).adjust}, {"packing", (*fair).pack}, {"edit down", (*fair).editDown},
	{"wholesale", (*fair).wholesale}, {"wholesale packed", (*fair).packWholesale}, {"restart", (*fair).start}, {"nothing", func(*fair) {}},
}

// wildly is what happens beside that elsewhere.
var wildly = append(slices.Clone(calmly), []struct {
	name string
	of   func(*fair)
}{
	{"edit up", (*fair).editUp}, {"order called off", (*fair).callOffOrder}, {"SKU in Shopify", (*fair).renameItem}, {"SKU in Katana", (*fair).renameVariant},
	{"archiving", (*fair).archive}, {"variant", (*fair).addVariant}, {"variant gone", (*fair).dropVariant}, {"recipe", (*fair).cook},
	{"row", (*fair).loseRow}, {"item", func(f *fair) { f.addItem(f.someStall()) }}, {"item gone", (*fair).dropItem}, {"tracking", (*fair).track},
	{"level off", (*fair).switchLevel}, {"level gone", (*fair).dropLevel}, {"level", (*fair).addLevel}, {"location off", (*fair).switchLocation},
	{"sales", (*fair).switchSales}, {"location renamed", (*fair).renameLocation}, {"config", (*fair).reconfigure}, {"mode", (*fair).switchMode},
	{"state file lost", (*fair).forget},
}...)

// happen plays one random event.
func (f *fair) happen() {
	f.pass(time.Second)
	all := wildly
	if f.calm {
		all = calmly
	}
	one := all[rapid.IntRange(0, len(all)-1).Draw(f.rt, "event")]
	f.rt.Log(one.name)
	one.of(f)
}

func (f *fair) someStall() *stall {
	return f.stalls[rapid.IntRange(0, len(f.stalls)-1).Draw(f.rt, "store")]
}

func (f *fair) someLevel() (*stall, inventory.Key, bool) {
	s := f.someStall()
	if keys := s.keys(); len(keys) > 0 {
		return s, rapid.SampledFrom(keys).Draw(f.rt, "level"), true
	}
	return s, inventory.Key{}, false
}

func (f *fair) someItem() (*stall, *inventory.Item) {
	s := f.someStall()
	if ids := s.ids(); len(ids) > 0 {
		return s, s.items[rapid.SampledFrom(ids).Draw(f.rt, "item")]
	}
	return s, nil
}

func (f *fair) someVariant() *inventory.SourceVariant {
	if len(f.works.variants) == 0 {
		f.addVariant()
	}
	return &f.works.variants[rapid.IntRange(0, len(f.works.variants)-1).Draw(f.rt, "variant")]
}

// sale is a sale of an active level; Katana hears of it within a settle.
func (f *fair) sale() {
	s, key, ok := f.someLevel()
	if !ok || !s.levels[key].active || s.items[key.Item].Untracked {
		return
	}
	f.sell(s, key)
}

func (f *fair) sell(s *stall, key inventory.Key) {
	units := f.units(1, 3)
	s.levels[key].available -= units.Floor()
	lag := time.Duration(rapid.Int64Range(0, int64(settle/time.Second)-60).Draw(f.rt, "lag")) * time.Second
	f.underway = append(f.underway, order{at: f.now.Add(lag), key: key, sku: s.items[key.Item].SKU, units: units, sources: f.sourcesOf(key)})
}

// callOff is a sale that is called off before Katana hears of it.
func (f *fair) callOff() {
	if len(f.underway) == 0 {
		return
	}
	i := rapid.IntRange(0, len(f.underway)-1).Draw(f.rt, "order")
	f.restock(f.underway[i])
	f.underway = slices.Delete(f.underway, i, i+1)
}

func (f *fair) restock(o order) {
	for _, s := range f.stalls {
		if level := s.levels[o.key]; level != nil {
			level.available += o.units.Floor()
		}
	}
}

// arrive imports the sales that are due. Those of a level that draws on nothing,
// or of a SKU that Katana does not know, never come.
func (f *fair) arrive() {
	var later []order
	for _, o := range f.underway {
		if o.at.After(f.now) {
			later = append(later, o)
			continue
		}
		id, known := f.stands(o.sku)
		if !known || len(o.sources) == 0 {
			continue
		}
		o.id, o.variant, o.from = f.id(), id, rapid.SampledFrom(o.sources).Draw(f.rt, "from")
		f.commit(o, o.units)
		f.imported = append(f.imported, o)
		f.works.orders = append(f.works.orders, inventory.SourceOrder{
			ID: o.id, Status: "NOT_SHIPPED", Platform: "shopify", Store: string(o.key.Store) + ".myshopify.com", Created: f.now, Updated: f.now, Location: o.from,
			Rows: []inventory.SourceOrderRow{{ID: o.id, Variant: id, Location: o.from, Quantity: o.units}},
		})
	}
	f.underway = later
}

func (f *fair) commit(o order, units inventory.Quantity) {
	f.move(inventory.StockKey{Variant: o.variant, Location: o.from}, 0, units)
}

// move moves a row of Katana, and has a feed tell.
func (f *fair) move(key inventory.StockKey, inStock, committed inventory.Quantity) {
	row, has := f.works.stock[key]
	if !has {
		return
	}
	row.InStock, row.Committed = row.InStock+inStock, row.Committed+committed
	f.works.stock[key] = row
	f.tell(tiding{variant: key.Variant})
}

func (f *fair) touchOrder(id int64, change func(*inventory.SourceOrder)) {
	for i := range f.works.orders {
		if o := &f.works.orders[i]; o.ID == id {
			o.Updated = f.now
			change(o)
		}
	}
}

func (f *fair) takeImported() (o order, ok bool) {
	if len(f.imported) == 0 {
		return o, false
	}
	i := rapid.IntRange(0, len(f.imported)-1).Draw(f.rt, "order")
	o = f.imported[i]
	f.imported = slices.Delete(f.imported, i, i+1)
	return o, true
}

func (f *fair) pack() {
	if o, ok := f.takeImported(); ok {
		f.touchOrder(o.id, func(o *inventory.SourceOrder) { o.Status = "PACKED" })
		f.move(inventory.StockKey{Variant: o.variant, Location: o.from}, -o.units, -o.units)
	}
}

func (f *fair) callOffOrder() {
	if o, ok := f.takeImported(); ok {
		f.touchOrder(o.id, func(o *inventory.SourceOrder) { o.Deleted = true })
		f.commit(o, -o.units)
		f.restock(o)
	}
}

func (f *fair) adjust() {
	f.move(inventory.StockKey{Variant: f.someVariant().ID, Location: f.someSource().ID}, f.units(-5, 10), 0)
}

func (f *fair) editDown() {
	if s, key, ok := f.someLevel(); ok {
		s.levels[key].available -= inventory.Units(rapid.Int64Range(1, 5).Draw(f.rt, "units"))
	}
}

func (f *fair) editUp() {
	if s, key, ok := f.someLevel(); ok {
		s.levels[key].available += inventory.Units(rapid.Int64Range(1, 20).Draw(f.rt, "units"))
	}
}

// wholesale is an order made in Katana, which some stores leave out.
func (f *fair) wholesale() {
	o := order{id: f.id(), variant: f.someVariant().ID, from: f.someSource().ID, units: f.units(1, 3)}
	if _, has := f.works.stock[inventory.StockKey{Variant: o.variant, Location: o.from}]; !has {
		return
	}
	f.commit(o, o.units)
	made := inventory.SourceOrder{
		ID: o.id, Number: "B2B-1", Source: "katana", Updated: f.now, Location: o.from,
		Rows: []inventory.SourceOrderRow{{ID: o.id, Variant: o.variant, Location: o.from, Quantity: o.units}},
	}
	f.works.open, f.works.orders = append(f.works.open, made), append(f.works.orders, made)
}

func (f *fair) packWholesale() {
	if len(f.works.open) == 0 {
		return
	}
	packed := f.works.open[0]
	row := packed.Rows[0]
	packed.Updated = f.now
	f.works.open, f.works.orders = slices.Clone(f.works.open[1:]), append(f.works.orders, packed)
	f.move(inventory.StockKey{Variant: row.Variant, Location: row.Location}, -row.Quantity, -row.Quantity)
}

func (f *fair) renameItem() {
	if _, item := f.someItem(); item != nil {
		item.SKU = rapid.SampledFrom([]inventory.SKU{"", "S0", "S1", "S2"}).Draw(f.rt, "carries")
	}
}

func (f *fair) renameVariant() {
	v := f.someVariant()
	v.SKU = f.someSKU()
	f.edited(v.ID)
}

func (f *fair) archive() {
	v := f.someVariant()
	v.Archived = !v.Archived
	f.edited(v.ID)
}

func (f *fair) dropVariant() {
	id := f.someVariant().ID
	f.works.variants = slices.DeleteFunc(slices.Clone(f.works.variants), func(v inventory.SourceVariant) bool { return v.ID == id })
	f.edited(id)
}

// cook takes a kit's last ingredient away, or makes a variant no kit any more.
func (f *fair) cook() {
	v := f.someVariant()
	if n := len(f.works.made(v.ID)); n > 1 {
		i := slices.IndexFunc(f.works.recipes, func(in inventory.Ingredient) bool { return in.Product == v.ID })
		f.works.recipes = slices.Delete(slices.Clone(f.works.recipes), i, i+1)
		f.tell(tiding{recipes: true})
		return
	}
	v.Kit = !v.Kit
	f.edited(v.ID)
}

// loseRow has Katana leave a row out of its answers, or gives back the last.
func (f *fair) loseRow() {
	if n := len(f.lostRows); n > 0 {
		row := f.lostRows[n-1]
		f.lostRows = f.lostRows[:n-1]
		f.works.stock[inventory.StockKey{Variant: row.Variant, Location: row.Location}] = row
		f.tell(tiding{variant: row.Variant})
		return
	}
	key := inventory.StockKey{Variant: f.someVariant().ID, Location: f.someSource().ID}
	if row, has := f.works.stock[key]; has {
		f.lostRows = append(f.lostRows, row)
		delete(f.works.stock, key)
		f.tell(tiding{variant: key.Variant})
	}
}

func (f *fair) dropItem() {
	if s, item := f.someItem(); item != nil {
		delete(s.items, item.ID)
		for key := range s.levels {
			if key.Item == item.ID {
				delete(s.levels, key)
			}
		}
	}
}

func (f *fair) track() {
	if _, item := f.someItem(); item != nil {
		item.Untracked = !item.Untracked
	}
}

func (f *fair) switchLevel() {
	if s, key, ok := f.someLevel(); ok {
		s.levels[key].active = !s.levels[key].active
	}
}

func (f *fair) dropLevel() {
	if s, key, ok := f.someLevel(); ok {
		delete(s.levels, key)
	}
}

func (f *fair) addLevel() {
	s, item := f.someItem()
	if item == nil {
		return
	}
	if key := (inventory.Key{Store: s.name, Item: item.ID, Location: rapid.SampledFrom(s.locations).Draw(f.rt, "at").ID}); s.levels[key] == nil {
		f.stockAt(s, key)
	}
}

func (f *fair) switchLocation() {
	s := f.someStall()
	i := rapid.IntRange(0, len(s.locations)-1).Draw(f.rt, "location")
	s.locations[i].Active = !s.locations[i].Active
}

func (f *fair) switchSales() {
	i := rapid.IntRange(0, len(f.works.locations)-1).Draw(f.rt, "location")
	f.works.locations = slices.Clone(f.works.locations)
	f.works.locations[i].SalesAllowed = !f.works.locations[i].SalesAllowed
	f.tell(tiding{locations: true})
}

// renameLocation gives a location a name that no config knows yet.
func (f *fair) renameLocation() {
	if rapid.Bool().Draw(f.rt, "in Katana") {
		f.works.locations = slices.Clone(f.works.locations)
		f.works.locations[rapid.IntRange(0, len(f.works.locations)-1).Draw(f.rt, "location")].Name = fmt.Sprint("Katana ", f.id())
		f.tell(tiding{locations: true})
		return
	}
	s := f.someStall()
	s.locations[rapid.IntRange(0, len(s.locations)-1).Draw(f.rt, "location")].Name = fmt.Sprint("Shopify ", f.id())
}

func (f *fair) reconfigure() {
	f.configure()
	f.start()
}

func (f *fair) switchMode() {
	i := rapid.IntRange(0, len(f.config)-1).Draw(f.rt, "store")
	f.config[i].Mode = rapid.SampledFrom([]inventory.Mode{inventory.ModeApply, inventory.ModeLowerOnly, inventory.ModeReport, inventory.ModeOff}).Draw(f.rt, "mode")
	f.start()
}
