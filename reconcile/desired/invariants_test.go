package desired_test

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// some draws as many shops as the properties need.
func some(t *testing.T, huge bool, property func(r *rand.Rand, raw rawWorld, s rawStore)) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4)) // #nosec G404 -- the same cases in every run
	for range 2_000 {
		raw := drawWorld(r, huge)
		for _, s := range raw.stores {
			property(r, raw, s)
		}
	}
}

func figuresOf(snap *inventory.Snapshot, before []inventory.StockKey, rules desired.Rules, levels []inventory.Level) []inventory.Figure {
	return desired.NewCatalogue(snap, before).Figures(levels, rules, nil)
}

func TestFiguresDoNotDependOnTheOrderOfThePages(t *testing.T) {
	some(t, false, func(r *rand.Rand, raw rawWorld, s rawStore) {
		snap, before := raw.katana.nouns(r)
		levels, rules := s.nouns(), s.config(raw.katana)
		want := figuresOf(snap, before, rules, levels)
		kept := slices.Clone(snap.Stock)
		if again := figuresOf(snap, before, rules, levels); !slices.Equal(again, want) {
			t.Fatalf("the same read gave %+v, then %+v", want, again)
		}
		if !slices.Equal(snap.Stock, kept) {
			t.Fatal("the snapshot has been reordered")
		}
		other, _ := raw.katana.nouns(r)
		if got := figuresOf(other, before, rules, levels); !slices.Equal(got, want) {
			t.Fatalf("other pages gave %+v, want %+v", got, want)
		}
	})
}

func TestMoreStockNeverLowersAFigureAndMoreCommittedNeverRaisesOne(t *testing.T) {
	some(t, false, func(r *rand.Rand, raw rawWorld, s rawStore) {
		snap, before := raw.katana.nouns(r)
		levels, rules := s.nouns(), s.config(raw.katana)
		was := figuresOf(snap, before, rules, levels)
		if len(snap.Stock) == 0 {
			return
		}
		one := &snap.Stock[r.IntN(len(snap.Stock))]
		step := inventory.Quantity(r.Int64N(3 * inventory.Scale))
		more, less := *one, *one
		more.InStock, more.Potential = one.InStock+step, one.Potential+step
		less.Committed += step
		for _, edit := range []struct {
			row  inventory.Stock
			fits func(was, is inventory.Units) bool
		}{
			{more, func(was, is inventory.Units) bool { return is >= was }},
			{less, func(was, is inventory.Units) bool { return is <= was }},
		} {
			kept := *one
			*one = edit.row
			for i, is := range figuresOf(snap, before, rules, levels) {
				if is.Left != was[i].Left || !edit.fits(was[i].Units, is.Units) {
					t.Fatalf("from %+v to %+v by %s", was[i], is, step)
				}
			}
			*one = kept
		}
	})
}

// TestNoFigureIsAboveWhatIsInStockAndCanBeBuilt holds whatever is committed,
// however wrong what is excluded from it.
func TestNoFigureIsAboveWhatIsInStockAndCanBeBuilt(t *testing.T) {
	for _, huge := range []bool{false, true} {
		reached := 0
		some(t, huge, func(r *rand.Rand, raw rawWorld, s rawStore) {
			snap, before := raw.katana.nouns(r)
			levels, rules := s.nouns(), s.config(raw.katana)
			rules.Excluded = desired.Excluded{}
			for _, row := range snap.Stock {
				switch r.IntN(4) {
				case 0:
					rules.Excluded[inventory.StockKey{Variant: row.Variant, Location: row.Location}] = inventory.Quantity(r.Uint64()) // #nosec G115 -- any sign
				case 1:
					rules.Excluded[inventory.StockKey{Variant: row.Variant, Location: row.Location}] = row.Committed + inventory.Quantity(r.Int64N(3))
				}
			}
			for i, figure := range figuresOf(snap, before, rules, levels) {
				most := raw.mostOf(s, s.levels[i])
				if figure.Units < 0 || big.NewInt(int64(figure.Units)).Cmp(most) > 0 {
					t.Fatalf("%+v shows %+v, but Katana has %s at most", s.levels[i], figure, most)
				}
				if figure.Units > 0 && big.NewInt(int64(figure.Units)).Cmp(most) == 0 {
					reached++
				}
			}
		})
		if reached < 100 {
			t.Errorf("only %d figures show all there is: the cases say too little", reached)
		}
	}
}

// mostOf is the whole pieces of a level's SKU that are in stock or can be built
// at the Katana locations that feed it, whichever variant stands for it.
func (w rawWorld) mostOf(s rawStore, l rawLevel) *big.Int {
	most := new(big.Int)
	for _, v := range w.katana.variants {
		if v.sku != l.sku {
			continue
		}
		has := new(big.Int)
		for _, location := range s.feeds[l.location].sources {
			row, ok := w.katana.rows[[2]int{v.id, location}]
			if !ok {
				continue
			}
			has.Add(has, tenBillionths(row.inStock))
			if built := tenBillionths(orZero(row.potential)); v.kit && built.Sign() > 0 {
				has.Add(has, built)
			}
		}
		if has.Div(has, pieces(1)).Cmp(most) > 0 {
			most = has
		}
	}
	return most
}
