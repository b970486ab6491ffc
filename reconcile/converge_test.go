package reconcile_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// TestPropertyWhateverHappensNoDriftIsLeftAfterASweep lets everything happen,
// with and without faults, and looks for what is left of it once all is quiet.
// Every write on the way is held against a full read at the same moment.
func TestPropertyWhateverHappensNoDriftIsLeftAfterASweep(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFair(t, rt)
		defer f.stop()
		f.cycle(inventory.Incremental)
		f.pass(settle) // so that raises no longer wait
		f.cycle(inventory.Incremental)
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			for range rapid.IntRange(0, 6).Draw(rt, "events") {
				f.happen()
			}
			f.pass(time.Duration(rapid.IntRange(0, 240).Draw(rt, "seconds")) * time.Second)
			f.arrive()
			kind := inventory.Incremental
			if rapid.IntRange(0, 9).Draw(rt, "full") == 0 {
				kind = inventory.Full
			}
			if rapid.IntRange(0, 2).Draw(rt, "trouble") == 0 {
				f.troubled(kind)
			} else {
				f.cycle(kind)
			}
		}
		f.settleDown()
	})
}

// cycle runs a cycle in which nothing goes wrong.
func (f *fair) cycle(kind inventory.Kind) *inventory.Report {
	f.pass(time.Second)
	f.rushed = false
	f.look()
	report, err := f.r.Cycle(context.Background(), reconcile.Request{Kind: kind})
	if err != nil {
		f.rt.Fatal(err)
	}
	for _, s := range report.Stores {
		if s.Error != "" && (f.calm || !strings.Contains(s.Error, "locations:")) {
			f.rt.Fatalf("store %s: %s", s.Name, s.Error)
		}
	}
	f.consistent(report)
	return report
}

// troubled runs a cycle in which a call goes wrong, or a store has a sale before
// it takes a write.
func (f *fair) troubled(kind inventory.Kind) {
	f.pass(time.Second)
	f.rushed, f.would = false, nil
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	f.cancel = cancel
	f.of = rapid.SampledFrom([]string{"source", "journal", "main", "journal of main", "rush"}).Draw(f.rt, "trouble of")
	f.nth = rapid.IntRange(1, 7).Draw(f.rt, "nth call")
	may := []fault{failed, killed, killedNow, cancelled}
	switch f.of {
	case "source":
		may = append(may, cut, untold)
	case "journal":
		may = append(may, cut)
	case "main":
		may = append(may, cut, lost, unsent)
	}
	if f.what = rapid.SampledFrom(may).Draw(f.rt, "fault"); f.of == "rush" {
		f.what, f.rush = "", "main"
	}
	report, err := f.r.Cycle(ctx, reconcile.Request{Kind: kind})
	if err != nil && f.struck == "" {
		f.rt.Fatal(err)
	}
	f.rush = ""
	switch {
	case !f.dead:
		// What a level shows after a lost answer is measured against more than it
		// shows, on purpose: until the next look, the two differ.
		unclear := f.what == lost || f.what == unsent
		if f.over(); err == nil && !unclear {
			f.consistent(report)
		}
	case !f.calm && rapid.IntRange(0, 4).Draw(f.rt, "state file lost, too") == 0:
		f.forget()
	default:
		f.start()
	}
}

// rushes has a store sell one of what it is about to write.
func (f *fair) rushes(s *stall, batch []inventory.Change) {
	f.writing.Lock()
	defer f.writing.Unlock()
	level := s.levels[batch[0].Key]
	if f.rush != s.name || level == nil || !level.active {
		return
	}
	f.rush, f.rushed = "", true
	level.available--
	f.underway = append(f.underway, order{
		at: f.clock().Add(time.Minute), key: batch[0].Key, sku: s.items[batch[0].Item].SKU, units: inventory.Scale, sources: f.sourcesOf(batch[0].Key),
	})
}

