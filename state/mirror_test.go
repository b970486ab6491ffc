package state

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"stocksyncd/reconcile/inventory"
)

// variantsUpTo gives variants 1 to count.
func variantsUpTo(count int, sku inventory.SKU) []inventory.SourceVariant {
	variants := make([]inventory.SourceVariant, count)
	for i := range variants {
		variants[i] = inventory.SourceVariant{ID: inventory.SourceVariantID(i + 1), SKU: sku, Created: epoch, Kit: i%5 == 0, Archived: i%7 == 0}
	}
	return variants
}

// partOf is a reading of variants 1 to count with three rows each, in which all
// figures are the same; the time tells which reading it was.
func partOf(count, figure int) inventory.SourceRead {
	part := inventory.SourceRead{
		Variants: variantsUpTo(count, inventory.SKU(fmt.Sprint("SKU-", figure))), Read: map[inventory.SourceVariantID]time.Time{}, Head: headOf(figure),
	}
	for _, v := range part.Variants {
		part.Read[v.ID] = epoch.Add(time.Duration(figure))
		for location := range 3 {
			q := inventory.Quantity(figure) * inventory.Scale
			part.Stock = append(part.Stock, inventory.Stock{Variant: v.ID, Location: inventory.SourceLocationID(location + 1), InStock: q, Committed: q, Potential: q})
		}
	}
	return part
}

func headOf(figure int) *inventory.SourceHead {
	at := epoch.Add(time.Duration(figure))
	return &inventory.SourceHead{
		Locations: []inventory.SourceLocation{{ID: 1, Name: "Oslo", SalesAllowed: true}, {ID: 2, Name: "Bergen"}}, At: []inventory.SourceLocationID{1, 2, 3},
		Hot:         map[inventory.SourceVariantID][]time.Time{1: {at, at.Add(time.Minute)}},
		Ingredients: []inventory.Ingredient{{Product: 1, Variant: 2, Quantity: inventory.Scale / 4}, {Product: 1, Variant: 3}},
		Mark:        inventory.Mark{Feeds: map[string]inventory.FeedMark{"movements": {Read: at, Ours: at, Seen: map[string]string{"9": fmt.Sprint(figure)}}}, Turn: "orders"},
		Since:       at,
	}
}

func itemsUpTo(count int, sku string) []inventory.Item {
	items := make([]inventory.Item, count)
	for i := range items {
		items[i] = inventory.Item{ID: inventory.ItemID(i + 1), Variant: inventory.VariantID(i + 1001), SKU: inventory.SKU(sku), Bundle: i%5 == 0, GiftCard: i%7 == 0}
	}
	return items
}

// mirrorOf is what is kept after a single reading.
func mirrorOf(part inventory.SourceRead) inventory.SourceMirror {
	return inventory.SourceMirror{Variants: part.Variants, Stock: part.Stock, Read: part.Read, Head: part.Head}
}

func mustMirror(t testing.TB, s *Store) inventory.SourceMirror {
	t.Helper()
	mirror, err := s.Mirror()
	must(t, err)
	return mirror
}

