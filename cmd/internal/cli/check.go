package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"stocksyncd/clients/shopify"
	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/configs"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/state"
)

// checkTimeout bounds the questions to one account, retries and all: a check that
// waits for minutes is no check.
const checkTimeout = 30 * time.Second

// finding is one line of a check.
type finding struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Next   string `json:"next,omitempty"` // what to do; "" when there is nothing
}

// neededScopes is what the daemon cannot do without.
var neededScopes = []string{"read_products", "read_inventory", "write_inventory", "read_locations"}

// orderScopes is what it takes to know of a sale before Katana does.
var orderScopes = []string{"read_orders", "read_merchant_managed_fulfillment_orders"}

// oldOrdersScope has Shopify tell of orders that are older than 60 days, too.
const oldOrdersScope = "read_all_orders"

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check config, credentials, scopes, locations, clocks and state file",
		Long: `Check that everything the daemon needs is in place: one line each, ✓ or ✗ with
the next step. Both APIs are asked, nothing is written. A store that is down does
not hide what is wrong with another.` + exitStatus("0 all is well", "1 something is not", "2 usage or config"),
		Example: `  stocksyncd check
  stocksyncd check --output json | jq '.checks[] | select(.ok | not)'`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			ctx, cancel := a.interruptible(cmd.Context())
			defer cancel()
			progress := a.newProgress()
			progress.step("asking both sides")
			findings, err := a.check(ctx, cfg)
			progress.clear()
			if err != nil {
				return err
			}
			ok := !slices.ContainsFunc(findings, func(f finding) bool { return !f.OK })
			err = a.result(struct {
				OK     bool      `json:"ok"`
				Checks []finding `json:"checks"`
			}{ok, findings}, func(w io.Writer) error { return a.writeFindings(w, findings) })
			if err == nil && !ok {
				return codeError(exitFailed)
			}
			return err
		}),
	}
}

func (a *app) writeFindings(w io.Writer, findings []finding) error {
	for _, f := range findings {
		sign := a.dye(green, "✓")
		if !f.OK {
			sign = a.dye(red, "✗")
		}
		line := fmt.Sprintf("%s: %s", quoteCell(f.Name), quoteLines(f.Detail))
		if f.Next != "" {
			line += ". Next: " + quoteLines(f.Next)
		}
		if _, err := fmt.Fprintf(w, "%s %s\n", sign, line); err != nil {
			return err
		}
	}
	return nil
}

// check asks everybody side by side and keeps the answers in a fixed order.
func (a *app) check(ctx context.Context, cfg *configs.Config) ([]finding, error) {
	findings := []finding{a.checkConfig(cfg)}
	rig := &rig{config: cfg, shops: map[inventory.StoreName]*shopify.Client{}}
	if err := errors.Join(a.connect(rig, a.quietLog(cfg)), rig.schedules()); err != nil {
		return nil, err
	}
	stateFile, remembered := a.checkState(ctx, cfg)
	findings = append(findings, pass("credentials", "all are there"), stateFile, checkSettle(cfg))
	c := &checker{a: a, rig: rig, remembered: remembered}
	c.catalogue = sync.OnceValues(func() ([]inventory.SourceVariant, error) {
		ctx, cancel := context.WithTimeout(ctx, figuresTimeout)
		defer cancel()
		return rig.katana.Catalogue(ctx)
	})
	stores := make([][]finding, len(cfg.Stores))
	var katana []finding
	source := make(chan struct{}) // closed when c.locations is known
	var group errgroup.Group
	group.Go(func() error {
		defer close(source)
		katana = c.checkKatana(ctx)
		return nil
	})
	for i, store := range cfg.Stores {
		group.Go(func() error {
			stores[i] = c.checkStore(ctx, store, source)
			return nil
		})
	}
	_ = group.Wait() // findings are no errors
	return slices.Concat(append([][]finding{findings, katana, c.checkSweep()}, stores...)...), nil
}

func (a *app) checkConfig(cfg *configs.Config) finding {
	f := pass("config", fmt.Sprintf("%s, %s", cfg.Path, count(len(cfg.Stores), "store", "stores")))
	if !cfg.ModeNamed {
		f.Detail += "; no mode is named, so nothing is written"
		f.Next = "set sync.mode: apply when the plan looks right"
	}
	return f
}

