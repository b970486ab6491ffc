package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/reconcile/inventory"
)

// overdue is a shop in which an order was placed that does not reach Katana for a
// day.
func overdue(t *testing.T) *bench {
	t.Helper()
	b := settled(t)
	b.do(sandbox.OrderPlaced{Order: "#1001", Location: "Oslo", Lines: []sandbox.Line{{SKU: "MUG-BLUE", Quantity: "2"}}, Import: sandbox.Import{Never: true}})
	b.pass(25 * time.Hour)
	b.expect(exitDone, "once", "--full")
	return b
}

func TestStatusListsAnOrderThatKatanaShouldHaveHadWithTheCommandThatWorks(t *testing.T) {
	b := overdue(t)
	var status daemon.Status
	out, _ := b.expect(exitDone, "status", "--output", "json")
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		t.Fatal(err)
	}
	store := status.Stores[0]
	if store.InFlight != 2 || len(store.Overdue) != 1 || store.Overdue[0].Order != "#1001" || !store.Overdue[0].Counts || len(store.Waiting) != 1 || store.Waiting[0].Detail != "sold by #1001" {
		t.Fatalf("got %+v, want the order and what waits for it", store)
	}
	late := store.Overdue[0]
	out, _ = b.expect(exitDone, "status")
	for _, want := range []string{
		"  2 units sold in Shopify and not yet in Katana\n",
		"  overdue: Katana does not have order #1001, placed 2026-11-24 12:11:00 UTC: what it sold is not offered until it has, or until `" + late.Release + "`\n",
		"  MUG-BLUE at Oslo waits to go from 8 to 10: sold in Shopify, not yet in Katana (sold by #1001)\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("status says\n%swant\n%s", out, want)
		}
	}
	out, _ = b.expect(exitDone, "explain", "MUG-BLUE", "--location", "Oslo")
	for _, want := range []string{
		"2, order #1001, since 2026-11-24 12:11:00 UTC, counts until Katana has it\n",
		"overdue: Katana should have had it by now; to let it go: " + late.Release + "\n",
		"Next: it stays at 8: the rest is sold here and not yet in Katana; Katana should have had order #1001, placed 2026-11-24 12:11:00 UTC, by now\n  Let it go: " + late.Release + "\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("explain says\n%swant\n%s", out, want)
		}
	}
	b.expect(exitDone, strings.Fields(late.Release)[1:]...)
	out, _ = b.expect(exitDone, "status")
	if strings.Contains(out, "overdue") {
		t.Errorf("after the release status says\n%s", out)
	}
	b.expect(exitDone, "once")
	b.available("MUG-BLUE", "Oslo", 10)
}

func TestAFallWhoseOrderIsYetToBeToldIsNotSaidToEnd(t *testing.T) {
	b := settled(t)
	b.do(sandbox.HandEdit{SKU: "MUG-BLUE", Location: "Oslo", Available: 7})
	out, _ := b.expect(exitDone, "explain", "MUG-BLUE", "--location", "Oslo")
	if want := "3, since 12:11:00 UTC, its order is looked for until 12:13:00 UTC\n"; !strings.Contains(out, want) {
		t.Errorf("explain says\n%swant\n%s", out, want)
	}
	if want := "Next: it stays at 7: the rest is sold here and not yet in Katana; an order that explains the fall is looked for until 12:13:00 UTC\n"; !strings.Contains(out, want) {
		t.Errorf("explain says\n%swant\n%s", out, want)
	}
	if strings.Contains(out, "At the latest") {
		t.Errorf("explain says when it ends, which nobody knows:\n%s", out)
	}
}

func TestStatusListsNoMoreOrdersThanFitAScreen(t *testing.T) {
	lines := overdueLines([]inventory.OverdueSale{{Text: "the first"}, {Text: "the\x1b[2J second"}, {}, {}}, 2)
	if got, want := strings.Join(lines, "\n"), "  overdue: the first\n  overdue: \"the\\x1b[2J second\"\n  and 2 more orders that Katana should have had by now; --output json has all"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
