package shopify

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain gives the property tests one seed unless another is asked for, so
// that a run can be repeated.
func TestMain(m *testing.M) {
	flag.Parse()
	if seed := flag.Lookup("rapid.seed"); seed.Value.String() == "0" {
		if err := seed.Value.Set("1"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}
