package cli

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"stocksyncd/clients/sandbox"
	"stocksyncd/configs"
	"stocksyncd/reconcile/inventory"
)

// blueMug is a level in Oslo: 10 on hand, of which 2 are sold and 1 is broken.
func blueMug() exportRow {
	return exportRow{
		Listing: inventory.Listing{
			Key: inventory.Key{Store: "main", Item: 1, Location: 7}, Variant: 11, SKU: "MUG-BLUE", Handle: "mug", Title: "Mug, enamel",
			Options: []inventory.Option{{Name: "Colour", Value: "Blue"}, {Name: "Size", Value: `10"`}}, HSCode: "732394", Origin: "EE",
			Active: true, Available: 7, Committed: 2, Incoming: 5, Unavailable: 1, OnHand: 10,
		},
		LocationName: "Oslo", Figure: 4,
	}
}

func plainCap() exportRow {
	return exportRow{
		Listing: inventory.Listing{
			Key: inventory.Key{Store: "main", Item: 2, Location: 8}, Variant: 12, SKU: "CAP", Handle: "cap", Title: "Cap",
			Options: []inventory.Option{{Name: "Title", Value: "Default Title"}},
			Active:  true, Available: -3, Committed: 1, OnHand: -2,
		},
		LocationName: "Bergen ÆØÅ",
	}
}

func exportOf(t *testing.T, rows ...exportRow) (string, exportNotes) {
	t.Helper()
	var out bytes.Buffer
	notes, err := inventoryCSV(&out, rows)
	if err != nil {
		t.Fatal(err)
	}
	if notes.Bytes != int64(out.Len()) {
		t.Errorf("%d bytes noted, want %d", notes.Bytes, out.Len())
	}
	return out.String(), notes
}

// crlf is text with the line ends of RFC 4180.
func crlf(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }

const headerLine = "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Option3 Name,Option3 Value,SKU,HS Code,COO,Location,Bin name," +
	"Incoming (not editable),Unavailable (not editable),Committed (not editable),Available (not editable),On hand (current),On hand (new)"

func TestAnExportIsShopifysInventoryCSV(t *testing.T) {
	unstocked := plainCap()
	unstocked.Active, unstocked.Available, unstocked.Committed, unstocked.OnHand, unstocked.Figure = false, 0, 0, 0, 30
	got, notes := exportOf(t, blueMug(), plainCap(), unstocked)
	want := crlf(headerLine,
		`mug,"Mug, enamel",Colour,Blue,Size,"10""",,,MUG-BLUE,732394,EE,Oslo,,5,1,2,7,10,7`,
		`cap,Cap,Title,Default Title,,,,,CAP,,,Bergen ÆØÅ,,0,0,1,-3,-2,1`,
		`cap,Cap,Title,Default Title,,,,,CAP,,,Bergen ÆØÅ,,0,0,0,not stocked,not stocked,30`)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if notes.Rows != 3 || notes.Altered != 0 || len(notes.LeftOut) != 0 {
		t.Errorf("notes %+v, want 3 rows and nothing else", notes)
	}
}

func TestAnExportOfNothingHasTheHeader(t *testing.T) {
	if got, _ := exportOf(t); got != crlf(headerLine) {
		t.Errorf("got %q, want the header", got)
	}
}

