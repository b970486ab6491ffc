package desired_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

const (
	oslo   = inventory.SourceLocationID(1)
	bergen = inventory.SourceLocationID(2)
	vault  = inventory.SourceLocationID(3)
)

var sources = []inventory.SourceLocation{
	{ID: oslo, Name: "Oslo"}, {ID: bergen, Name: "Bergen"}, {ID: vault, Name: "Vault"}, {ID: 8, Name: "Twin"}, {ID: 9, Name: "Twin"},
}

const (
	front   = inventory.LocationID(101)
	quay    = inventory.LocationID(102)
	closed  = inventory.LocationID(103)
	app     = inventory.LocationID(104)
	reopend = inventory.LocationID(105) // shares its name with an inactive one
)

var targets = []inventory.Location{
	{ID: front, Name: "Front", Active: true}, {ID: quay, Name: "Quay", Active: true}, {ID: closed, Name: "Closed"},
	{ID: app, Name: "App", Active: true, FulfillmentService: true},
	{ID: 106, Name: "Reopened"}, {ID: reopend, Name: "Reopened", Active: true}, {ID: 107, Name: "Old"}, {ID: 108, Name: "Old"},
}

func TestWhereTheStockOfALocationComesFrom(t *testing.T) {
	left := func(name string, reason inventory.Reason) desired.Feed {
		return desired.Feed{Name: name, Sources: []inventory.SourceLocationID{}, Left: reason}
	}
	tests := []struct {
		name     string
		mapping  desired.Mapping
		location inventory.LocationID
		want     desired.Feed
	}{
		{"a location that is named draws on its own", desired.Mapping{Locations: []desired.Pair{{"Front", []string{"Oslo"}}}}, front, desired.Feed{Name: "Front", Sources: []inventory.SourceLocationID{oslo}}},
		{"several are summed, in a fixed order, each once", desired.Mapping{Locations: []desired.Pair{{"Front", []string{"Bergen", "Oslo", "Bergen"}}}}, front, desired.Feed{Name: "Front", Sources: []inventory.SourceLocationID{oslo, bergen}}},
		{"a location can be named by its id", desired.Mapping{Locations: []desired.Pair{{"gid://shopify/Location/101", []string{"Oslo"}}}}, front, desired.Feed{Name: "Front", Sources: []inventory.SourceLocationID{oslo}}},
		{"one that is not named follows the default", desired.Mapping{Locations: []desired.Pair{{"Front", []string{"Oslo"}}}, Default: "Bergen"}, quay, desired.Feed{Name: "Quay", Sources: []inventory.SourceLocationID{bergen}}},
		{"without a default it is left alone", desired.Mapping{Locations: []desired.Pair{{"Front", []string{"Oslo"}}}}, quay, left("Quay", inventory.ReasonUnmapped)},
		{"the default never reaches an inactive location", desired.Mapping{Default: "Oslo"}, closed, left("Closed", inventory.ReasonInactiveLocation)},
		{"naming an inactive location does not make it active", desired.Mapping{Locations: []desired.Pair{{"Closed", []string{"Oslo"}}}}, closed, left("Closed", inventory.ReasonInactiveLocation)},
		{"the default never reaches a fulfilment service", desired.Mapping{Default: "Oslo"}, app, left("App", inventory.ReasonFulfillment)},
		{"a fulfilment service that is named is written", desired.Mapping{Locations: []desired.Pair{{"App", []string{"Vault"}}}, Default: "Oslo"}, app, desired.Feed{Name: "App", Sources: []inventory.SourceLocationID{vault}}},
		{"an active location wins over an inactive namesake", desired.Mapping{Locations: []desired.Pair{{"Reopened", []string{"Oslo"}}}}, reopend, desired.Feed{Name: "Reopened", Sources: []inventory.SourceLocationID{oslo}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			feeds, err := desired.Resolve(tt.mapping, targets, sources)
			if err != nil {
				t.Fatal(err)
			}
			if len(feeds) != len(targets) {
				t.Errorf("got %d feeds, want one for each of %d locations", len(feeds), len(targets))
			}
			if got := feeds[tt.location]; !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %#v, want %#v", got, tt.want)
			}
		})
	}
}

