package sandbox

import (
	"testing"
	"time"
)

func TestWhatIsSoldAndNotImportedCannotBeSoldAgain(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	sellable := func(what string, placed time.Time, want int) {
		t.Helper()
		if got, is := w.Sellable("", "MUG", "Oslo", placed); got != want || !is {
			t.Errorf("%s: %d can be sold (%t), want %d", what, got, is, want)
		}
	}
	do := func(e Event) {
		t.Helper()
		if err := w.Do(e); err != nil {
			t.Fatal(err)
		}
	}
	began := w.clock.at
	sellable("before", began, 9)
	w.clock.at = began.Add(time.Minute)
	do(OrderPlaced{Order: "#1", Lines: []Line{{"MUG", "3"}}, Import: Import{Never: true}})
	sellable("an order is on its way", w.clock.at, 6)
	sellable("as of before it", began, 9)
	do(OrderImported{Order: "#1"})
	sellable("it is imported", began, 6)
	do(OrderPacked{Order: "#1"})
	sellable("it is packed", began, 6)
	do(OrderPlaced{Order: "#2", Lines: []Line{{"MUG", "2"}}, Import: Import{Never: true}})
	do(OrderCancelled{Order: "#2"})
	sellable("an order was called off", w.clock.at, 6)
	if _, is := w.Sellable("", "NONE", "Oslo", began); is {
		t.Error("nothing can be sold of a SKU that is not there")
	}
}
