package reconcile

import (
	"cmp"
	"maps"
	"slices"

	"stocksyncd/reconcile/inventory"
)

// shelf is a store as the looks so far found it: its items with their levels,
// what is remembered of each, and what the newest plan made of it. What a cycle
// does to it costs what has changed, not what there is.
type shelf struct {
	store inventory.StoreName
	whole bool // nothing that the store has is missing
	// unplanned tells that the next plan looks at every item: none is noted as
	// concerned for it.
	unplanned bool
	items     map[inventory.ItemID]*shelved
	bySKU     map[inventory.SKU]inventory.ItemID   // the first of the items that carry a SKU
	others    map[inventory.SKU][]inventory.ItemID // the rest of them
	inOrder   []place                              // of the items, for looks at a part of the store

	news  map[inventory.ItemID]bool // items that changed since a plan took them in; of an unplanned shelf those that a look found fallen or raised
	bare  map[inventory.ItemID]bool // items whose record is not durable yet
	lost  []inventory.Key           // levels that are gone, which is not durable yet
	left  []inventory.ItemID        // items that are gone, which is not durable yet
	open  map[inventory.ItemID]bool // items with a level that is not in step
	wide  int                       // the most that open has held since it was made
	moved map[inventory.SKU]bool    // SKUs whose figure may have moved since a plan took it in

	coming  inventory.ItemID // whose levels are being restored
	arrived []slot           // those of them that have come

	count   counts
	reasons []inventory.Reason // by verdict, from otherwise on
}

// shelved is an item and its levels, sorted by location.
type shelved struct {
	inventory.Item
	slots []slot
}

// slot is one level. Times are nanoseconds since 1970; a million slots are kept.
type slot struct {
	at     inventory.LocationID
	shows  inventory.Units // as it was read last, or written since
	read   int64           // when that was
	listed bool            // the store has the level
	active bool

	verdict  uint8 // of the newest plan
	negative bool
	offers   bool

	// What is remembered of it, where anything is: see inventory.Seen.
	known    bool
	figured  bool
	stocked  bool // not Unstocked
	running  bool // Active
	units    inventory.Units
	desired  inventory.Units
	first    int64
	verified int64
}

// place is where an item stands when the store lists its variants by id.
type place struct {
	variant inventory.VariantID
	item    inventory.ItemID
}

func (p place) compare(other place) int {
	return cmp.Or(cmp.Compare(p.variant, other.variant), cmp.Compare(p.item, other.item))
}

func newShelf(store inventory.StoreName) *shelf {
	return &shelf{
		store: store, unplanned: true, items: map[inventory.ItemID]*shelved{}, bySKU: map[inventory.SKU]inventory.ItemID{}, others: map[inventory.SKU][]inventory.ItemID{},
		news: map[inventory.ItemID]bool{}, bare: map[inventory.ItemID]bool{}, open: map[inventory.ItemID]bool{}, moved: map[inventory.SKU]bool{},
		count: counts{skipped: map[inventory.Reason]int{}},
	}
}

// item gives the item of an id, a new one if need be.
func (s *shelf) item(id inventory.ItemID) *shelved {
	it, ok := s.items[id]
	if !ok {
		it = &shelved{Item: inventory.Item{ID: id}}
		s.items[id] = it
	}
	return it
}

// slot gives the slot of a level, or nil.
func (s *shelf) slot(key inventory.Key) *slot {
	it, ok := s.items[key.Item]
	if !ok {
		return nil
	}
	return it.slot(key.Location)
}

func (it *shelved) slot(at inventory.LocationID) *slot {
	for i := range it.slots {
		if it.slots[i].at == at {
			return &it.slots[i]
		}
	}
	return nil
}

// need gives the slot of a location, a new one if need be.
func (it *shelved) need(at inventory.LocationID) *slot {
	if found := it.slot(at); found != nil {
		return found
	}
	i, _ := slices.BinarySearchFunc(it.slots, at, func(s slot, at inventory.LocationID) int { return cmp.Compare(s.at, at) })
	it.slots = slices.Insert(it.slots, i, slot{at: at})
	return &it.slots[i]
}

// between lists the items whose variants are above one and not above another.
func (s *shelf) between(after, last inventory.VariantID) (items []inventory.ItemID) {
	from, _ := slices.BinarySearchFunc(s.inOrder, place{variant: after + 1}, place.compare)
	for _, one := range s.inOrder[from:] {
		if one.variant > last {
			break
		}
		items = append(items, one.item)
	}
	return items
}

