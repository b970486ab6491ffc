package cli

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/configs"
	"stocksyncd/reconcile/inventory"
	"stocksyncd/state"
)

// told is what a daemon answers, as it goes over the socket.
type told struct {
	Levels []inventory.Explanation  `json:"levels,omitempty"`
	Error  string                   `json:"error,omitempty"`
	Other  *daemon.OtherConfigError `json:"other_config,omitempty"`
	Status *daemon.Status           `json:"status,omitempty"`
}

// answering is a bench whose state file a daemon holds, which answers every
// question with the same; asked is what it was asked.
func answering(t *testing.T, answer told) (b *bench, asked *[]daemon.ExplainAsk) {
	t.Helper()
	b = newBench(t)
	store, err := state.Open(filepath.Join(b.dir, "state.db"), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "unix", filepath.Join(b.dir, "state.db.sock"))
	if err != nil {
		t.Fatal(err)
	}
	asked = &[]daemon.ExplainAsk{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /explain", func(w http.ResponseWriter, r *http.Request) {
		var ask daemon.ExplainAsk
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
			t.Error(err)
		}
		*asked = append(*asked, ask)
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		if err := json.NewEncoder(w).Encode(told{Status: answer.Status}); err != nil {
			t.Error(err)
		}
	})
	server := &http.Server{Handler: mux}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, asked
}

// found is a SKU at two locations of main, and in no other store.
func found(t *testing.T) []inventory.Explanation {
	t.Helper()
	all := samples(t)
	shop, market := *all["capped"], *all["waiting"]
	market.LocationID, market.Location = 43, "Market"
	return []inventory.Explanation{shop, market}
}

func TestTheDaemonExplainsWhatItsLastCycleRead(t *testing.T) {
	b, asked := answering(t, told{Levels: found(t)})
	out, log := b.expect(exitDone, "explain", " MUG-BLUE ", "--store", "main")
	for _, want := range []string{"MUG-BLUE at Shop location, store main (apply): shows 7, as it should", "MUG-BLUE at Market"} {
		if !strings.Contains(out, want) {
			t.Errorf("stdout lacks %q:\n%s", want, out)
		}
	}
	if log != "" {
		t.Errorf("stderr %q, want nothing", log)
	}
	b.expect(exitDone, "explain", "MUG-BLUE", "--fresh")
	cfg, err := configs.Load(b.configPath())
	if err != nil {
		t.Fatal(err)
	}
	want := []daemon.ExplainAsk{
		{Config: cfg.Digest(), SKU: "MUG-BLUE", Store: "main"}, {Config: cfg.Digest(), SKU: "MUG-BLUE", Fresh: true},
	}
	if !reflect.DeepEqual(*asked, want) {
		t.Errorf("the daemon was asked %+v, want %+v", *asked, want)
	}
}

