package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// writeWhole writes a file that only its owner can read, whole or not at all:
// what was there stays until the new one is complete. A link stays one, and the
// file that it leads to is written. What is no file, such as a pipe or a
// device, is written to and never replaced.
func writeWhole(path string, write func(io.Writer) error) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a folder; name a file in it", path)
	case err == nil && !info.Mode().IsRegular():
		err = writeThrough(path, write)
	case err == nil:
		err = replaceFile(path, write)
	case errors.Is(err, fs.ErrNotExist):
		if _, linked := os.Lstat(path); linked == nil {
			return fmt.Errorf("%s is a link that leads to no file; take it away, or name another file", path)
		}
		err = replaceFile(path, write)
	}
	if err != nil {
		return outError(path, err)
	}
	return nil
}

// writeThrough writes to what is there.
func writeThrough(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0) // #nosec G304 -- the operator names the file
	if err != nil {
		return err
	}
	err = write(file)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// replaceFile writes a file beside the one that path leads to, and puts it in
// its place once it is whole.
func replaceFile(path string, write func(io.Writer) error) error {
	if leads, err := filepath.EvalSymlinks(path); err == nil {
		path = leads
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".stocksyncd-*") // mode 0600
	if err != nil {
		return err
	}
	err = write(file)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

// outError names the file that was asked for instead of the one that stands in
// for it until it is whole, and what to do.
func outError(path string, err error) error {
	var one *fs.PathError
	var two *os.LinkError
	switch {
	case errors.As(err, &one):
		err = one.Err
	case errors.As(err, &two):
		err = two.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: the folder %s is not there; make it, or name a file in another one", path, filepath.Dir(path))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w; name a file in a folder that you may write to", path, err)
	}
	return fmt.Errorf("%s: %w; mend that, or name another file", path, err)
}