// above counts the items whose variants are above one; all of them where there
// are none.
func (s *shelf) above(after inventory.VariantID) int {
	i, _ := slices.BinarySearchFunc(s.inOrder, place{variant: after + 1}, place.compare)
	if i == len(s.inOrder) {
		i = 0
	}
	return len(s.inOrder) - i
}

func (s *shelf) key(item inventory.ItemID, at inventory.LocationID) inventory.Key {
	return inventory.Key{Store: s.store, Item: item, Location: at}
}

// list gives the levels that the store lists of an item, or the one at Nowhere.
func (s *shelf) list(into []inventory.Level, id inventory.ItemID) []inventory.Level {
	it, ok := s.items[id]
	if !ok {
		return into
	}
	before := len(into)
	for i := range it.slots {
		if it.slots[i].listed {
			into = append(into, s.level(it, &it.slots[i]))
		}
	}
	if len(into) == before {
		none := s.level(it, &slot{at: inventory.Nowhere})
		none.Unstocked = true
		into = append(into, none)
	}
	return into
}

func (s *shelf) level(it *shelved, one *slot) inventory.Level {
	return inventory.Level{
		Key: s.key(it.ID, one.at), Variant: it.Variant, SKU: it.SKU, Available: one.shows, Active: one.active, Unstocked: !one.listed,
		Untracked: it.Untracked, Bundle: it.Bundle, GiftCard: it.GiftCard,
	}
}

// oneEach gives one level of each item whose SKU passes a test, sorted by item.
func (s *shelf) oneEach(pass func(inventory.SKU) bool) (levels []inventory.Level) {
	for _, it := range s.items {
		if pass(it.SKU) {
			levels = append(levels, s.level(it, &slot{at: inventory.Nowhere}))
		}
	}
	slices.SortFunc(levels, func(a, b inventory.Level) int { return a.Compare(b.Key) })
	return levels
}

// all lists all items, sorted.
func (s *shelf) all() []inventory.ItemID { return slices.Sorted(maps.Keys(s.items)) }

// listing lists the levels of items, sorted by key if the items are.
func (s *shelf) listing(items []inventory.ItemID) []inventory.Level {
	levels := make([]inventory.Level, 0, 3*len(items))
	for _, id := range items {
		levels = s.list(levels, id)
	}
	return levels
}

// carry notes that an item carries a SKU.
func (s *shelf) carry(sku inventory.SKU, id inventory.ItemID) {
	if sku == "" {
		return
	}
	if _, carried := s.bySKU[sku]; carried {
		s.others[sku] = append(s.others[sku], id)
		return
	}
	s.bySKU[sku] = id
}

// of lists the items of a SKU, sorted.
func (s *shelf) of(sku inventory.SKU) []inventory.ItemID {
	first, carried := s.bySKU[sku]
	if !carried {
		return nil
	}
	ids := append([]inventory.ItemID{first}, s.others[sku]...)
	slices.Sort(ids)
	return ids
}

// keysOf lists the levels that the store lists of a SKU.
func (s *shelf) keysOf(sku inventory.SKU) (keys []inventory.Key) {
	for _, id := range s.of(sku) {
		for _, one := range s.items[id].slots {
			if one.listed {
				keys = append(keys, s.key(id, one.at))
			}
		}
	}
	return keys
}

// concerned lists the items that a plan has to look at: those that changed,
// those whose figure may have moved, and those that were not in step.
func (s *shelf) concerned() []inventory.ItemID {
	found := make(map[inventory.ItemID]bool, len(s.news)+len(s.open)+len(s.moved))
	maps.Copy(found, s.news)
	maps.Copy(found, s.open)
	for sku := range s.moved {
		for _, id := range s.of(sku) {
			found[id] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// takenIn notes that a plan has looked at all that was concerned. A map that has
// held a whole store is as slow to go through when it is empty, so others take
// its place.
func (s *shelf) takenIn() {
	s.unplanned = false
	s.news, s.moved = map[inventory.ItemID]bool{}, map[inventory.SKU]bool{}
	if s.wide = max(s.wide, len(s.open)); len(s.open) < s.wide/4 {
		open := make(map[inventory.ItemID]bool, len(s.open))
		maps.Copy(open, s.open)
		s.open, s.wide = open, len(open)
	}
}
