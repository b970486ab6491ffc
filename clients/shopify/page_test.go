package shopify

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/inventory"
)

func TestAPageHasTheLevelsThatFollowAVariantAndWhenTheyWereUpdated(t *testing.T) {
	dated := strings.Replace(mug(9, 4), `"isActive":true,`, `"isActive":true,"updatedAt":"2026-11-24T08:00:00Z",`, 1)
	nowhere := variantJSON(8, itemJSON(3, " SET ", levelsJSON("")))
	talk(t, always(variantsJSON("more", mug(7, 5), nowhere, dated)), func(t *testing.T, c *Client, s *store) {
		got, err := c.Page(t.Context(), 6)
		want := inventory.Page{
			Levels: []inventory.Level{
				{Key: key(3, 0), Variant: 8, SKU: "SET", Unstocked: true}, mugLevel(7, 1, 5), mugLevel(9, 1, 4),
			},
			Updated: []time.Time{{}, {}, time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)},
			Last:    9,
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		var vars struct {
			First, Levels int
			After         *string
			Query         string
		}
		s.requests()[0].vars(t, &vars)
		if len(s.requests()) != 1 || vars.First != 250 || vars.Levels != firstLevels || vars.After != nil || vars.Query != "id:>6" {
			t.Errorf("asked %s with %+v", s.ops(), vars)
		}
	})
	talk(t, always(variantsJSON("", mug(1, 5))), func(t *testing.T, c *Client, s *store) {
		got, err := c.Page(t.Context(), 0)
		if err != nil || got.Last != 1 || !got.End || strings.Contains(s.requests()[0].body, "id:>") {
			t.Errorf("the first and last page: got %+v, %v, asked %s", got, err, s.requests()[0].body)
		}
	})
	talk(t, always(variantsJSON("")), func(t *testing.T, c *Client, _ *store) {
		got, err := c.Page(t.Context(), 6)
		if diff := cmp.Diff(inventory.Page{End: true}, got); err != nil || diff != "" {
			t.Errorf("behind the last variant: %v\n%s", err, diff)
		}
	})
}

