package reconcile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/reconcile/plan"
)

// ErrNothingToUndo reports a cycle that has written nothing which could be taken
// back, as far as anybody remembers.
var ErrNothingToUndo = errors.New("it has written nothing that could be undone, or is older than state.keep_history; the log and `stocksyncd explain SKU` name the cycles that wrote")

// undoing is one write that is to be taken back, as it was made.
type undoing struct {
	inventory.Change
	cycle uint64 // that made it
}

// putBack is a level that is given its former figure in this cycle.
type putBack struct {
	cycle uint64 // that wrote it
	added bool   // to the hold of what was undone, ahead of the write
}

// recallWrites finds what is to be undone: what the cycle that was asked for has
// written, or what a release of an earlier undo lets go on.
func (c *cycle) recallWrites() error {
	switch {
	case c.ask.Undo != 0:
		return c.recallAsked()
	case c.ask.Only != nil || c.ask.SKU != "" || c.ask.Compare != nil:
		return nil // something else is asked for
	}
	for _, s := range c.stores {
		if s.mode == inventory.ModeReport || s.mode == inventory.ModeOff {
			continue
		}
		for _, h := range s.kept.Holds {
			if h.Undo == 0 || h.Rule == guard.RuleUndone || h.Released.IsZero() {
				continue
			}
			s.released = true
			wrote, err := c.r.opts.Journal.Wrote(h.Undo)
			if err != nil {
				return fmt.Errorf("state: undoing cycle %d: %w", h.Undo, err)
			}
			held := levelsOf(h)
			s.toUndo(h.Undo, wrote, func(change inventory.Change) bool { return held[change.Key] })
		}
	}
	return nil
}

func (c *cycle) recallAsked() error {
	wrote, err := c.r.opts.Journal.Wrote(c.ask.Undo)
	if err != nil {
		return fmt.Errorf("state: undoing cycle %d: %w", c.ask.Undo, err)
	}
	found := false
	for _, s := range c.stores {
		if s.listens {
			continue
		}
		s.toUndo(c.ask.Undo, wrote, func(change inventory.Change) bool { return c.ask.SKU == "" || change.SKU == c.ask.SKU })
		found = found || len(s.undoing) > 0
		if s.mode == inventory.ModeOff && len(s.undoing) > 0 {
			s.notes = append(s.notes, fmt.Sprintf("the store is switched off, so %s of cycle %d stay", count(len(s.undoing), "write", "writes"), c.ask.Undo))
		}
	}
	if !found {
		return fmt.Errorf("cycle %d: %w", c.ask.Undo, ErrNothingToUndo)
	}
	return nil
}

// toUndo adds the writes to the store that are wanted.
func (s *cycleStore) toUndo(cycle uint64, wrote []inventory.Change, wanted func(inventory.Change) bool) {
	for _, change := range wrote {
		if change.Store == s.Name && wanted(change) {
			s.undoing = append(s.undoing, undoing{change, cycle})
		}
	}
}

func levelsOf(h inventory.Hold) map[inventory.Key]bool {
	levels := make(map[inventory.Key]bool, len(h.Levels))
	for _, level := range h.Levels {
		levels[level.Key] = true
	}
	return levels
}

// decideUndo lets the guards look at what was asked to be undone. Nothing else
// is written in such a cycle.
func (s *cycleStore) decideUndo() error {
	changes, told := s.planUndo()
	s.outcomes = append(s.outcomes, told...)
	if s.mode != inventory.ModeReport {
		changes = s.guardUndo(changes)
	}
	return s.undo(changes)
}

