package guard_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// contest is one level, who writes it, and what a look finds.
type contest struct {
	now     time.Time
	settle  time.Duration
	heard   bool // Katana tells of the SKU in this look
	own     inventory.Units
	desired inventory.Units
	shows   inventory.Units

	before, was inventory.Units
	wrote       *inventory.Written
	rivals      []inventory.Rival
	rounds      int // that were counted
}

func newContest(desired inventory.Units) *contest {
	return &contest{now: start, settle: 10 * time.Minute, desired: desired, shows: desired, before: desired, was: desired}
}

// look watches the level, then writes what it should show unless it must not.
func (c *contest) look() {
	in := guard.Watched{Rivals: c.rivals, Heard: func(inventory.SKU, time.Time) bool { return c.heard }, Now: c.now, Settle: c.settle}
	if c.wrote != nil && c.now.Sub(c.wrote.At) >= guard.Window {
		c.wrote = nil
	}
	if c.wrote != nil {
		in.Sights = append(in.Sights, guard.Sight{
			SKU: "MUG", Location: "Shop", Wrote: *c.wrote, Before: c.before, Was: c.was, Shows: c.shows, Desired: c.desired, Own: c.own,
		})
	}
	var done []inventory.Key
	before := c.newest()
	c.rivals, done = guard.Watch(in)
	if c.newest().After(before) {
		c.rounds++
	}
	if len(done) > 0 {
		c.wrote.Done = true
	}
	c.before, c.was, c.heard = c.shows, c.desired, false
	target := c.desired
	if c.shows < target {
		target = max(c.shows, target-c.own)
	}
	if target == c.shows || len(c.rivals) > 0 && guard.Stays(&c.rivals[0], target > c.shows, c.now) {
		return
	}
	c.wrote = &inventory.Written{Key: key(1), At: c.now, From: c.shows, To: target}
	c.shows, c.before = target, target
	if len(c.rivals) > 0 {
		c.rivals[0].Wrote = c.now
	}
}

func (c *contest) newest() time.Time {
	if len(c.rivals) == 0 {
		return time.Time{}
	}
	return c.rivals[0].Last
}

func (c *contest) reported() bool { return len(c.rivals) > 0 && !c.rivals[0].Since.IsZero() }

// after lets time go by and something happen, and looks.
func (c *contest) after(d time.Duration, happen func(*contest)) {
	c.now = c.now.Add(d)
	happen(c)
	c.look()
}

func sets(units inventory.Units) func(*contest) { return func(c *contest) { c.shows = units } }
func quiet(*contest)                            {}

func TestALevelThatLeavesWhatWasWrittenAgainAndAgainHasASecondWriter(t *testing.T) {
	minutes := func(n int) time.Duration { return time.Duration(n) * time.Minute }
	tests := []struct {
		name   string
		play   func(*contest)
		rounds int
		want   bool
	}{
		{"a fixed figure above ours, three times", func(c *contest) {
			for range 4 {
				c.after(minutes(5), sets(9))
			}
		}, 3, true},
		{"only twice", func(c *contest) {
			for range 3 {
				c.after(minutes(5), sets(9))
			}
		}, 2, false},
		{"three times, but not within an hour", func(c *contest) {
			for range 8 {
				c.after(minutes(31), sets(9))
			}
		}, 7, false},
		{"one more each time, as returns are", func(c *contest) {
			for range 6 {
				c.after(minutes(5), func(c *contest) { c.shows++ })
			}
		}, 5, false},
		{"one more each time, too often for returns", func(c *contest) {
			for range 7 {
				c.after(minutes(5), func(c *contest) { c.shows++ })
			}
		}, 6, true},
		{"another figure each time, as a person types", func(c *contest) {
			for i := range inventory.Units(8) {
				c.after(minutes(5), sets(10+i))
			}
		}, 7, false},
		{"Katana tells of the product in between", func(c *contest) {
			for i := range 8 {
				c.after(minutes(5), func(c *contest) {
					c.shows, c.heard = 9, i%3 == 2
				})
			}
		}, 5, false},
		{"what it should show changes in between", func(c *contest) {
			for i := range inventory.Units(8) {
				c.after(minutes(5), func(c *contest) {
					c.shows, c.desired = 9, 7-i%2
				})
			}
		}, 0, false},
		{"somebody subtracts, and no order comes", func(c *contest) {
			c.after(0, sets(5)) // we raise it to 7
			for range 3 {
				c.after(minutes(5), func(c *contest) { c.shows, c.own = 5, 2 })
				c.after(minutes(10), func(c *contest) { c.own = 0 }) // nobody claimed them
			}
		}, 3, true},
		{"a fall that is taken for sold", func(c *contest) {
			c.after(0, sets(5))
			for range 20 {
				c.after(minutes(1), func(c *contest) { c.shows, c.own = 5, 2 })
			}
		}, 0, false},
		{"a fall to another figure than the former", func(c *contest) {
			c.after(0, sets(5))
			for i := range inventory.Units(6) {
				c.after(minutes(5), sets(i%5))
			}
		}, 0, false},
		{"a figure that nobody wrote lately", func(c *contest) {
			for range 8 {
				c.after(minutes(61), sets(9))
			}
		}, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newContest(7)
			tt.play(c)
			if c.reported() != tt.want || c.rounds != tt.rounds {
				t.Errorf("after %d rounds it is reported: %v, want %d and %v; %+v", c.rounds, c.reported(), tt.rounds, tt.want, c.rivals)
			}
		})
	}
}

