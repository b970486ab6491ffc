package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"stocksyncd/reconcile/inventory"
)

// asked sends a request to the simulated APIs, past our own clients, and
// decodes its answer.
func (b *bench) asked(method, path, header, value, body string, into any) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL+path, bytes.NewBufferString(body))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set(header, value)
	response, err := b.server.Client().Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	if err := json.NewDecoder(response.Body).Decode(into); err != nil || response.StatusCode != http.StatusOK {
		b.t.Fatalf("%s %s: %s, %v", method, path, response.Status, err)
	}
}

// katanaIDs lists Katana's variants of a SKU that are not deleted, by their
// ids.
func (b *bench) katanaIDs(sku string) (ids []int64) {
	b.t.Helper()
	var list struct {
		Data []struct{ ID int64 }
	}
	query := url.Values{"sku": {sku}, "include_archived": {"true"}, "limit": {"250"}}
	b.asked(http.MethodGet, "/katana/v1/variants?"+query.Encode(), "Authorization", "Bearer the-katana-secret", "", &list)
	for _, one := range list.Data {
		ids = append(ids, one.ID)
	}
	slices.Sort(ids)
	return ids
}

// katanaHas is what is in stock of a variant.
func (b *bench) katanaHas(id inventory.SourceVariantID, location int) string {
	b.t.Helper()
	var list struct {
		Data []struct {
			InStock string `json:"quantity_in_stock"`
		}
	}
	b.asked(http.MethodGet, fmt.Sprintf("/katana/v1/inventory?variant_id=%d&location_id=%d", int64(id), location), "Authorization", "Bearer the-katana-secret", "", &list)
	if len(list.Data) != 1 {
		b.t.Fatalf("%d rows of variant %d at location %d", len(list.Data), id, location)
	}
	return strings.TrimRight(strings.TrimRight(list.Data[0].InStock, "0"), ".")
}

// shopifyIDs lists a store's variants by their SKUs, with their ids.
func (b *bench) shopifyIDs(store string) map[string][]string {
	b.t.Helper()
	found := map[string][]string{}
	after := "null"
	for {
		var answer struct {
			Data struct {
				ProductVariants struct {
					Nodes    []struct{ ID, SKU string }
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
				}
			}
		}
		body := fmt.Sprintf(`{"query": "query V($after: String) { productVariants(first: 250, after: $after, sortKey: ID) { nodes { id sku } pageInfo { hasNextPage endCursor } } }", "variables": {"after": %s}}`, after)
		b.asked(http.MethodPost, "/shopify/"+store+"/admin/api/2026-10/graphql.json", "X-Shopify-Access-Token", "the-shopify-secret", body, &answer)
		for _, one := range answer.Data.ProductVariants.Nodes {
			found[one.SKU] = append(found[one.SKU], one.ID)
		}
		if !answer.Data.ProductVariants.PageInfo.HasNextPage {
			return found
		}
		after = fmt.Sprintf("%q", answer.Data.ProductVariants.PageInfo.EndCursor)
	}
}

// nearInShop is the SKUs of the generated shop that people take for the same,
// by their spelling in Shopify, with what they differ in.
var nearInShop = map[string]struct {
	katana string
	differ []string
}{
	"apron-sand":                           {"APRON-SAND", []string{"case"}},
	"TRAY  OAK":                            {"TRAY OAK", []string{"spaces"}},
	"RUNNER\u2013180":                      {"RUNNER-180", []string{"dashes"}},
	"417":                                  {"00417", []string{"leading zeros"}},
	"\uff26\uff21\uff2e\uff0d\uff10\uff17": {"FAN-07", []string{"full-width forms"}},
	"C\u041eASTER":                         {"COASTER", []string{"look-alike characters"}},
}

// twiceInShop is its SKUs that stand on several variants, of either side.
var twiceInShop = []string{"APRON-NAVY", "ORNAMENT", "POSTCARD"}