// guardUndo has the guards count an undo like any plan. A plan of the same undo
// that they have stopped before is named by its id again, or released.
func (s *cycleStore) guardUndo(changes []inventory.Change) []inventory.Change {
	before, others := s.heldBefore()
	verdict := guard.Check(guard.Input{
		Limits: s.c.r.opts.Guards, Store: s.Name, Cycle: s.c.number, Managed: s.plan.Managed(),
		Changes: changes, Written: s.kept.Written, Holds: before, Shrunk: s.c.shrunk,
		Canary: s.sighting(), Offering: s.kept.shelf.count.offering, Offered: s.kept.Offering, Now: s.looked,
	})
	for i := range verdict.Holds {
		verdict.Holds[i].Undo = s.c.ask.Undo
	}
	was := s.kept.Holds
	s.kept.Holds, s.freed, s.holding = joinHolds(others, verdict.Holds), verdict.Freed, nil
	s.told = guard.Tell(was, s.kept.Holds, s.c.started)
	s.outcomes = append(s.outcomes, verdict.Held...)
	return verdict.Pass
}

// heldBefore gives the plans of this undo that were stopped before, as far as they
// are of what is asked for, and all that is held beside that.
func (s *cycleStore) heldBefore() (before, others []inventory.Hold) {
	asked := make(map[inventory.Key]bool, len(s.undoing))
	for _, line := range s.undoing {
		asked[line.Key] = true
	}
	for _, h := range s.kept.Holds {
		if h.Undo != s.c.ask.Undo || h.Rule == guard.RuleUndone {
			others = append(others, h)
			continue
		}
		part, rest := h, h
		part.Levels, rest.Levels = nil, nil
		for _, level := range h.Levels {
			if asked[level.Key] {
				part.Levels = append(part.Levels, level)
			} else {
				rest.Levels = append(rest.Levels, level)
			}
		}
		before = append(before, part)
		if len(rest.Levels) > 0 {
			others = append(others, rest)
		}
	}
	return before, others
}

// joinHolds adds holds to others, of which some may be parts of the same.
func joinHolds(others, holds []inventory.Hold) []inventory.Hold {
	for _, h := range holds {
		i := slices.IndexFunc(others, func(o inventory.Hold) bool { return o.ID == h.ID })
		if i < 0 {
			others = append(others, h)
			continue
		}
		h.Levels = append(h.Levels, others[i].Levels...)
		slices.SortFunc(h.Levels, func(a, b inventory.HeldLevel) int { return a.Key.Compare(b.Key) })
		others[i] = h
	}
	return others
}

// goOn plans what a release of an undo lets go on, and takes the levels out of
// the plan otherwise: what is put back now is not what is desired. What is not put
// back now may still be lowered: too much on offer is oversold.
func (s *cycleStore) goOn() []inventory.Change {
	if !s.released {
		return nil
	}
	changes, told := s.planUndo()
	s.outcomes = append(s.outcomes, told...)
	own, still, back := map[inventory.Key]bool{}, map[inventory.Key]bool{}, map[inventory.Key]bool{}
	for _, change := range changes {
		own[change.Key], still[change.Key], back[change.Key] = true, true, true
	}
	for _, o := range told {
		own[o.Key] = true
		still[o.Key] = o.Result == inventory.Waiting
	}
	for i := range s.kept.Holds {
		if h := &s.kept.Holds[i]; h.Undo != 0 && h.Rule != guard.RuleUndone && !h.Released.IsZero() {
			h.Levels = slices.DeleteFunc(slices.Clone(h.Levels), func(l inventory.HeldLevel) bool { return !still[l.Key] })
		}
	}
	s.plan.Changes = slices.DeleteFunc(s.plan.Changes, func(change inventory.Change) bool {
		return own[change.Key] && (change.Raise() || back[change.Key])
	})
	s.plan.Waiting = slices.DeleteFunc(s.plan.Waiting, func(o inventory.Outcome) bool { return own[o.Key] })
	return changes
}

