package flight_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/inventory"
)

var terms = flight.Terms{Settle: settle, SettleMax: 24 * time.Hour}

// till is a store that tells of its orders, and Katana beside it.
type till struct {
	t      *testing.T
	ledger inventory.Ledger
	now    time.Time
}

func openTill(t *testing.T) *till {
	s := &till{t: t, now: start}
	s.tell()
	s.now = s.now.Add(time.Minute)
	return s
}

func (s *till) tell(sales ...inventory.Sale) []flight.Learnt {
	return flight.Tell(&s.ledger, "main", inventory.Sales{Told: true, Sales: sales}, s.now, terms)
}

func (s *till) after(d time.Duration) { s.now = s.now.Add(d) }

// sale is an order of mugs that is placed now.
func (s *till) sale(id int64, open, done inventory.Units) inventory.Sale {
	return inventory.Sale{
		ID: id, Name: fmt.Sprint("#", id), Created: s.now, Updated: s.now,
		Lines: []inventory.SaleLine{{Item: front.Item, SKU: mug, Location: front.Location, Open: open, Done: done}},
	}
}

// arrives is Katana's order of a sale.
func (s *till) arrives(id int64, units int, edit ...func(*inventory.SourceOrder)) {
	order := inventory.SourceOrder{
		ID: 700 + id, Status: "NOT_SHIPPED", Platform: "shopify", Store: shop, External: fmt.Sprint(id), Created: s.now, Updated: s.now, Location: oslo,
		Rows: []inventory.SourceOrderRow{{ID: 9000 + id, Variant: mugID, Location: oslo, Quantity: inventory.Quantity(units) * inventory.Scale}},
	}
	for _, e := range edit {
		e(&order)
	}
	flight.Match(&s.ledger, []inventory.SourceOrder{order}, shop, skuOf)
}

func (s *till) wants(what string, want inventory.Units) {
	s.t.Helper()
	got := flight.NewIndex(flight.Entries(&s.ledger, "main", s.now, terms), feeds).Own(front, mug)
	if got != want {
		s.t.Errorf("%s: got %d in flight, want %d (%+v)", what, got, want, s.ledger.Sales)
	}
}

func TestAnOpenOrderCountsUntilKatanaHasItHoweverLongThatTakes(t *testing.T) {
	s := openTill(t)
	s.tell(s.sale(1, 2, 0))
	s.wants("placed", 2)
	s.after(40 * 24 * time.Hour)
	s.tell()
	s.wants("forty days later", 2)
	s.arrives(1, 2)
	s.wants("imported", 0)
}

func TestAnOrderThatStaysOpenIsSoughtInKatanaOnce(t *testing.T) {
	s := openTill(t)
	sale := s.sale(1, 2, 0)
	s.tell(sale)
	s.arrives(1, 2)
	for day := range 200 {
		s.after(24 * time.Hour)
		s.tell(sale) // a full cycle reads all that are open
		if oldest := flight.Unsought(&s.ledger); !oldest.IsZero() {
			t.Fatalf("it is sought again on day %d, back to %s", day, oldest)
		}
	}
	s.wants("200 days later", 0)
	s.after(60*24*time.Hour + time.Second)
	s.tell() // it is out of the store's reach
	if len(s.ledger.Sales)+len(s.ledger.Landed) > 0 {
		t.Errorf("it is kept for good: %+v", s.ledger)
	}
}

func TestWhatHasLeftTheShopCountsUntilSettleMax(t *testing.T) {
	s := openTill(t)
	s.tell(s.sale(1, 0, 2))
	s.after(terms.SettleMax - time.Minute)
	s.tell()
	s.wants("just before", 2)
	s.after(time.Minute)
	s.wants("after settle_max", 0)
}

