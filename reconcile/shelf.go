package reconcile

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"stocksyncd/reconcile/inventory"
	"stocksyncd/reconcile/plan"
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

// The verdicts of a plan. From otherwise on they are reasons to leave a level
// alone.
const (
	unjudged uint8 = iota
	inStep
	drifted
	otherwise
)

// place is where an item stands when the store lists its variants by id.
type place struct {
	variant inventory.VariantID
	item    inventory.ItemID
}

func (p place) compare(other place) int {
	return cmp.Or(cmp.Compare(p.variant, other.variant), cmp.Compare(p.item, other.item))
}

// counts is how many levels a plan made what of.
type counts struct {
	inStep, drifted, negative int
	skipped                   map[inventory.Reason]int
}

func newShelf(store inventory.StoreName) *shelf {
	return &shelf{
		store: store, unplanned: true, items: map[inventory.ItemID]*shelved{}, bySKU: map[inventory.SKU]inventory.ItemID{}, others: map[inventory.SKU][]inventory.ItemID{},
		news: map[inventory.ItemID]bool{}, bare: map[inventory.ItemID]bool{}, open: map[inventory.ItemID]bool{}, moved: map[inventory.SKU]bool{},
		count: counts{skipped: map[inventory.Reason]int{}},
	}
}

// restoreItem takes in an item that a journal remembers.
func (s *shelf) restoreItem(item inventory.Item) { s.items[item.ID] = &shelved{Item: item} }

// restoreLevel takes in a level that a journal remembers. They come in their
// order, so that those of an item follow each other.
func (s *shelf) restoreLevel(key inventory.Key, seen inventory.Seen) {
	if s.coming != key.Item {
		s.came()
		s.coming = key.Item
	}
	one := slot{at: key.Location, shows: seen.Units, read: seen.At.UnixNano(), listed: !seen.Unstocked, active: seen.Active}
	one.remember(seen)
	s.arrived = append(s.arrived, one)
}

// came puts the levels that have come of an item in their place, in no more room
// than they take.
func (s *shelf) came() {
	if len(s.arrived) > 0 {
		it := s.item(s.coming)
		it.slots = slices.Concat(it.slots, s.arrived)
		slices.SortFunc(it.slots, func(a, b slot) int { return cmp.Compare(a.at, b.at) })
	}
	s.arrived = s.arrived[:0]
}

// restored puts the shelf in order once all that is remembered is on it.
func (s *shelf) restored(whole bool) {
	s.came()
	s.coming, s.arrived = 0, nil
	s.inOrder = make([]place, 0, len(s.items))
	for id, it := range s.items {
		s.carry(it.SKU, id)
		s.inOrder = append(s.inOrder, place{it.Variant, id})
	}
	slices.SortFunc(s.inOrder, place.compare)
	s.whole = whole
}

