package configs

import (
	"path"
	"regexp"
	"strings"

	"stocksyncd/reconcile/inventory"
)

func (c *checker) stores() {
	if len(c.config.Stores) == 0 {
		c.wrong("stores", "at least one store is needed")
	}
	names, shops := map[string]int{}, map[string]int{}
	for i, s := range c.config.Stores {
		c.store(i, s)
		if first, twice := names[s.Name]; twice && s.Name != "" {
			c.wrong(at("stores", i, "name"), "%q is already the name of stores[%d]", s.Name, first)
		} else {
			names[s.Name] = i
		}
		if first, twice := shops[strings.ToLower(s.Shop)]; twice && s.Shop != "" {
			c.wrong(at("stores", i, "shop"), "%q is already served by stores[%d]; two writers would fight", s.Shop, first)
		} else {
			shops[strings.ToLower(s.Shop)] = i
		}
	}
}

var (
	nameForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	shopForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*\.myshopify\.com$`)
	versionForm = regexp.MustCompile(`^20\d\d-(01|04|07|10)$`)
)

// forms is how a text must look. The JSON Schema says the same.
var forms = map[string]*regexp.Regexp{
	"stores[].name":        nameForm,
	"stores[].shop":        shopForm,
	"stores[].api_version": versionForm,
}

func (c *checker) store(i int, s Store) {
	key := func(name string) string { return at("stores", i, name) }
	if !nameForm.MatchString(s.Name) {
		c.wrong(key("name"), "%q is not a name of letters, digits, dots, dashes and underscores", s.Name)
	}
	if !shopForm.MatchString(s.Shop) {
		c.wrong(key("shop"), "%q is not a shop's own domain such as acme.myshopify.com", s.Shop)
	}
	if s.URL != "" {
		c.address(key("url"), s.URL)
	}
	if !versionForm.MatchString(s.APIVersion) {
		c.wrong(key("api_version"), "%q is not a version such as 2026-10", s.APIVersion)
	}
	if c.given(key("mode")) {
		c.oneOf(key("mode"), s.Mode)
	}
	c.oneOf(key("duplicate_stock"), s.DuplicateStock)
	c.oneOf(key("committed_orders"), s.CommittedOrders)
	c.access(i, s)
	c.locations(i, s)
	c.matchers(i, s)
	c.rules(i, s)
	c.canary(key("canary"), s.Canary)
}

// access wants exactly one way to a token.
func (c *checker) access(i int, s Store) {
	key := func(name string) string { return at("stores", i, name) }
	switch {
	case c.failed[key("access_token")] || c.failed[key("client_id")] || c.failed[key("client_secret")]:
		// What is missing cannot be told.
	case s.AccessToken != nil && (s.ClientID != "" || s.ClientSecret != nil):
		c.wrong(key("access_token"), "there is also a client_id or client_secret; keep one of the two ways")
	case s.AccessToken != nil:
	case s.ClientID != "" && s.ClientSecret == nil:
		c.wrong(key("client_id"), "client_secret is missing: credential:NAME, file:PATH or env:NAME")
	case s.ClientID == "" && s.ClientSecret != nil:
		c.wrong(key("client_secret"), "client_id is missing")
	case s.ClientID == "":
		c.wrong(key("access_token"), "it is needed, or client_id with client_secret")
	}
}

func (c *checker) locations(i int, s Store) {
	c.sourceLocation(at("stores", i, "default_location"), s.DefaultLocation)
	if len(s.Locations) == 0 && s.DefaultLocation == "" {
		c.wrong(at("stores", i, "locations"), "no location is mapped and there is no default_location: nothing could be written")
	}
	used := map[string]int{}
	for j, pair := range s.Locations {
		list := at("stores", i, "locations")
		if pair.Shopify == "" {
			c.wrong(at(list, j, "shopify"), "it is needed: the location's name in Shopify, or gid://shopify/Location/N")
		} else if strings.HasPrefix(pair.Shopify, "gid:") {
			if _, err := inventory.ParseLocationID(pair.Shopify); err != nil {
				c.wrong(at(list, j, "shopify"), "%s", err)
			}
		}
		if first, twice := used[pair.Shopify]; twice && pair.Shopify != "" {
			c.wrong(at(list, j, "shopify"), "%q is already used by %s", pair.Shopify, at(list, first, ""))
		} else {
			used[pair.Shopify] = j
		}
		c.sources(at(list, j, "katana"), pair.Katana)
	}
}

func (c *checker) sources(key string, names Names) {
	if len(names) == 0 {
		c.wrong(key, "it is needed: the name of a Katana location, or a list of them")
	}
	seen := map[string]bool{}
	for i, name := range names {
		switch {
		case c.failed[at(key, i, "")]:
		case name == "":
			c.wrong(key, "a name is empty")
		case seen[name]:
			c.wrong(key, "%q stands twice; it would be counted twice", name)
		}
		c.sourceLocation(key, name)
		seen[name] = true
	}
}

// sourceLocation checks a text that names a Katana location or gives its id.
func (c *checker) sourceLocation(key, text string) {
	if _, err := inventory.ParseSourceLocationID(text); err != nil {
		c.wrong(key, "%s", err)
	}
}

// matchers refuses what could only match orders of a store that is served:
// Shopify has lowered its stock for these already.
func (c *checker) matchers(i int, s Store) {
	list := at("stores", i, "exclude_orders")
	for j, m := range s.ExcludeOrders {
		if m == (OrderMatcher{}) {
			c.wrong(at(list, j, ""), "it is empty and would match every order")
		}
		if m.CustomerID < 0 {
			c.wrong(at(list, j, "customer_id"), "%d is not the id of a customer", m.CustomerID)
		}
		c.sourceLocation(at(list, j, "location"), m.Location)
		if m.OrderNumber != "" {
			c.glob(at(list, j, "order_number"), m.OrderNumber)
		}
		for _, served := range c.config.Stores {
			if m.StoreName != "" && strings.EqualFold(m.StoreName, served.Shop) {
				c.wrong(at(list, j, "store_name"), "%q is served by store %s; its orders are never excluded, or their units would be sold twice", m.StoreName, served.Name)
			}
		}
	}
}

func (c *checker) rules(i int, s Store) {
	list := at("stores", i, "rules")
	before := map[string]int{}
	for j, r := range s.Rules {
		if r.SKU == "" {
			c.wrong(at(list, j, "sku"), "it is needed, such as CAP-* or *")
		} else {
			c.glob(at(list, j, "sku"), r.SKU)
		}
		for _, same := range []string{r.SKU, "*"} {
			if first, ok := before[same]; ok {
				c.wrong(at(list, j, "sku"), "it is never reached: %s comes first and matches too", at(list, first, ""))
				break
			}
		}
		before[r.SKU] = j
		c.rule(at(list, j, ""), r)
	}
}

func (c *checker) rule(key string, r SKURule) {
	c.inRange(key+".buffer", r.Buffer)
	c.inRange(key+".min_to_sell", r.MinToSell)
	if r.Max != nil {
		c.inRange(key+".max", *r.Max)
	}
	changes := c.given(key+".buffer") || c.given(key+".min_to_sell") || c.given(key+".max")
	switch {
	case r.Skip && changes:
		c.wrong(key+".skip", "a SKU that is left alone takes no buffer, max or min_to_sell")
	case !r.Skip && !changes && !c.failed[key+".skip"]:
		c.wrong(key, "it changes nothing; give it buffer, max, min_to_sell or skip: true")
	}
}

func (c *checker) glob(key, pattern string) {
	if _, err := path.Match(pattern, ""); err != nil {
		c.wrong(key, "%q is not a pattern; * stands for anything, ? for one character, [ab] for either", pattern)
	}
}

func (c *checker) canary(key string, canary Canary) {
	c.inRange(key+".min", canary.Min)
	c.inRange(key+".max", canary.Max)
	switch {
	case strings.TrimSpace(canary.SKU) == "" && (canary.SKU != "" || canary.Min != 0 || canary.Max != 0):
		c.wrong(key+".sku", "it is needed with min and max")
	case canary.SKU != "" && !c.given(key+".max"):
		c.wrong(key+".max", "it is needed with sku: the most units that Katana may have of it")
	case canary.Min > canary.Max:
		c.wrong(key+".min", "%d is above max (%d)", canary.Min, canary.Max)
	}
}
