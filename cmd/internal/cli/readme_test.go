package cli

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stocksyncd/cmd/internal/web"
	"stocksyncd/configs"
	"stocksyncd/reconcile"
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

// varying is what differs from run to run, or from machine to machine. All
// else on the page is compared letter by letter.
var varying = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(`^\[\d\d:\d\d\]`), "[CLOCK]"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`took [\d.]*\d ?[mµ]?s`), "took SPAN"},
	{regexp.MustCompile(`(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d UTC`), "TIME"},
	{regexp.MustCompile(`\(\d+\.\d+s\)$`), "(SPAN)"},
	{regexp.MustCompile(`_test\.go:\d+:`), "_test.go:LINE:"},
}

func plainLine(line string) string {
	for _, v := range varying {
		line = v.pattern.ReplaceAllString(line, v.text)
	}
	return line
}

// agrees tells whether the page shows what was printed. A line … stands for
// any lines, a … at the end of a line for the rest of it.
func agrees(want, got []string) bool {
	switch {
	case len(want) == 0:
		return len(got) == 0
	case want[0] == "…":
		for i := range len(got) + 1 {
			if agrees(want[1:], got[i:]) {
				return true
			}
		}
		return false
	case len(got) == 0:
		return false
	}
	line, shown := plainLine(got[0]), plainLine(want[0])
	begin, cut := strings.CutSuffix(shown, "…")
	return (line == shown || cut && strings.HasPrefix(line, begin)) && agrees(want[1:], got[1:])
}

func TestAPageThatShowsSomethingElseDoesNotAgree(t *testing.T) {
	got := []string{"[00:01] a", "b", "c 1", "took 12ms."}
	for _, test := range []struct {
		want   []string
		agrees bool
	}{
		{[]string{"[00:09] a", "b", "c 1", "took 1.5s."}, true},
		{[]string{"[00:01] a", "…", "took long."}, false},
		{[]string{"[00:01] a", "…", "took 7ms."}, true},
		{[]string{"…", "c …", "…"}, true},
		{[]string{"…", "c 2", "…"}, false},
		{[]string{"[00:01] a", "b", "c 1"}, false},
		{nil, false},
	} {
		if agrees(test.want, got) != test.agrees {
			t.Errorf("%q against %q: got %t", test.want, got, !test.agrees)
		}
	}
}

// screen keeps what a command prints and tells of every write.
type screen struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{}
}

func newScreen() *screen { return &screen{wrote: make(chan struct{}, 1)} }

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.wrote <- struct{}{}:
	default:
	}
	return s.text.Write(p)
}

func (s *screen) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s.text.String(), "\n"), "\n")
}

// terminal is where the README's commands are typed.
type terminal struct {
	t       *testing.T
	environ map[string]string
	sandbox string // address of the one that runs
	mu      sync.Mutex
	slept   time.Duration
}

func (tm *terminal) now() time.Time {
	tm.mu.Lock()
	defer tm.mu.Unlock()
	return time.Now().Add(tm.slept)
}

// process is a command that was started.
type process struct {
	step
	*screen
	signal chan os.Signal
	done   chan struct{} // closed when it has ended
	code   int           // with what
}

// start runs a command in the background. The sandbox gets a free port.
func (tm *terminal) start(s step, args []string) *process {
	tm.t.Helper()
	p := &process{step: s, screen: newScreen(), signal: make(chan os.Signal, 1), done: make(chan struct{})}
	var stdout io.Writer = p.screen
	if i := slices.Index(args, ">"); i >= 0 {
		file, err := os.Create(args[i+1])
		if err != nil {
			tm.t.Fatal(err)
		}
		tm.t.Cleanup(func() { _ = file.Close() })
		stdout, args = file, slices.Delete(args, i, i+2)
	}
	switch {
	case args[0] != "sandbox":
	case len(args) > 1 && (args[1] == "event" || args[1] == "fault"):
		args = append(args, "--to", tm.sandbox)
	default:
		args = append(args, "--listen", "127.0.0.1:0")
	}
	environ := maps.Clone(tm.environ)
	env := Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: stdout, Stderr: p.screen, Now: tm.now,
		Getenv:   func(name string) string { return environ[name] },
		Signals:  func(...os.Signal) (<-chan os.Signal, func()) { return p.signal, func() {} },
		Terminal: func(io.Writer) bool { return false },
	}
	go func() {
		defer close(p.done)
		p.code = Main(env)
	}()
	return p
}

