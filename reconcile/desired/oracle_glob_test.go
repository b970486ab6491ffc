package desired_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"stocksyncd/reconcile/desired"
)

// rawGlob matches a pattern by trying: * is nothing, or one character and * again.
// A pattern with a bracket that does not end, or holds nothing, matches nothing.
func rawGlob(pattern, text string) bool {
	p := []rune(pattern)
	return wellFormed(p) && rawTry(p, []rune(text))
}

func rawTry(pattern, text []rune) bool {
	if len(pattern) == 0 {
		return len(text) == 0
	}
	if pattern[0] == '*' {
		return rawTry(pattern[1:], text) || len(text) > 0 && rawTry(pattern, text[1:])
	}
	if len(text) == 0 {
		return false
	}
	switch pattern[0] {
	case '?':
		return rawTry(pattern[1:], text[1:])
	case '[':
		end := slices.Index(pattern, ']')
		return slices.Contains(pattern[1:end], text[0]) && rawTry(pattern[end+1:], text[1:])
	}
	return pattern[0] == text[0] && rawTry(pattern[1:], text[1:])
}

func wellFormed(pattern []rune) bool {
	start := slices.Index(pattern, '[')
	if start < 0 {
		return true
	}
	length := slices.Index(pattern[start:], ']')
	return length > 1 && wellFormed(pattern[start+length+1:])
}

func TestAPlainOracleMatchesTheSameGlobs(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6)) // #nosec G404 -- the same cases in every run
	matched := 0
	for range 200_000 {
		pattern, text := drawText(r, "aé/]*?*?[ab]", 6), drawText(r, "aéb😀/]e\u0301", 5)
		got, want := desired.Match(pattern, text), rawGlob(pattern, text)
		if got != want {
			t.Fatalf("%q on %q: got %v, want %v", pattern, text, got, want)
		}
		if want {
			matched++
		}
	}
	if matched < 10_000 {
		t.Errorf("only %d of 200,000 match: the cases say too little", matched)
	}
}

// drawText draws up to some characters of an alphabet.
func drawText(r *rand.Rand, alphabet string, most int) string {
	runes := []rune(alphabet)
	var text []rune
	for range r.IntN(most + 1) {
		text = append(text, runes[r.IntN(len(runes))])
	}
	return string(text)
}
