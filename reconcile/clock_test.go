package reconcile_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// jumps are ways in which a clock is set between two cycles.
var jumps = []time.Duration{-time.Hour, time.Hour, 90 * time.Second, -2 * time.Hour, -10 * 365 * 24 * time.Hour, 10 * 365 * 24 * time.Hour}

// jump plays a test for each way in which a clock is set, while the daemon runs
// and while it is down. Where it is set back, what waits may wait once more.
func jump(t *testing.T, play func(t *testing.T, set func(*world), back bool)) {
	for _, by := range jumps {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("by %s, restart %t", by, restart), func(t *testing.T) {
				play(t, func(w *world) {
					w.setClock(w.off + by)
					if restart {
						w.start()
					}
				}, by < 0)
			})
		}
	}
}

func TestWhatWaitsForTheFirstSettleWaitsAsLongWhenTheClockIsSet(t *testing.T) {
	jump(t, func(t *testing.T, set func(*world), back bool) {
		w := newWorld(t)
		w.sku("MUG", 9)
		mug := w.level("main", 1, "MUG", 5)
		w.cycle()
		w.pass(settle / 2)
		set(w)
		w.want(w.cycle(), mug, "waiting first_sight 5→9")
		w.pass(settle/2 - 5*time.Second)
		w.want(w.cycle(), mug, "waiting first_sight 5→9")
		w.pass(5 * time.Second)
		if back {
			w.pass(settle / 2)
		}
		w.want(w.cycle(), mug, "applied drift 5→9")
	})
}

func TestUnitsStayInFlightAsLongWhenTheClockIsSet(t *testing.T) {
	jump(t, func(t *testing.T, set func(*world), back bool) {
		w := newWorld(t)
		w.sku("MUG", 9)
		mug := w.level("main", 1, "MUG", 9)
		w.settled().cycle()
		w.sell(mug, 2)
		w.want(w.cycle(), mug, "waiting inflight 7→9")
		set(w)
		w.cycle()
		w.wantShown(mug, 7)
		w.pass(settle - 5*time.Second)
		w.cycle()
		w.wantShown(mug, 7)
		set(w) // and once more
		w.pass(5 * time.Second)
		if back {
			w.cycle()
			w.pass(settle)
		}
		w.want(w.cycle(), mug, "applied drift 7→9")
	})
}

func TestAQuarantineEndsInTimeWhenTheClockIsSet(t *testing.T) {
	jump(t, func(t *testing.T, set func(*world), _ bool) {
		w := newWorld(t)
		w.sku("MUG", 5)
		mug := w.level("main", 1, "MUG", 9)
		s := w.shops["main"]
		s.refuse = func(inventory.Change) string { return "NON_MUTABLE_INVENTORY_ITEM" }
		w.settled()
		w.want(w.cycle(), mug, "rejected refused 9→5")
		s.refuse = nil
		set(w)
		if got := w.cycle().Stores[0].Skipped[inventory.ReasonQuarantined]; got != 1 {
			t.Errorf("%d levels rest, want 1", got)
		}
		w.pass(24 * time.Hour)
		w.want(w.cycle(), mug, "applied drift 9→5")
	})
}

func TestTheGuardsCountAnHourWhenTheClockIsSet(t *testing.T) {
	for _, test := range []struct {
		after         time.Duration
		held, applied int
	}{
		{time.Hour - 10*time.Second, 1, 0},
		{time.Hour, 0, 1},
	} {
		jump(t, func(t *testing.T, set func(*world), _ bool) {
			w := newWorld(t)
			w.guards = guard.Limits{MinChanges: 2, MaxChangedPercent: 30}
			for i := range int64(10) {
				sku := inventory.SKU(fmt.Sprint("S", i+1))
				w.sku(sku, 5)
				w.level("main", i+1, sku, 5)
			}
			w.settled().cycle()
			for i := range inventory.SourceVariantID(3) {
				w.has(i+1, 10, 4)
			}
			if got := w.cycle().Stores[0]; got.Applied != 3 {
				t.Fatalf("got %d applied, want 3", got.Applied)
			}
			set(w)
			w.cycle()
			w.pass(test.after)
			w.has(4, 10, 4)
			if got := w.cycle().Stores[0]; got.Held != test.held || got.Applied != test.applied {
				t.Errorf("%s later: got %d held and %d applied, want %d and %d", test.after, got.Held, got.Applied, test.held, test.applied)
			}
		})
	}
}

func TestTheSweepGoesOnWhenTheClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{-10 * 365 * 24 * time.Hour, 2 * time.Hour} {
		w := catalogue(t, 600)
		w.has(200, 10, 4) // no feed says so
		w.shops["main"].deaf = true
		w.shops["main"].levels[key(590)].Available = 50
		w.incremental()
		w.setClock(by)
		for range 124 {
			w.incremental()
		}
		w.wantShown(key(200), 4)
		w.wantShown(key(590), 10)
	}
}

func TestOpenOrdersAreReadAgainInTimeWhenTheClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		w := catalogue(t, 300)
		w.stores[0].Orders = desired.Orders{Exclude: []desired.Matcher{{Number: "B2B-*"}}}
		w.start()
		w.cycle()
		w.incremental()
		w.setClock(by)
		w.incremental()
		before := w.katana.openReads
		for range 21 { // ten minutes
			w.incremental()
		}
		if got := w.katana.openReads - before; got == 0 {
			t.Errorf("set by %s: they were not read again", by)
		}
	}
}

func TestAClockThatWasSetIsFollowedAgainAfterADiskThatWasFull(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 9)
	mug := w.level("main", 1, "MUG", 9)
	w.settled().cycle()
	w.sell(mug, 2)
	w.want(w.cycle(), mug, "waiting inflight 7→9")
	disk := &full{Journal: w.state, call: "observe"}
	w.with(disk)
	w.setClock(time.Hour)
	if _, err := w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Full}); !errors.Is(err, errFull) {
		t.Fatalf("got %v, want %v", err, errFull)
	}
	disk.call = ""
	w.want(w.cycle(), mug, "waiting inflight 7→9")
	w.pass(settle)
	w.want(w.cycle(), mug, "applied drift 7→9")
}

// TestKatanasClockIsNotTakenForOursWhereThatWouldEndAWait: it may be the wrong one.
func TestKatanasClockIsNotTakenForOursWhereThatWouldEndAWait(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 9)
	mug := w.level("main", 1, "MUG", 5)
	w.cycle()
	w.pass(settle / 2)
	for _, ahead := range []time.Duration{20 * time.Minute, 0, time.Hour} {
		w.katana.ahead = ahead
		w.want(w.cycle(), mug, "waiting first_sight 5→9")
	}
}

// TestAWrongClockThatStaysWrongChangesNothing: only a change of it tells of
// anything, whatever the answers' way adds to it.
func TestAWrongClockThatStaysWrongChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.sku("MUG", 9)
	mug := w.level("main", 1, "MUG", 5)
	w.setClock(3 * time.Hour)
	w.cycle()
	for i := range 9 {
		w.pass(time.Minute)
		w.katana.ahead = -w.off - time.Duration(i%3)*20*time.Second
		w.want(w.cycle(), mug, "waiting first_sight 5→9")
	}
	w.pass(time.Minute)
	w.want(w.cycle(), mug, "applied drift 5→9")
}
