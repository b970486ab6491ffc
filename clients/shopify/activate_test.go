package shopify

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile/inventory"
)

// activated is the answer to an activation that went through.
func activated(level string) reply {
	return ok(`{"inventoryActivate":{"inventoryLevel":` + level + `,"userErrors":[]}}`)
}

// notActivated refuses an activation in Shopify's form, which has no code.
func notActivated(message string) reply {
	return ok(`{"inventoryActivate":{"inventoryLevel":null,"userErrors":[{"field":["available"],"message":"` + message + `"}]}}`)
}

func TestAnActivationIsOneMutationThatLeavesNothingToSell(t *testing.T) {
	talk(t, always(activated(levelJSON(2, 0))), func(t *testing.T, c *Client, s *store) {
		if got, err := c.Activate(t.Context(), key(1, 2), "the-key"); got != 0 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		a := s.requests()[0]
		if !strings.Contains(a.Query, "inventoryActivate(inventoryItemId: $item, locationId: $location, available: 0) @idempotent(key: $key)") {
			t.Errorf("no figure or no idempotency directive in %s", a.Query)
		}
		var vars, want any
		a.vars(t, &vars)
		_ = json.Unmarshal([]byte(`{"item":"gid://shopify/InventoryItem/1","location":"gid://shopify/Location/2","key":"the-key","names":["available"]}`), &want)
		if diff := cmp.Diff(want, vars); diff != "" {
			t.Error(diff)
		}
	})
	// What a repeated key is answered with is what the level shows by now.
	talk(t, always(activated(levelJSON(2, 4))), func(t *testing.T, c *Client, _ *store) {
		if got, err := c.Activate(t.Context(), key(1, 2), "the-key"); got != 4 || err != nil {
			t.Errorf("got %d, %v, want the 4 that the answer shows", got, err)
		}
	})
}

func TestARefusedActivationIsTheLinesAndHasShopifysWords(t *testing.T) {
	talk(t, always(notActivated("Not allowed to set available quantity when the item is already active at the location.")), func(t *testing.T, c *Client, _ *store) {
		_, err := c.Activate(t.Context(), key(1, 2), "the-key")
		var line *inventory.LineError
		if !errors.As(err, &line) || line.Code != "" || !strings.HasPrefix(line.Message, "Not allowed to set available") {
			t.Errorf("got %v, want a refusal of the line", err)
		}
		if want := "shopify/main: activate a level: refused: Not allowed"; kind(err) != "line" || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "X-Request-Id req-1") {
			t.Errorf("got %v (%s), want %q and the request", err, kind(err), want)
		}
	})
}

func TestAnActivationThatNobodyConfirmsIsReadBack(t *testing.T) {
	level := levelJSON(2, 0)
	for name, answer := range map[string]reply{
		"no payload":             ok(`{}`),
		"no list of user errors": ok(`{"inventoryActivate":{"inventoryLevel":` + level + `}}`),
		"no level":               activated(`null`),
		"an inactive level":      activated(strings.Replace(level, `"isActive":true`, `"isActive":false`, 1)),
		"no active mark":         activated(strings.Replace(level, `"isActive":true,`, "", 1)),
		"another location":       activated(levelJSON(3, 0)),
		"a strange location":     activated(strings.Replace(level, "Location/2", "Place/2", 1)),
		"no available figure":    activated(strings.Replace(level, `"available"`, `"on_hand"`, 1)),
		"a null figure":          activated(strings.Replace(level, `"quantity":0`, `"quantity":null`, 1)),
		"data of another form":   ok(`{"inventoryActivate":7}`),
		"the connection breaks":  {cut: true, body: level},
	} {
		t.Run(name, func(t *testing.T) {
			talk(t, always(answer), func(t *testing.T, c *Client, _ *store) {
				if got, err := c.Activate(t.Context(), key(1, 2), "the-key"); kind(err) != "lost" || got != 0 {
					t.Errorf("got %d, %v (%s), want doubt", got, err, kind(err))
				}
			})
		})
	}
}

// The first try may have gone through: then the level is active by our own
// doing, and the refusal is nobody's.
func TestAnActivationThatIsRefusedAfterALostAnswerIsReadBack(t *testing.T) {
	for name, first := range map[string]reply{
		"a broken connection": {cut: true, body: `{"da`},
		"a server error":      {status: 502},
		"an internal error":   failing("INTERNAL_SERVER_ERROR", "oops"),
	} {
		t.Run(name, func(t *testing.T) {
			talk(t, inTurn(first, notActivated("Already active.")), func(t *testing.T, c *Client, s *store) {
				if _, err := c.Activate(t.Context(), key(1, 2), "the-key"); kind(err) != "lost" || !strings.Contains(err.Error(), "Already active.") {
					t.Errorf("got %v (%s), want doubt", err, kind(err))
				}
				if all := s.requests(); len(all) != 2 || all[0].body != all[1].body {
					t.Errorf("%d requests, want the same one twice", len(all))
				}
			})
		})
	}
}

