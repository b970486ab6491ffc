// Stocksyncd keeps Shopify stock equal to Katana stock. Run it without
// arguments to see its commands.
package main

import (
	"os"
	_ "time/tzdata" // a minimal system has no zone files, and schedules may name a zone

	"stocksyncd/cmd/internal/cli"
)

func main() {
	os.Exit(cli.Main(cli.Process()))
}
