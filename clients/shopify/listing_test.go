package shopify

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/inventory"
)

// stockJSON is a level with all quantities of an inventory CSV, in Shopify's
// own order.
func stockJSON(location int64, active bool, available, committed, incoming, onHand, reserved, damaged, safety, quality int) string {
	var list []string
	for _, q := range []struct {
		name string
		n    int
	}{
		{"available", available}, {"committed", committed}, {"damaged", damaged}, {"incoming", incoming},
		{"on_hand", onHand}, {"quality_control", quality}, {"reserved", reserved}, {"safety_stock", safety},
	} {
		list = append(list, fmt.Sprintf(`{"name":%q,"quantity":%d}`, q.name, q.n))
	}
	return fmt.Sprintf(`{"isActive":%t,"location":{"id":"gid://shopify/Location/%d"},"quantities":[%s]}`, active, location, strings.Join(list, ","))
}

// listingJSON is variant and item n of a product.
func listingJSON(n int64, handle, title, options, customs, levels string) string {
	return fmt.Sprintf(`{"id":"gid://shopify/ProductVariant/%[1]d","requiresComponents":false,"product":{"isGiftCard":false,"handle":%[2]q,"title":%[3]q},
		"selectedOptions":[%[4]s],"inventoryItem":{"id":"gid://shopify/InventoryItem/%[1]d","sku":" MUG-%[1]d","tracked":true,%[5]s,"inventoryLevels":%[6]s}}`,
		n, handle, title, options, customs, levels)
}

const (
	defaultOption = `{"name":"Title","value":"Default Title"}`
	noCustoms     = `"harmonizedSystemCode":null,"countryCodeOfOrigin":null`
)

// plain is a listing of a product of its own, at location 1.
func plain(n int64, handle string) string {
	return listingJSON(n, handle, strings.ToUpper(handle), defaultOption, noCustoms, levelsJSON("", stockJSON(1, true, 1, 0, 0, 1, 0, 0, 0, 0)))
}

func TestAListingShowsWhatTheInventoryCSVShows(t *testing.T) {
	blue := listingJSON(1, "harbour-mug", "Harbour mug", `{"name":"Glaze","value":"Blue"},{"name":"Size","value":"350 ml"}`,
		`"harmonizedSystemCode":"691200","countryCodeOfOrigin":"EE"`,
		levelsJSON("", stockJSON(2, false, -3, 4, 0, 1, 0, 0, 0, 0), stockJSON(1, true, 5, 2, 7, 1117, 10, 100, 400, 600)))
	nameless := listingJSON(2, "tee", "Tee", defaultOption, noCustoms, levelsJSON("", stockJSON(1, true, 0, 0, 0, 0, 0, 0, 0, 0)))
	nowhere := listingJSON(3, "bag", "Bag", defaultOption, noCustoms, levelsJSON(""))
	talk(t, always(variantsJSON("", strings.Replace(nameless, `" MUG-2"`, "null", 1), blue, nowhere)), func(t *testing.T, c *Client, s *store) {
		got, err := c.Listings(t.Context())
		mug := inventory.Listing{
			Key: key(1, 1), Variant: 1, SKU: "MUG-1", Handle: "harbour-mug", Title: "Harbour mug",
			Options: []inventory.Option{{Name: "Glaze", Value: "Blue"}, {Name: "Size", Value: "350 ml"}}, HSCode: "691200", Origin: "EE",
			Active: true, Available: 5, Committed: 2, Incoming: 7, Unavailable: 1110, OnHand: 1117,
		}
		left := mug
		left.Key, left.Active, left.Available, left.Committed, left.Incoming, left.Unavailable, left.OnHand = key(1, 2), false, -3, 4, 0, 0, 1
		want := []inventory.Listing{mug, left, {
			Key: key(2, 1), Variant: 2, Handle: "tee", Title: "Tee", Options: []inventory.Option{{Name: "Title", Value: "Default Title"}}, Active: true,
		}}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		var vars struct{ Names []string }
		s.requests()[0].vars(t, &vars)
		slices.Sort(vars.Names)
		if want := "available committed damaged incoming on_hand quality_control reserved safety_stock"; strings.Join(vars.Names, " ") != want {
			t.Errorf("asked for %q, want %q", vars.Names, want)
		}
	})
}

