package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// HandEdit sets what is available of a SKU at a location by hand in a store's
// admin. It activates nothing.
type HandEdit struct {
	Store, SKU string
	Location   string // name or GID; "" means the first active one
	Available  int
}

func (e HandEdit) play(w *World) error {
	s, err := w.store(e.Store)
	if err != nil {
		return err
	}
	l, err := w.mustLevel(e.Store, e.SKU, e.Location)
	if err != nil {
		return err
	}
	dated := l.updatedAt
	l.change(e.Available-l.available, 0, w.stamp())
	if s.undated {
		l.updatedAt = dated
	}
	return nil
}

// EditsUndated lets a store leave updatedAt as it is when somebody edits a
// level, a variant or its item by hand, so that no filter finds it: that each
// change moves it is documented nowhere. A quantity's own updatedAt moves all the
// same, and a new variant is dated.
type EditsUndated struct {
	Store string
	On    bool
}

func (e EditsUndated) play(w *World) error {
	s, err := w.store(e.Store)
	if err != nil {
		return err
	}
	s.undated = e.On
	return nil
}

func (w *World) mustLevel(store, sku, location string) (*level, error) {
	s, err := w.store(store)
	if err != nil {
		return nil, err
	}
	at, err := s.mustLocation(location)
	if err != nil {
		return nil, err
	}
	l, err := s.mustFind(sku)
	if err != nil {
		return nil, err
	}
	if level := l.at(at); level != nil {
		return level, nil
	}
	return nil, fmt.Errorf("%q has never been stocked at %q", sku, at.name)
}

// LevelSwitched activates or deactivates a level by hand. Its quantities stay
// as they are.
type LevelSwitched struct {
	Store, SKU, Location string
	On                   bool
}

func (e LevelSwitched) play(w *World) error {
	l, err := w.mustLevel(e.Store, e.SKU, e.Location)
	if err != nil {
		return err
	}
	l.active, l.updatedAt = e.On, w.stamp()
	return nil
}

// TrackingSwitched turns the tracking of a SKU's quantities on or off.
type TrackingSwitched struct {
	Store, SKU string
	On         bool
}

func (e TrackingSwitched) play(w *World) error {
	s, err := w.store(e.Store)
	if err != nil {
		return err
	}
	l, err := s.mustFind(e.SKU)
	if err != nil {
		return err
	}
	l.tracked = e.On
	s.edited(l)
	return nil
}

// ListingDeleted deletes a variant from a store, with its item and levels. Of
// several with one SKU it is the oldest.
type ListingDeleted struct{ Store, SKU string }

func (e ListingDeleted) play(w *World) error {
	s, err := w.store(e.Store)
	if err != nil {
		return err
	}
	l, err := s.mustFind(e.SKU)
	if err != nil {
		return err
	}
	is := func(other *listing) bool { return other == l }
	s.listings = slices.DeleteFunc(s.listings, is)
	s.bySKU[l.sku] = slices.DeleteFunc(s.bySKU[l.sku], is)
	l.product.listings = slices.DeleteFunc(l.product.listings, is)
	delete(s.listingByID, l.id)
	delete(s.listingByItem, l.itemID)
	for _, gone := range l.levels {
		at := gone.location
		at.levels = slices.DeleteFunc(at.levels, func(other *level) bool { return other == gone })
	}
	return nil
}

// ShopSwitched freezes, locks or reopens a shop.
type ShopSwitched struct {
	Store string
	State ShopState // "", "frozen" or "locked"
}

func (e ShopSwitched) play(w *World) error {
	if e.Store == "" {
		return errors.New("name the store: store=NAME")
	}
	s, err := w.store(e.Store)
	if err != nil {
		return err
	}
	switch e.State {
	case "open":
		e.State = ShopOpen
	case ShopOpen, ShopFrozen, ShopLocked:
	default:
		return fmt.Errorf("%q is not a state of a shop: use open, frozen or locked", string(e.State))
	}
	s.state = e.State
	return nil
}

// TokenRevoked ends the static token and all tokens from the grant. New ones
// from the grant work.
type TokenRevoked struct{ Store string }

func (e TokenRevoked) play(w *World) error {
	s, err := w.store(e.Store)
	if err != nil {
		return err
	}
	s.opts.AccessToken = ""
	clear(s.tokens)
	return nil
}

// ScopesChanged sets the access scopes of the app in a store.
type ScopesChanged struct {
	Store  string
	Scopes []string
}

func (e ScopesChanged) play(w *World) error {
	s, err := w.store(e.Store)
	if err != nil {
		return err
	}
	s.opts.Scopes = slices.Clone(e.Scopes)
	return nil
}

// KeysBusy lets every mutation count as under way for a while after it was
// made: a repetition with its key within that time is told to try again. The
// effect is there at once all the same. Zero ends it.
type KeysBusy struct {
	Store string
	For   time.Duration
}

func (e KeysBusy) play(w *World) error {
	s, err := w.store(e.Store)
	if err != nil {
		return err
	}
	s.keyBusy = e.For
	return nil
}
