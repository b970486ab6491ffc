package inventory

import "time"

// Seen is what is remembered of one level between cycles.
type Seen struct {
	Units   Units     // the last value that we read or that Shopify confirmed to us
	Desired Units     // what the level should have been then; meaningful when Figured
	Figured bool      // a desired figure existed
	First   time.Time // when the level was first seen: raises wait one settle from here
	At      time.Time // when Units was last verified
	// Active and Unstocked are the level's, as of the last look.
	Active    bool
	Unstocked bool
}

// InFlight is units that Shopify has sold and Katana does not commit yet, at
// the level that sold them.
type InFlight struct {
	Key   Key       `json:"key"`
	SKU   SKU       `json:"sku"`
	Units Units     `json:"units"`
	Since time.Time `json:"since"`
	// Expires is when the entry stops counting; zero: not before Katana has it.
	Expires time.Time `json:"expires"`
	// Order is the order that sold the units, as people know it, where the store
	// tells of its orders; "" where they are inferred.
	Order string `json:"order,omitempty"`
	Sale  int64  `json:"sale,omitempty"` // its id, a key of [Ledger.Sales]
	// Sources are the Katana locations that the level drew on when it sold them:
	// they will be taken from there, wherever it draws from by now.
	Sources []SourceLocationID `json:"sources,omitempty"`
}

// Credit is units of a Katana order that may have been sold after the last
// look at the store. Shopify falls before Katana knows, so the next complete
// look must show the fall: then the credit is due and takes an entry away.
type Credit struct {
	SKU      SKU              `json:"sku"`
	Location SourceLocationID `json:"location"`
	Units    Units            `json:"units"`
	Due      bool             `json:"due,omitempty"`
}

// Ledger is one store's units in flight and what is needed to keep them.
type Ledger struct {
	Entries []InFlight `json:"entries,omitempty"`
	Credits []Credit   `json:"credits,omitempty"`
	// Counted holds, for each Katana order row already taken from the ledger,
	// the quantity that was counted.
	Counted map[int64]CountedRow `json:"counted,omitempty"`
	// Since is when the ledger began: orders that Katana had by then are not
	// news.
	Since time.Time `json:"since"`
	// Orders is the newest change among the Katana orders taken into account,
	// by Katana's clock; zero before the first.
	Orders time.Time `json:"orders"`
	// Told is since when the store tells of its orders; zero while it does not.
	Told time.Time `json:"told,omitzero"`
	// Sales are the store's orders by their id that may have units in flight.
	Sales map[int64]KnownSale `json:"sales,omitempty"`
	// Landed are those that have none any more, as long as they are open, and for
	// some days after: most of them, and looked at only when something is told of one.
	Landed map[int64]KnownSale `json:"landed,omitempty"`
}

// KnownSale is an order of a store with what Katana has of it.
type KnownSale struct {
	Name    string     `json:"name,omitempty"` // "" until the store tells of it
	Created time.Time  `json:"created,omitzero"`
	Updated time.Time  `json:"updated,omitzero"`
	Lines   []SaleLine `json:"lines,omitempty"`
	// Done is when units of it were last seen to leave the shop. All that have left
	// count from then on: one that left earlier may count twice as long.
	Done time.Time `json:"done,omitzero"`
	// Has are Katana's orders of it that are committed, by their id.
	Has map[int64]SoldOrder `json:"has,omitempty"`
	// Sought tells that Katana was asked for its orders as far back as this one.
	Sought   bool      `json:"sought,omitempty"`
	Released time.Time `json:"released,omitzero"` // it counts no longer since then
	Heard    time.Time `json:"heard,omitzero"`    // when the store last told of it
}

// SoldOrder is a Katana order of a [KnownSale].
type SoldOrder struct {
	Updated time.Time        `json:"updated"` // by Katana's clock
	Units   map[SKU]Quantity `json:"units,omitempty"`
}

// CountedRow is a Katana order row that the ledger has taken into account.
type CountedRow struct {
	Quantity Quantity  `json:"quantity"`
	At       time.Time `json:"at"`
}

// Hold is a plan that a guard stopped.
type Hold struct {
	ID       string      `json:"id"`
	Rule     string      `json:"rule"`
	Have     int         `json:"have"`    // what was counted, of this plan and the last hour
	Limit    int         `json:"limit"`   // the most that would have passed
	Managed  int         `json:"managed"` // levels that the percentage is of
	Canary   *Sighting   `json:"canary,omitempty"`
	Since    time.Time   `json:"since"`
	Reported time.Time   `json:"reported"` // when the log last said so
	Released time.Time   `json:"released"` // zero until released
	Levels   []HeldLevel `json:"levels"`   // sorted by key
	// Undo is the cycle whose writes are undone. The plan to do so was stopped by a
	// guard, or has been carried out: then Rule is [ReasonUndone], and Levels keep
	// what they show, whichever way they would move.
	Undo uint64 `json:"undo,omitempty"`
}

