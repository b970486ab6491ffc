package desired

import (
	"fmt"
	"slices"
	"strings"

	"stocksyncd/reconcile/inventory"
)

// Mapping is one store's location mapping as the config writes it.
type Mapping struct {
	Locations []Pair
	Default   string // Katana location of the Shopify locations not named; "" leaves them alone
}

// Pair maps one Shopify location to the Katana locations that feed it.
type Pair struct {
	Target  string   // the Shopify location's name, or gid://shopify/Location/N
	Sources []string // names of Katana locations; several are summed
}

// Feed says where the stock of one Shopify location comes from.
type Feed struct {
	Name    string                       // the Shopify location's name
	Sources []inventory.SourceLocationID // sorted; summed; empty, never nil, when Left
	Left    inventory.Reason             // not "": its levels are left alone
}

// Feeds is a mapping resolved to ids, one entry for every Shopify location.
type Feeds map[inventory.LocationID]Feed

// MappingError lists everything that keeps a mapping from being resolved.
type MappingError struct{ Problems []string }

func (e *MappingError) Error() string { return "locations: " + strings.Join(e.Problems, "; ") }

// Resolve looks the names of a mapping up on both sides. A name that is
// unknown or stands twice is an error: a guess would write one location's
// stock to another.
//
// Locations that the mapping does not name follow its default, except inactive
// ones and those of fulfilment services, whose stock is not ours to set.
func Resolve(m Mapping, targets []inventory.Location, sources []inventory.SourceLocation) (Feeds, error) {
	r := resolver{targets: targets, sources: sources}
	named := map[inventory.LocationID][]inventory.SourceLocationID{}
	for _, pair := range m.Locations {
		target, ok := r.target(pair.Target)
		if !ok {
			continue
		}
		if _, twice := named[target.ID]; twice {
			r.problem("Shopify location %q is mapped twice", target.Name)
		}
		if len(pair.Sources) == 0 {
			// Not the default: whoever names a location means something else.
			r.problem("Shopify location %q is mapped to no Katana location", target.Name)
		}
		named[target.ID] = r.feed(pair.Sources)
	}
	var fallback []inventory.SourceLocationID
	if m.Default != "" {
		fallback = r.feed([]string{m.Default})
	}
	if len(r.problems) > 0 {
		return nil, &MappingError{Problems: r.problems}
	}
	feeds := make(Feeds, len(targets))
	for _, target := range targets {
		feeds[target.ID] = feedOf(target, named[target.ID], fallback)
	}
	return feeds, nil
}

func feedOf(target inventory.Location, named, fallback []inventory.SourceLocationID) Feed {
	feed := Feed{Name: target.Name, Sources: named}
	switch {
	case !target.Active:
		feed.Left = inventory.ReasonInactiveLocation
	case len(named) > 0:
	case target.FulfillmentService:
		feed.Left = inventory.ReasonFulfillment
	case len(fallback) > 0:
		feed.Sources = fallback
	default:
		feed.Left = inventory.ReasonUnmapped
	}
	if feed.Left != "" {
		// Known to draw on nothing, which is not the same as not known: what such a
		// level loses is no sale of Katana's stock.
		feed.Sources = []inventory.SourceLocationID{}
	}
	return feed
}

type resolver struct {
	targets  []inventory.Location
	sources  []inventory.SourceLocation
	problems []string
}

func (r *resolver) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

// target finds a Shopify location by id or by name. Shopify keeps names unique
// among active locations only, so an active one wins over inactive namesakes.
func (r *resolver) target(name string) (inventory.Location, bool) {
	var active, inactive []inventory.Location
	for _, l := range r.targets {
		switch {
		case l.ID.String() == name:
			return l, true
		case l.Name == name && l.Active:
			active = append(active, l)
		case l.Name == name:
			inactive = append(inactive, l)
		}
	}
	found := active
	if len(found) == 0 {
		found = inactive
	}
	switch len(found) {
	case 1:
		return found[0], true
	case 0:
		r.problem("Shopify has no location %q; it has %s", name, listed(r.targets, func(l inventory.Location) string { return l.Name }))
	default:
		r.problem("Shopify has %d locations named %q; write the one that is meant by its id, such as %q", len(found), name, found[0].ID)
	}
	return inventory.Location{}, false
}

func (r *resolver) feed(names []string) []inventory.SourceLocationID {
	var ids []inventory.SourceLocationID
	for _, name := range names {
		var found []inventory.SourceLocationID
		for _, l := range r.sources {
			if l.Name == name {
				found = append(found, l.ID)
			}
		}
		switch len(found) {
		case 1:
			ids = append(ids, found[0])
		case 0:
			r.problem("Katana has no location %q; it has %s", name, listed(r.sources, func(l inventory.SourceLocation) string { return l.Name }))
		default:
			r.problem("Katana has %d locations named %q; rename one of them in Katana", len(found), name)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func listed[T any](all []T, name func(T) string) string {
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = fmt.Sprintf("%q", name(one))
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Sources lists the Katana locations that any of the feeds draws on, sorted.
func (f Feeds) Sources() []inventory.SourceLocationID {
	var ids []inventory.SourceLocationID
	for _, feed := range f {
		ids = append(ids, feed.Sources...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
