package daemon

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"stocksyncd/reconcile/inventory"
)

// loud is how many changes of one report go to the log at info. journald drops
// what comes too fast, and nobody reads ten thousand lines; the rest is debug.
const loud = 100

// LogReport writes a cycle to the log: one line when all is quiet, else the
// totals of each store and a line for each change, the first 100 at info. In
// an incremental cycle a change that before shows too, unaltered, is debug, so
// that what waits is said once an hour. A held plan is said when there is news
// of it, which is as often. Without a report before it, all is said.
func LogReport(log *slog.Logger, report, before *inventory.Report) {
	log = log.With("cycle", report.Cycle)
	logThrottled(log, report)
	if report.Error != "" {
		log.Error("cycle failed", "kind", report.Kind, "ms", report.DurationMS, "err", report.Error)
		return
	}
	if quiet(report) {
		levels, quarantined := 0, 0
		for _, store := range report.Stores {
			levels += store.Levels
			quarantined += store.Skipped[inventory.ReasonQuarantined]
		}
		log.Info("in step", append([]any{"kind", report.Kind, "levels", levels, "quarantined", quarantined, "requests", requests(report), "ms", report.DurationMS}, waited(report)...)...)
	}
	known := lines(before)
	if report.Kind == inventory.Full {
		known = nil
	} else if before != nil && !report.Started.Truncate(time.Hour).Equal(before.Started.Truncate(time.Hour)) {
		known = nil // what is held or waits for days is said once an hour
	}
	left := loud
	for i := range report.Stores {
		logHolds(log, &report.Stores[i], before == nil)
		left = logStore(log, &report.Stores[i], known, left, quiet(report))
	}
}

// logThrottled says which API had to say slow down, in a line each. The budgets
// send nothing that would be throttled as far as they know, so somebody may want
// to look for what they do not know.
func logThrottled(log *slog.Logger, report *inventory.Report) {
	for _, api := range slices.Sorted(maps.Keys(report.Requests)) {
		if n := report.Requests[api].Throttled; n > 0 {
			log.Warn("throttled", "api", api, "answers", n,
				"cause", "another user of the same key, or a limit that was lowered")
		}
	}
}

// logHolds says what is held, once loudly and then once an hour. Who held it
// knows when it was said last, also before a restart.
func logHolds(log *slog.Logger, store *inventory.StoreReport, all bool) {
	for _, h := range store.Holds {
		if h.News || all {
			log.Warn("held", "store", store.Name, "id", h.ID, "rule", h.Rule, "why", h.Text, "release", h.Release)
		}
	}
}

// logStore logs one store's part and returns how many loud lines are left.
func logStore(log *slog.Logger, store *inventory.StoreReport, known map[string]bool, left int, quiet bool) int {
	log = log.With("store", store.Name)
	if store.Error != "" {
		log.Error("store failed", "err", store.Error)
		// A store that could not be read has no totals; zeroes would be untrue.
		quiet = quiet || store.Levels == 0 && len(store.Changes) == 0
	}
	for _, note := range store.Notes {
		if !known[noteLine(store.Name, note)] {
			log.Warn("note", "note", note)
		}
	}
	for _, q := range store.Quarantine {
		log.Warn("quarantine", "sku", q.SKU, "location", q.Location, "why", q.Detail, "refusals", q.Count, "since", q.Since, "until", q.Until, "release", q.Release)
	}
	if quiet {
		return left
	}
	for _, c := range store.Changes {
		if left > 0 && !known[changeLine(store.Name, c)] {
			left--
			log.Info("change", changeAttrs(c)...)
		} else {
			log.Debug("change", changeAttrs(c)...)
		}
	}
	if store.Mode == inventory.ModeOff {
		return left
	}
	log.Info("cycle", "mode", store.Mode, "levels", store.Levels, "in_step", store.InStep, "drifted", store.Drifted,
		"applied", store.Applied, "waiting", store.Waiting, "held", store.Held, "rejected", store.Rejected, "stale", store.Stale,
		"left_alone", leftAlone(store), "quarantined", store.Skipped[inventory.ReasonQuarantined])
	return left
}

func changeAttrs(c inventory.ChangeReport) []any {
	attrs := []any{"sku", c.SKU, "location", c.Location, "from", c.From, "to", c.To, "reason", c.Reason, "outcome", c.Outcome}
	if c.Detail != "" {
		attrs = append(attrs, "detail", c.Detail)
	}
	return attrs
}

// quiet tells whether a report has nothing that anybody would look for.
func quiet(report *inventory.Report) bool {
	return !slices.ContainsFunc(report.Stores, func(s inventory.StoreReport) bool {
		return s.Error != "" || s.Drifted > 0 || len(s.Changes) > 0 || len(s.Holds) > 0
	})
}

// lines are the changes and notes of a report, for comparison.
func lines(report *inventory.Report) map[string]bool {
	known := map[string]bool{}
	if report == nil {
		return known
	}
	for _, store := range report.Stores {
		for _, note := range store.Notes {
			known[noteLine(store.Name, note)] = true
		}
		for _, c := range store.Changes {
			// Every write is news, even one with the figures of the last.
			if c.Outcome != inventory.Applied {
				known[changeLine(store.Name, c)] = true
			}
		}
	}
	return known
}

func noteLine(store inventory.StoreName, note string) string { return string(store) + " note " + note }

// changeLine names a change as long as it stays the same.
func changeLine(store inventory.StoreName, c inventory.ChangeReport) string {
	return fmt.Sprint(store, c.Item, c.LocationID, c.From, c.To, c.Outcome, c.Reason)
}

func leftAlone(store *inventory.StoreReport) int {
	sum := 0
	for _, n := range store.Skipped {
		sum += n
	}
	return sum
}

func requests(report *inventory.Report) int {
	sum := 0
	for _, count := range report.Requests {
		sum += count.Count
	}
	return sum
}

// waited says where a long cycle spent its time: an API allows so many requests
// a minute, and the rest wait for their turn.
func waited(report *inventory.Report) []any {
	var sum int64
	for _, count := range report.Requests {
		sum += count.WaitedMS
	}
	if sum < time.Second.Milliseconds() {
		return nil
	}
	return []any{"waited_ms", sum}
}

// Sentence sums a report up in one line.
func Sentence(report *inventory.Report) string {
	if report.Error != "" {
		return fmt.Sprintf("cycle %d failed: %s", report.Cycle, firstLine(report.Error))
	}
	var levels, drifted, applied, waiting, held int
	var failed []string
	for _, store := range report.Stores {
		levels += store.Levels
		drifted += store.Drifted
		applied += store.Applied
		waiting += store.Waiting
		held += store.Held
		if store.Error != "" {
			failed = append(failed, string(store.Name))
		}
	}
	text := fmt.Sprintf("cycle %d: %d levels, %d drifted", report.Cycle, levels, drifted)
	for _, part := range []struct {
		n    int
		what string
	}{{applied, "applied"}, {waiting, "waiting"}, {held, "held"}} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	if len(failed) > 0 {
		sort.Strings(failed)
		text += "; failed: " + strings.Join(failed, ", ")
	}
	return text
}
