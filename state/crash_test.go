package state

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"stocksyncd/reconcile/inventory"
)

// The test binary runs itself as the other process; this variable says as what.
const asChild = "STOCKSYNCD_STATE_TEST"

func TestMain(m *testing.M) {
	switch os.Getenv(asChild) {
	case "":
		childMust(flag.Set("rapid.checks", "50")) // each of them waits for the disk; the command line may ask for more
		childMust(flag.Set("rapid.seed", "1"))    // so that a run can be repeated; the same holds
		os.Exit(m.Run())
	case "script":
		childScript(os.Args[1], os.Args[2], func(*Store) error { return nil })
	case "script anew":
		childScript(os.Args[1], os.Args[2], (*Store).rewrite)
	case "compact":
		childCompact(os.Args[1])
	case "compete":
		childCompete(os.Args[1], os.Args[2])
	case "crowded":
		childCrowded(os.Args[1])
	case "hold":
		childHold(os.Args[1])
	case "full":
		childFull(os.Args[1])
	}
}

// child starts the test binary as another process. Its lines come through the
// scanner; it ends when the test does.
func child(t *testing.T, as string, args ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asChild+"="+as)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Wait() }) // killed by then, or waited for before
	return cmd, bufio.NewScanner(out)
}

func childMust(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
}

// script is what a daemon does to its file, one step after the other; the same
// seed gives the same steps.
type script struct {
	random *rand.Rand
	open   []inventory.OpenIntent
	cycle  uint64
}

func newScript(seed uint64) *script { return &script{random: rand.New(rand.NewPCG(seed, 1))} }

const scriptSteps = 60

func (c *script) step(s *Store, i int) error {
	switch {
	case i%12 == 0:
		cycle, err := s.Begin()
		c.cycle = cycle
		return err
	case i%12 == 11:
		report := reportOf(c.cycle, epoch)
		report.Stores[0].Levels = i // so that it is news
		return s.Finish(inventory.Finish{Report: report, Source: inventory.SourceMemory{Rows: map[inventory.SourceLocationID]int{1: i}}, Stores: map[inventory.StoreName]inventory.Memory{"main": inFlight(i)}})
	case c.random.IntN(4) == 0:
		return s.Read(c.part(i))
	case len(c.open) > 0 && c.random.IntN(2) == 0:
		settled := inventory.Settled{ID: c.open[0].ID, Outcomes: outcomesOf(c.open[0].Intent, inventory.Applied, inventory.Stale)}
		c.open = c.open[1:]
		if c.random.IntN(3) == 0 {
			return s.Observe("main", inventory.Observation{Levels: c.levels(), Memory: inFlight(i), Settled: []inventory.Settled{settled}})
		}
		settled.Levels = c.levels()
		return s.Settle("main", settled)
	case c.random.IntN(2) == 0:
		intent := c.batch(i)
		id, err := s.Intend(intent)
		c.open = append(c.open, inventory.OpenIntent{ID: id, Intent: intent})
		return err
	}
	memory := inFlight(i)
	memory.Look = inventory.Look{Whole: epoch, Mark: epoch.Add(time.Duration(i) * time.Minute), Swept: inventory.VariantID(i)}
	return s.Observe("main", inventory.Observation{
		Levels: c.levels(), Gone: []inventory.Key{level(1 + c.random.IntN(400))}, Memory: memory,
		Items: itemsUpTo(c.random.IntN(60), fmt.Sprint("ITEM-", i)), Removed: []inventory.ItemID{inventory.ItemID(1 + c.random.IntN(90))},
	})
}

// part is a part of Katana, with what is kept beside it every other time.
func (c *script) part(i int) inventory.SourceRead {
	part := partOf(1+c.random.IntN(60), i)
	part.Gone = []inventory.SourceVariantID{inventory.SourceVariantID(1 + c.random.IntN(90))}
	if c.random.IntN(2) == 0 {
		part.Head = nil
	}
	return part
}

