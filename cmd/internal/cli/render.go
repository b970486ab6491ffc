package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"stocksyncd/reconcile/inventory"
)

// shownRows is the most changes that a table on a terminal lists; JSON has all.
const shownRows = 1000

// writeReport shows what a cycle found and did. A plan shows the figures, a
// cycle what became of them too.
func (a *app) writeReport(w io.Writer, report *inventory.Report, planned bool) error {
	t, hidden := a.changeTable(report, planned)
	if len(t.rows) > 0 {
		if err := t.write(w); err != nil {
			return err
		}
	}
	var lines []string
	if hidden > 0 {
		lines = append(lines, fmt.Sprintf("And %d more; --output json has all.", hidden))
	}
	lines = append(lines, summary(report, planned))
	for i := range report.Stores {
		lines = append(lines, storeLines(&report.Stores[i], len(report.Stores) > 1)...)
	}
	if report.Error != "" {
		lines = append(lines, "The cycle failed: "+report.Error)
	}
	_, err := fmt.Fprintln(w, quoteLines(strings.Join(lines, "\n")))
	return err
}

func (a *app) changeTable(report *inventory.Report, planned bool) (t *table, hidden int) {
	t = &table{head: []string{"SKU", "LOCATION", "OBSERVED", "DESIRED", "CHANGE", ""}, right: map[int]bool{2: true, 3: true, 4: true}}
	several := len(report.Stores) > 1
	if several {
		t.head = append([]string{"STORE"}, t.head...)
		t.right = map[int]bool{3: true, 4: true, 5: true}
	}
	for _, store := range report.Stores {
		for _, c := range store.Changes {
			if len(t.rows) == shownRows {
				hidden++
				continue
			}
			cells := []string{
				quoteCell(string(c.SKU)), quoteCell(c.Location), fmt.Sprint(c.From), fmt.Sprint(c.To),
				fmt.Sprintf("%+d", c.To-c.From), outcomeText(c, planned),
			}
			if several {
				cells = append([]string{quoteCell(string(store.Name))}, cells...)
			}
			t.add(cells...)
		}
	}
	change := slices.Index(t.head, "CHANGE")
	t.paint = func(_, column int, cell string) string {
		switch {
		case column == change && strings.HasPrefix(cell, "-"):
			return a.dye(red, cell)
		case column == change:
			return a.dye(green, cell)
		case column == change+1:
			return a.dye(faint, cell)
		}
		return cell
	}
	return t, hidden
}

// outcomeText is the last column: in a plan, why a line would not be written;
// in a cycle, what became of it.
func outcomeText(c inventory.ChangeReport, planned bool) string {
	if c.Outcome == inventory.Skipped && c.Reason == inventory.ReasonReport {
		if planned {
			return ""
		}
		return "not written: report mode"
	}
	text := quoteCell(string(c.Outcome))
	switch c.Outcome {
	case inventory.Applied:
		if c.Reason == inventory.ReasonDrift {
			return text
		}
	case inventory.Waiting:
		text = "waits"
	case inventory.Skipped:
		text = "not written"
	case inventory.Stale, inventory.Rejected, inventory.Held, inventory.Unsent:
	}
	if why := reasonText(c.Reason); why != "" {
		text += ": " + why
	}
	return text + aside(c.Detail)
}

// aside is the detail of a reason, behind it.
func aside(detail string) string {
	if detail == "" {
		return ""
	}
	return " (" + quoteCell(detail) + ")"
}

// reasonText says a reason code in words; an unknown code is its own word.
func reasonText(reason inventory.Reason) string {
	texts := map[inventory.Reason]string{
		inventory.ReasonDrift:            "",
		inventory.ReasonActivate:         "stocked at the location first",
		inventory.ReasonInFlight:         "sold in Shopify, not yet in Katana",
		inventory.ReasonNoSKU:            "without a SKU",
		inventory.ReasonNotInKatana:      "not in Katana",
		inventory.ReasonArchived:         "archived in Katana",
		inventory.ReasonService:          "a service in Katana",
		inventory.ReasonNoRow:            "without a stock row in Katana",
		inventory.ReasonUntracked:        "not tracked by Shopify",
		inventory.ReasonBundle:           "computed by Shopify from its parts",
		inventory.ReasonGiftCard:         "a gift card",
		inventory.ReasonInactiveLevel:    "not stocked at the location",
		inventory.ReasonNotStocked:       "never stocked at the location",
		inventory.ReasonNoSales:          "fed by Katana locations that do not sell",
		inventory.ReasonInactiveLocation: "at an inactive location",
		inventory.ReasonFulfillment:      "at a fulfilment service",
		inventory.ReasonUnmapped:         "at a location without a mapping",
		inventory.ReasonFigureTooLarge:   "too large for Shopify",
		inventory.ReasonUnread:           "what it depends on is read first",
		inventory.ReasonQuarantined:      "in quarantine",
		inventory.ReasonRule:             "skipped by a rule",
		inventory.ReasonFirstSight:       "seen for the first time a moment ago; a sale may not be in Katana yet",
		inventory.ReasonSecondWriter:     "something else writes it too",
		inventory.ReasonLowerOnly:        "the mode lets only reductions through",
		inventory.ReasonReport:           "report mode",
		inventory.ReasonStale:            "Shopify's figure moved meanwhile",
		inventory.ReasonUnknown:          "the answer never came",
		inventory.ReasonStopped:          "stopped before this batch",
		inventory.ReasonFailed:           "the store failed before this batch",
		inventory.ReasonRefused:          "Shopify refused the line",
		inventory.ReasonChanged:          "the figure has changed since",
		inventory.ReasonUndo:             "put back",
		inventory.ReasonUndone:           "it was undone",
		inventory.ReasonOversell:         "more than can be sold",
	}
	if text, ok := texts[reason]; ok {
		return text
	}
	return quoteCell(string(reason))
}

