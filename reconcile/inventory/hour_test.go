package inventory_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"stocksyncd/reconcile/inventory"
)

func TestAnHourIsWhatItsCyclesAddUpTo(t *testing.T) {
	quiet := inventory.Report{
		DurationMS: 20, Requests: map[string]inventory.RequestCount{"katana": {Count: 2, WaitedMS: 5}},
		Stores: []inventory.StoreReport{
			{Name: "outlet", Levels: 5, InStep: 4, Drifted: 1, Waiting: 1},
			{Name: "main", Error: "levels: 423 Locked"},
		},
	}
	report := sample()
	hour := inventory.Hour{Start: inventory.HourOf(report.Started)}
	for _, r := range []*inventory.Report{&report, &quiet, &report} {
		hour.Add(r)
	}
	want := inventory.Hour{
		Start: time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC), Cycles: 3, Failed: 2, DurationMS: 3020,
		Requests: map[string]inventory.RequestCount{"katana": {Count: 82, Retries: 2, WaitedMS: 29}, "shopify/main": {Count: 6, Throttled: 2, Cost: 203}},
		Stores: []inventory.StoreHour{
			{Name: "main", Cycles: 3, Failed: 3, Levels: 836, InStep: 820, Drifted: 16, Applied: 4, Waiting: 2, Held: 6, Rejected: 2, Stale: 2, Contested: 2},
			{Name: "outlet", Cycles: 1, Levels: 5, InStep: 4, Drifted: 1, Waiting: 1},
		},
	}
	if !reflect.DeepEqual(hour, want) {
		t.Errorf("got %+v, want %+v", hour, want)
	}
}

// TestEveryCountOfAStoreIsInItsHour: a count that a report gains, and that its
// hour does not, would be missed only when the reports are gone.
func TestEveryCountOfAStoreIsInItsHour(t *testing.T) {
	left := []string{"Negative"} // says how figures were made, not how things stood
	hour := reflect.TypeFor[inventory.StoreHour]()
	for _, field := range reflect.VisibleFields(reflect.TypeFor[inventory.StoreReport]()) {
		if _, found := hour.FieldByName(field.Name); !found && field.Type.Kind() == reflect.Int && !slices.Contains(left, field.Name) {
			t.Errorf("%s is not added up", field.Name)
		}
	}
}
