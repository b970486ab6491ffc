package state

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"stocksyncd/reconcile/inventory"
)

// eager has a file made smaller for a few kilobytes.
var eager = Options{Now: clock, Timeout: 30 * time.Second, worthwhile: 16 << 10}

// bloat makes a file of which most is free, and gives what is in it.
func bloat(t testing.TB, path string, opts Options) dump {
	t.Helper()
	s := mustOpenWith(t, path, opts)
	defer mustClose(t, s)
	if err := swell(s); err != nil {
		t.Fatal(err)
	}
	finish(t, s, reportWith(1, epoch, item(1, inventory.Waiting, 9)), reportWith(2, epoch, item(1, inventory.Applied, 9)))
	_, err := s.Intend(batchOf("main", 3, 4))
	must(t, err)
	return dumpOf(t, s, "main")
}

// swell has a file grow, and takes out again most of what it grew by.
func swell(s *Store) error {
	levels := seenLevels(3000, 5)
	if err := s.Observe("main", inventory.Observation{Levels: levels, Memory: inFlight(2)}); err != nil {
		return err
	}
	var gone []inventory.Key
	for key := range levels {
		if key.Item > 100 {
			gone = append(gone, key)
		}
	}
	return s.Observe("main", inventory.Observation{Gone: gone, Memory: inFlight(2)})
}

func sizeOf(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	return info.Size()
}

// inodeOf tells files apart that have the same name one after the other.
func inodeOf(t testing.TB, path string) uint64 {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	return info.Sys().(*syscall.Stat_t).Ino
}

// wantAlone wants nothing beside the file.
func wantAlone(t testing.TB, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("got %v, want the file alone", entries)
	}
}

func TestAFileThatIsMostlyFreeIsMadeSmallerWhenItIsOpened(t *testing.T) {
	path := newPath(t)
	want := bloat(t, path, Options{Now: clock})
	size, inode := sizeOf(t, path), inodeOf(t, path)
	mustClose(t, mustOpen(t, path)) // that little is not worth it
	if inodeOf(t, path) != inode {
		t.Fatal("the file was made smaller for nothing")
	}
	s := mustOpenWith(t, path, eager)
	if notes := s.Notes(); len(notes) != 0 {
		t.Errorf("got notes %q", notes)
	}
	same(t, "file", dumpOf(t, s, "main"), want)
	if got := sizeOf(t, path); got*2 > size || inodeOf(t, path) == inode {
		t.Errorf("got a file of %d bytes, was one of %d", got, size)
	}
	info, err := os.Stat(path)
	must(t, err)
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("got mode %o, want 600", got)
	}
	wantAlone(t, path)
	must(t, swell(s)) // it goes on
	mustClose(t, s)
	s = mustOpen(t, path)
	defer mustClose(t, s)
	same(t, "file", dumpOf(t, s, "main"), want)
}

func TestAFileIsMadeSmallerOnlyForMuch(t *testing.T) {
	path := newPath(t)
	s := mustOpenWith(t, path, eager)
	defer mustClose(t, s)
	must(t, swell(s))
	all, free, err := s.extent()
	must(t, err)
	for _, test := range []struct {
		name       string
		worthwhile int64
		want       bool
	}{
		{"as much as it must be", free, false},
		{"more than it must be", free - 1, true},
		{"less than half of what there is now", 1, false},
	} {
		s.opts.worthwhile = test.worthwhile
		inode := inodeOf(t, path)
		gave, err := s.Compact()
		must(t, err)
		if got := inodeOf(t, path) != inode; got != test.want || (gave > 0) != test.want {
			t.Errorf("%s: of %d bytes %d were free, and %d were given back", test.name, all, free, gave)
		}
		if left, _, err := s.extent(); gave > 0 && (err != nil || gave != all-left) {
			t.Errorf("%s: %d bytes became %d, %v, and %d were given back", test.name, all, left, err, gave)
		}
	}
}

