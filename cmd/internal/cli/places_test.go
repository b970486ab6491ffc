package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/inventory"
)

// placeIDs puts the ids of both sides' locations for their names in capitals.
func (b *bench) placeIDs() *strings.Replacer {
	var pairs []string
	sum := b.world.Summary()
	for i, name := range []string{"OSLO", "BERGEN"} {
		pairs = append(pairs, "gid://"+name, fmt.Sprint(sum.Stores[0].Locations[i].ID), "id:"+name, fmt.Sprint("id:", sum.Katana.Locations[i].ID))
	}
	return strings.NewReplacer(pairs...)
}

// TestALocationThatChangedStopsItsStoreUntilTheConfigNamesTheOneThatIsMeant
// lets a location of the simulated world change under the config of a shop, of
// which Katana has 10 blue mugs in Oslo and 5 in Bergen, and then adds 7 to the
// place that was Oslo.
func TestALocationThatChangedStopsItsStoreUntilTheConfigNamesTheOneThatIsMeant(t *testing.T) {
	rename := func(store, from, to string) sandbox.Event {
		return sandbox.LocationRenamed{Store: store, Location: from, To: to}
	}
	const oslo, bergen = "{ shopify: Oslo, katana: Oslo }", "{ shopify: Bergen, katana: Bergen }"
	for _, test := range []struct {
		name   string
		events []sandbox.Event
		want   string   // the choice, as a cycle and check name it; OSLO and BERGEN are the ids
		now    []string // the mapping of what was Oslo and Bergen
		shop   string   // what Shopify's Oslo is called by then
		shows  int
	}{
		{
			"Shopify's location has a new name", []sandbox.Event{rename("main", "Oslo", "Torvet")},
			`Shopify: the location "Oslo" was gid://OSLO so far, which is called "Torvet" now: if it is still meant, write its new name, or "gid://OSLO"`,
			[]string{`{ shopify: "gid://OSLO", katana: Oslo }`, bergen}, "Torvet", 17,
		},
		{
			"its new name is written", []sandbox.Event{rename("main", "Oslo", "Torvet")},
			`write its new name, or "gid://OSLO"`, []string{`{ shopify: Torvet, katana: Oslo }`, bergen}, "Torvet", 17,
		},
		{
			"two of Shopify's have changed names", []sandbox.Event{rename("main", "Oslo", "x"), rename("main", "Bergen", "Oslo"), rename("main", "x", "Bergen")},
			`Shopify: the location "Oslo" was gid://OSLO so far, which is called "Bergen" now, and another one has its name: write "gid://OSLO" for the former, "gid://BERGEN" for the new one; ` +
				`Shopify: the location "Bergen" was gid://BERGEN so far, which is called "Oslo" now, and another one has its name: write "gid://BERGEN" for the former, "gid://OSLO" for the new one`,
			[]string{`{ shopify: "gid://OSLO", katana: Oslo }`, `{ shopify: "gid://BERGEN", katana: Bergen }`}, "Bergen", 17,
		},
		{
			"Katana's location has a new name", []sandbox.Event{rename("", "Oslo", "Torvet")},
			`Katana: the location "Oslo" was id:OSLO so far, which is called "Torvet" now: if it is still meant, write its new name, or "id:OSLO"`,
			[]string{`{ shopify: Oslo, katana: "id:OSLO" }`, bergen}, "Oslo", 17,
		},
		{
			"two of Katana's have changed names", []sandbox.Event{rename("", "Oslo", "x"), rename("", "Bergen", "Oslo"), rename("", "x", "Bergen")},
			`write "id:OSLO" for the former, "id:BERGEN" for the new one; Katana: the location "Bergen" was id:BERGEN so far`,
			[]string{`{ shopify: Oslo, katana: "id:OSLO" }`, `{ shopify: Bergen, katana: "id:BERGEN" }`}, "Oslo", 17,
		},
		{
			"two of Katana's have one name", []sandbox.Event{rename("", "Bergen", "Oslo")},
			`Katana has 2 locations named "Oslo"; write the one that is meant by its id: "id:OSLO" or "id:BERGEN"`,
			[]string{`{ shopify: Oslo, katana: "id:OSLO" }`, `{ shopify: Bergen, katana: "id:BERGEN" }`}, "Oslo", 17,
		},
		{
			"Katana's location is deleted", []sandbox.Event{sandbox.KatanaLocationDeleted{Location: "Oslo"}},
			`Katana: the location "Oslo" was id:OSLO so far, which is gone: map another one`,
			[]string{`{ shopify: Oslo, katana: Bergen }`, bergen}, "Oslo", 5,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := settled(t)
			ids := b.placeIDs()
			b.do(sandbox.StockAdjusted{SKU: "MUG-BLUE", Location: "Oslo", By: "7"})
			for _, e := range test.events {
				b.do(e)
			}
			want := ids.Replace(test.want)
			out, _ := b.expect(exitFailed, "once", "--full")
			if !strings.Contains(out, "Store main failed: locations: ") || !strings.Contains(out, want) {
				t.Errorf("a cycle says\n%s\nwant\n%s", out, want)
			}
			if out, _ = b.expect(exitFailed, "check"); !strings.Contains(out, "✗ store main mapping: locations: ") || !strings.Contains(out, want) {
				t.Errorf("check says\n%s\nwant\n%s", out, want)
			}
			if out, _ = b.expect(exitFailed, "plan"); !strings.Contains(out, want) {
				t.Errorf("an incremental plan says\n%s\nwant\n%s", out, want)
			}
			if got := len(b.world.Writes("main")); got != 0 {
				t.Errorf("%d levels were written before somebody chose", got)
			}
			b.edit(oslo, ids.Replace(test.now[0]))
			b.edit(bergen, ids.Replace(test.now[1]))
			if out, _ = b.expect(exitDone, "check"); !strings.Contains(out, "✓ store main mapping: ") {
				t.Errorf("with what was meant in the config, check says\n%s", out)
			}
			b.expect(exitDone, "once", "--full")
			b.available("MUG-BLUE", test.shop, test.shows)
		})
	}
}

