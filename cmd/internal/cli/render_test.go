package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile/inventory"
)

// still is a run of the program with nobody around it.
func still() *app {
	return &app{
		Env: Env{
			Stdout: io.Discard, Stderr: io.Discard, Getenv: func(string) string { return "" },
			Now:      func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) },
			Terminal: func(io.Writer) bool { return false },
		},
		output: "text", color: "auto",
	}
}

func change(sku, location string, from, to inventory.Units, outcome inventory.Result, reason inventory.Reason) inventory.ChangeReport {
	return inventory.ChangeReport{SKU: inventory.SKU(sku), Variant: 1, Item: 2, LocationID: 3, Location: location, From: from, To: to, Outcome: outcome, Reason: reason}
}

func planned() *inventory.Report {
	return &inventory.Report{Cycle: 4, Kind: inventory.Full, Stores: []inventory.StoreReport{{
		Name: "main", Mode: inventory.ModeReport, Levels: 418, InStep: 414, Drifted: 4, Waiting: 1, Held: 1,
		Skipped: map[inventory.Reason]int{inventory.ReasonNotInKatana: 2, inventory.ReasonUntracked: 5},
		Changes: []inventory.ChangeReport{
			change("MUG-BLUE", "oslo", 112, 100, inventory.Skipped, inventory.ReasonReport),
			change("TEE-M", "bergen", 0, 40, inventory.Waiting, inventory.ReasonFirstSight),
			change("CAP\x1b[2J", "oslo", 3, 0, inventory.Held, inventory.ReasonDrift),
			change("帽子-L", "oslo", 7, 9, inventory.Skipped, inventory.ReasonReport),
		},
		Holds: []inventory.HoldReport{{ID: "main-3", Text: "1 of 418 levels would be at zero within an hour; 0 may.", Release: "stocksyncd release main-3"}},
		Notes: []string{"one Katana location feeds several"},
	}}}
}

func TestAPlanIsATableASentenceAndWhatToKnow(t *testing.T) {
	var out bytes.Buffer
	if err := still().writeReport(&out, planned(), true); err != nil {
		t.Fatal(err)
	}
	want := `SKU           LOCATION  OBSERVED  DESIRED  CHANGE
MUG-BLUE      oslo           112      100     -12
TEE-M         bergen           0       40     +40  waits: seen for the first time a moment ago; a sale may not be in Katana yet
"CAP\x1b[2J"  oslo             3        0      -3  held
帽子-L        oslo             7        9      +2
4 changes in 418 figures. 1 waits. 1 is held. 7 left alone: 5 not tracked by Shopify, 2 not in Katana. Nothing was written.
Held as main-3: 1 of 418 levels would be at zero within an hour; 0 may.
Note: one Katana location feeds several
`
	if got := out.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestACycleSaysWhatBecameOfEachChange(t *testing.T) {
	report := planned()
	report.Stores[0].Applied, report.Stores[0].Stale = 1, 1
	report.Stores[0].Changes = []inventory.ChangeReport{
		change("MUG", "oslo", 3, 1, inventory.Applied, inventory.ReasonDrift),
		change("TEE", "oslo", 3, 1, inventory.Stale, inventory.ReasonStale),
		change("CAP", "oslo", 3, 1, inventory.Skipped, inventory.ReasonReport),
	}
	report.Stores = append(report.Stores, inventory.StoreReport{Name: "outlet", Error: "the shop is frozen"})
	var out bytes.Buffer
	if err := still().writeReport(&out, report, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"STORE  SKU  LOCATION",
		"main   MUG  oslo             3        1      -2  applied\n",
		"stale: Shopify's figure moved meanwhile", "not written: report mode", "1 was written.", "1 was overtaken by a sale or an edit.",
		"Store outlet failed: the shop is frozen",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "Nothing was written") {
		t.Error("something was written")
	}
}

func TestAFigureBelowZeroIsSaidToBePromisedAndNotToBeKatanas(t *testing.T) {
	for negative, want := range map[int]string{
		1: "main: 1 figure is below zero, shown as 0: more is promised than there is.",
		3: "main: 3 figures are below zero, shown as 0: more is promised than there is.",
	} {
		got := storeLines(&inventory.StoreReport{Name: "main", Negative: negative}, true)
		if len(got) != 1 || got[0] != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestColourIsOnlyForATerminalThatWantsIt(t *testing.T) {
	for _, test := range []struct {
		flag, noColor string
		terminal      bool
		want          bool
	}{
		{"auto", "", true, true}, {"auto", "", false, false}, {"auto", "1", true, false},
		{"always", "1", false, true}, {"never", "", true, false},
	} {
		a := still()
		a.color = test.flag
		a.Terminal = func(io.Writer) bool { return test.terminal }
		a.Getenv = func(name string) string {
			if name == "NO_COLOR" {
				return test.noColor
			}
			return ""
		}
		if got := a.colored(a.Stdout); got != test.want {
			t.Errorf("--color %s, NO_COLOR=%q, terminal %t: coloured %t, want %t", test.flag, test.noColor, test.terminal, got, test.want)
		}
	}
}

func TestExitCodesTakeTheFirstThatHolds(t *testing.T) {
	report := func(failed string, held, drifted int) *inventory.Report {
		return &inventory.Report{Stores: []inventory.StoreReport{{Error: failed, Held: held, Drifted: drifted}}}
	}
	for _, test := range []struct {
		name   string
		report *inventory.Report
		drift  bool
		want   error
	}{
		{"in step", report("", 0, 0), true, nil},
		{"drift is no failure of a cycle", report("", 0, 3), false, nil},
		{"drift of a plan", report("", 0, 3), true, codeError(3)},
		{"held comes before drift", report("", 1, 3), true, codeError(4)},
		{"a failed store comes first", report("down", 1, 3), true, codeError(1)},
		{"a failed source", &inventory.Report{Error: "down"}, true, codeError(1)},
	} {
		if got := reportCode(test.report, test.drift); got != test.want { //nolint:errorlint // a code is a value
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func FuzzCellsNeverMoveTheCursor(f *testing.F) {
	for _, seed := range []string{"MUG", "\x1b[2J", "a\u202eb", "\xff", "tab\t", " lead", "\u200b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := quoteCell(s)
		for _, r := range got {
			if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
				t.Errorf("%q is shown as %q", s, got)
			}
		}
	})
}
