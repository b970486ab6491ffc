package cli

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

var (
	bazaarDays = flag.Int("days", 0, "shop-days that TestBazaar runs; 0 is a quarter of one with the orders of the stores known, and of one without")
	bazaarSeed = flag.Uint64("seed", 1, "of the shop-days")
)

// bazaar is two shops on one Katana, with the whole program between them over
// HTTP, and the account of what it raises into oversell. The account is that of
// the towns of package reconcile, kept from what the sandbox says of itself: a
// raise is held against what was sellable by the orders that were placed before
// its cycle began.
//
// Without the orders of the stores, a sale near a rise of the same level (a figure
// edited up, an order given back to stock) may not show; what is raised too far
// because of that is counted apart.
type bazaar struct {
	*whole
	dice     *rand.Rand
	told     bool
	mu       sync.Mutex // requests are sent side by side
	deals    []deal     // to come, sorted
	late     []deal     // adjustments that came during a cycle
	cycling  bool
	begun    time.Time // the cycle
	calls    int       // until the process is gone; below 0 it is not
	counters []counted
	gids     map[string]string // locations by their GID
	known    map[string]int    // writes of a store that are accounted
	placed   map[string]*placed
	bazaarAccount
}

// bazaarAccount is what came of it.
type bazaarAccount struct {
	days                            float64
	orders, cycles, crashes, faults int
	writes, raises, raised, masked  int
	requests                        int
	sellable, lacking, hidden       float64
	wrong                           []string
}

// counted is a level, as it was when it was accounted last.
type counted struct {
	store, sku, location string
	at                   time.Time
	offered, right, left int
	rose, sold           []moved
}

// moved is units and when they moved.
type moved struct {
	at    time.Time
	units int
}

// deal is something that happens.
type deal struct {
	at    time.Time
	what  string
	level int
	units int
	order string
}

// placed is an order that a store took.
type placed struct {
	level, units             int
	imported, packed, called bool
}

const (
	bazaarSKUs   = 50
	bazaarOrders = 235 // a day, of which some 200 find what they want
	bazaarSettle = 10 * time.Minute
)

// newBazaar opens the shops; it must be made inside a bubble.
func newBazaar(t *testing.T, seed uint64, told bool, length time.Duration) *bazaar {
	scopes := []string(nil)
	if !told {
		scopes = []string{"read_products", "read_inventory", "write_inventory", "read_locations"}
	}
	world := sandbox.NewWorld(sandbox.Options{Seed: seed, KatanaPerMinute: 60, Stores: []sandbox.StoreOptions{
		{Name: "main", Scopes: scopes}, {Name: "outlet", Scopes: scopes},
	}})
	d := &bazaar{
		dice: rand.New(rand.NewPCG(seed, 0x7ade)), told: told, calls: -1, //nolint:gosec // to be repeated
		gids: map[string]string{}, known: map[string]int{}, placed: map[string]*placed{},
	}
	places := []struct{ store, location string }{{"main", "Oslo"}, {"main", "Bergen"}, {"outlet", "Oslo"}}
	for _, name := range []string{"Oslo", "Bergen"} {
		world.AddLocation(sandbox.KatanaLocation{Name: name})
	}
	for _, at := range places {
		id, err := world.AddStoreLocation(at.store, sandbox.StoreLocation{Name: at.location})
		if err != nil {
			t.Fatal(err)
		}
		d.gids[id] = at.location
	}
	for i := range bazaarSKUs {
		d.stock(t, world, fmt.Sprintf("SKU-%02d", i), places)
	}
	d.whole = newWhole(t, world, desired.Mapping{})
	for i, s := range d.stores {
		for _, at := range places {
			if at.store == string(s.Name) {
				d.stores[i].Mapping.Locations = append(d.stores[i].Mapping.Locations, desired.Pair{Target: at.location, Sources: []string{at.location}})
			}
		}
	}
	d.latency, d.sweep, d.settle = 150*time.Millisecond, sweepAtLeast, bazaarSettle
	d.asking, d.answered = d.beforeRequest, d.afterRequest
	d.start()
	d.drawDeals(length)
	return d
}

// stock adds a SKU to both sides.
func (d *bazaar) stock(t *testing.T, world *sandbox.World, sku string, places []struct{ store, location string }) {
	t.Helper()
	has := map[string]int{"Oslo": 3 + d.dice.IntN(60), "Bergen": 3 + d.dice.IntN(60)}
	in := map[string]string{}
	for name, n := range has {
		in[name] = strconv.Itoa(n)
	}
	if _, err := world.AddProduct(sandbox.Product{Name: sku, Variants: []sandbox.Variant{{SKU: sku, Stock: in}}}); err != nil {
		t.Fatal(err)
	}
	for _, store := range world.Stores() {
		var levels []sandbox.Level
		for _, at := range places {
			if at.store == store {
				levels = append(levels, sandbox.Level{Location: at.location, Available: has[at.location]})
				d.counters = append(d.counters, counted{store: store, sku: sku, location: at.location, at: time.Now(), offered: has[at.location], right: has[at.location]})
			}
		}
		if _, err := world.AddListing(store, sandbox.Listing{SKU: sku, Product: sku, Levels: levels}); err != nil {
			t.Fatal(err)
		}
	}
}

