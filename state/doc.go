// Package state keeps what must survive between cycles, in one bbolt file: the
// levels as last seen, the ledger of units in flight, the journal of batches,
// holds and quarantine, and the history of cycles.
//
// What a method was given is on disk when it returns nil, and not there at all
// when it returns an error. The file is a cache: it can be deleted at any time,
// and the next full cycle rebuilds it; raises then wait until what is in flight
// has settled. One process owns it at a time.
//
// Begin at [Open]; [Store] is the journal of package reconcile.
package state
