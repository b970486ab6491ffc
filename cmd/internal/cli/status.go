package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/configs"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show the last cycle, and what waits, is held or in quarantine",
		Long: `Show the last cycle, how old the oldest figures are, and for each store what
waits, which orders Katana should have had by now and what a guard holds, with the
commands that let them go, which levels are in quarantine, and which ones something
else writes too. The running daemon is asked; when none runs, the state file is
read. No API is asked.` + exitStatus(
			"0 done", "1 the state cannot be read", "2 usage or config"),
		Example: `  stocksyncd status
  stocksyncd status --output json | jq '.stores[].holds'`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			status, err := a.status(cmd, cfg)
			if err != nil {
				return err
			}
			return a.result(status, func(w io.Writer) error { return a.writeStatus(w, status) })
		}),
	}
}

// status asks the daemon first: it answers at once, also during a cycle.
func (a *app) status(cmd *cobra.Command, cfg *configs.Config) (*daemon.Status, error) {
	status, err := daemon.NewClient(socketPath(cfg)).Status(cmd.Context())
	if !errors.Is(err, daemon.ErrNoDaemon) {
		return status, err
	}
	memory, closing, err := a.readState(cfg)
	if err != nil {
		return nil, err
	}
	status, err = daemon.Describe(&daemon.Setup{Path: absolute(cfg.Path), Config: cfg.Digest(), Memory: memory})
	return status, errors.Join(err, closing())
}

func (a *app) writeStatus(w io.Writer, status *daemon.Status) error {
	var lines []string
	if running := status.Running; running == nil {
		lines = append(lines, "No daemon runs; this is from the state file.")
	} else {
		line := fmt.Sprintf("Daemon: process %d, running since %s.", running.PID, a.when(running.Since))
		if running.Busy != "" {
			line += fmt.Sprintf(" A cycle is under way (%s).", running.Busy)
		}
		if !running.Next.IsZero() {
			line += fmt.Sprintf(" Next cycle %s, next full cycle %s.", a.when(running.Next), a.when(running.NextFull))
		}
		lines = append(lines, line)
	}
	lines = append(lines, a.lastLine(status.Last))
	for _, store := range status.Stores {
		lines = append(lines, "")
		lines = append(lines, a.storeStatus(&store, reportOf(status.Last, store.Name))...)
	}
	_, err := fmt.Fprintln(w, quoteLines(strings.Join(lines, "\n")))
	return err
}

func (a *app) lastLine(last *inventory.Report) string {
	if last == nil {
		return "No cycle has run yet."
	}
	line := fmt.Sprintf("Last cycle: %d (%s), began %s, took %s.", last.Cycle, last.Kind, a.when(last.Started),
		time.Duration(last.DurationMS)*time.Millisecond)
	if last.Error != "" {
		line += " It failed: " + last.Error
	}
	if !last.OldestRead.IsZero() {
		line += fmt.Sprintf("\nThe oldest figure of Katana was read %s.", a.ago(last.OldestRead))
	}
	return line
}

// lookLine says how old the oldest level of a store is; "" when nobody knows.
func (a *app) lookLine(look *inventory.LookReport) string {
	if look == nil || look.Oldest.IsZero() {
		return ""
	}
	line := fmt.Sprintf("  the oldest level was read %s", a.ago(look.Oldest))
	if !look.Trusted {
		line += fmt.Sprintf("; all are read in turn, since the store does not tell of all that changes in it (%s it did not)",
			count(look.Missed, "time", "times"))
	}
	return line
}

func reportOf(report *inventory.Report, store inventory.StoreName) *inventory.StoreReport {
	if report == nil {
		return nil
	}
	for i := range report.Stores {
		if report.Stores[i].Name == store {
			return &report.Stores[i]
		}
	}
	return nil
}

