package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// catalogue is a world of so many SKUs in step, each at Shop, after a full
// cycle; the sweep takes an hour.
func catalogue(t *testing.T, n int) *world {
	w := newWorld(t)
	for i := range n {
		sku := inventory.SKU(fmt.Sprint("S", i+1))
		w.sku(sku, 10)
		w.level("main", int64(i+1), sku, 10)
	}
	w.settled().cycle()
	w.katana.calls = nil
	return w
}

// incremental runs an incremental cycle half a minute after the last, and gives
// the variants whose inventory it read.
func (w *world) incremental() (report *inventory.Report, read []inventory.SourceVariantID) {
	w.t.Helper()
	w.pass(29 * time.Second)
	w.katana.calls, w.katana.asked = nil, nil
	return w.ask(reconcile.Request{Kind: inventory.Incremental}), w.katana.asked
}

// name has a feed name a variant.
func (w *world) name(ids ...inventory.SourceVariantID) {
	if w.katana.named == nil {
		w.katana.named = map[inventory.SourceVariantID]time.Time{}
	}
	for _, id := range ids {
		w.katana.named[id] = w.now
	}
}

func key(item int64) inventory.Key {
	return inventory.Key{Store: "main", Item: inventory.ItemID(item), Location: 1}
}

func TestAnIdleCycleReadsOnlyItsShareOfTheSweep(t *testing.T) {
	w := catalogue(t, 240)
	seen := map[inventory.SourceVariantID]int{}
	for range 120 { // an hour
		_, read := w.incremental()
		if len(read) > 3 {
			t.Fatalf("read %d variants, want the share of half a minute", len(read))
		}
		for _, id := range read {
			seen[id]++
		}
		if calls := strings.Join(w.katana.calls, " "); strings.Contains(calls, "catalogue") || strings.Contains(calls, "locations") || strings.Contains(calls, "recipes") {
			t.Fatalf("an idle cycle asks for %s", calls)
		}
	}
	for id := range inventory.SourceVariantID(240) {
		if seen[id+1] == 0 {
			t.Errorf("variant %d was not read within the hour", id+1)
		}
	}
}

func TestWhatAFeedNamesIsWrittenInTheNextCycle(t *testing.T) {
	w := catalogue(t, 240)
	w.has(7, 10, 4)
	w.name(7)
	report, read := w.incremental()
	if !slices.Contains(read, 7) || len(read) > 4 {
		t.Errorf("read %v", read)
	}
	w.want(report, key(7), "applied drift 10→4")
	for range 3 {
		if _, read := w.incremental(); slices.Contains(read, 7) {
			t.Errorf("read 7 again at once: %v", read)
		}
	}
	if _, read := w.incremental(); !slices.Contains(read, 7) {
		t.Error("it was not read again once the inventory could no longer lag behind the feed")
	}
}

func TestASmallShopIsSweptSoonerThanItMust(t *testing.T) {
	w := catalogue(t, 100)
	w.sweepAtLeast = 40
	w.start()
	w.cycle()
	read := map[inventory.SourceVariantID]bool{}
	for range 3 {
		_, ids := w.incremental()
		if len(ids) != 40 {
			t.Fatalf("%d were read, want 40", len(ids))
		}
		for _, id := range ids {
			read[id] = true
		}
	}
	if len(read) != 100 {
		t.Errorf("3 cycles of 40 read %d of 100", len(read))
	}
}

func TestAChangeThatNoFeedNamesIsFoundWithinTheSweep(t *testing.T) {
	w := catalogue(t, 240)
	w.has(200, 10, 4)
	for range 121 {
		w.incremental()
	}
	w.wantShown(key(200), 4)
}

func TestAFigureThatWasReadLongAgoIsReadAgainBeforeItIsWritten(t *testing.T) {
	w := catalogue(t, 240)
	w.has(200, 10, 4) // no feed says so
	w.shops["main"].levels[key(200)].Available = 50
	report, read := w.incremental()
	if !slices.Contains(read, 200) {
		t.Errorf("read %v", read)
	}
	w.want(report, key(200), "applied drift 50→4")
}

