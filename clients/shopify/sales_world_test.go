package shopify

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/inventory"
)

// counter is a store that sells, with names for what has ids.
type counter struct {
	t      *testing.T
	c      *Client
	w      *sandbox.World
	at     map[inventory.LocationID]string
	began  time.Time
	before map[inventory.Key]inventory.Units
}

// selling runs a test in virtual time against a simulated store of a few mugs at
// two locations.
func selling(t *testing.T, test func(t *testing.T, s *counter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &counter{t: t, at: map[inventory.LocationID]string{}, began: time.Now(), before: map[inventory.Key]inventory.Units{}}
		s.w = sandbox.NewWorld(sandbox.Options{Now: time.Now})
		var listings []sandbox.Listing
		for _, sku := range []string{"MUG", "CUP", "BOWL"} {
			listings = append(listings, sandbox.Listing{SKU: sku, Levels: []sandbox.Level{{Location: "Oslo", Available: 50}, {Location: "Bergen", Available: 50}}})
		}
		fill(t, s.w, []sandbox.StoreLocation{{Name: "Oslo"}, {Name: "Bergen"}}, listings)
		s.c = simulatedClient(t, s.w)
		locations, err := s.c.Locations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, location := range locations {
			s.at[location.ID] = location.Name
		}
		for _, level := range s.levels() {
			s.before[level.Key] = level.Available
		}
		wait(t, time.Minute)
		test(t, s)
	})
}

func (s *counter) levels() []inventory.Level {
	s.t.Helper()
	levels, err := allOf(s.c.Observe(s.t.Context()))
	if err != nil {
		s.t.Fatal(err)
	}
	return levels
}

