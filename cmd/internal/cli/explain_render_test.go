package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/inventory"
)

// clock is a time of the day on which the tests' program runs.
func clock(hour, minute int) time.Time {
	return time.Date(2026, 11, 24, hour, minute, 0, 0, time.UTC)
}

func quantity(t *testing.T, text string) inventory.Quantity {
	t.Helper()
	q, err := inventory.ParseQuantity(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// sums gives steps what they lead to, and takes the last as the desired figure.
func sums(t *testing.T, e *inventory.Explanation, amounts ...string) {
	t.Helper()
	names := []inventory.StepName{
		inventory.StepSum, inventory.StepAddBack, inventory.StepPotential, inventory.StepInFlight, inventory.StepBuffer,
		inventory.StepFloor, inventory.StepMinToSell, inventory.StepMax, inventory.StepZero,
	}
	var result inventory.Quantity
	for i, name := range names {
		amount := inventory.Quantity(0)
		if i < len(amounts) {
			amount = quantity(t, amounts[i])
		}
		result += amount
		e.Terms.Steps = append(e.Terms.Steps, inventory.Step{Name: name, Amount: amount, Result: result})
	}
	e.Desired = result.Floor()
	e.Target = e.Desired
}

// level is MUG-BLUE at a shop's location, which shows 7.
func level() *inventory.Explanation {
	return &inventory.Explanation{
		Store: "main", Mode: inventory.ModeApply, SKU: "MUG-BLUE", Variant: 4711, Item: 4712, LocationID: 42, Location: "Shop location",
		Read: clock(11, 58), Cycle: 42,
		Katana:   []inventory.MatchedVariant{{ID: 71001, Created: clock(0, 0).AddDate(-1, 0, 0)}},
		Observed: 7, Seen: &inventory.SeenFigure{Units: 7, First: clock(8, 0).AddDate(0, 0, -5), At: clock(11, 57)},
		Next: inventory.NextAction{Text: "Nothing is written: the level shows what it should."},
	}
}

// oslo is the one Katana location that feeds most levels here.
func oslo(t *testing.T, inStock, committed string) inventory.SourceTerm {
	t.Helper()
	return inventory.SourceTerm{Location: 101, Name: "Main warehouse", InStock: quantity(t, inStock), Committed: quantity(t, committed)}
}

// samples are explanations that a page of its own shows.
func samples(t *testing.T) map[string]*inventory.Explanation {
	t.Helper()
	all := map[string]*inventory.Explanation{}
	add := func(name string, change func(e *inventory.Explanation)) {
		e := level()
		change(e)
		all[name] = e
	}
	add("plain", func(e *inventory.Explanation) {
		e.Terms = &inventory.Terms{Sources: []inventory.SourceTerm{oslo(t, "19.5", "12")}}
		sums(t, e, "7.5", "0", "0", "0", "0", "-0.5")
		e.Katana = append(e.Katana,
			inventory.MatchedVariant{ID: 70990, Created: clock(0, 0), Archived: true}, inventory.MatchedVariant{ID: 70411, Deleted: true, Kit: true},
			inventory.MatchedVariant{ID: 70100, Created: clock(0, 0).AddDate(-2, 0, 0)})
		e.Shopify = []inventory.VariantID{4713, 4714}
		e.PartOf = []inventory.SKU{"GIFT-SET", "BREAKFAST"}
		e.Near = []inventory.NearMiss{
			{Shopify: "MUG-BLUE", Katana: "mug-blue", Differ: []string{"case"}, Sources: []inventory.SourceVariantID{9}},
			{Shopify: "MUG BLUE", Katana: "MUG-BLUE", Differ: []string{"spaces", "dashes"}},
		}
		e.Writes = []inventory.PastWrite{
			{Cycle: 41, At: clock(11, 40), From: 12, To: 7, Result: inventory.Applied, Reason: inventory.ReasonDrift},
			{Cycle: 40, At: clock(11, 39), From: 13, To: 12, Result: inventory.Stale, Reason: inventory.ReasonStale},
		}
	})
	add("kit", func(e *inventory.Explanation) {
		e.Katana[0].Kit = true
		s := oslo(t, "2", "1")
		s.Kit = &inventory.KitTerm{Potential: quantity(t, "9"), Components: []inventory.Component{
			{Variant: 72001, SKU: "BOX-GIFT", PerKit: quantity(t, "1"), Known: true, Available: quantity(t, "8"), Builds: 8, Limits: true},
			{Variant: 72002, SKU: "RIBBON", PerKit: quantity(t, "0.25"), Known: true, Available: quantity(t, "12.5"), Builds: 50},
			{Variant: 72003, PerKit: quantity(t, "3")},
		}}
		e.Terms = &inventory.Terms{Sources: []inventory.SourceTerm{s}}
		sums(t, e, "1", "0", "9")
		e.Next = inventory.NextAction{Result: inventory.Applied, Reason: inventory.ReasonDrift, Text: "The next cycle raises it from 7 to 10."}
	})
	add("kit-sold-out", func(e *inventory.Explanation) {
		e.Katana[0].Kit = true
		s := oslo(t, "0", "0")
		s.Kit = &inventory.KitTerm{Components: []inventory.Component{
			{Variant: 72001, SKU: "BOX-GIFT", PerKit: quantity(t, "1"), Known: true, Limits: true},
			{Variant: 72002, SKU: "RIBBON", PerKit: quantity(t, "0.25"), Known: true, Available: quantity(t, "12.5"), Builds: 50},
		}}
		e.Terms = &inventory.Terms{Sources: []inventory.SourceTerm{s}}
		sums(t, e, "0")
		e.Observed, e.Seen = 0, &inventory.SeenFigure{At: clock(11, 57)}
	})
	add("excluded-orders", func(e *inventory.Explanation) {
		e.Katana[0].Kit = true
		s := oslo(t, "40", "44")
		s.AddedBack = quantity(t, "11")
		for i := range 12 {
			s.Excluded = append(s.Excluded, inventory.ExcludedRow{Order: "SO-" + string(rune('A'+i)), OrderID: int64(9001 + i), Row: int64(501 + i), Open: quantity(t, "1")})
		}
		s.Excluded = append(s.Excluded, inventory.ExcludedRow{Order: "SO-77", OrderID: 9077, Row: 577, Open: quantity(t, "4.5"), Why: "it is made to order"})
		s.Kit = &inventory.KitTerm{}
		e.Terms = &inventory.Terms{Sources: []inventory.SourceTerm{s}}
		sums(t, e, "-4", "11")
	})
	add("min-to-sell", func(e *inventory.Explanation) {
		most := inventory.Units(30)
		e.Terms = &inventory.Terms{
			Sources: []inventory.SourceTerm{oslo(t, "12", "5")},
			Rule:    &inventory.RuleTerm{Index: 1, Pattern: "MUG-*", Buffer: 3, Max: &most, MinToSell: 5},
		}
		sums(t, e, "7", "0", "0", "0", "-3", "0", "-4")
		e.Next = inventory.NextAction{Result: inventory.Applied, Reason: inventory.ReasonDrift, Text: "The next cycle lowers it from 7 to 0."}
	})
	add("capped", func(e *inventory.Explanation) {
		most := inventory.Units(7)
		e.Terms = &inventory.Terms{
			Sources: []inventory.SourceTerm{oslo(t, "40", "0")},
			Rule:    &inventory.RuleTerm{Pattern: "MUG-*", Max: &most},
		}
		sums(t, e, "40", "0", "0", "0", "0", "0", "0", "-33")
	})
	add("negative", func(e *inventory.Explanation) {
		e.Terms = &inventory.Terms{Sources: []inventory.SourceTerm{oslo(t, "4", "6.5")}}
		sums(t, e, "-2.5", "0", "0", "0", "0", "-0.5", "0", "0", "3")
		e.Negative, e.Observed = true, -1
		e.Seen.Units = -1
	})
	add("in-flight", func(e *inventory.Explanation) {
		e.Terms = &inventory.Terms{
			Sources: []inventory.SourceTerm{oslo(t, "10", "0")},
			Others: []inventory.FlightTerm{
				{Store: "outlet", Location: 43, Name: "Market", Units: 2, Since: clock(11, 50), Expires: clock(12, 0)},
				{Store: "main", Location: 44, Name: "Online", Order: "#1002", Units: 1, Since: clock(11, 55)},
			},
		}
		sums(t, e, "10", "0", "0", "-3")
		e.Observed, e.Target = 6, 6
		e.Own = []inventory.FlightTerm{{Store: "main", Location: 42, Name: "Shop location", Order: "#1001", Units: 1, Since: clock(11, 51), Expires: clock(12, 1)}}
		e.Next = inventory.NextAction{
			Result: inventory.Waiting, Reason: inventory.ReasonInFlight, Until: clock(12, 1),
			Text: "The raise to 7 waits: the unit that is missing was sold here and Katana does not know it yet.",
		}
	})
	add("several-locations", func(e *inventory.Explanation) {
		e.Katana[0].Kit = true
		first, second := oslo(t, "4", "3"), oslo(t, "2", "0.5")
		first.Excluded = []inventory.ExcludedRow{{Order: "SO-1", OrderID: 9001, Row: 501, Open: quantity(t, "2")}}
		first.AddedBack = quantity(t, "2")
		first.Kit = &inventory.KitTerm{Potential: quantity(t, "1")}
		second.Location, second.Name = 102, "Outlet"
		second.Kit = &inventory.KitTerm{Potential: quantity(t, "3"), Components: []inventory.Component{
			{Variant: 72001, SKU: "BOX-GIFT", PerKit: quantity(t, "2"), Known: true, Available: quantity(t, "6"), Builds: 3, Limits: true},
		}}
		e.Terms = &inventory.Terms{Sources: []inventory.SourceTerm{
			first, second,
			{Location: 103, Name: "Repairs", NoSales: true, InStock: quantity(t, "17"), Committed: quantity(t, "6")},
			{Location: 104, Name: "New hall", NoRow: true},
		}}
		sums(t, e, "2.5", "2", "4", "0", "0", "-0.5")
		e.Observed, e.Seen.Units = e.Desired, e.Desired
	})
	add("activation", func(e *inventory.Explanation) {
		e.Terms = &inventory.Terms{Sources: []inventory.SourceTerm{oslo(t, "7", "0")}}
		sums(t, e, "7")
		e.Observed, e.Unstocked, e.Seen = 0, true, nil
		e.Cycle = 0
		e.Next = inventory.NextAction{
			Result: inventory.Waiting, Reason: inventory.ReasonFirstSight, Until: clock(12, 8),
			Text: "It is stocked at the location and raised to 7 when one settle has passed.",
		}
	})
	add("held", func(e *inventory.Explanation) {
		e.Terms = &inventory.Terms{Sources: []inventory.SourceTerm{oslo(t, "0", "0")}}
		sums(t, e, "0")
		e.Next = inventory.NextAction{
			Result: inventory.Held, Reason: inventory.ReasonDrift, ID: "main-42-zeroed", Order: "stocksyncd release main-42-zeroed",
			Text: "A guard holds the change from 7 to 0: 60 of 418 levels would be at zero within an hour; 41 may.",
		}
	})
	add("waiting", func(e *inventory.Explanation) {
		e.Terms = &inventory.Terms{Sources: []inventory.SourceTerm{oslo(t, "9", "0")}}
		sums(t, e, "9")
		e.Mode = inventory.ModeLowerOnly
		e.Next = inventory.NextAction{Result: inventory.Waiting, Reason: inventory.ReasonLowerOnly, Text: "The raise to 9 waits as long as the mode is lower-only."}
	})
	for _, reason := range leftReasons {
		add("left-"+string(reason), func(e *inventory.Explanation) { leave(t, e, reason) })
	}
	return all
}

// leave makes the level one that is left alone.
func leave(t *testing.T, e *inventory.Explanation, reason inventory.Reason) {
	t.Helper()
	e.Left = reason
	e.Next = inventory.NextAction{Result: inventory.Skipped, Reason: reason, Text: "Nothing is written."}
	switch reason {
	case inventory.ReasonNotInKatana, inventory.ReasonNoSKU:
		e.Katana = nil
	case inventory.ReasonArchived:
		e.Katana[0].Archived = true
	case inventory.ReasonService:
		e.Katana[0].Service = true
	case inventory.ReasonRule:
		e.Terms = &inventory.Terms{Rule: &inventory.RuleTerm{Pattern: "MUG-*", Skip: true}}
	case inventory.ReasonNoRow:
		s := oslo(t, "3", "1")
		s.Excluded, s.AddedBack = []inventory.ExcludedRow{{Order: "SO-1", OrderID: 9001, Row: 501, Open: quantity(t, "1")}}, quantity(t, "1")
		e.Terms = &inventory.Terms{Sources: []inventory.SourceTerm{s, {Location: 104, Name: "New hall", NoRow: true}}}
	case inventory.ReasonFigureTooLarge:
		e.Terms = &inventory.Terms{Sources: []inventory.SourceTerm{oslo(t, "3", "1"), {Location: 104, Name: "New hall", TooLarge: true}}}
	case inventory.ReasonNoSales:
		e.Terms = &inventory.Terms{Sources: []inventory.SourceTerm{{Location: 103, Name: "Repairs", NoSales: true, InStock: quantity(t, "17"), Committed: quantity(t, "6")}}}
	case inventory.ReasonQuarantined:
		e.Terms = &inventory.Terms{Sources: []inventory.SourceTerm{oslo(t, "8", "0")}}
		sums(t, e, "8")
	case inventory.ReasonNotStocked, inventory.ReasonInactiveLevel:
		e.Observed, e.Unstocked, e.Seen = 0, true, nil
	default:
	}
}

// leftReasons is why a level may be left alone.
var leftReasons = []inventory.Reason{
	inventory.ReasonNoSKU, inventory.ReasonNotInKatana, inventory.ReasonArchived, inventory.ReasonService, inventory.ReasonNoRow,
	inventory.ReasonUntracked, inventory.ReasonBundle, inventory.ReasonGiftCard, inventory.ReasonInactiveLevel, inventory.ReasonNotStocked,
	inventory.ReasonNoSales, inventory.ReasonInactiveLocation, inventory.ReasonFulfillment, inventory.ReasonUnmapped,
	inventory.ReasonFigureTooLarge, inventory.ReasonRule, inventory.ReasonQuarantined,
}

func page(t *testing.T, e *inventory.Explanation) string {
	t.Helper()
	var out bytes.Buffer
	if err := still().writeExplanation(&out, e); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTheWayFromKatanasNumbersToTheFigure(t *testing.T) {
	var left strings.Builder
	all := samples(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if e := all[name]; e.Left == "" {
			golden(t, "explain-"+name, page(t, e))
		} else {
			left.WriteString(page(t, e) + "\n")
		}
	}
	golden(t, "explain-left-alone", left.String())
}

func TestALevelThatIsLeftAloneSaysWhatWouldHaveToChange(t *testing.T) {
	for _, reason := range leftReasons {
		e := level()
		e.Left = reason
		if words := reasonText(reason); words == string(reason) || remedy(e) == "" {
			t.Errorf("%s: %q and %q, want words and what would have to change", reason, words, remedy(e))
		}
	}
	for _, reason := range []inventory.Reason{inventory.ReasonActivate, inventory.ReasonNotStocked, inventory.ReasonNoSales} {
		if words := reasonText(reason); words == string(reason) {
			t.Errorf("%s has no words", reason)
		}
	}
}

// figures lists the numbers of a JSON value, and of what looks like one in a
// string, without their signs.
func figures(v any, found map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if key != "index" { // people count from 1
				figures(value, found)
			}
		}
	case []any:
		for _, value := range v {
			figures(value, found)
		}
	case json.Number:
		found[strings.TrimPrefix(v.String(), "-")] = true
	case string:
		if q, err := inventory.ParseQuantity(v); err == nil {
			found[strings.TrimPrefix(q.String(), "-")] = true
		}
	}
}

var number = regexp.MustCompile(`[0-9]+(\.[0-9]+)?`)

// lacking gives the numbers of the terms that a page does not show.
func lacking(t interface{ Fatal(...any) }, e *inventory.Explanation, page string) (missing []string) {
	data, err := json.Marshal(e.Terms)
	if err != nil {
		t.Fatal(err)
	}
	var terms any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&terms); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	figures(terms, found)
	shown := number.FindAllString(page, -1)
	for figure := range found {
		if figure != "0" && !slices.Contains(shown, figure) {
			missing = append(missing, figure)
		}
	}
	slices.Sort(missing)
	return missing
}

