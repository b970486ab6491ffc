package web

import (
	"errors"
	"fmt"
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
	second := report()
	second.Stores[0].Contested = 2
	second.Stores[0].Skipped = map[inventory.Reason]int{inventory.ReasonQuarantined: 3}
	site.Observe(whole, second, nil)
	partial := report()
	partial.Stores[0].Levels = 1
	site.Observe(reconcile.Request{SKU: "TEE"}, partial, nil)
	_, body, _ := get(t, site, "localhost", "/metrics")
	for _, want := range []string{
		`stocksyncd_cycles_total{outcome="ok"} 3`,
		`stocksyncd_changes_total{outcome="applied",store="main"} 6`,
		`stocksyncd_levels_managed{store="main"} 400`,
		`stocksyncd_levels_held{store="main"} 1`,
		`stocksyncd_levels_quarantined{store="main"} 3`,
		`stocksyncd_levels_contested{store="main"} 2`,
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

// aged is a report of a cycle that ended at 8:30 and read little.
func aged() *inventory.Report {
	r := report()
	r.Kind, r.Started, r.DurationMS = inventory.Incremental, started.Add(30*time.Minute-time.Second), 1000
	r.OldestRead = started.Add(-35 * time.Minute)
	r.Requests["katana"] = inventory.RequestCount{Count: 9, Retries: 2, Throttled: 2, WaitedMS: 500}
	r.Stores[0].Look = &inventory.LookReport{Oldest: started.Add(17 * time.Minute), Told: 40, Missed: 3, Trusted: true}
	return r
}

func TestThePageSaysHowOldTheOldestFiguresAreAndWhichStoreIsMistrusted(t *testing.T) {
	const mistrust = "The store does not tell of all that changes in it, so all levels are read in turn."
	edit := func(change func(*inventory.Report)) *inventory.Report {
		r := aged()
		change(r)
		return r
	}
	for _, test := range []struct {
		name   string
		report *inventory.Report
		want   []string
		not    []string
	}{
		{"in the middle of a sweep", aged(), []string{"At its end the oldest figure of Katana was 1h5m old.", "<p>The oldest level was 13m old.</p>"}, []string{mistrust}},
		{"a store that keeps changes to itself", edit(func(r *inventory.Report) { r.Stores[0].Look.Trusted = false }), []string{"The oldest level was 13m old. " + mistrust}, nil},
		{
			"all was read", edit(func(r *inventory.Report) { r.OldestRead, r.Stores[0].Look.Oldest = r.Started, r.Started }),
			[]string{"the oldest figure of Katana was less than 1m old.", "The oldest level was less than 1m old."}, nil,
		},
		{"nothing was read yet", edit(func(r *inventory.Report) { r.OldestRead, r.Stores[0].Look = time.Time{}, nil }), nil, []string{"oldest"}},
	} {
		site := New("v1", started)
		site.Observe(reconcile.Request{}, test.report, nil)
		_, body, _ := get(t, site, "localhost", "/")
		for _, want := range test.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the page lacks %q:\n%s", test.name, want, body)
			}
		}
		for _, not := range test.not {
			if strings.Contains(body, not) {
				t.Errorf("%s: the page says %q", test.name, not)
			}
		}
	}
}

func TestMetricsTellHowOldTheOldestFiguresAreAndWhatWasThrottled(t *testing.T) {
	site := New("v1", started)
	if _, body, _ := get(t, site, "localhost", "/metrics"); strings.Contains(body, "stocksyncd_oldest") {
		t.Error("before anything was read, the metrics say how old it is")
	}
	site.Observe(reconcile.Request{}, aged(), nil)
	wants := func(of string, oldestRead, oldestLook time.Time, throttled int) {
		t.Helper()
		_, body, _ := get(t, site, "localhost", "/metrics")
		for _, want := range []string{
			fmt.Sprintf("stocksyncd_oldest_read_timestamp_seconds %v\n", float64(oldestRead.Unix())),
			fmt.Sprintf("stocksyncd_oldest_look_timestamp_seconds{store=\"main\"} %v\n", float64(oldestLook.Unix())),
			fmt.Sprintf("stocksyncd_request_throttled_total{api=\"katana\"} %d\n", throttled),
			"stocksyncd_request_throttled_total{api=\"shopify/main\"} 0\n",
		} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the metrics lack %s", of, want)
			}
		}
	}
	wants("after a cycle", started.Add(-35*time.Minute), started.Add(17*time.Minute), 2)
	failed := aged()
	failed.Stores[0].Error, failed.Stores[0].Look = "the shop is frozen", nil
	failed.OldestRead = started.Add(-30 * time.Minute)
	site.Observe(reconcile.Request{}, failed, nil)
	wants("a store that failed is as old as before", started.Add(-30*time.Minute), started.Add(17*time.Minute), 4)
	if problems, err := testutil.GatherAndLint(site.metrics.registry); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
}

func TestMetricsTellNothingOfAStoreThatIsSwitchedOffOrTakenOut(t *testing.T) {
	outlet := inventory.StoreReport{Name: "outlet", Mode: inventory.ModeApply, Levels: 40, Drifted: 2, Look: &inventory.LookReport{Oldest: started}}
	for name, after := range map[string][]inventory.StoreReport{
		"switched off": {{Name: "outlet", Mode: inventory.ModeOff}},
		"taken out":    nil,
	} {
		site := New("v1", started)
		for _, stores := range [][]inventory.StoreReport{{outlet}, after} {
			r := report()
			r.Stores = append(r.Stores, stores...)
			site.Observe(reconcile.Request{Kind: inventory.Full}, r, nil)
		}
		_, body, _ := get(t, site, "localhost", "/metrics")
		for line := range strings.Lines(body) {
			if strings.Contains(line, `store="outlet"`) && !strings.Contains(line, "_total") {
				t.Errorf("%s: the metrics still tell %s", name, line)
			}
		}
		if !strings.Contains(body, `stocksyncd_levels_managed{store="main"} 400`) {
			t.Errorf("%s: the metrics lack the other store", name)
		}
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
