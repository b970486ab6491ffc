package systemd

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// listen makes a manager's socket and gives what arrives there.
func listen(t *testing.T) func() string {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		buffer := make([]byte, 4096)
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return string(buffer[:n])
	}
}

func TestTheManagerHearsEveryStepOfTheDaemonsLife(t *testing.T) {
	next := listen(t)
	n := Notifier{}
	n.Ready("up")
	if got, want := next(), "READY=1\nSTATUS=up"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	n.Reloading()
	if got := next(); !regexp.MustCompile(`^RELOADING=1\nMONOTONIC_USEC=\d+$`).MatchString(got) {
		t.Errorf("got %q, want RELOADING=1 with the time stamp that notify-reload needs", got)
	}
	n.Status("a\nREADY=1")
	if got, want := next(), "STATUS=a READY=1"; got != want {
		t.Errorf("a newline made an assignment: got %q, want %q", got, want)
	}
	n.Alive()
	n.Stopping()
	if got := next() + " " + next(); got != "WATCHDOG=1 STOPPING=1" {
		t.Errorf("got %q", got)
	}
}

func TestWithoutAManagerNothingHappens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	n := Notifier{}
	n.Ready("up")
	n.Reloading()
	n.Stopping()
	if got := WatchdogInterval(); got != 0 {
		t.Errorf("watchdog: got %s, want none", got)
	}
}

func TestTheWatchdogIntervalIsTheManagers(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "300000000")
	t.Setenv("WATCHDOG_PID", "")
	if got := WatchdogInterval(); got != 5*time.Minute {
		t.Errorf("got %s, want 5m", got)
	}
}

// directives reads the unit: section.Name → values.
func directives(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	section := ""
	for _, text := range strings.Split(Unit(), "\n") {
		text = strings.TrimSpace(text)
		name, value, assignment := strings.Cut(text, "=")
		switch {
		case text == "" || strings.HasPrefix(text, "#"):
		case strings.HasPrefix(text, "["):
			section = strings.Trim(text, "[]")
		case assignment:
			all[section+"."+name] = append(all[section+"."+name], value)
		default:
			t.Errorf("not a line of a unit: %q", text)
		}
	}
	return all
}

func TestTheUnitSaysWhatTheDaemonReliesOn(t *testing.T) {
	got := directives(t)
	for name, want := range map[string]string{
		"Service.Type":                     "notify",
		"Service.RestartPreventExitStatus": "2",
		"Service.StateDirectory":           "stocksyncd",
		"Service.DynamicUser":              "yes",
		"Service.LimitCORE":                "0",
		"Service.UMask":                    "0077",
		"Service.Environment":              "GOTRACEBACK=crash", // else a crash is status 2 and stays down
		"Service.Restart":                  "on-failure",
		"Service.RuntimeDirectory":         "stocksyncd",
		"Service.ExecPaths":                "/usr/bin/stocksyncd",
		"Service.WatchdogSec":              "300",
	} {
		if !slices.Equal(got[name], []string{want}) {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	if _, ok := got["Service.ExecStartPre"]; ok {
		t.Error("a check before the start would keep the daemon down because one store is")
	}
	for name, values := range got {
		if strings.HasPrefix(name, "Service.Exec") && !strings.HasSuffix(name, "Paths") && !strings.HasPrefix(values[0], "/usr/bin/stocksyncd ") {
			t.Errorf("%s runs %q, which NoExecPaths forbids", name, values[0])
		}
	}
}

// installed is the unit with an executable that is there, in a folder of its
// own, under the name that it is installed with.
func installed(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "stocksyncd.service")
	text := strings.ReplaceAll(Unit(), "/usr/bin/stocksyncd", self)
	text = regexp.MustCompile(`(?m)^Documentation=.*\n`).ReplaceAllString(text, "")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func analyze(t *testing.T, args ...string) {
	t.Helper()
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed; CI installs it")
	}
	out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	if warnings := regexp.MustCompile(`(?m)^.*stocksyncd\.service:.*$`).FindAll(out, -1); args[0] == "verify" && len(warnings) > 0 {
		t.Errorf("systemd-analyze verify warns:\n%s", out)
	}
}

func TestSystemdTakesTheUnit(t *testing.T) { analyze(t, "verify", "--man=no", installed(t)) }

func TestTheUnitIsExposedByAtMost11(t *testing.T) {
	analyze(t, "security", "--offline=true", "--threshold=11", "--no-pager", installed(t))
}