func TestWhatCannotBeActivatedIsNotSent(t *testing.T) {
	foreign := key(1, 1)
	foreign.Store = "other"
	for want, call := range map[string]func(*testing.T, *Client) error{
		"no idempotency key": func(t *testing.T, c *Client) error { _, err := c.Activate(t.Context(), key(1, 1), " "); return err },
		"another store":      func(t *testing.T, c *Client) error { _, err := c.Activate(t.Context(), foreign, "k"); return err },
	} {
		talk(t, always(activated(levelJSON(1, 0))), func(t *testing.T, c *Client, s *store) {
			if err := call(t, c); err == nil || !strings.Contains(err.Error(), want) || len(s.requests()) != 0 {
				t.Errorf("got %v after %d requests, want %q after none", err, len(s.requests()), want)
			}
		})
	}
}

func TestAnActivationIsNotSentAgainLongAfterItWasDecided(t *testing.T) {
	var over chan struct{}
	talk(t, func(int, asked) reply {
		<-over // never, as far as the client can tell
		return reply{}
	}, func(t *testing.T, c *Client, s *store) {
		over = make(chan struct{})
		defer close(over)
		start := time.Now()
		_, err := c.Activate(t.Context(), key(1, 2), "the-key")
		if took := time.Since(start); kind(err) != "lost" || took > resendFor {
			t.Errorf("got %v (%s) after %s, want doubt within %s", err, kind(err), took, resendFor)
		}
	})
}

// levelOf adds a listing to the simulated store and gives the key of its level
// at a location.
func levelOf(t *testing.T, c *Client, w *sandbox.World, location string, listing sandbox.Listing) inventory.Key {
	t.Helper()
	ids, err := w.AddListing("", listing)
	if err != nil {
		t.Fatal(err)
	}
	item, err := inventory.ParseItemID(ids.Item)
	if err != nil {
		t.Fatal(err)
	}
	locations, err := c.Locations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range locations {
		if l.Name == location {
			return inventory.Key{Store: "main", Item: item, Location: l.ID}
		}
	}
	t.Fatalf("no location %s", location)
	return inventory.Key{}
}

func TestALevelOfASimulatedStoreIsActivatedWithNothingToSell(t *testing.T) {
	with := func(levels ...sandbox.Level) sandbox.Listing { return sandbox.Listing{SKU: "NEW", Levels: levels} }
	tests := map[string]struct {
		listing sandbox.Listing
		closed  bool // the location is deactivated
		kind    string
		want    sandbox.LevelFigures
	}{
		"never stocked there": {
			with(sandbox.Level{Location: "Oslo", Available: 9}), false, "", sandbox.LevelFigures{Exists: true, Active: true},
		},
		"never stocked anywhere": {with(), false, "", sandbox.LevelFigures{Exists: true, Active: true}},
		"inactive, with 7 of former days": {
			with(sandbox.Level{Location: "Bergen", Available: 7, Committed: 2, Inactive: true}), false, "",
			sandbox.LevelFigures{Committed: 2, OnHand: 2, Exists: true, Active: true},
		},
		"already active": {
			with(sandbox.Level{Location: "Bergen", Available: 7}), false, "line",
			sandbox.LevelFigures{Available: 7, OnHand: 7, Exists: true, Active: true},
		},
		"a bundle":             {sandbox.Listing{SKU: "NEW", Parts: []sandbox.Component{{SKU: "MUG-0", Quantity: 2}}}, false, "line", sandbox.LevelFigures{}},
		"an inactive location": {with(), true, "line", sandbox.LevelFigures{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			simulated(t, 1, func(t *testing.T, c *Client, w *sandbox.World) {
				key := levelOf(t, c, w, "Bergen", test.listing)
				if test.closed {
					if err := w.Do(sandbox.LocationSwitched{Location: "Bergen"}); err != nil {
						t.Fatal(err)
					}
				}
				got, err := c.Activate(t.Context(), key, "k")
				if kind(err) != test.kind || err == nil && got != 0 {
					t.Errorf("got %d, %v (%s), want %q", got, err, kind(err), test.kind)
				}
				if figures := w.Level("", "NEW", "Bergen"); figures != test.want {
					t.Errorf("the level shows %+v, want %+v", figures, test.want)
				}
			})
		})
	}
}

