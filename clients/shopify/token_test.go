package shopify

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"stocksyncd/reconcile/inventory"
)

// granting answers grants with tokens t1, t2, …, and everything else with the
// answer of serve, which is told the token.
func granting(life int, serve func(token string) reply) func(int, asked) reply {
	var mu sync.Mutex
	granted := 0
	return func(_ int, a asked) reply {
		if a.path != "/admin/oauth/access_token" {
			return serve(a.token)
		}
		mu.Lock()
		defer mu.Unlock()
		granted++
		return reply{body: fmt.Sprintf(`{"access_token":"t%d","scope":"write_inventory","expires_in":%d}`, granted, life)}
	}
}

func shopOne(string) reply { return ok(`{"shop":{"id":"gid://shopify/Shop/1"}}`) }

func grantOptions() Options {
	return Options{ClientID: "the-client", ClientSecret: func() string { return secret }}
}

// wait lets virtual time pass.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal("the test ended")
	}
}

// usedTokens lists the tokens of the GraphQL requests.
func usedTokens(s *store) string {
	var used []string
	for _, a := range s.requests() {
		if a.Op != "" {
			used = append(used, a.token)
		}
	}
	return strings.Join(used, " ")
}

func TestATokenIsGrantedOnceAndRenewedAt80PercentOfItsLife(t *testing.T) {
	talkAs(t, grantOptions(), granting(1000, shopOne), func(t *testing.T, c *Client, s *store) {
		start := time.Now()
		for _, at := range []time.Duration{0, 799 * time.Second, 801 * time.Second, 1600 * time.Second} {
			wait(t, at-time.Since(start))
			if _, err := c.Identity(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := usedTokens(s), "t1 t1 t2 t2"; got != want {
			t.Errorf("used %q, want %q", got, want)
		}
		grant := s.requests()[0]
		if want := "client_id=the-client&client_secret=" + secret + "&grant_type=client_credentials"; grant.body != want || grant.token != "" {
			t.Errorf("the grant was asked with %q and token %q", grant.body, grant.token)
		}
		if got := c.Counts().Count; got != 6 {
			t.Errorf("%d requests counted, want 4 and 2 grants", got)
		}
	})
}

func TestManyRequestsAtOnceRenewTheTokenOnce(t *testing.T) {
	talkAs(t, grantOptions(), granting(1000, shopOne), func(t *testing.T, c *Client, s *store) {
		for range 2 {
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					if _, err := c.Identity(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			wait(t, 900*time.Second)
		}
		if got := strings.Count(s.ops(), "/admin/oauth/access_token"); got != 2 {
			t.Errorf("%d grants for 16 requests in two lives of a token, want 2", got)
		}
	})
}

func TestARefusedTokenIsRenewedOnceForEachRequest(t *testing.T) {
	refuse := func(tokens string) func(string) reply {
		return func(token string) reply {
			if strings.Contains(tokens, token) {
				return reply{status: 401, body: `{"errors":"[API] Invalid API key or access token"}`}
			}
			return shopOne(token)
		}
	}
	talkAs(t, grantOptions(), granting(1000, refuse("t1")), func(t *testing.T, c *Client, s *store) {
		if _, err := c.Identity(t.Context()); err != nil || usedTokens(s) != "t1 t2" {
			t.Errorf("used %q: %v", usedTokens(s), err)
		}
	})
	talkAs(t, grantOptions(), granting(1000, refuse("t1 t2 t3")), func(t *testing.T, c *Client, s *store) {
		_, err := c.Identity(t.Context())
		if kind(err) != "pause 15m0s" || usedTokens(s) != "t1 t2" {
			t.Errorf("used %q: %v", usedTokens(s), err)
		}
	})
	talkAs(t, grantOptions(), granting(1000, refuse("t1")), func(t *testing.T, c *Client, s *store) {
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if _, err := c.Identity(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := strings.Count(s.ops(), "/admin/oauth/access_token"); got != 2 {
			t.Errorf("%d grants, want the first and one renewal", got)
		}
	})
}

func TestAFixedTokenThatWasReplacedIsTriedOnce(t *testing.T) {
	now := "old"
	talkAs(t, Options{Token: func() string { return now }}, func(_ int, a asked) reply {
		if a.token == "old" {
			now = "new"
			return reply{status: 401}
		}
		return shopOne(a.token)
	}, func(t *testing.T, c *Client, s *store) {
		if _, err := c.Identity(t.Context()); err != nil || usedTokens(s) != "old new" {
			t.Errorf("used %q: %v", usedTokens(s), err)
		}
	})
}

func TestAFailedRenewalUsesTheOldTokenWhileItIsGood(t *testing.T) {
	grants := granting(1000, shopOne)
	down := false
	talkAs(t, grantOptions(), func(n int, a asked) reply {
		if down && a.Op == "" {
			return reply{status: 503}
		}
		return grants(n, a)
	}, func(t *testing.T, c *Client, s *store) {
		if _, err := c.Identity(t.Context()); err != nil {
			t.Fatal(err)
		}
		down = true
		wait(t, 850*time.Second)
		if _, err := c.Identity(t.Context()); err != nil || usedTokens(s) != "t1 t1" {
			t.Errorf("used %q: %v", usedTokens(s), err)
		}
		if !strings.Contains(s.log.String(), "renewing the access token failed") {
			t.Errorf("no warning: %s", s.log.String())
		}
		wait(t, 200*time.Second)
		if _, err := c.Identity(t.Context()); err == nil {
			t.Error("an expired token was used")
		}
		down = false
		if _, err := c.Identity(t.Context()); err != nil || usedTokens(s) != "t1 t1 t2" {
			t.Errorf("used %q: %v", usedTokens(s), err)
		}
	})
}

func TestAGrantThatCameBrokenIsAskedForAgain(t *testing.T) {
	for _, broken := range []string{"<!DOCTYPE html>", `{"access_token":"t`, `{}`, ""} {
		grants, times := granting(1000, shopOne), 0
		talkAs(t, grantOptions(), func(n int, a asked) reply {
			if a.Op == "" {
				if times++; times == 1 {
					return reply{body: broken}
				}
			}
			return grants(n, a)
		}, func(t *testing.T, c *Client, s *store) {
			if _, err := c.Identity(t.Context()); err != nil || usedTokens(s) != "t1" || times != 2 {
				t.Errorf("after %q a token was asked for %d times, used %q: %v", broken, times, usedTokens(s), err)
			}
		})
	}
}

func TestARefusedGrantSaysWhatToDoAndShowsNoSecret(t *testing.T) {
	tests := map[string]struct {
		answer reply
		kind   string
		says   string
	}{
		"not installed":       {reply{status: 400, body: `{"error":"app_not_installed","error_description":"no ` + secret + `"}`}, "pause 15m0s", "install the app in the store"},
		"not permitted":       {reply{status: 400, body: `{"error":"shop_not_permitted"}`}, "pause 15m0s", "another organisation"},
		"bad credentials":     {reply{status: 401, body: `{"error":"invalid_client"}`}, "pause 15m0s", "check client_id and client_secret"},
		"an HTML page":        {reply{status: 400, body: "<html>" + secret}, "pause 15m0s", "check shop, url, client_id and client_secret"},
		"no shop":             {reply{status: 404}, "pause 15m0s", "no such shop"},
		"frozen":              {reply{status: 402}, "pause 1h0m0s", "frozen"},
		"down":                {reply{status: 502, body: secret}, "error", "HTTP 502"},
		"no token":            {reply{body: `{"scope":"` + secret + `"}`}, "error", "no access_token"},
		"HTML in place of it": {reply{body: "<html>" + secret}, "error", "no access_token"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			talkAs(t, grantOptions(), always(test.answer), func(t *testing.T, c *Client, s *store) {
				_, err := c.Identity(t.Context())
				if kind(err) != test.kind || !strings.Contains(fmt.Sprint(err), test.says) || strings.Contains(fmt.Sprint(err), secret) {
					t.Errorf("got %v (%s), want %q and the words %q", err, kind(err), test.kind, test.says)
				}
				if strings.Contains(s.ops(), "readIdentity") {
					t.Error("a request was sent without a token")
				}
			})
		})
	}
}

func TestATokenThatIsMissingIsNamed(t *testing.T) {
	for _, opts := range []Options{{}, {Token: func() string { return "" }}, {ClientID: "x"}, {ClientID: "x", ClientSecret: func() string { return "" }}} {
		talkAs(t, opts, always(reply{}), func(t *testing.T, c *Client, s *store) {
			_, err := c.Set(t.Context(), one())
			if err == nil || !strings.Contains(err.Error(), "set ") || kind(err) != "error" || len(s.requests()) != 0 {
				t.Errorf("got %v after %d requests", err, len(s.requests()))
			}
		})
	}
}

func TestAWriteWhoseRenewalFailsKeepsItsDoubt(t *testing.T) {
	grants := 0
	talkAs(t, grantOptions(), func(_ int, a asked) reply {
		switch {
		case a.Op != "" && grants == 1:
			grants++
			return reply{status: 500}
		case a.Op != "":
			return reply{status: 401}
		case grants == 0:
			grants++
			return reply{body: `{"access_token":"t1"}`}
		}
		return reply{status: 400, body: `{"error":"app_not_installed"}`}
	}, func(t *testing.T, c *Client, _ *store) {
		_, err := c.Set(t.Context(), inventory.Batch{Key: "k", Changes: []inventory.Change{change(1, 1, 1, 2)}})
		if kind(err) != "pause 15m0s, lost" {
			t.Errorf("got %v (%s), want a pause and doubt", err, kind(err))
		}
	})
}
