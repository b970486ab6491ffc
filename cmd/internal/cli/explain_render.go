package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"stocksyncd/reconcile/inventory"
)

// listedMost is how many orders, sales or names a list on a terminal has; JSON
// has all.
const listedMost = 10

// writeExplained shows all levels of an answer; several begin with an overview.
func (a *app) writeExplained(w io.Writer, x *explained) error {
	if len(x.Levels) > 1 {
		if err := a.overview(x.Levels).write(w); err != nil {
			return err
		}
	}
	for i := range x.Levels {
		if len(x.Levels) > 1 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		if err := a.writeExplanation(w, &x.Levels[i]); err != nil {
			return err
		}
	}
	if len(x.Notes) == 0 {
		return nil
	}
	lines := []string{""}
	for _, note := range x.Notes {
		lines = append(lines, "Note: "+quoteCell(note))
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

func (a *app) overview(levels []inventory.Explanation) *table {
	t := &table{head: []string{"STORE", "LOCATION", "VARIANT", "SHOWS", "SHOULD SHOW", ""}, right: map[int]bool{3: true, 4: true}}
	for i := range levels {
		e := &levels[i]
		shows, should, note := fmt.Sprint(e.Observed), fmt.Sprint(e.Target), ""
		if e.Unstocked {
			shows = "-"
		}
		switch {
		case e.Left != "":
			should, note = "-", "left alone: "+reasonText(e.Left)
		case !inStep(e):
			note = nextText(e.Next)
		}
		t.add(quoteCell(string(e.Store)), quoteCell(e.Location), fmt.Sprint(int64(e.Variant)), shows, should, note)
	}
	t.paint = func(_, column int, cell string) string {
		if column == 5 {
			return a.dye(faint, cell)
		}
		return cell
	}
	return t
}

// nextText is an outcome that is yet to come, in a word or two.
func nextText(next inventory.NextAction) string {
	if next.Result == inventory.Applied {
		return "goes with the next cycle"
	}
	return outcomeText(inventory.ChangeReport{Outcome: next.Result, Reason: next.Reason}, false)
}

// writeExplanation shows how one level comes by its figure, from Katana's
// numbers down to what happens next.
func (a *app) writeExplanation(w io.Writer, e *inventory.Explanation) error {
	lines := []string{a.headline(e)}
	for _, part := range [][]string{a.identity(e), a.arithmetic(e).lines(), a.outlook(e)} {
		if len(part) > 0 && len(lines) > 1 {
			lines = append(lines, "")
		}
		for _, line := range part {
			lines = append(lines, "  "+line)
		}
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

// headline answers before it explains.
func (a *app) headline(e *inventory.Explanation) string {
	name := quoteCell(string(e.SKU))
	if len(e.Shopify) > 0 { // else two headings read the same
		name += fmt.Sprintf(" (variant %d)", int64(e.Variant))
	}
	place := "no location"
	if e.LocationID != inventory.Nowhere {
		place = quoteCell(e.Location)
	}
	shows := fmt.Sprintf("shows %d", e.Observed)
	if e.Unstocked {
		shows = "not stocked there"
	}
	color, verdict := red, fmt.Sprintf(" and is to show %d", e.Target)
	switch {
	case e.Left != "":
		color, verdict = faint, ", left alone"
	case inStep(e):
		color, verdict = green, ", as it should"
	}
	return fmt.Sprintf("%s at %s, store %s (%s): %s", name, place, quoteCell(string(e.Store)), quoteCell(string(e.Mode)), a.dye(color, shows+verdict))
}

// inStep tells that nothing is to be written to the level.
func inStep(e *inventory.Explanation) bool {
	return e.Left == "" && (e.Next.Result == "" || !e.Unstocked && (e.Observed == e.Target || e.Observed <= 0 && e.Target <= 0))
}

// identity says what the level is on both sides, what else goes by the name,
// and which rule it is under.
func (a *app) identity(e *inventory.Explanation) []string {
	read := fmt.Sprintf("Read %s by cycle %d.", a.when(e.Read), e.Cycle)
	if !e.KatanaRead.IsZero() {
		read += fmt.Sprintf(" Katana's numbers are of %s; nothing has named them since.", a.when(e.KatanaRead))
	}
	if e.Cycle == 0 {
		read = fmt.Sprintf("Read %s for this question.", a.when(e.Read))
	}
	shopify := fmt.Sprintf("Shopify: variant %d, inventory item %d, location %d.", int64(e.Variant), int64(e.Item), int64(e.LocationID))
	if len(e.Shopify) > 0 {
		shopify += fmt.Sprintf(" With the same SKU, and so the same figure: %s.", listed(numbers(e.Shopify)))
	}
	lines := []string{read, shopify}
	if text := katanaText(e.Katana); text != "" {
		lines = append(lines, text)
	}
	if len(e.PartOf) > 0 {
		lines = append(lines, fmt.Sprintf("Goes into the kits %s: what can be built of them moves with it.", listed(quoted(e.PartOf))))
	}
	if text := nearText(e); text != "" {
		lines = append(lines, text)
	}
	if e.Terms != nil && e.Terms.Rule != nil {
		lines = append(lines, ruleText(e.Terms.Rule))
	}
	return lines
}

// katanaText names the variant that counts and those that were passed over,
// with what decided between them.
func katanaText(variants []inventory.MatchedVariant) string {
	if len(variants) == 0 {
		return ""
	}
	text := "Katana: variant " + matchedText(variants[0], len(variants) > 1) + "."
	var passed []string
	for _, v := range variants[1:] {
		passed = append(passed, matchedText(v, !v.Archived && !v.Deleted))
	}
	if len(passed) > 0 {
		text += " Others have the same SKU and do not count: " + listed(passed) + "."
	}
	return text
}

func matchedText(v inventory.MatchedVariant, dated bool) string {
	var words []string
	for _, word := range []struct {
		is   bool
		text string
	}{
		{v.Kit, "kit"}, {v.Service, "service"}, {v.Archived, "archived"}, {v.Deleted, "deleted"},
		{dated && !v.Created.IsZero(), "created " + v.Created.UTC().Format(time.DateOnly)},
	} {
		if word.is {
			words = append(words, word.text)
		}
	}
	if len(words) == 0 {
		return fmt.Sprint(int64(v.ID))
	}
	return fmt.Sprintf("%d (%s)", int64(v.ID), strings.Join(words, ", "))
}

// nearText names the SKUs of either side that people take for this one.
func nearText(e *inventory.Explanation) string {
	var near []string
	for _, n := range e.Near {
		side, other := "Katana", n.Katana
		if n.Katana == e.SKU {
			side, other = "Shopify", n.Shopify
		}
		near = append(near, fmt.Sprintf("%s in %s (differs in %s)", quoteCell(string(other)), side, listed(quoted(n.Differ))))
	}
	if len(near) == 0 {
		return ""
	}
	return "Not the same SKU, but close to it: " + listed(near) + "."
}

func ruleText(r *inventory.RuleTerm) string {
	var does []string
	if r.Skip {
		does = append(does, "skip it")
	}
	if r.Buffer != 0 {
		does = append(does, fmt.Sprintf("keep back %d", r.Buffer))
	}
	if r.MinToSell != 0 {
		does = append(does, fmt.Sprintf("show 0 when there are less than %d", r.MinToSell))
	}
	if r.Max != nil {
		does = append(does, fmt.Sprintf("show no more than %d", *r.Max))
	}
	if len(does) == 0 {
		does = append(does, "change nothing")
	}
	return fmt.Sprintf("Rule %d of the store (%s): %s.", r.Index+1, quoteCell(r.Pattern), strings.Join(does, ", "))
}

// outlook is what is known of the level besides its figure, and what happens
// to it next.
func (a *app) outlook(e *inventory.Explanation) []string {
	var lines []string
	if e.Left != "" {
		lines = append(lines, fmt.Sprintf("Left alone: %s. %s", reasonText(e.Left), remedy(e)))
	}
	if e.Negative && e.Left == "" {
		lines = append(lines, "The exact figure is below zero: more is promised than there is. 0 is shown.")
	}
	lines = append(lines, a.seenText(e))
	lines = append(lines, a.writes(e.Writes)...)
	return append(lines, a.next(e.Next)...)
}

func (a *app) seenText(e *inventory.Explanation) string {
	text := fmt.Sprintf("Shopify shows %d", e.Observed)
	if e.Unstocked {
		text = "Shopify does not stock it there"
	}
	if e.Seen == nil {
		return text + "; it was not looked at before."
	}
	text += fmt.Sprintf("; last seen %d at %s", e.Seen.Units, a.when(e.Seen.At))
	if !e.Seen.First.IsZero() {
		text += ", first seen " + a.when(e.Seen.First)
	}
	return text + "."
}

func (a *app) writes(writes []inventory.PastWrite) []string {
	if len(writes) == 0 {
		return nil
	}
	t := &table{right: map[int]bool{2: true}}
	for _, one := range writes[:min(len(writes), listedMost)] {
		t.add(fmt.Sprintf("cycle %d", one.Cycle), a.when(one.At), fmt.Sprint(one.From), fmt.Sprintf("→ %d", one.To),
			outcomeText(inventory.ChangeReport{Outcome: one.Result, Reason: one.Reason}, false))
	}
	return append([]string{"Last writes:"}, inset(t.lines())...)
}

func (a *app) next(next inventory.NextAction) (lines []string) {
	if next.Text != "" {
		lines = append(lines, "Next: "+quoteCell(next.Text))
	}
	if !next.Until.IsZero() {
		lines = append(lines, "At the latest: "+a.when(next.Until)+".")
	}
	if next.ID != "" {
		lines = append(lines, "Held as "+quoteCell(next.ID)+".")
	}
	if next.Order != "" {
		lines = append(lines, "Let it go: "+quoteCell(next.Order))
	}
	return lines
}

// remedy says what would have to change for a level that is left alone.
func remedy(e *inventory.Explanation) string {
	texts := map[inventory.Reason]string{
		inventory.ReasonNoSKU:            "Give the variant in Shopify the code of its Katana variant as SKU.",
		inventory.ReasonNotInKatana:      "Give a variant in Katana this SKU, or correct the SKU in Shopify.",
		inventory.ReasonArchived:         "Restore it in Katana, or give a live variant there this SKU.",
		inventory.ReasonService:          "Katana keeps no stock of services; if it has stock, make it a product there.",
		inventory.ReasonNoRow:            "Absence is not zero: when the next complete read has no row either, it counts as 0.",
		inventory.ReasonUntracked:        "Switch on that Shopify tracks the quantity of this variant.",
		inventory.ReasonBundle:           "That is as it should be: Shopify works its figure out from the parts, and those are kept in step.",
		inventory.ReasonGiftCard:         "That is as it should be: a gift card has no stock.",
		inventory.ReasonInactiveLevel:    "Stock it at the location in Shopify; or name the location in the config and set activate: true.",
		inventory.ReasonNotStocked:       "Stock it at the location in Shopify, or set activate: true for the store.",
		inventory.ReasonNoSales:          "Allow sales from the location in Katana, or map another one.",
		inventory.ReasonInactiveLocation: "Nothing is sold from a deactivated location; activate it in Shopify if it is in use.",
		inventory.ReasonFulfillment:      "The fulfilment app keeps its stock; if Katana is to, name the location under the store's locations.",
		inventory.ReasonUnmapped:         "Name the location under the store's locations, or set default_location.",
		inventory.ReasonFigureTooLarge:   "Correct the numbers in Katana.",
		inventory.ReasonRule:             "Change the store's rules; the first that matches the SKU counts.",
		inventory.ReasonQuarantined: fmt.Sprintf("Mend what Shopify objects to; then it is tried again by itself, or at once after: stocksyncd release %s",
			quoteCell(inventory.Key{Store: e.Store, Item: e.Item, Location: e.LocationID}.String())),
	}
	return texts[e.Left]
}

// listed joins words for people, the first few and a count.
func listed(words []string) string {
	if more := len(words) - listedMost; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:listedMost], ", "), more)
	}
	return strings.Join(words, ", ")
}

func numbers(ids []inventory.VariantID) (words []string) {
	for _, id := range ids {
		words = append(words, fmt.Sprint(int64(id)))
	}
	return words
}

func quoted[T ~string](texts []T) (words []string) {
	for _, text := range texts {
		words = append(words, quoteCell(string(text)))
	}
	return words
}

func inset(lines []string) []string {
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	return lines
}
