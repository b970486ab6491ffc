package reconcile_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/state"
)

// katana is a source in memory.
type katana struct {
	locations []inventory.SourceLocation
	variants  []inventory.SourceVariant
	stock     map[inventory.StockKey]inventory.Stock
	orders    []inventory.SourceOrder
	fail      error
	reads     int
	calls     []string // in their order

	open                  []inventory.SourceOrder
	openReads, openFailAt int
	openFail              error
	between               func() // what happens after the first read of open orders

	asked         []inventory.SourceVariantID // for their inventory
	failCatalogue error
	stockFail     error // of the inventory
	// stockFailAfter is how many reads of it go well before.
	stockFailAfter int
	spare          func(time.Duration) int // nil: more than enough
	feedFail       error

	now    func() time.Time
	named  map[inventory.SourceVariantID]time.Time // by a feed, and when
	edited time.Time                               // the catalogue
	// editedAt is when single variants were.
	editedAt map[inventory.SourceVariantID]time.Time

	ahead       time.Duration // of our clock
	recipes     []inventory.Ingredient
	recipesFail error
}

func (k *katana) Locations(context.Context) ([]inventory.SourceLocation, error) {
	k.calls = append(k.calls, "locations")
	return k.locations, k.fail
}

func (k *katana) Orders(_ context.Context, since time.Time) (orders []inventory.SourceOrder, _ error) {
	k.calls = append(k.calls, "orders")
	for _, o := range k.orders {
		if !o.Updated.Before(since) {
			orders = append(orders, o)
		}
	}
	return orders, k.fail
}

// OpenOrders takes every order that was imported as open.
func (k *katana) OpenOrders(_ context.Context, want func(inventory.SourceOrder) bool) (open []inventory.SourceOrder, _ error) {
	k.openReads++
	k.calls = append(k.calls, "open orders")
	if k.openFail != nil && k.openReads >= k.openFailAt {
		return nil, k.openFail
	}
	for _, o := range k.open {
		if want(o) {
			open = append(open, o)
		}
	}
	if k.openReads == 1 && k.between != nil {
		k.between()
	}
	return open, nil
}

func (k *katana) Catalogue(context.Context) ([]inventory.SourceVariant, error) {
	k.reads++
	k.calls = append(k.calls, "catalogue")
	return slices.Clone(k.variants), cmp.Or(k.fail, k.failCatalogue)
}

func (k *katana) Variants(_ context.Context, ids []inventory.SourceVariantID) (some []inventory.SourceVariant, _ error) {
	k.calls = append(k.calls, fmt.Sprint("variants ", ids))
	for _, v := range k.variants {
		if slices.Contains(ids, v.ID) {
			some = append(some, v)
		}
	}
	return some, k.fail
}

func (k *katana) Inventory(_ context.Context, at []inventory.SourceLocationID, variants []inventory.SourceVariantID) (stock []inventory.Stock, _ error) {
	k.reads++
	k.calls = append(k.calls, fmt.Sprint("inventory of ", variants))
	k.asked = append(k.asked, variants...)
	if k.stockFail != nil {
		if k.stockFailAfter--; k.stockFailAfter < 0 {
			return nil, k.stockFail
		}
	}
	for _, id := range variants {
		for _, location := range at {
			if row, has := k.stock[inventory.StockKey{Variant: id, Location: location}]; has {
				stock = append(stock, row)
			}
		}
	}
	slices.SortFunc(stock, func(a, b inventory.Stock) int {
		return cmp.Or(cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Location, b.Location))
	})
	return stock, k.fail
}

// Changes names what was named since the last question that was taken in.
func (k *katana) Changes(_ context.Context, since inventory.Mark) (inventory.Changes, error) {
	k.calls = append(k.calls, "changes")
	changes := inventory.Changes{Mark: inventory.Mark{Feeds: map[string]inventory.FeedMark{"all": {Read: k.now()}}}}
	if since.IsZero() {
		return changes, k.fail
	}
	if k.feedFail != nil {
		return inventory.Changes{}, k.feedFail
	}
	for id, at := range k.named {
		if !at.Before(since.Feeds["all"].Read) {
			changes.Variants = append(changes.Variants, id)
		}
	}
	slices.Sort(changes.Variants)
	changes.Catalogue = k.edited.After(since.Feeds["all"].Read)
	for id, at := range k.editedAt {
		if at.After(since.Feeds["all"].Read) {
			changes.Edited = append(changes.Edited, id)
		}
	}
	slices.Sort(changes.Edited)
	return changes, k.fail
}
func (k *katana) Ahead() time.Duration { return k.ahead }

