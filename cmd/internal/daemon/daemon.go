package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/robfig/cron/v3"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// Cycler runs cycles, explains figures and lets held plans go, one call at a
// time. [*reconcile.Reconciler] is one.
type Cycler interface {
	Cycle(ctx context.Context, ask reconcile.Request) (*inventory.Report, error)
	Explain(ctx context.Context, ask reconcile.ExplainRequest) ([]inventory.Explanation, error)
	Figures(ctx context.Context, store inventory.StoreName) (*inventory.StoreFigures, error)
	Release(id string) (string, error)
	ReleaseAll(store inventory.StoreName) (string, error)
}

// Setup is what one reading of the config gives the daemon to work with.
type Setup struct {
	Cycler   Cycler
	Schedule cron.Schedule // of incremental cycles
	Full     cron.Schedule // of full cycles
	Path     string        // of the config
	Config   string        // digest of the config, so that a command can tell whether it speaks of the same one
	Memory   Memory
	// Activity grows with every answer that an API gives. A cycle that waits
	// for one page after another is alive although no step of it is done.
	Activity func() int
}

// Memory is the state file as status shows it.
type Memory interface {
	// Last is the report of the newest cycle, nil before the first.
	Last() (*inventory.Report, error)
	// Stores names the stores of the config with their modes.
	Stores() []StoreMode
	// Memory is what is kept of a store between cycles.
	Memory(store inventory.StoreName) (inventory.Memory, error)
	// Sold says of a store's ledger how many units it has sold that Katana does not
	// commit, and which orders Katana should have had long since, the oldest first.
	Sold(store inventory.StoreName, ledger *inventory.Ledger) (inventory.Units, []inventory.OverdueSale)
	// Lineage is a digest of the accounts that the state file is of.
	Lineage() (string, error)
}

// StoreMode is a store of the config and what may be done to it.
type StoreMode struct {
	Name inventory.StoreName
	Mode inventory.Mode
}

// Notifier tells the service manager how the daemon fares. Each method may be
// called from any goroutine.
type Notifier interface {
	Ready(status string)
	Reloading()
	Stopping()
	Status(text string)
	Alive() // feeds the watchdog
}

// Options is what [Run] works with.
type Options struct {
	// Load reads the config and builds a setup, at the start with nil and at a
	// reload with the running one, which stays in use when Load fails.
	Load   func(running *Setup) (*Setup, error)
	Socket string // path of the control socket; "" is none
	Notify Notifier
	// Watchdog is how often the service manager wants to hear of us; 0 is never.
	Watchdog time.Duration
	// Patience is how long a cycle may go without a step or an answer before
	// the watchdog is no longer fed. It must exceed the longest wait that an
	// API may ask for.
	Patience time.Duration
	Signals  <-chan os.Signal
	// Observe is told of every cycle, after it is logged.
	Observe func(ask reconcile.Request, report *inventory.Report, err error)
	// Compact makes the state file smaller when that is worth it, and tells how
	// many bytes it gave back. It is called after each full cycle that was due:
	// once a day, and never during a cycle.
	Compact func() (gave int64, err error)
	Now     func() time.Time
	Log     *slog.Logger
}

// ErrKilled reports that a second signal ended the daemon in the middle of a
// cycle. The next start settles what was under way.
var ErrKilled = errors.New("ended at once by a second signal; the next start settles what was under way")

// errStopped is the cause of a context that a signal cancelled.
var errStopped = errors.New("the daemon was asked to stop")

// daemon is one run of [Run].
type daemon struct {
	opts  Options
	inbox *inbox
	pulse *pulse
	since time.Time
	ended chan struct{} // closed when the loop has ended

	mu     sync.Mutex // the loop writes these, status and signals read them meanwhile
	setup  *Setup
	timing *timing
	last   *inventory.Report
	busy   inventory.Kind // of the cycle under way, "" between cycles
}

