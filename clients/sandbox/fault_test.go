package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const katanaPageOfThree = `{"data":[{"variant_id":1},{"variant_id":2},{"variant_id":3}]}`

// counted is an API whose only effect is to count what reached it.
func counted(effects *atomic.Int32, body string) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		effects.Add(1)
		rw.Header().Set("X-Pagination", `{"total_records":"3"}`)
		_, _ = io.WriteString(rw, body)
	})
}

// fetch asks once on a connection of its own, so that nothing is sent again
// behind the test's back.
func fetch(t *testing.T, server *httptest.Server, path, body string) (status int, header http.Header, text string, err error) {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return 0, nil, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	all, err := io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header, string(all), err
}

func TestFaultsSpoilAnAnswerBeforeOrAfterItsEffect(t *testing.T) {
	const answered, cut, short = "answered", "cut", "short"
	for _, tc := range []struct {
		name    string
		fault   Fault
		effects int32
		outcome string
		status  int
		body    string // what it contains
	}{
		{"a status has no effect", Fault{Kind: FaultStatus}, 0, answered, 500, `"statusCode":500`},
		{"a status from the edge is html", Fault{Kind: FaultStatus, Status: 503}, 0, answered, 503, "<html>"},
		{"a throttled request has no effect", Fault{Kind: FaultThrottle}, 0, answered, 429, "TooManyRequests"},
		{"a cut before the effect", Fault{Kind: FaultResetBefore}, 0, cut, 0, ""},
		{"a cut after the effect", Fault{Kind: FaultResetAfter}, 1, cut, 0, ""},
		{"a slow request is served in the end", Fault{Kind: FaultHang, Wait: time.Millisecond}, 1, answered, 200, katanaPageOfThree},
		{"a slow answer arrives in the end", Fault{Kind: FaultHangAfter, Wait: time.Millisecond}, 1, answered, 200, katanaPageOfThree},
		{"a body shorter than its length", Fault{Kind: FaultTruncate}, 1, short, 200, `{"data":`},
		{"half of the json with a length that fits", Fault{Kind: FaultCutJSON}, 1, answered, 200, `{"data":`},
		{"a page of html with status 200", Fault{Kind: FaultMalformed}, 1, answered, 200, "<!DOCTYPE html>"},
		{"a page without its last row", Fault{Kind: FaultShortPage}, 1, answered, 200, `{"data":[{"variant_id":1},{"variant_id":2}]}`},
		{"a page without two rows", Fault{Kind: FaultShortPage, Rows: 2}, 1, answered, 200, `{"data":[{"variant_id":1}]}`},
		{"a page without any row", Fault{Kind: FaultShortPage, Rows: 9}, 1, answered, 200, `{"data":[]}`},
		{"a hook before leaves the answer alone", Fault{Kind: FaultHookBefore}, 1, answered, 200, katanaPageOfThree},
		{"a hook after leaves the answer alone", Fault{Kind: FaultHookAfter}, 1, answered, 200, katanaPageOfThree},
		{"an unknown kind says so", Fault{Kind: "gremlin"}, 0, answered, 500, `"gremlin"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := NewWorld(Options{})
			var effects atomic.Int32
			server := httptest.NewServer(w.faulty("katana", counted(&effects, katanaPageOfThree)))
			defer server.Close()
			hits := w.Inject(tc.fault)

			status, header, body, err := fetch(t, server, "/v1/inventory", "")
			switch tc.outcome {
			case cut:
				if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("got %d %q %v, want a cut connection", status, body, err)
				}
			case short:
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("got %v, want an unexpected end", err)
				}
			default:
				if err != nil {
					t.Errorf("got %v, want an answer", err)
				}
			}
			if status != tc.status || !strings.Contains(body, tc.body) {
				t.Errorf("got %d %q, want %d with %q", status, body, tc.status, tc.body)
			}
			if tc.fault.Kind == FaultShortPage && header.Get("X-Pagination") != `{"total_records":"3"}` {
				t.Errorf("got X-Pagination %q, want the promise kept", header.Get("X-Pagination"))
			}
			if effects.Load() != tc.effects || hits() != 1 {
				t.Errorf("got %d effects and %d hits, want %d and 1", effects.Load(), hits(), tc.effects)
			}

			status, _, body, err = fetch(t, server, "/v1/inventory", "")
			if err != nil || status != 200 || body != katanaPageOfThree {
				t.Errorf("after the fault: got %d %q %v, want a good answer", status, body, err)
			}
		})
	}
}

func TestAFaultStrikesOnlyWhatItMatches(t *testing.T) {
	const setLevels = `{"operationName":"SetLevels","query":"mutation SetLevels { inventorySetQuantities { userErrors { code } } }"}`
	const graphql = "/admin/api/2026-10/graphql.json"
	for _, tc := range []struct {
		name  string
		fault Fault
		api   string
		path  string
		body  string
		want  bool
	}{
		{"nothing named hits everything", Fault{}, "katana", "/v1/inventory", "", true},
		{"the api is named", Fault{API: "katana"}, "katana", "/v1/inventory", "", true},
		{"another api is named", Fault{API: "katana"}, "shopify/main", graphql, setLevels, false},
		{"a store is named", Fault{API: "shopify/main"}, "shopify/main", graphql, setLevels, true},
		{"another store is named", Fault{API: "shopify/main"}, "shopify/mainland", graphql, setLevels, false},
		{"all stores are named", Fault{API: "shopify"}, "shopify/main", graphql, setLevels, true},
		{"the path is named", Fault{Op: "/inventory"}, "katana", "/v1/inventory", "", true},
		{"a longer path is another", Fault{Op: "/inventory"}, "katana", "/v1/inventory_movements", "", false},
		{"the operation is named", Fault{Op: "SetLevels"}, "shopify/main", graphql, setLevels, true},
		{"a field of the operation is named", Fault{Op: "inventorySetQuantities"}, "shopify/main", graphql, setLevels, true},
		{"part of a field's name is another", Fault{Op: "inventorySet"}, "shopify/main", graphql, setLevels, false},
		{"the token is asked for", Fault{Op: "access_token"}, "shopify/main", "/admin/oauth/access_token", "{}", true},
		{"a body that is no json has no name", Fault{Op: "SetLevels"}, "shopify/main", graphql, "SetLevels", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := NewWorld(Options{})
			tc.fault.Kind = FaultStatus
			w.Inject(tc.fault)
			var seen string
			server := httptest.NewServer(w.faulty(tc.api, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				seen = string(body)
			})))
			status, _, _, err := fetch(t, server, tc.path, tc.body)
			server.Close() // waits for the handler
			if err != nil {
				t.Fatal(err)
			}
			if got := status == 500; got != tc.want {
				t.Errorf("got struck %v, want %v", got, tc.want)
			}
			if !tc.want && seen != tc.body {
				t.Errorf("the handler got body %q, want %q", seen, tc.body)
			}
		})
	}
}

func TestAFaultStrikesAfterSomeAndSoOften(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault Fault
		want  string // x is a hit
	}{
		{"once by default", Fault{}, "x....."},
		{"after two", Fault{After: 2}, "..x..."},
		{"three times after one", Fault{After: 1, Count: 3}, ".xxx.."},
		{"always", Fault{Count: -1}, "xxxxxx"},
		{"always with a chance, by the dice of its seed", Fault{Count: -1, Chance: 0.5, Seed: 9}, "x..xx."},
		{"at most twice with a chance", Fault{Count: 2, Chance: 0.5, Seed: 9}, "x..x.."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := NewWorld(Options{})
			tc.fault.Kind = FaultStatus
			hits := w.Inject(tc.fault)
			var effects atomic.Int32
			handler := w.faulty("katana", counted(&effects, "{}"))
			got := ""
			for range 6 {
				rec := httptest.NewRecorder()
				handler.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/inventory", nil))
				got += map[bool]string{true: "x", false: "."}[rec.Code == 500]
			}
			if got != tc.want || hits() != strings.Count(tc.want, "x") {
				t.Errorf("got %s and %d hits, want %s", got, hits(), tc.want)
			}
		})
	}
}

func TestOneFaultAtATimeAndNoneAfterClearing(t *testing.T) {
	w := NewWorld(Options{})
	first := w.Inject(Fault{Kind: FaultStatus, Status: 401})
	second := w.Inject(Fault{Kind: FaultStatus, Status: 404, Count: -1})
	handler := w.faulty("katana", http.NotFoundHandler())
	ask := func() int {
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/variants", nil))
		return rec.Code
	}
	if got := ask(); got != 401 || first() != 1 || second() != 0 {
		t.Errorf("got %d, want the fault that was injected first", got)
	}
	if got := ask(); got != 404 || second() != 1 {
		t.Errorf("got %d, want the second fault", got)
	}
	w.ClearFaults()
	if ask(); second() != 1 {
		t.Errorf("got %d hits, want none after clearing", second())
	}
}

func TestDoRunsBeforeOrAfterTheEffectWithoutALock(t *testing.T) {
	for kind, want := range map[FaultKind]string{
		FaultStatus: "do", FaultThrottle: "do", FaultResetBefore: "do", FaultHang: "do effect", FaultHookBefore: "do effect",
		FaultResetAfter: "effect do", FaultHangAfter: "effect do", FaultTruncate: "effect do", FaultCutJSON: "effect do",
		FaultMalformed: "effect do", FaultShortPage: "effect do", FaultMissingRows: "effect do", FaultHookAfter: "effect do",
	} {
		t.Run(string(kind), func(t *testing.T) {
			w := NewWorld(Options{})
			var steps []string
			w.Inject(Fault{Kind: kind, Wait: time.Nanosecond, Do: func() {
				w.Inject(Fault{API: "nothing"}) // would deadlock under the lock
				steps = append(steps, "do")
			}})
			server := httptest.NewServer(w.faulty("katana", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				steps = append(steps, "effect")
			})))
			_, _, _, _ = fetch(t, server, "/v1/inventory", "")
			server.Close() // waits for the handler
			if got := strings.Join(steps, " "); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestAHangEndsWhenTheClientGivesUp(t *testing.T) {
	for _, kind := range []FaultKind{FaultHang, FaultHangAfter} {
		t.Run(string(kind), func(t *testing.T) {
			w := NewWorld(Options{})
			hanging := make(chan struct{})
			w.Inject(Fault{Kind: kind, Do: func() { close(hanging) }})
			var effects atomic.Int32
			server := httptest.NewServer(w.faulty("katana", counted(&effects, "{}")))
			ctx, giveUp := context.WithCancel(t.Context())
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/v1/inventory", nil)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				<-hanging
				giveUp()
			}()
			answer, err := server.Client().Do(request)
			if err == nil {
				_ = answer.Body.Close()
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the client's own end", err)
			}
			server.Close() // returns only when the handler has
			if want := map[FaultKind]int32{FaultHang: 0, FaultHangAfter: 1}[kind]; effects.Load() != want {
				t.Errorf("got %d effects, want %d", effects.Load(), want)
			}
		})
	}
}

func TestShopifyIsThrottledWithStatus200(t *testing.T) {
	w := NewWorld(Options{})
	w.Inject(Fault{Kind: FaultThrottle, Wait: 2500 * time.Millisecond})
	rec := httptest.NewRecorder()
	w.faulty("shopify/main", http.NotFoundHandler()).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/admin/api/2026-10/graphql.json", strings.NewReader("{}")))
	var answer struct {
		Data   any
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
		Extensions struct {
			Cost struct {
				RequestedQueryCost int
				ActualQueryCost    *int
				ThrottleStatus     struct{ CurrentlyAvailable, RestoreRate float64 }
			}
		}
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if rec.Code != 200 || len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "THROTTLED" {
		t.Fatalf("got %d %s, want THROTTLED with 200", rec.Code, rec.Body)
	}
	cost := answer.Extensions.Cost
	wait := (float64(cost.RequestedQueryCost) - cost.ThrottleStatus.CurrentlyAvailable) / cost.ThrottleStatus.RestoreRate
	if wait != 3 || cost.ActualQueryCost != nil {
		t.Errorf("got %g s to wait and actual cost %v, want 3 s and none", wait, cost.ActualQueryCost)
	}
}

func TestRefusalsAnnounceTheirPauseInWholeSeconds(t *testing.T) {
	for _, tc := range []struct {
		api   string
		fault Fault
		want  string
	}{
		{"katana", Fault{Kind: FaultThrottle}, "1"},
		{"katana", Fault{Kind: FaultThrottle, Wait: 1200 * time.Millisecond}, "2"},
		{"katana", Fault{Kind: FaultStatus, Status: 503, Wait: time.Minute}, "60"},
		{"shopify/main", Fault{Kind: FaultStatus, Status: 429, Wait: time.Second}, "1"},
		{"shopify/main", Fault{Kind: FaultStatus, Status: 423}, ""},
	} {
		t.Run(fmt.Sprint(tc.api, " ", tc.fault), func(t *testing.T) {
			w := NewWorld(Options{})
			w.Inject(tc.fault)
			rec := httptest.NewRecorder()
			w.faulty(tc.api, http.NotFoundHandler()).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/variants", nil))
			if got := rec.Header().Get("Retry-After"); got != tc.want {
				t.Errorf("got Retry-After %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAShortShopifyPageLosesNodesAndKeepsItsPromise(t *testing.T) {
	for _, tc := range []struct{ name, body, want string }{
		{
			"the outermost connection is shortened",
			`{"data":{"productVariants":{"nodes":[{"id":"a","levels":{"nodes":[1,2]}},{"id":"b"}],"pageInfo":{"hasNextPage":true}}}}`,
			`{"data":{"productVariants":{"nodes":[{"id":"a","levels":{"nodes":[1,2]}}],"pageInfo":{"hasNextPage":true}}}}`,
		},
		{
			"nodes that were asked for by id",
			`{"data":{"nodes":[{"id":9007199254740993},{"id":2}]}}`,
			`{"data":{"nodes":[{"id":9007199254740993}]}}`,
		},
		{
			"a connection below an object",
			`{"data":{"inventoryItem":{"inventoryLevels":{"edges":[{"node":1}]}}}}`,
			`{"data":{"inventoryItem":{"inventoryLevels":{"edges":[]}}}}`,
		},
		{"no connection", `{"data":{"shop":{"name":"x"}}}`, `{"data":{"shop":{"name":"x"}}}`},
		{"no json", `<html>`, `<html>`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := NewWorld(Options{})
			w.Inject(Fault{Kind: FaultShortPage})
			var effects atomic.Int32
			rec := httptest.NewRecorder()
			w.faulty("shopify/main", counted(&effects, tc.body)).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql.json", strings.NewReader("{}")))
			if got := rec.Body.String(); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestACutReachesTheClientAsALostConnection(t *testing.T) {
	w := NewWorld(Options{})
	w.Inject(Fault{Kind: FaultResetBefore})
	server := httptest.NewServer(w.faulty("katana", http.NotFoundHandler()))
	defer server.Close()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "GET /v1/inventory HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); len(got) > 0 || (err != nil && !errors.Is(err, syscall.ECONNRESET)) {
		t.Errorf("got %q and %v, want not a byte", got, err)
	}
}

func TestMissingRowsAreNotPromisedEither(t *testing.T) {
	w := plainKatana(t, 120, Options{})
	w.Inject(Fault{API: "katana", Op: "/inventory", Kind: FaultMissingRows, Rows: 3})
	rec := askKatana(t, w.Katana(), "/v1/inventory?limit=250&location_id=2201")
	if got := rec.Header().Get("X-Pagination"); !strings.Contains(got, `"total_records":"117"`) {
		t.Errorf("got %s, want a total of 117", got)
	}
	var page struct{ Data []json.RawMessage }
	if err := json.Unmarshal(rec.Body.Bytes(), &page); err != nil || len(page.Data) != 117 {
		t.Errorf("got %d rows, %v, want 117", len(page.Data), err)
	}
}

func TestShopifyRefusesAsAWholeWithAPlainText(t *testing.T) {
	for status, want := range map[int]string{
		401: "[API] Invalid API key or access token (unrecognized login or wrong password)",
		402: "This shop's plan does not have access to this feature",
		423: "This shop is locked",
		429: "Too Many Requests",
		430: "Status 430",
	} {
		w := NewWorld(Options{})
		w.Inject(Fault{Kind: FaultStatus, Status: status})
		rec := httptest.NewRecorder()
		w.faulty("shopify/main", http.NotFoundHandler()).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql.json", strings.NewReader("{}")))
		var answer struct{ Errors string }
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil || rec.Code != status || answer.Errors != want {
			t.Errorf("%d: got %d %s, %v, want %q", status, rec.Code, rec.Body, err, want)
		}
	}
}
