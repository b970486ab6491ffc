// Package shopify reads and writes the stock of one Shopify store, and reads what
// its orders take of it, through the GraphQL Admin API. What it promises:
//
//   - A read is complete or an error: every page and every nested page is
//     followed to its end, and an answer that carries an error beside its data
//     is an error. A large store is read by a bulk query, whose result has as
//     many lines as were promised, or is an error too.
//   - A write is compare-and-set on every line, carries the idempotency key of
//     its batch, and tells what became of each line. A level is activated under
//     a key of its own, with nothing to sell. When nobody can tell whether a
//     write was applied, the error is [inventory.ErrAnswerLost].
//   - Nothing is sent that the store's bucket of cost points would not carry,
//     as far as its answers have told.
//   - Errors name the operation and Shopify's request id, and hold no secret;
//     the URL of a bulk query's result is one.
//
// [New] makes a [Client]. operations.graphql holds what it asks; generated.go
// is made of it, against schema.graphql, by `go generate`. bulk.graphql is what
// a bulk query asks.
//
// https://shopify.dev/docs/api/admin-graphql/2026-10
package shopify

//go:generate go run ./internal/trim
