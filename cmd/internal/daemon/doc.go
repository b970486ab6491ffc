// Package daemon keeps cycles going: on a schedule, on a signal, and when a
// command asks over the control socket.
//
// It promises that no two cycles overlap, that a request which arrives during
// a cycle is not lost (equal ones run once), that a panic in one cycle does
// not stop the next, that a wrong config at a reload leaves the running one in
// place, that a full cycle which was due while no daemon ran is made up for,
// and that the service manager's watchdog is fed only while the loop gets on
// with its work.
//
// One goroutine, the loop, does everything that touches the stores or the
// state file, which it also has made smaller now and then; schedules, signals
// and the socket only put work into its inbox.
// Begin at [Run]. The package knows the types of reconcile and inventory and
// nothing else of ours: what it drives comes in through [Options.Load].
package daemon
