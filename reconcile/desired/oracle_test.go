package desired_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// The oracle says the rule a second time, on exact fractions and plain maps. It
// shares no type and no code with the packages under test.
type (
	rawVariant struct {
		id, day                         int
		sku                             string
		kit, service, archived, deleted bool
	}
	rawRow   struct{ inStock, committed, potential string }
	rawLevel struct {
		item, location                     int
		sku                                string
		inactive, untracked, bundle, giftc bool
		elsewhere                          int64
	}
	rawRule struct {
		begins                 string // the SKU
		buffer, max, minToSell int64  // max < 0: none
		skip                   bool
	}
	rawShop struct {
		rules    []rawRule
		variants []rawVariant
		rows     map[[2]int]rawRow // variant, location
		before   map[[2]int]bool   // had no row last time
		feeds    map[int][]int     // Shopify location → Katana locations
		closed   map[int]bool
		levels   []rawLevel
	}
	rawFigure struct {
		units    int64
		left     string
		negative bool
	}
)

func (s rawShop) want(l rawLevel) rawFigure {
	for _, alone := range []struct {
		is   bool
		left string
	}{
		{l.giftc, "gift_card"},
		{l.bundle, "bundle"},
		{l.untracked, "untracked"},
		{l.sku == "", "no_sku"},
		{s.closed[l.location], "inactive_location"},
		{len(s.feeds[l.location]) == 0, "unmapped_location"},
		{l.inactive, "inactive_level"},
	} {
		if alone.is {
			return rawFigure{left: alone.left}
		}
	}
	rule := rawRule{max: -1}
	for _, r := range s.rules {
		if strings.HasPrefix(l.sku, r.begins) {
			rule = r
			break
		}
	}
	if rule.skip {
		return rawFigure{left: "skipped_by_rule"}
	}
	var best *rawVariant
	score := func(v rawVariant) int { // larger is better
		points := v.day*1000 + v.id
		if v.deleted {
			return points
		}
		if v.archived {
			return points + 1_000_000
		}
		return points + 2_000_000
	}
	for i, v := range s.variants {
		if v.sku == l.sku && (best == nil || score(v) > score(*best)) {
			best = &s.variants[i]
		}
	}
	switch {
	case best == nil:
		return rawFigure{left: "not_in_katana"}
	case best.deleted || best.archived:
		return rawFigure{left: "archived_in_katana"}
	case best.service:
		return rawFigure{left: "service"}
	}
	total := new(big.Rat).SetInt64(-l.elsewhere)
	for _, location := range s.feeds[l.location] {
		at := [2]int{best.id, location}
		row, ok := s.rows[at]
		if !ok && !s.before[at] {
			return rawFigure{left: "no_row"}
		}
		if !ok {
			continue
		}
		total.Add(total, fraction(row.inStock))
		total.Sub(total, atLeastZero(row.committed))
		if best.kit {
			total.Add(total, atLeastZero(row.potential))
		}
	}
	negative := total.Sign() < 0
	total.Sub(total, new(big.Rat).SetInt64(rule.buffer))
	if total.Sign() < 0 {
		return rawFigure{negative: negative}
	}
	units := new(big.Int).Quo(total.Num(), total.Denom()).Int64()
	if units < rule.minToSell {
		units = 0
	}
	if rule.max >= 0 && units > rule.max {
		units = rule.max
	}
	return rawFigure{units: units, negative: negative}
}

func fraction(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text)
	}
	return r
}

func atLeastZero(text string) *big.Rat {
	if r := fraction(text); r.Sign() > 0 {
		return r
	}
	return new(big.Rat)
}

