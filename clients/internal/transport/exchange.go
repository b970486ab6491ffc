package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"stocksyncd/reconcile/inventory"
)

// ErrTooLarge reports an answer above the size limit.
var ErrTooLarge = errors.New("the answer is larger than allowed")

// exchange is one request with all its tries. It stands below the retries as
// the http.RoundTripper of each try, and above them as their policy.
type exchange struct {
	client  *Client
	request *Request
	origin  *url.URL

	try  int
	last *Response     // the newest answer
	sent bool          // the newest try may have reached the server
	open bool          // a write was sent and no answer told what became of it
	wait time.Duration // before the next try
}

// permanentError marks a failure that another try would only repeat.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

func (x *exchange) build(ctx context.Context) (*retryablehttp.Request, error) {
	var body any // a nil slice in an interface would be sent as an empty body
	if len(x.request.Body) > 0 {
		body = x.request.Body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, x.request.Method, x.request.URL, body)
	if err != nil {
		return nil, err
	}
	for name, values := range x.request.Header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "stocksyncd/"+x.client.opts.Version)
	x.origin = req.URL
	return req, nil
}

// begin is called by the retries before each try.
func (x *exchange) begin(_ retryablehttp.Logger, _ *http.Request, retry int) {
	x.try = retry + 1
	x.last, x.sent = nil, false
	if retry > 0 {
		x.client.count(func(n *Counts) { n.Retries++ })
	}
}

// RoundTrip sends one try, once the budget lets it, and reads the answer whole.
func (x *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := x.acquire(req.Context()); err != nil {
		return nil, permanentError{err}
	}
	resp, err := x.send(req)
	if budget := x.client.opts.Budget; budget != nil {
		budget.Settle(x.request, resp)
	}
	if err != nil {
		return nil, err
	}
	x.last = resp
	return &http.Response{
		Status: http.StatusText(resp.Status), StatusCode: resp.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: resp.Header, Request: req,
		Body: io.NopCloser(bytes.NewReader(resp.Body)), ContentLength: int64(len(resp.Body)),
	}, nil
}

func (x *exchange) acquire(ctx context.Context) error {
	budget := x.client.opts.Budget
	if budget == nil {
		return context.Cause(ctx)
	}
	start := time.Now()
	err := budget.Acquire(ctx, x.request)
	waited := time.Since(start)
	x.client.count(func(n *Counts) { n.Waited += waited })
	return err
}

func (x *exchange) send(req *http.Request) (*Response, error) {
	opts := &x.client.opts
	header := req.Header.Clone() // a redirect must not inherit what is added here
	if opts.Authorize != nil {
		// Outside the time of this try: a renewal is a request of its own.
		if err := opts.Authorize(req.Context(), header); err != nil {
			return nil, permanentError{err}
		}
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil) // the body is read before this function returns
	silence := time.AfterFunc(opts.TryTimeout, func() { cancel(timeoutError(opts.TryTimeout)) })
	defer silence.Stop()
	// Sending is unknown to a caller unless the connection pool tells: it asks
	// for a connection first, and a request that never got one never left.
	var asked, got atomic.Bool
	out := req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { got.Store(true) },
	}))
	out.Header = header
	x.client.count(func(n *Counts) { n.Requests++ })
	answer, err := opts.Base.RoundTrip(out)
	x.sent = err == nil || got.Load() || !asked.Load()
	if err != nil {
		return nil, causeOf(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }() // what counts is whether it was read to its end
	resp := &Response{Request: x.request, Try: x.try, Status: answer.StatusCode, Header: answer.Header}
	if x.request.Into != nil && resp.Status == http.StatusOK {
		err = x.hand(answer.Body, func() { silence.Reset(opts.TryTimeout) })
	} else {
		resp.Body, err = readBody(answer.Body, opts.MaxBody)
	}
	if err != nil {
		return nil, causeOf(ctx, err)
	}
	if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		resp.Date = date
	}
	resp.Wait = retryAfter(answer.Header.Get("Retry-After"), resp.Date)
	return resp, nil
}

// causeOf prefers the reason why the context ended over what the connection
// made of it.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func readBody(body io.Reader, limit int64) ([]byte, error) {
	in := &arriving{body: body, most: limit, heard: func() {}}
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	return data, nil
}

