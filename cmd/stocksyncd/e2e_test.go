package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"stocksyncd/clients/sandbox"
)

// patience bounds each wait for the daemon; a good run needs a fraction of it.
const patience = 20 * time.Second

// daemon is the program, running against a sandbox in this process.
type daemon struct {
	t       *testing.T
	world   *sandbox.World
	dir     string
	process *exec.Cmd
	lines   chan string // of its log
	all     bytes.Buffer
}

// start runs the daemon on a shop of one SKU that has too much.
func start(t *testing.T) *daemon {
	t.Helper()
	d := &daemon{t: t, dir: t.TempDir(), lines: make(chan string, 1000)}
	d.world = shop(t)
	mux := http.NewServeMux()
	mux.Handle("/katana/", http.StripPrefix("/katana", d.world.Katana()))
	mux.Handle("/shopify/main/", http.StripPrefix("/shopify/main", d.world.Shopify("main")))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	d.config(fmt.Sprintf(`katana: { url: %[1]s/katana/v1, api_key: env:KATANA, requests_per_minute: 6000 }
sync: { mode: apply, schedule: "@every 1h", settle: 1s }
stores:
  - { name: main, shop: acme.myshopify.com, url: %[1]s/shopify/main, access_token: env:SHOPIFY, default_location: Oslo }
state: { path: %[2]q }
status: { listen: 127.0.0.1:0 }
`, server.URL, filepath.Join(d.dir, "state.db")))

	d.process = d.command("run")
	pipe, err := d.process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.process.Process.Kill() }) // of a test that failed
	go func() {
		defer close(d.lines)
		scanner := bufio.NewScanner(io.TeeReader(pipe, &d.all))
		for scanner.Scan() {
			d.lines <- scanner.Text()
		}
	}()
	return d
}

