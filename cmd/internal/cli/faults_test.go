package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// faultPlaces is every operation of a full cycle, as the sandbox names them; the
// last ones are those of a store that is read by a bulk query. What other cycles
// and commands ask is in rounds and in rareScenes.
var faultPlaces = []struct {
	api, op string
	bulk    int // variants beyond which it is
}{
	{"katana", "/factory", 0}, {"katana", "/locations", 0}, {"katana", "/sales_orders", 0}, {"katana", "/variants", 0},
	{"katana", "/products", 0}, {"katana", "/services", 0}, {"katana", "/inventory", 0},
	{"shopify/main", "readLocations", 0}, {"shopify/main", "readVariants", 0}, {"shopify/main", "activateLevel", 0},
	{"shopify/main", "setQuantities", 0}, {"shopify/main", "readItems", 0},
	{"shopify/main", "countVariants", 1}, {"shopify/main", "runBulk", 1}, {"shopify/main", "pollBulk", 1}, {"shopify/main", "bulk_result", 1},
}

var faultKinds = []sandbox.FaultKind{
	sandbox.FaultStatus, sandbox.FaultThrottle, sandbox.FaultResetBefore, sandbox.FaultResetAfter, sandbox.FaultHang, sandbox.FaultHangAfter,
	sandbox.FaultTruncate, sandbox.FaultCutJSON, sandbox.FaultMalformed, sandbox.FaultShortPage, sandbox.FaultMissingRows,
}

// faultWorld has two stores on one Katana; every level of both has drifted, and
// two SKUs are not stocked there yet: one never was, one still holds an old
// figure.
func faultWorld(t *testing.T, bulk int) *whole {
	t.Helper()
	return faultWorldWith(t, bulk, sandbox.StoreOptions{})
}

