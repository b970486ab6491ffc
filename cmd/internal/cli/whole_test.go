package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/katana"
	"stocksyncd/clients/sandbox"
	"stocksyncd/clients/shopify"
	"stocksyncd/configs"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/state"
)

// inMemory serves a handler without a port, so that time can be virtual. A
// handler that is aborted is a connection that was cut.
type inMemory struct{ handler http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	recorder := httptest.NewRecorder()
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler { //nolint:errorlint // a panic value, compared as net/http does
				panic(p)
			}
			answer, err = nil, errors.New("connection reset")
		}
	}()
	server := r.Clone(r.Context())
	server.RequestURI = r.URL.RequestURI()
	if server.Body == nil {
		server.Body = http.NoBody
	}
	m.handler.ServeHTTP(recorder, server)
	answer = recorder.Result()
	answer.Request = r
	if promised := answer.Header.Get("Content-Length"); promised != "" && promised != fmt.Sprint(recorder.Body.Len()) {
		answer.Body = io.NopCloser(io.MultiReader(recorder.Body, cut{}))
	}
	return answer, nil
}

// cut is the end of a body that was promised longer.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// whole is the daemon's own code, both clients and the state file around a
// sandbox, in virtual time: it must be made inside a bubble.
type whole struct {
	t      *testing.T
	world  *sandbox.World
	path   string
	stores []reconcile.Store
	guards guard.Limits
	settle time.Duration
	bulk   int          // variants beyond which a store is read by a bulk query
	grant  bool         // the first store's tokens are granted for a day
	bound  bool         // the state file is bound to the accounts, as that of the daemon is
	log    *slog.Logger // nil is silent
	rig    *rig

	latency     time.Duration // of each answer
	sweepWithin time.Duration // 0 is the default
	sweep       int           // variants that each incremental cycle reads at least, due or not
	asked       asked
	asking      func() error                              // nil, or what happens before each request; an error keeps it from being sent
	answered    func()                                    // nil, or what happens after it
	noting      func(http.RoundTripper) http.RoundTripper // what is sent to the first store; nil is not
}

func newWhole(t *testing.T, world *sandbox.World, mapping desired.Mapping) *whole {
	w := &whole{t: t, world: world, path: filepath.Join(t.TempDir(), "state.db"), settle: 10 * time.Minute}
	for _, name := range world.Stores() {
		w.stores = append(w.stores, reconcile.Store{
			Name: inventory.StoreName(name), Shop: shopOf(name), Mode: inventory.ModeApply, Choice: reconcile.Choice{Mapping: mapping},
		})
	}
	w.start()
	return w
}

// guessing has the stores of a world keep their orders to themselves: what they
// sold is guessed from figures that fall.
func guessing(t *testing.T, world *sandbox.World) {
	t.Helper()
	for _, store := range world.Stores() {
		if err := world.Do(sandbox.ScopesChanged{Store: store, Scopes: neededScopes}); err != nil {
			t.Fatal(err)
		}
	}
}

func shopOf(store string) string {
	if store == "main" {
		return "acme.myshopify.com"
	}
	return store + ".myshopify.com"
}

