package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/reconcile/plan"
)

// otherChoice is what another config chooses for a store, with its mapping
// resolved.
type otherChoice struct {
	Choice
	asked bool
	feeds desired.Feeds
	pins  inventory.Pins
}

// resolveOther resolves the mapping of the config that is compared with. Its
// names mean what they mean now.
func (s *cycleStore) resolveOther() error {
	choice, asked := s.c.ask.Compare[s.Name]
	if !asked {
		return nil
	}
	resolved, err := desired.Resolve(choice.Mapping, s.locations, s.c.locations, inventory.Pins{})
	if err != nil {
		return fmt.Errorf("the config to compare with: %w", err)
	}
	if err := choice.refused(resolved.Feeds); err != nil {
		return fmt.Errorf("the config to compare with: %w", err)
	}
	s.other = otherChoice{choice, true, resolved.Feeds, resolved.Pins}
	s.notes = append(s.notes, resolved.Notes...)
	return nil
}

// compare says which levels the other config would move, and by which of its
// keys: the running choice is turned into the other one key by key, and each
// key that moves the level is named.
func (s *cycleStore) compare(figures []inventory.Figure) {
	if !s.other.asked {
		return
	}
	levels, was := s.compared(figures)
	turns := s.turns()
	now := was
	moved := make([][]string, len(levels))
	for _, turn := range turns {
		next := turn.figures(levels)
		for i := range levels {
			if shown(&levels[i], next[i]) != shown(&levels[i], now[i]) || next[i].Left != now[i].Left {
				moved[i] = append(moved[i], turn.key(levels[i]))
			}
		}
		now = next
	}
	found := &inventory.Comparison{Levels: []inventory.MoveLevel{}}
	for i := range levels {
		from, to := shown(&levels[i], was[i]), shown(&levels[i], now[i])
		if from == to || s.c.ask.SKU != "" && levels[i].SKU != s.c.ask.SKU {
			continue
		}
		found.Moved++
		found.Raised += max(to-from, 0)
		found.Lowered += max(from-to, 0)
		if to == 0 {
			found.Zeroed++
		}
		found.Levels = append(found.Levels, s.move(&levels[i], was[i], now[i], strings.Join(slices.Compact(moved[i]), ", ")))
	}
	s.compares = found
}

// compared lists the levels of both choices, with their figures by the running
// one.
func (s *cycleStore) compared(figures []inventory.Figure) ([]inventory.Level, []inventory.Figure) {
	extra := s.c.catalogue.Unstocked(s.listed, s.rulesOf(s.other.Choice, s.other.feeds, s.other.pins))
	extra = slices.DeleteFunc(extra, func(l inventory.Level) bool {
		_, known := slices.BinarySearchFunc(s.levels, l.Key, func(l inventory.Level, key inventory.Key) int { return l.Compare(key) })
		return known
	})
	was := slices.Clone(figures)
	for range extra {
		was = append(was, inventory.Figure{Left: inventory.ReasonNotStocked})
	}
	return append(slices.Clone(s.levels), extra...), was
}

// turn is one step from the running choice to the other one.
type turn struct {
	figures func([]inventory.Level) []inventory.Figure
	key     func(inventory.Level) string
}

func (s *cycleStore) turns() []turn {
	running, other := s.rules, s.rulesOf(s.other.Choice, s.other.feeds, s.other.pins)
	feeds := func(key inventory.Key) []inventory.SourceLocationID {
		if key.Store == s.Name {
			return s.other.feeds[key.Location].Sources
		}
		return s.c.feeds(key)
	}
	index := flight.NewIndex(s.entries(), feeds)
	with := func(rules desired.Rules) func([]inventory.Level) []inventory.Figure {
		return func(levels []inventory.Level) []inventory.Figure {
			return s.c.catalogue.Figures(levels, rules, func(level inventory.Level) inventory.Units {
				return index.Others(level.Key, level.SKU, rules.Feeds[level.Location].Sources)
			})
		}
	}
	mapped := running
	mapped.Feeds = other.Feeds
	ordered := mapped
	ordered.Excluded = other.Excluded
	ruled := ordered
	ruled.SKU = other.SKU
	return []turn{
		{with(mapped), s.mappingKey},
		{with(ordered), func(inventory.Level) string { return s.ordersKey() }},
		{with(ruled), s.ruleKey},
		{with(other), func(inventory.Level) string { return "activate" }},
	}
}

func (s *cycleStore) mappingKey(level inventory.Level) string {
	if s.kept.feeds[level.Location].Named || s.other.feeds[level.Location].Named {
		return "locations"
	}
	return "default_location"
}

func (s *cycleStore) ordersKey() string {
	if s.Orders.ShopifyOnly != s.other.Orders.ShopifyOnly {
		return "committed_orders"
	}
	return "exclude_orders"
}

func (s *cycleStore) ruleKey(level inventory.Level) string {
	if i := desired.RuleOf(s.other.Rules, level.SKU); i >= 0 {
		return fmt.Sprintf("rules[%d] (%s)", i, s.other.Rules[i].Pattern)
	}
	return "rules (none matches any more)"
}

// shown is what a level shows once its figure is written; one that is left
// alone stays as it is, and a negative one is not raised to 0.
func shown(level *inventory.Level, figure inventory.Figure) inventory.Units {
	if figure.Left != "" {
		return plan.Offered(level)
	}
	return plan.Target(plan.Offered(level), figure.Units, 0)
}

func (s *cycleStore) move(level *inventory.Level, was, now inventory.Figure, rule string) inventory.MoveLevel {
	m := inventory.MoveLevel{
		SKU: level.SKU, Variant: level.Variant, Item: level.Item, LocationID: level.Location,
		Location: s.other.feeds[level.Location].Name, Observed: level.Available, Unstocked: !level.Active, Rule: rule,
	}
	if was.Left == "" {
		m.From = &was.Units
	} else {
		m.Left = was.Left
	}
	if now.Left == "" {
		m.To = &now.Units
	} else {
		m.Left = now.Left
	}
	return m
}
