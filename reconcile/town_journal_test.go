package reconcile_test

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/state"
)

// journal is where the state of a town is kept.
type journal interface {
	reconcile.Journal
	close()
}

// newJournal makes an empty one: in memory, or in a file.
func (m *town) newJournal() journal {
	if !m.file || m.number%250 != 249 {
		return newNotebook()
	}
	m.files++
	file, err := state.Open(filepath.Join(m.dir, fmt.Sprintf("%s-%d-%d", m.name, m.number, m.files)), state.Options{Now: m.clock})
	if err != nil {
		m.t.Fatalf("%v", err)
	}
	return filed{file}
}

type filed struct{ *state.Store }

func (f filed) close() { _ = f.Close() }

// noJournal is what a loop has that remembers nothing.
type noJournal struct{ reconcile.Journal }

func (noJournal) close() {}

// faulty is a journal some of whose calls go wrong. It tells the account what is
// durable.
type faulty struct {
	journal
	m *town
}

func (j *faulty) do(of party, do func() error, after func()) error {
	j.m.mu.Lock()
	defer j.m.mu.Unlock()
	does, err := j.m.call(of, false)
	if !does {
		return err
	}
	j.m.mu.Unlock()
	done := do()
	j.m.mu.Lock()
	if done != nil {
		return done
	}
	if after != nil {
		after()
	}
	return err
}

func (j *faulty) party(name inventory.StoreName) party {
	if name == j.m.counters[0].name {
		return toMain
	}
	return toOutlet
}

func (j *faulty) Begin() (cycle uint64, err error) {
	err = j.do(toJournal, func() (err error) {
		cycle, err = j.journal.Begin()
		return err
	}, nil)
	return cycle, err
}

func (j *faulty) Read(part inventory.SourceRead) error {
	return j.do(toJournal, func() error { return j.journal.Read(part) }, nil)
}

func (j *faulty) Observe(name inventory.StoreName, seen inventory.Observation) error {
	of := j.party(name)
	return j.do(of, func() error { return j.journal.Observe(name, seen) }, func() { j.m.noted(int(of - toMain)) })
}

func (j *faulty) Intend(intent inventory.Intent) (id uint64, err error) {
	err = j.do(j.party(intent.Store), func() (err error) {
		id, err = j.journal.Intend(intent)
		return err
	}, nil)
	return id, err
}

func (j *faulty) Settle(name inventory.StoreName, found inventory.Settled) error {
	return j.do(j.party(name), func() error { return j.journal.Settle(name, found) }, nil)
}

func (j *faulty) Finish(end inventory.Finish) error {
	return j.do(toJournal, func() error { return j.journal.Finish(end) }, nil)
}

// notebook is a journal in memory. Like a file, it keeps what it was given as it
// was then.
type notebook struct {
	cycle    uint64
	source   inventory.SourceMemory
	variants map[inventory.SourceVariantID]inventory.SourceVariant
	stock    map[inventory.SourceVariantID][]inventory.Stock
	read     map[inventory.SourceVariantID]time.Time
	head     *inventory.SourceHead
	stores   map[inventory.StoreName]*sheet
}

// sheet is what a notebook has of a store. Stores write side by side, each on its
// own.
type sheet struct {
	levels map[inventory.Key]inventory.Seen
	items  map[inventory.ItemID]inventory.Item
	memory inventory.Memory
	last   uint64
	open   []inventory.OpenIntent
}

func newNotebook() *notebook {
	n := &notebook{
		variants: map[inventory.SourceVariantID]inventory.SourceVariant{}, stock: map[inventory.SourceVariantID][]inventory.Stock{},
		read: map[inventory.SourceVariantID]time.Time{}, stores: map[inventory.StoreName]*sheet{},
	}
	for _, name := range []inventory.StoreName{"main", "outlet"} {
		n.stores[name] = &sheet{levels: map[inventory.Key]inventory.Seen{}, items: map[inventory.ItemID]inventory.Item{}}
	}
	return n
}

func (n *notebook) close() {}

func (n *notebook) Begin() (uint64, error) {
	n.cycle++
	return n.cycle, nil
}

func (n *notebook) Source() (inventory.SourceMemory, error) { return n.source, nil }

