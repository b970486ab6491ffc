package configs

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
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

// wrong reports a key, unless it has its problem already, or what holds it.
func (c *checker) wrong(key, format string, args ...any) {
	if c.failed[key] || c.unread[""] {
		return
	}
	for block := holder(key); block != ""; block = holder(block) {
		if c.unread[block] {
			return
		}
	}
	c.problem(c.config.line(key), key, format, args...)
}

// given tells whether the file holds the key.
func (c *checker) given(key string) bool {
	_, ok := c.lines[key]
	return ok
}

// modes is what may be done to a store.
var modes = []string{"off", "report", "lower-only", "apply"}

// words is what a text may be. The JSON Schema offers the same.
var words = map[string][]string{
	"sync.mode":                 modes,
	"stores[].mode":             modes,
	"stores[].duplicate_stock":  {"warn", "refuse"},
	"stores[].committed_orders": {"all", "shopify"},
	"log.format":                {"auto", "text", "json"},
	"log.level":                 {"debug", "info", "warn", "error"},
}

// most is the largest count that makes sense anywhere; it fits an int of 32 bits.
const most = 1_000_000_000

// ranges is the least and the most that a number may be. The JSON Schema says
// the same.
var ranges = map[string][2]int{
	"katana.requests_per_minute":   {1, 6000},
	"sync.bulk_above":              {1, most},
	"stores[].rules[].buffer":      {0, most},
	"stores[].rules[].max":         {0, most},
	"stores[].rules[].min_to_sell": {0, most},
	"stores[].canary.min":          {0, most},
	"stores[].canary.max":          {0, most},
	"guards.min_changes":           {0, most},
	"guards.max_changed_percent":   {0, 100},
	"guards.max_zeroed_percent":    {0, 100},
	"guards.max_shrink_percent":    {0, 100},
	"guards.max_raised_units":      {0, most},
}

var indexForm = regexp.MustCompile(`\[\d+\]`)

// pattern is a key without the numbers of its lists: stores[].name.
func pattern(key string) string { return indexForm.ReplaceAllString(key, "[]") }

func (c *checker) inRange(key string, n int) {
	if limits := ranges[pattern(key)]; n < limits[0] || n > limits[1] {
		c.wrong(key, "%d is not between %d and %d", n, limits[0], limits[1])
	}
}

func (c *checker) atLeast(key string, d, least Duration) {
	if d < least {
		c.wrong(key, "%s is too short; at least %s", d, least)
	}
}

func (c *checker) oneOf(key, value string) {
	if allowed := words[pattern(key)]; !slices.Contains(allowed, value) {
		c.wrong(key, "%q is not one of %s", value, strings.Join(allowed, ", "))
	}
}

func (c *checker) katana() {
	k := c.config.Katana
	c.address("katana.url", k.URL)
	if k.APIKey == nil {
		c.wrong("katana.api_key", "it is needed: credential:NAME, file:PATH or env:NAME")
	}
	c.inRange("katana.requests_per_minute", k.RequestsPerMinute)
}

// address takes https anywhere, and plain http only where nobody can listen.
func (c *checker) address(key, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		// Not repeated: it may hold a password.
		c.wrong(key, "it is not an address such as https://example.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		c.wrong(key, "it must not hold a user, a query or a fragment")
	case u.Scheme == "https":
	case u.Scheme == "http" && loopback(u.Hostname()):
	case u.Scheme == "http":
		c.wrong(key, "plain http would send the key in the clear; use https (http is for this machine only)")
	default:
		c.wrong(key, "it is not an https address")
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c *checker) sync() {
	s := c.config.Sync
	if c.given("sync.mode") {
		c.oneOf("sync.mode", s.Mode)
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
	c.inRange("sync.bulk_above", s.BulkAbove)
}

// shortest is the least time between two cycles.
const shortest = time.Second

func (c *checker) schedule(key, text string, zone *time.Location) {
	if _, err := ParseSchedule(text, zone); err != nil {
		c.wrong(key, "%s", err)
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
		// The parser takes anything below a second for a second, and drops
		// fractions of one.
		every, err := parseDuration(strings.TrimSpace(span))
		switch {
		case err != nil || every <= 0:
			return nil, fmt.Errorf("%q is not a schedule such as \"@every 30s\"", text)
		case time.Duration(every) < shortest:
			return nil, fmt.Errorf("%q is too often; at least @every 1s", text)
		case time.Duration(every)%time.Second != 0:
			return nil, fmt.Errorf("%q is not a whole number of seconds", text)
		}
		return cron.Every(time.Duration(every)), nil
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
		if isDaily(text, spec) {
			spec.Location = time.UTC
			return daily{spec, zone}, nil
		}
	}
	return schedule, nil
}

func (c *checker) guards() {
	g := c.config.Guards
	c.inRange("guards.min_changes", g.MinChanges)
	c.inRange("guards.max_changed_percent", g.MaxChangedPercent)
	c.inRange("guards.max_zeroed_percent", g.MaxZeroedPercent)
	c.inRange("guards.max_shrink_percent", g.MaxShrinkPercent)
	c.inRange("guards.max_raised_units", g.MaxRaisedUnits)
}

func (c *checker) rest() {
	c.atLeast("quarantine.expiry", c.config.Quarantine.Expiry, minute)
	if c.config.State.Path == "" {
		c.wrong("state.path", "it is needed, such as /var/lib/stocksyncd/state.db")
	}
	c.atLeast("state.keep_history", c.config.State.KeepHistory, day)
	c.oneOf("log.format", c.config.Log.Format)
	c.oneOf("log.level", c.config.Log.Level)
	if listen := c.config.Status.Listen; listen != "" {
		host, port, err := net.SplitHostPort(listen)
		if _, errPort := strconv.ParseUint(port, 10, 16); err != nil || errPort != nil || strings.ContainsAny(host, " /") {
			c.wrong("status.listen", "%q is not an address such as 127.0.0.1:9470; \"\" switches the page off", listen)
		}
	}
}
