package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile/inventory"
)

// childHold holds a file until it is killed.
func childHold(path string) {
	s, err := Open(path, Options{Now: clock})
	childMust(err)
	forGood := make(chan os.Signal, 1)
	signal.Notify(forGood, os.Interrupt)
	fmt.Println("held")
	<-forGood
	childMust(s.Close())
}

func wantLocked(t *testing.T, path string, opts Options) {
	t.Helper()
	opts.Timeout = 30 * time.Millisecond
	_, err := Open(path, opts)
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Path != path {
		t.Fatalf("got %v, want LockedError", err)
	}
	if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "stocksyncd status") {
		t.Errorf("error %q lacks the file or the next step", err)
	}
}

func TestASecondProcessIsToldWhoHoldsTheFile(t *testing.T) {
	path := newPath(t)
	cmd, lines := child(t, "hold", path)
	if !lines.Scan() {
		t.Fatal("the other process does not hold the file")
	}
	wantLocked(t, path, Options{})
	wantLocked(t, path, Options{ReadOnly: true})
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
	mustClose(t, mustOpen(t, path))
}

func TestTheSameProcessCannotHoldAFileTwice(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	wantLocked(t, path, Options{})
	wantLocked(t, path, Options{ReadOnly: true})
	mustClose(t, s)
	mustClose(t, mustOpen(t, path))
}

func TestReadersShareAFileAndKeepWritersOut(t *testing.T) {
	path := newPath(t)
	mustClose(t, mustOpen(t, path))
	one := mustOpenWith(t, path, Options{ReadOnly: true})
	two := mustOpenWith(t, path, Options{ReadOnly: true})
	wantLocked(t, path, Options{})
	mustClose(t, one)
	mustClose(t, two)
	mustClose(t, mustOpen(t, path))
}

func TestOneWhoWaitedDoesNotTakeTheFileThatWasSetAside(t *testing.T) {
	path := newPath(t)
	first := mustOpen(t, path)
	type opened struct {
		s   *Store
		err error
	}
	waiter := make(chan opened)
	go func() {
		s, err := Open(path, Options{Now: clock, Timeout: 20 * time.Second})
		waiter <- opened{s, err}
	}()
	must(t, os.Rename(path, path+".corrupt"))
	mustClose(t, first)
	got := <-waiter
	must(t, got.err)
	defer mustClose(t, got.s)
	if !isAt(got.s.file, path) {
		t.Error("the file that is held is not the one at the path")
	}
}

func TestARefusedOpenGivesTheLockBack(t *testing.T) {
	path := newPath(t)
	must(t, os.WriteFile(path, []byte(strings.Repeat("text", 100)), 0o600))
	for range 2 {
		if _, err := Open(path, Options{Timeout: 30 * time.Millisecond}); !errors.Is(err, ErrNotState) {
			t.Fatalf("got %v, want ErrNotState", err)
		}
	}
}

func TestAFileIsTiedToItsAccountAndShops(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	first := Lineage{Katana: "factory-1", Stores: map[inventory.StoreName]string{"main": "shop-1"}}
	must(t, s.Bind(first))
	must(t, s.Bind(first))
	must(t, s.Bind(Lineage{Stores: map[inventory.StoreName]string{"outlet": "shop-2"}}))     // a new one
	must(t, s.Bind(Lineage{Katana: "", Stores: map[inventory.StoreName]string{"main": ""}})) // could not be asked
	must(t, s.Bind(Lineage{Katana: "factory-1", Stores: map[inventory.StoreName]string{}}))  // one that the config lost
	mustClose(t, s)

	s = mustOpen(t, path)
	defer mustClose(t, s)
	want := Lineage{Katana: "factory-1", Stores: map[inventory.StoreName]string{"main": "shop-1", "outlet": "shop-2"}}
	for _, test := range []struct {
		name string
		now  Lineage
		what string
	}{
		{"another account", Lineage{Katana: "factory-2"}, "the Katana account"},
		{"another shop", Lineage{Katana: "factory-1", Stores: map[inventory.StoreName]string{"new": "shop-3", "main": "shop-2"}}, "store main"},
	} {
		err := s.Bind(test.now)
		var foreign *ForeignError
		if !errors.As(err, &foreign) || foreign.What != test.what {
			t.Errorf("%s: got %v, want ForeignError about %s", test.name, err, test.what)
			continue
		}
		if strings.Count(err.Error(), path) != 1 || !strings.Contains(err.Error(), "state.path") {
			t.Errorf("%s: error %q lacks the file or the next step", test.name, err)
		}
		got, err := s.Lineage()
		must(t, err)
		same(t, test.name, got, want)
	}
}

func TestALookComparesTheAccountsAndTiesNothing(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	must(t, s.Bind(Lineage{Katana: "location:1"}))
	mustClose(t, s)
	reader := mustOpenWith(t, path, Options{ReadOnly: true})
	defer mustClose(t, reader)
	var foreign *ForeignError
	if err := reader.Bind(Lineage{Katana: "location:2"}); !errors.As(err, &foreign) {
		t.Errorf("got %v, want ForeignError", err)
	}
	must(t, reader.Bind(Lineage{Katana: "location:1", Stores: map[inventory.StoreName]string{"main": "gid://shopify/Shop/1"}}))
	if got, err := reader.Lineage(); err != nil || got.Stores["main"] != "" {
		t.Errorf("got %+v, %v, want a store that is still to be tied", got, err)
	}
}

func TestAFileThatIsNotThereRemembersNothing(t *testing.T) {
	path := newPath(t)
	s := Blank(path)
	kept, err := s.Store("main")
	if err != nil || len(kept.Levels) > 0 || len(kept.Open) > 0 {
		t.Errorf("of a store: got %+v, %v", kept, err)
	}
	if source, err := s.Source(); err != nil || !reflect.DeepEqual(source, inventory.SourceMemory{}) {
		t.Errorf("of Katana: got %+v, %v", source, err)
	}
	if writes, err := s.Writes(inventory.Key{Store: "main", Item: 1, Location: 2}); err != nil || writes != nil {
		t.Errorf("of a level: got %v, %v", writes, err)
	}
	if last, err := s.Last(); err != nil || last != nil {
		t.Errorf("of cycles: got %v, %v", last, err)
	}
	if _, err := s.Report(1); !errors.Is(err, ErrNoCycle) {
		t.Errorf("of a cycle: got %v, want ErrNoCycle", err)
	}
	must(t, s.Bind(Lineage{Katana: "location:1"}))
	if _, err := s.Begin(); err == nil || !strings.Contains(err.Error(), "reading only") {
		t.Errorf("got %v, want a refusal", err)
	}
	mustClose(t, s)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want no file", err)
	}
}
