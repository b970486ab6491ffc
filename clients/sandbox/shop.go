package sandbox

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// The places of the generated shop. Those of the stores are called alike; the
// fair has no counterpart and does not sell, the print partner none in Katana.
const (
	shopWorkshop = "Workshop"
	shopRiga     = "Riga shop"
	shopFair     = "Fair stock"
	shopPartner  = "Print partner"
)

// shopCountry is where the shop makes its things.
const shopCountry = "EE"

// Shop builds a maker's shop of so many products, with all that makes a stock
// sync hard: kits, materials with fractional stock, a service, archived twins,
// one SKU on two variants of either side, a bundle, a gift card, untracked
// items, inactive levels, a fulfilment service, SKUs that one side does not
// know, sales and manufacturing orders that are open. Both sides are in step.
// The same options and number always give the same shop.
func Shop(opts Options, products int) *World {
	w := NewWorld(opts)
	b := &shopBuilder{w: w, dice: rand.New(rand.NewPCG(opts.Seed, 0x5409))} // #nosec G404 -- a repeatable game, no secret
	b.locations()
	b.materials()
	for i := range products {
		if i%13 == 12 {
			b.kit(i)
			continue
		}
		b.product(i)
	}
	b.oddities()
	b.katanaOrders()
	b.list()
	b.storeOrders()
	return w
}

// shopBuilder collects what will be listed while it fills Katana. Its data are
// its own, so that an error of the world is a mistake in here and a panic.
type shopBuilder struct {
	w      *World
	dice   *rand.Rand
	things []thing
	loose  []string // SKUs that are in no kit, for orders
	plain  []string // SKUs that kits are made of
}

// thing is something for sale.
type thing struct {
	listing Listing
	places  []string
}

func (b *shopBuilder) check(err error) {
	if err != nil {
		panic("sandbox: the generated shop contradicts itself: " + err.Error())
	}
}

func (b *shopBuilder) locations() {
	b.w.AddLocation(KatanaLocation{Name: shopWorkshop, LegalName: "Acme OÜ", AddressLine: "Telliskivi 60"})
	b.w.AddLocation(KatanaLocation{Name: shopRiga, LegalName: "Acme OÜ", AddressLine: "Miera iela 15"})
	b.w.AddLocation(KatanaLocation{Name: shopFair, LegalName: "Acme OÜ", NoSales: true})
	for _, store := range b.w.Stores() {
		for _, l := range []StoreLocation{{Name: shopWorkshop}, {Name: shopRiga}, {Name: shopPartner, Katana: shopWorkshop, FulfillmentService: true}} {
			_, err := b.w.AddStoreLocation(store, l)
			b.check(err)
		}
	}
}

func (b *shopBuilder) add(p Product) {
	p.Created = b.w.now().Add(-time.Duration(30+b.dice.IntN(700)) * 24 * time.Hour)
	_, err := b.w.AddProduct(p)
	b.check(err)
}

func (b *shopBuilder) materials() {
	for _, m := range materials {
		b.add(Product{Name: m.name, Kind: kindMaterial, Category: "Materials", UOM: m.uom, Variants: []Variant{
			{SKU: m.sku, Price: "0.00", Stock: map[string]string{shopWorkshop: m.stock}},
		}})
	}
	for _, sku := range []string{"LEATHER-OFFCUTS", "YARN-ENDS"} {
		b.sell(Listing{SKU: sku, Product: sku, Price: "9.00"}, shopWorkshop)
	}
}

func (b *shopBuilder) sell(l Listing, places ...string) {
	b.things = append(b.things, thing{l, places})
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
			p.Variants = append(p.Variants, Variant{
				SKU: sku, Price: price, BOM: []Ingredient{{f.material, f.uses}},
				Stock: map[string]string{shopWorkshop: b.stock(f.stock), shopRiga: b.stock(f.stock / 3)},
			})
			options := []Option{{f.colours.name, colour.name}, {f.sizes.name, size.name}}
			if f.sizes.name == "" {
				options = options[:1]
			}
			b.sell(Listing{SKU: sku, Product: title, Options: options, Price: price, HSCode: f.hsCode, Origin: shopCountry}, shopWorkshop, shopRiga)
			if i%3 == 0 && len(p.Variants) == 1 {
				b.plain = append(b.plain, sku)
			} else {
				b.loose = append(b.loose, sku)
			}
		}
	}
	b.add(p)
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

