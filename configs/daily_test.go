package configs

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zoneOf(t testing.TB, name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestAScheduleKeepsToTheClocksThatArePutForwardAndBack(t *testing.T) {
	for _, test := range []struct {
		name, text, zone string
		from             time.Time // UTC
		want             []string  // what the clocks show
	}{
		{
			"a time that spring skips comes as soon as the clocks are put forward", "30 2 * * *", "Europe/Oslo", time.Date(2027, 3, 27, 12, 0, 0, 0, time.UTC),
			[]string{"Sun 28 03:00 CEST", "Mon 29 02:30 CEST", "Tue 30 02:30 CEST"},
		},
		{
			"a time that autumn has twice comes once", "30 2 * * *", "Europe/Oslo", time.Date(2027, 10, 30, 12, 0, 0, 0, time.UTC),
			[]string{"Sun 31 02:30 CEST", "Mon 01 02:30 CET", "Tue 02 02:30 CET"},
		},
		{
			"after the second time the next day is next", "30 2 * * *", "Europe/Oslo", time.Date(2027, 10, 31, 1, 10, 0, 0, time.UTC),
			[]string{"Mon 01 02:30 CET"},
		},
		{
			"a midnight that spring skips", "@daily", "America/Asuncion", time.Date(2023, 9, 30, 12, 0, 0, 0, time.UTC),
			[]string{"Sun 01 01:00 -03", "Mon 02 00:00 -03"},
		},
		{
			"half an hour", "15 2 * * *", "Australia/Lord_Howe", time.Date(2027, 10, 2, 0, 0, 0, 0, time.UTC),
			[]string{"Sun 03 02:30 +11", "Mon 04 02:15 +11"},
		},
		{
			"several times of the day", "30 1-3 * * *", "Europe/Oslo", time.Date(2027, 10, 30, 23, 0, 0, 0, time.UTC),
			[]string{"Sun 31 01:30 CEST", "Sun 31 02:30 CEST", "Sun 31 03:30 CET", "Mon 01 01:30 CET"},
		},
		{
			"every half hour never stops for more", "*/30 * * * *", "Europe/Oslo", time.Date(2027, 10, 31, 0, 0, 0, 0, time.UTC),
			[]string{"Sun 31 02:30 CEST", "Sun 31 02:00 CET", "Sun 31 02:30 CET", "Sun 31 03:00 CET"},
		},
		{
			"nor does every hour, however it is written", "30 0-23 * * *", "Europe/Oslo", time.Date(2027, 10, 31, 0, 0, 0, 0, time.UTC),
			[]string{"Sun 31 02:30 CEST", "Sun 31 02:30 CET", "Sun 31 03:30 CET"},
		},
		{
			"nor does any hour", "30 ? * * *", "Europe/Oslo", time.Date(2027, 10, 31, 0, 0, 0, 0, time.UTC),
			[]string{"Sun 31 02:30 CEST", "Sun 31 02:30 CET", "Sun 31 03:30 CET"},
		},
		{
			"without a zone it is UTC", "30 2 * * *", "UTC", time.Date(2027, 3, 27, 12, 0, 0, 0, time.UTC),
			[]string{"Sun 28 02:30 UTC", "Mon 29 02:30 UTC"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			zone := zoneOf(t, test.zone)
			schedule, err := ParseSchedule(test.text, zone)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for at := test.from; len(got) < len(test.want); {
				at = schedule.Next(at)
				got = append(got, at.In(zone).Format("Mon 02 15:04 MST"))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestPropertyADailyScheduleComesOnceADayInEveryZone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"Europe/Oslo", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Gaza", "UTC"}).Draw(t, "zone")
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		clock := time.Date(2000, 1, 1, rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), 0, 0, time.UTC)
		schedule, err := ParseSchedule(clock.Format("4 15 * * *"), zone)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(1_600_000_000, 1_900_000_000).Draw(t, "from"), 0)
		at = schedule.Next(at)
		for range 400 {
			next := schedule.Next(at)
			if day, after := at.In(zone), next.In(zone); after.YearDay() != day.AddDate(0, 0, 1).YearDay() || next.Sub(at) > 26*time.Hour {
				t.Fatalf("%s comes at %s and then at %s", clock.Format("15:04"), day, after)
			}
			at = next
		}
	})
}

// FuzzParseSchedule: what is taken for a schedule has times, each after the one
// before, whatever a zone does to its clocks.
func FuzzParseSchedule(f *testing.F) {
	for _, text := range []string{"30 2 * * *", "@every 30s", "@daily", "*/5 1-3,22 1 JAN-MAR mon", "0 0 30 2 *", "TZ=UTC", "@reboot", "0 0 29 2 1", "? ? ? ? ?", "@every 9999999h", "5"} {
		f.Add(text, int64(1_800_000_000))
	}
	zones := []*time.Location{time.UTC, zoneOf(f, "Europe/Oslo"), zoneOf(f, "Australia/Lord_Howe"), zoneOf(f, "America/Asuncion")}
	f.Fuzz(func(t *testing.T, text string, from int64) {
		for _, zone := range zones {
			schedule, err := ParseSchedule(text, zone)
			if err != nil {
				continue
			}
			at := time.Unix(from%(1<<32), 0)
			for range 3 {
				next := schedule.Next(at)
				if next.IsZero() { // within five years
					break
				}
				if !next.After(at) {
					t.Fatalf("%q in %s: %s comes after %s", text, zone, next, at)
				}
				at = next
			}
		}
	})
}
