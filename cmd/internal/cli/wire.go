package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"stocksyncd/clients/katana"
	"stocksyncd/clients/shopify"
	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/configs"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/state"
)

// rig is the program put together from one config around one state file.
type rig struct {
	config     *configs.Config
	store      *state.Store
	katana     *katana.Client
	shops      map[inventory.StoreName]*shopify.Client
	reconciler *reconcile.Reconciler
	schedule   cron.Schedule // of incremental cycles
	full       cron.Schedule
	now        func() time.Time
}

// sweepAtLeast fills one request to Katana for each of its locations.
const sweepAtLeast = 250

// assemble puts the program together. It sends nothing; secrets are resolved
// here, once, so that a missing one is a mistake of the config.
func (a *app) assemble(cfg *configs.Config, store *state.Store, log *slog.Logger, progress func(string)) (*rig, error) {
	r := &rig{config: cfg, store: store, now: a.Now, shops: map[inventory.StoreName]*shopify.Client{}}
	if err := a.connect(r, log); err != nil {
		return nil, err
	}
	lineage := &lineage{store: store}
	options := reconcile.Options{
		Source: r.boundKatana(lineage), Journal: store,
		Guards: guard.Limits{
			MinChanges: cfg.Guards.MinChanges, MaxChangedPercent: cfg.Guards.MaxChangedPercent,
			MaxZeroedPercent: cfg.Guards.MaxZeroedPercent, MaxShrinkPercent: cfg.Guards.MaxShrinkPercent,
			MaxRaisedUnits: inventory.Units(cfg.Guards.MaxRaisedUnits),
		},
		Settle: time.Duration(cfg.Sync.Settle), SettleMax: time.Duration(cfg.Sync.SettleMax), Quarantine: time.Duration(cfg.Quarantine.Expiry),
		SweepWithin: time.Duration(cfg.Sync.SweepWithin), SweepAtLeast: sweepAtLeast,
		Now: a.Now, Log: log, Requests: r.requests, Progress: progress,
	}
	for _, s := range cfg.Stores {
		options.Stores = append(options.Stores, r.storeOptions(s, lineage))
	}
	var err error
	if err = r.schedules(); err != nil {
		return nil, err
	}
	r.reconciler, err = reconcile.New(options)
	return r, err
}

// schedules reads the schedules, which the config's checks have let pass.
func (r *rig) schedules() error {
	wrong := func(key string, err error) error {
		return usageError{fmt.Errorf("%s: sync.%s: %w", r.config.Path, key, err)}
	}
	zone, err := time.LoadLocation(r.config.Sync.TimeZone) // "" is UTC
	if err != nil {
		return wrong("time_zone", err)
	}
	if r.schedule, err = configs.ParseSchedule(r.config.Sync.Schedule, zone); err != nil {
		return wrong("schedule", err)
	}
	if r.full, err = configs.ParseSchedule(r.config.Sync.FullSchedule, zone); err != nil {
		return wrong("full_schedule", err)
	}
	return nil
}

// connect makes the clients of both APIs. All secrets that are missing are
// named at once.
func (a *app) connect(r *rig, log *slog.Logger) error {
	if err := noCoreDump(); err != nil {
		log.Warn("a core dump would hold the tokens", "err", err)
	}
	cfg, version := r.config, thisBuild().Version
	var missing []error
	resolve := func(key string, ref *configs.SecretRef) func() string {
		if ref == nil {
			return nil
		}
		secret, err := ref.Resolve(a.Getenv)
		if err != nil {
			missing = append(missing, fmt.Errorf("%s: %w", key, err))
			return nil
		}
		return secret.Reveal
	}
	r.katana = katana.New(katana.Options{
		URL: cfg.Katana.URL, Key: resolve("katana.api_key", cfg.Katana.APIKey),
		PerMinute: cfg.Katana.RequestsPerMinute, Version: version, Now: a.Now,
	})
	for i, s := range cfg.Stores {
		key := fmt.Sprintf("stores[%d].", i)
		r.shops[inventory.StoreName(s.Name)] = shopify.New(shopify.Options{
			Store: inventory.StoreName(s.Name), Shop: s.Shop, URL: s.URL, APIVersion: s.APIVersion,
			Token: resolve(key+"access_token", s.AccessToken), ClientID: s.ClientID, ClientSecret: resolve(key+"client_secret", s.ClientSecret),
			BulkAbove: cfg.Sync.BulkAbove, Version: version, Log: log,
		})
	}
	if len(missing) > 0 {
		return usageError{fmt.Errorf("%s: %w", cfg.Path, errors.Join(missing...))}
	}
	return nil
}

// storeOptions is what the reconciler needs to know of a store.
func (r *rig) storeOptions(s configs.Store, lineage *lineage) reconcile.Store {
	name := inventory.StoreName(s.Name)
	return reconcile.Store{
		Name: name, Shop: s.Shop, Mode: s.EffectiveMode(r.config.Sync), Choice: choiceOf(s, r.config),
		Canary: inventory.Canary{SKU: inventory.TrimSKU(s.Canary.SKU), Min: inventory.Units(s.Canary.Min), Max: inventory.Units(s.Canary.Max)},
		Target: r.boundShop(name, lineage),
	}
}

