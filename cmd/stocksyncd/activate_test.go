package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/cmd/internal/cli"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/state"
)

// anewSKUs are not stocked in Oslo; the last two hold an old figure there.
var anewSKUs = []string{"NEVER", "NOWHERE", "FORMER-3", "FORMER-40"}

// withoutOrders lets a store keep its orders to itself, so that raises wait for
// one settle after the first sight.
var withoutOrders = []string{"read_products", "read_inventory", "write_inventory", "read_locations"}

// anewWorld is a shop that offers none of what Katana has of four SKUs, since
// it does not stock them, and one beside it that offers all of it.
func anewWorld(t *testing.T, clock *shifted) (w *sandbox.World, config string) {
	t.Helper()
	w = sandbox.NewWorld(sandbox.Options{Now: clock.now, KatanaPerMinute: 6000, Stores: []sandbox.StoreOptions{{Name: "main", Scopes: withoutOrders}, {Name: "outlet", Scopes: withoutOrders}}})
	w.AddLocation(sandbox.KatanaLocation{Name: "Oslo"})
	for _, store := range w.Stores() {
		for _, name := range []string{"Oslo", "Depot"} {
			if _, err := w.AddStoreLocation(store, sandbox.StoreLocation{Name: name}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, levels := range [][]sandbox.Level{
		{{Location: "Depot", Available: 1}}, nil,
		{{Location: "Oslo", Available: 3, Inactive: true}}, {{Location: "Oslo", Available: 40, Inactive: true}},
	} {
		sku := anewSKUs[i]
		_, err := w.AddProduct(sandbox.Product{Name: sku, Variants: []sandbox.Variant{{SKU: sku, Stock: map[string]string{"Oslo": "8"}}}})
		if err == nil {
			_, err = w.AddListing("main", sandbox.Listing{SKU: sku, Product: sku, Levels: levels})
		}
		if err == nil {
			_, err = w.AddListing("outlet", sandbox.Listing{SKU: sku, Product: sku, Levels: []sandbox.Level{{Location: "Oslo", Available: 8}}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return w, serve(t, w, watched(t, w), "settle: 10m", `
    activate: true
    locations: [{ shopify: Oslo, katana: Oslo }]`)
}

// shifted is the clock of a world and of what runs in this process.
type shifted struct{ off atomic.Int64 }

func (c *shifted) now() time.Time { return time.Now().Add(time.Duration(c.off.Load())) }

// onceAt runs one cycle of the program in this process, at another time. Katana's
// clock goes along: one of the machine that was set forth alone lets nothing go
// sooner.
func onceAt(t *testing.T, clock *shifted, config string, off time.Duration) {
	t.Helper()
	clock.off.Store(int64(off))
	defer clock.off.Store(0)
	var log bytes.Buffer
	env := cli.Env{
		Args: []string{"once", "--full", "--config", config}, Stdin: strings.NewReader(""), Stdout: &log, Stderr: &log,
		Now: clock.now, Getenv: secrets,
		Signals: cli.Process().Signals, Terminal: cli.Process().Terminal,
	}
	if code := cli.Main(env); code != 0 {
		t.Fatalf("a cycle %s from now: exit code %d\n%s", off, code, &log)
	}
}

func secrets(name string) string {
	return map[string]string{"KATANA": "sandbox-katana-key", "SHOPIFY": "shpat_sandbox"}[name]
}

// watched serves a world and looks at both stores after each request: none may
// offer more than Katana has.
func watched(t *testing.T, w *sandbox.World) http.Handler {
	handler := w.Handler()
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(rw, r)
		for _, store := range w.Stores() {
			for _, sku := range anewSKUs {
				if offers, active := w.Available(store, sku, "Oslo"); active && offers > 8 {
					t.Errorf("%s offers %d of %s, Katana has 8", store, offers, sku)
				}
			}
		}
	})
}

// TestKillingTheDaemonWhileItStocksItemsSellsNothingTwice kills it at every
// activation and at the write that follows, before and after the effect.
func TestKillingTheDaemonWhileItStocksItemsSellsNothingTwice(t *testing.T) {
	for _, kind := range []sandbox.FaultKind{sandbox.FaultHookBefore, sandbox.FaultHookAfter} {
		for _, op := range []string{"inventoryActivate", "inventorySetQuantities"} {
			t.Run(fmt.Sprint(op, " ", kind), func(t *testing.T) {
				for n := 0; ; n++ {
					clock := &shifted{}
					w, config := anewWorld(t, clock)
					onceAt(t, clock, config, -time.Hour) // all is seen; the raises wait
					where := fmt.Sprintf("killed at %s %d, %s", op, n, kind)
					fault := sandbox.Fault{API: "shopify/main", Op: op, Kind: kind, After: n}
					if !killAt(t, w, config, fault) {
						if want := map[string]int{"inventoryActivate": len(anewSKUs), "inventorySetQuantities": 1}[op]; n != want {
							t.Errorf("a cycle made %d requests for %s, want %d", n, op, want)
						}
						return
					}
					wantStocked(t, w, clock, config, where)
				}
			})
		}
	}
}

// wantStocked starts the daemon again after it was killed.
func wantStocked(t *testing.T, w *sandbox.World, clock *shifted, config, where string) {
	t.Helper()
	cmd, log := once(t.Context(), t, config)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: the next cycle: %v\n%s", where, err, log)
	}
	wantNothingInFlight(t, w, config, where)
	onceAt(t, clock, config, 11*time.Minute) // what may have been written and sold since, waits one settle
	wantNothingInFlight(t, w, config, where)
	for _, store := range w.Stores() {
		for _, sku := range anewSKUs {
			if offers, active := w.Available(store, sku, "Oslo"); !active || offers != 8 {
				t.Errorf("%s: in the end %s offers %d of %s (%v), want 8", where, store, offers, sku, active)
			}
		}
		for _, write := range w.Writes(store) {
			if store != "main" || write.From != 0 || write.To != 8 || !write.Checked {
				t.Errorf("%s: %s was set from %d to %d in %s; want only main's from 0 to 8, under compare-and-set", where, write.SKU, write.From, write.To, store)
			}
		}
	}
}

// wantNothingInFlight looks into the state file: nobody has bought anything.
func wantNothingInFlight(t *testing.T, w *sandbox.World, config, where string) {
	t.Helper()
	kept, err := state.Open(filepath.Join(filepath.Dir(config), "state.db"), state.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, store := range w.Stores() {
		memory, err := kept.Store(inventory.StoreName(store))
		if err != nil || len(memory.Ledger.Entries) > 0 || len(memory.Open) > 0 {
			t.Errorf("%s: %s has %+v in flight and %d batches open, want none: %v", where, store, memory.Ledger.Entries, len(memory.Open), err)
		}
	}
	if err := errors.Join(err, kept.Close()); err != nil {
		t.Fatal(err)
	}
}
