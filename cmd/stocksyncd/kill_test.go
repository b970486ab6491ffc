package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"stocksyncd/state"
)

var (
	kills    = flag.Int("kills", 10, "how often the daemon of a busy shop is killed")
	killSeed = flag.Uint64("kill-seed", 1, "of the instants at which it is")
)

// moment is when the daemon is killed: some time after it was started, or after
// it sent a request.
type moment struct {
	requests int  // that it has sent, 0 for none
	writes   bool // only writes count
	after    time.Duration
	reached  chan struct{}
}

// asked counts a request.
func (m *moment) asked(writes bool) {
	if m.requests == 0 || m.writes && !writes {
		return
	}
	if m.requests--; m.requests == 0 {
		close(m.reached)
	}
}

// someMoment draws one: most of the life of a daemon is idle, and these are not.
func someMoment(dice *rand.Rand) (name string, m moment) {
	within := func(d time.Duration) time.Duration { return time.Duration(dice.Int64N(int64(d))) }
	m.reached = make(chan struct{})
	switch dice.IntN(5) {
	case 0:
		name, m.after = "starting", within(150*time.Millisecond)
		close(m.reached)
	case 1:
		name, m.requests, m.after = "reading", 1+dice.IntN(30), within(10*time.Millisecond)
	case 2, 3:
		name, m.requests, m.writes, m.after = "writing", 1+dice.IntN(4), true, within(60*time.Millisecond)
	default:
		name, m.after = "any time", within(2*time.Second)
		close(m.reached)
	}
	return name, m
}

// killed is a daemon that is killed again and again.
type killed struct {
	*busy
	binary, config, path string
	process              *exec.Cmd
	log                  bytes.Buffer
	cycles               chan string // lines of the log that end a cycle
}

