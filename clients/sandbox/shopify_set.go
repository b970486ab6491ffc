package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// quantityMost is the largest quantity, and its negative the smallest.
const quantityMost = 1_000_000_000

// reasons are those that recorded answers list.
var reasons = []string{
	"correction", "cycle_count_available", "damaged", "movement_canceled", "movement_created", "movement_received",
	"movement_updated", "other", "promotion", "quality_control", "received", "reservation_created", "reservation_deleted",
	"reservation_updated", "restock", "safety_stock", "shrinkage",
}

// userError is an entry of "userErrors".
type userError struct {
	field         []string
	code, message string
}

// place is the path of the field, or null where no field is to blame.
func (e userError) place() any {
	if e.field == nil {
		return nil
	}
	return e.field
}

// setLine is one quantity of the input, with what it means found.
type setLine struct {
	itemID, locationID string
	quantity           int
	from               *int // nil means that no check is wanted
	listing            *listing
	location           *storeLocation
}

// setQuantities is inventorySetQuantities: all lines or none.
func (x *execution) setQuantities(f *ast.Field, args map[string]any) (any, error) {
	input, _ := args["input"].(map[string]any)
	list, _ := input["quantities"].([]any)
	if len(list) > pageSizeMost {
		return nil, tooLong(len(list), "input", "quantities")
	}
	for _, entry := range list {
		quantity, _ := entry.(map[string]any)
		if _, given := quantity["changeFromQuantity"]; !given {
			return nil, x.missingArgument(f, "InventoryQuantityInput", "changeFromQuantity")
		}
	}
	key, err := x.key(f)
	if err != nil {
		return nil, err
	}
	use, errs := x.use(key, f.Name)
	if errs != nil {
		return setPayload(nil, errs), nil
	}
	if use.done {
		return setPayload(use.group, nil), nil
	}
	use.done = true
	name, lines, errs := x.readLines(input, list)
	if errs != nil {
		use.failed = true
		return setPayload(nil, errs), nil
	}
	use.group = x.apply(key, name, input, lines)
	return setPayload(use.group, nil), nil
}

// missingArgument refuses an input object as Shopify does, with the place of
// the variable that it came in.
func (x *execution) missingArgument(f *ast.Field, kind, argument string) error {
	err := &fieldError{
		message:    fmt.Sprintf("%s must include the following argument: %s.", kind, argument),
		extensions: map[string]any{"code": "INVALID_FIELD_ARGUMENTS"},
	}
	if a := f.Arguments.ForName("input"); a != nil && a.Value.Kind == ast.Variable {
		if v := x.op.VariableDefinitions.ForName(a.Value.Raw); v != nil {
			err.locations = []spot{spotOf(v.Position)}
		}
	}
	return err
}

// readLines checks the whole input and names every line that is wrong.
func (x *execution) readLines(input map[string]any, list []any) (name string, lines []setLine, errs []userError) {
	name, _ = input["name"].(string)
	if name != quantityAvailable && name != quantityOnHand {
		errs = append(errs, userError{[]string{"input", "name"}, "INVALID_NAME", "The quantity name must be either 'available' or 'on_hand'."})
	}
	if reason, _ := input["reason"].(string); !slices.Contains(reasons, reason) {
		errs = append(errs, userError{[]string{"input", "reason"}, "INVALID_REASON", "The specified reason is invalid. Valid values are: " + strings.Join(reasons, ", ") + "."})
	}
	if reference, given := input["referenceDocumentUri"].(string); given && !validReference(reference) {
		errs = append(errs, userError{[]string{"input", "referenceDocumentUri"}, "INVALID_REFERENCE_DOCUMENT", "The specified reference document is invalid."})
	}
	if errs != nil {
		return name, nil, errs
	}
	lines = make([]setLine, len(list))
	seen := make(map[[2]string][]int)
	for i, entry := range list {
		lines[i] = x.readLine(entry)
		pair := [2]string{lines[i].itemID, lines[i].locationID}
		seen[pair] = append(seen[pair], i)
	}
	for i, line := range lines {
		wrong := func(field, code, message string) {
			errs = append(errs, userError{[]string{"input", "quantities", strconv.Itoa(i), field}, code, message})
		}
		if len(seen[[2]string{line.itemID, line.locationID}]) > 1 {
			wrong("locationId", "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", "The combination of inventoryItemId and locationId must be unique.")
			continue
		}
		line.check(name, wrong)
	}
	return name, lines, errs
}

// validReference accepts what has a scheme and something after it; a GID must
// have all its parts.
func validReference(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" && u.Path == "" && u.Opaque == "" {
		return false
	}
	return u.Scheme != "gid" || u.Host != "" && strings.Count(strings.Trim(u.Path, "/"), "/") >= 1
}

func (x *execution) readLine(entry any) setLine {
	quantity, _ := entry.(map[string]any)
	var line setLine
	line.itemID, _ = quantity["inventoryItemId"].(string)
	line.locationID, _ = quantity["locationId"].(string)
	n, _ := quantity["quantity"].(int64)
	line.quantity = int(n)
	if from, ok := quantity["changeFromQuantity"].(int64); ok {
		expected := int(from)
		line.from = &expected
	}
	if id, ok := gidNumber("InventoryItem", line.itemID); ok {
		line.listing = x.s.listingByItem[id]
	}
	if id, ok := gidNumber("Location", line.locationID); ok {
		line.location = x.s.locationByID[id]
	}
	return line
}

