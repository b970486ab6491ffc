package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

func TestARaiseWaitsForAStoreThatFailsAndDrawsOnTheSameStock(t *testing.T) {
	for _, tells := range []bool{true, false} {
		for _, kind := range []inventory.Kind{inventory.Incremental, inventory.Full} {
			f := openFloor(t, tells)
			f.place("#1", atOutlet, 3)
			f.tick(time.Minute)
			f.pass(settle / 2)
			f.place("#2", atOutlet, 1)
			f.move(10, 5, 0)
			f.move(20, 5, 0)
			f.sell(f.levels[atWindow], -20) // somebody offers far more than there is
			f.shops["outlet"].fail = errors.New("no answer")
			f.pass(time.Minute)
			report := f.ask(reconcile.Request{Kind: kind})
			f.want(report, f.levels[atFront], "waiting unread 17→22")
			f.wantShown(f.levels[atFront], 17)
			f.wantShown(f.levels[atWindow], 22)
			f.want(report, f.levels[atMarket], "applied drift 10→15")
			f.shops["outlet"].fail = nil
			f.tick(time.Minute)
			f.wantShown(f.levels[atFront], 21)
			f.bring("#1")
			f.bring("#2")
			f.settles()
		}
	}
}

func TestAStoreThatGoesOnFailingKeepsNoOtherFromItsRaises(t *testing.T) {
	f := openFloor(t, true)
	f.shops["outlet"].fail = errors.New("token revoked")
	f.move(10, 5, 0)
	for passed := time.Duration(0); passed < settle; passed += settle / 4 {
		f.pass(settle / 4)
		report := f.ask(reconcile.Request{Kind: inventory.Incremental})
		f.wantShown(f.levels[atFront], 20)
		const why = "store outlet failed, and may have sold of the same stock"
		if got := report.Stores[0].Changes; len(got) == 0 || got[0].Reason != inventory.ReasonUnread || got[0].Detail != why {
			t.Errorf("got %+v, want the raises to wait as %s", got, why)
		}
	}
	f.pass(settle / 4)
	f.ask(reconcile.Request{Kind: inventory.Incremental})
	f.wantShown(f.levels[atFront], 25)
	f.shops["outlet"].fail = nil
	f.settles()
}

func TestNothingIsRaisedWhileAStoreThatWasNeverSeenFails(t *testing.T) {
	for _, of := range []string{"main", "outlet"} {
		f := openFloor(t, true)
		f.place("#1", atOutlet, 3)
		f.place("#2", atFront, 2)
		f.tick(time.Minute)
		f.move(10, 5, 0)
		lose(f)
		f.shops[inventory.StoreName(of)].fail = errors.New("no answer")
		f.tick(time.Minute)
		f.shops[inventory.StoreName(of)].fail = nil
		f.tick(time.Minute)
		f.wantShown(f.levels[atFront], 20)
		f.bring("#1")
		f.bring("#2")
		f.settles()
	}
}

// panicky is a shop of which every glance panics.
type panicky struct{ *shop }

func (b panicky) Glance(context.Context, time.Time) (inventory.Glance, error) { panic("odd answer") }

func TestAStoreThatPanicsKeepsNoOtherFromItsRaisesForGood(t *testing.T) {
	f := openFloor(t, true)
	f.stores[1].Target = panicky{f.shops["outlet"]}
	f.shops["outlet"].fail = errors.New("it panics")
	f.start()
	f.move(10, 5, 0)
	for range 4 {
		f.ask(reconcile.Request{Kind: inventory.Incremental})
		f.wantShown(f.levels[atFront], 20)
		f.pass(settle / 4)
	}
	f.ask(reconcile.Request{Kind: inventory.Incremental})
	f.wantShown(f.levels[atFront], 25)
}

func TestRaisesWaitForAStoreThatFailsAsLongWhenTheClockIsSet(t *testing.T) {
	for _, by := range jumps {
		f := openFloor(t, true)
		f.move(10, 5, 0)
		f.shops["outlet"].fail = errors.New("no answer")
		f.ask(reconcile.Request{Kind: inventory.Incremental})
		f.setClock(by)
		f.pass(settle / 2)
		f.ask(reconcile.Request{Kind: inventory.Incremental})
		f.wantShown(f.levels[atFront], 20)
		f.pass(settle)
		f.ask(reconcile.Request{Kind: inventory.Incremental})
		f.wantShown(f.levels[atFront], 25)
	}
}

