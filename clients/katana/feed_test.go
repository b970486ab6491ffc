package katana

import (
	"slices"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile/inventory"
)

// FuzzFeed: whatever comes, a feed's records are read or refused; what was read
// can be told apart, and is no news once it is remembered.
func FuzzFeed(f *testing.F) {
	for _, seed := range []string{
		`{"data":[{"id":6600001,"variant_id":71001,"location_id":2201,"resource_type":"SalesOrderRow","resource_id":990001,"updated_at":"2026-03-04T05:06:07.089Z"}]}`,
		`{"data":[{"id":"990001","sales_order_id":"880001","variant_id":"71001","location_id":null,"updated_at":"2026-03-04T05:06:07Z","deleted_at":"2026-03-04T05:06:07Z"}]}`,
		`{"data":[{"id":1,"variant_id":null,"updated_at":"2026-03-04T05:06:07.089Z"},{"id":1,"variant_id":2,"updated_at":"2026-03-04T05:06:07.090+02:00"}]}`,
		`{"data":[{"id":1000001,"sales_order_id":880001,"status":"PACKED","picked_date":"2026-03-04","sales_order_fulfillment_rows":[{"id":1,"sales_order_row_id":990001,"quantity":"2.5"}]}]}`,
		`{"data":[{"id":5,"sales_order_id":null,"status":null,"picked_date":null,"sales_order_fulfillment_rows":null}]}`,
		`{"data":[{"id":510001,"manufacturing_order_id":500001,"variant_id":71001,"planned_quantity_per_unit":"2.0000000000","updated_at":"2026-03-02T10:00:00.000Z"}]}`,
		`{"data":[{"id":500001,"status":"IN_PROGRESS","variant_id":71002,"created_at":"2026-03-02T10:00:00.000Z","updated_at":"2026-03-02T11:00:00.000Z"}]}`,
		`{"data":[{"id":"0b9f2c1e-5d0a-4a51-9a34-6f0d6a1f2b10","product_variant_id":71002,"updated_at":"2026-02-01T08:00:00.000Z"}]}`,
		`{"data":[{"id":31002,"archived_at":null,"updated_at":"2026-02-01T08:00:00.000Z","variants":[{"id":71002,"sku":"KIT-BLUE"},{"id":"71003","sku":null}]}]}`,
		`{"data":[{"id":31003,"updated_at":"2026-02-01T08:00:00.000Z","variants":[null]},{"id":31004,"updated_at":"2026-02-01T08:00:00.000Z","variants":[]}]}`,
		`{"data":[{"id":"","updated_at":"0001-01-01T00:00:00Z"}]}`, `{"data":[null]}`, `{"data":[{"id":{},"updated_at":1}]}`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	feeds := append(append([]feed{}, standing...), turning...)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, feed := range feeds {
			all, err := decodeList(body, feed.read)
			if err != nil && all != nil {
				t.Errorf("%s: got %v beside %v", feed.name, all, err)
			}
			seen := remember(all, time.Date(-2, 1, 1, 0, 0, 0, 0, time.UTC))
			last := map[string]string{}
			for _, n := range all {
				if n.id == "" || n.look == "" || n.variant < 0 || n.of < 0 {
					t.Errorf("%s: got %+v", feed.name, n)
				}
				if slices.ContainsFunc(n.edited, func(id inventory.SourceVariantID) bool { return id <= 0 }) {
					t.Errorf("%s: got %+v", feed.name, n)
				}
				last[n.id] += n.look + " "
			}
			for id, looks := range last {
				if !strings.Contains(looks, seen[id]+" ") || seen[id] == "" && len(all) <= mostSeen {
					t.Errorf("%s: remembered %q of %s, which looked %s", feed.name, seen[id], id, looks)
				}
			}
		}
		for _, l := range []lookup{ofSalesOrders, ofMaking} {
			parts, err := decodeList(body, func(f *fields, w *newsWire) news { return readPart(f, w, l) })
			for _, n := range parts {
				if err != nil || n.id == "" || n.of <= 0 || n.variant < 0 {
					t.Errorf("%s: got %+v, %v", l.name, n, err)
				}
			}
		}
	})
}