var (
	// genMoment is any time at all, to the nanosecond, in any zone.
	genMoment = rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.IntRange(0, 4).Draw(t, "never") == 0 {
			return time.Time{}
		}
		at := genTime.Draw(t, "second").Add(time.Duration(rapid.IntRange(0, 999_999_999).Draw(t, "nanosecond")))
		return at.In(time.FixedZone("", rapid.IntRange(-12, 12).Draw(t, "zone")*3600))
	})
	genBytes    = rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 40), func(b []byte) inventory.SKU { return inventory.SKU(b) })
	genQuantity = rapid.Map(rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64})),
		func(n int64) inventory.Quantity { return inventory.Quantity(n) })
	genItem = rapid.Custom(func(t *rapid.T) inventory.Item {
		return inventory.Item{
			ID: inventory.ItemID(rapid.OneOf(rapid.Int64Range(1, 20), genID).Draw(t, "id")), Variant: inventory.VariantID(rapid.Int64().Draw(t, "variant")),
			SKU: genBytes.Draw(t, "sku"), Untracked: rapid.Bool().Draw(t, "untracked"), Bundle: rapid.Bool().Draw(t, "bundle"), GiftCard: rapid.Bool().Draw(t, "gift card"),
		}
	})
	genVariant = rapid.Custom(func(t *rapid.T) keptVariant {
		v := keptVariant{SourceVariant: inventory.SourceVariant{
			ID: inventory.SourceVariantID(rapid.OneOf(rapid.Int64Range(1, 20), genID).Draw(t, "id")), SKU: genBytes.Draw(t, "sku"), Created: genMoment.Draw(t, "created"),
			Kit: rapid.Bool().Draw(t, "kit"), Service: rapid.Bool().Draw(t, "service"), Archived: rapid.Bool().Draw(t, "archived"), Deleted: rapid.Bool().Draw(t, "deleted"),
		}}
		if v.read = rapid.Bool().Draw(t, "read"); v.read {
			v.at = genMoment.Draw(t, "at")
		}
		for location := range rapid.IntRange(0, 4).Draw(t, "rows") {
			v.rows = append(v.rows, inventory.Stock{
				Variant: v.ID, Location: inventory.SourceLocationID(location*3 + rapid.IntRange(0, 2).Draw(t, "location")), TooLarge: rapid.Bool().Draw(t, "too large"),
				InStock: genQuantity.Draw(t, "in stock"), Committed: genQuantity.Draw(t, "committed"), Potential: genQuantity.Draw(t, "potential"),
			})
		}
		return v
	})
	genHead = rapid.Custom(func(t *rapid.T) *inventory.SourceHead {
		if rapid.Bool().Draw(t, "more follows") {
			return nil
		}
		head := headOf(rapid.IntRange(1, 9).Draw(t, "figure"))
		head.Since, head.Locations[0].Name = genTime.Draw(t, "since"), rapid.String().Draw(t, "name")
		head.Ingredients = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) inventory.Ingredient {
			return inventory.Ingredient{Product: inventory.SourceVariantID(genID.Draw(t, "product")), Variant: 3, Quantity: genQuantity.Draw(t, "quantity")}
		}), 0, 3).Draw(t, "ingredients")
		return head
	})
)

// mirror is what should be kept of Katana.
func (m *model) mirror() inventory.SourceMirror {
	mirror := inventory.SourceMirror{Read: map[inventory.SourceVariantID]time.Time{}, Head: m.head}
	for _, id := range slices.Sorted(maps.Keys(m.variants)) {
		v := m.variants[id]
		mirror.Variants = append(mirror.Variants, v.SourceVariant)
		mirror.Stock = append(mirror.Stock, v.rows...)
		if v.read {
			mirror.Read[id] = v.at
		}
	}
	return mirror
}

// asPart is a reading of variants, which may come in any order.
func asPart(variants ...keptVariant) inventory.SourceRead {
	part := inventory.SourceRead{Read: map[inventory.SourceVariantID]time.Time{}}
	for _, v := range variants {
		part.Variants = append(part.Variants, v.SourceVariant)
		part.Stock = append(part.Stock, v.rows...)
		if v.read {
			part.Read[v.ID] = v.at
		}
	}
	slices.SortFunc(part.Stock, func(a, b inventory.Stock) int {
		return cmp.Or(cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Location, b.Location))
	})
	return part
}