func TestAStoreThatCameBackWhileKatanaFailedIsWaitedForAgain(t *testing.T) {
	f := openFloor(t, true)
	outlet := f.shops["outlet"]
	f.move(10, 5, 0)
	outlet.fail = errors.New("no answer")
	f.ask(reconcile.Request{Kind: inventory.Full})
	outlet.fail, f.katana.fail = nil, errors.New("no answer")
	f.pass(settle / 2)
	if _, err := f.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Full}); err == nil {
		t.Fatal("got no error")
	}
	f.place("#1", atOutlet, 3)
	outlet.fail, f.katana.fail = f.katana.fail, nil
	f.pass(settle / 2)
	f.ask(reconcile.Request{Kind: inventory.Full})
	f.wantShown(f.levels[atFront], 20)
}

func TestWhoAsksIsToldThatARaiseWaitsForAStoreThatFails(t *testing.T) {
	f := openFloor(t, true)
	f.move(10, 5, 0)
	f.move(20, 5, 0)
	f.shops["outlet"].fail = errors.New("no answer")
	f.ask(reconcile.Request{Kind: inventory.Incremental})
	f.move(20, 5, 0)
	for _, fresh := range []bool{false, true} {
		list, err := f.r.Explain(t.Context(), reconcile.ExplainRequest{SKU: "MUG", Store: "main", Fresh: fresh})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			const why = "raising it to 25 waits: store outlet failed, and may have sold of the same stock"
			if shared := e.LocationID != 2; shared != (e.Next.Reason == inventory.ReasonUnread && e.Next.Text == why) {
				t.Errorf("%d, fresh %t: got %+v", e.LocationID, fresh, e.Next)
			}
		}
	}
	figures, err := f.r.Figures(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range figures.Levels {
		if shared := level.Key.Location != 2; shared != (level.Waits == inventory.ReasonUnread) {
			t.Errorf("got %+v", level)
		}
	}
}

func TestARaiseWaitsForWhatAnotherStoreMayHaveSoldBeforeItWasSeen(t *testing.T) {
	f := openFloor(t, false)
	lose(f)
	f.shops["outlet"].fail = errors.New("no answer")
	f.tick(time.Minute)
	f.shops["outlet"].fail = nil
	f.place("#1", atOutlet, 3)
	f.move(10, 5, 0)
	f.move(20, 5, 0)
	f.tick(settle / 2) // outlet is seen for the first time
	f.pass(settle/2 + time.Minute)
	report := f.ask(reconcile.Request{Kind: inventory.Incremental})
	f.want(report, f.levels[atFront], "waiting first_sight 20→25")
	f.want(report, f.levels[atMarket], "applied drift 10→15")
	f.bring("#1")
	f.settles()
}

func TestARaiseWaitsForWhatMayHaveBeenSoldAfterAnAnswerThatWasLost(t *testing.T) {
	f := openFloor(t, true)
	main := f.shops["main"]
	main.after = func() error {
		main.after = nil
		f.place("#1", atFront, 5) // all that it was raised by
		main.sales, main.toldSales = nil, nil
		return fmt.Errorf("%w: %w", inventory.ErrAnswerLost, errCut)
	}
	f.move(10, 5, 0)
	f.ask(reconcile.Request{Kind: inventory.Incremental})
	f.move(10, 3, 0)
	f.tick(time.Minute) // the search for orders does not find it yet
	f.wantShown(f.levels[atOutlet], 25)
	main.sales = []inventory.Sale{{ID: 5000, Name: "#1", Created: f.now}}
	f.told("#1")
	f.tick(time.Minute)
	f.bring("#1")
	f.settles()
}

func TestAStoreWhoseLevelsAreReadButNeverTakenInKeepsNoOtherFromItsRaisesForGood(t *testing.T) {
	f := openFloor(t, false)
	lose(f)
	f.stores[1].Mapping.Locations = []desired.Pair{{Target: "Moved away", Sources: []string{"Main"}}}
	f.shops["outlet"].fail = errors.New("no answer") // at first
	f.start()
	f.tick(time.Minute)
	f.move(10, 5, 0)
	f.shops["outlet"].fail = nil // from then on its mapping fails
	for range 3 {
		f.pass(settle / 2)
		if _, err := f.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Full}); err != nil {
			t.Fatal(err)
		}
	}
	f.wantShown(f.levels[atFront], 25)
}

