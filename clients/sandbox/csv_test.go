package sandbox

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// shopExport looks like what Shopify's admin gives: quoted HTML with line
// breaks, titles only in a product's first row, rows that only add an image,
// an untracked variant, one without SKU, a gift card and an oversold one.
const shopExport = `Handle,Title,Body (HTML),Vendor,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Image Src,Image Position,Gift Card,Status
classic-tee,Classic tee,"<p>Soft ""organic"" cotton,
made in Porto.</p>",Acme,true,Size,S,Colour,Black,TEE-S-BLK,180,shopify,12,deny,19.00,https://cdn.example/1.jpg,1,false,active
classic-tee,,,,,,M,,Black,TEE-M-BLK,180,shopify,0,deny,19.00,,,,
classic-tee,,,,,,,,,,,,,,,https://cdn.example/2.jpg,2,,
mug,Mug,<p>Holds coffee</p>,Acme,true,Title,Default Title,,,MUG,350,shopify,-3,continue,9.50,,,false,archived
sticker,Sticker,,Acme,true,Title,Default Title,,,,5,,,deny,1.00,,,false,draft
card,Gift card,,Acme,true,Denominations,25.00,,,CARD-25,0,,,continue,25.00,,,true,active
mug-2,Mug,,Acme,true,Title,Default Title,,,MUG,350,shopify,5,deny,9.50,,,false,active
`

func TestAProductExportBecomesAWorldInStep(t *testing.T) {
	for name, text := range map[string]string{
		"as exported":              shopExport,
		"with a mark and CR LF":    "\xef\xbb\xbf" + strings.ReplaceAll(shopExport, "\n", "\r\n"),
		"without the last newline": strings.TrimSuffix(shopExport, "\n"),
		"with empty rows":          shopExport + strings.Repeat(",", 18) + "\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			w, err := FromCSV(Options{Stores: []StoreOptions{{Name: "main"}, {Name: "outlet"}}}, "products.csv", strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			for sku, want := range map[string]int{"TEE-S-BLK": 12, "TEE-M-BLK": 0, "MUG": -3, "CARD-25": 0} {
				inStock, committed, _ := w.KatanaFigures(sku, "Main warehouse")
				if inStock != fmt.Sprint(want) || committed != "0" {
					t.Errorf("%s: katana has %q in stock and %q committed, want %d and 0", sku, inStock, committed, want)
				}
				for _, store := range w.Stores() {
					if got, ok := w.Available(store, sku, "Shop location"); !ok || got != want {
						t.Errorf("%s: store %s offers %d %v, want %d", sku, store, got, ok, want)
					}
				}
			}
			if len(w.katana.variants) != 4 || len(w.stores[0].listings) != 6 {
				t.Errorf("got %d katana variants and %d listings, want 4 and 6", len(w.katana.variants), len(w.stores[0].listings))
			}
		})
	}
}

func TestWhatTheExportSaysOfAVariantIsKept(t *testing.T) {
	variants, err := readProducts("products.csv", strings.NewReader(shopExport))
	if err != nil {
		t.Fatal(err)
	}
	want := []csvVariant{
		{handle: "classic-tee", product: "Classic tee", options: []Option{{"Size", "S"}, {"Colour", "Black"}}, sku: "TEE-S-BLK", status: "ACTIVE", pieces: 12, tracked: true},
		{handle: "classic-tee", product: "Classic tee", options: []Option{{"Size", "M"}, {"Colour", "Black"}}, sku: "TEE-M-BLK", status: "ACTIVE", tracked: true},
		{handle: "mug", product: "Mug", sku: "MUG", status: "ARCHIVED", pieces: -3, tracked: true},
		{handle: "sticker", product: "Sticker", status: "DRAFT"},
		{handle: "card", product: "Gift card", options: []Option{{"Denominations", "25.00"}}, sku: "CARD-25", status: "ACTIVE", giftCard: true},
		{handle: "mug-2", product: "Mug", sku: "MUG", status: "ACTIVE", pieces: 5, tracked: true},
	}
	if diff := cmp.Diff(want, variants, cmp.AllowUnexported(csvVariant{})); diff != "" {
		t.Error(diff)
	}
}

// Two products may have one title; their handles keep them apart.
func TestWhatTheExportSaysOfAProductIsListed(t *testing.T) {
	w, err := FromCSV(Options{}, "products.csv", strings.NewReader(shopExport))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range w.stores[0].listings {
		got = append(got, fmt.Sprintf("%s, %s: %s %v", l.product.handle, l.product.title, l.title, l.options))
	}
	want := []string{
		"classic-tee, Classic tee: S / Black [{Size S} {Colour Black}]",
		"classic-tee, Classic tee: M / Black [{Size M} {Colour Black}]",
		"mug, Mug: Default Title [{Title Default Title}]",
		"sticker, Sticker: Default Title [{Title Default Title}]",
		"card, Gift card: 25.00 [{Denominations 25.00}]",
		"mug-2, Mug: Default Title [{Title Default Title}]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if products := len(w.stores[0].products); products != 5 {
		t.Errorf("%d products, want the 5 handles of the file", products)
	}
}

