package inventory

import (
	"fmt"
	"time"
)

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

// Changes is what the source's feeds tell of since a mark. It is a hint where
// to look first: not all that moves a figure shows in a feed.
type Changes struct {
	Variants []SourceVariantID // sorted, each once: their inventory may have moved
	// Edited, sorted and each once, were edited themselves or with their product,
	// material or service: a SKU, a kit, an archive or a deletion may have moved.
	Edited []SourceVariantID
	// Catalogue tells that more was edited than Edited names, since the feeds
	// cannot tell which variants: all of the catalogue is to be read.
	Catalogue bool
	Recipes   bool // bills of materials were edited
	Locations bool // locations were edited
	// Deaf, sorted, are the feeds that refuse us for good, by the names that
	// [Mark] has for them. What they would tell is in no other field here: only
	// reading it all finds it.
	Deaf []string
	Mark Mark // to ask from next time, once what this tells of has been taken into account
}

// Mark is how far the source's feeds were read. The zero Mark is the beginning
// of the reading, before which nothing is news.
//
// All that is remembered of the feeds is in here. Who asks from the same mark
// again, since the effects of an answer were lost, is told the same again.
type Mark struct {
	Feeds map[string]FeedMark `json:"feeds,omitempty"` // by the source's name of the feed
	Turn  string              `json:"turn,omitempty"`  // of those that take turns, the next one
}

// IsZero tells whether nothing was read yet.
func (m Mark) IsZero() bool { return len(m.Feeds) == 0 }

// FeedMark is how far one feed was read.
type FeedMark struct {
	Read time.Time `json:"read"` // when it was, by the source's clock
	Ours time.Time `json:"ours"` // when it was, by our clock: a clock that is set back is noticed
	// Seen is how the records looked that the next answer repeats, by their id:
	// the same record with the same look is no news.
	Seen map[string]string `json:"seen,omitempty"`
}

// FeedError reports that a feed cannot tell what changed since a mark, and that
// asking from that mark again would not mend it. Ask from the zero Mark, then
// read everything, and go on with the new mark when that is done.
type FeedError struct {
	Feed string // as in [Mark]
	Why  string
}

func (e *FeedError) Error() string {
	return fmt.Sprintf("feed %s: %s: a full cycle tells what changed", e.Feed, e.Why)
}