// drawDeals draws what happens, but for what follows from it.
func (d *bazaar) drawDeals(length time.Duration) {
	some := func(daily int, what string, units func() int) {
		for range int(float64(daily) * float64(length) / float64(24*time.Hour)) {
			sku := d.dice.IntN(bazaarSKUs)
			if d.dice.IntN(5) > 0 {
				sku %= 5
			}
			d.deals = append(d.deals, deal{
				at: time.Now().Add(time.Duration(d.dice.Int64N(int64(length)))), what: what, level: 3*sku + d.dice.IntN(3), units: units(),
			})
		}
	}
	some(bazaarOrders, "sale", func() int { return 1 + d.dice.IntN(4)/2 })
	some(12, "edit", func() int { return d.dice.IntN(13) - 6 })
	some(20, "adjustment", func() int { return d.dice.IntN(9) - 4 })
	some(25, "adjustment", func() int { return 10 + d.dice.IntN(30) })
	slices.SortStableFunc(d.deals, earlier)
}

func earlier(a, b deal) int { return a.at.Compare(b.at) }

// later adds a deal.
func (d *bazaar) later(after time.Duration, what, order string) {
	one := deal{at: time.Now().Add(after), what: what, order: order}
	i, _ := slices.BinarySearchFunc(d.deals, one, func(a, b deal) int { return cmp.Or(earlier(a, b), -1) })
	d.deals = slices.Insert(d.deals, i, one)
}

// lag is how long an import takes: as often less than a minute as more.
func (d *bazaar) lag() time.Duration {
	most := bazaarSettle.Seconds()
	if d.told {
		most = (72 * time.Hour).Seconds()
	}
	return time.Duration(math.Exp(math.Log(5)+d.dice.Float64()*math.Log(most/5)) * float64(time.Second))
}

// play lets everything happen that is due.
func (d *bazaar) play() {
	for len(d.deals) > 0 && !d.deals[0].at.After(time.Now()) {
		one := d.deals[0]
		d.deals = d.deals[1:]
		if one.what == "adjustment" && d.cycling { // the cycle has read the stock before it
			d.late = append(d.late, one)
			continue
		}
		d.happen(one)
	}
}

// happen has the lock.
func (d *bazaar) happen(one deal) {
	if p := d.placed[one.order]; p != nil {
		d.goesOn(one, p)
		return
	}
	l := &d.counters[one.level]
	d.account(l.sku)
	shows, _ := d.world.Available(l.store, l.sku, l.location)
	switch one.what {
	case "sale":
		if shows < one.units {
			return
		}
		d.orders++
		name := fmt.Sprint("#", 1000+d.orders)
		d.placed[name] = &placed{level: one.level, units: one.units}
		l.sold = append(l.sold, moved{time.Now(), one.units})
		d.do(sandbox.OrderPlaced{
			Store: l.store, Order: name, Location: l.location, Lines: []sandbox.Line{{SKU: l.sku, Quantity: strconv.Itoa(one.units)}}, Import: sandbox.Import{Never: true},
		})
		d.later(d.lag(), "import", name)
		if d.dice.IntN(10) == 0 {
			d.later(time.Duration(1+d.dice.IntN(3600))*time.Second, "cancellation", name)
		}
	case "edit":
		if one.units > 0 {
			l.rose = append(l.rose, moved{time.Now(), one.units})
		}
		d.do(sandbox.HandEdit{Store: l.store, SKU: l.sku, Location: l.location, Available: max(0, shows+one.units)})
	case "adjustment":
		inStock, _, _ := d.world.KatanaFigures(l.sku, l.location)
		has, err := strconv.Atoi(inStock)
		if err != nil {
			d.t.Fatal(err)
		}
		d.do(sandbox.StockAdjusted{SKU: l.sku, Location: l.location, To: strconv.Itoa(max(0, has+one.units))})
	}
	d.account(l.sku)
}

