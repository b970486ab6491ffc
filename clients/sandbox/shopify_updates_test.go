package sandbox

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

const updatesDocument = `query U($levels: Int!, $updated: String) {
  locations(first: 4, includeInactive: true) {
    edges { cursor node { name inventoryLevels(first: $levels, query: $updated, includeInactive: true) {
      edges { cursor node { isActive updatedAt location { id } quantities(names: ["available"]) { name quantity } item { id sku tracked } } }
      pageInfo { hasNextPage endCursor } } } }
    pageInfo { hasNextPage endCursor }
  }
}`

// updated lists the levels that a filter finds, with their figures, location by
// location.
func updated(t testing.TB, w *tiny, filter any) (found []string, answer answered) {
	t.Helper()
	answer = ask(t, w.Shopify(""), updatesDocument, map[string]any{"levels": 50, "updated": filter})
	places, _ := answer.at(t, "locations", "edges").([]any)
	for i := range places {
		of := func(path ...any) any {
			return answer.at(t, append([]any{"locations", "edges", i, "node"}, path...)...)
		}
		list, _ := of("inventoryLevels", "edges").([]any)
		for j := range list {
			found = append(found, fmt.Sprint(of("name"), " ", of("inventoryLevels", "edges", j, "node", "item", "sku"),
				" ", of("inventoryLevels", "edges", j, "node", "quantities", 0, "quantity")))
		}
	}
	return found, answer
}