func TestKitsAreReadWithTheirComponentsAndFourTimesAsOften(t *testing.T) {
	w := catalogue(t, 0)
	for i := range 100 {
		w.sku(inventory.SKU(fmt.Sprint("S", i+1)), 10)
	}
	set := w.sku("SET", 0)
	w.katana.variants[100].Kit = true
	w.katana.recipes = []inventory.Ingredient{{Product: set, Variant: 5, Quantity: inventory.Scale}}
	w.cycle()
	w.name(5)
	if _, read := w.incremental(); !slices.Contains(read, 5) || !slices.Contains(read, set) {
		t.Errorf("read %v, want the component and its kit", read)
	}
	times := 0
	for range 120 {
		if _, read := w.incremental(); slices.Contains(read, set) {
			times++
		}
	}
	if times < 4 || times > 6 {
		t.Errorf("the kit was read %d times in an hour", times)
	}
}

func TestANewVariantIsReadAsSoonAsTheCatalogueIsKnownToBeEdited(t *testing.T) {
	w := catalogue(t, 10)
	id := w.sku("NEW", 3)
	w.level("main", 11, "NEW", 1)
	w.pass(time.Second)
	w.katana.edited = w.now
	if _, read := w.incremental(); !slices.Contains(read, id) {
		t.Errorf("read %v, want %d", read, id)
	}
	w.katana.variants[4].Archived = true
	w.pass(time.Second)
	w.katana.edited = w.now
	w.has(5, 10, 0)
	report, read := w.incremental()
	if slices.Contains(read, 5) || report.Stores[0].Skipped[inventory.ReasonArchived] != 1 {
		t.Errorf("read %v, left alone %v", read, report.Stores[0].Skipped)
	}
}

func TestAnEditedVariantIsReadAlone(t *testing.T) {
	w := catalogue(t, 10)
	w.incremental() // reads the locations
	edit := func(id inventory.SourceVariantID) (report *inventory.Report) {
		w.katana.editedAt = map[inventory.SourceVariantID]time.Time{id: w.now.Add(time.Second)}
		report, _ = w.incremental()
		if calls := strings.Join(w.katana.calls, ", "); !strings.Contains(calls, fmt.Sprintf("variants [%d]", id)) || strings.Contains(calls, "catalogue") {
			t.Errorf("got %s", calls)
		}
		return report
	}
	w.katana.variants[4].SKU = "S50"
	w.level("main", 50, "S50", 10)
	w.has(5, 10, 6)
	for range 40 { // what is seen for the first time waits
		w.incremental()
	}
	report := edit(5)
	w.want(report, key(50), "applied drift 10→6")
	if report.Stores[0].Skipped[inventory.ReasonNotInKatana] != 1 {
		t.Errorf("the SKU that it had is %v", report.Stores[0].Skipped)
	}
	w.katana.variants = slices.Delete(w.katana.variants, 5, 6)
	if report = edit(6); report.Stores[0].Skipped[inventory.ReasonNotInKatana] != 2 {
		t.Errorf("one that is gone is %v", report.Stores[0].Skipped)
	}
	w.katana.variants[0].Archived = true
	if report = edit(1); report.Stores[0].Skipped[inventory.ReasonArchived] != 1 {
		t.Errorf("one that is archived is %v", report.Stores[0].Skipped)
	}
}

func TestWhatAFailedReadDidNotTakeInIsReadByTheNext(t *testing.T) {
	w := catalogue(t, 100)
	w.has(7, 10, 4)
	w.name(7)
	w.katana.stockFail = errCut
	w.pass(30 * time.Second)
	if _, err := w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Incremental}); !errors.Is(err, errCut) {
		t.Fatalf("got %v", err)
	}
	w.katana.stockFail = nil
	report, _ := w.incremental()
	w.want(report, key(7), "applied drift 10→4")
}

func TestAFeedThatCannotTellIsAFullRead(t *testing.T) {
	w := catalogue(t, 100)
	w.has(7, 10, 4)
	w.katana.feedFail = &inventory.FeedError{Feed: "movements", Why: "it is too long"}
	report, read := w.incremental()
	if len(read) != 100 {
		t.Errorf("read %d of 100 variants", len(read))
	}
	w.want(report, key(7), "applied drift 10→4")
}

