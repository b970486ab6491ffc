package transport_test

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/internal/transport"
	"stocksyncd/clients/internal/transport/transporttest"
	"stocksyncd/reconcile/inventory"
)

const base = "http://api.example"

// never keeps jitter out of tests that measure time.
func never() float64 { return 0 }

// talk runs a test in virtual time against handler.
func talk(t *testing.T, opts transport.Options, handler http.HandlerFunc, test func(t *testing.T, c *transport.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		opts.Base = transporttest.Serve(t, handler)
		if opts.API == "" {
			opts.API = "katana"
		}
		if opts.Rand == nil {
			opts.Rand = never
		}
		test(t, transport.New(opts))
	})
}

func get(path string) *transport.Request {
	return &transport.Request{Name: "read", Method: http.MethodGet, URL: base + path}
}

func post(body string, repeatable bool) *transport.Request {
	return &transport.Request{
		Name: "write", Method: http.MethodPost, URL: base + "/write",
		Body: []byte(body), Repeatable: repeatable,
	}
}

// script answers each try with the next step; the last one repeats.
type script struct {
	mu     sync.Mutex
	steps  []http.HandlerFunc
	bodies []string
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.bodies = append(s.bodies, string(body))
	step := s.steps[min(len(s.bodies), len(s.steps))-1]
	s.mu.Unlock()
	step(w, r)
}

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		_, _ = fmt.Fprintf(w, "%d", code)
	}
}

func reset(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = fmt.Fprint(w, "half")
}

func TestATryThatFailsIsRepeatedWhenThatIsHarmless(t *testing.T) {
	tests := []struct {
		name  string
		first http.HandlerFunc
	}{
		{"a server error", status(500)},
		{"a bad gateway", status(502)},
		{"a throttled answer", status(429)},
		{"a connection that is reset", reset},
		{"an answer that is cut short", cut},
	}
	for _, test := range tests {
		for _, request := range []*transport.Request{get("/read"), post(`{"key":"k"}`, true)} {
			t.Run(test.name+" to "+request.Method, func(t *testing.T) {
				server := &script{steps: []http.HandlerFunc{test.first, test.first, status(200)}}
				talk(t, transport.Options{}, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
					resp, err := c.Do(t.Context(), request)
					if err != nil || resp.Status != 200 || resp.Try != 3 {
						t.Fatalf("got %+v, %v, want 200 on try 3", resp, err)
					}
				})
				want := slices.Repeat([]string{string(request.Body)}, 3)
				if !slices.Equal(server.bodies, want) {
					t.Errorf("got bodies %q, want the same one three times", server.bodies)
				}
			})
		}
	}
}

func TestAWriteWithoutAKeyIsTriedOnce(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{"reset": reset, "cut": cut, "502": status(502)} {
		t.Run(name, func(t *testing.T) {
			server := &script{steps: []http.HandlerFunc{first, status(200)}}
			talk(t, transport.Options{}, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
				resp, err := c.Do(t.Context(), post("x", false))
				lost := errors.Is(err, inventory.ErrAnswerLost) || (err == nil && resp.MaybeApplied)
				if !lost {
					t.Errorf("got %+v, %v, want it left open whether the write was applied", resp, err)
				}
			})
			if len(server.bodies) != 1 {
				t.Errorf("got %d tries, want 1", len(server.bodies))
			}
		})
	}
}

func TestAWriteThatWasRefusedUnheardIsRepeatedWithoutAKey(t *testing.T) {
	server := &script{steps: []http.HandlerFunc{status(429), status(200)}}
	talk(t, transport.Options{}, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
		resp, err := c.Do(t.Context(), post("x", false))
		if err != nil || resp.Status != 200 || resp.MaybeApplied {
			t.Errorf("got %+v, %v, want a plain 200", resp, err)
		}
	})
}

