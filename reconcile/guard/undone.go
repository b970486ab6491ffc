package guard

import (
	"fmt"

	"stocksyncd/reconcile/inventory"
)

// RuleUndone is the rule of a hold that no guard has made: its levels were given
// back their former figures, and keep them until they are released.
const RuleUndone = string(inventory.ReasonUndone)

func undone(h inventory.Hold) string {
	levels := fmt.Sprintf("%d levels keep the figures that the undo of cycle %d gave them", len(h.Levels), h.Undo)
	if len(h.Levels) == 1 {
		levels = fmt.Sprintf("1 level keeps the figure that the undo of cycle %d gave it", h.Undo)
	}
	return fmt.Sprintf("%s, whatever Katana has (%s). Have Katana's figures written again with `stocksyncd release %s`.", levels, h.Rule, h.ID)
}
