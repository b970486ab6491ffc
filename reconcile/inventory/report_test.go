package inventory_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"stocksyncd/reconcile/inventory"
)

const schemaFile = "report.schema.json"

func sample() inventory.Report {
	return inventory.Report{
		Cycle: 12, Kind: inventory.Full, Started: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), DurationMS: 1500,
		Requests: map[string]inventory.RequestCount{"katana": {Count: 40, Retries: 1, WaitedMS: 12}, "shopify/main": {Count: 3, Throttled: 1, Cost: 101.5}},
		Error:    "katana stock: page 2: incomplete read",
		Stores: []inventory.StoreReport{{
			Name: "main", Mode: inventory.ModeApply, Error: "levels: 423 Locked",
			Levels: 418, InStep: 410, Drifted: 8, Applied: 2, Waiting: 1, Held: 3, Rejected: 1, Stale: 1, Contested: 1,
			Skipped: map[inventory.Reason]int{inventory.ReasonNoSKU: 4}, Negative: 1,
			Holds: []inventory.HoldReport{{
				ID: "main-12-zeroed", Rule: "max_zeroed_percent", Have: 60, Limit: 41, Levels: 3,
				Text: "60 of 418 levels would be at zero within an hour; 41 may", Release: "stocksyncd release main-12-zeroed",
			}},
			Quarantine: []inventory.QuarantineReport{{
				SKU: "CAP", Item: 4712, LocationID: 42, Location: "Shop", Detail: "INVALID_LOCATION: gone", Count: 2, Release: "stocksyncd release main/4712/42",
			}},
			SecondWriters: []inventory.SecondWriterReport{{
				SKU: "TEE", Item: 4713, LocationID: 42, Location: "Shop", Rounds: []inventory.Round{{Written: 7, Found: 9}}, Text: "written 7, found 9", Release: "stocksyncd release main/4713/42",
			}},
			Notes: []string{"one Katana location feeds several locations"},
			Changes: []inventory.ChangeReport{inventory.ReportChange(inventory.Outcome{
				Change: inventory.Change{
					Key: inventory.Key{Store: "main", Item: 4711, Location: 42}, Variant: 7, SKU: "MUG", LocationName: "Shop",
					From: -1, To: 7, Reason: inventory.ReasonDrift,
				},
				Result: inventory.Rejected, Because: inventory.ReasonRefused, Detail: "INVALID_QUANTITY",
			})},
		}},
	}
}

func TestAReportedChangeGivesTheReasonThatKeptItFromBeingWritten(t *testing.T) {
	outcome := inventory.Outcome{
		Change: inventory.Change{
			Key: inventory.Key{Store: "main", Item: 4711, Location: 42}, Variant: 7, SKU: "MUG", LocationName: "Shop",
			From: 10, To: 7, Reason: inventory.ReasonInFlight,
		},
		Result: inventory.Applied, Detail: "as it was",
	}
	want := inventory.ChangeReport{
		SKU: "MUG", Variant: 7, Item: 4711, LocationID: 42, Location: "Shop", From: 10, To: 7,
		Outcome: inventory.Applied, Reason: inventory.ReasonInFlight, Detail: "as it was",
	}
	if got := inventory.ReportChange(outcome); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	outcome.Result, outcome.Because = inventory.Stale, inventory.ReasonStale
	want.Outcome, want.Reason = inventory.Stale, inventory.ReasonStale
	if got := inventory.ReportChange(outcome); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAChangeRaisesOnlyWhenItOffersMore(t *testing.T) {
	for _, tt := range []struct {
		from, to inventory.Units
		want     bool
	}{{1, 2, true}, {-3, 0, true}, {2, 1, false}, {2, 2, false}} {
		if got := (inventory.Change{From: tt.from, To: tt.to}).Raise(); got != tt.want {
			t.Errorf("from %d to %d: got %t", tt.from, tt.to, got)
		}
	}
}

func TestTheReportKeepsItsFieldNames(t *testing.T) {
	data, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	var report map[string]any
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	first := func(value any) map[string]any { return value.([]any)[0].(map[string]any) }
	store := first(report["stores"])
	tests := []struct {
		part string
		got  map[string]any
		want string
	}{
		{"report", report, "cycle duration_ms error kind requests started stores"},
		{"requests", report["requests"].(map[string]any)["katana"].(map[string]any), "cost count retries throttled waited_ms"},
		{"store", store, "applied changes contested drifted error held holds in_step levels mode name negative notes quarantine rejected second_writers skipped stale waiting"},
		{"hold", first(store["holds"]), "have id levels limit release rule text"},
		{"quarantine", first(store["quarantine"]), "count detail inventory_item_id location location_id release since sku until"},
		{"second writer", first(store["second_writers"]), "inventory_item_id location location_id release rounds since sku text"},
		{"round", first(first(store["second_writers"])["rounds"]), "at found seen written"},
		{"change", first(store["changes"]), "detail from inventory_item_id location location_id outcome reason sku to variant_id"},
	}
	for _, tt := range tests {
		var names []string
		for name := range tt.got {
			names = append(names, name)
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("%s: got %s\nwant %s", tt.part, got, tt.want)
		}
	}
}

// generated is the schema that the report's types give.
func generated(t *testing.T) []byte {
	t.Helper()
	text := func(pattern string) *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Pattern: pattern} }
	oneOf := func(values ...any) *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Enum: values} }
	schema, err := jsonschema.For[inventory.Report](&jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[inventory.ItemID]():     text(`^(gid://shopify/InventoryItem/[1-9][0-9]*)?$`),
		reflect.TypeFor[inventory.VariantID]():  text(`^(gid://shopify/ProductVariant/[1-9][0-9]*)?$`),
		reflect.TypeFor[inventory.LocationID](): text(`^(gid://shopify/Location/[1-9][0-9]*)?$`),
		reflect.TypeFor[time.Time]():            {Type: "string", Format: "date-time"},
		reflect.TypeFor[inventory.Kind]():       oneOf(inventory.Full, inventory.Incremental),
		reflect.TypeFor[inventory.Mode]():       oneOf(inventory.ModeOff, inventory.ModeReport, inventory.ModeLowerOnly, inventory.ModeApply),
		reflect.TypeFor[inventory.Result](): oneOf(
			inventory.Applied, inventory.Stale, inventory.Rejected, inventory.Waiting, inventory.Held, inventory.Skipped),
	}})
	if err != nil {
		t.Fatal(err)
	}
	schema.Schema = "https://json-schema.org/draft/2020-12/schema"
	schema.Title = "stocksyncd report of a cycle"
	schema.Description = "What one cycle found and did. Names stay; fields are only added, so a reader must accept ones it does not know."
	extensible(schema)
	data, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

