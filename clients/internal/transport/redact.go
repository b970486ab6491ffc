package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"stocksyncd/reconcile/inventory"
)

const redacted = "[redacted]"

var (
	// A signed URL is a key to what it points at: the part after ? goes.
	urlQuery = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*:(?:\\?/){2}[^\s"'<>?]*)\?[^\s"'<>]*`)
	urlUser  = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*:(?:\\?/){2})[^\s"'<>/?@]*@`)
	// Tokens by their look, for those that are not ours to know beforehand,
	// such as one that an answer has just granted.
	tokens = regexp.MustCompile(`\bshp[a-z]{2}_[A-Za-z0-9_-]+|(?i:\bbearer)\s+[A-Za-z0-9._~+/=-]{6,}`)
)

// Redact takes out of text what must not be shown: the secrets of this client,
// plain or escaped, query strings and user names of URLs, and what looks like
// a token.
func (c *Client) Redact(text string) string {
	if c.opts.Secrets != nil {
		for _, secret := range c.opts.Secrets() {
			if secret == "" {
				continue
			}
			for _, form := range []string{secret, url.QueryEscape(secret), jsonEscape(secret)} {
				text = strings.ReplaceAll(text, form, redacted)
			}
		}
	}
	text = urlQuery.ReplaceAllString(text, "$1?"+redacted)
	text = urlUser.ReplaceAllString(text, "$1"+redacted+"@")
	return tokens.ReplaceAllString(text, redacted)
}

func jsonEscape(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		return s
	}
	return string(quoted[1 : len(quoted)-1])
}

// Excerpt quotes the beginning of an answer for an error, redacted and on one
// line.
func (c *Client) Excerpt(body []byte) string {
	const show = 120
	// Redacted before it is cut, so that no half of a secret is left.
	text := c.Redact(string(body))
	if len(text) > show {
		return strconv.QuoteToASCII(strings.ToValidUTF8(text[:show], "")) + "…"
	}
	return strconv.QuoteToASCII(text)
}

// hidden is an error whose text was redacted. It has no Unwrap, so that nobody
// prints what is below; errors.Is and errors.As still see it.
type hidden struct {
	text string
	err  error
}

func (e *hidden) Error() string        { return e.text }
func (e *hidden) Is(target error) bool { return errors.Is(e.err, target) }
func (e *hidden) As(target any) bool   { return errors.As(e.err, target) }

// failure gives an error its final form: API, request, method and path, tries,
// cause.
func (x *exchange) failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	err = withoutURL(err)
	var pause *inventory.PauseError
	isPause := errors.As(err, &pause)
	if isPause {
		err = pause.Err
	}
	if x.open {
		err = fmt.Errorf("%w: %w", err, inventory.ErrAnswerLost)
	}
	tries := ""
	if x.try > 1 {
		tries = fmt.Sprintf(" (try %d)", x.try)
	}
	text := fmt.Sprintf("%s: %s: %s %s%s: %s", x.client.opts.API, x.request.Name, x.request.Method, x.path(), tries, x.unsigned(err.Error()))
	err = &hidden{x.client.Redact(text), err}
	if isPause {
		return &inventory.PauseError{For: pause.For, Next: pause.Next, Err: err}
	}
	return err
}

func (x *exchange) path() string {
	switch {
	case x.origin == nil:
		return "(unreadable URL)"
	case x.request.Signed:
		return "(signed URL)"
	}
	return x.origin.Path
}

// unsigned takes a signed URL out of text: whole, and each of its parts that
// is long enough to be worth hiding.
func (x *exchange) unsigned(text string) string {
	if !x.request.Signed || x.origin == nil {
		return text
	}
	const worth = 6
	parts := []string{x.request.URL, x.origin.RequestURI(), x.origin.RawQuery, x.origin.EscapedPath(), x.origin.Path}
	for _, values := range x.origin.Query() {
		for _, value := range values {
			parts = append(parts, value, url.QueryEscape(value))
		}
	}
	for _, part := range parts {
		if len(part) >= worth {
			text = strings.ReplaceAll(text, part, redacted)
		}
	}
	return text
}

// withoutURL takes off every [url.Error], whose text holds the whole URL.
func withoutURL(err error) error {
	for {
		var outer *url.Error
		if !errors.As(err, &outer) {
			return err
		}
		err = outer.Err
	}
}
