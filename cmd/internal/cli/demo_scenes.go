package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/configs"
	"stocksyncd/reconcile/inventory"
)

// prologue writes the config, presents the shop and lets figures drift before
// the daemon looks for the first time.
func (d *demo) prologue(ctx context.Context, address string) error {
	config := sandboxConfig(d.w, address, sandboxTuning{
		mode: "apply", schedule: "@every 1h", settle: demoSettle.String(), state: filepath.Join(d.dir, "state.db"), listen: "127.0.0.1:0",
		perMinute: d.perMinute,
	})
	if err := os.WriteFile(d.configPath(), []byte(config), 0o600); err != nil {
		return err
	}
	var err error
	if d.config, err = configs.Load(d.configPath()); err != nil {
		return err
	}
	// What a former demo has kept in the same folder is of another shop.
	if err := os.Remove(d.config.State.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	shop := d.w.Summary()
	var stores []string
	for _, store := range shop.Stores {
		stores = append(stores, fmt.Sprintf("%s (%d variants, mode %s)", store.Name, store.Variants, d.w.Config(store.Name).Mode))
	}
	d.say("A made-up shop: %s, %d variants, Katana and Shopify simulated at http://%s.\n%s: %s.\nKatana allows %d requests a minute (60 in real life), Shopify has its real cost points.",
		count(d.products, "product", "products"), shop.Katana.Variants, address, count(len(stores), "store", "stores"), strings.Join(stores, ", "), d.perMinute)
	drifted := sandbox.Drift(d.w, d.seed)
	kinds := map[string]int{}
	for _, one := range drifted {
		kinds[one.Kind]++
	}
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		parts = append(parts, fmt.Sprintf("%d %s", kinds[kind], kind))
	}
	d.say("Before the daemon starts, %s in Shopify were put out of step:\n%s.", count(len(drifted), "figure", "figures"), strings.Join(parts, ", "))
	if err := d.pick(ctx, address); err != nil {
		return err
	}
	if len(d.picks) < 3 {
		return usageError{fmt.Errorf("--products %d is too small a shop for the demo", d.products)}
	}
	return nil
}

// pick lists levels that things can happen to, spread over the catalogue.
func (d *demo) pick(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/katana/v1/variants?limit=250", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+sandboxKey)
	var client http.Client
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // read or given up
	var page struct {
		Data []struct {
			SKU string `json:"sku"`
		} `json:"data"`
	}
	if err := json.NewDecoder(response.Body).Decode(&page); err != nil {
		return fmt.Errorf("the sandbox's variants: %w", err)
	}
	feeds := d.w.Config(d.main()).Locations
	for i := range page.Data {
		// 37 is prime to the size of a page: every variant comes once, neighbours far apart.
		sku := page.Data[i*37%len(page.Data)].SKU
		if p, ok := d.plain(sku, feeds[i%len(feeds)]); ok && p.units >= 6 {
			d.picks = append(d.picks, p)
		}
	}
	return nil
}

// main is the name of the first store.
func (d *demo) main() string { return d.w.Stores()[0] }

// plain tells whether a level of the first store is in step and shows just what
// Katana has, so that whatever happens to it can be told in one figure.
func (d *demo) plain(sku string, feed sandbox.Feed) (pick, bool) {
	units, stocked := d.w.Available(d.main(), sku, feed.Shopify)
	desired, ours := d.w.Desired(d.main(), sku, feed.Shopify)
	has := 0
	for _, source := range feed.Katana {
		n, _ := d.w.KatanaAvailable(sku, source)
		has += n
	}
	return pick{sku, feed.Shopify, feed.Katana[0], units}, stocked && ours && units == desired && units == has
}

// sibling is a level of another store that draws on the same stock.
type sibling struct {
	store, location string
	units           int
}

// sibling finds a level of another store that is in step, draws on the pick's
// stock and would show less if any of it were sold.
func (d *demo) sibling(p pick) (sibling, bool) {
	for _, store := range d.w.Stores()[1:] {
		c := d.w.Config(store)
		if c.Mode != "apply" && c.Mode != "lower-only" {
			continue
		}
		for _, feed := range c.Locations {
			units, stocked := d.w.Available(store, p.sku, feed.Shopify)
			desired, ours := d.w.Desired(store, p.sku, feed.Shopify)
			if stocked && ours && units == desired && units >= 3 && slices.Contains(feed.Katana, p.katana) {
				return sibling{store, feed.Shopify, units}, true
			}
		}
	}
	return sibling{}, false
}