func (k *katana) Spare(within time.Duration) int {
	if k.spare != nil {
		return k.spare(within)
	}
	return 1000
}

func (k *katana) Recipes(_ context.Context, kits []inventory.SourceVariantID) (made []inventory.Ingredient, _ error) {
	k.calls = append(k.calls, fmt.Sprint("recipes of ", kits))
	for _, in := range k.recipes {
		if slices.Contains(kits, in.Product) {
			made = append(made, in)
		}
	}
	return made, k.recipesFail
}

// shop is a store in memory, with compare-and-set.
type shop struct {
	tells            bool // of its orders
	sales, toldSales []inventory.Sale

	levels map[inventory.Key]*inventory.Level
	fail   error
	calls  []string // in their order
	// updated is the levels as the last glance found them; deaf ones are not told
	// of by glances.
	updated map[inventory.Key]inventory.Level
	glances int64
	deaf    bool
	// refuse says why a line is refused; "" takes it.
	refuse func(inventory.Change) string
	// nameless makes refusals name no line.
	nameless bool
	// before and after are called around the effect of a write; an error of
	// after means that the answer is lost.
	before func([]inventory.Change)
	after  func() error
	batch  [][]inventory.Change // every batch that was asked for
	keys   []string
	writes int                // lines applied
	done   []inventory.Change // those lines

	locations []inventory.Location // nil: Shop and Market
	reading   func()               // what happens while the levels are read, after they were
	unstocked []inventory.Level    // items without any level
	activated []inventory.Key
	activate  func(inventory.Key) error // nil stocks the item
}

// Glance tells of the levels that are not as the glance before found them.
func (s *shop) Glance(_ context.Context, since time.Time) (inventory.Glance, error) {
	s.calls = append(s.calls, "glance")
	s.glances++
	glance := inventory.Glance{Locations: s.locations, Mark: time.Unix(s.glances, 0), Sales: inventory.Sales{Told: s.tells}}
	if s.tells && !since.IsZero() {
		glance.Sales.Sales = s.updatedSales()
	}
	if s.locations == nil {
		glance.Locations = []inventory.Location{{ID: 1, Name: "Shop", Active: true}, {ID: 2, Name: "Market", Active: true}}
	}
	for key, level := range s.levels {
		before, known := s.updated[key]
		switch {
		case since.IsZero() || s.deaf || known && before == *level:
		case known && before.Of() != level.Of():
			glance.Edited = append(glance.Edited, s.allOf(key.Item)...)
		default:
			glance.Levels = append(glance.Levels, *level)
		}
	}
	sortLevels(glance.Edited)
	glance.Edited = slices.CompactFunc(glance.Edited, func(a, b inventory.Level) bool { return a.Key == b.Key })
	s.updated = map[inventory.Key]inventory.Level{}
	for key, level := range s.levels {
		s.updated[key] = *level
	}
	sortLevels(glance.Levels)
	return glance, s.fail
}

// allOf lists the levels of an item.
func (s *shop) allOf(item inventory.ItemID) (levels []inventory.Level) {
	for key, level := range s.levels {
		if key.Item == item {
			levels = append(levels, *level)
		}
	}
	return levels
}

func sortLevels(levels []inventory.Level) {
	slices.SortFunc(levels, func(a, b inventory.Level) int { return a.Compare(b.Key) })
}

// Sales tells of the orders that are open, and of those updated since.
func (s *shop) Sales(_ context.Context, since time.Time) (inventory.Sales, error) {
	s.calls = append(s.calls, "sales")
	s.toldSales = slices.Clone(s.sales)
	told := slices.DeleteFunc(slices.Clone(s.sales), func(sale inventory.Sale) bool {
		open := slices.ContainsFunc(sale.Lines, func(line inventory.SaleLine) bool { return line.Open > 0 })
		return !open && sale.Updated.Before(since)
	})
	return inventory.Sales{Told: s.tells, Sales: told}, s.fail
}