// wantFindings is what a full cycle finds of a store, by the ids that the APIs
// themselves give.
func (b *bench) wantFindings(store string) (near, twice []string) {
	b.t.Helper()
	sold := b.shopifyIDs(store)
	for sku, pair := range nearInShop {
		if ids := sold[sku]; ids != nil {
			near = append(near, fmt.Sprint(sku, " ", pair.katana, " ", pair.differ, " ", ids, " ", b.katanaIDs(pair.katana)))
		}
	}
	for _, sku := range twiceInShop {
		if ids := sold[sku]; ids != nil && (len(ids) > 1 || len(b.katanaIDs(sku)) > 1) {
			twice = append(twice, fmt.Sprint(sku, " ", ids, " ", b.katanaIDs(sku)))
		}
	}
	slices.Sort(near)
	return near, twice
}

// findingsOf is what a report says of a store, in the same form.
func findingsOf(store inventory.StoreReport) (near, twice []string) {
	numbers := func(ids []inventory.SourceVariantID) (all []int64) {
		for _, id := range ids {
			all = append(all, int64(id))
		}
		slices.Sort(all)
		return all
	}
	for _, one := range store.NearMisses {
		near = append(near, fmt.Sprint(one.Shopify, " ", one.Katana, " ", one.Differ, " ", one.Variants, " ", numbers(one.Sources)))
	}
	for _, one := range store.DuplicateSKUs {
		twice = append(twice, fmt.Sprint(one.SKU, " ", one.Variants, " ", numbers(one.Sources)))
	}
	slices.Sort(near)
	return near, twice
}

func TestAFullCycleFindsTheSKUsThatAlmostMatchAndThoseThatStandTwice(t *testing.T) {
	for _, seed := range []uint64{1, 4} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			b := shopBench(t, seed, 3, 20)
			full := b.once(exitDone)
			if notes := strings.Join(full.Stores[0].Notes, "\n"); !strings.Contains(notes, "3 SKUs stand more than once") || !strings.Contains(notes, "6 SKUs are each close to one of Katana's") {
				t.Errorf("the notes of a full cycle are\n%s\nwant how many of each", notes)
			}
			for i, store := range b.world.Stores() {
				wantNear, wantTwice := b.wantFindings(store)
				near, twice := findingsOf(full.Stores[i])
				if !reflect.DeepEqual(near, wantNear) || store == "main" && len(near) != len(nearInShop) {
					t.Errorf("%s: near misses\n%s\nwant\n%s", store, strings.Join(near, "\n"), strings.Join(wantNear, "\n"))
				}
				if !reflect.DeepEqual(twice, wantTwice) || store == "main" && len(twice) != len(twiceInShop) {
					t.Errorf("%s: SKUs that stand twice\n%s\nwant\n%s", store, strings.Join(twice, "\n"), strings.Join(wantTwice, "\n"))
				}
			}
			for _, one := range full.Stores[0].DuplicateSKUs {
				want, _, _ := b.world.KatanaFigures(string(one.SKU), "Workshop")
				if got := b.katanaHas(one.Sources[0], 2201); got != want {
					t.Errorf("%s: of the Katana variant that comes first there are %s, want the %s of the one that counts", one.SKU, got, want)
				}
			}
			out, _ := b.expect(exitDone, "check")
			for _, want := range []string{
				"3 stand more than once, such as APRON-NAVY", "6 pairs match almost: 417 here, 00417 in Katana (leading zeros)",
			} {
				if !strings.Contains(between(t, out, "store main SKUs: ", "\n"), want) {
					t.Errorf("check says\n%s\nwant %q of main", out, want)
				}
			}
			out, _ = b.expect(exitDone, "once", "--output", "json")
			var incremental inventory.Report
			if err := json.Unmarshal([]byte(out), &incremental); err != nil {
				t.Fatalf("%v in\n%s", err, out)
			}
			for _, store := range incremental.Stores {
				notes := strings.Join(store.Notes, "\n")
				if store.NearMisses != nil || store.DuplicateSKUs != nil || store.DuplicateStock != nil || strings.Contains(notes, "SKU") {
					t.Errorf("an incremental cycle says again of %s: %+v", store.Name, store)
				}
			}
		})
	}
}
