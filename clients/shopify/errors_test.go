package shopify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile/inventory"
)

// one is a batch of one line.
func one() inventory.Batch {
	return inventory.Batch{Cycle: 1, Key: "the-key", Changes: []inventory.Change{change(1, 1, 5, 3)}}
}

// throttled is Shopify's answer to a bucket that is too empty.
const throttled = `{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}],
	"extensions":{"cost":{"requestedQueryCost":752,"actualQueryCost":null,"throttleStatus":{"maximumAvailable":2000.0,"currentlyAvailable":502.5,"restoreRate":100.0}}}}`

// What the client does about each layer's errors: one read and each kind of
// write for each row, against a store that answers so once, and for ever.
func TestEveryLayersErrorsHaveTheirReaction(t *testing.T) {
	body := func(errs string) string { return `{"errors":` + errs + `}` }
	tests := []struct {
		name   string
		answer reply
		once   bool          // gone at the second try: the read and the write succeed
		after  time.Duration // and that try waits at least so long
		read   string        // for ever: the kinds of error
		write  string
		says   string // in both errors
	}{
		{"network", reply{cut: true, body: `{"da`}, true, 0, "error", "lost", "broke off"},
		{"400", reply{status: 400, body: body(`"Bad Request"`)}, false, 0, "error", "error", "HTTP 400: Bad Request: Shopify finds the request malformed"},
		{"401", reply{status: 401, body: body(`"[API] Invalid API key or access token"`)}, false, 0, "pause 15m0s", "pause 15m0s", "Invalid API key"},
		{"402", reply{status: 402, body: body(`"Unavailable Shop"`)}, false, 0, "pause 1h0m0s", "pause 1h0m0s", "frozen"},
		{"403", reply{status: 403, body: body(`{"base":["no access"]}`)}, false, 0, "pause 15m0s", "pause 15m0s", "no access"},
		{"404", reply{status: 404, body: body(`"Not Found"`)}, false, 0, "pause 15m0s", "pause 15m0s", "check shop, url and api_version"},
		{"423", reply{status: 423}, false, 0, "pause 6h0m0s", "pause 6h0m0s", "Shopify has locked the shop"},
		{"429 with a time", reply{status: 429, header: map[string]string{"Retry-After": "2.0"}}, true, 2 * time.Second, "pause 1m0s", "pause 1m0s", "HTTP 429"},
		{"429 without", reply{status: 429, body: "<html>slow down"}, true, time.Second, "pause 1m0s", "pause 1m0s", "HTTP 429"},
		{"429 for long", reply{status: 429, header: map[string]string{"Retry-After": "900"}}, false, 0, "pause 15m0s", "pause 15m0s", "15m0s"},
		{"430", reply{status: 430}, false, 0, "pause 1h0m0s", "pause 1h0m0s", "protection"},
		{"500", reply{status: 500, body: body(`"Internal Server Error"`)}, true, 0, "error", "lost", "Internal Server Error"},
		{"502", reply{status: 502}, true, 0, "error", "lost", "HTTP 502"},
		{"503", reply{status: 503}, true, 0, "error", "lost", "HTTP 503"},
		{"504", reply{status: 504}, true, 0, "error", "lost", "HTTP 504"},
		{"520", reply{status: 520}, true, 0, "error", "lost", "HTTP 520"},
		{"530", reply{status: 530}, true, 0, "error", "lost", "HTTP 530"},
		{"540", reply{status: 540}, true, 0, "error", "lost", "HTTP 540"},
		{"THROTTLED", reply{body: throttled}, true, 3 * time.Second, "pause 1m0s", "pause 1m0s", "THROTTLED: Throttled"},
		{"THROTTLED without a status", reply{body: `{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}]}`}, true, time.Second, "pause 1m0s", "pause 1m0s", "THROTTLED"},
		{"MAX_COST_EXCEEDED", failing("MAX_COST_EXCEEDED", "1502 exceeds 1000"), false, 0, "error", "error", "MAX_COST_EXCEEDED: 1502 exceeds 1000"},
		{"ACCESS_DENIED", reply{body: `{"data":{"shop":null},"errors":[{"message":"Access denied for shop field.","path":["shop","name"],"extensions":{"code":"ACCESS_DENIED","requiredAccess":"` + "`read_products`" + ` access scope."}}]}`},
			false, 0, "pause 15m0s", "pause 15m0s, lost", "Needed: `read_products` access scope. At shop.name."},
		{"INTERNAL_SERVER_ERROR", failing("INTERNAL_SERVER_ERROR", "Internal error. Request ID: 1-2-3"), true, 0, "error", "lost", "Request ID: 1-2-3"},
		{"validation", failing("undefinedField", "Field 'x' doesn't exist"), false, 0, "error", "error", "does not fit the API version that answered, 2026-10"},
		{"validation without a code", reply{body: body(`[{"message":"Parse error on \"}\""}]`)}, false, 0, "error", "error", `Parse error on "}"`},
		{"a missing directive", reply{body: `{"errors":[{"message":"The @idempotent directive is required for this mutation but was not provided.","extensions":{"code":"BAD_REQUEST"},"path":["inventorySetQuantities"]}],"data":{"inventorySetQuantities":null}}`}, false, 0, "error", "error", "BAD_REQUEST: The @idempotent directive"},
		{"SHOP_INACTIVE", failing("SHOP_INACTIVE", "inactive"), false, 0, "pause 1h0m0s", "pause 1h0m0s", "frozen"},
		{"a redirect", reply{status: 301, header: map[string]string{"Location": "http://other.example/"}}, false, 0, "pause 15m0s", "pause 15m0s", "check shop and url"},
		{"a page of HTML with 200", reply{body: "<html>maintenance"}, true, 0, "error", "lost", "not a GraphQL answer"},
		{"null", reply{body: "null"}, true, 0, "error", "lost", "not a GraphQL answer"},
		{"no data", reply{body: `{"data":null}`}, true, 0, "error", "lost", "not a GraphQL answer"},
	}
	good := map[string]reply{
		"readIdentity": ok(`{"shop":{"id":"gid://shopify/Shop/1"}}`), "setQuantities": done(one().Changes...),
		"activateLevel": activated(levelJSON(1, 0)),
	}
	calls := map[string]func(t *testing.T, c *Client) error{
		"read":  func(t *testing.T, c *Client) error { _, err := c.Identity(t.Context()); return err },
		"write": func(t *testing.T, c *Client) error { _, err := c.Set(t.Context(), one()); return err },
		"activation": func(t *testing.T, c *Client) error {
			_, err := c.Activate(t.Context(), key(1, 1), "the-key")
			return err
		},
	}
	for _, test := range tests {
		for name, call := range calls {
			want := test.write
			if name == "read" {
				want = test.read
			}
			t.Run(test.name+", "+name, func(t *testing.T) {
				talk(t, always(test.answer), func(t *testing.T, c *Client, s *store) {
					err := call(t, c)
					if kind(err) != want || !strings.Contains(fmt.Sprint(err), test.says) {
						t.Errorf("for ever: got %v (%s), want %q and the words %q", err, kind(err), want, test.says)
					}
					if !test.answer.cut && test.name != "429 for long" && !strings.Contains(fmt.Sprint(err), "X-Request-Id req-") {
						t.Errorf("%v does not name the request", err)
					}
					if tries := len(s.requests()); (tries > 1) != test.once {
						t.Errorf("%d tries", tries)
					}
				})
				if !test.once {
					return
				}
				talk(t, func(n int, a asked) reply {
					if n == 1 {
						return test.answer
					}
					return good[a.Op]
				}, func(t *testing.T, c *Client, s *store) {
					start := time.Now()
					if err := call(t, c); err != nil {
						t.Errorf("once: %v", err)
					}
					if waited := time.Since(start); waited < test.after || waited > test.after+2*time.Second {
						t.Errorf("the second try came after %s, want %s", waited, test.after)
					}
					if all := s.requests(); len(all) != 2 || all[0].body != all[1].body {
						t.Errorf("%d requests, want the same one twice", len(all))
					}
				})
			})
		}
	}
}

