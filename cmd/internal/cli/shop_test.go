package cli

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"stocksyncd/clients/sandbox"
	"stocksyncd/configs"
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

// TestAnotherChoiceOfOrdersIsAnotherFigure changes the config that the sandbox
// prints, as somebody would who wants to see what its keys do.
func TestAnotherChoiceOfOrdersIsAnotherFigure(t *testing.T) {
	const exclude = `      - { source: "katana", order_number: "B2B-*" }`
	for _, test := range []struct {
		name, old, now string
		want           string // the teapot's change; "" is none
	}{
		{"as it is printed", exclude, exclude, ""},
		{"only what Shopify sold counts", "committed_orders: all", "committed_orders: shopify", "from 24 to 27"},
		{"wholesale counts too", exclude, `      - { platform: bigCommerce }`, "from 24 to 1"},
		{"one customer is left out", exclude, `      - { customer_id: 600077 }`, ""},
		{"orders of one location are left out", exclude, `      - { location: "Riga storeroom" }`, "from 24 to 6"},
		{"another shop at Shopify is left out", exclude, `      - { store_name: acme-sample-sale.myshopify.com }`, "from 24 to 4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := shopBench(t, 1, 1, 14)
			b.edit(test.old, test.now)
			_, report := b.fresh()
			got := ""
			for _, line := range moves(report) {
				if _, change, ok := strings.Cut(line, "main: TEAPOT-OAT at Workshop "); ok {
					got = change
				}
			}
			if got != test.want {
				t.Errorf("the teapot goes %q, want %q", got, test.want)
			}
		})
	}
}

func TestTheSandboxsConfigSaysOfEachStoreWhatTheWorldKeeps(t *testing.T) {
	b := shopBench(t, 1, sandbox.MostStores, 1)
	cfg, err := configs.Load(b.configPath())
	if err != nil {
		t.Fatal(err)
	}
	for _, store := range cfg.Stores {
		var got sandbox.StoreConfig
		got.Mode, got.DefaultLocation, got.ShopifyOrders = store.Mode, store.DefaultLocation, store.CommittedOrders == "shopify"
		for _, l := range store.Locations {
			got.Locations = append(got.Locations, sandbox.Feed{Shopify: l.Shopify, Katana: l.Katana})
		}
		for _, m := range store.ExcludeOrders {
			got.Exclude = append(got.Exclude, sandbox.OrderMatcher{
				Source: m.Source, Platform: m.Platform, Shop: m.StoreName, Customer: int(m.CustomerID), Location: m.Location, Number: m.OrderNumber,
			})
		}
		for _, r := range store.Rules {
			rule := sandbox.SKURule{SKU: r.SKU, Buffer: r.Buffer, MinToSell: r.MinToSell, Skip: r.Skip}
			if r.Max != nil {
				rule.Max = *r.Max
			}
			got.Rules = append(got.Rules, rule)
		}
		if want := silent(b.world.Config(store.Name)); !reflect.DeepEqual(got, want) {
			t.Errorf("store %s: the config says %+v, want %+v", store.Name, got, want)
		}
	}
}

// silent is a store's config without its remarks.
func silent(c sandbox.StoreConfig) sandbox.StoreConfig {
	c.Locations, c.Exclude, c.Rules = slices.Clone(c.Locations), slices.Clone(c.Exclude), slices.Clone(c.Rules)
	for i := range c.Locations {
		c.Locations[i].Note = ""
	}
	for i := range c.Exclude {
		c.Exclude[i].Note = ""
	}
	for i := range c.Rules {
		c.Rules[i].Note = ""
	}
	return c
}