func TestEveryNumberOfTheTermsIsOnThePage(t *testing.T) {
	for name, e := range samples(t) {
		if name == "excluded-orders" { // more rows than a terminal lists
			continue
		}
		text := page(t, e)
		if missing := lacking(t, e, text); len(missing) > 0 {
			t.Errorf("%s lacks %v:\n%s", name, missing, text)
		}
		if rule := e.Terms; rule != nil && rule.Rule != nil && !strings.Contains(text, fmt.Sprintf("Rule %d of the store (MUG-*)", rule.Rule.Index+1)) {
			t.Errorf("%s does not name the rule:\n%s", name, text)
		}
	}
}

var (
	anyQuantity = rapid.Custom(func(t *rapid.T) inventory.Quantity {
		return inventory.Quantity(rapid.Int64Range(-1, 4000).Draw(t, "quarters")) * inventory.Scale / 4
	})
	anyUnits = rapid.Custom(func(t *rapid.T) inventory.Units { return inventory.Units(rapid.IntRange(0, 50).Draw(t, "units")) })
	anyID    = rapid.Int64Range(1, 1<<31)
)

// randomSource draws what one Katana location may contribute.
func randomSource(t *rapid.T, kit bool) inventory.SourceTerm {
	s := inventory.SourceTerm{
		Location: inventory.SourceLocationID(anyID.Draw(t, "location")), Name: "Hall", NoSales: rapid.IntRange(0, 4).Draw(t, "sales") == 0,
		InStock: anyQuantity.Draw(t, "in stock"), Committed: anyQuantity.Draw(t, "committed"),
	}
	if s.NoSales {
		return s
	}
	for i := range rapid.IntRange(0, listedMost).Draw(t, "rows") {
		row := inventory.ExcludedRow{Order: "SO", OrderID: anyID.Draw(t, "order"), Row: int64(i + 1), Open: anyQuantity.Draw(t, "open")}
		if rapid.Bool().Draw(t, "counts") {
			row.Why = "it is made to order"
		} else {
			s.AddedBack = min(s.AddedBack+max(row.Open, 0), max(s.Committed, 0))
		}
		s.Excluded = append(s.Excluded, row)
	}
	if !kit {
		return s
	}
	s.Kit = &inventory.KitTerm{Potential: anyQuantity.Draw(t, "potential")}
	for range rapid.IntRange(0, 3).Draw(t, "components") {
		c := inventory.Component{Variant: inventory.SourceVariantID(anyID.Draw(t, "variant")), PerKit: anyQuantity.Draw(t, "per kit"), Known: rapid.Bool().Draw(t, "known")}
		if c.Known {
			c.Available, c.Builds = anyQuantity.Draw(t, "available"), anyUnits.Draw(t, "builds")
		}
		s.Kit.Components = append(s.Kit.Components, c)
	}
	return s
}

