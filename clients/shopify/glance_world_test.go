package shopify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stocksyncd/clients/internal/transport/transporttest"
	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/inventory"
)

// simulatedClient is a client of a world's only store.
func simulatedClient(t *testing.T, w *sandbox.World) *Client {
	t.Helper()
	return New(Options{
		Store: "main", Shop: "acme.myshopify.com", URL: "http://127.0.0.1", APIVersion: "2026-10",
		Base: transporttest.Serve(t, w.Shopify("")), Token: func() string { return "shpat_sandbox" },
	})
}

// step is something that happens between two glances.
type step struct {
	event   sandbox.Event    // nil: one of the others
	listing *sandbox.Listing // a new one
	write   string           // a key: the client writes a level
	level   int              // which, by its place
	figure  int              // that it writes
	wait    time.Duration
}

func drawnSteps(t *rapid.T, places []sandbox.StoreLocation) (rounds [][]step) {
	for round := range rapid.IntRange(1, 4).Draw(t, "rounds") {
		var steps []step
		for i := range rapid.IntRange(0, 8).Draw(t, "steps") {
			sku := fmt.Sprintf("MUG-%d", rapid.IntRange(0, 11).Draw(t, "which"))
			at := rapid.SampledFrom(places).Draw(t, "where").Name
			figure := rapid.IntRange(0, 30).Draw(t, "figure")
			order := fmt.Sprintf("#%d", rapid.IntRange(1, 5).Draw(t, "order"))
			steps = append(steps, []step{
				{event: sandbox.HandEdit{SKU: sku, Location: at, Available: figure}},
				{event: sandbox.LevelSwitched{SKU: sku, Location: at, On: figure > 15}},
				{event: sandbox.OrderPlaced{Order: order, Location: at, Lines: []sandbox.Line{{SKU: sku, Quantity: fmt.Sprint(figure%3 + 1)}}, Import: sandbox.Import{Never: true}}},
				{event: sandbox.OrderCancelled{Order: order}},
				{event: sandbox.OrderDelivered{Order: order}},
				{event: sandbox.ListingDeleted{SKU: sku}},
				{event: sandbox.SKUChanged{Store: "main", SKU: sku, To: rapid.SampledFrom([]string{"", "MUG-1", "TWIN", "CUP"}).Draw(t, "new SKU")}},
				{event: sandbox.TrackingSwitched{SKU: sku, On: figure > 15}},
				{listing: &sandbox.Listing{SKU: fmt.Sprintf("BARE-%d-%d", round, i), GiftCard: figure > 15}},
				{listing: &sandbox.Listing{SKU: fmt.Sprintf("NEW-%d-%d", round, i), Levels: []sandbox.Level{{Location: at, Available: figure}}}},
				{write: fmt.Sprintf("%d-%d", round, i), level: rapid.IntRange(0, 30).Draw(t, "level"), figure: figure},
			}[rapid.IntRange(0, 10).Draw(t, "what")])
			steps = append(steps, step{wait: time.Duration(rapid.IntRange(0, 40_000).Draw(t, "wait")) * time.Millisecond})
		}
		rounds = append(rounds, steps)
	}
	return rounds
}

// take lets the step happen; what cannot happen in this store does not.
func (s step) take(t *testing.T, c *Client, w *sandbox.World, shown []inventory.Level) {
	t.Helper()
	switch {
	case s.event != nil:
		_ = w.Do(s.event)
	case s.listing != nil:
		if _, err := w.AddListing("", *s.listing); err != nil {
			t.Fatal(err)
		}
	case s.write != "" && len(shown) > 0:
		level := shown[s.level%len(shown)]
		change := inventory.Change{Key: level.Key, Variant: level.Variant, From: level.Available, To: inventory.Units(s.figure)}
		if level.Location == inventory.Nowhere {
			return
		}
		// A refusal is an outcome, and changes nothing.
		if _, err := c.Set(t.Context(), inventory.Batch{Key: s.write, Changes: []inventory.Change{change}}); err != nil {
			t.Fatal(err)
		}
	default:
		wait(t, s.wait)
	}
}

