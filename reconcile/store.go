package reconcile

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
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
	// listens tells that the cycle is about another store.
	listens bool

	locations []inventory.Location
	whole     bool                   // all of the store is read
	doubted   map[inventory.SKU]bool // whose levels must be read before anything is planned
	read      map[inventory.SKU]bool // whose levels were, all of them
	glanced   bool                   // the store has told what it updated
	toldSales bool                   // the store has told what it sold, as far as it does
	writes    int                    // changes that are about to be written
	raises    int                    // those of them that offer more
	learnt    []flight.Learnt        // what orders were found to have sold
	items     []inventory.ItemID     // that the plan looks at, sorted
	listed    []inventory.Level      // theirs, as the store lists them, sorted by key
	levels    []inventory.Level      // those, and what is to be stocked, sorted by key
	vanished  []inventory.Key        // levels that were there and are not stocked any more
	began     time.Time              // when the reading of the levels began
	looked    time.Time              // when they had been read
	settled   []inventory.Settled
	begun     bool                   // the ledger is durable, and the first levels that it follows from
	apart     map[inventory.SKU]bool // whose levels are all known as they are now, as far as they share stock
	holding   map[inventory.Key][]heldBy
	rules     desired.Rules
	figured   []inventory.Figure // of levels
	other     otherChoice        // what another config would make of it
	plan      plan.Plan
	pass      []inventory.Change // what the guards let through
	freed     map[inventory.Key]bool
	told      map[string]bool        // the held plans of which there is news
	sold      map[inventory.SKU]bool // found while writing
	lastWrite map[inventory.Key]int  // where kept.Written has the last write of each level, once a plan asked
	refusals  map[inventory.Key]int  // where kept.Quarantine has each level, once one was refused
	gone      map[inventory.Key]bool // levels that are not stocked any more, as was found while writing
	outcomes  []inventory.Outcome
	undoing   []undoing // what was written, and is to be taken back
	released  bool      // a release lets it go on
	back      map[inventory.Key]putBack
	notes     []string
	found     findings
	several   []inventory.Level  // of SKUs of which the same stock may be offered several times
	offered   []inventory.Figure // theirs
	compares  *inventory.Comparison
}

// looksHold is how long what was seen of a store says what it is like: one that
// was away for longer is read whole.
const looksHold = 24 * time.Hour

func newCycleStore(c *cycle, s Store, kept *memory) *cycleStore {
	one := &cycleStore{Store: s, c: c, mode: s.Mode, kept: kept, err: c.paused(string(s.Name)), doubted: map[inventory.SKU]bool{}, read: map[inventory.SKU]bool{}}
	one.whole = c.ask.Kind != inventory.Incremental || c.ask.SKU != "" && c.ask.Undo == 0 || c.ask.Only != nil || c.ask.Compare != nil || !kept.shelf.whole || c.started.Sub(kept.tour.oldest()) > looksHold
	if c.ask.Dry && s.Mode != inventory.ModeOff {
		one.mode = inventory.ModeReport
	}
	one.Target = &journaled{Target: s.Target, s: one}
	if one.mode == inventory.ModeReport {
		one.Target = DryRun{s.Target}
	}
	return one
}

// listen has a store take part in a cycle of another one, and tells whether it
// does: what it has sold, the other must not offer. Nothing is written to it then,
// and it is not reported. One that is not known whole is read whole: nobody knows
// what it shares.
func (s *cycleStore) listen() bool {
	s.listens, s.mode, s.Target = true, inventory.ModeReport, DryRun{s.Target}
	s.whole = !s.kept.shelf.whole || s.c.started.Sub(s.kept.tour.oldest()) > looksHold
	return s.Mode != inventory.ModeOff && !s.c.ask.Dry
}

