package sandbox

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// queryRoot is where queries start.
type queryRoot struct{}

func (queryRoot) kind() string { return "QueryRoot" }

func (q queryRoot) field(x *execution, f *ast.Field, args map[string]any) (any, error) {
	s := x.s
	switch f.Name {
	case "shop":
		return shopObject{s}, nil
	case "currentAppInstallation":
		return installation{s}, nil
	case "publicApiVersions":
		return apiVersions(s.opts.APIVersion), nil
	case "productVariantsCount":
		return countObject(len(s.listings), args["limit"]), nil
	case "productVariants":
		return x.variants(args)
	case "inventoryItems":
		list := match(x, s.listings, args, itemsBy)
		return x.paginate(rowsOf("InventoryItem", list, func(l *listing) int64 { return l.itemID }, itemNode), args)
	case "locations":
		return x.locations(args)
	case "orders":
		return x.orders(args)
	case "bulkOperation":
		text, _ := args["id"].(string)
		if o := s.bulkByGID(text); o != nil {
			return bulkObject{o}, nil
		}
		return nil, nil
	case "bulkOperations":
		id := func(o *bulkOperation) int64 { return o.id }
		return x.paginate(rowsOf("BulkOperation", s.bulk, id, func(o *bulkOperation) object { return bulkObject{o} }), args)
	case "nodes":
		ids, _ := args["ids"].([]any)
		nodes := make([]object, len(ids))
		for i, id := range ids {
			nodes[i] = x.node(id)
		}
		return nodes, nil
	case "node":
		return known(x.node(args["id"]))
	case "location":
		if args["id"] == nil {
			return known(locationNode(s.location("")))
		}
		return x.nodeOf("Location", args["id"])
	case "productVariant", "product", "inventoryItem", "inventoryLevel", "order", "fulfillmentOrder", "refund":
		return x.nodeOf(strings.ToUpper(f.Name[:1])+f.Name[1:], args["id"])
	}
	return nil, unknownField(q, f)
}

// known turns an object that is not there into a plain nil.
func known(o object) (any, error) {
	if o == nil {
		return nil, nil
	}
	return o, nil
}

// nodeOf looks up an id that must be one of a kind.
func (x *execution) nodeOf(kind string, id any) (any, error) {
	text, _ := id.(string)
	if !strings.HasPrefix(text, "gid://shopify/"+kind+"/") {
		return nil, fieldErrorf("RESOURCE_NOT_FOUND", "Invalid id: %s", text)
	}
	return known(x.node(id))
}

// node finds anything by its GID; nil means that there is no such thing.
func (x *execution) node(id any) object {
	text, _ := id.(string)
	kind, _, _ := strings.Cut(strings.TrimPrefix(text, "gid://shopify/"), "/")
	plain, _, _ := strings.Cut(text, "?")
	number, ok := gidNumber(kind, plain)
	if !ok {
		return nil
	}
	s := x.s
	switch kind {
	case "ProductVariant":
		return variantNode(s.listingByID[number])
	case "InventoryItem":
		return itemNode(s.listingByItem[number])
	case "Location":
		return locationNode(s.locationByID[number])
	case "InventoryLevel":
		if l := s.levelByGID(text); l != nil {
			return levelObject{l}
		}
	case "Product":
		for _, p := range s.products {
			if p.id == number {
				return productObject{p}
			}
		}
	case "Order":
		for _, o := range s.orders {
			if o.id == number {
				return orderObject{o}
			}
		}
	case "FulfillmentOrder":
		if s.granted(fulfilmentScope) {
			return partNode(s.part(number))
		}
	case "Refund":
		return refundNode(s.refund(number))
	}
	return nil
}

func (s *store) part(id int64) *storePart {
	for _, o := range s.orders {
		for _, p := range o.parts {
			if p.id == id {
				return p
			}
		}
	}
	return nil
}

func (s *store) refund(id int64) *storeRefund {
	for _, o := range s.orders {
		for _, r := range o.refunds {
			if r.id == id {
				return r
			}
		}
	}
	return nil
}

// levelByGID finds a level by its whole id, the item's part included.
func (s *store) levelByGID(text string) *level {
	_, query, _ := strings.Cut(text, "?inventory_item_id=")
	item, ok := gidNumber("InventoryItem", "gid://shopify/InventoryItem/"+query)
	if !ok || s.listingByItem[item] == nil {
		return nil
	}
	for _, l := range s.listingByItem[item].levels {
		if l.gid() == text {
			return l
		}
	}
	return nil
}

