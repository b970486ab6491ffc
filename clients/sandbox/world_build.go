package sandbox

import (
	"fmt"
	"time"
)

// KatanaLocation describes a location in Katana. The first one that is added
// becomes the primary one.
type KatanaLocation struct {
	Name        string
	NoSales     bool // sales_allowed is false
	LegalName   string
	AddressLine string
}

// AddLocation adds a location to Katana and returns its id.
func (w *World) AddLocation(l KatanaLocation) int64 {
	w.lock()
	defer w.mu.Unlock()
	k, at := &w.katana, w.stamp()
	k.last.location++
	added := &place{
		dated: dated{createdAt: at, updatedAt: at}, id: k.last.location, name: l.Name, primary: len(k.locations) == 0,
		sales: !l.NoSales, makes: true, buys: true, legalName: l.LegalName, addressLine: l.AddressLine,
	}
	k.locations = append(k.locations, added)
	k.locationByID[added.id] = added
	return added.id
}

// Product describes a product, material or service in Katana.
type Product struct {
	Name     string
	Kind     string // "product", "material" or "service"; "" means "product"
	Category string
	UOM      string    // unit of measure; "" means "pcs"
	Kit      bool      // is_auto_assembly
	Archived bool      // archived right after it was created
	Deleted  bool      // soft-deleted likewise
	Created  time.Time // zero means now
	Variants []Variant

	NoPotential bool // a kit of which Katana tells no potential: quantity_potential is null
}

// Variant describes one variant of a Product.
type Variant struct {
	SKU     string // "" is null in Katana's answers
	Price   string // sales_price; "" means "10.00"
	Deleted bool
	Stock   map[string]string // in stock, by location name
	BOM     []Ingredient
}

// Ingredient is what one piece of a variant takes.
type Ingredient struct {
	SKU      string
	Quantity string
}

// AddProduct adds an item with its variants to Katana and returns the
// variants' ids. Ingredients must be there before the product that is made of
// them. On an error nothing is added.
func (w *World) AddProduct(p Product) ([]int64, error) {
	w.lock()
	defer w.mu.Unlock()
	return w.addProduct(p)
}

func (w *World) addProduct(p Product) ([]int64, error) {
	k, at := &w.katana, p.Created.UTC()
	if p.Created.IsZero() {
		at = w.stamp()
	}
	switch p.Kind {
	case "":
		p.Kind = kindProduct
	case kindProduct, kindMaterial, kindService:
	default:
		return nil, fmt.Errorf("%q is not a kind of item: use product, material or service", p.Kind)
	}
	if p.UOM == "" {
		p.UOM = "pcs"
	}
	plan, err := k.check(p)
	if err != nil {
		return nil, err
	}
	k.last.item++
	item := &item{
		dated: dated{createdAt: at, updatedAt: at}, id: k.last.item, kind: p.Kind, name: p.Name, category: p.Category, uom: p.UOM,
		kit: p.Kit, silent: p.NoPotential, sellable: p.Kind != kindMaterial, producible: p.Kind == kindProduct,
	}
	if p.Archived {
		item.archivedAt = at
	}
	if p.Deleted {
		item.remove(at)
	}
	k.items = append(k.items, item)
	ids := make([]int64, len(p.Variants))
	for i, v := range p.Variants {
		added := w.addVariant(item, v, at)
		for _, stock := range plan[i].stock {
			w.move(added, stock.location, stock.quantity, movement{resourceType: movedBySystem})
		}
		for rank, in := range plan[i].bom {
			w.addBOMRow(added, in.variant, in.quantity, rank, at)
		}
		ids[i] = added.id
	}
	return ids, nil
}

// variantPlan is what a Variant says, with the names looked up.
type variantPlan struct {
	stock []plannedStock
	bom   []plannedIngredient
}

type plannedStock struct {
	location *place
	quantity decimal
}

type plannedIngredient struct {
	variant  *variant
	quantity decimal
}

// check looks up all that a product refers to before any of it is added.
func (k *katanaWorld) check(p Product) ([]variantPlan, error) {
	plans := make([]variantPlan, len(p.Variants))
	for i, v := range p.Variants {
		for _, l := range k.locations { // in their order: a map's would not be repeatable
			text, given := v.Stock[l.name]
			if !given {
				continue
			}
			quantity, err := parseDecimal(text)
			if err != nil {
				return nil, fmt.Errorf("stock of %q at %q: %w", v.SKU, l.name, err)
			}
			plans[i].stock = append(plans[i].stock, plannedStock{l, quantity})
		}
		if len(plans[i].stock) != len(v.Stock) {
			return nil, fmt.Errorf("stock of %q is given for a location that katana does not have, or has twice", v.SKU)
		}
		for _, in := range v.BOM {
			variant, err := k.mustVariant(in.SKU)
			if err != nil {
				return nil, fmt.Errorf("ingredient of %q: %w", v.SKU, err)
			}
			quantity, err := parseDecimal(in.Quantity)
			if err != nil {
				return nil, fmt.Errorf("ingredient %q of %q: %w", in.SKU, v.SKU, err)
			}
			plans[i].bom = append(plans[i].bom, plannedIngredient{variant, quantity})
		}
	}
	return plans, nil
}

