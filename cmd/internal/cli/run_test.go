package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/cmd/internal/web"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

func TestAPortInUseCostsThePageNotTheDaemon(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() //nolint:errcheck // the test is over
	var log bytes.Buffer
	var urls []string
	page := &statusPage{
		ctx: t.Context(), site: web.New("v1", noon), log: slog.New(slog.NewTextHandler(&log, nil)),
		tell: func(url string) { urls = append(urls, url) },
	}
	page.move(taken.Addr().String())
	if !strings.Contains(log.String(), "no status page") {
		t.Errorf("log %q, want a warning", &log)
	}
	page.move("127.0.0.1:0")
	if len(urls) != 1 {
		t.Fatalf("served at %v, want one address", urls)
	}
	response, err := http.Get(urls[0] + "healthz")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if closeErr := response.Body.Close(); err != nil || closeErr != nil || string(body) != "ok\n" {
		t.Errorf("healthz: %q, %v", body, err)
	}
	page.move("")
	if response, err := http.Get(urls[0]); err == nil {
		_ = response.Body.Close()
		t.Error("the page is still served after it was switched off")
	}
	page.close(t.Context())
}

func TestAPageThatOtherMachinesCanReachIsAWarning(t *testing.T) {
	for listen, want := range map[string]bool{"127.0.0.1:0": false, "localhost:0": false, "0.0.0.0:0": true, ":0": true} {
		var log bytes.Buffer
		page := &statusPage{ctx: t.Context(), site: web.New("v1", noon), log: slog.New(slog.NewTextHandler(&log, nil))}
		page.move(listen)
		page.close(t.Context())
		if got := strings.Contains(log.String(), "level=WARN"); got != want || !strings.Contains(log.String(), "status page") {
			t.Errorf("%s: warned %t, want %t:\n%s", listen, got, want, &log)
		}
	}
}

func TestASignalStopsOneCycleAndSaysSo(t *testing.T) {
	b := newBench(t)
	b.world.Inject(sandbox.Fault{API: "katana", Kind: sandbox.FaultHookBefore, Do: func() { b.signal <- syscall.SIGTERM }})
	b.world.Inject(sandbox.Fault{API: "katana", Kind: sandbox.FaultHang, Count: -1})
	out, _ := b.expect(exitFailed, "once", "--full")
	if !strings.Contains(out, "stopped by a signal") {
		t.Errorf("stdout %q, want what stopped it", out)
	}
}

func TestTheDemoEndsByItselfAndTidiesUp(t *testing.T) {
	b := newBench(t)
	t.Setenv("TMPDIR", b.dir)
	env, out, log := b.env("demo", "--for", "2s", "--products", "60")
	env.Now = time.Now
	if code := Main(env); code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, log)
	}
	for _, want := range []string{
		"A made-up shop: 60 products", "2 stores: main (", "outlet (", "mode lower-only", "in Shopify were put out of step",
		"Cycle 1 (full) took", "requests to shopify/main, ", "requests to shopify/outlet.", "applied", "stocksyncd sandbox",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo does not say %q:\n%s", want, out)
		}
	}
	left, err := filepath.Glob(filepath.Join(b.dir, "stocksyncd-demo-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v %v", left, err)
	}
}

// firstOfDaemon runs the daemon until its first cycle has ended, and gives the
// report of that.
func (b *bench) firstOfDaemon() *inventory.Report {
	b.t.Helper()
	env, _, log := b.env()
	a := &app{Env: env, output: "text", color: "never"}
	ctx, stop := context.WithTimeout(b.t.Context(), time.Minute)
	defer stop()
	var first *inventory.Report
	err := a.runDaemon(ctx, running{path: b.configPath(), observe: func(_ reconcile.Request, report *inventory.Report, _ error) {
		if first == nil {
			first = report
		}
		stop()
	}})
	if err != nil || first == nil {
		b.t.Fatalf("the daemon ended with %v before its first cycle:\n%s", err, log)
	}
	return first
}

