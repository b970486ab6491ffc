package desired

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"stocksyncd/reconcile/inventory"
)

// Mapping is one store's location mapping as the config writes it.
type Mapping struct {
	Locations []Pair
	Default   string // Katana location of the Shopify locations not named; "" leaves them alone
	// Mentioned are Katana locations that the store's config names elsewhere, in
	// the orders that it excludes.
	Mentioned []string
}

// Pair maps one Shopify location to the Katana locations that feed it.
type Pair struct {
	Target  string   // the Shopify location's name, or gid://shopify/Location/N
	Sources []string // names of Katana locations, or id:N; several are summed
}

// Feed says where the stock of one Shopify location comes from.
type Feed struct {
	Name    string                       // the Shopify location's name
	Sources []inventory.SourceLocationID // sorted; summed; empty, never nil, when Left
	Closed  []inventory.SourceLocationID // mapped to it as well, but Katana does not sell from them
	Named   bool                         // the mapping names it; it does not just follow the default
	Left    inventory.Reason             // not "": its levels are left alone
}

// Feeds is a mapping resolved to ids, one entry for every Shopify location.
type Feeds map[inventory.LocationID]Feed

// Resolved is a mapping with its names looked up.
type Resolved struct {
	Feeds Feeds
	Pins  inventory.Pins // what the names mean; to be given to the next [Resolve]
	Notes []string       // what somebody may want to mend
	// Unfound are those of the notes that are about a name that means nothing.
	Unfound []string
}

// MappingError lists everything that keeps a mapping from being resolved.
type MappingError struct{ Problems []string }

func (e *MappingError) Error() string { return "locations: " + strings.Join(e.Problems, "; ") }

// Resolve looks the names of a mapping up on both sides. A name that is
// unknown, stands twice, or no longer means the location that it meant before
// is an error that names the choice: a guess would write one location's stock
// to another. pins is what the last Resolve gave; empty is no memory.
//
// Locations that the mapping does not name follow its default, except inactive
// ones and those of fulfilment services, whose stock is not ours to set. What
// lies at a Katana location that does not sell is not counted, as Katana's own
// integration does not offer such a location.
func Resolve(m Mapping, targets []inventory.Location, sources []inventory.SourceLocation, pins inventory.Pins) (Resolved, error) {
	r := resolver{targets: targets, sources: sources, before: pins}
	named := map[inventory.LocationID][]inventory.SourceLocationID{}
	for _, pair := range m.Locations {
		target, ok := r.target(pair.Target)
		if !ok {
			continue
		}
		if _, twice := named[target.ID]; twice {
			r.problem("Shopify location %q is mapped twice; take one of its lines out", target.Name)
		}
		if len(pair.Sources) == 0 {
			// Not the default: whoever names a location means something else.
			r.problem("Shopify location %q is mapped to no Katana location; name one, or take its line out", target.Name)
		}
		named[target.ID] = r.feed(pair.Sources)
	}
	var fallback []inventory.SourceLocationID
	if m.Default != "" {
		fallback = r.feed([]string{m.Default})
	}
	r.mention(m.Mentioned)
	if len(r.problems) > 0 {
		return Resolved{}, &MappingError{Problems: r.problems}
	}
	feeds := make(Feeds, len(targets))
	for _, target := range targets {
		feeds[target.ID] = r.feedOf(target, named[target.ID], fallback)
	}
	r.noteClosed(feeds)
	return Resolved{Feeds: feeds, Pins: r.pins, Notes: r.notes, Unfound: r.unfound}, nil
}

// feedOf is the feed of one Shopify location, named in the mapping or not.
func (r *resolver) feedOf(target inventory.Location, named, fallback []inventory.SourceLocationID) Feed {
	feed := Feed{Name: target.Name, Named: len(named) > 0}
	switch {
	case !target.Active:
		feed.Left = inventory.ReasonInactiveLocation
	case feed.Named:
		feed.Sources, feed.Closed = r.selling(named)
	case target.FulfillmentService:
		feed.Left = inventory.ReasonFulfillment
	case len(fallback) > 0:
		feed.Sources, feed.Closed = r.selling(fallback)
	default:
		feed.Left = inventory.ReasonUnmapped
	}
	if feed.Left == "" && len(feed.Sources) == 0 {
		feed.Left = inventory.ReasonNoSales
	}
	if feed.Left != "" {
		// Known to draw on nothing, which is not the same as not known: what such a
		// level loses is no sale of Katana's stock.
		feed.Sources = []inventory.SourceLocationID{}
	}
	return feed
}

// selling parts the locations that Katana sells from from the others.
func (r *resolver) selling(ids []inventory.SourceLocationID) (open, closed []inventory.SourceLocationID) {
	for _, id := range ids {
		if source, ok := r.source(id); ok && !source.SalesAllowed {
			closed = append(closed, id)
		} else {
			open = append(open, id)
		}
	}
	return open, closed
}

// noteClosed says which Katana locations are mapped and do not sell.
func (r *resolver) noteClosed(feeds Feeds) {
	fed := map[inventory.SourceLocationID][]string{}
	for _, feed := range feeds {
		for _, id := range feed.Closed {
			fed[id] = append(fed[id], fmt.Sprintf("%q", feed.Name))
		}
	}
	for _, source := range r.sources {
		if names := fed[source.ID]; len(names) > 0 {
			slices.Sort(names)
			r.notes = append(r.notes, fmt.Sprintf("Katana does not sell from %q, so what lies there is not offered at %s: allow sales there in Katana, or map another location",
				source.Name, strings.Join(names, ", ")))
		}
	}
}

