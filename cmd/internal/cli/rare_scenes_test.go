package cli

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// rareScene is a situation in which the program asks what no ordinary cycle
// asks, in the shops of a faultWorld that are in step.
type rareScene struct {
	api, op string
	when    string // it is asked
	main    sandbox.StoreOptions
	bulk    int
	bound   bool
	has     func(w *whole)                 // nil, or gives the shops what they have besides
	kind    inventory.Kind                 // of the cycle that asks it
	command func(w *whole) (string, error) // or what a command that asks it prints
	happens func(w *whole)                 // nil, or what happens before it
	most    time.Duration                  // that it may take; 0 is rareMost
}

// rareMost is how long a cycle may take in which one operation fails.
const rareMost = 10 * time.Minute

// rareSlice is of how many plays one is played where not all are. It shares no
// factor with the columns of the table, so that what is played lies in all of
// them.
const rareSlice = 7

var rareScenes = []rareScene{
	{api: "katana", op: "/factory", when: "bound", bound: true, kind: inventory.Incremental, happens: (*whole).start},
	{api: "shopify/main", op: "readIdentity", when: "bound", bound: true, kind: inventory.Incremental, happens: (*whole).start},
	{api: "shopify/main", op: "readIdentity", when: "check", command: (*whole).checked},
	{api: "shopify/main", op: "readScopes", when: "check", command: (*whole).checked},
	{api: "shopify/main", op: "readScopes", when: "sales", kind: inventory.Full},
	{api: "shopify/main", op: "readListings", when: "export", command: (*whole).exported},
	{api: "shopify/main", op: "access_token", when: "first", main: granted, kind: inventory.Incremental, happens: (*whole).start},
	{api: "shopify/main", op: "access_token", when: "renewed", main: granted, kind: inventory.Full, happens: func(w *whole) { w.pass(20 * time.Hour) }},
	{api: "shopify/main", op: "access_token", when: "expired", main: granted, kind: inventory.Full, happens: func(w *whole) { w.pass(25 * time.Hour) }},
	{api: "shopify/main", op: "access_token", when: "revoked", main: granted, kind: inventory.Incremental, happens: func(w *whole) { w.do(sandbox.TokenRevoked{Store: "main"}) }},
	{api: "shopify/main", op: "readEdits", when: "many edited", kind: inventory.Incremental, happens: manyEdited},
	{api: "shopify/main", op: "readItemLevels", when: "many places", has: manyPlaces, kind: inventory.Incremental, happens: widelyEdited},
	{api: "shopify/main", op: "readParts", when: "large order", has: threePlaces, kind: inventory.Full, happens: largeOrder},
	{api: "shopify/main", op: "readPartLines", when: "large order", has: threePlaces, kind: inventory.Full, happens: largeOrder},
	{api: "shopify/main", op: "readRefunds", when: "large order", has: threePlaces, kind: inventory.Full, happens: largeOrder},
	{api: "shopify/main", op: "readRefundLines", when: "large order", has: threePlaces, kind: inventory.Full, happens: largeOrder},
	{api: "shopify/main", op: "cancelBulk", when: "given up", main: sandbox.StoreOptions{BulkTakes: 3 * time.Hour}, bulk: 1, kind: inventory.Full, most: 20 * time.Minute},
}

// manyEdited edits all variants, and adds more than a glance tells of at once.
func manyEdited(w *whole) {
	for i := range inventory.BatchSize + 10 {
		gift := fmt.Sprintf("GIFT-%03d", i)
		if _, err := w.world.AddListing("main", sandbox.Listing{SKU: gift, Product: gift}); err != nil {
			w.t.Fatal(err)
		}
	}
	for i := range 12 {
		sku := fmt.Sprintf("SKU-%02d", i)
		w.do(sandbox.TrackingSwitched{Store: "main", SKU: sku}, sandbox.TrackingSwitched{Store: "main", SKU: sku, On: true})
	}
}