func TestAFormulaInACellIsText(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"an ordinary SKU", "MUG-BLUE", "MUG-BLUE"},
		{"signs within", "a=b+c-d@e", "a=b+c-d@e"},
		{"nothing", "", ""},
		{"an apostrophe of its own", "'=1", "'=1"},
		{"equals", "=1+1", "'=1+1"},
		{"plus", "+1", "'+1"},
		{"minus", "-MUG", "'-MUG"},
		{"at", "@SUM(A1)", "'@SUM(A1)"},
		{"tab", "\tMUG", "' MUG"},
		{"carriage return", "\rMUG", "' MUG"},
		{"line feed", "\nMUG", "' MUG"},
		{"after a space", " =1", "' =1"},
		{"after a no-break and an ideographic space", "\u00a0\u3000=1", "'\u00a0\u3000=1"},
		{"after what cannot be seen", "\ufeff\u200b=1", "'\ufeff\u200b=1"},
		{"after a control character", "\x00=1", "' =1"},
		{"after a quote", `"=1`, `'"=1`},
		{"full-width equals", "＝1", "'＝1"},
		{"full-width plus", "＋1", "'＋1"},
		{"full-width minus", "－1", "'－1"},
		{"full-width at", "＠A1", "'＠A1"},
		{"after a list separator", "Mug;=1+1; -2;x", "Mug;'=1+1;' -2;x"},
		{"a quote after a list separator", `Mug;"=1`, `Mug;'"=1`},
		{"a line break within", "Mug\r\nblue", "Mug  blue"},
		{"bytes that are no text", "Mug\xff", "Mug\uFFFD"},
	} {
		if got := safeCell(test.text); got != test.want {
			t.Errorf("%s: %q is written as %q, want %q", test.name, test.text, got, test.want)
		}
	}
}

func TestAHostileTitleIsDefusedAndCounted(t *testing.T) {
	r := blueMug()
	r.Title, r.SKU, r.Figure = `=HYPERLINK("http://x")`, "-MUG", -9
	got, notes := exportOf(t, r)
	want := crlf(headerLine, `mug,"'=HYPERLINK(""http://x"")",Colour,Blue,Size,"10""",,,'-MUG,732394,EE,Oslo,,5,1,2,7,10,-6`)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s: the figure is a number, the texts are text", got, want)
	}
	if notes.Altered != 2 {
		t.Errorf("%d cells altered, want 2", notes.Altered)
	}
}

func TestARowThatWouldBeImportedAsAnotherIsLeftOut(t *testing.T) {
	option := func(i int, name, value string) func(*exportRow) {
		return func(r *exportRow) { r.Options[i] = inventory.Option{Name: name, Value: value} }
	}
	for _, test := range []struct {
		name   string
		spoil  func(*exportRow)
		reason string
	}{
		{"a handle", func(r *exportRow) { r.Handle = "-mug" }, "Handle -mug looks like a formula"},
		{"no handle", func(r *exportRow) { r.Handle = "" }, "Handle is empty"},
		{"an option's name", option(0, "+Colour", "Blue"), "Option1 Name +Colour"},
		{"an option's value", option(1, "Size", "=S"), "Option2 Value =S"},
		{"an option over two lines", option(0, "Colour", "Blue\nand red"), `Option1 Value "Blue\nand red"`},
		{"no options", func(r *exportRow) { r.Options = nil }, "Option1 Value is empty"},
		{"four options", func(r *exportRow) { r.Options = make([]inventory.Option, 4) }, "4 options"},
		{"an HS code", func(r *exportRow) { r.HSCode = "@1" }, "HS Code @1"},
		{"a country of origin", func(r *exportRow) { r.Origin = "=A" }, "COO =A"},
		{"a location", func(r *exportRow) { r.LocationName = "－Oslo" }, "Location －Oslo"},
		{"a location without a name", func(r *exportRow) { r.LocationName = "" }, "Location is empty"},
		{"more than Shopify counts", func(r *exportRow) { r.Figure = 1_000_000_000 }, "more on hand than the 1000000000"},
		{"more than an int64 holds", func(r *exportRow) { r.Figure, r.Committed = math.MaxInt64, 1 }, "more on hand"},
		{"less than an int64 holds", func(r *exportRow) { r.Committed, r.Unavailable = math.MinInt64, -1 }, "more on hand"},
	} {
		bad := blueMug()
		test.spoil(&bad)
		bad.Title = "=1" // it is not there, so it is not counted
		got, notes := exportOf(t, bad, plainCap())
		if strings.Count(got, "\r\n") != 2 || !strings.Contains(got, "\r\ncap,") {
			t.Errorf("%s: got\n%s\nwant the header and the cap", test.name, got)
		}
		if notes.Rows != 1 || notes.Altered != 0 || len(notes.LeftOut) != 1 || !strings.Contains(notes.LeftOut[0].Why, test.reason) || notes.LeftOut[0].SKU != "MUG-BLUE" {
			t.Errorf("%s: notes %+v, want the mug left out with %q", test.name, notes, test.reason)
		}
	}
}

