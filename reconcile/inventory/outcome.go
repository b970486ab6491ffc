package inventory

// Result is what became of a change.
type Result string

// The results of design: each change of a report carries one.
const (
	Applied  Result = "applied"  // Shopify confirmed it, or a read found it done
	Stale    Result = "stale"    // the level had moved; the next cycle looks again
	Rejected Result = "rejected" // Shopify refused this line; it is in quarantine
	Waiting  Result = "waiting"  // not now: in flight, first sight, lower-only, a second writer
	Held     Result = "held"     // a guard stopped it; release lets it go
	Skipped  Result = "skipped"  // nothing is written here, by rule or mode
)

// Unsent is what a store answers for a line that was refused only because
// of other lines in its batch. It is sent again and never reaches a report.
const Unsent Result = "unsent"

// Reason is a code that says why: why a level is left alone, why a change
// waits, what drifted. Codes are stable and are used in reports and logs.
type Reason string

// Why a figure moves.
const (
	ReasonDrift    Reason = "drift"    // observed differs from desired
	ReasonInFlight Reason = "inflight" // lowered or kept low by units sold and not yet in Katana
	ReasonActivate Reason = "activate" // the item is not stocked there yet
	ReasonUndo     Reason = "undo"     // it is given back what it showed before a cycle wrote it
)

// Why a level is left alone.
const (
	ReasonNoSKU            Reason = "no_sku"
	ReasonNotInKatana      Reason = "not_in_katana"
	ReasonArchived         Reason = "archived_in_katana"
	ReasonService          Reason = "service"
	ReasonNoRow            Reason = "no_row"
	ReasonUntracked        Reason = "untracked"
	ReasonBundle           Reason = "bundle"
	ReasonGiftCard         Reason = "gift_card"
	ReasonInactiveLevel    Reason = "inactive_level"
	ReasonNotStocked       Reason = "not_stocked"     // no level at a location that the config names
	ReasonNoSales          Reason = "no_katana_sales" // Katana does not sell from the locations that feed it
	ReasonInactiveLocation Reason = "inactive_location"
	ReasonFulfillment      Reason = "fulfillment_service"
	ReasonUnmapped         Reason = "unmapped_location"
	ReasonFigureTooLarge   Reason = "figure_too_large"
	ReasonRule             Reason = "skipped_by_rule"
	ReasonQuarantined      Reason = "quarantined"
)

// Why a change waits, is held or was not sent.
const (
	ReasonFirstSight Reason = "first_sight" // a raise waits one settle after the level was first seen
	// Something else writes the level too: raises wait, and so does a reduction
	// that follows the last write too soon.
	ReasonSecondWriter Reason = "second_writer"
	ReasonLowerOnly    Reason = "lower_only" // the mode lets only reductions through
	ReasonReport       Reason = "report"     // report mode: nothing is written
	ReasonStale        Reason = "changed_in_shopify"
	ReasonUnread       Reason = "unread"       // what it depends on was not read in this cycle; the next one reads it
	ReasonUnknown      Reason = "answer_lost"  // the answer never came and the level shows neither figure
	ReasonStopped      Reason = "stopped"      // the daemon was asked to stop before this batch
	ReasonFailed       Reason = "store_failed" // the store failed before this batch was written
	ReasonRefused      Reason = "refused"      // Shopify refused this line
	ReasonChanged      Reason = "changed"      // a saved plan's figure is no longer the desired one, or the level no longer shows what is to be undone
	ReasonUndone       Reason = "undone"       // it was given back its former figure, and keeps it until it is released
	ReasonOversell     Reason = "oversell"     // what is to be undone would offer more than can be sold
)

// Outcome is what became of one change.
type Outcome struct {
	Change
	Result Result `json:"outcome"`
	// Because overrides the change's reason when it did not go through.
	Because Reason `json:"because,omitempty"`
	Detail  string `json:"detail,omitempty"` // Shopify's own words, or the guard's id; never a secret
}
