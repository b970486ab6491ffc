package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	bolt "go.etcd.io/bbolt"
)

// bbolt uses free pages again and never gives them back: a file stays as large
// as it ever was, unless it is written anew.

const (
	// worthwhile is how much must be free, beside half of the file, before it is
	// written anew: less is not worth the time and the wear.
	worthwhile = 32 << 20
	// copyName is what the name of the new file ends in until it is complete.
	copyName = ".compact"
)

// Compact writes the file anew when more than half of it is free and that is
// much, and tells how many bytes it gave back. [Open] does the same; this is for
// a daemon that runs for months. Whoever reads or writes meanwhile waits.
//
// An error means that all is as it was, and worth another try some other day.
// Only when the folder fails at the last step is the store at its end, as after
// a write whose end nobody knows.
func (s *Store) Compact() (gave int64, err error) {
	if s.opts.ReadOnly {
		return 0, nil
	}
	s.swap.Lock()
	defer s.swap.Unlock()
	before, free, err := s.extent()
	if err != nil || free <= s.opts.worthwhile || free <= before/2 {
		return 0, err
	}
	if err := s.rewrite(); err != nil {
		return 0, fmt.Errorf("%s could not be made smaller: %w", s.path, err)
	}
	after, _, err := s.extent()
	return before - after, err
}

// extent tells how much of the file is in use or free, and how much is free.
func (s *Store) extent() (all, free int64, err error) {
	err = s.guarded(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			stats := s.db.Stats()
			all, free = tx.Size(), int64(stats.FreePageN+stats.PendingPageN)*int64(s.db.Info().PageSize)
			return nil
		})
	})
	return all, free, err
}

// rewrite puts a new file with the same records in the place of the old one.
//
// The old file is locked until the name has gone to the new one, and that is
// locked before it has the name. So whoever waits finds one of them at the path
// and locked; and whoever had opened the old one by then, and gets its lock
// when that is given up, sees that the path leads elsewhere ([take]).
//
// A machine that stops on the way leaves the old file or the new one at the
// path, and either is whole: the new one is on the disk before it has the name.
func (s *Store) rewrite() error {
	path, err := s.place()
	if err != nil {
		return err
	}
	fresh, err := s.copyTo(path + copyName)
	if err != nil {
		return err
	}
	// The first sync is to tell whether the folder can be synced at all, as long
	// as there is a way back.
	if err = syncFolder(path); err == nil {
		err = os.Rename(fresh.path, path) // #nosec G703 -- the path is the config's
	}
	if err != nil {
		fresh.discard(err)
		return err
	}
	old := s.db
	s.db, s.file = fresh.db, fresh.file
	_ = old.Close() // all that was in it is in the new one
	if err := syncFolder(path); err != nil {
		// After a power cut the path may lead to the old file again, which would
		// know nothing of a batch that is sent from now on.
		err = fmt.Errorf("%w; restart the daemon", err)
		s.broken.Store(&err)
		return err
	}
	return nil
}

// place is where the file lies, should its path be a link.
func (s *Store) place() (string, error) {
	if !isAt(s.file, s.path) {
		return "", errors.New("the path leads to another file by now; restart the daemon")
	}
	return filepath.EvalSymlinks(s.path)
}

// dropCopy removes what a process has left that was stopped while it wrote the
// file anew. Only who holds the lock may touch it.
func (s *Store) dropCopy() {
	path, err := s.place()
	if err == nil {
		err = os.Remove(path + copyName)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.notes = append(s.notes, fmt.Sprintf("what is left of an attempt to make the state file smaller stays: %v", err))
	}
}

// newFile is a file that is to take the place of another.
type newFile struct {
	path string
	file *os.File
	db   *bolt.DB
}

// copyTo makes a file with the records of this one, which bbolt locks.
func (s *Store) copyTo(path string) (*newFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 G703 -- beside the config's
	if err != nil {
		return nil, err
	}
	fresh := &newFile{path: path, file: file}
	if err = s.sameOwner(file); err == nil {
		err = faultless(func() error { return fresh.fill(s.db) })
	}
	if err != nil {
		fresh.discard(err)
		return nil, err
	}
	return fresh, nil
}