// updatedSales tells of the orders that are not as they were told of before.
func (s *shop) updatedSales() (updated []inventory.Sale) {
	for _, sale := range s.sales {
		if !slices.ContainsFunc(s.toldSales, func(before inventory.Sale) bool { return reflect.DeepEqual(before, sale) }) {
			updated = append(updated, sale)
		}
	}
	s.toldSales = slices.Clone(s.sales)
	return updated
}

// Page gives 250 variants at a time.
func (s *shop) Page(_ context.Context, after inventory.VariantID) (page inventory.Page, err error) {
	s.calls = append(s.calls, "page")
	all, err := s.all()
	var variants []inventory.VariantID
	for _, level := range all {
		if level.Variant > after {
			variants = append(variants, level.Variant)
		}
	}
	slices.Sort(variants)
	variants = slices.Compact(variants)
	if page.End = len(variants) <= 250; !page.End {
		variants = variants[:250]
	}
	for _, level := range all {
		if slices.Contains(variants, level.Variant) {
			page.Levels = append(page.Levels, level)
		}
	}
	sortLevels(page.Levels)
	page.Updated = make([]time.Time, len(page.Levels))
	if s.deaf {
		for i := range page.Updated {
			page.Updated[i] = time.Unix(1, 0)
		}
	}
	if len(variants) > 0 {
		page.Last = variants[len(variants)-1]
	}
	return page, err
}

func (s *shop) Activate(_ context.Context, key inventory.Key, idempotency string) (inventory.Units, error) {
	s.keys = append(s.keys, idempotency)
	if s.activate != nil {
		if err := s.activate(key); err != nil {
			return 0, err
		}
	}
	level := s.levels[key]
	if level == nil {
		level = s.item(key)
	}
	if level.Active {
		return 0, &inventory.LineError{Message: "it is active already"}
	}
	s.activated = append(s.activated, key)
	level.Active, level.Available = true, 0
	s.levels[key] = level
	return 0, nil
}

// item is a level of an item that is sold somewhere else, or nowhere.
func (s *shop) item(key inventory.Key) *inventory.Level {
	for _, l := range s.unstocked {
		if l.Item == key.Item {
			l.Location, l.Unstocked = key.Location, false
			return &l
		}
	}
	for _, l := range s.levels {
		if l.Item == key.Item {
			other := *l
			other.Location, other.Active = key.Location, false
			return &other
		}
	}
	return &inventory.Level{Key: key}
}

func (s *shop) Observe(context.Context) (iter.Seq[[]inventory.Level], error) {
	s.calls = append(s.calls, "observe")
	levels, err := s.all()
	return inventory.ItemsOf(levels), err
}

// all lists all levels, and one at Nowhere for each item without any.
func (s *shop) all() (levels []inventory.Level, _ error) {
	for _, l := range s.levels {
		levels = append(levels, *l)
	}
	for _, l := range s.unstocked {
		if !slices.ContainsFunc(levels, func(other inventory.Level) bool { return other.Item == l.Item }) {
			levels = append(levels, l)
		}
	}
	sortLevels(levels)
	if s.reading != nil {
		s.reading()
	}
	return levels, s.fail
}

func (s *shop) Levels(_ context.Context, keys []inventory.Key) (levels []inventory.Level, _ error) {
	s.calls = append(s.calls, fmt.Sprint("levels of ", len(keys)))
	for _, key := range keys {
		if l, ok := s.levels[key]; ok {
			levels = append(levels, *l)
		}
	}
	return levels, s.fail
}

