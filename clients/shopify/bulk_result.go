package shopify

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"stocksyncd/clients/internal/transport"
	"stocksyncd/reconcile/inventory"
)

const (
	// bulkMost bounds a result, which is read and not kept: it is some 250
	// bytes for each level.
	bulkMost = 4 << 30
	// bulkSlack is how much larger a result may be than it was said to be.
	bulkSlack = 1 << 20
	// bulkFetch bounds the fetching of one, with all its tries.
	bulkFetch = 10 * time.Minute
	// bulkLineMost bounds a line of a result.
	bulkLineMost = 64 << 10
	// bulkLineLeast is what a line of a result takes at least.
	bulkLineLeast = 100
)

// bulkResult is what a completed bulk query has left.
type bulkResult struct {
	o       *operation // that told of it
	url     string     // signed: it is a key to the figures; "" where there are none
	objects int64      // lines
	most    int64      // bytes
}

// newFiles makes the client that fetches results. They are not at Shopify's
// API, and the token is none of their server's business.
func newFiles(shared transport.Options) *transport.Client {
	shared.Overall, shared.MaxBody = bulkFetch, 1<<20
	return transport.New(shared)
}

// isLoopback tells whether a URL leads to this machine in the clear, as that of
// a simulated store does.
func isLoopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// resultHosts is where Shopify keeps the results of bulk queries: these hosts
// and those below them. Whoever could name another one would have us believe
// figures of his own.
//
// https://shopify.dev/docs/api/usage/bulk-operations/queries
var resultHosts = []string{"storage.googleapis.com"}

// mayFetch tells whether a result may be fetched from an address: from where
// Shopify keeps them or from the store's own host, and over https, as what comes
// in the clear can be anybody's.
func (c *Client) mayFetch(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	base, err := url.Parse(c.endpoint)
	switch {
	case err != nil:
		return false
	case u.Scheme != "https":
		return isLoopback(base) && isLoopback(u)
	case strings.EqualFold(u.Host, base.Host):
		return true
	}
	return (u.Port() == "" || u.Port() == "443") && isBelow(strings.ToLower(u.Hostname()), c.resultHosts)
}

// isBelow tells whether a host is one of these, or below one.
func isBelow(host string, hosts []string) bool {
	return slices.ContainsFunc(hosts, func(one string) bool { return host == one || strings.HasSuffix(host, "."+one) })
}

// fetchBulk reads the result of a bulk query. It is complete or an error.
func (c *Client) fetchBulk(ctx context.Context, result *bulkResult) (iter.Seq[[]inventory.Level], error) {
	look := &bulkLook{o: result.o}
	if result.url == "" {
		return look.levelsOf(result.objects)
	}
	resp, err := c.files.Do(ctx, &transport.Request{
		Name: "bulk result", Method: http.MethodGet, URL: result.url, Signed: true, Most: result.most,
		Into: func(body io.Reader) error {
			look = newBulkLook(result)
			return look.read(body)
		},
	})
	switch {
	case look.wrong != nil:
		return nil, look.wrong
	case err != nil:
		return nil, err
	case resp.Status == http.StatusOK:
		return look.levelsOf(result.objects)
	}
	// What the refusal says is not repeated: it may quote the URL.
	err = result.o.incomplete(fmt.Sprintf("its result cannot be fetched: HTTP %d", resp.Status))
	switch resp.Status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		// Storages tell of an expired signature in different ways.
		return nil, fmt.Errorf("%w: %w", err, errExpired)
	}
	return nil, err
}

// bulkLook is a result of a bulk query as it comes in: variants and levels, a
// line for each, in any order. Only what is asked of them is kept.
type bulkLook struct {
	o     *operation
	lines int64
	line  bulkLine // the present one
	wrong error    // with what came, not with how it came
	// abouts is what each variant says of all levels of its item.
	abouts []inventory.Item
	levels []bulkLevel
}