var (
	variantsBy = filter[*listing]{
		"id":                  func(l *listing, t term) bool { return t.number(l.id) },
		"sku":                 func(l *listing, t term) bool { return t.words(l.sku) },
		"title":               func(l *listing, t term) bool { return t.words(l.title) },
		"product_id":          func(l *listing, t term) bool { return t.number(l.product.id) },
		"product_status":      func(l *listing, t term) bool { return strings.EqualFold(t.value, l.product.status) },
		"gift_card":           func(l *listing, t term) bool { return t.flag(l.product.giftCard) },
		"requires_components": func(l *listing, t term) bool { return t.flag(l.bundle()) },
		"updated_at":          func(l *listing, t term) bool { return t.time(l.updated()) },
	}
	itemsBy = filter[*listing]{
		"id":         func(l *listing, t term) bool { return t.number(l.itemID) },
		"sku":        func(l *listing, t term) bool { return t.words(l.sku) },
		"created_at": func(l *listing, t term) bool { return t.time(l.createdAt) },
		"updated_at": func(l *listing, t term) bool { return t.time(l.itemUpdatedAt) },
	}
	levelsBy = filter[*level]{
		"id":                func(l *level, t term) bool { return t.number(l.id) },
		"inventory_item_id": func(l *level, t term) bool { return t.number(l.listing.itemID) },
		"created_at":        func(l *level, t term) bool { return t.time(l.createdAt) },
		"updated_at":        func(l *level, t term) bool { return t.time(l.updatedAt) },
	}
	locationsBy = filter[*storeLocation]{
		"name":        func(l *storeLocation, t term) bool { return t.words(l.name) },
		"active":      func(l *storeLocation, t term) bool { return t.flag(l.active) },
		"legacy":      func(l *storeLocation, t term) bool { return t.flag(l.service) },
		"location_id": func(l *storeLocation, t term) bool { return t.number(l.id) },
	}
	ordersBy = filter[*storeOrder]{
		"id":         func(o *storeOrder, t term) bool { return t.number(o.id) },
		"name":       func(o *storeOrder, t term) bool { return t.value == o.name || "#"+t.value == o.name },
		"created_at": func(o *storeOrder, t term) bool { return t.time(o.createdAt) },
		"updated_at": func(o *storeOrder, t term) bool { return t.time(o.updatedAt) },
		"status":     orderStatus,
	}
)

func orderStatus(o *storeOrder, t term) bool {
	switch strings.ToLower(t.value) {
	case "open":
		return !o.closed && o.cancelledAt.IsZero()
	case "not_closed":
		return !o.closed
	case "closed":
		return o.closed
	case "cancelled":
		return !o.cancelledAt.IsZero()
	}
	return true
}

func (x *execution) variants(args map[string]any) (any, error) {
	list := match(x, x.s.listings, args, variantsBy)
	id := func(l *listing) int64 { return l.id }
	switch args["sortKey"] {
	case "SKU":
		return x.paginate(sorted("ProductVariant", list, id, func(l *listing) string { return l.sku }, variantNode), args)
	case "TITLE":
		return x.paginate(sorted("ProductVariant", list, id, func(l *listing) string { return l.title }, variantNode), args)
	}
	return x.paginate(rowsOf("ProductVariant", list, id, variantNode), args)
}

// locations leaves out what is deactivated or a fulfilment app's unless it is
// asked for.
func (x *execution) locations(args map[string]any) (any, error) {
	inactive, _ := args["includeInactive"].(bool)
	legacy, _ := args["includeLegacy"].(bool)
	var list []*storeLocation
	for _, l := range x.s.locations {
		if (l.active || inactive) && (!l.service || legacy) {
			list = append(list, l)
		}
	}
	list = match(x, list, args, locationsBy)
	id := func(l *storeLocation) int64 { return l.id }
	if args["sortKey"] == "ID" {
		return x.paginate(rowsOf("Location", list, id, locationNode), args)
	}
	return x.paginate(sorted("Location", list, id, func(l *storeLocation) string { return l.name }, locationNode), args)
}

// ordersReach is how far back orders can be read without read_all_orders.
const ordersReach = 60 * 24 * 60 * 60

func (x *execution) orders(args map[string]any) (any, error) {
	var list []*storeOrder
	for _, o := range x.s.orders {
		if x.now.Unix()-o.createdAt.Unix() <= ordersReach || x.s.granted("read_all_orders") {
			list = append(list, o)
		}
	}
	list = match(x, list, args, ordersBy)
	id := func(o *storeOrder) int64 { return o.id }
	node := func(o *storeOrder) object { return orderObject{o} }
	switch args["sortKey"] {
	case "UPDATED_AT":
		return x.paginate(sorted("Order", list, id, func(o *storeOrder) string { return sortableTime(o.updatedAt) }, node), args)
	case "ID":
		return x.paginate(rowsOf("Order", list, id, node), args)
	}
	return x.paginate(sorted("Order", list, id, func(o *storeOrder) string { return sortableTime(o.createdAt) }, node), args)
}
