package reconcile

import (
	"fmt"
	"time"

	"stocksyncd/reconcile/inventory"
)

// clockMoved is by how much our clock must have moved against Katana's to have
// been set: what an answer says of the time is as old as the way it took.
const clockMoved = time.Minute

// follow moves what is kept along with our clock where that was set since the last
// cycle, forth or back, which Katana's tells. What waits goes on waiting as long as
// it was to: no shorter, so that nothing is raised too soon, and no longer.
func (c *cycle) follow() error {
	ahead := c.r.opts.Source.Ahead()
	last := c.source.Ahead
	c.source.Ahead = &ahead
	if last == nil || (*last-ahead).Abs() < clockMoved {
		return nil
	}
	by := *last - ahead
	c.r.opts.Log.Warn("the clock of this machine was set; what waits goes by the new time", "by", by.String())
	c.source.Trusted = moved(c.source.Trusted, by)
	for api, p := range c.r.paused {
		c.r.paused[api] = pause{until: p.until.Add(by), err: p.err}
	}
	c.mirror.follow(by)
	for name, kept := range c.memories {
		kept.follow(by)
		levels := map[inventory.Key]inventory.Seen{}
		for id, it := range kept.shelf.items {
			for i := range it.slots {
				key := kept.shelf.key(id, it.slots[i].at)
				if seen, known := kept.shelf.seen(key); known {
					levels[key] = seen
				}
			}
		}
		if err := c.r.opts.Journal.Observe(name, inventory.Observation{Levels: levels, Memory: kept.Memory}); err != nil {
			kept.doubtful = true
			return fmt.Errorf("state: %w", err)
		}
	}
	return nil
}

// moved moves a time, if it is one.
func moved(t time.Time, by time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(by)
}

// follow moves what waits by our clock; what the store's or Katana's clock says
// stays.
func (m *memory) follow(by time.Duration) {
	m.Ledger.Since, m.Look.Whole = moved(m.Ledger.Since, by), moved(m.Look.Whole, by)
	for i := range m.Ledger.Entries {
		e := &m.Ledger.Entries[i]
		e.Since, e.Expires = e.Since.Add(by), e.Expires.Add(by)
	}
	for i := range m.Holds {
		h := &m.Holds[i]
		h.Since, h.Reported, h.Released = h.Since.Add(by), moved(h.Reported, by), moved(h.Released, by)
	}
	for i := range m.Quarantine {
		q := &m.Quarantine[i]
		q.Since, q.Until = q.Since.Add(by), q.Until.Add(by)
	}
	for i := range m.Written {
		m.Written[i].At = m.Written[i].At.Add(by)
	}
	for _, it := range m.shelf.items {
		for i := range it.slots {
			if one := &it.slots[i]; one.known {
				one.first += int64(by)
			}
		}
	}
}

// follow moves the times at which variants are to be read again.
func (m *mirror) follow(by time.Duration) {
	m.since = moved(m.since, by)
	for _, times := range m.hot {
		for i := range times {
			times[i] = times[i].Add(by)
		}
	}
}
