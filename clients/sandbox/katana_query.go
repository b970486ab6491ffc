package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// katanaQuery reads the parameters that an endpoint knows. What it does not
// ask for is dropped silently, as Katana's gateway does: a misspelt filter
// gives an unfiltered answer. Values of the wrong type are collected.
type katanaQuery struct {
	values  url.Values
	limit   int
	page    int
	turn    uint64 // which reading of the list this is, see [katanaServer.turn]
	details []katanaDetail
}

// katanaDetail is one entry of a 422's details, in the form of a JSON schema
// validator.
type katanaDetail struct {
	Path    string         `json:"path"`
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Info    map[string]any `json:"info"`
}

const (
	katanaPageDefault = 50
	katanaPageMost    = 250
	katanaIDMost      = 2147483647
)

func newKatanaQuery(values url.Values) *katanaQuery {
	q := &katanaQuery{values: values}
	q.limit = q.whole("limit", katanaPageDefault, katanaPageMost)
	q.page = q.whole("page", 1, katanaIDMost)
	return q
}

func (q *katanaQuery) wrong(name, code, message string, info map[string]any) {
	q.details = append(q.details, katanaDetail{"." + name, code, message, info})
}

func (q *katanaQuery) whole(name string, otherwise, most int) int {
	text := q.values.Get(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		q.wrong(name, "type", "should be integer", map[string]any{"type": "integer"})
	case n < 1:
		q.wrong(name, "minimum", "should be >= 1", map[string]any{"comparison": ">=", "limit": 1})
	case n > most:
		q.wrong(name, "maximum", fmt.Sprintf("should be <= %d", most), map[string]any{"comparison": "<=", "limit": most})
	}
	return n
}

// ids reads a repeated parameter of numbers, in the order given and without
// repetitions; nil means that it is not there.
func (q *katanaQuery) ids(name string) []int64 {
	var ids []int64
	seen := make(map[int64]bool, len(q.values[name]))
	for i, text := range q.values[name] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			q.wrong(fmt.Sprintf("%s[%d]", name, i), "type", "should be integer", map[string]any{"type": "integer"})
			return []int64{}
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

// idSet is what an id filter lets through; nil lets all through.
type idSet map[int64]bool

func (s idSet) has(id int64) bool { return s == nil || s[id] }

// set reads a repeated parameter of numbers.
func (q *katanaQuery) set(name string) idSet {
	ids := q.ids(name)
	if ids == nil {
		return nil
	}
	set := make(idSet, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// one reads a parameter that takes one number, as a filter.
func (q *katanaQuery) one(name string) idSet {
	id, given := q.id(name)
	if !given {
		return nil
	}
	return idSet{id: true}
}

// textFilter is what a text filter lets through; without words all.
type textFilter []string

func (f textFilter) has(text string) bool { return f == nil || slices.Contains(f, text) }

// is reads a parameter that takes one text, as a filter.
func (q *katanaQuery) is(name string) textFilter {
	text, given := q.text(name)
	if !given {
		return nil
	}
	return textFilter{text}
}

// isOneOf reads a parameter that takes one of a few words, as a filter.
func (q *katanaQuery) isOneOf(name string, allowed ...string) textFilter {
	filter := q.is(name)
	if filter != nil && !slices.Contains(allowed, filter[0]) {
		q.wrong(name, "enum", "should be equal to one of the allowed values", map[string]any{"allowedValues": allowed})
	}
	return filter
}

// flagFilter is what a boolean filter lets through; without a value both.
type flagFilter struct{ value, given bool }

func (f flagFilter) has(value bool) bool { return !f.given || f.value == value }

// yes reads a boolean that is false unless it is given.
func (q *katanaQuery) yes(name string) bool { return q.flag(name).value }

// id reads a parameter that takes one number. Of several the gateway makes a
// list, which is not a number.
func (q *katanaQuery) id(name string) (id int64, given bool) {
	texts := q.values[name]
	if len(texts) == 0 {
		return 0, false
	}
	id, err := strconv.ParseInt(texts[0], 10, 64)
	if err != nil || len(texts) > 1 {
		q.wrong(name, "type", "should be integer", map[string]any{"type": "integer"})
	}
	return id, true
}

// text reads a parameter that takes one text.
func (q *katanaQuery) text(name string) (value string, given bool) {
	texts := q.values[name]
	if len(texts) == 0 {
		return "", false
	}
	if len(texts) > 1 {
		q.wrong(name, "type", "should be string", map[string]any{"type": "string"})
	}
	return texts[0], true
}

// flag reads true or false, in any case.
func (q *katanaQuery) flag(name string) flagFilter {
	text, given := q.text(name)
	if !given {
		return flagFilter{}
	}
	switch strings.ToLower(text) {
	case "true":
		return flagFilter{true, true}
	case "false":
		return flagFilter{false, true}
	}
	q.wrong(name, "type", "should be boolean", map[string]any{"type": "boolean"})
	return flagFilter{}
}

// span is what the four date parameters let through; bounds are inclusive.
type span struct{ createdMin, createdMax, updatedMin, updatedMax time.Time }

func (q *katanaQuery) dates() span {
	return span{q.date("created_at_min"), q.date("created_at_max"), q.date("updated_at_min"), q.date("updated_at_max")}
}

func (q *katanaQuery) date(name string) time.Time {
	text, given := q.text(name)
	if !given {
		return time.Time{}
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateOnly} {
		if at, err := time.Parse(form, text); err == nil {
			return at
		}
	}
	q.wrong(name, "format", `should match format "date-time"`, map[string]any{"format": "date-time"})
	return time.Time{}
}

// has compares to the millisecond, as that is all that the answers show of a
// time: a caller must be able to ask again from the time it was given.
func (s span) has(d dated) bool {
	if s == (span{}) {
		return true
	}
	created, updated := d.createdAt.Truncate(time.Millisecond), d.updatedAt.Truncate(time.Millisecond)
	return !created.Before(s.createdMin) && !updated.Before(s.updatedMin) &&
		(s.createdMax.IsZero() || !created.After(s.createdMax)) &&
		(s.updatedMax.IsZero() || !updated.After(s.updatedMax))
}
