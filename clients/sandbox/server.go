package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Handler serves everything on one host, for the command line:
//
//	/katana/v1/...                 Katana
//	/shopify/NAME/admin/...        each store
//	POST /sandbox/events           lines for ParseEvent; "in 5m EVENT" schedules one
//	POST /sandbox/faults           lines for ParseFault
//	DELETE /sandbox/faults         disarms all faults
//	GET /sandbox/world             a summary as JSON
//
// Lines are carried out one by one up to the first that fails; empty lines and
// those that start with # and a space are skipped. Nothing here is protected: listen on the
// loopback interface only.
func (w *World) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/katana/", http.StripPrefix("/katana", w.Katana()))
	for _, name := range w.Stores() {
		prefix := "/shopify/" + name
		mux.Handle(prefix+"/", http.StripPrefix(prefix, w.Shopify(name)))
	}
	mux.HandleFunc("POST /sandbox/events", func(rw http.ResponseWriter, r *http.Request) { eachLine(rw, r, w.playLine) })
	mux.HandleFunc("POST /sandbox/faults", func(rw http.ResponseWriter, r *http.Request) { eachLine(rw, r, w.faultLine) })
	mux.HandleFunc("DELETE /sandbox/faults", func(rw http.ResponseWriter, _ *http.Request) {
		w.ClearFaults()
		rw.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /sandbox/world", func(rw http.ResponseWriter, _ *http.Request) { writeShopify(rw, http.StatusOK, w.Summary()) })
	return mux
}

const mostLines = 1 << 20

// eachLine carries out the lines of a request.
func eachLine(rw http.ResponseWriter, r *http.Request, do func(string) error) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, mostLines))
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	done := 0
	for i, line := range strings.Split(string(body), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line == "#" || strings.HasPrefix(line, "# ") {
			continue
		}
		if err := do(line); err != nil {
			rw.Header().Set("Content-Type", "application/json; charset=utf-8")
			writeShopify(rw, http.StatusUnprocessableEntity, map[string]any{"error": fmt.Sprintf("line %d: %v", i+1, err), "done": done})
			return
		}
		done++
	}
	writeShopify(rw, http.StatusOK, map[string]any{"done": done})
}

// playLine plays an event, or schedules one that is written "in 5m EVENT".
func (w *World) playLine(line string) error {
	rest, later := strings.CutPrefix(line, "in ")
	if !later {
		e, err := ParseEvent(line)
		if err != nil {
			return err
		}
		return w.Do(e)
	}
	wait, rest, _ := strings.Cut(strings.TrimSpace(rest), " ")
	after, err := time.ParseDuration(wait)
	if err != nil || after < 0 {
		return fmt.Errorf("%q is not a duration such as 90s or 5m", wait)
	}
	e, err := ParseEvent(rest)
	if err != nil {
		return err
	}
	w.Schedule(after, e)
	return nil
}

func (w *World) faultLine(line string) error {
	f, err := ParseFault(line)
	if err != nil {
		return err
	}
	w.Inject(f)
	return nil
}

// Summary is what GET /sandbox/world tells.
type Summary struct {
	Time      time.Time      `json:"time"`
	Katana    KatanaSummary  `json:"katana"`
	Stores    []StoreSummary `json:"stores"`
	Scheduled int            `json:"scheduled"`        // events still to come
	Missed    []string       `json:"missed,omitempty"` // scheduled events that could not happen
}

// KatanaSummary counts what is in Katana.
type KatanaSummary struct {
	Locations       []LocationSummary `json:"locations"`
	Variants        int               `json:"variants"`
	OpenSalesOrders int               `json:"open_sales_orders"`
	OpenMakeOrders  int               `json:"open_manufacturing_orders"`
	Requests        int               `json:"requests"`
}

// StoreSummary counts what is in a store.
type StoreSummary struct {
	Name       string            `json:"name"`
	Shop       string            `json:"shop"`
	Locations  []LocationSummary `json:"locations"`
	Variants   int               `json:"variants"`
	OpenOrders int               `json:"open_orders"`
	Requests   int               `json:"requests"`
	Mutations  int               `json:"mutations"`
	Writes     int               `json:"writes"`
}

// LocationSummary names a location.
type LocationSummary struct {
	ID      any    `json:"id"` // a number in Katana, a GID in Shopify
	Name    string `json:"name"`
	Service bool   `json:"fulfillment_service,omitempty"` // it is a fulfilment app's, whose stock is not the shop's
}

// Summary counts what is in the world.
func (w *World) Summary() Summary {
	requests := map[string]int{"katana": w.Requests("katana")}
	for _, name := range w.Stores() {
		requests[name] = w.Requests("shopify/" + name)
	}
	missed := errors.Join(w.Missed()...)
	w.lock()
	defer w.mu.Unlock()
	k := &w.katana
	sum := Summary{Time: w.now().UTC(), Scheduled: w.agenda.entries.Len(), Katana: KatanaSummary{Variants: len(k.variants), Requests: requests["katana"]}}
	if missed != nil {
		sum.Missed = strings.Split(missed.Error(), "\n")
	}
	for _, l := range k.locations {
		sum.Katana.Locations = append(sum.Katana.Locations, LocationSummary{ID: l.id, Name: l.name})
	}
	for _, o := range k.orders {
		if !o.deleted() && (o.status == statusNotShipped || o.status == statusPartiallyPacked || o.status == statusPartiallyDelivered) {
			sum.Katana.OpenSalesOrders++
		}
	}
	for _, m := range k.making {
		if m.open() {
			sum.Katana.OpenMakeOrders++
		}
	}
	for _, s := range w.stores {
		sum.Stores = append(sum.Stores, s.summary(requests[s.name]))
	}
	return sum
}

func (s *store) summary(requests int) StoreSummary {
	sum := StoreSummary{Name: s.name, Shop: s.opts.Shop, Variants: len(s.listings), Requests: requests, Mutations: s.mutations, Writes: len(s.writes)}
	for _, l := range s.locations {
		sum.Locations = append(sum.Locations, LocationSummary{ID: l.gid(), Name: l.name, Service: l.service})
	}
	for _, o := range s.orders {
		if !o.closed {
			sum.OpenOrders++
		}
	}
	return sum
}
