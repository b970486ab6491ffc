package state

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// Mirror gives back what [Store.Read] was given of Katana so far. As long as no
// head was among it, there is none, whatever variants are there.
func (s *Store) Mirror() (mirror inventory.SourceMirror, err error) {
	mirror.Read = map[inventory.SourceVariantID]time.Time{}
	err = s.view(func(tx *bolt.Tx) error {
		if tx.Bucket(bucketVariants) == nil {
			return nil // of an earlier layout, only read
		}
		if err := readHead(tx, &mirror); err != nil {
			return err
		}
		return readVariants(tx.Bucket(bucketVariants), &mirror)
	})
	if err != nil {
		return inventory.SourceMirror{}, err
	}
	s.letGo()
	return mirror, nil
}

func readHead(tx *bolt.Tx, mirror *inventory.SourceMirror) error {
	var head inventory.SourceHead
	found, err := get(tx.Bucket(bucketHead), placeHead, keyOnly, &head)
	if err != nil || !found {
		return err
	}
	if b := tx.Bucket(bucketRecipes).Get(keyOnly); b != nil {
		if head.Ingredients, err = decodeRecipes(keyOnly, b); err != nil {
			return err
		}
	}
	mirror.Head = &head
	return nil
}

func readVariants(bucket *bolt.Bucket, mirror *inventory.SourceMirror) error {
	count, rows := 0, 0
	err := bucket.ForEach(func(k, v []byte) error {
		content, err := openVariant(k, v)
		if err == nil {
			count, rows = count+1, rows+content.rows()
		}
		return err
	})
	if err != nil {
		return err
	}
	mirror.Variants = make([]inventory.SourceVariant, 0, count)
	mirror.Stock = make([]inventory.Stock, 0, rows)
	mirror.Read = make(map[inventory.SourceVariantID]time.Time, count)
	return bucket.ForEach(func(k, v []byte) error {
		content, err := openVariant(k, v)
		if err == nil {
			content.addTo(mirror, inventory.SourceVariantID(binary.BigEndian.Uint64(k))) // #nosec G115 -- written from an int64
		}
		return err
	})
}