// HeldLevel is one level of a [Hold] and the direction in which it may move
// once released.
type HeldLevel struct {
	Key   Key  `json:"key"`
	Raise bool `json:"raise"`
	// Ahead tells that it is held ahead of the write that undoes it: a cycle that is
	// cut off may not have come to that.
	Ahead bool `json:"ahead,omitempty"`
}

// Canary is a SKU whose figure in Katana is known to lie in a range: where it
// does not, what Katana says of other SKUs is not trusted either.
type Canary struct {
	SKU SKU   `json:"sku"` // "" is none
	Min Units `json:"min"`
	Max Units `json:"max"`
}

// Sighting is what was seen of a [Canary].
type Sighting struct {
	Canary
	Units Units  `json:"units"`          // what Katana has of it
	Left  Reason `json:"left,omitempty"` // not "": why Katana gives no figure, and Units means nothing
}

// InRange tells whether the canary was seen in its range.
func (s Sighting) InRange() bool { return s.Left == "" && s.Min <= s.Units && s.Units <= s.Max }

// Quarantined is a level whose line Shopify refused. It rests, then it is tried
// again; the record stays until Shopify has taken a line of it or none is needed.
type Quarantined struct {
	Key    Key       `json:"key"`
	SKU    SKU       `json:"sku"`
	Code   string    `json:"code"`   // Shopify's error code
	Detail string    `json:"detail"` // Shopify's words
	Count  int       `json:"count"`  // refusals in a row
	Since  time.Time `json:"since"`  // of the first of them
	Until  time.Time `json:"until"`  // nothing is written before
	// Reported is when a report last told of it: one does so every day.
	Reported time.Time `json:"reported,omitzero"`
}

// Rests tells whether nothing may be written yet.
func (q *Quarantined) Rests(now time.Time) bool { return now.Before(q.Until) }

// Written is a write of the last hour, which the guards count.
type Written struct {
	Key   Key       `json:"key"`
	Cycle uint64    `json:"cycle,omitempty"`
	At    time.Time `json:"at"`
	Zero  bool      `json:"zero"`  // it took the level to zero
	Freed bool      `json:"freed"` // a release let it through; no guard counts it
	From  Units     `json:"from,omitempty"`
	To    Units     `json:"to,omitempty"`
	// Done tells that the level has left the figure since, and that it is known
	// why or was counted: there is nothing more to find out about this write.
	Done bool `json:"done,omitempty"`
}

// Raised is by how many units the write raised the level.
func (w *Written) Raised() Units { return max(w.To-w.From, 0) }

// WrittenBy is what the guards remember of a change that was written.
func WrittenBy(change Change, cycle uint64, at time.Time) Written {
	return Written{Key: change.Key, Cycle: cycle, At: at, Zero: change.To <= 0, From: change.From, To: change.To}
}

// Rival is what speaks for a second writer of a level: something that gives it
// another figure than we write, again and again.
type Rival struct {
	Key      Key     `json:"key"`
	SKU      SKU     `json:"sku"`
	Location string  `json:"location"` // for people
	Rounds   []Round `json:"rounds"`   // oldest first; those that it was reported for, once it is
	// Since is when it was reported; zero while it is only suspected.
	Since time.Time `json:"since,omitzero"`
	Last  time.Time `json:"last"`  // when the newest round was found
	Wrote time.Time `json:"wrote"` // when we wrote the level last
}

// Round is one figure of ours that did not last.
type Round struct {
	Written Units     `json:"written"`
	At      time.Time `json:"at"`
	Found   Units     `json:"found"`
	Seen    time.Time `json:"seen"`
}

// Pins is what the location names of a store's mapping were found to mean, so
// that a name which moves to another location is noticed.
type Pins struct {
	Targets map[string]LocationID       `json:"shopify,omitempty"`
	Sources map[string]SourceLocationID `json:"katana,omitempty"`
}

// Look is how far a store has been looked at.
type Look struct {
	// Whole is when the last look at all of it began; zero when what is kept of
	// its levels is not all of them.
	Whole     time.Time  `json:"whole,omitzero"`
	Mark      time.Time  `json:"mark,omitzero"`   // of the last [Glance]
	Swept     VariantID  `json:"swept,omitempty"` // the last variant of the last [Page]
	Oldest    time.Time  `json:"oldest,omitzero"` // when the level was read that was read longest ago
	Since     time.Time  `json:"since,omitzero"`  // when the last share of the sweep was taken
	Owed      float64    `json:"owed,omitempty"`  // the variants that it left over
	Locations []Location `json:"locations,omitempty"`
}

