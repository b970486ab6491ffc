package flight

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"stocksyncd/reconcile/inventory"
)

// Terms says how long units count whose order is slow to reach Katana.
type Terms struct {
	// Settle is how long an inferred sale may take, and how long Katana may take
	// to have all rows of an order that it has in part.
	Settle time.Duration
	// SettleMax is how long units count that have left the shop with an order
	// which Katana does not have, and after which one that is still open is worth
	// a warning.
	SettleMax time.Duration
}

// searchLag is how late the search for orders may find one. Until then the fall
// of its level stands for it. Shopify promises nothing; its search is said to be
// behind by seconds.
const searchLag = 2 * time.Minute

// reach is how far back a store tells of its orders without read_all_orders.
const reach = 60 * 24 * time.Hour

// Unsure is how long a fall of a level stands for a sale.
func (t Terms) Unsure(l *inventory.Ledger) time.Duration {
	if l.Told.IsZero() {
		return t.Settle
	}
	return min(t.Settle, searchLag)
}

// remember is how long an order is kept once nothing of it is open.
func (t Terms) remember() time.Duration { return max(2*t.SettleMax, Remember) }

// Learnt is units that an order was found to have sold at a level.
type Learnt struct {
	Key   inventory.Key
	SKU   inventory.SKU
	Units inventory.Units
}

// Tell takes into the ledger what a store tells of its orders, and gives the
// units that were not known before and that Katana does not have: their fall may
// have been inferred, see [Claim].
//
// A store that no longer tells of its orders leaves what is in flight to expire.
func Tell(l *inventory.Ledger, store inventory.StoreName, told inventory.Sales, now time.Time, terms Terms) (learnt []Learnt) {
	if !told.Told {
		Forget(l, store, now, terms)
		return nil
	}
	begins := l.Told.IsZero()
	if begins { // with all that may be in flight, also what it told of once
		l.Told = now
		l.Entries = slices.DeleteFunc(l.Entries, func(e inventory.InFlight) bool { return e.Order != "" })
	}
	for _, sale := range told.Sales {
		old, known := find(l, sale.ID)
		if !known && closedLongAgo(sale, now, terms) {
			continue
		}
		one := old
		one.Name, one.Created, one.Updated, one.Lines, one.Heard = sale.Name, sale.Created, sale.Updated, sale.Lines, now
		// Of those that are told first, Katana may have any, whatever the store's clock says.
		one.Sought = one.Sought || !begins && !sale.Created.Before(l.Told) && !sale.Created.Before(now.Add(-terms.remember()))
		switch {
		case !isDone(one.Lines):
			one.Done = time.Time{}
		case left(old.Lines, one.Lines):
			one.Done = earlier(sale.Updated, now)
		}
		keep(l, sale.ID, one)
		if !begins { // Katana may have any of those, and their falls may be gone
			learnt = append(learnt, newer(store, sale.ID, &old, &one, now, terms)...)
		}
	}
	slices.SortFunc(learnt, func(a, b Learnt) int { return a.Key.Compare(b.Key) })
	for _, sales := range []map[int64]inventory.KnownSale{l.Sales, l.Landed} {
		maps.DeleteFunc(sales, func(_ int64, sale inventory.KnownSale) bool { return over(&sale, now, terms) })
	}
	land(l, now, terms)
	return learnt
}

// find gives what is known of an order.
func find(l *inventory.Ledger, id int64) (sale inventory.KnownSale, known bool) {
	if sale, known = l.Sales[id]; !known {
		sale, known = l.Landed[id]
	}
	return sale, known
}

// keep takes in what is known of an order, which may have units in flight again.
func keep(l *inventory.Ledger, id int64, sale inventory.KnownSale) {
	if l.Sales == nil {
		l.Sales = map[int64]inventory.KnownSale{}
	}
	delete(l.Landed, id)
	l.Sales[id] = sale
}

