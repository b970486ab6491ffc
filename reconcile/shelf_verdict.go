package reconcile

import (
	"slices"

	"stocksyncd/reconcile/inventory"
	"stocksyncd/reconcile/plan"
)

// The verdicts of a plan. From otherwise on they are reasons to leave a level
// alone.
const (
	unjudged uint8 = iota
	inStep
	drifted
	otherwise
)

// counts is how many levels a plan made what of.
type counts struct {
	inStep, drifted, negative, offering int
	skipped                             map[inventory.Reason]int
}

// unjudge takes back what the plan before made of an item's levels: some may be
// none any more.
func (s *shelf) unjudge(id inventory.ItemID) {
	delete(s.open, id)
	slots := s.items[id].slots
	for i := range slots {
		s.uncount(&slots[i])
	}
}

// tidy drops the slots of an item that are no levels: the store does not have
// them, and nothing is remembered or planned of them.
func (s *shelf) tidy(id inventory.ItemID) {
	it := s.items[id]
	it.slots = slices.DeleteFunc(it.slots, func(one slot) bool { return !one.listed && !one.known && one.verdict == unjudged })
}

// judge notes what a plan made of a level.
func (s *shelf) judge(key inventory.Key, v plan.Verdict) {
	one := s.item(key.Item).need(key.Location)
	s.uncount(one)
	switch {
	case v.Left != "":
		s.count.skipped[v.Left]++
		one.verdict = s.verdict(v.Left)
	case v.Drifted:
		s.count.drifted++
		one.verdict = drifted
	default:
		s.count.inStep++
		one.verdict = inStep
	}
	if one.negative = v.Negative; v.Negative {
		s.count.negative++
	}
	if one.offers = v.Offers; v.Offers {
		s.count.offering++
	}
	if v.Drifted || v.Left == inventory.ReasonQuarantined {
		s.open[key.Item] = true
	}
}

func (s *shelf) verdict(why inventory.Reason) uint8 {
	i := slices.Index(s.reasons, why)
	if i < 0 {
		i, s.reasons = len(s.reasons), append(s.reasons, why)
	}
	return otherwise + uint8(i) // #nosec G115 -- there are a dozen reasons
}

func (s *shelf) uncount(one *slot) {
	switch one.verdict {
	case unjudged:
	case inStep:
		s.count.inStep--
	case drifted:
		s.count.drifted--
	default:
		why := s.reasons[one.verdict-otherwise]
		if s.count.skipped[why]--; s.count.skipped[why] == 0 {
			delete(s.count.skipped, why)
		}
	}
	if one.negative {
		s.count.negative--
	}
	if one.offers {
		s.count.offering--
	}
	one.verdict, one.negative, one.offers = unjudged, false, false
}
