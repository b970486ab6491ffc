package shopify

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/internal/transport/transporttest"
	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/inventory"
)

// simulated runs a test in virtual time against the simulated store, with
// listings at three locations.
func simulated(t *testing.T, listings int, test func(t *testing.T, c *Client, w *sandbox.World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := sandbox.NewWorld(sandbox.Options{Now: time.Now, Stores: []sandbox.StoreOptions{{
			ClientID: "the-client", ClientSecret: secret,
		}}})
		places := []string{"Oslo", "Bergen", "Narvik"}
		for _, name := range places {
			if _, err := w.AddStoreLocation("", sandbox.StoreLocation{Name: name}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range listings {
			listing := sandbox.Listing{SKU: fmt.Sprintf("MUG-%d", i), Product: fmt.Sprint(i / 4)}
			for _, name := range places {
				listing.Levels = append(listing.Levels, sandbox.Level{Location: name, Available: i % 50})
			}
			if _, err := w.AddListing("", listing); err != nil {
				t.Fatal(err)
			}
		}
		opts := grantOptions()
		opts.Store, opts.Shop, opts.URL, opts.APIVersion = "main", "acme.myshopify.com", "http://127.0.0.1", "2026-10"
		opts.Base = transporttest.Serve(t, w.Shopify(""))
		test(t, New(opts), w)
	})
}

func TestALargeStoreIsReadWholeAtThePaceOfItsBucket(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long under the race detector; it runs without -short, also there in .ci/full")
	}
	const listings = 26_000 // beyond the depth that Shopify pages to
	simulated(t, listings, func(t *testing.T, c *Client, _ *sandbox.World) {
		locations, err := c.Locations(t.Context())
		if err != nil || len(locations) != 3 {
			t.Fatalf("%d locations, %v", len(locations), err)
		}
		start := time.Now()
		levels, err := observe(t.Context(), c)
		if err != nil || len(levels) != 3*listings {
			t.Fatalf("%d levels, %v", len(levels), err)
		}
		counts := c.Counts()
		// A grant and the locations; the pages; the bucket holds 2,000 and
		// gets 100 a second.
		if want := 2 + listings/pageMost; counts.Count > want+1 || counts.Throttled != 0 || counts.Retries != 0 {
			t.Errorf("%+v, want about %d requests and none throttled", counts, want)
		}
		if took, least := time.Since(start).Seconds(), (counts.Cost-2000)/100; took > least*1.1+1 {
			t.Errorf("took %.1f s, want about %.1f s", took, least)
		}
	})
}

func TestABatchIsWrittenReplayedAndFoundStale(t *testing.T) {
	simulated(t, 100, func(t *testing.T, c *Client, w *sandbox.World) {
		levels, err := observe(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		batch := inventory.Batch{Cycle: 1, Key: "first"}
		var keys []inventory.Key
		for _, level := range levels[:250] {
			batch.Changes = append(batch.Changes, inventory.Change{Key: level.Key, From: level.Available, To: level.Available + 3})
			keys = append(keys, level.Key)
		}
		for range 2 { // the second is answered again, not done again
			if got, err := c.Set(t.Context(), batch); err != nil || len(got) != 250 || got[249].Result != inventory.Applied {
				t.Fatalf("%d outcomes, %v", len(got), err)
			}
		}
		again, err := c.Levels(t.Context(), keys)
		if err != nil || len(again) != 250 {
			t.Fatalf("%d levels, %v", len(again), err)
		}
		for i, level := range again {
			if level.Available != batch.Changes[i].To {
				t.Errorf("%s shows %d, want %d", level.Key, level.Available, batch.Changes[i].To)
			}
		}
		batch.Key = "second"
		got, err := c.Set(t.Context(), batch)
		if err != nil || got[0].Result != inventory.Stale {
			t.Errorf("got %q, %v, want stale lines", told(got[:1]), err)
		}
	})
}

// Whatever goes wrong, once or for ever: a read is whole or an error, and a
// write that is not confirmed is either not done or in doubt.
func TestNoSimulatedFaultGivesAWrongFigure(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long under the race detector; it runs without -short, also there in .ci/full")
	}
	const listings = 600
	for _, kind := range sandbox.FaultKinds() {
		for _, count := range []int{1, -1} {
			simulated(t, listings, func(t *testing.T, c *Client, w *sandbox.World) {
				fault := sandbox.Fault{API: "shopify", Kind: sandbox.FaultKind(kind), Count: count, Rows: 2}
				if _, err := c.Scopes(t.Context()); err != nil { // the grant is tested elsewhere
					t.Fatal(err)
				}
				w.Inject(fault)
				levels, err := observe(t.Context(), c)
				if err == nil && len(levels) != 3*listings {
					t.Errorf("%s: %d levels of %d, and no error", kind, len(levels), 3*listings)
				}
				w.ClearFaults()
				w.Inject(fault)
				if rows, err := c.Listings(t.Context()); err == nil && len(rows) != 3*listings {
					t.Errorf("%s: %d listings of %d, and no error", kind, len(rows), 3*listings)
				}
				w.ClearFaults()
				if levels, err = observe(t.Context(), c); err != nil {
					t.Fatalf("%s: once it is over: %v", kind, err)
				}
				change := inventory.Change{Key: levels[0].Key, From: levels[0].Available, To: levels[0].Available + 2}
				w.Inject(fault)
				got, err := c.Set(t.Context(), inventory.Batch{Key: "k", Changes: []inventory.Change{change}})
				w.ClearFaults()
				now, readErr := c.Levels(t.Context(), []inventory.Key{change.Key})
				if readErr != nil || len(now) != 1 {
					t.Fatalf("%s: %d levels, %v", kind, len(now), readErr)
				}
				isDone := now[0].Available == change.To
				switch {
				case !isDone && now[0].Available != change.From:
					t.Errorf("%s: the level shows %d", kind, now[0].Available)
				case err == nil && (!isDone || told(got) != "applied"):
					t.Errorf("%s: %q, and the level shows %d", kind, told(got), now[0].Available)
				case err != nil && isDone && !errors.Is(err, inventory.ErrAnswerLost):
					t.Errorf("%s: the write went through, and the error has no doubt: %v", kind, err)
				}
			})
		}
	}
}