// start puts the program together, as after a restart.
func (w *whole) start() {
	w.t.Helper()
	w.stop()
	store, err := state.Open(w.path, state.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.rig = &rig{store: store, shops: map[inventory.StoreName]*shopify.Client{}}
	w.rig.katana = katana.New(katana.Options{
		URL: "http://katana/v1", Key: func() string { return "sandbox-katana-key" }, PerMinute: 60, Base: &line{w, "katana", inMemory{w.world.Katana()}},
	})
	lineage := &lineage{store: store}
	stores := make([]reconcile.Store, len(w.stores))
	for i, s := range w.stores {
		var base http.RoundTripper = &line{w, "shopify", inMemory{w.world.Shopify(string(s.Name))}}
		if i == 0 && w.noting != nil {
			base = w.noting(base)
		}
		opts := shopify.Options{
			Store: s.Name, Shop: s.Shop, URL: "http://127.0.0.1", APIVersion: "2026-10", BulkAbove: w.bulk, Log: w.log,
			Token: func() string { return "shpat_sandbox" }, Base: base,
		}
		if i == 0 && w.grant {
			opts.ClientID, opts.ClientSecret = granted.ClientID, func() string { return granted.ClientSecret }
		}
		client := shopify.New(opts)
		w.rig.shops[s.Name] = client
		s.Target = client
		if w.bound {
			s.Target = w.rig.boundShop(s.Name, lineage)
		}
		stores[i] = s
	}
	source := reconcile.Source(w.rig.katana)
	if w.bound {
		source = w.rig.boundKatana(lineage)
	}
	w.rig.reconciler, err = reconcile.New(reconcile.Options{
		Source: source, Stores: stores, Journal: store, Guards: w.guards,
		Settle: w.settle, Quarantine: 24 * time.Hour, Requests: w.rig.requests, Log: w.log,
		SweepWithin: w.sweepWithin, SweepAtLeast: w.sweep,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// granted is a store whose app is granted tokens for a day.
var granted = sandbox.StoreOptions{ClientID: "sandbox-app", ClientSecret: "sandbox-client-secret"}

// configured has the stores run as the world's own config says, the one that
// `stocksyncd sandbox` prints.
func (w *whole) configured() {
	w.t.Helper()
	cfg := w.printed()
	for i, s := range cfg.Stores {
		w.stores[i].Mode, w.stores[i].Choice = s.EffectiveMode(cfg.Sync), choiceOf(s, cfg)
	}
	w.start()
}

// printed is the config that `stocksyncd sandbox` prints for the world.
func (w *whole) printed() *configs.Config {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "stocksyncd.yaml")
	text := sandboxConfig(w.world, "127.0.0.1:1", sandboxTuning{mode: "apply", schedule: "@every 30s", settle: w.settle.String(), state: w.path, perMinute: 6000})
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	cfg, err := configs.Load(path)
	if err != nil {
		w.t.Fatal(err)
	}
	return cfg
}

func (w *whole) stop() {
	if w.rig != nil {
		_ = w.rig.store.Close()
		w.rig = nil
	}
}

func (w *whole) cycle(ask reconcile.Request) *inventory.Report {
	w.t.Helper()
	if ask.Kind == "" {
		ask.Kind = inventory.Full
	}
	report, err := w.rig.reconciler.Cycle(context.Background(), ask)
	if report == nil {
		w.t.Fatal(err)
	}
	return report
}

// clean runs a cycle that must find no error.
func (w *whole) clean(ask reconcile.Request) *inventory.Report {
	w.t.Helper()
	report := w.cycle(ask)
	if report.Error != "" {
		w.t.Fatal(report.Error)
	}
	for _, s := range report.Stores {
		if s.Error != "" {
			w.t.Fatalf("store %s: %s", s.Name, s.Error)
		}
	}
	return report
}

// do lets events happen in the world.
func (w *whole) do(events ...sandbox.Event) {
	w.t.Helper()
	for _, e := range events {
		if err := w.world.Do(e); err != nil {
			w.t.Fatal(err)
		}
	}
}

// pass lets virtual time go by.
func (w *whole) pass(d time.Duration) { <-time.After(d) }

func (w *whole) mutations() (n int) {
	for _, name := range w.world.Stores() {
		n += w.world.Mutations(name)
	}
	return n
}

// asSandboxShop is the mapping of the generated shop, as `stocksyncd sandbox`
// proposes it.
func asSandboxShop(world *sandbox.World) desired.Mapping {
	var mapping desired.Mapping
	for _, feed := range world.Config("main").Locations {
		mapping.Locations = append(mapping.Locations, desired.Pair{Target: feed.Shopify, Sources: feed.Katana})
	}
	return mapping
}

func TestAfterAFullCycleOnlyWhatWaitsIsHeldOrIsLeftAloneRemains(t *testing.T) {
	for seed := range uint64(15) {
		t.Run(fmt.Sprint("shop ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				world := sandbox.Shop(sandbox.Options{Seed: seed, KatanaPerMinute: 6000}, 8+int(seed)*11%60)
				drifted := sandbox.Drift(world, seed)
				w := newWhole(t, world, asSandboxShop(world))
				defer w.stop()
				first := w.clean(reconcile.Request{})
				if len(drifted) == 0 || first.Stores[0].Drifted == 0 {
					t.Fatalf("the world drifted by %d levels, the cycle found %d", len(drifted), first.Stores[0].Drifted)
				}
				plan := w.clean(reconcile.Request{Dry: true})
				for _, c := range plan.Stores[0].Changes {
					if c.Outcome != inventory.Waiting && c.Outcome != inventory.Held {
						t.Errorf("after a full cycle the plan still has %+v", c)
					}
				}
				<-time.After(w.settle)
				w.clean(reconcile.Request{})
				before := w.mutations()
				last := w.clean(reconcile.Request{})
				if s := last.Stores[0]; s.Waiting != 0 || s.Drifted != 0 {
					t.Errorf("once settle has passed %d wait and %d drift: %+v", s.Waiting, s.Drifted, s.Changes)
				}
				if got := w.mutations(); got != before {
					t.Errorf("a quiet cycle sent %d mutations", got-before)
				}
			})
		})
	}
}

// secretFree checks that a text shows none of the sandbox's secrets.
func secretFree(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range []string{"sandbox-katana-key", "shpat_", granted.ClientSecret, "sandbox-signature"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows a secret", where)
		}
	}
}