func TestALocationThatIsMappedAnewIsAFullRead(t *testing.T) {
	w := catalogue(t, 100)
	w.stores[0].Mapping.Locations = w.stores[0].Mapping.Locations[:1]
	w.start()
	w.cycle()
	choice := w.stores[0].Choice
	choice.Mapping.Locations = []desired.Pair{{Target: "Shop", Sources: []string{"Side"}}}
	w.katana.asked = nil
	w.ask(reconcile.Request{Kind: inventory.Incremental, Dry: true, Compare: map[inventory.StoreName]reconcile.Choice{"main": choice}})
	if len(w.katana.asked) != 100 {
		t.Errorf("read %d of 100 variants", len(w.katana.asked))
	}
}

func TestTheReportSaysHowOldTheOldestFigureIs(t *testing.T) {
	w := catalogue(t, 240)
	full := w.now
	report, _ := w.incremental()
	if !report.OldestRead.Equal(full) {
		t.Errorf("got %s, want that of the full read, %s", report.OldestRead, full)
	}
	for range 121 {
		report, _ = w.incremental()
	}
	if age := w.now.Sub(report.OldestRead); age > time.Hour+time.Minute || age < 50*time.Minute {
		t.Errorf("after an hour of sweeping the oldest figure is %s old", age)
	}
}

// TestPropertyNoIncrementalCycleWritesWhatAFullOneWouldNot holds every write
// against a full read at the same moment, and looks for drift once all is
// quiet.
func TestPropertyNoIncrementalCycleWritesWhatAFullOneWouldNot(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tr := newTrade(t, rt)
		defer tr.stop()
		if rapid.Bool().Draw(rt, "orders left out") {
			tr.stores[0].Orders = desired.Orders{Exclude: []desired.Matcher{{Number: "B2B-*"}}, Served: []string{"main.myshopify.com", "outlet.myshopify.com"}}
		}
		tr.stores[1].Activate = rapid.Bool().Draw(rt, "activate")
		tr.cycle()
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			tr.happen()
			tr.hint()
			tr.pass(time.Duration(rapid.IntRange(0, 240).Draw(rt, "seconds")) * time.Second)
			tr.arrive()
			tr.asAFullCycleWould()
		}
		tr.pass(settle)
		tr.arrive()
		for range 14 { // an hour and its sweep
			tr.pass(5 * time.Minute)
			tr.ask(reconcile.Request{Kind: inventory.Incremental})
		}
		report := tr.ask(reconcile.Request{Kind: inventory.Full, Dry: true})
		for _, s := range report.Stores {
			if s.Drifted != 0 {
				rt.Fatalf("after all has settled and been swept, %s has drift: %+v", s.Name, s.Changes)
			}
		}
	})
}

// hint has the feeds name some of the variants, whether or not anything
// happened to them, and orders made in Katana come and go.
func (tr *trade) hint() {
	for _, id := range tr.ids {
		if rapid.IntRange(0, 2).Draw(tr.rt, "named") == 0 {
			tr.name(id)
		}
	}
	if rapid.IntRange(0, 3).Draw(tr.rt, "wholesale") > 0 {
		return
	}
	i := rapid.IntRange(0, len(tr.ids)-1).Draw(tr.rt, "of")
	tr.nextID++
	units := inventory.Quantity(rapid.Int64Range(1, 3).Draw(tr.rt, "units")) * inventory.Scale
	row := inventory.StockKey{Variant: tr.ids[i], Location: 10}
	stock := tr.katana.stock[row]
	stock.Committed += units
	tr.katana.stock[row] = stock
	order := inventory.SourceOrder{
		ID: tr.nextID, Number: "B2B-1", Source: "katana", Updated: tr.now, Location: 10,
		Rows: []inventory.SourceOrderRow{{ID: tr.nextID, Variant: tr.ids[i], Location: 10, Quantity: units}},
	}
	tr.katana.open, tr.katana.orders = append(tr.katana.open, order), append(tr.katana.orders, order)
}

