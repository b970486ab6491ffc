package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	runBulkDocument = `mutation R($query: String!) { bulkOperationRunQuery(query: $query) { bulkOperation { id status url objectCount } userErrors { field message code } } }`
	pollDocument    = `query P($id: ID!) { bulkOperation(id: $id) { status errorCode objectCount rootObjectCount fileSize url partialDataUrl completedAt } }`
	bulkInner       = `{ productVariants { edges { node { id sku inventoryItem { tracked inventoryLevels(includeInactive: true) { edges { node { id isActive location { id } quantities(names: ["available"]) { name quantity } } } } } } } } }`
)

// startBulk starts a bulk query and returns its id.
func startBulk(t *testing.T, w *World) string {
	t.Helper()
	got := ask(t, w.Shopify(""), runBulkDocument, map[string]any{"query": bulkInner})
	id, ok := got.at(t, "bulkOperationRunQuery", "bulkOperation", "id").(string)
	if !ok {
		t.Fatal(got.body)
	}
	return id
}

func pollBulk(t *testing.T, w *World, id string) map[string]any {
	t.Helper()
	got := ask(t, w.Shopify(""), pollDocument, map[string]any{"id": id})
	o, _ := got.at(t, "bulkOperation").(map[string]any)
	return o
}

// fetchLines reads a result without a token.
func fetchLines(t *testing.T, w *World, address any) []map[string]any {
	t.Helper()
	text, _ := address.(string)
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	status, body := send(t, w.Shopify(""), http.MethodGet, u.RequestURI(), "")
	if status != http.StatusOK {
		t.Fatalf("%q: status %d", text, status)
	}
	var lines []map[string]any
	for line := range strings.Lines(body) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		lines = append(lines, object)
	}
	return lines
}

func TestABulkQueryGivesEveryNodeALine(t *testing.T) {
	w := newTiny(t, StoreOptions{BulkTakes: 8 * time.Second})
	must(w.AddListing("", Listing{SKU: "BOWL", Levels: []Level{{Location: "Oslo", Available: 2}}}))(t)
	id := startBulk(t, w.World)
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{0, "CREATED"}, {4 * time.Second, "RUNNING"}, {4*time.Second - 1, "RUNNING"}, {1, "COMPLETED"}} {
		w.clock.at = w.clock.at.Add(c.after)
		if got := pollBulk(t, w.World, id)["status"]; got != c.want {
			t.Errorf("status %v, want %s", got, c.want)
		}
	}
	o := pollBulk(t, w.World, id)
	if o["objectCount"] != "5" || o["rootObjectCount"] != "2" || o["partialDataUrl"] != nil {
		t.Errorf("operation %v", o)
	}
	parents := map[any][]string{}
	for _, line := range fetchLines(t, w.World, o["url"]) {
		if line["sku"] != nil {
			continue
		}
		at, _ := line["location"].(map[string]any)["id"].(string)
		parents[line["__parentId"]] = append(parents[line["__parentId"]], at)
	}
	got := parents[w.mug.Variant]
	slices.Sort(got)
	if want := []string{w.oslo, w.pärnu}; !slices.Equal(got, want) || len(parents) != 2 {
		t.Errorf("levels of the mug at %v, want %v; parents %v", got, want, parents)
	}
}

func TestAFailedBulkQueryLeavesPartialDataOnly(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	if err := w.Do(BulkFails{Code: "TIMEOUT"}); err != nil {
		t.Fatal(err)
	}
	id := startBulk(t, w.World)
	w.clock.at = w.clock.at.Add(time.Minute)
	o := pollBulk(t, w.World, id)
	if o["status"] != "FAILED" || o["errorCode"] != "TIMEOUT" || o["url"] != nil || len(fetchLines(t, w.World, o["partialDataUrl"])) == 0 {
		t.Errorf("operation %v", o)
	}
}