func TestWhatIsNotCountedKeepsNoLevelOfItsSKUFromARaise(t *testing.T) {
	for name, odd := range map[string]func(*inventory.Level){
		"untracked": func(l *inventory.Level) { l.Untracked = true },
		"a bundle":  func(l *inventory.Level) { l.Bundle = true },
		"a card":    func(l *inventory.Level) { l.GiftCard = true },
	} {
		f := openFloor(t, false)
		odd(f.shops["outlet"].levels[f.level("outlet", 10, "MUG", 20)])
		f.move(10, 5, 0)
		report := f.ask(reconcile.Request{Kind: inventory.Full})
		if got, want := outcome(report, f.levels[atFront]), "applied drift 20→25"; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestARaiseOfTheSKUThatALevelCarriesByNowWaitsForTheOthersOfIt(t *testing.T) {
	f := openFloor(t, false)
	f.sku("CAP", 30)
	f.tick(time.Minute)
	f.level("outlet", 10, "CAP", 30) // seen for the first time by the next cycle
	main := f.shops["main"]
	main.before = func([]inventory.Change) {
		main.before = nil
		main.levels[f.levels[atFront]].SKU, main.levels[f.levels[atWindow]].SKU, main.levels[f.levels[atMarket]].SKU = "CAP", "CAP", "CAP"
		f.sell(f.levels[atFront], -1) // so that it is read again
	}
	f.move(10, -5, 0)
	report := f.ask(reconcile.Request{Kind: inventory.Full})
	f.want(report, f.levels[atFront], "waiting unread 21→30")
	report = f.ask(reconcile.Request{Kind: inventory.Incremental})
	f.want(report, f.levels[atFront], "waiting first_sight 21→30")
	f.pass(settle)
	f.ask(reconcile.Request{Kind: inventory.Incremental})
	f.wantShown(f.levels[atFront], 30)
}

func TestARaiseThatWaitsForAnotherLevelSaysWhereThatIs(t *testing.T) {
	for at, want := range map[inventory.LocationID]string{
		2: "store outlet may have sold of the same stock at Market, unseen",
		7: "store outlet may have sold of the same stock at location 7, unseen", // which the store does not list
	} {
		f := openFloor(t, false)
		f.level("outlet", 9, "MUG", 10, at)
		f.move(10, 5, 0)
		f.move(20, 5, 0)
		report := f.ask(reconcile.Request{Kind: inventory.Full})
		var got []string
		for _, change := range report.Stores[0].Changes {
			if change.Outcome == inventory.Waiting {
				got = append(got, change.Detail)
			}
		}
		if len(got) == 0 || slices.ContainsFunc(got, func(detail string) bool { return detail != want }) {
			t.Errorf("got %q, want %q", got, want)
		}
		list, err := f.r.Explain(t.Context(), reconcile.ExplainRequest{SKU: "MUG", Store: "main"})
		if err != nil {
			t.Fatal(err)
		}
		waits := slices.ContainsFunc(list, func(e inventory.Explanation) bool {
			return e.Next.Reason == inventory.ReasonFirstSight && e.Next.Text == fmt.Sprintf("raising it to %d waits: %s", e.Target, want)
		})
		if !waits {
			t.Errorf("no level of %d waits as %s", len(list), want)
		}
	}
}

func TestWhoAsksIsToldOfTheLevelsThatALevelSeenForTheFirstTimeWaitsForNext(t *testing.T) {
	f := openFloor(t, false)
	lose(f)
	f.move(10, 5, 0)
	f.shops["outlet"].fail = errors.New("no answer")
	f.tick(time.Minute)
	f.shops["outlet"].fail = nil
	f.tick(settle / 2) // outlet is seen for the first time
	f.pass(settle/2 - 10*time.Second)
	report := f.ask(reconcile.Request{Kind: inventory.Incremental})
	f.want(report, f.levels[atFront], "waiting first_sight 20→25") // for itself
	f.pass(time.Minute)
	list, err := f.r.Explain(t.Context(), reconcile.ExplainRequest{SKU: "MUG", Store: "main"})
	if err != nil {
		t.Fatal(err)
	}
	const want = "raising it to 25 waits: store outlet may have sold of the same stock at Shop, unseen"
	if got := list[0].Next; got.Reason != inventory.ReasonFirstSight || got.Text != want {
		t.Errorf("got %+v, want %s", got, want)
	}
	report = f.ask(reconcile.Request{Kind: inventory.Incremental})
	f.want(report, f.levels[atFront], "waiting first_sight 20→25")
}
