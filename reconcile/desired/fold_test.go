package desired

import (
	"slices"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestWhatPeopleTakeForTheSame(t *testing.T) {
	for _, tt := range []struct {
		name, a, b string
		want       []string // none: they are two things
	}{
		{"the same text", "MUG-1", "MUG-1", nil},
		{"another text", "MUG-1", "MUG-2", nil},
		{"nothing in common", "MUG", "", nil},

		{"small letters", "mug-blue", "MUG-BLUE", []string{"case"}},
		{"a sharp s and its capital", "GRÖẞE", "größe", []string{"case"}},
		{"a sharp s that a till writes as two", "GROSSE-1", "große-1", []string{"case"}},
		{"a small i without a dot", "MINI", "mını", []string{"case"}},
		{"a capital I with a dot", "MİNİ", "mini", []string{"case"}},
		{"a final sigma", "ΛΌΓΟΣ", "λόγος", []string{"case"}},
		{"an accent is no matter of case", "CAFÉ", "cafe", nil},

		{"two spaces", "MUG  BLUE", "MUG BLUE", []string{"spaces"}},
		{"no space", "MUGBLUE", "MUG BLUE", []string{"spaces"}},
		{"a no-break space", "MUG\u00a0BLUE", "MUG BLUE", []string{"spaces"}},
		{"an ideographic space", "MUG\u3000BLUE", "MUG BLUE", []string{"spaces"}},
		{"a zero-width space at an end, which trimming leaves", "MUG\u200b", "MUG", []string{"spaces"}},
		{"a byte order mark", "\ufeffMUG", "MUG", []string{"spaces"}},
		{"a mark of writing direction", "\u200fMUG\u200e", "MUG", []string{"spaces"}},
		{"a tabulator and a separator of a scanner", "MUG\t\x1dBLUE", "MUG BLUE", []string{"spaces"}},

		{"an underscore", "MUG_BLUE", "MUG-BLUE", []string{"dashes"}},
		{"an en dash", "MUG\u2013BLUE", "MUG-BLUE", []string{"dashes"}},
		{"a hyphen that does not break", "MUG\u2011BLUE", "MUG\u2010BLUE", []string{"dashes"}},
		{"a minus", "MUG\u2212BLUE", "MUG-BLUE", []string{"dashes"}},
		{"a soft hyphen", "MUG\u00adBLUE", "MUGBLUE", []string{"dashes"}},
		{"no dash", "MUGBLUE", "MUG-BLUE", []string{"dashes"}},
		{"a space for a dash", "MUG BLUE", "MUG-BLUE", []string{"spaces", "dashes"}},
		{"a dot is no dash", "MUG.BLUE", "MUG-BLUE", nil},
		{"a slash is no dash", "MUG/BLUE", "MUG-BLUE", nil},

		{"leading zeros that a spreadsheet lost", "00123", "123", []string{"leading zeros"}},
		{"some leading zeros", "00123", "0123", []string{"leading zeros"}},
		{"zeros alone", "000", "0", []string{"leading zeros"}},
		{"leading zeros of digits in groups", "0012-34", "12-34", []string{"leading zeros"}},
		{"leading zeros and no more groups", "0012-34", "1234", []string{"dashes", "leading zeros"}},
		{"zeros before letters are part of the name", "00A1", "A1", nil},
		{"zeros at the end", "1200", "12", nil},
		{"zeros in the middle", "1002", "12", nil},

		{"full-width forms", "ＭＵＧ１", "MUG1", []string{"full-width forms"}},
		{"a full-width hyphen is a dash", "MUG\uff0d1", "MUG-1", []string{"dashes"}},
		{"an accent apart", "CAFE\u0301", "CAF\u00c9", []string{"full-width forms"}},
		{"several accents in another order", "a\u0323\u0307", "a\u0307\u0323", []string{"full-width forms"}},
		{"a ligature", "\ufb01x", "fix", []string{"full-width forms"}},
		{"a superscript", "M\u00b2", "M2", []string{"full-width forms"}},
		{"full-width digits that lost their zeros", "００１２", "12", []string{"leading zeros", "full-width forms"}},
		{"the micro sign is a form of mu, not its other case", "10\u00b5F", "10\u03bcF", []string{"full-width forms"}},
		{"the sign of kelvin in the other case", "10\u212a", "10k", []string{"case"}},

		{"Cyrillic letters", "МUG-ВLUЕ", "MUG-BLUE", []string{"look-alike characters"}},
		{"Greek letters", "ΜUG-ΒLUΕ", "MUG-BLUE", []string{"look-alike characters"}},
		{"small Cyrillic letters", "сар-1", "cap-1", []string{"look-alike characters"}},
		{"a Cyrillic letter with two dots", "НЁ", "HË", []string{"look-alike characters"}},
		{"a Cyrillic capital in the other case", "вox", "BOX", []string{"case", "look-alike characters"}},
		{"an O for a zero", "MUG-1O", "MUG-10", []string{"look-alike characters"}},
		{"a capital I for a one", "MUG-I", "MUG-1", []string{"look-alike characters"}},
		{"a small l for a one", "MUG-l", "MUG-1", []string{"look-alike characters"}},
		{"a small l for a capital I", "l-BEAM", "I-BEAM", []string{"look-alike characters"}},
		{"the L of a size is no 1", "TEE-L", "TEE-1", nil},
		{"an L and a small l are the same letter", "TEE-L", "TEE-l", []string{"case"}},
		{"a Cyrillic letter that looks like none", "ЖUG", "XUG", nil},

		{"all at once", "ｏ0\u00a0\u2013 123", "0001-23", []string{"case", "spaces", "dashes", "leading zeros", "full-width forms", "look-alike characters"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := differ(textOf(tt.a), textOf(tt.b)).words(); !slices.Equal(got, tt.want) {
				t.Errorf("%q and %q: got %q, want %q", tt.a, tt.b, got, tt.want)
			}
			if got := differ(textOf(tt.b), textOf(tt.a)).words(); !slices.Equal(got, tt.want) {
				t.Errorf("the other way round: got %q, want %q", got, tt.want)
			}
		})
	}
}

// subsets lists all sets of folds that SKUs are compared by.
func subsets() (all []folds) {
	for some := folds(0); some <= everyFold; some++ {
		all = append(all, some)
	}
	return all
}

// everyCharacter calls each for all of Unicode that has a meaning.
func everyCharacter(each func(r rune)) {
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if utf8.ValidRune(r) && (unicode.IsGraphic(r) || unicode.Is(unicode.C, r)) {
			each(r)
		}
	}
}