// choiceOf is what a config chooses of a store's figures.
func choiceOf(s configs.Store, cfg *configs.Config) reconcile.Choice {
	return reconcile.Choice{Mapping: mappingOf(s), Rules: rulesOf(s), Orders: ordersOf(s, cfg), Activate: s.Activate, RefuseDuplicate: s.DuplicateStock == "refuse"}
}

func rulesOf(s configs.Store) (rules []desired.Rule) {
	for _, r := range s.Rules {
		rule := desired.Rule{
			Pattern: r.SKU, Buffer: inventory.Units(r.Buffer), MinToSell: inventory.Units(r.MinToSell), Skip: r.Skip,
		}
		if r.Max != nil {
			rule.Capped, rule.Max = true, inventory.Units(*r.Max)
		}
		rules = append(rules, rule)
	}
	return rules
}

// ordersOf is the choice of a store: which sales orders lower its stock.
func ordersOf(s configs.Store, cfg *configs.Config) desired.Orders {
	orders := desired.Orders{ShopifyOnly: s.CommittedOrders == "shopify"}
	for _, m := range s.ExcludeOrders {
		orders.Exclude = append(orders.Exclude, desired.Matcher{
			Source: m.Source, Platform: m.Platform, Store: m.StoreName, Customer: m.CustomerID, Location: m.Location, Number: m.OrderNumber,
		})
	}
	for _, served := range cfg.Stores {
		orders.Served = append(orders.Served, served.Shop)
	}
	return orders
}

func mappingOf(s configs.Store) desired.Mapping {
	mapping := desired.Mapping{Default: s.DefaultLocation}
	for _, pair := range s.Locations {
		mapping.Locations = append(mapping.Locations, desired.Pair{Target: pair.Shopify, Sources: pair.Katana})
	}
	for _, matcher := range s.ExcludeOrders {
		if matcher.Location != "" {
			mapping.Mentioned = append(mapping.Mentioned, matcher.Location)
		}
	}
	return mapping
}

// requests gives the running totals of all APIs, as reports name them.
func (r *rig) requests() map[string]inventory.RequestCount {
	totals := map[string]inventory.RequestCount{"katana": r.katana.Counts()}
	for name, client := range r.shops {
		totals["shopify/"+string(name)] = client.Counts()
	}
	return totals
}

// setup is the rig as the daemon drives it.
func (r *rig) setup() *daemon.Setup {
	return &daemon.Setup{
		Cycler: r.reconciler, Schedule: r.schedule, Full: r.full,
		Path: absolute(r.config.Path), Config: r.config.Digest(), Memory: memory{r.config, r.store, r.now},
		Activity: func() int {
			sum := 0
			for _, count := range r.requests() {
				sum += count.Count
			}
			return sum
		},
	}
}

// memory is the state file as status shows it.
type memory struct {
	config *configs.Config
	store  *state.Store
	now    func() time.Time
}

func (m memory) Last() (*inventory.Report, error) { return m.store.Last() }

func (m memory) Stores() (modes []daemon.StoreMode) {
	for _, s := range m.config.Stores {
		modes = append(modes, daemon.StoreMode{Name: inventory.StoreName(s.Name), Mode: s.EffectiveMode(m.config.Sync)})
	}
	return modes
}

func (m memory) Memory(name inventory.StoreName) (inventory.Memory, error) {
	return m.store.Memory(name)
}

func (m memory) Sold(name inventory.StoreName, ledger *inventory.Ledger) (units inventory.Units, overdue []inventory.OverdueSale) {
	now, terms := m.now(), terms(m.config)
	for _, entry := range flight.Entries(ledger, name, now, terms) {
		units += entry.Units
	}
	for _, late := range flight.Overdue(ledger, now, terms) {
		overdue = append(overdue, late.Report(name))
	}
	return units, overdue
}

// terms says how long units count whose order is slow to reach Katana.
func terms(cfg *configs.Config) flight.Terms {
	return flight.Terms{Settle: time.Duration(cfg.Sync.Settle), SettleMax: time.Duration(cfg.Sync.SettleMax)}
}