func TestAnItemIsNoLongerNowhereOnceItIsStocked(t *testing.T) {
	simulated(t, 1, func(t *testing.T, c *Client, w *sandbox.World) {
		at := levelOf(t, c, w, "Bergen", sandbox.Listing{SKU: "NEW"})
		nowhere := inventory.Key{Store: at.Store, Item: at.Item, Location: inventory.Nowhere}
		look := func() (shown []inventory.Level) {
			levels, err := observe(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			for _, level := range levels {
				if level.SKU == "NEW" {
					level.Variant = 0 // drawn by the store
					shown = append(shown, level)
				}
			}
			return shown
		}
		if diff := cmp.Diff([]inventory.Level{{Key: nowhere, SKU: "NEW", Unstocked: true}}, look()); diff != "" {
			t.Errorf("before: %s", diff)
		}
		if levels, err := c.Levels(t.Context(), []inventory.Key{at, nowhere}); len(levels) != 0 || err != nil {
			t.Errorf("read by key: got %v, %v, want no level", levels, err)
		}
		if _, err := c.Activate(t.Context(), at, "k"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]inventory.Level{{Key: at, SKU: "NEW", Active: true}}, look()); diff != "" {
			t.Errorf("after: %s", diff)
		}
	})
}

func TestAnActivationThatIsAnsweredAgainIsNotDoneAgain(t *testing.T) {
	simulated(t, 1, func(t *testing.T, c *Client, w *sandbox.World) {
		key := levelOf(t, c, w, "Bergen", sandbox.Listing{SKU: "NEW", Levels: []sandbox.Level{{Location: "Bergen", Available: 7, Inactive: true}}})
		before := c.Counts().Cost
		if got, err := c.Activate(t.Context(), key, "k"); got != 0 || err != nil {
			t.Fatalf("got %d, %v", got, err)
		}
		if cost := c.Counts().Cost - before; cost != 12 {
			t.Errorf("it cost %g points, want 10 for a mutation and 2 for what it gives back", cost)
		}
		if err := w.Do(sandbox.HandEdit{SKU: "NEW", Location: "Bergen", Available: 4}); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Activate(t.Context(), key, "k"); got != 4 || err != nil {
			t.Errorf("the key again: got %d, %v, want the 4 that are there by now", got, err)
		}
		if _, err := c.Activate(t.Context(), key, "another"); kind(err) != "line" {
			t.Errorf("another key: got %v (%s), want a refusal", err, kind(err))
		}
		if figures := w.Level("", "NEW", "Bergen"); figures.Available != 4 || !figures.Active {
			t.Errorf("the level shows %+v", figures)
		}
	})
}

func TestAnActivationWhoseAnswerIsLostIsAskedForAgainUnderItsKey(t *testing.T) {
	for _, count := range []int{1, -1} {
		simulated(t, 1, func(t *testing.T, c *Client, w *sandbox.World) {
			key := levelOf(t, c, w, "Bergen", sandbox.Listing{SKU: "NEW", Levels: []sandbox.Level{{Location: "Bergen", Available: 7, Inactive: true}}})
			hits := w.Inject(sandbox.Fault{API: "shopify", Op: "inventoryActivate", Kind: sandbox.FaultResetAfter, Count: count})
			got, err := c.Activate(t.Context(), key, "k")
			switch {
			case count == 1 && (err != nil || got != 0 || hits() != 1):
				t.Errorf("lost once: got %d, %v after %d faults, want the replay's answer", got, err, hits())
			case count == -1 && (kind(err) != "lost" || hits() < 2):
				t.Errorf("lost for ever: got %v (%s) after %d faults, want doubt", err, kind(err), hits())
			}
			if figures := w.Level("", "NEW", "Bergen"); figures.Available != 0 || !figures.Active {
				t.Errorf("the level shows %+v, want it active with nothing to sell", figures)
			}
		})
	}
}

// The same key is under way for as long as Shopify says so: UserError has no
// code that would tell, and the level must be read.
func TestAnActivationThatIsStillUnderWayIsReadBack(t *testing.T) {
	simulated(t, 1, func(t *testing.T, c *Client, w *sandbox.World) {
		key := levelOf(t, c, w, "Bergen", sandbox.Listing{SKU: "NEW"})
		if err := w.Do(sandbox.KeysBusy{For: time.Minute}); err != nil {
			t.Fatal(err)
		}
		w.Inject(sandbox.Fault{API: "shopify", Op: "inventoryActivate", Kind: sandbox.FaultResetAfter})
		if _, err := c.Activate(t.Context(), key, "k"); kind(err) != "lost" {
			t.Errorf("got %v (%s), want doubt", err, kind(err))
		}
	})
}