func TestAReaderMakesNoFileSmaller(t *testing.T) {
	path := newPath(t)
	want := bloat(t, path, Options{Now: clock})
	must(t, os.WriteFile(path+copyName, []byte("of a daemon that was killed"), 0o600))
	before, err := os.ReadFile(path)
	must(t, err)
	opts := eager
	opts.ReadOnly = true
	s := mustOpenWith(t, path, opts)
	defer mustClose(t, s)
	if gave, err := s.Compact(); gave != 0 || err != nil {
		t.Errorf("got %d bytes, %v", gave, err)
	}
	same(t, "file", dumpOf(t, s, "main"), want)
	after, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("a reader changed the file")
	}
	if _, err := os.Stat(path + copyName); err != nil {
		t.Error(err)
	}
}

// TestWhatIsLeftOfAnAttemptIsRemoved puts beside a file what a machine leaves
// that stops while the file is made smaller: any part of the new one.
func TestWhatIsLeftOfAnAttemptIsRemoved(t *testing.T) {
	path := newPath(t)
	want := bloat(t, path, Options{Now: clock})
	s := mustOpen(t, path)
	copied, err := s.copyTo(path + copyName)
	must(t, err)
	mustClose(t, s)
	whole, err := os.ReadFile(copied.path)
	must(t, err)
	must(t, copied.db.Close())
	random := rand.New(rand.NewPCG(8, 3))
	for i := range 12 {
		part := slices.Clone(whole[:len(whole)*i/11])
		for at := 0; at+4096 <= len(part); at += 4096 {
			if i < 11 && random.IntN(3) == 0 {
				clear(part[at : at+4096])
			}
		}
		must(t, os.WriteFile(path+copyName, part, 0o600))
		s := mustOpenWith(t, path, []Options{{Now: clock}, eager}[i%2])
		if notes := s.Notes(); len(notes) != 0 {
			t.Fatalf("got notes %q", notes)
		}
		same(t, "file", dumpOf(t, s, "main"), want)
		wantAlone(t, path)
		must(t, swell(s))
		mustClose(t, s)
	}
}

func TestAFileThatCannotBeMadeSmallerStaysInUse(t *testing.T) {
	path := newPath(t)
	want := bloat(t, path, Options{Now: clock})
	inode := inodeOf(t, path)
	must(t, os.MkdirAll(path+copyName+"/in the way", 0o700))
	s := mustOpenWith(t, path, eager)
	defer mustClose(t, s)
	notes := strings.Join(s.Notes(), "\n")
	if len(s.Notes()) != 2 || !strings.Contains(notes, path+" could not be made smaller") || !strings.Contains(notes, "stays in use as it is") {
		t.Errorf("got notes %q, want what is in the way and what that costs", s.Notes())
	}
	if _, err := s.Compact(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want what is in the way", err)
	}
	if inodeOf(t, path) != inode {
		t.Error("got another file")
	}
	same(t, "file", dumpOf(t, s, "main"), want)
	must(t, swell(s))
}

func TestAFileThatWasMovedAwayIsNotMadeSmaller(t *testing.T) {
	path := newPath(t)
	bloat(t, path, Options{Now: clock})
	s := mustOpen(t, path)
	defer mustClose(t, s)
	s.opts.worthwhile = 1
	must(t, os.Rename(path, path+".old"))
	must(t, os.WriteFile(path, []byte("another"), 0o600))
	if _, err := s.Compact(); err == nil || !strings.Contains(err.Error(), "another file by now; restart the daemon") {
		t.Errorf("got %v, want that the path leads elsewhere", err)
	}
	left, err := os.ReadFile(path)
	must(t, err)
	same(t, "other file", string(left), "another")
	_, err = s.Begin()
	must(t, err)
}

func TestALinkToTheFileStaysOne(t *testing.T) {
	target := newPath(t)
	want := bloat(t, target, Options{Now: clock})
	path := newPath(t)
	must(t, os.Symlink(target, path))
	inode := inodeOf(t, target)
	s := mustOpenWith(t, path, eager)
	defer mustClose(t, s)
	same(t, "file", dumpOf(t, s, "main"), want)
	if to, err := os.Readlink(path); err != nil || to != target {
		t.Errorf("the path leads to %q, %v", to, err)
	}
	if inodeOf(t, target) == inode {
		t.Error("the file behind the link was not made smaller")
	}
	wantAlone(t, path)
	wantAlone(t, target)
}

