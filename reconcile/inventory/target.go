package inventory

import (
	"iter"
	"time"
)

// Location is a Shopify location.
type Location struct {
	ID                 LocationID
	Name               string
	Active             bool
	FulfillmentService bool // its stock belongs to a fulfilment app
}

// Nowhere is the location of the one level that stands for an item which has
// none at all.
const Nowhere LocationID = 0

// Level is one observed stock figure with what its item says of it.
type Level struct {
	Key
	Variant   VariantID
	SKU       SKU // trimmed; "" when the variant has none
	Available Units
	Active    bool // false: stocked once, not sold there
	Unstocked bool // there is no level: the item was never stocked there
	Untracked bool // Shopify does not count this item
	Bundle    bool // requiresComponents: Shopify computes it from its parts
	GiftCard  bool
}

// ItemsOf gives the levels of each item, of levels sorted by key.
func ItemsOf(levels []Level) iter.Seq[[]Level] {
	return func(yield func([]Level) bool) {
		for from, to := 0, 0; from < len(levels); from = to {
			for to = from; to < len(levels) && levels[to].Item == levels[from].Item; to++ {
			}
			if !yield(levels[from:to]) {
				return
			}
		}
	}
}

// Item is what a store says of an item, whatever its levels.
type Item struct {
	ID        ItemID
	Variant   VariantID
	SKU       SKU
	Untracked bool
	Bundle    bool
	GiftCard  bool
}

// Of is the item of a level.
func (l *Level) Of() Item {
	return Item{ID: l.Item, Variant: l.Variant, SKU: l.SKU, Untracked: l.Untracked, Bundle: l.Bundle, GiftCard: l.GiftCard}
}

// Glance is what a store tells of itself in little more than one request.
type Glance struct {
	Locations []Location // all of them
	// Levels are those that the store updated since the mark, sorted by key: a
	// hint where to look first, since nothing promises that every change of a
	// figure counts as an update.
	Levels []Level
	// Edited are all levels of the items whose variants the store updated since
	// the mark, as a read of the whole store has them, with one at [Nowhere] for
	// an item without any, sorted by key: a level of such an item that is not in
	// it is gone. It is a hint as well. Not every edit need count as an update of
	// a variant, one of its stock may, and a variant that was deleted is in no
	// glance. An item that several variants share is that of the lowest of those
	// that were updated, so who knows a lower one keeps to it.
	Edited []Level
	// Sales are the orders that the store updated since the mark; none of the zero
	// mark. A search index finds them, which may lag a little.
	Sales Sales
	Mark  time.Time // to ask from next time, by the store's clock
}

// Page is a part of a store: the levels of variants that follow each other by
// id.
type Page struct {
	// Levels are all levels of the variants above the one that was asked for and
	// up to Last, as a read of the whole store has them, sorted by key. What is
	// not in it is gone.
	Levels []Level
	// Updated is when the store says that each of Levels was updated; zero where
	// it does not say.
	Updated []time.Time
	Last    VariantID // 0 when there is no variant above the one that was asked for
	End     bool      // no variant is above Last
}

// Figure is what a level should be.
type Figure struct {
	Units    Units
	Left     Reason // not "": the level is left alone, and Units means nothing
	Negative bool   // the exact figure was below zero and is shown as 0
}

// Change is one write: it takes a level from the figure that was observed to
// the figure it should show.
type Change struct {
	Key
	Variant      VariantID `json:"variant_id"`
	SKU          SKU       `json:"sku"`
	LocationName string    `json:"location"` // for people
	From         Units     `json:"from"`
	To           Units     `json:"to"`
	Reason       Reason    `json:"reason"` // why the figure moves
	// Activate has the item stocked at the location before the write.
	Activate bool `json:"activate,omitempty"`
}

// Raise tells whether the change offers more than is offered now.
func (c Change) Raise() bool { return c.To > c.From }

// BatchSize is the most changes that one write carries: Shopify's cap on
// input arrays.
const BatchSize = 250

// Batch is what one write carries.
type Batch struct {
	Cycle   uint64
	Key     string // idempotency key, drawn once for this batch
	Changes []Change
}
