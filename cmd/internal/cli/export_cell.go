package cli

import (
	"encoding/csv"
	"io"
	"strings"
	"unicode"

	"stocksyncd/reconcile/inventory"
)

// exportNotes is what there is to say of a file that was written.
type exportNotes struct {
	Rows    int       // without the header
	Bytes   int64     // with it
	Altered int       // cells that safeCell changed
	LeftOut []leftOut // rows that would not have been imported as they are meant
	Next    string    // what the file is for, in a sentence
}

// leftOut is a row that is not in the file.
type leftOut struct {
	SKU      inventory.SKU
	Location string
	Why      string
}

// sheet is a CSV file on its way to spreadsheets and to Shopify: RFC 4180,
// UTF-8, the header always.
type sheet struct {
	csv   *csv.Writer
	out   *countingWriter
	notes exportNotes
}

func newSheet(w io.Writer, header []string) (*sheet, error) {
	s := &sheet{out: &countingWriter{to: w}}
	s.csv = csv.NewWriter(s.out)
	s.csv.UseCRLF = true
	return s, s.csv.Write(header)
}

// text makes a cell of a text from outside.
func (s *sheet) text(text string) string {
	safe := safeCell(text)
	if safe != text {
		s.notes.Altered++
	}
	return safe
}

func (s *sheet) add(cells []string) error {
	s.notes.Rows++
	return s.csv.Write(cells)
}

func (s *sheet) end(next string) (exportNotes, error) {
	s.csv.Flush()
	s.notes.Bytes, s.notes.Next = s.out.bytes, next
	return s.notes, s.csv.Error()
}

// countingWriter counts what goes through it.
type countingWriter struct {
	to    io.Writer
	bytes int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.bytes += int64(n)
	return n, err
}

// safeCell makes text from outside safe to open in a spreadsheet, which runs
// what looks like a formula, whoever wrote it into a title or a SKU:
//
//	=HYPERLINK("…")   '=HYPERLINK("…")   an apostrophe makes it text
//	Mug; =1+1         Mug;' =1+1         where the list separator is ";" the file is cut there
//	Mug⏎blue          Mug blue           a control character has no place in a cell
//
// All other text stays byte for byte as it is.
func safeCell(text string) string {
	parts := strings.Split(text, ";")
	for i, part := range parts {
		if formula(part) {
			parts[i] = "'" + part
		}
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(strings.Join(parts, ";"), "\uFFFD"))
}

// formula tells whether a spreadsheet may take text for a formula. Some skip
// what cannot be seen before it, and quotes that the cut at ";" left open;
// some take the full-width signs for the plain ones.
func formula(text string) bool {
	if strings.IndexAny(text, "\t\r\n") == 0 {
		return true
	}
	text = strings.TrimLeftFunc(text, func(r rune) bool {
		return r == '"' || unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf)
	})
	return strings.IndexAny(text, "=+-@＝＋－＠") == 0
}