func TestALostWriteStaysLostWhenTheRetryIsRefused(t *testing.T) {
	server := &script{steps: []http.HandlerFunc{reset, status(403)}}
	talk(t, transport.Options{}, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
		resp, err := c.Do(t.Context(), post("x", true))
		if err != nil || resp.Status != 403 || !resp.MaybeApplied {
			t.Errorf("got %+v, %v, want 403 that may have been applied", resp, err)
		}
	})
}

func TestAWriteThatNeverLeftIsNotLost(t *testing.T) {
	dials := 0
	pool := transport.NewBase()
	pool.DialContext = nil
	client := transport.New(transport.Options{API: "shopify/main", Retries: -1, Base: roundTrip(func(req *http.Request) (*http.Response, error) {
		dials++
		return pool.RoundTrip(req)
	})})
	request := post("x", false)
	request.URL = "http://127.0.0.1:1/write" // nothing listens there
	_, err := client.Do(t.Context(), request)
	if err == nil || errors.Is(err, inventory.ErrAnswerLost) || dials != 1 {
		t.Errorf("got %v after %d dials, want a plain failure to connect", err, dials)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestAStatusThatIsNotWorthARetryComesBackAtOnce(t *testing.T) {
	for _, code := range []int{200, 304, 400, 401, 402, 403, 404, 408, 414, 422, 423, 431, 501} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			server := &script{steps: []http.HandlerFunc{status(code)}}
			talk(t, transport.Options{}, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
				resp, err := c.Do(t.Context(), get("/read"))
				if err != nil || resp.Status != code || c.Counts().Requests != 1 {
					t.Errorf("got %+v, %v after %+v, want %d once", resp, err, c.Counts(), code)
				}
			})
		})
	}
}

func TestTheLastAnswerComesBackWhenRetriesAreUsedUp(t *testing.T) {
	talk(t, transport.Options{Retries: 2}, status(503), func(t *testing.T, c *transport.Client) {
		resp, err := c.Do(t.Context(), get("/read"))
		if err != nil || resp.Status != 503 || string(resp.Body) != "503" || resp.Try != 3 {
			t.Errorf("got %+v, %v, want the third 503", resp, err)
		}
		got := c.Counts()
		if got.Requests != 3 || got.Retries != 2 || got.Waited != 500*time.Millisecond {
			t.Errorf("got %+v, want 3 requests, 2 retries, two floors of 250 ms", got)
		}
	})
}

func TestTheAdapterDecidesWhatAnAnswerIsWorth(t *testing.T) {
	classify := func(resp *transport.Response) transport.Verdict {
		if strings.Contains(string(resp.Body), "THROTTLED") {
			return transport.Verdict{Retry: true, Throttled: true, Wait: 7 * time.Second}
		}
		return transport.Usual(resp)
	}
	server := &script{steps: []http.HandlerFunc{
		func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "THROTTLED") }, status(200),
	}}
	talk(t, transport.Options{Classify: classify}, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
		start := time.Now()
		resp, err := c.Do(t.Context(), post("x", false))
		if err != nil || resp.Try != 2 || time.Since(start) != 7*time.Second || c.Counts().Throttled != 1 {
			t.Errorf("got %+v, %v after %s, want the second try after 7 s", resp, err, time.Since(start))
		}
	})
}

func TestEachTryIsAuthorisedAnew(t *testing.T) {
	var tokens atomic.Int32
	var seen []string
	opts := transport.Options{Authorize: func(_ context.Context, h http.Header) error {
		h.Set("Authorization", fmt.Sprintf("Bearer token-%d", tokens.Add(1)))
		return nil
	}}
	server := &script{steps: []http.HandlerFunc{status(500), status(200)}}
	talk(t, opts, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		server.ServeHTTP(w, r)
	}, func(t *testing.T, c *transport.Client) {
		if _, err := c.Do(t.Context(), get("/read")); err != nil {
			t.Fatal(err)
		}
	})
	if want := []string{"Bearer token-1", "Bearer token-2"}; !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
}

