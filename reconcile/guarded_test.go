package reconcile_test

import (
	"errors"
	"fmt"
	"testing"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

func TestAMissingRowIsZeroOnlyInTheSecondCompleteRead(t *testing.T) {
	w := newWorld(t)
	id := w.sku("MUG", 5)
	mug := w.level("main", 1, "MUG", 5)
	w.settled().cycle()
	delete(w.katana.stock, inventory.StockKey{Variant: id, Location: 10})
	if got := w.cycle().Stores[0].Skipped[inventory.ReasonNoRow]; got != 1 {
		t.Errorf("first read without the row: got %d levels left alone, want 1", got)
	}
	w.wantShown(mug, 5)
	w.want(w.cycle(), mug, "applied drift 5→0")
}

func TestAHeldPlanWaitsForItsReleaseAndKeepsItsID(t *testing.T) {
	w := newWorld(t)
	w.guards = guard.Limits{MinChanges: 2, MaxZeroedPercent: 10}
	var ids []inventory.SourceVariantID
	for i := range int64(10) {
		sku := inventory.SKU(fmt.Sprint("S", i))
		ids = append(ids, w.sku(sku, 5))
		w.level("main", i+1, sku, 5)
	}
	w.settled().cycle()
	for _, id := range ids[:4] {
		w.has(id, 10, 0)
	}
	report := w.cycle()
	if got := report.Stores[0]; got.Held != 4 || got.Applied != 0 || len(got.Holds) != 1 {
		t.Fatalf("got %+v, want 4 held", got)
	}
	id := report.Stores[0].Holds[0].ID
	w.start()
	w.has(ids[9], 10, 4) // other changes go on
	report = w.cycle()
	if got := report.Stores[0]; got.Held != 4 || got.Applied != 1 || got.Holds[0].ID != id {
		t.Fatalf("the next cycle: got %+v, want the same hold and the other change applied", got)
	}
	if _, err := w.r.Release("nonsense"); !errors.Is(err, reconcile.ErrNothingToRelease) {
		t.Errorf("got %v", err)
	}
	if _, err := w.r.Release(id); err != nil {
		t.Fatal(err)
	}
	w.has(ids[0], 10, 3) // today's figure counts, in the same direction
	report = w.cycle()
	if got := report.Stores[0]; got.Held != 0 || got.Applied != 4 {
		t.Errorf("after the release: got %+v, want 4 applied", got)
	}
	w.wantShown(inventory.Key{Store: "main", Item: 1, Location: 1}, 3)
}

func TestAShorterSourceIsHeldUntilItIsReleased(t *testing.T) {
	w := newWorld(t)
	w.guards = guard.Limits{MinChanges: 2, MaxShrinkPercent: 20}
	var ids []inventory.SourceVariantID
	for i := range int64(20) {
		sku := inventory.SKU(fmt.Sprint("S", i))
		ids = append(ids, w.sku(sku, 5))
		w.level("main", i+1, sku, 5)
	}
	w.settled().cycle()
	for _, id := range ids[:10] {
		delete(w.katana.stock, inventory.StockKey{Variant: id, Location: 10})
		delete(w.katana.stock, inventory.StockKey{Variant: id, Location: 20})
	}
	w.has(ids[15], 10, 2)
	w.cycle()
	report := w.cycle() // by now the missing rows would be zeros
	if got := report.Stores[0]; got.Held != 11 || got.Applied != 0 {
		t.Fatalf("got %+v, want all 11 held", got)
	}
	if _, err := w.r.Release(report.Stores[0].Holds[0].ID); err != nil {
		t.Fatal(err)
	}
	if got := w.cycle().Stores[0]; got.Applied != 11 {
		t.Errorf("after the release: got %+v, want 11 applied", got)
	}
}

func TestACycleOfOneStoreDoesNotBlindTheGuardOfTheNext(t *testing.T) {
	w := newWorld(t)
	w.addStore("outlet", inventory.ModeApply)
	w.stores[1].Mapping.Locations = w.stores[1].Mapping.Locations[1:] // draws on Side alone
	w.guards = guard.Limits{MinChanges: 2, MaxShrinkPercent: 20}
	var ids []inventory.SourceVariantID
	for i := range int64(20) {
		sku := inventory.SKU(fmt.Sprint("S", i))
		ids = append(ids, w.sku(sku, 5))
		w.level("main", i+1, sku, 5)
	}
	w.settled().cycle()
	for _, id := range ids[:10] {
		delete(w.katana.stock, inventory.StockKey{Variant: id, Location: 10})
	}
	w.ask(reconcile.Request{Kind: inventory.Full, Store: "outlet"})
	w.cycle()
	if got := w.cycle().Stores[0]; got.Held != 10 || got.Applied != 0 {
		t.Errorf("got %+v, want the 10 zeros held", got)
	}
	// The source is whole again: what was doubted is no more.
	for i, id := range ids[:10] {
		w.has(id, 10, int64(i%3+1))
	}
	if got := w.cycle().Stores[0]; got.Held != 0 || got.Applied != 10 {
		t.Errorf("with a whole source: got %+v, want the reductions applied", got)
	}
}

func TestAReleasedShrinkIsNoLeaveForTheNextOne(t *testing.T) {
	w := newWorld(t)
	w.stores[0].Mode = inventory.ModeReport
	w.guards = guard.Limits{MinChanges: 2, MaxShrinkPercent: 20}
	var ids []inventory.SourceVariantID
	for i := range int64(40) {
		sku := inventory.SKU(fmt.Sprint("S", i))
		ids = append(ids, w.sku(sku, 5))
		w.level("main", i+1, sku, 5)
	}
	lose := func(ids []inventory.SourceVariantID) {
		for _, id := range ids {
			delete(w.katana.stock, inventory.StockKey{Variant: id, Location: 10})
		}
	}
	w.settled().cycle()
	lose(ids[:20])
	w.cycle()
	report := w.cycle()
	if _, err := w.r.Release(report.Stores[0].Holds[0].ID); err != nil {
		t.Fatal(err)
	}
	w.cycle()
	lose(ids[20:35])
	w.cycle()
	if got := w.cycle().Stores[0]; got.Held == 0 {
		t.Errorf("got %+v, want the second loss held", got)
	}
}
