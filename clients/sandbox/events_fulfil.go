package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// SalesOrderPlaced is a sales order that no store of the world knows of: made
// in Katana itself, or imported from elsewhere. It commits at once unless it is
// a quote.
type SalesOrderPlaced struct {
	Order    string // its number, such as "SO-77"; must be new
	Location string // Katana location; "" means the primary one
	Lines    []Line
	Quote    bool   // PENDING: commits nothing
	Source   string // "" means "katana"
	Customer int    // id of the customer; 0 means one of no name

	RowsAt      string // Katana location of the rows; "" means the order's
	MadeToOrder bool   // each row has a manufacturing order of its own, which commits the ingredients

	Platform string // ecommerce_order_type, such as "wooCommerce"; "" is none
	Shop     string // ecommerce_store_name
}

func (e SalesOrderPlaced) play(w *World) error {
	at, err := w.katana.mustLocation(e.Location)
	if err != nil {
		return err
	}
	rowsAt := at
	if e.RowsAt != "" {
		if rowsAt, err = w.katana.mustLocation(e.RowsAt); err != nil {
			return err
		}
	}
	switch {
	case e.Order == "":
		return errors.New("the order has no number")
	case w.katana.orderByNo[e.Order] != nil:
		return fmt.Errorf("katana has a sales order %s already", e.Order)
	case len(e.Lines) == 0:
		return fmt.Errorf("order %s has no lines", e.Order)
	case e.Quote && e.MadeToOrder:
		return fmt.Errorf("order %s is a quote, and nothing is made for one", e.Order)
	case e.Customer < 0:
		return fmt.Errorf("%d is not the id of a customer", e.Customer)
	}
	ingredients, err := w.katana.lines(e.Lines)
	if err != nil {
		return err
	}
	status := statusNotShipped
	if e.Quote {
		status = statusPending
	}
	from := ecommerce{kind: e.Platform, store: e.Shop}
	if from != (ecommerce{}) {
		from.id = e.Order
	}
	o := w.newSalesOrder(e.Order, cmp.Or(e.Source, "katana"), status, at, from)
	o.customer = cmp.Or(int64(e.Customer), anyCustomer)
	for i, in := range ingredients {
		row := w.addRow(o, in.variant, rowLocation(o, rowsAt), in.quantity)
		if e.MadeToOrder && stocks(in.variant) {
			w.newMakeOrder(in.variant, rowsAt, in.quantity, fmt.Sprintf("%s / %d", o.no, i+1)).salesRow = row
		}
	}
	return nil
}

// lines looks up the variants and quantities of lines.
func (k *katanaWorld) lines(lines []Line) ([]plannedIngredient, error) {
	found := make([]plannedIngredient, len(lines))
	for i, line := range lines {
		v, err := k.mustVariant(line.SKU)
		if err != nil {
			return nil, err
		}
		quantity, err := parseDecimal(line.Quantity)
		if err == nil && quantity <= 0 {
			err = fmt.Errorf("a quantity of %s is none", line.Quantity)
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line.SKU, err)
		}
		found[i] = plannedIngredient{v, quantity}
	}
	return found, nil
}

// OrderPacked packs an order in Katana: in stock and committed fall together
// and Shopify notices nothing.
type OrderPacked struct {
	Store string // "" means the first store, then Katana's own orders
	Order string
	Lines []Line // how much of what; none means all that is left
}

func (e OrderPacked) play(w *World) error {
	_, _, sales, err := w.orders(e.Store, e.Order)
	if err != nil {
		return err
	}
	if sales == nil {
		return fmt.Errorf("order %s is not in katana", e.Order)
	}
	wanted, err := w.wantedRows(sales, e.Lines)
	if err != nil {
		return err
	}
	w.fulfil(sales, wanted, statusPacked)
	return nil
}

// OrderDelivered ships an order: what is not packed yet is taken in Katana,
// and the store's order is fulfilled, which lowers committed and on hand
// there. A store's order that is not in Katana is fulfilled in Shopify alone.
type OrderDelivered struct {
	Store string // "" means the first store, then Katana's own orders
	Order string
	Lines []Line // how much of what; none means all that is left
}

func (e OrderDelivered) play(w *World) error {
	_, order, sales, err := w.orders(e.Store, e.Order)
	if err != nil {
		return err
	}
	pieces, err := order.wanted(e.Lines)
	if err != nil {
		return err
	}
	if sales != nil {
		if err := w.deliver(sales, e.Lines); err != nil {
			return err
		}
	}
	if order == nil {
		return nil
	}
	now := w.stamp()
	for _, line := range order.lines {
		order.ship(now, line, pieces[line])
	}
	order.settle(now)
	return nil
}

