package cli

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/inventory"
)

// shopBench is a generated shop with the config that `stocksyncd sandbox`
// prints for it.
func shopBench(t *testing.T, seed uint64, stores, products int) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), now: noon, signal: make(chan os.Signal, 8)}
	opts := sandbox.Options{Now: b.clock, Seed: seed, KatanaKey: "the-katana-secret", KatanaPerMinute: 6000, Stores: sandbox.ShopStores(stores)}
	for i := range opts.Stores {
		opts.Stores[i].AccessToken, opts.Stores[i].BucketSize, opts.Stores[i].Restore = "the-shopify-secret", 1e6, 1e5
	}
	b.world = sandbox.Shop(opts, products)
	b.server = httptest.NewServer(b.world.Handler())
	t.Cleanup(b.server.Close)
	text := sandboxConfig(b.world, strings.TrimPrefix(b.server.URL, "http://"), sandboxTuning{
		mode: "apply", schedule: "@every 30s", settle: "1m", state: filepath.Join(b.dir, "state.db"), perMinute: 6000,
	})
	text = strings.NewReplacer("env:SANDBOX_KATANA_KEY", "env:KATANA", "env:SANDBOX_SHOPIFY_TOKEN", "env:SHOPIFY").Replace(text)
	if err := os.WriteFile(b.configPath(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

// fresh is a full plan by a daemon that remembers nothing.
func (b *bench) fresh() (code int, report inventory.Report) {
	b.t.Helper()
	if err := os.RemoveAll(filepath.Join(b.dir, "state.db")); err != nil {
		b.t.Fatal(err)
	}
	code, out, log := b.run("plan", "--full", "--output", "json")
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		b.t.Fatalf("exit code %d, %v in\n%s%s", code, err, out, log)
	}
	return code, report
}

// moves lists a plan's changes, each in a line.
func moves(report inventory.Report) (lines []string) {
	for _, store := range report.Stores {
		for _, c := range store.Changes {
			lines = append(lines, fmt.Sprintf("%s: %s at %s from %d to %d", store.Name, c.SKU, c.Location, c.From, c.To))
		}
	}
	slices.Sort(lines)
	return lines
}

// TestWhatTheSandboxCallsInStepADaemonDoesToo compares the sandbox's own idea
// of the stock rules with the program's, run with the config that the sandbox
// prints: nothing to do in a shop that is in step, and after a drift exactly
// what has drifted.
func TestWhatTheSandboxCallsInStepADaemonDoesToo(t *testing.T) {
	for _, shop := range []struct {
		seed             uint64
		stores, products int
	}{{1, 1, 1}, {2, 2, 7}, {3, 5, 14}, {4, 1, 40}, {5, 3, 60}, {6, 5, 90}, {7, 2, 130}, {8, 4, 26}} {
		t.Run(fmt.Sprintf("seed %d, %d stores, %d products", shop.seed, shop.stores, shop.products), func(t *testing.T) {
			t.Parallel()
			b := shopBench(t, shop.seed, shop.stores, shop.products)
			code, report := b.fresh()
			if got := moves(report); code != exitDone || len(got) > 0 {
				t.Fatalf("exit code %d and %d changes before anything drifted:\n%s", code, len(got), strings.Join(got, "\n"))
			}
			if len(report.Stores) != shop.stores {
				t.Fatalf("%d stores, want %d", len(report.Stores), shop.stores)
			}
			var want []string
			for _, d := range sandbox.Drift(b.world, shop.seed) {
				want = append(want, fmt.Sprintf("%s: %s at %s from %d to %d", d.Store, d.SKU, d.Location, d.Available, d.Desired))
			}
			slices.Sort(want)
			if _, report = b.fresh(); !slices.Equal(moves(report), want) || len(want) == 0 {
				t.Errorf("the plan has\n%s\nand these have drifted:\n%s", strings.Join(moves(report), "\n"), strings.Join(want, "\n"))
			}
		})
	}
}
