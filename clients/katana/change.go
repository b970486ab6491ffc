package katana

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"stocksyncd/reconcile/inventory"
)

const (
	// ordersAtOnce is how many sales orders one request asks the rows of.
	ordersAtOnce = 100
	// mostMaking is how many manufacturing orders one question looks into;
	// Katana lists the ingredients of one at a time.
	mostMaking = 10
)

// Changes tells what changed in Katana since a mark: which variants' inventory
// may have moved, and whether other reads are out of date. It costs 5 requests
// when nothing happened: four feeds at each question, and one of the seven that
// take turns. Ask before reading the inventory.
//
// What was told is told again until the caller comes back with the new mark,
// and then no more, save for more than 500 changes of one feed within 2
// minutes, which may repeat for as long. The zero mark is answered with a mark
// alone: ask so, then read everything, and go on from there.
//
// A kit's potential moves with its components, which alone are named: add the
// kits that contain them. What no feed tells, and only reading the inventory
// finds:
//
//   - a movement that is deleted, such as an adjustment or receipt taken back;
//   - the former variant of a row that was given another one;
//   - a row of a bill of materials that is deleted, and anything else that is
//     deleted for good;
//   - a sales order whose status changes and whose rows keep their times, such
//     as a quote that becomes an order: [Client.Orders] lists it with its rows;
//   - a fulfilment of an order whose rows are no longer listed;
//   - the ingredients of a manufacturing order that was edited and whose rows
//     keep their times, beyond the 10 that were changed last;
//   - what purchase orders with an outside producer and transfers under way
//     commit;
//   - of a product, material or service that was edited, the variants that had
//     been deleted before, and an edit of a service's variant that leaves the
//     time of the service as it was;
//   - whatever shows in a feed more than 2 minutes after its time, or in the
//     inventory only after the caller has read it.
//
// A feed that refuses us for good (403, 404 or 501), while others answer, is
// left out and named: nothing tells then what it alone would tell of, and what
// is looked up in it for another feed is not found either. It is asked again
// each time, and tells from where it was last heard once it answers.
//
// The error is [*inventory.FeedError] when a feed cannot tell what changed:
// more than 5,000 records did, Katana dropped a filter, or its clock was set
// back. After more than can be told it may come from a new mark, too, until the 2
// minutes are over. Any other error is worth another question from the same
// mark.
func (c *Client) Changes(ctx context.Context, since inventory.Mark) (inventory.Changes, error) {
	if since.IsZero() {
		mark, err := c.firstMark(ctx)
		return inventory.Changes{Mark: mark}, err
	}
	turn := max(0, slices.IndexFunc(turning, func(f feed) bool { return f.name == since.Turn }))
	mark := inventory.Mark{Feeds: marks(since), Turn: turning[(turn+1)%len(turning)].name}
	t := newTidings()
	if err := c.listen(ctx, t, mark, append(slices.Clone(standing), turning[turn])); err != nil {
		return inventory.Changes{}, err
	}
	if err := c.lookInto(ctx, t); err != nil {
		return inventory.Changes{}, err
	}
	delete(t.variants, 0)
	return inventory.Changes{
		Variants: slices.Sorted(maps.Keys(t.variants)), Edited: slices.Sorted(maps.Keys(t.edited)),
		Catalogue: t.catalogue, Recipes: t.recipes, Locations: t.locations,
		Deaf: slices.Sorted(maps.Keys(t.deaf)), Mark: mark,
	}, nil
}

// listen reads feeds, and moves the marks of those that answer. When all refuse,
// it is the account or its address that is to blame, and no feed.
func (c *Client) listen(ctx context.Context, t *tidings, mark inventory.Mark, feeds []feed) error {
	for _, f := range feeds {
		fresh, next, err := c.readFeed(ctx, f, mark.Feeds[f.name])
		if isClosed(err) {
			t.deaf[f.name] = true
			if len(t.deaf) < len(feeds) {
				continue
			}
		}
		if err != nil {
			return err
		}
		mark.Feeds[f.name] = next
		for _, n := range fresh {
			f.tell(t, n)
		}
	}
	return nil
}

// firstMark begins the reading of all feeds at Katana's present time.
func (c *Client) firstMark(ctx context.Context) (inventory.Mark, error) {
	date, err := c.date(ctx)
	if err != nil {
		return inventory.Mark{}, err
	}
	if date.IsZero() {
		return inventory.Mark{}, errors.New("katana: account: the header Date is missing, so nobody can tell since when to ask what changed: look at what stands between here and Katana")
	}
	mark := inventory.Mark{Feeds: map[string]inventory.FeedMark{}, Turn: turning[0].name}
	for _, f := range slices.Concat(standing, turning) {
		mark.Feeds[f.name] = inventory.FeedMark{Read: date, Ours: now()}
	}
	return mark, nil
}

