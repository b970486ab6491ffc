// Package sandbox promises the two systems that the daemon connects, without
// an account at either: Katana and one or more Shopify stores as HTTP
// handlers over one [World]. They answer as the real ones are documented or
// recorded to answer, and imperfections that matter to a client are kept.
//
// A world starts empty ([NewWorld]), as a generated shop ([Shop]) or from a
// product export ([FromCSV]). Events ([World.Do], [World.Schedule]) let things
// happen in it, faults ([World.Inject]) let requests go wrong. The package
// shares no type with the clients that it is used to test.
package sandbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Options say how a world is set up. The zero value is usable.
type Options struct {
	Now  func() time.Time // the world's clock; nil means time.Now
	Seed uint64           // of everything that is drawn at random

	KatanaKey       string         // the API key; "" means "sandbox-katana-key"
	KatanaPerMinute int            // requests per minute and key; 0 means 60
	Stores          []StoreOptions // none means one with the defaults below
}

// StoreOptions describe one Shopify store and the app installed in it.
type StoreOptions struct {
	Name string // in paths and events; "" means "main"
	Shop string // domain; "" means "acme.myshopify.com", or NAME.myshopify.com for other names

	AccessToken  string        // a static token; "" means "shpat_sandbox", unless ClientID is set
	ClientID     string        // of the client credentials grant; "" leaves the grant off
	ClientSecret string        // belongs to ClientID
	TokenTTL     time.Duration // of tokens from the grant; 0 means 24 hours

	BucketSize float64  // cost points; 0 means 2000
	Restore    float64  // cost points per second; 0 means 100
	Scopes     []string // nil means all that a stock daemon may need
	APIVersion string   // the version served; "" means "2026-10"

	BulkTakes   time.Duration // from the start of a bulk query to its end; 0 means 10 seconds
	PagingDepth int           // objects of a connection that can be paged through; 0 means 25,000, negative no end

	// MixLevels has the levels of an item come in another order with each
	// reading, as they may: they were recorded by id, and none is documented.
	MixLevels bool

	// StockDates has a variant count as updated when a level of its item is, as
	// it may: what counts as that is documented nowhere.
	StockDates bool
}

// World is Katana and one or more Shopify stores over one set of facts. All
// methods are safe for concurrent use.
//
// Everything inside is guarded by one mutex. Code of this package takes it
// with lock, which plays the scheduled events that have become due, and gives
// it back with mu.Unlock.
type World struct {
	mu      sync.Mutex
	clock   func() time.Time
	playing time.Time // the time of the scheduled event being played; zero otherwise
	dice    *rand.Rand
	agenda  agenda

	katana  katanaWorld
	stores  []*store
	named   map[string]*store
	configs map[string]StoreConfig // by store, where one is laid down
	lastID  int64                  // of Shopify's, which are unique over all stores

	faults   faultList
	requests requestCount
}

// NewWorld returns a world with the stores of opts and nothing in them.
func NewWorld(opts Options) *World {
	w := &World{
		clock: opts.Now,
		dice:  rand.New(rand.NewPCG(opts.Seed, 0x5eed)), // #nosec G404 -- a repeatable game, no secret
		named: make(map[string]*store), configs: make(map[string]StoreConfig),
		lastID: 60_000_000_000,
	}
	if w.clock == nil {
		w.clock = time.Now
	}
	w.katana.open(opts)
	if len(opts.Stores) == 0 {
		opts.Stores = []StoreOptions{{}}
	}
	for _, o := range opts.Stores {
		s := newStore(w, o)
		w.stores = append(w.stores, s)
		w.named[s.name] = s
	}
	return w
}

// now reads the world's clock.
func (w *World) now() time.Time { return w.clock() }

// lock takes the world and plays the scheduled events that are due.
func (w *World) lock() {
	w.mu.Lock()
	w.playDue(w.clock())
}

// stamp is the time that is written on what changes now: that of the
// scheduled event being played, else the clock's. Call it with the lock.
func (w *World) stamp() time.Time {
	if !w.playing.IsZero() {
		return w.playing.UTC()
	}
	return w.clock().UTC()
}

// newID draws the next of Shopify's ids.
func (w *World) newID() int64 {
	w.lastID++
	return w.lastID
}

