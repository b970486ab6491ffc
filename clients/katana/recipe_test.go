package katana_test

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/clients/internal/transport/transporttest"
	"stocksyncd/clients/katana"
	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/inventory"
)

// takes is a row of a bill of materials.
func takes(id string, product, ingredient int, quantity any) record {
	return record{
		"id": id, "product_item_id": 30000 + product, "product_variant_id": product, "ingredient_variant_id": ingredient,
		"quantity": quantity, "notes": nil, "rank": 10000, "created_at": created, "updated_at": created,
	}
}

// others gives n rows of products that are no kit of any test.
func others(n int) (rows []record) {
	for i := range n {
		rows = append(rows, takes(fmt.Sprintf("other-%d", i), 9000+i%7, 1, 1))
	}
	return rows
}

// bench is a shop with these rows.
func bench(rows ...[]record) *fake {
	s := shop()
	s.lists["/bom_rows"] = slices.Concat(rows...)
	return s
}

// recipeText writes recipes as "2=1×3", product=ingredient×quantity.
func recipeText(recipes []inventory.Ingredient) string {
	var text []string
	for _, r := range recipes {
		text = append(text, fmt.Sprintf("%d=%d×%s", r.Product, r.Variant, r.Quantity))
	}
	return strings.Join(text, " ")
}

func TestAKitIsMadeOfItsIngredients(t *testing.T) {
	rows := []record{
		takes("f", 3, 2, "1"), takes("e", 2, 5, nil), takes("d", 2, 4, raw("0.5")), takes("c", 2, 1, "2.00000"),
		takes("b", 2, 4, "0.25"), takes("a", 7, 1, 1),
	}
	tests := []struct {
		name string
		kits []inventory.SourceVariantID
		want string
	}{
		{"number, text and null, and an ingredient on two rows", []inventory.SourceVariantID{2}, "2=1×2 2=4×0.75 2=5×0"},
		{"a kit within a kit comes when both are given", []inventory.SourceVariantID{3, 2, 3}, "2=1×2 2=4×0.75 2=5×0 3=2×1"},
		{"and does not when it is not", []inventory.SourceVariantID{3}, "3=2×1"},
		{"a kit without a recipe", []inventory.SourceVariantID{6}, ""},
		{"a kit without a recipe among others", []inventory.SourceVariantID{6, 7}, "7=1×1"},
		{"no kit", nil, ""},
	}
	for _, test := range tests {
		for _, more := range []int{0, 2000} { // with these, the kits are asked for one by one
			t.Run(fmt.Sprint(test.name, ", rows of others: ", more), func(t *testing.T) {
				s := bench(rows, others(more))
				asked := slices.Clone(test.kits)
				read(t, s, func(t *testing.T, c *katana.Client) {
					got, err := c.Recipes(t.Context(), asked)
					if err != nil || recipeText(got) != test.want {
						t.Errorf("got %q, %v, want %q", recipeText(got), err, test.want)
					}
				})
				if !slices.Equal(asked, test.kits) {
					t.Error("the caller's list was sorted too")
				}
				if len(test.kits) == 0 && len(s.asked) != 0 {
					t.Errorf("got %d requests for no kit, want none", len(s.asked))
				}
			})
		}
	}
}

func TestRecipesAreReadTheCheaperWay(t *testing.T) {
	tests := []struct {
		name       string
		rows, kits int
		requests   int
	}{
		{"an empty table is one page", 0, 5, 1},
		{"one page tells all", 250, 5, 1},
		{"two pages for two kits", 251, 2, 2},
		{"as many more pages as kits", 750, 2, 3},
		{"one page more than that: the first was in vain", 751, 2, 1 + 2},
		{"many kits of a long table", 5000, 40, 20},
		{"a few kits of a long table", 5000, 3, 1 + 3},
		{"a single kit is asked for at once", 250, 1, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := bench(others(test.rows))
			var kits []inventory.SourceVariantID
			for i := range test.kits {
				kits = append(kits, inventory.SourceVariantID(i+1))
			}
			read(t, s, func(t *testing.T, c *katana.Client) {
				if _, err := c.Recipes(t.Context(), kits); err != nil {
					t.Fatal(err)
				}
			})
			if len(s.asked) != test.requests || s.times("/bom_rows") != test.requests {
				t.Errorf("got %d requests, %d of them to /bom_rows, want %d", len(s.asked), s.times("/bom_rows"), test.requests)
			}
		})
	}
}

