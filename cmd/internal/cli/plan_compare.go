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

// otherChoices is what another config would choose for the stores of the
// running one. It must be of the same accounts: another shop's figures are no
// comparison.
func (a *app) otherChoices(cfg *configs.Config, path string) (map[inventory.StoreName]reconcile.Choice, error) {
	other, err := configs.Load(path)
	if err != nil {
		return nil, usageError{err}
	}
	if err := notYet(other); err != nil {
		return nil, err
	}
	if other.Katana.URL != cfg.Katana.URL {
		return nil, usageError{fmt.Errorf("%s: katana.url is another one than in %s: figures of two accounts are no comparison", path, cfg.Path)}
	}
	choices := map[inventory.StoreName]reconcile.Choice{}
	for i, s := range other.Stores {
		at := slices.IndexFunc(cfg.Stores, func(one configs.Store) bool { return one.Name == s.Name })
		switch {
		case at < 0:
			return nil, usageError{fmt.Errorf("%s: stores[%d]: %s has no store %s, so there is nothing to compare it with; see it with: stocksyncd plan --config %s", path, i, cfg.Path, quoteCell(s.Name), path)}
		case cfg.Stores[at].Shop != s.Shop:
			return nil, usageError{fmt.Errorf("%s: stores[%d].shop: %s is another shop than in %s", path, i, quoteCell(s.Shop), cfg.Path)}
		}
		choices[inventory.StoreName(s.Name)] = choiceOf(s, other)
	}
	return choices, nil
}

// compared shows what the other config would move.
func (a *app) compared(report *inventory.Report, path string) error {
	if err := a.result(report, func(w io.Writer) error { return a.writeComparison(w, report, path) }); err != nil {
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

func (a *app) writeComparison(w io.Writer, report *inventory.Report, path string) error {
	t := &table{head: []string{"STORE", "SKU", "LOCATION", "OBSERVED", "NOW", "THEN", "BY"}, right: map[int]bool{3: true, 4: true, 5: true}}
	lines, hidden, moved := []string{}, 0, 0
	for _, s := range report.Stores {
		if s.Error != "" {
			lines = append(lines, fmt.Sprintf("Store %s failed: %s", s.Name, s.Error))
		}
		if s.Compared == nil {
			lines = append(lines, fmt.Sprintf("%s: %s does not have it, or it is switched off.", s.Name, path))
			continue
		}
		for _, m := range s.Compared.Levels {
			if len(t.rows) == shownRows {
				hidden++
				continue
			}
			t.add(quoteCell(string(s.Name)), quoteCell(string(m.SKU)), quoteCell(m.Location), fmt.Sprint(m.Observed), figureText(m.From), figureText(m.To), quoteCell(m.Rule))
		}
		moved += s.Compared.Moved
		lines = append(lines, comparisonLine(&s))
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
		lines = append(lines, "A dash is a level that is left alone. Nothing was written.")
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

// comparisonLine sums up what would move in a store.
func comparisonLine(s *inventory.StoreReport) string {
	c := s.Compared
	if c.Moved == 0 {
		return fmt.Sprintf("%s: the other config would move none of %s.", s.Name, count(s.Levels, "figure", "figures"))
	}
	return fmt.Sprintf("%s: %s would move of %d, %d of them to zero: %s more and %d fewer would be offered.",
		s.Name, count(c.Moved, "level", "levels"), s.Levels, c.Zeroed, count(int(c.Raised), "unit", "units"), c.Lowered)
}
