package shopify

import (
	"context"
	"fmt"
	"strings"

	"stocksyncd/reconcile/inventory"
)

const activateName = "activate a level"

// Activate stocks the item of a level at its location, where it is not stocked
// or not active, in one inventoryActivate: with nothing to sell, so that what
// an inactive level still holds from former days is not offered for a moment.
// It gives back what the answer shows as available.
//
// The error is [*inventory.LineError] when the store refuses this level, also
// where it is active already, and [inventory.ErrAnswerLost] when nobody can
// tell whether it was carried out.
//
// https://shopify.dev/docs/api/admin-graphql/2026-10/mutations/inventoryActivate
func (c *Client) Activate(ctx context.Context, key inventory.Key, idempotency string) (inventory.Units, error) {
	only := inventory.Batch{Key: idempotency, Changes: []inventory.Change{{Key: key}}}
	if err := c.checkBatch(activateName, only); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, resendFor, errResend)
	defer cancel()
	o := c.writeSized(activateName, 1)
	answer, err := activateLevel(ctx, o, key.Item.String(), key.Location.String(), idempotency, onlyAvailable)
	if err != nil {
		return 0, err
	}
	payload := answer.InventoryActivate
	switch {
	case payload == nil || payload.UserErrors == nil:
		return 0, o.unsure("the answer has no inventoryActivate.userErrors")
	case len(payload.UserErrors) > 0:
		return 0, o.refusedLine(payload.UserErrors)
	case payload.InventoryLevel == nil:
		return 0, o.unsure("the answer has no inventoryActivate.inventoryLevel")
	}
	return o.activated(key, *payload.InventoryLevel)
}

// refusedLine turns the user errors of a write of one line into its error.
// UserError has no code.
func (o *operation) refusedLine(problems []activateError) error {
	var words []string
	for _, problem := range problems {
		words = append(words, problem.Message)
	}
	said := o.client.text(strings.Join(words, " "))
	if err := o.refusedLate(said); err != nil {
		return err
	}
	return fmt.Errorf("%s: %s: %w%s", o.client.api, o.name, &inventory.LineError{Message: said}, o.id)
}

// activated holds the answer to an activation that went through against what
// was asked for. Where they differ the level must be read: somebody switched it
// as well, or the answer is one that Shopify rebuilt for a repeated key.
func (o *operation) activated(key inventory.Key, node level) (inventory.Units, error) {
	told := inventory.Level{Key: inventory.Key{Store: key.Store, Item: key.Item}}
	if err := o.fill(&told, node); err != nil {
		o.doubt = true
		return 0, o.open(err)
	}
	switch {
	case told.Key != key:
		return 0, o.unsure(fmt.Sprintf("the answer shows %s instead of %s", told.Key, key))
	case !told.Active:
		return 0, o.unsure(fmt.Sprintf("%s is not active in the answer", key))
	}
	return told.Available, nil
}
