package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"stocksyncd/reconcile/inventory"
)

// TestAPlaceholderInKatanaLeavesItsSKUAloneAndNoOther enters what people write
// for more than enough.
func TestAPlaceholderInKatanaLeavesItsSKUAloneAndNoOther(t *testing.T) {
	b := settled(t)
	b.drift()
	before, _ := b.world.Available("main", "MUG-BLUE", "Oslo")
	if err := b.world.SetStock("MUG-BLUE", "Oslo", "999999999"); err != nil {
		t.Fatal(err)
	}
	out, _ := b.expect(exitDone, "once", "--full", "--output", "json")
	var report inventory.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if got := report.Stores[0].Skipped[inventory.ReasonFigureTooLarge]; got != 1 {
		t.Errorf("got %d levels left alone, want 1:\n%s", got, out)
	}
	b.available("MUG-BLUE", "Oslo", before)
	b.available("TEE-M", "Bergen", 50)
	_, page, _ := b.run("explain", "MUG-BLUE")
	for _, line := range []string{"a figure too large to be counted at Oslo", "Left alone: too large for Shopify. Correct the numbers in Katana."} {
		if !strings.Contains(page, line) {
			t.Errorf("no %q in\n%s", line, page)
		}
	}
	if strings.Contains(page, "in stock at Oslo") {
		t.Errorf("a stock that nobody knows is shown in\n%s", page)
	}
}
