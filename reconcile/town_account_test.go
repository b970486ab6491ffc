package reconcile_test

import (
	"fmt"
	"time"
)

// account is what a town came to, and what of it was because of us.
//
// What can be sold of a level is what Katana has available at the locations that
// it draws on, less the units of orders that will be taken from there and are not
// imported: its sellable units. A level that offers more is oversold; levels that
// draw on the same stock may each offer all of it.
//
// A level is oversold for many reasons, and most are not ours: another level has
// sold what both offer, somebody has edited a figure or counted the stock. Ours is
// a raise of ours. At the moment of each, the new figure is held against what is
// sellable then, given every order that a store had accepted before the cycle
// began, and every later one that a look of the cycle has shown us: a unit sold
// behind our back, after we looked, is not counted. The units by which the new
// figure exceeds both that and the figure before it were raised into oversell by
// us: one is too many. It makes no difference whether somebody buys them, nor who
// oversold the level before.
//
// Without the orders of the stores, a sale shows as the fall of a level. One that
// falls into the same interval between two looks as a rise at the same level (a
// figure edited up, an order given back to stock) does not show, neither by a look
// nor by compare-and-set: nobody who looks at levels can know of it. Such units are told apart: until their order has been
// imported, and for one settle after that (the order takes the fall of another
// sale for its own), as many units of the SKU may be raised too far. They are
// counted and printed, and are none where orders are known.
//
// Hidden stock is what is sellable and not offered. missing is all of it, whoever
// is to blame: stock that came since the last cycle is in it, and figures edited
// down. left is what a cycle left, having had its chance: the units that a level
// lacked when a cycle ended, whether that one went wrong or not, for as long as it
// lacks them. Both are a share of sellable, in units of stock times time, over all
// levels.
type account struct {
	days, cycles, crashes, faults, forgotten int
	orders, refused                          int   // taken, and not
	units, short                             int64 // that were ordered, and those beyond what was sellable
	writes, raises, stale                    int
	raised, masked                           int64 // into oversell, by us: known to be sold, and not to be known
	sellable, missing, left, ours            float64
	wrong                                    []wrong // the first of each town
}

// offer is a level and what is accounted of it.
type offer struct {
	available int64
	updated   time.Time
	at        time.Time // accounted up to
	ours      int64     // units of its excess that we raised
	left      int64     // units that it lacks since a cycle ended
	rises     rises
}

// wrong is a raise into oversell.
type wrong struct {
	town int
	sku  int
	what string
}

// rises is what rose and was sold at a level since a look that was kept.
type rises struct {
	units, looked int64
	lines         []*line
}

// shown is who has been shown a line by a look.
type shown int

const (
	toNobody shown = iota
	toItsStore
	toAll
)

// touch accounts the levels of a SKU up to now, before anything happens to them.
func (m *town) touch(sku int) {
	a := &m.account
	for l := sku * levelsEach; l < (sku+1)*levelsEach; l++ {
		o := &m.levels[l]
		right, offered := max(0, m.sellable(l)), max(0, o.available)
		lacks := max(0, right-offered)
		o.ours, o.left = min(o.ours, max(0, offered-right)), min(o.left, lacks)
		if span := m.now.Sub(o.at).Minutes(); span > 0 {
			a.sellable += float64(right) * span
			a.missing += float64(lacks) * span
			a.left += float64(o.left) * span
			a.ours += float64(o.ours) * span
			o.at = m.now
		}
	}
}

// cycleEnded notes what each level lacks although there was a cycle.
func (m *town) cycleEnded() {
	for sku := range m.skus {
		m.touch(sku)
	}
	for l := range m.levels {
		m.levels[l].left = max(0, max(0, m.sellable(l))-max(0, m.levels[l].available))
	}
}

// mostOf is the most that a cycle may raise a level to.
func (m *town) mostOf(l int) int64 {
	most := m.sellable(l)
	for _, sold := range m.fresh {
		line := sold.line()
		if line.level/levelsEach != l/levelsEach || !m.draws(l, line.pool%poolsEach) || sold.called {
			continue
		}
		if line.shown == toNobody || line.shown == toItsStore && storeOf(line.level) != storeOf(l) {
			most += line.units
		}
	}
	return max(0, most)
}

// soldLine is a line of an order.
type soldLine struct {
	*purchase
	i int
}

func (s soldLine) line() *line { return &s.lines[s.i] }

// sold notes a sale that no look has shown yet.
func (m *town) sold(p *purchase, i int) {
	m.fresh = append(m.fresh, soldLine{p, i})
	o := &m.levels[p.lines[i].level]
	o.rises.lines = append(o.rises.lines, &p.lines[i])
}

