package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stocksyncd/clients/sandbox"
)

// sandboxListen is where a sandbox listens unless told otherwise, and where
// its events and faults go.
const sandboxListen = "127.0.0.1:9471"

// sandboxProducts is a shop that a full cycle reads within Katana's real limit.
const sandboxProducts = 100

// The secrets of the sandbox. They open nothing else.
const (
	sandboxKey   = "sandbox-katana-key"
	sandboxToken = "shpat_sandbox" // #nosec G101 -- opens a simulated shop
)

// sandboxWorld is what the flags of sandbox and demo say of the world.
type sandboxWorld struct {
	products  int
	stores    int
	csv       string
	seed      uint64
	perMinute int
}

func (s *sandboxWorld) flags(cmd *cobra.Command, products, stores, perMinute int) {
	cmd.Flags().IntVar(&s.stores, "stores", stores, fmt.Sprintf("Shopify stores, 1 to %d; each sells by rules of its own", sandbox.MostStores))
	cmd.Flags().IntVar(&s.products, "products", products, "products of the shop that is made up")
	cmd.Flags().Uint64Var(&s.seed, "seed", 1, "another seed makes up another shop")
	cmd.Flags().IntVar(&s.perMinute, "katana-per-minute", perMinute, "requests a minute that Katana allows; 60 is real")
}

// build makes the world: a shop that is made up, or one from an export.
func (s *sandboxWorld) build(opts sandbox.Options) (*sandbox.World, error) {
	if s.perMinute < 1 || s.perMinute > 6000 {
		return nil, usageError{fmt.Errorf("--katana-per-minute %d is not between 1 and 6000", s.perMinute)}
	}
	if s.stores < 1 || s.stores > sandbox.MostStores {
		return nil, usageError{fmt.Errorf("--stores %d is not between 1 and %d", s.stores, sandbox.MostStores)}
	}
	opts.Seed, opts.KatanaKey, opts.KatanaPerMinute, opts.Stores = s.seed, sandboxKey, s.perMinute, sandbox.ShopStores(s.stores)
	if s.csv == "" {
		if s.products < 1 || s.products > 100_000 {
			return nil, usageError{fmt.Errorf("--products %d is not between 1 and 100000", s.products)}
		}
		return sandbox.Shop(opts, s.products), nil
	}
	file, err := os.Open(s.csv) // #nosec G304 -- the operator names the file
	if err != nil {
		return nil, usageError{err}
	}
	defer file.Close() //nolint:errcheck // opened for reading
	world, err := sandbox.FromCSV(opts, s.csv, file)
	if err != nil {
		return nil, usageError{err}
	}
	return world, nil
}

func (a *app) sandboxCommand() *cobra.Command {
	var world sandboxWorld
	var listen string
	var events, faults []string
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve both APIs, simulated, and print a config to use them",
		Long: `Serve a simulated Katana and simulated Shopify stores over HTTP, with their rate
limits and their ways to fail, and print a config to use them. The shop is made
up, with an example of every stock rule, or comes from a product export of Shopify
(--csv). Several stores (--stores) sell the same stock by different rules.

While it runs, events and faults can be sent to it: see "stocksyncd sandbox event
--help" and "stocksyncd sandbox fault --help".` + exitStatus("0 stopped by a signal", "1 the address cannot be used", "2 usage"),
		Example: `  stocksyncd sandbox > sandbox.yaml
  stocksyncd sandbox --stores 3 > sandbox.yaml
  stocksyncd sandbox --csv products_export.csv
  stocksyncd sandbox --fault 'throttle shopify/main times=3' --event 'adjust sku=TEAPOT-OAT location=Workshop by=-2'`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			w, err := world.build(sandbox.Options{Now: a.Now})
			if err != nil {
				return err
			}
			for _, line := range faults {
				if err := inject(w, line); err != nil {
					return usageError{err}
				}
			}
			for _, line := range events {
				if err := play(w, line); err != nil {
					return usageError{err}
				}
			}
			ctx, cancel := a.interruptible(cmd.Context())
			defer cancel()
			address, serve, err := listenWorld(ctx, w, listen)
			if err != nil {
				return err
			}
			if err := a.printSandbox(w, address, world.perMinute); err != nil {
				return err
			}
			return serve()
		}),
	}
	world.flags(cmd, sandboxProducts, 1, 60)
	cmd.Flags().StringVar(&world.csv, "csv", "", "seed the world from a product export of Shopify instead")
	_ = cmd.MarkFlagFilename("csv", "csv") // the flag exists
	cmd.Flags().StringVar(&listen, "listen", sandboxListen, "address to serve on; loopback only")
	cmd.Flags().StringArrayVar(&faults, "fault", nil, "inject a fault at the start; repeatable")
	cmd.Flags().StringArrayVar(&events, "event", nil, "play an event at the start; repeatable")
	cmd.AddCommand(
		a.tellSandbox("event", "events", "adjust sku=TEAPOT-OAT location=Workshop by=-2", "Play an event in the running sandbox",
			eventHelp()),
		a.tellSandbox("fault", "faults", "status katana /inventory status=503 times=2", "Inject a fault into the running sandbox",
			faultHelp()),
	)
	return cmd
}

