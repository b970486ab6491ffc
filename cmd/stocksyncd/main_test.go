package main

import (
	"context"
	"os"
	"os/exec"
	"testing"
)

// The test binary runs itself as the program, in a process that can be
// signalled and killed; this variable says so.
const asProgram = "STOCKSYNCD_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// program is a command of the program, not yet started.
func program(ctx context.Context, t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(env, asProgram+"=yes")
	return cmd
}
