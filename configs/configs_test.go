package configs

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v4"

	"stocksyncd/reconcile/inventory"
)

var update = flag.Bool("update", false, "write the committed JSON Schema anew")

func TestTheExampleIsAConfig(t *testing.T) {
	config, err := Parse("example.yaml", Example())
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Stores[0].EffectiveMode(config.Sync); got != inventory.ModeReport {
		t.Errorf("mode of the example: got %s, want report: nobody's shop is written by a file that was not edited", got)
	}
	if got, want := []string(config.Stores[0].Locations[1].Katana), []string{"Oslo", "Bergen"}; !slices.Equal(got, want) {
		t.Errorf("summed locations: got %v, want %v", got, want)
	}
}

// smallest is the least that a config must say.
const smallest = `katana:
  api_key: env:KATANA
stores:
  - name: main
    shop: acme.myshopify.com
    access_token: env:SHOPIFY
    default_location: Main warehouse
`

func TestTheSmallestConfigGetsTheDefaultsOfTheDesign(t *testing.T) {
	config, err := Parse("stocksyncd.yaml", []byte(smallest))
	if err != nil {
		t.Fatal(err)
	}
	want := defaults()
	if diff := cmp.Diff(want.Sync, config.Sync); diff != "" {
		t.Errorf("sync: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(Guards{MinChanges: 10, MaxChangedPercent: 30, MaxZeroedPercent: 10, MaxShrinkPercent: 20}, config.Guards); diff != "" {
		t.Errorf("guards: -want +got\n%s", diff)
	}
	if config.ModeNamed || config.Stores[0].EffectiveMode(config.Sync) != inventory.ModeReport {
		t.Error("a config that names no mode must be in report mode, and say that none is named")
	}
	if config.Stores[0].APIVersion != "2026-10" || config.Katana.RequestsPerMinute != 60 {
		t.Errorf("got version %s and %d requests a minute", config.Stores[0].APIVersion, config.Katana.RequestsPerMinute)
	}
}

// change is the smallest config with one text replaced.
func change(old, new string) string { return strings.Replace(smallest, old, new, 1) }

func TestBrokenConfigsSayWhatWouldBeRight(t *testing.T) {
	store := func(line string) string { return smallest + "    " + line + "\n" }
	for name, c := range map[string]struct{ file, want string }{
		"empty":                          {"", "it is empty; begin with: stocksyncd config example"},
		"only comments":                  {"# nothing\n", "it is empty; begin with: stocksyncd config example"},
		"not yaml":                       {"katana: [", "line 2: not YAML: did not find expected node content"},
		"a tab":                          {"katana:\n\tapi_key: x\n", "line 2: not YAML: found character that cannot start any token"},
		"broken after ---":               {smallest + "---\na: [\n", "line 10: not YAML: did not find expected node content"},
		"two documents":                  {smallest + "---\nkatana: {}\n", "line 8: a second document (or a stray ---) follows; one file is one config"},
		"a list at the top":              {"- a\n", "line 1: here is a list; want keys and values"},
		"an unknown key":                 {smallest + "stats: {}\n", "line 8: stats: unknown key; did you mean state?"},
		"a key of another block":         {store("settle: 5m"), "line 8: stores[0].settle: unknown key; known here: name, shop, url, api_version, access_token, client_id, client_secret, mode, locations, default_location, duplicate_stock, committed_orders, exclude_orders, rules, activate, canary"},
		"a key twice":                    {smallest + "katana: {}\n", "line 8: katana: it stands twice; the first is in line 1"},
		"no value":                       {store("mode:"), "line 8: stores[0].mode: it has no value; write one, or leave the key out"},
		"an alias":                       {change("name: main", "name: &a main") + "    mode: *a\n", "line 8: stores[0].mode: aliases are not taken; write the value"},
		"a literal key":                  {change("env:KATANA", "hunter2hunter2"), "line 2: katana.api_key: write where the secret is, not the secret: credential:NAME, file:PATH or env:NAME"},
		"a credential with a path":       {change("env:KATANA", "credential:../x"), "line 2: katana.api_key: credential:NAME takes the name of a file in systemd's credentials directory, not a path; write file:PATH for a path"},
		"no key":                         {change("  api_key: env:KATANA", "  requests_per_minute: 5"), "line 1: katana.api_key: it is needed: credential:NAME, file:PATH or env:NAME"},
		"too many requests":              {change("env:KATANA", "env:KATANA\n  requests_per_minute: 6001"), "line 3: katana.requests_per_minute: 6001 is not between 1 and 6000"},
		"an octal number":                {change("env:KATANA", "env:KATANA\n  requests_per_minute: 010"), `line 3: katana.requests_per_minute: "010" is not a whole number`},
		"plain http":                     {change("env:KATANA", "env:KATANA\n  url: http://example.com/v1"), "line 3: katana.url: plain http would send the key in the clear; use https (http is for this machine only)"},
		"an address with a password":     {change("env:KATANA", "env:KATANA\n  url: https://a:b@example.com"), "line 3: katana.url: it must not hold a user, a query or a fragment"},
		"not an address":                 {change("env:KATANA", "env:KATANA\n  url: katana"), "line 3: katana.url: it is not an address such as https://example.com"},
		"an address that is broken":      {change("env:KATANA", "env:KATANA\n  url: https://a:hunter2%ZZ@example.com"), "line 3: katana.url: it is not an address such as https://example.com"},
		"another protocol":               {change("env:KATANA", "env:KATANA\n  url: ftp://example.com"), "line 3: katana.url: it is not an https address"},
		"a key that looks like an alias": {change("env:KATANA", "*hunter2"), "line 2: not YAML: unknown anchor referenced"},
		"a number in quotes":             {change("env:KATANA", "env:KATANA\n  requests_per_minute: '60'"), `line 3: katana.requests_per_minute: "60" is not a whole number`},
		"a block that is a number":       {"katana: 3\n" + smallest[strings.Index(smallest, "stores:"):], "line 1: katana: here is a single value; want keys and values"},
		"a store that is a name":         {"katana:\n  api_key: env:K\nstores: [main]\n", "line 3: stores[0]: here is a single value; want keys and values"},
		"a client secret that is a list": {change("access_token: env:SHOPIFY", "client_id: a\n    client_secret: [hunter2]"), "line 7: stores[0].client_secret: here is a list; want a reference: credential:NAME, file:PATH or env:NAME"},
		"a location in a list":           {store("locations: [{ shopify: A, katana: [X, [Y]] }]"), "line 8: stores[0].locations[0].katana[1]: here is a list; want a text"},
		"a fraction of a second":         {smallest + "sync: { schedule: '@every 1.5s' }\n", `line 8: sync.schedule: "@every 1.5s" is not a whole number of seconds`},
		"a rule that changes nothing":    {store("rules: [{ sku: A }]"), "line 8: stores[0].rules[0]: it changes nothing; give it buffer, max, min_to_sell or skip: true"},
		"a rule that skips and caps":     {store("rules: [{ sku: A, skip: true, max: 3 }]"), "line 8: stores[0].rules[0].skip: a SKU that is left alone takes no buffer, max or min_to_sell"},
		"a rule behind one for all":      {store("rules: [{ sku: '*', buffer: 1 }, { sku: A, skip: true }]"), "line 8: stores[0].rules[1].sku: it is never reached: stores[0].rules[0] comes first and matches too"},
		"a buffer below nothing":         {store("rules: [{ sku: A, buffer: -1 }]"), "line 8: stores[0].rules[0].buffer: -1 is not between 0 and 1000000000"},
		"a customer below nothing":       {store("exclude_orders: [{ customer_id: -5 }]"), "line 8: stores[0].exclude_orders[0].customer_id: -5 is not the id of a customer"},
		"a mode that is none":            {store("mode: on"), `line 8: stores[0].mode: "on" is not one of off, report, lower-only, apply`},
		"a schedule that never comes":    {smallest + "sync: { schedule: 0 0 31 2 * }\n", `line 8: sync.schedule: "0 0 31 2 *" never comes`},
		"a schedule with a zone":         {smallest + "sync: { schedule: TZ=UTC }\n", `line 8: sync.schedule: "TZ=UTC": name the zone in sync.time_zone`},
		"a schedule without a pause":     {smallest + "sync: { schedule: '@every 500ms' }\n", `line 8: sync.schedule: "@every 500ms" is too often; at least @every 1s`},
		"a schedule backwards":           {smallest + "sync: { schedule: '@every -5s' }\n", `line 8: sync.schedule: "@every -5s" is not a schedule such as "@every 30s"`},
		"a schedule of six fields":       {smallest + "sync: { full_schedule: '0 0 3 * * *' }\n", `line 8: sync.full_schedule: "0 0 3 * * *" is not a schedule such as "0 3 * * *" or "@every 30s": expected exactly 5 fields, found 6: [0 0 3 * * *]`},
		"a zone that is none":            {smallest + "sync: { time_zone: Oslo }\n", `line 8: sync.time_zone: "Oslo" is not a time zone such as Europe/Oslo`},
		"a duration in words":            {smallest + "sync: { settle: 5 mins }\n", `line 8: sync.settle: "5 mins" is not a duration such as 30s, 10m, 24h or 90d`},
		"no time to settle":              {smallest + "sync: { settle: 0s }\n", "line 8: sync.settle: 0s is too short; at least 1s"},
		"settle_max below settle":        {smallest + "sync: { settle: 2h, settle_max: 1h }\n", "line 8: sync.settle_max: 1h is shorter than settle (2h)"},
		"no store":                       {"katana:\n  api_key: env:K\nstores: []\n", "line 3: stores: at least one store is needed"},
		"a store's name twice":           {smallest + "  - { name: main, shop: b.myshopify.com, access_token: 'env:B', default_location: X }\n", `line 8: stores[1].name: "main" is already the name of stores[0]`},
		"a shop twice":                   {smallest + "  - { name: b, shop: acme.myshopify.com, access_token: 'env:B', default_location: X }\n", `line 8: stores[1].shop: "acme.myshopify.com" is already served by stores[0]; two writers would fight`},
		"a shop that is none":            {change("acme.myshopify.com", "acme.com"), `line 5: stores[0].shop: "acme.com" is not a shop's own domain such as acme.myshopify.com`},
		"a version that is none":         {store("api_version: 2026-11"), `line 8: stores[0].api_version: "2026-11" is not a version such as 2026-10`},
		"both ways to a token":           {store("client_id: abc"), "line 6: stores[0].access_token: there is also a client_id or client_secret; keep one of the two ways"},
		"a client without secret":        {change("access_token: env:SHOPIFY", "client_id: abc"), "line 6: stores[0].client_id: client_secret is missing: credential:NAME, file:PATH or env:NAME"},
		"no way to a token":              {change("    access_token: env:SHOPIFY\n", ""), "line 4: stores[0].access_token: it is needed, or client_id with client_secret"},
		"nothing mapped":                 {change("    default_location: Main warehouse\n", ""), "line 4: stores[0].locations: no location is mapped and there is no default_location: nothing could be written"},
		"a location twice":               {store("locations: [{ shopify: A, katana: X }, { shopify: A, katana: Y }]"), `line 8: stores[0].locations[1].shopify: "A" is already used by stores[0].locations[0]`},
		"a location counted twice":       {store("locations: [{ shopify: A, katana: [X, X] }]"), `line 8: stores[0].locations[0].katana: "X" stands twice; it would be counted twice`},
		"a location without source":      {store("locations: [{ shopify: A }]"), "line 8: stores[0].locations[0].katana: it is needed: the name of a Katana location, or a list of them"},
		"a location's id of no form":     {store("locations: [{ shopify: 'gid://shopify/Location/x', katana: X }]"), `line 8: stores[0].locations[0].shopify: "gid://shopify/Location/x" is not of the form gid://shopify/Location/N`},
		"orders of a served store":       {store("exclude_orders: [{ store_name: ACME.myshopify.com }]"), `line 8: stores[0].exclude_orders[0].store_name: "ACME.myshopify.com" is served by store main; its orders are never excluded, or their units would be sold twice`},
		"a matcher of everything":        {store("exclude_orders: [{}]"), "line 8: stores[0].exclude_orders[0]: it is empty and would match every order"},
		"a rule's pattern":               {store("rules: [{ sku: '[', skip: true }]"), `line 8: stores[0].rules[0].sku: "[" is not a pattern; * stands for anything, ? for one character, [ab] for either`},
		"a canary upside down":           {store("canary: { sku: A, min: 5, max: 1 }"), "line 8: stores[0].canary.min: 5 is above max (1)"},
		"a canary without an end":        {store("canary: { sku: A, min: 5 }"), "line 8: stores[0].canary.max: it is needed with sku: the most units that Katana may have of it"},
		"a canary of nothing":            {store("canary: { max: 5 }"), "line 8: stores[0].canary.sku: it is needed with min and max"},
		"a canary of white space":        {store("canary: { sku: ' ', max: 5 }"), "line 8: stores[0].canary.sku: it is needed with min and max"},
		"a canary below zero":            {store("canary: { sku: A, min: -1, max: 5 }"), "line 8: stores[0].canary.min: -1 is not between 0 and 1000000000"},
		"fewer units than none":          {smallest + "guards: { max_raised_units: -1 }\n", "line 8: guards.max_raised_units: -1 is not between 0 and 1000000000"},
		"a percentage above all":         {smallest + "guards: { max_changed_percent: 101 }\n", "line 8: guards.max_changed_percent: 101 is not between 0 and 100"},
		"a fraction of a change":         {smallest + "guards: { min_changes: 1.5 }\n", `line 8: guards.min_changes: "1.5" is not a whole number`},
		"yes instead of true":            {store("activate: yes"), `line 8: stores[0].activate: "yes" is neither true nor false`},
		"an address without a port":      {smallest + "status: { listen: localhost }\n", `line 8: status.listen: "localhost" is not an address such as 127.0.0.1:9470; "" switches the page off`},
		"no state file":                  {smallest + "state: { path: '' }\n", "line 8: state.path: it is needed, such as /var/lib/stocksyncd/state.db"},
		"history shorter than a day":     {smallest + "state: { keep_history: 1h }\n", "line 8: state.keep_history: 1h is too short; at least 1d"},
		"a log level that is none":       {smallest + "log: { level: loud }\n", `line 8: log.level: "loud" is not one of debug, info, warn, error`},
		"a block where a text belongs":   {store("mode: { a: b }"), "line 8: stores[0].mode: here is a block of keys; want a text"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("stocksyncd.yaml", []byte(c.file))
			var problems *Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got %v, want problems", err)
			}
			// The whole of it: one mistake must not drag others along.
			if got, want := err.Error(), "stocksyncd.yaml: 1 problem\n  "+c.want; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the message repeats what may be a secret")
			}
		})
	}
}

