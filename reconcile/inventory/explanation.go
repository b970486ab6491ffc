package inventory

import "time"

// Explanation is how one level comes by its figure: every term from Katana's
// numbers to the value, what Shopify shows, and what happens next. Its JSON
// form is a contract: names stay, fields are only added. Ids are as each side
// writes them: those of Katana are numbers, those of Shopify global ids such as
// gid://shopify/Location/42.
type Explanation struct {
	Store      StoreName  `json:"store"`
	Mode       Mode       `json:"mode"`
	SKU        SKU        `json:"sku"`
	Variant    VariantID  `json:"variant_id"`
	Item       ItemID     `json:"inventory_item_id"`
	LocationID LocationID `json:"location_id"`
	Location   string     `json:"location"`
	// Read is when Shopify was read for this, and Katana after it. Cycle is the
	// one that read them; 0 is a read for this question alone. KatanaRead is set
	// when Katana's numbers are from before: an incremental cycle reads those
	// again that may have moved.
	Read       time.Time `json:"read"`
	Cycle      uint64    `json:"cycle,omitempty"`
	KatanaRead time.Time `json:"katana_read,omitzero"`

	// Katana lists the Katana variants with this SKU: the first stands for it,
	// the others were passed over. Shopify lists the other variants of the
	// store with this SKU, which all show the same.
	Katana  []MatchedVariant `json:"katana_variants"`
	Shopify []VariantID      `json:"other_shopify_variants,omitempty"`
	// Near lists the SKUs that differ in what people take for the same.
	Near []NearMiss `json:"near_misses,omitempty"`
	// PartOf lists the kits that this SKU goes into, directly or by way of
	// another kit: their potential moves with it.
	PartOf []SKU `json:"part_of_kits,omitempty"`

	// Left is why the level is left alone; then Desired means nothing.
	Left     Reason `json:"left_alone,omitempty"`
	Terms    *Terms `json:"terms,omitempty"` // how Desired came about; nil when no figure was made
	Desired  Units  `json:"desired"`
	Negative bool   `json:"negative"` // the exact figure is below zero and is shown as 0

	Observed  Units        `json:"observed"`
	Unstocked bool         `json:"unstocked,omitempty"` // the item has no level there, or no active one
	Seen      *SeenFigure  `json:"seen,omitempty"`      // nil before the first look
	Own       []FlightTerm `json:"in_flight_here,omitempty"`
	// Target is what the level is to show now: Desired less what is sold here
	// and not yet in Katana.
	Target Units `json:"target"`

	Writes []PastWrite `json:"last_writes,omitempty"` // newest first
	Next   NextAction  `json:"next"`
}

// MatchedVariant is a Katana variant with the SKU that is explained.
type MatchedVariant struct {
	ID       SourceVariantID `json:"id"`
	Created  time.Time       `json:"created"`
	Kit      bool            `json:"kit,omitempty"`
	Service  bool            `json:"service,omitempty"`
	Archived bool            `json:"archived,omitempty"`
	Deleted  bool            `json:"deleted,omitempty"`
}

// Terms is the arithmetic of one figure. Adding up Steps gives Desired.
type Terms struct {
	Sources []SourceTerm `json:"katana_locations"`
	Others  []FlightTerm `json:"in_flight_elsewhere,omitempty"`
	Rule    *RuleTerm    `json:"rule,omitempty"` // the rule that applied; nil is none
	Steps   []Step       `json:"steps"`
}

// SourceTerm is what one Katana location contributes.
type SourceTerm struct {
	Location  SourceLocationID `json:"location_id"`
	Name      string           `json:"location"`
	NoSales   bool             `json:"no_sales,omitempty"`  // Katana does not sell from it: nothing there counts
	NoRow     bool             `json:"no_row,omitempty"`    // Katana has no stock row: nothing is there, or nobody knows yet
	TooLarge  bool             `json:"too_large,omitempty"` // Katana has a figure there that is beyond all that is counted
	InStock   Quantity         `json:"in_stock"`
	Committed Quantity         `json:"committed"`
	Excluded  []ExcludedRow    `json:"excluded_orders,omitempty"`
	AddedBack Quantity         `json:"added_back"` // of Committed, for the excluded orders
	Kit       *KitTerm         `json:"kit,omitempty"`
}