func TestTwoLocationsOfOneNameAreRefusedByName(t *testing.T) {
	other, third := blueMug(), plainCap()
	other.Location, third.Location = 70, 80
	var out bytes.Buffer
	_, err := inventoryCSV(&out, []exportRow{blueMug(), plainCap(), other, third, other})
	if err == nil || !strings.Contains(err.Error(), "by the name Bergen ÆØÅ, Oslo,") {
		t.Errorf("error %v, want both names", err)
	}
	if out.Len() != 0 {
		t.Errorf("%q was written, want nothing", &out)
	}
	if _, err := inventoryCSV(io.Discard, []exportRow{blueMug(), blueMug()}); err != nil {
		t.Errorf("one location twice: %v", err)
	}
}

func TestOnHandLeavesTheFigureAvailable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		units := rapid.Custom(func(t *rapid.T) inventory.Units {
			return inventory.Units(rapid.OneOf(rapid.Int64Range(-2_000_000_000, 2_000_000_000), rapid.Int64()).Draw(t, "units"))
		})
		r := blueMug()
		r.Figure, r.Committed, r.Unavailable = units.Draw(t, "figure"), units.Draw(t, "committed"), units.Draw(t, "unavailable")
		after, ok := r.onHand()
		if !ok {
			if sum := float64(r.Figure) + float64(r.Committed) + float64(r.Unavailable); max(math.Abs(float64(r.Figure)), math.Abs(float64(r.Committed)), math.Abs(float64(r.Unavailable)), math.Abs(sum)) <= 1e9 {
				t.Fatalf("%d with %d committed and %d unavailable is left out, and Shopify takes it", r.Figure, r.Committed, r.Unavailable)
			}
			return
		}
		if got := after - r.Committed - r.Unavailable; got != r.Figure {
			t.Fatalf("%d on hand leave %d available, want %d", after, got, r.Figure)
		}
		if after < -1_000_000_000 || after > 1_000_000_000 {
			t.Fatalf("%d on hand, and Shopify takes no more than 1000000000", after)
		}
	})
}

// FuzzExports has any text and figures written and read back: all cells are as
// they were, apart from what safeCell does to the title and the SKU, and none
// begins like a formula, wherever a spreadsheet cuts the line.
func FuzzExports(f *testing.F) {
	f.Add("mug", "Mug", "Colour", "Blue", "MUG", "6109", "Oslo", int64(4), int64(1))
	f.Add("mug", `=1";=2`, "Colour", "a;b", " \t@x", "", "Oslo, \"yard\"", int64(-4), int64(0))
	f.Add("mug", "'x\r\ny", "Colour", `\.`, "\xff\ufeff－", "", " Oslo", int64(math.MaxInt64), int64(1))
	f.Fuzz(func(t *testing.T, handle, title, name, value, sku, hs, location string, figure, committed int64) {
		r := exportRow{Listing: inventory.Listing{
			Handle: handle, Title: title, SKU: inventory.SKU(sku), HSCode: hs, Active: true, Committed: inventory.Units(committed),
			Options: []inventory.Option{{Name: name, Value: value}},
		}, LocationName: location, Figure: inventory.Units(figure)}
		text, notes := exportOf(t, r)
		records := parsed(t, text)
		if len(records) != 2-len(notes.LeftOut) || len(records) != 1+notes.Rows {
			t.Fatalf("%d lines, notes %+v", len(records), notes)
		}
		cutsAreNoFormulas(t, text)
		if notes.Rows == 0 {
			return
		}
		got, want := records[1], r.texts()
		for i := range want {
			switch column := inventoryHeader[i]; {
			case slices.Contains(shownColumns, column):
				if unquoted(got[i]) != unquoted(want[i]) {
					t.Errorf("%s: %q reads as %q", column, want[i], got[i])
				}
			case got[i] != want[i]:
				t.Errorf("%s: %q reads as %q", column, want[i], got[i])
			}
		}
	})
}

