package katana

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"stocksyncd/clients/internal/transport"
	"stocksyncd/reconcile/inventory"
)

// Options describe one Katana account.
type Options struct {
	URL       string        // base, such as https://api.katanamrp.com/v1
	Key       func() string // the API key; asked for every try, so that a new one is used at once
	PerMinute int           // the most requests in a minute; Katana's own limit can lower it
	Version   string        // of the daemon
	Base      http.RoundTripper
	Rand      func() float64 // jitter, in [0, 1); nil is random
	Now       func() time.Time
}

// Client reads one Katana account. It is safe for concurrent use; all its
// requests share one budget, as Katana counts them by API key.
type Client struct {
	url    string
	http   *transport.Client
	budget *transport.RateBudget
	now    func() time.Time

	mu      sync.Mutex
	portion portion       // of what is asked for by ids
	skew    time.Duration // server's clock − ours, as of the newest answer
	clock   bool          // skew is known
}

// New makes a client; it sends nothing.
func New(opts Options) *Client {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	budget := transport.NewRateBudget(opts.PerMinute)
	return &Client{
		now:     opts.Now,
		url:     strings.TrimSuffix(opts.URL, "/"),
		portion: portion{ids: pageSize, everywhere: pageSize},
		budget:  budget,
		http: transport.New(transport.Options{
			API: "katana", Version: opts.Version, Base: opts.Base, Rand: opts.Rand,
			Budget:   budget,
			Classify: classify,
			Secrets:  func() []string { return []string{opts.Key()} },
			Authorize: func(_ context.Context, h http.Header) error {
				key := opts.Key()
				if key == "" {
					return errors.New("there is no API key: set katana.api_key")
				}
				h.Set("Authorization", "Bearer "+key)
				return nil
			},
		}),
	}
}

// Counts gives the running totals of requests.
func (c *Client) Counts() inventory.RequestCount { return c.http.Counts().Report() }

// PerMinute is how many requests a minute may be sent, as far as the answers so
// far have told.
func (c *Client) PerMinute() int { return c.budget.PerMinute() }

// Spare is how many requests could be sent within that time and none of them be
// throttled or wait for longer, beside those that wait already and what others
// on the same key are used to send. Before the first answer it is one, which
// asks.
func (c *Client) Spare(within time.Duration) int { return c.budget.Spare(time.Now(), within) }

// classify has an answer that is no JSON tried again: it was cut, or comes
// from something in between.
func classify(resp *transport.Response) transport.Verdict {
	if resp.Status == http.StatusOK && !json.Valid(resp.Body) {
		return transport.Verdict{Retry: true}
	}
	return transport.Usual(resp)
}

// get reads path; name says in errors what was read. Any status but 200 is an
// error.
func (c *Client) get(ctx context.Context, name, path string, query url.Values) (*transport.Response, error) {
	target := c.url + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	resp, err := c.http.Do(ctx, &transport.Request{
		Name: name, Method: http.MethodGet, URL: target,
		Header: http.Header{"Accept": {"application/json"}},
	})
	if err != nil {
		return nil, err
	}
	c.learnClock(resp.Date)
	if resp.Status != http.StatusOK {
		return nil, c.statusError(name, resp)
	}
	return resp, nil
}

func (c *Client) learnClock(date time.Time) {
	if date.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skew, c.clock = date.Sub(c.now()), true
}

// Ahead is how far Katana's clock is ahead of ours, by its newest answer and to
// the second; 0 before the first.
func (c *Client) Ahead() time.Duration {
	skew, _ := c.serverClock()
	return skew
}

// serverClock is how far Katana's clock is ahead of ours; not known before the
// first answer.
func (c *Client) serverClock() (skew time.Duration, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew, c.clock
}
