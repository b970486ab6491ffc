package state

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stocksyncd/reconcile/inventory"
)

// model is what a state file should give back, kept in plain maps.
type model struct {
	source   inventory.SourceMemory
	variants map[inventory.SourceVariantID]keptVariant
	head     *inventory.SourceHead
	stores   map[inventory.StoreName]*inventory.StoreMemory
	writes   pastWrites
	settled  map[uint64]settledBatch
	last     *inventory.Report
	lastTold *inventory.Report  // what the history will keep of it; nil for nothing
	history  []inventory.Report // without the newest, oldest first
	hours    map[time.Time]*inventory.Hour
	cycle    uint64
}

func newModel() *model {
	return &model{
		variants: map[inventory.SourceVariantID]keptVariant{},
		stores:   map[inventory.StoreName]*inventory.StoreMemory{}, writes: pastWrites{},
		settled: map[uint64]settledBatch{}, hours: map[time.Time]*inventory.Hour{},
	}
}

func (m *model) store(name inventory.StoreName) *inventory.StoreMemory {
	if m.stores[name] == nil {
		m.stores[name] = &inventory.StoreMemory{Levels: map[inventory.Key]inventory.Seen{}, Items: map[inventory.ItemID]inventory.Item{}}
	}
	return m.stores[name]
}

var names = []inventory.StoreName{"main", "outlet", "a/b"}

var (
	genName  = rapid.SampledFrom(names)
	genUnits = rapid.Map(rapid.Int64(), func(n int64) inventory.Units { return inventory.Units(n) })
	genID    = rapid.Int64Range(1, 1<<62)
	genTime  = rapid.Map(rapid.Int64Range(-62135596800, 253402300799), func(s int64) time.Time { return time.Unix(s, 123000).UTC() })
	genSKU   = rapid.Map(rapid.String(), func(s string) inventory.SKU { return inventory.SKU(s) })
)

func genKey(name inventory.StoreName) *rapid.Generator[inventory.Key] {
	return rapid.Custom(func(t *rapid.T) inventory.Key {
		// Few of them, so that the same comes again; and sometimes any.
		item := rapid.OneOf(rapid.Int64Range(1, 20), genID).Draw(t, "item")
		return inventory.Key{Store: name, Item: inventory.ItemID(item), Location: inventory.LocationID(rapid.Int64Range(1, 3).Draw(t, "location"))}
	})
}

var genSeen = rapid.Custom(func(t *rapid.T) inventory.Seen {
	return inventory.Seen{
		Units: genUnits.Draw(t, "units"), Desired: genUnits.Draw(t, "desired"), Figured: rapid.Bool().Draw(t, "figured"),
		First: genTime.Draw(t, "first"), At: genTime.Draw(t, "at"),
		Active: rapid.Bool().Draw(t, "active"), Unstocked: rapid.Bool().Draw(t, "unstocked"),
	}
})

func genMemory(name inventory.StoreName) *rapid.Generator[inventory.Memory] {
	return rapid.Custom(func(t *rapid.T) (m inventory.Memory) {
		for range rapid.IntRange(0, 3).Draw(t, "entries") {
			m.Ledger.Entries = append(m.Ledger.Entries, inventory.InFlight{
				Key: genKey(name).Draw(t, "key"), SKU: genSKU.Draw(t, "sku"), Units: genUnits.Draw(t, "units"),
				Since: genTime.Draw(t, "since"), Expires: genTime.Draw(t, "expires"),
			})
			m.Ledger.Counted = map[int64]inventory.CountedRow{genID.Draw(t, "row"): {Quantity: inventory.Scale / 4, At: genTime.Draw(t, "counted")}}
			m.Holds = append(m.Holds, inventory.Hold{ID: "h", Rule: "zeroed", Levels: []inventory.HeldLevel{{Key: genKey(name).Draw(t, "held"), Raise: true}}})
			m.Quarantine = append(m.Quarantine, inventory.Quarantined{Key: genKey(name).Draw(t, "resting"), Detail: rapid.String().Draw(t, "detail")})
			m.Written = append(m.Written, inventory.Written{Key: genKey(name).Draw(t, "written"), Zero: true})
			m.Pins = inventory.Pins{
				Targets: map[string]inventory.LocationID{rapid.String().Draw(t, "name"): inventory.LocationID(genID.Draw(t, "location"))},
				Sources: map[string]inventory.SourceLocationID{"Main": inventory.SourceLocationID(genID.Draw(t, "source"))},
			}
			m.Look = inventory.Look{
				Whole: genTime.Draw(t, "whole"), Mark: genTime.Draw(t, "mark"), Swept: inventory.VariantID(genID.Draw(t, "swept")),
				Locations: []inventory.Location{{ID: 7, Name: rapid.String().Draw(t, "name"), Active: true}},
			}
		}
		return m
	})
}