// Run loads the config, tells the service manager that it is ready, and runs
// cycles until ctx ends or a signal stops it; both are a nil error. A store or
// source that is down at the start does not stop it: the first cycle says so.
// An error of the first Load is returned as it is.
func Run(ctx context.Context, opts Options) error {
	setup, err := opts.Load(nil)
	if err != nil {
		return err
	}
	d := &daemon{opts: opts, inbox: newInbox(), setup: setup, since: opts.Now(), ended: make(chan struct{})}
	d.pulse = newPulse(opts, d.activity)
	d.timing = startTiming(setup, d.inbox.due, opts.Log)
	if d.last, err = setup.Memory.Last(); err != nil {
		opts.Log.Warn("the last report cannot be read", "err", err)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	closeControl := d.serveControl(ctx)
	go func() {
		defer close(d.ended)
		d.loop(ctx)
	}()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		d.pulse.watch(ctx)
	}()
	opts.Notify.Ready("ready; first cycle under way")
	d.open()
	if err := d.listen(stop); err != nil {
		return err
	}
	stop(nil)
	closeControl()
	<-watched
	return nil
}

// sameStop is how close two signals that ask to stop are one wish to stop:
// timeout(1) and some shells signal the process and then its group.
const sameStop = 200 * time.Millisecond

// listen handles signals until the loop has ended.
func (d *daemon) listen(stop context.CancelCauseFunc) error {
	var stopping time.Time // zero before the first signal that asks to
	for {
		select {
		case <-d.ended:
			return nil
		case sig := <-d.opts.Signals:
			d.opts.Log.Debug("signal", "signal", fmt.Sprint(sig))
			switch sig {
			case syscall.SIGUSR1:
				d.inbox.due(inventory.Full)
			case syscall.SIGUSR2:
				d.logDrift()
			case syscall.SIGHUP:
				d.inbox.reloadSoon()
			case syscall.SIGTERM, os.Interrupt:
				if now := d.opts.Now(); stopping.IsZero() {
					stopping = now
				} else if now.Sub(stopping) < sameStop {
					continue
				} else {
					return ErrKilled
				}
				d.opts.Log.Info("stopping", "signal", fmt.Sprint(sig))
				d.opts.Notify.Stopping()
				stop(errStopped)
			}
		}
	}
}

// loop does the work of the inbox, one piece at a time, until ctx ends.
func (d *daemon) loop(ctx context.Context) {
	defer func() { d.timing.stop() }()
	for ctx.Err() == nil {
		work := d.inbox.next()
		switch {
		case work.reload:
			_ = d.reload() // the log has it
		case work.task != nil:
			d.guarded(func() { work.task(ctx) })
		case work.kind != "":
			// What went wrong is in the log by then.
			_, _ = d.cycle(ctx, reconcile.Request{Kind: work.kind})
			if work.kind == inventory.Full && ctx.Err() == nil {
				d.guarded(d.compact)
			}
		default:
			d.idle(ctx)
		}
		d.pulse.beat()
		d.follow()
	}
	// Whoever still waits for an answer is told, so that no command hangs.
	for work := d.inbox.next(); work.task != nil; work = d.inbox.next() {
		d.guarded(func() { work.task(ctx) })
	}
}

