package cli

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/state"
)

// flips is how many damaged files the daemon is started with.
var flips = flag.Int("flips", 30, "how many damaged state files the daemon is started with")

// late is how long Katana takes to hear of the sale that the state file knows of,
// and nobody else where the stores do not tell of their orders.
const late = 5 * time.Minute

// lastNight runs the shop of the faults until everything that a state file may
// hold is in it: units in flight, and a batch of which nobody knows the end.
func lastNight(t *testing.T, tells bool) *whole {
	t.Helper()
	w := faultWorld(t, 0)
	if !tells {
		w.do(sandbox.ScopesChanged{Store: "main", Scopes: neededScopes}, sandbox.ScopesChanged{Store: "outlet", Scopes: neededScopes})
	}
	w.clean(reconcile.Request{})
	w.pass(w.settle)
	w.clean(reconcile.Request{})
	w.do(
		sandbox.OrderPlaced{Store: "main", Order: "#1", Lines: []sandbox.Line{{SKU: "SKU-09", Quantity: "2"}}, Import: sandbox.Import{After: late}},
		sandbox.StockAdjusted{SKU: "SKU-05", Location: "Oslo", By: "-1"}, sandbox.StockAdjusted{SKU: "SKU-06", Location: "Oslo", By: "3"},
	)
	w.world.Inject(sandbox.Fault{API: "shopify/outlet", Op: "inventorySetQuantities", Kind: sandbox.FaultResetAfter, Count: -1})
	w.world.Inject(sandbox.Fault{API: "shopify/outlet", Op: "readItems", Kind: sandbox.FaultStatus, Count: -1})
	w.cycle(reconcile.Request{})
	w.world.ClearFaults()
	for store, what := range map[inventory.StoreName]func(inventory.StoreMemory) int{
		"main":   func(m inventory.StoreMemory) int { return len(m.Ledger.Entries) + len(m.Ledger.Sales) },
		"outlet": func(m inventory.StoreMemory) int { return len(m.Open) },
	} {
		if memory, err := w.rig.store.Store(store); err != nil || what(memory) == 0 {
			t.Fatalf("nothing is under way in %s, %v", store, err)
		}
	}
	w.stop()
	return w
}

// damage flips some bits of what is in use of a file, or cuts it short.
func damage(dice *rand.Rand, data []byte) (damaged []byte, how string) {
	const page = 4096
	if dice.IntN(5) == 0 {
		n := 1 + dice.IntN(len(data)-1)
		return data[:n], fmt.Sprintf("cut to %d bytes", n)
	}
	var used []int
	for at := 0; at+page <= len(data); at += page {
		if strings.Trim(string(data[at:at+page]), "\x00") != "" {
			used = append(used, at)
		}
	}
	for range 1 + dice.IntN(4) {
		at := used[dice.IntN(len(used))] + dice.IntN(page)
		if dice.IntN(3) == 0 { // heads and tables of pages are at their beginning
			at -= at % page
			at += dice.IntN(128)
		}
		bit := byte(1) << dice.IntN(8)
		data[at] ^= bit
		how += fmt.Sprintf(" bit %08b of byte %d", bit, at)
	}
	return data, how
}

// TestADamagedStateFileNeverEndsInAWrongFigure starts the daemon on damaged
// files. It sets them aside or finds what was in them, or it refuses to start; it
// never writes a figure that cannot be sold, and all is in step in the end.
func TestADamagedStateFileNeverEndsInAWrongFigure(t *testing.T) {
	dice := rand.New(rand.NewPCG(17, 4))
	became := map[string]int{}
	for n := range *flips {
		synctest.Test(t, func(t *testing.T) { became[startDamaged(t, dice, n%2 == 0)]++ })
	}
	t.Logf("of %d damaged state files: %v", *flips, became)
	if became["set aside"] == 0 || became["unharmed"] == 0 {
		t.Error("want some of either")
	}
}

func startDamaged(t *testing.T, dice *rand.Rand, tells bool) (became string) {
	w := lastNight(t, tells)
	defer w.stop()
	good, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	damaged, how := damage(dice, good)
	if err := os.WriteFile(w.path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	before := map[string]int{}
	for _, store := range w.world.Stores() {
		before[store] = len(w.world.Writes(store))
	}
	opened, err := state.Open(w.path, state.Options{})
	if err != nil {
		if !strings.Contains(err.Error(), w.path) {
			t.Errorf("%s: the error does not name the file: %v", how, err)
		}
		return "refused"
	}
	became = "unharmed"
	if notes := strings.Join(opened.Notes(), "\n"); notes != "" {
		became = "set aside"
		if !strings.Contains(notes, "set aside as "+w.path) {
			t.Errorf("%s: nobody is told where the file is: %s", how, notes)
		}
	}
	_ = opened.Close() // it was only looked at
	w.start()
	for _, wait := range []time.Duration{0, time.Minute, late, w.settle, w.settle} {
		w.pass(wait)
		w.cycle(reconcile.Request{Kind: inventory.Incremental})
	}
	w.clean(reconcile.Request{})
	for _, store := range w.world.Stores() {
		for _, write := range w.world.Writes(store)[before[store]:] {
			if most, _ := w.world.KatanaAvailable(write.SKU, "Oslo"); write.To > most {
				t.Errorf("%s: %s of %s was set from %d to %d, and %d can be sold", how, write.SKU, store, write.From, write.To, most)
			}
		}
		if got := inStepCount(w.world, store); got != 12 {
			t.Errorf("%s (%s): in the end %d of 12 levels of %s are in step", how, became, got, store)
		}
	}
	return became
}
