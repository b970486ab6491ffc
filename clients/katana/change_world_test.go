package katana_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/clients/internal/transport/transporttest"
	"stocksyncd/clients/katana"
	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/inventory"
)

// turns is how many feeds take turns: what they tell is told within so many
// questions.
const turns = 7

// What the world of these tests is made of. SET and GIFT are kits, GIFT holds
// SET; CHAIR is made of WOOD and is no kit; QUIET is a kit of which Katana tells
// no potential.
var (
	worldPlaces = []string{"Main", "Oslo", "Bergen"}
	worldSKUs   = []string{"MUG", "TEA", "CUP", "WOOD", "SET", "GIFT", "CHAIR", "QUIET", "FIT"}
	worldKits   = []string{"SET", "GIFT", "CHAIR", "QUIET"}
)

// step is one thing that happens: an event, or time that passes, or a question.
type step struct {
	event sandbox.Event // nil: a question after wait
	wait  time.Duration
	lost  bool          // the caller is gone before it keeps the new mark
	amid  sandbox.Event // happens while the question is asked; nil is nothing
	after int           // requests of the question before that
}

func (s step) String() string {
	if s.event != nil {
		return fmt.Sprintf("%T%+v", s.event, s.event)
	}
	return fmt.Sprintf("ask after %s lost=%t amid=%T%+v after=%d", s.wait, s.lost, s.amid, s.amid, s.after)
}

func drawSteps(t *rapid.T) []step {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		if rapid.IntRange(0, 2).Draw(t, "kind") > 0 {
			return step{event: drawEvent(t)}
		}
		s := step{
			wait: time.Duration(rapid.Int64Range(2, int64(10*time.Minute/time.Millisecond)).Draw(t, "wait")) * time.Millisecond,
			lost: rapid.IntRange(0, 3).Draw(t, "lost") == 0,
		}
		if rapid.Bool().Draw(t, "short") {
			s.wait /= 20
			s.wait += 2 * time.Millisecond
		}
		if rapid.IntRange(0, 3).Draw(t, "amid") == 0 {
			s.amid, s.after = drawEvent(t), rapid.IntRange(0, 4).Draw(t, "after")
		}
		return s
	}), 20, 80).Draw(t, "steps")
}

