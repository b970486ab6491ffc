package cli

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
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

// roundCycles is how many incremental cycles it takes until each has been asked
// for what it asks in turn.
const roundCycles = 8

// roundSKUs is a little more than the levels that a glance reads at once.
const roundSKUs = 54

// round is two stores on one Katana that are known to the daemon, and in which
// everything of which an incremental cycle hears happens before each.
type round struct {
	*whole
	sold   map[string]int // by SKU, of which a unit may be in flight
	orders int
	writes map[string]int // that were checked, by store
	fault  sandbox.Fault
}

func newRound(t *testing.T) *round {
	t.Helper()
	w := sandbox.NewWorld(sandbox.Options{KatanaPerMinute: 6000, Stores: []sandbox.StoreOptions{{Name: "main"}, {Name: "outlet"}}})
	w.AddLocation(sandbox.KatanaLocation{Name: "Oslo"})
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, store := range w.Stores() {
		_, err := w.AddStoreLocation(store, sandbox.StoreLocation{Name: "Oslo", Katana: "Oslo"})
		must(err)
	}
	add := func(p sandbox.Product) {
		_, err := w.AddProduct(p)
		must(err)
		for _, store := range w.Stores() {
			_, err := w.AddListing(store, sandbox.Listing{SKU: p.Name, Product: p.Name, Levels: []sandbox.Level{{Location: "Oslo", Available: 60}}})
			must(err)
		}
	}
	for i := range roundSKUs {
		sku := roundSKU(i)
		add(sandbox.Product{Name: sku, Variants: []sandbox.Variant{{SKU: sku, Stock: map[string]string{"Oslo": "40"}}}})
	}
	add(sandbox.Product{Name: "KIT", Kit: true, Variants: []sandbox.Variant{{SKU: "KIT", BOM: []sandbox.Ingredient{{SKU: roundSKU(0), Quantity: "2"}}}}})
	add(sandbox.Product{Name: "SET", Variants: []sandbox.Variant{{SKU: "SET", Stock: map[string]string{"Oslo": "9"}, BOM: []sandbox.Ingredient{{SKU: roundSKU(1), Quantity: "1"}}}}})
	r := &round{sold: map[string]int{}, writes: map[string]int{}}
	r.whole = newWhole(t, w, desired.Mapping{Locations: []desired.Pair{{Target: "Oslo", Sources: []string{"Oslo"}}}})
	return r
}

func roundSKU(i int) string { return fmt.Sprintf("SKU-%02d", i) }

func roundAll() []string {
	all := []string{"KIT", "SET"}
	for i := range roundSKUs {
		all = append(all, roundSKU(i))
	}
	return all
}

// happen plays what each feed of Katana and each glance at a store tells of.
func (r *round) happen(cycle int) {
	r.t.Helper()
	at := func(i int) string { return roundSKU(2 + (cycle*7+i)%(roundSKUs-4)) }
	shows, _ := r.world.Available("main", at(2), "Oslo")
	r.do(
		sandbox.StockAdjusted{SKU: at(0), Location: "Oslo", By: []string{"3", "-2"}[cycle%2]},
		sandbox.HandEdit{Store: "main", SKU: at(2), Location: "Oslo", Available: shows + 3}, // down, it would be taken for a sale
		sandbox.SalesOrderPlaced{Order: fmt.Sprint("SO-", cycle), Location: "Oslo", Lines: []sandbox.Line{{SKU: at(3), Quantity: "1"}}},
		sandbox.MakeOrderPlaced{Order: fmt.Sprint("MO-", cycle), SKU: "SET", Location: "Oslo", Quantity: "1"},
		sandbox.BOMChanged{SKU: "KIT", Ingredient: roundSKU(0), Quantity: fmt.Sprint(1 + cycle%3)},
		sandbox.ItemArchived{SKU: roundSKU(roundSKUs - 1), Restore: cycle%2 == 0},
	)
	if cycle > 1 {
		r.do(sandbox.MakeOrderDone{Order: fmt.Sprint("MO-", cycle-1)}, sandbox.OrderPacked{Store: "main", Order: fmt.Sprint("#", r.orders)})
	}
	if cycle == 2 { // more than a glance reads at once
		for i := range roundSKUs {
			r.do(sandbox.StockAdjusted{SKU: roundSKU(i), Location: "Oslo", By: "-1"})
		}
	}
	for _, store := range r.world.Stores() {
		r.orders++
		r.sold[at(4)]++
		r.do(sandbox.OrderPlaced{Store: store, Order: fmt.Sprint("#", r.orders), Lines: []sandbox.Line{{SKU: at(4), Quantity: "1"}}})
	}
	r.orders-- // that of the last store is never packed
}

// cycleOf runs a cycle of the round: a full one, then incremental ones.
func (r *round) cycleOf(n int) *inventory.Report {
	r.t.Helper()
	kind := inventory.Incremental
	if n == 0 {
		kind = inventory.Full
	} else {
		r.happen(n)
	}
	report := r.run(kind)
	if n == 0 {
		r.pass(r.settle) // so that raises no longer wait
	}
	return report
}

