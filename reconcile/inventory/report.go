package inventory

import "time"

// Kind tells how much a cycle set out to look at.
type Kind string

// The kinds of cycle.
const (
	Full        Kind = "full"
	Incremental Kind = "incremental"
)

// Mode is what may be done to a store.
type Mode string

// The modes of a store.
const (
	ModeOff       Mode = "off"        // neither read nor written
	ModeReport    Mode = "report"     // read and reported, nothing written
	ModeLowerOnly Mode = "lower-only" // reductions are written, raises wait
	ModeApply     Mode = "apply"
)

// Report is what one cycle found and did. Its JSON form is a contract: names
// stay, fields are only added.
type Report struct {
	Cycle      uint64                  `json:"cycle"`
	Kind       Kind                    `json:"kind"`
	Started    time.Time               `json:"started"`
	DurationMS int64                   `json:"duration_ms"`
	Requests   map[string]RequestCount `json:"requests"` // by API: "katana", "shopify/main"
	// OldestRead is when the figures of Katana that were read longest ago were
	// read; zero before the first full read.
	OldestRead time.Time     `json:"oldest_read,omitzero"`
	Error      string        `json:"error,omitempty"`
	Stores     []StoreReport `json:"stores"`
}

// RequestCount is what one API was asked in a cycle.
type RequestCount struct {
	Count     int     `json:"count"`     // HTTP requests sent, retries included
	Retries   int     `json:"retries"`   // of these, retries
	Throttled int     `json:"throttled"` // answers that said slow down
	Cost      float64 `json:"cost"`      // Shopify's cost points; 0 for Katana
	WaitedMS  int64   `json:"waited_ms"` // spent waiting for the budget
}

// StoreReport is one store's part of a [Report].
type StoreReport struct {
	Name     StoreName      `json:"name"`
	Mode     Mode           `json:"mode"`
	Error    string         `json:"error,omitempty"` // why this store was not finished
	Levels   int            `json:"levels"`          // figures managed
	InStep   int            `json:"in_step"`
	Drifted  int            `json:"drifted"`
	Applied  int            `json:"applied"`
	Waiting  int            `json:"waiting"`
	Held     int            `json:"held"`
	Rejected int            `json:"rejected"`
	Stale    int            `json:"stale"`
	Skipped  map[Reason]int `json:"skipped"`  // left alone, by reason
	Negative int            `json:"negative"` // desired figures below zero, shown as 0
	Holds    []HoldReport   `json:"holds,omitempty"`
	// Quarantine is the levels in quarantine of which no report has told for a
	// day, at most 100 of them; the next reports have the others. Skipped counts
	// all that rest.
	Quarantine []QuarantineReport `json:"quarantine,omitempty"`
	// Contested counts the levels that something else writes too, and
	// SecondWriters has the first 20 of them.
	Contested     int                  `json:"contested,omitempty"`
	SecondWriters []SecondWriterReport `json:"second_writers,omitempty"`
	Notes         []string             `json:"notes,omitempty"`
	Look          *LookReport          `json:"look,omitempty"` // how the levels were read
	// Of full cycles only: stock that is offered several times, SKUs that stand
	// more than once, and SKUs that almost match. At most 1,000 of each are
	// listed; the notes count them all.
	DuplicateStock *DuplicateStock `json:"duplicate_stock,omitempty"`
	DuplicateSKUs  []DuplicateSKU  `json:"duplicate_skus,omitempty"`
	NearMisses     []NearMiss      `json:"near_misses,omitempty"`
	// Compared is what another config would show; of `plan --compare` only, and
	// not kept in the history.
	Compared *Comparison    `json:"compared,omitempty"`
	Changes  []ChangeReport `json:"changes"`
}

// LookReport is how a store's levels were read.
type LookReport struct {
	Whole  bool      `json:"whole"`           // all of them in this cycle
	Oldest time.Time `json:"oldest,omitzero"` // when the one was read that was read longest ago
	// What the store says that it updates is a hint. Since the last look at all
	// of it, Told counts the changed levels of which it said so in time, and Missed
	// those of which it did not; where these are too many it is not Trusted, and
	// all levels are read in turn within a few cycles.
	Told    int  `json:"told"`
	Missed  int  `json:"missed"`
	Trusted bool `json:"trusted"`
}

