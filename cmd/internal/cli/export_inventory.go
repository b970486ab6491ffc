package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"stocksyncd/reconcile/inventory"
)

// inventoryHeader is the first line of Shopify's inventory CSV with all
// states. What an import does with the columns, by
// https://help.shopify.com/en/manual/products/inventory/setup/inventory-csv:
//
//	Handle, Option1 to 3 Value   find the variant; the first two are required
//	Location                     required, letter for letter, capitals too
//	Title, Option Names, SKU     for the reader; an import does not change them
//	HS Code, COO, Bin name       are taken over
//	… (not editable)             are ignored
//	On hand (current)            a row whose on-hand figure is another one by now is not
//	                             imported, and a mail says so; an empty cell skips the check
//	On hand (new)                a whole number of either sign, or "not stocked"; an empty
//	                             cell changes nothing
//
// Rows may be left out, and a file may have 15 MB. What an empty HS Code, COO
// or Bin name does is not said there; nor is what On hand (current) is to hold
// for an item that is not stocked: notStocked is what Shopify's exports show.
var inventoryHeader = []string{
	"Handle", "Title", "Option1 Name", "Option1 Value", "Option2 Name", "Option2 Value", "Option3 Name", "Option3 Value",
	"SKU", "HS Code", "COO", "Location", "Bin name",
	"Incoming (not editable)", "Unavailable (not editable)", "Committed (not editable)", "Available (not editable)",
	"On hand (current)", "On hand (new)",
}

// Of the text columns, an import needs these, and takes no notice of those.
var (
	neededColumns = []string{"Handle", "Option1 Value", "Location"}
	shownColumns  = []string{"Title", "SKU"}
)

const (
	// mostUnits is the largest figure that Shopify takes, of either sign.
	mostUnits inventory.Units = 1_000_000_000
	// mostOptions is how many options a product of Shopify's can have.
	mostOptions = 3
	// notStocked stands for the figures of an item that is not stocked at the
	// location.
	notStocked = "not stocked"
)

// exportRow is one level and the figure that it is to show.
type exportRow struct {
	inventory.Listing
	LocationName string
	Figure       inventory.Units
}

// exportRows joins what levels are to show with how Shopify lists them. A level
// that is left alone has no row, nor has one whose figure must wait: by hand it
// would offer what is sold as well as by the daemon. One whose stock moved between the two reads has
// none either: what Shopify has committed by now may be the sale that the figure
// does not know, and adding it would offer the unit again.
func exportRows(figures []inventory.LevelFigure, listings []inventory.Listing) (rows []exportRow, moved []leftOut) {
	at := make(map[inventory.Key]inventory.Listing, len(listings))
	item := make(map[inventory.ItemID]inventory.Listing, len(listings))
	for _, listing := range listings {
		at[listing.Key] = listing
		if _, known := item[listing.Item]; !known {
			item[listing.Item] = listing
		}
	}
	for _, figure := range figures {
		if figure.Left != "" {
			continue
		}
		listing, stocked := at[figure.Key]
		switch {
		case figure.Waits != "":
			moved = append(moved, leftOut{SKU: figure.SKU, Location: figure.Location, Why: figure.Why})
			continue
		case stocked && listing.Available != figure.Observed:
			moved = append(moved, leftOut{SKU: figure.SKU, Location: figure.Location, Why: "its stock moved while it was read; export again"})
			continue
		case !stocked: // never stocked there: the item's own words, and no figures
			other := item[figure.Item]
			listing = inventory.Listing{
				Key: figure.Key, Variant: other.Variant, SKU: figure.SKU, Handle: other.Handle, Title: other.Title, Options: other.Options, HSCode: other.HSCode, Origin: other.Origin,
			}
		}
		rows = append(rows, exportRow{Listing: listing, LocationName: figure.Location, Figure: figure.Target})
	}
	return rows, moved
}

