package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// katanaEndpoint reads its filters from the query and answers, with the world
// locked, what passes them.
type katanaEndpoint struct {
	rows func(*katanaServer, *katanaQuery) katanaRows
	// wraps says that errors come as {"error": {…}}. Katana does so here and
	// there; which endpoints do is not published.
	wraps bool
}

// katanaRows is a list that has been filtered but not cut into pages: it
// gives the rows from ≤ i < to as a slice of wire structs, and how many there
// are in all.
type katanaRows func(from, to int) (page any, total int)

var katanaEndpoints = map[string]katanaEndpoint{
	"/locations":                       {rows: (*katanaServer).locations},
	"/variants":                        {rows: (*katanaServer).variants},
	"/products":                        {rows: (*katanaServer).products},
	"/materials":                       {rows: (*katanaServer).materials},
	"/services":                        {rows: (*katanaServer).services},
	"/inventory":                       {rows: (*katanaServer).inventory},
	"/inventory_movements":             {rows: (*katanaServer).movements},
	"/bom_rows":                        {rows: (*katanaServer).bomRows},
	"/sales_orders":                    {rows: (*katanaServer).salesOrders, wraps: true},
	"/sales_order_rows":                {rows: (*katanaServer).salesOrderRows, wraps: true},
	"/sales_order_fulfillments":        {rows: (*katanaServer).fulfillments, wraps: true},
	"/manufacturing_orders":            {rows: (*katanaServer).manufacturingOrders},
	"/manufacturing_order_recipe_rows": {rows: (*katanaServer).recipeRows},
}

// Katana serves Katana's REST API under /v1/: the lists that a stock daemon
// reads, and /factory. It has no way to write. Injected faults play on it.
//
// A page of /inventory that is one of several is cut from an order which
// differs from request to request within a location, so that paging over it
// repeats and loses rows, as Katana's documented order allows. The other lists
// keep their order from page to page; where none is documented, it is another
// one whenever a list is read from its beginning.
func (w *World) Katana() http.Handler {
	return w.faulty("katana", &katanaServer{world: w, turns: make(map[string]uint64)})
}

// SetKatanaMaxURL sets how many bytes of path and query Katana takes before
// it answers 414; at first there is room for 250 variant ids.
func (w *World) SetKatanaMaxURL(n int) {
	w.lock()
	defer w.mu.Unlock()
	w.katana.mostURL = n
}

// katanaServer is Katana over HTTP. Its fields are guarded by the world's lock.
type katanaServer struct {
	world *World
	reads uint64            // of lists so far
	turns map[string]uint64 // the reading that each list is in
	lists katanaLists

	scratch []*variant // of stocked
}

func (k *katanaServer) mostURL() int {
	k.world.lock()
	defer k.world.mu.Unlock()
	return k.world.katana.mostURL
}

// ServeHTTP refuses what Katana would refuse, in its order.
func (k *katanaServer) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w, now := k.world, k.world.now()
	if len(r.URL.RequestURI()) > k.mostURL() {
		// The edge refuses it, so there is neither JSON nor a limit header.
		rw.Header().Set("Content-Type", "text/html")
		rw.WriteHeader(http.StatusRequestURITooLong)
		_, _ = fmt.Fprint(rw, "<html><body><h1>414 Request-URI Too Large</h1></body></html>\n")
		return
	}
	key, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer || key != w.katana.key {
		writeKatana(rw, http.StatusUnauthorized, katanaError{StatusCode: http.StatusUnauthorized, Name: "UnauthorizedError", Message: "Unauthorized"})
		return
	}
	if !w.katana.limit.spend(rw.Header(), now) {
		writeKatana(rw, http.StatusTooManyRequests, katanaError{StatusCode: http.StatusTooManyRequests, Name: "TooManyRequests", Message: "Too Many Requests"})
		return
	}
	path, inside := strings.CutPrefix(r.URL.Path, "/v1")
	endpoint, known := katanaEndpoints[path]
	switch {
	case inside && r.Method == http.MethodGet && path == "/factory":
		writeKatana(rw, http.StatusOK, wireFactory{LegalName: "Acme OÜ", DisplayName: "Acme", BaseCurrencyCode: "EUR"})
	case !inside || r.Method != http.MethodGet || !known:
		writeKatana(rw, http.StatusNotFound, katanaError{StatusCode: http.StatusNotFound, Name: "NotFoundError", Message: "Not found"})
	default:
		k.serveList(rw, r, endpoint)
	}
}