// eventHelp says what a line of an event is.
func eventHelp() string {
	return "An event is one of these words with name=value after it; \"in 5m EVENT\" plays it\nlater:\n" + wordList(sandbox.EventKinds())
}

// faultHelp says what a line of a fault is.
func faultHelp() string {
	return `A fault is KIND API [OPERATION] [KEY=VALUE ...]. API is katana, shopify/STORE,
shopify or any; OPERATION is a path of Katana (/inventory) or a GraphQL operation or
field (inventorySetQuantities); the keys are after=N, times=N or times=always,
chance=0.1, seed=N, and where the kind has use for them status=503, wait=5s, rows=2.
The kinds:
` + wordList(sandbox.FaultKinds())
}

// wordList sets words in lines that fit a help text.
func wordList(words []string) string {
	var b strings.Builder
	line := " "
	for _, word := range words {
		if len(line)+len(word) > 80 {
			b.WriteString(line + "\n")
			line = " "
		}
		line += " " + word
	}
	return b.String() + line
}

func inject(w *sandbox.World, line string) error {
	fault, err := sandbox.ParseFault(line)
	if err != nil {
		return fmt.Errorf("fault %q: %w", line, err)
	}
	w.Inject(fault)
	return nil
}

func play(w *sandbox.World, line string) error {
	event, err := sandbox.ParseEvent(line)
	if err == nil {
		err = w.Do(event)
	}
	if err != nil {
		return fmt.Errorf("event %q: %w", line, err)
	}
	return nil
}

// tellSandbox makes the command that sends a line to a running sandbox.
func (a *app) tellSandbox(what, path, example, short, long string) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:     what + " LINE",
		Short:   short,
		Long:    short + ".\n\n" + long + exitStatus("0 done", "1 the sandbox refused it or does not run", "2 usage"),
		Example: fmt.Sprintf("  stocksyncd sandbox %s '%s'", what, example),
		Args:    cobra.MinimumNArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			text, err := post(cmd.Context(), "http://"+to+"/sandbox/"+path, strings.Join(args, " "))
			if err != nil {
				return err
			}
			return a.say(text)
		}),
	}
	cmd.Flags().StringVar(&to, "to", sandboxListen, "address of the sandbox")
	return cmd
}

// post sends a line of text and gives back the answer.
func post(ctx context.Context, url, line string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewBufferString(line))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "text/plain")
	var client http.Client
	response, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("the sandbox does not answer; start it with `stocksyncd sandbox`: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return "", err
	}
	var answer struct {
		Done  int    `json:"done"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", fmt.Errorf("%s is no sandbox: it answers %s", url, response.Status)
	}
	if answer.Error != "" {
		return "", fmt.Errorf("the sandbox refused it: %s", answer.Error)
	}
	return fmt.Sprintf("Done: %s.", count(answer.Done, "line", "lines")), nil
}

// listenWorld opens a world's address; serve blocks until ctx ends.
func listenWorld(ctx context.Context, w *sandbox.World, listen string) (address string, serve func() error, err error) {
	host, _, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err != nil || (host != "localhost" && (ip == nil || !ip.IsLoopback())) {
		return "", nil, usageError{fmt.Errorf("--listen %s: want a loopback address with a port, such as %s; the sandbox's secrets are public", listen, sandboxListen)}
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", listen)
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: w.Handler(), ReadHeaderTimeout: 10 * time.Second}
	return listener.Addr().String(), func() error {
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(listener) }()
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			// A hanging fault must not keep us.
			if err := server.Close(); err != nil {
				return err
			}
			if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		}
	}, nil
}

// sandboxPage is where the daemon of a sandbox shows its status page: at the
// usual place for the usual sandbox, and a thousand ports away from any other,
// so that several can run.
func sandboxPage(address string) (string, error) {
	if address == sandboxListen {
		return "127.0.0.1:9470", nil
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return "", err
	}
	const away, last = 1000, 65535
	if port += away; port > last {
		port -= 2 * away
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}

// printSandbox prints the config to stdout and how to use it to stderr.
func (a *app) printSandbox(w *sandbox.World, address string, perMinute int) error {
	page, err := sandboxPage(address)
	if err != nil {
		return err
	}
	config := sandboxConfig(w, address, sandboxTuning{
		mode: "apply", schedule: "@every 30s", settle: "1m", state: "./sandbox.db", listen: page,
		perMinute: perMinute,
	})
	if _, err := fmt.Fprint(a.Stdout, config); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Stderr, `The sandbox serves Katana and Shopify at http://%s until a signal stops it.
Save the config above as sandbox.yaml, and in another terminal:
  export SANDBOX_KATANA_KEY=%s SANDBOX_SHOPIFY_TOKEN=%s
  stocksyncd plan --full --config sandbox.yaml
`, address, sandboxKey, sandboxToken)
	return err
}
