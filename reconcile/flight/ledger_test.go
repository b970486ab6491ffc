package flight_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/inventory"
)

const (
	settle = 10 * time.Minute
	shop   = "acme.myshopify.com"
	mug    = inventory.SKU("MUG")
	mugID  = inventory.SourceVariantID(71001)
	oslo   = inventory.SourceLocationID(1)
	bergen = inventory.SourceLocationID(2)
)

var (
	start  = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	front  = inventory.Key{Store: "main", Item: 11, Location: 101} // draws on Oslo
	back   = inventory.Key{Store: "main", Item: 11, Location: 102} // draws on Oslo
	quay   = inventory.Key{Store: "main", Item: 11, Location: 103} // draws on Bergen
	both   = inventory.Key{Store: "main", Item: 11, Location: 104} // draws on both
	popup  = inventory.Key{Store: "main", Item: 11, Location: 105} // is mapped to nothing
	outlet = inventory.Key{Store: "outlet", Item: 21, Location: 201}
	lost   = inventory.Key{Store: "away", Item: 31, Location: 301} // of a store that was not read
	skus   = map[inventory.SourceVariantID]inventory.SKU{mugID: mug, 71002: "TEE"}
	feed   = map[inventory.Key][]inventory.SourceLocationID{
		front: {oslo}, back: {oslo}, quay: {bergen}, both: {oslo, bergen}, popup: {}, outlet: {oslo},
	}
)

func skuOf(id inventory.SourceVariantID) (inventory.SKU, bool) {
	sku, ok := skus[id]
	return sku, ok
}

// all tells of every SKU that all its levels were looked at, or of none.
func all(complete bool) func(inventory.SKU) bool {
	return func(inventory.SKU) bool { return complete }
}

// at has every SKU looked at at the same time.
func at(looked time.Time) func(inventory.SKU) time.Time {
	return func(inventory.SKU) time.Time { return looked }
}

func feeds(key inventory.Key) []inventory.SourceLocationID { return feed[key] }

// store is one store with its ledger, and a clock.
type store struct {
	t      *testing.T
	ledger inventory.Ledger
	seen   map[inventory.Key]inventory.Units
	now    time.Time
	looked time.Time
	orders int64
}

// open has taken its first look at levels of ten mugs each, and has had its ledger
// for a settle.
func open(t *testing.T) *store {
	s := &store{t: t, seen: map[inventory.Key]inventory.Units{}, now: start, ledger: inventory.Ledger{Since: start.Add(-settle)}}
	s.look(map[inventory.Key]inventory.Units{front: 10, back: 10, quay: 10, both: 10, popup: 10, outlet: 10})
	s.arrive()
	s.after(time.Second)
	return s
}

func (s *store) after(d time.Duration) { s.now = s.now.Add(d) }

// look takes a complete look: levels that are not named show what they did.
func (s *store) look(shows map[inventory.Key]inventory.Units) {
	s.t.Helper()
	all := maps.Clone(s.seen)
	maps.Copy(all, shows)
	s.glance(all, true)
}

func (s *store) glance(shows map[inventory.Key]inventory.Units, complete bool) {
	var levels []inventory.Level
	for _, key := range slices.SortedFunc(maps.Keys(shows), inventory.Key.Compare) {
		levels = append(levels, inventory.Level{Key: key, SKU: mug, Available: shows[key], Active: true})
	}
	s.see(levels, complete)
}

func (s *store) see(levels []inventory.Level, complete bool) {
	s.looked = s.now
	flight.Look(&s.ledger, levels, func(key inventory.Key) (inventory.Units, bool) {
		units, ok := s.seen[key]
		return units, ok
	}, feeds, all(complete), s.looked, flight.Terms{Settle: settle})
	for _, level := range levels {
		s.seen[level.Key] = level.Available
	}
}

// order is an order of mugs that Katana creates now.
func (s *store) order(units int, at inventory.SourceLocationID) inventory.SourceOrder {
	s.orders++
	return inventory.SourceOrder{
		ID: s.orders, Status: "NOT_SHIPPED", Platform: "shopify", Store: shop, Created: s.now, Updated: s.now, Location: at,
		Rows: []inventory.SourceOrderRow{{ID: 100 + s.orders, Variant: mugID, Location: at, Quantity: inventory.Quantity(units) * inventory.Scale}},
	}
}

