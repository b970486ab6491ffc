package reconcile

import (
	"maps"
	"slices"

	"stocksyncd/reconcile/inventory"
	"stocksyncd/reconcile/plan"
)

// Shelf lists what is known of a store, as a look at all of it would list it.
func (r *Reconciler) Shelf(store inventory.StoreName) ([]inventory.Level, error) {
	kept, err := r.remembered(store)
	if err != nil {
		return nil, err
	}
	return kept.shelf.listing(kept.shelf.all()), nil
}

// Restored lists what a journal remembers of a store.
func Restored(store inventory.StoreName, kept *inventory.StoreMemory) []inventory.Level {
	shelf := newShelf(store)
	for _, item := range kept.Items {
		shelf.restoreItem(item)
	}
	for _, key := range slices.SortedFunc(maps.Keys(kept.Levels), inventory.Key.Compare) {
		shelf.restoreLevel(key, kept.Levels[key])
	}
	shelf.restored(kept.Look)
	return shelf.listing(shelf.all())
}

// Located is the locations of both sides that the next cycle goes by.
func (r *Reconciler) Located(store inventory.StoreName) ([]inventory.Location, []inventory.SourceLocation) {
	kept, err := r.remembered(store)
	if err != nil || r.mirror == nil {
		return nil, nil
	}
	return kept.Look.Locations, r.mirror.locations
}

// Mirrored lists Katana's variants with their rows, as they are known.
func (r *Reconciler) Mirrored() (variants []inventory.SourceVariant, stock []inventory.Stock) {
	if r.mirror == nil {
		return nil, nil
	}
	for _, v := range r.mirror.catalogue.Variants() {
		_, rows, _ := r.mirror.catalogue.Variant(v.ID)
		variants, stock = append(variants, v), append(stock, rows...)
	}
	return variants, stock
}

// Counts is how many levels a plan made what of.
type Counts struct {
	InStep, Drifted, Negative int
	Skipped                   map[inventory.Reason]int
}

// Count gives the counts of the newest plan of a store, as they were kept and as
// a plan of all levels has them.
func (r *Reconciler) Count(store inventory.StoreName) (kept, again Counts) {
	s := r.views[store]
	shelf := s.kept.shelf
	kept = Counts{shelf.count.inStep, shelf.count.drifted, shelf.count.negative, shelf.count.skipped}
	levels := shelf.listing(shelf.all())
	missing := s.c.catalogue.Unstocked(levels, s.rules)
	levels = append(levels, missing...)
	var there []inventory.Level
	for _, level := range levels {
		if !nowhere(level) {
			there = append(there, level)
		}
	}
	p := plan.Diff(there, s.figures(there, s.index()), s.view(s.index()))
	return kept, Counts{p.InStep, p.Drifted, p.Negative, p.Skipped}
}
