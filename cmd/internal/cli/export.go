package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"stocksyncd/clients/shopify"
	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/configs"
	"stocksyncd/reconcile/inventory"
)

func (a *app) exportCommand() *cobra.Command {
	var store, out string
	var near bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the desired stock as a CSV file for Shopify's own import",
		Long: `Read both sides and write what a store should show in the form of Shopify's
inventory CSV, for import by hand: Products > Inventory > Import. "On hand (new)"
is the desired figure plus what Shopify has committed or unavailable. A level that
is left alone has no row, nor has one whose raise has to wait: until a cycle has
seen a level for as long as sync.settle, nobody can tell a sale on its way to
Katana from drift. What is left out is named. Nothing is written to Shopify.

Leave "On hand (current)" as it is: by it Shopify skips a row whose stock moved
after the export. Bin names are not known here, and Shopify does not say what the
empty cells do: a shop that uses bins takes that column out before the import.

With --near-misses it is a list of the SKUs that almost match, with the variants
that carry them and Katana's spelling. It is for working through, not for import:
a products import that meets an altered option deletes the variant. Have the
spreadsheet read all columns as text, or it drops leading zeros.

A cell that a spreadsheet would take for a formula gets an apostrophe before it.
With --out the file is written whole or not at all, and only its owner can read
it.` + exitStatus("0 done", "1 the store or source failed, or the file could not be written", "2 usage or config"),
		Example: `  stocksyncd export --store main --out main-inventory.csv
  stocksyncd export --store main --near-misses --out main-skus.csv`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			if a.output == "json" {
				return usageError{errors.New("--output json: an export is CSV; take the flag out")}
			}
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			name, err := oneStore(cfg, store)
			if err != nil {
				return err
			}
			figures, listings, err := a.readExport(cmd.Context(), cfg, name)
			if err != nil {
				return err
			}
			return a.export(out, func(w io.Writer) (exportNotes, error) {
				if near {
					return nearMissCSV(w, figures.Near, listings)
				}
				rows, moved := exportRows(figures.Levels, listings)
				notes, err := inventoryCSV(w, rows)
				notes.LeftOut = append(moved, notes.LeftOut...)
				return notes, err
			})
		}),
	}
	cmd.Flags().StringVar(&store, "store", "", "a store of the config; needed when there are several")
	cmd.Flags().StringVar(&out, "out", "", "write to this file instead of stdout")
	cmd.Flags().BoolVar(&near, "near-misses", false, "list the SKUs that almost match instead")
	_ = cmd.RegisterFlagCompletionFunc("store", a.completeStores) // the flag exists
	return cmd
}

// readExport reads what the store is to show, and then what Shopify's inventory
// CSV has beside it: by that order a sale in between shows as a row that moved.
func (a *app) readExport(ctx context.Context, cfg *configs.Config, store inventory.StoreName) (figures *inventory.StoreFigures, listings []inventory.Listing, err error) {
	err = a.look(ctx, cfg, func(ctx context.Context, s session) (err error) {
		figures, err = s.Figures(ctx, daemon.FiguresAsk{Config: cfg.Digest(), Store: store})
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	rig := &rig{config: cfg, shops: map[inventory.StoreName]*shopify.Client{}}
	if err := a.connect(rig, a.quietLog(cfg)); err != nil {
		return nil, nil, err
	}
	ctx, cancel := a.interruptible(ctx)
	defer cancel()
	listings, err = rig.shops[store].Listings(ctx)
	return figures, listings, err
}

// oneStore is the store that a file is of: the one that is named, or the only
// one.
func oneStore(cfg *configs.Config, name string) (inventory.StoreName, error) {
	if name == "" && len(cfg.Stores) == 1 {
		name = cfg.Stores[0].Name
	}
	if name == "" {
		return "", usageError{fmt.Errorf("a file is of one store: name it with --store; the config has %s", storeNames(cfg))}
	}
	return inventory.StoreName(name), knownStore(cfg, name)
}

// export writes a file, to stdout when path is "", and says what to know of it.
func (a *app) export(path string, write func(io.Writer) (exportNotes, error)) error {
	var notes exportNotes
	to := func(w io.Writer) (err error) {
		notes, err = write(w)
		return err
	}
	where := "written"
	var err error
	if path == "" {
		err = to(a.Stdout)
	} else {
		where = "saved to " + path
		err = writeWhole(path, to)
	}
	if err != nil {
		return fmt.Errorf("writing the export: %w", err)
	}
	_, err = fmt.Fprintln(a.Stderr, quoteLines(strings.Join(notes.lines(where), "\n")))
	return err
}

const (
	// shownLeftOut is the most rows that are named one by one.
	shownLeftOut = 20
	// mostImported is the largest file that Shopify imports.
	mostImported = 15_000_000
)

// lines says what there is to know of a file.
func (n exportNotes) lines(where string) []string {
	lines := []string{fmt.Sprintf("%s %s. %s", count(n.Rows, "row", "rows"), where, n.Next)}
	if n.Altered > 0 {
		lines = append(lines, count(n.Altered, "cell was", "cells were")+
			" altered: an apostrophe before what a spreadsheet takes for a formula, a space for a control character.")
	}
	if n.Bytes > mostImported {
		lines = append(lines, fmt.Sprintf("The file has %.1f MB, and Shopify imports 15 MB at most: split it, each part with the header.", float64(n.Bytes)/1e6))
	}
	for i, row := range n.LeftOut {
		if i == shownLeftOut {
			return append(lines, fmt.Sprintf("And %d more were left out.", len(n.LeftOut)-i))
		}
		lines = append(lines, fmt.Sprintf("Left out: %s at %s: %s.", quoteCell(string(row.SKU)), quoteCell(row.Location), row.Why))
	}
	return lines
}
