package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// store is one Shopify store. Slices are in the order of their ids, which is
// that of creation.
type store struct {
	w     *World
	id    int64 // of the shop
	name  string
	opts  StoreOptions
	state ShopState

	locations []*storeLocation
	listings  []*listing
	products  []*storeProduct
	orders    []*storeOrder

	locationByID  map[int64]*storeLocation
	listingByID   map[int64]*listing // by variant
	listingByItem map[int64]*listing
	bySKU         map[string][]*listing
	byTitle       map[string]*storeProduct
	byHandle      map[string]*storeProduct
	orderByName   map[string]*storeOrder

	documents  documents
	bucket     bucket
	tokens     map[string]time.Time // from the grant, with their expiry
	keys       map[string]*keyUse   // of the idempotent directive
	keyBusy    time.Duration        // how long a key's first request is under way
	undated    bool                 // edits by hand leave updatedAt as it is
	bulk       []*bulkOperation
	bulkFails  string // the error code of the next one
	bulkStalls int    // how many are canceled instead of completed
	writes     []Write
	mutations  int
	readings   uint64 // GraphQL operations so far
}

// ShopState is how Shopify treats a store as a whole.
type ShopState string

// The states of a shop.
const (
	ShopOpen   ShopState = ""
	ShopFrozen ShopState = "frozen" // every request is answered with 402
	ShopLocked ShopState = "locked" // with 423
)

type storeLocation struct {
	id                   int64
	name                 string
	katana               string
	active               bool
	service              bool
	online               bool
	createdAt, updatedAt time.Time
	levels               []*level // in the order of their ids
}

func (l *storeLocation) gid() string { return gid("Location", l.id) }

type storeProduct struct {
	id       int64
	title    string
	handle   string
	status   string
	giftCard bool
	listings []*listing
}

// listing is a variant with its inventory item.
type listing struct {
	id, itemID           int64
	product              *storeProduct
	sku, title, price    string
	options              []Option
	hsCode, origin       string
	tracked              bool
	sellOn               bool // inventoryPolicy CONTINUE
	parts                []part
	levels               []*level // in the order of their ids
	createdAt, updatedAt time.Time
	itemUpdatedAt        time.Time
	stockDates           bool // its stock moves updatedAt too
}

// part is a component of a bundle.
type part struct {
	listing  *listing
	quantity int
}

func (l *listing) gid() string     { return gid("ProductVariant", l.id) }
func (l *listing) itemGID() string { return gid("InventoryItem", l.itemID) }

// bundle reports whether Shopify derives its stock from components.
func (l *listing) bundle() bool { return len(l.parts) > 0 }

func (l *listing) at(location *storeLocation) *level {
	for _, level := range l.levels {
		if level.location == location {
			return level
		}
	}
	return nil
}

// edited dates a listing that somebody has edited by hand, with its item.
func (s *store) edited(l *listing) {
	if !s.undated {
		now := s.w.stamp()
		l.updatedAt, l.itemUpdatedAt = now, now
	}
}

// updated is when the variant was, by its own word.
func (l *listing) updated() time.Time {
	at := l.updatedAt
	if l.stockDates {
		for _, level := range l.levels {
			if level.updatedAt.After(at) {
				at = level.updatedAt
			}
		}
	}
	return at
}

// level is an inventory level. It is never removed once it is there, only
// deactivated, and keeps its quantities then.
type level struct {
	id        int64
	listing   *listing
	location  *storeLocation
	active    bool
	available int
	committed int
	reserved  int
	createdAt time.Time
	updatedAt time.Time // of the level: any change

	availableAt time.Time // when available last changed; zero is null, as for one never set
}

// onHand follows from the other quantities.
func (l *level) onHand() int { return l.available + l.committed + l.reserved }

func (l *level) gid() string {
	return gid("InventoryLevel", l.id) + "?inventory_item_id=" + strconv.FormatInt(l.listing.itemID, 10)
}

