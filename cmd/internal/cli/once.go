package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/configs"
	"stocksyncd/reconcile/inventory"
)

// scope is what --full, --store and --sku say of a cycle.
type scope struct {
	full  bool
	store string
	sku   string
}

func (s *scope) flags(a *app, cmd *cobra.Command) {
	cmd.Flags().BoolVar(&s.full, "full", false, "read and compare everything")
	cmd.Flags().StringVar(&s.store, "store", "", "only this store of the config")
	cmd.Flags().StringVar(&s.sku, "sku", "", "only this SKU")
	_ = cmd.RegisterFlagCompletionFunc("store", a.completeStores) // the flag exists
}

// knownStore checks what --store says; "" is every store.
func knownStore(cfg *configs.Config, name string) error {
	if name == "" || slices.ContainsFunc(cfg.Stores, func(one configs.Store) bool { return one.Name == name }) {
		return nil
	}
	return usageError{fmt.Errorf("--store %s: the config has no such store; it has %s", quoteCell(name), storeNames(cfg))}
}

// ask makes the request of a command's scope.
func (s *scope) ask(cfg *configs.Config) (daemon.CycleAsk, error) {
	if err := knownStore(cfg, s.store); err != nil {
		return daemon.CycleAsk{}, err
	}
	kind := inventory.Incremental
	if s.full {
		kind = inventory.Full
	}
	return daemon.CycleAsk{
		Config: cfg.Digest(), Kind: kind, Store: inventory.StoreName(s.store), SKU: inventory.TrimSKU(s.sku),
	}, nil
}

func (a *app) onceCommand() *cobra.Command {
	var scope scope
	cmd := &cobra.Command{
		Use:   "once",
		Short: "Run one cycle, then exit",
		Long: `Run one cycle: read both sides, compare, write what drifted as far as the mode
of each store allows, and show what became of every change. When the daemon
runs, it is the daemon that runs the cycle.` + exitStatus(
			"0 done", "1 a store or source failed", "2 usage or config", "4 something is held"),
		Example: `  stocksyncd once --full
  stocksyncd once --store main --sku MUG-BLUE
  stocksyncd once --output json | jq '.stores[].applied'`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			ask, err := scope.ask(cfg)
			if err != nil {
				return err
			}
			report, err := a.cycle(cmd.Context(), cfg, ask)
			if err != nil {
				return err
			}
			a.noteModes(cfg)
			return a.reported(report, false)
		}),
	}
	scope.flags(a, cmd)
	return cmd
}

// cycle runs one cycle in a session of its own. A cycle that failed and left a
// report is no error here: the report says so.
func (a *app) cycle(ctx context.Context, cfg *configs.Config, ask daemon.CycleAsk) (*inventory.Report, error) {
	var report *inventory.Report
	err := a.with(ctx, cfg, func(ctx context.Context, s session) (err error) {
		report, err = s.Cycle(ctx, ask)
		return unlessReported(report, err)
	})
	return report, err
}

// unlessReported drops the error of a cycle whose report says it too.
func unlessReported(report *inventory.Report, err error) error {
	if report != nil && report.Error != "" {
		return nil
	}
	return err
}

// reported shows a report and gives the exit code that it asks for.
func (a *app) reported(report *inventory.Report, planned bool) error {
	err := a.result(report, func(w io.Writer) error { return a.writeReport(w, report, planned) })
	if err != nil {
		return err
	}
	return reportCode(report, planned)
}
