package desired_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// strange are SKUs of which none may be taken for another: in other cases and
// forms, with accents together and apart, beyond the basic plane, from right to
// left, with what globs and paths give a meaning.
var strange = []string{
	"MUG", "mug", "MUG-1", "MUG 1", "MUG\u00a01", "MUG\u200b1", "М\u0055G", "ＭＵＧ", "00123", "123",
	"CAF\u00c9", "CAFE\u0301", "caf\u00e9", "q\u0307\u0323", "q\u0323\u0307", "STRASSE", "STRAßE", "🫖-POT", "🫖", "👩\u200d🔧",
	"𝔐ug", "אבג-7", "\u202bאבג\u202c", "كوب", "CAP/RED/M", "/", "A/B", "CAP [red]/M", "CAP [red", "[]", "A*B", "WHAT?", "a.b", "100%", "x,y;z", "\"q\"", "ﬁx",
}

// one tells with a chance of one in so many.
func one(r *rand.Rand, in int) bool { return r.IntN(in) == 0 }

func pick[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }

// drawWorld draws a Katana and the shops that sell from it; a huge one has
// figures up to the largest, in many places.
func drawWorld(r *rand.Rand, huge bool) rawWorld {
	skus := []string{pick(r, strange), pick(r, strange), pick(r, strange), pick(r, strange)}
	var w rawWorld
	w.katana = drawKatana(r, skus[:3], huge)
	for i := range 1 + r.IntN(3) {
		w.stores = append(w.stores, drawStore(r, fmt.Sprint("store", i+1), skus, w.katana, huge))
	}
	for range r.IntN(5) {
		s := pick(r, w.stores)
		l := pick(r, s.levels)
		sale := rawFlight{store: s.name, item: l.item, location: l.location, sku: l.sku, units: 1 + r.Int64N(6)}
		switch {
		case one(r, 8): // the variant has had another SKU, or is gone
			sale.sku, sale.item = pick(r, skus), r.IntN(9)
		case one(r, 8):
			sale.location = 9 // nobody knows where it draws from
		case huge && one(r, 4):
			sale.units = 99_999_999 + r.Int64N(3)
		}
		w.flights = append(w.flights, sale)
	}
	return w
}

func drawKatana(r *rand.Rand, skus []string, huge bool) rawKatana {
	k := rawKatana{locations: []string{"Oslo", "Bergen", "Vault"}, rows: map[[2]int]rawRow{}, before: map[[2]int]bool{}, settled: 1000}
	if huge {
		k.locations = append(k.locations, "Tromsø", "Bodø", "Moss", "Hamar", "Voss")
	}
	draw := drawer(r, huge)
	for id := range 2 + r.IntN(3) {
		k.variants = append(k.variants, rawVariant{
			id: id + 1, day: 1 + r.IntN(3), sku: pick(r, skus), kit: one(r, 3) || huge && one(r, 2), service: one(r, 25), archived: one(r, 12), deleted: one(r, 12),
		})
		for location := range k.locations {
			at := [2]int{id + 1, location + 1}
			if !one(r, 5*len(k.locations)/3) {
				k.rows[at] = draw()
			}
			if one(r, 3) {
				k.before[at] = true
			}
		}
	}
	drawOrders(r, &k, huge)
	return k
}

// drawer gives what draws the rows of one Katana. In a huge one they may all go
// in one direction, so that no figure holds their sum.
func drawer(r *rand.Rand, huge bool) func() rawRow {
	small := func() rawRow {
		row := rawRow{drawDecimal(r), drawDecimal(r), drawDecimal(r)}
		if one(r, 4) {
			row.potential = ""
		}
		if one(r, 100) {
			*pick(r, []*string{&row.inStock, &row.committed, &row.potential}) = pick(r, placeholders)
		}
		return row
	}
	if !huge {
		return small
	}
	direction := r.IntN(3)
	return func() rawRow {
		switch {
		case one(r, 8):
			return small()
		case direction == 0:
			return rawRow{drawHuge(r), drawDecimal(r), drawHuge(r)}
		case direction == 1:
			return rawRow{"-" + drawHuge(r), drawHuge(r), drawDecimal(r)}
		}
		return rawRow{pick(r, []string{"", "-"}) + drawHuge(r), pick(r, []string{"", "-"}) + drawHuge(r), pick(r, []string{"", "-"}) + drawHuge(r)}
	}
}

// placeholders are what people write where there is more than enough, and what is
// just too much.
var placeholders = []string{"999999999.00000", "1000000000000", "-999999999", "100000000.0000000001", "-100000000.00001"}

