package state

import (
	"errors"
	"fmt"
)

// LockedError reports a state file that another process holds.
type LockedError struct{ Path string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is in use by another stocksyncd; ask the running daemon (stocksyncd status), or stop it first (systemctl stop stocksyncd)", e.Path)
}

// NewerError reports a state file that a newer version of this program wrote.
type NewerError struct {
	Path      string
	Has, Know uint64 // versions of the layout
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s was written by a newer stocksyncd (layout %d, this one knows %d); install that version again, or move the file away: the next full cycle rebuilds it", e.Path, e.Has, e.Know)
}

// ForeignError reports a state file that belongs to another account or shop.
type ForeignError struct {
	Path      string
	What      string // "the Katana account" or "store main"
	Has, Want string
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s belongs to another account: %s was %q, the config now leads to %q; set state.path to a new file, or move this one away: the next full cycle rebuilds it", e.Path, e.What, e.Has, e.Want)
}

// ErrNotState reports a file that some other program wrote. It is not set
// aside as a damaged one is: that would take it from its owner.
var ErrNotState = errors.New("not a state file of stocksyncd; set state.path to another file, or move this one away")

// ErrNoCycle reports a cycle that the history does not hold.
var ErrNoCycle = errors.New("not in the history: it told nothing that the one before it had not, or is older than state.keep_history")

// damagedError reports a file that cannot be trusted.
type damagedError struct {
	path string
	err  error
}

func (e *damagedError) Error() string {
	return fmt.Sprintf("%s is damaged: %v; the next start of the daemon, or `stocksyncd once`, sets it aside and begins a new one", e.path, e.err)
}

func (e *damagedError) Unwrap() error { return e.err }
