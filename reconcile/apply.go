package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/reconcile/plan"
)

// apply writes what passed, in batches, and stops only between two of them.
// What must be stocked first comes last: its first failure ends it, and must
// keep nothing else from being written.
func (s *cycleStore) apply(ctx context.Context) error {
	ctx = inventory.WithUrgency(ctx, inventory.Writing)
	changes := s.saved(s.pass)
	plain := slices.DeleteFunc(slices.Clone(changes), func(change inventory.Change) bool { return change.Activate })
	stocked := slices.DeleteFunc(changes, func(change inventory.Change) bool { return !change.Activate })
	for len(plain) > 0 {
		if ctx.Err() != nil {
			s.outcomes = append(s.outcomes, notSent(slices.Concat(plain, stocked), inventory.ReasonStopped)...)
			return nil
		}
		plain = s.unsold(plain)
		batch := ofAKind(plain[:min(len(plain), inventory.BatchSize)])
		plain = plain[len(batch):]
		// A batch that is under way is seen through.
		if err := s.send(context.WithoutCancel(ctx), batch); err != nil {
			s.outcomes = append(s.outcomes, notSent(slices.Concat(plain, stocked), inventory.ReasonFailed)...)
			return err
		}
		s.c.r.opts.Progress(fmt.Sprintf("%s: %d to write", s.Name, len(plain)+len(stocked)))
	}
	return s.stock(ctx, stocked)
}

// unsold takes out the raises of SKUs that were found sold since the plan was
// made: it did not know of the units that are in flight now.
func (s *cycleStore) unsold(changes []inventory.Change) []inventory.Change {
	if len(s.sold) == 0 {
		return changes
	}
	var still []inventory.Change
	for _, change := range changes {
		if change.Raise() && s.sold[change.SKU] {
			s.outcomes = append(s.outcomes, inventory.Outcome{Change: change, Result: inventory.Waiting, Because: inventory.ReasonInFlight})
			continue
		}
		still = append(still, change)
	}
	return still
}

// saved keeps the changes that a saved plan asks for with the same figure. Its
// other lines are reported as changed, or as resting; what it does not name is not
// written.
func (s *cycleStore) saved(changes []inventory.Change) []inventory.Change {
	if s.c.ask.Only == nil {
		return changes
	}
	changes = s.asSaved(changes)
	told := make(map[inventory.Key]struct{}, len(changes)+len(s.outcomes))
	for _, change := range changes {
		told[change.Key] = struct{}{}
	}
	for _, o := range s.outcomes {
		told[o.Key] = struct{}{}
	}
	resting := s.view(nil).Resting
	for _, line := range s.c.ask.Only {
		if _, is := told[line.Key]; line.Store != s.Name || is {
			continue
		}
		told[line.Key] = struct{}{}
		o := inventory.Outcome{Change: line, Result: inventory.Skipped, Because: inventory.ReasonChanged}
		if resting(line.Key) {
			o.Because = inventory.ReasonQuarantined
		}
		s.outcomes = append(s.outcomes, o)
	}
	return changes
}

// asSaved keeps the changes whose figure is still the one of the saved plan.
func (s *cycleStore) asSaved(changes []inventory.Change) (still []inventory.Change) {
	if s.c.ask.Only == nil {
		return changes
	}
	// Only the lines of the changes: a batch that is planned again is far shorter
	// than the plan.
	lines := make(map[inventory.Key]*inventory.Change, len(changes))
	for _, change := range changes {
		lines[change.Key] = nil
	}
	for i := range s.c.ask.Only {
		if _, wanted := lines[s.c.ask.Only[i].Key]; wanted {
			lines[s.c.ask.Only[i].Key] = &s.c.ask.Only[i]
		}
	}
	for _, change := range changes {
		switch line := lines[change.Key]; {
		case line == nil:
		case line.To == change.To:
			still = append(still, change)
		default:
			s.outcomes = append(s.outcomes, inventory.Outcome{
				Change: *line, Result: inventory.Skipped, Because: inventory.ReasonChanged,
				Detail: fmt.Sprintf("the figure to write is %d by now", change.To),
			})
		}
	}
	return still
}

