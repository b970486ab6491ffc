package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// rarePlay is a scene that is played.
type rarePlay struct {
	*whole
	rareScene
	fault  sandbox.Fault
	writes map[string]int // that were checked, by store
}

// play plays a fault in a scene, and gives one letter for what came of it.
func (s rareScene) play(t *testing.T, fault sandbox.Fault) string {
	t.Helper()
	p := &rarePlay{whole: faultWorldWith(t, s.bulk, s.main), rareScene: s, fault: fault, writes: map[string]int{}}
	defer func() { p.stop() }()
	var log bytes.Buffer
	p.grant, p.whole.bound = s.main.ClientID != "", s.bound
	p.log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p.start()
	if s.has != nil {
		s.has(p.whole)
	}
	p.wantInStep(2)
	play := p.inCycle
	if s.command != nil {
		play = p.inCommand
	}
	letter := play()
	secretFree(t, fmt.Sprint("the log after ", fault), log.String())
	return letter
}

// inCommand has a command ask what fails: it says so, or gives what it gave
// before.
func (p *rarePlay) inCommand() string {
	want, err := p.command(p.whole)
	if err != nil {
		p.t.Fatal(err)
	}
	hits := p.world.Inject(p.fault)
	letter, began := ".", time.Now()
	got, err := p.command(p.whole)
	p.wantSoon(began)
	switch {
	case err == nil && got != want:
		p.t.Errorf("%s: got\n%s\nwant\n%s", p.fault, got, want)
	case err != nil:
		letter = "S"
		secretFree(p.t, fmt.Sprint("the error of ", p.fault), err.Error())
		if !strings.Contains(err.Error(), "shopify/main: ") {
			p.t.Errorf("%s: the error names no place: %v", p.fault, err)
		}
	}
	if hits() == 0 {
		letter = "-"
	}
	p.world.ClearFaults()
	if got, err := p.command(p.whole); err != nil || got != want {
		p.t.Errorf("%s: once it is over: got %v\n%s\nwant\n%s", p.fault, err, got, want)
	}
	return letter
}

// inCycle has a cycle ask what fails.
func (p *rarePlay) inCycle() string {
	if p.happens != nil {
		p.happens(p.whole)
	}
	shows, _ := p.world.Available("main", "SKU-06", "Oslo")
	p.do(
		sandbox.StockAdjusted{SKU: "SKU-04", Location: "Oslo", By: "3"}, sandbox.StockAdjusted{SKU: "SKU-05", Location: "Oslo", By: "-2"},
		sandbox.HandEdit{Store: "main", SKU: "SKU-06", Location: "Oslo", Available: shows + 3},
	)
	hits := p.world.Inject(p.fault)
	report := p.run(p.kind)
	text, err := json.Marshal(report)
	if err != nil {
		p.t.Fatal(err)
	}
	secretFree(p.t, fmt.Sprint("the report after ", p.fault), string(text))
	letter := outcome(p.t, p.fault, hits(), report)
	switch behind := p.behind("main"); {
	case letter == "." && behind > 0:
		letter = "p"
	case letter == "p" && behind == 0: // what waits is sold
		letter = "."
	}
	if report.Stores[0].Error != "" { // what outlet is raised by waits for main, for one settle at most
		for _, change := range report.Stores[1].Changes {
			if change.Outcome != inventory.Applied && change.Reason != inventory.ReasonUnread {
				p.t.Errorf("%s: main failed, and outlet leaves %+v", p.fault, change)
			}
		}
		p.pass(p.settle)
		p.run(p.kind)
	}
	for _, sku := range []string{"SKU-04", "SKU-05"} {
		if shows, _ := p.world.Available("outlet", sku, "Oslo"); p.fault.API != "katana" && shows != p.sellable("outlet", sku, "Oslo") {
			p.t.Errorf("%s: a fault of one store keeps %s of the other at %d: %+v", p.fault, sku, shows, report.Stores[1])
		}
	}
	p.world.ClearFaults()
	p.wantInStep(4)
	return letter
}