func TestABrokenExportTellsRowAndColumn(t *testing.T) {
	const heading = "Handle,Title,Variant SKU,Variant Inventory Qty\n"
	for _, tc := range []struct{ name, text, want string }{
		{"nothing at all", "", "products.csv: no variants: export products from the admin's product list, as CSV for spreadsheets"},
		{"a heading alone", heading, "products.csv: no variants: export products from the admin's product list, as CSV for spreadsheets"},
		{"another kind of file", "a,b\n1,2\n", `products.csv: 4 problems
  row 1, column "Handle": the heading is missing
  row 1, column "Title": the heading is missing
  row 1, column "Variant SKU": the heading is missing
  row 1, column "Variant Inventory Qty": the heading is missing`},
		{"semicolons", "Handle;Title;Variant SKU;Variant Inventory Qty\nmug;Mug;MUG;3\n", `products.csv: 1 problem
  row 1: the cells are not separated by commas: save the file as CSV with commas`},
		{"a heading twice", "Handle,Title,Variant SKU,Variant Inventory Qty,Handle\n", `products.csv: 1 problem
  row 1, column "Handle": the heading is there twice`},
		{"figures that are none", heading + "mug,Mug,MUG,abc\ncap,Cap,CAP,1.5\nhat,Hat,HAT,999999999999999999999\nsock,Sock,SOCK,100000001\n", `products.csv: 4 problems
  row 2, column "Variant Inventory Qty": "abc" is not a whole number
  row 3, column "Variant Inventory Qty": "1.5" is not a whole number
  row 4, column "Variant Inventory Qty": "999999999999999999999" is beyond 100000000 pieces
  row 5, column "Variant Inventory Qty": "100000001" is beyond 100000000 pieces`},
		{"rows are counted as a spreadsheet does", heading + "mug,\"Mug\nwith a break\",MUG,1\ncap,Cap,CAP,x\n", `products.csv: 1 problem
  row 3, column "Variant Inventory Qty": "x" is not a whole number`},
		{"no handle and no title", heading + ",Mug,MUG,1\ncap,,CAP,1\n", `products.csv: 2 problems
  row 2, column "Handle": empty
  row 3, column "Title": empty in the first row of "cap"`},
		{"a row that is too short", heading + "mug,Mug,MUG\n", `products.csv: 1 problem
  row 2: 3 cells under 4 headings`},
		{"a quote inside a cell, after another mistake", heading + "mug,Mug,MUG,x\ncap,5\" cap,CAP,1\n", `products.csv: 2 problems
  row 2, column "Variant Inventory Qty": "x" is not a whole number
  row 3: line 3, character 6: a quote in a cell that does not start with one`},
		{"a quote that never closes", heading + "mug,\"Mug,MUG,1\n", `products.csv: 1 problem
  row 2: line 2, character 16: a quoted cell that does not end, or goes on after its closing quote`},
		{"another encoding", heading + "mug,M\xfcg,MUG,1\n", `products.csv: 1 problem
  row 2, column "Title": not UTF-8 text: save the file as CSV UTF-8`},
		{"utf-16", "\xff\xfeH\x00", "products.csv: the file is UTF-16: save it as CSV UTF-8"},
		{"more than anyone reads", heading + strings.Repeat("mug,Mug,MUG,x\n", 22), "products.csv: 22 problems" + manyProblems(20) + "\n  and 2 more"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, err := FromCSV(Options{}, "products.csv", strings.NewReader(tc.text))
			if w != nil || err == nil || err.Error() != tc.want {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func manyProblems(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "\n  row %d, column \"Variant Inventory Qty\": \"x\" is not a whole number", i+2)
	}
	return text.String()
}

func TestAProblemOfAnExportCanBeTakenApart(t *testing.T) {
	_, err := FromCSV(Options{}, "products.csv", strings.NewReader("Handle,Title,Variant SKU,Variant Inventory Qty\nmug,Mug,MUG,x\n"))
	var broken *CSVError
	if !errors.As(err, &broken) || len(broken.Problems) != 1 || broken.Problems[0].Row != 2 || broken.Problems[0].Column != "Variant Inventory Qty" {
		t.Errorf("got %#v, want row 2 and its column", err)
	}
}

func TestAFileThatCannotBeReadSaysWhy(t *testing.T) {
	gone := errors.New("the disk is gone")
	for _, start := range []string{"", "Handle,Title", "Handle,Title,Variant SKU,Variant Inventory Qty\nmug,Mug,MUG,1\n"} {
		w, err := FromCSV(Options{}, "products.csv", io.MultiReader(strings.NewReader(start), iotest.ErrReader(gone)))
		if w != nil || !errors.Is(err, gone) || !strings.HasPrefix(err.Error(), "products.csv: ") {
			t.Errorf("after %q: got %v, want the reader's own error", start, err)
		}
	}
}

func FuzzFromCSV(f *testing.F) {
	f.Add(shopExport)
	f.Add("Handle,Title,Variant SKU,Variant Inventory Qty\nmug,Mug,MUG,x\n")
	f.Add("Handle;Title\n")
	f.Add("\xef\xbb\xbf\"")
	f.Add("\xff\xfe")
	f.Fuzz(func(t *testing.T, text string) {
		w, err := FromCSV(Options{}, "f.csv", strings.NewReader(text))
		if err != nil {
			var broken *CSVError
			if errors.As(err, &broken) && (len(broken.Problems) == 0 || len(broken.Problems) > 20 || len(err.Error()) > 10_000) {
				t.Errorf("got %d problems in %d bytes", len(broken.Problems), len(err.Error()))
			}
			return
		}
		for sku, twins := range w.katana.bySKU {
			if sku == "" || len(twins) != 1 {
				t.Errorf("katana has %d variants of %q, want one of each SKU that is not empty", len(twins), sku)
			}
			if _, ok := w.Available("main", sku, "Shop location"); !ok {
				t.Errorf("%q is in katana and not in the store", sku)
			}
		}
	})
}