// randomTerms draws what a figure may be made of, and adds it up.
func randomTerms(t *rapid.T) *inventory.Terms {
	terms := &inventory.Terms{}
	kit := rapid.Bool().Draw(t, "kit")
	var sum, sold inventory.Quantity
	for range rapid.IntRange(1, 3).Draw(t, "locations") {
		s := randomSource(t, kit)
		if !s.NoSales {
			sum += s.InStock - s.Committed
		}
		terms.Sources = append(terms.Sources, s)
	}
	for range rapid.IntRange(0, 3).Draw(t, "sold") {
		f := inventory.FlightTerm{Store: "main", Name: "Market", Units: anyUnits.Draw(t, "sold")}
		sold += inventory.Quantity(f.Units) * inventory.Scale
		terms.Others = append(terms.Others, f)
	}
	rule := &inventory.RuleTerm{Index: 4, Pattern: "*", Buffer: anyUnits.Draw(t, "buffer"), MinToSell: anyUnits.Draw(t, "least")}
	if rapid.Bool().Draw(t, "capped") {
		most := anyUnits.Draw(t, "most")
		rule.Max = &most
	}
	terms.Rule = rule
	result := inventory.Quantity(0)
	to := func(name inventory.StepName, figure inventory.Quantity) {
		terms.Steps = append(terms.Steps, inventory.Step{Name: name, Amount: figure - result, Result: figure})
		result = figure
	}
	to(inventory.StepSum, sum)
	to(inventory.StepAddBack, result+contributed(terms.Sources, inventory.StepAddBack))
	to(inventory.StepPotential, result+contributed(terms.Sources, inventory.StepPotential))
	to(inventory.StepInFlight, result-sold)
	to(inventory.StepBuffer, result-inventory.Quantity(rule.Buffer)*inventory.Scale)
	to(inventory.StepFloor, inventory.Quantity(result.Floor())*inventory.Scale)
	if result < inventory.Quantity(rule.MinToSell)*inventory.Scale {
		to(inventory.StepMinToSell, 0)
	}
	if rule.Max != nil {
		to(inventory.StepMax, min(result, inventory.Quantity(*rule.Max)*inventory.Scale))
	}
	to(inventory.StepZero, max(result, 0))
	return terms
}

