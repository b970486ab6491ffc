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
func (c *Client) fetchBulk(ctx context.Context, result *bulkResult) ([]inventory.Level, error) {
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
	abouts []inventory.Level
	// levels are without what is about all levels of their item. Their variant
	// is the one that the line calls its parent, if it calls one that.
	levels []inventory.Level
}

// newBulkLook makes one that has room for the lines that were promised: a list
// that grows is there twice each time it does.
func newBulkLook(result *bulkResult) *bulkLook {
	lines := max(0, min(result.objects, result.most/bulkLineLeast))
	return &bulkLook{o: result.o, levels: make([]inventory.Level, 0, lines)}
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
	k.abouts = append(k.abouts, about)
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
	err = k.o.fill(&level, line.level)
	k.levels = append(k.levels, level)
	return err
}

// levelsOf puts the levels together, once as many lines have come as were
// promised.
func (k *bulkLook) levelsOf(objects int64) ([]inventory.Level, error) {
	if k.lines != objects {
		return nil, k.o.incomplete(fmt.Sprintf("its result has %s lines of %s", grouped(int(k.lines)), grouped(int(objects))))
	}
	if err := k.settleVariants(); err != nil {
		return nil, err
	}
	if err := k.settleLevels(); err != nil {
		return nil, err
	}
	return k.join()
}

// settleVariants sorts the variants by id and drops what came twice.
func (k *bulkLook) settleVariants() error {
	slices.SortFunc(k.abouts, func(a, b inventory.Level) int { return cmp.Compare(a.Variant, b.Variant) })
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
		if level.Variant == 0 {
			continue
		}
		at, known := slices.BinarySearchFunc(k.abouts, level.Variant, func(a inventory.Level, id inventory.VariantID) int { return cmp.Compare(a.Variant, id) })
		if !known || k.abouts[at].Item != level.Item {
			return k.o.incomplete(fmt.Sprintf("%s is listed without its variant, %s", level.Key, level.Variant))
		}
		level.Variant = 0
	}
	slices.SortFunc(k.levels, func(a, b inventory.Level) int { return a.Compare(b.Key) })
	for i := 1; i < len(k.levels); i++ {
		if a, b := k.levels[i-1], k.levels[i]; a.Key == b.Key && a != b {
			return movedError{k.o.incomplete(b.String() + " was listed with two figures")}
		}
	}
	k.levels = slices.Compact(k.levels)
	return nil
}

// join gives each level what its variant says of it. Of the variants that share
// an item the first counts, as it does by pages.
func (k *bulkLook) join() ([]inventory.Level, error) {
	slices.SortFunc(k.abouts, func(a, b inventory.Level) int {
		return cmp.Or(cmp.Compare(a.Item, b.Item), cmp.Compare(a.Variant, b.Variant))
	})
	k.abouts = slices.CompactFunc(k.abouts, func(a, b inventory.Level) bool { return a.Item == b.Item })
	var none []inventory.Level // of items that have no level
	rest := k.levels
	for _, about := range k.abouts {
		own := 0
		for ; own < len(rest) && rest[own].Item == about.Item; own++ {
			level := about
			level.Location, level.Active, level.Available = rest[own].Location, rest[own].Active, rest[own].Available
			rest[own] = level // a second list of a million is not to be had
		}
		if own == 0 {
			none = append(none, nowhere(about))
		}
		rest = rest[own:]
	}
	if len(rest) > 0 {
		return nil, k.o.incomplete(rest[0].String() + " is listed without any variant of its item")
	}
	return append(k.levels, none...), nil
}