func (s *store) arrive(orders ...inventory.SourceOrder) {
	flight.Arrivals(&s.ledger, orders, shop, skuOf, feeds, at(s.looked), s.looked, terms)
}

func (s *store) own(key inventory.Key) inventory.Units {
	return flight.NewIndex(s.ledger.Entries, feeds).Own(key, mug)
}

func (s *store) wants(what string, key inventory.Key, want inventory.Units) {
	s.t.Helper()
	if got := s.own(key); got != want {
		s.t.Errorf("%s: got %d in flight at %s, want %d (%+v)", what, got, key, want, s.ledger)
	}
}

func (s *store) wantsNothing(what string) {
	s.t.Helper()
	if len(s.ledger.Entries) != 0 || len(s.ledger.Credits) != 0 {
		s.t.Errorf("%s: got %+v, want nothing in flight", what, s.ledger)
	}
}

func TestASaleIsInFlightUntilItsOrderIsInKatana(t *testing.T) {
	s := open(t)
	s.after(30 * time.Second)
	s.look(map[inventory.Key]inventory.Units{front: 8})
	s.arrive()
	s.wants("sold two", front, 2)
	want := []inventory.InFlight{{Key: front, SKU: mug, Units: 2, Since: s.looked, Expires: s.looked.Add(settle), Sources: feed[front]}}
	if !reflect.DeepEqual(s.ledger.Entries, want) {
		t.Errorf("got %+v, want %+v", s.ledger.Entries, want)
	}
	s.after(time.Minute)
	order := s.order(2, oslo)
	s.after(time.Second)
	s.look(nil)
	s.arrive(order)
	s.wantsNothing("imported")
	s.after(time.Minute)
	s.look(nil)
	s.arrive(order)
	s.wantsNothing("seen again")
}

func TestAnOrderThatReachesKatanaBeforeItsFallWasSeenCancelsOut(t *testing.T) {
	s := open(t)
	s.look(nil)
	s.after(time.Second) // sold and imported right after the look
	s.arrive(s.order(1, oslo))
	if got, want := s.ledger.Credits, []inventory.Credit{{SKU: mug, Location: oslo, Units: 1}}; !slices.Equal(got, want) {
		t.Errorf("got credits %+v, want %+v", got, want)
	}
	// A stale write reads the level again in the same cycle.
	s.glance(map[inventory.Key]inventory.Units{front: 9}, false)
	s.wants("counted twice for this cycle", front, 1)
	s.after(30 * time.Second)
	s.look(nil)
	s.arrive()
	s.wantsNothing("the next complete look")
}

func TestACreditWaitsForACompleteLook(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{quay: 9})
	s.after(time.Second)
	order := s.order(1, oslo)
	s.arrive(order)
	s.arrive(order)
	s.after(time.Second)
	s.glance(map[inventory.Key]inventory.Units{back: 10}, false)
	s.arrive(order)
	s.wants("only one level was read again", quay, 1)
	if got := len(s.ledger.Credits); got != 1 {
		t.Errorf("got %d credits, want 1", got)
	}
}

func TestACreditDoesNotHideTheSaleOfSomebodyElse(t *testing.T) {
	s := open(t)
	s.after(30 * time.Second)
	s.look(map[inventory.Key]inventory.Units{quay: 9}) // one sold at the quay
	s.after(time.Second)
	s.arrive(s.order(1, oslo)) // one sold at the front and imported since the look
	s.wants("the sale at the quay is still unknown to Katana", quay, 1)
	s.after(30 * time.Second)
	s.look(map[inventory.Key]inventory.Units{front: 9})
	s.arrive()
	s.wants("the sale at the quay", quay, 1)
	s.wants("the sale at the front", front, 0)
}

func TestACreditWhoseSaleHadBeenSeenTakesThatSaleAwayOneLookLater(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{front: 9})
	s.after(time.Second)
	s.arrive(s.order(1, oslo))
	s.wants("counted twice for a cycle", front, 1)
	s.after(30 * time.Second)
	s.look(nil)
	s.arrive()
	s.wantsNothing("the next look")
}

