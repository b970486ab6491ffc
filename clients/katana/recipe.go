package katana

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"stocksyncd/reconcile/inventory"
)

// Recipes lists what one piece of each of the given kits takes, sorted by kit,
// then ingredient. An ingredient that stands twice in a kit is summed; a kit
// without a recipe has none here. What is made of a kit that is not given does
// not come, so who wants to see into a kit within a kit gives both. A kit may
// lead back to itself: nothing here forbids it.
//
// Katana filters by one product only. So the rows of all products are read,
// unless their first page tells that the others are more requests than asking
// for each kit; then, and for a single kit at once, the kits are asked for one
// by one. Recipes that are edited meanwhile may be seen in part, which the next
// read mends.
func (c *Client) Recipes(ctx context.Context, kits []inventory.SourceVariantID) ([]inventory.Ingredient, error) {
	rows, err := c.recipeRows(ctx, slices.Compact(slices.Sorted(slices.Values(kits))))
	if err != nil {
		return nil, err
	}
	return addUp(rows)
}

func (c *Client) recipeRows(ctx context.Context, kits []inventory.SourceVariantID) ([]recipeRow, error) {
	if len(kits) > 1 {
		rows, err := c.allRecipes(ctx, kits)
		if !errors.Is(err, errLong) {
			return rows, err
		}
	}
	return c.eachRecipe(ctx, kits)
}

// errLong reports a table with more pages than are worth reading.
var errLong = errors.New("more pages than are worth reading")

// allRecipes reads the rows of all products and keeps those of the kits. It is
// errLong when asking for each kit costs less.
func (c *Client) allRecipes(ctx context.Context, kits []inventory.SourceVariantID) ([]recipeRow, error) {
	rows, err := listing[recipeRowWire, recipeRow, string]{
		name: "recipes", path: "/bom_rows",
		read: func(f *fields, w *recipeRowWire) recipeRow { return readRecipeRow(f, w, kits) },
		id:   func(row recipeRow) string { return row.id },
		first: func(page []recipeRow, total int, _ time.Time) error {
			if (total-1)/max(len(page), 1) > len(kits) {
				return errLong
			}
			return nil
		},
	}.all(ctx, c)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(rows, func(row recipeRow) bool { return row.other }), nil
}

// eachRecipe asks for the rows of one kit after the other.
func (c *Client) eachRecipe(ctx context.Context, kits []inventory.SourceVariantID) ([]recipeRow, error) {
	var rows []recipeRow
	for _, kit := range kits {
		found, err := listing[recipeRowWire, recipeRow, string]{
			name: fmt.Sprintf("recipe of variant %d", kit), path: "/bom_rows",
			query: url.Values{"product_variant_id": {strconv.FormatInt(int64(kit), 10)}},
			read:  func(f *fields, w *recipeRowWire) recipeRow { return readRecipeRowOf(f, w, kit) },
			id:    func(row recipeRow) string { return row.id },
		}.all(ctx, c)
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

type recipeRowWire struct {
	ID         token `json:"id"`
	Product    token `json:"product_variant_id"`
	Ingredient token `json:"ingredient_variant_id"`
	Quantity   token `json:"quantity"`
}

// recipeRow is one row of a bill of materials. Its id is a UUID.
type recipeRow struct {
	id string
	inventory.Ingredient
	other bool // of a product that nobody asked for; only the product is read
}

// readRecipeRow reads the rest of a row only if it is of one of the kits, which
// are sorted: what is odd in the recipe of another product is in nobody's way.
func readRecipeRow(f *fields, w *recipeRowWire, kits []inventory.SourceVariantID) recipeRow {
	row := recipeRow{id: f.text("id", w.ID)}
	if row.id == "" {
		f.fail("id", errMissing)
	}
	row.Product = inventory.SourceVariantID(f.id("product_variant_id", w.Product))
	if _, asked := slices.BinarySearch(kits, row.Product); !asked {
		row.other = true
		return row
	}
	row.Variant = inventory.SourceVariantID(f.id("ingredient_variant_id", w.Ingredient))
	if len(w.Quantity) == 0 { // null is a row whose quantity nobody has filled in
		f.fail("quantity", errMissing)
	}
	row.Quantity = f.quantityOrZero("quantity", w.Quantity)
	if row.Quantity < 0 {
		f.fail("quantity", errBelowZero)
	}
	if f.err != nil {
		f.err = fmt.Errorf("row %.40q of variant %d: %w", row.id, row.Product, f.err)
	}
	return row
}

// readRecipeRowOf reads a row, which must be of the kit asked for: a filter that
// Katana drops brings the rows of all products.
func readRecipeRowOf(f *fields, w *recipeRowWire, kit inventory.SourceVariantID) recipeRow {
	row := readRecipeRow(f, w, []inventory.SourceVariantID{kit})
	if row.other {
		f.fail("product_variant_id", fmt.Errorf("is %d, so the filter product_variant_id=%d was not applied", row.Product, kit))
	}
	return row
}

// addUp sorts the rows and makes one of those that name the same ingredient of
// the same product.
func addUp(rows []recipeRow) ([]inventory.Ingredient, error) {
	slices.SortFunc(rows, func(a, b recipeRow) int {
		return cmp.Or(cmp.Compare(a.Product, b.Product), cmp.Compare(a.Variant, b.Variant))
	})
	recipes := make([]inventory.Ingredient, 0, len(rows))
	for _, row := range rows {
		last := len(recipes) - 1
		if last < 0 || recipes[last].Product != row.Product || recipes[last].Variant != row.Variant {
			recipes = append(recipes, row.Ingredient)
			continue
		}
		sum, fits := recipes[last].Quantity.Add(row.Quantity)
		if !fits || sum > inventory.MaxQuantity {
			return nil, fmt.Errorf("katana: recipe of variant %d: it takes more of variant %d than can be counted: look in Katana at its rows", row.Product, row.Variant)
		}
		recipes[last].Quantity = sum
	}
	return recipes, nil
}
