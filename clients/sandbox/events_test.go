package sandbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// bothSides is what both sides hold of a SKU at Oslo.
type bothSides struct {
	inStock, committed string
	store              LevelFigures
}

func (w *tiny) both(sku string) bothSides {
	inStock, committed, _ := w.KatanaFigures(sku, "Oslo")
	return bothSides{inStock, committed, w.Level("", sku, "Oslo")}
}

func onShelf(available, committed int) LevelFigures {
	return LevelFigures{Available: available, Committed: committed, OnHand: available + committed, Exists: true, Active: true}
}

func TestAnOrderGoesThroughBothSystems(t *testing.T) {
	steps := []struct {
		name string
		wait time.Duration
		play Event
		want bothSides
	}{
		{"before", 0, nil, bothSides{"9", "0", onShelf(9, 0)}},
		{"placed: only the store knows", 0, OrderPlaced{Order: "#1", Lines: []Line{{"MUG", "3"}}, Import: Import{After: 5 * time.Minute}}, bothSides{"9", "0", onShelf(6, 3)}},
		{"just before the importer", 5*time.Minute - 1, nil, bothSides{"9", "0", onShelf(6, 3)}},
		{"imported: katana commits", 1, nil, bothSides{"9", "3", onShelf(6, 3)}},
		{"partly packed: in stock and committed fall together", 0, OrderPacked{Order: "#1", Lines: []Line{{"MUG", "1"}}}, bothSides{"8", "2", onShelf(6, 3)}},
		{"delivered: the store lets go", 0, OrderDelivered{Order: "#1"}, bothSides{"6", "0", onShelf(6, 0)}},
		{"one comes back into stock", 0, OrderRefunded{Order: "#1", Lines: []Line{{"MUG", "1"}}, Restock: true}, bothSides{"7", "0", onShelf(7, 0)}},
	}
	w := newTiny(t, StoreOptions{})
	for _, step := range steps {
		w.clock.at = w.clock.at.Add(step.wait)
		if step.play != nil {
			if err := w.Do(step.play); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
		}
		if got := w.both("MUG"); got != step.want {
			t.Errorf("%s: %+v, want %+v", step.name, got, step.want)
		}
	}
	if o := w.katana.orders[0]; o.status != statusDelivered || o.ecommerce.store != "acme.myshopify.com" || o.no != "1" {
		t.Errorf("order %+v", o)
	}
}

func TestACancelledOrderGivesItsUnitsBackUnlessTheyAreGone(t *testing.T) {
	for _, c := range []struct {
		noRestock bool
		want      bothSides
	}{
		{false, bothSides{"8", "0", onShelf(8, 0)}},
		{true, bothSides{"8", "0", onShelf(6, 0)}},
	} {
		w := newTiny(t, StoreOptions{})
		w.play(t, OrderPlaced{Order: "#1", Lines: []Line{{"MUG", "3"}}}, OrderDelivered{Order: "#1", Lines: []Line{{"MUG", "1"}}},
			OrderCancelled{Order: "#1", NoRestock: c.noRestock})
		if got := w.both("MUG"); got != c.want {
			t.Errorf("gone %t: %+v, want %+v", c.noRestock, got, c.want)
		}
	}
}