func TestANewerVersionThatAnswersIsWarnedOfOnce(t *testing.T) {
	answer := ok(`{"shop":{"id":"gid://shopify/Shop/1"}}`)
	answer.header = map[string]string{"X-Shopify-API-Version": "2027-01", "X-Shopify-API-Deprecated-Reason": "https://shopify.dev/old"}
	talk(t, always(answer), func(t *testing.T, c *Client, s *store) {
		if got := c.ServedVersion(); got != "" {
			t.Errorf("before the first answer %q", got)
		}
		for range 3 {
			if id, err := c.Identity(t.Context()); id != "gid://shopify/Shop/1" || err != nil {
				t.Errorf("got %q, %v", id, err)
			}
		}
		if got := c.ServedVersion(); got != "2027-01" {
			t.Errorf("served by %q", got)
		}
		if got := strings.Count(s.log.String(), "asked=2026-10 served=2027-01"); got != 1 {
			t.Errorf("warned %d times of the version:\n%s", got, s.log.String())
		}
		if got := strings.Count(s.log.String(), "deprecated"); got != 1 {
			t.Errorf("warned %d times of the deprecation:\n%s", got, s.log.String())
		}
		if got := s.requests()[0].path; got != "/admin/api/2026-10/graphql.json" {
			t.Errorf("asked at %s", got)
		}
	})
}

func TestScopesAreThoseOfTheInstallation(t *testing.T) {
	talk(t, inTurn(ok(`{"currentAppInstallation":{"accessScopes":[{"handle":"read_products"},{"handle":"write_inventory"}]}}`), ok(`{"currentAppInstallation":null}`)),
		func(t *testing.T, c *Client, _ *store) {
			got, err := c.Scopes(t.Context())
			if strings.Join(got, " ") != "read_products write_inventory" || err != nil {
				t.Errorf("got %v, %v", got, err)
			}
			if _, err := c.Scopes(t.Context()); err == nil {
				t.Error("an answer without scopes is no error")
			}
		})
}

func TestNoErrorShowsASecretOrBreaksTheLine(t *testing.T) {
	leak := "token " + token + " in\n\x1b[31m" + strings.Repeat("long ", 200)
	for _, answer := range []reply{
		{status: 403, body: fmt.Sprintf(`{"errors":%q}`, leak)},
		{status: 403, body: leak},
		failing("ODD "+token, leak),
		{status: 402, header: map[string]string{"X-Request-Id": token}, body: leak},
		ok(fmt.Sprintf(`{"inventorySetQuantities":{"inventoryAdjustmentGroup":null,"userErrors":[{"code":"INVALID_NAME","field":null,"message":%q}]}}`, leak)),
		ok(fmt.Sprintf(`{"inventoryActivate":{"inventoryLevel":null,"userErrors":[{"field":null,"message":%q}]}}`, leak)),
	} {
		talk(t, always(answer), func(t *testing.T, c *Client, s *store) {
			_, setErr := c.Set(t.Context(), three())
			_, activateErr := c.Activate(t.Context(), key(1, 1), "the-key")
			for _, err := range []error{setErr, activateErr} {
				text := fmt.Sprint(err)
				if err == nil || strings.Contains(text, token) || strings.ContainsAny(text, "\n\x1b") || len(text) > 1200 {
					t.Errorf("got %q", text)
				}
			}
			if s.requests()[0].token != token {
				t.Error("the token was not sent")
			}
		})
	}
}