// undo has the changes written before all others. That their levels are held
// from then on is durable first: a crash after the write must not have the next
// cycle take them back.
func (s *cycleStore) undo(changes []inventory.Change) error {
	if s.c.ask.Undo != 0 {
		s.pass = nil
	}
	if len(changes) == 0 {
		return nil
	}
	s.pass = append(slices.Clone(changes), s.pass...)
	if s.mode == inventory.ModeReport {
		return nil
	}
	if s.freed == nil {
		s.freed = map[inventory.Key]bool{}
	}
	s.back = make(map[inventory.Key]putBack, len(changes))
	for _, change := range changes {
		s.back[change.Key] = putBack{}
		s.freed[change.Key] = s.freed[change.Key] || s.c.ask.Undo == 0
	}
	byCycle := map[uint64][]inventory.Key{}
	for _, line := range s.undoing {
		if _, is := s.back[line.Key]; is {
			byCycle[line.cycle] = append(byCycle[line.cycle], line.Key)
		}
	}
	for cycle, keys := range byCycle {
		added := s.kept.hold(s.Name, cycle, keys, s.looked)
		for _, key := range keys {
			s.back[key] = putBack{cycle, added[key]}
		}
	}
	s.kept.tidyUndone()
	s.holding = nil
	return s.c.r.keep(s.Name, s.kept)
}

// planUndo plans to give the levels what they showed before, the reductions
// first, and tells what must not be written.
func (s *cycleStore) planUndo() (changes []inventory.Change, told []inventory.Outcome) {
	if len(s.undoing) == 0 {
		return nil, nil
	}
	items := make([]inventory.ItemID, 0, len(s.undoing))
	for _, line := range s.undoing {
		if _, there := s.kept.shelf.items[line.Item]; there {
			items = append(items, line.Item)
		}
	}
	slices.Sort(items)
	levels, index := s.kept.shelf.listing(slices.Compact(items)), s.index()
	figures, view := s.figures(levels, index), s.view(index)
	at := make(map[inventory.Key]int, len(levels))
	for i := range levels {
		at[levels[i].Key] = i
	}
	s.undoing = oneEach(s.undoing, func(line undoing) bool {
		i, there := at[line.Key]
		return there && levels[i].Available == line.To
	})
	var raises []inventory.Change
	short := 0
	for _, line := range s.undoing {
		o := inventory.Outcome{Change: line.Change, Result: inventory.Skipped, Because: inventory.ReasonChanged}
		o.From, o.To, o.Reason, o.Activate = line.To, max(0, line.From), inventory.ReasonUndo, false
		if i, there := at[line.Key]; there {
			o = s.former(o, &levels[i], figures[i], view)
		} else {
			o.Detail = "it is not stocked there any more"
		}
		switch {
		case o.Result != "":
			told = append(told, o)
		case o.Raise():
			raises = append(raises, o.Change)
		default:
			changes = append(changes, o.Change)
		}
		if o.Result == "" && o.To < line.From {
			short++
		}
	}
	if short > 0 {
		s.notes = append(s.notes, fmt.Sprintf("%s less than before, as no more can be sold", count(short, "level gets", "levels get")))
	}
	return append(changes, raises...), told
}

// oneEach keeps one line of each level: of what several cycles have written the
// newest that the level still shows.
func oneEach(lines []undoing, shows func(undoing) bool) (one []undoing) {
	slices.SortStableFunc(lines, func(a, b undoing) int { return cmp.Or(a.Compare(b.Key), cmp.Compare(b.cycle, a.cycle)) })
	for _, line := range lines {
		switch last := len(one) - 1; {
		case last < 0 || one[last].Key != line.Key:
			one = append(one, line)
		case !shows(one[last]) && shows(line):
			one[last] = line
		}
	}
	return one
}

// former decides of one level: an outcome without a result is to be written.
func (s *cycleStore) former(o inventory.Outcome, level *inventory.Level, figure inventory.Figure, view plan.View) inventory.Outcome {
	switch {
	case !level.Active:
		o.Detail = "it is not stocked there any more"
	case level.SKU != o.SKU:
		o.Detail = fmt.Sprintf("its SKU is %q by now", level.SKU)
	case level.Available != o.From:
		o.Detail = fmt.Sprintf("it shows %d by now", level.Available)
	case o.From == o.To:
		o.Detail = "less than nothing is not offered"
	case untouchable(figure.Left):
		o.Because = figure.Left
	case view.Resting(level.Key):
		o.Because = inventory.ReasonQuarantined
	case o.Raise():
		return s.formerRaise(o, level, figure, view)
	default:
		o.Result, o.Because = "", ""
	}
	return o
}