// oddities adds what real catalogues have besides products.
func (b *shopBuilder) oddities() {
	b.add(Product{Name: "Engraving", Kind: kindService, Category: "Services", Variants: []Variant{{SKU: "ENGRAVE", Price: "12.00"}}})
	b.sell(Listing{SKU: "ENGRAVE", Product: "Engraving", Untracked: true}, shopWorkshop)
	b.sell(Listing{SKU: "GIFT-CARD-50", Product: "Gift card", Options: []Option{{"Denominations", "50"}}, Price: "50.00", GiftCard: true, Untracked: true}, shopWorkshop)

	apron := func(sku, stock string) Variant {
		return Variant{SKU: sku, Price: "39.00", Stock: map[string]string{shopWorkshop: stock}}
	}
	b.add(Product{Name: "Apron (old cut)", Category: "Linen", Archived: true, Variants: []Variant{apron("APRON-NAVY", "4")}})
	b.add(Product{Name: "Apron (first cut)", Category: "Linen", Deleted: true, Variants: []Variant{apron("APRON-NAVY", "2")}})
	b.add(Product{Name: "Apron", Category: "Linen", Variants: []Variant{apron("APRON-NAVY", "17"), apron("APRON-SAND", "6")}})
	b.sell(Listing{SKU: "APRON-NAVY", Product: "Apron", Options: []Option{{"Colour", "Navy"}}, Price: "39.00"}, shopWorkshop)
	b.sell(Listing{SKU: "apron-sand", Product: "Apron", Options: []Option{{"Colour", "Sand"}}, Price: "39.00"}, shopWorkshop) // differs in case alone

	b.add(Product{Name: "Ornament", Variants: []Variant{apron("ORNAMENT", "11")}})
	b.add(Product{Name: "Ornament, painted", Variants: []Variant{apron("ORNAMENT", "3")}})
	b.sell(Listing{SKU: "ORNAMENT", Product: "Ornament"}, shopWorkshop)
	b.add(Product{Name: "Postcard", Variants: []Variant{apron("POSTCARD", "200")}})
	b.sell(Listing{SKU: "POSTCARD", Product: "Postcard"}, shopWorkshop)
	b.sell(Listing{SKU: "POSTCARD", Product: "Postcard set"}, shopWorkshop)

	b.add(Product{Name: "Seconds", Variants: []Variant{apron("SECONDS", "35"), {SKU: "", Stock: map[string]string{shopFair: "8"}}}})
	b.sell(Listing{SKU: "SECONDS", Product: "Seconds", Untracked: true}, shopWorkshop)
	b.add(Product{Name: "Prototype lamp", Variants: []Variant{apron("LAMP-PROTO", "1")}}) // not in the stores
	b.sell(Listing{SKU: "MAGAZINE-07", Product: "Magazine No. 7"}, shopWorkshop)          // not in Katana
	b.sell(Listing{SKU: "", Product: "Donation", Untracked: true}, shopWorkshop)
	b.add(Product{Name: "Calendar", Archived: true, Variants: []Variant{apron("CALENDAR-25", "31")}})
	b.sell(Listing{SKU: "CALENDAR-25", Product: "Calendar", Status: "ARCHIVED"}, shopWorkshop)
	b.add(Product{Name: "Poster", Variants: []Variant{apron("POSTER-XL", "9")}})
	b.sell(Listing{SKU: "POSTER-XL", Product: "Poster"}, shopWorkshop, shopPartner)
	if len(b.loose) >= 2 {
		b.things = append(b.things, thing{listing: Listing{SKU: "BUNDLE-HOME", Product: "Home bundle", Price: "79.00", Parts: []Component{{b.loose[0], 1}, {b.loose[1], 2}}}})
	}
}

// katanaOrders opens wholesale and manufacturing orders.
func (b *shopBuilder) katanaOrders() {
	for n := range len(b.loose) / 20 {
		sku := b.loose[b.dice.IntN(len(b.loose))]
		b.check(b.w.Do(SalesOrderPlaced{Order: fmt.Sprintf("SO-%d", n+1), Lines: []Line{{sku, strconv.Itoa(1 + b.dice.IntN(4))}}}))
		if n%5 == 0 {
			b.check(b.w.Do(OrderPacked{Order: fmt.Sprintf("SO-%d", n+1)}))
		}
	}
	for n := range min(8, len(b.loose)) {
		sku := b.loose[b.dice.IntN(len(b.loose))]
		b.check(b.w.Do(MakeOrderPlaced{Order: fmt.Sprintf("MO-%d", n+1), SKU: sku, Quantity: strconv.Itoa(1 + b.dice.IntN(6))}))
	}
}

