package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestTheRulesOfAConfigMakeItsFigures(t *testing.T) {
	b := settled(t)
	text, err := os.ReadFile(b.configPath())
	if err != nil {
		t.Fatal(err)
	}
	rules := `    rules:
      - { sku: "MUG-*", buffer: 2 }
      - { sku: CAP-RED, max: 12 }
      - { sku: TEE-M, skip: true }
      - { sku: "*", min_to_sell: 99 }
    locations:
`
	if err := os.WriteFile(b.configPath(), bytes.Replace(text, []byte("    locations:\n"), []byte(rules), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := b.expect(exitDone, "once", "--full")
	b.available("MUG-BLUE", "Oslo", 8)
	b.available("CAP-RED", "Oslo", 12)
	b.available("CAP-RED", "Bergen", 12)
	b.available("TEE-M", "Oslo", 20)
	if !strings.Contains(out, "2 skipped by a rule") {
		t.Errorf("stdout %q", out)
	}
}
