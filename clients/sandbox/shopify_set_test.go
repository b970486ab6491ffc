package sandbox

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestAStaleLineRejectsTheWholeCallAndIsNamed(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	got := ask(t, w.Shopify(""), setDocument, setting("k1", "available", line(w.mug.Item, w.oslo, 5, 9), line(w.mug.Item, w.pärnu, 5, 6)))
	if want := []string{"CHANGE_FROM_QUANTITY_STALE input.quantities.1.changeFromQuantity"}; !slices.Equal(got.codes(t), want) {
		t.Errorf("user errors %q, want %q", got.codes(t), want)
	}
	if got.at(t, "inventorySetQuantities", "inventoryAdjustmentGroup") != nil {
		t.Error("a refused call has a group")
	}
	w.mustAvailable(t, "Oslo", 9)
	w.mustAvailable(t, "Pärnu", 7)
	if n := w.Mutations(""); n != 0 || len(w.Writes("")) != 0 {
		t.Errorf("%d mutations and %d writes after a refused call", n, len(w.Writes("")))
	}
}

func TestSettingKeepsTheIdentityOfOnHand(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	if err := w.Do(OrderPlaced{Order: "#1", Lines: []Line{{"MUG", "4"}}, Import: Import{Never: true}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name              string
		to, from          int
		available, onHand int
	}{
		{"available", 20, 5, 20, 24},
		{"on_hand", 3, 24, -1, 3},
	} {
		got := ask(t, w.Shopify(""), setDocument, setting(c.name, c.name, line(w.mug.Item, w.oslo, c.to, c.from)))
		if len(got.codes(t)) > 0 {
			t.Errorf("%s: %q", c.name, got.codes(t))
		}
		if l := w.Level("", "MUG", "Oslo"); l.Available != c.available || l.OnHand != c.onHand || l.Committed != 4 {
			t.Errorf("%s: %+v, want %d available and %d on hand", c.name, l, c.available, c.onHand)
		}
	}
}

func TestASetOfAnInactiveOrUnknownLevelSucceedsAndActivatesNothing(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	never := must(w.AddListing("", Listing{SKU: "BOWL"}))(t)
	got := ask(t, w.Shopify(""), setDocument, setting("k", "available", line(w.mug.Item, w.pärnu, 2, 7), line(never.Item, w.oslo, 3, nil)))
	if len(got.codes(t)) > 0 {
		t.Fatal(got.body)
	}
	for sku, want := range map[string]LevelFigures{"MUG": {Available: 2, OnHand: 2, Exists: true}} {
		if l := w.Level("", sku, "Pärnu"); l != want {
			t.Errorf("%s: %+v, want %+v", sku, l, want)
		}
	}
	if l, want := w.Level("", "BOWL", "Oslo"), (LevelFigures{Available: 3, OnHand: 3, Exists: true}); l != want {
		t.Errorf("%+v, want %+v", l, want)
	}
}

func TestLinesThatCannotBeSetAreAllNamed(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	bundle := must(w.AddListing("", Listing{SKU: "SET", Parts: []Component{{"MUG", 2}}}))(t)
	closed := must(w.AddStoreLocation("", StoreLocation{Name: "Closed", Inactive: true}))(t)
	got := ask(t, w.Shopify(""), setDocument, setting("k", "on_hand",
		line(bundle.Item, w.oslo, 1, nil),
		line(w.mug.Item, closed, 1, nil),
		line(w.mug.Item, w.oslo, -1, 9),
		line("gid://shopify/InventoryItem/1", w.oslo, 1, nil),
		line(w.mug.Item, w.pärnu, 1, 7),
	))
	want := []string{
		"NON_MUTABLE_INVENTORY_ITEM input.quantities.0.inventoryItemId",
		"INVALID_LOCATION input.quantities.1.locationId",
		"INVALID_QUANTITY_NEGATIVE input.quantities.2.quantity",
		"INVALID_INVENTORY_ITEM input.quantities.3.inventoryItemId",
	}
	if !slices.Equal(got.codes(t), want) {
		t.Errorf("user errors %q, want %q", got.codes(t), want)
	}
	w.mustAvailable(t, "Pärnu", 7)
}

func TestAKeyStandsForItsFirstRequestForADay(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	shop := w.Shopify("")
	first := setting("key", "available", line(w.mug.Item, w.oslo, 5, nil))
	other := setting("key", "available", line(w.mug.Item, w.oslo, 6, nil))
	steps := []struct {
		name      string
		wait      time.Duration
		input     any
		codes     []string
		available int
	}{
		{"the first request is carried out", 0, first, nil, 5},
		{"a replay after a hand edit does nothing", time.Minute, first, nil, 100},
		{"other input under the key is refused", time.Minute, other, []string{"IDEMPOTENCY_KEY_PARAMETER_MISMATCH "}, 100},
		{"just before the day is over it is still a replay", 24*time.Hour - 2*time.Minute - time.Second, first, nil, 100},
		{"after a day the key is new", time.Second, other, nil, 6},
	}
	for i, step := range steps {
		w.clock.at = w.clock.at.Add(step.wait)
		if i == 1 {
			if err := w.Do(HandEdit{SKU: "MUG", Location: "Oslo", Available: 100}); err != nil {
				t.Fatal(err)
			}
		}
		got := ask(t, shop, setDocument, step.input)
		if !slices.Equal(got.codes(t), step.codes) {
			t.Errorf("%s: user errors %q, want %q", step.name, got.codes(t), step.codes)
		}
		if step.codes == nil && got.at(t, "inventorySetQuantities", "inventoryAdjustmentGroup") == nil {
			t.Errorf("%s: no group in %s", step.name, got.body)
		}
		w.mustAvailable(t, "Oslo", step.available)
	}
	if n := w.Mutations(""); n != 2 {
		t.Errorf("%d mutations were carried out, want 2", n)
	}
}

func TestAFailedKeyStaysFailedAndABusyOneSaysSo(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	shop := w.Shopify("")
	stale := setting("stale", "available", line(w.mug.Item, w.oslo, 5, 1))
	ask(t, shop, setDocument, stale)
	if got := ask(t, shop, setDocument, stale).codes(t); !slices.Equal(got, []string{"IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED "}) {
		t.Errorf("after a failure: %q", got)
	}
	if err := w.Do(KeysBusy{For: 3 * time.Second}); err != nil {
		t.Fatal(err)
	}
	good := setting("good", "available", line(w.mug.Item, w.oslo, 5, 9))
	ask(t, shop, setDocument, good)
	if got := ask(t, shop, setDocument, good).codes(t); !slices.Equal(got, []string{"IDEMPOTENCY_CONCURRENT_REQUEST "}) {
		t.Errorf("while under way: %q", got)
	}
	w.clock.at = w.clock.at.Add(3 * time.Second)
	if got := ask(t, shop, setDocument, good).codes(t); got != nil {
		t.Errorf("after it: %q", got)
	}
}

func TestABlankKeyAndTooManyLinesAreRefused(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	lines := make([]map[string]any, 251)
	for i := range lines {
		lines[i] = line(fmt.Sprintf("gid://shopify/InventoryItem/%d", i+1), w.oslo, 1, nil)
	}
	for _, c := range []struct {
		name, code string
		input      any
	}{
		{"a blank key", "BAD_REQUEST", setting("  ", "available", line(w.mug.Item, w.oslo, 5, 9))},
		{"251 quantities", "MAX_INPUT_SIZE_EXCEEDED", setting("k", "available", lines...)},
	} {
		got := ask(t, w.Shopify(""), setDocument, c.input)
		if got.code() != c.code || got.at(t, "inventorySetQuantities") != nil {
			t.Errorf("%s: %s", c.name, got.body)
		}
	}
	w.mustAvailable(t, "Oslo", 9)
}

func TestActivationKeepsWhatWasThere(t *testing.T) {
	const document = `mutation A($item: ID!, $at: ID!, $n: Int, $key: String!) {
		inventoryActivate(inventoryItemId: $item, locationId: $at, available: $n) @idempotent(key: $key) {
			inventoryLevel { isActive quantities(names: ["available"]) { quantity } } userErrors { field message } } }`
	w := newTiny(t, StoreOptions{})
	got := ask(t, w.Shopify(""), document, map[string]any{"item": w.mug.Item, "at": w.pärnu, "key": "a"})
	if n := got.at(t, "inventoryActivate", "inventoryLevel", "quantities", 0, "quantity"); n != 7.0 {
		t.Errorf("%v available, want the 7 that were there", n)
	}
	if l := w.Level("", "MUG", "Pärnu"); !l.Active {
		t.Error("the level is inactive still")
	}
	got = ask(t, w.Shopify(""), document, map[string]any{"item": w.mug.Item, "at": w.pärnu, "n": 3, "key": "b"})
	if errs, _ := got.at(t, "inventoryActivate", "userErrors").([]any); len(errs) != 1 {
		t.Errorf("an active level took a quantity: %s", got.body)
	}
	w.mustAvailable(t, "Pärnu", 7)
}