// clone is a shelf that can be worked on without a trace.
func (s *shelf) clone() *shelf {
	c := *s
	c.items = make(map[inventory.ItemID]*shelved, len(s.items))
	for id, it := range s.items {
		c.items[id] = &shelved{Item: it.Item, slots: slices.Clone(it.slots)}
	}
	c.bySKU, c.others = maps.Clone(s.bySKU), make(map[inventory.SKU][]inventory.ItemID, len(s.others))
	for sku, ids := range s.others {
		c.others[sku] = slices.Clone(ids)
	}
	c.inOrder, c.lost, c.left, c.reasons = slices.Clone(s.inOrder), slices.Clone(s.lost), slices.Clone(s.left), slices.Clone(s.reasons)
	c.news, c.bare, c.open, c.moved = maps.Clone(s.news), maps.Clone(s.bare), maps.Clone(s.open), maps.Clone(s.moved)
	c.count.skipped = maps.Clone(s.count.skipped)
	return &c
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

// put takes a level that was read in, and tells whether it is not as it was.
func (s *shelf) put(level inventory.Level, now time.Time) (changed bool) {
	s.about(level.Of())
	if level.Location == inventory.Nowhere {
		return false
	}
	it := s.items[level.Item]
	one := it.need(level.Location)
	changed = !one.listed || one.shows != level.Available || one.active != level.Active
	one.listed, one.shows, one.active, one.read = true, level.Available, level.Active, now.UnixNano()
	switch {
	case one.known && one.units != level.Available:
		s.news[level.Item] = true
	case changed || !one.known:
		s.concern(level.Item)
	}
	return changed
}

// concern has the next plan look at an item.
func (s *shelf) concern(id inventory.ItemID) {
	if !s.unplanned {
		s.news[id] = true
	}
}

// move has the next plan look at the items of a SKU whose figure may have moved.
func (s *shelf) move(sku inventory.SKU) {
	if !s.unplanned {
		s.moved[sku] = true
	}
}

// about takes in what a store says of an item.
func (s *shelf) about(item inventory.Item) {
	before, known := s.items[item.ID]
	if known && before.Item == item {
		return
	}
	if known {
		s.unlink(before)
	}
	it := s.item(item.ID)
	it.Item = item
	s.carry(item.SKU, item.ID)
	where := place{item.Variant, item.ID}
	i, _ := slices.BinarySearchFunc(s.inOrder, where, place.compare)
	s.inOrder = slices.Insert(s.inOrder, i, where)
	s.bare[item.ID] = true
	s.concern(item.ID)
}

// unlink takes an item out of the indexes.
func (s *shelf) unlink(it *shelved) {
	ids := slices.DeleteFunc(s.of(it.SKU), func(id inventory.ItemID) bool { return id == it.ID })
	delete(s.bySKU, it.SKU)
	delete(s.others, it.SKU)
	for _, id := range ids {
		s.carry(it.SKU, id)
	}
	if i, found := slices.BinarySearchFunc(s.inOrder, place{it.Variant, it.ID}, place.compare); found {
		s.inOrder = slices.Delete(s.inOrder, i, i+1)
	}
}

// putItem takes all levels of one item in: those that are not among them are
// gone.
func (s *shelf) putItem(levels []inventory.Level, now time.Time) {
	s.about(levels[0].Of())
	it := s.items[levels[0].Item]
	if it.slots == nil { // a million slots leave no room to grow
		it.slots = make([]slot, 0, len(levels))
	}
	for _, level := range levels {
		s.put(level, now)
	}
	for i := range it.slots {
		if it.slots[i].listed && !slices.ContainsFunc(levels, func(l inventory.Level) bool { return l.Location == it.slots[i].at }) {
			it.slots[i].listed = false
			s.concern(it.ID)
		}
	}
}

// unlist notes that the store does not have a level any more.
func (s *shelf) unlist(key inventory.Key) {
	if one := s.slot(key); one != nil && one.listed {
		one.listed = false
		s.concern(key.Item)
	}
}

// remove takes an item off the shelf that the store does not have any more.
func (s *shelf) remove(id inventory.ItemID) {
	it := s.items[id]
	for i := range it.slots {
		s.uncount(&it.slots[i])
		if it.slots[i].known {
			s.lost = append(s.lost, s.key(id, it.slots[i].at))
		}
	}
	s.unlink(it)
	s.left = append(s.left, id)
	delete(s.items, id)
	delete(s.news, id)
	delete(s.bare, id)
	delete(s.open, id)
}

// restock takes a look at the whole store in: levels are all it has, sorted by
// key.
func (s *shelf) restock(levels []inventory.Level, now time.Time) {
	s.unplanned = true
	found := make(map[inventory.ItemID]bool, len(s.items))
	if len(s.items) == 0 { // in order of the variants nothing is moved aside
		s.fill(levels)
	}
	for some := range itemsOf(levels) {
		found[some[0].Item] = true
		s.putItem(some, now)
	}
	for id := range s.items {
		if !found[id] {
			s.remove(id)
		}
	}
	s.whole = true
}

// fill puts the items of an empty shelf in order at once.
func (s *shelf) fill(levels []inventory.Level) {
	for some := range itemsOf(levels) {
		s.inOrder = append(s.inOrder, place{some[0].Variant, some[0].Item})
	}
	slices.SortFunc(s.inOrder, place.compare)
	for some := range itemsOf(levels) {
		item := some[0].Of()
		s.item(item.ID).Item = item
		s.carry(item.SKU, item.ID)
		s.bare[item.ID] = true
	}
}

// itemsOf gives the levels of each item, of levels sorted by key.
func itemsOf(levels []inventory.Level) func(func([]inventory.Level) bool) {
	return func(yield func([]inventory.Level) bool) {
		for from, to := 0, 0; from < len(levels); from = to {
			for to = from; to < len(levels) && levels[to].Item == levels[from].Item; to++ {
			}
			if !yield(levels[from:to]) {
				return
			}
		}
	}
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

// unkept lists those of some items whose record is not durable, or all of them.
func (s *shelf) unkept(some []inventory.ItemID, all bool) (items []inventory.Item) {
	if all {
		some = slices.Sorted(maps.Keys(s.bare))
	}
	for _, id := range some {
		if s.bare[id] {
			items = append(items, s.items[id].Item)
		}
	}
	return items
}

// durable notes that these items are in the journal, and what is gone is not.
func (s *shelf) durable(items []inventory.Item) {
	for _, item := range items {
		delete(s.bare, item.ID)
	}
	if len(s.bare) == 0 {
		s.bare = map[inventory.ItemID]bool{}
	}
	s.lost, s.left = nil, nil
}

// seen is what is remembered of a level.
func (s *shelf) seen(key inventory.Key) (seen inventory.Seen, known bool) {
	one := s.slot(key)
	if one == nil || !one.known {
		return seen, false
	}
	return inventory.Seen{
		Units: one.units, Desired: one.desired, Figured: one.figured, Active: one.running, Unstocked: !one.stocked,
		First: when(one.first), At: when(one.verified),
	}, true
}

func when(nanos int64) time.Time { return time.Unix(0, nanos).UTC() }

// see remembers something of a level.
func (s *shelf) see(key inventory.Key, seen inventory.Seen) {
	s.item(key.Item).need(key.Location).remember(seen)
}

func (one *slot) remember(seen inventory.Seen) {
	one.known, one.units, one.desired, one.figured = true, seen.Units, seen.Desired, seen.Figured
	one.running, one.stocked = seen.Active, !seen.Unstocked
	one.first, one.verified = seen.First.UnixNano(), seen.At.UnixNano()
}

// forget forgets what is remembered of a level.
func (s *shelf) forget(key inventory.Key) {
	it, ok := s.items[key.Item]
	if !ok {
		return
	}
	for i := range it.slots {
		if one := &it.slots[i]; one.at == key.Location {
			if one.known = false; !one.listed {
				s.uncount(one)
				it.slots = slices.Delete(it.slots, i, i+1)
			}
			return
		}
	}
}

// wrote notes what a level shows since it was written.
func (s *shelf) wrote(key inventory.Key, shows inventory.Units, now time.Time) {
	one := s.item(key.Item).need(key.Location)
	one.shows, one.read, one.listed, one.active = shows, now.UnixNano(), true, true
	s.concern(key.Item) // a plan is to find it in step
}

// unjudge takes back what the plan before made of an item's levels: some may be
// none any more.
func (s *shelf) unjudge(id inventory.ItemID) {
	delete(s.open, id)
	slots := s.items[id].slots
	for i := range slots {
		s.uncount(&slots[i])
	}
}

// judge notes what a plan made of a level.
func (s *shelf) judge(key inventory.Key, v plan.Verdict) {
	one := s.item(key.Item).need(key.Location)
	s.uncount(one)
	switch {
	case v.Left != "":
		s.count.skipped[v.Left]++
		one.verdict = s.verdict(v.Left)
	case v.Drifted:
		s.count.drifted++
		one.verdict = drifted
	default:
		s.count.inStep++
		one.verdict = inStep
	}
	if one.negative = v.Negative; v.Negative {
		s.count.negative++
	}
	if v.Drifted || v.Left == inventory.ReasonQuarantined {
		s.open[key.Item] = true
	}
}

func (s *shelf) verdict(why inventory.Reason) uint8 {
	i := slices.Index(s.reasons, why)
	if i < 0 {
		i, s.reasons = len(s.reasons), append(s.reasons, why)
	}
	return otherwise + uint8(i) // #nosec G115 -- there are a dozen reasons
}

func (s *shelf) uncount(one *slot) {
	switch one.verdict {
	case unjudged:
	case inStep:
		s.count.inStep--
	case drifted:
		s.count.drifted--
	default:
		why := s.reasons[one.verdict-otherwise]
		if s.count.skipped[why]--; s.count.skipped[why] == 0 {
			delete(s.count.skipped, why)
		}
	}
	if one.negative {
		s.count.negative--
	}
	one.verdict, one.negative = unjudged, false
}