// summary is the sentence under the table.
func summary(report *inventory.Report, planned bool) string {
	var levels, changes, applied, waiting, held, rejected, stale int
	skipped := map[inventory.Reason]int{}
	for _, s := range report.Stores {
		levels, changes, applied = levels+s.Levels, changes+len(s.Changes), applied+s.Applied
		waiting, held, rejected, stale = waiting+s.Waiting, held+s.Held, rejected+s.Rejected, stale+s.Stale
		for reason, n := range s.Skipped {
			skipped[reason] += n
		}
	}
	parts := []string{fmt.Sprintf("%s in %s.", count(changes, "change", "changes"), count(levels, "figure", "figures"))}
	for _, part := range []struct {
		n         int
		one, many string
	}{
		{applied, "was written", "were written"}, {waiting, "waits", "wait"}, {held, "is held", "are held"},
		{rejected, "was refused by Shopify", "were refused by Shopify"}, {stale, "was overtaken by a sale or an edit", "were overtaken by sales or edits"},
	} {
		if part.n > 0 {
			parts = append(parts, count(part.n, part.one, part.many)+".")
		}
	}
	if text := leftAlone(skipped); text != "" {
		parts = append(parts, text)
	}
	if planned || applied == 0 {
		parts = append(parts, "Nothing was written.")
	}
	return strings.Join(parts, " ")
}

// leftAlone says what is left alone, the most frequent reason first.
func leftAlone(skipped map[inventory.Reason]int) string {
	total := 0
	var reasons []inventory.Reason
	for reason, n := range skipped {
		if n > 0 {
			total += n
			reasons = append(reasons, reason)
		}
	}
	if total == 0 {
		return ""
	}
	slices.SortFunc(reasons, func(x, y inventory.Reason) int {
		if skipped[x] != skipped[y] {
			return skipped[y] - skipped[x]
		}
		return strings.Compare(string(x), string(y))
	})
	if len(reasons) == 1 {
		return fmt.Sprintf("%d left alone: %s.", total, reasonText(reasons[0]))
	}
	var parts []string
	for _, reason := range reasons {
		parts = append(parts, fmt.Sprintf("%d %s", skipped[reason], reasonText(reason)))
	}
	return fmt.Sprintf("%d left alone: %s.", total, strings.Join(parts, ", "))
}

// storeLines are the failures, held plans and notes of a store.
func storeLines(store *inventory.StoreReport, named bool) (lines []string) {
	prefix := ""
	if named {
		prefix = string(store.Name) + ": "
	}
	if store.Error != "" {
		lines = append(lines, fmt.Sprintf("Store %s failed: %s", store.Name, store.Error))
	}
	for _, h := range store.Holds {
		lines = append(lines, prefix+holdText(h))
	}
	for _, q := range store.Quarantine {
		lines = append(lines, fmt.Sprintf("%s%s at %s is in quarantine until %s, refused %s: %s. Let it go: %s", prefix, quoteCell(string(q.SKU)), quoteCell(q.Location),
			q.Until.UTC().Format("2006-01-02 15:04 UTC"), count(q.Count, "time", "times"), quoteCell(q.Detail), q.Release))
	}
	if store.Negative > 0 {
		lines = append(lines, fmt.Sprintf("%s%s below zero, shown as 0: more is promised than there is.", prefix, count(store.Negative, "figure is", "figures are")))
	}
	for _, note := range store.Notes {
		lines = append(lines, prefix+"Note: "+note)
	}
	return lines
}

func holdText(h inventory.HoldReport) string {
	return fmt.Sprintf("Held as %s: %s", h.ID, h.Text)
}
