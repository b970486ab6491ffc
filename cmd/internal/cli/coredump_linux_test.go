package cli

import (
	"errors"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestACommandThatHoldsTokensLeavesNoCoreDump(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	b.expect(exitDone, "once")
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil || dumpable != 0 {
		t.Errorf("dumpable is %d, %v; want 0", dumpable, err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil || limit.Cur != 0 || limit.Max != 0 {
		t.Errorf("the limit of core dumps is %+v, %v; want 0", limit, err)
	}
}

// forbidLimits has a thread refused what asks for limits or sets them, as the
// filter of a service manager does.
func forbidLimits() error {
	deny := func(call uint32, behind uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: behind, K: call}
	}
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the number of the call
		deny(unix.SYS_GETRLIMIT, 3), deny(unix.SYS_SETRLIMIT, 2), deny(unix.SYS_PRLIMIT64, 1),
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}

func TestWhereNoLimitMayBeSetACommandLeavesNoCoreDumpEither(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	var forbidden, got error
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine, and the filter with it
		if forbidden = forbidLimits(); forbidden == nil {
			got = noCoreDump()
		}
	}()
	<-done
	if forbidden != nil {
		t.Skip("no filter is to be had here: ", forbidden)
	}
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if !errors.Is(got, unix.EPERM) || err != nil || dumpable != 0 {
		t.Errorf("it says %v, and dumpable is %d, %v; want it refused, and 0", got, dumpable, err)
	}
}