func TestEveryNumberOfWhateverTermsIsOnThePage(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := level()
		e.Terms = randomTerms(rt)
		last := e.Terms.Steps[len(e.Terms.Steps)-1]
		e.Desired = last.Result.Floor()
		e.Target = e.Desired
		text := page(t, e)
		if missing := lacking(rt, e, text); len(missing) > 0 {
			rt.Fatalf("the page lacks %v:\n%s", missing, text)
		}
		if want := fmt.Sprintf(" %d", e.Desired); !strings.Contains(text, "= to show") || !strings.Contains(text, want) {
			rt.Fatalf("the page does not end with%s:\n%s", want, text)
		}
	})
}

func TestTheStepsOfASampleAddUpToItsFigure(t *testing.T) {
	for name, e := range samples(t) {
		if e.Terms == nil || len(e.Terms.Steps) == 0 {
			continue
		}
		var sum, want inventory.Quantity
		for _, s := range e.Terms.Sources {
			if !s.NoSales {
				sum += s.InStock - s.Committed
			}
		}
		if got := e.Terms.Steps[0].Amount; got != sum {
			t.Errorf("%s: the sample begins with %s, its locations have %s", name, got, sum)
		}
		for _, step := range e.Terms.Steps {
			want += step.Amount
		}
		if got, _ := inventory.Whole(e.Desired); got != want {
			t.Errorf("%s: the sample's steps add up to %s, desired is %d", name, want, e.Desired)
		}
	}
}

