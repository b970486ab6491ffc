package daemon

import (
	"context"
	"errors"
	"strings"
	"sync"

	"stocksyncd/reconcile/inventory"
)

// most is how many requests of commands may wait at once: a person sends one
// or two, and a script that sends more is better told.
const most = 16

var errBusy = errors.New("too many requests wait for the daemon; try again when its cycle has ended")

// inbox is what waits for the loop. Cycles that are due and reloads are
// remembered, not counted: two signals during a cycle are one cycle after it.
type inbox struct {
	wake chan struct{} // holds one token while there may be work

	mu     sync.Mutex
	reload bool
	kind   inventory.Kind // of the cycle that is due, "" for none
	full   bool           // a full one follows the one that is due
	tasks  []func(context.Context)
}

// work is one piece of it: a reload, a task, a cycle, or nothing.
type work struct {
	reload bool
	task   func(context.Context)
	kind   inventory.Kind
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// due asks for a cycle. A full one covers an incremental one that waits.
func (b *inbox) due(kind inventory.Kind) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kind != inventory.Full {
		b.kind = kind
	}
	b.token()
}

// begin asks for a cycle, and perhaps for a full one after it.
func (b *inbox) begin(kind inventory.Kind, full bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kind != inventory.Full {
		b.kind, b.full = kind, full
	}
	b.token()
}

func (b *inbox) reloadSoon() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reload = true
	b.token()
}

// put asks for a task to be run by the loop.
func (b *inbox) put(task func(context.Context)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.tasks) >= most {
		return errBusy
	}
	b.tasks = append(b.tasks, task)
	b.token()
	return nil
}

func (b *inbox) token() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// next takes the next piece of work: a new config before all else, then what
// somebody waits for, then the schedule's cycle.
func (b *inbox) next() work {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.reload:
		b.reload = false
		return work{reload: true}
	case len(b.tasks) > 0:
		task := b.tasks[0]
		b.tasks = b.tasks[1:]
		return work{task: task}
	default:
		kind := b.kind
		b.kind = ""
		if b.full && kind != inventory.Full {
			b.kind = inventory.Full
		}
		b.full = false
		return work{kind: kind}
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
