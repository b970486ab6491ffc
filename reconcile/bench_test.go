package reconcile_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/state"
)

// vast is a large shop on both sides. Its figures are worked out when they are
// asked for, so that nothing of it is in memory but what has been changed: what
// is measured beside it is the reconciler's.
type vast struct {
	skus   int
	now    time.Time
	stock  map[inventory.SourceVariantID]int64 // at every location, of those that were changed
	shows  map[inventory.Key]inventory.Units   // of those that were written or sold
	named  map[int]inventory.SKU               // items that carry another SKU in the store
	news   []inventory.SourceVariantID         // what the feeds name next
	edited []inventory.SourceVariantID         // and as edited

	placed   []inventory.Sale        // the open orders that the store tells of; none: it does not
	imported []inventory.SourceOrder // and Katana's

	written []inventory.Change // in the order in which they came

	asked map[string]int // questions, by kind
	spare int            // what Katana allows beside
}

// vastLocations is how many locations each SKU has, on both sides.
const vastLocations = 3

func newVast(levels int) *vast {
	return &vast{
		skus: (levels + vastLocations - 1) / vastLocations, now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		stock: map[inventory.SourceVariantID]int64{}, shows: map[inventory.Key]inventory.Units{}, asked: map[string]int{}, spare: 1000,
	}
}

func vastSKU(n int) inventory.SKU { return inventory.SKU(fmt.Sprintf("TEE-%06d-%c", n, 'A'+n%26)) }

// Ids lie as far apart as those of either side do.
const (
	firstVariant = 31_000_000
	firstItem    = 45_000_000_000_000
	itemsApart   = 32_768
)

func variantOf(n int) inventory.SourceVariantID { return inventory.SourceVariantID(firstVariant + n*3) }

func (v *vast) has(id inventory.SourceVariantID, at int) int64 {
	if n, changed := v.stock[id]; changed {
		return n
	}
	return (int64(id)*7 + int64(at)*3) % 40
}

func (v *vast) Locations(context.Context) (all []inventory.SourceLocation, _ error) {
	v.asked["katana"]++
	for at := range vastLocations {
		all = append(all, inventory.SourceLocation{ID: inventory.SourceLocationID(at + 1), Name: fmt.Sprint("Store ", at+1), SalesAllowed: true})
	}
	return all, nil
}

func (v *vast) Orders(_ context.Context, since time.Time) (orders []inventory.SourceOrder, _ error) {
	v.asked["katana"]++
	for _, order := range v.imported {
		if !order.Updated.Before(since) {
			orders = append(orders, order)
		}
	}
	return orders, nil
}

func (v *vast) OpenOrders(context.Context, func(inventory.SourceOrder) bool) ([]inventory.SourceOrder, error) {
	return nil, nil
}

func (v *vast) Catalogue(context.Context) ([]inventory.SourceVariant, error) {
	v.asked["katana"] += (v.skus + 249) / 250
	all := make([]inventory.SourceVariant, v.skus)
	for n := range all {
		all[n] = v.variant(n)
	}
	return all, nil
}

// variant is one of them: every tenth is a kit of the next one.
func (v *vast) variant(n int) inventory.SourceVariant {
	return inventory.SourceVariant{ID: variantOf(n), SKU: vastSKU(n), Created: time.Unix(1_700_000_000+int64(n), 0).UTC(), Kit: n%10 == 0}
}

func (v *vast) Variants(_ context.Context, ids []inventory.SourceVariantID) (some []inventory.SourceVariant, _ error) {
	v.asked["katana"] += (len(ids) + 249) / 250
	for _, id := range ids {
		some = append(some, v.variant(int(id-firstVariant)/3))
	}
	return some, nil
}

func (v *vast) Inventory(_ context.Context, at []inventory.SourceLocationID, variants []inventory.SourceVariantID) ([]inventory.Stock, error) {
	v.asked["katana"] += (len(variants)*len(at) + 249) / 250
	rows := make([]inventory.Stock, 0, len(variants)*len(at))
	for _, id := range variants {
		for _, location := range at {
			rows = append(rows, inventory.Stock{Variant: id, Location: location, InStock: inventory.Quantity(v.has(id, int(location))) * inventory.Scale})
		}
	}
	return rows, nil
}

func (v *vast) Changes(context.Context, inventory.Mark) (inventory.Changes, error) {
	v.asked["katana"] += 5
	news, edited := v.news, v.edited
	v.news, v.edited = nil, nil
	return inventory.Changes{Variants: news, Edited: edited, Mark: inventory.Mark{Feeds: map[string]inventory.FeedMark{"all": {Read: v.now}}}}, nil
}