func (s *counter) do(events ...sandbox.Event) {
	s.t.Helper()
	for _, e := range events {
		if err := s.w.Do(e); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *counter) sales(since time.Time) inventory.Sales {
	s.t.Helper()
	sales, err := s.c.Sales(s.t.Context(), since)
	if err != nil {
		s.t.Fatal(err)
	}
	return sales
}

// words writes each order as its name and what it takes, sorted.
func (s *counter) words(sales inventory.Sales) (orders []string) {
	if !sales.Told {
		return []string{"nothing told"}
	}
	for _, sale := range sales.Sales {
		words := sale.Name
		for i, line := range sale.Lines {
			words += fmt.Sprintf(" %s@%s %d+%d", line.SKU, s.at[line.Location], line.Open, line.Done)
			if i > 0 && line.Item < sale.Lines[i-1].Item {
				words += " out of order"
			}
		}
		orders = append(orders, words)
	}
	slices.Sort(orders)
	return orders
}

func goods(of ...string) (list []sandbox.Line) {
	for _, line := range of {
		sku, quantity, _ := strings.Cut(line, "*")
		list = append(list, sandbox.Line{SKU: sku, Quantity: quantity})
	}
	return list
}

func placed(name string, of ...string) sandbox.OrderPlaced {
	return sandbox.OrderPlaced{Order: name, Location: "Oslo", Lines: goods(of...), Import: sandbox.Import{Never: true}}
}

// What an order takes is what the levels have lost to it.
func TestAnOrderTakesWhatTheLevelsHaveLostToIt(t *testing.T) {
	unpaid, till := placed("#1", "MUG*3"), placed("#1", "MUG*3", "CUP*1")
	unpaid.Unpaid, till.Till = true, true
	order := placed("#1", "MUG*3", "CUP*1")
	delivered := func(of ...string) sandbox.Event { return sandbox.OrderDelivered{Order: "#1", Lines: goods(of...)} }
	refunded := func(restock bool, of ...string) sandbox.Event {
		return sandbox.OrderRefunded{Order: "#1", Lines: goods(of...), Restock: restock}
	}
	moved := func(of ...string) sandbox.Event {
		return sandbox.OrderMoved{Order: "#1", Location: "Bergen", Lines: goods(of...)}
	}
	tests := map[string]struct {
		events []sandbox.Event
		want   string // SKU@location open+done
	}{
		"an open order is all to be fulfilled":                    {[]sandbox.Event{order}, "#1 MUG@Oslo 3+0 CUP@Oslo 1+0"},
		"an unpaid order takes as much":                           {[]sandbox.Event{unpaid}, "#1 MUG@Oslo 3+0"},
		"an unpaid order that left takes as much":                 {[]sandbox.Event{unpaid, delivered()}, "#1 MUG@Oslo 0+3"},
		"a part of it has left":                                   {[]sandbox.Event{order, delivered("MUG*2")}, "#1 MUG@Oslo 1+2 CUP@Oslo 1+0"},
		"all of it has left":                                      {[]sandbox.Event{order, delivered()}, "#1 MUG@Oslo 0+3 CUP@Oslo 0+1"},
		"sold at a till it has left at once":                      {[]sandbox.Event{till}, "#1 MUG@Oslo 0+3 CUP@Oslo 0+1"},
		"a cancelled order takes nothing":                         {[]sandbox.Event{order, sandbox.OrderCancelled{Order: "#1"}}, "#1"},
		"refunded before it left and put back":                    {[]sandbox.Event{order, refunded(true, "MUG*2")}, "#1 MUG@Oslo 1+0 CUP@Oslo 1+0"},
		"refunded before it left and not put back":                {[]sandbox.Event{order, refunded(false, "MUG*2")}, "#1 MUG@Oslo 1+2 CUP@Oslo 1+0"},
		"wholly refunded before it left and put back":             {[]sandbox.Event{order, refunded(true)}, "#1"},
		"refunded after it left and put back":                     {[]sandbox.Event{order, delivered(), refunded(true, "MUG*2")}, "#1 MUG@Oslo 0+1 CUP@Oslo 0+1"},
		"refunded after it left and not put back":                 {[]sandbox.Event{order, delivered(), refunded(false, "MUG*2")}, "#1 MUG@Oslo 0+3 CUP@Oslo 0+1"},
		"wholly refunded after it left and put back":              {[]sandbox.Event{order, delivered(), refunded(true)}, "#1"},
		"refunded in part of each":                                {[]sandbox.Event{order, delivered("MUG*1"), refunded(true, "MUG*3")}, "#1 CUP@Oslo 1+0"},
		"refunded time and again":                                 {[]sandbox.Event{order, refunded(true, "MUG*1"), refunded(false, "MUG*1"), refunded(true, "CUP*1")}, "#1 MUG@Oslo 1+1"},
		"another location fulfils it":                             {[]sandbox.Event{order, moved()}, "#1 MUG@Bergen 3+0 CUP@Bergen 1+0"},
		"two locations fulfil a line":                             {[]sandbox.Event{order, moved("MUG*1")}, "#1 MUG@Oslo 2+0 MUG@Bergen 1+0 CUP@Oslo 1+0"},
		"a part has left before the rest moved":                   {[]sandbox.Event{order, delivered("MUG*1"), moved("MUG*2"), delivered("MUG*2")}, "#1 MUG@Oslo 0+1 MUG@Bergen 0+2 CUP@Oslo 1+0"},
		"of two locations that fulfilled it, the one is put back": {[]sandbox.Event{order, moved("MUG*1"), delivered(), sandbox.OrderRefunded{Order: "#1", Lines: goods("MUG*1"), Restock: true, Location: "Bergen"}}, "#1 MUG@Oslo 0+2 CUP@Oslo 0+1"},
		"an edit adds to it":                                      {[]sandbox.Event{order, sandbox.OrderEdited{Order: "#1", Lines: goods("BOWL*2", "MUG*1")}}, "#1 MUG@Oslo 4+0 CUP@Oslo 1+0 BOWL@Oslo 2+0"},
		"an edit adds to one that was closed":                     {[]sandbox.Event{till, sandbox.OrderEdited{Order: "#1", Lines: goods("MUG*1")}}, "#1 MUG@Oslo 1+3 CUP@Oslo 0+1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			selling(t, func(t *testing.T, s *counter) {
				s.do(test.events...)
				got := s.sales(s.began)
				if words := s.words(got); !slices.Equal(words, []string{test.want}) {
					t.Errorf("got %q, want %q", words, test.want)
				}
				for _, words := range s.compare(got, false) {
					t.Error(words)
				}
				open := slices.ContainsFunc(got.Sales, isOpen)
				if alone := s.sales(time.Time{}); open != (len(alone.Sales) == 1) {
					t.Errorf("of open orders alone: %q", s.words(alone))
				}
			})
		})
	}
}