// drawEvent draws something that may happen in Katana or in the store before
// it. What cannot happen, such as the packing of an order that is not there,
// changes nothing.
func drawEvent(t *rapid.T) sandbox.Event {
	sku := func() string { return rapid.SampledFrom(worldSKUs).Draw(t, "sku") }
	place := func() string { return rapid.SampledFrom(worldPlaces).Draw(t, "place") }
	from := func(prefix string) string { return fmt.Sprint(prefix, rapid.IntRange(1, 8).Draw(t, "number")) }
	quantity := func() string { return fmt.Sprint(rapid.IntRange(1, 5).Draw(t, "quantity")) }
	flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
	lines := func() []sandbox.Line {
		lines := []sandbox.Line{{SKU: sku(), Quantity: quantity()}}
		if flag("two lines") {
			lines = append(lines, sandbox.Line{SKU: sku(), Quantity: quantity()})
		}
		return lines
	}
	some := func() []sandbox.Line { // of an order
		if flag("all of it") {
			return nil
		}
		return []sandbox.Line{{SKU: sku(), Quantity: "1"}}
	}
	wait := func() time.Duration {
		return time.Duration(rapid.IntRange(0, 300).Draw(t, "later")) * time.Second
	}
	order := func() string {
		if flag("of the store") {
			return from("#")
		}
		return from("SO-")
	}
	switch rapid.IntRange(0, 18).Draw(t, "event") {
	case 0, 1:
		return sandbox.OrderPlaced{Order: from("#"), Location: place(), Lines: lines(), Import: sandbox.Import{After: wait(), Each: wait() / 4}}
	case 2, 3:
		return sandbox.SalesOrderPlaced{
			Order: from("SO-"), Location: place(), Lines: lines(), Quote: flag("quote"), RowsAt: place(), MadeToOrder: flag("made to order"),
		}
	case 4, 5:
		return sandbox.OrderPacked{Order: order(), Lines: some()}
	case 6, 7:
		return sandbox.OrderDelivered{Order: order(), Lines: some()}
	case 8:
		return sandbox.OrderCancelled{Order: order(), After: wait()}
	case 9:
		return sandbox.OrderRefunded{Order: from("#"), Lines: some(), Restock: flag("restock"), After: wait()}
	case 10:
		return sandbox.StockAdjusted{SKU: sku(), Location: place(), By: fmt.Sprint(rapid.IntRange(-9, 9).Draw(t, "by"))}
	case 11:
		return sandbox.MakeOrderPlaced{Order: from("MO-"), SKU: rapid.SampledFrom(worldKits).Draw(t, "made"), Location: place(), Quantity: quantity()}
	case 12:
		return sandbox.MakeOrderDone{Order: from("MO-")}
	case 13:
		return sandbox.MakeOrderDeleted{Order: from("MO-")}
	case 14:
		return sandbox.ItemArchived{SKU: sku(), Restore: flag("restore")}
	case 15:
		return sandbox.BOMChanged{
			SKU: rapid.SampledFrom(worldKits).Draw(t, "kit"), Ingredient: rapid.SampledFrom([]string{"MUG", "TEA", "CUP", "WOOD"}).Draw(t, "ingredient"),
			Quantity: fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "takes")),
		}
	case 16:
		if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
			return sandbox.ItemDeleted{SKU: sku()}
		}
		return sandbox.StockAdjusted{SKU: sku(), Location: place(), To: quantity()}
	case 17:
		if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
			return sandbox.KatanaLocationDeleted{Location: "Bergen"}
		}
		return sandbox.StockAdjusted{SKU: sku(), Location: place(), By: "-0.5"}
	default:
		return sandbox.SKUChanged{SKU: "CUP", To: "CUP"}
	}
}

// watched is a world whose feeds are asked, and what must be told of it.
type watched struct {
	world *sandbox.World
	asks  *katana.Client // for what changed
	looks *katana.Client // at all figures, to compare with

	ids      map[string]inventory.SourceVariantID
	variants []inventory.SourceVariantID
	places   []inventory.SourceLocationID
	holds    map[inventory.SourceVariantID][]inventory.SourceVariantID // by ingredient, the products that ever took it

	mark   inventory.Mark
	before map[inventory.StockKey]inventory.Stock // when the kept mark was given
	loose  []inventory.SourceVariantID            // told before something that happened amid the question
	owed   []promise
	blind  map[string]int // blind spots that were met, by name
	told   int            // variants whose figures had changed
}

