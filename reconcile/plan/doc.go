// Package plan compares the desired stock with the observed stock and lists
// the changes that close the gap.
//
// The package does no I/O and never reads the clock: the same levels and
// figures always give the same plan, in the same order, reductions before
// raises. See [Diff].
package plan