// resolver looks names up and collects what is wrong with them.
type resolver struct {
	targets  []inventory.Location
	sources  []inventory.SourceLocation
	before   inventory.Pins
	pins     inventory.Pins
	problems []string
	notes    []string
	unfound  []string
}

// problem notes what is wrong, once: a name that stands in two lines is one
// mistake.
func (r *resolver) problem(format string, args ...any) {
	if said := fmt.Sprintf(format, args...); !slices.Contains(r.problems, said) {
		r.problems = append(r.problems, said)
	}
}

func (r *resolver) source(id inventory.SourceLocationID) (inventory.SourceLocation, bool) {
	i := slices.IndexFunc(r.sources, func(l inventory.SourceLocation) bool { return l.ID == id })
	if i < 0 {
		return inventory.SourceLocation{}, false
	}
	return r.sources[i], true
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
	names := make([]candidate, len(found))
	for i, l := range found {
		names[i] = candidate{l.ID.String(), l.Name}
	}
	pinned := candidate{}
	if id, ok := r.before.Targets[name]; ok {
		pinned.id = id.String()
		for _, l := range r.targets {
			if l.ID == id {
				pinned.name = l.Name
			}
		}
	}
	if said := choose("Shopify", name, names, pinned); said != "" {
		if len(found) == 0 && pinned.id == "" {
			said += "; it has " + listed(r.targets, func(l inventory.Location) candidate { return candidate{l.ID.String(), l.Name} })
		}
		r.problem("%s", said)
		return inventory.Location{}, false
	}
	if r.pins.Targets == nil {
		r.pins.Targets = map[string]inventory.LocationID{}
	}
	r.pins.Targets[name] = found[0].ID
	return found[0], true
}

// find finds a Katana location by id or by name; what keeps it from being
// found is said, not noted.
func (r *resolver) find(name string) (id inventory.SourceLocationID, said string) {
	if id, err := inventory.ParseSourceLocationID(name); err == nil {
		if _, there := r.source(id); there {
			return id, ""
		}
	}
	var found []candidate
	for _, l := range r.sources {
		if l.Name == name {
			found, id = append(found, candidate{l.ID.String(), l.Name}), l.ID
		}
	}
	pinned := candidate{}
	if before, ok := r.before.Sources[name]; ok {
		pinned.id = before.String()
		if l, there := r.source(before); there {
			pinned.name = l.Name
		}
	}
	if said = choose("Katana", name, found, pinned); said != "" {
		if len(found) == 0 && pinned.id == "" {
			said += "; it has " + listed(r.sources, func(l inventory.SourceLocation) candidate { return candidate{l.ID.String(), l.Name} })
		}
		return 0, said
	}
	r.pin(name, id)
	return id, ""
}

func (r *resolver) pin(name string, id inventory.SourceLocationID) {
	if r.pins.Sources == nil {
		r.pins.Sources = map[string]inventory.SourceLocationID{}
	}
	r.pins.Sources[name] = id
}

// feed finds the Katana locations that feed one Shopify location.
func (r *resolver) feed(names []string) []inventory.SourceLocationID {
	var ids []inventory.SourceLocationID
	for _, name := range names {
		id, said := r.find(name)
		if said != "" {
			r.problem("%s", said)
			continue
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// mention pins the names of locations that orders are excluded by. One that
// cannot be found excludes nothing: too little is offered then, never too much.
// A renamed one is still meant.
func (r *resolver) mention(names []string) {
	for _, name := range names {
		id, said := r.find(name)
		if said == "" {
			continue
		}
		if before, ok := r.before.Sources[name]; ok {
			r.pin(name, before) // also when it is gone: whatever takes its name is not meant
			if _, there := r.source(before); there {
				id = before
			}
		}
		effect := "excludes no order"
		if id != 0 {
			effect = "still means " + id.String()
		}
		note := fmt.Sprintf("exclude_orders: the location %q %s: %s", name, effect, said)
		r.notes = append(r.notes, note)
		if id == 0 {
			r.unfound = append(r.unfound, note)
		}
	}
}

// candidate is a location that a name may mean.
type candidate struct{ id, name string }

// choose says what is wrong with a name that found names, and pinned (its id is
// "" without a pin, its name when it is gone); "" when nothing is.
func choose(side, name string, found []candidate, pinned candidate) string {
	meant := fmt.Sprintf("the location %q was %s so far, which is called %q now", name, pinned.id, pinned.name)
	if pinned.name == "" {
		meant = fmt.Sprintf("the location %q was %s so far, which is gone", name, pinned.id)
	}
	switch {
	case len(found) > 1:
		var ids []string
		for _, one := range found {
			ids = append(ids, strconv.Quote(one.id))
		}
		return fmt.Sprintf("%s has %d locations named %q; write the one that is meant by its id: %s", side, len(found), name, strings.Join(ids, " or "))
	case len(found) == 0 && pinned.id == "":
		return fmt.Sprintf("%s has no location %q", side, name)
	case len(found) == 0 && pinned.name == "":
		return fmt.Sprintf("%s: %s: map another one", side, meant)
	case len(found) == 0:
		return fmt.Sprintf("%s: %s: if it is still meant, write its new name, or %q", side, meant, pinned.id)
	case pinned.id == "" || pinned.id == found[0].id:
		return ""
	case pinned.name == "":
		return fmt.Sprintf("%s: %s, and another one has its name: if that is meant, write %q", side, meant, found[0].id)
	}
	return fmt.Sprintf("%s: %s, and another one has its name: write %q for the former, %q for the new one", side, meant, pinned.id, found[0].id)
}

// listed gives the names of the locations that there are, each with the id that
// can stand for it.
func listed[T any](all []T, location func(T) candidate) string {
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = fmt.Sprintf("%q (%s)", location(one).name, location(one).id)
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