// bulkLevel is a level as it is kept until the last has come, without what is
// about all levels of its item: there may be millions of them.
type bulkLevel struct {
	item      inventory.ItemID
	variant   inventory.VariantID // that the line calls its parent, if it calls one that
	location  inventory.LocationID
	available int32 // as large as a whole number of GraphQL may be
	active    bool
}

func (a bulkLevel) compare(b bulkLevel) int {
	return cmp.Or(cmp.Compare(a.item, b.item), cmp.Compare(a.location, b.location))
}

// newBulkLook makes one that has room for the lines that were promised, as they
// are where each item is stocked at every location: a list that grows is there
// twice each time it does.
func newBulkLook(result *bulkResult) *bulkLook {
	lines := max(0, min(result.objects, result.most/bulkLineLeast))
	variants := lines / int64(1+result.o.client.levelsEach())
	return &bulkLook{o: result.o, abouts: make([]inventory.Item, 0, variants), levels: make([]bulkLevel, 0, lines-variants)}
}

// bulkLine is a variant, or a level, which has a parent.
type bulkLine struct {
	variant
	InventoryItem item `json:"inventoryItem"`

	level
	Item   itemName `json:"item"`
	Parent string   `json:"__parentId"`
}

type itemName struct {
	ID string `json:"id"`
}

// read reads a result to its end.
func (k *bulkLook) read(body io.Reader) error {
	in := bufio.NewReaderSize(body, bulkLineMost)
	for {
		text, err := in.ReadSlice('\n')
		switch text = bytes.TrimSpace(text); {
		case errors.Is(err, bufio.ErrBufferFull):
			k.lines++
			k.wrong = k.odd(fmt.Sprintf("is longer than %d bytes", bulkLineMost))
		case err != nil && !errors.Is(err, io.EOF):
			return err // and what there is of the line is none
		case len(text) > 0:
			k.lines++
			k.wrong = k.add(text)
		}
		if k.wrong != nil || err != nil {
			return k.wrong
		}
	}
}

// odd is an error about the present line.
func (k *bulkLook) odd(why string) error {
	return k.o.incomplete(fmt.Sprintf("line %d of its result %s", k.lines, why))
}

func (k *bulkLook) add(text []byte) error {
	k.line = bulkLine{}
	if err := json.Unmarshal(text, &k.line); err != nil {
		return k.odd("is not what was asked for: " + k.o.client.text(err.Error()))
	}
	switch {
	case k.line.Parent == "" && strings.HasPrefix(k.line.Id, "gid://shopify/ProductVariant/"):
		return k.addVariant(&k.line)
	case k.line.Parent != "" && strings.HasPrefix(k.line.Id, "gid://shopify/InventoryLevel/"):
		return k.addLevel(&k.line)
	}
	return k.odd("is neither a variant nor a level of one")
}

func (k *bulkLook) addVariant(line *bulkLine) error {
	about, err := k.o.about(line.variant, line.InventoryItem)
	k.abouts = append(k.abouts, about.Of())
	return err
}

func (k *bulkLook) addLevel(line *bulkLine) error {
	level := inventory.Level{Key: inventory.Key{Store: k.o.client.store}}
	var err error
	if level.Item, err = inventory.ParseItemID(line.Item.ID); err != nil {
		return k.odd(err.Error())
	}
	if level.Variant, err = inventory.ParseVariantID(line.Parent); err != nil && line.Parent != line.Item.ID {
		return k.odd("has a parent that is neither its item nor a variant")
	}
	if err = k.o.fill(&level, line.level); err != nil {
		return err
	}
	available := int32(level.Available) // #nosec G115 -- held against it
	if inventory.Units(available) != level.Available {
		return k.odd(fmt.Sprintf("has %d available, more than a whole number of GraphQL holds", level.Available))
	}
	k.levels = append(k.levels, bulkLevel{level.Item, level.Variant, level.Location, available, level.Active})
	return nil
}

