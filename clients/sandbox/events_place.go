package sandbox

import (
	"errors"
	"fmt"
	"slices"
)

// errUnnamed refuses what would change a location that nobody has named.
var errUnnamed = errors.New("name the location: location=NAME")

// LocationRenamed gives a location another name, in Katana, or in a store when
// one is named. It stays the same place: its orders are booked where they were
// before, and the [StoreConfig] of each store goes on meaning it.
type LocationRenamed struct {
	Store    string // "" means in Katana
	Location string
	To       string
}

func (e LocationRenamed) play(w *World) error {
	switch {
	case e.Location == "":
		return errUnnamed
	case e.To == "":
		return errors.New("give the location a name")
	}
	if e.Store == "" {
		l, err := w.katana.mustLocation(e.Location)
		if err != nil {
			return err
		}
		w.follow(l.name, e.To)
		l.name = e.To
		l.touch(w.stamp())
		return nil
	}
	s, err := w.store(e.Store)
	if err != nil {
		return err
	}
	l, err := s.mustLocation(e.Location)
	if err != nil {
		return err
	}
	return s.rename(l, e.To)
}

// rename gives a store's location another name. Those of active locations
// differ.
func (s *store) rename(l *storeLocation, to string) error {
	for _, other := range s.locations {
		if other != l && other.name == to && other.active && l.active {
			return fmt.Errorf("store %q has an active location %q already", s.name, to)
		}
	}
	if l.katana == "" && s.w.katana.location(l.name) != nil {
		l.katana = l.name // it was booked there by its name
	}
	if c, known := s.w.configs[s.name]; known {
		c.Locations = slices.Clone(c.Locations)
		for i := range c.Locations {
			if c.Locations[i].Shopify == l.name {
				c.Locations[i].Shopify = to
			}
		}
		s.w.configs[s.name] = c
	}
	l.name, l.updatedAt = to, s.w.stamp()
	return nil
}

// follow has whatever names a Katana location go on naming it.
func (w *World) follow(from, to string) {
	for _, s := range w.stores {
		for _, l := range s.locations {
			if l.katana == from || l.katana == "" && l.name == from {
				l.katana = to
			}
		}
	}
	for store, c := range w.configs {
		c.Locations, c.Exclude = slices.Clone(c.Locations), slices.Clone(c.Exclude)
		for i := range c.Locations {
			c.Locations[i].Katana = replaced(c.Locations[i].Katana, from, to)
		}
		for i := range c.Exclude {
			if c.Exclude[i].Location == from {
				c.Exclude[i].Location = to
			}
		}
		if c.DefaultLocation == from {
			c.DefaultLocation = to
		}
		w.configs[store] = c
	}
}

func replaced(names []string, from, to string) []string {
	names = slices.Clone(names)
	for i, name := range names {
		if name == from {
			names[i] = to
		}
	}
	return names
}

// KatanaLocationDeleted deletes a location in Katana, softly.
type KatanaLocationDeleted struct{ Location string }

func (e KatanaLocationDeleted) play(w *World) error {
	if e.Location == "" {
		return errUnnamed
	}
	l, err := w.katana.mustLocation(e.Location)
	if err != nil {
		return err
	}
	l.remove(w.stamp())
	return nil
}

// SalesSwitched lets Katana sell from one of its locations, or no longer.
type SalesSwitched struct {
	Location string // Katana location; "" means the primary one
	On       bool
}

func (e SalesSwitched) play(w *World) error {
	l, err := w.katana.mustLocation(e.Location)
	if err != nil {
		return err
	}
	l.sales = e.On
	l.touch(w.stamp())
	return nil
}

// LocationSwitched activates or deactivates a location of a store.
type LocationSwitched struct {
	Store, Location string
	On              bool
}

func (e LocationSwitched) play(w *World) error {
	if e.Location == "" {
		return errUnnamed
	}
	s, err := w.store(e.Store)
	if err != nil {
		return err
	}
	l, err := s.mustLocation(e.Location)
	if err != nil {
		return err
	}
	l.active, l.updatedAt = e.On, w.stamp()
	return nil
}