func TestEveryMistakeIsReportedAtOnceInTheOrderOfLines(t *testing.T) {
	_, err := Parse("stocksyncd.yaml", []byte(`katana:
  api_key: not-a-reference
  requests_per_minute: 0
sync:
  modus: apply
stores:
  - name: main
    shop: acme.myshopify.com
    access_token: env:T
    default_location: A
    activate: 1
guards: 3
`))
	want := `stocksyncd.yaml: 5 problems
  line 2: katana.api_key: write where the secret is, not the secret: credential:NAME, file:PATH or env:NAME
  line 3: katana.requests_per_minute: 0 is not between 1 and 6000
  line 5: sync.modus: unknown key; did you mean mode?
  line 11: stores[0].activate: "1" is neither true nor false
  line 12: guards: here is a single value; want keys and values`
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestTheSchemaAndTheProgramAgree(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"the smallest":           smallest,
		"the example":            string(Example()),
		"one guard":              smallest + "guards: { max_changed_percent: 50 }\n",
		"several locations":      smallest + "    locations: [{ shopify: A, katana: [B, C] }]\n",
		"all kinds of rules":     smallest + "    rules: [{ sku: A, buffer: 1, max: 0 }, { sku: B, min_to_sell: 2 }, { sku: C, skip: true }]\n",
		"no page":                smallest + "status: { listen: '' }\n",
		"no number of requests":  change("env:KATANA", "env:KATANA\n  requests_per_minute: 0"),
		"a number in quotes":     change("env:KATANA", "env:KATANA\n  requests_per_minute: '60'"),
		"no key":                 change("env:KATANA", "null"),
		"a literal key":          change("env:KATANA", "hunter2"),
		"a mode that is none":    smallest + "    mode: loud\n",
		"a level that is none":   smallest + "log: { level: loud }\n",
		"a percentage above all": smallest + "guards: { max_zeroed_percent: 101 }\n",
		"a shop that is none":    change("acme.myshopify.com", "acme.com"),
		"a version that is none": smallest + "    api_version: 2026-11\n",
		"an unknown key":         smallest + "stats: {}\n",
		"a negative cap":         smallest + "    rules: [{ sku: A, max: -1 }]\n",
	} {
		var document any
		if err := yaml.Load([]byte(file), &document); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, want := Parse("c", []byte(file))
		if got := resolved.Validate(document); (got == nil) != (want == nil) {
			t.Errorf("%s: the schema says %v, the program %v", name, got, want)
		}
	}
}