func TestTheFileStaysItsOwners(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	path := newPath(t)
	bloat(t, path, Options{Now: clock})
	must(t, os.Chown(path, 4711, 4712))
	mustClose(t, mustOpenWith(t, path, eager))
	info, err := os.Stat(path)
	must(t, err)
	if has := info.Sys().(*syscall.Stat_t); has.Uid != 4711 || has.Gid != 4712 {
		t.Errorf("got a file of %d:%d, want 4711:4712", has.Uid, has.Gid)
	}
}

func TestADiskThatFailsWhileTheFileIsCopiedLeavesNothingBehind(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(3000, 5)}))
	must(t, os.Truncate(path, 8192)) // the pages beyond are gone, and reading them faults
	if err := s.rewrite(); err == nil {
		t.Error("a file that cannot be read was copied")
	}
	wantAlone(t, path)
	if _, err := s.Store("main"); err == nil || !strings.Contains(err.Error(), "restart the daemon") {
		t.Errorf("got %v, want the next step", err)
	}
	mustClose(t, s)
}

func TestACopyThatLacksARecordIsNotUsed(t *testing.T) {
	path := newPath(t)
	bloat(t, path, Options{Now: clock})
	s := mustOpen(t, path)
	defer mustClose(t, s)
	fresh, err := s.copyTo(path + copyName)
	must(t, err)
	defer fresh.discard(nil)
	records := len(content(t, mustRead(t, path)))
	must(t, fresh.prove(records))
	if err := fresh.prove(records + 1); err == nil || !strings.Contains(err.Error(), "records") {
		t.Errorf("got %v, want the count", err)
	}
	must(t, fresh.db.Update(func(tx *bolt.Tx) error { return tx.DeleteBucket(bucketHistory) }))
	if err := fresh.prove(records); err == nil || !strings.Contains(err.Error(), "lacks history") {
		t.Errorf("got %v, want what is missing", err)
	}
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

// TestNoTransactionCopiesMoreThanItMay counts what each carries.
func TestNoTransactionCopiesMoreThanItMay(t *testing.T) {
	path := newPath(t)
	s := mustOpenUnsynced(t, path, Options{Now: clock})
	defer mustClose(t, s)
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(25_000, 5)}))
	must(t, s.Observe("a", inventory.Observation{}))
	must(t, s.update(func(tx *bolt.Tx) error {
		for cycle := range uint64(6) {
			long := record{plainRecord, epoch, bytes.Repeat([]byte("a long report "), 80_000)}
			if err := tx.Bucket(bucketHistory).Put(number(cycle), long.seal(placeHistory, number(cycle))); err != nil {
				return err
			}
		}
		return nil
	}))
	var got []string
	var sizes []int
	must(t, s.view(func(tx *bolt.Tx) error {
		return portions(tx, func(portion []entry) error {
			size := 0
			for _, e := range portion {
				var within []string
				for _, name := range e.path {
					within = append(within, string(name))
				}
				got = append(got, line(within, e.key, e.value, e.value == nil))
				size += len(e.key) + len(e.value)
			}
			if last := portion[len(portion)-1]; len(portion) > most || size-len(last.value) > mostBytes {
				t.Errorf("a transaction carries %d keys and %d bytes", len(portion), size)
			}
			sizes = append(sizes, len(portion))
			return nil
		})
	}))
	if !slices.Equal(got, content(t, mustRead(t, path))) {
		t.Error("the portions are not all of the file in order")
	}
	if slices.Max(sizes) != most || len(sizes) < 4 {
		t.Errorf("got portions of %v", sizes)
	}
	before := txid(t, s)
	must(t, s.rewrite())
	if got, want := txid(t, s), len(sizes)+1; got != want || before == got { // bbolt begins with 1
		t.Errorf("the copy took %d transactions, want %d", got-1, want-1)
	}
}

