package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// TestASecondWriterIsFoundAmongASalesDay lets something else write a store whose
// SKU-1 is sold every minute, with orders that take minutes to reach Katana.
func TestASecondWriterIsFoundAmongASalesDay(t *testing.T) {
	tests := []struct {
		name   string
		events []sandbox.Event
		found  inventory.Units // instead of the 37 that are to be shown; 0: nobody else writes
	}{
		{"nobody else writes", nil, 0},
		{"Katana's own sync is still on", []sandbox.Event{sandbox.KatanaWrites{Store: "main", Every: 5 * time.Minute, Times: 24}}, 40},
		{"an app has a figure of its own", []sandbox.Event{sandbox.AppWrites{Store: "main", SKU: "SKU-0", Location: "Shop", Available: 52, Every: 7 * time.Minute, Times: 18}}, 52},
		{"two returns are put back on the shelf", []sandbox.Event{sandbox.AppWrites{Store: "main", SKU: "SKU-0", Location: "Shop", By: 1, Every: 10 * time.Minute, Times: 2}}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := newTrade(t, 1)
				defer func() { tr.stop() }()
				tr.do(sandbox.SalesOrderPlaced{Order: "SO-1", Location: "Oslo", Lines: []sandbox.Line{{SKU: "SKU-0", Quantity: "3"}}})
				tr.clean(reconcile.Request{})
				tr.pass(tr.settle)
				tr.do(tt.events...)
				contested, first := map[inventory.SKU]bool{}, ""
				for i := range 70 { // 35 minutes
					if i%2 == 0 {
						tr.do(sandbox.OrderPlaced{
							Store: "main", Order: fmt.Sprint("#", i), Location: "Shop", Lines: []sandbox.Line{{SKU: "SKU-1", Quantity: "1"}},
							Import: sandbox.Import{After: 4 * time.Minute},
						})
					}
					report := tr.clean(reconcile.Request{Kind: inventory.Incremental})
					for _, one := range report.Stores[0].SecondWriters {
						contested[one.SKU] = true
						if first == "" {
							first = time.Duration(i*30e9).String() + " " + one.Text
						}
						for _, round := range one.Rounds {
							if round.Written != 37 || round.Found != tt.found {
								t.Errorf("got round %+v of %s, want 37 and %d", round, one.SKU, tt.found)
							}
						}
					}
					if report.Stores[1].Contested > 0 {
						t.Errorf("nothing else writes the outlet, got %+v", report.Stores[1].SecondWriters)
					}
					tr.pass(30 * time.Second)
				}
				want := map[inventory.SKU]bool{}
				if tt.found != 0 {
					want["SKU-0"] = true
				}
				if len(contested) != len(want) || contested["SKU-0"] != want["SKU-0"] {
					t.Errorf("got %v contested (%s), want %v", contested, first, want)
				}
			})
		})
	}
}

// fought is a bench on which an app writes a level over and over.
func fought(t *testing.T) *bench {
	t.Helper()
	b := settled(t)
	for range guard.Rounds + 1 {
		b.do(sandbox.AppWrites{Store: "main", SKU: "MUG-BLUE", Location: "Oslo", Available: 52})
		b.pass(time.Minute)
		b.expect(exitDone, "once", "--full")
	}
	return b
}

func TestCheckAndStatusSayWhatElseWrites(t *testing.T) {
	b := settled(t)
	if out, _ := b.expect(exitDone, "check"); !strings.Contains(out, "✓ store main other writers: none was noticed in the last hour\n") {
		t.Errorf("check says\n%s", out)
	}
	for range 2 {
		b.do(sandbox.AppWrites{Store: "main", SKU: "MUG-BLUE", Location: "Oslo", Available: 52})
		b.pass(time.Minute)
		b.expect(exitDone, "once", "--full")
	}
	if out, _ := b.expect(exitDone, "check"); !strings.Contains(out, "✓ store main other writers: 1 level has left what was written, not often enough to tell\n") {
		t.Errorf("after one round check says\n%s", out)
	}

	b = fought(t)
	out, _ := b.expect(exitFailed, "check")
	const evidence = "written 10 at 12:12:00, found 52 at 12:13:00; written 10 at 12:13:00, found 52 at 12:14:00; written 10 at 12:14:00, found 52 at 12:15:00 (UTC, "
	i := slices.IndexFunc(strings.Split(out, "\n"), func(line string) bool {
		return strings.HasPrefix(line, "✗ store main other writers: something else writes 1 level, such as MUG-BLUE at Oslo: "+evidence)
	})
	if i < 0 || !strings.Contains(out, "Next: switch off stock sync in Katana's Shopify integration") {
		t.Fatalf("check says\n%swant the evidence %q and the next step", out, evidence)
	}
	out, _ = b.expect(exitDone, "status")
	at := strings.Index(out, "  MUG-BLUE at Oslo is written by something else too, noticed 12:15:00 UTC: "+evidence)
	if at < 0 || !strings.Contains(out, "MUG-BLUE at Oslo waits to go from 52 to 10: something else writes it too") {
		t.Fatalf("status says\n%s", out)
	}
	_, release, _ := strings.Cut(out[at:], "to end that: stocksyncd ")
	release, _, _ = strings.Cut(release, "\n")
	if out, _ = b.expect(exitDone, strings.Fields(release)...); !strings.Contains(out, "is written again as if nothing else did") {
		t.Errorf("%s says %q", release, out)
	}
	b.expect(exitDone, "once", "--full")
	b.available("MUG-BLUE", "Oslo", 10)
	if out, _ = b.expect(exitDone, "check"); !strings.Contains(out, "none was noticed") {
		t.Errorf("after the release check says\n%s", out)
	}
}
