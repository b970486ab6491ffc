package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile/inventory"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func saved(t *testing.T) (path string, plan savedPlan) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "monday.plan")
	report := planned()
	for i := range report.Stores[0].Changes { // each its own level
		report.Stores[0].Changes[i].Item += inventory.ItemID(i)
	}
	plan = savedPlan{Format: planFormat, Created: noon, Config: "c0ffee", Lineage: "acme", Cycle: 4, Changes: changesOf(report)}
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
		{"a newer format with a field of its own", bytes.Replace(good, []byte(`"format": 1`), []byte(`"format": 2, "signed": true`), 1), noon, "format 2"},
		{"the accounts were edited", bytes.Replace(good, []byte(`acme`), []byte(`acne`), 1), noon, "altered"},
		{"a line was taken out", bytes.Replace(good, []byte(`"changes": [`), []byte(`"changes": [], "x": [`), 1), noon, "unknown field"},
		{"cut short by a byte", bytes.TrimSuffix(good, []byte("}\n")), noon, "not a saved plan"},
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

// TestAPlanThatNobodySavedIsRefusedThoughItsSumIsRight: whoever can count the
// digest can write any figure into a file; what no plan says is refused.
func TestAPlanThatNobodySavedIsRefusedThoughItsSumIsRight(t *testing.T) {
	for _, test := range []struct {
		name  string
		forge func(*savedPlan)
		want  string
	}{
		{"two lines for a level", func(p *savedPlan) { p.Changes = append(p.Changes, p.Changes[0]) }, "stands twice"},
		{"two figures for a level", func(p *savedPlan) {
			p.Changes = append(p.Changes, p.Changes[0])
			p.Changes[len(p.Changes)-1].To = 900
		}, "stands twice"},
		{"no accounts", func(p *savedPlan) { p.Lineage = "" }, "does not say of what"},
		{"no config", func(p *savedPlan) { p.Config = "" }, "does not say of what"},
		{"no lines, which would be no limit", func(p *savedPlan) { p.Changes = nil }, "does not say of what"},
		{"no format", func(p *savedPlan) { p.Format = 0 }, "does not say of what"},
	} {
		path, plan := saved(t)
		test.forge(&plan)
		if err := writePlan(path, plan); err != nil {
			t.Fatal(err)
		}
		if p, err := loadPlan(path, noon); p != nil || err == nil || !strings.Contains(err.Error(), test.want) || !errors.Is(err, errPlan) {
			t.Errorf("%s: %v, %v; want an error with %q and the next step", test.name, p, err, test.want)
		}
	}
}

func TestARefusedPlanWritesNothing(t *testing.T) {
	b := settled(t)
	b.drift()
	path := filepath.Join(b.dir, "monday.plan")
	b.expect(exitDrift, "plan", "--full", "--out", path)
	good, err := os.ReadFile(path) // #nosec G304 -- our own
	if err != nil {
		t.Fatal(err)
	}
	forged := func(forge func(*savedPlan)) []byte {
		p, err := parsePlan(good, b.clock())
		if err != nil {
			t.Fatal(err)
		}
		forge(p)
		if err := writePlan(path, *p); err != nil {
			t.Fatal(err)
		}
		return []byte(read(t, path))
	}
	mapped := "      - { shopify: Bergen, katana: Bergen }\n"
	for _, test := range []struct {
		name string
		data []byte
		edit string // of the config, in place of Bergen's line; "" is none
		want string
	}{
		{"edited", bytes.Replace(good, []byte(`"to": `), []byte(`"to": 1`), 1), "", "altered"},
		{"cut short", good[:len(good)-20], "", "not a saved plan"},
		{"empty", nil, "", "not a saved plan"},
		{"another mapping", good, "      - { shopify: Bergen, katana: Oslo }\n", "no longer those"},
		{"another rule", good, mapped + "    rules: [{ sku: X, buffer: 1 }]\n", "no longer those"},
		{"another account's", forged(func(p *savedPlan) { p.Lineage = "another" }), "", "other accounts"},
		{"a day old", forged(func(p *savedPlan) { p.Created = p.Created.Add(-25 * time.Hour) }), "", "old"},
		{"from the future", forged(func(p *savedPlan) { p.Created = p.Created.Add(time.Hour) }), "", "future"},
		{"of a newer version", forged(func(p *savedPlan) { p.Format = 2 }), "", "format 2"},
		{"a level twice", forged(func(p *savedPlan) { p.Changes = append(p.Changes, p.Changes[0]) }), "", "stands twice"},
		{"of a store that is not in the config", forged(func(p *savedPlan) { p.Changes[0].Store = "outlet" }), "", "store outlet, which is not in"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := os.WriteFile(path, test.data, 0o600); err != nil {
				t.Fatal(err)
			}
			if test.edit != "" {
				b.edit(mapped, test.edit)
				defer b.config("apply")
			}
			if _, log := b.expect(exitFailed, "apply", path); !strings.Contains(log, test.want) || !strings.Contains(log, "make a new one with") {
				t.Errorf("stderr %q, want %q and the next step", log, test.want)
			}
			if got := b.world.Mutations("main"); got != 0 {
				t.Errorf("%d mutations, want none", got)
			}
		})
	}
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	b.expect(exitDone, "apply", path) // what is left of it all is a plan as good as ever
	b.available("MUG-BLUE", "Oslo", 7)
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
