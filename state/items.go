package state

import (
	"encoding/binary"
	"fmt"

	"stocksyncd/reconcile/inventory"
)

// An item's record is as long as its SKU makes it:
//
//	key    id (8 bytes)
//	value  version (1), flags (1), variant (8), SKU, sum (4)
//
// The sum covers the place too.
const (
	itemVersion = 1
	itemFrame   = 14 // all but the SKU

	flagUntracked = 1 << 0
	flagBundle    = 1 << 1
	flagGiftCard  = 1 << 2
)

func encodeItem(store inventory.StoreName, key []byte, item inventory.Item) []byte {
	b := make([]byte, 0, itemFrame+len(item.SKU))
	b = append(b, itemVersion, flagsOf(item.Untracked, item.Bundle, item.GiftCard))
	b = binary.BigEndian.AppendUint64(b, uint64(item.Variant)) // #nosec G115 -- read back the same way
	b = append(b, item.SKU...)
	return binary.BigEndian.AppendUint32(b, sum(itemsPlace(store), key, b))
}

// openItem gives the content of a record that is in order.
func openItem(store inventory.StoreName, place string, key, b []byte) (content []byte, err error) {
	end := len(b) - 4
	if len(key) != numberKey || len(b) < itemFrame || b[0] != itemVersion || b[1]&^(flagUntracked|flagBundle|flagGiftCard) != 0 ||
		binary.BigEndian.Uint32(b[end:]) != sum(place, key, b[:end]) {
		return nil, fmt.Errorf("item of store %s: %w", store, errRecord)
	}
	return b[1:end], nil
}

func decodeItem(store inventory.StoreName, place string, key, b []byte) (inventory.Item, error) {
	content, err := openItem(store, place, key, b)
	if err != nil {
		return inventory.Item{}, err
	}
	return inventory.Item{
		ID:        inventory.ItemID(binary.BigEndian.Uint64(key)),            // #nosec G115 -- written from an int64
		Variant:   inventory.VariantID(binary.BigEndian.Uint64(content[1:])), // #nosec G115 -- written from an int64
		SKU:       inventory.SKU(content[9:]),
		Untracked: content[0]&flagUntracked != 0, Bundle: content[0]&flagBundle != 0, GiftCard: content[0]&flagGiftCard != 0,
	}, nil
}

// readItems reads the items of a store.
func readItems(b storeBuckets, take func(inventory.Item)) error {
	if b.items == nil {
		return nil // of an earlier layout, only read
	}
	place := itemsPlace(b.name)
	return b.items.ForEach(func(k, v []byte) error {
		item, err := decodeItem(b.name, place, k, v)
		if err == nil {
			take(item)
		}
		return err
	})
}

// writeItems writes items, which come sorted.
func writeItems(b storeBuckets, items []inventory.Item) error {
	b.items.FillPercent = 0.9
	for _, item := range items {
		k := number(uint64(item.ID)) // #nosec G115 -- read back the same way
		if err := b.items.Put(k, encodeItem(b.name, k, item)); err != nil {
			return fmt.Errorf("item %s: %w", item.ID, err)
		}
	}
	return nil
}

func dropItems(b storeBuckets, ids []inventory.ItemID) error {
	for _, id := range ids {
		if err := b.items.Delete(number(uint64(id))); err != nil { // #nosec G115 -- as it was written
			return fmt.Errorf("item %s: %w", id, err)
		}
	}
	return nil
}
