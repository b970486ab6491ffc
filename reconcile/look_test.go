package reconcile_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// asked is what the store main was asked since.
func (w *world) asked() string {
	calls := strings.Join(w.shops["main"].calls, ", ")
	w.shops["main"].calls = nil
	return calls
}

// large is a catalogue that takes several pages, with an hour for the sweep.
func large(t *testing.T) *world {
	w := catalogue(t, 600)
	w.incremental() // the first takes no share of the sweep
	w.asked()
	return w
}

func TestAnIdleCycleAsksAStoreOnce(t *testing.T) {
	w := large(t)
	glances, pages := 0, 0
	for range 120 {
		w.incremental()
		switch got := w.asked(); got {
		case "glance":
			glances++
		case "page":
			pages++
		case "page, glance":
			glances, pages = glances+1, pages+1
		default:
			t.Fatalf("got %q", got)
		}
	}
	if glances+pages > 121 || pages < 3 || pages > 4 {
		t.Errorf("an hour took %d glances and %d pages of 3", glances, pages)
	}
}

func TestAChangeOfKatanaIsWrittenWithoutReadingTheStore(t *testing.T) {
	w := large(t)
	market := w.level("main", 7, "S7", 0, 2)
	w.cycle()
	w.pass(settle)
	w.incremental()
	w.asked()
	w.has(7, 10, 4)
	w.has(7, 20, 3)
	w.name(7)
	report, _ := w.incremental()
	if got := w.asked(); got != "set 2" {
		t.Errorf("got %q, want one write of two levels", got)
	}
	w.want(report, key(7), "applied drift 10→4")
	w.want(report, market, "applied drift 0→3")
	if s := report.Stores[0]; s.InStep+s.Drifted != s.Levels || s.Levels != 601 {
		t.Errorf("got %d in step and %d drifted of %d levels", s.InStep, s.Drifted, s.Levels)
	}
}

func TestManyChangesAreWrittenInFullBatches(t *testing.T) {
	w := large(t)
	for id := range inventory.SourceVariantID(500) {
		w.has(id+1, 10, 4)
		w.name(id + 1)
	}
	w.incremental()
	if got := w.asked(); got != "set 250, set 250" {
		t.Errorf("got %q", got)
	}
}

func TestWhatAnOrderHasJustArrivedForIsReadFirst(t *testing.T) {
	w := large(t)
	w.sell(key(7), 2)
	w.commit("main", 7, 2)
	w.name(7)
	report, _ := w.incremental()
	if got := w.asked(); got != "levels of 1" {
		t.Errorf("got %q, want no more than a look at the level", got)
	}
	w.want(report, key(7), "")
	w.wantShown(key(7), 8)
}

func TestASaleOnTheWayIsFoundByTheWrite(t *testing.T) {
	w := large(t)
	w.sell(key(7), 1) // no order has reached Katana
	w.has(7, 10, 14)
	w.name(7)
	report, _ := w.incremental()
	if got := w.asked(); got != "set 1, levels of 1, set 1" {
		t.Errorf("got %q", got)
	}
	w.want(report, key(7), "applied inflight 9→13")
}

func TestAHandEditIsMendedWithinAFewCycles(t *testing.T) {
	w := large(t)
	for n := range 5 {
		w.shops["main"].levels[key(300)].Available = 50 + inventory.Units(n) // the same one again and again would be a second writer
		for range 4 {
			w.incremental()
		}
		if w.wantShown(key(300), 10); t.Failed() {
			t.Fatalf("edit %d", n)
		}
	}
}

func TestAStoreThatDoesNotTellWhatItUpdatesIsReadInTurn(t *testing.T) {
	w := large(t)
	w.shops["main"].deaf = true
	for i := range int64(5) {
		w.shops["main"].levels[key(100+100*i)].Available = 50
	}
	var report *inventory.Report
	for range 121 {
		report, _ = w.incremental()
	}
	look := report.Stores[0].Look
	if look == nil || look.Trusted || look.Missed < 3 || !slices.ContainsFunc(report.Stores[0].Notes, func(note string) bool { return strings.Contains(note, "read in turn") }) {
		t.Fatalf("got %+v, %q", look, report.Stores[0].Notes)
	}
	w.shops["main"].levels[key(555)].Available = 50
	for range 5 {
		w.incremental()
	}
	w.wantShown(key(555), 10)
	w.cycle()
	if report, _ = w.incremental(); !report.Stores[0].Look.Trusted {
		t.Error("it is not tried again after a look at all of the store")
	}
}

