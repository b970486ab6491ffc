package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/robfig/cron/v3"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// fake is a cycler and a service manager that note what they are told.
type fake struct {
	mu        sync.Mutex
	cycles    []reconcile.Request
	explained []reconcile.ExplainRequest
	released  []string
	said      []string // by the notifier
	alive     int
	running   int
	cycle     func(ctx context.Context, ask reconcile.Request) (*inventory.Report, error)
}

func (f *fake) Cycle(ctx context.Context, ask reconcile.Request) (*inventory.Report, error) {
	f.mu.Lock()
	f.running++
	if f.running > 1 {
		panic("two cycles overlap")
	}
	f.cycles = append(f.cycles, ask)
	n := len(f.cycles)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.running--
		f.mu.Unlock()
	}()
	if f.cycle != nil {
		return f.cycle(ctx, ask)
	}
	return &inventory.Report{Cycle: uint64(n), Kind: ask.Kind}, nil //nolint:gosec // a small count
}

// Figures tells of one level of the store that is asked for.
func (f *fake) Figures(_ context.Context, store inventory.StoreName) (*inventory.StoreFigures, error) {
	return &inventory.StoreFigures{Levels: []inventory.LevelFigure{{Key: inventory.Key{Store: store, Item: 1, Location: 2}, SKU: "MUG", Observed: 4, Target: 7}}}, nil
}

// Explain finds every SKU but one, which a store that is down keeps to itself.
func (f *fake) Explain(_ context.Context, ask reconcile.ExplainRequest) ([]inventory.Explanation, error) {
	f.explained = append(f.explained, ask)
	found := []inventory.Explanation{{Store: "main", SKU: ask.SKU, Item: 1, LocationID: 7, Observed: 3, Target: 3}}
	if ask.SKU == "HALF" {
		return found, errors.New("store outlet: the shop is frozen")
	}
	return found, nil
}

func (f *fake) Release(id string) (string, error) {
	f.released = append(f.released, id)
	return "let go of " + id, nil
}

func (f *fake) ReleaseAll(store inventory.StoreName) (string, error) {
	f.released = append(f.released, "all of "+string(store))
	return "let go of all", nil
}

func (f *fake) say(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.said = append(f.said, what)
}

func (f *fake) Ready(status string) { f.say("ready: " + status) }
func (f *fake) Reloading()          { f.say("reloading") }
func (f *fake) Stopping()           { f.say("stopping") }
func (f *fake) Status(string)       {}
func (f *fake) Alive() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.alive++
}

func (f *fake) kinds() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var kinds []string
	for _, c := range f.cycles {
		kinds = append(kinds, string(c.Kind))
	}
	return strings.Join(kinds, " ")
}

func (f *fake) fed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.alive
}

// forgetful is a state file without a past.
type forgetful struct{}

func (forgetful) Last() (*inventory.Report, error) { return nil, nil }
func (forgetful) Stores() []StoreMode              { return []StoreMode{{"main", inventory.ModeApply}} }
func (forgetful) Lineage() (string, error)         { return "accounts", nil }
func (forgetful) Sold(inventory.StoreName, *inventory.Ledger) (inventory.Units, []inventory.OverdueSale) {
	return 0, nil
}
func (forgetful) Memory(inventory.StoreName) (inventory.Memory, error) {
	return inventory.Memory{Holds: []inventory.Hold{{ID: "main-3"}}}, nil
}

// mindful is a state file that knows the stores by their last look at all of
// them; the zero time is none.
type mindful struct {
	forgetful
	stores []StoreMode
	whole  map[inventory.StoreName]time.Time
	err    error
}

func (m mindful) Stores() []StoreMode { return m.stores }
func (m mindful) Memory(store inventory.StoreName) (inventory.Memory, error) {
	return inventory.Memory{Look: inventory.Look{Whole: m.whole[store]}}, m.err
}

// bench is a daemon under test.
type bench struct {
	*fake
	signals chan os.Signal
	log     *bytes.Buffer // read only after the daemon has ended or while it is idle
	opts    Options
	ended   chan error
}

