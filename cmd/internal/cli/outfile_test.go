package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// says writes a text.
func says(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path) // #nosec G304 -- our own
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// holds fails when there is more in the folder than these files.
func holds(t *testing.T, folder string, want int) {
	t.Helper()
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != want {
		t.Errorf("%s holds %v, %v: want %d files", folder, entries, err, want)
	}
}

func TestWhatIsNoFileIsWrittenToAndNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	// A reader that is there before us, so that neither side waits.
	reader, err := os.OpenFile(path, os.O_RDWR, 0) // #nosec G304 -- our own
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close() //nolint:errcheck // read from
	if err := writeWhole(path, says("the plan")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len("the plan"))
	if _, err := io.ReadFull(reader, got); err != nil || string(got) != "the plan" {
		t.Errorf("the reader got %q, %v", got, err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("what was a pipe is %v, %v", info.Mode(), err)
	}
	holds(t, filepath.Dir(path), 1)
}

func TestALinkStaysOneAndTheFileThatItLeadsToIsWritten(t *testing.T) {
	folder := t.TempDir()
	elsewhere := filepath.Join(folder, "elsewhere")
	file, link := filepath.Join(elsewhere, "monday.plan"), filepath.Join(folder, "latest.plan")
	if err := errors.Join(os.Mkdir(elsewhere, 0o700), os.WriteFile(file, []byte("sunday"), 0o600), os.Symlink(filepath.Join("elsewhere", "monday.plan"), link)); err != nil {
		t.Fatal(err)
	}
	if err := writeWhole(link, says("monday")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
	if got := read(t, file); got != "monday" {
		t.Errorf("the file is %q, want monday", got)
	}
	if err := writeWhole(link, func(io.Writer) error { return errors.New("the shop is frozen") }); err == nil || read(t, file) != "monday" {
		t.Errorf("%v, and the file is %q: want what was there", err, read(t, file))
	}
	holds(t, folder, 2)
	holds(t, elsewhere, 1)
}

func TestAFileThatCannotBeWrittenIsNamedWithTheNextStep(t *testing.T) {
	folder := t.TempDir()
	file, link := filepath.Join(folder, "file"), filepath.Join(folder, "link")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink("nowhere", link)); err != nil {
		t.Fatal(err)
	}
	full := &os.PathError{Op: "write", Path: filepath.Join(folder, ".stocksyncd-1"), Err: syscall.ENOSPC}
	for _, test := range []struct {
		name, path string
		err        error
		want       string
	}{
		{"a folder", folder, nil, folder + " is a folder; name a file in it"},
		{"in a folder that is not there", folder + "/no/monday.plan", nil, "/no/monday.plan: the folder " + folder + "/no is not there; make it"},
		{"in a file", file + "/monday.plan", nil, "/file/monday.plan: not a directory; mend that"},
		{"a link that leads nowhere", link, nil, link + " is a link that leads to no file"},
		{"a full disk", folder + "/monday.plan", full, folder + "/monday.plan: no space left on device; mend that"},
		{"not ours", folder + "/monday.plan", &os.LinkError{Op: "rename", Err: syscall.EACCES}, "/monday.plan: permission denied; name a file in a folder that you may write to"},
	} {
		err := writeWhole(test.path, func(io.Writer) error { return test.err })
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), ".stocksyncd-") {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	holds(t, folder, 2)
}
