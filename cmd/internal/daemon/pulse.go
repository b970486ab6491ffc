package daemon

import (
	"context"
	"sync"
	"time"
)

// pulse feeds the service manager's watchdog while the loop gets on. It is
// not a free ticker: without a beat of the loop, a step of a cycle or an
// answer of an API for longer than the patience, it falls silent and the
// service manager restarts us.
type pulse struct {
	every, patience time.Duration
	now             func() time.Time
	alive           func()
	activity        func() int

	mu   sync.Mutex
	last time.Time // of progress
	seen int       // activity by then
}

func newPulse(opts Options, activity func() int) *pulse {
	return &pulse{
		every: opts.Watchdog, patience: opts.Patience,
		now: opts.Now, alive: opts.Notify.Alive, activity: activity, last: opts.Now(),
	}
}

// beat notes progress.
func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = p.now()
}

// watch feeds the watchdog twice per interval until ctx ends. A cycle that is
// being stopped has the service manager's stop timeout instead.
func (p *pulse) watch(ctx context.Context) {
	if p.every <= 0 {
		return
	}
	ticker := time.NewTicker(p.every / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if p.getsOn() {
				p.alive()
			}
		case <-ctx.Done():
			return
		}
	}
}

func (p *pulse) getsOn() bool {
	activity := p.activity()
	p.mu.Lock()
	defer p.mu.Unlock()
	if activity != p.seen {
		p.seen, p.last = activity, p.now()
	}
	return p.now().Sub(p.last) <= p.patience
}
