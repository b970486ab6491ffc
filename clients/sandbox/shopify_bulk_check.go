package sandbox

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

const (
	bulkConnections = 5
	bulkDepth       = 2
)

// bulkQuery checks the document of a bulk query as a plain one first and then
// by the rules for bulk queries.
func (s *store) bulkQuery(text string) (*ast.OperationDefinition, []userError) {
	invalid := func(message string) userError { return userError{[]string{"query"}, "INVALID", message} }
	doc, refused := s.documents.load(text)
	if refused != nil {
		return nil, []userError{invalid("Invalid bulk query: " + refused[0].Message)}
	}
	op := doc.Operations[0]
	if op.Operation != ast.Query {
		return nil, []userError{invalid("Invalid operation type. Only `query` operations are supported.")}
	}
	c := &bulkCheck{}
	c.walk(op.SelectionSet, nil, 0, false)
	var errs []userError
	if c.topNode != "" {
		errs = append(errs, invalid("Bulk queries cannot contain a top level `"+c.topNode+"` field."))
	}
	if c.count == 0 {
		errs = append(errs, invalid("Bulk queries must contain at least one connection."))
	}
	if len(c.byNodes) > 0 {
		errs = append(errs, invalid("All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: '"+c.byNodes[0]+
			" { edges { node {'. Selecting via 'nodes' is not supported. Invalid connection fields: '"+strings.Join(c.byNodes, "', '")+"'."))
	}
	if c.count > bulkConnections {
		errs = append(errs, invalid("Bulk queries cannot contain more than 5 connections."))
	}
	if c.depth > bulkDepth {
		errs = append(errs, invalid("Bulk queries cannot contain connections with a nesting depth greater than 2."))
	}
	if c.inList {
		errs = append(errs, invalid("Queries that contain a connection field within a list field are not currently supported."))
	}
	if len(c.withoutID) > 0 {
		errs = append(errs, invalid("The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of 'ID' return type. Connection fields without 'id': "+
			strings.Join(c.withoutID, ", ")+"."))
	}
	return op, errs
}

// bulkCheck collects what the rules ask for.
type bulkCheck struct {
	count, depth int
	topNode      string
	byNodes      []string
	withoutID    []string
	inList       bool
}

// walk goes down the selections; parent is the connection around them.
func (c *bulkCheck) walk(set ast.SelectionSet, parent *ast.Field, depth int, inList bool) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.InlineFragment:
			c.walk(s.SelectionSet, parent, depth, inList)
		case *ast.FragmentSpread:
			c.walk(s.Definition.SelectionSet, parent, depth, inList)
		case *ast.Field:
			c.field(s, parent, depth, inList)
		}
	}
}

func (c *bulkCheck) field(f, parent *ast.Field, depth int, inList bool) {
	if parent == nil && (f.Name == "node" || f.Name == "nodes") && f.ObjectDefinition.Name == "QueryRoot" {
		c.topNode = f.Name
	}
	if !strings.HasSuffix(f.Definition.Type.Name(), "Connection") {
		list := f.Definition.Type.Elem != nil && f.Name != "edges"
		c.walk(f.SelectionSet, parent, depth, inList || list)
		return
	}
	c.count++
	c.depth = max(c.depth, depth)
	c.inList = c.inList || inList
	if field(f.SelectionSet, "nodes") != nil {
		c.byNodes = append(c.byNodes, f.Name)
	}
	if parent != nil {
		edges := field(parent.SelectionSet, "edges")
		if edges != nil && field(edges.SelectionSet, "node") != nil && !selectsID(field(edges.SelectionSet, "node").SelectionSet) {
			c.withoutID = append(c.withoutID, parent.Name)
		}
	}
	c.walk(f.SelectionSet, f, depth+1, inList)
}

// field finds a field among selections, fragments left aside.
func field(set ast.SelectionSet, name string) *ast.Field {
	for _, selection := range set {
		if f, ok := selection.(*ast.Field); ok && f.Name == name {
			return f
		}
	}
	return nil
}

func selectsID(set ast.SelectionSet) bool {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if s.Name == "id" && s.Alias == "id" {
				return true
			}
		case *ast.InlineFragment:
			if selectsID(s.SelectionSet) {
				return true
			}
		case *ast.FragmentSpread:
			if selectsID(s.Definition.SelectionSet) {
				return true
			}
		}
	}
	return false
}