func TestAnOrderWhoseFallWasHiddenByARiseHidesNoLaterSale(t *testing.T) {
	s := open(t)
	order := s.order(3, oslo)
	s.after(time.Minute)
	s.look(map[inventory.Key]inventory.Units{front: 12}) // three sold, five put back on the shelf
	s.arrive(order)
	s.wantsNothing("a rise hides what was sold")
	s.after(30 * time.Second)
	s.look(map[inventory.Key]inventory.Units{front: 11})
	s.arrive()
	s.wants("the next sale", front, 1)
}

func TestAnOrderThatComesAfterItsEntryExpiredHidesNoLaterSale(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{front: 9})
	s.arrive()
	s.after(settle)
	order := s.order(1, oslo)
	s.after(time.Second)
	s.look(nil)
	s.arrive(order)
	s.wantsNothing("expired")
	s.after(30 * time.Second)
	s.look(map[inventory.Key]inventory.Units{front: 8})
	s.arrive()
	s.wants("the next sale", front, 1)
}

func TestAnOrderThatCameBeforeItsEntryExpiredHidesNoLaterSaleOfTheSameLook(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{front: 9})
	s.arrive()
	s.after(settle - time.Minute)
	order := s.order(1, oslo) // in time, and the next look is not before the entry expires
	s.after(time.Minute)
	s.look(map[inventory.Key]inventory.Units{front: 7}) // two more
	s.arrive(order)
	s.wants("sold since", front, 2)
}

func TestTwoOrdersAreImportedOneByOne(t *testing.T) {
	s := open(t)
	s.after(time.Minute)
	s.look(map[inventory.Key]inventory.Units{front: 7}) // one of two, one of one
	s.arrive()
	s.wants("both sold", front, 3)
	for _, step := range []struct {
		units int
		left  inventory.Units
	}{{2, 1}, {1, 0}} {
		order := s.order(step.units, oslo)
		s.after(time.Second)
		s.look(nil)
		s.arrive(order)
		s.wants("imported", front, step.left)
		s.after(time.Minute)
	}
	s.wantsNothing("both imported")
}

func TestAnOrderImportedAtAnotherKatanaLocationIsAccountedFor(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{front: 9})
	s.arrive()
	order := s.order(1, bergen)
	s.after(time.Minute)
	s.look(nil)
	s.arrive(order)
	s.wantsNothing("imported in Bergen")
}

func TestAnOrderTakesFirstFromTheLevelsThatDrawOnItsLocation(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{quay: 9})
	s.after(time.Second)
	s.look(map[inventory.Key]inventory.Units{front: 8})
	s.arrive()
	order := s.order(3, oslo)
	s.after(time.Minute)
	s.look(nil)
	s.arrive(order)
	s.wantsNothing("three imported in Oslo")

	s = open(t)
	s.look(map[inventory.Key]inventory.Units{quay: 9})
	s.after(time.Second)
	s.look(map[inventory.Key]inventory.Units{front: 8})
	s.arrive()
	order = s.order(2, oslo)
	s.after(time.Minute)
	s.look(nil)
	s.arrive(order)
	s.wants("not imported yet", quay, 1)
	s.wants("imported", front, 0)
}

func TestWhatIsLeftCoversEveryLevelThatMayHaveSoldTheRest(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{both: 9})
	early := s.looked
	s.after(2 * time.Minute)
	s.look(map[inventory.Key]inventory.Units{front: 9})
	late := s.looked
	order := s.order(1, oslo)
	s.after(time.Second)
	s.look(nil)
	s.arrive(order)
	// Either of the two may have arrived: what is left counts in Oslo and in
	// Bergen, and as long as the later one may take.
	want := []inventory.InFlight{{Key: both, SKU: mug, Units: 1, Since: late, Expires: late.Add(settle), Sources: feed[both]}}
	if !reflect.DeepEqual(s.ledger.Entries, want) {
		t.Errorf("got %+v, want %+v (the other was sold at %s)", s.ledger.Entries, want, early)
	}
}

func TestAPendingOrderTakesItsUnitAwayOnlyWhenItIsPaid(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{front: 9})
	order := s.order(1, oslo)
	order.Status = inventory.OrderPending
	s.after(time.Minute)
	s.look(nil)
	s.arrive(order)
	s.wants("pending commits nothing", front, 1)
	order.Status, order.Updated = "NOT_SHIPPED", s.now
	s.after(time.Minute)
	s.look(nil)
	s.arrive(order)
	s.wantsNothing("paid")
}

