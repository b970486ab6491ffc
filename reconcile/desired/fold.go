package desired

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// folds is a set of the ways in which two SKUs can differ and still be taken
// for the same.
type folds uint8

const (
	letterCase folds = 1 << iota
	spaces
	dashes
	leadingZeros
	forms
	lookAlikes

	everyFold = letterCase | spaces | dashes | leadingZeros | forms | lookAlikes

	// loosely goes further than a person: it finds who is to be compared.
	loosely = everyFold | anyL
	anyL    = lookAlikes << 1 // an L of either case is a 1
)

// views are the two ways to compare SKUs. In the second, case counts and a small
// l is a 1. Both at once would make the L of a size a 1, too: TEE-L and TEE-1 are
// two things.
var views = [...]folds{everyFold, everyFold &^ letterCase}

// word is the word for one fold that people are shown. It is stable.
func (f folds) word() string {
	switch f {
	case letterCase:
		return "case"
	case spaces:
		return "spaces"
	case dashes:
		return "dashes"
	case leadingZeros:
		return "leading zeros"
	case forms:
		return "full-width forms"
	default:
		return "look-alike characters"
	}
}

// words lists the words of a set, in one fixed order.
func (f folds) words() []string {
	var words []string
	for one := letterCase; one <= lookAlikes; one <<= 1 {
		if f&one != 0 {
			words = append(words, one.word())
		}
	}
	return words
}

// dropped is the order in which folds are tried for whether they are needed.
// Where either of two would do, the later one stays: a no-break space is a
// space first and a compatibility form of one second, the micro sign is a form
// of mu rather than its other case.
var dropped = [...]folds{lookAlikes, letterCase, forms, leadingZeros, dashes, spaces}

// differ gives the folds that make two texts the same, none of which could be
// left out; 0 when none do, or when they are the same already.
func differ(a, b text) folds {
	x, y := make([]byte, 0, len(a.apart)), make([]byte, 0, len(b.apart))
	same := func(f folds) bool {
		x, y = f.append(x[:0], a), f.append(y[:0], b)
		return bytes.Equal(x, y)
	}
	for _, needed := range views {
		if a == b || !same(needed) {
			continue
		}
		for _, one := range dropped {
			if same(needed &^ one) {
				needed &^= one
			}
		}
		return needed
	}
	return 0
}

// text is a SKU as it is folded.
type text struct {
	written string
	// apart has letters and their accents apart, so that the folds see the letter,
	// and what Unicode calls compatibility forms replaced.
	apart string
}

// textOf prepares a text. What is not UTF-8 becomes U+FFFD.
func textOf(s string) text {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	return text{s, norm.NFKD.String(s)}
}

// apply folds a text. Folding twice changes nothing more, and texts that are
// the same under some folds are the same under more of them; but for the small l,
// see views.
func (f folds) apply(t text) string { return string(f.append(make([]byte, 0, len(t.apart)), t)) }

// append appends what apply gives to an empty buffer.
func (f folds) append(out []byte, t text) []byte {
	s := t.written
	if f&forms != 0 {
		s = t.apart
	}
	plain, dotted := true, false
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			if c := onASCII[f][r]; c != gone {
				out, dotted = append(out, c), f.dotted(rune(c))
			}
			continue
		case f.drops(r), r == dotAbove && dotted:
			// An i has its dot already: the capital of some languages is written with a
			// dot of its own.
			continue
		case f&letterCase != 0 && (r == 'ß' || r == 'ẞ'):
			out, dotted = append(out, "ss"...), false
			continue
		}
		plain = false
		r = f.letter(r)
		dotted = f.dotted(r) || dotted && unicode.Is(unicode.Mn, r)
		out = utf8.AppendRune(out, r)
	}
	if f&forms != 0 && !plain {
		// Accents that were not next to each other may be now: in their one order.
		out = norm.NFD.Bytes(out)
	}
	if f&leadingZeros != 0 {
		return withoutLeadingZeros(out)
	}
	return out
}

