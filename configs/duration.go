package configs

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a time span as the config writes it: "30s", "10m", "24h", and
// "90d" for days of 24 hours.
type Duration time.Duration

const (
	minute = Duration(time.Minute)
	hour   = Duration(time.Hour)
	day    = Duration(24 * time.Hour)
)

// parseDuration reads what [Duration.String] writes, and all that
// time.ParseDuration does.
func parseDuration(s string) (Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n > 36500 {
			return 0, fmt.Errorf("%q is not a number of days such as 90d", s)
		}
		return Duration(n) * day, nil // #nosec G115 -- at most 36500
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 30s, 10m, 24h or 90d", s)
	}
	return Duration(d), nil
}

func (d Duration) String() string {
	if d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := time.Duration(d).String() // "1h0m0s"
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText writes the duration as the config does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the duration as the config writes it.
func (d *Duration) UnmarshalText(text []byte) (err error) {
	*d, err = parseDuration(string(text))
	return err
}
