package cli

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// noCoreDump keeps the process from leaving an image of itself, in which the
// tokens would be. It is called before the first of them is read.
func noCoreDump() error { return errors.Join(noCoreLimit(), undumpable()) }

func noCoreLimit() error {
	var has unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &has) == nil && has.Cur == 0 && has.Max == 0 {
		return nil // the systemd unit sets this limit itself, and forbids the call
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("the limit of core dumps: %w", err)
	}
	return nil
}
