package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

var large = flag.Bool("scale", false, "measure what takes long, too: 100,000 SKUs, and the memory of a million levels")

// line is the way to an API. It takes its time, and remembers what is asked.
type line struct {
	w    *whole
	api  string
	base http.RoundTripper
}

// asked is how often what was asked: of Katana by path, of Shopify by the name
// of the operation.
type asked struct {
	mu    sync.Mutex
	count map[string]int
	order []string
}

var operation = regexp.MustCompile(`"operationName":"(\w+)"`)

func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	name := l.api + strings.TrimPrefix(r.URL.Path, "/v1")
	if l.api == "shopify" && r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if found := operation.FindSubmatch(body); found != nil {
			name = l.api + " " + string(found[1])
		}
	}
	l.w.asked.mu.Lock()
	if l.w.asked.count == nil {
		l.w.asked.count = map[string]int{}
	}
	l.w.asked.count[name]++
	l.w.asked.order = append(l.w.asked.order, name)
	l.w.asked.mu.Unlock()
	if l.w.latency > 0 {
		select {
		case <-time.After(l.w.latency):
		case <-r.Context().Done():
			return nil, context.Cause(r.Context())
		}
	}
	if l.w.asking != nil {
		if err := l.w.asking(); err != nil {
			return nil, err
		}
		defer l.w.answered()
	}
	return l.base.RoundTrip(r)
}

// The scale that the program is measured at.
const (
	scaleSKUs      = 10_000
	scaleLocations = 3
	scalePerMinute = 60 // requests to Katana
	// scaleLatency is how long each answer takes.
	scaleLatency = 300 * time.Millisecond
)

func scaleSKU(n int) string { return fmt.Sprintf("SKU-%06d", n) }

// scalePlaces are the locations, on both sides.
var scalePlaces = [scaleLocations]string{"Oslo", "Bergen", "Tromsø"}

// scaleLocationsOnly is a world in which there is nothing else.
func scaleLocationsOnly(t *testing.T) *sandbox.World {
	t.Helper()
	world := sandbox.NewWorld(sandbox.Options{KatanaPerMinute: scalePerMinute})
	for _, name := range scalePlaces {
		world.AddLocation(sandbox.KatanaLocation{Name: name})
		if _, err := world.AddStoreLocation("main", sandbox.StoreLocation{Name: name, Katana: name}); err != nil {
			t.Fatal(err)
		}
	}
	return world
}

// scaleMapping maps them one to one.
func scaleMapping() (mapping desired.Mapping) {
	for _, name := range scalePlaces {
		mapping.Locations = append(mapping.Locations, desired.Pair{Target: name, Sources: []string{name}})
	}
	return mapping
}