func (n *notebook) Mirror() (mirror inventory.SourceMirror, _ error) {
	for _, id := range slices.Sorted(maps.Keys(n.variants)) {
		mirror.Variants, mirror.Stock = append(mirror.Variants, n.variants[id]), append(mirror.Stock, n.stock[id]...)
	}
	mirror.Read = maps.Clone(n.read)
	if n.head != nil {
		mirror.Head = copyHead(n.head)
	}
	return mirror, nil
}

func (n *notebook) Read(part inventory.SourceRead) error {
	for _, v := range part.Variants {
		n.variants[v.ID] = v
		n.stock[v.ID] = n.stock[v.ID][:0]
		delete(n.read, v.ID)
		if at, read := part.Read[v.ID]; read {
			n.read[v.ID] = at
		}
	}
	for _, row := range part.Stock {
		n.stock[row.Variant] = append(n.stock[row.Variant], row)
	}
	for _, id := range part.Gone {
		delete(n.variants, id)
		delete(n.stock, id)
		delete(n.read, id)
	}
	if part.Head != nil {
		n.head = copyHead(part.Head)
	}
	return nil
}

func copyHead(head *inventory.SourceHead) *inventory.SourceHead {
	one := *head
	one.Hot = make(map[inventory.SourceVariantID][]time.Time, len(head.Hot))
	for id, times := range head.Hot {
		one.Hot[id] = slices.Clone(times)
	}
	one.At, one.Owed = slices.Clone(head.At), slices.Clone(head.Owed)
	return &one
}

func (n *notebook) Recall(name inventory.StoreName, item func(inventory.Item), level func(inventory.Key, inventory.Seen)) (inventory.StoreMemory, error) {
	s := n.stores[name]
	for _, id := range slices.SortedFunc(maps.Keys(s.items), func(a, b inventory.ItemID) int { return cmp.Compare(a, b) }) {
		item(s.items[id])
	}
	for _, key := range slices.SortedFunc(maps.Keys(s.levels), inventory.Key.Compare) {
		level(key, s.levels[key])
	}
	return inventory.StoreMemory{Memory: copyMemory(s.memory), Open: slices.Clone(s.open)}, nil
}

func (n *notebook) Writes(inventory.Key) ([]inventory.PastWrite, error) { return nil, nil }
func (n *notebook) Wrote(uint64) ([]inventory.Change, error)            { return nil, nil }

func (n *notebook) Observe(name inventory.StoreName, seen inventory.Observation) error {
	s := n.stores[name]
	for _, settled := range seen.Settled {
		s.settle(settled)
	}
	for _, key := range seen.Gone {
		delete(s.levels, key)
	}
	for _, id := range seen.Removed {
		delete(s.items, id)
	}
	for _, item := range seen.Items {
		s.items[item.ID] = item
	}
	maps.Copy(s.levels, seen.Levels)
	s.memory = copyMemory(seen.Memory)
	return nil
}

// copyMemory copies what the reconciler goes on changing.
func copyMemory(memory inventory.Memory) inventory.Memory {
	memory.Ledger.Entries = slices.Clone(memory.Ledger.Entries)
	memory.Ledger.Credits = slices.Clone(memory.Ledger.Credits)
	memory.Ledger.Counted = maps.Clone(memory.Ledger.Counted)
	memory.Ledger.Landed = maps.Clone(memory.Ledger.Landed)
	memory.Ledger.Sales = maps.Clone(memory.Ledger.Sales) // what Katana has of each is never changed in place
	memory.Holds, memory.Quarantine, memory.Written = slices.Clone(memory.Holds), slices.Clone(memory.Quarantine), slices.Clone(memory.Written)
	memory.Rivals = slices.Clone(memory.Rivals)
	return memory
}

func (n *notebook) Intend(intent inventory.Intent) (uint64, error) {
	s := n.stores[intent.Store]
	s.last++
	intent.Changes = slices.Clone(intent.Changes)
	s.open = append(s.open, inventory.OpenIntent{ID: s.last, Intent: intent})
	return s.last, nil
}

func (n *notebook) Settle(name inventory.StoreName, found inventory.Settled) error {
	n.stores[name].settle(found)
	return nil
}

func (s *sheet) settle(found inventory.Settled) {
	maps.Copy(s.levels, found.Levels)
	s.open = slices.DeleteFunc(s.open, func(open inventory.OpenIntent) bool { return open.ID == found.ID })
}

func (n *notebook) Finish(end inventory.Finish) error {
	n.source = end.Source
	for name, memory := range end.Stores {
		n.stores[name].memory = copyMemory(memory)
	}
	return nil
}
