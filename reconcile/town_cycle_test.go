package reconcile_test

import (
	"context"
	"fmt"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// party is who is called in a cycle. The calls of one come one after the other.
type party int

const (
	toKatana party = iota
	toMain
	toOutlet
	toJournal
	parties
)

func toStore(s int) party { return toMain + party(s) }

// mishap is what goes wrong in a cycle. Stores are served side by side, so a
// process that dies does so for each party at a call of its own; what belongs to
// the whole process dies with the first of them.
type mishap struct {
	what   fault
	of     party
	nth    [parties]int
	count  [parties]int
	dead   [parties]bool
	struck bool
	forget bool // the state file is lost with the next end of the process
}

// draw draws what goes wrong in the next cycle: mostly nothing.
func (m *town) draw() {
	forget := m.mishap.forget
	m.mishap = mishap{forget: forget}
	luck := m.luck.IntN(1000)
	m.mishap.of = party(m.luck.IntN(int(parties)))
	for i := range m.mishap.nth {
		m.mishap.nth[i] = 1 + m.luck.IntN(7)
	}
	switch {
	case luck < 10:
		m.mishap.what = failed
	case luck < 13:
		m.mishap.what, m.mishap.of = lost, toStore(luck%2)
	case luck < 15:
		m.mishap.what, m.mishap.of = unsent, toStore(luck%2)
	case luck < 18:
		m.mishap.what = killed
	case luck < 20 || forget:
		m.mishap.what = killedNow
	}
}

// call tells whether a call has its effect, and what its caller hears.
func (m *town) call(of party, write bool) (does bool, _ error) {
	x := &m.mishap
	whole := of == toKatana || of == toJournal
	for i, dead := range x.dead {
		if dead && (whole || party(i) == of) {
			return false, errKilled
		}
	}
	switch x.what {
	case failed, killed, killedNow:
		if x.count[of]++; x.count[of] != x.nth[of] || x.what == failed && x.of != of {
			return true, nil
		}
	case lost, unsent:
		if !write || x.of != of || x.struck {
			return true, nil
		}
	default:
		return true, nil
	}
	x.struck = true
	m.account.faults++
	switch x.what {
	case killed:
		x.dead[of] = true
		return false, errKilled
	case killedNow:
		x.dead[of] = true
		return true, errKilled
	case lost:
		return true, fmt.Errorf("set: %w", inventory.ErrAnswerLost)
	case unsent:
		return false, fmt.Errorf("set: %w", inventory.ErrAnswerLost)
	}
	return false, errCut
}

// cycle runs one, with what goes wrong in it.
func (m *town) cycle(today int) {
	m.draw()
	m.mu.Lock()
	m.fresh = m.fresh[:0]
	m.mu.Unlock()
	m.counters[0].wrote, m.counters[1].wrote = false, false
	m.account.cycles++
	if m.naive {
		m.setDesired()
	} else {
		m.reconcile(today)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.waiting {
		m.happen(e)
	}
	m.waiting = m.waiting[:0]
	m.cycleEnded()
	m.sayCycle()
}

// reconcile runs a cycle of ours: a full one each day, and after a restart an
// incremental one, as the daemon does.
func (m *town) reconcile(today int) {
	kind := inventory.Incremental
	if m.full <= today {
		kind, m.full = inventory.Full, today+1
	}
	report, err := m.r.Cycle(context.Background(), reconcile.Request{Kind: kind})
	switch x := &m.mishap; {
	case x.what == killed || x.what == killedNow:
		m.account.crashes++
		if x.forget {
			m.account.forgotten++
			m.journal.close()
			m.journal, x.forget = nil, false
		}
		m.start()
	case x.struck:
	case err != nil:
		m.t.Fatalf("town %d, %s: %v", m.number, m.now, err)
	case report.Stores[0].Error+report.Stores[1].Error != "":
		m.t.Fatalf("town %d, %s: %s %s", m.number, m.now, report.Stores[0].Error, report.Stores[1].Error)
	}
}

// setDesired is the loop that many have written: read both sides, and set every
// level to what Katana has.
func (m *town) setDesired() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.counters {
		c.all()
	}
	m.step()
	for l := range m.levels {
		if want, shows := max(0, m.available(l)), m.levels[l].available; want != shows && (want > 0 || shows > 0) {
			m.writes(l, shows, want)
			m.shows(l, want)
		}
	}
}

// sayCycle tells of a cycle in which something was known of the traced SKU, or
// went wrong.
func (m *town) sayCycle() {
	book, is := m.journal.(*notebook)
	if m.trace == nil || !is {
		return
	}
	if x := &m.mishap; x.struck || x.what == killed || x.what == killedNow {
		m.say(m.traced, "cycle: %s, of %d", x.what, x.of)
	}
	for _, name := range []inventory.StoreName{"main", "outlet"} {
		ledger := &book.stores[name].memory.Ledger
		for _, e := range ledger.Entries {
			if e.SKU == skuOf(m.traced) {
				m.say(m.traced, "cycle: %s has %d in flight at %d until %s", name, e.Units, e.Key.Location, e.Expires.Format("15:04:05"))
			}
		}
		for _, e := range ledger.Credits {
			if e.SKU == skuOf(m.traced) {
				m.say(m.traced, "cycle: %s has a credit of %d", name, e.Units)
			}
		}
	}
}
