package state

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stocksyncd/reconcile/inventory"
)

// A level's record has a fixed form, since there may be a million of them:
//
//	key    item (8 bytes), location (8)         big endian, so that they sort
//	value  version (1), flags (1), units (8), desired (8), first (8), at (8)
//
// Times are nanoseconds since 1970, UTC.
const (
	levelKey     = 16
	levelValue   = 34
	levelVersion = 1

	flagFigured = 1 << 0
)

var errRecord = errors.New("not a level's record")

func encodeKey(key inventory.Key) []byte {
	b := make([]byte, 0, levelKey)
	b = binary.BigEndian.AppendUint64(b, uint64(key.Item))        // #nosec G115 -- read back the same way
	return binary.BigEndian.AppendUint64(b, uint64(key.Location)) // #nosec G115 -- read back the same way
}

func decodeKey(store inventory.StoreName, b []byte) (inventory.Key, error) {
	if len(b) != levelKey {
		return inventory.Key{}, fmt.Errorf("key of %d bytes: %w", len(b), errRecord)
	}
	key := inventory.Key{
		Store:    store,
		Item:     inventory.ItemID(binary.BigEndian.Uint64(b)),         // #nosec G115 -- checked below
		Location: inventory.LocationID(binary.BigEndian.Uint64(b[8:])), // #nosec G115 -- checked below
	}
	if key.Item <= 0 || key.Location <= 0 {
		return inventory.Key{}, fmt.Errorf("key of no level: %w", errRecord)
	}
	return key, nil
}

func encodeSeen(seen inventory.Seen) []byte {
	b := make([]byte, 0, levelValue)
	var flags byte
	if seen.Figured {
		flags |= flagFigured
	}
	b = append(b, levelVersion, flags)
	b = binary.BigEndian.AppendUint64(b, uint64(seen.Units))   // #nosec G115 -- read back the same way
	b = binary.BigEndian.AppendUint64(b, uint64(seen.Desired)) // #nosec G115 -- read back the same way
	b = binary.BigEndian.AppendUint64(b, uint64(seen.First.UnixNano()))
	return binary.BigEndian.AppendUint64(b, uint64(seen.At.UnixNano()))
}

func decodeSeen(b []byte) (inventory.Seen, error) {
	switch {
	case len(b) != levelValue:
		return inventory.Seen{}, fmt.Errorf("%d bytes: %w", len(b), errRecord)
	case b[0] != levelVersion:
		return inventory.Seen{}, fmt.Errorf("version %d: %w", b[0], errRecord)
	case b[1]&^flagFigured != 0:
		return inventory.Seen{}, fmt.Errorf("flags %#x: %w", b[1], errRecord)
	}
	return inventory.Seen{
		Units:   inventory.Units(binary.BigEndian.Uint64(b[2:])),  // #nosec G115 -- written from an int64
		Desired: inventory.Units(binary.BigEndian.Uint64(b[10:])), // #nosec G115 -- written from an int64
		Figured: b[1]&flagFigured != 0,
		First:   time.Unix(0, int64(binary.BigEndian.Uint64(b[18:]))).UTC(), // #nosec G115 -- written from an int64
		At:      time.Unix(0, int64(binary.BigEndian.Uint64(b[26:]))).UTC(), // #nosec G115 -- written from an int64
	}, nil
}

// The rare records are JSON: they can grow fields, and be read by people.

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return b, nil
}

func decode(what string, b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s record: %w", what, err)
	}
	return nil
}