// Read records a part of Katana that was read, in as many transactions as its
// variants need. Each variant is replaced with its rows and their time in one of
// them. The head is in the last: when the machine stops before, or an error ends
// the part, the former head stays, and vouches for no more than it did before.
func (s *Store) Read(part inventory.SourceRead) error {
	left, err := variantsOf(part)
	if err != nil {
		return err
	}
	if len(left) >= many {
		defer s.letGo()
	}
	for more := len(left) > 0 || part.Head != nil; more; {
		var now []keptVariant
		now, left = split(left, carried(left))
		more = len(left) > 0
		err := s.update(func(tx *bolt.Tx) error {
			if err := writeVariants(tx, now); err != nil || more || part.Head == nil {
				return err
			}
			return s.writeHead(tx, *part.Head)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// keptVariant is all that one record holds.
type keptVariant struct {
	inventory.SourceVariant
	rows []inventory.Stock // sorted by location
	at   time.Time         // when they were read
	read bool              // they were read at all
	gone bool              // there is nothing to keep
}

// variantsOf brings together what a part tells of each variant, sorted by id. A
// row that would not be kept with its variant is refused: its stock would be
// missing without a word.
func variantsOf(part inventory.SourceRead) ([]keptVariant, error) {
	all := make([]keptVariant, 0, len(part.Variants)+len(part.Gone))
	for _, v := range part.Variants {
		at, read := part.Read[v.ID]
		all = append(all, keptVariant{SourceVariant: v, at: at, read: read})
	}
	for _, id := range part.Gone {
		all = append(all, keptVariant{SourceVariant: inventory.SourceVariant{ID: id}, gone: true})
	}
	slices.SortStableFunc(all, func(a, b keptVariant) int { return cmp.Compare(a.ID, b.ID) })
	stock, times := part.Stock, len(part.Read)
	for i := range all {
		v := &all[i]
		if v.gone {
			continue
		}
		if i > 0 && all[i-1].ID == v.ID {
			return nil, fmt.Errorf("variant %d comes twice", v.ID)
		}
		n := 0
		for n < len(stock) && stock[n].Variant == v.ID && (n == 0 || stock[n].Location > stock[n-1].Location) {
			n++
		}
		v.rows, stock = split(stock, n)
		if v.read {
			times--
		}
	}
	switch {
	case len(stock) > 0:
		return nil, fmt.Errorf("the row of variant %d at %d is out of order, or of no variant that was read", stock[0].Variant, stock[0].Location)
	case times > 0:
		return nil, fmt.Errorf("%d times are of no variant that was read", times)
	}
	// What is there and gone at once is there.
	return slices.CompactFunc(all, func(kept, next keptVariant) bool { return kept.ID == next.ID }), nil
}

// carried tells how many of the variants one transaction carries, beside the
// head and the recipes.
func carried(all []keptVariant) int {
	size := 0
	for i := range all {
		if i == most-2 || size >= mostBytes {
			return i
		}
		size += numberKey + all[i].size()
	}
	return len(all)
}

func writeVariants(tx *bolt.Tx, all []keptVariant) error {
	bucket := tx.Bucket(bucketVariants)
	bucket.FillPercent = 0.9 // they come sorted
	for i := range all {
		v := &all[i]
		k := number(uint64(v.ID)) // #nosec G115 -- read back the same way
		var err error
		if v.gone {
			err = bucket.Delete(k)
		} else {
			err = bucket.Put(k, v.encode(k))
		}
		if err != nil {
			return fmt.Errorf("variant %d: %w", v.ID, err)
		}
	}
	return nil
}

// writeHead writes the head, and the recipes if they are others by now: every
// cycle moves the head.
func (s *Store) writeHead(tx *bolt.Tx, head inventory.SourceHead) error {
	recipes := tx.Bucket(bucketRecipes)
	if !holds(recipes.Get(keyOnly), head.Ingredients) {
		if err := recipes.Put(keyOnly, encodeRecipes(keyOnly, head.Ingredients)); err != nil {
			return fmt.Errorf("%s: %w", placeRecipes, err)
		}
	}
	head.Ingredients = nil
	return put(tx.Bucket(bucketHead), placeHead, keyOnly, s.opts.Now(), head)
}

// A variant's record is as long as its rows and its SKU make it:
//
//	key    id (8 bytes)
//	value  version (1), flags (1), created (10), read (10), rows (4), row…, SKU, sum (4)
//	row    location (8), in stock (8), committed (8), potential (8), flags (1)
//	time   microseconds since 1970, UTC (8), and the nanoseconds beyond (2)
//
// The times are exact, because they are compared with the head's: rows that were
// read in the moment in which a reading began must not come before it.
const (
	variantVersion = 1
	variantFrame   = 30 // all but rows and SKU
	rowsAt         = 22 // where their count stands
	rowSize        = 33
	timeSize       = 10

	flagKit      = 1 << 0
	flagService  = 1 << 1
	flagArchived = 1 << 2
	flagDeleted  = 1 << 3
	flagRead     = 1 << 4
	variantFlags = 1<<5 - 1

	flagTooLarge = 1 << 0
)

func (v *keptVariant) size() int { return variantFrame + len(v.rows)*rowSize + len(v.SKU) }

func (v *keptVariant) encode(key []byte) []byte {
	b := make([]byte, 0, v.size())
	b = append(b, variantVersion, flagsOf(v.Kit, v.Service, v.Archived, v.Deleted, v.read))
	b = appendTime(b, v.Created)
	if v.read {
		b = appendTime(b, v.at)
	} else {
		b = append(b, make([]byte, timeSize)...)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(v.rows))) // #nosec G115 -- there are not as many locations
	for _, row := range v.rows {
		for _, n := range [...]int64{int64(row.Location), int64(row.InStock), int64(row.Committed), int64(row.Potential)} {
			b = binary.BigEndian.AppendUint64(b, uint64(n)) // #nosec G115 -- read back the same way
		}
		b = append(b, flagsOf(row.TooLarge))
	}
	b = append(b, v.SKU...)
	return binary.BigEndian.AppendUint32(b, sum(placeVariants, key, b))
}

func appendTime(b []byte, at time.Time) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(at.UnixMicro()))          // #nosec G115 -- read back the same way
	return binary.BigEndian.AppendUint16(b, uint16(at.Nanosecond()%1000)) // #nosec G115 -- below 1000
}

func timeAt(b []byte) time.Time {
	micros := int64(binary.BigEndian.Uint64(b)) // #nosec G115 -- written from an int64
	return time.UnixMicro(micros).Add(time.Duration(binary.BigEndian.Uint16(b[8:]))).UTC()
}

// isTime tells whether a time stands there as it would be written.
func isTime(b []byte) bool { return binary.BigEndian.Uint16(b[8:]) < 1000 }

// rawVariant is the record of a variant that is in order, without its sum.
type rawVariant []byte

// openVariant gives a record that is in order to its end.
func openVariant(key, b []byte) (rawVariant, error) {
	end := len(b) - 4
	if len(key) != numberKey || len(b) < variantFrame || b[0] != variantVersion || b[1]&^variantFlags != 0 ||
		binary.BigEndian.Uint32(b[end:]) != sum(placeVariants, key, b[:end]) || !rawVariant(b[:end]).inOrder() {
		return nil, fmt.Errorf("variant of Katana: %w", errRecord)
	}
	return rawVariant(b[:end]), nil
}

func (b rawVariant) inOrder() bool {
	created, read := b[2:2+timeSize], b[2+timeSize:rowsAt]
	if !isTime(created) || !isTime(read) || b[1]&flagRead == 0 && [timeSize]byte(read) != [timeSize]byte{} {
		return false
	}
	if uint64(binary.BigEndian.Uint32(b[rowsAt:]))*rowSize > uint64(len(b)-rowsAt-4) { // #nosec G115 -- its frame is there
		return false
	}
	for i := range b.rows() {
		if b.row(i)[rowSize-1]&^flagTooLarge != 0 {
			return false
		}
	}
	return true
}

func (b rawVariant) rows() int { return int(binary.BigEndian.Uint32(b[rowsAt:])) }

func (b rawVariant) row(i int) []byte {
	at := rowsAt + 4 + i*rowSize
	return b[at : at+rowSize]
}

// addTo adds the variant to what is kept of Katana.
func (b rawVariant) addTo(mirror *inventory.SourceMirror, id inventory.SourceVariantID) {
	mirror.Variants = append(mirror.Variants, inventory.SourceVariant{
		ID: id, SKU: inventory.SKU(b[rowsAt+4+b.rows()*rowSize:]), Created: timeAt(b[2:]),
		Kit: b[1]&flagKit != 0, Service: b[1]&flagService != 0, Archived: b[1]&flagArchived != 0, Deleted: b[1]&flagDeleted != 0,
	})
	if b[1]&flagRead != 0 {
		mirror.Read[id] = timeAt(b[2+timeSize:])
	}
	for i := range b.rows() {
		row := b.row(i)
		number := func(at int) int64 { return int64(binary.BigEndian.Uint64(row[at:])) } // #nosec G115 -- written from an int64
		mirror.Stock = append(mirror.Stock, inventory.Stock{
			Variant: id, Location: inventory.SourceLocationID(number(0)), InStock: inventory.Quantity(number(8)),
			Committed: inventory.Quantity(number(16)), Potential: inventory.Quantity(number(24)), TooLarge: row[32]&flagTooLarge != 0,
		})
	}
}

// The recipes are one record, so that they change as one:
//
//	value       version (1), ingredients, sum (4)
//	ingredient  product (8), variant (8), quantity (8)
const (
	recipesVersion = 1
	recipesFrame   = 5
	ingredientSize = 24
)

func encodeRecipes(key []byte, ingredients []inventory.Ingredient) []byte {
	b := make([]byte, 0, recipesFrame+len(ingredients)*ingredientSize)
	b = append(b, recipesVersion)
	for _, i := range ingredients {
		for _, n := range [...]int64{int64(i.Product), int64(i.Variant), int64(i.Quantity)} {
			b = binary.BigEndian.AppendUint64(b, uint64(n)) // #nosec G115 -- read back the same way
		}
	}
	return binary.BigEndian.AppendUint32(b, sum(placeRecipes, key, b))
}

// holds tells whether a record, if any, is that of these ingredients. Every cycle
// asks, and seldom are they others: so nothing is encoded for the answer.
func holds(b []byte, ingredients []inventory.Ingredient) bool {
	if len(b) != recipesFrame+len(ingredients)*ingredientSize || b[0] != recipesVersion {
		return false
	}
	for at, i := range ingredients {
		record := b[1+at*ingredientSize:]
		for n, want := range [...]int64{int64(i.Product), int64(i.Variant), int64(i.Quantity)} {
			if binary.BigEndian.Uint64(record[n*8:]) != uint64(want) { // #nosec G115 -- as it was written
				return false
			}
		}
	}
	return true
}

// openRecipes gives the ingredients of a record that is in order.
func openRecipes(key, b []byte) (content []byte, err error) {
	end := len(b) - 4
	if len(b) < recipesFrame || (len(b)-recipesFrame)%ingredientSize != 0 || b[0] != recipesVersion ||
		binary.BigEndian.Uint32(b[end:]) != sum(placeRecipes, key, b[:end]) {
		return nil, fmt.Errorf("%s: %w", placeRecipes, errRecord)
	}
	return b[1:end], nil
}

func decodeRecipes(key, b []byte) ([]inventory.Ingredient, error) {
	content, err := openRecipes(key, b)
	if err != nil || len(content) == 0 {
		return nil, err
	}
	ingredients := make([]inventory.Ingredient, 0, len(content)/ingredientSize)
	for i := range slices.Chunk(content, ingredientSize) {
		number := func(at int) int64 { return int64(binary.BigEndian.Uint64(i[at:])) } // #nosec G115 -- written from an int64
		ingredients = append(ingredients, inventory.Ingredient{
			Product: inventory.SourceVariantID(number(0)), Variant: inventory.SourceVariantID(number(8)), Quantity: inventory.Quantity(number(16)),
		})
	}
	return ingredients, nil
}