func TestABulkQueryThatStallsIsCanceledByTheStore(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	if err := w.Do(BulkStalls{Times: 2}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CANCELED", "CANCELED", "COMPLETED"} {
		id := startBulk(t, w.World)
		w.clock.at = w.clock.at.Add(time.Minute)
		if o := pollBulk(t, w.World, id); o["status"] != want || (o["url"] != nil) != (want == "COMPLETED") {
			t.Errorf("operation %v, want it %s", o, want)
		}
	}
}

func TestTheURLOfABulkResultIsAKeyThatExpires(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	id := startBulk(t, w.World)
	w.clock.at = w.clock.at.Add(time.Minute)
	u, err := url.Parse(fmt.Sprint(pollBulk(t, w.World, id)["url"]))
	if err != nil {
		t.Fatal(err)
	}
	get := func(target, token string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
		if token != "" {
			r.Header.Set("X-Shopify-Access-Token", token)
		}
		rec := httptest.NewRecorder()
		w.Shopify("").ServeHTTP(rec, r)
		return rec.Code
	}
	for _, c := range []struct {
		what, target, token string
		want                int
	}{
		{"its whole URL", u.RequestURI(), "", 200},
		{"its path alone", u.Path, "", 403},
		{"a signature that was touched", u.RequestURI() + "0", "", 403},
		{"a path that is not there", "/bulk/1.jsonl?" + u.RawQuery, "", 404},
		{"its URL, with a token that is nobody's business", u.RequestURI(), "shpat_sandbox", 400},
	} {
		if got := get(c.target, c.token); got != c.want {
			t.Errorf("%s: status %d, want %d", c.what, got, c.want)
		}
	}
	w.clock.at = w.clock.at.Add(7 * 24 * time.Hour)
	if got, status := get(u.RequestURI(), ""), pollBulk(t, w.World, id)["status"]; got != 400 || status != "EXPIRED" {
		t.Errorf("after a week: HTTP %d and %v", got, status)
	}
}

func TestAFaultOfABulkResultTakesLinesOffItsEnd(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	id := startBulk(t, w.World)
	w.clock.at = w.clock.at.Add(time.Minute)
	o := pollBulk(t, w.World, id)
	whole := fetchLines(t, w.World, o["url"])
	hits := w.Inject(Fault{API: "shopify/main", Op: "bulk_result", Kind: FaultShortPage, Rows: 2})
	short := fetchLines(t, w.World, o["url"])
	if want := whole[:len(whole)-2]; hits() != 1 || !reflect.DeepEqual(short, want) || o["objectCount"] != fmt.Sprint(len(whole)) {
		t.Errorf("%d lines of %v", len(short), o["objectCount"])
	}
}

func TestVariantsAreCountedUpToTheLimitThatIsAskedFor(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	for _, sku := range []string{"A", "B", "C"} {
		must(w.AddListing("", Listing{SKU: sku, Product: sku}))(t)
	}
	for limit, want := range map[string]string{"": "4 EXACT", "(limit: null)": "4 EXACT", "(limit: 4)": "4 EXACT", "(limit: 2)": "2 AT_LEAST"} {
		got := ask(t, w.Shopify(""), "{ productVariantsCount"+limit+" { count precision } }", nil)
		if got := fmt.Sprint(got.at(t, "productVariantsCount", "count"), " ", got.at(t, "productVariantsCount", "precision")); got != want {
			t.Errorf("%s: %s, want %s", limit, got, want)
		}
	}
}

func TestABulkQueryWithoutItsScopesFails(t *testing.T) {
	w := newTiny(t, StoreOptions{Scopes: []string{"read_products"}})
	id := startBulk(t, w.World)
	w.clock.at = w.clock.at.Add(time.Minute)
	if o := pollBulk(t, w.World, id); o["status"] != "FAILED" || o["errorCode"] != "ACCESS_DENIED" {
		t.Errorf("operation %v", o)
	}
}

