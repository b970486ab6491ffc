package cli

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"stocksyncd/cmd/internal/web"
	"stocksyncd/configs"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// repository is the root of it, from here.
const repository = "../../.."

// fenced is a block of the README between two fences.
type fenced struct {
	language string
	lines    []string
}

// readme gives the README and its blocks.
func readme(t *testing.T) (text string, blocks []fenced) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	open := false
	for line := range strings.Lines(string(file)) {
		line = strings.TrimSuffix(line, "\n")
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && !open:
			blocks = append(blocks, fenced{language: language})
			open = true
		case fence:
			open = false
		case open:
			last := &blocks[len(blocks)-1]
			last.lines = append(last.lines, line)
		}
	}
	return string(file), blocks
}

// only gives the one block of a language.
func only(t *testing.T, blocks []fenced, language string) string {
	t.Helper()
	var found []string
	for _, block := range blocks {
		if block.language == language {
			found = append(found, strings.Join(block.lines, "\n")+"\n")
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d blocks of %s, want one", len(found), language)
	}
	return found[0]
}

// step is a command of a console block and what it is said to print.
type step struct {
	command string
	want    []string
}

func (f fenced) steps(t *testing.T) (steps []step) {
	t.Helper()
	for _, line := range f.lines {
		command, found := strings.CutPrefix(line, "$ ")
		switch {
		case found:
			steps = append(steps, step{command: command})
		case len(steps) == 0:
			t.Fatalf("%q comes before any command", line)
		default:
			last := &steps[len(steps)-1]
			last.want = append(last.want, line)
		}
	}
	return steps
}

// shellWords splits a command line at blanks as a shell does, as far as the
// README needs it; a comment ends it.
func shellWords(line string) (words []string) {
	for _, word := range regexp.MustCompile(`'[^']*'|\S+`).FindAllString(line, -1) {
		if strings.HasPrefix(word, "#") {
			break
		}
		words = append(words, strings.Trim(word, "'"))
	}
	return words
}

// ours gives the arguments of a command line that runs the program.
func ours(words []string) (args []string, ok bool) {
	for _, start := range [][]string{{"stocksyncd"}, {"go", "run", "./cmd/stocksyncd"}} {
		if len(words) > len(start) && slices.Equal(words[:len(start)], start) {
			return words[len(start):], true
		}
	}
	return nil, false
}

// TestTheReadmesCommandsPrintWhatItShows types the README's commands one after
// the other, in an empty folder. The demo, which takes its time, goes on
// beside them and is stopped as soon as it has said what the README shows.
func TestTheReadmesCommandsPrintWhatItShows(t *testing.T) {
	_, blocks := readme(t)
	t.Chdir(t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	if err := os.WriteFile("products_export.csv", []byte(only(t, blocks, "csv")), 0o600); err != nil {
		t.Fatal(err)
	}
	tm := &terminal{t: t, environ: map[string]string{}, sandboxes: map[string]string{}}
	beside := &terminal{t: t} // where nobody sleeps
	var demos []*process
	steps := 0
	for _, block := range blocks {
		if block.language != "console" {
			continue
		}
		for _, s := range block.steps(t) {
			steps++
			words := shellWords(s.command)
			args, program := ours(words)
			switch {
			case program && args[0] == "demo":
				demos = append(demos, beside.start(s, args))
			case words[0] == "go" && words[1] == "test":
				tm.tested(s, words)
			default:
				tm.typed(s)
			}
		}
	}
	for _, p := range demos {
		beside.shows(p)
		beside.stop(p)
	}
	if steps < 10 || len(demos) == 0 {
		t.Errorf("%d commands, %d of them the demo: is the README still read as it is written?", steps, len(demos))
	}
}

// mentioned lists the command lines of the program that a page has anywhere:
// in text, in blocks and in what commands print.
func mentioned(text string) (lines []string) {
	for _, found := range regexp.MustCompile("`(stocksyncd [^`]+)`").FindAllStringSubmatch(text, -1) {
		lines = append(lines, found[1])
	}
	for _, found := range regexp.MustCompile(`(?m)^ *(?:\$ )?(?:[A-Z_]+=\S+ )*((?:stocksyncd|go run \./cmd/stocksyncd) .+)$`).FindAllStringSubmatch(text, -1) {
		lines = append(lines, found[1])
	}
	return lines
}

func TestEveryCommandThatTheDocumentsNameExists(t *testing.T) {
	for _, page := range []string{"README.md", "systemd/README.md"} {
		text, err := os.ReadFile(filepath.Join(repository, page))
		if err != nil {
			t.Fatal(err)
		}
		lines := mentioned(string(text))
		if len(lines) == 0 {
			t.Errorf("%s names no command", page)
		}
		for _, line := range lines {
			args, _ := ours(shellWords(line))
			if i := slices.Index(args, ">"); i >= 0 {
				args = args[:i]
			}
			command, rest, err := still().root().Find(args)
			if err == nil {
				err = command.ParseFlags(rest)
			}
			if err == nil && len(rest) > 0 { // a bare name stands for the command as such
				err = command.ValidateArgs(command.Flags().Args())
			}
			if err != nil || !command.Runnable() {
				t.Errorf("%s: %q is no command: %v", page, line, err)
			}
		}
	}
}

// TestTheReadmesShellLinesNameWhatThereIs checks the lines that change a
// machine, or run all tests, and so are not run here.
func TestTheReadmesShellLinesNameWhatThereIs(t *testing.T) {
	_, blocks := readme(t)
	built, lines := map[string]bool{}, 0
	for _, block := range blocks {
		if block.language != "sh" {
			continue
		}
		for _, line := range block.lines {
			lines++
			words := shellWords(strings.TrimPrefix(line, "CGO_ENABLED=0 "))
			if i := slices.Index(words, "-o"); i >= 0 {
				built[words[i+1]] = true
			}
			switch words[0] {
			case "install":
				if from := words[len(words)-2]; !built[from] && !exists(from) {
					t.Errorf("%q: there is no %s", line, from)
				}
			case "go":
				for _, word := range words {
					if strings.HasPrefix(word, "./") && !exists(strings.TrimSuffix(word, "...")) {
						t.Errorf("%q: there is no %s", line, word)
					}
				}
			case "stocksyncd": // TestEveryCommandThatTheDocumentsNameExists
			default:
				t.Errorf("%q: no test looks at it", line)
			}
		}
	}
	if lines < 5 {
		t.Errorf("%d lines, want those to set up, to install and to begin", lines)
	}
}

func exists(path string) bool {
	_, err := os.Stat(filepath.Join(repository, path))
	return err == nil
}

func TestTheReadmesLinksLeadSomewhere(t *testing.T) {
	text, _ := readme(t)
	links := regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1)
	for _, link := range links {
		if !exists(link[1]) {
			t.Errorf("%s is not there", link[1])
		}
	}
	if len(links) == 0 {
		t.Error("the README has no links")
	}
}

func TestTheReadmesConfigIsOneAndItSaysWhatTheDefaultsAre(t *testing.T) {
	text, blocks := readme(t)
	small := only(t, blocks, "yaml")
	cfg, err := configs.Parse("README.md", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.ModeNamed {
		t.Error("the smallest config names a mode")
	}
	for _, want := range append([]string{
		fmt.Sprintf("change more than %d %%", cfg.Guards.MaxChangedPercent),
		fmt.Sprintf("take more than %d %% to zero", cfg.Guards.MaxZeroedPercent),
		fmt.Sprintf("more than %d %% shorter", cfg.Guards.MaxShrinkPercent),
		fmt.Sprintf("%d or fewer never trip a guard", cfg.Guards.MinChanges),
		"`status.listen` (" + cfg.Status.Listen + ")",
	}, neededScopes...) {
		if !strings.Contains(text, want) {
			t.Errorf("the README does not say %q", want)
		}
	}
}

// rows gives the cells of the table whose first column has a heading.
func rows(t *testing.T, text, heading string) (cells [][]string) {
	t.Helper()
	_, table, _ := strings.Cut(text, "| "+heading+" |")
	for i, line := range strings.Split(table, "\n") {
		if i > 1 && !strings.HasPrefix(line, "|") {
			break
		}
		if i > 1 {
			cells = append(cells, strings.Split(strings.Trim(line, "| "), " | "))
		}
	}
	if len(cells) == 0 {
		t.Fatalf("no table of %s", heading)
	}
	return cells
}

// whyLeft lists the codes that the program has for why a level is left alone,
// as its source lists them.
func whyLeft(t *testing.T) (codes []inventory.Reason) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(repository, "reconcile/inventory/outcome.go"), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, declared := range file.Decls {
		group, ok := declared.(*ast.GenDecl)
		if !ok || group.Doc.Text() != "Why a level is left alone.\n" {
			continue
		}
		for _, spec := range group.Specs {
			literal := spec.(*ast.ValueSpec).Values[0].(*ast.BasicLit)
			code, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, inventory.Reason(code))
		}
	}
	return codes
}

