package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"stocksyncd/clients/sandbox"
	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/reconcile/inventory"
)

// writes runs a cycle that writes, and gives its number.
func (b *bench) writes() uint64 {
	b.t.Helper()
	out, _ := b.expect(exitDone, "once", "--full", "--output", "json")
	var report inventory.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Stores) != 1 || report.Stores[0].Applied == 0 {
		b.t.Fatalf("%v, and nothing written in\n%s", err, out)
	}
	return report.Cycle
}

func TestACycleIsUndoneAndItsLevelsAreHeldUntilTheyAreReleased(t *testing.T) {
	b := settled(t)
	b.drift()
	cycle := fmt.Sprint(b.writes())
	b.available("TEE-M", "Bergen", 50)
	out, _ := b.expect(exitDone, "undo", cycle)
	golden(t, "undo", out)
	b.available("TEE-M", "Bergen", 10)
	b.available("MUG-BLUE", "Oslo", 7) // 10 would be three more than there are
	out, _ = b.expect(exitHeld, "once", "--full")
	golden(t, "undo-held", out)
	out, _ = b.expect(exitDone, "status")
	if want := "held as main-" + cycle + "-undone since "; !strings.Contains(out, want) || !strings.Contains(out, "1 level keeps the figure that the undo of cycle "+cycle) {
		t.Errorf("status says %q, want %q", out, want)
	}
	if out, _ = b.expect(exitDone, "explain", "TEE-M"); !strings.Contains(out, "stocksyncd release main-"+cycle+"-undone") {
		t.Errorf("explain says %q", out)
	}
	if out, _ = b.expect(exitDone, "undo", cycle); !strings.Contains(out, "the figure has changed since (it shows 10 by now)") {
		t.Errorf("a second time: %q", out)
	}
	out, _ = b.expect(exitDone, "release", "main-"+cycle+"-undone")
	if out != "main-"+cycle+"-undone: 1 level follows Katana again from the next cycle on\n" {
		t.Errorf("release says %q", out)
	}
	b.expect(exitDone, "once")
	b.available("TEE-M", "Bergen", 50)
}

func TestWhatCannotBeUndoneIsExitCode1AndWritesNothing(t *testing.T) {
	b := settled(t)
	b.drift()
	cycle := b.writes()
	before := b.world.Mutations("main")
	for _, args := range [][]string{{"1"}, {fmt.Sprint(cycle + 4711)}, {fmt.Sprint(cycle), "--sku", "CAP-RED"}} {
		if _, log := b.expect(exitFailed, append([]string{"undo"}, args...)...); !strings.Contains(log, "has written nothing that could be undone") {
			t.Errorf("undo %v: %q", args, log)
		}
	}
	b.edit("katana: Bergen", "katana: Nowhere")
	b.expect(exitFailed, "undo", fmt.Sprint(cycle)) // the store says which location it cannot find
	if got := b.world.Mutations("main"); got != before {
		t.Errorf("%d mutations, want none", got-before)
	}
}

func TestAnUndoOfManyLevelsIsHeldByTheGuards(t *testing.T) {
	b := settled(t)
	b.drift()
	cycle := b.writes()
	b.edit("min_changes: 10", "min_changes: 1, max_changed_percent: 1, max_zeroed_percent: 1")
	b.do(sandbox.StockAdjusted{SKU: "MUG-BLUE", Location: "Oslo", By: "3"}) // so that both can be put back
	out, _ := b.expect(exitHeld, "undo", fmt.Sprint(cycle))
	id := fmt.Sprintf("main-%d-changed", cycle+1)
	if want := "Held as " + id + ": 2 of 6 levels would have changed"; !strings.Contains(out, want) {
		t.Errorf("stdout %q, want %q", out, want)
	}
	b.available("TEE-M", "Bergen", 50)
	b.expect(exitDone, "release", id)
	b.expect(exitDone, "once")
	b.available("TEE-M", "Bergen", 10)
	b.available("MUG-BLUE", "Oslo", 10)
}

func TestTheRunningDaemonUndoes(t *testing.T) {
	b := settled(t)
	b.drift()
	cycle := fmt.Sprint(b.writes())
	(&asking{bench: b}).daemon(func(client *daemon.Client) {
		out, _ := b.expect(exitDone, "undo", cycle, "--sku", "TEE-M", "--output", "json")
		var report inventory.Report
		if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Stores[0].Changes) != 1 {
			t.Fatalf("%v in\n%s", err, out)
		}
		if c := report.Stores[0].Changes[0]; c.SKU != "TEE-M" || c.From != 50 || c.To != 10 || c.Outcome != inventory.Applied || c.Reason != inventory.ReasonUndo {
			t.Errorf("the change is %+v", c)
		}
		b.available("TEE-M", "Bergen", 10)
		status, err := client.Status(t.Context())
		if err != nil || len(status.Stores[0].Holds) != 1 || status.Stores[0].Holds[0].ID != "main-"+cycle+"-undone" {
			t.Errorf("the daemon holds %+v, %v", status, err)
		}
		b.expect(exitHeld, "once")
		b.available("TEE-M", "Bergen", 10)
		if _, log := b.expect(exitFailed, "undo", "4711"); !strings.Contains(log, "has written nothing that could be undone") {
			t.Errorf("stderr %q", log)
		}
		b.expect(exitDone, "release", "main-"+cycle+"-undone")
		b.expect(exitDone, "once")
		b.available("TEE-M", "Bergen", 50)
	})
}