func TestAnEditedOrderTakesAwayWhatItGrewBy(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{front: 8})
	order := s.order(2, oslo)
	s.after(time.Second)
	s.look(nil)
	s.arrive(order)
	s.wantsNothing("imported")

	s.after(time.Minute)
	s.look(map[inventory.Key]inventory.Units{front: 5}) // two became five
	order.Rows[0].Quantity, order.Updated = 5*inventory.Scale, s.now
	s.arrive()
	s.wants("edited in Shopify", front, 3)
	s.after(time.Second)
	s.look(nil)
	s.arrive(order)
	s.wantsNothing("edited in Katana")

	// A row that shrinks and grows back is no sale: what was counted stays so.
	for _, units := range []inventory.Quantity{1, 5} {
		s.after(time.Minute)
		order.Rows[0].Quantity, order.Updated = units*inventory.Scale, s.now
		s.after(time.Second)
		s.look(map[inventory.Key]inventory.Units{front: s.seen[front] - 1})
		s.arrive(order)
	}
	s.wants("two other sales", front, 2)
}

func TestAFractionOfAnOrderTakesNoWholeUnitAway(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{front: 7})
	order := s.order(1, oslo)
	order.Rows[0].Quantity += inventory.Scale / 2
	s.after(time.Second)
	s.look(nil)
	s.arrive(order)
	s.wants("one and a half", front, 2)
	order.Rows[0].Quantity, order.Updated = 3*inventory.Scale, s.now
	s.after(time.Second)
	s.look(nil)
	s.arrive(order)
	s.wantsNothing("the other half and one more")
}

func TestOrdersThatAreNoArrivalTakeNothingAway(t *testing.T) {
	tests := []struct {
		name string
		edit func(*inventory.SourceOrder)
	}{
		{"a deleted order", func(o *inventory.SourceOrder) { o.Deleted = true }},
		{"a quote", func(o *inventory.SourceOrder) { o.Status = inventory.OrderPending }},
		{"an order made in Katana", func(o *inventory.SourceOrder) { o.Platform, o.Store = "", "" }},
		{"an order of another platform", func(o *inventory.SourceOrder) { o.Platform = "woocommerce" }},
		{"an order of another store", func(o *inventory.SourceOrder) { o.Store = "outlet.myshopify.com" }},
		{"an order of another SKU", func(o *inventory.SourceOrder) { o.Rows[0].Variant = 71002 }},
		{"an order of a variant without a SKU", func(o *inventory.SourceOrder) { o.Rows[0].Variant = 9 }},
		{"a return", func(o *inventory.SourceOrder) { o.Rows[0].Quantity = -inventory.Scale }},
		{"an order from before the ledger began", func(o *inventory.SourceOrder) { o.Created = start.Add(-time.Second) }},
		{"an order from before anything is remembered", func(o *inventory.SourceOrder) { o.Created = start.Add(-flight.Remember) }},
		{"an order without rows", func(o *inventory.SourceOrder) { o.Rows = nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			s.look(map[inventory.Key]inventory.Units{front: 9})
			order := s.order(1, oslo)
			tt.edit(&order)
			s.after(time.Minute)
			s.look(nil)
			s.arrive(order)
			s.wants("still in flight", front, 1)
			if !s.ledger.Orders.Equal(order.Updated) {
				t.Errorf("the mark is at %s, want %s: the order would be read for ever", s.ledger.Orders, order.Updated)
			}
		})
	}
}

func TestPlatformAndStoreAreComparedWithoutCase(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{front: 9})
	order := s.order(1, oslo)
	order.Platform, order.Store = "Shopify", "ACME.myshopify.com"
	s.after(time.Minute)
	s.look(nil)
	s.arrive(order)
	s.wantsNothing("imported")
}

func TestUnitsThatNoOrderClaimsExpireAfterSettle(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{front: 9})
	s.after(settle - time.Second)
	s.look(nil)
	s.arrive()
	s.wants("just before settle", front, 1)
	s.after(time.Second)
	s.look(nil)
	s.arrive()
	s.wantsNothing("after settle")
}

// TestAnOrderThatIsHeardOfAfterItsUnitsExpiredTakesNoLaterSaleAway: nobody has
// read Katana for a while, and both sales are found by the same look.
func TestAnOrderThatIsHeardOfAfterItsUnitsExpiredTakesNoLaterSaleAway(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{front: 7})
	s.arrive()
	s.after(time.Minute)
	order := s.order(3, oslo)
	s.after(2 * settle)
	s.look(map[inventory.Key]inventory.Units{front: 5})
	s.arrive(order)
	s.wants("the later sale", front, 2)
}