func (tr *trade) asAFullCycleWould() {
	would := map[inventory.Key]inventory.LevelFigure{}
	tr.pass(time.Second)
	for name, shop := range tr.shops {
		figures, err := tr.r.Figures(context.Background(), name)
		if err != nil {
			tr.rt.Fatal(err)
		}
		for _, figure := range figures.Levels {
			would[figure.Key] = figure
		}
		shop.done = nil
	}
	tr.now = tr.now.Add(-time.Second) // ask lets it pass
	tr.ask(reconcile.Request{Kind: inventory.Incremental})
	for _, shop := range tr.shops {
		for _, change := range shop.done {
			if figure := would[change.Key]; figure.Left != "" || figure.Target != change.To {
				tr.rt.Fatalf("%s was set to %d, where a full cycle would have had %+v", change.Key, change.To, []any{figure.Target, figure.Observed, figure.Left, change.From, change.Reason})
			}
		}
	}
}

func TestARowThatIsMissingTwiceWithAReadThatHadItBetweenIsNoZero(t *testing.T) {
	w := catalogue(t, 3)
	at := inventory.StockKey{Variant: 1, Location: 10}
	row := w.katana.stock[at]
	delete(w.katana.stock, at)
	w.pass(time.Second)
	w.ask(reconcile.Request{Kind: inventory.Full})
	w.katana.stock[at] = row
	w.name(1)
	w.incremental()
	delete(w.katana.stock, at)
	w.name(1)
	if report, read := w.incremental(); report.Stores[0].Applied != 0 || !slices.Contains(read, 1) {
		t.Errorf("a row that is missing for the first time was taken for nothing: %+v", report.Stores[0].Changes)
	}
}

func TestKitsAreKnownAfterARecipeReadThatFailed(t *testing.T) {
	w := catalogue(t, 2)
	set := w.sku("SET", 4)
	w.katana.variants[2].Kit = true
	w.katana.recipes = []inventory.Ingredient{{Product: set, Variant: 1, Quantity: inventory.Scale}}
	w.katana.recipesFail = errCut
	w.pass(time.Second)
	w.ask(reconcile.Request{Kind: inventory.Full})
	w.katana.recipesFail = nil
	w.incremental()
	w.name(1)
	if _, read := w.incremental(); !slices.Contains(read, set) {
		t.Errorf("%v were read, and the kit %d was not", read, set)
	}
}

func TestWhatIsToBeReadAgainStaysSoWhenEverythingIsRead(t *testing.T) {
	w := catalogue(t, 200)
	w.pass(time.Second)
	choice := w.stores[0].Choice
	choice.Mapping.Locations = []desired.Pair{{Target: "Shop", Sources: []string{"Main"}}}
	w.katana.locations = append(w.katana.locations, inventory.SourceLocation{ID: 30, Name: "Third", SalesAllowed: true})
	w.ask(reconcile.Request{Kind: inventory.Full})
	choice.Mapping.Locations = []desired.Pair{{Target: "Shop", Sources: []string{"Main", "Third"}}}
	w.name(150)
	w.pass(29 * time.Second)
	w.katana.asked = nil
	w.ask(reconcile.Request{Kind: inventory.Incremental, Dry: true, Compare: map[inventory.StoreName]reconcile.Choice{"main": choice}})
	if len(w.katana.asked) != 200 {
		t.Fatalf("%d were read, want all", len(w.katana.asked))
	}
	again := 0
	for range 5 {
		if _, read := w.incremental(); slices.Contains(read, 150) {
			again++
		}
	}
	if again == 0 {
		t.Error("what a feed named was not read again when the inventory no longer lags")
	}
}

func TestALevelThatCarriesAnotherSKUByNowIsNotWrittenFromAnOldFigure(t *testing.T) {
	w := catalogue(t, 240)
	w.has(200, 10, 4) // no feed says so
	w.has(5, 10, 6)
	w.name(5)
	w.shops["main"].before = func([]inventory.Change) {
		w.shops["main"].before = nil
		level := w.shops["main"].levels[key(5)]
		level.SKU, level.Available = "S200", 11
	}
	report, read := w.incremental()
	if slices.Contains(read, 200) {
		t.Fatal("the sweep has read it: the test shows nothing")
	}
	w.want(report, key(5), "waiting unread 11→10")
	report, _ = w.incremental()
	w.want(report, key(5), "applied drift 11→4")
}
