package reconcile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

func TestAnOrderThatIsImportedWhileNoCycleRunsForDaysIsHeardOf(t *testing.T) {
	f := openFloor(t, true)
	f.place("#0", atFront, 1)
	f.bring("#0")
	f.tick(time.Minute)
	f.place("#1", atFront, 2)
	f.tick(time.Minute)
	f.pass(time.Minute)
	f.bring("#1")
	f.pass(100 * time.Hour)
	f.tick(time.Minute)
	f.move(10, 5, 0)
	f.settles()
}

func TestAnOrderThatIsDeletedWhileNoCycleRunsForDaysIsInFlightAgain(t *testing.T) {
	f := openFloor(t, true)
	f.place("#1", atFront, 2)
	f.tick(time.Minute)
	f.bring("#1")
	f.tick(time.Minute)
	o := f.orders["#1"]
	f.pass(time.Minute)
	f.katana.orders[o.katana].Deleted, f.katana.orders[o.katana].Updated = true, f.now
	f.move(10, 0, -2)
	o.imported = 0
	f.pass(100 * time.Hour)
	f.tick(time.Minute)
	f.settles()
}

func TestAnImportIsHeardOfThoughItsStoreFails(t *testing.T) {
	f := openFloor(t, true)
	f.place("#1", atOutlet, 2)
	f.tick(time.Minute)
	f.bring("#1")
	f.shops["outlet"].fail = errors.New("token revoked")
	f.pass(time.Minute)
	for range 4 {
		f.pass(time.Minute)
		if _, err := f.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full}); err != nil {
			t.Fatal(err)
		}
	}
	f.wantShown(f.levels[atFront], 18)
}

func TestAStoreThatTellsItsOrdersButNotWhatItUpdatedIsRaised(t *testing.T) {
	f := openFloor(t, true)
	f.stores[0].Target = &vague{shop: f.shops["main"], until: 1000}
	f.start()
	for range 4 {
		f.pass(time.Minute)
		f.ask(reconcile.Request{Kind: inventory.Incremental})
	}
	f.move(10, 5, 0)
	for range 4 {
		f.pass(time.Minute)
		f.ask(reconcile.Request{Kind: inventory.Incremental})
	}
	f.wantShown(f.levels[atFront], 25)
}

func TestAUnitThatIsSoldUnderTheFormerSKUIsNotOfferedUnderTheNewOne(t *testing.T) {
	for _, tells := range []bool{true, false} {
		f := openFloor(t, tells)
		f.place("#1", atFront, 2)
		f.tick(time.Minute)
		for _, shop := range f.shops {
			for _, level := range shop.levels {
				level.SKU = "MUG2"
			}
		}
		f.katana.variants[0].SKU = "MUG2"
		f.katana.edited = f.now.Add(time.Second)
		f.tick(time.Minute)
		f.ask(reconcile.Request{Kind: inventory.Full})
		f.ask(reconcile.Request{Kind: inventory.Full})
		for _, at := range []int{atFront, atWindow, atOutlet} {
			f.wantShown(f.levels[at], 18)
		}
	}
}

func TestACycleOfOneStoreDoesNotOfferWhatAnotherHasSold(t *testing.T) {
	for _, kind := range []inventory.Kind{inventory.Full, inventory.Incremental} {
		for _, tells := range []bool{true, false} {
			f := openFloor(t, tells)
			f.place("#1", atOutlet, 3)
			f.move(10, 5, 0)
			f.pass(time.Minute)
			report := f.ask(reconcile.Request{Kind: kind, Store: "main"})
			f.wantShown(f.levels[atFront], 22)
			f.wantShown(f.levels[atOutlet], 17) // nothing is written there
			if len(report.Stores) != 1 || report.Stores[0].Name != "main" {
				t.Errorf("a %s cycle of main reports %d stores", kind, len(report.Stores))
			}
			f.shops["outlet"].fail = errors.New("no answer")
			f.move(20, 5, 0)
			f.pass(time.Minute)
			f.ask(reconcile.Request{Kind: kind, Store: "main"}) // one that fails keeps no other
			f.wantShown(f.levels[atMarket], 15)
			f.shops["outlet"].fail = nil
			f.bring("#1")
			f.settles()
		}
	}
}

func TestACycleOfOneStoreReadsAnotherThatWasAwayForADay(t *testing.T) {
	for _, tells := range []bool{true, false} {
		f := openFloor(t, tells)
		for range 25 {
			f.pass(time.Hour)
			f.ask(reconcile.Request{Kind: inventory.Incremental, Store: "main"})
		}
		f.place("#1", atOutlet, 3)
		f.move(10, 5, 0)
		f.pass(time.Minute)
		f.ask(reconcile.Request{Kind: inventory.Incremental, Store: "main"})
		f.wantShown(f.levels[atFront], 22)
		f.bring("#1")
		f.settles()
	}
}

func TestACycleOfOneStoreReadsAnotherThatIsNotKnown(t *testing.T) {
	for _, kind := range []inventory.Kind{inventory.Full, inventory.Incremental} {
		f := openFloor(t, true)
		f.place("#1", atOutlet, 3)
		f.move(10, 5, 0)
		lose(f)
		f.pass(time.Minute)
		f.ask(reconcile.Request{Kind: kind, Store: "main"})
		f.wantShown(f.levels[atFront], 22)
		f.bring("#1")
		f.settles()
	}
}

func TestAnOrderIsSoughtInKatanaThoughTheClockOfItsStoreIsAhead(t *testing.T) {
	f := openFloor(t, false)
	f.place("#1", atFront, 2)
	f.tick(time.Minute)
	f.bring("#1")
	f.tick(time.Minute)
	f.tick(time.Minute)
	f.place("#2", atMarket, 1) // Katana's orders are read from this one's on
	f.tick(time.Minute)
	f.bring("#2")
	f.tick(time.Minute)
	for i := range f.shops["main"].sales {
		f.shops["main"].sales[i].Created = f.shops["main"].sales[i].Created.Add(5 * time.Minute)
	}
	f.shops["main"].tells = true
	f.ask(reconcile.Request{Kind: inventory.Full})
	f.settles()
}

func TestARaiseWhoseAnswerWasLostWaitsUntilItsSaleCanHaveBeenTold(t *testing.T) {
	f := openFloor(t, true)
	main := f.shops["main"]
	main.after = func() error {
		main.after = nil
		f.place("#1", atMarket, 5) // all that it was raised by
		main.sales, main.toldSales = nil, nil
		return fmt.Errorf("%w: %w", inventory.ErrAnswerLost, errCut)
	}
	sale := func() { main.sales = []inventory.Sale{{ID: 5000, Name: "#1", Created: f.now}} }
	f.move(20, 5, 0)
	f.tick(time.Minute)
	f.tick(time.Minute) // the search for orders does not find it yet
	sale()
	f.told("#1")
	f.tick(time.Minute)
	f.bring("#1")
	f.settles()
}