func newBench(setup *Setup) *bench {
	b := &bench{fake: &fake{}, signals: make(chan os.Signal, 8), log: &bytes.Buffer{}, ended: make(chan error, 1)}
	setup.Cycler, setup.Memory = b.fake, forgetful{}
	b.opts = Options{
		Load:   func(*Setup) (*Setup, error) { return setup, nil },
		Notify: b.fake, Signals: b.signals, Now: time.Now, Patience: 10 * time.Minute,
		Log: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
	return b
}

func (b *bench) start(ctx context.Context) { go func() { b.ended <- Run(ctx, b.opts) }() }

func (b *bench) stop(t *testing.T) {
	t.Helper()
	b.signals <- syscall.SIGTERM
	if err := <-b.ended; err != nil {
		t.Errorf("the daemon ended with %v, want nil", err)
	}
}

func hourly() *Setup {
	return &Setup{Schedule: cron.Every(10 * time.Minute), Full: cron.Every(1 * time.Hour), Path: "/etc/stocksyncd/config.yaml", Config: "digest"}
}

func TestTheDaemonBeginsWithoutReadingWhatItKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		ago := func(span time.Duration) time.Time { return now.Add(-span) }
		both := []StoreMode{{"main", inventory.ModeApply}, {"outlet", inventory.ModeReport}}
		daily := cron.Every(24 * time.Hour)
		missed := ago(time.Hour)
		for _, test := range []struct {
			name   string
			memory mindful
			first  inventory.Kind
			missed time.Time
		}{
			{"all stores are known", mindful{stores: both, whole: map[inventory.StoreName]time.Time{"main": ago(2 * time.Hour), "outlet": ago(time.Hour)}}, inventory.Incremental, time.Time{}},
			{"one store is new", mindful{stores: both, whole: map[inventory.StoreName]time.Time{"main": ago(time.Hour)}}, inventory.Full, time.Time{}},
			{
				"the new one is switched off",
				mindful{stores: []StoreMode{{"main", inventory.ModeApply}, {"outlet", inventory.ModeOff}}, whole: map[inventory.StoreName]time.Time{"main": ago(time.Hour)}},
				inventory.Incremental, time.Time{},
			},
			{"a full cycle was missed", mindful{stores: both, whole: map[inventory.StoreName]time.Time{"main": ago(25 * time.Hour), "outlet": ago(time.Hour)}}, inventory.Incremental, missed},
			{"one is due at this moment", mindful{stores: both, whole: map[inventory.StoreName]time.Time{"main": ago(24 * time.Hour), "outlet": now}}, inventory.Incremental, now},
			{"the state file cannot be read", mindful{stores: both, err: errors.New("a bad page")}, inventory.Full, time.Time{}},
		} {
			first, missed := opening(&Setup{Memory: test.memory, Full: daily}, now)
			if first != test.first || !missed.Equal(test.missed) {
				t.Errorf("%s: got %s and %s, want %s and %s", test.name, first, missed, test.first, test.missed)
			}
		}
	})
}

func TestAFullCycleThatWasMissedFollowsTheFirstOfARestart(t *testing.T) {
	for _, test := range []struct {
		name string
		away time.Duration
		want string
	}{
		{"half an hour away", 30 * time.Minute, "incremental incremental"},
		{"two hours away", 2 * time.Hour, "incremental full incremental"},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(hourly())
			known := b.opts.Load
			whole := time.Now().Add(-test.away)
			b.opts.Load = func(running *Setup) (*Setup, error) {
				s, err := known(running)
				s.Memory = mindful{stores: []StoreMode{{"main", inventory.ModeApply}}, whole: map[inventory.StoreName]time.Time{"main": whole}}
				return s, err
			}
			b.start(t.Context())
			<-time.After(15 * time.Minute)
			if got := b.kinds(); got != test.want {
				t.Errorf("%s: %s, want %s", test.name, got, test.want)
			}
			b.signals <- syscall.SIGUSR1
			<-time.After(time.Second)
			if got, want := b.kinds(), test.want+" full"; got != want {
				t.Errorf("%s, after a signal: %s, want %s", test.name, got, want)
			}
			whole = time.Now() // as that cycle leaves it
			b.signals <- syscall.SIGHUP
			<-time.After(time.Second)
			if got, want := b.kinds(), test.want+" full incremental"; got != want {
				t.Errorf("%s, after a reload: %s, want %s", test.name, got, want)
			}
			b.stop(t)
			if got, want := strings.Contains(b.log.String(), "a full cycle was missed"), test.away > time.Hour; got != want {
				t.Errorf("%s: the log speaks of a missed cycle: %t, want %t\n%s", test.name, got, want, b.log)
			}
		})
	}
}