// abandon forgets a store that is switched off: what its levels showed says
// nothing about the day it comes back, when every level is seen first again.
// The units that it has sold stay in flight until they expire: other stores
// draw on the same stock. What was undone stays so until somebody releases it.
func (s *cycleStore) abandon() error {
	shelf := s.kept.shelf
	if len(shelf.items) == 0 && len(s.kept.open) == 0 {
		return nil
	}
	shelf.empty()
	flight.Forget(&s.kept.Ledger, s.Name, s.c.started, s.c.r.terms())
	undone := slices.DeleteFunc(slices.Clone(s.kept.Holds), func(h inventory.Hold) bool { return h.Rule != guard.RuleUndone })
	left := inventory.Memory{Ledger: inventory.Ledger{Entries: s.kept.Ledger.Entries}, Holds: undone, Pins: s.kept.Pins}
	observation := inventory.Observation{Gone: shelf.lost, Removed: shelf.left, Memory: left}
	for _, open := range s.kept.open {
		observation.Settled = append(observation.Settled, inventory.Settled{ID: open.ID, Outcomes: notSent(open.Changes, inventory.ReasonUnknown)})
	}
	if err := s.c.r.opts.Journal.Observe(s.Name, observation); err != nil {
		s.kept.doubtful = true
		return fmt.Errorf("state: %w", err)
	}
	*s.kept = memory{shelf: newShelf(s.Name), Memory: left, feeds: s.kept.feeds}
	return nil
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

// account takes the looks into the ledger: batches that were cut off are settled
// as found, falls are noted, orders that arrived in Katana take theirs away. An
// order that reached Katana while the levels were read may be of one that was
// read before it: its fall has not shown, so the look is as old as its beginning.
func (s *cycleStore) account() error {
	s.settleOpen()
	if err := s.reached(); err != nil {
		return err
	}
	levels := s.kept.shelf.listing(s.fallen())
	flight.Look(&s.kept.Ledger, levels, s.seen, s.c.feeds, s.lookedAt, s.looked, s.c.r.terms())
	flight.Claim(&s.kept.Ledger, s.learnt)
	if s.c.mirror != nil {
		looked := func(sku inventory.SKU) time.Time {
			if s.lookedAt(sku) {
				return s.c.byKatana(s.began)
			}
			return s.c.byKatana(s.kept.Look.Whole)
		}
		flight.Arrivals(&s.kept.Ledger, s.c.orders, s.Shop, s.c.catalogue.SKU, s.c.feeds, looked, s.c.byKatana(s.looked), s.c.r.terms())
	}
	s.kept.Written = slices.DeleteFunc(s.kept.Written, func(w inventory.Written) bool { return s.looked.Sub(w.At) >= guard.Window })
	s.forgetGone()
	s.noteSales()
	return nil
}

// fallen lists the items whose levels may show less than was seen before.
func (s *cycleStore) fallen() []inventory.ItemID {
	return slices.Sorted(maps.Keys(s.kept.shelf.news))
}

// lookedAt tells whether all levels of a SKU were read in this cycle; there may
// be none.
func (s *cycleStore) lookedAt(sku inventory.SKU) bool {
	return s.whole || s.read[sku] || len(s.kept.shelf.of(sku)) == 0
}

// seen gives the value a level had before this look.
func (s *cycleStore) seen(key inventory.Key) (inventory.Units, bool) {
	seen, ok := s.kept.shelf.seen(key)
	return seen.Units, ok
}

// planAtOnce is how many items are planned before their part is durable: no
// more of a large store than that is in memory twice, and the levels of so many
// fit into one transaction.
const planAtOnce = 2000

// diff plans the store, and makes what was seen durable.
func (s *cycleStore) diff() error {
	s.ready()
	index, all := s.index(), s.items
	var parts []plan.Plan
	for first := true; first || len(all) > 0; first = false {
		s.items, all = s.portion(all)
		s.lay()
		s.figured = s.figures(s.levels, index)
		s.watch(s.levels, s.figured, index)
		parts = append(parts, plan.Diff(s.levels, s.figured, s.view(index)))
		if err := s.observe(s.levels, s.figured, s.dropGone(), len(all) == 0); err != nil {
			return err
		}
		s.judge(s.figured)
		s.mayRepeat(s.figured)
		s.compare(s.figured)
	}
	s.plan, s.lastWrite = plan.Join(parts...), nil
	s.pair()
	s.judged()
	s.addUp()
	return nil
}

// decide lets the guards look at the plan.
func (s *cycleStore) decide() error {
	if s.c.ask.Undo != 0 {
		return s.decideUndo()
	}
	back := s.goOn()
	held := s.guard()
	if sku := s.c.ask.SKU; sku != "" {
		s.only(sku, s.figured, s.index())
		held = slices.DeleteFunc(held, func(o inventory.Outcome) bool { return o.SKU != sku })
	}
	s.nameSales()
	s.outcomes = append(append(s.outcomes, s.plan.Waiting...), held...)
	return s.undo(back)
}

// portion cuts off the items that are planned next: all of them where the answer
// is about some.
func (s *cycleStore) portion(all []inventory.ItemID) (now, rest []inventory.ItemID) {
	if s.c.ask.SKU != "" || s.other.asked {
		return all, nil
	}
	n := min(len(all), planAtOnce)
	return all[:n], all[n:]
}

// concerned lists the items that a plan has to look at: all of them in a full
// cycle, and where the mapping has changed; else those that changed, those
// whose figure may have moved, and those that were not in step.
func (s *cycleStore) concerned() []inventory.ItemID {
	last, shelf := &s.kept.last, s.kept.shelf
	if s.whole || shelf.unplanned || !reflect.DeepEqual(last.feeds, s.kept.feeds) {
		return shelf.all()
	}
	s.reconsider()
	return shelf.concerned()
}

// reconsider has the plan look at the SKUs that are in flight, or were when the last
// one was made, and at those that orders which do not count commit, or did.
func (s *cycleStore) reconsider() {
	last, shelf := &s.kept.last, s.kept.shelf
	flown, excluded := s.flying(), s.excluded(s.Orders, s.kept.Pins)
	for sku := range flown {
		shelf.move(sku)
	}
	for sku := range last.flown {
		shelf.move(sku)
	}
	differ := func(a, b desired.Excluded) {
		for key, quantity := range a {
			if sku, stands := s.c.catalogue.SKU(key.Variant); stands && b[key] != quantity {
				shelf.move(sku)
			}
		}
	}
	differ(excluded, last.excluded)
	differ(last.excluded, excluded)
}

// flying is the SKUs that are in flight somewhere.
func (s *cycleStore) flying() map[inventory.SKU]bool {
	skus := map[inventory.SKU]bool{}
	for _, entry := range s.entries() {
		skus[entry.SKU] = true
	}
	return skus
}

// judge notes what the plan made of each level it looked at.
func (s *cycleStore) judge(figures []inventory.Figure) {
	shelf, view := s.kept.shelf, s.view(nil)
	for _, id := range s.items {
		shelf.unjudge(id)
	}
	rested := s.rested()
	for i := range s.levels {
		v := plan.Judge(&s.levels[i], figures[i], view)
		shelf.judge(s.levels[i].Key, v)
		if rested[s.levels[i].Key] && !v.Drifted {
			rested[s.levels[i].Key] = false
		}
	}
	s.recovered(rested)
	for _, id := range s.items {
		shelf.tidy(id)
	}
}

// judged notes what the plan was made under, once all of it is.
func (s *cycleStore) judged() {
	shelf := s.kept.shelf
	shelf.takenIn()
	s.kept.last = lastPlan{feeds: s.kept.feeds, excluded: s.rules.Excluded, flown: s.flying()}
	s.plan.InStep, s.plan.Drifted, s.plan.Negative = shelf.count.inStep, shelf.count.drifted, shelf.count.negative
	s.plan.Skipped = maps.Clone(shelf.count.skipped)
}

// outline is the plan as it would be by what is known so far. It leaves no
// trace.
func (s *cycleStore) outline() plan.Plan {
	rules, index := s.rulesOf(s.Choice, s.kept.feeds, s.kept.Pins), s.index()
	var parts []plan.Plan
	for some := range slices.Chunk(s.concerned(), planAtOnce) {
		listed := s.kept.shelf.listing(some)
		levels := append(slices.DeleteFunc(slices.Clone(listed), nowhere), s.c.catalogue.Unstocked(listed, rules)...)
		parts = append(parts, plan.Diff(levels, s.figuresBy(rules, levels, index), s.view(index)))
	}
	return plan.Join(parts...)
}

// touched lists the SKUs of the levels that would be written by the figures as
// they were read last, and of those that moved since they were seen. What waits
// or is held is not about to be written, nor is anything in report mode.
func (s *cycleStore) touched() (skus []inventory.SKU) {
	for _, change := range s.outline().Changes {
		if _, held := s.held(change); !held && s.mode != inventory.ModeReport {
			skus = append(skus, change.SKU)
		}
	}
	return append(skus, s.stirred()...)
}

// stirred lists the SKUs of the levels that do not show what they did.
func (s *cycleStore) stirred() (skus []inventory.SKU) {
	for id := range s.kept.shelf.news {
		it := s.kept.shelf.items[id]
		for i := range it.slots {
			if one := &it.slots[i]; one.listed && one.known && one.shows != one.units {
				skus = append(skus, it.SKU)
			}
		}
	}
	return skus
}

// unread takes the changes out whose Katana figure was not read in this cycle,
// and those whose SKU has levels elsewhere that draw on the same stock and were
// not read, and raises while a store has not told of its orders or fails: the next
// cycle finds them touched and reads what is missing. To write one now would be to
// trust a figure that may be an hour old, or to offer what another level has sold.
// With held, those that a guard holds stay.
func (s *cycleStore) unread(changes []inventory.Change, held bool) (read []inventory.Change, waiting []inventory.Outcome) {
	for _, change := range changes {
		why, detail := s.lacks(change)
		if _, holds := s.held(change); why == "" || held && holds || s.mode == inventory.ModeReport {
			read = append(read, change)
			continue
		}
		waiting = append(waiting, inventory.Outcome{Change: change, Result: inventory.Waiting, Because: why, Detail: detail})
	}
	return read, waiting
}

// ready makes the store's rules ready, and lists the items that the plan looks
// at.
func (s *cycleStore) ready() {
	s.rules = s.rulesOf(s.Choice, s.kept.feeds, s.kept.Pins)
	s.noteOrders()
	s.items = s.concerned()
}

// lay lists the levels of the items, with those that are not there although the
// config names their location and Katana has some for them.
func (s *cycleStore) lay() {
	s.listed = s.kept.shelf.listing(s.items)
	s.vanished = nil
	missing := s.c.catalogue.Unstocked(s.listed, s.rules)
	for _, level := range missing {
		if was, known := s.kept.shelf.seen(level.Key); known && (was.Units != 0 || !was.Unstocked) { // what was there is gone: it is seen for the first time again
			s.kept.shelf.forget(level.Key)
			s.vanished = append(s.vanished, level.Key)
		}
	}
	s.levels = append(slices.DeleteFunc(slices.Clone(s.listed), nowhere), missing...)
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
	now := s.c.r.opts.Now()
	entries := flight.Entries(&s.kept.Ledger, s.Name, now, s.c.r.terms())
	entries = append(entries, s.kept.renamed(entries)...)
	for _, entry := range s.c.inFlight {
		if entry.Key.Store != s.Name && (entry.Expires.IsZero() || now.Before(entry.Expires)) {
			entries = append(entries, entry)
		}
	}
	return entries
}

// figures gives the levels what they should be, as far as Katana, the mapping
// and the units in flight elsewhere tell.
func (s *cycleStore) figures(levels []inventory.Level, index *flight.Index) []inventory.Figure {
	return s.figuresBy(s.rules, levels, index)
}

func (s *cycleStore) figuresBy(rules desired.Rules, levels []inventory.Level, index *flight.Index) []inventory.Figure {
	return s.c.catalogue.Figures(levels, rules, func(level inventory.Level) inventory.Units {
		return index.Others(level.Key, level.SKU, s.kept.feeds[level.Location].Sources)
	})
}

func (s *cycleStore) view(index *flight.Index) plan.View {
	resting := make(map[inventory.Key]bool, len(s.kept.Quarantine))
	for _, q := range s.kept.Quarantine {
		resting[q.Key] = q.Rests(s.c.started)
	}
	return plan.View{
		Own:       index.Own,
		First:     func(key inventory.Key) time.Time { return s.kept.firstSeen(key, s.looked) },
		Resting:   func(key inventory.Key) bool { return resting[key] },
		Stays:     s.stays(),
		Name:      func(id inventory.LocationID) string { return s.kept.feeds[id].Name },
		Now:       s.looked,
		Settle:    s.unsure(),
		LowerOnly: s.Mode == inventory.ModeLowerOnly, // also in a dry run
	}
}

// unsure is how long raises wait for what may have been sold.
func (s *cycleStore) unsure() time.Duration { return s.c.r.terms().Unsure(&s.kept.Ledger) }

// firstSeen is since when a raise of the level waits. Where the store tells of its
// orders, what was sold before the first look is known: there a raise waits only
// where the answer to a write was lost.
func (m *memory) firstSeen(key inventory.Key, now time.Time) time.Time {
	if !m.Ledger.Told.IsZero() {
		return flight.Doubted(&m.Ledger, key)
	}
	if seen, ok := m.shelf.seen(key); ok {
		return seen.First
	}
	return now
}

// errDuplicate refuses a mapping that offers the same stock at several
// locations.
var errDuplicate = errors.New("duplicate_stock is refuse")

// guard lets the guards look at the whole plan, and gives back what they hold,
// and what waits until its figure has been read: an old one would trip them by
// what is not so.
func (s *cycleStore) guard() []inventory.Outcome {
	changes, waiting := s.unread(s.plan.Changes, true)
	changes, undone := s.leaveUndone(changes)
	before, offering := s.kept.Holds, s.kept.shelf.count.offering
	holds, undos := apartUndos(before)
	verdict := guard.Check(guard.Input{
		Limits: s.c.r.opts.Guards, Store: s.Name, Cycle: s.c.number, Managed: s.plan.Managed(),
		Changes: changes, PutOff: changesOf(waiting), Written: s.kept.Written, Holds: holds,
		Shrunk: s.c.shrunk, Canary: s.sighting(), Offering: offering, Offered: s.kept.Offering, Now: s.looked,
	})
	s.kept.Holds, s.freed, s.holding = append(verdict.Holds, undos...), verdict.Freed, nil
	if !verdict.Doubted {
		s.kept.Offering = offering
	}
	s.tellHolds(before)
	// What a guard lets go at this moment was not read before.
	pass, late := s.unread(verdict.Pass, false)
	s.pass = pass
	return slices.Concat(verdict.Held, undone, waiting, late)
}

// tellHolds finds of which held plans there is news. What was asked for is for the
// eyes of who asked, so the news is still to be told after it.
func (s *cycleStore) tellHolds(before []inventory.Hold) {
	news := guard.Tell(before, s.kept.Holds, s.c.started)
	if !s.c.ask.Dry {
		s.told = news
		return
	}
	for i := range s.kept.Holds {
		if h := &s.kept.Holds[i]; news[h.ID] {
			h.Reported = time.Time{}
		}
	}
}

// sighting is what Katana has of the store's canary at the locations that feed
// the store; nil without one. Every cycle reads it.
func (s *cycleStore) sighting() *inventory.Sighting {
	if s.Canary.SKU == "" {
		return nil
	}
	total := s.c.catalogue.Total(s.Canary.SKU, s.kept.feeds.Sources(), s.rules.Excluded)
	return &inventory.Sighting{Canary: s.Canary, Units: total.Units, Left: total.Left}
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
