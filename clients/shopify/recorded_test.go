package shopify

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile/inventory"
)

// recording is one exchange with the real API, as the recorded files hold it.
type recording struct {
	where     string
	Variables struct {
		InventoryItemID string
		LocationID      string
		Input           struct {
			Name       string
			Quantities []struct {
				InventoryItemID    string
				LocationID         string
				Quantity           inventory.Units
				ChangeFromQuantity *inventory.Units
			}
		}
	} `json:"variables"`
	Response json.RawMessage `json:"response"`
}

// recordings finds every object of the recorded files that has a response.
func recordings(t *testing.T) (all []recording) {
	t.Helper()
	reference := os.Getenv("STOCKSYNCD_REFERENCE")
	if reference == "" {
		t.Skip("STOCKSYNCD_REFERENCE names no folder with recorded answers")
	}
	files, err := filepath.Glob(filepath.Join(reference, "recorded", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded answers in %s: %v", reference, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		collect(filepath.Base(file), text, &all)
	}
	return all
}

func collect(where string, text json.RawMessage, all *[]recording) {
	var object map[string]json.RawMessage
	var list []json.RawMessage
	switch {
	case json.Unmarshal(text, &object) == nil:
		r := recording{where: where}
		if _, ok := object["response"]; ok && json.Unmarshal(text, &r) == nil {
			var wrapped struct{ Payload, Body json.RawMessage }
			if json.Unmarshal(r.Response, &wrapped) == nil && wrapped.Payload != nil {
				r.Response = wrapped.Payload
			} else if wrapped.Body != nil {
				r.Response = wrapped.Body
			}
			*all = append(*all, r)
		}
		for name, value := range object {
			collect(where+"/"+name, value, all)
		}
	case json.Unmarshal(text, &list) == nil:
		for _, value := range list {
			collect(where, value, all)
		}
	}
}

func TestEveryRecordedAnswerIsUnderstood(t *testing.T) {
	costs, failures := 0, 0
	for _, r := range recordings(t) {
		answer, err := parseEnvelope(r.Response)
		if err != nil {
			t.Errorf("%s: %v", r.where, err)
			continue
		}
		if answer.cost.Throttle != nil {
			costs++
			if answer.cost.Requested == nil || answer.cost.Throttle.Restore != 100 || answer.cost.charged() <= 0 {
				t.Errorf("%s: cost %+v", r.where, answer.cost)
			}
		}
		for _, problem := range answer.errors {
			failures++
			if problem.Message == "" || problem.Code == "" {
				t.Errorf("%s: error %+v", r.where, problem)
			}
			if answer.reached() {
				t.Errorf("%s: taken for an answer after the effect: %+v", r.where, problem)
			}
		}
	}
	if costs < 50 || failures < 10 {
		t.Errorf("found %d costs and %d errors, which is too few", costs, failures)
	}
}

func TestRecordedWritesHaveTheirOutcomes(t *testing.T) {
	seen := map[string]int{}
	for _, r := range recordings(t) {
		if !strings.Contains(string(r.Response), `"inventorySetQuantities"`) || r.Variables.Input.Quantities == nil {
			continue
		}
		batch := inventory.Batch{Key: "k"}
		for _, q := range r.Variables.Input.Quantities {
			item, errItem := inventory.ParseItemID(q.InventoryItemID)
			location, errLocation := inventory.ParseLocationID(q.LocationID)
			if errItem != nil || errLocation != nil {
				t.Fatal(r.where, errItem, errLocation)
			}
			ch := change(int64(item), int64(location), 0, q.Quantity)
			if q.ChangeFromQuantity != nil {
				ch.From = *q.ChangeFromQuantity
			}
			batch.Changes = append(batch.Changes, ch)
		}
		if len(batch.Changes) == 2 {
			batch.Changes[1].Item++ // the recorded pair stands there twice, which we never send
		}
		talk(t, always(reply{body: string(r.Response)}), func(t *testing.T, c *Client, _ *store) {
			got, err := c.Set(t.Context(), batch)
			words := told(got)
			if err != nil {
				words = kind(err)
			}
			words, _, _ = strings.Cut(words, ":")
			seen[words]++
		})
	}
	for _, want := range []string{
		"applied", "misuse", "error",
		"rejected(INVALID_INVENTORY_ITEM", "rejected(INVALID_LOCATION", "rejected(INVALID_QUANTITY_TOO_HIGH",
	} {
		if seen[want] == 0 {
			t.Errorf("no recorded write ends as %q", want)
		}
		delete(seen, want)
	}
	// Recorded sets of on_hand, whose changes name another figure.
	delete(seen, "lost")
	if len(seen) > 0 {
		t.Errorf("recorded writes end unexpectedly: %v", seen)
	}
}

func TestRecordedActivationsShowWhatIsAvailable(t *testing.T) {
	want := map[string]inventory.Units{
		"inventoryActivateSecondaryLocation":   0, // activated with 0
		"inventoryActivate":                    9, // with 9
		"inventoryInactiveLifecycleReactivate": 7, // with no figure: it keeps what it had
	}
	for _, r := range recordings(t) {
		name := r.where[strings.LastIndex(r.where, "/")+1:]
		figure, ok := want[name]
		if !ok {
			continue
		}
		delete(want, name)
		item, errItem := inventory.ParseItemID(r.Variables.InventoryItemID)
		location, errLocation := inventory.ParseLocationID(r.Variables.LocationID)
		if errItem != nil || errLocation != nil {
			t.Fatal(r.where, errItem, errLocation)
		}
		talk(t, always(reply{body: string(r.Response)}), func(t *testing.T, c *Client, _ *store) {
			if got, err := c.Activate(t.Context(), key(int64(item), int64(location)), "k"); got != figure || err != nil {
				t.Errorf("%s: got %d, %v, want %d", r.where, got, err, figure)
			}
		})
	}
	if len(want) > 0 {
		t.Errorf("not recorded: %v", want)
	}
}

// recordedLevels finds every level of an answer that names its item, active
// mark and figures.
func recordedLevels(value any) (found []map[string]any) {
	switch v := value.(type) {
	case map[string]any:
		_, hasItem := v["item"].(map[string]any)
		_, hasFigures := v["quantities"].([]any)
		if _, marked := v["isActive"].(bool); marked && hasItem && hasFigures {
			found = append(found, v)
		}
		for _, below := range v {
			found = append(found, recordedLevels(below)...)
		}
	case []any:
		for _, below := range v {
			found = append(found, recordedLevels(below)...)
		}
	}
	return found
}

// No recorded document asks for levels below locations. What it asks of a level
// is here put where a glance asks for it, with the variant that was not asked
// for, and a time in the recorded form.
func TestRecordedLevelsReadTheSameAtAGlance(t *testing.T) {
	const moved = "2026-04-29T09:33:02Z"
	since, inactive, untracked, count := time.Date(2026, 4, 29, 9, 33, 0, 0, time.UTC), 0, 0, 0
	for _, r := range recordings(t) {
		var answer any
		if err := json.Unmarshal(r.Response, &answer); err != nil {
			t.Fatal(r.where, err)
		}
		for _, level := range recordedLevels(answer) {
			var want inventory.Level
			want.Store, want.Variant, want.Active = "main", 1, level["isActive"].(bool)
			of := level["item"].(map[string]any)
			tracked, told := of["tracked"].(bool)
			want.Untracked = told && !tracked
			of["tracked"] = !want.Untracked
			of["variants"] = map[string]any{"nodes": []any{map[string]any{
				"id": "gid://shopify/ProductVariant/1", "requiresComponents": false, "product": map[string]any{"isGiftCard": false},
			}}}
			level["updatedAt"] = moved
			available := level["quantities"].([]any)[0].(map[string]any)
			if available["name"] != "available" {
				t.Fatalf("%s: the first figure is %v", r.where, available)
			}
			want.Available = inventory.Units(available["quantity"].(float64))
			place := level["location"].(map[string]any)["id"].(string)
			var errItem, errLocation error
			want.Item, errItem = inventory.ParseItemID(of["id"].(string))
			want.Location, errLocation = inventory.ParseLocationID(place)
			node, err := json.Marshal(level)
			if errItem != nil || errLocation != nil || err != nil {
				t.Fatal(r.where, errItem, errLocation, err)
			}
			talk(t, always(placesJSON("", placeJSON(int64(want.Location), connectionJSON("", string(node))))), func(t *testing.T, c *Client, _ *store) {
				got, err := c.Glance(t.Context(), since)
				if err != nil || len(got.Levels) != 1 || got.Levels[0] != want {
					t.Errorf("%s: got %+v, %v, want %+v", r.where, got.Levels, err, want)
				}
			})
			count++
			if !want.Active {
				inactive++
			}
			if want.Untracked {
				untracked++
			}
		}
	}
	if count < 20 || inactive == 0 || untracked == 0 {
		t.Errorf("%d levels are recorded, %d of them inactive and %d untracked, which is too few", count, inactive, untracked)
	}
}
