package reconcile_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// told is an explanation as somebody reads it who has only its JSON.
type told struct {
	Store, SKU, Location string
	Left                 string `json:"left_alone"`
	Desired              int64
	Negative             bool
	Terms                *struct {
		Sources []struct {
			NoSales   bool   `json:"no_sales"`
			NoRow     bool   `json:"no_row"`
			Stock     string `json:"in_stock"`
			Committed string
			AddedBack string `json:"added_back"`
			Excluded  []struct {
				Open string
				Why  string `json:"counts_because"`
			} `json:"excluded_orders"`
			Kit *struct{ Potential string }
		} `json:"katana_locations"`
		Others []struct{ Units int64 } `json:"in_flight_elsewhere"`
		Rule   *struct {
			Buffer    int64
			Max       *int64
			MinToSell int64 `json:"min_to_sell"`
			Skip      bool
		}
		Steps []struct{ Step, Amount, Result string }
	}
}

func exact(text string) *big.Rat {
	if text == "" {
		return new(big.Rat)
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text)
	}
	return r
}

// figure works the figure out from the terms, as the rules read.
func (e told) figure() (units int64, negative bool) {
	total := new(big.Rat)
	for _, s := range e.Terms.Sources {
		if s.NoSales || s.NoRow {
			continue
		}
		back := new(big.Rat)
		for _, row := range s.Excluded {
			if row.Why == "" {
				back.Add(back, exact(row.Open))
			}
		}
		if committed := exact(s.Committed); back.Cmp(committed) > 0 {
			back = committed
		}
		total.Add(total, exact(s.Stock)).Sub(total, exact(s.Committed)).Add(total, back)
		if s.Kit != nil {
			total.Add(total, exact(s.Kit.Potential))
		}
	}
	for _, other := range e.Terms.Others {
		total.Sub(total, new(big.Rat).SetInt64(other.Units))
	}
	negative = total.Sign() < 0
	rule := e.Terms.Rule
	if rule != nil {
		total.Sub(total, new(big.Rat).SetInt64(rule.Buffer))
	}
	if total.Sign() < 0 {
		return 0, negative
	}
	units = new(big.Int).Quo(total.Num(), total.Denom()).Int64()
	if rule != nil && units < rule.MinToSell {
		units = 0
	}
	if rule != nil && rule.Max != nil {
		units = min(units, *rule.Max)
	}
	return units, negative
}

// stepped adds up the steps, each of which must say what it led to.
func (e told) stepped(t *rapid.T) int64 {
	total := new(big.Rat)
	var names []string
	for _, step := range e.Terms.Steps {
		names = append(names, step.Step)
		if total.Add(total, exact(step.Amount)); total.Cmp(exact(step.Result)) != 0 {
			t.Fatalf("%s leads to %s, and says %s", step.Step, total.FloatString(10), step.Result)
		}
	}
	if got, want := strings.Join(names, " "), "sum add_back potential in_flight buffer floor min_to_sell max zero"; got != want {
		t.Fatalf("the steps are %s", got)
	}
	if !total.IsInt() {
		t.Fatalf("the steps end at %s", total.FloatString(10))
	}
	return total.Num().Int64()
}