func (s *shop) Set(_ context.Context, batch inventory.Batch) ([]inventory.Outcome, error) {
	s.calls = append(s.calls, fmt.Sprint("set ", len(batch.Changes)))
	s.batch = append(s.batch, slices.Clone(batch.Changes))
	s.keys = append(s.keys, batch.Key)
	if s.before != nil {
		s.before(batch.Changes)
	}
	outcomes, good := make([]inventory.Outcome, len(batch.Changes)), true
	for i, change := range batch.Changes {
		outcomes[i] = inventory.Outcome{Change: change, Result: inventory.Unsent}
		level := s.levels[change.Key]
		why := ""
		if s.refuse != nil {
			why = s.refuse(change)
		}
		switch {
		case why != "" && s.nameless:
			return nil, &inventory.RefusedError{Code: why, Message: "some line"}
		case why != "" || level == nil:
			outcomes[i].Result, outcomes[i].Detail, good = inventory.Rejected, why, false
		case level.Available != change.From:
			outcomes[i].Result, good = inventory.Stale, false
		}
	}
	if !good {
		return outcomes, nil
	}
	for i, change := range batch.Changes {
		s.levels[change.Key].Available = change.To
		outcomes[i].Result = inventory.Applied
		s.writes++
		s.done = append(s.done, change)
	}
	if s.after != nil {
		if err := s.after(); err != nil {
			return nil, err
		}
	}
	return outcomes, nil
}

// world is one Katana and its stores, a clock, and a state file.
type world struct {
	t       *testing.T
	now     time.Time
	path    string
	ticking sync.Mutex // stores are looked at side by side
	katana  *katana
	shops   map[inventory.StoreName]*shop
	stores  []reconcile.Store
	guards  guard.Limits
	state   *state.Store
	r       *reconcile.Reconciler
	nextID  int64

	sweepAtLeast int
	log          *slog.Logger  // nil: silent
	off          time.Duration // by which our clock is wrong
}

const settle = 10 * time.Minute

// newWorld makes a world with one store whose two locations, Shop and Market,
// are fed by Katana's Main and Side.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), path: filepath.Join(t.TempDir(), "state.db"),
		katana: &katana{
			locations: []inventory.SourceLocation{{ID: 10, Name: "Main", SalesAllowed: true}, {ID: 20, Name: "Side", SalesAllowed: true}},
			stock:     map[inventory.StockKey]inventory.Stock{},
		},
		shops: map[inventory.StoreName]*shop{},
	}
	w.katana.now = w.clock
	w.addStore("main", inventory.ModeApply)
	return w
}

func (w *world) addStore(name inventory.StoreName, mode inventory.Mode) *shop {
	s := &shop{levels: map[inventory.Key]*inventory.Level{}}
	w.shops[name] = s
	w.stores = append(w.stores, reconcile.Store{
		Name: name, Shop: string(name) + ".myshopify.com", Mode: mode, Target: s,
		Choice: reconcile.Choice{Mapping: desired.Mapping{Locations: []desired.Pair{{Target: "Shop", Sources: []string{"Main"}}, {Target: "Market", Sources: []string{"Side"}}}}},
	})
	return s
}

// sku adds a SKU to Katana, with its stock at Main.
func (w *world) sku(sku inventory.SKU, inStock int64) inventory.SourceVariantID {
	w.nextID++
	id := inventory.SourceVariantID(w.nextID)
	w.katana.variants = append(w.katana.variants, inventory.SourceVariant{ID: id, SKU: sku})
	w.has(id, 10, inStock)
	w.has(id, 20, 0)
	return id
}

func (w *world) has(id inventory.SourceVariantID, at inventory.SourceLocationID, inStock int64) {
	w.katana.stock[inventory.StockKey{Variant: id, Location: at}] = inventory.Stock{Variant: id, Location: at, InStock: inventory.Quantity(inStock) * inventory.Scale}
}

// commit is the import of an order of a store: Katana commits the units.
func (w *world) commit(store inventory.StoreName, id inventory.SourceVariantID, units int64) {
	key := inventory.StockKey{Variant: id, Location: 10}
	row := w.katana.stock[key]
	row.Committed += inventory.Quantity(units) * inventory.Scale
	w.katana.stock[key] = row
	w.nextID++
	w.katana.orders = append(w.katana.orders, inventory.SourceOrder{
		ID: w.nextID, Status: "NOT_SHIPPED", Platform: "shopify", Store: string(store) + ".myshopify.com",
		Created: w.now, Updated: w.now, Location: 10,
		Rows: []inventory.SourceOrderRow{{ID: w.nextID, Variant: id, Location: 10, Quantity: inventory.Quantity(units) * inventory.Scale}},
	})
}

