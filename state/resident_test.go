package state

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"stocksyncd/reconcile/inventory"
)

// residentOf is how much of a file is in the memory of this process, in KiB.
func residentOf(t *testing.T, path string) (kib int) {
	t.Helper()
	file, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Skip("only Linux tells what is resident: ", err)
	}
	defer func() { _ = file.Close() }()
	mapped, within := false, false
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		name, _, _ := strings.Cut(line, " ")
		if !strings.HasSuffix(name, ":") { // the head of a mapping
			within = strings.HasSuffix(line, path)
			mapped = mapped || within
			continue
		}
		var n int
		if _, err := fmt.Sscanf(line, "Rss: %d kB", &n); err == nil && within {
			kib += n
		}
	}
	must(t, lines.Err())
	if !mapped {
		t.Fatalf("%s is not mapped", path)
	}
	return kib
}

// TestWhatWasReadOfTheFileDoesNotStayInMemory: of a million levels it would be
// as much as all that the daemon makes of them.
func TestWhatWasReadOfTheFileDoesNotStayInMemory(t *testing.T) {
	path := newPath(t)
	s := mustOpenUnsynced(t, path, Options{Now: clock})
	look, part := largeLook(20_000), largePart(20_000)
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"a look is recorded", func() error { return s.Observe("main", look) }},
		{"a reading of Katana is recorded", func() error { return s.Read(part) }},
		{"a look is given back", func() error { _, err := s.Store("main"); return err }},
		{"a reading of Katana is given back", func() error { _, err := s.Mirror(); return err }},
	} {
		must(t, step.do())
		if got := residentOf(t, path); got > 256 {
			t.Errorf("%s: %d KiB of the file are in memory, want next to none", step.name, got)
		}
	}
	got, err := s.Store("main")
	must(t, err)
	if !maps.Equal(got.Levels, look.Levels) || len(got.Items) != len(look.Items) {
		t.Errorf("%d levels and %d items are given back, want those of the look", len(got.Levels), len(got.Items))
	}
	memory, err := s.Memory("main")
	must(t, err)
	same(t, "what is remembered beside the levels", memory, got.Memory)
	if got := residentOf(t, path); got > 512 {
		t.Errorf("what is remembered beside the levels takes %d KiB of the file, want a few pages", got)
	}
	if memory, err = s.Memory("never met"); err != nil {
		t.Fatal(err)
	}
	same(t, "what is remembered of a store that was never met", memory, inventory.Memory{})
	mustClose(t, s)
	s = mustOpenWith(t, path, Options{ReadOnly: true, Now: clock})
	defer mustClose(t, s)
	levels, all := 0, 0
	_, err = s.Recall("main", func(inventory.Item) {}, func(inventory.Key, inventory.Seen) {
		if levels++; levels == len(look.Levels) {
			all = residentOf(t, path)
		}
	})
	must(t, err)
	if got := residentOf(t, path); all < 1024 || got > 256 {
		t.Errorf("a reader that shares the file has %d KiB of it in memory after %d KiB, want next to none after more", got, all)
	}
}
