package sandbox

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// problem is one thing wrong with a variable, in the words of Shopify.
type problem struct {
	Path        []any  `json:"path"`
	Explanation string `json:"explanation"`
}

// coerceVariables checks the variables of a request against their types. What
// is absent stays absent: an omitted field is not a null one.
func coerceVariables(op *ast.OperationDefinition, given map[string]any) (map[string]any, []graphqlError) {
	vars := make(map[string]any)
	var errs []graphqlError
	for _, v := range op.VariableDefinitions {
		value, ok := given[v.Variable]
		if !ok {
			if v.DefaultValue != nil {
				value, _ = v.DefaultValue.Value(nil)
				vars[v.Variable] = value
				continue
			}
			if !v.Type.NonNull {
				continue
			}
		}
		c := &coercion{}
		vars[v.Variable] = c.value(v.Type, value, nil)
		if len(c.problems) > 0 {
			errs = append(errs, invalidVariable(v, value, c.problems))
		}
	}
	return vars, errs
}

func invalidVariable(v *ast.VariableDefinition, value any, problems []problem) graphqlError {
	var details []string
	for _, p := range problems {
		if len(p.Path) > 0 {
			details = append(details, fmt.Sprintf("%s (%s)", joinPath(p.Path), p.Explanation))
		}
	}
	message := fmt.Sprintf("Variable $%s of type %s was provided invalid value", v.Variable, v.Type)
	if len(details) > 0 {
		message += " for " + strings.Join(details, ", ")
	}
	return graphqlError{
		Message:    message,
		Locations:  []spot{spotOf(v.Position)},
		Extensions: map[string]any{"code": "INVALID_VARIABLE", "value": value, "problems": problems},
	}
}

func joinPath(path []any) string {
	parts := make([]string, len(path))
	for i, p := range path {
		parts[i] = fmt.Sprint(p)
	}
	return strings.Join(parts, ".")
}

// coercion collects what is wrong with one variable.
type coercion struct{ problems []problem }

func (c *coercion) wrong(path []any, format string, args ...any) any {
	if path == nil {
		path = []any{}
	}
	c.problems = append(c.problems, problem{slices.Clone(path), fmt.Sprintf(format, args...)})
	return nil
}

func (c *coercion) value(t *ast.Type, value any, path []any) any {
	if value == nil {
		if t.NonNull {
			return c.wrong(path, "Expected value to not be null")
		}
		return nil
	}
	if t.Elem != nil {
		list, ok := value.([]any)
		if !ok {
			list = []any{value} // a single value stands for a list of one
		}
		out := make([]any, len(list))
		for i, v := range list {
			out[i] = c.value(t.Elem, v, append(path, i))
		}
		return out
	}
	d := adminSchema().Types[t.NamedType]
	switch d.Kind { //nolint:exhaustive // variables have input types only
	case ast.InputObject:
		return c.object(d, value, path)
	case ast.Enum:
		text, ok := value.(string)
		if !ok || d.EnumValues.ForName(text) == nil {
			return c.wrong(path, "Expected %q to be one of the values of %s", fmt.Sprint(value), d.Name)
		}
		return text
	}
	return c.scalar(d.Name, value, path)
}

func (c *coercion) object(d *ast.Definition, value any, path []any) any {
	object, ok := value.(map[string]any)
	if !ok {
		return c.wrong(path, "Expected value to be an object of %s", d.Name)
	}
	out := make(map[string]any, len(object))
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if d.Fields.ForName(name) == nil {
			c.wrong(append(path, name), "Field is not defined on %s", d.Name)
		}
	}
	for _, f := range d.Fields {
		value, given := object[f.Name]
		switch {
		case given:
			out[f.Name] = c.value(f.Type, value, append(path, f.Name))
		case f.DefaultValue != nil:
			out[f.Name], _ = f.DefaultValue.Value(nil)
		case f.Type.NonNull:
			c.wrong(append(path, f.Name), "Expected value to not be null")
		}
	}
	return out
}

func (c *coercion) scalar(name string, value any, path []any) any {
	switch v := value.(type) {
	case string:
		if name == "String" || name == "ID" || !builtIn(name) {
			return v
		}
	case bool:
		if name == "Boolean" {
			return v
		}
	case json.Number:
		n, err := v.Int64()
		switch {
		case name == "Float":
			return v
		case err != nil || name == "Int" && (n > math.MaxInt32 || n < math.MinInt32):
		case name == "Int":
			return n
		case name == "ID":
			return v.String()
		}
	}
	return c.wrong(path, "Could not coerce value %v to %s", value, name)
}

func builtIn(name string) bool { return name == "Int" || name == "Float" || name == "Boolean" }
