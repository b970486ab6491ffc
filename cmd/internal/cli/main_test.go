package cli

import (
	"flag"
	"fmt"
	"os"
	"strconv"
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

// cases is how many cases of a long test run: as many times more than so many as
// the property tests are asked for.
func cases(few int) int {
	checks, err := strconv.Atoi(flag.Lookup("rapid.checks").Value.String())
	if err != nil {
		return few
	}
	const usual = 100
	return few * max(checks/usual, 1)
}