// TestBothWaysToReadRecipesAgree draws recipes, reads them whole and kit by kit,
// and adds them up once more by hand.
func TestBothWaysToReadRecipesAgree(t *testing.T) {
	id := rapid.Map(rapid.IntRange(1, 8), func(n int) inventory.SourceVariantID { return inventory.SourceVariantID(n) })
	rapid.Check(t, func(rt *rapid.T) {
		kits := rapid.SliceOfNDistinct(id, 2, 6, rapid.ID).Draw(rt, "kits")
		var rows []record
		sums := map[inventory.Ingredient]inventory.Quantity{}
		for i := range rapid.IntRange(0, 30).Draw(rt, "rows") {
			row := inventory.Ingredient{Product: id.Draw(rt, "product"), Variant: id.Draw(rt, "ingredient")}
			quantity := inventory.Quantity(rapid.Int64Range(0, 5*inventory.Scale).Draw(rt, "quantity"))
			wire := rapid.SampledFrom([]any{quantity.String(), raw(quantity.String()), nil}).Draw(rt, "wire")
			rows = append(rows, takes(fmt.Sprint("row-", i), int(row.Product), int(row.Variant), wire))
			if wire == nil {
				quantity = 0
			}
			if slices.Contains(kits, row.Product) {
				sums[row] += quantity
			}
		}
		var want []inventory.Ingredient
		for row, sum := range sums {
			row.Quantity = sum
			want = append(want, row)
		}
		slices.SortFunc(want, func(a, b inventory.Ingredient) int {
			return cmp.Or(cmp.Compare(a.Product, b.Product), cmp.Compare(a.Variant, b.Variant))
		})
		for _, more := range []int{0, 2000} { // rows of others
			s := bench(rapid.Permutation(slices.Concat(rows, others(more))).Draw(rt, "table"))
			var got []inventory.Ingredient
			var err error
			read(t, s, func(t *testing.T, c *katana.Client) { got, err = c.Recipes(t.Context(), kits) })
			if err != nil || !slices.Equal(got, want) {
				rt.Fatalf("beside %d rows of others got %s, %v, want %s", more, recipeText(got), err, recipeText(want))
			}
			if byKit := s.asked[len(s.asked)-1].Query().Has("product_variant_id"); byKit != (more > 0) {
				rt.Fatalf("beside %d rows of others: asked kit by kit is %t", more, byKit)
			}
		}
	})
}

