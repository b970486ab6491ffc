package sandbox

import (
	"fmt"
	"time"
)

// storeOrder is an order in a Shopify store.
type storeOrder struct {
	id                   int64
	name                 string
	location             *storeLocation
	fulfillmentOrderID   int64
	lines                []*storeLine
	unpaid               bool
	cancelledAt          time.Time
	closed               bool
	createdAt, updatedAt time.Time
	importing            Import      // how the importer treats it
	waiting              bool        // for its payment, to be imported
	sales                *salesOrder // its counterpart in Katana; nil until imported
}

// storeLine is one line of an order. What is left to do is quantity less
// refunded less fulfilled.
type storeLine struct {
	id        int64
	listing   *listing
	quantity  int
	fulfilled int
	removed   int // refunded or cancelled before fulfilment
	returned  int // refunded after fulfilment
	imported  bool
	row       *salesRow // nil until imported, and where Katana has no such SKU
}

func (l *storeLine) remaining() int { return l.quantity - l.fulfilled - l.removed }

// stocked calls do with the level that pieces of a listing are taken from.
// Untracked items, and items that were never stocked there, have none.
func (l *listing) stocked(at *storeLocation, pieces int, do func(*level, int)) {
	if level := l.at(at); level != nil && l.tracked {
		do(level, pieces)
	}
}

// lines are the order lines for pieces of a listing: an order of a bundle
// lists the components in its place.
func (l *listing) lines(pieces int) []*storeLine {
	if !l.bundle() {
		return []*storeLine{{listing: l, quantity: pieces}}
	}
	var lines []*storeLine
	for _, p := range l.parts {
		lines = append(lines, p.listing.lines(pieces*p.quantity)...)
	}
	return lines
}

// addRow adds a row to a sales order and commits it.
func (w *World) addRow(o *salesOrder, v *variant, at *place, quantity decimal) *salesRow {
	k := &w.katana
	k.last.orderRow++
	now := w.stamp()
	row := &salesRow{dated: dated{createdAt: now, updatedAt: now}, id: k.last.orderRow, order: o, variant: v, location: at, quantity: quantity}
	o.rows = append(o.rows, row)
	o.touch(now)
	k.orderRows = append(k.orderRows, row)
	if stocks(v) {
		v.at(row.at()).committed += row.open()
	}
	return row
}

// stocks reports whether a variant has stock at all.
func stocks(v *variant) bool { return v.item.kind != kindService }

// recommit carries out a change of an order or its rows and keeps what it
// commits in step.
func (w *World) recommit(o *salesOrder, change func()) {
	before := make([]decimal, len(o.rows))
	for i, row := range o.rows {
		before[i] = row.open()
	}
	change()
	for i, row := range o.rows {
		if stocks(row.variant) && i < len(before) {
			row.variant.at(row.at()).committed += row.open() - before[i]
		}
	}
	o.touch(w.stamp())
}

func (w *World) newSalesOrder(no, source, status string, at *place, from ecommerce) *salesOrder {
	k := &w.katana
	k.last.order++
	now := w.stamp()
	o := &salesOrder{dated: dated{createdAt: now, updatedAt: now}, id: k.last.order, no: no, source: source, status: status, customer: anyCustomer, location: at, ecommerce: from}
	k.orders = append(k.orders, o)
	k.orderByNo[no] = o
	return o
}

// fulfil packs or delivers what is asked of each row; both lower in stock and
// committed together, and a delivery of what is packed already lowers nothing.
func (w *World) fulfil(o *salesOrder, wanted map[*salesRow]decimal, status string) {
	k, now := &w.katana, w.stamp()
	k.last.fulfillment++
	f := &fulfillment{dated: dated{createdAt: now, updatedAt: now}, id: k.last.fulfillment, order: o, status: status, picked: now}
	w.recommit(o, func() {
		for _, row := range o.rows {
			quantity := wanted[row]
			if quantity <= 0 {
				continue
			}
			k.last.fulfillmentRow++
			f.rows = append(f.rows, fulfillmentRow{k.last.fulfillmentRow, row, quantity})
			row.fulfilled += quantity
			row.touch(now)
			w.take(row, quantity)
		}
	})
	if len(f.rows) > 0 {
		k.fulfillments = append(k.fulfillments, f)
		o.fulfillments = append(o.fulfillments, f)
	}
	w.restate(o)
}

