package sandbox

import (
	"slices"
	"time"
)

// Desired tells what a level should show by the store's [StoreConfig], when no
// order is on its way to Katana. It is false where a daemon leaves the level
// alone. Of several variants with the SKU it takes the oldest.
//
// This says the stock rules a second time, apart from the daemon's own: what
// the sandbox calls in step must not depend on the code that it is a test of.
func (w *World) Desired(store, sku, location string) (int, bool) {
	w.lock()
	defer w.mu.Unlock()
	s, err := w.store(store)
	if err != nil {
		return 0, false
	}
	l := s.level(sku, location)
	if l == nil {
		return 0, false
	}
	return w.wishesOf(s).figure(l)
}

// Sellable tells how much can be sold of a level: what Katana has for it, less
// what the orders of all stores have sold that are not there yet, be it handed out
// already, as far as they were placed by a time. It may be less than nothing. It is false where a
// daemon leaves the level alone.
func (w *World) Sellable(store, sku, location string, placed time.Time) (int, bool) {
	w.lock()
	defer w.mu.Unlock()
	s, err := w.store(store)
	if err != nil {
		return 0, false
	}
	l, v := s.level(sku, location), w.katana.find(sku)
	if l == nil || v == nil {
		return 0, false
	}
	wish := w.wishesOf(s)
	sources := wish.config.sources(l.location)
	exact, sold := wish.sum(v, sources)
	if !sold {
		return 0, false
	}
	for _, from := range w.stores {
		for _, o := range from.orders {
			at, err := w.importLocation(o, "")
			if o.createdAt.After(placed) || err != nil || !slices.Contains(sources, at.name) {
				continue
			}
			for _, line := range o.lines {
				if line.listing.sku == sku && !line.imported {
					exact -= units(line.claims())
				}
			}
		}
	}
	return exact.floor(), true
}

// wishes is what a store should show, as long as nothing moves.
type wishes struct {
	w        *World
	config   StoreConfig
	excluded map[*variant]map[int64]decimal // by Katana location
}

// wishesOf looks at a store's orders once for all its figures.
func (w *World) wishesOf(s *store) wishes {
	wish := wishes{w: w, config: w.config(s), excluded: make(map[*variant]map[int64]decimal)}
	made := make(map[*salesRow]bool)
	for _, m := range w.katana.making {
		if m.salesRow != nil && !m.deleted() {
			made[m.salesRow] = true
		}
	}
	for _, row := range w.katana.orderRows {
		// What is made to order may be committed as ingredients, not as itself.
		if row.open() <= 0 || made[row] || !wish.config.excludes(row.order, w.stores) {
			continue
		}
		at := wish.excluded[row.variant]
		if at == nil {
			at = make(map[int64]decimal)
			wish.excluded[row.variant] = at
		}
		at[row.at().id] += row.open()
	}
	return wish
}

// figure is what a level should show; false where it is left alone.
func (wish wishes) figure(l *level) (int, bool) {
	of := l.listing
	if wish.config.Mode == modeOff || of.product.giftCard || of.bundle() || !of.tracked || of.sku == "" || !l.active {
		return 0, false
	}
	rule := wish.config.rule(of.sku)
	v := wish.w.katana.find(of.sku)
	if rule.Skip || v == nil || !v.live() || !stocks(v) {
		return 0, false
	}
	exact, sold := wish.sum(v, wish.config.sources(l.location))
	if !sold {
		return 0, false
	}
	return rule.show(exact), true
}

// sum adds up what the Katana locations can sell. Those that Katana does not
// sell from count for nothing; without another one, or where one is gone, there
// is no figure.
func (wish wishes) sum(v *variant, sources []string) (exact decimal, sold bool) {
	for _, name := range sources {
		at := wish.w.katana.location(name)
		switch {
		case at == nil || at.deleted():
			return 0, false
		case !at.sales:
			continue
		}
		sold = true
		f := wish.w.katana.figures(v, at)
		committed := f.committed
		if out := wish.excluded[v][at.id]; out > 0 && committed > 0 {
			committed = max(0, committed-out)
		}
		exact += f.inStock - committed + units(f.potential)
	}
	return exact, sold
}