func (a *app) storeStatus(store *daemon.StoreStatus, last *inventory.StoreReport) []string {
	line := fmt.Sprintf("%s (%s)", store.Name, store.Mode)
	if last != nil && last.Error == "" {
		line += fmt.Sprintf(": %d figures, %d in step, %d drifted, %d written, %d waiting, %d held, %d refused",
			last.Levels, last.InStep, last.Drifted, last.Applied, len(store.Waiting), heldLevels(store.Holds), last.Rejected)
	}
	lines := []string{line}
	if last != nil && last.Error != "" {
		lines = append(lines, "  failed: "+last.Error)
	}
	if last != nil {
		if text := leftAlone(last.Skipped); text != "" {
			lines = append(lines, "  "+text)
		}
		if text := a.lookLine(last.Look); text != "" {
			lines = append(lines, text)
		}
	}
	if store.InFlight != 0 {
		lines = append(lines, fmt.Sprintf("  %s sold in Shopify and not yet in Katana", count(int(store.InFlight), "unit", "units")))
	}
	const most = 20
	lines = append(lines, overdueLines(store.Overdue, most)...)
	for i, o := range store.Waiting {
		if i == most {
			lines = append(lines, fmt.Sprintf("  and %d more wait; --output json has all", len(store.Waiting)-most))
			break
		}
		lines = append(lines, fmt.Sprintf("  %s at %s waits to go from %d to %d: %s",
			quoteCell(string(o.SKU)), quoteCell(o.Location), o.From, o.To, reasonText(o.Reason)+aside(o.Detail)))
	}
	for _, h := range store.Holds {
		if h.Released.IsZero() {
			lines = append(lines, fmt.Sprintf("  held as %s since %s: %s", h.ID, a.when(h.Since), guard.Sentence(h)))
		} else {
			lines = append(lines, fmt.Sprintf("  %s was released %s and goes with the next cycle", h.ID, a.when(h.Released)))
		}
	}
	for i, q := range store.Quarantine {
		if i == most {
			lines = append(lines, fmt.Sprintf("  and %d more in quarantine; --output json has all", len(store.Quarantine)-most))
			break
		}
		lines = append(lines, a.restLine(&q))
	}
	return append(lines, a.rivalLines(store.Rivals, most)...)
}

// overdueLines says which orders Katana should have had by now, and what to do.
func overdueLines(overdue []inventory.OverdueSale, most int) (lines []string) {
	for i, order := range overdue {
		if i == most {
			return append(lines, fmt.Sprintf("  and %d more orders that Katana should have had by now; --output json has all", len(overdue)-most))
		}
		lines = append(lines, "  overdue: "+quoteCell(order.Text))
	}
	return lines
}

// rivalLines says which levels something else writes too, and how that is known.
func (a *app) rivalLines(rivals []inventory.Rival, most int) (lines []string) {
	reported := contested(rivals)
	for i, r := range reported {
		if i == most {
			return append(lines, fmt.Sprintf("  and %d more that something else writes too; --output json has all", len(reported)-most))
		}
		lines = append(lines, fmt.Sprintf("  %s at %s is written by something else too, noticed %s: %s. It is not raised any more; to end that: stocksyncd release %s",
			quoteCell(string(r.SKU)), quoteCell(r.Location), a.when(r.Since), guard.Evidence(&r), r.Key))
	}
	return lines
}

// contested lists the second writers that were reported.
func contested(rivals []inventory.Rival) (reported []inventory.Rival) {
	for _, r := range rivals {
		if !r.Since.IsZero() {
			reported = append(reported, r)
		}
	}
	return reported
}

// restLine says of a level in quarantine why, and when it is tried again.
func (a *app) restLine(q *inventory.Quarantined) string {
	sku, why := quoteCell(string(q.SKU)), quoteCell(q.Detail)
	if !q.Rests(a.Now()) {
		return fmt.Sprintf("  %s is out of quarantine since %s and is tried again when it needs a write; refused %s so far: %s. Forget that: stocksyncd release %s",
			sku, a.when(q.Until), count(q.Count, "time", "times"), why, q.Key)
	}
	return fmt.Sprintf("  %s is in quarantine until %s, refused %s: %s. Let it go: stocksyncd release %s",
		sku, a.when(q.Until), count(q.Count, "time", "times"), why, q.Key)
}

func heldLevels(holds []inventory.Hold) int {
	n := 0
	for _, h := range holds {
		if h.Released.IsZero() {
			n += len(h.Levels)
		}
	}
	return n
}

// when writes a time for people: the clock today, the date before and after.
func (a *app) when(t time.Time) string {
	t = t.UTC()
	if t.Format(time.DateOnly) == a.Now().UTC().Format(time.DateOnly) {
		return t.Format("15:04:05 UTC")
	}
	return t.Format("2006-01-02 15:04:05 UTC")
}

// ago writes for people how long ago something was.
func (a *app) ago(t time.Time) string {
	span := a.Now().Sub(t).Truncate(time.Minute)
	if span <= 0 {
		return "less than a minute ago"
	}
	return configs.Duration(span).String() + " ago"
}
