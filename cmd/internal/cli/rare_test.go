package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// rareScene is a situation in which the program asks what no ordinary cycle
// asks, in the shops of a faultWorld that are in step.
type rareScene struct {
	api, op string
	when    string // it is asked
	main    sandbox.StoreOptions
	bulk    int
	bound   bool
	has     func(w *whole)                 // nil, or gives the shops what they have besides
	kind    inventory.Kind                 // of the cycle that asks it
	command func(w *whole) (string, error) // or what a command that asks it prints
	happens func(w *whole)                 // nil, or what happens before it
	most    time.Duration                  // that it may take; 0 is rareMost
}

// rareMost is how long a cycle may take in which one operation fails.
const rareMost = 10 * time.Minute

// rareSlice is of how many plays one is played where not all are. It shares no
// factor with the columns of the table, so that what is played lies in all of
// them.
const rareSlice = 7

var rareScenes = []rareScene{
	{api: "katana", op: "/factory", when: "bound", bound: true, kind: inventory.Incremental, happens: (*whole).start},
	{api: "shopify/main", op: "readIdentity", when: "bound", bound: true, kind: inventory.Incremental, happens: (*whole).start},
	{api: "shopify/main", op: "readIdentity", when: "check", command: (*whole).checked},
	{api: "shopify/main", op: "readScopes", when: "check", command: (*whole).checked},
	{api: "shopify/main", op: "readScopes", when: "sales", kind: inventory.Full},
	{api: "shopify/main", op: "readListings", when: "export", command: (*whole).exported},
	{api: "shopify/main", op: "access_token", when: "first", main: granted, kind: inventory.Incremental, happens: (*whole).start},
	{api: "shopify/main", op: "access_token", when: "renewed", main: granted, kind: inventory.Full, happens: func(w *whole) { w.pass(20 * time.Hour) }},
	{api: "shopify/main", op: "access_token", when: "expired", main: granted, kind: inventory.Full, happens: func(w *whole) { w.pass(25 * time.Hour) }},
	{api: "shopify/main", op: "access_token", when: "revoked", main: granted, kind: inventory.Incremental, happens: func(w *whole) { w.do(sandbox.TokenRevoked{Store: "main"}) }},
	{api: "shopify/main", op: "readEdits", when: "many edited", kind: inventory.Incremental, happens: manyEdited},
	{api: "shopify/main", op: "readItemLevels", when: "many places", has: manyPlaces, kind: inventory.Incremental, happens: widelyEdited},
	{api: "shopify/main", op: "readParts", when: "large order", has: threePlaces, kind: inventory.Full, happens: largeOrder},
	{api: "shopify/main", op: "readPartLines", when: "large order", has: threePlaces, kind: inventory.Full, happens: largeOrder},
	{api: "shopify/main", op: "readRefunds", when: "large order", has: threePlaces, kind: inventory.Full, happens: largeOrder},
	{api: "shopify/main", op: "readRefundLines", when: "large order", has: threePlaces, kind: inventory.Full, happens: largeOrder},
	{api: "shopify/main", op: "cancelBulk", when: "given up", main: sandbox.StoreOptions{BulkTakes: 3 * time.Hour}, bulk: 1, kind: inventory.Full, most: 20 * time.Minute},
}

// manyEdited edits all variants, and adds more than a glance tells of at once.
func manyEdited(w *whole) {
	for i := range inventory.BatchSize + 10 {
		gift := fmt.Sprintf("GIFT-%03d", i)
		if _, err := w.world.AddListing("main", sandbox.Listing{SKU: gift, Product: gift}); err != nil {
			w.t.Fatal(err)
		}
	}
	for i := range 12 {
		sku := fmt.Sprintf("SKU-%02d", i)
		w.do(sandbox.TrackingSwitched{Store: "main", SKU: sku}, sandbox.TrackingSwitched{Store: "main", SKU: sku, On: true})
	}
}

