package katana_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/internal/transport/transporttest"
	"stocksyncd/clients/katana"
)

const key = "katana-key-0123456789"

// record is an object of the fake, as JSON.
type record = map[string]any

// fake answers like Katana, from lists that a test fills. Its answers differ
// where a test says so.
type fake struct {
	mu    sync.Mutex
	lists map[string][]record // by path
	asked []*url.URL
	// before sees every request first; true means that it has answered.
	before func(w http.ResponseWriter, r *http.Request) bool
	skew   time.Duration // of the clock in Date
}

func (s *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.URL)
	w.Header().Set("Date", time.Now().Add(s.skew).UTC().Format(http.TimeFormat))
	if r.Header.Get("Authorization") != "Bearer "+key {
		refuse(w, 401, `{"statusCode":401,"name":"UnauthorizedError","message":"Unauthorized"}`)
		return
	}
	if s.before != nil && s.before(w, r) {
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/v1")
	if path == "/factory" {
		_, _ = fmt.Fprint(w, `{"display_name":"Acme","legal_name":"Acme OÜ","base_currency_code":"EUR","legal_address":{}}`)
		return
	}
	s.page(w, r.URL.Query(), s.filter(path, r.URL.Query()))
}

// page answers one page of records.
func (s *fake) page(w http.ResponseWriter, query url.Values, records []record) {
	limit, page := number(query, "limit", 50), number(query, "page", 1)
	from := min((page-1)*limit, len(records))
	to := min(from+limit, len(records))
	answer(w, len(records), records[from:to])
}

func answer(w http.ResponseWriter, total int, records []record) {
	w.Header().Set("X-Pagination", fmt.Sprintf(`{"total_records":"%d","total_pages":"%d","first_page":"false"}`, total, total/250+1))
	if records == nil {
		records = []record{}
	}
	_ = json.NewEncoder(w).Encode(record{"data": records})
}

func refuse(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprint(w, body)
}

func number(query url.Values, name string, otherwise int) int {
	if n, err := strconv.Atoi(query.Get(name)); err == nil {
		return n
	}
	return otherwise
}

// filter applies the filters that the client uses.
func (s *fake) filter(path string, query url.Values) []record {
	records := slices.Clone(s.lists[path])
	return slices.DeleteFunc(records, func(r record) bool {
		if only := query["location_id"]; path == "/inventory" && only != nil && !slices.Contains(only, fmt.Sprint(r["location_id"])) {
			return true
		}
		if only := query["variant_id"]; path == "/inventory" && only != nil && !slices.Contains(only, fmt.Sprint(r["variant_id"])) {
			return true
		}
		if only := query["ids"]; only != nil && !slices.Contains(only, fmt.Sprint(r["id"])) {
			return true
		}
		if query.Get("include_deleted") != "true" && r["deleted_at"] != nil {
			return true
		}
		if query.Get("include_archived") != "true" && r["archived_at"] != nil {
			return true
		}
		for _, name := range []string{"status", "sales_order_id", "product_variant_id", "manufacturing_order_id"} {
			if only := query.Get(name); only != "" && fmt.Sprint(r[name]) != only {
				return true
			}
		}
		if orders := query["sales_order_ids"]; orders != nil && !slices.Contains(orders, fmt.Sprint(r["sales_order_id"])) {
			return true
		}
		since := query.Get("updated_at_min")
		return since != "" && changedAt(r) < since
	})
}

// changedAt is what updated_at_min looks at. A fulfilment keeps it to itself,
// here as hidden.
func changedAt(r record) string {
	if hidden, ok := r["hidden"].(string); ok {
		return hidden
	}
	at, _ := r["updated_at"].(string)
	return at
}

// times counts the requests to a path.
func (s *fake) times(path string) (n int) {
	for _, u := range s.asked {
		if u.Path == "/v1"+path {
			n++
		}
	}
	return n
}

const created = "2026-02-01T08:00:00.000Z"

// shop is a world with one of everything:
//
//	1 MUG   plain            4 WAX   material     6 no SKU
//	2 KIT   kit              5 OLD   archived     7 GONE  deleted    8 FIT  service
func shop() *fake {
	product := func(id int, more record) record {
		r := record{"id": id, "is_auto_assembly": false, "archived_at": nil, "deleted_at": nil, "new_field": []int{1}}
		for k, v := range more {
			r[k] = v
		}
		return r
	}
	variant := func(id int, sku any, product, material any) record {
		return record{"id": id, "sku": sku, "product_id": product, "material_id": material, "created_at": created, "deleted_at": nil, "custom_fields": nil}
	}
	gone := variant(7, "GONE", 104, nil)
	gone["deleted_at"] = created
	return &fake{lists: map[string][]record{
		"/locations": {
			{"id": 20, "name": "Main", "sales_allowed": true, "deleted_at": nil},
			{"id": 21, "name": "Oslo", "sales_allowed": false, "deleted_at": nil},
			{"id": 19, "name": "Closed", "sales_allowed": true, "deleted_at": created},
		},
		"/variants": {
			gone, variant(6, nil, 101, nil), variant(5, "OLD", 103, nil), variant(4, " WAX\n", nil, 101),
			variant(2, "KIT", 102, nil), variant(1, "MUG", 101, nil),
		},
		"/products": {
			product(101, nil), product(102, record{"is_auto_assembly": true}), product(103, record{"archived_at": created}),
		},
		"/materials": {{"id": 101, "archived_at": nil}},
		"/services": {{"id": 9, "variants": []record{
			{"id": 8, "sku": "FIT", "service_id": 9, "created_at": created, "deleted_at": nil}, {"id": 10, "sku": nil, "created_at": created},
		}}},
		"/inventory": {
			row(1, 20, "40.00000", "12.00000", nil), row(2, 20, "1.00000", "3.00000", "9.00000"), row(4, 20, -2.5, 0, nil),
			row(1, 21, 7, "0.5", nil), row(4, 21, "0", "0", "0"),
		},
		"/sales_orders": nil, "/sales_order_fulfillments": nil,
	}}
}

func row(variant, location int, inStock, committed, potential any) record {
	return record{
		"variant_id": variant, "location_id": location, "quantity_in_stock": inStock,
		"quantity_committed": committed, "quantity_potential": potential, "average_cost": "4.2500000000",
	}
}

// read runs a test in virtual time against s.
func read(t *testing.T, s *fake, test func(t *testing.T, c *katana.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, katana.New(katana.Options{
			URL: "http://katana.example/v1/", Key: func() string { return key }, PerMinute: 6000, Version: "test",
			Base: transporttest.Serve(t, s), Rand: func() float64 { return 0 },
		}))
	})
}
