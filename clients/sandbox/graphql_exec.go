package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// object is anything that has fields in the schema.
type object interface {
	kind() string // its type's name
	// field resolves one of its fields to nil, a string, a bool, an int, a
	// time, an object, or a slice of those.
	field(x *execution, f *ast.Field, args map[string]any) (any, error)
}

// execution runs one operation with the world locked.
type execution struct {
	w      *World
	s      *store
	op     *ast.OperationDefinition
	vars   map[string]any
	raw    json.RawMessage // the variables as they came
	now    time.Time
	errs   []graphqlError
	search []searchNote
	bulk   bool   // a bulk query, which has no pages
	base   string // of the URL that the request came to
	at     *trail // the path of the field being resolved
}

// trail is a path in the answer, from its end.
type trail struct {
	before *trail
	key    string
	index  int // counts where the key is empty
}

func (t *trail) path() []any {
	var out []any
	for ; t != nil; t = t.before {
		if t.key == "" {
			out = append(out, t.index)
		} else {
			out = append(out, t.key)
		}
	}
	slices.Reverse(out)
	return out
}

// fieldError is a field that cannot be answered; it becomes an entry of
// "errors" and a null.
type fieldError struct {
	message    string
	extensions map[string]any
	locations  []spot // besides the field's
	path       []any  // below the field's
}

func (e *fieldError) Error() string { return e.message }

func fieldErrorf(code, format string, args ...any) error {
	return &fieldError{message: fmt.Sprintf(format, args...), extensions: map[string]any{"code": code}}
}

// member and answer are an object of an answer, in the order of the document.
type (
	member struct {
		key   string
		value any
	}
	answer []member
)

// run answers an operation. cost is what it really cost; ok is false when a
// null reached the top.
func (x *execution) run() (data answer, cost int, ok bool) {
	root := object(queryRoot{})
	if x.op.Operation == ast.Mutation {
		root = mutationRoot{}
	}
	return x.object(root, []ast.SelectionSet{x.op.SelectionSet}, nil)
}

// object completes an object. ok is false when one of its fields must not be
// null and is.
func (x *execution) object(o object, sets []ast.SelectionSet, path *trail) (out answer, cost int, ok bool) {
	fields := collect(sets, o.kind(), x.vars)
	out = make(answer, 0, len(fields))
	for _, c := range fields {
		f := c.fields[0]
		if f.Name == "__typename" {
			out = append(out, member{c.key, o.kind()})
			continue
		}
		at := &trail{before: path, key: c.key}
		value, err := x.resolve(o, f, at)
		if err != nil {
			x.fail(f, at, err)
		}
		// The validator has resolved the definition for the type that the
		// document names; an interface's field has that of the interface.
		completed, fieldCost, valid := x.complete(value, f.Definition.Type, f, c, at)
		if !valid {
			return nil, cost, false
		}
		if value == nil && o.kind() == "Mutation" {
			fieldCost = mutationCost // refused or not, it is charged
		}
		cost += fieldCost
		out = append(out, member{c.key, completed})
	}
	return out, cost, true
}

func (x *execution) resolve(o object, f *ast.Field, path *trail) (any, error) {
	if strings.HasPrefix(f.Name, "__") {
		return nil, fieldErrorf("undefinedField", "the sandbox does not answer introspection")
	}
	if err := x.allowed(o.kind(), f); err != nil {
		return nil, err
	}
	var args map[string]any
	if len(f.Definition.Arguments) > 0 {
		args = f.ArgumentMap(x.vars)
	}
	for name, value := range args {
		if list, ok := value.([]any); ok && len(list) > pageSizeMost {
			return nil, tooLong(len(list), name)
		}
	}
	x.at = path
	return o.field(x, f, args)
}

// tooLong refuses an input array.
func tooLong(length int, path ...any) error {
	return &fieldError{
		message:    fmt.Sprintf("The input array size of %d is greater than the maximum allowed of %d.", length, pageSizeMost),
		extensions: map[string]any{"code": "MAX_INPUT_SIZE_EXCEEDED"},
		path:       path,
	}
}

