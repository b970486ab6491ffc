package reconcile

import (
	"errors"
	"fmt"
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
	// SettleMax is how long units count that have left a shop with an order which
	// Katana does not have, and after which one that is still open is reported.
	SettleMax time.Duration
	// SweepWithin is how old Katana's figures may become that no feed names:
	// each is read again within this time, kits four times as often.
	SweepWithin time.Duration
	// SweepAtLeast is how many of them each incremental cycle reads, due or not.
	SweepAtLeast int
	// Quarantine is the longest that a level rests after Shopify refused its line.
	// The first rest is a 16th of it, and each refusal in a row doubles that.
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
	Name inventory.StoreName
	Shop string // such as acme.myshopify.com: how Katana's orders name it
	Mode inventory.Mode
	Choice
	// Canary holds the whole plan of the store while its SKU is not seen in its
	// range.
	Canary inventory.Canary
	Target Target
}

// Choice is what the config lets an owner choose of a store's figures.
type Choice struct {
	Mapping  desired.Mapping
	Rules    []desired.Rule // per SKU; the first that matches counts
	Orders   desired.Orders // which sales orders lower the stock
	Activate bool           // items are stocked at named locations where Katana has some
	// RefuseDuplicate makes it an error that one Katana location feeds several
	// locations of the store with stock; otherwise it is a note.
	RefuseDuplicate bool
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
	// Undo is a cycle whose writes are taken back, as far as the levels still show
	// them; nothing else is written then. 0 is none.
	Undo uint64
	// Compare has the report say what these choices would show instead.
	Compare map[inventory.StoreName]Choice
}

// Reconciler runs cycles, one at a time. It is not safe for concurrent use:
// the daemon's loop owns it.
type Reconciler struct {
	opts    Options
	paused  map[string]pause // APIs to leave alone for a while: a store's name, or "" for the source
	memory  map[inventory.StoreName]*memory
	views   map[inventory.StoreName]*cycleStore // the newest look at each store, for explanations
	kits    *desired.Kits                       // as of the newest full cycle, or of a feed
	made    []inventory.Ingredient              // what they were made of
	kitsOld bool                                // something has happened to them since
	mirror  *mirror                             // Katana as of the newest reads; nil: read it whole
	// recalled tells that the mirror is what the journal remembered, or newer.
	recalled bool
	open     openKept
	unheard  int             // questions in a row that the feeds did not answer
	deaf     map[string]bool // feeds that refuse us, as the log has said
	located  bool            // Katana's locations were read
	behind   backlog
}

type pause struct {
	until time.Time
	err   error
}

// memory is what the reconciler keeps of a store from cycle to cycle, as the
// journal holds it.
type memory struct {
	shelf *shelf
	inventory.Memory
	open  []inventory.OpenIntent
	feeds desired.Feeds // of the last cycle that could resolve them
	last  lastPlan
	tour  tour
	// doubtful tells that the journal refused something: what it really holds
	// must be read again.
	doubtful bool
	failing  time.Time // since when every cycle of this process failed for the store; zero when the last did not
}

// renamed lists units in flight once more where their item carries another SKU by
// now: Katana will take them from what it has under that one.
func (m *memory) renamed(entries []inventory.InFlight) (again []inventory.InFlight) {
	for _, e := range entries {
		if it, ok := m.shelf.items[e.Key.Item]; ok && it.SKU != e.SKU && it.SKU != "" {
			e.SKU = it.SKU
			again = append(again, e)
		}
	}
	return again
}

// lastPlan is what the newest plan of a store was made under: where that has
// changed, figures have moved that nothing else tells of.
type lastPlan struct {
	feeds    desired.Feeds
	excluded desired.Excluded
	flown    map[inventory.SKU]bool // were in flight somewhere
}

// New checks the options and makes a reconciler.
func New(opts Options) (*Reconciler, error) {
	switch {
	case opts.Source == nil || opts.Journal == nil:
		return nil, errors.New("reconcile: a source and a journal are needed")
	case opts.Settle <= 0:
		return nil, errors.New("reconcile: settle must be positive")
	}
	names := map[inventory.StoreName]bool{}
	for _, s := range opts.Stores {
		if names[s.Name] || s.Name == "" {
			return nil, fmt.Errorf("reconcile: store name %q is empty or stands twice", s.Name)
		}
		names[s.Name] = true
	}
	if opts.SettleMax <= 0 {
		opts.SettleMax = 24 * time.Hour
	}
	if opts.SweepWithin <= 0 {
		opts.SweepWithin = time.Hour
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	// What is kept in memory is to be what a restart would find: of the monotonic
	// clock the journal knows nothing.
	now := opts.Now
	opts.Now = func() time.Time { return now().Round(0) }
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Progress == nil {
		opts.Progress = func(string) {}
	}
	if opts.Requests == nil {
		opts.Requests = func() map[string]inventory.RequestCount { return nil }
	}
	return &Reconciler{
		opts:   opts,
		paused: map[string]pause{},
		memory: map[inventory.StoreName]*memory{},
		views:  map[inventory.StoreName]*cycleStore{},
		deaf:   map[string]bool{},
	}, nil
}

// remembered gives what is kept of a store, read from the journal once.
func (r *Reconciler) remembered(name inventory.StoreName) (*memory, error) {
	former, ok := r.memory[name]
	if ok && !former.doubtful {
		return former, nil
	}
	shelf := newShelf(name)
	kept, err := r.opts.Journal.Recall(name, shelf.restoreItem, shelf.restoreLevel)
	if err != nil {
		return nil, fmt.Errorf("state of store %s: %w", name, err)
	}
	guard.Found(&kept.Memory, kept.CutOff)
	shelf.restored(kept.Look)
	m := &memory{shelf: shelf, Memory: kept.Memory, open: kept.Open, tour: tourOf(kept.Look)}
	if ok { // else others would wait for a store as long as it panics
		m.failing = former.failing
	}
	r.memory[name] = m
	delete(r.views, name) // it is of the memory that was given up
	return m, nil
}

// recall reads what the journal remembers of Katana, once.
func (r *Reconciler) recall(source *inventory.SourceMemory) error {
	if r.recalled {
		return nil
	}
	kept, err := r.opts.Journal.Mirror()
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	if r.mirror, r.recalled = recall(&kept, source.Missing), true; r.mirror != nil {
		r.kits, r.made = desired.NewKits(kept.Head.Ingredients), kept.Head.Ingredients
	}
	return nil
}

// pausedFor gives the error for which an API is left alone, or nil.
func (r *Reconciler) pausedFor(api string, now time.Time) error {
	p, ok := r.paused[api]
	if !ok || !now.Before(p.until) {
		delete(r.paused, api)
		return nil
	}
	// Not wrapped: the pause that p.err asks for must not begin anew.
	return fmt.Errorf("not asked again before %s, but by a full cycle (SIGUSR1): %s", p.until.UTC().Format(time.RFC3339), p.err.Error())
}

// notePause remembers that an error asks for a pause.
func (r *Reconciler) notePause(api string, err error, now time.Time) {
	var p *inventory.PauseError
	if errors.As(err, &p) && p.For > 0 {
		r.paused[api] = pause{until: now.Add(p.For), err: err}
	}
}