// check finds the first thing wrong with a line. That a deactivated location
// counts as not found, and that available cannot be set below zero, is not
// recorded: of two possible behaviours these are the stricter.
func (l setLine) check(name string, wrong func(field, code, message string)) {
	switch {
	case l.listing == nil:
		wrong("inventoryItemId", "INVALID_INVENTORY_ITEM", "The specified inventory item could not be found.")
	case l.location == nil || !l.location.active:
		wrong("locationId", "INVALID_LOCATION", "The specified location could not be found.")
	case l.listing.bundle():
		wrong("inventoryItemId", "NON_MUTABLE_INVENTORY_ITEM", "The specified inventory item is not allowed to be adjusted via API. Example: if the inventory item is a parent bundle.")
	case l.quantity > quantityMost:
		wrong("quantity", "INVALID_QUANTITY_TOO_HIGH", "The quantity can't be higher than 1,000,000,000.")
	case l.quantity < -quantityMost:
		wrong("quantity", "INVALID_QUANTITY_TOO_LOW", "The quantity can't be lower than -1,000,000,000.")
	case l.quantity < 0:
		wrong("quantity", "INVALID_QUANTITY_NEGATIVE", "The quantity can't be negative.")
	case l.from != nil && *l.from != l.persisted(name):
		wrong("changeFromQuantity", "CHANGE_FROM_QUANTITY_STALE", "The changeFromQuantity value does not match persisted value.")
	}
}

func (l setLine) persisted(name string) int {
	level := l.listing.at(l.location)
	if level == nil {
		return 0
	}
	n, _ := level.quantity(name)
	return n
}

// apply sets all lines. A level that has never been there is made, inactive;
// one that is inactive stays so. A group that changed nothing is null, as
// recorded.
func (x *execution) apply(key, name string, input map[string]any, lines []setLine) *adjustment {
	group := &adjustment{id: gid("InventoryAdjustmentGroup", x.w.newID()), createdAt: x.now}
	group.reason, _ = input["reason"].(string)
	group.reference, _ = input["referenceDocumentUri"].(string)
	for _, line := range lines {
		level := line.listing.at(line.location)
		if level == nil {
			level = x.s.stockAt(line.listing, line.location, x.now)
		}
		before, _ := level.quantity(name)
		x.s.writes = append(x.s.writes, Write{
			SKU: line.listing.sku, Item: line.itemID, Location: line.locationID, Name: name, Key: key,
			From: before, To: line.quantity, Checked: line.from != nil, At: x.now,
		})
		delta := line.quantity - before
		if delta == 0 {
			continue
		}
		level.change(delta, 0, x.now)
		group.changes = append(group.changes, levelChange{level, quantityAvailable, delta}, levelChange{level, quantityOnHand, delta})
	}
	x.s.mutations++
	if len(group.changes) == 0 {
		return nil
	}
	return group
}

// payload is what a mutation returns.
type payload struct{ fixed }

func setPayload(group *adjustment, errs []userError) object {
	list := make([]object, len(errs))
	for i, e := range errs {
		list[i] = fixed{"InventorySetQuantitiesUserError", map[string]any{"field": e.place(), "code": e.code, "message": e.message}}
	}
	values := map[string]any{"inventoryAdjustmentGroup": nil, "userErrors": list}
	if group != nil {
		values["inventoryAdjustmentGroup"] = groupObject{group}
	}
	return payload{fixed{"InventorySetQuantitiesPayload", values}}
}

type groupObject struct{ *adjustment }

func (groupObject) kind() string { return "InventoryAdjustmentGroup" }

func (o groupObject) field(_ *execution, f *ast.Field, args map[string]any) (any, error) {
	switch f.Name {
	case "id":
		return o.id, nil
	case "createdAt":
		return o.createdAt, nil
	case "reason":
		return o.reason, nil
	case "referenceDocumentUri":
		return orNull(o.reference), nil
	case "changes":
		return o.list(args), nil
	}
	return nil, unknownField(o, f)
}

// list gives the changes, of some names, items or locations if asked so.
func (a *adjustment) list(args map[string]any) []object {
	wanted := func(argument, value string) bool {
		only, given := args[argument].([]any)
		return !given || slices.Contains(only, any(value))
	}
	list := make([]object, 0, len(a.changes))
	for _, c := range a.changes {
		if !wanted("quantityNames", c.name) || !wanted("inventoryItemIds", c.level.listing.itemGID()) || !wanted("locationIds", c.level.location.gid()) {
			continue
		}
		// quantityAfterChange is null in all recorded answers.
		list = append(list, fixed{"InventoryChange", map[string]any{
			"name": c.name, "delta": c.delta, "quantityAfterChange": nil, "ledgerDocumentUri": nil,
			"item": itemObject{c.level.listing}, "location": locationObject{c.level.location},
		}})
	}
	return list
}
