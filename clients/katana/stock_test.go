package katana_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stocksyncd/clients/katana"
	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/inventory"
)

// account is one of which every variant has a row at each of its locations,
// both numbered from 1.
func account(variants, locations int) *fake {
	s := shop()
	s.lists["/inventory"] = nil
	for v := 1; v <= variants; v++ {
		for l := 1; l <= locations; l++ {
			s.lists["/inventory"] = append(s.lists["/inventory"], row(v, l, v, l, nil))
		}
	}
	return s
}

// upTo numbers n things from 1.
func upTo[T ~int64](n int) (ids []T) {
	for i := range n {
		ids = append(ids, T(i+1))
	}
	return ids
}

func TestTheInventoryIsAskedForInTheFewestRequests(t *testing.T) {
	tests := []struct {
		variants, at, of int // locations
		first, then      int // requests
	}{
		{1, 1, 1, 1, 1},
		{1, 3, 3, 1, 1},
		{80, 3, 3, 1, 1},
		{83, 3, 3, 1, 1}, // 249 rows
		{84, 3, 3, 2, 2}, // 252 would be more than a page
		{166, 3, 3, 2, 2},
		{167, 3, 3, 3, 3},
		{250, 3, 3, 3, 3},
		{251, 3, 3, 4, 4},
		{333, 3, 3, 4, 4}, // 250 at each location, and 83 at all
		{500, 3, 3, 6, 6},
		{250, 1, 1, 1, 1},
		{251, 1, 1, 2, 2},
		{30, 1, 9, 1, 1}, // one location is never asked for with all others
		{1, 3, 10, 1, 1},
		{24, 3, 10, 1, 1},
		{25, 3, 10, 3, 2}, // 250 rows are a full page, once in vain
		{72, 3, 10, 4, 3},
		{80, 3, 10, 4, 3}, // 4 times 24 would be more than once for each location
		{100, 8, 10, 6, 5},
		{1, 3, 249, 1, 1},
		{1, 3, 250, 4, 3},
		{1, 2, 600, 3, 2},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%d variants at %d of %d locations", test.variants, test.at, test.of), func(t *testing.T) {
			s := account(test.variants, test.of)
			read(t, s, func(t *testing.T, c *katana.Client) {
				for time, want := range []int{test.first, test.then, test.then} {
					before := s.times("/inventory")
					got, err := c.Inventory(t.Context(), upTo[inventory.SourceLocationID](test.at), upTo[inventory.SourceVariantID](test.variants))
					if err != nil || len(got) != test.variants*test.at {
						t.Fatalf("got %d rows, %v, want %d", len(got), err, test.variants*test.at)
					}
					if got := s.times("/inventory") - before; got != want {
						t.Errorf("read %d: got %d requests, want %d", time+1, got, want)
					}
				}
			})
		})
	}
}

func TestHowManyRowsAVariantHasIsLearnedFromAnyAnswer(t *testing.T) {
	s := account(80, 10)
	read(t, s, func(t *testing.T, c *katana.Client) {
		for i, ask := range []struct{ variants, want int }{{1, 1}, {80, 3}, {24, 1}, {25, 2}} {
			before := s.times("/inventory")
			if _, err := c.Inventory(t.Context(), upTo[inventory.SourceLocationID](3), upTo[inventory.SourceVariantID](ask.variants)); err != nil {
				t.Fatal(err)
			}
			if got := s.times("/inventory") - before; got != ask.want {
				t.Errorf("question %d: got %d requests, want %d", i+1, got, ask.want)
			}
		}
	})
}

