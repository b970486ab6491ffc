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
		var list []*storePart
		displayable, _ := args["displayable"].(bool)
		for _, p := range o.parts {
			if x.s.granted(fulfilmentScope) && (!displayable || !p.hidden()) {
				list = append(list, p)
			}
		}
		return x.paginate(rowsOf("FulfillmentOrder", list, func(p *storePart) int64 { return p.id }, partNode), args)
	case "refunds":
		return truncated(o.refunds, args, refundNode), nil
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

type fulfillmentOrderObject struct{ *storePart }

func partNode(p *storePart) object {
	if p == nil {
		return nil
	}
	return fulfillmentOrderObject{p}
}

func (fulfillmentOrderObject) kind() string { return "FulfillmentOrder" }

func (o fulfillmentOrderObject) field(x *execution, f *ast.Field, args map[string]any) (any, error) {
	switch f.Name {
	case "id":
		return gid("FulfillmentOrder", o.id), nil
	case "status":
		return o.status(), nil
	case "createdAt":
		return o.createdAt, nil
	case "updatedAt":
		return o.updatedAt, nil
	case "order":
		return orderObject{o.order}, nil
	case "assignedLocation":
		return fixed{"FulfillmentOrderAssignedLocation", map[string]any{"name": o.location.name, "location": locationObject{o.location}}}, nil
	case "lineItems":
		return x.paginate(rowsOf("FulfillmentOrderLineItem", o.lines, func(l *partLine) int64 { return l.id }, partLineNode), args)
	}
	return nil, unknownField(o, f)
}

func (p *storePart) status() string {
	done := 0
	for _, line := range p.lines {
		done += line.fulfilled
	}
	switch {
	case !p.order.cancelledAt.IsZero():
		return "CANCELLED"
	case p.left() == 0:
		return "CLOSED"
	case done > 0:
		return "IN_PROGRESS"
	}
	return "OPEN"
}

func partLineNode(l *partLine) object {
	of := l.line.listing
	return fixed{"FulfillmentOrderLineItem", map[string]any{
		"id": gid("FulfillmentOrderLineItem", l.id), "sku": orNull(of.sku), "inventoryItemId": of.itemGID(),
		"totalQuantity": l.total, "remainingQuantity": l.remaining(),
		"variant": variantObject{of}, "lineItem": lineNode(l.line),
	}}
}

type refundObject struct{ *storeRefund }

func refundNode(r *storeRefund) object {
	if r == nil {
		return nil
	}
	return refundObject{r}
}

func (refundObject) kind() string { return "Refund" }

func (o refundObject) field(x *execution, f *ast.Field, args map[string]any) (any, error) {
	switch f.Name {
	case "id":
		return gid("Refund", o.id), nil
	case "createdAt":
		return o.createdAt, nil
	case "order":
		return orderObject{o.order}, nil
	case "refundLineItems":
		return x.paginate(rowsOf("RefundLineItem", o.lines, func(l refundLine) int64 { return l.id }, refundLineNode), args)
	}
	return nil, unknownField(o, f)
}

func refundLineNode(l refundLine) object {
	fields := map[string]any{
		"id": gid("RefundLineItem", l.id), "lineItem": lineNode(l.line), "quantity": l.quantity,
		"restockType": l.restock, "restocked": l.location != nil, "location": nil,
	}
	if l.location != nil {
		fields["location"] = locationObject{l.location}
	}
	return fixed{"RefundLineItem", fields}
}

// truncated is a list without pages: what is beyond the size is left out.
func truncated[T any](list []T, args map[string]any, node func(T) object) []object {
	if first, given := args["first"].(int64); given {
		list = list[:min(len(list), int(max(first, 0)))]
	}
	nodes := make([]object, len(list))
	for i, one := range list {
		nodes[i] = node(one)
	}
	return nodes
}
