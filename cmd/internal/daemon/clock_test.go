package daemon

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/robfig/cron/v3"

	"stocksyncd/reconcile/inventory"
)

// nightly is a full cycle at three, and an incremental one every ten minutes.
func nightly(t *testing.T) *Setup {
	full, err := cron.ParseStandard("0 3 * * *")
	if err != nil {
		t.Fatal(err)
	}
	setup := hourly()
	setup.Full = full
	return setup
}

func TestAScheduleIsLateOnlyWhenTheClockWasSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := nightly(t)
		timing := startTiming(setup, func(inventory.Kind) {}, newBench(setup).opts.Log)
		defer timing.stop()
		for range 200 { // more than a day
			synctest.Wait()
			now := time.Now()
			for off, want := range map[time.Duration]bool{0: false, time.Hour: false, 100 * 24 * time.Hour: false, -48 * time.Hour: true, -10 * 365 * 24 * time.Hour: true} {
				if got := timing.late(setup, now.Add(off)); got != want {
					t.Errorf("at %s, the clock set by %s: got %t, want %t", now.Format(time.TimeOnly), off, got, want)
				}
			}
			<-time.After(9 * time.Minute)
		}
	})
}

func TestTheSchedulesBeginAnewWhenTheClockIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(nightly(t))
		var off atomic.Int64
		b.opts.Now = func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
		b.start(t.Context())
		<-time.After(time.Hour)
		synctest.Wait()
		if strings.Contains(b.log.String(), "set back") {
			t.Errorf("nobody has set the clock:\n%s", b.log)
		}
		before := b.kinds()
		off.Store(int64(-48 * time.Hour))
		<-time.After(2 * time.Minute)
		off.Store(0)
		<-time.After(24 * time.Hour)
		synctest.Wait()
		if !strings.Contains(b.log.String(), "the clock of this machine was set back") {
			t.Errorf("the log does not say so:\n%s", b.log)
		}
		if after := strings.TrimPrefix(b.kinds(), before); strings.Count(after, string(inventory.Full)) != 1 || strings.Count(after, string(inventory.Incremental)) < 140 {
			t.Errorf("the schedules do not go on: %s", after)
		}
		b.stop(t)
	})
}