// HoldReport is a held plan as a report shows it.
type HoldReport struct {
	ID      string `json:"id"`
	Rule    string `json:"rule"`
	Have    int    `json:"have"`
	Limit   int    `json:"limit"`
	Levels  int    `json:"levels"`
	Text    string `json:"text"`    // what was counted, the limit and the next step, in a sentence
	Release string `json:"release"` // the command that lets it go
	// News tells that the log has something to say: the plan is newly held, more
	// levels have joined it, or an hour has gone by since the log last said so.
	News bool `json:"-"`
}

// QuarantineReport is a level in quarantine as a report shows it.
type QuarantineReport struct {
	SKU        SKU        `json:"sku"`
	Item       ItemID     `json:"inventory_item_id"`
	LocationID LocationID `json:"location_id"`
	Location   string     `json:"location"`
	Detail     string     `json:"detail"` // Shopify's code and words
	Count      int        `json:"count"`  // refusals in a row
	Since      time.Time  `json:"since"`
	Until      time.Time  `json:"until"`   // then it is tried again
	Release    string     `json:"release"` // the command that has it tried at once
}

// OverdueSale is an order of a store that Katana should have had long since.
type OverdueSale struct {
	Order   string    `json:"order"`
	Placed  time.Time `json:"placed"`
	Counts  bool      `json:"counts"`  // what it sold is not offered; else it has left the shop and counts no more
	Text    string    `json:"text"`    // the same in words, with what to do
	Release string    `json:"release"` // the command that lets it go
}

// SecondWriterReport is a level that something else writes too.
type SecondWriterReport struct {
	SKU        SKU        `json:"sku"`
	Item       ItemID     `json:"inventory_item_id"`
	LocationID LocationID `json:"location_id"`
	Location   string     `json:"location"`
	Since      time.Time  `json:"since"`   // when it was first reported
	Rounds     []Round    `json:"rounds"`  // what was written, and what was found instead
	Text       string     `json:"text"`    // the same in words
	Release    string     `json:"release"` // the command that ends it
}

// DuplicateStock is how far a store's total goes beyond what Katana has.
type DuplicateStock struct {
	SKUs    int             `json:"skus"`
	Has     Units           `json:"katana"`  // what Katana has of them
	Offered Units           `json:"offered"` // what the store will offer
	Items   []DuplicateItem `json:"items"`   // sorted by what is offered too much, then by SKU
}

// DuplicateItem is one SKU of a [DuplicateStock].
type DuplicateItem struct {
	SKU     SKU   `json:"sku"`
	Has     Units `json:"katana"`
	Offered Units `json:"offered"`
}

// Comparison is what another config would make of the same figures.
type Comparison struct {
	Moved   int         `json:"moved"`   // levels
	Zeroed  int         `json:"zeroed"`  // of these, those that would go to 0
	Raised  Units       `json:"raised"`  // units offered more
	Lowered Units       `json:"lowered"` // units offered less
	Levels  []MoveLevel `json:"levels"`  // sorted by key
}

// MoveLevel is one level that another config would move.
type MoveLevel struct {
	SKU        SKU        `json:"sku"`
	Variant    VariantID  `json:"variant_id"`
	Item       ItemID     `json:"inventory_item_id"`
	LocationID LocationID `json:"location_id"`
	Location   string     `json:"location"`
	Observed   Units      `json:"observed"`
	Unstocked  bool       `json:"unstocked,omitempty"` // the item has no level there, or no active one
	From       *Units     `json:"from"`                // by the running config; null: left alone
	To         *Units     `json:"to"`                  // by the other; null: left alone
	Left       Reason     `json:"left_alone,omitempty"`
	Rule       string     `json:"rule"` // the key of the config that moves it
}

// ChangeReport is one change and its outcome.
type ChangeReport struct {
	SKU        SKU        `json:"sku"`
	Variant    VariantID  `json:"variant_id"`
	Item       ItemID     `json:"inventory_item_id"`
	LocationID LocationID `json:"location_id"`
	Location   string     `json:"location"`
	From       Units      `json:"from"`
	To         Units      `json:"to"`
	Outcome    Result     `json:"outcome"`
	Reason     Reason     `json:"reason"`
	Detail     string     `json:"detail,omitempty"`
	Activate   bool       `json:"activate,omitempty"` // the item is stocked at the location first
}

// ReportChange gives an outcome the form that reports carry.
func ReportChange(o Outcome) ChangeReport {
	reason := o.Reason
	if o.Because != "" {
		reason = o.Because
	}
	return ChangeReport{
		SKU: o.SKU, Variant: o.Variant, Item: o.Item, LocationID: o.Location, Location: o.LocationName,
		From: o.From, To: o.To, Outcome: o.Result, Reason: reason, Detail: o.Detail, Activate: o.Activate,
	}
}
