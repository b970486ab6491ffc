package sandbox

import (
	"iter"
	"slices"
	"strings"
	"time"
)

// katanaLists keeps the newest-first order of the lists that only grow, so
// that going through 100,000 variants by pages does not sort them 400 times.
type katanaLists struct {
	items        []*item
	variants     []*variant
	orders       []*salesOrder
	orderRows    []*salesRow
	fulfillments []*fulfillment
	making       []*makeOrder
	recipeRows   []*recipeRow
	movements    []*movement
}

// newestFirst gives source ordered by creation; known is what it gave before.
// Nothing ever leaves the source, so one of the same length is the same.
func newestFirst[T interface{ born() time.Time }](known *[]T, source []T) []T {
	if len(*known) != len(source) {
		*known = slices.Clone(source)
		slices.Reverse(*known)
		slices.SortStableFunc(*known, func(a, b T) int { return b.born().Compare(a.born()) })
	}
	return *known
}

// katanaList makes rows of what a filter keeps of a list that is ordered by
// creation. Only those of the page that is asked for are remembered and written
// out.
func katanaList[T interface{ born() time.Time }, R any](q *katanaQuery, list []T, keep func(T) bool, wire func(T) R) katanaRows {
	return katanaRowsOf(mixed(list, q.turn, func(a, b T) bool { return a.born().Equal(b.born()) }), keep, wire)
}

func katanaRowsOf[T, R any](list iter.Seq[T], keep func(T) bool, wire func(T) R) katanaRows {
	return func(from, to int) (any, int) {
		page, total := []R{}, 0
		for row := range list {
			if !keep(row) {
				continue
			}
			if total >= from && total < to {
				page = append(page, wire(row))
			}
			total++
		}
		return page, total
	}
}

func stampsOf(d dated) wireStamps {
	return wireStamps{wireTime(d.createdAt), wireTime(d.updatedAt), maybeTime(d.deletedAt)}
}

