package sandbox

import "github.com/vektah/gqlparser/v2/ast"

type orderObject struct{ *storeOrder }

func (orderObject) kind() string { return "Order" }

func (o orderObject) field(x *execution, f *ast.Field, args map[string]any) (any, error) {
	switch f.Name {
	case "id":
		return gid("Order", o.id), nil
	case "legacyResourceId":
		return legacyID(o.id), nil
	case "name":
		return o.name, nil
	case "createdAt", "processedAt":
		return o.createdAt, nil
	case "updatedAt":
		return o.updatedAt, nil
	case "closedAt":
		if !o.closed {
			return nil, nil
		}
		return o.updatedAt, nil
	case "cancelledAt":
		return o.cancelledAt, nil
	case "closed":
		return o.closed, nil
	case "test":
		return false, nil
	case "displayFinancialStatus":
		if o.unpaid {
			return "PENDING", nil
		}
		return "PAID", nil
	case "displayFulfillmentStatus":
		return o.fulfilment(), nil
	case "lineItems":
		return x.paginate(rowsOf("LineItem", o.lines, lineID, lineNode), args)
	case "fulfillmentOrders":
		// Without the scope the connection is empty, which is no error.
		var list []*storeOrder
		if x.s.granted("read_merchant_managed_fulfillment_orders") {
			list = append(list, o.storeOrder)
		}
		node := func(o *storeOrder) object { return fulfillmentOrderObject{o} }
		return x.paginate(rowsOf("FulfillmentOrder", list, func(o *storeOrder) int64 { return o.fulfillmentOrderID }, node), args)
	}
	return nil, unknownField(o, f)
}

func (o *storeOrder) fulfilment() string {
	done, left := 0, 0
	for _, line := range o.lines {
		done += line.fulfilled
		left += line.remaining()
	}
	switch {
	case done == 0:
		return "UNFULFILLED"
	case left > 0:
		return "PARTIALLY_FULFILLED"
	}
	return "FULFILLED"
}

func lineID(l *storeLine) int64 { return l.id }

func lineNode(l *storeLine) object {
	return fixed{"LineItem", map[string]any{
		"id": gid("LineItem", l.id), "sku": orNull(l.listing.sku), "quantity": l.quantity,
		"currentQuantity": l.quantity - l.removed - l.returned, "unfulfilledQuantity": l.remaining(),
		"variant": variantObject{l.listing},
	}}
}

type fulfillmentOrderObject struct{ *storeOrder }

func (fulfillmentOrderObject) kind() string { return "FulfillmentOrder" }

func (o fulfillmentOrderObject) field(x *execution, f *ast.Field, args map[string]any) (any, error) {
	switch f.Name {
	case "id":
		return gid("FulfillmentOrder", o.fulfillmentOrderID), nil
	case "status":
		switch {
		case !o.cancelledAt.IsZero():
			return "CANCELLED", nil
		case o.closed:
			return "CLOSED", nil
		case o.fulfilment() == "PARTIALLY_FULFILLED":
			return "IN_PROGRESS", nil
		}
		return "OPEN", nil
	case "createdAt":
		return o.createdAt, nil
	case "updatedAt":
		return o.updatedAt, nil
	case "assignedLocation":
		return fixed{"FulfillmentOrderAssignedLocation", map[string]any{"name": o.location.name, "location": locationObject{o.location}}}, nil
	case "lineItems":
		return x.paginate(rowsOf("FulfillmentOrderLineItem", o.lines, lineID, fulfillmentLineNode), args)
	}
	return nil, unknownField(o, f)
}

func fulfillmentLineNode(l *storeLine) object {
	return fixed{"FulfillmentOrderLineItem", map[string]any{
		"id": gid("FulfillmentOrderLineItem", l.id), "sku": orNull(l.listing.sku), "inventoryItemId": l.listing.itemGID(),
		"totalQuantity": l.quantity - l.removed, "remainingQuantity": l.remaining(),
		"variant": variantObject{l.listing}, "lineItem": lineNode(l),
	}}
}
