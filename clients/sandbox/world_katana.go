package sandbox

import (
	"fmt"
	"time"
)

// katanaWorld is what Katana knows. Slices are in the order of creation;
// deleted things stay in them with deletedAt set.
type katanaWorld struct {
	key     string
	limit   katanaLimit
	mostURL int // bytes; longer request lines get 414

	locations    []*place
	items        []*item // products, materials and services
	variants     []*variant
	bom          []*bomRow // hard-deleted rows are taken out
	orders       []*salesOrder
	orderRows    []*salesRow
	fulfillments []*fulfillment
	making       []*makeOrder
	recipeRows   []*recipeRow
	movements    []*movement

	locationByID map[int64]*place
	variantByID  map[int64]*variant
	bySKU        map[string][]*variant
	orderByNo    map[string]*salesOrder // the latest of a number
	last         katanaIDs
}

// katanaIDs are the last ids given out; each entity counts on its own.
type katanaIDs struct {
	location, item, variant, order, orderRow, fulfillment, fulfillmentRow, makeOrder, recipeRow, movement int64
}

// katanaMostURL is what the edge in front of the sandbox's Katana takes:
// room for 250 variant ids. What the real one takes is not published.
const katanaMostURL = 8 << 10

func (k *katanaWorld) open(opts Options) {
	k.key = opts.KatanaKey
	if k.key == "" {
		k.key = "sandbox-katana-key"
	}
	k.limit.most = opts.KatanaPerMinute
	if k.limit.most == 0 {
		k.limit.most = 60
	}
	k.mostURL = katanaMostURL
	k.locationByID = make(map[int64]*place)
	k.variantByID = make(map[int64]*variant)
	k.bySKU = make(map[string][]*variant)
	k.orderByNo = make(map[string]*salesOrder)
	k.last = katanaIDs{2200, 31000, 71000, 880000, 990000, 1_000_000, 1_100_000, 500000, 510000, 6_600_000}
}

// dated is on everything in Katana. deletedAt is zero while it lives.
type dated struct {
	createdAt, updatedAt, deletedAt time.Time
}

func (d *dated) touch(at time.Time)  { d.updatedAt = at }
func (d *dated) remove(at time.Time) { d.updatedAt, d.deletedAt = at, at }
func (d *dated) deleted() bool       { return !d.deletedAt.IsZero() }

type place struct {
	dated
	id                     int64
	name                   string
	primary                bool
	sales, makes, buys     bool // sales_allowed and its siblings
	addressLine, legalName string
}

// The kinds of items, as Katana's type field has them.
const (
	kindProduct  = "product"
	kindMaterial = "material"
	kindService  = "service"
)

// item is a product, a material or a service.
type item struct {
	dated
	id         int64
	kind       string
	name       string
	category   string
	uom        string
	kit        bool // is_auto_assembly
	silent     bool // a kit of which Katana tells no potential
	sellable   bool
	producible bool
	archivedAt time.Time // zero while it is not archived
	variants   []*variant
}

func (i *item) archived() bool { return !i.archivedAt.IsZero() }

// variant is what has stock. An empty sku is null in answers.
type variant struct {
	dated
	id     int64
	item   *item
	sku    string
	price  string
	cost   string
	bom    []*bomRow              // what it is made of
	usedIn []*bomRow              // what it goes into
	stock  map[int64]*katanaStock // by location id; absent means nothing ever happened there
}

// live reports whether it is neither deleted nor archived.
func (v *variant) live() bool {
	return !v.deleted() && !v.item.deleted() && !v.item.archived()
}

// katanaStock is one variant at one location. committed and expected are kept
// in step with the open orders.
type katanaStock struct {
	inStock, committed, expected, safety decimal
}

// bomRow says how much of an ingredient one piece of a product takes.
type bomRow struct {
	dated
	id         string // a UUID
	product    *variant
	ingredient *variant
	quantity   decimal
	rank       int
}

// Sales order statuses.
const (
	statusPending            = "PENDING"
	statusNotShipped         = "NOT_SHIPPED"
	statusPartiallyPacked    = "PARTIALLY_PACKED"
	statusPacked             = "PACKED"
	statusPartiallyDelivered = "PARTIALLY_DELIVERED"
	statusDelivered          = "DELIVERED"
)

type salesOrder struct {
	dated
	id           int64
	no           string
	source       string
	status       string
	customer     int64
	location     *place
	ecommerce    ecommerce // zero for orders made in Katana
	rows         []*salesRow
	fulfillments []*fulfillment
}

// anyCustomer is who buys when nobody says, and whoever buys in a store.
const anyCustomer = 600001

// ecommerce is where an imported order comes from.
type ecommerce struct {
	kind  string // "shopify", "wooCommerce"
	store string // the shop's domain
	id    string // the order's number in the platform
}

// salesRow is one row of a sales order. fulfilled is not in Katana's answers;
// it follows from the fulfilments.
type salesRow struct {
	dated
	id        int64
	order     *salesOrder
	variant   *variant
	location  *place // nil means the order's
	quantity  decimal
	fulfilled decimal
}

func (r *salesRow) at() *place {
	if r.location != nil {
		return r.location
	}
	return r.order.location
}

