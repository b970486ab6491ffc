package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// maxAsk bounds what a command may send: a saved plan of a large shop.
const maxAsk = 256 << 20

// CycleAsk asks the running daemon for a cycle.
type CycleAsk struct {
	// Config is the digest of the config that the command has read. A daemon
	// that runs another one refuses: the answer would not be what was asked.
	Config string `json:"config"`
	// Lineage is the digest of the accounts that a saved plan is for; "" is any.
	Lineage string              `json:"lineage,omitempty"`
	Kind    inventory.Kind      `json:"kind"`
	Store   inventory.StoreName `json:"store,omitempty"`
	SKU     inventory.SKU       `json:"sku,omitempty"`
	Dry     bool                `json:"dry,omitempty"`
	Only    []inventory.Change  `json:"only"`           // null is no limit
	Undo    uint64              `json:"undo,omitempty"` // the cycle whose writes are taken back; 0 is none
	// Compare is what another config would choose, by store.
	Compare map[inventory.StoreName]reconcile.Choice `json:"compare,omitempty"`
}

// ExplainAsk asks how a SKU comes by its figures.
type ExplainAsk struct {
	Config string              `json:"config"` // as in [CycleAsk]
	SKU    inventory.SKU       `json:"sku"`
	Store  inventory.StoreName `json:"store,omitempty"` // only this one; "" is all
	// Fresh has both sides read for this question; else the last cycle answers.
	Fresh bool `json:"fresh,omitempty"`
}

// FiguresAsk asks what the levels of a store show and are to show.
type FiguresAsk struct {
	Config string              `json:"config"` // as in [CycleAsk]
	Store  inventory.StoreName `json:"store"`
}

// ReleaseAsk names what to let go: an id, or all of a store.
type ReleaseAsk struct {
	ID    string              `json:"id,omitempty"`
	Store inventory.StoreName `json:"store,omitempty"`
}

// answer is what the daemon says to any of them.
type answer struct {
	Report  *inventory.Report       `json:"report,omitempty"`
	Levels  []inventory.Explanation `json:"levels,omitempty"`
	Figures *inventory.StoreFigures `json:"figures,omitempty"`
	Status  *Status                 `json:"status,omitempty"`
	Text    string                  `json:"text,omitempty"`
	Error   string                  `json:"error,omitempty"`
	Other   *OtherConfigError       `json:"other_config,omitempty"`
}

// OtherConfigError is the refusal that [CycleAsk.Config] is for. It may be of
// another file, or of the same one before it was edited.
type OtherConfigError struct {
	Path string `json:"path"` // of the daemon's config
}

func (e *OtherConfigError) Error() string {
	return fmt.Sprintf("the running daemon has read %s, which says something else than the config of this command", e.Path)
}

// errOtherAccounts is the refusal that [CycleAsk.Lineage] is for.
var errOtherAccounts = errors.New("the plan was made for other accounts than those of the state file; make a new one with `stocksyncd plan --out FILE`")

// Cycle runs a cycle that a command asks for on the setup that it was meant
// for, and on no other.
func (ask CycleAsk) Cycle(ctx context.Context, s *Setup, run func(context.Context, reconcile.Request) (*inventory.Report, error)) (*inventory.Report, error) {
	if ask.Config != s.Config {
		return nil, &OtherConfigError{s.Path}
	}
	if ask.Lineage != "" {
		lineage, err := s.Memory.Lineage()
		if err != nil {
			return nil, err
		}
		if lineage != ask.Lineage {
			return nil, errOtherAccounts
		}
	}
	return run(ctx, reconcile.Request{Kind: ask.Kind, Store: ask.Store, SKU: ask.SKU, Dry: ask.Dry, Only: ask.Only, Undo: ask.Undo, Compare: ask.Compare})
}

// Explain asks the setup that the question was meant for, and no other.
func (ask ExplainAsk) Explain(ctx context.Context, s *Setup) ([]inventory.Explanation, error) {
	if ask.Config != s.Config {
		return nil, &OtherConfigError{s.Path}
	}
	return s.Cycler.Explain(ctx, reconcile.ExplainRequest{SKU: ask.SKU, Store: ask.Store, Fresh: ask.Fresh})
}