// inventoryCSV writes levels as Shopify's inventory CSV.
//
// A row that would not be imported as it is meant is left out and noted: an
// apostrophe in a handle, an option or a location makes it another one, and one
// in an HS code would be taken over into Shopify. In a title or SKU it does no
// harm.
func inventoryCSV(w io.Writer, rows []exportRow) (exportNotes, error) {
	if err := distinctLocations(rows); err != nil {
		return exportNotes{}, err
	}
	s, err := newSheet(w, inventoryHeader)
	if err != nil {
		return exportNotes{}, err
	}
	for i := range rows {
		r := &rows[i]
		figures, why := r.figures()
		if why == "" {
			why = r.unfit()
		}
		if why != "" {
			s.notes.LeftOut = append(s.notes.LeftOut, leftOut{r.SKU, r.LocationName, why})
			continue
		}
		var cells []string
		for _, text := range r.texts() {
			cells = append(cells, s.text(text))
		}
		if err := s.add(append(cells, figures...)); err != nil {
			return exportNotes{}, err
		}
	}
	return s.end("Import it in Shopify's admin: Products > Inventory > Import.")
}

// distinctLocations refuses names that stand for several locations: an import
// goes by the name alone.
func distinctLocations(rows []exportRow) error {
	ids := map[string]inventory.LocationID{}
	var twice []string
	for i := range rows {
		r := &rows[i]
		if id, ok := ids[r.LocationName]; !ok {
			ids[r.LocationName] = r.Location
		} else if name := quoteCell(r.LocationName); id != r.Location && !slices.Contains(twice, name) {
			twice = append(twice, name)
		}
	}
	if len(twice) == 0 {
		return nil
	}
	slices.Sort(twice)
	return fmt.Errorf("several locations of the store go by the name %s, and an import would mix them up: rename them in Shopify, then export again", strings.Join(twice, ", "))
}

// texts are the cells up to Bin name, which no API says.
func (r *exportRow) texts() []string {
	var options [mostOptions]inventory.Option
	copy(options[:], r.Options)
	cells := []string{r.Handle, r.Title}
	for _, o := range options {
		cells = append(cells, o.Name, o.Value)
	}
	return append(cells, string(r.SKU), r.HSCode, r.Origin, r.LocationName, "")
}

// unfit says why a row cannot be in the file; "" when it can.
func (r *exportRow) unfit() string {
	if len(r.Options) > mostOptions {
		return fmt.Sprintf("it has %d options, and the file has columns for %d", len(r.Options), mostOptions)
	}
	for i, text := range r.texts() {
		column := inventoryHeader[i]
		switch {
		case text == "" && slices.Contains(neededColumns, column):
			return column + " is empty, and an import goes by it"
		case safeCell(text) != text && !slices.Contains(shownColumns, column):
			return fmt.Sprintf("%s %s looks like a formula or holds a control character, and would not be imported as it is: change it in Shopify",
				column, quoteCell(text))
		}
	}
	return ""
}

// figures are the cells from Incoming on, or why there are none.
func (r *exportRow) figures() (cells []string, why string) {
	after, ok := r.onHand()
	if !ok {
		return nil, fmt.Sprintf("%d and what is committed or unavailable are more on hand than the %d that Shopify takes", r.Figure, mostUnits)
	}
	available, current := figureCell(r.Available), figureCell(r.OnHand)
	if !r.Active {
		available, current = notStocked, notStocked
	}
	return []string{figureCell(r.Incoming), figureCell(r.Unavailable), figureCell(r.Committed), available, current, figureCell(after)}, ""
}

// onHand is what has to be on hand for the figure to be available.
//
// It stays right when somebody buys before the import: then more is committed
// and the same is on hand, so that much less is available. Once that order is
// shipped less is on hand, and the check of On hand (current) stops the row.
func (r *exportRow) onHand() (sum inventory.Units, ok bool) {
	for _, u := range []inventory.Units{r.Figure, r.Committed, r.Unavailable} {
		if u < -mostUnits || u > mostUnits {
			return 0, false
		}
	}
	sum = r.Figure + r.Committed + r.Unavailable // far from what 64 bits hold
	return sum, sum >= -mostUnits && sum <= mostUnits
}

func figureCell(u inventory.Units) string { return strconv.FormatInt(int64(u), 10) }
