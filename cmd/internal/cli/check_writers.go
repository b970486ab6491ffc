package cli

import (
	"fmt"

	"stocksyncd/reconcile/guard"
	"stocksyncd/reconcile/inventory"
)

// checkWriters says whether something else writes a store's stock: Katana's own
// sync, or another app. Only cycles find that out, by the figures of theirs that
// do not last, so this tells what they remember.
func (c *checker) checkWriters(name string, store inventory.StoreName) finding {
	rivals := c.rivals[store]
	reported := contested(rivals)
	switch {
	case c.rivals == nil:
		return pass(name, "not known before a cycle has written something")
	case len(rivals) == 0:
		return pass(name, "none was noticed in the last hour")
	case len(reported) == 0:
		return pass(name, fmt.Sprintf("%s left what was written, not often enough to tell", count(len(rivals), "level has", "levels have")))
	}
	one := &reported[0]
	f := finding{Name: name, Next: guard.RivalNext + "; a quiet hour ends it, or at once: stocksyncd release " + one.Key.String()}
	f.Detail = fmt.Sprintf("something else writes %s, such as %s at %s: %s", count(len(reported), "level", "levels"), quoteCell(string(one.SKU)), quoteCell(one.Location), guard.Evidence(one))
	return f
}
