package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"stocksyncd/clients/sandbox"
	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/configs"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// The demo's pace. A sale reaches Katana later than settle: who only guesses what
// is sold would have offered it again by then.
const (
	demoSettle   = 6 * time.Second
	demoImport   = 10 * time.Second
	demoRows     = 8 // of a table
	demoProducts = 300
	demoStores   = 2
	// demoPerMinute is twenty times what Katana allows: by its own limit, what
	// follows the first, full cycle would have to wait for a minute.
	demoPerMinute = 1200
	// demoLooks is how many cycles at most it takes to find what happened in
	// Shopify: one looks there at the latest after three that had to write.
	demoLooks = 4
)

func (a *app) demoCommand() *cobra.Command {
	var world sandboxWorld
	var length time.Duration
	var keep string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole job on a simulated shop; no account needed",
		Long: `Start a simulated Katana and simulated Shopify stores over HTTP, with their rate
limits, make some figures drift, and run the daemon on them: the same code as
"stocksyncd run". Then things happen: an order, a stock adjustment, an edit by hand.
The second store, "outlet", sells from the same stock by other rules, and only
reductions are written there. The demo says what it does, and ends by itself. So
that a minute is enough, Katana allows twenty times its real rate;
--katana-per-minute 60 is the real one.` + exitStatus("0 done", "1 something failed", "2 usage"),
		Example: `  stocksyncd demo
  stocksyncd demo --for 5m --products 800
  stocksyncd demo --keep ./demo`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			if length <= 0 {
				return usageError{fmt.Errorf("--for %s is no length of time", length)}
			}
			ctx, cancel := a.interruptible(cmd.Context())
			defer cancel()
			dir, tidy, err := demoFolder(keep)
			if err != nil {
				return err
			}
			w, err := world.build(sandbox.Options{Now: a.Now})
			if err != nil {
				return errors.Join(err, tidy())
			}
			d := &demo{
				a: a, w: w, dir: dir, began: a.Now(), products: world.products, seed: world.seed, perMinute: world.perMinute, reports: make(chan *inventory.Report, 64),
				signals: make(chan os.Signal, 8), page: make(chan string, 1), over: make(chan struct{}),
			}
			ctx, end := context.WithTimeout(ctx, length)
			defer end()
			if err := d.run(ctx); err != nil {
				return err // the log that it names is kept
			}
			return errors.Join(d.farewell(keep != ""), tidy())
		}),
	}
	world.flags(cmd, demoProducts, demoStores, demoPerMinute)
	cmd.Flags().DurationVar(&length, "for", time.Minute, "how long the demo lasts")
	cmd.Flags().StringVar(&keep, "keep", "", "keep config, state file and log in this folder")
	_ = cmd.MarkFlagDirname("keep") // the flag exists
	return cmd
}