func TestARestartWritesWhatHasChangedWithoutReadingEverything(t *testing.T) {
	b := newBench(t)
	if first := b.firstOfDaemon(); first.Kind != inventory.Full || !first.Stores[0].Look.Whole {
		t.Errorf("with a new state file: %s, want a full cycle that reads the store whole", first.Kind)
	}
	b.pass(11 * time.Minute)
	b.do(sandbox.StockAdjusted{SKU: "MUG-BLUE", Location: "Oslo", By: "-3"})
	first := b.firstOfDaemon()
	if store := first.Stores[0]; first.Kind != inventory.Incremental || store.Look.Whole || store.Applied != 1 {
		t.Errorf("after a restart: %s, read whole %t, %d written; want an incremental cycle that reads parts and writes 1", first.Kind, store.Look.Whole, store.Applied)
	}
	if got, _ := b.world.Available("main", "MUG-BLUE", "Oslo"); got != 7 {
		t.Errorf("Shopify shows %d, want 7", got)
	}
}

func TestADemoInTheFolderOfAFormerOneBeginsAnew(t *testing.T) {
	b := newBench(t)
	for _, which := range []string{"first", "second"} {
		env, out, log := b.env("demo", "--for", "1500ms", "--products", "20", "--stores", "1", "--keep", filepath.Join(b.dir, "demo"))
		env.Now = time.Now
		if code := Main(env); code != exitDone || !strings.Contains(out.String(), "Cycle 1 (full) took") {
			t.Errorf("the %s: exit code %d, want a full cycle first\n%s%s", which, code, out, log)
		}
	}
	if _, err := os.Stat(filepath.Join(b.dir, "demo", "state.db")); err != nil {
		t.Errorf("the state file is not kept: %v", err)
	}
}

func TestADemoOrSandboxOfNonsenseIsAUsageError(t *testing.T) {
	b := newBench(t)
	for _, args := range [][]string{
		{"demo", "--for", "0s"}, {"demo", "--products", "0"}, {"demo", "--katana-per-minute", "0"},
		{"sandbox", "--products", "-1"}, {"sandbox", "--stores", "0"}, {"demo", "--stores", "6"}, {"sandbox", "--csv", "/nonexistent.csv"}, {"sandbox", "--fault", "nonsense"}, {"sandbox", "--event", "nonsense"},
	} {
		b.expect(exitUsage, args...)
	}
}

func TestJSONOfTheOtherCommands(t *testing.T) {
	b := settled(t)
	for _, args := range [][]string{{"status"}, {"check"}, {"version"}} {
		out, _ := b.expect(exitDone, append(args, "--output", "json")...)
		var object map[string]any
		if err := json.Unmarshal([]byte(out), &object); err != nil || len(object) == 0 {
			t.Errorf("%v: %v in\n%s", args, err, out)
		}
	}
}

func TestStoresAreCompletedFromTheConfig(t *testing.T) {
	b := newBench(t)
	env, out, _ := b.env("--config", b.configPath(), "__complete", "once", "--store", "")
	if code := Main(env); code != 0 || !strings.HasPrefix(out.String(), "main\n") {
		t.Errorf("exit code %d, %q, want the store main", code, out)
	}
}

func TestConfigExampleAndSchemaArePrinted(t *testing.T) {
	b := newBench(t)
	example, _ := b.expect(exitDone, "config", "example")
	path := filepath.Join(b.dir, "example.yaml")
	if err := os.WriteFile(path, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	env, _, log := b.env("status", "--config", path)
	if code := Main(env); code == exitUsage {
		t.Errorf("the example is a wrong config:\n%s", log)
	}
	schema, _ := b.expect(exitDone, "config", "schema")
	if !json.Valid([]byte(schema)) {
		t.Errorf("the schema is no JSON:\n%.200s", schema)
	}
}