func TestAnOrderThatIsSentCountsFromThenOn(t *testing.T) {
	s := openTill(t)
	sale := s.sale(1, 2, 0)
	s.tell(sale)
	s.after(5 * 24 * time.Hour)
	sale.Updated, sale.Lines = s.now, []inventory.SaleLine{{Item: front.Item, SKU: mug, Location: front.Location, Done: 2}}
	s.tell(sale)
	s.wants("sent", 2)
	s.after(time.Hour)
	sale.Updated = s.now // a note was added
	s.tell(sale)
	s.after(terms.SettleMax - time.Hour)
	s.wants("a day after it was sent", 0)
}

func TestRowsThatKatanaLacksCountForOneSettle(t *testing.T) {
	s := openTill(t)
	s.tell(s.sale(1, 5, 0))
	s.arrives(1, 2)
	s.wants("two of five", 3)
	s.after(time.Minute)
	s.arrives(1, 4)
	s.wants("four of five", 1)
	s.after(settle)
	s.wants("whoever cut the order back in Katana meant it", 0)
}

func TestAnOrderOfKatanaThatCommitsNothingTakesNothing(t *testing.T) {
	for name, edit := range map[string]func(*inventory.SourceOrder){
		"a quote":                   func(o *inventory.SourceOrder) { o.Status = inventory.OrderPending },
		"a deleted one":             func(o *inventory.SourceOrder) { o.Deleted = true },
		"one of another store":      func(o *inventory.SourceOrder) { o.Store = "outlet.myshopify.com" },
		"one of another platform":   func(o *inventory.SourceOrder) { o.Platform = "woocommerce" },
		"one of another id":         func(o *inventory.SourceOrder) { o.External = "2" },
		"one of an id of no number": func(o *inventory.SourceOrder) { o.External = "x1" },
	} {
		s := openTill(t)
		s.tell(s.sale(1, 2, 0))
		s.arrives(1, 2, edit)
		s.wants(name, 2)
	}
}

func TestAnOrderThatIsDeletedInKatanaIsInFlightAgain(t *testing.T) {
	s := openTill(t)
	s.tell(s.sale(1, 2, 0))
	s.arrives(1, 2)
	s.wants("imported", 0)
	s.after(48 * time.Hour)
	s.arrives(1, 2, func(o *inventory.SourceOrder) { o.Deleted = true })
	s.wants("deleted", 2)
}

func TestAnOrderThatKatanaHasBeforeTheStoreTellsOfItIsNotInFlight(t *testing.T) {
	s := openTill(t)
	sale := s.sale(1, 2, 0)
	s.arrives(1, 2, func(o *inventory.SourceOrder) { o.External = "gid://shopify/Order/1" })
	if learnt := s.tell(sale); len(learnt) != 0 {
		t.Errorf("got %+v learnt, want nothing: Katana has it", learnt)
	}
	s.wants("told late", 0)
}

func TestALevelsFallIsTakenForTheOrderThatExplainsIt(t *testing.T) {
	s := openTill(t)
	seen := map[inventory.Key]inventory.Units{front: 10}
	fall := func(to inventory.Units) {
		flight.Look(&s.ledger, []inventory.Level{{Key: front, SKU: mug, Available: to, Active: true}}, func(key inventory.Key) (inventory.Units, bool) {
			units, ok := seen[key]
			return units, ok
		}, feeds, nil, s.now, terms)
		seen[front] = to
	}
	learnt := s.tell(s.sale(1, 2, 0))
	fall(7) // two of the order, and one that the search for orders does not find yet
	flight.Claim(&s.ledger, learnt)
	s.wants("the order and one more", 3)
	s.after(30 * time.Second)
	flight.Claim(&s.ledger, s.tell(s.sale(2, 1, 0)))
	s.wants("both orders", 3)
	s.after(time.Minute)
	fall(6) // by hand
	s.wants("it may be an order", 4)
	s.after(2 * time.Minute)
	fall(6)
	s.wants("no order explains it", 3)
}

func TestAnOrderThatShrinksCountsLess(t *testing.T) {
	s := openTill(t)
	sale := s.sale(1, 5, 0)
	s.tell(sale)
	sale.Lines = []inventory.SaleLine{{Item: front.Item, SKU: mug, Location: front.Location, Open: 3}}
	s.tell(sale)
	s.wants("two were cancelled", 3)
	sale.Lines = nil
	s.tell(sale)
	s.wants("all were cancelled", 0)
}

