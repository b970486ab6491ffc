package cli

import (
	"fmt"
	"syscall"

	"github.com/spf13/cobra"

	"stocksyncd/cmd/internal/daemon"
)

func (a *app) reloadCommand() *cobra.Command {
	var pid int
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Tell the running daemon to read its config again",
		Long: `Tell the running daemon to read its config again, between two cycles. When the
config is wrong the daemon keeps the one it has, and this command says why. After
a cycle that takes longer than 45 seconds, the daemon's log says it.

With --pid a signal is sent and the answer is in the daemon's log.` + exitStatus(
			"0 done", "1 no daemon runs, or it refused the config", "2 usage or config"),
		Example: `  stocksyncd reload
  stocksyncd reload --pid $MAINPID`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("pid") {
				return a.signalReload(pid)
			}
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			progress := a.newProgress()
			progress.step("asking the running daemon")
			text, err := daemon.NewClient(socketPath(cfg)).Reload(cmd.Context())
			progress.clear()
			if err != nil {
				return err
			}
			return a.say(text)
		}),
	}
	cmd.Flags().IntVar(&pid, "pid", 0, "send SIGHUP to this process instead")
	return cmd
}

func (a *app) signalReload(pid int) error {
	if pid <= 1 {
		return usageError{fmt.Errorf("--pid %d is not a daemon", pid)}
	}
	if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
		return fmt.Errorf("signal to process %d: %w", pid, err)
	}
	return a.say(fmt.Sprintf("Process %d was asked to read its config again; its log has the answer.", pid))
}
