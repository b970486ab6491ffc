package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/configs"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/state"
)

// session is the engine as a command reaches it: put together here, or the one
// of the running daemon, which holds the state file.
type session interface {
	Cycle(ctx context.Context, ask daemon.CycleAsk) (*inventory.Report, error)
	Explain(ctx context.Context, ask daemon.ExplainAsk) ([]inventory.Explanation, error)
	Figures(ctx context.Context, ask daemon.FiguresAsk) (*inventory.StoreFigures, error)
	Release(ctx context.Context, ask daemon.ReleaseAsk) (string, error)
	Status(ctx context.Context) (*daemon.Status, error)
}

// local is a session of our own.
type local struct{ rig *rig }

func (l local) Cycle(ctx context.Context, ask daemon.CycleAsk) (*inventory.Report, error) {
	return ask.Cycle(ctx, l.rig.setup(), l.rig.reconciler.Cycle)
}

func (l local) Explain(ctx context.Context, ask daemon.ExplainAsk) ([]inventory.Explanation, error) {
	return ask.Explain(ctx, l.rig.setup())
}

func (l local) Figures(ctx context.Context, ask daemon.FiguresAsk) (*inventory.StoreFigures, error) {
	return ask.Figures(ctx, l.rig.setup())
}

func (l local) Release(_ context.Context, ask daemon.ReleaseAsk) (string, error) {
	if ask.ID != "" {
		return l.rig.reconciler.Release(ask.ID)
	}
	return l.rig.reconciler.ReleaseAll(ask.Store)
}

func (l local) Status(context.Context) (*daemon.Status, error) { return daemon.Describe(l.rig.setup()) }

// open gives a session for the config: the daemon's when it holds the state
// file, else our own around what opens it. closing lets go of it.
func (a *app) open(cfg *configs.Config, openState func(*configs.Config) (*state.Store, error), progress *progress) (s session, closing func() error, err error) {
	store, err := openState(cfg)
	var locked *state.LockedError
	if errors.As(err, &locked) {
		progress.step("asking the running daemon")
		return daemon.NewClient(socketPath(cfg)), func() error { return nil }, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for _, note := range store.Notes() {
		_, _ = fmt.Fprintln(a.Stderr, quoteLines(note))
	}
	rig, err := a.assemble(cfg, store, a.quietLog(cfg), progress.step)
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return local{rig}, store.Close, nil
}

// with opens a session, gives it to do, and lets go of it. A signal cancels the
// context of do.
func (a *app) with(ctx context.Context, cfg *configs.Config, do func(context.Context, session) error) error {
	return a.around(ctx, cfg, a.openState, do)
}

// look is with for a question: what do does leaves no trace in the state file,
// which is neither made nor set aside, brought up to date or bound to accounts.
func (a *app) look(ctx context.Context, cfg *configs.Config, do func(context.Context, session) error) error {
	return a.around(ctx, cfg, a.lookAtState, do)
}

func (a *app) around(ctx context.Context, cfg *configs.Config, openState func(*configs.Config) (*state.Store, error), do func(context.Context, session) error) error {
	progress := a.newProgress()
	defer progress.clear()
	session, closing, err := a.open(cfg, openState, progress)
	if err != nil {
		return err
	}
	ctx, cancel := a.interruptible(ctx)
	defer cancel()
	return explainLocked(cfg, explainOther(cfg, errors.Join(do(ctx, session), closing())))
}

// explainOther says what to do about a daemon that runs another config: a
// reload only helps when it is the same file, edited since.
func explainOther(cfg *configs.Config, err error) error {
	var other *daemon.OtherConfigError
	switch {
	case !errors.As(err, &other):
		return err
	case sameFile(other.Path, cfg.Path):
		return errors.New("the running daemon has not read this config yet; run `stocksyncd reload` first")
	}
	return usageError{errors.New(otherFile(cfg, other.Path))}
}

// otherFile says that the daemon which holds the state file runs another file.
func otherFile(cfg *configs.Config, path string) string {
	return fmt.Sprintf("the daemon that holds %s runs %s, not %s; name that one with --config, or give this one a state.path of its own",
		cfg.State.Path, path, absolute(cfg.Path))
}

// absolute is a path that means the same in every folder.
func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// sameFile tells whether two paths lead to one file.
func sameFile(a, b string) bool {
	one, errOne := os.Stat(a)
	two, errTwo := os.Stat(b)
	return absolute(a) == absolute(b) || errOne == nil && errTwo == nil && os.SameFile(one, two)
}

// explainLocked adds what it means that the state file is locked and nobody
// answers at the socket beside it.
func explainLocked(cfg *configs.Config, err error) error {
	if errors.Is(err, daemon.ErrNoDaemon) {
		return fmt.Errorf("%s is held by another process, which does not answer commands: a daemon that starts or ends, or another command: try again", cfg.State.Path)
	}
	return err
}

// socketPath is where the daemon of a config answers commands: beside its
// state file, the one place that both sides know from the config alone.
func socketPath(cfg *configs.Config) string { return cfg.State.Path + ".sock" }
