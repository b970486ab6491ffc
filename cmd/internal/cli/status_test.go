package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"stocksyncd/cmd/internal/daemon"
	"stocksyncd/reconcile/inventory"
)

func TestStatusSaysHowOldTheOldestFiguresAreAndWhichStoreIsMistrusted(t *testing.T) {
	for _, test := range []struct {
		name string
		read time.Time
		look *inventory.LookReport
		want string
	}{
		{
			"in the middle of a sweep", noon.Add(-65*time.Minute - 20*time.Second), &inventory.LookReport{Oldest: noon.Add(-13 * time.Minute), Missed: 1, Trusted: true},
			"The oldest figure of Katana was read 1h5m ago.\n\nmain (apply): 6 figures, 6 in step, 0 drifted, 0 written, 0 waiting, 0 held, 0 refused\n  the oldest level was read 13m ago\n",
		},
		{
			"a store that keeps changes to itself", noon.Add(-2 * time.Hour), &inventory.LookReport{Oldest: noon.Add(-time.Minute), Missed: 3},
			"was read 2h ago.\n\nmain (apply): 6 figures, 6 in step, 0 drifted, 0 written, 0 waiting, 0 held, 0 refused\n  the oldest level was read 1m ago; all are read in turn, since the store does not tell of all that changes in it (3 times it did not)\n",
		},
		{
			"all was read just now", noon, &inventory.LookReport{Whole: true, Oldest: noon, Trusted: true},
			"The oldest figure of Katana was read less than a minute ago.\n\nmain (apply): 6 figures, 6 in step, 0 drifted, 0 written, 0 waiting, 0 held, 0 refused\n  the oldest level was read less than a minute ago\n",
		},
		{
			"nothing was read yet", time.Time{}, nil,
			"took 0s.\n\nmain (apply): 6 figures, 6 in step, 0 drifted, 0 written, 0 waiting, 0 held, 0 refused\n",
		},
	} {
		var out strings.Builder
		a := still()
		a.Stdout = &out
		report := &inventory.Report{Cycle: 4, Kind: inventory.Incremental, Started: noon, OldestRead: test.read, Stores: []inventory.StoreReport{{Name: "main", Levels: 6, InStep: 6, Look: test.look}}}
		if err := a.writeStatus(&out, &daemon.Status{Last: report, Stores: []daemon.StoreStatus{{Name: "main", Mode: inventory.ModeApply}}}); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); !strings.HasSuffix(got, test.want) {
			t.Errorf("%s: status says\n%swant at its end\n%s", test.name, got, test.want)
		}
	}
}

func TestTheJSONOfStatusSaysWhenTheOldestFiguresWereRead(t *testing.T) {
	b := settled(t)
	out, _ := b.expect(exitDone, "status", "--output", "json")
	var status struct {
		Last struct {
			OldestRead time.Time `json:"oldest_read"`
			Stores     []struct {
				Look struct {
					Oldest  time.Time `json:"oldest"`
					Trusted bool      `json:"trusted"`
				} `json:"look"`
			} `json:"stores"`
		} `json:"last"`
	}
	if err := json.Unmarshal([]byte(out), &status); err != nil || len(status.Last.Stores) != 1 {
		t.Fatalf("%v in\n%s", err, out)
	}
	if look := status.Last.Stores[0].Look; !status.Last.OldestRead.Equal(noon) || !look.Oldest.Equal(noon) || !look.Trusted {
		t.Errorf("got %+v, want both read at %s, and a store that is trusted:\n%s", status.Last, noon, out)
	}
}

func TestStatusSaysHowOftenALevelWasRefusedAndWhenItIsTriedAgain(t *testing.T) {
	var out strings.Builder
	a := still()
	q := inventory.Quarantined{Key: inventory.Key{Store: "main", Item: 1, Location: 2}, SKU: "MUG", Detail: "INVALID_LOCATION: gone", Count: 2, Until: noon.Add(time.Hour)}
	rested := q
	rested.SKU, rested.Count, rested.Until = "CAP", 1, noon.Add(-time.Minute)
	status := &daemon.Status{Stores: []daemon.StoreStatus{{Name: "main", Mode: inventory.ModeApply, Quarantine: []inventory.Quarantined{q, rested}}}}
	if err := a.writeStatus(&out, status); err != nil {
		t.Fatal(err)
	}
	want := "  MUG is in quarantine until 13:00:00 UTC, refused 2 times: INVALID_LOCATION: gone. Let it go: stocksyncd release main/1/2\n" +
		"  CAP is out of quarantine since 11:59:00 UTC and is tried again when it needs a write; refused 1 time so far: INVALID_LOCATION: gone. Forget that: stocksyncd release main/1/2\n"
	if got := out.String(); !strings.HasSuffix(got, want) {
		t.Errorf("status says\n%swant at its end\n%s", got, want)
	}
}