// untouchable tells whether a level cannot be written at all. One that is left
// alone for another reason may still be lowered to what it showed: that the
// daemon has raised it is what is undone.
func untouchable(left inventory.Reason) bool {
	switch left {
	case inventory.ReasonUntracked, inventory.ReasonBundle, inventory.ReasonGiftCard, inventory.ReasonInactiveLevel,
		inventory.ReasonNotStocked, inventory.ReasonInactiveLocation, inventory.ReasonFulfillment:
		return true
	default:
		return false
	}
}

// formerRaise goes no further than the plan would: beyond what is desired, less
// what is sold and not yet in Katana, every unit would be sold twice, whoever
// asks for it. So a figure that is wrong in Katana or in the config is to be
// mended there, and not here.
func (s *cycleStore) formerRaise(o inventory.Outcome, level *inventory.Level, figure inventory.Figure, view plan.View) inventory.Outcome {
	if figure.Left != "" {
		o.Because = figure.Left // nobody knows what can be sold
		return o
	}
	if why, detail := s.lacks(o.Change); why != "" {
		o.Result, o.Because, o.Detail = inventory.Waiting, why, detail
		return o
	}
	switch p := plan.Diff([]inventory.Level{*level}, []inventory.Figure{figure}, view); {
	case len(p.Waiting) == 1:
		o.Result, o.Because = inventory.Waiting, p.Waiting[0].Because
	case len(p.Changes) == 1 && p.Changes[0].Raise():
		o.Result, o.Because, o.To = "", "", min(o.To, p.Changes[0].To)
	default:
		o.Because, o.Detail = inventory.ReasonOversell, fmt.Sprintf("%d can be sold", figure.Units)
	}
	return o
}

// ofAKind cuts a batch off before what is not planned anew as its first line is:
// a former figure is written as it is, or not at all.
func ofAKind(batch []inventory.Change) []inventory.Change {
	for i := range batch {
		if (batch[i].Reason == inventory.ReasonUndo) != (batch[0].Reason == inventory.ReasonUndo) {
			return batch[:i]
		}
	}
	return batch
}

// leaveUndone takes the changes of levels out that keep what an undo gave them.
func (s *cycleStore) leaveUndone(changes []inventory.Change) (others []inventory.Change, held []inventory.Outcome) {
	by := map[inventory.Key]string{}
	for _, h := range s.kept.Holds {
		if h.Rule == guard.RuleUndone {
			for _, level := range h.Levels {
				by[level.Key] = h.ID
			}
		}
	}
	if len(by) == 0 {
		return changes, nil
	}
	for _, change := range changes {
		if id, undone := by[change.Key]; undone {
			held = append(held, inventory.Outcome{Change: change, Result: inventory.Held, Because: inventory.ReasonUndone, Detail: id})
			continue
		}
		others = append(others, change)
	}
	return others, held
}

// apartUndos gives the holds that the guards go on with, and those of undoing.
func apartUndos(holds []inventory.Hold) (guards, undos []inventory.Hold) {
	for _, h := range holds {
		if h.Undo == 0 {
			guards = append(guards, h)
		} else {
			undos = append(undos, h)
		}
	}
	return guards, undos
}

// putBackDone has the levels held that were given their former figure, and no
// others. What was cut off between sending and recording may have been.
func (s *cycleStore) putBackDone() {
	if len(s.back) == 0 {
		return
	}
	done, open := map[inventory.Key]bool{}, map[inventory.Key]bool{}
	for _, o := range s.outcomes {
		done[o.Key] = done[o.Key] || o.Result == inventory.Applied
	}
	for _, batch := range s.kept.open {
		for _, change := range batch.Changes {
			done[change.Key], open[change.Key] = true, true
		}
	}
	for i := range s.kept.Holds {
		h := &s.kept.Holds[i]
		if h.Rule != guard.RuleUndone {
			continue
		}
		h.Levels = slices.DeleteFunc(slices.Clone(h.Levels), func(l inventory.HeldLevel) bool {
			back, is := s.back[l.Key]
			switch {
			case !is:
				return false
			case h.Undo == back.cycle:
				return back.added && !done[l.Key]
			}
			return done[l.Key] // a level is held once: by the undo that was the last
		})
		for i := range h.Levels {
			h.Levels[i].Ahead = h.Levels[i].Ahead && open[h.Levels[i].Key]
		}
	}
	s.kept.tidyUndone()
}