func TestABulkQueryCanBeCanceledUntilItIsOver(t *testing.T) {
	const document = `mutation C($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { message } } }`
	w := newTiny(t, StoreOptions{})
	id := startBulk(t, w.World)
	if got := ask(t, w.Shopify(""), document, map[string]any{"id": id}); got.at(t, "bulkOperationCancel", "bulkOperation", "status") != "CANCELING" {
		t.Error(got.body)
	}
	w.clock.at = w.clock.at.Add(time.Minute)
	if o := pollBulk(t, w.World, id); o["status"] != "CANCELED" || o["url"] != nil {
		t.Errorf("operation %v", o)
	}
	got := ask(t, w.Shopify(""), document, map[string]any{"id": id})
	if errs, _ := got.at(t, "bulkOperationCancel", "userErrors").([]any); len(errs) != 1 {
		t.Errorf("canceled twice: %s", got.body)
	}
}

func TestASixthBulkQueryAtATimeIsRefusedAsRecorded(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	var ids []string
	for range bulkMost {
		ids = append(ids, startBulk(t, w.World))
	}
	got := ask(t, w.Shopify(""), runBulkDocument, map[string]any{"query": bulkInner}).at(t, "bulkOperationRunQuery")
	want := recordedAt(t, recorded(t, "bulk-operation-run-query-concurrency-limit.json"), "sixthRun", "response", "data", "bulkOperationRunQuery")
	problem, _ := want["userErrors"].([]any)[0].(map[string]any)
	intro, _, _ := strings.Cut(problem["message"].(string), "gid://")
	problem["message"] = intro + strings.Join(ids, ", ") + "."
	if !reflect.DeepEqual(got, any(want)) {
		t.Errorf("answer %v, want %v", got, want)
	}
	w.clock.at = w.clock.at.Add(time.Minute)
	startBulk(t, w.World)
}

// The recorded documents read products, which the sandbox has only as part of
// variants; the rules are the same for these.
func TestBulkQueriesAreRefusedAsRecorded(t *testing.T) {
	all := recorded(t, "bulk-operation-run-query-validators.json")
	levels := func(inner string) string { return `inventoryLevels { edges { node { id ` + inner + ` } } }` }
	item := func(inner string) string { return `inventoryItem { id ` + inner + ` }` }
	for name, query := range map[string]string{
		"nodesInsteadOfEdges":       `{ productVariants { nodes { id } } }`,
		"ordersNodesInsteadOfEdges": `{ orders { nodes { id } } }`,
		"topLevelNode":              `{ node(id: "gid://shopify/Product/0") { id } }`,
		"depthThreeNesting":         `{ locations { edges { node { id ` + levels(`item { `+levels(`item { variants { edges { node { id } } } }`)+` }`) + ` } } } }`,
		"sixConnections": `{ productVariants { edges { node { id ` + item(levels("")+` variants { edges { node { id } } } more: `+levels("")) +
			` productVariantComponents { edges { node { id } } } again: ` + item(`last: `+levels("")) + ` } } } }`,
		"nestedWithoutParentId": `{ productVariants { edges { node { sku ` + item(levels("")) + ` } } } }`,
		"invalidOperationType":  `mutation { inventoryDeactivate(inventoryLevelId: "x") @idempotent(key: "k") { userErrors { message } } }`,
		"connectionWithinList":  `{ orders { edges { node { id fulfillments(first: 1) { fulfillmentLineItems { edges { node { id } } } } } } } }`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newTiny(t, StoreOptions{})
			got := ask(t, w.Shopify(""), runBulkDocument, map[string]any{"query": query}).at(t, "bulkOperationRunQuery")
			want := recordedAt(t, all, "validations", name, "response", "data", "bulkOperationRunQuery")
			same := fmt.Sprint(got) == strings.NewReplacer("'products'", "'productVariants'", "'products {", "'productVariants {", ": products.", ": productVariants.").Replace(fmt.Sprint(want))
			if !same {
				t.Errorf("answer\n%v\nwant\n%v", got, want)
			}
		})
	}
}
