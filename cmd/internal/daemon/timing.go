package daemon

import (
	"fmt"
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

// startTiming parses both schedules and starts them.
func startTiming(s *Setup, due func(inventory.Kind), log *slog.Logger) (*timing, error) {
	zone := s.Zone
	if zone == nil {
		zone = time.UTC
	}
	incremental, err := ParseSchedule(s.Schedule)
	if err != nil {
		return nil, fmt.Errorf("sync.schedule: %w", err)
	}
	full, err := ParseSchedule(s.Full)
	if err != nil {
		return nil, fmt.Errorf("sync.full_schedule: %w", err)
	}
	logger := cronLog{log}
	// The first wrapper is the outermost. SkipIfStillRunning does not give its
	// token back when the job panics, so Recover has to be inside of it.
	c := cron.New(cron.WithLocation(zone), cron.WithLogger(logger),
		cron.WithChain(cron.SkipIfStillRunning(logger), cron.Recover(logger)))
	t := &timing{cron: c}
	t.incremental = c.Schedule(incremental, cron.FuncJob(func() { due(inventory.Incremental) }))
	t.full = c.Schedule(full, cron.FuncJob(func() { due(inventory.Full) }))
	c.Start()
	return t, nil
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

func (t *timing) nextOf(id cron.EntryID) time.Time { return t.cron.Entry(id).Next }

// ParseSchedule reads a cron expression of five fields or @every. A schedule
// that never comes is an error.
func ParseSchedule(spec string) (schedule cron.Schedule, err error) {
	// The parser panics on a time zone without a schedule.
	defer func() {
		if recover() != nil {
			schedule, err = nil, fmt.Errorf("%q is not a schedule", spec)
		}
	}()
	schedule, err = cron.ParseStandard(spec)
	if err != nil {
		return nil, fmt.Errorf("%q is not a schedule: %w", spec, err)
	}
	if schedule.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("%q never comes", spec)
	}
	return schedule, nil
}

// cronLog passes what cron has to say to our log; its routine is debug.
type cronLog struct{ log *slog.Logger }

func (l cronLog) Info(message string, pairs ...any) {
	l.log.Debug("schedule: "+message, pairs...) //nolint:sloglint // the message is cron's
}

func (l cronLog) Error(err error, message string, pairs ...any) {
	l.log.Error("schedule: "+message, append(pairs, "err", err)...) //nolint:sloglint // the message is cron's
}
