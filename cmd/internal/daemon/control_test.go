package daemon

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// serve runs a daemon with a control socket until the test ends. The first
// cycle has ended when it returns.
func serve(t *testing.T, b *bench) *Client {
	t.Helper()
	b.opts.Socket = filepath.Join(t.TempDir(), "state.db.sock")
	first := make(chan struct{}, 1)
	b.opts.Observe = func(reconcile.Request, *inventory.Report, error) {
		select {
		case first <- struct{}{}:
		default:
		}
	}
	b.start(t.Context())
	t.Cleanup(func() { b.stop(t) })
	<-first
	return NewClient(b.opts.Socket)
}

func TestACommandsCycleIsRunByTheDaemon(t *testing.T) {
	b := newBench(hourly())
	b.cycle = func(_ context.Context, ask reconcile.Request) (*inventory.Report, error) {
		return drifted(ask.Kind, 2), nil
	}
	client := serve(t, b)
	only := []inventory.Change{{Key: inventory.Key{Store: "main", Item: 1, Location: 7}, Variant: 9, SKU: "TEE-000", From: 3, To: 1}}
	ask := CycleAsk{Config: "digest", Kind: inventory.Incremental, Store: "main", SKU: "TEE-000", Dry: true, Only: only, Undo: 7}
	got, err := client.Cycle(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if want := drifted(inventory.Incremental, 2); !reflect.DeepEqual(got.Stores[0].Changes, want.Stores[0].Changes) {
		t.Errorf("report over the socket: %+v, want %+v", got, want)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	want := reconcile.Request{Kind: inventory.Incremental, Store: "main", SKU: "TEE-000", Dry: true, Only: only, Undo: 7}
	if got := b.cycles[len(b.cycles)-1]; !reflect.DeepEqual(got, want) {
		t.Errorf("the daemon was asked %+v, want %+v", got, want)
	}
}

func TestADaemonOfAnotherConfigOrOtherAccountsRefusesTheCycle(t *testing.T) {
	client := serve(t, newBench(hourly()))
	for ask, want := range map[[2]string]error{
		{"edited since", ""}:         &OtherConfigError{"/etc/stocksyncd/config.yaml"},
		{"digest", "other accounts"}: &RemoteError{errOtherAccounts.Error()},
	} {
		_, err := client.Cycle(t.Context(), CycleAsk{Config: ask[0], Lineage: ask[1]})
		if !reflect.DeepEqual(err, want) {
			t.Errorf("%v: got %v, want %v", ask, err, want)
		}
	}
	if _, err := client.Cycle(t.Context(), CycleAsk{Config: "digest", Lineage: "accounts"}); err != nil {
		t.Errorf("the right config and accounts: %v", err)
	}
}

func TestAPanicInACommandsRequestIsAnError(t *testing.T) {
	b := newBench(hourly())
	client := serve(t, b)
	b.mu.Lock()
	b.cycle = func(context.Context, reconcile.Request) (*inventory.Report, error) { panic("a defect") }
	b.mu.Unlock()
	if _, err := client.Cycle(t.Context(), CycleAsk{Config: "digest"}); err == nil {
		t.Error("got no error, want the panic")
	}
	if _, err := client.Status(t.Context()); err != nil {
		t.Errorf("after the panic: %v, want an answer", err)
	}
}

func TestStatusAndReleaseOverTheSocket(t *testing.T) {
	b := newBench(hourly())
	client := serve(t, b)
	status, err := client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if status.Running == nil || status.Running.PID != os.Getpid() || status.Stores[0].Holds[0].ID != "main-3" {
		t.Errorf("status %+v, want our pid and the hold main-3", status)
	}
	if _, err := client.Release(t.Context(), ReleaseAsk{ID: "main-3"}); err != nil {
		t.Error(err)
	}
	if _, err := client.Release(t.Context(), ReleaseAsk{Store: "main"}); err != nil {
		t.Error(err)
	}
	if want := []string{"main-3", "all of main"}; !reflect.DeepEqual(b.released, want) {
		t.Errorf("released %v, want %v", b.released, want)
	}
}

func TestAQuestionAboutASKUIsAnsweredByTheDaemon(t *testing.T) {
	b := newBench(hourly())
	client := serve(t, b)
	got, err := client.Explain(t.Context(), ExplainAsk{Config: "digest", SKU: "MUG", Store: "main", Fresh: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []inventory.Explanation{{Store: "main", SKU: "MUG", Item: 1, LocationID: 7, Observed: 3, Target: 3}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("over the socket: %+v, want %+v", got, want)
	}
	if want := []reconcile.ExplainRequest{{SKU: "MUG", Store: "main", Fresh: true}}; !reflect.DeepEqual(b.explained, want) {
		t.Errorf("the daemon was asked %+v, want %+v", b.explained, want)
	}
	var other *OtherConfigError
	if _, err := client.Explain(t.Context(), ExplainAsk{Config: "edited since", SKU: "MUG"}); !errors.As(err, &other) {
		t.Errorf("another config: got %v, want that", err)
	}
	got, err = client.Explain(t.Context(), ExplainAsk{Config: "digest", SKU: "HALF"})
	if len(got) != 1 || err == nil || !strings.Contains(err.Error(), "outlet") {
		t.Errorf("one store is down: got %d levels and %v, want the other's level and the error", len(got), err)
	}
}

func TestAReloadIsNotLostWhenItsAskerDoesNotWaitForALongCycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(hourly())
		loads := 0
		load := b.opts.Load
		b.opts.Load = func(running *Setup) (*Setup, error) {
			loads++
			return load(running)
		}
		started, release := make(chan struct{}), make(chan struct{})
		b.cycle = func(_ context.Context, ask reconcile.Request) (*inventory.Report, error) {
			close(started)
			<-release
			return drifted(ask.Kind, 0), nil
		}
		d := &daemon{opts: b.opts, inbox: newInbox(), ended: make(chan struct{})}
		setup, err := load(nil)
		if err != nil {
			t.Fatal(err)
		}
		d.setup, d.timing, d.pulse = setup, startTiming(setup, d.inbox.due, d.opts.Log), newPulse(d.opts, d.activity)
		ctx, stop := context.WithCancel(t.Context())
		go func() {
			defer close(d.ended)
			d.loop(ctx)
		}()
		d.inbox.due(inventory.Full)
		<-started
		asker, hangUp := context.WithTimeout(t.Context(), time.Second)
		defer hangUp()
		if _, err := d.reloadFor(asker); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want that the asker gave up", err)
		}
		close(release)
		synctest.Wait()
		if loads != 1 {
			t.Errorf("the config was read %d times, want once, after the cycle", loads)
		}
		stop()
		<-d.ended
	})
}

