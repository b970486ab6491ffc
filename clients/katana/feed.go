package katana

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"stocksyncd/reconcile/inventory"
)

const (
	// mostNews is the most records that a feed may tell of at once; reading all
	// stock costs no more than reading on.
	mostNews = 5000
	// mostSeen is the most records of a feed that a mark remembers. What is
	// beyond it is told again, for as long as it is repeated.
	mostSeen = 500
	// setBack is by how much Katana's clock may have been set back between two
	// reads of a feed; the rest of the overlap is for what shows late.
	setBack = overlap / 2
)

// feed is a list that Katana filters by the time of the last change.
type feed struct {
	name  string // its path without the slash; also its name in a mark
	query url.Values
	read  func(*fields, *newsWire) news
	tell  func(*tidings, news) // what a record means that is news
}

// standing are read at each question: they tell what moves stock.
var standing = []feed{
	{name: "inventory_movements", read: readVariantNews, tell: tellVariant},
	{name: "sales_order_rows", query: deleted(), read: readVariantNews, tell: tellOrderRow},
	{name: "sales_order_fulfillments", query: deleted(), read: readFulfilmentNews, tell: tellFulfilment},
	{name: "manufacturing_order_recipe_rows", query: deleted(), read: readVariantNews, tell: tellVariant},
}

// turning take turns, one at each question: they change seldom, or what they
// tell shows elsewhere, too. A deleted row of a bill of materials leaves no
// trace, so there is nothing to include.
var turning = []feed{
	{name: "manufacturing_orders", query: deleted(), read: readMaking, tell: tellMaking},
	{name: "bom_rows", read: readRecipeNews, tell: tellRecipe},
	{name: "variants", query: whole(), read: readVariantEdit, tell: tellEdited},
	{name: "products", query: whole(), read: readParentEdit, tell: tellEdited},
	{name: "materials", query: whole(), read: readParentEdit, tell: tellEdited},
	{name: "services", query: whole(), read: readParentEdit, tell: tellEdited},
	{name: "locations", query: deleted(), read: readNews, tell: tellLocation},
}

func deleted() url.Values { return url.Values{"include_deleted": {"true"}} }

type newsWire struct {
	ID      token                `json:"id"`
	Variant token                `json:"variant_id"`
	Product token                `json:"product_variant_id"`
	Order   token                `json:"sales_order_id"`
	Making  token                `json:"manufacturing_order_id"`
	Status  token                `json:"status"`
	Picked  token                `json:"picked_date"`
	Created token                `json:"created_at"`
	Updated token                `json:"updated_at"`
	Deleted token                `json:"deleted_at"`
	Rows    *[]fulfilmentRowWire `json:"sales_order_fulfillment_rows"`
	Holds   []heldWire           `json:"variants"`
}

// heldWire is a variant as its product, material or service nests it.
type heldWire struct {
	ID token `json:"id"`
}

// news is one record of a feed, as far as it tells that something changed.
type news struct {
	id      string
	look    string                      // two records with one id and one look are the same
	changed time.Time                   // zero where the feed does not say
	dated   time.Time                   // what is known of its age; zero is nothing
	variant inventory.SourceVariantID   // 0 is none
	of      int64                       // the order whose rows name the variants; 0 is none
	rows    []string                    // those of the sales order that a fulfilment is of
	edited  []inventory.SourceVariantID // the variant that it is, or those that it shows
}

// recordID reads the id of a record, a number or a UUID.
func recordID(f *fields, w *newsWire) string {
	id := f.text("id", w.ID)
	if f.need("id", w.ID) && id == "" {
		f.fail("id", errMissing)
	}
	return id
}

// readNews reads what every record that carries its time has.
func readNews(f *fields, w *newsWire) news {
	n := news{id: recordID(f, w), changed: f.time("updated_at", w.Updated)}
	n.look, n.dated = n.changed.Format(time.RFC3339Nano), n.changed
	return n
}

func readVariantNews(f *fields, w *newsWire) news {
	n := readNews(f, w)
	n.variant = hint(f, "variant_id", w.Variant)
	return n
}

// readVariantEdit reads a variant of the catalogue.
func readVariantEdit(f *fields, w *newsWire) news {
	n := readNews(f, w)
	n.edited = []inventory.SourceVariantID{inventory.SourceVariantID(f.id("id", w.ID))}
	return n
}

// readParentEdit reads a product, material or service with the variants that it
// shows. Deleted ones are hidden there, so one that was deleted with all of its
// variants may show none.
func readParentEdit(f *fields, w *newsWire) news {
	n := readNews(f, w)
	for _, held := range w.Holds {
		n.edited = append(n.edited, inventory.SourceVariantID(f.id("variants.id", held.ID)))
	}
	return n
}

// readRecipeNews reads a row of a bill of materials, which moves the potential
// of its product.
func readRecipeNews(f *fields, w *newsWire) news {
	n := readNews(f, w)
	n.variant = hint(f, "product_variant_id", w.Product)
	return n
}

// hint reads the variant that a record names. A row that is a comment has null;
// were the field gone, so would be every hint.
func hint(f *fields, name string, t token) inventory.SourceVariantID {
	if len(t) == 0 {
		f.fail(name, errMissing)
	}
	return inventory.SourceVariantID(f.idOrZero(name, t))
}

