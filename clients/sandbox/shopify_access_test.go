package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const shopQuery = `{ shop { name } }`

func TestTheBucketEmptiesRefillsAndThrottles(t *testing.T) {
	w := newTiny(t, StoreOptions{BucketSize: 250, Restore: 10})
	const dear = `{ productVariants(first: 250) { nodes { inventoryItem { inventoryLevels(first: 50) { nodes { location { name } item { id } } } } } } }`
	first := ask(t, w.Shopify(""), dear, nil)
	if first.Extra.Cost.Requested <= 125 || first.Extra.Cost.Actual == nil || *first.Extra.Cost.Actual >= first.Extra.Cost.Requested {
		t.Fatalf("cost %+v, want a dear query that gives some back", first.Extra.Cost)
	}
	if got, want := first.Extra.Cost.Throttle.Available, 250-float64(*first.Extra.Cost.Actual); got != want {
		t.Errorf("%v available, want %v: what was not needed is given back", got, want)
	}
	for range 40 {
		if ask(t, w.Shopify(""), dear, nil).code() == "THROTTLED" {
			break
		}
	}
	throttled := ask(t, w.Shopify(""), dear, nil)
	if throttled.status != http.StatusOK || throttled.code() != "THROTTLED" || throttled.Data != nil || throttled.Extra.Cost.Actual != nil {
		t.Fatalf("status %d: %s", throttled.status, throttled.body)
	}
	short := float64(throttled.Extra.Cost.Requested) - throttled.Extra.Cost.Throttle.Available
	w.clock.at = w.clock.at.Add(time.Duration(short/10*float64(time.Second)) + time.Second)
	if got := ask(t, w.Shopify(""), dear, nil); got.code() != "" {
		t.Errorf("after the wait: %s", got.body)
	}
}

func TestADocumentOverAThousandPointsIsRefused(t *testing.T) {
	w := newTiny(t, StoreOptions{BucketSize: 5000})
	const document = `{ productVariants(first: 250) { nodes { inventoryItem { inventoryLevels(first: 250) { nodes { item { inventoryLevels(first: 250) { nodes { location { id } item { id } } } } } } } } } }`
	if got := ask(t, w.Shopify(""), document, nil); got.status != http.StatusOK || got.code() != "MAX_COST_EXCEEDED" || got.Data != nil {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}

func TestTheShopsStateAnswersForAll(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	for _, c := range []struct {
		state ShopState
		want  int
	}{{ShopFrozen, http.StatusPaymentRequired}, {ShopLocked, http.StatusLocked}, {ShopOpen, http.StatusOK}} {
		if err := w.Do(ShopSwitched{Store: "main", State: c.state}); err != nil {
			t.Fatal(err)
		}
		got := ask(t, w.Shopify(""), shopQuery, nil)
		if got.status != c.want || got.header.Get("X-Request-Id") == "" {
			t.Errorf("%q: status %d, want %d with an id", c.state, got.status, c.want)
		}
	}
}

func TestAnotherVersionFallsForwardAndSaysSo(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	got := askAs(t, w.Shopify(""), "shpat_sandbox", "2024-01", shopQuery, nil)
	if version := got.header.Get("X-Shopify-API-Version"); got.status != http.StatusOK || version != "2026-10" {
		t.Errorf("status %d, version %q", got.status, version)
	}
}

// grant asks for a token.
func grant(t *testing.T, w *tiny, id, secret string) (int, map[string]any) {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/admin/oauth/access_token", strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	w.Shopify("").ServeHTTP(rec, request)
	var body map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	return rec.Code, body
}

func TestTokensExpireAndAreGrantedAgain(t *testing.T) {
	w := newTiny(t, StoreOptions{ClientID: "app", ClientSecret: "secret", TokenTTL: time.Hour})
	if status, body := grant(t, w, "app", "wrong"); status != http.StatusBadRequest || body["error"] == nil {
		t.Errorf("a wrong secret: %d %v", status, body)
	}
	_, body := grant(t, w, "app", "secret")
	token, _ := body["access_token"].(string)
	if body["expires_in"] != 3599.0 || !strings.Contains(body["scope"].(string), "write_inventory") {
		t.Errorf("granted %v", body)
	}
	asked := func(token string) int { return askAs(t, w.Shopify(""), token, "2026-10", shopQuery, nil).status }
	if got := asked(token); got != http.StatusOK {
		t.Errorf("a fresh token: %d", got)
	}
	for _, wrong := range []string{"", "shpat_sandbox", "shpat_guess"} {
		if got := asked(wrong); got != http.StatusUnauthorized {
			t.Errorf("token %q: %d", wrong, got)
		}
	}
	w.clock.at = w.clock.at.Add(time.Hour)
	if got := asked(token); got != http.StatusUnauthorized {
		t.Errorf("an expired token: %d", got)
	}
	_, body = grant(t, w, "app", "secret")
	if got := asked(body["access_token"].(string)); got != http.StatusOK {
		t.Errorf("the next token: %d", got)
	}
	if err := w.Do(TokenRevoked{}); err != nil {
		t.Fatal(err)
	}
	if got := asked(body["access_token"].(string)); got != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", got)
	}
}

