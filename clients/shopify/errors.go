package shopify

import (
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"stocksyncd/clients/internal/transport"
	"stocksyncd/reconcile/inventory"
)

// How long a store is left alone when asking again soon would not mend it.
// Only a person can; a new token or scope comes with a reload or is found
// after that time.
const (
	pauseAccess   = 15 * time.Minute // token, scope, address
	pauseFrozen   = time.Hour        // unpaid
	pauseLocked   = 6 * time.Hour    // locked for abuse or fraud
	pauseRejected = time.Hour        // by Shopify's protection
	pauseThrottle = time.Minute      // the retries were not enough
)

// silentTimes is how many times as long as it took to find out that a store
// does not answer it is left alone.
const silentTimes = 3

// tooCostlyError reports a query that the store finds too large; a smaller
// page may not be.
type tooCostlyError struct{ error }

func (e tooCostlyError) Unwrap() error { return e.error }

// deniedError reports a query that asks for more than the token may read.
type deniedError struct{ error }

func (e deniedError) Unwrap() error { return e.error }

// pauses says, for a status, how long to leave the store alone and what a
// person can do.
//
// https://shopify.dev/docs/api/usage/response-codes
var pauses = map[int]struct {
	time time.Duration
	next string
}{
	http.StatusUnauthorized:    {pauseAccess, "the token is missing, wrong or expired, or the app was removed: check access_token, or client_id and client_secret, and that the app is installed in the store"},
	http.StatusPaymentRequired: {pauseFrozen, "the shop is frozen, usually for an unpaid bill: settle it in the Shopify admin"},
	http.StatusForbidden:       {pauseAccess, "access is refused: check that the app is installed and has the scopes read_products, read_inventory, write_inventory and read_locations"},
	http.StatusNotFound:        {pauseAccess, "there is no such shop or API: check shop, url and api_version"},
	http.StatusLocked:          {pauseLocked, "Shopify has locked the shop, for over-use or on suspicion of fraud: ask Shopify's support"},
	http.StatusTooManyRequests: {pauseThrottle, "the store is over its limits; nothing is to be done unless this goes on"},
	430:                        {pauseRejected, "Shopify's protection turned the request away: check what else is sent from this address, and ask Shopify's support if it goes on"},
}

// statusError turns an answer that is not 200 into an error.
func (o *operation) statusError(resp *transport.Response) error {
	said := o.client.said(resp)
	switch {
	case resp.Status == http.StatusBadRequest:
		said += ": Shopify finds the request malformed, which is a bug of stocksyncd; please report it"
	case resp.Status >= 300 && resp.Status < 400:
		return &inventory.PauseError{
			For: pauseAccess, Err: o.said(fmt.Sprintf("HTTP %d", resp.Status)),
			Next: "the address leads elsewhere: check shop and url",
		}
	}
	err := o.said(fmt.Sprintf("HTTP %d: %s", resp.Status, said))
	pause, ok := pauses[resp.Status]
	if !ok {
		return err
	}
	return &inventory.PauseError{For: max(pause.time, resp.Wait), Err: err, Next: pause.next}
}

// said is what the body of a refusal says.
func (c *Client) said(resp *transport.Response) string {
	answer, err := parseEnvelope(resp.Body)
	if err != nil || len(answer.errors) == 0 {
		if len(resp.Body) == 0 {
			return http.StatusText(resp.Status)
		}
		return c.http.Excerpt(resp.Body)
	}
	return c.text(answer.errors[0].Message)
}

// requestID is the id by which Shopify finds a request, as errors carry it.
func requestID(redact func(string) string, resp *transport.Response) string {
	id := oneLine(redact(resp.Header.Get("X-Request-Id")))
	if id == "" {
		return ""
	}
	return " (X-Request-Id " + id + ")"
}

// text makes words of the store fit for an error.
func (c *Client) text(words string) string { return oneLine(c.http.Redact(words)) }

// oneLine keeps hostile or long words from spoiling a log.
func oneLine(words string) string {
	const most = 300
	words = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(words, " "))
	words = strings.Join(strings.Fields(words), " ")
	if len(words) > most {
		words = strings.ToValidUTF8(words[:most], "") + "…"
	}
	return words
}

// queryError turns top-level errors into one error.
func (o *operation) queryError(answer *envelope) error {
	c := o.client
	var words []string
	for _, problem := range answer.errors {
		words = append(words, c.words(problem))
	}
	err := o.said(strings.Join(words[:min(len(words), 3)], "; "))
	switch {
	case answer.has(codeTooCostly), answer.has(codeThrottled) && answer.beyondBucket():
		return tooCostlyError{err}
	case answer.has(codeAccessDenied):
		return &inventory.PauseError{For: pauseAccess, Err: deniedError{err}, Next: "grant the app what is named, and approve it in the store"}
	case answer.has(codeShopInactive):
		return &inventory.PauseError{For: pauseFrozen, Err: err, Next: pauses[http.StatusPaymentRequired].next}
	case answer.has(codeThrottled):
		return &inventory.PauseError{For: pauseThrottle, Err: err, Next: pauses[http.StatusTooManyRequests].next}
	case answer.has(codeInternal):
		return err
	}
	return fmt.Errorf("%w: the request does not fit the API version that answered, %s: look for a newer stocksyncd",
		err, c.ServedVersion())
}

func (c *Client) words(problem queryProblem) string {
	words := c.text(problem.Message)
	if problem.Code != "" {
		words = c.text(problem.Code) + ": " + words
	}
	if problem.Access != "" {
		words += " Needed: " + c.text(problem.Access)
	}
	if len(problem.Path) > 0 {
		var path []string
		for _, part := range problem.Path {
			path = append(path, fmt.Sprint(part))
		}
		words += " At " + c.text(strings.Join(path, ".")) + "."
	}
	return words
}
