package cli

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stocksyncd/clients/sandbox"
)

var update = flag.Bool("update", false, "write what the commands print to testdata instead of comparing")

// bench is a shop with a config, and a terminal that nobody looks at.
type bench struct {
	t      *testing.T
	world  *sandbox.World
	server *httptest.Server
	dir    string
	signal chan os.Signal

	mu  sync.Mutex
	now time.Time
}

// newBench is a small shop in step: three SKUs at two locations.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), now: noon, signal: make(chan os.Signal, 8)}
	b.world = sandbox.NewWorld(sandbox.Options{
		Now: b.clock, KatanaKey: "the-katana-secret", KatanaPerMinute: 6000,
		Stores: []sandbox.StoreOptions{{Name: "main", Shop: "acme.myshopify.com", AccessToken: "the-shopify-secret", BucketSize: 1e6, Restore: 1e5}},
	})
	w := b.world
	for _, name := range []string{"Oslo", "Bergen"} {
		w.AddLocation(sandbox.KatanaLocation{Name: name})
		b.must(w.AddStoreLocation("main", sandbox.StoreLocation{Name: name, Katana: name}))
	}
	for i, sku := range []string{"MUG-BLUE", "TEE-M", "CAP-RED"} {
		oslo, bergen := 10*(i+1), 5*(i+1)
		b.must(w.AddProduct(sandbox.Product{Name: sku, Created: noon.Add(-24 * time.Hour), Variants: []sandbox.Variant{
			{SKU: sku, Stock: map[string]string{"Oslo": fmt.Sprint(oslo), "Bergen": fmt.Sprint(bergen)}},
		}}))
		b.must(w.AddListing("main", sandbox.Listing{SKU: sku, Product: sku, Levels: []sandbox.Level{
			{Location: "Oslo", Available: oslo}, {Location: "Bergen", Available: bergen},
		}}))
	}
	b.must(w.AddListing("main", sandbox.Listing{SKU: "GIFT", Product: "Not in Katana", Levels: []sandbox.Level{{Location: "Oslo", Available: 4}}}))
	mux := http.NewServeMux()
	mux.Handle("/katana/", http.StripPrefix("/katana", w.Katana()))
	mux.Handle("/shopify/main/", http.StripPrefix("/shopify/main", w.Shopify("main")))
	b.server = httptest.NewServer(mux)
	t.Cleanup(b.server.Close)
	b.config("apply")
	return b
}

// must takes what a call gave beside its error.
func (b *bench) must(_ any, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) configPath() string { return filepath.Join(b.dir, "stocksyncd.yaml") }

// config writes the config, with a mode or without one.
func (b *bench) config(mode string, more ...string) {
	b.t.Helper()
	text := fmt.Sprintf(`katana:
  url: %[1]s/katana/v1
  api_key: env:KATANA
  requests_per_minute: 6000
sync: { %[2]sschedule: "@every 30s", settle: 10m }
stores:
  - name: main
    shop: acme.myshopify.com
    url: %[1]s/shopify/main
    access_token: env:SHOPIFY
    locations:
      - { shopify: Oslo, katana: Oslo }
      - { shopify: Bergen, katana: Bergen }
guards: { min_changes: 10 }
state: { path: %[3]q }
status: { listen: "" }
`, b.server.URL, map[bool]string{true: "", false: "mode: " + mode + ", "}[mode == ""], filepath.Join(b.dir, "state.db"))
	if err := os.WriteFile(b.configPath(), []byte(text+strings.Join(more, "\n")), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) env(args ...string) (env Env, out, log *bytes.Buffer) {
	out, log = &bytes.Buffer{}, &bytes.Buffer{}
	return Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: out, Stderr: log, Now: b.clock,
		Getenv: func(name string) string {
			return map[string]string{"KATANA": "the-katana-secret", "SHOPIFY": "the-shopify-secret"}[name]
		},
		Signals:  func(...os.Signal) (<-chan os.Signal, func()) { return b.signal, func() {} },
		Terminal: func(io.Writer) bool { return false },
	}, out, log
}

// run runs a command with the bench's config.
func (b *bench) run(args ...string) (code int, stdout, stderr string) {
	b.t.Helper()
	env, out, log := b.env(append(args, "--config", b.configPath())...)
	code = Main(env)
	for _, secret := range []string{"the-katana-secret", "the-shopify-secret"} {
		if strings.Contains(out.String()+log.String(), secret) {
			b.t.Errorf("stocksyncd %s prints a secret", strings.Join(args, " "))
		}
	}
	return code, out.String(), log.String()
}

// golden compares what a command printed with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path) // #nosec G304 -- our own
	if err != nil {
		t.Fatalf("%v; write it with: go test ./cmd/internal/cli -update", err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// plain takes out what differs from run to run.
func (b *bench) plain(text string) string {
	return strings.NewReplacer(b.server.URL, "http://SANDBOX", b.dir, "DIR").Replace(text)
}
