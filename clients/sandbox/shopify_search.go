package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// searchNote is what Shopify says about a filter that it has ignored.
type searchNote struct {
	Path     []any           `json:"path"`
	Query    string          `json:"query"`
	Parsed   map[string]any  `json:"parsed"`
	Warnings []searchWarning `json:"warnings"`
}

type searchWarning struct {
	Field   string `json:"field"`
	Message string `json:"message"`
	Code    string `json:"code"`
}

// term is one condition of a search query; all of them must hold.
type term struct {
	field, operator, value string
	when                   time.Time // what the value means as a time; zero if nothing
}

// filter is a search query on things of one kind.
type filter[T any] map[string]func(T, term) bool

// match reads args["query"] and returns what of the list fits it, in the same
// order. Conditions on unknown fields are ignored with a warning, as Shopify
// does: a misspelt filter gives an unfiltered answer.
func match[T any](x *execution, list []T, args map[string]any, by filter[T]) []T {
	text, _ := args["query"].(string)
	terms := searchTerms(text)
	var known []term
	for _, t := range terms {
		if by[t.field] != nil {
			known = append(known, t)
			continue
		}
		x.search = append(x.search, searchNote{
			Path: x.at.path(), Query: text, Parsed: map[string]any{"field": t.field, "match_all": t.value},
			Warnings: []searchWarning{{t.field, "Invalid search field for this query.", "invalid_field"}},
		})
	}
	if len(known) == 0 {
		return list
	}
	var out []T
	for _, one := range list {
		if !slices.ContainsFunc(known, func(t term) bool { return !by[t.field](one, t) }) {
			out = append(out, one)
		}
	}
	return out
}

// searchTerms splits a query such as `updated_at:>='2026-01-01' sku:"A B"`.
func searchTerms(text string) []term {
	var terms []term
	for _, word := range searchWords(text) {
		if word == "AND" {
			continue
		}
		field, value, ok := strings.Cut(word, ":")
		if !ok {
			field, value = "default", word
		}
		t := term{field: field, operator: "="}
		for _, operator := range []string{">=", "<=", ">", "<"} {
			if rest, found := strings.CutPrefix(value, operator); found {
				t.operator, value = operator, rest
				break
			}
		}
		t.value = strings.Trim(value, `"'`)
		t.when = timeOf(t.value)
		terms = append(terms, t)
	}
	return terms
}

func searchWords(text string) []string {
	var quote rune
	return strings.FieldsFunc(text, func(r rune) bool {
		switch {
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case r == quote:
			quote = 0
		case quote == 0:
			return unicode.IsSpace(r)
		}
		return false
	})
}

// number compares an id, given as a number or a GID.
func (t term) number(id int64) bool {
	text := t.value[strings.LastIndex(t.value, "/")+1:]
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && t.compare(id, n)
}

func (t term) compare(a, b int64) bool {
	switch t.operator {
	case ">=":
		return a >= b
	case "<=":
		return a <= b
	case ">":
		return a > b
	case "<":
		return a < b
	}
	return a == b
}

// timeOf reads a time in the forms that filters take.
func timeOf(text string) time.Time {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly} {
		if at, err := time.Parse(form, text); err == nil {
			return at
		}
	}
	return time.Time{}
}

// time compares to the second, which is all that answers show of a time.
func (t term) time(at time.Time) bool {
	return !t.when.IsZero() && t.compare(at.Unix(), t.when.Unix())
}

func (t term) flag(value bool) bool { return strings.EqualFold(t.value, strconv.FormatBool(value)) }

// words matches as Shopify's text search does: in any case, by words, and with
// the beginning of a word before a star. It is no exact match.
func (t term) words(text string) bool {
	have := tokens(text)
	wanted := tokens(t.value)
	for i, word := range wanted {
		prefix := i == len(wanted)-1 && strings.HasSuffix(t.value, "*")
		if !slices.ContainsFunc(have, func(h string) bool { return h == word || prefix && strings.HasPrefix(h, word) }) {
			return false
		}
	}
	return len(wanted) > 0
}

func tokens(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
