package cli

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/katana"
	"stocksyncd/clients/shopify"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/state"
)

var (
	memoryOf    = flag.Int("memory-of", 0, "run full cycles of so many levels in this process and print what memory they took; set by TestScaleMemory")
	memoryState = flag.String("memory-state", "", "the state file for it")
	memoryHeap  = flag.String("memory-heap", "", "write a profile of the heap after it to this file")
)

// mill answers for both APIs of a large shop and makes up what it says while it
// says it, so that nothing of the shop is in memory. What is not about its
// variants an empty simulated shop answers.
type mill struct {
	skus  int
	rest  http.RoundTripper
	bytes int // of the bulk query's result
}

const (
	millVariant = 31_000_000         // in Katana
	millProduct = 21_000_000         // in Katana
	millListing = 41_000_000_000_000 // a variant in Shopify
	millItem    = 45_000_000_000_000
	millApart   = 32_768
	millWhen    = `"created_at":"2024-05-06T07:08:09.000Z","updated_at":"2024-05-06T07:08:09.000Z","deleted_at":null`
	millDone    = `{"data":{"bulkOperation":{"status":"COMPLETED","errorCode":null,"objectCount":"%d","fileSize":"%d","url":"http://127.0.0.1/bulk/mill.jsonl","partialDataUrl":null}},"extensions":{"cost":{"actualQueryCost":1,"requestedQueryCost":1,"throttleStatus":{"currentlyAvailable":1999,"maximumAvailable":2000,"restoreRate":100}}}}`
)

func (m *mill) RoundTrip(r *http.Request) (*http.Response, error) {
	query := r.URL.Query()
	switch {
	case strings.HasPrefix(r.URL.Path, "/bulk/"):
		return m.answer(r, "", &millFile{skus: m.skus}), nil
	case strings.HasSuffix(r.URL.Path, "/variants"), strings.HasSuffix(r.URL.Path, "/products"):
		page, err := strconv.Atoi(query.Get("page"))
		if err != nil {
			return nil, err
		}
		return m.list(r, page, strings.HasSuffix(r.URL.Path, "/products")), nil
	case strings.HasSuffix(r.URL.Path, "/inventory"):
		return m.inventory(r, query["variant_id"], query["location_id"])
	}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		switch {
		case bytes.Contains(body, []byte(`"operationName":"countVariants"`)):
			return m.answer(r, "", strings.NewReader(fmt.Sprintf(`{"data":{"productVariantsCount":{"count":%d,"precision":"EXACT"}},"extensions":{"cost":{"actualQueryCost":10,"requestedQueryCost":10,"throttleStatus":{"currentlyAvailable":1990,"maximumAvailable":2000,"restoreRate":100}}}}`, m.skus))), nil
		case bytes.Contains(body, []byte(`"operationName":"pollBulk"`)):
			if m.bytes == 0 {
				n, err := io.Copy(io.Discard, &millFile{skus: m.skus})
				if err != nil {
					return nil, err
				}
				m.bytes = int(n)
			}
			return m.answer(r, "", strings.NewReader(fmt.Sprintf(millDone, m.skus*(1+scaleLocations), m.bytes))), nil
		}
	}
	return m.rest.RoundTrip(r)
}

func (m *mill) answer(r *http.Request, pagination string, body io.Reader) *http.Response {
	header := http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Date": {time.Now().UTC().Format(http.TimeFormat)}}
	if pagination != "" {
		header.Set("X-Pagination", pagination)
	}
	return &http.Response{StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Body: io.NopCloser(body), Request: r, ContentLength: -1}
}

func millPages(total, page int) string {
	last := pages(total)
	return fmt.Sprintf(`{"total_records":"%d","total_pages":"%d","offset":"0","page":"%d","first_page":"%t","last_page":"%t"}`, total, last, page, page == 1, page >= last)
}

