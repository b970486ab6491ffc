package shopify

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stocksyncd/reconcile/inventory"
)

const resultURL = "http://127.0.0.1/outputs/3280?Expires=1783032249&Signature=c0ffee99"

// Lines of a result, written as the reference shows them.

func variantLine(variant, item int64, sku string) string {
	return fmt.Sprintf(`{"id":"gid://shopify/ProductVariant/%d","requiresComponents":false,"product":{"isGiftCard":false},"inventoryItem":{"id":"gid://shopify/InventoryItem/%d","sku":%q,"tracked":true}}`, variant, item, sku)
}

// levelLine is a level whose parent is "ProductVariant/1" or "InventoryItem/1".
func levelLine(item, location int64, available int, parent string) string {
	return fmt.Sprintf(`{"id":"gid://shopify/InventoryLevel/%d?inventory_item_id=%d","isActive":true,"item":{"id":"gid://shopify/InventoryItem/%[2]d"},"location":{"id":"gid://shopify/Location/%[1]d"},"quantities":[{"name":"available","quantity":%[3]d}],"__parentId":"gid://shopify/%[4]s"}`,
		location, item, available, parent)
}

func stateJSON(status, rest string) reply {
	return ok(`{"bulkOperation":{"id":"gid://shopify/BulkOperation/1","status":"` + status + `"` + rest + `}}`)
}

// completed is a bulk query that has left a result of so many lines.
func completed(objects int) reply {
	return stateJSON("COMPLETED", fmt.Sprintf(`,"errorCode":null,"objectCount":"%d","fileSize":"9999","url":%q,"partialDataUrl":null`, objects, resultURL))
}

const started = `{"bulkOperationRunQuery":{"bulkOperation":{"id":"gid://shopify/BulkOperation/1"},"userErrors":[]}}`

func counted(n int, precision string) reply {
	return ok(fmt.Sprintf(`{"productVariantsCount":{"count":%d,"precision":%q}}`, n, precision))
}

// bulkStore answers a look by a bulk query; what a test says otherwise comes
// first.
func bulkStore(lines []string, otherwise func(n int, a asked) (reply, bool)) func(int, asked) reply {
	return func(n int, a asked) reply {
		if otherwise != nil {
			if r, has := otherwise(n, a); has {
				return r
			}
		}
		switch a.Op {
		case "countVariants":
			return counted(12_400, "EXACT")
		case "runBulk":
			return ok(started)
		case "pollBulk":
			return completed(len(lines))
		case "cancelBulk":
			return ok(`{"bulkOperationCancel":{"userErrors":[]}}`)
		case "readVariants":
			return variantsJSON("", mug(1, 5))
		}
		return reply{body: strings.Join(lines, "\n") + "\n"}
	}
}

// op answers one operation.
func op(name string, answer reply) func(int, asked) (reply, bool) {
	return func(_ int, a asked) (reply, bool) { return answer, a.Op == name }
}

func talkBulk(t *testing.T, answer func(int, asked) reply, test func(t *testing.T, c *Client, s *store)) {
	t.Helper()
	talkAs(t, Options{Token: func() string { return token }, BulkAbove: 5000}, answer, test)
}

var oneMug = []string{levelLine(1, 1, 5, "ProductVariant/1"), variantLine(1, 1, "MUG-1")}