// shows waits until the screen shows what the README says, or the command has
// ended without.
func (tm *terminal) shows(p *process) {
	tm.t.Helper()
	for running := true; !agrees(p.want, p.lines()); {
		if !running {
			tm.t.Fatalf("$ %s\nexit code %d, got\n%s\nthe README has\n%s", p.command, p.code, strings.Join(p.lines(), "\n"), strings.Join(p.want, "\n"))
		}
		select {
		case <-p.wrote:
		case <-p.done:
			running = false
		}
	}
}

// ends waits for the command's end.
func (tm *terminal) ends(p *process) {
	tm.t.Helper()
	<-p.done
	if p.code == exitFailed || p.code == exitUsage {
		tm.t.Errorf("$ %s: exit code %d\n%s", p.command, p.code, strings.Join(p.lines(), "\n"))
	}
}

// stop is Ctrl-C.
func (tm *terminal) stop(p *process) {
	tm.t.Helper()
	p.signal <- syscall.SIGINT
	tm.ends(p)
}

// serve starts the sandbox and leaves it running until the test is over.
func (tm *terminal) serve(s step, args []string) {
	tm.t.Helper()
	p := tm.start(s, args)
	tm.t.Cleanup(func() { tm.stop(p) })
	tm.shows(p)
	tm.sandbox = regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(strings.Join(p.lines(), "\n"))
}

// typed runs a command of the README and compares what it prints.
func (tm *terminal) typed(s step) {
	tm.t.Helper()
	words := shellWords(s.command)
	args, program := ours(words)
	switch {
	case program && args[0] == "sandbox" && !slices.Contains(args, "event"):
		tm.serve(s, args)
	case program:
		p := tm.start(s, args)
		tm.ends(p)
		tm.shows(p)
	case words[0] == "export":
		for _, word := range words[1:] {
			name, value, _ := strings.Cut(word, "=")
			tm.environ[name] = value
		}
	case words[0] == "sleep":
		seconds, err := strconv.Atoi(words[1])
		if err != nil {
			tm.t.Fatal(err)
		}
		tm.mu.Lock()
		tm.slept += time.Duration(seconds) * time.Second
		tm.mu.Unlock()
	default:
		tm.t.Errorf("$ %s: no test knows how to run it", s.command)
	}
}

// tested runs a test as `go test -run NAME -v ./cmd/internal/cli` does, without
// building it again.
func (tm *terminal) tested(s step, words []string) {
	tm.t.Helper()
	if len(words) != 6 || words[2] != "-run" || words[4] != "-v" || words[5] != "./cmd/internal/cli" {
		tm.t.Errorf("$ %s: want go test -run NAME -v ./cmd/internal/cli", s.command)
		return
	}
	binary, err := os.Executable()
	if err != nil {
		tm.t.Fatal(err)
	}
	out, err := exec.CommandContext(tm.t.Context(), binary, "-test.run="+words[3], "-test.v").CombinedOutput()
	if got := strings.Split(strings.TrimSpace(string(out)), "\n"); err != nil || !agrees(s.want, got) {
		tm.t.Errorf("$ %s: %v\n%s\nthe README has\n%s", s.command, err, out, strings.Join(s.want, "\n"))
	}
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
	tm := &terminal{t: t, environ: map[string]string{}}
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
	for _, found := range regexp.MustCompile(`(?m)^ *(?:\$ )?((?:stocksyncd|go run \./cmd/stocksyncd) .+)$`).FindAllStringSubmatch(text, -1) {
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
	if cfg.ModeNamed || len(cfg.NotYet()) > 0 {
		t.Errorf("the smallest config names a mode (%t) or what is not acted on (%v)", cfg.ModeNamed, cfg.NotYet())
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
	all, err := configs.Parse("all.yaml", []byte(small+`    committed_orders: shopify
    exclude_orders: [{ source: katana }]
    rules: [{ sku: A, skip: true }]
    activate: true
    canary: { sku: A, min: 1, max: 2 }
guards: { max_raised_units: 1 }
`))
	if err != nil {
		t.Fatal(err)
	}
	_, notYet, _ := strings.Cut(text, "## What it does not do yet")
	for _, key := range all.NotYet() {
		name := regexp.MustCompile(`^(?:stores\[0\]\.)?([\w.]+)`).FindStringSubmatch(key)[1]
		if !strings.Contains(notYet, "`"+name) {
			t.Errorf("the README does not say that %s is not acted on", name)
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