func (m *mill) list(r *http.Request, page int, products bool) *http.Response {
	var b bytes.Buffer
	b.WriteString(`{"data":[`)
	for n := (page - 1) * 250; n < min(page*250, m.skus); n++ {
		if n%250 > 0 {
			b.WriteByte(',')
		}
		variant := fmt.Sprintf(`{"id":%d,"sku":"%s","product_id":%d,"material_id":null,"type":"product","sales_price":10,%s}`, millVariant+n*3, scaleSKU(n), millProduct+n, millWhen)
		if products {
			fmt.Fprintf(&b, `{"id":%d,"name":"A product","type":"product","is_sellable":true,"is_producible":true,"is_purchasable":false,"is_auto_assembly":false,"archived_at":null,"variants":[%s],%s}`, millProduct+n, variant, millWhen)
		} else {
			b.WriteString(variant)
		}
	}
	b.WriteString(`]}`)
	return m.answer(r, millPages(m.skus, page), &b)
}

func (m *mill) inventory(r *http.Request, variants, locations []string) (*http.Response, error) {
	if len(locations) == 0 {
		locations = []string{"2201", "2202", "2203"}
	}
	var b bytes.Buffer
	b.WriteString(`{"data":[`)
	for i, variant := range variants {
		id, err := strconv.Atoi(variant)
		if err != nil {
			return nil, err
		}
		for j, location := range locations {
			if i+j > 0 {
				b.WriteByte(',')
			}
			at := int(location[3] - '1')
			fmt.Fprintf(&b, `{"variant_id":%s,"location_id":%s,"safety_stock_level":"0.00000","reorder_point":"0.00000","average_cost":"4.2500000000","value_in_stock":"29.7500000000","quantity_in_stock":"%d.00000","quantity_committed":"0.00000","quantity_expected":"0.00000","quantity_missing_or_excess":"7.00000","quantity_potential":null,"archived_at":null,"default_storage_bin":null}`,
				variant, location, millShows((id-millVariant)/3, at))
		}
	}
	b.WriteString(`]}`)
	return m.answer(r, millPages(len(variants)*len(locations), 1), &b), nil
}

func millShows(n, at int) int { return (n*7 + at*3) % 40 }

// millFile is the result of a bulk query: of each variant a line, and one for
// each of its levels.
type millFile struct {
	skus, next int
	line       []byte
}

func (f *millFile) Read(into []byte) (n int, _ error) {
	for n < len(into) {
		if len(f.line) == 0 {
			if f.next == f.skus*(1+scaleLocations) {
				return n, io.EOF
			}
			f.line = f.make(f.line[:0], f.next/(1+scaleLocations), f.next%(1+scaleLocations))
			f.next++
		}
		took := copy(into[n:], f.line)
		n, f.line = n+took, f.line[took:]
	}
	return n, nil
}

func (f *millFile) make(b []byte, n, part int) []byte {
	if part == 0 {
		return fmt.Appendf(b, `{"id":"gid://shopify/ProductVariant/%d","requiresComponents":false,"product":{"isGiftCard":false},"inventoryItem":{"id":"gid://shopify/InventoryItem/%d","sku":"%s","tracked":true}}`+"\n",
			millListing+n*millApart, millItem+n*millApart, scaleSKU(n))
	}
	return fmt.Appendf(b, `{"id":"gid://shopify/InventoryLevel/%d?inventory_item_id=%[2]d","isActive":true,"item":{"id":"gid://shopify/InventoryItem/%[2]d"},"location":{"id":"gid://shopify/Location/%[3]d"},"quantities":[{"name":"available","quantity":%[4]d}],"__parentId":"gid://shopify/ProductVariant/%[5]d"}`+"\n",
		millItem+n*millApart+part, millItem+n*millApart, 60_000_000_000+part, millShows(n, part-1), millListing+n*millApart)
}