func TestAMissingKeySendsNothing(t *testing.T) {
	opts := transport.Options{Authorize: func(context.Context, http.Header) error { return errors.New("no key") }}
	talk(t, opts, status(200), func(t *testing.T, c *transport.Client) {
		_, err := c.Do(t.Context(), post("x", false))
		if err == nil || errors.Is(err, inventory.ErrAnswerLost) || c.Counts().Requests != 0 {
			t.Errorf("got %v after %+v, want an error and no request", err, c.Counts())
		}
	})
}

func TestAnAnswerWithEndlessHeadersIsRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Endless", strings.Repeat("0", 2<<20))
	}))
	defer server.Close()
	base := transport.NewBase()
	defer base.CloseIdleConnections()
	c := transport.New(transport.Options{API: "katana", Base: base, Retries: -1})
	resp, err := c.Do(t.Context(), &transport.Request{Name: "read", Method: http.MethodGet, URL: server.URL})
	if err == nil || resp != nil {
		t.Errorf("got %v, %v; want an error", resp, err)
	}
}

func TestAnAnswerAboveTheLimitIsRefused(t *testing.T) {
	large := strings.Repeat("0", 5000)
	plain := func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, large) }
	packed := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		_, _ = fmt.Fprint(zip, large) // a few dozen bytes on the wire
		_ = zip.Close()
	}
	for name, handler := range map[string]http.HandlerFunc{"plain": plain, "packed": packed} {
		t.Run(name, func(t *testing.T) {
			talk(t, transport.Options{MaxBody: 4999}, handler, func(t *testing.T, c *transport.Client) {
				_, err := c.Do(t.Context(), get("/read"))
				if !errors.Is(err, transport.ErrTooLarge) || c.Counts().Requests != 1 {
					t.Errorf("got %v after %+v, want ErrTooLarge after one try", err, c.Counts())
				}
			})
			talk(t, transport.Options{MaxBody: 5000}, handler, func(t *testing.T, c *transport.Client) {
				resp, err := c.Do(t.Context(), get("/read"))
				if err != nil || string(resp.Body) != large {
					t.Errorf("got %v, want the answer, which just fits", err)
				}
			})
		})
	}
}

func TestAServerThatHangsIsLeftAfterTheTryTimeout(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	drip := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = fmt.Fprint(w, "1")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	for name, first := range map[string]http.HandlerFunc{"before the answer": hang, "within the answer": drip} {
		t.Run(name, func(t *testing.T) {
			server := &script{steps: []http.HandlerFunc{first, status(200)}}
			talk(t, transport.Options{TryTimeout: 20 * time.Second}, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
				start := time.Now()
				resp, err := c.Do(t.Context(), get("/read"))
				if err != nil || resp.Try != 2 {
					t.Fatalf("got %+v, %v, want the second try", resp, err)
				}
				if got, want := time.Since(start), 20*time.Second+250*time.Millisecond; got != want {
					t.Errorf("took %s, want %s", got, want)
				}
			})
		})
	}
}

func TestAllTriesAndWaitsEndByTheOverallTimeout(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	opts := transport.Options{TryTimeout: 20 * time.Second, Overall: 50 * time.Second}
	talk(t, opts, hang, func(t *testing.T, c *transport.Client) {
		start := time.Now()
		_, err := c.Do(t.Context(), get("/read"))
		if err == nil || !strings.Contains(err.Error(), "no answer within 50s") {
			t.Errorf("got %v, want the overall limit named", err)
		}
		if got := time.Since(start); got != 50*time.Second {
			t.Errorf("took %s, want 50s", got)
		}
	})
}

func TestAWaitThatWouldOutlastTheCallerIsNotBegun(t *testing.T) {
	talk(t, transport.Options{}, status(429, "Retry-After", "60"), func(t *testing.T, c *transport.Client) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		start := time.Now()
		resp, err := c.Do(ctx, get("/read"))
		if err != nil || resp.Status != 429 || time.Since(start) != 0 {
			t.Errorf("got %+v, %v after %s, want the 429 at once", resp, err, time.Since(start))
		}
	})
}