// reached finds out of the levels that a cycle which was cut off held ahead of
// their writes which it came to. Those that still show what was to be undone were
// not written, and follow Katana: nobody has looked after them since.
func (s *cycleStore) reached() error {
	for i := range s.kept.Holds {
		h := &s.kept.Holds[i]
		if !slices.ContainsFunc(h.Levels, func(l inventory.HeldLevel) bool { return l.Ahead }) {
			continue
		}
		wrote, err := s.c.r.opts.Journal.Wrote(h.Undo)
		if err != nil {
			return fmt.Errorf("state: undoing cycle %d: %w", h.Undo, err)
		}
		was := make(map[inventory.Key]inventory.Units, len(wrote))
		for _, change := range wrote {
			was[change.Key] = change.To
		}
		h.Levels = slices.DeleteFunc(slices.Clone(h.Levels), func(l inventory.HeldLevel) bool {
			one := s.kept.shelf.slot(l.Key)
			units, known := was[l.Key]
			return l.Ahead && known && one != nil && one.listed && one.shows == units
		})
		for j := range h.Levels {
			h.Levels[j].Ahead = false
		}
	}
	s.kept.tidyUndone()
	s.holding = nil
	return nil
}

// hold adds levels to those that keep what the undo of a cycle gave them, and
// tells which were not there.
func (m *memory) hold(store inventory.StoreName, cycle uint64, keys []inventory.Key, now time.Time) (added map[inventory.Key]bool) {
	at := slices.IndexFunc(m.Holds, func(h inventory.Hold) bool { return h.Undo == cycle && h.Rule == guard.RuleUndone })
	if at < 0 {
		at = len(m.Holds)
		m.Holds = append(m.Holds, inventory.Hold{ID: fmt.Sprintf("%s-%d-undone", store, cycle), Rule: guard.RuleUndone, Since: now, Undo: cycle})
	}
	h := &m.Holds[at]
	there, levels := levelsOf(*h), slices.Clone(h.Levels)
	added = make(map[inventory.Key]bool, len(keys))
	for _, key := range keys {
		if !there[key] {
			added[key] = true
			levels = append(levels, inventory.HeldLevel{Key: key, Ahead: true})
		}
	}
	slices.SortFunc(levels, func(a, b inventory.HeldLevel) int { return a.Key.Compare(b.Key) })
	h.Levels = levels
	return added
}

// tidyUndone drops the holds of undoing that hold nothing.
func (m *memory) tidyUndone() {
	m.Holds = slices.DeleteFunc(slices.Clone(m.Holds), func(h inventory.Hold) bool { return h.Undo != 0 && len(h.Levels) == 0 })
}

// letFollow lets levels follow Katana again that keep what an undo gave them: all
// that a hold of this id names, or the level of this key. It counts them.
func (m *memory) letFollow(id string) (levels int) {
	for i := range m.Holds {
		h := &m.Holds[i]
		if h.Rule != guard.RuleUndone {
			continue
		}
		kept := slices.DeleteFunc(slices.Clone(h.Levels), func(l inventory.HeldLevel) bool { return h.ID == id || l.Key.String() == id })
		levels += len(h.Levels) - len(kept)
		h.Levels = kept
	}
	m.tidyUndone()
	return levels
}

// letAllFollow does so for all of a store, and counts the holds.
func (m *memory) letAllFollow() (holds int) {
	before := len(m.Holds)
	m.Holds = slices.DeleteFunc(slices.Clone(m.Holds), func(h inventory.Hold) bool { return h.Rule == guard.RuleUndone })
	return before - len(m.Holds)
}