// promise is what a feed that takes turns must tell.
type promise struct {
	what string
	left int                          // questions
	kept func(inventory.Changes) bool // nil: nothing tells of it, or has already
	// moves are the variants whose potential moves with it; a row that comes or
	// goes is of any.
	moves map[inventory.SourceVariantID]bool
	rows  bool
	row   string // of a bill of materials
	blind bool   // nothing ever tells of it
	// amid is what came up while a question was asked: the figures of before
	// that question are compared with those of the next one.
	amid bool
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	w := sandbox.NewWorld(sandbox.Options{Now: time.Now, KatanaPerMinute: 1 << 40})
	v := &watched{
		world: w, ids: map[string]inventory.SourceVariantID{}, blind: map[string]int{},
		holds: map[inventory.SourceVariantID][]inventory.SourceVariantID{},
	}
	stock := map[string]string{}
	for _, name := range worldPlaces {
		v.places = append(v.places, inventory.SourceLocationID(w.AddLocation(sandbox.KatanaLocation{Name: name})))
		if _, err := w.AddStoreLocation("", sandbox.StoreLocation{Name: name}); err != nil {
			t.Fatal(err)
		}
		stock[name] = "20"
	}
	for _, p := range []sandbox.Product{
		{Name: "MUG"}, {Name: "TEA"}, {Name: "CUP"}, {Name: "WOOD", Kind: "material"},
		{Name: "SET", Kit: true, Variants: []sandbox.Variant{{BOM: []sandbox.Ingredient{{SKU: "MUG", Quantity: "2"}, {SKU: "TEA", Quantity: "0.5"}}}}},
		{Name: "GIFT", Kit: true, Variants: []sandbox.Variant{{BOM: []sandbox.Ingredient{{SKU: "SET", Quantity: "1"}, {SKU: "CUP", Quantity: "1"}}}}},
		{Name: "CHAIR", Variants: []sandbox.Variant{{BOM: []sandbox.Ingredient{{SKU: "WOOD", Quantity: "4"}}}}},
		{Name: "QUIET", Kit: true, NoPotential: true, Variants: []sandbox.Variant{{BOM: []sandbox.Ingredient{{SKU: "MUG", Quantity: "1"}}}}},
		{Name: "FIT", Kind: "service"},
	} {
		if p.Variants == nil {
			p.Variants = []sandbox.Variant{{}}
		}
		if p.Variants[0].SKU = p.Name; p.Kind != "service" && !p.Kit {
			p.Variants[0].Stock = stock
		}
		ids, err := w.AddProduct(p)
		if err != nil {
			t.Fatal(err)
		}
		v.ids[p.Name] = inventory.SourceVariantID(ids[0])
		v.variants = append(v.variants, v.ids[p.Name])
		for _, in := range p.Variants[0].BOM {
			v.takes(p.Name, in.SKU)
		}
		listing := sandbox.Listing{SKU: p.Name, Untracked: p.Kind == "service"}
		for _, name := range worldPlaces {
			listing.Levels = append(listing.Levels, sandbox.Level{Location: name, Available: 20})
		}
		if _, err := w.AddListing("", listing); err != nil {
			t.Fatal(err)
		}
	}
	base := transporttest.Serve(t, w.Katana())
	client := func() *katana.Client {
		return katana.New(katana.Options{
			URL: "http://katana.example/v1", Key: func() string { return "sandbox-katana-key" }, PerMinute: 6000, Version: "test", Base: base,
		})
	}
	v.asks, v.looks = client(), client()
	return v
}

func (v *watched) takes(product, ingredient string) {
	v.holds[v.ids[ingredient]] = append(v.holds[v.ids[ingredient]], v.ids[product])
}

// with adds to variants all that is made of them.
func (v *watched) with(variants ...inventory.SourceVariantID) map[inventory.SourceVariantID]bool {
	all := map[inventory.SourceVariantID]bool{}
	for len(variants) > 0 {
		next := variants[0]
		if variants = variants[1:]; !all[next] {
			all[next] = true
			variants = append(variants, v.holds[next]...)
		}
	}
	return all
}

// do lets an event happen and notes what a feed that takes turns owes for it.
func (v *watched) do(event sandbox.Event) {
	if v.world.Do(event) != nil {
		return // it cannot happen
	}
	// What is deleted shows no variant, which leaves the whole catalogue. Of a
	// variant its own list tells, but no list has a service's alone.
	edited := func(sku string, own bool) {
		v.owed = append(v.owed, promise{what: fmt.Sprintf("%T", event), left: turns, rows: true, kept: func(c inventory.Changes) bool {
			return slices.Contains(c.Edited, v.ids[sku]) || c.Catalogue && (!own || sku == "FIT")
		}})
	}
	switch e := event.(type) {
	case sandbox.ItemArchived:
		edited(e.SKU, false)
	case sandbox.ItemDeleted:
		edited(e.SKU, true)
	case sandbox.SKUChanged:
		edited(e.SKU, true)
	case sandbox.KatanaLocationDeleted:
		v.owed = append(v.owed, promise{what: "a deleted location", left: turns, rows: true, kept: func(c inventory.Changes) bool { return c.Locations }})
	case sandbox.BOMChanged:
		kit := v.ids[e.SKU]
		v.takes(e.SKU, e.Ingredient)
		edit := promise{what: "a row of a bill of materials", row: e.SKU + " " + e.Ingredient, left: turns, moves: v.with(kit), kept: func(c inventory.Changes) bool {
			return c.Recipes && slices.Contains(c.Variants, kit)
		}}
		if e.Quantity == "0" {
			edit.what, edit.kept, edit.blind = deletedRecipe, nil, true
			// Nor is what was done to it before, if that was not told yet.
			v.owed = slices.DeleteFunc(v.owed, func(p promise) bool { return p.row == edit.row })
		}
		v.owed = append(v.owed, edit)
	}
}

