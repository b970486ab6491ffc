package shopify

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stocksyncd/reconcile/inventory"
)

func change(item, location int64, from, to inventory.Units) inventory.Change {
	return inventory.Change{Key: key(item, location), From: from, To: to}
}

// three is a batch of three lines.
func three() inventory.Batch {
	return inventory.Batch{Cycle: 7, Key: "the-key", Changes: []inventory.Change{
		change(1, 1, 5, 3), change(2, 1, 0, 4), change(2, 2, -1, 0),
	}}
}

// done confirms changes as Shopify does: quantityAfterChange is null.
func done(changes ...inventory.Change) reply {
	var lines []string
	for _, ch := range changes {
		lines = append(lines, fmt.Sprintf(`{"name":"available","delta":%d,"quantityAfterChange":null,"item":{"id":"%s"},"location":{"id":"%s"}}`,
			ch.To-ch.From, ch.Item, ch.Location))
	}
	return ok(`{"inventorySetQuantities":{"inventoryAdjustmentGroup":{"changes":[` + strings.Join(lines, ",") + `]},"userErrors":[]}}`)
}

// userErrors refuses with pairs of line and code; line -1 names none.
func userErrors(lines ...any) reply {
	var list []string
	for i := 0; i+1 < len(lines); i += 2 {
		field := `null`
		if lines[i] != -1 {
			field = fmt.Sprintf(`["input","quantities","%d","quantity"]`, lines[i])
		}
		code := fmt.Sprintf("%q", lines[i+1])
		if lines[i+1] == "" {
			code = "null"
		}
		list = append(list, fmt.Sprintf(`{"code":%s,"field":%s,"message":"No way."}`, code, field))
	}
	return ok(`{"inventorySetQuantities":{"inventoryAdjustmentGroup":null,"userErrors":[` + strings.Join(list, ",") + `]}}`)
}