func TestTheImporterDoesAsItIsTold(t *testing.T) {
	for _, c := range []struct {
		name  string
		order OrderPlaced
		then  Event
		// committed of MUG and BOWL at Oslo and MUG at Tartu after minutes
		want map[int]string
	}{
		{"at once", OrderPlaced{}, nil, map[int]string{0: "2 1 0"}},
		{"after a lag", OrderPlaced{Import: Import{After: 3 * time.Minute}}, nil, map[int]string{2: "0 0 0", 3: "2 1 0"}},
		{"one row after the other", OrderPlaced{Import: Import{After: time.Minute, Each: time.Minute}}, nil, map[int]string{0: "0 0 0", 1: "2 0 0", 2: "2 1 0"}},
		{"at another location", OrderPlaced{Import: Import{Location: "Tartu"}}, nil, map[int]string{0: "0 0 2"}},
		{"never", OrderPlaced{Import: Import{Never: true}}, nil, map[int]string{99: "0 0 0"}},
		{"not while it is unpaid", OrderPlaced{Unpaid: true, Import: Import{After: time.Minute}}, nil, map[int]string{99: "0 0 0"}},
		{"once it is paid", OrderPlaced{Unpaid: true, Import: Import{After: time.Minute}}, OrderPaid{Order: "#1"}, map[int]string{0: "0 0 0", 1: "2 1 0"}},
		{"a lost one by hand", OrderPlaced{Import: Import{Never: true}}, OrderImported{Order: "#1"}, map[int]string{0: "2 1 0"}},
		{"not what was cancelled before", OrderPlaced{Import: Import{After: time.Minute}}, OrderCancelled{Order: "#1"}, map[int]string{2: "0 0 0"}},
		{"and lets go of what is cancelled after", OrderPlaced{}, OrderCancelled{Order: "#1", After: time.Minute}, map[int]string{0: "2 1 0", 1: "0 0 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTiny(t, StoreOptions{})
			w.AddLocation(KatanaLocation{Name: "Tartu"})
			must(w.AddProduct(Product{Name: "Bowl", Variants: []Variant{{SKU: "BOWL"}}}))(t)
			must(w.AddListing("", Listing{SKU: "BOWL", Levels: []Level{{Location: "Oslo"}}}))(t)
			c.order.Order, c.order.Lines = "#1", []Line{{"MUG", "2"}, {"BOWL", "1"}}
			for _, e := range []Event{c.order, c.then} {
				if e == nil {
					continue
				}
				if err := w.Do(e); err != nil {
					t.Fatal(err)
				}
			}
			start := w.clock.at
			for minute := range 100 {
				w.clock.at = start.Add(time.Duration(minute) * time.Minute)
				_, mug, _ := w.KatanaFigures("MUG", "Oslo")
				_, bowl, _ := w.KatanaFigures("BOWL", "Oslo")
				_, tartu, _ := w.KatanaFigures("MUG", "Tartu")
				if want, ok := c.want[minute]; ok && want != fmt.Sprint(mug, " ", bowl, " ", tartu) {
					t.Errorf("after %d minutes: %s %s %s, want %s", minute, mug, bowl, tartu, want)
				}
			}
		})
	}
}

func TestAScheduledEventLooksAsIfItWerePlayedOnTime(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	start := w.clock.at
	w.Schedule(2*time.Minute, StockAdjusted{SKU: "MUG", Location: "Oslo", By: "-1"})
	w.Schedule(time.Minute, StockAdjusted{SKU: "MUG", Location: "Oslo", To: "20"})
	w.Schedule(time.Minute, ItemArchived{SKU: "NONE"})
	w.clock.at = start.Add(time.Hour)
	if got, _, _ := w.KatanaFigures("MUG", "Oslo"); got != "19" {
		t.Errorf("%s in stock, want 19: the earlier event first", got)
	}
	last := w.katana.movements[len(w.katana.movements)-1]
	if !last.updatedAt.Equal(start.Add(2 * time.Minute)) {
		t.Errorf("stamped %s, want the time it was due", last.updatedAt)
	}
	if missed := w.Missed(); len(missed) != 1 || !strings.Contains(missed[0].Error(), "NONE") {
		t.Errorf("missed %v", missed)
	}
}

func TestAKitIsAssembledWhenItLeaves(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	must(w.AddProduct(Product{Name: "Set", Kit: true, Variants: []Variant{{SKU: "SET", Stock: map[string]string{"Oslo": "1"}, BOM: []Ingredient{{"MUG", "2"}}}}}))(t)
	want := func(name, kit, mug string) {
		t.Helper()
		a, b, c := w.KatanaFigures("SET", "Oslo")
		d, e, _ := w.KatanaFigures("MUG", "Oslo")
		if kit != strings.Join([]string{a, b, c}, " ") || mug != d+" "+e {
			t.Errorf("%s: kit %s %s %s and mug %s %s, want %s and %s", name, a, b, c, d, e, kit, mug)
		}
	}
	want("before", "1 0 4", "9 0")
	for _, e := range []Event{SalesOrderPlaced{Order: "SO", Lines: []Line{{"SET", "3"}}}} {
		if err := w.Do(e); err != nil {
			t.Fatal(err)
		}
	}
	want("on order", "1 3 4", "9 0")
	if n, _ := w.KatanaAvailable("SET", "Oslo"); n != 2 {
		t.Errorf("%d available, want 1 in stock and 4 potential less 3 committed", n)
	}
	if err := w.Do(OrderPacked{Order: "SO"}); err != nil {
		t.Fatal(err)
	}
	want("packed", "0 0 2", "5 0")
	if n, _ := w.KatanaAvailable("SET", "Oslo"); n != 2 {
		t.Errorf("%d available after packing, want the 2 of before", n)
	}
}