func newKilled(b *busy) *killed {
	server := httptest.NewServer(b)
	b.t.Cleanup(server.Close)
	dir := b.t.TempDir()
	k := &killed{busy: b, binary: filepath.Join(dir, "stocksyncd"), config: filepath.Join(dir, "stocksyncd.yaml"), path: filepath.Join(dir, "state.db")}
	if out, err := exec.CommandContext(b.t.Context(), "go", "build", "-o", k.binary, ".").CombinedOutput(); err != nil { // #nosec G204 -- our own program
		b.t.Fatalf("%v\n%s", err, out)
	}
	text := fmt.Sprintf(`katana: { url: %[1]s/katana/v1, api_key: env:KATANA, requests_per_minute: 6000 }
sync: { mode: apply, schedule: "@every 1s", full_schedule: "@every 7s", settle: %[2]s }
guards: { max_changed_percent: 0, max_zeroed_percent: 0 }
state: { path: %[3]q }
status: { listen: "" }
stores:
  - name: main
    shop: acme.myshopify.com
    url: %[1]s/shopify/main
    access_token: env:SHOPIFY
    locations: [{ shopify: Oslo, katana: Oslo }, { shopify: Bergen, katana: Bergen }]
`, server.URL, busySettle, k.path)
	if err := os.WriteFile(k.config, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return k
}

// start starts the daemon. A hasty one has a full cycle after each cycle.
func (k *killed) start(aim moment, hasty bool) {
	k.mu.Lock()
	k.life++
	k.read, k.aim = false, aim
	k.note("", "process %d is started", k.life)
	k.mu.Unlock()
	k.log.Reset()
	k.process = exec.CommandContext(k.t.Context(), k.binary, "run", "--config", k.config) // #nosec G204 -- our own program
	k.process.Env = append(os.Environ(), "KATANA=sandbox-katana-key", "SHOPIFY=shpat_sandbox", "NOTIFY_SOCKET=")
	pipe, err := k.process.StderrPipe()
	if err == nil {
		err = k.process.Start()
	}
	if err != nil {
		k.t.Fatal(err)
	}
	process, cycles := k.process.Process, make(chan string, 1)
	k.cycles = cycles
	go func() {
		defer close(cycles)
		lines := bufio.NewScanner(io.TeeReader(pipe, &k.log))
		for lines.Scan() {
			if line := lines.Text(); strings.Contains(line, `"msg":"cycle"`) || strings.Contains(line, `"msg":"in step"`) {
				if hasty {
					_ = process.Signal(syscall.SIGUSR1) // it may be gone
				}
				select {
				case cycles <- line:
				default: // nobody waits for cycles
				}
			}
		}
	}()
}

// kill kills the daemon at its moment, or two seconds after the start.
func (k *killed) kill(m moment) {
	limit := time.NewTimer(2 * time.Second)
	defer limit.Stop()
	select {
	case <-m.reached:
		<-time.After(m.after)
	case <-limit.C:
	}
	if err := k.process.Process.Kill(); err != nil {
		k.t.Fatal(err)
	}
	k.mu.Lock()
	k.note("", "process %d is killed", k.life)
	k.mu.Unlock()
	k.gone()
	if state, ok := k.process.ProcessState.Sys().(syscall.WaitStatus); !ok || state.Signal() != syscall.SIGKILL {
		k.t.Fatalf("process %d was not killed but ended by itself: %s\n%s", k.life, k.process.ProcessState, &k.log)
	}
}

// gone waits for the end of the process and looks at its log.
func (k *killed) gone() {
	for range k.cycles { // until the pipe closes
	}
	_ = k.process.Wait() // its state is looked at
	for line := range strings.Lines(k.log.String()) {
		trouble := strings.Contains(line, `"level":"ERROR"`) && !strings.Contains(line, "while it was read") // which the next cycle makes up for
		if trouble || strings.Contains(line, "panic") || strings.Contains(line, "damaged") {
			k.t.Errorf("process %d logged %s", k.life, line)
		}
	}
}

// opens opens the state file as the daemon left it, and tells how many batches
// are open in it.
func (k *killed) opens() int {
	if _, err := os.Stat(k.path); err != nil {
		return 0 // killed before there was one
	}
	store, err := state.Open(k.path, state.Options{ReadOnly: true})
	if err != nil {
		if strings.Contains(err.Error(), "is empty; the first cycle fills it") {
			return 0
		}
		k.t.Fatalf("after process %d: %v", k.life, err)
	}
	defer func() { _ = store.Close() }() // it was only read
	memory, err := store.Store("main")
	if err != nil {
		k.t.Fatalf("after process %d: %v", k.life, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range memory.Ledger.Entries {
		k.note(string(e.SKU), "process %d left %d in flight at %d since %s", k.life, e.Units, e.Key.Location, e.Since.Format("05.000"))
	}
	for _, c := range memory.Ledger.Credits {
		k.note(string(c.SKU), "process %d left a credit of %d at %d", k.life, c.Units, c.Location)
	}
	for _, open := range memory.Open {
		for _, c := range open.Changes {
			k.note(string(c.SKU), "process %d left it open at %d, from %d to %d", k.life, c.Location, c.From, c.To)
		}
	}
	return len(memory.Open)
}

// TestKillingTheDaemonOfABusyShopAtAnyInstantSellsNothingTwice kills the built
// program again and again, while things are sold, counted and edited.
func TestKillingTheDaemonOfABusyShopAtAnyInstantSellsNothingTwice(t *testing.T) {
	k := newKilled(newBusy(t, *killSeed))
	dice := rand.New(rand.NewPCG(*killSeed, 3))
	// What is sold before the first look nobody can know of.
	first := moment{reached: make(chan struct{})}
	k.start(first, false)
	<-k.cycles
	closed := k.open()
	close(first.reached)
	k.kill(first)
	at, open := map[string]int{}, 0
	for range *kills {
		name, m := someMoment(dice)
		k.start(m, dice.IntN(2) == 0)
		k.kill(m)
		at[name]++
		if k.opens() > 0 {
			open++
		}
	}
	closed()
	k.start(moment{}, false)
	over, drift := k.drift()
	t.Logf("when the shop closed, %d of %d figures were not in step, and %d units on offer too many", drift, len(k.goods), over)
	for limit := time.After(30 * time.Second); drift > 0; {
		select {
		case <-k.cycles:
			_, drift = k.drift()
			continue
		case <-limit:
		}
		break
	}
	_ = k.process.Process.Signal(syscall.SIGTERM)
	k.gone()
	if code := k.process.ProcessState.ExitCode(); code != 0 || drift > 0 {
		t.Errorf("in the end %d of %d figures are not in step, and the exit code is %d\n%s", drift, len(k.goods), code, &k.log)
	}
	for _, g := range k.goods {
		if has, _ := k.w.KatanaAvailable(g.sku, g.location); has != g.now()-g.sold {
			t.Errorf("Katana has %d of %s at %s, by the shop's own account it is %d", has, g.sku, g.location, g.now()-g.sold)
		}
	}
	var instants []string
	for name, n := range at {
		instants = append(instants, fmt.Sprintf("%d %s", n, name))
	}
	slices.Sort(instants)
	t.Logf("%d kills (%s), %d with an open batch; %d figures written (%d raised, by %d units too much; %d not lowered far enough yet), %d answers late, %d lost; %d orders; in the end %d figures not in step",
		*kills, strings.Join(instants, ", "), open, k.writes, k.raises, k.beyond, k.short, k.slow, k.lost, k.orders, drift)
	if k.raises == 0 || k.orders == 0 {
		t.Error("nothing was raised or sold, so nothing was tested")
	}
}
