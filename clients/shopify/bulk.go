package shopify

import (
	"context"
	_ "embed" // for the query
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"stocksyncd/reconcile/inventory"
)

// bulkQuery is what a bulk query asks for.
//
//go:embed bulk.graphql
var bulkQuery string

const (
	// bulkRestarts is how often a bulk query is begun anew that Shopify
	// cancels, as it does with those that stall.
	bulkRestarts = 3
	// bulkQueue is how long to wait for a place among the bulk queries that
	// run at a time, five for each app and store.
	bulkQueue = 2 * time.Minute
	// bulkPatience is how long a look may wait for bulk queries to be
	// completed, though Shopify gives each ten days: pages would have shown
	// 300,000 variants by then.
	bulkPatience = 15 * time.Minute
	// bulkGoodbye is how long a stop may be held up by cancelling one.
	bulkGoodbye = 5 * time.Second

	pollFirst = time.Second
	pollMost  = 15 * time.Second
)

// noBulkError reports that no bulk query can be had now. It says nothing about
// the store's figures, which pages give as well.
type noBulkError struct{ error }

func (e noBulkError) Unwrap() error { return e.error }

var (
	errCanceled = errors.New("canceled by Shopify")
	errExpired  = errors.New("the URL of the result has expired")
)

// readBulk reads all levels by a bulk query that is completed until then. It is
// complete or an error, and a movedError when the store changed meanwhile.
//
// https://shopify.dev/docs/api/usage/bulk-operations/queries
func (c *Client) readBulk(ctx context.Context, until time.Time) (iter.Seq[[]inventory.Level], error) {
	for again := false; ; again = true {
		result, err := c.runBulk(ctx, until)
		if err != nil {
			return nil, err
		}
		items, err := c.fetchBulk(ctx, result)
		if !errors.Is(err, errExpired) || again {
			return items, err
		}
	}
}

// runBulk starts a bulk query and waits until it is completed.
func (c *Client) runBulk(ctx context.Context, until time.Time) (*bulkResult, error) {
	for range 1 + bulkRestarts {
		id, err := c.startBulk(ctx)
		if err != nil {
			return nil, err
		}
		result, err := c.awaitBulk(ctx, id, until)
		if !errors.Is(err, errCanceled) {
			return result, err
		}
	}
	return nil, noBulkError{fmt.Errorf("%s: bulk query: Shopify canceled it %d times in a row", c.api, 1+bulkRestarts)}
}

// small is an operation about bulk queries, which costs a few points. Those
// that are mutations change nothing that is sold, so that they are sent again
// like reads: a bulk query that was started and whose answer was lost runs to
// its end and harms nobody.
func (c *Client) small(name string) *operation {
	return &operation{client: c, name: name, key: costKey{name: name}, guess: 13}
}

// startBulk starts a bulk query, as soon as there is a place for it.
func (c *Client) startBulk(ctx context.Context) (id string, err error) {
	const name = "start a bulk query"
	began := time.Now()
	for {
		o := c.small(name)
		answer, err := runBulk(ctx, o, bulkQuery)
		if err != nil {
			if ctx.Err() != nil {
				return "", err
			}
			return "", noBulkError{err}
		}
		payload := answer.BulkOperationRunQuery
		switch {
		case payload == nil:
			return "", noBulkError{o.missing("bulkOperationRunQuery")}
		case len(payload.UserErrors) > 0:
			problem := payload.UserErrors[0]
			if !isBusy(problem) || time.Since(began) >= bulkQueue {
				return "", noBulkError{o.said("refused: " + c.text(bulkCode(problem)+": "+problem.Message))}
			}
		case payload.BulkOperation == nil || payload.BulkOperation.Id == "":
			return "", noBulkError{o.missing("bulkOperation.id")}
		default:
			return payload.BulkOperation.Id, nil
		}
		if err := c.wait(ctx, name, time.Since(began)); err != nil {
			return "", err
		}
	}
}

// isBusy tells whether others take all the places.
func isBusy(problem bulkError) bool {
	code := bulkCode(problem)
	return code == string(BulkOperationUserErrorCodeOperationInProgress) || code == string(BulkOperationUserErrorCodeLimitReached)
}

func bulkCode(problem bulkError) string {
	if problem.Code == nil {
		return "no code"
	}
	return string(*problem.Code)
}

// wait waits before the next question about something that has taken a while:
// half as long again, so that a long one costs few questions and a short one is
// not found late.
func (c *Client) wait(ctx context.Context, name string, took time.Duration) error {
	timer := time.NewTimer(min(max(took/2, pollFirst), pollMost))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: %s: %w", c.api, name, context.Cause(ctx))
	}
}

