package reconcile_test

import (
	"cmp"
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"stocksyncd/reconcile/inventory"
)

// event is one thing that happens to a town.
type event struct {
	at    time.Time
	kind  kind
	id    int64 // of the order, or of the draw
	level int   // of an edit
	pool  int   // of an adjustment
	units int64
	order *drawn    // of a sale
	of    *purchase // of all that follows a sale
}

type kind int

const (
	selling    kind = iota // a customer orders
	importing              // Katana hears of the order
	refunding              // a customer gets money back
	hearing                // Katana hears of a refund
	packing                // an order leaves the warehouse
	editing                // somebody edits a figure in Shopify by hand
	adjusting              // stock comes, goes or is counted in Katana
	forgetting             // the state file is lost
)

// drawn is an order as it was drawn: whether the store takes it depends on what
// it offers then.
type drawn struct {
	lines            []line
	atTill           bool          // it is taken and handed out at once, whatever is offered
	lag              float64       // of its import, from 0 to 1
	packed           time.Duration // after the import
	refunded         time.Duration // after the sale; 0 is never
	partly, restocks bool          // the refund
	heard            time.Duration // after the refund
}

// line is the units of a SKU that an order takes.
type line struct {
	level  int
	pool   int // that Katana will take them from
	units  int64
	shown  shown
	hidden int64 // units whose fall no look can have seen
}

// purchase is an order that a store took.
type purchase struct {
	*drawn
	id                       int64
	store                    int
	at, updated              time.Time
	lines                    []line
	imported, packed, called bool // called off, or refunded and given back to stock
	outside                  bool // it has left the shop
}

// agenda is what is due, a heap. What is due at the same time comes in the order
// of its kind and number, however it was put there.
type agenda []event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return cmp.Or(a[i].at.Compare(a[j].at), cmp.Compare(a[i].kind, a[j].kind), cmp.Compare(a[i].id, a[j].id)) < 0
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) } //nolint:forcetypeassert // it is ours
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}
func (a *agenda) add(e event) { heap.Push(a, e) }
func (a *agenda) take() event { return heap.Pop(a).(event) } //nolint:forcetypeassert // it is ours

// What happens in a day. Some 200 of the orders find what they want.
const (
	ordersDaily  = 235
	editsDaily   = 12
	adjustsDaily = 45
)

// drawDays draws all that happens, whatever the regime.
func (m *town) drawDays(draw *rand.Rand) {
	id := int64(0)
	put := func(e event) {
		id++
		e.id = id
		m.due = append(m.due, e)
	}
	for today := range m.days {
		some := func() time.Time {
			return m.began.Add(time.Duration(today)*day + time.Duration(draw.Int64N(int64(day))))
		}
		rush, left := some(), 20+draw.IntN(30) // within minutes many want the same
		for range ordersDaily {
			e := event{at: some(), kind: selling, order: m.drawOrder(draw)}
			if left--; left >= 0 {
				e.at = rush.Add(time.Duration(draw.IntN(600)) * time.Second)
			}
			put(e)
		}
		for range editsDaily {
			put(event{at: some(), kind: editing, level: m.someSKU(draw)*levelsEach + draw.IntN(levelsEach), units: draw.Int64N(13) - 6})
		}
		for range adjustsDaily {
			e := event{at: some(), kind: adjusting, pool: m.someSKU(draw)*poolsEach + draw.IntN(poolsEach), units: draw.Int64N(9) - 4}
			if draw.IntN(2) == 0 {
				e.units = 10 + draw.Int64N(30)
			}
			put(e)
		}
		if draw.IntN(4) == 0 {
			put(event{at: some(), kind: forgetting})
		}
	}
	heap.Init(&m.due)
}

// someSKU is one of the five that four in five orders are of, or any other.
func (m *town) someSKU(draw *rand.Rand) int {
	if draw.IntN(5) > 0 {
		return draw.IntN(popular)
	}
	return popular + draw.IntN(m.skus-popular)
}

