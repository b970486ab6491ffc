package cli

import (
	"strings"
	"testing"

	"stocksyncd/reconcile/inventory"
)

func TestTheDemoShowsAChangeOfEachOutcomeAndWhatStandsOnlyOnce(t *testing.T) {
	var out strings.Builder
	d := &demo{a: still()}
	d.a.Stdout = &out
	to := func(sku string, units inventory.Units, outcome inventory.Result, reason inventory.Reason) inventory.ChangeReport {
		c := change(sku, "Workshop", 1, units, outcome, reason)
		c.Item = inventory.ItemID(len(sku)) // each SKU of this test has a length of its own
		return c
	}
	var main []inventory.ChangeReport
	for n := range 9 {
		main = append(main, to(strings.Repeat("M", n+1), 2, inventory.Waiting, inventory.ReasonFirstSight))
	}
	main = append(main, to("MUG-APPLIED", 0, inventory.Applied, inventory.ReasonDrift))
	report := &inventory.Report{
		Requests: map[string]inventory.RequestCount{"katana": {Count: 7}, "shopify/main": {Count: 2}, "shopify/outlet": {Count: 1}},
		Stores: []inventory.StoreReport{
			{Name: "main", Changes: main},
			{Name: "outlet", Changes: []inventory.ChangeReport{to("CAP-HIGHER", 3, inventory.Waiting, inventory.ReasonLowerOnly)}},
		},
	}
	if err := d.show(report); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"7 requests to katana, 2 requests to shopify/main, 1 request to shopify/outlet.", "MUG-APPLIED", "CAP-HIGHER", "and 6 more\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo does not say %q:\n%s", want, &out)
		}
	}
	out.Reset()
	report.Stores[0].Changes = []inventory.ChangeReport{to("MUG-NEXT-ONE", 4, inventory.Applied, inventory.ReasonDrift)}
	if err := d.show(report); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "MUG-NEXT-ONE") || strings.Contains(got, "CAP-HIGHER") || !strings.Contains(got, "and 1 as before\n") {
		t.Errorf("the demo says\n%swant only what is new", got)
	}
}
