package reconcile_test

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	days = flag.Int("days", 20, "shop-days that TestWorld runs under each regime")
	words = flag.Int("words", 40, "lines that are printed of what happened before a unit was raised into oversell")
	seed = flag.Uint64("seed", 1, "of the shop-days")
)

// daysEach is how many days a town lives: an import may take three.
const daysEach = 4

// regimes are what the same towns are run under.
var regimes = []regime{
	{name: "inferred", most: settle, file: true},
	{name: "inferred, late", most: 72 * time.Hour},
	{name: "naive", most: 72 * time.Hour, naive: true},
	{name: "naive, prompt", most: settle, naive: true},
}

// TestWorldIsNeverRaisedIntoOversell runs the same towns under each regime. See
// account for what is counted.
func TestWorldIsNeverRaisedIntoOversell(t *testing.T) {
	t.Logf("seed %d", *seed)
	accounts := map[string]account{}
	for _, under := range regimes {
		began := time.Now()
		a := towns(t, under)
		accounts[under.name] = a
		t.Logf("%-16s took %s", under.name, time.Since(began).Round(time.Millisecond))
		if a.first != "" && !under.naive {
			t.Logf("%s: %s\n%s", under.name, a.first, lastWords(t, under, &a))
		}
	}
	t.Log("\n" + table(accounts))
}

// towns runs the days under a regime, several towns side by side.
func towns(t *testing.T, under regime) (all account) {
	n := (*days + daysEach - 1) / daysEach
	accounts := make([]account, n)
	var wait sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := range next {
				accounts[i] = *newTown(t, *seed, uint64(i), min(daysEach, *days-i*daysEach), under, t.TempDir()).run() //nolint:gosec // i counts from 0
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wait.Wait()
	for i := range accounts {
		all.add(&accounts[i])
	}
	return all
}

// lastWords runs the town again that went wrong first, and gives what happened to
// the SKU before that.
func lastWords(t *testing.T, under regime, a *account) string {
	m := newTown(t, *seed, a.firstTown, min(daysEach, *days-int(a.firstTown)*daysEach), under, t.TempDir()) //nolint:gosec // it is small
	var lines []string
	m.traced, m.trace = a.firstSKU, func(line string) {
		if m.account.first == "" {
			lines = append(lines, line)
		}
	}
	m.run()
	return strings.Join(lines[max(0, len(lines)-*words):], "\n")
}

func table(accounts map[string]account) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-16s %6s %9s %7s %7s %8s %8s %8s %8s %7s %7s %8s %8s\n", "", "days", "cycles", "crashes", "faults", "orders", "writes", "raises", "RAISED", "masked", "beyond", "hidden %", "all %")
	for _, under := range regimes {
		a := accounts[under.name]
		left, missing := a.hidden()
		fmt.Fprintf(&b, "%-16s %6d %9d %7d %7d %8d %8d %8d %8d %7d %7d %8.3f %8.3f\n", under.name, a.days, a.cycles, a.crashes, a.faults, a.orders, a.writes, a.raises, a.raised, a.masked, a.short, left, missing)
	}
	return b.String()
}
