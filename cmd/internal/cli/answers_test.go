package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// sentWrite is a batch as it left the daemon.
type sentWrite struct {
	at   time.Time
	key  string
	body string
}

// noting notes the batches on their way to a store.
type noting struct {
	next http.RoundTripper
	sent *[]sentWrite
}

func (n noting) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if bytes.Contains(body, []byte("inventorySetQuantities")) {
		var asked struct{ Variables struct{ Key string } }
		if err := json.Unmarshal(body, &asked); err != nil {
			return nil, err
		}
		*n.sent = append(*n.sent, sentWrite{time.Now(), asked.Variables.Key, string(body)})
	}
	return n.next.RoundTrip(r)
}

// TestEveryAnswerToABatchIsSentAgainReadBackOrPlannedAnew plays what may become of
// a batch. It is carried out once; the same key goes out only with the same batch,
// within two minutes and by the same process.
func TestEveryAnswerToABatchIsSentAgainReadBackOrPlannedAnew(t *testing.T) {
	const op = "inventorySetQuantities"
	lost := sandbox.Fault{API: "shopify/main", Op: op, Kind: sandbox.FaultResetAfter}
	lostToTheEnd := lost
	lostToTheEnd.Count = -1
	blind := sandbox.Fault{API: "shopify/main", Op: "readItems", Kind: sandbox.FaultStatus, Count: -1}
	for _, test := range []struct {
		name    string
		busy    time.Duration // that Shopify says of a key that it is in use
		sold    bool          // one is sold before the batch arrives
		faults  []sandbox.Fault
		want    inventory.Outcome
		resent  bool // within the cycle, under the same key
		restart bool
	}{
		{name: "an answer", want: inventory.Outcome{Result: inventory.Applied, Because: inventory.ReasonDrift}},
		{
			name: "a replay, once the answer was lost", faults: []sandbox.Fault{lost},
			want: inventory.Outcome{Result: inventory.Applied, Because: inventory.ReasonDrift}, resent: true,
		},
		{
			name: "a request under way, that ends", busy: 20 * time.Second, faults: []sandbox.Fault{lost},
			want: inventory.Outcome{Result: inventory.Applied, Because: inventory.ReasonDrift}, resent: true,
		},
		{
			name: "a request under way, that does not end", busy: time.Hour, faults: []sandbox.Fault{lost},
			want: inventory.Outcome{Result: inventory.Applied, Because: inventory.ReasonDrift}, resent: true,
		},
		{
			name: "a former attempt that failed", sold: true, faults: []sandbox.Fault{lost},
			want: inventory.Outcome{Result: inventory.Stale, Because: inventory.ReasonUnknown}, resent: true,
		},
		{
			name: "none, and it is read back", faults: []sandbox.Fault{lostToTheEnd},
			want: inventory.Outcome{Result: inventory.Applied, Because: inventory.ReasonDrift}, resent: true,
		},
		{
			name: "none, and it cannot be read back", faults: []sandbox.Fault{lostToTheEnd, blind},
			want: inventory.Outcome{Result: inventory.Skipped, Because: inventory.ReasonFailed}, resent: true,
		},
		{
			name: "none, and the process is another afterwards", faults: []sandbox.Fault{lostToTheEnd, blind},
			want: inventory.Outcome{Result: inventory.Skipped, Because: inventory.ReasonFailed}, resent: true, restart: true,
		},
		{
			name: "none, before it arrived", faults: []sandbox.Fault{{API: "shopify/main", Op: op, Kind: sandbox.FaultResetBefore, Count: -1}},
			want: inventory.Outcome{Result: inventory.Stale, Because: inventory.ReasonUnknown}, resent: true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := faultWorld(t, 0)
				defer w.stop()
				var sent []sentWrite
				w.noting = func(next http.RoundTripper) http.RoundTripper { return noting{next, &sent} }
				w.start()
				w.clean(reconcile.Request{})
				w.pass(w.settle)
				w.clean(reconcile.Request{})
				w.do(sandbox.KeysBusy{Store: "main", For: test.busy}, sandbox.StockAdjusted{SKU: "SKU-09", Location: "Oslo", By: "-4"})
				if test.sold {
					w.world.Inject(sandbox.Fault{API: "katana", Op: "/inventory", Kind: sandbox.FaultHookAfter, Do: func() {
						w.do(sandbox.HandEdit{Store: "main", SKU: "SKU-09", Location: "Oslo", Available: 8})
					}})
				}
				for _, fault := range test.faults {
					w.world.Inject(fault)
				}
				former := sent
				sent = nil
				before := w.world.Mutations("main")
				report := w.cycle(reconcile.Request{})
				change := report.Stores[0].Changes[0]
				if change.SKU != "SKU-09" || change.Outcome != test.want.Result || change.Reason != test.want.Because {
					t.Errorf("got %s %s of %s, want %s %s; %s", change.Outcome, change.Reason, change.SKU, test.want.Result, test.want.Because, report.Stores[0].Error)
				}
				if (len(sent) > 1) != test.resent {
					t.Errorf("the batch was sent %d times, want it again: %t", len(sent), test.resent)
				}
				over := sent[len(sent)-1].at
				w.world.ClearFaults()
				w.do(sandbox.KeysBusy{Store: "main"})
				if test.restart {
					w.start()
				}
				for range 3 {
					w.pass(w.settle)
					w.clean(reconcile.Request{})
				}
				wantOwnKeys(t, append(former, sent...), over)
				want := 1
				if test.sold { // the sale is in flight for one settle
					want = 2
				}
				if got := w.world.Mutations("main") - before; got != want {
					t.Errorf("%d batches were carried out, want %d", got, want)
				}
				if shows, _ := w.world.Available("main", "SKU-09", "Oslo"); shows != 5 {
					t.Errorf("Shopify shows %d in the end, want 5", shows)
				}
				if memory, err := w.rig.store.Store("main"); err != nil || len(memory.Open) != 0 {
					t.Errorf("%d batches are open in the end, %v", len(memory.Open), err)
				}
			})
		})
	}
}

// wantOwnKeys checks that each key stands for one batch, which went out again for
// two minutes at most and not after the cycle that first sent it.
func wantOwnKeys(t *testing.T, sent []sentWrite, over time.Time) {
	t.Helper()
	first := map[string]sentWrite{}
	for _, write := range sent {
		before, again := first[write.key]
		switch {
		case !again:
			first[write.key] = write
			if len(write.key) != 36 {
				t.Errorf("the key %q is no random UUID", write.key)
			}
		case before.body != write.body:
			t.Errorf("the key %s stands for two batches", write.key)
		case write.at.Sub(before.at) > 2*time.Minute || write.at.After(over):
			t.Errorf("the key %s was sent again after %s", write.key, write.at.Sub(before.at))
		}
	}
}
