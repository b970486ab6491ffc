package cli

import (
	"strings"
	"testing"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/configs"
	"stocksyncd/reconcile"
)

func TestCheckSaysWhetherEachFigureOfKatanaIsReadInTime(t *testing.T) {
	const half = 30 * time.Second
	for _, test := range []struct {
		name      string
		sweep     reconcile.Sweep
		every     time.Duration
		perMinute int
		want      finding
	}{
		{
			"a small shop", reconcile.Sweep{Variants: 1650, Locations: 3, Within: time.Hour}, half, 60,
			pass("katana sweep", "1650 variants at 3 locations: to read each again within 1h takes 21 requests an hour of 3600"),
		},
		{
			"kits", reconcile.Sweep{Variants: 1600, Kits: 50, Locations: 3, Within: 30 * time.Minute}, half, 60,
			pass("katana sweep", "1650 variants (50 kits, four times as often) at 3 locations: to read each again within 30m takes 45 requests an hour of 3600"),
		},
		{
			"a catalogue too large for an hour", reconcile.Sweep{Variants: 400_000, Locations: 3, Within: time.Hour}, half, 60,
			finding{
				Name: "katana sweep", Detail: "400000 variants at 3 locations: to read each again within 1h takes 4800 requests an hour of 3600; beside what has changed, that much is had in 3h",
				Next: "set sync.sweep_within to 3h, or ask Katana for a higher limit",
			},
		},
		{
			"cycles so close that nothing is left", reconcile.Sweep{Variants: 1650, Locations: 3, Within: time.Hour}, 5 * time.Second, 60,
			finding{
				Name: "katana sweep", Detail: "1650 variants at 3 locations: to read each again within 1h takes 21 requests an hour of 3600; with a cycle every 5s, what has changed takes them all",
				Next: "let sync.schedule run less often, or ask Katana for a higher limit",
			},
		},
		{
			"cycles too far apart", reconcile.Sweep{Variants: 1, Locations: 1, Within: time.Hour}, 90 * time.Minute, 60,
			finding{
				Name: "katana sweep", Detail: "1 variant at 1 location: to read each again within 1h takes 1 request an hour of 3600; with a cycle every 1h30m, that cannot be had",
				Next: "let sync.schedule run more often, or set sync.sweep_within to 1h30m",
			},
		},
	} {
		if got := sweepFinding(test.sweep, test.every, test.perMinute); got != test.want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", test.name, got, test.want)
		}
	}
}

func TestTheSweepThatCheckSpeaksOfLeavesOutWhatIsArchivedAndGoesByTheLimit(t *testing.T) {
	b := newBench(t)
	b.do(sandbox.ItemArchived{SKU: "TEE-M"})
	b.edit("requests_per_minute: 6000", "requests_per_minute: 240")
	const line = "✓ katana sweep: 2 variants at 2 locations: to read each again within 1h takes 2 requests an hour of 14400\n"
	if out, _ := b.expect(exitDone, "check"); !strings.Contains(out, line) {
		t.Errorf("check says\n%swant %q", out, line)
	}
}

func TestHowOftenAScheduleRuns(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"@every 30s":    30 * time.Second,
		"*/5 * * * *":   5 * time.Minute,
		"0 3 * * *":     24 * time.Hour,
		"0 8-19 * * *":  2 * time.Hour, // on the average
		"0 0 29 2 *":    24 * time.Hour,
		"@every 100h0m": 24 * time.Hour, // at most once a day is as bad as never
	} {
		schedule, err := configs.ParseSchedule(text, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		if got := cadence(schedule, noon); got != want {
			t.Errorf("%s: every %s, want %s", text, got, want)
		}
	}
}