func shop(t *testing.T) *sandbox.World {
	t.Helper()
	w := sandbox.NewWorld(sandbox.Options{
		KatanaKey: "the-katana-secret", KatanaPerMinute: 6000,
		Stores: []sandbox.StoreOptions{{Name: "main", AccessToken: "the-shopify-secret"}},
	})
	w.AddLocation(sandbox.KatanaLocation{Name: "Oslo"})
	_, err := w.AddStoreLocation("main", sandbox.StoreLocation{Name: "Oslo", Katana: "Oslo"})
	if err == nil {
		_, err = w.AddProduct(sandbox.Product{Name: "Mug", Variants: []sandbox.Variant{{SKU: "MUG", Stock: map[string]string{"Oslo": "7"}}}})
	}
	if err == nil {
		_, err = w.AddListing("main", sandbox.Listing{SKU: "MUG", Product: "Mug", Levels: []sandbox.Level{{Location: "Oslo", Available: 9}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (d *daemon) config(text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, "stocksyncd.yaml"), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d *daemon) command(args ...string) *exec.Cmd {
	command := program(d.t.Context(), d.t, []string{"KATANA=the-katana-secret", "SHOPIFY=the-shopify-secret", "NOTIFY_SOCKET="}, args...)
	command.Dir = d.dir // where stocksyncd.yaml is
	return command
}

// log waits for a line of the log that holds all of the given texts.
func (d *daemon) log(texts ...string) map[string]any {
	d.t.Helper()
	limit := time.After(patience)
next:
	for {
		select {
		case line, ok := <-d.lines:
			if !ok {
				d.t.Fatalf("the daemon ended before it logged %q:\n%s", texts, &d.all)
			}
			for _, text := range texts {
				if !strings.Contains(line, text) {
					continue next
				}
			}
			var fields map[string]any
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				d.t.Fatalf("a line of the log is no JSON: %q: %v", line, err)
			}
			return fields
		case <-limit:
			d.t.Fatalf("the log has no line with %q", texts)
		}
	}
}

func (d *daemon) signal(sig os.Signal) {
	d.t.Helper()
	if err := d.process.Process.Signal(sig); err != nil {
		d.t.Fatal(err)
	}
}

// ends waits for the daemon to end well.
func (d *daemon) ends() {
	d.t.Helper()
	for range d.lines { // until the pipe closes
	}
	if err := d.process.Wait(); err != nil {
		d.t.Errorf("the daemon ended with %v, want exit code 0\n%s", err, &d.all)
	}
	for _, secret := range []string{"the-katana-secret", "the-shopify-secret"} {
		if strings.Contains(d.all.String(), secret) {
			d.t.Error("a secret is in the log")
		}
	}
}

func (d *daemon) available(want int) {
	d.t.Helper()
	if got, ok := d.world.Available("main", "MUG", "Oslo"); !ok || got != want {
		d.t.Errorf("Shopify shows %d, want %d", got, want)
	}
}

func TestTheBinaryHeedsItsSignals(t *testing.T) {
	d := start(t)
	d.log(`"msg":"status page"`)
	d.log(`"msg":"change"`, `"sku":"MUG"`, `"from":9`, `"to":7`, `"outcome":"applied"`)
	d.log(`"msg":"cycle"`, `"applied":1`)
	d.available(7)

	if err := d.world.Do(sandbox.StockAdjusted{SKU: "MUG", Location: "Oslo", By: "-3"}); err != nil {
		t.Fatal(err)
	}
	d.signal(syscall.SIGUSR1)
	d.log(`"msg":"change"`, `"to":4`, `"outcome":"applied"`)
	d.log(`"msg":"cycle"`, `"applied":1`)
	d.available(4)

	d.signal(syscall.SIGUSR2)
	d.log(`"msg":"change"`, `"to":4`, `"outcome":"applied"`)

	good, err := os.ReadFile(filepath.Join(d.dir, "stocksyncd.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d.config(string(good) + "nonsense: 1\n")
	d.signal(syscall.SIGHUP)
	d.log(`"level":"ERROR"`, "the running one stays in use", "nonsense")
	d.config(strings.Replace(string(good), "mode: apply", "mode: report", 1))
	if out, err := d.command("reload", "--pid", fmt.Sprint(d.process.Process.Pid)).CombinedOutput(); err != nil {
		t.Errorf("reload --pid: %v\n%s", err, out)
	}
	d.log(`"msg":"config read again"`)

	if err := d.world.Do(sandbox.StockAdjusted{SKU: "MUG", Location: "Oslo", By: "-1"}); err != nil {
		t.Fatal(err)
	}
	d.signal(syscall.SIGUSR1)
	d.log(`"msg":"cycle"`, `"mode":"report"`, `"drifted":1`, `"applied":0`)
	d.available(4)

	d.signal(syscall.SIGTERM)
	d.ends()
}

func TestCommandsReachTheRunningDaemon(t *testing.T) {
	d := start(t)
	d.log(`"msg":"cycle"`, `"applied":1`)

	out, err := d.command("status").Output()
	if want := fmt.Sprintf("Daemon: process %d", d.process.Process.Pid); err != nil || !strings.Contains(string(out), want) {
		t.Errorf("status: %v\n%s\nwant %q", err, out, want)
	}
	if err := d.world.Do(sandbox.StockAdjusted{SKU: "MUG", Location: "Oslo", By: "-2"}); err != nil {
		t.Fatal(err)
	}
	out, err = d.command("plan", "--full").Output()
	if code := exitCode(err); code != 3 || !strings.Contains(string(out), "Nothing was written.") {
		t.Errorf("plan: exit code %d, want 3\n%s", code, out)
	}
	d.available(7)
	out, err = d.command("once", "--full").Output()
	if err != nil || !strings.Contains(string(out), "1 was written.") {
		t.Errorf("once: %v\n%s", err, out)
	}
	d.available(5)
	if out, err := d.command("reload").Output(); err != nil || !strings.Contains(string(out), "read its config again") {
		t.Errorf("reload: %v\n%s", err, out)
	}
	if code := exitCode(d.command("release", "main-99").Run()); code != 1 {
		t.Errorf("release of nothing: exit code %d, want 1", code)
	}
	second := d.command("run")
	out, err = second.CombinedOutput()
	if code := exitCode(err); code != 1 || !strings.Contains(string(out), "in use") {
		t.Errorf("a second daemon: exit code %d, want 1\n%s", code, out)
	}
	d.signal(syscall.SIGTERM)
	d.ends()
	if out, err := d.command("status").Output(); err != nil || !strings.Contains(string(out), "No daemon runs") {
		t.Errorf("status afterwards: %v\n%s", err, out)
	}
}

func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return -1
}
