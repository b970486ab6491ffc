package configs

import (
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// daily is a schedule of times of the day, such as 30 2 * * *, in a zone that
// puts its clocks forward and back. By itself such a schedule leaves out the day
// on which the time is skipped, and comes twice on the day that has it twice.
// Here it comes once on each: as soon as the clocks were put forward, and before
// they are put back.
type daily struct {
	of   *cron.SpecSchedule // by UTC, which stands for what the clocks show
	zone *time.Location
}

// isDaily tells whether an expression names times of the day. One that is due at
// every so many minutes or hours is not to stop for an hour when the clocks are
// put back.
func isDaily(text string, spec *cron.SpecSchedule) bool {
	const everyHour = 1<<24 - 1 // however it is written
	every := func(field string) bool { return strings.HasPrefix(field, "*") || field == "?" }
	fields := strings.Fields(text)
	return spec.Hour&everyHour != everyHour && (len(fields) == 1 || !every(fields[0]) && !every(fields[1]))
}

// Next is the first time after t.
func (d daily) Next(t time.Time) time.Time {
	shown := asUTC(t.In(d.zone))
	for {
		if shown = d.of.Next(shown); shown.IsZero() {
			return shown
		}
		if at := d.when(shown); at.After(t) {
			return at.In(t.Location())
		}
	}
}

// when is when the clocks of the zone show something first. What they skip is
// when they are put forward.
func (d daily) when(shown time.Time) time.Time {
	at := time.Date(shown.Year(), shown.Month(), shown.Day(), shown.Hour(), shown.Minute(), shown.Second(), 0, d.zone)
	from, until := at.ZoneBounds()
	switch is := asUTC(at); {
	case is.After(shown): // skipped, and taken for as much later
		return from
	case is.Before(shown): // or earlier
		return until
	case from.IsZero():
		return at
	}
	if first := at.Add(offset(at) - offset(from.Add(-time.Second))); first.Before(from) {
		return first
	}
	return at
}

// asUTC is what the clocks show, as if they showed UTC.
func asUTC(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}
