package transport

import (
	"testing"
	"time"
)

// FuzzRetryAfter: whatever a server asks for, the wait is none, or neither a hot
// loop nor for ever.
func FuzzRetryAfter(f *testing.F) {
	for _, text := range []string{"2.0", "0", "-1", "1e999", "NaN", "Inf", "0x1p4", "Wed, 04 Mar 2026 05:06:07 GMT", "Wed, 04 Mar 9999 05:06:07 GMT", " 7 ", ""} {
		f.Add(text, int64(1_772_600_000))
		f.Add(text, int64(0))
	}
	f.Fuzz(func(t *testing.T, text string, server int64) {
		var now time.Time
		if server != 0 {
			now = time.Unix(server, 0)
		}
		if wait := retryAfter(text, now); wait != 0 && (wait < waitFloor || wait > waitMost) {
			t.Errorf("%q: waits %s", text, wait)
		}
	})
}
