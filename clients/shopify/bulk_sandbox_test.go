package shopify

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stocksyncd/clients/internal/transport/transporttest"
	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/inventory"
)

// between stands between a client and a simulated store: it remembers what goes
// by, and may change the results of bulk queries.
type between struct {
	base    http.RoundTripper
	doctor  func(*http.Response, []byte) []byte // of a result; nil leaves them alone
	mu      sync.Mutex
	asked   []string // operations, and "result" for a file
	signed  []string // signatures that the store gave out
	fetched int      // bytes of results
}

var (
	operationName = regexp.MustCompile(`"operationName":"(\w+)"`)
	signature     = regexp.MustCompile(`Signature=([\w-]+)`)
)

func (b *between) RoundTrip(r *http.Request) (*http.Response, error) {
	name := "result"
	if r.Method != http.MethodGet {
		name = "other"
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if found := operationName.FindSubmatch(body); found != nil {
			name = string(found[1])
		}
	}
	answer, err := b.base.RoundTrip(r)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, name)
	if err != nil || name == "result" && b.doctor == nil || name != "result" && name != "pollBulk" {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	for _, found := range signature.FindAllSubmatch(body, -1) {
		b.signed = append(b.signed, string(found[1]))
	}
	if name == "result" && err == nil {
		body = b.doctor(answer, body)
		answer.ContentLength = int64(len(body))
		answer.Header.Del("Content-Length")
		b.fetched += len(body)
	}
	rest := io.Reader(bytes.NewReader(body))
	if err != nil {
		rest = io.MultiReader(rest, broken{err})
	}
	answer.Body = io.NopCloser(rest)
	return answer, nil
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// times counts the requests of a name.
func (b *between) times(name string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, asked := range b.asked {
		if asked == name {
			n++
		}
	}
	return n
}

// bench is a simulated store with a client that reads it by bulk queries and
// one that does so by pages.
type bench struct {
	t           *testing.T
	w           *sandbox.World
	bulk, pages *Client
	between     *between
	log         bytes.Buffer
	said        []string // errors
}

// newBench must be made inside a bubble.
func newBench(t *testing.T, w *sandbox.World) *bench {
	t.Helper()
	b := &bench{t: t, w: w, between: &between{base: transporttest.Serve(t, w.Shopify(""))}}
	opts := Options{
		Store: "main", Shop: "acme.myshopify.com", URL: "http://127.0.0.1", APIVersion: "2026-10",
		Token: func() string { return "shpat_sandbox" }, Base: b.between, BulkAbove: 1,
		Log: slog.New(slog.NewTextHandler(&b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	b.bulk = New(opts)
	opts.BulkAbove, opts.Log = 0, nil
	b.pages = New(opts)
	return b
}

// observe reads the store by bulk queries, and keeps what is said of it.
func (b *bench) observe(ctx context.Context) ([]inventory.Level, error) {
	levels, err := observe(ctx, b.bulk)
	if err != nil {
		b.said = append(b.said, err.Error())
		if levels != nil {
			b.t.Errorf("%d levels beside the error %v", len(levels), err)
		}
	}
	return levels, err
}

// byPages reads what must come out.
func (b *bench) byPages() []inventory.Level {
	b.t.Helper()
	levels, err := observe(b.t.Context(), b.pages)
	if err != nil {
		b.t.Fatal(err)
	}
	return levels
}

// secretFree checks that no result's URL was given away.
func (b *bench) secretFree() {
	b.t.Helper()
	text := b.log.String() + strings.Join(b.said, "\n")
	if b.between.times("result") > 0 && len(b.between.signed) == 0 {
		b.t.Error("a result was fetched, and no signature was seen")
	}
	for _, secret := range append(b.between.signed, "/bulk/", "Expires=", "shpat_sandbox") {
		if strings.Contains(text, secret) {
			b.t.Errorf("%q is given away:\n%s", secret, text)
		}
	}
}

// inBulk runs a test in virtual time on a small store in which everything
// occurs, and checks afterwards that no secret came out.
func inBulk(t *testing.T, test func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, sandbox.Shop(sandbox.Options{Now: time.Now, Seed: 1}, 14))
		test(b)
		b.secretFree()
	})
}

// wantAll checks that a look gave what pages give.
func (b *bench) wantAll(what string) {
	b.t.Helper()
	got, err := b.observe(b.t.Context())
	if diff := cmp.Diff(b.byPages(), got); err != nil || diff != "" {
		b.t.Errorf("%s: %v\n%s", what, err, diff)
	}
}

// wantError checks that a look ends in an error that says something.
func (b *bench) wantError(what, says string) error {
	b.t.Helper()
	got, err := b.observe(b.t.Context())
	if err == nil || !strings.Contains(err.Error(), says) {
		b.t.Errorf("%s: %d levels and %v, want an error with %q", what, len(got), err, says)
	}
	return err
}

func TestABulkQueryGivesWhatPagesGiveInEveryGeneratedShop(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			w := sandbox.Shop(sandbox.Options{Now: time.Now, Seed: seed}, 9+int(seed)*17)
			b := newBench(t, w)
			for range 3 { // the lines come in another order each time
				b.wantAll(fmt.Sprint("seed ", seed))
			}
			var kinds [6]bool
			for _, level := range b.byPages() {
				kinds = [6]bool{
					kinds[0] || !level.Active && !level.Unstocked, kinds[1] || level.Bundle, kinds[2] || level.GiftCard,
					kinds[3] || level.Untracked, kinds[4] || level.SKU == "", kinds[5] || level.Unstocked,
				}
			}
			if kinds != [6]bool{true, true, true, true, true, true} {
				t.Errorf("seed %d: inactive, bundle, gift card, untracked, without a SKU, without a level: %v", seed, kinds)
			}
			if got := b.between.times("result"); got != 3 {
				t.Errorf("%d results were fetched, want one for each look", got)
			}
			b.secretFree()
		})
	}
}