// compareGlance tells what a glance got wrong, between two looks at a store
// that has kept still since the second began.
func compareGlance(before, now []inventory.Level, told inventory.Glance) (wrong []string) {
	was := map[inventory.Key]inventory.Level{}
	for _, level := range before {
		was[level.Key] = level
	}
	is := map[inventory.Key]inventory.Level{}
	for _, level := range now {
		is[level.Key] = level
	}
	heard := map[inventory.Key]bool{}
	for i, level := range told.Levels {
		heard[level.Key] = true
		if is[level.Key] != level {
			wrong = append(wrong, fmt.Sprintf("told of %+v, which is %+v", level, is[level.Key]))
		}
		if i > 0 && told.Levels[i-1].Compare(level.Key) >= 0 {
			wrong = append(wrong, fmt.Sprintf("%s is told behind %s", level, told.Levels[i-1]))
		}
	}
	for _, level := range now {
		old, known := was[level.Key]
		if moved := !known || old.Available != level.Available || old.Active != level.Active; moved && level.Location != inventory.Nowhere && !heard[level.Key] {
			wrong = append(wrong, fmt.Sprintf("nothing told of %+v, which was %+v", level, old))
		}
	}
	return wrong
}

// compareEdits tells what a glance got wrong of the variants that were edited.
func compareEdits(before, now []inventory.Level, told inventory.Glance) (wrong []string) {
	was, heard := map[inventory.ItemID]inventory.Item{}, map[inventory.ItemID]bool{}
	for _, level := range before {
		was[level.Item] = level.Of()
	}
	for _, level := range told.Edited {
		heard[level.Item] = true
	}
	var want []inventory.Level // all levels of what was told
	for _, level := range now {
		if heard[level.Item] {
			want = append(want, level)
		} else if old, known := was[level.Item]; !known || old != level.Of() {
			wrong = append(wrong, fmt.Sprintf("nothing told of the edit of %+v, which was %+v", level, old))
		}
	}
	if diff := cmp.Diff(want, told.Edited); diff != "" {
		wrong = append(wrong, "of the items that were edited a whole read gives others:\n"+diff)
	}
	return wrong
}

