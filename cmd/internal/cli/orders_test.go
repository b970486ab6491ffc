package cli

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
)

// trade is two stores that sell the stock of one Katana location, orders that
// are imported late, and somebody who counts.
type trade struct {
	*whole
	dice   *rand.Rand
	orders int
	// due is when units that Shopify has sold arrive in Katana, by SKU.
	due map[string][]arrival
}

type arrival struct {
	at    time.Time
	units int
}

const tradeSKUs = 5

func newTrade(t *testing.T, seed uint64) *trade {
	world := sandbox.NewWorld(sandbox.Options{Seed: seed, KatanaPerMinute: 6000, Stores: []sandbox.StoreOptions{{Name: "main"}, {Name: "outlet"}}})
	world.AddLocation(sandbox.KatanaLocation{Name: "Oslo"})
	world.AddLocation(sandbox.KatanaLocation{Name: "Bergen"}) // orders may be booked here by mistake
	for i := range tradeSKUs {
		sku := fmt.Sprint("SKU-", i)
		if _, err := world.AddProduct(sandbox.Product{Name: sku, Variants: []sandbox.Variant{{SKU: sku, Stock: map[string]string{"Oslo": "40"}}}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, store := range world.Stores() {
		if _, err := world.AddStoreLocation(store, sandbox.StoreLocation{Name: "Shop", Katana: "Oslo"}); err != nil {
			t.Fatal(err)
		}
		for i := range tradeSKUs {
			sku := fmt.Sprint("SKU-", i)
			if _, err := world.AddListing(store, sandbox.Listing{SKU: sku, Product: sku, Levels: []sandbox.Level{{Location: "Shop", Available: 40}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	mapping := desired.Mapping{Locations: []desired.Pair{{Target: "Shop", Sources: []string{"Oslo"}}}}
	return &trade{whole: newWhole(t, world, mapping), dice: rand.New(rand.NewPCG(seed, 2)), due: map[string][]arrival{}}
}

// happen plays an event of the shop's day.
func (tr *trade) happen() {
	sku := fmt.Sprint("SKU-", tr.dice.IntN(tradeSKUs))
	var event sandbox.Event
	switch n := tr.dice.IntN(10); {
	case n < 6:
		tr.orders++
		units := 1 + tr.dice.IntN(3)
		after := time.Duration(tr.dice.IntN(int((tr.settle - time.Minute) / time.Second)))
		order := sandbox.OrderPlaced{
			Store: tr.world.Stores()[tr.dice.IntN(2)], Order: fmt.Sprint("#", tr.orders), Location: "Shop",
			Lines: []sandbox.Line{{SKU: sku, Quantity: fmt.Sprint(units)}}, Import: sandbox.Import{After: after * time.Second},
		}
		tr.due[sku] = append(tr.due[sku], arrival{time.Now().Add(order.Import.After), units})
		event = order
	case n < 9:
		event = sandbox.StockAdjusted{SKU: sku, Location: "Oslo", By: fmt.Sprint(tr.dice.IntN(12) - 4)}
	default:
		tr.start()
		return
	}
	if err := tr.world.Do(event); err != nil {
		tr.t.Fatal(err)
	}
}

// sold is what Shopify has sold of a SKU and Katana does not know.
func (tr *trade) sold(sku string) (units int) {
	for _, a := range tr.due[sku] {
		if a.at.After(time.Now()) {
			units += a.units
		}
	}
	return units
}

// TestOrdersOnTheirWayToKatanaAreNotOfferedAgain lets two stores trade over the
// simulated APIs, with a cycle every 30 seconds. No figure that is written may
// offer a unit which is sold and on its way to Katana.
func TestOrdersOnTheirWayToKatanaAreNotOfferedAgain(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("day ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := newTrade(t, seed)
				defer func() { tr.stop() }()
				tr.clean(reconcile.Request{})
				<-time.After(tr.settle)
				checked := map[string]int{}
				for range 120 {
					for range tr.dice.IntN(3) {
						tr.happen()
					}
					<-time.After(30 * time.Second)
					tr.clean(reconcile.Request{Kind: "incremental"})
					tr.wantSellable(checked)
				}
				if tr.orders < 20 || checked["main"]+checked["outlet"] < 20 {
					t.Fatalf("only %d orders and %v writes: the test proves nothing", tr.orders, checked)
				}
			})
		})
	}
}

// wantSellable checks the writes since the last time.
func (tr *trade) wantSellable(checked map[string]int) {
	tr.t.Helper()
	for _, store := range tr.world.Stores() {
		writes := tr.world.Writes(store)
		for _, write := range writes[checked[store]:] {
			has, _ := tr.world.KatanaAvailable(write.SKU, "Oslo")
			if most := max(has-tr.sold(write.SKU), 0); write.To > most {
				tr.t.Errorf("%s of %s was set from %d to %d; Katana has %d, of which %d are sold and on their way", write.SKU, store, write.From, write.To, has, tr.sold(write.SKU))
			}
		}
		checked[store] = len(writes)
	}
}
