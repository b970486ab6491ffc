package reconcile_test

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	days  = flag.Int("days", 8, "shop-days that TestWorld runs under each regime")
	seed  = flag.Uint64("seed", 1, "of the shop-days")
	alone = flag.Int("town", -1, "run this town alone")
	words = flag.Int("words", 40, "lines that are printed of what happened before a unit was raised into oversell")
)

// daysEach is how many days a town lives: an import may take three.
const daysEach = 4

// regimes are what the same towns are run under.
var regimes = []regime{
	{name: "known", most: 72 * time.Hour, told: true, file: true},
	{name: "inferred", most: settle, file: true},
	{name: "inferred, late", most: 72 * time.Hour, may: true, tenth: true},
	{name: "naive", most: 72 * time.Hour, naive: true, may: true},
	{name: "naive, prompt", most: settle, naive: true, may: true},
}

// hiddenMost is the share of sellable stock that may be hidden, in percent.
const hiddenMost = 1

// TestWorldNoUnitIsRaisedIntoOversell runs the same towns under each regime. See
// account for what is counted.
func TestWorldNoUnitIsRaisedIntoOversell(t *testing.T) {
	t.Logf("seed %d, %d shop-days of at least %d SKUs with %d levels each", *seed, *days, leastSKUs, levelsEach)
	defer debug.SetGCPercent(debug.SetGCPercent(1600)) // the days make more garbage than they keep
	accounts := make([]account, len(regimes))
	for i, under := range regimes {
		began := time.Now()
		accounts[i] = towns(t, under)
		t.Logf("%s: %s", under.name, time.Since(began).Round(time.Millisecond))
	}
	t.Log("\n" + table(accounts))
	for i, under := range regimes {
		accounts[i].judge(t, under)
	}
}

// judge holds an account against what its regime promises.
func (a *account) judge(t *testing.T, under regime) {
	t.Helper()
	if a.raises == 0 || a.orders < 100*a.days {
		t.Errorf("%s: %d raises and %d orders in %d days: that shows nothing", under.name, a.raises, a.orders, a.days)
	}
	if left, _ := a.hidden(); left > hiddenMost {
		t.Errorf("%s: %.3f %% of what can be sold was hidden by us", under.name, left)
	}
	switch {
	case under.naive && a.raised < int64(10*a.days):
		t.Errorf("%s: only %d units were raised into oversell in %d days: the towns are too quiet", under.name, a.raised, a.days)
	case under.may:
		return
	case under.told && a.masked > 0:
		t.Errorf("%s: %d units could not be known to be sold", under.name, a.masked)
	}
	if a.raised > 0 {
		t.Errorf("%s: %d units were raised into oversell", under.name, a.raised)
	}
	for _, one := range a.wrong[:min(len(a.wrong), 5)] {
		t.Logf("%s: %s\n%s", under.name, one.what, lastWords(t, under, one))
	}
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
				accounts[i] = *townOf(t, under, i).run()
			}
		})
	}
	for i := range n {
		if (*alone < 0 || *alone == i) && (!under.tenth || i%10 == 0) {
			next <- i
		}
	}
	close(next)
	wait.Wait()
	for i := range accounts {
		all.add(&accounts[i])
	}
	return all
}

func townOf(t *testing.T, under regime, i int) *town {
	return newTown(t, *seed, i, min(daysEach, *days-i*daysEach), under, t.TempDir())
}

// lastWords runs the town again that went wrong, and gives what happened to the
// SKU before that.
func lastWords(t *testing.T, under regime, of wrong) string {
	m := townOf(t, under, of.town)
	var lines []string
	m.traced, m.trace = of.sku, func(line string) {
		if len(m.account.wrong) == 0 {
			lines = append(lines, line)
		}
	}
	m.run()
	return strings.Join(lines[max(0, len(lines)-*words):], "\n")
}

// table shows the accounts beside each other.
func table(accounts []account) string {
	var b strings.Builder
	const line = "%-16v %6v %8v %9v %8v %7v %9v %9v %8v %7v %9v %9v %9v\n"
	fmt.Fprintf(&b, line, "", "days", "orders", "cycles", "crashes", "faults", "writes", "raises", "OVERSOLD", "masked", "unserved", "hidden %", "lacking %")
	for i, under := range regimes {
		a := &accounts[i]
		if a.days == 0 {
			continue
		}
		left, missing := a.hidden()
		fmt.Fprintf(&b, line, under.name, a.days, a.orders, a.cycles, a.crashes, a.faults,
			a.writes, a.raises, a.raised, a.masked, a.short, fmt.Sprintf("%.3f", left), fmt.Sprintf("%.3f", missing))
	}
	b.WriteString(`OVERSOLD: units that we raised into oversell although they were known, or had to be known, to be sold
masked: units that we raised so, of which a rise between two looks had hidden the sale
unserved: units ordered beyond what was sellable, whoever offered them
hidden: sellable unit-minutes that a cycle left unoffered; lacking: all that were, until the next cycle too
`)
	return b.String()
}