// market is a random shop of everything that a figure can depend on.
func market(t *testing.T, rt *rapid.T) *world {
	w := newWorld(t)
	draw := func(label string, most int) int { return rapid.IntRange(0, most).Draw(rt, label) }
	quantity := func(label string) inventory.Quantity {
		return inventory.Quantity(rapid.Int64Range(-3*4, 20*4).Draw(rt, label)) * inventory.Scale / 4
	}
	w.addStore("outlet", inventory.ModeApply)
	w.katana.locations = append(w.katana.locations, inventory.SourceLocation{ID: 30, Name: "Fair"})
	for i := range 4 {
		sku := inventory.SKU(fmt.Sprint("S", i%3)) // one of them twice
		w.nextID++
		v := inventory.SourceVariant{
			ID: inventory.SourceVariantID(w.nextID), SKU: sku, Created: w.now.Add(-time.Duration(draw("age", 3)) * time.Hour),
			Kit: draw("kit", 2) == 0, Archived: draw("archived", 5) == 0, Service: draw("service", 9) == 0,
		}
		w.katana.variants = append(w.katana.variants, v)
		for _, at := range []inventory.SourceLocationID{10, 20, 30} {
			if draw("row", 7) > 0 {
				key := inventory.StockKey{Variant: v.ID, Location: at}
				w.katana.stock[key] = inventory.Stock{Variant: v.ID, Location: at, InStock: quantity("in stock"), Committed: quantity("committed"), Potential: quantity("potential")}
			}
		}
		for n := range draw("orders", 2) {
			w.nextID++
			w.katana.open = append(w.katana.open, inventory.SourceOrder{
				ID: w.nextID, Number: fmt.Sprintf("B2B-%d", n), Source: "katana", Updated: w.now.Add(-time.Duration(draw("changed", 4)) * time.Minute),
				Rows: []inventory.SourceOrderRow{{
					ID: w.nextID, Variant: v.ID, Location: inventory.SourceLocationID(10 * (1 + draw("at", 1))), Quantity: max(quantity("open"), 0), MadeToOrder: draw("made", 5) == 0,
				}},
			})
		}
		w.katana.recipes = append(w.katana.recipes, inventory.Ingredient{Product: v.ID, Variant: inventory.SourceVariantID(1 + draw("part", 4)), Quantity: max(quantity("takes"), 0)})
	}
	for s := range w.stores {
		store := &w.stores[s]
		store.Mapping.Locations = store.Mapping.Locations[:1+draw("mapped", 1)]
		if draw("default", 1) == 0 {
			store.Mapping.Default = []string{"Main", "Side", "Fair"}[draw("of", 2)]
		}
		if draw("summed", 2) == 0 {
			store.Mapping.Locations[0].Sources = []string{"Main", "Side", "Fair"}
		}
		for range draw("rules", 2) {
			store.Rules = append(store.Rules, desired.Rule{
				Pattern: []string{"S0", "S[12]", "*"}[draw("pattern", 2)], Buffer: inventory.Units(draw("buffer", 4)), MinToSell: inventory.Units(draw("least", 5)),
				Capped: draw("capped", 2) == 0, Max: inventory.Units(draw("max", 9)), Skip: draw("skip", 9) == 0,
			})
		}
		store.Activate = draw("activate", 1) == 0
		if draw("exclude", 1) == 0 {
			store.Orders = desired.Orders{Exclude: []desired.Matcher{{Number: "B2B-" + []string{"*", "1"}[draw("number", 1)]}}}
		}
		for item := range 4 {
			sku := inventory.SKU(fmt.Sprint("S", item%3))
			for _, location := range []inventory.LocationID{1, 2} {
				if draw("level", 4) > 0 {
					key := w.level(store.Name, int64(item+1), sku, int64(draw("shows", 20)), location)
					level := w.shops[store.Name].levels[key]
					level.Active, level.Untracked, level.Bundle = draw("inactive", 7) > 0, draw("untracked", 19) == 0, draw("bundle", 19) == 0
				}
			}
		}
	}
	return w
}

// explained asks for all levels of all SKUs, as somebody who reads the JSON.
func explained(t *rapid.T, w *world, fresh bool) (all []told) {
	for i := range 3 {
		list, err := w.r.Explain(w.t.Context(), reconcile.ExplainRequest{SKU: inventory.SKU(fmt.Sprint("S", i)), Fresh: fresh})
		if err != nil {
			t.Fatal(err)
		}
		list = slices.DeleteFunc(list, func(e inventory.Explanation) bool { return e.Item == 0 }) // not sold there
		data, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		var some []told
		if err := json.Unmarshal(data, &some); err != nil {
			t.Fatal(err)
		}
		all = append(all, some...)
	}
	return all
}

func TestAnExplanationLeadsToTheFigureFromTheTermsThatItShows(t *testing.T) {
	figures, cases := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		cases++
		w := market(t, rt)
		defer w.stop()
		w.cycle()
		for range 2 { // sales that Katana does not know yet
			for key, level := range w.shops["main"].levels {
				if level.Active && rapid.IntRange(0, 3).Draw(rt, "sold") == 0 {
					w.sell(key, 1)
				}
			}
			w.pass(time.Minute)
			w.cycle()
		}
		byCycle := explained(rt, w, false)
		for _, e := range byCycle {
			if e.Left != "" {
				continue
			}
			figures++
			units, negative := e.figure()
			if units != e.Desired || negative != e.Negative {
				rt.Fatalf("the terms give %d (negative %t), the explanation says %+v", units, negative, e)
			}
			if got := e.stepped(rt); got != e.Desired {
				rt.Fatalf("the steps give %d, the explanation says %d", got, e.Desired)
			}
		}
		wantRemembered(rt, w, byCycle)
		// Read afresh, with nothing having happened, they are the same.
		if again := explained(rt, w, true); fmt.Sprintf("%+v", plain(again)) != fmt.Sprintf("%+v", plain(byCycle)) {
			rt.Fatalf("read afresh\n%+v, by the cycle\n%+v", plain(again), plain(byCycle))
		}
	})
	if figures < 2*cases {
		t.Errorf("only %d figures were explained", figures)
	}
}

