package daemon

import (
	"log/slog"
	"time"

	"github.com/robfig/cron/v3"

	"stocksyncd/reconcile/inventory"
)

// timing is the two schedules of one setup. Their jobs only tell the inbox
// that a cycle is due; the loop runs it, so that cycles cannot overlap.
type timing struct {
	cron              *cron.Cron
	incremental, full cron.EntryID
}

// startTiming starts both schedules of a setup.
func startTiming(s *Setup, due func(inventory.Kind), log *slog.Logger) *timing {
	logger := cronLog{log}
	// The first wrapper is the outermost. SkipIfStillRunning does not give its
	// token back when the job panics, so Recover has to be inside of it.
	c := cron.New(cron.WithLocation(time.UTC), cron.WithLogger(logger),
		cron.WithChain(cron.SkipIfStillRunning(logger), cron.Recover(logger)))
	t := &timing{cron: c}
	t.incremental = c.Schedule(s.Schedule, cron.FuncJob(func() { due(inventory.Incremental) }))
	t.full = c.Schedule(s.Full, cron.FuncJob(func() { due(inventory.Full) }))
	c.Start()
	return t
}

// stop ends both schedules. Their jobs take no time, so neither does this.
func (t *timing) stop() { <-t.cron.Stop().Done() }

// next is the time of the next cycle by either schedule; zero for none.
func (t *timing) next() time.Time {
	next, full := t.nextOf(t.incremental), t.nextOf(t.full)
	if next.IsZero() || (!full.IsZero() && full.Before(next)) {
		return full
	}
	return next
}

// late tells whether a schedule waits for a later time than it would if it began
// now. One that is counted off from now on cannot.
func (t *timing) late(s *Setup, now time.Time) bool {
	return t.nextOf(t.incremental).After(s.Schedule.Next(now)) || t.nextOf(t.full).After(s.Full.Next(now))
}

func (t *timing) nextOf(id cron.EntryID) time.Time { return t.cron.Entry(id).Next }

// cronLog passes what cron has to say to our log; its routine is debug.
type cronLog struct{ log *slog.Logger }

func (l cronLog) Info(message string, pairs ...any) {
	l.log.Debug("schedule: "+message, pairs...) //nolint:sloglint // the message is cron's
}

func (l cronLog) Error(err error, message string, pairs ...any) {
	l.log.Error("schedule: "+message, append(pairs, "err", err)...) //nolint:sloglint // the message is cron's
}
