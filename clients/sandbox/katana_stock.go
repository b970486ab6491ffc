package sandbox

import "slices"

// inventory lists one row for every variant that can have stock at every
// location, whether anything ever happened there or not.
//
// Only the order of the locations is documented: the oldest first. Within one
// the order is another for each request, so that a read of several pages by
// offset repeats some rows and misses others.
func (k *katanaServer) inventory(q *katanaQuery) katanaRows {
	variants := k.stocked(q.ids("variant_id"), q.yes("include_archived"))
	wanted := q.one("location_id")
	extendVariant := slices.Contains(q.values["extend"], "variant")
	extendLocation := slices.Contains(q.values["extend"], "location")
	var places []*place
	for _, l := range k.world.katana.locations {
		if !l.deleted() && wanted.has(l.id) {
			places = append(places, l)
		}
	}
	slices.SortStableFunc(places, func(a, b *place) int { return a.createdAt.Compare(b.createdAt) })
	k.reads++
	order := newShuffle(len(variants), k.reads)
	return func(from, to int) (any, int) {
		total := len(places) * len(variants)
		page := []wireInventory{}
		for i := from; i < min(to, total); i++ {
			row := k.inventoryRow(variants[order.at(i%len(variants))], places[i/len(variants)])
			if extendVariant {
				wire := wireVariantOf(k.world.katana.variantByID[row.VariantID])
				row.Variant = &wire
			}
			if extendLocation {
				wire := wireLocationOf(k.world.katana.locationByID[row.LocationID])
				row.Location = &wire
			}
			page = append(page, row)
		}
		return page, total
	}
}

// stocked lists the variants that have rows in /inventory: of ids, or all
// when it is nil. The list is good until the next call.
func (k *katanaServer) stocked(ids []int64, archived bool) []*variant {
	keep := func(v *variant) bool {
		return v.item.kind != kindService && !v.gone() && (archived || !v.item.archived())
	}
	kept := k.scratch[:0]
	if ids == nil {
		for _, v := range k.world.katana.variants {
			if keep(v) {
				kept = append(kept, v)
			}
		}
	}
	for _, id := range ids {
		if v := k.world.katana.variantByID[id]; v != nil && keep(v) {
			kept = append(kept, v)
		}
	}
	k.scratch = kept
	return kept
}

func (k *katanaServer) inventoryRow(v *variant, l *place) wireInventory {
	f := k.world.katana.figures(v, l)
	cost := money(v.cost)
	row := wireInventory{
		VariantID: v.id, LocationID: l.id,
		SafetyStockLevel: f.safety.text(5), ReorderPoint: f.safety.text(5),
		AverageCost: cost.text(10), ValueInStock: f.inStock.times(cost).text(10),
		QuantityInStock: f.inStock.text(5), QuantityCommitted: f.committed.text(5), QuantityExpected: f.expected.text(5),
		QuantityMissingOrExcess: (f.inStock - f.committed + f.expected - f.safety).text(5),
		ArchivedAt:              maybeTime(v.item.archivedAt),
	}
	if f.isKit {
		potential := units(f.potential).text(5)
		row.QuantityPotential = &potential
	}
	return row
}

// movements lists the changes of in stock, the newest first. What was removed
// leaves no trace here.
func (k *katanaServer) movements(q *katanaQuery) katanaRows {
	ids, variants, places, resources := q.set("ids"), q.set("variant_ids"), q.one("location_id"), q.one("resource_id")
	kind := q.isOneOf("resource_type", "PurchaseOrderRow", "PurchaseOrderRecipeRow", movedBySalesOrder, movedAsIngredient,
		movedByProduction, movedByAdjustment, "StockTransferRow", movedBySystem)
	orderNo, orders, dates := q.is("caused_by_order_no"), q.one("caused_by_resource_id"), q.dates()
	keep := func(m *movement) bool {
		return !m.deleted() && ids.has(m.id) && variants.has(m.variant.id) && places.has(m.location.id) &&
			kind.has(m.resourceType) && resources.has(m.resourceID) && orderNo.has(m.orderNo) && orders.has(m.orderID) &&
			dates.has(m.dated)
	}
	return katanaList(q, newestFirst(&k.lists.movements, k.world.katana.movements), keep, func(m *movement) wireMovement {
		cost := money(m.variant.cost)
		return wireMovement{
			ID: m.id, VariantID: m.variant.id, LocationID: m.location.id, ResourceType: m.resourceType, ResourceID: m.resourceID,
			CausedByOrderNo: m.orderNo, CausedByResourceID: m.orderID, MovementDate: wireTime(m.createdAt),
			QuantityChange: m.change.number(), BalanceAfter: m.balance.number(), ValuePerUnit: cost.number(),
			ValueInStockAfter: m.balance.times(cost).number(), AverageCostAfter: cost.number(), Rank: 1,
			CreatedAt: wireTime(m.createdAt), UpdatedAt: wireTime(m.updatedAt),
		}
	})
}
