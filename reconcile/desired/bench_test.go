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
