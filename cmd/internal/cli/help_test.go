package cli

import (
	"bytes"
	"strings"
	"testing"

	"stocksyncd/clients/sandbox"
)

// commands walks all commands by their words.
func commands(t *testing.T) [][]string {
	t.Helper()
	return [][]string{
		{}, {"run"}, {"once"}, {"plan"}, {"apply"}, {"undo"}, {"check"}, {"explain"}, {"export"}, {"status"}, {"release"}, {"reload"}, {"demo"},
		{"sandbox"}, {"sandbox", "event"}, {"sandbox", "fault"}, {"config"}, {"config", "example"}, {"config", "schema"}, {"version"},
	}
}

func TestHelpTexts(t *testing.T) {
	for _, words := range commands(t) {
		a := still()
		var out bytes.Buffer
		a.Stdout, a.Args = &out, append(words, "--help")
		if code := Main(a.Env); code != 0 {
			t.Errorf("%v --help: exit code %d", words, code)
		}
		// The words that the sandbox knows are its own to change.
		text := strings.NewReplacer(wordList(sandbox.EventKinds()), "  EVENTS", wordList(sandbox.FaultKinds()), "  FAULTS").Replace(out.String())
		golden(t, "help-"+strings.Join(append([]string{"stocksyncd"}, words...), "-"), text)
		if !strings.Contains(out.String(), "Examples:") && len(words) != 1 {
			t.Errorf("%v: the help has no example", words)
		}
	}
}

func TestEveryCommandHasAGoldenHelp(t *testing.T) {
	known := map[string]bool{}
	for _, words := range commands(t) {
		known[strings.Join(append([]string{"stocksyncd"}, words...), " ")] = true
	}
	root := still().root()
	root.InitDefaultCompletionCmd()
	pending := root.Commands()
	for len(pending) > 0 {
		c := pending[0]
		pending = append(pending[1:], c.Commands()...)
		if !known[c.CommandPath()] && !strings.HasPrefix(c.CommandPath(), "stocksyncd completion") && c.Name() != "help" {
			t.Errorf("%s has no golden help", c.CommandPath())
		}
	}
}

func TestUsageErrorsAreExitCode2AndSayWhereHelpIs(t *testing.T) {
	for _, args := range [][]string{
		{"nonsense"}, {"config", "nonsense"}, {"sandbox", "nonsense"}, {"once", "--nonsense"}, {"once", "extra"}, {"apply"}, {"explain"}, {"explain", "a", "b"}, {"explain", " "}, {"release"}, {"release", "a", "b"}, {"undo"}, {"undo", "1", "2"}, {"undo", "main-3"}, {"undo", "0"}, {"undo", "-1"},
		{"release", "--all"}, {"release", "main-3", "--store", "main"}, {"plan", "--output", "xml"}, {"status", "--color", "red"},
	} {
		a := still()
		var log bytes.Buffer
		a.Stderr, a.Args = &log, args
		if code := Main(a.Env); code != exitUsage {
			t.Errorf("%v: exit code %d, want 2", args, code)
		}
		if !strings.Contains(log.String(), "--help\" for usage.") || strings.Count(log.String(), "\n") != 2 {
			t.Errorf("%v: %q, want the mistake and where the help is", args, log.String())
		}
	}
}

func TestShellCompletionIsInTheBox(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		a := still()
		var out bytes.Buffer
		a.Stdout, a.Args = &out, []string{"completion", shell}
		if code := Main(a.Env); code != 0 || !strings.Contains(out.String(), "stocksyncd") {
			t.Errorf("%s: exit code %d, %d bytes", shell, code, out.Len())
		}
	}
}
