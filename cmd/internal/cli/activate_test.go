package cli

import (
	"fmt"
	"testing"
	"testing/synctest"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// shelf is a store in which items are missing from Bergen: two were stocked
// there once and still hold what they had, 40 and two less than none, one never
// was, and one is stocked nowhere. A fifth has too few in Oslo. A store beside it
// offers all of it.
type shelf struct {
	*whole
	skus []string
}

// inBergen is what Katana has there.
var inBergen = map[string]int{"CAP": 9, "POT": 3, "MUG": 7, "TEE": 4, "BOWL": 0}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	world := sandbox.NewWorld(sandbox.Options{KatanaPerMinute: 6000, Stores: []sandbox.StoreOptions{{Name: "main"}, {Name: "outlet"}}})
	var mapping desired.Mapping
	for _, name := range []string{"Oslo", "Bergen"} {
		world.AddLocation(sandbox.KatanaLocation{Name: name})
		mapping.Locations = append(mapping.Locations, desired.Pair{Target: name, Sources: []string{name}})
		for _, store := range world.Stores() {
			if _, err := world.AddStoreLocation(store, sandbox.StoreLocation{Name: name, Katana: name}); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := &shelf{skus: []string{"CAP", "POT", "MUG", "TEE", "BOWL"}}
	levels := map[string][]sandbox.Level{
		"MUG":  {{Location: "Oslo", Available: 20}},
		"CAP":  {{Location: "Oslo", Available: 20}, {Location: "Bergen", Available: 40, Inactive: true}},
		"POT":  {{Location: "Oslo", Available: 20}, {Location: "Bergen", Available: -2, Inactive: true}},
		"BOWL": {{Location: "Oslo", Available: 12}, {Location: "Bergen"}},
	}
	for _, sku := range s.skus {
		_, err := world.AddProduct(sandbox.Product{Name: sku, Variants: []sandbox.Variant{{SKU: sku, Stock: map[string]string{"Oslo": "20", "Bergen": fmt.Sprint(inBergen[sku])}}}})
		if err == nil {
			_, err = world.AddListing("main", sandbox.Listing{SKU: sku, Product: sku, Levels: levels[sku]})
		}
		if err == nil { // where the same stock is sold too
			_, err = world.AddListing("outlet", sandbox.Listing{SKU: sku, Product: sku, Levels: []sandbox.Level{{Location: "Oslo", Available: 20}, {Location: "Bergen", Available: inBergen[sku]}}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	guessing(t, world)
	s.whole = newWhole(t, world, mapping)
	for i := range s.stores {
		s.stores[i].Activate = true
	}
	s.start()
	return s
}

// watch looks at the stores after each request of main: nowhere may they offer
// more than Katana has.
func (s *shelf) watch() (looks func() int) {
	return s.world.Inject(sandbox.Fault{API: "shopify/main", Kind: sandbox.FaultHookAfter, Count: -1, Do: s.wantNoneOversold})
}

func (s *shelf) wantNoneOversold() {
	s.t.Helper()
	for _, store := range s.world.Stores() {
		for _, sku := range s.skus {
			for _, location := range []string{"Oslo", "Bergen"} {
				has, _ := s.world.KatanaAvailable(sku, location)
				if offers, active := s.world.Available(store, sku, location); active && offers > has {
					s.t.Errorf("%s offers %d of %s at %s, Katana has %d", store, offers, sku, location, has)
				}
			}
		}
	}
}

// wantFull checks that everything is stocked and offers what Katana has.
func (s *shelf) wantFull() {
	s.t.Helper()
	for _, store := range s.world.Stores() {
		for _, sku := range s.skus {
			for _, location := range []string{"Oslo", "Bergen"} {
				has, _ := s.world.KatanaAvailable(sku, location)
				if offers, active := s.world.Available(store, sku, location); !active || offers != has {
					s.t.Errorf("%s at %s of %s: active %v, %d available; want what Katana has, %d", sku, location, store, active, offers, has)
				}
			}
		}
	}
}

// became gives what became of a change in main, "" when there was none.
func became(report *inventory.Report, sku inventory.SKU, location string) string {
	for _, c := range report.Stores[0].Changes {
		if c.SKU == sku && c.Location == location {
			return fmt.Sprintf("%s %s %d→%d", c.Outcome, c.Reason, c.From, c.To)
		}
	}
	return ""
}

func TestAnItemIsStockedWithNothingOnOfferBeforeItsFirstWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t)
		defer s.stop()
		looks := s.watch()
		missing := map[string]string{"CAP": "Bergen", "POT": "Bergen", "MUG": "Bergen", "TEE": "Bergen"}
		first := s.clean(reconcile.Request{})
		for sku, location := range missing {
			if got, want := became(first, inventory.SKU(sku), location), fmt.Sprintf("waiting first_sight 0→%d", inBergen[sku]); got != want {
				t.Errorf("at first sight of %s: %q, want %q", sku, got, want)
			}
			if s.world.Level("main", sku, location).Active {
				t.Errorf("%s was stocked at first sight", sku)
			}
		}
		s.pass(s.settle)
		second := s.clean(reconcile.Request{})
		for sku, location := range missing {
			if got, want := became(second, inventory.SKU(sku), location), fmt.Sprintf("applied activate 0→%d", inBergen[sku]); got != want {
				t.Errorf("%s: %q, want %q", sku, got, want)
			}
		}
		for _, write := range s.world.Writes("main") {
			if !write.Checked || write.From != 0 && write.SKU != "BOWL" {
				t.Errorf("%+v: want a write from 0, under compare-and-set", write)
			}
		}
		s.wantFull()
		before := s.mutations()
		third := s.clean(reconcile.Request{})
		if store := third.Stores[0]; store.Drifted != 0 || s.mutations() != before {
			t.Errorf("then %d levels drift and %d mutations are sent, want none: %+v", store.Drifted, s.mutations()-before, store.Changes)
		}
		if looks() < 10 {
			t.Errorf("only %d requests were looked after", looks())
		}
	})
}

// TestWhateverBecomesOfAnActivationNoOtherLineWaitsForIt lets it fail in each
// way: the line that needs none is written in the same cycle all the same, and
// once it is over the next cycle stocks the item and waits for nothing.
func TestWhateverBecomesOfAnActivationNoOtherLineWaitsForIt(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault sandbox.Fault
		want  string // what becomes of CAP in Bergen, which holds 40 from former days
	}{
		{"throttled once", sandbox.Fault{Kind: sandbox.FaultThrottle}, "applied activate 0→9"},
		{"throttled for a while", sandbox.Fault{Kind: sandbox.FaultThrottle, Count: 3}, "applied activate 0→9"},
		{"429 from the edge", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429}, "applied activate 0→9"},
		{"the answer is cut once", sandbox.Fault{Kind: sandbox.FaultResetAfter}, "applied activate 0→9"},
		{"the answer is lost", sandbox.Fault{Kind: sandbox.FaultResetAfter, Count: -1}, "stale answer_lost 0→9"},
		{"the answer never comes", sandbox.Fault{Kind: sandbox.FaultHangAfter, Count: -1}, "stale answer_lost 0→9"},
		{"the answer is no answer", sandbox.Fault{Kind: sandbox.FaultMalformed, Count: -1}, "stale answer_lost 0→9"},
		{"it cannot be read", sandbox.Fault{Kind: sandbox.FaultStatus, Count: -1}, "stale answer_lost 0→9"},
		{"throttled for as long as it lasts", sandbox.Fault{Kind: sandbox.FaultThrottle, Count: -1}, "skipped store_failed 0→9"},
		{"throttled from the second one on", sandbox.Fault{Kind: sandbox.FaultThrottle, After: 1, Count: -1}, "applied activate 0→9"},
		{"refused", sandbox.Fault{Kind: sandbox.FaultHookBefore}, "rejected refused 0→9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShelf(t)
				defer s.stop()
				s.clean(reconcile.Request{})
				s.pass(s.settle)
				tt.fault.API, tt.fault.Op = "shopify/main", "inventoryActivate"
				if tt.fault.Kind == sandbox.FaultHookBefore {
					tt.fault.Count = -1
					tt.fault.Do = func() { s.do(sandbox.LocationSwitched{Store: "main", Location: "Bergen"}) }
				}
				hits := s.world.Inject(tt.fault)
				s.watch()
				report := s.cycle(reconcile.Request{})
				if hits() == 0 {
					t.Fatal("nothing was activated")
				}
				if got := became(report, "CAP", "Bergen"); got != tt.want {
					t.Errorf("the line that is stocked first: %q, want %q", got, tt.want)
				}
				if got, want := became(report, "BOWL", "Oslo"), "applied drift 12→20"; got != want {
					t.Errorf("the line beside it: %q, want %q", got, want)
				}
				s.world.ClearFaults()
				s.watch()
				if tt.fault.Kind == sandbox.FaultHookBefore { // the line is in quarantine
					s.do(sandbox.LocationSwitched{Store: "main", Location: "Bergen", On: true})
					if _, err := s.rig.reconciler.ReleaseAll("main"); err != nil {
						t.Fatal(err)
					}
				}
				if report = s.clean(reconcile.Request{}); report.Stores[0].Waiting != 0 {
					t.Errorf("once it is over, %d changes wait: %+v", report.Stores[0].Waiting, report.Stores[0].Changes)
				}
				s.wantFull()
			})
		})
	}
}