// checkSettle says what the ledger of units in flight cannot know: how long the
// importer of this merchant takes.
func checkSettle(cfg *configs.Config) finding {
	f := pass("sales under way", fmt.Sprintf("what an order sold is not offered again until Katana has it; where a store's orders may not be read, what has fallen counts as sold for %s", cfg.Sync.Settle))
	f.Next = "raise sync.settle where orders may not be read and take longer to reach Katana"
	return f
}

// remembered is what the state file says of the accounts, of the names of their
// locations, and of what else writes their levels; nothing when it is new. Of one
// that a daemon holds, it is what that says of what else writes.
type remembered struct {
	lineage state.Lineage
	pins    map[inventory.StoreName]inventory.Pins
	rivals  map[inventory.StoreName][]inventory.Rival // nil: nobody could be asked
}

// checkState opens the state file, or asks the daemon that holds it.
func (a *app) checkState(ctx context.Context, cfg *configs.Config) (finding, remembered) {
	const name = "state file"
	if _, err := os.Stat(cfg.State.Path); errors.Is(err, fs.ErrNotExist) {
		folder := filepath.Dir(cfg.State.Path)
		if info, err := os.Stat(folder); err == nil && info.IsDir() {
			if err := unix.Access(folder, unix.W_OK|unix.X_OK); err != nil {
				return fail(name, fmt.Errorf("%s is not there yet, and cannot be made by this user: %s: %w", cfg.State.Path, folder, err),
					"run as the user that the folder belongs to, or set state.path"), remembered{}
			}
			return pass(name, cfg.State.Path+" is not there yet; the first cycle makes it"), remembered{}
		}
	}
	// A look must not set a damaged file aside.
	store, err := state.Open(cfg.State.Path, state.Options{Timeout: stateTimeout, Now: a.Now, ReadOnly: true})
	var locked *state.LockedError
	if errors.As(err, &locked) {
		return a.checkDaemon(ctx, cfg, name)
	}
	if err != nil {
		return fail(name, err, ""), remembered{}
	}
	kept, err := recall(store, cfg)
	if err := errors.Join(err, store.Close()); err != nil {
		return fail(name, err, ""), remembered{}
	}
	return pass(name, cfg.State.Path), kept
}

func recall(store *state.Store, cfg *configs.Config) (kept remembered, err error) {
	if kept.lineage, err = store.Lineage(); err != nil {
		return kept, err
	}
	kept.pins, kept.rivals = map[inventory.StoreName]inventory.Pins{}, map[inventory.StoreName][]inventory.Rival{}
	for _, s := range cfg.Stores {
		memory, err := store.Memory(inventory.StoreName(s.Name))
		if err != nil {
			return kept, err
		}
		kept.pins[inventory.StoreName(s.Name)], kept.rivals[inventory.StoreName(s.Name)] = memory.Pins, memory.Rivals
	}
	return kept, nil
}

// checkDaemon asks the daemon that holds the state file.
func (a *app) checkDaemon(ctx context.Context, cfg *configs.Config, name string) (finding, remembered) {
	status, err := daemon.NewClient(socketPath(cfg)).Status(ctx)
	if err != nil {
		return fail(name, explainLocked(cfg, err), "see which process holds it, such as with: fuser "+cfg.State.Path), remembered{}
	}
	kept := remembered{rivals: map[inventory.StoreName][]inventory.Rival{}}
	for _, s := range status.Stores {
		kept.rivals[s.Name] = s.Rivals
	}
	f := pass(name, fmt.Sprintf("%s, held by the running daemon (process %d)", cfg.State.Path, status.Running.PID))
	if status.Config != cfg.Digest() {
		f.OK, f.Next = false, "stocksyncd reload"
		f.Detail += ", which has not read this config yet"
		if !sameFile(status.Path, cfg.Path) {
			f.Detail, f.Next = otherFile(cfg, status.Path), ""
		}
	}
	return f, kept
}

// checkLineage compares who answers with whom the state file is of.
func checkLineage(f finding, has, now string) finding {
	if has == "" || has == now {
		return f
	}
	f.OK = false
	f.Detail = fmt.Sprintf("%s answers, but the state file is of %s", quoteCell(now), quoteCell(has))
	f.Next = "set state.path to a new file, or look whether the key or token is the right one"
	return f
}

func pass(name, detail string) finding { return finding{Name: name, OK: true, Detail: detail} }