// plain is what explanations say of figures, without how.
func plain(all []told) (lines []string) {
	for _, e := range all {
		lines = append(lines, fmt.Sprintln(e.Store, e.SKU, e.Location, e.Left, e.Desired, e.Negative))
	}
	slices.Sort(lines)
	return lines
}

// wantRemembered checks that the explanations give the figures which the cycle
// worked with.
func wantRemembered(t *rapid.T, w *world, all []told) {
	said := map[string][]int64{}
	for _, e := range all {
		if e.Left == "" {
			said[e.Store] = append(said[e.Store], e.Desired)
		}
	}
	for _, store := range w.stores {
		kept, err := w.state.Store(store.Name)
		if err != nil {
			t.Fatal(err)
		}
		var figured []int64
		for _, seen := range kept.Levels {
			if seen.Figured {
				figured = append(figured, int64(seen.Desired))
			}
		}
		slices.Sort(figured)
		slices.Sort(said[string(store.Name)])
		if !slices.Equal(figured, said[string(store.Name)]) {
			t.Fatalf("store %s: the cycle worked with %v, the explanations say %v", store.Name, figured, said[string(store.Name)])
		}
	}
}

// one gives the only explanation of a SKU.
func one(t *testing.T, w *world, sku inventory.SKU, fresh bool) inventory.Explanation {
	t.Helper()
	list, err := w.r.Explain(t.Context(), reconcile.ExplainRequest{SKU: sku, Fresh: fresh})
	if err != nil || len(list) != 1 {
		t.Fatalf("got %d explanations, %v", len(list), err)
	}
	return list[0]
}

