package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/state"
)

// settled has run a full cycle long enough ago that raises no longer wait.
func settled(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.expect(0, "once", "--full")
	b.pass(11 * time.Minute)
	return b
}

// expect runs a command that is to end with a code.
func (b *bench) expect(code int, args ...string) (stdout, stderr string) {
	b.t.Helper()
	got, stdout, stderr := b.run(args...)
	if got != code {
		b.t.Fatalf("stocksyncd %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, stdout, stderr)
	}
	return stdout, stderr
}

func (b *bench) do(event sandbox.Event) {
	b.t.Helper()
	if err := b.world.Do(event); err != nil {
		b.t.Fatal(err)
	}
}

// drift makes two levels differ: one has too much, one too little.
func (b *bench) drift() {
	b.t.Helper()
	b.do(sandbox.StockAdjusted{SKU: "MUG-BLUE", Location: "Oslo", By: "-3"})
	b.do(sandbox.StockAdjusted{SKU: "TEE-M", Location: "Bergen", By: "40"})
}

func (b *bench) available(sku, location string, want int) {
	b.t.Helper()
	if got, ok := b.world.Available("main", sku, location); !ok || got != want {
		b.t.Errorf("%s at %s: available %d, want %d", sku, location, got, want)
	}
}

func TestAPlanShowsTheDriftAndWritesNothing(t *testing.T) {
	b := settled(t)
	b.drift()
	out, _ := b.expect(exitDrift, "plan", "--full")
	golden(t, "plan", out)
	if got := b.world.Mutations("main"); got != 0 {
		t.Errorf("%d mutations, want none", got)
	}
	b.expect(exitDone, "once", "--full")
	b.available("MUG-BLUE", "Oslo", 7)
	b.available("TEE-M", "Bergen", 50)
	out, _ = b.expect(exitDone, "plan", "--full")
	golden(t, "plan-in-step", out)
}

func TestOnceWritesTheDriftAndASecondTimeNothing(t *testing.T) {
	b := settled(t)
	b.drift()
	out, _ := b.expect(exitDone, "once", "--full")
	golden(t, "once", out)
	mutations := b.world.Mutations("main")
	b.expect(exitDone, "once", "--full")
	if got := b.world.Mutations("main"); got != mutations {
		t.Errorf("%d mutations more for a shop in step, want none", got-mutations)
	}
}

func TestOneSKUIsAllThatIsWritten(t *testing.T) {
	b := settled(t)
	b.drift()
	b.expect(exitDone, "once", "--full", "--sku", "MUG-BLUE", "--store", "main")
	b.available("MUG-BLUE", "Oslo", 7)
	b.available("TEE-M", "Bergen", 10)
	if _, log := b.expect(exitUsage, "once", "--store", "outlet"); !strings.Contains(log, "it has main") {
		t.Errorf("an unknown store: %q, want the ones there are", log)
	}
}

func TestJSONIsTheReport(t *testing.T) {
	b := settled(t)
	b.drift()
	out, _ := b.expect(exitDrift, "plan", "--full", "--output", "json")
	var report inventory.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	if report.Kind != inventory.Full || len(report.Stores) != 1 || len(report.Stores[0].Changes) != 2 || report.Requests["katana"].Count == 0 {
		t.Errorf("report %+v, want two changes and the requests", report)
	}
}

func TestASavedPlanIsWrittenAndNothingElse(t *testing.T) {
	b := settled(t)
	b.drift()
	path := filepath.Join(b.dir, "monday.plan")
	if _, log := b.expect(exitDrift, "plan", "--full", "--out", path); !strings.Contains(log, "2 changes saved to "+path) {
		t.Errorf("stderr %q, want where the plan is", log)
	}
	b.do(sandbox.StockAdjusted{SKU: "CAP-RED", Location: "Oslo", By: "-1"})  // not in the plan
	b.do(sandbox.StockAdjusted{SKU: "TEE-M", Location: "Bergen", By: "-10"}) // no longer the figure of the plan
	out, _ := b.expect(exitDone, "apply", path)
	b.available("MUG-BLUE", "Oslo", 7)
	b.available("TEE-M", "Bergen", 10)
	b.available("CAP-RED", "Oslo", 30)
	golden(t, "apply", out)
}

func TestAPlanOfAnotherConfigIsRefused(t *testing.T) {
	b := settled(t)
	b.drift()
	path := filepath.Join(b.dir, "monday.plan")
	b.expect(exitDrift, "plan", "--full", "--out", path)
	text, err := os.ReadFile(b.configPath())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.configPath(), bytes.Replace(text, []byte("katana: Bergen"), []byte("katana: Oslo"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	_, log := b.expect(exitFailed, "apply", path)
	if !strings.Contains(log, "are no longer those that the plan was made with") {
		t.Errorf("stderr %q", log)
	}
	b.config("apply")
	b.pass(25 * time.Hour)
	if _, log := b.expect(exitFailed, "apply", path); !strings.Contains(log, "more than 24h") {
		t.Errorf("stderr %q", log)
	}
	if err := os.Remove(filepath.Join(b.dir, "state.db")); err != nil {
		t.Fatal(err)
	}
	b.pass(-25 * time.Hour)
	if _, log := b.expect(exitFailed, "apply", path); !strings.Contains(log, "other accounts") {
		t.Errorf("stderr %q, want a plan refused by a state file that knows no account", log)
	}
	if got := b.world.Mutations("main"); got != 0 {
		t.Errorf("%d mutations, want none", got)
	}
}

func TestAPlanThatWasSavedInReportModeIsWrittenInApplyMode(t *testing.T) {
	b := settled(t)
	b.drift()
	path := filepath.Join(b.dir, "monday.plan")
	b.config("report")
	b.expect(exitDrift, "plan", "--full", "--out", path)
	b.expect(exitDone, "apply", path)
	b.available("MUG-BLUE", "Oslo", 10) // report mode: still nothing
	b.config("apply", "log: { level: warn }")
	b.expect(exitDone, "apply", path)
	b.available("MUG-BLUE", "Oslo", 7)
}

func TestAConfigWithoutAModeWritesNothingAndSaysSo(t *testing.T) {
	b := settled(t)
	b.config("")
	b.drift()
	out, log := b.expect(exitDone, "once", "--full")
	if !strings.Contains(out, "report mode") || !strings.Contains(log, "names no mode") {
		t.Errorf("stdout %q\nstderr %q", out, log)
	}
	if got := b.world.Mutations("main"); got != 0 {
		t.Errorf("%d mutations, want none", got)
	}
}

func TestAWrongConfigIsExitCode2WithEveryMistake(t *testing.T) {
	b := newBench(t)
	if err := os.WriteFile(b.configPath(), []byte("katana: { requests_per_minute: 0 }\nsinc: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, log := b.expect(exitUsage, "once")
	for _, want := range []string{"sinc", "requests_per_minute"} {
		if !strings.Contains(log, want) {
			t.Errorf("stderr lacks %q:\n%s", want, log)
		}
	}
}

func TestAMissingSecretIsAMistakeOfTheConfig(t *testing.T) {
	b := newBench(t)
	env, _, log := b.env("once", "--config", b.configPath())
	env.Getenv = func(string) string { return "" }
	if code := Main(env); code != exitUsage {
		t.Errorf("exit code %d, want 2", code)
	}
	for _, want := range []string{"katana.api_key", "env:KATANA", "stores[0].access_token", "env:SHOPIFY"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("stderr lacks %q:\n%s", want, log)
		}
	}
}

func TestAHeldPlanIsShownAndReleased(t *testing.T) {
	b := newBench(t)
	b.config("apply", "")
	text, err := os.ReadFile(b.configPath())
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("min_changes: 10"), []byte("min_changes: 1"), 1)
	if err := os.WriteFile(b.configPath(), text, 0o600); err != nil {
		t.Fatal(err)
	}
	b.expect(exitDone, "once", "--full")
	b.pass(11 * time.Minute)
	for i, sku := range []string{"MUG-BLUE", "TEE-M", "CAP-RED"} {
		b.do(sandbox.StockAdjusted{SKU: sku, Location: "Oslo", By: "-" + []string{"10", "20", "30"}[i]})
	}
	out, _ := b.expect(exitHeld, "once", "--full")
	golden(t, "held", out)
	b.available("MUG-BLUE", "Oslo", 10)
	out, _ = b.expect(exitDone, "status")
	golden(t, "status-held", b.plain(out))
	id := "main-" + between(t, out, "release main-", "`")
	if out, _ := b.expect(exitDone, "release", id); !strings.Contains(out, id) {
		t.Errorf("stdout %q, want what was released", out)
	}
	b.expect(exitDone, "once", "--full")
	b.available("MUG-BLUE", "Oslo", 0)
	if _, log := b.expect(exitFailed, "release", id); !strings.Contains(log, "stocksyncd status") {
		t.Errorf("a hold that is gone: %q, want where to look", log)
	}
}

func between(t *testing.T, text, before, after string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, before)
	found, _, closed := strings.Cut(rest, after)
	if !ok || !closed {
		t.Fatalf("nothing between %q and %q in\n%s", before, after, text)
	}
	return found
}

func TestStatusBeforeTheFirstCycle(t *testing.T) {
	b := newBench(t)
	out, _ := b.expect(exitDone, "status")
	golden(t, "status-new", out)
	if _, err := os.Stat(filepath.Join(b.dir, "state.db")); err == nil {
		t.Error("status made a state file")
	}
}

func TestCheckOfAShopWhereAllIsWell(t *testing.T) {
	b := newBench(t)
	out, _ := b.expect(exitDone, "check")
	golden(t, "check", b.plain(out))
}

func TestCheckNamesTheNextStepAndHidesNothing(t *testing.T) {
	b := newBench(t)
	b.do(sandbox.ScopesChanged{Store: "main", Scopes: []string{"read_products", "read_inventory", "read_locations"}})
	b.world.Inject(sandbox.Fault{API: "katana", Kind: sandbox.FaultStatus, Status: http.StatusUnauthorized, Count: -1})
	out, _ := b.expect(exitFailed, "check")
	golden(t, "check-broken", b.plain(out))
}

func TestAStoreThatIsDownIsExitCode1AndTheReportSaysWhich(t *testing.T) {
	b := newBench(t)
	b.world.Inject(sandbox.Fault{API: "shopify/main", Kind: sandbox.FaultStatus, Status: http.StatusForbidden, Count: -1})
	out, _ := b.expect(exitFailed, "once", "--full")
	if !strings.Contains(out, "Store main failed: ") {
		t.Errorf("stdout %q, want the store", out)
	}
}

func TestAStateFileOfAnotherAccountIsRefused(t *testing.T) {
	for _, test := range []struct {
		name    string
		lineage state.Lineage
		want    string
	}{
		{"another Katana account", state.Lineage{Katana: "location:1"}, "belongs to another account: the Katana account"},
		{"another shop", state.Lineage{Stores: map[inventory.StoreName]string{"main": "gid://shopify/Shop/9"}}, "belongs to another account: store main"},
	} {
		b := newBench(t)
		store, err := state.Open(filepath.Join(b.dir, "state.db"), state.Options{})
		if err == nil {
			err = errors.Join(store.Bind(test.lineage), store.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		b.drift()
		if out, _ := b.expect(exitFailed, "once", "--full"); !strings.Contains(out, test.want) {
			t.Errorf("%s: %q, want %q", test.name, out, test.want)
		}
		if got := b.world.Mutations("main"); got != 0 {
			t.Errorf("%s: %d mutations, want none", test.name, got)
		}
		if out, _ := b.expect(exitFailed, "check"); !strings.Contains(out, "but the state file is of") {
			t.Errorf("%s: check says %q", test.name, out)
		}
	}
}
