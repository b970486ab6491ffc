package reconcile

import (
	"log/slog"
	"time"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// Options is what a [Reconciler] works with.
type Options struct {
	Source  Source
	Stores  []Store // each name once
	Journal Journal
	Guards  guard.Limits
	// Settle is how long a sale may take from Shopify to Katana: units that a
	// level lost stay in flight that long, and raises wait that long after a
	// level was first seen.
	Settle time.Duration
	// Quarantine is how long a level rests after Shopify refused its line.
	Quarantine time.Duration
	Now        func() time.Time
	Log        *slog.Logger
	// Requests gives the running totals by API; a report carries what a cycle
	// added to them.
	Requests func() map[string]inventory.RequestCount
	// Progress is called with a few words whenever a step is done.
	Progress func(step string)
}

// Store is one store and what the config says of it.
type Store struct {
	Name    inventory.StoreName
	Shop    string // such as acme.myshopify.com: how Katana's orders name it
	Mode    inventory.Mode
	Mapping desired.Mapping
	Target  Target
}

// Request asks for a cycle.
type Request struct {
	Kind  inventory.Kind
	Store inventory.StoreName // only this one; "" is all
	SKU   inventory.SKU       // only this one is planned; "" is all
	Dry   bool                // report mode for every store
	// Only limits the writes to these lines of a saved plan, each with the
	// figures it was saved with; nil is no limit.
	Only []inventory.Change
}

// Reconciler runs cycles, one at a time.
type Reconciler struct {
	opts   Options
	paused map[inventory.StoreName]pause // stores to leave alone for a while
}

type pause struct {
	until time.Time
	err   error
}
