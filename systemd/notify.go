// Package systemd speaks to the service manager that started the daemon, and
// holds the unit that it is started with.
//
// Without a manager (NOTIFY_SOCKET is not set) every method does nothing, so
// that the daemon need not ask where it runs. See [Notifier] and [Unit].
package systemd

import (
	_ "embed"
	"log/slog"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

//go:embed stocksyncd.service
var unit string

// Unit is the unit file as it is shipped.
func Unit() string { return unit }

// Notifier tells the service manager how the daemon fares.
type Notifier struct {
	// Log is told when the manager cannot be reached; nil is silent.
	Log *slog.Logger
}

// Ready says that the daemon is up, or has taken a new config.
func (n Notifier) Ready(status string) { n.send(daemon.SdNotifyReady + "\nSTATUS=" + line(status)) }

// Reloading says that a new config is being read. The time stamp is what
// Type=notify-reload wants; Type=notify passes over it.
func (n Notifier) Reloading() {
	n.send(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
}

// Stopping says that the daemon is about to end.
func (n Notifier) Stopping() { n.send(daemon.SdNotifyStopping) }

// Status shows a line in `systemctl status`.
func (n Notifier) Status(text string) { n.send("STATUS=" + line(text)) }

// Alive feeds the watchdog.
func (n Notifier) Alive() { n.send(daemon.SdNotifyWatchdog) }

// WatchdogInterval is how long the manager waits for a sign of life; 0 when it
// does not watch.
func WatchdogInterval() time.Duration {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0 // meant for another process, or not readable
	}
	return interval
}

// line keeps a text from being read as further assignments.
func line(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, text)
}

func (n Notifier) send(state string) {
	if _, err := daemon.SdNotify(false, strings.TrimSpace(state)); err != nil && n.Log != nil {
		n.Log.Debug("the service manager could not be told", "err", err)
	}
}
