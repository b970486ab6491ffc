package sandbox

import (
	"math/bits"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// The price of a document is not published as a formula. This one is fitted
// to the requested costs of recorded answers:
//
//	scalar, enum, pageInfo, user errors    0
//	object, or list of objects             1 and what is selected of it
//	connection                             2 and the nodes' cost for each doubling of the page size
//	mutation                               10, with the objects right in its payload
//	interface                              the dearest of the types that are asked for
//
// That nodes(ids:) grows like a connection is an assumption.
const (
	mutationCost       = 10
	connectionCost     = 2
	mostCost           = 1000 // of a single document, on every plan
	countCost          = 10
	pageSizeMost       = 250
	unboundedListGuess = 1
)

// dearFields have prices set by hand.
var dearFields = map[string]int{"productsCount": countCost, "productVariantsCount": countCost, "hasUnfulfilledOrders": 1}

// doublings is how often a page size can be halved, at least one.
func doublings(n int) int {
	if n <= 2 {
		return 1
	}
	return bits.Len(uint(n - 1)) // #nosec G115 -- above 2
}

// priceOf is the requested cost of an operation. It needs no schema, so that
// documents can be priced that ask for more than the sandbox answers.
func priceOf(op *ast.OperationDefinition, fragments ast.FragmentDefinitionList, vars map[string]any) int {
	p := pricing{fragments, vars}
	if op.Operation != ast.Mutation {
		return p.selections(op.SelectionSet, false)
	}
	total := 0
	for _, selection := range op.SelectionSet {
		if f, ok := selection.(*ast.Field); ok {
			total += mutationCost + p.selections(f.SelectionSet, true)
		}
	}
	return total
}

type pricing struct {
	fragments ast.FragmentDefinitionList
	vars      map[string]any
}

// selections adds up fields. Of fragments on different types only the dearest
// counts, as an object has one type.
func (p pricing) selections(set ast.SelectionSet, payload bool) int {
	total := 0
	byType := make(map[string]int)
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			total += p.field(s, payload)
		case *ast.InlineFragment:
			byType[s.TypeCondition] += p.selections(s.SelectionSet, payload)
		case *ast.FragmentSpread:
			if d := p.fragments.ForName(s.Name); d != nil {
				byType[d.TypeCondition] += p.selections(d.SelectionSet, payload)
			}
		}
	}
	dearest := 0
	for _, cost := range byType {
		dearest = max(dearest, cost)
	}
	return total + dearest
}

func (p pricing) field(f *ast.Field, payload bool) int {
	if cost, ok := dearFields[f.Name]; ok {
		return cost
	}
	if len(f.SelectionSet) == 0 || f.Name == "pageInfo" || strings.HasSuffix(f.Name, "serErrors") {
		return 0
	}
	if edges, ok := p.connection(f.SelectionSet); ok {
		inner := p.selections(f.SelectionSet, false) - edges
		return connectionCost + inner*doublings(p.pageSize(f))
	}
	inner := p.selections(f.SelectionSet, false)
	switch {
	case payload:
		return inner
	case f.Name == "nodes" && f.Arguments.ForName("ids") != nil:
		return (1 + inner) * doublings(p.length(f, "ids"))
	}
	return 1 + inner
}

// connection reports whether selections are those of one, in fragments too,
// and how many of them are edges, which are no objects of their own.
func (p pricing) connection(set ast.SelectionSet) (edges int, ok bool) {
	within := func(set ast.SelectionSet) {
		more, is := p.connection(set)
		edges, ok = edges+more, ok || is
	}
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			switch {
			case s.Arguments.ForName("ids") != nil:
			case s.Name == "edges":
				edges, ok = edges+1, true
			case s.Name == "nodes":
				ok = true
			}
		case *ast.InlineFragment:
			within(s.SelectionSet)
		case *ast.FragmentSpread:
			if d := p.fragments.ForName(s.Name); d != nil {
				within(d.SelectionSet)
			}
		}
	}
	return edges, ok
}

func (p pricing) pageSize(f *ast.Field) int {
	for _, name := range []string{"first", "last"} {
		if a := f.Arguments.ForName(name); a != nil {
			if value, err := a.Value.Value(p.vars); err == nil {
				if n, ok := value.(int64); ok {
					return int(min(n, pageSizeMost))
				}
			}
		}
	}
	return unboundedListGuess
}

func (p pricing) length(f *ast.Field, name string) int {
	value, err := f.Arguments.ForName(name).Value.Value(p.vars)
	if list, ok := value.([]any); ok && err == nil {
		return len(list)
	}
	return unboundedListGuess
}
