package reconcile

import (
	"fmt"
	"time"

	"stocksyncd/reconcile/inventory"
)

// clockMoved is by how much our clock must have moved against Katana's to have
// been set: what an answer says of the time is as old as the way it took.
const clockMoved = time.Minute

// clockSet is by how much our clock was set since the last cycle.
type clockSet struct {
	by  time.Duration
	now time.Time // by the new time
}

// follow moves what is kept along with our clock where that was set since the last
// cycle, forth or back, which Katana's tells. What waits waits no shorter, so that
// nothing is raised too soon, and not until the clock has come round again.
func (c *cycle) follow() error {
	ahead := c.r.opts.Source.Ahead()
	last := c.source.Ahead
	if last == nil || (*last-ahead).Abs() < clockMoved {
		c.source.Ahead = &ahead
		return nil
	}
	set := clockSet{*last - ahead, c.started}
	c.r.opts.Log.Warn("the clock of this machine was set; what waits goes by the new time", "by", set.by.String())
	c.source.Trusted, c.r.open.read = set.moved(c.source.Trusted), set.moved(c.r.open.read)
	for api, p := range c.r.paused {
		c.r.paused[api] = pause{until: p.until.Add(set.by), err: p.err}
	}
	if c.mirror != nil {
		c.mirror.follow(set)
	}
	for name, kept := range c.memories {
		kept.follow(set)
		observation := inventory.Observation{Levels: kept.shelf.remembered(), Memory: kept.Memory}
		if err := c.r.opts.Journal.Observe(name, observation); err != nil {
			kept.doubtful = true
			return fmt.Errorf("state: %w", err) // the next cycle follows: what moves twice waits longer
		}
	}
	c.source.Ahead = &ahead
	return nil
}

// after is by how much something moves that began at a time. Where the clock was
// set back, what would lie in the future begins now, and the rest stays: it may be
// Katana's clock that was wrong, and to wait once more is safe. Where it was set
// forth, what this cycle has noted already goes by the new time.
func (set clockSet) after(since time.Time) time.Duration {
	switch {
	case set.by < 0:
		return min(set.now.Sub(since), 0)
	case !since.Before(set.now):
		return 0
	}
	return set.by
}

// moved moves a time, if it is one.
func (set clockSet) moved(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(set.after(t))
}

// span moves what waits from one time to another.
func (set clockSet) span(since, until time.Time) (time.Time, time.Time) {
	by := set.after(since)
	return since.Add(by), until.Add(by)
}

// follow moves what waits by our clock; what the store's or Katana's clock says
// stays.
func (m *memory) follow(set clockSet) {
	m.Ledger.Since, m.Ledger.Told, m.Look.Whole = set.moved(m.Ledger.Since), set.moved(m.Ledger.Told), set.moved(m.Look.Whole)
	m.failing = set.moved(m.failing)
	for i := range m.Ledger.Entries {
		e := &m.Ledger.Entries[i]
		e.Since, e.Expires = set.span(e.Since, e.Expires)
	}
	for i := range m.Quarantine {
		q := &m.Quarantine[i]
		q.Since, q.Until = set.span(q.Since, q.Until)
		q.Reported = set.moved(q.Reported)
	}
	for _, sales := range []map[int64]inventory.KnownSale{m.Ledger.Sales, m.Ledger.Landed} {
		for id, sale := range sales {
			sale.Done, sale.Released, sale.Heard = set.moved(sale.Done), set.moved(sale.Released), set.moved(sale.Heard)
			sales[id] = sale
		}
	}
	for i := range m.Rivals {
		r := &m.Rivals[i]
		r.Since, r.Last, r.Wrote = set.moved(r.Since), set.moved(r.Last), set.moved(r.Wrote)
		for j := range r.Rounds {
			r.Rounds[j].At, r.Rounds[j].Seen = set.moved(r.Rounds[j].At), set.moved(r.Rounds[j].Seen)
		}
	}
	for i := range m.Holds {
		h := &m.Holds[i]
		h.Since, h.Reported, h.Released = set.moved(h.Since), set.moved(h.Reported), set.moved(h.Released)
	}
	for i := range m.Written {
		m.Written[i].At = set.moved(m.Written[i].At)
	}
	for _, it := range m.shelf.items {
		for i := range it.slots {
			if one := &it.slots[i]; one.known {
				one.first = set.moved(when(one.first)).UnixNano()
			}
		}
	}
}

// remembered is the record of every level.
func (s *shelf) remembered() map[inventory.Key]inventory.Seen {
	levels := map[inventory.Key]inventory.Seen{}
	for id, it := range s.items {
		for i := range it.slots {
			key := s.key(id, it.slots[i].at)
			if seen, known := s.seen(key); known {
				levels[key] = seen
			}
		}
	}
	return levels
}

// follow moves the times at which variants are to be read again.
func (m *mirror) follow(set clockSet) {
	m.since = set.moved(m.since)
	for _, times := range m.hot {
		for i := range times {
			times[i] = times[i].Add(set.by) // the sweep comes to them at the latest
		}
	}
}