// drawnStore draws whatever can stand in a store.
func drawnStore(t *rapid.T) (places []sandbox.StoreLocation, listings []sandbox.Listing) {
	for i, name := range []string{"Oslo", "Bergen", "Narvik", "Bodø"}[:rapid.IntRange(1, 4).Draw(t, "locations")] {
		places = append(places, sandbox.StoreLocation{
			Name: name, Inactive: i > 0 && rapid.Bool().Draw(t, "closed"), FulfillmentService: i > 1 && rapid.Bool().Draw(t, "service"),
		})
	}
	var simple []string
	for i := range rapid.IntRange(2, 12).Draw(t, "variants") {
		mug := fmt.Sprintf("MUG-%d", i)
		l := sandbox.Listing{
			SKU:     rapid.SampledFrom([]string{"", " ", mug, "  mug\t", "TWIN", "Ærø ☕ \"x\"\u2028"}).Draw(t, "sku"),
			Product: fmt.Sprint(i), GiftCard: rapid.Bool().Draw(t, "gift card"), Untracked: rapid.Bool().Draw(t, "untracked"),
		}
		for _, place := range places {
			if rapid.Bool().Draw(t, "stocked") {
				l.Levels = append(l.Levels, sandbox.Level{
					Location: place.Name, Available: rapid.IntRange(-5, 1_000_000_000).Draw(t, "available"), Inactive: rapid.Bool().Draw(t, "inactive"),
				})
			}
		}
		if len(simple) > 0 && rapid.Bool().Draw(t, "bundle") {
			l.Levels, l.Parts = nil, []sandbox.Component{{SKU: simple[0], Quantity: 2}}
		} else if l.SKU == mug {
			simple = append(simple, l.SKU)
		}
		listings = append(listings, l)
	}
	return places, listings
}

func TestABulkQueryGivesWhatPagesGiveWhateverStandsInTheStore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		places, listings := drawnStore(rt)
		window, page := rapid.IntRange(1, 5).Draw(rt, "window"), rapid.IntRange(1, 5).Draw(rt, "page")
		levels := rapid.IntRange(1, 3).Draw(rt, "levels")
		var wrong string
		synctest.Test(t, func(t *testing.T) {
			w := sandbox.NewWorld(sandbox.Options{Now: time.Now, Stores: []sandbox.StoreOptions{{BucketSize: 1e6, Restore: 1e5}}})
			fill(t, w, places, listings)
			b := newBench(t, w)
			b.pages.window, b.pages.sizes["variants"], b.pages.levels = window, page, levels
			got, err := b.observe(t.Context())
			if diff := cmp.Diff(b.byPages(), got); err != nil || diff != "" || b.between.times("result") != 1 {
				wrong = fmt.Sprintf("%v\n%s\nasked %v", err, diff, b.between.asked)
			}
		})
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