func genLevels(name inventory.StoreName) *rapid.Generator[map[inventory.Key]inventory.Seen] {
	return rapid.MapOfN(genKey(name), genSeen, 0, 30)
}

// genOutcomes gives each change of a batch an outcome.
func genOutcomes(intent inventory.Intent) *rapid.Generator[[]inventory.Outcome] {
	results := []inventory.Result{
		inventory.Applied, inventory.Applied, inventory.Stale, inventory.Rejected, inventory.Skipped, inventory.Unsent, "later than us",
	}
	return rapid.Custom(func(t *rapid.T) []inventory.Outcome {
		outcomes := make([]inventory.Outcome, len(intent.Changes))
		for i, change := range intent.Changes {
			outcomes[i] = inventory.Outcome{
				Change: change, Result: rapid.SampledFrom(results).Draw(t, "outcome"),
				Because: inventory.Reason(rapid.StringN(0, 20, 100).Draw(t, "because")),
			}
		}
		return outcomes
	})
}

// TestWhatWasGivenIsGivenBack plays any calls on a file and on maps, with
// restarts in between: both must always tell the same.
func TestWhatWasGivenIsGivenBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		path := newPath(t)
		s := mustOpenUnsynced(t, path, Options{Now: clock})
		defer func() { mustClose(t, s) }()
		m := newModel()
		rt.Repeat(map[string]func(*rapid.T){
			"begin":   func(t *rapid.T) { m.begin(t, s) },
			"observe": func(t *rapid.T) { m.observe(t, s) },
			"intend":  func(t *rapid.T) { m.intend(t, s) },
			"settle":  func(t *rapid.T) { m.settle(t, s) },
			"finish":  func(t *rapid.T) { m.finish(t, s) },
			"forget":  func(t *rapid.T) { m.forget(t, s) },
			"read":    func(t *rapid.T) { m.read(t, s) },
			"compact": func(*rapid.T) {
				before := dumpOf(t, s, names...)
				must(t, s.rewrite())
				same(t, "file after it was written anew", dumpOf(t, s, names...), before)
				s.db.NoSync = true
			},
			"restart": func(*rapid.T) {
				same(t, "file", dumpOf(t, s, names...), m.dump())
				mustClose(t, s)
				s = mustOpenUnsynced(t, path, Options{Now: clock})
				same(t, "file after a restart", dumpOf(t, s, names...), m.dump())
			},
		})
		same(t, "file at the end", dumpOf(t, s, names...), m.dump())
	})
}

