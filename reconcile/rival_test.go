package reconcile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// contest is a world in which an app gives a level another figure than Katana's.
func contest(t *testing.T) (*world, inventory.SourceVariantID, inventory.Key) {
	t.Helper()
	w := newWorld(t)
	id := w.sku("MUG", 7)
	mug := w.level("main", 1, "MUG", 7)
	w.settled()
	return w, id, mug
}

// next lets time go by and runs an incremental cycle.
func (w *world) next(d time.Duration) *inventory.Report {
	w.t.Helper()
	w.pass(d)
	return w.ask(reconcile.Request{Kind: inventory.Incremental})
}

// fight has an app set a level to a figure until that is reported.
func (w *world) fight(key inventory.Key, units inventory.Units) *inventory.Report {
	w.t.Helper()
	for range 40 {
		w.shops[key.Store].levels[key].Available = units
		if report := w.next(time.Minute); report.Stores[0].Contested > 0 {
			return report
		}
	}
	w.t.Fatal("nobody noticed the second writer")
	return nil
}

func TestASecondWriterIsReportedWithItsValuesAndTimes(t *testing.T) {
	w, _, mug := contest(t)
	report := w.fight(mug, 9)
	store := report.Stores[0]
	if len(store.SecondWriters) != 1 || store.Contested != 1 {
		t.Fatalf("got %+v", store)
	}
	one := store.SecondWriters[0]
	if one.SKU != "MUG" || one.Location != "Shop" || len(one.Rounds) != guard.Rounds || one.Release != "stocksyncd release "+mug.String() {
		t.Errorf("got %+v", one)
	}
	for i, round := range one.Rounds {
		if round.Written != 7 || round.Found != 9 || !round.At.Before(round.Seen) || i > 0 && round.At.Before(one.Rounds[i-1].Seen) {
			t.Errorf("round %d: got %+v", i, round)
		}
	}
	note := strings.Join(store.Notes, "\n")
	for _, want := range []string{"something else writes MUG at Shop: written 7 at ", ", found 9 at ", "switch off stock sync in Katana's Shopify integration", "`stocksyncd release main/1/1` ends it"} {
		if !strings.Contains(note, want) {
			t.Errorf("the note lacks %q: %s", want, note)
		}
	}
	w.want(report, mug, "waiting second_writer 9→7")
	if detail := store.Changes[0].Detail; detail != one.Text {
		t.Errorf("got %q as detail, want %q", detail, one.Text)
	}
}

func TestALevelWithASecondWriterIsLoweredInModerationAndNotRaised(t *testing.T) {
	w, _, mug := contest(t)
	w.fight(mug, 9)
	s := w.shops["main"]
	sent := len(s.batch)
	for range 30 {
		s.levels[mug].Available = 9
		w.next(time.Minute)
	}
	if got := len(s.batch) - sent; got < 2 || got > 4 {
		t.Errorf("lowered %d times in half an hour, want three times or so", got)
	}
	w.pass(guard.Pace)
	s.levels[mug].Available = 3
	var report *inventory.Report
	for range 15 { // the units are taken for sold at first
		report = w.next(time.Minute)
	}
	w.want(report, mug, "waiting second_writer 3→7")
	w.start()
	w.want(w.next(time.Minute), mug, "waiting second_writer 3→7") // a restart forgets nothing of it
	got := w.explain(mug)
	if got.Reason != inventory.ReasonSecondWriter || !strings.Contains(got.Text, "something else writes it too, so it stays at 3 for now: written 7") || got.Order != "stocksyncd release main/1/1" {
		t.Errorf("explained as %+v", got)
	}
}

// explain gives what the next cycle does with a level.
func (w *world) explain(key inventory.Key) inventory.NextAction {
	w.t.Helper()
	list, err := w.r.Explain(w.t.Context(), reconcile.ExplainRequest{SKU: w.shops[key.Store].levels[key].SKU})
	if err != nil || len(list) == 0 {
		w.t.Fatalf("got %v, %v", list, err)
	}
	return list[0].Next
}