func TestACallerThatGivesUpEndsTheWait(t *testing.T) {
	talk(t, transport.Options{}, status(429, "Retry-After", "60"), func(t *testing.T, c *transport.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, cancel)
		start := time.Now()
		_, err := c.Do(ctx, post("x", true))
		if !errors.Is(err, context.Canceled) || time.Since(start) != 10*time.Second {
			t.Errorf("got %v after %s, want cancelled after 10s", err, time.Since(start))
		}
		if errors.Is(err, inventory.ErrAnswerLost) {
			t.Errorf("got %v, want it known that nothing was applied", err)
		}
	})
}

func TestRetryAfterIsObeyedInEveryForm(t *testing.T) {
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where virtual time begins
	tests := []struct {
		name, header string
		rand         float64
		want         time.Duration
	}{
		{"whole seconds", "2", 0, 2 * time.Second},
		{"a fraction", "2.5", 0, 2500 * time.Millisecond},
		{"a fraction of zero", "2.0", 0, 2 * time.Second},
		{"a date", start.Add(90 * time.Second).Format(http.TimeFormat), 0, 90 * time.Second},
		{"a date in the past is the floor", start.Add(-time.Hour).Format(http.TimeFormat), 0, 250 * time.Millisecond},
		{"zero is the floor", "0", 0, 250 * time.Millisecond},
		{"up to a tenth more", "10", 0.5, 10500 * time.Millisecond},
		{"nonsense is backoff", "soon", 0.9, 450 * time.Millisecond},
		{"not a number is backoff", "NaN", 0.9, 450 * time.Millisecond},
		{"a negative one is backoff", "-5", 0.9, 450 * time.Millisecond},
		{"the cap itself", "300", 0.9, 5 * time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := &script{steps: []http.HandlerFunc{status(503, "Retry-After", test.header), status(200)}}
			opts := transport.Options{Rand: func() float64 { return test.rand }, Overall: time.Hour}
			talk(t, opts, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
				begin := time.Now()
				if _, err := c.Do(t.Context(), get("/read")); err != nil {
					t.Fatal(err)
				}
				if got := time.Since(begin); got != test.want || c.Counts().Waited != test.want {
					t.Errorf("waited %s (counted %s), want %s", got, c.Counts().Waited, test.want)
				}
			})
		})
	}
}

func TestAWaitAboveTheCapIsTheCallersToTake(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"301": 301 * time.Second, "100000": 24 * time.Hour, "1e300": 24 * time.Hour, "+Inf": 24 * time.Hour,
	} {
		t.Run(header, func(t *testing.T) {
			talk(t, transport.Options{}, status(429, "Retry-After", header), func(t *testing.T, c *transport.Client) {
				start := time.Now()
				_, err := c.Do(t.Context(), get("/read"))
				var pause *inventory.PauseError
				if !errors.As(err, &pause) || pause.For != want || time.Since(start) != 0 {
					t.Errorf("got %v, want a pause of %s at once", err, want)
				}
			})
		})
	}
	t.Run("and a write that got it by 503 may have been applied", func(t *testing.T) {
		talk(t, transport.Options{}, status(503, "Retry-After", "900"), func(t *testing.T, c *transport.Client) {
			_, err := c.Do(t.Context(), post("x", true))
			if !errors.Is(err, inventory.ErrAnswerLost) {
				t.Errorf("got %v, want ErrAnswerLost", err)
			}
		})
	})
}