func TestAMissingScopeDeniesTheFieldAndKeepsTheRest(t *testing.T) {
	for _, c := range []struct {
		name, scopes, document, data, needs string
	}{
		{
			"variants", "read_inventory,read_locations", `{ shop { name } productVariant(id: "VARIANT") { sku } }`,
			`{"productVariant":null,"shop":{"name":"main"}}`, "read_products",
		},
		{
			"a connection that must not be null takes the data along", "read_inventory", `{ shop { name } productVariants(first: 1) { nodes { id } } }`,
			`null`, "read_products",
		},
		{
			"the id of a location needs nothing", "read_products,write_inventory",
			`{ inventoryItem(id: "ITEM") { inventoryLevels(first: 1) { nodes { location { id } } } } }`,
			`{"inventoryItem":{"inventoryLevels":{"nodes":[{"location":{"id":"OSLO"}}]}}}`, "",
		},
		{
			"its name does, and is never null, so that all above it is", "read_products,read_inventory",
			`{ shop { name } inventoryItem(id: "ITEM") { inventoryLevels(first: 1) { nodes { location { name } } } } }`,
			`{"inventoryItem":null,"shop":{"name":"main"}}`, "read_locations",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTiny(t, StoreOptions{Scopes: strings.Split(c.scopes, ",")})
			names := strings.NewReplacer("VARIANT", w.mug.Variant, "ITEM", w.mug.Item, "OSLO", w.oslo)
			got := ask(t, w.Shopify(""), names.Replace(c.document), nil)
			data, _ := json.Marshal(got.Data)
			if want := names.Replace(c.data); string(data) != want {
				t.Errorf("data %s, want %s", data, want)
			}
			if c.needs == "" {
				if len(got.Errors) > 0 {
					t.Errorf("errors in %s", got.body)
				}
				return
			}
			if required, _ := got.Errors[0].Extensions["requiredAccess"].(string); got.code() != "ACCESS_DENIED" || !strings.Contains(required, c.needs) {
				t.Errorf("errors %+v, want %s to be named", got.Errors, c.needs)
			}
		})
	}
}

func TestDocumentsAreCheckedAgainstTheSchema(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	for _, c := range []struct{ name, document, code, message string }{
		{"an unknown field", `{ shop { fame } }`, "undefinedField", "Field 'fame' doesn't exist on type 'Shop'"},
		{"an unknown directive", `{ shop @idem(key: "x") { name } }`, "undefinedDirective", "Directive @idem is not defined"},
		{
			"a directive without its argument", `mutation { inventoryDeactivate(inventoryLevelId: "x") @idempotent { userErrors { message } } }`,
			"missingRequiredArguments", "Directive 'idempotent' is missing required arguments: key",
		},
		{"an unused variable", `query Q($a: ID) { shop { name } }`, "variableNotUsed", "Variable $a is declared by Q but not used"},
		{"broken syntax", `{ shop { name }`, "", ""},
	} {
		got := ask(t, w.Shopify(""), c.document, nil)
		if got.status != http.StatusOK || len(got.Errors) == 0 || got.code() != c.code || got.Data != nil || c.message != "" && got.Errors[0].Message != c.message {
			t.Errorf("%s: status %d: %s", c.name, got.status, got.body)
		}
	}
}

func TestVariablesAreCheckedAndSayWhereTheyAreWrong(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	for _, c := range []struct {
		name, want string
		variables  any
	}{
		{"a missing one", "$key of type String!", map[string]any{"input": setting("", "available", line("x", "y", 1, 1))["input"]}},
		{"a number that is none", "input", setting("k", "available", map[string]any{"inventoryItemId": "x", "locationId": "y", "quantity": "5"})},
		{"a fraction", "quantities.0.quantity", setting("k", "available", map[string]any{"inventoryItemId": "x", "locationId": "y", "quantity": 1.5})},
	} {
		got := ask(t, w.Shopify(""), setDocument, c.variables)
		if got.code() != "INVALID_VARIABLE" || !strings.Contains(got.Errors[0].Message, c.want) {
			t.Errorf("%s: %s", c.name, got.body)
		}
	}
}
