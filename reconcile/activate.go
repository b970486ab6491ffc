package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"stocksyncd/reconcile/inventory"
)

// stockedAtOnce is how many items are stocked before their figures are written:
// each takes a request of its own, and offers nothing until then.
const stockedAtOnce = 25

// stock has items stocked where they are not, and writes their figures, a batch
// after the other. Each is stocked by a request of its own, so it stops between
// two of these; what is stocked by then is written. The first error ends it: a
// store that refuses one for want of a scope refuses all.
func (s *cycleStore) stock(ctx context.Context, changes []inventory.Change) error {
	for len(changes) > 0 {
		changes = s.unsold(changes)
		batch := changes[:min(len(changes), stockedAtOnce)]
		changes = changes[len(batch):]
		s.c.r.opts.Progress(fmt.Sprintf("%s: %d to stock and write", s.Name, len(batch)+len(changes)))
		ready, rest, err := s.activate(ctx, batch)
		if len(ready) > 0 {
			err = errors.Join(err, s.send(context.WithoutCancel(ctx), ready))
		}
		rest = slices.Concat(rest, changes)
		switch {
		case err != nil:
			s.outcomes = append(s.outcomes, notSent(rest, inventory.ReasonFailed)...)
			return err
		case ctx.Err() != nil:
			s.outcomes = append(s.outcomes, notSent(rest, inventory.ReasonStopped)...)
			return nil
		}
	}
	return nil
}

// activate stocks the items of a batch, and gives the lines that can be written
// now and those that it did not come to. An item is stocked with nothing to
// sell, so that what an inactive level holds from former days is offered for no
// moment; the write that follows begins at what the level shows then.
func (s *cycleStore) activate(ctx context.Context, batch []inventory.Change) (ready, rest []inventory.Change, err error) {
	for i, change := range batch {
		if ctx.Err() != nil {
			return ready, batch[i:], nil
		}
		shows, err := s.Target.Activate(context.WithoutCancel(ctx), change.Key, uuid.NewString())
		var refused *inventory.LineError
		switch {
		case errors.As(err, &refused):
			s.notStocked(context.WithoutCancel(ctx), change, refused)
		case errors.Is(err, inventory.ErrAnswerLost):
			s.outcomes = append(s.outcomes, inventory.Outcome{Change: change, Result: inventory.Stale, Because: inventory.ReasonUnknown, Detail: "the next cycle sees whether the item is stocked"})
			return ready, batch[i+1:], fmt.Errorf("stocking items, because of activate: %s: %w", change.Key, err)
		case err != nil:
			return ready, batch[i:], fmt.Errorf("stocking items, because of activate: %s: %w", change.Key, err)
		default:
			change.From = shows
			ready = append(ready, change)
		}
	}
	return ready, nil, nil
}

// notStocked notes what became of a line whose item could not be stocked:
// somebody may have stocked it meanwhile, which is no fault of the line.
func (s *cycleStore) notStocked(ctx context.Context, change inventory.Change, refused *inventory.LineError) {
	asked := []inventory.Key{change.Key}
	levels, err := s.Target.Levels(ctx, asked)
	if err == nil {
		s.putAll(asked, levels)
	}
	if err == nil && slices.ContainsFunc(levels, func(l inventory.Level) bool { return l.Key == change.Key && l.Active }) {
		s.outcomes = append(s.outcomes, inventory.Outcome{Change: change, Result: inventory.Stale, Because: inventory.ReasonStale, Detail: "somebody else has stocked the item meanwhile"})
		return
	}
	s.take([]inventory.Outcome{{Change: change, Result: inventory.Rejected, Detail: refused.Error()}})
}