// take lowers in stock for a row that leaves. What a kit does not hold ready
// made is assembled on the spot from its components.
func (w *World) take(row *salesRow, quantity decimal) {
	v, l := row.variant, row.at()
	if !stocks(v) {
		return
	}
	cause := movement{resourceType: movedBySalesOrder, resourceID: row.id, orderNo: row.order.no, orderID: row.order.id}
	if v.item.kit && len(v.bom) > 0 {
		if short := quantity - max(0, v.at(l).inStock); short > 0 {
			w.assemble(v, l, short, row)
		}
	}
	w.move(v, l, -quantity, cause)
}

// assemble makes pieces of a kit with a manufacturing order that is done at
// once, as Katana does for kits.
func (w *World) assemble(v *variant, l *place, quantity decimal, row *salesRow) {
	m := w.newMakeOrder(v, l, quantity, fmt.Sprintf("%s / %d", row.order.no, row.id))
	m.salesRow = row
	w.finish(m)
}

// newMakeOrder opens a manufacturing order and commits its ingredients.
func (w *World) newMakeOrder(v *variant, l *place, planned decimal, no string) *makeOrder {
	k, now := &w.katana, w.stamp()
	k.last.makeOrder++
	m := &makeOrder{dated: dated{createdAt: now, updatedAt: now}, id: k.last.makeOrder, no: no, status: makeNotStarted, variant: v, location: l, planned: planned}
	if no == "" {
		m.no = fmt.Sprintf("MO-%d", m.id)
	}
	k.making = append(k.making, m)
	v.at(l).expected += planned
	for _, b := range v.bom {
		k.last.recipeRow++
		r := &recipeRow{dated: m.dated, id: k.last.recipeRow, order: m, variant: b.ingredient, perUnit: b.quantity}
		m.recipe = append(m.recipe, r)
		k.recipeRows = append(k.recipeRows, r)
		if stocks(r.variant) {
			r.variant.at(l).committed += r.remaining()
		}
	}
	return m
}

// finish completes a manufacturing order: ingredients go, products come.
func (w *World) finish(m *makeOrder) {
	now := w.stamp()
	for _, r := range m.recipe {
		used := r.remaining()
		if stocks(r.variant) {
			r.variant.at(m.location).committed -= used
		}
		if r.variant.item.kit && len(r.variant.bom) > 0 {
			if short := used - max(0, r.variant.at(m.location).inStock); short > 0 && m.nested < deepestKit {
				inner := w.newMakeOrder(r.variant, m.location, short, "")
				inner.salesRow = m.salesRow
				inner.nested = m.nested + 1
				w.finish(inner)
			}
		}
		if stocks(r.variant) {
			w.move(r.variant, m.location, -used, movement{resourceType: movedAsIngredient, resourceID: r.id, orderNo: m.no, orderID: m.id})
		}
		r.consumed = used
		r.touch(now)
	}
	m.variant.at(m.location).expected -= m.planned
	m.status, m.actual, m.doneAt = makeDone, m.planned, now
	m.touch(now)
	w.move(m.variant, m.location, m.planned, movement{resourceType: movedByProduction, resourceID: m.id, orderNo: m.no, orderID: m.id})
}

// drop deletes a manufacturing order and lets its ingredients go.
func (w *World) drop(m *makeOrder) {
	for _, r := range m.recipe {
		if stocks(r.variant) {
			r.variant.at(m.location).committed -= r.remaining()
		}
		r.remove(w.stamp())
	}
	m.variant.at(m.location).expected -= m.planned
	m.remove(w.stamp())
}

// restate derives an order's status from its rows and fulfilments.
func (w *World) restate(o *salesOrder) {
	if o.status == statusPending {
		return
	}
	done, some := true, false
	for _, row := range o.rows {
		if row.deleted() {
			continue
		}
		done = done && row.fulfilled >= row.quantity
		some = some || row.fulfilled > 0
	}
	delivered := true
	for _, f := range o.fulfillments {
		if !f.deleted() {
			delivered = delivered && f.status == statusDelivered
		}
	}
	switch {
	case !some:
		o.status = statusNotShipped
	case done && delivered:
		o.status = statusDelivered
	case done:
		o.status = statusPacked
	case delivered:
		o.status = statusPartiallyDelivered
	default:
		o.status = statusPartiallyPacked
	}
}