// land sets the orders aside that have nothing in flight any more.
func land(l *inventory.Ledger, now time.Time, terms Terms) {
	for id, sale := range l.Sales {
		if !landed(&sale, now, terms) {
			continue
		}
		if l.Landed == nil {
			l.Landed = map[int64]inventory.KnownSale{}
		}
		l.Landed[id] = sale
		delete(l.Sales, id)
	}
}

// closedLongAgo tells whether an order that was never heard of has nothing open
// any more and is old: it was forgotten, and was changed since, such as by a
// refund.
func closedLongAgo(sale inventory.Sale, now time.Time, terms Terms) bool {
	return !isOpen(sale.Lines) && sale.Created.Before(now.Add(-terms.remember()))
}

// isOpen tells whether units are still to be sent that another level could offer
// too: without a SKU none can, and Katana has none of them to wait for.
func isOpen(lines []inventory.SaleLine) bool {
	return slices.ContainsFunc(lines, func(line inventory.SaleLine) bool { return line.Open > 0 && line.SKU != "" })
}

// isDone tells whether such units have left the shop.
func isDone(lines []inventory.SaleLine) bool {
	return slices.ContainsFunc(lines, func(line inventory.SaleLine) bool { return line.Done > 0 && line.SKU != "" })
}

// left tells whether more units have left the shop than before.
func left(before, now []inventory.SaleLine) bool {
	return slices.ContainsFunc(now, func(line inventory.SaleLine) bool {
		return line.Done > 0 && !slices.ContainsFunc(before, func(was inventory.SaleLine) bool {
			return was.Item == line.Item && was.Location == line.Location && was.Done >= line.Done
		})
	})
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// newer lists the units of an order that are in flight now and were not before.
func newer(store inventory.StoreName, id int64, old, one *inventory.KnownSale, now time.Time, terms Terms) (learnt []Learnt) {
	before := map[inventory.Key]inventory.Units{}
	for _, e := range flying(store, id, old, now, terms) {
		before[e.Key] += e.Units
	}
	for _, e := range flying(store, id, one, now, terms) {
		if more := e.Units - before[e.Key]; more > 0 {
			learnt = append(learnt, Learnt{Key: e.Key, SKU: e.SKU, Units: more})
		}
		before[e.Key] = max(0, before[e.Key]-e.Units)
	}
	return learnt
}

// over tells whether an order is worth nothing any more: nothing of it is open, or
// Katana has had it, and the store has not told of it, for longer than that tells
// of its orders. One that it does tell of would be sought in Katana again.
func over(sale *inventory.KnownSale, now time.Time, terms Terms) bool {
	last := sale.Updated
	for _, has := range sale.Has {
		if has.Updated.After(last) {
			last = has.Updated
		}
	}
	if sale.Released.After(last) {
		last = sale.Released
	}
	if isOpen(sale.Lines) {
		since := now.Add(-reach)
		return len(sale.Has) > 0 && last.Before(since) && sale.Heard.Before(since) // what was released would count again
	}
	return last.Before(now.Add(-terms.remember()))
}

// Forget turns the orders of a store that tells of none any more into entries
// that expire: nobody hears of it when Katana has them.
func Forget(l *inventory.Ledger, store inventory.StoreName, now time.Time, terms Terms) {
	for _, id := range slices.Sorted(maps.Keys(l.Sales)) {
		sale := l.Sales[id]
		for _, e := range flying(store, id, &sale, now, terms) {
			if until := now.Add(terms.Settle); e.Expires.IsZero() || e.Expires.After(until) {
				e.Expires = until
			}
			l.Entries = append(l.Entries, e)
		}
	}
	l.Sales, l.Landed, l.Told = nil, nil, time.Time{}
}

// Claim takes what orders were found to have sold off the falls that stood for
// it: the units are in flight once.
func Claim(l *inventory.Ledger, learnt []Learnt) {
	for _, one := range learnt {
		for i := range l.Entries {
			e := &l.Entries[i]
			if e.Key != one.Key || e.SKU != one.SKU || e.Order != "" {
				continue
			}
			n := min(e.Units, one.Units)
			e.Units -= n
			one.Units -= n
		}
	}
	l.Entries = slices.DeleteFunc(l.Entries, func(e inventory.InFlight) bool { return e.Units == 0 })
}

// Match notes which of a store's orders Katana has, as far as it commits them: a
// quote commits nothing, and an order that was deleted no longer does.
func Match(l *inventory.Ledger, orders []inventory.SourceOrder, shop string, skuOf func(inventory.SourceVariantID) (inventory.SKU, bool)) {
	if l.Told.IsZero() {
		return
	}
	for _, order := range orders {
		if order.Updated.After(l.Orders) { // also where the cycle fails then: it is not to be read for ever
			l.Orders = order.Updated
		}
		id, ok := externalID(order)
		if !ok || !of(order, shop) {
			continue
		}
		sale, known := find(l, id)
		has := maps.Clone(sale.Has)
		if commits(order) {
			if has == nil {
				has = map[int64]inventory.SoldOrder{}
			}
			has[order.ID] = inventory.SoldOrder{Updated: order.Updated, Units: bySKU(order, skuOf)}
		} else if delete(has, order.ID); !known {
			continue
		}
		sale.Has, sale.Sought = has, true
		keep(l, id, sale)
	}
}

// Known tells whether the store has told of the order that a Katana order is of.
func Known(l *inventory.Ledger, order inventory.SourceOrder) bool {
	id, ok := externalID(order)
	sale, _ := find(l, id)
	return ok && sale.Name != ""
}

func externalID(order inventory.SourceOrder) (id int64, ok bool) {
	// The platform's id, or the last part of its global id.
	text := order.External[strings.LastIndexByte(order.External, '/')+1:]
	id, err := strconv.ParseInt(text, 10, 64)
	return id, err == nil && id > 0
}

func bySKU(order inventory.SourceOrder, skuOf func(inventory.SourceVariantID) (inventory.SKU, bool)) map[inventory.SKU]inventory.Quantity {
	units := map[inventory.SKU]inventory.Quantity{}
	for _, row := range order.Rows {
		if sku, ok := skuOf(row.Variant); ok && row.Quantity > 0 {
			units[sku] += row.Quantity
		}
	}
	return units
}

// Unsought is when the oldest order was created that Katana may have had before
// its orders were matched with those of the store; zero when there is none.
func Unsought(l *inventory.Ledger) (oldest time.Time) {
	for _, sale := range l.Sales {
		if !sale.Sought && sale.Name != "" && (oldest.IsZero() || sale.Created.Before(oldest)) {
			oldest = sale.Created
		}
	}
	return oldest
}

// Sought notes that Katana's orders were read as far back as [Unsought] said.
func Sought(l *inventory.Ledger) {
	for id, sale := range l.Sales {
		if !sale.Sought {
			sale.Sought = true
			l.Sales[id] = sale
		}
	}
}

// Entries lists what is in flight in a store: what its orders have sold, where
// it tells of them, and what was inferred.
func Entries(l *inventory.Ledger, store inventory.StoreName, now time.Time, terms Terms) (all []inventory.InFlight) {
	for _, e := range l.Entries {
		if now.Before(e.Expires) {
			all = append(all, e)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.Sales)) {
		sale := l.Sales[id]
		all = append(all, flying(store, id, &sale, now, terms)...)
	}
	return all
}

// landed tells whether nothing of an order can be in flight any more: nothing
// counts of it, or Katana has had it for longer than its rows may take.
func landed(sale *inventory.KnownSale, now time.Time, terms Terms) bool {
	return !sale.Released.IsZero() || len(sale.Lines) == 0 || len(sale.Has) > 0 && !now.Before(rowsBy(sale, terms))
}

// rowsBy is when Katana should have all rows of an order that it has.
func rowsBy(sale *inventory.KnownSale, terms Terms) (by time.Time) {
	for _, order := range sale.Has {
		for _, at := range []time.Time{order.Updated, sale.Updated} {
			if until := at.Add(terms.Settle); until.After(by) {
				by = until
			}
		}
	}
	return by
}

// flying lists the units of an order that Katana does not commit.
//
// Of an order that it has, only what its rows lack counts, and no longer than
// one settle: rows may arrive one at a time, and whoever changes the order in
// Katana later has changed what is to be sent. Of one that it does not have, what
// is open counts until it has, and what has left the shop until SettleMax after
// that.
func flying(store inventory.StoreName, id int64, sale *inventory.KnownSale, now time.Time, terms Terms) (entries []inventory.InFlight) {
	if landed(sale, now, terms) {
		return nil
	}
	expires := rowsBy(sale, terms)
	has := map[inventory.SKU]inventory.Units{}
	for _, order := range sale.Has {
		for sku, quantity := range order.Units {
			has[sku] += quantity.Floor()
		}
	}
	for _, line := range sale.Lines {
		add := func(units inventory.Units, expires time.Time) {
			took := min(units, max(0, has[line.SKU]))
			has[line.SKU] -= took
			if units -= took; units > 0 && line.SKU != "" && (expires.IsZero() || now.Before(expires)) {
				entries = append(entries, inventory.InFlight{
					Key: inventory.Key{Store: store, Item: line.Item, Location: line.Location}, SKU: line.SKU,
					Units: units, Since: sale.Created, Expires: expires, Order: sale.Name, Sale: id,
				})
			}
		}
		if len(sale.Has) > 0 {
			add(line.Open+line.Done, expires)
			continue
		}
		add(line.Open, time.Time{})
		add(line.Done, sale.Done.Add(terms.SettleMax))
	}
	return entries
}

// SaleID is how an order is named to have it released.
func SaleID(store inventory.StoreName, id int64) string { return fmt.Sprintf("%s-order-%d", store, id) }

// Late is an order of the store that Katana should have had long since.
type Late struct {
	ID   int64
	Sale inventory.KnownSale
	Open bool // units are still to be sent, and count on; else nothing counts any more
}

// Report is the order as people read of it.
func (l *Late) Report(store inventory.StoreName) inventory.OverdueSale {
	placed := l.Sale.Created.UTC()
	release := "stocksyncd release " + SaleID(store, l.ID)
	text := "Katana does not have order %s, placed %s: what it sold is not offered until it has, or until `%s`"
	if !l.Open {
		text = "Katana never heard of order %s, placed %s, and its units have left the shop: enter it there or correct the stock, then `%s`"
	}
	return inventory.OverdueSale{
		Order: l.Sale.Name, Placed: placed, Counts: l.Open, Release: release,
		Text: fmt.Sprintf(text, l.Sale.Name, placed.Format("2006-01-02 15:04:05 UTC"), release),
	}
}

// Overdue lists the orders that Katana does not have although they are older than
// SettleMax: open ones, and those whose units have left the shop for as long.
// The oldest come first.
func Overdue(l *inventory.Ledger, now time.Time, terms Terms) (late []Late) {
	for id, sale := range l.Sales {
		if IsOverdue(&sale, now, terms) {
			late = append(late, Late{ID: id, Sale: sale, Open: isOpen(sale.Lines)})
		}
	}
	slices.SortFunc(late, func(a, b Late) int { return cmp.Or(a.Sale.Created.Compare(b.Sale.Created), cmp.Compare(a.ID, b.ID)) })
	return late
}

// IsOverdue tells whether [Overdue] lists the order.
func IsOverdue(sale *inventory.KnownSale, now time.Time, terms Terms) bool {
	switch {
	case len(sale.Has) > 0 || !sale.Released.IsZero():
		return false
	case isOpen(sale.Lines):
		return !now.Before(sale.Created.Add(terms.SettleMax))
	default:
		return !sale.Done.IsZero() && !now.Before(sale.Done.Add(terms.SettleMax))
	}
}
