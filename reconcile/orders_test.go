package reconcile_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// wholesale is a world whose store leaves out the orders made in Katana: of 10
// mugs 4 are committed to such an order.
func wholesale(t *testing.T) (w *world, mug inventory.Key) {
	w = newWorld(t)
	id := w.sku("MUG", 10)
	mug = w.level("main", 1, "MUG", 6)
	key := inventory.StockKey{Variant: id, Location: 10}
	row := w.katana.stock[key]
	row.Committed = 4 * inventory.Scale
	w.katana.stock[key] = row
	w.katana.open = []inventory.SourceOrder{{
		ID: 900, Number: "B2B-1", Source: "katana", Status: "NOT_SHIPPED", Location: 10,
		Rows: []inventory.SourceOrderRow{{ID: 9001, Variant: id, Location: 10, Quantity: 4 * inventory.Scale}},
	}}
	w.stores[0].Orders = desired.Orders{Exclude: []desired.Matcher{{Number: "B2B-*"}}, Served: []string{"main.myshopify.com"}}
	return w.settled(), mug
}

func TestAnOrderThatIsLeftOutDoesNotLowerTheStock(t *testing.T) {
	w, mug := wholesale(t)
	w.want(w.cycle(), mug, "applied drift 6→10")
}

func TestNoOpenOrdersAreReadWhenAllCount(t *testing.T) {
	w, mug := wholesale(t)
	w.stores[0].Orders = desired.Orders{}
	w.start()
	before := w.katana.openReads
	if got := outcome(w.cycle(), mug); got != "" || w.katana.openReads != before {
		t.Errorf("got %q after %d reads of open orders, want nothing of either", got, w.katana.openReads-before)
	}
}

func TestTheOpenOrdersAreReadDirectlyBeforeAndAfterTheInventory(t *testing.T) {
	w, _ := wholesale(t)
	w.katana.variants = append(w.katana.variants, // none of these is stocked
		inventory.SourceVariant{ID: 91, SKU: "OLD", Archived: true}, inventory.SourceVariant{ID: 92, SKU: "GONE", Deleted: true}, inventory.SourceVariant{ID: 93, SKU: "FIT", Service: true})
	w.katana.calls = nil
	w.cycle()
	want := []string{"changes", "locations", "orders", "catalogue", "open orders", "inventory of [1]", "open orders"}
	if !slices.Equal(w.katana.calls, want) {
		t.Errorf("got %q, want %q", w.katana.calls, want)
	}
}

func TestAnOrderThatIsPackedBetweenTheReadsIsNotAddedBack(t *testing.T) {
	w, mug := wholesale(t)
	w.katana.openReads = 0
	w.katana.between = func() { w.katana.open = nil } // packed: the inventory was read before, or after, nobody knows
	if got := outcome(w.cycle(), mug); got != "" {
		t.Errorf("got %q, want the full committed quantity subtracted", got)
	}
}

func TestWhenTheOrdersCannotBeReadEverythingCommittedCounts(t *testing.T) {
	for _, at := range []int{1, 2} {
		w, mug := wholesale(t)
		w.katana.openReads, w.katana.openFailAt, w.katana.openFail = 0, at, errors.New("502")
		w.name(1) // something has happened, so that they are read
		report := w.ask(reconcile.Request{Kind: inventory.Incremental})
		if got := outcome(report, mug); got != "" {
			t.Errorf("read %d fails: got %q, want nothing raised", at, got)
		}
		if notes := report.Stores[0].Notes; len(notes) != 1 || !strings.Contains(notes[0], "everything committed is subtracted: 502") {
			t.Errorf("read %d fails: got notes %q", at, notes)
		}
	}
}

func TestAnotherStoreMayCountWhatThisOneLeavesOut(t *testing.T) {
	w, mug := wholesale(t)
	w.addStore("outlet", inventory.ModeApply)
	other := w.level("outlet", 1, "MUG", 9)
	w.start()
	w.settled()
	report := w.cycle()
	w.want(report, mug, "applied drift 6→10")
	w.want(report, other, "applied drift 9→6")
}

func TestAnOrderOfThisMomentIsNotAddedBackWhileOurClockIsAhead(t *testing.T) {
	w, mug := wholesale(t)
	w.katana.ahead = -5 * time.Minute
	w.settled()                                          // its clock is not found to be set, but wrong for long
	w.katana.open[0].Updated = w.now.Add(w.katana.ahead) // now, by Katana's clock
	w.cycle()
	w.wantShown(mug, 6)
	w.pass(3 * time.Minute)
	w.cycle()
	w.wantShown(mug, 10)
}

func TestAnOrderThatArrivesTakesNoOtherSaleAwayWhileOurClockIsAhead(t *testing.T) {
	w := newWorld(t)
	id := w.sku("MUG", 10)
	mug := w.level("main", 1, "MUG", 10)
	w.addStore("outlet", inventory.ModeApply)
	outlet := w.level("outlet", 1, "MUG", 10)
	w.katana.ahead = -5 * time.Minute
	w.settled()
	w.sell(mug, 3)
	w.cycle()
	w.shops["main"].reading = func() {
		w.shops["main"].reading = nil
		w.sell(mug, 2)
		w.pass(time.Second)
		w.commit("main", id, 2)
		last := &w.katana.orders[len(w.katana.orders)-1]
		last.Updated = last.Updated.Add(w.katana.ahead)
	}
	w.cycle()
	w.wantShown(outlet, 5)
}

func TestOpenOrdersAreReadAgainOnlyWhenAnOrderMayHaveChanged(t *testing.T) {
	w := catalogue(t, 300)
	w.stores[0].Orders = desired.Orders{Exclude: []desired.Matcher{{Number: "B2B-*"}}}
	wholesale := inventory.SourceOrder{
		ID: 900, Number: "B2B-1", Source: "katana", Updated: w.now.Add(-time.Hour), Location: 10,
		Rows: []inventory.SourceOrderRow{{ID: 901, Variant: 7, Location: 10, Quantity: 2 * inventory.Scale}},
	}
	w.katana.open = []inventory.SourceOrder{wholesale}
	w.start()
	w.cycle()
	reads := func() int {
		before := w.katana.openReads
		w.incremental()
		return w.katana.openReads - before
	}
	reads() // the first of a process
	if got := reads(); got != 0 {
		t.Errorf("they were read %d times although nothing happened", got)
	}
	w.name(7)
	if got := reads(); got != 2 {
		t.Errorf("they were read %d times when a feed named something, want before and after", got)
	}
	for range 5 { // what was named is read once more
		reads()
	}
	wholesale.Updated = w.now.Add(time.Second)
	w.katana.orders = append(w.katana.orders, wholesale)
	if got := reads(); got != 2 {
		t.Errorf("they were read %d times when one had changed", got)
	}
	if got := reads(); got != 0 {
		t.Errorf("they were read %d times once that was taken in", got)
	}
}