func TestASecondWriterIsNotFollowedUpAndLoweredInModeration(t *testing.T) {
	c := newContest(7)
	for range 4 {
		c.after(time.Minute, sets(9))
	}
	if !c.reported() || c.shows != 9 {
		t.Fatalf("got %+v and %d on show, want it reported and 9 left for now", c.rivals, c.shows)
	}
	var writes []time.Duration
	for range 60 {
		before := c.wrote.At
		c.after(time.Minute, sets(9))
		if c.wrote.At != before {
			writes = append(writes, c.wrote.At.Sub(before))
		}
	}
	if want := slices.Repeat([]time.Duration{guard.Pace}, 6); !slices.Equal(writes, want) {
		t.Errorf("lowered after %v, want %v", writes, want)
	}
	c.after(time.Minute, sets(3))
	if c.shows != 3 {
		t.Errorf("it was raised to %d", c.shows)
	}
	// A quiet hour ends it.
	for last := c.newest(); c.now.Sub(last) < guard.Quiet-time.Minute; c.after(time.Minute, quiet) {
		if c.shows != 3 || !c.reported() {
			t.Fatalf("after %s it shows %d, reported: %v", c.now.Sub(last), c.shows, c.reported())
		}
	}
	c.after(time.Minute, quiet)
	if c.shows != 7 || c.reported() {
		t.Errorf("after a quiet hour it shows %d, reported: %v", c.shows, c.reported())
	}
}

func TestTheEvidenceHasTheValuesAndTheTimes(t *testing.T) {
	c := newContest(7)
	for range 4 {
		c.after(time.Minute, sets(9))
	}
	got := guard.Evidence(&c.rivals[0])
	at := func(minutes int) string {
		return start.Add(time.Duration(minutes) * time.Minute).UTC().Format(time.TimeOnly)
	}
	want := fmt.Sprintf("written 7 at %s, found 9 at %s; written 7 at %s, found 9 at %s; written 7 at %s, found 9 at %s (UTC, %s)",
		at(1), at(2), at(2), at(3), at(3), at(4), start.UTC().Format(time.DateOnly))
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if strings.Count(got, "found") != guard.Rounds {
		t.Errorf("%q has not one sentence for each round", got)
	}
}

// market is a contest in which nothing happens but a shop's own trade: orders
// that Katana hears of later, returns, deliveries and counts.
type market struct {
	*contest
	t   *rapid.T
	due map[time.Time]inventory.Units // orders on their way to Katana
}

func (m *market) happen() {
	switch rapid.SampledFrom([]string{"sale", "sale", "sale", "return", "delivery", "nothing"}).Draw(m.t, "event") {
	case "sale":
		units := inventory.Units(rapid.IntRange(1, 2).Draw(m.t, "units"))
		m.shows -= units
		m.own += units
		m.due[m.now.Add(time.Duration(rapid.IntRange(0, 540).Draw(m.t, "lag"))*time.Second)] += units
	case "return":
		m.shows++
		m.due[m.now.Add(time.Duration(rapid.IntRange(0, 540).Draw(m.t, "lag"))*time.Second)]--
	case "delivery":
		m.desired += inventory.Units(rapid.IntRange(1, 3).Draw(m.t, "units"))
		m.heard = true
	}
	for at, units := range m.due {
		if !at.After(m.now) {
			m.desired -= units
			m.own = max(0, m.own-max(units, 0))
			m.heard = true
			delete(m.due, at)
		}
	}
}

func TestOrdinaryTradeIsNeverASecondWriter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &market{contest: newContest(inventory.Units(rapid.IntRange(0, 8).Draw(t, "stock"))), t: t, due: map[time.Time]inventory.Units{}}
		every := time.Duration(rapid.IntRange(10, 90).Draw(t, "seconds between looks")) * time.Second
		for range rapid.IntRange(60, 300).Draw(t, "looks") {
			m.after(every, func(*contest) { m.happen() })
			if m.reported() {
				t.Fatalf("trade was taken for a second writer: %+v", m.rivals)
			}
		}
	})
}

func TestAShopThatSellsOneUnitAMinuteIsNeverASecondWriter(t *testing.T) {
	c := newContest(5)
	for i := range 600 {
		c.after(30*time.Second, func(c *contest) {
			switch i % 4 {
			case 0: // sold
				c.shows--
				c.own++
			case 1: // Katana commits it
				c.desired--
				c.own--
				c.heard = true
			case 2: // and makes another one
				c.desired++
				c.heard = i%8 == 2 // a feed may miss it
			}
		})
		if c.reported() {
			t.Fatalf("look %d: %+v", i, c.rivals)
		}
	}
}