func (w *World) addVariant(item *item, v Variant, at time.Time) *variant {
	k := &w.katana
	k.last.variant++
	if v.Price == "" {
		v.Price = "10.00"
	}
	added := &variant{dated: dated{createdAt: at, updatedAt: at}, id: k.last.variant, item: item, sku: v.SKU, price: v.Price, cost: "4.2500000000"}
	if v.Deleted || item.deleted() {
		added.remove(at)
	}
	item.variants = append(item.variants, added)
	k.variants = append(k.variants, added)
	k.variantByID[added.id] = added
	k.bySKU[v.SKU] = append(k.bySKU[v.SKU], added)
	return added
}

func (w *World) addBOMRow(product, ingredient *variant, quantity decimal, rank int, at time.Time) {
	k := &w.katana
	high, low := w.dice.Uint64(), w.dice.Uint64()
	row := &bomRow{
		dated:   dated{createdAt: at, updatedAt: at},
		id:      fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", high>>32, high>>16&0xffff, high&0xfff, low>>52, low&0xffffffffffff),
		product: product, ingredient: ingredient, quantity: quantity, rank: (rank + 1) * 10000,
	}
	k.bom = append(k.bom, row)
	product.bom = append(product.bom, row)
	ingredient.usedIn = append(ingredient.usedIn, row)
}

// move changes in stock and writes the movement. how says what caused it.
func (w *World) move(v *variant, l *place, change decimal, how movement) {
	if change == 0 {
		return
	}
	k, at := &w.katana, w.stamp()
	s := v.at(l)
	s.inStock += change
	k.last.movement++
	how.dated = dated{createdAt: at, updatedAt: at}
	how.id, how.variant, how.location, how.change, how.balance = k.last.movement, v, l, change, s.inStock
	if how.resourceID == 0 {
		how.resourceID = how.id
	}
	k.movements = append(k.movements, &how)
}

// SetStock corrects in stock of a SKU at a Katana location to an exact
// decimal, with a stock adjustment as its cause.
func (w *World) SetStock(sku, location, inStock string) error {
	return w.Do(StockAdjusted{SKU: sku, Location: location, To: inStock})
}

// StoreLocation describes a location of a Shopify store.
type StoreLocation struct {
	Name               string
	Katana             string // where the importer books orders of this location; "" means the Katana location of the same name, else the primary one
	Inactive           bool   // the location is deactivated
	FulfillmentService bool
	NotOnline          bool // fulfillsOnlineOrders is false
}

// AddStoreLocation adds a location to a store and returns its GID. Listings
// that are already there are not stocked at it.
func (w *World) AddStoreLocation(storeName string, l StoreLocation) (string, error) {
	w.lock()
	defer w.mu.Unlock()
	s, err := w.store(storeName)
	if err != nil {
		return "", err
	}
	at := w.stamp()
	added := &storeLocation{
		id: w.newID(), name: l.Name, katana: l.Katana, active: !l.Inactive, service: l.FulfillmentService, online: !l.NotOnline,
		createdAt: at, updatedAt: at,
	}
	s.locations = append(s.locations, added)
	s.locationByID[added.id] = added
	return added.gid(), nil
}

// Listing describes one variant in a Shopify store.
type Listing struct {
	SKU       string   // "" is null in Shopify's answers
	Title     string   // of the variant, such as "Blue / 350 ml"; "" means the values of Options, or "Default Title"
	Options   []Option // none are made of Title
	Product   string   // title of the product; listings that share it share the product
	Handle    string   // of the product, and then what is shared in place of the title; "" means one made of the title
	Price     string   // "" means "10.00"
	HSCode    string   // harmonised system code; "" is null
	Origin    string   // country code of origin, such as "EE"; "" is null
	Untracked bool
	GiftCard  bool
	Continue  bool        // inventoryPolicy CONTINUE
	Status    string      // of the product: "ACTIVE", "DRAFT", "ARCHIVED"; "" means "ACTIVE"
	Parts     []Component // makes it a bundle parent, whose stock Shopify derives
	Levels    []Level     // where it is stocked; none means nowhere
}

// Option is what one option of a variant is, such as Size: 350 ml.
type Option struct {
	Name  string // "" means "Option 1" for the first, and so on
	Value string
}

// Component is a part of a bundle.
type Component struct {
	SKU      string // of a listing that is already there
	Quantity int
}

// Level is the stock of a listing at one location.
type Level struct {
	Location  string // name or GID
	Available int
	Committed int // by orders that the world knows nothing of
	Reserved  int
	Inactive  bool
}

// ListingIDs are the GIDs of a listing.
type ListingIDs struct {
	Variant, Item string
}

// AddListing adds a variant to a store. On an error nothing is added.
func (w *World) AddListing(storeName string, l Listing) (ListingIDs, error) {
	w.lock()
	defer w.mu.Unlock()
	s, err := w.store(storeName)
	if err != nil {
		return ListingIDs{}, err
	}
	added, err := s.add(w, l)
	if err != nil {
		return ListingIDs{}, fmt.Errorf("listing %q: %w", l.SKU, err)
	}
	return ListingIDs{Variant: added.gid(), Item: added.itemGID()}, nil
}