func TestGlancesTellOfEveryFigureThatMovedAndEveryEditWhateverHappens(t *testing.T) {
	told, edited := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		places, listings := drawnStore(rt)
		rounds := drawnSteps(rt, places)
		mixed, dated := rapid.Bool().Draw(rt, "mixed"), rapid.Bool().Draw(rt, "stock dates variants")
		known := rapid.IntRange(1, 4).Draw(rt, "locations known")
		portions, rest := rapid.SampledFrom([]int{1, 5, 20, 250}).Draw(rt, "portions"), rapid.IntRange(1, 4).Draw(rt, "rest")
		var wrong []string
		synctest.Test(t, func(t *testing.T) {
			w := sandbox.NewWorld(sandbox.Options{Now: time.Now, Stores: []sandbox.StoreOptions{{BucketSize: 1e6, Restore: 1e5, MixLevels: mixed, StockDates: dated}}})
			fill(t, w, places, listings)
			c := simulatedClient(t, w)
			c.sizes[glanceName], c.sizes["updates of a location"] = portions, rest
			c.sizes["updated variants"], c.sizes["levels of an item"] = rest, rest
			before, err := observe(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			glance, err := c.Glance(t.Context(), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			for i, steps := range rounds {
				for _, s := range steps {
					s.take(t, c, w, before)
				}
				c.expectLevels(known)
				if glance, err = c.Glance(t.Context(), glance.Mark); err != nil {
					t.Fatal(err)
				}
				now, err := observe(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				told, edited = told+len(glance.Levels), edited+len(glance.Edited)
				for _, words := range append(compareGlance(before, now, glance), compareEdits(before, now, glance)...) {
					wrong = append(wrong, fmt.Sprintf("glance %d: %s", i+1, words))
				}
				before = now
			}
		})
		if len(wrong) > 0 {
			rt.Fatal(strings.Join(wrong, "\n"))
		}
	})
	if told < 50 || edited < 50 {
		t.Errorf("all glances together told of %d levels and %d of edited items, which shows too little", told, edited)
	}
}

// fill puts locations and listings into a world.
func fill(t *testing.T, w *sandbox.World, places []sandbox.StoreLocation, listings []sandbox.Listing) {
	t.Helper()
	for _, place := range places {
		if _, err := w.AddStoreLocation("", place); err != nil {
			t.Fatal(err)
		}
	}
	for _, listing := range listings {
		if _, err := w.AddListing("", listing); err != nil {
			t.Fatal(err)
		}
	}
}

// Nothing promises that each change of a figure counts as an update: what no
// glance tells, pages still show.
func TestAnEditThatTheStoreDoesNotDateIsFoundByPagesAlone(t *testing.T) {
	simulated(t, 20, func(t *testing.T, c *Client, w *sandbox.World) {
		first, err := c.Glance(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		wait(t, 2*glanceOverlap)
		at := time.Now()
		for _, e := range []sandbox.Event{
			sandbox.EditsUndated{On: true},
			sandbox.HandEdit{SKU: "MUG-3", Location: "Oslo", Available: 77},
			sandbox.SKUChanged{Store: "main", SKU: "MUG-7", To: "CUP-7"},
			sandbox.TrackingSwitched{SKU: "MUG-9"},
			sandbox.OrderPlaced{Order: "#1", Location: "Bergen", Lines: []sandbox.Line{{SKU: "MUG-5", Quantity: "2"}}, Import: sandbox.Import{Never: true}},
		} {
			if err := w.Do(e); err != nil {
				t.Fatal(err)
			}
		}
		glance, err := c.Glance(t.Context(), first.Mark.Add(2*glanceOverlap))
		if err != nil || len(glance.Levels) != 1 || glance.Levels[0].SKU != "MUG-5" || glance.Levels[0].Available != 3 || glance.Edited != nil {
			t.Errorf("got %v and %v, %v, want the sale alone", glance.Levels, glance.Edited, err)
		}
		page, err := c.Page(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, level := range page.Levels {
			moved := !page.Updated[i].Before(at.Truncate(time.Second))
			if sale := level.Key == glance.Levels[0].Key; moved != sale {
				t.Errorf("%s of %s: updated at %s", level.Key, level.SKU, page.Updated[i])
			}
			if level.SKU == "MUG-3" && level.Available != 77 && level.Available != 3 {
				t.Errorf("MUG-3 shows %d", level.Available)
			}
		}
		for what, on := range map[string]func(inventory.Level) bool{
			"figure":   func(l inventory.Level) bool { return l.SKU == "MUG-3" && l.Available == 77 },
			"SKU":      func(l inventory.Level) bool { return l.SKU == "CUP-7" },
			"tracking": func(l inventory.Level) bool { return l.SKU == "MUG-9" && l.Untracked },
		} {
			if !slices.ContainsFunc(page.Levels, on) {
				t.Errorf("the edit of a %s is not on the page", what)
			}
		}
	})
}

// Whatever goes wrong, once or for ever: a glance and a page are whole or an
// error.
func TestNoSimulatedFaultHidesAnUpdate(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long under the race detector; it runs without -short, also there in .ci/full")
	}
	const listings, edits = 300, 70 // more than fit beside the locations
	const items = 260
	for _, kind := range sandbox.FaultKinds() {
		for _, count := range []int{1, -1} {
			simulated(t, listings, func(t *testing.T, c *Client, w *sandbox.World) {
				first, err := c.Glance(t.Context(), time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				wait(t, 2*glanceOverlap)
				for i := range edits {
					if err := w.Do(sandbox.HandEdit{SKU: fmt.Sprintf("MUG-%d", i), Location: "Oslo", Available: 1000 + i}); err != nil {
						t.Fatal(err)
					}
				}
				for i := range items {
					if err := w.Do(sandbox.TrackingSwitched{SKU: fmt.Sprintf("MUG-%d", i)}); err != nil {
						t.Fatal(err)
					}
				}
				mark := first.Mark.Add(2 * glanceOverlap)
				w.Inject(sandbox.Fault{API: "shopify", Kind: sandbox.FaultKind(kind), Count: count, Rows: 2})
				glance, err := c.Glance(t.Context(), mark)
				if err == nil && (len(glance.Levels) != edits || len(glance.Edited) != 3*items || len(glance.Locations) != 3) ||
					err != nil && (glance.Levels != nil || glance.Edited != nil || !glance.Mark.IsZero()) {
					t.Errorf("%s: told of %d levels and %d of edited items at %d locations, %v", kind, len(glance.Levels), len(glance.Edited), len(glance.Locations), err)
				}
				w.ClearFaults()
				w.Inject(sandbox.Fault{API: "shopify", Kind: sandbox.FaultKind(kind), Count: count, Rows: 2})
				page, err := c.Page(t.Context(), 0)
				if err == nil && len(page.Levels) != 3*pageMost || err != nil && page.Levels != nil {
					t.Errorf("%s: %d levels on a page, %v", kind, len(page.Levels), err)
				}
				w.ClearFaults()
				if glance, err = c.Glance(t.Context(), mark); err != nil || len(glance.Levels) != edits || len(glance.Edited) != 3*items {
					t.Errorf("%s: once it is over: told of %d levels and %d of edited items, %v", kind, len(glance.Levels), len(glance.Edited), err)
				}
			})
		}
	}
}