// change moves available and committed; on hand follows.
func (l *level) change(available, committed int, at time.Time) {
	if available == 0 && committed == 0 {
		return
	}
	l.available += available
	l.committed += committed
	l.updatedAt = at
	if available != 0 {
		l.availableAt = at
	}
}

// gid writes one of Shopify's global ids.
func gid(kind string, id int64) string {
	return "gid://shopify/" + kind + "/" + strconv.FormatInt(id, 10)
}

// gidNumber takes the number out of a GID of one kind.
func gidNumber(kind, text string) (int64, bool) {
	digits, ok := strings.CutPrefix(text, "gid://shopify/"+kind+"/")
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseInt(digits, 10, 64)
	return id, err == nil && id > 0
}

// location finds one by name or GID; "" is the first active one. Active ones
// are preferred, as names are unique only among them.
func (s *store) location(name string) *storeLocation {
	if id, ok := gidNumber("Location", name); ok {
		return s.locationByID[id]
	}
	var found *storeLocation
	for _, l := range s.locations {
		if (l.name == name || name == "" && l.active) && (found == nil || !found.active) {
			found = l
		}
	}
	return found
}

// find takes the oldest listing of a SKU.
func (s *store) find(sku string) *listing {
	if all := s.bySKU[sku]; len(all) > 0 {
		return all[0]
	}
	return nil
}

func (s *store) level(sku, location string) *level {
	l, at := s.find(sku), s.location(location)
	if l == nil || at == nil {
		return nil
	}
	return l.at(at)
}

func (s *store) mustLocation(name string) (*storeLocation, error) {
	if l := s.location(name); l != nil {
		return l, nil
	}
	return nil, fmt.Errorf("store %q has no location %q", s.name, name)
}

func (s *store) mustFind(sku string) (*listing, error) {
	if l := s.find(sku); l != nil {
		return l, nil
	}
	return nil, fmt.Errorf("store %q has no variant with the SKU %q", s.name, sku)
}

// add makes a listing after all it refers to has been found.
func (s *store) add(w *World, l Listing) (*listing, error) {
	at, options := w.stamp(), l.selected()
	added := &listing{
		sku: l.SKU, title: cmp.Or(l.Title, titleOf(options)), price: cmp.Or(l.Price, "10.00"), tracked: !l.Untracked, sellOn: l.Continue,
		options: options, hsCode: l.HSCode, origin: l.Origin, createdAt: at, updatedAt: at, itemUpdatedAt: at,
		stockDates: s.opts.StockDates,
	}
	for _, c := range l.Parts {
		of, err := s.mustFind(c.SKU)
		if err != nil {
			return nil, fmt.Errorf("component: %w", err)
		}
		if c.Quantity < 1 {
			return nil, fmt.Errorf("component %q: a quantity of %d is none", c.SKU, c.Quantity)
		}
		added.parts = append(added.parts, part{of, c.Quantity})
	}
	locations := make([]*storeLocation, len(l.Levels))
	for i, given := range l.Levels {
		at, err := s.mustLocation(given.Location)
		if err != nil {
			return nil, err
		}
		if slices.Contains(locations[:i], at) {
			return nil, fmt.Errorf("location %q is given twice", given.Location)
		}
		locations[i] = at
	}
	added.product = s.productFor(w, l)
	added.id, added.itemID = w.newID(), w.newID()
	added.product.listings = append(added.product.listings, added)
	s.listings = append(s.listings, added)
	s.listingByID[added.id], s.listingByItem[added.itemID] = added, added
	s.bySKU[l.SKU] = append(s.bySKU[l.SKU], added)
	for i, given := range l.Levels {
		made := s.stockAt(added, locations[i], at)
		made.active = !given.Inactive
		made.available, made.committed, made.reserved = given.Available, given.Committed, given.Reserved
		made.availableAt = at
	}
	return added, nil
}

// betweenValues stands between the option values in a variant's title.
const betweenValues = " / "

// defaultTitle is what a product without options has for the value of its
// only one.
const defaultTitle = "Default Title"