func TestListingsOfAllPagesComeByHandleThenVariantThenLocation(t *testing.T) {
	twice := listingJSON(5, "b", "B", defaultOption, noCustoms, levelsJSON("more", stockJSON(9, true, 1, 0, 0, 1, 0, 0, 0, 0)))
	answers := inTurn(variantsJSON("1", plain(3, "c"), plain(10, "b")), variantsJSON("2", twice),
		ok(`{"inventoryItem":{"id":"gid://shopify/InventoryItem/5","inventoryLevels":`+levelsJSON("", stockJSON(12, true, 1, 0, 0, 1, 0, 0, 0, 0), stockJSON(4, true, 1, 0, 0, 1, 0, 0, 0, 0))+`}}`),
		variantsJSON("", plain(6, "a")))
	talk(t, func(n int, a asked) reply {
		if (n == 3) != (a.Op == "readItemLevels") {
			return failing("ODD", "the requests come in another order")
		}
		return answers(n, a)
	}, func(t *testing.T, c *Client, s *store) {
		got, err := c.Listings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, row := range got {
			order = append(order, fmt.Sprintf("%s %d %d", row.Handle, row.Variant, row.Location))
		}
		if want := []string{"a 6 1", "b 5 4", "b 5 12", "b 10 1", "c 3 1"}; !slices.Equal(order, want) {
			t.Errorf("got %q, want %q", order, want)
		}
		var vars struct{ Names []string }
		s.requests()[2].vars(t, &vars)
		if len(vars.Names) != 8 {
			t.Errorf("the rest of the levels was asked for with %q", vars.Names)
		}
	})
}

func TestAListingThatLacksSomethingIsAnError(t *testing.T) {
	whole := plain(1, "mug")
	tests := map[string]struct{ listing, want string }{
		"no handle":          {strings.Replace(whole, `"handle":"mug",`, "", 1), "product.handle"},
		"no title":           {strings.Replace(whole, `"title":"MUG"`, `"title":null`, 1), "product.title"},
		"no options":         {strings.Replace(whole, defaultOption, "", 1), "selectedOptions"},
		"a nameless option":  {strings.Replace(whole, `"name":"Title",`, "", 1), "selected option"},
		"an empty option":    {strings.Replace(whole, `"Default Title"`, `""`, 1), "selected option"},
		"no marks":           {strings.Replace(whole, `"tracked":true,`, "", 1), "tracked"},
		"a null figure":      {strings.Replace(whole, `"name":"incoming","quantity":0`, `"name":"incoming","quantity":null`, 1), `quantity "incoming"`},
		"not even a variant": {`null`, "InventoryItem"},
	}
	for _, name := range listingQuantities {
		tests["no "+name] = struct{ listing, want string }{strings.Replace(whole, `"`+name+`"`, `"another"`, 1), fmt.Sprintf("quantity %q of gid://shopify/InventoryItem/1", name)}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			talk(t, always(variantsJSON("", test.listing)), func(t *testing.T, c *Client, _ *store) {
				got, err := c.Listings(t.Context())
				if err == nil || !strings.Contains(err.Error(), test.want) || got != nil {
					t.Errorf("got %d listings and %v, want an error with %q", len(got), err, test.want)
				}
			})
		})
	}
}

func TestListingsThatMoveAreReadAgainAndGivenUpInTheEnd(t *testing.T) {
	renamed := strings.Replace(plain(1, "mug"), `"title":"MUG"`, `"title":"Cup"`, 1)
	talk(t, inTurn(variantsJSON("a", plain(1, "mug")), variantsJSON("", renamed), variantsJSON("", renamed)), func(t *testing.T, c *Client, s *store) {
		got, err := c.Listings(t.Context())
		if err != nil || len(got) != 1 || got[0].Title != "Cup" || len(s.requests()) != 3 {
			t.Errorf("renamed once: got %v, %v after %d requests", got, err, len(s.requests()))
		}
	})
	talk(t, func(n int, _ asked) reply {
		return variantsJSON("a"+fmt.Sprint(n%2), strings.Replace(plain(1, "mug"), `"MUG"`, fmt.Sprintf(`"Mug %d"`, n), 1))
	}, func(t *testing.T, c *Client, s *store) {
		if _, err := c.Listings(t.Context()); !errors.Is(err, inventory.ErrIncomplete) || len(s.requests()) != 6 {
			t.Errorf("renamed for ever: got %v after %d requests, want an incomplete read after 3 readings of 2", err, len(s.requests()))
		}
	})
}