// parsed reads a file back.
func parsed(t *testing.T, text string) [][]string {
	t.Helper()
	reader := csv.NewReader(strings.NewReader(text))
	records, err := reader.ReadAll()
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return records
}

// unquoted is text without what safeCell may have done to it.
func unquoted(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\'':
			return -1
		case unicode.IsControl(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

func cutsAreNoFormulas(t *testing.T, text string) {
	t.Helper()
	var cells []string
	for _, record := range parsed(t, text) {
		for i, cell := range record {
			if figures := len(record) == len(inventoryHeader) && i > slices.Index(inventoryHeader, "Bin name"); !figures {
				cells = append(cells, cell)
			}
		}
	}
	for _, line := range strings.Split(text, "\r\n") {
		cells = append(cells, strings.Split(line, ";")...)
	}
	for _, cell := range cells {
		bare := strings.TrimLeft(cell, "\t\r\n \"\u00a0\u3000\ufeff\u200b\x00")
		if bare != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(bare)[0]) {
			t.Errorf("the cell %q begins like a formula in %q", cell, text)
		}
	}
}

// nearMug is a Shopify SKU of two variants and the Katana SKU that it is near.
func nearMug() inventory.NearMiss {
	return inventory.NearMiss{
		Shopify: "mug-blue", Katana: "MUG-BLUE", Differ: []string{"case", "dashes"},
		Variants: []inventory.VariantID{11, 13}, Sources: []inventory.SourceVariantID{501, 502},
	}
}

func nearOf(t *testing.T, misses []inventory.NearMiss, listings ...inventory.Listing) (string, exportNotes) {
	t.Helper()
	var out bytes.Buffer
	notes, err := nearMissCSV(&out, misses, listings)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), notes
}

const nearLine = "Product handle,Product title,Option 1,Value 1,Option 2,Value 2,Option 3,Value 3,SKU now,SKU in Katana,Differs in,Choose,Shopify variant id,Katana variant id"

func TestNearMissesAreAListOfVariantsToChange(t *testing.T) {
	mug := blueMug().Listing
	got, notes := nearOf(t, []inventory.NearMiss{nearMug()}, mug, plainCap().Listing)
	want := crlf(nearLine,
		`mug,"Mug, enamel",Colour,Blue,Size,"10""",,,mug-blue,MUG-BLUE,"case, dashes",,gid://shopify/ProductVariant/11,"501, 502"`,
		`,,,,,,,,mug-blue,MUG-BLUE,"case, dashes",,gid://shopify/ProductVariant/13,"501, 502"`)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if notes.Rows != 2 || notes.Altered != 0 {
		t.Errorf("notes %+v, want 2 rows", notes)
	}
}

func TestTheListOfNearMissesIsNoImportFile(t *testing.T) {
	for _, column := range []string{"Handle", "URL handle", "Title", "SKU", "Variant SKU", "Option1 Name", "Option1 name", "Option1 Value", "Option1 value"} {
		if slices.Contains(nearHeader, column) {
			t.Errorf("the list has a column %s, which an import of products takes", column)
		}
	}
}

