package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// Cycle reads both sides, compares them, and writes what drifted. A full one
// reads all there is; an incremental one reads what has changed, what it is
// about to write, and a part of the rest.
//
// Katana's orders are read before its inventory: what an order takes off the
// ledger is in the figures then. A unit between two reads is counted twice for
// one cycle, never missed. What was seen is durable before anything is written.
//
// A store that fails carries its error in the report and stops no other. A
// source that fails ends the cycle before the diff; the report is returned
// beside the error. When ctx ends, the cycle stops between two batches.
func (r *Reconciler) Cycle(ctx context.Context, ask Request) (*inventory.Report, error) {
	c, err := r.begin(ask)
	if err != nil {
		return nil, err
	}
	c.each(func(s *cycleStore) error { return s.look(ctx) })
	if err := context.Cause(ctx); err != nil || !c.alive() {
		return c.finish(err) // nothing to compare Katana with; what a stop cuts off is no failure of a store
	}
	if err := c.readSource(ctx); err != nil {
		return c.finish(err)
	}
	if err := c.follow(); err != nil {
		return c.finish(err)
	}
	if err := cmp.Or(c.lookAtParts(ctx), context.Cause(ctx)); err != nil {
		return c.finish(err)
	}
	if err := c.seek(ctx); err != nil {
		return c.finish(err)
	}
	c.each(func(s *cycleStore) error { return s.account() })
	c.inFlight = c.entries()
	c.each(func(s *cycleStore) error { return s.diff() })
	c.setApart()
	c.asked(func(s *cycleStore) error { return s.decide() })
	c.asked(func(s *cycleStore) error { return s.apply(ctx) })
	return c.finish(nil)
}

// cycle is one cycle under way.
type cycle struct {
	r        *Reconciler
	ask      Request
	narrow   bool // only the SKU of ask is read of the inventory
	quiet    bool // nothing is kept of it: neither findings nor notes are wanted
	number   uint64
	started  time.Time
	requests map[string]inventory.RequestCount // totals at the start
	stores   []*cycleStore

	memories  map[inventory.StoreName]*memory // of all stores, asked for or not
	source    inventory.SourceMemory
	locations []inventory.SourceLocation
	orders    []inventory.SourceOrder
	open      openOrders
	heard     inventory.Changes
	mirror    *mirror
	wholly    bool                               // every store is read whole
	unheard   bool                               // a store that tells of its orders has not done so in this cycle
	silent    []*cycleStore                      // stores that have failed, and for no longer than raises wait for them
	firsts    map[inventory.SKU][]inventory.Key  // levels that may have sold what nobody has seen
	hearing   bool                               // heard is what has changed since the mirror's mark
	fresh     map[inventory.SourceVariantID]bool // whose rows were read in this cycle
	kits      *desired.Kits
	made      []inventory.Ingredient // what they are made of
	kitsErr   error                  // why they could not be read
	kitsOld   bool                   // they were not read since something happened to them
	catalogue *desired.Catalogue
	shrunk    *guard.Shrink
	inFlight  []inventory.InFlight // in all stores, when the diff began
}

func (r *Reconciler) begin(ask Request) (*cycle, error) {
	number, err := r.opts.Journal.Begin()
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	c, err := r.prepare(ask, func(kept *memory) *memory { return kept })
	if err != nil {
		return nil, err
	}
	c.number = number
	if err := c.recallWrites(); err != nil {
		return nil, err
	}
	for _, s := range c.stores {
		if s.Mode == inventory.ModeOff {
			s.err = s.abandon()
		}
	}
	return c, nil
}

// prepare makes a cycle that works on what keep makes of the stores' memory.
func (r *Reconciler) prepare(ask Request, keep func(*memory) *memory) (c *cycle, err error) {
	c = &cycle{
		r: r, ask: ask, started: r.opts.Now(), requests: r.opts.Requests(),
		memories: make(map[inventory.StoreName]*memory, len(r.opts.Stores)),
	}
	if c.source, err = r.opts.Journal.Source(); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	if err := r.recall(&c.source); err != nil {
		return nil, err
	}
	c.kits, c.kitsOld, c.made = r.kits, r.kitsOld, r.made // that the journal remembers, too
	known := false
	for _, s := range r.opts.Stores {
		// All of them: what is in flight in one store counts in the others.
		kept, err := r.remembered(s.Name)
		if err != nil {
			return nil, err
		}
		kept = keep(kept)
		c.memories[s.Name] = kept
		one := newCycleStore(c, s, kept)
		if ask.Store == "" || ask.Store == s.Name {
			c.stores, known = append(c.stores, one), true
		} else if one.listen() {
			c.stores = append(c.stores, one)
		}
	}
	if !known {
		return nil, fmt.Errorf("no store %q in the config", ask.Store)
	}
	return c, nil
}

// each runs a step for every store that has not failed, side by side, and
// notes the failures.
func (c *cycle) each(step func(*cycleStore) error) {
	var group errgroup.Group
	for _, s := range c.stores {
		if s.err != nil || s.mode == inventory.ModeOff {
			continue
		}
		group.Go(func() error {
			defer func() {
				if p := recover(); p != nil {
					s.kept.doubtful = true // it may be half changed
					s.err = fmt.Errorf("panic: %v", p)
					c.r.opts.Log.Error("a store's part of a cycle panicked", "store", s.Name, "cycle", c.number, "err", s.err, "stack", string(debug.Stack()))
				}
			}()
			s.err = step(s)
			return nil // one store's failure stops no other
		})
	}
	_ = group.Wait() // no step gives the group an error
}

// asked runs a step for the stores that the cycle is about.
func (c *cycle) asked(step func(*cycleStore) error) {
	c.each(func(s *cycleStore) error {
		if s.listens {
			return nil
		}
		return step(s)
	})
}

// alive tells whether any store is left to compare with the source.
func (c *cycle) alive() bool {
	return slices.ContainsFunc(c.stores, func(s *cycleStore) bool { return s.err == nil && s.mode != inventory.ModeOff && !s.listens })
}

// paused gives the error for which an API is left alone, or nil. A full cycle
// asks all the same: whoever has mended a shop wants to see it.
func (c *cycle) paused(api string) error {
	if c.ask.Kind == inventory.Full {
		return nil
	}
	return c.r.pausedFor(api, c.started)
}

// entries lists what is in flight in every store, asked for or not.
//
// It is taken once, before the stores begin to write side by side: what one of
// them finds sold while it writes, the others learn in the next cycle.
func (c *cycle) entries() (all []inventory.InFlight) {
	for name, kept := range c.memories {
		// Those of a store that is not looked at today expire all the same.
		entries := flight.Entries(&kept.Ledger, name, c.started, c.r.terms())
		all = append(append(all, entries...), kept.renamed(entries)...)
	}
	return all
}

// feeds tells which Katana locations a level draws on, of whichever store.
func (c *cycle) feeds(key inventory.Key) []inventory.SourceLocationID {
	if kept, ok := c.memories[key.Store]; ok {
		return kept.feeds[key.Location].Sources
	}
	return nil
}