func TestTheReadmeSaysOfEveryCodeWhyALevelIsLeftAloneAndWhatToDo(t *testing.T) {
	text, _ := readme(t)
	got, want := rows(t, text, "code"), [][]string{}
	for _, code := range whyLeft(t) {
		e := inventory.Explanation{Store: "main", Item: 1, LocationID: 2, Left: code}
		level := inventory.Key{Store: e.Store, Item: e.Item, Location: e.LocationID}.String()
		want = append(want, []string{"`" + string(code) + "`", reasonText(code), strings.ReplaceAll(remedy(&e), level, "LEVEL")})
	}
	if !slices.EqualFunc(got, want, slices.Equal[[]string]) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if codes := whyLeft(t); len(codes) != len(leftReasons) {
		t.Errorf("the program has %d codes, %d of them are tried", len(codes), len(leftReasons))
	}
}

// TestTheReadmeQuotesWhatIsSaidOfARenamedLocation is for the one rule that no
// event of the sandbox shows: it does not rename locations.
func TestTheReadmeQuotesWhatIsSaidOfARenamedLocation(t *testing.T) {
	text, _ := readme(t)
	shop := []inventory.Location{{ID: 1, Name: "Shop location", Active: true}}
	mapping := desired.Mapping{Locations: []desired.Pair{{Target: "Shop location", Sources: []string{"Main warehouse"}}}}
	before, err := desired.Resolve(mapping, shop, []inventory.SourceLocation{{ID: 2201, Name: "Main warehouse", SalesAllowed: true}}, inventory.Pins{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = desired.Resolve(mapping, shop, []inventory.SourceLocation{{ID: 2201, Name: "Hall 1", SalesAllowed: true}}, before.Pins)
	if err == nil || !strings.Contains(text, "`"+err.Error()+"`") {
		t.Errorf("the README does not quote %q", err)
	}
}

// helpOf is what a command's --help prints.
func helpOf(words ...string) string {
	a := still()
	var out bytes.Buffer
	a.Stdout, a.Args = &out, append(words, "--help")
	Main(a.Env)
	return out.String()
}

func TestTheReadmesSignalsAreThoseOfTheHelp(t *testing.T) {
	text, _ := readme(t)
	var got, want []string
	for _, row := range rows(t, text, "signal") {
		got = append(got, strings.ReplaceAll(row[0], "`", "")+": "+row[1])
	}
	for _, line := range regexp.MustCompile(`(?m)^  (SIG[A-Z0-9, ]*?)  +(.*)$`).FindAllStringSubmatch(helpOf("run"), -1) {
		want = append(want, line[1]+": "+line[2])
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheReadmesExitCodesAreThoseOfTheHelp(t *testing.T) {
	text, _ := readme(t)
	table := rows(t, text, "exit code")
	for _, words := range commands(t) {
		name := strings.Join(words, " ")
		var got, want []string
		for _, row := range table {
			if row[2] == "all" || strings.Contains(row[2], "`"+name+"`") {
				got = append(got, row[0])
			}
		}
		for _, line := range regexp.MustCompile(`(?m)^  (\d) `).FindAllStringSubmatch(helpOf(words...), -1) {
			want = append(want, line[1])
		}
		if len(want) > 0 && !slices.Equal(got, want) {
			t.Errorf("%s: the README has %v, its help %v", name, got, want)
		}
	}
	order := fmt.Sprintf("the first of %d, %d, %d, %d, %d counts", exitUsage, exitFailed, exitHeld, exitDrift, exitDone)
	if !strings.Contains(text, order) {
		t.Errorf("the README does not say %q", order)
	}
}

func TestThePagesThatTheReadmeNamesAreServed(t *testing.T) {
	text, _ := readme(t)
	const listen = "127.0.0.1:9470"
	site := web.New("v1", noon)
	site.Observe(reconcile.Request{}, &inventory.Report{}, nil)
	pages := regexp.MustCompile("`(/[a-z.]+)`").FindAllStringSubmatch(text, -1)
	for _, page := range pages {
		request := httptest.NewRequest(http.MethodGet, "http://"+listen+page[1], nil)
		answer := httptest.NewRecorder()
		site.Handler(listen).ServeHTTP(answer, request)
		if answer.Code == http.StatusNotFound || answer.Code == http.StatusForbidden {
			t.Errorf("%s: %d", page[1], answer.Code)
		}
	}
	if len(pages) < 4 {
		t.Errorf("only %v", pages)
	}
}
