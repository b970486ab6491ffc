package state

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// Every record ends its own doubt: it starts with a version and carries a sum
// over itself and the place where it belongs, so that a bit that flips on the
// disk is found and not read as a figure.

// errRecord reports a record that is not as it was written.
var errRecord = errors.New("a record does not add up")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A level's record has a fixed form, since there may be a million of them:
//
//	key    item (8 bytes), location (8)        big endian, so that they sort
//	value  version (1), flags (1), units (8), desired (8), first (8), at (8), sum (4)
//
// Times are microseconds since 1970, UTC. The sum covers the store's name too.
// The flags active and unstocked came with layout 4.
const (
	levelKey     = 16
	levelValue   = 38
	levelVersion = 1

	flagFigured   = 1 << 0
	flagActive    = 1 << 1
	flagUnstocked = 1 << 2
)

// flagsOf packs what is true of a record into bits, from the lowest on.
func flagsOf(set ...bool) (flags byte) {
	for i, is := range set {
		if is {
			flags |= 1 << i
		}
	}
	return flags
}

func encodeKey(key inventory.Key) []byte {
	b := make([]byte, 0, levelKey)
	b = binary.BigEndian.AppendUint64(b, uint64(key.Item))        // #nosec G115 -- read back the same way
	return binary.BigEndian.AppendUint64(b, uint64(key.Location)) // #nosec G115 -- read back the same way
}

func decodeKey(store inventory.StoreName, b []byte) (inventory.Key, error) {
	if len(b) != levelKey {
		return inventory.Key{}, fmt.Errorf("level key of %d bytes: %w", len(b), errRecord)
	}
	return inventory.Key{
		Store:    store,
		Item:     inventory.ItemID(binary.BigEndian.Uint64(b)),         // #nosec G115 -- written from an int64
		Location: inventory.LocationID(binary.BigEndian.Uint64(b[8:])), // #nosec G115 -- written from an int64
	}, nil
}

func encodeSeen(store inventory.StoreName, key []byte, seen inventory.Seen) []byte {
	b := make([]byte, 0, levelValue)
	b = append(b, levelVersion, flagsOf(seen.Figured, seen.Active, seen.Unstocked))
	for _, n := range [...]int64{int64(seen.Units), int64(seen.Desired), seen.First.UnixMicro(), seen.At.UnixMicro()} {
		b = binary.BigEndian.AppendUint64(b, uint64(n)) // #nosec G115 -- read back the same way
	}
	return binary.BigEndian.AppendUint32(b, sum(store, key, b))
}

func decodeSeen(store inventory.StoreName, key, b []byte) (inventory.Seen, error) {
	if len(b) != levelValue || b[0] != levelVersion || b[1]&^(flagFigured|flagActive|flagUnstocked) != 0 ||
		binary.BigEndian.Uint32(b[levelValue-4:]) != sum(store, key, b[:levelValue-4]) {
		return inventory.Seen{}, fmt.Errorf("level of store %s: %w", store, errRecord)
	}
	number := func(at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) } // #nosec G115 -- written from an int64
	return inventory.Seen{
		Units: inventory.Units(number(2)), Desired: inventory.Units(number(10)), Figured: b[1]&flagFigured != 0,
		First: time.UnixMicro(number(18)).UTC(), At: time.UnixMicro(number(26)).UTC(),
		Active: b[1]&flagActive != 0, Unstocked: b[1]&flagUnstocked != 0,
	}, nil
}

// sum covers a record and its place: the bucket's name, the key, the content.
// The name is summed by hand, because making bytes of it would cost more than
// all the rest.
func sum[T ~string](bucket T, key, content []byte) uint32 {
	s := ^uint32(0)
	for i := range len(bucket) {
		s = castagnoli[byte(s)^bucket[i]] ^ s>>8 // #nosec G115 -- its lowest byte is meant
	}
	s = castagnoli[byte(s)] ^ s>>8 // #nosec G115 -- the same; a zero, which no name holds, ends it
	return crc32.Update(crc32.Update(^s, castagnoli, key), castagnoli, content)
}

// The other records are rare. They are JSON, which can grow fields and be read
// by people, after a head:
//
//	version (1), sum (4), time (8, microseconds since 1970)
//
// Version 1 is the JSON as it is, version 2 is deflated ([deflate]): the longer
// records repeat the names of their fields, and a year has a million cycles.
// The time is when the record was made; what is too old is found by it without
// reading the JSON.
const (
	headSize       = 13
	plainRecord    = 1
	deflatedRecord = 2

	// deflateFrom is how long the JSON must be to be worth it. The version of
	// the layout is always shorter, and so is read by every program.
	deflateFrom = 128
)

// record is one of these, taken apart but not yet read.
type record struct {
	version byte
	at      time.Time
	body    []byte // valid as long as what it was taken from
}

// put writes a record. The place names the bucket, and for a store's own
// records the store.
func put(bucket *bolt.Bucket, place string, key []byte, at time.Time, v any) error {
	content, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("%s record: %w", place, err)
	}
	r := record{version: plainRecord, at: at, body: content}
	if len(content) >= deflateFrom {
		r.version, r.body = deflatedRecord, deflate(content)
	}
	return bucket.Put(key, r.seal(place, key))
}

func (r record) seal(place string, key []byte) []byte {
	b := make([]byte, headSize, headSize+len(r.body))
	b[0] = r.version
	binary.BigEndian.PutUint64(b[5:], uint64(r.at.UnixMicro())) // #nosec G115 -- read back the same way
	b = append(b, r.body...)
	binary.BigEndian.PutUint32(b[1:], recordSum(place, key, b))
	return b
}

// recordSum covers the version too, except that of the first, which came
// without.
func recordSum(place string, key, b []byte) uint32 {
	s := sum(place, key, b[5:])
	if b[0] == plainRecord {
		return s
	}
	return crc32.Update(s, castagnoli, b[:1])
}

// unseal takes a record apart that is as it was written where it stands.
func unseal(place string, key, b []byte) (record, error) {
	if len(b) < headSize || b[0] < plainRecord || b[0] > deflatedRecord || binary.BigEndian.Uint32(b[1:]) != recordSum(place, key, b) {
		return record{}, fmt.Errorf("%s: %w", place, errRecord)
	}
	micros := int64(binary.BigEndian.Uint64(b[5:])) // #nosec G115 -- written from an int64
	return record{version: b[0], at: time.UnixMicro(micros).UTC(), body: b[headSize:]}, nil
}

// get reads a record into v, and tells whether there is one.
func get(bucket *bolt.Bucket, place string, key []byte, v any) (bool, error) {
	b := bucket.Get(key)
	if b == nil {
		return false, nil
	}
	return true, reveal(place, key, b, v)
}

func reveal(place string, key, b []byte, v any) error {
	r, err := unseal(place, key, b)
	if err != nil {
		return err
	}
	if r.version == deflatedRecord {
		if r.body, err = inflate(r.body); err != nil {
			return fmt.Errorf("%s record: %w", place, err)
		}
	}
	if err := json.Unmarshal(r.body, v); err != nil {
		return fmt.Errorf("%s record: %w", place, err)
	}
	return nil
}
