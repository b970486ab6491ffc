package reconcile_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

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
		{"somebody else has stocked it", &inventory.LineError{Message: "active already"}, "stocked", "stale changed_in_shopify 0→7"},
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

func TestStockingThatFailsKeepsNothingElseFromBeingWritten(t *testing.T) {
	for name, failure := range map[string]error{
		"the store fails": errCut, "the answer is lost": fmt.Errorf("cut: %w", inventory.ErrAnswerLost),
	} {
		t.Run(name, func(t *testing.T) {
			w, market := unstocked(t, true)
			w.sku("CUP", 0)
			cup := w.level("main", 2, "CUP", 3)
			w.settled()
			w.shops["main"].activate = func(inventory.Key) error { return failure }
			w.pass(time.Second)
			report, err := w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Full})
			if err != nil || !strings.Contains(report.Stores[0].Error, "stocking items, because of activate: main/1/2") {
				t.Errorf("got %v, %q", err, report.Stores[0].Error)
			}
			w.want(report, cup, "applied drift 3→0")
			if got := outcome(report, market); !strings.HasPrefix(got, "skipped store_failed") && !strings.HasPrefix(got, "stale answer_lost") {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestTheFirstFailureEndsTheStockingOfACycleAndSoDoesAStop(t *testing.T) {
	many := func() *world {
		w := newWorld(t)
		w.stores[0].Activate = true
		for i := range 20 {
			sku := inventory.SKU(fmt.Sprint("S", i))
			w.has(w.sku(sku, 9), 20, 9)
			w.level("main", int64(i+1), sku, 9)
		}
		return w.settled()
	}
	w, tried := many(), 0
	w.shops["main"].activate = func(inventory.Key) error {
		tried++
		return fmt.Errorf("cut: %w", inventory.ErrAnswerLost)
	}
	if _, err := w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Full}); err != nil || tried != 1 {
		t.Errorf("tried %d times, %v", tried, err)
	}
	w, tried = many(), 0
	ctx, stop := context.WithCancel(t.Context())
	w.shops["main"].activate = func(inventory.Key) error {
		if tried++; tried == 3 {
			stop()
		}
		return nil
	}
	report, err := w.r.Cycle(ctx, reconcile.Request{Kind: inventory.Full})
	if err != nil || report.Stores[0].Applied != 3 || tried != 3 {
		t.Errorf("%d of %d that were stocked are written, %v", report.Stores[0].Applied, tried, err)
	}
}

func TestWhatAnInactiveLevelHeldIsNoSaleWhenTheAnswerIsLost(t *testing.T) {
	w, market := unstocked(t, true)
	w.stores[0].Mapping.Locations[1].Sources = []string{"Main"}
	w.level("main", 1, "MUG", 40, 2)
	w.shops["main"].levels[market].Active = false
	shop := inventory.Key{Store: "main", Item: 1, Location: 1}
	w.settled()
	w.shops["main"].activate = func(key inventory.Key) error {
		w.shops["main"].levels[key].Active, w.shops["main"].levels[key].Available = true, 0
		return fmt.Errorf("cut: %w", inventory.ErrAnswerLost)
	}
	w.pass(time.Second)
	if _, err := w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Full}); err != nil {
		t.Fatal(err)
	}
	w.shops["main"].activate = nil
	w.start() // also after a crash
	w.want(w.cycle(), market, "applied drift 0→5")
	w.wantShown(shop, 5)
}

func TestALevelBelowZeroThatCouldNotBeStockedHasSoldNothing(t *testing.T) {
	w, market := unstocked(t, true)
	w.level("main", 1, "MUG", -2, 2)
	w.shops["main"].levels[market].Active = false
	w.settled()
	w.shops["main"].activate = func(inventory.Key) error { return errCut }
	w.pass(time.Second)
	if _, err := w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Full}); err != nil {
		t.Fatal(err)
	}
	w.shops["main"].activate = nil
	w.want(w.cycle(), market, "applied activate 0→7")
}

func TestALevelThatIsSwitchedOffBeforeItsWriteIsNotWrittenUnstocked(t *testing.T) {
	w, market := unstocked(t, true)
	w.level("main", 1, "MUG", 4, 2)
	w.settled()
	w.shops["main"].before = func([]inventory.Change) {
		w.shops["main"].before = func([]inventory.Change) { t.Error("it was written") }
		w.shops["main"].levels[market].Active, w.shops["main"].levels[market].Available = false, 5
	}
	w.want(w.cycle(), market, "stale changed_in_shopify 0→7")
}

func TestALevelThatIsGoneLeavesTheStateFile(t *testing.T) {
	w, market := unstocked(t, false)
	w.level("main", 1, "MUG", 7, 2)
	w.settled().cycle()
	delete(w.shops["main"].levels, market)
	w.cycle()
	if kept, err := w.state.Store("main"); err != nil || len(kept.Levels) != 1 {
		t.Errorf("got %+v, %v", kept.Levels, err)
	}
	w.start()
	w.level("main", 1, "MUG", 2, 2)
	w.want(w.cycle(), market, "waiting first_sight 2→7")
}

func TestAnExplanationAfterStockingShowsWhatWasWritten(t *testing.T) {
	w, market := unstocked(t, true)
	w.settled()
	w.shops["main"].before = func([]inventory.Change) { w.pass(time.Second) }
	w.cycle()
	list, err := w.r.Explain(t.Context(), reconcile.ExplainRequest{SKU: "MUG"})
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	if e := list[1]; e.LocationID != market.Location || e.Observed != 7 || e.Unstocked || e.Next.Result != "" {
		t.Errorf("got %+v", e)
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
	w.want(w.cycle(), market, "stale changed_in_shopify 0→7")
	w.start()
	w.sell(market, 2) // which Katana has not heard of
	w.want(w.cycle(), market, "applied inflight 38→5")
}
