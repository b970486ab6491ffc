package desired_test

import (
	"testing"

	"stocksyncd/reconcile/desired"
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

func FuzzMatch(f *testing.F) {
	for _, pattern := range []string{"*", "CAP-*", "[ab]?", "[^a]*", `\\é`, "[", "*[à-é]", "é[\xff]*"} {
		f.Add(pattern, "CAP-é/🫖")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		got := desired.Match(pattern, text)
		if literal := desired.Match(pattern+"*", text+"é"); got && !literal {
			t.Errorf("%q matches %q, but not with something behind it", pattern, text)
		}
		if got && !desired.Match("*"+pattern, "é"+text) {
			t.Errorf("%q matches %q, but not with something before it", pattern, text)
		}
	})
}