func TestAStoreBeyondTheDepthOfPagesIsReadByOneBulkQuery(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long under the race detector; it runs without -short, also there in .ci/full")
	}
	const listings = 26_000 // beyond the depth that Shopify pages to
	simulated(t, listings, func(t *testing.T, pages *Client, w *sandbox.World) {
		b := newBench(t, w)
		opts := grantOptions()
		opts.Store, opts.Shop, opts.URL, opts.APIVersion, opts.Base, opts.BulkAbove = "main", "acme.myshopify.com", "http://127.0.0.1", "2026-10", b.between, 25_999
		b.bulk = New(opts)
		got, err := observe(t.Context(), b.bulk)
		if err != nil || len(got) != 3*listings {
			t.Fatalf("%d levels, %v", len(got), err)
		}
		// A grant, the count, the start, the file; the rest asks whether it is
		// there, which is 10 s away.
		if counts := b.bulk.Counts(); counts.Count > 14 || counts.Cost > 50 || counts.Throttled != 0 {
			t.Errorf("it cost %+v", counts)
		}
		pages.window = 2000
		want, err := observe(t.Context(), pages)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%d levels, %v, want the same as the %d of pages", len(got), err, len(want))
		}
	})
}

func TestABulkQueryThatFailsGivesNothing(t *testing.T) {
	for _, code := range []string{"ACCESS_DENIED", "INTERNAL_SERVER_ERROR", "TIMEOUT"} {
		inBulk(t, func(b *bench) {
			if err := b.w.Do(sandbox.BulkFails{Code: code}); err != nil {
				b.t.Fatal(err)
			}
			err := b.wantError(code, "FAILED: "+code)
			var pause *inventory.PauseError
			if !errors.Is(err, inventory.ErrIncomplete) || errors.As(err, &pause) != (code == "ACCESS_DENIED") {
				b.t.Errorf("%s: got %v", code, err)
			}
			if got := b.between.times("result"); got != 0 {
				b.t.Errorf("%s: its partial data was fetched", code)
			}
			b.wantAll("the next look")
		})
	}
}

func TestABulkQueryThatShopifyCancelsIsBegunAnewThreeTimes(t *testing.T) {
	for stalls, pages := range map[int]bool{1: false, 3: false, 4: true} {
		inBulk(t, func(b *bench) {
			if err := b.w.Do(sandbox.BulkStalls{Times: stalls}); err != nil {
				b.t.Fatal(err)
			}
			want := b.byPages()
			before := b.between.times("readVariants")
			got, err := b.observe(b.t.Context())
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				b.t.Errorf("canceled %d times: %v\n%s", stalls, err, diff)
			}
			if starts := b.between.times("runBulk"); starts != min(stalls+1, 4) {
				b.t.Errorf("canceled %d times: started %d times", stalls, starts)
			}
			if read := b.between.times("readVariants") > before; read != pages || strings.Contains(b.log.String(), "canceled it 4 times in a row") != pages {
				b.t.Errorf("canceled %d times: read by pages: %t\n%s", stalls, read, b.log.String())
			}
		})
	}
}

// runOthers starts as many bulk queries as may run at a time, by hand.
func (b *bench) runOthers() {
	for range 5 {
		if _, err := runBulk(b.t.Context(), b.pages.small("others"), bulkQuery); err != nil {
			b.t.Fatal(err)
		}
	}
}

func TestAPlaceAmongTheBulkQueriesIsWaitedForButNotForEver(t *testing.T) {
	shop := func(takes time.Duration) *sandbox.World {
		return sandbox.Shop(sandbox.Options{Now: time.Now, Seed: 1, Stores: []sandbox.StoreOptions{{BulkTakes: takes}}}, 14)
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, shop(time.Minute))
		b.runOthers()
		b.wantAll("others are done in a minute")
		if got := b.between.times("result"); got != 1 {
			t.Errorf("%d results were fetched, want 1\n%s", got, b.log.String())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, shop(time.Hour))
		b.runOthers()
		began := time.Now()
		b.wantAll("others take all day")
		if took := time.Since(began); took < bulkQueue || took > 2*bulkQueue {
			t.Errorf("it took %s", took)
		}
		for _, want := range []string{"level=WARN", "read by pages", "OPERATION_IN_PROGRESS"} {
			if !strings.Contains(b.log.String(), want) {
				t.Errorf("the log does not say %q:\n%s", want, b.log.String())
			}
		}
	})
}

