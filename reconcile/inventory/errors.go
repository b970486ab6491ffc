package inventory

import (
	"errors"
	"fmt"
	"time"
)

// ErrAnswerLost reports a write whose answer never came: it may have been
// applied or not. The levels must be read before anything is planned on them.
var ErrAnswerLost = errors.New("the answer was lost; the write may have been applied")

// ErrIncomplete reports a read that ended before it had everything it
// promised. Nothing may be concluded from what did arrive.
var ErrIncomplete = errors.New("incomplete read")

// RefusedError reports a batch that was refused whole, without the line that
// is to blame: nothing of it was applied.
type RefusedError struct {
	Code    string
	Message string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("batch refused without naming a line: %s: %s", e.Code, e.Message)
}

// LineError reports that one line was refused for what it is.
type LineError struct {
	Code    string // "" where Shopify gives none
	Message string // Shopify's words
}

func (e *LineError) Error() string {
	if e.Code == "" {
		return "refused: " + e.Message
	}
	return fmt.Sprintf("refused: %s: %s", e.Code, e.Message)
}

// PauseError reports a failure that asking again soon would not mend or would
// make worse: a frozen shop, a missing scope, a long Retry-After.
type PauseError struct {
	For  time.Duration // leave the API alone this long
	Next string        // what the operator can do
	Err  error
}

func (e *PauseError) Error() string {
	if e.Next == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + ": " + e.Next
}

func (e *PauseError) Unwrap() error { return e.Err }