func TestAPageGivesASharedItemToTheLowestVariantThatItKnows(t *testing.T) {
	shared := itemJSON(7, "MUG", levelsJSON("", levelJSON(1, 5)))
	own := inventory.Level{Key: key(7, 1), Variant: 2, SKU: "MUG", Available: 5, Active: true}
	talk(t, always(variantsJSON("", variantJSON(2, shared), mug(3, 1), variantJSON(4, shared))), func(t *testing.T, c *Client, _ *store) {
		got, err := c.Page(t.Context(), 1)
		if diff := cmp.Diff([]inventory.Level{mugLevel(3, 1, 1), own}, got.Levels); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
	talk(t, always(variantsJSON("", variantJSON(4, shared))), func(t *testing.T, c *Client, _ *store) {
		got, err := c.Page(t.Context(), 3)
		own.Variant = 4
		if diff := cmp.Diff([]inventory.Level{own}, got.Levels); err != nil || diff != "" {
			t.Errorf("a page behind the owner: %v\n%s", err, diff)
		}
	})
}

func TestAPageReadsLevelsThatDoNotFitAndOnesThatMoveAgain(t *testing.T) {
	overflowing := variantsJSON("", variantJSON(1, itemJSON(1, "MUG-1", levelsJSON("more", levelJSON(1, 99)))))
	rest := func(list ...string) reply {
		return ok(`{"inventoryItem":{"id":"gid://shopify/InventoryItem/1","inventoryLevels":` + levelsJSON("", list...) + `}}`)
	}
	moving := rest(levelJSON(1, 2), levelJSON(1, 3))
	talk(t, inTurn(overflowing, moving, overflowing, rest(levelJSON(2, 4), levelJSON(1, 3))), func(t *testing.T, c *Client, s *store) {
		got, err := c.Page(t.Context(), 0)
		if diff := cmp.Diff([]inventory.Level{mugLevel(1, 1, 3), mugLevel(1, 2, 4)}, got.Levels); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		if got, want := s.ops(), "readVariants readItemLevels readVariants readItemLevels"; got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
	})
	talk(t, func(_ int, a asked) reply {
		if a.Op == "readVariants" {
			return overflowing
		}
		return moving
	}, func(t *testing.T, c *Client, s *store) {
		got, err := c.Page(t.Context(), 0)
		if !errors.Is(err, inventory.ErrIncomplete) || got.Levels != nil || len(s.requests()) != 6 {
			t.Errorf("a level that moves for ever: got %v, %v after %d requests, want 3 readings of 2", got, err, len(s.requests()))
		}
	})
}

func TestAPageThatCannotBeCompleteIsAnErrorAndGivesNothing(t *testing.T) {
	tests := map[string]struct {
		answer reply
		want   string
	}{
		"not by id":                     {variantsJSON("", mug(7, 1), mug(9, 1), mug(8, 1)), "ProductVariant/8 behind gid://shopify/ProductVariant/9"},
		"one variant twice":             {variantsJSON("", mug(7, 1), mug(7, 1)), "behind"},
		"the variant itself":            {variantsJSON("", mug(6, 1), mug(7, 1)), "not only what is above it"},
		"a variant below it":            {variantsJSON("", mug(5, 1)), "not only what is above it"},
		"more without a cursor":         {ok(`{"productVariants":{"edges":[{"cursor":"a","node":` + mug(7, 1) + `}],"pageInfo":{"hasNextPage":true,"endCursor":null}}}`), "nothing shows"},
		"more with an empty cursor":     {ok(`{"productVariants":{"edges":[{"cursor":"","node":` + mug(7, 1) + `}],"pageInfo":{"hasNextPage":true,"endCursor":""}}}`), "nothing shows"},
		"more, and none here":           {ok(`{"productVariants":{"edges":[],"pageInfo":{"hasNextPage":true,"endCursor":""}}}`), "nothing shows"},
		"the last variants are missing": {ok(`{"productVariants":{"edges":[{"cursor":"a","node":` + mug(7, 1) + `}],"pageInfo":{"hasNextPage":true,"endCursor":"b"}}}`), "lacks its end"},
		"no edges":                      {ok(`{"productVariants":{"pageInfo":{"hasNextPage":false}}}`), "productVariants.edges"},
		"no page info":                  {ok(`{"productVariants":{"edges":[]}}`), "hasNextPage"},
		"a null variant":                {variantsJSON("", mug(7, 1), `null`), "InventoryItem"},
		"a null figure":                 {variantsJSON("", mug(7, 1), strings.Replace(mug(8, 1), `"quantity":1`, `"quantity":null`, 1)), `quantity "available"`},
		"null levels":                   {variantsJSON("", variantJSON(7, itemJSON(7, "MUG", `null`))), "inventoryLevels"},
		"levels that lost their end":    {variantsJSON("", variantJSON(7, itemJSON(7, "MUG", `{"edges":[],"pageInfo":{"hasNextPage":false,"endCursor":"b"}}`))), "lacks its end"},
		"no tracked mark":               {variantsJSON("", strings.Replace(mug(7, 1), `"tracked":true,`, "", 1)), "tracked"},
		"a time that is none":           {variantsJSON("", strings.Replace(mug(7, 1), `"isActive":true,`, `"isActive":true,"updatedAt":"today",`, 1)), "unexpected data"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			talk(t, always(test.answer), func(t *testing.T, c *Client, _ *store) {
				got, err := c.Page(t.Context(), 6)
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want an error with %q", err, test.want)
				}
				if diff := cmp.Diff(inventory.Page{}, got); diff != "" {
					t.Errorf("something is given beside the error:\n%s", diff)
				}
			})
		})
	}
}

