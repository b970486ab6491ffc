package cli

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"stocksyncd/reconcile/inventory"
)

func TestAHostileSKUInTheLogMovesNoCursorAndLooksLikeNoOther(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		var out bytes.Buffer
		a := still()
		a.Terminal = func(io.Writer) bool { return terminal }
		a.textLog(&out, slog.LevelInfo).Info("change", "sku", inventory.SKU("A\x1b[8mRED"), "location", "Oslo\x1b[2J", "detail", "a\nb", "err", errors.New("no \x1b]0;title\a"))
		for _, want := range []string{"A␛[8mRED", "Oslo␛[2J", `a\nb`, `no ␛]0;title\a`} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("on a terminal %t: the log lacks %q: %q", terminal, want, out.String())
			}
		}
		if got := strings.Count(out.String(), "\n"); got != 1 {
			t.Errorf("on a terminal %t: %d lines, want 1: %q", terminal, got, out.String())
		}
	}
}

func TestOneLongSKUDoesNotPushTheFiguresOutOfSight(t *testing.T) {
	var out bytes.Buffer
	table := &table{head: []string{"SKU", "OBSERVED", ""}}
	table.add(strings.Repeat("L", 255), "7", "held: "+strings.Repeat("why ", 20))
	table.add(strings.Repeat("帽", 100), "8", "")
	if err := table.write(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for i, want := range []string{
		"SKU" + strings.Repeat(" ", 45) + "  OBSERVED",
		strings.Repeat("L", 47) + "…  7         held: " + strings.TrimSpace(strings.Repeat("why ", 20)),
		strings.Repeat("帽", 23) + "…   8",
	} {
		if lines[i] != want {
			t.Errorf("line %d: got\n%q, want\n%q", i, lines[i], want)
		}
	}
}
