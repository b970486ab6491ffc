package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"stocksyncd/reconcile/inventory"
)

// DryRun is a target that reads and writes nothing: it answers every change
// with what it would be.
type DryRun struct{ Target }

// Set answers that nothing was written.
func (DryRun) Set(_ context.Context, batch inventory.Batch) ([]inventory.Outcome, error) {
	return notSent(batch.Changes, inventory.ReasonReport), nil
}

// Activate stocks nothing.
func (DryRun) Activate(context.Context, inventory.Key, string) (inventory.Units, error) {
	return 0, nil
}

// notSent gives every change the outcome skipped.
func notSent(changes []inventory.Change, why inventory.Reason) []inventory.Outcome {
	outcomes := make([]inventory.Outcome, len(changes))
	for i, change := range changes {
		outcomes[i] = inventory.Outcome{Change: change, Result: inventory.Skipped, Because: why}
	}
	return outcomes
}

// journaled is a target that writes ahead: a batch is in the journal before it
// is sent, its outcomes are there before anybody acts on them.
type journaled struct {
	Target
	s *cycleStore
}

// Set draws a key for the batch, records it, sends it and records the
// outcomes. When the answer is lost, the levels tell what became of it.
func (j *journaled) Set(ctx context.Context, batch inventory.Batch) ([]inventory.Outcome, error) {
	journal := j.s.c.r.opts.Journal
	batch.Key = uuid.NewString()
	id, err := journal.Intend(inventory.Intent{
		Cycle: batch.Cycle, Store: j.s.Name, Key: batch.Key, At: j.s.c.r.opts.Now(), Changes: batch.Changes,
	})
	if err != nil {
		return nil, fmt.Errorf("state: nothing was sent: %w", err)
	}
	outcomes, err := j.Target.Set(ctx, batch)
	if errors.Is(err, inventory.ErrAnswerLost) {
		if outcomes, err = j.readBack(ctx, batch.Changes, err); err != nil {
			// The next look at the store, by this process or another, settles it.
			j.s.kept.open = append(j.s.kept.open, inventory.OpenIntent{ID: id, Intent: inventory.Intent{Cycle: batch.Cycle, Store: j.s.Name, Key: batch.Key, Changes: batch.Changes}})
			return nil, err
		}
	}
	recorded := outcomes
	if err != nil { // refused whole: nothing was applied
		recorded = notSent(batch.Changes, inventory.ReasonFailed)
	}
	if settleErr := journal.Settle(j.s.Name, inventory.Settled{ID: id, Outcomes: recorded, Levels: j.s.confirmed(recorded)}); settleErr != nil {
		j.s.kept.doubtful = true
		return nil, errors.Join(err, fmt.Errorf("state: %w", settleErr))
	}
	return outcomes, err
}

// Activate records that nothing is offered where the item is not stocked yet,
// and stocks it. What an inactive level held is taken away by that: with the
// answer lost, or after a crash, it would else be taken for a sale. Less than
// nothing cannot be taken away; it stays for a fall to be measured against. A
// store that refuses has taken nothing away: what is missing next time was sold.
func (j *journaled) Activate(ctx context.Context, key inventory.Key, idempotency string) (inventory.Units, error) {
	held, _ := j.s.seen(key)
	if err := j.offers(key, min(held, 0)); err != nil {
		return 0, fmt.Errorf("state: nothing was sent: %w", err)
	}
	shows, err := j.Target.Activate(ctx, key, idempotency)
	if refused := (*inventory.LineError)(nil); errors.As(err, &refused) {
		if stateErr := j.offers(key, held); stateErr != nil {
			return 0, fmt.Errorf("state: %w", stateErr)
		}
	}
	return shows, err
}

// offers moves the value seen of a level, if it has one.
func (j *journaled) offers(key inventory.Key, units inventory.Units) error {
	seen, known := j.s.kept.shelf.seen(key)
	if !known || seen.Units == units {
		return nil
	}
	seen.Units = units
	if err := j.s.c.r.opts.Journal.Observe(j.s.Name, inventory.Observation{Levels: map[inventory.Key]inventory.Seen{key: seen}, Memory: j.s.kept.Memory, Part: true}); err != nil {
		j.s.kept.doubtful = true
		return err
	}
	j.s.kept.shelf.see(key, seen)
	return nil
}

// readBack reads the levels of a batch whose answer was lost.
func (j *journaled) readBack(ctx context.Context, changes []inventory.Change, lost error) ([]inventory.Outcome, error) {
	asked := keys(changes)
	levels, err := j.Levels(ctx, asked)
	if err != nil {
		return nil, errors.Join(lost, fmt.Errorf("reading back: %w", err))
	}
	shows := make(map[inventory.Key]inventory.Units, len(levels))
	for _, level := range levels {
		shows[level.Key] = level.Available
	}
	// What was read is known: else the next plan would take the figure before it
	// for what was seen, and miss what has been sold since the write.
	j.s.putAll(asked, levels)
	return j.s.asFound(changes, shows), nil
}

// confirmed moves the value seen of the levels that were written, and gives
// their records. Our own writes are never taken for a fall.
func (s *cycleStore) confirmed(outcomes []inventory.Outcome) map[inventory.Key]inventory.Seen {
	levels := map[inventory.Key]inventory.Seen{}
	for _, o := range outcomes {
		seen, known := s.kept.shelf.seen(o.Key)
		if !known {
			continue
		}
		if o.Result == inventory.Applied {
			seen.Units, seen.At, seen.Active, seen.Unstocked = o.To, s.c.r.opts.Now(), true, false
			s.kept.shelf.see(o.Key, seen)
			s.kept.shelf.wrote(o.Key, o.To, seen.At)
		}
		levels[o.Key] = seen
	}
	return levels
}

func keys(changes []inventory.Change) []inventory.Key {
	all := make([]inventory.Key, len(changes))
	for i, change := range changes {
		all[i] = change.Key
	}
	return all
}
