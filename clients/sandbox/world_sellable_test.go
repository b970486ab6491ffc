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
	do(OrderPlaced{Order: "#3", Till: true, Lines: []Line{{"MUG", "1"}}, Import: Import{Never: true}})
	sellable("one was handed over the counter", w.clock.at, 5)
	do(OrderImported{Order: "#3"})
	sellable("the sale at the counter is imported", w.clock.at, 5)
	do(OrderPlaced{Order: "#4", Lines: []Line{{"MUG", "3"}}, Import: Import{Never: true}})
	do(OrderDelivered{Order: "#4", Lines: []Line{{"MUG", "2"}}})
	sellable("a part of an order is sent before Katana has it", w.clock.at, 2)
	do(OrderDelivered{Order: "#4"})
	sellable("all of it is sent", w.clock.at, 2)
	do(OrderRefunded{Order: "#4", Lines: []Line{{"MUG", "1"}}, Restock: true})
	sellable("one of it came back", w.clock.at, 3)
	if _, is := w.Sellable("", "NONE", "Oslo", began); is {
		t.Error("nothing can be sold of a SKU that is not there")
	}
}
