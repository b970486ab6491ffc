package katana_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stocksyncd/clients/internal/transport/transporttest"
	"stocksyncd/clients/katana"
	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/inventory"
)

func TestVariantsAreReadAloneWithTheirParents(t *testing.T) {
	mug := inventory.SourceVariant{ID: 1, SKU: "MUG", Created: day}
	kit := inventory.SourceVariant{ID: 2, SKU: "KIT", Created: day, Kit: true}
	wax := inventory.SourceVariant{ID: 4, SKU: "WAX", Created: day}
	old := inventory.SourceVariant{ID: 5, SKU: "OLD", Created: day, Archived: true}
	gone := inventory.SourceVariant{ID: 7, SKU: "GONE", Created: day, Deleted: true}
	fit := inventory.SourceVariant{ID: 8, SKU: "FIT", Created: day, Service: true}
	tests := []struct {
		name string
		ids  []inventory.SourceVariantID
		want []inventory.SourceVariant
		asks string
	}{
		{"none", nil, nil, ""},
		{"one of a product", []inventory.SourceVariantID{1}, []inventory.SourceVariant{mug}, "/variants?1 /products?101"},
		{"one of a material", []inventory.SourceVariantID{4}, []inventory.SourceVariant{wax}, "/variants?4 /materials?101"},
		{"several, in any order and twice", []inventory.SourceVariantID{5, 4, 2, 5, 1}, []inventory.SourceVariant{mug, kit, wax, old}, "/variants?1,2,4,5 /products?101,102,103 /materials?101"},
		{"one without a SKU", []inventory.SourceVariantID{6}, nil, "/variants?6"},
		{"a deleted one whose product is gone for good", []inventory.SourceVariantID{7}, []inventory.SourceVariant{gone}, "/variants?7 /products?104"},
		{"one of a service", []inventory.SourceVariantID{8}, []inventory.SourceVariant{fit}, "/variants?8 /services?"},
		{"one of a service without a SKU", []inventory.SourceVariantID{10}, nil, "/variants?10 /services?"},
		{"one that is gone for good", []inventory.SourceVariantID{99}, nil, "/variants?99 /services?"},
		{"of everything", []inventory.SourceVariantID{99, 8, 4, 1}, []inventory.SourceVariant{mug, wax, fit}, "/variants?1,4,8,99 /products?101 /materials?101 /services?"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := shop()
			read(t, s, func(t *testing.T, c *katana.Client) {
				got, err := c.Variants(t.Context(), test.ids)
				if err != nil || !slices.Equal(got, test.want) {
					t.Errorf("got %v, %v, want %v", got, err, test.want)
				}
			})
			var asks []string
			for _, u := range s.asked {
				query := u.Query()
				asks = append(asks, strings.TrimPrefix(u.Path, "/v1")+"?"+strings.Join(query["ids"], ","))
				if query.Get("include_archived") != "true" || query.Get("include_deleted") != "true" || query.Get("limit") != "250" {
					t.Errorf("asked %s, want archived and deleted records, too", u)
				}
			}
			if got := strings.Join(asks, " "); got != test.asks {
				t.Errorf("asked %s, want %s", got, test.asks)
			}
		})
	}
}

func TestManyVariantsTakeOneRequestAPage(t *testing.T) {
	for _, test := range []struct{ variants, requests int }{{1, 2}, {250, 2}, {251, 4}, {600, 6}} {
		s := large(700)
		read(t, s, func(t *testing.T, c *katana.Client) {
			got, err := c.Variants(t.Context(), upTo[inventory.SourceVariantID](test.variants))
			if err != nil || len(got) != test.variants || len(s.asked) != test.requests {
				t.Errorf("got %d of %d variants by %d requests, %v, want %d", len(got), test.variants, len(s.asked), err, test.requests)
			}
		})
	}
}