func TestAPageThatCostsTooMuchIsHalvedLikeThoseOfAWholeRead(t *testing.T) {
	talk(t, func(_ int, a asked) reply {
		var vars struct{ First int }
		a.vars(t, &vars)
		if vars.First > 100 {
			return failing("MAX_COST_EXCEEDED", "Query cost is 1502, which exceeds the single query max cost limit 1000")
		}
		return variantsJSON("", mug(1, 1))
	}, func(t *testing.T, c *Client, s *store) {
		if _, err := c.Page(t.Context(), 0); err != nil || len(s.requests()) != 3 {
			t.Errorf("%v after %d requests, want the third to be served", err, len(s.requests()))
		}
		if _, err := observe(t.Context(), c); err != nil || len(s.requests()) != 4 {
			t.Errorf("%v after %d requests, want the size to be remembered", err, len(s.requests()))
		}
	})
}

// round reads all pages and puts their levels together as the caller is told
// to.
func round(t *testing.T, c *Client) (list []inventory.Level, pages int) {
	t.Helper()
	owner := map[inventory.ItemID]inventory.VariantID{}
	for after, end := inventory.VariantID(0), false; !end; pages++ {
		page, err := c.Page(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Updated) != len(page.Levels) || !page.End && page.Last <= after {
			t.Fatalf("a page above %s up to %s has %d levels with %d times", after, page.Last, len(page.Levels), len(page.Updated))
		}
		for i, level := range page.Levels {
			if level.Variant <= after || level.Variant > page.Last || i > 0 && page.Levels[i-1].Compare(level.Key) >= 0 {
				t.Fatalf("%s of %s is out of its place on the page above %s up to %s", level.Key, level.Variant, after, page.Last)
			}
			if page.Updated[i].IsZero() != level.Unstocked {
				t.Fatalf("%s was updated at %s", level.Key, page.Updated[i])
			}
			if first, owned := owner[level.Item]; owned && first < level.Variant {
				continue
			}
			owner[level.Item] = level.Variant
			list = append(list, level)
		}
		after, end = page.Last, page.End
	}
	return list, pages
}

func TestARoundOfPagesGivesWhatAWholeReadGivesWhateverStandsInTheStore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		places, listings := drawnStore(rt)
		size, levels := rapid.IntRange(1, 5).Draw(rt, "size"), rapid.IntRange(1, 3).Draw(rt, "levels")
		mixed := rapid.Bool().Draw(rt, "mixed")
		var wrong string
		synctest.Test(t, func(t *testing.T) {
			w := sandbox.NewWorld(sandbox.Options{Now: time.Now, Stores: []sandbox.StoreOptions{{BucketSize: 1e6, Restore: 1e5, MixLevels: mixed}}})
			fill(t, w, places, listings)
			c := simulatedClient(t, w)
			c.sizes[variantsName], c.levels = size, levels
			want, err := observe(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			got, pages := round(t, c)
			// The ids of items and variants grow together here.
			if diff := cmp.Diff(want, got); diff != "" || pages != max(1, (len(listings)+size-1)/size) {
				wrong = fmt.Sprintf("%d variants in %d pages of %d\n%s", len(listings), pages, size, diff)
			}
		})
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

func TestARoundOfAGeneratedShopTakesOneRequestFor250Variants(t *testing.T) {
	const listings = 600
	simulated(t, listings, func(t *testing.T, c *Client, _ *sandbox.World) {
		if _, err := c.Glance(t.Context(), time.Time{}); err != nil {
			t.Fatal(err)
		}
		before := c.Counts()
		got, pages := round(t, c)
		after := c.Counts()
		t.Logf("a page of %d variants at 3 locations is charged %.0f points", pageMost, (after.Cost-before.Cost)/float64(pages))
		if len(got) != 3*listings || pages != 3 || after.Count-before.Count != 3 || after.Throttled != 0 {
			t.Errorf("%d levels in %d pages and %d requests, want %d in 3", len(got), pages, after.Count-before.Count, 3*listings)
		}
	})
}
