package cli

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
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
	found := 0
	err := filepath.WalkDir(b.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		found++
		for _, secret := range []string{"the-katana-secret", "the-shopify-secret"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s holds a secret", filepath.Base(path))
			}
		}
		return err
	})
	if err != nil || found < 6 {
		t.Errorf("%d files, %v; want the configs, the exports, the plan and the state file", found, err)
	}
}
