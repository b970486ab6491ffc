// Package guard holds back plans that look like a fault of the source rather
// than a day's trade: too many levels changed, too many taken to zero, too many
// units raised; a source that has become shorter, a canary that is not seen in
// its range, figures that are all zero at once.
//
// A guard counts distinct levels, of this plan and of what was written in the
// last hour, so that a slow drip trips it like a flood. It holds only the
// changes that it counts; what it holds stays held until it is released or no
// longer needed. A guard that doubts the figures as such holds all of a store's
// plan, and ends by itself when there is nothing to doubt any more. The package
// is pure. See [Check].
package guard
