package sandbox

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Line is a SKU and how much of it. In orders of a Shopify store the quantity
// is in whole pieces.
type Line struct {
	SKU      string
	Quantity string
}

// Import says how the importer brings an order of a Shopify store into Katana.
// The zero value brings it at once and whole.
type Import struct {
	After    time.Duration // how long after the order was placed, or paid
	Each     time.Duration // rows come one at a time, this far apart; 0 means all at once
	Never    bool          // the importer has lost it
	Location string        // Katana location to book it at; "" means that of the store's location
}

// OrderPlaced is an order in a Shopify store. It lowers available and raises
// committed at once, for a bundle those of its components. The importer brings it into Katana as Import says, but
// not before it is paid.
type OrderPlaced struct {
	Store    string
	Order    string // its name, such as "#1001"; must be new in the store
	Location string // Shopify location; "" means the first active one
	Lines    []Line
	Unpaid   bool // payment is pending, until OrderPaid
	Till     bool // sold over the counter: fulfilled at once, and imported as delivered
	Import   Import
}

func (e OrderPlaced) play(w *World) error {
	s, err := w.store(e.Store)
	if err != nil {
		return err
	}
	at, err := s.mustLocation(e.Location)
	switch {
	case err != nil:
		return err
	case e.Order == "":
		return errors.New("the order has no name")
	case s.orderByName[e.Order] != nil:
		return fmt.Errorf("store %q has an order %s already", s.name, e.Order)
	case len(e.Lines) == 0:
		return fmt.Errorf("order %s has no lines", e.Order)
	}
	now := w.stamp()
	o := &storeOrder{name: e.Order, location: at, unpaid: e.Unpaid, till: e.Till, createdAt: now, updatedAt: now, importing: e.Import}
	if _, err := w.importLocation(o, ""); err != nil && !e.Import.Never {
		return err
	}
	lines, err := s.lines(e.Lines)
	if err != nil {
		return err
	}
	o.id = w.newID()
	w.commit(o, at, lines...)
	s.orders = append(s.orders, o)
	s.orderByName[o.name] = o
	if e.Till {
		for _, line := range o.lines {
			o.ship(now, line, line.quantity)
		}
		o.settle(now)
	}
	return w.planImport(s, o)
}

// lines are the lines of an order of the store.
func (s *store) lines(of []Line) (lines []*storeLine, err error) {
	for _, line := range of {
		l, err := s.mustFind(line.SKU)
		if err != nil {
			return nil, err
		}
		pieces, err := wholePieces(line.Quantity)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line.SKU, err)
		}
		lines = append(lines, l.lines(pieces)...)
	}
	return lines, nil
}

// OrderEdited adds lines to an order, which the importer brings into Katana as
// it did the others. Lines are taken out by OrderRefunded, as Shopify does it.
type OrderEdited struct {
	Store, Order string
	Location     string // Shopify location; "" means that of the order
	Lines        []Line
}

func (e OrderEdited) play(w *World) error {
	s, o, err := w.storeOrder(e.Store, e.Order)
	if err != nil {
		return err
	}
	at := o.location
	if e.Location != "" {
		if at, err = s.mustLocation(e.Location); err != nil {
			return err
		}
	}
	switch {
	case !o.cancelledAt.IsZero():
		return fmt.Errorf("order %s is cancelled", o.name)
	case len(e.Lines) == 0:
		return fmt.Errorf("nothing is added to order %s", o.name)
	}
	lines, err := s.lines(e.Lines)
	if err != nil {
		return err
	}
	w.commit(o, at, lines...)
	o.settle(w.stamp())
	return w.planImport(s, o)
}

// OrderMoved has another location of the store fulfil what is left of an order,
// or a part of that: the units are committed there instead.
type OrderMoved struct {
	Store, Order string
	Location     string // Shopify location
	Lines        []Line // none means all that is left
}

func (e OrderMoved) play(w *World) error {
	s, o, err := w.storeOrder(e.Store, e.Order)
	if err != nil {
		return err
	}
	if e.Location == "" {
		return errUnnamed
	}
	to, err := s.mustLocation(e.Location)
	if err != nil {
		return err
	}
	pieces, err := o.wanted(e.Lines)
	if err != nil {
		return err
	}
	now := w.stamp()
	for _, line := range o.lines {
		n := 0
		for _, p := range o.parts {
			for _, l := range p.lines {
				some := min(pieces[line]-n, l.remaining())
				if l.line != line || p.location == to || some <= 0 {
					continue
				}
				l.total, p.moved, p.updatedAt, n = l.total-some, true, now, n+some
				line.listing.stocked(p.location, some, func(l *level, n int) { l.change(n, -n, now) })
			}
		}
		if n == 0 {
			continue
		}
		o.part(w, to).assign(w, line, n)
		line.listing.stocked(to, n, func(l *level, n int) { l.change(-n, n, now) })
	}
	o.updatedAt = now
	return nil
}

