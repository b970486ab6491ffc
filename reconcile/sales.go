package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"stocksyncd/reconcile/flight"
	"stocksyncd/reconcile/inventory"
)

// terms says how long units count whose order is slow to reach Katana.
func (r *Reconciler) terms() flight.Terms {
	return flight.Terms{Settle: r.opts.Settle, SettleMax: r.opts.SettleMax}
}

// mustHear tells whether the store has to say what it sold before a plan is
// written: a raise, of whichever store, must not offer what an order took a moment
// ago. A level that was sold and restocked since it was seen does not show it, and
// a fall stands for an order only for a while.
func (s *cycleStore) mustHear() bool { return s.c.raising() && s.unheard() }

// unheard tells whether the store may have sold what it has not told of.
func (s *cycleStore) unheard() bool {
	return s.partly() && !s.toldSales && !s.kept.Ledger.Told.IsZero()
}

// raising tells whether a raise is about to be written.
func (c *cycle) raising() bool {
	return slices.ContainsFunc(c.stores, func(s *cycleStore) bool { return s.raises > 0 })
}

// hearSales takes in the orders that the store says it updated. Where it tells of
// its orders for the first time, all that are open are read.
func (s *cycleStore) hearSales(ctx context.Context, told inventory.Sales) error {
	if told.Told && s.kept.Ledger.Told.IsZero() {
		return s.readSales(ctx, true)
	}
	s.tell(told)
	return nil
}

// readSales reads all orders that may have units in flight, where the store tells
// of them: those that are open, and those that left the shop a while ago. One that
// was open when the store was last heard is open no longer if it was called off
// since, however long ago that is.
func (s *cycleStore) readSales(ctx context.Context, told bool) (err error) {
	var sales inventory.Sales
	if told {
		since := s.c.started.Add(-s.c.r.opts.SettleMax)
		if heard := s.kept.tour.mark; !heard.IsZero() && heard.Before(since) {
			since = heard
		}
		if sales, err = s.Target.Sales(ctx, since); err != nil {
			return fmt.Errorf("orders: %w", err)
		}
	}
	s.tell(sales)
	return nil
}

func (s *cycleStore) tell(told inventory.Sales) {
	s.toldSales = true
	s.learnt = append(s.learnt, flight.Tell(&s.kept.Ledger, s.Name, told, s.c.r.opts.Now(), s.c.r.terms())...)
}

// match notes which orders of the store Katana has.
func (s *cycleStore) match(orders []inventory.SourceOrder) {
	if s.c.catalogue != nil {
		flight.Match(&s.kept.Ledger, orders, s.Shop, s.c.catalogue.SKU)
	}
}

// clocksApart is by how much a store's clock may be ahead of Katana's.
const clocksApart = 10 * time.Minute

// seek looks in Katana for the orders that stores tell of and that it may have had
// before their orders were matched. What changed there since the cycle began is
// left to the next: the inventory was read before it.
func (c *cycle) seek(ctx context.Context) error {
	var since time.Time
	for _, s := range c.stores {
		if oldest := flight.Unsought(&s.kept.Ledger); s.err == nil && !oldest.IsZero() && (since.IsZero() || oldest.Before(since)) {
			since = oldest
		}
	}
	if since.IsZero() || c.catalogue == nil {
		return nil
	}
	orders, err := c.r.opts.Source.Orders(inventory.WithUrgency(ctx, inventory.Hearing), since.Add(-clocksApart))
	if err != nil {
		return err
	}
	began := c.byKatana(c.started)
	orders = slices.DeleteFunc(orders, func(o inventory.SourceOrder) bool { return o.Updated.After(began) })
	for _, s := range c.stores {
		if s.err == nil {
			s.match(orders)
			flight.Sought(&s.kept.Ledger)
		}
	}
	return nil
}

// overdueMost is how many late orders a report names.
const overdueMost = 20

// noteSales says which orders Katana should have had long since; in a full cycle,
// also that the store does not tell of its orders.
func (s *cycleStore) noteSales() {
	if s.kept.Ledger.Told.IsZero() {
		if s.c.ask.Kind == inventory.Full {
			s.notes = append(s.notes, fmt.Sprintf("the store's orders may not be read, so one that reaches Katana later than settle (%s) can be sold twice: grant the app read_orders and read_merchant_managed_fulfillment_orders", s.c.r.opts.Settle))
		}
		return
	}
	late := flight.Overdue(&s.kept.Ledger, s.looked, s.c.r.terms())
	for _, order := range late[:min(len(late), overdueMost)] {
		s.notes = append(s.notes, order.Report(s.Name).Text)
	}
	if more := len(late) - overdueMost; more > 0 {
		s.notes = append(s.notes, fmt.Sprintf("Katana lacks %s more of that age; `stocksyncd status --output json` has all", count(more, "order", "orders")))
	}
}

// nameSales gives what waits for units in flight the orders that sold them.
func (s *cycleStore) nameSales() {
	if len(s.plan.Waiting) == 0 || s.kept.Ledger.Told.IsZero() {
		return
	}
	index := s.index()
	for i := range s.plan.Waiting {
		o := &s.plan.Waiting[i]
		if o.Because != inventory.ReasonInFlight {
			continue
		}
		var names []string
		for _, e := range index.At(o.Key, o.SKU) {
			if e.Order != "" && !slices.Contains(names, e.Order) {
				names = append(names, e.Order)
			}
		}
		if len(names) > 0 {
			o.Detail = "sold by " + strings.Join(names, ", ")
		}
	}
}

// releaseSale has an order count no longer, and gives its name.
func releaseSale(store inventory.StoreName, l *inventory.Ledger, id string, now time.Time) (name string, is bool) {
	for order, sale := range l.Sales {
		if flight.SaleID(store, order) == id && sale.Name != "" && sale.Released.IsZero() {
			sale.Released = now
			l.Sales[order] = sale
			return sale.Name, true
		}
	}
	return "", false
}
