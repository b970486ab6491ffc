package inventory

import "time"

// SourceLocation is a Katana location.
type SourceLocation struct {
	ID           SourceLocationID
	Name         string
	SalesAllowed bool // Katana's own integration offers only these
}

// SourceVariant is a Katana variant that carries a SKU, with what its product,
// material or service says of it.
type SourceVariant struct {
	ID       SourceVariantID
	SKU      SKU // trimmed, never empty
	Created  time.Time
	Kit      bool // is_auto_assembly: potential counts
	Service  bool // has no stock, is never synced
	Archived bool // by its parent
	Deleted  bool
}

// Live tells whether the variant's figures may be offered.
func (v SourceVariant) Live() bool { return !v.Archived && !v.Deleted }

// Stocked lists, in their order, the variants whose figures are worth reading:
// the live ones that are no services.
func Stocked(variants []SourceVariant) []SourceVariantID {
	var stocked []SourceVariantID
	for _, v := range variants {
		if v.Live() && !v.Service {
			stocked = append(stocked, v.ID)
		}
	}
	return stocked
}

// Stock is what Katana says of one variant at one location.
type Stock struct {
	Variant   SourceVariantID
	Location  SourceLocationID
	InStock   Quantity
	Committed Quantity
	Potential Quantity // kits that could be built; 0 where Katana says null
	// TooLarge tells that one of the figures is beyond ±[MaxQuantity], such as a
	// placeholder for "more than enough". Then none of them is known, and all are 0.
	TooLarge bool
}

// Ingredient is one line of a bill of materials: what one piece of a product
// takes.
type Ingredient struct {
	Product  SourceVariantID
	Variant  SourceVariantID
	Quantity Quantity // of Variant for one Product; 0 where Katana says none
}

// StockKey names one row of Katana's inventory.
type StockKey struct {
	Variant  SourceVariantID  `json:"variant"`
	Location SourceLocationID `json:"location"`
}

// Snapshot is Katana as one complete read found it. A read that failed or
// ended early gives no snapshot.
type Snapshot struct {
	Variants []SourceVariant
	Stock    []Stock // sorted by variant, then location; no key twice
}

// SourceOrder is a Katana sales order, as far as stock is concerned.
type SourceOrder struct {
	ID       int64
	Number   string
	Status   string // an open set: unknown values are kept as they are
	Source   string
	Platform string // ecommerce_order_type, such as "shopify"; "" when made in Katana
	Store    string // ecommerce_store_name, such as "acme.myshopify.com"
	External string // ecommerce_order_id: the platform's id of the order
	Customer int64
	Location SourceLocationID
	Created  time.Time
	Updated  time.Time
	Deleted  bool
	Rows     []SourceOrderRow
}

// SourceOrderRow is one line of a [SourceOrder].
type SourceOrderRow struct {
	ID       int64
	Variant  SourceVariantID
	Location SourceLocationID // the row's own, else its order's
	Quantity Quantity
	// MadeToOrder tells that a manufacturing order makes it: then Katana may
	// have committed the ingredients instead.
	MadeToOrder bool
}

// OrderPending is the status of a Katana quote, which commits nothing.
const OrderPending = "PENDING"