func (x *execution) fail(f *ast.Field, path *trail, err error) {
	e := graphqlError{Message: err.Error(), Locations: []spot{spotOf(f.Position)}, Path: path.path()}
	if detailed, ok := err.(*fieldError); ok { //nolint:errorlint // made by resolvers, never wrapped
		e.Extensions = detailed.extensions
		e.Locations = append(e.Locations, detailed.locations...)
		e.Path = append(e.Path, detailed.path...)
	}
	x.errs = append(x.errs, e)
}

// complete brings a resolved value into the form of its type.
func (x *execution) complete(value any, t *ast.Type, f *ast.Field, c collected, path *trail) (completed any, cost int, ok bool) {
	completed, cost, ok = x.nullable(value, t, f, c, path)
	if !ok || completed == nil && t.NonNull {
		return nil, 0, !t.NonNull
	}
	return completed, cost, true
}

func (x *execution) nullable(value any, t *ast.Type, f *ast.Field, c collected, path *trail) (completed any, cost int, ok bool) {
	switch v := value.(type) {
	case nil:
		return nil, 0, true
	case time.Time:
		if v.IsZero() {
			return nil, 0, true
		}
		return v.UTC().Format("2006-01-02T15:04:05Z"), 0, true
	case []object:
		return x.list(v, t, f, c, path)
	case object:
		if err := x.visible(v); err != nil {
			x.fail(f, path, err)
			return nil, 0, false
		}
		sets := make([]ast.SelectionSet, len(c.fields))
		for i, one := range c.fields {
			sets[i] = one.SelectionSet
		}
		out, inner, ok := x.object(v, sets, path)
		if !ok {
			return nil, inner, false
		}
		return out, x.weigh(v, f, inner), true
	}
	return value, 0, true
}

func (x *execution) list(list []object, t *ast.Type, f *ast.Field, c collected, path *trail) (completed any, cost int, ok bool) {
	out := make([]any, len(list))
	total := 0
	for i, o := range list {
		value := any(o)
		if o == nil {
			value = nil
		}
		item, cost, ok := x.complete(value, t.Elem, f, c, &trail{before: path, index: i})
		if !ok {
			return nil, 0, false
		}
		out[i] = item
		total += cost
	}
	if strings.HasSuffix(f.Name, "serErrors") || len(list) == 0 {
		return out, 0, true
	}
	switch f.Name {
	case "edges", "nodes":
		// As in the price: what each costs, for each doubling of the count.
		return out, ceilDiv(total*doublings(len(list)), len(list)), true
	}
	return out, ceilDiv(total, len(list)), true
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// weigh is what an object really cost, by the rules of priceOf.
func (x *execution) weigh(o object, f *ast.Field, inner int) int {
	switch o.(type) {
	case payload:
		return mutationCost + inner
	case *page:
		return connectionCost + inner
	case pageInfo:
		return 0
	case edge:
		return inner
	}
	if cost, ok := dearFields[f.Name]; ok {
		return cost
	}
	if x.op.Operation == ast.Mutation && f.ObjectDefinition != nil && strings.HasSuffix(f.ObjectDefinition.Name, "Payload") {
		return inner
	}
	return 1 + inner
}

// appendJSON writes what complete has made.
func appendJSON(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendText(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case answer:
		b = append(b, '{')
		for i, m := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, m.key), ':')
			b = appendJSON(b, m.value)
		}
		return append(b, '}')
	case []any:
		return appendList(b, v)
	case []string:
		return appendList(b, v)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, text...)
}

func appendList[T any](b []byte, list []T) []byte {
	b = append(b, '[')
	for i, item := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, item)
	}
	return append(b, ']')
}

func appendText(b []byte, text string) []byte {
	if !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		return append(append(append(b, '"'), text...), '"')
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return append(b, `""`...)
	}
	return append(b, quoted...)
}
