package desired

import (
	"path"
	"strings"
	"unicode/utf8"
)

// Match tells whether a text matches a glob: * stands for any characters, ? for
// one, [ab] for either, as [path.Match] has it. A slash is a character like any
// other, since SKUs have them. A pattern that is none matches nothing.
func Match(pattern, text string) bool {
	g, s := globOf(pattern), subjectOf(text)
	return g.match(s)
}

// glob is a pattern made ready for many texts.
type glob struct {
	pattern string // see plain
	form    form
	// head is what every text begins with that matches, and tail what ends it when
	// there is but a star between them.
	head, tail string
}

// form says how much of the matching is done by comparing strings.
type form uint8

const (
	general   form = iota // nothing but the head
	literal               // all: the head is the pattern
	starred               // all: a head, a star and a tail
	malformed             // all: nothing matches
)

func globOf(pattern string) glob {
	g := glob{pattern: plain.Replace(pattern)}
	if utf8.ValidString(pattern) { // a byte that is no character matches nothing, not even itself
		g.simplify()
	}
	if g.form == general {
		if _, err := path.Match(g.pattern, ""); err != nil {
			g.form = malformed
		}
	}
	return g
}

func (g *glob) simplify() {
	end := special(g.pattern)
	g.head = g.pattern[:end]
	if end == len(g.pattern) {
		g.form = literal
		return
	}
	if tail := strings.TrimLeft(g.pattern[end:], "*"); g.pattern[end] == '*' && special(tail) == len(tail) {
		g.form, g.tail = starred, tail
	}
}

// special finds the first character that does not stand for itself, else the end.
func special(pattern string) int {
	for i := range len(pattern) {
		switch pattern[i] {
		case '*', '?', '[', '\\':
			return i
		}
	}
	return len(pattern)
}

// subject is a text made ready for many globs.
type subject struct {
	text  string // see plain
	valid bool   // UTF-8
}

func subjectOf(text string) subject { return subject{plain.Replace(text), utf8.ValidString(text)} }

// plain takes the meaning from a slash that [path.Match] gives it.
var plain = strings.NewReplacer("/", "\x00")

// match spares most texts the way over the characters.
func (g *glob) match(s subject) bool {
	if g.form == malformed {
		return false
	}
	if !s.valid {
		return matchWhole(g.pattern, s.text)
	}
	text, ok := strings.CutPrefix(s.text, g.head)
	switch {
	case !ok:
		return false
	case g.form == literal:
		return text == ""
	case g.form == starred:
		return strings.HasSuffix(text, g.tail)
	}
	return matchWhole(g.pattern[len(g.head):], text)
}

// matchWhole matches a well-formed pattern character by character. To path.Match
// a star stands for any bytes, so that the second half of an é is one character
// more for a ?.
func matchWhole(pattern, text string) bool {
	star := false
	var after, from string // what follows the last star, and the text that is left for it
	for text != "" {
		if rest, ok := strings.CutPrefix(pattern, "*"); ok {
			pattern, star, after, from = rest, true, rest, text
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		if rest, ok := matchOne(pattern, r); ok {
			pattern, text = rest, text[size:]
			continue
		}
		if !star {
			return false
		}
		_, size = utf8.DecodeRuneInString(from)
		from = from[size:]
		pattern, text = after, from
	}
	return strings.Trim(pattern, "*") == ""
}

// matchOne tells whether a character is one that the pattern, which begins with
// no star, begins with, and gives what follows in the pattern.
func matchOne(pattern string, r rune) (rest string, ok bool) {
	switch {
	case pattern == "":
		return "", false
	case pattern[0] == '?':
		return pattern[1:], true
	case pattern[0] != '[':
		one, rest := character(pattern)
		return rest, one == r
	}
	rest, not := strings.CutPrefix(pattern[1:], "^")
	for rest[0] != ']' {
		var first, last rune
		first, rest = character(rest)
		last = first
		if to, ranging := strings.CutPrefix(rest, "-"); ranging {
			last, rest = character(to)
		}
		ok = ok || first <= r && r <= last
	}
	return rest[1:], ok != not
}

// character reads one character, behind a backslash or not; −1, which is in no
// text, stands for a byte that is none.
func character(pattern string) (r rune, rest string) {
	pattern = strings.TrimPrefix(pattern, `\`)
	r, size := utf8.DecodeRuneInString(pattern)
	if r == utf8.RuneError && size == 1 {
		r = -1
	}
	return r, pattern[size:]
}
