package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// schema is the version of the file's layout. It grows when an older program
// could misread what a newer one wrote.
const schema = 1

// The buckets. Each store has one of its own below stores, named as in the
// config.
var (
	bucketMeta    = []byte("meta")    // schema, cycle, source, lineage
	bucketStores  = []byte("stores")  // store → levels, memory
	bucketIntents = []byte("intents") // id → intent whose outcome is not known
	bucketSettled = []byte("settled") // id → intent with its outcomes
	bucketHistory = []byte("history") // cycle → report

	keySchema  = []byte("schema")
	keyCycle   = []byte("cycle")
	keySource  = []byte("source")
	keyLineage = []byte("lineage")
	keyMemory  = []byte("memory")
	keyLevels  = []byte("levels")
)

// Options says how a state file is opened.
type Options struct {
	Timeout     time.Duration    // how long to wait for another process; default 2 s
	KeepHistory time.Duration    // how long reports and settled batches are kept; 0 is for ever
	Now         func() time.Time // default time.Now
	ReadOnly    bool
}

// Store is an open state file. It is safe for concurrent use.
type Store struct {
	db    *bolt.DB
	path  string
	opts  Options
	notes []string
}

// LockedError reports a state file that another process holds.
type LockedError struct{ Path string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is in use by another stocksyncd; ask the running daemon (stocksyncd status), or stop it first (systemctl stop stocksyncd)", e.Path)
}

// NewerError reports a state file that a newer version of this program wrote.
type NewerError struct {
	Path      string
	Has, Know uint64
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s was written by a newer stocksyncd (layout %d, this one knows %d); install that version again, or move the file away: the next full cycle rebuilds it", e.Path, e.Has, e.Know)
}

// Open opens the state file, or makes one. A file that is not readable as a
// state file is set aside under another name and a new one is begun; [Store.Notes]
// says so.
func Open(path string, opts Options) (*Store, error) {
	if opts.Timeout <= 0 {
		opts.Timeout = 2 * time.Second
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	folder := filepath.Dir(path)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("state: the folder %s is not there; make it (mkdir -p %s), or set state.path", folder, folder)
	}
	s := &Store{path: path, opts: opts}
	err := s.open()
	if damaged := (*damagedError)(nil); errors.As(err, &damaged) && !opts.ReadOnly {
		if err := s.setAside(damaged); err != nil {
			return nil, err
		}
		err = s.open()
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// damagedError reports a file that cannot be read as a state file.
type damagedError struct{ err error }

func (e *damagedError) Error() string { return "state: damaged: " + e.err.Error() }
func (e *damagedError) Unwrap() error { return e.err }

// open opens the file and reads all of it once: bbolt panics on pages that make
// no sense, and it is better that it does so here.
func (s *Store) open() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &damagedError{fmt.Errorf("%v", p)}
		}
		if err != nil && s.db != nil {
			closeDamaged(s.db)
			s.db = nil
		}
	}()
	s.db, err = bolt.Open(s.path, 0o600, &bolt.Options{
		Timeout: s.opts.Timeout, FreelistType: bolt.FreelistMapType, ReadOnly: s.opts.ReadOnly,
		InitialMmapSize: 64 << 20, // so that a growing file seldom waits for its readers
	})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return &LockedError{s.path}
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("state: %w", err)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrVersionMismatch), errors.Is(err, berrors.ErrChecksum):
		return &damagedError{err}
	case err != nil && isShort(s.path):
		return &damagedError{err}
	case err != nil:
		return fmt.Errorf("state: %s: %w", s.path, err)
	}
	if err := s.sound(); err != nil {
		return err
	}
	if s.opts.ReadOnly {
		return nil
	}
	return s.update(s.lay)
}

// isShort tells a file that ends before its first pages do, which bbolt reports
// as plain read errors.
func isShort(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() < int64(4*os.Getpagesize())
}

// closeDamaged gives the lock back. Closing a damaged file may panic as well.
func closeDamaged(db *bolt.DB) {
	defer func() { _ = recover() }()
	_ = db.Close()
}

// sound reads every page and record of the file.
func (s *Store) sound() error {
	return s.db.View(func(tx *bolt.Tx) error {
		var first error
		for err := range tx.Check() { // to its end: it runs in a goroutine of its own
			if first == nil {
				first = err
			}
		}
		if first != nil {
			return &damagedError{first}
		}
		meta := tx.Bucket(bucketMeta)
		if meta == nil {
			if name, _ := tx.Cursor().First(); name != nil {
				return &damagedError{errors.New("it is some other program's file")}
			}
			return nil // new
		}
		has := meta.Get(keySchema)
		if len(has) != 8 {
			return &damagedError{errors.New("it does not say which layout it has")}
		}
		if v := binary.BigEndian.Uint64(has); v > schema {
			return &NewerError{Path: s.path, Has: v, Know: schema}
		}
		return s.readable(tx)
	})
}

// lay makes the buckets of a new file.
func (s *Store) lay(tx *bolt.Tx) error {
	for _, name := range [][]byte{bucketMeta, bucketStores, bucketIntents, bucketSettled, bucketHistory} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketMeta).Put(keySchema, number(schema))
}

// setAside moves a damaged file out of the way.
func (s *Store) setAside(damaged *damagedError) error {
	aside := fmt.Sprintf("%s.corrupt-%s", s.path, s.opts.Now().UTC().Format("20060102T150405Z"))
	for i := 2; ; i++ {
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		}
		aside = fmt.Sprintf("%s.corrupt-%s-%d", s.path, s.opts.Now().UTC().Format("20060102T150405Z"), i)
	}
	if err := os.Rename(s.path, aside); err != nil {
		return fmt.Errorf("state: %s is damaged (%w) and could not be set aside; move it away by hand: %w", s.path, damaged.err, err)
	}
	s.notes = append(s.notes, fmt.Sprintf("the state file was damaged (%v); it is set aside as %s and a new one is begun: raises wait until what may be in flight has settled", damaged.err, aside))
	return nil
}

// Notes says what Open found that somebody may want to know.
func (s *Store) Notes() []string { return s.notes }

// Close gives the file back.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("state: %s: %w", s.path, err)
	}
	return nil
}

// update runs one transaction. Its error names the file and, where the disk is
// to blame, what to do.
func (s *Store) update(change func(*bolt.Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %v; stop the daemon and move the file away: the next full cycle rebuilds it", s.path, p)
		}
	}()
	if err := s.db.Update(change); err != nil {
		return fmt.Errorf("%s could not be written: %w; make room or mend the permissions, nothing is sent to Shopify meanwhile", s.path, err)
	}
	return nil
}

// view runs one short read.
func (s *Store) view(read func(*bolt.Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %v; stop the daemon and move the file away: the next full cycle rebuilds it", s.path, p)
		}
	}()
	if err := s.db.View(read); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return nil
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