func TestARecipeRowThatIsWrongIsNamed(t *testing.T) {
	tests := []struct {
		field string
		value any // nil: the field is taken out
		want  string
	}{
		{"id", nil, `record 2: row "" of variant 2: id is missing`},
		{"id", raw(`null`), "id is missing"},
		{"id", raw(`{"a":1}`), "id is not text"},
		{"product_variant_id", nil, "product_variant_id is missing"},
		{"product_variant_id", raw(`"x"`), "product_variant_id is not an id"},
		{"ingredient_variant_id", nil, `row "b" of variant 2: ingredient_variant_id is missing`},
		{"ingredient_variant_id", raw(`null`), "ingredient_variant_id is null"},
		{"ingredient_variant_id", raw(`0`), "ingredient_variant_id is not an id"},
		{"quantity", nil, `record 2: row "b" of variant 2: quantity is missing`},
		{"quantity", raw(`-0.5`), `row "b" of variant 2: quantity is below zero`},
		{"quantity", "-2.00000", `row "b" of variant 2: quantity is below zero`},
		{"quantity", raw(`1e2`), `row "b" of variant 2: quantity is "1e2": not an exact decimal quantity`},
		{"quantity", raw(`100000000000000000`), "larger than 100000000"},
		{"quantity", raw(`0.00000000001`), "more than 10 decimals"},
		{"quantity", raw(`[2]`), "quantity is"},
	}
	for _, test := range tests {
		t.Run(test.field+" "+fmt.Sprint(test.value), func(t *testing.T) {
			broken := takes("b", 2, 4, 1)
			broken[test.field] = test.value
			if test.value == nil {
				delete(broken, test.field)
			}
			s := bench([]record{takes("a", 2, 1, 1), broken})
			for _, kits := range [][]inventory.SourceVariantID{{2}, {2, 3}} {
				s.before = func(w http.ResponseWriter, _ *http.Request) bool {
					answer(w, 2, s.lists["/bom_rows"])
					return true
				}
				read(t, s, func(t *testing.T, c *katana.Client) {
					got, err := c.Recipes(t.Context(), kits)
					wantError(t, err, "katana: recipe", test.want)
					if got != nil {
						t.Errorf("got %v beside the error", got)
					}
				})
			}
		})
	}
}

func TestAnOddRowOfAnotherProductIsInNobodysWay(t *testing.T) {
	for _, more := range []int{0, 2000} {
		read(t, bench([]record{takes("a", 2, 1, 3), takes("b", 6, 1, -1), takes("c", 6, 0, "many")}, others(more)), func(t *testing.T, c *katana.Client) {
			got, err := c.Recipes(t.Context(), []inventory.SourceVariantID{2, 3})
			if err != nil || recipeText(got) != "2=1×3" {
				t.Errorf("got %q, %v, want the recipe of 2", recipeText(got), err)
			}
		})
	}
}

func TestRecipesThatAreNotOfTheKitAskedForAreNeverData(t *testing.T) {
	s := bench([]record{takes("a", 2, 1, 1), takes("b", 7, 1, 1)})
	s.before = func(w http.ResponseWriter, r *http.Request) bool { // drops the filter
		s.page(w, r.URL.Query(), s.lists["/bom_rows"])
		return true
	}
	read(t, s, func(t *testing.T, c *katana.Client) {
		_, err := c.Recipes(t.Context(), []inventory.SourceVariantID{2})
		wantError(t, err, "katana: recipe of variant 2: record 2: product_variant_id is 7, so the filter product_variant_id=2 was not applied")
	})
}

func TestAnIngredientThatAddsUpToTooMuchIsAnError(t *testing.T) {
	for _, rows := range []int{2, 12} { // the sum of 12 would not even fit the type
		var table []record
		for i := range rows {
			table = append(table, takes(fmt.Sprint(i), 2, 1, "100000000"))
		}
		read(t, bench(table), func(t *testing.T, c *katana.Client) {
			got, err := c.Recipes(t.Context(), []inventory.SourceVariantID{2})
			wantError(t, err, "katana: recipe of variant 2: it takes more of variant 1 than can be counted")
			if got != nil {
				t.Errorf("got %v beside the error", got)
			}
		})
	}
}

func TestRecipesThatFallShortAreIncomplete(t *testing.T) {
	for _, kits := range [][]inventory.SourceVariantID{{2}, {2, 3}} {
		s := bench()
		s.before = func(w http.ResponseWriter, _ *http.Request) bool {
			answer(w, 2, []record{takes("a", 2, 1, 1), takes("a", 2, 1, 1)})
			return true
		}
		read(t, s, func(t *testing.T, c *katana.Client) {
			_, err := c.Recipes(t.Context(), kits)
			if !errors.Is(err, inventory.ErrIncomplete) {
				t.Errorf("got %v, want ErrIncomplete", err)
			}
		})
	}
}