// selected gives the listing's options: those that it names, else those that
// its title is made of.
func (l Listing) selected() []Option {
	options := slices.Clone(l.Options)
	switch {
	case len(options) > 0:
	case l.Title == "" || l.Title == defaultTitle:
		return []Option{{"Title", defaultTitle}}
	default:
		for value := range strings.SplitSeq(l.Title, betweenValues) {
			options = append(options, Option{Value: value})
		}
	}
	for i := range options {
		options[i].Name = cmp.Or(options[i].Name, "Option "+strconv.Itoa(i+1))
	}
	return options
}

func titleOf(options []Option) string {
	values := make([]string, len(options))
	for i, o := range options {
		values[i] = o.Value
	}
	return strings.Join(values, betweenValues)
}

func (s *store) productFor(w *World, l Listing) *storeProduct {
	title := cmp.Or(l.Product, l.SKU, "Untitled")
	p := s.byHandle[l.Handle]
	if l.Handle == "" {
		p = s.byTitle[title]
	}
	if p != nil {
		return p
	}
	p = &storeProduct{
		id: w.newID(), title: title, handle: s.freeHandle(cmp.Or(l.Handle, handleOf(title))),
		status: cmp.Or(l.Status, "ACTIVE"), giftCard: l.GiftCard,
	}
	s.products = append(s.products, p)
	s.byHandle[p.handle] = p
	if s.byTitle[title] == nil {
		s.byTitle[title] = p
	}
	return p
}

// handleOf makes a handle of a title: lower case, with a dash for each run of
// what is neither a letter nor a digit.
func handleOf(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return cmp.Or(strings.Join(words, "-"), "product")
}

// freeHandle counts up where another product has the handle.
func (s *store) freeHandle(wanted string) string {
	handle := wanted
	for n := 1; s.byHandle[handle] != nil; n++ {
		handle = wanted + "-" + strconv.Itoa(n)
	}
	return handle
}

// stockAt makes a level, inactive and with all quantities at zero.
func (s *store) stockAt(l *listing, location *storeLocation, at time.Time) *level {
	made := &level{id: s.w.newID(), listing: l, location: location, createdAt: at, updatedAt: at}
	l.levels = append(l.levels, made)
	location.levels = append(location.levels, made)
	return made
}

// firstShop is the id of the first store; the others follow it.
const firstShop = 1

func newStore(w *World, o StoreOptions) *store {
	o.Name = cmp.Or(o.Name, "main")
	if o.Shop == "" {
		o.Shop = o.Name + ".myshopify.com"
		if o.Name == "main" {
			o.Shop = "acme.myshopify.com"
		}
	}
	if o.AccessToken == "" && o.ClientID == "" {
		o.AccessToken = "shpat_sandbox"
	}
	o.TokenTTL = cmp.Or(o.TokenTTL, 24*time.Hour)
	o.BulkTakes = cmp.Or(o.BulkTakes, 10*time.Second)
	o.BucketSize = cmp.Or(o.BucketSize, 2000)
	o.Restore = cmp.Or(o.Restore, 100)
	o.PagingDepth = cmp.Or(o.PagingDepth, pagingDepth)
	o.APIVersion = cmp.Or(o.APIVersion, "2026-10")
	if o.Scopes == nil {
		o.Scopes = []string{
			"read_products", "read_inventory", "write_inventory", "read_locations", "read_orders",
			"read_merchant_managed_fulfillment_orders",
		}
	}
	return &store{
		w: w, id: firstShop + int64(len(w.stores)), name: o.Name, opts: o,
		locationByID: make(map[int64]*storeLocation), listingByID: make(map[int64]*listing), listingByItem: make(map[int64]*listing),
		bySKU: make(map[string][]*listing), byTitle: make(map[string]*storeProduct), byHandle: make(map[string]*storeProduct), orderByName: make(map[string]*storeOrder),
		bucket: bucket{size: o.BucketSize, restore: o.Restore, level: o.BucketSize},
		tokens: make(map[string]time.Time), keys: make(map[string]*keyUse),
	}
}
