package sandbox

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The columns of Shopify's product export that are read. The first four must
// be there.
const (
	columnHandle   = "Handle"
	columnTitle    = "Title"
	columnSKU      = "Variant SKU"
	columnQuantity = "Variant Inventory Qty"

	columnTracker  = "Variant Inventory Tracker"
	columnPrice    = "Variant Price"
	columnGiftCard = "Gift Card"
	columnStatus   = "Status"
)

var (
	neededColumns = []string{columnHandle, columnTitle, columnSKU, columnQuantity}
	optionColumns = []string{"Option1 Name", "Option1 Value", "Option2 Name", "Option2 Value", "Option3 Name", "Option3 Value"} // in pairs
)

const (
	mostProblems = 20          // more would only hide the first
	mostPieces   = 100_000_000 // beyond any real stock
)

// CSVError reports everything that is wrong with a product export.
type CSVError struct {
	Name     string       // of the file
	Problems []CSVProblem // in the order of the file, at most 20
	More     int          // problems beyond those
}

// CSVProblem is one thing that is wrong with a product export.
type CSVProblem struct {
	Row    int    // as a spreadsheet counts: the heading is row 1
	Column string // its heading; "" where the row as a whole is wrong
	Text   string
}

func (e *CSVError) Error() string {
	var text strings.Builder
	total := len(e.Problems) + e.More
	fmt.Fprintf(&text, "%s: %d problem", e.Name, total)
	if total != 1 {
		text.WriteByte('s')
	}
	for _, p := range e.Problems {
		fmt.Fprintf(&text, "\n  %s", p)
	}
	if e.More > 0 {
		fmt.Fprintf(&text, "\n  and %d more", e.More)
	}
	return text.String()
}

func (p CSVProblem) String() string {
	if p.Column == "" {
		return fmt.Sprintf("row %d: %s", p.Row, p.Text)
	}
	return fmt.Sprintf("row %d, column %q: %s", p.Row, p.Column, p.Text)
}

// csvVariant is one variant of a product export.
type csvVariant struct {
	handle   string
	product  string   // its title
	options  []Option // none when the product has none
	sku      string
	status   string // of the product, in capitals; "" is not told
	pieces   int
	tracked  bool
	giftCard bool
}

// csvReader goes through a product export once and collects its problems.
type csvReader struct {
	rows     *csv.Reader
	row      int // the last one read
	columns  map[string]int
	width    int
	titles   map[string]string   // by handle
	statuses map[string]string   // by handle
	names    map[string][]string // of the options, by handle
	variants []csvVariant
	fault    CSVError
	lost     error // why the file could not be read to its end
}

// readProducts reads a product export. Rows that only add an image to a
// product are skipped, as are empty ones.
func readProducts(name string, r io.Reader) ([]csvVariant, error) {
	text := bufio.NewReader(r)
	c := &csvReader{
		titles: make(map[string]string), statuses: make(map[string]string), names: make(map[string][]string), fault: CSVError{Name: name},
	}
	if err := c.skipMark(text); err != nil {
		return nil, err
	}
	c.rows = csv.NewReader(text)
	c.rows.FieldsPerRecord = -1 // a wrong count is told with its row, below
	c.rows.ReuseRecord = true
	if c.heading() {
		for c.next() {
		}
	}
	switch {
	case c.lost != nil:
		return nil, fmt.Errorf("%s: row %d: %w", name, c.row, c.lost)
	case len(c.fault.Problems) > 0:
		return nil, &c.fault
	case len(c.variants) == 0:
		return nil, fmt.Errorf("%s: no variants: export products from the admin's product list, as CSV for spreadsheets", name)
	}
	return c.variants, nil
}

// skipMark takes the byte order mark off, which spreadsheets put there.
func (c *csvReader) skipMark(text *bufio.Reader) error {
	start, err := text.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", c.fault.Name, err)
	}
	if bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff")) {
		return fmt.Errorf("%s: the file is UTF-16: save it as CSV UTF-8", c.fault.Name)
	}
	if bytes.Equal(start, []byte("\xef\xbb\xbf")) {
		_, err = text.Discard(len(start))
		return err
	}
	return nil
}

func (c *csvReader) problem(column, format string, args ...any) {
	if len(c.fault.Problems) == mostProblems {
		c.fault.More++
		return
	}
	c.fault.Problems = append(c.fault.Problems, CSVProblem{Row: c.row, Column: column, Text: fmt.Sprintf(format, args...)})
}

