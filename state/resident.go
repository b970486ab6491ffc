package state

import (
	"syscall"

	bolt "go.etcd.io/bbolt"
)

// many is how many records a call reads or writes before the pages that it
// touched are worth letting go.
const many = 1000

// letGo takes the file's pages out of the daemon's memory. bbolt maps the file,
// and what was read of it once stays resident until another process is in want
// of memory: after all levels were read at the start, that is the whole file. The
// lock and the mapping stay as they are, and whoever looks at a page again finds
// it where it was. A system that does not do it has them stay, which is no error.
func (s *Store) letGo() {
	_ = s.view(func(tx *bolt.Tx) error { // as long as one reads, the mapping does not move
		size := uintptr(tx.Size()) // #nosec G115 -- a file has no size below zero
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, s.db.Info().Data, size, syscall.MADV_DONTNEED)
		return nil
	})
}