// risen notes a rise that no look has shown yet.
func (m *town) risen(l int, units int64) { m.levels[l].rises.units += units }

// looked notes that a store has shown a level. What it shows after a write of
// its own in the same cycle, the other store need not know.
func (m *town) looked(l int) {
	o := &m.levels[l]
	m.say(l/levelsEach, "level %d is looked at", l%levelsEach)
	o.rises.looked = o.rises.units
	for _, line := range o.rises.lines {
		switch {
		case line.shown == toAll:
		case m.counters[storeOf(l)].wrote:
			line.shown = toItsStore
		default:
			line.shown = toAll
		}
	}
}

// noted tells that what a store has shown is durable.
func (m *town) noted(store int) {
	for l := range m.levels {
		if storeOf(l) == store {
			m.takenIn(l)
		}
	}
}

// takenIn takes the falls of a level for known that a look has shown, but for what
// rose in the meantime.
func (m *town) takenIn(l int) {
	o := &m.levels[l].rises
	if o.looked == 0 && len(o.lines) == 0 {
		return
	}
	var later []*line
	for _, line := range o.lines {
		if line.shown == toNobody {
			later = append(later, line)
			continue
		}
		if hides := min(o.looked, line.units); hides > 0 && !m.told {
			line.hidden = hides
			o.looked, o.units = o.looked-hides, o.units-hides
			m.masks = append(m.masks, mask{line: line})
		}
	}
	*o = rises{units: o.units - o.looked, lines: later}
}

// mask is a line of an order of which some units cannot be known to be sold.
type mask struct {
	line  *line
	until time.Time // zero while it is not imported
}

// known notes that a line is imported.
func (m *town) known(l *line) {
	for i := range m.masks {
		if m.masks[i].line == l {
			m.masks[i].until = m.now.Add(settle + 10*time.Minute)
		}
	}
}

// unknowable is the units of a SKU that may be raised too far since nobody can
// know that they are sold.
func (m *town) unknowable(sku int) (units int64) {
	for _, one := range m.masks {
		if one.line.level/levelsEach == sku && (one.until.IsZero() || m.now.Before(one.until)) {
			units += one.line.hidden
		}
	}
	return units
}

// writes accounts a write of ours, before it is made.
func (m *town) writes(l int, from, to int64) {
	a, sku := &m.account, l/levelsEach
	m.touch(sku)
	a.writes++
	m.say(sku, "level %d is written %d→%d", l%levelsEach, from, to)
	if !m.told && !m.naive { // as it shows what it did, nothing has happened to it for all we know
		m.looked(l)
		m.takenIn(l)
	}
	if to <= from {
		return
	}
	a.raises++
	over := to - max(from, m.mostOf(l))
	if over <= 0 {
		return
	}
	m.levels[l].ours += over
	masked := min(over, m.unknowable(sku))
	a.masked, a.raised = a.masked+masked, a.raised+over-masked
	m.say(sku, "RAISED %d too far, %d of them unknowable", over, masked)
	if len(a.wrong) == 0 && over > masked {
		a.wrong = append(a.wrong, wrong{m.number, sku, fmt.Sprintf("town %d, %s: %s at level %d (%v) was raised from %d to %d, and %d can be sold",
			m.number, m.now.Format("02 15:04:05"), skuOf(sku), l%levelsEach, m.sources[l%levelsEach], from, to, m.mostOf(l))})
	}
}

// add adds the account of another town.
func (a *account) add(b *account) {
	a.days, a.cycles, a.crashes = a.days+b.days, a.cycles+b.cycles, a.crashes+b.crashes
	a.faults, a.forgotten = a.faults+b.faults, a.forgotten+b.forgotten
	a.orders, a.refused, a.units, a.short = a.orders+b.orders, a.refused+b.refused, a.units+b.units, a.short+b.short
	a.writes, a.raises, a.stale = a.writes+b.writes, a.raises+b.raises, a.stale+b.stale
	a.raised, a.masked = a.raised+b.raised, a.masked+b.masked
	a.sellable, a.missing, a.left, a.ours = a.sellable+b.sellable, a.missing+b.missing, a.left+b.left, a.ours+b.ours
	a.wrong = append(a.wrong, b.wrong...)
}

// hidden is the share of sellable unit-minutes that cycles left hidden, and all
// that were, in percent.
func (a *account) hidden() (left, missing float64) {
	return 100 * a.left / a.sellable, 100 * a.missing / a.sellable
}
