package cli

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/reconcile/inventory"
)

func (a *app) undoCommand() *cobra.Command {
	var sku string
	cmd := &cobra.Command{
		Use:   "undo CYCLE",
		Short: "Put back what the levels showed before a cycle wrote them",
		Long: `Put back the former figures of the levels that a cycle wrote, under
compare-and-set. A level that no longer shows what the cycle wrote was changed by
somebody since; it is reported as changed and left as it is. A level is never raised
beyond what can be sold now: if Katana or the config is wrong, mend it there, and
the next cycle raises it.

The undo is a cycle of its own: it can be undone too, modes and guards hold for it,
and what a guard holds is put back by the next cycle after its release. The levels
then keep their figures, whatever Katana has, until "stocksyncd release" lets them
follow it again, by the id that is shown (such as main-12-undone) or level by level
(such as main/4711/42).` + exitStatus(
			"0 done", "1 a store or source failed, or there is nothing to undo", "2 usage or config", "4 something is held"),
		Example: `  stocksyncd undo 12
  stocksyncd undo 12 --sku MUG-BLUE
  stocksyncd release main-12-undone`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("want the number of one cycle, as reports and the log show it")
			}
			if cycle, err := strconv.ParseUint(args[0], 10, 64); err != nil || cycle == 0 {
				return fmt.Errorf("%q is not the number of a cycle, as reports and the log show it", args[0])
			}
			return nil
		},
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			cycle, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil {
				return usageError{err}
			}
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			report, err := a.cycle(cmd.Context(), cfg, daemon.CycleAsk{
				Config: cfg.Digest(), Kind: inventory.Incremental, SKU: inventory.TrimSKU(sku), Undo: cycle,
			})
			if err != nil {
				return err
			}
			a.noteModes(cfg)
			return a.reported(report, false)
		}),
	}
	cmd.Flags().StringVar(&sku, "sku", "", "only this SKU")
	return cmd
}
