package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// FaultKind names what goes wrong with a request.
type FaultKind string

// The kinds of faults. Before and after are meant as seen from the handler:
// "before" means that nothing was done, "after" that the effect happened and
// only the answer suffers.
const (
	FaultStatus      FaultKind = "status"       // before: answers Status in the form of that API
	FaultThrottle    FaultKind = "throttle"     // before: 429 for Katana, THROTTLED with 200 for Shopify
	FaultResetBefore FaultKind = "reset-before" // before: the connection is cut
	FaultHang        FaultKind = "hang"         // before: waits, then serves; without Wait until the client gives up
	FaultResetAfter  FaultKind = "reset-after"  // after: the connection is cut
	FaultHangAfter   FaultKind = "hang-after"   // after: the answer is held back as in hang
	FaultTruncate    FaultKind = "truncate"     // after: half of the body that Content-Length promised, then the connection is cut
	FaultCutJSON     FaultKind = "cut-json"     // after: half of the body, with a Content-Length that fits it
	FaultMalformed   FaultKind = "malformed"    // after: 200 with a page of HTML for a body
	FaultShortPage   FaultKind = "short-page"   // after: the last Rows of the page are missing, what was promised of it stays
	FaultMissingRows FaultKind = "missing-rows" // after: as short-page, but Katana's totals agree with what is left
	FaultHookBefore  FaultKind = "hook-before"  // before: nothing but Do
	FaultHookAfter   FaultKind = "hook-after"   // after: nothing but Do
)

// Fault is something that goes wrong with requests. The zero API and Op match
// every request. Go's own HTTP transport silently sends a GET again when a
// kept-alive connection is cut before the first byte of the answer; give Count
// accordingly.
type Fault struct {
	API   string    // "katana", "shopify/NAME", "shopify" for every store, "" for all
	Op    string    // Katana: a path such as "/inventory"; Shopify: an operation's name or one of its fields, "access_token" or "bulk_result"
	Kind  FaultKind // what goes wrong
	After int       // matching requests that pass before the first one is hit
	Count int       // how many are hit; 0 means one, negative means all

	Chance float64 // 0 hits every one, else each with this probability
	Seed   uint64  // of the dice for Chance

	Status int           // of FaultStatus; 0 means 500
	Wait   time.Duration // of the hangs; for FaultStatus and FaultThrottle the announced pause
	Rows   int           // of FaultShortPage and FaultMissingRows; 0 means one

	// Do is called where the fault strikes, before or after the effect as the
	// kind says, without any lock held: it may play events or end the process.
	Do func()
}

// faultList holds the faults of a world; the zero value holds none.
type faultList struct {
	mu    sync.Mutex
	armed []*armedFault
}

// armedFault is a fault with what it has seen so far.
type armedFault struct {
	Fault
	seen int
	hits int
	dice *rand.Rand
}

// Inject arms a fault and returns a function that tells how often it has been
// played. The earliest injected fault that is due wins a request.
func (w *World) Inject(f Fault) (hits func() int) {
	if f.Count == 0 {
		f.Count = 1
	}
	armed := &armedFault{Fault: f, dice: rand.New(rand.NewPCG(f.Seed, 1))} // #nosec G404 -- a repeatable game, no secret
	w.faults.mu.Lock()
	defer w.faults.mu.Unlock()
	w.faults.armed = append(w.faults.armed, armed)
	return func() int {
		w.faults.mu.Lock()
		defer w.faults.mu.Unlock()
		return armed.hits
	}
}

// ClearFaults disarms all faults; requests that hang already go on hanging.
func (w *World) ClearFaults() {
	w.faults.mu.Lock()
	defer w.faults.mu.Unlock()
	w.faults.armed = nil
}

func (l *faultList) empty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.armed) == 0
}

// take lets every matching fault see the request and returns the first that
// strikes.
func (l *faultList) take(api string, op operation) (Fault, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var struck *armedFault
	for _, f := range l.armed {
		if !f.matches(api, op) {
			continue
		}
		f.seen++
		if struck == nil && f.due() {
			struck = f
		}
	}
	if struck == nil {
		return Fault{}, false
	}
	struck.hits++
	return struck.Fault, true
}

