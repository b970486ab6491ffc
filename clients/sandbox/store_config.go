package sandbox

import (
	"path"
	"strings"
)

// StoreConfig is what the config of a daemon would say of a store: which Katana
// locations feed its locations, and which rules make a figure of their stock.
// The world only keeps it, to say what is in step and what has drifted; the
// simulated APIs know nothing of it.
type StoreConfig struct {
	Mode            string // "apply", "lower-only", "report" or "off"
	Locations       []Feed
	DefaultLocation string // Katana location of the locations not named; "" leaves them alone
	ShopifyOrders   bool   // committed_orders: shopify; else all
	Exclude         []OrderMatcher
	Rules           []SKURule
}

// Feed names the Katana locations whose stock a Shopify location shows, summed.
type Feed struct {
	Shopify string
	Katana  []string
	Note    string // a remark for whoever reads the config
}

// OrderMatcher picks sales orders that do not lower the stock. All that is set
// must match.
type OrderMatcher struct {
	Source, Platform, Shop string
	Customer               int
	Location               string // Katana location of the order
	Number                 string // a glob
	Note                   string
}

// SKURule changes the figure of the SKUs that match. The first that does counts.
type SKURule struct {
	SKU       string // a glob
	Buffer    int    // pieces that are never offered
	MinToSell int    // below it 0 is shown
	Max       int    // the most to offer; 0 is no end
	Skip      bool   // the SKU is left alone
	Note      string
}

// Config tells how a store is to be kept in step. A store for which nothing is
// laid down is written, and each of its locations shows the stock of the Katana
// location that its orders are booked at.
func (w *World) Config(store string) StoreConfig {
	w.lock()
	defer w.mu.Unlock()
	s, err := w.store(store)
	if err != nil {
		return StoreConfig{}
	}
	return w.config(s)
}

func (w *World) config(s *store) StoreConfig {
	if known, ok := w.configs[s.name]; ok {
		return known
	}
	c := StoreConfig{Mode: modeApply}
	for _, l := range s.locations {
		from := l.katana
		if from == "" {
			from = l.name
		}
		if !l.service && w.katana.location(from) != nil {
			c.Locations = append(c.Locations, Feed{Shopify: l.name, Katana: []string{from}})
		}
	}
	return c
}

// The modes of a store, as a config writes them.
const (
	modeApply     = "apply"
	modeLowerOnly = "lower-only"
	modeReport    = "report"
	modeOff       = "off"
)

// sources names the Katana locations that feed a Shopify location; none means
// that it is left alone.
func (c StoreConfig) sources(l *storeLocation) []string {
	if !l.active {
		return nil
	}
	for _, feed := range c.Locations {
		if feed.Shopify == l.name {
			return feed.Katana
		}
	}
	// The default reaches no location of somebody else's.
	if c.DefaultLocation == "" || l.service {
		return nil
	}
	return []string{c.DefaultLocation}
}

func (c StoreConfig) rule(sku string) SKURule {
	for _, rule := range c.Rules {
		if globbed(rule.SKU, sku) {
			return rule
		}
	}
	return SKURule{}
}

// show is what is offered of an exact figure: less the buffer, in whole pieces,
// nothing when that is too few, and no more than the most.
func (r SKURule) show(exact decimal) int {
	shown := (exact - units(r.Buffer)).floor()
	if shown < r.MinToSell {
		return 0
	}
	if r.Max > 0 {
		shown = min(shown, r.Max)
	}
	return max(0, shown)
}

func globbed(pattern, text string) bool {
	ok, err := path.Match(pattern, text)
	return ok && err == nil
}

// excludes tells whether a sales order does not lower the stock. One that came
// from a store of this world always does, whatever the matchers say: its pieces
// are gone from the store's figures already.
func (c StoreConfig) excludes(o *salesOrder, served []*store) bool {
	shopify := strings.EqualFold(o.ecommerce.kind, "shopify") || strings.EqualFold(o.source, "shopify")
	if shopify && o.ecommerce.store == "" {
		return false // it may be one of ours
	}
	for _, s := range served {
		if strings.EqualFold(o.ecommerce.store, s.opts.Shop) {
			return false
		}
	}
	if c.ShopifyOrders && !shopify {
		return true
	}
	for _, m := range c.Exclude {
		if m.matches(o) {
			return true
		}
	}
	return false
}

func (m OrderMatcher) matches(o *salesOrder) bool {
	same := func(want, has string) bool { return want == "" || strings.EqualFold(want, has) }
	return same(m.Source, o.source) && same(m.Platform, o.ecommerce.kind) && same(m.Shop, o.ecommerce.store) &&
		(m.Customer == 0 || int64(m.Customer) == o.customer) &&
		(m.Location == "" || m.Location == o.location.name) &&
		(m.Number == "" || globbed(m.Number, o.no))
}
