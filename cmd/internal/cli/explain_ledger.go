package cli

import (
	"fmt"
	"slices"
	"strings"

	"stocksyncd/reconcile/inventory"
)

// ledger is an addition as people write it: a line for each amount, what the
// amounts make so far, and remarks below a line.
type ledger struct {
	table   *table
	remarks map[int][]string // by row
}

func (a *app) newLedger() *ledger {
	t := &table{head: []string{"HOW THE FIGURE COMES ABOUT", "ADDS", "MAKES", ""}, right: map[int]bool{1: true, 2: true}}
	t.paint = func(_, column int, cell string) string {
		switch {
		case column == 1 && strings.HasPrefix(cell, "-"):
			return a.dye(red, cell)
		case column == 1 && strings.HasPrefix(cell, "+"):
			return a.dye(green, cell)
		case column == 3:
			return a.dye(faint, cell)
		}
		return cell
	}
	return &ledger{table: t, remarks: map[int][]string{}}
}

// line adds an amount, "" for none.
func (l *ledger) line(what, adds, makes, note string) { l.table.add(what, adds, makes, note) }

// makes says what the amounts up to the last line make.
func (l *ledger) makes(figure string) {
	if last := len(l.table.rows) - 1; last >= 0 {
		l.table.rows[last][2] = figure
	}
}

// remark adds lines below the last line.
func (l *ledger) remark(lines ...string) {
	last := len(l.table.rows) - 1
	l.remarks[last] = append(l.remarks[last], lines...)
}

func (l *ledger) lines() []string {
	if len(l.table.rows) == 0 {
		return nil
	}
	aligned := l.table.lines()
	lines := aligned[:1:1] // the head
	for row, line := range aligned[1:] {
		lines = append(lines, line)
		for _, remark := range l.remarks[row] {
			lines = append(lines, "    "+remark)
		}
	}
	return lines
}

// arithmetic is every step from Katana's numbers to what the level is to show.
func (a *app) arithmetic(e *inventory.Explanation) *ledger {
	l := a.newLedger()
	if t := e.Terms; t != nil {
		if len(t.Steps) == 0 { // no figure could be made of what is known
			l.stock(t.Sources)
		}
		for _, step := range t.Steps {
			a.step(l, t, step)
		}
		for _, name := range []inventory.StepName{inventory.StepAddBack, inventory.StepPotential} {
			// Why it adds nothing is worth as much as what it adds.
			if !slices.ContainsFunc(t.Steps, func(s inventory.Step) bool { return s.Name == name }) {
				l.entry(stepText(name, t.Rule), contributed(t.Sources, name), "", a.remarks(t, name))
			}
		}
	}
	if e.Left == "" {
		a.target(l, e)
	}
	return l
}

// step adds one step of the arithmetic.
func (a *app) step(l *ledger, t *inventory.Terms, step inventory.Step) {
	if step.Name != inventory.StepSum {
		l.entry(stepText(step.Name, t.Rule), step.Amount, step.Result.String(), a.remarks(t, step.Name))
		return
	}
	l.stock(t.Sources)
	switch len(t.Sources) {
	case 0:
		l.line("in stock less committed", "", step.Result.String(), "")
	case 1:
		l.makes(step.Result.String())
	default:
		l.line("together", "", step.Result.String(), "")
	}
}

// entry adds an amount with its remarks, unless it changes nothing and there is
// nothing to say of it.
func (l *ledger) entry(what string, adds inventory.Quantity, makes string, remarks []string) {
	if adds == 0 && len(remarks) == 0 {
		return
	}
	l.line(what, signed(adds), makes, "")
	l.remark(remarks...)
}

// contributed adds up what the locations have of a step.
func contributed(sources []inventory.SourceTerm, name inventory.StepName) (sum inventory.Quantity) {
	for _, s := range sources {
		if name == inventory.StepAddBack {
			sum += s.AddedBack
		} else if s.Kit != nil {
			sum += s.Kit.Potential
		}
	}
	return sum
}

// remarks are the parts of a step's amount.
func (a *app) remarks(t *inventory.Terms, name inventory.StepName) []string {
	switch name {
	case inventory.StepAddBack:
		return addedBack(t.Sources)
	case inventory.StepPotential:
		return kits(t.Sources)
	case inventory.StepInFlight:
		return a.flights(t.Others, true)
	default:
		return nil
	}
}

