package inventory_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/inventory"
)

func TestTrimSKUTakesOnlyOuterWhiteSpace(t *testing.T) {
	tests := []struct {
		text string
		want inventory.SKU
	}{
		{"MUG-1", "MUG-1"}, {" MUG-1\t\n", "MUG-1"}, {"MUG  1", "MUG  1"}, {"mug-1", "mug-1"}, {"   ", ""}, {"\u00a0MUG", "MUG"},
	}
	for _, tt := range tests {
		if got := inventory.TrimSKU(tt.text); got != tt.want {
			t.Errorf("TrimSKU(%q): got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestGlobalIDsReadBackAndNothingElseIsOne(t *testing.T) {
	if got, want := inventory.ItemID(4711).String(), "gid://shopify/InventoryItem/4711"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, err := inventory.ParseItemID("gid://shopify/InventoryItem/4711"); err != nil || got != 4711 {
		t.Errorf("got %d, %v", got, err)
	}
	if got, err := inventory.ParseVariantID("gid://shopify/ProductVariant/9223372036854775807"); err != nil || got != 9223372036854775807 {
		t.Errorf("got %d, %v", got, err)
	}
	if got, err := inventory.ParseLocationID("gid://shopify/Location/1"); err != nil || got != 1 {
		t.Errorf("got %d, %v", got, err)
	}
	if id, err := inventory.ParseLocationID("gid://shopify/Location/9223372036854775808"); err == nil {
		t.Errorf("an id that no int64 holds: got %d", id)
	}
	for _, bad := range []string{
		"", "4711", "gid://shopify/Location/", "gid://shopify/Location/0", "gid://shopify/Location/-1", "gid://shopify/Location/+1",
		"gid://shopify/Location/01", "gid://shopify/Location/1?x=1", "gid://shopify/Location/1 ",
		"gid://shopify/InventoryItem/1", "GID://shopify/Location/1",
	} {
		_, err := inventory.ParseLocationID(bad)
		if want := fmt.Sprintf("%q is not of the form gid://shopify/Location/N", bad); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %q", bad, err, want)
		}
	}
}

func TestIDsTravelThroughJSONAsGlobalIDs(t *testing.T) {
	change := inventory.Change{
		Key:     inventory.Key{Store: "main", Item: 4711, Location: 42},
		Variant: 7, SKU: "MUG", LocationName: "Shop", From: 10, To: 7, Reason: inventory.ReasonDrift,
	}
	want := `{"store":"main","inventory_item_id":"gid://shopify/InventoryItem/4711","location_id":"gid://shopify/Location/42",` +
		`"variant_id":"gid://shopify/ProductVariant/7","sku":"MUG","location":"Shop","from":10,"to":7,"reason":"drift"}`
	got, err := json.Marshal(change)
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
	var back inventory.Change
	if err := json.Unmarshal(got, &back); err != nil || back != change {
		t.Errorf("got %+v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"variant_id":"gid://shopify/Product/7"}`), &back); err == nil {
		t.Error("the id of a product was taken for one of a variant")
	}
}

func TestAChangeWithoutAVariantCanBeReadBack(t *testing.T) {
	outcome := inventory.Outcome{
		Change: inventory.Change{Key: inventory.Key{Store: "main", Item: 1, Location: 2}, SKU: "MUG", From: 1, To: 2},
		Result: inventory.Waiting,
	}
	data, err := json.Marshal([]inventory.Outcome{outcome})
	if err != nil {
		t.Fatal(err)
	}
	var back []inventory.Outcome
	if err := json.Unmarshal(data, &back); err != nil || !slices.Equal(back, []inventory.Outcome{outcome}) {
		t.Errorf("%s: got %+v, %v", data, back, err)
	}
	var key inventory.Key
	if err := json.Unmarshal([]byte(`{"inventory_item_id":"","location_id":""}`), &key); err != nil || key != (inventory.Key{}) {
		t.Errorf("got %+v, %v", key, err)
	}
}

func TestKeysAreWrittenAsTheReleaseCommandTakesThem(t *testing.T) {
	key := inventory.Key{Store: "main", Item: 4711, Location: 42}
	if got := key.String(); got != "main/4711/42" {
		t.Errorf("got %q", got)
	}
	if got, err := inventory.ParseKey("main/4711/42"); err != nil || got != key {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{
		"", "main", "main/4711", "main/4711/42/1", "/4711/42", "main/0/42", "main/4711/-1", "main/+4711/42", "main/04711/42", "main/x/42",
		"main/4711/ 42", "main/9223372036854775808/1",
	} {
		_, err := inventory.ParseKey(bad)
		if want := fmt.Sprintf("%q is not a level: want store/item/location, such as main/4711/42", bad); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %q", bad, err, want)
		}
	}
}

func TestKeysAreOrderedByStoreThenItemThenLocation(t *testing.T) {
	want := []inventory.Key{{"a", 1, 1}, {"a", 1, 2}, {"a", 2, 1}, {"a", 10, 1}, {"b", 1, 1}}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, inventory.Key.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for i, a := range want {
		for j, b := range want {
			if got, want := a.Compare(b), min(max(i-j, -1), 1); got != want {
				t.Errorf("%v against %v: got %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestAnyKeyReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := inventory.Key{
			Store:    inventory.StoreName(rapid.StringMatching(`[a-z][a-z0-9-]{0,20}`).Draw(t, "store")),
			Item:     inventory.ItemID(rapid.Int64Min(1).Draw(t, "item")),
			Location: inventory.LocationID(rapid.Int64Min(1).Draw(t, "location")),
		}
		if got, err := inventory.ParseKey(want.String()); err != nil || got != want {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got inventory.Key
		if err := json.Unmarshal(data, &got); err != nil || got != want {
			t.Fatalf("%s: got %+v, %v", data, got, err)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	for _, seed := range []string{"main/4711/42", "main/+1/2", "//", "a/1/01", strings.Repeat("/", 50)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := inventory.ParseKey(text)
		if err == nil && key.String() != text {
			t.Errorf("%q: got %q back", text, key)
		}
	})
}

func FuzzParseGID(f *testing.F) {
	for _, seed := range []string{"gid://shopify/InventoryItem/1", "gid://shopify/ProductVariant/2", "gid://shopify/Location/03", "gid://shopify/Location/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		kinds := 0
		if id, err := inventory.ParseItemID(text); err == nil {
			kinds++
			if id.String() != text || id <= 0 {
				t.Errorf("%q: got %q back", text, id)
			}
		}
		if id, err := inventory.ParseVariantID(text); err == nil {
			kinds++
			if id.String() != text || id <= 0 {
				t.Errorf("%q: got %q back", text, id)
			}
		}
		if id, err := inventory.ParseLocationID(text); err == nil {
			kinds++
			if id.String() != text || id <= 0 {
				t.Errorf("%q: got %q back", text, id)
			}
		}
		if kinds > 1 {
			t.Errorf("%q is the id of %d kinds", text, kinds)
		}
	})
}

func TestErrorsSayWhatHappenedAndWhatToDoNext(t *testing.T) {
	cause := errors.New("shop is frozen")
	tests := []struct {
		err  error
		want string
	}{
		{&inventory.RefusedError{Code: "INVALID", Message: "no"}, "batch refused without naming a line: INVALID: no"},
		{&inventory.PauseError{For: time.Hour, Err: cause}, "shop is frozen"},
		{&inventory.PauseError{For: time.Hour, Err: cause, Next: "pay the bill"}, "shop is frozen: pay the bill"},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	if !errors.Is(&inventory.PauseError{Err: cause}, cause) {
		t.Error("a pause hides its cause")
	}
}
