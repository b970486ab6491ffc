package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/reconcile/inventory"
)

func (a *app) applyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "apply FILE",
		Short: "Write a saved plan, and only that plan",
		Long: `Write a plan that "stocksyncd plan --out FILE" saved. Both sides are read again:
a line is written only if its desired figure is still the one in the plan, under
compare-and-set. Lines whose figure has moved since are reported as changed.

A plan is refused when it was altered, was made with another mapping or for other
accounts, or is older than 24 hours. A store in report mode stays unwritten.` + exitStatus(
			"0 done", "1 a store or source failed, or the plan is refused", "2 usage or config", "4 something is held"),
		Example: `  stocksyncd plan --out monday.plan
  stocksyncd apply monday.plan`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			plan, err := loadPlan(args[0], a.Now())
			if err != nil {
				return err
			}
			if err := plan.of(cfg); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			report, err := a.cycle(cmd.Context(), cfg, daemon.CycleAsk{
				Config: cfg.Digest(), Lineage: plan.Lineage, Kind: inventory.Full, Only: plan.Changes,
			})
			if err != nil {
				return err
			}
			a.noteModes(cfg)
			return a.reported(report, false)
		}),
	}
}
