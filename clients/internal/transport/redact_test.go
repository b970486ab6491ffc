package transport_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"stocksyncd/clients/internal/transport"
	"stocksyncd/reconcile/inventory"
)

const secret = `k3y/+"with\odd&signs`

func TestNoErrorShowsAURLOrASecret(t *testing.T) {
	leak := func(req *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("proxy says: cannot fetch %s with %s", req.URL, secret)
	}
	requests := []string{
		"https://user:pass@api.example/v1/things?signature=abc123&key=hidden",
		"https://api.example/v1/\x7fthings?key=hidden",
		"gopher://api.example/v1/things?key=hidden",
		"https://api.example:port/things?key=hidden",
	}
	for _, url := range requests {
		t.Run(url, func(t *testing.T) {
			client := transport.New(transport.Options{
				API: "katana", Base: roundTrip(leak), Retries: -1,
				Secrets: func() []string { return []string{"", secret} },
			})
			_, err := client.Do(t.Context(), &transport.Request{Name: "things", Method: http.MethodGet, URL: url})
			if err == nil {
				t.Fatal("got no error")
			}
			got := fmt.Sprintf("%v %+v %#v", err, err, err.Error())
			for _, word := range []string{"abc123", "hidden", "pass@", secret, "odd&signs", "?key"} {
				if strings.Contains(got, word) {
					t.Errorf("got %s, which shows %s", got, word)
				}
			}
			if !strings.HasPrefix(err.Error(), "katana: things: GET ") {
				t.Errorf("got %s, want API, request and method first", err)
			}
			if errors.Unwrap(err) != nil {
				t.Errorf("got %v below, which nobody redacted", errors.Unwrap(err))
			}
		})
	}
}

func TestAnErrorNamesPathAndTries(t *testing.T) {
	talk(t, transport.Options{API: "shopify/main", Retries: 1}, reset, func(t *testing.T, c *transport.Client) {
		_, err := c.Do(t.Context(), post("x", true))
		want := "shopify/main: write: POST /write (try 2): EOF: the answer was lost; the write may have been applied"
		if err == nil || err.Error() != want || !errors.Is(err, inventory.ErrAnswerLost) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	})
}

func TestRedactTakesOutWhatMustNotBeShown(t *testing.T) {
	client := transport.New(transport.Options{API: "x", Secrets: func() []string { return []string{secret, ""} }})
	tests := []struct{ name, text, want string }{
		{"a plain secret", "a " + secret + " b", "a [redacted] b"},
		{"a secret in a query", "k=k3y%2F%2B%22with%5Codd%26signs", "k=[redacted]"},
		{"a secret in JSON", `{"k":"k3y/+\"with\\odd\u0026signs"}`, `{"k":"[redacted]"}`},
		{"a signed URL", `see https://s.example/o.jsonl?X-Sig=1&b=2 "`, `see https://s.example/o.jsonl?[redacted] "`},
		{"a signed URL in JSON", `{"url":"https:\/\/s.example\/o?X=1\u0026b=2"}`, `{"url":"https:\/\/s.example\/o?[redacted]"}`},
		{"a URL with a password", "http://u:p@proxy.example/", "http://[redacted]@proxy.example/"},
		{"a token by its look", `"access_token":"shpat_0123abc"`, `"access_token":"[redacted]"`},
		{"a bearer", "Authorization: Bearer abcdef-0123", "Authorization: [redacted]"},
		{"plain words", "stock of MUG-BLUE? 7", "stock of MUG-BLUE? 7"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := client.Redact(test.text); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestAnExcerptIsShortQuotedAndWithoutHalfASecret(t *testing.T) {
	client := transport.New(transport.Options{API: "x", Secrets: func() []string { return []string{"SECRETSECRET"} }})
	body := strings.Repeat("é\n", 30) + strings.Repeat("x", 25) + "SECRETSECRET" + strings.Repeat("y", 500)
	got := client.Excerpt([]byte(body))
	if strings.Contains(got, "SECRET") || strings.Contains(got, "\n") || len(got) > 400 {
		t.Errorf("got %s", got)
	}
	if got, want := client.Excerpt([]byte("<html>\x1b[2J")), `"<html>\x1b[2J"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzRedactLeavesNoSecret(f *testing.F) {
	f.Add("before ", " after https://a.example/?q=1")
	f.Add("https://a.example/?q=", "&x=\"")
	f.Fuzz(func(t *testing.T, before, after string) {
		const hidden = "Zz9-hidden-key"
		client := transport.New(transport.Options{API: "x", Secrets: func() []string { return []string{hidden} }})
		body := before + hidden + after
		if got := client.Redact(body) + client.Excerpt([]byte(body)); strings.Contains(got, hidden) {
			t.Errorf("got %q", got)
		}
	})
}
