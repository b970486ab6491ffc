package sandbox

import (
	"fmt"
	"slices"
	"time"
)

// storeOrder is an order in a Shopify store.
type storeOrder struct {
	id                   int64
	name                 string
	location             *storeLocation // where its lines were assigned to first
	lines                []*storeLine
	parts                []*storePart // in the order of their ids
	refunds              []*storeRefund
	unpaid               bool
	till                 bool // sold over the counter
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

// claims is how many pieces of the line are the customer's, whether or not they
// have left the shop: all that was neither removed nor returned.
func (l *storeLine) claims() int { return l.quantity - l.removed - l.returned }

// storePart is a fulfilment order: what one location is to fulfil of an order.
type storePart struct {
	id                   int64
	order                *storeOrder
	location             *storeLocation
	lines                []*partLine
	moved                bool // some of it, to another location
	createdAt, updatedAt time.Time
}

// partLine is what a fulfilment order has of a line of its order.
type partLine struct {
	id               int64
	line             *storeLine
	total, fulfilled int
}

func (l *partLine) remaining() int { return l.total - l.fulfilled }

// storeRefund is a refund of an order, or an edit that takes lines out of it.
type storeRefund struct {
	id        int64
	order     *storeOrder
	lines     []refundLine
	createdAt time.Time
}

type refundLine struct {
	id       int64
	line     *storeLine
	quantity int
	restock  string         // RefundLineItemRestockType
	location *storeLocation // where it went back into stock; nil where it did not
}

// part is the fulfilment order for a location that can still take lines; a new
// one where there is none.
func (o *storeOrder) part(w *World, at *storeLocation) *storePart {
	for _, p := range o.parts {
		if p.location == at && p.left() > 0 {
			return p
		}
	}
	now := w.stamp()
	p := &storePart{id: w.newID(), order: o, location: at, createdAt: now, updatedAt: now}
	o.parts = append(o.parts, p)
	return p
}

// left is how many pieces are still to be fulfilled.
func (p *storePart) left() (n int) {
	for _, line := range p.lines {
		n += line.remaining()
	}
	return n
}

// hidden reports whether it was closed since it has moved elsewhere.
func (p *storePart) hidden() bool {
	return p.moved && !slices.ContainsFunc(p.lines, func(l *partLine) bool { return l.total > 0 })
}

// assign has a fulfilment order take pieces of a line.
func (p *storePart) assign(w *World, line *storeLine, pieces int) {
	p.updatedAt = w.stamp()
	for _, l := range p.lines {
		if l.line == line {
			l.total += pieces
			return
		}
	}
	p.lines = append(p.lines, &partLine{id: w.newID(), line: line, total: pieces})
}

// commit adds lines to an order, to be fulfilled from a location.
func (w *World) commit(o *storeOrder, at *storeLocation, lines ...*storeLine) {
	now := w.stamp()
	part := o.part(w, at)
	for _, line := range lines {
		line.id = w.newID()
		part.assign(w, line, line.quantity)
		line.listing.stocked(at, line.quantity, func(l *level, n int) { l.change(-n, n, now) })
	}
	o.lines = append(o.lines, lines...)
}

// each spreads pieces of a line over the fulfilment orders that have some left.
func (o *storeOrder) each(now time.Time, line *storeLine, pieces int, do func(p *storePart, l *partLine, n int)) {
	for _, p := range o.parts {
		for _, l := range p.lines {
			if n := min(pieces, l.remaining()); l.line == line && n > 0 {
				do(p, l, n)
				p.updatedAt, pieces = now, pieces-n
			}
		}
	}
}

// ship fulfils pieces of a line: they leave committed and on hand.
func (o *storeOrder) ship(now time.Time, line *storeLine, pieces int) {
	line.fulfilled += pieces
	o.each(now, line, pieces, func(p *storePart, l *partLine, n int) {
		l.fulfilled += n
		line.listing.stocked(p.location, n, func(l *level, n int) { l.change(0, -n, now) })
	})
}

// strike takes pieces of a line out of an order before they are fulfilled; with
// restock they are available again. It lists what came from where.
func (o *storeOrder) strike(now time.Time, line *storeLine, pieces int, restock bool) (struck []refundLine) {
	line.removed += pieces
	o.each(now, line, pieces, func(p *storePart, l *partLine, n int) {
		l.total -= n
		one, back := refundLine{line: line, quantity: n, restock: "NO_RESTOCK"}, 0
		if restock {
			one.restock, one.location, back = "CANCEL", p.location, n
		}
		struck = append(struck, one)
		line.listing.stocked(p.location, n, func(l *level, n int) { l.change(back, -n, now) })
	})
	return struck
}

// takeBack takes fulfilled pieces of a line back. With restock they go into
// stock at a location, or where the line was fulfilled from when that is nil.
func (o *storeOrder) takeBack(now time.Time, line *storeLine, pieces int, restock bool, at *storeLocation) refundLine {
	line.returned += pieces
	one := refundLine{line: line, quantity: pieces, restock: "NO_RESTOCK"}
	if !restock {
		return one
	}
	one.restock, one.location = "RETURN", at
	for _, p := range o.parts {
		for _, l := range p.lines {
			if l.line == line && l.fulfilled > 0 && one.location == nil {
				one.location = p.location
			}
		}
	}
	line.listing.stocked(one.location, pieces, func(l *level, n int) { l.change(n, 0, now) })
	return one
}

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
