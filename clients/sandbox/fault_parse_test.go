package sandbox

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestAFaultIsReadFromALine(t *testing.T) {
	for _, tc := range []struct {
		line string
		want Fault
	}{
		{"hang any", Fault{Kind: FaultHang}},
		{"status katana", Fault{API: "katana", Kind: FaultStatus}},
		{"status katana /inventory status=503 times=3 wait=90s", Fault{API: "katana", Op: "/inventory", Kind: FaultStatus, Count: 3, Status: 503, Wait: 90 * time.Second}},
		{"reset-after shopify/main inventorySetQuantities after=2", Fault{API: "shopify/main", Op: "inventorySetQuantities", Kind: FaultResetAfter, After: 2}},
		{"throttle shopify times=always chance=0.25 seed=7", Fault{API: "shopify", Kind: FaultThrottle, Count: -1, Chance: 0.25, Seed: 7}},
		{"  short-page   katana  /variants\trows=2 ", Fault{API: "katana", Op: "/variants", Kind: FaultShortPage, Rows: 2}},
	} {
		t.Run(tc.line, func(t *testing.T) {
			got, err := ParseFault(tc.line)
			if err != nil || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %+v, %v, want %+v", got, err, tc.want)
			}
			again, err := ParseFault(got.String())
			if err != nil || !reflect.DeepEqual(again, got) {
				t.Errorf("%q comes back as %+v, %v", got.String(), again, err)
			}
		})
	}
}

func TestABrokenFaultLineSaysWhatIsWrong(t *testing.T) {
	const kinds = "cut-json, hang, hang-after, malformed, missing-rows, reset-after, reset-before, short-page, status, throttle, truncate"
	for _, tc := range []struct{ line, want string }{
		{"", `want ` + faultForm},
		{"hang", `want ` + faultForm},
		{"explode katana", `"explode" is not a kind of fault: use one of ` + kinds},
		{"hook-before katana", `"hook-before" is not a kind of fault: use one of ` + kinds},
		{"hang shopfy", `unknown api "shopfy": want katana, shopify/STORE, shopify or any`},
		{"hang shopify/", `unknown api "shopify/": want katana, shopify/STORE, shopify or any`},
		{"hang wait=1s", `unknown api "wait=1s": want katana, shopify/STORE, shopify or any`},
		{"hang katana /inventory now", `"now" is not KEY=VALUE: want ` + faultForm},
		{"hang katana wait=1s wait=2s", `wait is given twice`},
		{"hang katana status=500", `hang does not take "status": use one of after, times, chance, seed, wait`},
		{"hang katana wait=1", `wait=1: want a duration above zero, such as 500ms or 5s`},
		{"hang katana wait=-1s", `wait=-1s: want a duration above zero, such as 500ms or 5s`},
		{"status katana status=200", `status=200: want a whole number from 400 to 599`},
		{"status katana after=-1", `after=-1: want a whole number from 0 to 1000000000`},
		{"status katana times=0", `times=0: want a whole number from 1 to 1000000000`},
		{"status katana chance=0", `chance=0: want a probability above 0 and up to 1, such as 0.1`},
		{"status katana chance=NaN", `chance=NaN: want a probability above 0 and up to 1, such as 0.1`},
		{"status katana seed=-1", `seed=-1: want a whole number`},
		{"short-page katana rows=0", `rows=0: want a whole number from 1 to 1000000`},
	} {
		t.Run(tc.line, func(t *testing.T) {
			got, err := ParseFault(tc.line)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %+v and\n%v, want\n%s", got, err, tc.want)
			}
		})
	}
}

func FuzzParseFault(f *testing.F) {
	f.Add("status katana /inventory status=503 times=3 wait=90s")
	f.Add("throttle shopify times=always chance=0.25 seed=7")
	f.Add("short-page shopify/main Variants rows=2 after=1")
	f.Add(strings.Repeat("hang ", 100))
	f.Fuzz(func(t *testing.T, line string) {
		fault, err := ParseFault(line)
		if err != nil {
			if len(err.Error()) > 1000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		again, err := ParseFault(fault.String())
		if err != nil || !reflect.DeepEqual(again, fault) {
			t.Errorf("%q was read as %+v, which comes back as %+v, %v", line, fault, again, err)
		}
	})
}