func TestAnExplanationInJSONIsTheWholeOfIt(t *testing.T) {
	levels := found(t)
	others := []inventory.Explanation{{Store: "outlet", SKU: "MUG-BLUE"}, {Store: "wholesale", SKU: "MUG-BLUE", Near: []inventory.NearMiss{{Shopify: "Mug-Blue", Katana: "MUG-BLUE"}}}}
	b, _ := answering(t, told{Levels: append(levels, others...)})
	out, _ := b.expect(exitDone, "explain", "MUG-BLUE", "--output", "json")
	var got explained
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	want := explained{
		SKU: "MUG-BLUE", Levels: levels,
		Notes: []string{"Not in outlet, wholesale. Close to it there: Mug-Blue."},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	out, _ = b.expect(exitDone, "explain", "MUG-BLUE")
	if text := "\n\nNote: " + want.Notes[0] + "\n"; !strings.HasSuffix(out, text) {
		t.Errorf("got\n%swant it to end with %q", out, text)
	}
}

func TestOnlyTheStoresThatAnsweredAreSaidToLackASKU(t *testing.T) {
	const failed = "store market: the shop is frozen"
	for _, test := range []struct {
		answered []inventory.StoreName
		want     string
	}{
		{[]inventory.StoreName{"outlet"}, `no Shopify variant of store outlet has the SKU "MUG-BLUE"; upper and lower case, spaces and dashes count`},
		{[]inventory.StoreName{"outlet", "wholesale"}, `no Shopify variant of the stores outlet, wholesale has the SKU "MUG-BLUE"; upper and lower case, spaces and dashes count`},
	} {
		var levels []inventory.Explanation
		for _, store := range test.answered {
			levels = append(levels, inventory.Explanation{Store: store, SKU: "MUG-BLUE"})
		}
		b, _ := answering(t, told{Levels: levels, Error: failed})
		if _, log := b.expect(exitFailed, "explain", "MUG-BLUE"); !strings.Contains(log, failed) || !strings.Contains(log, test.want) {
			t.Errorf("stderr %q, want %q and %q", log, failed, test.want)
		}
		out, _ := b.expect(exitFailed, "explain", "MUG-BLUE", "--output", "json")
		var got explained
		if err := json.Unmarshal([]byte(out), &got); err != nil || !reflect.DeepEqual(got.Notes, []string{failed, test.want}) {
			t.Errorf("%v: notes %q", err, got.Notes)
		}
	}
}

func TestALocationIsNamedOrNumbered(t *testing.T) {
	b, _ := answering(t, told{Levels: found(t)})
	for _, location := range []string{"Market", " market", "gid://shopify/Location/43", "43"} {
		out, _ := b.expect(exitDone, "explain", "MUG-BLUE", "--location", location)
		if !strings.Contains(out, "at Market") || strings.Contains(out, "Shop location") {
			t.Errorf("--location %s: want Market alone:\n%s", location, out)
		}
	}
	_, log := b.expect(exitUsage, "explain", "MUG-BLUE", "--location", "4")
	if want := "it has one at Shop location (42), Market (43)"; !strings.Contains(log, want) {
		t.Errorf("stderr %q, want %q", log, want)
	}
}

func TestASKUThatNoStoreHas(t *testing.T) {
	near := []inventory.NearMiss{{Shopify: "MUG-BLUE", Katana: "MUG-BLUE"}, {Shopify: "Mug-Blue"}}
	katana := []inventory.MatchedVariant{{ID: 71001, Archived: true}}
	for _, test := range []struct {
		name   string
		args   []string
		answer told
		want   string
	}{
		{"nothing comes close", nil, told{}, `no Shopify variant has the SKU "mug-blue"; upper and lower case, spaces and dashes count`},
		{"only this store was asked", []string{"--store", "main"}, told{}, `no Shopify variant of store main has the SKU "mug-blue"; upper`},
		{
			"others come close", nil, told{Levels: []inventory.Explanation{{Store: "main", Near: near}, {Store: "outlet", Near: near}}},
			`no Shopify variant has the SKU "mug-blue"; close to it: MUG-BLUE, Mug-Blue`,
		},
		{
			"Katana has it", nil, told{Levels: []inventory.Explanation{{Store: "main", Katana: katana}, {Store: "outlet", Katana: katana}}},
			`no Shopify variant has the SKU "mug-blue"; Katana has it as variant 71001 (archived)`,
		},
	} {
		b, _ := answering(t, test.answer)
		args := append([]string{"explain", "mug-blue"}, test.args...)
		out, log := b.expect(exitFailed, args...)
		if out != "" || !strings.Contains(log, test.want) {
			t.Errorf("%s: stdout %q, stderr %q, want %q", test.name, out, log, test.want)
		}
		out, _ = b.expect(exitFailed, append(args, "--output", "json")...)
		var got explained
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("%s: %v in\n%s", test.name, err, out)
		}
		if len(got.Levels) != 0 || len(got.Notes) != 1 || !strings.Contains(got.Notes[0], test.want) {
			t.Errorf("%s: JSON %+v, want the sentence as its note", test.name, got)
		}
	}
}

