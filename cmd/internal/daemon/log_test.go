package daemon

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"stocksyncd/reconcile/inventory"
)

func TestAThrottledAnswerIsAWarningWhateverElseTheCycleDid(t *testing.T) {
	throttled := map[string]inventory.RequestCount{
		"katana": {Count: 40, Throttled: 2}, "shopify/main": {Count: 9}, "shopify/outlet": {Count: 9, Throttled: 1},
	}
	tests := []struct {
		name     string
		requests map[string]inventory.RequestCount
		err      string
		changes  int
		want     []string // of each warning
	}{
		{"nothing was throttled", map[string]inventory.RequestCount{"katana": {Count: 40, Retries: 3}}, "", 0, nil},
		{"a quiet cycle", throttled, "", 0, []string{"api=katana answers=2", "api=shopify/outlet answers=1"}},
		{"a cycle with changes", throttled, "", 3, []string{"api=katana answers=2", "api=shopify/outlet answers=1"}},
		{"a cycle that failed", throttled, "katana: no answer", 0, []string{"api=katana answers=2", "api=shopify/outlet answers=1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			report := drifted(inventory.Incremental, test.changes)
			report.Requests, report.Error = test.requests, test.err
			LogReport(slog.New(slog.NewTextHandler(&log, nil)), report, nil)
			var got []string
			for line := range strings.Lines(log.String()) {
				if strings.Contains(line, "msg=throttled") {
					got = append(got, line)
				}
			}
			if len(got) != len(test.want) {
				t.Fatalf("%d warnings, want %d:\n%s", len(got), len(test.want), &log)
			}
			for i, want := range test.want {
				if !strings.Contains(got[i], "level=WARN") || !strings.Contains(got[i], want) ||
					!strings.Contains(got[i], `cause="another user of the same key, or a limit that was lowered"`) {
					t.Errorf("got %q, want a warning with %s and the likely cause", got[i], want)
				}
			}
		})
	}
}

func TestALevelInQuarantineIsAWarningWhenTheReportTellsOfItAndAlwaysCounted(t *testing.T) {
	tests := []struct {
		name    string
		changes int
		told    int
		want    string
	}{
		{"a quiet cycle that tells of it", 0, 2, `msg="in step"`},
		{"a quiet cycle later that day", 0, 0, `msg="in step"`},
		{"a cycle with changes", 3, 1, "msg=cycle"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			report := drifted(inventory.Incremental, test.changes)
			store := &report.Stores[0]
			store.Skipped = map[inventory.Reason]int{inventory.ReasonQuarantined: 7}
			for range test.told {
				store.Quarantine = append(store.Quarantine, inventory.QuarantineReport{
					SKU: "CAP", Location: "Oslo", Detail: "INVALID_LOCATION: gone", Count: 2, Release: "stocksyncd release main/1/1",
				})
			}
			LogReport(slog.New(slog.NewTextHandler(&log, nil)), report, nil)
			warnings, counted := 0, false
			for line := range strings.Lines(log.String()) {
				if strings.Contains(line, "level=WARN") && strings.Contains(line, `sku=CAP location=Oslo why="INVALID_LOCATION: gone" refusals=2`) &&
					strings.Contains(line, `release="stocksyncd release main/1/1"`) {
					warnings++
				}
				counted = counted || strings.Contains(line, test.want) && strings.Contains(line, "quarantined=7")
			}
			if warnings != test.told || !counted {
				t.Errorf("got %d warnings, counted %v; want %d and the count of 7 in\n%s", warnings, counted, test.told, &log)
			}
		})
	}
}
