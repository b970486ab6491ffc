package web

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

var started = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

func report() *inventory.Report {
	return &inventory.Report{
		Cycle: 7, Kind: inventory.Full, Started: started.Add(time.Minute), DurationMS: 1200,
		Requests: map[string]inventory.RequestCount{"katana": {Count: 9, WaitedMS: 500}, "shopify/main": {Count: 3, Cost: 41}},
		Stores: []inventory.StoreReport{{
			Name: "main", Mode: inventory.ModeApply, Levels: 400, InStep: 397, Drifted: 3, Applied: 2, Held: 1,
			Skipped: map[inventory.Reason]int{inventory.ReasonNotInKatana: 4, inventory.ReasonUntracked: 2},
			Holds:   []inventory.HoldReport{{ID: "main-3", Rule: "max_zeroed_percent", Text: "40 of 400 levels would be at zero", Release: "stocksyncd release main-3"}},
			Changes: []inventory.ChangeReport{{SKU: "<script>alert(1)</script>", Location: "Oslo", From: 3, To: 1, Outcome: inventory.Applied}},
		}},
	}
}

func get(t *testing.T, site *Site, host, path string) (int, string, http.Header) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+path, nil)
	recorder := httptest.NewRecorder()
	site.Handler("127.0.0.1:9470").ServeHTTP(recorder, request)
	result := recorder.Result()
	defer result.Body.Close() //nolint:errcheck // in memory
	body, err := io.ReadAll(result.Body)
	if err != nil {
		t.Fatal(err)
	}
	return result.StatusCode, string(body), result.Header
}

func TestAStoreThatCannotBeReadHasNoUntrueFiguresOnThePage(t *testing.T) {
	site := New("v1", started)
	failed := report()
	failed.Stores = []inventory.StoreReport{{Name: "main", Mode: inventory.ModeApply, Error: "the shop is frozen"}}
	site.Observe(reconcile.Request{Kind: inventory.Full}, failed, nil)
	if _, body, _ := get(t, site, "127.0.0.1:9470", "/"); !strings.Contains(body, "the shop is frozen") || strings.Contains(body, "<th>levels</th>") {
		t.Errorf("want the error and no row of zeroes:\n%s", body)
	}
}

func TestAHostileSKUIsTextOnThePage(t *testing.T) {
	site := New("v1", started)
	site.Observe(reconcile.Request{Kind: inventory.Full}, report(), nil)
	status, body, header := get(t, site, "127.0.0.1:9470", "/")
	if status != http.StatusOK || strings.Contains(body, "<script") || !strings.Contains(body, "&lt;script&gt;") {
		t.Errorf("status %d, the SKU is not escaped:\n%s", status, body)
	}
	if !strings.Contains(body, "stocksyncd release main-3") {
		t.Error("the page does not name the command that lets the held plan go")
	}
	for _, want := range []string{"main-3 is held: 40 of 400 levels would be at zero", "Left alone: 4 not_in_katana, 2 untracked."} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if got := header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'") {
		t.Errorf("content security policy %q", got)
	}
}

func TestANameThatSomebodyPointedAtUsIsRefused(t *testing.T) {
	site := New("v1", started)
	for host, want := range map[string]int{
		"evil.example:9470": http.StatusMisdirectedRequest,
		"localhost:9470":    http.StatusOK,
		"127.0.0.1:9470":    http.StatusOK,
		"[::1]:9470":        http.StatusOK,
		"[::1]":             http.StatusOK,
		"[":                 http.StatusMisdirectedRequest,
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil)
		request.Host = host
		recorder := httptest.NewRecorder()
		site.Handler("127.0.0.1:9470").ServeHTTP(recorder, request)
		if recorder.Code != want {
			t.Errorf("%s: status %d, want %d", host, recorder.Code, want)
		}
	}
}

func TestReadyOnlyAfterAWholeCycleWithoutAnError(t *testing.T) {
	site := New("v1", started)
	whole := reconcile.Request{Kind: inventory.Full}
	down := report()
	down.Stores[0].Error = "shop is frozen"
	steps := []struct {
		name    string
		observe func()
		want    int
		says    string
	}{
		{"before the first cycle", func() {}, 503, "no cycle has ended yet"},
		{"a dry cycle says nothing of the daemon", func() { site.Observe(reconcile.Request{Dry: true}, report(), nil) }, 503, "no cycle"},
		{"after a good cycle", func() { site.Observe(whole, report(), nil) }, 200, "cycle 7 ended well"},
		{"a store that is down", func() { site.Observe(whole, down, nil) }, 503, "store main: shop is frozen"},
		{"a panic", func() { site.Observe(whole, nil, errors.New("the cycle panicked")) }, 503, "the cycle panicked"},
	}
	for _, step := range steps {
		step.observe()
		status, body, _ := get(t, site, "localhost", "/readyz")
		if status != step.want || !strings.Contains(body, step.says) {
			t.Errorf("%s: %d %q, want %d %q", step.name, status, body, step.want, step.says)
		}
	}
}

func TestMetricsCountWhatACycleDidAndNeverNameASKU(t *testing.T) {
	site := New("v1", started)
	whole := reconcile.Request{Kind: inventory.Full}
	site.Observe(whole, report(), nil)
	site.Observe(whole, report(), nil)
	partial := report()
	partial.Stores[0].Levels = 1
	site.Observe(reconcile.Request{SKU: "TEE"}, partial, nil)
	_, body, _ := get(t, site, "localhost", "/metrics")
	for _, want := range []string{
		`stocksyncd_cycles_total{outcome="ok"} 3`,
		`stocksyncd_changes_total{outcome="applied",store="main"} 6`,
		`stocksyncd_levels_managed{store="main"} 400`,
		`stocksyncd_levels_held{store="main"} 1`,
		`stocksyncd_requests_total{api="katana"} 27`,
		`stocksyncd_request_cost_points_total{api="shopify/main"} 123`,
		`stocksyncd_last_success_timestamp_seconds{store="main"} 1.79`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if strings.Contains(body, "script") {
		t.Error("a SKU is in the metrics")
	}
	problems, err := testutil.GatherAndLint(site.metrics.registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
}

func TestTheReportIsServedAsJSON(t *testing.T) {
	site := New("v1", started)
	if status, _, _ := get(t, site, "localhost", "/report.json"); status != http.StatusNotFound {
		t.Errorf("before a cycle: %d, want 404", status)
	}
	site.Observe(reconcile.Request{}, report(), nil)
	if _, body, _ := get(t, site, "localhost", "/report.json"); !strings.Contains(body, `"cycle":7`) {
		t.Errorf("the report is not there: %s", body)
	}
}
