package katana

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"stocksyncd/reconcile/inventory"
)

// token is the raw JSON of one field: nil when the field is absent, "null"
// when it is null. Katana sends the same field as text here and as a number
// there, so the wire structs keep what came and [fields] reads it.
type token []byte

// UnmarshalJSON keeps data as it is.
func (t *token) UnmarshalJSON(data []byte) error {
	*t = append((*t)[:0], data...)
	return nil
}

// empty is true for a field that is absent or null.
func (t token) empty() bool { return len(t) == 0 || string(t) == "null" }

// plain is the text of a string, and of anything else its JSON.
func (t token) plain() (string, error) {
	if t[0] != '"' {
		return string(t), nil
	}
	if plain := t[1 : len(t)-1]; bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
		return string(plain), nil
	}
	var text string
	err := json.Unmarshal(t, &text)
	return text, err
}

// fields reads the fields of one object and keeps the first thing that is
// wrong with them, so that the callers need not check each.
type fields struct{ err error }

var (
	errMissing   = errors.New("is missing")
	errBelowZero = errors.New("is below zero")
)

func (f *fields) fail(name string, err error) {
	if f.err == nil {
		f.err = fmt.Errorf("%s %w", name, err)
	}
}

func (f *fields) wrong(name, want string, t token) {
	const most = 40
	text := string(t)
	if len(text) > most {
		text = text[:most] + "…"
	}
	f.fail(name, fmt.Errorf("is not %s: %s", want, strconv.QuoteToASCII(text)))
}

// need reports a field that is absent or null.
func (f *fields) need(name string, t token) bool {
	switch {
	case len(t) == 0:
		f.fail(name, errMissing)
	case t.empty():
		f.fail(name, errors.New("is null"))
	}
	return !t.empty()
}

// id reads the number of an object, which must be there.
func (f *fields) id(name string, t token) int64 {
	if !f.need(name, t) {
		return 0
	}
	return f.idOrZero(name, t)
}

// idOrZero reads the number of an object, or zero for none.
func (f *fields) idOrZero(name string, t token) int64 {
	if t.empty() {
		return 0
	}
	text, err := t.plain()
	n, numErr := strconv.ParseInt(text, 10, 64)
	if err != nil || numErr != nil || n <= 0 {
		f.wrong(name, "an id", t)
		return 0
	}
	return n
}

// quantity reads an exact decimal, which must be there.
func (f *fields) quantity(name string, t token) inventory.Quantity {
	if !f.need(name, t) {
		return 0
	}
	return f.quantityOrZero(name, t)
}

// quantityOrZero reads an exact decimal, or zero for none. A number with an
// exponent is refused like any other that is not a plain decimal.
func (f *fields) quantityOrZero(name string, t token) inventory.Quantity {
	return f.quantityOrLarge(name, t, nil)
}

// quantityOrLarge reads as quantityOrZero does, but takes a decimal that is too
// large for no mistake: it sets large.
func (f *fields) quantityOrLarge(name string, t token, large *bool) inventory.Quantity {
	if t.empty() {
		return 0
	}
	text, err := t.plain()
	if err != nil {
		f.wrong(name, "a quantity", t)
		return 0
	}
	q, err := inventory.ParseQuantity(text)
	switch {
	case err == nil:
	case large != nil && errors.Is(err, inventory.ErrTooLarge):
		*large = true
	default:
		f.fail(name, fmt.Errorf("is %w", err))
	}
	return q
}

// text reads a string, or "" for none.
func (f *fields) text(name string, t token) string {
	if t.empty() {
		return ""
	}
	text, err := t.plain()
	if err != nil || t[0] == '{' || t[0] == '[' {
		f.wrong(name, "text", t)
		return ""
	}
	return text
}

// time reads a timestamp, which must be there.
func (f *fields) time(name string, t token) time.Time {
	if !f.need(name, t) {
		return time.Time{}
	}
	text, err := t.plain()
	at, timeErr := time.Parse(time.RFC3339, text)
	if err != nil || timeErr != nil {
		f.wrong(name, "a time", t)
		return time.Time{}
	}
	return at.UTC()
}

// flag reads a boolean, which must be there; null is false.
func (f *fields) flag(name string, t token) bool {
	switch strings.ToLower(strings.Trim(string(t), `"`)) {
	case "true":
		return true
	case "false", "null":
		return false
	case "":
		f.fail(name, errMissing)
	default:
		f.wrong(name, "true or false", t)
	}
	return false
}