func check(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func (m *model) dump() dump {
	d := dump{
		Source: m.source, Mirror: m.mirror(), Stores: map[inventory.StoreName]inventory.StoreMemory{},
		Writes: m.writes.since(time.Time{}), History: slices.Clone(m.history),
	}
	if m.last != nil {
		d.History = append(d.History, *m.last)
	}
	slices.Reverse(d.History)
	for _, id := range slices.Sorted(maps.Keys(m.settled)) {
		d.Settled = append(d.Settled, m.settled[id])
	}
	for _, start := range slices.SortedFunc(maps.Keys(m.hours), time.Time.Compare) {
		d.Hours = append(d.Hours, *m.hours[start])
	}
	for _, name := range names {
		d.Stores[name] = *m.store(name)
	}
	return d
}

func (m *model) begin(t *rapid.T, s *Store) {
	got, err := s.Begin()
	check(t, err)
	if m.cycle++; got != m.cycle {
		t.Fatalf("got cycle %d, want %d", got, m.cycle)
	}
}

func (m *model) observe(t *rapid.T, s *Store) {
	name := genName.Draw(t, "store")
	kept := m.store(name)
	seen := inventory.Observation{Levels: genLevels(name).Draw(t, "levels"), Memory: genMemory(name).Draw(t, "memory")}
	if len(kept.Open) > 0 && rapid.Bool().Draw(t, "settles") {
		seen.Settled = []inventory.Settled{{ID: kept.Open[0].ID, Outcomes: genOutcomes(kept.Open[0].Intent).Draw(t, "outcomes")}}
		m.conclude(kept.Open[0], seen.Settled[0].Outcomes)
	}
	for _, key := range slices.AppendSeq(slices.Collect(maps.Keys(kept.Levels)), maps.Keys(m.writes)) {
		if _, again := seen.Levels[key]; !again && key.Store == name && key.Item%3 == 0 {
			seen.Gone = append(seen.Gone, key)
		}
	}
	seen.Items = rapid.SliceOfN(genItem, 0, 10).Draw(t, "items")
	for _, id := range slices.Sorted(maps.Keys(kept.Items)) {
		if rapid.IntRange(0, 3).Draw(t, "item") == 0 {
			seen.Removed = append(seen.Removed, id)
			delete(kept.Items, id)
		}
	}
	check(t, s.Observe(name, seen))
	for _, item := range seen.Items { // also those that are removed at once
		kept.Items[item.ID] = item
	}
	maps.Copy(kept.Levels, seen.Levels)
	for _, key := range seen.Gone {
		delete(kept.Levels, key)
		delete(m.writes, key)
	}
	kept.Open = kept.Open[len(seen.Settled):]
	kept.Memory = seen.Memory
}

func (m *model) intend(t *rapid.T, s *Store) {
	name := genName.Draw(t, "store")
	intent := batchOf(name, m.cycle, 4)
	intent.At = epoch.Add(time.Duration(m.cycle) * time.Minute)
	intent.Changes[0].SKU = genSKU.Draw(t, "sku")
	for range rapid.IntRange(0, 6).Draw(t, "further changes") {
		change := intent.Changes[0]
		change.Key, change.From, change.To = genKey(name).Draw(t, "level"), genUnits.Draw(t, "from"), genUnits.Draw(t, "to")
		intent.Changes = append(intent.Changes, change)
	}
	id, err := s.Intend(intent)
	check(t, err)
	kept := m.store(name)
	kept.Open = append(kept.Open, inventory.OpenIntent{ID: id, Intent: intent})
}

func (m *model) settle(t *rapid.T, s *Store) {
	name := genName.Draw(t, "store")
	kept := m.store(name)
	if len(kept.Open) == 0 {
		t.Skip("no batch is open")
	}
	i := rapid.IntRange(0, len(kept.Open)-1).Draw(t, "batch")
	found := inventory.Settled{
		ID: kept.Open[i].ID, Outcomes: genOutcomes(kept.Open[i].Intent).Draw(t, "outcomes"), Levels: genLevels(name).Draw(t, "levels"),
	}
	check(t, s.Settle(name, found))
	m.conclude(kept.Open[i], found.Outcomes)
	kept.Open = slices.Delete(slices.Clone(kept.Open), i, i+1)
	maps.Copy(kept.Levels, found.Levels)
}

// conclude notes what became of a batch.
func (m *model) conclude(open inventory.OpenIntent, outcomes []inventory.Outcome) {
	m.settled[open.ID] = settledBatch{open.Cycle, open.Store, open.Key, open.At, outcomes}
	m.writes.settle(open.Intent, outcomes)
}

func (m *model) forget(t *rapid.T, s *Store) {
	name := genName.Draw(t, "store")
	check(t, s.Forget(name))
	for _, open := range m.store(name).Open {
		m.conclude(open, unknown(open.Changes))
	}
	delete(m.stores, name)
	maps.DeleteFunc(m.writes, func(key inventory.Key, _ []inventory.PastWrite) bool { return key.Store == name })
}

func (m *model) finish(t *rapid.T, s *Store) {
	name := genName.Draw(t, "store")
	memory := genMemory(name).Draw(t, "memory")
	m.source = inventory.SourceMemory{Rows: map[inventory.SourceLocationID]int{4: rapid.Int().Draw(t, "rows")}}
	report := m.genReport(t)
	check(t, s.Finish(inventory.Finish{Report: report, Source: m.source, Stores: map[inventory.StoreName]inventory.Memory{name: memory}}))
	m.store(name).Memory = memory
	m.tell(report)
	m.begin(t, s)
}

// genReport reports the cycle under way: some of what it wrote, and some of
// what may have been in the report before.
func (m *model) genReport(t *rapid.T) *inventory.Report {
	at := time.Unix(rapid.Int64Range(0, 3*3600).Draw(t, "started"), 123000).UTC()
	report := reportOf(m.cycle, at)
	report.DurationMS = rapid.Int64Range(0, 99).Draw(t, "duration")
	report.Error = rapid.SampledFrom([]string{"", "", "", "no answer"}).Draw(t, "error")
	report.Stores[0].Levels = rapid.SampledFrom([]int{7, 7, 7, 8}).Draw(t, "levels")
	report.Stores = append(report.Stores, inventory.StoreReport{Name: "outlet", Changes: []inventory.ChangeReport{}})
	for i := range report.Stores {
		own := &report.Stores[i]
		for n := range rapid.IntRange(0, 3).Draw(t, "changes") {
			outcome := rapid.SampledFrom([]inventory.Result{inventory.Waiting, inventory.Held, inventory.Skipped, inventory.Stale}).Draw(t, "outcome")
			own.Changes = append(own.Changes, item(n, outcome, rapid.IntRange(0, 1).Draw(t, "to")))
		}
		for _, id := range slices.Sorted(maps.Keys(m.settled)) {
			batch := m.settled[id]
			if batch.Store != own.Name || batch.Cycle != m.cycle || rapid.IntRange(0, 3).Draw(t, "is lost") == 0 {
				continue
			}
			for _, o := range batch.Outcomes {
				own.Changes = append(own.Changes, inventory.ReportChange(o))
			}
		}
	}
	return report
}

// tell takes a report into the history.
func (m *model) tell(report *inventory.Report) {
	start := inventory.HourOf(report.Started)
	if m.hours[start] == nil {
		m.hours[start] = &inventory.Hour{Start: start}
	}
	m.hours[start].Add(report)
	told, anew := *report, m.last == nil || !alike(*report, *m.last)
	told.Stores = slices.Clone(told.Stores)
	for i := range told.Stores {
		told.Stores[i].Changes = nil
		for _, change := range report.Stores[i].Changes {
			sent := !slices.Contains([]inventory.Result{inventory.Waiting, inventory.Held, inventory.Skipped}, change.Outcome)
			if sent || m.last == nil || !slices.Contains(m.last.Stores[i].Changes, change) {
				told.Stores[i].Changes = append(told.Stores[i].Changes, change)
				anew = true
			}
		}
	}
	if m.lastTold != nil {
		m.history = append(m.history, *m.lastTold)
	}
	m.last, m.lastTold = report, nil
	if anew {
		m.lastTold = &told
	}
	maps.DeleteFunc(m.settled, func(_ uint64, batch settledBatch) bool {
		return batch.Cycle == report.Cycle && m.tells(report, batch)
	})
}

// tells tells whether a report has all that a batch wrote.
func (m *model) tells(report *inventory.Report, batch settledBatch) bool {
	for _, o := range batch.Outcomes {
		if o.Result != inventory.Applied {
			continue
		}
		found := false
		for _, own := range report.Stores {
			found = found || own.Name == batch.Store && slices.Contains(own.Changes, inventory.ReportChange(o))
		}
		if !found {
			return false
		}
	}
	return true
}

// alike compares all but the changes and what no two cycles share.
func alike(a, b inventory.Report) bool {
	for _, r := range []*inventory.Report{&a, &b} {
		r.Cycle, r.Started, r.DurationMS, r.Requests, r.Stores = 0, time.Time{}, 0, nil, slices.Clone(r.Stores)
		for i := range r.Stores {
			r.Stores[i].Changes = nil
		}
	}
	return cmp.Equal(a, b)
}

// FuzzLevelRecord: what decodes encodes to the same bytes, and nothing else
// decodes.
func FuzzLevelRecord(f *testing.F) {
	f.Add("main", encodeKey(level(1)), encodeSeen("main", encodeKey(level(1)), seenUnits(5)))
	f.Add("main", []byte{1}, []byte{levelVersion})
	f.Add("", []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, store string, k, v []byte) {
		name := inventory.StoreName(store)
		key, err := decodeKey(name, k)
		if err != nil {
			return
		}
		if got := encodeKey(key); string(got) != string(k) {
			t.Fatalf("key %x became %x", k, got)
		}
		seen, err := decodeSeen(name, k, v)
		if err != nil {
			return
		}
		if got := encodeSeen(name, k, seen); string(got) != string(v) {
			t.Fatalf("%x became %x", v, got)
		}
	})
}

