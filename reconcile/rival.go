package reconcile

import (
	"fmt"
	"slices"
	"time"

	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// watch finds out whether something else writes the levels that a plan looks at,
// before the plan is made and before what they show is remembered.
func (s *cycleStore) watch(levels []inventory.Level, figures []inventory.Figure, index *flight.Index) {
	if len(s.kept.Written) == 0 && len(s.kept.Rivals) == 0 {
		return
	}
	suspects := s.suspects(levels, figures)
	if len(suspects) == 0 && len(s.kept.Rivals) == 0 {
		return
	}
	if s.lastWrite == nil { // once for all parts of the plan
		s.lastWrite = make(map[inventory.Key]int, len(s.kept.Written))
		for i := range s.kept.Written {
			s.lastWrite[s.kept.Written[i].Key] = i
		}
	}
	in := guard.Watched{Rivals: s.kept.Rivals, Heard: s.heard(), Now: s.c.started, Settle: s.c.r.opts.Settle}
	for key, at := range suspects {
		i, written := s.lastWrite[key]
		seen, known := s.kept.shelf.seen(key)
		if !written || !known || !seen.Figured {
			continue
		}
		level := &levels[at]
		in.Sights = append(in.Sights, guard.Sight{
			SKU: level.SKU, Location: s.kept.feeds[key.Location].Name, Wrote: s.kept.Written[i],
			Before: seen.Units, Was: seen.Desired, Shows: level.Available, Desired: figures[at].Units, Own: index.Own(key, level.SKU),
		})
	}
	rivals, done := guard.Watch(in)
	s.kept.Rivals = rivals
	for _, key := range done {
		s.kept.Written[s.lastWrite[key]].Done = true
	}
}

// suspects lists the levels that may show what something else wrote, by where
// they stand among levels: those that do not show what they should, and those of
// which something is known already.
func (s *cycleStore) suspects(levels []inventory.Level, figures []inventory.Figure) map[inventory.Key]int {
	known := make(map[inventory.Key]bool, len(s.kept.Rivals))
	for i := range s.kept.Rivals {
		known[s.kept.Rivals[i].Key] = true
	}
	suspects := map[inventory.Key]int{}
	for i := range levels {
		level := &levels[i]
		if !level.Active || level.Unstocked || figures[i].Left != "" {
			continue
		}
		if level.Available != figures[i].Units || known[level.Key] {
			suspects[level.Key] = i
		}
	}
	return suspects
}

// heard gives what tells whether Katana has told of a SKU since a time.
func (s *cycleStore) heard() func(inventory.SKU, time.Time) bool {
	ordered := map[inventory.SKU]time.Time{} // the newest order, by Katana's clock
	for _, order := range s.c.orders {
		for _, row := range order.Rows {
			if sku, stands := s.c.catalogue.SKU(row.Variant); stands {
				ordered[sku] = later(ordered[sku], order.Updated)
			}
		}
	}
	named := map[inventory.SKU]bool{}
	for _, id := range s.c.heard.Variants {
		if sku, stands := s.c.catalogue.SKU(id); stands {
			named[sku] = true
		}
	}
	return func(sku inventory.SKU, since time.Time) bool {
		return named[sku] || !ordered[sku].Before(s.c.byKatana(since))
	}
}

// stays gives what says why a level must not be written though its figure asks
// for it: something else writes it too.
func (s *cycleStore) stays() func(inventory.Change) string {
	rivals := make(map[inventory.Key]*inventory.Rival, len(s.kept.Rivals))
	for i := range s.kept.Rivals {
		rivals[s.kept.Rivals[i].Key] = &s.kept.Rivals[i]
	}
	if len(rivals) == 0 {
		return nil
	}
	return func(change inventory.Change) string {
		rival := rivals[change.Key]
		if rival == nil || !guard.Stays(rival, change.Raise(), s.c.started) {
			return ""
		}
		return guard.Evidence(rival)
	}
}

// wroteRivals notes when the levels were written that something else writes too.
func (s *cycleStore) wroteRivals(written []inventory.Outcome, now time.Time) {
	if len(s.kept.Rivals) == 0 {
		return
	}
	applied := make(map[inventory.Key]bool, len(written))
	for _, o := range written {
		if o.Result == inventory.Applied {
			applied[o.Key] = true
		}
	}
	for i := range s.kept.Rivals {
		if applied[s.kept.Rivals[i].Key] {
			s.kept.Rivals[i].Wrote = now
		}
	}
}

// mostRivals is how many levels with a second writer a report describes.
const mostRivals = 20

// contested tells a report of the levels that something else writes too.
func (s *cycleStore) contested(r *inventory.StoreReport) {
	for i := range s.kept.Rivals {
		rival := &s.kept.Rivals[i]
		if rival.Since.IsZero() {
			continue
		}
		if r.Contested++; r.Contested > mostRivals {
			continue
		}
		r.SecondWriters = append(r.SecondWriters, inventory.SecondWriterReport{
			SKU: rival.SKU, Item: rival.Key.Item, LocationID: rival.Key.Location, Location: rival.Location, Since: rival.Since.UTC(),
			Rounds: slices.Clone(rival.Rounds), Text: guard.Evidence(rival), Release: "stocksyncd release " + rival.Key.String(),
		})
	}
	if r.Contested == 0 {
		return
	}
	one := r.SecondWriters[0]
	what := fmt.Sprintf("%s at %s: %s", one.SKU, one.Location, one.Text)
	if r.Contested > 1 {
		what = fmt.Sprintf("%d levels, such as %s", r.Contested, what)
	}
	r.Notes = append(slices.Clip(r.Notes), fmt.Sprintf("something else writes %s; it is not raised any more, and lowered once in %s at most. Next: %s; `%s` ends it",
		what, briefly(guard.Pace), guard.RivalNext, one.Release))
}

// briefly writes a span of whole minutes.
func briefly(span time.Duration) string { return count(int(span/time.Minute), "minute", "minutes") }