// awaitBulk waits for the end of a bulk query. One that is left before its end
// is canceled, so that it takes no place from the next.
func (c *Client) awaitBulk(ctx context.Context, id string, until time.Time) (*bulkResult, error) {
	const name = "bulk query"
	over := false
	defer func() {
		if !over {
			c.cancelBulk(ctx, id)
		}
	}()
	for began := time.Now(); time.Now().Before(until); {
		if err := c.wait(ctx, name, time.Since(began)); err != nil {
			return nil, err
		}
		o := c.small(name)
		answer, err := pollBulk(ctx, o, id)
		switch {
		case err != nil:
			return nil, err
		case answer.BulkOperation == nil:
			return nil, o.incomplete("Shopify does not know it any more")
		}
		if over, err = o.isOver(answer.BulkOperation); err != nil {
			return nil, err
		}
		if over {
			return o.result(answer.BulkOperation)
		}
	}
	return nil, noBulkError{fmt.Errorf("%s: %s: none was completed within %s: raise sync.bulk_above if this goes on", c.api, name, bulkPatience)}
}

// isOver tells whether a bulk query has come to its end. Any end but its
// completion is an error.
func (o *operation) isOver(state *bulkState) (bool, error) {
	switch state.Status {
	case BulkOperationStatusCreated, BulkOperationStatusRunning, BulkOperationStatusCanceling:
		return false, nil
	case BulkOperationStatusCompleted:
		return true, nil
	case BulkOperationStatusCanceled:
		return true, fmt.Errorf("%w: %w", o.said("it is CANCELED"), errCanceled)
	case BulkOperationStatusFailed:
		return true, o.failed(state)
	case BulkOperationStatusExpired:
		return true, o.incomplete("it is EXPIRED: its result is no longer there")
	default:
		return false, o.incomplete(fmt.Sprintf("its status is %q, which this version does not know", o.client.text(string(state.Status))))
	}
}

// failed reports a bulk query that failed. What it has read by then is partial
// data, in which a variant that is missing would look like one that is gone.
func (o *operation) failed(state *bulkState) error {
	code := "no error code"
	if state.ErrorCode != nil {
		code = o.client.text(string(*state.ErrorCode))
	}
	err := o.incomplete("it is FAILED: " + code + "; its partial data is left alone")
	if code == string(BulkOperationErrorCodeAccessDenied) {
		return &inventory.PauseError{For: pauseAccess, Err: err, Next: "grant the app the scopes read_products, read_inventory and read_locations, and approve them in the store"}
	}
	return err
}

// cancelBulk lets go of a bulk query that nobody waits for any more, even when
// that is because ctx has ended.
func (c *Client) cancelBulk(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bulkGoodbye)
	defer cancel()
	o := c.small("cancel a bulk query")
	answer, err := cancelBulk(ctx, o, id)
	if err == nil && answer.BulkOperationCancel != nil && len(answer.BulkOperationCancel.UserErrors) > 0 {
		err = o.said("refused: " + c.text(answer.BulkOperationCancel.UserErrors[0].Message))
	}
	if err != nil {
		c.log.Debug("a bulk query could not be canceled, it runs to its end", "store", c.store, "err", err)
	}
}

// result reads what a completed bulk query has left.
func (o *operation) result(state *bulkState) (*bulkResult, error) {
	objects, err := strconv.ParseInt(state.ObjectCount.String(), 10, 64)
	switch {
	case err != nil || objects < 0:
		return nil, o.missing("objectCount")
	case state.PartialDataUrl != nil:
		return nil, o.incomplete("it has left partial data, which is left alone")
	case state.Url == nil && objects > 0:
		return nil, o.incomplete(fmt.Sprintf("it has found %d objects and left no result", objects))
	}
	result := &bulkResult{o: o, objects: objects, most: bulkMost}
	if state.Url == nil {
		return result, nil
	}
	if !o.client.mayFetch(*state.Url) {
		return nil, noBulkError{o.said("its result is not at an https address of " + strings.Join(o.client.resultHosts, " or ") + ", and is left alone")}
	}
	result.url = *state.Url
	if state.FileSize != nil {
		if size, err := strconv.ParseInt(state.FileSize.String(), 10, 64); err == nil && size >= 0 {
			result.most = min(bulkMost-bulkSlack, size) + bulkSlack
		}
	}
	return result, nil
}