// onASCII holds what each set of folds makes of each ASCII character, which most
// SKUs are made of.
var onASCII = func() (all [loosely + 1][utf8.RuneSelf]byte) {
	for f := range all {
		for c := range all[f] {
			all[f][c] = gone
			if r := rune(c); !folds(f).drops(r) {
				all[f][c] = byte(folds(f).letter(r))
			}
		}
	}
	return all
}()

const gone = 0xff // no ASCII character

// dotted tells whether a folded character stands for an i, where case does not
// count.
func (f folds) dotted(r rune) bool {
	return f&letterCase != 0 && (r == 'i' || r == '1' && f&lookAlikes != 0)
}

const dotAbove = '\u0307'

func (f folds) drops(r rune) bool {
	return f&spaces != 0 && invisible(r) || f&dashes != 0 && dash(r)
}

// letter gives one character the one that stands for all it is taken for.
func (f folds) letter(r rune) rune {
	if f&letterCase != 0 {
		r = lower(r)
	}
	if f&lookAlikes == 0 {
		return r
	}
	shapes := written
	if f&letterCase != 0 {
		shapes = lowered
	}
	if r >= utf8.RuneSelf {
		if latin, ok := shapes[r]; ok {
			r = latin
		}
	}
	switch {
	case r == 'O', r == 'o' && f&letterCase != 0:
		return '0'
	case r == 'I', r == 'i' && f&letterCase != 0, r == 'l' && (f&letterCase == 0 || f&anyL != 0):
		return '1'
	}
	return r
}

// lower takes the way over the capital, which letters with several small forms
// share: the final sigma, the long s, the i without a dot.
func lower(r rune) rune {
	switch {
	case 'A' <= r && r <= 'Z':
		return r + 'a' - 'A'
	case r < utf8.RuneSelf, unicode.Is(unicode.Mn, r):
		return r
	}
	return unicode.ToLower(unicode.ToUpper(r))
}

// written maps Cyrillic and Greek letters to the Latin ones that look the same
// in most typefaces. It is short on purpose: a letter that only resembles
// another would report pairs that nobody mixes up.
var written = pairs(
	"АВЕЁЅІЇЈКМНОРСТУХ"+"аеёѕіїјорсух"+"ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"+"ο",
	"ABEËSIÏJKMHOPCTYX"+"aeësiïjopcyx"+"ABEZHIKMNOPTYX"+"o",
)

// lowered is the same where case does not count: letters whose capitals look
// the same are the same.
var lowered = func() map[rune]rune {
	all := make(map[rune]rune, len(written))
	for r, latin := range written {
		all[lower(r)] = lower(latin)
	}
	return all
}()

func pairs(from, to string) map[rune]rune {
	all := map[rune]rune{}
	latin := []rune(to)
	for i, r := range []rune(from) {
		all[r] = latin[i]
	}
	return all
}

// invisible tells whether a character is white space of any kind, or one that
// shows nothing: zero-width, a byte order mark, a mark of writing direction.
func invisible(r rune) bool {
	if r < utf8.RuneSelf {
		return r <= ' ' || r == 0x7f
	}
	return r != softHyphen && (unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Variation_Selector, r) ||
		unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r))
}

const softHyphen = '\u00ad'

// dash tells whether a character is a dash, hyphen, minus or underscore.
func dash(r rune) bool {
	switch r {
	case '-', '_', '\uff3f', softHyphen, '\u02d7', '\u2043': // full-width underscore, modifier minus, hyphen bullet
		return true
	}
	return r >= utf8.RuneSelf && unicode.Is(unicode.Dash, r)
}

// withoutLeadingZeros takes the leading zeros, all but a last digit, off a text
// of digits, which may stand in groups: a spreadsheet takes it for a number.
// What has anything else in it keeps them.
func withoutLeadingZeros(text []byte) []byte {
	zeros := len(text) - len(bytes.TrimLeft(text, "0"))
	if zeros == 0 {
		return text
	}
	digits := 0
	for _, r := range string(text) {
		switch {
		case '0' <= r && r <= '9':
			digits++
		case !invisible(r) && !dash(r):
			return text
		}
	}
	return text[min(zeros, digits-1):]
}