func TestABulkQueryThatTakesTooLongIsCanceledAndPagesAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, sandbox.Shop(sandbox.Options{Now: time.Now, Seed: 1, Stores: []sandbox.StoreOptions{{BulkTakes: time.Hour}}}, 14))
		began := time.Now()
		b.wantAll("an hour is too long")
		if took := time.Since(began); took < bulkPatience || took > bulkPatience+time.Minute {
			t.Errorf("it took %s", took)
		}
		if got := b.between.times("pollBulk"); got > 80 {
			t.Errorf("it was asked for %d times", got)
		}
		if b.between.times("cancelBulk") != 1 || !strings.Contains(b.log.String(), "completed within 15m0s: raise sync.bulk_above") {
			t.Errorf("asked %v\n%s", b.between.asked, b.log.String())
		}
	})
}

func TestAStopCancelsTheBulkQueryThatRuns(t *testing.T) {
	inBulk(t, func(b *bench) {
		stop := errors.New("stopped by hand")
		ctx, cancel := context.WithCancelCause(b.t.Context())
		time.AfterFunc(4*time.Second, func() { cancel(stop) })
		began := time.Now()
		if _, err := b.observe(ctx); !errors.Is(err, stop) {
			b.t.Errorf("got %v, want it stopped", err)
		}
		if took := time.Since(began); took > 5*time.Second {
			b.t.Errorf("the stop took %s", took)
		}
		if got := b.between.asked; got[len(got)-1] != "cancelBulk" {
			b.t.Errorf("asked %v", got)
		}
		<-time.After(time.Minute)
		if state := b.lastBulk(); state != "CANCELED" {
			b.t.Errorf("the store has it %s", state)
		}
	})
	inBulk(t, func(b *bench) { // a store that does not answer holds no stop up
		ctx, cancel := context.WithTimeout(b.t.Context(), 4*time.Second)
		defer cancel()
		b.w.Inject(sandbox.Fault{Op: "cancelBulk", Kind: sandbox.FaultHang, Count: -1, Wait: time.Minute})
		began := time.Now()
		if _, err := b.observe(ctx); !errors.Is(err, context.DeadlineExceeded) {
			b.t.Errorf("got %v, want it out of time", err)
		}
		if took := time.Since(began); took > 4*time.Second+bulkGoodbye {
			b.t.Errorf("the stop took %s", took)
		}
		<-time.After(2 * time.Minute) // until the store has let go of the request
	})
}

// lastBulk is the status of the newest bulk query.
func (b *bench) lastBulk() string {
	const query = `{"query":"{ bulkOperations(first: 1, reverse: true) { nodes { ... on BulkOperation { status } } } }"}`
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, "http://127.0.0.1/admin/api/2026-10/graphql.json", strings.NewReader(query))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("X-Shopify-Access-Token", "shpat_sandbox")
	resp, err := b.between.RoundTrip(r)
	if err != nil {
		b.t.Fatal(err)
	}
	var answer struct {
		Data struct {
			BulkOperations struct{ Nodes []struct{ Status string } }
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || len(answer.Data.BulkOperations.Nodes) != 1 {
		b.t.Fatalf("%+v, %v", answer, err)
	}
	return answer.Data.BulkOperations.Nodes[0].Status
}

func TestAURLThatHasExpiredIsReplacedOnce(t *testing.T) {
	for _, status := range []int{400, 403, 404, 410} {
		inBulk(t, func(b *bench) {
			b.w.Inject(sandbox.Fault{Op: "bulk_result", Kind: sandbox.FaultStatus, Status: status})
			b.wantAll(fmt.Sprint("once ", status))
			if starts := b.between.times("runBulk"); starts != 2 {
				b.t.Errorf("%d: %d bulk queries, want 2", status, starts)
			}
			b.w.Inject(sandbox.Fault{Op: "bulk_result", Kind: sandbox.FaultStatus, Status: status, Count: -1})
			if err := b.wantError("for ever", fmt.Sprint("HTTP ", status)); !errors.Is(err, inventory.ErrIncomplete) {
				b.t.Errorf("got %v, want an incomplete read", err)
			}
			if starts := b.between.times("runBulk"); starts != 4 {
				b.t.Errorf("%d: %d bulk queries, want 2 more", status, starts)
			}
		})
	}
}

func TestNoFaultOnTheWayOfAResultGivesAWrongFigure(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long under the race detector; it runs without -short, also there in .ci/full")
	}
	for _, kind := range sandbox.FaultKinds() {
		for _, place := range []string{"countVariants", "runBulk", "pollBulk", "bulk_result"} {
			for _, count := range []int{1, -1} {
				inBulk(t, func(b *bench) {
					want := b.byPages()
					hits := b.w.Inject(sandbox.Fault{Op: place, Kind: sandbox.FaultKind(kind), Count: count, Rows: 2})
					got, err := b.observe(b.t.Context())
					if err == nil && !slices.Equal(got, want) {
						b.t.Errorf("%s of %s, %d times: %d levels of %d, and no error", kind, place, count, len(got), len(want))
					}
					if err != nil && (place == "countVariants" || place == "runBulk") {
						b.t.Errorf("%s of %s, %d times: %v, where pages would do", kind, place, count, err)
					}
					if hits() == 0 {
						b.t.Errorf("%s was never met", place)
					}
					b.w.ClearFaults()
					b.wantAll("once it is over")
				})
			}
		}
	}
}