func drawShop(r *rand.Rand) rawShop {
	one := func(in int) bool { return r.IntN(in) == 0 }
	skus := []string{"A", "B", "C", ""}
	s := rawShop{rows: map[[2]int]rawRow{}, before: map[[2]int]bool{}, feeds: map[int][]int{}, closed: map[int]bool{}}
	for id := range 1 + r.IntN(4) {
		s.variants = append(s.variants, rawVariant{
			id: id + 1, day: 1 + r.IntN(3), sku: skus[r.IntN(3)], kit: one(3), service: one(10), archived: one(6), deleted: one(6),
		})
		for location := range 3 {
			at := [2]int{id + 1, location + 1}
			if !one(6) {
				s.rows[at] = rawRow{drawDecimal(r), drawDecimal(r), drawDecimal(r)}
			}
			if one(3) {
				s.before[at] = true
			}
		}
	}
	for range r.IntN(3) {
		rule := rawRule{begins: []string{"A", "B", ""}[r.IntN(3)], max: -1, skip: one(6)}
		if one(2) {
			rule.buffer = int64(r.IntN(8))
		}
		if one(3) {
			rule.max = int64(r.IntN(12))
		}
		if one(3) {
			rule.minToSell = int64(r.IntN(6))
		}
		s.rules = append(s.rules, rule)
	}
	for location := range 3 {
		for feed := range 3 {
			if one(2) {
				s.feeds[location+1] = append(s.feeds[location+1], feed+1)
			}
		}
		s.closed[location+1] = one(8)
	}
	for item := range 1 + r.IntN(3) {
		sku := skus[r.IntN(len(skus))]
		for location := range 3 {
			l := rawLevel{
				item: item + 1, location: location + 1, sku: sku,
				inactive: one(12), untracked: one(15), bundle: one(15), giftc: one(15),
			}
			if one(3) {
				l.elsewhere = int64(r.IntN(6))
			}
			s.levels = append(s.levels, l)
		}
	}
	return s
}

// drawDecimal draws a figure as Katana writes them, some with all decimals.
func drawDecimal(r *rand.Rand) string {
	switch r.IntN(5) {
	case 0:
		return "0"
	case 1:
		return fmt.Sprintf("%d.%05d", r.IntN(20), r.IntN(100_000))
	case 2:
		return fmt.Sprintf("%d.%010d", r.IntN(3), r.IntN(1_000_000_000))
	case 3:
		return fmt.Sprintf("-%d.5", r.IntN(3))
	}
	return fmt.Sprintf("%d", r.IntN(30))
}

// nouns says a raw shop in the words of the package under test, its pages in
// any order.
func (s rawShop) nouns(r *rand.Rand) (*inventory.Snapshot, []inventory.StockKey, desired.Feeds, []inventory.Level) {
	snap := &inventory.Snapshot{}
	for _, v := range s.variants {
		snap.Variants = append(snap.Variants, inventory.SourceVariant{
			ID: inventory.SourceVariantID(v.id), SKU: inventory.SKU(v.sku), Created: time.Unix(int64(v.day), 0),
			Kit: v.kit, Service: v.service, Archived: v.archived, Deleted: v.deleted,
		})
	}
	for at, rw := range s.rows {
		snap.Stock = append(snap.Stock, row(inventory.SourceVariantID(at[0]), inventory.SourceLocationID(at[1]), rw.inStock, rw.committed, rw.potential))
	}
	var before []inventory.StockKey
	for at := range s.before {
		before = append(before, inventory.StockKey{Variant: inventory.SourceVariantID(at[0]), Location: inventory.SourceLocationID(at[1])})
	}
	feeds := desired.Feeds{}
	for location := 1; location <= 3; location++ {
		feed := desired.Feed{}
		for _, source := range s.feeds[location] {
			feed.Sources = append(feed.Sources, inventory.SourceLocationID(source))
		}
		switch {
		case s.closed[location]:
			feed = desired.Feed{Left: inventory.ReasonInactiveLocation}
		case len(feed.Sources) == 0:
			feed = desired.Feed{Left: inventory.ReasonUnmapped}
		}
		feeds[inventory.LocationID(location)] = feed
	}
	var levels []inventory.Level
	for _, l := range s.levels {
		levels = append(levels, inventory.Level{
			Key: inventory.Key{Store: "main", Item: inventory.ItemID(l.item), Location: inventory.LocationID(l.location)},
			SKU: inventory.SKU(l.sku), Active: !l.inactive, Untracked: l.untracked, Bundle: l.bundle, GiftCard: l.giftc,
		})
	}
	r.Shuffle(len(snap.Variants), func(i, j int) { snap.Variants[i], snap.Variants[j] = snap.Variants[j], snap.Variants[i] })
	r.Shuffle(len(snap.Stock), func(i, j int) { snap.Stock[i], snap.Stock[j] = snap.Stock[j], snap.Stock[i] })
	return snap, before, feeds, levels
}

// globs says the rules in the words of the package under test.
func (s rawShop) globs() (rules []desired.Rule) {
	for _, r := range s.rules {
		rules = append(rules, desired.Rule{
			Pattern: r.begins + "*", Buffer: inventory.Units(r.buffer), Capped: r.max >= 0, Max: inventory.Units(max(r.max, 0)),
			MinToSell: inventory.Units(r.minToSell), Skip: r.skip,
		})
	}
	return rules
}