func (m *town) drawOrder(draw *rand.Rand) *drawn {
	o := &drawn{
		atTill: draw.IntN(20) == 0, lag: draw.Float64(), packed: time.Duration(10+draw.IntN(24*60)) * time.Minute,
		partly: draw.IntN(2) == 0, restocks: draw.IntN(3) > 0, heard: time.Duration(5+draw.IntN(900)) * time.Second,
	}
	if draw.IntN(8) == 0 {
		o.refunded = time.Duration(1+draw.IntN(2*24*3600)) * time.Second
		if draw.IntN(2) == 0 {
			o.refunded = time.Duration(1+draw.IntN(900)) * time.Second
		}
	}
	store := draw.IntN(2)
	for n := 1 + draw.IntN(5)/4; len(o.lines) < n; {
		sku := m.someSKU(draw)
		if len(o.lines) > 0 && o.lines[0].level/levelsEach == sku {
			continue
		}
		j := 2
		if store == 0 {
			j = draw.IntN(2)
		}
		from := m.sources[j][draw.IntN(len(m.sources[j]))]
		o.lines = append(o.lines, line{level: sku*levelsEach + j, pool: sku*poolsEach + from, units: 1 + draw.Int64N(4)/2})
	}
	return o
}

// takes is how long the import of an order takes: as often between five seconds
// and a minute as between an hour and half a day.
func (m *town) takes(o *drawn) time.Duration {
	least, most := math.Log(5), math.Log(m.most.Seconds())
	if o.atTill { // what has left the shop counts for a day at most
		most = min(most, math.Log((20 * time.Hour).Seconds()))
	}
	return time.Duration(math.Exp(least+o.lag*(most-least)) * float64(time.Second))
}

// happen has the lock.
func (m *town) happen(e event) {
	switch e.kind {
	case selling:
		m.sell(e)
	case importing:
		m.imports(e.of)
	case refunding:
		m.refund(e.of)
	case hearing:
		m.hears(e.of)
	case packing:
		m.pack(e.of)
	case editing:
		m.edit(e.level, e.units)
	case adjusting:
		m.adjust(e.pool, e.units)
	case forgetting:
		m.mishap.forget = true
	}
}

// sell takes an order if the store offers all of it.
func (m *town) sell(e event) {
	for _, line := range e.order.lines {
		if m.levels[line.level].available < line.units && !e.order.atTill {
			m.account.refused++
			return
		}
	}
	p := &purchase{drawn: e.order, id: e.id, store: storeOf(e.order.lines[0].level), at: m.now, updated: m.now, outside: e.order.atTill}
	p.lines = append(p.lines, e.order.lines...)
	m.purchases = append(m.purchases, p)
	m.counters[p.store].orders = append(m.counters[p.store].orders, p)
	for i := range p.lines {
		line := &p.lines[i]
		m.touch(line.level / levelsEach)
		if most := max(0, m.sellable(line.level)); line.units > most {
			m.account.short += line.units - most
		}
		m.pools[line.pool].sold += line.units
		m.shows(line.level, m.levels[line.level].available-line.units)
		m.sold(p, i)
		m.say(line.level/levelsEach, "level %d sells %d (#%d)", line.level%levelsEach, line.units, p.id)
	}
	m.due.add(event{at: m.now.Add(m.takes(e.order)), kind: importing, id: p.id, of: p})
	if p.refunded > 0 {
		m.due.add(event{at: m.now.Add(p.refunded), kind: refunding, id: p.id, of: p})
	}
}

// imports has Katana commit an order; it takes what has left the shop from its
// stock at once.
func (m *town) imports(p *purchase) {
	if p.called {
		return
	}
	p.imported = true
	for i := range p.lines {
		line := &p.lines[i]
		m.touch(line.level / levelsEach)
		m.pools[line.pool].sold -= line.units
		m.known(line)
		if p.outside {
			m.pools[line.pool].inStock -= line.units
		} else {
			m.pools[line.pool].committed += line.units
		}
		m.say(line.level/levelsEach, "Katana imports %d of level %d (#%d)", line.units, line.level%levelsEach, p.id)
	}
	status := "NOT_SHIPPED"
	if p.packed = p.outside; p.packed {
		status = "DELIVERED"
	}
	m.depot.takes(p, status)
	if !p.packed {
		m.due.add(event{at: m.now.Add(p.drawn.packed), kind: packing, id: p.id, of: p})
	}
}

