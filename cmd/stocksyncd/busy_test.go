package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stocksyncd/clients/sandbox"
)

const (
	busySKUs = 75 // at two locations each
	// busyLag is the longest that Katana takes to hear of a sale. It is less than
	// busySettle, as the config must have it.
	busyLag    = time.Second
	busySettle = 3 * time.Second
)

// good is a SKU at a location, with the shop's own account of it: what is there,
// and what is sold of it, whether Katana has heard of that or not.
type good struct {
	sku, location string
	place         string // the id of the location in Shopify
	byHand        bool   // raised by hand in Shopify now and then, which would hide a sale: none is made
	has           []stockedAt
	sold          int
}

// stockedAt is how much there is of a good, packed or not, from a time on.
type stockedAt struct {
	from  time.Time
	units int
}

func (g *good) now() int { return g.has[len(g.has)-1].units }

// most is what can be sold of a good by whoever has read Katana since a time.
func (g *good) most(since time.Time) int {
	units := g.now()
	for i, is := range g.has {
		if i+1 == len(g.has) || g.has[i+1].from.After(since) {
			units = max(units, is.units)
		}
	}
	return max(units-g.sold, 0)
}

// busy is a shop in which everything happens all the time, whatever becomes of
// the daemon. It holds each write against its own account.
type busy struct {
	t *testing.T
	w *sandbox.World

	mu      sync.Mutex // while a store takes a write, nothing else happens
	dice    *rand.Rand
	goods   []*good
	orders  int
	packed  int       // orders are packed in the order of their numbers
	life    int       // of the daemon
	reading time.Time // since when the cycle under way reads Katana
	read    bool      // its last request was one to Katana
	keys    map[string]sentBatch
	aim     moment
	writes  int // how many are checked
	raises  int
	beyond  int // units of them that could not be sold
	short   int // reductions that did not go far enough yet
	slow    int // answers that were late
	lost    int // answers that were not given
	diary   []happened
}

// happened is a line of the shop's diary, which tells how a figure went wrong.
type happened struct {
	sku  string // "" is to all
	text string
}

func (b *busy) note(sku, format string, args ...any) {
	b.diary = append(b.diary, happened{sku, time.Now().Format("05.000 ") + fmt.Sprintf(format, args...)})
}

// lately is what happened to a SKU in the last lives of the daemon.
func (b *busy) lately(sku string) string {
	var lines []string
	for _, one := range slices.Backward(b.diary) {
		if one.sku == sku || one.sku == "" {
			lines = append(lines, one.text)
		}
		if len(lines) == 90 {
			break
		}
	}
	slices.Reverse(lines)
	return strings.Join(lines, "\n")
}

// sentBatch is a mutation as it was first sent.
type sentBatch struct {
	life int
	at   time.Time
	body string
}

