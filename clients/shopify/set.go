package shopify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"stocksyncd/reconcile/inventory"
)

// quantityName is the figure that is read, compared and set.
const quantityName = "available"

var onlyAvailable = []string{quantityName}

const setName = "set quantities"

// resendFor is how long a batch is sent again under its key. The store may
// have moved on after that: what became of the batch is then read, not asked.
const resendFor = 2 * time.Minute

var errResend = fmt.Errorf("no answer within %s", resendFor)

// MisuseError reports a batch that Shopify refused for a mistake of ours or of
// the configuration. Nothing of it was applied, and sending it again would end
// the same way.
type MisuseError struct {
	Code    string
	Message string
}

func (e *MisuseError) Error() string {
	return fmt.Sprintf("%s: %s: this is a bug of stocksyncd or a wrong api_version; please report it", e.Code, e.Message)
}

// Set writes at most 250 changes in one inventorySetQuantities, each under
// compare-and-set with its From. All of them are applied or none: where a line
// is stale or rejected, the others are unsent.
//
// The error is [inventory.ErrAnswerLost] when nobody can tell whether the
// batch was applied, [*inventory.RefusedError] when it was refused without a
// line to blame, and [*MisuseError] when no batch would be taken.
//
// https://shopify.dev/docs/api/admin-graphql/2026-10/mutations/inventorySetQuantities
func (c *Client) Set(ctx context.Context, batch inventory.Batch) ([]inventory.Outcome, error) {
	if len(batch.Changes) == 0 {
		return nil, nil
	}
	if err := c.checkBatch(setName, batch); err != nil {
		return nil, err
	}
	if verdicts := beyondRange(batch.Changes); len(verdicts) > 0 {
		return outcomes(batch.Changes, verdicts), nil
	}
	document := fmt.Sprintf("gid://stocksyncd/Cycle/%d", batch.Cycle)
	input := InventorySetQuantitiesInput{
		Name: quantityName, Reason: "correction", ReferenceDocumentUri: &document,
		Quantities: make([]InventoryQuantityInput, len(batch.Changes)),
	}
	for i, change := range batch.Changes {
		from := int(change.From)
		input.Quantities[i] = InventoryQuantityInput{
			InventoryItemId: change.Item.String(), LocationId: change.Location.String(),
			Quantity: int(change.To), ChangeFromQuantity: &from,
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, resendFor, errResend)
	defer cancel()
	o := c.writeSized(setName, len(batch.Changes))
	answer, err := setQuantities(ctx, o, input, batch.Key)
	if costly := (tooCostlyError{}); errors.As(err, &costly) && len(batch.Changes) > 1 {
		// Fewer lines cost less, and none is to blame.
		return nil, fmt.Errorf("%w: %w", err, &inventory.RefusedError{Code: codeTooCostly, Message: "the batch is too large"})
	}
	if err != nil {
		return nil, err
	}
	payload := answer.InventorySetQuantities
	switch {
	case payload == nil || payload.UserErrors == nil:
		return nil, o.unsure("the answer has no inventorySetQuantities.userErrors")
	case len(payload.UserErrors) > 0:
		return o.refused(batch.Changes, payload.UserErrors)
	}
	if err := o.confirm(batch.Changes, payload.InventoryAdjustmentGroup); err != nil {
		return nil, err
	}
	return outcomes(batch.Changes, nil), nil
}

func (o *operation) unsure(why string) error {
	return fmt.Errorf("%w: %w", o.said(why), inventory.ErrAnswerLost)
}

// refusedLate is the error for a refusal that came at a later try, and nil at
// the first one. What is refused may then be the repetition of a try that went
// through: a line is stale, and a level active already, by our own doing.
func (o *operation) refusedLate(words string) error {
	if !o.doubt {
		return nil
	}
	return o.unsure("refused at a later try: " + words)
}

// checkBatch finds the mistakes that would cost a whole batch.
func (c *Client) checkBatch(name string, batch inventory.Batch) error {
	mistake := ""
	pairs := make(map[inventory.Key]bool, len(batch.Changes))
	for _, change := range batch.Changes {
		if change.Store != c.store {
			mistake = change.String() + " is of another store"
		}
		if pairs[change.Key] {
			mistake = change.String() + " is in it twice"
		}
		pairs[change.Key] = true
	}
	switch {
	case strings.TrimSpace(batch.Key) == "":
		mistake = "it has no idempotency key"
	case len(batch.Changes) > inventory.BatchSize:
		mistake = fmt.Sprintf("it has %d lines, above %d", len(batch.Changes), inventory.BatchSize)
	}
	if mistake == "" {
		return nil
	}
	return fmt.Errorf("%s: %s: not sent: %s", c.api, name, mistake)
}

// verdict is what becomes of one line.
type verdict struct {
	result inventory.Result
	detail string
}

// beyondRange finds the figures that are no GraphQL Int: they would make the
// whole request invalid, with no line to blame.
func beyondRange(changes []inventory.Change) map[int]verdict {
	verdicts := map[int]verdict{}
	for i, change := range changes {
		for _, figure := range []inventory.Units{change.From, change.To} {
			code := InventorySetQuantitiesUserErrorCodeInvalidQuantityTooHigh
			if figure < 0 {
				code = InventorySetQuantitiesUserErrorCodeInvalidQuantityTooLow
			}
			if figure > math.MaxInt32 || figure < math.MinInt32 {
				verdicts[i] = verdict{inventory.Rejected, fmt.Sprintf("%s: %d was not sent", code, figure)}
			}
		}
	}
	return verdicts
}

// outcomes gives each change its verdict; the others were applied if there are
// none, and unsent if there are.
func outcomes(changes []inventory.Change, verdicts map[int]verdict) []inventory.Outcome {
	rest := inventory.Applied
	if len(verdicts) > 0 {
		rest = inventory.Unsent
	}
	list := make([]inventory.Outcome, len(changes))
	for i, change := range changes {
		list[i] = inventory.Outcome{Change: change, Result: rest}
		if v, ok := verdicts[i]; ok {
			list[i].Result, list[i].Detail = v.result, v.detail
		}
	}
	return list
}

// refused turns user errors into outcomes of the lines that they name.
func (o *operation) refused(changes []inventory.Change, problems []setError) ([]inventory.Outcome, error) {
	if err := o.refusedLate(o.client.text(string(codeOf(problems[0])) + ": " + problems[0].Message)); err != nil {
		return nil, err
	}
	verdicts := map[int]verdict{}
	var blameless *inventory.RefusedError
	for _, problem := range problems {
		code, message := string(codeOf(problem)), o.client.text(problem.Message)
		if err := o.whole(codeOf(problem), message); err != nil {
			return nil, err
		}
		line, ok := lineOf(problem.Field, len(changes))
		if !ok && len(changes) > 1 {
			blameless = &inventory.RefusedError{Code: o.client.text(code), Message: message}
			continue
		}
		v := verdict{inventory.Rejected, o.client.text(code) + ": " + message}
		if isStale(codeOf(problem)) {
			v.result = inventory.Stale
		}
		if verdicts[line].result != inventory.Rejected {
			verdicts[line] = v
		}
	}
	if len(verdicts) == 0 {
		return nil, fmt.Errorf("%w: %w", o.said("refused"), blameless)
	}
	return outcomes(changes, verdicts), nil
}

// whole gives the error for a code that concerns the request, not a line.
func (o *operation) whole(code InventorySetQuantitiesUserErrorCode, message string) error {
	switch code {
	case InventorySetQuantitiesUserErrorCodeInvalidName,
		InventorySetQuantitiesUserErrorCodeInvalidReason,
		InventorySetQuantitiesUserErrorCodeInvalidReferenceDocument,
		InventorySetQuantitiesUserErrorCodeIdempotencyKeyParameterMismatch,
		InventorySetQuantitiesUserErrorCodeNoDuplicateInventoryItemIdGroupIdPair,
		InventorySetQuantitiesUserErrorCodeCompareQuantityRequired:
		return fmt.Errorf("%w: %w", o.said("refused"), &MisuseError{Code: string(code), Message: message})
	case InventorySetQuantitiesUserErrorCodeIdempotencyConcurrentRequest,
		InventorySetQuantitiesUserErrorCodeIdempotencyPreviousAttemptFailed:
		return o.unsure(string(code) + ": " + message)
	default: // the line's, also where the code is new
		return nil
	}
}

func isStale(code InventorySetQuantitiesUserErrorCode) bool {
	return code == InventorySetQuantitiesUserErrorCodeChangeFromQuantityStale ||
		code == InventorySetQuantitiesUserErrorCodeCompareQuantityStale
}

func codeOf(problem setError) InventorySetQuantitiesUserErrorCode {
	if problem.Code == nil || *problem.Code == "" {
		return "UNKNOWN"
	}
	return *problem.Code
}

// lineOf reads the index in a path such as input, quantities, 7, locationId. It
// is 0 where there is none, or none that can be: a batch of one line needs none.
func lineOf(field []string, lines int) (int, bool) {
	for _, part := range field {
		if line, err := strconv.Atoi(part); err == nil && line >= 0 && line < lines {
			return line, true
		}
	}
	return 0, false
}

// confirm holds the answer to a write that went through against what was to be
// written. Where they differ the levels must be read: somebody wrote as well,
// or the answer is one that Shopify rebuilt for a repeated key.
//
// A batch that changes nothing is answered with no group at all.
func (o *operation) confirm(changes []inventory.Change, group *adjustment) error {
	written := map[inventory.Key]adjustmentChange{}
	if group != nil {
		for _, change := range group.Changes {
			if change.Name != quantityName || change.Item == nil || change.Location == nil {
				continue
			}
			item, errItem := inventory.ParseItemID(change.Item.Id)
			location, errLocation := inventory.ParseLocationID(change.Location.Id)
			if errItem == nil && errLocation == nil {
				written[inventory.Key{Store: o.client.store, Item: item, Location: location}] = change
			}
		}
	}
	for _, change := range changes {
		told, ok := written[change.Key]
		switch {
		case change.From == change.To:
		case !ok:
			return o.unsure(fmt.Sprintf("the answer does not confirm %s", change.Key))
		case inventory.Units(told.Delta) != change.To-change.From:
			return o.unsure(fmt.Sprintf("%s changed by %d instead of %d", change.Key, told.Delta, change.To-change.From))
		case told.QuantityAfterChange != nil && inventory.Units(*told.QuantityAfterChange) != change.To:
			return o.unsure(fmt.Sprintf("%s shows %d instead of %d", change.Key, *told.QuantityAfterChange, change.To))
		}
	}
	return nil
}
