package katana

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"stocksyncd/clients/internal/transport"
	"stocksyncd/reconcile/inventory"
)

// lengthError is a refusal that a shorter request may not meet.
type lengthError struct{ error }

func (e lengthError) Unwrap() error { return e.error }

func isTooLong(err error) bool {
	var refused lengthError
	return errors.As(err, &refused)
}

// closedError is a refusal that is about one endpoint and will stand: the key
// may not read it, or there is none.
type closedError struct{ error }

func (e closedError) Unwrap() error { return e.error }

func isClosed(err error) bool {
	var closed closedError
	return errors.As(err, &closed)
}

// keyPause is how long an account is left alone that refused our key: only a
// person can mend it, and a new key comes with a reload.
const keyPause = 15 * time.Minute

// apiError is the body of a refusal. Some endpoints wrap it once more as
// {"error":{…}}.
type apiError struct {
	Name    string          `json:"name"`
	Message string          `json:"message"`
	Code    string          `json:"code"`
	Details []apiDetail     `json:"details"`
	Wrapped json.RawMessage `json:"error"`
}

type apiDetail struct {
	Path    string `json:"path"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func parseError(body []byte) (parsed apiError, ok bool) {
	if json.Unmarshal(body, &parsed) != nil {
		return apiError{}, false
	}
	if len(parsed.Wrapped) > 0 && parsed.Message == "" {
		inner := apiError{}
		if json.Unmarshal(parsed.Wrapped, &inner) == nil {
			parsed = inner
		}
	}
	return parsed, parsed.Name != "" || parsed.Message != ""
}

// tooLong tells whether fewer ids could please the server.
func tooLong(status int, parsed apiError) bool {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge,
		http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
		return true
	case http.StatusUnprocessableEntity:
		for _, detail := range parsed.Details {
			if (strings.Contains(detail.Path, "variant_id") || strings.Contains(detail.Path, ".ids")) && detail.Code == "maxItems" {
				return true
			}
		}
	}
	return false
}

// statusError turns an answer that is not 200 into an error that says what
// Katana said.
func (c *Client) statusError(name string, resp *transport.Response) error {
	parsed, ok := parseError(resp.Body)
	said := "not Katana's form of an error: " + c.http.Excerpt(resp.Body)
	if ok {
		said = c.http.Redact(parsed.text())
	}
	err := fmt.Errorf("katana: %s: HTTP %d: %s", name, resp.Status, said)
	switch resp.Status {
	case http.StatusForbidden, http.StatusNotFound, http.StatusNotImplemented:
		err = closedError{err}
	}
	switch {
	case resp.Status == http.StatusUnauthorized:
		return &inventory.PauseError{For: keyPause, Err: err, Next: "the key is missing, wrong or retired: check katana.api_key, and make a new key in Katana under Settings, API"}
	case resp.Status == http.StatusForbidden:
		return &inventory.PauseError{For: keyPause, Err: err, Next: "check in Katana that the plan of the account includes the API and that the key may read"}
	case tooLong(resp.Status, parsed):
		return lengthError{err}
	}
	return err
}

func (e apiError) text() string {
	words := []string{}
	for _, word := range []string{e.Code, e.Name, e.Message} {
		if word != "" {
			words = append(words, word)
		}
	}
	for _, detail := range e.Details {
		words = append(words, strings.TrimSpace(fmt.Sprintf("%s %s (%s)", detail.Path, detail.Message, detail.Code)))
	}
	const most = 500
	text := strings.Join(words, ": ")
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
