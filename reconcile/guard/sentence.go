package guard

import (
	"fmt"
	"strings"

	"stocksyncd/reconcile/inventory"
)

// Sentence says what a hold counted, its limit, and the command to release it.
func Sentence(h inventory.Hold) string {
	switch {
	case h.Rule == RuleUndone:
		return undone(h)
	case h.Undo != 0:
		return fmt.Sprintf("%s (%s). `stocksyncd undo %d` would write them; let them go with `stocksyncd release %s`.", counted(h), h.Rule, h.Undo, h.ID)
	}
	return fmt.Sprintf("%s (%s). Look at them with `stocksyncd plan`, then let them go with `stocksyncd release %s`.", counted(h), h.Rule, h.ID)
}

func counted(h inventory.Hold) string {
	switch h.Rule {
	case RuleShrink:
		return fmt.Sprintf("Katana gave %d stock rows, %d last time; fewer than %d are not trusted", h.Have, h.Managed, h.Limit)
	case RuleCanary:
		return strayed(h)
	case RuleAllZero:
		return fmt.Sprintf("no figure is above zero any more, and %d of %d levels would come to that within an hour; %d may", h.Have, h.Managed, h.Limit)
	case RuleZeroed:
		return fmt.Sprintf("%d of %d levels would be at zero within an hour; %d may", h.Have, h.Managed, h.Limit)
	case RuleRaised:
		return fmt.Sprintf("%d units would have been added within an hour; %d may", h.Have, h.Limit)
	default:
		return fmt.Sprintf("%d of %d levels would have changed within an hour; %d may", h.Have, h.Managed, h.Limit)
	}
}

// strayed says what was seen of a canary, and what was to be seen.
func strayed(h inventory.Hold) string {
	var seen inventory.Sighting
	if h.Canary != nil {
		seen = *h.Canary
	}
	var b strings.Builder
	if seen.Left != "" {
		fmt.Fprintf(&b, "Katana gives no figure for the canary %s (%s)", seen.SKU, seen.Left)
	} else {
		fmt.Fprintf(&b, "Katana has %d of the canary %s", seen.Units, seen.SKU)
	}
	fmt.Fprintf(&b, "; outside of %d to %d no figure is trusted", seen.Min, seen.Max)
	if h.Undo == 0 { // which is asked for once
		b.WriteString(", and the changes go by themselves when it is back")
	}
	return b.String()
}
