package guard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stocksyncd/reconcile/inventory"
)

// A second writer is found by what it does: a level leaves the figure that we
// wrote, in the same way each time, and neither Katana nor an order has a part
// in it.
const (
	// Rounds is how often that is, within Quiet, before it is reported.
	Rounds = 3
	// UnitRounds is how often where one unit more was found each time: that may
	// be a customer's return, put back on the shelf before Katana knows of it, and
	// several of one product come back on the same day.
	UnitRounds = 6
	// Quiet is how long a level must keep what is written before nothing speaks
	// against it any more.
	Quiet = time.Hour
	// Pace is the least time between a write and a reduction of a level that
	// something else writes too.
	Pace = 10 * time.Minute
)

// Sight is a look at a level that was written within the last [Window].
type Sight struct {
	SKU      inventory.SKU
	Location string
	Wrote    inventory.Written // the last write
	// Before and Was are what it showed and should have shown when it was last
	// looked at, Shows and Desired the same now.
	Before, Was    inventory.Units
	Shows, Desired inventory.Units
	Own            inventory.Units // sold here, and not yet in Katana
}

// Watched is what is known of the levels of a store that may have a second
// writer.
type Watched struct {
	Rivals []inventory.Rival // sorted by key
	Sights []Sight           // no level twice
	// Heard tells whether Katana has told of the SKU since a time: a change of
	// its stock or an order.
	Heard  func(sku inventory.SKU, since time.Time) bool
	Now    time.Time
	Settle time.Duration
}

// Watch counts the rounds that the sights show, and ends what has been quiet for
// long enough. done are the levels of whose last write all is known now.
//
// A round is a figure of ours that did not last, though what the level should
// show is what was written, as it was at the look before, and Katana has told of
// nothing since:
//
//	written 7, found 9               a sale does not raise a level
//	written 7 over 5, found 5 again  once no unit is taken for sold here any more
//
// Any other fall may be a sale, and is none. Rounds speak for a second writer
// only while the same figure is written and the same one found; whatever Katana
// tells of the SKU meanwhile explains them all. So a product that is sold every
// minute is never under suspicion, but neither is its second writer found: one
// that writes a whole store is found where nothing is sold.
func Watch(in Watched) (rivals []inventory.Rival, done []inventory.Key) {
	known := make(map[inventory.Key]inventory.Rival, len(in.Rivals))
	for _, r := range in.Rivals {
		if r = in.aged(r); len(r.Rounds) > 0 {
			known[r.Key] = r
		}
	}
	for _, s := range in.Sights {
		r, was := known[s.Wrote.Key]
		if in.explains(s) {
			if was && r.Since.IsZero() {
				delete(known, s.Wrote.Key)
			}
			done = append(done, s.Wrote.Key)
			continue
		}
		if s.round() && !s.Wrote.Done {
			known[s.Wrote.Key] = in.count(r, s)
			done = append(done, s.Wrote.Key)
		}
	}
	for _, r := range known {
		rivals = append(rivals, r)
	}
	slices.SortFunc(rivals, func(a, b inventory.Rival) int { return a.Key.Compare(b.Key) })
	return rivals, done
}

// aged drops what speaks for a second writer no more: where a fall counts only
// once its units are not taken for sold any more, rounds are further apart.
func (in *Watched) aged(r inventory.Rival) inventory.Rival {
	quiet := max(Quiet, (Rounds+1)*in.Settle)
	switch {
	case !r.Since.IsZero():
		if in.Now.Sub(r.Last) >= quiet {
			r.Rounds = nil
		}
	case in.Heard(r.SKU, r.Last):
		r.Rounds = nil
	default:
		r.Rounds = slices.DeleteFunc(slices.Clone(r.Rounds), func(round inventory.Round) bool { return in.Now.Sub(round.Seen) >= quiet })
	}
	return r
}

// explains tells whether Katana has a part in what the level shows.
func (in *Watched) explains(s Sight) bool {
	return s.Was != s.Wrote.To || s.Desired != s.Wrote.To || in.Heard(s.SKU, s.Wrote.At)
}

// round tells whether the level has left what was written in a way that no sale
// explains.
func (s *Sight) round() bool {
	if s.Shows > s.Wrote.To {
		return s.Before == s.Wrote.To
	}
	return s.Shows < s.Wrote.To && s.Shows == s.Wrote.From && s.Own == 0
}

// count takes a round in, and reports a level that has had enough of them.
func (in *Watched) count(r inventory.Rival, s Sight) inventory.Rival {
	r.Key, r.SKU, r.Location, r.Last = s.Wrote.Key, s.SKU, s.Location, in.Now
	if !r.Since.IsZero() {
		return r
	}
	r.Wrote = s.Wrote.At
	round := inventory.Round{Written: s.Wrote.To, At: s.Wrote.At, Found: s.Shows, Seen: in.Now}
	r.Rounds = slices.DeleteFunc(slices.Clone(r.Rounds), func(other inventory.Round) bool {
		return other.Written != round.Written || other.Found != round.Found
	})
	r.Rounds = append(r.Rounds, round)
	enough := Rounds
	if round.Found == round.Written+1 {
		enough = UnitRounds
	}
	if len(r.Rounds) >= enough {
		r.Since = in.Now
	}
	return r
}

// Stays tells whether a level that something else writes too must not be written
// now. What lowers it goes on, in moderation: too much on offer is oversold.
func Stays(r *inventory.Rival, raise bool, now time.Time) bool {
	return !r.Since.IsZero() && (raise || now.Sub(r.Wrote) < Pace)
}

// Evidence says what was written and what was found instead.
func Evidence(r *inventory.Rival) string {
	var b strings.Builder
	for i, round := range r.Rounds {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "written %d at %s, found %d at %s", round.Written, round.At.UTC().Format(time.TimeOnly), round.Found, round.Seen.UTC().Format(time.TimeOnly))
	}
	if n := len(r.Rounds); n > 0 {
		fmt.Fprintf(&b, " (UTC, %s)", r.Rounds[n-1].Seen.UTC().Format(time.DateOnly))
	}
	return b.String()
}

// RivalNext is what an operator can do about a second writer.
const RivalNext = "switch off stock sync in Katana's Shopify integration, or look for another app that writes this store's stock, or for orders that reach Katana later than sync.settle"