func (m *model) read(t *rapid.T, s *Store) {
	variants := rapid.SliceOfNDistinct(genVariant, 0, 10, func(v keptVariant) inventory.SourceVariantID { return v.ID }).Draw(t, "variants")
	part := asPart(variants...)
	part.Head = genHead.Draw(t, "head")
	for _, id := range slices.Sorted(maps.Keys(m.variants)) {
		if rapid.IntRange(0, 3).Draw(t, "gone") == 0 {
			part.Gone = append(part.Gone, id)
			delete(m.variants, id)
		}
	}
	check(t, s.Read(part))
	for _, v := range variants { // also those that are gone at once
		m.variants[v.ID] = v
	}
	if part.Head != nil {
		m.head = part.Head
	}
}

// TestWhatKatanaSaidComesBackToTheBit compares more closely than the model
// does: also zones, which a time is equal without.
func TestWhatKatanaSaidComesBackToTheBit(t *testing.T) {
	t.Parallel()
	s := mustOpenUnsynced(t, newPath(t), Options{Now: clock})
	defer mustClose(t, s)
	rapid.Check(t, func(t *rapid.T) {
		v, item := genVariant.Draw(t, "variant"), genItem.Draw(t, "item")
		earlier, err := s.Mirror()
		check(t, err)
		part := asPart(v)
		for _, old := range earlier.Variants {
			part.Gone = append(part.Gone, old.ID)
		}
		check(t, s.Read(part))
		check(t, s.Observe("main", inventory.Observation{Items: []inventory.Item{item}}))
		got, err := s.Mirror()
		check(t, err)
		v.Created, v.at = v.Created.UTC(), v.at.UTC()
		at, read := got.Read[v.ID]
		if got.Variants[0] != v.SourceVariant || !slices.Equal(got.Stock, v.rows) || read != v.read || at != v.at || len(got.Variants) != 1 {
			t.Fatalf("got %+v, want %+v", got, v)
		}
		kept, err := s.Store("main")
		check(t, err)
		if kept.Items[item.ID] != item {
			t.Fatalf("got %+v, want %+v", kept.Items[item.ID], item)
		}
	})
}

func TestAVariantIsReplacedWithAllItsRows(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	must(t, s.Read(partOf(3, 1)))
	again := partOf(1, 2)
	again.Stock, again.Head = again.Stock[1:2], nil
	again.Gone = []inventory.SourceVariantID{3, 4}
	must(t, s.Read(again))
	must(t, s.Read(inventory.SourceRead{Variants: variantsUpTo(2, "NEVER READ")[1:]}))
	must(t, s.Read(inventory.SourceRead{}))
	mustClose(t, s)

	s = mustOpen(t, path)
	defer mustClose(t, s)
	same(t, "mirror", mustMirror(t, s), inventory.SourceMirror{
		Variants: append(again.Variants, variantsUpTo(2, "NEVER READ")[1]), Stock: again.Stock, Read: again.Read, Head: headOf(1),
	})
}

func TestAPartThatWouldLoseARowIsRefusedWhole(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*inventory.SourceRead)
		want  string
	}{
		"a row of no variant": {func(p *inventory.SourceRead) { p.Variants = p.Variants[1:] }, "the row of variant 1 at 1"},
		"rows out of order":   {func(p *inventory.SourceRead) { slices.Reverse(p.Stock) }, "the row of variant 3 at 2"},
		"a row twice":         {func(p *inventory.SourceRead) { p.Stock[1] = p.Stock[0] }, "the row of variant 1 at 1"},
		"a variant twice":     {func(p *inventory.SourceRead) { p.Variants[1].ID = 1 }, "variant 1 comes twice"},
		"a time of no variant": {
			func(p *inventory.SourceRead) { p.Read[9] = epoch }, "1 times are of no variant that was read",
		},
	} {
		s := mustOpen(t, newPath(t))
		part := partOf(3, 1)
		test.spoil(&part)
		if err := s.Read(part); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, test.want)
		}
		same(t, name, mustMirror(t, s), inventory.SourceMirror{})
		mustClose(t, s)
	}
}