func (f *armedFault) due() bool {
	if f.seen <= f.After || (f.Count >= 0 && f.hits >= f.Count) {
		return false
	}
	return f.Chance <= 0 || f.dice.Float64() < f.Chance
}

func (f Fault) matches(api string, op operation) bool {
	if f.API != "" && f.API != api && !strings.HasPrefix(api, f.API+"/") {
		return false
	}
	return f.Op == "" || f.Op == op.name || op.mentions(f.Op)
}

// operation is what a request asks for: the path under /v1, or the name and
// document of a GraphQL operation.
type operation struct {
	name     string
	document string
}

// mentions reports whether the GraphQL document asks for a field of this name.
func (o operation) mentions(field string) bool {
	for rest := o.document; ; {
		i := strings.Index(rest, field)
		if i < 0 {
			return false
		}
		end := i + len(field)
		if (i == 0 || !nameByte(rest[i-1])) && (end == len(rest) || !nameByte(rest[end])) {
			return true
		}
		rest = rest[end:]
	}
}

func nameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// operationOf looks into the request and leaves its body unread.
func operationOf(r *http.Request) operation {
	switch {
	case strings.HasSuffix(r.URL.Path, "/access_token"):
		return operation{name: "access_token"}
	case strings.HasPrefix(r.URL.Path, bulkPlace):
		return operation{name: "bulk_result"}
	case !strings.HasSuffix(r.URL.Path, "/graphql.json"):
		return operation{name: strings.TrimPrefix(r.URL.Path, "/v1")}
	}
	const most = 8 << 20
	body, err := io.ReadAll(io.LimitReader(r.Body, most))
	rest := r.Body
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), rest), rest}
	var request struct {
		OperationName string `json:"operationName"`
		Query         string `json:"query"`
	}
	if err != nil || json.Unmarshal(body, &request) != nil {
		return operation{}
	}
	return operation{name: request.OperationName, document: request.Query}
}

// faulty counts the requests to one API, dates the answers by the world's
// clock and plays the injected faults before or after next has its say.
func (w *World) faulty(api string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.requests.add(api)
		rw.Header().Set("Date", w.now().UTC().Format(http.TimeFormat))
		if w.faults.empty() {
			next.ServeHTTP(rw, r)
			return
		}
		fault, ok := w.faults.take(api, operationOf(r))
		if !ok {
			next.ServeHTTP(rw, r)
			return
		}
		fault.play(api, rw, r, next)
	})
}

// play serves one request badly. A cut connection is net/http's own way of
// ending a handler without an answer.
func (f Fault) play(api string, rw http.ResponseWriter, r *http.Request, next http.Handler) {
	do := f.Do
	if do == nil {
		do = func() {}
	}
	switch f.Kind {
	case FaultStatus:
		do()
		f.refuse(api, rw)
	case FaultThrottle:
		do()
		f.throttle(api, rw)
	case FaultResetBefore:
		do()
		panic(http.ErrAbortHandler)
	case FaultHang:
		do()
		f.hang(r)
		next.ServeHTTP(rw, r)
	case FaultHookBefore:
		do()
		next.ServeHTTP(rw, r)
	case FaultResetAfter, FaultHangAfter, FaultTruncate, FaultCutJSON, FaultMalformed, FaultShortPage, FaultMissingRows, FaultHookAfter:
		answer := &heldAnswer{header: rw.Header(), status: http.StatusOK}
		next.ServeHTTP(answer, r)
		do()
		f.spoil(api, answer, rw, r)
	default:
		http.Error(rw, fmt.Sprintf("sandbox: unknown kind of fault %q", string(f.Kind)), http.StatusInternalServerError)
	}
}

// spoil sends what is left of an answer whose effect has happened.
func (f Fault) spoil(api string, answer *heldAnswer, rw http.ResponseWriter, r *http.Request) {
	switch f.Kind {
	case FaultResetAfter:
		panic(http.ErrAbortHandler)
	case FaultHangAfter:
		f.hang(r)
	case FaultTruncate:
		rw.Header().Set("Content-Length", strconv.Itoa(answer.body.Len()))
		answer.body.Truncate(answer.body.Len() / 2)
		answer.send(rw)
		// Without the flush the cut would come before the half that was promised.
		_ = http.NewResponseController(rw).Flush()
		panic(http.ErrAbortHandler)
	case FaultCutJSON:
		answer.body.Truncate(answer.body.Len() / 2)
	case FaultMalformed:
		answer.status = http.StatusOK
		answer.body.Reset()
		answer.body.WriteString("<!DOCTYPE html>\n<title>One moment, please</title>\n")
	case FaultShortPage:
		f.shorten(api, answer)
	case FaultMissingRows:
		lowerTotal(rw.Header(), f.shorten(api, answer))
	default: // the answer goes out as it is
	}
	rw.Header().Del("Content-Length")
	answer.send(rw)
}

