package reconcile

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"stocksyncd/reconcile/inventory"
)

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
func (s *shelf) restored(look inventory.Look) {
	s.came()
	s.coming, s.arrived = 0, nil
	s.inOrder = make([]place, 0, len(s.items))
	for id, it := range s.items {
		for i := range it.slots { // a record is not written again for its time alone
			it.slots[i].read = max(it.slots[i].read, look.Oldest.UnixNano())
		}
		s.carry(it.SKU, id)
		s.inOrder = append(s.inOrder, place{it.Variant, id})
	}
	slices.SortFunc(s.inOrder, place.compare)
	s.whole = !look.Whole.IsZero()
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
