package sandbox

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// kindScopes are the access scopes for objects of a type. Of a location
// everything but its id needs one, see allowed.
var kindScopes = map[string]string{
	"Product":                  "read_products",
	"ProductVariant":           "read_products",
	"InventoryItem":            "read_inventory",
	"InventoryLevel":           "read_inventory",
	"InventoryAdjustmentGroup": "read_inventory",
	"Order":                    "read_orders",
	"Refund":                   "read_orders",
}

// fulfilmentScope is for fulfilment orders at the shop's own locations.
const fulfilmentScope = "read_merchant_managed_fulfillment_orders"

// granted reports whether the app has a scope; a write scope implies the read
// scope of the same name.
func (s *store) granted(scope string) bool {
	return slices.Contains(s.opts.Scopes, scope) ||
		slices.Contains(s.opts.Scopes, strings.Replace(scope, "read_", "write_", 1))
}

// allowed checks the scope of a field before it is resolved.
func (x *execution) allowed(kind string, f *ast.Field) error {
	scope := ""
	switch {
	case kind == "Mutation" && strings.HasPrefix(f.Name, "bulk"): // what it reads needs scopes
	case kind == "Mutation":
		scope = "write_inventory"
	case kind == "Location" && f.Name != "id":
		scope = "read_locations"
	default:
		name, connection := strings.CutSuffix(f.Definition.Type.Name(), "Connection")
		if connection {
			scope = kindScopes[name]
		}
		if name == "Location" && connection {
			scope = "read_locations"
		}
	}
	return x.denied(f.Name, scope)
}

// visible checks the scope of an object that a field has led to.
func (x *execution) visible(o object) error { return x.denied(o.kind(), kindScopes[o.kind()]) }

func (x *execution) denied(what, scope string) error {
	if scope == "" || x.s.granted(scope) {
		return nil
	}
	required := "`" + scope + "` access scope."
	return &fieldError{
		message: "Access denied for " + what + " field. Required access: " + required,
		extensions: map[string]any{
			"code":           "ACCESS_DENIED",
			"documentation":  "https://shopify.dev/api/usage/access-scopes",
			"requiredAccess": required,
		},
	}
}