func (c *script) levels() map[inventory.Key]inventory.Seen {
	levels := map[inventory.Key]inventory.Seen{}
	for range c.random.IntN(200) {
		levels[level(1+c.random.IntN(400))] = seenUnits(c.random.IntN(50))
	}
	return levels
}

// batch is a batch of some of the levels.
func (c *script) batch(to int) inventory.Intent {
	intent := batchOf("main", c.cycle, to)
	for range c.random.IntN(60) {
		change := intent.Changes[0]
		change.Key = level(1 + c.random.IntN(400))
		intent.Changes = append(intent.Changes, change)
	}
	return intent
}

// play plays a script and gives the state before it and after each step.
func play(t *testing.T, seed uint64) []dump {
	t.Helper()
	s := mustOpenUnsynced(t, newPath(t), Options{Now: clock})
	defer mustClose(t, s)
	states := []dump{dumpOf(t, s, "main")}
	c := newScript(seed)
	for i := range scriptSteps {
		must(t, c.step(s, i))
		states = append(states, dumpOf(t, s, "main"))
	}
	return states
}

// childScript plays a script and says after each step that it is done.
func childScript(path, seed string, after func(*Store) error) {
	n, err := strconv.ParseUint(seed, 10, 64)
	childMust(err)
	s, err := Open(path, Options{Now: clock})
	childMust(err)
	c := newScript(n)
	for i := range scriptSteps {
		childMust(c.step(s, i))
		childMust(after(s))
		fmt.Println("done", i+1)
	}
}

func TestAKilledProcessLosesNothingThatWasRecorded(t *testing.T) {
	t.Parallel()
	for seed := range uint64(22) {
		states := play(t, seed)
		path := newPath(t)
		as := []string{"script", "script anew"}[seed%2]
		cmd, lines := child(t, as, path, strconv.FormatUint(seed, 10))
		after := 1 + int(seed*2) // steps that were answered when the kill is sent
		done := 0
		for done < after && lines.Scan() {
			_, err := fmt.Sscanf(lines.Text(), "done %d", &done)
			must(t, err)
		}
		must(t, cmd.Process.Kill())
		for lines.Scan() { // what was answered before the kill arrived
			if _, err := fmt.Sscanf(lines.Text(), "done %d", &done); err != nil {
				break // the last line was cut
			}
		}
		_ = cmd.Wait() // it was killed

		s := mustOpen(t, path)
		if len(s.Notes()) != 0 {
			t.Fatalf("seed %d: %q", seed, s.Notes())
		}
		got := dumpOf(t, s, "main")
		mustClose(t, s)
		if !isOneOf(got, states[done:min(done+2, len(states))]) {
			t.Errorf("seed %d: after %d answered steps the file is neither at that step nor at the next", seed, done)
		}
	}
}

func isOneOf(got dump, states []dump) bool {
	for _, want := range states {
		if cmp.Equal(got, want, cmpopts.EquateEmpty()) {
			return true
		}
	}
	return false
}

// TestATornTransactionNeverHappened puts files together as a machine leaves
// them that stops within a transaction: any of the new pages, and not yet the
// meta page that makes them count.
func TestATornTransactionNeverHappened(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := mustOpenUnsynced(t, path, Options{Now: clock})
	defer mustClose(t, s)
	random := rand.New(rand.NewPCG(9, 9))
	c := newScript(99)
	for i := range scriptSteps {
		want := dumpOf(t, s, "main")
		before, err := os.ReadFile(path)
		must(t, err)
		must(t, c.step(s, i))
		after, err := os.ReadFile(path)
		must(t, err)

		torn := append(bytes.Clone(before), make([]byte, len(after)-len(before))...)
		for at := 2 * 4096; at < len(after); at += 4096 {
			if random.IntN(2) == 0 {
				copy(torn[at:at+4096], after[at:])
			}
		}
		copied := newPath(t)
		must(t, os.WriteFile(copied, torn, 0o600))
		again := mustOpen(t, copied)
		if len(again.Notes()) != 0 {
			t.Fatalf("step %d: %q", i, again.Notes())
		}
		same(t, "torn within step "+strconv.Itoa(i), dumpOf(t, again, "main"), want)
		mustClose(t, again)
	}
}