func TestHowManyRowsAVariantMayHaveIsLearnedFromTheLocations(t *testing.T) {
	s := account(80, 10)
	s.lists["/locations"] = locations(10).lists["/locations"]
	read(t, s, func(t *testing.T, c *katana.Client) {
		if _, err := c.Locations(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Inventory(t.Context(), upTo[inventory.SourceLocationID](3), upTo[inventory.SourceVariantID](80)); err != nil {
			t.Fatal(err)
		}
	})
	if got := s.times("/inventory"); got != 3 {
		t.Errorf("got %d requests, want 3 and none in vain", got)
	}
}

func TestOnlyARequestForAllLocationsLeavesTheirFilterOut(t *testing.T) {
	s := account(84, 3)
	read(t, s, func(t *testing.T, c *katana.Client) {
		for _, at := range [][]inventory.SourceLocationID{{2}, {1, 2, 3}} {
			if _, err := c.Inventory(t.Context(), at, []inventory.SourceVariantID{7, 8}); err != nil {
				t.Fatal(err)
			}
		}
	})
	want := []map[string][]string{
		{"limit": {"250"}, "variant_id": {"7", "8"}, "location_id": {"2"}},
		{"limit": {"250"}, "variant_id": {"7", "8"}},
	}
	for i, u := range s.asked {
		if diff := cmp.Diff(want[i], map[string][]string(u.Query())); diff != "" {
			t.Errorf("request %d: want −, got +:\n%s", i+1, diff)
		}
	}
}

func TestAnAnswerOfAllLocationsIsCheckedLikeAnyOther(t *testing.T) {
	good, other := row(1, 20, "40.00000", "12.00000", nil), row(1, 21, 7, 0, nil)
	tests := []struct {
		name  string
		total int
		rows  []record
		want  string // "" is no error
	}{
		{"all of it", 2, []record{good, other}, ""},
		{"rows of other locations", 3, []record{good, row(1, 99, 1, 0, nil), other}, ""},
		{"an odd row of another location", 3, []record{good, other, row(1, 99, "1e9", nil, nil)}, ""},
		{"a row twice", 3, []record{good, other, good}, ""},
		{"an odd row of one of them", 2, []record{good, row(1, 21, "1e9", 0, nil)}, `quantity_in_stock is "1e9"`},
		{"a row of another variant", 3, []record{good, other, row(5, 20, 1, 0, nil)}, "filter variant_id was not obeyed"},
		{"a row of another variant elsewhere", 3, []record{good, other, row(5, 99, 1, 0, nil)}, "filter variant_id was not obeyed"},
		{"a row of no location", 3, []record{good, other, {"variant_id": 1, "location_id": nil}}, "location_id is null"},
		{"two rows that disagree", 2, []record{good, row(1, 20, 41, 12, nil)}, "variant 1 at location 20 came twice with different figures"},
		{"no rows of many", 3, nil, "incomplete read: 0 of 3 rows arrived"},
		{"fewer rows than promised", 3, []record{good, other}, "incomplete read: more rows than the page shows: 2 of 3"},
		{"more rows than promised", 1, []record{good, other}, "incomplete read: 2 of 1 rows arrived"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := shop()
			s.before = func(w http.ResponseWriter, _ *http.Request) bool {
				answer(w, test.total, test.rows)
				return true
			}
			read(t, s, func(t *testing.T, c *katana.Client) {
				got, err := c.Inventory(t.Context(), both, []inventory.SourceVariantID{1})
				if test.want != "" {
					wantError(t, err, test.want)
					if got != nil {
						t.Errorf("got %v beside the error", got)
					}
					return
				}
				want := []inventory.Stock{
					{Variant: 1, Location: 20, InStock: units(t, "40"), Committed: units(t, "12")},
					{Variant: 1, Location: 21, InStock: units(t, "7")},
				}
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Errorf("got %v, want −, got +:\n%s", err, diff)
				}
			})
		})
	}
}

func TestAnAnswerOfAllLocationsThatIsShortIsReadAgain(t *testing.T) {
	s := account(2, 3)
	s.before = func(w http.ResponseWriter, _ *http.Request) bool {
		if len(s.asked) > 1 {
			return false
		}
		answer(w, 6, s.lists["/inventory"][:5])
		return true
	}
	read(t, s, func(t *testing.T, c *katana.Client) {
		for range 2 {
			got, err := c.Inventory(t.Context(), upTo[inventory.SourceLocationID](3), upTo[inventory.SourceVariantID](2))
			if err != nil || len(got) != 6 {
				t.Errorf("got %d rows, %v, want 6", len(got), err)
			}
		}
	})
	if len(s.asked) != 3 {
		t.Errorf("got %d requests, want 2 for the first read and 1 for the second", len(s.asked))
	}
}