// money reads an amount, which may have more zeros behind it than a quantity;
// what is no amount counts as nothing.
func money(text string) decimal {
	if strings.Contains(text, ".") {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	amount, err := parseDecimal(text)
	if err != nil {
		return 0
	}
	return amount
}

// locations are listed in no order: none is documented.
func (k *katanaServer) locations(q *katanaQuery) katanaRows {
	ids, name, legal := q.set("ids"), q.is("name"), q.is("legal_name")
	primary, sales, makes, buys := q.flag("is_primary"), q.flag("sales_allowed"), q.flag("manufacturing_allowed"), q.flag("purchases_allowed")
	deleted, dates := q.yes("include_deleted"), q.dates()
	keep := func(l *place) bool {
		return ids.has(l.id) && name.has(l.name) && legal.has(l.legalName) &&
			primary.has(l.primary) && sales.has(l.sales) && makes.has(l.makes) && buys.has(l.buys) &&
			(deleted || !l.deleted()) && dates.has(l.dated)
	}
	anyOrder := mixed(k.world.katana.locations, q.turn, func(_, _ *place) bool { return true })
	return katanaRowsOf(anyOrder, keep, wireLocationOf)
}

func wireLocationOf(l *place) wireLocation {
	return wireLocation{
		ID: l.id, Name: l.name, LegalName: l.legalName, IsPrimary: l.primary,
		SalesAllowed: l.sales, ManufacturingAllowed: l.makes, PurchaseAllowed: l.buys,
		wireStamps: stampsOf(l.dated),
	}
}

// variants lists those of products and materials; a service's are shown only
// by /services.
func (k *katanaServer) variants(q *katanaQuery) katanaRows {
	ids, products, materials := q.set("ids"), q.one("product_id"), q.one("material_id")
	kind, skus := q.isOneOf("type", kindProduct, kindMaterial), textFilter(q.values["sku"])
	deleted, archived, dates := q.yes("include_deleted"), q.yes("include_archived"), q.dates()
	extend := slices.Contains(q.values["extend"], "product_or_material")
	keep := func(v *variant) bool {
		return v.item.kind != kindService && kind.has(v.item.kind) && ids.has(v.id) && skus.has(v.sku) &&
			(products == nil || v.item.kind == kindProduct && products.has(v.item.id)) &&
			(materials == nil || v.item.kind == kindMaterial && materials.has(v.item.id)) &&
			(deleted || !v.gone()) && (archived || !v.item.archived()) && dates.has(v.dated)
	}
	return katanaList(q, newestFirst(&k.lists.variants, k.world.katana.variants), keep, func(v *variant) wireVariant {
		wire := wireVariantOf(v)
		if extend {
			wire.ProductOrMaterial = wireItemOf(v.item, false)
		}
		return wire
	})
}

// gone reports whether the variant was deleted, by itself or with its item.
func (v *variant) gone() bool { return v.deleted() || v.item.deleted() }

func wireVariantOf(v *variant) wireVariant {
	wire := wireVariant{
		ID: v.id, SKU: maybeText(v.sku), Type: v.item.kind,
		SalesPrice: money(v.price).number(), PurchasePrice: money(v.cost).number(),
		SupplierItemCodes: []string{}, wireStamps: stampsOf(v.dated),
	}
	if wire.DeletedAt == nil {
		wire.DeletedAt = maybeTime(v.item.deletedAt)
	}
	switch v.item.kind {
	case kindProduct:
		wire.ProductID = &v.item.id
	case kindMaterial:
		wire.MaterialID = &v.item.id
	}
	return wire
}

func (k *katanaServer) products(q *katanaQuery) katanaRows {
	return k.items(q, kindProduct)
}

func (k *katanaServer) materials(q *katanaQuery) katanaRows {
	return k.items(q, kindMaterial)
}

func (k *katanaServer) items(q *katanaQuery, kind string) katanaRows {
	return katanaList(q, k.itemList(), itemFilter(q, kind), func(i *item) wireItem { return wireItemOf(i, true) })
}

func (k *katanaServer) itemList() []*item {
	return newestFirst(&k.lists.items, k.world.katana.items)
}

// itemFilter keeps items of one kind. A material is never producible and
// has no assembly to ask for, so those filters are unknown there.
func itemFilter(q *katanaQuery, kind string) func(*item) bool {
	ids, name, uom, category := q.set("ids"), q.is("name"), q.is("uom"), q.is("category_name")
	sellable, deleted, archived, dates := q.flag("is_sellable"), q.yes("include_deleted"), q.yes("include_archived"), q.dates()
	var producible, assembly flagFilter
	if kind == kindProduct {
		producible, assembly = q.flag("is_producible"), q.flag("is_auto_assembly")
	}
	return func(i *item) bool {
		return i.kind == kind && ids.has(i.id) && name.has(i.name) && uom.has(i.uom) && category.has(i.category) &&
			sellable.has(i.sellable) && producible.has(i.producible) && assembly.has(i.kit) &&
			(deleted || !i.deleted()) && (archived || !i.archived()) && dates.has(i.dated)
	}
}

func wireItemOf(i *item, nested bool) wireItem {
	wire := wireItem{
		ID: i.id, Name: i.name, UOM: i.uom, CategoryName: i.category, Type: i.kind, IsSellable: i.sellable,
		ArchivedAt: maybeTime(i.archivedAt), Configs: []struct{}{}, wireStamps: stampsOf(i.dated),
	}
	if i.kind == kindProduct {
		producible, assembly, purchasable := i.producible, i.kit, !i.producible
		wire.IsProducible, wire.IsAutoAssembly, wire.IsPurchasable = &producible, &assembly, &purchasable
	}
	if nested {
		wire.Variants = make([]wireVariant, 0, len(i.variants))
		for _, v := range i.variants {
			if !v.deleted() {
				wire.Variants = append(wire.Variants, wireVariantOf(v))
			}
		}
	}
	return wire
}

func (k *katanaServer) services(q *katanaQuery) katanaRows {
	return katanaList(q, k.itemList(), itemFilter(q, kindService), func(i *item) wireService {
		wire := wireService{
			ID: i.id, Name: i.name, UOM: i.uom, CategoryName: i.category, Type: i.kind, IsSellable: i.sellable,
			ArchivedAt: maybeTime(i.archivedAt), Variants: []wireServiceVariant{}, wireStamps: stampsOf(i.dated),
		}
		for _, v := range i.variants {
			if !v.deleted() {
				wire.Variants = append(wire.Variants, wireServiceVariant{
					ID: v.id, SKU: maybeText(v.sku), ServiceID: i.id, Type: i.kind,
					SalesPrice: money(v.price).number(), DefaultCost: money(v.cost).number(), wireStamps: stampsOf(v.dated),
				})
			}
		}
		return wire
	})
}

// bomRows are hard-deleted: what is gone leaves no trace.
func (k *katanaServer) bomRows(q *katanaQuery) katanaRows {
	ids, items, dates := q.is("id"), q.one("product_item_id"), q.dates()
	products, ingredients := q.one("product_variant_id"), q.one("ingredient_variant_id")
	keep := func(b *bomRow) bool {
		return ids.has(b.id) && items.has(b.product.item.id) && products.has(b.product.id) &&
			ingredients.has(b.ingredient.id) && dates.has(b.dated)
	}
	var known []*bomRow // rows leave this list, so its order cannot be kept
	return katanaList(q, newestFirst(&known, k.world.katana.bom), keep, func(b *bomRow) wireBOMRow {
		return wireBOMRow{
			ID: b.id, ProductItemID: b.product.item.id, ProductVariantID: b.product.id, IngredientVariantID: b.ingredient.id,
			Quantity: b.quantity.number(), Rank: b.rank, CreatedAt: wireTime(b.createdAt), UpdatedAt: wireTime(b.updatedAt),
		}
	})
}
