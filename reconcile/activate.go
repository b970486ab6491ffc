package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"stocksyncd/reconcile/inventory"
)

// activate stocks the items of a batch where they are not, before anything is
// written there, and gives back the lines that can be. An item is stocked with
// nothing to sell, so that what an inactive level holds from former days is
// offered for no moment; the write that follows begins at what the level shows
// then.
func (s *cycleStore) activate(ctx context.Context, batch []inventory.Change) ([]inventory.Change, error) {
	ready := make([]inventory.Change, 0, len(batch))
	for i, change := range batch {
		if !change.Activate {
			ready = append(ready, change)
			continue
		}
		shows, err := s.Target.Activate(ctx, change.Key, uuid.NewString())
		var refused *inventory.LineError
		switch {
		case errors.As(err, &refused):
			s.take([]inventory.Outcome{s.notStocked(ctx, change, refused)})
		case errors.Is(err, inventory.ErrAnswerLost):
			s.take([]inventory.Outcome{{Change: change, Result: inventory.Stale, Because: inventory.ReasonUnknown, Detail: "whether the item is stocked now is seen in the next cycle"}})
		case err != nil:
			s.outcomes = append(s.outcomes, notSent(slices.Concat(ready, batch[i:]), inventory.ReasonFailed)...)
			return nil, fmt.Errorf("stocking %s: %w", change.Key, err)
		default:
			change.From = shows
			ready = append(ready, change)
		}
	}
	return ready, nil
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
