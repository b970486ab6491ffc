package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/cmd/internal/web"
	"stocksyncd/configs"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/state"
	"stocksyncd/systemd"
)

// patience is how long a cycle may show no sign of life before the watchdog
// is no longer fed: twice what one request with all its waits may take.
const patience = 10 * time.Minute

func (a *app) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the daemon: cycles on schedule, signals, status page",
		Long: `Run cycles on the schedules of the config until a signal ends it. A store or
Katana being down does not end the daemon; only a wrong config (2) or a state file
that another process holds (1) do.

Signals:
  SIGUSR1          a full cycle now; during a cycle, right after it
  SIGUSR2          the current drift report to the log
  SIGHUP           read the config again; a wrong one is refused and the old one stays
  SIGTERM, SIGINT  stop between two batches; a second one ends at once` + exitStatus(
			"0 stopped by a signal", "1 the state file is held or cannot be used", "2 usage or config"),
		Example: `  stocksyncd run
  stocksyncd run --config /etc/stocksyncd/config.yaml
  systemctl kill -s USR1 stocksyncd`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			path, err := a.configPath()
			if err != nil {
				return err
			}
			signals, stop := a.Signals(syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGHUP, syscall.SIGTERM, os.Interrupt)
			defer stop()
			return a.runDaemon(cmd.Context(), running{path: path, signals: signals})
		}),
	}
}

// running is what run and demo ask of the daemon.
type running struct {
	path    string // of the config
	signals <-chan os.Signal
	observe func(ask reconcile.Request, report *inventory.Report, err error) // may be nil
	page    func(url string)                                                 // told where the status page is; may be nil
}

// leanGC is how much garbage there may be beside what is in use, in percent, in
// place of Go's 100. What the daemon knows of a large shop stays as it is, and a
// quiet cycle makes half a megabyte of garbage: so collecting it sooner costs
// next to no time, and a million levels take half the memory.
const leanGC = 10

// lean has memory given back sooner, unless GOGC says what is wanted, and gives
// what undoes it.
func lean(getenv func(string) string) (undo func()) {
	if getenv("GOGC") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(leanGC)
	return func() { debug.SetGCPercent(before) }
}

// runDaemon runs the daemon until a signal or ctx ends it.
func (a *app) runDaemon(ctx context.Context, what running) error {
	defer lean(a.Getenv)()
	cfg, err := configs.Load(what.path)
	if err != nil {
		return usageError{err}
	}
	level := new(slog.LevelVar)
	log := a.newLog(cfg, level)
	store, err := a.openState(cfg)
	if err != nil {
		return err
	}
	for _, note := range store.Notes() {
		log.Warn("state file", "note", note)
	}
	page := &statusPage{ctx: ctx, site: web.New(thisBuild().Version, a.Now()), log: log, tell: what.page}
	defer page.close(ctx)
	loader := &loader{a: a, path: what.path, store: store, statePath: cfg.State.Path, log: log, level: level, page: page}
	err = daemon.Run(ctx, daemon.Options{
		Load: loader.load, Socket: socketPath(cfg), Notify: systemd.Notifier{Log: log}, Watchdog: systemd.WatchdogInterval(), Patience: patience,
		Signals: what.signals, Compact: store.Compact, Now: a.Now, Log: log,
		Observe: func(ask reconcile.Request, report *inventory.Report, err error) {
			page.site.Observe(ask, report, err)
			if what.observe != nil {
				what.observe(ask, report, err)
			}
		},
	})
	if errors.Is(err, daemon.ErrKilled) {
		return err // the state file is in use; the end of the process closes it
	}
	return errors.Join(err, store.Close())
}

// loader builds the daemon's setups, at the start and at each reload.
type loader struct {
	a         *app
	path      string
	store     *state.Store
	statePath string
	log       *slog.Logger
	level     *slog.LevelVar
	page      *statusPage
}

// load reads the config again and puts the program together anew around the
// state file, which stays open and locked.
func (l *loader) load(before *daemon.Setup) (*daemon.Setup, error) {
	cfg, err := configs.Load(l.path)
	if err != nil {
		return nil, usageError{err}
	}
	if cfg.State.Path != l.statePath {
		return nil, usageError{fmt.Errorf("state.path: %s is in use since the start; restart the daemon to move to %s", l.statePath, cfg.State.Path)}
	}
	l.level.Set(logLevel(cfg))
	rig, err := l.a.assemble(cfg, l.store, l.log, func(step string) { l.log.Debug("step", "step", step) })
	if err != nil {
		return nil, err
	}
	if !cfg.ModeNamed {
		l.log.Warn(modeNote)
	}
	l.page.move(cfg.Status.Listen)
	setup := rig.setup()
	if before == nil {
		l.log.Info("starting", "version", thisBuild().Version, "config", l.path, "stores", storeNames(cfg),
			"schedule", cfg.Sync.Schedule, "full_schedule", cfg.Sync.FullSchedule)
	}
	return setup, nil
}
