package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/configs"
	"stocksyncd/reconcile/inventory"
)

func (a *app) planCommand() *cobra.Command {
	var scope scope
	var out, compare string
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what would be written, and write nothing",
		Long: `Run one cycle in report mode and show every level that differs from what it
should be. With --out the plan is saved, and "stocksyncd apply FILE" writes that
plan and nothing else.

With --compare the figures of the same read are made by another config as well:
which levels it would move, from what to what, how many to zero, and by which of
its keys. Only figures are compared, not guards, settle or keys; that a store has
another mode is said. Both configs must name the same Katana URL and the same shops.` + exitStatus(
			"0 everything is in step", "1 a store or source failed", "2 usage or config",
			"3 drift, what waits included", "4 something would be held"),
		Example: `  stocksyncd plan
  stocksyncd plan --full --out monday.plan
  stocksyncd plan --full --compare tomorrow.yaml
  stocksyncd plan --output json | jq '.stores[].changes[] | select(.to == 0)'`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			if out != "" && compare != "" {
				return usageError{errors.New("--out and --compare: a comparison cannot be saved; take one of the two out")}
			}
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			ask, err := scope.ask(cfg)
			if err != nil {
				return err
			}
			ask.Dry = true
			var other *otherConfig
			if compare != "" {
				if other, err = a.readOther(cfg, compare); err != nil {
					return err
				}
				ask.Compare = other.choices
			}
			var report *inventory.Report
			var status *daemon.Status
			err = a.with(cmd.Context(), cfg, func(ctx context.Context, s session) (err error) {
				if report, err = s.Cycle(ctx, ask); unlessReported(report, err) != nil {
					return err
				}
				status, err = s.Status(ctx)
				return err
			})
			if err != nil {
				return err
			}
			if out != "" && report.Error == "" {
				if err := a.savePlan(out, cfg, report, status); err != nil {
					return err
				}
			}
			if compare != "" && report.Error == "" {
				return a.compared(report, other)
			}
			return a.reported(report, true)
		}),
	}
	scope.flags(a, cmd)
	cmd.Flags().StringVar(&out, "out", "", "save the plan to this file")
	cmd.Flags().StringVar(&compare, "compare", "", "show what this other config would move")
	_ = cmd.MarkFlagFilename("compare", "yaml", "yml") // the flag exists
	return cmd
}

// savePlan saves what a dry cycle would have written, and says so.
func (a *app) savePlan(path string, cfg *configs.Config, report *inventory.Report, status *daemon.Status) error {
	plan := savedPlan{
		Format: planFormat, Created: a.Now().UTC(), Config: cfg.PlanDigest(), Lineage: status.Lineage, Cycle: report.Cycle,
		Changes: changesOf(report),
	}
	if err := writePlan(path, plan); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.Stderr, "%s saved to %s; write them with: stocksyncd apply %s\n",
		count(len(plan.Changes), "change", "changes"), path, path)
	return err
}