func TestIDsThatAreTooManyAreHalvedAndThatIsRemembered(t *testing.T) {
	s := large(300)
	most, status, body := 100, 414, ""
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if len(r.URL.Query()["ids"])+len(r.URL.Query()["variant_id"]) <= most {
			return false
		}
		refuse(w, status, body)
		return true
	}
	read(t, s, func(t *testing.T, c *katana.Client) {
		// 250 and 125 in vain, then 5 times 62 of variants and of products.
		for i, want := range []int{2 + 10, 10} {
			before := len(s.asked)
			got, err := c.Variants(t.Context(), upTo[inventory.SourceVariantID](300))
			if err != nil || len(got) != 300 || len(s.asked)-before != want {
				t.Errorf("read %d: got %d variants by %d requests, %v, want 300 by %d", i+1, len(got), len(s.asked)-before, err, want)
			}
		}
		// One length is as good for the inventory.
		before := len(s.asked)
		if _, err := c.Inventory(t.Context(), both, upTo[inventory.SourceVariantID](300)); err != nil || len(s.asked)-before != 5 {
			t.Errorf("got %v by %d requests for the inventory, want 5", err, len(s.asked)-before)
		}
		most, status, body = 40, 422, `{"statusCode":422,"name":"X","message":"bad","details":[{"path":".ids","code":"maxItems"}]}`
		if _, err := c.Variants(t.Context(), upTo[inventory.SourceVariantID](62)); err != nil {
			t.Errorf("got %v for a list that the server finds too long", err)
		}
		most, status, body = 0, 400, `{"statusCode":400,"name":"BadRequestError","message":"no"}`
		_, err := c.Variants(t.Context(), upTo[inventory.SourceVariantID](62))
		wantError(t, err, "katana: variants: HTTP 400")
		most = 100
		before = len(s.asked)
		if _, err := c.Variants(t.Context(), upTo[inventory.SourceVariantID](31)); err != nil || len(s.asked)-before != 2 {
			t.Errorf("got %v by %d requests, want 2: a refusal that was not for length is forgotten", err, len(s.asked)-before)
		}
	})
}

func TestAnAnswerAboutOtherIDsIsNeverData(t *testing.T) {
	mug := shop().lists["/variants"][5]
	twice := []record{mug, mug}
	tests := []struct {
		name, path string
		total      int
		records    []record
		want       string
	}{
		{"all variants", "/variants", 6, shop().lists["/variants"], "katana: variants: the filter ids was not obeyed: got 7, which was not asked for"},
		{"all products", "/products", 3, shop().lists["/products"], "katana: products: the filter ids was not obeyed: got 102"},
		{"a page of many", "/variants", 9000, []record{mug}, "katana: variants: the filter ids was not obeyed: 9000 records for 1 ids"},
		{"one of two", "/variants", 2, twice[:1], "2 records for 1 ids"},
		{"one that is promised and does not come", "/variants", 1, nil, "katana: variants: incomplete read: 0 of 1 records arrived"},
		{"a product that is promised and does not come", "/products", 1, nil, "katana: products: incomplete read: 0 of 1 records arrived"},
		{"a field that is missing", "/variants", 1, []record{{"id": 1}}, "katana: variants: record 1: sku is missing"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := shop()
			s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/v1"+test.path {
					return false
				}
				answer(w, test.total, test.records)
				return true
			}
			read(t, s, func(t *testing.T, c *katana.Client) {
				got, err := c.Variants(t.Context(), []inventory.SourceVariantID{1})
				wantError(t, err, test.want)
				if got != nil || len(s.asked) > 5 {
					t.Errorf("got %v by %d requests beside the error", got, len(s.asked))
				}
			})
		})
	}
}

