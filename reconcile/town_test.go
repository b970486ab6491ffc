package reconcile_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"stocksyncd/reconcile"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// regime is what a town is run under.
type regime struct {
	name  string
	told  bool          // the stores tell of their orders
	naive bool          // each cycle sets every level to Katana's figure
	most  time.Duration // an import takes five seconds to this long
	file  bool          // some of the towns keep their journal in a file
	may   bool          // units may be raised into oversell
	tenth bool          // only every tenth town is run
}

// town is one Katana and two stores, for some days: at least fifty SKUs with
// three levels each, two of them at one store. Its clock goes from event to
// event. All that happens to it is drawn before it begins, from its number, so
// that it is the same under every regime.
type town struct {
	regime
	number int
	t      fataler
	dir    string     // of the state file
	mu     sync.Mutex // stores are looked at side by side
	now    time.Time
	began  time.Time
	days   int
	skus   int
	// sources is the Katana locations that each level of a SKU draws on.
	sources [levelsEach][]int
	pools   []pool  // of each SKU, at each Katana location
	levels  []offer // of each SKU
	due     agenda
	waiting []event         // adjustments that came during a cycle
	every   []time.Duration // a cycle begins, of each day
	beat    *rand.Rand      // when cycles begin
	pace    *rand.Rand      // how long calls take
	luck    *rand.Rand      // what goes wrong

	purchases []*purchase
	depot     *depot
	counters  [2]*counter
	journal   journal
	r         *reconcile.Reconciler
	mishap    mishap
	account   account
	fresh     []soldLine // sold since the cycle began
	masks     []mask
	full      int          // the day of the next full cycle
	files     int          // that the journal was kept in
	trace     func(string) // nil, or what takes a line of what happens to the SKU that is traced
	traced    int
}

// fataler ends a test.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

const (
	levelsEach = 3 // of a SKU: two at the first store, one at the second
	poolsEach  = 3 // of a SKU: one at each Katana location
	leastSKUs  = 50
	popular    = 5 // SKUs that most orders are of
	day        = 24 * time.Hour
)

// pool is the units of a SKU at a Katana location.
type pool struct {
	inStock, committed int64
	sold               int64 // by orders that are not imported
}

// layouts is how levels draw on Katana's locations: all on one, some on one, each
// on its own, and one on the sum of two.
var layouts = [][levelsEach][]int{
	{{0}, {0}, {0}},
	{{0}, {1}, {0}},
	{{0}, {1}, {2}},
	{{0, 1}, {1}, {0}},
}

// newTown draws a town and all that will happen to it.
func newTown(t fataler, seed uint64, number, days int, under regime, dir string) *town {
	began := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	m := &town{
		regime: under, number: number, t: t, dir: dir, now: began, began: began, days: days, traced: -1,
	}
	draws := func(of uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 4*uint64(number)+of)) } //nolint:gosec // to be repeated
	draw := draws(0)
	m.beat, m.pace, m.luck = draws(1), draws(2), draws(3)
	m.skus, m.sources = leastSKUs+draw.IntN(11), layouts[draw.IntN(len(layouts))]
	m.pools, m.levels = make([]pool, m.skus*poolsEach), make([]offer, m.skus*levelsEach)
	for i := range m.pools {
		m.pools[i].inStock = 3 + draw.Int64N(28)
		if i/poolsEach < popular {
			m.pools[i].inStock += 20 + draw.Int64N(40)
		}
	}
	for l := range m.levels {
		m.levels[l].at = began
		m.levels[l].available = m.sellable(l)
		if draw.IntN(3) == 0 { // the sync begins with drift
			m.levels[l].available = max(0, m.levels[l].available+draw.Int64N(11)-5)
		}
	}
	m.drawSchedule(draw)
	m.drawDays(draw)
	m.depot = newDepot(m)
	for s := range m.counters {
		m.counters[s] = newCounter(m, s)
	}
	m.start()
	return m
}

// sellable is what can be sold of what a level draws on: what Katana has
// available, less what is sold and not imported. It may be less than nothing.
func (m *town) sellable(l int) (units int64) {
	sku := l / levelsEach
	for _, at := range m.sources[l%levelsEach] {
		p := &m.pools[sku*poolsEach+at]
		units += p.inStock - p.committed - p.sold
	}
	return units
}

// available is what Katana says that it has for a level.
func (m *town) available(l int) (units int64) {
	for _, at := range m.sources[l%levelsEach] {
		p := &m.pools[l/levelsEach*poolsEach+at]
		units += p.inStock - p.committed
	}
	return units
}

// storeOf is the store of a level.
func storeOf(l int) int { return l % levelsEach / 2 }

