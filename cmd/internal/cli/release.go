package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/reconcile/inventory"
)

func (a *app) releaseCommand() *cobra.Command {
	var all bool
	var store string
	cmd := &cobra.Command{
		Use:   "release ID | --all --store STORE",
		Short: "Let a held plan, a level or an order go",
		Long: `Let go of a plan that a guard holds (an id such as main-3), of a level that is in
quarantine or that something else writes too (such as main/4711/42), or of an order
that never reaches Katana (such as main-order-5550001); "stocksyncd status" and the
log list them. The next cycle then writes the figure that is desired by that time,
of a held plan only if it still goes in the same direction. Levels that an undo gave
their former figures (main-12-undone, or one of them by its key) follow Katana again
from the next cycle on.` + exitStatus("0 done", "1 nothing goes by that id", "2 usage or config"),
		Example: `  stocksyncd release main-3
  stocksyncd release main/4711/42
  stocksyncd release main-order-5550001
  stocksyncd release --all --store main`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case all && (len(args) > 0 || store == ""):
				return errors.New("--all goes with --store, and without an id")
			case !all && (len(args) != 1 || store != ""):
				return errors.New("want one id, or --all with --store")
			}
			return nil
		},
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			ask := daemon.ReleaseAsk{Store: inventory.StoreName(store)}
			if !all {
				ask = daemon.ReleaseAsk{ID: args[0]}
			}
			session, closing, err := a.open(cfg, a.openState, a.newProgress())
			if err != nil {
				return err
			}
			text, err := session.Release(cmd.Context(), ask)
			if err := errors.Join(explainLocked(cfg, err), closing()); err != nil {
				return err
			}
			return a.say(text)
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "everything that is held, in quarantine or written by something else in --store")
	cmd.Flags().StringVar(&store, "store", "", "a store of the config")
	_ = cmd.RegisterFlagCompletionFunc("store", a.completeStores) // the flag exists
	return cmd
}
