package shopify

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"stocksyncd/clients/internal/transport"
	"stocksyncd/reconcile/inventory"
)

// Options describe one store.
type Options struct {
	Store      inventory.StoreName // its name in the config
	Shop       string              // such as acme.myshopify.com
	URL        string              // base for /admin/…; "" is https:// and Shop
	APIVersion string              // such as 2026-10
	// BulkAbove is the number of variants beyond which the whole store is read
	// by a bulk query instead of pages; 0 is never.
	BulkAbove int
	// ResultHosts are the hosts that results of bulk queries may be fetched
	// from, with those below them; nil is where Shopify keeps them.
	ResultHosts []string
	// Token gives the access token of an app that has one which does not
	// expire. It is asked for every try, so that a new one is used at once.
	Token func() string
	// ClientID and ClientSecret are used instead of Token for an app whose
	// tokens are granted for a day: the client credentials grant.
	ClientID     string
	ClientSecret func() string
	Version      string            // of the daemon
	Base         http.RoundTripper // nil is a pool of connections of its own
	Log          *slog.Logger      // nil is silent
	Rand         func() float64    // jitter, in [0, 1); nil is random
}

// Shopify ends a request of its own accord after 10 s, so one that says nothing
// for twice as long is lost. A cycle waits for its slowest store: how long one
// that hangs can hold up the others is bounded by overall.
//
// https://shopify.dev/docs/api/usage/response-codes
const (
	tryTimeout = 20 * time.Second
	overall    = 90 * time.Second
)

// Client reads and writes the stock of one store. It is safe for concurrent
// use; all its requests share one bucket of cost points, as Shopify keeps one
// for each app and store.
type Client struct {
	store    inventory.StoreName
	api      string // "shopify/main": the first word of every error
	endpoint string
	version  string
	log      *slog.Logger
	http     *transport.Client
	files    *transport.Client // of bulk queries' results
	tokens   *tokens
	bucket   *bucket
	window   int // variants to page through before the next window

	bulkAbove   int      // variants beyond which a bulk query replaces pages; 0 is never
	resultHosts []string // that results may be fetched from

	mu     sync.Mutex
	calls  map[*transport.Request]*operation // on their way
	sizes  map[string]int                    // page sizes that the store has lowered, by operation
	levels int                               // levels to ask for with each item
	sells  bool                              // orders may be read, as of the last answer that said so
	served string                            // version that answered last
	warned map[string]bool
}

// New makes a client; it sends nothing.
func New(opts Options) *Client {
	base := strings.TrimSuffix(opts.URL, "/")
	if base == "" {
		base = "https://" + opts.Shop
	}
	c := &Client{
		store: opts.Store, api: "shopify/" + string(opts.Store), version: opts.APIVersion,
		endpoint: base + "/admin/api/" + opts.APIVersion + "/graphql.json",
		log:      opts.Log, bucket: newBucket(),
		calls: map[*transport.Request]*operation{}, sizes: map[string]int{}, warned: map[string]bool{},
		levels: firstLevels, window: windowMost, bulkAbove: opts.BulkAbove,
		resultHosts: opts.ResultHosts,
	}
	if c.resultHosts == nil {
		c.resultHosts = resultHosts
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	shared := transport.Options{
		API: c.api, Version: opts.Version, Base: opts.Base, Rand: opts.Rand, TryTimeout: tryTimeout, Overall: overall,
	}
	if shared.Base == nil {
		shared.Base = transport.NewBase()
	}
	c.tokens = newTokens(opts, base, shared, c.log)
	shared.Secrets = c.tokens.secrets
	c.files = newFiles(shared)
	shared.Budget, shared.Classify, shared.Authorize = (*budget)(c), c.classify, c.authorize
	c.http = transport.New(shared)
	return c
}

// Counts gives the running totals of requests and of cost points.
func (c *Client) Counts() inventory.RequestCount {
	total := c.http.Counts().Report()
	for _, beside := range []inventory.RequestCount{c.tokens.http.Counts().Report(), c.files.Counts().Report()} {
		total.Count += beside.Count
		total.Retries += beside.Retries
		total.Throttled += beside.Throttled
		total.WaitedMS += beside.WaitedMS
	}
	return total
}

// Spare is how many cost points could be spent within that time and still leave
// the store's bucket at least half full, for writes. 0 or below is none, and so
// is a bucket that no answer has told of yet.
func (c *Client) Spare(within time.Duration) float64 { return c.bucket.spare(within) }

// ServedVersion is the API version that answered last, by
// X-Shopify-API-Version; "" before the first answer. A version that is no
// longer supported is served by a newer one, without an error.
//
// https://shopify.dev/docs/api/usage/versioning
func (c *Client) ServedVersion() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.served
}

// Identity is the global id of the shop that the token belongs to.
func (c *Client) Identity(ctx context.Context) (string, error) {
	o := c.read("identity")
	answer, err := readIdentity(ctx, o)
	if err != nil {
		return "", err
	}
	if answer.Shop == nil || answer.Shop.Id == "" {
		return "", o.missing("shop.id")
	}
	return answer.Shop.Id, nil
}

// Scopes lists the access scopes that the app was granted. A write_ scope
// includes its read_ scope, which may not be listed.
func (c *Client) Scopes(ctx context.Context) ([]string, error) {
	o := c.read("scopes")
	answer, err := readScopes(ctx, o)
	if err != nil {
		return nil, err
	}
	return o.scopes(answer.CurrentAppInstallation)
}

func (o *operation) scopes(of *grants) (scopes []string, err error) {
	if of == nil || of.AccessScopes == nil {
		return nil, o.missing("currentAppInstallation.accessScopes")
	}
	for _, scope := range of.AccessScopes {
		scopes = append(scopes, scope.Handle)
	}
	return scopes, nil
}

// fit calls ask with the page size that the store is known to serve, and with
// half of it for as long as the store finds the page too large.
func (c *Client) fit(name string, ask func(size int) error) error {
	for {
		size := c.size(name)
		err := ask(size)
		var costly tooCostlyError
		if !errors.As(err, &costly) || size == 1 {
			return err
		}
		c.mu.Lock()
		c.sizes[name] = min(size/2, c.sizes[name])
		c.mu.Unlock()
	}
}

// size is the page size for an operation: Shopify's cap, unless the store has
// found that too large.
func (c *Client) size(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sizes[name] == 0 {
		c.sizes[name] = pageMost
	}
	return c.sizes[name]
}

// pageMost is the most that Shopify gives in one page, and takes in one array.
//
// https://shopify.dev/docs/api/usage/limits
const pageMost = 250

// note keeps what an answer's headers tell of the API version.
func (c *Client) note(h http.Header) {
	served := h.Get("X-Shopify-API-Version")
	deprecated := h.Get("X-Shopify-API-Deprecated-Reason")
	c.mu.Lock()
	defer c.mu.Unlock()
	if served != "" {
		c.served = served
	}
	if served != "" && served != c.version && !c.warned[served] {
		c.warned[served] = true
		c.log.Warn("Shopify answers with another API version: look for a newer stocksyncd, or set api_version",
			"store", c.store, "asked", c.version, "served", served)
	}
	if deprecated != "" && !c.warned[deprecated] && len(c.warned) < 100 {
		c.warned[deprecated] = true
		c.log.Warn("Shopify calls a part of the request deprecated", "store", c.store, "reason", c.http.Redact(deprecated))
	}
}
