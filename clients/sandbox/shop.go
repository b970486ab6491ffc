package sandbox

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// shopCountry is where the shop makes its things.
const shopCountry = "EE"

// Shop builds a maker's shop of so many products, with all that makes a stock
// sync hard: kits, materials with fractional stock, a service, archived twins,
// one SKU on two variants of either side, SKUs that nearly match, a bundle, a
// gift card, untracked items, inactive levels and locations, a fulfilment
// service, a location whose stock is not for sale, orders of every kind that
// are open, and an example of each stock rule with figures of its own. There
// are as many stores as the options name, each run as [World.Config] tells;
// all sides are in step. The same options and number always give the same shop.
func Shop(opts Options, products int) *World {
	w := NewWorld(opts)
	b := &shopBuilder{w: w, dice: rand.New(rand.NewPCG(opts.Seed, 0x5409)), today: w.now()} // #nosec G404 -- a repeatable game, no secret
	b.past(shopAge, func() {
		b.locations()
		b.stores()
		b.materials()
		for i := range products {
			if i%13 == 12 {
				b.kit(i)
				continue
			}
			b.product(i)
		}
		b.examples()
		b.oddities()
	})
	b.katanaOrders()
	b.past(shopListed, b.list)
	b.storeOrders()
	b.past(time.Hour, b.settle)
	return w
}

// How long ago it was that the shop was founded, that its things came into the
// stores, and that the oldest of the open orders was placed.
const (
	shopAge    = 800 * 24 * time.Hour
	shopListed = 25 * 24 * time.Hour
	shopOrders = 20 * 24 * time.Hour
)

// shopBuilder collects what will be listed while it fills Katana. Its data are
// its own, so that an error of the world is a mistake in here and a panic.
type shopBuilder struct {
	w      *World
	dice   *rand.Rand
	today  time.Time
	things []thing
	loose  []string // SKUs that are in no kit, for orders
	plain  []string // SKUs that kits are made of
}

// thing is something for sale.
type thing struct {
	listing    Listing
	places     []string // in the first store
	everywhere bool     // every store lists it
}

func (b *shopBuilder) check(err error) {
	if err != nil {
		panic("sandbox: the generated shop contradicts itself: " + err.Error())
	}
}

// past lets something happen so long ago. What the world holds then looks its
// age: an order that is as new as the shop would pass for one that Katana's
// stock may not know yet.
func (b *shopBuilder) past(ago time.Duration, happen func()) {
	clock := b.w.clock
	b.w.clock = func() time.Time { return b.today.Add(-ago) }
	happen()
	b.w.clock = clock
}

// do plays an event of the past.
func (b *shopBuilder) do(ago time.Duration, e Event) {
	b.past(ago, func() { b.check(b.w.Do(e)) })
}

func (b *shopBuilder) locations() {
	b.w.AddLocation(KatanaLocation{Name: shopWorkshop, LegalName: "Acme OÜ", AddressLine: "Telliskivi 60"})
	b.w.AddLocation(KatanaLocation{Name: shopRiga, LegalName: "Acme OÜ", AddressLine: "Miera iela 15"})
	b.w.AddLocation(KatanaLocation{Name: shopStoreroom, LegalName: "Acme OÜ", AddressLine: "Miera iela 15"})
	b.w.AddLocation(KatanaLocation{Name: shopFair, LegalName: "Acme OÜ", NoSales: true})
}

func (b *shopBuilder) add(p Product) {
	age := time.Duration(30+b.dice.IntN(700)) * 24 * time.Hour
	b.past(age, func() {
		_, err := b.w.AddProduct(p)
		b.check(err)
	})
}

func (b *shopBuilder) materials() {
	for _, m := range materials {
		stock := map[string]string{shopWorkshop: m.stock}
		if m.riga != "" {
			stock[shopRiga], stock[shopStoreroom] = m.riga, m.storeroom
		}
		b.add(Product{Name: m.name, Kind: kindMaterial, Category: "Materials", UOM: m.uom, Variants: []Variant{{SKU: m.sku, Price: "0.00", Stock: stock}}})
	}
	for _, sku := range []string{"LEATHER-OFFCUTS", "YARN-ENDS"} {
		b.sell(Listing{SKU: sku, Product: sku, Price: "9.00"}, shopWorkshop, shopRiga)
	}
}