// Figures asks the setup that the question was meant for, and no other.
func (ask FiguresAsk) Figures(ctx context.Context, s *Setup) (*inventory.StoreFigures, error) {
	if ask.Config != s.Config {
		return nil, &OtherConfigError{s.Path}
	}
	return s.Cycler.Figures(ctx, ask.Store)
}

// serveControl opens the control socket and returns what closes it again. A
// socket that cannot be opened costs the commands, not the daemon.
func (d *daemon) serveControl(ctx context.Context) (closing func()) {
	if d.opts.Socket == "" {
		return func() {}
	}
	listener, err := listenUnix(ctx, d.opts.Socket)
	if err != nil {
		d.opts.Log.Warn("no control socket; commands cannot reach this daemon", "path", d.opts.Socket, "err", err)
		return func() {}
	}
	server := &http.Server{
		Handler: d.controlHandler(), ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			d.opts.Log.Warn("the control socket closed", "err", err)
		}
	}()
	return func() {
		// The loop has answered everybody by now; this is for the bytes.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
		<-done
	}
}

// listenUnix listens on a socket that only our user can open. A socket file
// left over by a crash is taken over; one that somebody serves is not.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = conn.Close()
		return nil, errors.New("another process serves it")
	case errors.Is(err, syscall.ECONNREFUSED):
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	var config net.ListenConfig
	before := syscall.Umask(0o177) // at no moment may somebody else connect
	listener, err := config.Listen(ctx, "unix", path)
	syscall.Umask(before)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

func (d *daemon) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		status, err := d.status()
		reply(w, answer{Status: status}, err)
	})
	mux.Handle("POST /cycle", asked(d, func(ctx context.Context, ask CycleAsk) (a answer, err error) {
		a.Report, err = ask.Cycle(ctx, d.running(), d.cycle)
		return a, err
	}))
	mux.Handle("POST /explain", asked(d, func(ctx context.Context, ask ExplainAsk) (a answer, err error) {
		a.Levels, err = ask.Explain(ctx, d.running())
		return a, err
	}))
	mux.Handle("POST /figures", asked(d, func(ctx context.Context, ask FiguresAsk) (a answer, err error) {
		a.Figures, err = ask.Figures(ctx, d.running())
		return a, err
	}))
	mux.Handle("POST /release", asked(d, func(_ context.Context, ask ReleaseAsk) (a answer, err error) {
		if ask.ID != "" {
			a.Text, err = d.running().Cycler.Release(ask.ID)
		} else {
			a.Text, err = d.running().Cycler.ReleaseAll(ask.Store)
		}
		return a, err
	}))
	mux.HandleFunc("POST /reload", func(w http.ResponseWriter, r *http.Request) {
		text, err := d.reloadFor(r.Context())
		reply(w, answer{Text: text}, err)
	})
	return mux
}

// asked has the loop answer what a command asks.
func asked[Ask any](d *daemon, do func(context.Context, Ask) (answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var ask Ask
		if !decode(w, r, &ask) {
			return
		}
		var a answer
		err := d.byLoop(r.Context(), func(ctx context.Context) (err error) {
			a, err = do(ctx, ask)
			return err
		})
		reply(w, a, err)
	})
}

// reloadPatience is how long whoever asks for a reload waits for the cycle that
// is under way: less than a service manager waits for its reload command.
const reloadPatience = 45 * time.Second

// reloadFor reads the config again between two cycles. That happens also when
// the asker has gone by then; a config that somebody has written and announced
// must not stay unread because a cycle was long.
func (d *daemon) reloadFor(asker context.Context) (string, error) {
	done := make(chan error, 1)
	go func() {
		done <- d.byLoop(context.WithoutCancel(asker), func(context.Context) error { return d.reload() })
	}()
	timer := time.NewTimer(reloadPatience)
	defer timer.Stop()
	select {
	case err := <-done:
		return "The daemon has read its config again.", err
	case <-asker.Done():
		return "", context.Cause(asker)
	case <-timer.C:
		return "A long cycle is under way. The daemon reads its config right after it; its log will say how that went.", nil
	}
}