// wantBetween wants each variant as either of two readings left it, of which the
// older found no rows: the first variants as the newer one did. It gives how many
// those are.
func wantBetween(t *testing.T, got inventory.SourceMirror, older, newer inventory.SourceRead) (fresh int) {
	t.Helper()
	for fresh < len(got.Variants) && got.Read[got.Variants[fresh].ID].Equal(newer.Read[1]) {
		fresh++
	}
	const rows = 3
	read := maps.Clone(older.Read)
	for _, v := range newer.Variants[:fresh] {
		read[v.ID] = newer.Read[v.ID]
	}
	if !slices.Equal(got.Variants, slices.Concat(newer.Variants[:fresh], older.Variants[fresh:])) ||
		!slices.Equal(got.Stock, newer.Stock[:fresh*rows]) || !maps.Equal(got.Read, read) {
		t.Fatalf("after %d variants were read, what is kept is neither the older nor the newer reading of each", fresh)
	}
	return fresh
}

// TestAReadThatIsCutOffKeepsTheFormerHead has the disk fill up at every place in
// turn. What is there then goes on as a part of the next reading.
func TestAReadThatIsCutOffKeepsTheFormerHead(t *testing.T) {
	t.Parallel()
	const count = 25_000
	older, newer := partOf(count, 1), partOf(count, 2)
	older.Stock = nil
	path := newPath(t)
	s := mustOpenUnsynced(t, path, Options{Now: clock})
	must(t, s.Read(older))
	must(t, s.rewrite())
	reached := map[int]bool{}
	for room := int64(512 << 10); ; room += 512 << 10 {
		s.db.NoSync, s.db.AllocSize = true, 64<<10
		s.db.MaxSize = int(sizeOf(t, path) + room)
		err := s.Read(newer)
		if err == nil {
			break
		}
		mustClose(t, s)
		s = mustOpenUnsynced(t, path, Options{Now: clock})
		got := mustMirror(t, s)
		reached[wantBetween(t, got, older, newer)] = true
		same(t, "head", got.Head, older.Head)
		must(t, s.Read(older))
		must(t, s.rewrite())
	}
	got := mustMirror(t, s)
	same(t, "variants at last", wantBetween(t, got, older, newer), count)
	same(t, "head at last", got.Head, newer.Head)
	mustClose(t, s)
	same(t, "variants that were read by then", slices.Sorted(maps.Keys(reached)), []int{0, most - 2, 2 * (most - 2)})
}

// TestNoTransactionOfAReadCarriesMoreThanItMay counts what each carries.
func TestNoTransactionOfAReadCarriesMoreThanItMay(t *testing.T) {
	t.Parallel()
	long := partOf(3000, 1)
	long.Stock = nil
	for _, v := range long.Variants {
		for location := range 90 { // three kilobytes each
			long.Stock = append(long.Stock, inventory.Stock{Variant: v.ID, Location: inventory.SourceLocationID(location)})
		}
	}
	gone := inventory.SourceRead{Head: headOf(2)}
	for id := range 20_000 {
		gone.Gone = append(gone.Gone, inventory.SourceVariantID(id+1))
	}
	for name, test := range map[string]struct {
		part inventory.SourceRead
		want int
	}{
		"nothing":                              {inventory.SourceRead{}, 0},
		"a head alone":                         {inventory.SourceRead{Head: headOf(1)}, 1},
		"an idle cycle":                        {partOf(250, 1), 1},
		"as many as fit with head and recipes": {partOf(9_998, 1), 1},
		"one more":                             {partOf(9_999, 1), 2},
		"a large shop":                         {partOf(40_000, 1), 5},
		"variants that are gone":               {gone, 3},
		"variants with many rows":              {long, 3},
	} {
		left, err := variantsOf(test.part)
		must(t, err)
		for len(left) > 0 {
			now, size := carried(left), 0
			for i := range left[:now] {
				size += numberKey + left[i].size()
			}
			if keys := now + 2; keys > most || now == 0 || size > mostBytes+left[now-1].size()+numberKey {
				t.Errorf("%s: a transaction carries %d keys and %d bytes", name, keys, size)
			}
			left = left[now:]
		}
		s := mustOpenUnsynced(t, newPath(t), Options{Now: clock})
		before := txid(t, s)
		must(t, s.Read(test.part))
		if got := txid(t, s) - before; got != test.want {
			t.Errorf("%s: got %d transactions, want %d", name, got, test.want)
		}
		mustClose(t, s)
	}
}

