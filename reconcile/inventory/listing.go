package inventory

// Listing is one Shopify variant at one location as Shopify's inventory CSV
// shows it.
type Listing struct {
	Key
	Variant VariantID
	SKU     SKU // trimmed
	Handle  string
	Title   string // of the product
	Options []Option
	HSCode  string // harmonised system code, "" when not set
	Origin  string // country code of origin, "" when not set

	Active    bool
	Available Units
	Committed Units
	Incoming  Units
	// Unavailable is what is on hand and neither available nor committed:
	// reserved, damaged, safety stock, quality control.
	Unavailable Units
	OnHand      Units
}

// Option is one option of a variant, such as Colour: Blue. A product without
// options has Title: Default Title.
type Option struct{ Name, Value string }

// NearMiss is a Shopify SKU without a Katana counterpart, and a Katana SKU
// without a Shopify one, that people take for the same.
type NearMiss struct {
	Shopify SKU `json:"shopify_sku"`
	Katana  SKU `json:"katana_sku"`
	// Differ says in what they differ: case, spaces, dashes, leading zeros,
	// full-width or compatibility forms, look-alike characters.
	Differ   []string          `json:"differ"`
	Variants []VariantID       `json:"shopify_variants"`
	Sources  []SourceVariantID `json:"katana_variants"`
}

// DuplicateSKU is a SKU that stands more than once on a side.
type DuplicateSKU struct {
	SKU      SKU               `json:"sku"`
	Variants []VariantID       `json:"shopify_variants"` // all show the same figure
	Sources  []SourceVariantID `json:"katana_variants"`  // the first counts
}

// StoreFigures is what the levels of a store show, and what they are to show.
type StoreFigures struct {
	Levels []LevelFigure `json:"levels"` // sorted by key
	Near   []NearMiss    `json:"near_misses"`
}

// LevelFigure is one level of [StoreFigures].
type LevelFigure struct {
	Key
	Location string `json:"location"`
	SKU      SKU    `json:"sku"`
	Observed Units  `json:"observed"`
	// Target is the desired figure less what is sold here and not yet in Katana.
	Target Units  `json:"target"`
	Left   Reason `json:"left_alone,omitempty"` // then Target means nothing
	// Waits is why Target must not be written yet, and Why says it in words.
	Waits Reason `json:"waits,omitempty"`
	Why   string `json:"why,omitempty"`
}
