package reconcile_test

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"stocksyncd/reconcile/inventory"
)

// works is a Katana whose feeds lag or say nothing of stock, and whose kits move
// with what they are made of.
type works struct {
	*katana
	*trouble
	told []tiding
	mute bool // no feed tells of stock
}

// tiding is what a feed tells from a time on.
type tiding struct {
	at                 time.Time
	variant, edited    inventory.SourceVariantID
	catalogue, recipes bool
	locations          bool
}

func (k *works) Locations(ctx context.Context) ([]inventory.SourceLocation, error) {
	return through(ctx, k.trouble, "source", "locations", func() ([]inventory.SourceLocation, error) {
		return slices.Clone(k.locations), nil
	})
}

func (k *works) Orders(ctx context.Context, since time.Time) ([]inventory.SourceOrder, error) {
	return through(ctx, k.trouble, "source", "orders", func() ([]inventory.SourceOrder, error) { return k.katana.Orders(ctx, since) })
}

func (k *works) OpenOrders(ctx context.Context, want func(inventory.SourceOrder) bool) ([]inventory.SourceOrder, error) {
	return through(ctx, k.trouble, "source", "open orders", func() ([]inventory.SourceOrder, error) { return k.katana.OpenOrders(ctx, want) })
}

func (k *works) Catalogue(ctx context.Context) ([]inventory.SourceVariant, error) {
	return through(ctx, k.trouble, "source", "catalogue", func() ([]inventory.SourceVariant, error) { return k.katana.Catalogue(ctx) })
}

func (k *works) Variants(ctx context.Context, ids []inventory.SourceVariantID) ([]inventory.SourceVariant, error) {
	return through(ctx, k.trouble, "source", "variants", func() ([]inventory.SourceVariant, error) { return k.katana.Variants(ctx, ids) })
}

func (k *works) Recipes(ctx context.Context, kits []inventory.SourceVariantID) ([]inventory.Ingredient, error) {
	return through(ctx, k.trouble, "source", "recipes", func() ([]inventory.Ingredient, error) { return k.katana.Recipes(ctx, kits) })
}

func (k *works) Inventory(ctx context.Context, at []inventory.SourceLocationID, variants []inventory.SourceVariantID) ([]inventory.Stock, error) {
	return through(ctx, k.trouble, "source", "inventory", func() (stock []inventory.Stock, _ error) {
		for _, id := range slices.Sorted(slices.Values(variants)) {
			for _, location := range slices.Sorted(slices.Values(at)) {
				if row, has := k.row(id, location); has {
					stock = append(stock, row)
				}
			}
		}
		return stock, nil
	})
}

// row is a row of the inventory: of a kit, as many can be built as its scarcest
// ingredient allows.
func (k *works) row(id inventory.SourceVariantID, at inventory.SourceLocationID) (inventory.Stock, bool) {
	row, has := k.stock[inventory.StockKey{Variant: id, Location: at}]
	row.Potential = 0
	for i, in := range k.made(id) {
		of := k.stock[inventory.StockKey{Variant: in.Variant, Location: at}]
		can := max(of.InStock-of.Committed, 0) / in.Quantity * inventory.Scale
		if i == 0 || can < row.Potential {
			row.Potential = can
		}
	}
	return row, has
}

func (k *works) made(kit inventory.SourceVariantID) (made []inventory.Ingredient) {
	for _, in := range k.recipes {
		if in.Product == kit {
			made = append(made, in)
		}
	}
	return made
}

func (k *works) Changes(ctx context.Context, since inventory.Mark) (inventory.Changes, error) {
	return through(ctx, k.trouble, "source", "changes", func() (inventory.Changes, error) {
		now := k.now()
		changes := inventory.Changes{Mark: inventory.Mark{Feeds: map[string]inventory.FeedMark{"all": {Read: now}}}}
		if since.IsZero() {
			return changes, nil
		}
		for _, one := range k.told {
			if one.at.Before(since.Feeds["all"].Read) || one.at.After(now) {
				continue
			}
			if one.variant != 0 && !k.mute {
				changes.Variants = append(changes.Variants, one.variant)
			}
			if one.edited != 0 {
				changes.Edited = append(changes.Edited, one.edited)
			}
			changes.Catalogue = changes.Catalogue || one.catalogue
			changes.Recipes = changes.Recipes || one.recipes
			changes.Locations = changes.Locations || one.locations
		}
		slices.Sort(changes.Variants)
		slices.Sort(changes.Edited)
		changes.Variants, changes.Edited = slices.Compact(changes.Variants), slices.Compact(changes.Edited)
		return changes, nil
	})
}

// stall is a store with items and their levels, under compare-and-set. What it
// tells of its updates may be nothing, or nothing of what an item is.
type stall struct {
	*trouble
	name      inventory.StoreName
	now       func() time.Time
	locations []inventory.Location
	items     map[inventory.ItemID]*inventory.Item
	levels    map[inventory.Key]*stocked
	mute      bool // no update is told of
	figures   bool // only updates of figures are
	was       map[inventory.Key]inventory.Level
	updated   map[inventory.Key]time.Time
	selling   func([]inventory.Change) // what happens before a write
	written   func(inventory.Change)
	done      []inventory.Change
	stale     int
}

// stocked is a level.
type stocked struct {
	available inventory.Units
	active    bool
}

