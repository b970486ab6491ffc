package configs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"stocksyncd/reconcile/inventory"
)

// Config is the whole config. The jsonschema tags are the descriptions in the
// JSON Schema that `stocksyncd config schema` prints.
type Config struct {
	Katana     Katana     `json:"katana" jsonschema:"The Katana account, the source of truth."`
	Sync       Sync       `json:"sync,omitzero" jsonschema:"When and how to reconcile."`
	Stores     []Store    `json:"stores" jsonschema:"The Shopify stores to keep equal to Katana."`
	Guards     Guards     `json:"guards,omitzero" jsonschema:"When a plan is held until somebody releases it. 0 switches a guard off."`
	Quarantine Quarantine `json:"quarantine,omitzero" jsonschema:"What happens to levels whose line Shopify refused."`
	State      State      `json:"state,omitzero" jsonschema:"The file that remembers between cycles."`
	Status     Status     `json:"status,omitzero" jsonschema:"The status page and the metrics."`
	Log        Log        `json:"log,omitzero" jsonschema:"The log on stderr."`

	// Path is the file that the config came from.
	Path string `json:"-"`
	// ModeNamed tells that the config names a mode somewhere.
	ModeNamed bool `json:"-"`

	lines map[string]int // key → line
}

// Katana is the source.
type Katana struct {
	URL               string     `json:"url,omitempty" jsonschema:"Base address of Katana's API."`
	APIKey            *SecretRef `json:"api_key" jsonschema:"The API key of Katana's Settings > API, as a reference: credential:NAME, file:PATH or env:NAME."`
	RequestsPerMinute int        `json:"requests_per_minute,omitempty" jsonschema:"Ceiling of requests a minute, 1 to 6000. Limits learned from Katana's answers lower it."`
}

// Sync is the schedule and the patience.
type Sync struct {
	Mode         string   `json:"mode,omitempty" jsonschema:"What may be done to a store that names no mode: off, report, lower-only or apply."`
	Schedule     string   `json:"schedule,omitempty" jsonschema:"When to reconcile: a cron expression or @every DURATION."`
	FullSchedule string   `json:"full_schedule,omitempty" jsonschema:"When to read everything: a cron expression or @every DURATION."`
	TimeZone     string   `json:"time_zone,omitempty" jsonschema:"The zone of the cron expressions, such as Europe/Oslo. UTC when it is not set."`
	SweepWithin  Duration `json:"sweep_within,omitempty" jsonschema:"Every level is read from both sides within this time."`
	Settle       Duration `json:"settle,omitempty" jsonschema:"How long an order may take from Shopify to Katana."`
	SettleMax    Duration `json:"settle_max,omitempty" jsonschema:"After this long an order that Katana never heard of is a warning."`
	BulkAbove    int      `json:"bulk_above,omitempty" jsonschema:"Variants of a store beyond which a bulk query replaces pages."`
}

// Store is one Shopify store.
type Store struct {
	Name            string         `json:"name" jsonschema:"The store's name in logs, reports and commands."`
	Shop            string         `json:"shop" jsonschema:"The shop's own domain, such as acme.myshopify.com."`
	URL             string         `json:"url,omitempty" jsonschema:"Another base address for /admin/...: the sandbox, a proxy."`
	APIVersion      string         `json:"api_version,omitempty" jsonschema:"Version of Shopify's API, such as 2026-10."`
	AccessToken     *SecretRef     `json:"access_token,omitempty" jsonschema:"The token of a custom app, as a reference. Or client_id with client_secret."`
	ClientID        string         `json:"client_id,omitempty" jsonschema:"The client id of an app of the same organisation."`
	ClientSecret    *SecretRef     `json:"client_secret,omitempty" jsonschema:"The client secret, as a reference."`
	Mode            string         `json:"mode,omitempty" jsonschema:"off, report, lower-only or apply; sync.mode when it is not set."`
	Locations       []LocationMap  `json:"locations,omitempty" jsonschema:"Which Katana location feeds which Shopify location."`
	DefaultLocation string         `json:"default_location,omitempty" jsonschema:"Katana location of the Shopify locations that are not named, by name or id:N. Not set: they are left alone."`
	DuplicateStock  string         `json:"duplicate_stock,omitempty" jsonschema:"What to do when one Katana location feeds several locations: warn or refuse."`
	CommittedOrders string         `json:"committed_orders,omitempty" jsonschema:"Which sales orders lower the stock: all or shopify."`
	ExcludeOrders   []OrderMatcher `json:"exclude_orders,omitempty" jsonschema:"Sales orders that do not lower the stock. All keys of a matcher must match."`
	Rules           []SKURule      `json:"rules,omitempty" jsonschema:"Rules per SKU; the first that matches counts."`
	Activate        bool           `json:"activate,omitempty" jsonschema:"Stock items at the locations named above where they are not stocked and Katana has some."`
	Canary          Canary         `json:"canary,omitzero" jsonschema:"A SKU whose figure in Katana lies in a range; while it does not, the whole plan of the store is held."`
}

// LocationMap maps one Shopify location.
type LocationMap struct {
	Shopify string `json:"shopify" jsonschema:"The location's name in Shopify, or gid://shopify/Location/N."`
	Katana  Names  `json:"katana" jsonschema:"The name of a Katana location or id:N, or a list of them, which are summed."`
}