// level adds a level at Shop (or, where, at Market).
func (w *world) level(store inventory.StoreName, item int64, sku inventory.SKU, available int64, where ...inventory.LocationID) inventory.Key {
	key := inventory.Key{Store: store, Item: inventory.ItemID(item), Location: 1}
	if len(where) > 0 {
		key.Location = where[0]
	}
	w.shops[store].levels[key] = &inventory.Level{Key: key, SKU: sku, Available: inventory.Units(available), Active: true, Variant: inventory.VariantID(item)}
	return key
}

func (w *world) shows(key inventory.Key) inventory.Units {
	return w.shops[key.Store].levels[key].Available
}

func (w *world) sell(key inventory.Key, units int64) {
	w.shops[key.Store].levels[key].Available -= inventory.Units(units)
}

// start opens the state file and makes a reconciler; again, it is a restart.
func (w *world) start() {
	w.t.Helper()
	w.stop()
	var err error
	if w.state, err = state.Open(w.path, state.Options{Now: w.clock}); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(w.stop)
	w.with(w.state)
}

func (w *world) with(journal reconcile.Journal) {
	w.t.Helper()
	var err error
	w.r, err = reconcile.New(reconcile.Options{
		Source: w.katana, Stores: w.stores, Journal: journal, Guards: w.guards,
		Settle: settle, Quarantine: 24 * time.Hour, Now: w.ours, SweepAtLeast: w.sweepAtLeast, Log: w.log,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) stop() {
	if w.state != nil {
		_ = w.state.Close()
		w.state = nil
	}
}

func (w *world) clock() time.Time {
	w.ticking.Lock()
	defer w.ticking.Unlock()
	return w.now
}

// ours is what the clock of our machine shows.
func (w *world) ours() time.Time { return w.clock().Add(w.off) }

// setClock sets it wrong.
func (w *world) setClock(off time.Duration) { w.off, w.katana.ahead = off, -off }

func (w *world) pass(d time.Duration) {
	w.ticking.Lock()
	defer w.ticking.Unlock()
	w.now = w.now.Add(d)
}

// cycle runs one and fails the test on any error of it or of a store that is not
// made to fail.
func (w *world) cycle() *inventory.Report { return w.ask(reconcile.Request{Kind: inventory.Full}) }

func (w *world) ask(ask reconcile.Request) *inventory.Report {
	w.t.Helper()
	if w.r == nil {
		w.start()
	}
	w.pass(time.Second)
	report, err := w.r.Cycle(context.Background(), ask)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range report.Stores {
		if s.Error != "" && w.shops[s.Name].fail == nil {
			w.t.Fatalf("store %s: %s", s.Name, s.Error)
		}
	}
	return report
}

// settled runs a first cycle and lets one settle pass, so that raises no longer
// wait for it.
func (w *world) settled() *world {
	w.t.Helper()
	w.ask(reconcile.Request{Kind: inventory.Full, Dry: true})
	w.pass(settle)
	return w
}

// outcome is what a report says of a level: "applied drift 3→5", or "".
func outcome(report *inventory.Report, key inventory.Key) string {
	for _, s := range report.Stores {
		for _, c := range s.Changes {
			if s.Name == key.Store && c.Item == key.Item && c.LocationID == key.Location {
				return fmt.Sprintf("%s %s %d→%d", c.Outcome, c.Reason, c.From, c.To)
			}
		}
	}
	return ""
}

func (w *world) want(report *inventory.Report, key inventory.Key, want string) {
	w.t.Helper()
	if got := outcome(report, key); got != want {
		w.t.Errorf("%s: got %q, want %q", key, got, want)
	}
}

func (w *world) wantShown(key inventory.Key, want inventory.Units) {
	w.t.Helper()
	if got := w.shows(key); got != want {
		w.t.Errorf("%s shows %d, want %d", key, got, want)
	}
}

var errCut = errors.New("connection cut")
