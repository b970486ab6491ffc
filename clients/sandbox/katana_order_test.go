package sandbox

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestKatanaListsComeInTheOrderThatIsDocumentedAndNoOther(t *testing.T) {
	clock := &handClock{katanaStart}
	w := NewWorld(Options{Now: clock.now, KatanaPerMinute: 1 << 40})
	for _, name := range []string{"Oslo", "Tartu", "Riga"} {
		w.AddLocation(KatanaLocation{Name: name})
	}
	const each = 40 // are created at one time
	for i := range 3 * each {
		if i%each == 0 {
			clock.at = clock.at.Add(time.Hour)
		}
		sku := fmt.Sprintf("SKU-%03d", i)
		must(w.AddProduct(Product{Name: sku, Variants: []Variant{{SKU: sku}}}))(t)
	}
	handler := w.Katana()
	orders := map[string]bool{}
	for reading := range 10 {
		var skus, times []string
		for page := 1; page <= 3; page++ {
			rows := listKatana(t, handler, fmt.Sprintf("/v1/variants?limit=50&page=%d", page))
			skus, times = append(skus, columnOf(rows, "sku")...), append(times, columnOf(rows, "created_at")...)
		}
		orders[fmt.Sprint(skus)] = true
		slices.Reverse(times)
		if !slices.IsSorted(times) {
			t.Errorf("reading %d is not the newest first: %v", reading, times)
		}
		slices.Sort(skus)
		if skus = slices.Compact(skus); len(skus) != 3*each {
			t.Errorf("reading %d by pages has %d variants, want each of %d once", reading, len(skus), 3*each)
		}
		places := columnOf(listKatana(t, handler, "/v1/locations"), "name")
		orders[fmt.Sprint(places)] = true
		if slices.Sort(places); !slices.Equal(places, []string{"Oslo", "Riga", "Tartu"}) {
			t.Errorf("reading %d has the locations %v", reading, places)
		}
	}
	if len(orders) < 10 {
		t.Errorf("20 readings came in %d orders", len(orders))
	}
}
