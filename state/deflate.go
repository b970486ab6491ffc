package state

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"sync"
)

// vocabulary is what the records of version 2 are full of, so that none of it
// has to stand in any of them: the report of a quiet cycle is no longer than a
// short record by itself. What is most frequent stands last.
//
// It belongs to the form of the file. A record can only be inflated with the
// vocabulary it was deflated with: another one takes another version.
const vocabulary = `{"holds":[{"id":"main-12-zeroed","rule":"max_changed_percent","max_zeroed_percent","max_shrink_percent","max_raised_units","have":60,"limit":41,"managed":418,"levels":3,` +
	`"text":"levels would change within an hour; 41 may","release":"stocksyncd release "reported":"0001-01-01T00:00:00Z","released":"0001-01-01T00:00:00Z","raise":true}` +
	`"quarantine":[{"key":{"code":"detail":"count":1,"since":"until":"written":[{"key":{"store":"main","at":"zero":false,"freed":false},{"key":{"store":"` +
	`"ledger":{"entries":[{"key":{"store":"main","credits":[{"due":true,"counted":{"quantity":"expires":"orders":"pins":{"shopify":{"katana":{"rows":{"trusted":"missing":[{"Variant":` +
	`"duplicate_stock":{"skus":1,"katana":0,"offered":0,"items":[{"sku":"","katana":0,"offered":0},"duplicate_skus":[{"sku":"","shopify_variants":["gid://shopify/ProductVariant/45"],"katana_variants":[1]},` +
	`"near_misses":[{"shopify_sku":"","katana_sku":"","differ":["case","spaces","dashes"],"shopify_variants":["gid://shopify/ProductVariant/45"],"katana_variants":[1]},` +
	`"stale","rejected","held","skipped","waiting","reason":"activate","reason":"inflight","reason":"first_sight","reason":"lower_only","reason":"report","reason":"changed_in_shopify","reason":"answer_lost",` +
	`"reason":"stopped","reason":"store_failed","reason":"refused","reason":"changed","because":"detail":"activate":true},` +
	`"no_row":"untracked":"bundle":"gift_card":"inactive_level":"not_stocked":"no_katana_sales":"inactive_location":"fulfillment_service":"unmapped_location":"figure_too_large":"skipped_by_rule":"quarantined":` +
	`"archived_in_katana":"service":"no_sku":"not_in_katana":` +
	`{"start":"2026-01-01T00:00:00Z","cycles":120,"failed":0,"duration_ms":"requests":{"katana":{"stores":[{"name":"main","cycles":120,"failed":0,"levels":"in_step":` +
	`{"cycle":1,"store":"main","key":"00000000-0000-4000-8000-000000000000","at":"2026-11-24T08:00:00.000000000Z","changes":[` +
	`{"cycle":1,"store":"main","key":"00000000-0000-4000-8000-000000000000","sent":"2026-11-24T08:00:00.000000000Z","outcomes":[` +
	`{"store":"main","inventory_item_id":"gid://shopify/InventoryItem/45","location_id":"gid://shopify/Location/68","variant_id":"gid://shopify/ProductVariant/45","sku":"","location":"Shop location","from":10,"to":0,"reason":"drift","outcome":"applied"},` +
	`{"cycle":1,"kind":"full","started":"2026-11-24T08:00:00.000000000Z","duration_ms":1,"error":"","mode":"report","mode":"lower-only","notes":["` +
	`{"cycle":1,"kind":"incremental","started":"2026-11-24T08:00:00.000000000Z","duration_ms":1000,` +
	`"requests":{"katana":{"count":10,"retries":0,"throttled":0,"cost":0,"waited_ms":0},"shopify/main":{"count":1,"retries":0,"throttled":0,"cost":0,"waited_ms":0}},` +
	`"stores":[{"name":"main","mode":"apply","levels":100,"in_step":100,"drifted":0,"applied":0,"waiting":0,"held":0,"rejected":0,"stale":0,"skipped":{},"negative":0,"changes":[]}]}` +
	`{"sku":"","variant_id":"gid://shopify/ProductVariant/45","inventory_item_id":"gid://shopify/InventoryItem/45","location_id":"gid://shopify/Location/68","location":"Main warehouse","from":10,"to":0,"outcome":"waiting","reason":"drift"},` +
	`{"sku":"","variant_id":"gid://shopify/ProductVariant/45","inventory_item_id":"gid://shopify/InventoryItem/45","location_id":"gid://shopify/Location/68","location":"Main warehouse","from":1,"to":0,"outcome":"applied","reason":"drift"}]}]}`

// deflaters are kept for the next record: each of them is a megabyte of tables.
var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriterDict(io.Discard, flate.DefaultCompression, []byte(vocabulary))
	if err != nil { // only a level that does not exist is refused
		panic(err)
	}
	return w
}}

// deflate makes the content of a record smaller.
func deflate(content []byte) []byte {
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	var b bytes.Buffer
	w.Reset(&b) // it keeps the vocabulary
	_, _ = w.Write(content)
	_ = w.Close() // a buffer takes everything
	return b.Bytes()
}

// inflate gives the content back.
func inflate(b []byte) ([]byte, error) {
	content, err := io.ReadAll(flate.NewReaderDict(bytes.NewReader(b), []byte(vocabulary)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	return content, nil
}