// deliver turns what is packed into deliveries and takes the rest.
func (w *World) deliver(o *salesOrder, lines []Line) error {
	wanted, err := w.wantedRows(o, lines)
	if err != nil && !errors.Is(err, errNothingLeft) {
		return err
	}
	now := w.stamp()
	packed := false
	if len(lines) == 0 {
		for _, f := range o.fulfillments {
			if f.status == statusPacked {
				f.status, packed = statusDelivered, true
				f.touch(now)
			}
		}
	}
	if err != nil && !packed {
		return err
	}
	o.touch(now)
	w.fulfil(o, wanted, statusDelivered)
	return nil
}

var errNothingLeft = errors.New("nothing is left to fulfil")

// wantedRows spreads lines over the rows of a sales order.
func (w *World) wantedRows(o *salesOrder, lines []Line) (map[*salesRow]decimal, error) {
	if o.deleted() {
		return nil, fmt.Errorf("order %s is deleted", o.no)
	}
	if o.status == statusPending {
		return nil, fmt.Errorf("order %s is a quote", o.no)
	}
	wanted := make(map[*salesRow]decimal)
	if len(lines) == 0 {
		for _, row := range o.rows {
			if row.open() > 0 {
				wanted[row] = row.open()
			}
		}
		if len(wanted) == 0 {
			return nil, fmt.Errorf("order %s: %w", o.no, errNothingLeft)
		}
		return wanted, nil
	}
	planned, err := w.katana.lines(lines)
	if err != nil {
		return nil, err
	}
	for i, p := range planned {
		for _, row := range o.rows {
			if row.variant.sku == lines[i].SKU && p.quantity > 0 {
				n := min(p.quantity, row.open()-wanted[row])
				wanted[row] += n
				p.quantity -= n
			}
		}
		if p.quantity > 0 {
			return nil, fmt.Errorf("order %s has not that much of %q left", o.no, lines[i].SKU)
		}
	}
	return wanted, nil
}

// wanted spreads lines over those of a store's order. A nil order wants none.
func (o *storeOrder) wanted(lines []Line) (map[*storeLine]int, error) {
	if o == nil {
		return nil, nil
	}
	if !o.cancelledAt.IsZero() {
		return nil, fmt.Errorf("order %s is cancelled", o.name)
	}
	wanted := make(map[*storeLine]int)
	if len(lines) == 0 {
		for _, line := range o.lines {
			if line.remaining() > 0 {
				wanted[line] = line.remaining()
			}
		}
		return wanted, nil
	}
	for _, asked := range lines {
		pieces, err := wholePieces(asked.Quantity)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", asked.SKU, err)
		}
		for _, line := range o.lines {
			if line.listing.sku == asked.SKU && pieces > 0 {
				n := min(pieces, line.remaining()-wanted[line])
				wanted[line] += n
				pieces -= n
			}
		}
		if pieces > 0 {
			return nil, fmt.Errorf("order %s has not that much of %q left", o.name, asked.SKU)
		}
	}
	return wanted, nil
}

// settle closes an order that has nothing left to do, and is paid.
func (o *storeOrder) settle(now time.Time) {
	o.updatedAt, o.closed = now, !o.unpaid
	for _, line := range o.lines {
		if line.remaining() > 0 {
			o.closed = false
		}
	}
}

// orders finds an order by its name in a store and its counterpart in Katana,
// or one of Katana's own; what there is not is nil.
func (w *World) orders(storeName, name string) (*store, *storeOrder, *salesOrder, error) {
	s, o, err := w.storeOrder(storeName, name)
	if err == nil {
		return s, o, o.sales, nil
	}
	if sales := w.katana.orderByNo[name]; sales != nil && storeName == "" {
		return nil, nil, sales, nil
	}
	return nil, nil, nil, err
}

// OrderCancelled cancels an order. In the store, what is not fulfilled goes
// back from committed to available, or with NoRestock is gone from on hand as
// well; Katana's sales order is deleted when the importer gets to it, and what
// was packed of it is put back into stock.
type OrderCancelled struct {
	Store     string // "" means the first store, then Katana's own orders
	Order     string
	NoRestock bool
	After     time.Duration // how much later Katana learns of it
	Never     bool          // Katana does not learn of it
}

func (e OrderCancelled) play(w *World) error {
	_, order, sales, err := w.orders(e.Store, e.Order)
	if err != nil {
		return err
	}
	now := w.stamp()
	if order != nil {
		if !order.cancelledAt.IsZero() {
			return fmt.Errorf("order %s is cancelled already", e.Order)
		}
		for _, line := range order.lines {
			order.strike(now, line, line.remaining(), !e.NoRestock)
		}
		order.cancelledAt, order.closed, order.updatedAt = now, true, now
	}
	switch {
	case sales == nil || e.Never || order != nil && sales.deleted():
		return nil
	case e.After > 0:
		w.schedule(e.After, salesOrderDeleted{sales})
		return nil
	}
	return salesOrderDeleted{sales}.play(w)
}

