// Command trim makes what clients/shopify commits but nobody writes by hand:
//
//	schema.graphql  the part of Shopify's Admin schema that operations.graphql,
//	                bulk.graphql and trim.graphql need, cut from the full one
//	generated.go    the typed operations, by genqlient, of schema.graphql and
//	                operations.graphql
//
// It is run by `go generate ./clients/shopify`. The full schema is read from
// shopify-admin-schema-2026-10.graphql.gz in the folder that the environment
// variable STOCKSYNCD_REFERENCE names; without it the committed schema stays,
// and the operations are checked against that.
package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/Khan/genqlient/generate"
	"github.com/vektah/gqlparser/v2/ast"
)

const fullSchema = "shopify-admin-schema-2026-10.graphql.gz"

func main() {
	if err := run(".", os.Getenv("STOCKSYNCD_REFERENCE"), os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "trim:", err)
		os.Exit(1)
	}
}

// run rewrites the generated files of the folder.
func run(folder, reference string, log io.Writer) error {
	if reference == "" {
		_, _ = fmt.Fprintln(log, "trim: schema.graphql is not cut anew: STOCKSYNCD_REFERENCE names no folder with", fullSchema)
	} else {
		schema, err := recut(folder, reference)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "schema.graphql"), []byte(schema), 0o600); err != nil {
			return err
		}
	}
	operations, err := sources(folder)
	if err != nil {
		return err
	}
	schema, err := source(folder, "schema.graphql")
	if err != nil {
		return err
	}
	if err := Validate(schema, operations...); err != nil {
		return fmt.Errorf("%w; set STOCKSYNCD_REFERENCE and generate again", err)
	}
	code, err := generated(folder)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "generated.go"), code, 0o600)
}

// recut gives the trimmed schema, cut from the full one.
func recut(folder, reference string) (string, error) {
	full, err := unpack(filepath.Join(reference, fullSchema))
	if err != nil {
		return "", err
	}
	operations, err := sources(folder)
	if err != nil {
		return "", err
	}
	return Cut(&ast.Source{Name: fullSchema, Input: full}, operations...)
}

// generated gives the Go code of the operations.
//
// It is made against a schema of these operations alone: of a field that gives
// a Node, code for every kind of Node that the schema knows would come out.
func generated(folder string) ([]byte, error) {
	config, err := generate.ReadAndValidateConfig(filepath.Join(folder, "genqlient.yaml"))
	if err != nil {
		return nil, err
	}
	schema, err := source(folder, "schema.graphql")
	if err != nil {
		return nil, err
	}
	operations, err := source(folder, "operations.graphql")
	if err != nil {
		return nil, err
	}
	narrow, err := Cut(schema, operations)
	if err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp("", "trim")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(scratch) }() // the system's to clean, else
	config.Schema = generate.StringList{filepath.Join(scratch, "schema.graphql")}
	if err := os.WriteFile(config.Schema[0], []byte(narrow), 0o600); err != nil {
		return nil, err
	}
	files, err := generate.Generate(config)
	if err != nil {
		return nil, err
	}
	return files[config.Generated], nil
}

func sources(folder string) ([]*ast.Source, error) {
	operations, err := source(folder, "operations.graphql")
	if err != nil {
		return nil, err
	}
	bulk, err := source(folder, "bulk.graphql")
	if err != nil {
		return nil, err
	}
	more, err := source(folder, "trim.graphql")
	if err != nil {
		return nil, err
	}
	return []*ast.Source{operations, bulk, more}, nil
}

func source(folder, name string) (*ast.Source, error) {
	text, err := os.ReadFile(filepath.Join(folder, name)) // #nosec G304 -- names are constants
	if err != nil {
		return nil, err
	}
	return &ast.Source{Name: name, Input: string(text)}, nil
}

func unpack(path string) (string, error) {
	file, err := os.Open(path) // #nosec G304 G703 -- the developer's own folder
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // read only
	packed, err := gzip.NewReader(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	text, err := io.ReadAll(io.LimitReader(packed, 64<<20))
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return string(text), nil
}
