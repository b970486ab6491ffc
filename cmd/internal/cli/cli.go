package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Env is the process as a command sees it, so that tests can be one.
type Env struct {
	Args   []string // without the program's name
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string
	Now    func() time.Time
	// Signals delivers the given signals until stop is called.
	Signals func(...os.Signal) (ch <-chan os.Signal, stop func())
	// Terminal tells whether a writer is one.
	Terminal func(io.Writer) bool
}

// Process is the real one.
func Process() Env {
	return Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.Getenv, Now: time.Now,
		Signals: func(signals ...os.Signal) (<-chan os.Signal, func()) {
			ch := make(chan os.Signal, 8)
			signal.Notify(ch, signals...)
			return ch, func() { signal.Stop(ch) }
		},
		Terminal: func(w io.Writer) bool {
			file, ok := w.(*os.File)
			return ok && term.IsTerminal(int(file.Fd())) // #nosec G115 -- a descriptor is small
		},
	}
}

// app is one run of the program.
type app struct {
	Env
	config  string // --config, "" for the usual places
	output  string // text or json
	color   string // auto, always or never
	started bool   // a command's own code ran: what fails now is not a usage error
}

// Main runs the command that env.Args names and returns the exit code.
func Main(env Env) int {
	a := &app{Env: env}
	root := a.root()
	root.SetArgs(env.Args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	command, err := root.ExecuteContextC(context.Background())
	return a.exit(command, err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "stocksyncd",
		Short: "Keep Shopify stock equal to Katana stock",
		Long: `stocksyncd keeps Shopify stock equal to Katana stock. It reads both sides,
compares the figure that every Shopify store should show with the one it does
show, per SKU and location, and writes only what differs. Katana is the source
of truth and is never written to.

Nothing is set up yet? "stocksyncd demo" needs no account.`,
		Example: `  stocksyncd demo                     see the whole job without an account
  stocksyncd config example           a config to start from
  stocksyncd check                    is everything in place?
  stocksyncd plan                     what would be written
  stocksyncd run                      the daemon`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.config, "config", "", "config file (default "+strings.Join(usualConfigs, ", then ")+")")
	flags.Var(oneOf(&a.output, "text", "json"), "output", "form of the result: text or json")
	flags.Var(oneOf(&a.color, "auto", "always", "never"), "color", "colour the text: auto, always or never; NO_COLOR is heeded")
	for _, values := range []struct {
		flag string
		list []string
	}{{"output", []string{"text", "json"}}, {"color", []string{"auto", "always", "never"}}} {
		// The error is for a flag that does not exist.
		_ = root.RegisterFlagCompletionFunc(values.flag, cobra.FixedCompletions(values.list, cobra.ShellCompDirectiveNoFileComp))
	}
	_ = root.MarkPersistentFlagFilename("config", "yaml", "yml")
	root.AddCommand(
		a.runCommand(), a.onceCommand(), a.planCommand(), a.applyCommand(), a.undoCommand(), a.checkCommand(),
		a.explainCommand(), a.exportCommand(), a.statusCommand(), a.releaseCommand(), a.reloadCommand(),
		a.demoCommand(), a.sandboxCommand(), a.configCommand(), a.versionCommand(),
	)
	return root
}

// exitStatus is the part of a command's help that its exit codes are in.
func exitStatus(lines ...string) string {
	return "\n\nExit status:\n  " + strings.Join(lines, "\n  ")
}

// runs marks that a command line was understood before it runs the command.
func (a *app) runs(do func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		return do(cmd, args)
	}
}

// interruptible is cancelled by the first signal that asks to stop; the second
// one ends the process as it does by default.
func (a *app) interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals, stop := a.Signals(stopSignals...)
	go func() {
		select {
		case sig := <-signals:
			stop()
			cancel(fmt.Errorf("stopped by a signal: %v", sig))
		case <-ctx.Done():
			stop()
		}
	}()
	return ctx, func() { cancel(nil) }
}

// choice is a flag that takes one of a few words.
type choice struct {
	value *string
	words []string
}

func oneOf(value *string, words ...string) *choice {
	*value = words[0]
	return &choice{value, words}
}

func (c *choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

func (c *choice) Type() string { return strings.Join(c.words, "|") }

func (c *choice) Set(word string) error {
	for _, known := range c.words {
		if word == known {
			*c.value = word
			return nil
		}
	}
	return fmt.Errorf("want one of %s", strings.Join(c.words, ", "))
}
