package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

func TestARestartReadsNothingWhole(t *testing.T) {
	w := large(t)
	w.has(7, 10, 4)
	w.name(7)
	w.start()
	report, read := w.incremental()
	if got := w.asked(); got != "glance, set 1" {
		t.Errorf("the store was asked %q", got)
	}
	if calls := fmt.Sprint(w.katana.calls); strings.Contains(calls, "catalogue") || len(read) > 20 {
		t.Errorf("Katana was asked %s", calls)
	}
	w.want(report, key(7), "applied drift 10→4")
	if s := report.Stores[0]; s.Levels != 600 || s.Drifted != 1 {
		t.Errorf("%d levels and %d drifted, want all of them told of", s.Levels, s.Drifted)
	}
}

func TestAReadingThatWasCutOffGoesOnWhereItStopped(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := newWorld(t)
		const all = 6000
		for i := range all {
			w.sku(inventory.SKU(fmt.Sprint("S", i+1)), 10)
		}
		w.level("main", 1, "S1", 10)
		w.start()
		w.katana.stockFail, w.katana.stockFailAfter = errCut, 2
		w.pass(time.Second)
		if _, err := w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Full}); !errors.Is(err, errCut) {
			t.Fatalf("got %v", err)
		}
		read := len(w.katana.asked)
		w.katana.stockFail = nil
		if restart {
			w.start()
		}
		_, rest := w.incremental()
		if len(rest) > all-2*2500+10 || len(rest)+read < all {
			t.Errorf("restart %t: %d of %d were read, then %d", restart, read, all, len(rest))
		}
	}
}

// unlisted is a Katana whose listing of the variants fails.
type unlisted struct {
	*katana
	fails int
}

func (u *unlisted) Catalogue(ctx context.Context) ([]inventory.SourceVariant, error) {
	if u.fails > 0 {
		u.fails--
		return nil, errCut
	}
	return u.katana.Catalogue(ctx)
}

func TestACatalogueThatCouldNotBeListedIsListedByTheNextCycle(t *testing.T) {
	w := newWorld(t)
	for i := range 20 {
		sku := inventory.SKU(fmt.Sprint("S", i+1))
		w.sku(sku, 10)
		w.level("main", int64(i+1), sku, 12)
	}
	w.start()
	r, err := reconcile.New(reconcile.Options{
		Source: &unlisted{katana: w.katana, fails: 1}, Stores: w.stores, Journal: w.state, Settle: settle, Quarantine: 24 * time.Hour, Now: w.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.r = r
	w.pass(time.Second)
	if _, err := w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Full}); !errors.Is(err, errCut) {
		t.Fatalf("got %v", err)
	}
	report, _ := w.incremental()
	if got := report.Stores[0]; got.Applied != 20 {
		t.Errorf("%d of 20 levels were lowered; left alone: %v", got.Applied, got.Skipped)
	}
	w.wantShown(key(7), 10)
}

func TestAVariantThatWasArchivedStaysSoAfterARestart(t *testing.T) {
	w := catalogue(t, 10)
	w.katana.variants = append(w.katana.variants, inventory.SourceVariant{ID: 500, SKU: "S7", Created: w.now}) // stands for it: it is newer
	w.has(500, 10, 10)
	w.has(500, 20, 0)
	w.cycle()
	w.katana.variants[len(w.katana.variants)-1].Archived = true
	w.katana.editedAt = map[inventory.SourceVariantID]time.Time{500: w.now.Add(time.Second)}
	w.has(7, 10, 4)
	w.has(500, 10, 20)
	w.name(7)
	report, _ := w.incremental()
	w.want(report, key(7), "applied drift 10→4")
	w.start()
	for range 40 {
		w.incremental()
	}
	w.wantShown(key(7), 4)
}

func TestAnArchivedVariantIsToldOfAfterARestart(t *testing.T) {
	w := catalogue(t, 10)
	w.katana.variants[4].Archived = true
	w.level("main", 50, "WORK", 1)
	w.katana.variants = append(w.katana.variants, inventory.SourceVariant{ID: 600, SKU: "WORK", Service: true})
	w.level("main", 51, "OLD", 1)
	w.katana.variants = append(w.katana.variants, inventory.SourceVariant{ID: 601, SKU: "OLD", Archived: true})
	before := fmt.Sprint(w.cycle().Stores[0].Skipped)
	w.start()
	report, _ := w.incremental()
	if got := fmt.Sprint(report.Stores[0].Skipped); got != before {
		t.Errorf("after a restart %s are left alone, before it %s", got, before)
	}
}

func TestKitsAreKnownAfterARestart(t *testing.T) {
	w := catalogue(t, 20)
	set := w.sku("SET", 4)
	w.katana.variants[20].Kit = true
	w.katana.recipes = []inventory.Ingredient{{Product: set, Variant: 1, Quantity: inventory.Scale}}
	w.cycle()
	w.start()
	w.katana.recipesFail = errCut
	w.name(1)
	_, read := w.incremental()
	if calls := strings.Join(w.katana.calls, ", "); strings.Contains(calls, "recipes") {
		t.Error("what kits are made of is read again after a restart")
	}
	if !slices.Contains(read, set) {
		t.Errorf("%v were read, and the kit %d was not", read, set)
	}
}

func TestAFullCycleAfterOneThatWasCutOffWritesWhatDrifted(t *testing.T) {
	w := newWorld(t)
	const all = 6000
	for i := range all {
		w.sku(inventory.SKU(fmt.Sprint("S", i+1)), 10)
	}
	w.level("main", 1, "S1", 12)
	w.start()
	w.katana.stockFail, w.katana.stockFailAfter = errCut, 2
	w.pass(time.Second)
	if _, err := w.r.Cycle(t.Context(), reconcile.Request{Kind: inventory.Full}); !errors.Is(err, errCut) {
		t.Fatalf("got %v", err)
	}
	w.katana.stockFail = nil
	w.want(w.cycle(), key(1), "applied drift 12→10")
}

func TestTheSweepGoesOnWhenEachCycleIsAProcessOfItsOwn(t *testing.T) {
	w := catalogue(t, 600)
	w.has(200, 10, 4) // no feed says so
	w.shops["main"].deaf = true
	w.shops["main"].levels[key(590)].Available = 50
	for range 124 {
		w.start()
		w.incremental()
	}
	w.wantShown(key(200), 4)
	w.wantShown(key(590), 10)
}

func TestARestartRemembersWhatTheSweepHasLookedAt(t *testing.T) {
	w := large(t)
	for range 300 { // two hours and a half
		w.incremental()
	}
	w.has(7, 10, 4)
	w.name(7)
	w.start()
	w.asked()
	w.incremental()
	if got := w.asked(); got != "glance, set 1" {
		t.Errorf("the store was asked %q", got)
	}
}

func TestAWriteThatWasFoundDoneIsRememberedHoweverManyItemsThereAre(t *testing.T) {
	w := newWorld(t)
	const items = 2500
	for i := range int64(items) {
		sku := inventory.SKU(fmt.Sprint("S", i+1))
		w.sku(sku, 5)
		w.level("main", i+1, sku, 5)
	}
	w.settled().cycle()
	last := key(items)
	w.has(items, 10, 10)
	main := w.shops["main"]
	main.after = func() error {
		main.fail = errors.New("no answer")
		return fmt.Errorf("%w: %w", inventory.ErrAnswerLost, errCut)
	}
	w.cycle()
	main.after, main.fail = nil, nil
	w.want(w.cycle(), last, "")
	w.wantShown(last, 10)
	w.start()
	w.sell(last, 1)
	w.want(w.cycle(), last, "waiting inflight 9→10")
}