func TestWhatHappensNextIsSaid(t *testing.T) {
	for _, tt := range []struct {
		name string
		with func(w *world, mug inventory.Key)
		want inventory.NextAction
	}{
		{"in step", func(*world, inventory.Key) {}, inventory.NextAction{Text: "nothing: Shopify shows what it should"}},
		{
			"a drift", func(w *world, mug inventory.Key) { w.shops["main"].levels[mug].Available = 9 },
			inventory.NextAction{Result: inventory.Applied, Reason: inventory.ReasonDrift, Text: "the next cycle writes 5"},
		},
		{
			"the same in report mode", func(w *world, mug inventory.Key) {
				w.stores[0].Mode = inventory.ModeReport
				w.start()
				w.shops["main"].levels[mug].Available = 9
			},
			inventory.NextAction{Result: inventory.Skipped, Reason: inventory.ReasonReport, Text: "the store is in report mode, so 5 is not written"},
		},
		{
			"a sale that Katana has not heard of", func(w *world, mug inventory.Key) { w.sell(mug, 2) },
			inventory.NextAction{Result: inventory.Waiting, Reason: inventory.ReasonInFlight, Text: "it stays at 3: the rest is sold here and not yet in Katana", Until: time.Date(2026, 3, 4, 5, 26, 9, 0, time.UTC)},
		},
		{
			"a level that was never seen", func(w *world, mug inventory.Key) {
				delete(w.shops["main"].levels, mug)
				w.cycle()
				w.level("main", 1, "MUG", 3)
			},
			inventory.NextAction{
				Result: inventory.Waiting, Reason: inventory.ReasonFirstSight, Until: time.Date(2026, 3, 4, 5, 26, 10, 0, time.UTC),
				Text: "raising it to 5 waits until 05:26:10 UTC: the level was first seen at 05:16:10 UTC, and may miss a sale that Katana has not heard of",
			},
		},
		{
			"a raise in the panic mode", func(w *world, mug inventory.Key) {
				w.stores[0].Mode = inventory.ModeLowerOnly
				w.start()
				w.has(1, 10, 6)
			},
			inventory.NextAction{Result: inventory.Waiting, Reason: inventory.ReasonLowerOnly, Text: "raising it to 6 waits: the mode lets only reductions through"},
		},
		{
			"a SKU that Katana archived", func(w *world, mug inventory.Key) { w.katana.variants[0].Archived = true },
			inventory.NextAction{Result: inventory.Skipped, Reason: inventory.ReasonArchived, Text: "the level is left alone"},
		},
		{
			"a line that Shopify refused", func(w *world, mug inventory.Key) {
				w.has(1, 10, 4)
				w.shops["main"].refuse = func(inventory.Change) string { return "INVALID_LOCATION: gone" }
				w.cycle()
			},
			inventory.NextAction{
				Result: inventory.Skipped, Reason: inventory.ReasonQuarantined, Until: time.Date(2026, 3, 4, 6, 46, 10, 0, time.UTC), Order: "stocksyncd release main/1/1",
				Text: "Shopify refused the last write (INVALID_LOCATION: gone), so the level rests until 06:46:10 UTC",
			},
		},
		{
			"an item to be stocked", func(w *world, mug inventory.Key) {
				w.stores[0].Activate = true
				w.start()
				w.shops["main"].levels[mug].Active = false
			},
			inventory.NextAction{Result: inventory.Applied, Reason: inventory.ReasonActivate, Text: "the next cycle stocks the item at the location and writes 5"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.sku("MUG", 5)
			mug := w.level("main", 1, "MUG", 5)
			w.settled()
			w.pass(time.Second)
			tt.with(w, mug)
			if got := one(t, w, "MUG", true).Next; got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestAnExplanationNamesTheHeldPlan(t *testing.T) {
	w := newWorld(t)
	w.guards.MaxZeroedPercent = 10
	w.sku("MUG", 5)
	w.level("main", 1, "MUG", 5)
	w.settled()
	w.has(1, 10, 0)
	w.cycle()
	want := inventory.NextAction{
		Result: inventory.Held, Reason: "max_zeroed_percent", ID: "main-2-zeroed", Order: "stocksyncd release main-2-zeroed",
		Text: "a guard holds the change from 5 to 0 as main-2-zeroed",
	}
	if got := one(t, w, "MUG", false).Next; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestReadingForAnExplanationLeavesNoTrace(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 5)
	w.settled().cycle()
	before, err := w.state.Store("main")
	if err != nil {
		t.Fatal(err)
	}
	w.sell(mug, 2)
	w.katana.calls = nil
	e := one(t, w, "MUG", true)
	if len(e.Own) != 1 || e.Own[0].Units != 2 || e.Desired != 5 || e.Target != 3 || e.Cycle != 0 {
		t.Errorf("got %+v", e)
	}
	if calls := strings.Join(w.katana.calls, ", "); !strings.Contains(calls, "inventory of [1]") {
		t.Errorf("got %s", calls)
	}
	after, err := w.state.Store("main")
	if err != nil || fmt.Sprintf("%+v", before) != fmt.Sprintf("%+v", after) {
		t.Errorf("got %+v, want %+v (%v)", after, before, err)
	}
	w.want(w.cycle(), mug, "waiting inflight 3→5")
}

func TestOnlyWhatASKUNeedsIsReadForItsExplanation(t *testing.T) {
	w := newWorld(t)
	box := w.sku("BOX", 6)
	set := w.sku("SET", 0)
	w.sku("OTHER", 1)
	w.katana.variants[1].Kit = true
	row := w.katana.stock[inventory.StockKey{Variant: set, Location: 10}]
	row.Potential = 3 * inventory.Scale
	w.katana.stock[inventory.StockKey{Variant: set, Location: 10}] = row
	w.katana.recipes = []inventory.Ingredient{{Product: set, Variant: box, Quantity: 2 * inventory.Scale}, {Product: set, Variant: 99, Quantity: inventory.Scale}}
	w.level("main", 1, "SET", 3)
	w.level("main", 2, "BOX", 6)
	w.settled()
	w.katana.calls = nil
	e := one(t, w, "SET", true)
	if calls := strings.Join(w.katana.calls, ", "); !strings.Contains(calls, "inventory of [1 2]") {
		t.Errorf("got %s", calls)
	}
	want := []inventory.Component{
		{Variant: box, SKU: "BOX", PerKit: 2 * inventory.Scale, Known: true, Available: 6 * inventory.Scale, Builds: 3, Limits: true},
		{Variant: 99, PerKit: inventory.Scale},
	}
	if got := e.Terms.Sources[0].Kit; got == nil || got.Potential != 3*inventory.Scale || !slices.Equal(got.Components, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if part := one(t, w, "BOX", true).PartOf; !slices.Equal(part, []inventory.SKU{"SET"}) {
		t.Errorf("got %v", part)
	}
}

func TestWhatKitsAreMadeOfDecidesNoFigure(t *testing.T) {
	w := newWorld(t)
	w.sku("SET", 2)
	w.katana.variants[0].Kit = true
	set := w.level("main", 1, "SET", 3)
	w.katana.recipesFail = errCut
	report := w.settled().cycle()
	w.want(report, set, "applied drift 3→2")
	if notes := strings.Join(report.Stores[0].Notes, "\n"); !strings.Contains(notes, "what kits are made of could not be read") {
		t.Errorf("got %q", notes)
	}
}

func TestASKUThatNobodySellsIsSaidWithWhatIsCloseToIt(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG-BLUE", 5)
	w.level("main", 1, "MUG-BLUE", 5)
	w.settled()
	w.sku("mug blue", 2)
	e := one(t, w, "mug blue", true)
	if e.Item != 0 || len(e.Katana) != 1 || e.Katana[0].ID != 2 || len(e.Near) != 1 || e.Near[0].Shopify != "MUG-BLUE" {
		t.Errorf("got %+v", e)
	}
	w.start()
	if _, err := w.r.Explain(t.Context(), reconcile.ExplainRequest{SKU: "MUG-BLUE"}); err == nil || !strings.Contains(err.Error(), "--fresh reads it now") {
		t.Errorf("before the first cycle: got %v", err)
	}
}

func TestAnExplanationTellsWhereUnitsAreInFlightAndWhatWasWritten(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 4)
	w.addStore("outlet", inventory.ModeApply)
	outlet := w.level("outlet", 1, "MUG", 5)
	w.settled().cycle()
	w.sell(outlet, 2)
	w.cycle()
	list, err := w.r.Explain(t.Context(), reconcile.ExplainRequest{SKU: "MUG", Store: "main"})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	e := list[0]
	if len(e.Terms.Others) != 1 || e.Terms.Others[0].Store != "outlet" || e.Terms.Others[0].Name != "Shop" || e.Terms.Others[0].Units != 2 || e.Desired != 3 {
		t.Errorf("got %+v, desired %d", e.Terms.Others, e.Desired)
	}
	want := []inventory.PastWrite{
		{Cycle: 3, From: 5, To: 3, Result: inventory.Applied, Reason: inventory.ReasonDrift},
		{Cycle: 2, From: 4, To: 5, Result: inventory.Applied, Reason: inventory.ReasonDrift},
	}
	for i := range e.Writes {
		e.Writes[i].At = time.Time{}
	}
	if !slices.Equal(e.Writes, want) {
		t.Errorf("%s: got %+v, want %+v", mug, e.Writes, want)
	}
}

func TestAFigureThatIsReadForOneStoreKnowsWhatTheOthersHaveSold(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	w.level("main", 1, "MUG", 5)
	w.addStore("outlet", inventory.ModeApply)
	outlet := w.level("outlet", 1, "MUG", 5)
	w.settled().cycle()
	w.sell(outlet, 2)
	list, err := w.r.Explain(t.Context(), reconcile.ExplainRequest{SKU: "MUG", Store: "main", Fresh: true})
	if err != nil || len(list) != 1 || list[0].Target != 3 {
		t.Errorf("got %+v, %v", list, err)
	}
	figures, err := w.r.Figures(t.Context(), "main")
	if err != nil || len(figures.Levels) != 1 || figures.Levels[0].Target != 3 {
		t.Errorf("got %+v, %v", figures, err)
	}
	if _, err := w.r.Figures(t.Context(), "none"); err == nil {
		t.Error("a store that the config does not have has figures")
	}
}

func TestAnItemThatIsStockedNowhereIsExplainedAsThat(t *testing.T) {
	w := newWorld(t)
	w.sku("CUP", 0)
	w.shops["main"].unstocked = []inventory.Level{{Key: inventory.Key{Store: "main", Item: 7, Location: inventory.Nowhere}, SKU: "CUP", Unstocked: true, Variant: 77}}
	w.settled().cycle()
	e := one(t, w, "CUP", false)
	if e.Item != 7 || e.Variant != 77 || e.Left == "" || len(e.Katana) != 1 {
		t.Errorf("got %+v", e)
	}
	report := w.ask(reconcile.Request{Kind: inventory.Full, SKU: "CUP", Dry: true})
	if notes := strings.Join(report.Stores[0].Notes, "\n"); strings.Contains(notes, "no Shopify variant") {
		t.Errorf("got %q", notes)
	}
}

func TestWhatWasWrittenBeforeABatchThatHadToBeReadAgainIsExplainedAsWritten(t *testing.T) {
	w := newWorld(t)
	for i := range 260 {
		sku := inventory.SKU(fmt.Sprintf("S%03d", i))
		w.sku(sku, 0)
		w.level("main", int64(i+1), sku, 5)
	}
	w.settled()
	batch := 0
	w.shops["main"].before = func(changes []inventory.Change) {
		w.pass(time.Second)
		if batch++; batch == 2 {
			w.sell(changes[0].Key, 1)
		}
	}
	w.cycle()
	if e := one(t, w, "S000", false); e.Observed != 0 || e.Next.Result != "" {
		t.Errorf("got %+v", e)
	}
}

func TestWhatHasExpiredIsNotInFlightInAnExplanation(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 5)
	w.settled().cycle()
	w.sell(mug, 2)
	w.cycle()
	w.pass(time.Hour) // Katana is down, and no cycle ends
	if e := one(t, w, "MUG", false); len(e.Own) > 0 || e.Target != 5 {
		t.Errorf("got %+v", e)
	}
}

func TestAFigureThatMustNotBeWrittenYetSaysWhy(t *testing.T) {
	w := newWorld(t)
	w.guards.MaxZeroedPercent = 10
	w.sku("MUG", 17)
	w.sku("CUP", 0)
	mug := w.level("main", 1, "MUG", 13) // 4 are sold, and nobody has looked before
	cup := w.level("main", 2, "CUP", 5)
	w.start()
	waits := func(key inventory.Key) (inventory.LevelFigure, inventory.Reason) {
		t.Helper()
		figures, err := w.r.Figures(t.Context(), "main")
		if err != nil {
			t.Fatal(err)
		}
		for _, figure := range figures.Levels {
			if figure.Key == key {
				return figure, figure.Waits
			}
		}
		t.Fatalf("%s has no figure", key)
		return inventory.LevelFigure{}, ""
	}
	if figure, why := waits(mug); why != inventory.ReasonFirstSight || !strings.Contains(figure.Why, "may miss a sale") {
		t.Errorf("seen for the first time: got %+v", figure)
	}
	if figure, why := waits(cup); why != "" || figure.Target != 0 {
		t.Errorf("a reduction waits for nothing: got %+v", figure)
	}
	w.settled()
	w.cycle()
	if figure, why := waits(cup); why != "max_zeroed_percent" || !strings.Contains(figure.Why, "as main-") {
		t.Errorf("held by a guard: got %+v", figure)
	}
	w.wantShown(mug, 17)
	w.sell(mug, 2)
	if figure, why := waits(mug); why != "" || figure.Target != 15 {
		t.Errorf("what it shows is right while its sale is on its way: got %+v", figure)
	}
}

func TestARaiseThatWouldWaitAnywayIsExplainedByTheSale(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 17)
	mug := w.level("main", 1, "MUG", 17)
	w.start()
	w.cycle()
	w.sell(mug, 4)
	w.cycle()
	e := one(t, w, "MUG", false)
	if e.Next.Reason != inventory.ReasonInFlight || e.Next.Text != "it stays at 13: the rest is sold here and not yet in Katana" || e.Target != 13 {
		t.Errorf("got %+v", e.Next)
	}
}

func TestAStoreThatIsSwitchedOffIsSaidToBe(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 17)
	w.level("main", 1, "MUG", 17)
	w.addStore("outlet", inventory.ModeOff)
	w.settled().cycle()
	if _, err := w.r.Explain(t.Context(), reconcile.ExplainRequest{SKU: "MUG", Store: "outlet"}); err == nil || !strings.Contains(err.Error(), "store outlet is switched off") {
		t.Errorf("got %v", err)
	}
	if list, err := w.r.Explain(t.Context(), reconcile.ExplainRequest{SKU: "MUG"}); err != nil || len(list) != 1 {
		t.Errorf("got %v, %v", list, err)
	}
}