// byLoop has the loop run do and waits for it. Whoever hangs up is not served;
// the cycle that runs for them stops before its next batch.
func (d *daemon) byLoop(asker context.Context, do func(context.Context) error) error {
	done := make(chan error, 1)
	err := d.inbox.put(func(ctx context.Context) {
		err := errors.New("the daemon ran into a defect; its log has the details")
		defer func() { done <- err }()
		if asker.Err() != nil || ctx.Err() != nil {
			err = errStopped
			return
		}
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		defer context.AfterFunc(asker, func() { cancel(context.Cause(asker)) })()
		err = do(ctx)
	})
	if err != nil {
		return err
	}
	select {
	case err = <-done:
		return err
	case <-d.ended:
		return errStopped
	}
}

// status is how things stand, a cycle under way included.
func (d *daemon) status() (*Status, error) {
	d.mu.Lock()
	setup, timing, busy := d.setup, d.timing, d.busy
	d.mu.Unlock()
	status, err := Describe(setup)
	if err != nil {
		return nil, err
	}
	status.Running = &Running{
		PID: os.Getpid(), Since: d.since, Busy: busy,
		Next: timing.nextOf(timing.incremental), NextFull: timing.nextOf(timing.full),
	}
	return status, nil
}

func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAsk))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		reply(w, answer{}, fmt.Errorf("the request is not understood: %w", err))
		return false
	}
	return true
}

func reply(w http.ResponseWriter, a answer, err error) {
	if err != nil {
		a.Error = err.Error()
		_ = errors.As(err, &a.Other)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a) // the asker has hung up if this fails
}

// Client asks the daemon that serves a control socket.
type Client struct {
	path string
	http http.Client
}

// ErrNoDaemon reports that nobody serves the control socket.
var ErrNoDaemon = errors.New("no daemon is running")

// RemoteError is what the daemon said when it could not do what was asked.
type RemoteError struct{ Message string }

func (e *RemoteError) Error() string { return e.Message }

// NewClient asks over the socket at path.
func NewClient(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", path)
	}
	// A cycle takes as long as it takes: only the caller's context ends a request.
	return &Client{path: path, http: http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// Cycle asks for a cycle and waits for its report.
func (c *Client) Cycle(ctx context.Context, ask CycleAsk) (*inventory.Report, error) {
	a, err := c.do(ctx, http.MethodPost, "/cycle", ask)
	return a.Report, err
}

// Explain asks how a SKU comes by its figures. With an error the answer may
// still hold the levels of the stores that could tell.
func (c *Client) Explain(ctx context.Context, ask ExplainAsk) ([]inventory.Explanation, error) {
	a, err := c.do(ctx, http.MethodPost, "/explain", ask)
	return a.Levels, err
}

// Figures asks what the levels of a store show and are to show.
func (c *Client) Figures(ctx context.Context, ask FiguresAsk) (*inventory.StoreFigures, error) {
	a, err := c.do(ctx, http.MethodPost, "/figures", ask)
	if err == nil && a.Figures == nil {
		err = fmt.Errorf("%s: the answer has no figures", c.path)
	}
	return a.Figures, err
}

// Status asks how things stand.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	a, err := c.do(ctx, http.MethodGet, "/status", nil)
	if err == nil && a.Status == nil {
		err = fmt.Errorf("%s: the answer has no status", c.path)
	}
	return a.Status, err
}

// Release lets go of what ask names, and gives the sentence that says so.
func (c *Client) Release(ctx context.Context, ask ReleaseAsk) (string, error) {
	a, err := c.do(ctx, http.MethodPost, "/release", ask)
	return a.Text, err
}

// Reload has the daemon read its config again; a wrong config is a
// [*RemoteError], and the daemon keeps the former one.
func (c *Client) Reload(ctx context.Context) (string, error) {
	a, err := c.do(ctx, http.MethodPost, "/reload", nil)
	return a.Text, err
}

func (c *Client) do(ctx context.Context, method, path string, ask any) (a answer, err error) {
	body, err := json.Marshal(ask)
	if err != nil {
		return a, err
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://stocksyncd"+path, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	response, err := c.http.Do(request)
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return a, fmt.Errorf("%s: %w", c.path, ErrNoDaemon)
	case err != nil:
		return a, fmt.Errorf("asking the daemon over %s: %w", c.path, errors.Unwrap(err))
	}
	defer response.Body.Close() //nolint:errcheck // read to its end or given up
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		return a, fmt.Errorf("asking the daemon over %s: the answer is cut short: %w", c.path, err)
	}
	switch {
	case a.Other != nil:
		return a, a.Other
	case a.Error != "":
		return a, &RemoteError{a.Error}
	}
	return a, nil
}