func TestAFullCycleThatIsAskedForMeanwhileIsTheOneThatWasMissed(t *testing.T) {
	b := newInbox()
	b.due(inventory.Full)
	b.begin(inventory.Incremental, true)
	for i, want := range []inventory.Kind{inventory.Full, ""} {
		if got := b.next().kind; got != want {
			t.Errorf("cycle %d: got %q, want %q", i+1, got, want)
		}
	}
}

func TestANewStateFileBeginsWithAFullCycleAndThenTheSchedules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(hourly())
		b.start(t.Context())
		<-time.After(35 * time.Minute)
		if got, want := b.kinds(), "full incremental incremental incremental"; got != want {
			t.Errorf("after 35 minutes: %s, want %s", got, want)
		}
		b.stop(t)
		if got := b.said[0]; !strings.HasPrefix(got, "ready") {
			t.Errorf("first word to the service manager: %q, want ready", got)
		}
	})
}

func TestSignalsDuringACycleRunOneCycleAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(&Setup{Schedule: cron.Every(1 * time.Hour), Full: cron.Every(24 * time.Hour)})
		b.cycle = func(ctx context.Context, ask reconcile.Request) (*inventory.Report, error) {
			<-time.After(5 * time.Minute)
			return &inventory.Report{Kind: ask.Kind}, nil
		}
		b.start(t.Context())
		<-time.After(time.Minute)
		for range 3 {
			b.signals <- syscall.SIGUSR1
		}
		<-time.After(30 * time.Minute)
		if got, want := b.kinds(), "full full"; got != want {
			t.Errorf("cycles: %s, want %s", got, want)
		}
		b.stop(t)
	})
}

func TestAScheduleFasterThanItsCyclesNeverOverlapsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(&Setup{Schedule: cron.Every(30 * time.Second), Full: cron.Every(24 * time.Hour)})
		b.cycle = func(ctx context.Context, ask reconcile.Request) (*inventory.Report, error) {
			<-time.After(100 * time.Second)
			return &inventory.Report{Kind: ask.Kind}, nil
		}
		b.start(t.Context())
		<-time.After(time.Hour)
		// The fake panics when two overlap, and the log would have it.
		if got, want := len(strings.Fields(b.kinds())), 36; got < want {
			t.Errorf("%d cycles in an hour, want at least %d", got, want)
		}
		b.stop(t)
		if strings.Contains(b.log.String(), "panicked") {
			t.Errorf("cycles overlapped:\n%s", b.log)
		}
	})
}

func TestAPanicInACycleIsLoggedAndTheNextOneRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(hourly())
		b.cycle = func(_ context.Context, ask reconcile.Request) (*inventory.Report, error) {
			if ask.Kind == inventory.Full {
				panic("a defect")
			}
			return &inventory.Report{Kind: ask.Kind}, nil
		}
		b.start(t.Context())
		<-time.After(25 * time.Minute)
		if got, want := b.kinds(), "full incremental incremental"; got != want {
			t.Errorf("cycles: %s, want %s", got, want)
		}
		b.stop(t)
		if !strings.Contains(b.log.String(), `panic="a defect"`) {
			t.Errorf("the log does not name the panic:\n%s", b.log)
		}
	})
}