// extensible lets every object grow new fields: names stay, fields are added.
// Optional lists are left out when empty, so null is never written.
func extensible(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if len(s.Properties) > 0 {
		s.AdditionalProperties = nil
	}
	if slices.Contains(s.Types, "array") && slices.Contains(s.Types, "null") {
		s.Type, s.Types = "array", nil
	}
	for _, property := range s.Properties {
		extensible(property)
	}
	extensible(s.Items)
	extensible(s.AdditionalProperties)
}

func TestTheCommittedSchemaIsTheOneTheReportHas(t *testing.T) {
	got := generated(t)
	if *update {
		if err := os.WriteFile(schemaFile, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the types give; run `go test ./reconcile/inventory -update`, and mind that names of a report stay.\ngot %s", schemaFile, got)
	}
}

func TestReportsAreValidAgainstTheCommittedSchema(t *testing.T) {
	committed, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(committed, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	valid := func(report inventory.Report, edit func(map[string]any)) error {
		data, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		var instance map[string]any
		if err := json.Unmarshal(data, &instance); err != nil {
			t.Fatal(err)
		}
		if edit != nil {
			edit(instance)
		}
		return resolved.Validate(instance)
	}
	quiet := inventory.Report{
		Cycle: 1, Kind: inventory.Incremental, Requests: map[string]inventory.RequestCount{},
		Stores: []inventory.StoreReport{{Name: "main", Mode: inventory.ModeOff, Skipped: map[inventory.Reason]int{}, Changes: []inventory.ChangeReport{}}},
	}
	for name, report := range map[string]inventory.Report{"a full report": sample(), "a quiet report": quiet} {
		if err := valid(report, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	change := func(instance map[string]any) map[string]any {
		return instance["stores"].([]any)[0].(map[string]any)["changes"].([]any)[0].(map[string]any)
	}
	if err := valid(sample(), func(r map[string]any) { r["added_later"] = 1 }); err != nil {
		t.Errorf("a field that is added later: %v", err)
	}
	for name, edit := range map[string]func(map[string]any){
		"a report without its cycle":       func(r map[string]any) { delete(r, "cycle") },
		"a change without its outcome":     func(r map[string]any) { delete(change(r), "outcome") },
		"an outcome that no report has":    func(r map[string]any) { change(r)["outcome"] = "unsent" },
		"a figure that is text":            func(r map[string]any) { change(r)["to"] = "7" },
		"an item id that is not global":    func(r map[string]any) { change(r)["inventory_item_id"] = "4711" },
		"a kind of cycle that is not one":  func(r map[string]any) { r["kind"] = "partial" },
		"stores that are null, not a list": func(r map[string]any) { r["stores"] = nil },
	} {
		if valid(sample(), edit) == nil {
			t.Errorf("%s is valid", name)
		}
	}
}
