package web

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"stocksyncd/reconcile/inventory"
)

// metrics are labelled by store, API and outcome only: a label by SKU would be
// a time series for every product.
type metrics struct {
	registry *prometheus.Registry

	cycles   *prometheus.CounterVec
	duration prometheus.Gauge
	success  *prometheus.GaugeVec
	read     *prometheus.GaugeVec // has no value before the first full read
	looked   *prometheus.GaugeVec
	changes  *prometheus.CounterVec
	levels   map[string]*prometheus.GaugeVec
	requests map[string]*prometheus.CounterVec
	told     map[string]bool // the stores that the gauges tell of; only whoever runs cycles looks here
}

func newMetrics(version string, started time.Time) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		cycles: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stocksyncd_cycles_total", Help: "Cycles run, by outcome: ok or failed.",
		}, []string{"outcome"}),
		duration: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "stocksyncd_cycle_duration_seconds", Help: "Duration of the last cycle.",
		}),
		success: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "stocksyncd_last_success_timestamp_seconds", Help: "When the last cycle began that finished a store without an error.",
		}, []string{"store"}),
		read: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "stocksyncd_oldest_read_timestamp_seconds", Help: "When the figure of Katana was read that was read longest ago.",
		}, nil),
		looked: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "stocksyncd_oldest_look_timestamp_seconds", Help: "When the level of a store was read that was read longest ago.",
		}, []string{"store"}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stocksyncd_changes_total", Help: "Writes sent to a store, by outcome: applied, stale or rejected.",
		}, []string{"store", "outcome"}),
		levels:   map[string]*prometheus.GaugeVec{},
		requests: map[string]*prometheus.CounterVec{},
		told:     map[string]bool{},
	}
	begun := prometheus.NewGauge(prometheus.GaugeOpts{Name: "stocksyncd_start_time_seconds", Help: "When the daemon started."})
	begun.Set(float64(started.Unix()))
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "stocksyncd_build_info", Help: "Always 1; the label is the version.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(collectors.NewGoCollector(), m.cycles, m.duration, m.success, m.read, m.looked, m.changes, begun, build)
	for name, help := range map[string]string{
		"managed": "Levels that the daemon manages.",
		"in_step": "Levels that show what they should.",
		"drifted": "Levels that differed from what they should show in the last cycle.",
		"waiting": "Changes that wait.",
		"held":    "Changes that a guard holds.",

		"quarantined": "Levels that rest because Shopify refused their line.",
		"contested":   "Levels that something else writes too.",
	} {
		vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "stocksyncd_levels_" + name, Help: help}, []string{"store"})
		m.registry.MustRegister(vec)
		m.levels[name] = vec
	}
	for name, help := range map[string]string{
		"requests_total":               "HTTP requests sent, retries included.",
		"request_retries_total":        "HTTP requests that were a retry.",
		"request_throttled_total":      "Answers that said slow down.",
		"request_cost_points_total":    "Cost points that the answers named.",
		"request_budget_seconds_total": "Time spent waiting for the request budget.",
	} {
		vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "stocksyncd_" + name, Help: help}, []string{"api"})
		m.registry.MustRegister(vec)
		m.requests[name] = vec
	}
	return m
}

// observe counts a cycle. The figures of the stores are those of whole cycles.
func (m *metrics) observe(report *inventory.Report, err error, whole bool) {
	outcome := "ok"
	if fault(report, err) != "" {
		outcome = "failed"
	}
	m.cycles.WithLabelValues(outcome).Inc()
	if report == nil {
		return
	}
	for api, count := range report.Requests {
		m.requests["requests_total"].WithLabelValues(api).Add(float64(count.Count))
		m.requests["request_retries_total"].WithLabelValues(api).Add(float64(count.Retries))
		m.requests["request_throttled_total"].WithLabelValues(api).Add(float64(count.Throttled))
		m.requests["request_cost_points_total"].WithLabelValues(api).Add(count.Cost)
		m.requests["request_budget_seconds_total"].WithLabelValues(api).Add(float64(count.WaitedMS) / 1000)
	}
	if !report.OldestRead.IsZero() {
		m.read.WithLabelValues().Set(float64(report.OldestRead.Unix()))
	}
	for i := range report.Stores {
		m.observeStore(report, &report.Stores[i], whole)
	}
	if whole {
		m.duration.Set(float64(report.DurationMS) / 1000)
		m.forget(report)
	}
}

// forget takes the figures out of stores that are no longer served: nobody looks
// after them, and whoever is called when they grow old must not be.
func (m *metrics) forget(report *inventory.Report) {
	if report.Error != "" {
		return // it may not have come to the stores
	}
	for name := range m.told {
		served := slices.ContainsFunc(report.Stores, func(s inventory.StoreReport) bool {
			return string(s.Name) == name && s.Mode != inventory.ModeOff
		})
		if served {
			continue
		}
		delete(m.told, name)
		m.success.DeleteLabelValues(name)
		m.looked.DeleteLabelValues(name)
		for _, figure := range m.levels {
			figure.DeleteLabelValues(name)
		}
	}
}

func (m *metrics) observeStore(report *inventory.Report, store *inventory.StoreReport, whole bool) {
	name := string(store.Name)
	for outcome, n := range map[inventory.Result]int{
		inventory.Applied: store.Applied, inventory.Stale: store.Stale, inventory.Rejected: store.Rejected,
	} {
		m.changes.WithLabelValues(name, string(outcome)).Add(float64(n))
	}
	if !whole || store.Error != "" || report.Error != "" || store.Mode == inventory.ModeOff {
		return // a store that was not finished has no figures
	}
	m.told[name] = true
	m.success.WithLabelValues(name).Set(float64(report.Started.Unix()))
	if look := store.Look; look != nil && !look.Oldest.IsZero() {
		m.looked.WithLabelValues(name).Set(float64(look.Oldest.Unix()))
	}
	for figure, n := range map[string]int{
		"managed": store.Levels, "in_step": store.InStep, "drifted": store.Drifted, "waiting": store.Waiting, "held": store.Held,
		"quarantined": store.Skipped[inventory.ReasonQuarantined], "contested": store.Contested,
	} {
		m.levels[figure].WithLabelValues(name).Set(float64(n))
	}
}
