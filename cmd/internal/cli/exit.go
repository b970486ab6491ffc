package cli

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"stocksyncd/configs"
	"stocksyncd/reconcile/inventory"
)

// The exit codes of design, in the order in which they are tried.
const (
	exitUsage  = 2
	exitFailed = 1
	exitHeld   = 4
	exitDrift  = 3
	exitDone   = 0
)

var stopSignals = []os.Signal{os.Interrupt, syscall.SIGTERM}

// usageError is a mistake of the command line or the config that was found
// after the flags were read.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// codeError ends a command with a code when all there is to say is said.
type codeError int

func (e codeError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// exit prints an error once and turns it into the exit code.
func (a *app) exit(command *cobra.Command, err error) int {
	if err == nil {
		return exitDone
	}
	var code codeError
	if errors.As(err, &code) {
		return int(code)
	}
	_, _ = fmt.Fprintf(a.Stderr, "stocksyncd: %s\n", quoteLines(err.Error()))
	if !a.started {
		_, _ = fmt.Fprintf(a.Stderr, "Run %q for usage.\n", command.CommandPath()+" --help")
		return exitUsage
	}
	var usage usageError
	var problems *configs.Problems
	if errors.As(err, &usage) || errors.As(err, &problems) {
		return exitUsage
	}
	return exitFailed
}

// reportCode is the exit code that a report asks for; drift counts for plan.
func reportCode(report *inventory.Report, drift bool) error {
	var failed, held, drifted bool
	failed = report.Error != ""
	for _, store := range report.Stores {
		failed = failed || store.Error != ""
		held = held || store.Held > 0
		drifted = drifted || store.Drifted > 0
	}
	switch {
	case failed:
		return codeError(exitFailed)
	case held:
		return codeError(exitHeld)
	case drift && drifted:
		return codeError(exitDrift)
	}
	return nil
}