// stepText says in words what a step does.
func stepText(name inventory.StepName, rule *inventory.RuleTerm) string {
	number := 0
	if rule != nil {
		number = rule.Index + 1
	}
	switch name {
	case inventory.StepAddBack:
		return "committed to orders that do not count"
	case inventory.StepPotential:
		return "can be built of its components"
	case inventory.StepInFlight:
		return "sold elsewhere and not yet in Katana"
	case inventory.StepBuffer:
		return fmt.Sprintf("rule %d: kept back", number)
	case inventory.StepFloor:
		return "rounded down to whole pieces"
	case inventory.StepMinToSell:
		if rule != nil && rule.MinToSell > 0 {
			return fmt.Sprintf("rule %d: less than %d is shown as 0", number, rule.MinToSell)
		}
		return "nothing below 0 is shown"
	case inventory.StepMax:
		if rule != nil && rule.Max != nil {
			return fmt.Sprintf("rule %d: no more than %d", number, *rule.Max)
		}
		return "no more than is allowed"
	case inventory.StepZero:
		return "nothing below 0 is shown"
	case inventory.StepSum:
	}
	return quoteCell(string(name))
}

// stock lists what Katana has at each location, and has committed there.
func (l *ledger) stock(sources []inventory.SourceTerm) {
	first := true
	for _, s := range sources {
		name, id := named(s.Name), fmt.Sprintf("Katana location %d", int64(s.Location))
		switch {
		case s.NoSales:
			l.line(name+" does not count", "", "", fmt.Sprintf("%s, which does not sell: in stock %s, committed %s", id, s.InStock, s.Committed))
		case s.NoRow:
			l.line("no stock row at "+name, "", "", id)
		case s.TooLarge:
			l.line("a figure too large to be counted at "+name, "", "", id)
		default:
			inStock := signed(s.InStock)
			if first {
				inStock = s.InStock.String()
			}
			l.line("in stock at "+name, inStock, "", id)
			l.line("committed to sales orders there", signed(-s.Committed), "", "")
			first = false
		}
		if counting := rowLines(s.Excluded, true); len(counting) > 0 {
			l.remark("These orders count all the same:")
			l.remark(inset(counting)...)
		}
	}
}

// addedBack lists the orders whose rows are added back.
func addedBack(sources []inventory.SourceTerm) (lines []string) {
	kit := false
	for _, s := range sources {
		rows := rowLines(s.Excluded, false)
		if len(rows) == 0 && s.AddedBack == 0 {
			continue
		}
		kit = kit || s.Kit != nil && s.AddedBack != 0
		open := inventory.Quantity(0)
		for _, row := range s.Excluded {
			if row.Why == "" {
				open, _ = open.Add(row.Open) // only shown; 0 when it does not fit
			}
		}
		at := ""
		if len(sources) > 1 {
			at = " at " + named(s.Name)
		}
		if open > s.AddedBack {
			lines = append(lines, fmt.Sprintf("%s%s of %s open, since no more is committed:", s.AddedBack, at, open))
		} else if at != "" {
			lines = append(lines, fmt.Sprintf("%s%s:", s.AddedBack, at))
		}
		if at != "" {
			rows = inset(rows)
		}
		lines = append(lines, rows...)
	}
	if kit {
		lines = append(lines, "This is the kit's own row; its components stay committed to the order.")
	}
	return lines
}

// rowLines lists the rows of excluded orders: those that are added back, or
// those that count all the same, with why.
func rowLines(rows []inventory.ExcludedRow, counting bool) []string {
	t := &table{right: map[int]bool{1: true}}
	more := 0
	for _, row := range rows {
		if (row.Why != "") != counting {
			continue
		}
		if len(t.rows) == listedMost {
			more++
			continue
		}
		t.add("order "+named(row.Order), row.Open.String()+" open", fmt.Sprintf("order id %d, row %d", row.OrderID, row.Row), quoteCell(row.Why))
	}
	lines := t.lines()
	if more > 0 {
		lines = append(lines, fmt.Sprintf("and %s; --output json has all", count(more, "more row", "more rows")))
	}
	return lines
}

