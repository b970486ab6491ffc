package web

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

//go:embed page.html
var pageText string

//go:embed style.css
var style []byte

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"shown": func(changes []inventory.ChangeReport) []inventory.ChangeReport {
		return changes[:min(len(changes), rows)]
	},
	"beyond": func(changes []inventory.ChangeReport) int {
		return max(0, len(changes)-rows)
	},
	"time": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"age":  age,
}).Parse(pageText))

// age is how old what was read at a time was at the end of a cycle.
func age(report *inventory.Report, read time.Time) string {
	ended := report.Started.Add(time.Duration(report.DurationMS) * time.Millisecond)
	if span := ended.Sub(read).Truncate(time.Minute); span > 0 {
		return strings.TrimSuffix(span.String(), "0s") // minutes do for people
	}
	return "less than 1m"
}

// rows is the most changes of a store that the page lists.
const rows = 500

// Site is the status page and its neighbours.
type Site struct {
	version string
	started time.Time
	metrics *metrics

	mu    sync.Mutex
	last  *inventory.Report // of the last whole cycle
	fault string            // why the last whole cycle failed, "" if it did not
}

// New is a site that has not seen a cycle yet.
func New(version string, started time.Time) *Site {
	return &Site{version: version, started: started, metrics: newMetrics(version, started)}
}

// Observe notes a cycle. What was asked decides what it tells: only a whole
// cycle that may write says how the stores stand.
func (s *Site) Observe(ask reconcile.Request, report *inventory.Report, err error) {
	whole := ask.Store == "" && ask.SKU == "" && ask.Only == nil && ask.Undo == 0 && !ask.Dry
	s.metrics.observe(report, err, whole)
	if !whole {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if report != nil {
		s.last = report
	}
	s.fault = fault(report, err)
}

// fault is why a cycle is not a success, "" when it is.
func fault(report *inventory.Report, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case report == nil:
		return "the cycle left no report"
	case report.Error != "":
		return report.Error
	}
	for _, store := range report.Stores {
		if store.Error != "" {
			return fmt.Sprintf("store %s: %s", store.Name, store.Error)
		}
	}
	return ""
}

// Handler serves the site under the address that it listens on, host:port.
func (s *Site) Handler(listen string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(style)
	})
	mux.HandleFunc("GET /report.json", s.report)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		host = listen
	}
	return onlyFor(host, mux)
}

// onlyFor refuses requests that name another host. A name in the Host header
// may have been pointed at us by anybody; an address was meant.
func onlyFor(host string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		name := r.Host
		if h, _, err := net.SplitHostPort(name); err == nil {
			name = h
		} else if len(name) > 1 && name[0] == '[' {
			name = name[1 : len(name)-1]
		}
		if _, err := netip.ParseAddr(name); err != nil && name != "localhost" && name != host {
			say(w, http.StatusMisdirectedRequest, "this is the status page of another host; ask for it by its address")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text)
}

// ready is a success once a whole cycle has read the source and every store.
func (s *Site) ready(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	last, fault := s.last, s.fault
	s.mu.Unlock()
	switch {
	case fault != "":
		say(w, http.StatusServiceUnavailable, fault)
	case last == nil:
		say(w, http.StatusServiceUnavailable, "no cycle has ended yet")
	default:
		say(w, http.StatusOK, fmt.Sprintf("cycle %d ended well", last.Cycle))
	}
}

func (s *Site) report(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	if last == nil {
		say(w, http.StatusNotFound, "no cycle has ended yet")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(last)
}

func (s *Site) page(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	view := struct {
		Version string
		Started time.Time
		Last    *inventory.Report
		Fault   string
	}{s.version, s.started, s.last, s.fault}
	s.mu.Unlock()
	var text bytes.Buffer
	if err := page.Execute(&text, view); err != nil {
		say(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(text.Bytes())
}
