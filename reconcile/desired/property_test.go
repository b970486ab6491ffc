package desired_test

import (
	"errors"
	"math/big"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

func TestAMappingIsResolvedWholeOrRefusedInWhateverOrderLocationsAreListed(t *testing.T) {
	theirs := rapid.SampledFrom([]string{"Front", "Quay", "Closed", "App", "Reopened", "gid://shopify/Location/101", "Old", "Nowhere"})
	ours := rapid.SampledFrom([]string{"Oslo", "Bergen", "Vault", "Oslo", "Bergen", "Vault", "Twin", "Nowhere"})
	rapid.Check(t, func(t *rapid.T) {
		var mapping desired.Mapping
		for range rapid.IntRange(0, 3).Draw(t, "pairs") {
			mapping.Locations = append(mapping.Locations, desired.Pair{
				Target: theirs.Draw(t, "target"), Sources: rapid.SliceOfN(ours, 0, 3).Draw(t, "sources"),
			})
		}
		if rapid.Bool().Draw(t, "default") {
			mapping.Default = ours.Draw(t, "default_location")
		}
		feeds, err := desired.Resolve(mapping, targets, sources)
		again, againErr := desired.Resolve(mapping, rapid.Permutation(targets).Draw(t, "targets"), rapid.Permutation(sources).Draw(t, "sources"))
		if (err == nil) != (againErr == nil) || !reflect.DeepEqual(feeds, again) {
			t.Fatalf("got %v, %v, then %v, %v", feeds, err, again, againErr)
		}
		if err != nil {
			var problem *desired.MappingError
			if !errors.As(err, &problem) || len(problem.Problems) == 0 || feeds != nil {
				t.Fatalf("got %v, %v", feeds, err)
			}
			return
		}
		for _, target := range targets {
			feed, ok := feeds[target.ID]
			switch {
			case !ok || feed.Name != target.Name || feed.Sources == nil:
				t.Fatalf("%s: got %+v", target.Name, feed)
			case (feed.Left == "") != (len(feed.Sources) > 0):
				t.Fatalf("%s is left alone and fed, or neither: %+v", target.Name, feed)
			case !slices.IsSorted(feed.Sources) || len(slices.Compact(slices.Clone(feed.Sources))) != len(feed.Sources):
				t.Fatalf("%s: got %v", target.Name, feed.Sources)
			case feed.Left == "" && !target.Active:
				t.Fatalf("%s is inactive and fed", target.Name)
			}
		}
	})
}

func TestAFigureIsNeverAboveInStockAndPotentialLessCommittedFloored(t *testing.T) {
	figures := rapid.Int64Range(-100*inventory.Scale, 100*inventory.Scale)
	rapid.Check(t, func(t *rapid.T) {
		kit := rapid.Bool().Draw(t, "kit")
		one := inventory.Stock{
			Variant: 1, Location: oslo, InStock: inventory.Quantity(figures.Draw(t, "in stock")),
			Committed: inventory.Quantity(figures.Draw(t, "committed")), Potential: inventory.Quantity(figures.Draw(t, "potential")),
		}
		others := rapid.Int64Range(0, 50).Draw(t, "elsewhere")
		catalogue := desired.NewCatalogue(&inventory.Snapshot{
			Variants: []inventory.SourceVariant{{ID: 1, SKU: "MUG", Kit: kit}}, Stock: []inventory.Stock{one},
		}, nil)
		got := catalogue.Figures([]inventory.Level{mug}, desired.Rules{Feeds: feeds}, func(inventory.Level) inventory.Units { return inventory.Units(others) })[0]
		exact := new(big.Int).Sub(big.NewInt(int64(one.InStock)), big.NewInt(max(int64(one.Committed), 0)))
		if kit {
			exact.Add(exact, big.NewInt(max(int64(one.Potential), 0)))
		}
		// Euclidean division by a positive number is the floor.
		want := new(big.Int).Div(exact, big.NewInt(inventory.Scale)).Int64() - others
		if got.Left != "" || int64(got.Units) != max(want, 0) || got.Negative != (want < 0) {
			t.Fatalf("got %+v, want %d", got, want)
		}
	})
}
