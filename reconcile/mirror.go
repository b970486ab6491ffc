package reconcile

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// mirror is Katana as the reads so far found it. An incremental cycle reads
// into it what the feeds name, what it would write, and a part of the rest; all
// figures are then made of it as of a full read.
type mirror struct {
	locations []inventory.SourceLocation
	at        []inventory.SourceLocationID // that the rows are of
	variants  []inventory.SourceVariant
	stock     []inventory.Stock                         // sorted by variant, then location
	catalogue *desired.Catalogue                        // of the above
	read      map[inventory.SourceVariantID]time.Time   // when the rows of a variant were read
	hot       map[inventory.SourceVariantID][]time.Time // when they are to be read, beside now and then
	next      map[inventory.SourceVariantID]time.Time   // when the sweep reads it at the latest
	mark      inventory.Mark
}

// heat has the rows of variants read now, and once more when the inventory can
// no longer lag behind what named them.
func (m *mirror) heat(now time.Time, variants ...inventory.SourceVariantID) {
	for _, id := range variants {
		m.hot[id] = []time.Time{now, now.Add(inventoryLag)}
	}
}

// due lists the hot variants whose time has come, and the kits that contain
// them.
func (m *mirror) due(now time.Time, kits *desired.Kits) []inventory.SourceVariantID {
	var due []inventory.SourceVariantID
	for id, times := range m.hot {
		if !now.Before(times[0]) {
			due = append(due, id)
		}
	}
	return append(due, kits.Containing(due...)...)
}

// kitWeight is how much more often a kit is swept: what can be built of it moves
// with every component, and no feed says so.
const kitWeight = 4

// span is how long the rows of a variant may stay unread.
func span(v inventory.SourceVariant, within time.Duration) time.Duration {
	if v.Kit {
		return within / kitWeight
	}
	return within
}

// spread plans the sweep after everything was read at once: the variants come
// evenly over the time within which each is to be read again.
func (m *mirror) spread(now time.Time, within time.Duration) {
	stocked := slices.DeleteFunc(slices.Clone(m.variants), func(v inventory.SourceVariant) bool { return !v.Live() || v.Service })
	m.next = make(map[inventory.SourceVariantID]time.Time, len(stocked))
	for i, v := range stocked {
		m.next[v.ID] = now.Add(time.Duration(float64(span(v, within)) * float64(i+1) / float64(len(stocked))))
	}
}

// plan has the variants that were read swept again in time.
func (m *mirror) plan(read []inventory.SourceVariantID, now time.Time, within time.Duration) {
	for _, v := range m.variants {
		if _, found := slices.BinarySearch(read, v.ID); found {
			m.next[v.ID] = now.Add(span(v, within))
		}
	}
}

// share lists the variants whose turn in the sweep has come; at least so many,
// so that a small shop is through much sooner than it must.
func (m *mirror) share(now time.Time, least int) []inventory.SourceVariantID {
	turns := slices.SortedFunc(maps.Keys(m.next), func(a, b inventory.SourceVariantID) int {
		return cmp.Or(m.next[a].Compare(m.next[b]), cmp.Compare(a, b))
	})
	due, _ := slices.BinarySearchFunc(turns, now, func(id inventory.SourceVariantID, now time.Time) int {
		if m.next[id].After(now) {
			return 1
		}
		return -1
	})
	return turns[:min(len(turns), max(due, least))]
}

// take takes the rows of a read in: those of the variants that were read are
// replaced, and gone where none came.
func (m *mirror) take(variants []inventory.SourceVariantID, rows []inventory.Stock, now time.Time) {
	fresh := make(map[inventory.SourceVariantID]bool, len(variants))
	for _, id := range variants {
		fresh[id] = true
		m.read[id] = now
		if times := m.hot[id]; len(times) > 0 && !now.Before(times[0]) {
			if m.hot[id] = times[1:]; len(times) == 1 {
				delete(m.hot, id)
			}
		}
	}
	// A new slice: explanations still look at the old one.
	stock := make([]inventory.Stock, 0, len(m.stock)+len(rows))
	for _, row := range m.stock {
		if !fresh[row.Variant] {
			stock = append(stock, row)
		}
	}
	stock = append(stock, rows...)
	slices.SortFunc(stock, func(a, b inventory.Stock) int {
		return cmp.Or(cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Location, b.Location))
	})
	m.stock = stock
}

// list takes a new catalogue in: what is new in it has never been read, and
// what is gone is forgotten.
func (m *mirror) list(variants []inventory.SourceVariant, now time.Time) {
	m.variants = variants
	known := make(map[inventory.SourceVariantID]bool, len(variants))
	for _, id := range inventory.Stocked(variants) {
		known[id] = true
		if _, read := m.read[id]; !read {
			m.heat(now, id)
		}
	}
	gone := func(id inventory.SourceVariantID) bool { return !known[id] }
	for _, times := range []map[inventory.SourceVariantID]time.Time{m.read, m.next} {
		maps.DeleteFunc(times, func(id inventory.SourceVariantID, _ time.Time) bool { return gone(id) })
	}
	maps.DeleteFunc(m.hot, func(id inventory.SourceVariantID, _ []time.Time) bool { return gone(id) })
	m.stock = slices.DeleteFunc(slices.Clone(m.stock), func(row inventory.Stock) bool { return gone(row.Variant) })
}

// oldest is when the rows that were read longest ago were read.
func (m *mirror) oldest() (oldest time.Time) {
	if m == nil {
		return time.Time{}
	}
	for _, at := range m.read {
		if oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
	}
	return oldest
}

// readBefore is when Katana's numbers for a SKU were read, if a former cycle
// did; the zero time is this one.
func (c *cycle) readBefore(sku inventory.SKU) time.Time {
	id, known := c.catalogue.Stands(sku)
	if !known || c.mirror == nil || c.fresh[id] {
		return time.Time{}
	}
	return c.mirror.read[id].UTC()
}