func newBusy(t *testing.T, seed uint64) *busy {
	t.Helper()
	b := &busy{t: t, dice: rand.New(rand.NewPCG(seed, 2)), keys: map[string]sentBatch{}}
	b.w = sandbox.NewWorld(sandbox.Options{KatanaPerMinute: 6000, Stores: []sandbox.StoreOptions{{BucketSize: 1e6, Restore: 1e5}}})
	places := map[string]string{}
	for _, name := range []string{"Bergen", "Oslo"} {
		b.w.AddLocation(sandbox.KatanaLocation{Name: name})
		place, err := b.w.AddStoreLocation("main", sandbox.StoreLocation{Name: name, Katana: name})
		if err != nil {
			t.Fatal(err)
		}
		places[name] = place
	}
	for i := range busySKUs {
		sku := fmt.Sprintf("SKU-%03d", i)
		stock, levels := map[string]string{}, []sandbox.Level(nil)
		for _, name := range []string{"Bergen", "Oslo"} {
			g := &good{sku: sku, location: name, place: places[name], byHand: i%4 == 0, has: []stockedAt{{time.Time{}, 20 + b.dice.IntN(20)}}}
			b.goods = append(b.goods, g)
			stock[name] = fmt.Sprint(g.now())
			levels = append(levels, sandbox.Level{Location: name, Available: b.dice.IntN(60)})
		}
		_, err := b.w.AddProduct(sandbox.Product{Name: sku, Variants: []sandbox.Variant{{SKU: sku, Stock: stock}}})
		if err == nil {
			_, err = b.w.AddListing("main", sandbox.Listing{SKU: sku, Product: sku, Levels: levels})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// happen plays one thing that happens in a shop.
func (b *busy) happen() {
	b.mu.Lock()
	defer b.mu.Unlock()
	g := b.goods[b.dice.IntN(len(b.goods))]
	shows, _ := b.w.Available("main", g.sku, g.location)
	switch n := b.dice.IntN(100); {
	case n < 45 && !g.byHand:
		b.sell(g, shows)
	case n < 60:
		b.pack()
	case n < 75 && g.byHand:
		b.edit(g, shows, b.dice.IntN(60))
	case n < 75 && shows > 0: // a raise by hand would hide what was sold before it
		b.edit(g, shows, b.dice.IntN(shows))
	case n < 99 || b.dice.IntN(4) > 0:
		b.count(g)
	default: // stock-taking: more than a batch holds
		for _, g := range b.goods {
			b.count(g)
		}
	}
}

func (b *busy) do(e sandbox.Event) {
	if err := b.w.Do(e); err != nil {
		b.t.Error(err)
	}
}

// edit sets a figure by hand in Shopify.
func (b *busy) edit(g *good, from, to int) {
	b.note(g.sku, "%s: edited by hand from %d to %d", g.location, from, to)
	b.do(sandbox.HandEdit{Store: "main", SKU: g.sku, Location: g.location, Available: to})
}

// sell sells some of what is on offer; Katana hears of it a while later.
func (b *busy) sell(g *good, shows int) {
	if shows <= 0 {
		return
	}
	units := 1 + b.dice.IntN(min(shows, 3))
	g.sold += units
	b.orders++
	lag := time.Duration(1 + b.dice.Int64N(int64(busyLag)))
	b.note(g.sku, "%s: order #%d of %d, %d were on offer, imported after %s", g.location, b.orders, units, shows, lag)
	b.do(sandbox.OrderPlaced{
		Store: "main", Order: fmt.Sprint("#", b.orders), Location: g.location, Lines: []sandbox.Line{{SKU: g.sku, Quantity: fmt.Sprint(units)}},
		Import: sandbox.Import{After: lag},
	})
}

// pack packs the oldest order, unless Katana has not heard of it.
func (b *busy) pack() {
	if b.packed < b.orders && b.w.Do(sandbox.OrderPacked{Store: "main", Order: fmt.Sprint("#", b.packed+1)}) == nil {
		b.packed++
	}
}

// count finds that there is more or less of a good than Katana has.
func (b *busy) count(g *good) {
	by := b.dice.IntN(13) - 6
	if left := g.now() - g.sold; left < 10 { // a delivery, so that there is something to sell
		by += 20
	}
	if by == 0 {
		return
	}
	g.has = append(g.has, stockedAt{time.Now(), g.now() + by})
	b.note(g.sku, "%s: counted, there are %d", g.location, g.now())
	b.do(sandbox.StockAdjusted{SKU: g.sku, Location: g.location, By: fmt.Sprint(by)})
}

// open lets things happen until the function that it returns is called.
func (b *busy) open() (closed func()) {
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		next := time.NewTicker(20 * time.Millisecond)
		defer next.Stop()
		for {
			select {
			case <-next.C:
				b.happen()
			case <-over:
				return
			}
		}
	}()
	return func() { close(over); <-done }
}

// ServeHTTP serves both APIs. Some answers to writes are late, and some are lost.
func (b *busy) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the daemon was killed while it asked
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	katana := strings.HasPrefix(r.URL.Path, "/katana/")
	writes := bytes.Contains(body, []byte("inventorySetQuantities"))
	b.asked(katana, writes)
	if !writes {
		b.w.Handler().ServeHTTP(rw, r)
		return
	}
	answer := httptest.NewRecorder()
	late, lost := b.write(answer, r, string(body))
	if late > 0 {
		select {
		case <-time.After(late):
		case <-r.Context().Done():
		}
	}
	if lost {
		panic(http.ErrAbortHandler)
	}
	for key, values := range answer.Header() {
		rw.Header()[key] = values
	}
	rw.WriteHeader(answer.Code)
	_, _ = rw.Write(answer.Body.Bytes()) // whoever asked may be gone
}

// asked notes a request for the one who kills the daemon at one, and where a
// cycle begins to read Katana.
func (b *busy) asked(katana, writes bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if katana && !b.read {
		b.reading = time.Now()
	}
	b.read = katana
	b.aim.asked(writes)
}

// write has the store take a write, while nothing else happens, and checks it.
func (b *busy) write(answer http.ResponseWriter, r *http.Request, body string) (late time.Duration, lost bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sentOnce(body)
	before := len(b.w.Writes("main"))
	b.w.Handler().ServeHTTP(answer, r)
	for _, write := range b.w.Writes("main")[before:] {
		b.offered(write)
	}
	switch b.dice.IntN(12) {
	case 0:
		b.lost++
		b.note("", "the answer to a write is lost")
		return 0, true
	case 1, 2, 3, 4:
		b.slow++
		return time.Duration(b.dice.Int64N(int64(120 * time.Millisecond))), false
	}
	return 0, false
}

// sentOnce checks that a key stands for one batch of one process, which sends it
// again for two minutes at most.
func (b *busy) sentOnce(body string) {
	var sent struct{ Variables struct{ Key string } }
	if err := json.Unmarshal([]byte(body), &sent); err != nil || sent.Variables.Key == "" {
		b.t.Errorf("a write without a key: %v: %s", err, body)
		return
	}
	key := sent.Variables.Key
	first, known := b.keys[key]
	if known {
		b.note("", "a batch is sent again")
	}
	switch {
	case !known:
		b.keys[key] = sentBatch{b.life, time.Now(), body}
	case first.life != b.life:
		b.t.Errorf("the batch %s of process %d was sent again by process %d", key, first.life, b.life)
	case first.body != body:
		b.t.Errorf("the key %s stands for two batches:\n%s\n%s", key, first.body, body)
	case time.Since(first.at) > 2*time.Minute:
		b.t.Errorf("the batch %s was sent again after %s", key, time.Since(first.at))
	}
}

// offered checks a figure that was written: it was under compare-and-set, it
// moved something, and a raised one can be sold by what Katana told since the
// cycle began to read it, less what is sold by now.
func (b *busy) offered(write sandbox.Write) {
	b.writes++
	if write.To > write.From {
		b.raises++
	}
	if !write.Checked || write.From == write.To {
		b.t.Errorf("%s was set from %d to %d, compared before: %t", write.SKU, write.From, write.To, write.Checked)
	}
	g := b.goods[slices.IndexFunc(b.goods, func(g *good) bool {
		return g.sku == write.SKU && g.place == write.Location
	})]
	b.note(g.sku, "%s: process %d, which reads Katana since %s, set it from %d to %d", g.location, b.life, b.reading.Format("05.000"), write.From, write.To)
	switch most := g.most(b.reading); {
	case write.To <= most:
	case write.To < write.From: // less than there was, and to be lowered again
		b.short++
	default:
		b.beyond += write.To - most
		b.t.Errorf("%s at %s was set to %d, and %d can be sold: there are %d, %d are sold\n%s", g.sku, g.location, write.To, most, g.now(), g.sold, b.lately(g.sku))
	}
}

// drift counts what is on offer beyond what can be sold, and the goods that show
// another figure than they should.
func (b *busy) drift() (over, drift int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, g := range b.goods {
		shows, _ := b.w.Available("main", g.sku, g.location)
		if left := max(g.now()-g.sold, 0); shows != left {
			drift++
			over += max(shows-left, 0)
		}
	}
	return over, drift
}
