package shopify

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"time"
)

// Codes of top-level errors.
const (
	codeThrottled    = "THROTTLED"
	codeTooCostly    = "MAX_COST_EXCEEDED"
	codeAccessDenied = "ACCESS_DENIED"
	codeInternal     = "INTERNAL_SERVER_ERROR"
	codeShopInactive = "SHOP_INACTIVE"
)

// envelope is what every GraphQL answer has around its data.
type envelope struct {
	Data   json.RawMessage
	cost   cost
	errors []queryProblem
}

// queryProblem is one top-level error.
type queryProblem struct {
	Message string
	Path    []any
	Code    string
	Access  string // what ACCESS_DENIED asks for: "`read_orders` access scope."
}

// cost is extensions.cost: points, not always whole. Pointers are null or
// missing at times.
//
// https://shopify.dev/docs/api/usage/rate-limits
type cost struct {
	Requested *float64  `json:"requestedQueryCost"`
	Actual    *float64  `json:"actualQueryCost"`
	Throttle  *throttle `json:"throttleStatus"`
}

type throttle struct {
	Maximum float64 `json:"maximumAvailable"`
	Current float64 `json:"currentlyAvailable"`
	Restore float64 `json:"restoreRate"` // a second
}

var errNoAnswer = errors.New("the answer is not a GraphQL answer")

// parseEnvelope reads the answer to a GraphQL request. The forms that errors
// and extensions can take must not get in the way of the data.
func parseEnvelope(body []byte) (envelope, error) {
	var wire struct {
		Data       json.RawMessage `json:"data"`
		Errors     json.RawMessage `json:"errors"`
		Extensions json.RawMessage `json:"extensions"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return envelope{}, errNoAnswer
	}
	answer := envelope{Data: wire.Data, errors: parseErrors(wire.Errors), cost: parseCost(wire.Extensions)}
	if len(answer.errors) == 0 && isNull(answer.Data) {
		return answer, errNoAnswer
	}
	return answer, nil
}

func isNull(data json.RawMessage) bool { return len(data) == 0 || bytes.Equal(data, []byte("null")) }

// parseErrors reads errors: a list as GraphQL has it, or the string or object
// that stands there in answers of other layers.
func parseErrors(data json.RawMessage) (problems []queryProblem) {
	if isNull(data) {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(data, &list) != nil {
		return []queryProblem{{Message: plainText(data)}}
	}
	for _, entry := range list {
		var wire struct {
			Message    string `json:"message"`
			Path       []any  `json:"path"`
			Extensions struct {
				Code   string `json:"code"`
				Access string `json:"requiredAccess"`
			} `json:"extensions"`
		}
		if json.Unmarshal(entry, &wire) != nil || wire.Message == "" {
			wire.Message = plainText(entry)
		}
		problems = append(problems, queryProblem{
			Message: wire.Message, Path: wire.Path, Code: wire.Extensions.Code, Access: wire.Extensions.Access,
		})
	}
	return problems
}

func plainText(data json.RawMessage) string {
	var text string
	if json.Unmarshal(data, &text) == nil {
		return text
	}
	return string(data)
}

func parseCost(extensions json.RawMessage) cost {
	var wire struct {
		Cost cost `json:"cost"`
	}
	if isNull(extensions) || json.Unmarshal(extensions, &wire) != nil {
		return cost{}
	}
	for _, points := range []**float64{&wire.Cost.Requested, &wire.Cost.Actual} {
		if *points != nil && **points < 0 {
			*points = nil
		}
	}
	if t := wire.Cost.Throttle; t != nil && (t.Maximum <= 0 || t.Restore <= 0) {
		wire.Cost.Throttle = nil
	}
	return wire.Cost
}

func (e *envelope) has(code string) bool {
	for _, problem := range e.errors {
		if problem.Code == code {
			return true
		}
	}
	return false
}

// reached tells whether a mutation that answers with errors got as far as
// being carried out: it gives something back, or failed below its payload.
func (e *envelope) reached() bool {
	if len(e.errors) == 0 {
		return false
	}
	for _, problem := range e.errors {
		if len(problem.Path) > 1 && !isOperation(problem.Path[0]) {
			return true
		}
	}
	var fields map[string]json.RawMessage
	if isNull(e.Data) || json.Unmarshal(e.Data, &fields) != nil {
		return false
	}
	for _, payload := range fields {
		if !isNull(payload) {
			return true
		}
	}
	return false
}

// isOperation tells the paths of validation errors, which begin with the
// operation ("mutation setQuantities"), from those of execution errors.
func isOperation(first any) bool {
	text, ok := first.(string)
	return ok && (text == "query" || text == "mutation" ||
		len(text) > 6 && text[:6] == "query " || len(text) > 9 && text[:9] == "mutation ")
}

// inProgress tells whether a mutation was refused because one with the same
// idempotency key is under way.
func (e *envelope) inProgress() bool {
	if !bytes.Contains(e.Data, []byte(InventorySetQuantitiesUserErrorCodeIdempotencyConcurrentRequest)) {
		return false
	}
	var data setQuantitiesResponse
	if json.Unmarshal(e.Data, &data) != nil || data.InventorySetQuantities == nil {
		return false
	}
	for _, problem := range data.InventorySetQuantities.UserErrors {
		if codeOf(problem) == InventorySetQuantitiesUserErrorCodeIdempotencyConcurrentRequest {
			return true
		}
	}
	return false
}

// beyondBucket tells whether a throttled request costs more than the bucket
// ever holds: waiting would not help, a smaller page does.
func (e *envelope) beyondBucket() bool {
	return e.cost.Throttle != nil && e.cost.Requested != nil && *e.cost.Requested > e.cost.Throttle.Maximum
}

// throttledFor is how long the bucket takes to hold what was asked for, in
// whole seconds, at least one.
func (e *envelope) throttledFor(try int) time.Duration {
	t := e.cost.Throttle
	if t == nil || e.cost.Requested == nil {
		return blindWait(try)
	}
	seconds := math.Ceil((*e.cost.Requested - t.Current) / t.Restore)
	return time.Duration(min(max(seconds, 1), 3600)) * time.Second
}
