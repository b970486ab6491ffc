package reconcile

import (
	"context"
	"fmt"

	"stocksyncd/reconcile/desired"
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
	found := &inventory.StoreFigures{Levels: make([]inventory.LevelFigure, len(s.levels)), Near: desired.NearMisses(s.levels, s.c.variants)}
	for i, level := range s.levels {
		found.Levels[i] = inventory.LevelFigure{
			Key: level.Key, Location: s.kept.feeds[level.Location].Name, SKU: level.SKU, Observed: level.Available, Left: figures[i].Left,
		}
		if figures[i].Left == "" {
			found.Levels[i].Target = plan.Target(plan.Offered(&level), figures[i].Units, index.Own(level.Key, level.SKU))
		}
	}
	return found, nil
}
