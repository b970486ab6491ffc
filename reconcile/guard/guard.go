package guard

// Limits says when a plan is held. A percentage is of the levels managed; a
// guard trips when its percentage and MinChanges are both exceeded. 0 switches
// a guard off.
type Limits struct {
	MinChanges        int
	MaxChangedPercent int
	MaxZeroedPercent  int
	MaxShrinkPercent  int
}
