package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Options says how a state file is opened.
type Options struct {
	Timeout     time.Duration    // how long to wait for another process; default 2 s
	KeepHistory time.Duration    // how long reports, settled batches and last writes are kept; 0 is for ever
	Now         func() time.Time // default time.Now
	ReadOnly    bool             // beside other readers; nothing is made, written or set aside

	worthwhile int64 // bytes that must be free to be given back; tests make do with less
}

// Store is an open state file. It is safe for concurrent use.
type Store struct {
	swap   sync.RWMutex // held alone while the file is replaced by a smaller one
	db     *bolt.DB
	file   *os.File
	path   string
	opts   Options
	notes  []string
	broken atomic.Pointer[error] // why nothing is read or written any more
}

// Open opens the state file, or makes one. All of it is read and checked: a
// damaged file is set aside as PATH.corrupt-TIME and a new one is begun, which
// [Store.Notes] tells. The errors are [*LockedError], [*NewerError],
// [ErrNotState], and those of the file system with the next step.
func Open(path string, opts Options) (*Store, error) {
	if opts.Timeout <= 0 {
		opts.Timeout = 2 * time.Second
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.worthwhile == 0 {
		opts.worthwhile = worthwhile
	}
	s := &Store{path: path, opts: opts}
	err := s.open()
	if errors.Is(err, errSetAside) {
		err = s.open() // the new one
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Blank stands for a state file that is not there yet: open for reading only,
// with nothing to read.
func Blank(path string) *Store {
	return &Store{path: path, opts: Options{Now: time.Now, ReadOnly: true}}
}

// errSetAside tells that the way is free for a new file.
var errSetAside = errors.New("set aside")

// open locks the file, checks it and opens it. A damaged one is set aside
// while the lock is held.
func (s *Store) open() (err error) {
	if s.file, err = lock(s.path, s.opts); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = unlock(s.file), s.file.Close() // the error to tell is the first
		}
	}()
	found, err := s.inspect()
	if damaged := (*damagedError)(nil); errors.As(err, &damaged) && !s.opts.ReadOnly {
		return s.setAside(damaged)
	}
	if err != nil {
		return err
	}
	if err := s.openBolt(); err != nil {
		return err
	}
	if err := s.upgrade(found); err != nil {
		return errors.Join(err, s.Close())
	}
	return s.tidy()
}

// tidy makes the file smaller if it can. One that stays large is as good.
func (s *Store) tidy() error {
	if s.opts.ReadOnly {
		return nil
	}
	s.dropCopy()
	if _, err := s.Compact(); s.broken.Load() != nil {
		return errors.Join(err, s.Close())
	} else if err != nil {
		s.notes = append(s.notes, fmt.Sprintf("%v; it stays in use as it is", err))
	}
	return nil
}

// upgrade lays a new file, and brings one of an earlier layout up to the
// present one.
func (s *Store) upgrade(found contents) error {
	switch {
	case found.empty:
		if err := s.update(lay); err != nil {
			return err
		}
		return syncFolder(s.path)
	case found.schema < schema && !s.opts.ReadOnly:
		return s.update(func(tx *bolt.Tx) error { return s.migrate(tx, found.schema) })
	}
	return nil
}

// inspect tells what is in the file, and refuses one that cannot be used.
func (s *Store) inspect() (found contents, err error) {
	info, err := s.file.Stat()
	switch {
	case err != nil:
		return contents{}, fmt.Errorf("state: %w", err)
	case !info.Mode().IsRegular():
		return contents{}, fmt.Errorf("%s is not a file; set state.path to one", s.path)
	case info.Size() == 0 && s.opts.ReadOnly:
		return contents{}, fmt.Errorf("%s is empty; the first cycle fills it", s.path)
	case info.Size() == 0:
		return contents{empty: true}, nil
	}
	if !s.opts.ReadOnly && info.Mode().Perm()&0o077 != 0 {
		if err := s.file.Chmod(0o600); err != nil {
			s.notes = append(s.notes, fmt.Sprintf("others may read the state file; run: chmod 600 %s", s.path))
		}
	}
	found, err = examine(s.file, info.Size())
	switch {
	case errors.Is(err, ErrNotState):
		return contents{}, fmt.Errorf("%s: %w", s.path, err)
	case err != nil:
		return contents{}, &damagedError{s.path, err}
	case found.schema > schema:
		return contents{}, &NewerError{Path: s.path, Has: found.schema, Know: schema}
	case found.empty && s.opts.ReadOnly:
		return contents{}, fmt.Errorf("%s is empty; the first cycle fills it", s.path)
	}
	return found, nil
}

// openBolt hands the locked file to bbolt.
func (s *Store) openBolt() error {
	return s.guarded(func() (err error) {
		if s.db, err = openFile(s.path, s.file, s.opts.ReadOnly); err != nil {
			return fmt.Errorf("%s: %w", s.path, err)
		}
		return nil
	})
}

// openFile has bbolt use a file that is open and locked.
func openFile(path string, file *os.File, readOnly bool) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		FreelistType: bolt.FreelistMapType, ReadOnly: readOnly, Timeout: time.Second,
		InitialMmapSize: 256 << 20, // address space only, so that a growing file seldom waits for its readers
		OpenFile:        func(string, int, os.FileMode) (*os.File, error) { return file, nil },
	})
	if err != nil {
		return nil, err
	}
	db.AllocSize = 4 << 20
	return db, nil
}