// record reads the next row; ok is false at the end and where the quoting is
// so broken that nothing after it can be trusted.
func (c *csvReader) record() (cells []string, ok bool) {
	cells, err := c.rows.Read()
	if errors.Is(err, io.EOF) {
		return nil, false
	}
	c.row++
	var broken *csv.ParseError
	switch {
	case errors.As(err, &broken):
		c.problem("", "line %d, character %d: %s", broken.Line, broken.Column, quoting(broken.Err))
		return nil, false
	case err != nil:
		c.lost = err
		return nil, false
	}
	return cells, true
}

func quoting(err error) string {
	switch {
	case errors.Is(err, csv.ErrBareQuote):
		return `a quote in a cell that does not start with one`
	case errors.Is(err, csv.ErrQuote):
		return `a quoted cell that does not end, or goes on after its closing quote`
	}
	return err.Error()
}

func (c *csvReader) heading() bool {
	cells, ok := c.record()
	if !ok {
		return false
	}
	c.width = len(cells)
	c.columns = make(map[string]int, len(cells))
	for i, cell := range cells {
		heading := strings.TrimSpace(cell)
		if _, twice := c.columns[heading]; twice && (slices.Contains(neededColumns, heading) || slices.Contains(optionColumns, heading)) {
			c.problem(heading, "the heading is there twice")
			continue
		}
		c.columns[heading] = i
	}
	if len(cells) == 1 && strings.ContainsAny(cells[0], ";\t") {
		c.problem("", "the cells are not separated by commas: save the file as CSV with commas")
		return false
	}
	for _, heading := range neededColumns {
		if _, ok := c.columns[heading]; !ok {
			c.problem(heading, "the heading is missing")
		}
	}
	return len(c.fault.Problems) == 0
}

// next takes one row in.
func (c *csvReader) next() bool {
	cells, ok := c.record()
	switch {
	case !ok:
		return false
	case blank(cells):
		return true
	case len(cells) != c.width:
		c.problem("", "%d cells under %d headings", len(cells), c.width)
		return true
	}
	for _, heading := range neededColumns {
		if !utf8.ValidString(cells[c.columns[heading]]) {
			c.problem(heading, "not UTF-8 text: save the file as CSV UTF-8")
			return true
		}
	}
	c.variant(cells)
	return true
}

func blank(cells []string) bool {
	return !slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) != "" })
}

// variant takes in a row that has something to say about one.
func (c *csvReader) variant(cells []string) {
	cell := func(heading string) string {
		if i, ok := c.columns[heading]; ok {
			// The record's memory is used again for the next row.
			return strings.Clone(strings.TrimSpace(cells[i]))
		}
		return ""
	}
	v := csvVariant{handle: cell(columnHandle), sku: cell(columnSKU)}
	v.options = c.options(v.handle, cell)
	title, pieces := cell(columnTitle), cell(columnQuantity)
	if v.handle == "" {
		c.problem(columnHandle, "empty")
		return
	}
	if title == "" && v.sku == "" && pieces == "" && len(v.options) == 0 && cell(columnPrice) == "" {
		return // an image
	}
	if title != "" {
		c.titles[v.handle] = title
	}
	if status := cell(columnStatus); status != "" {
		c.statuses[v.handle] = strings.ToUpper(status)
	}
	v.status = c.statuses[v.handle]
	if v.product = c.titles[v.handle]; v.product == "" {
		c.problem(columnTitle, "empty in the first row of %q", clipText(v.handle))
		return
	}
	_, told := c.columns[columnTracker]
	v.tracked = !told || cell(columnTracker) != ""
	v.giftCard = strings.EqualFold(cell(columnGiftCard), "true")
	if pieces != "" {
		n, err := strconv.Atoi(pieces)
		switch {
		case errors.Is(err, strconv.ErrRange), n > mostPieces, n < -mostPieces:
			c.problem(columnQuantity, "%q is beyond %d pieces", clipText(pieces), mostPieces)
			return
		case err != nil:
			c.problem(columnQuantity, "%q is not a whole number", clipText(pieces))
			return
		}
		v.pieces = n
	}
	c.variants = append(c.variants, v)
}

// options reads the options of a row. Their names stand in the first row of a
// product.
func (c *csvReader) options(handle string, cell func(heading string) string) (options []Option) {
	names := c.names[handle]
	if names == nil {
		names = make([]string, len(optionColumns)/2)
		c.names[handle] = names
	}
	for i := range names {
		if name := cell(optionColumns[2*i]); name != "" {
			names[i] = name
		}
		if value := cell(optionColumns[2*i+1]); value != "" {
			options = append(options, Option{names[i], value})
		}
	}
	if len(options) == 1 && options[0].Value == defaultTitle {
		return nil // what stands for "no options"
	}
	return options
}
