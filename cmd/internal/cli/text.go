package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quoteCell makes text from outside safe to print: what could move a cursor,
// reverse a line or hide in it is shown quoted and escaped.
func quoteCell(s string) string {
	for _, r := range s {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return strconv.Quote(s)
		}
	}
	if s != strings.TrimSpace(s) || strings.HasPrefix(s, `"`) {
		return strconv.Quote(s)
	}
	return s
}

// quoteLines is quoteCell for text whose line breaks are meant.
func quoteLines(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}

// table is rows of cells in columns of their own width.
type table struct {
	head  []string     // nil is none
	right map[int]bool // columns of figures
	rows  [][]string
	paint func(row, column int, cell string) string // may colour a padded cell; nil leaves it
}

// widest is how wide a column may be that others follow: one SKU of 255
// characters must not push the figures of all others out of sight.
const widest = 48

// add appends a row. Cells that are too long are cut; the last may be as long
// as it likes.
func (t *table) add(cells ...string) {
	for i := range cells[:len(cells)-1] {
		cells[i] = shorten(cells[i], widest)
	}
	t.rows = append(t.rows, cells)
}

// shorten cuts text to so many columns.
func shorten(s string, most int) string {
	if width(s) <= most {
		return s
	}
	n := 0
	for i, r := range s {
		if n += width(string(r)); n > most-1 {
			return s[:i] + "…"
		}
	}
	return s
}

func (t *table) write(w io.Writer) error {
	_, err := io.WriteString(w, strings.Join(t.lines(), "\n")+"\n")
	return err
}

// lines gives the head, if there is one, and the rows, all aligned.
func (t *table) lines() []string {
	var widths []int
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(cell))
		}
	}
	var lines []string
	for n, row := range append([][]string{t.head}, t.rows...) {
		if len(row) == 0 {
			continue // a table without a head
		}
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-width(cell))
			if i > 0 {
				line.WriteString("  ")
			}
			shown := cell
			if t.paint != nil && n > 0 {
				shown = t.paint(n-1, i, cell)
			}
			if t.right[i] {
				line.WriteString(pad + shown)
			} else {
				line.WriteString(shown + pad)
			}
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	return lines
}

// width is how many columns of a terminal text takes.
func width(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me):
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul), r >= 0xFF01 && r <= 0xFF60:
			n += 2
		default:
			n++
		}
	}
	return n
}

// count writes "1 change" and "2 changes".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// The colours of a result; all of them say what a sign or a word says too.
const (
	red   = "31"
	green = "32"
	faint = "2"
)

// colored tells whether text to w may be coloured.
func (a *app) colored(w io.Writer) bool {
	switch a.color {
	case "always":
		return true
	case "never":
		return false
	default:
		return a.Getenv("NO_COLOR") == "" && a.Getenv("TERM") != "dumb" && a.Terminal(w)
	}
}

// dye colours text for stdout.
func (a *app) dye(color, text string) string {
	if text == "" || !a.colored(a.Stdout) {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// result writes v as JSON, or what text writes.
func (a *app) result(v any, text func(w io.Writer) error) error {
	if a.output != "json" {
		return text(a.Stdout)
	}
	encoder := json.NewEncoder(a.Stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// say is the result of a command that has a sentence to say.
func (a *app) say(sentence string) error {
	return a.result(struct {
		Message string `json:"message"`
	}{sentence}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, quoteLines(sentence))
		return err
	})
}