// OrderMatcher picks Katana sales orders.
type OrderMatcher struct {
	Source      string `json:"source,omitempty" jsonschema:"How the order was made, such as katana or api."`
	Platform    string `json:"platform,omitempty" jsonschema:"The ecommerce platform, such as shopify."`
	StoreName   string `json:"store_name,omitempty" jsonschema:"The ecommerce store, such as acme.myshopify.com."`
	CustomerID  int64  `json:"customer_id,omitempty" jsonschema:"The customer's id in Katana."`
	Location    string `json:"location,omitempty" jsonschema:"The order's Katana location."`
	OrderNumber string `json:"order_number,omitempty" jsonschema:"A glob on the order's number, such as B2B-*."`
}

// SKURule changes the figure of the SKUs that it names.
type SKURule struct {
	SKU       string `json:"sku" jsonschema:"A glob on the SKU, such as CAP-*."`
	Buffer    int    `json:"buffer,omitempty" jsonschema:"Units that are never offered."`
	Max       *int   `json:"max,omitempty" jsonschema:"The most units to offer."`
	MinToSell int    `json:"min_to_sell,omitempty" jsonschema:"Below this figure show 0."`
	Skip      bool   `json:"skip,omitempty" jsonschema:"Leave the SKU alone."`
}

// Canary is a SKU whose figure is known to lie in a range: what Katana has of it
// at the locations that feed the store, all together, before the store's rules.
type Canary struct {
	SKU string `json:"sku,omitempty" jsonschema:"The SKU, as Katana writes it."`
	Min int    `json:"min,omitempty" jsonschema:"The least units that Katana may have of it."`
	Max int    `json:"max,omitempty" jsonschema:"The most units that Katana may have of it."`
}

// Guards hold plans back.
type Guards struct {
	MinChanges        int `json:"min_changes,omitempty" jsonschema:"No guard trips on so few levels or fewer; units are counted whatever this is."`
	MaxChangedPercent int `json:"max_changed_percent,omitempty" jsonschema:"Of the levels, within an hour."`
	MaxZeroedPercent  int `json:"max_zeroed_percent,omitempty" jsonschema:"Of the levels, taken to zero within an hour. If more than min_changes do, nor may the last figures above zero all go."`
	MaxShrinkPercent  int `json:"max_shrink_percent,omitempty" jsonschema:"By which Katana may have become shorter since the last cycle."`
	MaxRaisedUnits    int `json:"max_raised_units,omitempty" jsonschema:"Units added to levels within an hour, one level with another."`
}

// Quarantine is the rest that a refused line takes.
type Quarantine struct {
	Expiry Duration `json:"expiry,omitempty" jsonschema:"The longest that a level rests after Shopify refused its line: the first rest is a 16th of it, and each refusal in a row doubles that."`
}

// State is the state file.
type State struct {
	Path        string   `json:"path,omitempty" jsonschema:"The state file; its folder must exist."`
	KeepHistory Duration `json:"keep_history,omitempty" jsonschema:"How long the reports of cycles are kept."`
}

// Status is where the page and the metrics are served.
type Status struct {
	Listen string `json:"listen,omitempty" jsonschema:"Address of the status page, /metrics, /healthz and /readyz; empty switches them off."`
}

// Log is how the log looks.
type Log struct {
	Format string `json:"format,omitempty" jsonschema:"auto, text or json. auto: text with colour on a terminal, JSON otherwise."`
	Level  string `json:"level,omitempty" jsonschema:"debug, info, warn or error."`
}

// defaults is the config of a file that says nothing. Every default is set
// here and nowhere else.
func defaults() Config {
	return Config{
		Katana: Katana{URL: "https://api.katanamrp.com/v1", RequestsPerMinute: 60},
		Sync: Sync{
			Schedule: "@every 30s", FullSchedule: "0 3 * * *", SweepWithin: hour,
			Settle: 10 * minute, SettleMax: day, BulkAbove: 5000,
		},
		Guards:     Guards{MinChanges: 10, MaxChangedPercent: 30, MaxZeroedPercent: 10, MaxShrinkPercent: 20},
		Quarantine: Quarantine{Expiry: day},
		State:      State{Path: "/var/lib/stocksyncd/state.db", KeepHistory: 90 * day},
		Status:     Status{Listen: "127.0.0.1:9470"},
		Log:        Log{Format: "auto", Level: "info"},
	}
}

// defaultStore is a store of which the file says nothing.
func defaultStore() Store {
	return Store{APIVersion: "2026-10", DuplicateStock: "warn", CommittedOrders: "all"}
}

// EffectiveMode is the store's mode, else that of sync, else report.
func (s Store) EffectiveMode(sync Sync) inventory.Mode {
	for _, mode := range []string{s.Mode, sync.Mode} {
		if mode != "" {
			return inventory.Mode(mode)
		}
	}
	return inventory.ModeReport
}

// PlanDigest names what the figures of a plan depend on: the accounts, the
// mapping and the rules. It stays the same when a store goes from report to
// apply: a plan is saved in the one to be written in the other.
func (c *Config) PlanDigest() string {
	figures := Config{Katana: Katana{URL: c.Katana.URL}, Stores: slices.Clone(c.Stores)}
	for i := range figures.Stores {
		s := &figures.Stores[i]
		s.Mode, s.AccessToken, s.ClientID, s.ClientSecret, s.Canary = "", nil, "", nil, Canary{}
	}
	return figures.Digest()
}

// Digest names the meaning of the config: two files that differ only in
// comments and order of keys have the same. It holds no secret, since the
// config holds none.
func (c *Config) Digest() string {
	text, err := json.Marshal(c)
	if err != nil {
		// Only types that marshal are in there.
		panic(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