// rootOf gives the page on which a bucket begins: it moves whenever anything in
// the bucket is written.
func rootOf(t testing.TB, s *Store, bucket []byte) (page uint64) {
	t.Helper()
	must(t, s.view(func(tx *bolt.Tx) error {
		page = uint64(tx.Bucket(bucket).Root())
		return nil
	}))
	return page
}

func TestRecipesAreWrittenOnlyWhenTheyAreOthers(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	part := partOf(3, 1)
	for i := range 5000 {
		part.Head.Ingredients = append(part.Head.Ingredients, inventory.Ingredient{Product: 2, Variant: inventory.SourceVariantID(i), Quantity: 1})
	}
	must(t, s.Read(part))
	before := rootOf(t, s, bucketRecipes)
	again := partOf(3, 2)
	again.Head.Ingredients = part.Head.Ingredients
	must(t, s.Read(again))
	if got := rootOf(t, s, bucketRecipes); got != before {
		t.Error("recipes that stayed as they were are written anew")
	}
	same(t, "mirror", mustMirror(t, s), mirrorOf(again))
	again.Head.Ingredients = again.Head.Ingredients[1:]
	must(t, s.Read(again))
	if got := rootOf(t, s, bucketRecipes); got == before {
		t.Error("other recipes are not written")
	}
	same(t, "mirror", mustMirror(t, s), mirrorOf(again))
	again.Head.Ingredients = nil
	must(t, s.Read(again))
	same(t, "mirror", mustMirror(t, s), mirrorOf(again))
}

func TestWhatIsKeptOfKatanaIsAsOldAsItMayBe(t *testing.T) {
	now := epoch
	s := mustOpenWith(t, newPath(t), Options{KeepHistory: time.Hour, Now: func() time.Time { return now }})
	defer mustClose(t, s)
	must(t, s.Read(partOf(3, 1)))
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(3, 5), Items: itemsUpTo(3, "MUG")}))
	now = now.Add(1000 * time.Hour)
	finish(t, s, reportOf(1, epoch), reportOf(2, now))
	same(t, "mirror", mustMirror(t, s), mirrorOf(partOf(3, 1)))
	kept, err := s.Store("main")
	must(t, err)
	same(t, "items", len(kept.Items), 3)
}

func TestAHeadThatCannotBeReadIsAnError(t *testing.T) {
	for place, spoil := range map[string]func(*bolt.Tx) error{
		"head": func(tx *bolt.Tx) error {
			return tx.Bucket(bucketHead).Put(keyOnly, record{plainRecord, epoch, []byte("[]")}.seal(placeHead, keyOnly)) // sound, and no head
		},
		"recipes": func(tx *bolt.Tx) error { return tx.Bucket(bucketRecipes).Put(keyOnly, []byte("none")) },
		"variant": func(tx *bolt.Tx) error { return tx.Bucket(bucketVariants).Put(number(1), []byte("none")) },
		"item": func(tx *bolt.Tx) error {
			b, _ := bucketsOf(tx, "main")
			return b.items.Put(number(1), []byte("none"))
		},
	} {
		s := mustOpen(t, newPath(t))
		must(t, s.Observe("main", inventory.Observation{Items: itemsUpTo(3, "MUG")}))
		must(t, s.Read(partOf(3, 1)))
		must(t, s.update(spoil))
		mirror, err := s.Mirror()
		if place == "item" {
			_, err = s.Store("main")
		} else if len(mirror.Variants) != 0 || mirror.Head != nil {
			t.Errorf("%s: got %+v beside the error", place, mirror)
		}
		if err == nil || !strings.Contains(err.Error(), s.path) || !strings.Contains(err.Error(), place) {
			t.Errorf("got %v, want an error that names the file and the %s", err, place)
		}
		mustClose(t, s)
	}
}

