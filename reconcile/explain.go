package reconcile

import (
	"context"
	"errors"

	"stocksyncd/reconcile/inventory"
)

// ExplainRequest asks how a SKU comes by its figures.
type ExplainRequest struct {
	SKU   inventory.SKU
	Store inventory.StoreName // only this one; "" is all
	// Fresh has both sides read for this question; else the last cycle answers.
	Fresh bool
}

// Explain tells of every level of a SKU how it comes by its figure.
//
// A store without a variant of that SKU gives one explanation without an item,
// which holds what Katana has under the SKU and the near misses. With an error
// come the levels of the stores that could tell.
func (r *Reconciler) Explain(context.Context, ExplainRequest) ([]inventory.Explanation, error) {
	return nil, errors.New("not yet merged")
}