// look finds out what a full cycle would write now, and what the process cannot
// know: an item or a location that has become another thing since it was read
// last is found by the sweep, and no compare-and-set tells of it.
func (f *fair) look() {
	f.would, f.unknown, f.moved = map[inventory.Key]inventory.LevelFigure{}, map[inventory.Key]bool{}, map[inventory.StoreName]bool{}
	strangers := map[inventory.SKU]bool{} // SKUs that levels carry which are not known
	for i, s := range f.stalls {
		s.done, s.stale = nil, 0
		if f.config[i].Mode == inventory.ModeOff {
			continue
		}
		figures, err := f.r.Figures(context.Background(), s.name)
		if f.moved[s.name] = err != nil; err != nil {
			continue // the names of its mapping mean nothing any more
		}
		known := map[inventory.Key]inventory.Level{}
		shelf, err := f.r.Shelf(s.name)
		if err != nil {
			f.rt.Fatal(err)
		}
		for _, level := range shelf {
			level.Available = 0
			known[level.Key] = level
		}
		targets, sources := f.r.Located(s.name)
		f.moved[s.name] = targets != nil && !reflect.DeepEqual(targets, s.locations) || sources != nil && !reflect.DeepEqual(sources, f.works.locations)
		unheard := f.unheard()
		is := map[inventory.Key]inventory.Level{}
		for _, level := range s.all() {
			level.Available = 0
			is[level.Key] = level
		}
		for _, figure := range figures.Levels {
			f.would[figure.Key] = figure
			f.unknown[figure.Key] = unheard[figure.SKU] || len(known) > 0 && is[figure.Key] != known[figure.Key]
		}
		for key, level := range known {
			f.unknown[key] = f.unknown[key] || unheard[level.SKU] || is[key] != level
		}
		for key, level := range is {
			if len(known) > 0 && known[key] != level {
				strangers[level.SKU] = true
			}
		}
	}
	for key, figure := range f.would { // nor can it wait for what a level may have sold that it does not know
		f.unknown[key] = f.unknown[key] || figure.Waits == inventory.ReasonFirstSight && strangers[figure.SKU]
	}
}

// unheard lists the SKUs of which Katana's feeds have not told yet that another
// variant, or none, stands for them.
func (f *fair) unheard() map[inventory.SKU]bool {
	known, _ := f.r.Mirrored()
	skus := map[inventory.SKU]bool{}
	if len(known) == 0 { // all of it is about to be read
		return skus
	}
	was, is := map[inventory.SourceVariantID]inventory.SourceVariant{}, map[inventory.SourceVariantID]inventory.SourceVariant{}
	for _, v := range known {
		was[v.ID] = v
	}
	for _, v := range f.works.variants {
		is[v.ID] = v
	}
	for id := range maps.Keys(was) {
		if was[id] != is[id] {
			skus[was[id].SKU], skus[is[id].SKU] = true, true
		}
	}
	for id := range maps.Keys(is) {
		if was[id] != is[id] {
			skus[was[id].SKU], skus[is[id].SKU] = true, true
		}
	}
	return skus
}

// offered holds a write against a full cycle, and against what is sold.
func (f *fair) offered(s *stall, change inventory.Change) {
	f.writing.Lock()
	defer f.writing.Unlock()
	if f.would != nil && !f.moved[s.name] && !f.unknown[change.Key] {
		if is, known := f.would[change.Key]; !known || is.Left != "" || is.Waits != "" || is.Target != change.To {
			f.rt.Errorf("%s (%s) was set from %d to %d because of %s, where a full cycle would have had %d for %d, left alone %q, waiting %q", change.Key, change.SKU, change.From, change.To, change.Reason, is.Target, is.Observed, is.Left, is.Waits)
		}
	}
	if f.calm && !f.rushed {
		if most := f.most(s, change.Key); change.To > most {
			f.rt.Errorf("%s (%s) was set from %d to %d, and %d can be sold", change.Key, change.SKU, change.From, change.To, most)
		}
	}
}

// most is what Katana has for a level, less what is sold of it and unknown there.
func (f *fair) most(s *stall, key inventory.Key) inventory.Units {
	sku, sources := s.items[key.Item].SKU, f.sourcesOf(key)
	id, _ := f.stands(sku)
	var left inventory.Quantity
	for _, at := range sources {
		row, _ := f.works.row(id, at)
		left += row.InStock - row.Committed + row.Potential
		for _, o := range f.works.open {
			if o.Rows[0].Variant == id && o.Location == at && !f.config[slices.Index(f.stalls, s)].Orders.All() {
				left += o.Rows[0].Quantity
			}
		}
	}
	for _, o := range f.underway {
		if o.sku == sku && slices.ContainsFunc(o.sources, func(at inventory.SourceLocationID) bool { return slices.Contains(sources, at) }) {
			left -= o.units
		}
	}
	return max(left.Floor(), 0)
}

