package reconcile

import (
	"slices"
	"strings"
	"time"

	"stocksyncd/reconcile/inventory"
)

// A level that was refused once may have been so for a passing reason: it rests
// for a 16th of the longest rest, and with each refusal in a row twice as long.
const firstRest = 16

// rest is how long a level rests after so many refusals in a row.
func rest(refusals int, longest time.Duration) time.Duration {
	part := longest / firstRest
	for ; refusals > 1 && part < longest; refusals-- {
		part *= 2
	}
	return min(part, longest)
}

// quarantine takes a line that Shopify refused out of the coming plans.
func (s *cycleStore) quarantine(o inventory.Outcome) {
	now := s.c.r.opts.Now()
	if s.refusals == nil {
		s.refusals = make(map[inventory.Key]int, len(s.kept.Quarantine))
		for i := range s.kept.Quarantine {
			s.refusals[s.kept.Quarantine[i].Key] = i
		}
	}
	i, again := s.refusals[o.Key]
	if !again {
		i = len(s.kept.Quarantine)
		s.refusals[o.Key] = i
		s.kept.Quarantine = append(s.kept.Quarantine, inventory.Quarantined{Key: o.Key, Since: now})
	}
	q := &s.kept.Quarantine[i]
	q.SKU, q.Detail = o.SKU, o.Detail
	q.Code, _, _ = strings.Cut(o.Detail, ":")
	q.Count++
	q.Until = now.Add(rest(q.Count, s.c.r.opts.Quarantine))
}

// recovered ends the quarantine of levels that have rested and need no line any
// more: those in step, and those that are left alone for another reason. One
// that still needs a line is tried again, and stays on record until Shopify has
// taken it: its next rest is to be longer than its last.
func (s *cycleStore) recovered(needs map[inventory.Key]bool) {
	s.kept.Quarantine = slices.DeleteFunc(s.kept.Quarantine, func(q inventory.Quarantined) bool {
		need, planned := needs[q.Key]
		return planned && !need && !q.Rests(s.c.started)
	})
}

// rested lists the levels in quarantine that have rested.
func (s *cycleStore) rested() map[inventory.Key]bool {
	var keys map[inventory.Key]bool
	for i := range s.kept.Quarantine {
		if q := &s.kept.Quarantine[i]; !q.Rests(s.c.started) {
			if keys == nil {
				keys = map[inventory.Key]bool{}
			}
			keys[q.Key] = true
		}
	}
	return keys
}

// forgetGone drops the records of levels that have rested and are there no more.
func (s *cycleStore) forgetGone() {
	s.kept.Quarantine = slices.DeleteFunc(s.kept.Quarantine, func(q inventory.Quarantined) bool {
		return !q.Rests(s.c.started) && s.kept.shelf.slot(q.Key) == nil
	})
}

// taken drops the records of levels of which Shopify has taken a line.
func (s *cycleStore) taken(written []inventory.Key) {
	if len(s.kept.Quarantine) == 0 {
		return
	}
	took := make(map[inventory.Key]bool, len(written))
	for _, key := range written {
		took[key] = true
	}
	s.kept.Quarantine = slices.DeleteFunc(s.kept.Quarantine, func(q inventory.Quarantined) bool { return took[q.Key] })
}

const (
	// daily is how often a report tells of a level in quarantine: often enough
	// that somebody mends it, and not so often that nobody reads it any more.
	daily = 24 * time.Hour
	// toldAtOnce is how many of them one report tells of. The rest is still due.
	toldAtOnce = 100
)

// resting lists the levels in quarantine that a report is to tell of. A cycle
// for a question is no report that anybody keeps.
func (s *cycleStore) resting() (list []inventory.QuarantineReport) {
	if s.c.ask.Dry {
		return nil
	}
	for i := range s.kept.Quarantine {
		q := &s.kept.Quarantine[i]
		if len(list) == toldAtOnce {
			break
		}
		if !q.Reported.IsZero() && s.c.started.Sub(q.Reported) < daily {
			continue
		}
		q.Reported = s.c.started
		list = append(list, inventory.QuarantineReport{
			SKU: q.SKU, Item: q.Key.Item, LocationID: q.Key.Location, Location: s.kept.feeds[q.Key.Location].Name,
			Detail: q.Detail, Count: q.Count, Since: q.Since.UTC(), Until: q.Until.UTC(), Release: "stocksyncd release " + q.Key.String(),
		})
	}
	return list
}
