package daemon

import (
	"time"

	"stocksyncd/reconcile/inventory"
)

// opening is how a setup begins: with an incremental cycle where every store is
// known, so that nothing has to be read whole before the first write, else with
// a full one. missed is when a full cycle was due that nobody ran: it follows.
// Zero is none.
func opening(s *Setup, now time.Time) (first inventory.Kind, missed time.Time) {
	for _, store := range s.Memory.Stores() {
		if store.Mode == inventory.ModeOff {
			continue
		}
		memory, err := s.Memory.Memory(store.Name)
		if err != nil || memory.Look.Whole.IsZero() {
			return inventory.Full, time.Time{} // the cycle says what is wrong with the state file
		}
		due := s.Full.Next(memory.Look.Whole)
		if !due.IsZero() && !due.After(now) && (missed.IsZero() || due.Before(missed)) {
			missed = due
		}
	}
	return inventory.Incremental, missed
}

// open asks for the cycles that the running setup begins with.
func (d *daemon) open() {
	first, missed := opening(d.running(), d.opts.Now())
	if !missed.IsZero() {
		d.opts.Log.Info("a full cycle was missed; it follows the next one", "due", missed.UTC())
	}
	d.inbox.begin(first, !missed.IsZero())
}