func TestFoldingACharacterTwiceChangesNothingMore(t *testing.T) {
	everyCharacter(func(r rune) {
		for _, view := range views {
			once := view.apply(textOf(string(r)))
			if twice := view.apply(textOf(once)); twice != once {
				t.Errorf("%U: got %+q, then %+q", r, once, twice)
			}
		}
	})
}

// TestACharacterThatIsTheSameStaysSoUnderMoreFolds is what the index and the
// words rest on: SKUs that are the same under some folds are so in one of the
// views, and share the loose key.
func TestACharacterThatIsTheSameStaysSoUnderMoreFolds(t *testing.T) {
	var folded []string // the characters that any fold changes, and what it makes of them
	everyCharacter(func(r rune) {
		if to := everyFold.apply(textOf(string(r))); to != string(r) {
			folded = append(folded, string(r), to)
		}
	})
	slices.Sort(folded)
	folded = slices.Compact(folded)
	if len(folded) < 5000 {
		t.Fatalf("only %d characters are folded", len(folded))
	}
	var images [loosely + 1][]string // of the characters, by set of folds
	for _, some := range append(subsets(), loosely) {
		for _, text := range folded {
			images[some] = append(images[some], some.apply(textOf(text)))
		}
	}
	for _, some := range subsets() {
		for more := letterCase; more <= lookAlikes; more <<= 1 {
			if some&more != 0 || more == letterCase && some&lookAlikes != 0 {
				continue // the latter have a view of their own
			}
			first := map[string]int{} // the first character that some folds make this of
			for i, image := range images[some] {
				before, ok := first[image]
				if !ok {
					first[image] = i
				} else if all := some | more; images[all][before] != images[all][i] || images[loosely][before] != images[loosely][i] {
					t.Errorf("%+q and %+q are the same by %q and not by %q", folded[before], folded[i], some.words(), all.words())
				}
			}
		}
	}
}

