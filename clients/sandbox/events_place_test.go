package sandbox

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// placesOf names the locations of both sides as the APIs list them, sorted,
// each with what else there is to know of it.
func placesOf(t *testing.T, w *tiny) (katana, shopify []string) {
	t.Helper()
	for _, row := range listKatana(t, w.Katana(), "/v1/locations") {
		katana = append(katana, fmt.Sprint(row["id"], " ", row["name"], " ", row["sales_allowed"], " ", row["updated_at"]))
	}
	answer := ask(t, w.Shopify(""), `{ locations(first: 9, includeInactive: true) { nodes { id name isActive } } }`, nil)
	for _, node := range answer.Data["locations"].(map[string]any)["nodes"].([]any) {
		one := node.(map[string]any)
		shopify = append(shopify, fmt.Sprint(one["id"], " ", one["name"], " ", one["isActive"]))
	}
	slices.Sort(katana)
	slices.Sort(shopify)
	return katana, shopify
}

func TestALocationChangesWithoutBecomingAnother(t *testing.T) {
	w := newTiny(t, StoreOptions{})
	id := w.AddLocation(KatanaLocation{Name: "Tartu"})
	w.configs["main"] = StoreConfig{
		Mode: modeApply, Locations: []Feed{{Shopify: "Oslo", Katana: []string{"Oslo", "Tartu"}}}, DefaultLocation: "Tartu",
		Exclude: []OrderMatcher{{Location: "Tartu"}},
	}
	before := w.configs["main"]
	w.clock.at = w.clock.at.Add(time.Hour)
	for _, e := range []Event{
		LocationRenamed{Location: "Tartu", To: "Annex"}, LocationRenamed{Location: "Oslo", To: "Tartu"},
		LocationRenamed{Store: "main", Location: "Oslo", To: "Counter"}, SalesSwitched{Location: "Annex"},
		LocationSwitched{Store: "main", Location: "Pärnu"}, LocationRenamed{Store: "main", Location: "Pärnu", To: "Counter"},
		OrderPlaced{Order: "#1", Location: w.oslo, Lines: []Line{{"MUG", "2"}}},
	} {
		if err := w.Do(e); err != nil {
			t.Fatalf("%#v: %v", e, err)
		}
	}
	katana, shopify := placesOf(t, w)
	const later = "2026-11-24T09:00:00.000Z"
	if want := []string{fmt.Sprint(id-1, " Tartu true ", later), fmt.Sprint(id, " Annex false ", later)}; !slices.Equal(katana, want) {
		t.Errorf("Katana lists %q, want %q", katana, want)
	}
	if want := []string{w.oslo + " Counter true", w.pärnu + " Counter false"}; !slices.Equal(shopify, want) {
		t.Errorf("Shopify lists %q, want %q", shopify, want)
	}
	if _, committed, _ := w.KatanaFigures("MUG", "Tartu"); committed != "2" {
		t.Errorf("%s committed at what was Oslo, want the order booked where it always was", committed)
	}
	c := w.Config("main")
	if got := fmt.Sprintf("%v %s %s", c.Locations, c.DefaultLocation, c.Exclude[0].Location); got != "[{Counter [Tartu Annex] }] Annex Annex" {
		t.Errorf("the config says %s, want the same places by their new names", got)
	}
	if before.Locations[0].Shopify != "Oslo" || before.Locations[0].Katana[0] != "Oslo" || before.Exclude[0].Location != "Tartu" {
		t.Errorf("a config that somebody else holds became %+v", before)
	}
	if want, ours := w.Desired("main", "MUG", "Counter"); want != 7 || !ours {
		t.Errorf("the level should show %d (%v), want the 7 of before", want, ours)
	}
	if err := w.Do(KatanaLocationDeleted{Location: "Annex"}); err != nil {
		t.Fatal(err)
	}
	if want, ours := w.Desired("main", "MUG", "Counter"); ours {
		t.Errorf("the level should show %d, want it left alone: one of the places that feed it is gone", want)
	}
	if katana, _ = placesOf(t, w); len(katana) != 1 {
		t.Errorf("Katana lists %q, want only what is not deleted", katana)
	}
}
