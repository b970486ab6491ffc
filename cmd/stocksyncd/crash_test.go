package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"stocksyncd/clients/sandbox"
)

// crashLevels is more than one batch holds.
const crashLevels = 280

// crashWorld is a shop that has drifted everywhere, served on loopback, with a
// config to reconcile it.
func crashWorld(t *testing.T) (w *sandbox.World, config string) {
	t.Helper()
	w = sandbox.NewWorld(sandbox.Options{KatanaPerMinute: 6000, Stores: []sandbox.StoreOptions{{BucketSize: 1e6, Restore: 1e5}}})
	w.AddLocation(sandbox.KatanaLocation{Name: "Oslo"})
	if _, err := w.AddStoreLocation("main", sandbox.StoreLocation{Name: "Oslo", Katana: "Oslo"}); err != nil {
		t.Fatal(err)
	}
	for i := range crashLevels {
		sku := fmt.Sprintf("SKU-%03d", i)
		if _, err := w.AddProduct(sandbox.Product{Name: sku, Variants: []sandbox.Variant{{SKU: sku, Stock: map[string]string{"Oslo": "5"}}}}); err != nil {
			t.Fatal(err)
		}
		// Too much everywhere: reductions do not wait for anything.
		if _, err := w.AddListing("main", sandbox.Listing{SKU: sku, Product: sku, Levels: []sandbox.Level{{Location: "Oslo", Available: 9}}}); err != nil {
			t.Fatal(err)
		}
	}
	return w, serve(t, w, w.Handler(), "settle: 1s", `
    locations: [{ shopify: Oslo, katana: Oslo }]`)
}

// serve serves a world on loopback and writes a config to reconcile it, in
// which every store says the same.
func serve(t *testing.T, w *sandbox.World, handler http.Handler, sync, store string) (config string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	config = filepath.Join(dir, "stocksyncd.yaml")
	text := fmt.Sprintf(`katana: { url: %[1]s/katana/v1, api_key: env:KATANA, requests_per_minute: 6000 }
sync: { mode: apply, %[2]s }
guards: { max_changed_percent: 0, max_zeroed_percent: 0 }
state: { path: %[3]q }
status: { listen: "" }
stores:`, server.URL, sync, filepath.Join(dir, "state.db"))
	for _, one := range w.Summary().Stores {
		text += fmt.Sprintf(`
  - name: %[2]s
    shop: %[3]s
    url: %[1]s/shopify/%[2]s
    access_token: env:SHOPIFY%[4]s`, server.URL, one.Name, one.Shop, store)
	}
	if err := os.WriteFile(config, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

// once starts the program for one cycle.
func once(ctx context.Context, t *testing.T, config string) (cmd *exec.Cmd, log *bytes.Buffer) {
	t.Helper()
	log = &bytes.Buffer{}
	env := append(os.Environ(), "KATANA=sandbox-katana-key", "SHOPIFY=shpat_sandbox")
	cmd = program(ctx, t, env, "once", "--full", "--config", config)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, log
}

// killAt runs a cycle of the program and kills it in the handler of the request
// that the fault hits, before or after its effect. It tells whether there was
// one.
func killAt(t *testing.T, w *sandbox.World, config string, fault sandbox.Fault) (killed bool) {
	t.Helper()
	started, gone := make(chan *exec.Cmd, 1), make(chan struct{})
	fault.Do = func() {
		_ = (<-started).Process.Kill()
		<-gone // nothing of it may act on the answer
	}
	hits := w.Inject(fault)
	cmd, log := once(t.Context(), t, config)
	started <- cmd
	err := cmd.Wait()
	close(gone)
	if hits() == 0 && err != nil {
		t.Fatalf("a cycle that was not killed: %v\n%s", err, log)
	}
	w.ClearFaults()
	return hits() > 0
}

func TestKillingTheDaemonAtAnyRequestWritesNothingWronglyAndNothingTwice(t *testing.T) {
	for _, kind := range []sandbox.FaultKind{sandbox.FaultHookBefore, sandbox.FaultHookAfter} {
		t.Run(string(kind), func(t *testing.T) {
			for n := 0; ; n++ {
				w, config := crashWorld(t)
				if !killAt(t, w, config, sandbox.Fault{Kind: kind, After: n}) {
					if n < 10 {
						t.Fatalf("a cycle made only %d requests", n)
					}
					t.Logf("killed at each of %d requests of a cycle", n)
					return
				}
				wantCleanStart(t, w, config, n)
			}
		})
	}
}

// wantCleanStart starts the daemon again after it was killed: in the end every
// level shows what Katana has, and each was written once.
func wantCleanStart(t *testing.T, w *sandbox.World, config string, n int) {
	t.Helper()
	cmd, log := once(t.Context(), t, config)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("killed at request %d: the next cycle: %v\n%s", n, err, log)
	}
	mutations := w.Mutations("main")
	cmd, log = once(t.Context(), t, config)
	if err := cmd.Wait(); err != nil || w.Mutations("main") != mutations {
		t.Errorf("killed at request %d: the cycle after that: %v, %d mutations, want none\n%s", n, err, w.Mutations("main")-mutations, log)
	}
	written := map[string]sandbox.Write{}
	for _, write := range w.Writes("main") {
		if before, twice := written[write.Item]; twice && before.Key != write.Key {
			t.Errorf("killed at request %d: %s was written twice, %d→%d and %d→%d, under two keys", n, write.SKU, before.From, before.To, write.From, write.To)
		}
		if write.To != 5 || !write.Checked {
			t.Errorf("killed at request %d: %s was set to %d, want 5 under compare-and-set", n, write.SKU, write.To)
		}
		written[write.Item] = write
	}
	for i := range crashLevels {
		if got, _ := w.Available("main", fmt.Sprintf("SKU-%03d", i), "Oslo"); got != 5 {
			t.Fatalf("killed at request %d: SKU-%03d shows %d in the end, want 5", n, i, got)
		}
	}
}
