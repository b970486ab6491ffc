package cli

import (
	"fmt"
	"sync"
)

// progress is one line on a terminal that says what a command is at.
type progress struct {
	mu    sync.Mutex
	a     *app
	shown bool
}

// newProgress shows nothing unless stderr is a terminal.
func (a *app) newProgress() *progress {
	return &progress{a: a, shown: false}
}

func (p *progress) step(step string) {
	if !p.a.Terminal(p.a.Stderr) || p.a.Getenv("TERM") == "dumb" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown = true
	_, _ = fmt.Fprintf(p.a.Stderr, "\r\x1b[K%s …", quoteCell(step))
}

// clear takes the line away before the result is written.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		p.shown = false
		_, _ = fmt.Fprint(p.a.Stderr, "\r\x1b[K")
	}
}
