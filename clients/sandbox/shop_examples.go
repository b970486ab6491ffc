package sandbox

// examples adds what shows one rule each. Their stock is the same in every
// shop, whatever the seed, and nothing else touches it.
func (b *shopBuilder) examples() {
	b.exampleKits()
	b.nearMisses()
	b.examplePlaces()
	b.example(Product{Name: "Teapot", Category: "Ceramics"}, Variant{SKU: "TEAPOT-OAT", Price: "64.00", BOM: []Ingredient{{"MAT-CLAY", "1.1"}}, Stock: map[string]string{shopWorkshop: "40"}}, shopWorkshop)
	for _, sku := range []string{"CUSTOM-BOWL", "CUSTOM-RING"} {
		b.example(Product{Name: "To order: " + sku}, Variant{SKU: sku, Price: "95.00", Stock: map[string]string{shopWorkshop: "2"}}, shopWorkshop)
	}
}

// example adds a product of one variant, which every store lists.
func (b *shopBuilder) example(p Product, v Variant, places ...string) {
	p.Variants = []Variant{v}
	b.add(p)
	b.things = append(b.things, thing{Listing{SKU: v.SKU, Product: p.Name, Price: v.Price}, places, true})
}

// exampleKits adds parts and the kits that are made of them.
func (b *shopBuilder) exampleKits() {
	for _, part := range []struct{ sku, name, stock string }{
		{"POT-MOSS", "Teapot, moss", "12"}, {"CUP-MOSS", "Cup, moss", "60"}, {"HONEY-250", "Honey, 250 g", "90"},
		{"NAPKIN-LINEN", "Linen napkin", "0"}, {"PLATE-PICNIC", "Picnic plate", "18"},
	} {
		b.example(Product{Name: part.name}, Variant{SKU: part.sku, Price: "14.00", Stock: map[string]string{shopWorkshop: part.stock}}, shopWorkshop)
	}
	kit := func(sku, name, ahead string, parts ...Ingredient) {
		p := Product{Name: name, Category: "Gift sets", Kit: true, NoPotential: len(parts) == 0}
		b.example(p, Variant{SKU: sku, Price: "79.00", Stock: map[string]string{shopWorkshop: ahead}, BOM: parts}, shopWorkshop)
	}
	// 12 pots, cups for 15: 12 can be built, and 1 is ready.
	kit("SET-TEA", "Tea set", "1", Ingredient{"POT-MOSS", "1"}, Ingredient{"CUP-MOSS", "4"}, Ingredient{"BOX-GIFT", "1"})
	// A kit of a kit: there are boxes for 40, honey for 45, tea sets for 13.
	kit("SET-TEA-HONEY", "Tea set with honey", "0", Ingredient{"SET-TEA", "1"}, Ingredient{"HONEY-250", "2"}, Ingredient{"BOX-LARGE", "1"})
	// Honey for 30, and 4 boxes.
	kit("SET-HONEY", "Three honeys", "0", Ingredient{"HONEY-250", "3"}, Ingredient{"BOX-SLIM", "1"})
	// The napkins are used up: what is left is the one made ahead.
	kit("SET-PICNIC", "Picnic set", "1", Ingredient{"PLATE-PICNIC", "4"}, Ingredient{"NAPKIN-LINEN", "4"}, Ingredient{"BOX-LARGE", "1"})
	// Katana calls it a kit and tells no potential.
	kit("SET-SURPRISE", "Surprise box", "6")
}

// nearMisses adds SKUs that people take for the same and that are not.
func (b *shopBuilder) nearMisses() {
	for _, miss := range []struct{ katana, shopify, name string }{
		{"APRON-SAND", "apron-sand", "Apron, sand"},
		{"TRAY OAK", "TRAY  OAK", "Oak tray"},                           // two spaces
		{"RUNNER-180", "RUNNER\u2013180", "Table runner"},               // an en dash
		{"00417", "417", "Spoon"},                                       // a spreadsheet took the zeros
		{"FAN-07", "\uff26\uff21\uff2e\uff0d\uff10\uff17", "Paper fan"}, // full width
		{"COASTER", "C\u041eASTER", "Coaster"},                          // a Cyrillic О
	} {
		b.add(Product{Name: miss.name, Variants: []Variant{{SKU: miss.katana, Stock: map[string]string{shopWorkshop: "6"}}}})
		b.sell(Listing{SKU: miss.shopify, Product: miss.name}, shopWorkshop)
	}
}

