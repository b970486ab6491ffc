package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/reconcile/plan"
)

// cycleStore is one store's part of a cycle under way.
type cycleStore struct {
	Store
	c    *cycle
	mode inventory.Mode
	kept *memory
	err  error // ends the store's part of the cycle

	locations []inventory.Location
	listed    []inventory.Level // as the store lists them, sorted by key
	levels    []inventory.Level // those, and what is to be stocked, sorted by key
	vanished  []inventory.Key   // levels that were there and are not stocked any more
	began     time.Time         // when the reading of the levels began
	looked    time.Time         // when they had been read
	settled   []inventory.Settled
	moved     map[inventory.Key]bool // seen was moved, and is not durable yet
	rules     desired.Rules
	other     otherChoice // what another config would make of it
	plan      plan.Plan
	pass      []inventory.Change // what the guards let through
	freed     map[inventory.Key]bool
	sold      map[inventory.SKU]bool // found while writing
	outcomes  []inventory.Outcome
	notes     []string
	found     findings
	compares  *inventory.Comparison
}

func newCycleStore(c *cycle, s Store, kept *memory) *cycleStore {
	one := &cycleStore{Store: s, c: c, mode: s.Mode, kept: kept, err: c.paused(string(s.Name))}
	if c.ask.Dry && s.Mode != inventory.ModeOff {
		one.mode = inventory.ModeReport
	}
	one.Target = &journaled{Target: s.Target, s: one}
	if one.mode == inventory.ModeReport {
		one.Target = DryRun{s.Target}
	}
	return one
}

// abandon forgets a store that is switched off: what its levels showed says
// nothing about the day it comes back, when every level is seen first again.
// The units that it has sold stay in flight until they expire: other stores
// draw on the same stock.
func (s *cycleStore) abandon() error {
	if len(s.kept.levels) == 0 && len(s.kept.open) == 0 {
		return nil
	}
	gone := make([]inventory.Key, 0, len(s.kept.levels))
	for key := range s.kept.levels {
		gone = append(gone, key)
	}
	slices.SortFunc(gone, inventory.Key.Compare)
	left := inventory.Memory{Ledger: inventory.Ledger{Entries: s.kept.Ledger.Entries}, Pins: s.kept.Pins}
	observation := inventory.Observation{Gone: gone, Memory: left}
	for _, open := range s.kept.open {
		observation.Settled = append(observation.Settled, inventory.Settled{ID: open.ID, Outcomes: notSent(open.Changes, inventory.ReasonUnknown)})
	}
	if err := s.c.r.opts.Journal.Observe(s.Name, observation); err != nil {
		s.kept.doubtful = true
		return fmt.Errorf("state: %w", err)
	}
	*s.kept = memory{levels: map[inventory.Key]inventory.Seen{}, Memory: left, feeds: s.kept.feeds}
	return nil
}

// look reads the store's locations and levels.
func (s *cycleStore) look(ctx context.Context) error {
	var err error
	s.began = s.c.r.opts.Now()
	if s.locations, err = s.Target.Locations(ctx); err != nil {
		return err
	}
	if s.levels, err = s.Target.Observe(ctx); err != nil {
		return err
	}
	sortLevels(s.levels)
	s.looked = s.c.r.opts.Now()
	s.c.r.opts.Progress(fmt.Sprintf("%s: %d levels", s.Name, len(s.levels)))
	return nil
}

func sortLevels(levels []inventory.Level) {
	byKey := func(a, b inventory.Level) int { return a.Compare(b.Key) }
	if !slices.IsSortedFunc(levels, byKey) {
		slices.SortFunc(levels, byKey)
	}
}

// resolve looks up the names of the store's mapping on both sides.
func (s *cycleStore) resolve() error {
	resolved, err := desired.Resolve(s.Mapping, s.locations, s.c.locations, s.kept.Pins)
	if err != nil {
		return err
	}
	if err := s.refused(resolved.Feeds); err != nil {
		return err
	}
	s.kept.feeds, s.kept.Pins = resolved.Feeds, resolved.Pins
	s.notes = append(s.notes, resolved.Notes...)
	return s.resolveOther()
}

// refused is the error of a choice that refuses what its mapping does.
func (c Choice) refused(feeds desired.Feeds) error {
	shared := feeds.Shared()
	if !c.RefuseDuplicate || len(shared) == 0 {
		return nil
	}
	return fmt.Errorf("%w: the Katana location that feeds %s feeds each of them with its whole stock; map the locations one to one", errDuplicate, strings.Join(shared, " and "))
}