func TestAStoreThatIsDownKeepsNoLevelOfAnotherBack(t *testing.T) {
	b, _ := answering(t, told{Levels: found(t), Error: "store outlet: the shop is frozen"})
	out, log := b.expect(exitFailed, "explain", "MUG-BLUE")
	if !strings.Contains(out, "MUG-BLUE at Shop location") || !strings.Contains(log, "store outlet: the shop is frozen") {
		t.Errorf("stdout %q\nstderr %q, want the levels of main and why outlet has none", out, log)
	}
	out, _ = b.expect(exitFailed, "explain", "MUG-BLUE", "--output", "json")
	var got explained
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Levels) != 2 || !reflect.DeepEqual(got.Notes, []string{"store outlet: the shop is frozen"}) {
		t.Errorf("%v: %s, want why outlet has none among the notes", err, out)
	}
	if _, log := b.expect(exitFailed, "explain", "MUG-BLUE", "--location", "Elsewhere"); !strings.Contains(log, "frozen") {
		t.Errorf("stderr %q, want that the store may have the location", log)
	}
	b, _ = answering(t, told{Error: "katana: 401 Unauthorized"})
	if _, log := b.expect(exitFailed, "explain", "MUG-BLUE"); !strings.Contains(log, "katana: 401") || strings.Contains(log, "no Shopify variant") {
		t.Errorf("stderr %q, want what failed and no more", log)
	}
}

func TestACycleUnderWayIsSaidBeforeTheAnswer(t *testing.T) {
	const said = "A cycle is under way; the answer comes after it.\n"
	b, _ := answering(t, told{Levels: found(t), Status: &daemon.Status{Running: &daemon.Running{Busy: inventory.Full}}})
	if _, log := b.expect(exitDone, "explain", "MUG-BLUE"); log != said {
		t.Errorf("stderr %q, want %q", log, said)
	}
	b, _ = answering(t, told{Levels: found(t), Status: &daemon.Status{Running: &daemon.Running{}}})
	if _, log := b.expect(exitDone, "explain", "MUG-BLUE"); log != "" {
		t.Errorf("stderr %q between two cycles, want nothing", log)
	}
}

func TestADaemonOfAnotherConfigFileIsNotAskedToReload(t *testing.T) {
	refused := &daemon.OtherConfigError{Path: "/etc/stocksyncd/config.yaml"}
	b, _ := answering(t, told{Error: refused.Error(), Other: refused, Status: &daemon.Status{Path: refused.Path, Running: &daemon.Running{PID: 7}}})
	_, log := b.expect(exitUsage, "explain", "MUG-BLUE")
	want := "the daemon that holds DIR/state.db runs /etc/stocksyncd/config.yaml, not DIR/stocksyncd.yaml; name that one with --config, or give this one a state.path of its own\n"
	if got := b.plain(log); got != "stocksyncd: "+want {
		t.Errorf("stderr %q, want %q", got, want)
	}
	if out, _ := b.expect(exitFailed, "check"); !strings.Contains(b.plain(out), "✗ state file: "+want) {
		t.Errorf("check says\n%swant %q", out, want)
	}
}

func TestADaemonThatHasNotReadAnEditIsToBeReloaded(t *testing.T) {
	refused := &daemon.OtherConfigError{}
	b, _ := answering(t, told{Other: refused})
	refused.Path = b.configPath()
	if _, log := b.expect(exitFailed, "explain", "MUG-BLUE"); !strings.Contains(log, "run `stocksyncd reload` first") {
		t.Errorf("stderr %q, want the next step", log)
	}
}

func TestAnUnknownStoreIsNotAskedFor(t *testing.T) {
	b, asked := answering(t, told{})
	if _, log := b.expect(exitUsage, "explain", "MUG-BLUE", "--store", "outlet"); !strings.Contains(log, "it has main") || len(*asked) > 0 {
		t.Errorf("stderr %q and %d questions, want the stores there are", log, len(*asked))
	}
}

func TestWithoutADaemonBothSidesAreReadAndThatIsSaid(t *testing.T) {
	const said = "No daemon runs, so both sides are read for this question."
	b := newBench(t)
	if _, _, log := b.run("explain", "MUG-BLUE"); strings.Count(log, said) != 1 {
		t.Errorf("stderr %q, want %q once", log, said)
	}
	if _, _, log := b.run("explain", "MUG-BLUE", "--fresh"); strings.Contains(log, said) {
		t.Errorf("stderr %q, want nothing of what was asked for", log)
	}
}