// idle waits for work, and comes back in time to feed the watchdog and to look at
// the clock.
func (d *daemon) idle(ctx context.Context) {
	often := clockLook
	if d.opts.Watchdog > 0 {
		often = min(often, d.opts.Watchdog/2)
	}
	timer := time.NewTimer(often)
	defer timer.Stop()
	select {
	case <-d.inbox.wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// clockLook is how often an idle daemon looks whether the clock was set.
const clockLook = time.Minute

// follow begins the schedules anew when the clock was set back: they would wait
// until it has come round again.
func (d *daemon) follow() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.timing.late(d.setup, d.opts.Now()) {
		return
	}
	d.opts.Log.Warn("the clock of this machine was set back; the schedules go by the new time")
	d.timing.stop()
	d.timing = startTiming(d.setup, d.inbox.due, d.opts.Log)
}

// cycle runs one cycle and reports it. A panic becomes an error.
func (d *daemon) cycle(ctx context.Context, ask reconcile.Request) (report *inventory.Report, err error) {
	d.enter(ask.Kind)
	defer d.enter("")
	func() {
		defer func() {
			if p := recover(); p != nil {
				d.opts.Log.Error("a cycle panicked; the next one runs", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				err = fmt.Errorf("the cycle panicked: %v", p)
			}
		}()
		report, err = d.running().Cycler.Cycle(ctx, ask)
	}()
	if ctx.Err() != nil && (report == nil || report.Error != "") {
		d.opts.Log.Info("cycle stopped before its end", "kind", ask.Kind, "cause", context.Cause(ctx))
		return report, err
	}
	if report != nil {
		before := d.lastReport()
		// A look at one SKU does not say how things stand. This comes before the
		// log, so that whoever has read there how a cycle ended can ask for it.
		if ask.Store == "" && ask.SKU == "" && ask.Only == nil && ask.Undo == 0 && !ask.Dry {
			d.remember(report)
		}
		LogReport(d.opts.Log, report, before)
	}
	if err != nil && report == nil {
		d.opts.Log.Error("cycle failed", "kind", ask.Kind, "err", err)
	}
	if d.opts.Observe != nil {
		d.opts.Observe(ask, report, err)
	}
	d.opts.Notify.Status(d.statusLine(report, err))
	return report, err
}

// compact has the state file made smaller. One that stays large is as good.
func (d *daemon) compact() {
	if d.opts.Compact == nil {
		return
	}
	gave, err := d.opts.Compact()
	switch {
	case err != nil:
		d.opts.Log.Warn("the state file stays as large as it is", "err", err)
	case gave > 0:
		d.opts.Log.Info("the state file was made smaller", "bytes", gave)
	}
}

// guarded runs a task of the loop; a panic in it is logged, not passed on.
func (d *daemon) guarded(task func()) {
	defer func() {
		if p := recover(); p != nil {
			d.opts.Log.Error("a request panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	task()
}

// reload replaces the setup by one of the config as it is now.
func (d *daemon) reload() (err error) {
	d.opts.Notify.Reloading()
	status := "config read again"
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading the config panicked: %v", p)
		}
		if err != nil {
			d.opts.Log.Error("the config is wrong; the running one stays in use", "err", err)
			status = "the config is wrong, the running one stays in use: " + firstLine(err.Error())
		}
		d.opts.Notify.Ready(status)
	}()
	fresh, err := d.opts.Load(d.running())
	if err != nil {
		return err
	}
	timing := startTiming(fresh, d.inbox.due, d.opts.Log)
	d.timing.stop()
	d.mu.Lock()
	d.setup, d.timing = fresh, timing
	d.mu.Unlock()
	d.opts.Log.Info("config read again")
	d.open() // what the config changes is not left until a cycle is due
	return nil
}

func (d *daemon) running() *Setup {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.setup
}

func (d *daemon) activity() int {
	if s := d.running(); s.Activity != nil {
		return s.Activity()
	}
	return 0
}

func (d *daemon) enter(kind inventory.Kind) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy = kind
}

func (d *daemon) remember(report *inventory.Report) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = report
}

func (d *daemon) lastReport() *inventory.Report {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// logDrift writes the drift of the last cycle to the log, all of it.
func (d *daemon) logDrift() {
	report := d.lastReport()
	if report == nil {
		d.opts.Log.Info("no cycle has ended yet")
		return
	}
	LogReport(d.opts.Log, report, nil)
}

// statusLine is what systemctl status shows.
func (d *daemon) statusLine(report *inventory.Report, err error) string {
	next := d.timing.next()
	until := ""
	if !next.IsZero() {
		until = "; next " + next.UTC().Format("15:04:05 UTC")
	}
	if report == nil {
		return "last cycle failed: " + firstLine(fmt.Sprint(err)) + until
	}
	return Sentence(report) + until
}
