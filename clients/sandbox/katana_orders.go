package sandbox

func (k *katanaServer) salesOrders(q *katanaQuery) katanaRows {
	ids, no, source, status := q.set("ids"), q.is("order_no"), q.is("source"), q.is("status")
	customers, places := q.one("customer_id"), q.one("location_id")
	kind, shop, outside := q.is("ecommerce_order_type"), q.is("ecommerce_store_name"), q.is("ecommerce_order_id")
	deleted, dates := q.yes("include_deleted"), q.dates()
	keep := func(o *salesOrder) bool {
		return ids.has(o.id) && no.has(o.no) && source.has(o.source) && status.has(o.status) &&
			customers.has(o.customer) && places.has(o.location.id) &&
			kind.has(o.ecommerce.kind) && shop.has(o.ecommerce.store) && outside.has(o.ecommerce.id) &&
			(deleted || !o.deleted()) && dates.has(o.dated)
	}
	linked := k.linked()
	return katanaList(q, newestFirst(&k.lists.orders, k.world.katana.orders), keep, func(o *salesOrder) wireSalesOrder {
		wire := wireSalesOrder{
			ID: o.id, CustomerID: o.customer, OrderNo: o.no, Source: maybeText(o.source), OrderCreatedDate: wireTime(o.createdAt),
			LocationID: o.location.id, Status: o.status, Currency: "EUR", InvoicingStatus: "notInvoiced",
			EcommerceOrderType: maybeText(o.ecommerce.kind), EcommerceStoreName: maybeText(o.ecommerce.store),
			EcommerceOrderID: maybeText(o.ecommerce.id), SalesOrderRows: []wireSalesOrderRow{}, wireStamps: stampsOf(o.dated),
		}
		for _, r := range o.rows {
			// Deleted rows are hidden here whatever include_deleted says.
			if !r.deleted() {
				wire.SalesOrderRows = append(wire.SalesOrderRows, wireRowOf(r, linked))
			}
		}
		return wire
	})
}

// linked tells which manufacturing order serves a row of a sales order.
func (k *katanaServer) linked() map[*salesRow]int64 {
	orders := make(map[*salesRow]int64)
	for _, m := range k.world.katana.making {
		if m.salesRow != nil && !m.deleted() {
			orders[m.salesRow] = m.id
		}
	}
	return orders
}

func (k *katanaServer) salesOrderRows(q *katanaQuery) katanaRows {
	ids, orders, variants, places := q.set("ids"), q.set("sales_order_ids"), q.one("variant_id"), q.one("location_id")
	makers, deleted, dates := q.one("linked_manufacturing_order_id"), q.yes("include_deleted"), q.dates()
	linked := k.linked()
	keep := func(r *salesRow) bool {
		return ids.has(r.id) && orders.has(r.order.id) && variants.has(r.variant.id) && places.has(r.at().id) &&
			makers.has(linked[r]) && (deleted || !r.deleted() && !r.order.deleted()) && dates.has(r.dated)
	}
	return katanaList(q, newestFirst(&k.lists.orderRows, k.world.katana.orderRows), keep, func(r *salesRow) wireSalesOrderRow { return wireRowOf(r, linked) })
}

func wireRowOf(r *salesRow, linked map[*salesRow]int64) wireSalesOrderRow {
	availability := rowAvailability(r)
	wire := wireSalesOrderRow{
		ID: r.id, SalesOrderID: r.order.id, VariantID: r.variant.id, Quantity: r.quantity.number(),
		LinkedManufacturingOrderID: maybeID(linked[r]), ProductAvailability: &availability, wireStamps: stampsOf(r.dated),
	}
	if wire.DeletedAt == nil {
		wire.DeletedAt = maybeTime(r.order.deletedAt)
	}
	if r.location != nil {
		wire.LocationID = &r.location.id
	}
	return wire
}

// rowAvailability is the traffic light of a row: can it be picked?
func rowAvailability(r *salesRow) string {
	stock := r.variant.stock[r.at().id]
	switch {
	case r.variant.item.kind == kindService:
		return "NOT_APPLICABLE"
	case r.fulfilled >= r.quantity:
		return "PICKED"
	case stock != nil && stock.inStock >= stock.committed:
		return "IN_STOCK"
	case stock != nil && stock.inStock+stock.expected >= stock.committed:
		return "EXPECTED"
	}
	return "NOT_AVAILABLE"
}

