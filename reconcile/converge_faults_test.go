package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// fault is what befalls one call of a cycle.
type fault string

const (
	failed    fault = "failed"     // it has no effect and says so
	cut       fault = "cut"        // it ended before it was through
	lost      fault = "lost"       // it has its effect, and the answer does not come
	unsent    fault = "unsent"     // it has no effect, and the answer does not come
	untold    fault = "untold"     // a feed cannot tell what changed
	killed    fault = "killed"     // the process ends before it
	killedNow fault = "killed now" // the process ends after it
	cancelled fault = "cancelled"  // the daemon is told to stop before it
)

var errKilled = errors.New("the process is gone")

// trouble has one call of a cycle go wrong: the nth of the calls of one kind. A
// process that was killed does nothing more.
type trouble struct {
	mu     sync.Mutex
	what   fault
	of     string // the source, a store, or the journal
	nth    int
	dead   bool
	struck string // the call that went wrong
	cancel context.CancelFunc
}

// over is the end of it.
func (tr *trouble) over() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.what, tr.dead, tr.struck = "", false, ""
}

// strikes tells what befalls a call.
func (tr *trouble) strikes(of, call string) (fault, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.dead {
		return "", errKilled
	}
	if tr.what == "" || tr.of != of {
		return "", nil
	}
	if tr.nth--; tr.nth != 0 {
		return "", nil
	}
	tr.struck = fmt.Sprint(of, " ", call)
	switch tr.what {
	case killed:
		tr.dead = true
		return "", errKilled
	case killedNow, failed, cut, lost, unsent, untold:
		return tr.what, nil
	case cancelled:
		tr.cancel()
	}
	return "", nil
}

// ends is the end of the process after a call.
func (tr *trouble) ends() error {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.dead = true
	return errKilled
}

// through makes a call that may go wrong. A read that was cut gives nothing.
func through[T any](ctx context.Context, tr *trouble, of, call string, do func() (T, error)) (got T, err error) {
	var none T
	what, err := tr.strikes(of, call)
	if err != nil {
		return none, err
	}
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	switch what {
	case failed:
		return none, errCut
	case cut:
		return none, fmt.Errorf("%s: %w", call, inventory.ErrIncomplete)
	case unsent:
		return none, fmt.Errorf("%s: %w", call, inventory.ErrAnswerLost)
	case untold:
		return none, &inventory.FeedError{Feed: "all", Why: "it is too long"}
	case lost:
		if _, err = do(); err == nil {
			err = fmt.Errorf("%s: %w", call, inventory.ErrAnswerLost)
		}
		return none, err
	case killedNow:
		_, _ = do()
		return none, tr.ends()
	case killed, cancelled:
	}
	return do()
}

// shaky is a state file some of whose calls go wrong. What it refuses is not in
// it, but for a part of Katana, of which some variants may be.
type shaky struct {
	reconcile.Journal
	*trouble
}

func (j *shaky) do(store inventory.StoreName, call string, do func() error) error {
	of := "journal"
	if store != "" {
		of += " of " + string(store) // stores record side by side
	}
	_, err := through(context.Background(), j.trouble, of, call, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

func (j *shaky) Begin() (cycle uint64, err error) {
	err = j.do("", "begin", func() (err error) {
		cycle, err = j.Journal.Begin()
		return err
	})
	return cycle, err
}

func (j *shaky) Read(part inventory.SourceRead) error {
	j.mu.Lock()
	half := j.what == cut && j.of == "journal" && j.nth == 1
	j.mu.Unlock()
	if n := len(part.Variants); half && n > 1 {
		some := inventory.SourceRead{Variants: part.Variants[:n/2], Read: map[inventory.SourceVariantID]time.Time{}}
		for _, v := range some.Variants {
			if at, read := part.Read[v.ID]; read {
				some.Read[v.ID] = at
			}
			for _, row := range part.Stock {
				if row.Variant == v.ID {
					some.Stock = append(some.Stock, row)
				}
			}
		}
		if err := j.Journal.Read(some); err != nil {
			return err
		}
	}
	return j.do("", "read", func() error { return j.Journal.Read(part) })
}

func (j *shaky) Observe(name inventory.StoreName, seen inventory.Observation) error {
	return j.do(name, "observe", func() error { return j.Journal.Observe(name, seen) })
}

func (j *shaky) Intend(intent inventory.Intent) (id uint64, err error) {
	err = j.do(intent.Store, "intend", func() (err error) {
		id, err = j.Journal.Intend(intent)
		return err
	})
	return id, err
}

func (j *shaky) Settle(name inventory.StoreName, found inventory.Settled) error {
	return j.do(name, "settle", func() error { return j.Journal.Settle(name, found) })
}

func (j *shaky) Finish(end inventory.Finish) error {
	return j.do("", "finish", func() error { return j.Journal.Finish(end) })
}
