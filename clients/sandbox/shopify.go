package sandbox

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Shopify serves one store: POST /admin/api/VERSION/graphql.json and
// POST /admin/oauth/access_token, with the store's tokens, budget and scopes,
// and GET /bulk/..., where the results of bulk queries are.
// Injected faults play on it. An unknown store gets 404 for everything.
//
// Documents are checked against the schema of 2026-10, as far as it is kept
// here; a request for another version is answered by the one that is served.
func (w *World) Shopify(store string) http.Handler {
	s, err := w.store(store)
	if err != nil {
		return http.NotFoundHandler()
	}
	return w.faulty("shopify/"+s.name, http.HandlerFunc(s.serve))
}

const mostBody = 8 << 20

func (s *store) serve(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("X-Request-Id", requestID())
	rest, ok := strings.CutPrefix(r.URL.Path, "/admin/")
	version, isAPI := strings.CutPrefix(strings.TrimSuffix(rest, "/graphql.json"), "api/")
	switch {
	case ok && rest == "oauth/access_token" && r.Method == http.MethodPost:
		s.serveToken(rw, r)
	case strings.HasPrefix(r.URL.Path, bulkPlace) && r.Method == http.MethodGet:
		s.serveBulk(rw, r)
	case ok && isAPI && strings.HasSuffix(rest, "/graphql.json") && !strings.Contains(version, "/") && r.Method == http.MethodPost:
		rw.Header().Set("X-Shopify-API-Version", s.opts.APIVersion)
		s.serveGraphQL(rw, r)
	default:
		refuse(rw, http.StatusNotFound, "Not Found")
	}
}

// requestID is random, so that no two requests are taken for one.
func requestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:4]) + "-" + hex.EncodeToString(id[4:8]) + "-" + hex.EncodeToString(id[8:])
}

// refuse answers a request as a whole; the errors are then a plain string.
func refuse(rw http.ResponseWriter, status int, message string) {
	writeShopify(rw, status, map[string]any{"errors": message})
}

func writeShopify(rw http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	writeBody(rw, status, text)
}

func writeBody(rw http.ResponseWriter, status int, text []byte) {
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.Header().Set("Content-Length", strconv.Itoa(len(text)))
	rw.WriteHeader(status)
	_, _ = rw.Write(text) // #nosec G705 -- JSON, and named so above
}

// graphqlRequest is the body of a request.
type graphqlRequest struct {
	Query         string          `json:"query"`
	Variables     json.RawMessage `json:"variables"`
	OperationName string          `json:"operationName"`
}

func (s *store) serveGraphQL(rw http.ResponseWriter, r *http.Request) {
	if status, message := s.admit(r.Header.Get("X-Shopify-Access-Token")); status != 0 {
		refuse(rw, status, message)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, mostBody))
	var request graphqlRequest
	if err != nil || json.Unmarshal(body, &request) != nil || request.Query == "" {
		refuse(rw, http.StatusBadRequest, "Required parameter missing or invalid")
		return
	}
	writeBody(rw, http.StatusOK, s.answer(request, baseOf(r)))
}

// baseOf is the URL under which the caller sees this store.
func baseOf(r *http.Request) string {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	return scheme + r.Host + strings.TrimSuffix(path, r.URL.Path)
}

// admit checks the token and how the shop stands.
func (s *store) admit(token string) (status int, message string) {
	s.w.lock()
	defer s.w.mu.Unlock()
	expiry, granted := s.tokens[token]
	switch {
	case token == "" || token != s.opts.AccessToken && (!granted || !s.w.now().Before(expiry)):
		return http.StatusUnauthorized, shopifyWords(http.StatusUnauthorized)
	case s.state == ShopFrozen:
		return http.StatusPaymentRequired, "Unavailable Shop"
	case s.state == ShopLocked:
		return http.StatusLocked, "Locked"
	}
	return 0, ""
}