func (v *vast) Ahead() time.Duration    { return 0 }
func (v *vast) Spare(time.Duration) int { return v.spare }

func (v *vast) Recipes(_ context.Context, kits []inventory.SourceVariantID) ([]inventory.Ingredient, error) {
	made := make([]inventory.Ingredient, len(kits))
	for i, id := range kits {
		made[i] = inventory.Ingredient{Product: id, Variant: id + 3, Quantity: inventory.Scale}
	}
	return made, nil
}

// level is one of them.
func (v *vast) level(n, at int) inventory.Level {
	item := inventory.ItemID(firstItem + n*itemsApart)
	key := inventory.Key{Store: "main", Item: item, Location: inventory.LocationID(at)}
	level := inventory.Level{Key: key, Variant: inventory.VariantID(item - 1_812_344_991), SKU: vastSKU(n), Active: true}
	if sku, other := v.named[n]; other {
		level.SKU = sku
	}
	if shows, changed := v.shows[key]; changed {
		level.Available = shows
	} else {
		level.Available = inventory.Units((int64(variantOf(n))*7 + int64(at)*3) % 40)
	}
	return level
}

func (v *vast) Glance(ctx context.Context, since time.Time) (glance inventory.Glance, err error) {
	v.asked["shopify"]++
	glance.Mark = v.now
	if glance.Sales, err = v.Sales(ctx, since); since.IsZero() {
		glance.Sales.Sales = nil // they are asked for
	}
	for at := range vastLocations {
		glance.Locations = append(glance.Locations, inventory.Location{ID: inventory.LocationID(at + 1), Name: fmt.Sprint("Shop ", at+1), Active: true})
	}
	return glance, err
}

func (v *vast) Page(_ context.Context, after inventory.VariantID) (page inventory.Page, _ error) {
	v.asked["shopify"]++
	first := 0
	if after > 0 {
		first = int(int64(after)+1_812_344_991-firstItem)/itemsApart + 1
	}
	last := min(first+250, v.skus)
	for n := first; n < last; n++ {
		for at := range vastLocations {
			page.Levels = append(page.Levels, v.level(n, at+1))
		}
	}
	page.Updated, page.End = make([]time.Time, len(page.Levels)), last == v.skus
	if len(page.Levels) > 0 {
		page.Last = page.Levels[len(page.Levels)-1].Variant
	}
	return page, nil
}

func (v *vast) Observe(context.Context) (iter.Seq[[]inventory.Level], error) {
	v.asked["shopify"]++
	return func(yield func([]inventory.Level) bool) {
		var levels []inventory.Level
		for n := range v.skus {
			levels = levels[:0]
			for at := range vastLocations {
				levels = append(levels, v.level(n, at+1))
			}
			if !yield(levels) {
				return
			}
		}
	}, nil
}

func (v *vast) Sales(_ context.Context, since time.Time) (inventory.Sales, error) {
	told := inventory.Sales{Told: len(v.placed) > 0}
	for _, sale := range v.placed {
		if !sale.Updated.Before(since) {
			told.Sales = append(told.Sales, sale)
		}
	}
	return told, nil
}

// open has the store tell of open orders, all but a few of which Katana has.
func (v *vast) open(orders int) {
	for n := range orders {
		at := v.now.Add(time.Duration(n-orders) * time.Minute)
		sale := inventory.Sale{ID: int64(5_000_000 + n), Name: fmt.Sprint("#", 1000+n), Created: at, Updated: at}
		order := inventory.SourceOrder{
			ID: int64(7_000_000 + n), Status: "NOT_SHIPPED", Platform: "shopify", Store: "main.myshopify.com", External: fmt.Sprint(sale.ID), Created: at, Updated: at,
		}
		for line := range 2 {
			level := v.level((n*13+line)%v.skus, 1)
			sale.Lines = append(sale.Lines, inventory.SaleLine{Item: level.Item, SKU: level.SKU, Location: level.Location, Open: 1})
			order.Rows = append(order.Rows, inventory.SourceOrderRow{ID: 2*order.ID + int64(line), Variant: variantOf((n*13 + line) % v.skus), Location: 1, Quantity: inventory.Scale})
		}
		v.placed = append(v.placed, sale)
		if n%100 != 0 {
			v.imported = append(v.imported, order)
		}
	}
}