// faultWorldWith is a faultWorld whose main store has these options.
func faultWorldWith(t *testing.T, bulk int, main sandbox.StoreOptions) *whole {
	t.Helper()
	main.Name = "main"
	w := sandbox.NewWorld(sandbox.Options{KatanaPerMinute: 6000, Stores: []sandbox.StoreOptions{main, {Name: "outlet"}}})
	w.AddLocation(sandbox.KatanaLocation{Name: "Oslo"})
	for _, store := range w.Stores() {
		if _, err := w.AddStoreLocation(store, sandbox.StoreLocation{Name: "Oslo", Katana: "Oslo"}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 12 {
		sku := fmt.Sprintf("SKU-%02d", i)
		if _, err := w.AddProduct(sandbox.Product{Name: sku, Variants: []sandbox.Variant{{SKU: sku, Stock: map[string]string{"Oslo": fmt.Sprint(i)}}}}); err != nil {
			t.Fatal(err)
		}
		levels := []sandbox.Level{{Location: "Oslo", Available: 2*i + 1 - i%3*4 + 3}}
		switch i {
		case 10:
			levels = nil
		case 11:
			levels = []sandbox.Level{{Location: "Oslo", Available: 40, Inactive: true}}
		}
		for _, store := range w.Stores() {
			if _, err := w.AddListing(store, sandbox.Listing{SKU: sku, Product: sku, Levels: levels}); err != nil {
				t.Fatal(err)
			}
		}
	}
	whole := newWhole(t, w, desired.Mapping{Locations: []desired.Pair{{Target: "Oslo", Sources: []string{"Oslo"}}}})
	whole.bulk = bulk
	for i := range whole.stores {
		whole.stores[i].Activate = true
	}
	whole.start()
	return whole
}

// TestNoFaultEndsInAWrongFigure plays every fault of the sandbox at every
// operation of a full cycle and at every one that no ordinary cycle sends, once
// and for as long as a cycle lasts, and prints what became of it. Of the latter
// it plays one of rareSlice, unless all faults are asked for.
func TestNoFaultEndsInAWrongFigure(t *testing.T) {
	table := map[string]map[sandbox.FaultKind]string{}
	var names []string
	cell := 0
	row := func(name, api, op string, slice int, play func(*testing.T, sandbox.Fault) string) {
		names, table[name] = append(names, name), map[sandbox.FaultKind]string{}
		for _, kind := range faultKinds {
			for _, times := range []int{1, -1} {
				if cell++; !*allFaults && cell%slice != 0 {
					continue
				}
				synctest.Test(t, func(t *testing.T) {
					letter := play(t, sandbox.Fault{API: api, Op: op, Kind: kind, Count: times})
					if table[name][kind] += letter; letter == "-" {
						t.Errorf("%s is never asked for", name)
					}
				})
			}
		}
	}
	for _, place := range faultPlaces {
		row(place.api+" "+place.op, place.api, place.op, 1, func(t *testing.T, fault sandbox.Fault) string { return playFault(t, fault, place.bulk) })
	}
	for _, s := range rareScenes {
		row(s.api+" "+s.op+", "+s.when, s.api, s.op, rareSlice, s.play)
	}
	printMatrix(t, names, table)
}

// playFault plays a fault during one cycle and gives one letter for what came
// of it.
func playFault(t *testing.T, fault sandbox.Fault, bulk int) string {
	w := faultWorld(t, bulk)
	defer w.stop()
	world := w.world
	w.clean(reconcile.Request{Dry: true})
	<-time.After(w.settle)
	if fault.Op == "readItems" { // these are read only when a line is stale or an answer lost
		world.Inject(sandbox.Fault{API: "shopify/main", Op: "setQuantities", Kind: sandbox.FaultResetAfter, Count: -1})
	}
	hits := world.Inject(fault)
	report := w.cycle(reconcile.Request{})
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	secretFree(t, fmt.Sprintf("the report after %s", fault), string(text))
	wantTrueWrites(t, world, fault)
	letter := outcome(t, fault, hits(), report)
	if letter == "." && inStepCount(world, "main") < 12 {
		letter = "p"
	}
	if report.Stores[0].Error != "" { // what outlet is raised by waits for main, for one settle at most
		for _, change := range report.Stores[1].Changes {
			if change.Outcome != inventory.Applied && change.Reason != inventory.ReasonUnread {
				t.Errorf("%s: main failed, and outlet leaves %+v", fault, change)
			}
		}
		<-time.After(w.settle)
		w.cycle(reconcile.Request{})
	}
	if fault.API != "katana" && inStepCount(world, "outlet") < 12 {
		t.Errorf("%s: a fault of one store kept %d levels of the other from being mended: %+v", fault, 12-inStepCount(world, "outlet"), report.Stores[1])
	}
	world.ClearFaults()
	for range 4 { // what waits for what was lost in the middle, waits one settle
		<-time.After(time.Hour)
		w.cycle(reconcile.Request{})
	}
	wantTrueWrites(t, world, fault)
	w.clean(reconcile.Request{})
	for _, store := range world.Stores() {
		if got := inStepCount(world, store); got != 12 {
			t.Errorf("%s: once it is over, %d of 12 levels of %s are in step", fault, got, store)
		}
	}
	return letter
}

// outcome gives a letter for what a fault did to a cycle, and checks that its
// errors name the place.
func outcome(t *testing.T, fault sandbox.Fault, hits int, report *inventory.Report) string {
	t.Helper()
	main := report.Stores[0]
	switch {
	case hits == 0:
		return "-"
	case report.Error != "":
		if !strings.HasPrefix(report.Error, "katana: ") {
			t.Errorf("%s: the error names no place: %s", fault, report.Error)
		}
		return "E"
	case main.Error != "":
		if !slices.ContainsFunc([]string{"shopify/main: ", "katana: ", "locations: "}, func(place string) bool { return strings.Contains(main.Error, place) }) {
			t.Errorf("%s: the error of the store names no place: %s", fault, main.Error)
		}
		return "S"
	case main.Applied < main.Drifted:
		return "p"
	}
	return "."
}

// wantTrueWrites checks that every figure which was ever written is the one
// that Katana has.
func wantTrueWrites(t *testing.T, world *sandbox.World, fault sandbox.Fault) {
	t.Helper()
	for _, store := range world.Stores() {
		for _, write := range world.Writes(store) {
			if want, _ := world.KatanaAvailable(write.SKU, "Oslo"); write.To != want {
				t.Errorf("%s: %s of %s was set to %d, want %d", fault, write.SKU, store, write.To, want)
			}
		}
	}
}

func inStepCount(world *sandbox.World, store string) (n int) {
	for i := range 12 {
		sku := fmt.Sprintf("SKU-%02d", i)
		shows, active := world.Available(store, sku, "Oslo")
		if has, _ := world.KatanaAvailable(sku, "Oslo"); active && shows == has {
			n++
		}
	}
	return n
}

func printMatrix(t *testing.T, names []string, table map[string]map[sandbox.FaultKind]string) {
	var b strings.Builder
	fmt.Fprintf(&b, "each fault once and for a whole cycle: . mended all the same, p partly, S error of the store, E error of the source, - never reached\n%-46s", "")
	for _, kind := range faultKinds {
		fmt.Fprintf(&b, " %-12s", kind)
	}
	for _, name := range names {
		fmt.Fprintf(&b, "\n%-46s", name)
		for _, kind := range faultKinds {
			fmt.Fprintf(&b, " %-12s", table[name][kind])
		}
	}
	t.Log(b.String())
}

func TestNoSecretIsInTheLogOrTheStateFileAfterEveryFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := faultWorld(t, 0)
		defer w.stop()
		logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		w.log = logger
		w.start()
		told := func(what string, value any, err error) {
			logger.Error("told", "what", what, "value", value, "err", err)
		}
		other := w.stores[0].Choice
		other.Rules = []desired.Rule{{Pattern: "*", Buffer: 1}}
		for j, place := range faultPlaces {
			if w.bulk != place.bulk {
				w.bulk = place.bulk
				w.start()
			}
			for i, kind := range faultKinds {
				// Something is to be stocked, and something to be written.
				w.do(sandbox.StockAdjusted{SKU: "SKU-05", Location: "Oslo", By: "1"}, sandbox.LevelSwitched{Store: "main", SKU: "SKU-11", Location: "Oslo"})
				w.world.Inject(sandbox.Fault{API: place.api, Op: place.op, Kind: kind, Count: -1})
				switch (i + j) % 3 { // each at each place and with each kind
				case 0:
					levels, err := w.rig.reconciler.Explain(t.Context(), reconcile.ExplainRequest{SKU: "SKU-05", Fresh: true})
					told("explain", levels, err)
				case 1:
					figures, err := w.rig.reconciler.Figures(t.Context(), "main")
					told("export", figures, err)
				case 2:
					compared, err := w.rig.reconciler.Cycle(t.Context(), reconcile.Request{Kind: inventory.Full, Dry: true, Compare: map[inventory.StoreName]reconcile.Choice{"main": other}})
					told("compare", compared, err)
				}
				report := w.cycle(reconcile.Request{})
				w.world.ClearFaults()
				told("cycle", report, nil)
				for _, s := range report.Stores {
					logger.Error("store", "err", s.Error)
				}
				w.pass(time.Hour)
			}
		}
		w.do(sandbox.TokenRevoked{Store: "main"})
		told("cycle", w.cycle(reconcile.Request{}), nil)
		levels, err := w.rig.reconciler.Explain(t.Context(), reconcile.ExplainRequest{SKU: "SKU-05"})
		told("explain", levels, err)
		secretFree(t, "the log", log.String())
		w.stop()
		secretFree(t, "the state file", kept(t, w.path, "main", "outlet"))
	})
}