func TestAReloadDuringALongCycleIsAnsweredBeforeTheServiceManagerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &daemon{inbox: newInbox(), ended: make(chan struct{})} // its loop is busy
		defer close(d.ended)
		began := time.Now()
		text, err := d.reloadFor(t.Context())
		if err != nil || !strings.Contains(text, "right after it") {
			t.Errorf("got %q, %v, want that the config is read later", text, err)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("answered after %s, want less than a minute", took)
		}
		if work := d.inbox.next(); work.task == nil {
			t.Error("the reload is lost")
		}
	})
}

func TestAReloadOverTheSocketAnswersWithTheMistake(t *testing.T) {
	b := newBench(hourly())
	good := b.opts.Load
	b.opts.Load = func(running *Setup) (*Setup, error) {
		if running != nil {
			return nil, errors.New("line 4: unknown key")
		}
		return good(nil)
	}
	client := serve(t, b)
	if _, err := client.Reload(t.Context()); err == nil || err.Error() != "line 4: unknown key" {
		t.Errorf("got %v, want the mistake", err)
	}
}

func TestASocketThatACrashLeftIsTakenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db.sock")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	listener, err := listenUnix(t.Context(), path)
	if err != nil {
		t.Fatalf("got %v, want the stale socket replaced", err)
	}
	defer listener.Close() //nolint:errcheck // the test is over
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode %o, want 600", got)
	}
	if _, err := listenUnix(t.Context(), path); err == nil {
		t.Error("a socket that somebody serves was taken over")
	}
}

func TestNoDaemonIsAnErrorOfItsOwn(t *testing.T) {
	_, err := NewClient(filepath.Join(t.TempDir(), "none.sock")).Status(t.Context())
	if !errors.Is(err, ErrNoDaemon) || errors.Is(err, syscall.EACCES) {
		t.Errorf("got %v, want ErrNoDaemon", err)
	}
}

func TestTheFiguresOfAStoreAreReadByTheDaemon(t *testing.T) {
	client := serve(t, newBench(hourly()))
	got, err := client.Figures(t.Context(), FiguresAsk{Config: "digest", Store: "main"})
	if err != nil || len(got.Levels) != 1 || got.Levels[0].Target != 7 || got.Levels[0].Store != "main" {
		t.Errorf("got %+v, %v", got, err)
	}
	var other *OtherConfigError
	if _, err := client.Figures(t.Context(), FiguresAsk{Config: "edited since", Store: "main"}); !errors.As(err, &other) {
		t.Errorf("another config: got %v", err)
	}
}
