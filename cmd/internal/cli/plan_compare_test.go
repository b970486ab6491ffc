package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stocksyncd/reconcile/inventory"
)

// other writes another config beside the bench's: its own with some text
// replaced.
func (b *bench) other(pairs ...string) string {
	b.t.Helper()
	text, err := os.ReadFile(b.configPath())
	if err != nil {
		b.t.Fatal(err)
	}
	path := filepath.Join(b.dir, "other.yaml")
	if err := os.WriteFile(path, []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func TestWhatAnotherConfigWouldMoveIsShownAndNotWritten(t *testing.T) {
	b := settled(t)
	path := b.other("    locations:", `    rules: [{ sku: "CAP-*", buffer: 4 }, { sku: "MUG-*", min_to_sell: 6 }]`+"\n    locations:")
	out, _ := b.expect(exitDrift, "plan", "--full", "--compare", path)
	golden(t, "plan-compare", out)
	out, _ = b.expect(exitDrift, "plan", "--full", "--compare", path, "--output", "json")
	var report inventory.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || report.Stores[0].Compared.Moved != 3 || report.Stores[0].Compared.Zeroed != 1 {
		t.Errorf("%v: %s", err, out)
	}
	if out, _ := b.expect(exitDone, "plan", "--compare", b.configPath()); !strings.Contains(out, "main: the other config would move none of 6 figures.") {
		t.Errorf("with itself: %s", out)
	}
	if got := b.world.Mutations("main"); got != 0 {
		t.Errorf("%d mutations, want none", got)
	}
}

func TestConfigsOfOtherAccountsAreNotCompared(t *testing.T) {
	b := newBench(t)
	for name, tt := range map[string]struct{ old, now, want string }{
		"another store":   {"name: main", "name: outlet", "has no store outlet"},
		"another shop":    {"acme.myshopify.com", "other.myshopify.com", "stores[0].shop"},
		"another Katana":  {"/katana/v1", "/katana/v2", "katana.url"},
		"a mistake in it": {"settle: 10m", "settle: soon", "sync.settle"},
		"a key to come":   {"guards: {", "guards: { max_raised_units: 5,", "guards.max_raised_units"},
	} {
		if _, log := b.expect(exitUsage, "plan", "--compare", b.other(tt.old, tt.now)); !strings.Contains(log, tt.want) {
			t.Errorf("%s: %q, want %q", name, log, tt.want)
		}
	}
	if _, log := b.expect(exitUsage, "plan", "--compare", filepath.Join(b.dir, "none.yaml")); !strings.Contains(log, "there is no such file") {
		t.Errorf("no file: %q", log)
	}
}