func (m memory) Lineage() (string, error) {
	lineage, err := m.store.Lineage()
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(lineage)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// blank is a state file that is not there yet.
type blank struct{ memory }

func (blank) Last() (*inventory.Report, error) { return nil, nil }
func (blank) Lineage() (string, error)         { return "", nil }
func (blank) Memory(inventory.StoreName) (inventory.Memory, error) {
	return inventory.Memory{}, nil
}

// openState opens the state file of a config for ourselves.
func (a *app) openState(cfg *configs.Config) (*state.Store, error) {
	return state.Open(cfg.State.Path, a.stateOptions(cfg))
}

// lookAtState opens the state file for reading only. One that is not there, or
// in which nothing is yet, remembers nothing.
func (a *app) lookAtState(cfg *configs.Config) (*state.Store, error) {
	info, err := os.Stat(cfg.State.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		return state.Blank(cfg.State.Path), nil
	}
	options := a.stateOptions(cfg)
	options.ReadOnly = true
	return state.Open(cfg.State.Path, options)
}

func (a *app) stateOptions(cfg *configs.Config) state.Options {
	return state.Options{Timeout: stateTimeout, KeepHistory: time.Duration(cfg.State.KeepHistory), Now: a.Now}
}

// stateTimeout is how long to wait for a command that is about to end; the
// daemon holds the file for good, and is asked instead.
const stateTimeout = 500 * time.Millisecond

// readState opens the state file for reading.
func (a *app) readState(cfg *configs.Config) (daemon.Memory, func() error, error) {
	if _, err := os.Stat(cfg.State.Path); errors.Is(err, fs.ErrNotExist) {
		return blank{memory{config: cfg, now: a.Now}}, func() error { return nil }, nil
	}
	store, err := a.lookAtState(cfg)
	if err != nil {
		return nil, nil, err
	}
	return memory{cfg, store, a.Now}, store.Close, nil
}

// lineage binds the state file to the accounts it is of. That needs an answer
// of each, and one that is down must stop neither the start nor the others: so
// it happens before the first read of each, in a cycle.
type lineage struct {
	mu    sync.Mutex
	store *state.Store
}

// once asks an account who it is and binds the state file to it, the first
// time that this goes well. A file that is only looked at is compared.
func (l *lineage) once(identity func(context.Context) (state.Lineage, error)) func(context.Context) error {
	bound := false
	return func(ctx context.Context) error {
		l.mu.Lock()
		done := bound
		l.mu.Unlock()
		if done {
			return nil
		}
		found, err := identity(ctx)
		if err != nil {
			return err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if err := l.store.Bind(found); err != nil {
			return err
		}
		bound = true
		return nil
	}
}

// boundKatana is Katana, once the state file is bound to the account.
func (r *rig) boundKatana(lineage *lineage) *boundSource {
	return &boundSource{Source: r.katana, bind: lineage.once(func(ctx context.Context) (state.Lineage, error) {
		account, _, err := r.katana.Account(ctx)
		return state.Lineage{Katana: account}, err
	})}
}

// boundShop is a store, once the state file is bound to it.
func (r *rig) boundShop(name inventory.StoreName, lineage *lineage) *boundTarget {
	client := r.shops[name]
	return &boundTarget{Target: client, bind: lineage.once(func(ctx context.Context) (state.Lineage, error) {
		id, err := client.Identity(ctx)
		return state.Lineage{Stores: map[inventory.StoreName]string{name: id}}, err
	})}
}

// boundSource reads Katana once it is known to be the account of the state
// file. A cycle asks what has changed first, or for the locations.
type boundSource struct {
	reconcile.Source
	bind func(context.Context) error
}

// Locations lists the live locations of the right account.
func (s *boundSource) Locations(ctx context.Context) ([]inventory.SourceLocation, error) {
	if err := s.bind(ctx); err != nil {
		return nil, err
	}
	return s.Source.Locations(ctx)
}

// Changes tells what has changed in the right account.
func (s *boundSource) Changes(ctx context.Context, since inventory.Mark) (inventory.Changes, error) {
	if err := s.bind(ctx); err != nil {
		return inventory.Changes{}, err
	}
	return s.Source.Changes(ctx, since)
}

// boundTarget is boundSource for a store. Whatever a cycle asks first, a write
// even, waits until the store is known.
type boundTarget struct {
	reconcile.Target
	bind func(context.Context) error
}

// Glance tells of the locations and the news of the right store.
func (t *boundTarget) Glance(ctx context.Context, since time.Time) (inventory.Glance, error) {
	if err := t.bind(ctx); err != nil {
		return inventory.Glance{}, err
	}
	return t.Target.Glance(ctx, since)
}

// Page reads a part of the right store.
func (t *boundTarget) Page(ctx context.Context, after inventory.VariantID) (inventory.Page, error) {
	if err := t.bind(ctx); err != nil {
		return inventory.Page{}, err
	}
	return t.Target.Page(ctx, after)
}

// Levels reads levels of the right store.
func (t *boundTarget) Levels(ctx context.Context, keys []inventory.Key) ([]inventory.Level, error) {
	if err := t.bind(ctx); err != nil {
		return nil, err
	}
	return t.Target.Levels(ctx, keys)
}

// Set writes to the right store.
func (t *boundTarget) Set(ctx context.Context, batch inventory.Batch) ([]inventory.Outcome, error) {
	if err := t.bind(ctx); err != nil {
		return nil, err
	}
	return t.Target.Set(ctx, batch)
}

// Activate stocks an item in the right store.
func (t *boundTarget) Activate(ctx context.Context, key inventory.Key, idempotency string) (inventory.Units, error) {
	if err := t.bind(ctx); err != nil {
		return 0, err
	}
	return t.Target.Activate(ctx, key, idempotency)
}
