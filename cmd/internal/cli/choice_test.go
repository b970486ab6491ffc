package cli

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
)

// TestOrdersMadeInKatanaNeedNotLowerShopifysStock plays the life of such an
// order against the simulated APIs.
func TestOrdersMadeInKatanaNeedNotLowerShopifysStock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world := sandbox.NewWorld(sandbox.Options{KatanaPerMinute: 6000})
		world.AddLocation(sandbox.KatanaLocation{Name: "Oslo"})
		if _, err := world.AddStoreLocation("main", sandbox.StoreLocation{Name: "Oslo", Katana: "Oslo"}); err != nil {
			t.Fatal(err)
		}
		if _, err := world.AddProduct(sandbox.Product{Name: "Mug", Variants: []sandbox.Variant{{SKU: "MUG", Stock: map[string]string{"Oslo": "40"}}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := world.AddListing("main", sandbox.Listing{SKU: "MUG", Product: "Mug", Levels: []sandbox.Level{{Location: "Oslo", Available: 40}}}); err != nil {
			t.Fatal(err)
		}
		w := newWhole(t, world, desired.Mapping{Locations: []desired.Pair{{Target: "Oslo", Sources: []string{"Oslo"}}}})
		defer func() { w.stop() }()
		w.stores[0].Orders = desired.Orders{ShopifyOnly: true, Served: []string{"acme.myshopify.com"}}
		w.start()
		step := func(want int, events ...sandbox.Event) {
			t.Helper()
			for _, e := range events {
				if err := world.Do(e); err != nil {
					t.Fatal(err)
				}
			}
			<-time.After(w.settle)
			w.clean(reconcile.Request{})
			if got, _ := world.Available("main", "MUG", "Oslo"); got != want {
				t.Errorf("after %+v Shopify shows %d, want %d", events, got, want)
			}
		}
		mugs := func(n int) []sandbox.Line { return []sandbox.Line{{SKU: "MUG", Quantity: fmt.Sprint(n)}} }
		step(40)
		step(40, sandbox.SalesOrderPlaced{Order: "SO-1", Lines: mugs(10)})
		step(37, sandbox.OrderPlaced{Order: "#1", Location: "Oslo", Lines: mugs(3)}) // of the served store: counts
		step(33, sandbox.OrderPacked{Order: "SO-1", Lines: mugs(4)})                 // these 4 have left the shelf
		step(27, sandbox.OrderPacked{Order: "SO-1"})
		// Once nothing can be read of them, all orders count again.
		step(27, sandbox.SalesOrderPlaced{Order: "SO-2", Lines: mugs(5)})
		world.Inject(sandbox.Fault{API: "katana", Op: "/sales_orders", After: 1, Kind: sandbox.FaultStatus, Status: 422, Count: -1})
		step(22)
		world.ClearFaults()
		step(27)
	})
}