// deletedRecipe is the one blind spot that the events of the sandbox meet.
const deletedRecipe = "a row of a bill of materials that is deleted"

// look reads all figures.
func (v *watched) look(t *testing.T) map[inventory.StockKey]inventory.Stock {
	t.Helper()
	rows, err := v.looks.Inventory(t.Context(), v.places, v.variants)
	if err != nil {
		t.Fatal(err)
	}
	figures := map[inventory.StockKey]inventory.Stock{}
	for _, row := range rows {
		figures[inventory.StockKey{Variant: row.Variant, Location: row.Location}] = row
	}
	return figures
}

// ask asks what changed, as one cycle does, and tells what is wrong with the
// answer; "" is nothing.
func (v *watched) ask(t *testing.T, s step) string {
	t.Helper()
	<-time.After(s.wait)
	after := v.look(t)
	if s.amid != nil {
		v.world.Inject(sandbox.Fault{API: "katana", Kind: sandbox.FaultHookBefore, After: s.after, Do: func() { v.do(s.amid) }})
	}
	owed := len(v.owed)
	got, err := v.asks.Changes(t.Context(), v.mark)
	v.world.ClearFaults()
	<-time.After(2 * time.Millisecond) // two edits of a record within one are not told apart
	if err != nil {
		return err.Error()
	}
	if !slices.IsSorted(got.Variants) || len(slices.Compact(slices.Clone(got.Variants))) != len(got.Variants) {
		return fmt.Sprintf("variants %v are not sorted, each once", got.Variants)
	}
	if !slices.IsSorted(got.Edited) || len(slices.Compact(slices.Clone(got.Edited))) != len(got.Edited) {
		return fmt.Sprintf("edited variants %v are not sorted, each once", got.Edited)
	}
	if wrong := v.compare(after, got); wrong != "" || s.lost {
		return wrong
	}
	v.keep(t, got, after)
	v.loose = nil
	if s.amid != nil {
		v.loose = got.Variants
	}
	for i := range v.owed {
		v.owed[i].amid = i >= owed
	}
	return v.settle(got)
}

// settle takes what an answer tells off what is owed.
func (v *watched) settle(got inventory.Changes) string {
	var left []promise
	for _, p := range v.owed {
		told := p.kept == nil || p.kept(got)
		p.left--
		switch {
		case told && p.amid:
			p.kept = nil
			left = append(left, p)
		case !told && p.left <= 0:
			return p.what + " was not told of within a whole turn"
		case !told:
			left = append(left, p)
		}
	}
	v.owed = left
	return ""
}

// keep keeps a mark as the state file does.
func (v *watched) keep(t *testing.T, got inventory.Changes, figures map[inventory.StockKey]inventory.Stock) {
	t.Helper()
	text, err := json.Marshal(got.Mark)
	if err != nil {
		t.Fatal(err)
	}
	v.mark = inventory.Mark{}
	if err := json.Unmarshal(text, &v.mark); err != nil {
		t.Fatal(err)
	}
	v.before = figures
}