func (b *shopBuilder) sell(l Listing, places ...string) {
	b.things = append(b.things, thing{listing: l, places: places})
}

// product adds the i-th product with all its variants.
func (b *shopBuilder) product(i int) {
	f := families[i%len(families)]
	line := series[(i/len(families)+i)%len(series)]
	edition := i / (len(families) * len(series))
	title, code := line.name+" "+f.noun, f.code+"-"+line.code
	if edition > 0 {
		title, code = fmt.Sprintf("%s No. %d", title, edition+1), code+strconv.Itoa(edition+1)
	}
	p := Product{Name: title, Category: f.category}
	for _, colour := range f.colours.values {
		for n, size := range f.sizes.values {
			sku := strings.TrimSuffix(code+"-"+colour.code+"-"+size.code, "-")
			price := fmt.Sprintf("%d.%02d", (f.price+n*f.price/3)/100, (f.price+n*f.price/3)%100)
			first := len(p.Variants) == 0
			stock, places := b.places(i, f, first)
			p.Variants = append(p.Variants, Variant{SKU: sku, Price: price, BOM: []Ingredient{{f.material, f.uses}}, Stock: stock})
			options := []Option{{f.colours.name, colour.name}, {f.sizes.name, size.name}}
			if f.sizes.name == "" {
				options = options[:1]
			}
			b.sell(Listing{SKU: sku, Product: title, Options: options, Price: price, HSCode: f.hsCode, Origin: shopCountry}, places...)
			if i%3 == 0 && first {
				b.plain = append(b.plain, sku)
			} else {
				b.loose = append(b.loose, sku)
			}
		}
	}
	b.add(p)
}

// places is what Katana has of a variant and where the first store offers it:
// most things in the workshop and in Riga, the first of some products at the
// pop-up or at the fair as well. Some have never been put up in Riga, though
// they are there.
func (b *shopBuilder) places(i int, f family, first bool) (stock map[string]string, places []string) {
	stock = map[string]string{
		shopWorkshop: b.stock(f.stock), shopRiga: b.stock(f.stock / 3), shopStoreroom: strconv.Itoa(b.dice.IntN(f.stock/4 + 1)),
	}
	places = []string{shopWorkshop}
	if !first || i%25 != 9 {
		places = append(places, shopRiga)
	}
	if first && i%10 == 3 {
		places = append(places, shopPopUp)
	}
	if first && i%12 == 5 {
		stock[shopFair] = strconv.Itoa(4 + b.dice.IntN(12))
		places = append(places, shopStall)
	}
	return stock, places
}

// stock draws a figure: some are sold out, a few oversold.
func (b *shopBuilder) stock(usual int) string {
	switch n := b.dice.IntN(100); {
	case n < 9:
		return "0"
	case n < 11:
		return strconv.Itoa(-1 - b.dice.IntN(2))
	}
	return strconv.Itoa(1 + b.dice.IntN(2*usual+1))
}

// kit adds a gift set of two products and a box, some of them made ahead.
func (b *shopBuilder) kit(i int) {
	if len(b.plain) < 2 {
		b.product(i)
		return
	}
	first := b.dice.IntN(len(b.plain))
	second := (first + 1 + b.dice.IntN(len(b.plain)-1)) % len(b.plain)
	sku, title := fmt.Sprintf("SET-%03d", i), fmt.Sprintf("Gift set No. %d", i)
	b.add(Product{Name: title, Category: "Gift sets", Kit: true, Variants: []Variant{{
		SKU: sku, Price: "59.00", Stock: map[string]string{shopWorkshop: strconv.Itoa(b.dice.IntN(3))},
		BOM: []Ingredient{{b.plain[first], "1"}, {b.plain[second], "2"}, {"BOX-GIFT", "1"}},
	}}})
	b.sell(Listing{SKU: sku, Product: title, Price: "59.00"}, shopWorkshop)
}
