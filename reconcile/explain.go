package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/reconcile/plan"
)

// ExplainRequest asks how the levels of a SKU come by their figures.
type ExplainRequest struct {
	SKU   inventory.SKU
	Store inventory.StoreName // only this one; "" is all
	Fresh bool                // read both sides for it, instead of what the last cycle read
}

// Explain tells of every level of a SKU how it comes by its figure. Nothing is
// written, neither to a store nor to the journal.
//
// A store without a variant of that SKU gives one explanation without an item,
// which holds what Katana has under the SKU and what is close to it. With an
// error come the levels of the stores that could tell.
func (r *Reconciler) Explain(ctx context.Context, ask ExplainRequest) ([]inventory.Explanation, error) {
	views, err := r.views, error(nil)
	if ask.Fresh {
		if views, err = r.read(ctx, ask.SKU); err != nil {
			return nil, err
		}
	}
	var list []inventory.Explanation
	var missing []string
	for _, store := range r.opts.Stores {
		if ask.Store != "" && ask.Store != store.Name || ask.Store == "" && store.Mode == inventory.ModeOff {
			continue
		}
		view, ok := views[store.Name]
		switch {
		case store.Mode == inventory.ModeOff:
			missing = append(missing, fmt.Sprintf("store %s is switched off; set its mode to report to have it read", store.Name))
			continue
		case ok && view.rules.Feeds != nil:
		case ok:
			missing = append(missing, fmt.Sprintf("store %s: %v", store.Name, view.err))
			continue
		default:
			missing = append(missing, fmt.Sprintf("store %s has not been read yet; --fresh reads it now", store.Name))
			continue
		}
		told, err := view.explain(ask.SKU)
		if err != nil {
			return nil, err
		}
		list = append(list, told...)
	}
	if len(missing) > 0 {
		return list, errors.New(strings.Join(missing, "; "))
	}
	return list, nil
}

// read reads both sides as a cycle does, on a copy of what is remembered, and
// leaves no trace. All stores are read: what one of them has sold, the others
// must not offer. With a SKU, only its part of Katana's inventory is read.
func (r *Reconciler) read(ctx context.Context, sku inventory.SKU) (map[inventory.StoreName]*cycleStore, error) {
	c, err := r.prepare(Request{Kind: inventory.Full, SKU: sku, Dry: true}, (*memory).copy)
	if err != nil {
		return nil, err
	}
	c.narrow, c.quiet = sku != "", true
	ctx = inventory.WithUrgency(ctx, inventory.Asked)
	c.each(func(s *cycleStore) error { return s.look(ctx) })
	if c.alive() {
		if err := c.readSource(ctx); err != nil {
			return nil, err
		}
	}
	if err := c.seek(ctx); err != nil {
		return nil, err
	}
	c.each(func(s *cycleStore) error { return s.account() })
	c.fallSilent()
	c.watchFirst(c.skus, c.started)
	c.inFlight = c.entries()
	c.each(func(s *cycleStore) error {
		s.ready()
		s.lay()
		return nil
	})
	views := make(map[inventory.StoreName]*cycleStore, len(c.stores))
	for _, s := range c.stores {
		views[s.Name] = s
	}
	return views, nil
}

// copy is a memory that can be worked on without a trace.
func (m *memory) copy() *memory {
	copied := *m
	copied.shelf = m.shelf.clone()
	copied.Ledger.Entries, copied.Ledger.Credits = slices.Clone(m.Ledger.Entries), slices.Clone(m.Ledger.Credits)
	copied.Ledger.Counted = maps.Clone(m.Ledger.Counted)
	copied.Ledger.Sales, copied.Ledger.Landed = maps.Clone(m.Ledger.Sales), maps.Clone(m.Ledger.Landed)
	copied.Holds, copied.Quarantine, copied.Written = slices.Clone(m.Holds), slices.Clone(m.Quarantine), slices.Clone(m.Written)
	copied.Rivals = slices.Clone(m.Rivals)
	return &copied
}