func TestASecondWriterEndsByReleaseOrAfterAQuietHour(t *testing.T) {
	raised := func(w *world, mug inventory.Key) bool {
		for range 15 { // the fall is taken for sold at first
			w.next(time.Minute)
		}
		return w.shows(mug) == 7
	}
	t.Run("released", func(t *testing.T) {
		w, _, mug := contest(t)
		w.fight(mug, 9)
		w.shops["main"].levels[mug].Available = 3
		if raised(w, mug) {
			t.Fatal("it was raised before it was released")
		}
		text, err := w.r.Release(mug.String())
		if err != nil || text != "main/1/1 is written again as if nothing else did" {
			t.Fatalf("got %q, %v", text, err)
		}
		if !raised(w, mug) {
			t.Errorf("it shows %d after the release, want 7", w.shows(mug))
		}
		if _, err := w.r.Release(mug.String()); err == nil {
			t.Error("what was released can be released again")
		}
	})
	t.Run("all of the store released", func(t *testing.T) {
		w, _, mug := contest(t)
		w.fight(mug, 9)
		w.shops["main"].levels[mug].Available = 3
		text, err := w.r.ReleaseAll("main")
		if err != nil || !strings.Contains(text, "1 level written again as if nothing else did") || !raised(w, mug) {
			t.Errorf("got %q, %v, and %d on show", text, err, w.shows(mug))
		}
	})
	t.Run("a quiet hour", func(t *testing.T) {
		w, _, mug := contest(t)
		w.fight(mug, 9)
		w.shops["main"].levels[mug].Available = 3
		if raised(w, mug) {
			t.Fatal("it was raised within the hour")
		}
		w.pass(guard.Quiet)
		if report := w.next(0); report.Stores[0].Contested != 0 {
			t.Errorf("got %+v after a quiet hour", report.Stores[0].SecondWriters)
		}
		w.wantShown(mug, 7)
	})
}

func TestAFallThatNoOrderExplainsIsARoundOnceItIsNotTakenForSold(t *testing.T) {
	w, _, mug := contest(t)
	s := w.shops["main"]
	s.levels[mug].Available = 4
	var reported time.Duration
	began := w.now
	for reported == 0 && w.now.Sub(began) < 2*time.Hour {
		if s.levels[mug].Available == 7 { // a script subtracts whenever it is whole
			s.levels[mug].Available = 4
		}
		if w.next(30 * time.Second).Stores[0].Contested > 0 {
			reported = w.now.Sub(began).Round(time.Minute)
		}
	}
	if reported < 30*time.Minute || reported > 50*time.Minute {
		t.Errorf("reported after %s, want three settles and the cycles in between", reported)
	}
}

func TestWhatKatanaTellsOfTheProductExplainsItsLevel(t *testing.T) {
	tests := map[string]func(*world, inventory.SourceVariantID){
		"a feed names it": func(w *world, id inventory.SourceVariantID) { w.katana.named[id] = w.clock() },
		"an order comes": func(w *world, id inventory.SourceVariantID) {
			w.has(id, 10, int64(w.katana.stock[inventory.StockKey{Variant: id, Location: 10}].Committed/inventory.Scale)+8)
			w.commit("main", id, 1) // and one was made, so that the figure stays
		},
	}
	for name, tells := range tests {
		t.Run(name, func(t *testing.T) {
			w, id, mug := contest(t)
			w.katana.named = map[inventory.SourceVariantID]time.Time{}
			for i := range 40 {
				w.shops["main"].levels[mug].Available = 9
				if i%3 == 2 {
					tells(w, id)
				}
				if report := w.next(time.Minute); report.Stores[0].Contested > 0 {
					t.Fatalf("cycle %d: %+v", i, report.Stores[0].SecondWriters)
				}
			}
		})
	}
}

func TestManyLevelsWithASecondWriterAreOneNote(t *testing.T) {
	w := newWorld(t)
	for i := range int64(30) {
		sku := inventory.SKU(fmt.Sprint("S", i))
		w.sku(sku, 7)
		w.level("main", i+1, sku, 7)
	}
	w.settled()
	var report *inventory.Report
	for range 20 {
		for _, level := range w.shops["main"].levels {
			level.Available = 9
		}
		report = w.next(time.Minute)
	}
	store := report.Stores[0]
	if store.Contested != 30 || len(store.SecondWriters) != 20 || len(store.Notes) != 1 || !strings.Contains(store.Notes[0], "30 levels, such as S0 at Shop: written 7 at") {
		t.Errorf("got %d contested, %d described, and the notes %q", store.Contested, len(store.SecondWriters), store.Notes)
	}
}

func TestPropertyTradeIsNeverTakenForASecondWriter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tr := newTrade(t, rt)
		defer tr.stop()
		kind := rapid.SampledFrom([]inventory.Kind{inventory.Full, inventory.Incremental}).Draw(rt, "kind")
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			tr.happen()
			tr.pass(time.Duration(rapid.IntRange(0, 120).Draw(rt, "seconds")) * time.Second)
			tr.arrive()
			for _, s := range tr.ask(reconcile.Request{Kind: kind}).Stores {
				if s.Contested > 0 {
					rt.Fatalf("trade was taken for a second writer: %+v", s.SecondWriters)
				}
			}
		}
	})
}
