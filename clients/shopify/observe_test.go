package shopify

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stocksyncd/reconcile/inventory"
)

func mugLevel(n int64, location int64, available inventory.Units) inventory.Level {
	return inventory.Level{
		Key: key(n, location), Variant: inventory.VariantID(n), SKU: inventory.SKU(fmt.Sprintf("MUG-%d", n)),
		Available: available, Active: true,
	}
}

func TestEveryPageOfVariantsIsRead(t *testing.T) {
	talk(t, inTurn(variantsJSON("a", mug(1, 5), mug(2, 0)), variantsJSON("b", mug(4, 0)), variantsJSON("", mug(3, -2))),
		func(t *testing.T, c *Client, s *store) {
			got, err := observe(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			want := []inventory.Level{mugLevel(1, 1, 5), mugLevel(2, 1, 0), mugLevel(3, 1, -2), mugLevel(4, 1, 0)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			var afters []string
			for _, a := range s.requests() {
				var vars struct {
					First  int
					After  *string
					Levels int
					Query  *string
				}
				a.vars(t, &vars)
				after := "-"
				if vars.After != nil {
					after = *vars.After
				}
				afters = append(afters, fmt.Sprint(after, vars.First, vars.Levels, vars.Query == nil))
			}
			if got, want := strings.Join(afters, " "), "-250 10 true a250 10 true b250 10 true"; got != want {
				t.Errorf("asked for %q, want %q", got, want)
			}
		})
}

func TestWhatAVariantIsComesWithItsLevels(t *testing.T) {
	const bundle = `{"id":"gid://shopify/ProductVariant/1","requiresComponents":true,"product":{"isGiftCard":true},
		"inventoryItem":{"id":"gid://shopify/InventoryItem/11","sku":"  SET 1\t","tracked":false,"inventoryLevels":
		{"edges":[{"node":{"isActive":false,"location":{"id":"gid://shopify/Location/2"},"quantities":[{"name":"on_hand","quantity":9},{"name":"available","quantity":-7}]}}],
		"pageInfo":{"hasNextPage":false}}}}`
	const nameless = `{"id":"gid://shopify/ProductVariant/2","requiresComponents":false,"product":{"isGiftCard":false},
		"inventoryItem":{"id":"gid://shopify/InventoryItem/12","sku":null,"tracked":true,"inventoryLevels":
		{"edges":[{"node":{"isActive":true,"location":{"id":"gid://shopify/Location/2"},"quantities":[{"name":"available","quantity":3}]}}],
		"pageInfo":{"hasNextPage":false}}}}`
	talk(t, always(variantsJSON("", bundle, nameless)), func(t *testing.T, c *Client, _ *store) {
		got, err := observe(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		want := []inventory.Level{
			{Key: key(11, 2), Variant: 1, SKU: "SET 1", Available: -7, Untracked: true, Bundle: true, GiftCard: true},
			{Key: key(12, 2), Variant: 2, Available: 3, Active: true},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestLevelsBeyondTheirPageAreReadToTheEnd(t *testing.T) {
	talk(t, func(n int, a asked) reply {
		if a.Op == "readVariants" {
			return variantsJSON("", variantJSON(1, itemJSON(1, "MUG-1", levelsJSON("more", levelJSON(1, 99)))))
		}
		var vars struct {
			ID    string
			After *string
		}
		a.vars(t, &vars)
		levels := levelsJSON("second", levelJSON(1, 1), levelJSON(2, 2))
		if vars.After != nil {
			levels = levelsJSON("", levelJSON(3, 3))
		}
		return ok(`{"inventoryItem":{"id":"` + vars.ID + `","inventoryLevels":` + levels + `}}`)
	}, func(t *testing.T, c *Client, s *store) {
		got, err := observe(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]inventory.Level{mugLevel(1, 1, 1), mugLevel(1, 2, 2), mugLevel(1, 3, 3)}, got); diff != "" {
			t.Error(diff)
		}
		if got, want := s.ops(), "readVariants readItemLevels readItemLevels"; got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
	})
}

func TestAListingThatMovesIsBegunAnewAndGivenUpInTheEnd(t *testing.T) {
	twice := func(second int) func(int, asked) reply {
		return inTurn(variantsJSON("a", mug(1, 5)), variantsJSON("", mug(1, second)),
			variantsJSON("a", mug(1, 4)), variantsJSON("", mug(2, 1)))
	}
	talk(t, twice(5), func(t *testing.T, c *Client, _ *store) {
		got, err := observe(t.Context(), c)
		if diff := cmp.Diff([]inventory.Level{mugLevel(1, 1, 5)}, got); err != nil || diff != "" {
			t.Errorf("listed twice with one figure: %v\n%s", err, diff)
		}
	})
	talk(t, twice(4), func(t *testing.T, c *Client, _ *store) {
		got, err := observe(t.Context(), c)
		if diff := cmp.Diff([]inventory.Level{mugLevel(1, 1, 4), mugLevel(2, 1, 1)}, got); err != nil || diff != "" {
			t.Errorf("listed twice with two figures: %v\n%s", err, diff)
		}
	})
	talk(t, func(n int, _ asked) reply { return variantsJSON("a"+fmt.Sprint(n%2), mug(1, n)) },
		func(t *testing.T, c *Client, s *store) {
			if _, err := observe(t.Context(), c); !errors.Is(err, inventory.ErrIncomplete) {
				t.Errorf("got %v, want an incomplete read", err)
			}
			if got := len(s.requests()); got != 6 {
				t.Errorf("%d requests, want 3 listings of 2", got)
			}
		})
}

// A level that is to be made must be seen to be missing.
func TestAnItemWithoutAnyLevelIsSeenNowhere(t *testing.T) {
	bundle := strings.NewReplacer(`"requiresComponents":false`, `"requiresComponents":true`, `"isGiftCard":false`, `"isGiftCard":true`, `"tracked":true`, `"tracked":false`).
		Replace(variantJSON(2, itemJSON(2, " SET ", levelsJSON(""))))
	plain := variantJSON(3, itemJSON(3, "MUG-3", levelsJSON("")))
	talk(t, always(variantsJSON("", mug(1, 5), bundle, plain, strings.Replace(plain, "ProductVariant/3", "ProductVariant/4", 1))), func(t *testing.T, c *Client, _ *store) {
		got, err := observe(t.Context(), c)
		want := []inventory.Level{
			mugLevel(1, 1, 5),
			{Key: key(2, 0), Variant: 2, SKU: "SET", Unstocked: true, Untracked: true, Bundle: true, GiftCard: true},
			{Key: key(3, 0), Variant: 3, SKU: "MUG-3", Unstocked: true},
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
	first, then := variantsJSON("a", plain), variantsJSON("", mug(3, 1))
	talk(t, inTurn(first, then, variantsJSON("", mug(3, 1))), func(t *testing.T, c *Client, _ *store) {
		got, err := observe(t.Context(), c)
		if diff := cmp.Diff([]inventory.Level{mugLevel(3, 1, 1)}, got); err != nil || diff != "" {
			t.Errorf("stocked while it was read: %v\n%s", err, diff)
		}
	})
}

func TestAnItemThatVariantsShareHasItsLevelsOnce(t *testing.T) {
	item := itemJSON(7, "MUG", levelsJSON("", levelJSON(1, 5)))
	talk(t, always(variantsJSON("", variantJSON(1, item), variantJSON(2, item))), func(t *testing.T, c *Client, _ *store) {
		got, err := observe(t.Context(), c)
		want := []inventory.Level{{Key: key(7, 1), Variant: 1, SKU: "MUG", Available: 5, Active: true}}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

func TestAReadThatCannotBeCompleteIsAnError(t *testing.T) {
	item := func(levels string) string { return variantJSON(1, itemJSON(1, "MUG", levels)) }
	tests := map[string]struct {
		answer reply
		want   string
	}{
		"pages in a circle":          {variantsJSON("a", mug(1, 5)), "circle"},
		"more pages without cursor":  {ok(`{"productVariants":{"edges":[],"pageInfo":{"hasNextPage":true,"endCursor":null}}}`), "no cursor"},
		"no page info":               {ok(`{"productVariants":{"edges":[]}}`), "hasNextPage"},
		"no edges":                   {ok(`{"productVariants":{"pageInfo":{"hasNextPage":false}}}`), "productVariants.edges"},
		"no variants":                {ok(`{}`), "productVariants.edges"},
		"a null variant":             {variantsJSON("", `null`), "InventoryItem"},
		"no available figure":        {variantsJSON("", item(levelsJSON("", strings.Replace(levelJSON(1, 1), "available", "on_hand", 1)))), `quantity "available"`},
		"a null figure":              {variantsJSON("", item(levelsJSON("", `{"isActive":true,"location":{"id":"gid://shopify/Location/1"},"quantities":[{"name":"available","quantity":null}]}`))), `quantity "available"`},
		"a fraction":                 {variantsJSON("", item(levelsJSON("", `{"isActive":true,"location":{"id":"gid://shopify/Location/1"},"quantities":[{"name":"available","quantity":1.5}]}`))), "unexpected data"},
		"no active mark":             {variantsJSON("", item(levelsJSON("", `{"location":{"id":"gid://shopify/Location/1"},"quantities":[{"name":"available","quantity":1}]}`))), "isActive"},
		"a strange location":         {variantsJSON("", item(levelsJSON("", strings.Replace(levelJSON(1, 1), "Location/1", "Place/1", 1)))), "Place/1"},
		"no page info of the levels": {variantsJSON("", item(`{"edges":[]}`)), "inventoryLevels"},
		"a page that lost its end":   {ok(strings.Replace(`{"productVariants":`+connectionJSON("b", mug(1, 1), mug(2, 1))+`}`, `{"cursor":"b"`, `{"cursor":"a"`, 1)), "lacks its end"},
		"levels that lost their end": {variantsJSON("", item(`{"edges":[{"cursor":"a","node":`+levelJSON(1, 1)+`}],"pageInfo":{"hasNextPage":false,"endCursor":"b"}}`)), "lacks its end"},
		"no tracked mark":            {variantsJSON("", strings.Replace(mug(1, 1), `"tracked":true,`, "", 1)), "tracked"},
		"no gift card mark":          {variantsJSON("", strings.Replace(mug(1, 1), `"isGiftCard":false`, "", 1)), "isGiftCard"},
		"no bundle mark":             {variantsJSON("", strings.Replace(mug(1, 1), `"requiresComponents":false,`, "", 1)), "requiresComponents"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			talk(t, always(test.answer), func(t *testing.T, c *Client, _ *store) {
				got, err := observe(t.Context(), c)
				if err == nil || !strings.Contains(err.Error(), test.want) || got != nil {
					t.Errorf("got %d levels and %v, want an error with %q", len(got), err, test.want)
				}
			})
		})
	}
}

func TestAPageThatCostsTooMuchIsHalvedAndTheSizeRemembered(t *testing.T) {
	talk(t, func(_ int, a asked) reply {
		var vars struct{ First int }
		a.vars(t, &vars)
		if vars.First > 70 {
			return reply{body: `{"errors":[{"message":"Query cost is 1502, which exceeds the single query max cost limit 1000","extensions":{"code":"MAX_COST_EXCEEDED","cost":1502,"maxCost":1000}}]}`}
		}
		return variantsJSON("", mug(1, 1))
	}, func(t *testing.T, c *Client, s *store) {
		for range 2 {
			if _, err := observe(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		var sizes []int
		for _, a := range s.requests() {
			var vars struct{ First int }
			a.vars(t, &vars)
			sizes = append(sizes, vars.First)
		}
		if diff := cmp.Diff([]int{250, 125, 62, 62}, sizes); diff != "" {
			t.Error(diff)
		}
	})
}

func TestManyVariantsAreReadInWindowsById(t *testing.T) {
	const total = 4500
	serve := func(sorted bool) func(int, asked) reply {
		return func(_ int, a asked) reply {
			var vars struct {
				First int
				After *string
				Query *string
			}
			a.vars(t, &vars)
			bound, start := 0, 0
			if vars.Query != nil {
				_, _ = fmt.Sscanf(*vars.Query, "id:>%d", &bound)
			}
			start = bound
			if vars.After != nil {
				_, _ = fmt.Sscan(*vars.After, &start)
			}
			var nodes []string
			for n := start + 1; n <= min(start+vars.First, total); n++ {
				id := int64(n)
				if !sorted {
					id = int64(total + 1 - n)
				}
				nodes = append(nodes, mug(id, 1))
			}
			end := start + len(nodes)
			if end-bound > 2500 {
				return failing("PAGINATION_LIMIT", "too deep")
			}
			if end == total {
				return variantsJSON("", nodes...)
			}
			return variantsJSON(fmt.Sprint(end), nodes...)
		}
	}
	talk(t, serve(true), func(t *testing.T, c *Client, _ *store) {
		c.window = 2000
		got, err := observe(t.Context(), c)
		if err != nil || len(got) != total {
			t.Errorf("got %d levels and %v, want %d", len(got), err, total)
		}
	})
	talk(t, serve(false), func(t *testing.T, c *Client, _ *store) {
		c.window = 2000
		if _, err := observe(t.Context(), c); !errors.Is(err, inventory.ErrIncomplete) || !strings.Contains(err.Error(), "25,000") {
			t.Errorf("unsorted: got %v, want an incomplete read that names the limit", err)
		}
	})
}

func TestLocationsIncludeInactiveOnesAndSetHowManyLevelsAreAsked(t *testing.T) {
	page := func(next string, nodes ...string) reply {
		return ok(`{"locations":` + connectionJSON(next, nodes...) + `}`)
	}
	oslo := `{"id":"gid://shopify/Location/1","name":"Oslo","isActive":true,"isFulfillmentService":false}`
	old := `{"id":"gid://shopify/Location/2","name":"Old","isActive":false,"isFulfillmentService":true}`
	answer := inTurn(page("a", oslo), page("", old, oslo), variantsJSON("", mug(1, 1)))
	talk(t, answer, func(t *testing.T, c *Client, s *store) {
		got, err := c.Locations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []inventory.Location{{ID: 1, Name: "Oslo", Active: true}, {ID: 2, Name: "Old", FulfillmentService: true}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if _, err := observe(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		var vars struct{ Levels int }
		s.requests()[2].vars(t, &vars)
		if vars.Levels != 2 {
			t.Errorf("asked for %d levels an item, want one for each of 2 locations", vars.Levels)
		}
		for _, want := range []string{"includeInactive: true", "includeLegacy: true"} {
			if !strings.Contains(s.requests()[0].Query, want) {
				t.Errorf("the query lacks %s", want)
			}
		}
	})
	talk(t, always(page("", `{"id":"gid://shopify/Location/1","name":"Oslo"}`)), func(t *testing.T, c *Client, _ *store) {
		if _, err := c.Locations(t.Context()); err == nil || !strings.Contains(err.Error(), "isActive") {
			t.Errorf("got %v, want an error that names isActive", err)
		}
	})
}