func TestAServerThatWantsALocationIsAskedByLocation(t *testing.T) {
	s := account(40, 3)
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("location_id") {
			return false
		}
		refuse(w, 400, `{"statusCode":400,"name":"BadRequestError","message":"location_id"}`)
		return true
	}
	read(t, s, func(t *testing.T, c *katana.Client) {
		ask := func(variants, want int) {
			t.Helper()
			before := len(s.asked)
			got, err := c.Inventory(t.Context(), upTo[inventory.SourceLocationID](3), upTo[inventory.SourceVariantID](variants))
			if err != nil || len(got) != 3*variants {
				t.Errorf("got %d rows, %v, want %d", len(got), err, 3*variants)
			}
			if got := len(s.asked) - before; got != want {
				t.Errorf("got %d requests for %d variants, want %d", got, variants, want)
			}
		}
		ask(1, 1+3)
		ask(1, 3)
		ask(40, 3)
	})
}

// drawAccount draws what Katana has: rows of some variants at some locations,
// some of them archived, and what is right to answer.
func drawAccount(t *rapid.T) (s *fake, variants, locations int) {
	s = shop()
	s.lists["/inventory"] = nil
	locations = rapid.OneOf(rapid.IntRange(1, 12), rapid.IntRange(1, 300)).Draw(t, "locations")
	variants = rapid.IntRange(1, max(2, min(400, 3000/locations))).Draw(t, "variants")
	dense := rapid.IntRange(1, 100).Draw(t, "percent with a row")
	dice := rapid.Uint64().Draw(t, "dice")
	for v := 1; v <= variants; v++ {
		for l := 1; l <= locations; l++ {
			dice = dice*6364136223846793005 + 1442695040888963407
			roll := int(dice >> 33 % 100)
			if roll >= dense {
				continue
			}
			r := row(v, l, roll, v%7, nil)
			if v%11 == 5 {
				r["archived_at"] = created
			}
			s.lists["/inventory"] = append(s.lists["/inventory"], r)
		}
	}
	return s, variants, locations
}

// question is what a test asks of an account.
type question struct {
	at       []inventory.SourceLocationID
	variants []inventory.SourceVariantID
}

func drawQuestions(t *rapid.T, variants, locations int) []question {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) question {
		var q question
		for range rapid.IntRange(0, min(6, locations)).Draw(t, "at") {
			q.at = append(q.at, inventory.SourceLocationID(rapid.IntRange(1, locations+1).Draw(t, "location")))
		}
		from, n := rapid.IntRange(1, variants).Draw(t, "from"), rapid.IntRange(0, variants).Draw(t, "n")
		for i := range n {
			q.variants = append(q.variants, inventory.SourceVariantID(from+i))
		}
		return q
	}), 1, 5).Draw(t, "questions")
}

// rows is the right answer.
func (q question) rows(s *fake) []inventory.Stock {
	found := []inventory.Stock{}
	for _, r := range s.lists["/inventory"] { // sorted by variant, then location
		variant, location := inventory.SourceVariantID(r["variant_id"].(int)), inventory.SourceLocationID(r["location_id"].(int))
		if r["archived_at"] == nil && slices.Contains(q.at, location) && slices.Contains(q.variants, variant) {
			const unit inventory.Quantity = inventory.Scale
			found = append(found, inventory.Stock{
				Variant: variant, Location: location,
				InStock: unit * inventory.Quantity(r["quantity_in_stock"].(int)), Committed: unit * inventory.Quantity(r["quantity_committed"].(int)),
			})
		}
	}
	return found
}

// byLocation is how many requests it takes to ask one location after the other.
func (q question) byLocation() int {
	at := len(slices.Compact(slices.Sorted(slices.Values(q.at))))
	return at * ((len(q.variants) + 249) / 250)
}

