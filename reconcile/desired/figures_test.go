package desired_test

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

func quantity(text string) inventory.Quantity {
	q, err := inventory.ParseQuantity(text)
	if err != nil {
		panic(err)
	}
	return q
}

func row(variant inventory.SourceVariantID, at inventory.SourceLocationID, inStock, committed, potential string) inventory.Stock {
	for _, text := range []string{inStock, committed, potential} {
		if _, err := inventory.ParseQuantity(text); errors.Is(err, inventory.ErrTooLarge) {
			return inventory.Stock{Variant: variant, Location: at, TooLarge: true}
		}
	}
	return inventory.Stock{
		Variant: variant, Location: at, InStock: quantity(inStock), Committed: quantity(committed), Potential: quantity(potential),
	}
}

func date(day int) time.Time { return time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC) }

var (
	feeds = desired.Feeds{
		front:  {Name: "Front", Sources: []inventory.SourceLocationID{oslo}},
		quay:   {Name: "Quay", Sources: []inventory.SourceLocationID{oslo, bergen}},
		closed: {Name: "Closed", Left: inventory.ReasonInactiveLocation},
		app:    {Name: "App", Left: inventory.ReasonFulfillment},
		110:    {Name: "Other", Left: inventory.ReasonUnmapped},
	}
	mug = inventory.Level{Key: inventory.Key{Store: "main", Item: 11, Location: front}, Variant: 7, SKU: "MUG", Active: true}
)