// run runs a cycle and checks that it ends soon and writes nothing but what can
// be sold.
func (p *rarePlay) run(kind inventory.Kind) *inventory.Report {
	p.t.Helper()
	began := time.Now()
	report := p.cycle(reconcile.Request{Kind: kind})
	p.wantSoon(began)
	for _, store := range p.world.Stores() {
		all := p.world.Writes(store)
		for _, write := range all[p.writes[store]:] {
			if want := p.sellable(store, write.SKU, write.Location); write.To != want {
				p.t.Errorf("%s: %s of %s was set from %d to %d, want %d", p.fault, write.SKU, store, write.From, write.To, want)
			}
		}
		p.writes[store] = len(all)
	}
	return report
}

func (p *rarePlay) wantSoon(began time.Time) {
	p.t.Helper()
	most := p.most
	if most == 0 {
		most = rareMost
	}
	if took := time.Since(began); took > most {
		p.t.Errorf("%s: it took %s, want no more than %s", p.fault, took, most)
	}
}

func (p *rarePlay) sellable(store, sku, location string) int {
	n, _ := p.world.Sellable(store, sku, location, time.Now())
	return max(0, n)
}

// behind counts the levels that show something else than can be sold.
func (p *rarePlay) behind(store string) (n int) {
	for i := range 12 {
		sku := fmt.Sprintf("SKU-%02d", i)
		for _, pair := range p.mappingOf(store).Locations {
			if shows, active := p.world.Available(store, sku, pair.Target); !active || shows != p.sellable(store, sku, pair.Target) {
				n++
			}
		}
	}
	return n
}

func (p *rarePlay) mappingOf(store string) desired.Mapping {
	for _, s := range p.stores {
		if string(s.Name) == store {
			return s.Mapping
		}
	}
	return desired.Mapping{}
}

// wantInStep wants all in step within so many full cycles, an hour apart.
func (p *rarePlay) wantInStep(cycles int) {
	p.t.Helper()
	for range cycles {
		p.pass(time.Hour)
		p.run(inventory.Full)
		if p.behind("main")+p.behind("outlet") == 0 {
			break
		}
	}
	for _, store := range p.clean(reconcile.Request{Dry: true}).Stores {
		if n := p.behind(string(store.Name)); n > 0 {
			p.t.Errorf("%s: with nothing wrong, %d levels of %s are not in step", p.fault, n, store.Name)
		}
		for _, change := range store.Changes {
			if change.Outcome != inventory.Waiting || change.Reason != inventory.ReasonInFlight {
				p.t.Errorf("%s: with nothing wrong, %s still finds %+v", p.fault, store.Name, change)
			}
		}
	}
}

// TestAStopDuringABulkQueryWaitsForNoAnswer stops a cycle while a bulk query runs
// that cannot be canceled.
func TestAStopDuringABulkQueryWaitsForNoAnswer(t *testing.T) {
	const stop, most = time.Minute, time.Minute + 10*time.Second
	for _, kind := range faultKinds {
		synctest.Test(t, func(t *testing.T) {
			w := faultWorldWith(t, 1, sandbox.StoreOptions{BulkTakes: 3 * time.Hour})
			defer w.stop()
			fault := sandbox.Fault{API: "shopify/main", Op: "cancelBulk", Kind: kind, Count: -1}
			hits, began := w.world.Inject(fault), time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), stop)
			defer cancel()
			_, err := w.rig.reconciler.Cycle(ctx, reconcile.Request{Kind: inventory.Full})
			if took := time.Since(began); took > most || hits() == 0 {
				t.Errorf("%s: the cycle took %s and met it %d times, want no more than %s: %v", fault, took, hits(), most, err)
			}
			w.world.ClearFaults()
			for range 3 {
				w.pass(time.Hour)
				w.clean(reconcile.Request{})
			}
			wantTrueWrites(t, w.world, fault)
			if got := inStepCount(w.world, "main"); got != 12 {
				t.Errorf("%s: %d of 12 levels are in step after the stop", fault, got)
			}
		})
	}
}
