package reconcile

import (
	"fmt"
	"slices"
	"time"

	"stocksyncd/reconcile/inventory"
)

// observe makes durable what was seen of the levels, the ledger that follows
// from it, and the batches that were settled as found.
func (s *cycleStore) observe(levels []inventory.Level, figures []inventory.Figure, gone []inventory.Key) error {
	observation := inventory.Observation{
		Levels: map[inventory.Key]inventory.Seen{}, Gone: gone, Settled: s.settled,
	}
	now := s.c.r.opts.Now()
	for i, level := range levels {
		if level.Unstocked && figures[i].Left != "" {
			continue // not a level, nor ever to be one
		}
		if seen, changed := s.remember(level, figures[i], now); changed {
			observation.Levels[level.Key] = seen
		}
	}
	observation.Memory = s.kept.Memory
	if err := s.c.r.opts.Journal.Observe(s.Name, observation); err != nil {
		s.kept.doubtful = true
		return fmt.Errorf("state: %w", err)
	}
	if len(s.settled) > 0 {
		s.settled, s.moved, s.kept.open = nil, nil, nil
	}
	return nil
}

// verified is how old a record may become before it is written again though
// nothing but its time has changed.
const verified = time.Hour

// remember moves the record of a level to what was just read, and tells
// whether that is worth writing down.
func (s *cycleStore) remember(level inventory.Level, figure inventory.Figure, now time.Time) (inventory.Seen, bool) {
	old, ok := s.kept.levels[level.Key]
	seen := inventory.Seen{
		Units: level.Available, Desired: figure.Units, Figured: figure.Left == "", First: now, At: now,
	}
	if ok {
		seen.First = old.First
		if !s.moved[level.Key] && seen.Units == old.Units && seen.Desired == old.Desired && seen.Figured == old.Figured && now.Sub(old.At) < verified {
			return old, false
		}
	}
	s.kept.levels[level.Key] = seen
	return seen, true
}

// dropGone forgets the levels that a complete look no longer found.
func (s *cycleStore) dropGone() (gone []inventory.Key) {
	found := make(map[inventory.Key]struct{}, len(s.levels))
	for i := range s.levels {
		found[s.levels[i].Key] = struct{}{}
	}
	for key := range s.kept.levels {
		if _, ok := found[key]; !ok {
			gone = append(gone, key)
		}
	}
	for _, key := range gone {
		delete(s.kept.levels, key)
	}
	gone = append(gone, s.vanished...)
	slices.SortFunc(gone, inventory.Key.Compare)
	return gone
}

// settleOpen settles the batches that were cut off between sending and
// recording, as their levels show them now. None is sent again.
func (s *cycleStore) settleOpen() {
	levels := make(map[inventory.Key]inventory.Units, len(s.levels))
	if len(s.kept.open) > 0 {
		for i := range s.levels {
			levels[s.levels[i].Key] = s.levels[i].Available
		}
	}
	for _, open := range s.kept.open {
		found := s.asFound(open.Changes, levels)
		if s.moved == nil {
			s.moved = map[inventory.Key]bool{}
		}
		for _, change := range open.Changes {
			s.moved[change.Key] = true
		}
		s.settled = append(s.settled, inventory.Settled{ID: open.ID, Outcomes: found})
		s.wrote(found)
	}
}

// asFound tells what became of changes whose answer was lost, by what their
// levels show: the new figure means applied. It also moves the value seen, so
// that the write is not taken for a sale, nor a sale for the write: where the
// level shows neither figure, it is measured against the larger of the two.
// That may hide a unit for one settle; the other way could sell one twice. A
// raise that shows the old figure may have been applied and sold since, so the
// level is as if seen for the first time: its raises wait one settle.
func (s *cycleStore) asFound(changes []inventory.Change, levels map[inventory.Key]inventory.Units) []inventory.Outcome {
	outcomes := make([]inventory.Outcome, len(changes))
	for i, change := range changes {
		outcome := inventory.Outcome{Change: change, Result: inventory.Stale, Because: inventory.ReasonUnknown}
		shows, exists := levels[change.Key]
		seen, known := s.kept.levels[change.Key]
		switch {
		case !exists:
			outcome.Detail = "the level no longer exists"
		case shows == change.To:
			outcome.Result, outcome.Because = inventory.Applied, ""
			seen.Units = change.To
		case shows == change.From && change.Raise():
			outcome.Detail = "not applied, or sold since"
			seen.First = s.c.r.opts.Now()
		case shows == change.From:
			outcome.Detail = "not applied"
		default:
			seen.Units = max(seen.Units, change.From, change.To)
		}
		if known {
			s.kept.levels[change.Key] = seen
		}
		outcomes[i] = outcome
	}
	return outcomes
}