// send is a unit that leaves the shop: of another order each time.
func (v *vast) send(cycle int) {
	sale := &v.placed[cycle%len(v.placed)]
	sale.Updated, sale.Lines = v.now.Add(30*time.Second), slices.Clone(sale.Lines)
	line := &sale.Lines[cycle/len(v.placed)%2]
	line.Open, line.Done = line.Done, line.Open
}

func (v *vast) Levels(_ context.Context, keys []inventory.Key) (levels []inventory.Level, _ error) {
	v.asked["shopify"]++
	for _, key := range keys {
		levels = append(levels, v.level(int(int64(key.Item)-firstItem)/itemsApart, int(key.Location)))
	}
	return levels, nil
}

func (v *vast) Set(_ context.Context, batch inventory.Batch) ([]inventory.Outcome, error) {
	v.asked["shopify"]++
	outcomes := make([]inventory.Outcome, len(batch.Changes))
	for i, change := range batch.Changes {
		outcomes[i] = inventory.Outcome{Change: change, Result: inventory.Stale}
		if v.level(int(int64(change.Item)-firstItem)/itemsApart, int(change.Location)).Available == change.From {
			v.shows[change.Key], outcomes[i].Result = change.To, inventory.Applied
			v.written = append(v.written, change)
		}
	}
	return outcomes, nil
}

func (v *vast) Activate(context.Context, inventory.Key, string) (inventory.Units, error) {
	return 0, &inventory.LineError{Message: "it is active already"}
}

// kept is a journal in memory that keeps what it is given.
type kept struct {
	cycle, intents uint64
	source         inventory.SourceMemory
	store          inventory.StoreMemory
	mirror         map[inventory.SourceVariantID]time.Time
	head           *inventory.SourceHead
	report         *inventory.Report
}

func newKept() *kept {
	return &kept{
		mirror: map[inventory.SourceVariantID]time.Time{},
		store:  inventory.StoreMemory{Levels: map[inventory.Key]inventory.Seen{}, Items: map[inventory.ItemID]inventory.Item{}},
	}
}

func (k *kept) Begin() (uint64, error) {
	k.cycle++
	return k.cycle, nil
}

func (k *kept) Source() (inventory.SourceMemory, error) { return k.source, nil }
func (k *kept) Mirror() (inventory.SourceMirror, error) { return inventory.SourceMirror{}, nil }
func (k *kept) Recall(inventory.StoreName, func(inventory.Item), func(inventory.Key, inventory.Seen)) (inventory.StoreMemory, error) {
	return inventory.StoreMemory{}, nil
}
func (k *kept) Writes(inventory.Key) ([]inventory.PastWrite, error) { return nil, nil }
func (k *kept) Wrote(uint64) ([]inventory.Change, error)            { return nil, nil }

func (k *kept) Read(part inventory.SourceRead) error {
	maps.Copy(k.mirror, part.Read)
	if part.Head != nil {
		k.head = part.Head
	}
	return nil
}

func (k *kept) Observe(_ inventory.StoreName, seen inventory.Observation) error {
	maps.Copy(k.store.Levels, seen.Levels)
	for _, item := range seen.Items {
		k.store.Items[item.ID] = item
	}
	k.store.Memory = seen.Memory
	return nil
}

func (k *kept) Intend(inventory.Intent) (uint64, error) {
	k.intents++
	return k.intents, nil
}

func (k *kept) Settle(_ inventory.StoreName, found inventory.Settled) error {
	maps.Copy(k.store.Levels, found.Levels)
	return nil
}

func (k *kept) Finish(end inventory.Finish) error {
	k.source, k.report = end.Source, end.Report
	return nil
}