// kits lists the components of a kit and how far each reaches.
func kits(sources []inventory.SourceTerm) (lines []string) {
	for _, s := range sources {
		if s.Kit == nil {
			continue
		}
		components := componentLines(s.Kit)
		if len(sources) > 1 {
			lines = append(lines, fmt.Sprintf("%s at %s:", s.Kit.Potential, named(s.Name)))
			components = inset(components)
		}
		lines = append(lines, components...)
	}
	return lines
}

func componentLines(kit *inventory.KitTerm) []string {
	t := &table{right: map[int]bool{1: true, 2: true, 3: true}}
	var least *inventory.Units
	known := true
	for i := range kit.Components {
		c := &kit.Components[i]
		name := named(string(c.SKU))
		if c.SKU == "" {
			name = "without a SKU"
		}
		id := fmt.Sprintf("variant %d", int64(c.Variant))
		if !c.Known {
			known = false
			t.add(name, "not read", c.PerKit.String()+" per kit", "", "", id)
			continue
		}
		if least == nil || c.Builds < *least {
			least = &c.Builds
		}
		limits := ""
		if c.Limits {
			limits = "limits it"
		}
		t.add(name, c.Available.String()+" available", c.PerKit.String()+" per kit", fmt.Sprintf("enough for %d", c.Builds), limits, id)
	}
	lines := t.lines()
	if least == nil {
		return lines
	}
	switch by, fits := inventory.Whole(*least); {
	case !fits || by == kit.Potential || by > kit.Potential && !known:
	default:
		lines = append(lines, fmt.Sprintf("Katana's own figure counts: it says %s can be built, these components would be enough for %d.", kit.Potential, *least))
	}
	return lines
}

// flights lists units that are sold in Shopify and not yet in Katana.
func (a *app) flights(terms []inventory.FlightTerm, elsewhere bool) []string {
	var lines []string
	for i, f := range terms {
		if i == listedMost {
			return append(lines, fmt.Sprintf("and %d more; --output json has all", len(terms)-listedMost))
		}
		parts := []string{fmt.Sprint(f.Units)}
		if elsewhere {
			at := named(f.Name)
			if f.Name == "" { // of a store that was not asked about
				at = fmt.Sprintf("location %d", int64(f.Location))
			}
			parts[0] += " at " + at
			parts = append(parts, "store "+named(string(f.Store)))
		}
		if f.Order != "" {
			parts = append(parts, "order "+named(f.Order))
		}
		if !f.Since.IsZero() {
			parts = append(parts, "since "+a.when(f.Since))
		}
		switch {
		case f.Sought:
			parts = append(parts, "its order is looked for until "+a.when(f.Expires))
		case f.Expires.IsZero():
			parts = append(parts, "counts until Katana has it")
		default:
			parts = append(parts, "counts until "+a.when(f.Expires))
		}
		lines = append(lines, strings.Join(parts, ", "))
		if f.Overdue {
			lines = append(lines, "  overdue: Katana should have had it by now; to let it go: "+quoteCell(f.Release))
		}
	}
	return lines
}

// target ends the arithmetic: the desired figure, and what is left of it when
// what is sold at the level itself is taken off.
func (a *app) target(l *ledger, e *inventory.Explanation) {
	left := e.Desired
	if len(e.Own) > 0 {
		own := inventory.Units(0)
		for _, f := range e.Own {
			own += f.Units
		}
		left -= own
		l.line("= desired", "", fmt.Sprint(e.Desired), "")
		l.line("sold here and not yet in Katana", fmt.Sprintf("%+d", -own), fmt.Sprint(left), "")
		l.remark(a.flights(e.Own, false)...)
	} else if e.Target != e.Desired {
		l.line("= desired", "", fmt.Sprint(e.Desired), "")
	}
	note := ""
	switch {
	case e.Target == left:
	case len(e.Own) == 0 && e.Target < 0:
		note = "a level below 0 is not raised to 0"
	case left < 0 && e.Target == 0:
		note = "nothing below 0 is shown"
	case e.Target == e.Observed:
		note = "what Shopify shows has it taken off already"
	}
	l.line("= to show", "", fmt.Sprint(e.Target), note)
}

// signed writes an amount with its sign, as something that is added.
func signed(q inventory.Quantity) string {
	if q > 0 {
		return "+" + q.String()
	}
	return q.String()
}

// named is a name from outside within a sentence, where it must not push the
// figures out of sight.
func named(name string) string { return shorten(quoteCell(name), 28) }
