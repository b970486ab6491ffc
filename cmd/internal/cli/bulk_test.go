package cli

import (
	"strings"
	"testing"
	"time"

	"stocksyncd/clients/sandbox"
)

func TestAStoreIsReadByABulkQueryAboveTheConfigsNumberOfVariants(t *testing.T) {
	for limit, bulk := range map[string]bool{"3": true, "4": false} { // the store has 4
		b := newBench(t)
		b.edit("settle: 10m", "settle: 10m, bulk_above: "+limit)
		started := b.world.Inject(sandbox.Fault{Op: "bulkOperationRunQuery", Kind: sandbox.FaultHookAfter, Do: func() { b.pass(time.Minute) }})
		code, out, log := b.run("plan", "--full", "--output", "json")
		if code != exitDone || (started() == 1) != bulk || !strings.Contains(out, `"levels": 6`) {
			t.Errorf("bulk_above %s: exit code %d, %d bulk queries\n%s%s", limit, code, started(), out, log)
		}
		secretFree(t, "what the command prints", out+log)
	}
}