// told shows outcomes as "applied stale(CODE: message)".
func told(list []inventory.Outcome) string {
	var words []string
	for _, o := range list {
		word := string(o.Result)
		if o.Detail != "" {
			word += "(" + o.Detail + ")"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestABatchIsOneMutationThatComparesBeforeItSets(t *testing.T) {
	batch := three()
	talk(t, always(done(batch.Changes...)), func(t *testing.T, c *Client, s *store) {
		got, err := c.Set(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		if told(got) != "applied applied applied" || got[1].Change != batch.Changes[1] {
			t.Errorf("got %v", told(got))
		}
		a := s.requests()[0]
		if !strings.Contains(a.Query, "inventorySetQuantities(input: $input) @idempotent(key: $key)") {
			t.Errorf("no idempotency directive in %s", a.Query)
		}
		var vars any
		a.vars(t, &vars)
		var want any
		_ = json.Unmarshal([]byte(`{"key":"the-key","input":{"name":"available","reason":"correction","referenceDocumentUri":"gid://stocksyncd/Cycle/7","quantities":[
			{"inventoryItemId":"gid://shopify/InventoryItem/1","locationId":"gid://shopify/Location/1","quantity":3,"changeFromQuantity":5},
			{"inventoryItemId":"gid://shopify/InventoryItem/2","locationId":"gid://shopify/Location/1","quantity":4,"changeFromQuantity":0},
			{"inventoryItemId":"gid://shopify/InventoryItem/2","locationId":"gid://shopify/Location/2","quantity":0,"changeFromQuantity":-1}]}}`), &want)
		if diff := cmp.Diff(want, vars); diff != "" {
			t.Error(diff)
		}
	})
}

// What the client does about each code of InventorySetQuantitiesUserErrorCode.
func TestEveryUserErrorHasItsReaction(t *testing.T) {
	const unsent, detail = "unsent", "No way."
	line := func(result inventory.Result, code string) string {
		return unsent + " " + string(result) + "(" + code + ": " + detail + ") " + unsent
	}
	tests := []struct {
		code string
		want string // outcomes
		is   string // or the kind of error
	}{
		{"CHANGE_FROM_QUANTITY_STALE", line(inventory.Stale, "CHANGE_FROM_QUANTITY_STALE"), ""},
		{"COMPARE_QUANTITY_STALE", line(inventory.Stale, "COMPARE_QUANTITY_STALE"), ""},
		{"COMPARE_QUANTITY_REQUIRED", "", "misuse"},
		{"IDEMPOTENCY_CONCURRENT_REQUEST", "", "lost"}, // when it does not end, see below
		{"IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "", "misuse"},
		{"IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "", "lost"},
		{"INVALID_INVENTORY_ITEM", line(inventory.Rejected, "INVALID_INVENTORY_ITEM"), ""},
		{"INVALID_LOCATION", line(inventory.Rejected, "INVALID_LOCATION"), ""},
		{"INVALID_NAME", "", "misuse"},
		{"INVALID_REASON", "", "misuse"},
		{"INVALID_REFERENCE_DOCUMENT", "", "misuse"},
		{"INVALID_QUANTITY_NEGATIVE", line(inventory.Rejected, "INVALID_QUANTITY_NEGATIVE"), ""},
		{"INVALID_QUANTITY_TOO_HIGH", line(inventory.Rejected, "INVALID_QUANTITY_TOO_HIGH"), ""},
		{"INVALID_QUANTITY_TOO_LOW", line(inventory.Rejected, "INVALID_QUANTITY_TOO_LOW"), ""},
		{"NON_MUTABLE_INVENTORY_ITEM", line(inventory.Rejected, "NON_MUTABLE_INVENTORY_ITEM"), ""},
		{"NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", "", "misuse"},
		{"SOMETHING_NEW", line(inventory.Rejected, "SOMETHING_NEW"), ""},
		{"", line(inventory.Rejected, "UNKNOWN"), ""},
	}
	covered := map[InventorySetQuantitiesUserErrorCode]bool{}
	for _, test := range tests {
		covered[InventorySetQuantitiesUserErrorCode(test.code)] = true
		t.Run("code "+test.code, func(t *testing.T) {
			talk(t, always(userErrors(1, test.code)), func(t *testing.T, c *Client, _ *store) {
				got, err := c.Set(t.Context(), three())
				if told(got) != test.want || kind(err) != test.is {
					t.Errorf("got %q and %v (%s), want %q and %q", told(got), err, kind(err), test.want, test.is)
				}
				if err != nil && !strings.Contains(err.Error(), "X-Request-Id req-") {
					t.Errorf("%v does not name the request", err)
				}
			})
		})
	}
	for _, code := range AllInventorySetQuantitiesUserErrorCode {
		if !covered[code] {
			t.Errorf("%s has no reaction", code)
		}
	}
}

// kind names what a caller can tell errors apart by.
func kind(err error) string {
	var misuse *MisuseError
	var refused *inventory.RefusedError
	var line *inventory.LineError
	var pause *inventory.PauseError
	var words []string
	if errors.As(err, &misuse) {
		words = append(words, "misuse")
	}
	if errors.As(err, &refused) {
		words = append(words, "refused")
	}
	if errors.As(err, &line) {
		words = append(words, "line")
	}
	if errors.As(err, &pause) {
		words = append(words, "pause "+pause.For.String())
	}
	if errors.Is(err, inventory.ErrAnswerLost) {
		words = append(words, "lost")
	}
	if err != nil && words == nil {
		words = append(words, "error")
	}
	return strings.Join(words, ", ")
}

func TestSeveralUserErrorsAreSortedByLine(t *testing.T) {
	tests := map[string]struct {
		answer reply
		want   string
		is     string
	}{
		"a rejected and a stale line":              {userErrors(0, "INVALID_LOCATION", 2, "CHANGE_FROM_QUANTITY_STALE"), "rejected(INVALID_LOCATION: No way.) unsent stale(CHANGE_FROM_QUANTITY_STALE: No way.)", ""},
		"a line that is stale and rejected":        {userErrors(0, "CHANGE_FROM_QUANTITY_STALE", 0, "INVALID_LOCATION"), "rejected(INVALID_LOCATION: No way.) unsent unsent", ""},
		"a line that is rejected and stale":        {userErrors(0, "INVALID_LOCATION", 0, "CHANGE_FROM_QUANTITY_STALE"), "rejected(INVALID_LOCATION: No way.) unsent unsent", ""},
		"no line":                                  {userErrors(-1, "NON_MUTABLE_INVENTORY_ITEM"), "", "refused"},
		"a line and none":                          {userErrors(-1, "NON_MUTABLE_INVENTORY_ITEM", 1, "INVALID_LOCATION"), "unsent rejected(INVALID_LOCATION: No way.) unsent", ""},
		"a line that was not sent":                 {userErrors(3, "INVALID_LOCATION"), "", "refused"},
		"a line and a mistake of ours":             {userErrors(1, "INVALID_LOCATION", -1, "INVALID_REASON"), "", "misuse"},
		"a line and an attempt that failed before": {userErrors(1, "INVALID_LOCATION", -1, "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"), "", "lost"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			talk(t, always(test.answer), func(t *testing.T, c *Client, _ *store) {
				got, err := c.Set(t.Context(), three())
				if told(got) != test.want || kind(err) != test.is {
					t.Errorf("got %q and %v, want %q and %q", told(got), err, test.want, test.is)
				}
			})
		})
	}
}

func TestABatchOfOneLineNeedsNoIndex(t *testing.T) {
	for _, line := range []int{-1, 0, 7} { // one that was not sent is as good as none
		talk(t, always(userErrors(line, "NON_MUTABLE_INVENTORY_ITEM")), func(t *testing.T, c *Client, _ *store) {
			got, err := c.Set(t.Context(), inventory.Batch{Key: "k", Changes: []inventory.Change{change(1, 1, 1, 2)}})
			if told(got) != "rejected(NON_MUTABLE_INVENTORY_ITEM: No way.)" || err != nil {
				t.Errorf("line %d: got %q and %v", line, told(got), err)
			}
		})
	}
}

func TestAWriteThatIsUnderWayIsAskedForAgainWithTheSameKey(t *testing.T) {
	batch := three()
	talk(t, inTurn(userErrors(-1, "IDEMPOTENCY_CONCURRENT_REQUEST"), done(batch.Changes...)), func(t *testing.T, c *Client, s *store) {
		got, err := c.Set(t.Context(), batch)
		if err != nil || told(got) != "applied applied applied" {
			t.Errorf("got %q and %v", told(got), err)
		}
		if all := s.requests(); len(all) != 2 || all[0].body != all[1].body {
			t.Errorf("%d requests, want the same one twice", len(all))
		}
	})
}

// A write whose answer is doubtful must be read back, not taken for done or
// for undone.
func TestAWriteThatNobodyConfirmsIsReadBack(t *testing.T) {
	batch := three()
	applied := done(batch.Changes...).body
	tests := map[string]struct {
		answer reply
		want   string
	}{
		"the connection breaks":                  {reply{cut: true, body: applied[:20]}, "lost"},
		"no group although figures were to move": {ok(`{"inventorySetQuantities":{"inventoryAdjustmentGroup":null,"userErrors":[]}}`), "lost"},
		"a line is not confirmed":                {done(batch.Changes[:2]...), "lost"},
		"a line moved by another figure":         {done(batch.Changes[0], batch.Changes[1], change(2, 2, -1, 5)), "lost"},
		"a line shows another figure":            {reply{body: strings.Replace(applied, `"quantityAfterChange":null`, `"quantityAfterChange":9`, 1)}, "lost"},
		"no payload":                             {ok(`{}`), "lost"},
		"no list of user errors":                 {ok(`{"inventorySetQuantities":{"inventoryAdjustmentGroup":null}}`), "lost"},
		"data of another form":                   {ok(`{"inventorySetQuantities":7}`), "lost"},
		"a page of HTML":                         {reply{body: "<html>"}, "lost"},
		"server errors to the end":               {reply{status: 503}, "lost"},
		"internal errors to the end":             {failing("INTERNAL_SERVER_ERROR", "Internal error, request id 1-2"), "lost"},
		"denied what it gives back, after the effect": {reply{body: `{"data":{"inventorySetQuantities":{"inventoryAdjustmentGroup":{"changes":[]},"userErrors":[]}},
			"errors":[{"message":"Access denied for changes field.","path":["inventorySetQuantities","inventoryAdjustmentGroup","changes"],"extensions":{"code":"ACCESS_DENIED","requiredAccess":"read_inventory access scope."}}]}`}, "pause 15m0s, lost"},
		"denied, and the payload nulled for it": {reply{body: `{"data":{"inventorySetQuantities":null},
			"errors":[{"message":"Access denied for item field.","path":["inventorySetQuantities","inventoryAdjustmentGroup","changes",0,"item"],"extensions":{"code":"ACCESS_DENIED"}}]}`}, "pause 15m0s, lost"},
		"denied before the effect": {reply{body: `{"data":{"inventorySetQuantities":null},
			"errors":[{"message":"Access denied for inventorySetQuantities field.","path":["inventorySetQuantities"],"extensions":{"code":"ACCESS_DENIED"}}]}`}, "pause 15m0s"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			talk(t, always(test.answer), func(t *testing.T, c *Client, _ *store) {
				got, err := c.Set(t.Context(), batch)
				if kind(err) != test.want || got != nil {
					t.Errorf("got %q and %v (%s), want %q", told(got), err, kind(err), test.want)
				}
			})
		})
	}
	t.Run("doubt does not go away by a later refusal", func(t *testing.T) {
		talk(t, inTurn(failing("INTERNAL_SERVER_ERROR", "oops"), reply{status: 402}), func(t *testing.T, c *Client, _ *store) {
			if _, err := c.Set(t.Context(), batch); kind(err) != "pause 1h0m0s, lost" {
				t.Errorf("got %v (%s), want a pause and doubt", err, kind(err))
			}
		})
	})
}

func TestABatchThatChangesNothingIsConfirmedWithoutAGroup(t *testing.T) {
	talk(t, always(ok(`{"inventorySetQuantities":{"inventoryAdjustmentGroup":null,"userErrors":[]}}`)), func(t *testing.T, c *Client, _ *store) {
		got, err := c.Set(t.Context(), inventory.Batch{Key: "k", Changes: []inventory.Change{change(1, 1, 1, 1)}})
		if told(got) != "applied" || err != nil {
			t.Errorf("got %q and %v", told(got), err)
		}
	})
}

func TestWhatCannotBeABatchIsNotSent(t *testing.T) {
	many := make([]inventory.Change, inventory.BatchSize+1)
	for i := range many {
		many[i] = change(int64(i+1), 1, 0, 1)
	}
	foreign := change(1, 1, 0, 1)
	foreign.Store = "other"
	tests := map[string]struct {
		batch inventory.Batch
		want  string // in the error, or the outcomes
	}{
		"nothing":         {inventory.Batch{Key: "k"}, ""},
		"no key":          {inventory.Batch{Key: " ", Changes: three().Changes}, "no idempotency key"},
		"too many":        {inventory.Batch{Key: "k", Changes: many}, "251 lines"},
		"a pair twice":    {inventory.Batch{Key: "k", Changes: []inventory.Change{change(1, 1, 0, 1), change(1, 1, 0, 2)}}, "main/1/1 is in it twice"},
		"another store's": {inventory.Batch{Key: "k", Changes: []inventory.Change{foreign}}, "another store"},
		"a figure beyond": {inventory.Batch{Key: "k", Changes: []inventory.Change{change(1, 1, 0, 1), change(2, 1, 0, 1<<40)}}, "unsent rejected(INVALID_QUANTITY_TOO_HIGH: 1099511627776 was not sent)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			talk(t, always(done()), func(t *testing.T, c *Client, s *store) {
				got, err := c.Set(t.Context(), test.batch)
				words := told(got)
				if err != nil {
					words = err.Error()
				}
				if !strings.Contains(words, test.want) || len(s.requests()) != 0 {
					t.Errorf("got %q after %d requests, want %q after none", words, len(s.requests()), test.want)
				}
			})
		})
	}
}

func TestLevelsAreReadAgainByItem(t *testing.T) {
	node := func(id int64, sku string, variants, levels string) string {
		return fmt.Sprintf(`{"__typename":"InventoryItem","id":"gid://shopify/InventoryItem/%d","sku":%q,"tracked":true,"variants":{"nodes":[%s]},"inventoryLevels":%s}`, id, sku, variants, levels)
	}
	v := func(id int64) string {
		return fmt.Sprintf(`{"id":"gid://shopify/ProductVariant/%d","requiresComponents":false,"product":{"isGiftCard":false}}`, id)
	}
	answer := ok(`{"nodes":[` + strings.Join([]string{
		node(1, "MUG-1", v(1), levelsJSON("", levelJSON(1, 5), levelJSON(2, 6), levelJSON(3, 7))),
		`null`,
		node(3, "MUG-3", "", levelsJSON("", levelJSON(1, 5))),
		node(4, "MUG-4", v(4), levelsJSON("")),
	}, ",") + `]}`)
	keys := []inventory.Key{key(1, 2), key(1, 1), key(2, 1), key(3, 1), key(4, 1), key(1, 2)}
	talk(t, always(answer), func(t *testing.T, c *Client, s *store) {
		got, err := c.Levels(t.Context(), keys)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]inventory.Level{mugLevel(1, 1, 5), mugLevel(1, 2, 6)}, got); diff != "" {
			t.Error(diff)
		}
		var vars struct{ IDs []string }
		s.requests()[0].vars(t, &vars)
		if len(vars.IDs) != 4 || len(s.requests()) != 1 {
			t.Errorf("asked for %v in %d requests, want 4 items in one", vars.IDs, len(s.requests()))
		}
	})
	talk(t, always(answer), func(t *testing.T, c *Client, s *store) {
		if got, err := c.Levels(t.Context(), nil); len(got) != 0 || err != nil || len(s.requests()) != 0 {
			t.Errorf("no keys: got %v, %v after %d requests", got, err, len(s.requests()))
		}
		foreign := key(1, 1)
		foreign.Store = "other"
		if _, err := c.Levels(t.Context(), []inventory.Key{foreign}); err == nil {
			t.Error("a key of another store was read")
		}
		if _, err := c.Levels(t.Context(), keys[:2]); !errors.Is(err, inventory.ErrIncomplete) {
			t.Errorf("4 answers to 1 question: got %v, want an incomplete read", err)
		}
		swapped := []inventory.Key{key(9, 1), key(2, 1), key(3, 1), key(4, 1)}
		if _, err := c.Levels(t.Context(), swapped); !errors.Is(err, inventory.ErrIncomplete) {
			t.Errorf("another item: got %v, want an incomplete read", err)
		}
	})
}

