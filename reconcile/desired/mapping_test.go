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
	fair   = inventory.SourceLocationID(4) // Katana does not sell from it
)

var sources = []inventory.SourceLocation{
	{ID: oslo, Name: "Oslo", SalesAllowed: true}, {ID: bergen, Name: "Bergen", SalesAllowed: true}, {ID: vault, Name: "Vault", SalesAllowed: true},
	{ID: 8, Name: "Twin", SalesAllowed: true}, {ID: 9, Name: "Twin", SalesAllowed: true}, {ID: fair, Name: "Fair"},
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
		{"a location that is named draws on its own", desired.Mapping{Locations: []desired.Pair{{"Front", []string{"Oslo"}}}}, front, desired.Feed{Name: "Front", Named: true, Sources: []inventory.SourceLocationID{oslo}}},
		{"several are summed, in a fixed order, each once", desired.Mapping{Locations: []desired.Pair{{"Front", []string{"Bergen", "Oslo", "Bergen"}}}}, front, desired.Feed{Name: "Front", Named: true, Sources: []inventory.SourceLocationID{oslo, bergen}}},
		{"a location can be named by its id", desired.Mapping{Locations: []desired.Pair{{"gid://shopify/Location/101", []string{"Oslo"}}}}, front, desired.Feed{Name: "Front", Named: true, Sources: []inventory.SourceLocationID{oslo}}},
		{"one that is not named follows the default", desired.Mapping{Locations: []desired.Pair{{"Front", []string{"Oslo"}}}, Default: "Bergen"}, quay, desired.Feed{Name: "Quay", Sources: []inventory.SourceLocationID{bergen}}},
		{"without a default it is left alone", desired.Mapping{Locations: []desired.Pair{{"Front", []string{"Oslo"}}}}, quay, left("Quay", inventory.ReasonUnmapped)},
		{"the default never reaches an inactive location", desired.Mapping{Default: "Oslo"}, closed, left("Closed", inventory.ReasonInactiveLocation)},
		{
			"naming an inactive location does not make it active", desired.Mapping{Locations: []desired.Pair{{"Closed", []string{"Oslo"}}}}, closed,
			desired.Feed{Name: "Closed", Named: true, Sources: []inventory.SourceLocationID{}, Left: inventory.ReasonInactiveLocation},
		},
		{"a Katana location can be named by its id", desired.Mapping{Locations: []desired.Pair{{"Front", []string{"id:9"}}}}, front, desired.Feed{Name: "Front", Named: true, Sources: []inventory.SourceLocationID{9}}},
		{
			"what Katana does not sell is not offered", desired.Mapping{Locations: []desired.Pair{{"Front", []string{"Fair"}}}}, front,
			desired.Feed{Name: "Front", Named: true, Sources: []inventory.SourceLocationID{}, Closed: []inventory.SourceLocationID{fair}, Left: inventory.ReasonNoSales},
		},
		{
			"of a sum it is the rest that is offered", desired.Mapping{Locations: []desired.Pair{{"Front", []string{"Fair", "Oslo"}}}}, front,
			desired.Feed{Name: "Front", Named: true, Sources: []inventory.SourceLocationID{oslo}, Closed: []inventory.SourceLocationID{fair}},
		},
		{
			"a default that does not sell", desired.Mapping{Default: "Fair"}, quay,
			desired.Feed{Name: "Quay", Sources: []inventory.SourceLocationID{}, Closed: []inventory.SourceLocationID{fair}, Left: inventory.ReasonNoSales},
		},
		{"the default never reaches a fulfilment service", desired.Mapping{Default: "Oslo"}, app, left("App", inventory.ReasonFulfillment)},
		{"a fulfilment service that is named is written", desired.Mapping{Locations: []desired.Pair{{"App", []string{"Vault"}}}, Default: "Oslo"}, app, desired.Feed{Name: "App", Named: true, Sources: []inventory.SourceLocationID{vault}}},
		{"an active location wins over an inactive namesake", desired.Mapping{Locations: []desired.Pair{{"Reopened", []string{"Oslo"}}}}, reopend, desired.Feed{Name: "Reopened", Named: true, Sources: []inventory.SourceLocationID{oslo}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resolved, err := desired.Resolve(tt.mapping, targets, sources, inventory.Pins{})
			if err != nil {
				t.Fatal(err)
			}
			feeds := resolved.Feeds
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
	const shopify = `"App" (gid://shopify/Location/104), "Closed" (gid://shopify/Location/103), "Front" (gid://shopify/Location/101), ` +
		`"Old" (gid://shopify/Location/107), "Old" (gid://shopify/Location/108), "Quay" (gid://shopify/Location/102), ` +
		`"Reopened" (gid://shopify/Location/105), "Reopened" (gid://shopify/Location/106)`
	const katana = `"Bergen" (id:2), "Fair" (id:4), "Oslo" (id:1), "Twin" (id:8), "Twin" (id:9), "Vault" (id:3)`
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
			[]string{`Shopify has 2 locations named "Old"; write the one that is meant by its id: "gid://shopify/Location/107" or "gid://shopify/Location/108"`},
		},
		{
			"a location that Katana does not have", desired.Mapping{Locations: []desired.Pair{{"Front", []string{"Oslo "}}}},
			[]string{`Katana has no location "Oslo "; it has ` + katana},
		},
		{
			"a name that Katana has twice", desired.Mapping{Default: "Twin"},
			[]string{`Katana has 2 locations named "Twin"; write the one that is meant by its id: "id:8" or "id:9"`},
		},
		{
			"a location that is mapped twice, by name and by id",
			desired.Mapping{Locations: []desired.Pair{{"Front", []string{"Oslo"}}, {"gid://shopify/Location/101", []string{"Bergen"}}}},
			[]string{`Shopify location "Front" is mapped twice; take one of its lines out`},
		},
		{
			"a location that is named and mapped to nothing", desired.Mapping{Locations: []desired.Pair{{"Front", nil}}, Default: "Oslo"},
			[]string{`Shopify location "Front" is mapped to no Katana location; name one, or take its line out`},
		},
		{
			"everything that is wrong is said at once, and each once",
			desired.Mapping{Locations: []desired.Pair{{"Nowhere", []string{"Oslo"}}, {"Front", []string{"Twin", "Nowhere"}}}, Default: "Nowhere"},
			[]string{
				`Shopify has no location "Nowhere"; it has ` + shopify,
				`Katana has 2 locations named "Twin"; write the one that is meant by its id: "id:8" or "id:9"`,
				`Katana has no location "Nowhere"; it has ` + katana,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resolved, err := desired.Resolve(tt.mapping, targets, sources, inventory.Pins{})
			var problem *desired.MappingError
			if !errors.As(err, &problem) || resolved.Feeds != nil {
				t.Fatalf("got %v, %v, want a mapping error", resolved, err)
			}
			if !slices.Equal(problem.Problems, tt.want) {
				t.Errorf("got  %q\nwant %q", problem.Problems, tt.want)
			}
		})
	}
	_, err := desired.Resolve(desired.Mapping{Default: "Oslo", Locations: []desired.Pair{{"Front", []string{"Oslo"}}}}, nil, nil, inventory.Pins{})
	if want := `locations: Shopify has no location "Front"; it has none; Katana has no location "Oslo"; it has none`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTheKatanaLocationsOfAMappingAreListedOnce(t *testing.T) {
	resolved, err := desired.Resolve(desired.Mapping{
		Locations: []desired.Pair{{"Front", []string{"Vault", "Oslo"}}, {"Quay", []string{"Oslo"}}}, Default: "Oslo",
	}, targets, sources, inventory.Pins{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := resolved.Feeds.Sources(), []inventory.SourceLocationID{oslo, vault}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// renamed gives the locations with one of them under another name.
func renamed[L any](all []L, edit func(*L)) []L {
	all = slices.Clone(all)
	for i := range all {
		edit(&all[i])
	}
	return all
}

func TestANameThatMovesToAnotherLocationIsAChoiceToMake(t *testing.T) {
	mapping := desired.Mapping{Locations: []desired.Pair{{"Front", []string{"Oslo"}}}}
	first, err := desired.Resolve(mapping, targets, sources, inventory.Pins{})
	if err != nil {
		t.Fatal(err)
	}
	want := inventory.Pins{Targets: map[string]inventory.LocationID{"Front": front}, Sources: map[string]inventory.SourceLocationID{"Oslo": oslo}}
	if !reflect.DeepEqual(first.Pins, want) {
		t.Fatalf("got %+v, want %+v", first.Pins, want)
	}
	name := func(id inventory.LocationID, name string) func(*inventory.Location) {
		return func(l *inventory.Location) {
			if l.ID == id {
				l.Name = name
			}
		}
	}
	source := func(id inventory.SourceLocationID, name string) func(*inventory.SourceLocation) {
		return func(l *inventory.SourceLocation) {
			if l.ID == id {
				l.Name = name
			}
		}
	}
	newcomer := inventory.Location{ID: 120, Name: "Front", Active: true}
	none := func(*inventory.Location) {}
	tests := []struct {
		name    string
		targets []inventory.Location
		sources []inventory.SourceLocation
		want    string // "" is no problem
	}{
		{"nothing has changed", targets, sources, ""},
		{"others have other names", renamed(targets, name(quay, "Pier")), renamed(sources, source(bergen, "Voss")), ""},
		{
			"Shopify's location has another name", renamed(targets, name(front, "Window")), sources,
			`Shopify: the location "Front" was gid://shopify/Location/101 so far, which is called "Window" now: if it is still meant, write its new name, or "gid://shopify/Location/101"`,
		},
		{
			"another one has its name", append(renamed(targets, name(front, "Window")), newcomer), sources,
			`Shopify: the location "Front" was gid://shopify/Location/101 so far, which is called "Window" now, and another one has its name: write "gid://shopify/Location/101" for the former, "gid://shopify/Location/120" for the new one`,
		},
		{
			"it was closed and another one has its name",
			append(renamed(targets, func(l *inventory.Location) { l.Active = l.Active && l.ID != front }), newcomer), sources,
			`Shopify: the location "Front" was gid://shopify/Location/101 so far, which is called "Front" now, and another one has its name: write "gid://shopify/Location/101" for the former, "gid://shopify/Location/120" for the new one`,
		},
		{
			"it is gone", slices.DeleteFunc(renamed(targets, none), func(l inventory.Location) bool { return l.ID == front }), sources,
			`Shopify: the location "Front" was gid://shopify/Location/101 so far, which is gone: map another one`,
		},
		{
			"it is gone and another one has its name",
			append(slices.DeleteFunc(renamed(targets, none), func(l inventory.Location) bool { return l.ID == front }), newcomer), sources,
			`Shopify: the location "Front" was gid://shopify/Location/101 so far, which is gone, and another one has its name: if that is meant, write "gid://shopify/Location/120"`,
		},
		{"its name stands twice", append(renamed(targets, none), newcomer), sources, `Shopify has 2 locations named "Front"; write the one that is meant by its id: "gid://shopify/Location/101" or "gid://shopify/Location/120"`},
		{
			"Katana's location has another name", targets, renamed(sources, source(oslo, "Moss")),
			`Katana: the location "Oslo" was id:1 so far, which is called "Moss" now: if it is still meant, write its new name, or "id:1"`,
		},
		{
			"Katana's two locations have swapped their names", targets,
			renamed(renamed(renamed(sources, source(oslo, "-")), source(bergen, "Oslo")), source(oslo, "Bergen")),
			`Katana: the location "Oslo" was id:1 so far, which is called "Bergen" now, and another one has its name: write "id:1" for the former, "id:2" for the new one`,
		},
		{"Katana's name stands twice", targets, renamed(sources, source(bergen, "Oslo")), `Katana has 2 locations named "Oslo"; write the one that is meant by its id: "id:1" or "id:2"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resolved, err := desired.Resolve(mapping, tt.targets, tt.sources, first.Pins)
			switch {
			case tt.want == "" && (err != nil || !reflect.DeepEqual(resolved.Pins, first.Pins)):
				t.Errorf("got %v, %v", resolved.Pins, err)
			case tt.want != "" && (err == nil || err.Error() != "locations: "+tt.want):
				t.Errorf("got  %v\nwant locations: %s", err, tt.want)
			}
		})
	}
	byID := desired.Mapping{Locations: []desired.Pair{{"gid://shopify/Location/120", []string{"id:1"}}}}
	chosen, err := desired.Resolve(byID, append(renamed(targets, name(front, "Window")), newcomer), renamed(sources, source(oslo, "Moss")), first.Pins)
	if err != nil || chosen.Feeds[120].Sources[0] != oslo || !reflect.DeepEqual(chosen.Pins, inventory.Pins{}) {
		t.Errorf("an id needs no memory of names: got %+v, %v", chosen, err)
	}
}

func TestALocationThatOrdersAreExcludedByIsPinnedToo(t *testing.T) {
	mapping := desired.Mapping{Default: "Oslo", Mentioned: []string{"Vault", "Attic"}}
	first, err := desired.Resolve(mapping, targets, sources, inventory.Pins{})
	if err != nil || first.Pins.Sources["Vault"] != vault {
		t.Fatalf("got %+v, %v", first.Pins, err)
	}
	unknown := `exclude_orders: the location "Attic" excludes no order: Katana has no location "Attic"; it has "Bergen" (id:2), "Fair" (id:4), "Oslo" (id:1), "Twin" (id:8), "Twin" (id:9), "Vault" (id:3)`
	if !slices.Equal(first.Notes, []string{unknown}) || !slices.Equal(first.Unfound, first.Notes) {
		t.Errorf("got %q and %q, want %q as both", first.Notes, first.Unfound, unknown)
	}
	moved := renamed(sources, func(l *inventory.SourceLocation) {
		switch l.ID {
		case vault:
			l.Name = "Cellar"
		case bergen:
			l.Name = "Vault"
		}
	})
	again, err := desired.Resolve(desired.Mapping{Default: "Oslo", Mentioned: []string{"Vault"}}, targets, moved, first.Pins)
	if err != nil || again.Pins.Sources["Vault"] != vault {
		t.Fatalf("a renamed location is still the one that was meant: got %+v, %v", again.Pins, err)
	}
	want := `exclude_orders: the location "Vault" still means id:3: Katana: the location "Vault" was id:3 so far, which is called "Cellar" now, and another one has its name: write "id:3" for the former, "id:2" for the new one`
	if !slices.Equal(again.Notes, []string{want}) || again.Unfound != nil {
		t.Errorf("got %q and %q, want %q of a location that is found", again.Notes, again.Unfound, want)
	}
}

func TestKatanaLocationsThatDoNotSellAreNamed(t *testing.T) {
	resolved, err := desired.Resolve(desired.Mapping{Locations: []desired.Pair{{"Front", []string{"Fair", "Oslo"}}}, Default: "Fair"}, targets, sources, inventory.Pins{})
	if err != nil {
		t.Fatal(err)
	}
	want := `Katana does not sell from "Fair", so what lies there is not offered at "Front", "Quay", "Reopened": allow sales there in Katana, or map another location`
	if !slices.Equal(resolved.Notes, []string{want}) || resolved.Unfound != nil {
		t.Errorf("got %q and %q, want %q of locations that are found", resolved.Notes, resolved.Unfound, want)
	}
}
