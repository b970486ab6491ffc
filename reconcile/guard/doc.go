// Package guard holds back plans that look like a fault of the source rather
// than a day's trade: too many levels changed, too many taken to zero, a
// source that has become shorter.
//
// A guard counts distinct levels, of this plan and of what was written in the
// last hour, so that a slow drip trips it like a flood. It holds only the
// changes that it counts; what it holds stays held until it is released or no
// longer needed. The package is pure. See [Check].
package guard
