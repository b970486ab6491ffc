package sandbox

// The places of the generated shop in Katana. Nothing is sold from the fair's
// stock until the fair opens.
const (
	shopWorkshop  = "Workshop"
	shopRiga      = "Riga shop"
	shopStoreroom = "Riga storeroom"
	shopFair      = "Fair stock"
)

// The places that only the store has.
const (
	shopPopUp   = "Pop-up"
	shopStall   = "Fair"
	shopPartner = "Print partner"
	shopStudio  = "Old studio"
)

// wholesaleCustomer buys by the dozen, and its orders are told by its id.
const wholesaleCustomer = 600077

// shopStore is one of the stores of the generated shop.
type shopStore struct {
	name, shop string
	config     StoreConfig
	locations  []StoreLocation
	// The first store lists everything, each thing where it says. Another one
	// lists one thing out of so many, at these of its locations.
	every  int
	places []string
}

// shopStores are the stores that a generated shop can have. Each is run by
// other rules, so that all of them are there to be looked at.
var shopStores = [MostStores]shopStore{
	{
		name: "main", shop: "acme.myshopify.com",
		locations: []StoreLocation{
			{Name: shopWorkshop}, {Name: shopRiga}, {Name: shopPopUp, Katana: shopRiga}, {Name: shopStall, Katana: shopFair},
			{Name: shopPartner, Katana: shopWorkshop, FulfillmentService: true}, {Name: shopStudio, Katana: shopWorkshop, Inactive: true},
		},
		config: StoreConfig{
			Mode: modeApply,
			Locations: []Feed{
				{Shopify: shopWorkshop, Katana: []string{shopWorkshop}},
				{Shopify: shopRiga, Katana: []string{shopRiga, shopStoreroom}, Note: "shelf and storeroom, summed"},
				{Shopify: shopPopUp, Katana: []string{shopRiga}, Note: "offers the shelf's stock once more"},
				{Shopify: shopStall, Katana: []string{shopFair}, Note: "Katana does not sell from there"},
			},
			Exclude: []OrderMatcher{
				{Source: "katana", Number: "B2B-*", Note: "wholesale, made when it is ordered"},
				{Platform: "wooCommerce", Note: "a shop that has a stock of its own"},
			},
			Rules: []SKURule{
				{SKU: "PRINT-*-5070", Buffer: 5, Max: 40, Note: "large sheets get creased"},
				{SKU: "PRINT-*", Buffer: 1, Note: "one hangs on the wall"},
				{SKU: "VASE-*", Buffer: 2, Note: "two stand in the window"},
				{SKU: "SOAP-*", Max: 100, Note: "it is poured again every week"},
				{SKU: "TOTE-*", MinToSell: 3, Note: "the last two are for those who come by"},
				{SKU: "CUSTOM-*", Skip: true, Note: "made after a talk; the shop sets it by hand"},
			},
		},
	},
	{
		name: "outlet", shop: "acme-outlet.myshopify.com", every: 4, places: []string{"Outlet"},
		locations: []StoreLocation{{Name: "Outlet", Katana: shopWorkshop}, {Name: "Returns desk", Katana: shopStoreroom}},
		config: StoreConfig{
			Mode:          modeLowerOnly,
			Locations:     []Feed{{Shopify: "Outlet", Katana: []string{shopWorkshop, shopStoreroom}, Note: "whatever is not on the shelf in Riga"}},
			ShopifyOrders: true,
			Rules: []SKURule{
				{SKU: "SET-*", Skip: true, Note: "gift sets are not for the outlet"},
				{SKU: "SOAP-*", Max: 20},
				{SKU: "*", Buffer: 2, Note: "the last two are for the main store"},
			},
		},
	},
	{
		name: "wholesale", shop: "acme-wholesale.myshopify.com", every: 5, places: []string{"Warehouse"},
		locations: []StoreLocation{{Name: "Warehouse", Katana: shopWorkshop}},
		config: StoreConfig{
			Mode:      modeReport,
			Locations: []Feed{{Shopify: "Warehouse", Katana: []string{shopWorkshop}}},
			Rules:     []SKURule{{SKU: "*", MinToSell: 12, Note: "sold by the dozen"}},
		},
	},
	{
		name: "market", shop: "acme-market.myshopify.com", every: 7, places: []string{"Counter", "Window"},
		locations: []StoreLocation{
			{Name: "Counter", Katana: shopRiga}, {Name: "Window", Katana: shopRiga}, {Name: "Kiosk", Katana: shopRiga, Inactive: true},
		},
		config: StoreConfig{
			Mode:            modeApply,
			DefaultLocation: shopRiga,
			Exclude: []OrderMatcher{
				{Customer: wholesaleCustomer},
				{Location: shopStoreroom, Note: "orders that are kept there, wherever their rows are"},
			},
		},
	},
	{
		name: "archive", shop: "acme-archive.myshopify.com", every: 9, places: []string{"Depot"},
		locations: []StoreLocation{{Name: "Depot", Katana: shopWorkshop}},
		config:    StoreConfig{Mode: modeOff, Locations: []Feed{{Shopify: "Depot", Katana: []string{shopWorkshop}}}},
	},
}

// MostStores is how many stores a generated shop can have.
const MostStores = 5

// ShopStores describes the first n stores of a generated shop, for Options:
// "main" and those that sell some of its things by other rules.
func ShopStores(n int) []StoreOptions {
	var stores []StoreOptions
	for _, s := range shopStores[:min(max(n, 1), MostStores)] {
		stores = append(stores, StoreOptions{Name: s.name, Shop: s.shop})
	}
	return stores
}

// stores lays down how each store is run, and gives it its locations.
func (b *shopBuilder) stores() {
	for i, name := range b.w.Stores() {
		run := shopStores[min(i, MostStores-1)]
		b.w.configs[name] = run.config
		for _, l := range run.locations {
			_, err := b.w.AddStoreLocation(name, l)
			b.check(err)
		}
	}
}

// list puts the things into the stores.
func (b *shopBuilder) list() {
	for n, store := range b.w.Stores() {
		run := shopStores[min(n, MostStores-1)]
		for i, t := range b.things {
			places := t.places
			if n > 0 {
				if places = run.places; i%run.every != 0 && !t.everywhere || len(t.listing.Parts) > 0 {
					continue
				}
			}
			l := t.listing
			for _, place := range places {
				// Every fortieth thing has left Riga, its figure is still there.
				gone := place == shopRiga && i%40 == 7
				l.Levels = append(l.Levels, Level{Location: place, Available: b.shown(store, l.SKU, place), Inactive: gone})
			}
			_, err := b.w.AddListing(store, l)
			b.check(err)
		}
	}
}

// shown is what a store shows of a SKU that nobody keeps in step: what Katana
// has at the places that feed the location, or what somebody once typed.
func (b *shopBuilder) shown(store, sku, place string) int {
	s := b.w.named[store]
	run := b.w.config(s)
	total, known := 0, false
	for _, source := range run.sources(s.location(place)) {
		n, ok := b.w.KatanaAvailable(sku, source)
		total, known = total+n, known || ok
	}
	if !known {
		return 3
	}
	return run.rule(sku).show(units(total))
}

// settle brings every figure that a daemon would write to what it should be.
func (b *shopBuilder) settle() {
	w := b.w
	w.lock()
	defer w.mu.Unlock()
	for _, s := range w.stores {
		wish := w.wishesOf(s)
		for _, l := range s.listings {
			for _, level := range l.levels {
				if want, ours := wish.figure(level); ours {
					level.change(want-level.available, 0, w.stamp())
				}
			}
		}
	}
}