// compare tells where the levels have lost something else than orders take; of
// all locations together when anywhere is set.
func (s *counter) compare(sales inventory.Sales, anywhere bool) (wrong []string) {
	key := func(item inventory.ItemID, at inventory.LocationID) inventory.Key {
		if anywhere {
			at = 0
		}
		return inventory.Key{Store: "main", Item: item, Location: at}
	}
	takes := map[inventory.Key]inventory.Units{}
	for _, sale := range sales.Sales {
		for _, line := range sale.Lines {
			takes[key(line.Item, line.Location)] += line.Open + line.Done
		}
	}
	lost := map[inventory.Key]inventory.Units{}
	for _, level := range s.levels() {
		lost[key(level.Item, level.Location)] += s.before[level.Key] - level.Available
	}
	for at := range lost {
		if lost[at] != takes[at] {
			wrong = append(wrong, fmt.Sprintf("%s at %s has lost %d, and orders take %d of it", at.Item, s.at[at.Location], lost[at], takes[at]))
		}
	}
	return wrong
}

func TestWhateverHappensToOrdersTheyTakeWhatTheLevelsHaveLost(t *testing.T) {
	took, drawn := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		drawn++
		var rounds [][]happening
		for range rapid.IntRange(1, 3).Draw(r, "glances") {
			rounds = append(rounds, rapid.SliceOfN(rapid.Custom(drawnHappening), 0, 8).Draw(r, "happenings"))
		}
		// Of a line at two locations, nobody says from which one a unit was given up.
		moves := slices.ContainsFunc(slices.Concat(rounds...), func(h happening) bool { _, is := h.event.(sandbox.OrderMoved); return is })
		sizes := rapid.SampledFrom([]int{1, 20, 250}).Draw(r, "sizes")
		var wrong []string
		selling(t, func(t *testing.T, s *counter) {
			s.c.sizes["orders"], s.c.sizes[glanceName] = sizes, sizes
			glance, err := s.c.Glance(t.Context(), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			heard, left := map[int64]inventory.Sale{}, map[string]bool{}
			for _, round := range rounds {
				for _, h := range round {
					h.happen(s.w, left)
					wait(t, h.wait)
				}
				if glance, err = s.c.Glance(t.Context(), glance.Mark); err != nil {
					t.Fatal(err)
				}
				for _, sale := range glance.Sales.Sales {
					heard[sale.ID] = sale
				}
			}
			all := s.sales(s.began)
			wrong = s.compare(all, moves)
			took += len(all.Sales)
			told := inventory.Sales{Told: true, Sales: slices.Collect(maps.Values(heard))}
			if diff := cmp.Diff(s.words(all), s.words(told)); diff != "" {
				wrong = append(wrong, "glances tell of the orders otherwise: "+diff)
			}
			all.Sales = slices.DeleteFunc(all.Sales, func(sale inventory.Sale) bool { return !isOpen(sale) })
			if diff := cmp.Diff(s.words(all), s.words(s.sales(time.Time{}))); diff != "" {
				wrong = append(wrong, "open orders alone are otherwise: "+diff)
			}
		})
		if len(wrong) > 0 {
			r.Fatal(strings.Join(wrong, "\n"))
		}
	})
	if took < drawn/2 {
		t.Errorf("there were %d orders in %d cases, which shows too little", took, drawn)
	}
}

// happening is something that happens to an order.
type happening struct {
	order  string
	event  sandbox.Event
	leaves bool // units of it may leave
	wait   time.Duration
}