// TestACutLookKeepsTheLedgerBeforeTheLevels fails a look of several
// transactions after the first: the falls must be in the ledger by then.
func TestACutLookKeepsTheLedgerBeforeTheLevels(t *testing.T) {
	s := mustOpen(t, newPath(t))
	defer mustClose(t, s)
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(100, 5)}))
	id, err := s.Intend(batchOf("main", 1, 2))
	must(t, err)
	info, err := os.Stat(s.path)
	must(t, err)
	s.db.MaxSize = int(info.Size()) + 1<<20 // room for some of it

	err = s.Observe("main", inventory.Observation{
		Levels: seenLevels(200_000, 3), Memory: inFlight(2), Settled: []inventory.Settled{{ID: id}},
	})
	if err == nil || !strings.Contains(err.Error(), s.path) || !strings.Contains(err.Error(), "make room") {
		t.Fatalf("got %v, want the file and the next step", err)
	}
	got, err := s.Store("main")
	must(t, err)
	const others = 3 // keys of the first portion: the memory, and the batch in two places
	if (len(got.Levels)+others)%most != 0 || len(got.Levels) >= 200_000 || len(got.Levels) == 0 {
		t.Errorf("got %d levels, want some whole portions of %d", len(got.Levels), most)
	}
	same(t, "memory", got.Memory, inFlight(2))
	if len(got.Open) != 0 {
		t.Errorf("got %+v still open", got.Open)
	}
	s.db.MaxSize = 0
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(200_000, 3), Memory: inFlight(2)}))
}

// TestALookThatIsCutOffVouchesForNoMoreThanTheOneBefore has the disk fill up at
// every place of a look in turn. Where the levels of an item are there, so is the
// item.
func TestALookThatIsCutOffVouchesForNoMoreThanTheOneBefore(t *testing.T) {
	t.Parallel()
	const count = 12_000
	former := inventory.Look{Whole: epoch, Mark: epoch.Add(time.Hour), Swept: 90, Locations: []inventory.Location{{ID: 7, Name: "Oslo"}}}
	next := inventory.Look{Whole: epoch.Add(time.Hour), Mark: epoch.Add(2 * time.Hour), Swept: 30, Locations: []inventory.Location{{ID: 7, Name: "Bergen"}}}
	vanish := inventory.Observation{Memory: inFlight(3)} // of a store that is not looked at any more
	for item := range 100 {
		vanish.Gone, vanish.Removed = append(vanish.Gone, level(item+1)), append(vanish.Removed, inventory.ItemID(item+1))
	}
	grow := inventory.Observation{Levels: seenLevels(count, 3), Items: itemsUpTo(count, "MUG"), Memory: inFlight(3)}
	swept := grow
	swept.Memory.Look = inventory.Look{Swept: 400}
	grow.Memory.Look = next
	blind := grow
	blind.Memory.Look = inventory.Look{}
	for name, test := range map[string]struct {
		seen inventory.Observation
		want inventory.Look
	}{
		"the next look":                            {grow, inventory.Look{Whole: former.Whole, Mark: former.Mark, Swept: 30, Locations: former.Locations}},
		"a look that begins anew, and sweeps":      {swept, inventory.Look{Swept: 90, Locations: former.Locations}},
		"none at all, where levels may be missing": {blind, inventory.Look{}},
	} {
		path := newPath(t)
		s := mustOpenUnsynced(t, path, Options{Now: clock})
		memory := inFlight(1)
		memory.Look = former
		must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(100, 5), Items: itemsUpTo(100, "MUG"), Memory: memory}))
		reached := map[string]bool{}
		for room := int64(128 << 10); ; room += 128 << 10 {
			must(t, s.rewrite())
			s.db.NoSync, s.db.AllocSize = true, 64<<10
			s.db.MaxSize = int(sizeOf(t, path) + room)
			err := s.Observe("main", test.seen)
			s.db.MaxSize = 0
			got, readErr := s.Store("main")
			must(t, readErr)
			for key := range got.Levels {
				if _, known := got.Items[key.Item]; !known {
					t.Fatalf("%s: level %s is there without its item", name, key)
				}
			}
			if err == nil {
				same(t, name+", at last", got.Memory, test.seen.Memory)
				same(t, name+": levels and items", []int{len(got.Levels), len(got.Items)}, []int{count, count})
				break
			}
			reached[fmt.Sprint(len(got.Items), " ", len(got.Levels))] = true
			if len(got.Items) > 100 {
				same(t, name+": ledger", got.Ledger, test.seen.Memory.Ledger)
				same(t, name, got.Look, test.want)
			}
			must(t, s.Forget("main"))
			must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(100, 5), Items: itemsUpTo(100, "MUG"), Memory: memory}))
		}
		if len(reached) < 3 {
			t.Errorf("%s: got as far as %v, want a stop after each transaction", name, reached)
		}
		must(t, s.Observe("main", vanish))
		got, err := s.Store("main")
		must(t, err)
		same(t, name+": levels and items that are left", []int{len(got.Levels), len(got.Items)}, []int{count - 100, count - 100})
		same(t, name+": look at a store that is left alone", got.Look, inventory.Look{})
		mustClose(t, s)
	}
}

