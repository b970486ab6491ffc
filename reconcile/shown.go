package reconcile

import (
	"context"
	"fmt"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/reconcile/plan"
)

// Figures reads both sides and tells what every level of a store shows and is
// to show. Nothing is written, neither to the store nor to the journal.
func (r *Reconciler) Figures(ctx context.Context, store inventory.StoreName) (*inventory.StoreFigures, error) {
	views, err := r.read(ctx, "")
	if err != nil {
		return nil, err
	}
	s := views[store]
	switch {
	case s == nil:
		return nil, fmt.Errorf("no store %q in the config", store)
	case s.mode == inventory.ModeOff:
		return nil, fmt.Errorf("store %s is switched off; set its mode to report to have it read", store)
	case s.err != nil:
		return nil, fmt.Errorf("store %s: %w", store, s.err)
	}
	index := s.index()
	figures := s.figures(s.levels, index)
	waits := s.waiting(index, figures)
	found := &inventory.StoreFigures{Levels: make([]inventory.LevelFigure, len(s.levels)), Near: desired.NearMisses(s.levels, s.c.catalogue.Variants())}
	for i, level := range s.levels {
		found.Levels[i] = inventory.LevelFigure{
			Key: level.Key, Location: s.kept.feeds[level.Location].Name, SKU: level.SKU, Observed: level.Available, Left: figures[i].Left,
		}
		if figures[i].Left == "" {
			found.Levels[i].Target = plan.Target(plan.Offered(&level), figures[i].Units, index.Own(level.Key, level.SKU))
		}
		if action, ok := waits[level.Key]; ok {
			found.Levels[i].Waits, found.Levels[i].Why = action.Reason, action.Text
		}
	}
	return found, nil
}

// waiting tells of the levels whose figure must not be written yet, whoever
// writes it: a raise that waits may offer what is sold, here or in a store that
// fails, and what a guard holds nobody has looked at.
func (s *cycleStore) waiting(index *flight.Index, figures []inventory.Figure) map[inventory.Key]inventory.NextAction {
	view := s.view(index)
	p := plan.Diff(s.levels, figures, view)
	found := map[inventory.Key]inventory.NextAction{}
	for _, o := range p.Waiting {
		e := inventory.Explanation{Target: plan.Target(o.From, o.To, index.Own(o.Key, o.SKU)), Own: s.flown(index.At(o.Key, o.SKU))}
		if e.Target != o.From { // else what it shows now is right
			found[o.Key] = s.waits(o.Key, o, &e)
		}
	}
	for _, change := range p.Changes {
		if action, off := s.putOff(change); off {
			found[change.Key] = action
		}
	}
	return found
}
