package cli

import (
	"strings"
	"testing"

	"stocksyncd/systemd"
)

func TestTheUnitRunsCommandsThatThereAre(t *testing.T) {
	found := 0
	for _, line := range strings.Split(systemd.Unit(), "\n") {
		key, value, ok := strings.Cut(line, "=")
		if !ok || (key != "ExecStart" && key != "ExecReload") {
			continue
		}
		found++
		words := strings.Fields(value)[1:]
		command, rest, err := still().root().Find(words)
		if err != nil || command.Name() != words[0] {
			t.Errorf("%s: %v is no command: %v", key, words, err)
			continue
		}
		if err := command.ParseFlags(rest); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	if found != 2 {
		t.Errorf("%d commands in the unit, want ExecStart and ExecReload", found)
	}
}