// manyPlaces stocks a SKU at more locations than a restarted program asks for.
func manyPlaces(w *whole) {
	levels := []sandbox.Level{{Location: "Oslo", Available: 30}}
	for i := range 12 {
		levels = append(levels, sandbox.Level{Location: fmt.Sprint("Pop-up ", i), Available: 5})
		if _, err := w.world.AddStoreLocation("main", sandbox.StoreLocation{Name: levels[i+1].Location}); err != nil {
			w.t.Fatal(err)
		}
	}
	_, err := w.world.AddProduct(sandbox.Product{Name: "WIDE", Variants: []sandbox.Variant{{SKU: "WIDE", Stock: map[string]string{"Oslo": "30"}}}})
	if err == nil {
		_, err = w.world.AddListing("main", sandbox.Listing{SKU: "WIDE", Product: "WIDE", Levels: levels})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func widelyEdited(w *whole) {
	w.do(
		sandbox.TrackingSwitched{Store: "main", SKU: "WIDE"}, sandbox.TrackingSwitched{Store: "main", SKU: "WIDE", On: true},
		sandbox.HandEdit{Store: "main", SKU: "WIDE", Location: "Oslo", Available: 44},
	)
	w.start()
}

// threePlaces has three locations of the first store sell what is in Oslo.
func threePlaces(w *whole) {
	mapping := desired.Mapping{Locations: []desired.Pair{{Target: "Oslo", Sources: []string{"Oslo"}}}}
	for _, name := range []string{"Shed", "Barn"} {
		if _, err := w.world.AddStoreLocation("main", sandbox.StoreLocation{Name: name, Katana: "Oslo"}); err != nil {
			w.t.Fatal(err)
		}
		mapping.Locations = append(mapping.Locations, desired.Pair{Target: name, Sources: []string{"Oslo"}})
	}
	for i := range 16 { // enough for a large order
		sku := fmt.Sprintf("SKU-%02d", i)
		if i >= 12 {
			_, err := w.world.AddProduct(sandbox.Product{Name: sku, Variants: []sandbox.Variant{{SKU: sku}}})
			if err == nil {
				_, err = w.world.AddListing("main", sandbox.Listing{SKU: sku, Product: sku, Levels: []sandbox.Level{{Location: "Oslo"}}})
			}
			if err != nil {
				w.t.Fatal(err)
			}
		}
		w.do(sandbox.StockAdjusted{SKU: sku, Location: "Oslo", By: "20"})
	}
	w.stores[0].Mapping = mapping
	w.start()
}

// largeOrder places an order that does not reach Katana: three locations fulfil
// it, one of them 11 lines, and of its refunds the last has as many. It leaves
// alone what drifts.
func largeOrder(w *whole) {
	lines := func(quantity string, numbers ...int) (list []sandbox.Line) {
		for _, i := range numbers {
			list = append(list, sandbox.Line{SKU: fmt.Sprintf("SKU-%02d", i), Quantity: quantity})
		}
		return list
	}
	many := []int{2, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	w.do(
		sandbox.OrderPlaced{Store: "main", Order: "#1", Location: "Oslo", Lines: lines("8", append([]int{0, 1}, many...)...), Import: sandbox.Import{Never: true}},
		sandbox.OrderMoved{Store: "main", Order: "#1", Location: "Shed", Lines: lines("8", 0)},
		sandbox.OrderMoved{Store: "main", Order: "#1", Location: "Barn", Lines: lines("8", 1)},
	)
	for i := range 3 {
		w.do(sandbox.OrderRefunded{Store: "main", Order: "#1", Lines: lines("1", many[i]), Restock: true})
	}
	w.do(sandbox.OrderRefunded{Store: "main", Order: "#1", Lines: lines("1", many...), Restock: true})
}

// checked is what check says of the first store.
func (w *whole) checked() (string, error) {
	w.rig.config = w.printed()
	ctx := w.t.Context()
	sources, err := w.rig.katana.Locations(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	c := &checker{a: &app{Env: Env{Now: time.Now}, color: "never"}, rig: w.rig, locations: sources}
	c.catalogue = sync.OnceValues(func() ([]inventory.SourceVariant, error) { return w.rig.katana.Catalogue(ctx) })
	known := make(chan struct{})
	close(known)
	findings := c.checkStore(ctx, w.rig.config.Stores[0], known)
	var failed []error
	for _, f := range findings {
		if !f.OK {
			failed = append(failed, errors.New(f.Name+": "+f.Detail))
		}
	}
	var text bytes.Buffer
	failed = append(failed, c.a.writeFindings(&text, findings))
	return text.String(), errors.Join(failed...)
}

// exported is the export of the first store.
func (w *whole) exported() (string, error) {
	ctx := w.t.Context()
	figures, err := w.rig.reconciler.Figures(ctx, "main")
	if err != nil {
		return "", err
	}
	listings, err := w.rig.shops["main"].Listings(ctx)
	if err != nil {
		return "", err
	}
	rows, moved := exportRows(figures.Levels, listings)
	var text bytes.Buffer
	_, err = inventoryCSV(&text, rows)
	return fmt.Sprint(moved, text.String()), err
}

// rarePlay is a scene that is played.
type rarePlay struct {
	*whole
	rareScene
	fault  sandbox.Fault
	writes map[string]int // that were checked, by store
}

// play plays a fault in a scene, and gives one letter for what came of it.
func (s rareScene) play(t *testing.T, fault sandbox.Fault) string {
	t.Helper()
	p := &rarePlay{whole: faultWorldWith(t, s.bulk, s.main), rareScene: s, fault: fault, writes: map[string]int{}}
	defer func() { p.stop() }()
	var log bytes.Buffer
	p.grant, p.whole.bound = s.main.ClientID != "", s.bound
	p.log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p.start()
	if s.has != nil {
		s.has(p.whole)
	}
	p.wantInStep(2)
	play := p.inCycle
	if s.command != nil {
		play = p.inCommand
	}
	letter := play()
	secretFree(t, fmt.Sprint("the log after ", fault), log.String())
	return letter
}

// inCommand has a command ask what fails: it says so, or gives what it gave
// before.
func (p *rarePlay) inCommand() string {
	want, err := p.command(p.whole)
	if err != nil {
		p.t.Fatal(err)
	}
	hits := p.world.Inject(p.fault)
	letter, began := ".", time.Now()
	got, err := p.command(p.whole)
	p.wantSoon(began)
	switch {
	case err == nil && got != want:
		p.t.Errorf("%s: got\n%s\nwant\n%s", p.fault, got, want)
	case err != nil:
		letter = "S"
		secretFree(p.t, fmt.Sprint("the error of ", p.fault), err.Error())
		if !strings.Contains(err.Error(), "shopify/main: ") {
			p.t.Errorf("%s: the error names no place: %v", p.fault, err)
		}
	}
	if hits() == 0 {
		letter = "-"
	}
	p.world.ClearFaults()
	if got, err := p.command(p.whole); err != nil || got != want {
		p.t.Errorf("%s: once it is over: got %v\n%s\nwant\n%s", p.fault, err, got, want)
	}
	return letter
}

// inCycle has a cycle ask what fails.
func (p *rarePlay) inCycle() string {
	if p.happens != nil {
		p.happens(p.whole)
	}
	shows, _ := p.world.Available("main", "SKU-06", "Oslo")
	p.do(
		sandbox.StockAdjusted{SKU: "SKU-04", Location: "Oslo", By: "3"}, sandbox.StockAdjusted{SKU: "SKU-05", Location: "Oslo", By: "-2"},
		sandbox.HandEdit{Store: "main", SKU: "SKU-06", Location: "Oslo", Available: shows + 3},
	)
	hits := p.world.Inject(p.fault)
	report := p.run(p.kind)
	text, err := json.Marshal(report)
	if err != nil {
		p.t.Fatal(err)
	}
	secretFree(p.t, fmt.Sprint("the report after ", p.fault), string(text))
	letter := outcome(p.t, p.fault, hits(), report)
	switch behind := p.behind("main"); {
	case letter == "." && behind > 0:
		letter = "p"
	case letter == "p" && behind == 0: // what waits is sold
		letter = "."
	}
	if report.Stores[0].Error != "" { // what outlet is raised by waits for main, for one settle at most
		p.pass(p.settle)
		p.run(p.kind)
	}
	for _, sku := range []string{"SKU-04", "SKU-05"} {
		if shows, _ := p.world.Available("outlet", sku, "Oslo"); p.fault.API != "katana" && shows != p.sellable("outlet", sku, "Oslo") {
			p.t.Errorf("%s: a fault of one store keeps %s of the other at %d: %+v", p.fault, sku, shows, report.Stores[1])
		}
	}
	p.world.ClearFaults()
	p.wantInStep(4)
	return letter
}

// run runs a cycle and checks that it ends soon and writes nothing but what can
// be sold.
func (p *rarePlay) run(kind inventory.Kind) *inventory.Report {
	p.t.Helper()
	began := time.Now()
	report := p.cycle(reconcile.Request{Kind: kind})
	p.wantSoon(began)
	for _, store := range p.world.Stores() {
		all := p.world.Writes(store)
		for _, write := range all[p.writes[store]:] {
			if want := p.sellable(store, write.SKU, write.Location); write.To != want {
				p.t.Errorf("%s: %s of %s was set from %d to %d, want %d", p.fault, write.SKU, store, write.From, write.To, want)
			}
		}
		p.writes[store] = len(all)
	}
	return report
}

func (p *rarePlay) wantSoon(began time.Time) {
	p.t.Helper()
	most := p.most
	if most == 0 {
		most = rareMost
	}
	if took := time.Since(began); took > most {
		p.t.Errorf("%s: it took %s, want no more than %s", p.fault, took, most)
	}
}

func (p *rarePlay) sellable(store, sku, location string) int {
	n, _ := p.world.Sellable(store, sku, location, time.Now())
	return max(0, n)
}

// behind counts the levels that show something else than can be sold.
func (p *rarePlay) behind(store string) (n int) {
	for i := range 12 {
		sku := fmt.Sprintf("SKU-%02d", i)
		for _, pair := range p.mappingOf(store).Locations {
			if shows, active := p.world.Available(store, sku, pair.Target); !active || shows != p.sellable(store, sku, pair.Target) {
				n++
			}
		}
	}
	return n
}

func (p *rarePlay) mappingOf(store string) desired.Mapping {
	for _, s := range p.stores {
		if string(s.Name) == store {
			return s.Mapping
		}
	}
	return desired.Mapping{}
}

// wantInStep wants all in step within so many full cycles, an hour apart.
func (p *rarePlay) wantInStep(cycles int) {
	p.t.Helper()
	for range cycles {
		p.pass(time.Hour)
		p.run(inventory.Full)
		if p.behind("main")+p.behind("outlet") == 0 {
			break
		}
	}
	for _, store := range p.clean(reconcile.Request{Dry: true}).Stores {
		if n := p.behind(string(store.Name)); n > 0 {
			p.t.Errorf("%s: with nothing wrong, %d levels of %s are not in step", p.fault, n, store.Name)
		}
		for _, change := range store.Changes {
			if change.Outcome != inventory.Waiting || change.Reason != inventory.ReasonInFlight {
				p.t.Errorf("%s: with nothing wrong, %s still finds %+v", p.fault, store.Name, change)
			}
		}
	}
}