// run runs a cycle and checks what it wrote: each figure is what Katana has, or
// less by what may be in flight.
func (r *round) run(kind inventory.Kind) *inventory.Report {
	r.t.Helper()
	r.pass(30 * time.Second)
	report := r.cycle(reconcile.Request{Kind: kind})
	for _, store := range r.world.Stores() {
		all := r.world.Writes(store)
		for _, write := range all[r.writes[store]:] {
			has, _ := r.world.KatanaAvailable(write.SKU, "Oslo")
			if write.To > has || write.To < has-r.sold[write.SKU] || !write.Checked {
				r.t.Errorf("%s: %s of %s was set from %d to %d, Katana has %d, %d were sold", r.fault, write.SKU, store, write.From, write.To, has, r.sold[write.SKU])
			}
		}
		r.writes[store] = len(all)
	}
	return report
}

// behind counts the levels that show something else than Katana has.
func (r *round) behind(store string) (n int) {
	for _, sku := range roundAll() {
		shows, _ := r.world.Available(store, sku, "Oslo")
		if has, _ := r.world.KatanaAvailable(sku, "Oslo"); shows != has {
			n++
		}
	}
	return n
}

// operations plays a round in which nothing goes wrong, and gives what is asked
// in its incremental cycles, with the cycle that asks for it first.
func operations(t *testing.T) (first map[string]int) {
	first = map[string]int{}
	synctest.Test(t, func(t *testing.T) {
		r := newRound(t)
		defer r.stop()
		for n := range roundCycles {
			r.asked.restarted()
			r.cycleOf(n)
			for name := range r.asked.count {
				if _, known := first[name]; n > 0 && !known {
					first[name] = n
				}
			}
		}
	})
	return first
}

// allFaults has every fault played at every operation of incremental cycles and of
// rare scenes; else one of so many is, since all take minutes.
var allFaults = flag.Bool("faults", false, "play every fault at every operation, also of incremental cycles and of what is seldom asked")

// faultSlice shares no factor with the columns of the table, so that what is
// played lies in all of them.
const faultSlice = 23

// restoring is how many cycles a round may take after a fault until all is in
// step: what waits for what was lost in the middle waits one settle.
const restoring = 25

// TestNoFaultOfAnIncrementalCycleEndsInAWrongFigure plays every fault of the
// sandbox at every operation of incremental cycles, and prints what became of it.
func TestNoFaultOfAnIncrementalCycleEndsInAWrongFigure(t *testing.T) {
	if kinds := slices.Sorted(slices.Values(faultKinds)); fmt.Sprint(kinds) != fmt.Sprint(sandbox.FaultKinds()) {
		t.Errorf("the faults are %v, and the sandbox has %v", kinds, sandbox.FaultKinds())
	}
	first := operations(t)
	table := map[string]map[sandbox.FaultKind]string{}
	worst, cell := 0, 0
	for _, name := range slices.Sorted(maps.Keys(first)) {
		table[name] = map[sandbox.FaultKind]string{}
		for _, kind := range faultKinds {
			for _, times := range []int{1, -1} {
				if cell++; !*allFaults && cell%faultSlice != 0 {
					continue
				}
				synctest.Test(t, func(t *testing.T) {
					letter, cycles := playRound(t, sandbox.Fault{Kind: kind, Count: times}, name, first[name])
					table[name][kind] += fmt.Sprint(letter, cycles, " ")
					worst = max(worst, cycles)
				})
			}
		}
	}
	printMatrix(t, slices.Sorted(maps.Keys(first)), table)
	t.Logf("each is followed by how many incremental cycles later all was in step: %d at most", worst)
}

// playRound plays a fault in a cycle of a round, and gives a letter for what
// came of it, and how many cycles it took after it until all was in step.
func playRound(t *testing.T, fault sandbox.Fault, name string, n int) (letter string, cycles int) {
	r := newRound(t)
	defer r.stop()
	fault.API, fault.Op = "katana", strings.TrimPrefix(name, "katana")
	if op, is := strings.CutPrefix(name, "shopify "); is {
		fault.API, fault.Op = "shopify/main", op
	}
	r.fault = fault
	for i := range n {
		r.cycleOf(i)
	}
	hits := r.world.Inject(fault)
	report := r.cycleOf(n)
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	secretFree(t, fmt.Sprint("the report after ", fault), string(text))
	letter = outcome(t, fault, hits(), report)
	r.world.ClearFaults()
	r.do(sandbox.ItemArchived{SKU: roundSKU(roundSKUs - 1), Restore: true})
	for ; r.behind("main")+r.behind("outlet") > 0; cycles++ {
		if cycles == restoring {
			t.Errorf("%s: %d cycles later %d levels are not in step: %+v", fault, cycles, r.behind("main")+r.behind("outlet"), r.run(inventory.Full).Stores)
			break
		}
		r.run(inventory.Incremental)
	}
	for _, store := range r.clean(reconcile.Request{Dry: true}).Stores {
		if store.Drifted > 0 {
			t.Errorf("%s: a full cycle still finds %+v", fault, store.Changes)
		}
	}
	return letter, cycles
}