// offered are the lines of the example that wait behind a #.
var offered = regexp.MustCompile(`(?m)^( +)# ((?:  - \{.*\})|(?:time_zone|mode|default_location|exclude_orders|rules|canary):.*)$`)

func TestTheExampleExplainsEveryKeyAndWhatItOffersWorks(t *testing.T) {
	keys := func(value any) []string { return fieldsOf(reflect.TypeOf(value)).names }
	for _, key := range slices.Concat(keys(Config{}), keys(Katana{}), keys(Sync{}), keys(Store{}), keys(LocationMap{}), keys(OrderMatcher{}),
		keys(SKURule{}), keys(Canary{}), keys(Guards{}), keys(Quarantine{}), keys(State{}), keys(Status{}), keys(Log{})) {
		if !strings.Contains(string(example), key+":") {
			t.Errorf("the example does not show %s", key)
		}
	}
	config, err := Parse("example.yaml", offered.ReplaceAll(example, []byte("$1$2")))
	if err != nil {
		t.Fatal(err)
	}
	s := config.Stores[0]
	if len(s.ExcludeOrders) != 2 || len(s.Rules) != 2 || s.Canary.SKU == "" || s.Mode != "apply" || s.DefaultLocation == "" || config.Sync.TimeZone == "" {
		t.Errorf("not all that the example offers was taken: %+v", config)
	}
}