func TestSeveralStoresShareOneKatana(t *testing.T) {
	clock := &handClock{katanaStart}
	w := NewWorld(Options{Now: clock.now, Stores: []StoreOptions{{}, {Name: "wholesale", AccessToken: "shpat_other", BucketSize: 100}}})
	w.AddLocation(KatanaLocation{Name: "Oslo"})
	must(w.AddProduct(Product{Variants: []Variant{{SKU: "MUG", Stock: map[string]string{"Oslo": "9"}}}}))(t)
	for _, store := range w.Stores() {
		must(w.AddStoreLocation(store, StoreLocation{Name: "Oslo"}))(t)
		must(w.AddListing(store, Listing{SKU: "MUG", Levels: []Level{{Location: "Oslo", Available: 9}}}))(t)
		if err := w.Do(OrderPlaced{Store: store, Order: "#1", Lines: []Line{{"MUG", "2"}}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, committed, _ := w.KatanaFigures("MUG", "Oslo"); committed != "4" {
		t.Errorf("%s committed, want both stores' orders", committed)
	}
	if err := w.Do(OrderCancelled{Store: "wholesale", Order: "#1"}); err != nil {
		t.Fatal(err)
	}
	if _, committed, _ := w.KatanaFigures("MUG", "Oslo"); committed != "2" {
		t.Errorf("%s committed, want the other store's order alone", committed)
	}
	for store, want := range map[string]int{"main": 7, "wholesale": 9} {
		if got, _ := w.Available(store, "MUG", "Oslo"); got != want {
			t.Errorf("%s: %d available, want %d", store, got, want)
		}
	}
	if got := ask(t, w.Shopify("wholesale"), shopQuery, nil).status; got != 401 {
		t.Errorf("one store's token opens the other: %d", got)
	}
	if got := askAs(t, w.Shopify("wholesale"), "shpat_other", "2026-10", shopQuery, nil); got.Extra.Cost.Throttle.Maximum != 100 {
		t.Errorf("bucket of %v, want its own", got.Extra.Cost.Throttle.Maximum)
	}
}

func TestAnEventThatCannotHappenChangesNothing(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	if err := w.Do(OrderPlaced{Order: "#1", Lines: []Line{{"MUG", "3"}}}); err != nil {
		t.Fatal(err)
	}
	before := w.both("MUG")
	for _, e := range []Event{
		OrderPlaced{Order: "#1", Lines: []Line{{"MUG", "1"}}}, OrderPlaced{Order: "#2"}, OrderPlaced{Order: "#2", Lines: []Line{{"MUG", "1"}, {"CUP", "1"}}},
		OrderPlaced{Order: "#2", Lines: []Line{{"MUG", "0.5"}}}, OrderPlaced{Order: "#2", Lines: []Line{{"MUG", "1"}}, Import: Import{Location: "Mars"}},
		OrderPlaced{Store: "mars", Order: "#2", Lines: []Line{{"MUG", "1"}}},
		OrderPacked{Order: "#1", Lines: []Line{{"MUG", "4"}}}, OrderPacked{Order: "#9"}, OrderDelivered{Order: "#1", Lines: []Line{{"CUP", "1"}}},
		OrderRefunded{Order: "#1", Lines: []Line{{"MUG", "4"}}}, OrderPaid{Order: "#1"},
		StockAdjusted{SKU: "MUG"}, StockAdjusted{SKU: "MUG", By: "1", To: "1"}, StockAdjusted{SKU: "CUP", By: "1"}, StockAdjusted{SKU: "MUG", Location: "Mars", By: "1"},
		HandEdit{SKU: "CUP"}, LevelSwitched{SKU: "MUG", Location: "Mars"}, MakeOrderPlaced{Order: "MO", SKU: "MUG", Quantity: "-1"}, MakeOrderDone{Order: "MO"},
		BOMChanged{SKU: "MUG", Ingredient: "CUP", Quantity: "1"}, ShopSwitched{Store: "main", State: "closed"}, ShopSwitched{State: ShopFrozen}, SalesOrderPlaced{Order: "SO", Lines: []Line{{"MUG", "0"}}},
		SalesOrderPlaced{Order: "SO", Lines: []Line{{"MUG", "1"}}, RowsAt: "Mars"}, SalesOrderPlaced{Order: "SO", Lines: []Line{{"MUG", "1"}}, Customer: -1},
		SalesOrderPlaced{Order: "SO", Lines: []Line{{"MUG", "1"}}, Quote: true, MadeToOrder: true},
		LocationRenamed{Location: "Mars", To: "Moon"}, LocationRenamed{Location: "Oslo"}, LocationRenamed{Store: "mars", Location: "Oslo", To: "Moon"},
		LocationRenamed{Store: "main", Location: "Oslo", To: "Pärnu"}, SalesSwitched{Location: "Mars"}, KatanaLocationDeleted{Location: "Mars"},
		AppWrites{SKU: "CUP"}, AppWrites{SKU: "MUG", By: 1, Times: 2}, KatanaWrites{Store: "mars"}, KatanaWrites{Times: 2},
		KatanaLocationDeleted{}, LocationRenamed{To: "Moon"}, LocationSwitched{Store: "main"}, LocationSwitched{Store: "main", Location: "Mars"},
	} {
		if err := w.Do(e); err == nil {
			t.Errorf("%#v happened", e)
		}
		if got := w.both("MUG"); got != before {
			t.Fatalf("%#v left %+v, want %+v", e, got, before)
		}
	}
}

// audit recomputes from the orders what the world keeps count of.
func audit(t *rapid.T, w *World) {
	type spot struct {
		variant  *variant
		location int64
	}
	committed, moved := map[spot]decimal{}, map[spot]decimal{}
	for _, row := range w.katana.orderRows {
		committed[spot{row.variant, row.at().id}] += row.open()
	}
	for _, r := range w.katana.recipeRows {
		committed[spot{r.variant, r.order.location.id}] += r.remaining()
	}
	for _, m := range w.katana.movements {
		moved[spot{m.variant, m.location.id}] += m.change
	}
	for _, v := range w.katana.variants {
		for id, s := range v.stock {
			at := spot{v, id}
			if s.committed != committed[at] || s.inStock != moved[at] {
				t.Fatalf("%s: committed %s and in stock %s, want %s and %s", v.sku, s.committed, s.inStock, committed[at], moved[at])
			}
		}
	}
	for _, s := range w.stores {
		open := map[*level]int{}
		for _, o := range s.orders {
			for _, line := range o.lines {
				line.listing.stocked(o.location, line.remaining(), func(l *level, n int) { open[l] += n })
			}
		}
		for _, l := range s.listings {
			for _, level := range l.levels {
				if level.committed != open[level] {
					t.Fatalf("%s: the store has committed %d, want %d", l.sku, level.committed, open[level])
				}
			}
		}
	}
}

// drawEvent draws one of the events of a shop's life, some of them impossible.
func drawEvent(t *rapid.T, n int) Event {
	order := fmt.Sprintf("#%d", rapid.IntRange(max(0, n-6), n).Draw(t, "order"))
	sku := rapid.SampledFrom([]string{"MUG", "BOWL", "SET", "CLAY"}).Draw(t, "sku")
	lines := []Line{{sku, fmt.Sprint(rapid.IntRange(1, 4).Draw(t, "quantity"))}}
	if rapid.Bool().Draw(t, "whole") {
		lines = nil
	}
	after := time.Duration(rapid.IntRange(0, 3).Draw(t, "after")) * time.Minute
	kinds := []Event{
		OrderPlaced{Order: fmt.Sprintf("#%d", n), Lines: []Line{{"MUG", "2"}, {sku, "1"}}, Import: Import{After: after, Each: after}},
		OrderPlaced{Order: fmt.Sprintf("#%d", n), Lines: []Line{{"BUNDLE", "2"}}, Unpaid: true, Import: Import{After: after}},
		OrderPaid{Order: order}, OrderImported{Order: order}, OrderPacked{Order: order, Lines: lines}, OrderDelivered{Order: order, Lines: lines},
		OrderCancelled{Order: order, NoRestock: lines == nil, After: after}, OrderRefunded{Order: order, Lines: lines, Restock: after == 0, After: after},
		SalesOrderPlaced{Order: fmt.Sprintf("#%d", n), Lines: []Line{{sku, "1.5"}}},
		SalesOrderPlaced{Order: fmt.Sprintf("#%d", n), Lines: []Line{{sku, "2"}}, RowsAt: "Attic", MadeToOrder: after == 0}, StockAdjusted{SKU: sku, By: "-0.25"},
		MakeOrderPlaced{Order: order, SKU: sku, Quantity: "2"}, MakeOrderDone{Order: order}, MakeOrderDeleted{Order: order},
		ItemArchived{SKU: sku, Restore: after == 0}, HandEdit{SKU: "MUG", Available: n},
	}
	return rapid.SampledFrom(kinds).Draw(t, "event")
}

func TestWhateverHappensTheCountsAgreeWithTheOrders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := &handClock{katanaStart}
		w := NewWorld(Options{Now: clock.now})
		w.AddLocation(KatanaLocation{Name: "Oslo"})
		w.AddLocation(KatanaLocation{Name: "Attic"})
		if _, err := w.AddStoreLocation("", StoreLocation{Name: "Oslo"}); err != nil {
			t.Fatal(err)
		}
		for _, p := range []Product{
			{Kind: kindMaterial, Variants: []Variant{{SKU: "CLAY", Stock: map[string]string{"Oslo": "20.5"}}}},
			{Variants: []Variant{{SKU: "MUG", Stock: map[string]string{"Oslo": "9"}, BOM: []Ingredient{{"CLAY", "0.35"}}}, {SKU: "BOWL"}}},
			{Kit: true, Variants: []Variant{{SKU: "SET", BOM: []Ingredient{{"MUG", "2"}, {"BOWL", "1"}}}}},
		} {
			if _, err := w.AddProduct(p); err != nil {
				t.Fatal(err)
			}
		}
		for _, l := range []Listing{{SKU: "MUG"}, {SKU: "BOWL"}, {SKU: "SET"}, {SKU: "CLAY", Untracked: true}, {SKU: "BUNDLE", Parts: []Component{{"MUG", 2}, {"BOWL", 1}}}} {
			if len(l.Parts) == 0 {
				l.Levels = []Level{{Location: "Oslo", Available: 5}}
			}
			if _, err := w.AddListing("", l); err != nil {
				t.Fatal(err)
			}
		}
		for n := range rapid.IntRange(1, 40).Draw(t, "events") {
			clock.at = clock.at.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "seconds")) * time.Second)
			_ = w.Do(drawEvent(t, n)) // what cannot happen changes nothing, as the audit shows
			audit(t, w)
		}
		clock.at = clock.at.Add(time.Hour)
		if n := w.Scheduled(); n != 0 {
			t.Fatalf("%d events are still to come", n)
		}
		audit(t, w)
	})
}