func TestBackoffIsFullJitterOverADoublingStep(t *testing.T) {
	opts := transport.Options{Rand: func() float64 { return 0.999 }, Retries: 8, Overall: time.Hour}
	var times []time.Time
	talk(t, opts, func(w http.ResponseWriter, r *http.Request) {
		times = append(times, time.Now())
		status(500)(w, r)
	}, func(t *testing.T, c *transport.Client) {
		if _, err := c.Do(t.Context(), get("/read")); err != nil {
			t.Fatal(err)
		}
	})
	var got []time.Duration
	for i := 1; i < len(times); i++ {
		got = append(got, times[i].Sub(times[i-1]).Round(100*time.Millisecond))
	}
	s := time.Second
	want := []time.Duration{s / 2, s, 2 * s, 4 * s, 8 * s, 16 * s, 30 * s, 30 * s}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestARedirectNeverCarriesTheKeyElsewhere(t *testing.T) {
	key := func(_ context.Context, h http.Header) error { h.Set("X-Shopify-Access-Token", "k"); return nil }
	tests := []struct {
		name, location string
		request        *transport.Request
		status, count  int // status 0: an error
	}{
		{"the same host is followed", "/moved", get("/read"), 200, 2},
		{"another host is refused", "http://evil.example/moved", get("/read"), 0, 1},
		{"another scheme is refused", "https://api.example/moved", get("/read"), 0, 1},
		{"a write is not followed", "/moved", post("x", true), 302, 1},
		{"a circle ends", "/read", get("/read"), 0, 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			talk(t, transport.Options{Authorize: key}, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/moved" {
					http.Redirect(w, r, test.location, http.StatusFound)
				}
			}, func(t *testing.T, c *transport.Client) {
				resp, err := c.Do(t.Context(), test.request)
				if (test.status == 0) != (err != nil) || (err == nil && resp.Status != test.status) {
					t.Errorf("got %+v, %v, want status %d", resp, err, test.status)
				}
				if got := c.Counts().Requests; got != test.count {
					t.Errorf("got %d requests, want %d", got, test.count)
				}
			})
		})
	}
}

func TestCountsAreReportedInMilliseconds(t *testing.T) {
	got := transport.Counts{Requests: 4, Retries: 1, Throttled: 2, Cost: 10.5, Waited: 1500 * time.Millisecond}.Report()
	want := inventory.RequestCount{Count: 4, Retries: 1, Throttled: 2, Cost: 10.5, WaitedMS: 1500}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestOnlyModernTLSWithAKnownCertificateIsSpoken(t *testing.T) {
	tests := []struct {
		name    string
		version uint16
		known   bool
		tries   int
		want    string // "" is an answer
	}{
		{"TLS 1.2", tls.VersionTLS12, true, 1, ""},
		{"TLS 1.1", tls.VersionTLS11, true, 2, "protocol version"},
		{"an unknown certificate is not tried again", tls.VersionTLS13, false, 1, "certificate"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(status(200))
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: test.version} // #nosec G402 -- refused by the client
			server.StartTLS()
			defer server.Close()
			pool := transport.NewBase()
			defer pool.CloseIdleConnections()
			if test.known {
				pool.TLSClientConfig.RootCAs = x509.NewCertPool()
				pool.TLSClientConfig.RootCAs.AddCert(server.Certificate())
			}
			client := transport.New(transport.Options{API: "katana", Base: pool, Retries: 1, Rand: never})
			_, err := client.Do(t.Context(), &transport.Request{Name: "write", Method: http.MethodPost, URL: server.URL, Body: []byte("x")})
			if (test.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if errors.Is(err, inventory.ErrAnswerLost) || client.Counts().Requests != test.tries {
				t.Errorf("got %v after %+v, want it known that nothing was sent, after %d tries", err, client.Counts(), test.tries)
			}
		})
	}
}

func TestAQueryByPostIsARead(t *testing.T) {
	server := &script{steps: []http.HandlerFunc{reset, status(502), status(200)}}
	query := post("{ shop { name } }", false)
	query.ReadOnly = true
	talk(t, transport.Options{}, server.ServeHTTP, func(t *testing.T, c *transport.Client) {
		resp, err := c.Do(t.Context(), query)
		if err != nil || resp.Try != 3 || resp.MaybeApplied {
			t.Errorf("got %+v, %v, want 200 on try 3, with nothing left open", resp, err)
		}
	})
	talk(t, transport.Options{Retries: -1}, reset, func(t *testing.T, c *transport.Client) {
		if _, err := c.Do(t.Context(), query); err == nil || errors.Is(err, inventory.ErrAnswerLost) {
			t.Errorf("got %v, want a plain failure", err)
		}
	})
}