// fail reports an error. What the error itself says to do goes before next.
func fail(name string, err error, next string) finding {
	var pause *inventory.PauseError
	if errors.As(err, &pause) && pause.Next != "" {
		detail := strings.TrimSuffix(strings.TrimSuffix(err.Error(), pause.Next), ": ")
		return finding{Name: name, Detail: detail, Next: pause.Next}
	}
	return finding{Name: name, Detail: err.Error(), Next: next}
}

// checker asks both sides.
type checker struct {
	a   *app
	rig *rig
	remembered
	catalogue func() ([]inventory.SourceVariant, error) // of Katana, read once

	mu        sync.Mutex
	locations []inventory.SourceLocation // of Katana, nil when it could not be asked
	drawn     []inventory.SourceLocationID
}

func (c *checker) checkKatana(ctx context.Context) []finding {
	findings := []finding{c.checkClock(ctx, "katana", c.rig.config.Katana.URL)}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	id, account, err := c.rig.katana.Account(ctx)
	if err != nil {
		return append(findings, fail("katana account", err, "look at katana.api_key and katana.url"))
	}
	findings = append(findings, checkLineage(pass("katana account", fmt.Sprintf("%s (%s)", quoteCell(account), quoteCell(id))), c.lineage.Katana, id))
	locations, err := c.rig.katana.Locations(ctx)
	if err != nil {
		return append(findings, fail("katana locations", err, ""))
	}
	c.mu.Lock()
	c.locations = locations
	c.mu.Unlock()
	var names []string
	for _, l := range locations {
		names = append(names, fmt.Sprintf("%s (%s)", quoteCell(l.Name), l.ID))
	}
	return append(findings, pass("katana locations", strings.Join(names, ", ")))
}

func (c *checker) checkStore(ctx context.Context, s configs.Store, source <-chan struct{}) []finding {
	if s.EffectiveMode(c.rig.config.Sync) == inventory.ModeOff {
		return []finding{pass("store "+s.Name, "switched off, not read")}
	}
	prefix := "store " + s.Name + " "
	client := c.rig.shops[inventory.StoreName(s.Name)]
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	id, err := client.Identity(ctx)
	if err != nil {
		return []finding{fail(prefix+"token", err, "look at its shop, url and token")}
	}
	findings := []finding{checkLineage(pass(prefix+"token", fmt.Sprintf("answers for %s", quoteCell(id))), c.lineage.Stores[inventory.StoreName(s.Name)], id)}
	scopes, err := client.Scopes(ctx)
	if err != nil {
		findings = append(findings, fail(prefix+"scopes", err, ""))
	} else {
		findings = append(findings, checkScopes(prefix+"scopes", scopes))
	}
	findings = append(findings, c.checkWriters(prefix+"other writers", inventory.StoreName(s.Name)))
	locations, err := client.Locations(ctx)
	if err != nil {
		return append(findings, fail(prefix+"locations", err, ""))
	}
	findings = append(findings, checkVersion(prefix+"API version", client.ServedVersion(), s.APIVersion))
	<-source
	c.mu.Lock()
	sources := c.locations
	c.mu.Unlock()
	if sources == nil {
		return append(findings, finding{Name: prefix + "mapping", Detail: "not checked: Katana's locations are unknown", Next: "mend the lines on Katana first"})
	}
	resolved, err := desired.Resolve(mappingOf(s), locations, sources, c.pins[inventory.StoreName(s.Name)])
	if err != nil {
		return append(findings, fail(prefix+"mapping", err, "")) // it says what to write
	}
	findings = append(findings, checkMapping(prefix+"mapping", resolved, locations, sources))
	return append(findings, c.checkStock(whole, prefix, s, resolved.Feeds)...)
}

