package flight

import (
	"slices"

	"stocksyncd/reconcile/inventory"
)

// Index answers how many units are in flight at a level and around it.
type Index struct {
	bySKU map[inventory.SKU][]draw
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
	ix := &Index{bySKU: make(map[inventory.SKU][]draw)}
	for _, e := range entries {
		draws := ix.bySKU[e.SKU]
		if i := slices.IndexFunc(draws, func(d draw) bool { return d.key == e.Key }); i >= 0 {
			draws[i].units += e.Units
			continue
		}
		ix.bySKU[e.SKU] = append(draws, draw{key: e.Key, units: e.Units, sources: feeds(e.Key)})
	}
	return ix
}

// Own is the units in flight at the level itself.
func (ix *Index) Own(key inventory.Key, sku inventory.SKU) inventory.Units {
	for _, d := range ix.bySKU[sku] {
		if d.key == key {
			return d.units
		}
	}
	return 0
}

// Others is the units in flight at other levels, of any store, that draw on any
// of the Katana locations that feed this one.
func (ix *Index) Others(key inventory.Key, sku inventory.SKU, sources []inventory.SourceLocationID) (units inventory.Units) {
	for _, d := range ix.bySKU[sku] {
		// A level whose feed is not known today may draw on any of them.
		if d.key != key && (d.sources == nil || overlap(d.sources, sources)) {
			units += d.units
		}
	}
	return units
}

func overlap(a, b []inventory.SourceLocationID) bool {
	for _, id := range a {
		if slices.Contains(b, id) {
			return true
		}
	}
	return false
}
