package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"stocksyncd/configs"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// otherConfig is the config that the running one is compared with.
type otherConfig struct {
	path    string
	choices map[inventory.StoreName]reconcile.Choice // of the stores that it does not switch off
	notes   map[inventory.StoreName]string           // what its mode would do that the one here does not
}

// readOther reads what another config would choose for the stores of the
// running one. It must be of the same accounts: another shop's figures are no
// comparison.
func (a *app) readOther(cfg *configs.Config, path string) (*otherConfig, error) {
	other, err := configs.Load(path)
	if err != nil {
		return nil, usageError{err}
	}
	if other.Katana.URL != cfg.Katana.URL {
		return nil, usageError{fmt.Errorf("%s: katana.url is another one than in %s: figures of two accounts are no comparison", path, cfg.Path)}
	}
	read := &otherConfig{path: path, choices: map[inventory.StoreName]reconcile.Choice{}, notes: map[inventory.StoreName]string{}}
	for i, s := range other.Stores {
		at := slices.IndexFunc(cfg.Stores, func(one configs.Store) bool { return one.Name == s.Name })
		switch {
		case at < 0:
			return nil, usageError{fmt.Errorf("%s: stores[%d]: %s has no store %s, so there is nothing to compare it with; see it with: stocksyncd plan --config %s", path, i, cfg.Path, quoteCell(s.Name), path)}
		case cfg.Stores[at].Shop != s.Shop:
			return nil, usageError{fmt.Errorf("%s: stores[%d].shop: %s is another shop than in %s", path, i, quoteCell(s.Shop), cfg.Path)}
		}
		name, here, there := inventory.StoreName(s.Name), cfg.Stores[at].EffectiveMode(cfg.Sync), s.EffectiveMode(other.Sync)
		if there != inventory.ModeOff {
			read.choices[name] = choiceOf(s, other)
		}
		if here != there {
			read.notes[name] = fmt.Sprintf("mode %s here, %s there: %s.", here, there, modeEffect(here, there))
		}
	}
	return read, nil
}

// modeEffect says what another mode would do.
func modeEffect(here, there inventory.Mode) string {
	switch {
	case there == inventory.ModeOff:
		return "it would neither be read nor written, so there is nothing to compare"
	case here == inventory.ModeOff:
		return "it is not read here, so there is nothing to compare"
	case there == inventory.ModeApply:
		return "what drifts would then be written"
	case there == inventory.ModeLowerOnly:
		return "reductions would then be written, and raises wait"
	default:
		return "nothing would then be written"
	}
}

// compared shows what the other config would move.
func (a *app) compared(report *inventory.Report, other *otherConfig) error {
	if err := a.result(report, func(w io.Writer) error { return a.writeComparison(w, report, other) }); err != nil {
		return err
	}
	moved := false
	for _, s := range report.Stores {
		if s.Error != "" {
			return codeError(exitFailed)
		}
		moved = moved || s.Compared != nil && s.Compared.Moved > 0
	}
	if moved {
		return codeError(exitDrift)
	}
	return nil
}

func (a *app) writeComparison(w io.Writer, report *inventory.Report, other *otherConfig) error {
	t := &table{head: []string{"STORE", "SKU", "LOCATION", "OBSERVED", "NOW", "THEN", "BY"}, right: map[int]bool{3: true, 4: true, 5: true}}
	lines, hidden, moved := []string{}, 0, 0
	for _, s := range report.Stores {
		if s.Error != "" {
			lines = append(lines, fmt.Sprintf("Store %s failed: %s", s.Name, s.Error))
			continue
		}
		if s.Compared == nil {
			lines = append(lines, other.without(&s))
			continue
		}
		for _, m := range s.Compared.Levels {
			if len(t.rows) == shownRows {
				hidden++
				continue
			}
			observed := fmt.Sprint(m.Observed)
			if m.Unstocked {
				observed = "-"
			}
			t.add(quoteCell(string(s.Name)), quoteCell(string(m.SKU)), quoteCell(m.Location), observed, figureText(m.From), figureText(m.To), quoteCell(m.Rule))
		}
		moved += s.Compared.Moved
		lines = append(lines, comparisonLine(&s))
		if note := other.notes[s.Name]; note != "" {
			lines = append(lines, fmt.Sprintf("%s: %s", s.Name, note))
		}
	}
	if hidden > 0 {
		lines = append([]string{fmt.Sprintf("And %d more; --output json has all.", hidden)}, lines...)
	}
	if len(t.rows) > 0 {
		if err := t.write(w); err != nil {
			return err
		}
	}
	if moved > 0 {
		lines = append(lines, "A dash is a level that is not stocked, or left alone. Nothing was written.")
	} else {
		lines = append(lines, "Nothing was written.")
	}
	_, err := fmt.Fprintln(w, quoteLines(strings.Join(lines, "\n")))
	return err
}

func figureText(units *inventory.Units) string {
	if units == nil {
		return "-"
	}
	return fmt.Sprint(*units)
}

// without says why a store was not compared.
func (o *otherConfig) without(s *inventory.StoreReport) string {
	switch note := o.notes[s.Name]; {
	case note != "":
		return fmt.Sprintf("%s: %s", s.Name, note)
	case s.Mode == inventory.ModeOff:
		return fmt.Sprintf("%s: switched off, so it is not read.", s.Name)
	}
	return fmt.Sprintf("%s: %s does not have it.", s.Name, o.path)
}

// comparisonLine sums up what would move in a store: levels that have a figure
// now, and apart from them those that have none.
func comparisonLine(s *inventory.StoreReport) string {
	c := s.Compared
	if c.Moved == 0 {
		return fmt.Sprintf("%s: the other config would move none of %s.", s.Name, count(s.Levels, "figure", "figures"))
	}
	managed, stocked, taken := 0, 0, 0
	for _, m := range c.Levels {
		switch {
		case m.From != nil:
			managed++
		case m.Unstocked:
			stocked++
		default:
			taken++
		}
	}
	parts := []string{fmt.Sprintf("%s would move of %d", count(managed, "level", "levels"), s.Levels)}
	if stocked > 0 {
		parts = append(parts, fmt.Sprintf("%d more would be stocked", stocked))
	}
	if taken > 0 {
		parts = append(parts, fmt.Sprintf("%d more would no longer be left alone", taken))
	}
	return fmt.Sprintf("%s: %s, %d in all to zero: %s more and %d fewer would be offered.",
		s.Name, strings.Join(parts, ", "), c.Zeroed, count(int(c.Raised), "unit", "units"), c.Lowered)
}