// take gives a level that nothing has happened to yet.
func (d *demo) take() (pick, error) {
	if len(d.picks) == 0 {
		return pick{}, errors.New("nothing is left that has not been moved yet")
	}
	p := d.picks[0]
	d.picks = d.picks[1:]
	return p, nil
}

// takeShared prefers a level whose stock another store sells too.
func (d *demo) takeShared() (pick, sibling, error) {
	for i, p := range d.picks {
		if other, ok := d.sibling(p); ok {
			d.picks = slices.Delete(d.picks, i, i+1)
			return p, other, nil
		}
	}
	p, err := d.take()
	return p, sibling{}, err
}

// scenes is the demo from the daemon's start to the end of ctx.
func (d *demo) scenes(ctx context.Context) error {
	d.say("The daemon starts: the same code as `stocksyncd run`. It knows nothing yet, so its first cycle is a full one.")
	first, err := d.next(ctx)
	if err != nil {
		return err
	}
	select {
	case url := <-d.page:
		d.say("Its status page, while the demo runs: %s", url)
	default:
	}
	if err := d.show(first); err != nil {
		return err
	}
	d.say("Raises need not wait either: the stores tell of their orders, so the daemon knows what is sold and not yet\nin Katana. From now on its cycles are incremental: they read what has changed, what they are about to write,\nand in turn a part of the rest.")
	if _, err := d.cycle(ctx); err != nil {
		return err
	}
	if err := d.live(ctx); err != nil {
		return err
	}
	return d.encore(ctx)
}

// demoOrder is a name that the made-up shop has not given to an order of its own.
const demoOrder = "#DEMO-1"

// live plays an order, an adjustment and an edit by hand, and shows what the
// daemon makes of each.
func (d *demo) live(ctx context.Context) error {
	sold, other, errSold := d.takeShared()
	counted, errCounted := d.take()
	edited, errEdited := d.take()
	for _, err := range []error{errSold, errCounted, errEdited} {
		if err != nil {
			return err
		}
	}
	order := sandbox.OrderPlaced{
		Store: d.main(), Order: demoOrder, Location: sold.location, Lines: []sandbox.Line{{SKU: sold.sku, Quantity: "2"}},
		Import: sandbox.Import{After: demoImport},
	}
	for _, event := range []sandbox.Event{
		order,
		sandbox.StockAdjusted{SKU: counted.sku, Location: counted.katana, By: "-4"},
		sandbox.HandEdit{Store: d.main(), SKU: edited.sku, Location: edited.location, Available: edited.units + 50},
	} {
		if err := d.w.Do(event); err != nil {
			return err
		}
	}
	placed := d.a.Now()
	d.say("Three things happen at once:\n- order %s in Shopify: 2 × %s at %s. Katana will hear of it in %s.\n- a count in Katana takes 4 off %s at %s.\n- somebody types %d for %s at %s into Shopify; Katana has %d.",
		demoOrder, quoteCell(sold.sku), sold.location, demoImport, quoteCell(counted.sku), counted.katana,
		edited.units+50, quoteCell(edited.sku), edited.location, edited.units)
	if err := d.find(ctx, counted); err != nil {
		return err
	}
	d.say("Katana says what has changed there, so that is found and written at once. A cycle that has something\nto lower leaves it to the next one to ask Shopify what was updated; before a raise, all stores are asked.")
	if err := d.find(ctx, sold, edited); err != nil {
		return err
	}
	d.inFlight(sold, other)
	if err := d.why(ctx, sold); err != nil {
		return err
	}
	return d.late(ctx, sold, placed)
}