// scaleWorld is a world of so many SKUs, with one level in a hundred drifted.
func scaleWorld(t *testing.T, skus int) *sandbox.World {
	t.Helper()
	world := scaleLocationsOnly(t)
	for i := range skus {
		sku := scaleSKU(i)
		stock, levels := map[string]string{}, []sandbox.Level{}
		for j, name := range scalePlaces {
			n := (i*7 + j*3) % 40
			stock[name] = fmt.Sprint(n)
			if i%100 == 0 {
				n++
			}
			levels = append(levels, sandbox.Level{Location: name, Available: n})
		}
		if _, err := world.AddProduct(sandbox.Product{Name: sku, Variants: []sandbox.Variant{{SKU: sku, Stock: stock}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := world.AddListing("main", sandbox.Listing{SKU: sku, Product: sku, Levels: levels}); err != nil {
			t.Fatal(err)
		}
	}
	return world
}

// newScale is the program around such a world, as the daemon puts it together.
func newScale(t *testing.T, skus int) *whole {
	t.Helper()
	world := scaleWorld(t, skus)
	guessing(t, world)
	w := newWhole(t, world, scaleMapping())
	w.latency, w.sweep = scaleLatency, sweepAtLeast
	w.start()
	w.pass(10 * time.Minute) // so that no feed tells how the world was made
	return w
}

// tell prints a line of what was measured, without the place that t.Logf puts
// before it.
func tell(out io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }

// restarted has the asking counted from here on.
func (a *asked) restarted() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count, a.order = map[string]int{}, nil
}

// of adds up what was asked whose name begins so.
func (a *asked) of(prefix string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, count := range a.count {
		if strings.HasPrefix(name, prefix) {
			n += count
		}
	}
	return n
}

func pages(n int) int { return (n + 249) / 250 }

// TestScale prints what a full cycle costs at the real limits, in virtual time,
// beside what the limits allow. Katana's lists cannot take fewer requests than
// pages: of variants, of their products, of their inventory; and one each for the
// locations, the orders, the services and the time from which on the feeds are
// read, which are no more in a larger shop.
func TestScale(t *testing.T) {
	out := t.Output()
	tell(out, "Full cycles at %d locations, 1 %% of the figures drifted; Katana allows %d requests a minute:\n", scaleLocations, scalePerMinute)
	tell(out, "   SKUs  Katana  pages  ratio  Shopify  read by    points  written    time  limit  ratio\n")
	type shop struct{ skus, bulk int }
	shops := []shop{{1_000, 5_000}, {10_000, 0}, {10_000, 5_000}}
	if *large {
		shops = append(shops, shop{100_000, 5_000})
	}
	for _, one := range shops {
		synctest.Test(t, func(t *testing.T) { fullAtScale(t, out, one.skus, one.bulk) })
	}
}

func fullAtScale(t *testing.T, out io.Writer, skus, bulk int) {
	w := newScale(t, skus)
	defer w.stop()
	w.bulk = bulk
	w.start()
	w.asked.restarted()
	start := time.Now()
	report := w.clean(reconcile.Request{})
	took := time.Since(start)

	katana, shop, store := report.Requests["katana"], report.Requests["shopify/main"], report.Stores[0]
	const once = 4
	least := 2*pages(skus) + pages(skus*scaleLocations) + once
	limit := time.Duration(least) * time.Minute / scalePerMinute
	ratio, late := float64(katana.Count)/float64(least), took.Seconds()/limit.Seconds()
	readBy, read := "a bulk query", w.asked.of("shopify runBulk")
	if read == 0 {
		read = w.asked.of("shopify readVariants")
		readBy = fmt.Sprint(read, " pages")
	}
	tell(out, "%7d  %6d  %5d  %.3f  %7d  %-9s  %6.0f  %7d  %6s  %5s  %.3f\n",
		skus, katana.Count, least, ratio, shop.Count, readBy, shop.Cost, store.Applied, took.Round(time.Second), limit.Round(time.Second), late)
	if ratio > 1.1 || late > 1.1 {
		t.Errorf("%d SKUs: %.3f times the requests and %.3f times the time that the limit asks for, want at most 1.1", skus, ratio, late)
	}
	if least := pages(skus); readBy != "a bulk query" && float64(read) > 1.02*float64(least) || readBy == "a bulk query" && read != 1 {
		t.Errorf("%d SKUs: Shopify was read by %s, want at most %d pages or one bulk query", skus, readBy, least)
	}
	// What is beside the reading: the locations, and for a bulk query the count
	// of the variants, its file and the questions whether that is there.
	writes := pages(skus / 100 * scaleLocations)
	if beside := shop.Count - writes - read; beside > 12 || w.asked.of("shopify setQuantities") != writes {
		t.Errorf("%d SKUs: %d requests to Shopify beside %d for reading, want %d of them writes", skus, shop.Count-read, read, writes)
	}
	if store.Applied != skus/100*scaleLocations || katana.Throttled+shop.Throttled != 0 {
		t.Errorf("%d SKUs: %d written and %d answers throttled, want %d and none", skus, store.Applied, katana.Throttled+shop.Throttled, skus/100*scaleLocations)
	}
}

// TestScaleIncremental prints what the cycles after it cost, every 30 seconds:
// with the sweep, which takes what is left of the budget, and without it.
func TestScaleIncremental(t *testing.T) {
	out := t.Output()
	tell(out, "Incremental cycles of %d SKUs at %d locations, requests:\n", scaleSKUs, scaleLocations)
	tell(out, "                        Katana  and the sweep  Shopify  with its orders  written\n")
	type spent struct{ katana, shopify, mutations, written int }
	measure := func(sweeps, orders bool) (costs [3]spent) {
		synctest.Test(t, func(t *testing.T) {
			w := newScale(t, scaleSKUs)
			defer w.stop()
			if orders {
				for _, store := range w.world.Stores() {
					w.do(sandbox.ScopesChanged{Store: store, Scopes: append(slices.Clone(neededScopes), "read_orders", "read_merchant_managed_fulfillment_orders")})
				}
			}
			if !sweeps {
				w.sweep, w.sweepWithin = 0, 10_000*time.Hour
				w.start()
			}
			w.clean(reconcile.Request{})
			cycle := func() (one spent) {
				w.pass(30 * time.Second)
				w.asked.restarted()
				report := w.clean(reconcile.Request{Kind: inventory.Incremental})
				return spent{w.asked.of("katana"), w.asked.of("shopify"), w.asked.of("shopify setQuantities"), report.Stores[0].Applied}
			}
			for range 30 { // what was written is settled, and the feeds have told of it
				cycle()
			}
			for range 21 { // each feed has had its turn three times
				one := cycle()
				costs[0].katana, costs[0].shopify = max(costs[0].katana, one.katana), max(costs[0].shopify, one.shopify)
				costs[0].written += one.written
			}
			count := func(skus int) {
				for i := range skus {
					for _, at := range scalePlaces {
						w.do(sandbox.StockAdjusted{SKU: scaleSKU(i*9 + 1), Location: at, By: "3"})
					}
				}
			}
			count(1)
			costs[1] = cycle()
			for range 10 {
				cycle()
			}
			count(1_000)
			costs[2] = cycle()
		})
		return costs
	}
	bare, swept, told := measure(false, false), measure(true, false), measure(false, true)
	for i, name := range []string{"nothing has changed", "1 SKU", "1,000 SKUs"} {
		tell(out, "  %-20s  %6d  %+13d  %7d  %+15d  %7d\n", name, bare[i].katana, swept[i].katana-bare[i].katana, bare[i].shopify, told[i].shopify-bare[i].shopify, swept[i].written)
	}
	// Before anything is raised, a store that tells of its orders is asked for them.
	for i, most := range []int{0, 1, 1} {
		if more := told[i].shopify - bare[i].shopify; more > most || told[i].written != bare[i].written {
			t.Errorf("with orders %+v, without %+v: want at most %d requests more", told[i], bare[i], most)
		}
	}
	for _, costs := range [][3]spent{bare, swept} {
		idle, one, many := costs[0], costs[1], costs[2]
		if idle.shopify > 1 || idle.written != 0 || bare[0].katana > 6 {
			t.Errorf("an idle cycle took %+v, want at most 6 requests to Katana without the sweep, 1 to Shopify, and nothing written", idle)
		}
		if one.shopify != 1 || one.written != scaleLocations || bare[1].katana > 8 {
			t.Errorf("one changed SKU took %+v, want at most 8 requests to Katana without the sweep and exactly 1 to Shopify", one)
		}
		if writes := pages(1_000 * scaleLocations); many.mutations != writes || many.shopify != writes || many.written != 1_000*scaleLocations {
			t.Errorf("1,000 changed SKUs took %+v, want %d mutations and no other request to Shopify", many, writes)
		}
	}
}

// TestScaleRestart prints what goes before the first write when the program
// starts again with its state file, and a figure has moved meanwhile.
func TestScaleRestart(t *testing.T) {
	out := t.Output()
	synctest.Test(t, func(t *testing.T) {
		w := newScale(t, scaleSKUs)
		defer w.stop()
		w.clean(reconcile.Request{})
		for range 20 {
			w.pass(30 * time.Second)
			w.clean(reconcile.Request{Kind: inventory.Incremental})
		}
		w.stop()
		w.do(sandbox.StockAdjusted{SKU: scaleSKU(42), Location: "Oslo", By: "-5"})
		w.pass(5 * time.Minute)
		start := time.Now()
		w.start()
		w.asked.restarted()
		w.clean(reconcile.Request{Kind: inventory.Incremental})
		first := slices.Index(w.asked.order, "shopify setQuantities")
		if first < 0 {
			t.Fatalf("nothing was written: %v", w.asked.order)
		}
		writes := w.world.Writes("main")
		before := w.asked.order[:first]
		katana, shop := 0, 0
		for _, name := range before {
			if strings.HasPrefix(name, "katana") {
				katana++
			} else {
				shop++
			}
		}
		tell(out, "After a restart, of %d SKUs at %d locations, %d requests to Katana and %d to Shopify go before the first write, %s after the start.\n",
			scaleSKUs, scaleLocations, katana, shop, writes[len(writes)-1].At.Sub(start).Round(100*time.Millisecond))
		tell(out, "They are: %s\n", strings.Join(before, ", "))
		if last := writes[len(writes)-1]; last.SKU != scaleSKU(42) || katana > 12 || shop > 2 {
			t.Errorf("%d requests to Katana and %d to Shopify before %+v is written, want at most 12 and 2", katana, shop, last)
		}
	})
}

// TestScaleDelay prints how long a change in Katana takes until Shopify shows
// it, at the schedule "@every 30s", while 1 % of the SKUs change every hour at
// random moments and the sweep goes its round; and how long it takes when no
// feed names the change, so that only the sweep finds it.
func TestScaleDelay(t *testing.T) {
	out := t.Output()
	tell(out, "From a change in Katana until Shopify shows it, %d SKUs at %d locations, a cycle every 30s:\n", scaleSKUs, scaleLocations)
	tell(out, "                 hours  changes  median    p99  longest  cycle  longest cycle\n")
	for _, test := range []struct {
		name     string
		told     bool
		during   time.Duration
		after    time.Duration // until the last of them must have been shown
		p99, max time.Duration
	}{
		{"the feeds tell", true, time.Hour, 2 * time.Minute, 40 * time.Second, time.Minute},
		{"no feed tells", false, time.Hour, 30 * time.Minute, time.Hour, time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newScale(t, scaleSKUs)
			defer w.stop()
			d := &delays{w: w, random: rand.New(rand.NewPCG(7, 11))}
			if !test.told {
				w.world.Inject(sandbox.Fault{API: "katana", Op: "/inventory_movements", Kind: sandbox.FaultMissingRows, Rows: 250, Count: -1})
			}
			d.run(test.during, test.after)
			took := d.measured(t)
			p99, longest := took[len(took)*99/100], took[len(took)-1]
			tell(out, "  %-14s %5.0f  %7d  %6s  %5s  %7s  %5s  %13s\n", test.name, test.during.Hours(), len(took),
				took[len(took)/2].Round(time.Second), p99.Round(time.Second), longest.Round(time.Second),
				median(d.cycles).Round(100*time.Millisecond), slices.Max(d.cycles).Round(100*time.Millisecond))
			if p99 > test.p99 || longest > test.max {
				t.Errorf("%s: 99 of 100 changes take up to %s, the longest %s; want %s and %s", test.name, p99, longest, test.p99, test.max)
			}
		})
	}
}

// delays lets figures move in Katana while cycles run as the daemon's schedule
// has them.
type delays struct {
	w      *whole
	random *rand.Rand
	moved  map[string]time.Time // by SKU, each once
	cycles []time.Duration
}

// run lets 1 % of the SKUs change every hour, at random moments.
func (d *delays) run(during, after time.Duration) {
	d.w.clean(reconcile.Request{})
	start := time.Now()
	begin := d.w.settle + 5*time.Minute // when the first cycles have settled
	d.moved = map[string]time.Time{}
	for _, n := range d.random.Perm(scaleSKUs)[:int(during.Hours()*scaleSKUs/100)] {
		at := begin + time.Duration(d.random.Int64N(int64(during)))
		by := []string{"-3", "-1", "2", "5"}[d.random.IntN(4)]
		d.moved[scaleSKU(n)] = start.Add(at)
		d.w.world.Schedule(at, sandbox.StockAdjusted{SKU: scaleSKU(n), Location: scalePlaces[d.random.IntN(scaleLocations)], By: by})
	}
	// A cycle that is due while another runs follows it at once, and only once.
	for due := start.Add(30 * time.Second); time.Since(start) < begin+during+after; due = due.Add(30 * time.Second) {
		if time.Until(due) < -30*time.Second {
			continue
		}
		d.w.pass(time.Until(due))
		began := time.Now()
		d.w.clean(reconcile.Request{Kind: inventory.Incremental})
		d.cycles = append(d.cycles, time.Since(began))
	}
}

// measured is how long each change took that made a difference, sorted.
func (d *delays) measured(t *testing.T) (took []time.Duration) {
	shown := map[string]time.Time{}
	for _, write := range d.w.world.Writes("main") {
		if moved, is := d.moved[write.SKU]; is && write.At.After(moved) && shown[write.SKU].IsZero() {
			shown[write.SKU] = write.At
		}
	}
	for sku, moved := range d.moved {
		for _, at := range scalePlaces {
			want, _ := d.w.world.Desired("main", sku, at)
			if got, _ := d.w.world.Available("main", sku, at); got != want {
				t.Errorf("%s at %s shows %d, want %d", sku, at, got, want)
			}
		}
		if at := shown[sku]; !at.IsZero() { // else it stayed below 0
			took = append(took, at.Sub(moved))
		}
	}
	slices.Sort(took)
	return took
}

func median(some []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(some))[len(some)/2]
}