// lines cuts a result at its line ends.
func lines(body []byte) []string {
	return strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
}

func TestAResultThatIsNotWhatWasPromisedIsAnError(t *testing.T) {
	level := func(l string) bool { return strings.Contains(l, "/InventoryLevel/") }
	first := func(all []string, of func(string) bool) *string { return &all[slices.IndexFunc(all, of)] }
	edit := func(l *string, old, now string) {
		if !strings.Contains(*l, old) {
			panic("nothing to edit in " + *l)
		}
		*l = strings.Replace(*l, old, now, 1)
	}
	variant := func(l string) bool { return !level(l) }
	parent := regexp.MustCompile(`"__parentId":"[^"]*"`)
	for name, test := range map[string]struct {
		doctor func(all []string) []string
		says   string
	}{
		"a line less":            {func(all []string) []string { return all[1:] }, "lines of"},
		"a line more":            {func(all []string) []string { return append(all, all[0]) }, "lines of"},
		"no line":                {func([]string) []string { return nil }, "has 0 lines of"},
		"a line cut":             {func(all []string) []string { all[3] = all[3][:len(all[3])/2]; return all }, "line 4 of its result is not what was asked for"},
		"a page of HTML":         {func([]string) []string { return []string{"<!DOCTYPE html>"} }, "line 1 of its result is not what was asked for"},
		"garbage":                {func(all []string) []string { all[0] = "\x00\xff{}"; return all }, "line 1"},
		"null":                   {func(all []string) []string { all[0] = "null"; return all }, "neither a variant nor a level"},
		"two objects in a line":  {func(all []string) []string { all[1] += "{}"; return all }, "line 2"},
		"a product":              {func(all []string) []string { edit(first(all, variant), "/ProductVariant/", "/Product/"); return all }, "neither a variant nor a level"},
		"a level without parent": {func(all []string) []string { edit(first(all, level), "__parentId", "__parent"); return all }, "neither a variant nor a level"},
		"a variant with parent":  {func(all []string) []string { edit(first(all, variant), `{"id"`, `{"__parentId":"x","id"`); return all }, "neither a variant nor a level"},
		"a parent of no kind": {func(all []string) []string {
			l := first(all, level)
			*l = parent.ReplaceAllString(*l, `"__parentId":"gid://shopify/Product/1"`)
			return all
		}, "neither its item nor a variant"},
		"a level of another item": {func(all []string) []string {
			edit(first(all, level), `"item":{"id":"gid://shopify/InventoryItem/`, `"item":{"id":"gid://shopify/InventoryItem/7`)
			return all
		}, "without its variant"},
		"a level of an item that nothing sells": {func(all []string) []string {
			l := first(all, level)
			*l = parent.ReplaceAllString(*l, `"__parentId":"gid://shopify/InventoryItem/7"`)
			edit(l, `"item":{"id":"gid://shopify/InventoryItem/`, `"item":{"id":"gid://shopify/InventoryItem/7","was":"`)
			return all
		}, "without any variant of its item"},
		"a parent that is not there": {func(all []string) []string {
			l := first(all, level)
			*l = parent.ReplaceAllString(*l, `"__parentId":"gid://shopify/ProductVariant/7"`)
			return all
		}, "without its variant"},
		"a figure that is text": {func(all []string) []string {
			edit(first(all, level), `"quantity":`, `"quantity":"7","was":`)
			return all
		}, "of type int"},
		"a fraction": {func(all []string) []string {
			edit(first(all, level), `"quantity":`, `"quantity":0.5,"was":`)
			return all
		}, "of type int"},
		"a figure that is none of GraphQL": {func(all []string) []string {
			edit(first(all, level), `"quantity":`, `"quantity":4294967296,"was":`)
			return all
		}, "more than a whole number of GraphQL holds"},
		"no figure":           {func(all []string) []string { edit(first(all, level), `"available"`, `"on_hand"`); return all }, `quantity "available"`},
		"no mark of activity": {func(all []string) []string { edit(first(all, level), `"isActive"`, `"active"`); return all }, "isActive"},
		"no mark of tracking": {func(all []string) []string { edit(first(all, variant), `"tracked"`, `"track"`); return all }, "tracked"},
		"no mark of a bundle": {func(all []string) []string {
			edit(first(all, variant), `"requiresComponents"`, `"requires"`)
			return all
		}, "requiresComponents"},
		"no mark of a gift card": {func(all []string) []string { edit(first(all, variant), `"isGiftCard"`, `"isGift"`); return all }, "isGiftCard"},
		"no item":                {func(all []string) []string { edit(first(all, variant), `"inventoryItem"`, `"item"`); return all }, "InventoryItem"},
		"an endless line":        {func(all []string) []string { all[0] = strings.Repeat(" ", bulkLineMost) + all[0]; return all }, "longer than"},
		"a file beyond its size": {func(all []string) []string { return append(all, strings.Repeat("\n", 2<<20)) }, "larger than allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			inBulk(t, func(b *bench) {
				b.between.doctor = func(_ *http.Response, body []byte) []byte {
					return []byte(strings.Join(test.doctor(lines(body)), "\n"))
				}
				if err := b.wantError(name, test.says); err != nil && !strings.HasPrefix(err.Error(), "shopify/main: bulk ") {
					b.t.Errorf("the error names no place: %v", err)
				}
				if n := b.between.times("result"); n != 1 {
					b.t.Errorf("it was fetched %d times", n)
				}
			})
		})
	}
}