func wholePieces(text string) (int, error) {
	d, err := parseDecimal(text)
	if err != nil {
		return 0, err
	}
	if d <= 0 || d%decimalOne != 0 {
		return 0, fmt.Errorf("%q is not a number of pieces", text)
	}
	return d.floor(), nil
}

// planImport leaves the order to the importer.
func (w *World) planImport(s *store, o *storeOrder) error {
	switch {
	case o.importing.Never:
		return nil
	case o.unpaid:
		o.waiting = true
		return nil
	case o.importing.After == 0:
		return w.bringIn(s, o, "", "")
	}
	w.schedule(o.importing.After, OrderImported{Store: s.name, Order: o.name})
	return nil
}

// OrderPaid ends the pending payment of an order; the importer takes note.
type OrderPaid struct {
	Store, Order string
}

func (e OrderPaid) play(w *World) error {
	s, o, err := w.storeOrder(e.Store, e.Order)
	if err != nil {
		return err
	}
	if !o.unpaid {
		return fmt.Errorf("order %s is paid already", o.name)
	}
	o.unpaid = false
	o.settle(w.stamp())
	if o.waiting && o.cancelledAt.IsZero() {
		o.waiting = false
		return w.planImport(s, o)
	}
	return nil
}

// OrderImported brings an order of a store into Katana now, whatever its
// Import says, even unpaid or lost: whole, or one SKU of it. What is there
// already is not brought in twice.
type OrderImported struct {
	Store, Order string
	SKU          string // only the lines of this SKU; "" means all
	Location     string // Katana location; "" means as planned
}

func (e OrderImported) play(w *World) error {
	s, o, err := w.storeOrder(e.Store, e.Order)
	if err != nil {
		return err
	}
	return w.bringIn(s, o, e.SKU, e.Location)
}

// bringIn makes or completes the sales order of a store's order.
func (w *World) bringIn(s *store, o *storeOrder, sku, location string) error {
	if !o.cancelledAt.IsZero() {
		return fmt.Errorf("order %s is cancelled", o.name)
	}
	at, err := w.importLocation(o, location)
	if err != nil {
		return err
	}
	var lines []*storeLine
	for _, line := range o.lines {
		if line.imported || o.wants(line) <= 0 || sku != "" && line.listing.sku != sku {
			continue
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return nil
	}
	if o.importing.Each > 0 && sku == "" {
		for _, line := range lines[1:] {
			if line.listing.sku != lines[0].listing.sku {
				w.schedule(o.importing.Each, OrderImported{Store: s.name, Order: o.name, Location: location})
				break
			}
		}
		sku = lines[0].listing.sku
	}
	if o.sales == nil {
		from := ecommerce{"shopify", s.opts.Shop, strconv.FormatInt(o.id, 10)}
		o.sales = w.newSalesOrder(strings.TrimPrefix(o.name, "#"), "shopify", statusNotShipped, at, from)
	}
	for _, line := range lines {
		if sku != "" && line.listing.sku != sku {
			continue
		}
		line.imported = true
		// A variant that Katana does not know cannot be booked; the importer
		// leaves it out, as the real one does.
		if v := w.katana.find(line.listing.sku); v != nil && line.listing.sku != "" {
			line.row = w.addRow(o.sales, v, rowLocation(o.sales, at), units(o.wants(line)))
		}
	}
	w.restate(o.sales)
	if o.till {
		w.deliverRows(o.sales, lines)
	}
	return nil
}

// wants is how many pieces of a line the importer brings in: what is left, but
// of an order that was sold over the counter what has been handed out as well.
func (o *storeOrder) wants(line *storeLine) int {
	if o.till {
		return line.quantity - line.removed
	}
	return line.remaining()
}

// deliverRows takes out of Katana's stock what was handed over the counter.
func (w *World) deliverRows(o *salesOrder, lines []*storeLine) {
	wanted := make(map[*salesRow]decimal)
	for _, line := range lines {
		if line.row != nil && line.imported {
			wanted[line.row] = min(units(line.fulfilled), line.row.open())
		}
	}
	w.fulfil(o, wanted, statusDelivered)
}

// rowLocation is nil where the order's own location says the same.
func rowLocation(o *salesOrder, at *place) *place {
	if o.location == at {
		return nil
	}
	return at
}

func (w *World) importLocation(o *storeOrder, asked string) (*place, error) {
	for _, name := range []string{asked, o.importing.Location, o.location.katana} {
		if name != "" {
			return w.katana.mustLocation(name)
		}
	}
	if l := w.katana.location(o.location.name); l != nil {
		return l, nil
	}
	return w.katana.mustLocation("")
}

func (w *World) storeOrder(storeName, name string) (*store, *storeOrder, error) {
	s, err := w.store(storeName)
	if err != nil {
		return nil, nil, err
	}
	if o := s.orderByName[name]; o != nil {
		return s, o, nil
	}
	return nil, nil, fmt.Errorf("store %q has no order %s", s.name, name)
}
