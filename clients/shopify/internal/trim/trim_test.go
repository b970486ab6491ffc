package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"
)

// committed is where the generated files are.
const committed = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheCommittedCodeIsWhatTheCommittedOperationsGive(t *testing.T) {
	got, err := generated(committed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(read(t, committed+"/generated.go"), string(got)); diff != "" {
		t.Errorf("run `go generate ./clients/shopify` (-committed +generated):\n%s", diff)
	}
}

func TestTheCommittedSchemaIsWhatTheFullOneGives(t *testing.T) {
	reference := os.Getenv("STOCKSYNCD_REFERENCE")
	if reference == "" {
		t.Skip("STOCKSYNCD_REFERENCE names no folder with the full schema")
	}
	got, err := recut(committed, reference)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(read(t, committed+"/schema.graphql"), got); diff != "" {
		t.Errorf("run `go generate ./clients/shopify` with STOCKSYNCD_REFERENCE set (-committed +cut):\n%s", diff)
	}
}

func TestEveryCommittedOperationFitsTheCommittedSchema(t *testing.T) {
	schema, err := source(committed, "schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	operations, err := sources(committed)
	if err != nil {
		t.Fatal(err)
	}
	if err := Validate(schema, operations...); err != nil {
		t.Error(err)
	}
}

func TestTheNoticeGoesWithTheTrimmedSchema(t *testing.T) {
	schema := read(t, committed+"/schema.graphql")
	for _, want := range []string{"Copyright 2025-present, Shopify Inc.", "Permission to use, copy, modify", "PROVIDED \"AS IS\""} {
		if !strings.Contains(schema, want) {
			t.Errorf("schema.graphql does not say %q", want)
		}
	}
	if strings.Contains(schema, `"""`) {
		t.Error("schema.graphql holds descriptions")
	}
}

const small = `# a notice

"""words""" type Query { shop(which: Which = ONE, old: Int @deprecated(reason: "no")): Shop! other: Other! node: Node }
type Mutation { set(input: In!): Shop! }
directive @once(key: String!) on FIELD
"""words""" input In { deep: Deep! }
input Deep { n: Int = 1 when: Date }
scalar Date
enum Which { ONE TWO }
interface Node { id: ID! }
interface Named { name: String }
type Shop implements Node & Named { id: ID! name: String more: Other }
type Other { x: Int }
`

func TestOnlyWhatAnOperationNeedsIsKept(t *testing.T) {
	got, err := Cut(&ast.Source{Name: "full", Input: small}, &ast.Source{Name: "ops", Input: `
		query q { shop { name } node { ... on Shop { name } id } }
		mutation m($input: In!) { set(input: $input) @once(key: "k") { name } }`})
	if err != nil {
		t.Fatal(err)
	}
	_, got, _ = strings.Cut(got, "left out.\n\n")
	want := `schema {
  query: Query
  mutation: Mutation
}

directive @once(key: String!) on FIELD

scalar Date

input Deep {
  n: Int = 1
  when: Date
}

input In {
  deep: Deep!
}

type Mutation {
  set(input: In!): Shop!
}

interface Node {
  id: ID!
}

type Query {
  shop(which: Which = ONE, old: Int): Shop!
  node: Node
}

type Shop implements Node {
  id: ID!
  name: String
}

enum Which {
  ONE
  TWO
}
`
	if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAnOperationThatDoesNotFitIsNamed(t *testing.T) {
	_, err := Cut(&ast.Source{Name: "full", Input: small}, &ast.Source{Name: "ops.graphql", Input: `query q { shop { nothing } }`})
	if err == nil || !strings.Contains(err.Error(), "ops.graphql") || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("got %v, want an error that names ops.graphql and nothing", err)
	}
}

func TestWithoutTheFullSchemaTheCommittedOneStays(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"schema.graphql", "operations.graphql", "bulk.graphql", "trim.graphql", "genqlient.yaml"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(read(t, filepath.Join(committed, name))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	if err := run(folder, "", &log); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "STOCKSYNCD_REFERENCE") {
		t.Errorf("the log says %q, not what to set", log.String())
	}
	if read(t, folder+"/schema.graphql") != read(t, committed+"/schema.graphql") {
		t.Error("schema.graphql was changed")
	}
	if read(t, folder+"/generated.go") != read(t, committed+"/generated.go") {
		t.Error("generated.go differs")
	}
}
