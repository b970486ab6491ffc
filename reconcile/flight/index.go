package flight

import (
	"slices"

	"stocksyncd/reconcile/inventory"
)

// Index answers how many units are in flight at a level and around it.
type Index struct {
	bySKU   map[inventory.SKU][]draw
	entries []inventory.InFlight
	feeds   func(inventory.Key) []inventory.SourceLocationID
}

// draw is the units in flight at one level, and the Katana locations that they
// will be taken from.
type draw struct {
	key     inventory.Key
	units   inventory.Units
	sources []inventory.SourceLocationID
}

// NewIndex adds up the entries of all stores. feeds tells which Katana
// locations a level draws on: nil when that is not known, empty when it is known
// to draw on none.
func NewIndex(entries []inventory.InFlight, feeds func(inventory.Key) []inventory.SourceLocationID) *Index {
	ix := &Index{bySKU: make(map[inventory.SKU][]draw), entries: entries, feeds: feeds}
	for _, e := range entries {
		draws := ix.bySKU[e.SKU]
		sources := drawsOn(e, feeds)
		if i := slices.IndexFunc(draws, func(d draw) bool { return d.key == e.Key && slices.Equal(d.sources, sources) }); i >= 0 {
			draws[i].units += e.Units
			continue
		}
		ix.bySKU[e.SKU] = append(draws, draw{key: e.Key, units: e.Units, sources: sources})
	}
	return ix
}

// drawsOn is the Katana locations that units in flight are taken from: those of
// the level when it sold them, and those that it draws on today, which may be
// others, or none any more. It is nil when the latter are not known.
func drawsOn(e inventory.InFlight, feeds func(inventory.Key) []inventory.SourceLocationID) []inventory.SourceLocationID {
	today := feeds(e.Key)
	if today == nil || len(e.Sources) == 0 {
		return today
	}
	all := slices.Concat(today, e.Sources)
	slices.Sort(all)
	return slices.Compact(all)
}

// Own is the units in flight at the level itself.
func (ix *Index) Own(key inventory.Key, sku inventory.SKU) (units inventory.Units) {
	for _, d := range ix.bySKU[sku] {
		if d.key == key {
			units += d.units
		}
	}
	return units
}

// Others is the units in flight at other levels, of any store, that draw on any
// of the Katana locations that feed this one.
func (ix *Index) Others(key inventory.Key, sku inventory.SKU, sources []inventory.SourceLocationID) (units inventory.Units) {
	for _, d := range ix.bySKU[sku] {
		if d.around(key, sources) {
			units += d.units
		}
	}
	return units
}

// around tells whether the units are in flight at another level that draws on
// one of the sources.
func (d draw) around(key inventory.Key, sources []inventory.SourceLocationID) bool {
	return d.key != key && Meet(d.sources, sources)
}

// Meet tells whether a level that draws on some Katana locations may sell what one
// that draws on others offers. A level whose feed is not known today, which is nil,
// may draw on any.
func Meet(sources, others []inventory.SourceLocationID) bool {
	return sources == nil || overlap(sources, others)
}

// At lists the entries that [Index.Own] adds up.
func (ix *Index) At(key inventory.Key, sku inventory.SKU) []inventory.InFlight {
	return ix.list(sku, func(d draw) bool { return d.key == key })
}

// Elsewhere lists the entries that [Index.Others] adds up.
func (ix *Index) Elsewhere(key inventory.Key, sku inventory.SKU, sources []inventory.SourceLocationID) []inventory.InFlight {
	return ix.list(sku, func(d draw) bool { return d.around(key, sources) })
}

// list gives the entries of the SKU whose level a test lets through.
func (ix *Index) list(sku inventory.SKU, test func(draw) bool) (list []inventory.InFlight) {
	for _, e := range ix.entries {
		if e.SKU == sku && test(draw{key: e.Key, sources: drawsOn(e, ix.feeds)}) {
			list = append(list, e)
		}
	}
	return list
}

func overlap(a, b []inventory.SourceLocationID) bool {
	for _, id := range a {
		if slices.Contains(b, id) {
			return true
		}
	}
	return false
}
