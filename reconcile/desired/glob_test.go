package desired_test

import (
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

func TestWhatAGlobMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"CAP-*", "CAP-RED/M", true},
		{"CAP-*/M", "CAP-RED/M", true},
		{"CAP?RED", "CAP/RED", true},
		{"CAP-[RB]*", "CAP-BLUE", true},
		{"CAP-[RB]*", "CAP-GREY", false},
		{"cap-*", "CAP-RED", false},
		{"", "", true},
		{"*", "", true},
		{"[", "[", false},
		{"MÜTZE-*", "MÜTZE-ROT", true},
		{"MÜTZE-*", "MUTZE-ROT", false},
		{"*??", "é", false},
		{"*??", "🫖", false},
		{"*??", "é🫖", true},
		{"*[^x]é", "éé", true},
		{"*[^x]é", "é", false},
		{"?", "e\u0301", false}, // two characters, whatever it looks like
		{"*é*é*", "aébéc", true},
		{"*é*é", "aébéc", false},
		{"é/[à-ê]", "é/é", true},
		{"é/[à-ê]", "é/ü", false},
		{`é\*`, "é*", true},
		{`é\*`, "éx", false},
		{`[\]é]\é`, "]é", true},
		{"é[", "é[", false},
		{"é", "", false},
		{"", "é", false},
		{"é***", "é", true},
	} {
		if got := desired.Match(tt.pattern, tt.text); got != tt.want {
			t.Errorf("%q on %q: got %v", tt.pattern, tt.text, got)
		}
	}
}

// matchPlainly matches by path.Match: a text of one-byte characters whole, any
// other character by character, since a star must not end within one.
func matchPlainly(pattern, text string) bool {
	pattern, text = strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(text, "/", "\x00")
	whole, err := path.Match(pattern, text)
	if err != nil || !slices.ContainsFunc([]byte(text), func(c byte) bool { return c >= utf8.RuneSelf }) {
		return whole && err == nil
	}
	runes := []rune(text)
	reached := make([]bool, len(runes)+1) // how much of the text the pattern so far can match
	reached[0] = true
	for pattern != "" {
		part := firstPart(pattern)
		pattern = pattern[len(part):]
		next := make([]bool, len(reached))
		for i, so := range reached {
			switch {
			case !so:
			case part == "*":
				for j := i; j < len(next); j++ {
					next[j] = true
				}
			case i < len(runes):
				fits, err := path.Match(part, string(runes[i]))
				next[i+1] = fits && err == nil
			}
		}
		reached = next
	}
	return reached[len(runes)]
}

// firstPart is the beginning of a well-formed pattern that stands for one
// character or is a star: the shortest that is a pattern itself.
func firstPart(pattern string) string {
	for end := range pattern {
		if _, err := path.Match(pattern[:end], ""); end > 0 && err == nil {
			return pattern[:end]
		}
	}
	return pattern
}

func TestARuleIsAboutTheSKUsThatItsGlobMatchesCharacterByCharacter(t *testing.T) {
	matched := 0
	piece := rapid.SampledFrom([]string{
		"*", "*", "**", "?", "MUG", "M", "é", "/", "\x00", "-", "🫖", "e\u0301", "\ufffd", "\xff", "\xc3", "\xa9",
		"[", "]", "^", `\`, `\*`, `\é`, "[a-z]", "[^M]", "[M/]", "[à-ê]", `[\]-é]`, "[z-a]", "[.-0]", "[]",
	})
	own := rapid.SampledFrom([]string{"MUG", "M", "é", "ê", "/", "\x00", "-", "🫖", "e", "\u0301", "\ufffd", "\xff", "\xc3", "\xa9", "]", "^", "*", `\`, "a"})
	rapid.Check(t, func(t *rapid.T) {
		pattern := strings.Join(rapid.SliceOfN(piece, 0, 5).Draw(t, "pattern"), "")
		text := strings.Join(rapid.SliceOfN(own, 0, 5).Draw(t, "text"), "")
		if rapid.Bool().Draw(t, "its own text") { // or most texts would match nothing
			text = strings.NewReplacer("*", text, "?", "é", `\`, "", "[a-z]", "m").Replace(pattern)
		}
		want := matchPlainly(pattern, text)
		if got := desired.Match(pattern, text); got != want {
			t.Fatalf("%q on %q: got %v, want %v", pattern, text, got, want)
		}
		if got := desired.RuleOf([]desired.Rule{{Pattern: "["}, {Pattern: pattern}}, inventory.SKU(text)); (got == 1) != want {
			t.Fatalf("the rule of %q on %q: got %d, want it to match: %v", pattern, text, got, want)
		}
		if want {
			matched++
		}
	})
	if matched < 20 {
		t.Errorf("only %d match: the cases say too little", matched)
	}
}

func FuzzMatch(f *testing.F) {
	for _, pattern := range []string{"*", "CAP-*", "[ab]?", "[^a]*", `\\é`, "[", "*[à-é]", "é[\xff]*"} {
		f.Add(pattern, "CAP-é/🫖")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		got := desired.Match(pattern, text)
		if want := matchPlainly(pattern, text); got != want {
			t.Errorf("%q on %q: got %v, want %v", pattern, text, got, want)
		}
		if rule := desired.RuleOf([]desired.Rule{{Pattern: pattern}}, inventory.SKU(text)); got != (rule == 0) {
			t.Errorf("%q on %q: got %v, but rule %d", pattern, text, got, rule)
		}
		if literal := desired.Match(pattern+"*", text+"é"); got && !literal {
			t.Errorf("%q matches %q, but not with something behind it", pattern, text)
		}
		if got && !desired.Match("*"+pattern, "é"+text) {
			t.Errorf("%q matches %q, but not with something before it", pattern, text)
		}
	})
}
