package sandbox

import (
	"errors"
	"time"
)

// AppWrites is another app that has a figure of its own for a SKU at a location
// and writes it at once, then every so often: Times in all.
type AppWrites struct {
	Store, SKU string
	Location   string // name or GID; "" means the first active one
	Available  int
	By         int // when not 0, this much is added instead
	Every      time.Duration
	Times      int // 0 means once
}

func (e AppWrites) play(w *World) error {
	if e.Times > 1 && e.Every <= 0 {
		return errors.New("say how often the app writes: every=5m")
	}
	l, err := w.mustLevel(e.Store, e.SKU, e.Location)
	if err != nil {
		return err
	}
	by := e.By
	if by == 0 {
		by = e.Available - l.available
	}
	l.change(by, 0, w.stamp())
	if e.Times--; e.Times > 0 {
		w.schedule(e.Every, e)
	}
	return nil
}

// KatanaWrites is Katana's own sync with a store, still switched on: it writes
// what is in stock, committed or not, to every level that Katana feeds, at once
// and then every so often: Times in all.
type KatanaWrites struct {
	Store string
	Every time.Duration
	Times int // 0 means once
}

func (e KatanaWrites) play(w *World) error {
	if e.Times > 1 && e.Every <= 0 {
		return errors.New("say how often Katana writes: every=5m")
	}
	s, err := w.store(e.Store)
	if err != nil {
		return err
	}
	config := w.config(s)
	for _, of := range s.listings {
		v := w.katana.find(of.sku)
		if of.bundle() || !of.tracked || v == nil || !v.live() || !stocks(v) {
			continue
		}
		for _, l := range of.levels {
			sources := config.sources(l.location)
			if !l.active || len(sources) == 0 {
				continue
			}
			var has decimal
			for _, name := range sources {
				if at := w.katana.location(name); at != nil && !at.deleted() {
					has += w.katana.figures(v, at).inStock
				}
			}
			l.change(has.floor()-l.available, 0, w.stamp())
		}
	}
	if e.Times--; e.Times > 0 {
		w.schedule(e.Every, e)
	}
	return nil
}
