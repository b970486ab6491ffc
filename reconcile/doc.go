// Package reconcile runs the cycle: read both sides, diff, guard, apply,
// record. [Reconciler.Cycle] is the whole of it on one screen; begin there.
//
// It names what it needs of the world as three interfaces ([Source], [Target],
// [Journal]) and imports no adapter. The rules live in the pure packages
// below it: desired, flight, plan and guard.
package reconcile