// account takes the look into the ledger: batches that were cut off are settled
// as found, falls are noted, orders that arrived in Katana take theirs away. An
// order that reached Katana while the levels were read may be of one that was
// read before it: its fall has not shown, so the look is as old as its beginning.
func (s *cycleStore) account() error {
	s.settleOpen()
	flight.Look(&s.kept.Ledger, s.levels, s.seen, s.c.feeds, true, s.looked, s.c.r.opts.Settle)
	if s.c.skus != nil {
		flight.Arrivals(&s.kept.Ledger, s.c.orders, s.Shop, s.c.skus, s.c.feeds, s.c.byKatana(s.began))
	}
	s.kept.Written = slices.DeleteFunc(s.kept.Written, func(w inventory.Written) bool { return s.looked.Sub(w.At) >= guard.Window })
	s.kept.Quarantine = slices.DeleteFunc(s.kept.Quarantine, func(q inventory.Quarantined) bool { return !s.looked.Before(q.Until) })
	return nil
}

// seen gives the value a level had before this look.
func (s *cycleStore) seen(key inventory.Key) (inventory.Units, bool) {
	seen, ok := s.kept.levels[key]
	return seen.Units, ok
}

// diff plans the store, makes what was seen durable, and lets the guards look
// at the plan.
func (s *cycleStore) diff() error {
	s.figure()
	index := s.index()
	figures := s.figures(s.levels, index)
	s.plan = plan.Diff(s.levels, figures, s.view(index))
	if err := s.observe(s.levels, figures, s.dropGone()); err != nil {
		return err
	}
	s.addUp(figures)
	s.compare(figures)
	held := s.guard()
	var unread []inventory.Outcome
	s.pass, unread = s.unread(s.pass)
	held = append(held, unread...)
	if sku := s.c.ask.SKU; sku != "" {
		s.only(sku, figures, index)
		held = slices.DeleteFunc(held, func(o inventory.Outcome) bool { return o.SKU != sku })
	}
	s.outcomes = append(append(s.outcomes, s.plan.Waiting...), held...)
	return nil
}

// touched lists the SKUs of the levels that would be written by the figures as
// they were read last, and of those that moved since they were seen.
func (s *cycleStore) touched() (skus []inventory.SKU) {
	s.c.open.after = s.c.open.before // the best that is known so far
	rules := s.rulesOf(s.Choice, s.kept.feeds, s.kept.Pins)
	levels := append(slices.DeleteFunc(slices.Clone(s.levels), nowhere), s.c.catalogue.Unstocked(s.levels, rules)...)
	index := s.index()
	figures := s.c.catalogue.Figures(levels, rules, func(level inventory.Level) inventory.Units {
		return index.Others(level.Key, level.SKU, s.kept.feeds[level.Location].Sources)
	})
	for i := range levels {
		before, known := s.seen(levels[i].Key)
		moved := known && before != levels[i].Available
		if moved || figures[i].Left == "" && figures[i].Units != plan.Offered(&levels[i]) {
			skus = append(skus, levels[i].SKU)
		}
	}
	return skus
}

// unread takes the changes out whose Katana figure was not read in this cycle:
// the next one finds them touched and reads it. Few are left here, such as
// those of a SKU that another variant stands for by now; to write one would be
// to trust a figure that may be an hour old.
func (s *cycleStore) unread(changes []inventory.Change) (read []inventory.Change, waiting []inventory.Outcome) {
	for _, change := range changes {
		if id, ok := s.c.catalogue.Stands(change.SKU); ok && s.c.fresh[id] {
			read = append(read, change)
			continue
		}
		waiting = append(waiting, inventory.Outcome{Change: change, Result: inventory.Waiting, Because: inventory.ReasonUnread})
	}
	return read, waiting
}

// figure makes the store's rules ready, and adds the levels that are not there
// although the config names their location and Katana has some for them.
func (s *cycleStore) figure() {
	s.rules = s.rulesOf(s.Choice, s.kept.feeds, s.kept.Pins)
	s.noteOrders()
	s.pair()
	missing := s.c.catalogue.Unstocked(s.levels, s.rules)
	for _, level := range missing {
		if s.kept.levels[level.Key].Units != 0 { // what was there is gone: it is seen for the first time again
			delete(s.kept.levels, level.Key)
			s.vanished = append(s.vanished, level.Key)
		}
	}
	s.listed = s.levels
	s.levels = append(slices.DeleteFunc(slices.Clone(s.levels), nowhere), missing...)
	sortLevels(s.levels)
}

