// Package inventory holds the nouns of the daemon: SKUs, locations, exact
// quantities, levels, the snapshot of the source, changes, outcomes, what is
// remembered between cycles, and the report of a cycle.
//
// It does no I/O, never reads the clock and imports only the standard
// library, so that every other package can speak these words. The source is
// Katana and the target is a Shopify store; where a noun exists on both sides,
// the source's carries the prefix Source ([SourceVariant], [SourceLocation])
// and the target's carries none ([VariantID], [Location]).
//
// Start with [Level] and [Change]; [Report] is what a cycle leaves behind.
package inventory