// ExcludedRow is a row of a sales order that the config leaves out.
type ExcludedRow struct {
	Order   string   `json:"order"` // its number
	OrderID int64    `json:"order_id"`
	Row     int64    `json:"row_id"`
	Open    Quantity `json:"open"`
	// Why it counts all the same, and is not added back; "" when it is.
	Why string `json:"counts_because,omitempty"`
}

// KitTerm is what can still be built of a kit at one location.
type KitTerm struct {
	Potential  Quantity    `json:"potential"` // Katana's own figure
	Components []Component `json:"components,omitempty"`
}

// Component is one ingredient of a kit, and how far it reaches.
type Component struct {
	Variant   SourceVariantID `json:"variant_id"`
	SKU       SKU             `json:"sku,omitempty"`
	PerKit    Quantity        `json:"per_kit"`
	Known     bool            `json:"known"`     // its stock at the location was read
	Available Quantity        `json:"available"` // in stock less committed, with potential when it is a kit
	Builds    Units           `json:"builds"`    // kits that this much is enough for
	Limits    bool            `json:"limits"`    // no other component reaches less far
}

// RuleTerm is the SKU rule that applied.
type RuleTerm struct {
	Index     int    `json:"index"` // in the store's rules
	Pattern   string `json:"sku"`
	Buffer    Units  `json:"buffer,omitempty"`
	Max       *Units `json:"max,omitempty"`
	MinToSell Units  `json:"min_to_sell,omitempty"`
	Skip      bool   `json:"skip,omitempty"`
}

// Step is one step of the arithmetic, in the order of the rules.
type Step struct {
	Name   StepName `json:"step"`
	Amount Quantity `json:"amount"` // what the step added
	Result Quantity `json:"result"` // what it led to
}

// StepName names a step of the arithmetic.
type StepName string

// The steps, in their order.
const (
	StepSum       StepName = "sum"         // in stock less committed, over the Katana locations
	StepAddBack   StepName = "add_back"    // what is committed to orders that do not count
	StepPotential StepName = "potential"   // what can be built of a kit
	StepInFlight  StepName = "in_flight"   // sold elsewhere and not yet in Katana
	StepBuffer    StepName = "buffer"      // never offered
	StepFloor     StepName = "floor"       // whole pieces
	StepMinToSell StepName = "min_to_sell" // below it 0 is shown
	StepMax       StepName = "max"         // no more than this is shown
	StepZero      StepName = "zero"        // nothing below 0 is shown
)

// FlightTerm is units sold in Shopify that Katana does not commit yet.
type FlightTerm struct {
	Store    StoreName  `json:"store"`
	Location LocationID `json:"location_id"`
	Name     string     `json:"location"`
	Order    string     `json:"order,omitempty"` // the order, where it is known
	Units    Units      `json:"units"`
	Since    time.Time  `json:"since"`
	Expires  time.Time  `json:"expires"` // zero: it counts until Katana has the order
	// Sought tells that the store has yet to tell of the order: it is looked for
	// until Expires, and what is found counts on.
	Sought bool `json:"order_sought,omitempty"`
	// Overdue tells that Katana should have had the order long since, and Release is
	// the command that lets it go.
	Overdue bool   `json:"overdue,omitempty"`
	Release string `json:"release,omitempty"`
}

// SeenFigure is what is remembered of a level.
type SeenFigure struct {
	Units Units     `json:"units"`
	First time.Time `json:"first"`
	At    time.Time `json:"at"`
}

// PastWrite is one write of a level, or what became of it.
type PastWrite struct {
	Cycle  uint64    `json:"cycle"`
	At     time.Time `json:"at"`
	From   Units     `json:"from"`
	To     Units     `json:"to"`
	Result Result    `json:"outcome"`
	Reason Reason    `json:"reason"`
}

// NextAction is what the next cycle does with a level if nothing changes.
type NextAction struct {
	Result Result    `json:"outcome,omitempty"` // applied, waiting, held or skipped; "" when it is in step
	Reason Reason    `json:"reason,omitempty"`
	Until  time.Time `json:"until,omitzero"`    // when what it waits for is over at the latest
	ID     string    `json:"id,omitempty"`      // of the held plan
	Text   string    `json:"text"`              // a sentence
	Order  string    `json:"release,omitempty"` // the command that lets it go
}
