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
	skus, near := desired.DuplicateSKUs(s.listed, s.c.catalogue.Variants()), desired.NearMisses(s.listed, s.c.catalogue.Variants())
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

// addUp says by how much the store's total is inflated because the same Katana
// stock is offered several times.
func (s *cycleStore) addUp(figures []inventory.Figure) {
	if s.c.ask.Kind != inventory.Full {
		return
	}
	s.found.stock = s.c.catalogue.Duplicates(s.levels, s.rules, figures)
	if total := s.found.stock; total != nil {
		total.Items = first(total.Items)
		s.notes = append(s.notes, fmt.Sprintf("the same stock is offered several times: of %s Katana has %s, this store will offer %d",
			count(total.SKUs, "SKU", "SKUs"), count(int(total.Has), "unit", "units"), total.Offered))
	}
}
