package shopify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/inventory"
)

func TestAGlanceThatCostsTooMuchAsksForLessOfAllAndRemembers(t *testing.T) {
	talk(t, func(_ int, a asked) reply {
		var vars struct{ First, Moved int }
		a.vars(t, &vars)
		if vars.First*vars.Moved > 60 {
			return failing("MAX_COST_EXCEEDED", "Query cost is 1502, which exceeds the single query max cost limit 1000")
		}
		return placesJSON("", placeJSON(1, noUpdates))
	}, func(t *testing.T, c *Client, s *store) {
		for range 2 {
			c.expectLevels(19)
			if _, err := c.Glance(t.Context(), marked); err != nil {
				t.Fatal(err)
			}
		}
		var sizes []string
		for _, a := range s.requests() {
			var vars struct{ First, Moved, Edited, Levels int }
			a.vars(t, &vars)
			sizes = append(sizes, fmt.Sprint(vars.First, "x", vars.Moved, " ", vars.Edited, "x", vars.Levels))
		}
		if want := []string{"20x50 250x20", "10x25 125x20", "4x12 62x20", "4x12 62x20"}; !slices.Equal(sizes, want) {
			t.Errorf("asked for %q, want %q", sizes, want)
		}
	})
}

// What the store charges is measured here by the sandbox's formula, which is
// fitted to recorded answers.
func TestAnIdleGlanceCostsOneRequestAndFewPoints(t *testing.T) {
	for _, locations := range []int{1, 3, 10, 50, 200} {
		synctest.Test(t, func(t *testing.T) {
			w := sandbox.NewWorld(sandbox.Options{Now: time.Now})
			for i := range locations {
				if _, err := w.AddStoreLocation("", sandbox.StoreLocation{Name: fmt.Sprint("Shop ", i)}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := w.AddListing("", sandbox.Listing{SKU: "MUG", Levels: []sandbox.Level{{Location: "Shop 0", Available: 5}}}); err != nil {
				t.Fatal(err)
			}
			c := simulatedClient(t, w)
			first, err := c.Glance(t.Context(), time.Time{})
			if err != nil || len(first.Locations) != locations || first.Levels != nil {
				t.Fatalf("%d locations and %d levels, %v", len(first.Locations), len(first.Levels), err)
			}
			wait(t, time.Minute)
			before := c.Counts()
			idle, err := c.Glance(t.Context(), first.Mark.Add(time.Minute))
			if err != nil || len(idle.Locations) != locations || idle.Levels != nil || idle.Edited != nil || !idle.Mark.Equal(first.Mark.Add(time.Minute)) {
				t.Fatalf("%d locations and %d levels, marked %s after %s, %v", len(idle.Locations), len(idle.Levels), idle.Mark, first.Mark, err)
			}
			after := c.Counts()
			price := 0.0
			for key, points := range c.bucket.costs {
				if strings.HasPrefix(key.name, glanceName) {
					price = max(price, points)
				}
			}
			charged := after.Cost - before.Cost
			t.Logf("%d locations: an idle glance asks for %.0f points and is charged %.0f", locations, price, charged)
			if after.Count != before.Count+1 || price <= 0 || price > 800 || charged > 32 {
				t.Errorf("%d locations: %d requests, %.0f points asked for and %.0f charged, want 1, no more than 800 and 32",
					locations, after.Count-before.Count, price, charged)
			}
		})
	}
}

// Whether a write counts as an update of the variant is not known: both must be
// cheap.
func TestAGlanceBehindOurOwnBatchesCostsFewRequests(t *testing.T) {
	const variants, places = 400, 3
	for _, dated := range []bool{false, true} {
		for _, each := range []int{1, places} { // levels of an item that are written
			synctest.Test(t, func(t *testing.T) {
				w := sandbox.NewWorld(sandbox.Options{Now: time.Now, Stores: []sandbox.StoreOptions{{StockDates: dated}}})
				stock(t, w, variants, places)
				c := simulatedClient(t, w)
				first, err := c.Glance(t.Context(), time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				levels, err := observe(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				wait(t, 2*glanceOverlap)
				batch, items := inventory.Batch{Key: "own"}, map[inventory.ItemID]bool{}
				for i := 0; len(batch.Changes) < inventory.BatchSize; i++ {
					if item, place := i/places, i%places; each == places || item%places == place {
						batch.Changes = append(batch.Changes, inventory.Change{Key: levels[i].Key, Variant: levels[i].Variant, From: levels[i].Available, To: levels[i].Available + 1})
						items[levels[i].Item] = true
					}
				}
				if outcomes, err := c.Set(t.Context(), batch); err != nil || outcomes[0].Result != inventory.Applied {
					t.Fatal(outcomes, err)
				}
				before := c.Counts()
				glance, err := c.Glance(t.Context(), first.Mark.Add(2*glanceOverlap))
				after := c.Counts()
				t.Logf("%d writes to %d items, which are dated by it: %v: a glance takes %d requests and is charged %.0f points",
					len(batch.Changes), len(items), dated, after.Count-before.Count, after.Cost-before.Cost)
				want := 0
				if dated {
					want = places * len(items)
				}
				// One for each location, and one for the orders behind them.
				if err != nil || len(glance.Levels) != len(batch.Changes) || len(glance.Edited) != want || after.Count-before.Count > 2+places {
					t.Errorf("told of %d levels and %d of edited items in %d requests, %v, want %d and %d in %d",
						len(glance.Levels), len(glance.Edited), after.Count-before.Count, err, len(batch.Changes), want, 2+places)
				}
			})
		}
	}
}

func TestANewLocationWhereItemsAreStockedCostsNoRequestForEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sandbox.NewWorld(sandbox.Options{Now: time.Now, Stores: []sandbox.StoreOptions{{StockDates: true}}})
		stock(t, w, 40, 3)
		c := simulatedClient(t, w)
		first, err := c.Glance(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		wait(t, 2*glanceOverlap)
		levels := []sandbox.Level{{Location: "Shop 3", Available: 2}}
		for i := range 3 {
			levels = append(levels, sandbox.Level{Location: fmt.Sprint("Shop ", i), Available: 5})
		}
		fill(t, w, []sandbox.StoreLocation{{Name: "Shop 3"}}, []sandbox.Listing{{SKU: "CUP", Levels: levels}, {SKU: "BOWL", Levels: levels}})
		before := c.Counts()
		glance, err := c.Glance(t.Context(), first.Mark.Add(2*glanceOverlap))
		if after := c.Counts(); err != nil || len(glance.Locations) != 4 || len(glance.Edited) != 8 || after.Count != before.Count+1 {
			t.Errorf("%d locations and %d levels in %d requests, %v, want 4 and 8 in one", len(glance.Locations), len(glance.Edited), after.Count-before.Count, err)
		}
	})
}

// stock fills a world with variants that are stocked at all of some locations.
func stock(t *testing.T, w *sandbox.World, variants, places int) {
	t.Helper()
	var levels []sandbox.Level
	var locations []sandbox.StoreLocation
	for i := range places {
		levels = append(levels, sandbox.Level{Location: fmt.Sprint("Shop ", i), Available: 5})
		locations = append(locations, sandbox.StoreLocation{Name: levels[i].Location})
	}
	listings := make([]sandbox.Listing, variants)
	for i := range listings {
		listings[i] = sandbox.Listing{SKU: fmt.Sprintf("MUG-%d", i), Product: fmt.Sprint(i), Levels: levels}
	}
	fill(t, w, locations, listings)
}

// An edit may date nothing but the variant, also one that is stocked nowhere.
func TestEveryEditOfAVariantIsToldAndNothingElseOfIt(t *testing.T) {
	edited := func(sku inventory.SKU, untracked bool, locations ...inventory.LocationID) (list []inventory.Level) {
		for _, at := range locations {
			list = append(list, inventory.Level{Key: key(0, int64(at)), SKU: sku, Untracked: untracked, Available: 5, Active: true})
		}
		return list
	}
	tests := map[string]struct {
		do   func(*sandbox.World) error
		want []inventory.Level // without ids of items and variants
	}{
		"nothing":     {func(*sandbox.World) error { return nil }, nil},
		"another SKU": {func(w *sandbox.World) error { return w.Do(sandbox.SKUChanged{Store: "main", SKU: "MUG-3", To: "CUP"}) }, edited("CUP", false, 1, 2)},
		"no tracking": {func(w *sandbox.World) error { return w.Do(sandbox.TrackingSwitched{SKU: "MUG-3"}) }, edited("MUG-3", true, 1, 2)},
		"no SKU":      {func(w *sandbox.World) error { return w.Do(sandbox.SKUChanged{Store: "main", SKU: "MUG-3"}) }, edited("", false, 1, 2)},
		"a figure": {func(w *sandbox.World) error {
			return w.Do(sandbox.HandEdit{SKU: "MUG-3", Location: "Shop 0", Available: 7})
		}, nil},
		"one deleted": {func(w *sandbox.World) error { return w.Do(sandbox.ListingDeleted{SKU: "MUG-3"}) }, nil},
		"a new bundle": {func(w *sandbox.World) error {
			_, err := w.AddListing("", sandbox.Listing{SKU: "SET", Parts: []sandbox.Component{{SKU: "MUG-1", Quantity: 2}}})
			return err
		}, []inventory.Level{{Key: key(0, 0), SKU: "SET", Unstocked: true, Bundle: true}}},
		"a new gift card at a location": {func(w *sandbox.World) error {
			_, err := w.AddListing("", sandbox.Listing{SKU: "CARD", GiftCard: true, Untracked: true, Levels: []sandbox.Level{{Location: "Shop 1", Available: 5}}})
			return err
		}, []inventory.Level{{Key: key(0, 2), SKU: "CARD", Available: 5, Active: true, Untracked: true, GiftCard: true}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := sandbox.NewWorld(sandbox.Options{Now: time.Now})
				stock(t, w, 5, 2)
				c := simulatedClient(t, w)
				first, err := c.Glance(t.Context(), time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				ordinal := map[inventory.LocationID]int64{}
				for i, location := range first.Locations {
					ordinal[location.ID] = int64(i) + 1
				}
				wait(t, 2*glanceOverlap)
				if err := test.do(w); err != nil {
					t.Fatal(err)
				}
				glance, err := c.Glance(t.Context(), first.Mark.Add(2*glanceOverlap))
				got := glance.Edited
				for i := range got {
					got[i].Key, got[i].Variant = key(0, ordinal[got[i].Location]), 0
				}
				if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
					t.Errorf("%v\n%s", err, diff)
				}
			})
		})
	}
}