func TestAVariantWhoseProductDoesNotComeIsReadAgainAndThenNamed(t *testing.T) {
	for _, mended := range []bool{true, false} {
		s := shop()
		all := s.lists["/products"]
		s.lists["/products"] = all[1:]
		s.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if mended && s.times("/products") == 2 {
				s.lists["/products"] = all
			}
			return false
		}
		read(t, s, func(t *testing.T, c *katana.Client) {
			got, err := c.Variants(t.Context(), []inventory.SourceVariantID{1, 2})
			if mended {
				if err != nil || len(got) != 2 {
					t.Errorf("got %v, %v, want both", got, err)
				}
				return
			}
			wantError(t, err, `variant 1, SKU "MUG" (product 101, material 0)`)
		})
		if s.times("/products") != 2 {
			t.Errorf("got %d reads of products, want 2", s.times("/products"))
		}
	}
}

// drawItems draws items of all kinds. Each has variants of its own SKUs or of
// those of others.
func drawItems(t *rapid.T) []sandbox.Product {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sandbox.Product {
		p := sandbox.Product{
			Name: "Item", Kind: rapid.SampledFrom([]string{"product", "product", "material", "service"}).Draw(t, "kind"),
			Archived: rapid.IntRange(0, 3).Draw(t, "archived") == 0, Deleted: rapid.IntRange(0, 5).Draw(t, "deleted") == 0,
		}
		p.Kit = p.Kind == "product" && rapid.Bool().Draw(t, "kit")
		most := 3
		if p.Kind == "service" {
			most = 1 // no list tells that one of several was deleted
		}
		for range rapid.IntRange(1, most).Draw(t, "variants") {
			p.Variants = append(p.Variants, sandbox.Variant{
				SKU:     rapid.SampledFrom(append([]string{"", "", " S\t"}, catalogueSKUs...)).Draw(t, "sku"),
				Deleted: rapid.IntRange(0, 5).Draw(t, "variant deleted") == 0,
			})
		}
		return p
	}), 1, 30).Draw(t, "items")
}

// sells makes a world of items and a client of it.
func sells(t *testing.T, items []sandbox.Product) (*sandbox.World, *katana.Client) {
	t.Helper()
	w := sandbox.NewWorld(sandbox.Options{Now: time.Now, KatanaPerMinute: 1 << 40})
	w.AddLocation(sandbox.KatanaLocation{Name: "Main"})
	for _, item := range items {
		if _, err := w.AddProduct(item); err != nil {
			t.Fatal(err)
		}
	}
	return w, katana.New(katana.Options{
		URL: "http://katana.example/v1", Key: func() string { return "sandbox-katana-key" }, PerMinute: 6000, Version: "test",
		Base: transporttest.Serve(t, w.Katana()),
	})
}

var catalogueSKUs = []string{"A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L"}

// firstVariant is the id of the sandbox's first variant.
const firstVariant = 71001