func TestALocationThatNoStockIsSoldFromIsLeftAloneAndNamed(t *testing.T) {
	for _, test := range []struct {
		name        string
		event, back sandbox.Event
		reason      string // of the levels in the report
		check       string
	}{
		{
			"Katana sells from it no longer", sandbox.SalesSwitched{Location: "Oslo"}, sandbox.SalesSwitched{Location: "Oslo", On: true},
			"no_katana_sales", `left alone: Oslo (Katana does not sell from what feeds it). Next: Katana does not sell from "Oslo", so what lies there is not offered at "Oslo"`,
		},
		{
			"it is deactivated in Shopify", sandbox.LocationSwitched{Store: "main", Location: "Oslo"}, sandbox.LocationSwitched{Store: "main", Location: "Oslo", On: true},
			"inactive_location", "left alone: Oslo (deactivated in Shopify)",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := settled(t)
			b.do(test.event)
			b.drift()
			report := b.once(exitDone)
			if got := report.Stores[0].Skipped[inventory.Reason(test.reason)]; got != 4 {
				t.Errorf("%d levels are left alone as %s, want the 4 in Oslo", got, test.reason)
			}
			if got := b.world.Level("main", "MUG-BLUE", "Oslo").Available; got != 10 {
				t.Errorf("in Oslo it shows %d, want the 10 of before", got)
			}
			b.available("TEE-M", "Bergen", 50)
			if out, _ := b.expect(exitDone, "check"); !strings.Contains(out, test.check) {
				t.Errorf("check says\n%s\nwant %q", out, test.check)
			}
			b.do(test.back)
			b.once(exitDone)
			b.available("MUG-BLUE", "Oslo", 7)
		})
	}
}

// once runs a full cycle that is to end with a code, and gives its report.
func (b *bench) once(code int) (report inventory.Report) {
	b.t.Helper()
	out, _ := b.expect(code, "once", "--full", "--output", "json")
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		b.t.Fatalf("%v in\n%s", err, out)
	}
	return report
}