// goesOn lets happen what follows a sale.
func (d *bazaar) goesOn(one deal, p *placed) {
	l := &d.counters[p.level]
	d.account(l.sku)
	switch {
	case p.called:
		return
	case one.what == "import":
		p.imported = true
		d.do(sandbox.OrderImported{Store: l.store, Order: one.order})
		d.later(time.Duration(10+d.dice.IntN(600))*time.Minute, "packing", one.order)
	case one.what == "packing":
		p.packed = true
		d.do(sandbox.OrderPacked{Store: l.store, Order: one.order})
		d.later(time.Duration(1+d.dice.IntN(60))*time.Minute, "delivery", one.order)
	case one.what == "delivery":
		d.do(sandbox.OrderDelivered{Store: l.store, Order: one.order})
	case one.what == "cancellation" && !p.packed:
		p.called = true
		l.rose = append(l.rose, moved{time.Now(), p.units})
		d.do(sandbox.OrderCancelled{Store: l.store, Order: one.order})
	}
	d.account(l.sku)
}

// beforeRequest lets happen what is due, or tells that the process is gone.
func (d *bazaar) beforeRequest() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests++
	if d.calls == 0 {
		return errors.New("the process is gone")
	}
	if d.calls > 0 {
		d.calls--
	}
	d.play()
	return nil
}

// afterRequest accounts what has been written.
func (d *bazaar) afterRequest() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, store := range d.world.Stores() {
		if d.world.Mutations(store) == d.known[store] {
			continue
		}
		d.known[store] = d.world.Mutations(store)
		all := d.world.Writes(store)
		for _, one := range all[d.known[store+" lines"]:] {
			d.wrote(store, one)
		}
		d.known[store+" lines"] = len(all)
	}
}

// wrote holds a write against what can be sold.
func (d *bazaar) wrote(store string, one sandbox.Write) {
	location := d.gids[one.Location]
	d.account(one.SKU)
	if one.From == one.To {
		return
	}
	if d.writes++; one.To < one.From {
		return
	}
	d.raises++
	can, _ := d.world.Sellable(store, one.SKU, location, d.begun)
	over := one.To - max(one.From, can, 0)
	if over <= 0 {
		return
	}
	masked := min(over, d.unknowable(one.SKU))
	d.masked, d.raised = d.masked+masked, d.raised+over-masked
	if over > masked {
		d.wrong = append(d.wrong, fmt.Sprintf("%s: %s of %s at %s was raised from %d to %d, and %d can be sold",
			time.Now().Format("02 15:04:05"), one.SKU, store, location, one.From, one.To, can))
	}
}

// unknowable is the units of a SKU whose sale cannot have shown as a fall: there
// was a rise between the two looks around it. A busy program looks at every fourth
// cycle.
func (d *bazaar) unknowable(sku string) (units int) {
	if d.told {
		return 0
	}
	const looks = 4 * 6 * time.Minute
	for i := range d.counters {
		l := &d.counters[i]
		if l.sku != sku {
			continue
		}
		for _, sold := range l.sold {
			if time.Since(sold.at) > 2*bazaarSettle+looks {
				continue
			}
			for _, rose := range l.rose {
				if rose.at.Sub(sold.at).Abs() < looks {
					units += sold.units
					break
				}
			}
		}
	}
	return units
}

// account brings the levels of a SKU up to date.
func (d *bazaar) account(sku string) {
	for i := range d.counters {
		l := &d.counters[i]
		if l.sku != sku {
			continue
		}
		span := time.Since(l.at).Minutes()
		lacks := max(0, l.right-l.offered)
		l.left = min(l.left, lacks)
		d.sellable += span * float64(l.right)
		d.lacking += span * float64(lacks)
		d.hidden += span * float64(l.left)
		right, _ := d.world.Sellable(l.store, l.sku, l.location, time.Now())
		offered, _ := d.world.Available(l.store, l.sku, l.location)
		l.at, l.right, l.offered = time.Now(), max(0, right), max(0, offered)
		l.left = min(l.left, max(0, l.right-l.offered))
	}
}

// run lets time pass, with a cycle every few minutes.
func (d *bazaar) run(length time.Duration) *bazaarAccount {
	defer d.stop()
	end := time.Now().Add(length)
	every := time.Duration(120+d.dice.IntN(181)) * time.Second
	for time.Now().Before(end) {
		next := time.Now().Add(every - every/10 + time.Duration(d.dice.Int64N(int64(every/5))))
		for len(d.deals) > 0 && d.deals[0].at.Before(next) {
			d.pass(time.Until(d.deals[0].at))
			d.play()
		}
		d.pass(time.Until(next))
		d.oneCycle()
	}
	d.days = length.Hours() / 24
	return &d.bazaarAccount
}

