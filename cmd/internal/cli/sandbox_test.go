package cli

import (
	"context"
	"strings"
	"testing"

	"stocksyncd/clients/sandbox"
	"stocksyncd/configs"
)

func TestASandboxTakesEventsAndFaultsWhileItRuns(t *testing.T) {
	b := newBench(t)
	ctx, stop := context.WithCancel(t.Context())
	address, serve, err := listenWorld(ctx, b.world, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- serve() }()

	if out, _ := b.expect(exitDone, "sandbox", "event", "adjust sku=MUG-BLUE location=Oslo by=-3", "--to", address); out != "Done: 1 line.\n" {
		t.Errorf("stdout %q", out)
	}
	if got, _, _ := b.world.KatanaFigures("MUG-BLUE", "Oslo"); got != "7" {
		t.Errorf("in stock %s, want 7", got)
	}
	if _, log := b.expect(exitFailed, "sandbox", "event", "explode", "--to", address); !strings.Contains(log, "is not an event") {
		t.Errorf("stderr %q, want what an event is", log)
	}
	b.expect(exitDone, "sandbox", "fault", "status katana /locations status=503", "--to", address)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, log := b.expect(exitFailed, "sandbox", "event", "adjust", "--to", address); !strings.Contains(log, "start it with `stocksyncd sandbox`") {
		t.Errorf("stderr %q, want the next step", log)
	}
}

func TestASandboxIsForLoopbackOnly(t *testing.T) {
	b := newBench(t)
	for _, listen := range []string{"0.0.0.0:9471", ":9471", "192.0.2.1:9471", "nonsense"} {
		if _, _, err := listenWorld(t.Context(), b.world, listen); err == nil {
			t.Errorf("%s was taken", listen)
		}
	}
}

func TestTheDaemonsOfTwoSandboxesDoNotContendForAPort(t *testing.T) {
	for address, want := range map[string]string{
		sandboxListen: "127.0.0.1:9470", "127.0.0.1:9472": "127.0.0.1:10472", "[::1]:40435": "[::1]:41435", "127.0.0.1:65000": "127.0.0.1:64000",
	} {
		if got, err := sandboxPage(address); err != nil || got != want {
			t.Errorf("a sandbox at %s: the status page is at %s, %v; want %s", address, got, err, want)
		}
	}
}

func TestTheSandboxsConfigIsValidAndMapsEveryLocation(t *testing.T) {
	b := newBench(t)
	text := sandboxConfig(b.world, "127.0.0.1:9471", sandboxTuning{mode: "apply", schedule: "@every 30s", settle: "1m", state: "./sandbox.db", perMinute: 60})
	cfg, err := configs.Parse("sandbox.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if got := cfg.Stores[0].Locations; len(got) != 2 || got[0].Shopify != "Oslo" || got[0].Katana[0] != "Oslo" {
		t.Errorf("locations %+v, want both, each from its namesake", got)
	}
	export := "Handle,Title,Option1 Value,Variant SKU,Variant Inventory Qty\nmug,Mug,Blue,MUG,4\n"
	w, err := sandbox.FromCSV(sandbox.Options{}, "export.csv", strings.NewReader(export))
	if err != nil {
		t.Fatal(err)
	}
	if cfg, err = configs.Parse("sandbox.yaml", []byte(sandboxConfig(w, "127.0.0.1:9471", sandboxTuning{mode: "apply", schedule: "@every 30s", settle: "1m", state: "./s.db", perMinute: 60}))); err != nil {
		t.Fatal(err)
	}
	if got := cfg.Stores[0].Locations[0]; got.Shopify != "Shop location" || got.Katana[0] != "Main warehouse" {
		t.Errorf("location %+v, want the export's two places", got)
	}
}