func TestVariantsAreWhatTheCatalogueSaysOfThem(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		items := drawItems(rt)
		room := rapid.SampledFrom([]int{110, 200, 8192}).Draw(rt, "bytes of a request")
		ids := rapid.SliceOf(rapid.Map(rapid.IntRange(-1, 2*len(items)), func(n int) inventory.SourceVariantID {
			return inventory.SourceVariantID(firstVariant + n)
		})).Draw(rt, "ids")
		wrong := ""
		synctest.Test(t, func(t *testing.T) {
			w, c := sells(t, items)
			catalogue, err := c.Catalogue(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w.SetKatanaMaxURL(room)
			got, err := c.Variants(t.Context(), ids)
			want := slices.DeleteFunc(catalogue, func(v inventory.SourceVariant) bool { return !slices.Contains(ids, v.ID) })
			if err != nil || !slices.Equal(got, want) {
				wrong = fmt.Sprintf("got %v; the catalogue has −, got +:\n%s", err, cmp.Diff(want, got))
			}
			for _, v := range got {
				for name, is := range map[string]bool{"kit": v.Kit, "service": v.Service, "archived": v.Archived, "deleted": v.Deleted, "live": v.Live()} {
					if is {
						seen[name]++
					}
				}
			}
		})
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
	if t.Logf("compared %v", seen); len(seen) != 5 {
		t.Errorf("got %v, want some of each of 5 kinds", seen)
	}
}

// drawEdit draws what may happen to a catalogue.
func drawEdit(t *rapid.T) sandbox.Event {
	sku := rapid.SampledFrom(catalogueSKUs).Draw(t, "sku")
	switch rapid.IntRange(0, 5).Draw(t, "edit") {
	case 0:
		return sandbox.ItemDeleted{SKU: sku}
	case 1, 2:
		return sandbox.ItemArchived{SKU: sku, Restore: rapid.Bool().Draw(t, "restore")}
	default:
		return sandbox.SKUChanged{SKU: sku, To: rapid.SampledFrom(append([]string{"Z"}, catalogueSKUs...)).Draw(t, "to")}
	}
}

// edition is a catalogue that is kept by what the feeds tell.
type edition struct {
	c    *katana.Client
	mark inventory.Mark
	all  map[inventory.SourceVariantID]inventory.SourceVariant
	// whole counts how often all was read again, and mended the variants that were
	// read alone.
	whole, mended int
}

// begin reads the catalogue, whose edits from then on are told.
func begin(t *testing.T, c *katana.Client) *edition {
	t.Helper()
	e := &edition{c: c}
	first, err := c.Changes(t.Context(), inventory.Mark{})
	if err != nil {
		t.Fatal(err)
	}
	e.mark, e.all = first.Mark, e.catalogue(t)
	return e
}

func (e *edition) catalogue(t *testing.T) map[inventory.SourceVariantID]inventory.SourceVariant {
	t.Helper()
	variants, err := e.c.Catalogue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := map[inventory.SourceVariantID]inventory.SourceVariant{}
	for _, v := range variants {
		all[v.ID] = v
	}
	return all
}

// mend asks what changed and reads as much as that takes.
func (e *edition) mend(t *testing.T) {
	t.Helper()
	changes, err := e.c.Changes(t.Context(), e.mark)
	if err != nil {
		t.Fatal(err)
	}
	e.mark = changes.Mark
	if changes.Catalogue {
		e.whole++
		e.all = e.catalogue(t)
		return
	}
	e.mended += len(changes.Edited)
	fresh, err := e.c.Variants(t.Context(), changes.Edited)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range changes.Edited {
		delete(e.all, id)
	}
	for _, v := range fresh {
		e.all[v.ID] = v
	}
}

// wrong compares with the whole catalogue. Whether what was deleted before is
// archived, too, is not told.
func (e *edition) wrong(t *testing.T) string {
	t.Helper()
	want := e.catalogue(t)
	for _, all := range []map[inventory.SourceVariantID]inventory.SourceVariant{want, e.all} {
		for id, v := range all {
			v.Archived = v.Archived && !v.Deleted
			all[id] = v
		}
	}
	return cmp.Diff(want, e.all)
}

func TestACatalogueThatIsMendedByItsEditsIsTheWholeOne(t *testing.T) {
	whole, mended := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		items := drawItems(rt)
		rounds := rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(drawEdit), 0, 4), 1, 4).Draw(rt, "rounds")
		wrong := ""
		synctest.Test(t, func(t *testing.T) {
			w, c := sells(t, items)
			<-time.After(time.Hour)
			e := begin(t, c)
			for _, edits := range rounds {
				for _, edit := range edits {
					<-time.After(time.Second)
					_ = w.Do(edit) // what cannot happen changes nothing
				}
				for range turns {
					<-time.After(10 * time.Second)
					e.mend(t)
				}
				if wrong = e.wrong(t); wrong != "" {
					return
				}
			}
			whole, mended = whole+e.whole, mended+e.mended
		})
		if wrong != "" {
			rt.Fatal("want −, got +:\n" + wrong)
		}
	})
	t.Logf("read %d variants alone, and all %d times", mended, whole)
	if mended == 0 {
		t.Error("nothing was read alone")
	}
}