// readFulfilmentNews reads a fulfilment. Answers carry no updated_at, although
// the list is filtered by it, so its look is what it says.
// https://developer.katanamrp.com/reference/list-all-sales-order-fulfillments
func readFulfilmentNews(f *fields, w *newsWire) news {
	if len(w.Order) == 0 {
		f.fail("sales_order_id", errMissing)
	}
	n := news{id: recordID(f, w), of: f.idOrZero("sales_order_id", w.Order)}
	if !w.Updated.empty() {
		n.changed = f.time("updated_at", w.Updated)
	}
	// The day of picking is set by hand, so it is good for a doubt only.
	n.dated = cmp.Or(n.changed, (&fields{}).time("picked_date", w.Picked))
	look := fnv.New64a()
	_, _ = fmt.Fprintf(look, "%s %t", w.Status, !w.Deleted.empty())
	if w.Rows != nil {
		for _, row := range *w.Rows {
			id := f.idOrZero("sales_order_fulfillment_rows.sales_order_row_id", row.Row)
			n.rows = append(n.rows, strconv.FormatInt(id, 10))
			_, _ = fmt.Fprintf(look, " %d %s", id, row.Quantity)
		}
	}
	n.look = strconv.FormatUint(look.Sum64(), 36)
	return n
}

// readMaking reads a manufacturing order. One that is as it was created has new
// rows, and one that is done has movements: both tell of the ingredients. An
// edit of one that is open, and what a deletion takes back, may show nowhere else.
func readMaking(f *fields, w *newsWire) news {
	n := readVariantNews(f, w)
	created := (&fields{}).time("created_at", w.Created)
	edited := !created.Equal(n.changed) && f.text("status", w.Status) != "DONE"
	if edited || !w.Deleted.empty() {
		n.of = f.idOrZero("id", w.ID)
	}
	return n
}

// readFeed reads what a feed tells since a mark and gives what of it is news,
// and the next mark.
//
// Only Katana's clock counts, as its answer had it: the mark is the Date of the
// first page, as what changes while the others are read may be on none of them.
// An answer without a Date leaves it where it was. A record may show up to 2
// minutes after its stamp, so the read reaches back that far, and drops what
// was told before.
func (c *Client) readFeed(ctx context.Context, f feed, from inventory.FeedMark) ([]news, inventory.FeedMark, error) {
	bound, next := reach(from.Read), from
	query := maps.Clone(f.query)
	if query == nil {
		query = url.Values{}
	}
	query.Set("updated_at_min", stamp(bound))
	all, err := listing[newsWire, news, string]{
		name: f.name, path: "/" + f.name, query: query, read: f.read,
		id: func(n news) string { return n.id },
		first: func(page []news, total int, date time.Time) error {
			if !date.IsZero() {
				next.Read, next.Ours = date, now()
			}
			if why := doubt(from, next, page, total); why != "" {
				return &inventory.FeedError{Feed: f.name, Why: why}
			}
			return nil
		},
	}.all(ctx, c)
	if err != nil {
		return nil, from, err
	}
	// Without the filter Katana answers with all it has.
	all = slices.DeleteFunc(all, func(n news) bool { return n.older(bound) })
	next.Seen = remember(all, reach(next.Read))
	return slices.DeleteFunc(all, func(n news) bool {
		look, known := from.Seen[n.id]
		return known && look == n.look
	}), next, nil
}

// now is our clock as it is kept in a mark.
func now() time.Time { return time.Now().Round(0).UTC() }

func (n news) older(bound time.Time) bool { return !n.changed.IsZero() && n.changed.Before(bound) }

// doubt tells why an answer, known by its first page, is nothing to go by.
func doubt(from, next inventory.FeedMark, page []news, total int) string {
	// What changed after the clock was set back bears stamps that may lie before
	// the bound. How far it was set back shows against our clock; if both were,
	// it shows when Katana's is behind the mark.
	lost := max(next.Ours.Sub(from.Ours)-next.Read.Sub(from.Read), from.Read.Sub(next.Read))
	bound := reach(from.Read)
	old := func(n news) bool { return !n.dated.IsZero() && n.dated.Before(bound) }
	switch {
	case lost > setBack:
		return fmt.Sprintf("Katana's clock was set back by %s, or ours forward", lost.Round(time.Second))
	case total > pageSize && slices.ContainsFunc(page, old):
		return fmt.Sprintf("%d records came, older ones among them: the filter updated_at_min was not applied", total)
	case total > mostNews:
		return fmt.Sprintf("%d records changed since %s", total, stamp(bound))
	}
	return ""
}

// remember keeps the looks of what the next read repeats, the newest first.
func remember(all []news, bound time.Time) map[string]string {
	all = slices.DeleteFunc(slices.Clone(all), func(n news) bool { return n.older(bound) })
	slices.SortStableFunc(all, func(a, b news) int { return b.changed.Compare(a.changed) })
	if len(all) == 0 {
		return nil
	}
	seen := make(map[string]string, min(len(all), mostSeen))
	for _, n := range all[:min(len(all), mostSeen)] {
		seen[n.id] = n.look
	}
	return seen
}
