package inventory

import "time"

// Sale is an order of a store, as far as it takes stock: whatever its payment
// state, less what was cancelled and what was given back to stock.
type Sale struct {
	ID      int64      // the platform's id of the order, as [SourceOrder.External] has it
	Name    string     // as people know it, such as "#1001"
	Created time.Time  // by the store's clock, as Updated
	Updated time.Time  // the last change of anything in the order
	Lines   []SaleLine // sorted by item, then location; no two of both; none when it takes nothing any more
}

// SaleLine is the units of one item that a [Sale] takes at one location.
type SaleLine struct {
	Item     ItemID     `json:"item"`
	SKU      SKU        `json:"sku"` // trimmed
	Location LocationID `json:"location"`
	Open     Units      `json:"open,omitempty"` // still to be fulfilled
	// Done have left the shop, or were refunded without going back to stock.
	Done Units `json:"done,omitempty"`
}

// Sales is what a store tells of its orders.
type Sales struct {
	// Told says that the token may read orders and where they are fulfilled. What
	// is sold is only guessed from falling levels where it may not.
	Told  bool
	Sales []Sale // in no particular order; no id twice
}
