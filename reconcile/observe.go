package reconcile

import (
	"fmt"
	"slices"
	"time"

	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// observe makes durable what was seen of the levels and of their items, the
// ledger that follows from it, and the batches that were settled as found; with
// the last levels, whatever else is not durable yet.
func (s *cycleStore) observe(levels []inventory.Level, figures []inventory.Figure, gone []inventory.Key, last bool) error {
	observation := inventory.Observation{
		Levels: map[inventory.Key]inventory.Seen{}, Gone: append(gone, s.kept.shelf.lost...), Settled: s.settled, Removed: s.kept.shelf.left,
	}
	slices.SortFunc(observation.Gone, inventory.Key.Compare)
	observation.Items = s.kept.shelf.unkept(s.items, last)
	now := s.c.r.opts.Now()
	for i, level := range levels {
		if level.Unstocked && figures[i].Left != "" {
			continue // not a level, nor ever to be one
		}
		if seen, changed := s.remember(level, figures[i], now); changed {
			observation.Levels[level.Key] = seen
		}
	}
	observation.Memory, observation.Part = s.kept.Memory, s.begun && !last
	if err := s.c.r.opts.Journal.Observe(s.Name, observation); err != nil {
		s.kept.doubtful = true
		return fmt.Errorf("state: %w", err)
	}
	s.begun = true
	s.kept.shelf.durable(observation.Items)
	if len(s.settled) > 0 {
		s.settled, s.kept.open = nil, nil
	}
	return nil
}

// verifiedAgain is how old a record may become before it is written again though
// nothing but its time has changed.
const verifiedAgain = time.Hour

// remember moves the record of a level to what was just read, and tells
// whether that is worth writing down.
func (s *cycleStore) remember(level inventory.Level, figure inventory.Figure, now time.Time) (inventory.Seen, bool) {
	old, ok := s.kept.shelf.seen(level.Key)
	seen := inventory.Seen{
		Units: level.Available, Desired: figure.Units, Figured: figure.Left == "", First: now, At: s.verified(level, now),
		Active: level.Active, Unstocked: level.Unstocked,
	}
	if ok {
		seen.First = old.First
		if was := old; seen.At.Sub(old.At) < verifiedAgain {
			if was.At = seen.At; was == seen {
				return old, false
			}
		}
	}
	s.kept.shelf.see(level.Key, seen)
	return seen, true
}

// verified is when a level was read that the plan looks at.
func (s *cycleStore) verified(level inventory.Level, now time.Time) time.Time {
	if one := s.kept.shelf.slot(level.Key); one != nil && one.listed && one.read != 0 {
		return when(one.read)
	}
	return now
}

// dropGone forgets and lists the levels, of the items that the plan looks at,
// that are no longer there.
func (s *cycleStore) dropGone() (gone []inventory.Key) {
	found := make(map[inventory.Key]struct{}, len(s.levels))
	for i := range s.levels {
		found[s.levels[i].Key] = struct{}{}
	}
	shelf := s.kept.shelf
	for _, id := range s.items {
		for _, one := range shelf.items[id].slots {
			if key := shelf.key(id, one.at); one.known {
				if _, ok := found[key]; !ok {
					gone = append(gone, key)
				}
			}
		}
	}
	for _, key := range gone {
		shelf.forget(key)
	}
	return append(gone, s.vanished...)
}

// settleOpen settles the batches that were cut off between sending and
// recording, as their levels show them now. None is sent again.
func (s *cycleStore) settleOpen() {
	for _, open := range s.kept.open {
		levels := make(map[inventory.Key]inventory.Units, len(open.Changes))
		for _, change := range open.Changes {
			if one := s.kept.shelf.slot(change.Key); one != nil && one.listed {
				levels[change.Key] = one.shows
			}
		}
		found := s.asFound(open.Changes, levels)
		moved := map[inventory.Key]inventory.Seen{}
		for _, change := range open.Changes {
			if seen, known := s.kept.shelf.seen(change.Key); known {
				moved[change.Key] = seen
			}
		}
		s.settled = append(s.settled, inventory.Settled{ID: open.ID, Outcomes: found, Levels: moved})
		s.foundWritten(open.Cycle, found)
	}
}

// foundWritten notes for the guards what a batch that was cut off has written.
func (s *cycleStore) foundWritten(cycle uint64, outcomes []inventory.Outcome) {
	var written []inventory.Written
	for _, o := range outcomes {
		if o.Result == inventory.Applied {
			written = append(written, inventory.WrittenBy(o.Change, cycle, s.c.r.opts.Now()))
		}
	}
	guard.Found(&s.kept.Memory, written)
}

// asFound tells what became of changes whose answer was lost, by what their
// levels show: the new figure means applied. It also moves the value seen, so
// that the write is not taken for a sale, nor a sale for the write: where the
// level shows neither figure, it is measured against the larger of the two.
// That may hide a unit for one settle; the other way could sell one twice. A
// raise that shows the old figure may have been applied and sold since, and a
// reduction that shows the new one may have been a sale of as many, so the level
// is as if seen for the first time: its raises wait one settle. An order of what
// may have been sold then is to take no other sale away.
func (s *cycleStore) asFound(changes []inventory.Change, levels map[inventory.Key]inventory.Units) []inventory.Outcome {
	outcomes := make([]inventory.Outcome, len(changes))
	for i, change := range changes {
		outcome := inventory.Outcome{Change: change, Result: inventory.Stale, Because: inventory.ReasonUnknown}
		shows, exists := levels[change.Key]
		seen, known := s.kept.shelf.seen(change.Key)
		switch {
		case !exists:
			outcome.Detail = "the level no longer exists"
		case shows == change.To:
			outcome.Result, outcome.Because = inventory.Applied, ""
			seen.Units = change.To
			if !change.Raise() { // or as many were sold as were to be taken off
				seen.First = s.c.r.opts.Now()
				s.mayHaveSold(change, change.From-change.To)
			}
		case shows == change.From && change.Raise():
			outcome.Detail = "not applied, or sold since"
			seen.First = s.c.r.opts.Now()
			s.mayHaveSold(change, change.To-change.From)
		case shows == change.From:
			outcome.Detail = "not applied"
		default:
			seen.Units = max(seen.Units, change.From, change.To)
		}
		if known {
			s.kept.shelf.see(change.Key, seen)
		}
		outcomes[i] = outcome
	}
	return outcomes
}

// mayHaveSold notes units that a level may have sold unseen.
func (s *cycleStore) mayHaveSold(change inventory.Change, units inventory.Units) {
	ledger := &s.kept.Ledger
	ledger.Entries = append(ledger.Entries, flight.Maybe(change.Key, change.SKU, units, s.c.r.opts.Now(), s.c.feeds(change.Key)))
}