func TestWhatALevelShouldShow(t *testing.T) {
	plain := []inventory.SourceVariant{{ID: 1, SKU: "MUG"}}
	kit := []inventory.SourceVariant{{ID: 1, SKU: "MUG", Kit: true}}
	tests := []struct {
		name     string
		variants []inventory.SourceVariant
		stock    []inventory.Stock
		before   []inventory.StockKey
		level    func(*inventory.Level)
		others   inventory.Units
		want     inventory.Figure
	}{
		{name: "in stock less committed", variants: plain, stock: []inventory.Stock{row(1, oslo, "40", "7", "0")}, want: inventory.Figure{Units: 33}},
		{name: "the potential of what is no kit does not count", variants: plain, stock: []inventory.Stock{row(1, oslo, "40", "7", "100")}, want: inventory.Figure{Units: 33}},
		{name: "a kit counts what can be built", variants: kit, stock: []inventory.Stock{row(1, oslo, "2", "3", "10")}, want: inventory.Figure{Units: 9}},
		{name: "a negative potential is none", variants: kit, stock: []inventory.Stock{row(1, oslo, "2", "1", "-5")}, want: inventory.Figure{Units: 1}},
		{name: "a negative committed figure is none", variants: plain, stock: []inventory.Stock{row(1, oslo, "4", "-3", "0")}, want: inventory.Figure{Units: 4}},
		{name: "a kit whose potential is null counts what is made", variants: kit, stock: []inventory.Stock{row(1, oslo, "2", "1", "0")}, want: inventory.Figure{Units: 1}},
		{name: "fractions are floored after the subtraction, not before", variants: plain, stock: []inventory.Stock{row(1, oslo, "2.5", "0.5", "0")}, want: inventory.Figure{Units: 2}},
		{name: "almost a unit is none", variants: plain, stock: []inventory.Stock{row(1, oslo, "1.99999", "0", "0")}, want: inventory.Figure{Units: 1}},
		{name: "halves of two locations make a whole", variants: plain, stock: []inventory.Stock{row(1, oslo, "0.5", "0", "0"), row(1, bergen, "0.5", "0", "0")}, level: at(quay), want: inventory.Figure{Units: 1}},
		{name: "several locations are summed", variants: plain, stock: []inventory.Stock{row(1, oslo, "40", "7", "0"), row(1, bergen, "5", "1", "0")}, level: at(quay), want: inventory.Figure{Units: 37}},
		{name: "one location's shortage is another's", variants: plain, stock: []inventory.Stock{row(1, oslo, "0", "3", "0"), row(1, bergen, "5", "0", "0")}, level: at(quay), want: inventory.Figure{Units: 2}},
		{name: "locations that do not feed it do not count", variants: plain, stock: []inventory.Stock{row(1, oslo, "4", "0", "0"), row(1, bergen, "50", "0", "0")}, want: inventory.Figure{Units: 4}},
		{name: "what is in flight elsewhere is subtracted like committed", variants: plain, stock: []inventory.Stock{row(1, oslo, "4", "0", "0")}, others: 3, want: inventory.Figure{Units: 1}},
		{name: "nothing is left", variants: plain, stock: []inventory.Stock{row(1, oslo, "4", "4", "0")}, want: inventory.Figure{}},
		{name: "a negative figure is zero, and said", variants: plain, stock: []inventory.Stock{row(1, oslo, "4", "4.5", "0")}, want: inventory.Figure{Negative: true}},
		{name: "more in flight than there is", variants: plain, stock: []inventory.Stock{row(1, oslo, "4", "0", "0")}, others: 5, want: inventory.Figure{Negative: true}},
		{name: "stock that Katana counts below zero", variants: plain, stock: []inventory.Stock{row(1, oslo, "-2", "0", "0")}, want: inventory.Figure{Negative: true}},

		{name: "a row that is missing for the first time is not zero", variants: plain, want: inventory.Figure{Left: inventory.ReasonNoRow}},
		{name: "a row that two complete reads did not have is zero", variants: plain, before: []inventory.StockKey{{Variant: 1, Location: oslo}}, want: inventory.Figure{}},
		{name: "a row of another variant was missing", variants: plain, before: []inventory.StockKey{{Variant: 2, Location: oslo}, {Variant: 1, Location: bergen}}, want: inventory.Figure{Left: inventory.ReasonNoRow}},
		{name: "one of two rows is missing", variants: plain, stock: []inventory.Stock{row(1, oslo, "4", "0", "0")}, level: at(quay), want: inventory.Figure{Left: inventory.ReasonNoRow}},
		{name: "one of two rows was missing before, too", variants: plain, stock: []inventory.Stock{row(1, oslo, "4", "0", "0")}, before: []inventory.StockKey{{Variant: 1, Location: bergen}}, level: at(quay), want: inventory.Figure{Units: 4}},
		{name: "a row that came back counts", variants: plain, stock: []inventory.Stock{row(1, oslo, "4", "0", "0")}, before: []inventory.StockKey{{Variant: 1, Location: oslo}}, want: inventory.Figure{Units: 4}},

		{name: "a SKU that Katana does not list is not zero", stock: []inventory.Stock{row(1, oslo, "4", "0", "0")}, want: inventory.Figure{Left: inventory.ReasonNotInKatana}},
		{name: "a SKU in another case is another SKU", variants: []inventory.SourceVariant{{ID: 1, SKU: "mug"}}, want: inventory.Figure{Left: inventory.ReasonNotInKatana}},
		{name: "an archived variant is not zero", variants: []inventory.SourceVariant{{ID: 1, SKU: "MUG", Archived: true}}, want: inventory.Figure{Left: inventory.ReasonArchived}},
		{name: "a deleted variant is not zero", variants: []inventory.SourceVariant{{ID: 1, SKU: "MUG", Deleted: true}}, want: inventory.Figure{Left: inventory.ReasonArchived}},
		{name: "a service has no stock", variants: []inventory.SourceVariant{{ID: 1, SKU: "MUG", Service: true}}, want: inventory.Figure{Left: inventory.ReasonService}},
		{name: "an item that is not tracked", variants: plain, level: func(l *inventory.Level) { l.Untracked = true }, want: inventory.Figure{Left: inventory.ReasonUntracked}},
		{name: "a bundle that Shopify computes", variants: plain, level: func(l *inventory.Level) { l.Bundle = true }, want: inventory.Figure{Left: inventory.ReasonBundle}},
		{name: "a gift card", variants: plain, level: func(l *inventory.Level) { l.GiftCard, l.Untracked = true, true }, want: inventory.Figure{Left: inventory.ReasonGiftCard}},
		{name: "an item without a SKU", variants: plain, level: func(l *inventory.Level) { l.SKU = "" }, want: inventory.Figure{Left: inventory.ReasonNoSKU}},
		{name: "an inactive level", variants: plain, level: func(l *inventory.Level) { l.Active = false }, want: inventory.Figure{Left: inventory.ReasonInactiveLevel}},
		{name: "an inactive location", variants: plain, level: at(closed), want: inventory.Figure{Left: inventory.ReasonInactiveLocation}},
		{name: "a fulfilment service", variants: plain, level: at(app), want: inventory.Figure{Left: inventory.ReasonFulfillment}},
		{name: "a location without a feed", variants: plain, level: at(110), want: inventory.Figure{Left: inventory.ReasonUnmapped}},
		{name: "a location that appeared since", variants: plain, level: at(999), want: inventory.Figure{Left: inventory.ReasonUnmapped}},
		{name: "more in flight than a figure holds", variants: plain, stock: []inventory.Stock{row(1, oslo, "4", "0", "0")}, others: math.MaxInt64, want: inventory.Figure{Left: inventory.ReasonFigureTooLarge}},
		{name: "a placeholder for more than enough is no figure", variants: plain, stock: []inventory.Stock{row(1, oslo, "999999999", "4", "0")}, want: inventory.Figure{Left: inventory.ReasonFigureTooLarge}},
		{name: "one location's placeholder spoils the sum", variants: plain, stock: []inventory.Stock{row(1, oslo, "4", "0", "0"), row(1, bergen, "0", "999999999", "0")}, level: at(quay), want: inventory.Figure{Left: inventory.ReasonFigureTooLarge}},
		{name: "a placeholder where nothing is drawn from", variants: plain, stock: []inventory.Stock{row(1, oslo, "4", "0", "0"), row(1, bergen, "999999999", "0", "0")}, want: inventory.Figure{Units: 4}},
		{name: "a missing row is named before another's placeholder", variants: plain, stock: []inventory.Stock{row(1, oslo, "999999999", "0", "0")}, level: at(quay), want: inventory.Figure{Left: inventory.ReasonNoRow}},
		{
			name: "a sum that no figure holds", variants: kit, want: inventory.Figure{Left: inventory.ReasonFigureTooLarge},
			stock: []inventory.Stock{{Variant: 1, Location: oslo, InStock: math.MaxInt64, Potential: 1}},
		},
		{
			name: "a difference that no figure holds", variants: plain, want: inventory.Figure{Left: inventory.ReasonFigureTooLarge},
			stock: []inventory.Stock{{Variant: 1, Location: oslo, InStock: math.MinInt64, Committed: 1}},
		},
		{
			name: "a live variant stands before an archived one", want: inventory.Figure{Units: 1},
			variants: []inventory.SourceVariant{{ID: 9, SKU: "MUG", Created: date(9), Archived: true}, {ID: 1, SKU: "MUG", Created: date(1)}},
			stock:    []inventory.Stock{row(1, oslo, "1", "0", "0"), row(9, oslo, "9", "0", "0")},
		},
		{
			name: "an archived variant stands before a deleted one", want: inventory.Figure{Left: inventory.ReasonArchived},
			variants: []inventory.SourceVariant{{ID: 9, SKU: "MUG", Created: date(9), Deleted: true, Service: true}, {ID: 1, SKU: "MUG", Created: date(1), Archived: true}},
		},
		{
			name: "the newest of several live variants stands for its SKU", want: inventory.Figure{Units: 2},
			variants: []inventory.SourceVariant{{ID: 9, SKU: "MUG", Created: date(1)}, {ID: 2, SKU: "MUG", Created: date(2)}},
			stock:    []inventory.Stock{row(2, oslo, "2", "0", "0"), row(9, oslo, "9", "0", "0")},
		},
		{
			name: "of equally new ones the highest id", want: inventory.Figure{Units: 9},
			variants: []inventory.SourceVariant{{ID: 9, SKU: "MUG", Created: date(1)}, {ID: 2, SKU: "MUG", Created: date(1)}},
			stock:    []inventory.Stock{row(2, oslo, "2", "0", "0"), row(9, oslo, "9", "0", "0")},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			level := mug
			if tt.level != nil {
				tt.level(&level)
			}
			catalogue := desired.NewCatalogue(&inventory.Snapshot{Variants: tt.variants, Stock: tt.stock}, tt.before)
			got := catalogue.Figures([]inventory.Level{level}, desired.Rules{Feeds: feeds}, func(asked inventory.Level) inventory.Units {
				if asked != level {
					t.Errorf("asked what is in flight around %+v", asked)
				}
				return tt.others
			})
			if want := []inventory.Figure{tt.want}; !slices.Equal(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func at(location inventory.LocationID) func(*inventory.Level) {
	return func(l *inventory.Level) { l.Location = location }
}

func TestVariantsOfOneSKUAllGetTheSameFigure(t *testing.T) {
	catalogue := desired.NewCatalogue(&inventory.Snapshot{
		Variants: []inventory.SourceVariant{{ID: 1, SKU: "MUG"}, {ID: 2, SKU: "TEE"}},
		Stock:    []inventory.Stock{row(2, oslo, "3", "0", "0"), row(1, oslo, "4", "0", "0")},
	}, nil)
	levels := make([]inventory.Level, 5)
	for i, sku := range []inventory.SKU{"MUG", "TEE", "MUG", "GONE", "MUG"} {
		levels[i] = mug
		levels[i].Item, levels[i].SKU = inventory.ItemID(i+1), sku
	}
	got := catalogue.Figures(levels, desired.Rules{Feeds: feeds}, nil)
	want := []inventory.Figure{{Units: 4}, {Units: 3}, {Units: 4}, {Left: inventory.ReasonNotInKatana}, {Units: 4}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTheRowsThatAreMissingAreListedForTheNextRead(t *testing.T) {
	catalogue := desired.NewCatalogue(&inventory.Snapshot{
		Variants: []inventory.SourceVariant{
			{ID: 5, SKU: "E"}, {ID: 1, SKU: "A"}, {ID: 2, SKU: "B", Archived: true}, {ID: 3, SKU: "C", Service: true}, {ID: 4, SKU: "A"},
		},
		Stock: []inventory.Stock{row(5, oslo, "1", "0", "0"), row(9, bergen, "1", "0", "0")},
	}, nil)
	got := catalogue.Missing([]inventory.SourceLocationID{bergen, oslo})
	want := []inventory.StockKey{{Variant: 4, Location: oslo}, {Variant: 4, Location: bergen}, {Variant: 5, Location: bergen}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for id, want := range map[inventory.SourceVariantID]inventory.SKU{4: "A", 5: "E", 1: "", 99: ""} {
		if got, stands := catalogue.SKU(id); got != want || stands != (want != "") {
			t.Errorf("variant %d stands for %q (%t), want %q", id, got, stands, want)
		}
	}
}

func TestStockThatIsOfferedTwiceIsAddedUp(t *testing.T) {
	catalogue := desired.NewCatalogue(&inventory.Snapshot{
		Variants: []inventory.SourceVariant{{ID: 1, SKU: "MUG"}, {ID: 2, SKU: "TEE"}},
		Stock: []inventory.Stock{
			row(1, oslo, "40", "0", "0"), row(1, bergen, "3", "0", "0"), row(2, oslo, "0", "0", "0"), row(2, bergen, "5", "0", "0"),
		},
	}, nil)
	levels := func(item inventory.ItemID, sku inventory.SKU, locations ...inventory.LocationID) (all []inventory.Level) {
		for _, location := range locations {
			all = append(all, inventory.Level{Key: inventory.Key{Store: "main", Item: item, Location: location}, SKU: sku, Active: true})
		}
		return all
	}
	shared := desired.Feeds{
		front: {Sources: []inventory.SourceLocationID{oslo}}, quay: {Sources: []inventory.SourceLocationID{oslo, bergen}},
		110: {Sources: []inventory.SourceLocationID{oslo}}, 111: {Sources: []inventory.SourceLocationID{bergen}}, closed: {Left: inventory.ReasonInactiveLocation},
	}
	tests := []struct {
		name   string
		levels []inventory.Level
		want   []inventory.DuplicateItem
	}{
		{"one location each", levels(1, "MUG", front, 111), nil},
		{"two locations of one", levels(1, "MUG", front, 110), []inventory.DuplicateItem{{SKU: "MUG", Has: 40, Offered: 80}}},
		{"one of them among a sum", levels(1, "MUG", front, quay, 110), []inventory.DuplicateItem{{SKU: "MUG", Has: 43, Offered: 123}}},
		{"one of them is left alone", levels(1, "MUG", front, closed), nil},
		{"there is nothing to offer twice", levels(2, "TEE", front, 110), nil},
		{"a SKU that Katana does not have", levels(3, "GONE", front, 110), nil},
		{"two variants with one SKU", slices.Concat(levels(1, "MUG", front), levels(4, "MUG", front)), []inventory.DuplicateItem{{SKU: "MUG", Has: 40, Offered: 80}}},
		{"two variants with one SKU at locations of their own", slices.Concat(levels(1, "MUG", front), levels(4, "MUG", 111)), nil},
		{
			"the worst comes first", slices.Concat(levels(2, "TEE", quay, 111), levels(1, "MUG", front, 110)),
			[]inventory.DuplicateItem{{SKU: "MUG", Has: 40, Offered: 80}, {SKU: "TEE", Has: 5, Offered: 10}},
		},
		{"no levels", nil, nil},
	}
	for _, tt := range tests {
		figures := catalogue.Figures(tt.levels, desired.Rules{Feeds: shared}, nil)
		got := catalogue.Duplicates(tt.levels, desired.Rules{Feeds: shared}, figures)
		if tt.want == nil {
			if got != nil {
				t.Errorf("%s: got %+v", tt.name, got)
			}
			continue
		}
		want := &inventory.DuplicateStock{SKUs: len(tt.want), Items: tt.want}
		for _, item := range tt.want {
			want.Has, want.Offered = want.Has+item.Has, want.Offered+item.Offered
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, want)
		}
	}
}

func TestTheTotalOfASKUIsWhatKatanaHasOfItBeforeTheRulesOfAStore(t *testing.T) {
	catalogue := desired.NewCatalogue(&inventory.Snapshot{
		Variants: []inventory.SourceVariant{{ID: 1, SKU: "MUG"}, {ID: 2, SKU: "CAP", Archived: true}, {ID: 3, SKU: "TEE"}, {ID: 4, SKU: "SET", Kit: true}},
		Stock: []inventory.Stock{
			row(1, oslo, "40", "7", "0"), row(1, bergen, "2.5", "0", "0"), row(3, oslo, "1", "0", "0"),
			row(4, oslo, "1", "3", "4"), row(4, bergen, "0", "5", "0"),
		},
	}, nil)
	at := []inventory.SourceLocationID{oslo, bergen}
	tests := []struct {
		name string
		sku  inventory.SKU
		want inventory.Figure
	}{
		{"over both locations, in whole pieces", "MUG", inventory.Figure{Units: 35}},
		{"a kit with what can be built", "SET", inventory.Figure{Units: 0, Negative: true}},
		{"archived", "CAP", inventory.Figure{Left: inventory.ReasonArchived}},
		{"a row is missing", "TEE", inventory.Figure{Left: inventory.ReasonNoRow}},
		{"not in Katana", "JAR", inventory.Figure{Left: inventory.ReasonNotInKatana}},
	}
	for _, tt := range tests {
		if got := catalogue.Total(tt.sku, at, nil); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
	excluded := desired.Excluded{inventory.StockKey{Variant: 1, Location: oslo}: quantity("7")}
	if got := catalogue.Total("MUG", at, excluded).Units; got != 42 {
		t.Errorf("with the orders that do not count: got %d, want 42", got)
	}
}