// store finds a store by its name; "" is the first one.
func (w *World) store(name string) (*store, error) {
	if name == "" {
		return w.stores[0], nil
	}
	if s, ok := w.named[name]; ok {
		return s, nil
	}
	return nil, fmt.Errorf("no store is named %q", name)
}

// Stores lists the names of the stores in the order of the options.
func (w *World) Stores() []string {
	names := make([]string, len(w.stores))
	for i, s := range w.stores {
		names[i] = s.name
	}
	return names
}

// requestCount counts requests by API and remembers nothing else of them.
type requestCount struct {
	mu    sync.Mutex
	count map[string]int
}

func (c *requestCount) add(api string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count == nil {
		c.count = make(map[string]int)
	}
	c.count[api]++
}

// Requests tells how many requests reached an API: "katana", "shopify/NAME",
// or "shopify" for all stores together. Requests that a fault answered count.
func (w *World) Requests(api string) int {
	w.requests.mu.Lock()
	defer w.requests.mu.Unlock()
	total := w.requests.count[api]
	if api == "shopify" {
		for _, s := range w.stores {
			total += w.requests.count["shopify/"+s.name]
		}
	}
	return total
}

// KatanaFigures tells what Katana holds of a variant at a location: exact
// decimals without trailing zeros; potential is "" for what is not a kit. All
// are "" when there is no such variant or location.
func (w *World) KatanaFigures(sku, location string) (inStock, committed, potential string) {
	w.lock()
	defer w.mu.Unlock()
	v, l := w.katana.find(sku), w.katana.location(location)
	if v == nil || l == nil {
		return "", "", ""
	}
	figures := w.katana.figures(v, l)
	if figures.isKit {
		potential = units(figures.potential).String()
	}
	return figures.inStock.String(), figures.committed.String(), potential
}

// KatanaAvailable is in stock less committed, with the potential of kits
// added, in whole pieces rounded down.
func (w *World) KatanaAvailable(sku, location string) (int, bool) {
	w.lock()
	defer w.mu.Unlock()
	v, l := w.katana.find(sku), w.katana.location(location)
	if v == nil || l == nil {
		return 0, false
	}
	return w.katana.figures(v, l).available(), true
}

// Available tells what a store says it can sell of a SKU at a location, which
// is given by name or GID. It is false where no active level is.
func (w *World) Available(store, sku, location string) (int, bool) {
	l := w.level(store, sku, location)
	return l.Available, l.Active
}

// LevelFigures is one inventory level of a store.
type LevelFigures struct {
	Available, Committed, OnHand int
	Exists, Active               bool
}

// Level tells all about one level. Of several variants with the same SKU it
// takes the oldest.
func (w *World) Level(store, sku, location string) LevelFigures { return w.level(store, sku, location) }

func (w *World) level(storeName, sku, location string) LevelFigures {
	w.lock()
	defer w.mu.Unlock()
	s, err := w.store(storeName)
	if err != nil {
		return LevelFigures{}
	}
	l := s.level(sku, location)
	if l == nil {
		return LevelFigures{}
	}
	return LevelFigures{Available: l.available, Committed: l.committed, OnHand: l.onHand(), Exists: true, Active: l.active}
}

// Write is one level that inventorySetQuantities has set.
type Write struct {
	SKU      string
	Item     string // GID
	Location string // GID
	Name     string // "available" or "on_hand"
	Key      string // of the idempotent directive
	From, To int
	Checked  bool // whether changeFromQuantity was a number
	At       time.Time
}

// Writes lists the levels that inventorySetQuantities has set in a store, the
// oldest first, those that were at their value already included.
func (w *World) Writes(store string) []Write {
	w.lock()
	defer w.mu.Unlock()
	s, err := w.store(store)
	if err != nil {
		return nil
	}
	return slices.Clone(s.writes)
}

// Mutations tells how many calls of inventorySetQuantities a store has
// carried out; refused and replayed ones do not count.
func (w *World) Mutations(store string) int {
	w.lock()
	defer w.mu.Unlock()
	s, err := w.store(store)
	if err != nil {
		return 0
	}
	return s.mutations
}