// poison puts a text into every field of a value that holds text; the codes
// that decide what a page says, only when they are asked for.
func poison(v reflect.Value, text string, codes bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			poison(v.Elem(), text, codes)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type() != reflect.TypeFor[time.Time]() {
				poison(v.Field(i), text, codes)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i), text, codes)
		}
	case reflect.String:
		code := v.Type() == reflect.TypeFor[inventory.StepName]() || v.Type() == reflect.TypeFor[inventory.Reason]() || v.Type() == reflect.TypeFor[inventory.Result]()
		if v.String() != "" && (codes || !code) {
			v.SetString(text)
		}
	default:
	}
}

func TestHostileTextInAnExplanationMovesNoCursorAndAddsNoLine(t *testing.T) {
	const hostile = "A\x1b[2J\nB\u202eC\r\u2066D\x00"
	show := func(x *explained) string {
		var out bytes.Buffer
		if err := still().writeExplained(&out, x); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, codes := range []bool{false, true} {
		for name, e := range samples(t) {
			x := &explained{Levels: []inventory.Explanation{*e, *e}, Notes: []string{"a note"}}
			poison(reflect.ValueOf(x), "harmless", codes)
			plain := show(x)
			poison(reflect.ValueOf(x), hostile, codes)
			got := show(x)
			if i := strings.IndexFunc(got, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
				t.Errorf("%s: the page has %q:\n%s", name, got[i:min(i+4, len(got))], got)
			}
			if got, want := strings.Count(got, "\n"), strings.Count(plain, "\n"); got != want {
				t.Errorf("%s: %d lines, want %d as of harmless text", name, got, want)
			}
			// Every place of the text is there, escaped; a cell may be cut after it.
			if got, want := strings.Count(got, `"A\x1b[2J\n`), strings.Count(plain, "harmless"); got != want {
				t.Errorf("%s: the text stands there %d times, want %d", name, got, want)
			}
		}
	}
}

func TestColourChangesNothingThatAPageSays(t *testing.T) {
	escape := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for name, e := range samples(t) {
		a := still()
		a.color = "always"
		var out bytes.Buffer
		if err := a.writeExplanation(&out, e); err != nil {
			t.Fatal(err)
		}
		if !escape.MatchString(out.String()) {
			t.Errorf("%s: no colour", name)
		}
		if got, want := escape.ReplaceAllString(out.String(), ""), page(t, e); got != want {
			t.Errorf("%s: without its colours\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestSeveralLevelsBeginWithAnOverview(t *testing.T) {
	all := samples(t)
	var out bytes.Buffer
	x := &explained{
		SKU: "MUG-BLUE", Notes: []string{`no Shopify variant of store outlet has the SKU "MUG-BLUE"`},
		Levels: []inventory.Explanation{*all["capped"], *all["kit"], *all["left-untracked"], *all["waiting"], *all["activation"]},
	}
	if err := still().writeExplained(&out, x); err != nil {
		t.Fatal(err)
	}
	golden(t, "explain-several-levels", out.String())
}