// TestAFileIsMadeSmallerWhileItIsUsed: whoever reads or writes meanwhile waits,
// and neither loses anything nor sees half of it.
func TestAFileIsMadeSmallerWhileItIsUsed(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := mustOpenWith(t, path, Options{Now: clock})
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(500, 5)}))
	const writers, rounds = 3, 20
	var work sync.WaitGroup
	for range writers {
		work.Go(func() {
			for range rounds {
				id, err := s.Intend(batchOf("main", 1, 9))
				if err == nil {
					err = s.Settle("main", inventory.Settled{ID: id, Outcomes: outcomesOf(batchOf("main", 1, 9), inventory.Applied)})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		work.Go(func() {
			for range rounds {
				kept, err := s.Store("main")
				if err != nil || len(kept.Levels) != 500 || len(kept.Open) > writers {
					t.Errorf("got %d levels and %d open batches, %v", len(kept.Levels), len(kept.Open), err)
				}
			}
		})
	}
	for range rounds {
		s.swap.Lock()
		err := s.rewrite()
		s.swap.Unlock()
		must(t, err)
	}
	work.Wait()
	mustClose(t, s)
	s = mustOpen(t, path)
	defer mustClose(t, s)
	if got := len(settledIn(t, s)); got != writers*rounds {
		t.Errorf("got %d settled batches, want %d", got, writers*rounds)
	}
	wantAlone(t, path)
}

func TestOneWhoWaitedGetsTheSmallerFile(t *testing.T) {
	path := newPath(t)
	bloat(t, path, Options{Now: clock})
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
	must(t, first.rewrite())
	wantLocked(t, path, Options{})
	cycle, err := first.Begin()
	must(t, err)
	mustClose(t, first)
	got := <-waiter
	must(t, got.err)
	defer mustClose(t, got.s)
	if next, err := got.s.Begin(); err != nil || next != cycle+1 {
		t.Errorf("got cycle %d, %v, want %d", next, err, cycle+1)
	}
}

// TestWhoeverGetsTheLockOfTheOldFileSeesThatItIsNoLongerTheOne: some had opened
// the file before it was made smaller, and wait for its lock.
func TestWhoeverGetsTheLockOfTheOldFileSeesThatItIsNoLongerTheOne(t *testing.T) {
	path := newPath(t)
	bloat(t, path, Options{Now: clock})
	s := mustOpen(t, path)
	defer mustClose(t, s)
	for range 50 {
		late, err := os.OpenFile(path, os.O_RDWR, 0)
		must(t, err)
		elsewhere := make(chan bool)
		go func() {
			// The kernel wakes it in the moment in which the lock is given up.
			err := syscall.Flock(int(late.Fd()), syscall.LOCK_EX)
			elsewhere <- err == nil && !isAt(late, path)
		}()
		must(t, s.rewrite())
		if !<-elsewhere {
			t.Fatal("the lock of the old file was given up while the path led to it")
		}
		ours, err := take(late, path, syscall.LOCK_EX)
		if ours || err != nil {
			t.Fatalf("the old file is taken for the new one, %v", err)
		}
		must(t, late.Close())
	}
}

// childCompete opens a file again and again, which is made smaller each time,
// and once more in between, and prints the cycle numbers that it draws.
func childCompete(path, rounds string) {
	n, err := strconv.Atoi(rounds)
	childMust(err)
	for range n {
		s, err := Open(path, eager)
		childMust(err)
		childMust(swell(s))
		first, err := s.Begin()
		childMust(err)
		childMust(s.rewrite())
		second, err := s.Begin()
		childMust(err)
		fmt.Println(first, second)
		childMust(s.Close())
	}
}

// TestProcessesThatWaitForEachOtherNeverGoOnWithADeletedFile: on such a file,
// the numbers that others drew in the meantime would come again.
func TestProcessesThatWaitForEachOtherNeverGoOnWithADeletedFile(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	bloat(t, path, Options{Now: clock})
	inode := inodeOf(t, path)
	const processes, rounds = 4, 6
	var mu sync.Mutex
	drawn := map[uint64]int{}
	var work sync.WaitGroup
	for range processes {
		cmd, lines := child(t, "compete", path, strconv.Itoa(rounds))
		work.Go(func() {
			for lines.Scan() {
				var first, second uint64
				if _, err := fmt.Sscan(lines.Text(), &first, &second); err != nil || second != first+1 {
					t.Errorf("got %q: somebody else drew a number meanwhile, %v", lines.Text(), err)
				}
				mu.Lock()
				drawn[first]++
				drawn[second]++
				mu.Unlock()
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	numbers := slices.Sorted(maps.Keys(drawn))
	if len(numbers) != 2*processes*rounds || numbers[len(numbers)-1] != 2*processes*rounds {
		t.Errorf("got numbers %v, want each up to %d once", numbers, 2*processes*rounds)
	}
	if inodeOf(t, path) == inode {
		t.Error("the file was never made smaller")
	}
	wantAlone(t, path)
}

// childCompact makes a file smaller again and again, until it is killed.
func childCompact(path string) {
	s, err := Open(path, Options{Now: clock})
	childMust(err)
	for {
		childMust(s.rewrite())
	}
}

// TestAProcessThatIsKilledLeavesTheOldFileOrTheNewOne kills it when the copy
// has grown to this size or that.
func TestAProcessThatIsKilledLeavesTheOldFileOrTheNewOne(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := mustOpenUnsynced(t, path, Options{Now: clock})
	must(t, s.Observe("main", inventory.Observation{Levels: seenLevels(12_000, 5), Memory: inFlight(2)}))
	finish(t, s, reportOf(1, epoch))
	want := dumpOf(t, s, "main")
	must(t, s.rewrite())
	size := sizeOf(t, path) // of a copy
	mustClose(t, s)
	left := 0
	for round := range int64(8) {
		cmd, _ := child(t, "compact", path)
		killWhen(t, cmd, func() bool {
			info, err := os.Stat(path + copyName)
			return err == nil && info.Size() >= size*round/10
		})
		if _, err := os.Stat(path + copyName); err == nil {
			left++
		}
		s := mustOpen(t, path)
		if notes := s.Notes(); len(notes) != 0 {
			t.Fatalf("round %d: %q", round, notes)
		}
		same(t, "file", dumpOf(t, s, "main"), want)
		mustClose(t, s)
		wantAlone(t, path)
	}
	if left == 0 {
		t.Error("no kill came before the copy was complete")
	}
}

// killWhen kills a process as soon as something is so.
func killWhen(t *testing.T, cmd *exec.Cmd, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Error("the process does not get that far")
			break
		}
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
}

// childCrowded makes a file smaller on a disk without room for the new one.
func childCrowded(path string) {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	childMust(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	childMust(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 24 << 10, Max: limit.Max}))
	s, err := Open(path, eager)
	childMust(err)
	fmt.Println(strings.Join(s.Notes(), " "))
	_, err = s.Compact()
	fmt.Println(err)
	childMust(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	cycle, err := s.Begin()
	childMust(err)
	gave, err := s.Compact()
	childMust(err)
	fmt.Println(cycle, gave > 0)
	childMust(s.Close())
}

func TestAFullDiskLeavesTheFileAsItIsUntilThereIsRoom(t *testing.T) {
	path := newPath(t)
	want := bloat(t, path, Options{Now: clock})
	cmd, lines := child(t, "crowded", path)
	var got []string
	for lines.Scan() {
		got = append(got, lines.Text())
	}
	must(t, cmd.Wait())
	const full = "could not be made smaller"
	if len(got) != 3 || !strings.Contains(got[0], full) || !strings.Contains(got[0], "stays in use") || !strings.Contains(got[1], full) {
		t.Fatalf("got %q, want a note and an error", got)
	}
	same(t, "cycle, and whether it is smaller at last", got[2], "1 true")
	wantAlone(t, path)
	s := mustOpen(t, path)
	defer mustClose(t, s)
	same(t, "file", dumpOf(t, s, "main"), want)
}