// compare looks for a figure that changed since the kept mark and that nothing
// tells of.
func (v *watched) compare(after map[inventory.StockKey]inventory.Stock, got inventory.Changes) string {
	hot := v.with(append(slices.Clone(got.Variants), v.loose...)...)
	keys := maps.Clone(v.before)
	maps.Copy(keys, after)
	for key := range keys {
		was, had := v.before[key]
		is, has := after[key]
		if was == is && had == has {
			continue
		}
		if hot[key.Variant] {
			v.told++
			continue
		}
		// Only what may come later, or never, is left.
		was.Potential = is.Potential
		owed := func(p promise) bool {
			return had != has && p.rows || had && has && was == is && p.moves[key.Variant]
		}
		i := slices.IndexFunc(v.owed, owed)
		if i < 0 {
			return fmt.Sprintf("%+v: was %+v (%t), is %+v (%t), and the answer is %+v", key, v.before[key], had, after[key], has, got)
		}
		if v.owed[i].blind {
			v.blind[v.owed[i].what]++
		}
	}
	return ""
}

// play plays steps in a world of their own and tells what went wrong.
func play(t *testing.T, steps []step, quiet bool) (wrong string, v *watched) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		v = newWatched(t)
		<-time.After(time.Hour)
		first, err := v.asks.Changes(t.Context(), inventory.Mark{})
		if err != nil {
			t.Fatal(err)
		}
		v.keep(t, first, v.look(t))
		<-time.After(2 * time.Millisecond)
		for _, s := range steps {
			if s.event != nil {
				v.do(s.event)
				continue
			}
			if wrong = v.ask(t, s); wrong != "" {
				return
			}
		}
		if quiet {
			wrong = v.rest(t)
		}
	})
	return wrong, v
}

// rest waits until nothing is to come and asks on: the standing feeds tell what
// is left once, those that take turns within one turn, and then nobody does, at
// 5 requests a question, all well within the time that the feeds reach back.
func (v *watched) rest(t *testing.T) string {
	t.Helper()
	for v.world.Scheduled() > 0 {
		<-time.After(time.Minute)
	}
	for question := range 1 + 2*turns {
		turn := v.mark.Turn
		before := v.asks.Counts().Count
		got, err := v.asks.Changes(t.Context(), v.mark)
		if err != nil {
			return err.Error()
		}
		requests := v.asks.Counts().Count - before
		silent := len(got.Variants) == 0 && len(got.Edited) == 0 && !got.Catalogue && !got.Recipes && !got.Locations
		switch {
		case question == 0:
		case question <= turns && len(got.Variants) > 0 && turn != "manufacturing_orders" && turn != "bom_rows":
			return fmt.Sprintf("question %d, where %s has its turn, repeats %v", question+1, turn, got.Variants)
		case question > turns && (!silent || requests != 5):
			return fmt.Sprintf("question %d tells %+v at %d requests, though nothing happens", question+1, got, requests)
		}
		v.keep(t, got, nil)
		<-time.After(7 * time.Second)
	}
	return ""
}

func TestEveryVariantWhoseFiguresMoveIsTold(t *testing.T) {
	told, blind := 0, map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		steps := append(drawSteps(rt), step{wait: time.Second})
		wrong, v := play(t, steps, false)
		if wrong != "" {
			rt.Fatalf("%s\nafter %v", wrong, steps)
		}
		told += v.told
		for name, n := range v.blind {
			blind[name] += n
		}
	})
	t.Logf("told of %d figures that moved; not told of: %v", told, blind)
	if told == 0 {
		t.Error("no figure moved at all")
	}
}

func TestNothingIsToldTwiceWhenNothingHappens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := drawSteps(rt)
		if wrong, _ := play(t, steps, true); wrong != "" {
			rt.Fatalf("%s\nafter %v", wrong, steps)
		}
	})
}

// TestAnIngredientThatIsTakenOutIsNotTold shows the blind spot that the property
// above lets pass.
func TestAnIngredientThatIsTakenOutIsNotTold(t *testing.T) {
	wrong, v := play(t, []step{
		{event: sandbox.BOMChanged{SKU: "SET", Ingredient: "MUG", Quantity: "0"}}, {wait: time.Second},
	}, false)
	// SET and GIFT, which holds it, at three locations.
	if want := map[string]int{deletedRecipe: 6}; wrong != "" || !maps.Equal(v.blind, want) || v.told != 0 {
		t.Errorf("got %q, %v and %d figures that were told, want only %v", wrong, v.blind, v.told, want)
	}
}