func TestTheTablesOfLookAlikesJoinNoTwoLatinLetters(t *testing.T) {
	for _, table := range []map[rune]rune{written, lowered} {
		for r, latin := range table {
			if unicode.Is(unicode.Latin, r) || !unicode.Is(unicode.Latin, latin) {
				t.Errorf("%c is read as %c", r, latin)
			}
		}
	}
	// A letter whose small form resembles one Latin letter and whose capital is
	// like another would join the two where case does not count.
	for r, latin := range written {
		if got, want := lowered[lower(r)], lower(latin); got != want {
			t.Errorf("%c is %c as written and %c in small letters", r, latin, got)
		}
	}
}

// look draws texts in which much is taken for the same.
var look = rapid.StringOfN(rapid.SampledFrom([]rune("aAbBlLiIıİ1oO0Oßs7-–_ \u00a0\u200b\ufeffеЕоΟＡａé\u0301\u0307\u0323\u0345ſKÅΩ①ﬁ😀א")), 0, 8, -1)

func TestPropertyTheFoldsThatDifferAreExactlyThoseThatAreNeeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := look.Draw(t, "a"), look.Draw(t, "b")
		if rapid.Bool().Draw(t, "near") {
			b = folds(rapid.IntRange(0, int(everyFold)).Draw(t, "folds")).apply(textOf(a))
		}
		got := differ(textOf(a), textOf(b))
		if got != differ(textOf(b), textOf(a)) {
			t.Fatalf("%+q and %+q: got %q, and %q the other way round", a, b, got.words(), differ(textOf(b), textOf(a)).words())
		}
		if got == 0 {
			for _, some := range subsets() {
				if a != b && some.apply(textOf(a)) == some.apply(textOf(b)) {
					t.Fatalf("%+q and %+q: got none, but they are the same by %q", a, b, some.words())
				}
			}
			return
		}
		if a == b || got.apply(textOf(a)) != got.apply(textOf(b)) {
			t.Fatalf("%+q and %+q are not the same by %q", a, b, got.words())
		}
		for one := letterCase; one <= lookAlikes; one <<= 1 {
			if without := got &^ one; got&one != 0 && without.apply(textOf(a)) == without.apply(textOf(b)) {
				t.Fatalf("%+q and %+q: got %q, but %q would do", a, b, got.words(), without.words())
			}
		}
	})
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"", "MUG-1", "\xff\xfe", "0\xff1", "\xf7\u037a", "ﬁ\u0301\u0307", "İ\u0323\u0307", "a\u0345\u0301", "00-1", "\u0e33\u0300", "각\u1100"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, some := range subsets() {
			once := some.apply(textOf(s))
			if !utf8.ValidString(once) {
				t.Fatalf("%q by %q: got %q, which is no text", s, some.words(), once)
			}
			if twice := some.apply(textOf(once)); twice != once {
				t.Fatalf("%+q by %q: got %+q, then %+q", s, some.words(), once, twice)
			}
			if utf8.ValidString(s) && s != once && differ(textOf(s), textOf(once)) == 0 {
				t.Fatalf("%+q and %+q are the same by %q, and nobody says so", s, once, some.words())
			}
		}
	})
}