func TestTheFormOfAResultDoesNotMatter(t *testing.T) {
	parent := regexp.MustCompile(`("item":\{"id":("[^"]*")\}.*"__parentId":)"[^"]*"`)
	for name, doctor := range map[string]func(*http.Response, []byte) []byte{
		"without its last line end": func(_ *http.Response, body []byte) []byte { return bytes.TrimSuffix(body, []byte("\n")) },
		"with empty lines": func(_ *http.Response, body []byte) []byte {
			return bytes.ReplaceAll(body, []byte("\n"), []byte("\n \n\n"))
		},
		"with other line ends": func(_ *http.Response, body []byte) []byte {
			return bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n"))
		},
		"with the item as the parent": func(_ *http.Response, body []byte) []byte { return parent.ReplaceAll(body, []byte("$1$2")) },
		"with fields nobody asked for": func(_ *http.Response, body []byte) []byte {
			return bytes.ReplaceAll(body, []byte(`{"id"`), []byte(`{"new":[{"a":1}],"id"`))
		},
		"levels first": func(_ *http.Response, body []byte) []byte {
			all := lines(body)
			slices.SortStableFunc(all, func(a, b string) int {
				return strings.Compare(strconv.FormatBool(!strings.Contains(a, "/InventoryLevel/")), strconv.FormatBool(!strings.Contains(b, "/InventoryLevel/")))
			})
			return []byte(strings.Join(all, "\n"))
		},
	} {
		inBulk(t, func(b *bench) {
			b.between.doctor = doctor
			b.wantAll(name)
			if got := b.between.times("result"); got != 1 {
				b.t.Errorf("%s: fetched %d times", name, got)
			}
		})
	}
}

func TestAPackedResultIsUnpacked(t *testing.T) {
	inBulk(t, func(b *bench) {
		plain := b.between.base
		packed := transporttest.Serve(b.t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			r.RequestURI, r.URL.Scheme, r.URL.Host = "", "http", "127.0.0.1"
			answer, err := plain.RoundTrip(r)
			if err != nil || r.Header.Get("Accept-Encoding") != "gzip" {
				http.Error(rw, "not packed", http.StatusNotAcceptable)
				return
			}
			defer func() { _ = answer.Body.Close() }()
			rw.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(rw)
			_, _ = io.Copy(z, answer.Body)
			_ = z.Close()
		}))
		b.between.base = roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet {
				return packed.RoundTrip(r)
			}
			return plain.RoundTrip(r)
		})
		b.wantAll("packed")
		if got := b.between.times("result"); got != 1 {
			b.t.Errorf("fetched %d times", got)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
