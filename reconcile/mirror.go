package reconcile

import (
	"maps"
	"slices"
	"time"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// mirror is Katana as the reads so far found it. An incremental cycle reads
// into it what the feeds name, what it would write, and a part of the rest.
// What a cycle does to it costs what was read, not what there is.
type mirror struct {
	locations []inventory.SourceLocation
	at        []inventory.SourceLocationID // that the rows are of
	catalogue *desired.Catalogue
	read      map[inventory.SourceVariantID]int64       // when the rows of a variant were read, in nanoseconds since 1970
	newest    int64                                     // the last of those times
	hot       map[inventory.SourceVariantID][]time.Time // when they are to be read, beside now and then
	plain     turns                                     // of the sweep
	kits      turns                                     // those are swept more often
	swept     time.Time                                 // when the sweep took its last share; zero before the first
	recalled  bool                                      // that is of a process before this one
	mark      inventory.Mark                            // what it tells of is taken in
	ordered   time.Time                                 // the newest change of an order that was taken in
	since     time.Time                                 // when the newest reading of all of it began
	partly    bool                                      // and it has not come to its end
	unlisted  bool                                      // variants may be missing of which nothing was read yet
	doubted   bool                                      // a guard holds what follows from it
}

func newMirror() *mirror {
	return &mirror{
		catalogue: desired.NewCatalogue(&inventory.Snapshot{}, nil),
		read:      map[inventory.SourceVariantID]int64{}, hot: map[inventory.SourceVariantID][]time.Time{},
	}
}

// recall makes the mirror that a journal remembers; nil when it remembers none.
func recall(kept *inventory.SourceMirror, missing []inventory.StockKey) *mirror {
	if kept.Head == nil {
		return nil
	}
	m := newMirror()
	m.locations, m.at, m.mark, m.since = kept.Head.Locations, kept.Head.At, kept.Head.Mark, kept.Head.Since
	m.catalogue = desired.NewCatalogue(&inventory.Snapshot{Variants: kept.Variants, Stock: kept.Stock}, missing)
	for id, times := range kept.Head.Hot {
		m.hot[id] = times
	}
	order := make([]visit, 0, len(kept.Read))
	for id, at := range kept.Read {
		order = append(order, visit{id, at.UnixNano()})
	}
	slices.SortFunc(order, visit.compare)
	for _, one := range order {
		m.note(one.id, one.at)
	}
	m.census()
	m.partly = !m.since.IsZero()
	m.unlisted, m.doubted = m.partly, true // nobody has compared it yet
	m.swept, m.recalled = kept.Head.Swept, true
	if owed := kept.Head.Owed; len(owed) == 2 {
		m.plain.owed, m.kits.owed = owed[0], owed[1]
	}
	return m
}

// stocked tells whether there is anything to read of a variant.
func (m *mirror) stocked(id inventory.SourceVariantID) bool {
	v, _, known := m.catalogue.Variant(id)
	return known && v.Live() && !v.Service
}

// unread lists what the newest reading of all has not come to yet.
func (m *mirror) unread() (ids []inventory.SourceVariantID) {
	since := m.since.UnixNano()
	for v := range m.catalogue.All() {
		if at, read := m.read[v.ID]; v.Live() && !v.Service && (!read || at < since) {
			ids = append(ids, v.ID)
		}
	}
	return ids
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
		if !m.stocked(id) { // there is nothing to read of it
			delete(m.hot, id)
			continue
		}
		if !now.Before(times[0]) {
			due = append(due, id)
		}
	}
	return append(due, kits.Containing(due...)...)
}

// begin begins a reading of all there is. It is later than every read before,
// also by a clock that was set back or stands still.
func (m *mirror) begin(now time.Time) {
	m.partly, m.since = true, later(now, when(m.newest+1))
}

// note notes when the rows of a variant were read.
func (m *mirror) note(id inventory.SourceVariantID, at int64) {
	m.read[id], m.newest = at, max(m.newest, at)
	if v, _, _ := m.catalogue.Variant(id); v.Kit {
		m.kits.add(id, at)
	} else {
		m.plain.add(id, at)
	}
}

// counts tells whether a place in the sweep is still that of its variant.
func (m *mirror) counts(t visit) bool { return m.read[t.id] == t.at && m.stocked(t.id) }

// share is what an incremental cycle sweeps.
type share struct {
	ids    []inventory.SourceVariantID
	owed   [2]float64 // parts of one, of the plain ones and the kits
	due    int        // how many have to be read so that the sweep comes round in time
	behind bool       // the limit of requests does not allow that
}

// share lists the variants whose turn in the sweep has come: as many as bring
// it round within a time; at least so many, so that a small shop is through
// much sooner than it must; and at most so many, kits before the rest.
func (m *mirror) share(now time.Time, within time.Duration, least, most int) (s share) {
	elapsed := m.elapsed(now, within)
	var plain, kits int
	plain, s.owed[0] = m.plain.quota(elapsed, within)
	kits, s.owed[1] = m.kits.quota(elapsed, within/kitWeight)
	s.due = plain + kits
	s.behind = s.due > most
	plain = max(plain, min(m.plain.live, least-kits))
	kits = max(kits, min(m.kits.live, least-plain))
	kits = min(kits, most)
	plain = min(plain, most-kits)
	for _, one := range slices.Concat(m.plain.first(plain, m.counts), m.kits.first(kits, m.counts)) {
		s.ids = append(s.ids, one.id)
	}
	return s
}