// send writes one batch until every line has its outcome. Bad lines are taken
// out and the rest is sent under a new key. When lines are stale, the whole
// batch is read again, planned again and sent once more; what is stale then is
// left to the next cycle.
func (s *cycleStore) send(ctx context.Context, batch []inventory.Change) error {
	fresh := false // the lines were read again
	for len(batch) > 0 {
		outcomes, err := s.Target.Set(ctx, inventory.Batch{Cycle: s.c.number, Changes: batch})
		if refused := (*inventory.RefusedError)(nil); errors.As(err, &refused) {
			return s.bisect(ctx, batch, refused)
		}
		if err != nil {
			s.outcomes = append(s.outcomes, notSent(batch, inventory.ReasonFailed)...)
			return err
		}
		s.lookForGone(ctx, outcomes)
		again, stale := s.take(outcomes)
		if len(stale) > 0 && !fresh {
			fresh = true
			if batch, err = s.planAgain(ctx, append(again, changesOf(stale)...)); err != nil {
				return err
			}
			continue
		}
		s.outcomes = append(s.outcomes, stale...)
		if len(again) == len(batch) {
			s.outcomes = append(s.outcomes, notSent(batch, inventory.ReasonFailed)...)
			return fmt.Errorf("a batch of %d was refused, and no line of it was to blame", len(batch))
		}
		batch = again
	}
	return nil
}

// lookForGone reads the levels again that Shopify refused to write: one that is
// not stocked any more, or switched off, was not refused for its own sake.
func (s *cycleStore) lookForGone(ctx context.Context, outcomes []inventory.Outcome) {
	var refused []inventory.Key
	for _, o := range outcomes {
		if o.Result == inventory.Rejected {
			refused = append(refused, o.Key)
		}
	}
	if len(refused) == 0 || s.whole { // a level that was read a moment ago is there
		return
	}
	levels, err := s.Target.Levels(ctx, refused)
	if err != nil {
		return // they rest, and are looked at again after that
	}
	s.putAll(refused, levels)
	s.gone = map[inventory.Key]bool{}
	for _, key := range refused {
		one := s.kept.shelf.slot(key)
		s.gone[key] = one == nil || !one.listed || !one.active
	}
}

// take notes the outcomes that are final, and gives back the lines that only
// others kept from being written, and the stale ones.
func (s *cycleStore) take(outcomes []inventory.Outcome) (again []inventory.Change, stale []inventory.Outcome) {
	for _, o := range outcomes {
		switch o.Result {
		case inventory.Unsent:
			again = append(again, o.Change)
			continue
		case inventory.Stale:
			if o.Reason == inventory.ReasonUndo && (o.Because == "" || o.Because == inventory.ReasonStale) {
				o.Result, o.Because, o.Detail = inventory.Skipped, inventory.ReasonChanged, "somebody changed it meanwhile"
				break // what it shows now was not written by the cycle that is undone
			}
			if o.Because == "" {
				o.Because = inventory.ReasonStale
			}
			if o.Because == inventory.ReasonStale {
				stale = append(stale, o)
				continue
			}
		case inventory.Rejected:
			if s.gone[o.Key] {
				o.Result, o.Because, o.Detail = inventory.Stale, inventory.ReasonStale, "it is not stocked there any more"
				break
			}
			o.Because = inventory.ReasonRefused
			s.quarantine(o)
		case inventory.Applied, inventory.Waiting, inventory.Held, inventory.Skipped:
		}
		s.outcomes = append(s.outcomes, o)
	}
	s.wrote(outcomes)
	return again, stale
}

// wrote notes what was written, for the guards of the coming hour.
func (s *cycleStore) wrote(outcomes []inventory.Outcome) {
	for _, o := range outcomes {
		if o.Result == inventory.Applied {
			w := inventory.WrittenBy(o.Change, s.c.number, s.c.r.opts.Now())
			w.Freed = s.freed[o.Key]
			s.kept.Written = append(s.kept.Written, w)
		}
	}
	s.wroteRivals(outcomes, s.c.r.opts.Now())
}

// bisect finds the bad line of a batch that was refused without naming one.
func (s *cycleStore) bisect(ctx context.Context, batch []inventory.Change, refused *inventory.RefusedError) error {
	if len(batch) == 1 {
		bad := []inventory.Outcome{{Change: batch[0], Result: inventory.Rejected, Detail: refused.Code + ": " + refused.Message}}
		s.lookForGone(ctx, bad)
		s.take(bad)
		return nil
	}
	half := len(batch) / 2
	if err := s.send(ctx, batch[:half]); err != nil {
		s.outcomes = append(s.outcomes, notSent(batch[half:], inventory.ReasonFailed)...)
		return err
	}
	return s.send(ctx, batch[half:])
}

