package sandbox

import (
	"fmt"
	"strconv"
	"time"
)

// mostWholesale keeps the wholesale orders of a large shop few: they are asked
// for one by one where they are left out.
const mostWholesale = 60

// katanaOrders opens the orders that no store knows of.
func (b *shopBuilder) katanaOrders() {
	b.exampleOrders()
	for n := range len(b.loose) / 20 {
		order := fmt.Sprintf("SO-%d", n+1)
		b.do(b.ago(n, len(b.loose)/20), SalesOrderPlaced{Order: order, Customer: 600002 + n%6, Lines: []Line{{b.any(), strconv.Itoa(1 + b.dice.IntN(4))}}})
		if n%5 == 0 {
			b.do(time.Hour, OrderPacked{Order: order})
		}
	}
	wholesale := min(len(b.loose)/60, mostWholesale)
	for n := range wholesale {
		b.wholesale(n, b.ago(n, wholesale))
	}
	for n := range wholesale {
		b.elsewhere(n, b.ago(n, wholesale))
	}
	for n := range min(8, len(b.loose)) {
		b.do(b.ago(n, 8), MakeOrderPlaced{Order: fmt.Sprintf("MO-%d", n+1), SKU: b.any(), Quantity: strconv.Itoa(1 + b.dice.IntN(6))})
	}
}

// ago spreads orders over the days since the oldest, the first of them first.
// The last ones are hours old: what has just changed in Katana counts as if its
// stock did not know it yet.
func (b *shopBuilder) ago(n, of int) time.Duration {
	return shopOrders - (shopOrders-2*time.Hour)/time.Duration(of)*time.Duration(n)
}

// any draws a SKU that is in no kit.
func (b *shopBuilder) any() string { return b.loose[b.dice.IntN(len(b.loose))] }

// wholesale places an order by the dozen. Some are packed in part, some are of
// goods at another location than the order's, some are made when ordered.
func (b *shopBuilder) wholesale(n int, ago time.Duration) {
	order := SalesOrderPlaced{Order: fmt.Sprintf("B2B-%d", 101+n), Customer: wholesaleCustomer, Lines: []Line{{b.any(), "6"}, {b.any(), "12"}}}
	switch n % 7 {
	case 2:
		order.Location, order.RowsAt = shopStoreroom, shopWorkshop
	case 4:
		order.MadeToOrder = true
	}
	b.do(ago, order)
	if n%7 == 6 {
		b.do(ago-time.Hour, OrderPacked{Order: order.Order, Lines: []Line{{order.Lines[1].SKU, "5"}}})
	}
}

// elsewhere places an order of a shop that this Katana serves too and nobody
// keeps in step: another one at Shopify, or one of another platform.
func (b *shopBuilder) elsewhere(n int, ago time.Duration) {
	order := SalesOrderPlaced{Order: strconv.Itoa(20450 + n), Source: "shopify", Platform: "shopify", Shop: "acme-sample-sale.myshopify.com", Lines: []Line{{b.any(), "1"}}}
	if n%2 == 1 {
		order.Order, order.Source, order.Platform, order.Shop = "WC-"+strconv.Itoa(310+n), "wooCommerce", "wooCommerce", "shop.acme.example"
	}
	b.do(ago, order)
}

// exampleOrders is one order of each kind, all of them for the oat teapot. Of
// 40 that were in stock 4 are packed; of the 36 that are left, 39 are promised.
func (b *shopBuilder) exampleOrders() {
	teapots := func(quantity string) []Line { return []Line{{"TEAPOT-OAT", quantity}} }
	for i, order := range []SalesOrderPlaced{
		{Order: "SO-0", Lines: teapots("3"), Customer: 600002},
		{Order: "B2B-1", Lines: teapots("12"), Customer: wholesaleCustomer},
		{Order: "B2B-2", Lines: teapots("10"), Customer: wholesaleCustomer}, // 4 of them packed
		{Order: "B2B-3", Lines: teapots("5"), Customer: wholesaleCustomer, Location: shopStoreroom, RowsAt: shopWorkshop},
		{Order: "B2B-4", Lines: teapots("6"), Customer: wholesaleCustomer, MadeToOrder: true},
		{Order: "B2B-5", Lines: teapots("24"), Customer: wholesaleCustomer, Quote: true}, // commits nothing
		{Order: "20001", Lines: teapots("3"), Source: "shopify", Platform: "shopify", Shop: "acme-sample-sale.myshopify.com"},
		{Order: "WC-300", Lines: teapots("4"), Source: "wooCommerce", Platform: "wooCommerce", Shop: "shop.acme.example"},
	} {
		b.do(b.ago(i, 8), order)
	}
	b.do(24*time.Hour, OrderPacked{Order: "B2B-2", Lines: teapots("4")})
}

// storeOrders places orders that were imported at once, of things that are in
// no kit and in stock.
func (b *shopBuilder) storeOrders() {
	for i, store := range b.w.Stores() {
		number, count := 1001+1000*i, len(b.loose)/(10+30*i)
		place := b.w.named[store].locations[0].name
		for n := range count {
			sku := b.any()
			have, ok := b.w.Available(store, sku, place)
			if !ok || have < 3 {
				continue
			}
			b.do(b.ago(n, count), OrderPlaced{
				Store: store, Order: fmt.Sprintf("#%d", number), Location: place, Lines: []Line{{sku, strconv.Itoa(1 + b.dice.IntN(2))}},
			})
			number++
		}
	}
}