// hang waits for Wait, or for the client to give up, and then ends the
// request as nobody is left to answer to.
func (f Fault) hang(r *http.Request) {
	var over <-chan time.Time
	if f.Wait > 0 {
		timer := time.NewTimer(f.Wait)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}

// heldAnswer keeps an answer back until the fault has decided on it.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *heldAnswer) Header() http.Header         { return a.header }
func (a *heldAnswer) WriteHeader(status int)      { a.status = status }
func (a *heldAnswer) Write(p []byte) (int, error) { return a.body.Write(p) }

func (a *heldAnswer) send(rw http.ResponseWriter) {
	rw.WriteHeader(a.status)
	_, _ = rw.Write(a.body.Bytes())
}

// refuse answers with the fault's status. Statuses that come from the edge in
// front of an API carry a page of HTML, as real ones do.
func (f Fault) refuse(api string, rw http.ResponseWriter) {
	status := f.Status
	if status == 0 {
		status = http.StatusInternalServerError
	}
	f.announce(rw)
	if status >= 502 {
		rw.Header().Set("Content-Type", "text/html")
		rw.WriteHeader(status)
		_, _ = fmt.Fprintf(rw, "<html><body><h1>%d %s</h1></body></html>\n", status, http.StatusText(status))
		return
	}
	if isShopify(api) {
		writeFaultJSON(rw, status, map[string]any{"errors": shopifyWords(status)})
		return
	}
	writeFaultJSON(rw, status, map[string]any{
		"statusCode": status,
		"name":       strings.ReplaceAll(http.StatusText(status), " ", "") + "Error",
		"message":    http.StatusText(status),
	})
}

// shopifyWords is what stands under "errors" when Shopify refuses a request as
// a whole: a plain string, not a list.
func shopifyWords(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "[API] Invalid API key or access token (unrecognized login or wrong password)"
	case http.StatusPaymentRequired:
		return "This shop's plan does not have access to this feature"
	case http.StatusLocked:
		return "This shop is locked"
	}
	if text := http.StatusText(status); text != "" {
		return text
	}
	return "Status " + strconv.Itoa(status)
}

// throttle answers as each API does when its budget is spent.
func (f Fault) throttle(api string, rw http.ResponseWriter) {
	if f.Wait <= 0 {
		f.Wait = time.Second
	}
	if !isShopify(api) {
		f.announce(rw)
		writeFaultJSON(rw, http.StatusTooManyRequests, map[string]any{
			"statusCode": http.StatusTooManyRequests, "name": "TooManyRequests", "message": "Too Many Requests",
		})
		return
	}
	const restore = 100
	writeFaultJSON(rw, http.StatusOK, map[string]any{
		"errors": []any{map[string]any{
			"message":    "Throttled",
			"extensions": map[string]any{"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"},
		}},
		"extensions": map[string]any{"cost": map[string]any{
			"requestedQueryCost": wholeSeconds(f.Wait) * restore,
			"actualQueryCost":    nil,
			"throttleStatus":     map[string]any{"maximumAvailable": 2000.0, "currentlyAvailable": 0, "restoreRate": restore},
		}},
	})
}

func (f Fault) announce(rw http.ResponseWriter) {
	if f.Wait > 0 {
		rw.Header().Set("Retry-After", strconv.Itoa(wholeSeconds(f.Wait)))
	}
}

// wholeSeconds rounds up: a pause that is announced too short would be
// followed by another refusal.
func wholeSeconds(d time.Duration) int {
	return int((d + time.Second - 1) / time.Second)
}

func isShopify(api string) bool { return strings.HasPrefix(api, "shopify") }

func writeFaultJSON(rw http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.WriteHeader(status)
	_, _ = rw.Write(text)
}
