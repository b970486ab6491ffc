package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func saved(t *testing.T) (path string, plan savedPlan) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "monday.plan")
	plan = savedPlan{Format: planFormat, Created: noon, Config: "c0ffee", Cycle: 4, Changes: changesOf(planned())}
	if err := writePlan(path, plan); err != nil {
		t.Fatal(err)
	}
	return path, plan
}

func TestASavedPlanHoldsWhatWouldBeWrittenAndNothingElse(t *testing.T) {
	path, plan := saved(t)
	got, err := loadPlan(path, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Changes, plan.Changes) || len(got.Changes) != 2 || got.Changes[0].SKU != "MUG-BLUE" || got.Changes[1].To != 9 {
		t.Errorf("got %+v, want the two lines that neither wait nor are held", got.Changes)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o, want 600", info.Mode().Perm())
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("%d files, want only the plan", len(entries))
	}
}

func TestAPlanThatIsNotWholeOrTooOldIsRefused(t *testing.T) {
	path, _ := saved(t)
	good, err := os.ReadFile(path) // #nosec G304 -- our own
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		data []byte
		now  time.Time
		want string
	}{
		{"a figure was edited", bytes.Replace(good, []byte(`"to": 100`), []byte(`"to": 900`), 1), noon, "altered"},
		{"the time was edited", bytes.Replace(good, []byte(`2026-11-24`), []byte(`2026-11-25`), 1), noon, "altered"},
		{"the config was edited", bytes.Replace(good, []byte(`c0ffee`), []byte(`c0ffed`), 1), noon, "altered"},
		{"cut short", good[:len(good)/2], noon, "not a saved plan"},
		{"something follows", append(bytes.Clone(good), "{}"...), noon, "something follows"},
		{"an unknown field", bytes.Replace(good, []byte(`"cycle"`), []byte(`"cyclo"`), 1), noon, "unknown field"},
		{"another format", bytes.Replace(good, []byte(`"format": 1`), []byte(`"format": 2`), 1), noon, "format 2"},
		{"a day and a minute old", good, noon.Add(24*time.Hour + time.Minute), "old"},
		{"from the future", good, noon.Add(-time.Hour), "future"},
		{"empty", nil, noon, "not a saved plan"},
	} {
		if _, err := parsePlan(test.data, test.now); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error with %q", test.name, err, test.want)
		}
	}
}

func FuzzPlanFiles(f *testing.F) {
	f.Add([]byte(`{"format":1,"changes":[{"store":"main","inventory_item_id":"gid://shopify/InventoryItem/1"}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parsePlan(data, noon)
		if err != nil {
			return
		}
		if digest, err := p.digest(); err != nil || digest != p.Digest {
			t.Errorf("a plan was taken whose digest %s is not %s (%v)", p.Digest, digest, err)
		}
	})
}
