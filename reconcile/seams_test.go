package reconcile_test

import (
	"testing"
	"time"
)

func TestAShrinkIsReleasedAlsoAfterTheClockWasSetForward(t *testing.T) {
	w := guarded(t, 100)
	w.setClock(3 * time.Hour)
	w.cycle() // trusts what it read, by the new time
	w.katana.variants = w.katana.variants[:50]
	w.count(1, 20, 9)
	w.release(w.cycle())
	w.cycle()
	w.count(41, 50, 8)
	w.wantDone("the shorter source is trusted", w.cycle(), 10, 0)
}