func TestAStoreThatNoLongerTellsLeavesItsOrdersToExpire(t *testing.T) {
	s := openTill(t)
	s.tell(s.sale(1, 2, 0))
	flight.Tell(&s.ledger, "main", inventory.Sales{}, s.now, terms)
	s.wants("the scope was taken away", 2)
	s.after(settle)
	s.wants("a settle later", 0)
	if !s.ledger.Told.IsZero() || s.ledger.Sales != nil {
		t.Errorf("got %+v, want no orders", s.ledger)
	}
}

func TestAReleasedOrderCountsNoLonger(t *testing.T) {
	s := openTill(t)
	s.tell(s.sale(1, 2, 0))
	sale := s.ledger.Sales[1]
	sale.Released = s.now
	s.ledger.Sales[1] = sale
	s.wants("released", 0)
	s.after(terms.SettleMax)
	if late := flight.Overdue(&s.ledger, s.now, terms); len(late) != 0 {
		t.Errorf("got %+v overdue, want none", late)
	}
}

func TestOrdersThatKatanaShouldHaveHadLongSinceAreNamed(t *testing.T) {
	s := openTill(t)
	s.tell(s.sale(3, 1, 0), s.sale(1, 1, 0), s.sale(2, 0, 1))
	s.arrives(3, 1)
	s.after(terms.SettleMax - time.Second)
	if late := flight.Overdue(&s.ledger, s.now, terms); len(late) != 0 {
		t.Errorf("got %+v, want none yet", late)
	}
	s.after(time.Second)
	var got []string
	for _, late := range flight.Overdue(&s.ledger, s.now, terms) {
		got = append(got, late.Report("main").Text)
	}
	if want := []string{
		"Katana does not have order #1, placed 2026-03-02 10:01:00 UTC: what it sold is not offered until it has, or until `stocksyncd release main-order-1`",
		"Katana never heard of order #2, placed 2026-03-02 10:01:00 UTC, and its units have left the shop: enter it there or correct the stock, then `stocksyncd release main-order-2`",
	}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhatHasNoSKUMakesNoOrderOverdue(t *testing.T) {
	s := openTill(t)
	wrapping := inventory.SaleLine{Item: 99, Location: front.Location, Open: 1}
	alone, beside := s.sale(1, 0, 0), s.sale(2, 0, 1)
	alone.Lines, beside.Lines = []inventory.SaleLine{wrapping}, append(beside.Lines, wrapping)
	s.tell(alone, beside)
	s.wants("of the mug alone", 1)
	s.after(terms.SettleMax)
	late := flight.Overdue(&s.ledger, s.now, terms)
	if len(late) != 1 || late[0].ID != 2 || late[0].Open {
		t.Errorf("got %+v overdue, want the order whose mug has left the shop, and nothing open", late)
	}
}

func TestOrdersOfBeforeTheLedgerAreSoughtInKatana(t *testing.T) {
	s := &till{t: t, now: start}
	old := s.sale(1, 1, 0)
	old.Created = start.Add(-9 * 24 * time.Hour)
	s.tell(old, s.sale(2, 1, 0))
	if got := flight.Unsought(&s.ledger); !got.Equal(old.Created) {
		t.Errorf("got orders to be sought since %s, want %s", got, old.Created)
	}
	flight.Sought(&s.ledger)
	s.after(time.Minute)
	s.tell(s.sale(3, 1, 0))
	if got := flight.Unsought(&s.ledger); !got.IsZero() {
		t.Errorf("got orders to be sought since %s, want none: Katana's orders are heard of by now", got)
	}
}

func TestAnOldOrderThatIsRefundedIsNoNewSale(t *testing.T) {
	s := openTill(t)
	sale := s.sale(1, 0, 2)
	sale.Created = s.now.Add(-30 * 24 * time.Hour)
	s.tell(sale)
	s.wants("refunded a month later", 0)
}

func TestTheLedgerForgetsWhatIsOver(t *testing.T) {
	s := openTill(t)
	open, sent := s.sale(1, 1, 0), s.sale(2, 0, 1)
	s.tell(open, sent)
	s.arrives(2, 1)
	s.after(30 * 24 * time.Hour)
	s.tell()
	if len(s.ledger.Sales) != 1 || s.ledger.Sales[1].Name != "#1" {
		t.Errorf("got %+v, want the open one alone", s.ledger.Sales)
	}
}

func TestALineOfTwoLocationsCountsAtEach(t *testing.T) {
	s := openTill(t)
	sale := s.sale(1, 2, 0)
	sale.Lines = append(sale.Lines, inventory.SaleLine{Item: quay.Item, SKU: mug, Location: quay.Location, Open: 3})
	s.tell(sale)
	index := flight.NewIndex(flight.Entries(&s.ledger, "main", s.now, terms), feeds)
	if own, others := index.Own(front, mug), index.Others(both, mug, feed[both]); own != 2 || others != 5 {
		t.Errorf("got %d at the front and %d around, want 2 and 5", own, others)
	}
	s.arrives(1, 4)
	index = flight.NewIndex(flight.Entries(&s.ledger, "main", s.now, terms), feeds)
	if others := index.Others(both, mug, feed[both]); others != 1 {
		t.Errorf("got %d around when Katana has four of five, want 1", others)
	}
}

func TestUnitsOfAnOrderThatIsSentInPartsCountUntilSettleMaxAfterTheLastOfThem(t *testing.T) {
	s := openTill(t)
	sale := s.sale(1, 2, 0)
	s.tell(sale)
	sent := func(open, done inventory.Units) {
		sale.Updated, sale.Lines = s.now, []inventory.SaleLine{{Item: front.Item, SKU: mug, Location: front.Location, Open: open, Done: done}}
		s.tell(sale)
	}
	sent(1, 1)
	s.after(2 * terms.SettleMax)
	s.wants("one is still to be sent", 1)
	sent(0, 2)
	s.after(terms.SettleMax - time.Minute)
	if got := flight.NewIndex(flight.Entries(&s.ledger, "main", s.now, terms), feeds).Own(front, mug); got < 1 {
		t.Errorf("got %d in flight, want the one that was sent within a day", got)
	}
	sale.Updated = s.now // a note was added
	s.tell(sale)
	s.after(time.Minute)
	s.wants("a day after the last of them", 0)
}

func TestWhatIsToldAgainIsInFlightOnce(t *testing.T) {
	s := openTill(t)
	sale := s.sale(1, 2, 0)
	s.tell(sale)
	flight.Tell(&s.ledger, "main", inventory.Sales{}, s.now, terms)
	s.wants("the scope was taken away", 2)
	s.after(time.Minute)
	s.tell(sale)
	s.wants("and granted again", 2)
}

func TestAReleasedOrderStaysSoHoweverLongItIsOpen(t *testing.T) {
	s := openTill(t)
	sale := s.sale(1, 2, 0)
	s.tell(sale)
	released := s.ledger.Sales[1]
	released.Released = s.now
	s.ledger.Sales[1] = released
	for range 3 {
		s.after(31 * 24 * time.Hour)
		s.tell(sale) // the store tells of orders of any age
		s.wants("months later", 0)
	}
}

func TestAnOrderThatKatanaHadBeforeTheStoreToldOfAnyTakesNoFallAway(t *testing.T) {
	s := &till{t: t, now: start}
	imported := s.sale(1, 1, 0)
	s.after(time.Hour)
	levels := []inventory.Level{{Key: front, SKU: mug, Available: 8, Active: true}} // one of an order that the search does not find yet
	flight.Look(&s.ledger, levels, func(inventory.Key) (inventory.Units, bool) { return 9, true }, feeds, nil, s.now, terms)
	flight.Claim(&s.ledger, s.tell(imported))
	s.arrives(1, 1) // as Katana is found to have had it
	s.wants("the fall", 1)
}
