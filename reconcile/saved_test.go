package reconcile_test

import (
	"fmt"
	"testing"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// TestEveryLineOfALargeSavedPlanIsReportedOnce takes a moment; a look through all
// outcomes for each line would take half a minute.
func TestEveryLineOfALargeSavedPlanIsReportedOnce(t *testing.T) {
	const vanished = 60_000
	w := newWorld(t)
	w.addStore("outlet", inventory.ModeApply)
	w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 9)
	w.settled()
	line := func(store inventory.StoreName, item int64) inventory.Change {
		key := inventory.Key{Store: store, Item: inventory.ItemID(item), Location: 1}
		return inventory.Change{Key: key, SKU: inventory.SKU(fmt.Sprint("S", item)), From: 9, To: 5}
	}
	saved := []inventory.Change{line("main", 2), {Key: mug, SKU: "MUG", From: 9, To: 5}, line("main", 2)}
	for item := range int64(vanished - 1) {
		saved = append(saved, line("main", item+3))
	}
	saved = append(saved, line("outlet", 2))
	report := w.ask(reconcile.Request{Kind: inventory.Full, Only: saved})
	w.want(report, mug, "applied drift 9→5")
	w.want(report, saved[0].Key, "skipped changed 9→5")
	w.want(report, saved[len(saved)-1].Key, "skipped changed 9→5")
	for i, want := range []int{vanished + 1, 1} {
		if got := len(report.Stores[i].Changes); got != want {
			t.Errorf("%s: got %d lines, want %d", report.Stores[i].Name, got, want)
		}
	}
}
