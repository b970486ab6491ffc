package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/configs"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// toldLevel is what explain says of a level, as somebody else's program reads
// its JSON.
type toldLevel struct {
	Store    string           `json:"store"`
	SKU      string           `json:"sku"`
	Item     inventory.ItemID `json:"inventory_item_id"`
	Place    string           `json:"location_id"`
	Cycle    uint64           `json:"cycle"`
	Left     string           `json:"left_alone"`
	Terms    *toldTerms       `json:"terms"`
	Desired  int              `json:"desired"`
	Observed int              `json:"observed"`
	Own      []toldFlight     `json:"in_flight_here"`
	Target   int              `json:"target"`
	Next     struct {
		Outcome string `json:"outcome"`
		Reason  string `json:"reason"`
	} `json:"next"`
}

type toldTerms struct {
	Sources []struct {
		ID        inventory.SourceLocationID `json:"location_id"`
		Name      string                     `json:"location"`
		NoSales   bool                       `json:"no_sales"`
		NoRow     bool                       `json:"no_row"`
		InStock   big.Rat                    `json:"in_stock"`
		Committed big.Rat                    `json:"committed"`
		Excluded  []struct {
			Order string  `json:"order"`
			Open  big.Rat `json:"open"`
			Why   string  `json:"counts_because"`
		} `json:"excluded_orders"`
		AddedBack big.Rat `json:"added_back"`
		Kit       *struct {
			Potential big.Rat `json:"potential"`
		} `json:"kit"`
	} `json:"katana_locations"`
	Others []toldFlight `json:"in_flight_elsewhere"`
	Rule   *struct {
		Pattern string `json:"sku"`
		Buffer  int64  `json:"buffer"`
		Max     *int64 `json:"max"`
		Min     int64  `json:"min_to_sell"`
		Skip    bool   `json:"skip"`
	} `json:"rule"`
	Steps []struct {
		Name   string  `json:"step"`
		Amount big.Rat `json:"amount"`
		Result big.Rat `json:"result"`
	} `json:"steps"`
}

type toldFlight struct {
	Store string `json:"store"`
	Units int64  `json:"units"`
}

func flown(terms []toldFlight) (units int64) {
	for _, term := range terms {
		units += term.Units
	}
	return units
}

// figure works out what a level is to show from the terms alone, with so many
// units in flight elsewhere.
func (t *toldTerms) figure(elsewhere int64) int {
	exact := new(big.Rat)
	for _, s := range t.Sources {
		if s.NoSales || s.NoRow {
			continue
		}
		exact.Add(exact, &s.InStock).Sub(exact, &s.Committed).Add(exact, &s.AddedBack)
		if s.Kit != nil {
			exact.Add(exact, &s.Kit.Potential)
		}
	}
	exact.Sub(exact, new(big.Rat).SetInt64(elsewhere))
	if t.Rule != nil {
		exact.Sub(exact, new(big.Rat).SetInt64(t.Rule.Buffer))
	}
	units := new(big.Int).Div(exact.Num(), exact.Denom()).Int64() // rounds down, as the denominator is positive
	if t.Rule != nil {
		if units < t.Rule.Min {
			units = 0
		}
		if t.Rule.Max != nil {
			units = min(units, *t.Rule.Max)
		}
	}
	return int(max(units, 0))
}

// spot is where a store sells a SKU. Several variants with one SKU share it.
type spot struct{ store, sku, place string }

func (l toldLevel) spot() spot { return spot{l.Store, l.SKU, l.Place} }

func (s spot) String() string { return fmt.Sprintf("%s at %s of %s", s.sku, s.place, s.store) }

// asking is a shop with what it has sold and Katana has not heard of.
type asking struct {
	*bench
	dice     *rand.Rand
	variants map[string]map[string][]string // by store and SKU
	sold     map[spot]int64
	orders   int
}

