package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"stocksyncd/reconcile/inventory"
	"stocksyncd/state"
)

// parrot serves a world, and once it is on answers every question about stock
// with the key that came with it.
type parrot struct {
	http.Handler
	on atomic.Bool
}

func (p *parrot) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if !p.on.Load() {
		p.Handler.ServeHTTP(rw, r)
		return
	}
	http.Error(rw, `{"message": "no such key: `+r.Header.Get("Authorization")+r.Header.Get("X-Shopify-Access-Token")+`"}`, http.StatusForbidden)
}

// TestNoSecretIsInAnExplanationAnExportOrAComparison runs the commands on a shop
// where all is well, and on one whose APIs repeat the secrets that they are given.
// What is printed, the bench looks at itself.
func TestNoSecretIsInAnExplanationAnExportOrAComparison(t *testing.T) {
	b := newBench(t)
	handler := &parrot{Handler: b.world.Handler()}
	b.server = httptest.NewServer(handler)
	t.Cleanup(b.server.Close)
	b.config("apply")
	b.expect(exitDone, "once", "--full")
	b.pass(20 * time.Minute)
	b.drift()
	b.expect(exitDone, "once", "--full")
	other := b.other("    locations:", `    rules: [{ sku: "*", buffer: 4 }]`+"\n    locations:")
	file, near := filepath.Join(b.dir, "stock.csv"), filepath.Join(b.dir, "near.csv")
	commands := []struct {
		args         []string
		well, parrot int // exit codes
	}{
		{[]string{"explain", "MUG-BLUE"}, exitDone, exitFailed},
		{[]string{"explain", "MUG-BLUE", "--fresh", "--output", "json"}, exitDone, exitFailed},
		{[]string{"explain", "NONE"}, exitFailed, exitFailed},
		{[]string{"export"}, exitDone, exitFailed},
		{[]string{"export", "--near-misses"}, exitDone, exitFailed},
		{[]string{"export", "--out", file}, exitDone, exitFailed},
		{[]string{"export", "--near-misses", "--out", near}, exitDone, exitFailed},
		{[]string{"plan", "--full", "--compare", other}, exitDrift, exitFailed},
		{[]string{"plan", "--full", "--compare", other, "--output", "json"}, exitDrift, exitFailed},
		{[]string{"plan", "--out", filepath.Join(b.dir, "plan")}, exitDone, exitFailed},
		{[]string{"check", "--output", "json"}, exitDone, exitFailed},
		{[]string{"once", "--full"}, exitDone, exitFailed},
		{[]string{"status"}, exitDone, exitDone},
	}
	for _, on := range []bool{false, true} {
		handler.on.Store(on)
		for _, c := range commands {
			want := map[bool]int{false: c.well, true: c.parrot}[on]
			out, log := b.expect(want, c.args...)
			if said := strings.Contains(out+log, "no such key"); said != on {
				t.Errorf("%v: with a parrot %v, its words are there: %v\n%s%s", c.args, on, said, out, log)
			}
		}
	}
	held := map[string]string{"what the state file keeps": kept(t, filepath.Join(b.dir, "state.db"), "main")}
	err := filepath.WalkDir(b.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		held[filepath.Base(path)] = string(text)
		return err
	})
	if err != nil || len(held) < 7 {
		t.Errorf("%d files, %v; want the configs, the exports, the plan and the state file", len(held)-1, err)
	}
	for name, text := range held {
		for _, secret := range []string{"the-katana-secret", "the-shopify-secret"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds a secret", name)
			}
		}
	}
}

// kept is all that a state file keeps, record by record: in the file itself they
// are deflated, and nothing can be found in them.
func kept(t *testing.T, path string, stores ...inventory.StoreName) string {
	t.Helper()
	store, err := state.Open(path, state.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	var all []any
	add := func(value any, failed error) {
		all = append(all, value)
		err = errors.Join(err, failed)
	}
	add(store.History(0))
	add(store.Hours(time.Time{}))
	add(store.Source())
	add(store.Lineage())
	for _, name := range stores {
		memory, failed := store.Store(name)
		for key := range memory.Levels { // besides, they are numbers
			add(store.Writes(key))
		}
		add(memory.Memory, failed)
		add(memory.Open, nil)
	}
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{`"changes":[{`, `"outcome":"applied"`, `"shopify":{"`} { // of reports, writes and names of locations
		if !bytes.Contains(text, []byte(words)) {
			t.Errorf("the state file keeps no %q: the test proves nothing", words)
		}
	}
	return string(text)
}

func TestWhatIsWrittenIsForItsOwnerAlone(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0)) // the mode is ours, and no lucky umask's
	b := newBench(t)
	path, out, loose := filepath.Join(b.dir, "state.db"), filepath.Join(b.dir, "monday.plan"), filepath.Join(b.dir, "stock.csv")
	if err := errors.Join(os.WriteFile(loose, nil, 0o644), os.Chmod(loose, 0o644)); err != nil { // #nosec G302 G306 -- what is to be mended
		t.Fatal(err)
	}
	b.expect(exitDone, "once", "--full")
	b.pass(11 * time.Minute)
	b.drift()
	b.expect(exitDrift, "plan", "--full", "--out", out)
	b.expect(exitDone, "export", "--out", loose)
	if err := os.Chmod(path, 0o644); err != nil { // #nosec G302 -- as a backup that was put back may be
		t.Fatal(err)
	}
	b.expect(exitDone, "apply", out)
	for _, file := range []string{path, out, loose} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v; want 600", file, info.Mode(), err)
		}
	}
	holds(t, b.dir, 4) // these and the config: nothing that is half written
}