// TestWhatMayHaveBeenSoldCountsForNothingAndTakesItsOrder: else the order would
// take a sale away that was seen.
func TestWhatMayHaveBeenSoldCountsForNothingAndTakesItsOrder(t *testing.T) {
	for _, arrives := range []time.Duration{time.Minute, 2 * settle} {
		s := open(t)
		s.ledger.Entries = append(s.ledger.Entries, flight.Maybe(front, mug, 3, s.now, feeds(front)))
		s.look(nil)
		s.arrive()
		s.after(arrives)
		order := s.order(3, oslo)
		s.after(time.Second)
		s.look(map[inventory.Key]inventory.Units{front: 8})
		s.arrive(order)
		s.wants("the sale that was seen", front, 2)
	}
	s := open(t)
	s.ledger.Entries = append(s.ledger.Entries, flight.Maybe(front, mug, 3, s.now, feeds(front)))
	s.after(2 * time.Hour)
	s.look(nil)
	s.arrive()
	s.wantsNothing("hours later")
}

func TestOurOwnWriteIsNotAFall(t *testing.T) {
	s := open(t)
	s.seen[front] = 4 // we wrote 4, and Shopify confirmed it
	s.after(time.Minute)
	s.look(map[inventory.Key]inventory.Units{front: 4})
	s.wantsNothing("written by us")
	s.look(map[inventory.Key]inventory.Units{front: 3})
	s.wants("sold after our write", front, 1)
}

func TestARiseTakesNothingAway(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{front: 8})
	s.after(time.Minute)
	s.look(map[inventory.Key]inventory.Units{front: 20})
	s.wants("restocked", front, 2)
	s.look(map[inventory.Key]inventory.Units{front: 19})
	s.wants("and sold one", front, 3)
}

func TestALevelThatGoesNegativeHasSoldAllTheSame(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{front: -3})
	s.wants("from 10 to −3", front, 13)
	s.look(map[inventory.Key]inventory.Units{front: -5})
	s.wants("from −3 to −5", front, 15)
}

func TestTheFirstSightOfALevelIsNoFall(t *testing.T) {
	s := open(t)
	s.ledger.Since = time.Time{}
	late := inventory.Key{Store: "main", Item: 12, Location: 101}
	s.look(map[inventory.Key]inventory.Units{late: 0})
	s.wantsNothing("never seen before")
	if !s.ledger.Since.Equal(s.now) {
		t.Errorf("the ledger began at %s, want %s", s.ledger.Since, s.now)
	}
}

func TestLevelsThatNobodyElseDrawsOnAreNotCounted(t *testing.T) {
	for name, level := range map[string]inventory.Level{
		"a bundle that Shopify computes":  {SKU: mug, Bundle: true},
		"an item that is not tracked":     {SKU: mug, Untracked: true},
		"a gift card":                     {SKU: mug, GiftCard: true},
		"an item without a SKU":           {},
		"no fall at all":                  {SKU: mug, Available: 10},
		"a rise":                          {SKU: mug, Available: 11},
		"a level that was not there then": {SKU: mug, Key: inventory.Key{Store: "main", Item: 99, Location: 1}},
	} {
		s := open(t)
		if level.Item == 0 {
			level.Key = front
		}
		s.see([]inventory.Level{level}, true)
		s.wantsNothing(name)
	}
}

func TestAnInactiveLevelThatFallsHasSold(t *testing.T) {
	s := open(t)
	s.see([]inventory.Level{{Key: front, SKU: mug, Available: 9}}, true)
	s.wants("not stocked there any more", front, 1)
}

func TestOldOrdersAreNoNewsToALedgerThatBeginsAnew(t *testing.T) {
	s := open(t)
	old := s.order(4, oslo)
	s.ledger = inventory.Ledger{} // the state file was deleted
	s.seen = map[inventory.Key]inventory.Units{}
	s.after(time.Minute)
	s.look(map[inventory.Key]inventory.Units{front: 6})
	s.arrive(old)
	s.wantsNothing("began anew")
	s.after(30 * time.Second)
	s.look(map[inventory.Key]inventory.Units{front: 5})
	s.arrive(old)
	s.wants("the first sale since", front, 1)
}