// nowhere tells the level of an item that has none.
func nowhere(level inventory.Level) bool { return level.Location == inventory.Nowhere }

func (s *cycleStore) rulesOf(choice Choice, feeds desired.Feeds, pins inventory.Pins) desired.Rules {
	return desired.Rules{Feeds: feeds, SKU: choice.Rules, Excluded: s.excluded(choice.Orders, pins), Activate: choice.Activate}
}

// index answers what is in flight: in the other stores as it was when the diff
// began, in this one as it is now.
func (s *cycleStore) index() *flight.Index { return flight.NewIndex(s.entries(), s.c.feeds) }

func (s *cycleStore) entries() []inventory.InFlight {
	entries := slices.Clone(s.kept.Ledger.Entries)
	for _, entry := range s.c.inFlight {
		if entry.Key.Store != s.Name {
			entries = append(entries, entry)
		}
	}
	now := s.c.r.opts.Now()
	return slices.DeleteFunc(entries, func(e inventory.InFlight) bool { return !now.Before(e.Expires) })
}

// figures gives the levels what they should be, as far as Katana, the mapping
// and the units in flight elsewhere tell.
func (s *cycleStore) figures(levels []inventory.Level, index *flight.Index) []inventory.Figure {
	return s.c.catalogue.Figures(levels, s.rules, func(level inventory.Level) inventory.Units {
		return index.Others(level.Key, level.SKU, s.kept.feeds[level.Location].Sources)
	})
}

func (s *cycleStore) view(index *flight.Index) plan.View {
	resting := make(map[inventory.Key]bool, len(s.kept.Quarantine))
	for _, q := range s.kept.Quarantine {
		resting[q.Key] = true
	}
	return plan.View{
		Own:       index.Own,
		First:     func(key inventory.Key) time.Time { return s.firstSeen(key) },
		Resting:   func(key inventory.Key) bool { return resting[key] },
		Name:      func(id inventory.LocationID) string { return s.kept.feeds[id].Name },
		Now:       s.looked,
		Settle:    s.c.r.opts.Settle,
		LowerOnly: s.Mode == inventory.ModeLowerOnly, // also in a dry run
	}
}

func (s *cycleStore) firstSeen(key inventory.Key) time.Time {
	if seen, ok := s.kept.levels[key]; ok {
		return seen.First
	}
	return s.looked
}

// errDuplicate refuses a mapping that offers the same stock at several
// locations.
var errDuplicate = errors.New("duplicate_stock is refuse")

// guard lets the guards look at the whole plan, and gives back what they hold.
func (s *cycleStore) guard() []inventory.Outcome {
	verdict := guard.Check(guard.Input{
		Limits: s.c.r.opts.Guards, Store: s.Name, Cycle: s.c.number, Managed: s.plan.Managed(),
		Changes: s.plan.Changes, Written: s.kept.Written, Holds: s.kept.Holds, Shrunk: s.c.shrunk, Now: s.looked,
	})
	s.kept.Holds, s.freed, s.pass = verdict.Holds, verdict.Freed, verdict.Pass
	return verdict.Held
}

// only narrows the plan to one SKU. The guards have seen the whole plan by
// then: what they hold of other SKUs stays held.
func (s *cycleStore) only(sku inventory.SKU, figures []inventory.Figure, index *flight.Index) {
	var levels []inventory.Level
	var wanted []inventory.Figure
	for i, level := range s.levels {
		if level.SKU == sku {
			levels, wanted = append(levels, level), append(wanted, figures[i])
		}
	}
	if len(levels) == 0 && !slices.ContainsFunc(s.listed, func(l inventory.Level) bool { return l.SKU == sku }) {
		s.notes = append(s.notes, fmt.Sprintf("no Shopify variant has the SKU %q", sku))
	}
	s.plan = plan.Diff(levels, wanted, s.view(index))
	s.pass = slices.DeleteFunc(s.pass, func(change inventory.Change) bool { return change.SKU != sku })
}