func TestEventsAreReadFromLines(t *testing.T) {
	for line, want := range map[string]Event{
		`order order=#1001 location=Oslo line=MUG*2 line="A B" unpaid import.after=5m import.each=20s import.location="Main workshop"`: OrderPlaced{
			Order: "#1001", Location: "Oslo", Lines: []Line{{"MUG", "2"}, {"A B", "1"}}, Unpaid: true,
			Import: Import{After: 5 * time.Minute, Each: 20 * time.Second, Location: "Main workshop"},
		},
		"pack order=#1001":                                   OrderPacked{Order: "#1001"},
		"cancel order=#1 norestock after=2m":                 OrderCancelled{Order: "#1", NoRestock: true, After: 2 * time.Minute},
		"refund order=#1 line=MUG*1 restock":                 OrderRefunded{Order: "#1", Lines: []Line{{"MUG", "1"}}, Restock: true},
		"order order=#1 line=MUG till":                       OrderPlaced{Order: "#1", Lines: []Line{{"MUG", "1"}}, Till: true},
		"edit-order order=#1 line=MUG*2":                     OrderEdited{Order: "#1", Lines: []Line{{"MUG", "2"}}},
		"move-order order=#1 location=Oslo line=MUG*2":       OrderMoved{Order: "#1", Location: "Oslo", Lines: []Line{{"MUG", "2"}}},
		"ADJUST SKU=MUG Location=Oslo by=-1.5":               StockAdjusted{SKU: "MUG", Location: "Oslo", By: "-1.5"},
		"edit store=main sku=MUG location=Oslo available=-3": HandEdit{Store: "main", SKU: "MUG", Location: "Oslo", Available: -3},
		"app sku=MUG by=-2 every=5m times=9":                 AppWrites{SKU: "MUG", By: -2, Every: 5 * time.Minute, Times: 9},
		"katana-sync store=main every=5m times=12":           KatanaWrites{Store: "main", Every: 5 * time.Minute, Times: 12},
		"archive sku=MUG restore=false":                      ItemArchived{SKU: "MUG"},
		"sales-order order=B2B-1 line=MUG*3 customer=77 rowsat=Oslo madetoorder": SalesOrderPlaced{
			Order: "B2B-1", Lines: []Line{{"MUG", "3"}}, Customer: 77, RowsAt: "Oslo", MadeToOrder: true,
		},
		`rename-location store=main location="Old shop" to=Oslo`: LocationRenamed{Store: "main", Location: "Old shop", To: "Oslo"},
		"sales location=Oslo on=false":                           SalesSwitched{Location: "Oslo"},
		"shop state=frozen":                                      ShopSwitched{State: ShopFrozen},
		"edits-undated store=main on":                            EditsUndated{Store: "main", On: true},
		"scopes scopes=read_products,read_orders":                ScopesChanged{Scopes: []string{"read_products", "read_orders"}},
	} {
		got, err := ParseEvent(line)
		if err != nil || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
			t.Errorf("%s: %#v, %v, want %#v", line, got, err, want)
		}
	}
}

