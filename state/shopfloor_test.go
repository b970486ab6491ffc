package state

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"stocksyncd/reconcile/inventory"
)

// shopfloor writes what a daemon writes day by day: reports and batches with
// ids, names and counts such as real ones have.
type shopfloor struct {
	random  *rand.Rand
	s       *Store
	now     time.Time
	waiting []inventory.ChangeReport // what every cycle finds and does not write
}

func newShopfloor(s *Store) *shopfloor {
	return &shopfloor{random: rand.New(rand.NewPCG(17, 4)), s: s, now: epoch}
}

// realID gives item n an id as large and as irregular as Shopify's.
func realID(n int) int64 { return 45_000_000_000_000 + int64(n)*32_768 + int64(n*n%7919)*11 }

func realSKU(n int) inventory.SKU {
	return inventory.SKU(fmt.Sprintf("TEE-%04d-%c%d", n/12, 'A'+n%12, n%7))
}

func realLevel(n int) inventory.Key {
	return inventory.Key{Store: "main", Item: inventory.ItemID(realID(n)), Location: 68_412_735_531}
}

func realLevels(count int) map[inventory.Key]inventory.Seen {
	levels := make(map[inventory.Key]inventory.Seen, count)
	for n := range count {
		levels[realLevel(n)] = seenUnits(n % 90)
	}
	return levels
}

// report is that of a cycle as of now, before it wrote anything.
func (f *shopfloor) report(cycle uint64) *inventory.Report {
	asked := func(most int) inventory.RequestCount {
		return inventory.RequestCount{Count: 1 + f.random.IntN(most), Cost: float64(f.random.IntN(900)) / 10, WaitedMS: f.random.Int64N(2000)}
	}
	return &inventory.Report{
		Cycle: cycle, Kind: inventory.Incremental, Started: f.now.Add(time.Duration(f.random.IntN(1e9))), DurationMS: 900 + f.random.Int64N(4000),
		Requests: map[string]inventory.RequestCount{"katana": asked(30), "shopify/main": asked(9)},
		Stores: []inventory.StoreReport{{
			Name: "main", Mode: inventory.ModeApply, Levels: 10_000, InStep: 10_000 - len(f.waiting), Drifted: len(f.waiting),
			Waiting: len(f.waiting), Negative: 3,
			Skipped: map[inventory.Reason]int{inventory.ReasonNoSKU: 12, inventory.ReasonNotInKatana: 40, inventory.ReasonUntracked: 7},
			Notes:   []string{"3 Shopify locations are not mapped and have no default: Pop-up, Returns, Studio"},
			Changes: slices.Clone(f.waiting),
		}},
	}
}

// change is one of item n.
func (f *shopfloor) change(n int) inventory.Change {
	return inventory.Change{
		Key: realLevel(n), Variant: inventory.VariantID(realID(n) - 1_812_344_991), SKU: realSKU(n),
		LocationName: "Main warehouse", From: inventory.Units(f.random.IntN(200)), To: inventory.Units(f.random.IntN(200)), Reason: inventory.ReasonDrift,
	}
}

// cycle runs one that writes so many of the first 10,000 levels.
func (f *shopfloor) cycle(t testing.TB, writes int) {
	t.Helper()
	cycle, err := f.s.Begin()
	must(t, err)
	report := f.report(cycle)
	own := &report.Stores[0]
	for left := writes; left > 0; {
		intent := inventory.Intent{Cycle: cycle, Store: "main", Key: fmt.Sprintf("%016x%016x", f.random.Uint64(), f.random.Uint64()), At: f.now}
		levels := map[inventory.Key]inventory.Seen{}
		for ; left > 0 && len(intent.Changes) < inventory.BatchSize; left-- {
			change := f.change(f.random.IntN(10_000))
			if writes >= 10_000 { // each of them once
				change = f.change(left % 10_000)
			}
			intent.Changes = append(intent.Changes, change)
			levels[change.Key] = seenUnits(int(change.To))
		}
		id, err := f.s.Intend(intent)
		must(t, err)
		outcomes := outcomesOf(intent, inventory.Applied)
		must(t, f.s.Settle("main", inventory.Settled{ID: id, Outcomes: outcomes, Levels: levels}))
		for _, o := range outcomes {
			own.Changes = append(own.Changes, inventory.ReportChange(o))
		}
		own.Applied, own.Drifted = own.Applied+len(outcomes), own.Drifted+len(outcomes)
	}
	source := inventory.SourceMemory{Rows: map[inventory.SourceLocationID]int{1: 10_000, 2: 4000}, Trusted: f.now}
	memory := map[inventory.StoreName]inventory.Memory{"main": inFlight(int(cycle % 9))}
	must(t, f.s.Finish(inventory.Finish{Report: report, Source: source, Stores: memory}))
	f.now = f.now.Add(30 * time.Second)
}

// hours runs a cycle every 30 s, with so many writes an hour among them.
func (f *shopfloor) hours(t testing.TB, hours, writes int) {
	t.Helper()
	owed := 0
	for range hours * 120 {
		owed += writes
		f.cycle(t, owed/120)
		owed %= 120
	}
}

// wait has so many levels wait in every cycle from now on.
func (f *shopfloor) wait(levels int) {
	for n := range levels {
		o := inventory.Outcome{Change: f.change(n), Result: inventory.Waiting, Because: inventory.ReasonFirstSight}
		f.waiting = append(f.waiting, inventory.ReportChange(o))
	}
}
