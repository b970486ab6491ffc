package desired

import (
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// Match tells whether a text matches a glob: * stands for any characters, ? for
// one, [ab] for either, as [path.Match] has it. A slash is a character like any
// other, since SKUs have them. A pattern that is none matches nothing.
func Match(pattern, text string) bool {
	g, s := globOf(pattern), subjectOf(text)
	return g.match(&s)
}

// glob is a pattern made ready for many texts.
type glob struct {
	pattern string // see plain
	form    form
	// head is what every text begins with that matches, and tail what ends it when
	// there is but a star between them.
	head, tail string
	parts      []part // cut when they are first asked for
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
	if _, err := path.Match(g.pattern, ""); err != nil {
		g.form = malformed
		return g
	}
	if !utf8.ValidString(pattern) {
		return g // a byte that is no character matches nothing, not even itself
	}
	const special = `*?[\`
	end := strings.IndexAny(g.pattern, special)
	if end < 0 {
		g.form, g.head = literal, g.pattern
		return g
	}
	g.head = g.pattern[:end]
	if tail := strings.TrimLeft(g.pattern[end:], "*"); g.pattern[end] == '*' && !strings.ContainsAny(tail, special) {
		g.form, g.tail = starred, tail
	}
	return g
}

// subject is a text made ready for many globs.
type subject struct {
	text  string // see plain
	valid bool   // UTF-8
	runes []rune // cut when they are first asked for
}

func subjectOf(text string) subject {
	return subject{text: plain.Replace(text), valid: utf8.ValidString(text)}
}

// plain takes the meaning from a slash that [path.Match] gives it.
var plain = strings.NewReplacer("/", "\x00")

// match spares most texts the way over the characters.
func (g *glob) match(s *subject) bool {
	switch {
	case g.form == malformed:
		return false
	case !s.valid:
	case !strings.HasPrefix(s.text, g.head):
		return false
	case g.form == literal:
		return len(s.text) == len(g.head)
	case g.form == starred:
		return strings.HasSuffix(s.text[len(g.head):], g.tail)
	}
	return g.matchWhole(s)
}

// matchWhole matches character by character. To path.Match a star stands for
// any bytes, so that the second half of an é is one character more for a ?.
func (g *glob) matchWhole(s *subject) bool {
	if g.parts == nil {
		g.parts = partsOf(g.pattern)
	}
	if s.runes == nil {
		s.runes = []rune(s.text)
	}
	parts, text := g.parts, s.runes
	p, t := 0, 0
	star, from := -1, 0 // the last star, and where what follows it begins
	for t < len(text) {
		switch {
		case p < len(parts) && parts[p].star:
			star, from = p, t
			p++
		case p < len(parts) && parts[p].fits(text[t]):
			p, t = p+1, t+1
		case star >= 0:
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return !slices.ContainsFunc(parts[p:], func(p part) bool { return !p.star })
}

// part of a glob is a star, or stands for one character: one of those in its
// ranges, or with not any other. So ? is all that are not in none.
type part struct {
	star, not bool
	ranges    [][2]rune // from the first to the last
}

func (p *part) fits(r rune) bool {
	for _, one := range p.ranges {
		if one[0] <= r && r <= one[1] {
			return !p.not
		}
	}
	return p.not
}

// partsOf cuts a well-formed glob.
func partsOf(pattern string) (parts []part) {
	for pattern != "" {
		var p part
		switch pattern[0] {
		case '*':
			p.star, pattern = true, pattern[1:]
		case '?':
			p.not, pattern = true, pattern[1:]
		case '[':
			p, pattern = class(pattern[1:])
		default:
			var r rune
			r, pattern = character(pattern)
			p.ranges = [][2]rune{{r, r}}
		}
		parts = append(parts, p)
	}
	return parts
}

// class reads what is behind a [, and gives what is behind its ].
func class(pattern string) (p part, rest string) {
	rest, p.not = strings.CutPrefix(pattern, "^")
	for rest[0] != ']' {
		var one [2]rune
		one[0], rest = character(rest)
		one[1] = one[0]
		if to, ranging := strings.CutPrefix(rest, "-"); ranging {
			one[1], rest = character(to)
		}
		p.ranges = append(p.ranges, one)
	}
	return p, rest[1:]
}

// character reads one character, behind a backslash or not; −1 is a byte that is
// none.
func character(pattern string) (r rune, rest string) {
	pattern = strings.TrimPrefix(pattern, `\`)
	r, size := utf8.DecodeRuneInString(pattern)
	if r == utf8.RuneError && size == 1 {
		r = -1
	}
	return r, pattern[size:]
}