// marks gives each feed its mark. One that has none yet begins where the one
// that is furthest behind is.
func marks(since inventory.Mark) map[string]inventory.FeedMark {
	oldest := slices.MinFunc(slices.Collect(maps.Values(since.Feeds)), func(a, b inventory.FeedMark) int {
		return cmp.Or(a.Read.Compare(b.Read), a.Ours.Compare(b.Ours))
	})
	oldest.Seen = nil
	each := make(map[string]inventory.FeedMark, len(standing)+len(turning))
	for _, f := range slices.Concat(standing, turning) {
		mark, known := since.Feeds[f.name]
		if !known {
			mark = oldest
		}
		each[f.name] = mark
	}
	return each
}

// tidings is what the feeds of one question tell.
type tidings struct {
	variants                      map[inventory.SourceVariantID]bool // 0 is what names none
	edited                        map[inventory.SourceVariantID]bool
	deaf                          map[string]bool // by the name of the feed
	orderRows                     map[string]bool // by id: the sales order rows whose variants are known
	fulfilments, making           []news
	catalogue, recipes, locations bool
}

func newTidings() *tidings {
	return &tidings{
		variants: map[inventory.SourceVariantID]bool{}, edited: map[inventory.SourceVariantID]bool{},
		deaf: map[string]bool{}, orderRows: map[string]bool{},
	}
}

func tellVariant(t *tidings, n news) { t.variants[n.variant] = true }

func tellOrderRow(t *tidings, n news) {
	t.orderRows[n.id] = true
	t.variants[n.variant] = true
}

func tellFulfilment(t *tidings, n news) { t.fulfilments = append(t.fulfilments, n) }

func tellMaking(t *tidings, n news) {
	t.variants[n.variant] = true
	t.making = append(t.making, n)
}

func tellRecipe(t *tidings, n news) {
	t.recipes = true
	t.variants[n.variant] = true
}

// tellEdited names the variants of an edit. One that shows none may be of any.
func tellEdited(t *tidings, n news) {
	for _, id := range n.edited {
		t.edited[id] = true
	}
	t.catalogue = t.catalogue || len(n.edited) == 0
}

func tellLocation(t *tidings, _ news) { t.locations = true }

// lookInto adds the variants of what names none itself: of a fulfilment whose
// rows did not come along all of its order's, as the row may be hidden by now;
// of a manufacturing order the ingredients.
func (c *Client) lookInto(ctx context.Context, t *tidings) error {
	var orders []int64
	for _, n := range t.fulfilments {
		known := len(n.rows) > 0 && !slices.ContainsFunc(n.rows, func(row string) bool { return !t.orderRows[row] })
		if n.of > 0 && !known {
			orders = append(orders, n.of)
		}
	}
	slices.Sort(orders)
	for some := range slices.Chunk(slices.Compact(orders), ordersAtOnce) {
		if err := c.lookUp(ctx, t, ofSalesOrders, some); err != nil {
			return err
		}
	}
	making := slices.DeleteFunc(t.making, func(n news) bool { return n.of == 0 })
	slices.SortStableFunc(making, func(a, b news) int { return b.changed.Compare(a.changed) })
	for _, n := range making[:min(len(making), mostMaking)] {
		if err := c.lookUp(ctx, t, ofMaking, []int64{n.of}); err != nil {
			return err
		}
	}
	return nil
}

// lookup is a list of rows that name both a variant and the order they are of.
type lookup struct {
	name   string // its path without the slash
	filter string // by the order
	field  string // with the order
	of     func(*newsWire) token
}

var (
	ofSalesOrders = lookup{"sales_order_rows", "sales_order_ids", "sales_order_id", func(w *newsWire) token { return w.Order }}
	ofMaking      = lookup{"manufacturing_order_recipe_rows", "manufacturing_order_id", "manufacturing_order_id", func(w *newsWire) token { return w.Making }}
)

// lookUp adds the variants of the rows that are of the given orders. An order
// that is gone has none, and a feed that refuses us shows none.
func (c *Client) lookUp(ctx context.Context, t *tidings, l lookup, orders []int64) error {
	if t.deaf[l.name] {
		return nil
	}
	query := deleted()
	for _, id := range orders {
		query.Add(l.filter, strconv.FormatInt(id, 10))
	}
	other := func(n news) bool { return !slices.Contains(orders, n.of) }
	rows, err := listing[newsWire, news, string]{
		name: l.name, path: "/" + l.name, query: query,
		read: func(f *fields, w *newsWire) news { return readPart(f, w, l) },
		id:   func(n news) string { return n.id },
		first: func(page []news, total int, _ time.Time) error {
			if total > pageSize && slices.ContainsFunc(page, other) {
				return &inventory.FeedError{Feed: l.name, Why: fmt.Sprintf("%d records came: the filter %s was not applied", total, l.filter)}
			}
			return nil
		},
	}.all(ctx, c)
	if isClosed(err) {
		t.deaf[l.name] = true
		return nil
	}
	if err != nil {
		return err
	}
	for _, n := range rows {
		if !other(n) {
			t.variants[n.variant] = true
		}
	}
	return nil
}

func readPart(f *fields, w *newsWire, l lookup) news {
	return news{id: recordID(f, w), variant: hint(f, "variant_id", w.Variant), of: f.id(l.field, l.of(w))}
}