func TestALongTableOfRecipesThatMovesIsReadAgain(t *testing.T) {
	s := bench([]record{takes("a", 2, 1, 3)}, others(600))
	s.before = func(http.ResponseWriter, *http.Request) bool {
		if s.times("/bom_rows") == 2 {
			s.lists["/bom_rows"] = slices.Concat([]record{takes("new", 3, 1, 1)}, s.lists["/bom_rows"])
		}
		return false
	}
	read(t, s, func(t *testing.T, c *katana.Client) {
		got, err := c.Recipes(t.Context(), []inventory.SourceVariantID{2, 3})
		if err != nil || recipeText(got) != "2=1×3 3=1×1" {
			t.Errorf("got %q, %v, want the row that was added, too", recipeText(got), err)
		}
	})
	if got := s.times("/bom_rows"); got != 2+3 {
		t.Errorf("got %d requests, want 2 in vain and 3", got)
	}
}

// TestRecipesOfTheSandbox reads a shop of kits, kits of kits and products that
// are made of something and are no kits.
func TestRecipesOfTheSandbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sandbox.NewWorld(sandbox.Options{Now: time.Now, KatanaPerMinute: 6000})
		w.AddLocation(sandbox.KatanaLocation{Name: "Oslo"})
		add := func(sku string, kit bool, made ...sandbox.Ingredient) inventory.SourceVariantID {
			ids, err := w.AddProduct(sandbox.Product{Name: sku, Kit: kit, Variants: []sandbox.Variant{{SKU: sku, Stock: map[string]string{"Oslo": "9"}, BOM: made}}})
			if err != nil {
				t.Fatal(err)
			}
			return inventory.SourceVariantID(ids[0])
		}
		mug, tea := add("MUG", false), add("TEA", false)
		for i := range 600 { // two pages beyond the first
			add(fmt.Sprintf("CUP-%d", i), false, sandbox.Ingredient{SKU: "TEA", Quantity: "1"})
		}
		set := add("SET", true, sandbox.Ingredient{SKU: "MUG", Quantity: "2"}, sandbox.Ingredient{SKU: "TEA", Quantity: "0.125"})
		gift := add("GIFT", true, sandbox.Ingredient{SKU: "SET", Quantity: "3"}, sandbox.Ingredient{SKU: "MUG", Quantity: "1"})
		c := katana.New(katana.Options{
			URL: "http://katana.example/v1", Key: func() string { return "sandbox-katana-key" }, PerMinute: 6000, Version: "test",
			Base: transporttest.Serve(t, w.Katana()),
		})
		variants, err := c.Catalogue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var kits []inventory.SourceVariantID
		for _, v := range variants {
			if v.Kit {
				kits = append(kits, v.ID)
			}
		}
		units := func(n int64) inventory.Quantity { return inventory.Quantity(n) * inventory.Scale }
		ofSet := []inventory.Ingredient{{Product: set, Variant: mug, Quantity: units(2)}, {Product: set, Variant: tea, Quantity: units(1) / 8}}
		ofGift := []inventory.Ingredient{{Product: gift, Variant: mug, Quantity: units(1)}, {Product: gift, Variant: set, Quantity: units(3)}}
		for _, test := range []struct {
			name     string
			kits     []inventory.SourceVariantID
			want     []inventory.Ingredient
			requests int
		}{
			{"all kits of the account", kits, slices.Concat(ofSet, ofGift), 3},
			{"one of them", []inventory.SourceVariantID{gift}, ofGift, 1},
			{"what has no recipe", []inventory.SourceVariantID{mug}, nil, 1},
		} {
			before := c.Counts().Count
			got, err := c.Recipes(t.Context(), test.kits)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("%s: got %s, %v, want %s", test.name, recipeText(got), err, recipeText(test.want))
			}
			if n := c.Counts().Count - before; n != test.requests {
				t.Errorf("%s: got %d requests, want %d", test.name, n, test.requests)
			}
		}
	})
}
