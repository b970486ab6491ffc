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
	o := &storeOrder{name: e.Order, location: at, unpaid: e.Unpaid, createdAt: now, updatedAt: now, importing: e.Import}
	if _, err := w.importLocation(o, ""); err != nil && !e.Import.Never {
		return err
	}
	for _, line := range e.Lines {
		l, err := s.mustFind(line.SKU)
		if err != nil {
			return err
		}
		pieces, err := wholePieces(line.Quantity)
		if err != nil {
			return fmt.Errorf("%q: %w", line.SKU, err)
		}
		o.lines = append(o.lines, l.lines(pieces)...)
	}
	o.id, o.fulfillmentOrderID = w.newID(), w.newID()
	for _, line := range o.lines {
		line.id = w.newID()
		line.listing.stocked(at, line.quantity, func(l *level, n int) { l.change(-n, n, now) })
	}
	s.orders = append(s.orders, o)
	s.orderByName[o.name] = o
	return w.planImport(s, o)
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
	o.unpaid, o.updatedAt = false, w.stamp()
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
		if line.imported || line.remaining() <= 0 || sku != "" && line.listing.sku != sku {
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
			line.row = w.addRow(o.sales, v, rowLocation(o.sales, at), units(line.remaining()))
		}
	}
	w.restate(o.sales)
	return nil
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
