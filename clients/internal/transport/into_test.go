package transport_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"stocksyncd/clients/internal/transport"
)

// taker is what a request's reader got, by try.
type taker struct {
	got  []string
	some int64 // read no more than that; 0 is all
	err  error // give this back
}

func (k *taker) take(body io.Reader) error {
	if k.some > 0 {
		body = io.LimitReader(body, k.some)
	}
	data, err := io.ReadAll(body)
	k.got = append(k.got, string(data))
	return errors.Join(err, k.err)
}

func (k *taker) request() *transport.Request {
	r := get("/file")
	r.Into, r.Most = k.take, 1000
	return r
}

func whole(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "the whole file") }

// packed answers with the text packed, whole or half of it.
func packed(text string, half bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			http.Error(w, "wants it plain", http.StatusNotAcceptable)
			return
		}
		var b strings.Builder
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(text))
		_ = z.Close()
		w.Header().Set("Content-Encoding", "gzip")
		body := b.String()
		if half {
			body = body[:len(body)/2]
		}
		_, _ = io.WriteString(w, body)
	}
}

func TestALargeAnswerIsHandedOverWholeOrTriedAgain(t *testing.T) {
	tests := []struct {
		name  string
		steps []http.HandlerFunc
		want  string // what each try got
	}{
		{"whole at once", []http.HandlerFunc{whole}, "the whole file"},
		{"packed", []http.HandlerFunc{packed("the whole file", false)}, "the whole file"},
		{"a connection that is reset", []http.HandlerFunc{reset, whole}, "the whole file"},
		{"a server error", []http.HandlerFunc{status(503), whole}, "the whole file"},
		{"cut short", []http.HandlerFunc{cut, cut, whole}, "half|half|the whole file"},
		{"packed, and cut short", []http.HandlerFunc{packed("", true), whole}, "|the whole file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := &script{steps: test.steps}
			talk(t, transport.Options{}, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
				var k taker
				resp, err := c.Do(t.Context(), k.request())
				if err != nil || resp.Status != 200 || len(resp.Body) > 0 {
					t.Fatalf("got %+v, %v", resp, err)
				}
				if got := strings.Join(k.got, "|"); got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
			})
		})
	}
}

func TestAnAnswerIsReadToItsEndThoughItsReaderHasEnough(t *testing.T) {
	server := &script{steps: []http.HandlerFunc{cut, whole}}
	talk(t, transport.Options{}, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
		k := taker{some: 2}
		if _, err := c.Do(t.Context(), k.request()); err != nil || strings.Join(k.got, "|") != "ha|th" {
			t.Errorf("got %q, %v, want a second try after the cut", k.got, err)
		}
	})
}

func TestWhatAReaderFindsWrongIsFinal(t *testing.T) {
	odd := errors.New("an odd line")
	server := &script{steps: []http.HandlerFunc{whole}}
	talk(t, transport.Options{}, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
		k := taker{err: odd}
		if _, err := c.Do(t.Context(), k.request()); !errors.Is(err, odd) || len(k.got) != 1 {
			t.Errorf("got %v after %d tries, want the reader's own error after one", err, len(k.got))
		}
	})
}

func TestALargeAnswerHasItsOwnLimit(t *testing.T) {
	large := strings.Repeat("x", 1001)
	for name, handler := range map[string]http.HandlerFunc{
		"plain":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, large) },
		"packed": packed(large, false),
	} {
		talk(t, transport.Options{MaxBody: 10}, handler, func(t *testing.T, c *transport.Client) {
			var k taker
			if _, err := c.Do(t.Context(), k.request()); !errors.Is(err, transport.ErrTooLarge) || len(k.got) != 1 {
				t.Errorf("%s: got %v after %d tries, want it too large after one", name, err, len(k.got))
			}
		})
	}
	talk(t, transport.Options{MaxBody: 10}, status(404), func(t *testing.T, c *transport.Client) {
		var k taker
		resp, err := c.Do(t.Context(), k.request())
		if err != nil || resp.Status != 404 || string(resp.Body) != "404" || len(k.got) != 0 {
			t.Errorf("got %+v, %v: a refusal is not the file", resp, err)
		}
	})
}

func TestALargeAnswerMayTakeLongButNotFallSilent(t *testing.T) {
	drip := func(parts int, pause time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for range parts {
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(pause):
				case <-r.Context().Done():
					return
				}
			}
		}
	}
	opts := transport.Options{TryTimeout: 10 * time.Second, Overall: time.Hour, Retries: 2}
	talk(t, opts, drip(100, 9*time.Second), func(t *testing.T, c *transport.Client) {
		var k taker
		if _, err := c.Do(t.Context(), k.request()); err != nil || len(k.got) != 1 || len(k.got[0]) != 100 {
			t.Errorf("slow: got %q, %v", k.got, err)
		}
	})
	talk(t, opts, drip(100, time.Minute), func(t *testing.T, c *transport.Client) {
		var k taker
		began := time.Now()
		_, err := c.Do(t.Context(), k.request())
		if err == nil || !strings.Contains(err.Error(), "no answer within 10s") || strings.Join(k.got, "|") != "x|x|x" {
			t.Errorf("silent: got %q, %v", k.got, err)
		}
		if took := time.Since(began); took > 40*time.Second {
			t.Errorf("silent: took %s", took)
		}
	})
}

func TestASignedURLIsShownByNoErrorAndLeadsNowhereElse(t *testing.T) {
	const signed = base + "/outputs/3280597?Expires=1783032249&Signature=a%2Bb%3Dc0ffee"
	leak := func(req *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("proxy says: cannot fetch %s: %s, %s, %s", req.URL, req.URL.RequestURI(), req.URL.Path, req.URL.Query().Get("Signature"))
	}
	k := &taker{}
	request := k.request()
	request.URL, request.Signed = signed, true
	c := transport.New(transport.Options{API: "shopify/main", Base: roundTrip(leak), Retries: -1})
	_, err := c.Do(t.Context(), request)
	got := fmt.Sprintf("%v %+v", err, err)
	for _, part := range []string{"outputs", "3280597", "1783032249", "c0ffee"} {
		if strings.Contains(got, part) {
			t.Errorf("got %s, which shows %s", got, part)
		}
	}
	if want := "shopify/main: read: GET (signed URL): proxy says"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	for _, target := range []string{"/elsewhere", "https://storage.example/x?Signature=y"} {
		server := &script{steps: []http.HandlerFunc{status(302, "Location", target), whole}}
		talk(t, transport.Options{}, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
			resp, err := c.Do(t.Context(), request)
			if err != nil || resp.Status != 302 || len(server.bodies) != 1 {
				t.Errorf("redirected to %s: got %+v, %v after %d requests", target, resp, err, len(server.bodies))
			}
		})
	}
}