func TestTheFirstLookGivesNoCredit(t *testing.T) {
	s := &store{t: t, seen: map[inventory.Key]inventory.Units{}, now: start}
	s.look(map[inventory.Key]inventory.Units{front: 9}) // one was sold before
	s.after(time.Second)
	s.arrive(s.order(1, oslo))
	s.wantsNothing("the first look")
	s.after(time.Hour)
	s.look(map[inventory.Key]inventory.Units{front: 8})
	s.arrive()
	s.wants("sold since", front, 1)
}

func TestCountedRowsAreForgottenWithTheirOrders(t *testing.T) {
	s := open(t)
	order := s.order(1, oslo)
	s.after(time.Second)
	s.look(map[inventory.Key]inventory.Units{front: 9})
	s.arrive(order)
	if len(s.ledger.Counted) != 1 {
		t.Fatalf("got %v", s.ledger.Counted)
	}
	s.after(flight.Remember)
	s.look(map[inventory.Key]inventory.Units{front: 8})
	s.arrive(order) // packed three days later
	s.wants("an order that was counted long ago", front, 1)
	if len(s.ledger.Counted) != 0 {
		t.Errorf("got %v, want it forgotten", s.ledger.Counted)
	}
}

func TestOneSaleAMinuteImportedAfterNinetySecondsNeverPilesUp(t *testing.T) {
	s := open(t)
	type sale struct{ imported time.Time }
	var pending []sale
	shows, katana := inventory.Units(100), inventory.Units(100)
	s.look(map[inventory.Key]inventory.Units{front: shows})
	s.arrive()
	end := s.now.Add(time.Hour)
	for tick := 0; s.now.Before(end.Add(2 * time.Minute)); tick++ {
		s.after(15 * time.Second)
		if tick%4 == 0 && s.now.Before(end) {
			shows--
			pending = append(pending, sale{s.now.Add(90 * time.Second)})
		}
		var arrived []inventory.SourceOrder
		for len(pending) > 0 && !s.now.Before(pending[0].imported) {
			pending = pending[1:]
			katana--
			arrived = append(arrived, s.order(1, oslo))
		}
		s.look(map[inventory.Key]inventory.Units{front: shows})
		s.arrive(arrived...)
		if got, want := s.own(front), inventory.Units(len(pending)); got != want {
			t.Fatalf("at %s: got %d in flight, want %d", s.now, got, want)
		}
		if offer := katana - s.own(front); offer != shows {
			t.Fatalf("at %s: Katana has %d less %d in flight, but Shopify shows %d", s.now, katana, s.own(front), shows)
		}
	}
	if shows != 40 || katana != 40 {
		t.Errorf("got %d at Shopify and %d in Katana, want 40: a sale a minute", shows, katana)
	}
	s.wantsNothing("all imported")
}

func TestAnOrderOfOneStoreTakesNothingFromAnother(t *testing.T) {
	s := open(t)
	s.look(map[inventory.Key]inventory.Units{front: 9})
	order := s.order(1, oslo)
	s.after(time.Second)
	s.look(nil)
	flight.Arrivals(&s.ledger, []inventory.SourceOrder{order}, "outlet.myshopify.com", skuOf, feeds, at(s.looked), s.looked, terms)
	s.wants("an order of the other store", front, 1)
	s.arrive(order)
	s.wantsNothing("an order of this store")
}

func TestAnOrderOfBeforeTheLedgerTakesNoSaleAwayThatIsInIt(t *testing.T) {
	s := open(t)
	s.ledger.Since = s.now
	s.after(time.Minute)
	s.look(map[inventory.Key]inventory.Units{front: 9})
	s.arrive()
	s.after(settle - 2*time.Minute) // for so long the one that was sold before the ledger began was on its way
	before := s.order(1, oslo)
	s.after(time.Second)
	s.look(nil)
	s.arrive(before)
	s.wants("the sale that was seen", front, 1)
	s.after(30 * time.Second)
	s.look(nil)
	s.arrive(before)
	s.wants("the order heard of again", front, 1)
	s.after(time.Minute)
	late := s.order(1, oslo)
	s.after(time.Second)
	s.look(nil)
	s.arrive(late)
	s.wants("an order that can only be of a sale that was seen", front, 0)
}
