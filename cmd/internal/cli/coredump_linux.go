package cli

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// undumpable covers what the limit does not: a kernel that hands its dumps to a
// program may not heed it. It also keeps other processes of the same user from
// reading this one's memory.
func undumpable() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("core dumps: %w", err)
	}
	return nil
}