func TestAPlainOracleFindsTheSameFigures(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- the same cases in every run
	figures, byLeft := 0, map[string]int{}
	for n := range 20_000 {
		raw := drawShop(r)
		snap, before, feeds, levels := raw.nouns(r)
		elsewhere := map[inventory.Key]inventory.Units{}
		for i, l := range raw.levels {
			elsewhere[levels[i].Key] = inventory.Units(l.elsewhere)
		}
		got := desired.NewCatalogue(snap, before).Figures(levels, desired.Rules{Feeds: feeds, SKU: raw.globs()}, func(l inventory.Level) inventory.Units { return elsewhere[l.Key] })
		for i, l := range raw.levels {
			want := raw.want(l)
			if (rawFigure{int64(got[i].Units), string(got[i].Left), got[i].Negative}) != want {
				t.Fatalf("case %d, level %+v: got %+v, want %+v, of %+v", n, l, got[i], want, raw)
			}
			figures++
			byLeft[want.left]++
		}
	}
	for _, reason := range []string{
		"", "gift_card", "bundle", "untracked", "no_sku", "inactive_location", "unmapped_location", "inactive_level",
		"not_in_katana", "archived_in_katana", "service", "no_row", "skipped_by_rule",
	} {
		if byLeft[reason]*200 < figures {
			t.Errorf("only %d of %d figures are about %q: the cases say too little", byLeft[reason], figures, reason)
		}
	}
}

// some draws as many cases as the properties need.
func some(t *testing.T, property func(r *rand.Rand, raw rawShop)) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4)) // #nosec G404 -- the same cases in every run
	for range 2_000 {
		property(r, drawShop(r))
	}
}

func figuresOf(snap *inventory.Snapshot, before []inventory.StockKey, feeds desired.Feeds, levels []inventory.Level) []inventory.Figure {
	return desired.NewCatalogue(snap, before).Figures(levels, desired.Rules{Feeds: feeds}, nil)
}

func TestFiguresDoNotDependOnTheOrderOfThePages(t *testing.T) {
	some(t, func(r *rand.Rand, raw rawShop) {
		snap, before, feeds, levels := raw.nouns(r)
		want := figuresOf(snap, before, feeds, levels)
		kept := slices.Clone(snap.Stock)
		if again := figuresOf(snap, before, feeds, levels); !slices.Equal(again, want) {
			t.Fatalf("the same read gave %+v, then %+v", want, again)
		}
		if !slices.Equal(snap.Stock, kept) {
			t.Fatal("the snapshot has been reordered")
		}
		other, _, _, _ := raw.nouns(r)
		if got := figuresOf(other, before, feeds, levels); !slices.Equal(got, want) {
			t.Fatalf("other pages gave %+v, want %+v", got, want)
		}
	})
}

func TestMoreStockNeverLowersAFigureAndMoreCommittedNeverRaisesOne(t *testing.T) {
	some(t, func(r *rand.Rand, raw rawShop) {
		snap, before, feeds, levels := raw.nouns(r)
		was := figuresOf(snap, before, feeds, levels)
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
			for i, is := range figuresOf(snap, before, feeds, levels) {
				if is.Left != was[i].Left || !edit.fits(was[i].Units, is.Units) {
					t.Fatalf("from %+v to %+v by %s", was[i], is, step)
				}
			}
			*one = kept
		}
	})
}

func TestNoFigureIsAboveWhatKatanaHas(t *testing.T) {
	some(t, func(r *rand.Rand, raw rawShop) {
		snap, before, feeds, levels := raw.nouns(r)
		for i, figure := range figuresOf(snap, before, feeds, levels) {
			most := new(big.Rat)
			for _, v := range raw.variants {
				if v.sku != raw.levels[i].sku {
					continue
				}
				// Whichever variant stands for the SKU: none has more than this.
				has := new(big.Rat)
				for _, location := range raw.feeds[raw.levels[i].location] {
					if rw, ok := raw.rows[[2]int{v.id, location}]; ok {
						has.Add(has, fraction(rw.inStock)).Sub(has, atLeastZero(rw.committed))
						if v.kit {
							has.Add(has, atLeastZero(rw.potential))
						}
					}
				}
				if has.Cmp(most) > 0 {
					most = has
				}
			}
			if figure.Units < 0 || new(big.Rat).SetInt64(int64(figure.Units)).Cmp(most) > 0 {
				t.Fatalf("%+v, but Katana has %s at most", figure, most.FloatString(10))
			}
		}
	})
}
