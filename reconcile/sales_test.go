package reconcile_test

import (
	"bytes"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

func TestAnOrderThatNeverReachesKatanaIsNamedAndCanBeReleased(t *testing.T) {
	f := openFloor(t, true)
	f.place("#1001", atFront, 2)
	f.tick(time.Minute)
	f.move(10, 5, 0)
	report := f.ask(reconcile.Request{Kind: inventory.Incremental})
	f.want(report, f.levels[atFront], "applied inflight 18→23")
	f.pass(25 * time.Hour)
	report = f.ask(reconcile.Request{Kind: inventory.Incremental})
	const id = "main-order-5000"
	wantNote := "Katana does not have order #1001, placed 2026-03-04 05:17:09 UTC: what it sold is not offered until it has, or until `stocksyncd release " + id + "`"
	if notes := strings.Join(report.Stores[0].Notes, "\n"); notes != wantNote {
		t.Errorf("got notes\n%s\nwant\n%s", notes, wantNote)
	}
	waits := report.Stores[0].Changes
	if len(waits) == 0 || waits[0].Outcome != inventory.Waiting || waits[0].Detail != "sold by #1001" {
		t.Errorf("got %+v, want the raise to wait for the order, by its name", waits)
	}
	var log bytes.Buffer
	f.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	f.start()
	said, err := f.r.Release(id)
	if line := `level=INFO msg=released store=main what="` + said + `"`; !strings.Contains(log.String(), line) {
		t.Errorf("the log has\n%swant\n%s", &log, line)
	}
	if err != nil || !strings.Contains(said, "#1001") {
		t.Fatalf("got %q, %v", said, err)
	}
	report = f.ask(reconcile.Request{Kind: inventory.Incremental})
	f.want(report, f.levels[atFront], "applied drift 23→25")
	if notes := report.Stores[0].Notes; len(notes) != 0 {
		t.Errorf("got notes %q after the release", notes)
	}
	if _, err := f.r.Release(id); err == nil {
		t.Error("an order can be released twice")
	}
}

func TestAnOrderThatIsCalledOffWhileNoCycleRunsForDaysIsHeardOf(t *testing.T) {
	f := openFloor(t, true)
	f.place("#1", atFront, 2)
	f.tick(time.Minute)
	f.cancel("#1")
	f.pass(50 * time.Hour)
	f.ask(reconcile.Request{Kind: inventory.Full})
	f.settles()
}

func TestAStoreWhoseOrdersMayNotBeReadIsSaidInFullCycles(t *testing.T) {
	f := openFloor(t, false)
	for kind, want := range map[inventory.Kind]bool{inventory.Full: true, inventory.Incremental: false} {
		report := f.ask(reconcile.Request{Kind: kind})
		notes := strings.Join(report.Stores[0].Notes, "\n")
		if got := strings.Contains(notes, "read_orders"); got != want {
			t.Errorf("a %s cycle: got notes %q", kind, notes)
		}
	}
}

func TestARaiseIsWrittenOnlyAfterTheStoreHasToldItsOrders(t *testing.T) {
	f := openFloor(t, true)
	f.place("#1", atMarket, 1)
	f.sell(f.levels[atMarket], -1) // and one is put back: the level shows what it did
	f.move(20, 5, 0)
	report := f.ask(reconcile.Request{Kind: inventory.Incremental})
	f.want(report, f.levels[atMarket], "applied inflight 10→14")
	f.shops["main"].calls = nil
	f.move(20, -5, 0)
	f.ask(reconcile.Request{Kind: inventory.Incremental})
	if got := strings.Join(f.shops["main"].calls, ", "); got != "levels of 3, set 1" {
		t.Errorf("main was asked %q, want what shares stock and the reduction, not its orders", got)
	}
}

func TestAScopeThatIsGrantedLaterIsTakenUp(t *testing.T) {
	f := openFloor(t, false)
	f.place("#1", atFront, 2)
	f.tick(time.Minute)
	f.shops["main"].tells = true
	f.ask(reconcile.Request{Kind: inventory.Full})
	f.pass(settle)
	f.tick(time.Minute)
	if got := f.shows(f.levels[atFront]); got != 18 {
		t.Errorf("%d are offered, want 18: the order is known by now", got)
	}
	f.shops["main"].tells = false
	f.ask(reconcile.Request{Kind: inventory.Full})
	f.pass(settle)
	f.ask(reconcile.Request{Kind: inventory.Full})
	if got := f.shows(f.levels[atFront]); got != 20 {
		t.Errorf("%d are offered, want 20: without the scope what is sold is a guess that ends", got)
	}
}

func TestBeforeARaiseEveryStoreTellsItsOrders(t *testing.T) {
	f := openFloor(t, true)
	f.place("#1", atOutlet, 5)
	f.tick(time.Minute)
	f.sell(f.levels[atOutlet], -5) // somebody puts back what is on its way to Katana: the outlet wants no raise
	for range 3 {                  // whatever the turn of its glances
		f.tick(3 * time.Minute)
		f.place("#"+strconv.Itoa(len(f.orders)+1), atOutlet, 1)
		f.sell(f.levels[atFront], 3) // edited by hand
		f.tick(time.Minute)          // both have fallen
		f.tick(3 * time.Minute)      // falls count no longer: an order that was not told of would be sold again
	}
}