// refund gives money back for an order: all of it, or one unit where Katana does
// not know the order yet. What is not packed goes back to stock.
func (m *town) refund(p *purchase) {
	p.updated = m.now
	switch {
	case p.outside && !p.restocks: // the goods are gone
	case p.packed || p.outside:
		if p.imported {
			m.givesBack(p, func(line) int64 { return 0 })
			p.called = true
			m.due.add(event{at: m.now.Add(p.heard), kind: hearing, id: p.id, of: p})
		}
	case p.imported:
		p.called = true
		m.givesBack(p, func(line) int64 { return 0 })
		m.due.add(event{at: m.now.Add(p.heard), kind: hearing, id: p.id, of: p})
	case p.partly && p.lines[0].units > 1:
		m.givesBack(p, func(l line) int64 { return l.units - min(1, l.units-1) })
	default:
		p.called = true
		m.givesBack(p, func(line) int64 { return 0 })
	}
}

// givesBack raises the levels of an order to what is left of it. What Katana does
// not know yet, it will not hear of.
func (m *town) givesBack(p *purchase, left func(line) int64) {
	for i := range p.lines {
		line := &p.lines[i]
		stays := left(*line)
		back := line.units - stays
		m.touch(line.level / levelsEach)
		if !p.imported {
			m.pools[line.pool].sold -= back
			line.units = stays
			line.hidden = min(line.hidden, stays)
		}
		m.shows(line.level, m.levels[line.level].available+back)
		m.risen(line.level, back)
		m.say(line.level/levelsEach, "%d given back to level %d (#%d)", back, line.level%levelsEach, p.id)
	}
}

// hears has Katana take a refund in.
func (m *town) hears(p *purchase) {
	for i := range p.lines {
		line := &p.lines[i]
		m.touch(line.level / levelsEach)
		if p.packed {
			m.pools[line.pool].inStock += line.units
		} else {
			m.pools[line.pool].committed -= line.units
		}
		m.say(line.level/levelsEach, "Katana hears that %d are given back (#%d)", line.units, p.id)
	}
	m.depot.callsOff(p)
}

// pack takes an order out of the warehouse, and tells the store.
func (m *town) pack(p *purchase) {
	if p.called {
		return
	}
	p.packed, p.outside, p.updated = true, true, m.now
	for i := range p.lines {
		line := &p.lines[i]
		m.touch(line.level / levelsEach)
		m.pools[line.pool].inStock -= line.units
		m.pools[line.pool].committed -= line.units
		m.say(line.level/levelsEach, "%d packed (#%d)", line.units, p.id)
	}
	m.depot.packs(p)
}

func (m *town) edit(l int, units int64) {
	if units = max(units, -m.levels[l].available); units == 0 {
		return
	}
	m.touch(l / levelsEach)
	m.shows(l, m.levels[l].available+units)
	if units > 0 {
		m.risen(l, units)
	}
	m.say(l/levelsEach, "level %d edited by %+d", l%levelsEach, units)
}

func (m *town) adjust(i int, units int64) {
	p := &m.pools[i]
	if units = max(units, -p.inStock); units == 0 {
		return
	}
	m.touch(i / poolsEach)
	p.inStock += units
	m.depot.moved(i / poolsEach)
	m.say(i/poolsEach, "Katana's location %d adjusted by %+d", i%poolsEach, units)
}

// shows moves a level.
func (m *town) shows(l int, units int64) {
	m.levels[l].available, m.levels[l].updated = units, m.now
}

// sale is the order as the store tells of it.
func (p *purchase) sale(m *town) inventory.Sale {
	sale := inventory.Sale{ID: p.id, Name: fmt.Sprint("#", p.id), Created: p.at, Updated: p.updated}
	if p.called {
		return sale
	}
	for _, line := range p.lines {
		key := m.keyOf(line.level)
		told := inventory.SaleLine{Item: key.Item, SKU: skuOf(line.level / levelsEach), Location: key.Location, Open: inventory.Units(line.units)}
		if p.outside {
			told.Open, told.Done = 0, told.Open
		}
		sale.Lines = append(sale.Lines, told)
	}
	return sale
}
