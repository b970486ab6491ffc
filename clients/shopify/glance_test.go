package shopify

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	return ok(`{` + scopesJSON("read_products") + `,"locations":` + connectionJSON(next, places...) + `,"productVariants":` + edits + `}`)
}

// scopesJSON is what the app is granted.
func scopesJSON(scopes ...string) string {
	handles := make([]string, len(scopes))
	for i, scope := range scopes {
		handles[i] = fmt.Sprintf(`{"handle":%q}`, scope)
	}
	return `"currentAppInstallation":{"accessScopes":[` + strings.Join(handles, ",") + `]}`
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
		"more locations without cursor": {always(ok(`{` + scopesJSON() + `,"locations":{"edges":[],"pageInfo":{"hasNextPage":true}},"productVariants":` + noUpdates + `}`)), "no cursor"},
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