func TestTheInventoryIsTheSameHoweverItIsAskedFor(t *testing.T) {
	saved := 0
	rapid.Check(t, func(rt *rapid.T) {
		s, variants, locations := drawAccount(rt)
		questions := drawQuestions(rt, variants, locations)
		wrong := ""
		read(t, s, func(t *testing.T, c *katana.Client) {
			for _, q := range questions {
				for again := range 2 {
					before := len(s.asked)
					got, err := c.Inventory(t.Context(), q.at, q.variants)
					if diff := cmp.Diff(q.rows(s), got); err != nil || diff != "" {
						wrong = fmt.Sprintf("%+v: %v, want −, got +:\n%s", q, err, diff)
						return
					}
					spent := len(s.asked) - before
					if again == 1 && spent > q.byLocation() {
						wrong = fmt.Sprintf("%+v: took %d requests, and %d by location", q, spent, q.byLocation())
						return
					}
					saved += q.byLocation() - spent
				}
			}
		})
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
	t.Logf("saved %d requests", saved)
	if saved <= 0 {
		t.Errorf("got %d requests more than by location", -saved)
	}
}

func TestAnInventoryThatIsShortIsNeverData(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, variants, locations := drawAccount(rt)
		questions := drawQuestions(rt, variants, locations)
		lost := rapid.IntRange(1, 3).Draw(rt, "lost of each page")
		wrong := ""
		s.before = func(w http.ResponseWriter, r *http.Request) bool {
			found := s.filter("/inventory", r.URL.Query())
			answer(w, len(found), found[:max(0, min(len(found), 250)-lost)])
			return true
		}
		read(t, s, func(t *testing.T, c *katana.Client) {
			for _, q := range questions {
				got, err := c.Inventory(t.Context(), q.at, q.variants)
				want := q.rows(s)
				switch {
				case err == nil && !cmp.Equal(want, got):
					wrong = fmt.Sprintf("%+v: got %d rows of %d and no error", q, len(got), len(want))
				case err != nil && (!errors.Is(err, inventory.ErrIncomplete) || got != nil):
					wrong = fmt.Sprintf("%+v: got %v, %v", q, got, err)
				}
			}
		})
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// TestAllLocationsAtOnceAreTheSumOfEach asks the sandbox, where archived and
// deleted variants and deleted locations have no rows either way.
func TestAllLocationsAtOnceAreTheSumOfEach(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		items := drawItems(rt)
		places := rapid.IntRange(2, 12).Draw(rt, "locations")
		at := rapid.IntRange(2, places).Draw(rt, "of them asked for")
		closed := rapid.SliceOfN(rapid.IntRange(1, places), 0, 2).Draw(rt, "deleted locations")
		room := rapid.SampledFrom([]int{150, 300, 8192}).Draw(rt, "bytes of a request")
		wrong := ""
		synctest.Test(t, func(t *testing.T) {
			w, c := sells(t, items)
			var asked []inventory.SourceLocationID
			for i := range places {
				id := w.AddLocation(sandbox.KatanaLocation{Name: fmt.Sprint("Place ", i+1)})
				if i < at {
					asked = append(asked, inventory.SourceLocationID(id))
				}
			}
			for i, sku := range catalogueSKUs { // none of what is not in this world
				_ = w.SetStock(sku, fmt.Sprint("Place ", 1+i%places), fmt.Sprint(i))
			}
			for _, place := range closed {
				_ = w.Do(sandbox.KatanaLocationDeleted{Location: fmt.Sprint("Place ", place)})
			}
			w.SetKatanaMaxURL(room)
			variants := upTo[inventory.SourceVariantID](2 * len(items))
			for i := range variants {
				variants[i] += firstVariant - 1
			}
			want := []inventory.Stock{}
			for _, location := range asked {
				rows, err := c.Inventory(t.Context(), []inventory.SourceLocationID{location}, variants)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, rows...)
			}
			slices.SortStableFunc(want, func(a, b inventory.Stock) int { return int(a.Variant - b.Variant) })
			got, err := c.Inventory(t.Context(), asked, variants)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				wrong = fmt.Sprintf("%v, each −, all at once +:\n%s", err, diff)
			}
		})
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}