// all lists the store, sorted by key, and stamps what has changed.
func (s *stall) all() (levels []inventory.Level) {
	there := map[inventory.ItemID]bool{}
	is := map[inventory.Key]inventory.Level{}
	for key, level := range s.levels {
		one := s.level(s.items[key.Item], key.Location)
		one.Available, one.Active, one.Unstocked = level.available, level.active, false
		levels, there[key.Item], is[key] = append(levels, one), true, one
		was, known := s.was[key]
		if s.figures {
			was.SKU, was.Untracked = one.SKU, one.Untracked
		}
		if !known || was != one {
			s.updated[key] = s.now()
		}
	}
	s.was = is
	for id, item := range s.items {
		if !there[id] {
			levels = append(levels, s.level(item, inventory.Nowhere))
		}
	}
	sortLevels(levels)
	return levels
}

func (s *stall) level(item *inventory.Item, at inventory.LocationID) inventory.Level {
	return inventory.Level{
		Key: inventory.Key{Store: s.name, Item: item.ID, Location: at}, Variant: item.Variant, SKU: item.SKU, Unstocked: true, Untracked: item.Untracked,
	}
}

func (s *stall) Glance(ctx context.Context, since time.Time) (inventory.Glance, error) {
	return through(ctx, s.trouble, string(s.name), "glance", func() (inventory.Glance, error) {
		glance := inventory.Glance{Locations: slices.Clone(s.locations), Mark: s.now()}
		for _, level := range s.all() {
			at, told := s.updated[level.Key]
			if told && !since.IsZero() && !s.mute && !at.Before(since) {
				glance.Levels = append(glance.Levels, level)
			}
		}
		return glance, nil
	})
}

func (s *stall) Page(ctx context.Context, after inventory.VariantID) (inventory.Page, error) {
	return through(ctx, s.trouble, string(s.name), "page", func() (page inventory.Page, _ error) {
		all := s.all()
		above := map[inventory.VariantID]bool{}
		for _, level := range all {
			if level.Variant > after {
				above[level.Variant] = true
			}
		}
		variants := slices.Sorted(maps.Keys(above))
		if page.End = len(variants) <= 250; !page.End {
			variants = variants[:250]
		}
		if len(variants) == 0 {
			return page, nil
		}
		page.Last = variants[len(variants)-1]
		for _, level := range all {
			if level.Variant <= after || level.Variant > page.Last {
				continue
			}
			at := s.updated[level.Key]
			if s.mute {
				at = time.Unix(1, 0)
			}
			page.Levels, page.Updated = append(page.Levels, level), append(page.Updated, at)
		}
		return page, nil
	})
}

func (s *stall) Observe(ctx context.Context) (iter.Seq[[]inventory.Level], error) {
	return through(ctx, s.trouble, string(s.name), "observe", func() (iter.Seq[[]inventory.Level], error) { return inventory.ItemsOf(s.all()), nil })
}

func (s *stall) Sales(ctx context.Context, _ time.Time) (inventory.Sales, error) {
	return inventory.Sales{}, nil
}

func (s *stall) Levels(ctx context.Context, keys []inventory.Key) ([]inventory.Level, error) {
	return through(ctx, s.trouble, string(s.name), "levels", func() (levels []inventory.Level, _ error) {
		for _, level := range s.all() {
			if slices.Contains(keys, level.Key) {
				levels = append(levels, level)
			}
		}
		return levels, nil
	})
}

func (s *stall) Set(ctx context.Context, batch inventory.Batch) ([]inventory.Outcome, error) {
	return through(ctx, s.trouble, string(s.name), "set", func() ([]inventory.Outcome, error) {
		s.selling(batch.Changes)
		outcomes, good := make([]inventory.Outcome, len(batch.Changes)), true
		for i, change := range batch.Changes {
			outcomes[i] = inventory.Outcome{Change: change, Result: inventory.Unsent}
			switch level := s.levels[change.Key]; {
			case level == nil || !level.active:
				outcomes[i].Result, outcomes[i].Detail, good = inventory.Rejected, "ITEM_NOT_STOCKED_AT_LOCATION: it is not", false
			case level.available != change.From:
				outcomes[i].Result, good = inventory.Stale, false
				s.stale++
			}
		}
		if !good {
			return outcomes, nil
		}
		for i, change := range batch.Changes {
			s.written(change)
			s.levels[change.Key].available = change.To
			outcomes[i].Result = inventory.Applied
			s.done = append(s.done, change)
		}
		return outcomes, nil
	})
}

func (s *stall) Activate(ctx context.Context, key inventory.Key, _ string) (inventory.Units, error) {
	return through(ctx, s.trouble, string(s.name), "activate", func() (inventory.Units, error) {
		level := s.levels[key]
		if s.items[key.Item] == nil {
			return 0, &inventory.LineError{Message: fmt.Sprint("there is no item ", key.Item)}
		}
		if level != nil && level.active {
			return 0, &inventory.LineError{Message: "it is active already"}
		}
		s.levels[key] = &stocked{active: true, available: min(s.shown(key), 0)}
		return s.levels[key].available, nil
	})
}

func (s *stall) shown(key inventory.Key) inventory.Units {
	if level := s.levels[key]; level != nil {
		return level.available
	}
	return 0
}

// keys lists the levels that there are, sorted, but for those of the padding.
func (s *stall) keys() []inventory.Key {
	keys := slices.SortedFunc(maps.Keys(s.levels), inventory.Key.Compare)
	return slices.DeleteFunc(keys, func(key inventory.Key) bool { return key.Item >= padding })
}

// ids lists the items, sorted, but for the padding.
func (s *stall) ids() []inventory.ItemID {
	ids := slices.SortedFunc(maps.Keys(s.items), func(a, b inventory.ItemID) int { return cmp.Compare(a, b) })
	return slices.DeleteFunc(ids, func(id inventory.ItemID) bool { return id >= padding })
}

// padding is the first item of those that make a store take several pages.
const padding = 1000
