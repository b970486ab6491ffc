package cli

import (
	"bytes"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

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
	{regexp.MustCompile(`created \d{4}-\d\d-\d\d`), "created DATE"}, // the shop is as old whenever it is made up
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
// any lines, a … in a line for any text.
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
	return sameLine(plainLine(want[0]), plainLine(got[0])) && agrees(want[1:], got[1:])
}

// sameLine tells whether a line begins, ends and goes on as the shown one does
// between its …s.
func sameLine(shown, line string) bool {
	parts := strings.Split(shown, "…")
	if len(parts) == 1 {
		return line == shown
	}
	rest, begins := strings.CutPrefix(line, parts[0])
	for _, part := range parts[1 : len(parts)-1] {
		var found bool
		if _, rest, found = strings.Cut(rest, part); !found {
			return false
		}
	}
	return begins && strings.HasSuffix(rest, parts[len(parts)-1])
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
		{[]string{"[00:01] a", "b", "…1", "…took…."}, true},
		{[]string{"[00:01] a", "b", "…2", "…"}, false},
		{[]string{"[00:01] a", "b", "c 1", "to…SPAN…SPAN."}, false},
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

// lines is what the screen shows; of the ends of a CSV's lines that is one half.
func (s *screen) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(s.text.String(), "\r\n", "\n"), "\n"), "\n")
}

// terminal is where the README's commands are typed.
type terminal struct {
	t       *testing.T
	environ map[string]string
	// sandboxes are the addresses of those that run, by the address that the
	// README has them listen on.
	sandboxes map[string]string
	mu        sync.Mutex
	slept     time.Duration
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

// flagged gives the value of a flag, or else what it is without.
func flagged(args []string, name, without string) string {
	if i := slices.Index(args, name); i >= 0 {
		return args[i+1]
	}
	return without
}

// moved has a sandbox listen on a free port, and what is told to it told there.
func (tm *terminal) moved(args []string) []string {
	tm.t.Helper()
	if len(args) == 1 || args[1] != "event" && args[1] != "fault" {
		return append(args, "--listen", "127.0.0.1:0")
	}
	named := flagged(args, "--to", sandboxListen)
	to, runs := tm.sandboxes[named]
	if !runs {
		tm.t.Fatalf("%v: no sandbox of the README listens on %s", args, named)
	}
	return append(args, "--to", to)
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
	if args[0] == "sandbox" {
		args = tm.moved(args)
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

// ends waits for the command's end, which is a good one unless the README shows
// what is wrong.
func (tm *terminal) ends(p *process) {
	tm.t.Helper()
	<-p.done
	crossed := slices.ContainsFunc(p.want, func(line string) bool { return strings.HasPrefix(line, "✗ ") })
	if crossed != (p.code == exitFailed) || p.code == exitUsage {
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
	named := flagged(args, "--listen", sandboxListen)
	if _, taken := tm.sandboxes[named]; taken {
		tm.t.Errorf("$ %s: another sandbox of the README listens on %s", s.command, named)
	}
	p := tm.start(s, args)
	tm.t.Cleanup(func() { tm.stop(p) })
	tm.shows(p)
	tm.sandboxes[named] = regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(strings.Join(p.lines(), "\n"))
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
	case words[0] == "mkdir" || words[0] == "sed":
		out, err := exec.CommandContext(tm.t.Context(), "sh", "-c", s.command).CombinedOutput()
		if err != nil || len(s.want) > 0 || len(out) > 0 {
			tm.t.Errorf("$ %s: %v\n%s", s.command, err, out)
		}
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
