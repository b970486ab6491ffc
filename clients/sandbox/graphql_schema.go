package sandbox

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

//go:embed schema.graphql
var schemaText string

var adminSchema = sync.OnceValue(func() *ast.Schema {
	return gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: schemaText})
})

// documents keeps what has been validated: a client sends the same few
// documents over and over.
type documents struct {
	mu    sync.Mutex
	known map[string]*ast.QueryDocument
}

const mostDocuments = 200

// load parses and validates a document.
func (d *documents) load(text string) (*ast.QueryDocument, []graphqlError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if doc, ok := d.known[text]; ok {
		return doc, nil
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil {
		return nil, refusals(gqlerror.WrapIfUnwrapped(err))
	}
	if list := validator.ValidateWithRules(adminSchema(), doc, rules.NewDefaultRules()); len(list) > 0 {
		return nil, refusals(list...)
	}
	if len(d.known) >= mostDocuments || d.known == nil {
		d.known = make(map[string]*ast.QueryDocument)
	}
	d.known[text] = doc
	return doc, nil
}

// graphqlError is an entry of "errors".
type graphqlError struct {
	Message    string         `json:"message"`
	Locations  []spot         `json:"locations,omitempty"`
	Extensions map[string]any `json:"extensions,omitempty"`
	Path       []any          `json:"path,omitempty"`
}

// spot is a place in a document.
type spot struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

func spotOf(p *ast.Position) spot {
	if p == nil {
		return spot{1, 1}
	}
	return spot{p.Line, p.Column}
}

// wording turns what a validation rule has found into Shopify's words, as far
// as they have been recorded; other findings keep theirs.
type wording struct {
	code    string
	pattern *regexp.Regexp
	words   string
}

var wordings = map[string]wording{
	"FieldsOnCorrectType": {
		"undefinedField", regexp.MustCompile(`^Cannot query field "(\w+)" on type "(\w+)".*`), "Field '$1' doesn't exist on type '$2'",
	},
	"KnownDirectives": {
		"undefinedDirective", regexp.MustCompile(`^Unknown directive "@(\w+)".*`), "Directive @$1 is not defined",
	},
	"NoUnusedVariables": {
		"variableNotUsed", regexp.MustCompile(`^Variable "(\$\w+)" is never used in operation "(\w+)".*`), "Variable $1 is declared by $2 but not used",
	},
	"ProvidedRequiredArguments": {
		"missingRequiredArguments", regexp.MustCompile(`^Directive "@(\w+)" argument "(\w+)" of type .*`), "Directive '$1' is missing required arguments: $2",
	},
	"KnownArgumentNames":         {code: "argumentNotAccepted"},
	"KnownTypeNames":             {code: "undefinedType"},
	"NoUndefinedVariables":       {code: "variableNotDefined"},
	"ScalarLeafs":                {code: "selectionMismatch"},
	"ValuesOfCorrectType":        {code: "argumentLiteralsIncompatible"},
	"VariablesInAllowedPosition": {code: "variableMismatch"},
}

// refusals are what Shopify says of a document that does not fit the schema.
func refusals(list ...*gqlerror.Error) []graphqlError {
	out := make([]graphqlError, len(list))
	for i, err := range list {
		out[i] = graphqlError{Message: err.Message}
		for _, l := range err.Locations {
			out[i].Locations = append(out[i].Locations, spot{l.Line, l.Column})
		}
		w, known := wordings[err.Rule]
		if !known {
			continue
		}
		out[i].Extensions = map[string]any{"code": w.code}
		if w.pattern != nil {
			out[i].Message = w.pattern.ReplaceAllString(err.Message, w.words)
		}
	}
	return out
}

// pickOperation finds the operation to run.
func pickOperation(doc *ast.QueryDocument, name string) (*ast.OperationDefinition, []graphqlError) {
	if name == "" && len(doc.Operations) > 1 {
		return nil, []graphqlError{{Message: "An operation name is required"}}
	}
	if op := doc.Operations.ForName(name); op != nil {
		return op, nil
	}
	return nil, []graphqlError{{Message: fmt.Sprintf("No operation named %q", name)}}
}

// collected are the fields of one response key, in one or more places of the
// document, whose selections belong together.
type collected struct {
	key    string
	fields []*ast.Field
}

// collect flattens selections for an object of one type, in the order of the
// document.
func collect(sets []ast.SelectionSet, kind string, vars map[string]any) []collected {
	out := make([]collected, 0, len(sets[0]))
	var add func(ast.SelectionSet)
	add = func(set ast.SelectionSet) {
		for _, selection := range set {
			switch s := selection.(type) {
			case *ast.Field:
				if skipped(s.Directives, vars) {
					continue
				}
				i := slices.IndexFunc(out, func(c collected) bool { return c.key == s.Alias })
				if i < 0 {
					out = append(out, collected{s.Alias, []*ast.Field{s}})
					continue
				}
				out[i].fields = append(out[i].fields, s)
			case *ast.InlineFragment:
				if !skipped(s.Directives, vars) && applies(s.TypeCondition, kind) {
					add(s.SelectionSet)
				}
			case *ast.FragmentSpread:
				if !skipped(s.Directives, vars) && applies(s.Definition.TypeCondition, kind) {
					add(s.Definition.SelectionSet)
				}
			}
		}
	}
	for _, set := range sets {
		add(set)
	}
	return out
}

func applies(condition, kind string) bool {
	if condition == "" || condition == kind {
		return true
	}
	definition := adminSchema().Types[kind]
	return definition != nil && slices.Contains(definition.Interfaces, condition)
}

func skipped(directives ast.DirectiveList, vars map[string]any) bool {
	for _, d := range directives {
		on, _ := d.ArgumentMap(vars)["if"].(bool)
		if d.Name == "skip" && on || d.Name == "include" && !on {
			return true
		}
	}
	return false
}