// explain explains the levels of a SKU as they stand now.
func (s *cycleStore) explain(sku inventory.SKU) (list []inventory.Explanation, err error) {
	s.c.watchFirst(slices.Values([]inventory.SKU{sku}), s.c.r.opts.Now()) // the next cycle is what is asked about
	index := s.index()
	rows := desired.ExcludedRows(s.Orders, s.reads(s.kept.Pins))
	if s.c.open.err != nil {
		rows = nil
	}
	others := map[inventory.VariantID]bool{}
	levels := s.ofSKU(sku)
	for _, level := range levels {
		others[level.Variant] = true
	}
	var near []inventory.NearMiss
	if len(s.c.catalogue.Matched(sku)) == 0 {
		near = desired.NearMisses(s.kept.shelf.listing(s.kept.shelf.all()), s.c.catalogue.Variants())
	}
	for _, level := range levels {
		e := s.facts(&level)
		for _, variant := range slices.Sorted(maps.Keys(others)) {
			if variant != level.Variant {
				e.Shopify = append(e.Shopify, variant)
			}
		}
		for _, one := range near {
			if one.Shopify == sku {
				e.Near = append(e.Near, one)
			}
		}
		around := s.flown(index.Elsewhere(level.Key, sku, s.rules.Feeds[level.Location].Sources))
		s.c.catalogue.Explain(&e, level, s.rules, around, rows, s.c.kits, s.c.locationName)
		e.Own = s.flown(index.At(level.Key, sku))
		e.KatanaRead = s.readBefore(sku)
		s.conclude(&e, level, index)
		if e.Writes, err = s.c.r.opts.Journal.Writes(level.Key); err != nil {
			return nil, fmt.Errorf("state: %w", err)
		}
		list = append(list, e)
	}
	if len(list) == 0 {
		list = append(list, s.absent(sku))
	}
	return list, nil
}

// readBefore is when Katana's numbers for a SKU were read, if a former cycle
// did; the zero time is this one.
func (s *cycleStore) readBefore(sku inventory.SKU) time.Time {
	id, known := s.c.catalogue.Stands(sku)
	if !known || s.c.mirror == nil || s.c.fresh[id] {
		return time.Time{}
	}
	return s.c.mirror.readAt(id)
}

// ofSKU lists the levels of a SKU: those that are there, those that are to be
// stocked, and one for an item that has neither.
func (s *cycleStore) ofSKU(sku inventory.SKU) (levels []inventory.Level) {
	listed := s.kept.shelf.listing(s.kept.shelf.of(sku))
	levels = s.c.catalogue.Unstocked(listed, s.rules)
	for _, level := range listed {
		if !nowhere(level) || !slices.ContainsFunc(levels, func(l inventory.Level) bool { return l.Item == level.Item }) {
			levels = append(levels, level)
		}
	}
	sortLevels(levels)
	return levels
}

// absent is what can be told of a SKU that the store does not sell.
func (s *cycleStore) absent(sku inventory.SKU) inventory.Explanation {
	e := inventory.Explanation{Store: s.Name, Mode: s.Mode, SKU: sku, Read: s.looked.UTC(), Cycle: s.c.number, Katana: s.c.catalogue.Matched(sku)}
	for _, near := range desired.NearMisses(s.kept.shelf.listing(s.kept.shelf.all()), []inventory.SourceVariant{{SKU: sku}}) {
		near.Sources = []inventory.SourceVariantID{}
		e.Near = append(e.Near, near)
	}
	return e
}

// facts is what is known of a level before any rule.
func (s *cycleStore) facts(level *inventory.Level) inventory.Explanation {
	seen, known := s.kept.shelf.seen(level.Key)
	e := inventory.Explanation{
		Store: s.Name, Mode: s.Mode, SKU: level.SKU, Variant: level.Variant, Item: level.Item, LocationID: level.Location,
		Location: s.rules.Feeds[level.Location].Name, Read: s.verified(*level, s.looked).UTC(), Cycle: s.c.number,
		Observed: level.Available, Unstocked: !level.Active,
	}
	if known {
		e.Seen = &inventory.SeenFigure{Units: seen.Units, First: seen.First.UTC(), At: seen.At.UTC()}
	}
	return e
}