// levelsOf gives the levels of each item, once as many lines have come as were
// promised.
func (k *bulkLook) levelsOf(objects int64) (iter.Seq[[]inventory.Level], error) {
	if k.lines != objects {
		return nil, k.o.incomplete(fmt.Sprintf("its result has %s lines of %s", grouped(int(k.lines)), grouped(int(objects))))
	}
	if err := k.settleVariants(); err != nil {
		return nil, err
	}
	if err := k.settleLevels(); err != nil {
		return nil, err
	}
	if err := k.settleItems(); err != nil {
		return nil, err
	}
	return k.items, nil
}

// settleVariants sorts the variants by id and drops what came twice.
func (k *bulkLook) settleVariants() error {
	slices.SortFunc(k.abouts, func(a, b inventory.Item) int { return cmp.Compare(a.Variant, b.Variant) })
	for i := 1; i < len(k.abouts); i++ {
		if a, b := k.abouts[i-1], k.abouts[i]; a.Variant == b.Variant && a != b {
			return movedError{k.o.incomplete(b.Variant.String() + " was listed twice, and had changed")}
		}
	}
	k.abouts = slices.Compact(k.abouts)
	return nil
}

// settleLevels checks that each level belongs to the variant that it names,
// sorts them by key and drops what came twice: the levels of an item that
// variants share are listed with each of them.
func (k *bulkLook) settleLevels() error {
	for i := range k.levels {
		level := &k.levels[i]
		if level.variant == 0 {
			continue
		}
		at, known := slices.BinarySearchFunc(k.abouts, level.variant, func(a inventory.Item, id inventory.VariantID) int { return cmp.Compare(a.Variant, id) })
		if !known || k.abouts[at].ID != level.item {
			return k.o.incomplete(fmt.Sprintf("%s is listed without its variant, %s", k.key(level), level.variant))
		}
		level.variant = 0
	}
	slices.SortFunc(k.levels, bulkLevel.compare)
	for i := 1; i < len(k.levels); i++ {
		if a, b := k.levels[i-1], k.levels[i]; a.compare(b) == 0 && a != b {
			return movedError{k.o.incomplete(k.key(&b).String() + " was listed with two figures")}
		}
	}
	k.levels = slices.Compact(k.levels)
	return nil
}

func (k *bulkLook) key(level *bulkLevel) inventory.Key {
	return inventory.Key{Store: k.o.client.store, Item: level.item, Location: level.location}
}

// settleItems sorts the items, and checks that each level has one. Of the variants
// that share an item the first counts, as it does by pages.
func (k *bulkLook) settleItems() error {
	slices.SortFunc(k.abouts, func(a, b inventory.Item) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Variant, b.Variant))
	})
	k.abouts = slices.CompactFunc(k.abouts, func(a, b inventory.Item) bool { return a.ID == b.ID })
	at := 0
	for i := range k.levels {
		for at < len(k.abouts) && k.abouts[at].ID < k.levels[i].item {
			at++
		}
		if at == len(k.abouts) || k.abouts[at].ID != k.levels[i].item {
			return k.o.incomplete(k.key(&k.levels[i]).String() + " is listed without any variant of its item")
		}
	}
	return nil
}

// items gives each level what its variant says of it, once all is settled.
func (k *bulkLook) items(yield func([]inventory.Level) bool) {
	var levels []inventory.Level
	rest := k.levels
	for _, about := range k.abouts {
		levels = levels[:0]
		for ; len(rest) > 0 && rest[0].item == about.ID; rest = rest[1:] {
			level := k.of(about)
			level.Location, level.Active, level.Available = rest[0].location, rest[0].active, inventory.Units(rest[0].available)
			levels = append(levels, level)
		}
		if len(levels) == 0 {
			levels = append(levels, nowhere(k.of(about)))
		}
		if !yield(levels) {
			return
		}
	}
}

// of is what an item says of all its levels.
func (k *bulkLook) of(about inventory.Item) inventory.Level {
	return inventory.Level{
		Key: inventory.Key{Store: k.o.client.store, Item: about.ID}, Variant: about.Variant, SKU: about.SKU,
		Untracked: about.Untracked, Bundle: about.Bundle, GiftCard: about.GiftCard,
	}
}
