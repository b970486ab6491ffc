package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// tiny is a store with two locations, a mug that is stocked at both, inactive
// at the second, and a clock that only the test moves.
type tiny struct {
	*World
	clock       *handClock
	mug         ListingIDs
	oslo, pärnu string // GIDs
}

func newTiny(t testing.TB, options StoreOptions) *tiny {
	t.Helper()
	clock := &handClock{time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}
	w := &tiny{World: NewWorld(Options{Now: clock.now, Stores: []StoreOptions{options}}), clock: clock}
	w.AddLocation(KatanaLocation{Name: "Oslo"})
	w.oslo = must(w.AddStoreLocation("", StoreLocation{Name: "Oslo"}))(t)
	w.pärnu = must(w.AddStoreLocation("", StoreLocation{Name: "Pärnu"}))(t)
	must(w.AddProduct(Product{Name: "Mug", Variants: []Variant{{SKU: "MUG", Stock: map[string]string{"Oslo": "9"}}}}))(t)
	w.mug = must(w.AddListing("", Listing{SKU: "MUG", Product: "Mug", Levels: []Level{
		{Location: "Oslo", Available: 9}, {Location: "Pärnu", Available: 7, Inactive: true},
	}}))(t)
	return w
}

// must takes the error off a pair: must(f())(t).
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// answered is a decoded answer.
type answered struct {
	status int
	header http.Header
	Errors []graphqlError `json:"errors"`
	Data   map[string]any `json:"data"`
	Extra  struct {
		Cost struct {
			Requested int  `json:"requestedQueryCost"`
			Actual    *int `json:"actualQueryCost"`
			Throttle  struct {
				Maximum   float64 `json:"maximumAvailable"`
				Available float64 `json:"currentlyAvailable"`
				Restore   float64 `json:"restoreRate"`
			} `json:"throttleStatus"`
		} `json:"cost"`
		Search []searchNote `json:"search"`
	} `json:"extensions"`
	body string
}

func (a answered) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	code, _ := a.Errors[0].Extensions["code"].(string)
	return code
}

// at walks into the data by keys and indices.
func (a answered) at(t testing.TB, path ...any) any {
	t.Helper()
	value := any(a.Data)
	for _, step := range path {
		switch s := step.(type) {
		case string:
			object, ok := value.(map[string]any)
			if !ok {
				t.Fatalf("no object at %q of %v in %s", s, path, a.body)
			}
			value = object[s]
		case int:
			list, ok := value.([]any)
			if !ok || s >= len(list) {
				t.Fatalf("no entry %d of %v in %s", s, path, a.body)
			}
			value = list[s]
		}
	}
	return value
}

func ask(t testing.TB, handler http.Handler, document string, variables any) answered {
	t.Helper()
	return askAs(t, handler, "shpat_sandbox", "2026-10", document, variables)
}

func askAs(t testing.TB, handler http.Handler, token, version, document string, variables any) answered {
	t.Helper()
	text, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/admin/api/"+version+"/graphql.json", bytes.NewReader(text))
	request.Header.Set("X-Shopify-Access-Token", token)
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, request)
	out := answered{status: rec.Code, header: rec.Header(), body: rec.Body.String()}
	if rec.Code == http.StatusOK {
		if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
			t.Fatalf("%v in %s", err, rec.Body)
		}
	}
	return out
}

const setDocument = `mutation Set($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id changes { name delta item { id } location { id } } }
    userErrors { code field message }
  }
}`

// line is one quantity of an input; from is left out when it is "absent".
func line(item, location string, quantity int, from any) map[string]any {
	out := map[string]any{"inventoryItemId": item, "locationId": location, "quantity": quantity, "changeFromQuantity": from}
	if from == "absent" {
		delete(out, "changeFromQuantity")
	}
	return out
}

func setting(key, name string, lines ...map[string]any) map[string]any {
	return map[string]any{"key": key, "input": map[string]any{"name": name, "reason": "correction", "quantities": lines}}
}

// codes are the user errors of a set, as CODE at the place.
func (a answered) codes(t testing.TB) []string {
	t.Helper()
	var out []string
	list, _ := a.at(t, "inventorySetQuantities", "userErrors").([]any)
	for _, entry := range list {
		e, _ := entry.(map[string]any)
		place := ""
		fields, listed := e["field"].([]any)
		if listed && len(fields) == 0 {
			t.Errorf("an empty path in %s, want null", a.body)
		}
		for _, f := range fields {
			place += "." + f.(string)
		}
		out = append(out, e["code"].(string)+" "+strings.TrimPrefix(place, "."))
	}
	return out
}

func (w *tiny) mustAvailable(t testing.TB, location string, want int) {
	t.Helper()
	if got := w.Level("", "MUG", location).Available; got != want {
		t.Errorf("%s: %d available, want %d", location, got, want)
	}
}
