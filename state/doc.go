// Package state keeps what must survive between cycles, in one bbolt file: the
// levels as last seen with their last writes and their items, Katana as last
// read, the ledger of units in flight, the journal of batches, holds and
// quarantine, and the history of cycles.
//
// What a method was given is on disk when it returns nil, and not there at all
// when it returns an error; [Store.Observe] and [Store.Read] say where a large
// look or reading differs. The file is a cache: without it the next full cycle
// rebuilds it, and raises wait until what is in flight has settled. One process
// owns it at a time.
//
// What is kept of the two sides is read again with [Store.Store] and
// [Store.Mirror], so that a restart goes on where the process before it ended.
// Neither is ever too old for the file: it keeps both until they are replaced or
// gone, also those of a store that the config no longer has.
//
// Nothing that stands in a file is believed because it stands there. [Open]
// walks all pages and checks the sum of every record before bbolt sees them:
// a damaged file is set aside, one of a newer version, of another account or
// of another program is refused, and none of them is ever read as stock. One
// of an earlier version is brought up to this one, whole or not at all.
//
// Begin at [Open]; [Store] is the journal of package reconcile.
package state
