package sandbox

import (
	"fmt"
	"testing"
	"time"
)

func TestAnotherWriterOfAStoreComesAgainAndAgain(t *testing.T) {
	tests := []struct {
		name  string
		event Event
		want  string // what is available at once and after each minute, edited to 5 in between
	}{
		{"an app sets a figure", AppWrites{SKU: "MUG", Available: 12, Every: 2 * time.Minute, Times: 3}, "[12 5 12 5 12 5 5 5]"},
		{"an app adds", AppWrites{SKU: "MUG", By: -2, Every: 2 * time.Minute, Times: 2}, "[7 5 3 5 5 5 5 5]"},
		{"an app sets a figure once", AppWrites{SKU: "MUG", Available: 12}, "[12 5 5 5 5 5 5 5]"},
		{"Katana writes what is in stock, committed or not", KatanaWrites{Every: 3 * time.Minute, Times: 2}, "[9 5 5 9 5 5 5 5]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newTiny(t, StoreOptions{})
			if err := w.Do(SalesOrderPlaced{Order: "SO-1", Lines: []Line{{"MUG", "4"}}}); err != nil {
				t.Fatal(err)
			}
			if err := w.Do(test.event); err != nil {
				t.Fatal(err)
			}
			var got []int
			for range 8 {
				figure, _ := w.Available("", "MUG", "Oslo")
				got = append(got, figure)
				if err := w.Do(HandEdit{SKU: "MUG", Location: "Oslo", Available: 5}); err != nil {
					t.Fatal(err)
				}
				w.clock.at = w.clock.at.Add(time.Minute)
			}
			if fmt.Sprint(got) != test.want {
				t.Errorf("got %v, want %s", got, test.want)
			}
			if missed := w.Missed(); len(missed) > 0 || w.Scheduled() != 0 {
				t.Errorf("missed %v, and %d to come", missed, w.Scheduled())
			}
		})
	}
}