// The texts and bytes below stand as they were written into files of layout 4,
// and do not follow the program.
const (
	fourthLevel = "\x01\x06\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x06" +
		"\x00\x06\x61\x01\x18\xd9\x00\x00\x00\x06\x61\x01\x18\xd9\x00\x00\xcc\x1b\xa3\xd8"
	fourthItem    = "\x01\x05\x00\x00\x00\x00\x00\x00\x00\x09MUG\x7d\x2d\xc3\xc5"
	fourthVariant = "\x01\x15\x00\x06\x61\x01\x18\xd9\x00\x00\x00\x00\x00\x06\x61\x01\x18\xd9\x00\x00\x00\x01\x00\x00\x00\x01" +
		"\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x05\xd2\x1d\xba\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
		"TEE\x1d\x5d\x99\x14"
	fourthRecipes = "\x01\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x00\x95\x02\xf9\x00\xd4\x9c\xae\x20"
	fourthHead    = `{"locations":[{"ID":1,"Name":"Oslo","SalesAllowed":true},{"ID":2,"Name":"Bergen","SalesAllowed":false}],"at":[1,2,3],` +
		`"hot":{"1":["2026-11-24T08:00:00.000000001Z","2026-11-24T08:01:00.000000001Z"]},` +
		`"mark":{"feeds":{"movements":{"read":"2026-11-24T08:00:00.000000001Z","ours":"2026-11-24T08:00:00.000000001Z","seen":{"9":"1"}}},"turn":"orders"},` +
		`"since":"2026-11-24T08:00:00.000000001Z"}`
	fourthMemory = `{"look":{"whole":"2026-11-24T08:00:00Z","mark":"2026-11-24T09:00:00Z","swept":"gid://shopify/ProductVariant/45",` +
		`"locations":[{"ID":"gid://shopify/Location/7","Name":"Shop location","Active":true,"FulfillmentService":true}]},` +
		`"ledger":{"since":"0001-01-01T00:00:00Z","orders":"0001-01-01T00:00:00Z"}}`
)

func TestTheSnapshotOfAnEarlierProgramIsReadAsItWasMeant(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	must(t, s.Observe("main", inventory.Observation{}))
	must(t, s.update(func(tx *bolt.Tx) error {
		b, _ := bucketsOf(tx, "main")
		must(t, b.own.Put(keyMemory, record{plainRecord, epoch, []byte(fourthMemory)}.seal("stores/main", keyMemory)))
		must(t, b.items.Put(number(3), []byte(fourthItem)))
		must(t, b.levels.Put(encodeKey(level(1)), []byte(fourthLevel)))
		must(t, tx.Bucket([]byte("variants")).Put(number(7), []byte(fourthVariant)))
		must(t, tx.Bucket([]byte("recipes")).Put(number(0), []byte(fourthRecipes)))
		return tx.Bucket([]byte("head")).Put(number(0), record{plainRecord, epoch, []byte(fourthHead)}.seal("head", number(0)))
	}))
	head := headOf(1)
	head.Ingredients = []inventory.Ingredient{{Product: 7, Variant: 8, Quantity: inventory.Scale / 4}}
	same(t, "mirror", mustMirror(t, s), inventory.SourceMirror{
		Variants: []inventory.SourceVariant{{ID: 7, SKU: "TEE", Created: epoch, Kit: true, Archived: true}},
		Stock:    []inventory.Stock{{Variant: 7, Location: 4, InStock: 5 * inventory.Scale / 2, Committed: -1}},
		Read:     map[inventory.SourceVariantID]time.Time{7: epoch.Add(1)},
		Head:     head,
	})
	kept, err := s.Store("main")
	must(t, err)
	same(t, "store", kept, inventory.StoreMemory{
		Levels: map[inventory.Key]inventory.Seen{level(1): {Units: 5, Desired: 6, First: epoch, At: epoch, Active: true, Unstocked: true}},
		Items:  map[inventory.ItemID]inventory.Item{3: {ID: 3, Variant: 9, SKU: "MUG", Untracked: true, GiftCard: true}},
		Memory: inventory.Memory{Look: inventory.Look{
			Whole: epoch, Mark: epoch.Add(time.Hour), Swept: 45,
			Locations: []inventory.Location{{ID: 7, Name: "Shop location", Active: true, FulfillmentService: true}},
		}},
	})
}

