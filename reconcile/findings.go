package reconcile

import (
	"fmt"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// findings is what a full cycle finds out about a store's catalogue: nothing of
// it decides a figure, all of it may explain a wrong one.
type findings struct {
	stock *inventory.DuplicateStock
	skus  []inventory.DuplicateSKU
	near  []inventory.NearMiss
}

// mostFound is how many of each a report lists: it is kept for as long as the
// history is, and a default location may offer every SKU several times.
const mostFound = 1000

func first[T any](found []T) []T { return found[:min(len(found), mostFound)] }

// pair holds the SKUs of both sides against each other.
func (s *cycleStore) pair() {
	if s.c.ask.Kind != inventory.Full || s.c.quiet {
		return
	}
	skus, near := s.repeated(), s.near()
	s.found.skus, s.found.near = first(skus), first(near)
	if n := len(skus); n > 0 {
		s.notes = append(s.notes, fmt.Sprintf("%s more than once, in Shopify or in Katana; the full report has their ids", count(n, "SKU stands", "SKUs stand")))
	}
	if n := len(near); n > 0 {
		s.notes = append(s.notes, fmt.Sprintf("%s one of Katana's and not equal to it, so neither is matched; `stocksyncd export --near-misses` lists them", count(n, "SKU is close to", "SKUs are each close to")))
	}
	if s.c.kitsErr != nil {
		s.notes = append(s.notes, s.c.kitsErr.Error())
	}
}

// repeated lists the SKUs that stand several times on a side. Few do: the others
// are not looked at.
func (s *cycleStore) repeated() []inventory.DuplicateSKU {
	shelf, catalogue := s.kept.shelf, s.c.catalogue
	several := func(sku inventory.SKU) bool { return len(shelf.others[sku]) > 0 || catalogue.Several(sku) }
	return desired.DuplicateSKUs(shelf.oneEach(several), catalogue.Select(func(v inventory.SourceVariant) bool { return several(v.SKU) }))
}

// near lists the SKUs that almost match. Those that do match are not looked at.
func (s *cycleStore) near() []inventory.NearMiss {
	shelf, catalogue := s.kept.shelf, s.c.catalogue
	unmatched := func(sku inventory.SKU) bool {
		_, matched := catalogue.Stands(sku)
		return !matched
	}
	return desired.NearMisses(shelf.oneEach(unmatched), catalogue.Select(func(v inventory.SourceVariant) bool { return len(shelf.of(v.SKU)) == 0 }))
}

// mayRepeat keeps the levels that may offer the same stock as others do: those
// of SKUs that several items carry, or all where locations share their stock.
func (s *cycleStore) mayRepeat(figures []inventory.Figure) {
	if s.c.ask.Kind != inventory.Full {
		return
	}
	shared := len(s.kept.feeds.Shared()) > 0
	for i, level := range s.levels {
		if shared || len(s.kept.shelf.others[level.SKU]) > 0 {
			s.several, s.offered = append(s.several, level), append(s.offered, figures[i])
		}
	}
}

// addUp says by how much the store's total is inflated because the same Katana
// stock is offered several times.
func (s *cycleStore) addUp() {
	s.found.stock = s.c.catalogue.Duplicates(s.several, s.rules, s.offered)
	s.several, s.offered = nil, nil
	if total := s.found.stock; total != nil {
		total.Items = first(total.Items)
		s.notes = append(s.notes, fmt.Sprintf("the same stock is offered several times: of %s Katana has %s, this store will offer %d",
			count(total.SKUs, "SKU", "SKUs"), count(int(total.Has), "unit", "units"), total.Offered))
	}
}