func (k *katanaServer) serveList(rw http.ResponseWriter, r *http.Request, endpoint katanaEndpoint) {
	q := newKatanaQuery(r.URL.Query())
	data, total := k.page(r.URL.Path, endpoint, q)
	if len(q.details) > 0 {
		invalid := katanaError{
			StatusCode: http.StatusUnprocessableEntity,
			Name:       "UnprocessableEntityError",
			Message:    "The request is invalid. See error object `details` property for more info.",
			Code:       "VALIDATION_FAILED",
			Details:    q.details,
		}
		if endpoint.wraps {
			writeKatana(rw, invalid.StatusCode, map[string]katanaError{"error": invalid})
			return
		}
		writeKatana(rw, invalid.StatusCode, invalid)
		return
	}
	pages := (total + q.limit - 1) / q.limit
	rw.Header().Set("X-Pagination", paginationHeader(q, total, pages))
	writeKatana(rw, http.StatusOK, map[string]any{"data": data})
}

// page lists and cuts with the world locked, so that one page shows one
// moment; nothing holds two pages together.
func (k *katanaServer) page(path string, endpoint katanaEndpoint, q *katanaQuery) (data any, total int) {
	k.world.lock()
	defer k.world.mu.Unlock()
	q.turn = k.turn(path, q.page)
	rows := endpoint.rows(k, q)
	if len(q.details) > 0 {
		return nil, 0
	}
	return rows((q.page-1)*q.limit, q.page*q.limit)
}

// paginationHeader writes all values as strings, as live answers have them.
func paginationHeader(q *katanaQuery, total, pages int) string {
	text, err := json.Marshal(struct {
		TotalRecords string `json:"total_records"`
		TotalPages   string `json:"total_pages"`
		Offset       string `json:"offset"`
		Page         string `json:"page"`
		FirstPage    string `json:"first_page"`
		LastPage     string `json:"last_page"`
	}{
		strconv.Itoa(total), strconv.Itoa(pages), strconv.Itoa((q.page - 1) * q.limit), strconv.Itoa(q.page),
		strconv.FormatBool(q.page == 1), strconv.FormatBool(q.page >= pages),
	})
	if err != nil {
		return "{}" // strings always marshal
	}
	return string(text)
}

// katanaError is the body of a refusal.
type katanaError struct {
	StatusCode int            `json:"statusCode"`
	Name       string         `json:"name"`
	Message    string         `json:"message"`
	Code       string         `json:"code,omitempty"`
	Details    []katanaDetail `json:"details,omitempty"`
}

func writeKatana(rw http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.WriteHeader(status)
	_, _ = rw.Write(text)
}

// katanaLimit counts the requests of one key in windows of a minute, which
// begin with the first request.
type katanaLimit struct {
	mu    sync.Mutex
	most  int
	spent int
	reset time.Time
}

const katanaWindow = time.Minute

// spend takes one request from the window and tells the caller how things
// stand; ok is false when nothing is left.
func (l *katanaLimit) spend(header http.Header, now time.Time) (ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !now.Before(l.reset) {
		l.spent, l.reset = 0, now.Add(katanaWindow)
	}
	if ok = l.spent < l.most; ok {
		l.spent++
	}
	header.Set("X-Ratelimit-Limit", strconv.Itoa(l.most))
	header.Set("X-Ratelimit-Remaining", strconv.Itoa(l.most-l.spent))
	header.Set("X-Ratelimit-Reset", strconv.FormatInt(l.reset.UnixMilli(), 10))
	if !ok {
		header.Set("Retry-After", strconv.Itoa(max(1, wholeSeconds(l.reset.Sub(now)))))
	}
	return ok
}
