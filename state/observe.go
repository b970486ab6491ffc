package state

import (
	"cmp"
	"maps"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// Observe records what a cycle saw of a store, in as many transactions as its
// levels and items need. The ledger and the settled batches, with what is
// remembered of their levels, are in the first of them: when the machine stops before the last, a fall may be noted twice, and
// never not at all. For the same reason an error leaves the portions before it.
//
// How far the store has been looked at becomes durable with the last of them: a
// look that was cut off vouches for nothing that the one before it did not, and
// for less where it takes something back. No level is there without its item: an
// item comes before its levels, and goes after them.
func (s *Store) Observe(name inventory.StoreName, seen inventory.Observation) error {
	left := arrange(seen)
	if err := belong(name, left.keys); err != nil {
		return err
	}
	if len(left.items)+len(left.keys)+len(left.removed) >= many {
		defer s.letGo()
	}
	room := most - 1 // for the memory
	for _, settled := range seen.Settled {
		room -= 2 + len(settled.Outcomes) + len(settled.Levels) // the batch moves, and each line may be a level's last write
	}
	for first := true; first || left.any(); first = false {
		now := left.cut(seen.Levels, room)
		room = most
		if vouches(seen.Memory.Look) {
			room-- // for the memory again, should it be the last
		}
		if err := s.observe(name, seen, now, first, !left.any()); err != nil {
			return err
		}
	}
	return nil
}

// observe is one transaction of a look.
func (s *Store) observe(name inventory.StoreName, seen inventory.Observation, now portion, first, last bool) error {
	return s.update(func(tx *bolt.Tx) error {
		b, err := makeBuckets(tx, name)
		if err != nil {
			return err
		}
		if !seen.Part {
			if err := s.remember(b, seen.Memory, first, last); err != nil {
				return err
			}
		}
		if first {
			for _, settled := range seen.Settled {
				if err := s.settle(tx, b, settled); err != nil {
					return err
				}
			}
		}
		if err := writeItems(b, now.items); err != nil {
			return err
		}
		if err := writeLevels(b, now.keys, seen.Levels); err != nil {
			return err
		}
		return dropItems(b, now.removed)
	})
}

// remember writes the memory of a look: in the first transaction, and once more
// in the last if that is when it may say how far the look got.
func (s *Store) remember(b storeBuckets, memory inventory.Memory, first, last bool) error {
	if !first && (!last || !vouches(memory.Look)) {
		return nil
	}
	if !last {
		var former inventory.Memory
		if _, err := get(b.own, storePlace(b.name), keyMemory, &former); err != nil {
			return err
		}
		memory.Look = lesser(former.Look, memory.Look)
	}
	return put(b.own, storePlace(b.name), keyMemory, s.opts.Now(), memory)
}

// vouches tells whether a look claims anything of what is kept.
func vouches(look inventory.Look) bool {
	return !look.Whole.IsZero() || !look.Mark.IsZero() || look.Swept != 0 || len(look.Locations) > 0
}

// lesser is what holds while a file goes from what one look vouches for to what
// the next one does. What has to be read again for it is never too much.
func lesser(former, next inventory.Look) inventory.Look {
	if !vouches(next) {
		return next
	}
	return inventory.Look{
		Whole: earlier(former.Whole, next.Whole), Mark: earlier(former.Mark, next.Mark),
		Swept: min(former.Swept, next.Swept), Locations: former.Locations,
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// portion is what is left to be written of a look, or what one transaction
// writes of it, in this order.
type portion struct {
	items   []inventory.Item   // sorted by id, no id twice
	keys    []inventory.Key    // of levels that changed or are gone, sorted
	removed []inventory.ItemID // sorted
}

// arrange sorts what there is to write. What is there and gone at once is there.
func arrange(seen inventory.Observation) (all portion) {
	items := make(map[inventory.ItemID]inventory.Item, len(seen.Items))
	for _, item := range seen.Items {
		items[item.ID] = item
	}
	all.items = slices.SortedFunc(maps.Values(items), func(a, b inventory.Item) int { return cmp.Compare(a.ID, b.ID) })
	all.keys = slices.AppendSeq(make([]inventory.Key, 0, len(seen.Levels)+len(seen.Gone)), maps.Keys(seen.Levels))
	all.keys = append(all.keys, seen.Gone...)
	slices.SortFunc(all.keys, inventory.Key.Compare)
	for _, id := range seen.Removed {
		if _, kept := items[id]; !kept {
			all.removed = append(all.removed, id)
		}
	}
	slices.Sort(all.removed)
	return all
}

func (p *portion) any() bool { return len(p.items) > 0 || len(p.keys) > 0 || len(p.removed) > 0 }

// cut takes off as much as there is room for.
func (p *portion) cut(levels map[inventory.Key]inventory.Seen, room int) (now portion) {
	room = max(0, room)
	now.items, p.items = split(p.items, min(room, len(p.items)))
	room -= len(now.items)
	fit, room := fitting(p.keys, levels, room)
	now.keys, p.keys = split(p.keys, fit)
	if len(p.keys) == 0 { // an item goes after its levels
		now.removed, p.removed = split(p.removed, min(room, len(p.removed)))
	}
	return now
}

func split[T any](all []T, at int) (head, tail []T) { return all[:at], all[at:] }

// fitting tells how many of the keys there is room for, and what room is left. A
// level that is gone takes its last writes with it.
func fitting(keys []inventory.Key, levels map[inventory.Key]inventory.Seen, room int) (fit, left int) {
	for _, key := range keys {
		takes := 1
		if _, kept := levels[key]; !kept {
			takes++
		}
		if takes > room {
			break
		}
		fit, room = fit+1, room-takes
	}
	return fit, room
}