func TestTheListingsOfASimulatedStoreAreItsLevels(t *testing.T) {
	const listings = 600
	simulated(t, listings, func(t *testing.T, c *Client, w *sandbox.World) {
		c.window = 200
		add := func(l sandbox.Listing) {
			if _, err := w.AddListing("", l); err != nil {
				t.Fatal(err)
			}
		}
		add(sandbox.Listing{SKU: "VASE", Product: "Åland vase", Options: []sandbox.Option{{Name: "Glaze", Value: "Blue"}}, HSCode: "691390", Origin: "EE", Levels: []sandbox.Level{
			{Location: "Oslo", Available: 5, Committed: 2, Reserved: 3}, {Location: "Bergen", Available: 7, Inactive: true},
		}})
		add(sandbox.Listing{SKU: "NOWHERE", Product: "Not stocked"})
		add(sandbox.Listing{SKU: "SET", Product: "Bundle", Parts: []sandbox.Component{{SKU: "VASE", Quantity: 2}}})
		got, err := c.Listings(t.Context())
		if err != nil || len(got) != 3*listings+2 {
			t.Fatalf("%d listings, %v, want %d", len(got), err, 3*listings+2)
		}
		if counts := c.Counts(); counts.Throttled != 0 || counts.Retries != 0 {
			t.Errorf("%+v, want nothing throttled", counts)
		}
		for i, row := range got {
			if i > 0 && (row.Handle < got[i-1].Handle || row.Handle == got[i-1].Handle && row.Variant < got[i-1].Variant ||
				row.Variant == got[i-1].Variant && row.Location <= got[i-1].Location) {
				t.Errorf("%s %s stands behind %s %s", row.Handle, row.Key, got[i-1].Handle, got[i-1].Key)
			}
			figures := w.Level("", string(row.SKU), row.Location.String())
			if int(row.Available) != figures.Available || int(row.Committed) != figures.Committed || int(row.OnHand) != figures.OnHand || row.Active != figures.Active {
				t.Errorf("%+v, and the level has %+v", row, figures)
			}
		}
		vase := got[len(got)-2:]
		for i, want := range []inventory.Listing{
			{Active: true, Available: 5, Committed: 2, Unavailable: 3, OnHand: 10},
			{Available: 7, OnHand: 7},
		} {
			want.Key, want.Variant, want.SKU, want.Handle, want.Title = vase[i].Key, vase[i].Variant, "VASE", "åland-vase", "Åland vase"
			want.Options, want.HSCode, want.Origin = []inventory.Option{{Name: "Glaze", Value: "Blue"}}, "691390", "EE"
			if diff := cmp.Diff(want, vase[i]); diff != "" {
				t.Error(diff)
			}
		}
	})
}

// What is there all the time is listed once, whatever else comes, goes or
// moves between the pages.
func TestListingsAreCompleteWhileTheStoreMoves(t *testing.T) {
	const listings = 600
	simulated(t, listings, func(t *testing.T, c *Client, w *sandbox.World) {
		page := 0
		w.Inject(sandbox.Fault{API: "shopify", Op: "readListings", Kind: sandbox.FaultHookAfter, Count: -1, Do: func() {
			page++
			for _, e := range []sandbox.Event{
				sandbox.ListingDeleted{SKU: fmt.Sprintf("MUG-%d", page)},     // has been read
				sandbox.ListingDeleted{SKU: fmt.Sprintf("MUG-%d", 599-page)}, // is to be read
				sandbox.HandEdit{SKU: "MUG-9", Location: "Oslo", Available: 100 + page},
				sandbox.SKUChanged{Store: "main", SKU: fmt.Sprintf("MUG-%d", 20+page), To: fmt.Sprintf("CUP-%d", page)},
			} {
				if err := w.Do(e); err != nil {
					t.Error(err)
				}
			}
			if _, err := w.AddListing("", sandbox.Listing{SKU: fmt.Sprintf("NEW-%d", page), Levels: []sandbox.Level{{Location: "Oslo", Available: 1}}}); err != nil {
				t.Error(err)
			}
		}})
		got, err := c.Listings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rows := map[inventory.SKU]int{}
		for _, row := range got {
			rows[row.SKU]++
		}
		for i := 30; i < 590; i++ {
			if sku := inventory.SKU(fmt.Sprintf("MUG-%d", i)); rows[sku] != 3 {
				t.Errorf("%s is listed %d times, want once at each of 3 locations", sku, rows[sku])
			}
		}
		if page != 3 || rows["NEW-1"] != 1 || rows["MUG-598"] != 0 {
			t.Errorf("%d pages; added after the first: %d rows; deleted before it was read: %d rows", page, rows["NEW-1"], rows["MUG-598"])
		}
	})
}