func TestLevelsThatComeAndGoAreFoundByTheSweep(t *testing.T) {
	w := large(t)
	delete(w.shops["main"].levels, key(300))
	w.sku("NEW", 3)
	fresh := w.level("main", 999, "NEW", 1)
	w.shops["main"].deaf = true
	w.katana.edited = w.now.Add(time.Second)
	for range 150 { // an hour for the sweep, and what a level waits that is seen for the first time
		w.incremental()
	}
	w.wantShown(fresh, 3)
	report, _ := w.incremental()
	if got := report.Stores[0].Levels; got != 600 {
		t.Errorf("%d levels, want 600: one came and one went", got)
	}
	memory, err := w.state.Store("main")
	if err != nil {
		t.Fatal(err)
	}
	if _, still := memory.Levels[key(300)]; still || len(memory.Items) != 600 {
		t.Errorf("the level that went is still kept, or %d items are", len(memory.Items))
	}
}

// narrow is a store whose pages hold fewer variants, as those of a store do
// that finds full ones too costly.
type narrow struct {
	*shop
	pages int
}

func (n *narrow) Page(ctx context.Context, after inventory.VariantID) (inventory.Page, error) {
	n.pages++
	page, err := n.shop.Page(ctx, after)
	const fits = 50
	if len(page.Levels) > fits {
		page.Levels, page.Updated, page.End = page.Levels[:fits], page.Updated[:fits], false
		page.Last = page.Levels[fits-1].Variant
	}
	return page, err
}

func TestASweepOfSmallPagesComesRoundInTime(t *testing.T) {
	w := catalogue(t, 600)
	w.stores[0].Target = &narrow{shop: w.shops["main"]}
	w.start()
	w.cycle()
	w.shops["main"].deaf = true
	w.shops["main"].levels[key(590)].Available = 50
	for range 124 { // an hour
		w.incremental()
	}
	w.wantShown(key(590), 10)
}

func TestALevelThatNeedsNoStockingAnyMoreIsNotCounted(t *testing.T) {
	w := catalogue(t, 10)
	w.has(7, 20, 3)
	w.name(7)
	report, _ := w.incremental()
	if got := report.Stores[0].Skipped[inventory.ReasonNotStocked]; got != 1 {
		t.Fatalf("%d are not stocked, want 1", got)
	}
	w.has(7, 20, 0)
	w.name(7)
	w.incremental()
	for name, report := range map[string]*inventory.Report{"incremental": w.ask(reconcile.Request{Kind: inventory.Incremental}), "full": w.cycle()} {
		if got := report.Stores[0].Skipped[inventory.ReasonNotStocked]; got != 0 {
			t.Errorf("%s: %d are told to be not stocked, want none: Katana has nothing there", name, got)
		}
	}
}

func TestQuietCyclesLeaveNothingInTheHistory(t *testing.T) {
	for _, n := range []int{20, 600} {
		w := catalogue(t, n)
		w.incremental()
		w.incremental()
		before, err := w.state.History(0)
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			w.incremental()
		}
		after, err := w.state.History(0)
		if err != nil {
			t.Fatal(err)
		}
		if len(after) > len(before)+3 {
			t.Errorf("%d variants: 60 cycles in which nothing happened left %d reports", n, len(after)-len(before))
		}
	}
}

// vague is a store that cannot tell in full what it updated.
type vague struct {
	*shop
	until int // so many times
}

func (v *vague) Glance(ctx context.Context, since time.Time) (inventory.Glance, error) {
	if !since.IsZero() && v.until > 0 {
		v.until--
		v.calls = append(v.calls, "vague glance")
		return inventory.Glance{}, fmt.Errorf("%w: the store ignores the filter", inventory.ErrIncomplete)
	}
	return v.shop.Glance(ctx, since)
}

func TestAStoreThatNeverTellsInFullIsNotReadWholeAllTheTime(t *testing.T) {
	w := large(t)
	main := &vague{shop: w.shops["main"], until: 1000}
	w.stores[0].Target = main
	w.start()
	w.cycle()
	w.asked()
	for range 40 {
		w.incremental()
	}
	if got := strings.Count(w.asked(), "observe"); got > 4 {
		t.Errorf("in 20 minutes all of it was read %d times", got)
	}
}

