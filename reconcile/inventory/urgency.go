package inventory

import "context"

// Urgency is how much a request to an API matters beside the others that wait
// for the same budget.
type Urgency int

// The urgencies, the most urgent first.
const (
	Writing  Urgency = iota // a write, and a read without which it cannot be sent
	Asked                   // somebody waits for the answer
	Hot                     // what has changed, or is about to be written
	Hearing                 // a feed: whether anything has changed
	Sweeping                // what nothing speaks of
)

type urgencyKey struct{}

// WithUrgency has the requests made under the context wait with an urgency.
func WithUrgency(ctx context.Context, urgency Urgency) context.Context {
	return context.WithValue(ctx, urgencyKey{}, urgency)
}

// UrgencyOf is the urgency of the requests made under a context; [Hot] where
// none was given.
func UrgencyOf(ctx context.Context) Urgency {
	if urgency, ok := ctx.Value(urgencyKey{}).(Urgency); ok {
		return urgency
	}
	return Hot
}
