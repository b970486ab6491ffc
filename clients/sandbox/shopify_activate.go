package sandbox

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// mutationRoot is where mutations start.
type mutationRoot struct{}

func (mutationRoot) kind() string { return "Mutation" }

func (m mutationRoot) field(x *execution, f *ast.Field, args map[string]any) (any, error) {
	switch f.Name {
	case "inventorySetQuantities":
		return x.setQuantities(f, args)
	case "inventoryActivate":
		return x.activate(f, args)
	case "bulkOperationRunQuery":
		return x.runBulk(args), nil
	case "bulkOperationCancel":
		return x.cancelBulk(args), nil
	case "inventoryDeactivate":
		return x.deactivate(f, args)
	}
	return nil, unknownField(m, f)
}

// activate is inventoryActivate. Quantities of a level that was there before
// are kept unless new ones are given, which only an inactive level takes.
func (x *execution) activate(f *ast.Field, args map[string]any) (any, error) {
	key, err := x.key(f)
	if err != nil {
		return nil, err
	}
	use, errs := x.use(key, f.Name)
	if errs != nil {
		return levelPayload("InventoryActivatePayload", nil, errs), nil
	}
	if use.done {
		return levelPayload("InventoryActivatePayload", use.level, nil), nil
	}
	use.done = true
	line := x.readLine(map[string]any{"inventoryItemId": args["inventoryItemId"], "locationId": args["locationId"]})
	available, sets := args["available"].(int64)
	onHand, setsOnHand := args["onHand"].(int64)
	wrong := func(field, message string) (any, error) {
		use.failed = true
		return levelPayload("InventoryActivatePayload", nil, []userError{{[]string{field}, "", message}}), nil
	}
	switch {
	case line.listing == nil:
		return wrong("inventoryItemId", "The product couldn't be stocked because it wasn't found.")
	case line.location == nil || !line.location.active:
		return wrong("locationId", "The product couldn't be stocked because the location wasn't found.")
	case line.listing.bundle():
		return wrong("inventoryItemId", "The product couldn't be stocked because it is a bundle.")
	}
	level := line.listing.at(line.location)
	switch {
	case level != nil && level.active && (sets || setsOnHand):
		return wrong("available", "Not allowed to set available quantity when the item is already active at the location.")
	case level == nil:
		level = x.s.stockAt(line.listing, line.location, x.now)
		level.availableAt = x.now
	}
	if !level.active {
		level.active, level.updatedAt = true, x.now
	}
	switch {
	case sets:
		level.change(int(available)-level.available, 0, x.now)
	case setsOnHand:
		level.change(int(onHand)-level.onHand(), 0, x.now)
	}
	use.level = level
	return levelPayload("InventoryActivatePayload", level, nil), nil
}

// deactivate is inventoryDeactivate.
func (x *execution) deactivate(f *ast.Field, args map[string]any) (any, error) {
	key, err := x.key(f)
	if err != nil {
		return nil, err
	}
	use, errs := x.use(key, f.Name)
	if errs != nil || use.done {
		return levelPayload("InventoryDeactivatePayload", nil, errs), nil
	}
	use.done = true
	text, _ := args["inventoryLevelId"].(string)
	level := x.s.levelByGID(text)
	if level == nil {
		use.failed = true
		return levelPayload("InventoryDeactivatePayload", nil, []userError{{[]string{"inventoryLevelId"}, "", "The inventory level couldn't be found."}}), nil
	}
	level.active, level.updatedAt = false, x.now
	return levelPayload("InventoryDeactivatePayload", nil, nil), nil
}

func levelPayload(kind string, l *level, errs []userError) object {
	list := make([]object, len(errs))
	for i, e := range errs {
		list[i] = fixed{"UserError", map[string]any{"field": e.place(), "message": e.message}}
	}
	values := map[string]any{"inventoryLevel": nil, "userErrors": list}
	if l != nil {
		values["inventoryLevel"] = levelObject{l}
	}
	return payload{fixed{kind, values}}
}
