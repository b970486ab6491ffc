package desired

import (
	"path"
	"strings"
	"unicode/utf8"
)

// Match tells whether a text matches a glob: * stands for any characters, ? for
// one, [ab] for either. A slash is a character like any other, since SKUs have
// them. A pattern that is none matches nothing.
func Match(pattern, text string) bool {
	pattern, text = plain.Replace(pattern), plain.Replace(text)
	if !ascii(text) {
		return matchWhole(pattern, []rune(text))
	}
	ok, err := path.Match(pattern, text)
	return ok && err == nil
}

// plain takes the meaning from a slash that path.Match gives it.
var plain = strings.NewReplacer("/", "\x00")

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// matchWhole matches character by character. To path.Match a star stands for
// any bytes, so that the second half of an é is one character more for a ?.
func matchWhole(pattern string, text []rune) bool {
	if _, err := path.Match(pattern, ""); err != nil {
		return false
	}
	parts := globParts(pattern)
	p, t := 0, 0
	star, from := -1, 0 // the last star, and where what follows it begins
	for t < len(text) {
		switch {
		case p < len(parts) && parts[p] == "*":
			star, from = p, t
			p++
		case p < len(parts) && matchOne(parts[p], text[t]):
			p, t = p+1, t+1
		case star >= 0:
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(strings.Join(parts[p:], ""), "*") == ""
}

func matchOne(part string, r rune) bool {
	ok, err := path.Match(part, string(r))
	return ok && err == nil
}

// globParts cuts a well-formed glob into stars and what stands for one character
// each.
func globParts(pattern string) (parts []string) {
	for pattern != "" {
		_, end := utf8.DecodeRuneInString(pattern)
		switch pattern[0] {
		case '\\':
			_, size := utf8.DecodeRuneInString(pattern[1:])
			end += size
		case '[':
			for pattern[end] != ']' {
				if pattern[end] == '\\' {
					end++
				}
				end++
			}
			end++
		}
		parts = append(parts, pattern[:end])
		pattern = pattern[end:]
	}
	return parts
}