func TestTheStateFileIsMadeSmallerAfterFullCyclesAndOutsideOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(hourly())
		answers := []struct {
			gave int64
			err  error
		}{{0, nil}, {70 << 20, nil}, {0, errors.New("no space left on device")}, {0, nil}}
		after := ""
		b.opts.Compact = func() (int64, error) {
			after += b.kinds() + "; "
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.running > 0 {
				t.Error("a cycle is under way")
			}
			answer := answers[0]
			if answers = answers[1:]; len(answers) == 0 {
				panic("a defect")
			}
			return answer.gave, answer.err
		}
		b.start(t.Context())
		<-time.After(3*time.Hour + 15*time.Minute)
		b.stop(t)
		if got := strings.Count(after, ";"); got != 4 || !strings.HasPrefix(after, "full; full incremental") {
			t.Errorf("%d times after the cycles %q, want after each of 4 full ones", got, after)
		}
		log := b.log.String()
		for _, want := range []string{
			`level=INFO msg="the state file was made smaller" bytes=73400320`,
			`level=WARN msg="the state file stays as large as it is" err="no space left on device"`,
			`panic="a defect"`,
		} {
			if strings.Count(log, want) != 1 {
				t.Errorf("the log lacks %q:\n%s", want, log)
			}
		}
		if got, want := strings.Count(b.kinds(), "incremental"), 16; got < want {
			t.Errorf("%d incremental cycles, want at least %d: the daemon goes on after a panic", got, want)
		}
	})
}

func TestStopCancelsTheCycleAndWaitsForItsBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(hourly())
		finished := false
		b.cycle = func(ctx context.Context, ask reconcile.Request) (*inventory.Report, error) {
			<-ctx.Done()
			<-time.After(2 * time.Second) // the batch that is on its way
			finished = true
			return &inventory.Report{Kind: ask.Kind, Error: context.Cause(ctx).Error()}, context.Cause(ctx)
		}
		b.start(t.Context())
		<-time.After(time.Minute)
		b.stop(t)
		if !finished {
			t.Error("the daemon ended before its batch did")
		}
	})
}

func TestASecondSignalEndsTheDaemonAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(hourly())
		release := make(chan struct{})
		b.cycle = func(context.Context, reconcile.Request) (*inventory.Report, error) {
			<-release // deaf to its context
			return nil, errors.New("late")
		}
		b.start(t.Context())
		<-time.After(time.Minute)
		b.signals <- syscall.SIGTERM
		b.signals <- syscall.SIGTERM // of timeout(1), which signals the group too
		<-time.After(time.Second)
		select {
		case err := <-b.ended:
			t.Fatalf("two signals at once ended it with %v, want it to wait for its batch", err)
		default:
		}
		b.signals <- os.Interrupt
		if err := <-b.ended; !errors.Is(err, ErrKilled) {
			t.Errorf("got %v, want ErrKilled", err)
		}
		close(release)
	})
}

func TestAWrongConfigAtReloadKeepsTheRunningOneAndSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(hourly())
		good := b.opts.Load
		loads := 0
		b.opts.Load = func(running *Setup) (*Setup, error) {
			loads++
			if running != nil {
				return nil, errors.New("line 4: katana.requests_per_minute: 0 is not between 1 and 6000")
			}
			return good(nil)
		}
		b.start(t.Context())
		<-time.After(time.Minute)
		b.signals <- syscall.SIGHUP
		<-time.After(20 * time.Minute)
		if got, want := b.kinds(), "full incremental incremental"; got != want {
			t.Errorf("cycles after the failed reload: %s, want %s", got, want)
		}
		b.stop(t)
		if loads != 2 {
			t.Errorf("the config was read %d times, want 2", loads)
		}
		if !strings.Contains(b.log.String(), "0 is not between 1 and 6000") {
			t.Errorf("the log does not say why:\n%s", b.log)
		}
		want := "ready: the config is wrong, the running one stays in use: line 4: katana.requests_per_minute: 0 is not between 1 and 6000"
		if got := fmt.Sprint(b.said); !strings.Contains(got, "reloading "+want) {
			t.Errorf("said %s, want reloading and then %s", got, want)
		}
	})
}

func TestAReloadChangesTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(hourly())
		first := b.opts.Load
		b.opts.Load = func(running *Setup) (*Setup, error) {
			s, err := first(nil)
			if running == nil {
				return s, err
			}
			return &Setup{Cycler: s.Cycler, Memory: s.Memory, Schedule: cron.Every(1 * time.Minute), Full: cron.Every(24 * time.Hour)}, nil
		}
		b.start(t.Context())
		<-time.After(time.Second)
		b.signals <- syscall.SIGHUP
		<-time.After(5*time.Minute + time.Second)
		if got, want := len(strings.Fields(b.kinds())), 7; got != want {
			t.Errorf("%d cycles, want %d: one at the start, one after the reload, one a minute", got, want)
		}
		b.stop(t)
	})
}

func TestTheWatchdogStarvesWhenACycleGetsNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(hourly())
		b.opts.Watchdog = time.Minute
		b.cycle = func(ctx context.Context, _ reconcile.Request) (*inventory.Report, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}
		b.start(t.Context())
		<-time.After(11 * time.Minute)
		before := b.fed()
		if before < 15 {
			t.Errorf("fed %d times while the patience lasted, want twice a minute", before)
		}
		<-time.After(time.Hour)
		if after := b.fed(); after != before {
			t.Errorf("fed %d times more by a cycle that gets nowhere, want none", after-before)
		}
		b.stop(t)
	})
}

func TestTheWatchdogIsFedByAnswersAndWhileIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		answers := 0
		setup := &Setup{Schedule: cron.Every(12 * time.Hour), Full: cron.Every(24 * time.Hour), Activity: func() int {
			mu.Lock()
			defer mu.Unlock()
			return answers
		}}
		b := newBench(setup)
		b.opts.Watchdog = time.Minute
		b.cycle = func(_ context.Context, ask reconcile.Request) (*inventory.Report, error) {
			for range 20 { // 100 minutes, an answer every five
				<-time.After(5 * time.Minute)
				mu.Lock()
				answers++
				mu.Unlock()
			}
			return &inventory.Report{Kind: ask.Kind}, nil
		}
		b.start(t.Context())
		<-time.After(100 * time.Minute)
		if got := b.fed(); got < 198 {
			t.Errorf("fed %d times in 100 minutes of a slow cycle, want twice a minute", got)
		}
		before := b.fed()
		<-time.After(100 * time.Minute)
		if got := b.fed() - before; got < 198 {
			t.Errorf("fed %d times in 100 idle minutes, want twice a minute", got)
		}
		b.stop(t)
	})
}

func TestUSR2LogsTheWholeDriftAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(hourly())
		b.cycle = func(_ context.Context, ask reconcile.Request) (*inventory.Report, error) {
			return drifted(ask.Kind, 3), nil
		}
		b.start(t.Context())
		<-time.After(15 * time.Minute)
		b.signals <- syscall.SIGUSR2
		<-time.After(time.Second)
		b.stop(t)
		// At the start and by the signal; the incremental cycle has nothing new.
		if got, want := strings.Count(b.log.String(), "msg=change"), 6; got != want {
			t.Errorf("%d changes in the log, want %d:\n%s", got, want, b.log)
		}
	})
}

func drifted(kind inventory.Kind, n int) *inventory.Report {
	store := inventory.StoreReport{Name: "main", Mode: inventory.ModeReport, Levels: 500, Drifted: n}
	for i := range n {
		store.Changes = append(store.Changes, inventory.ChangeReport{
			SKU: inventory.SKU(fmt.Sprintf("TEE-%03d", i)), Variant: 9, Item: inventory.ItemID(i + 1), LocationID: 7, Location: "Oslo",
			From: 3, To: 1, Outcome: inventory.Skipped, Reason: inventory.ReasonReport,
		})
	}
	return &inventory.Report{Cycle: 1, Kind: kind, Stores: []inventory.StoreReport{store}}
}

func TestTheLogHasAHundredChangesAndAlwaysTheTotals(t *testing.T) {
	var log bytes.Buffer
	LogReport(slog.New(slog.NewTextHandler(&log, nil)), drifted(inventory.Full, 250), nil)
	if got := strings.Count(log.String(), "msg=change"); got != 100 {
		t.Errorf("%d changes at info, want 100", got)
	}
	for _, want := range []string{"drifted=250", "sku=TEE-000 location=Oslo from=3 to=1 reason=report outcome=skipped"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q", want)
		}
	}
}