// checkScopes compares what the app was granted with the least that it needs.
func checkScopes(name string, scopes []string) finding {
	var missing, lacking, excess []string
	for _, scope := range neededScopes {
		if !grants(scopes, scope) {
			missing = append(missing, scope)
		}
	}
	for _, scope := range orderScopes {
		if !grants(scopes, scope) {
			lacking = append(lacking, scope)
		}
	}
	for _, scope := range scopes {
		if !slices.Contains(neededScopes, scope) && !slices.Contains(orderScopes, scope) && scope != oldOrdersScope {
			excess = append(excess, quoteCell(scope))
		}
	}
	if len(missing) > 0 {
		return finding{Name: name, Detail: "missing: " + strings.Join(missing, ", "), Next: "grant them to the app in Shopify's admin, install it again and renew the token"}
	}
	f := pass(name, strings.Join(neededScopes, ", "))
	var next []string
	if len(lacking) > 0 {
		f.Detail += "; without " + strings.Join(lacking, " and ") + " orders that reach Katana later than sync.settle can be sold twice"
		next = append(next, "grant the app "+strings.Join(lacking, " and "))
	} else {
		f.Detail += ", " + strings.Join(orderScopes, ", ")
	}
	if len(excess) > 0 {
		f.Detail += "; more than is needed: " + strings.Join(excess, ", ")
		next = append(next, "take "+strings.Join(excess, ", ")+" from the app: whoever gets hold of its token could use it")
	}
	f.Next = strings.Join(next, "; ")
	return f
}

// grants tells whether a scope is among these; write includes read.
func grants(scopes []string, scope string) bool {
	return slices.Contains(scopes, scope) || slices.Contains(scopes, strings.Replace(scope, "read_", "write_", 1))
}

func checkVersion(name, served, configured string) finding {
	switch served {
	case configured:
		return pass(name, served)
	case "":
		return finding{Name: name, Detail: "Shopify did not say which version it served", Next: "look at what stands between: a proxy may drop X-Shopify-API-Version"}
	}
	return finding{Name: name, Detail: fmt.Sprintf("Shopify serves %s, the config asks for %s", served, configured), Next: "set api_version to a version that Shopify still serves"}
}

// checkMapping says where each location of a store leads. A Katana location that
// does not sell may be meant so; a name that means nothing is a mistake.
func checkMapping(name string, resolved desired.Resolved, locations []inventory.Location, sources []inventory.SourceLocation) finding {
	names := map[inventory.SourceLocationID]string{}
	for _, l := range sources {
		names[l.ID] = quoteCell(l.Name)
	}
	var pairs, alone []string
	for _, l := range locations {
		feed := resolved.Feeds[l.ID]
		if len(feed.Sources) == 0 {
			alone = append(alone, fmt.Sprintf("%s (%s)", quoteCell(l.Name), locationText(feed.Left)))
			continue
		}
		var from []string
		for _, id := range feed.Sources {
			from = append(from, names[id])
		}
		pairs = append(pairs, fmt.Sprintf("%s ← %s", quoteCell(l.Name), strings.Join(from, " + ")))
	}
	detail := strings.Join(pairs, "; ")
	if len(alone) > 0 {
		detail += "; left alone: " + strings.Join(alone, ", ")
	}
	if len(pairs) == 0 {
		return finding{Name: name, Detail: "no location of the store is fed: " + strings.TrimPrefix(detail, "; "), Next: "name them under locations, or set default_location"}
	}
	f := pass(name, strings.TrimPrefix(detail, "; "))
	f.OK, f.Next = len(resolved.Unfound) == 0, strings.Join(resolved.Notes, "; ")
	return f
}

// locationText says why nothing is written at a location.
func locationText(left inventory.Reason) string {
	switch left {
	case inventory.ReasonInactiveLocation:
		return "deactivated in Shopify"
	case inventory.ReasonFulfillment:
		return "a fulfilment service"
	case inventory.ReasonNoSales:
		return "Katana does not sell from what feeds it"
	default: // no other reason is about a location
		return "not mapped"
	}
}

// checkClock compares our clock with the server's: signatures, tokens and the
// cursors of the order feed go by it. Any answer carries the time.
func (c *checker) checkClock(ctx context.Context, who, url string) finding {
	const name, most = "clock", 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return fail(name, err, "")
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return fail(name, fmt.Errorf("%s did not answer: %w", who, err), "look at the network and at the url in the config")
	}
	_ = response.Body.Close() // a HEAD has none
	server, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return fail(name, fmt.Errorf("%s does not say what time it is", who), "look at what stands between: a proxy may drop the Date header")
	}
	off := c.a.Now().Sub(server).Round(time.Second)
	if off.Abs() > most {
		return finding{Name: name, Detail: fmt.Sprintf("ours is %s off %s's", off, who), Next: "set the clock of this machine, such as with timesyncd or chrony"}
	}
	return pass(name, "agrees with "+who+"'s")
}
