package reconcile

import (
	"context"
	"iter"
	"time"

	"stocksyncd/reconcile/inventory"
)

// Source is Katana as one cycle sees it. Every read is complete or an error.
//
// A unit of stock travels from a Shopify level to a Katana order to Katana's
// inventory, and a cycle reads Orders before Inventory: what an order takes off
// the ledger is in the inventory then. A unit between two reads is counted twice
// for one cycle, never missed.
type Source interface {
	// Locations lists the live locations.
	Locations(ctx context.Context) ([]inventory.SourceLocation, error)
	// Orders lists the sales orders that changed since, deleted ones included.
	Orders(ctx context.Context, since time.Time) ([]inventory.SourceOrder, error)
	// OpenOrders lists the open sales orders that want asks for; the quantity of
	// each row is what is still open of it.
	OpenOrders(ctx context.Context, want func(inventory.SourceOrder) bool) ([]inventory.SourceOrder, error)
	// Catalogue lists all variants that carry a SKU, archived and deleted ones
	// and services included.
	Catalogue(ctx context.Context) ([]inventory.SourceVariant, error)
	// Variants lists some of the variants, as Catalogue does: one that is not in
	// the answer is gone, or carries no SKU.
	Variants(ctx context.Context, ids []inventory.SourceVariantID) ([]inventory.SourceVariant, error)
	// Inventory lists the stock rows of the given variants at the given
	// locations, sorted by variant, then location; no key twice. A variant, or a
	// location that has vanished, may have no row, and absence is never zero.
	Inventory(ctx context.Context, at []inventory.SourceLocationID, variants []inventory.SourceVariantID) ([]inventory.Stock, error)
	// Changes tells where the feeds say that something has changed since a mark.
	// The zero mark is the beginning: nothing is news, and the answer's mark is
	// now. An error means that only a full read can tell.
	Changes(ctx context.Context, since inventory.Mark) (inventory.Changes, error)
	// Ahead is how far Katana's clock is ahead of ours, by its newest answer; 0
	// before the first.
	Ahead() time.Duration
	// Spare is how many requests could be sent within a time without any of them
	// waiting longer.
	Spare(within time.Duration) int
	// Recipes lists what the given kits are made of.
	Recipes(ctx context.Context, kits []inventory.SourceVariantID) ([]inventory.Ingredient, error)
}

// Target is one store as one cycle sees it.
type Target interface {
	// Glance lists all locations, inactive ones included, and the levels and
	// variants that the store updated since a mark; of the zero mark, none.
	Glance(ctx context.Context, since time.Time) (inventory.Glance, error)
	// Page reads the levels of the variants that come next after one, by id. An
	// item that several variants share is that of the lowest of them.
	Page(ctx context.Context, after inventory.VariantID) (inventory.Page, error)
	// Observe reads every level of the store, with one at [inventory.Nowhere] for
	// an item that has none. It is complete or an error. Only then it hands the
	// levels over, sorted by key, those of an item at a time and until the next:
	// a million of them need not stand beside what is known of them. They can be
	// gone through more than once.
	Observe(ctx context.Context) (iter.Seq[[]inventory.Level], error)
	// Sales reads the orders of the store that are open, and those that it updated
	// since: all of them, or an error. It tells none where it may not.
	Sales(ctx context.Context, since time.Time) (inventory.Sales, error)
	// Levels reads the given levels again. A key without a level in the answer
	// no longer has one.
	Levels(ctx context.Context, keys []inventory.Key) ([]inventory.Level, error)
	// Set writes at most [inventory.BatchSize] changes in one request, each under
	// compare-and-set with From. All of them are applied or none.
	//
	// The outcomes are in the order of changes, each Applied, Stale, Rejected
	// or, when only other lines are to blame, Unsent. An error that is
	// [inventory.ErrAnswerLost] leaves open whether the batch was applied;
	// [*inventory.RefusedError] and any other error mean that it was not.
	Set(ctx context.Context, batch inventory.Batch) ([]inventory.Outcome, error)
	// Activate stocks the item of a level at its location, with nothing to sell,
	// and gives what the level shows then. [*inventory.LineError] means that
	// Shopify refuses, also because it is stocked there already;
	// [inventory.ErrAnswerLost] leaves open whether it is stocked now.
	Activate(ctx context.Context, key inventory.Key, idempotency string) (inventory.Units, error)
}

// Journal is what must survive a crash. What a method was given is durable
// when it returns nil, and not there at all when it returns an error.
type Journal interface {
	// Begin draws the number of a new cycle.
	Begin() (cycle uint64, err error)
	// Source gives back what [Journal.Finish] was given last.
	Source() (inventory.SourceMemory, error)
	// Mirror gives back what [Journal.Read] was given of the source.
	Mirror() (inventory.SourceMirror, error)
	// Read records a part of the source that was read. Where it takes more than
	// one step, each variant becomes durable whole, and the head last.
	Read(part inventory.SourceRead) error
	// Recall gives back what is remembered of a store: each of its items, then
	// each of its levels, in their order, to who takes them; the rest and the
	// batches whose answer was never recorded as the answer.
	Recall(name inventory.StoreName, item func(inventory.Item), level func(inventory.Key, inventory.Seen)) (inventory.StoreMemory, error)
	// Writes gives the last writes of a level, newest first.
	Writes(key inventory.Key) ([]inventory.PastWrite, error)
	// Wrote gives what a cycle has written to all stores, sorted by key, each level
	// once; nothing of one that is no longer remembered.
	Wrote(cycle uint64) ([]inventory.Change, error)
	// Observe records what a cycle saw of a store, before anything is written.
	Observe(name inventory.StoreName, seen inventory.Observation) error
	// Intend records a batch before it is sent, and gives it a number.
	Intend(intent inventory.Intent) (id uint64, err error)
	// Settle records what became of a batch, and what its levels show now.
	Settle(store inventory.StoreName, found inventory.Settled) error
	// Finish records the report of a cycle and what its stores wait for.
	Finish(end inventory.Finish) error
}
