package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// definitionEnd is where one definition ends and another begins.
var definitionEnd = regexp.MustCompile(`(?m)^(}|scalar .*|directive .*)\n`)

// keep is the part of a schema that operations need.
type keep struct {
	full       *ast.Schema
	types      map[string]bool
	fields     map[string]map[string]bool // by type
	directives map[string]bool
}

// Cut gives the part of the full schema that the operations need, without
// descriptions and sorted by name, below the notice that stands at its head.
func Cut(full *ast.Source, operations ...*ast.Source) (string, error) {
	schema, err := gqlparser.LoadSchema(full)
	if err != nil {
		return "", fmt.Errorf("the full schema: %w", err)
	}
	k := keep{full: schema, types: map[string]bool{}, fields: map[string]map[string]bool{}, directives: map[string]bool{}}
	for _, source := range operations {
		doc, errs := gqlparser.LoadQueryWithRules(schema, source.Input, rules.NewDefaultRules())
		if len(errs) > 0 {
			return "", fmt.Errorf("%s does not fit the full schema: %w", source.Name, errs)
		}
		for _, operation := range doc.Operations {
			k.operation(operation)
		}
		for _, fragment := range doc.Fragments {
			k.output(fragment.TypeCondition)
			k.selection(fragment.SelectionSet)
		}
	}
	k.implementors()
	text := notice(full.Input) + k.print()
	return text, Validate(&ast.Source{Name: "the trimmed schema", Input: text}, operations...)
}

// Validate checks that the operations fit the schema.
func Validate(schema *ast.Source, operations ...*ast.Source) error {
	loaded, err := gqlparser.LoadSchema(schema)
	if err != nil {
		return fmt.Errorf("%s: %w", schema.Name, err)
	}
	for _, source := range operations {
		if _, errs := gqlparser.LoadQueryWithRules(loaded, source.Input, rules.NewDefaultRules()); len(errs) > 0 {
			return fmt.Errorf("%s does not fit %s: %w", source.Name, schema.Name, errs)
		}
	}
	return nil
}

func (k *keep) operation(operation *ast.OperationDefinition) {
	for _, variable := range operation.VariableDefinitions {
		k.input(variable.Type.Name())
	}
	k.selection(operation.SelectionSet)
}

func (k *keep) selection(set ast.SelectionSet) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			k.field(s)
		case *ast.InlineFragment:
			k.output(s.TypeCondition)
			k.selection(s.SelectionSet)
		case *ast.FragmentSpread: // the fragment is walked on its own
		}
	}
}

func (k *keep) field(field *ast.Field) {
	for _, directive := range field.Directives {
		k.directives[directive.Name] = true
		for _, argument := range directive.Definition.Arguments {
			k.input(argument.Type.Name())
		}
	}
	if !strings.HasPrefix(field.Name, "__") {
		k.declare(field.ObjectDefinition.Name, field.Definition)
	}
	k.selection(field.SelectionSet)
}

// declare keeps a field with all its arguments and its type.
func (k *keep) declare(owner string, field *ast.FieldDefinition) {
	k.output(owner)
	k.fields[owner][field.Name] = true
	for _, argument := range field.Arguments {
		k.input(argument.Type.Name())
	}
	k.output(field.Type.Name())
}

func (k *keep) output(name string) {
	k.types[name] = true
	if k.fields[name] == nil {
		k.fields[name] = map[string]bool{}
	}
}

// input keeps a type that is sent, with everything below it.
func (k *keep) input(name string) {
	if k.types[name] {
		return
	}
	k.types[name] = true
	definition := k.full.Types[name]
	if definition.Kind != ast.InputObject {
		return
	}
	for _, field := range definition.Fields {
		k.input(field.Type.Name())
	}
}

// implementors gives every kept type the kept fields of the interfaces that it
// says it implements.
func (k *keep) implementors() {
	for name := range k.types {
		for _, parent := range k.full.Types[name].Interfaces {
			for field := range k.fields[parent] {
				k.declare(name, k.full.Types[name].Fields.ForName(field))
			}
		}
	}
}

func (k *keep) print() string {
	doc := ast.SchemaDocument{Schema: ast.SchemaDefinitionList{{OperationTypes: ast.OperationTypeDefinitionList{
		{Operation: ast.Query, Type: k.full.Query.Name},
		{Operation: ast.Mutation, Type: k.full.Mutation.Name},
	}}}}
	for name := range k.directives {
		directive := *k.full.Directives[name]
		directive.Description, directive.Arguments = "", plainArguments(directive.Arguments)
		doc.Directives = append(doc.Directives, &directive)
	}
	for name := range k.types {
		if definition := k.full.Types[name]; !definition.BuiltIn {
			doc.Definitions = append(doc.Definitions, k.plain(definition))
		}
	}
	slices.SortFunc(doc.Directives, func(a, b *ast.DirectiveDefinition) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(doc.Definitions, func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	var out strings.Builder
	formatter.NewFormatter(&out, formatter.WithIndent("  ")).FormatSchemaDocument(&doc)
	return definitionEnd.ReplaceAllString(out.String(), "$0\n")
}

// plain is a definition with only its kept fields and no words.
func (k *keep) plain(full *ast.Definition) *ast.Definition {
	cut := &ast.Definition{Kind: full.Kind, Name: full.Name}
	for _, parent := range full.Interfaces {
		if k.types[parent] {
			cut.Interfaces = append(cut.Interfaces, parent)
		}
	}
	for _, member := range full.Types {
		if k.types[member] {
			cut.Types = append(cut.Types, member)
		}
	}
	for _, value := range full.EnumValues {
		cut.EnumValues = append(cut.EnumValues, &ast.EnumValueDefinition{Name: value.Name})
	}
	for _, field := range full.Fields {
		if full.Kind == ast.InputObject || k.fields[full.Name][field.Name] {
			cut.Fields = append(cut.Fields, &ast.FieldDefinition{
				Name: field.Name, Type: field.Type, DefaultValue: field.DefaultValue,
				Arguments: plainArguments(field.Arguments),
			})
		}
	}
	return cut
}

func plainArguments(full ast.ArgumentDefinitionList) (cut ast.ArgumentDefinitionList) {
	for _, argument := range full {
		cut = append(cut, &ast.ArgumentDefinition{
			Name: argument.Name, Type: argument.Type, DefaultValue: argument.DefaultValue,
		})
	}
	return cut
}

// notice is the comment at the head of the full schema: its origin and its
// licence, which must go with every copy.
func notice(full string) string {
	var out strings.Builder
	for line := range strings.Lines(full) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		out.WriteString(line)
	}
	out.WriteString("#\n# Trimmed to what operations.graphql, bulk.graphql and trim.graphql need, descriptions left out.\n\n")
	return out.String()
}
