package cli

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stocksyncd/clients/sandbox"
)

// edit replaces a part of the config that is there.
func (b *bench) edit(old, now string) {
	b.t.Helper()
	text, err := os.ReadFile(b.configPath())
	if err != nil {
		b.t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		b.t.Fatalf("the config has no %q", old)
	}
	if err := os.WriteFile(b.configPath(), []byte(strings.Replace(string(text), old, now, 1)), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func TestCheckShowsByHowMuchStockIsOfferedTwice(t *testing.T) {
	b := newBench(t)
	b.edit("shopify: Bergen, katana: Bergen", "shopify: Bergen, katana: Oslo")
	const figures = "one Katana location feeds each of Bergen, Oslo with its whole stock: of 3 SKUs Katana has 60 units, this store will offer 120: CAP-RED (30, will offer 60), TEE-M (20, will offer 40), MUG-BLUE (10, will offer 20)"
	if out, _ := b.expect(exitDone, "check"); !strings.Contains(out, "✓ store main duplicate stock: "+figures) {
		t.Errorf("check says\n%swant %q", out, figures)
	}
	b.edit("url: "+b.server.URL+"/shopify", "duplicate_stock: refuse\n    url: "+b.server.URL+"/shopify")
	if out, _ := b.expect(exitFailed, "check"); !strings.Contains(out, "✗ store main duplicate stock: "+figures) {
		t.Errorf("where it is refused, check says\n%swant %q", out, figures)
	}
	if got := b.world.Mutations("main"); got != 0 {
		t.Errorf("%d mutations, want none", got)
	}
}

func TestCheckOfAFrozenShopSaysWhatToDoAboutThat(t *testing.T) {
	b := newBench(t)
	b.do(sandbox.ShopSwitched{Store: "main", State: sandbox.ShopFrozen})
	out, _ := b.expect(exitFailed, "check")
	if want := ". Next: the shop is frozen, usually for an unpaid bill: settle it in the Shopify admin\n"; !strings.Contains(out, want) {
		t.Errorf("check says\n%swant %q", out, want)
	}
	if strings.Contains(out, "look at its shop, url and token") {
		t.Errorf("check sends people to the token of a frozen shop:\n%s", out)
	}
}

func TestADamagedStateFileIsNamedByCheckAndSetAsideAloud(t *testing.T) {
	b := settled(t)
	path := filepath.Join(b.dir, "state.db")
	damaged := []byte("cut short by a full disk")
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _ := b.expect(exitFailed, "check"); !strings.Contains(out, "✗ state file: "+path) {
		t.Errorf("check says\n%swant the state file named", out)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != string(damaged) {
		t.Errorf("check left %q, %v: it must not touch the file", got, err)
	}
	if _, log := b.expect(exitDone, "once", "--full"); !strings.Contains(log, "it is set aside as "+path+".corrupt-") {
		t.Errorf("stderr %q, want where the damaged file went", log)
	}
}

func TestAStateFileThatTheFirstCycleCouldNotMakeIsAMistake(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	b := newBench(t)
	folder := filepath.Join(b.dir, "of-somebody-else")
	if err := os.Mkdir(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "state.db")
	b.edit(filepath.Join(b.dir, "state.db"), path)
	if out, _ := b.expect(exitFailed, "check"); !strings.Contains(out, "✗ state file: "+path+" is not there yet, and cannot be made") {
		t.Errorf("check says\n%swant the state file named", out)
	}
}

func TestALocationThatDoesNotSellIsSaidAndIsNoMistake(t *testing.T) {
	b := newBench(t)
	b.world.AddLocation(sandbox.KatanaLocation{Name: "Fair", NoSales: true})
	b.edit("shopify: Bergen, katana: Bergen", "shopify: Bergen, katana: [Bergen, Fair]")
	out, _ := b.expect(exitDone, "check")
	for _, want := range []string{
		`✓ store main mapping: Bergen ← Bergen; Oslo ← Oslo. Next: Katana does not sell from "Fair"`,
		"✓ katana locations: Oslo (id:2201), Bergen (id:2202), Fair (id:2203)\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("check says\n%swant %q", out, want)
		}
	}
}

func TestAStoreThatIsSwitchedOffIsNotAsked(t *testing.T) {
	b := newBench(t)
	b.config(`"off"`)
	b.world.Inject(sandbox.Fault{API: "shopify/main", Kind: sandbox.FaultStatus, Status: http.StatusForbidden, Count: -1})
	out, _ := b.expect(exitDone, "check")
	if want := "✓ store main: switched off, not read\n"; !strings.HasSuffix(out, want) || strings.Contains(out, "store main token") || strings.Contains(out, "sweep") {
		t.Errorf("check says\n%swant %q and no more of the store", out, want)
	}
}

func TestANameThatMeansNothingIsAMistake(t *testing.T) {
	for _, test := range []struct{ name, old, now, want string }{
		{
			"it feeds two locations", "shopify: Bergen, katana: Bergen }", "shopify: Bergen, katana: [Bergen, Attic] }\n    default_location: Attic",
			"✗ store main mapping: locations: Katana has no location \"Attic\"; it has \"Bergen\" (id:2202), \"Oslo\" (id:2201)\n",
		},
		{
			"it picks orders", "    locations:", "    exclude_orders: [{ location: Attic }]\n    locations:",
			"✗ store main mapping: Bergen ← Bergen; Oslo ← Oslo. Next: exclude_orders: the location \"Attic\" excludes no order: ",
		},
	} {
		b := newBench(t)
		b.edit(test.old, test.now)
		if out, _ := b.expect(exitFailed, "check"); !strings.Contains(out, test.want) {
			t.Errorf("%s: check says\n%swant %q", test.name, out, test.want)
		}
	}
}

func TestCheckFailsOnAScopeThatIsMissingAndWarnsOfOneTooMany(t *testing.T) {
	all := slices.Concat(neededScopes, orderScopes)
	without := func(not ...string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(scope string) bool { return slices.Contains(not, scope) })
	}
	for _, test := range []struct {
		name     string
		scopes   []string
		ok       bool
		detail   string // contains
		next     string // contains; "" is nothing to do
		notNamed string
	}{
		{"the least that is needed", all, true, "read_products, read_inventory, write_inventory, read_locations, read_orders, read_merchant", "", "more than"},
		{"orders of more than 60 days ago", append(without(), "read_all_orders"), true, "read_orders, read_merchant", "", "more than"},
		{"no writing of stock", without("write_inventory"), false, "missing: write_inventory", "grant them", "read_products"},
		{"nothing", nil, false, "missing: read_products, read_inventory, write_inventory, read_locations", "grant them", "read_orders"},
		{"write includes read", without("read_inventory"), true, "read_inventory", "", "missing"},
		{"no orders", neededScopes, true, "without read_orders and read_merchant_managed_fulfillment_orders orders that reach Katana later than sync.settle can be sold twice", "grant the app read_orders and read_merchant", "more than"},
		{"orders without their fulfilment", without("read_merchant_managed_fulfillment_orders"), true, "without read_merchant_managed_fulfillment_orders orders", "grant the app read_merchant", "read_orders and"},
		{"customers", append(without(), "read_customers"), true, "more than is needed: read_customers", "take read_customers from the app", "without"},
		{"writing of products", append(without("read_products"), "write_products"), true, "more than is needed: write_products", "take write_products", "missing"},
		{"too few and too many", []string{"read_products", "write_orders"}, false, "missing: read_inventory, write_inventory, read_locations", "grant them", "write_orders"},
		{"no orders and customers", append(slices.Clone(neededScopes), "read_customers"), true, "can be sold twice; more than is needed: read_customers", "grant the app read_orders", "missing"},
		{"a name that moves the cursor", append(without(), "read_\x1b[2J"), true, `"read_\x1b[2J"`, "take ", "\x1b"},
	} {
		f := checkScopes("store main scopes", test.scopes)
		if f.OK != test.ok || !strings.Contains(f.Detail, test.detail) || (f.Next == "") != (test.next == "") || !strings.Contains(f.Next, test.next) || strings.Contains(f.Detail+f.Next, test.notNamed) {
			t.Errorf("%s: %+v", test.name, f)
		}
	}
}