// demoFolder is where the demo's files go; tidy removes what is not kept.
func demoFolder(keep string) (dir string, tidy func() error, err error) {
	if keep != "" {
		if err := os.MkdirAll(keep, 0o700); err != nil {
			return "", nil, err
		}
		dir, err = filepath.Abs(keep)
		return dir, func() error { return nil }, err
	}
	dir, err = os.MkdirTemp("", "stocksyncd-demo-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}

// demo is one run of the demo.
type demo struct {
	a         *app
	w         *sandbox.World
	dir       string
	config    *configs.Config
	began     time.Time
	products  int
	perMinute int
	seed      uint64
	reports   chan *inventory.Report
	signals   chan os.Signal
	page      chan string
	shown     bool              // a report was
	standing  map[string]string // changes of the last report, and what became of them
	over      chan struct{}     // closed when the daemon has ended
	ended     error             // with what
	picks     []pick            // levels that nothing has happened to yet
}

// pick is a level of the first store that the demo lets something happen to.
type pick struct {
	sku, location string
	katana        string // the location there that the level's stock comes from first
	units         int
}

func (d *demo) configPath() string { return filepath.Join(d.dir, "stocksyncd.yaml") }
func (d *demo) logPath() string    { return filepath.Join(d.dir, "daemon.log") }

// run serves the sandbox, runs the daemon on it and plays the scenes. The end
// of ctx is the end of the demo, not an error.
func (d *demo) run(ctx context.Context) error {
	served, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	address, serve, err := listenWorld(served, d.w, "127.0.0.1:0")
	if err != nil {
		stopServing()
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- serve() }()
	err = d.play(ctx, address)
	stopServing()
	return errors.Join(err, <-ended)
}

func (d *demo) play(ctx context.Context, address string) error {
	if err := d.prologue(ctx, address); err != nil {
		return err
	}
	go func() {
		defer close(d.over)
		d.ended = d.daemon(context.WithoutCancel(ctx))
	}()
	err := d.scenes(ctx)
	if ctx.Err() != nil { // the end of the demo, by its clock or by a signal
		err = nil
	}
	d.signals <- syscall.SIGTERM
	<-d.over
	return errors.Join(err, d.ended)
}

// daemon runs the daemon as run does, with its log in a file.
func (d *demo) daemon(ctx context.Context) error {
	log, err := os.OpenFile(d.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) // #nosec G304 -- in the demo's own folder
	if err != nil {
		return err
	}
	inner := &app{Env: d.a.Env, color: "never"}
	inner.Stderr = log
	inner.Getenv = func(name string) string {
		switch name {
		case "SANDBOX_KATANA_KEY":
			return sandboxKey
		case "SANDBOX_SHOPIFY_TOKEN":
			return sandboxToken
		}
		return d.a.Getenv(name)
	}
	err = inner.runDaemon(ctx, running{
		path: d.configPath(), signals: d.signals,
		page: func(url string) { d.page <- url },
		observe: func(_ reconcile.Request, report *inventory.Report, err error) {
			if report == nil {
				report = &inventory.Report{Error: err.Error()}
			}
			d.reports <- report
		},
	})
	return errors.Join(err, log.Close())
}

// say writes a line of the narration with the time since the start.
func (d *demo) say(format string, values ...any) {
	since := d.a.Now().Sub(d.began).Round(time.Second)
	text := strings.ReplaceAll(fmt.Sprintf(format, values...), "\n", "\n        ")
	_, _ = fmt.Fprintf(d.a.Stdout, "[%02d:%02d] %s\n", int(since.Minutes()), int(since.Seconds())%60, text)
}

// next waits for the daemon's next report.
func (d *demo) next(ctx context.Context) (*inventory.Report, error) {
	select {
	case report := <-d.reports:
		if report.Error != "" {
			return nil, fmt.Errorf("the daemon's cycle failed: %s; its log: %s", report.Error, d.logPath())
		}
		return report, nil
	case <-d.over:
		return nil, fmt.Errorf("the daemon has ended; its log: %s", d.logPath())
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// cycle asks the daemon for an incremental cycle, as `stocksyncd once` does, and
// shows it.
func (d *demo) cycle(ctx context.Context) (*inventory.Report, error) {
	ask := daemon.CycleAsk{Config: d.config.Digest(), Kind: inventory.Incremental}
	if _, err := daemon.NewClient(socketPath(d.config)).Cycle(ctx, ask); err != nil {
		return nil, fmt.Errorf("%w; the daemon's log: %s", err, d.logPath())
	}
	report, err := d.next(ctx)
	if err != nil {
		return nil, err
	}
	return report, d.show(report)
}

// find runs cycles until they have found what happened to some levels.
func (d *demo) find(ctx context.Context, picks ...pick) error {
	for range demoLooks {
		report, err := d.cycle(ctx)
		if err != nil {
			return err
		}
		picks = slices.DeleteFunc(picks, func(p pick) bool { return p.in(report) })
		if len(picks) == 0 {
			return nil
		}
	}
	return fmt.Errorf("after %d cycles the daemon has not found what happened to %s; its log: %s", demoLooks, quoteCell(picks[0].sku), d.logPath())
}

// in tells whether a report has a change of the level's SKU, and not only that
// Katana is to be asked first.
func (p pick) in(report *inventory.Report) bool {
	return slices.ContainsFunc(report.Stores, func(s inventory.StoreReport) bool {
		return slices.ContainsFunc(s.Changes, func(c inventory.ChangeReport) bool {
			return c.SKU == inventory.SKU(p.sku) && c.Reason != inventory.ReasonUnread
		})
	})
}

func wait(ctx context.Context, span time.Duration) error {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// show tells what a cycle did, with the first of its changes in each store.
// What stood in the last report already, and became of it what became of it
// then, is only counted: in a store that is not written a change stands for long.
func (d *demo) show(report *inventory.Report) error {
	whole, short := *report, *report
	whole.Stores, short.Stores = nil, nil
	var requests []string
	left, more, same := demoRows, 0, 0
	standing := map[string]string{}
	for i, store := range report.Stores {
		if d.shown {
			store.Skipped = nil // said once
		}
		whole.Stores = append(whole.Stores, store)
		all := len(store.Changes)
		store.Changes = d.news(store, standing)
		same += all - len(store.Changes)
		news := len(store.Changes)
		store.Changes = sample(store.Changes, left/(len(report.Stores)-i))
		left -= len(store.Changes)
		more += news - len(store.Changes)
		short.Stores = append(short.Stores, store)
	}
	for _, api := range d.apis(report) {
		requests = append(requests, count(report.Requests[api].Count, "request", "requests")+" to "+api)
	}
	d.shown, d.standing = true, standing
	d.say("Cycle %d (%s) took %.1f s, %s.\n%s", report.Cycle, report.Kind, float64(report.DurationMS)/1000, strings.Join(requests, ", "), summary(&whole, false))
	t, _ := d.a.changeTable(&short, false)
	if len(t.rows) > 0 {
		if err := t.write(indented{d.a.Stdout}); err != nil {
			return err
		}
	}
	var rest []string
	if more > 0 {
		rest = append(rest, fmt.Sprintf("%d more", more))
	}
	if same > 0 {
		rest = append(rest, fmt.Sprintf("%d as before", same))
	}
	if len(rest) > 0 {
		_, _ = fmt.Fprintf(indented{d.a.Stdout}, "and %s\n", strings.Join(rest, ", "))
	}
	return nil
}

// news lists the changes of a store that the last report did not have, and
// notes them all for the next one.
func (d *demo) news(store inventory.StoreReport, standing map[string]string) (news []inventory.ChangeReport) {
	for _, c := range store.Changes {
		level := fmt.Sprint(store.Name, c.Item, c.LocationID)
		standing[level] = fmt.Sprint(c.From, c.To, c.Outcome, c.Reason)
		if d.standing[level] != standing[level] {
			news = append(news, c)
		}
	}
	return news
}

// sample takes so many changes, in their order: one of each outcome as long as
// there is room, and then the first ones.
func sample(changes []inventory.ChangeReport, most int) []inventory.ChangeReport {
	var taken []int
	met := map[string]bool{}
	for i, c := range changes {
		if kind := outcomeText(c, false); !met[kind] && len(taken) < most {
			met[kind] = true
			taken = append(taken, i)
		}
	}
	for i := range changes {
		if len(taken) < most && !slices.Contains(taken, i) {
			taken = append(taken, i)
		}
	}
	slices.Sort(taken)
	rows := make([]inventory.ChangeReport, len(taken))
	for n, i := range taken {
		rows[n] = changes[i]
	}
	return rows
}

// apis names Katana and the stores that a cycle has asked.
func (d *demo) apis(report *inventory.Report) []string {
	names := []string{"katana"}
	for _, store := range report.Stores {
		if api := "shopify/" + string(store.Name); report.Requests[api].Count > 0 {
			names = append(names, api)
		}
	}
	return names
}

// indented sets each line it is given apart from the narration.
type indented struct{ w io.Writer }

func (i indented) Write(text []byte) (int, error) {
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if line != "\n" {
			b.WriteString("        ")
		}
		b.WriteString(line)
	}
	_, err := io.WriteString(i.w, b.String())
	return len(text), err
}

// farewell says what to look at next.
func (d *demo) farewell(kept bool) error {
	text := `
That was the whole job. To go on:
  stocksyncd sandbox           a shop like this for as long as you like, with a config to use it
  stocksyncd config example    a config for your own shop; begin with "mode: report"
  stocksyncd plan              what would be written to your shop, before anything is
`
	if kept {
		text += fmt.Sprintf(`Kept in %[1]s: the config, the state file and the daemon's log (daemon.log).
  stocksyncd status --config %[1]s/stocksyncd.yaml
`, d.dir)
	}
	_, err := io.WriteString(d.a.Stdout, text)
	return err
}