func TestManyLevelsTakeOneRequestFor250Items(t *testing.T) {
	nulls := func(_ int, a asked) reply {
		var vars struct{ IDs []string }
		if json.Unmarshal(a.Vars, &vars) != nil || len(vars.IDs) > 200 {
			return failing("MAX_COST_EXCEEDED", "too dear")
		}
		return ok(`{"nodes":[` + strings.TrimSuffix(strings.Repeat("null,", len(vars.IDs)), ",") + `]}`)
	}
	var keys []inventory.Key
	for i := range int64(300) {
		keys = append(keys, key(i+1, 1), key(i+1, 2))
	}
	talk(t, nulls, func(t *testing.T, c *Client, s *store) {
		if got, err := c.Levels(t.Context(), keys); len(got) != 0 || err != nil {
			t.Errorf("got %v, %v", got, err)
		}
		var sizes []int
		for _, a := range s.requests() {
			var vars struct{ IDs []string }
			a.vars(t, &vars)
			sizes = append(sizes, len(vars.IDs))
		}
		if diff := cmp.Diff([]int{250, 125, 125, 50}, sizes); diff != "" {
			t.Error(diff)
		}
	})
}

// A try that nobody answered may have gone through. If the key does not protect
// the next one, every line is stale by our own doing, and none may be taken for
// somebody else's sale.
func TestARefusalAfterALostAnswerIsReadBack(t *testing.T) {
	for name, first := range map[string]reply{
		"a broken connection": {cut: true, body: `{"da`},
		"a server error":      {status: 502},
		"an internal error":   failing("INTERNAL_SERVER_ERROR", "oops"),
		"a write under way":   userErrors(-1, "IDEMPOTENCY_CONCURRENT_REQUEST"),
	} {
		t.Run(name, func(t *testing.T) {
			for _, code := range []string{"CHANGE_FROM_QUANTITY_STALE", "INVALID_LOCATION", "INVALID_NAME"} {
				talk(t, inTurn(first, userErrors(0, code)), func(t *testing.T, c *Client, _ *store) {
					if got, err := c.Set(t.Context(), three()); kind(err) != "lost" || got != nil {
						t.Errorf("then %s: got %q and %v (%s), want doubt", code, told(got), err, kind(err))
					}
				})
			}
		})
	}
	// What was refused unheard leaves no doubt.
	talk(t, inTurn(reply{body: throttled}, userErrors(0, "CHANGE_FROM_QUANTITY_STALE")), func(t *testing.T, c *Client, _ *store) {
		got, err := c.Set(t.Context(), three())
		if err != nil || !strings.HasPrefix(told(got), "stale(") {
			t.Errorf("after a throttled try: got %q and %v", told(got), err)
		}
	})
}