// answer prices, charges and runs one operation.
func (s *store) answer(request graphqlRequest, base string) []byte {
	doc, refused := s.documents.load(request.Query)
	if refused != nil {
		return reply(refused, nil, nil)
	}
	op, refused := pickOperation(doc, request.OperationName)
	if refused != nil {
		return reply(refused, nil, nil)
	}
	given, err := decodeVariables(request.Variables)
	if err != nil {
		return reply([]graphqlError{{Message: "Variables are invalid JSON"}}, nil, nil)
	}
	vars, refused := coerceVariables(op, given)
	if refused != nil {
		return reply(refused, nil, nil)
	}
	price := priceOf(op, doc.Fragments, vars)
	if price > mostCost {
		return reply([]graphqlError{tooDear(price)}, nil, nil)
	}
	s.w.lock()
	defer s.w.mu.Unlock()
	now := s.w.now()
	if !s.bucket.reserve(now, price) {
		return reply([]graphqlError{throttled}, nil, map[string]any{"cost": s.bucket.cost(price, nil)})
	}
	s.readings++
	x := &execution{w: s.w, s: s, op: op, vars: vars, raw: request.Variables, now: now.UTC(), base: base}
	data, cost, ok := x.run()
	cost = min(cost, price)
	s.bucket.refund(price - cost)
	extensions := map[string]any{"cost": s.bucket.cost(price, cost)}
	if x.search != nil {
		extensions["search"] = x.search
	}
	text := []byte("null")
	if ok {
		text = appendJSON(nil, data)
	}
	return reply(x.errs, text, extensions)
}

var throttled = graphqlError{
	Message:    "Throttled",
	Extensions: map[string]any{"code": "THROTTLED"},
}

func tooDear(price int) graphqlError {
	return graphqlError{
		Message: "Query cost is " + strconv.Itoa(price) + ", which exceeds the single query max cost limit (" + strconv.Itoa(mostCost) + ").",
		Extensions: map[string]any{
			"code": "MAX_COST_EXCEEDED", "cost": price, "maxCost": mostCost, "documentation": "https://shopify.dev/api/usage/rate-limits",
		},
	}
}

// reply puts an answer together in the order that Shopify has.
func reply(errs []graphqlError, data []byte, extensions map[string]any) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	part := func(name string, text []byte) {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + name + `":`)
		b.Write(text)
	}
	if len(errs) > 0 {
		part("errors", appendJSON(nil, errs))
	}
	if data != nil {
		part("data", data)
	}
	if extensions != nil {
		part("extensions", appendJSON(nil, extensions))
	}
	b.WriteByte('}')
	return b.Bytes()
}

// decodeVariables keeps numbers as they are written.
func decodeVariables(text json.RawMessage) (map[string]any, error) {
	if len(text) == 0 {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var vars map[string]any
	return vars, decoder.Decode(&vars)
}

// serveToken is the client credentials grant.
func (s *store) serveToken(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, mostBody)
	if err := r.ParseForm(); err != nil {
		tokenError(rw, "invalid_request", "The request body is malformed")
		return
	}
	s.w.lock()
	defer s.w.mu.Unlock()
	switch {
	case r.PostForm.Get("grant_type") != "client_credentials":
		tokenError(rw, "unsupported_grant_type", "The grant type is not supported")
	case s.opts.ClientID == "" || r.PostForm.Get("client_id") != s.opts.ClientID:
		tokenError(rw, "application_cannot_be_found", "The application cannot be found")
	case r.PostForm.Get("client_secret") != s.opts.ClientSecret:
		tokenError(rw, "invalid_client", "The client secret is wrong")
	default:
		token := "shpat_" + strings.ReplaceAll(requestID(), "-", "")
		s.tokens[token] = s.w.now().Add(s.opts.TokenTTL)
		writeShopify(rw, http.StatusOK, map[string]any{
			"access_token": token, "scope": strings.Join(s.opts.Scopes, ","),
			"expires_in": int((s.opts.TokenTTL - time.Second) / time.Second),
		})
	}
}

func tokenError(rw http.ResponseWriter, code, text string) {
	writeShopify(rw, http.StatusBadRequest, map[string]any{"error": code, "error_description": text})
}