// planAgain reads the levels of a batch again and plans them anew: somebody
// sold one in between, and that sale is in flight now.
func (s *cycleStore) planAgain(ctx context.Context, changes []inventory.Change) ([]inventory.Change, error) {
	asked := keys(changes)
	levels, err := s.Target.Levels(ctx, asked)
	if err != nil {
		s.outcomes = append(s.outcomes, notSent(changes, inventory.ReasonFailed)...)
		return nil, fmt.Errorf("reading stale levels again: %w", err)
	}
	sortLevels(levels)
	s.putAll(asked, levels)
	now := s.c.r.opts.Now()
	for _, level := range levels {
		if before, ok := s.seen(level.Key); ok && level.Available < before {
			if s.sold == nil {
				s.sold = map[inventory.SKU]bool{}
			}
			s.sold[level.SKU] = true
		}
	}
	flight.Look(&s.kept.Ledger, levels, s.seen, s.c.feeds, nil, now, s.c.r.terms())
	index := s.index()
	figures := s.figures(levels, index)
	if err := s.observe(levels, figures, nil, true); err != nil {
		s.outcomes = append(s.outcomes, notSent(changes, inventory.ReasonFailed)...)
		return nil, err
	}
	view := s.view(index)
	view.Now = now
	p := plan.Diff(levels, figures, view)
	s.outcomes = append(s.outcomes, p.Waiting...)
	// The level may carry another SKU by now.
	read, unread := s.unread(s.stockedOnly(p.Changes), false)
	s.outcomes = append(s.outcomes, unread...)
	next := s.asSaved(s.asReleased(changes, read))
	s.settleVanished(changes, p)
	return next, nil
}

// asReleased leaves out what a release let go and what, read again, is to go the
// other way: nobody has let that go, and the guards of the next cycle see it.
func (s *cycleStore) asReleased(planned, changes []inventory.Change) []inventory.Change {
	raise := make(map[inventory.Key]bool, len(planned))
	for _, change := range planned {
		raise[change.Key] = change.Raise()
	}
	return slices.DeleteFunc(slices.Clone(changes), func(change inventory.Change) bool {
		turned := s.freed[change.Key] && change.Raise() != raise[change.Key]
		if turned {
			s.outcomes = append(s.outcomes, inventory.Outcome{Change: change, Result: inventory.Stale, Because: inventory.ReasonStale, Detail: "it was released the other way"})
		}
		return turned
	})
}

// stockedOnly leaves out what is not stocked: somebody has switched the level
// off since the plan was made, and the next cycle stocks it again or not.
func (s *cycleStore) stockedOnly(changes []inventory.Change) []inventory.Change {
	return slices.DeleteFunc(slices.Clone(changes), func(change inventory.Change) bool {
		if change.Activate {
			s.outcomes = append(s.outcomes, inventory.Outcome{Change: change, Result: inventory.Stale, Because: inventory.ReasonStale, Detail: "it was switched off meanwhile"})
		}
		return change.Activate
	})
}

// settleVanished gives an outcome to the lines that the new plan no longer
// has: what made them stale has brought them in step, or taken them away.
func (s *cycleStore) settleVanished(changes []inventory.Change, p plan.Plan) {
	planned := make(map[inventory.Key]bool, len(p.Changes)+len(p.Waiting))
	for _, change := range p.Changes {
		planned[change.Key] = true
	}
	for _, o := range p.Waiting {
		planned[o.Key] = true
	}
	for _, change := range changes {
		if !planned[change.Key] {
			s.outcomes = append(s.outcomes, inventory.Outcome{
				Change: change, Result: inventory.Stale, Because: inventory.ReasonStale, Detail: "nothing to write after reading again",
			})
		}
	}
}

func changesOf(outcomes []inventory.Outcome) []inventory.Change {
	changes := make([]inventory.Change, len(outcomes))
	for i, o := range outcomes {
		changes[i] = o.Change
	}
	return changes
}