// drawDecimal draws a figure as Katana writes them, some with all decimals.
func drawDecimal(r *rand.Rand) string {
	switch r.IntN(9) {
	case 0:
		return "0"
	case 1:
		return fmt.Sprintf("%d.%05d", r.IntN(20), r.IntN(100_000))
	case 2:
		return fmt.Sprintf("%d.%010d", r.IntN(3), r.Int64N(10_000_000_000))
	case 3:
		return fmt.Sprintf("-%d.5", r.IntN(3))
	case 4:
		return pick(r, []string{"0.0000000001", "-0.0000000001", "4.9999999999", "-0.9999999999", "7.00000", "0.1", "0.2", "0.7"})
	}
	return fmt.Sprint(r.IntN(30))
}

func drawHuge(r *rand.Rand) string {
	switch r.IntN(3) {
	case 0:
		return "100000000"
	case 1:
		return "99999999.9999999999"
	}
	return fmt.Sprintf("%d.%010d", 90_000_000+r.IntN(10_000_000), r.Int64N(10_000_000_000))
}

func drawStore(r *rand.Rand, name string, skus []string, k rawKatana, huge bool) rawStore {
	s := rawStore{name: name, feeds: map[int]rawFeed{}, rules: drawRules(r, skus, huge), orders: drawOrderRules(r, k)}
	const locations = 3
	for location := 1; location <= locations; location++ {
		feed := rawFeed{}
		for source := range k.locations {
			if one(r, 2) || huge && !one(r, 4) {
				feed.sources = append(feed.sources, source+1)
			}
		}
		switch {
		case one(r, 30):
			feed = rawFeed{left: "inactive_location"}
		case one(r, 30):
			feed = rawFeed{left: "fulfillment_service"}
		case one(r, 30):
			continue // it appeared after the locations were read
		case len(feed.sources) == 0:
			feed = rawFeed{left: "unmapped_location"}
		}
		s.feeds[location] = feed
	}
	for item := range 1 + r.IntN(3) {
		sku := pick(r, k.variants).sku
		switch {
		case one(r, 12):
			sku = pick(r, skus) // which Katana may not have
		case one(r, 20):
			sku = ""
		}
		for location := range locations {
			s.levels = append(s.levels, rawLevel{
				item: item + 1, location: location + 1, sku: sku,
				inactive: one(r, 30), untracked: one(r, 40), bundle: one(r, 40), giftc: one(r, 40),
			})
		}
	}
	if one(r, 2) { // as they come from more than one page
		r.Shuffle(len(s.levels), func(i, j int) { s.levels[i], s.levels[j] = s.levels[j], s.levels[i] })
	}
	return s
}

func drawRules(r *rand.Rand, skus []string, huge bool) (rules []rawRule) {
	for range r.IntN(4) {
		rule := rawRule{pattern: drawPattern(r, pick(r, skus)), max: -1, skip: one(r, 5)}
		if one(r, 2) {
			rule.buffer = r.Int64N(8)
		}
		if huge && one(r, 4) {
			rule.buffer = 99_999_999 + r.Int64N(3)
		}
		if one(r, 3) {
			rule.max = r.Int64N(12)
		}
		if one(r, 3) {
			rule.minToSell = r.Int64N(6)
		}
		rules = append(rules, rule)
	}
	return rules
}

// drawPattern draws a glob that may match the text.
func drawPattern(r *rand.Rand, text string) string {
	runes := []rune(text)
	if len(runes) == 0 {
		return "*"
	}
	at := r.IntN(len(runes))
	head, tail := string(runes[:at]), string(runes[at+1:])
	switch r.IntN(10) {
	case 0:
		return text
	case 1:
		return "*"
	case 2:
		return head + "*"
	case 3:
		return "*" + tail
	case 4:
		return head + "?" + tail
	case 5:
		if strings.ContainsRune("]-^", runes[at]) {
			return head + "?" + tail
		}
		return head + "[x" + string(runes[at]) + "]" + tail
	case 6:
		return head + "*" + string(runes[at]) + "*" + tail
	case 7:
		return head + "?*"
	case 8:
		return "*" + strings.Repeat("?", 1+r.IntN(3)) + tail
	}
	return head + "["
}

