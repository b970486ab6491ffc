package desired_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/reconcile/plan"
)

// bigShop is a store with three locations, each fed by its own Katana location;
// one level in ten drifts, one in a hundred has a unit in flight.
func bigShop(n int) (*inventory.Snapshot, desired.Feeds, []inventory.Level, []inventory.InFlight) {
	snap := &inventory.Snapshot{}
	feeds := desired.Feeds{}
	for location := range 3 {
		feeds[inventory.LocationID(location+101)] = desired.Feed{Sources: []inventory.SourceLocationID{inventory.SourceLocationID(location + 1)}}
	}
	var levels []inventory.Level
	var entries []inventory.InFlight
	for i := range n {
		item, location := i/3+1, i%3
		sku := inventory.SKU(fmt.Sprintf("SKU-%07d", item))
		if location == 0 {
			snap.Variants = append(snap.Variants, inventory.SourceVariant{ID: inventory.SourceVariantID(item), SKU: sku})
		}
		have := inventory.Units(i % 50)
		snap.Stock = append(snap.Stock, inventory.Stock{
			Variant: inventory.SourceVariantID(item), Location: inventory.SourceLocationID(location + 1),
			InStock: inventory.Quantity(have+5) * inventory.Scale, Committed: 5 * inventory.Scale,
		})
		if i%10 == 0 {
			have++
		}
		level := inventory.Level{
			Key: inventory.Key{Store: "main", Item: inventory.ItemID(item), Location: inventory.LocationID(location + 101)},
			SKU: sku, Variant: inventory.VariantID(item), Available: have, Active: true,
		}
		levels = append(levels, level)
		if i%100 == 0 {
			entries = append(entries, inventory.InFlight{Key: level.Key, SKU: sku, Units: 1})
		}
	}
	return snap, feeds, levels, entries
}

// BenchmarkFigures takes a read of Katana and a store's levels to a plan. The
// target is 1 µs and half an allocation a level on one core.
func BenchmarkFigures(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("levels=%d", n), func(b *testing.B) {
			snap, feeds, levels, entries := bigShop(n)
			draws := func(key inventory.Key) []inventory.SourceLocationID { return feeds[key.Location].Sources }
			now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			for b.Loop() {
				index := flight.NewIndex(entries, draws)
				figures := desired.NewCatalogue(snap, nil).Figures(levels, desired.Rules{Feeds: feeds}, func(l inventory.Level) inventory.Units {
					return index.Others(l.Key, l.SKU, feeds[l.Location].Sources)
				})
				p := plan.Diff(levels, figures, plan.View{Own: index.Own, Now: now})
				if p.Managed() != n || p.Drifted != n/10 {
					b.Fatalf("got %d managed and %d drifted of %d", p.Managed(), p.Drifted, n)
				}
			}
			runtime.ReadMemStats(&after)
			each := float64(b.N) * float64(n)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/each, "ns/level")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/each, "allocs/level")
		})
	}
}

// manyRules are 200 rules, none of which is about a SKU of bigShop: each of them
// is asked about each SKU. Three in four have the plain forms that people write.
func manyRules() (rules []desired.Rule) {
	for i := range 50 {
		for _, pattern := range []string{"CAP-%03d", "SKU-X%03d-*", "*-%03dX", "SKU-[0-9]??%03d*X"} {
			rules = append(rules, desired.Rule{Pattern: fmt.Sprintf(pattern, i), Buffer: 2})
		}
	}
	return rules
}

// BenchmarkFiguresUnderRules is 100,000 SKUs at three locations each.
func BenchmarkFiguresUnderRules(b *testing.B) {
	snap, feeds, levels, _ := bigShop(300_000)
	catalogue, rules := desired.NewCatalogue(snap, nil), desired.Rules{Feeds: feeds, SKU: manyRules()}
	for b.Loop() {
		if got := catalogue.Figures(levels, rules, nil); got[0].Left != "" {
			b.Fatalf("got %+v", got[0])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(levels)), "ns/level")
}

// BenchmarkRuleOf asks about one SKU, with nothing made ready.
func BenchmarkRuleOf(b *testing.B) {
	rules := manyRules()
	b.ReportAllocs()
	for b.Loop() {
		if got := desired.RuleOf(rules, "SKU-0001234"); got != -1 {
			b.Fatalf("got rule %d", got)
		}
	}
}

// BenchmarkUnstocked finds the 200,000 levels of items that are stocked at one of
// three locations.
func BenchmarkUnstocked(b *testing.B) {
	snap, feeds, levels, _ := bigShop(300_000)
	for id, feed := range feeds {
		feed.Named = true
		feeds[id] = feed
	}
	for i := range snap.Stock {
		snap.Stock[i].InStock += inventory.Scale // some of everything is there
	}
	var stocked []inventory.Level
	for i := 0; i < len(levels); i += 3 {
		stocked = append(stocked, levels[i])
	}
	catalogue, rules := desired.NewCatalogue(snap, nil), desired.Rules{Feeds: feeds, SKU: manyRules()}
	for b.Loop() {
		if got := catalogue.Unstocked(stocked, rules); len(got) != 200_000 {
			b.Fatalf("got %d levels that are not there", len(got))
		}
	}
}