// flown says where and since when units are in flight, and of which order, with
// what is unusual about it.
func (s *cycleStore) flown(entries []inventory.InFlight) (terms []inventory.FlightTerm) {
	for _, entry := range entries {
		term := inventory.FlightTerm{
			Store: entry.Key.Store, Location: entry.Key.Location, Order: entry.Order, Units: entry.Units, Since: entry.Since.UTC(), Expires: entry.Expires.UTC(),
		}
		if kept, ok := s.c.memories[entry.Key.Store]; ok {
			term.Name = kept.feeds[entry.Key.Location].Name
			term.Sought = entry.Order == "" && !kept.Ledger.Told.IsZero()
			if sale, is := kept.Ledger.Sales[entry.Sale]; is && flight.IsOverdue(&sale, s.c.r.opts.Now(), s.c.r.terms()) {
				term.Overdue, term.Release = true, "stocksyncd release "+flight.SaleID(entry.Key.Store, entry.Sale)
			}
		}
		terms = append(terms, term)
	}
	return terms
}

// conclude says what the level is to show, and what the next cycle does.
func (s *cycleStore) conclude(e *inventory.Explanation, level inventory.Level, index *flight.Index) {
	figure := inventory.Figure{Units: e.Desired, Left: e.Left, Negative: e.Negative}
	if e.Left == "" {
		e.Target = plan.Target(plan.Offered(&level), e.Desired, index.Own(level.Key, level.SKU))
	}
	view := s.view(index)
	view.Now = s.c.r.opts.Now()
	p := plan.Diff([]inventory.Level{level}, []inventory.Figure{figure}, view)
	e.Next = s.next(level.Key, p, e)
}

// next says what the next cycle does with a level that nothing happens to.
func (s *cycleStore) next(key inventory.Key, p plan.Plan, e *inventory.Explanation) inventory.NextAction {
	for _, q := range s.kept.Quarantine {
		if q.Key == key && q.Rests(s.c.r.opts.Now()) {
			return inventory.NextAction{
				Result: inventory.Skipped, Reason: inventory.ReasonQuarantined, Until: q.Until.UTC(), Order: "stocksyncd release " + key.String(),
				Text: fmt.Sprintf("Shopify refused the last write (%s), so the level rests until %s", q.Detail, clock(q.Until, s.c.r.opts.Now())),
			}
		}
	}
	switch {
	case e.Left != "":
		return inventory.NextAction{Result: inventory.Skipped, Reason: e.Left, Text: "the level is left alone"}
	case len(p.Waiting) == 1:
		return s.waits(key, p.Waiting[0], e)
	case len(p.Changes) == 0:
		return inventory.NextAction{Text: "nothing: Shopify shows what it should"}
	}
	change := p.Changes[0]
	if action, off := s.putOff(change); off {
		return action
	}
	if s.Mode == inventory.ModeReport {
		return inventory.NextAction{Result: inventory.Skipped, Reason: inventory.ReasonReport, Text: fmt.Sprintf("the store is in report mode, so %d is not written", change.To)}
	}
	text := fmt.Sprintf("the next cycle writes %d", change.To)
	if change.Activate {
		text = fmt.Sprintf("the next cycle stocks the item at the location and writes %d", change.To)
	}
	return inventory.NextAction{Result: inventory.Applied, Reason: change.Reason, Text: text}
}

// putOff tells what keeps a change from being written that the plan asks for.
func (s *cycleStore) putOff(change inventory.Change) (inventory.NextAction, bool) {
	if action, held := s.held(change); held {
		return action, true
	}
	why, detail := s.c.unsure(change)
	return inventory.NextAction{
		Result: inventory.Waiting, Reason: why, Text: fmt.Sprintf("raising it to %d waits: %s", change.To, detail),
	}, why != ""
}