func (k *katanaServer) fulfillments(q *katanaQuery) katanaRows {
	orders, status := q.one("sales_order_id"), q.isOneOf("status", "PACKED", "DELIVERED")
	picked, deleted, dates := q.date("picked_date_min"), q.yes("include_deleted"), q.dates()
	keep := func(f *fulfillment) bool {
		return orders.has(f.order.id) && status.has(f.status) && !f.picked.Before(picked) &&
			(deleted || !f.deleted() && !f.order.deleted()) && dates.has(f.dated)
	}
	return katanaList(q, newestFirst(&k.lists.fulfillments, k.world.katana.fulfillments), keep, func(f *fulfillment) wireFulfillment {
		wire := wireFulfillment{
			ID: f.id, SalesOrderID: f.order.id, Status: f.status, PickedDate: wireTime(f.picked),
			Rows: make([]wireFulfillmentRow, 0, len(f.rows)),
		}
		for _, r := range f.rows {
			wire.Rows = append(wire.Rows, wireFulfillmentRow{ID: r.id, SalesOrderRowID: r.row.id, Quantity: r.quantity.number()})
		}
		return wire
	})
}

func (k *katanaServer) manufacturingOrders(q *katanaQuery) katanaRows {
	ids, no, places, linked := q.set("ids"), q.is("order_no"), q.one("location_id"), q.flag("is_linked_to_sales_order")
	status := q.isOneOf("status", makeNotStarted, "BLOCKED", makeInProgress, "PARTIALLY_COMPLETED", makeDone)
	deleted, dates := q.yes("include_deleted"), q.dates()
	keep := func(m *makeOrder) bool {
		return ids.has(m.id) && no.has(m.no) && places.has(m.location.id) && linked.has(m.salesRow != nil) && status.has(m.status) &&
			(deleted || !m.deleted()) && dates.has(m.dated)
	}
	return katanaList(q, newestFirst(&k.lists.making, k.world.katana.making), keep, wireMakeOrderOf)
}

func wireMakeOrderOf(m *makeOrder) wireManufacturingOrder {
	wire := wireManufacturingOrder{
		ID: m.id, Status: m.status, OrderNo: m.no, VariantID: m.variant.id, LocationID: m.location.id,
		PlannedQuantity: m.planned.number(), CompletedQuantity: m.actual.number(), RemainingQuantity: "0",
		DoneDate: maybeTime(m.doneAt), OrderCreatedDate: wireTime(m.createdAt), wireStamps: stampsOf(m.dated),
	}
	if m.salesRow != nil {
		wire.IsLinkedToSalesOrder = true
		wire.SalesOrderID, wire.SalesOrderRowID = m.salesRow.order.id, m.salesRow.id
	}
	if m.status == makeDone {
		actual := m.actual.number()
		wire.ActualQuantity = &actual
	} else {
		wire.RemainingQuantity = max(0, m.planned-m.actual).number()
	}
	return wire
}

// recipeRows lists the ingredients of manufacturing orders. They name no
// location: it is the order's.
func (k *katanaServer) recipeRows(q *katanaQuery) katanaRows {
	ids, orders, variants := q.set("ids"), q.one("manufacturing_order_id"), q.one("variant_id")
	deleted, dates := q.yes("include_deleted"), q.dates()
	keep := func(r *recipeRow) bool {
		return ids.has(r.id) && orders.has(r.order.id) && variants.has(r.variant.id) &&
			(deleted || !r.deleted() && !r.order.deleted()) && dates.has(r.dated)
	}
	return katanaList(q, newestFirst(&k.lists.recipeRows, k.world.katana.recipeRows), keep, func(r *recipeRow) wireRecipeRow {
		wire := wireRecipeRow{
			ID: r.id, ManufacturingOrderID: r.order.id, VariantID: r.variant.id, PlannedQuantityPerUnit: r.perUnit.text(10),
			TotalConsumedQuantity: r.consumed.number(), TotalRemainingQuantity: r.remaining().number(),
			IngredientAvailability: ingredientAvailability(r), wireStamps: stampsOf(r.dated),
		}
		if r.order.status == makeDone {
			actual := r.consumed.text(10)
			wire.TotalActualQuantity = &actual
		}
		if wire.DeletedAt == nil {
			wire.DeletedAt = maybeTime(r.order.deletedAt)
		}
		return wire
	})
}

func ingredientAvailability(r *recipeRow) string {
	stock := r.variant.stock[r.order.location.id]
	switch {
	case r.order.status == makeDone:
		return "PROCESSED"
	case stock != nil && stock.inStock >= stock.committed:
		return "IN_STOCK"
	case stock != nil && stock.inStock+stock.expected >= stock.committed:
		return "EXPECTED"
	}
	return "NOT_AVAILABLE"
}