func TestALineThatIsNoEventSaysWhatItCouldBe(t *testing.T) {
	for line, want := range map[string]string{
		"":                          "start with one of adjust",
		"explode":                   `"explode" is not an event: use one of adjust`,
		"pack order":                "pack: order: give a value",
		"pack ordr=#1":              `pack has no "ordr": it has store, order, line`,
		"order import=5m":           "import.after",
		"order import.after=-1s":    "not a duration",
		"edit available=many":       "not a whole number",
		`adjust sku="MUG`:           "quote is not closed",
		"archive sku=MUG restore=x": "neither true nor false",
	} {
		if _, err := ParseEvent(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want it to say %q", line, err, want)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	for _, kind := range EventKinds() {
		f.Add(kind + " store=main order=#1 sku=MUG line=MUG*2 import.after=5m")
	}
	f.Fuzz(func(t *testing.T, line string) {
		e, err := ParseEvent(line)
		if (err == nil) == (e == nil) {
			t.Fatalf("%q: event %v and error %v", line, e, err)
		}
		if e != nil {
			_ = newTiny(t, StoreOptions{}).Do(e) // must not panic
		}
	})
}

func TestDecimalsAreExact(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		d := decimal(dice.Int64N(int64(2*decimalMost))) - decimalMost
		for _, text := range []string{d.String(), d.text(5)} {
			if got, err := parseDecimal(text); err != nil || got != d {
				t.Errorf("%q is %d, %v, want %d", text, got, err, d)
			}
		}
	}
	for _, text := range []string{"", "-", ".5", "1.", "1e3", "1.000001", "10000000000", "+1", " 1", "--1", "1.-5"} {
		if d, err := parseDecimal(text); err == nil {
			t.Errorf("%q is taken as %s", text, d)
		}
	}
	if got := []int{units(2).floor(), decimal(-1).floor(), decimal(150_000).floor()}; !slices.Equal(got, []int{2, -1, 1}) {
		t.Errorf("rounded down: %v", got)
	}
	if got := decimal(33_333).times(units(3)); got.String() != "0.99999" {
		t.Errorf("0.33333 times 3 is %s", got)
	}
}