func drawnHappening(r *rapid.T) happening {
	name := fmt.Sprintf("#%d", rapid.IntRange(1, 4).Draw(r, "order"))
	place := rapid.SampledFrom([]string{"Oslo", "Bergen"}).Draw(r, "location")
	some := goods(rapid.SampledFrom([]string{"MUG", "CUP", "BOWL"}).Draw(r, "SKU") + "*" + strconv.Itoa(rapid.IntRange(1, 4).Draw(r, "units")))
	flag, all := rapid.Bool().Draw(r, "flag"), some
	if rapid.Bool().Draw(r, "all") {
		all = nil
	}
	never := sandbox.Import{Never: true}
	open := sandbox.OrderPlaced{Order: name, Location: place, Lines: append(goods("MUG*2"), some...), Import: never, Unpaid: flag}
	h := rapid.SampledFrom([]happening{
		{event: open},
		{event: open},
		{event: sandbox.OrderPlaced{Order: name, Location: place, Lines: some, Import: never, Till: true}, leaves: true},
		{event: sandbox.OrderDelivered{Order: name, Lines: all}, leaves: true},
		{event: sandbox.OrderRefunded{Order: name, Lines: all, Restock: flag}},
		{event: sandbox.OrderMoved{Order: name, Location: place, Lines: all}},
		{event: sandbox.OrderEdited{Order: name, Location: place, Lines: some}},
		{event: sandbox.OrderCancelled{Order: name}},
	}).Draw(r, "what")
	h.order, h.wait = name, time.Duration(rapid.IntRange(0, 40).Draw(r, "seconds"))*time.Second
	return h
}

// happen lets it happen; what cannot does not. Shopify does not cancel an order
// of which something has left, and a unit that was given up stays given up.
func (h happening) happen(w *sandbox.World, left map[string]bool) {
	if _, cancels := h.event.(sandbox.OrderCancelled); cancels && left[h.order] {
		return
	}
	gone := h.leaves
	if refund, ok := h.event.(sandbox.OrderRefunded); ok {
		gone = !refund.Restock
	}
	if w.Do(h.event) == nil && gone {
		left[h.order] = true
	}
}