func TestAStoreAboveTheLimitIsReadByABulkQueryAndTheLogSaysWhy(t *testing.T) {
	talkBulk(t, bulkStore(oneMug, nil), func(t *testing.T, c *Client, s *store) {
		got, err := observe(t.Context(), c)
		if diff := cmp.Diff([]inventory.Level{mugLevel(1, 1, 5)}, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		if got, want := s.ops(), "countVariants runBulk pollBulk /outputs/3280"; got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
		for i, a := range s.requests() {
			if isResult := a.Op == ""; (a.token == "") != isResult {
				t.Errorf("request %d went with the token %q", i+1, a.token)
			}
		}
		var run struct{ Query string }
		s.requests()[1].vars(t, &run)
		if run.Query != bulkQuery || !strings.Contains(s.requests()[1].Query, "groupObjects: false") {
			t.Errorf("started %s", s.requests()[1].body)
		}
		if !strings.Contains(s.log.String(), `level=INFO msg="the store is read by a bulk query" store=main why="12,400 variants, above 5,000"`) {
			t.Errorf("the log says %s", s.log.String())
		}
		if counts := c.Counts(); counts.Count != 4 || counts.Cost != 39 {
			t.Errorf("counted %+v, want 4 requests, of which 3 cost points", counts)
		}
	})
}

func TestPagesAreReadWhereNoBulkQueryIsWantedOrToBeHad(t *testing.T) {
	refused := func(code string) reply {
		return ok(`{"bulkOperationRunQuery":{"bulkOperation":null,"userErrors":[{"code":` + code + `,"field":["query"],"message":"No way."}]}}`)
	}
	for name, test := range map[string]struct {
		otherwise func(int, asked) (reply, bool)
		says      string
	}{
		"not above the limit":           {op("countVariants", counted(5000, "EXACT")), ""},
		"a count that fails":            {op("countVariants", failing("X", "Oh.")), "could not be counted"},
		"a count that is denied":        {op("countVariants", failing("ACCESS_DENIED", "Oh.")), "could not be counted"},
		"no count":                      {op("countVariants", ok(`{"productVariantsCount":null}`)), "no productVariantsCount"},
		"a refusal":                     {op("runBulk", refused(`"INVALID"`)), "INVALID: No way."},
		"a refusal of an unknown kind":  {op("runBulk", refused(`"BORED"`)), "BORED: No way."},
		"a refusal without a code":      {op("runBulk", refused(`null`)), "no code: No way."},
		"too many of the app":           {op("runBulk", refused(`"LIMIT_REACHED"`)), "LIMIT_REACHED: No way."},
		"a token that is not supported": {op("runBulk", failing("ACCESS_DENIED", "Oh.")), "ACCESS_DENIED: Oh."},
		"a start that says nothing":     {op("runBulk", ok(`{"bulkOperationRunQuery":null}`)), "no bulkOperationRunQuery"},
		"a start of nothing":            {op("runBulk", ok(`{"bulkOperationRunQuery":{"bulkOperation":null,"userErrors":[]}}`)), "no bulkOperation.id"},
	} {
		t.Run(name, func(t *testing.T) {
			talkBulk(t, bulkStore(oneMug, test.otherwise), func(t *testing.T, c *Client, s *store) {
				got, err := observe(t.Context(), c)
				if diff := cmp.Diff([]inventory.Level{mugLevel(1, 1, 5)}, got); err != nil || diff != "" {
					t.Errorf("%v\n%s", err, diff)
				}
				if ops := s.ops(); !strings.HasSuffix(ops, " readVariants") || strings.Contains(ops, "pollBulk") {
					t.Errorf("asked %s", ops)
				}
				if warned := strings.Contains(s.log.String(), "level=WARN"); warned != (test.says != "") || !strings.Contains(s.log.String(), test.says) {
					t.Errorf("the log says %s, want %q", s.log.String(), test.says)
				}
			})
		})
	}
	never := Options{Token: func() string { return token }}
	talkAs(t, never, bulkStore(oneMug, nil), func(t *testing.T, c *Client, s *store) {
		if _, err := observe(t.Context(), c); err != nil || s.ops() != "readVariants" {
			t.Errorf("with a limit of 0: %v, asked %s", err, s.ops())
		}
	})
}

func TestACountThatWasCutOffIsALeastOne(t *testing.T) {
	talkBulk(t, bulkStore(oneMug, op("countVariants", counted(10_000, "AT_LEAST"))), func(t *testing.T, c *Client, s *store) {
		if _, err := observe(t.Context(), c); err != nil || !strings.Contains(s.log.String(), `"at least 10,000 variants, above 5,000"`) {
			t.Errorf("%v\n%s", err, s.log.String())
		}
	})
}

func TestAnEndOfABulkQueryThatIsNotItsCompletionIsAnError(t *testing.T) {
	const plain = `,"errorCode":null,"objectCount":"2","fileSize":"9999","url":"` + resultURL + `","partialDataUrl":null`
	for name, test := range map[string]struct {
		state    reply
		says     string
		canceled bool // since nobody knows whether it is over
	}{
		"failed":                      {stateJSON("FAILED", `,"errorCode":"TIMEOUT","objectCount":"1","partialDataUrl":"`+resultURL+`"`), "FAILED: TIMEOUT", false},
		"failed without a code":       {stateJSON("FAILED", plain), "FAILED: no error code", false},
		"failed with an unknown code": {stateJSON("FAILED", `,"errorCode":"RAIN","objectCount":"0"`), "FAILED: RAIN", false},
		"expired":                     {stateJSON("EXPIRED", plain), "EXPIRED", false},
		"an unknown status":           {stateJSON("PAUSED", plain), `its status is "PAUSED"`, true},
		"no status":                   {ok(`{"bulkOperation":{}}`), `its status is ""`, true},
		"unknown to Shopify":          {ok(`{"bulkOperation":null}`), "does not know it any more", true},
		"completed in part":           {stateJSON("COMPLETED", strings.Replace(plain, `"partialDataUrl":null`, `"partialDataUrl":"`+resultURL+`"`, 1)), "partial data", false},
		"completed without a result":  {stateJSON("COMPLETED", `,"objectCount":"2","url":null`), "found 2 objects and left no result", false},
		"completed without a count":   {stateJSON("COMPLETED", `,"url":"`+resultURL+`"`), "no objectCount", false},
		"completed with half a count": {stateJSON("COMPLETED", `,"objectCount":"1.5","url":"`+resultURL+`"`), "no objectCount", false},
		"completed with less than no": {stateJSON("COMPLETED", `,"objectCount":"-1","url":null`), "no objectCount", false},
	} {
		t.Run(name, func(t *testing.T) {
			talkBulk(t, bulkStore(oneMug, op("pollBulk", test.state)), func(t *testing.T, c *Client, s *store) {
				got, err := observe(t.Context(), c)
				if err == nil || !strings.Contains(err.Error(), test.says) || !strings.HasPrefix(err.Error(), "shopify/main: bulk query: ") || got != nil {
					t.Errorf("got %v and %v, want an error with %q", got, err, test.says)
				}
				if err != nil && strings.Contains(err.Error()+s.log.String(), "c0ffee") {
					t.Errorf("the signature is given away: %v\n%s", err, s.log.String())
				}
				if ops := s.ops(); strings.Contains(ops, "/outputs") || strings.Contains(ops, "readVariants") || strings.Contains(ops, "cancelBulk") != test.canceled {
					t.Errorf("asked %s", ops)
				}
			})
		})
	}
}

func TestABulkQueryThatFindsNothingIsAnEmptyStore(t *testing.T) {
	state := stateJSON("COMPLETED", `,"errorCode":null,"objectCount":"0","fileSize":null,"url":null,"partialDataUrl":null`)
	talkBulk(t, bulkStore(nil, op("pollBulk", state)), func(t *testing.T, c *Client, s *store) {
		if got, err := observe(t.Context(), c); err != nil || len(got) != 0 {
			t.Errorf("got %v, %v", got, err)
		}
		if strings.Contains(s.ops(), "/outputs") {
			t.Errorf("asked %s", s.ops())
		}
	})
}

func TestTheWaitsForABulkQueryGrowWithItsAge(t *testing.T) {
	const polls = 30
	polled := 0
	running := func(_ int, a asked) (reply, bool) {
		if a.Op == "pollBulk" {
			polled++
		}
		return stateJSON("RUNNING", `,"objectCount":"7"`), a.Op == "pollBulk" && polled < polls
	}
	talkBulk(t, bulkStore(oneMug, running), func(t *testing.T, c *Client, s *store) {
		began := time.Now()
		if _, err := observe(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		var last time.Time
		var before time.Duration
		for _, a := range s.requests() {
			if a.Op != "pollBulk" {
				continue
			}
			wait := a.at.Sub(last)
			if !last.IsZero() && (wait < before || wait < time.Second || wait > 15*time.Second) {
				t.Errorf("a wait of %s after one of %s", wait, before)
			}
			if !last.IsZero() {
				before = wait
			}
			last = a.at
		}
		if took := time.Since(began); before != 15*time.Second || took < 5*time.Minute {
			t.Errorf("%d questions took %s, the last wait was %s", polls, took, before)
		}
	})
}

func TestAResultIsFetchedFromWhereShopifyKeepsThemOrFromASandboxOnly(t *testing.T) {
	const shop, sandbox = "https://acme.myshopify.com", "http://127.0.0.1:8400/shopify/main"
	for _, test := range []struct {
		base, address string
		hosts         []string // nil: Shopify's
		want          bool
	}{
		{shop, "https://storage.googleapis.com/shopify-tiers-assets-prod-us-east1/bulk-operation-outputs/1?Signature=c0ffee", nil, true},
		{shop, "https://STORAGE.googleapis.com:443/x?Signature=c0ffee", nil, true},
		{shop, "https://shopify-tiers.storage.googleapis.com/x?Signature=c0ffee", nil, true},
		{shop, "https://acme.myshopify.com/x?Signature=c0ffee", nil, true},
		{shop, "http://storage.googleapis.com/x?Signature=c0ffee", nil, false},
		{shop, "https://storage.googleapis.com:8443/x?Signature=c0ffee", nil, false},
		{shop, "https://storage.googleapis.com.evil.example/x?Signature=c0ffee", nil, false},
		{shop, "https://evilstorage.googleapis.com/x?Signature=c0ffee", nil, false},
		{shop, "https://other.myshopify.com/x?Signature=c0ffee", nil, false},
		{shop, "https://169.254.169.254/latest/meta-data?Signature=c0ffee", nil, false},
		{shop, "https://localhost/x", nil, false},
		{shop, "https://storage.example/x?Signature=c0ffee", nil, false},
		{shop, "https://storage.example/x?Signature=c0ffee", []string{"storage.example"}, true},
		{shop, "https://eu.storage.example/x?Signature=c0ffee", []string{"storage.example"}, true},
		{shop, "https://storage.googleapis.com/x?Signature=c0ffee", []string{"storage.example"}, false},
		{shop, "http://storage.example/x?Signature=c0ffee", []string{"storage.example"}, false},
		{shop, "http://127.0.0.1/x", nil, false},
		{"https://127.0.0.1", "http://127.0.0.1/x", nil, false},
		{"http://proxy.example", "http://proxy.example/x", nil, false},
		{"http://127.0.0.1.example", "http://127.0.0.1.example/x", nil, false},
		{sandbox, "http://127.0.0.1:8400/shopify/main/bulk/1.jsonl?Signature=c0ffee", nil, true},
		{"http://localhost:8400", "http://127.0.0.1/x", nil, true},
		{"http://[::1]:8400", "http://[::1]:8400/x", nil, true},
		{sandbox, "http://storage.example/x", nil, false},
		{sandbox, "https://storage.googleapis.com/x", nil, true},
		{shop, "https://me:c0ffee@storage.googleapis.com/x", nil, false},
		{sandbox, "ftp://127.0.0.1/x", nil, false},
		{sandbox, "file:///etc/passwd", nil, false},
		{sandbox, "/x", nil, false},
		{sandbox, "https:///x", nil, false},
		{sandbox, "https://storage example/c0ffee", nil, false},
		{sandbox, "", nil, false},
	} {
		c := New(Options{Store: "main", URL: test.base, APIVersion: "2026-10", ResultHosts: test.hosts})
		result, err := c.small("bulk query").result(&bulkState{ObjectCount: "2", Url: &test.address})
		if (err == nil) != test.want || (result != nil) != test.want {
			t.Errorf("%s for a store at %s: %v, want it fetched: %t", test.address, test.base, err, test.want)
		}
		if err != nil && (strings.Contains(err.Error(), "c0ffee") || !strings.Contains(err.Error(), "not at an https address of "+c.resultHosts[0])) {
			t.Errorf("%s: the error is %v", test.address, err)
		}
	}
}

func TestAStoreWhoseResultIsElsewhereIsReadByPages(t *testing.T) {
	elsewhere := stateJSON("COMPLETED", `,"errorCode":null,"objectCount":"2","fileSize":"9999","url":"https://storage.example/outputs/3280?Signature=c0ffee99","partialDataUrl":null`)
	talkBulk(t, bulkStore(oneMug, op("pollBulk", elsewhere)), func(t *testing.T, c *Client, s *store) {
		got, err := observe(t.Context(), c)
		if diff := cmp.Diff([]inventory.Level{mugLevel(1, 1, 5)}, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		if got, want := s.ops(), "countVariants runBulk pollBulk readVariants"; got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
		if log := s.log.String(); !strings.Contains(log, "https address of storage.googleapis.com") || strings.Contains(log, "c0ffee") {
			t.Errorf("the log says %s", log)
		}
	})
}

func TestTheSizeOfAResultIsWhatWasSaidAndALittleMore(t *testing.T) {
	size := func(text string) *json.Number { n := json.Number(text); return &n }
	address := resultURL
	for _, test := range []struct {
		said *json.Number
		want int64
	}{
		{nil, bulkMost}, {size("0"), bulkSlack}, {size("115969"), 115969 + bulkSlack}, {size("99999999999999"), bulkMost},
		{size("x"), bulkMost}, {size("-5"), bulkMost}, {size("9223372036854775807"), bulkMost},
	} {
		c := New(Options{Store: "main", URL: "http://127.0.0.1", APIVersion: "2026-10"})
		result, err := c.small("bulk query").result(&bulkState{ObjectCount: "2", Url: &address, FileSize: test.said})
		if err != nil || result.most != test.want {
			t.Errorf("said to be %v: %+v, %v, want %d", test.said, result, err, test.want)
		}
	}
}

func TestARefusedResultGivesNothingAway(t *testing.T) {
	const quoting = "<Error><Code>No</Code><Resource>/outputs/3280</Resource><Was>" + resultURL + "</Was></Error>"
	for status, header := range map[int]string{
		http.StatusFound:              "https://elsewhere.example/x?Signature=c0ffee99",
		http.StatusTemporaryRedirect:  "/outputs/other",
		http.StatusUnauthorized:       "",
		http.StatusForbidden:          "",
		http.StatusServiceUnavailable: "",
	} {
		refusal := reply{status: status, body: quoting, header: map[string]string{"Location": header}}
		otherwise := func(_ int, a asked) (reply, bool) { return refusal, a.Op == "" }
		talkBulk(t, bulkStore(oneMug, otherwise), func(t *testing.T, c *Client, s *store) {
			got, err := observe(t.Context(), c)
			if got != nil || !errors.Is(err, inventory.ErrIncomplete) || !strings.Contains(fmt.Sprint(err), fmt.Sprint("HTTP ", status)) {
				t.Errorf("got %v, %v", got, err)
			}
			for _, secret := range []string{"c0ffee", "outputs", "1783032249", token} {
				if strings.Contains(fmt.Sprint(err)+s.log.String(), secret) {
					t.Errorf("%d gives %q away: %v\n%s", status, secret, err, s.log.String())
				}
			}
			if strings.Contains(s.ops(), "/outputs/other") {
				t.Errorf("%d: asked %s", status, s.ops())
			}
		})
	}
}

func TestALineThatComesTwiceIsOneUnlessItHasChanged(t *testing.T) {
	twice := func(second string) []string { return append(oneMug, second) }
	for name, test := range map[string]struct {
		first []string
		runs  int // bulk queries until the store has kept still
	}{
		"a variant":                   {twice(variantLine(1, 1, "MUG-1")), 1},
		"a level":                     {twice(levelLine(1, 1, 5, "ProductVariant/1")), 1},
		"a level with another parent": {twice(levelLine(1, 1, 5, "InventoryItem/1")), 1},
		"a variant that was renamed":  {twice(variantLine(1, 1, "MUG-2")), 2},
		"a variant of another item":   {append(twice(variantLine(1, 2, "MUG-1")), oneMug...), 2},
		"a level that sold one":       {twice(levelLine(1, 1, 4, "ProductVariant/1")), 2},
		"a level that was switched":   {twice(strings.Replace(oneMug[0], `"isActive":true`, `"isActive":false`, 1)), 2},
	} {
		t.Run(name, func(t *testing.T) {
			runs := 0
			otherwise := func(_ int, a asked) (reply, bool) {
				if a.Op == "runBulk" {
					runs++
				}
				switch {
				case runs > 1:
					return reply{}, false
				case a.Op == "pollBulk":
					return completed(len(test.first)), true
				}
				return reply{body: strings.Join(test.first, "\n")}, a.Op == ""
			}
			talkBulk(t, bulkStore(oneMug, otherwise), func(t *testing.T, c *Client, _ *store) {
				got, err := observe(t.Context(), c)
				if diff := cmp.Diff([]inventory.Level{mugLevel(1, 1, 5)}, got); err != nil || diff != "" || runs != test.runs {
					t.Errorf("%d bulk queries, want %d: %v\n%s", runs, test.runs, err, diff)
				}
			})
		})
	}
	always := append(oneMug, levelLine(1, 1, 4, "ProductVariant/1"))
	talkBulk(t, bulkStore(always, nil), func(t *testing.T, c *Client, s *store) {
		if got, err := observe(t.Context(), c); got != nil || !errors.Is(err, inventory.ErrIncomplete) || strings.Count(s.ops(), "runBulk") != readings {
			t.Errorf("never still: %v, %v after %s", got, err, s.ops())
		}
	})
}

// The same store by pages and by a bulk query that lists the shared item's
// levels with each of its variants.
func TestAnItemThatVariantsShareHasItsLevelsOnceInABulkQueryToo(t *testing.T) {
	set := strings.Replace(variantLine(2, 7, "MUG"), `"requiresComponents":false`, `"requiresComponents":true`, 1)
	result := []string{
		levelLine(7, 2, 6, "ProductVariant/2"), set, levelLine(7, 1, 5, "ProductVariant/2"), variantLine(9, 8, "PLATE"),
		levelLine(7, 1, 5, "ProductVariant/1"), variantLine(1, 7, "MUG"), levelLine(7, 2, 6, "ProductVariant/1"), variantLine(3, 8, "PLATE"),
	}
	item := itemJSON(7, "MUG", levelsJSON("", levelJSON(1, 5), levelJSON(2, 6)))
	bare := itemJSON(8, "PLATE", levelsJSON(""))
	paged := variantsJSON("", variantJSON(1, item), strings.Replace(variantJSON(2, item), `"requiresComponents":false`, `"requiresComponents":true`, 1), variantJSON(3, bare), variantJSON(9, bare))
	var byPages, byBulk []inventory.Level
	talk(t, always(paged), func(t *testing.T, c *Client, _ *store) {
		var err error
		if byPages, err = observe(t.Context(), c); err != nil || len(byPages) != 3 {
			t.Fatal(byPages, err)
		}
	})
	talkBulk(t, bulkStore(result, nil), func(t *testing.T, c *Client, _ *store) {
		var err error
		if byBulk, err = observe(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	})
	if diff := cmp.Diff(byPages, byBulk); diff != "" {
		t.Error(diff)
	}
}

func TestTheRecordedBulkQueriesAreUnderstood(t *testing.T) {
	ends := map[string]int{}
	for _, r := range recordings(t) {
		var answer struct {
			Data struct {
				BulkOperation         *bulkState
				BulkOperationRunQuery *runBulkPayload
			}
		}
		if !strings.HasPrefix(r.where, "bulk-") || json.Unmarshal(r.Response, &answer) != nil {
			continue
		}
		if run := answer.Data.BulkOperationRunQuery; run != nil {
			switch {
			case len(run.UserErrors) == 0 && run.BulkOperation != nil:
				ends["started"]++
			case len(run.UserErrors) > 0 && isBusy(run.UserErrors[0]):
				ends["busy"]++
			case len(run.UserErrors) > 0 && bulkCode(run.UserErrors[0]) == "INVALID":
				ends["refused"]++
			}
		}
		if state := answer.Data.BulkOperation; state != nil {
			o := New(Options{Store: "main", Shop: "acme.myshopify.com", APIVersion: "2026-10"}).small("bulk query")
			over, err := o.isOver(state)
			if err != nil {
				t.Errorf("%s: %v", r.where, err)
			}
			if !over {
				ends["running"]++
				continue
			}
			result, err := o.result(state)
			if err != nil || result.url == "" || result.objects == 0 || result.most == bulkMost {
				t.Errorf("%s: %+v, %v", r.where, result, err)
			}
			ends["completed"]++
		}
	}
	for _, end := range []string{"started", "busy", "refused", "running", "completed"} {
		if ends[end] == 0 {
			t.Errorf("none was %s: %v", end, ends)
		}
	}
}
