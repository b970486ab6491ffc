package cli

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"stocksyncd/clients/sandbox"
)

const clientsDir = "../../../clients"

// walkClient shows each part of a client's source, but for its tests.
func walkClient(t *testing.T, name string, visit func(ast.Node)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(clientsDir, name, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the client %s has %d files: %v", name, len(files), err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			visit(n)
			return true
		})
	}
}

// literal is a text as it is written in the source; "" is anything else.
func literal(n ast.Node) string {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return text
}

var graphqlName = regexp.MustCompile(`(?m)^(?:query|mutation) (\w+)`)

// shopifyOperations is what the client of a store can ask: the GraphQL operations
// that it has, and the requests that have a name of their own, as they are none.
func shopifyOperations(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(clientsDir, "shopify", "operations.graphql"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, found := range graphqlName.FindAllSubmatch(text, -1) {
		all[string(found[1])] = true
	}
	walkClient(t, "shopify", func(n ast.Node) {
		request, ok := n.(*ast.CompositeLit)
		if !ok {
			return
		}
		if of, ok := request.Type.(*ast.SelectorExpr); !ok || of.Sel.Name != "Request" {
			return
		}
		for _, part := range request.Elts {
			field, ok := part.(*ast.KeyValueExpr)
			if !ok || fmt.Sprint(field.Key) != "Name" {
				continue
			}
			if name := literal(field.Value); name != "" {
				all[strings.ReplaceAll(name, " ", "_")] = true
			}
		}
	})
	return all
}

var pathWord = regexp.MustCompile(`^/?[a-z_]+$`)

// katanaOperations is what the client of Katana can ask: the words of its source
// that are addresses there.
func katanaOperations(t *testing.T) map[string]bool {
	t.Helper()
	server := sandbox.NewWorld(sandbox.Options{KatanaPerMinute: 1e6}).Katana()
	all := map[string]bool{}
	walkClient(t, "katana", func(n ast.Node) {
		word := literal(n)
		if !pathWord.MatchString(word) {
			return
		}
		path := "/" + strings.TrimPrefix(word, "/")
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1"+path, nil)
		request.Header.Set("Authorization", "Bearer sandbox-katana-key")
		answer := httptest.NewRecorder()
		if server.ServeHTTP(answer, request); answer.Code != http.StatusNotFound {
			all[path] = true
		}
	})
	return all
}

// TestFaultsArePlayedAtEveryOperationThatAClientSends holds what the faults are
// played at against what the clients can ask, by their own source.
func TestFaultsArePlayedAtEveryOperationThatAClientSends(t *testing.T) {
	played := map[string]bool{}
	for _, place := range faultPlaces {
		played[place.op] = true
	}
	for _, s := range rareScenes {
		played[s.op] = true
	}
	for name := range operations(t) {
		played[strings.TrimPrefix(strings.TrimPrefix(name, "katana"), "shopify ")] = true
	}
	shopify, katana := shopifyOperations(t), katanaOperations(t)
	sent := maps.Clone(shopify)
	maps.Copy(sent, katana)
	for _, op := range slices.Sorted(maps.Keys(sent)) {
		if !played[op] {
			t.Errorf("no fault is played at %s", op)
		}
	}
	for _, op := range slices.Sorted(maps.Keys(played)) {
		if !sent[op] {
			t.Errorf("faults are played at %s, which no client sends", op)
		}
	}
	if len(shopify) < 20 || len(katana) < 10 {
		t.Errorf("%d operations of Shopify and %d of Katana: the test proves nothing", len(shopify), len(katana))
	}
	t.Logf("played at %d operations of Shopify and %d of Katana", len(shopify), len(katana))
}
