package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stocksyncd/reconcile/inventory"
	"stocksyncd/state"
)

// questions are the commands that only look.
var questions = [][]string{{"explain", "MUG-BLUE"}, {"export"}}

func TestAQuestionMakesNoStateFile(t *testing.T) {
	for _, args := range questions {
		b := newBench(t)
		b.expect(exitDone, args...)
		holds(t, b.dir, 1) // the config
		path := filepath.Join(b.dir, "state.db")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		b.expect(exitDone, args...)
		if got := read(t, path); got != "" {
			t.Errorf("%v wrote %d bytes into an empty state file", args, len(got))
		}
	}
}

func TestAQuestionLeavesTheStateFileAsItIs(t *testing.T) {
	for _, args := range questions {
		b := newBench(t)
		path := filepath.Join(b.dir, "state.db")
		for name, content := range map[string]struct {
			write func() error
			code  int
			want  string
		}{
			"not yet of any account": {func() error {
				store, err := state.Open(path, state.Options{})
				return errors.Join(err, store.Close())
			}, exitDone, ""},
			"damaged": {func() error { return os.WriteFile(path, []byte("cut short by a full disk"), 0o600) }, exitFailed, path},
			"of another Katana account": {func() error {
				store, err := state.Open(path, state.Options{})
				return errors.Join(err, store.Bind(state.Lineage{Katana: "location:1"}), store.Close())
			}, exitFailed, "belongs to another account: the Katana account"},
			"of another shop": {func() error {
				store, err := state.Open(path, state.Options{})
				return errors.Join(err, store.Bind(state.Lineage{Stores: map[inventory.StoreName]string{"main": "gid://shopify/Shop/9"}}), store.Close())
			}, exitFailed, "belongs to another account: store main"},
		} {
			_ = os.Remove(path) // the first time there is none
			if err := content.write(); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(path) // #nosec G304 -- our own
			if err != nil {
				t.Fatal(err)
			}
			if _, log := b.expect(content.code, args...); !strings.Contains(log, content.want) {
				t.Errorf("%v with a state file %s: stderr %q, want %q", args, name, log, content.want)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) { // #nosec G304 -- our own
				t.Errorf("%v changed a state file %s: %v", args, name, err)
			}
			holds(t, b.dir, 2)
		}
	}
}

func TestADamagedStateFileIsNotAnsweredFrom(t *testing.T) {
	b := settled(t)
	path := filepath.Join(b.dir, "state.db")
	whole := read(t, path)
	if err := os.WriteFile(path, []byte(whole[:9000]), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range questions {
		_, log := b.expect(exitFailed, args...)
		if want := path + " is damaged: "; !strings.Contains(log, want) || !strings.Contains(log, "or `stocksyncd once`, sets it aside") {
			t.Errorf("%v: stderr %q, want %q and what to do", args, log, want)
		}
	}
	holds(t, b.dir, 2)
}