// TestMemoryOfAFullCycle runs full cycles of a large shop: the program's own
// clients, reconciler and state file, between two APIs that take no memory.
// TestScaleMemory runs it in a process of its own.
func TestMemoryOfAFullCycle(t *testing.T) {
	if *memoryOf == 0 {
		t.Skip("TestScaleMemory runs it in a process of its own")
	}
	defer lean(os.Getenv)()
	synctest.Test(t, func(t *testing.T) {
		w := &whole{t: t, world: scaleLocationsOnly(t), path: *memoryState, settle: 10 * time.Minute}
		m := &mill{skus: *memoryOf / scaleLocations}
		store, err := state.Open(w.path, state.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = store.Close() }()
		source, target := *m, *m
		source.rest, target.rest = inMemory{w.world.Katana()}, inMemory{w.world.Shopify("main")}
		r, err := reconcile.New(reconcile.Options{
			Source: katana.New(katana.Options{URL: "http://katana/v1", Key: func() string { return "sandbox-katana-key" }, PerMinute: 60, Base: &source}),
			Stores: []reconcile.Store{{Name: "main", Shop: shopOf("main"), Mode: inventory.ModeApply, Choice: reconcile.Choice{Mapping: scaleMapping()}, Target: shopify.New(shopify.Options{
				Store: "main", Shop: shopOf("main"), URL: "http://127.0.0.1", APIVersion: "2026-10", BulkAbove: 5_000, Token: func() string { return "shpat_sandbox" }, Base: &target,
			})}},
			Journal: store, Settle: w.settle, Quarantine: 24 * time.Hour, SweepAtLeast: sweepAtLeast,
		})
		if err != nil {
			t.Fatal(err)
		}
		report, err := r.Cycle(context.Background(), reconcile.Request{Kind: inventory.Full})
		if err != nil || report.Stores[0].Error != "" || report.Stores[0].InStep != m.skus*scaleLocations {
			t.Fatalf("%v: %+v", err, report.Stores)
		}
		var after runtime.MemStats
		runtime.GC()
		if *memoryHeap != "" {
			file, err := os.Create(*memoryHeap)
			if err != nil {
				t.Fatal(err)
			}
			if err := pprof.WriteHeapProfile(file); err != nil {
				t.Fatal(err)
			}
			_ = file.Close()
		}
		runtime.ReadMemStats(&after)
		fmt.Printf("memory: %d levels in step; peak %d MiB resident", report.Stores[0].InStep, status(t, "VmHWM")>>10)
		debug.FreeOSMemory()
		fmt.Printf(", %d MiB after it, of which %d MiB are the heap and %d MiB the state file's pages\n", status(t, "VmRSS")>>10, after.HeapAlloc>>20, status(t, "RssFile")>>10)
		runtime.KeepAlive(r)
	})
}

// status is a line of /proc/self/status, in KiB.
func status(t *testing.T, name string) int {
	t.Helper()
	file, err := os.Open("/proc/self/status")
	if err != nil {
		t.Skip("only Linux tells what is resident: ", err)
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == name+":" {
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("/proc/self/status has no %s", name)
	return 0
}

// TestScaleMemory prints what is resident in a full cycle of many levels, the
// first one and the one after a restart.
func TestScaleMemory(t *testing.T) {
	levels := 30_000
	if *large {
		levels = 999_999
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "state.db")
	for _, cycle := range []struct {
		name string
		most int // MiB
	}{{"the first one", 400}, {"the one after a restart", 400}} {
		out, err := exec.CommandContext(t.Context(), binary, "-test.run=^TestMemoryOfAFullCycle$", "-test.v",
			fmt.Sprint("-memory-of=", levels), "-memory-state="+path).CombinedOutput() // #nosec G204 -- ourselves
		_, told, found := strings.Cut(string(out), "memory: ")
		if err != nil || !found {
			t.Fatalf("%v\n%s", err, out)
		}
		told, _, _ = strings.Cut(told, "\n")
		tell(t.Output(), "Full cycle, %s: %s\n", cycle.name, told)
		var inStep, peak int
		if _, err := fmt.Sscanf(told, "%d levels in step; peak %d MiB", &inStep, &peak); err != nil || peak > cycle.most || inStep != levels {
			t.Errorf("%s: %d MiB at its peak with %d levels, want at most %d with %d (%v)", cycle.name, peak, inStep, cycle.most, levels, err)
		}
	}
}
