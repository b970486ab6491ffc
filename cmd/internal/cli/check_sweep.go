package cli

import (
	"fmt"
	"slices"
	"time"

	"github.com/robfig/cron/v3"

	"stocksyncd/configs"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// draws notes the Katana locations that a store draws on.
func (c *checker) draws(on []inventory.SourceLocationID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drawn = append(c.drawn, on...)
}

// checkSweep says whether the sweep comes round in time. It asks nothing: where
// the look at no store has read the catalogue, nothing is known.
func (c *checker) checkSweep() []finding {
	slices.Sort(c.drawn)
	c.drawn = slices.Compact(c.drawn)
	if len(c.drawn) == 0 {
		return nil
	}
	variants, err := c.catalogue()
	if err != nil {
		return nil // the lines of the stores say why
	}
	sync := c.rig.config.Sync
	sweep := reconcile.Sweep{Locations: len(c.drawn), Within: time.Duration(sync.SweepWithin)}
	for _, v := range variants {
		switch {
		case !v.Live() || v.Service:
		case v.Kit:
			sweep.Kits++
		default:
			sweep.Variants++
		}
	}
	return []finding{sweepFinding(sweep, cadence(c.rig.schedule, c.a.Now()), c.rig.katana.PerMinute())}
}

// sweepFinding is the line of check on a sweep, where a cycle begins every so
// often.
func sweepFinding(sweep reconcile.Sweep, every time.Duration, perMinute int) finding {
	f := pass("katana sweep", count(sweep.Variants+sweep.Kits, "variant", "variants"))
	if sweep.Kits > 0 {
		f.Detail += fmt.Sprintf(" (%s, four times as often)", count(sweep.Kits, "kit", "kits"))
	}
	round := sweep.Round(every, perMinute)
	f.Detail += " at " + count(sweep.Locations, "location", "locations")
	f.Detail += fmt.Sprintf(": to read each again within %s takes %s an hour of %d", configs.Duration(sweep.Within), count(sweep.Hourly(), "request", "requests"), 60*perMinute)
	f.OK = round == sweep.Within
	switch pace := "with a cycle every " + configs.Duration(every).String(); {
	case f.OK:
	case round == 0:
		f.Detail += fmt.Sprintf("; %s, what has changed takes them all", pace)
		f.Next = "let sync.schedule run less often, or ask Katana for a higher limit"
	case round == every:
		f.Detail += fmt.Sprintf("; %s, that cannot be had", pace)
		f.Next = fmt.Sprintf("let sync.schedule run more often, or set sync.sweep_within to %s", configs.Duration(upTo(round)))
	default:
		f.Detail += fmt.Sprintf("; beside what has changed, that much is had in %s", configs.Duration(upTo(round)))
		f.Next = fmt.Sprintf("set sync.sweep_within to %s, or ask Katana for a higher limit", configs.Duration(upTo(round)))
	}
	return f
}

// upTo rounds a span up: to minutes, and beyond two hours to hours.
func upTo(span time.Duration) time.Duration {
	unit := time.Minute
	if span > 2*time.Hour {
		unit = time.Hour
	}
	return (span + unit - 1).Truncate(unit)
}

// cadence is how often a schedule runs, on the average of a day.
func cadence(schedule cron.Schedule, now time.Time) time.Duration {
	const day = 24 * time.Hour
	runs := 0
	for at := schedule.Next(now); !at.IsZero() && !at.After(now.Add(day)); at = schedule.Next(at) {
		runs++
	}
	return (day / time.Duration(max(runs, 1))).Round(time.Second)
}
