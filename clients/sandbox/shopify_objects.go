package sandbox

import (
	"slices"
	"strconv"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// sortableTime writes a time so that text order is time order.
func sortableTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000") }

// orNull is null where it is empty, as Shopify has it for SKUs.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func legacyID(id int64) string { return strconv.FormatInt(id, 10) }

type shopObject struct{ *store }

func (shopObject) kind() string { return "Shop" }

func (o shopObject) field(_ *execution, f *ast.Field, _ map[string]any) (any, error) {
	switch f.Name {
	case "id":
		return gid("Shop", o.id), nil
	case "name":
		return o.name, nil
	case "myshopifyDomain":
		return o.opts.Shop, nil
	case "currencyCode":
		return "EUR", nil
	case "ianaTimezone":
		return "Europe/Tallinn", nil
	case "resourceLimits":
		return fixed{"ShopResourceLimits", map[string]any{"locationLimit": 200, "maxProductVariants": 2048}}, nil
	}
	return nil, unknownField(o, f)
}

// fixed is an object whose fields are at hand.
type fixed struct {
	name   string
	values map[string]any
}

func (o fixed) kind() string { return o.name }

func (o fixed) field(_ *execution, f *ast.Field, _ map[string]any) (any, error) {
	if value, ok := o.values[f.Name]; ok {
		return value, nil
	}
	return nil, unknownField(o, f)
}

// countObject counts up to the limit that was asked for; null is none.
func countObject(n int, limit any) object {
	if most, limited := limit.(int64); limited && int64(n) > most {
		return fixed{"Count", map[string]any{"count": most, "precision": "AT_LEAST"}}
	}
	return fixed{"Count", map[string]any{"count": n, "precision": "EXACT"}}
}

func apiVersions(current string) []object {
	var list []object
	for _, handle := range []string{"2026-01", "2026-04", "2026-07", "2026-10", "2027-01", "unstable"} {
		list = append(list, fixed{"ApiVersion", map[string]any{"handle": handle, "displayName": handle, "supported": handle <= current}})
	}
	return list
}

type installation struct{ *store }

func (installation) kind() string { return "AppInstallation" }

func (o installation) field(_ *execution, f *ast.Field, _ map[string]any) (any, error) {
	switch f.Name {
	case "id":
		return gid("AppInstallation", 1), nil
	case "app":
		return fixed{"App", map[string]any{"id": gid("App", 1), "title": "Stock sync"}}, nil
	case "accessScopes":
		list := make([]object, len(o.opts.Scopes))
		for i, scope := range o.opts.Scopes {
			list[i] = fixed{"AccessScope", map[string]any{"handle": scope, "description": scope}}
		}
		return list, nil
	}
	return nil, unknownField(o, f)
}

type variantObject struct{ *listing }

func variantNode(l *listing) object {
	if l == nil {
		return nil
	}
	return variantObject{l}
}

func (variantObject) kind() string { return "ProductVariant" }

func (o variantObject) field(x *execution, f *ast.Field, args map[string]any) (any, error) {
	switch f.Name {
	case "id":
		return o.gid(), nil
	case "legacyResourceId":
		return legacyID(o.id), nil
	case "sku":
		return orNull(o.sku), nil
	case "title":
		return o.title, nil
	case "displayName":
		return o.product.title + " - " + o.title, nil
	case "selectedOptions":
		list := make([]object, len(o.options))
		for i, option := range o.options {
			list[i] = fixed{"SelectedOption", map[string]any{"name": option.Name, "value": option.Value}}
		}
		return list, nil
	case "price":
		return o.price, nil
	case "barcode":
		return nil, nil
	case "inventoryPolicy":
		if o.sellOn {
			return "CONTINUE", nil
		}
		return "DENY", nil
	case "inventoryQuantity":
		return o.total(), nil
	case "requiresComponents":
		return o.bundle(), nil
	case "createdAt":
		return o.createdAt, nil
	case "updatedAt":
		return o.updated(), nil
	case "product":
		return productObject{o.product}, nil
	case "inventoryItem":
		return itemObject(o), nil
	case "productVariantComponents":
		parts := rows{"ProductVariantComponent", len(o.parts), func(i int) row { return row{id: int64(i + 1)} }, func(i int) object {
			p := o.parts[i]
			return fixed{"ProductVariantComponent", map[string]any{"id": gid("ProductVariantComponent", p.listing.id), "quantity": p.quantity, "productVariant": variantObject{p.listing}}}
		}}
		return x.paginate(parts, args)
	}
	return nil, unknownField(o, f)
}

// total is what is available at all active levels. A bundle has as many as its
// scarcest component allows.
func (l *listing) total() int {
	if l.bundle() {
		least := -1
		for _, p := range l.parts {
			if n := max(0, p.listing.total()) / p.quantity; least < 0 || n < least {
				least = n
			}
		}
		return least
	}
	sum := 0
	for _, level := range l.levels {
		if level.active {
			sum += level.available
		}
	}
	return sum
}

type productObject struct{ *storeProduct }

func (productObject) kind() string { return "Product" }

func (o productObject) field(_ *execution, f *ast.Field, _ map[string]any) (any, error) {
	switch f.Name {
	case "id":
		return gid("Product", o.id), nil
	case "legacyResourceId":
		return legacyID(o.id), nil
	case "title":
		return o.title, nil
	case "handle":
		return o.handle, nil
	case "status":
		return o.status, nil
	case "hasOnlyDefaultVariant":
		return len(o.listings) == 1 && o.listings[0].title == defaultTitle, nil
	case "isGiftCard":
		return o.giftCard, nil
	case "totalInventory":
		sum := 0
		for _, l := range o.listings {
			sum += l.total()
		}
		return sum, nil
	case "tracksInventory":
		return slices.ContainsFunc(o.listings, func(l *listing) bool { return l.tracked }), nil
	}
	return nil, unknownField(o, f)
}

type itemObject struct{ *listing }

func itemNode(l *listing) object {
	if l == nil {
		return nil
	}
	return itemObject{l}
}

func (itemObject) kind() string { return "InventoryItem" }

func (o itemObject) field(x *execution, f *ast.Field, args map[string]any) (any, error) {
	switch f.Name {
	case "id":
		return o.itemGID(), nil
	case "legacyResourceId":
		return legacyID(o.itemID), nil
	case "sku":
		return orNull(o.sku), nil
	case "tracked":
		return o.tracked, nil
	case "harmonizedSystemCode":
		return orNull(o.hsCode), nil
	case "countryCodeOfOrigin":
		return orNull(o.origin), nil
	case "requiresShipping":
		return !o.product.giftCard, nil
	case "duplicateSkuCount":
		if o.sku == "" {
			return 0, nil
		}
		return len(x.s.bySKU[o.sku]) - 1, nil
	case "createdAt":
		return o.createdAt, nil
	case "updatedAt":
		return o.itemUpdatedAt, nil
	case "variant":
		return variantObject(o), nil
	case "variants":
		one := []*listing{o.listing}
		return x.paginate(rowsOf("ProductVariant", one, func(l *listing) int64 { return l.id }, variantNode), args)
	case "inventoryLevel":
		text, _ := args["locationId"].(string)
		id, ok := gidNumber("Location", text)
		if !ok || x.s.locationByID[id] == nil {
			return nil, nil
		}
		return oneLevel(o.at(x.s.locationByID[id]), args)
	case "inventoryLevels":
		return x.levels(o.levels, args)
	}
	return nil, unknownField(o, f)
}

// oneLevel hides an inactive level unless it is asked for.
func oneLevel(l *level, args map[string]any) (any, error) {
	inactive, _ := args["includeInactive"].(bool)
	if l == nil || !l.active && !inactive {
		return nil, nil
	}
	return levelObject{l}, nil
}

func (x *execution) levels(list []*level, args map[string]any) (any, error) {
	if inactive, _ := args["includeInactive"].(bool); !inactive && slices.ContainsFunc(list, func(l *level) bool { return !l.active }) {
		var active []*level
		for _, l := range list {
			if l.active {
				active = append(active, l)
			}
		}
		list = active
	}
	list = match(x, list, args, levelsBy)
	id, node := func(l *level) int64 { return l.id }, func(l *level) object { return levelObject{l} }
	if x.bulk || !x.s.opts.MixLevels {
		return x.paginate(rowsOf("InventoryLevel", list, id, node), args)
	}
	turn := x.turn(args)
	return x.paginate(sorted("InventoryLevel", list, id, func(l *level) string { return turn.place(l.id) }, node), args)
}

type levelObject struct{ *level }

func (levelObject) kind() string { return "InventoryLevel" }

func (o levelObject) field(_ *execution, f *ast.Field, args map[string]any) (any, error) {
	switch f.Name {
	case "id":
		return o.gid(), nil
	case "isActive":
		return o.active, nil
	case "createdAt":
		return o.createdAt, nil
	case "updatedAt":
		return o.updatedAt, nil
	case "item":
		return itemObject{o.listing}, nil
	case "location":
		return locationObject{o.location}, nil
	case "quantities":
		return o.quantities(args)
	}
	return nil, unknownField(o, f)
}

// quantities lists what is asked for by name. Only available tells when it was
// last updated; recorded answers have null for the others.
func (l *level) quantities(args map[string]any) (any, error) {
	names, _ := args["names"].([]any)
	list := make([]object, len(names))
	for i, name := range names {
		text, _ := name.(string)
		n, ok := l.quantity(text)
		if !ok {
			return nil, fieldErrorf("INVALID_FIELD_ARGUMENTS", "The specified quantity name is invalid: %s.", text)
		}
		list[i] = quantityObject{l, text, n}
	}
	return list, nil
}

type quantityObject struct {
	level    *level
	name     string
	quantity int
}

func (quantityObject) kind() string { return "InventoryQuantity" }

func (o quantityObject) field(_ *execution, f *ast.Field, _ map[string]any) (any, error) {
	switch f.Name {
	case "id":
		return gid("InventoryQuantity", o.level.id) + "?inventory_item_id=" + legacyID(o.level.listing.itemID) + "&name=" + o.name, nil
	case "name":
		return o.name, nil
	case "quantity":
		return o.quantity, nil
	case "updatedAt":
		if o.name == quantityAvailable {
			return o.level.availableAt, nil
		}
		return nil, nil
	}
	return nil, unknownField(o, f)
}

// Names of quantities that can be set.
const (
	quantityAvailable = "available"
	quantityOnHand    = "on_hand"
)

func (l *level) quantity(name string) (int, bool) {
	switch name {
	case quantityAvailable:
		return l.available, true
	case quantityOnHand:
		return l.onHand(), true
	case "committed":
		return l.committed, true
	case "reserved":
		return l.reserved, true
	case "incoming", "damaged", "quality_control", "safety_stock":
		return 0, true
	}
	return 0, false
}

type locationObject struct{ *storeLocation }

func locationNode(l *storeLocation) object {
	if l == nil {
		return nil
	}
	return locationObject{l}
}

func (locationObject) kind() string { return "Location" }

func (o locationObject) field(x *execution, f *ast.Field, args map[string]any) (any, error) {
	switch f.Name {
	case "id":
		return o.gid(), nil
	case "legacyResourceId":
		return legacyID(o.id), nil
	case "name":
		return o.name, nil
	case "isActive":
		return o.active, nil
	case "isFulfillmentService":
		return o.service, nil
	case "isPrimary":
		return o.storeLocation == x.s.locations[0], nil
	case "fulfillsOnlineOrders":
		return o.online, nil
	case "hasActiveInventory":
		return slices.ContainsFunc(o.levels, func(l *level) bool { return l.active }), nil
	case "shipsInventory":
		return true, nil
	case "createdAt":
		return o.createdAt, nil
	case "updatedAt":
		return o.updatedAt, nil
	case "inventoryLevel":
		text, _ := args["inventoryItemId"].(string)
		id, ok := gidNumber("InventoryItem", text)
		if !ok || x.s.listingByItem[id] == nil {
			return nil, nil
		}
		return oneLevel(x.s.listingByItem[id].at(o.storeLocation), args)
	case "inventoryLevels":
		return x.levels(o.levels, args)
	}
	return nil, unknownField(o, f)
}
