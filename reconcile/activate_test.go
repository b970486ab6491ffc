package reconcile_test

import (
	"fmt"
	"testing"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// unstocked is a world whose one mug is stocked at Shop alone, while Katana
// has 7 for Market.
func unstocked(t *testing.T, activate bool) (w *world, market inventory.Key) {
	w = newWorld(t)
	id := w.sku("MUG", 5)
	w.has(id, 20, 7)
	w.level("main", 1, "MUG", 5)
	w.stores[0].Activate = activate
	return w, inventory.Key{Store: "main", Item: 1, Location: 2}
}

func TestAnItemThatIsNotStockedIsReportedUnlessTheConfigWantsIt(t *testing.T) {
	w, market := unstocked(t, false)
	report := w.settled().cycle()
	if got := report.Stores[0].Skipped[inventory.ReasonNotStocked]; got != 1 {
		t.Errorf("got %d levels left alone as not stocked, want 1", got)
	}
	w.want(report, market, "")
	if len(w.shops["main"].activated) > 0 {
		t.Error("it was stocked all the same")
	}
	if kept, err := w.state.Store("main"); err != nil || len(kept.Levels) != 1 {
		t.Errorf("got %d levels in memory, want the one there is (%v)", len(kept.Levels), err)
	}
}

func TestAnItemIsStockedBeforeItsFirstWrite(t *testing.T) {
	w, market := unstocked(t, true)
	first := w.cycle()
	w.want(first, market, "waiting first_sight 0→7")
	w.pass(settle)
	w.want(w.cycle(), market, "applied activate 0→7")
	w.wantShown(market, 7)
	if got := w.shops["main"].activated; len(got) != 1 || got[0] != market {
		t.Errorf("got %v stocked, want %s once", got, market)
	}
	if report := w.cycle(); report.Stores[0].Drifted != 0 {
		t.Errorf("then it is not in step: %+v", report.Stores[0].Changes)
	}
	if kept, err := w.state.Store("main"); err != nil || len(kept.Ledger.Entries) > 0 {
		t.Errorf("our own doing was taken for a sale: %+v, %v", kept.Ledger.Entries, err)
	}
}

func TestAnItemThatIsStockedNowhereIsStockedWhereTheConfigNamesALocation(t *testing.T) {
	w := newWorld(t)
	id := w.sku("MUG", 5)
	w.has(id, 20, 0)
	w.sku("CUP", 0)
	w.stores[0].Activate = true
	for i, sku := range []inventory.SKU{"MUG", "CUP", "NOT-IN-KATANA"} {
		w.shops["main"].unstocked = append(w.shops["main"].unstocked, inventory.Level{
			Key: inventory.Key{Store: "main", Item: inventory.ItemID(i + 1), Location: inventory.Nowhere}, SKU: sku, Unstocked: true,
		})
	}
	report := w.settled().cycle()
	w.want(report, inventory.Key{Store: "main", Item: 1, Location: 1}, "applied activate 0→5")
	if got := w.shops["main"].activated; len(got) != 1 {
		t.Errorf("got %v stocked, want only what Katana has, where it has it", got)
	}
}

func TestWhatAnInactiveLevelHoldsFromFormerDaysIsNeverOffered(t *testing.T) {
	w, market := unstocked(t, true)
	w.level("main", 1, "MUG", 40, 2)
	w.shops["main"].levels[market].Active = false
	w.settled()
	w.shops["main"].before = func(changes []inventory.Change) {
		if got := w.shows(market); got != 0 {
			t.Errorf("it offers %d before its first write", got)
		}
	}
	w.want(w.cycle(), market, "applied activate 0→7")
	w.pass(settle)
	w.cycle()
	if kept, _ := w.state.Store("main"); len(kept.Ledger.Entries) > 0 {
		t.Errorf("what it held was taken for a sale: %+v", kept.Ledger.Entries)
	}
}

func TestAnInactiveLevelIsLeftAloneWhereOnlyTheDefaultReaches(t *testing.T) {
	w, market := unstocked(t, true)
	w.stores[0].Mapping.Locations = w.stores[0].Mapping.Locations[:1]
	w.stores[0].Mapping.Default = "Side"
	w.level("main", 1, "MUG", 0, 2)
	w.shops["main"].levels[market].Active = false
	report := w.settled().cycle()
	if got := report.Stores[0].Skipped[inventory.ReasonInactiveLevel]; got != 1 || len(w.shops["main"].activated) > 0 {
		t.Errorf("got %d left alone as inactive and %v stocked", got, w.shops["main"].activated)
	}
}

func TestALevelThatVanishesIsSeenForTheFirstTimeAgain(t *testing.T) {
	w, market := unstocked(t, true)
	w.level("main", 1, "MUG", 7, 2)
	w.settled().cycle()
	delete(w.shops["main"].levels, market)
	w.want(w.cycle(), market, "waiting first_sight 0→7")
}

func TestAnItemThatCannotBeStockedBlocksNoOther(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		meanwhile,
		want string
	}{
		{"Shopify refuses", &inventory.LineError{Message: "it is a bundle"}, "", "rejected refused 0→7"},
		{"somebody else has stocked it", &inventory.LineError{Message: "active already"}, "stocked", "stale answer_lost 0→7"},
		{"the answer is lost", fmt.Errorf("cut: %w", inventory.ErrAnswerLost), "", "stale answer_lost 0→7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, market := unstocked(t, true)
			shop := w.level("main", 1, "MUG", 3)
			w.settled()
			w.shops["main"].activate = func(key inventory.Key) error {
				if tt.meanwhile != "" {
					w.level("main", 1, "MUG", 2, 2)
				}
				return tt.err
			}
			report := w.cycle()
			w.want(report, market, tt.want)
			w.want(report, shop, "applied drift 3→5")
		})
	}
}

