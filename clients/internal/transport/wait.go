package transport

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	waitFloor = 250 * time.Millisecond // Retry-After: 0 must not become a hot loop
	waitCap   = 5 * time.Minute        // beyond it the caller is told instead of kept waiting
	waitMost  = 24 * time.Hour         // no server's word is good for longer

	backoffFirst = 500 * time.Millisecond
	backoffMost  = 30 * time.Second
)

// retryAfter reads whole seconds, a fraction ("2.0", which Shopify is known to
// send) or an HTTP date, which is compared with the server's own clock when
// the answer shows it. Zero means that there was nothing readable.
func retryAfter(text string, serverNow time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if math.IsNaN(seconds) || seconds < 0 {
			return 0
		}
		seconds = min(seconds, waitMost.Seconds())
		return max(time.Duration(seconds*float64(time.Second)), waitFloor)
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if serverNow.IsZero() {
		serverNow = time.Now()
	}
	return min(max(date.Sub(serverNow), waitFloor), waitMost)
}

// waitAfter is how long to wait after an answer that is worth another try.
// What the server named is stretched by up to a tenth, so that clients that
// were turned away together do not come back together.
func (x *exchange) waitAfter(resp *Response, verdict Verdict) time.Duration {
	wait := verdict.Wait
	if wait == 0 {
		wait = resp.Wait
	}
	if wait == 0 {
		return x.exponential()
	}
	wait = max(wait, waitFloor)
	if wait > waitCap {
		return wait
	}
	return min(wait+time.Duration(x.client.opts.Rand()*0.1*float64(wait)), waitCap)
}

// exponential is full jitter: anything up to the step, which doubles.
func (x *exchange) exponential() time.Duration {
	step := backoffFirst << min(x.try-1, 10)
	step = min(step, backoffMost)
	return max(time.Duration(x.client.opts.Rand()*float64(step)), waitFloor)
}

// timeoutError reports that a limit of ours, of this length, was reached.
type timeoutError time.Duration

func (e timeoutError) Error() string { return fmt.Sprintf("no answer within %s", time.Duration(e)) }

// Timeout makes it a net.Error of the usual kind.
func (e timeoutError) Timeout() bool { return true }

// Temporary completes net.Error.
func (e timeoutError) Temporary() bool { return true }
