package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"stocksyncd/reconcile/inventory"
)

// activate stocks the items of lines, before anything is written there, and
// gives back the lines that can be. An item is stocked with nothing to sell, so
// that what an inactive level holds from former days is offered for no moment;
// the write that follows begins at what the level shows then.
func (s *cycleStore) activate(ctx context.Context, lines []inventory.Change) ([]inventory.Change, error) {
	former, err := s.giveUp(lines)
	if err != nil {
		s.outcomes = append(s.outcomes, notSent(lines, inventory.ReasonFailed)...)
		return nil, err
	}
	ready := make([]inventory.Change, 0, len(lines))
	for i, line := range lines {
		line, stocked, err := s.stock(ctx, line, former)
		if err != nil {
			s.outcomes = append(s.outcomes, notSent(slices.Concat(ready, lines[i:]), inventory.ReasonFailed)...)
			return nil, err
		}
		if stocked {
			ready = append(ready, line)
		}
	}
	return ready, nil
}

// giveUp makes durable that what the levels to be stocked hold from former days
// is gone, and gives back what it was. Should the answer be lost or the process
// end before the write, the next look would else take it for sold: raises would
// wait for units that nobody bought, and other levels would be lowered by them.
func (s *cycleStore) giveUp(lines []inventory.Change) (former map[inventory.Key]inventory.Seen, err error) {
	former, none := map[inventory.Key]inventory.Seen{}, map[inventory.Key]inventory.Seen{}
	for _, line := range lines {
		if seen, known := s.kept.levels[line.Key]; known && seen.Units > 0 {
			former[line.Key] = seen
			seen.Units = 0
			none[line.Key] = seen
		}
	}
	return former, s.see(none)
}

// see makes durable what levels were seen to show.
func (s *cycleStore) see(levels map[inventory.Key]inventory.Seen) error {
	if len(levels) == 0 {
		return nil
	}
	if err := s.c.r.opts.Journal.Observe(s.Name, inventory.Observation{Levels: levels, Memory: s.kept.Memory}); err != nil {
		s.kept.doubtful = true
		return fmt.Errorf("state: %w", err)
	}
	maps.Copy(s.kept.levels, levels)
	return nil
}

// stock has the item of one line stocked, and gives the line as it is to be
// written. Where it cannot be, its outcome is noted, and it is not stocked.
func (s *cycleStore) stock(ctx context.Context, line inventory.Change, former map[inventory.Key]inventory.Seen) (ready inventory.Change, stocked bool, err error) {
	shows, err := s.Target.Activate(ctx, line.Key, uuid.NewString())
	var refused *inventory.LineError
	switch {
	case errors.As(err, &refused):
		s.take([]inventory.Outcome{s.notStocked(ctx, line, refused)})
		if was, held := former[line.Key]; held { // it still is, and may be sold where somebody else has stocked it
			return line, false, s.see(map[inventory.Key]inventory.Seen{line.Key: was})
		}
		return line, false, nil
	case errors.Is(err, inventory.ErrAnswerLost):
		s.take([]inventory.Outcome{{Change: line, Result: inventory.Stale, Because: inventory.ReasonUnknown, Detail: "whether the item is stocked now is seen in the next cycle"}})
		return line, false, nil
	case err != nil:
		return line, false, fmt.Errorf("stocking %s: %w", line.Key, err)
	}
	line.From = shows
	return line, true, nil
}

// notStocked tells what became of a line whose item could not be stocked:
// somebody may have stocked it meanwhile, which is no fault of the line.
func (s *cycleStore) notStocked(ctx context.Context, change inventory.Change, refused *inventory.LineError) inventory.Outcome {
	levels, err := s.Target.Levels(ctx, []inventory.Key{change.Key})
	if err == nil && slices.ContainsFunc(levels, func(l inventory.Level) bool { return l.Key == change.Key && l.Active }) {
		return inventory.Outcome{Change: change, Result: inventory.Stale, Because: inventory.ReasonUnknown, Detail: "somebody else has stocked the item meanwhile"}
	}
	return inventory.Outcome{Change: change, Result: inventory.Rejected, Detail: refused.Error()}
}
