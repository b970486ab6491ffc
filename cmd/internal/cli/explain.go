package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/configs"
	"stocksyncd/reconcile/inventory"
)

// explained is the answer of the command.
type explained struct {
	SKU    inventory.SKU           `json:"sku"`
	Levels []inventory.Explanation `json:"levels"`
	Notes  []string                `json:"notes"`
}

func (a *app) explainCommand() *cobra.Command {
	var store, location string
	var fresh bool
	cmd := &cobra.Command{
		Use:   "explain SKU",
		Short: "Show how a SKU comes by the figure that Shopify shows",
		Long: `Show for every level of a SKU how its figure comes about: what Katana has and has
committed, orders that do not count, what can be built of a kit, what is sold and
not yet in Katana, the rule of the SKU; then what Shopify shows, the last writes
and what happens next. Nothing is written.

The running daemon answers with what its last cycle read. With --fresh, and when
no daemon runs, both sides are read for this question.` + exitStatus(
			"0 done", "1 it cannot be told, or no store has the SKU", "2 usage or config"),
		Example: `  stocksyncd explain MUG-BLUE
  stocksyncd explain MUG-BLUE --store main --location "Shop location" --fresh
  stocksyncd explain MUG-BLUE --output json | jq '.levels[].terms.steps'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || inventory.TrimSKU(args[0]) == "" {
				return errors.New("want one SKU")
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			if err := knownStore(cfg, store); err != nil {
				return err
			}
			ask := daemon.ExplainAsk{
				Config: cfg.Digest(), SKU: inventory.TrimSKU(args[0]), Store: inventory.StoreName(store), Fresh: fresh,
			}
			levels, err := a.explain(cmd.Context(), cfg, ask)
			if len(levels) == 0 && err != nil {
				return err
			}
			return a.answer(ask, location, levels, err)
		}),
	}
	cmd.Flags().StringVar(&store, "store", "", "only this store of the config")
	cmd.Flags().StringVar(&location, "location", "", "only this Shopify location: its name, gid://shopify/Location/N, or N")
	cmd.Flags().BoolVar(&fresh, "fresh", false, "read both sides for this question")
	_ = cmd.RegisterFlagCompletionFunc("store", a.completeStores) // the flag exists
	return cmd
}

// explain asks in a session of its own.
func (a *app) explain(ctx context.Context, cfg *configs.Config, ask daemon.ExplainAsk) (levels []inventory.Explanation, err error) {
	err = a.look(ctx, cfg, func(ctx context.Context, s session) (err error) {
		if _, ours := s.(local); ours && !ask.Fresh {
			ask.Fresh = true // there is no cycle to remember
			_, _ = fmt.Fprintln(a.Stderr, "No daemon runs, so both sides are read for this question.")
		} else if !ours {
			a.noteCycle(ctx, s)
		}
		levels, err = s.Explain(ctx, ask)
		return err
	})
	return levels, err
}

// noteCycle says that a daemon which is in a cycle answers after it.
func (a *app) noteCycle(ctx context.Context, s session) {
	// A status that cannot be had is no reason not to ask.
	if status, err := s.Status(ctx); err == nil && status.Running != nil && status.Running.Busy != "" {
		_, _ = fmt.Fprintln(a.Stderr, "A cycle is under way; the answer comes after it.")
	}
}

// answer shows what the stores told. failed is why others could not, and then
// only those that did are said not to have the SKU.
func (a *app) answer(ask daemon.ExplainAsk, location string, levels []inventory.Explanation, failed error) error {
	found, without := split(levels)
	x := explained{SKU: ask.SKU, Levels: []inventory.Explanation{}, Notes: []string{}}
	if len(found) == 0 {
		stores := storesOf(without)
		if failed == nil {
			stores = nil // all of them
			if ask.Store != "" {
				stores = []string{quoteCell(string(ask.Store))}
			}
		}
		missing := errors.New(absent(ask.SKU, stores, without))
		if a.output == "json" {
			x.Notes = append(failures(failed), missing.Error())
			return errors.Join(failed, missing, a.result(x, nil))
		}
		return errors.Join(failed, missing)
	}
	x.Levels = levelsAt(location, found)
	if len(x.Levels) == 0 && failed != nil {
		return failed // of a store that may have the location
	}
	if len(x.Levels) == 0 {
		return usageError{fmt.Errorf("--location %s: %s has no level there; it has one at %s", quoteCell(location), quoteCell(string(ask.SKU)), locationNames(found))}
	}
	if a.output == "json" { // else stderr has it
		x.Notes = append(x.Notes, failures(failed)...)
	}
	if len(without) > 0 {
		x.Notes = append(x.Notes, elsewhere(ask.SKU, without))
	}
	return errors.Join(failed, a.result(x, func(w io.Writer) error { return a.writeExplained(w, &x) }))
}

// split tells the levels from the answers of stores that have no such SKU,
// which name no item.
func split(levels []inventory.Explanation) (found, without []inventory.Explanation) {
	for _, e := range levels {
		if e.Item == 0 {
			without = append(without, e)
		} else {
			found = append(found, e)
		}
	}
	return found, without
}

// levelsAt keeps the levels at a location, which goes by its name, its global id or
// its number; "" keeps all.
func levelsAt(location string, levels []inventory.Explanation) []inventory.Explanation {
	location = strings.TrimSpace(location)
	return slices.DeleteFunc(slices.Clone(levels), func(e inventory.Explanation) bool {
		return location != "" && !strings.EqualFold(location, strings.TrimSpace(e.Location)) &&
			location != e.LocationID.String() && location != strconv.FormatInt(int64(e.LocationID), 10)
	})
}

// locationNames lists the locations of the levels for people, each once.
func locationNames(levels []inventory.Explanation) string {
	var names []string
	for _, e := range levels {
		name := fmt.Sprintf("%s (%d)", quoteCell(e.Location), int64(e.LocationID))
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// failures is why some stores could not tell, as notes.
func failures(failed error) []string {
	if failed == nil {
		return nil
	}
	return []string{failed.Error()}
}

// storesOf names the stores of the answers, each once.
func storesOf(levels []inventory.Explanation) (names []string) {
	for _, e := range levels {
		names = append(names, quoteCell(string(e.Store)))
	}
	return unique(names)
}

// elsewhere says which stores do not have a SKU that another has, and what
// comes close to it there.
func elsewhere(sku inventory.SKU, without []inventory.Explanation) string {
	text := fmt.Sprintf("Not in %s.", strings.Join(storesOf(without), ", "))
	var near []string
	for _, e := range without {
		for _, n := range e.Near {
			if n.Shopify != sku && n.Shopify != "" {
				near = append(near, quoteCell(string(n.Shopify)))
			}
		}
	}
	if len(near) > 0 {
		text += fmt.Sprintf(" Close to it there: %s.", listed(unique(near)))
	}
	return text
}

// absent says that none of some stores has the SKU, and what comes close. No
// stores are all of them.
func absent(sku inventory.SKU, stores []string, without []inventory.Explanation) string {
	where := "no Shopify variant"
	switch len(stores) {
	case 0:
	case 1:
		where += " of store " + stores[0]
	default:
		where += " of the stores " + strings.Join(stores, ", ")
	}
	text := fmt.Sprintf("%s has the SKU %q", where, sku)
	var katana, near []string
	for _, e := range without {
		for _, v := range e.Katana {
			katana = append(katana, matchedText(v, false))
		}
		for _, n := range e.Near {
			for _, other := range []inventory.SKU{n.Shopify, n.Katana} {
				if other != sku && other != "" {
					near = append(near, quoteCell(string(other)))
				}
			}
		}
	}
	if len(near) > 0 {
		text += "; close to it: " + listed(unique(near))
	}
	if len(katana) > 0 {
		text += "; Katana has it as variant " + listed(unique(katana))
	}
	if len(near) == 0 && len(katana) == 0 {
		text += "; upper and lower case, spaces and dashes count"
	}
	return text
}

// unique drops what stands a second time.
func unique(words []string) (once []string) {
	for _, word := range words {
		if !slices.Contains(once, word) {
			once = append(once, word)
		}
	}
	return once
}
