// Package reconcile runs the cycle: read both sides, diff, guard, apply,
// record. [Reconciler.Cycle] is the whole of it on one screen; begin there.
//
// What is known of both sides stays in memory and in the journal from cycle to
// cycle: Katana as a mirror (mirror.go), each store as a shelf (shelf.go). A full
// cycle reads both sides into them whole. An incremental one reads what has
// changed, what it is about to write, and in turn a part of the rest, and plans
// only what that concerns: what it costs grows with what happened, not with the
// shop.
//
// It names what it needs of the world as three interfaces ([Source], [Target],
// [Journal]) and imports no adapter. The rules live in the pure packages
// below it: desired, flight, plan and guard.
package reconcile