func TestABatchThatCostsTooMuchIsRefusedWholeSoThatItIsHalved(t *testing.T) {
	talk(t, always(failing("MAX_COST_EXCEEDED", "too dear")), func(t *testing.T, c *Client, _ *store) {
		if _, err := c.Set(t.Context(), three()); kind(err) != "refused" {
			t.Errorf("three lines: got %v (%s), want a refusal without a line", err, kind(err))
		}
		if _, err := c.Set(t.Context(), one()); kind(err) != "error" {
			t.Errorf("one line: got %v (%s), want an error", err, kind(err))
		}
	})
}

func TestABatchIsNotSentAgainLongAfterItsLevelsWereRead(t *testing.T) {
	var over chan struct{}
	talk(t, func(int, asked) reply {
		<-over // never, as far as the client can tell
		return reply{}
	}, func(t *testing.T, c *Client, s *store) {
		over = make(chan struct{})
		defer close(over)
		start := time.Now()
		_, err := c.Set(t.Context(), one())
		if took := time.Since(start); kind(err) != "lost" || took > 2*time.Minute {
			t.Errorf("got %v (%s) after %s, want doubt within 2 minutes", err, kind(err), took)
		}
		if last := s.requests()[len(s.requests())-1]; last.at.Sub(start) > 2*time.Minute {
			t.Errorf("sent again after %s", last.at.Sub(start))
		}
	})
}