func TestAnItemGoesAfterItsLevels(t *testing.T) {
	gone := arrange(inventory.Observation{
		Levels: seenLevels(3, 5), Gone: []inventory.Key{level(8), level(9)},
		Items: itemsUpTo(2, "MUG"), Removed: []inventory.ItemID{9, 2, 8},
	})
	levels := seenLevels(3, 5)
	var got []string
	for gone.any() {
		now := gone.cut(levels, 4)
		got = append(got, fmt.Sprint(len(now.items), " ", now.keys, " ", now.removed))
	}
	same(t, "portions of 4 keys", got, []string{
		fmt.Sprint(2, " ", []inventory.Key{level(1), level(2)}, " ", []inventory.ItemID{}),
		fmt.Sprint(0, " ", []inventory.Key{level(3), level(8)}, " ", []inventory.ItemID{}),
		fmt.Sprint(0, " ", []inventory.Key{level(9)}, " ", []inventory.ItemID{8, 9}), // 2 is there at once
	})
}

// childFull writes to a disk on which there is no more room, and then to one
// on which there is again.
func childFull(path string) {
	signal.Ignore(syscall.SIGXFSZ)
	s, err := Open(path, Options{Now: clock})
	childMust(err)
	childMust(s.Observe("main", inventory.Observation{Levels: seenLevels(10, 5), Memory: inFlight(1)}))
	var limit syscall.Rlimit
	childMust(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	full := syscall.Rlimit{Cur: 64 << 10, Max: limit.Max} // in the midst of the second look
	childMust(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full))
	err = s.Observe("main", inventory.Observation{Levels: seenLevels(9_999, 3), Memory: inFlight(7)})
	fmt.Println(err)
	kept, err := s.Store("main")
	childMust(err)
	fmt.Println(len(kept.Levels), kept.Ledger.Entries[0].Units)
	childMust(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	childMust(s.Observe("main", inventory.Observation{Levels: seenLevels(9_999, 3), Memory: inFlight(7)}))
	kept, err = s.Store("main")
	childMust(err)
	fmt.Println(len(kept.Levels), kept.Ledger.Entries[0].Units)
	childMust(s.Close())
}

func TestAFullDiskStopsOneWriteAndTheNextGoesOnWhenThereIsRoom(t *testing.T) {
	path := newPath(t)
	cmd, lines := child(t, "full", path)
	var got []string
	for lines.Scan() {
		got = append(got, lines.Text())
	}
	must(t, cmd.Wait())
	if len(got) != 3 || !strings.Contains(got[0], path+" could not be written") || !strings.Contains(got[0], "make room") {
		t.Fatalf("got %q, want an error with the file and the next step", got)
	}
	same(t, "levels and units in flight", got[1:], []string{"10 1", "9999 7"})
	s := mustOpen(t, path)
	if len(s.Notes()) != 0 {
		t.Error(s.Notes())
	}
	mustClose(t, s)
}
