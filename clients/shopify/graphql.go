package shopify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Khan/genqlient/graphql"

	"stocksyncd/clients/internal/transport"
	"stocksyncd/reconcile/inventory"
)

// operation is one GraphQL request on its way, with all its tries. It is the
// [graphql.Client] that the generated functions are called with.
type operation struct {
	client *Client
	name   string // for errors: "set quantities"
	write  bool
	key    costKey
	guess  float64 // cost, until the store has told

	token   string // of the newest try
	renewed bool   // the token was refused, and renewed
	answer  envelope
	broken  error     // why the newest answer is no GraphQL answer
	id      string    // Shopify's of the newest answer, for errors
	date    time.Time // of the answer, by the store's clock; zero when it does not say
	doubt   bool      // an earlier try or answer left open whether the write was applied
}

// read is an operation whose cost does not depend on its arguments.
func (c *Client) read(name string) *operation { return c.readSized(name, 0, 0) }

func (c *Client) readSized(name string, first, levels int) *operation {
	return &operation{client: c, name: name, key: costKey{name, first, levels}, guess: queryMost}
}

// writeSized is a mutation with a number of lines. Whether its price grows
// with them is not documented; the guess is 10 for a mutation, one for each
// object that it gives back.
func (c *Client) writeSized(name string, lines int) *operation {
	return &operation{
		client: c, name: name, write: true,
		key: costKey{name, sizeClass(lines), 0}, guess: float64(13 + lines),
	}
}

// sizeClass rounds a number of ids or lines up to a power of two, so that few
// costs need to be learned.
func sizeClass(n int) int {
	class := 1
	for class < n {
		class *= 2
	}
	return class
}

// MakeRequest sends one generated request. Any error in the answer is an
// error, whatever data came with it.
func (o *operation) MakeRequest(ctx context.Context, req *graphql.Request, resp *graphql.Response) error {
	c := o.client
	body, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", c.api, o.name, err)
	}
	r := &transport.Request{
		Name: o.name, Method: http.MethodPost, URL: c.endpoint, Body: body,
		Header:   http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		ReadOnly: !o.write, Repeatable: o.write, Cost: c.bucket.expect(o.key, o.guess),
	}
	c.mu.Lock()
	c.calls[r] = o
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.calls, r)
		c.mu.Unlock()
	}()
	began := time.Now()
	answer, err := c.http.Do(context.WithValue(ctx, operationKey{}, o), r)
	if err != nil {
		return o.open(o.silent(ctx, err, time.Since(began)))
	}
	o.date = answer.Date
	o.doubt = o.doubt || answer.MaybeApplied
	return o.open(o.decode(answer, resp.Data))
}

// operationKey finds the operation in the context of a try.
type operationKey struct{}

func (c *Client) operation(r *transport.Request) *operation {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[r]
}

// silent asks for a pause where a read got no answer in all the time that it
// had: a cycle waits for its slowest store, so a store that hangs must not hold
// up the others in every one. The longer it took to find out, the longer the
// pause: a connection that is cut for a minute is tried again soon.
func (o *operation) silent(ctx context.Context, err error, took time.Duration) error {
	var slow interface{ Timeout() bool }
	if o.write || ctx.Err() != nil || !errors.As(err, &slow) || !slow.Timeout() {
		return err
	}
	return &inventory.PauseError{For: silentTimes * took, Err: err, Next: "the store does not answer in time: look at the network, and at Shopify's status page"}
}

// open adds to the error of a write that nobody knows whether it was applied,
// where that is so.
func (o *operation) open(err error) error {
	if err == nil || !o.write || !o.doubt || errors.Is(err, inventory.ErrAnswerLost) {
		return err
	}
	return fmt.Errorf("%w: %w", err, inventory.ErrAnswerLost)
}

// said is an error about the answer. It names the id by which Shopify finds
// the request.
func (o *operation) said(words string) error {
	return fmt.Errorf("%s: %s: %s%s", o.client.api, o.name, words, o.id)
}

// missing reports a field that the schema promises and the answer lacks.
func (o *operation) missing(field string) error { return o.said("the answer has no " + field) }

func (o *operation) incomplete(why string) error {
	return fmt.Errorf("%w: %w", o.said(why), inventory.ErrIncomplete)
}

func (o *operation) decode(answer *transport.Response, data any) error {
	switch {
	case answer.Status != http.StatusOK:
		return o.statusError(answer)
	case o.broken != nil:
		return o.said(o.broken.Error())
	case len(o.answer.errors) > 0:
		return o.queryError(&o.answer)
	}
	if err := json.Unmarshal(o.answer.Data, data); err != nil {
		o.doubt = true
		return o.said("unexpected data: " + o.client.text(err.Error()))
	}
	return nil
}

// authorize sets the token of one try.
func (c *Client) authorize(ctx context.Context, h http.Header) error {
	token, err := c.tokens.get(ctx)
	if err != nil {
		return err
	}
	if o, ok := ctx.Value(operationKey{}).(*operation); ok {
		o.token = token
	}
	h.Set("X-Shopify-Access-Token", token)
	return nil
}

// classify decides whether an answer is worth another try. What it decides on
// was read by [budget.Settle] before.
func (c *Client) classify(resp *transport.Response) transport.Verdict {
	o := c.operation(resp.Request)
	switch resp.Status {
	case http.StatusOK:
		return o.verdict(resp.Try)
	case http.StatusUnauthorized:
		again := !o.renewed && c.tokens.refused(o.token)
		o.renewed = true
		return transport.Verdict{Retry: again, Wait: time.Millisecond}
	case http.StatusTooManyRequests:
		if resp.Wait == 0 {
			return transport.Verdict{Retry: true, Throttled: true, Wait: blindWait(resp.Try)}
		}
	}
	return transport.Usual(resp)
}

// verdict looks into the body: Shopify answers 200 to nearly everything.
func (o *operation) verdict(try int) transport.Verdict {
	switch {
	case o.broken != nil || o.answer.has(codeInternal):
		o.doubt = true
		return transport.Verdict{Retry: true}
	case o.answer.has(codeThrottled):
		if o.answer.beyondBucket() {
			return transport.Verdict{}
		}
		return transport.Verdict{Retry: true, Throttled: true, Wait: o.answer.throttledFor(try)}
	case !o.write && o.answer.has(codeAccessDenied):
		// A token that was granted for a day may be older than a scope.
		again := !o.renewed && o.client.tokens.refused(o.token)
		o.renewed = true
		return transport.Verdict{Retry: again, Wait: time.Millisecond}
	case o.write && o.answer.inProgress():
		// The try that is still under way is our own.
		o.doubt = true
		return transport.Verdict{Retry: true, Wait: blindWait(try)}
	case o.write && o.answer.reached():
		o.doubt = true
	}
	return transport.Verdict{}
}

// blindWait is how long to wait after a refusal that names no time: a second,
// as Shopify advises, and longer when that was not enough.
func blindWait(try int) time.Duration { return time.Second << min(max(try-1, 0), 4) }