// oneCycle runs a cycle, with what goes wrong in it.
func (d *bazaar) oneCycle() {
	faults := func() int { return 0 }
	crash := false
	switch luck := d.dice.IntN(100); {
	case luck < 4:
		faults = d.world.Inject(sandbox.Fault{
			API: []string{"katana", "shopify/main", "shopify/outlet"}[d.dice.IntN(3)], After: d.dice.IntN(5), Count: 1 + d.dice.IntN(3),
			Kind: []sandbox.FaultKind{sandbox.FaultStatus, sandbox.FaultThrottle, sandbox.FaultResetBefore, sandbox.FaultResetAfter, sandbox.FaultTruncate, sandbox.FaultMalformed}[d.dice.IntN(6)],
		})
	case luck < 6:
		crash, d.calls = true, 1+d.dice.IntN(12)
	}
	d.begun, d.cycling = time.Now(), true
	kind := inventory.Incremental
	if d.cycles++; d.cycles%200 == 1 {
		kind = inventory.Full
	}
	report := d.cycle(reconcile.Request{Kind: kind})
	hit := faults()
	d.faults += hit
	if !crash && hit == 0 {
		d.smooth(report)
	}
	d.world.ClearFaults()
	d.cycling = false
	if crash {
		d.crashed()
	}
	for _, one := range d.late {
		d.happen(one)
	}
	d.late = nil
	for i := range d.counters {
		if i%3 == 0 {
			d.account(d.counters[i].sku)
		}
		l := &d.counters[i]
		l.left = max(0, l.right-l.offered)
	}
}

// smooth wants no error where nothing went wrong.
func (d *bazaar) smooth(report *inventory.Report) {
	d.t.Helper()
	if report.Error != "" {
		d.t.Fatal(report.Error)
	}
	for _, s := range report.Stores {
		if s.Error != "" {
			d.t.Fatalf("store %s: %s", s.Name, s.Error)
		}
	}
}

// crashed starts the program again; one time in eight the state file is lost.
func (d *bazaar) crashed() {
	d.crashes, d.calls = d.crashes+1, -1
	if d.dice.IntN(8) == 0 {
		d.stop()
		if err := os.Remove(d.path); err != nil {
			d.t.Fatal(err)
		}
	}
	d.start()
}

// TestBazaarRaisesNothingIntoOversell runs shop-days over HTTP, in virtual time.
func TestBazaarRaisesNothingIntoOversell(t *testing.T) {
	length, n := 6*time.Hour, 2
	if *bazaarDays > 0 {
		length, n = 24*time.Hour, *bazaarDays
	}
	accounts := make([]*bazaarAccount, n)
	t.Run("days", func(t *testing.T) {
		for i := range accounts {
			t.Run(fmt.Sprint("day ", i), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					accounts[i] = newBazaar(t, *bazaarSeed+uint64(i), i%2 == 0, length).run(length) //nolint:gosec // i counts from 0
				})
			})
		}
	})
	if t.Failed() {
		return
	}
	for first, what := range []string{"known", "inferred"} {
		var all bazaarAccount
		for i := first; i < n; i += 2 {
			all.add(accounts[i])
		}
		if all.days > 0 {
			t.Logf("seed %d, orders %s: %s", *bazaarSeed, what, &all)
			all.judge(t)
		}
	}
}

// judge wants nothing raised into oversell, and little hidden.
func (a *bazaarAccount) judge(t *testing.T) {
	t.Helper()
	if hidden := 100 * a.hidden / a.sellable; hidden > 1 {
		t.Errorf("%.3f %% of what can be sold was hidden", hidden)
	}
	if a.raises == 0 || a.orders < 20 {
		t.Errorf("%d raises and %d orders show nothing", a.raises, a.orders)
	}
	for _, one := range a.wrong {
		t.Error(one)
	}
}

func (a *bazaarAccount) add(b *bazaarAccount) {
	a.days, a.orders, a.cycles, a.crashes, a.faults = a.days+b.days, a.orders+b.orders, a.cycles+b.cycles, a.crashes+b.crashes, a.faults+b.faults
	a.writes, a.raises, a.raised, a.masked = a.writes+b.writes, a.raises+b.raises, a.raised+b.raised, a.masked+b.masked
	a.requests += b.requests
	a.sellable, a.lacking, a.hidden = a.sellable+b.sellable, a.lacking+b.lacking, a.hidden+b.hidden
	a.wrong = append(a.wrong, b.wrong...)
}

func (a *bazaarAccount) String() string {
	return fmt.Sprintf("%g shop-days over HTTP, %d orders, %d cycles, %d requests, %d crashes, %d faults, %d writes, %d raises; units raised into oversell: %d, and %d whose sale a rise hid; hidden %.3f %%, lacking %.3f %% of sellable unit-minutes",
		a.days, a.orders, a.cycles, a.requests, a.crashes, a.faults, a.writes, a.raises, a.raised, a.masked, 100*a.hidden/a.sellable, 100*a.lacking/a.sellable)
}