// held tells of the plan of a guard that holds a change.
func (s *cycleStore) held(change inventory.Change) (inventory.NextAction, bool) {
	if s.holding == nil {
		s.holding = holding(s.kept.Holds)
	}
	for _, by := range s.holding[change.Key] {
		h := by.hold
		if h.Rule == guard.RuleUndone {
			return inventory.NextAction{
				Result: inventory.Held, Reason: inventory.ReasonUndone, ID: h.ID, Order: "stocksyncd release " + h.ID,
				Text: fmt.Sprintf("what cycle %d wrote was undone, so the change from %d to %d is held as %s", h.Undo, change.From, change.To, h.ID),
			}, true
		}
		if by.raise == change.Raise() {
			return inventory.NextAction{
				Result: inventory.Held, Reason: inventory.Reason(h.Rule), ID: h.ID, Order: "stocksyncd release " + h.ID,
				Text: fmt.Sprintf("a guard holds the change from %d to %d as %s", change.From, change.To, h.ID),
			}, true
		}
	}
	return inventory.NextAction{}, false
}

// heldBy is the plan of a guard that holds a level, and in which direction.
type heldBy struct {
	hold  *inventory.Hold
	raise bool
}

// holding finds the plans that hold each level.
func holding(holds []inventory.Hold) map[inventory.Key][]heldBy {
	by := map[inventory.Key][]heldBy{}
	for i := range holds {
		if !holds[i].Released.IsZero() || holds[i].Undo != 0 && holds[i].Rule != guard.RuleUndone {
			continue // what would be undone says nothing about what is desired
		}
		for _, level := range holds[i].Levels {
			by[level.Key] = append(by[level.Key], heldBy{&holds[i], level.Raise})
		}
	}
	return by
}

// waits says what a raise waits for, and until when at the latest.
func (s *cycleStore) waits(key inventory.Key, o inventory.Outcome, e *inventory.Explanation) inventory.NextAction {
	if o.Because == inventory.ReasonSecondWriter {
		return inventory.NextAction{
			Result: inventory.Waiting, Reason: o.Because, Order: "stocksyncd release " + key.String(),
			Text: fmt.Sprintf("something else writes it too, so it stays at %d for now: %s", o.From, o.Detail),
		}
	}
	if e.Target == o.From { // whatever else it would wait for
		o.Because = inventory.ReasonInFlight
	}
	action, now := inventory.NextAction{Result: inventory.Waiting, Reason: o.Because}, s.c.r.opts.Now()
	switch o.Because {
	case inventory.ReasonFirstSight:
		action.Until = s.kept.firstSeen(key, s.looked).Add(s.unsure()).UTC()
		action.Text = fmt.Sprintf("raising it to %d waits until %s: the level was first seen at %s, and may miss a sale that Katana has not heard of", e.Target, clock(action.Until, now), clock(s.kept.firstSeen(key, s.looked), now))
	case inventory.ReasonInFlight:
		action.Text = fmt.Sprintf("it stays at %d: the rest is sold here and not yet in Katana", o.From)
		s.lands(&action, e.Own)
	default:
		action.Text = fmt.Sprintf("raising it to %d waits: the mode lets only reductions through", e.Target)
	}
	return action
}

// lands says of what is sold and not yet in Katana when that is over: at the
// latest, if that can be told, and how to have it over at once.
func (s *cycleStore) lands(action *inventory.NextAction, sold []inventory.FlightTerm) {
	var sought time.Time
	endless := false
	for _, one := range sold {
		endless = endless || one.Expires.IsZero() || one.Sought
		action.Until = later(action.Until, one.Expires)
		if one.Sought {
			sought = later(sought, one.Expires)
		}
		if one.Overdue && action.Order == "" {
			action.Order = one.Release
			action.Text += fmt.Sprintf("; Katana should have had order %s, placed %s, by now", one.Order, clock(one.Since, s.c.r.opts.Now()))
		}
	}
	if endless {
		action.Until = time.Time{}
	}
	if !sought.IsZero() {
		action.Text += fmt.Sprintf("; an order that explains the fall is looked for until %s", clock(sought, s.c.r.opts.Now()))
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// clock writes a time for people: the hour today, the date before and after.
func clock(t, now time.Time) string {
	if t = t.UTC(); t.Format(time.DateOnly) == now.UTC().Format(time.DateOnly) {
		return t.Format("15:04:05 UTC")
	}
	return t.Format("2006-01-02 15:04:05 UTC")
}
