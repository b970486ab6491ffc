package transport

import (
	"context"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"stocksyncd/reconcile/inventory"
)

// Options describe one API of one account.
type Options struct {
	API     string // "katana", "shopify/main": the first word of every error
	Version string // of the daemon, for User-Agent
	// Base sends a single try. Nil is [NewBase]; tests pass one in memory.
	Base http.RoundTripper
	// Budget is asked before every try; nil is no limit.
	Budget Budget
	// Authorize sets the authorisation header. It is called for every try, so
	// that a retry uses a token that was renewed meanwhile, and only for the
	// host that the request was made for.
	Authorize func(ctx context.Context, h http.Header) error
	// Classify decides what an answer is worth; nil is [Usual].
	Classify func(*Response) Verdict
	// Secrets lists values that no error may show. See [Client.Redact].
	Secrets func() []string
	// MaxBody bounds an answer, counted after unpacking. Default 32 MiB.
	MaxBody int64
	// TryTimeout bounds one try, from sending to the last byte of the answer,
	// without the wait for the budget. Default 60 s.
	TryTimeout time.Duration
	// Overall bounds all tries and all waits together. Default 5 min.
	Overall time.Duration
	// Retries is how many tries may follow the first. Default 4; negative is none.
	Retries int
	// Rand gives numbers in [0, 1) for the jitter.
	Rand func() float64
}

// Budget paces requests.
type Budget interface {
	// Acquire waits for the turn of one try.
	Acquire(ctx context.Context, r *Request) error
	// Settle ends what Acquire began, and learns from the answer; resp is nil
	// when there was none.
	Settle(r *Request, resp *Response)
}

// Request is one request, whatever the number of tries that it takes.
type Request struct {
	Name   string // "inventory", "set quantities": for errors
	Method string
	URL    string
	Header http.Header
	Body   []byte
	// ReadOnly marks a POST that changes nothing, such as a GraphQL query. GET
	// and HEAD always are. It is repeatable, and its lost answer is no more
	// than a failed read.
	ReadOnly bool
	// Repeatable marks a write that carries an idempotency key.
	Repeatable bool
	Cost       float64 // expected cost points, for the budget
	// Into is given the body of a 200 while it arrives, instead of
	// [Response.Body], and no more than Most bytes of it, counted after
	// unpacking. It is called anew for every try and must begin from nothing
	// each time; an error of its own is final. TryTimeout then bounds the
	// silence between two parts of the body.
	Into func(body io.Reader) error
	Most int64
	// Signed marks a URL that is a key itself: no error shows any of it but
	// the host, and no redirect is followed, wherever it leads.
	Signed bool
}

func (r *Request) readOnly() bool {
	return r.ReadOnly || r.Method == http.MethodGet || r.Method == http.MethodHead
}

func (r *Request) repeatable() bool { return r.Repeatable || r.readOnly() }

// Response is an answer that arrived whole.
type Response struct {
	Request *Request
	Try     int // 1 for the first try
	Status  int
	Header  http.Header
	Body    []byte
	Date    time.Time     // the server's clock, in whole seconds; zero when it did not say
	Wait    time.Duration // Retry-After, at least 250 ms; zero when there was none
	// MaybeApplied is true when this answer is a 5xx, or when an earlier try
	// got one or no answer, so that a write may have been carried out although
	// this answer is an error.
	MaybeApplied bool
}

// Verdict is what an answer is worth.
type Verdict struct {
	Retry     bool
	Wait      time.Duration // before the next try; 0 is Retry-After, else exponential backoff
	Throttled bool          // the server said slow down, and did nothing else
}

// Usual is the verdict on an answer by its status alone: 429 and the 5xx
// except 501 are worth another try, everything else is final.
func Usual(resp *Response) Verdict {
	switch {
	case resp.Status == http.StatusTooManyRequests:
		return Verdict{Retry: true, Throttled: true}
	case resp.Status >= 500 && resp.Status != http.StatusNotImplemented:
		return Verdict{Retry: true}
	}
	return Verdict{}
}

// Counts is what a client has done since it was made.
type Counts struct {
	Requests  int // sent, retries and redirects included
	Retries   int
	Throttled int           // answers that said slow down
	Waited    time.Duration // for the budget and between tries
	Cost      float64       // see [Client.AddCost]
}

// Report gives the counts the form that a cycle's report carries.
func (n Counts) Report() inventory.RequestCount {
	return inventory.RequestCount{
		Count: n.Requests, Retries: n.Retries, Throttled: n.Throttled,
		Cost: n.Cost, WaitedMS: n.Waited.Milliseconds(),
	}
}

// Client sends the requests of one API of one account. It is safe for
// concurrent use.
type Client struct {
	opts Options

	mu     sync.Mutex
	counts Counts
}

// New makes a client; it sends nothing.
func New(opts Options) *Client {
	if opts.Base == nil {
		opts.Base = NewBase()
	}
	if opts.Classify == nil {
		opts.Classify = Usual
	}
	if opts.MaxBody == 0 {
		opts.MaxBody = 32 << 20
	}
	if opts.TryTimeout == 0 {
		opts.TryTimeout = time.Minute
	}
	if opts.Overall == 0 {
		opts.Overall = 5 * time.Minute
	}
	if opts.Retries == 0 {
		opts.Retries = 4
	}
	if opts.Rand == nil {
		opts.Rand = rand.Float64 // #nosec G404 -- jitter, not a secret
	}
	return &Client{opts: opts}
}

// NewBase makes a pool of connections for one account, so that neither the
// limits nor the failures of one reach another.
func NewBase() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		// A body has a limit of its own, see [Options.MaxBody].
		MaxResponseHeaderBytes: 1 << 20,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxConnsPerHost:        4,
		MaxIdleConnsPerHost:    4,
		// Else a transport with its own dialer stays on HTTP/1.1.
		ForceAttemptHTTP2: true,
		// A dead HTTP/2 connection would swallow requests until the timeout.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second},
	}
}

// Counts gives the running totals.
func (c *Client) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

// AddCost adds to the cost points, which only the adapter can read from an
// answer.
func (c *Client) AddCost(points float64) { c.count(func(n *Counts) { n.Cost += points }) }

func (c *Client) count(add func(*Counts)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	add(&c.counts)
}

// Do sends r and gives back the answer, whatever its status: the last one once
// the retries are used up, or at once when it is not worth a retry.
//
// The error is:
//   - [inventory.ErrAnswerLost] when r may have been carried out and no answer
//     said so; never for a read;
//   - [*inventory.PauseError] when the server asked for a wait above 5 minutes;
//   - [ErrTooLarge] when the answer is above the size limit;
//   - what [Request.Into] gave;
//   - the context's when ctx ended;
//   - else there was no connection or no complete answer.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.opts.Overall, timeoutError(c.opts.Overall))
	defer cancel()
	x := &exchange{client: c, request: r}
	req, err := x.build(ctx)
	if err != nil {
		return nil, x.failure(ctx, err)
	}
	retry := retryablehttp.Client{
		HTTPClient:     &http.Client{Transport: x, CheckRedirect: x.redirect},
		RetryMax:       max(c.opts.Retries, 0),
		CheckRetry:     x.check,
		Backoff:        x.backoff,
		RequestLogHook: x.begin,
		// Without it the status of the last answer is lost.
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
		// Logger stays nil: it would print every URL with its query.
	}
	resp, err := retry.Do(req)
	if resp != nil {
		_ = resp.Body.Close() // in memory, or closed already
	}
	if err != nil {
		return nil, x.failure(ctx, err)
	}
	x.last.MaybeApplied = x.open
	return x.last, nil
}
