// Package transport is the one HTTP client of both APIs. What it promises:
//
//   - Retries are go-retryablehttp's alone, and each try waits for its turn in
//     the [Budget] first, so that retries are paced like everything else.
//   - Who waits for a [Budget] stands in one [Queue]: the most urgent is next, the
//     others are sure of a part, and what others on the same key leave is enough.
//   - A request that changes something is sent a second time only when that is
//     harmless: it carries an idempotency key ([Request.Repeatable]), the server
//     refused it unheard, or it never left this machine. When nobody can tell
//     whether it was carried out, the caller is told so.
//   - Every answer is read whole, within a size limit and a time limit, before
//     anybody looks at it: a body that was cut is a failed try, never data.
//     What is too large for that is handed over while it arrives
//     ([Request.Into]), and a cut is a failed try there too.
//   - No error holds a query string, a full URL or a secret.
//
// An adapter makes one [Client] per API key or store with [New], and calls
// [Client.Do]; what a status means is the adapter's to say ([Options.Classify]).
package transport