// sameOwner gives a file to whom this one belongs: a command that root runs
// must not take it from the daemon's user.
func (s *Store) sameOwner(file *os.File) error {
	old, err := s.file.Stat()
	if err != nil {
		return err
	}
	fresh, err := file.Stat()
	if err != nil {
		return err
	}
	has, isUnix := fresh.Sys().(*syscall.Stat_t)
	want, wasUnix := old.Sys().(*syscall.Stat_t)
	if !isUnix || !wasUnix || has.Uid == want.Uid {
		return nil
	}
	return file.Chown(int(want.Uid), int(want.Gid))
}

// fill copies all records and has them on the disk when it returns. Until then
// nothing needs to be: the file has no name yet that anybody trusts.
func (f *newFile) fill(from *bolt.DB) (err error) {
	if f.db, err = openFile(f.path, f.file, false); err != nil {
		return err
	}
	f.db.NoSync, f.db.NoGrowSync = true, true
	records := 0
	err = from.View(func(tx *bolt.Tx) error {
		return portions(tx, func(portion []entry) error {
			records += len(portion)
			return f.db.Update(func(tx *bolt.Tx) error { return putAll(tx, portion) })
		})
	})
	if err != nil {
		return err
	}
	if err := f.file.Sync(); err != nil {
		return err
	}
	f.db.NoSync, f.db.NoGrowSync = false, false
	return f.prove(records)
}

// prove examines the new file as if it had been found.
func (f *newFile) prove(records int) error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	found, err := examine(f.file, info.Size())
	if err == nil && found.records != records {
		err = fmt.Errorf("the copy has %d of %d records", found.records, records)
	}
	return err
}

// discard gives up a file. After a fault, bbolt may hold locks of its own.
func (f *newFile) discard(why error) {
	_ = os.Remove(f.path) // #nosec G703 -- beside the config's; if it fails, the next open does it
	if fault := (*faultError)(nil); f.db == nil || errors.As(why, &fault) {
		_, _ = unlock(f.file), f.file.Close() // nothing in it counts
		return
	}
	_ = f.db.Close() // the same
}

// entry is one record of a file, or a bucket, which has no value. It is valid
// as long as the transaction that it was read in.
type entry struct {
	path       [][]byte // the buckets around it
	key, value []byte
}

// mostBytes is how much one transaction copies beside [most], because a single
// report can be longer than ten thousand levels.
const mostBytes = 4 << 20

// portions gives all entries of a file in order, as many at a time as one
// transaction carries.
func portions(tx *bolt.Tx, take func([]entry) error) error {
	var portion []entry
	size := 0
	add := func(e entry) error {
		portion = append(portion, e)
		if size += len(e.key) + len(e.value); len(portion) < most && size < mostBytes {
			return nil
		}
		err := take(portion)
		portion, size = portion[:0], 0
		return err
	}
	err := tx.ForEach(func(name []byte, b *bolt.Bucket) error { return addBucket(b, nil, name, add) })
	if err != nil || len(portion) == 0 {
		return err
	}
	return take(portion)
}

// addBucket adds a bucket and all that is in it.
func addBucket(b *bolt.Bucket, path [][]byte, name []byte, add func(entry) error) error {
	if err := add(entry{path: path, key: name}); err != nil {
		return err
	}
	within := append(path[:len(path):len(path)], name)
	return b.ForEach(func(k, v []byte) error {
		if v == nil {
			return addBucket(b.Bucket(k), within, k, add)
		}
		return add(entry{path: within, key: k, value: v})
	})
}

// putAll writes a portion. Its entries come in the order of the file, so that
// pages can be filled to the brim.
func putAll(tx *bolt.Tx, portion []entry) error {
	for _, e := range portion {
		if len(e.path) == 0 {
			if _, err := tx.CreateBucket(e.key); err != nil {
				return err
			}
			continue
		}
		b := tx.Bucket(e.path[0])
		for _, name := range e.path[1:] {
			b = b.Bucket(name)
		}
		b.FillPercent = 1
		var err error
		if e.value == nil {
			_, err = b.CreateBucket(e.key)
		} else {
			err = b.Put(e.key, e.value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