// consistent looks at what a cycle leaves of the stores that it came through
// with: the counts are those of a plan of all levels, and a restart would go on
// with what is known.
func (f *fair) consistent(report *inventory.Report) {
	for i, s := range f.stalls {
		r := report.Stores[i]
		if r.Mode == inventory.ModeOff || r.Error != "" {
			continue
		}
		if r.InStep+r.Drifted != r.Levels {
			f.rt.Fatalf("%s: %d in step and %d drifted of %d", s.name, r.InStep, r.Drifted, r.Levels)
		}
		if kept, again := f.r.Count(s.name); len(s.done)+s.stale+r.Stale+r.Rejected == 0 && !reflect.DeepEqual(kept, again) {
			f.rt.Fatalf("%s: the counts are %+v, and of all levels %+v", s.name, kept, again)
		}
		shelf, err := f.r.Shelf(s.name)
		if err != nil {
			f.rt.Fatal(err)
		}
		kept, err := f.state.Store(s.name)
		if err != nil {
			f.rt.Fatal(err)
		}
		if r.Stale == 0 { // what a write finds gone is durable with the next cycle
			f.same(s, shelf, reconcile.Restored(s.name, &kept), "a restart would go on with what is not known")
		}
	}
}

// same wants two listings of a store to be the same, but for the padding.
func (f *fair) same(s *stall, known, want []inventory.Level, otherwise string) {
	if slices.Equal(known, want) {
		return
	}
	short := func(levels []inventory.Level) (lines []string) {
		for _, l := range levels {
			if l.Item < padding {
				lines = append(lines, fmt.Sprintf("\n%s %q %d active %t", l.Key, l.SKU, l.Available, l.Active))
			}
		}
		return lines
	}
	f.rt.Fatalf("%s: %s: %d levels are known, %s\nand want %d, %s", s.name, otherwise, len(known), short(known), len(want), short(want))
}

// settleDown lets all that is under way arrive, and one sweep pass. Then both
// sides are what the process takes them for.
func (f *fair) settleDown() {
	for len(f.lostRows) > 0 {
		f.loseRow()
	}
	if !f.calm {
		f.configure() // by the names of today
	}
	for i := range f.config {
		f.config[i].Mode = inventory.ModeApply
	}
	f.start()
	f.pass(settle)
	f.arrive()
	every := time.Duration(rapid.IntRange(240, 600).Draw(f.rt, "every")) * time.Second
	for began := f.now; f.now.Before(began.Add(sweep + settle + rest)); f.pass(every) {
		f.cycle(inventory.Incremental)
	}
	report := f.cycle(inventory.Incremental)
	f.mirrored()
	for _, s := range f.stalls {
		if len(s.done) > 0 {
			f.rt.Fatalf("once all is quiet %s is still written: %+v", s.name, s.done)
		}
		shelf, err := f.r.Shelf(s.name)
		if err != nil {
			f.rt.Fatal(err)
		}
		f.same(s, shelf, s.all(), "not all of the store is known")
	}
	full, err := f.r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full, Dry: true})
	if err != nil {
		f.rt.Fatal(err)
	}
	for i, s := range f.stalls {
		was, is := report.Stores[i], full.Stores[i]
		if is.Drifted > 0 || is.Error != "" {
			f.rt.Fatalf("after all has settled and been swept, %s has drift: %s %+v", s.name, is.Error, is.Changes)
		}
		if was.InStep != is.InStep || was.Negative != is.Negative || !maps.Equal(was.Skipped, is.Skipped) {
			f.rt.Fatalf("%s: %d in step, %d negative, %v left alone; a full cycle has %d, %d, %v", s.name, was.InStep, was.Negative, was.Skipped, is.InStep, is.Negative, is.Skipped)
		}
	}
}

// mirrored holds what is known of Katana against it.
func (f *fair) mirrored() {
	variants, stock := f.r.Mirrored()
	if !slices.ContainsFunc(f.stalls, func(s *stall) bool {
		return slices.ContainsFunc(s.locations, func(at inventory.Location) bool {
			return len(f.sourcesOf(inventory.Key{Store: s.name, Location: at.ID})) > 0
		})
	}) {
		return // nobody draws on Katana, and nobody asks it
	}
	byID := func(a, b inventory.SourceVariant) int { return int(a.ID - b.ID) }
	slices.SortFunc(variants, byID)
	if all := slices.SortedFunc(slices.Values(f.works.variants), byID); !slices.Equal(variants, all) {
		f.rt.Fatalf("Katana lists %+v, and %+v is known", all, variants)
	}
	for _, known := range stock {
		v := variants[slices.IndexFunc(variants, func(v inventory.SourceVariant) bool { return v.ID == known.Variant })]
		if row, _ := f.works.row(known.Variant, known.Location); v.Live() && row != known {
			f.rt.Fatalf("Katana has %+v, and %+v is known", row, known)
		}
	}
}