// All sizes at once: more fulfilment orders, lines, refunds and lines of a
// refund than fit beside an order.
func TestAnOrderOfAnySizeIsReadToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const variants, places = 23, 4
		w := sandbox.NewWorld(sandbox.Options{Now: time.Now})
		stock(t, w, variants, places)
		c := simulatedClient(t, w)
		first, err := c.Glance(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		wait(t, 2*glanceOverlap)
		var all []string
		for i := range variants {
			all = append(all, fmt.Sprintf("MUG-%d*%d", i, 2*places))
		}
		events := []sandbox.Event{sandbox.OrderPlaced{Order: "#1", Lines: goods(all...), Import: sandbox.Import{Never: true}}}
		for place := 1; place < places; place++ {
			for i := range variants {
				events = append(events, sandbox.OrderMoved{Order: "#1", Location: fmt.Sprint("Shop ", place), Lines: goods(fmt.Sprintf("MUG-%d*%d", i, 2*(places-place)))})
			}
		}
		for i := range all {
			all[i] = fmt.Sprintf("MUG-%d*1", i)
		}
		for n := range 7 {
			events = append(events, sandbox.OrderRefunded{Order: "#1", Lines: goods(all...), Restock: n%2 == 0})
		}
		for _, e := range events {
			if err := w.Do(e); err != nil {
				t.Fatal(err)
			}
		}
		sales, err := c.Sales(t.Context(), time.Time{})
		if err != nil || len(sales.Sales) != 1 {
			t.Fatalf("%+v, %v", sales, err)
		}
		var open, done inventory.Units
		for _, line := range sales.Sales[0].Lines {
			open, done = open+line.Open, done+line.Done
		}
		if open != variants || done != 3*variants {
			t.Errorf("%d are open and %d done, want %d and %d", open, done, variants, 3*variants)
		}
		glance, err := c.Glance(t.Context(), first.Mark.Add(2*glanceOverlap))
		if diff := cmp.Diff(sales, glance.Sales); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

func TestMoreOrdersThanAnyPageOrWindowHoldsAreAllTold(t *testing.T) {
	selling(t, func(t *testing.T, s *counter) {
		s.c.window = 100
		first, err := s.c.Glance(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		wait(t, time.Minute)
		const count = 2*salesPage + 30
		var want []string
		for i := range count {
			order := placed(fmt.Sprintf("#%03d", i), "MUG*1")
			order.Till = i%3 == 0
			s.do(order)
			wait(t, time.Second)
			want = append(want, order.Order+" MUG@Oslo "+map[bool]string{true: "0+1", false: "1+0"}[order.Till])
		}
		for name, tell := range map[string]func() (inventory.Sales, error){
			"sales":  func() (inventory.Sales, error) { return s.c.Sales(t.Context(), s.began) },
			"glance": func() (inventory.Sales, error) { g, err := s.c.Glance(t.Context(), first.Mark); return g.Sales, err },
		} {
			got, err := tell()
			if diff := cmp.Diff(want, s.words(got)); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", name, err, diff)
			}
		}
		open, err := s.c.Sales(t.Context(), time.Time{})
		if err != nil || len(open.Sales) != count-(count+2)/3 {
			t.Errorf("%d are open, %v", len(open.Sales), err)
		}
	})
}

func TestTooManyOrdersOfOneSecondAreAnError(t *testing.T) {
	selling(t, func(t *testing.T, s *counter) {
		s.c.window = 100
		for i := range 3 * salesPage {
			s.do(placed(fmt.Sprint("#", i), "MUG*1"))
		}
		if sales, err := s.c.Sales(t.Context(), time.Time{}); !errors.Is(err, inventory.ErrIncomplete) || sales.Told || !strings.Contains(err.Error(), "more than 100 orders are updated at") {
			t.Errorf("%d orders, %v", len(sales.Sales), err)
		}
	})
}

func TestOrdersOlderThanTheReachAreToldOnlyWithTheScopeForAll(t *testing.T) {
	selling(t, func(t *testing.T, s *counter) {
		s.do(placed("#1", "MUG*1"))
		wait(t, 70*24*time.Hour)
		s.do(placed("#2", "MUG*1"))
		recent := s.words(s.sales(time.Time{}))
		s.do(sandbox.ScopesChanged{Scopes: append(slices.Clone(allScopes), "read_all_orders")})
		if all := s.words(s.sales(time.Time{})); len(recent) != 1 || len(all) != 2 {
			t.Errorf("told %q, and with the scope %q", recent, all)
		}
	})
}

var allScopes = []string{"read_products", "read_inventory", "write_inventory", "read_locations", scopeOrders, scopeFulfilment}

func without(scope string) []string {
	return slices.DeleteFunc(slices.Clone(allScopes), func(s string) bool { return s == scope })
}

func TestOrdersAreToldAsLongAsTheScopesAreThereAndNoLonger(t *testing.T) {
	selling(t, func(t *testing.T, s *counter) {
		glance := func(since time.Time) (inventory.Glance, string, int) {
			t.Helper()
			wait(t, time.Minute)
			before := s.c.Counts()
			g, err := s.c.Glance(t.Context(), since)
			if err != nil {
				t.Fatal(err)
			}
			return g, strings.Join(s.words(g.Sales), ", "), s.c.Counts().Count - before.Count
		}
		s.do(sandbox.ScopesChanged{Scopes: without(scopeFulfilment)})
		first, told, count := glance(time.Time{})
		if told != "nothing told" || count != 1 {
			t.Fatalf("without the scope: %s in %d requests", told, count)
		}
		s.do(placed("#1", "MUG*2"))
		for _, step := range []struct {
			name   string
			scopes []string
			want   string
			count  int
		}{
			{"none for fulfilment orders", without(scopeFulfilment), "nothing told", 1},
			{"none for orders", without(scopeOrders), "nothing told", 1},
			{"granted", allScopes, "#1 MUG@Oslo 2+0", 2},
			{"still granted", allScopes, "#1 MUG@Oslo 2+0", 1},
			{"the one taken away", without(scopeFulfilment), "nothing told", 1},
			{"granted again", allScopes, "#1 MUG@Oslo 2+0", 2},
			{"the other taken away", without(scopeOrders), "nothing told", 2},
			{"still away", without(scopeOrders), "nothing told", 1},
			{"granted as scopes to write", append(without(scopeOrders), "write_orders"), "#1 MUG@Oslo 2+0", 2},
		} {
			s.do(sandbox.ScopesChanged{Scopes: step.scopes})
			g, told, count := glance(first.Mark)
			if told != step.want || count != step.count || len(g.Levels) != 1 {
				t.Errorf("%s: told %s with %d levels in %d requests, want %s in %d", step.name, told, len(g.Levels), count, step.want, step.count)
			}
			before := s.c.Counts().Count
			if sales := strings.Join(s.words(s.sales(first.Mark)), ", "); sales != step.want || step.want == "nothing told" && s.c.Counts().Count != before+1 {
				t.Errorf("%s: sales tell %s in %d requests, want %s", step.name, sales, s.c.Counts().Count-before, step.want)
			}
		}
		if g, _, _ := glance(time.Time{}); !g.Sales.Told || g.Sales.Sales != nil {
			t.Errorf("the zero mark tells %+v, want no orders and that there would be some", g.Sales)
		}
	})
}

// An idle cycle has no more than this to ask.
func TestAnOrderIsToldWithItsLevelInOneRequest(t *testing.T) {
	selling(t, func(t *testing.T, s *counter) {
		first, err := s.c.Glance(t.Context(), time.Time{})
		if err != nil || !first.Sales.Told {
			t.Fatal(first.Sales, err)
		}
		wait(t, time.Minute)
		order := placed("#1", "MUG*2")
		s.do(order, placed("#2", "CUP*1"), sandbox.OrderRefunded{Order: "#2", Restock: true})
		before := s.c.Counts()
		g, err := s.c.Glance(t.Context(), first.Mark)
		after := s.c.Counts()
		t.Logf("two orders and their levels are charged %.0f points", after.Cost-before.Cost)
		if got, want := s.words(g.Sales), []string{"#1 MUG@Oslo 2+0", "#2"}; err != nil || !slices.Equal(got, want) || len(g.Levels) != 2 || after.Count != before.Count+1 {
			t.Errorf("told %q and %d levels in %d requests, %v, want %q and 2 in one", got, len(g.Levels), after.Count-before.Count, err, want)
		}
		for _, sale := range g.Sales.Sales {
			if at := time.Now().Truncate(time.Second).UTC(); !sale.Created.Equal(at) || !sale.Updated.Equal(at) || sale.ID <= 0 {
				t.Errorf("%+v, want it created and updated at %s", sale, at)
			}
		}
	})
}

func TestSalesCostFewPoints(t *testing.T) {
	selling(t, func(t *testing.T, s *counter) {
		const count = 100
		for i := range count {
			s.do(placed(fmt.Sprint("#", i), "MUG*1", "CUP*1"))
		}
		before := s.c.Counts()
		sales := s.sales(time.Now())
		after := s.c.Counts()
		price := s.c.bucket.costs[costKey{"orders", pageMost, 0}]
		t.Logf("%d orders: %d requests, %.0f points asked for in the dearest and %.0f charged in all", count, after.Count-before.Count, price, after.Cost-before.Cost)
		// The scopes; the open ones; the updated ones.
		if len(sales.Sales) != count || after.Count-before.Count != 3 || price > 300 || after.Cost-before.Cost > 300 {
			t.Errorf("%d orders in %d requests, %.0f points asked for and %.0f charged", len(sales.Sales), after.Count-before.Count, price, after.Cost-before.Cost)
		}
	})
}