func TestAQuietCycleIsOneLine(t *testing.T) {
	var log bytes.Buffer
	LogReport(slog.New(slog.NewTextHandler(&log, nil)), drifted(inventory.Full, 0), nil)
	if got := strings.Count(log.String(), "\n"); got != 1 || !strings.Contains(log.String(), "levels=500") {
		t.Errorf("%d lines, want 1 with the levels:\n%s", got, &log)
	}
}

func TestAStoreThatCannotBeReadIsOneLineWithoutUntrueTotals(t *testing.T) {
	var log bytes.Buffer
	report := drifted(inventory.Incremental, 0)
	report.Stores[0].Levels, report.Stores[0].Error = 0, "the shop is frozen"
	LogReport(slog.New(slog.NewTextHandler(&log, nil)), report, nil)
	if got := strings.Count(log.String(), "\n"); got != 1 || !strings.Contains(log.String(), "the shop is frozen") {
		t.Errorf("%d lines, want the error alone:\n%s", got, &log)
	}
}

func TestALongCycleSaysHowLongItWaitedForItsTurn(t *testing.T) {
	var log bytes.Buffer
	report := drifted(inventory.Full, 0)
	report.Requests = map[string]inventory.RequestCount{"katana": {Count: 12, WaitedMS: 31_000}, "shopify/main": {Count: 3, WaitedMS: 4}}
	LogReport(slog.New(slog.NewTextHandler(&log, nil)), report, nil)
	if !strings.Contains(log.String(), "waited_ms=31004") {
		t.Errorf("the log lacks the wait:\n%s", &log)
	}
}

func TestWhatIsHeldOrWaitsIsSaidOnceAnHour(t *testing.T) {
	report := drifted(inventory.Incremental, 2)
	report.Started = time.Date(2026, 11, 24, 8, 10, 0, 0, time.UTC)
	report.Stores[0].Holds = []inventory.HoldReport{{ID: "main-3", Levels: 2, Text: "too many", Release: "stocksyncd release main-3", News: true}}
	says := func(report, before *inventory.Report) int {
		var log bytes.Buffer
		LogReport(slog.New(slog.NewTextHandler(&log, nil)), report, before)
		return strings.Count(log.String(), "msg=change") + strings.Count(log.String(), "msg=held")
	}
	if got := says(report, nil); got != 3 {
		t.Errorf("the first time: %d lines, want both changes and the held plan", got)
	}
	again := *report
	again.Started = report.Started.Add(30 * time.Second)
	again.Stores = []inventory.StoreReport{report.Stores[0]}
	again.Stores[0].Holds = []inventory.HoldReport{{ID: "main-3", Levels: 2}}
	if got := says(&again, report); got != 0 {
		t.Errorf("half a minute later: %d lines, want none", got)
	}
	grown := *report
	grown.Stores = []inventory.StoreReport{report.Stores[0]}
	grown.Stores[0].Holds = []inventory.HoldReport{{ID: "main-3", Levels: 5, News: true}}
	if got := says(&grown, report); got != 1 {
		t.Errorf("when the plan has grown: %d lines, want 1", got)
	}
	failed := *report
	failed.Stores, failed.Error = nil, "katana is away"
	if got := says(&again, &failed); got != 2 {
		t.Errorf("after a cycle that failed: %d lines, want the changes; the held plan is no news", got)
	}
	again.Started = report.Started.Add(time.Hour)
	again.Stores[0].Holds[0].News = true
	if got := says(&again, report); got != 3 {
		t.Errorf("an hour later: %d lines, want all three", got)
	}
	again.Kind, again.Stores[0].Holds[0].News = inventory.Full, false
	if got := says(&again, report); got != 2 {
		t.Errorf("in a full cycle: %d lines, want the changes; the held plan is no news", got)
	}
	if got := says(&again, nil); got != 3 {
		t.Errorf("for who asks for all there is: %d lines, want all three", got)
	}
}
