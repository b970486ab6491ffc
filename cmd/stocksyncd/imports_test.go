package main

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is what our own import paths begin with.
const module = "stocksyncd/"

// allowed says which packages of ours each package may import, tests not
// included. "x/..." stands for x and everything below it.
var allowed = map[string][]string{
	"reconcile/inventory":        {},
	"reconcile/desired":          {"reconcile/inventory"},
	"reconcile/flight":           {"reconcile/inventory"},
	"reconcile/plan":             {"reconcile/inventory"},
	"reconcile/guard":            {"reconcile/inventory"},
	"reconcile":                  {"reconcile/..."},
	"clients/internal/transport": {"reconcile/inventory", "clients/internal/..."},
	"clients/katana":             {"reconcile/inventory", "clients/internal/...", "clients/katana/..."},
	"clients/shopify":            {"reconcile/inventory", "clients/internal/...", "clients/shopify/..."},
	"clients/sandbox":            {},
	"state":                      {"reconcile/inventory"},
	"configs":                    {"reconcile/inventory"},
	"systemd":                    {},
	"cmd/internal/daemon":        {"reconcile", "reconcile/inventory"},
	"cmd/internal/web":           {"reconcile", "reconcile/inventory"},
	"cmd/internal/cli":           {"reconcile/...", "clients/katana", "clients/shopify", "clients/sandbox", "state", "configs", "systemd", "cmd/internal/..."},
	"cmd/stocksyncd":             {"cmd/internal/cli"},
}

// below are packages under one of the above that keep its rules: generators,
// generated code and what only tests need.
var below = []string{"clients/internal/transport/", "clients/shopify/", "clients/katana/", "clients/sandbox/"}

// pure packages neither do I/O nor read a clock of their own.
var pure = []string{"reconcile/inventory", "reconcile/desired", "reconcile/flight", "reconcile/plan", "reconcile/guard"}

// impure is what a pure package has no business with.
var impure = []string{"os", "net", "net/http", "io/fs", "log", "log/slog", "math/rand", "math/rand/v2", "path/filepath"}

// topLevel is everything that lies in the root of the repository; CI adds its
// own folders, and whoever builds leaves the binary.
var topLevel = []string{
	".ci", ".git", ".github", ".gitignore", ".golangci.yml", "CHANGELOG.md", "LICENSE", "README.md",
	"clients", "cmd", "configs", "go.mod", "go.sum", "reconcile", "state", "stocksyncd", "systemd",
}

const root = "../.."

func TestPackagesImportOnlyWhatTheLayoutAllows(t *testing.T) {
	seen := map[string]bool{}
	for dir, imports := range packages(t) {
		seen[dir] = true
		rules, ok := allowed[owner(dir)]
		if !ok {
			t.Errorf("package %s has no place in the layout", dir)
			continue
		}
		for _, imported := range imports {
			ours, isOurs := strings.CutPrefix(imported, module)
			switch {
			case isOurs && !slices.ContainsFunc(rules, func(rule string) bool { return matches(rule, ours) }):
				t.Errorf("%s imports %s, which the layout does not allow", dir, ours)
			case slices.Contains(pure, dir) && slices.Contains(impure, imported):
				t.Errorf("%s imports %s, and is to be pure", dir, imported)
			case dir == "reconcile/inventory" && strings.Contains(imported, "."):
				t.Errorf("%s imports %s, and is to need nothing but the standard library", dir, imported)
			}
		}
	}
	for dir := range allowed {
		if !seen[dir] {
			t.Errorf("the layout names %s, which is not there", dir)
		}
	}
}

func TestNoPackageStartsAnotherProgram(t *testing.T) {
	for dir, imports := range packages(t) {
		for _, no := range []string{"os/exec", "plugin", "unsafe", "C"} {
			if slices.Contains(imports, no) {
				t.Errorf("%s imports %s; what it is for needs no other program", dir, no)
			}
		}
	}
	starts := regexp.MustCompile(`\b(os\.StartProcess|(syscall|unix)\.(Exec|ForkExec|StartProcess|RawSyscall|Syscall)6?)\(`)
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)                                                     // #nosec G304 -- our own
		text = bytes.ReplaceAll(text, []byte("syscall.Syscall(syscall.SYS_MADVISE,"), nil) // of memory, and of nothing that runs
		if found := starts.Find(text); found != nil {
			t.Errorf("%s calls %s", name, found)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTheRootHoldsOnlyWhatTheLayoutNames(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !slices.Contains(topLevel, entry.Name()) {
			t.Errorf("%s lies in the root; the layout has no place for it there", entry.Name())
		}
	}
}

// owner is the package whose rules a package keeps.
func owner(dir string) string {
	for _, prefix := range below {
		if strings.HasPrefix(dir, prefix) {
			return strings.TrimSuffix(prefix, "/")
		}
	}
	return dir
}

func matches(rule, imported string) bool {
	if base, ok := strings.CutSuffix(rule, "/..."); ok {
		return imported == base || strings.HasPrefix(imported, base+"/")
	}
	return imported == rule
}

// packages lists what the non-test files of each package import.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() && name != root && (strings.HasPrefix(base, ".") || base == "testdata") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		dir := path.Clean(filepath.ToSlash(relative))
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[dir] = append(found[dir], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
