package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// StockAdjusted is a stock adjustment in Katana, by an amount or to a figure.
type StockAdjusted struct {
	SKU      string
	Location string // Katana location; "" means the primary one
	By, To   string // exact decimals; give one
}

func (e StockAdjusted) play(w *World) error {
	v, l, err := w.katana.spot(e.SKU, e.Location)
	switch {
	case err != nil:
		return err
	case (e.By == "") == (e.To == ""):
		return errors.New("give either by or to")
	case !stocks(v):
		return fmt.Errorf("%q is a service and has no stock", e.SKU)
	}
	if e.By != "" {
		by, err := parseDecimal(e.By)
		if err != nil {
			return err
		}
		w.move(v, l, by, movement{resourceType: movedByAdjustment})
		return nil
	}
	to, err := parseDecimal(e.To)
	if err != nil {
		return err
	}
	w.move(v, l, to-v.at(l).inStock, movement{resourceType: movedByAdjustment})
	return nil
}

// spot looks up a variant and a location.
func (k *katanaWorld) spot(sku, location string) (*variant, *place, error) {
	v, err := k.mustVariant(sku)
	if err != nil {
		return nil, nil, err
	}
	l, err := k.mustLocation(location)
	return v, l, err
}

// MakeOrderPlaced opens a manufacturing order, which commits its ingredients.
type MakeOrderPlaced struct {
	Order    string // its number; must be new
	SKU      string
	Location string // Katana location; "" means the primary one
	Quantity string
}

func (e MakeOrderPlaced) play(w *World) error {
	v, l, err := w.katana.spot(e.SKU, e.Location)
	if err != nil {
		return err
	}
	quantity, err := parseDecimal(e.Quantity)
	switch {
	case err != nil:
		return err
	case quantity <= 0 || e.Order == "":
		return errors.New("give the order a number and a quantity above zero")
	case w.katana.makeOrder(e.Order) != nil:
		return fmt.Errorf("katana has a manufacturing order %s already", e.Order)
	}
	w.newMakeOrder(v, l, quantity, e.Order)
	return nil
}

func (k *katanaWorld) makeOrder(no string) *makeOrder {
	for _, m := range k.making {
		if m.no == no && !m.deleted() {
			return m
		}
	}
	return nil
}

// MakeOrderDone completes a manufacturing order, MakeOrderDeleted drops it.
type (
	MakeOrderDone    struct{ Order string }
	MakeOrderDeleted struct{ Order string }
)

func (e MakeOrderDone) play(w *World) error {
	return w.onOpenMakeOrder(e.Order, func(m *makeOrder) { w.finish(m) })
}

func (e MakeOrderDeleted) play(w *World) error {
	return w.onOpenMakeOrder(e.Order, func(m *makeOrder) { w.drop(m) })
}

func (w *World) onOpenMakeOrder(no string, do func(*makeOrder)) error {
	m := w.katana.makeOrder(no)
	if m == nil || !m.open() {
		return fmt.Errorf("katana has no open manufacturing order %s", no)
	}
	do(m)
	return nil
}

// ItemArchived archives the product or material of a SKU in Katana, or takes
// it out of the archive again.
type ItemArchived struct {
	SKU     string
	Restore bool
}

func (e ItemArchived) play(w *World) error {
	v, err := w.katana.mustVariant(e.SKU)
	if err != nil {
		return err
	}
	now := w.stamp()
	v.item.archivedAt = now
	if e.Restore {
		v.item.archivedAt = time.Time{}
	}
	v.item.touch(now)
	return nil
}

// ItemDeleted deletes one variant in Katana, softly as Katana does; with its
// last live variant the product goes too.
type ItemDeleted struct{ SKU string }

func (e ItemDeleted) play(w *World) error {
	v, err := w.katana.mustVariant(e.SKU)
	if err != nil {
		return err
	}
	if v.deleted() {
		return fmt.Errorf("%q is deleted already", e.SKU)
	}
	now := w.stamp()
	v.remove(now)
	if !slices.ContainsFunc(v.item.variants, func(v *variant) bool { return !v.deleted() }) {
		v.item.remove(now)
	}
	return nil
}

// SKUChanged gives a variant another SKU, in Katana, or in a store when one is
// named.
type SKUChanged struct {
	Store string // "" means in Katana
	SKU   string
	To    string
}

func (e SKUChanged) play(w *World) error {
	if e.Store == "" {
		v, err := w.katana.mustVariant(e.SKU)
		if err != nil {
			return err
		}
		now := w.stamp()
		rekey(w.katana.bySKU, e.SKU, e.To, v)
		v.sku = e.To
		v.touch(now)
		v.item.touch(now)
		return nil
	}
	s, err := w.store(e.Store)
	if err != nil {
		return err
	}
	l, err := s.mustFind(e.SKU)
	if err != nil {
		return err
	}
	rekey(s.bySKU, e.SKU, e.To, l)
	l.sku = e.To
	s.edited(l)
	return nil
}

func rekey[T comparable](index map[string][]T, from, to string, what T) {
	index[from] = slices.DeleteFunc(index[from], func(other T) bool { return other == what })
	index[to] = append(index[to], what)
}

// BOMChanged sets how much of an ingredient a variant takes. Zero removes the
// ingredient, without a trace as in Katana.
type BOMChanged struct {
	SKU        string
	Ingredient string
	Quantity   string
}

func (e BOMChanged) play(w *World) error {
	k := &w.katana
	v, err := k.mustVariant(e.SKU)
	if err != nil {
		return err
	}
	in, err := k.mustVariant(e.Ingredient)
	if err != nil {
		return err
	}
	quantity, err := parseDecimal(e.Quantity)
	if err != nil || quantity < 0 {
		return errors.Join(err, errors.New("give a quantity of zero or more"))
	}
	now := w.stamp()
	i := slices.IndexFunc(v.bom, func(r *bomRow) bool { return r.ingredient == in })
	switch {
	case i < 0 && quantity == 0:
		return fmt.Errorf("%q has no ingredient %q", e.SKU, e.Ingredient)
	case i < 0:
		w.addBOMRow(v, in, quantity, len(v.bom), now)
	case quantity == 0:
		gone := func(r *bomRow) bool { return r.product == v && r.ingredient == in }
		v.bom, in.usedIn, k.bom = slices.DeleteFunc(v.bom, gone), slices.DeleteFunc(in.usedIn, gone), slices.DeleteFunc(k.bom, gone)
	default:
		v.bom[i].quantity = quantity
		v.bom[i].touch(now)
	}
	return nil
}