func newAsking(t *testing.T, seed uint64, stores, products int) *asking {
	t.Helper()
	b := &asking{bench: shopBench(t, seed, stores, products), dice: rand.New(rand.NewPCG(seed, 7)), sold: map[spot]int64{}, variants: map[string]map[string][]string{}}
	guessing(t, b.world)
	for _, store := range b.world.Stores() {
		b.variants[store] = b.shopifyIDs(store)
	}
	b.edit(`"@every 30s"`, `"@every 1h"`) // no cycle comes between two questions
	text, err := os.ReadFile(b.configPath())
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, "guards: { max_changed_percent: 0, max_zeroed_percent: 0 }\n"...)
	if err := os.WriteFile(b.configPath(), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

// mode sets the mode of every store.
func (b *asking) mode(mode string) {
	b.t.Helper()
	text, err := os.ReadFile(b.configPath())
	if err != nil {
		b.t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "    mode: ") {
			lines[i] = "    mode: " + mode
		}
	}
	if err := os.WriteFile(b.configPath(), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// skus lists the SKUs of all stores, also of what has no level at all.
func (b *asking) skus() (skus []string) {
	for _, variants := range b.variants {
		for sku := range variants {
			if sku != "" {
				skus = append(skus, sku)
			}
		}
	}
	slices.Sort(skus)
	return slices.Compact(skus)
}

// sell has so many levels sell a unit or two whose order Katana learns of in an
// hour.
func (b *asking) sell(n int) {
	b.t.Helper()
	var spots []spot
	for _, store := range b.world.Summary().Stores {
		for _, sku := range b.skus() {
			for _, l := range store.Locations {
				// Of several variants with one SKU the world sells the oldest.
				if len(b.variants[store.Name][sku]) == 1 {
					spots = append(spots, spot{store.Name, sku, fmt.Sprint(l.ID)})
				}
			}
		}
	}
	for _, i := range b.dice.Perm(len(spots)) {
		at, units := spots[i], 1+b.dice.IntN(2)
		shows, _ := b.world.Available(at.store, at.sku, at.place)
		if _, ours := b.world.Desired(at.store, at.sku, at.place); n == 0 || !ours || shows < units {
			continue
		}
		n--
		b.orders++
		b.do(sandbox.OrderPlaced{
			Store: at.store, Order: fmt.Sprint("#9", b.orders), Location: at.place,
			Lines: []sandbox.Line{{SKU: at.sku, Quantity: fmt.Sprint(units)}}, Import: sandbox.Import{After: time.Hour},
		})
		b.sold[at] += int64(units)
	}
}

// later lets so much time go by that what was sold is in flight no longer.
func (b *asking) later() {
	b.pass(3 * time.Minute)
	clear(b.sold)
}

// wantExplained checks what explain tells of each level against the sandbox:
// the terms against Katana, their sum against the stock rules as the sandbox
// knows them, what is in flight against what was sold.
func (b *asking) wantExplained(levels []toldLevel) {
	b.t.Helper()
	figured, apart := 0, map[string]int{} // by what shows in the terms
	for _, l := range levels {
		where := l.spot()
		want, ours := b.world.Desired(l.Store, l.SKU, l.Place)
		if ours != (l.Left == "") {
			b.t.Errorf("%s: left alone as %q, and the sandbox says %v", where, l.Left, ours)
		}
		level := b.world.Level(l.Store, l.SKU, l.Place)
		if level.Active && l.Observed != level.Available {
			b.t.Errorf("%s: observed %d, and it shows %d", where, l.Observed, level.Available)
		}
		if l.Left != "" {
			continue
		}
		figured++
		b.wantTrueTerms(l, apart)
		elsewhere := b.elsewhere(l, levels)
		switch {
		case flown(l.Terms.Others) != elsewhere || flown(l.Own) != b.sold[l.spot()]:
			b.t.Errorf("%s: %d in flight here and %d elsewhere, want %d and %d", where, flown(l.Own), flown(l.Terms.Others), b.sold[l.spot()], elsewhere)
		case l.Terms.figure(0) != want:
			b.t.Errorf("%s: the terms make %d before what is in flight, the sandbox says %d", where, l.Terms.figure(0), want)
		case l.Terms.figure(elsewhere) != l.Desired:
			b.t.Errorf("%s: the terms make %d, desired is %d", where, l.Terms.figure(elsewhere), l.Desired)
		case l.Target != targetOf(l, int(b.sold[l.spot()])):
			b.t.Errorf("%s: observed %d, desired %d, %d in flight here: target %d, want %d", where, l.Observed, l.Desired, flown(l.Own), l.Target, targetOf(l, int(flown(l.Own))))
		}
		if elsewhere > 0 {
			apart["units in flight elsewhere"]++
		}
	}
	for _, what := range []string{"orders that do not count", "orders that count all the same", "kits", "rules", "several Katana locations", "units in flight elsewhere"} {
		if apart[what] == 0 {
			b.t.Errorf("of %d levels none has %s: the test proves too little", figured, what)
		}
	}
}

// wantTrueTerms holds the terms of a level against what Katana holds, and the
// steps against their results.
func (b *asking) wantTrueTerms(l toldLevel, apart map[string]int) {
	b.t.Helper()
	where := l.spot()
	same := func(got *big.Rat, want string) bool {
		exact, ok := new(big.Rat).SetString(want)
		return ok && got.Cmp(exact) == 0
	}
	for _, s := range l.Terms.Sources {
		inStock, committed, potential := b.world.KatanaFigures(l.SKU, s.Name)
		if s.NoSales {
			continue
		}
		if !same(&s.InStock, inStock) || !same(&s.Committed, committed) {
			b.t.Errorf("%s: %s in stock and %s committed at %s, Katana has %s and %s", where, s.InStock.RatString(), s.Committed.RatString(), s.Name, inStock, committed)
		}
		if (s.Kit != nil) != (potential != "") && l.SKU != "SET-SURPRISE" || s.Kit != nil && potential != "" && !same(&s.Kit.Potential, potential) {
			b.t.Errorf("%s: the kit %+v at %s, Katana says %q", where, s.Kit, s.Name, potential)
		}
		back := new(big.Rat)
		for _, row := range s.Excluded {
			if row.Why == "" {
				back.Add(back, &row.Open)
				apart["orders that do not count"]++
			} else {
				apart["orders that count all the same"]++
			}
		}
		if back.Cmp(&s.Committed) > 0 {
			back = &s.Committed
		}
		if back.Cmp(&s.AddedBack) != 0 {
			b.t.Errorf("%s: %s added back at %s, the orders make %s", where, s.AddedBack.RatString(), s.Name, back.RatString())
		}
		if s.Kit != nil {
			apart["kits"]++
		}
	}
	sum := new(big.Rat)
	for _, step := range l.Terms.Steps {
		if sum.Add(sum, &step.Amount); sum.Cmp(&step.Result) != 0 {
			b.t.Errorf("%s: the step %s leads to %s, and the amounts make %s", where, step.Name, step.Result.RatString(), sum.RatString())
		}
	}
	if sum.Cmp(new(big.Rat).SetInt64(int64(l.Desired))) != 0 {
		b.t.Errorf("%s: the steps add up to %s, desired is %d", where, sum.RatString(), l.Desired)
	}
	if l.Terms.Rule != nil {
		apart["rules"]++
	}
	if len(l.Terms.Sources) > 1 {
		apart["several Katana locations"]++
	}
}

// elsewhere is what is sold of the SKU at other levels, of any store, that draw
// on one of the Katana locations that this one draws on.
func (b *asking) elsewhere(l toldLevel, levels []toldLevel) (units int64) {
	for _, other := range levels {
		if other.SKU != l.SKU || other.spot() == l.spot() || b.sold[other.spot()] == 0 {
			continue
		}
		shared := false
		for _, one := range l.Terms.Sources {
			for _, two := range other.Terms.Sources {
				shared = shared || one.ID == two.ID && !one.NoSales
			}
		}
		if shared {
			units += b.sold[other.spot()]
		}
	}
	return units
}

// targetOf is what a level of which own units are in flight is to show now.
func targetOf(l toldLevel, own int) int {
	switch left := max(l.Desired-own, 0); {
	case l.Observed == l.Desired || l.Observed <= 0 && l.Desired <= 0:
		return l.Observed
	case l.Observed > l.Desired:
		return left
	case left == 0:
		return l.Observed
	default:
		return max(l.Observed, left)
	}
}

// wantWritten checks that a cycle did with each level what explain said: wrote
// its target, or left it as it was. It gives how many were written and how many
// wait.
func (b *asking) wantWritten(levels []toldLevel, report inventory.Report) (applied, waiting int) {
	b.t.Helper()
	type line struct {
		spot
		item inventory.ItemID
	}
	changes := map[line]inventory.ChangeReport{}
	for _, store := range report.Stores {
		for _, c := range store.Changes {
			changes[line{spot{string(store.Name), string(c.SKU), c.LocationID.String()}, c.Item}] = c
		}
	}
	for _, l := range levels {
		where := l.spot()
		change, changed := changes[line{where, l.Item}]
		shows := b.shows(l)
		switch {
		case l.Next.Outcome == "applied":
			applied++
			if change.Outcome != inventory.Applied || int(change.To) != l.Target || int(change.From) != l.Observed || shows != l.Target {
				b.t.Errorf("%s: explain says that %d is written, the cycle did %+v, and it shows %d", where, l.Target, change, shows)
			}
		case l.Next.Outcome == "waiting":
			waiting++
			if change.Outcome != inventory.Waiting || string(change.Reason) != l.Next.Reason || shows != l.Observed {
				b.t.Errorf("%s: explain says that it waits (%s), the cycle did %+v, and it shows %d", where, l.Next.Reason, change, shows)
			}
		case changed || l.Left == "" && shows != l.Target:
			b.t.Errorf("%s: explain says that nothing is written, the cycle did %+v, and it shows %d", where, change, shows)
		}
	}
	return applied, waiting
}

// shows is what a level shows. The world tells of the oldest variant with its
// SKU, which shows the same as the others.
func (b *asking) shows(l toldLevel) int {
	return b.world.Level(l.Store, l.SKU, l.Place).Available
}

// everySKU asks explain for every SKU, with both sides read for each.
func (b *asking) everySKU() (levels []toldLevel) {
	b.t.Helper()
	for _, sku := range b.skus() {
		out, _ := b.expect(exitDone, "explain", sku, "--fresh", "--output", "json")
		var told struct{ Levels []toldLevel }
		if err := json.Unmarshal([]byte(out), &told); err != nil || len(told.Levels) == 0 {
			b.t.Fatalf("%s: %v in\n%s", sku, err, out)
		}
		levels = append(levels, told.Levels...)
	}
	return levels
}

// daemon runs the daemon until ask, which is given its control socket after the
// first cycle, has ended.
func (b *asking) daemon(ask func(*daemon.Client)) {
	b.t.Helper()
	cfg, err := configs.Load(b.configPath())
	if err != nil {
		b.t.Fatal(err)
	}
	env, _, _ := b.env()
	cycled, ended := make(chan struct{}, 100), make(chan error, 1)
	env.Stderr = io.Discard
	env.Now = func() time.Time { // what is written was written after what was read
		b.pass(time.Millisecond)
		return b.clock()
	}
	a := &app{Env: env, output: "text", color: "never"}
	ctx, stop := context.WithTimeout(b.t.Context(), 5*time.Minute)
	defer stop()
	go func() {
		ended <- a.runDaemon(ctx, running{path: b.configPath(), observe: func(reconcile.Request, *inventory.Report, error) {
			cycled <- struct{}{}
		}})
	}()
	select {
	case <-cycled:
		ask(daemon.NewClient(socketPath(cfg)))
	case err := <-ended:
		b.t.Fatalf("the daemon ended before its first cycle: %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		b.t.Errorf("the daemon ended with %v", err)
	}
}

// toldBy asks the running daemon for every SKU what its last cycle read.
func (b *asking) toldBy(client *daemon.Client) (levels []toldLevel) {
	b.t.Helper()
	cfg, err := configs.Load(b.configPath())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, sku := range b.skus() {
		told, err := client.Explain(b.t.Context(), daemon.ExplainAsk{Config: cfg.Digest(), SKU: inventory.SKU(sku)})
		if err != nil {
			b.t.Fatal(err)
		}
		found, _ := split(told)
		text, err := json.Marshal(found)
		if err != nil {
			b.t.Fatal(err)
		}
		var list []toldLevel
		if err := json.Unmarshal(text, &list); err != nil {
			b.t.Fatal(err)
		}
		levels = append(levels, list...)
	}
	return levels
}

// TestTermsAddUpToWhatIsWritten asks explain for every level of generated shops
// that have drifted, with orders that do not count and units in flight: what its
// JSON adds up to is what the sandbox's own telling of the rules says, and what a
// cycle then writes or leaves.
func TestTermsAddUpToWhatIsWritten(t *testing.T) {
	for seed := range uint64(cases(2)) {
		stores := 2 + int(seed+1)%2
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			b := newAsking(t, seed, stores, 6)
			b.do(sandbox.SalesOrderPlaced{Order: "B2B-900", Customer: 600077, Lines: []sandbox.Line{{SKU: "TEAPOT-OAT", Quantity: "2"}, {SKU: "EASEL", Quantity: "3"}}})
			sandbox.Drift(b.world, seed)
			b.mode("report")
			b.once(exitDone) // everything is seen, nothing is written
			b.later()
			b.sell(25)
			b.mode("apply")
			levels := b.everySKU()
			b.wantExplained(levels)
			applied, waiting := b.wantWritten(levels, b.once(exitDone))
			if applied < 10 || waiting < 3 {
				t.Errorf("only %d levels were written and %d wait: the test proves too little", applied, waiting)
			}
			b.later()
			b.sell(25)
			for _, sku := range b.skus() {
				if b.dice.IntN(4) == 0 {
					_ = b.world.Do(sandbox.StockAdjusted{SKU: sku, Location: "Workshop", By: fmt.Sprint(b.dice.IntN(9) - 4)}) // not all are in Katana
				}
			}
			b.daemon(b.wantTold)
		})
	}
}

// wantTold checks what the running daemon tells of its last cycle.
func (b *asking) wantTold(client *daemon.Client) {
	b.t.Helper()
	levels := b.toldBy(client)
	b.wantExplained(levels)
	waiting := 0
	for _, l := range levels {
		if l.Next.Outcome == "waiting" {
			waiting++
		}
		if l.Cycle == 0 || l.Next.Outcome == "applied" || l.Left == "" && b.shows(l) != l.Target {
			b.t.Errorf("%s: cycle %d was to leave %d, it shows %d, and next is %q", l.spot(), l.Cycle, l.Target, b.shows(l), l.Next.Outcome)
		}
	}
	if waiting < 3 {
		b.t.Errorf("only %d levels wait: the test proves too little", waiting)
	}
	out, log := b.expect(exitDone, "explain", "TEAPOT-OAT", "--output", "json")
	var told struct{ Levels []toldLevel }
	if err := json.Unmarshal([]byte(out), &told); err != nil || log != "" {
		b.t.Fatalf("%v in\n%s%s", err, out, log)
	}
	var same []toldLevel
	for _, l := range levels {
		if l.SKU == "TEAPOT-OAT" {
			same = append(same, l)
		}
	}
	if !reflect.DeepEqual(told.Levels, same) {
		b.t.Errorf("the command prints\n%+v\nthe daemon told\n%+v", told.Levels, same)
	}
}
