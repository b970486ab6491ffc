package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// send makes a request of the combined handler.
func send(t *testing.T, handler http.Handler, method, path, body string, header ...string) (int, string) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, request)
	return rec.Code, rec.Body.String()
}

func TestOneHostServesBothSystemsAndTakesEvents(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	host := w.Handler()
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		says                     string
	}{
		{"katana", "GET", "/katana/v1/inventory", "", []string{"Authorization", "Bearer sandbox-katana-key"}, 200, `"quantity_in_stock":"9.00000"`},
		{"the store", "POST", "/shopify/main/admin/api/2026-10/graphql.json", `{"query":"{ shop { name } }"}`, []string{"X-Shopify-Access-Token", "shpat_sandbox"}, 200, `"main"`},
		{"a store that is not there", "POST", "/shopify/mars/admin/api/2026-10/graphql.json", "{}", nil, 404, ""},
		{"a body that is no request", "POST", "/shopify/main/admin/api/2026-10/graphql.json", "{", []string{"X-Shopify-Access-Token", "shpat_sandbox"}, 400, "errors"},
		{"events up to the first that fails", "POST", "/sandbox/events", "# a comment\n\nedit sku=MUG location=Oslo available=3\nin 5m archive sku=MUG\nedit sku=CUP available=1\nedit sku=MUG available=1\n", nil, 422, `"line 5: edit: store \"main\" has no variant with the SKU \"CUP\""`},
		{"a fault", "POST", "/sandbox/faults", "status katana /inventory status=503", nil, 200, `"done":1`},
		{"which strikes", "GET", "/katana/v1/inventory", "", []string{"Authorization", "Bearer sandbox-katana-key"}, 503, ""},
		{"no faults", "DELETE", "/sandbox/faults", "", nil, 204, ""},
		{"a line that is no fault", "POST", "/sandbox/faults", "boom", nil, 422, "line 1"},
	} {
		status, body := send(t, host, c.method, c.path, c.body, c.header...)
		if status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s, want %d with %s", c.name, status, body, c.status, c.says)
		}
	}
	w.mustAvailable(t, "Oslo", 3)
	_, body := send(t, host, "GET", "/sandbox/world", "")
	var sum Summary
	if err := json.Unmarshal([]byte(body), &sum); err != nil {
		t.Fatal(err)
	}
	if sum.Scheduled != 1 || sum.Katana.Requests != 2 || len(sum.Stores) != 1 || sum.Stores[0].Requests != 2 || sum.Stores[0].Variants != 1 || len(sum.Stores[0].Locations) != 2 {
		t.Errorf("summary %s", body)
	}
}

// What the client's schema has, the sandbox must know too, so that a document
// which is valid there is checked by the same rules here.
func TestTheSchemaHasAllThatTheClientsHas(t *testing.T) {
	text, err := os.ReadFile("../shopify/schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	client := gqlparser.MustLoadSchema(&ast.Source{Name: "client", Input: string(text)})
	for name, want := range client.Types {
		have := adminSchema().Types[name]
		if have == nil || have.Kind != want.Kind {
			t.Errorf("type %s is missing", name)
			continue
		}
		for _, f := range want.Fields {
			g := have.Fields.ForName(f.Name)
			if g == nil || g.Type.String() != f.Type.String() || len(g.Arguments) != len(f.Arguments) {
				t.Errorf("%s.%s is missing or another", name, f.Name)
			}
		}
		for _, v := range want.EnumValues {
			if have.EnumValues.ForName(v.Name) == nil {
				t.Errorf("%s.%s is missing", name, v.Name)
			}
		}
	}
}

// The client's own documents must be understood here, at the sizes that a
// daemon asks for.
func TestTheClientsOperationsAreUnderstoodAndAffordable(t *testing.T) {
	text, err := os.ReadFile("../shopify/operations.graphql")
	if err != nil {
		t.Fatal(err)
	}
	bulk, err := os.ReadFile("../shopify/bulk.graphql")
	if err != nil {
		t.Fatal(err)
	}
	w := newTiny(t, StoreOptions{})
	doc, refused := w.stores[0].documents.load(string(text))
	if refused != nil {
		t.Fatalf("refused: %+v", refused)
	}
	for _, e := range []Event{
		OrderPlaced{Order: "#1", Location: "Oslo", Lines: []Line{{"MUG", "2"}}, Import: Import{Never: true}},
		OrderRefunded{Order: "#1", Lines: []Line{{"MUG", "1"}}, Restock: true},
		OrderRefunded{Order: "#1", Restock: true},
	} {
		if err := w.Do(e); err != nil {
			t.Fatal(err)
		}
	}
	order := w.stores[0].orders[0]
	ids := map[string]string{
		"readParts": gid("Order", order.id), "readRefunds": gid("Order", order.id),
		"readPartLines": gid("FulfillmentOrder", order.parts[0].id), "readRefundLines": gid("Refund", order.refunds[0].id),
	}
	all := map[string]any{
		"sold": 10, "orders": true,
		"first": 50, "levels": 10, "moved": 50, "edited": 250, "after": nil, "query": nil, "updated": "updated_at:>='2026-11-24T08:00:00Z'", "id": w.mug.Item, "ids": []string{w.mug.Item},
		"input": setting("", "available", line(w.mug.Item, w.oslo, 4, 9))["input"], "item": w.mug.Item, "location": w.pärnu, "names": []string{"available"},
	}
	for _, op := range doc.Operations {
		variables := map[string]any{}
		for _, v := range op.VariableDefinitions {
			variables[v.Variable] = all[v.Variable]
		}
		variables["key"] = op.Name
		if id := ids[op.Name]; id != "" {
			variables["id"] = id
		}
		switch op.Name {
		case "runBulk":
			variables["query"] = string(bulk)
		case "readOrders":
			variables["query"] = "status:open"
		}
		body, err := json.Marshal(graphqlRequestWith(string(text), op.Name, variables))
		if err != nil {
			t.Fatal(err)
		}
		status, answer := send(t, w.Shopify(""), "POST", "/admin/api/2026-10/graphql.json", string(body), "X-Shopify-Access-Token", "shpat_sandbox")
		if status != http.StatusOK || strings.Contains(answer, `"errors"`) || strings.Contains(answer, `"code":"INVALID"`) {
			t.Errorf("%s: %d %s", op.Name, status, answer)
		}
	}
	w.mustAvailable(t, "Oslo", 4)
	if l := w.Level("", "MUG", "Pärnu"); l.Available != 0 || !l.Active {
		t.Errorf("Pärnu: %+v, want it active with nothing to sell", l)
	}
}

func graphqlRequestWith(document, name string, variables map[string]any) map[string]any {
	return map[string]any{"query": document, "operationName": name, "variables": variables}
}
