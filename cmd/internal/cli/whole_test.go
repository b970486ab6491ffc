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
	log    *slog.Logger // nil is silent
	rig    *rig
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
		URL: "http://katana/v1", Key: func() string { return "sandbox-katana-key" }, PerMinute: 60, Base: inMemory{w.world.Katana()},
	})
	stores := make([]reconcile.Store, len(w.stores))
	for i, s := range w.stores {
		client := shopify.New(shopify.Options{
			Store: s.Name, Shop: s.Shop, URL: "http://127.0.0.1", APIVersion: "2026-10", BulkAbove: w.bulk, Log: w.log,
			Token: func() string { return "shpat_sandbox" }, Base: inMemory{w.world.Shopify(string(s.Name))},
		})
		w.rig.shops[s.Name] = client
		s.Target = client
		stores[i] = s
	}
	w.rig.reconciler, err = reconcile.New(reconcile.Options{
		Source: w.rig.katana, Stores: stores, Journal: store, Guards: w.guards,
		Settle: w.settle, Quarantine: 24 * time.Hour, Requests: w.rig.requests, Log: w.log,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// configured has the stores run as the world's own config says, the one that
// `stocksyncd sandbox` prints.
func (w *whole) configured() {
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
	for i, s := range cfg.Stores {
		w.stores[i].Mode, w.stores[i].Choice = s.EffectiveMode(cfg.Sync), choiceOf(s, cfg)
	}
	w.start()
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

// The scale that the program is measured at.
const (
	scaleSKUs      = 10_000
	scaleLocations = 3
	scalePerMinute = 60 // requests to Katana
)

// scaleWorld is a world of that scale, with one level in a hundred drifted.
func scaleWorld(t *testing.T) (*sandbox.World, desired.Mapping) {
	t.Helper()
	world := sandbox.NewWorld(sandbox.Options{KatanaPerMinute: scalePerMinute})
	var mapping desired.Mapping
	for _, name := range []string{"Oslo", "Bergen", "Tromsø"} {
		world.AddLocation(sandbox.KatanaLocation{Name: name})
		if _, err := world.AddStoreLocation("main", sandbox.StoreLocation{Name: name, Katana: name}); err != nil {
			t.Fatal(err)
		}
		mapping.Locations = append(mapping.Locations, desired.Pair{Target: name, Sources: []string{name}})
	}
	for i := range scaleSKUs {
		sku := fmt.Sprintf("SKU-%05d", i)
		stock, levels := map[string]string{}, []sandbox.Level{}
		for j, pair := range mapping.Locations {
			n := (i*7 + j*3) % 40
			stock[pair.Target] = fmt.Sprint(n)
			if i%100 == 0 {
				n++
			}
			levels = append(levels, sandbox.Level{Location: pair.Target, Available: n})
		}
		if _, err := world.AddProduct(sandbox.Product{Name: sku, Variants: []sandbox.Variant{{SKU: sku, Stock: stock}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := world.AddListing("main", sandbox.Listing{SKU: sku, Product: sku, Levels: levels}); err != nil {
			t.Fatal(err)
		}
	}
	return world, mapping
}

// TestScale prints what a full cycle of 10,000 SKUs at 3 locations costs at
// the real limits, in virtual time, beside what the limits allow, and what the
// incremental ones after it cost.
func TestScale(t *testing.T) {
	const skus, locations, perMinute = scaleSKUs, scaleLocations, scalePerMinute
	synctest.Test(t, func(t *testing.T) {
		world, mapping := scaleWorld(t)
		w := newWhole(t, world, mapping)
		defer w.stop()
		<-time.After(10 * time.Minute) // so that no feed tells how the world was made
		start := time.Now()
		report := w.clean(reconcile.Request{})
		took := time.Since(start)

		katana, shop := report.Requests["katana"], report.Requests["shopify/main"]
		// ceil(variants/250) + ceil(levels/250) + the pages of products; the
		// sandbox's products have one variant each and there are no materials.
		least := pages(skus) + pages(skus*locations) + pages(skus)
		ideal := time.Duration(float64(katana.Count) / perMinute * float64(time.Minute))
		t.Logf("%d SKUs × %d locations, full cycle: %d of %d levels drifted, %d written", skus, locations, report.Stores[0].Drifted, report.Stores[0].Levels, report.Stores[0].Applied)
		t.Logf("Katana   %4d requests, at least %d: ratio %.3f", katana.Count, least, float64(katana.Count)/float64(least))
		t.Logf("Shopify  %4d requests, %.0f points, %d pages at least: %d throttled", shop.Count, shop.Cost, pages(skus), shop.Throttled)
		t.Logf("virtual time %s, requests ÷ rate %s: ratio %.3f", took.Round(time.Second), ideal.Round(time.Second), took.Seconds()/ideal.Seconds())
		if ratio := float64(katana.Count) / float64(least); ratio > 1.1 {
			t.Errorf("Katana requests: ratio %.3f, want at most 1.1", ratio)
		}
		if ratio := took.Seconds() / ideal.Seconds(); ratio > 1.1 {
			t.Errorf("virtual time: ratio %.3f, want at most 1.1", ratio)
		}
		if report.Stores[0].Applied != skus/100*locations || katana.Throttled+shop.Throttled != 0 {
			t.Errorf("got %d written and %d throttled answers; want %d and none", report.Stores[0].Applied, katana.Throttled+shop.Throttled, skus/100*locations)
		}

		<-time.After(5 * time.Minute) // what was written is settled
		w.clean(reconcile.Request{Kind: inventory.Incremental})
		<-time.After(30 * time.Second)
		idle := w.clean(reconcile.Request{Kind: inventory.Incremental})
		katana = idle.Requests["katana"]
		t.Logf("incremental, nothing changed: Katana %4d requests, the sweep's among them; all of it takes %d", katana.Count, least)
		if katana.Count > 10 || idle.Stores[0].Drifted != 0 {
			t.Errorf("an idle cycle took %d requests to Katana and found %d drifted, want at most 10 and none", katana.Count, idle.Stores[0].Drifted)
		}
		if err := world.Do(sandbox.StockAdjusted{SKU: "SKU-00042", Location: "Oslo", By: "-5"}); err != nil {
			t.Fatal(err)
		}
		<-time.After(30 * time.Second)
		one := w.clean(reconcile.Request{Kind: inventory.Incremental})
		katana = one.Requests["katana"]
		t.Logf("incremental, one SKU changed: Katana %4[2]d requests, %[1]d written", one.Stores[0].Applied, katana.Count)
		if one.Stores[0].Applied != 1 || katana.Count > 12 {
			t.Errorf("one changed figure: %d written with %d requests to Katana, want 1 with at most 12", one.Stores[0].Applied, katana.Count)
		}
	})
}

// TestScaleByABulkQuery prints what the same cycle costs at Shopify when the
// store is read by a bulk query.
func TestScaleByABulkQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world, mapping := scaleWorld(t)
		w := newWhole(t, world, mapping)
		w.bulk = scaleSKUs - 1
		w.start()
		defer w.stop()
		start := time.Now()
		report := w.clean(reconcile.Request{})
		store, shop := report.Stores[0], report.Requests["shopify/main"]
		t.Logf("%d SKUs × %d locations, full cycle by a bulk query: %d of %d levels drifted, %d written, virtual time %s",
			scaleSKUs, scaleLocations, store.Drifted, store.Levels, store.Applied, time.Since(start).Round(time.Second))
		t.Logf("Shopify  %4d requests, %.0f points; by pages at least %d requests", shop.Count, shop.Cost, pages(scaleSKUs))
		if store.Levels != scaleSKUs*scaleLocations || store.Applied != scaleSKUs/100*scaleLocations {
			t.Errorf("got %d levels and %d written, want %d and %d", store.Levels, store.Applied, scaleSKUs*scaleLocations, scaleSKUs/100*scaleLocations)
		}
		// Locations, the count, the start, the file and two writes; the rest
		// asks whether the file is there.
		if shop.Count > 15 || shop.Cost > 200 || shop.Throttled != 0 {
			t.Errorf("it cost %+v, want no more than 15 requests", shop)
		}
	})
}

func pages(n int) int { return (n + 249) / 250 }

// secretFree checks that a text shows none of the sandbox's secrets.
func secretFree(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range []string{"sandbox-katana-key", "shpat_sandbox", "sandbox-signature"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows a secret", where)
		}
	}
}
