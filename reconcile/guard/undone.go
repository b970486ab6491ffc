package guard

import (
	"fmt"

	"stocksyncd/reconcile/inventory"
)

// RuleUndone is the rule of a hold that no guard has made: its levels were given
// back their former figures, and keep them until they are released.
const RuleUndone = string(inventory.ReasonUndone)

func undone(h inventory.Hold) string {
	levels := fmt.Sprintf("%d levels keep what they showed", len(h.Levels))
	if len(h.Levels) == 1 {
		levels = "1 level keeps what it showed"
	}
	return fmt.Sprintf("%s before cycle %d, whatever Katana has (%s). To have Katana's figures again, run `stocksyncd release %s`.", levels, h.Undo, h.Rule, h.ID)
}