// FuzzWritesRecord: what decodes encodes to the same bytes, whether its sum
// came with it or is right for once.
func FuzzWritesRecord(f *testing.F) {
	k := encodeKey(level(1))
	v := encodeWrites("main", k, []inventory.PastWrite{{Cycle: 3, At: epoch, From: 5, To: -1, Result: inventory.Applied, Reason: inventory.ReasonDrift}})
	f.Add("main", k, v)
	f.Add("main", k, v[1:len(v)-4])
	f.Add("", []byte{}, []byte{writesVersion, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, store string, k, v []byte) {
		name := inventory.StoreName(store)
		framed := append([]byte{writesVersion}, v...)
		framed = binary.BigEndian.AppendUint32(framed, sum(writesPlace(name), k, framed))
		for _, record := range [][]byte{v, framed} {
			writes, err := decodeWrites(name, k, record)
			if err != nil {
				continue
			}
			if len(writes) == 0 {
				t.Fatalf("%x holds no write", record)
			}
			if got := encodeWrites(name, k, writes); string(got) != string(record) {
				t.Fatalf("%x became %x", record, got)
			}
		}
	})
}

// FuzzRecord: no record, sound or not, makes the reader panic, and one that is
// read is read the same again.
func FuzzRecord(f *testing.F) {
	for _, v := range []any{batchOf("main", 1, 2), inFlight(3), reportOf(1, epoch), Lineage{Katana: "a"}, headOf(2)} {
		content, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content, record{plainRecord, epoch, content}.seal(placeIntents, number(1)))
		f.Add(deflate(content), record{deflatedRecord, epoch, deflate(content)}.seal(placeIntents, number(1)))
	}
	f.Fuzz(func(t *testing.T, body, sealed []byte) {
		if r, err := unseal(placeIntents, number(1), sealed); err == nil {
			if again := r.seal(placeIntents, number(1)); string(again) != string(sealed) {
				t.Fatalf("%x became %x", sealed, again)
			}
		}
		for _, version := range []byte{plainRecord, deflatedRecord} {
			b := record{version, epoch, body}.seal(placeStores, number(1))
			var memory inventory.Memory
			if err := reveal(placeStores, number(1), b, &memory); err != nil {
				continue
			}
			again, err := json.Marshal(memory)
			if err != nil {
				continue // a year beyond 9999 can be read and not be written
			}
			var second inventory.Memory
			must(t, json.Unmarshal(again, &second))
		}
		if content, err := inflate(deflate(body)); err != nil || string(content) != string(body) {
			t.Fatalf("%x became %x, %v", body, content, err)
		}
	})
}

