package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lock opens the file, makes it if it may, and waits until no other process
// holds it: one that only reads shares it with other readers.
//
// bbolt locks too, but looks at the pages in the same breath. The lock comes
// first here, so that a damaged file is found while nobody writes to it, and
// is set aside by one process only.
func lock(path string, opts Options) (*os.File, error) {
	timeout := time.NewTimer(opts.Timeout)
	defer timeout.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		file, err := tryLock(path, opts.ReadOnly)
		if err != nil || file != nil {
			return file, err
		}
		select {
		case <-again.C:
		case <-timeout.C:
			return nil, &LockedError{Path: path}
		}
	}
}

// tryLock gives no file and no error when another process holds it.
func tryLock(path string, readOnly bool) (*os.File, error) {
	flags, how := os.O_RDWR|os.O_CREATE, syscall.LOCK_EX
	if readOnly {
		flags, how = os.O_RDONLY, syscall.LOCK_SH
	}
	file, err := os.OpenFile(path, flags, 0o600) // #nosec G304 -- the path is the config's
	if err != nil {
		return nil, openError(path, err)
	}
	ours, err := take(file, path, how)
	if ours {
		return file, nil
	}
	_ = file.Close() // it was only looked at
	return nil, err
}

// take locks an open file, and tells whether it is still the one at the path:
// the process that held the lock before may have set it aside, or put a smaller
// one in its place. Who went on with such a file would write where nobody reads.
func take(file *os.File, path string, how int) (ours bool, err error) {
	err = flock(file, how)
	if err == nil || errors.Is(err, syscall.EWOULDBLOCK) {
		return err == nil && isAt(file, path), nil
	}
	return false, fmt.Errorf("%s cannot be locked: %w; keep it on a local disk and set state.path to there", path, err)
}

// flock locks or unlocks a file, and waits for nobody. The lock is on the file,
// not on its name: it goes where a file is moved to.
func flock(file *os.File, how int) error {
	return syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB) // #nosec G115 -- a descriptor is a small number
}

// unlock gives the lock back, also while the file's pages are still mapped.
func unlock(file *os.File) error { return flock(file, syscall.LOCK_UN) }

// isAt tells whether the path still leads to the file.
func isAt(file *os.File, path string) bool {
	held, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path) // #nosec G703 -- the path is the config's
	return err == nil && os.SameFile(held, there)
}

func openError(path string, err error) error {
	folder := filepath.Dir(path)
	info, folderErr := os.Stat(folder)
	switch {
	case errors.Is(folderErr, fs.ErrNotExist), folderErr == nil && !info.IsDir():
		return fmt.Errorf("%s: the folder %s is not there (%w); make it (mkdir -p %s), let systemd make it (StateDirectory=), or set state.path", path, folder, err, folder)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; run as the user that the file and its folder belong to, or set state.path", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; the first cycle makes it", err)
	}
	return fmt.Errorf("%w; set state.path to a file on a local disk", err)
}

// syncFolder makes a new or moved name durable.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path)) // #nosec G703 -- the path is the config's
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	defer func() { _ = folder.Close() }() // it was only read
	if err := folder.Sync(); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}