// reconciler makes one for the shop. The sweep reads at least 250 variants a
// cycle, as the daemon has it, and not more: it is the same whatever the size.
func (v *vast) reconciler(t testing.TB, journal reconcile.Journal) *reconcile.Reconciler {
	t.Helper()
	mapping := desired.Mapping{}
	for at := range vastLocations {
		mapping.Locations = append(mapping.Locations, desired.Pair{Target: fmt.Sprint("Shop ", at+1), Sources: []string{fmt.Sprint("Store ", at+1)}})
	}
	r, err := reconcile.New(reconcile.Options{
		Source: v, Journal: journal, Settle: settle, Quarantine: 24 * time.Hour, SweepAtLeast: 250, SweepWithin: 1000 * time.Hour,
		Now:    func() time.Time { return v.now },
		Stores: []reconcile.Store{{Name: "main", Shop: "main.myshopify.com", Mode: inventory.ModeApply, Target: v, Choice: reconcile.Choice{Mapping: mapping}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// runs runs a cycle that must find no error.
func (v *vast) runs(t testing.TB, r *reconcile.Reconciler, kind inventory.Kind) *inventory.Report {
	t.Helper()
	v.now = v.now.Add(30 * time.Second)
	report, err := r.Cycle(context.Background(), reconcile.Request{Kind: kind})
	if err != nil || report.Stores[0].Error != "" {
		t.Fatal(err, report.Stores)
	}
	return report
}

func benchmarkIdleCycle(b *testing.B, levels int, journal reconcile.Journal, happens func(v *vast, cycle int)) {
	b.Helper()
	benchmarkCycle(b, newVast(levels), journal, happens)
}

func benchmarkCycle(b *testing.B, v *vast, journal reconcile.Journal, happens func(v *vast, cycle int)) {
	b.Helper()
	r := v.reconciler(b, journal)
	v.runs(b, r, inventory.Full)
	v.now = v.now.Add(settle)
	for range 5 { // what only the first ones do is no part of it
		v.runs(b, r, inventory.Incremental)
	}
	clear(v.asked)
	b.ReportAllocs()
	cycles := 0
	for b.Loop() {
		happens(v, cycles)
		v.runs(b, r, inventory.Incremental)
		cycles++
	}
	b.ReportMetric(float64(v.asked["katana"])/float64(cycles), "katana/op")
	b.ReportMetric(float64(v.asked["shopify"])/float64(cycles), "shopify/op")
}

func nothing(*vast, int) {}

// BenchmarkIdleCycle is an incremental cycle in which nothing has changed: the
// feeds are empty, 250 variants of the sweep and a glance at the store are read.
func BenchmarkIdleCycle(b *testing.B) {
	for _, levels := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(levels), func(b *testing.B) { benchmarkIdleCycle(b, levels, newKept(), nothing) })
	}
}

// BenchmarkOneChange is one in which a count in Katana has moved one SKU at all
// its locations: the feeds name it, and its levels are written.
func BenchmarkOneChange(b *testing.B) {
	for _, levels := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(levels), func(b *testing.B) {
			benchmarkIdleCycle(b, levels, newKept(), (*vast).count)
		})
	}
}

// count is a count in Katana: another SKU each time.
func (v *vast) count(cycle int) {
	id := variantOf(cycle * 7 % v.skus)
	v.stock[id] = 50 + int64(cycle%2)
	v.news = append(v.news, id)
}

// edit is an edit of a variant that leaves it as it is.
func (v *vast) edit(cycle int) { v.edited = append(v.edited, variantOf(cycle*7%v.skus)) }

// BenchmarkOneEdit is one in which a variant was edited, and is what it was.
func BenchmarkOneEdit(b *testing.B) {
	for _, levels := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(levels), func(b *testing.B) {
			benchmarkIdleCycle(b, levels, newKept(), (*vast).edit)
		})
	}
}

// BenchmarkIdleCycleWithAStateFile is the same two around the real state file,
// each transaction of it synced.
func BenchmarkIdleCycleWithAStateFile(b *testing.B) {
	for _, levels := range []int{1_000, 10_000, 100_000, 1_000_000} {
		for name, happens := range map[string]func(*vast, int){"idle": nothing, "one change": (*vast).count} {
			b.Run(fmt.Sprint(levels, " ", name), func(b *testing.B) {
				s, err := state.Open(filepath.Join(b.TempDir(), "state.db"), state.Options{})
				if err != nil {
					b.Fatal(err)
				}
				defer func() { _ = s.Close() }()
				benchmarkIdleCycle(b, levels, s, happens)
			})
		}
	}
}

// BenchmarkOpenOrders is a cycle of a store that tells of its orders, 2,000 of
// which are open: nothing has changed, or a unit of one has left the shop.
func BenchmarkOpenOrders(b *testing.B) {
	for name, happens := range map[string]func(*vast, int){"idle": nothing, "one is sent": (*vast).send} {
		b.Run(name, func(b *testing.B) {
			v := newVast(10_000)
			v.open(2000)
			benchmarkCycle(b, v, newKept(), happens)
		})
		b.Run(name+", with a state file", func(b *testing.B) {
			v := newVast(10_000)
			v.open(2000)
			s, err := state.Open(filepath.Join(b.TempDir(), "state.db"), state.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			benchmarkCycle(b, v, s, happens)
		})
	}
}