// recalledMost is the part of the sweep that is made up for at once after a time
// without a daemon: the rest must not hold up what has changed meanwhile.
const recalledMost = 60

// elapsed is how long ago the sweep took its last share.
func (m *mirror) elapsed(now time.Time, within time.Duration) time.Duration {
	elapsed := now.Sub(m.swept)
	switch {
	case m.swept.IsZero():
		return 0
	case m.recalled:
		return min(elapsed, within/recalledMost)
	}
	return elapsed
}

// sweptBy notes that a share of the sweep was read.
func (m *mirror) sweptBy(s share, now time.Time) {
	m.swept, m.plain.owed, m.kits.owed, m.recalled = now, s.owed[0], s.owed[1], false
}

// listing is what a listing of the variants, or of some, brings.
type listing struct {
	moved   []inventory.SKU             // their figure may have moved
	changed []inventory.SourceVariantID // are new, or not what they were
	gone    []inventory.SourceVariantID // are not listed any more
	fresh   []inventory.SourceVariantID // their rows are to be read
	kits    bool                        // something has become a kit, or is none any more
}

// list takes a new listing of the variants in.
func (m *mirror) list(variants []inventory.SourceVariant) (l listing) {
	var were []inventory.SourceVariant
	l.moved, l.changed, were = m.catalogue.List(variants)
	begin := make(map[inventory.SourceVariantID]bool, len(l.changed)) // to be stocked, perhaps
	for _, id := range l.changed {
		begin[id] = true
	}
	for _, v := range were {
		stocked := v.Live() && !v.Service
		if stocked {
			delete(begin, v.ID)
		}
		if is, _, still := m.catalogue.Variant(v.ID); !still {
			l.gone = append(l.gone, v.ID)
			delete(m.read, v.ID)
			delete(m.hot, v.ID)
		} else if at, read := m.read[v.ID]; read && (is.Kit != v.Kit || m.stocked(v.ID) && !stocked) {
			m.note(v.ID, at) // in the sweep that it is in by now
		}
	}
	for _, v := range variants {
		if _, read := m.read[v.ID]; m.stocked(v.ID) && (!read || begin[v.ID]) {
			l.fresh = append(l.fresh, v.ID)
		}
	}
	m.census()
	l.kits = !maps.Equal(built(were), built(m.these(l.changed)))
	return l
}

// amend takes in what some variants are by now.
func (m *mirror) amend(asked []inventory.SourceVariantID, variants []inventory.SourceVariant) listing {
	l := listing{changed: asked, fresh: asked}
	kits := built(m.these(asked))
	there := make(map[inventory.SourceVariantID]bool, len(variants))
	for _, v := range variants {
		there[v.ID] = true
	}
	for _, id := range asked {
		m.live(id, -1)
		if !there[id] {
			l.gone = append(l.gone, id)
			delete(m.read, id)
			delete(m.hot, id)
		}
	}
	l.moved = m.catalogue.Amend(variants, l.gone)
	for _, id := range asked {
		m.live(id, +1)
		if at, read := m.read[id]; read {
			m.note(id, at) // in its own sweep, if that is another now
		}
	}
	l.kits = !maps.Equal(kits, built(m.these(asked)))
	return l
}

// built gives the kits among variants.
func built(variants []inventory.SourceVariant) map[inventory.SourceVariantID]bool {
	kits := map[inventory.SourceVariantID]bool{}
	for _, v := range variants {
		if v.Kit && v.Live() {
			kits[v.ID] = true
		}
	}
	return kits
}

// these gives those of some variants that are listed.
func (m *mirror) these(ids []inventory.SourceVariantID) (variants []inventory.SourceVariant) {
	for _, id := range ids {
		if v, _, known := m.catalogue.Variant(id); known {
			variants = append(variants, v)
		}
	}
	return variants
}

// live counts a variant in its sweep, or no longer.
func (m *mirror) live(id inventory.SourceVariantID, n int) {
	v, _, known := m.catalogue.Variant(id)
	switch {
	case !known || !v.Live() || v.Service:
	case v.Kit:
		m.kits.live += n
	default:
		m.plain.live += n
	}
}

// census counts the variants that take turns in the sweep.
func (m *mirror) census() {
	m.plain.live, m.kits.live = 0, 0
	for v := range m.catalogue.All() {
		m.live(v.ID, +1)
	}
}

// oldest is when the rows that were read longest ago were read.
func (m *mirror) oldest() (oldest time.Time) {
	if m == nil {
		return time.Time{}
	}
	for _, sweep := range []*turns{&m.plain, &m.kits} {
		if one, any := sweep.front(m.counts); any && (oldest.IsZero() || when(one.at).Before(oldest)) {
			oldest = when(one.at)
		}
	}
	return oldest
}

// readAt is when the rows of a variant were read; the zero time is never.
func (m *mirror) readAt(id inventory.SourceVariantID) time.Time {
	if at, read := m.read[id]; read {
		return when(at)
	}
	return time.Time{}
}

// take takes the rows of a read in, and gives the SKUs that it moves.
func (m *mirror) take(read []inventory.SourceVariantID, rows []inventory.Stock, now time.Time) (moved []inventory.SKU) {
	moved = m.catalogue.Take(read, rows)
	for _, id := range read {
		m.note(id, now.UnixNano())
		if times := m.hot[id]; len(times) > 0 && !now.Before(times[0]) {
			if m.hot[id] = times[1:]; len(times) == 1 {
				delete(m.hot, id)
			}
		}
	}
	return moved
}