// salesOrderDeleted is Katana's part of a cancellation.
type salesOrderDeleted struct{ order *salesOrder }

func (e salesOrderDeleted) play(w *World) error {
	o, now := e.order, w.stamp()
	if o.deleted() {
		return fmt.Errorf("order %s is deleted already", o.no)
	}
	w.recommit(o, func() {
		for _, row := range o.rows {
			row.remove(now)
		}
		o.remove(now)
	})
	for _, f := range o.fulfillments {
		if f.status == statusDelivered {
			continue
		}
		for _, part := range f.rows {
			if stocks(part.row.variant) {
				w.move(part.row.variant, part.row.at(), part.quantity, movement{resourceType: movedBySalesOrder, resourceID: part.row.id, orderNo: o.no, orderID: o.id})
			}
		}
		f.remove(now)
	}
	return nil
}

// OrderRefunded takes lines out of an order. What is not fulfilled yet leaves
// committed; with Restock it becomes available again, without it is gone from
// on hand as well. Of what is fulfilled, Restock puts the returned goods back
// into both systems' stock.
type OrderRefunded struct {
	Store, Order string
	Lines        []Line // none means all
	Restock      bool
	Location     string        // Shopify location that takes returned goods; "" means where they left from
	After        time.Duration // how much later Katana learns of it
}

func (e OrderRefunded) play(w *World) error {
	s, o, err := w.storeOrder(e.Store, e.Order)
	if err != nil {
		return err
	}
	if !o.cancelledAt.IsZero() {
		return fmt.Errorf("order %s is cancelled", e.Order)
	}
	var at *storeLocation
	if e.Location != "" {
		if at, err = s.mustLocation(e.Location); err != nil {
			return err
		}
	}
	pieces, err := o.refundable(e.Lines)
	if err != nil {
		return err
	}
	now := w.stamp()
	refund := &storeRefund{id: w.newID(), order: o, createdAt: now}
	var learned []salesRowRefunded
	for _, line := range o.lines {
		n := pieces[line]
		if n == 0 {
			continue
		}
		open := min(n, line.remaining())
		returned := n - open
		refund.lines = append(refund.lines, o.strike(now, line, open, e.Restock)...)
		if returned > 0 {
			refund.lines = append(refund.lines, o.takeBack(now, line, returned, e.Restock, at))
		}
		back := 0
		if e.Restock {
			back = returned
		}
		learned = append(learned, salesRowRefunded{line, units(open), units(back)})
	}
	for i := range refund.lines {
		refund.lines[i].id = w.newID()
	}
	o.refunds = append(o.refunds, refund)
	o.settle(now)
	for _, part := range learned {
		if e.After > 0 {
			w.schedule(e.After, part)
			continue
		}
		if err := part.play(w); err != nil {
			return err
		}
	}
	return nil
}

// refundable spreads lines over an order, fulfilled pieces last.
func (o *storeOrder) refundable(lines []Line) (map[*storeLine]int, error) {
	left := func(l *storeLine) int { return l.quantity - l.removed - l.returned }
	pieces := make(map[*storeLine]int)
	if len(lines) == 0 {
		for _, line := range o.lines {
			pieces[line] = left(line)
		}
		return pieces, nil
	}
	for _, asked := range lines {
		n, err := wholePieces(asked.Quantity)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", asked.SKU, err)
		}
		for _, line := range o.lines {
			if line.listing.sku == asked.SKU {
				some := min(n, left(line)-pieces[line])
				pieces[line] += some
				n -= some
			}
		}
		if n > 0 {
			return nil, fmt.Errorf("order %s has not that much of %q", o.name, asked.SKU)
		}
	}
	return pieces, nil
}

// salesRowRefunded is Katana's part of a refund.
type salesRowRefunded struct {
	line           *storeLine
	open, returned decimal
}

func (e salesRowRefunded) play(w *World) error {
	row, now := e.line.row, w.stamp()
	if row == nil || row.order.deleted() {
		return nil // Katana never knew of it
	}
	if fell := min(e.open, row.open()); fell > 0 {
		w.recommit(row.order, func() { row.quantity -= fell })
		if row.quantity == 0 {
			row.remove(now)
		}
		row.touch(now)
		w.restate(row.order)
	}
	if e.returned > 0 && stocks(row.variant) {
		w.move(row.variant, row.at(), e.returned, movement{resourceType: movedBySalesOrder, resourceID: row.id, orderNo: row.order.no, orderID: row.order.id})
	}
	return nil
}
