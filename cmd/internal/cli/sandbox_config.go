package cli

import (
	"fmt"
	"strings"

	"stocksyncd/clients/sandbox"
)

// sandboxTuning is what differs between the config of a demo and that of a
// sandbox.
type sandboxTuning struct {
	mode, schedule, settle, state, listen string
	perMinute                             int // Katana's limit
}

// sandboxConfig writes the config that goes with a world. What it says of each
// store is what the world calls in step.
func sandboxConfig(w *sandbox.World, address string, t sandboxTuning) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Config for a stocksyncd sandbox. Its two secrets come from the environment.
# Change it and look at what "stocksyncd plan" makes of it.
katana:
  url: http://%[1]s/katana/v1
  api_key: env:SANDBOX_KATANA_KEY
  # What the sandbox allows; 60 is real.
  requests_per_minute: %[5]d
sync:
  mode: %[2]s
  schedule: %[3]q
  full_schedule: "0 3 * * *"
  # How long an order takes from Shopify to Katana, at most.
  settle: %[4]s
stores:
`, address, t.mode, t.schedule, t.settle, t.perMinute)
	for i, store := range w.Summary().Stores {
		b.WriteString(storeConfig(store, w.Config(store.Name), address, i == 0))
	}
	fmt.Fprintf(&b, `state: { path: %q }
# The daemon's status page; every sandbox has another port for it.
status: { listen: %q }
log: { format: text }
`, t.state, t.listen)
	return b.String()
}

// storeConfig writes what the config says of one store; told explains the keys.
func storeConfig(store sandbox.StoreSummary, c sandbox.StoreConfig, address string, told bool) string {
	remark := func(text string) string {
		if !told {
			return ""
		}
		return "    # " + strings.ReplaceAll(text, "\n", "\n    # ") + "\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, `  - name: %[2]s
    shop: %[3]s
    url: http://%[1]s/shopify/%[2]s
    access_token: env:SANDBOX_SHOPIFY_TOKEN
%[4]s    mode: %[5]s
`, address, store.Name, store.Shop,
		remark("off: neither read nor written. report: nothing is written. lower-only:\nreductions are written, raises wait. apply: what drifted is written."), c.Mode)
	b.WriteString(remark("Which Katana locations feed which Shopify location. Several are summed; one\nthat feeds several is offered once at each."))
	b.WriteString(mappingLines(store, c))
	b.WriteString(remark("When one Katana location feeds several: warn, or refuse."))
	b.WriteString("    duplicate_stock: warn\n")
	b.WriteString(remark("Which sales orders lower the stock: all, or shopify."))
	committed := "all"
	if c.ShopifyOrders {
		committed = "shopify"
	}
	fmt.Fprintf(&b, "    committed_orders: %s\n", committed)
	b.WriteString(remark("Sales orders that do not lower it; all keys of a line must match. An order\nthat is younger than two minutes lowers it all the same."))
	b.WriteString(matcherLines(c.Exclude))
	b.WriteString(remark("The first rule that matches a SKU counts."))
	b.WriteString(ruleLines(c.Rules))
	b.WriteString(remark("Stock items at named locations where they are not active yet."))
	b.WriteString("    activate: false\n")
	return b.String()
}

// mappingLines writes the mapping of locations, and names those that it leaves
// out.
func mappingLines(store sandbox.StoreSummary, c sandbox.StoreConfig) string {
	var list, rest []string
	named := map[string]bool{}
	for _, feed := range c.Locations {
		named[feed.Shopify] = true
		sources := fmt.Sprintf("%q", feed.Katana[0])
		if len(feed.Katana) > 1 {
			sources = fmt.Sprintf("[%s]", strings.Join(yamlTexts(feed.Katana), ", "))
		}
		list = append(list, fmt.Sprintf("{ shopify: %q, katana: %s }", feed.Shopify, sources)+note(feed.Note))
	}
	for _, l := range store.Locations {
		if !named[l.Name] {
			rest = append(rest, l.Name)
		}
	}
	lines := listLines("locations", list)
	if c.DefaultLocation != "" {
		return lines + fmt.Sprintf("    default_location: %q%s\n", c.DefaultLocation, note("of "+strings.Join(rest, ", ")+", as far as they are active"))
	}
	if len(rest) > 0 {
		lines += fmt.Sprintf("    # Not named, so left alone: %s.\n", strings.Join(rest, ", "))
	}
	return lines
}

func yamlTexts(names []string) (all []string) {
	for _, name := range names {
		all = append(all, fmt.Sprintf("%q", name))
	}
	return all
}

func matcherLines(matchers []sandbox.OrderMatcher) string {
	if len(matchers) == 0 {
		return `    # exclude_orders: [{ source: katana, customer_id: 600077 }]` + "\n"
	}
	var list []string
	for _, m := range matchers {
		var keys []string
		for _, key := range []struct{ name, value string }{
			{"source", m.Source}, {"platform", m.Platform}, {"store_name", m.Shop}, {"location", m.Location}, {"order_number", m.Number},
		} {
			if key.value != "" {
				keys = append(keys, fmt.Sprintf("%s: %q", key.name, key.value))
			}
		}
		if m.Customer != 0 {
			keys = append(keys, fmt.Sprintf("customer_id: %d", m.Customer))
		}
		list = append(list, "{ "+strings.Join(keys, ", ")+" }"+note(m.Note))
	}
	return listLines("exclude_orders", list)
}

func ruleLines(rules []sandbox.SKURule) string {
	if len(rules) == 0 {
		return `    # rules: [{ sku: "MUG-*", buffer: 2, min_to_sell: 3, max: 50 }, { sku: "SET-*", skip: true }]` + "\n"
	}
	var list []string
	for _, r := range rules {
		keys := fmt.Sprintf("sku: %q", r.SKU)
		for _, key := range []struct {
			name  string
			value int
		}{{"buffer", r.Buffer}, {"min_to_sell", r.MinToSell}, {"max", r.Max}} {
			if key.value != 0 {
				keys += fmt.Sprintf(", %s: %d", key.name, key.value)
			}
		}
		if r.Skip {
			keys += ", skip: true"
		}
		list = append(list, "{ "+keys+" }"+note(r.Note))
	}
	return listLines("rules", list)
}

// note is a remark at the end of a line.
func note(text string) string {
	if text == "" {
		return ""
	}
	return " # " + text
}

// listLines writes a list of a store, or nothing when it is empty.
func listLines(key string, list []string) string {
	if len(list) == 0 {
		return ""
	}
	return "    " + key + ":\n      - " + strings.Join(list, "\n      - ") + "\n"
}