func TestARecordIsReadOnlyWhereItBelongs(t *testing.T) {
	k := encodeKey(level(1))
	v := encodeSeen("main", k, seenUnits(5))
	if _, err := decodeSeen("main", encodeKey(level(2)), v); err == nil {
		t.Error("a level was read as another level")
	}
	if _, err := decodeSeen("outlet", k, v); err == nil {
		t.Error("a level was read as another store's")
	}
	writes := encodeWrites("main", k, []inventory.PastWrite{{Cycle: 1, Result: inventory.Applied}})
	if _, err := decodeWrites("main", encodeKey(level(2)), writes); err == nil {
		t.Error("a level's writes were read as another level's")
	}
	if _, err := decodeWrites("outlet", k, writes); err == nil {
		t.Error("a level's writes were read as another store's")
	}
	if _, err := decodeWrites("main", k, v); err == nil {
		t.Error("a level was read as its writes")
	}
	item := encodeItem("main", number(1), itemsUpTo(1, "MUG")[0])
	if _, err := openItem("main", itemsPlace("main"), number(2), item); err == nil {
		t.Error("an item was read as another item")
	}
	if _, err := openItem("outlet", itemsPlace("outlet"), number(1), item); err == nil {
		t.Error("an item was read as another store's")
	}
	variant := (&keptVariant{SourceVariant: variantsUpTo(1, "MUG")[0]}).encode(number(1))
	if _, err := openVariant(number(2), variant); err == nil {
		t.Error("a variant was read as another variant")
	}
	if _, err := openVariant(number(1), item); err == nil {
		t.Error("an item was read as a variant")
	}
	if _, err := openRecipes(number(1), encodeRecipes(keyOnly, headOf(1).Ingredients)); err == nil {
		t.Error("the recipes were read where they do not belong")
	}
	for _, version := range []byte{plainRecord, deflatedRecord} {
		sealed := record{version, epoch, []byte(`{}`)}.seal(placeIntents, number(1))
		if _, err := unseal(placeIntents, number(2), sealed); err == nil {
			t.Error("a batch was read as another batch")
		}
		if _, err := unseal(placeSettled, number(1), sealed); err == nil {
			t.Error("an open batch was read as a settled one")
		}
		sealed[0] ^= plainRecord ^ deflatedRecord
		if _, err := unseal(placeIntents, number(1), sealed); err == nil {
			t.Error("a record was read as one of another version")
		}
	}
}

func TestARecordsSumIsThatOfItsPlaceAndContent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		place := rapid.StringN(0, 20, -1).Draw(t, "place")
		key := rapid.SliceOf(rapid.Byte()).Draw(t, "key")
		content := rapid.SliceOf(rapid.Byte()).Draw(t, "content")
		all := slices.Concat([]byte(place), []byte{0}, key, content)
		if got, want := sum(place, key, content), crc32.Checksum(all, crc32.MakeTable(crc32.Castagnoli)); got != want {
			t.Fatalf("got %08x, want %08x", got, want)
		}
	})
}