func TestEveryChangeOfAFigureMovesWhenItsLevelWasUpdated(t *testing.T) {
	do := func(events ...Event) func(*testing.T, *tiny) {
		return func(t *testing.T, w *tiny) {
			for _, e := range events {
				if err := w.Do(e); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	later := func(w *tiny) { w.clock.at = w.clock.at.Add(time.Minute) }
	write := func(item func(*tiny) string, location func(*tiny) string, to int, from any) func(*testing.T, *tiny) {
		return func(t *testing.T, w *tiny) {
			got := ask(t, w.Shopify(""), setDocument, setting("key", "available", line(item(w), location(w), to, from)))
			if codes := got.codes(t); len(codes) > 0 {
				t.Fatal(codes)
			}
		}
	}
	mug := func(w *tiny) string { return w.mug.Item }
	oslo := func(w *tiny) string { return w.oslo }
	tests := map[string]struct {
		do   func(t *testing.T, w *tiny)
		want []string
	}{
		"nothing":                         {do(), nil},
		"an edit by hand":                 {do(HandEdit{SKU: "MUG", Location: "Oslo", Available: 4}), []string{"Oslo MUG 4"}},
		"an edit to the same figure":      {do(HandEdit{SKU: "MUG", Location: "Oslo", Available: 9}), nil},
		"an edit that the store keeps to": {do(EditsUndated{On: true}, HandEdit{SKU: "MUG", Location: "Oslo", Available: 4}), nil},
		"an edit after that":              {do(EditsUndated{On: true}, EditsUndated{}, HandEdit{SKU: "MUG", Location: "Oslo", Available: 4}), []string{"Oslo MUG 4"}},
		"a sale while edits are kept to":  {do(EditsUndated{On: true}, OrderPlaced{Order: "#1", Lines: []Line{{"MUG", "2"}}}), []string{"Oslo MUG 7"}},
		"a sale":                          {do(OrderPlaced{Order: "#1", Lines: []Line{{"MUG", "2"}}}), []string{"Oslo MUG 7"}},
		"a cancelled sale": {func(t *testing.T, w *tiny) {
			do(OrderPlaced{Order: "#1", Lines: []Line{{"MUG", "2"}}})(t, w)
			later(w)
			do(OrderCancelled{Order: "#1"})(t, w)
		}, []string{"Oslo MUG 9"}},
		"a level switched on": {do(LevelSwitched{SKU: "MUG", Location: "Pärnu", On: true}), []string{"Pärnu MUG 7"}},
		"another SKU":         {do(SKUChanged{Store: "main", SKU: "MUG", To: "CUP"}), nil},
		"a write":             {write(mug, oslo, 3, 9), []string{"Oslo MUG 3"}},
		"a write of what is there": {
			write(mug, oslo, 9, 9), nil,
		},
		"a new item": {func(t *testing.T, w *tiny) {
			must(w.AddListing("", Listing{SKU: "BOWL", Levels: []Level{{Location: "Pärnu", Available: 1}}}))(t)
		}, []string{"Pärnu BOWL 1"}},
		"a write to a level that is not there yet": {func(t *testing.T, w *tiny) {
			ids := must(w.AddListing("", Listing{SKU: "BOWL"}))(t)
			write(func(*tiny) string { return ids.Item }, oslo, 2, 0)(t, w)
		}, []string{"Oslo BOWL 2"}},
		"an activation": {func(t *testing.T, w *tiny) {
			got := ask(t, w.Shopify(""), lifecycleDocument, map[string]any{"inventoryItemId": w.mug.Item, "locationId": w.pärnu, "available": 0, "idempotencyKey": "key"})
			if got.at(t, "inventoryActivate", "inventoryLevel", "isActive") != true {
				t.Fatal(got.body)
			}
		}, []string{"Pärnu MUG 0"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newTiny(t, StoreOptions{})
			later(w)
			test.do(t, w)
			now := w.clock.at.Format(time.RFC3339)
			got, answer := updated(t, w, "updated_at:>='"+now+"'")
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if answer.Extra.Search != nil {
				t.Errorf("the filter is ignored: %+v", answer.Extra.Search)
			}
		})
	}
}

func TestLevelsAreFoundByWhenTheyWereUpdated(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	w.clock.at = w.clock.at.Add(time.Minute) // 08:01:00
	if err := w.Do(HandEdit{SKU: "MUG", Location: "Pärnu", Available: 8}); err != nil {
		t.Fatal(err)
	}
	both, one := []string{"Oslo MUG 9", "Pärnu MUG 8"}, []string{"Pärnu MUG 8"}
	for filter, want := range map[string][]string{
		"updated_at:>='2026-11-24T08:00:00Z'":                                     both,
		"updated_at:>'2026-11-24T08:00:00Z'":                                      one,
		`updated_at:>="2026-11-24T08:01:00Z"`:                                     one,
		"updated_at:>=2026-11-24T08:01:00Z":                                       one,
		"updated_at:>='2026-11-24T10:01:00+02:00'":                                one,
		"updated_at:>'2026-11-24T08:01:00Z'":                                      nil,
		"updated_at:<'2026-11-24T08:01:00Z'":                                      {"Oslo MUG 9"},
		"updated_at:>='2026-11-24'":                                               both,
		"updated_at:>='yesterday or so'":                                          nil,
		"updated_at:>'2026-11-24T08:00:00Z' updated_at:<='2026-11-24T08:01:00Z'":  one,
		"updated_at:>'2026-11-24T08:00:00Z' AND created_at:>2026-11-24T08:00:00Z": nil,
	} {
		got, answer := updated(t, w, filter)
		if !slices.Equal(got, want) || answer.Extra.Search != nil {
			t.Errorf("%s: got %q and the notes %+v, want %q", filter, got, answer.Extra.Search, want)
		}
	}
	got, answer := updated(t, w, "changed_at:>'2026-11-24T08:01:00Z'")
	if !slices.Equal(got, both) || len(answer.Extra.Search) != 2 || answer.Extra.Search[0].Warnings[0].Code != "invalid_field" {
		t.Errorf("a filter that Shopify does not know: got %q and the notes %+v, want all and a note for each location", got, answer.Extra.Search)
	}
}

// The price of levels below locations follows from the formula: a level is 4
// objects, 50 of them 6 doublings, 4 locations 2 more.
func TestLevelsBelowLocationsArePricedOnceForEachDoublingOfBoth(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	_, answer := updated(t, w, "updated_at:>='2027-01-01'")
	const levels = connectionCost + 4*6
	if want := connectionCost + (1+levels)*2; answer.Extra.Cost.Requested != want {
		t.Errorf("requested %d, want %d", answer.Extra.Cost.Requested, want)
	}
	// Two locations came, and no level.
	if want := connectionCost + (1 + connectionCost); answer.Extra.Cost.Actual == nil || *answer.Extra.Cost.Actual != want {
		t.Errorf("charged %v, want %d", *answer.Extra.Cost.Actual, want)
	}
}

const editsDocument = `query E($first: Int!, $after: String, $updated: String) {
  productVariants(first: $first, after: $after, query: $updated, sortKey: ID) {
    edges { cursor node { sku updatedAt inventoryItem { sku tracked updatedAt } } }
    pageInfo { hasNextPage endCursor }
  }
}`

// edited lists the variants that a filter finds, with when they and their items
// were updated.
func edited(t testing.TB, w *tiny, filter any) (found []string, answer answered) {
	t.Helper()
	answer = ask(t, w.Shopify(""), editsDocument, map[string]any{"first": 50, "updated": filter})
	list, _ := answer.at(t, "productVariants", "edges").([]any)
	for i := range list {
		of := func(path ...any) any {
			return answer.at(t, append([]any{"productVariants", "edges", i, "node"}, path...)...)
		}
		found = append(found, fmt.Sprint(of("sku"), " ", of("inventoryItem", "tracked"), " ", of("updatedAt"), " ", of("inventoryItem", "updatedAt")))
	}
	return found, answer
}

func TestEditsOfAVariantAndItsItemMoveWhenItWasUpdated(t *testing.T) {
	const before, now = "2026-11-24T08:00:00Z", "2026-11-24T08:01:00Z"
	tests := map[string]struct {
		dates  bool // stock dates variants
		events []Event
		want   []string
	}{
		"nothing":               {},
		"another SKU":           {events: []Event{SKUChanged{Store: "main", SKU: "MUG", To: "CUP"}}, want: []string{"CUP true " + now + " " + now}},
		"another SKU, undated":  {events: []Event{EditsUndated{On: true}, SKUChanged{Store: "main", SKU: "MUG", To: "CUP"}}},
		"tracking":              {events: []Event{TrackingSwitched{SKU: "MUG"}}, want: []string{"MUG false " + now + " " + now}},
		"tracking, undated":     {events: []Event{EditsUndated{On: true}, TrackingSwitched{SKU: "MUG"}}},
		"another SKU in Katana": {events: []Event{SKUChanged{SKU: "MUG", To: "CUP"}}},
		"one deleted":           {events: []Event{SKUChanged{Store: "main", SKU: "MUG", To: "CUP"}, ListingDeleted{SKU: "CUP"}}},
		"a figure":              {events: []Event{HandEdit{SKU: "MUG", Location: "Oslo", Available: 4}}},
		"a sale":                {events: []Event{OrderPlaced{Order: "#1", Lines: []Line{{"MUG", "2"}}}}},
		"a figure that dates":   {dates: true, events: []Event{HandEdit{SKU: "MUG", Location: "Oslo", Available: 4}}, want: []string{"MUG true " + now + " " + before}},
		"a sale that dates":     {dates: true, events: []Event{OrderPlaced{Order: "#1", Lines: []Line{{"MUG", "2"}}}}, want: []string{"MUG true " + now + " " + before}},
		"a level that dates":    {dates: true, events: []Event{LevelSwitched{SKU: "MUG", Location: "Pärnu", On: true}}, want: []string{"MUG true " + now + " " + before}},
		"a figure, undated":     {dates: true, events: []Event{EditsUndated{On: true}, HandEdit{SKU: "MUG", Location: "Oslo", Available: 4}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newTiny(t, StoreOptions{StockDates: test.dates})
			w.clock.at = w.clock.at.Add(time.Minute)
			for _, e := range test.events {
				if err := w.Do(e); err != nil {
					t.Fatal(err)
				}
			}
			got, answer := edited(t, w, "updated_at:>='"+now+"'")
			if !slices.Equal(got, test.want) || answer.Extra.Search != nil {
				t.Errorf("got %q and the notes %+v, want %q", got, answer.Extra.Search, test.want)
			}
		})
	}
}

func TestNewVariantsAreDatedWhateverIsDoneToOthersAndFoundPageByPage(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	w.clock.at = w.clock.at.Add(time.Minute)
	if err := w.Do(EditsUndated{On: true}); err != nil {
		t.Fatal(err)
	}
	must(w.AddListing("", Listing{SKU: "BOWL", Levels: []Level{{Location: "Pärnu", Available: 1}}}))(t)
	must(w.AddListing("", Listing{SKU: "CARD", Untracked: true}))(t)
	filter := "updated_at:>='2026-11-24T08:01:00Z'"
	got, _ := edited(t, w, filter)
	if want := []string{"BOWL true 2026-11-24T08:01:00Z 2026-11-24T08:01:00Z", "CARD false 2026-11-24T08:01:00Z 2026-11-24T08:01:00Z"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	var paged []any
	for after, more := any(nil), any(true); more == true; {
		page := ask(t, w.Shopify(""), editsDocument, map[string]any{"first": 1, "after": after, "updated": filter})
		paged = append(paged, page.at(t, "productVariants", "edges", 0, "node", "sku"))
		after, more = page.at(t, "productVariants", "pageInfo", "endCursor"), page.at(t, "productVariants", "pageInfo", "hasNextPage")
	}
	if !slices.Equal(paged, []any{"BOWL", "CARD"}) {
		t.Errorf("page by page: %q", paged)
	}
}