// open is what the row still commits.
func (r *salesRow) open() decimal {
	if r.deleted() || r.order.deleted() || r.order.status == statusPending {
		return 0
	}
	return max(0, r.quantity-r.fulfilled)
}

type fulfillment struct {
	dated
	id     int64
	order  *salesOrder
	status string // PACKED or DELIVERED
	picked time.Time
	rows   []fulfillmentRow
}

type fulfillmentRow struct {
	id       int64
	row      *salesRow
	quantity decimal
}

// Manufacturing order statuses.
const (
	makeNotStarted = "NOT_STARTED"
	makeInProgress = "IN_PROGRESS"
	makeDone       = "DONE"
)

// makeOrder is a manufacturing order.
type makeOrder struct {
	dated
	id       int64
	no       string
	status   string
	variant  *variant
	location *place
	planned  decimal
	actual   decimal // what came of it; 0 until done
	doneAt   time.Time
	salesRow *salesRow // nil unless it serves one
	nested   int       // how deep in kits of kits it was made
	recipe   []*recipeRow
}

func (m *makeOrder) open() bool { return !m.deleted() && m.status != makeDone }

// recipeRow is an ingredient of a manufacturing order.
type recipeRow struct {
	dated
	id       int64
	order    *makeOrder
	variant  *variant
	perUnit  decimal
	consumed decimal // 0 until done
}

// remaining is what the row still commits.
func (r *recipeRow) remaining() decimal {
	if r.deleted() || !r.order.open() {
		return 0
	}
	return r.perUnit.times(r.order.planned) - r.consumed
}

// Resource types of movements.
const (
	movedBySalesOrder = "SalesOrderRow"
	movedByProduction = "Production"
	movedAsIngredient = "ProductionIngredient"
	movedByAdjustment = "StockAdjustmentRow"
	movedBySystem     = "SystemGenerated"
)

// movement is one change of in stock.
type movement struct {
	dated
	id           int64
	variant      *variant
	location     *place
	resourceType string
	resourceID   int64
	orderNo      string // "" is null
	orderID      int64  // 0 is null
	change       decimal
	balance      decimal // in stock afterwards
}

// stockFigures are the numbers of a row of /inventory.
type stockFigures struct {
	katanaStock
	isKit     bool // Katana tells its potential
	potential int  // pieces that the components' stock still makes
}

func (f stockFigures) available() int {
	return (f.inStock - f.committed + units(f.potential)).floor()
}

// figures reads a variant's numbers at a location.
func (k *katanaWorld) figures(v *variant, l *place) stockFigures {
	f := stockFigures{isKit: v.item.kit && !v.item.silent}
	if s := v.stock[l.id]; s != nil {
		f.katanaStock = *s
	}
	if f.isKit {
		f.potential = k.potential(v, l, 0)
	}
	return f
}

// deepestKit ends the descent into kits of kits, so that a kit that contains
// itself does no harm.
const deepestKit = 8

// potential is how many pieces of a kit can be built from what its components
// have in stock and not committed. A kit without components builds none.
func (k *katanaWorld) potential(v *variant, l *place, depth int) int {
	if len(v.bom) == 0 || depth == deepestKit {
		return 0
	}
	least := -1
	for _, row := range v.bom {
		if row.quantity <= 0 {
			continue
		}
		var free decimal
		if s := row.ingredient.stock[l.id]; s != nil {
			free = s.inStock - s.committed
		}
		if row.ingredient.item.kit {
			free += units(k.potential(row.ingredient, l, depth+1))
		}
		if n := free.fits(row.quantity); least < 0 || n < least {
			least = n
		}
	}
	return max(0, least)
}

// at gives the stock of a variant at a location and makes it if need be.
func (v *variant) at(l *place) *katanaStock {
	s := v.stock[l.id]
	if s == nil {
		s = &katanaStock{}
		if v.stock == nil {
			v.stock = make(map[int64]*katanaStock)
		}
		v.stock[l.id] = s
	}
	return s
}

// find takes the best variant of a SKU: live before archived before deleted,
// then the newest, then the one with the highest id.
func (k *katanaWorld) find(sku string) *variant {
	var best *variant
	for _, v := range k.bySKU[sku] { // in the order of their ids
		if best == nil || v.rank() > best.rank() || v.rank() == best.rank() && !v.createdAt.Before(best.createdAt) {
			best = v
		}
	}
	return best
}

func (v *variant) rank() int {
	switch {
	case v.deleted() || v.item.deleted():
		return 0
	case v.item.archived():
		return 1
	}
	return 2
}

// location finds a live location by its name, or any when it has no live one;
// "" is the primary one.
func (k *katanaWorld) location(name string) *place {
	var found *place
	for _, l := range k.locations {
		if (name == l.name || name == "" && l.primary) && (found == nil || found.deleted()) {
			found = l
		}
	}
	return found
}

func (k *katanaWorld) mustVariant(sku string) (*variant, error) {
	if v := k.find(sku); v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("katana has no variant with the SKU %q", sku)
}

func (k *katanaWorld) mustLocation(name string) (*place, error) {
	if l := k.location(name); l != nil {
		return l, nil
	}
	return nil, fmt.Errorf("katana has no location named %q", name)
}
