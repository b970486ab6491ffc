package reconcile

import (
	"iter"
	"slices"
	"time"

	"stocksyncd/reconcile/inventory"
)

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

// putItem takes all levels of one item in, and counts those that are not as they
// were. What is not among them is gone.
func (s *shelf) putItem(levels []inventory.Level, now time.Time) (changed int) {
	s.about(levels[0].Of())
	it := s.items[levels[0].Item]
	if it.slots == nil { // a million slots leave no room to grow
		it.slots = make([]slot, 0, len(levels))
	}
	for _, level := range levels {
		if s.put(level, now) {
			changed++
		}
	}
	for i := range it.slots {
		if it.slots[i].listed && !slices.ContainsFunc(levels, func(l inventory.Level) bool { return l.Location == it.slots[i].at }) {
			it.slots[i].listed = false
			s.concern(it.ID)
			changed++
		}
	}
	return changed
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

// empty takes everything off the shelf, and leaves what it takes to make that
// durable.
func (s *shelf) empty() {
	fresh := newShelf(s.store)
	for _, id := range s.all() {
		fresh.left = append(fresh.left, id)
		for _, one := range s.items[id].slots {
			if one.known {
				fresh.lost = append(fresh.lost, s.key(id, one.at))
			}
		}
	}
	*s = *fresh
}

// restock takes a look at the whole store in, and counts its levels: items are
// all it has, each with its levels, sorted by key. Those that are known and do not
// come in their turn are gone.
func (s *shelf) restock(items iter.Seq[[]inventory.Level], now time.Time) (levels int) {
	s.unplanned = true
	known := s.all()
	if len(known) == 0 { // in order of the variants nothing is moved aside
		s.fill(items)
	}
	for some := range items {
		for len(known) > 0 && known[0] < some[0].Item {
			s.remove(known[0])
			known = known[1:]
		}
		if len(known) > 0 && known[0] == some[0].Item {
			known = known[1:]
		}
		levels += len(some)
		s.putItem(some, now)
	}
	for _, id := range known {
		s.remove(id)
	}
	s.whole = true
	return levels
}

// fill puts the items of an empty shelf in order at once.
func (s *shelf) fill(items iter.Seq[[]inventory.Level]) {
	for some := range items {
		s.inOrder = append(s.inOrder, place{some[0].Variant, some[0].Item})
	}
	slices.SortFunc(s.inOrder, place.compare)
	for some := range items {
		item := some[0].Of()
		s.item(item.ID).Item = item
		s.carry(item.SKU, item.ID)
		s.bare[item.ID] = true
	}
}
