package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stocksyncd/clients/sandbox"
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
	} {
		if _, log := b.expect(exitUsage, "plan", "--compare", b.other(tt.old, tt.now)); !strings.Contains(log, tt.want) {
			t.Errorf("%s: %q, want %q", name, log, tt.want)
		}
	}
	if _, log := b.expect(exitUsage, "plan", "--compare", filepath.Join(b.dir, "none.yaml")); !strings.Contains(log, "there is no such file") {
		t.Errorf("no file: %q", log)
	}
}

func TestAModeThatDiffersIsSaid(t *testing.T) {
	for _, test := range []struct{ here, there, want string }{
		{"apply", "apply", "main: the other config would move none of 6 figures.\nNothing was written.\n"},
		{"report", "apply", "main: the other config would move none of 6 figures.\nmain: mode report here, apply there: what drifts would then be written.\nNothing was written.\n"},
		{"apply", "lower-only", "main: mode apply here, lower-only there: reductions would then be written, and raises wait.\n"},
		{"apply", "report", "main: mode apply here, report there: nothing would then be written.\n"},
		{"apply", `"off"`, "main: mode apply here, off there: it would neither be read nor written, so there is nothing to compare.\nNothing was written.\n"},
		{`"off"`, "apply", "main: mode off here, apply there: it is not read here, so there is nothing to compare.\nNothing was written.\n"},
		{`"off"`, `"off"`, "main: switched off, so it is not read.\nNothing was written.\n"},
	} {
		b := newBench(t)
		b.config(test.here)
		out, _ := b.expect(exitDone, "plan", "--full", "--compare", b.other("mode: "+test.here, "mode: "+test.there))
		if !strings.Contains(out, test.want) {
			t.Errorf("%s here and %s there: got\n%swant\n%s", test.here, test.there, out, test.want)
		}
	}
}

func TestOfAStoreThatFailedNothingIsCompared(t *testing.T) {
	b := settled(t)
	b.world.Inject(sandbox.Fault{API: "shopify/main", Kind: sandbox.FaultStatus, Status: http.StatusForbidden, Count: -1})
	out, _ := b.expect(exitFailed, "plan", "--full", "--compare", b.other("mode: apply", "mode: report"))
	if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 2 || !strings.HasPrefix(lines[0], "Store main failed: ") {
		t.Errorf("got\n%swant why, and that nothing was written", out)
	}
}

func TestAStoreThatTheOtherConfigLacksIsSaid(t *testing.T) {
	a, b := &app{}, &bytes.Buffer{}
	report := &inventory.Report{Stores: []inventory.StoreReport{{Name: "outlet", Mode: inventory.ModeReport, Levels: 4}}}
	if err := a.writeComparison(b, report, &otherConfig{path: "tomorrow.yaml"}); err != nil {
		t.Fatal(err)
	}
	if want := "outlet: tomorrow.yaml does not have it.\nNothing was written.\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestWhatIsNotManagedYetIsCountedApart(t *testing.T) {
	units := func(n inventory.Units) *inventory.Units { return &n }
	level := func(unstocked bool, from, to *inventory.Units) inventory.MoveLevel {
		return inventory.MoveLevel{SKU: "MUG", Location: "Oslo", Unstocked: unstocked, From: from, To: to, Rule: "activate"}
	}
	report := &inventory.Report{Stores: []inventory.StoreReport{{Name: "main", Levels: 9, Compared: &inventory.Comparison{
		Moved: 4, Zeroed: 1, Raised: 12, Lowered: 3, Levels: []inventory.MoveLevel{
			level(false, units(3), units(0)), level(true, nil, units(5)), level(true, nil, units(5)), level(false, nil, units(2)),
		},
	}}}}
	a, b := &app{}, &bytes.Buffer{}
	if err := a.writeComparison(b, report, &otherConfig{}); err != nil {
		t.Fatal(err)
	}
	want := `STORE  SKU  LOCATION  OBSERVED  NOW  THEN  BY
main   MUG  Oslo             0    3     0  activate
main   MUG  Oslo             -    -     5  activate
main   MUG  Oslo             -    -     5  activate
main   MUG  Oslo             0    -     2  activate
main: 1 level would move of 9, 2 more would be stocked, 1 more would no longer be left alone, 1 in all to zero: 12 units more and 3 fewer would be offered.
A dash is a level that is not stocked, or left alone. Nothing was written.
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestAComparisonIsNotSaved(t *testing.T) {
	b := newBench(t)
	_, log := b.expect(exitUsage, "plan", "--out", "monday.plan", "--compare", "other.yaml")
	if want := "stocksyncd: --out and --compare: a comparison cannot be saved; take one of the two out\n"; log != want {
		t.Errorf("stderr %q, want %q", log, want)
	}
}