// Memory is what is kept of one store between cycles, beside its levels.
type Memory struct {
	Look       Look          `json:"look,omitzero"`
	Ledger     Ledger        `json:"ledger"`
	Holds      []Hold        `json:"holds,omitempty"`
	Quarantine []Quarantined `json:"quarantine,omitempty"`
	Written    []Written     `json:"written,omitempty"`
	Rivals     []Rival       `json:"rivals,omitempty"` // sorted by key
	// Offering is how many levels had something to sell, by the last figures that
	// no guard doubted.
	Offering int  `json:"offering,omitempty"`
	Pins     Pins `json:"pins,omitzero"`
}

// SourceMemory is what is kept of the source between cycles.
type SourceMemory struct {
	// Rows is how many stock rows each location had in the last complete read
	// that no guard doubted, and Trusted when the last such read was.
	Rows    map[SourceLocationID]int `json:"rows,omitempty"`
	Trusted time.Time                `json:"trusted"`
	Missing []StockKey               `json:"missing,omitempty"` // live variants without a row in the last complete read
	// Ahead is how far the source's clock was ahead of ours in the last cycle; nil
	// before the first.
	Ahead *time.Duration `json:"ahead,omitempty"`
}

// SourceMirror is Katana as the reads so far found it.
type SourceMirror struct {
	Variants []SourceVariant               // sorted by id
	Stock    []Stock                       // sorted by variant, then location
	Read     map[SourceVariantID]time.Time // when the rows of a variant were read
	Head     *SourceHead                   // nil: nothing was kept yet
}

// SourceRead is a part of Katana that was read.
type SourceRead struct {
	Variants []SourceVariant               // that were listed anew, or whose rows were read; each replaces what was kept of it
	Stock    []Stock                       // all rows of Variants, sorted by variant, then location
	Read     map[SourceVariantID]time.Time // when the rows of Variants were read; none: never
	Gone     []SourceVariantID             // are not listed any more
	Head     *SourceHead                   // nil: more parts follow
}

// SourceHead is what is kept of Katana beside its variants. It becomes durable
// no sooner than the part that it comes with: without it, what is kept is not
// all that the mark vouches for.
type SourceHead struct {
	Locations   []SourceLocation                `json:"locations,omitempty"`
	At          []SourceLocationID              `json:"at,omitempty"`  // that the rows are of
	Hot         map[SourceVariantID][]time.Time `json:"hot,omitempty"` // when rows are to be read again, beside now and then
	Ingredients []Ingredient                    `json:"ingredients,omitempty"`
	Mark        Mark                            `json:"mark,omitzero"` // of the feeds, once what they told of was read
	// Since is when the newest reading of all of it began: what was read before
	// that, or never, is still to be read.
	Since time.Time `json:"since,omitzero"`
	// Swept is when the sweep took its last share, and Owed what parts of one
	// variant it left over.
	Swept time.Time `json:"swept,omitzero"`
	Owed  []float64 `json:"owed,omitempty"`
}

// Intent is a batch on its way to Shopify. It is in the journal before the
// batch is sent; one that is still there at a start was cut off in between.
type Intent struct {
	Cycle   uint64    `json:"cycle"`
	Store   StoreName `json:"store"`
	Key     string    `json:"key"` // the idempotency key, drawn once for this batch
	At      time.Time `json:"at"`
	Changes []Change  `json:"changes"`
}

// StoreMemory is what the journal remembers of a store.
type StoreMemory struct {
	Levels map[Key]Seen
	Items  map[ItemID]Item
	Memory
	Open []OpenIntent // oldest first
	// CutOff is what was written of late by cycles that did not come to their end,
	// oldest first: Written may lack it.
	CutOff []Written
}

// OpenIntent is a batch that was cut off between sending and recording.
type OpenIntent struct {
	ID uint64
	Intent
}

// Observation is what a cycle saw of a store. The memory and the settled
// intents become durable no later than the levels: a fall that is noted twice
// hides a unit for a while, one that is lost sells it twice.
type Observation struct {
	Levels  map[Key]Seen // those that changed
	Gone    []Key        // levels that no longer exist
	Items   []Item       // those that changed
	Removed []ItemID     // items that no longer exist
	Memory  Memory
	// Part tells that the levels are more of what an observation before saw, which
	// had all of the memory that must be durable no later than they: it need not be
	// written again.
	Part    bool
	Settled []Settled // open intents, as the levels show them; their levels go with them
}

// Settled is what became of a batch.
type Settled struct {
	ID       uint64
	Outcomes []Outcome
	Levels   map[Key]Seen // what is remembered of them from then on
}

// Finish is the end of a cycle.
type Finish struct {
	Report *Report
	Source SourceMemory
	Stores map[StoreName]Memory
}
