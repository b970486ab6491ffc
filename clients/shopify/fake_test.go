package shopify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/internal/transport/transporttest"
	"stocksyncd/reconcile/inventory"
)

const (
	token   = "shpat_the-secret-token"
	secret  = "the-client-secret"
	healthy = `"extensions":{"cost":{"requestedQueryCost":13,"actualQueryCost":13,"throttleStatus":{"maximumAvailable":2000,"currentlyAvailable":1987,"restoreRate":100}}}`
)

// asked is one request as the fake store got it.
type asked struct {
	path  string
	token string
	body  string
	Op    string          `json:"operationName"`
	Query string          `json:"query"`
	Vars  json.RawMessage `json:"variables"`
	at    time.Time
}

// vars decodes the variables.
func (a asked) vars(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(a.Vars, into); err != nil {
		t.Fatalf("variables of %s: %v", a.Op, err)
	}
}

// reply is what the fake store answers. A cut reply breaks off.
type reply struct {
	status int
	header map[string]string
	body   string
	cut    bool
}

func ok(data string) reply { return reply{body: `{"data":` + data + `,` + healthy + `}`} }

func failing(code, message string) reply {
	return reply{body: fmt.Sprintf(`{"errors":[{"message":%q,"extensions":{"code":%q}}],%s}`, message, code, healthy)}
}

// store is a fake: it answers each request with what a test says, and
// remembers it.
type store struct {
	t      *testing.T
	mu     sync.Mutex
	got    []asked
	answer func(n int, a asked) reply // n counts from 1
	log    bytes.Buffer
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a := asked{path: r.URL.Path, token: r.Header.Get("X-Shopify-Access-Token"), body: string(body), at: time.Now()}
	_ = json.Unmarshal(body, &a) // a grant is a form
	s.mu.Lock()
	s.got = append(s.got, a)
	n := len(s.got)
	s.mu.Unlock()
	answer := s.answer(n, a)
	w.Header().Set("X-Request-Id", fmt.Sprintf("req-%d", n))
	w.Header().Set("X-Shopify-API-Version", "2026-10")
	for name, value := range answer.header {
		w.Header().Set(name, value)
	}
	if answer.cut {
		w.Header().Set("Content-Length", "1000")
	}
	if answer.status != 0 {
		w.WriteHeader(answer.status)
	}
	_, _ = io.WriteString(w, answer.body)
}

func (s *store) requests() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]asked(nil), s.got...)
}

// ops lists the operations that were asked, in order.
func (s *store) ops() string {
	var ops []string
	for _, a := range s.requests() {
		op := a.Op
		if op == "" {
			op = a.path
		}
		ops = append(ops, op)
	}
	return strings.Join(ops, " ")
}

// talk runs a test in virtual time against a fake store.
func talk(t *testing.T, answer func(n int, a asked) reply, test func(t *testing.T, c *Client, s *store)) {
	t.Helper()
	talkAs(t, Options{Token: func() string { return token }}, answer, test)
}

func talkAs(t *testing.T, opts Options, answer func(n int, a asked) reply, test func(t *testing.T, c *Client, s *store)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &store{t: t, answer: answer}
		opts.Store, opts.Shop, opts.URL, opts.APIVersion = "main", "acme.myshopify.com", "http://127.0.0.1/", "2026-10"
		opts.Base = transporttest.Serve(t, s)
		opts.Rand = func() float64 { return 0 }
		opts.Log = slog.New(slog.NewTextHandler(&s.log, nil))
		test(t, New(opts), s)
	})
}

// always gives one answer to everything.
func always(r reply) func(int, asked) reply { return func(int, asked) reply { return r } }

// inTurn gives each request the next answer; the last one repeats.
func inTurn(replies ...reply) func(int, asked) reply {
	return func(n int, _ asked) reply { return replies[min(n, len(replies))-1] }
}

// observe lists the levels that a look at the whole store gives.
func observe(ctx context.Context, c *Client) ([]inventory.Level, error) {
	return allOf(c.Observe(ctx))
}

// allOf lists levels that are given item by item.
func allOf(items iter.Seq[[]inventory.Level], err error) (levels []inventory.Level, _ error) {
	if err != nil {
		if items != nil {
			panic("levels are given of a look that failed")
		}
		return nil, err
	}
	for some := range items {
		levels = append(levels, some...)
	}
	return levels, nil
}

func key(item, location int64) inventory.Key {
	return inventory.Key{Store: "main", Item: inventory.ItemID(item), Location: inventory.LocationID(location)}
}

// Wire JSON, written as the reference shows it.

func levelJSON(location int64, available int) string {
	return fmt.Sprintf(`{"isActive":true,"location":{"id":"gid://shopify/Location/%d"},"quantities":[{"name":"available","quantity":%d}]}`, location, available)
}

func pageJSON(cursor string) string {
	if cursor == "" {
		return `{"hasNextPage":false,"endCursor":null}`
	}
	return fmt.Sprintf(`{"hasNextPage":true,"endCursor":%q}`, cursor)
}

// connectionJSON gives the edges of a page; the last one has the cursor that
// leads to the next page.
func connectionJSON(next string, nodes ...string) string {
	edges := make([]string, len(nodes))
	for i, node := range nodes {
		cursor := fmt.Sprint("edge", i)
		if i == len(nodes)-1 && next != "" {
			cursor = next
		}
		edges[i] = fmt.Sprintf(`{"cursor":%q,"node":%s}`, cursor, node)
	}
	return fmt.Sprintf(`{"edges":[%s],"pageInfo":%s}`, strings.Join(edges, ","), pageJSON(next))
}

func levelsJSON(next string, levels ...string) string { return connectionJSON(next, levels...) }

func itemJSON(id int64, sku, levels string) string {
	return fmt.Sprintf(`{"id":"gid://shopify/InventoryItem/%d","sku":%q,"tracked":true,"inventoryLevels":%s}`, id, sku, levels)
}

func variantJSON(id int64, item string) string {
	return fmt.Sprintf(`{"id":"gid://shopify/ProductVariant/%d","requiresComponents":false,"product":{"isGiftCard":false},"inventoryItem":%s}`, id, item)
}

func variantsJSON(next string, variants ...string) reply {
	return ok(`{"productVariants":` + connectionJSON(next, variants...) + `}`)
}

// mug is variant and item n with one level at location 1.
func mug(n int64, available int) string {
	return variantJSON(n, itemJSON(n, fmt.Sprintf("MUG-%d", n), levelsJSON("", levelJSON(1, available))))
}
