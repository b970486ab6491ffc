package configs

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a minimal machine has no zone files

	"github.com/robfig/cron/v3"
)

// checker judges values. It is silent on keys that could not be read: these
// have their problem already.
type checker struct {
	*decoder
	config *Config
	failed map[string]bool // keys that could not be read
}

func (c *Config) validate(d *decoder) {
	check := &checker{decoder: d, config: c, failed: map[string]bool{}}
	for _, p := range d.problems.List {
		check.failed[p.Key] = true
	}
	check.katana()
	check.sync()
	check.stores()
	check.guards()
	check.rest()
}

// wrong reports a key, unless it has its problem already.
func (c *checker) wrong(key, format string, args ...any) {
	if !c.failed[key] {
		c.problem(c.config.line(key), key, format, args...)
	}
}

// given tells whether the file holds the key.
func (c *checker) given(key string) bool {
	_, ok := c.lines[key]
	return ok
}

func (c *checker) between(key string, n, least, most int) {
	if n < least || n > most {
		c.wrong(key, "%d is not between %d and %d", n, least, most)
	}
}

func (c *checker) atLeast(key string, d, least Duration) {
	if d < least {
		c.wrong(key, "%s is too short; at least %s", d, least)
	}
}

func (c *checker) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		c.wrong(key, "%q is not one of %s", value, strings.Join(allowed, ", "))
	}
}

func (c *checker) katana() {
	k := c.config.Katana
	c.address("katana.url", k.URL)
	if k.APIKey == nil {
		c.wrong("katana.api_key", "it is needed: credential:NAME, file:PATH or env:NAME")
	}
	c.between("katana.requests_per_minute", k.RequestsPerMinute, 1, 6000)
}

// address takes https anywhere, and plain http only where nobody can listen.
func (c *checker) address(key, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		c.wrong(key, "%q is not an address such as https://example.com", text)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		// Not repeated: it may hold a password.
		c.wrong(key, "it must not hold a user, a query or a fragment")
	case u.Scheme == "https":
	case u.Scheme == "http" && loopback(u.Hostname()):
	case u.Scheme == "http":
		c.wrong(key, "plain http would send the key in the clear; use https (http is for this machine only)")
	default:
		c.wrong(key, "%q is not an https address", text)
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

var modes = []string{"off", "report", "lower-only", "apply"}

func (c *checker) sync() {
	s := c.config.Sync
	if c.given("sync.mode") {
		c.oneOf("sync.mode", s.Mode, modes...)
	}
	zone := time.UTC
	if s.TimeZone != "" {
		var err error
		if zone, err = time.LoadLocation(s.TimeZone); err != nil || s.TimeZone == "Local" {
			c.wrong("sync.time_zone", "%q is not a time zone such as Europe/Oslo", s.TimeZone)
			zone = time.UTC
		}
	}
	c.schedule("sync.schedule", s.Schedule, zone)
	c.schedule("sync.full_schedule", s.FullSchedule, zone)
	c.atLeast("sync.sweep_within", s.SweepWithin, minute)
	c.atLeast("sync.settle", s.Settle, Duration(time.Second))
	if s.SettleMax < s.Settle {
		c.wrong("sync.settle_max", "%s is shorter than settle (%s)", s.SettleMax, s.Settle)
	}
	c.between("sync.bulk_above", s.BulkAbove, 1, 1_000_000_000)
}

// shortest is the least time between two cycles.
const shortest = time.Second

func (c *checker) schedule(key, text string, zone *time.Location) {
	schedule, err := ParseSchedule(text, zone)
	if err != nil {
		c.wrong(key, "%s", err)
		return
	}
	if every, ok := schedule.(cron.ConstantDelaySchedule); ok && every.Delay < shortest {
		c.wrong(key, "%q is too often; at least @every 1s", text)
	}
}

// ParseSchedule reads a cron expression of five fields or @every DURATION; its
// times are those of zone. An expression that never fires is an error.
func ParseSchedule(text string, zone *time.Location) (schedule cron.Schedule, err error) {
	defer func() {
		if recover() != nil { // "TZ=UTC" alone makes the parser panic
			schedule, err = nil, fmt.Errorf("%q is not a schedule such as \"0 3 * * *\" or \"@every 30s\"", text)
		}
	}()
	if strings.Contains(text, "TZ=") {
		return nil, fmt.Errorf("%q: name the zone in sync.time_zone", text)
	}
	if span, ok := strings.CutPrefix(text, "@every "); ok {
		// The parser takes anything below a second for a second.
		every, err := time.ParseDuration(strings.TrimSpace(span))
		if err != nil || every <= 0 {
			return nil, fmt.Errorf("%q is not a schedule such as \"@every 30s\"", text)
		}
		if every < shortest {
			return nil, fmt.Errorf("%q is too often; at least @every 1s", text)
		}
	}
	schedule, err = cron.ParseStandard(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a schedule such as \"0 3 * * *\" or \"@every 30s\": %w", text, err)
	}
	if spec, ok := schedule.(*cron.SpecSchedule); ok {
		spec.Location = zone
		if spec.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, zone)).IsZero() {
			return nil, fmt.Errorf("%q never comes", text)
		}
	}
	return schedule, nil
}

func (c *checker) guards() {
	g := c.config.Guards
	c.between("guards.min_changes", g.MinChanges, 0, 1_000_000_000)
	c.between("guards.max_changed_percent", g.MaxChangedPercent, 0, 100)
	c.between("guards.max_zeroed_percent", g.MaxZeroedPercent, 0, 100)
	c.between("guards.max_shrink_percent", g.MaxShrinkPercent, 0, 100)
	c.between("guards.max_raised_units", g.MaxRaisedUnits, 0, 1_000_000_000)
}

func (c *checker) rest() {
	c.atLeast("quarantine.expiry", c.config.Quarantine.Expiry, minute)
	if c.config.State.Path == "" {
		c.wrong("state.path", "it is needed, such as /var/lib/stocksyncd/state.db")
	}
	c.atLeast("state.keep_history", c.config.State.KeepHistory, day)
	c.oneOf("log.format", c.config.Log.Format, "auto", "text", "json")
	c.oneOf("log.level", c.config.Log.Level, "debug", "info", "warn", "error")
	if listen := c.config.Status.Listen; listen != "" {
		_, port, err := net.SplitHostPort(listen)
		if n, errPort := strconv.Atoi(port); err != nil || errPort != nil || n < 0 || n > 65535 {
			c.wrong("status.listen", "%q is not an address such as 127.0.0.1:9470; \"\" switches the page off", listen)
		}
	}
}