func TestALevelThatWasAwayForAWhileDoesNotRestForADay(t *testing.T) {
	w := large(t)
	main := w.shops["main"]
	level := *main.levels[key(7)]
	delete(main.levels, key(7)) // the merchant takes the item out of the location
	w.has(7, 10, 4)
	w.name(7)
	if report, _ := w.incremental(); report.Stores[0].Rejected != 0 {
		t.Errorf("a level that is gone is told to be refused: %s", outcome(report, key(7)))
	}
	w.pass(5 * time.Minute)
	main.levels[key(7)] = &level // and puts it back
	for range 150 {              // an hour for the sweep, and what a level waits that is seen for the first time
		w.incremental()
	}
	w.wantShown(key(7), 4)
}

// wantShelf compares what is known of the store main with what it lists.
func (w *world) wantShelf(want []inventory.Level) {
	w.t.Helper()
	got, err := w.r.Shelf("main")
	if err != nil {
		w.t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("known are\n%+v\nand there are\n%+v", got, want)
	}
}

func TestAFullLookThatFailsChangesNothingAndASaleIsCountedOnceByTheNext(t *testing.T) {
	w := newWorld(t)
	mug, tee := w.level("main", 1, "MUG", 10), w.level("main", 2, "TEE", 5)
	w.sku("MUG", 10)
	w.sku("TEE", 5)
	w.settled().cycle()
	s := w.shops["main"]
	known, _ := s.all()
	// The sale has come, and what is left of the store has not.
	w.sell(mug, 2)
	rest := s.levels[tee]
	delete(s.levels, tee)
	s.fail = fmt.Errorf("page 2: %w", inventory.ErrIncomplete)
	w.pass(time.Second)
	report, err := w.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full})
	if err != nil || report.Stores[0].Error == "" || len(report.Stores[0].Changes) > 0 {
		t.Fatalf("got %v and %+v, want an error of the store", err, report.Stores[0])
	}
	w.wantShelf(known)
	if kept, err := w.state.Store("main"); err != nil || len(kept.Ledger.Entries) > 0 || len(kept.Levels) != 2 {
		t.Errorf("the state file has %+v (%v), want what it had", kept, err)
	}
	s.fail, s.levels[tee] = nil, rest
	for range 2 {
		report = w.cycle()
		w.want(report, mug, "waiting inflight 8→10")
		w.want(report, tee, "")
		kept, err := w.state.Store("main")
		if entries := kept.Ledger.Entries; err != nil || len(entries) != 1 || entries[0].Key != mug || entries[0].Units != 2 {
			t.Errorf("in flight are %+v (%v), want the 2 mugs once", entries, err)
		}
	}
}

func TestAFullLookFindsWhatIsNewAndWhatIsGone(t *testing.T) {
	w := newWorld(t)
	s := w.shops["main"]
	for item := int64(5); item <= 80; item += 5 {
		w.sku(inventory.SKU(fmt.Sprint("S", item)), item)
	}
	for _, item := range []int64{10, 20, 30, 40, 50, 60} {
		w.level("main", item, inventory.SKU(fmt.Sprint("S", item)), item)
	}
	w.settled().cycle()
	for _, step := range []struct {
		name      string
		gone, new []int64
	}{
		{"the first, one in the middle and the last are gone", []int64{10, 30, 60}, nil},
		{"others come before, between and behind", nil, []int64{5, 25, 35, 70}},
		{"one comes where its neighbours go", []int64{20, 35}, []int64{30}},
		{"all but the last are gone", []int64{5, 25, 30, 40, 50}, nil},
		{"another takes its place", []int64{70}, []int64{80}},
		{"nothing is left", []int64{80}, nil},
		{"the first come back", nil, []int64{10, 20}},
	} {
		for _, item := range step.gone {
			delete(s.levels, key(item))
		}
		for _, item := range step.new {
			w.level("main", item, inventory.SKU(fmt.Sprint("S", item)), item)
		}
		report := w.cycle()
		there, _ := s.all()
		w.wantShelf(there)
		kept, err := w.state.Store("main")
		if err != nil || len(kept.Items) != len(there) || report.Stores[0].Levels != len(there) {
			t.Errorf("%s: %d items are kept and %d levels told of (%v), want %d", step.name, len(kept.Items), report.Stores[0].Levels, err, len(there))
		}
	}
}