func drawOrderRules(r *rand.Rand, k rawKatana) rawOrderRules {
	o := rawOrderRules{served: []string{"acme.myshopify.com"}}
	if one(r, 3) {
		o.served = append(o.served, "Outlet.myshopify.com")
	}
	if one(r, 3) {
		return o
	}
	o.shopifyOnly = one(r, 2)
	for range 1 + r.IntN(2) {
		m := rawMatcher{}
		for range r.IntN(3) {
			switch r.IntN(6) {
			case 0:
				m.source = pick(r, []string{"katana", "Katana", "api", "shopify"})
			case 1:
				m.platform = pick(r, []string{"shopify", "WooCommerce"})
			case 2:
				m.store = pick(r, []string{"ACME.myshopify.com", "other.myshopify.com", "shop.example"})
			case 3:
				m.location = pick(r, k.locations)
			case 4:
				m.number = drawPattern(r, pick(r, []string{"SO-1", "SO-2", "#1001", "W/7"}))
			case 5:
				m.customer = 76 + r.IntN(3)
			}
		}
		o.exclude = append(o.exclude, m)
	}
	return o
}

// drawOrders draws the open orders as they are before the inventory is read,
// and what has become of them afterwards.
func drawOrders(r *rand.Rand, k *rawKatana, huge bool) {
	for id := range r.IntN(5) {
		was := drawOrder(r, id+1, *k, huge)
		if one(r, 10) {
			k.later = append(k.later, was) // made in between
			continue
		}
		k.earlier = append(k.earlier, was)
		if one(r, 10) {
			k.earlier = append(k.earlier, was) // listed twice, as pages shift
		}
		if one(r, 10) {
			continue // packed in between
		}
		is := drawLater(r, was, *k)
		k.later = append(k.later, is)
		if one(r, 10) {
			k.later = append(k.later, is)
		}
	}
	r.Shuffle(len(k.later), func(i, j int) { k.later[i], k.later[j] = k.later[j], k.later[i] })
}

func drawOrder(r *rand.Rand, id int, k rawKatana, huge bool) rawOrder {
	o := rawOrder{id: id, customer: 76 + r.IntN(3), location: 1 + r.IntN(len(k.locations)), changed: 900 + r.Int64N(100)}
	if one(r, 8) {
		o.changed += 100
	}
	o.number = pick(r, []string{"SO-1", "SO-2", "#1001", "W/7"})
	switch r.IntN(8) {
	case 0:
		o.source, o.platform, o.store = "Shopify", "shopify", pick(r, []string{"acme.myshopify.com", "ACME.myshopify.com", "outlet.myshopify.com", "other.myshopify.com", ""})
	case 1:
		o.source, o.platform, o.store = "api", "wooCommerce", "shop.example"
	case 2:
		o.source, o.store = "api", pick(r, []string{"", "acme.myshopify.com"})
	case 3:
		o.source = pick(r, []string{"", "SHOPIFY"})
	default:
		o.source = "katana"
	}
	for row := range 1 + r.IntN(2) { // so few that no sum of huge ones is too large
		one := rawOrderRow{id: id*10 + row, variant: 1 + r.IntN(4), location: o.location, ordered: fmt.Sprint(r.IntN(12)), packed: "0", madeToOrder: one(r, 12)}
		switch r.IntN(6) {
		case 0:
			one.packed = fmt.Sprint(r.IntN(5))
		case 1:
			one.ordered = drawDecimal(r)
		case 2:
			one.location = 1 + r.IntN(len(k.locations))
		}
		if huge && r.IntN(3) == 0 {
			one.ordered = drawHuge(r)
		}
		o.rows = append(o.rows, one)
	}
	return o
}

// drawLater draws what an order is when it is read again: mostly the same.
func drawLater(r *rand.Rand, o rawOrder, k rawKatana) rawOrder {
	o.rows = slices.Clone(o.rows)
	row := &o.rows[r.IntN(len(o.rows))]
	changed := o.changed
	switch r.IntN(20) {
	case 0:
		row.packed = fmt.Sprint(r.IntN(9))
	case 1:
		row.ordered = drawDecimal(r)
	case 2:
		row.variant = 1 + r.IntN(4)
	case 3:
		row.location = 1 + r.IntN(len(k.locations))
	case 4:
		row.madeToOrder = !row.madeToOrder
	case 5:
		o.source, o.platform, o.store = "Shopify", "shopify", "acme.myshopify.com"
	case 6:
		o.rows = o.rows[:len(o.rows)-1]
	case 7:
		o.source, o.platform, o.store = "katana", "", ""
	case 8:
		changed = 1005 // changed, and back again
	}
	if one(r, 2) {
		o.changed = changed
	}
	return o
}