func TestAMappingThatWouldNeedAGuessIsRefused(t *testing.T) {
	const shopify = `"App", "Closed", "Front", "Old", "Old", "Quay", "Reopened", "Reopened"`
	const katana = `"Bergen", "Oslo", "Twin", "Twin", "Vault"`
	tests := []struct {
		name    string
		mapping desired.Mapping
		want    []string
	}{
		{
			"a location that Shopify does not have", desired.Mapping{Locations: []desired.Pair{{"front", []string{"Oslo"}}}},
			[]string{`Shopify has no location "front"; it has ` + shopify},
		},
		{
			"an id that Shopify does not have", desired.Mapping{Locations: []desired.Pair{{"gid://shopify/Location/1", []string{"Oslo"}}}},
			[]string{`Shopify has no location "gid://shopify/Location/1"; it has ` + shopify},
		},
		{
			"a name that several inactive locations share", desired.Mapping{Locations: []desired.Pair{{"Old", []string{"Oslo"}}}},
			[]string{`Shopify has 2 locations named "Old"; write the one that is meant by its id, such as "gid://shopify/Location/107"`},
		},
		{
			"a location that Katana does not have", desired.Mapping{Locations: []desired.Pair{{"Front", []string{"Oslo "}}}},
			[]string{`Katana has no location "Oslo "; it has ` + katana},
		},
		{
			"a name that Katana has twice", desired.Mapping{Default: "Twin"},
			[]string{`Katana has 2 locations named "Twin"; rename one of them in Katana`},
		},
		{
			"a location that is mapped twice, by name and by id",
			desired.Mapping{Locations: []desired.Pair{{"Front", []string{"Oslo"}}, {"gid://shopify/Location/101", []string{"Bergen"}}}},
			[]string{`Shopify location "Front" is mapped twice`},
		},
		{
			"a location that is named and mapped to nothing", desired.Mapping{Locations: []desired.Pair{{"Front", nil}}, Default: "Oslo"},
			[]string{`Shopify location "Front" is mapped to no Katana location`},
		},
		{
			"everything that is wrong is said at once",
			desired.Mapping{Locations: []desired.Pair{{"Nowhere", []string{"Oslo"}}, {"Front", []string{"Twin", "Nowhere"}}}, Default: "Nowhere"},
			[]string{
				`Shopify has no location "Nowhere"; it has ` + shopify,
				`Katana has 2 locations named "Twin"; rename one of them in Katana`,
				`Katana has no location "Nowhere"; it has ` + katana,
				`Katana has no location "Nowhere"; it has ` + katana,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			feeds, err := desired.Resolve(tt.mapping, targets, sources)
			var problem *desired.MappingError
			if !errors.As(err, &problem) || feeds != nil {
				t.Fatalf("got %v, %v, want a mapping error", feeds, err)
			}
			if !slices.Equal(problem.Problems, tt.want) {
				t.Errorf("got  %q\nwant %q", problem.Problems, tt.want)
			}
		})
	}
	_, err := desired.Resolve(desired.Mapping{Default: "Oslo", Locations: []desired.Pair{{"Front", []string{"Oslo"}}}}, nil, nil)
	if want := `locations: Shopify has no location "Front"; it has none; Katana has no location "Oslo"; it has none`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTheKatanaLocationsOfAMappingAreListedOnce(t *testing.T) {
	feeds, err := desired.Resolve(desired.Mapping{
		Locations: []desired.Pair{{"Front", []string{"Vault", "Oslo"}}, {"Quay", []string{"Oslo"}}}, Default: "Oslo",
	}, targets, sources)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := feeds.Sources(), []inventory.SourceLocationID{oslo, vault}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