func (m *town) clock() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// run lets the days pass. How often a cycle begins is drawn for each day.
func (m *town) run() *account {
	defer func() { m.journal.close() }()
	for today, every := range m.every {
		for end := m.began.Add(time.Duration(today+1) * day); m.now.Before(end); {
			m.until(m.now.Add(every - every/10 + time.Duration(m.beat.Int64N(int64(every/5)))))
			m.cycle(today)
		}
	}
	m.close()
	return &m.account
}

// drawSchedule has one day in twenty run a cycle every thirty seconds, the others
// one every two to five minutes.
func (m *town) drawSchedule(draw *rand.Rand) {
	for range m.days {
		every := time.Duration(120+draw.IntN(181)) * time.Second
		if draw.IntN(20) == 0 {
			every = 30 * time.Second
		}
		m.every = append(m.every, every)
	}
}

// start puts a process on the journal there is.
func (m *town) start() {
	if m.naive {
		m.journal = noJournal{}
		return
	}
	if m.journal == nil {
		m.journal = m.newJournal()
	}
	var err error
	m.r, err = reconcile.New(reconcile.Options{
		Source: m.depot, Stores: m.config(), Journal: &faulty{m.journal, m},
		Settle: settle, SweepWithin: time.Hour, SweepAtLeast: 250, Quarantine: day, Now: m.clock,
	})
	if err != nil {
		m.t.Fatalf("%v", err)
	}
}

func (m *town) config() []reconcile.Store {
	stores := make([]reconcile.Store, len(m.counters))
	for s, c := range m.counters {
		var mapping desired.Mapping
		for j, sources := range m.sources {
			if storeOf(j) != s {
				continue
			}
			pair := desired.Pair{Target: fmt.Sprint("L", locationOf(j))}
			for _, at := range sources {
				pair.Sources = append(pair.Sources, fmt.Sprint("K", at))
			}
			mapping.Locations = append(mapping.Locations, pair)
		}
		stores[s] = reconcile.Store{
			Name: c.name, Shop: shopName(s), Mode: inventory.ModeApply, Target: c, Choice: reconcile.Choice{Mapping: mapping},
		}
	}
	return stores
}

// until lets everything happen that happens up to a time.
func (m *town) until(end time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pass(end, false)
}

// pass has the lock. During a cycle an adjustment waits for its end: nothing can
// be held against a cycle that happened to Katana's stock after it was read.
func (m *town) pass(end time.Time, within bool) {
	for len(m.due) > 0 && !m.due[0].at.After(end) {
		e := m.due.take()
		if e.kind == adjusting && within {
			m.waiting = append(m.waiting, e)
			continue
		}
		if e.at.After(m.now) {
			m.now = e.at
		}
		m.happen(e)
	}
	m.now = end
}

// step is the time that a call of Katana takes.
func (m *town) step() {
	m.pass(m.now.Add(time.Duration(100+m.pace.IntN(1900))*time.Millisecond), true)
}

// close brings the account up to date.
func (m *town) close() {
	for sku := range m.skus {
		m.touch(sku)
	}
	a := &m.account
	a.days = m.days
	for _, p := range m.purchases {
		a.orders++
		for _, line := range p.lines {
			a.units += line.units
		}
	}
}

// say takes a line of what happens to a SKU.
func (m *town) say(sku int, format string, args ...any) {
	if m.trace == nil || sku != m.traced {
		return
	}
	var show []string
	for l := sku * levelsEach; l < (sku+1)*levelsEach; l++ {
		show = append(show, fmt.Sprintf("%d of %d (Katana %d)", m.levels[l].available, m.sellable(l), m.available(l)))
	}
	m.trace(fmt.Sprintf("%s %-40s shows %v", m.now.Format("02 15:04:05.0"), fmt.Sprintf(format, args...), show))
}

// keyOf names a level as the store does.
func (m *town) keyOf(l int) inventory.Key {
	return inventory.Key{Store: m.counters[storeOf(l)].name, Item: inventory.ItemID(l/levelsEach + 1), Location: locationOf(l)}
}

func (m *town) levelOf(key inventory.Key) int {
	l := (int(key.Item)-1)*levelsEach + int(key.Location) - 1
	if key.Store == m.counters[1].name {
		l += 2
	}
	return l
}

// locationOf is the Shopify location of a level.
func locationOf(l int) inventory.LocationID {
	if storeOf(l) == 1 {
		return 1
	}
	return inventory.LocationID(l%levelsEach + 1)
}

func skuOf(sku int) inventory.SKU { return inventory.SKU(fmt.Sprintf("SKU-%02d", sku)) }

func shopName(s int) string { return []string{"main", "outlet"}[s] + ".myshopify.com" }

// draws tells whether a level draws on a Katana location.
func (m *town) draws(l, at int) bool { return slices.Contains(m.sources[l%levelsEach], at) }
