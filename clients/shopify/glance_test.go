package shopify

import (
	"errors"
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

// marked is the mark that fake stores are asked from; asking reaches back to
// asked.
var marked = time.Date(2026, 11, 24, 8, 0, 30, 0, time.UTC)

const (
	askedFrom = "2026-11-24T08:00:00Z"
	noUpdates = `{"edges":[],"pageInfo":{"hasNextPage":false}}`
)

// updateJSON is a level of item and variant n that was updated when asked from.
func updateJSON(n, location int64, available int) string {
	return fmt.Sprintf(`{"isActive":true,"updatedAt":%q,"location":{"id":"gid://shopify/Location/%d"},"quantities":[{"name":"available","quantity":%d}],
		"item":{"id":"gid://shopify/InventoryItem/%[4]d","sku":"MUG-%[4]d","tracked":true,"variants":{"nodes":[{"id":"gid://shopify/ProductVariant/%[4]d","requiresComponents":false,"product":{"isGiftCard":false}}]}}}`,
		askedFrom, location, available, n)
}

// placeJSON is a location with a page of its updates.
func placeJSON(id int64, updates string) string {
	return fmt.Sprintf(`{"id":"gid://shopify/Location/%[1]d","name":"Shop %[1]d","isActive":true,"isFulfillmentService":false,"inventoryLevels":%s}`, id, updates)
}

func placesJSON(next string, places ...string) reply { return glanceJSON(noUpdates, next, places...) }

// glanceJSON is a page of locations with a page of the variants that were
// updated.
func glanceJSON(edits, next string, places ...string) reply {
	return ok(`{"locations":` + connectionJSON(next, places...) + `,"productVariants":` + edits + `}`)
}

// editJSON is a variant that was updated when asked from.
func editJSON(variant string) string {
	return strings.Replace(variant, `"requiresComponents":`, fmt.Sprintf(`"updatedAt":%q,"requiresComponents":`, askedFrom), 1)
}

// editedMug is variant and item n, updated when asked from, with one level at
// location 1.
func editedMug(n int64, available int) string { return editJSON(mug(n, available)) }

func shopAt(id inventory.LocationID) inventory.Location {
	return inventory.Location{ID: id, Name: fmt.Sprint("Shop ", int64(id)), Active: true}
}

func TestAGlanceIsOneRequestForAllLocationsAndWhatWasUpdated(t *testing.T) {
	unsold := strings.Replace(updateJSON(9, 2, 1), `"nodes":[{"id":"gid://shopify/ProductVariant/9","requiresComponents":false,"product":{"isGiftCard":false}}]`, `"nodes":[]`, 1)
	bundle := strings.NewReplacer(`"isActive":true`, `"isActive":false`, `"tracked":true`, `"tracked":false`, `"requiresComponents":false`, `"requiresComponents":true`,
		`"isGiftCard":false`, `"isGiftCard":true`, `"MUG-4"`, `" SET "`).Replace(updateJSON(4, 1, -2))
	stocked := editJSON(variantJSON(8, itemJSON(2, "CUP", levelsJSON("", levelJSON(2, 6), levelJSON(1, 9)))))
	nowhere := strings.NewReplacer(`"tracked":true`, `"tracked":false`, `"requiresComponents":false`, `"requiresComponents":true`).Replace(
		editJSON(variantJSON(7, itemJSON(11, " NEW ", levelsJSON("")))))
	answer := glanceJSON(connectionJSON("", nowhere, stocked), "",
		placeJSON(1, connectionJSON("", updateJSON(5, 1, 7), bundle)),
		placeJSON(2, connectionJSON("", unsold, updateJSON(3, 2, 0))),
		strings.NewReplacer(`"isActive":true`, `"isActive":false`, `"isFulfillmentService":false`, `"isFulfillmentService":true`).Replace(placeJSON(3, noUpdates)))
	answer.header = map[string]string{"Date": "Tue, 24 Nov 2026 08:05:00 GMT"}
	talk(t, always(answer), func(t *testing.T, c *Client, s *store) {
		c.expectLevels(3)
		got, err := c.Glance(t.Context(), marked)
		want := inventory.Glance{
			Locations: []inventory.Location{shopAt(1), shopAt(2), {ID: 3, Name: "Shop 3", FulfillmentService: true}},
			Levels: []inventory.Level{
				mugLevel(3, 2, 0),
				{Key: key(4, 1), Variant: 4, SKU: "SET", Available: -2, Untracked: true, Bundle: true, GiftCard: true},
				mugLevel(5, 1, 7),
			},
			Edited: []inventory.Level{
				{Key: key(2, 1), Variant: 8, SKU: "CUP", Available: 9, Active: true},
				{Key: key(2, 2), Variant: 8, SKU: "CUP", Available: 6, Active: true},
				{Key: key(11, 0), Variant: 7, SKU: "NEW", Unstocked: true, Untracked: true, Bundle: true},
			},
			Mark: time.Date(2026, 11, 24, 8, 5, 0, 0, time.UTC),
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		asked := s.requests()
		if len(asked) != 1 {
			t.Fatalf("%d requests, want one: %s", len(asked), s.ops())
		}
		var vars struct {
			First, Moved, Edited, Levels int
			After                        *string
			Updated                      string
		}
		asked[0].vars(t, &vars)
		if vars.First != 4 || vars.Moved != glanceLevels || vars.Edited != glanceEdits || vars.Levels != 4 || vars.After != nil || vars.Updated != "updated_at:>='"+askedFrom+"'" {
			t.Errorf("asked for %+v, want one location more than are known with %d levels of each, %d variants with as many levels, and those since %s",
				vars, glanceLevels, glanceEdits, askedFrom)
		}
		for _, want := range []string{
			"includeInactive: true, includeLegacy: true", "query: $updated, includeInactive: true",
			"productVariants(first: $edited, query: $updated, sortKey: ID)", "inventoryLevels(first: $levels, includeInactive: true)",
		} {
			if !strings.Contains(asked[0].Query, want) {
				t.Errorf("the query lacks %s", want)
			}
		}
	})
}

func TestAFirstGlanceHasTheLocationsAndAMarkAndAsksForNoLevels(t *testing.T) {
	first := placesJSON("more", placeJSON(1, noUpdates))
	first.header = map[string]string{"Date": "Tue, 24 Nov 2026 08:05:00 GMT"}
	second := placesJSON("", placeJSON(2, noUpdates))
	second.header = map[string]string{"Date": "Tue, 24 Nov 2026 08:05:09 GMT"}
	talk(t, inTurn(first, second), func(t *testing.T, c *Client, s *store) {
		got, err := c.Glance(t.Context(), time.Time{})
		want := inventory.Glance{Locations: []inventory.Location{shopAt(1), shopAt(2)}, Mark: time.Date(2026, 11, 24, 8, 5, 0, 0, time.UTC)}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		if got := s.ops(); got != "readLocations readLocations" {
			t.Errorf("asked %q", got)
		}
		if got := c.levelsEach(); got != 2 {
			t.Errorf("%d levels are asked for with each item, want one for each location", got)
		}
	})
}

// A sale while the later answers come is told by the next glance, whose mark
// must lie before it.
func TestALocationWithManyUpdatesIsReadToItsEndAndTheMarkIsTheFirstAnswers(t *testing.T) {
	dated := func(second int, r reply) reply {
		r.header = map[string]string{"Date": fmt.Sprintf("Tue, 24 Nov 2026 08:05:%02d GMT", second)}
		return r
	}
	at := func(updates string) reply {
		return ok(`{"location":{"id":"gid://shopify/Location/1","inventoryLevels":` + updates + `}}`)
	}
	answers := inTurn(
		dated(1, placesJSON("places", placeJSON(1, connectionJSON("levels", updateJSON(1, 1, 5))))),
		dated(2, placesJSON("", placeJSON(2, connectionJSON("", updateJSON(1, 2, 6))))),
		dated(3, at(connectionJSON("second", updateJSON(1, 1, 4), updateJSON(2, 1, 1)))),
		dated(4, at(connectionJSON("", updateJSON(3, 1, 8), updateJSON(1, 1, 3)))),
	)
	talk(t, answers, func(t *testing.T, c *Client, s *store) {
		got, err := c.Glance(t.Context(), marked)
		want := inventory.Glance{
			Locations: []inventory.Location{shopAt(1), shopAt(2)}, Mark: time.Date(2026, 11, 24, 8, 5, 1, 0, time.UTC),
			Levels: []inventory.Level{mugLevel(1, 1, 3), mugLevel(1, 2, 6), mugLevel(2, 1, 1), mugLevel(3, 1, 8)},
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		var asked []string
		for _, a := range s.requests() {
			var vars struct {
				Location string
				First    int
				After    *string
				Updated  string
			}
			a.vars(t, &vars)
			after := "-"
			if vars.After != nil {
				after = *vars.After
			}
			asked = append(asked, fmt.Sprint(vars.Location, " ", vars.First, " ", after, " ", strings.Contains(vars.Updated, askedFrom)))
		}
		if want := []string{" 11 - true", " 11 places true", "gid://shopify/Location/1 250 - true", "gid://shopify/Location/1 250 second true"}; !slices.Equal(asked, want) {
			t.Errorf("asked %q, want %q", asked, want)
		}
		if got := c.levelsEach(); got != 2 {
			t.Errorf("%d levels are asked for with each item, want one for each location", got)
		}
	})
}

func TestVariantsThatDoNotFitAreReadToTheirEndBehindTheLocations(t *testing.T) {
	variants := func(list string) reply { return ok(`{"productVariants":` + list + `}`) }
	first := glanceJSON(connectionJSON("edits", editedMug(1, 5)), "", placeJSON(1, connectionJSON("levels", updateJSON(1, 1, 5))))
	first.header = map[string]string{"Date": "Tue, 24 Nov 2026 08:05:00 GMT"}
	answers := inTurn(first,
		ok(`{"location":{"id":"gid://shopify/Location/1","inventoryLevels":`+connectionJSON("", updateJSON(1, 1, 4), updateJSON(2, 1, 3))+`}}`),
		variants(connectionJSON("second", editedMug(1, 2), editedMug(4, 0))),
		variants(connectionJSON("", editedMug(6, 8))),
	)
	talk(t, answers, func(t *testing.T, c *Client, s *store) {
		got, err := c.Glance(t.Context(), marked)
		want := inventory.Glance{
			Locations: []inventory.Location{shopAt(1)}, Mark: time.Date(2026, 11, 24, 8, 5, 0, 0, time.UTC),
			Levels: []inventory.Level{mugLevel(1, 1, 2), mugLevel(2, 1, 3)},
			Edited: []inventory.Level{mugLevel(1, 1, 2), mugLevel(4, 1, 0), mugLevel(6, 1, 8)},
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		var asked []string
		for _, a := range s.requests() {
			var vars struct {
				First, Levels int
				After         *string
				Updated       string
			}
			a.vars(t, &vars)
			after := "-"
			if vars.After != nil {
				after = *vars.After
			}
			asked = append(asked, fmt.Sprint(a.Op, " ", vars.First, " ", vars.Levels, " ", after, " ", vars.Updated == "updated_at:>='"+askedFrom+"'"))
		}
		if want := []string{"readUpdates 11 11 - true", "readLocationUpdates 250 0 - true", "readEdits 250 1 - true", "readEdits 250 1 second true"}; !slices.Equal(asked, want) {
			t.Errorf("asked %q, want %q", asked, want)
		}
	})
}

// What is told of one level twice must not look like two sales.
func TestALevelThatIsAmongThoseOfItsItemTooHasTheFigureThatWasReadLast(t *testing.T) {
	at := func(updates string) reply {
		return ok(`{"location":{"id":"gid://shopify/Location/1","inventoryLevels":` + updates + `}}`)
	}
	off := strings.Replace(updateJSON(1, 1, 3), `"isActive":true`, `"isActive":false`, 1)
	first := glanceJSON(connectionJSON("", strings.Replace(editedMug(1, 5), "MUG-1", "CUP-1", 1)), "", placeJSON(1, connectionJSON("levels", updateJSON(1, 1, 5))))
	first.header = map[string]string{"Date": "Tue, 24 Nov 2026 08:05:00 GMT"}
	talk(t, inTurn(first, at(connectionJSON("", off))), func(t *testing.T, c *Client, _ *store) {
		got, err := c.Glance(t.Context(), marked)
		want := inventory.Level{Key: key(1, 1), Variant: 1, SKU: "CUP-1", Available: 3}
		if len(got.Edited) != 1 || got.Edited[0] != want || len(got.Levels) != 1 || got.Levels[0].Available != 3 || got.Levels[0].Active || err != nil {
			t.Errorf("got %+v and %+v, %v, want 3 at a level that is switched off", got.Levels, got.Edited, err)
		}
	})
}

func TestAGlanceGivesASharedItemToTheLowestVariantThatWasUpdated(t *testing.T) {
	shared := func(available int) string {
		return itemJSON(7, "MUG", levelsJSON("", levelJSON(1, available)))
	}
	first := glanceJSON(connectionJSON("more", editJSON(variantJSON(4, shared(6)))), "", placeJSON(1, noUpdates))
	first.header = map[string]string{"Date": "Tue, 24 Nov 2026 08:05:00 GMT"}
	rest := ok(`{"productVariants":` + connectionJSON("", editJSON(variantJSON(2, shared(5))), editedMug(3, 1), editJSON(variantJSON(4, shared(5)))) + `}`)
	talk(t, inTurn(first, rest), func(t *testing.T, c *Client, _ *store) {
		got, err := c.Glance(t.Context(), marked)
		want := []inventory.Level{mugLevel(3, 1, 1), {Key: key(7, 1), Variant: 2, SKU: "MUG", Available: 5, Active: true}}
		if diff := cmp.Diff(want, got.Edited); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

func TestAGlanceReadsLevelsOfAnEditedItemThatDoNotFitAndOnesThatMoveAgain(t *testing.T) {
	first := glanceJSON(connectionJSON("", editJSON(variantJSON(1, itemJSON(1, "MUG-1", levelsJSON("more", levelJSON(1, 99)))))), "", placeJSON(1, noUpdates))
	first.header = map[string]string{"Date": "Tue, 24 Nov 2026 08:05:00 GMT"}
	rest := func(list ...string) reply {
		return ok(`{"inventoryItem":{"id":"gid://shopify/InventoryItem/1","inventoryLevels":` + levelsJSON("", list...) + `}}`)
	}
	talk(t, inTurn(first, rest(levelJSON(1, 2), levelJSON(1, 3)), first, rest(levelJSON(2, 4), levelJSON(1, 3))), func(t *testing.T, c *Client, s *store) {
		got, err := c.Glance(t.Context(), marked)
		if diff := cmp.Diff([]inventory.Level{mugLevel(1, 1, 3), mugLevel(1, 2, 4)}, got.Edited); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		if got, want := s.ops(), "readUpdates readItemLevels readUpdates readItemLevels"; got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
	})
}

func TestAGlanceThatCannotBeCompleteIsAnErrorAndGivesNothing(t *testing.T) {
	without := func(text string) string { return strings.Replace(updateJSON(1, 1, 5), text, "", 1) }
	with := func(old, text string) string { return strings.Replace(updateJSON(1, 1, 5), old, text, 1) }
	updates := func(list ...string) reply {
		return placesJSON("", placeJSON(2, connectionJSON("", updateJSON(7, 2, 1))), placeJSON(1, connectionJSON("", list...)))
	}
	place := func(text string) reply { return placesJSON("", text) }
	more := placesJSON("", placeJSON(1, connectionJSON("levels", updateJSON(1, 1, 5))))
	edits := func(list ...string) reply {
		return glanceJSON(connectionJSON("", append([]string{editedMug(6, 1)}, list...)...), "", placeJSON(1, connectionJSON("", updateJSON(7, 1, 1))))
	}
	edit := func(old, text string) reply { return edits(strings.Replace(editedMug(8, 5), old, text, 1)) }
	bare := func(variants string) reply { return glanceJSON(variants, "", placeJSON(1, noUpdates)) }
	moreEdits := bare(connectionJSON("edits", editedMug(8, 5)))
	dateless := updates(updateJSON(1, 1, 5))
	dateless.header = map[string]string{"Date": "some time"}
	tests := map[string]struct {
		answer func(int, asked) reply
		want   string
	}{
		"no locations":                  {always(ok(`{}`)), "locations.edges"},
		"locations in a circle":         {always(placesJSON("a", placeJSON(1, noUpdates))), "circle"},
		"more locations without cursor": {always(ok(`{"locations":{"edges":[],"pageInfo":{"hasNextPage":true}},"productVariants":` + noUpdates + `}`)), "no cursor"},
		"locations cut short":           {always(ok(`{"locations":{"edges":[{"cursor":"a","node":` + placeJSON(1, noUpdates) + `}],"pageInfo":{"hasNextPage":false,"endCursor":"b"}}}`)), "lacks its end"},
		"a null location":               {always(place(`null`)), "Location"},
		"no mark of activity":           {always(place(strings.Replace(placeJSON(1, noUpdates), `"isActive":true,`, "", 1))), "isActive"},
		"no levels":                     {always(place(placeJSON(1, `null`))), "inventoryLevels.edges"},
		"no page info of levels":        {always(place(placeJSON(1, `{"edges":[]}`))), "hasNextPage"},
		"levels cut short":              {always(place(placeJSON(1, `{"edges":[{"cursor":"a","node":`+updateJSON(1, 1, 5)+`}],"pageInfo":{"hasNextPage":false,"endCursor":"b"}}`))), "lacks its end"},
		"a null level":                  {always(updates(`null`)), "variants"},
		"a null item":                   {always(updates(`{"isActive":true,"updatedAt":"` + askedFrom + `","location":{"id":"gid://shopify/Location/1"},"quantities":[{"name":"available","quantity":1}],"item":null}`)), "variants"},
		"no item id":                    {always(updates(without(`"id":"gid://shopify/InventoryItem/1",`))), "InventoryItem"},
		"null variants":                 {always(updates(with(`"variants":{"nodes":[`, `"variants":{"nodes":null,"more":[`))), "variants"},
		"no variant id":                 {always(updates(with("gid://shopify/ProductVariant/1", "1"))), "ProductVariant"},
		"no tracked mark":               {always(updates(without(`"tracked":true,`))), "tracked"},
		"no bundle mark":                {always(updates(without(`"requiresComponents":false,`))), "requiresComponents"},
		"no gift card mark":             {always(updates(without(`"isGiftCard":false`))), "isGiftCard"},
		"no active mark":                {always(updates(without(`"isActive":true,`))), "isActive"},
		"a null figure":                 {always(updates(with(`"quantity":5`, `"quantity":null`))), `quantity "available"`},
		"another figure":                {always(updates(with("available", "on_hand"))), `quantity "available"`},
		"a level of another location":   {always(updates(updateJSON(1, 2, 5))), "is listed at"},
		"no time":                       {always(updates(with(`"`+askedFrom+`"`, `null`))), "updatedAt"},
		"a time that is none":           {always(updates(with(askedFrom, "today"))), "unexpected data"},
		"the filter is ignored":         {always(updates(with(askedFrom, "2026-11-24T07:59:59Z"))), "ignores"},
		"no date":                       {always(dateless), "no Date"},
		"an error beside the data":      {always(reply{body: strings.Replace(updates(updateJSON(1, 1, 5)).body, `{"data"`, `{"errors":[{"message":"Timeout","extensions":{"code":"TIMEOUT"}}],"data"`, 1)}), "TIMEOUT"},
		"a location that vanishes":      {inTurn(more, ok(`{"location":null}`)), "vanished"},
		"the rest in a circle":          {inTurn(more, ok(`{"location":{"inventoryLevels":`+connectionJSON("a", updateJSON(1, 1, 5))+`}}`)), "circle"},
		"the rest cut short":            {inTurn(more, ok(`{"location":{"inventoryLevels":{"edges":[],"pageInfo":{"hasNextPage":false,"endCursor":"a"}}}}`)), "lacks its end"},
		"the rest without levels":       {inTurn(more, ok(`{"location":{}}`)), "inventoryLevels.edges"},
		"the rest refused":              {inTurn(more, failing("ACCESS_DENIED", "No.")), "ACCESS_DENIED"},

		"no variants":                      {always(bare(`null`)), "productVariants.edges"},
		"no page info of variants":         {always(bare(`{"edges":[]}`)), "hasNextPage"},
		"variants cut short":               {always(bare(`{"edges":[{"cursor":"a","node":` + editedMug(8, 5) + `}],"pageInfo":{"hasNextPage":false,"endCursor":"b"}}`)), "lacks its end"},
		"a null variant":                   {always(edits(`null`)), "InventoryItem"},
		"a null item of a variant":         {always(edits(`{"id":"gid://shopify/ProductVariant/8","updatedAt":"` + askedFrom + `","requiresComponents":false,"product":{"isGiftCard":false},"inventoryItem":null}`)), "InventoryItem"},
		"a variant without an id":          {always(edit("gid://shopify/ProductVariant/8", "8")), "ProductVariant"},
		"a variant without a tracked mark": {always(edit(`"tracked":true,`, "")), "tracked"},
		"a variant without a bundle mark":  {always(edit(`"requiresComponents":false,`, "")), "requiresComponents"},
		"a variant without a gift mark":    {always(edit(`"isGiftCard":false`, "")), "isGiftCard"},
		"a variant without a time":         {always(edit(`"`+askedFrom+`"`, `null`)), "updatedAt of gid://shopify/ProductVariant/8"},
		"a variant's time that is none":    {always(edit(askedFrom, "today")), "unexpected data"},
		"the variants' filter is ignored":  {always(edit(askedFrom, "2026-11-24T07:59:59Z")), "only variants updated since"},
		"a variant without levels":         {always(edits(editJSON(variantJSON(8, itemJSON(8, "MUG", `null`))))), "inventoryLevels"},
		"a variant's levels cut short":     {always(edits(editJSON(variantJSON(8, itemJSON(8, "MUG", `{"edges":[],"pageInfo":{"hasNextPage":false,"endCursor":"b"}}`))))), "lacks its end"},
		"a variant's figure is null":       {always(edit(`"quantity":5`, `"quantity":null`)), `quantity "available"`},
		"a variant's level with two figures": {inTurn(bare(connectionJSON("", editJSON(variantJSON(8, itemJSON(8, "MUG", levelsJSON("", levelJSON(1, 1), levelJSON(1, 2)))))))),
			"two figures"},
		"the rest of the variants in a circle": {inTurn(moreEdits, ok(`{"productVariants":`+connectionJSON("a", editedMug(8, 5))+`}`)), "circle"},
		"the rest of the variants cut short":   {inTurn(moreEdits, ok(`{"productVariants":{"edges":[],"pageInfo":{"hasNextPage":false,"endCursor":"a"}}}`)), "lacks its end"},
		"the rest without variants":            {inTurn(moreEdits, ok(`{}`)), "productVariants.edges"},
		"the rest of the variants refused":     {inTurn(moreEdits, failing("ACCESS_DENIED", "No.")), "ACCESS_DENIED"},
		"the rest of the variants is old":      {inTurn(moreEdits, ok(`{"productVariants":`+connectionJSON("", strings.Replace(editedMug(8, 5), askedFrom, "2026-11-24T07:59:59Z", 1))+`}`)), "ignores"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			talk(t, test.answer, func(t *testing.T, c *Client, _ *store) {
				got, err := c.Glance(t.Context(), marked)
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want an error with %q", err, test.want)
				}
				if diff := cmp.Diff(inventory.Glance{}, got); diff != "" {
					t.Errorf("something is given beside the error:\n%s", diff)
				}
			})
		})
	}
}

func TestMoreUpdatesThanAWholeReadWouldCostAreAnError(t *testing.T) {
	talk(t, func(n int, a asked) reply {
		if a.Op == "readUpdates" {
			return placesJSON("", placeJSON(1, connectionJSON("levels", updateJSON(1, 1, 5))))
		}
		return ok(`{"location":{"inventoryLevels":` + connectionJSON(fmt.Sprint(n), updateJSON(int64(n), 1, 5), updateJSON(int64(n)+100, 1, 5)) + `}}`)
	}, func(t *testing.T, c *Client, s *store) {
		c.window = 5
		got, err := c.Glance(t.Context(), marked)
		if !errors.Is(err, inventory.ErrIncomplete) || !strings.Contains(err.Error(), "read the whole store") || got.Locations != nil || len(s.requests()) != 4 {
			t.Errorf("got %v after %d requests, want an incomplete read after 3 pages of 2", err, len(s.requests()))
		}
	})
}

func TestMoreEditsThanAWholeReadWouldCostAreAnError(t *testing.T) {
	talk(t, func(n int, a asked) reply {
		if a.Op == "readUpdates" {
			return glanceJSON(connectionJSON("edits", editedMug(1, 5)), "", placeJSON(1, noUpdates))
		}
		return ok(`{"productVariants":` + connectionJSON(fmt.Sprint(n), editedMug(int64(n), 5), editedMug(int64(n)+100, 5)) + `}`)
	}, func(t *testing.T, c *Client, s *store) {
		c.window = 5
		got, err := c.Glance(t.Context(), marked)
		if !errors.Is(err, inventory.ErrIncomplete) || !strings.Contains(err.Error(), "more than 5 variants") || got.Locations != nil || len(s.requests()) != 4 {
			t.Errorf("got %v after %d requests, want an incomplete read after 3 pages of 2", err, len(s.requests()))
		}
	})
}

func TestAGlanceThatCostsTooMuchAsksForLessOfAllAndRemembers(t *testing.T) {
	talk(t, func(_ int, a asked) reply {
		var vars struct{ First, Moved int }
		a.vars(t, &vars)
		if vars.First*vars.Moved > 60 {
			return failing("MAX_COST_EXCEEDED", "Query cost is 1502, which exceeds the single query max cost limit 1000")
		}
		return placesJSON("", placeJSON(1, noUpdates))
	}, func(t *testing.T, c *Client, s *store) {
		for range 2 {
			c.expectLevels(19)
			if _, err := c.Glance(t.Context(), marked); err != nil {
				t.Fatal(err)
			}
		}
		var sizes []string
		for _, a := range s.requests() {
			var vars struct{ First, Moved, Edited, Levels int }
			a.vars(t, &vars)
			sizes = append(sizes, fmt.Sprint(vars.First, "x", vars.Moved, " ", vars.Edited, "x", vars.Levels))
		}
		if want := []string{"20x50 250x20", "10x25 125x20", "4x12 62x20", "4x12 62x20"}; !slices.Equal(sizes, want) {
			t.Errorf("asked for %q, want %q", sizes, want)
		}
	})
}

// What the store charges is measured here by the sandbox's formula, which is
// fitted to recorded answers.
func TestAnIdleGlanceCostsOneRequestAndFewPoints(t *testing.T) {
	for _, locations := range []int{1, 3, 10, 50, 200} {
		synctest.Test(t, func(t *testing.T) {
			w := sandbox.NewWorld(sandbox.Options{Now: time.Now})
			for i := range locations {
				if _, err := w.AddStoreLocation("", sandbox.StoreLocation{Name: fmt.Sprint("Shop ", i)}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := w.AddListing("", sandbox.Listing{SKU: "MUG", Levels: []sandbox.Level{{Location: "Shop 0", Available: 5}}}); err != nil {
				t.Fatal(err)
			}
			c := simulatedClient(t, w)
			first, err := c.Glance(t.Context(), time.Time{})
			if err != nil || len(first.Locations) != locations || first.Levels != nil {
				t.Fatalf("%d locations and %d levels, %v", len(first.Locations), len(first.Levels), err)
			}
			wait(t, time.Minute)
			before := c.Counts()
			idle, err := c.Glance(t.Context(), first.Mark.Add(time.Minute))
			if err != nil || len(idle.Locations) != locations || idle.Levels != nil || idle.Edited != nil || !idle.Mark.Equal(first.Mark.Add(time.Minute)) {
				t.Fatalf("%d locations and %d levels, marked %s after %s, %v", len(idle.Locations), len(idle.Levels), idle.Mark, first.Mark, err)
			}
			after := c.Counts()
			price := 0.0
			for key, points := range c.bucket.costs {
				if key.name == glanceName {
					price = max(price, points)
				}
			}
			charged := after.Cost - before.Cost
			t.Logf("%d locations: an idle glance asks for %.0f points and is charged %.0f", locations, price, charged)
			if after.Count != before.Count+1 || price <= 0 || price > 700 || charged > 30 {
				t.Errorf("%d locations: %d requests, %.0f points asked for and %.0f charged, want 1, no more than 700 and 30",
					locations, after.Count-before.Count, price, charged)
			}
		})
	}
}

// Whether a write counts as an update of the variant is not known: both must be
// cheap.
func TestAGlanceBehindOurOwnBatchesCostsFewRequests(t *testing.T) {
	const variants, places = 400, 3
	for _, dated := range []bool{false, true} {
		for _, each := range []int{1, places} { // levels of an item that are written
			synctest.Test(t, func(t *testing.T) {
				w := sandbox.NewWorld(sandbox.Options{Now: time.Now, Stores: []sandbox.StoreOptions{{StockDates: dated}}})
				stock(t, w, variants, places)
				c := simulatedClient(t, w)
				first, err := c.Glance(t.Context(), time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				levels, err := c.Observe(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				wait(t, 2*glanceOverlap)
				batch, items := inventory.Batch{Key: "own"}, map[inventory.ItemID]bool{}
				for i := 0; len(batch.Changes) < inventory.BatchSize; i++ {
					if item, place := i/places, i%places; each == places || item%places == place {
						batch.Changes = append(batch.Changes, inventory.Change{Key: levels[i].Key, Variant: levels[i].Variant, From: levels[i].Available, To: levels[i].Available + 1})
						items[levels[i].Item] = true
					}
				}
				if outcomes, err := c.Set(t.Context(), batch); err != nil || outcomes[0].Result != inventory.Applied {
					t.Fatal(outcomes, err)
				}
				before := c.Counts()
				glance, err := c.Glance(t.Context(), first.Mark.Add(2*glanceOverlap))
				after := c.Counts()
				t.Logf("%d writes to %d items, which are dated by it: %v: a glance takes %d requests and is charged %.0f points",
					len(batch.Changes), len(items), dated, after.Count-before.Count, after.Cost-before.Cost)
				want := 0
				if dated {
					want = places * len(items)
				}
				if err != nil || len(glance.Levels) != len(batch.Changes) || len(glance.Edited) != want || after.Count-before.Count > 1+places {
					t.Errorf("told of %d levels and %d of edited items in %d requests, %v, want %d and %d in %d",
						len(glance.Levels), len(glance.Edited), after.Count-before.Count, err, len(batch.Changes), want, 1+places)
				}
			})
		}
	}
}

func TestANewLocationWhereItemsAreStockedCostsNoRequestForEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sandbox.NewWorld(sandbox.Options{Now: time.Now, Stores: []sandbox.StoreOptions{{StockDates: true}}})
		stock(t, w, 40, 3)
		c := simulatedClient(t, w)
		first, err := c.Glance(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		wait(t, 2*glanceOverlap)
		levels := []sandbox.Level{{Location: "Shop 3", Available: 2}}
		for i := range 3 {
			levels = append(levels, sandbox.Level{Location: fmt.Sprint("Shop ", i), Available: 5})
		}
		fill(t, w, []sandbox.StoreLocation{{Name: "Shop 3"}}, []sandbox.Listing{{SKU: "CUP", Levels: levels}, {SKU: "BOWL", Levels: levels}})
		before := c.Counts()
		glance, err := c.Glance(t.Context(), first.Mark.Add(2*glanceOverlap))
		if after := c.Counts(); err != nil || len(glance.Locations) != 4 || len(glance.Edited) != 8 || after.Count != before.Count+1 {
			t.Errorf("%d locations and %d levels in %d requests, %v, want 4 and 8 in one", len(glance.Locations), len(glance.Edited), after.Count-before.Count, err)
		}
	})
}

// stock fills a world with variants that are stocked at all of some locations.
func stock(t *testing.T, w *sandbox.World, variants, places int) {
	t.Helper()
	var levels []sandbox.Level
	var locations []sandbox.StoreLocation
	for i := range places {
		levels = append(levels, sandbox.Level{Location: fmt.Sprint("Shop ", i), Available: 5})
		locations = append(locations, sandbox.StoreLocation{Name: levels[i].Location})
	}
	listings := make([]sandbox.Listing, variants)
	for i := range listings {
		listings[i] = sandbox.Listing{SKU: fmt.Sprintf("MUG-%d", i), Product: fmt.Sprint(i), Levels: levels}
	}
	fill(t, w, locations, listings)
}

// An edit may date nothing but the variant, also one that is stocked nowhere.
func TestEveryEditOfAVariantIsToldAndNothingElseOfIt(t *testing.T) {
	edited := func(sku inventory.SKU, untracked bool, locations ...inventory.LocationID) (list []inventory.Level) {
		for _, at := range locations {
			list = append(list, inventory.Level{Key: key(0, int64(at)), SKU: sku, Untracked: untracked, Available: 5, Active: true})
		}
		return list
	}
	tests := map[string]struct {
		do   func(*sandbox.World) error
		want []inventory.Level // without ids of items and variants
	}{
		"nothing":     {func(*sandbox.World) error { return nil }, nil},
		"another SKU": {func(w *sandbox.World) error { return w.Do(sandbox.SKUChanged{Store: "main", SKU: "MUG-3", To: "CUP"}) }, edited("CUP", false, 1, 2)},
		"no tracking": {func(w *sandbox.World) error { return w.Do(sandbox.TrackingSwitched{SKU: "MUG-3"}) }, edited("MUG-3", true, 1, 2)},
		"no SKU":      {func(w *sandbox.World) error { return w.Do(sandbox.SKUChanged{Store: "main", SKU: "MUG-3"}) }, edited("", false, 1, 2)},
		"a figure": {func(w *sandbox.World) error {
			return w.Do(sandbox.HandEdit{SKU: "MUG-3", Location: "Shop 0", Available: 7})
		}, nil},
		"one deleted": {func(w *sandbox.World) error { return w.Do(sandbox.ListingDeleted{SKU: "MUG-3"}) }, nil},
		"a new bundle": {func(w *sandbox.World) error {
			_, err := w.AddListing("", sandbox.Listing{SKU: "SET", Parts: []sandbox.Component{{SKU: "MUG-1", Quantity: 2}}})
			return err
		}, []inventory.Level{{Key: key(0, 0), SKU: "SET", Unstocked: true, Bundle: true}}},
		"a new gift card at a location": {func(w *sandbox.World) error {
			_, err := w.AddListing("", sandbox.Listing{SKU: "CARD", GiftCard: true, Untracked: true, Levels: []sandbox.Level{{Location: "Shop 1", Available: 5}}})
			return err
		}, []inventory.Level{{Key: key(0, 2), SKU: "CARD", Available: 5, Active: true, Untracked: true, GiftCard: true}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := sandbox.NewWorld(sandbox.Options{Now: time.Now})
				stock(t, w, 5, 2)
				c := simulatedClient(t, w)
				first, err := c.Glance(t.Context(), time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				ordinal := map[inventory.LocationID]int64{}
				for i, location := range first.Locations {
					ordinal[location.ID] = int64(i) + 1
				}
				wait(t, 2*glanceOverlap)
				if err := test.do(w); err != nil {
					t.Fatal(err)
				}
				glance, err := c.Glance(t.Context(), first.Mark.Add(2*glanceOverlap))
				got := glance.Edited
				for i := range got {
					got[i].Key, got[i].Variant = key(0, ordinal[got[i].Location]), 0
				}
				if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
					t.Errorf("%v\n%s", err, diff)
				}
			})
		})
	}
}

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
			before, err := c.Observe(t.Context())
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
				now, err := c.Observe(t.Context())
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
		t.Skip("it shows nothing to the race detector, and takes long there")
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