// setAside moves a damaged file out of the way, and gives errSetAside.
func (s *Store) setAside(damaged *damagedError) error {
	stamp := s.path + ".corrupt-" + s.opts.Now().UTC().Format("20060102T150405Z")
	aside := stamp
	for i := 2; ; i++ {
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return fmt.Errorf("state: %w", err)
		}
		aside = fmt.Sprintf("%s-%d", stamp, i)
	}
	if err := os.Rename(s.path, aside); err != nil {
		return fmt.Errorf("%s is damaged (%w) and could not be set aside; move it away by hand: %w", s.path, damaged.err, err)
	}
	s.notes = append(s.notes, fmt.Sprintf("the state file was damaged (%v); it is set aside as %s and a new one is begun: raises wait until what may be in flight has settled", damaged.err, aside))
	if err := syncFolder(s.path); err != nil {
		return err
	}
	return errSetAside
}

// Notes says what Open found that somebody may want to know.
func (s *Store) Notes() []string { return s.notes }

// Close gives the file back.
func (s *Store) Close() error {
	s.swap.Lock()
	defer s.swap.Unlock()
	if s.db == nil {
		return nil
	}
	closing := s.db.Close
	if s.broken.Load() != nil {
		// bbolt may still hold locks of its own, and would wait for itself.
		closing = func() error { return errors.Join(unlock(s.file), s.file.Close()) }
	}
	if err := closing(); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}

// update runs one transaction. When it returns an error, nothing of it is in
// the file.
func (s *Store) update(change func(*bolt.Tx) error) error {
	if s.opts.ReadOnly {
		return fmt.Errorf("%s is open for reading only", s.path)
	}
	s.swap.RLock()
	defer s.swap.RUnlock()
	var refused error
	var id int
	err := s.guarded(func() error {
		return s.db.Update(func(tx *bolt.Tx) error {
			id = tx.ID()
			refused = change(tx)
			return refused
		})
	})
	switch {
	case err == nil, s.broken.Load() != nil:
		return err
	case refused != nil:
		return fmt.Errorf("%s: %w", s.path, refused)
	}
	err = fmt.Errorf("%s could not be written: %w; make room on its disk or mend its permissions, nothing is sent to Shopify meanwhile", s.path, err)
	return s.doubt(id, err)
}

// doubt gives up on the file when a transaction that was said not to be
// written shows all the same: only its last step was not confirmed by the
// disk, and nobody knows what a power cut would leave.
func (s *Store) doubt(id int, err error) error {
	shown := s.guarded(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			if tx.ID() >= id {
				return err
			}
			return nil
		})
	})
	if shown != nil {
		broken := fmt.Errorf("%w; restart the daemon", err)
		s.broken.Store(&broken)
		return broken
	}
	return err
}

// view runs one short read. Where there is no file there is nothing to run it
// on, and what is read stays empty.
func (s *Store) view(read func(*bolt.Tx) error) error {
	s.swap.RLock()
	defer s.swap.RUnlock()
	if s.db == nil {
		return nil
	}
	var refused error
	err := s.guarded(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			refused = read(tx)
			return refused
		})
	})
	if refused != nil {
		return fmt.Errorf("%s: %w", s.path, refused)
	}
	return err
}

// guarded runs what touches the file's pages, and gives up on the file when
// they cannot be read.
func (s *Store) guarded(touch func() error) error {
	if broken := s.broken.Load(); broken != nil {
		return *broken
	}
	err := faultless(touch)
	if fault := (*faultError)(nil); errors.As(err, &fault) {
		err = fmt.Errorf("%s cannot be read: %w; look at the disk's health and restart the daemon, which checks the file", s.path, fault)
		s.broken.Store(&err)
	}
	return err
}

// faultError reports that a file's pages could not be read.
type faultError struct{ cause any }

func (e *faultError) Error() string { return fmt.Sprint(e.cause) }

// faultless runs what touches a file's pages. They are mapped into memory and
// bbolt trusts them: a disk that fails beneath would end the process.
func faultless(touch func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = &faultError{p}
		}
	}()
	return touch()
}