// list puts everything into the stores, with what Katana has for it.
func (b *shopBuilder) list() {
	for i, t := range b.things {
		for n, store := range b.w.Stores() {
			l := t.listing
			for _, place := range t.places {
				if n > 0 && place != shopWorkshop {
					continue
				}
				available, _ := b.w.KatanaAvailable(l.SKU, place)
				// Every fortieth thing has left Riga, its figure is still there.
				l.Levels = append(l.Levels, Level{Location: place, Available: max(0, available), Inactive: place == shopRiga && i%40 == 7})
			}
			_, err := b.w.AddListing(store, l)
			b.check(err)
		}
	}
}

// storeOrders places orders that are imported at once, of things that are in
// no kit and in stock, so that both sides stay in step.
func (b *shopBuilder) storeOrders() {
	store := b.w.Stores()[0]
	number := 1001
	for range len(b.loose) / 10 {
		sku := b.loose[b.dice.IntN(len(b.loose))]
		have, ok := b.w.Available(store, sku, shopWorkshop)
		if !ok || have < 3 || len(b.w.Stores()) > 1 {
			continue
		}
		b.check(b.w.Do(OrderPlaced{
			Store: store, Order: fmt.Sprintf("#%d", number), Location: shopWorkshop, Lines: []Line{{sku, strconv.Itoa(1 + b.dice.IntN(2))}},
		}))
		number++
	}
}

// Drifted is a level that Drift has put out of step.
type Drifted struct {
	Store, SKU, Location string
	Kind                 string // one of DriftKinds
	Available, Katana    int    // what the store shows and what Katana has
}

// The kinds of drift, in the order in which they are dealt out.
const (
	DriftTooHigh  = "too high"
	DriftTooLow   = "too low"
	DriftOnSale   = "sold out but on sale"
	DriftShownOut = "in stock but shown as 0"
	DriftNegative = "negative"
)

var driftKinds = []string{DriftTooHigh, DriftTooLow, DriftOnSale, DriftShownOut, DriftNegative}

// Drift edits about one in eight of the stores' levels by hand, so that every
// kind of drift is there if the shop is large enough, and tells which. It
// leaves alone what no daemon could put right: SKUs that are not alone on
// both sides, bundles, untracked items and inactive levels.
func Drift(w *World, seed uint64) []Drifted {
	dice := rand.New(rand.NewPCG(seed, 0xd41f7)) // #nosec G404 -- a repeatable game, no secret
	levels := w.comparable()
	dice.Shuffle(len(levels), func(i, j int) { levels[i], levels[j] = levels[j], levels[i] })
	kind := 0
	var out []Drifted
	for _, d := range levels[:len(levels)/8] {
		for range driftKinds {
			d.Kind = driftKinds[kind%len(driftKinds)]
			kind++
			if d.bend(dice) {
				break
			}
		}
		if err := w.Do(HandEdit{Store: d.Store, SKU: d.SKU, Location: d.Location, Available: d.Available}); err == nil {
			out = append(out, d)
		}
	}
	return out
}

// bend changes the figure to one of its kind, if that is possible for it.
func (d *Drifted) bend(dice *rand.Rand) bool {
	have := max(0, d.Katana)
	switch {
	case d.Kind == DriftTooHigh && have > 0:
		d.Available = have + 1 + dice.IntN(4)
	case d.Kind == DriftTooLow && have > 1:
		d.Available = have - 1 - dice.IntN(min(4, have-1))
	case d.Kind == DriftOnSale && have == 0:
		d.Available = 1 + dice.IntN(3)
	case d.Kind == DriftShownOut && have > 0:
		d.Available = 0
	case d.Kind == DriftNegative:
		d.Available = -1 - dice.IntN(3)
	default:
		return false
	}
	return true
}

// comparable lists the levels that a daemon could put right, in the order of
// the stores.
func (w *World) comparable() []Drifted {
	w.lock()
	defer w.mu.Unlock()
	var out []Drifted
	for _, s := range w.stores {
		for _, l := range s.listings {
			v := w.katana.find(l.sku)
			if v == nil || !v.live() || !stocks(v) || w.katana.liveOnes(l.sku) != 1 || l.sku == "" || len(s.bySKU[l.sku]) != 1 || l.bundle() || !l.tracked {
				continue
			}
			for _, level := range l.levels {
				at := w.katana.location(level.location.name)
				if at == nil || !level.active {
					continue
				}
				out = append(out, Drifted{Store: s.name, SKU: l.sku, Location: level.location.name, Katana: w.katana.figures(v, at).available()})
			}
		}
	}
	return out
}

func (k *katanaWorld) liveOnes(sku string) int {
	n := 0
	for _, v := range k.bySKU[sku] {
		if v.live() {
			n++
		}
	}
	return n
}