// hand gives the body to the request's own reader, to its end. A connection
// that breaks is another try's to mend; what the reader finds wrong with what
// did arrive would only repeat.
func (x *exchange) hand(body io.Reader, heard func()) error {
	in := &arriving{body: body, most: x.request.Most, heard: heard}
	err := x.request.Into(in)
	if err == nil {
		_, err = io.Copy(io.Discard, in)
	}
	switch {
	case in.err != nil:
		return in.err
	case err != nil:
		return permanentError{err}
	}
	return nil
}

// arriving is a body on its way, within a size limit. It keeps its own error
// apart from what its reader makes of it.
type arriving struct {
	body      io.Reader
	most, got int64
	heard     func() // called for every part
	err       error
}

func (a *arriving) Read(p []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	n, err := a.body.Read(p)
	a.heard()
	a.got += int64(n)
	switch {
	case a.got > a.most:
		a.err = permanentError{fmt.Errorf("%w: above %d bytes", ErrTooLarge, a.most)}
		return 0, a.err
	case err != nil && !errors.Is(err, io.EOF): // a cut body ends in ErrUnexpectedEOF
		a.err = fmt.Errorf("the answer broke off after %d bytes: %w", a.got, err)
		return n, a.err
	}
	return n, err
}

// redirect follows at most 3 redirects, only of plain reads, and never to
// another host or scheme: a token must not be carried there, and a POST would
// arrive as a GET.
func (x *exchange) redirect(req *http.Request, via []*http.Request) error {
	switch {
	case x.request.Signed, x.request.Method != http.MethodGet && x.request.Method != http.MethodHead:
		return http.ErrUseLastResponse
	case req.URL.Host != x.origin.Host || req.URL.Scheme != x.origin.Scheme:
		return permanentError{fmt.Errorf("redirected to another host, %s: check the configured URL", req.URL.Host)}
	case len(via) > 3:
		return permanentError{errors.New("more than 3 redirects")}
	}
	return nil
}

// check decides, for the retries, whether a try is worth another one.
func (x *exchange) check(ctx context.Context, _ *http.Response, err error) (bool, error) {
	x.wait = 0
	if err != nil {
		return x.checkFailure(ctx, err), nil
	}
	resp := x.last
	if !x.request.readOnly() && resp.Status >= 500 {
		x.open = true
	}
	verdict := x.client.opts.Classify(resp)
	if verdict.Throttled {
		x.client.count(func(n *Counts) { n.Throttled++ })
	}
	if !verdict.Retry {
		return false, nil
	}
	x.wait = x.waitAfter(resp, verdict)
	if x.wait > waitCap {
		return false, x.pause(resp)
	}
	// These answers say that the request was refused unheard.
	unheard := verdict.Throttled || resp.Status == http.StatusTooManyRequests || resp.Status == http.StatusUnauthorized
	return (unheard || x.request.repeatable()) && x.inTime(ctx), nil
}

func (x *exchange) checkFailure(ctx context.Context, err error) bool {
	if x.sent && !x.request.readOnly() {
		x.open = true
	}
	var permanent permanentError
	if ctx.Err() != nil || errors.As(err, &permanent) {
		return false
	}
	if x.sent && !x.request.repeatable() {
		return false
	}
	// Knows the failures that would only repeat: certificates, schemes.
	again, policyErr := retryablehttp.ErrorPropagatedRetryPolicy(ctx, nil, err)
	if policyErr != nil || !again {
		return false
	}
	x.wait = x.exponential()
	return x.inTime(ctx)
}

// inTime tells whether the wait ends before the context does; if not, what is
// known already is the better answer.
func (x *exchange) inTime(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > x.wait
}

// backoff is called by the retries once they are sure of another try.
func (x *exchange) backoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration {
	x.client.count(func(n *Counts) { n.Waited += x.wait })
	return x.wait
}

func (x *exchange) pause(resp *Response) error {
	err := fmt.Errorf("HTTP %d: the server asks to be left alone for %s", resp.Status, x.wait.Round(time.Second))
	return &inventory.PauseError{For: x.wait, Err: err}
}