// examplePlaces adds what is somewhere in Katana or in the stores and not
// where the other side would have it.
func (b *shopBuilder) examplePlaces() {
	at := func(sku, name string, stock map[string]string, places ...string) {
		b.example(Product{Name: name}, Variant{SKU: sku, Price: "34.00", Stock: stock}, places...)
	}
	at("BAG-CANVAS", "Canvas bag", map[string]string{shopWorkshop: "7", shopRiga: "20", shopStoreroom: "15"}, shopWorkshop, shopRiga, shopPopUp)
	at("BASKET-WILLOW", "Willow basket", map[string]string{shopWorkshop: "6", shopRiga: "9"}, shopWorkshop) // never put up in Riga
	at("BADGE-FAIR", "Fair badge", map[string]string{shopWorkshop: "5", shopFair: "30"}, shopWorkshop, shopStall)
	at("EASEL", "Easel", map[string]string{shopWorkshop: "8"}, shopWorkshop, shopStudio)
	at("POSTER-XL", "Poster", map[string]string{shopWorkshop: "9"}, shopWorkshop, shopPartner)
}

// oddities adds what real catalogues have besides products.
func (b *shopBuilder) oddities() {
	b.add(Product{Name: "Engraving", Kind: kindService, Category: "Services", Variants: []Variant{{SKU: "ENGRAVE", Price: "12.00"}}})
	b.sell(Listing{SKU: "ENGRAVE", Product: "Engraving", Untracked: true}, shopWorkshop)
	b.sell(Listing{SKU: "GIFT-CARD-50", Product: "Gift card", Options: []Option{{"Denominations", "50"}}, Price: "50.00", GiftCard: true, Untracked: true}, shopWorkshop)

	plain := func(sku, stock string) Variant {
		return Variant{SKU: sku, Price: "39.00", Stock: map[string]string{shopWorkshop: stock}}
	}
	b.add(Product{Name: "Apron (old cut)", Category: "Linen", Archived: true, Variants: []Variant{plain("APRON-NAVY", "4")}})
	b.add(Product{Name: "Apron (first cut)", Category: "Linen", Deleted: true, Variants: []Variant{plain("APRON-NAVY", "2")}})
	b.add(Product{Name: "Apron", Category: "Linen", Variants: []Variant{plain("APRON-NAVY", "17")}})
	b.sell(Listing{SKU: "APRON-NAVY", Product: "Apron", Options: []Option{{"Colour", "Navy"}}, Price: "39.00"}, shopWorkshop)

	b.add(Product{Name: "Ornament", Variants: []Variant{plain("ORNAMENT", "11")}})
	b.add(Product{Name: "Ornament, painted", Variants: []Variant{plain("ORNAMENT", "3")}})
	b.sell(Listing{SKU: "ORNAMENT", Product: "Ornament"}, shopWorkshop)
	b.add(Product{Name: "Postcard", Variants: []Variant{plain("POSTCARD", "200")}})
	b.sell(Listing{SKU: "POSTCARD", Product: "Postcard"}, shopWorkshop)
	b.sell(Listing{SKU: "POSTCARD", Product: "Postcard set"}, shopWorkshop)

	b.add(Product{Name: "Seconds", Variants: []Variant{plain("SECONDS", "35"), {SKU: "", Stock: map[string]string{shopFair: "8"}}}})
	b.sell(Listing{SKU: "SECONDS", Product: "Seconds", Untracked: true}, shopWorkshop)
	b.add(Product{Name: "Prototype lamp", Variants: []Variant{plain("LAMP-PROTO", "1")}}) // not in the stores
	b.sell(Listing{SKU: "MAGAZINE-07", Product: "Magazine No. 7"}, shopWorkshop)          // not in Katana
	b.sell(Listing{SKU: "", Product: "Donation", Untracked: true}, shopWorkshop)
	b.add(Product{Name: "Calendar", Archived: true, Variants: []Variant{plain("CALENDAR-25", "31")}})
	b.sell(Listing{SKU: "CALENDAR-25", Product: "Calendar", Status: "ARCHIVED"}, shopWorkshop)
	if len(b.loose) >= 2 {
		b.things = append(b.things, thing{listing: Listing{SKU: "BUNDLE-HOME", Product: "Home bundle", Price: "79.00", Parts: []Component{{b.loose[0], 1}, {b.loose[1], 2}}}})
	}
}