// manyPlaces stocks a SKU at more locations than a restarted program asks for.
func manyPlaces(w *whole) {
	levels := []sandbox.Level{{Location: "Oslo", Available: 30}}
	for i := range 12 {
		levels = append(levels, sandbox.Level{Location: fmt.Sprint("Pop-up ", i), Available: 5})
		if _, err := w.world.AddStoreLocation("main", sandbox.StoreLocation{Name: levels[i+1].Location}); err != nil {
			w.t.Fatal(err)
		}
	}
	_, err := w.world.AddProduct(sandbox.Product{Name: "WIDE", Variants: []sandbox.Variant{{SKU: "WIDE", Stock: map[string]string{"Oslo": "30"}}}})
	if err == nil {
		_, err = w.world.AddListing("main", sandbox.Listing{SKU: "WIDE", Product: "WIDE", Levels: levels})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func widelyEdited(w *whole) {
	w.do(
		sandbox.TrackingSwitched{Store: "main", SKU: "WIDE"}, sandbox.TrackingSwitched{Store: "main", SKU: "WIDE", On: true},
		sandbox.HandEdit{Store: "main", SKU: "WIDE", Location: "Oslo", Available: 44},
	)
	w.start()
}

// threePlaces has three locations of the first store sell what is in Oslo.
func threePlaces(w *whole) {
	mapping := desired.Mapping{Locations: []desired.Pair{{Target: "Oslo", Sources: []string{"Oslo"}}}}
	for _, name := range []string{"Shed", "Barn"} {
		if _, err := w.world.AddStoreLocation("main", sandbox.StoreLocation{Name: name, Katana: "Oslo"}); err != nil {
			w.t.Fatal(err)
		}
		mapping.Locations = append(mapping.Locations, desired.Pair{Target: name, Sources: []string{"Oslo"}})
	}
	for i := range 16 { // enough for a large order
		sku := fmt.Sprintf("SKU-%02d", i)
		if i >= 12 {
			_, err := w.world.AddProduct(sandbox.Product{Name: sku, Variants: []sandbox.Variant{{SKU: sku}}})
			if err == nil {
				_, err = w.world.AddListing("main", sandbox.Listing{SKU: sku, Product: sku, Levels: []sandbox.Level{{Location: "Oslo"}}})
			}
			if err != nil {
				w.t.Fatal(err)
			}
		}
		w.do(sandbox.StockAdjusted{SKU: sku, Location: "Oslo", By: "20"})
	}
	w.stores[0].Mapping = mapping
	w.start()
}

// largeOrder places an order that does not reach Katana: three locations fulfil
// it, one of them 11 lines, and of its refunds the last has as many. It leaves
// alone what drifts.
func largeOrder(w *whole) {
	lines := func(quantity string, numbers ...int) (list []sandbox.Line) {
		for _, i := range numbers {
			list = append(list, sandbox.Line{SKU: fmt.Sprintf("SKU-%02d", i), Quantity: quantity})
		}
		return list
	}
	many := []int{2, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	w.do(
		sandbox.OrderPlaced{Store: "main", Order: "#1", Location: "Oslo", Lines: lines("8", append([]int{0, 1}, many...)...), Import: sandbox.Import{Never: true}},
		sandbox.OrderMoved{Store: "main", Order: "#1", Location: "Shed", Lines: lines("8", 0)},
		sandbox.OrderMoved{Store: "main", Order: "#1", Location: "Barn", Lines: lines("8", 1)},
	)
	for i := range 3 {
		w.do(sandbox.OrderRefunded{Store: "main", Order: "#1", Lines: lines("1", many[i]), Restock: true})
	}
	w.do(sandbox.OrderRefunded{Store: "main", Order: "#1", Lines: lines("1", many...), Restock: true})
}

// checked is what check says of the first store.
func (w *whole) checked() (string, error) {
	w.rig.config = w.printed()
	ctx := w.t.Context()
	sources, err := w.rig.katana.Locations(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	c := &checker{a: &app{Env: Env{Now: time.Now}, color: "never"}, rig: w.rig, locations: sources}
	c.catalogue = sync.OnceValues(func() ([]inventory.SourceVariant, error) { return w.rig.katana.Catalogue(ctx) })
	known := make(chan struct{})
	close(known)
	findings := c.checkStore(ctx, w.rig.config.Stores[0], known)
	var failed []error
	for _, f := range findings {
		if !f.OK {
			failed = append(failed, errors.New(f.Name+": "+f.Detail))
		}
	}
	var text bytes.Buffer
	failed = append(failed, c.a.writeFindings(&text, findings))
	return text.String(), errors.Join(failed...)
}

// exported is the export of the first store.
func (w *whole) exported() (string, error) {
	ctx := w.t.Context()
	figures, err := w.rig.reconciler.Figures(ctx, "main")
	if err != nil {
		return "", err
	}
	listings, err := w.rig.shops["main"].Listings(ctx)
	if err != nil {
		return "", err
	}
	rows, moved := exportRows(figures.Levels, listings)
	var text bytes.Buffer
	_, err = inventoryCSV(&text, rows)
	return fmt.Sprint(moved, text.String()), err
}