// late lets the order reach Katana, later than a guess would have waited for it.
func (d *demo) late(ctx context.Context, sold pick, placed time.Time) error {
	if err := wait(ctx, demoSettle-d.a.Now().Sub(placed)+time.Second); err != nil {
		return err
	}
	d.say("Katana still has no order %s, and settle (%s here, 10 minutes by default) is over. That is for stores whose orders\nmay not be read: there a figure that falls counts as a sale for so long. Of this order more is known.", demoOrder, demoSettle)
	if _, err := d.cycle(ctx); err != nil {
		return err
	}
	if now, _ := d.w.Available(d.main(), sold.sku, sold.location); now == sold.units-2 {
		d.say("%s is still at %d. It waits for as long as the order takes to reach Katana.", quoteCell(sold.sku), now)
	}
	if err := wait(ctx, demoImport-d.a.Now().Sub(placed)+time.Second); err != nil {
		return err
	}
	d.say("Order %s has reached Katana.", demoOrder)
	if _, err := d.cycle(ctx); err != nil {
		return err
	}
	ours, _ := d.w.Available(d.main(), sold.sku, sold.location)
	if desired, _ := d.w.Desired(d.main(), sold.sku, sold.location); ours == desired {
		d.say("Both sides say %d for %s now, so nothing is left to write.", ours, quoteCell(sold.sku))
	}
	return nil
}

// inFlight says what became of the order that Katana has not heard of.
func (d *demo) inFlight(sold pick, other sibling) {
	if now, _ := d.w.Available(d.main(), sold.sku, sold.location); now == sold.units-2 {
		d.say("%s still shows %d in Shopify although Katana says %d: those 2 are sold, and the daemon\nknows that Katana is late. A plain copy would have offered them again.", quoteCell(sold.sku), now, sold.units)
	}
	if now, ok := d.w.Available(other.store, sold.sku, other.location); ok && now == other.units-2 {
		d.say("The store %s sells from the same stock: there it went from %d to %d, before Katana knows.", other.store, other.units, now)
	}
}

// why lets the daemon tell how a level comes by its figure, over the socket
// where it answers an operator.
func (d *demo) why(ctx context.Context, p pick) error {
	ask := daemon.ExplainAsk{Config: d.config.Digest(), SKU: inventory.SKU(p.sku), Store: inventory.StoreName(d.main())}
	levels, err := daemon.NewClient(socketPath(d.config)).Explain(ctx, ask)
	if err != nil {
		return err
	}
	d.say("Why that figure? `stocksyncd explain %s` asks the running daemon. Of this level it says:", quoteCell(p.sku))
	return d.a.writeExplained(indented{d.a.Stdout}, &explained{SKU: ask.SKU, Levels: levelsAt(p.location, levels)})
}

// encore lets small things happen until the demo ends.
func (d *demo) encore(ctx context.Context) error {
	d.say("From here on something happens every few seconds, until the demo ends.")
	for n := 0; ; n++ {
		if err := wait(ctx, 4*time.Second); err != nil {
			return err
		}
		event, p, what, err := d.trifle(n)
		if err != nil {
			<-ctx.Done() // nothing is left to move
			return ctx.Err()
		}
		if err := d.w.Do(event); err != nil {
			return err
		}
		d.say("%s", what)
		if err := d.find(ctx, p); err != nil {
			return err
		}
	}
}

// trifle is a small thing that happens to the next pick, each time another one.
func (d *demo) trifle(n int) (event sandbox.Event, p pick, what string, err error) {
	var other sibling
	if n%3 == 2 {
		p, other, err = d.takeShared()
	} else {
		p, err = d.take()
	}
	switch {
	case n%3 == 1:
		event = sandbox.HandEdit{Store: d.main(), SKU: p.sku, Location: p.location, Available: p.units + 3}
		what = fmt.Sprintf("Shopify: somebody adds 3 to %s at %s by hand.", quoteCell(p.sku), p.location)
	case other.store != "":
		event = sandbox.HandEdit{Store: other.store, SKU: p.sku, Location: other.location, Available: other.units + 3}
		what = fmt.Sprintf("Shopify, store %s: somebody adds 3 to %s at %s by hand.", other.store, quoteCell(p.sku), other.location)
	default:
		event = sandbox.StockAdjusted{SKU: p.sku, Location: p.katana, By: "-1"}
		what = fmt.Sprintf("Katana: 1 × %s at %s is written off.", quoteCell(p.sku), p.katana)
	}
	return event, p, what, err
}