func TestTextsAreKeptAsWritten(t *testing.T) {
	config, err := Parse("c", []byte(smallest+"    locations: [{ shopify: 0123, katana: [010, on, 1e3] }]\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := config.Stores[0].Locations[0]
	if got.Shopify != "0123" || !slices.Equal(got.Katana, []string{"010", "on", "1e3"}) {
		t.Errorf("got %+v", got)
	}
}

func TestTheDigestIsOfTheMeaning(t *testing.T) {
	digest := func(text string) string {
		config, err := Parse("c", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return config.Digest()
	}
	if digest(smallest) != digest("# a comment\n"+smallest) {
		t.Error("a comment changes the digest")
	}
	if digest(smallest) == digest(change("Main warehouse", "Oslo")) {
		t.Error("another mapping has the same digest")
	}
	plan := func(text string) string {
		config, err := Parse("c", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return config.PlanDigest()
	}
	if plan(smallest) != plan(smallest+"    canary: { sku: A, max: 5 }\n") {
		t.Error("a canary makes another plan")
	}
	if plan(smallest) != plan(smallest+"    mode: apply\nsync: { settle: 1h }\n") {
		t.Error("a plan that was saved in report mode cannot be written in apply mode")
	}
	if plan(smallest) == plan(change("Main warehouse", "Oslo")) {
		t.Error("a plan does not depend on the mapping")
	}
}

func TestARelativeStateFileIsBesideTheConfig(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "stocksyncd.yaml")
	if err := os.WriteFile(path, []byte(smallest+"state: { path: ./state.db }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	near, err := Load("stocksyncd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{config.State.Path, near.State.Path} {
		if want := filepath.Join(dir, "state.db"); got != want {
			t.Errorf("got %s, want %s: a command from another folder would be a second writer", got, want)
		}
	}
	if config.Digest() != near.Digest() {
		t.Error("the same config has two digests")
	}
}

func TestAMissingFileNamesTheNextStep(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"))
	if err == nil || !strings.Contains(err.Error(), "stocksyncd config example") {
		t.Errorf("got %v", err)
	}
}

func TestTheCommittedSchemaIsTheOneOfTheStructs(t *testing.T) {
	got, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.json", got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("run go test ./configs -update: -want +got\n%s", diff)
	}
}

func TestSecretsAreFetchedFromWhereTheReferenceSays(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good", "s3cret\n", 0o600)
	open := write("open", "s3cret\n", 0o644)
	write("cred", "fromsystemd", 0o400)
	env := map[string]string{"TOKEN": "fromenv", "CREDENTIALS_DIRECTORY": dir}
	for _, c := range []struct{ ref, want, err string }{
		{"file:" + good, "s3cret", ""},
		{"env:TOKEN", "fromenv", ""},
		{"credential:cred", "fromsystemd", ""},
		{"file:" + open, "", "others can read it; run: chmod 600 " + open},
		{"file:" + dir + "/none", "", "there is no such file"},
		{"file:" + write("empty", "\n", 0o600), "", "it is empty"},
		{"file:" + write("two", "a\nb\n", 0o600), "", "it has more than one line"},
		{"file:" + write("space", "s3cret \n", 0o600), "", "it holds a space or a character that no key or token has (at byte 7)"},
		{"file:" + write("bom", "\ufeffs3cret\n", 0o600), "", "it holds a space or a character that no key or token has (at byte 1)"},
		{"file:" + dir, "", "it is not a file"},
		{"env:NONE", "", "the environment variable is not set"},
		{"credential:none", "", "add LoadCredential=none:PATH to the unit"},
	} {
		ref, err := parseSecretRef(c.ref)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := ref.Resolve(func(name string) string { return env[name] })
		switch {
		case c.err == "" && (err != nil || secret.Reveal() != c.want):
			t.Errorf("%s: got %q, %v", c.ref, secret.Reveal(), err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: got %v, want %s", c.ref, err, c.err)
		case err != nil && strings.Contains(err.Error(), "s3cret"):
			t.Errorf("%s: the error shows the secret", c.ref)
		}
	}
	if _, err := (SecretRef{"credential", "x"}).Resolve(func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "LoadCredential=x:PATH") {
		t.Errorf("without systemd: got %v", err)
	}
}

func TestASecretShowsNothingHoweverItIsPrinted(t *testing.T) {
	text := "hunter2"
	secret := Secret{&text}
	type client struct{ token Secret } // fmt does not ask the methods of what is in here
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		fmt.Fprintf(&out, verb+" ", secret)
		fmt.Fprintf(&out, verb+" ", &secret)
		fmt.Fprintf(&out, verb+" ", struct{ S Secret }{secret})
		fmt.Fprintf(&out, verb+" ", client{secret})
		fmt.Fprintf(&out, verb+" ", &client{secret})
		fmt.Fprintf(&out, verb+" ", []client{{secret}})
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", secret, "pointer", &secret)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", secret)
	if err := json.NewEncoder(&out).Encode(map[string]any{"a": secret, "b": []*Secret{&secret}}); err != nil {
		t.Fatal(err)
	}
	for _, trace := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), fmt.Sprintf("%X", "hunter2")} {
		if strings.Contains(out.String(), trace) {
			t.Errorf("%q shows in %s", trace, out.String())
		}
	}
}

func TestDurationsRoundTrip(t *testing.T) {
	for _, text := range []string{"0s", "1s", "30s", "10m", "1h", "1h30m", "90d", "1m30s"} {
		d, err := parseDuration(text)
		if err != nil || d.String() != text {
			t.Errorf("%s: got %s, %v", text, d, err)
		}
	}
	if d, err := parseDuration("24h"); err != nil || d != day {
		t.Errorf("24h: got %s, %v", d, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(smallest))
	f.Add(Example())
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := Parse("fuzz", data)
		if (config == nil) == (err == nil) {
			t.Fatalf("got config %v and error %v", config, err)
		}
	})
}