// FuzzVariantRecord: what decodes encodes to the same bytes, whether its sum
// came with it or is right for once.
func FuzzVariantRecord(f *testing.F) {
	all, err := variantsOf(partOf(2, 1))
	must(f, err)
	for i := range all {
		k := number(uint64(i + 1))
		v := all[i].encode(k)
		f.Add(k, v)
		f.Add(k, v[1:len(v)-4])
	}
	f.Add([]byte{}, []byte{variantVersion})
	f.Fuzz(func(t *testing.T, k, v []byte) {
		framed := append([]byte{variantVersion}, v...)
		framed = binary.BigEndian.AppendUint32(framed, sum(placeVariants, k, framed))
		for _, b := range [][]byte{v, framed} {
			content, err := openVariant(k, b)
			if err != nil {
				continue
			}
			mirror := inventory.SourceMirror{Read: map[inventory.SourceVariantID]time.Time{}}
			id := inventory.SourceVariantID(binary.BigEndian.Uint64(k))
			content.addTo(&mirror, id)
			at, read := mirror.Read[id]
			again := keptVariant{SourceVariant: mirror.Variants[0], rows: mirror.Stock, at: at, read: read}
			if got := again.encode(k); string(got) != string(b) {
				t.Fatalf("%x became %x", b, got)
			}
		}
	})
}

// FuzzItemRecord: the same of an item.
func FuzzItemRecord(f *testing.F) {
	v := encodeItem("main", number(1), itemsUpTo(1, "MUG")[0])
	f.Add("main", number(1), v)
	f.Add("main", number(1), v[1:len(v)-4])
	f.Add("", []byte{}, []byte{itemVersion})
	f.Fuzz(func(t *testing.T, store string, k, v []byte) {
		name := inventory.StoreName(store)
		framed := append([]byte{itemVersion}, v...)
		framed = binary.BigEndian.AppendUint32(framed, sum(itemsPlace(name), k, framed))
		for _, b := range [][]byte{v, framed} {
			item, err := decodeItem(name, itemsPlace(name), k, b)
			if err != nil {
				continue
			}
			if got := encodeItem(name, number(uint64(item.ID)), item); string(got) != string(b) {
				t.Fatalf("%x became %x", b, got)
			}
		}
	})
}

// FuzzRecipesRecord: the same of the recipes.
func FuzzRecipesRecord(f *testing.F) {
	v := encodeRecipes(keyOnly, headOf(1).Ingredients)
	f.Add(v)
	f.Add(v[1 : len(v)-4])
	f.Add([]byte{recipesVersion})
	f.Fuzz(func(t *testing.T, v []byte) {
		framed := append([]byte{recipesVersion}, v...)
		framed = binary.BigEndian.AppendUint32(framed, sum(placeRecipes, keyOnly, framed))
		for _, b := range [][]byte{v, framed} {
			ingredients, err := decodeRecipes(keyOnly, b)
			if err != nil {
				continue
			}
			if got := encodeRecipes(keyOnly, ingredients); string(got) != string(b) {
				t.Fatalf("%x became %x", b, got)
			}
		}
	})
}