func TestAStoreThatFailsWhileAnItemIsStockedHasWrittenWhatNeedsNone(t *testing.T) {
	w, market := unstocked(t, true)
	shop := w.level("main", 1, "MUG", 3)
	w.settled()
	w.shops["main"].activate = func(inventory.Key) error { return errCut }
	w.pass(1)
	report, err := w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Full})
	if err != nil || report.Stores[0].Error == "" {
		t.Fatalf("got %v, %q", err, report.Stores[0].Error)
	}
	w.want(report, market, "skipped store_failed 0→7")
	w.want(report, shop, "applied drift 3→5")
	w.shops["main"].activate = nil
	w.want(w.cycle(), market, "applied activate 0→7")
}

func TestAnItemThatIsFoundSoldIsNotStockedInTheSameCycle(t *testing.T) {
	w, market := unstocked(t, true)
	shop := w.level("main", 1, "MUG", 8)
	w.settled()
	w.shops["main"].before = func([]inventory.Change) {
		w.shops["main"].before = nil
		w.sell(shop, 4)
	}
	report := w.cycle()
	w.want(report, market, "waiting inflight 0→7")
	if got := w.shops["main"].activated; len(got) > 0 {
		t.Errorf("%v were stocked", got)
	}
}

func TestADryRunStocksNothing(t *testing.T) {
	w, market := unstocked(t, true)
	w.settled()
	w.want(w.ask(reconcile.Request{Kind: inventory.Full, Dry: true}), market, "skipped report 0→7")
	if len(w.shops["main"].activated) > 0 {
		t.Error("the item was stocked")
	}
}

func TestAnActivationWhoseAnswerIsLostIsNoSale(t *testing.T) {
	w, market := unstocked(t, true)
	w.level("main", 1, "MUG", 40, 2)
	level := w.shops["main"].levels[market]
	level.Active = false
	w.settled()
	w.shops["main"].activate = func(inventory.Key) error {
		level.Active, level.Available = true, 0
		return fmt.Errorf("cut: %w", inventory.ErrAnswerLost)
	}
	w.want(w.cycle(), market, "stale answer_lost 0→7")
	w.start() // and what it held is in the state file no longer
	w.want(w.cycle(), market, "applied drift 0→7")
	if kept, err := w.state.Store("main"); err != nil || len(kept.Ledger.Entries) > 0 {
		t.Errorf("what it held was taken for a sale: %+v, %v", kept.Ledger.Entries, err)
	}
}

func TestWhatSomebodyElseHasStockedIsSoldAsAnythingElse(t *testing.T) {
	w, market := unstocked(t, true)
	w.level("main", 1, "MUG", 40, 2)
	level := w.shops["main"].levels[market]
	level.Active = false
	w.settled()
	w.shops["main"].activate = func(inventory.Key) error {
		level.Active = true
		return &inventory.LineError{Message: "it is active already"}
	}
	w.want(w.cycle(), market, "stale answer_lost 0→7")
	w.start()
	w.sell(market, 2) // which Katana has not heard of
	w.want(w.cycle(), market, "applied inflight 38→5")
}