func TestANearMissNeverChoosesForTheOwner(t *testing.T) {
	miss := func(shopify, katana inventory.SKU) inventory.NearMiss {
		return inventory.NearMiss{Shopify: shopify, Katana: katana, Variants: []inventory.VariantID{1}}
	}
	misses := []inventory.NearMiss{miss("tee", "TEE"), miss("mug", "MUG"), miss("cap", "CAP"), miss("mug", "Mug"), miss("Cap", "CAP"), miss("Mug", "MUG")}
	before := slices.Clone(misses)
	text, _ := nearOf(t, misses)
	var got [][]string
	for _, record := range parsed(t, text)[1:] {
		got = append(got, []string{record[8], record[9], record[11]})
	}
	want := [][]string{
		{"Cap", "CAP", "one of 2 Shopify SKUs"},
		{"Mug", "MUG", "one of 2 Shopify SKUs"},
		{"cap", "CAP", "one of 2 Shopify SKUs"},
		{"mug", "MUG", "one of 2 Katana SKUs, one of 2 Shopify SKUs"},
		{"mug", "Mug", "one of 2 Katana SKUs"},
		{"tee", "TEE", ""},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !reflect.DeepEqual(misses, before) {
		t.Error("the near misses of the caller were put in another order")
	}
}

func FuzzNearMisses(f *testing.F) {
	f.Add("mug", "=cmd|'/c calc'!A0", "Blue", "-MUG", "＋MUG", "case")
	f.Add("=mug", "a;\"@b", "\r\nBlue", "007", "7", "leading zeros")
	f.Fuzz(func(t *testing.T, handle, title, value, shopify, katana, differ string) {
		miss := inventory.NearMiss{
			Shopify: inventory.SKU(shopify), Katana: inventory.SKU(katana), Differ: []string{differ}, Variants: []inventory.VariantID{1}, Sources: []inventory.SourceVariantID{2},
		}
		listing := inventory.Listing{Variant: 1, Handle: handle, Title: title, Options: []inventory.Option{{Name: "Colour", Value: value}}}
		text, notes := nearOf(t, []inventory.NearMiss{miss}, listing)
		records := parsed(t, text)
		if len(records) != 2 || notes.Rows != 1 {
			t.Fatalf("%d lines, want the header and one", len(records))
		}
		cutsAreNoFormulas(t, text)
		altered := 0
		for i, want := range []string{handle, title, "Colour", value, "", "", "", "", shopify, katana, differ, "", "gid://shopify/ProductVariant/1", "2"} {
			if unquoted(records[1][i]) != unquoted(want) {
				t.Errorf("%s: %q reads as %q", nearHeader[i], want, records[1][i])
			}
			if records[1][i] != want {
				altered++
			}
		}
		if altered != notes.Altered {
			t.Errorf("%d cells noted as altered, want %d", notes.Altered, altered)
		}
	})
}

func TestAnExportGoesToStdoutAndWhatToKnowToStderr(t *testing.T) {
	b := newBench(t)
	env, out, log := b.env()
	bad, odd := blueMug(), plainCap()
	bad.Handle, odd.Title = "=mug", "+Cap"
	err := (&app{Env: env, output: "text", color: "never"}).export("", func(w io.Writer) (exportNotes, error) { return inventoryCSV(w, []exportRow{bad, odd}) })
	if want, _ := exportOf(t, odd); err != nil || out.String() != want {
		t.Errorf("%v, stdout\n%s\nwant\n%s", err, out, want)
	}
	want := `1 row written. Import it in Shopify's admin: Products > Inventory > Import.
1 cell was altered: an apostrophe before what a spreadsheet takes for a formula, a space for a control character.
Left out: MUG-BLUE at Oslo: Handle =mug looks like a formula or holds a control character, and would not be imported as it is: change it in Shopify.
`
	if log.String() != want {
		t.Errorf("stderr\n%s\nwant\n%s", log, want)
	}
}

// sheetOf is an export as a spreadsheet shows it: a record for each row, by the
// names of its columns.
func sheetOf(t *testing.T, text string) (rows []map[string]string) {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func TestAnExportThatIsImportedLeavesNoDrift(t *testing.T) {
	b := settled(t)
	b.do(sandbox.HandEdit{Store: "main", SKU: "TEE-M", Location: "Bergen", Available: 13})
	b.do(sandbox.StockAdjusted{SKU: "MUG-BLUE", Location: "Oslo", To: "2"})
	b.do(sandbox.OrderPlaced{Store: "main", Order: "#7", Location: "Oslo", Lines: []sandbox.Line{{SKU: "CAP-RED", Quantity: "4"}}, Import: sandbox.Import{After: time.Hour}})
	out, log := b.expect(exitDone, "export")
	rows := sheetOf(t, out)
	if len(rows) != 6 || !strings.Contains(log, "6 rows written.") {
		t.Fatalf("%d rows, %q; want those of the levels that have a figure", len(rows), log)
	}
	for _, row := range rows {
		number := func(column string) int {
			n, err := strconv.Atoi(row[column])
			if err != nil {
				t.Fatalf("%s: %v", column, err)
			}
			return n
		}
		available := number("On hand (new)") - number("Committed (not editable)") - number("Unavailable (not editable)")
		b.do(sandbox.HandEdit{Store: "main", SKU: row["SKU"], Location: row["Location"], Available: available})
	}
	if got, _ := b.world.Available("main", "CAP-RED", "Oslo"); got != 26 {
		t.Errorf("CAP-RED shows %d, want the 26 that are not sold yet: Katana has 30 and has not heard of 4", got)
	}
	out, _ = b.expect(exitDrift, "plan") // those 4 wait
	if !strings.Contains(out, "1 change in 6 figures. 1 waits.") {
		t.Errorf("after the import a plan says\n%s", out)
	}
}

func TestARaiseThatNoCycleHasWaitedForIsNotExported(t *testing.T) {
	b := newBench(t) // no cycle has run, and no state file is there
	guessing(t, b.world)
	b.do(sandbox.OrderPlaced{Store: "main", Order: "#7", Location: "Oslo", Lines: []sandbox.Line{{SKU: "CAP-RED", Quantity: "4"}}, Import: sandbox.Import{After: time.Hour}})
	out, log := b.expect(exitDone, "export")
	if rows := sheetOf(t, out); len(rows) != 5 || !strings.Contains(log, "Left out: CAP-RED at Oslo: raising it to 30 waits until ") {
		t.Errorf("%d rows, stderr %q; want all but the one whose 4 sold units would be offered again", len(rows), log)
	}
}

func TestARowWhoseStockMovedWhileItWasReadIsLeftOut(t *testing.T) {
	key := inventory.Key{Store: "main", Item: 1, Location: 7}
	listing := inventory.Listing{Key: key, SKU: "MUG", Handle: "mug", Available: 4, Committed: 1, OnHand: 5, Active: true}
	figure := inventory.LevelFigure{Key: key, Location: "Oslo", SKU: "MUG", Observed: 5, Target: 9}
	rows, moved := exportRows([]inventory.LevelFigure{figure}, []inventory.Listing{listing})
	if len(rows) != 0 || len(moved) != 1 || moved[0].SKU != "MUG" || !strings.Contains(moved[0].Why, "export again") {
		t.Errorf("a unit was sold in between: got %+v, left out %+v", rows, moved)
	}
	alone := figure
	alone.Left = inventory.ReasonUntracked
	elsewhere := figure
	elsewhere.Location, elsewhere.Key.Location, elsewhere.Observed, elsewhere.Target = "Bergen", 8, 0, 2
	listing.Available, listing.Committed = 5, 0
	rows, moved = exportRows([]inventory.LevelFigure{alone, figure, elsewhere}, []inventory.Listing{listing})
	if len(moved) != 0 || len(rows) != 2 || rows[0].Figure != 9 || rows[0].LocationName != "Oslo" || !rows[0].Active {
		t.Fatalf("got %+v, left out %+v", rows, moved)
	}
	if there := rows[1]; there.Handle != "mug" || there.Active || there.Figure != 2 || there.Location != 8 {
		t.Errorf("an item that is not stocked yet: got %+v", there)
	}
}

func TestAnExportIsOfTheStoreThatIsNamedOrTheOnlyOne(t *testing.T) {
	b := newBench(t)
	if _, log := b.expect(exitUsage, "export", "--store", "outlet"); !strings.Contains(log, "it has main") {
		t.Errorf("an unknown store: %q", log)
	}
	if _, log := b.expect(exitUsage, "export", "--output", "json"); !strings.Contains(log, "CSV") {
		t.Errorf("JSON: %q", log)
	}
	two := &configs.Config{Stores: []configs.Store{{Name: "main"}, {Name: "outlet"}}}
	var usage usageError
	if _, err := oneStore(two, ""); !errors.As(err, &usage) || !strings.Contains(err.Error(), "main, outlet") {
		t.Errorf("two stores and none named: %v, want both names", err)
	}
	if got, err := oneStore(two, "outlet"); got != "outlet" || err != nil {
		t.Errorf("store %q, %v; want outlet", got, err)
	}
}

func TestAnExportToAFileIsWholeOrNotThere(t *testing.T) {
	b := newBench(t)
	b.must(b.world.AddProduct(sandbox.Product{Name: "Lamp", Created: noon.Add(-time.Hour), Variants: []sandbox.Variant{{SKU: "LAMP-1"}}}))
	b.must(b.world.AddListing("main", sandbox.Listing{SKU: "lamp 1", Product: "Lamp", Levels: []sandbox.Level{{Location: "Oslo", Available: 1}}}))
	path := filepath.Join(t.TempDir(), "stock.csv")
	want, _ := b.expect(exitDone, "export")
	if out, log := b.expect(exitDone, "export", "--out", path); out != "" || !strings.Contains(log, "6 rows saved to "+path+".") {
		t.Errorf("stdout %q, stderr %q", out, log)
	}
	holds := func(want string) {
		t.Helper()
		if data, err := os.ReadFile(path); err != nil || string(data) != want {
			t.Errorf("%v: the file holds\n%s\nwant\n%s", err, data, want)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v: mode %v, want 600", err, info.Mode())
		}
		if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
			t.Errorf("%d files, want only the export", len(entries))
		}
	}
	holds(want)
	b.do(sandbox.ShopSwitched{Store: "main", State: sandbox.ShopFrozen})
	if _, log := b.expect(exitFailed, "export", "--out", path); !strings.Contains(log, "frozen") {
		t.Errorf("a store that is down: stderr %q", log)
	}
	holds(want)
	b.do(sandbox.ShopSwitched{Store: "main", State: sandbox.ShopOpen})
	near, log := b.expect(exitDone, "export", "--near-misses")
	if row := sheetOf(t, near); len(row) != 1 || !strings.Contains(near, "LAMP-1") || !strings.Contains(log, "It is a list to work through, not a file to import") {
		t.Errorf("near misses:\n%s%s", near, log)
	}
	if got := b.world.Mutations("main"); got != 0 {
		t.Errorf("%d mutations, want none", got)
	}
}

func TestWhatIsLeftOutOfALargeExportIsCutShort(t *testing.T) {
	notes := exportNotes{Rows: 90_000, Bytes: 16_200_000, LeftOut: make([]leftOut, 23), Next: "Import it."}
	lines := notes.lines("written")
	if got := lines[1]; got != "The file has 16.2 MB, and Shopify imports 15 MB at most: split it, each part with the header." {
		t.Errorf("got %q, want the size", got)
	}
	if got := lines[len(lines)-1]; len(lines) != 23 || got != "And 3 more were left out." {
		t.Errorf("%d lines, the last %q; want 20 that are named and the rest in one", len(lines), got)
	}
}
